/*
 * Copyright (c) 2026 The Open vSwitch VMQ developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#ifndef VMQ_SHOW_LOADS_H
#define VMQ_SHOW_LOADS_H 1

/* What vmq-show shows of PMDs, queues, ports and flows.
 *
 * Thread-safety: for the main thread. */

#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct ds;
struct vmq_json;
struct vmq_view;

/* The queues and PMDs are those of 'view->raw'.  Their loads are those of
 * 'view->snapshot', of the last sample before that. */
struct vmq_show_loads {
    const struct vmq_view *view;
    uint32_t *windowed;         /* Of each queue, index in 'view->snapshot'. */
    uint32_t *n_rxqs;           /* Of each PMD. */
};
void vmq_show_loads_init(struct vmq_show_loads *, const struct vmq_view *);
void vmq_show_loads_destroy(struct vmq_show_loads *);

/* Text: all but the flows. */
void vmq_show_loads_put(const struct vmq_show_loads *, struct ds *);

/* JSON, for VMQ_FIELD_CALL.  The row is a struct vmq_show_loads. */
void vmq_show_json_pmds(struct vmq_json *, const void *);
void vmq_show_json_rxqs(struct vmq_json *, const void *);
void vmq_show_json_ports(struct vmq_json *, const void *);
void vmq_show_json_flows(struct vmq_json *, const void *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-show-loads.h */

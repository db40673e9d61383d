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


#ifndef VMQ_ADOPT_H
#define VMQ_ADOPT_H 1

/* Adoption of datapath flows with recirculation ids.
 *
 * A revalidator that finds a flow which it does not know adopts it, unless the
 * flow has a recirculation id: the flow may come from an earlier run of the
 * switch, to which the id meant something else.  Dynamic VMQ copies flows
 * between PMD threads, with ids and all, and such flows would be deleted
 * within half a second.  But the flows of the userspace datapath do not
 * outlive the process, so that an id which is alive means what it says.
 *
 * Thread-safety: any thread. */

#include <stdbool.h>
#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct dpif;
struct dpif_flow;
struct recirc_refs;

bool vmq_adopt_ids(bool may_adopt, const struct dpif_flow *,
                   uint32_t *key_recirc_id, struct recirc_refs *);
bool vmq_adopt_recirc(struct dpif *, const struct dpif_flow *,
                      uint32_t *key_recirc_id, struct recirc_refs *);
long long int vmq_adopt_used(const struct dpif *, const struct dpif_flow *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-adopt.h */

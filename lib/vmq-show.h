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

#ifndef VMQ_SHOW_H
#define VMQ_SHOW_H 1

/* What vmq-show shows of a view.
 *
 * Thread-safety: for the main thread. */

#include <stdbool.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct ds;
struct vmq_view;

void vmq_show(const struct vmq_view *, bool json, struct ds *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-show.h */

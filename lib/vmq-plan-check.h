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

#ifndef VMQ_PLAN_CHECK_H
#define VMQ_PLAN_CHECK_H 1

/* Checks of plans, for tests and tools: not in the switch. */

#include "vmq-plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns true if 'plan' keeps every rule of vmq-plan.h that can be checked
 * from outside against 'snapshot'; otherwise false and, if 'why' is nonnull, a
 * malloc()'d explanation in '*why'. */
bool vmq_plan_valid(const struct vmq_plan *, const struct vmq_snapshot *,
                    const struct vmq_config *, char **why);

#ifdef __cplusplus
}
#endif

#endif /* vmq-plan-check.h */

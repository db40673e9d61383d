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

#ifndef VMQ_DUMB_H
#define VMQ_DUMB_H 1

/* The planner again, in the dumbest possible way.
 *
 * Tries every move there is, each time anew, and works out every load as a sum
 * over all queues: slow, and short enough to be believed.  The planner must
 * make the same plans. */

#include "vmq-config.h"
#include "vmq-credit.h"
#include "vmq-plan.h"
#include "vmq-snapshot.h"

/* What vmq_plan_compute() should say. */
void dumb_plan(const struct vmq_snapshot *, const struct vmq_config *,
               const struct vmq_ledger *, struct vmq_plan *);

#endif /* vmq-dumb.h */

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

#include <config.h>
#include "vmq-relief.h"

#include "util.h"
#include "vmq-edge.h"

void
vmq_relief_init(struct vmq_relief *relief)
{
    *relief = (struct vmq_relief) { .budget_ns = VMQ_RELIEF_MAX_NS };
    vmq_snapshot_init(&relief->first);
    vmq_snapshot_init(&relief->second);
    vmq_snapshot_init(&relief->looked);
    vmq_snapshot_init(&relief->snapshot);
    vmq_plan_init(&relief->plan);
}

void
vmq_relief_destroy(struct vmq_relief *relief)
{
    vmq_snapshot_destroy(&relief->first);
    vmq_snapshot_destroy(&relief->second);
    vmq_snapshot_destroy(&relief->looked);
    vmq_snapshot_destroy(&relief->snapshot);
    vmq_plan_destroy(&relief->plan);
}

/* Puts by what has accrued by 'now_ns', of a clock that does not go backward.
 * Returns true if an edge may be looked at. */
bool
vmq_relief_may_begin(struct vmq_relief *relief, uint64_t now_ns)
{
    if (now_ns > relief->budget_at_ns) {
        uint64_t more_ns = (now_ns - relief->budget_at_ns) / VMQ_RELIEF_SHARE;

        relief->budget_ns = MIN(VMQ_RELIEF_MAX_NS,
                                relief->budget_ns
                                + (int64_t) MIN(more_ns, INT64_MAX / 2));
        relief->budget_at_ns = now_ns;
    }
    return relief->budget_ns > 0;
}

/* A look at edges, or what followed, took 'used_ns' of CPU time. */
void
vmq_relief_spend(struct vmq_relief *relief, uint64_t used_ns)
{
    relief->budget_ns -= MIN(used_ns, INT64_MAX / 4);
}

/* Returns in how many ns something will be left of the budget. */
uint64_t
vmq_relief_wait_ns(const struct vmq_relief *relief)
{
    return (relief->budget_ns > 0 ? 0
            : (uint64_t) (1 - relief->budget_ns) * VMQ_RELIEF_SHARE);
}

/* To be called when 'second' has been taken, with the edges that were raised
 * since it was taken before, of which 'times' is about the first.  Adds those
 * that had been raised by then.  Returns true if the glance is over. */
bool
vmq_relief_looked(struct vmq_relief *relief,
                  const struct vmq_edge_times *times)
{
    if (!relief->n_looks++ || times->raised_ns < relief->times.raised_ns) {
        relief->times = *times;
    }
    for (uint32_t i = 0; i < relief->second.n_pmds && i < relief->first.n_pmds;
         i++) {
        struct vmq_pmd *first = &relief->first.pmds[i];
        struct vmq_pmd *second = &relief->second.pmds[i];

        if (first->core_id == second->core_id) {
            second->edge = first->edge = first->edge || second->edge;
        }
    }
    return (relief->n_looks >= VMQ_GLANCES_MAX
            || vmq_edge_seen_enough(&relief->first, &relief->second));
}

/* Returns how long PMD 'i' of 'second' has to be given to catch up with what
 * it was without a CPU for, in ns, 0 if it has no edge.  'last' is the sample
 * of the last tick.  What was before this call does not count again. */
uint64_t
vmq_relief_catch_up_ns(struct vmq_relief *relief,
                       const struct vmq_snapshot *last, uint32_t i)
{
    struct vmq_snapshot *looked = &relief->looked;
    uint64_t catch_up_ns;

    if (looked->window_ns != last->window_ns
        || looked->n_pmds != last->n_pmds) {
        vmq_snapshot_copy(looked, last);
    }
    if (i >= looked->n_pmds || !relief->second.pmds[i].edge) {
        return 0;
    }
    catch_up_ns = vmq_edge_catch_up_ns(&relief->snapshot, &looked->pmds[i],
                                       &relief->first, &relief->second, i);
    looked->pmds[i] = relief->second.pmds[i];
    return catch_up_ns;
}

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
#include "vmq-plan-check.h"

#include <inttypes.h>

#include "vmq-util.h"

static const char *
check_move(const struct vmq_plan *plan, const struct vmq_snapshot *snapshot,
           const struct vmq_config *config, uint32_t k)
{
    const struct vmq_move *move = &plan->moves[k];
    bool manual = move->reason == VMQ_REASON_MANUAL;
    const struct vmq_rxq *queue;

    if (move->rxq >= snapshot->n_rxqs || move->from >= snapshot->n_pmds
        || move->to >= snapshot->n_pmds) {
        return "refers to nothing";
    }
    queue = &snapshot->rxqs[move->rxq];
    if (queue->pmd != move->from) {
        return "queue is not where it should leave from";
    } else if (move->from == move->to) {
        return "moves nothing";
    } else if (queue->mobility != VMQ_DYNAMIC
               && !(manual && queue->mobility == VMQ_EXCLUDED)) {
        return "queue must not be moved";
    } else if (snapshot->pmds[move->to].isolated) {
        return "destination is isolated";
    } else if ((snapshot->pmds[move->to].numa_id
                != snapshot->pmds[move->from].numa_id)
               && !config->cross_numa) {
        return "crosses NUMA nodes";
    }
    for (uint32_t i = 0; i < k; i++) {
        if (plan->moves[i].rxq == move->rxq) {
            return "queue moves twice";
        } else if (!manual && (plan->moves[i].from == move->to
                               || plan->moves[i].to == move->from)) {
            return "a PMD gives and takes";
        }
    }
    return NULL;
}

bool
vmq_plan_valid(const struct vmq_plan *plan,
               const struct vmq_snapshot *snapshot,
               const struct vmq_config *config, char **why)
{
    const char *problem = NULL;
    uint32_t k;

    if (plan->generation != snapshot->generation) {
        problem = "is for another generation";
    } else if (plan->n_pmds && plan->n_pmds != snapshot->n_pmds) {
        problem = "judges another number of PMDs";
    } else if (plan->verdict != VMQ_VERDICT_MANUAL
               && plan->n_moves > config->max_moves) {
        problem = "has more moves than pmd-vmq-max-moves";
    }
    if (problem) {
        if (why) {
            *why = vmq_xasprintf("plan %s", problem);
        }
        return false;
    }

    for (k = 0; k < plan->n_moves; k++) {
        problem = check_move(plan, snapshot, config, k);
        if (problem) {
            if (why) {
                *why = vmq_xasprintf("move %"PRIu32" of %"PRIu32": %s",
                                     k + 1, plan->n_moves, problem);
            }
            return false;
        }
    }
    return true;
}

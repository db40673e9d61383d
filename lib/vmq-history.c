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
#include "vmq-history.h"

#include <inttypes.h>
#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "vmq-load.h"

VLOG_DEFINE_THIS_MODULE(vmq_history);

void
vmq_history_destroy(struct vmq_history *history)
{
    for (size_t i = 0; i < VMQ_HISTORY_LEN; i++) {
        free(history->moves[i].port);
    }
}

static void
vmq_history_log(const char *dp_name, const struct vmq_past_move *past)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

    VLOG_INFO_RL(&rl, "%s: %s: port %s rx queue %"PRIu32" (%"PRIu32" %%) "
                 "from core %"PRIu32" (%"PRIu32" of %"PRIu32" %%) "
                 "to core %"PRIu32" (%"PRIu32" %%): %s, "
                 "not polled for %"PRIu64".%"PRIu64" us, "
                 "%"PRIu32" flows warmed",
                 dp_name, vmq_reason_name(past->reason), past->port,
                 past->qid, past->load_bp / 100,
                 past->from_core, past->from_bp / 100,
                 past->from_capacity_bp / 100,
                 past->to_core, past->to_bp / 100,
                 vmq_outcome_name(past->result.outcome),
                 past->result.blackout_ns / 1000,
                 past->result.blackout_ns / 100 % 10,
                 past->result.flows_warmed);
}

/* Adds 'move' of 'plan' for 'snapshot', which was a return as 'ret' says, and
 * of which came 'result', and logs it. */
void
vmq_history_add(struct vmq_history *history, const char *dp_name,
                const struct vmq_snapshot *snapshot,
                const struct vmq_plan *plan, const struct vmq_move *move,
                enum vmq_return ret, const struct vmq_result *result,
                const struct vmq_stages *stages)
{
    struct vmq_past_move *past
        = &history->moves[history->n % VMQ_HISTORY_LEN];
    const struct vmq_rxq *rxq = &snapshot->rxqs[move->rxq];

    free(past->port);
    *past = (struct vmq_past_move) {
        .when_ms = time_wall_msec(),
        .serial = ++history->n,
        .port = xstrdup(snapshot->ports[rxq->port].name),
        .qid = rxq->qid,
        .from_core = snapshot->pmds[move->from].core_id,
        .to_core = snapshot->pmds[move->to].core_id,
        .reason = move->reason,
        .ret = ret,
        .load_bp = vmq_rxq_load_bp(snapshot, move->rxq),
        .from_bp = plan->pmds[move->from].load_bp,
        .to_bp = plan->pmds[move->to].load_bp,
        .from_capacity_bp = plan->pmds[move->from].capacity_bp,
        .from_after_bp = plan->pmds[move->from].predicted_bp,
        .to_after_bp = plan->pmds[move->to].predicted_bp,
        .price_mc = move->price_mc,
        .overdraft = move->overdraft,
        .result = *result,
        .stages = *stages,
    };
    vmq_history_log(dp_name, past);
}

/* The number of moves that vmq_history_get() knows of. */
size_t
vmq_history_count(const struct vmq_history *history)
{
    return MIN(history->n, VMQ_HISTORY_LEN);
}

/* The move made 'age' moves before the last one. */
const struct vmq_past_move *
vmq_history_get(const struct vmq_history *history, size_t age)
{
    ovs_assert(age < vmq_history_count(history));
    return &history->moves[(history->n - 1 - age) % VMQ_HISTORY_LEN];
}

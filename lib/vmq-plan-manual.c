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

/* Plans that do what an operator asks for. */

#include <config.h>
#include "vmq-planner.h"

#include <inttypes.h>
#include <stdlib.h>

/* Checks 'request' and finds what it is about.  Returns an error message or
 * NULL. */
static char *
resolve_request(const struct vmq_snapshot *snapshot,
                const struct vmq_config *config,
                const struct vmq_request *request, uint32_t *rxq,
                uint32_t *to)
{
    const struct vmq_pmd *target;
    const struct vmq_rxq *queue;

    *rxq = vmq_snapshot_find_rxq(snapshot, request->port, request->qid);
    if (*rxq == VMQ_NONE) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": no such queue of a "
                             "PMD port", request->port, request->qid);
    }
    queue = snapshot->rxqs + *rxq;
    *to = vmq_snapshot_find_pmd(snapshot, request->core_id);
    if (*to == VMQ_NONE) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": there is no PMD on "
                             "core %"PRIu32, request->port, request->qid,
                             request->core_id);
    }
    target = snapshot->pmds + *to;
    if (queue->pmd == VMQ_NONE || queue->mobility == VMQ_UNSUPPORTED) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": is not polled by a "
                             "PMD", request->port, request->qid);
    }
    if (queue->mobility == VMQ_PINNED || queue->mobility == VMQ_ISOLATED) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": is pinned to core "
                             "%"PRIu32" by pmd-rxq-affinity", request->port,
                             request->qid, snapshot->pmds[queue->pmd].core_id);
    }
    if (target->isolated) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": the PMD on core "
                             "%"PRIu32" is isolated", request->port,
                             request->qid, request->core_id);
    }
    if (target->numa_id != snapshot->pmds[queue->pmd].numa_id
        && !config->cross_numa) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": core %"PRIu32" is "
                             "on another NUMA node (pmd-vmq-cross-numa is "
                             "false)", request->port, request->qid,
                             request->core_id);
    }
    return NULL;
}

char *
vmq_plan_manual(const struct vmq_snapshot *snapshot,
                const struct vmq_config *config,
                const struct vmq_ledger *ledger,
                const struct vmq_request *requests, size_t n_requests,
                struct vmq_plan *plan)
{
    struct planner planner = {
        .snapshot = snapshot, .config = config, .ledger = ledger, .plan = plan
    };
    bool *named = vmq_xcalloc(snapshot->n_rxqs, sizeof *named);
    char *error = NULL;

    if (!vmq_planner_begin(&planner)) {
        error = vmq_xasprintf("measurements are not consistent");
    }
    for (size_t i = 0; i < n_requests && !error; i++) {
        struct vmq_quote quote;
        uint32_t rxq = VMQ_NONE, to = VMQ_NONE;

        error = resolve_request(snapshot, config, &requests[i], &rxq, &to);
        if (!error && named[rxq]) {
            error = vmq_xasprintf("port %s rx queue %"PRIu32": named twice",
                                  requests[i].port, requests[i].qid);
        }
        if (!error) {
            named[rxq] = true;
            if (snapshot->rxqs[rxq].pmd != to) {
                vmq_credit_quote(ledger, config, snapshot, rxq,
                                 snapshot->pmds[to].core_id, &quote);
                vmq_planner_add_move(&planner, rxq, to, VMQ_REASON_MANUAL,
                                     &quote);
                vmq_planner_judge(&planner, snapshot->rxqs[rxq].pmd,
                                  VMQ_VERDICT_MANUAL, VMQ_NONE, VMQ_NONE);
            }
        }
    }
    if (error) {
        vmq_planner_clear_plan(plan, snapshot);
    } else {
        vmq_planner_end(&planner);
    }
    plan->verdict = VMQ_VERDICT_MANUAL;
    free(named);
    return error;
}

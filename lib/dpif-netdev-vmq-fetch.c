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

/* Dynamic VMQ in the userspace datapath: flows that come after their queue.
 *
 * A queue whose packets wait leaves before all of its flows have been copied.
 * Until they are, a miss on the new PMD looks for the flow on the old one, and
 * copies it, before it becomes an upcall.  That takes a few microseconds, and
 * no flow that existed is asked for.
 *
 * Nothing here costs a PMD anything unless a packet has hit no flow.  Then it
 * may wait for the locks of the flows of both PMDs, as it would for that of
 * its own in an upcall.
 *
 * Thread-safety: dp_vmq_fetch_flows() is for the PMD that polls the queue.  If
 * it finds the old PMD, that is still there: PMDs are destroyed by RCU, after
 * dp_vmq_fetch_end().  The others are for who moves queues. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include "dpif-netdev-vmq-hooks.h"
#include "ovs-atomic.h"
#include "util.h"

/* The flows of 'rxq' may be those of 'from' from now on. */
void
dp_vmq_fetch_begin(struct dp_netdev_rxq *rxq,
                   struct dp_netdev_pmd_thread *from)
{
    atomic_store_explicit(&rxq->vmq.flows_from, from, memory_order_release);
}

void
dp_vmq_fetch_end(struct dp_netdev_rxq *rxq)
{
    atomic_store_relaxed(&rxq->vmq.flows_from,
                         (struct dp_netdev_pmd_thread *) NULL);
}

/* Returns how many flows have ever been fetched for 'rxq'. */
uint64_t
dp_vmq_n_fetched(const struct dp_netdev_rxq *rxq)
{
    unsigned long long int n;

    atomic_read_relaxed(&CONST_CAST(struct dp_netdev_rxq *,
                                    rxq)->vmq.n_fetched, &n);
    return n;
}

/* Copies the flow of 'from' that packets of 'key' hit to 'pmd', which polls
 * 'rxq'. */
static void
dp_vmq_fetch_flow(struct dp_netdev_pmd_thread *from,
                  struct dp_netdev_pmd_thread *pmd, struct dp_netdev_rxq *rxq,
                  const struct netdev_flow_key *key)
{
    struct vmq_result result = { .lock_unpreempted_ns = UINT64_MAX };
    struct dp_vmq_copy copy = { .result = &result };
    struct dp_netdev *dp = pmd->dp;
    struct dp_netdev_flow *flow = dp_vmq_find_key(from, key);

    if (!flow
        || dp_vmq_flow_is_in_hardware(dp, flow)
        || !ovs_refcount_try_ref_rcu(&flow->ref_cnt)) {
        return;
    }
    if (dp_vmq_copy_flow(dp, from, pmd, flow, rxq->port->port_no,
                         dp_vmq_room_for_flows(dp) > 0,
                         &copy) == VMQ_COPIED) {
        dp_vmq_count(&rxq->vmq.n_fetched, 1);
    }
    dp_netdev_flow_unref(flow);
}

/* Finds those of 'rules', 'n' that the packets of 'keys' hit, that 'pmd' does
 * not have yet, where its queue comes from.  Returns false if none is NULL
 * then. */
bool
dp_vmq_fetch_flows(struct dp_netdev_pmd_thread *pmd,
                   struct netdev_flow_key *keys[], struct dpcls_rule *rules[],
                   size_t n)
{
    struct dp_netdev_rxq *rxq = pmd->ctx.last_rxq;
    struct dp_netdev_pmd_thread *from = NULL;
    bool any_miss = false;

    if (rxq) {
        atomic_read_explicit(&rxq->vmq.flows_from, &from,
                             memory_order_acquire);
    }
    if (!from || from == pmd) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        struct dp_netdev_flow *flow;

        if (rules[i]) {
            continue;
        }
        /* An earlier packet may have had it fetched. */
        flow = dp_vmq_find_key(pmd, keys[i]);
        if (!flow) {
            /* VMQ's thread may be faster. */
            dp_vmq_fetch_flow(from, pmd, rxq, keys[i]);
            flow = dp_vmq_find_key(pmd, keys[i]);
        }
        rules[i] = flow ? &flow->cr : NULL;
        any_miss |= !flow;
    }
    return any_miss;
}

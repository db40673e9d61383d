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


#ifndef DPIF_NETDEV_VMQ_HOOKS_H
#define DPIF_NETDEV_VMQ_HOOKS_H 1

/* Dynamic VMQ in the userspace datapath: what lib/dpif-netdev.c calls, grouped
 * by the thread that calls it. */

#include "dpif-netdev-private-datapath.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct dpcls_rule;
struct dpif_class;
struct netdev_flow_key;
struct smap;

/* What a PMD thread hardly ever calls, for the compiler to keep out of the way
 * of its loop. */
#define VMQ_COLD __attribute__((__cold__))

/* Main thread: life cycle and settings. */
void dp_vmq_init(void);
void dp_vmq_dummy_register(void);
void dp_vmq_dummy_class(struct dpif_class *);
void dp_vmq_create(struct dp_netdev *);
void dp_vmq_close(struct dp_netdev *);
void dp_vmq_destroy(struct dp_netdev *);
void dp_vmq_configure_pmd(struct dp_netdev_pmd_thread *);
void dp_vmq_destroy_pmd(struct dp_netdev_pmd_thread *);
void dp_vmq_set_config(struct dp_netdev *, const struct smap *other_config);
void dp_vmq_port_set_config(struct dp_netdev *, struct dp_netdev_port *,
                            const struct smap *other_config);
bool dp_vmq_allows_auto_lb(struct dp_netdev *, bool auto_lb);
void dp_vmq_run(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock);
void dp_vmq_wait(struct dp_netdev *);

/* Main thread: reconfiguration. */
void dp_vmq_reconfigure(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock);
void dp_vmq_reconfigured(struct dp_netdev *);
struct dp_netdev_pmd_thread *dp_vmq_sticky_pmd(
    const struct dp_netdev *, const struct dp_netdev_rxq *,
    const struct dp_netdev_pmd_thread *assigned);

/* Any thread that has 'flow_mutex' of the PMD. */
void dp_vmq_flow_added(struct dp_netdev_pmd_thread *,
                       struct dp_netdev_flow *);
void dp_vmq_flow_removed(struct dp_netdev_pmd_thread *,
                         const struct dp_netdev_flow *);

/* PMD threads. */
static inline void dp_vmq_rxq_account(struct dp_netdev_pmd_thread *,
                                      struct dp_netdev_rxq *, int n);
VMQ_COLD bool dp_vmq_fetch_flows(struct dp_netdev_pmd_thread *,
                                 struct netdev_flow_key *keys[],
                                 struct dpcls_rule *rules[], size_t n);
VMQ_COLD void dp_vmq_raise_edge(struct dp_netdev_pmd_thread *,
                                struct dp_netdev_rxq *);
void dp_vmq_interval_start(struct dp_netdev_pmd_thread *,
                           struct dp_netdev_rxq *);
uint64_t dp_vmq_interval_end(struct dp_netdev_pmd_thread *,
                             struct dp_netdev_rxq *);
VMQ_COLD int dp_vmq_read_mail(struct dp_netdev_pmd_thread *,
                              struct polled_queue **, int poll_cnt);
VMQ_COLD bool dp_vmq_may_park(const struct dp_netdev_pmd_thread *);
VMQ_COLD void dp_vmq_wait_parked(struct dp_netdev_pmd_thread *);
void dp_vmq_sleep(struct dp_netdev_pmd_thread *, uint64_t us);

/* Adds 'n' to '*counter', whose only writer is the calling thread. */
static inline void
dp_vmq_count(atomic_ullong *counter, unsigned long long int n)
{
    unsigned long long int old;

    atomic_read_relaxed(counter, &old);
    atomic_store_relaxed(counter, old + n);
}

/* Accounts for a whole batch of 'rxq', which has returned 'n_full' of them.
 * While each iteration of the PMD has one, these and the iterations grow
 * alike: one comparison tells that there was no poll with less, and no
 * iteration without a poll. */
static inline void
dp_vmq_rxq_account_full(struct dp_netdev_pmd_thread *pmd,
                        struct dp_netdev_rxq *rxq, uint64_t n_full)
{
    uint64_t streak = n_full - pmd->perf_stats.iteration_cnt;
    uint64_t now_tsc = pmd->perf_stats.last_tsc;

    if (rxq->vmq.streak != streak) {
        unsigned long long int edge_cycles;

        atomic_read_relaxed(&pmd->vmq.edge_cycles, &edge_cycles);
        rxq->vmq.streak = streak;
        rxq->vmq.streak_tsc = now_tsc;
        rxq->vmq.edge_cycles = edge_cycles;
    } else if (OVS_UNLIKELY(now_tsc - rxq->vmq.streak_tsc
                            >= rxq->vmq.edge_cycles)) {
        dp_vmq_raise_edge(pmd, rxq);
    }
}

/* Accounts for a poll of 'rxq' that returned 'n' > 0 packets. */
static inline void
dp_vmq_rxq_account(struct dp_netdev_pmd_thread *pmd,
                   struct dp_netdev_rxq *rxq, int n)
{
    dp_vmq_count(&rxq->vmq.n_packets, n);
    dp_vmq_count(&rxq->vmq.n_polls, 1);
    if (n >= NETDEV_MAX_BURST) {
        unsigned long long int n_full;

        atomic_read_relaxed(&rxq->vmq.n_full, &n_full);
        atomic_store_relaxed(&rxq->vmq.n_full, ++n_full);
        dp_vmq_rxq_account_full(pmd, rxq, n_full);
    }
}

#ifdef  __cplusplus
}
#endif

#endif /* dpif-netdev-vmq-hooks.h */

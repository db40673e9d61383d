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


/* Dynamic VMQ in the userspace datapath: what a snapshot is made of.
 *
 * dp_vmq_collect() is called by the engine at each tick.  It reads what PMD
 * threads count while they count it, and changes nothing that they look at but
 * when they are to raise edges, which depends on how fast their clock goes.
 * What they have raised is taken and answered here, too.
 *
 * Thread-safety: for who has 'port_rwlock' and 'mutex' of struct dp_vmq. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <pthread.h>
#include <stdlib.h>

#include "ccmap.h"
#include "connectivity.h"
#include "dpif-netdev-vmq.h"
#include "dpif-netdev-vmq-hooks.h"
#include "dpif-provider.h"
#include "hash.h"
#include "netdev-provider.h"
#include "openvswitch/types.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"

/* Changes when what the database knows of any port may no longer be true. */
static atomic_count status_seq = ATOMIC_COUNT_INIT(0);

/* Returns the PMD of 'dp' on core 'core_id', NULL if there is none. */
struct dp_netdev_pmd_thread *
dp_vmq_find_pmd(const struct dp_netdev *dp, unsigned int core_id)
{
    struct dp_netdev_pmd_thread *pmd;

    CMAP_FOR_EACH_WITH_HASH (pmd, node, hash_int(core_id, 0),
                             &dp->poll_threads) {
        if (pmd->core_id == core_id) {
            return pmd;
        }
    }
    return NULL;
}

/* Returns a number that is the same for the CPUs of one physical core: the
 * lowest of them. */
unsigned int
dp_vmq_sibling_group(const struct dp_netdev *dp, unsigned int core_id)
{
    unsigned int group = core_id;

    /* The cores of the dummy datapath are made up. */
    if (dp->class == &dpif_netdev_class) {
        static const char pattern[]
            = "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list";
        char *name = xasprintf(pattern, core_id);
        FILE *stream = fopen(name, "r");

        if (stream) {
            if (fscanf(stream, "%u", &group) != 1) {
                group = core_id;
            }
            fclose(stream);
        }
        free(name);
    }
    return group;
}

/* Returns the CPU time that the thread of 'pmd' has used, in ns, or 0 if the
 * system does not say. */
static uint64_t
dp_vmq_pmd_cpu_ns(const struct dp_netdev_pmd_thread *pmd)
{
    struct timespec ts;
    clockid_t clock;

    if (pthread_getcpuclockid(pmd->thread, &clock)
        || clock_gettime(clock, &ts)) {
        return 0;
    }
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void
dp_vmq_collect_pmd(struct dp_netdev_pmd_thread *pmd, struct vmq_snapshot *raw)
{
    uint32_t i = vmq_snapshot_add_pmd(raw, pmd->core_id, pmd->numa_id);
    struct vmq_pmd *p = &raw->pmds[i];

    p->sibling_group = pmd->vmq.sibling_group;
    p->isolated = pmd->isolated;
    p->parked = hmap_is_empty(&pmd->poll_list);

    /* Not pmd_perf_read_counters(): that starts from the last
     * pmd-stats-clear. */
    atomic_read_relaxed(&pmd->perf_stats.counters.n[PMD_CYCLES_ITER_BUSY],
                        &p->busy_cycles);
    atomic_read_relaxed(&pmd->perf_stats.counters.n[PMD_CYCLES_ITER_IDLE],
                        &p->idle_cycles);
    atomic_read_relaxed(&pmd->perf_stats.counters.n[PMD_CYCLES_SLEEP],
                        &p->sleep_cycles);
    p->cpu_ns = dp_vmq_pmd_cpu_ns(pmd);
}

static enum vmq_mobility
dp_vmq_rxq_mobility(const struct dp_netdev_rxq *rxq)
{
    if (!rxq->pmd) {
        return VMQ_UNSUPPORTED;
    } else if (rxq->core_id == rxq->pmd->core_id) {
        return rxq->pmd->isolated ? VMQ_ISOLATED : VMQ_PINNED;
    } else if (rxq->port->vmq.excluded) {
        return VMQ_EXCLUDED;
    }
    return VMQ_DYNAMIC;
}

/* Returns the cycles that 'rxq' has ever used. */
uint64_t
dp_vmq_rxq_cycles(struct dp_netdev_rxq *rxq)
{
    unsigned long long int cycles;

    atomic_read_relaxed(&rxq->cycles[RXQ_CYCLES_PROC_CURR], &cycles);
    return cycles;
}

/* Reads what has been counted of 'rxq' while VMQ was on.  PMD threads go on
 * counting cycles while it is off. */
void
dp_vmq_read_counters(const struct dp_netdev *dp, struct dp_netdev_rxq *rxq,
                     struct vmq_rxq *q)
{
    unsigned long long int n;

    if (dp_vmq_is_made_up(dp)) {
        q->cycles = dp->vmq->dummy->rxq_cycles(dp, rxq);
    } else {
        q->cycles = ((vmq_engine_is_on(dp->vmq->engine)
                      ? dp_vmq_rxq_cycles(rxq) : rxq->vmq.cycles_at_off)
                     - rxq->vmq.cycles_off);
    }
    atomic_read_relaxed(&rxq->vmq.n_packets, &n);
    q->packets = n;
    atomic_read_relaxed(&rxq->vmq.n_polls, &n);
    q->polls = n;
    atomic_read_relaxed(&rxq->vmq.n_full, &n);
    q->full_batches = n;
}

static void
dp_vmq_collect_rxq(const struct dp_netdev *dp, struct dp_netdev_rxq *rxq,
                   uint32_t port, uint32_t pmd, struct vmq_snapshot *raw)
{
    uint32_t i = vmq_snapshot_add_rxq(raw, port,
                                      netdev_rxq_get_queue_id(rxq->rx), pmd,
                                      netdev_get_numa_id(rxq->port->netdev));

    raw->rxqs[i].mobility = dp_vmq_rxq_mobility(rxq);
    raw->rxqs[i].n_moves = rxq->vmq.n_moves;
    raw->rxqs[i].reserve_bp = rxq->port->vmq.reserve_pct * 100;
    if (rxq->pmd) {
        raw->rxqs[i].tunnel_flows
            = dp_vmq_n_tunnel_flows(rxq->pmd, rxq->port->port_no);
    }
    dp_vmq_read_counters(dp, rxq, &raw->rxqs[i]);
}

/* Returns the status of 'port': of those of its queues, the one that leaves
 * most freedom to move. */
enum vmq_mobility
dp_vmq_port_status(const struct dp_netdev_port *port)
{
    enum vmq_mobility status = VMQ_UNSUPPORTED;

    if (netdev_is_pmd(port->netdev)) {
        for (unsigned int i = 0; i < port->n_rxq; i++) {
            status = MIN(status, dp_vmq_rxq_mobility(&port->rxqs[i]));
        }
    }
    return status;
}

/* Lets ovs-vswitchd know if what it wrote of 'port' into the database is no
 * longer true.
 *
 * The device has a sequence number for this, but that may only be changed with
 * the mutex of the device: a change that a PMD thread looks for could be lost
 * otherwise. */
void
dp_vmq_port_update_status(const struct dp_netdev *dp,
                          struct dp_netdev_port *port)
{
    unsigned int status = (vmq_engine_is_on(dp->vmq->engine)
                           ? dp_vmq_port_status(port) + 1 : 0);

    if (port->vmq.status != status) {
        port->vmq.status = status;
        atomic_count_inc(&status_seq);
        seq_change(connectivity_seq_get());
    }
}

/* Returns a number that changes when the status of any port may have.  A
 * change of connectivity_seq_get() comes after it. */
unsigned int
dpif_netdev_vmq_status_seq(void)
{
    return atomic_count_get(&status_seq);
}

/* Adds the number of flows that 'rxq''s PMD has for its port, unless that is
 * 0, once per PMD and in order. */
static void
dp_vmq_collect_flows(const struct dp_netdev_rxq *rxq, uint32_t port,
                     uint32_t pmd, struct vmq_snapshot *raw)
{
    odp_port_t port_no = rxq->port->port_no;
    uint32_t end = raw->n_port_pmds, i = end;

    while (i > 0 && raw->port_pmds[i - 1].port == port
           && raw->port_pmds[i - 1].pmd >= pmd) {
        i--;
    }
    if (i < end && raw->port_pmds[i].pmd == pmd) {
        return;
    }

    uint32_t n_flows = ccmap_find(&rxq->pmd->n_flows, odp_to_u32(port_no));
    if (!n_flows) {
        return;
    }
    vmq_snapshot_add_port_pmd(raw, port, pmd, n_flows);

    struct vmq_port_pmd added = raw->port_pmds[end];
    memmove(&raw->port_pmds[i + 1], &raw->port_pmds[i],
            (end - i) * sizeof added);
    raw->port_pmds[i] = added;
}

static int
dp_vmq_compare_ports(const void *a_, const void *b_)
{
    const struct dp_netdev_port *const *a = a_;
    const struct dp_netdev_port *const *b = b_;
    uint32_t x = odp_to_u32((*a)->port_no), y = odp_to_u32((*b)->port_no);

    return x < y ? -1 : x > y;
}

static int
dp_vmq_compare_pmds(const void *a_, const void *b_)
{
    const struct dp_netdev_pmd_thread *const *a = a_;
    const struct dp_netdev_pmd_thread *const *b = b_;

    return ((*a)->core_id < (*b)->core_id ? -1
            : (*a)->core_id > (*b)->core_id);
}

/* The hooks that count the flows that have come out of tunnels.  Flows are
 * added and removed by PMD threads, revalidators and the main thread, with
 * 'flow_mutex' of 'pmd'. */

void
dp_vmq_flow_added(struct dp_netdev_pmd_thread *pmd,
                  struct dp_netdev_flow *flow)
{
    atomic_count_init(&flow->vmq.n_offloads, 0);
    flow->vmq.adopted = false;
    if (flow_tnl_dst_is_set(&flow->flow.tunnel)) {
        ccmap_inc(&pmd->vmq.n_tunnel_flows, odp_to_u32(flow->orig_in_port));
    }
}

void
dp_vmq_flow_removed(struct dp_netdev_pmd_thread *pmd,
                    const struct dp_netdev_flow *flow)
{
    if (flow_tnl_dst_is_set(&flow->flow.tunnel)) {
        ccmap_dec(&pmd->vmq.n_tunnel_flows, odp_to_u32(flow->orig_in_port));
    }
}

/* Returns how many of the flows of 'pmd' have come out of tunnels, if port
 * 'port_no' is one by which such packets enter them.  Any thread may call
 * it. */
unsigned int
dp_vmq_n_tunnel_flows(const struct dp_netdev_pmd_thread *pmd,
                      odp_port_t port_no)
{
    const struct ccmap *n_flows = &pmd->vmq.n_tunnel_flows;

    return (ccmap_find(n_flows, odp_to_u32(port_no))
            ? ccmap_count(n_flows) : 0);
}

/* Lists PMDs and ports in the order of snapshots, so that a tick neither sorts
 * nor asks for memory. */
static void
dp_vmq_list(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_vmq *vmq = dp->vmq;
    struct dp_netdev_pmd_thread *pmd;
    struct dp_netdev_port *port;

    if (vmq->listed) {
        return;
    }

    free(vmq->pmds);
    vmq->pmds = xcalloc(cmap_count(&dp->poll_threads), sizeof *vmq->pmds);
    vmq->n_pmds = 0;
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        if (pmd->core_id != NON_PMD_CORE_ID) {
            vmq->pmds[vmq->n_pmds++] = pmd;
        }
    }
    qsort(vmq->pmds, vmq->n_pmds, sizeof *vmq->pmds, dp_vmq_compare_pmds);

    free(vmq->ports);
    vmq->ports = xcalloc(hmap_count(&dp->ports), sizeof *vmq->ports);
    vmq->n_ports = 0;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        vmq->ports[vmq->n_ports++] = port;
    }
    qsort(vmq->ports, vmq->n_ports, sizeof *vmq->ports, dp_vmq_compare_ports);
    vmq->listed = true;
}

/* Lets PMDs know when to raise edges. */
static void
dp_vmq_set_edges(struct dp_netdev *dp)
{
    const struct vmq_config *config = vmq_engine_config(dp->vmq->engine);
    unsigned long long int edge_cycles = VMQ_NO_EDGE_CYCLES, hold_cycles;

    if (config->edge_us) {
        edge_cycles = vmq_clock_ns_to_tsc(&dp->vmq->clock,
                                          config->edge_us * UINT64_C(1000));
    }
    hold_cycles = vmq_clock_ns_to_tsc(&dp->vmq->clock,
                                      (config->spread_hold_ms
                                       * UINT64_C(1000000)));
    for (size_t i = 0; i < dp->vmq->n_pmds; i++) {
        struct dp_vmq_pmd *pmd = &dp->vmq->pmds[i]->vmq;

        atomic_store_relaxed(&pmd->raises_edges, config->edge_us > 0);
        atomic_store_relaxed(&pmd->edge_cycles, edge_cycles);
        atomic_store_relaxed(&pmd->hold_cycles, hold_cycles);
    }
}

/* Implements 'has_edges' of the engine.  Any thread may call it. */
bool
dp_vmq_has_edges(const void *dp_)
{
    const struct dp_netdev *dp = dp_;
    bool has_edges;

    atomic_read_explicit(&dp->vmq->has_edges, &has_edges,
                         memory_order_acquire);
    return has_edges;
}

/* Implements 'take_edges' of the engine. */
void
dp_vmq_take_edges(void *dp_, struct vmq_snapshot *raw,
                  struct vmq_edge_times *times)
{
    struct dp_netdev *dp = dp_;

    *times = (struct vmq_edge_times) { .raised_ns = UINT64_MAX };

    /* First: what is raised from now on has to be taken again.  A store might
     * come only after the flags have been read. */
    (void) atomic_exchange(&dp->vmq->has_edges, false);
    for (uint32_t i = 0; i < raw->n_pmds; i++) {
        struct dp_netdev_pmd_thread *pmd
            = dp_vmq_find_pmd(dp, raw->pmds[i].core_id);
        unsigned long long int waited_cycles, raised_ns;
        bool edge = false;

        if (pmd) {
            atomic_read_explicit(&pmd->vmq.edge, &edge, memory_order_acquire);
        }
        if (!edge) {
            continue;
        }
        raw->pmds[i].edge = true;
        atomic_read_relaxed(&pmd->vmq.waited_cycles, &waited_cycles);
        atomic_read_relaxed(&pmd->vmq.raised_ns, &raised_ns);
        if (raised_ns < times->raised_ns) {
            times->raised_ns = raised_ns;
            times->waited_ns = vmq_clock_tsc_to_ns(&dp->vmq->clock,
                                                   waited_cycles);
        }
        atomic_store_explicit(&pmd->vmq.edge, false, memory_order_release);
    }
}

/* Implements 'forget_edges' of the engine. */
void
dp_vmq_forget_edges(void *dp_)
{
    struct dp_netdev *dp = dp_;
    struct dp_netdev_pmd_thread *pmd;

    (void) atomic_exchange(&dp->vmq->has_edges, false);
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        atomic_store_explicit(&pmd->vmq.edge, false, memory_order_release);
    }
}

/* Implements 'answer_edge' of the engine. */
void
dp_vmq_answer_edge(void *dp_, uint32_t core_id, bool relieved,
                   uint64_t catch_up_ns)
{
    struct dp_netdev *dp = dp_;
    struct dp_netdev_pmd_thread *pmd = dp_vmq_find_pmd(dp, core_id);

    if (pmd) {
        unsigned long long int edge_cycles, raised_ns;
        uint64_t catch_up_cycles = 0;
        unsigned int n_doublings;

        if (catch_up_ns) {
            /* The PMD counts from when it raised the edge. */
            atomic_read_relaxed(&pmd->vmq.raised_ns, &raised_ns);
            catch_up_cycles = vmq_clock_ns_to_tsc(
                &dp->vmq->clock, catch_up_ns + vmq_clock_ns() - raised_ns);
        }
        atomic_read_relaxed(&pmd->vmq.edge_cycles, &edge_cycles);
        atomic_read_relaxed(&pmd->vmq.n_doublings, &n_doublings);
        n_doublings = relieved ? 0 : n_doublings + 1;
        while (n_doublings < VMQ_EDGE_DOUBLINGS
               && edge_cycles << n_doublings < catch_up_cycles) {
            n_doublings++;
        }
        atomic_store_relaxed(&pmd->vmq.n_doublings, n_doublings);
    }
}

/* Implements 'collect' of the engine. */
void
dp_vmq_collect(void *dp_, struct vmq_snapshot *raw)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;

    dp_vmq_list(dp);
    dp_vmq_set_edges(dp);
    vmq_clock_read(&dp->vmq->clock, &raw->window_ns, &raw->window_cycles);
    raw->now_ms = dp_vmq_now_ms(dp);
    raw->generation = dp->vmq->generation;

    for (size_t i = 0; i < dp->vmq->n_pmds; i++) {
        dp_vmq_collect_pmd(dp->vmq->pmds[i], raw);
    }

    for (size_t k = 0; k < dp->vmq->n_ports; k++) {
        struct dp_netdev_port *port = dp->vmq->ports[k];

        dp_vmq_port_update_status(dp, port);
        if (!netdev_is_pmd(port->netdev)) {
            continue;
        }

        uint32_t p = vmq_snapshot_add_port(raw,
                                           netdev_get_name(port->netdev),
                                           odp_to_u32(port->port_no));
        for (unsigned int i = 0; i < port->n_rxq; i++) {
            struct dp_netdev_rxq *rxq = &port->rxqs[i];
            uint32_t q = VMQ_NONE;

            if (rxq->pmd) {
                q = vmq_snapshot_find_pmd(raw, rxq->pmd->core_id);
            }
            dp_vmq_collect_rxq(dp, rxq, p, q, raw);
            if (q != VMQ_NONE) {
                dp_vmq_collect_flows(rxq, p, q, raw);
            }
        }
    }
    if (dp_vmq_is_made_up(dp)) {
        dp->vmq->dummy->collect(dp, raw);
    }
    vmq_snapshot_sort(raw);
}

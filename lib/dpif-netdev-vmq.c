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


/* Dynamic VMQ, the part that sees the private structures of dpif-netdev, which
 * includes this file at its end: collect, apply, sticky placement, and the
 * commands' way to a datapath.  What to move is not decided here.
 *
 * Moving a queue
 * ==============
 *
 * A move makes the new PMD ready first, then has the queue handed over:
 *
 *   1. The megaflows that the old PMD used for the queue's port are copied to
 *      the new one, so that it need not ask for each of them in an upcall.
 *   2. A PMD that is parked does not know the ports to send to.  It is given
 *      them and reloads, which stops nobody, since it has no queues.
 *   3. The queue is passed from one to the other, see vmq-handoff.h.  Neither
 *      of them reloads.
 *   4. The shared lists of who polls what are brought up to date.
 *
 * All moves of a plan are under way at once.  dp_vmq_advance() takes them
 * further at every run of the main thread, for at most VMQ_SLICE_NS, and
 * dp_vmq_drain() ends all of them before anything else touches the assignment
 * of queues or their ports.
 *
 * The old PMD polls the queue once more and sends all that it has batched
 * before it lets go.  A packet that it received thus cannot be overtaken by
 * one that the new PMD receives, as far as both leave through one tx queue.
 *
 * Thread-safety
 * =============
 *
 * Everything is for the main thread, with 'port_rwlock' held, except what says
 * that it is for the PMD threads. */

#include <config.h>
#include <sys/resource.h>
#include "vmq-engine.h"
#include "vmq-handoff.h"
#include "vmq-unixctl.h"

/* The time that the main thread spends on copying flows before it goes on with
 * other things.  Less makes moves of many flows take longer, as a run of the
 * main thread costs some 100 us itself; more delays OpenFlow and OVSDB. */
#define VMQ_SLICE_NS 1000000

/* How long a PMD may leave a letter in its mailbox.  One that polls looks
 * every few microseconds; one that something else preempts was seen to be away
 * for 60 ms.  If this is too short, moves fail on busy hosts, if it is too
 * long, a queue whose new PMD hangs is not polled for as long. */
#define VMQ_PATIENCE_NS UINT64_C(250000000)

/* Tests: the same where time stands still, see dp_vmq_advance().  What such a
 * test finds must not depend on what else the machine does. */
#define VMQ_FAKE_PATIENCE_NS UINT64_C(10000000000)

/* Clocks read within this time were read at the same time.  It is some 50 ns
 * unless the thread loses its CPU in between, then at least 10 times this. */
#define VMQ_SAME_TIME_NS 10000

/* What the PMD loop hardly ever calls must not be inlined there: it would take
 * the registers that the loop needs, at 11 instructions per iteration. */
#define VMQ_COLD __attribute__((__noinline__, __cold__))

/* Per datapath. */
struct dp_vmq {
    struct vmq_engine *engine;
    struct vmq_post post;
    struct dp_vmq_transit *transits;    /* Moves under way. */
    size_t n_transits;
    uint64_t seen_ended;        /* 'post.ended_seq' when last looked at. */
    bool in_a_hurry;            /* More to do than wait? */
    atomic_uint flow_limit;     /* Of ofproto-dpif-upcall. */
    uint64_t start_tsc;         /* To convert TSC cycles to ns. */
    uint64_t start_ns;
    uint64_t generation;        /* Changes whenever a queue may have changed
                                 * its PMD. */
    bool listed;                /* Are the lists below up to date? */
    struct dp_netdev_pmd_thread **pmds;     /* By core, non-PMD last. */
    size_t n_pmds;
    struct dp_netdev_port **ports;          /* By number. */
    size_t n_ports;
    struct hmap by_netdev;      /* Ports, by device, as they were at... */
    uint64_t by_netdev_seq;     /* ...that 'port_seq' of the datapath. */
    bool auto_lb_warned;        /* Said that pmd-auto-lb is ignored? */
    bool fake_loads;            /* Tests: dpif-dummy/set-rxq-load was used. */
    uint64_t fake_ns;           /* Time of the last collection then. */
};

/* Clocks.  Not time_msec() and friends, which tests stop and warp. */

static uint64_t
dp_vmq_now_ns(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static uint64_t
dp_vmq_tsc(void)
{
    static struct pmd_perf_stats clock;     /* Large. */

    return cycles_counter_update(&clock);
}

/* Reads both clocks at the same time, as far as the CPU is not taken away in
 * between every time. */
static void
dp_vmq_read_clocks(uint64_t *ns, uint64_t *tsc)
{
    for (int i = 0; i < 3; i++) {
        *ns = dp_vmq_now_ns();
        *tsc = dp_vmq_tsc();
        if (dp_vmq_now_ns() - *ns < VMQ_SAME_TIME_NS) {
            break;
        }
    }
}

/* Returns how often something else was given the CPU of this thread although
 * it wanted to go on. */
static long int
dp_vmq_involuntary_switches(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nivcsw;
}

/* Returns 'cycles' of the TSC in ns, 0 if there is no TSC. */
static uint64_t
dp_vmq_tsc_to_ns(const struct dp_netdev *dp, uint64_t cycles)
{
    uint64_t elapsed = dp_vmq_tsc() - dp->vmq->start_tsc;

    return (elapsed
            ? (double) cycles * (dp_vmq_now_ns() - dp->vmq->start_ns) / elapsed
            : 0);
}

/* PMD threads: counters, and the intervals of pmd-rxq-show. */

/* Accounts for a poll of 'rxq' that returned 'n' > 0 packets. */
static inline void
dp_vmq_rxq_account(struct dp_netdev_rxq *rxq, int n)
{
    non_atomic_ullong_add(&rxq->vmq.n_packets, n);
    non_atomic_ullong_add(&rxq->vmq.n_polls, 1);
    if (n >= NETDEV_MAX_BURST) {
        non_atomic_ullong_add(&rxq->vmq.n_full, 1);
    }
}

/* Begins a new interval for 'rxq', on the thread that polls it. */
static void
dp_vmq_interval_start(struct dp_netdev_pmd_thread *pmd,
                      struct dp_netdev_rxq *rxq)
{
    rxq->vmq.interval_base = dp_netdev_rxq_get_cycles(rxq,
                                                      RXQ_CYCLES_PROC_CURR);
    rxq->vmq.interval_tsc = cycles_counter_update(&pmd->perf_stats);
    rxq->vmq.interval_moved = false;
}

/* Ends the interval of 'rxq' and begins the next one, on the thread that polls
 * the queue.  Returns the processing cycles of the interval.
 *
 * The interval of a queue that has moved began on another PMD, at another time
 * than those of its new neighbors.  Its cycles are scaled to the interval of
 * the new PMD, so that their share of it is the load of the queue. */
static uint64_t
dp_vmq_interval_end(struct dp_netdev_pmd_thread *pmd,
                    struct dp_netdev_rxq *rxq)
{
    uint64_t start_tsc = rxq->vmq.interval_tsc;
    bool moved = rxq->vmq.interval_moved;
    uint64_t cycles = -rxq->vmq.interval_base;

    dp_vmq_interval_start(pmd, rxq);
    cycles += rxq->vmq.interval_base;

    if (moved && rxq->vmq.interval_tsc > start_tsc) {
        unsigned long long int pmd_tsc;

        if (pmd->intrvl_tsc_prev) {
            pmd_tsc = rxq->vmq.interval_tsc - pmd->intrvl_tsc_prev;
        } else {
            atomic_read_relaxed(&pmd->intrvl_cycles, &pmd_tsc);
        }
        /* The start was read on another CPU, whose TSC may differ. */
        cycles = MIN((double) cycles * pmd_tsc
                     / (rxq->vmq.interval_tsc - start_tsc), pmd_tsc);
    }
    return cycles;
}

/* Collect. */

/* Returns a number that is the same for the CPUs of one physical core: the
 * lowest of them. */
static unsigned int
dp_vmq_sibling_group(const struct dp_netdev *dp, unsigned int core_id)
{
    unsigned int group = core_id;

    /* The cores of the dummy datapath are made up. */
    if (!dpif_netdev_class_is_dummy(dp->class)) {
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

static void
dp_vmq_configure_pmd(struct dp_netdev_pmd_thread *pmd)
{
    vmq_mailbox_init(&pmd->vmq.mailbox);
    atomic_init(&pmd->vmq.on, vmq_engine_is_on(pmd->dp->vmq->engine));
    if (pmd->core_id != NON_PMD_CORE_ID) {
        pmd->vmq.sibling_group = dp_vmq_sibling_group(pmd->dp, pmd->core_id);
    }
}

static void
dp_vmq_destroy_pmd(struct dp_netdev_pmd_thread *pmd)
{
    vmq_mailbox_destroy(&pmd->vmq.mailbox);
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

/* Reads what has been counted of 'rxq' while VMQ was on.  PMD threads go on
 * counting cycles while it is off. */
static void
dp_vmq_read_counters(const struct dp_netdev *dp, struct dp_netdev_rxq *rxq,
                     struct vmq_rxq *q)
{
    unsigned long long int n;

    q->cycles = ((vmq_engine_is_on(dp->vmq->engine)
                  ? dp_netdev_rxq_get_cycles(rxq, RXQ_CYCLES_PROC_CURR)
                  : rxq->vmq.cycles_at_off)
                 - rxq->vmq.cycles_off);
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
    dp_vmq_read_counters(dp, rxq, &raw->rxqs[i]);
}

/* Returns the status of 'port': of those of its queues, the one that leaves
 * most freedom to move. */
static enum vmq_mobility
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
 * longer true. */
static void
dp_vmq_port_update_status(const struct dp_netdev *dp,
                          struct dp_netdev_port *port)
{
    unsigned int status = (vmq_engine_is_on(dp->vmq->engine)
                           ? dp_vmq_port_status(port) + 1 : 0);

    if (port->vmq.status != status) {
        port->vmq.status = status;
        netdev_change_seq_changed(port->netdev);
    }
}

/* Adds the number of flows that 'rxq''s PMD has for its port, once per PMD and
 * in order. */
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

    vmq_snapshot_add_port_pmd(raw, port, pmd,
                              ccmap_find(&rxq->pmd->n_flows,
                                         odp_to_u32(port_no)));

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

/* Lists PMDs and ports in the order of snapshots, so that a tick neither sorts
 * nor asks for memory. */
static void
dp_vmq_list(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_vmq *vmq = dp->vmq;
    struct dp_netdev_port *port;

    if (vmq->listed) {
        return;
    }

    free(vmq->pmds);
    sorted_poll_thread_list(dp, &vmq->pmds, &vmq->n_pmds);

    free(vmq->ports);
    vmq->ports = xcalloc(hmap_count(&dp->ports), sizeof *vmq->ports);
    vmq->n_ports = 0;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        vmq->ports[vmq->n_ports++] = port;
    }
    qsort(vmq->ports, vmq->n_ports, sizeof *vmq->ports, dp_vmq_compare_ports);
    vmq->listed = true;
}

/* Asks for what a tick reads of the ports after the 'k'th, as that is not in
 * the caches any more: with many ports, a tick is mostly waiting for memory.
 * What is found through pointers is asked for once these must have come. */
static void
dp_vmq_prefetch_ports(const struct dp_vmq *vmq, size_t k)
{
    enum { AHEAD = 4 };         /* Ports, for each step of pointers. */

    if (k + AHEAD < vmq->n_ports) {
        const struct dp_netdev_port *port = vmq->ports[k + AHEAD];

        OVS_PREFETCH(netdev_get_name(port->netdev));
        for (unsigned int i = 0; i < port->n_rxq; i++) {
            OVS_PREFETCH(port->rxqs[i].rx);
        }
    }
    if (k + 2 * AHEAD < vmq->n_ports) {
        const struct dp_netdev_port *port = vmq->ports[k + 2 * AHEAD];

        OVS_PREFETCH(port->netdev);
        for (unsigned int i = 0; i < port->n_rxq; i++) {
            OVS_PREFETCH(&port->rxqs[i]);
            OVS_PREFETCH(&port->rxqs[i].vmq.n_packets);
            OVS_PREFETCH(&port->rxqs[i].vmq.n_moves);
        }
    }
    if (k + 3 * AHEAD < vmq->n_ports) {
        OVS_PREFETCH(vmq->ports[k + 3 * AHEAD]);
        OVS_PREFETCH(&vmq->ports[k + 3 * AHEAD]->vmq);
    }
}

static void dp_vmq_fake(struct dp_netdev *, struct vmq_snapshot *raw);

/* Implements 'collect' of the engine. */
static void
dp_vmq_collect(void *dp_, struct vmq_snapshot *raw)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;

    dp_vmq_list(dp);
    dp_vmq_read_clocks(&raw->window_ns, &raw->window_cycles);
    raw->now_ms = time_msec();
    raw->generation = dp->vmq->generation;

    for (size_t i = 0; i < dp->vmq->n_pmds; i++) {
        if (dp->vmq->pmds[i]->core_id != NON_PMD_CORE_ID) {
            dp_vmq_collect_pmd(dp->vmq->pmds[i], raw);
        }
    }

    for (size_t k = 0; k < dp->vmq->n_ports; k++) {
        struct dp_netdev_port *port = dp->vmq->ports[k];

        dp_vmq_prefetch_ports(dp->vmq, k);
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
    if (dp->vmq->fake_loads) {
        dp_vmq_fake(dp, raw);
    }
    vmq_snapshot_sort(raw);
}

/* Warm flows. */

/* Megaflows are copied by heat, hottest class first, so that it is the cold
 * ones that are left out where there is no room for all. */
#define VMQ_N_HEATS 256

struct dp_vmq_flow_ref {
    struct dp_netdev_flow *flow;
    uint8_t heat;               /* 0 is hottest. */
};

/* Copying the flows of one move. */
struct dp_vmq_warmup {
    struct cmap_position position;      /* In the flows of the source. */
    bool scanned;                       /* Seen them all? */
    struct dp_vmq_flow_ref *refs;
    size_t n_refs, allocated_refs;
    size_t n_heat[VMQ_N_HEATS];
    size_t next;                        /* In 'refs', to copy. */
    long int switches;                  /* Involuntary, when last looked at. */
    struct vmq_result *effect;          /* What has come of it. */
};

enum dp_vmq_copied {
    VMQ_COPIED,
    VMQ_COPY_EXISTS,            /* The destination has this flow already. */
    VMQ_COPY_STALE,             /* The source no longer has it like this. */
    VMQ_COPY_NO_ROOM,           /* It would be one too many. */
};

static void
dp_vmq_warmup_destroy(struct dp_vmq_warmup *warmup)
{
    for (size_t i = warmup->next; i < warmup->n_refs; i++) {
        dp_netdev_flow_unref(warmup->refs[i].flow);
    }
    free(warmup->refs);
    memset(warmup, 0, sizeof *warmup);
}

/* Returns how cold 'flow' is: first by the time since it was used, whose
 * seconds double from class to class, then by the packets that it has had. */
static uint8_t
dp_vmq_flow_heat(struct dp_netdev_flow *flow, long long int now)
{
    unsigned long long int n_packets;
    long long int used;

    atomic_read_relaxed(&flow->stats.used, &used);
    atomic_read_relaxed(&flow->stats.packet_count, &n_packets);

    int age = used ? log_2_floor(MAX(now - used, 0) / 1000 + 1) : 15;
    int busy = n_packets ? log_2_floor(n_packets) : 0;
    return MIN(age, 15) * 16 + (15 - MIN(busy, 15));
}

/* Whether packets of a queue of port 'port_no' may hit 'flow'.  The ones that
 * come out of a tunnel bear the tunnel's port, and nothing says from which
 * port they entered it. */
static bool
dp_vmq_flow_is_of_port(const struct dp_netdev_flow *flow, odp_port_t port_no)
{
    return (flow->flow.in_port.odp_port == port_no
            || flow_tnl_dst_is_set(&flow->flow.tunnel));
}

/* Whether packets of 'flow' do not come to the PMD at all.  A copy would be
 * given the statistics of the hardware as well, and count them again. */
static bool
dp_vmq_flow_is_in_hardware(struct dp_netdev_flow *flow)
{
    const char *layer;
    bool offloaded;

    atomic_read_relaxed(&flow->last_attrs.offloaded, &offloaded);
    atomic_read_relaxed(&flow->last_attrs.dp_layer, &layer);
    return offloaded && layer && strcmp(layer, "ovs");
}

/* Finds flows to copy until it is 'until_ns'.  Returns true if it has found
 * all. */
static bool
dp_vmq_warmup_scan(struct dp_vmq_warmup *warmup,
                   struct dp_netdev_pmd_thread *from, odp_port_t port_no,
                   uint64_t until_ns)
{
    long long int now = time_msec();
    struct cmap_node *node;

    for (unsigned int n = 1;
         (node = cmap_next_position(&from->flow_table, &warmup->position));
         n++) {
        struct dp_netdev_flow *flow
            = CONTAINER_OF(node, struct dp_netdev_flow, node);

        if (dp_vmq_flow_is_of_port(flow, port_no)
            && !dp_vmq_flow_is_in_hardware(flow)
            && dp_netdev_flow_ref(flow)) {
            struct dp_vmq_flow_ref *ref;

            if (warmup->n_refs >= warmup->allocated_refs) {
                warmup->refs = x2nrealloc(warmup->refs,
                                          &warmup->allocated_refs,
                                          sizeof *warmup->refs);
            }
            ref = &warmup->refs[warmup->n_refs++];
            ref->flow = flow;
            ref->heat = dp_vmq_flow_heat(flow, now);
            warmup->n_heat[ref->heat]++;
        }
        if (!(n % 32) && dp_vmq_now_ns() >= until_ns) {
            return false;
        }
    }
    return true;
}

/* Sorts what has been found, hottest first, in linear time: there may be
 * 100,000 of them. */
static void
dp_vmq_warmup_sort(struct dp_vmq_warmup *warmup)
{
    struct dp_vmq_flow_ref *sorted
        = xmalloc(warmup->n_refs * sizeof *sorted);
    size_t start = 0;

    for (int heat = 0; heat < VMQ_N_HEATS; heat++) {
        size_t n = warmup->n_heat[heat];

        warmup->n_heat[heat] = start;
        start += n;
    }
    for (size_t i = 0; i < warmup->n_refs; i++) {
        sorted[warmup->n_heat[warmup->refs[i].heat]++] = warmup->refs[i];
    }
    free(warmup->refs);
    warmup->refs = sorted;
    warmup->allocated_refs = warmup->n_refs;
}

/* Locks the flows of 'pmd'.  Returns the time, for dp_vmq_unlock_flows(). */
static uint64_t
dp_vmq_lock_flows(struct dp_netdev_pmd_thread *pmd)
    OVS_ACQUIRES(pmd->flow_mutex)
{
    ovs_mutex_lock(&pmd->flow_mutex);
    return dp_vmq_now_ns();
}

static void
dp_vmq_unlock_flows(struct dp_netdev_pmd_thread *pmd, uint64_t locked_ns,
                    struct dp_vmq_warmup *warmup)
    OVS_RELEASES(pmd->flow_mutex)
{
    struct vmq_result *effect = warmup->effect;
    uint64_t held_ns = dp_vmq_now_ns() - locked_ns;

    ovs_mutex_unlock(&pmd->flow_mutex);
    effect->lock_max_ns = MAX(effect->lock_max_ns, held_ns);
    if (held_ns > effect->lock_unpreempted_ns) {
        long int switches = dp_vmq_involuntary_switches();

        if (switches == warmup->switches) {
            effect->lock_unpreempted_ns = held_ns;
        }
        warmup->switches = switches;
    }
}

/* Makes room for 'n' nodes in 'cmap', a part of the flows of 'pmd' that is
 * there as long as 'flow' is alive.  What takes longest, to get the memory, is
 * done before the flows are locked. */
static void
dp_vmq_make_room(struct dp_netdev_pmd_thread *pmd, struct cmap *cmap,
                 const struct dp_netdev_flow *flow, size_t n,
                 struct dp_vmq_warmup *warmup)
{
    struct cmap_impl *room = cmap_room_create(n);
    uint64_t locked_ns = dp_vmq_lock_flows(pmd);

    if (!flow->dead) {
        cmap_move_to_room(cmap, room);
        room = NULL;
    }
    dp_vmq_unlock_flows(pmd, locked_ns, warmup);
    free_cacheline(room);
}

static struct dpcls_subtable *
dp_vmq_subtable(const struct dp_netdev_flow *flow)
{
    return CONTAINER_OF(flow->cr.mask, struct dpcls_subtable, mask);
}

/* Lets revalidators know that 'flow' is wanted as much as 'original', its like
 * on another PMD.  It may not have been used since the queue left, and would
 * be found to be idle just when the queue is back; or it is new, and would not
 * be found to be idle although the original is.  Nothing is counted. */
static void
dp_vmq_refresh_flow(struct dp_netdev_flow *flow,
                    struct dp_netdev_flow *original)
{
    long long int used, original_used;

    atomic_read_relaxed(&flow->stats.used, &used);
    atomic_read_relaxed(&original->stats.used, &original_used);
    if (used < original_used) {
        atomic_store_relaxed(&flow->stats.used, original_used);
    }
}

/* Copies 'flow' of 'from' to 'to', which is to get 'n_to_come' with this one,
 * none if it may not have more.
 *
 * The ufid of a flow is a hash of the first packet that it was made for, so
 * that two PMDs may have the same megaflow under different ufids.  The copy
 * has a life of its own: it has had no packets, and revalidators adopt it the
 * next time they dump flows.  If a dump has passed 'to' already and has yet to
 * come to 'from', the copy has old actions until the one after it. */
static enum dp_vmq_copied
dp_vmq_copy_flow(struct dp_netdev_pmd_thread *from,
                 struct dp_netdev_pmd_thread *to, struct dp_netdev_flow *flow,
                 size_t n_to_come, struct dp_vmq_warmup *warmup)
{
    const struct dp_netdev_actions *actions;
    struct dp_netdev_flow *present, *copy = NULL;
    size_t n_flows = 0, n_rules = 0, n_alike = 0;
    struct netdev_flow_key key;
    struct match match;
    uint64_t locked_ns;
    bool flows_full = false, rules_full = false, stale;

    /* A queue that is back finds most of its flows, and this takes no lock. */
    present = dp_netdev_pmd_find_flow(to, &flow->ufid, NULL, 0);
    if (present) {
        dp_vmq_refresh_flow(present, flow);
        return VMQ_COPY_EXISTS;
    }
    if (!n_to_come) {
        return VMQ_COPY_NO_ROOM;
    }

    /* The mask belongs to the source's classifier, and goes with the last flow
     * that has it. */
    match.tun_md.valid = false;
    match.flow = flow->flow;
    locked_ns = dp_vmq_lock_flows(from);
    stale = flow->dead;
    if (!stale) {
        miniflow_expand(&flow->cr.mask->mf, &match.wc.masks);
        n_alike = cmap_count(&dp_vmq_subtable(flow)->rules);
    }
    actions = dp_netdev_flow_get_actions(flow);
    dp_vmq_unlock_flows(from, locked_ns, warmup);
    if (stale) {
        return VMQ_COPY_STALE;
    }
    match.wc.masks.in_port.odp_port = ODPP_NONE;
    netdev_flow_key_init(&key, &match.flow);

    locked_ns = dp_vmq_lock_flows(to);
    present = dp_netdev_pmd_lookup_flow(to, &key, NULL);
    if (!present) {
        present = dp_netdev_pmd_find_flow(to, &flow->ufid, NULL, 0);
    }
    if (present) {
        dp_vmq_refresh_flow(present, flow);
    } else {
        copy = dp_netdev_flow_add(to, &match, &flow->ufid, actions->actions,
                                  actions->size, flow->orig_in_port);
        dp_vmq_refresh_flow(copy, flow);
        dp_netdev_flow_ref(copy);
        n_flows = cmap_count(&to->flow_table);
        flows_full = !cmap_has_room(&to->flow_table, 1);
        n_rules = cmap_count(&dp_vmq_subtable(copy)->rules);
        rules_full = !cmap_has_room(&dp_vmq_subtable(copy)->rules, 1);
    }
    dp_vmq_unlock_flows(to, locked_ns, warmup);
    if (!copy) {
        return VMQ_COPY_EXISTS;
    }
    if (flows_full) {
        dp_vmq_make_room(to, &to->flow_table, copy, n_flows + n_to_come,
                         warmup);
    }
    if (rules_full) {
        dp_vmq_make_room(to, &dp_vmq_subtable(copy)->rules, copy,
                         n_rules + MIN(n_to_come, n_alike), warmup);
    }

    locked_ns = dp_vmq_lock_flows(from);
    stale = flow->dead || dp_netdev_flow_get_actions(flow) != actions;
    dp_vmq_unlock_flows(from, locked_ns, warmup);

    if (stale) {
        locked_ns = dp_vmq_lock_flows(to);
        if (!copy->dead) {
            dp_netdev_pmd_remove_flow(to, copy);
        }
        dp_vmq_unlock_flows(to, locked_ns, warmup);
    }
    dp_netdev_flow_unref(copy);
    return stale ? VMQ_COPY_STALE : VMQ_COPIED;
}

/* Returns how many flows can be added to 'dp' before ofproto-dpif-upcall comes
 * near its limit, above which it lets flows die young. */
static size_t
dp_vmq_room_for_flows(const struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;
    unsigned int flow_limit;
    size_t n_flows = 0;

    atomic_read_relaxed(&dp->vmq->flow_limit, &flow_limit);
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        n_flows += cmap_count(&pmd->flow_table);
    }
    size_t most = (uint64_t) flow_limit * 9 / 10;
    return most - MIN(n_flows, most);
}

/* Copies the flows that 'from' has for port 'port_no' to 'to', until it is
 * 'until_ns'.  Returns true if it is through. */
static bool
dp_vmq_warm_up(struct dp_netdev *dp, struct dp_vmq_warmup *warmup,
               struct dp_netdev_pmd_thread *from,
               struct dp_netdev_pmd_thread *to, odp_port_t port_no,
               uint64_t until_ns)
{
    struct vmq_result *effect = warmup->effect;

    if (!warmup->scanned) {
        if (!dp_vmq_warmup_scan(warmup, from, port_no, until_ns)) {
            return false;
        }
        dp_vmq_warmup_sort(warmup);
        warmup->scanned = true;
    }

    warmup->switches = dp_vmq_involuntary_switches();

    size_t room = dp_vmq_room_for_flows(dp);
    for (; warmup->next < warmup->n_refs; warmup->next++) {
        struct dp_netdev_flow *flow = warmup->refs[warmup->next].flow;

        if (dp_vmq_now_ns() >= until_ns) {
            return false;
        }
        switch (dp_vmq_copy_flow(from, to, flow,
                                 MIN(room, warmup->n_refs - warmup->next),
                                 warmup)) {
        case VMQ_COPIED:
            effect->flows_warmed++;
            room--;
            break;
        case VMQ_COPY_EXISTS:
            effect->flows_present++;
            break;
        case VMQ_COPY_NO_ROOM:
            effect->flows_skipped++;
            break;
        case VMQ_COPY_STALE:
        default:
            break;
        }
        dp_netdev_flow_unref(flow);
    }
    return true;
}

/* Move. */

enum dp_vmq_phase {
    VMQ_PHASE_WARMING,          /* Flows are copied. */
    VMQ_PHASE_HANDING,          /* 'handoff' is under way. */
    VMQ_PHASE_ENDED,            /* '*effect' says how. */
};

/* One queue on its way. */
struct dp_vmq_transit {
    struct vmq_handoff handoff;
    enum dp_vmq_phase phase;
    struct dp_netdev_rxq *rxq;
    struct dp_netdev_pmd_thread *from, *to;
    struct dp_vmq_warmup warmup;
    struct vmq_result *effect;
    uint64_t handed_ns;         /* When the handoff began. */
    bool emc_enabled;           /* As the destination will know it. */

    /* Of the thread that has the letter. */
    bool preempted;
    long int to_switches;       /* Of the destination, at ASK. */
    uint64_t last_poll_tsc, first_poll_tsc;
    uint64_t past_cycles[PMD_INTERVAL_MAX];     /* By age in intervals. */
    uint64_t interval_length;
};

/* PMD threads: polls a queue out of turn. */
static void
dp_vmq_poll(struct dp_netdev_pmd_thread *pmd, const struct polled_queue *q)
{
    if (q->rxq_enabled) {
        pmd->ctx.emc_insert_min = 0;
        if (q->emc_enabled) {
            atomic_read_relaxed(&pmd->dp->emc_insert_min,
                                &pmd->ctx.emc_insert_min);
        }
        dp_netdev_process_rxq_port(pmd, q->rxq, q->port_no);
    }
}

/* Where the interval is that ended 'age' intervals before the one that will be
 * stored at 'idx'. */
static unsigned int
dp_vmq_interval_slot(unsigned int idx, unsigned int age)
{
    return (idx % PMD_INTERVAL_MAX + PMD_INTERVAL_MAX - age)
           % PMD_INTERVAL_MAX;
}

/* What pmd-rxq-show prints of a PMD compares the cycles of its queues with its
 * own in the same past intervals.  The cycles of a queue travel with it, so
 * that the busy cycles of the PMDs have to follow.  'pmd' is the caller's, and
 * either loses what 'transit' holds or gains it. */
static void
dp_vmq_move_past_cycles(struct dp_netdev_pmd_thread *pmd,
                        const struct dp_vmq_transit *transit, bool gain)
{
    unsigned int idx = atomic_count_get(&pmd->intrvl_idx);

    for (unsigned int age = 1; age < PMD_INTERVAL_MAX; age++) {
        unsigned int slot = dp_vmq_interval_slot(idx, age);
        unsigned long long int busy;

        atomic_read_relaxed(&pmd->busy_cycles_intrvl[slot], &busy);
        if (gain) {
            busy += transit->past_cycles[age];
        } else {
            busy -= MIN(busy, transit->past_cycles[age]);
        }
        atomic_store_relaxed(&pmd->busy_cycles_intrvl[slot], busy);
    }
}

/* PMD threads, source: lets go of the queue of 'transit'.  Returns the number
 * of queues left in 'poll_list'. */
static int
dp_vmq_release(struct dp_netdev_pmd_thread *pmd,
               struct dp_vmq_transit *transit, struct polled_queue *poll_list,
               int poll_cnt)
{
    long int switches = dp_vmq_involuntary_switches();
    struct dp_netdev_rxq *rxq = transit->rxq;
    unsigned long long int length;
    unsigned int idx;
    int i;

    for (i = 0; i < poll_cnt && poll_list[i].rxq != rxq; i++) {
        continue;
    }
    ovs_assert(i < poll_cnt);
    idx = atomic_count_get(&rxq->intrvl_idx);
    for (unsigned int age = 1; age < PMD_INTERVAL_MAX; age++) {
        transit->past_cycles[age] = dp_netdev_rxq_get_intrvl_cycles(
            rxq, dp_vmq_interval_slot(idx, age));
    }
    dp_vmq_move_past_cycles(pmd, transit, false);
    atomic_read_relaxed(&pmd->intrvl_cycles, &length);
    transit->interval_length = length;
    rxq->vmq.interval_moved = true;

    dp_vmq_poll(pmd, &poll_list[i]);
    dp_netdev_pmd_flush_output_packets(pmd, true);
    transit->last_poll_tsc = cycles_counter_update(&pmd->perf_stats);
    poll_list[i] = poll_list[poll_cnt - 1];
    transit->preempted = dp_vmq_involuntary_switches() != switches;
    return poll_cnt - 1;
}

/* PMD threads, destination: polls the queue of 'transit' from now on. */
static void
dp_vmq_take(struct dp_netdev_pmd_thread *pmd, struct dp_vmq_transit *transit,
            struct polled_queue **poll_list, int poll_cnt)
{
    struct dp_netdev_rxq *rxq = transit->rxq;
    struct polled_queue *q;
    uint64_t change_seq;

    /* Whether the queue is enabled must not be older than the sequence number
     * that tells when to look again. */
    change_seq = netdev_get_change_seq(rxq->port->netdev);

    *poll_list = xrealloc(*poll_list, (poll_cnt + 1) * sizeof **poll_list);
    q = &(*poll_list)[poll_cnt];
    *q = (struct polled_queue) {
        .rxq = rxq,
        .port_no = rxq->port->port_no,
        .emc_enabled = transit->emc_enabled,
        .rxq_enabled = netdev_rxq_enabled(rxq->rx),
        .change_seq = change_seq,
    };

    pmd_thread_ctx_time_update(pmd);
    transit->first_poll_tsc = cycles_counter_update(&pmd->perf_stats);
    dp_vmq_poll(pmd, q);

    if (!poll_cnt) {
        unsigned long long int length;

        /* It was parked: the interval that was open has ended long ago, and it
         * does not know yet how many cycles one has. */
        pmd->next_cycle_store = pmd->ctx.now + PMD_INTERVAL_LEN;
        atomic_read_relaxed(&pmd->intrvl_cycles, &length);
        if (!length) {
            atomic_store_relaxed(&pmd->intrvl_cycles,
                                 transit->interval_length);
        }
    }
    dp_vmq_move_past_cycles(pmd, transit, true);
    if (transit->to == pmd
        && dp_vmq_involuntary_switches() != transit->to_switches) {
        transit->preempted = true;
    }
}

/* PMD threads: reads the mail.  'poll_list' has 'poll_cnt' queues.  Returns
 * how many it has then. */
static VMQ_COLD int
dp_vmq_read_mail(struct dp_netdev_pmd_thread *pmd,
                 struct polled_queue **poll_list, int poll_cnt)
{
    struct vmq_post *post = &pmd->dp->vmq->post;
    struct vmq_handoff *handoff;

    while ((handoff = vmq_mailbox_receive(post, &pmd->vmq.mailbox))) {
        struct dp_vmq_transit *transit
            = CONTAINER_OF(handoff, struct dp_vmq_transit, handoff);
        bool reload;

        switch (handoff->stage) {
        case VMQ_STAGE_ASK:
            /* The main thread may have asked for a reload first, to get the
             * ports to send to. */
            atomic_read_explicit(&pmd->reload, &reload, memory_order_acquire);
            if (reload) {
                vmq_handoff_defer(post, &pmd->vmq.mailbox, handoff);
                return poll_cnt;
            }
            transit->to_switches = dp_vmq_involuntary_switches();
            break;
        case VMQ_STAGE_GIVE:
            poll_cnt = dp_vmq_release(pmd, transit, *poll_list, poll_cnt);
            break;
        case VMQ_STAGE_TAKE:
            dp_vmq_take(pmd, transit, poll_list, poll_cnt++);
            break;
        case VMQ_STAGE_DONE:
        default:
            OVS_NOT_REACHED();
        }
        vmq_handoff_pass(post, handoff);
    }
    return poll_cnt;
}

/* PMD threads, without a queue: returns true if 'pmd' is to park, which takes
 * no reload.  Gives back its tx queues for others to use. */
static VMQ_COLD bool
dp_vmq_parks(struct dp_netdev_pmd_thread *pmd)
{
    if (!vmq_mailbox_may_park(&pmd->dp->vmq->post, &pmd->vmq.mailbox)) {
        return false;
    }
    dpif_netdev_xps_revalidate_pmd(pmd, true);
    return true;
}

/* PMD threads, without a queue: blocks until there is a reload or mail.
 *
 * The two have a sequence number each, because that of reloads compares with
 * one that only a reload brings up to date.  A reload is announced before its
 * flag is set, so that the flag is no use here.
 *
 * Wakes up once to have its coverage counters added up, which a thread does
 * when it blocks, if it has not done so for COVERAGE_CLEAR_INTERVAL. */
static VMQ_COLD void
dp_vmq_park(struct dp_netdev_pmd_thread *pmd)
{
    long long int clear_ms = time_msec() + COVERAGE_CLEAR_INTERVAL;

    for (;;) {
        uint64_t mail_seq = seq_read(pmd->vmq.mailbox.seq);

        if (seq_read(pmd->reload_seq) != pmd->last_reload_seq
            || !vmq_mailbox_may_park(&pmd->dp->vmq->post,
                                     &pmd->vmq.mailbox)) {
            return;
        }
        seq_wait(pmd->reload_seq, pmd->last_reload_seq);
        seq_wait(pmd->vmq.mailbox.seq, mail_seq);
        if (time_msec() < clear_ms) {
            poll_timer_wait_until(clear_ms);
        }
        poll_block();
    }
}

/* Has 'pmd' know all ports and bonds before it gets its first queue.  One that
 * has queues learns of new ones before it polls again, see
 * reconfigure_datapath().  A new thread takes what it has been given whenever
 * it happens to start: with queues only, it would drop what it polls. */
static void
dp_vmq_add_ports(struct dp_netdev *dp, struct dp_netdev_pmd_thread *pmd)
    OVS_REQUIRES(pmd->port_mutex)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    if (hmap_is_empty(&pmd->poll_list)) {
        struct dp_netdev_port *port;
        struct tx_bond *bond;

        HMAP_FOR_EACH (port, node, &dp->ports) {
            dp_netdev_add_port_tx_to_pmd(pmd, port);
        }
        CMAP_FOR_EACH (bond, node, &dp->tx_bonds) {
            dp_netdev_add_bond_tx_to_pmd(pmd, bond, false);
        }
    }
}

/* Has 'pmd' know all ports and bonds, if it is parked. */
static void
dp_vmq_make_ready(struct dp_netdev *dp, struct dp_netdev_pmd_thread *pmd)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    bool need_reload = pmd->need_reload;

    ovs_mutex_lock(&pmd->port_mutex);
    pmd->need_reload = false;
    dp_vmq_add_ports(dp, pmd);
    /* Only for ports that it did not know.  It may have taken a queue by now
     * that is not in the list yet, and would lose it. */
    if (pmd->need_reload) {
        dp_netdev_reload_pmd__(pmd);
    }
    pmd->need_reload = need_reload;
    ovs_mutex_unlock(&pmd->port_mutex);
}

/* Brings the shared lists up to date after the queue of 'transit' was handed
 * over.  Nobody needs a reload for that. */
static void
dp_vmq_relist(struct dp_vmq_transit *transit)
{
    struct dp_netdev_pmd_thread *from = transit->from;
    struct dp_netdev_pmd_thread *to = transit->to;
    bool from_reload = from->need_reload;
    bool to_reload = to->need_reload;
    struct rxq_poll *poll;

    ovs_mutex_lock(&from->port_mutex);
    HMAP_FOR_EACH_SAFE (poll, node, &from->poll_list) {
        if (poll->rxq == transit->rxq) {
            dp_netdev_del_rxq_from_pmd(from, poll);
        }
    }
    ovs_mutex_unlock(&from->port_mutex);

    ovs_mutex_lock(&to->port_mutex);
    dp_netdev_add_rxq_to_pmd(to, transit->rxq);
    ovs_mutex_unlock(&to->port_mutex);

    from->need_reload = from_reload;
    to->need_reload = to_reload;
    transit->rxq->pmd = to;
    transit->rxq->vmq.n_moves++;
}

static void
dp_vmq_transit_end(struct dp_netdev *dp, struct dp_vmq_transit *transit,
                   enum vmq_outcome outcome)
{
    dp_vmq_warmup_destroy(&transit->warmup);
    transit->effect->outcome = outcome;
    transit->effect->preempted = transit->preempted;
    transit->phase = VMQ_PHASE_ENDED;

    /* Also of a queue that the source let go, and had to take again.  The TSCs
     * are those of two CPUs, and may differ: it cannot have been for longer
     * than the handoff took. */
    if (transit->last_poll_tsc
        && transit->first_poll_tsc > transit->last_poll_tsc) {
        transit->effect->blackout_ns = MIN(
            dp_vmq_tsc_to_ns(
                dp, transit->first_poll_tsc - transit->last_poll_tsc),
            dp_vmq_now_ns() - transit->handed_ns);
    }
    if (outcome != VMQ_OUTCOME_APPLIED) {
        return;
    }

    dp->vmq->generation++;
    dp_vmq_relist(transit);
    if (transit->emc_enabled != transit->rxq->port->emc_enabled) {
        /* Changed on the way: who was told to reload for it is not who polls
         * the queue now. */
        transit->to->need_reload = true;
        dp_netdev_request_reconfigure(dp);
    }
}

/* Returns when the PMDs have had long enough to answer 'transit'. */
static uint64_t
dp_vmq_transit_deadline_ns(const struct dp_netdev *dp,
                           const struct dp_vmq_transit *transit)
{
    return transit->handed_ns + (dp->vmq->fake_loads
                                 ? VMQ_FAKE_PATIENCE_NS : VMQ_PATIENCE_NS);
}

/* Takes 'transit' further.  Returns false if 'until_ns' has come. */
static bool
dp_vmq_transit_advance(struct dp_netdev *dp, struct dp_vmq_transit *transit,
                       uint64_t until_ns)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    uint64_t now_ns = dp_vmq_now_ns();

    if (transit->phase == VMQ_PHASE_WARMING) {
        bool warm = dp_vmq_warm_up(dp, &transit->warmup, transit->from,
                                   transit->to, transit->rxq->port->port_no,
                                   until_ns);
        uint64_t start_ns = now_ns;

        now_ns = dp_vmq_now_ns();
        transit->effect->copy_ns += now_ns - start_ns;
        if (!warm) {
            return false;
        }
        dp_vmq_make_ready(dp, transit->to);
        transit->emc_enabled = transit->rxq->port->emc_enabled;
        vmq_handoff_start(&dp->vmq->post, &transit->handoff,
                          &transit->from->vmq.mailbox,
                          &transit->to->vmq.mailbox);
        transit->phase = VMQ_PHASE_HANDING;
        transit->handed_ns = now_ns;
    }
    if (transit->phase == VMQ_PHASE_HANDING) {
        if (now_ns >= dp_vmq_transit_deadline_ns(dp, transit)) {
            vmq_handoff_take_back(&dp->vmq->post, &transit->handoff);
        }
        if (vmq_handoff_ended(&transit->handoff)) {
            dp_vmq_transit_end(dp, transit,
                               vmq_handoff_succeeded(&transit->handoff)
                               ? VMQ_OUTCOME_APPLIED : VMQ_OUTCOME_FAILED);
        }
    }
    return true;
}

/* Takes the moves under way further, for a slice of time.  Returns true if all
 * have ended. */
static bool
dp_vmq_advance_slice(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    uint64_t until_ns = dp_vmq_now_ns() + VMQ_SLICE_NS;
    size_t n_ended = 0;
    size_t i;

    dp->vmq->seen_ended = seq_read(dp->vmq->post.ended_seq);
    for (i = 0; i < dp->vmq->n_transits; i++) {
        struct dp_vmq_transit *transit = &dp->vmq->transits[i];

        if (!dp_vmq_transit_advance(dp, transit, until_ns)) {
            break;
        }
        n_ended += transit->phase == VMQ_PHASE_ENDED;
    }
    dp->vmq->in_a_hurry = i < dp->vmq->n_transits;
    return n_ended == dp->vmq->n_transits;
}

/* Implements 'advance' of the engine. */
static bool
dp_vmq_advance(void *dp_)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;

    while (!dp_vmq_advance_slice(dp)) {
        if (!dp->vmq->fake_loads) {
            return false;
        }
        /* Tests: moves take no time where time stands still. */
        xnanosleep(10 * 1000);
    }
    free(dp->vmq->transits);
    dp->vmq->transits = NULL;
    dp->vmq->n_transits = 0;
    return true;
}

/* Ends all moves under way: those that have not begun to hand over the queue
 * do not take place. */
static void
dp_vmq_drain(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    for (size_t i = 0; i < dp->vmq->n_transits; i++) {
        struct dp_vmq_transit *transit = &dp->vmq->transits[i];

        if (transit->phase == VMQ_PHASE_WARMING) {
            dp_vmq_transit_end(dp, transit, VMQ_OUTCOME_STALE);
        }
    }
    for (size_t i = 0; i < dp->vmq->n_transits; i++) {
        struct dp_vmq_transit *transit = &dp->vmq->transits[i];

        while (dp_vmq_transit_advance(dp, transit, 0)
               && transit->phase == VMQ_PHASE_HANDING) {
            xnanosleep(10 * 1000);
        }
    }
}

static void
dp_vmq_move_wait(struct dp_netdev *dp)
{
    if (dp->vmq->in_a_hurry) {
        poll_immediate_wake();
    } else if (dp->vmq->n_transits) {
        uint64_t now_ns = dp_vmq_now_ns();
        uint64_t until_ns = now_ns + VMQ_PATIENCE_NS;

        for (size_t i = 0; i < dp->vmq->n_transits; i++) {
            const struct dp_vmq_transit *transit = &dp->vmq->transits[i];

            if (transit->phase == VMQ_PHASE_HANDING) {
                until_ns = MIN(until_ns,
                               dp_vmq_transit_deadline_ns(dp, transit));
            }
        }
        seq_wait(dp->vmq->post.ended_seq, dp->vmq->seen_ended);
        poll_timer_wait(until_ns > now_ns
                        ? DIV_ROUND_UP(until_ns - now_ns, 1000000) : 0);
    }
}

/* Finds what 'move' of a plan for 'snapshot' is about in 'dp'.  Returns false
 * if some of it is gone. */
static bool
dp_vmq_resolve(struct dp_netdev *dp, const struct vmq_snapshot *snapshot,
               const struct vmq_move *move, struct dp_vmq_transit *transit)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    const struct vmq_rxq *rxq = &snapshot->rxqs[move->rxq];
    const struct vmq_port *vmq_port = &snapshot->ports[rxq->port];
    uint32_t to_core = snapshot->pmds[move->to].core_id;
    struct dp_netdev_pmd_thread *pmd;
    struct dp_netdev_port *port;

    port = dp_netdev_lookup_port(dp, u32_to_odp(vmq_port->port_no));
    if (!port || strcmp(netdev_get_name(port->netdev), vmq_port->name)
        || rxq->qid >= port->n_rxq) {
        return false;
    }
    transit->rxq = &port->rxqs[rxq->qid];
    transit->from = transit->rxq->pmd;
    transit->to = NULL;

    CMAP_FOR_EACH_WITH_HASH (pmd, node, hash_int(to_core, 0),
                             &dp->poll_threads) {
        if (pmd->core_id == to_core) {
            transit->to = pmd;
        }
    }
    return transit->from && transit->to;
}

/* Implements 'apply' of the engine. */
static void
dp_vmq_apply(void *dp_, const struct vmq_snapshot *snapshot,
             const struct vmq_plan *plan, struct vmq_result *effects)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;
    bool stale = plan->generation != dp->vmq->generation;
    struct dp_vmq_transit *transits;

    ovs_assert(!dp->vmq->n_transits);
    transits = xcalloc(plan->n_moves, sizeof *transits);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        struct dp_vmq_transit *transit = &transits[i];

        transit->effect = transit->warmup.effect = &effects[i];
        if (stale) {
            dp_vmq_transit_end(dp, transit, VMQ_OUTCOME_STALE);
        } else if (!dp_vmq_resolve(dp, snapshot, &plan->moves[i], transit)) {
            dp_vmq_transit_end(dp, transit, VMQ_OUTCOME_GONE);
        } else {
            transit->phase = VMQ_PHASE_WARMING;
        }
    }
    dp->vmq->transits = transits;
    dp->vmq->n_transits = plan->n_moves;
}

/* Reconfiguration. */

/* Waits for the reloads that dp_vmq_make_ready() has asked for.  A PMD clears
 * 'reload' after it has loaded, so that it would miss another reload that is
 * asked for in between. */
static void
dp_vmq_wait_for_reloads(struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;

    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        bool reload;

        do {
            atomic_read_explicit(&pmd->reload, &reload, memory_order_acquire);
        } while (reload);
    }
}

/* To be called before a reconfiguration takes the queues off their PMDs.  Ends
 * the moves under way, and remembers where each queue is polled: by number,
 * since PMDs and arrays of queues may not outlive the reconfiguration.  Asks
 * the PMDs: a port that was not there the last time ("change-port-number") may
 * have queues whose PMD is gone. */
static void
dp_vmq_reconfigure(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_netdev_pmd_thread *pmd;

    dp_vmq_drain(dp);
    dp_vmq_wait_for_reloads(dp);
    dp->vmq->generation++;
    dp->vmq->listed = false;
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        struct rxq_poll *poll;

        ovs_mutex_lock(&pmd->port_mutex);
        HMAP_FOR_EACH (poll, node, &pmd->poll_list) {
            poll->rxq->vmq.last_core = pmd->core_id + 1;
        }
        ovs_mutex_unlock(&pmd->port_mutex);
    }
}

/* Returns true if 'rxq' is to go from the node of PMD 'from' to that of 'to',
 * because its device is there.  When the queue came to 'from', the device was
 * elsewhere, as a vhost-user port may be before its peer connects, or its node
 * had no PMDs. */
static bool
dp_vmq_goes_home(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq,
                 const struct sched_pmd *from, const struct sched_pmd *to)
{
    return (to && to->numa->numa_id != from->numa->numa_id
            && to->numa->numa_id == netdev_get_numa_id(rxq->port->netdev)
            && !vmq_engine_crosses_numa(dp->vmq->engine));
}

/* Returns the PMD of 'numa_list' that should go on polling 'rxq' now that
 * queues are assigned anew, or 'assigned', what the assignment algorithm came
 * to, for a queue that has no PMD to stay on. */
static struct sched_pmd *
dp_vmq_sticky_pmd(struct dp_netdev *dp, struct sched_numa_list *numa_list,
                  const struct dp_netdev_rxq *rxq, struct sched_pmd *assigned)
{
    struct sched_numa *numa;

    if (!rxq->vmq.last_core || !vmq_engine_is_on(dp->vmq->engine)) {
        return assigned;
    }

    HMAP_FOR_EACH (numa, node, &numa_list->numas) {
        for (unsigned int i = 0; i < numa->n_pmds; i++) {
            struct sched_pmd *sched_pmd = &numa->pmds[i];
            struct vmq_place_pmd place = {
                .core_id = sched_pmd->pmd->core_id,
                .isolated = sched_pmd->isolated,
            };

            if (vmq_place(&place, 1, rxq->vmq.last_core - 1) != VMQ_NONE) {
                return (dp_vmq_goes_home(dp, rxq, sched_pmd, assigned)
                        ? assigned : sched_pmd);
            }
        }
    }
    return assigned;
}

/* Life cycle and settings. */

static void
dp_vmq_create(struct dp_netdev *dp)
{
    static const struct vmq_datapath_ops ops = {
        .collect = dp_vmq_collect,
        .apply = dp_vmq_apply,
        .advance = dp_vmq_advance,
    };

    dp->vmq = xzalloc(sizeof *dp->vmq);
    dp->vmq->engine = vmq_engine_create(dp->name, &ops, dp);
    vmq_post_init(&dp->vmq->post);
    hmap_init(&dp->vmq->by_netdev);
    dp->vmq->by_netdev_seq = UINT64_MAX;
    atomic_init(&dp->vmq->flow_limit, 10000);   /* What udpif starts with. */
    dp->vmq->start_tsc = dp_vmq_tsc();
    dp->vmq->start_ns = dp_vmq_now_ns();
}

static void
dp_vmq_destroy(struct dp_netdev *dp)
{
    if (dp->vmq) {
        vmq_engine_destroy(dp->vmq->engine);
        vmq_post_destroy(&dp->vmq->post);
        hmap_destroy(&dp->vmq->by_netdev);
        free(dp->vmq->pmds);
        free(dp->vmq->ports);
        free(dp->vmq->transits);        /* All have ended. */
        free(dp->vmq);
    }
}

/* Dynamic VMQ was turned 'on', or off.  PMD threads count cycles all the time,
 * packets only while it is on; what is shown of both must belong together. */
static void
dp_vmq_port_turn(const struct dp_netdev *dp, struct dp_netdev_port *port,
                 bool on)
{
    for (unsigned int i = 0; i < port->n_rxq; i++) {
        struct dp_netdev_rxq *rxq = &port->rxqs[i];
        uint64_t cycles = dp_netdev_rxq_get_cycles(rxq, RXQ_CYCLES_PROC_CURR);

        if (on) {
            rxq->vmq.cycles_off += cycles - rxq->vmq.cycles_at_off;
        } else {
            rxq->vmq.cycles_at_off = cycles;
        }
    }
    dp_vmq_port_update_status(dp, port);
}

static void
dp_vmq_set_config(struct dp_netdev *dp, const struct smap *other_config)
{
    if (vmq_engine_set_config(dp->vmq->engine, other_config)) {
        bool on = vmq_engine_is_on(dp->vmq->engine);
        struct dp_netdev_pmd_thread *pmd;
        struct dp_netdev_port *port;

        CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
            atomic_store_relaxed(&pmd->vmq.on, on);
        }
        if (!on) {
            /* Back to where the switch would have put the queues. */
            dp_netdev_request_reconfigure(dp);
        }
        ovs_rwlock_rdlock(&dp->port_rwlock);
        HMAP_FOR_EACH (port, node, &dp->ports) {
            dp_vmq_port_turn(dp, port, on);
        }
        ovs_rwlock_unlock(&dp->port_rwlock);
    }
}

/* Called by the revalidators. */
void
dpif_netdev_vmq_set_flow_limit(struct dpif *dpif, unsigned int flow_limit)
{
    if (dpif_is_netdev(dpif)) {
        atomic_store_relaxed(&get_dp_netdev(dpif)->vmq->flow_limit,
                             flow_limit);
    }
}

static void
dp_vmq_get_port(const struct dp_netdev *dp, const struct dp_netdev_port *port,
                struct dpif_vmq_port *info)
{
    info->status = vmq_mobility_to_string(dp_vmq_port_status(port));
    if (!netdev_is_pmd(port->netdev)) {
        return;
    }

    info->n_rxqs = port->n_rxq;
    info->rxqs = xcalloc(port->n_rxq, sizeof *info->rxqs);
    for (unsigned int i = 0; i < port->n_rxq; i++) {
        struct dp_netdev_rxq *rxq = &port->rxqs[i];
        struct vmq_rxq q;

        dp_vmq_read_counters(dp, rxq, &q);
        info->rxqs[i] = (struct dpif_vmq_rxq) {
            .n_packets = q.packets,
            .busy_cycles = (dp->vmq->fake_loads
                            ? rxq->vmq.fake_cycles : q.cycles),
            .n_moves = rxq->vmq.n_moves,
            .core_id = rxq->pmd ? rxq->pmd->core_id : UINT32_MAX,
        };
    }
}

/* Returns the port of 'dp' whose device is 'netdev', NULL if there is none.
 * ovs-vswitchd asks for every port in turn, several times a minute: looking at
 * all ports each time would take 4 million looks of 2,000 ports. */
static const struct dp_netdev_port *
dp_vmq_find_port(const struct dp_netdev *dp, const struct netdev *netdev)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct hmap *by_netdev = &dp->vmq->by_netdev;
    uint64_t seq = seq_read(dp->port_seq);
    struct dp_netdev_port *port;

    if (dp->vmq->by_netdev_seq != seq) {
        /* Ports that are gone take their nodes with them. */
        hmap_clear(by_netdev);
        HMAP_FOR_EACH (port, node, &dp->ports) {
            hmap_insert(by_netdev, &port->vmq.netdev_node,
                        hash_pointer(port->netdev, 0));
        }
        dp->vmq->by_netdev_seq = seq;
    }

    HMAP_FOR_EACH_WITH_HASH (port, vmq.netdev_node, hash_pointer(netdev, 0),
                             by_netdev) {
        if (port->netdev == netdev) {
            return port;
        }
    }
    return NULL;
}

/* Tells what dynamic VMQ knows of the port whose device is 'netdev'.  Returns
 * false if it is not in a userspace datapath, or dynamic VMQ is off there.
 * Otherwise the caller has to call dpif_netdev_vmq_put_port().
 *
 * For the main thread. */
bool
dpif_netdev_vmq_get_port(const struct netdev *netdev,
                         struct dpif_vmq_port *info)
{
    struct shash_node *node;
    bool found = false;

    memset(info, 0, sizeof *info);
    ovs_mutex_lock(&dp_netdev_mutex);
    SHASH_FOR_EACH (node, &dp_netdevs) {
        struct dp_netdev *dp = node->data;
        const struct dp_netdev_port *port;

        if (found || !vmq_engine_is_on(dp->vmq->engine)) {
            continue;
        }
        ovs_rwlock_rdlock(&dp->port_rwlock);
        port = dp_vmq_find_port(dp, netdev);
        if (port) {
            dp_vmq_get_port(dp, port, info);
            found = true;
        }
        ovs_rwlock_unlock(&dp->port_rwlock);
    }
    ovs_mutex_unlock(&dp_netdev_mutex);
    return found;
}

void
dpif_netdev_vmq_put_port(struct dpif_vmq_port *info)
{
    free(info->rxqs);
}

/* Takes the setting of 'port' from its Interface's 'other_config'.  A value
 * that is neither true nor false is logged once and changes nothing. */
static void
dp_vmq_port_set_config(struct dp_netdev_port *port,
                       const struct smap *other_config)
{
    const char *value = smap_get_def(other_config, "pmd-vmq", "true");
    uint32_t bad_value = 0;
    struct vmq_config config;
    char *error;

    /* The key of the switch has the same values. */
    vmq_config_init(&config);
    config.enabled = !port->vmq.excluded;
    error = vmq_config_set(&config, vmq_setting_find("pmd-vmq"), value);
    if (!error) {
        port->vmq.excluded = !config.enabled;
    } else {
        bad_value = hash_string(value, 0) | 1;
        if (bad_value != port->vmq.bad_value) {
            VLOG_WARN("%s: other_config:%s", netdev_get_name(port->netdev),
                      error);
        }
        free(error);
    }
    port->vmq.bad_value = bad_value;
}

/* Returns whether pmd-auto-lb may do as 'auto_lb' says, which is no if VMQ
 * looks after the queues. */
static bool
dp_vmq_allows_auto_lb(struct dp_netdev *dp, bool auto_lb)
{
    bool conflict = auto_lb && vmq_engine_is_on(dp->vmq->engine);

    if (conflict && !dp->vmq->auto_lb_warned) {
        VLOG_WARN("%s: pmd-auto-lb is ignored while pmd-vmq is on", dp->name);
    }
    dp->vmq->auto_lb_warned = conflict;
    return auto_lb && !conflict;
}

static void
dp_vmq_run(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    vmq_engine_run(dp->vmq->engine);
}

static void
dp_vmq_wait(struct dp_netdev *dp)
{
    dp_vmq_move_wait(dp);
    vmq_engine_wait(dp->vmq->engine);
}

/* Commands. */

/* Runs the 'struct vmq_command' in 'aux' on the datapath that the last
 * argument names or, if that does not name one, on the only one. */
static void
dp_vmq_command(struct unixctl_conn *conn, int argc, const char *argv[],
               void *aux)
{
    const struct vmq_command *command = aux;
    struct ds reply = DS_EMPTY_INITIALIZER;
    struct dp_netdev *dp = NULL;

    ovs_mutex_lock(&dp_netdev_mutex);
    if (argc > 1) {
        dp = shash_find_data(&dp_netdevs, argv[argc - 1]);
    }
    if (dp) {
        argc--;
    } else if (shash_count(&dp_netdevs) == 1) {
        dp = shash_first(&dp_netdevs)->data;
    }
    if (!dp) {
        ovs_mutex_unlock(&dp_netdev_mutex);
        unixctl_command_reply_error(conn,
                                    "please specify an existing datapath");
        return;
    }

    ovs_rwlock_rdlock(&dp->port_rwlock);
    enum vmq_command_result result = command->run(dp->vmq->engine, conn,
                                                  argc - 1, argv + 1, &reply);
    ovs_rwlock_unlock(&dp->port_rwlock);
    ovs_mutex_unlock(&dp_netdev_mutex);

    switch (result) {
    case VMQ_COMMAND_OK:
        unixctl_command_reply(conn, ds_cstr(&reply));
        break;
    case VMQ_COMMAND_ERROR:
        unixctl_command_reply_error(conn, ds_cstr(&reply));
        break;
    case VMQ_COMMAND_LATER:
    default:
        break;
    }
    ds_destroy(&reply);
}

static void
dp_vmq_init(void)
{
    for (int i = 0; i < vmq_n_commands; i++) {
        const struct vmq_command *c = &vmq_commands[i];

        unixctl_command_register(c->name, c->usage, c->min_args, c->max_args,
                                 dp_vmq_command,
                                 CONST_CAST(struct vmq_command *, c));
    }
}

/* Tests: loads that are not measured.
 *
 * Once dpif-dummy/set-rxq-load has been used on a datapath, time for its
 * snapshots is that of time/stop and time/warp at 1 cycle a ns, all PMDs are
 * charged what their queues are said to use, and nothing is stolen from them.
 * The plans then depend on what the test says and on nothing else. */

static void
dp_vmq_fake_rxq(const struct dp_netdev *dp, struct dp_netdev_rxq *rxq,
                uint64_t elapsed_ns, bool saturated, struct vmq_rxq *q)
{
    uint64_t percent = rxq->vmq.fake_load ? rxq->vmq.fake_load - 1 : 0;
    uint64_t cycles = elapsed_ns * percent / 100;

    /* A batch of 32 packets every 32,000 cycles, partly filled unless the PMD
     * is saturated. */
    rxq->vmq.fake_cycles += cycles;
    non_atomic_ullong_add(&rxq->vmq.n_packets, cycles / 1000);
    non_atomic_ullong_add(&rxq->vmq.n_polls, DIV_ROUND_UP(cycles, 32000));
    if (saturated) {
        non_atomic_ullong_add(&rxq->vmq.n_full, DIV_ROUND_UP(cycles, 32000));
    }
    dp_vmq_read_counters(dp, rxq, q);
    q->cycles = rxq->vmq.fake_cycles;
}

/* Replaces the counters and clocks of 'raw' by made up ones. */
static void
dp_vmq_fake(struct dp_netdev *dp, struct vmq_snapshot *raw)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    const struct dp_vmq *vmq = dp->vmq;
    uint64_t now_ns = raw->now_ms * 1000000;
    uint64_t elapsed_ns = vmq->fake_ns ? now_ns - vmq->fake_ns : 0;
    uint32_t i = 0;

    dp->vmq->fake_ns = now_ns;
    raw->window_cycles = now_ns;
    raw->window_ns = now_ns;

    for (size_t k = 0; k < vmq->n_pmds; k++) {
        vmq->pmds[k]->vmq.fake_percent = 0;
    }
    for (size_t k = 0; k < vmq->n_ports; k++) {
        struct dp_netdev_port *port = vmq->ports[k];

        for (unsigned int j = 0; j < port->n_rxq; j++) {
            struct dp_netdev_rxq *rxq = &port->rxqs[j];

            if (rxq->pmd && rxq->vmq.fake_load) {
                rxq->pmd->vmq.fake_percent += rxq->vmq.fake_load - 1;
            }
        }
    }
    for (size_t k = 0; k < vmq->n_ports; k++) {
        struct dp_netdev_port *port = vmq->ports[k];

        for (unsigned int j = 0;
             netdev_is_pmd(port->netdev) && j < port->n_rxq; j++, i++) {
            struct dp_netdev_pmd_thread *pmd = port->rxqs[j].pmd;

            dp_vmq_fake_rxq(dp, &port->rxqs[j], elapsed_ns,
                            pmd && pmd->vmq.fake_percent >= 100,
                            &raw->rxqs[i]);
        }
    }
    for (i = 0; i < raw->n_pmds; i++) {
        struct dp_vmq_pmd *pmd = &vmq->pmds[i]->vmq;

        pmd->fake_busy_cycles += elapsed_ns * MIN(pmd->fake_percent, 100)
                                 / 100;
        raw->pmds[i].busy_cycles = pmd->fake_busy_cycles;
        raw->pmds[i].idle_cycles = now_ns - pmd->fake_busy_cycles;
        raw->pmds[i].sleep_cycles = 0;
        raw->pmds[i].cpu_ns = now_ns;
    }
}

/* Sets the load of queue 'qid' of port 'name' in 'dp', if there is one.
 * Returns whether there is. */
static bool
dp_vmq_set_fake_load(struct dp_netdev *dp, const char *name, unsigned int qid,
                     unsigned int percent)
{
    struct dp_netdev_port *port;
    bool found;

    ovs_rwlock_rdlock(&dp->port_rwlock);
    found = (!get_port_by_name(dp, name, &port)
             && netdev_is_pmd(port->netdev) && qid < port->n_rxq);
    if (found) {
        port->rxqs[qid].vmq.fake_load = percent + 1;
        if (!dp->vmq->fake_loads) {
            dp->vmq->fake_loads = true;
            dp->vmq->fake_ns = time_msec() * UINT64_C(1000000);
        }
    }
    ovs_rwlock_unlock(&dp->port_rwlock);
    return found;
}

static void
dpif_dummy_set_rxq_load(struct unixctl_conn *conn, int argc OVS_UNUSED,
                        const char *argv[], void *aux OVS_UNUSED)
{
    unsigned int qid, percent;
    struct shash_node *node;
    bool found = false;

    if (!str_to_uint(argv[2], 10, &qid)) {
        unixctl_command_reply_error(conn, "QID is not a number");
        return;
    }
    if (!str_to_uint(argv[3], 10, &percent) || percent > 1000) {
        unixctl_command_reply_error(conn, "PERCENT is not in 0..1000");
        return;
    }

    ovs_mutex_lock(&dp_netdev_mutex);
    SHASH_FOR_EACH (node, &dp_netdevs) {
        struct dp_netdev *dp = node->data;

        if (dpif_netdev_class_is_dummy(dp->class)
            && dp_vmq_set_fake_load(dp, argv[1], qid, percent)) {
            found = true;
        }
    }
    ovs_mutex_unlock(&dp_netdev_mutex);

    if (found) {
        unixctl_command_reply(conn, NULL);
    } else {
        unixctl_command_reply_error(conn, "no such queue of a PMD port");
    }
}

static void
dp_vmq_dummy_register(void)
{
    unixctl_command_register("dpif-dummy/set-rxq-load", "PORT QID PERCENT",
                             3, 3, dpif_dummy_set_rxq_load, NULL);
}

/* Calls 'cb' with the engine of 'dpif'. */
void
dpif_netdev_vmq_with_engine(struct dpif *dpif,
                            void (*cb)(struct vmq_engine *))
{
    struct dp_netdev *dp = get_dp_netdev(dpif);

    ovs_rwlock_rdlock(&dp->port_rwlock);
    cb(dp->vmq->engine);
    ovs_rwlock_unlock(&dp->port_rwlock);
}

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
 * dp_vmq_move_rxqs() is the one place that moves queues.  It takes the queues
 * off their PMDs, reloads those, gives the queues to the new PMDs and reloads
 * these.  No other PMD takes part.  A reload waits for the PMD to finish the
 * iteration it is in and sends what it has batched, so that a packet received
 * by the old PMD cannot be overtaken by one that the new PMD receives, and a
 * queue is never polled by two PMDs.
 *
 * Unlike other reloads, those for a move keep what has been measured: see
 * 'keep_history'.
 *
 * Thread-safety
 * =============
 *
 * Everything is for the main thread, with 'port_rwlock' held, except what says
 * that it is for the PMD threads. */

#include <config.h>
#include "vmq-engine.h"
#include "vmq-unixctl.h"

/* Per datapath. */
struct dp_vmq {
    struct vmq_engine *engine;
    uint64_t generation;        /* Changes whenever a queue may have changed
                                 * its PMD. */
    bool auto_lb_warned;        /* Said that pmd-auto-lb is ignored? */
    bool fake_loads;            /* Tests: dpif-dummy/set-rxq-load was used. */
    uint64_t fake_ns;           /* Time of the last collection then. */
};

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
        cycles = (double) cycles * pmd_tsc
                 / (rxq->vmq.interval_tsc - start_tsc);
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
    if (pmd->core_id != NON_PMD_CORE_ID) {
        pmd->vmq.sibling_group = dp_vmq_sibling_group(pmd->dp, pmd->core_id);
    }
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

static void
dp_vmq_collect_rxq(struct dp_netdev_rxq *rxq, uint32_t port, uint32_t pmd,
                   struct vmq_snapshot *raw)
{
    uint32_t i = vmq_snapshot_add_rxq(raw, port,
                                      netdev_rxq_get_queue_id(rxq->rx), pmd,
                                      netdev_get_numa_id(rxq->port->netdev));
    struct vmq_rxq *q = &raw->rxqs[i];
    unsigned long long int n;

    q->mobility = dp_vmq_rxq_mobility(rxq);
    q->n_moves = rxq->vmq.n_moves;
    q->cycles = dp_netdev_rxq_get_cycles(rxq, RXQ_CYCLES_PROC_CURR);
    atomic_read_relaxed(&rxq->vmq.n_packets, &n);
    q->packets = n;
    atomic_read_relaxed(&rxq->vmq.n_polls, &n);
    q->polls = n;
    atomic_read_relaxed(&rxq->vmq.n_full, &n);
    q->full_batches = n;
}

/* Adds the number of flows that 'rxq''s PMD has for its port, once per PMD. */
static void
dp_vmq_collect_flows(const struct dp_netdev_rxq *rxq, uint32_t port,
                     uint32_t pmd, struct vmq_snapshot *raw)
{
    for (uint32_t n = raw->n_port_pmds; n > 0; n--) {
        if (raw->port_pmds[n - 1].port != port) {
            break;
        } else if (raw->port_pmds[n - 1].pmd == pmd) {
            return;
        }
    }

    odp_port_t port_no = rxq->port->port_no;
    vmq_snapshot_add_port_pmd(raw, port, pmd,
                              ccmap_find(&rxq->pmd->n_flows,
                                         odp_to_u32(port_no)));
}

static void dp_vmq_fake(struct dp_netdev *, struct vmq_snapshot *raw);

/* Implements 'collect' of the engine. */
static void
dp_vmq_collect(void *dp_, struct vmq_snapshot *raw)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;
    struct dp_netdev_pmd_thread **pmds;
    struct dp_netdev_port *port;
    static struct pmd_perf_stats clock;     /* Large. */
    struct timespec ts;
    size_t n_pmds;

    xclock_gettime(CLOCK_MONOTONIC, &ts);
    raw->window_ns = ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
    raw->window_cycles = cycles_counter_update(&clock);
    raw->now_ms = time_msec();
    raw->generation = dp->vmq->generation;

    sorted_poll_thread_list(dp, &pmds, &n_pmds);
    for (size_t i = 0; i < n_pmds; i++) {
        if (pmds[i]->core_id != NON_PMD_CORE_ID) {
            dp_vmq_collect_pmd(pmds[i], raw);
        }
    }
    free(pmds);

    HMAP_FOR_EACH (port, node, &dp->ports) {
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
            dp_vmq_collect_rxq(rxq, p, q, raw);
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

/* Move. */

/* One queue on its way. */
struct dp_vmq_transit {
    struct dp_netdev_rxq *rxq;
    struct dp_netdev_pmd_thread *from, *to;
};

/* Reloads those of the PMDs in 'transits' whose 'need_reload' is set, the
 * sources or the destinations, and keeps their measurements. */
static void
dp_vmq_reload(struct dp_netdev *dp, const struct dp_vmq_transit *transits,
              size_t n, bool sources)
{
    for (size_t i = 0; i < n; i++) {
        (sources ? transits[i].from : transits[i].to)->vmq.keep_history = true;
    }
    reload_affected_pmds(dp);
    for (size_t i = 0; i < n; i++) {
        (sources ? transits[i].from : transits[i].to)->vmq.keep_history
            = false;
    }
}

static void
dp_vmq_take_rxq(const struct dp_vmq_transit *transit)
{
    struct dp_netdev_pmd_thread *pmd = transit->from;
    struct rxq_poll *poll;

    ovs_mutex_lock(&pmd->port_mutex);
    HMAP_FOR_EACH_SAFE (poll, node, &pmd->poll_list) {
        if (poll->rxq == transit->rxq) {
            dp_netdev_del_rxq_from_pmd(pmd, poll);
        }
    }
    ovs_mutex_unlock(&pmd->port_mutex);
}

static void
dp_vmq_give_rxq(struct dp_netdev *dp, const struct dp_vmq_transit *transit)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_netdev_pmd_thread *pmd = transit->to;
    struct dp_netdev_port *port;
    struct tx_bond *bond;

    transit->rxq->pmd = pmd;
    transit->rxq->vmq.interval_moved = true;
    transit->rxq->vmq.n_moves++;

    ovs_mutex_lock(&pmd->port_mutex);
    dp_netdev_add_rxq_to_pmd(pmd, transit->rxq);

    /* A PMD that was parked may not know all the ports to send to.  These do
     * nothing for the ones that it knows. */
    HMAP_FOR_EACH (port, node, &dp->ports) {
        dp_netdev_add_port_tx_to_pmd(pmd, port);
    }
    CMAP_FOR_EACH (bond, node, &dp->tx_bonds) {
        dp_netdev_add_bond_tx_to_pmd(pmd, bond, false);
    }
    ovs_mutex_unlock(&pmd->port_mutex);
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
 * its part of the PMD's has to as well. */
static void
dp_vmq_move_past_cycles(const struct dp_vmq_transit *transit)
{
    struct dp_netdev_pmd_thread *from = transit->from;
    struct dp_netdev_pmd_thread *to = transit->to;
    bool parked = hmap_is_empty(&from->poll_list);
    unsigned int rxq_idx = atomic_count_get(&transit->rxq->intrvl_idx);
    unsigned int from_idx = atomic_count_get(&from->intrvl_idx);
    unsigned int to_idx = atomic_count_get(&to->intrvl_idx);

    /* The oldest interval is the one that a PMD may be replacing just now. */
    for (unsigned int age = 1; age < PMD_INTERVAL_MAX; age++) {
        unsigned int f = dp_vmq_interval_slot(from_idx, age);
        unsigned int t = dp_vmq_interval_slot(to_idx, age);
        uint64_t cycles = dp_netdev_rxq_get_intrvl_cycles(
            transit->rxq, dp_vmq_interval_slot(rxq_idx, age));
        unsigned long long int busy;

        atomic_read_relaxed(&from->busy_cycles_intrvl[f], &busy);
        atomic_store_relaxed(&from->busy_cycles_intrvl[f],
                             parked ? 0 : busy - MIN(busy, cycles));
        atomic_read_relaxed(&to->busy_cycles_intrvl[t], &busy);
        atomic_store_relaxed(&to->busy_cycles_intrvl[t], busy + cycles);
    }

    /* A PMD that has just been woken does not know yet how many cycles an
     * interval has. */
    unsigned long long int length;
    atomic_read_relaxed(&to->intrvl_cycles, &length);
    if (!length) {
        atomic_read_relaxed(&from->intrvl_cycles, &length);
        atomic_store_relaxed(&to->intrvl_cycles, length);
    }
}

/* Moves queues between PMDs.  Returns the time in ns, as the main thread saw
 * it, from when the first queue may have been polled last by its old PMD to
 * when the last one was surely polled by its new PMD. */
static uint64_t
dp_vmq_move_rxqs(struct dp_netdev *dp, const struct dp_vmq_transit *transits,
                 size_t n)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct timespec begin, end;

    if (!n) {
        return 0;
    }

    dp->vmq->generation++;
    xclock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < n; i++) {
        dp_vmq_take_rxq(&transits[i]);
    }
    dp_vmq_reload(dp, transits, n, true);
    for (size_t i = 0; i < n; i++) {
        dp_vmq_move_past_cycles(&transits[i]);
        dp_vmq_give_rxq(dp, &transits[i]);
    }
    dp_vmq_reload(dp, transits, n, false);
    xclock_gettime(CLOCK_MONOTONIC, &end);

    return (end.tv_sec - begin.tv_sec) * UINT64_C(1000000000)
           + end.tv_nsec - begin.tv_nsec;
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
             const struct vmq_plan *plan, struct vmq_effect *effects)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;
    bool stale = plan->generation != dp->vmq->generation;
    struct dp_vmq_transit *transits;
    size_t n = 0;

    transits = xmalloc(plan->n_moves * sizeof *transits);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        effects[i] = (struct vmq_effect) { .outcome = VMQ_OUTCOME_APPLIED };
        if (stale) {
            effects[i].outcome = VMQ_OUTCOME_STALE;
        } else if (!dp_vmq_resolve(dp, snapshot, &plan->moves[i],
                                   &transits[n])) {
            effects[i].outcome = VMQ_OUTCOME_GONE;
        } else {
            n++;
        }
    }

    uint64_t blackout_ns = dp_vmq_move_rxqs(dp, transits, n);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        if (effects[i].outcome == VMQ_OUTCOME_APPLIED) {
            effects[i].blackout_ns = blackout_ns;
        }
    }
    free(transits);
}

/* Reconfiguration. */

/* To be called before a reconfiguration takes the queues off their PMDs.
 * Remembers where each is polled: by number, since PMDs and arrays of queues
 * may not outlive the reconfiguration. */
static void
dp_vmq_reconfigure(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_netdev_port *port;

    dp->vmq->generation++;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        for (unsigned int i = 0; i < port->n_rxq; i++) {
            struct dp_netdev_rxq *rxq = &port->rxqs[i];

            if (rxq->pmd) {
                rxq->vmq.last_core = rxq->pmd->core_id + 1;
            }
        }
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
                .numa_id = numa->numa_id,
                .isolated = sched_pmd->isolated,
            };

            if (vmq_place(&place, 1, rxq->vmq.last_core - 1,
                          netdev_get_numa_id(rxq->port->netdev))
                != VMQ_NONE) {
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
    };

    dp->vmq = xzalloc(sizeof *dp->vmq);
    dp->vmq->engine = vmq_engine_create(dp->name, &ops, dp);
    atomic_init(&dp->vmq_on, false);
}

static void
dp_vmq_destroy(struct dp_netdev *dp)
{
    if (dp->vmq) {
        vmq_engine_destroy(dp->vmq->engine);
        free(dp->vmq);
    }
}

static void
dp_vmq_set_config(struct dp_netdev *dp, const struct smap *other_config)
{
    if (vmq_engine_set_config(dp->vmq->engine, other_config)) {
        bool on = vmq_engine_is_on(dp->vmq->engine);

        atomic_store_relaxed(&dp->vmq_on, on);
        if (!on) {
            /* Back to where the switch would have put the queues. */
            dp_netdev_request_reconfigure(dp);
        }
    }
}

/* Takes the setting of 'port' from its Interface's 'other_config'.  A value
 * that is neither true nor false is logged once and changes nothing. */
static void
dp_vmq_port_set_config(struct dp_netdev_port *port,
                       const struct smap *other_config)
{
    const char *value = smap_get_def(other_config, "pmd-vmq", "true");
    uint32_t bad_value = 0;

    if (!strcmp(value, "true") || !strcmp(value, "false")) {
        port->vmq.excluded = !strcmp(value, "false");
    } else {
        bad_value = hash_string(value, 0) | 1;
        if (bad_value != port->vmq.bad_value) {
            VLOG_WARN("%s: other_config:pmd-vmq=%s is neither true nor false; "
                      "keeping %s", netdev_get_name(port->netdev), value,
                      port->vmq.excluded ? "false" : "true");
        }
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
    bool ok = command->run(dp->vmq->engine, argc - 1, argv + 1, &reply);
    ovs_rwlock_unlock(&dp->port_rwlock);
    ovs_mutex_unlock(&dp_netdev_mutex);

    if (ok) {
        unixctl_command_reply(conn, ds_cstr(&reply));
    } else {
        unixctl_command_reply_error(conn, ds_cstr(&reply));
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
dp_vmq_fake_rxq(struct dp_netdev_rxq *rxq, uint64_t elapsed_ns,
                bool saturated, struct vmq_rxq *q)
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

    unsigned long long int n;
    q->cycles = rxq->vmq.fake_cycles;
    atomic_read_relaxed(&rxq->vmq.n_packets, &n);
    q->packets = n;
    atomic_read_relaxed(&rxq->vmq.n_polls, &n);
    q->polls = n;
    atomic_read_relaxed(&rxq->vmq.n_full, &n);
    q->full_batches = n;
}

/* Replaces the counters and clocks of 'raw', not sorted yet, by made up
 * ones. */
static void
dp_vmq_fake(struct dp_netdev *dp, struct vmq_snapshot *raw)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    uint64_t now_ns = raw->now_ms * 1000000;
    uint64_t elapsed_ns = dp->vmq->fake_ns ? now_ns - dp->vmq->fake_ns : 0;
    uint64_t *percents = xcalloc(raw->n_pmds, sizeof *percents);
    struct dp_netdev_port *port;
    uint32_t i;

    dp->vmq->fake_ns = now_ns;
    raw->window_cycles = now_ns;
    raw->window_ns = now_ns;

    i = 0;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        for (unsigned int j = 0;
             netdev_is_pmd(port->netdev) && j < port->n_rxq; j++, i++) {
            unsigned int fake_load = port->rxqs[j].vmq.fake_load;

            if (fake_load && raw->rxqs[i].pmd != VMQ_NONE) {
                percents[raw->rxqs[i].pmd] += fake_load - 1;
            }
        }
    }
    i = 0;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        for (unsigned int j = 0;
             netdev_is_pmd(port->netdev) && j < port->n_rxq; j++, i++) {
            uint32_t pmd = raw->rxqs[i].pmd;

            dp_vmq_fake_rxq(&port->rxqs[j], elapsed_ns,
                            pmd != VMQ_NONE && percents[pmd] >= 100,
                            &raw->rxqs[i]);
        }
    }
    for (i = 0; i < raw->n_pmds; i++) {
        struct dp_netdev_pmd_thread *pmd
            = dp_netdev_get_pmd(dp, raw->pmds[i].core_id);

        pmd->vmq.fake_busy_cycles += elapsed_ns * MIN(percents[i], 100) / 100;
        raw->pmds[i].busy_cycles = pmd->vmq.fake_busy_cycles;
        raw->pmds[i].idle_cycles = now_ns - pmd->vmq.fake_busy_cycles;
        raw->pmds[i].sleep_cycles = 0;
        raw->pmds[i].cpu_ns = now_ns;
        dp_netdev_pmd_unref(pmd);
    }
    free(percents);
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

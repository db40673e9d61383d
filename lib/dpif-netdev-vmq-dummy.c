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


/* Dynamic VMQ in the userspace datapath: what tests make up.
 *
 * Once dpif-dummy/set-rxq-load has been used on a datapath, time for its
 * snapshots is that of time/stop and time/warp at 1 cycle a ns, all PMDs are
 * charged what their queues are said to use, and nothing is stolen from them.
 * The plans then depend on what the test says and on nothing else.
 *
 * With dpif-dummy/at, a test holds moves at a point of their way, or has flows
 * change there, which would take luck otherwise.
 *
 * Nothing calls this but the commands, which only the dummy datapath
 * registers, and what those leave in 'dummy' of struct dp_vmq.
 *
 * Thread-safety: for the main thread, but for dummy_reach().  What that reads
 * is atomic, and 'dummy' of struct dp_vmq is set for good while no queue is
 * being handed over. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dpif-netdev-vmq-compat.h"
#include "dpif-netdev-vmq-hooks.h"
#include "dpif-provider.h"
#include "hash.h"
#include "netdev.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

/* How long a PMD may leave a letter in its mailbox, in place of
 * VMQ_PATIENCE_NS. */
#define VMQ_DUMMY_PATIENCE_NS UINT64_C(10000000000)

/* What is to happen at a point. */
enum dummy_action {
    DUMMY_NONE,
    DUMMY_HOLD,                 /* The move waits. */
    DUMMY_RELEASE,              /* All that wait go on. */
    DUMMY_FLUSH,                /* All flows are deleted. */
    DUMMY_CHANGE,               /* The flow gets other actions. */
    DUMMY_REVALIDATE,           /* All that wait go on, and all flows that are
                                 * to be revalidated are. */
    DUMMY_N_ACTIONS
};

static const char *const dummy_points[VMQ_N_POINTS] = {
    [VMQ_POINT_FOUND] = "found",
    [VMQ_POINT_COPY] = "copy",
    [VMQ_POINT_COPIED] = "copied",
    [VMQ_POINT_CHECKED] = "checked",
    [VMQ_POINT_DRAIN] = "drain",
    [VMQ_POINT_DRAINED] = "drained",
    [VMQ_POINT_DUMP] = "dump",
    [VMQ_POINT_MAIL] = "mail",
    [VMQ_POINT_ASK] = "ask",
    [VMQ_POINT_GIVE] = "give",
    [VMQ_POINT_TAKE] = "take",
};

static const char *const dummy_actions[DUMMY_N_ACTIONS] = {
    [DUMMY_NONE] = "none",
    [DUMMY_HOLD] = "hold",
    [DUMMY_RELEASE] = "release",
    [DUMMY_FLUSH] = "flush",
    [DUMMY_CHANGE] = "change",
    [DUMMY_REVALIDATE] = "revalidate",
};

struct dummy_point {
    atomic_uint action;         /* An enum dummy_action. */
    atomic_uint core_id;        /* Of the only PMD that it is for, UINT_MAX if
                                 * for any. */
    atomic_count n_skip;        /* Times to come here before 'action'. */
    atomic_count n_reached;     /* Times that one came here since 'action' was
                                 * set. */
};

struct dummy {
    struct dp_vmq_dummy up;
    struct dummy_point points[VMQ_N_POINTS];

    /* Of loads that are made up. */
    struct hmap rxqs;           /* Of struct dummy_rxq. */
    struct hmap pmds;           /* Of struct dummy_pmd. */
    uint64_t last_ns;           /* Time of the last collection. */
};

/* A queue that has been given a load. */
struct dummy_rxq {
    struct hmap_node node;
    const struct dp_netdev_port *port;
    odp_port_t port_no;         /* Of 'port', which may be gone. */
    unsigned int qid;
    unsigned int percent;       /* Of a PMD. */
    uint64_t cycles;            /* Used so far. */
};

struct dummy_pmd {
    struct hmap_node node;
    unsigned int core_id;
    unsigned int percent;       /* What its queues want. */
    uint64_t busy_cycles;       /* Used so far. */
};

static struct dummy *
dummy_get(const struct dp_netdev *dp)
{
    return CONTAINER_OF(dp->vmq->dummy, struct dummy, up);
}

static struct dummy_rxq *
dummy_find_rxq(const struct dummy *dummy, const struct dp_netdev_port *port,
               unsigned int qid)
{
    struct dummy_rxq *rxq;

    HMAP_FOR_EACH_WITH_HASH (rxq, node, hash_pointer(port, qid),
                             &dummy->rxqs) {
        if (rxq->port == port && rxq->qid == qid) {
            return rxq;
        }
    }
    return NULL;
}

/* Returns the PMD on core 'core_id', which is made if need be. */
static struct dummy_pmd *
dummy_get_pmd(struct dummy *dummy, unsigned int core_id)
{
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_WITH_HASH (pmd, node, hash_int(core_id, 0), &dummy->pmds) {
        if (pmd->core_id == core_id) {
            return pmd;
        }
    }
    pmd = xzalloc(sizeof *pmd);
    pmd->core_id = core_id;
    hmap_insert(&dummy->pmds, &pmd->node, hash_int(core_id, 0));
    return pmd;
}

/* Implements 'rxq_cycles'. */
static uint64_t
dummy_rxq_cycles(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq)
{
    const struct dummy_rxq *dummy_rxq
        = dummy_find_rxq(dummy_get(dp), rxq->port,
                         netdev_rxq_get_queue_id(rxq->rx));

    return dummy_rxq ? dummy_rxq->cycles : 0;
}

/* Has 'rxq', which is 'dummy_rxq', use its PMD for 'elapsed_ns'. */
static void
dummy_use_rxq(struct dummy *dummy, struct dummy_rxq *dummy_rxq,
              struct dp_netdev_rxq *rxq, uint64_t elapsed_ns)
{
    bool saturated = (rxq->pmd
                      && dummy_get_pmd(dummy,
                                       rxq->pmd->core_id)->percent >= 100);
    uint64_t cycles = elapsed_ns * dummy_rxq->percent / 100;

    /* A batch of 32 packets every 32,000 cycles, partly filled unless the PMD
     * is saturated. */
    dummy_rxq->cycles += cycles;
    dp_vmq_count(&rxq->vmq.n_packets, cycles / 1000);
    dp_vmq_count(&rxq->vmq.n_polls, DIV_ROUND_UP(cycles, 32000));
    if (saturated) {
        dp_vmq_count(&rxq->vmq.n_full, DIV_ROUND_UP(cycles, 32000));
    }
}

/* Returns whether the port of 'rxq' is one of 'dp'. */
static bool
dummy_has_port(const struct dp_netdev *dp, const struct dummy_rxq *rxq)
{
    const struct dp_netdev_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node,
                             hash_int(odp_to_u32(rxq->port_no), 0),
                             &dp->ports) {
        if (port == rxq->port) {
            return true;
        }
    }
    return false;
}

/* Forgets queues and PMDs that are gone.  Ports that are gone are still in
 * memory, so that no other can be in their place. */
static void
dummy_forget(struct dp_netdev *dp)
{
    struct dummy *dummy = dummy_get(dp);
    struct dummy_rxq *rxq;
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_SAFE (rxq, node, &dummy->rxqs) {
        if (!dummy_has_port(dp, rxq) || rxq->qid >= rxq->port->n_rxq) {
            hmap_remove(&dummy->rxqs, &rxq->node);
            free(rxq);
        }
    }
    HMAP_FOR_EACH_SAFE (pmd, node, &dummy->pmds) {
        if (!dp_vmq_find_pmd(dp, pmd->core_id)) {
            hmap_remove(&dummy->pmds, &pmd->node);
            free(pmd);
        }
    }
}

/* Implements 'reconfigure'. */
static void
dummy_reconfigure(struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;

    /* See dp_vmq_wait_for_reloads(). */
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        bool reload;

        atomic_read(&pmd->reload, &reload);
        ovs_assert(!reload);
    }
    dummy_forget(dp);
}

/* Implements 'collect'. */
static void
dummy_collect(struct dp_netdev *dp, struct vmq_snapshot *raw)
{
    struct dummy *dummy = dummy_get(dp);
    const struct dp_vmq *vmq = dp->vmq;
    uint64_t now_ns = raw->now_ms * 1000000;
    uint64_t elapsed_ns = now_ns - dummy->last_ns;
    struct dummy_rxq *dummy_rxq;
    struct dummy_pmd *pmd;
    uint32_t i = 0;

    dummy_forget(dp);           /* Of ports that have fewer queues now. */
    dummy->last_ns = now_ns;
    raw->window_cycles = now_ns;
    raw->window_ns = now_ns;

    HMAP_FOR_EACH (pmd, node, &dummy->pmds) {
        pmd->percent = 0;
    }
    HMAP_FOR_EACH (dummy_rxq, node, &dummy->rxqs) {
        struct dp_netdev_rxq *rxq = &dummy_rxq->port->rxqs[dummy_rxq->qid];

        if (rxq->pmd) {
            dummy_get_pmd(dummy, rxq->pmd->core_id)->percent
                += dummy_rxq->percent;
        }
    }
    HMAP_FOR_EACH (dummy_rxq, node, &dummy->rxqs) {
        dummy_use_rxq(dummy, dummy_rxq,
                      &dummy_rxq->port->rxqs[dummy_rxq->qid], elapsed_ns);
    }

    /* Queues are in the order in which they were collected. */
    for (size_t k = 0; k < vmq->n_ports; k++) {
        struct dp_netdev_port *port = vmq->ports[k];

        for (unsigned int j = 0;
             netdev_is_pmd(port->netdev) && j < port->n_rxq; j++, i++) {
            dp_vmq_read_counters(dp, &port->rxqs[j], &raw->rxqs[i]);
        }
    }
    for (i = 0; i < raw->n_pmds; i++) {
        pmd = dummy_get_pmd(dummy, raw->pmds[i].core_id);
        pmd->busy_cycles += elapsed_ns * MIN(pmd->percent, 100) / 100;
        raw->pmds[i].busy_cycles = pmd->busy_cycles;
        raw->pmds[i].idle_cycles = now_ns - pmd->busy_cycles;
        raw->pmds[i].sleep_cycles = 0;
        raw->pmds[i].cpu_ns = now_ns;
    }
}

/* Implements 'destroy'. */
static void
dummy_destroy(struct dp_vmq_dummy *up)
{
    struct dummy *dummy = CONTAINER_OF(up, struct dummy, up);
    struct dummy_rxq *rxq;
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_POP (rxq, node, &dummy->rxqs) {
        free(rxq);
    }
    HMAP_FOR_EACH_POP (pmd, node, &dummy->pmds) {
        free(pmd);
    }
    hmap_destroy(&dummy->rxqs);
    hmap_destroy(&dummy->pmds);
    free(dummy);
}

/* Deletes the flows of all PMDs of 'dp'. */
static void
dummy_flush(struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;

    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        struct dp_netdev_flow *flow;

        ovs_mutex_lock(&pmd->flow_mutex);
        CMAP_FOR_EACH (flow, node, &pmd->flow_table) {
            dp_netdev_pmd_remove_flow(pmd, flow);
        }
        ovs_mutex_unlock(&pmd->flow_mutex);
    }
}

/* Has 'flow' drop its packets. */
static void
dummy_change(struct dp_netdev *dp, struct dp_netdev_flow *flow)
{
    struct dp_netdev_pmd_thread *pmd = dp_vmq_find_pmd(dp, flow->pmd_id);
    struct dp_netdev_actions *old;

    ovs_mutex_lock(&pmd->flow_mutex);
    old = dp_netdev_flow_get_actions(flow);
    ovsrcu_set(&flow->actions, xzalloc(sizeof *old));
    ovsrcu_postpone(free, old);
    ovs_mutex_unlock(&pmd->flow_mutex);
}

/* Waits until revalidators have done what they have been asked for. */
static void
dummy_wait_for_revalidation(struct dp_netdev *dp)
{
    struct dp_vmq_recheck *recheck = &dp->vmq->recheck;
    uint64_t wanted, finished;

    atomic_read(&recheck->wanted, &wanted);
    do {
        xnanosleep_no_quiesce(100 * 1000);
        atomic_read(&recheck->finished, &finished);
    } while (finished < wanted);
}

static enum dummy_action
dummy_get_action(struct dummy_point *point)
{
    unsigned int action;

    atomic_read(&point->action, &action);
    return action;
}

static void
dummy_set_action(struct dummy *dummy, enum dp_vmq_point point_,
                 enum dummy_action action, unsigned int core_id,
                 unsigned int n_skip)
{
    struct dummy_point *point = &dummy->points[point_];

    atomic_store(&point->core_id, core_id);
    atomic_count_set(&point->n_skip, n_skip);
    atomic_count_set(&point->n_reached, 0);
    atomic_store(&point->action, action);
}

static void
dummy_release(struct dummy *dummy)
{
    for (int i = 0; i < VMQ_N_POINTS; i++) {
        if (dummy_get_action(&dummy->points[i]) == DUMMY_HOLD) {
            atomic_store(&dummy->points[i].action, DUMMY_NONE);
        }
    }
}

/* Implements 'reach'. */
static bool
dummy_reach(struct dp_netdev *dp, enum dp_vmq_point point_,
            struct dp_netdev_pmd_thread *pmd, struct dp_netdev_flow *flow)
{
    struct dummy *dummy = dummy_get(dp);
    struct dummy_point *point = &dummy->points[point_];
    unsigned int core_id;

    atomic_read(&point->core_id, &core_id);
    if (pmd && core_id != UINT_MAX && core_id != pmd->core_id) {
        return false;
    }
    atomic_count_inc(&point->n_reached);
    if (atomic_count_get(&point->n_skip)) {
        atomic_count_dec(&point->n_skip);
        return false;
    }

    switch (dummy_get_action(point)) {
    case DUMMY_HOLD:
        /* Others free memory meanwhile, which the main thread may wait for.
         * So nobody may delete or change flows that a dump has found. */
        while (pmd && dummy_get_action(point) == DUMMY_HOLD) {
            xnanosleep(100 * 1000);
        }
        return true;
    case DUMMY_RELEASE:
        dummy_release(dummy);
        break;
    case DUMMY_FLUSH:
        dummy_flush(dp);
        break;
    case DUMMY_CHANGE:
        dummy_change(dp, flow);
        break;
    case DUMMY_REVALIDATE:
        dummy_release(dummy);
        dummy_wait_for_revalidation(dp);
        break;
    case DUMMY_NONE:
    case DUMMY_N_ACTIONS:
    default:
        break;
    }
    return false;
}

/* Returns what tests make up for 'dp', which is nothing yet if it is the first
 * time that one asks for it. */
static struct dummy *
dummy_open(struct dp_netdev *dp)
{
    if (!dp->vmq->dummy) {
        struct dummy *dummy = xzalloc(sizeof *dummy);

        dummy->up.reconfigure = dummy_reconfigure;
        dummy->up.reach = dummy_reach;
        dummy->up.destroy = dummy_destroy;
        for (int i = 0; i < VMQ_N_POINTS; i++) {
            dummy_set_action(dummy, i, DUMMY_NONE, UINT_MAX, 0);
        }
        hmap_init(&dummy->rxqs);
        hmap_init(&dummy->pmds);
        dp->vmq->dummy = &dummy->up;
    }
    return dummy_get(dp);
}

/* From now on, loads and time of 'dp' are made up. */
static void
dummy_make_up(struct dp_netdev *dp)
{
    struct dummy *dummy = dummy_open(dp);

    if (!dp_vmq_is_made_up(dp)) {
        dummy->up.collect = dummy_collect;
        dummy->up.rxq_cycles = dummy_rxq_cycles;
        dummy->up.patience_ns = VMQ_DUMMY_PATIENCE_NS;
        dummy->up.at_once = true;
        dummy->up.now_ms = time_msec();
        dummy->last_ns = dummy->up.now_ms * UINT64_C(1000000);
    }
}

/* Has queue 'qid' of the port named 'name' in 'dp' use 'percent' of a PMD, if
 * there is such a queue.  Returns whether there is. */
static bool
dummy_set_load(struct dp_netdev *dp, const char *name, unsigned int qid,
               unsigned int percent)
{
    struct dp_netdev_port *port;
    bool found = false;

    ovs_rwlock_rdlock(&dp->port_rwlock);
    dp_vmq_lock(dp);
    HMAP_FOR_EACH (port, node, &dp->ports) {
        if (!strcmp(netdev_get_name(port->netdev), name)
            && netdev_is_pmd(port->netdev) && qid < port->n_rxq) {
            struct dummy_rxq *rxq;

            dummy_make_up(dp);
            rxq = dummy_find_rxq(dummy_get(dp), port, qid);
            if (!rxq) {
                rxq = xzalloc(sizeof *rxq);
                rxq->port = port;
                rxq->port_no = port->port_no;
                rxq->qid = qid;
                hmap_insert(&dummy_get(dp)->rxqs, &rxq->node,
                            hash_pointer(port, qid));
            }
            rxq->percent = percent;
            found = true;
        }
    }
    dp_vmq_unlock(dp);
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

        if (dp->class != &dpif_netdev_class
            && dummy_set_load(dp, argv[1], qid, percent)) {
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

/* Returns the index of 'name' in 'names', which has 'n', or 'n'. */
static unsigned int
dummy_look_up(const char *const names[], unsigned int n, const char *name)
{
    unsigned int i;

    for (i = 0; i < n && strcmp(names[i], name); i++) {
        continue;
    }
    return i;
}

/* Calls 'cb' with 'aux' for each dummy datapath. */
static void
dummy_for_each(void (*cb)(struct dp_netdev *, void *aux), void *aux)
{
    struct shash_node *node;

    ovs_mutex_lock(&dp_netdev_mutex);
    SHASH_FOR_EACH (node, &dp_netdevs) {
        struct dp_netdev *dp = node->data;

        if (dp->class != &dpif_netdev_class) {
            dp_vmq_lock(dp);
            cb(dp, aux);
            dp_vmq_unlock(dp);
        }
    }
    ovs_mutex_unlock(&dp_netdev_mutex);
}

struct dummy_order {
    enum dp_vmq_point point;
    enum dummy_action action;
    unsigned int core_id;
    unsigned int n_skip;
};

static void
dummy_obey(struct dp_netdev *dp, void *order_)
{
    const struct dummy_order *order = order_;
    struct dummy *dummy = dummy_open(dp);

    /* What is held waits for another command. */
    dummy->up.at_once = false;
    dummy_set_action(dummy, order->point, order->action, order->core_id,
                     order->n_skip);
}

/* What happens when moves come to a point from now on.  N is the core of the
 * only PMD that this is for, if it is a point of PMDs or of dumps, otherwise
 * how often one comes there before it happens. */
static void
dpif_dummy_at(struct unixctl_conn *conn, int argc, const char *argv[],
              void *aux OVS_UNUSED)
{
    struct dummy_order order = { .core_id = UINT_MAX };
    unsigned int n;

    order.point = dummy_look_up(dummy_points, VMQ_N_POINTS, argv[1]);
    order.action = dummy_look_up(dummy_actions, DUMMY_N_ACTIONS, argv[2]);
    if (order.point == VMQ_N_POINTS || order.action == DUMMY_N_ACTIONS
        || (argc > 3 && !str_to_uint(argv[3], 10, &n))) {
        unixctl_command_reply_error(conn, "no such POINT, ACTION or N");
        return;
    }
    if (argc > 3 && order.point >= VMQ_POINT_DUMP) {
        order.core_id = n;
    } else if (argc > 3) {
        order.n_skip = n;
    }
    dummy_for_each(dummy_obey, &order);
    unixctl_command_reply(conn, NULL);
}

static void
dummy_show_points(struct dp_netdev *dp, void *reply)
{
    struct dummy *dummy = dummy_open(dp);

    for (int i = 0; i < VMQ_N_POINTS; i++) {
        ds_put_format(reply, "%s: %u\n", dummy_points[i],
                      atomic_count_get(&dummy->points[i].n_reached));
    }
}

/* How often moves have come to each point, since dpif-dummy/at was used for
 * it. */
static void
dpif_dummy_points(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds reply = DS_EMPTY_INITIALIZER;

    dummy_for_each(dummy_show_points, &reply);
    unixctl_command_reply(conn, ds_cstr(&reply));
    ds_destroy(&reply);
}

static void
dummy_count_flow_refs(struct dp_netdev *dp, void *n_)
{
    struct dp_netdev_pmd_thread *pmd;
    unsigned int *n = n_;

    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        struct dp_netdev_flow *flow;

        CMAP_FOR_EACH (flow, node, &pmd->flow_table) {
            *n += ovs_refcount_read(&flow->ref_cnt) - 1;
        }
    }
}

/* How many references to flows there are that PMDs have, other than theirs:
 * those of exact match caches, and of flows that are to be copied. */
static void
dpif_dummy_flow_refs(struct unixctl_conn *conn, int argc OVS_UNUSED,
                     const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    unsigned int n = 0;
    char *reply;

    dummy_for_each(dummy_count_flow_refs, &n);
    reply = xasprintf("%u\n", n);
    unixctl_command_reply(conn, reply);
    free(reply);
}

static void
dummy_set_patience(struct dp_netdev *dp, void *ms)
{
    struct dummy *dummy = dummy_open(dp);

    dummy->up.patience_ns = *(const unsigned int *) ms * UINT64_C(1000000);
}

/* How long PMDs may take to answer, 0 for as long as anywhere. */
static void
dpif_dummy_set_patience(struct unixctl_conn *conn, int argc OVS_UNUSED,
                        const char *argv[], void *aux OVS_UNUSED)
{
    unsigned int ms;

    if (!str_to_uint(argv[1], 10, &ms)) {
        unixctl_command_reply_error(conn, "MSECS is not a number");
        return;
    }
    dummy_for_each(dummy_set_patience, &ms);
    unixctl_command_reply(conn, NULL);
}

static void
dummy_raise_edge(struct dp_netdev *dp, void *core_id)
{
    struct dp_netdev_pmd_thread *pmd
        = dp_vmq_find_pmd(dp, *(const unsigned int *) core_id);

    if (pmd) {
        dp_vmq_signal_edge(pmd, 0);
    }
}

/* Has the PMD on a core raise an edge, whatever its queues do. */
static void
dpif_dummy_raise_edge(struct unixctl_conn *conn, int argc OVS_UNUSED,
                      const char *argv[], void *aux OVS_UNUSED)
{
    unsigned int core_id;

    if (!str_to_uint(argv[1], 10, &core_id)) {
        unixctl_command_reply_error(conn, "CORE is not a number");
        return;
    }
    dummy_for_each(dummy_raise_edge, &core_id);
    unixctl_command_reply(conn, NULL);
}

static void
dummy_hurry(struct dp_netdev *dp, void *hurry)
{
    dummy_open(dp)->up.hurry = *(const bool *) hurry;
}

/* Has queues leave before their flows from now on, as if there were edges, or
 * no longer. */
static void
dpif_dummy_hurry(struct unixctl_conn *conn, int argc OVS_UNUSED,
                 const char *argv[], void *aux OVS_UNUSED)
{
    bool hurry = !strcmp(argv[1], "true");

    dummy_for_each(dummy_hurry, &hurry);
    unixctl_command_reply(conn, NULL);
}

/* Finds flows as any datapath does, and tells a test when it comes to the next
 * PMD. */
static int
dummy_flow_dump_next(struct dpif_flow_dump_thread *thread,
                     struct dpif_flow *flows, int max_flows)
{
    int n = dpif_netdev_class.flow_dump_next(thread, flows, max_flows);

    if (n > 0) {
        struct dp_netdev *dp = get_dp_netdev(dp_vmq_dump_dpif(thread));
        struct dp_netdev_pmd_thread *pmd
            = dp_vmq_find_pmd(dp, flows[0].pmd_id);

        if (pmd) {
            dp_vmq_reach(dp, VMQ_POINT_DUMP, pmd, NULL);
        }
    }
    return n;
}

/* To be called with each class of dummy datapaths before it is registered. */
void
dp_vmq_dummy_class(struct dpif_class *class)
{
    class->flow_dump_next = dummy_flow_dump_next;
}

void
dp_vmq_dummy_register(void)
{
    unixctl_command_register("dpif-dummy/set-rxq-load", "PORT QID PERCENT",
                             3, 3, dpif_dummy_set_rxq_load, NULL);
    unixctl_command_register("dpif-dummy/at", "POINT ACTION [N]", 2, 3,
                             dpif_dummy_at, NULL);
    unixctl_command_register("dpif-dummy/points", "", 0, 0,
                             dpif_dummy_points, NULL);
    unixctl_command_register("dpif-dummy/flow-refs", "", 0, 0,
                             dpif_dummy_flow_refs, NULL);
    unixctl_command_register("dpif-dummy/set-patience", "MSECS", 1, 1,
                             dpif_dummy_set_patience, NULL);
    unixctl_command_register("dpif-dummy/hurry", "true|false", 1, 1,
                             dpif_dummy_hurry, NULL);
    unixctl_command_register("dpif-dummy/raise-edge", "CORE", 1, 1,
                             dpif_dummy_raise_edge, NULL);
    dp_vmq_dummy_hw_register();
}

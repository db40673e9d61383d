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


/* Dynamic VMQ in the userspace datapath: moves, on the side of who moves
 * queues.
 *
 * A move makes the new PMD ready first, then has the queue handed over:
 *
 *   1. The megaflows that the old PMD used for the queue's port are copied to
 *      the new one, see dpif-netdev-vmq-copy.c.
 *   2. A PMD that is parked does not know the ports to send to.  It is given
 *      them and reloads, which stops nobody, since it has no queues.
 *   3. The queue is passed from one to the other, see vmq-handoff.h.  Neither
 *      of them reloads.
 *   4. The shared lists of who polls what are brought up to date.
 *
 * Where packets wait, step 1 ends after about a millisecond.  The flows that
 * have not been copied by then follow after step 4, see
 * dpif-netdev-vmq-fetch.c for what happens until then.
 *
 * All moves of a plan are under way at once.  The engine calls dp_vmq_apply()
 * to begin them and dp_vmq_advance() to take them further, for at most
 * VMQ_SLICE_NS each time.  dp_vmq_drain() ends all of them before anything
 * else touches the assignment of queues or their ports.
 *
 * Thread-safety: for who has 'port_rwlock' and 'mutex' of struct dp_vmq: the
 * thread, or the main thread when it drains.  What PMDs do with a move is in
 * dpif-netdev-vmq-pmd.c. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "netdev.h"
#include "openvswitch/poll-loop.h"
#include "ovs-thread.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"

/* How long flows are copied before the locks are let go of.  Who wants the
 * mutex need not wait for that, but who wants to add or delete a port does. */
#define VMQ_SLICE_NS 1000000

/* The same for all queues of a plan that leave in a hurry, before they do. */
#define VMQ_AHEAD_NS 1000000

/* How long a PMD may leave a letter in its mailbox.  One that polls looks
 * every few microseconds; one that something else preempts was seen to be away
 * for 60 ms.  If this is too short, moves fail on busy hosts, if it is too
 * long, a queue whose new PMD hangs is not polled for as long. */
#define VMQ_PATIENCE_NS UINT64_C(250000000)

/* Has 'pmd' know all ports and bonds, if it is parked. */
static void
dp_vmq_make_ready(struct dp_netdev *dp, struct dp_netdev_pmd_thread *pmd)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    bool need_reload = pmd->need_reload;

    ovs_mutex_lock(&pmd->port_mutex);
    pmd->need_reload = false;
    if (hmap_is_empty(&pmd->poll_list)) {
        /* A bond that the main thread deletes meanwhile must not come back. */
        ovs_mutex_lock(&dp->bond_mutex);
        dp_netdev_add_ports_to_pmd(dp, pmd);
        ovs_mutex_unlock(&dp->bond_mutex);
    }
    /* Only for ports that it did not know.  It may have taken a queue by now
     * that is not in the list yet, and would lose it. */
    if (pmd->need_reload) {
        dp_netdev_reload_pmd__(pmd);
    }
    pmd->need_reload = need_reload;
    ovs_mutex_unlock(&pmd->port_mutex);
}

/* Brings the shared lists up to date after the queue of 'move' was handed
 * over.  Nobody needs a reload for that. */
static void
dp_vmq_relist(struct dp_vmq_move *move)
{
    struct dp_netdev_pmd_thread *from = move->from;
    struct dp_netdev_pmd_thread *to = move->to;
    struct rxq_poll *poll;

    ovs_mutex_lock(&from->port_mutex);
    HMAP_FOR_EACH (poll, node, &from->poll_list) {
        if (poll->rxq == move->rxq) {
            hmap_remove(&from->poll_list, &poll->node);
            break;
        }
    }
    ovs_mutex_unlock(&from->port_mutex);
    ovs_assert(poll);

    ovs_mutex_lock(&to->port_mutex);
    hmap_insert(&to->poll_list, &poll->node, hmap_node_hash(&poll->node));
    ovs_mutex_unlock(&to->port_mutex);

    move->rxq->pmd = to;
    move->rxq->vmq.n_moves++;
}

/* Returns the time of the monotonic clock at which the TSC was 'tsc', 0 if
 * there is none. */
static uint64_t
dp_vmq_tsc_to_time_ns(struct dp_netdev *dp, uint64_t tsc)
{
    uint64_t now_ns, now_tsc;

    vmq_clock_read(&dp->vmq->clock, &now_ns, &now_tsc);
    return (tsc && now_tsc > tsc
            ? now_ns - vmq_clock_tsc_to_ns(&dp->vmq->clock, now_tsc - tsc)
            : 0);
}

static void
dp_vmq_move_end(struct dp_netdev *dp, struct dp_vmq_move *move,
                enum vmq_outcome outcome)
{
    if (move->handed_ns) {
        move->result->handed_ns = vmq_clock_ns() - move->handed_ns;
    }
    move->result->outcome = outcome;
    move->result->preempted = move->preempted;
    move->phase = VMQ_PHASE_ENDED;

    /* Also of a queue that the source let go, and had to take again.  The TSCs
     * are those of two CPUs, and may differ: it cannot have been for longer
     * than the handoff took. */
    if (move->last_poll_tsc && move->first_poll_tsc > move->last_poll_tsc) {
        uint64_t cycles = move->first_poll_tsc - move->last_poll_tsc;

        move->result->blackout_ns = MIN(
            vmq_clock_tsc_to_ns(&dp->vmq->clock, cycles),
            vmq_clock_ns() - move->handed_ns);
    }
    if (outcome != VMQ_OUTCOME_APPLIED) {
        return;
    }
    move->result->polled_ns = dp_vmq_tsc_to_time_ns(dp, move->first_poll_tsc);

    dp->vmq->generation++;
    dp_vmq_relist(move);
    if (move->emc_enabled != move->rxq->port->emc_enabled) {
        /* Changed on the way: who was told to reload for it is not who polls
         * the queue now. */
        move->to->need_reload = true;
        seq_change(dp->reconfigure_seq);
    }
}

/* Returns when the PMDs have had long enough to answer 'move'. */
static uint64_t
dp_vmq_move_deadline_ns(const struct dp_netdev *dp,
                        const struct dp_vmq_move *move)
{
    const struct dp_vmq_dummy *dummy = dp->vmq->dummy;

    return move->handed_ns + (dummy && dummy->patience_ns
                              ? dummy->patience_ns : VMQ_PATIENCE_NS);
}

/* Copies flows of 'move', until it is 'until_ns', or for as long as there is
 * time if the queue is still to leave in a hurry. */
static void
dp_vmq_move_copy(struct dp_netdev *dp, struct dp_vmq_move *move,
                 uint64_t until_ns)
{
    bool ahead = move->hurry && move->phase == VMQ_PHASE_COPYING;
    uint64_t start_ns = vmq_clock_ns();

    move->copied = dp_vmq_copy_run(dp, &move->copy, move->from, move->to,
                                   (ahead ? dp->vmq->ahead_until_ns
                                    : until_ns), ahead);
    move->result->copy_ns += vmq_clock_ns() - start_ns;
}

/* Has the queue of 'move' handed over. */
static void
dp_vmq_move_hand(struct dp_netdev *dp, struct dp_vmq_move *move)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    move->result->ahead_ns = move->result->copy_ns;
    if (move->hurry) {
        dp_vmq_fetch_begin(move->rxq, move->from);
    }
    dp_vmq_make_ready(dp, move->to);
    move->emc_enabled = move->rxq->port->emc_enabled;
    move->handed_ns = vmq_clock_ns();
    vmq_handoff_start(&dp->vmq->post, &move->handoff,
                      &move->from->vmq.mailbox, &move->to->vmq.mailbox);
    move->phase = VMQ_PHASE_HANDING;
}

/* Does 'move' copy flows for other queues as well, or may it? */
static bool
dp_vmq_move_leads(const struct dp_netdev *dp, const struct dp_vmq_move *move)
{
    for (size_t i = 0; i < dp->vmq->n_moves; i++) {
        const struct dp_vmq_move *other = &dp->vmq->moves[i];

        if (other != move && other->copy.leader == move->copy.leader) {
            return true;
        }
    }
    return false;
}

/* Takes 'move' further.  Returns false if 'until_ns' has come. */
static bool
dp_vmq_move_advance(struct dp_netdev *dp, struct dp_vmq_move *move,
                    uint64_t until_ns)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    if (move->phase == VMQ_PHASE_COPYING) {
        dp_vmq_move_copy(dp, move, until_ns);
        /* Who waits may be about to end all moves, and their flows would not
         * follow. */
        if (!move->copied
            && (!move->hurry || dp_vmq_must_yield(dp, UINT64_MAX))) {
            return false;
        }
        dp_vmq_move_hand(dp, move);
    }
    if (move->phase == VMQ_PHASE_HANDING) {
        if (vmq_clock_ns() >= dp_vmq_move_deadline_ns(dp, move)) {
            vmq_handoff_take_back(&dp->vmq->post, &move->handoff);
        }
        if (vmq_handoff_ended(&move->handoff)) {
            bool succeeded = vmq_handoff_succeeded(&move->handoff);

            dp_vmq_move_end(dp, move, (succeeded ? VMQ_OUTCOME_APPLIED
                                       : VMQ_OUTCOME_FAILED));
            if (!move->copied && (succeeded || dp_vmq_move_leads(dp, move))) {
                move->phase = VMQ_PHASE_FOLLOWING;
            }
        }
    }
    return true;
}

/* Has the flows of 'move' follow its queue.  Returns false if 'until_ns' has
 * come. */
static bool
dp_vmq_move_follow(struct dp_netdev *dp, struct dp_vmq_move *move,
                   uint64_t until_ns)
{
    dp_vmq_move_copy(dp, move, until_ns);
    if (move->copied) {
        move->phase = VMQ_PHASE_ENDED;
    }
    return move->copied;
}

/* Takes the moves under way further, for a slice of time.  Returns true if all
 * have ended. */
static bool
dp_vmq_advance_slice(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    uint64_t until_ns = vmq_clock_ns() + VMQ_SLICE_NS;
    bool goes_on = true;
    size_t n_ended = 0;

    for (size_t i = 0; goes_on && i < dp->vmq->n_moves; i++) {
        goes_on = dp_vmq_move_advance(dp, &dp->vmq->moves[i], until_ns);
    }
    /* No queue waits for flows that follow another one. */
    for (size_t i = 0; goes_on && i < dp->vmq->n_moves; i++) {
        struct dp_vmq_move *move = &dp->vmq->moves[i];

        if (move->phase == VMQ_PHASE_FOLLOWING) {
            goes_on = dp_vmq_move_follow(dp, move, until_ns);
        }
        n_ended += move->phase == VMQ_PHASE_ENDED;
    }
    dp->vmq->more_to_do = !goes_on;
    return n_ended == dp->vmq->n_moves;
}

/* Waits for the end of 'move', which is being handed over. */
static void
dp_vmq_move_drain(struct dp_netdev *dp, struct dp_vmq_move *move)
{
    while (!vmq_handoff_ended(&move->handoff)) {
        xnanosleep(10 * 1000);
        vmq_handoff_take_back(&dp->vmq->post, &move->handoff);
    }
    dp_vmq_move_end(dp, move, (vmq_handoff_succeeded(&move->handoff)
                               ? VMQ_OUTCOME_APPLIED : VMQ_OUTCOME_STALE));
}

/* Lets go of what moves have needed that have all ended.  May be called
 * twice. */
static void
dp_vmq_moves_end(struct dp_netdev *dp)
{
    for (size_t i = 0; i < dp->vmq->n_moves; i++) {
        struct dp_vmq_move *move = &dp->vmq->moves[i];

        if (move->copy.leader) {
            dp_vmq_fetch_end(move->rxq);
            move->result->flows_fetched = (dp_vmq_n_fetched(move->rxq)
                                           - move->n_fetched);
            dp_vmq_copy_end(dp, &move->copy);
        }
    }
}

/* Implements 'advance' of the engine. */
bool
dp_vmq_advance(void *dp_)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;

    if (!dp_vmq_advance_slice(dp)) {
        return false;
    }
    dp_vmq_moves_end(dp);
    free(dp->vmq->moves);
    dp->vmq->moves = NULL;
    dp->vmq->n_moves = 0;
    return true;
}

/* Ends all moves under way.  Those that have not begun to hand over the queue
 * do not take place, nor do those whose letter nobody has taken out: only who
 * works on one is waited for.  Flows that are to follow do not. */
void
dp_vmq_drain(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    dp_vmq_reach(dp, VMQ_POINT_DRAIN, NULL, NULL);
    for (size_t i = 0; i < dp->vmq->n_moves; i++) {
        struct dp_vmq_move *move = &dp->vmq->moves[i];

        if (move->phase == VMQ_PHASE_COPYING) {
            dp_vmq_move_end(dp, move, VMQ_OUTCOME_STALE);
        } else if (move->phase == VMQ_PHASE_HANDING) {
            vmq_handoff_take_back(&dp->vmq->post, &move->handoff);
        }
    }
    for (size_t i = 0; i < dp->vmq->n_moves; i++) {
        struct dp_vmq_move *move = &dp->vmq->moves[i];

        if (move->phase == VMQ_PHASE_HANDING) {
            dp_vmq_move_drain(dp, move);
        }
        move->phase = VMQ_PHASE_ENDED;
    }
    dp_vmq_moves_end(dp);
    dp_vmq_reach(dp, VMQ_POINT_DRAINED, NULL, NULL);
}

/* Lets go of what moves that have ended left, for a slice of time. */
void
dp_vmq_move_run(struct dp_netdev *dp)
{
    dp_vmq_copy_clean(dp, vmq_clock_ns() + VMQ_SLICE_NS);
}

/* Has the next poll_block() return when there is something to do for moves
 * under way, or that have ended.  The end of a handoff wakes the thread. */
void
dp_vmq_move_wait(struct dp_netdev *dp)
{
    if (dp->vmq->more_to_do || dp->vmq->discarded) {
        poll_immediate_wake();
    } else if (dp->vmq->n_moves) {
        uint64_t now_ns = vmq_clock_ns();
        uint64_t until_ns = now_ns + VMQ_PATIENCE_NS;

        for (size_t i = 0; i < dp->vmq->n_moves; i++) {
            const struct dp_vmq_move *move = &dp->vmq->moves[i];

            if (move->phase == VMQ_PHASE_HANDING) {
                until_ns = (vmq_handoff_ended(&move->handoff) ? 0
                            : MIN(until_ns,
                                  dp_vmq_move_deadline_ns(dp, move)));
            }
        }
        poll_timer_wait(until_ns > now_ns
                        ? DIV_ROUND_UP(until_ns - now_ns, 1000000) : 0);
    }
}

/* Returns the port of 'dp' that is 'vmq_port', or NULL if that is gone. */
static struct dp_netdev_port *
dp_vmq_resolve_port(const struct dp_netdev *dp,
                    const struct vmq_port *vmq_port)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_netdev_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_int(vmq_port->port_no, 0),
                             &dp->ports) {
        if (odp_to_u32(port->port_no) == vmq_port->port_no) {
            return (strcmp(netdev_get_name(port->netdev), vmq_port->name)
                    ? NULL : port);
        }
    }
    return NULL;
}

/* Finds what 'planned', of a plan for 'snapshot', is about in 'dp', and stores
 * it in 'move'.  Returns false if some of it is gone. */
static bool
dp_vmq_resolve(const struct dp_netdev *dp, const struct vmq_snapshot *snapshot,
               const struct vmq_move *planned, struct dp_vmq_move *move)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    const struct vmq_rxq *rxq = &snapshot->rxqs[planned->rxq];
    struct dp_netdev_port *port;

    port = dp_vmq_resolve_port(dp, &snapshot->ports[rxq->port]);
    if (!port || rxq->qid >= port->n_rxq) {
        return false;
    }
    move->rxq = &port->rxqs[rxq->qid];
    move->from = move->rxq->pmd;
    move->to = dp_vmq_find_pmd(dp, snapshot->pmds[planned->to].core_id);
    return move->from && move->to;
}

/* Has the flows of 'moves[i]' copied first. */
static void
dp_vmq_move_begin(struct dp_vmq_move moves[], uint32_t i)
{
    struct dp_vmq_move *move = &moves[i];
    struct dp_vmq_copy *leader = NULL;

    for (uint32_t j = 0; j < i && !leader; j++) {
        if (moves[j].phase == VMQ_PHASE_COPYING
            && moves[j].from == move->from && moves[j].to == move->to) {
            leader = moves[j].copy.leader;
        }
    }
    move->phase = VMQ_PHASE_COPYING;
    move->n_fetched = dp_vmq_n_fetched(move->rxq);
    dp_vmq_copy_begin(&move->copy, leader, move->from,
                      move->rxq->port->port_no);
}

/* Implements 'apply' of the engine. */
void
dp_vmq_apply(void *dp_, const struct vmq_snapshot *snapshot,
             const struct vmq_plan *plan, struct vmq_result *results)
    OVS_NO_THREAD_SAFETY_ANALYSIS   /* The caller has 'port_rwlock'. */
{
    struct dp_netdev *dp = dp_;
    bool stale = plan->generation != dp->vmq->generation;
    struct dp_vmq_move *moves;

    ovs_assert(!dp->vmq->n_moves);
    moves = xcalloc(plan->n_moves, sizeof *moves);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        struct dp_vmq_move *move = &moves[i];

        move->result = move->copy.result = &results[i];
        move->hurry = (plan->hurry
                       || (dp->vmq->dummy && dp->vmq->dummy->hurry));
        if (stale) {
            dp_vmq_move_end(dp, move, VMQ_OUTCOME_STALE);
        } else if (!dp_vmq_resolve(dp, snapshot, &plan->moves[i], move)) {
            dp_vmq_move_end(dp, move, VMQ_OUTCOME_GONE);
        } else {
            dp_vmq_move_begin(moves, i);
        }
    }
    dp->vmq->moves = moves;
    dp->vmq->n_moves = plan->n_moves;
    dp->vmq->ahead_until_ns = vmq_clock_ns() + VMQ_AHEAD_NS;
}

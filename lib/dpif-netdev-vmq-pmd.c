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


/* Dynamic VMQ in the userspace datapath: what PMD threads do.
 *
 * lib/dpif-netdev.c calls this from the loop of a PMD thread: to read its
 * mail, to block while it has no queue, and to keep the intervals that
 * pmd-rxq-show shows.  What a PMD does per batch is in
 * dpif-netdev-vmq-hooks.h.
 *
 * The old PMD polls a queue once more and sends all that it has batched before
 * it lets go.  A packet that it received thus cannot be overtaken by one that
 * the new PMD receives, as far as both leave through one tx queue.
 *
 * Thread-safety: each function is for the thread of the PMD that it is given,
 * and takes no lock but that of the post. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>

#include "coverage.h"
#include "dpif-netdev-vmq-hooks.h"
#include "netdev.h"
#include "openvswitch/poll-loop.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"

/* Begins a new interval for 'rxq', on the thread that polls it. */
void
dp_vmq_interval_start(struct dp_netdev_pmd_thread *pmd,
                      struct dp_netdev_rxq *rxq)
{
    rxq->vmq.interval_base = dp_vmq_rxq_cycles(rxq);
    rxq->vmq.interval_tsc = cycles_counter_update(&pmd->perf_stats);
    rxq->vmq.interval_moved = false;
}

/* Ends the interval of 'rxq' and begins the next one, on the thread that polls
 * the queue.  Returns the processing cycles of the interval.
 *
 * The interval of a queue that has moved began on another PMD, at another time
 * than those of its new neighbors.  Its cycles are scaled to the interval of
 * the new PMD, so that their share of it is the load of the queue. */
uint64_t
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

/* Edges. */

/* A streak that begins after an edge is no reason for another one before this
 * many times pmd-vmq-edge: beside a queue that nothing can be done about,
 * there may be one all the time. */
#define VMQ_EDGE_GAP 8

/* Returns whether 'pmd' is to raise an edge for what began at 'streak_tsc'.
 * While that goes on, edges that come to nothing are farther and farther
 * apart: pmd-vmq-edge, twice that, and so on, up to pmd-vmq-spread-hold. */
static bool
dp_vmq_may_raise_edge(struct dp_netdev_pmd_thread *pmd, uint64_t streak_tsc,
                      uint64_t edge_cycles)
{
    uint64_t since_cycles = pmd->perf_stats.last_tsc - pmd->vmq.raised_tsc;
    unsigned long long int hold_cycles;
    unsigned int n_doublings;

    if (!pmd->vmq.raised_tsc
        || (streak_tsc > pmd->vmq.raised_tsc
            && since_cycles >= VMQ_EDGE_GAP * edge_cycles)) {
        atomic_store_relaxed(&pmd->vmq.n_doublings, 0);
        return true;
    }
    atomic_read_relaxed(&pmd->vmq.hold_cycles, &hold_cycles);
    atomic_read_relaxed(&pmd->vmq.n_doublings, &n_doublings);
    return since_cycles >= MAX(edge_cycles,
                               MIN(edge_cycles << MIN(n_doublings,
                                                      VMQ_EDGE_DOUBLINGS),
                                   hold_cycles));
}

/* Tells the thread of VMQ that 'pmd' has an edge.  For the thread of 'pmd', or
 * for tests. */
void
dp_vmq_signal_edge(struct dp_netdev_pmd_thread *pmd, uint64_t waited_cycles)
{
    struct dp_vmq *vmq = pmd->dp->vmq;

    atomic_store_relaxed(&pmd->vmq.waited_cycles, waited_cycles);
    atomic_store_relaxed(&pmd->vmq.raised_ns, vmq_clock_ns());
    atomic_store_explicit(&pmd->vmq.edge, true, memory_order_release);
    atomic_store_explicit(&vmq->has_edges, true, memory_order_release);
    vmq_wake_up(&vmq->post.mover);
}

/* Tells the thread of VMQ that packets of 'rxq' have waited for so long, on
 * the thread of 'pmd', that something has to be done at once. */
void
dp_vmq_raise_edge(struct dp_netdev_pmd_thread *pmd, struct dp_netdev_rxq *rxq)
{
    uint64_t now_tsc = pmd->perf_stats.last_tsc;
    uint64_t waited_cycles = now_tsc - rxq->vmq.streak_tsc;
    unsigned long long int edge_cycles;
    bool raised, raises_edges;

    atomic_read_relaxed(&pmd->vmq.raises_edges, &raises_edges);
    atomic_read_relaxed(&pmd->vmq.edge_cycles, &edge_cycles);
    if (!rxq->vmq.streak_tsc) {
        /* The first one ever. */
        rxq->vmq.streak_tsc = now_tsc;
        rxq->vmq.edge_cycles = edge_cycles;
        return;
    }
    rxq->vmq.edge_cycles = waited_cycles + edge_cycles;

    atomic_read_explicit(&pmd->vmq.edge, &raised, memory_order_acquire);
    if (raises_edges && !raised
        && dp_vmq_may_raise_edge(pmd, rxq->vmq.streak_tsc, edge_cycles)) {
        pmd->vmq.raised_tsc = now_tsc;
        dp_vmq_signal_edge(pmd, waited_cycles);
    }
}

/* Polls a queue out of turn. */
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
 * either loses what 'move' holds or gains it. */
static void
dp_vmq_shift_past_cycles(struct dp_netdev_pmd_thread *pmd,
                         const struct dp_vmq_move *move, bool gain)
{
    unsigned int idx = atomic_count_get(&pmd->intrvl_idx);

    for (unsigned int age = 1; age < PMD_INTERVAL_MAX; age++) {
        unsigned int slot = dp_vmq_interval_slot(idx, age);
        unsigned long long int busy;

        atomic_read_relaxed(&pmd->busy_cycles_intrvl[slot], &busy);
        if (gain) {
            busy += move->past_cycles[age];
        } else {
            busy -= MIN(busy, move->past_cycles[age]);
        }
        atomic_store_relaxed(&pmd->busy_cycles_intrvl[slot], busy);
    }
}

/* At the source: lets go of the queue of 'move'.  Returns the number
 * of queues left in 'poll_list'. */
static int
dp_vmq_release(struct dp_netdev_pmd_thread *pmd, struct dp_vmq_move *move,
               struct polled_queue *poll_list, int poll_cnt)
{
    long int switches = vmq_clock_involuntary_switches();
    struct dp_netdev_rxq *rxq = move->rxq;
    unsigned long long int length;
    unsigned int idx;
    int i;

    for (i = 0; i < poll_cnt && poll_list[i].rxq != rxq; i++) {
        continue;
    }
    ovs_assert(i < poll_cnt);
    idx = atomic_count_get(&rxq->intrvl_idx);
    for (unsigned int age = 1; age < PMD_INTERVAL_MAX; age++) {
        unsigned long long int cycles;

        atomic_read_relaxed(&rxq->cycles_intrvl[dp_vmq_interval_slot(idx,
                                                                     age)],
                            &cycles);
        move->past_cycles[age] = cycles;
    }
    dp_vmq_shift_past_cycles(pmd, move, false);
    atomic_read_relaxed(&pmd->intrvl_cycles, &length);
    move->interval_length = length;
    rxq->vmq.interval_moved = true;

    dp_vmq_poll(pmd, &poll_list[i]);
    dp_netdev_pmd_flush_output_packets(pmd, true);
    move->last_poll_tsc = cycles_counter_update(&pmd->perf_stats);
    poll_list[i] = poll_list[poll_cnt - 1];
    move->preempted = vmq_clock_involuntary_switches() != switches;
    return poll_cnt - 1;
}

/* At the destination: polls the queue of 'move' from now on. */
static void
dp_vmq_take(struct dp_netdev_pmd_thread *pmd, struct dp_vmq_move *move,
            struct polled_queue **poll_list, int poll_cnt)
{
    struct dp_netdev_rxq *rxq = move->rxq;
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
        .emc_enabled = move->emc_enabled,
        .rxq_enabled = netdev_rxq_enabled(rxq->rx),
        .change_seq = change_seq,
    };

    pmd->ctx.now = time_usec();
    move->first_poll_tsc = cycles_counter_update(&pmd->perf_stats);
    dp_vmq_poll(pmd, q);

    if (!poll_cnt) {
        unsigned long long int length;

        /* It was parked: the interval that was open has ended long ago, and it
         * does not know yet how many cycles one has. */
        pmd->next_cycle_store = pmd->ctx.now + PMD_INTERVAL_LEN;
        atomic_read_relaxed(&pmd->intrvl_cycles, &length);
        if (!length) {
            atomic_store_relaxed(&pmd->intrvl_cycles, move->interval_length);
        }
    }
    dp_vmq_shift_past_cycles(pmd, move, true);
    if (move->to == pmd
        && vmq_clock_involuntary_switches() != move->to_switches) {
        move->preempted = true;
    }
}

/* Reads the mail.  'poll_list' has 'poll_cnt' queues.  Returns
 * how many it has then. */
int
dp_vmq_read_mail(struct dp_netdev_pmd_thread *pmd,
                 struct polled_queue **poll_list, int poll_cnt)
{
    struct vmq_post *post = &pmd->dp->vmq->post;

    for (;;) {
        struct vmq_handoff *handoff;
        struct dp_vmq_move *move;
        bool reload;

        dp_vmq_reach(pmd->dp, VMQ_POINT_MAIL, pmd, NULL);
        handoff = vmq_mailbox_receive(post, &pmd->vmq.mailbox);
        if (!handoff) {
            return poll_cnt;
        }
        move = CONTAINER_OF(handoff, struct dp_vmq_move, handoff);

        switch (handoff->stage) {
        case VMQ_STAGE_ASK:
            dp_vmq_reach(pmd->dp, VMQ_POINT_ASK, pmd, NULL);

            /* The mover may have asked for a reload first, to get the
             * ports to send to. */
            atomic_read_explicit(&pmd->reload, &reload, memory_order_acquire);
            if (reload) {
                vmq_handoff_defer(post, &pmd->vmq.mailbox, handoff);
                return poll_cnt;
            }
            move->to_switches = vmq_clock_involuntary_switches();
            break;
        case VMQ_STAGE_GIVE:
            dp_vmq_reach(pmd->dp, VMQ_POINT_GIVE, pmd, NULL);
            poll_cnt = dp_vmq_release(pmd, move, *poll_list, poll_cnt);
            break;
        case VMQ_STAGE_TAKE:
            dp_vmq_reach(pmd->dp, VMQ_POINT_TAKE, pmd, NULL);
            dp_vmq_take(pmd, move, poll_list, poll_cnt++);
            break;
        case VMQ_STAGE_DONE:
        default:
            OVS_NOT_REACHED();
        }
        vmq_handoff_pass(post, handoff);
    }
}

/* Returns whether 'pmd', which has no queue, may block, for which it takes no
 * reload. */
bool
dp_vmq_may_park(const struct dp_netdev_pmd_thread *pmd)
{
    return vmq_mailbox_may_park(&pmd->dp->vmq->post, &pmd->vmq.mailbox);
}

/* Lets go of the flows in the exact match cache of 'pmd'.  It would keep the
 * memory of flows that have been deleted for as long as it is parked. */
static void
dp_vmq_flush_caches(struct dp_netdev_pmd_thread *pmd)
{
    dfc_cache_uninit(&pmd->flow_cache);
    dfc_cache_init(&pmd->flow_cache);
}

/* Blocks until there is a reload or mail, for a PMD without a queue.
 *
 * Mail wakes it by another way than reloads do, because their sequence number
 * compares with one that only a reload brings up to date.  A reload is
 * announced before its flag is set, so that the flag is no use here.
 *
 * Wakes up once to have its coverage counters added up, which a thread does
 * when it blocks, if it has not done so for COVERAGE_CLEAR_INTERVAL. */
void
dp_vmq_wait_parked(struct dp_netdev_pmd_thread *pmd)
{
    long long int clear_ms = time_msec() + COVERAGE_CLEAR_INTERVAL;
    bool on;

    atomic_read_relaxed(&pmd->vmq.on, &on);
    if (on) {
        dp_vmq_flush_caches(pmd);
    }
    for (;;) {
        bool wakes;

        vmq_wake_prepare(&pmd->vmq.mailbox.wake);
        wakes = (seq_read(pmd->reload_seq) != pmd->last_reload_seq
                 || !dp_vmq_may_park(pmd));
        if (!wakes) {
            seq_wait(pmd->reload_seq, pmd->last_reload_seq);
            vmq_wake_wait(&pmd->vmq.mailbox.wake);
            if (time_msec() < clear_ms) {
                poll_timer_wait_until(clear_ms);
            }
            poll_block();
        }
        vmq_wake_finish(&pmd->vmq.mailbox.wake);
        if (wakes) {
            return;
        }
    }
}

/* Sleeps for 'us' microseconds between two iterations, because of
 * pmd-maxsleep.  With dynamic VMQ on, a handoff ends the sleep. */
void
dp_vmq_sleep(struct dp_netdev_pmd_thread *pmd, uint64_t us)
{
    bool on;

    atomic_read_relaxed(&pmd->vmq.on, &on);
    if (on) {
        vmq_mailbox_sleep(&pmd->vmq.mailbox, us * 1000);
    } else {
        xnanosleep_no_quiesce(us * 1000);
    }
}

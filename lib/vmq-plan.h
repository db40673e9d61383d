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

#ifndef VMQ_PLAN_H
#define VMQ_PLAN_H 1

/* Planner: which receive queue should be polled by which PMD.
 *
 * Motivation
 * ==========
 *
 * Twenty queues of 5 % each on one PMD, three PMDs that block: packets are
 * lost while 75 % of the host does nothing.  Ten minutes later the same twenty
 * queues are idle on four PMDs, each of which burns a whole CPU on polling
 * nothing.  A static assignment has both.  Planning the best assignment from
 * scratch has neither, but moves half of the queues each time a load changes a
 * little.  So this planner changes as little as will do: it takes queues off
 * PMDs that have too much to do and empties PMDs that have too little.
 *
 * Model
 * =====
 *
 * Loads are shares of one undisturbed PMD.  The "fast" load of a queue is what
 * it took in the window, about pmd-vmq-spread-hold long; its "slow" load are
 * the 20 slots of its history and the fast one.  The slots of all queues begin
 * and end together.  A queue with a reserve is taken to have at least that at
 * every moment.  Of a PMD:
 *
 *     load(now)   = sum of the fast loads of its queues
 *     load(slot)  = sum of the slow loads of its queues in that slot
 *     capacity    = 100 % less what was stolen from it
 *     pressure    = load / capacity
 *
 * A queue with a backlog wants more than it gets: together, those of one PMD
 * are taken to have all of the capacity that no other queue got, which is the
 * load that a plan shows, and to want half as much again, which is the load
 * that relief goes by.
 *
 * With S = pmd-vmq-spread-threshold and T = pmd-vmq-pack-target (at most
 * S - 5 %), a plan is made in these passes, for each NUMA node by itself
 * unless pmd-vmq-cross-numa, and has at most pmd-vmq-max-moves moves in all:
 *
 *     Evacuate.  While more PMDs are active than pmd-vmq-max-pmds, one of them
 *                gives its queues to others.
 *     Spread.    PMDs with pressure >= S give queues away until they are at
 *                the goal, (S + T) / 2, or lower.
 *     Wake.      While fewer PMDs are active than pmd-vmq-min-pmds, a parked
 *                one gets a queue.
 *     Coalesce.  If none of the above was necessary: PMDs whose queues fit on
 *                others give all of them away.
 *
 * If a PMD has an edge (vmq-edge.h), PMDs with one are spread, whatever the
 * window is, and nothing else is done.
 *
 * How the passes choose is told in Documentation/vmq-algorithm.rst.  Credits
 * (vmq-credit.h) decide who may move to spread and to coalesce; the other
 * passes do what the operator demands.
 *
 * Invariants
 * ==========
 *
 *   P1.  Each queue moves at most once in a plan, from where it is, so that
 *        every queue is polled by exactly one PMD afterward.
 *   P2.  Only queues with VMQ_DYNAMIC move, and none from or to an isolated
 *        PMD.
 *   P3.  No queue crosses NUMA nodes unless pmd-vmq-cross-numa, and even then
 *        none leaves the node of its port to free a PMD.
 *   P4.  There are at most pmd-vmq-max-moves moves.  No PMD both gives and
 *        takes.
 *   P5.  Only overloaded PMDs are relieved, and none while several PMDs are
 *        active and none gets half of its CPU.  Each move of the spread pass
 *        makes the vector of pressures, sorted from the highest down, strictly
 *        smaller in lexicographic order.  Thus no move gains nothing.
 *        Whatever queues are taken to want, a destination ends at pressure
 *        <= T, or 5 % below where the source was.
 *   P6.  No move of the coalesce pass takes its destination over the pack
 *        target, at any moment of the slow view, unless its load is so steady
 *        that twice the highest of these, less the lowest, is not over the
 *        goal of a spread.  It frees its source, whose slow view was under
 *        pmd-vmq-coalesce-threshold or is being emptied: all queues leave, or
 *        as many as a plan may move.
 *   P7.  The number of active PMDs of a NUMA node never leaves, or gets
 *        farther from, pmd-vmq-min-pmds (or the number of queues, if that is
 *        less) to pmd-vmq-max-pmds.
 *   P8.  A queue is charged what its quote says.  Without credit it moves only
 *        by order, into overdraft off a PMD without any time left, or to free
 *        its PMD when it has stayed for the coalesce hold.  No queue returns
 *        voluntarily within a minute otherwise, unless pmd-vmq-credits is 0.
 *   P9.  Under constant load, planning on its own results ends within
 *        (PMDs + queues) plans, twice that if pmd-vmq-max-moves is 1, and then
 *        plans nothing for ever.
 *   P10. The order in which things are added to a snapshot does not matter.
 *   P11. Multiplying all cycles of a snapshot by a number changes nothing.
 *   P12. A plan depends on the arguments alone and changes none of them.
 *   P13. No PMD, no queue, or too short a window and no edge: no moves.
 *   P14. A plan is for one generation only.
 *
 * Usage
 * =====
 *
 *     struct vmq_plan plan;
 *
 *     vmq_plan_init(&plan);
 *     vmq_plan_compute(&snapshot, &config, ledger, &plan);
 *     ...carry out plan.moves[0...plan.n_moves - 1]...
 *     vmq_credit_commit(ledger, &config, &snapshot, plan.moves, plan.n_moves,
 *                       outcomes, NULL);
 *     vmq_plan_destroy(&plan);
 *
 * A dry run is the same without the part in the middle.
 *
 * Not handled
 * ===========
 *
 * Queues are never swapped, and a spread never empties one PMD to make room
 * for another, so that a host may stay less well packed than it could be.  One
 * queue cannot be split: an elephant loses packets.  What a queue costs is
 * taken to be the same on every PMD of a node.  All nodes share one budget of
 * moves, those with the lowest cores first.
 *
 * Thread-safety
 * =============
 *
 * The functions here have no state.  A plan is plain memory with one
 * owner. */

#include "vmq-config.h"
#include "vmq-move.h"
#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct planner_offer;
struct vmq_ledger;

/* What the planner thought of one PMD. */
struct vmq_judgement {
    enum vmq_verdict verdict;
    uint32_t load_bp;           /* Fast load: sum of its queues; with a
                                 * backlog at least its capacity. */
    uint32_t slow_bp;           /* Highest moment of the sum, slow window. */
    uint32_t capacity_bp;       /* VMQ_BP less what is stolen. */
    uint32_t predicted_bp;      /* Fast load once the plan is applied. */
    uint32_t rxq;               /* The best move considered and not made... */
    uint32_t to;                /* ...VMQ_NONE if there was none. */
};

struct vmq_plan {
    uint64_t generation;        /* Echo of the snapshot's. */
    enum vmq_verdict verdict;
    bool hurry;                 /* Packets wait: an edge is the cause. */
    uint32_t n_moves;
    struct vmq_move *moves;
    uint32_t n_pmds;            /* As in the snapshot. */
    struct vmq_judgement *pmds;
    uint64_t n_weighed;         /* What it took: the pairs of a queue and PMDs
                                 * that were weighed to spread and to wake. */

    /* For vmq-planner.c only: memory that the next plan uses again. */
    uint64_t *work;
    struct planner_offer *offers;
    uint32_t allocated_moves, allocated_pmds, allocated_work;
    uint32_t allocated_offers;
};

void vmq_plan_init(struct vmq_plan *);
void vmq_plan_destroy(struct vmq_plan *);
void vmq_plan_copy(struct vmq_plan *dst, const struct vmq_plan *);

/* Plans on 'snapshot' (windowed).  Replaces the contents of '*plan', which
 * must be initialized. */
void vmq_plan_compute(const struct vmq_snapshot *, const struct vmq_config *,
                      const struct vmq_ledger *, struct vmq_plan *);

/* Returns what to say of the verdict of 'plan', which is for 'snapshot': where
 * nothing is moved, what stands in the way, if anything does.  'n_errors' is
 * the number of settings that could not be taken, if that is to be among it.
 * The caller has to free it. */
char *vmq_plan_why(const struct vmq_plan *, const struct vmq_snapshot *,
                   uint32_t n_errors);

/* A plan that does what the operator asks for, all or nothing.  Returns NULL
 * if successful, otherwise a malloc()'d error message that names the
 * offending request, and '*plan' has no moves.  Requests that change nothing
 * yield no move. */
char *vmq_plan_manual(const struct vmq_snapshot *, const struct vmq_config *,
                      const struct vmq_ledger *,
                      const struct vmq_request *, size_t n_requests,
                      struct vmq_plan *);

#ifdef __cplusplus
}
#endif

#endif /* vmq-plan.h */

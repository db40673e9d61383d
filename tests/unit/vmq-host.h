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

#ifndef VMQ_HOST_H
#define VMQ_HOST_H 1

/* A made-up host for tests of the planner.
 *
 * Motivation
 * ==========
 *
 * What a test of the planner says should fit a few lines: so many PMDs, these
 * queues on them with these loads, and then this plan.
 *
 * Usage
 * =====
 *
 *     struct vmq_host h;
 *
 *     host_init(&h, "0 0");                Two PMDs of NUMA node 0, idle.
 *     host_add(&h, 0, 6000);               q0 on core 0, 60 % of a PMD.
 *     host_add(&h, 0, 3000);               q1 on core 0, 30 %.
 *     host_expect(&h, "q1 0>1 spread");    Plans; this must be the plan.
 *     host_apply(&h, 100);                 Applies it, 100 ms go by.
 *     host_destroy(&h);
 *
 * Between host_add() and host_expect() a test may edit h.config and h.s, the
 * snapshot that the planner is shown.  Its loads are what the test says.
 *
 * host_tick() closes the loop instead: the queues offer h.offered_bp[], PMDs
 * that are offered more than they can do lose the rest, counters count up, a
 * window turns them into the snapshot, and the plan is applied at once.  Tests
 * may change h.offered_bp[] before each tick.  Where the queues are is in
 * h.raw, what has happened in h.log[]. */

#include <stdbool.h>
#include <stdint.h>

#include "vmq-config.h"
#include "vmq-credit.h"
#include "vmq-plan.h"
#include "vmq-snapshot.h"
#include "vmq-window.h"

#define HOST_CYCLES_PER_MS 1000000

/* A move that was applied. */
struct host_move {
    uint64_t ms;                        /* When. */
    uint32_t port_no;
    uint32_t qid;
    uint32_t from, to;                  /* Core ids. */
    uint32_t from_bp;                   /* Load of 'from' at that time. */
    bool lossy;                         /* A queue of 'from' had a backlog. */
    enum vmq_reason reason;
    enum vmq_return returned;
};

struct vmq_host {
    struct vmq_config config;
    struct vmq_snapshot s;              /* Windowed. */
    struct vmq_ledger *ledger;
    struct vmq_plan plan;
    enum vmq_outcome outcome;           /* Of every move. */

    /* For host_tick(). */
    struct vmq_window *window;
    struct vmq_snapshot raw;
    uint32_t *offered_bp;               /* By queue. */
    uint64_t lost_cycles;

    /* Totals. */
    uint32_t n_plans;                   /* Those with moves. */
    uint32_t n_moves;
    uint32_t n_pingpongs;
    uint32_t n_forced_returns;

    struct host_move *log;              /* Oldest first. */
    uint32_t n_log;
    uint32_t allocated_log;
};

/* 'numas': the NUMA nodes of cores 0, 1, ..., separated by blanks. */
void host_init(struct vmq_host *, const char *numas);
void host_destroy(struct vmq_host *);

/* Adds queue "qN" on 'core' (VMQ_NONE: not polled), whose load was 'load_bp'
 * for as long as the history reaches back, and returns N. */
uint32_t host_add(struct vmq_host *, uint32_t core, uint32_t load_bp);
/* The same, but the queue is another one of the port added last. */
uint32_t host_add_beside(struct vmq_host *, uint32_t core, uint32_t load_bp);
/* Sets the load of queue 'rxq', past and present. */
void host_set_load(struct vmq_host *, uint32_t rxq, uint32_t load_bp);
/* Sets the present load of queue 'rxq' only. */
void host_set_fast(struct vmq_host *, uint32_t rxq, uint32_t load_bp);

/* Plans, and checks that what goes in and what comes out is valid. */
void host_plan(struct vmq_host *);
/* Plans, and checks that the moves are "q1 0>1 spread, q2 0>3 relieve". */
#define host_expect(HOST, MOVES) host_expect__(HOST, MOVES, __FILE__, __LINE__)
void host_expect__(struct vmq_host *, const char *expected,
                   const char *file, int line);
/* Applies the plan with outcome 'outcome' and lets 'ms' go by. */
void host_apply(struct vmq_host *, uint64_t ms);
/* Plans and applies until there is nothing to do; at most 'max' times.
 * Returns the number of plans that did something. */
uint32_t host_settle(struct vmq_host *, uint32_t max, uint64_t ms);

/* Where the queues are: "0: q0 q2 | 1: q1 | 2:".  Good until the next call. */
const char *host_where(const struct vmq_host *);
uint32_t host_n_active(const struct vmq_host *);
/* The sum of the loads of the queues of PMD 'pmd'. */
uint32_t host_load_bp(const struct vmq_host *, uint32_t pmd);
/* Has any of them a backlog? */
bool host_has_backlog(const struct vmq_host *, uint32_t pmd);
/* The greatest load of any PMD. */
uint32_t host_worst_bp(const struct vmq_host *);

/* Lets one interval go by in the closed loop.  Returns what the window says of
 * the sample. */
enum vmq_sample_status host_tick(struct vmq_host *);
/* Ticks until 'ms' have gone by.  Returns the number of moves. */
uint32_t host_run(struct vmq_host *, uint64_t ms);
/* The most moves of a queue in 'ms' that invariant C2 in vmq-credit.h allows
 * with these settings. */
uint32_t host_moves_bound(const struct vmq_config *, uint64_t ms);
/* Is the move log[i] one back to where the queue came from within the last
 * minute?  Worked out from the log. */
bool host_is_return(const struct vmq_host *, uint32_t i);
bool host_same_rxq(const struct host_move *, const struct host_move *);
/* Takes queue 'rxq' away; those after it move up.  Not before the first
 * tick. */
void host_remove(struct vmq_host *, uint32_t rxq);
/* The greatest load that any PMD is offered now, wherever the planner thinks
 * that the queues are. */
uint32_t host_worst_offered_bp(const struct vmq_host *);

#endif /* vmq-host.h */

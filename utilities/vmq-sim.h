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

#ifndef VMQ_SIM_H
#define VMQ_SIM_H 1

/* A simulated host: loads from a trace, PMDs that poll queues, and a policy
 * that says which PMD polls which queue.
 *
 * Motivation
 * ==========
 *
 * Whether a policy is any good shows in hours and days of real load, which no
 * test bed has.  Here a week takes seconds, any two policies meet exactly the
 * same load, and the best that any policy could have done is known.
 *
 * Model
 * =====
 *
 * Traffic is a fluid.  In a step of time, at most one sampling interval long,
 * loads are constant (with ramps, at their mean).  A PMD can process
 *
 *     hz * step / cycles_per_packet       packets
 *
 * A queue wants what arrives and what waits in its ring.  If all queues of a
 * PMD together want more than it can process, each gets the same, but none
 * more than it wants: a PMD that polls its queues in turn, 32 packets each,
 * does just that.  The rest waits in the ring, and what that cannot hold is
 * lost.  A packet is delayed by the packets that wait before it, and by its
 * own processing.
 *
 * A queue that moves is not polled for 'move_blackout_us', and each of its
 * 'flows' costs its new PMD 'upcall_us' of processing.  Both are zero unless
 * asked for.
 *
 * A PMD is active while it polls a queue, whether or not it has packets.
 *
 * A PMD that is offered more than it can process has packets waiting from that
 * moment on, until it is not any more.  What waits in the rings then is taken
 * to be processed at once: it is as far as edges are concerned.
 *
 * Noise
 * =====
 *
 * Packets do not flow, they come at random, and in trains: what is counted in
 * a time has a variance of several times its mean.  In loads that are measured
 * over 250 us that shows; what rings do is hardly touched by it, and stays as
 * it is.  A PMD that keeps up counts so, one that does not counts what it can
 * process.
 *
 * Now and then, a PMD has no CPU for a while.  It processes nothing then, and
 * its queues wait in their rings.  After that, it has whole batches until they
 * are empty again, like one that is offered too much.
 *
 * Noise is the same whenever the options are, and preemptions are the same for
 * each policy.
 *
 * What counts
 * ===========
 *
 * Packets are "unavoidably" lost if the queue would have lost them on a PMD of
 * its own.  A move is a "return" if it takes the queue to the PMD that it left
 * last, at most a minute ago: forced, if the PMD that it leaves was overloaded
 * in the eyes of the policy; eased, if it frees that PMD and what the queue
 * came there for has gone; else a ping-pong.  A PMD is overloaded, for
 * 'overload_seconds', while it is offered more than the spread threshold,
 * unless one queue alone is, and the others on that PMD are less than 1 %.
 *
 * What a policy sees
 * ==================
 *
 * Only what a switch can measure: packets processed (not offered), polls, full
 * batches, cycles.  The oracles alone look into the trace.
 *
 * Thread-safety
 * =============
 *
 * A simulation belongs to one thread.  Any number of them can share a trace
 * and options. */

#include <stdbool.h>
#include <stdint.h>

#include "vmq-config.h"
#include "vmq-trace.h"

/* Packets in a whole batch: NETDEV_MAX_BURST of Open vSwitch. */
#define SIM_BATCH 32

#define SIM_NS_PER_MS UINT64_C(1000000)
#define SIM_NS_PER_S UINT64_C(1000000000)

struct sim_options {
    const struct vmq_trace *trace;
    bool ramp;
    double speedup;
    uint32_t n_pmds;
    const int32_t *numa_ids;    /* Of each PMD, ascending. */
    double hz;
    double cycles_per_packet;
    double ring;                /* Packets. */
    double move_blackout_us;
    double upcall_us;           /* Of each flow of a queue that moved... */
    double flows;               /* ...of which there are so many. */
    uint64_t seed;              /* 0: queues in order, ticks from 0 on. */
    bool every_tick;            /* Skip none in which nothing can change. */
    double noise;               /* 0: none, 1: as measured, 2: twice that. */
    struct vmq_config config;
    uint32_t n_periods;         /* Rows of the timeline, 0 for none. */
};

struct sim_rxq {
    uint32_t pmd;
    uint32_t last_pmd;          /* Where it was before, VMQ_NONE if nowhere. */
    uint64_t moved_ns;
    double rate_pps;            /* Offered in this step. */
    double arrived;             /* Packets of it, but for a blackout. */
    double waiting;             /* Packets in the ring. */
    double alone_waiting;       /* ...if it had a PMD of its own. */
    double blackout_s;          /* Not polled for that long from now on. */
    bool dark;                  /* Not polled in all of this step. */

    /* Counters, as a switch has them. */
    double packets;             /* Processed. */
    double polls;
    double full_batches;

    uint64_t *moves_ns;         /* When it moved. */
    uint32_t n_moves;
};

struct sim_pmd {
    uint32_t n_rxqs;
    double debt_s;              /* Processing that is no packets: upcalls. */
    double busy_s;              /* Counters. */
    double idle_s;
    double stolen_s;            /* Part of these. */
    uint64_t noise;             /* Of a random sequence. */
    uint64_t preemption_ns;     /* When one begins, or this one ends. */
    bool preempted;

    /* In this step. */
    double wanted;              /* Packets. */
    double offered_pps;
    double busiest_pps;         /* Of its queues. */
    double waiting;             /* Packets in rings. */
    double room;                /* Packets that it could have processed. */
    uint64_t full_ns;           /* Since when packets wait, or SIM_NEVER. */
    bool calm;                  /* Can do all that is wanted. */
};

/* One row of the timeline. */
struct sim_period {
    double offered;             /* All of these are integrals over time: */
    double active;              /* PMD-seconds. */
    double lost;
    double moves;
};

struct sim_result {
    double seconds;
    double offered_packets;
    double lost_packets;
    double unavoidable_lost_packets;
    double delay_p50_us;
    double delay_p99_us;
    double pmd_seconds;
    double overload_seconds;
    uint64_t moves;
    uint64_t pingpongs;
    uint64_t forced_returns;
    uint64_t eased_returns;
    uint32_t max_moves_per_queue_minute;
    double plan_us_mean;
    double plan_us_max;

    /* Timeline, 'n_periods' long: for each period, and for each period and
     * PMD the load offered to it in PMD-seconds and how long it was active. */
    struct sim_period *periods;
    float *loads;
    float *actives;
};

struct sim;

/* Why a policy moves a queue. */
enum sim_cause {
    SIM_WISH,                   /* It prefers it elsewhere. */
    SIM_OVERLOAD,               /* The PMD that it leaves has too much. */
    SIM_REST,                   /* To free the PMD that it leaves, on which it
                                 * has stayed for long enough. */
};

struct sim_policy {
    const char *name;
    const char *summary;        /* For --help. */

    /* Places all queues with sim_place() and returns the policy's state. */
    void *(*create)(struct sim *);
    void (*destroy)(void *);

    /* To be called at each time that it, or 'create' through sim->tick_ns,
     * asked for.  Sets sim->tick_ns to the next one. */
    void (*tick)(void *, struct sim *);

    bool pays;                  /* Do its moves cost anything? */

    /* To be called whenever packets may have begun to wait, or waited no
     * more, and at each time that it asked for through sim->watch_ns.  Null if
     * the policy does not mind. */
    void (*watch)(void *, struct sim *);
};

extern const struct sim_policy *const sim_policies[];
extern const unsigned int sim_n_policies;
const struct sim_policy *sim_policy_find(const char *name);

#define SIM_NEVER UINT64_MAX
#define SIM_DELAY_BINS 512

struct sim {
    const struct sim_options *options;
    const struct sim_policy *policy;
    uint64_t now_ns;            /* Time since the start of the trace, sped
                                 * up. */
    uint64_t end_ns;
    uint64_t change_ns;         /* When loads change next (step). */
    uint64_t tick_ns;           /* When the policy wants to be called... */
    uint64_t watch_ns;          /* ...and when to watch. */
    uint64_t prng;
    uint64_t noise;             /* Of a random sequence. */

    uint32_t n_rxqs;
    struct sim_rxq *rxqs;
    uint32_t n_pmds;
    struct sim_pmd *pmds;
    uint32_t n_active;
    double pmd_pps;             /* What a PMD can process. */

    uint32_t row;               /* Of the trace, in effect now. */
    struct sim_result result;
    double delays[SIM_DELAY_BINS];      /* Packets by delay. */
    double plan_us_total;
    uint64_t n_plans;
    uint32_t *crowd;            /* Scratch, 'n_rxqs' long each. */
    double *wants;
    double *rates;
};

/* Runs 'policy'.  Calls 'progress', unless it is null, with the fraction that
 * is done, now and then. */
void sim_run(const struct sim_options *, const struct sim_policy *,
             void (*progress)(void *aux, double done), void *aux,
             struct sim_result *);
void sim_result_destroy(struct sim_result *);

/* For policies. */

void sim_place(struct sim *, uint32_t rxq, uint32_t pmd);
/* Moves 'rxq' to PMD 'to', and says why, in case that is a return. */
void sim_move(struct sim *, uint32_t rxq, uint32_t to, enum sim_cause);
/* The plans of a policy are timed from the one to the other. */
uint64_t sim_plan_begin(void);
void sim_plan_end(struct sim *, uint64_t begin_ns);
/* Puts a permutation of 0...n-1 in 'order': the identity with seed 0. */
void sim_shuffle(struct sim *, uint32_t *order, uint32_t n);
/* When the first tick of each interval should be: 0 with seed 0. */
uint64_t sim_phase_ns(struct sim *, uint64_t interval_ns);
/* Does 'pmd' belong to the NUMA node of 'rxq', if that is known and has
 * PMDs? */
bool sim_numa_fits(const struct sim *, uint32_t rxq, uint32_t pmd);
/* When row 'row' of the trace begins; the end, if there is no such row. */
uint64_t sim_row_ns(const struct sim *, uint32_t row);
/* What each queue is offered at 'at_ns', for the oracles. */
void sim_true_rates(const struct sim *, uint64_t at_ns, double *rates_pps);

#endif /* vmq-sim.h */

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

#ifndef VMQ_PLANNER_H
#define VMQ_PLANNER_H 1

/* Planner's working state, for lib/vmq-plan*.c and lib/vmq-planner.c only.
 *
 * Motivation
 * ==========
 *
 * The passes of a plan (vmq-plan.h) build on each other: each sees the loads
 * as they will be when the moves before it have been carried out.  What they
 * share is here: copies of the loads, in which a move can be tried and undone,
 * and the plan that they write.
 *
 * Usage
 * =====
 *
 * A pass is a function of a planner and a group of PMDs among which queues may
 * move.  It looks at 'pmds' and 'rxqs', calls vmq_planner_add_move() for what
 * it decides and vmq_planner_judge() for why, and changes nothing otherwise.
 * A pass that can fail halfway calls vmq_planner_try_move() instead and then
 * vmq_planner_keep_moves() or vmq_planner_undo_moves().
 *
 * Names
 * =====
 *
 * 'rxq', 'pmd', 'from', 'to' are indexes, in the snapshot as in the planner.
 * 'queue', 'source' and 'target' point to what the planner knows of them.
 *
 * Thread-safety
 * =============
 *
 * A planner lives as long as one plan is made, on the stack of one thread. */

#include "vmq-credit.h"
#include "vmq-load.h"
#include "vmq-plan.h"
#include "vmq-util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The slow view of a PMD: the slots of the history, and now. */
#define PLANNER_SLOTS (VMQ_HISTORY_SLOTS + 1)

struct planner_pmd {
    uint64_t load_ppm;          /* Sums of its queues, as predicted. */
    uint64_t demand_ppm;
    uint64_t capacity_ppm;
    uint32_t numa;              /* Index of its NUMA node. */
    uint32_t group;             /* Queues move within a group. */
    uint32_t first;             /* Its queues, in 'by_pmd', at first... */
    uint32_t n_first;
    uint32_t n_rxqs;            /* ...and how many it has as predicted. */
    uint32_t core;              /* Index of its core, of some hyperthreads. */
    bool losing;                /* Has no time left, thus loses packets. */
    bool fixed;                 /* Has queues that cannot be moved. */
    uint32_t n_young;           /* Queues without their full history... */
    uint32_t n_unseen;          /* ...and without any. */
    bool gave;                  /* Gave or took a queue in this plan. */
    bool took;
    uint32_t slots_bp[PLANNER_SLOTS]; /* As predicted. */
};

struct planner_rxq {
    uint64_t load_ppm;          /* What it takes or, with a backlog, would if
                                 * there were no time left. */
    uint64_t demand_ppm;        /* ...and what it may want. */
    uint64_t cost;              /* Of disturbing it, in millicredits. */
    uint32_t slow_bp;           /* Highest slot. */
    bool moved;                 /* In this plan. */
};

/* A queue that may leave the PMD that is being relieved. */
struct planner_offer {
    uint32_t rxq;
    uint32_t back;              /* PMD of 'quotes.back', or VMQ_NONE. */
    struct vmq_quotes quotes;
    bool stands;                /* To be considered for the next move. */
};

/* A PMD that may take queues from it. */
struct planner_target {
    uint32_t pmd;
    uint32_t next;              /* Parked, and alike: it or VMQ_NONE. */
};

struct planner_numa {
    int32_t numa_id;
    uint32_t n_rxqs;            /* Polled here and not isolated. */
    uint32_t n_active;          /* Non-isolated PMDs with queues. */

    /* Of a group. */
    uint32_t n_queues;          /* At first... */
    uint32_t n_young;           /* ...without their full history. */
    bool busy;                  /* With more than freeing PMDs. */
};

struct planner {
    const struct vmq_snapshot *snapshot;
    const struct vmq_config *config;
    const struct vmq_ledger *ledger;
    struct vmq_plan *plan;
    bool edges;                 /* Only PMDs with an edge are relieved. */

    struct planner_pmd *pmds;
    struct planner_rxq *rxqs;
    struct planner_numa *numas;
    uint32_t *cores;            /* PMDs with queues, by core. */
    uint32_t *by_pmd;           /* Indexes of queues, grouped by PMD. */
    uint32_t *port_pmds;        /* Of port I: from [I] to before [I + 1]. */
    uint32_t n_numas;
    uint32_t n_groups;

    /* For whoever needs them at the moment.  Not initialized. */
    struct vmq_rank *pmd_ranks;
    struct vmq_rank *rxq_ranks;
    struct planner_target *targets;
};

/* Loads. */

static inline uint32_t
planner_to_bp(uint64_t ppm)
{
    uint64_t bp = ppm / (VMQ_PPM / VMQ_BP);

    return bp < UINT32_MAX ? bp : UINT32_MAX;
}

/* 'load_ppm' in terms of what 'pmd' has to give, in basis points. */
static inline uint32_t
planner_pressure_bp(const struct planner_pmd *pmd, uint64_t load_ppm)
{
    return vmq_pressure_bp(load_ppm, pmd->capacity_ppm);
}

/* Where relief of a PMD ends. */
static inline uint32_t
planner_spread_goal_bp(const struct vmq_config *config)
{
    return ((vmq_config_spread_bp(config)
             + vmq_config_pack_target_bp(config)) / 2);
}

/* Beginning and end of every plan. */

void vmq_planner_clear_plan(struct vmq_plan *, const struct vmq_snapshot *);
bool vmq_planner_begin(struct planner *);
void vmq_planner_end(struct planner *);

/* What there is to know. */

static inline uint32_t
planner_moves_left(const struct planner *planner)
{
    return planner->config->max_moves - planner->plan->n_moves;
}

static inline bool
planner_is_member(const struct planner *planner, uint32_t pmd, uint32_t group)
{
    return (planner->pmds[pmd].group == group
            && !planner->snapshot->pmds[pmd].isolated);
}

/* Is PMD 'pmd' on another NUMA node than the device of queue 'rxq'? */
static inline bool
planner_is_remote(const struct planner *planner, uint32_t rxq, uint32_t pmd)
{
    int32_t numa_id = planner->snapshot->rxqs[rxq].numa_id;

    return (numa_id >= 0
            && numa_id != planner->snapshot->pmds[pmd].numa_id);
}

/* Is another PMD polling on a hyperthread of the core of PMD 'pmd'? */
static inline bool
planner_sibling_is_active(const struct planner *planner, uint32_t pmd)
{
    return (planner->cores[planner->pmds[pmd].core]
            > (planner->pmds[pmd].n_rxqs > 0));
}

/* Is there enough credit for a move off 'source', as relief if 'quote' says
 * so? */
static inline bool
planner_is_paid(const struct planner_pmd *source,
                const struct vmq_quote *quote)
{
    return (quote->affordable
            || (source->losing && quote->affordable_overdraft));
}

bool vmq_planner_is_overloaded(const struct planner *, uint32_t pmd);
uint32_t vmq_planner_min_active(const struct planner *,
                                const struct planner_numa *);
bool vmq_planner_keeps_bounds(const struct planner *,
                              uint32_t from, uint32_t to);

/* What a pass decides. */

void vmq_planner_judge(struct planner *, uint32_t pmd, enum vmq_verdict,
                       uint32_t rxq, uint32_t to);
void vmq_planner_add_move(struct planner *, uint32_t rxq, uint32_t to,
                          enum vmq_reason, const struct vmq_quote *);
void vmq_planner_try_move(struct planner *, uint32_t rxq, uint32_t to,
                          enum vmq_reason, const struct vmq_quote *);
void vmq_planner_keep_moves(struct planner *, uint32_t n);
void vmq_planner_undo_moves(struct planner *, uint32_t n);
void vmq_planner_shift_load(const struct planner *, struct planner_pmd *,
                            uint32_t rxq, int sign);

/* The passes, see vmq-plan.h. */

bool vmq_planner_evacuate(struct planner *, uint32_t group);
bool vmq_planner_spread(struct planner *, uint32_t group);
void vmq_planner_wake(struct planner *, uint32_t numa);
void vmq_planner_coalesce(struct planner *, uint32_t group);

#ifdef __cplusplus
}
#endif

#endif /* vmq-planner.h */

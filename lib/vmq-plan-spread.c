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

/* The passes that give queues away: relief of overloaded PMDs, and waking of
 * PMDs for pmd-vmq-min-pmds. */

#include <config.h>
#include "vmq-planner.h"

#include <string.h>

/* A move that takes less than this off its PMD is not worth its price, unless
 * all queues are that small.  At zero, an elephant's idle neighbors would be
 * moved for nothing; at 1 % of a PMD, fifty small queues could stay behind
 * with it and starve. */
#define VMQ_MIN_RELIEF_PPM (VMQ_PPM / 1000)

/* If no destination stays under the pack target, the busier of the two PMDs
 * must end at least this much below where the source was, else the move only
 * carries the problem around. */
#define VMQ_MIN_GAIN_BP 500

/* A queue and a destination for it, with all that the choice depends on. */
struct candidate {
    uint32_t rxq;
    uint32_t to;
    struct vmq_quote quote;
    bool relieves;              /* Brings the source to its goal by itself. */
    uint64_t gain_ppm;          /* What it takes off the source. */
    uint32_t worst_bp;          /* Busier of the two PMDs afterward. */
    bool remote;
    bool settling;
    bool overdraft;
    bool wakes;
    bool sibling;
    uint64_t cost;
    uint32_t to_bp;             /* Pressure on the destination afterward. */
};

#define BY(A, B) if ((A) != (B)) return (A) < (B)

/* Returns true if 'a' is the better choice among moves that keep their
 * destinations under the pack target. */
static bool
candidate_is_better(const struct candidate *a, const struct candidate *b)
{
    BY(!a->relieves, !b->relieves);
    if (!a->relieves) {
        BY(b->gain_ppm, a->gain_ppm);
    }
    BY(a->remote, b->remote);
    BY(a->settling, b->settling);
    BY(a->overdraft, b->overdraft);
    BY(a->wakes, b->wakes);
    BY(a->sibling, b->sibling);
    BY(a->cost, b->cost);
    BY(a->to_bp, b->to_bp);
    BY(a->rxq, b->rxq);
    return a->to < b->to;
}

/* Likewise among moves to PMDs that they take over the pack target. */
static bool
candidate_is_less_bad(const struct candidate *a, const struct candidate *b)
{
    BY(a->worst_bp, b->worst_bp);
    return candidate_is_better(a, b);
}

/* Is another PMD polling on a hyperthread of PMD 'pmd''s core? */
static bool
sibling_is_active(const struct planner *planner, uint32_t pmd)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        if (i != pmd && planner->pmds[i].n_rxqs
            && (snapshot->pmds[i].sibling_group
                == snapshot->pmds[pmd].sibling_group)) {
            return true;
        }
    }
    return false;
}

static void
weigh(const struct planner *planner, uint32_t rxq, uint32_t from, uint32_t to,
      struct candidate *candidate)
{
    const struct planner_rxq *queue = &planner->rxqs[rxq];
    const struct planner_pmd *source = &planner->pmds[from];
    const struct planner_pmd *target = &planner->pmds[to];
    uint32_t from_bp = planner_pressure_bp(source, (source->load_ppm
                                                    - queue->load_ppm));
    uint32_t to_bp = planner_pressure_bp(target, (target->load_ppm
                                                  + queue->load_ppm));

    memset(candidate, 0, sizeof *candidate);
    candidate->rxq = rxq;
    candidate->to = to;
    vmq_planner_quote(planner, rxq, to, &candidate->quote);
    candidate->gain_ppm = queue->load_ppm;
    candidate->relieves
        = (planner_pressure_bp(source, source->demand_ppm - queue->demand_ppm)
           <= planner_spread_goal_bp(planner->config));
    candidate->to_bp = planner_pressure_bp(target, (target->demand_ppm
                                                    + queue->demand_ppm));

    /* Without assumptions: the two PMDs must not differ in these. */
    candidate->worst_bp = from_bp > to_bp ? from_bp : to_bp;
    candidate->remote = planner_is_remote(planner, rxq, to);
    candidate->settling = planner->snapshot->pmds[to].settling;
    candidate->overdraft = !candidate->quote.affordable;
    candidate->wakes = !target->n_rxqs;
    candidate->sibling = candidate->wakes && sibling_is_active(planner, to);
    candidate->cost = candidate->quote.price_mc + queue->cost;
}

/* Relief. */

/* The queue that stays on PMD 'from' whoever else leaves, because it would
 * overload any other PMD just as much: the heaviest one, or one that must not
 * be moved, if it is over the spread threshold all alone.  A second one that
 * heavy is just one of the others.  VMQ_NONE if there is none. */
static uint32_t
find_elephant(const struct planner *planner, uint32_t from)
{
    const struct planner_pmd *source = &planner->pmds[from];
    uint32_t spread_bp = vmq_config_spread_bp(planner->config);
    uint32_t elephant = VMQ_NONE;

    for (uint32_t k = source->first; k < source->first + source->n_first;
         k++) {
        uint32_t i = planner->by_pmd[k];
        const struct planner_rxq *queue = &planner->rxqs[i];

        if (queue->moved || planner_to_bp(queue->load_ppm) < spread_bp) {
            continue;
        } else if (planner->snapshot->rxqs[i].mobility != VMQ_DYNAMIC) {
            return i;
        } else if (elephant == VMQ_NONE
                   || queue->load_ppm > planner->rxqs[elephant].load_ppm) {
            elephant = i;
        }
    }
    return elephant;
}

/* Does moving queue 'rxq' off 'source' take enough off it to be worth it?  One
 * with a backlog may take so little only because it gets so little: beside a
 * queue that is offered several times what the PMD can do it would be starved
 * for as long as that goes on. */
static bool
is_worth_moving(const struct planner *planner,
                const struct planner_pmd *source, uint32_t rxq)
{
    const struct planner_rxq *queue = &planner->rxqs[rxq];

    return (planner->snapshot->rxqs[rxq].backlog
            || queue->load_ppm >= VMQ_MIN_RELIEF_PPM
            || queue->load_ppm * source->n_rxqs * 2 > source->load_ppm);
}

/* Does the rule of the spread pass allow 'candidate', off a PMD under pressure
 * 'before_bp', if there is credit for it? */
static bool
is_spread(const struct planner *planner, const struct candidate *candidate,
          uint32_t before_bp, bool *fits)
{
    /* The pack target is below 'before_bp', else there was nothing to do. */
    *fits = candidate->to_bp <= vmq_config_pack_target_bp(planner->config);
    return *fits || (!candidate->settling
                     && candidate->worst_bp + VMQ_MIN_GAIN_BP <= before_bp);
}

/* Chooses the next move off the overloaded PMD 'from'.  Returns true if there
 * is one, in '*best'.  Otherwise judges the PMD and returns false. */
static bool
choose_spread(struct planner *planner, uint32_t from, struct candidate *best)
{
    const struct planner_pmd *source = &planner->pmds[from];
    uint32_t before_bp = planner_pressure_bp(source, source->load_ppm);
    uint32_t elephant = find_elephant(planner, from);
    struct candidate fitting, less_bad, refused;
    bool any_fitting = false, any_less_bad = false, any_refused = false;
    bool any_mobile = false;

    for (uint32_t k = source->first; k < source->first + source->n_first;
         k++) {
        uint32_t i = planner->by_pmd[k];

        if (planner->rxqs[i].moved
            || planner->snapshot->rxqs[i].mobility != VMQ_DYNAMIC
            || i == elephant || !is_worth_moving(planner, source, i)) {
            continue;
        }
        any_mobile = true;
        for (uint32_t to = 0; to < planner->snapshot->n_pmds; to++) {
            struct candidate candidate;
            bool fits;

            if (to == from || !planner_is_member(planner, to, source->group)
                || planner->pmds[to].gave
                || !vmq_planner_keeps_bounds(planner, from, to)) {
                continue;
            }
            weigh(planner, i, from, to, &candidate);
            if (!is_spread(planner, &candidate, before_bp, &fits)) {
                continue;
            }
            if (!candidate.quote.affordable
                && !(source->losing && candidate.quote.affordable_overdraft)) {
                if (!any_refused
                    || candidate_is_better(&candidate, &refused)) {
                    refused = candidate;
                    any_refused = true;
                }
            } else if (fits) {
                if (!any_fitting
                    || candidate_is_better(&candidate, &fitting)) {
                    fitting = candidate;
                    any_fitting = true;
                }
            } else if (!any_less_bad
                       || candidate_is_less_bad(&candidate, &less_bad)) {
                less_bad = candidate;
                any_less_bad = true;
            }
        }
    }

    if (any_fitting || any_less_bad) {
        *best = any_fitting ? fitting : less_bad;
        return true;
    } else if (any_refused) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_NO_CREDIT, refused.rxq,
                          refused.to);
    } else if (any_mobile) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_NO_DESTINATION, VMQ_NONE,
                          VMQ_NONE);
    } else if (elephant != VMQ_NONE) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_ELEPHANT, elephant,
                          VMQ_NONE);
    } else {
        vmq_planner_judge(planner, from, VMQ_VERDICT_IMMOBILE, VMQ_NONE,
                          VMQ_NONE);
    }
    return false;
}

/* Relieves PMD 'from', which is overloaded, as far as it can be. */
static void
spread_pmd(struct planner *planner, uint32_t from)
{
    const struct planner_pmd *source = &planner->pmds[from];
    uint32_t goal_bp = planner_spread_goal_bp(planner->config);
    struct candidate best;
    bool any = false;

    while (planner_moves_left(planner)
           && planner_pressure_bp(source, source->demand_ppm) > goal_bp
           && choose_spread(planner, from, &best)) {
        vmq_planner_add_move(planner, best.rxq, best.to,
                             (best.to_bp
                              <= vmq_config_pack_target_bp(planner->config)
                              ? VMQ_REASON_SPREAD : VMQ_REASON_RELIEVE),
                             &best.quote);
        any = true;
    }
    if (any) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_SPREAD, VMQ_NONE,
                          VMQ_NONE);
    }
}

/* Relieves the overloaded PMDs of 'group', the worst first.  Returns true if
 * there are any that something could be done about: then is no time to free
 * PMDs. */
bool
vmq_planner_spread(struct planner *planner, uint32_t group)
{
    struct vmq_rank *ranks = planner->pmd_ranks;
    bool wanting = false;
    uint32_t n = 0;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        const struct planner_pmd *pmd = &planner->pmds[i];

        if (!planner_is_member(planner, i, group)
            || !vmq_planner_is_overloaded(planner, i)) {
            continue;
        }
        if (planner->snapshot->pmds[i].settling) {
            wanting = true;
            continue;
        }
        ranks[n++] = (struct vmq_rank) {
            .key = UINT32_MAX - planner_pressure_bp(pmd, pmd->demand_ppm),
            .index = i
        };
    }
    vmq_sort_ranks(ranks, n);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t pmd = ranks[k].index;

        if (planner_moves_left(planner) && !planner->pmds[pmd].took) {
            spread_pmd(planner, pmd);
        }

        enum vmq_verdict verdict = planner->plan->pmds[pmd].verdict;
        wanting |= (verdict != VMQ_VERDICT_ELEPHANT
                    && verdict != VMQ_VERDICT_IMMOBILE);
    }
    return wanting;
}

/* Waking. */

/* Finds a queue to wake PMD 'to' with, because too few PMDs are active: the
 * one whose move leaves the busier of the two PMDs least busy. */
static bool
choose_to_wake(const struct planner *planner, uint32_t to,
               struct candidate *best)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    bool found = false;

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        uint32_t from = snapshot->rxqs[i].pmd;
        struct candidate candidate;

        if (from == VMQ_NONE || planner->rxqs[i].moved
            || snapshot->rxqs[i].mobility != VMQ_DYNAMIC
            || snapshot->pmds[from].isolated
            || planner->pmds[from].numa != planner->pmds[to].numa
            || planner->pmds[from].n_rxqs < 2) {
            continue;
        }
        weigh(planner, i, from, to, &candidate);
        if (!found || candidate_is_less_bad(&candidate, best)) {
            *best = candidate;
            found = true;
        }
    }
    return found;
}

/* The parked PMD of 'numa' to wake next: preferably one whose sibling is not
 * active.  VMQ_NONE if there is none. */
static uint32_t
find_parked(const struct planner *planner, uint32_t numa)
{
    uint32_t parked = VMQ_NONE;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        if (planner->pmds[i].numa == numa && !planner->pmds[i].n_rxqs
            && !planner->snapshot->pmds[i].isolated) {
            if (!sibling_is_active(planner, i)) {
                return i;
            } else if (parked == VMQ_NONE) {
                parked = i;
            }
        }
    }
    return parked;
}

/* Wakes PMDs of 'numa' if fewer are active than pmd-vmq-min-pmds asks for. */
void
vmq_planner_wake(struct planner *planner, uint32_t numa)
{
    const struct planner_numa *node = &planner->numas[numa];

    while (planner_moves_left(planner)
           && node->n_active < vmq_planner_min_active(planner, node)) {
        uint32_t to = find_parked(planner, numa);
        struct candidate best;

        if (to == VMQ_NONE || !choose_to_wake(planner, to, &best)) {
            break;
        }
        vmq_planner_add_move(planner, best.rxq, to, VMQ_REASON_MIN_PMDS,
                             &best.quote);
        vmq_planner_judge(planner, planner->snapshot->rxqs[best.rxq].pmd,
                          VMQ_VERDICT_SPREAD, VMQ_NONE, VMQ_NONE);
    }
}

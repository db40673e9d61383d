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

/* The passes that empty PMDs: for pmd-vmq-max-pmds, and to free those whose
 * queues fit on others. */

#include <config.h>
#include "vmq-planner.h"

/* Emptying one PMD. */

/* Returns true if PMD 'pmd' can take queue 'rxq' in addition: if the load of
 * both together, at its highest moment in the slow view, is not over the pack
 * target, or is as far below the goal of a spread as it has ever been from its
 * lowest moment.  A load that has not changed for the coalesce hold needs less
 * headroom than one that has. */
static bool
fits_always(const struct planner *planner, uint32_t pmd, uint32_t rxq,
            uint32_t *highest_bp)
{
    struct planner_pmd both = planner->pmds[pmd];
    uint32_t highest = 0, lowest = UINT32_MAX;

    vmq_planner_shift_load(planner, &both, rxq, 1);
    for (uint32_t slot = 0; slot < PLANNER_SLOTS; slot++) {
        uint32_t bp = both.slots_bp[slot];

        highest = bp > highest ? bp : highest;
        lowest = bp < lowest ? bp : lowest;
    }
    *highest_bp = highest;

    /* Now, more exactly: many small queues round to less than they are. */
    uint32_t now_bp = planner_pressure_bp(&both, both.demand_ppm);
    uint64_t high_ppm = (uint64_t) highest * (VMQ_PPM / VMQ_BP);
    uint64_t range_ppm = (uint64_t) (highest - lowest) * (VMQ_PPM / VMQ_BP);
    uint32_t high_bp = planner_pressure_bp(&both, high_ppm);
    uint32_t range_bp = planner_pressure_bp(&both, range_ppm);

    high_bp = high_bp > now_bp ? high_bp : now_bp;
    return (high_bp <= vmq_config_pack_target_bp(planner->config)
            || high_bp + range_bp <= planner_spread_goal_bp(planner->config));
}

/* The queues of PMD 'pmd', the heaviest first.  Returns their number. */
static uint32_t
rank_rxqs(const struct planner *planner, uint32_t pmd, struct vmq_rank *ranks)
{
    const struct planner_pmd *source = &planner->pmds[pmd];

    for (uint32_t k = 0; k < source->n_first; k++) {
        uint32_t i = planner->by_pmd[source->first + k];

        ranks[k] = (struct vmq_rank) {
            .key = UINT32_MAX - planner->rxqs[i].slow_bp, .index = i
        };
    }
    vmq_sort_ranks(ranks, source->n_first);
    return source->n_first;
}

/* Finds the PMD that should take 'rxq' from 'from', which is to be freed: of
 * those that it fits on, the one that it fills most.  No queue leaves its NUMA
 * node for this, or returns whence it came before it has stayed for long
 * enough.  With 'force', any PMD will do, the least loaded if it fits on none,
 * and credits do not count.  Returns VMQ_NONE if there is none, and why in
 * '*why'. */
static uint32_t
find_shelter(const struct planner *planner, uint32_t rxq, uint32_t from,
             bool force, struct vmq_quote *quote, enum vmq_verdict *why)
{
    const struct planner_rxq *queue = &planner->rxqs[rxq];
    const struct vmq_pmd *pmds = planner->snapshot->pmds;
    uint32_t group = planner->pmds[from].group;
    uint32_t best = VMQ_NONE, fallback = VMQ_NONE;
    uint32_t best_bp = 0, fallback_bp = UINT32_MAX;
    bool best_remote = false;
    struct vmq_quotes quotes;

    *why = VMQ_VERDICT_NO_FIT;
    vmq_credit_quotes(planner->ledger, planner->config, planner->snapshot, rxq,
                      &quotes);
    for (uint32_t to = 0; to < planner->snapshot->n_pmds; to++) {
        const struct planner_pmd *target = &planner->pmds[to];
        uint32_t highest_bp;

        if (to == from || !planner_is_member(planner, to, group)
            || !target->n_rxqs || target->gave) {
            continue;
        }

        bool remote = planner_is_remote(planner, rxq, to);
        if (pmds[to].evacuating
            || (remote && !planner_is_remote(planner, rxq, from))
            || !fits_always(planner, to, rxq, &highest_bp)) {
            uint64_t demand_ppm = target->demand_ppm + queue->demand_ppm;
            uint32_t to_bp = planner_pressure_bp(target, demand_ppm);

            if (force && to_bp < fallback_bp) {
                fallback = to;
                fallback_bp = to_bp;
            }
            continue;
        }
        *quote = *vmq_quote_to(&quotes, pmds[to].core_id);
        if (!force && !quotes.rested
            && (!quote->affordable
                || (planner->config->credits
                    && pmds[to].core_id == quotes.left_core))) {
            *why = VMQ_VERDICT_NO_CREDIT;
            continue;
        }
        if (best == VMQ_NONE || remote < best_remote
            || (remote == best_remote && highest_bp > best_bp)) {
            best = to;
            best_bp = highest_bp;
            best_remote = remote;
        }
    }
    if (best == VMQ_NONE) {
        best = fallback;
    }
    if (best != VMQ_NONE) {
        *quote = (force ? *vmq_quote_to(&quotes, pmds[best].core_id)
                  : vmq_quote_to_free(&quotes, pmds[best].core_id));
    }
    return best;
}

/* Finds a shelter for each queue of PMD 'from'.  Returns true if all of them
 * are in the plan now.  Otherwise some are, and '*rxq' is the one for which
 * there is none, because of '*why'. */
static bool
shelter_rxqs(struct planner *planner, uint32_t from, enum vmq_reason reason,
             uint32_t *rxq, enum vmq_verdict *why)
{
    bool force = reason == VMQ_REASON_EVACUATE;
    struct vmq_rank *ranks = planner->rxq_ranks;
    uint32_t n = rank_rxqs(planner, from, ranks);

    for (uint32_t k = 0; k < n; k++) {
        struct vmq_quote quote;
        uint32_t to;

        *rxq = ranks[k].index;
        to = find_shelter(planner, *rxq, from, force, &quote, why);
        if (to == VMQ_NONE) {
            return false;
        }
        vmq_planner_try_move(planner, *rxq, to, reason, &quote);
    }
    return true;
}

/* Plans to move all queues off PMD 'from'.  Returns true if that can be done,
 * otherwise leaves the plan alone and judges the PMD.  If there are more
 * queues than moves left, all of them must fit, but only the first ones
 * move. */
static bool
empty_pmd(struct planner *planner, uint32_t from, enum vmq_reason reason)
{
    const struct vmq_config *config = planner->config;
    struct vmq_plan *plan = planner->plan;
    uint32_t n_before = plan->n_moves;
    uint32_t rxq = VMQ_NONE;
    enum vmq_verdict why = VMQ_VERDICT_NO_FIT;

    if (!shelter_rxqs(planner, from, reason, &rxq, &why)) {
        vmq_planner_undo_moves(planner, n_before);
        vmq_planner_judge(planner, from, why, rxq, VMQ_NONE);
        return false;
    }
    if (plan->n_moves > config->max_moves) {
        vmq_planner_undo_moves(planner, config->max_moves);
    }
    vmq_planner_keep_moves(planner, n_before);
    vmq_planner_judge(planner, from, (reason == VMQ_REASON_EVACUATE
                                      ? VMQ_VERDICT_EVACUATE
                                      : VMQ_VERDICT_COALESCE),
                      VMQ_NONE, VMQ_NONE);
    return true;
}

/* The PMDs of 'group' that could be freed, the cheapest first, those whose
 * evacuation has begun before all others.  Returns their number. */
static uint32_t
rank_evacuations(const struct planner *planner, uint32_t group,
                 struct vmq_rank *ranks)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        const struct planner_pmd *pmd = &planner->pmds[i];
        uint64_t cost = 0;

        if (!planner_is_member(planner, i, group) || !pmd->n_rxqs) {
            continue;
        }
        for (uint32_t k = pmd->first; k < pmd->first + pmd->n_first; k++) {
            cost += VMQ_CREDIT + planner->rxqs[planner->by_pmd[k]].cost;
        }
        ranks[n++] = (struct vmq_rank) {
            .key = planner->snapshot->pmds[i].evacuating ? 0 : cost,
            .index = i
        };
    }
    vmq_sort_ranks(ranks, n);
    return n;
}

/* The passes. */

/* Frees PMDs of NUMA nodes that have more active ones than pmd-vmq-max-pmds
 * allows.  Returns true if it has to. */
bool
vmq_planner_evacuate(struct planner *planner, uint32_t group)
{
    const struct vmq_config *config = planner->config;
    struct vmq_rank *ranks = planner->pmd_ranks;
    bool any = false;
    uint32_t n;

    if (!config->max_pmds) {
        return false;
    }
    n = rank_evacuations(planner, group, ranks);
    for (uint32_t k = 0; k < n && planner_moves_left(planner); k++) {
        uint32_t i = ranks[k].index;
        const struct planner_pmd *pmd = &planner->pmds[i];

        if (planner->numas[pmd->numa].n_active <= config->max_pmds) {
            continue;
        }
        if (pmd->fixed) {
            vmq_planner_judge(planner, i, VMQ_VERDICT_IMMOBILE, VMQ_NONE,
                              VMQ_NONE);
        } else if (!pmd->took) {
            any |= empty_pmd(planner, i, VMQ_REASON_EVACUATE);
        }
    }
    return any;
}

static bool
group_is_settling(const struct planner *planner, uint32_t group)
{
    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        if (planner_is_member(planner, i, group)
            && planner->snapshot->pmds[i].settling
            && !planner->snapshot->pmds[i].evacuating) {
            return true;
        }
    }
    return false;
}

/* Is enough known of PMD 'pmd' to empty it?  After a restart, when most queues
 * of its group are young, all of its own must have their full history, else
 * they would be piled up before their load shows.  Later, single young ones
 * count with what they have shown, since a port that is added now and then
 * would keep its PMD awake for ever. */
static bool
is_known(const struct planner *planner, uint32_t pmd)
{
    const struct planner_pmd *source = &planner->pmds[pmd];
    const struct planner_numa *group = &planner->numas[source->group];

    return (!source->n_young
            || (!source->n_unseen && group->n_young * 2 <= group->n_queues));
}

/* May PMD 'pmd' be freed at its load? */
static bool
is_low(const struct planner *planner, uint32_t pmd)
{
    uint32_t limit_bp = vmq_config_coalesce_bp(planner->config);

    return (limit_bp >= VMQ_BP
            || planner->plan->pmds[pmd].slow_bp < limit_bp);
}

/* Frees PMDs of 'group' whose queues fit on others.  An evacuation that has
 * begun goes on at once, at any load; a new one begins only when the last
 * moves have shown up. */
void
vmq_planner_coalesce(struct planner *planner, uint32_t group)
{
    bool settling = group_is_settling(planner, group);
    struct vmq_rank *ranks = planner->pmd_ranks;
    uint32_t n;

    if (!vmq_config_coalesce_bp(planner->config)) {
        return;
    }
    n = rank_evacuations(planner, group, ranks);
    for (uint32_t k = 0; k < n && planner_moves_left(planner); k++) {
        uint32_t i = ranks[k].index;
        const struct planner_pmd *pmd = &planner->pmds[i];
        const struct planner_numa *numa = &planner->numas[pmd->numa];
        bool evacuating = planner->snapshot->pmds[i].evacuating;
        enum vmq_verdict verdict;

        if (pmd->took || (planner->plan->pmds[i].verdict
                          == VMQ_VERDICT_ELEPHANT)
            || (planner->plan->n_moves
                && pmd->n_first > planner_moves_left(planner))) {
            continue;
        }
        if (pmd->fixed) {
            verdict = VMQ_VERDICT_IMMOBILE;
        } else if (numa->n_active <= vmq_planner_min_active(planner, numa)) {
            verdict = VMQ_VERDICT_MIN_PMDS;
        } else if (!evacuating && !is_low(planner, i)) {
            verdict = VMQ_VERDICT_BUSY;
        } else if (!evacuating && settling) {
            verdict = VMQ_VERDICT_SETTLING;
        } else if (!is_known(planner, i)) {
            verdict = VMQ_VERDICT_WARMING;
        } else {
            empty_pmd(planner, i, VMQ_REASON_COALESCE);
            continue;
        }
        vmq_planner_judge(planner, i, verdict, VMQ_NONE, VMQ_NONE);
    }
}

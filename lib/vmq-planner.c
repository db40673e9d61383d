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

#include <config.h>
#include "vmq-planner.h"

#include <stdlib.h>
#include <string.h>

/* What queues with a backlog are assumed to want beyond what they could get
 * where they are, in percent of that.  With none, a PMD that is offered
 * several times what it can do gives too few queues away, finds out a settling
 * time later, and again; with much, more PMDs are woken than are needed. */
#define VMQ_HIDDEN_PCT 50

static int
compare_pmds(const void *a_, const void *b_)
{
    const struct vmq_port_pmd *a = a_;
    const struct vmq_port_pmd *b = b_;

    return a->pmd < b->pmd ? -1 : a->pmd > b->pmd;
}

/* What it means to the traffic of queue 'rxq' to be moved, in the unit of
 * prices, thousandths of a credit.  A credit's worth is 1,000 flows, which the
 * new PMD must be given, or 100,000 packets/s, some of which wait.  Flows that
 * have come out of tunnels are counted with the queue, because their port is
 * the tunnel's. */
static uint64_t
disturbance(const struct planner *planner, uint32_t rxq)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    const struct vmq_rxq *measured = &snapshot->rxqs[rxq];
    const struct vmq_port_pmd key = { .pmd = measured->pmd };
    uint32_t first = planner->port_pmds[measured->port];
    uint32_t end = planner->port_pmds[measured->port + 1];
    const struct vmq_port_pmd *found = NULL;
    uint64_t cost = 0;

    if (snapshot->window_ms) {
        cost = measured->packets * 10 / snapshot->window_ms;
    }
    if (first < end) {
        found = bsearch(&key, &snapshot->port_pmds[first], end - first,
                        sizeof key, compare_pmds);
    }
    return cost + (found ? found->flows : 0) + measured->tunnel_flows;
}

/* Preparation. */

/* Adds the slow view of queue 'rxq' to that of 'pmd' (sign 1) or takes it off
 * (sign -1).  Of the time before its birth, assumes the worst that it has
 * shown since. */
static void
shift_slots(const struct planner *planner, struct planner_pmd *pmd,
            uint32_t rxq, int sign)
{
    const struct vmq_rxq *measured = &planner->snapshot->rxqs[rxq];
    const struct planner_rxq *queue = &planner->rxqs[rxq];
    uint32_t now_bp = planner_to_bp(queue->load_ppm);
    uint32_t slot;

    for (slot = 0; slot < measured->n_history; slot++) {
        pmd->slots_bp[slot]
            += sign * (int32_t) vmq_rxq_planned_slot_bp(measured, slot);
    }
    for (; slot < VMQ_HISTORY_SLOTS; slot++) {
        pmd->slots_bp[slot] += sign * (int32_t) queue->slow_bp;
    }
    pmd->slots_bp[slot] += sign * (int32_t) (now_bp < UINT16_MAX ? now_bp
                                             : UINT16_MAX);
}

/* Finds the highest slot of queue 'rxq'. */
static void
prepare_slow(struct planner *planner, uint32_t rxq)
{
    const struct vmq_rxq *measured = &planner->snapshot->rxqs[rxq];
    uint32_t slow_bp = planner_to_bp(planner->rxqs[rxq].load_ppm);

    slow_bp = slow_bp < UINT16_MAX ? slow_bp : UINT16_MAX;
    for (uint32_t slot = 0; slot < measured->n_history; slot++) {
        uint32_t slot_bp = vmq_rxq_planned_slot_bp(measured, slot);

        slow_bp = slot_bp > slow_bp ? slot_bp : slow_bp;
    }
    planner->rxqs[rxq].slow_bp = slow_bp;
}

/* On a PMD that cannot keep up, what queues with a backlog took says little
 * about what they want.  They would take all of the time that no queue got,
 * each in proportion to what it took.  Assumes that they want VMQ_HIDDEN_PCT
 * more. */
static void
assume_demand(struct planner *planner, struct planner_pmd *pmd)
{
    const struct vmq_rxq *rxqs = planner->snapshot->rxqs;
    const uint32_t *own = planner->by_pmd + pmd->first;
    uint64_t left_ppm = 0, weights = 0;

    for (uint32_t k = 0; k < pmd->n_first; k++) {
        if (rxqs[own[k]].backlog) {
            weights += planner->rxqs[own[k]].load_ppm + 1;
        }
    }
    if (weights && pmd->load_ppm < pmd->capacity_ppm) {
        left_ppm = pmd->capacity_ppm - pmd->load_ppm;
        pmd->load_ppm = pmd->capacity_ppm;
    }
    for (uint32_t k = 0; k < pmd->n_first; k++) {
        struct planner_rxq *queue = &planner->rxqs[own[k]];

        queue->demand_ppm = queue->load_ppm;
        if (rxqs[own[k]].backlog) {
            uint64_t weight = queue->load_ppm + 1;
            /* What is left of the weights has this one in it.
             * NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
            uint64_t more_ppm = left_ppm * weight / weights;

            queue->load_ppm += more_ppm;
            left_ppm -= more_ppm;
            weights -= weight;
            queue->demand_ppm = queue->load_ppm * (100 + VMQ_HIDDEN_PCT) / 100;
        }
        pmd->demand_ppm += queue->demand_ppm;
    }
}

static uint32_t
find_numa(struct planner *planner, int32_t numa_id)
{
    for (uint32_t i = 0; i < planner->n_numas; i++) {
        if (planner->numas[i].numa_id == numa_id) {
            return i;
        }
    }
    planner->numas[planner->n_numas].numa_id = numa_id;
    return planner->n_numas++;
}

static void
prepare_pmd(struct planner *planner, uint32_t i)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    struct planner_pmd *pmd = &planner->pmds[i];
    const uint32_t *own = planner->by_pmd + pmd->first;
    uint64_t measured_ppm = 0;

    pmd->capacity_ppm = vmq_pmd_capacity_ppm(snapshot, i);
    pmd->numa = find_numa(planner, snapshot->pmds[i].numa_id);
    pmd->group = planner->config->cross_numa ? 0 : pmd->numa;
    pmd->n_rxqs = pmd->n_first;
    for (uint32_t k = 0; k < pmd->n_first; k++) {
        const struct vmq_rxq *measured = &snapshot->rxqs[own[k]];

        pmd->load_ppm += planner->rxqs[own[k]].load_ppm;
        measured_ppm += vmq_cycles_to_ppm(snapshot, measured->cycles);
        pmd->losing |= measured->backlog;
        pmd->fixed |= measured->mobility != VMQ_DYNAMIC;
        pmd->n_young += measured->n_history < VMQ_HISTORY_SLOTS;
        pmd->n_unseen += !measured->n_history;
    }
    pmd->losing |= measured_ppm >= pmd->capacity_ppm;
    assume_demand(planner, pmd);
    for (uint32_t k = 0; k < pmd->n_first; k++) {
        prepare_slow(planner, own[k]);
        shift_slots(planner, pmd, own[k], 1);
    }
    if (pmd->n_rxqs && !snapshot->pmds[i].isolated) {
        planner->numas[pmd->numa].n_active++;
        planner->numas[pmd->numa].n_rxqs += pmd->n_rxqs;
        planner->numas[pmd->group].n_queues += pmd->n_rxqs;
        planner->numas[pmd->group].n_young += pmd->n_young;
    }
}

/* Finds the entries of each port in the snapshot's 'port_pmds', which is
 * sorted. */
static void
index_port_pmds(struct planner *planner)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    uint32_t k = 0;

    for (uint32_t port = 0; port < snapshot->n_ports; port++) {
        while (k < snapshot->n_port_pmds
               && snapshot->port_pmds[k].port <= port) {
            k++;
        }
        planner->port_pmds[port + 1] = k;
    }
}

/* Finds the queues of each PMD. */
static void
index_rxqs(struct planner *planner)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    uint32_t n = 0;

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        planner->pmds[i].first = n;
        n += planner->pmds[i].n_first;
        planner->pmds[i].n_first = 0;
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        if (snapshot->rxqs[i].pmd != VMQ_NONE) {
            struct planner_pmd *pmd = &planner->pmds[snapshot->rxqs[i].pmd];

            planner->by_pmd[pmd->first + pmd->n_first++] = i;
        }
    }
}

/* Numbers the cores, whose hyperthreads are in one sibling group each, and
 * counts the PMDs with queues on each. */
static void
index_cores(struct planner *planner)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    struct vmq_rank *ranks = planner->pmd_ranks;

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        ranks[i] = (struct vmq_rank) {
            .key = snapshot->pmds[i].sibling_group, .index = i
        };
    }
    vmq_sort_ranks(ranks, snapshot->n_pmds);
    for (uint32_t k = 0, core = 0; k < snapshot->n_pmds; k++) {
        struct planner_pmd *pmd = &planner->pmds[ranks[k].index];

        core += k && ranks[k].key != ranks[k - 1].key;
        pmd->core = core;
        planner->cores[core] += pmd->n_rxqs > 0;
    }
}

/* Places the arrays of 'planner' in 'memory', unless that is null.  Returns
 * how much memory that takes, and in '*to_clear' how much of it must be zero.
 */
static size_t
lay_out(struct planner *planner, char *memory, size_t *to_clear)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    size_t used = 0;

#define LAY_OUT(ARRAY, N) \
    planner->ARRAY = memory ? (void *) (memory + used) : NULL; \
    used += (((size_t) (N) * sizeof *planner->ARRAY + sizeof(uint64_t) - 1) \
             / sizeof(uint64_t) * sizeof(uint64_t))
    LAY_OUT(pmds, snapshot->n_pmds);
    LAY_OUT(rxqs, snapshot->n_rxqs);
    LAY_OUT(numas, snapshot->n_pmds);
    LAY_OUT(cores, snapshot->n_pmds);
    LAY_OUT(port_pmds, (size_t) snapshot->n_ports + 1);
    *to_clear = used;
    LAY_OUT(by_pmd, snapshot->n_rxqs);
    LAY_OUT(pmd_ranks, snapshot->n_pmds);
    LAY_OUT(rxq_ranks, snapshot->n_rxqs);
    LAY_OUT(targets, snapshot->n_pmds);
#undef LAY_OUT
    return used;
}

/* Fills in the working copies, in memory of the plan's, or returns false if
 * the snapshot refers to what it does not have. */
static bool
prepare(struct planner *planner)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    struct vmq_plan *plan = planner->plan;
    size_t to_clear;
    size_t size = lay_out(planner, NULL, &to_clear);

    plan->work = vmq_reserve(plan->work, &plan->allocated_work,
                             size / sizeof *plan->work, sizeof *plan->work);
    lay_out(planner, (char *) plan->work, &to_clear);
    memset(plan->work, 0, to_clear);
    index_port_pmds(planner);

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        const struct vmq_rxq *measured = &snapshot->rxqs[i];

        if (measured->port >= snapshot->n_ports
            || (measured->pmd >= snapshot->n_pmds
                && measured->pmd != VMQ_NONE)
            || measured->n_history > VMQ_HISTORY_SLOTS
            || measured->reserve_bp > VMQ_BP) {
            return false;
        }
        planner->rxqs[i].load_ppm = vmq_rxq_planned_ppm(snapshot, i);
        planner->rxqs[i].cost = disturbance(planner, i);
        if (measured->pmd != VMQ_NONE) {
            planner->pmds[measured->pmd].n_first++;
        }
    }
    index_rxqs(planner);
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        prepare_pmd(planner, i);
    }
    index_cores(planner);
    planner->n_groups = planner->config->cross_numa ? 1 : planner->n_numas;
    return true;
}

/* Beginning and end. */

/* Makes 'plan' one on 'snapshot' without moves that judges nothing. */
void
vmq_planner_clear_plan(struct vmq_plan *plan,
                       const struct vmq_snapshot *snapshot)
{
    plan->generation = snapshot->generation;
    plan->verdict = VMQ_VERDICT_EMPTY;
    plan->hurry = false;
    plan->n_moves = 0;
    plan->n_weighed = 0;
    plan->n_pmds = snapshot->n_pmds;
    plan->pmds = vmq_reserve(plan->pmds, &plan->allocated_pmds,
                             snapshot->n_pmds, sizeof *plan->pmds);
    if (snapshot->n_pmds) {
        memset(plan->pmds, 0, snapshot->n_pmds * sizeof *plan->pmds);
    }
}

/* Judges every PMD by what it is, before anything is planned. */
static void
begin_judgements(struct planner *planner)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        struct vmq_judgement *judgement = &planner->plan->pmds[i];
        const struct planner_pmd *pmd = &planner->pmds[i];

        judgement->load_bp = planner_to_bp(pmd->load_ppm);
        judgement->capacity_bp = planner_to_bp(pmd->capacity_ppm);
        for (uint32_t slot = 0; slot < PLANNER_SLOTS; slot++) {
            if (judgement->slow_bp < pmd->slots_bp[slot]) {
                judgement->slow_bp = pmd->slots_bp[slot];
            }
        }
        vmq_planner_judge(planner, i,
                          (!pmd->n_rxqs ? VMQ_VERDICT_PARKED
                           : snapshot->pmds[i].isolated ? VMQ_VERDICT_IMMOBILE
                           : snapshot->pmds[i].settling ? VMQ_VERDICT_SETTLING
                           : VMQ_VERDICT_BALANCED), VMQ_NONE, VMQ_NONE);
    }
}

/* Begins a plan in 'planner->plan', given the other members of the first
 * paragraph.  Returns true if successful, false if the snapshot refers to what
 * it does not have, and then the plan says so. */
bool
vmq_planner_begin(struct planner *planner)
{
    vmq_planner_clear_plan(planner->plan, planner->snapshot);
    if (prepare(planner)) {
        begin_judgements(planner);
        return true;
    }
    planner->plan->verdict = VMQ_VERDICT_INVALID;
    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        vmq_planner_judge(planner, i, VMQ_VERDICT_INVALID, VMQ_NONE, VMQ_NONE);
    }
    return false;
}

/* Says in the plan what the loads will be once it is carried out. */
void
vmq_planner_end(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        planner->plan->pmds[i].predicted_bp
            = planner_to_bp(planner->pmds[i].load_ppm);
    }
}

/* What there is to know. */

/* Is PMD 'pmd' to be relieved? */
bool
vmq_planner_is_overloaded(const struct planner *planner, uint32_t pmd)
{
    const struct planner_pmd *source = &planner->pmds[pmd];

    return (source->n_rxqs
            && (planner_pressure_bp(source, source->demand_ppm)
                >= vmq_config_spread_bp(planner->config)));
}

/* The number of PMDs that a NUMA node may not fall under. */
uint32_t
vmq_planner_min_active(const struct planner *planner,
                       const struct planner_numa *numa)
{
    const struct vmq_config *config = planner->config;
    uint32_t min = config->min_pmds ? config->min_pmds : 1;

    if (config->max_pmds && min > config->max_pmds) {
        min = config->max_pmds;
    }
    return min < numa->n_rxqs ? min : numa->n_rxqs;
}

/* May a queue move from PMD 'from' to 'to' without making too few or too many
 * PMDs active on any NUMA node? */
bool
vmq_planner_keeps_bounds(const struct planner *planner,
                         uint32_t from, uint32_t to)
{
    const struct planner_pmd *source = &planner->pmds[from];
    const struct planner_pmd *target = &planner->pmds[to];
    uint32_t max = planner->config->max_pmds;
    bool parks = source->n_rxqs == 1, wakes = !target->n_rxqs;
    struct planner_numa left = planner->numas[source->numa];

    if (parks && wakes && source->numa == target->numa) {
        return true;
    }
    left.n_rxqs -= source->numa != target->numa;
    return (!(parks && left.n_active <= vmq_planner_min_active(planner, &left))
            && !(wakes && max
                 && planner->numas[target->numa].n_active >= max));
}

/* What a pass decides. */

/* Considers PMD 'pmd' judged as 'verdict', because of, or in spite of, a move
 * of 'rxq' to 'to' (VMQ_NONE if there is no such move). */
void
vmq_planner_judge(struct planner *planner, uint32_t pmd,
                  enum vmq_verdict verdict, uint32_t rxq, uint32_t to)
{
    struct vmq_judgement *judgement = &planner->plan->pmds[pmd];

    judgement->verdict = verdict;
    judgement->rxq = rxq;
    judgement->to = to;
}

/* Puts the load of 'rxq' on 'pmd' (sign 1) or takes it off (sign -1). */
void
vmq_planner_shift_load(const struct planner *planner, struct planner_pmd *pmd,
                       uint32_t rxq, int sign)
{
    const struct planner_rxq *queue = &planner->rxqs[rxq];

    pmd->load_ppm += sign * (int64_t) queue->load_ppm;
    pmd->demand_ppm += sign * (int64_t) queue->demand_ppm;
    pmd->n_rxqs += sign;
    shift_slots(planner, pmd, rxq, sign);
}

/* Adds the move of 'rxq' to PMD 'to' to the plan and to the predictions, but
 * says nothing of the two PMDs yet. */
void
vmq_planner_try_move(struct planner *planner, uint32_t rxq, uint32_t to,
                     enum vmq_reason reason, const struct vmq_quote *quote)
{
    uint32_t from = planner->snapshot->rxqs[rxq].pmd;
    struct planner_pmd *source = &planner->pmds[from];
    struct planner_pmd *target = &planner->pmds[to];
    struct planner_rxq *queue = &planner->rxqs[rxq];
    struct planner_numa *numas = planner->numas;
    struct vmq_plan *plan = planner->plan;

    plan->moves = vmq_reserve(plan->moves, &plan->allocated_moves,
                              plan->n_moves + 1, sizeof *plan->moves);
    plan->moves[plan->n_moves++] = (struct vmq_move) {
        .rxq = rxq,
        .from = from,
        .to = to,
        .reason = reason,
        .gain_bp = planner_to_bp(queue->load_ppm),
        .price_mc = quote->price_mc,
        .overdraft = !quote->affordable,
    };

    vmq_planner_shift_load(planner, source, rxq, -1);
    vmq_planner_shift_load(planner, target, rxq, 1);
    queue->moved = true;
    if (source->numa != target->numa) {
        numas[source->numa].n_rxqs--;
        numas[target->numa].n_rxqs++;
    }
    if (!source->n_rxqs) {
        numas[source->numa].n_active--;
        planner->cores[source->core]--;
    }
    if (target->n_rxqs == 1) {
        numas[target->numa].n_active++;
        planner->cores[target->core]++;
    }
}

/* Keeps the moves after the first 'n', and marks and judges their PMDs. */
void
vmq_planner_keep_moves(struct planner *planner, uint32_t n)
{
    for (; n < planner->plan->n_moves; n++) {
        const struct vmq_move *move = &planner->plan->moves[n];

        planner->pmds[move->from].gave = planner->pmds[move->to].took = true;
        vmq_planner_judge(planner, move->to, VMQ_VERDICT_TARGET, VMQ_NONE,
                          VMQ_NONE);
    }
}

/* Adds the move of 'rxq' to PMD 'to' for good. */
void
vmq_planner_add_move(struct planner *planner, uint32_t rxq, uint32_t to,
                     enum vmq_reason reason, const struct vmq_quote *quote)
{
    uint32_t n = planner->plan->n_moves;

    vmq_planner_try_move(planner, rxq, to, reason, quote);
    vmq_planner_keep_moves(planner, n);
}

/* Takes the moves after the first 'n', which have not been kept, back out of
 * the plan and the predictions. */
void
vmq_planner_undo_moves(struct planner *planner, uint32_t n)
{
    struct planner_numa *numas = planner->numas;

    while (planner->plan->n_moves > n) {
        const struct vmq_move *move
            = &planner->plan->moves[--planner->plan->n_moves];
        struct planner_pmd *source = &planner->pmds[move->from];
        struct planner_pmd *target = &planner->pmds[move->to];

        if (!source->n_rxqs) {
            numas[source->numa].n_active++;
            planner->cores[source->core]++;
        }
        if (target->n_rxqs == 1) {
            numas[target->numa].n_active--;
            planner->cores[target->core]--;
        }
        if (source->numa != target->numa) {
            numas[source->numa].n_rxqs++;
            numas[target->numa].n_rxqs--;
        }
        vmq_planner_shift_load(planner, source, move->rxq, 1);
        vmq_planner_shift_load(planner, target, move->rxq, -1);
        planner->rxqs[move->rxq].moved = false;
    }
}

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

/* A move that takes less than this off its PMD is not worth its price, unless
 * all queues are that small.  At zero, an elephant's idle neighbors would be
 * moved for nothing; at 1 % of a PMD, fifty small queues could stay behind
 * with it and starve. */
#define VMQ_MIN_RELIEF_PPM (VMQ_PPM / 1000)

/* If no destination stays under the pack target, the busier of the two PMDs
 * must end at least this much below where the source was, else the move only
 * carries the problem around. */
#define VMQ_MIN_GAIN_BP 500

/* A PMD that gets less than this has no CPU to spare, however little it has to
 * do.  At zero, queues would run after each moment in which one of the PMDs of
 * a starved host has more of a CPU than the others; at all of a PMD, some
 * other program on each CPU now and then would stop relief. */
#define VMQ_MIN_CAPACITY_PPM (VMQ_PPM / 2)

/* A queue and a destination for it, with all that the choice depends on. */
struct candidate {
    uint32_t rxq;
    uint32_t to;
    const struct vmq_quote *quote;
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

/* Weighs the move of 'offer' off PMD 'from' to 'to'. */
static void
weigh(struct planner *planner, const struct planner_offer *offer,
      uint32_t from, uint32_t to, struct candidate *candidate)
{
    const struct planner_rxq *queue = &planner->rxqs[offer->rxq];
    const struct planner_pmd *source = &planner->pmds[from];
    const struct planner_pmd *target = &planner->pmds[to];
    uint32_t from_bp = planner_pressure_bp(source, (source->load_ppm
                                                    - queue->load_ppm));
    uint32_t to_bp = planner_pressure_bp(target, (target->load_ppm
                                                  + queue->load_ppm));

    planner->plan->n_weighed++;
    candidate->rxq = offer->rxq;
    candidate->to = to;
    candidate->quote = (to == offer->back ? &offer->quotes.back
                        : &offer->quotes.away);
    candidate->gain_ppm = queue->load_ppm;
    candidate->relieves
        = (planner_pressure_bp(source, source->demand_ppm - queue->demand_ppm)
           <= planner_spread_goal_bp(planner->config));
    candidate->to_bp = planner_pressure_bp(target, (target->demand_ppm
                                                    + queue->demand_ppm));

    /* Without assumptions: the two PMDs must not differ in these. */
    candidate->worst_bp = from_bp > to_bp ? from_bp : to_bp;
    candidate->remote = planner_is_remote(planner, offer->rxq, to);
    candidate->settling = planner->snapshot->pmds[to].settling;
    candidate->overdraft = !candidate->quote->affordable;
    candidate->wakes = !target->n_rxqs;
    candidate->sibling = (candidate->wakes
                          && planner_sibling_is_active(planner, to));
    candidate->cost = candidate->quote->price_mc + queue->cost;
}

static void
make_offer(const struct planner *planner, uint32_t rxq,
           struct planner_offer *offer)
{
    offer->rxq = rxq;
    offer->back = VMQ_NONE;
    vmq_credit_quotes(planner->ledger, planner->config, planner->snapshot, rxq,
                      &offer->quotes);
    if (offer->quotes.back_core != VMQ_NONE) {
        offer->back = vmq_snapshot_find_pmd(planner->snapshot,
                                            offer->quotes.back_core);
    }
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

/* Moves that are chosen in this order of preference.  A later kind is looked
 * for only if there is none of an earlier one. */
enum kind {
    KIND_FITTING,               /* Keeps the pack target. */
    KIND_LESS_BAD,              /* Does not, but both PMDs gain. */
    KIND_REFUSED                /* Either of these, but there is no credit. */
};

/* PMDs that may take a queue, and bounds of what it may find there. */
struct destinations {
    struct planner_target *targets;
    uint32_t n;
    bool parked;
    bool settling;              /* All of them. */
    bool sibling;               /* All of them. */
    uint64_t least_load_ppm;
    uint64_t least_demand_ppm;
    uint64_t most_capacity_ppm;
};

/* The search for one move off an overloaded PMD. */
struct search {
    struct planner *planner;
    uint32_t from;
    uint32_t before_bp;         /* Its pressure. */
    uint64_t goal_ppm;          /* The most that may be left on it. */
    const struct planner_offer *offers;
    uint32_t n_offers;
    struct destinations active, parked;

    struct candidate best;
    bool found;
};

/* Does the rule of the spread pass want 'candidate', and is it of this
 * kind? */
static bool
is_of_kind(const struct search *search, const struct candidate *candidate,
           enum kind kind)
{
    const struct planner *planner = search->planner;
    bool paid = planner_is_paid(&planner->pmds[search->from],
                                candidate->quote);

    /* The pack target is below 'before_bp', else there was nothing to do. */
    bool fits = candidate->to_bp <= vmq_config_pack_target_bp(planner->config);
    bool gains = (!candidate->settling
                  && (candidate->worst_bp + VMQ_MIN_GAIN_BP
                      <= search->before_bp));

    return (kind == KIND_FITTING ? paid && fits
            : kind == KIND_LESS_BAD ? paid && !fits && gains
            : !paid && (fits || gains));
}

static bool
is_preferred(const struct candidate *a, const struct candidate *b,
             enum kind kind)
{
    return (kind == KIND_LESS_BAD ? candidate_is_less_bad(a, b)
            : candidate_is_better(a, b));
}

/* Weighs the best that could be hoped for if 'offer' moves to any of
 * 'destinations': no move to one of them is better than that.  Returns false
 * if none can be of this kind, or better than 'bar' (if nonnull). */
static bool
weigh_hope(const struct search *search, const struct planner_offer *offer,
           const struct destinations *destinations, enum kind kind,
           const struct candidate *bar, struct candidate *hope)
{
    const struct planner *planner = search->planner;
    const struct planner_rxq *queue = &planner->rxqs[offer->rxq];
    const struct planner_pmd *source = &planner->pmds[search->from];
    bool paid = planner_is_paid(source, &offer->quotes.away);
    bool relieves = (source->demand_ppm - queue->demand_ppm
                     <= search->goal_ppm);

    if (!offer->stands || !destinations->n
        || (kind == KIND_REFUSED ? paid && offer->back == VMQ_NONE : !paid)) {
        return false;
    }

    /* Most queues fail here. */
    if (kind != KIND_LESS_BAD && bar && !relieves
        && (bar->relieves || queue->load_ppm < bar->gain_ppm)) {
        return false;
    }

    uint32_t from_bp = planner_pressure_bp(source, (source->load_ppm
                                                    - queue->load_ppm));
    uint32_t to_bp = vmq_pressure_bp((destinations->least_load_ppm
                                      + queue->load_ppm),
                                     destinations->most_capacity_ppm);
    *hope = (struct candidate) {
        .rxq = offer->rxq,
        .quote = &offer->quotes.away,
        .gain_ppm = queue->load_ppm,
        .relieves = relieves,
        .to_bp = vmq_pressure_bp((destinations->least_demand_ppm
                                  + queue->demand_ppm),
                                 destinations->most_capacity_ppm),
        .worst_bp = from_bp > to_bp ? from_bp : to_bp,
        .settling = destinations->settling,
        .overdraft = !offer->quotes.away.affordable,
        .wakes = destinations->parked,
        .sibling = destinations->sibling,
        .cost = offer->quotes.away.price_mc + queue->cost,
    };
    search->planner->plan->n_weighed++;

    bool fits = hope->to_bp <= vmq_config_pack_target_bp(planner->config);
    bool gains = (!hope->settling
                  && hope->worst_bp + VMQ_MIN_GAIN_BP <= search->before_bp);
    return ((kind == KIND_FITTING ? fits
             : kind == KIND_LESS_BAD ? gains
             : fits || gains)
            && (!bar || is_preferred(hope, bar, kind)));
}

/* Weighs the move of 'offer' to PMD 'to' and takes it if it is the best one of
 * its kind so far. */
static void
try_destination(struct search *search, const struct planner_offer *offer,
                uint32_t to, enum kind kind)
{
    struct candidate candidate;

    weigh(search->planner, offer, search->from, to, &candidate);
    if (is_of_kind(search, &candidate, kind)
        && (!search->found || is_preferred(&candidate, &search->best, kind))) {
        search->best = candidate;
        search->found = true;
    }
}

static void
try_destinations(struct search *search, const struct planner_offer *offer,
                 const struct destinations *destinations, enum kind kind)
{
    for (uint32_t i = 0; i < destinations->n; i++) {
        const struct planner_target *target = &destinations->targets[i];

        try_destination(search, offer, target->pmd, kind);
        if (target->pmd == offer->back && target->next != VMQ_NONE) {
            /* The only one for which it matters which of them it is. */
            try_destination(search, offer, target->next, kind);
        }
    }
}

/* Searches for the best move of this kind.  Looks closer only at queues that
 * can hope for more than the best so far, first at the one that can hope for
 * most, which is often the last one then. */
static bool
search_kind(struct search *search, enum kind kind)
{
    const struct destinations *both[] = { &search->active, &search->parked };
    const struct planner_offer *first = NULL;
    const struct destinations *first_to = NULL;
    struct candidate hope, most;

    for (uint32_t i = 0; i < search->n_offers; i++) {
        for (int k = 0; k < 2; k++) {
            if (weigh_hope(search, &search->offers[i], both[k], kind,
                           first ? &most : NULL, &hope)) {
                most = hope;
                first = &search->offers[i];
                first_to = both[k];
            }
        }
    }
    if (!first) {
        return false;
    }
    try_destinations(search, first, first_to, kind);
    for (uint32_t i = 0; i < search->n_offers; i++) {
        for (int k = 0; k < 2; k++) {
            const struct planner_offer *offer = &search->offers[i];

            if ((offer != first || both[k] != first_to)
                && weigh_hope(search, offer, both[k], kind,
                              search->found ? &search->best : NULL, &hope)) {
                try_destinations(search, offer, both[k], kind);
            }
        }
    }
    return search->found;
}

/* Do the parked PMDs 'a' and 'b' differ only in which they are? */
static bool
parked_are_alike(const struct planner *planner, uint32_t a, uint32_t b)
{
    return (planner->pmds[a].numa == planner->pmds[b].numa
            && planner->pmds[a].capacity_ppm == planner->pmds[b].capacity_ppm
            && (planner->snapshot->pmds[a].settling
                == planner->snapshot->pmds[b].settling)
            && (planner_sibling_is_active(planner, a)
                == planner_sibling_is_active(planner, b)));
}

/* Adds PMD 'to' to 'destinations', unless two parked ones like it are there:
 * the lowest one is the best of those, unless a queue has just come from
 * there, then the next one is. */
static void
add_destination(const struct planner *planner,
                struct destinations *destinations, uint32_t to)
{
    const struct planner_pmd *pmd = &planner->pmds[to];
    bool settling = planner->snapshot->pmds[to].settling;
    bool sibling = !pmd->n_rxqs && planner_sibling_is_active(planner, to);

    for (uint32_t i = 0; destinations->parked && i < destinations->n; i++) {
        struct planner_target *target = &destinations->targets[i];

        if (parked_are_alike(planner, target->pmd, to)) {
            target->next = target->next == VMQ_NONE ? to : target->next;
            return;
        }
    }
    if (!destinations->n) {
        destinations->settling = destinations->sibling = true;
        destinations->least_load_ppm = destinations->least_demand_ppm
            = UINT64_MAX;
        destinations->most_capacity_ppm = 0;
    }
    destinations->targets[destinations->n++] = (struct planner_target) {
        .pmd = to, .next = VMQ_NONE
    };
    destinations->settling &= settling;
    destinations->sibling &= sibling;
    if (pmd->load_ppm < destinations->least_load_ppm) {
        destinations->least_load_ppm = pmd->load_ppm;
    }
    if (pmd->demand_ppm < destinations->least_demand_ppm) {
        destinations->least_demand_ppm = pmd->demand_ppm;
    }
    if (pmd->capacity_ppm > destinations->most_capacity_ppm) {
        destinations->most_capacity_ppm = pmd->capacity_ppm;
    }
}

/* Finds the PMDs that may take a queue from PMD 'search->from'. */
static void
find_destinations(struct search *search)
{
    struct planner *planner = search->planner;
    uint32_t group = planner->pmds[search->from].group;
    uint32_t n_active = 0;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        n_active += planner->pmds[i].n_rxqs > 0;
    }
    search->active = (struct destinations) { .targets = planner->targets };
    search->parked = (struct destinations) {
        .targets = planner->targets + n_active, .parked = true
    };
    for (uint32_t to = 0; to < planner->snapshot->n_pmds; to++) {
        if (to != search->from && planner_is_member(planner, to, group)
            && !planner->pmds[to].gave
            && vmq_planner_keeps_bounds(planner, search->from, to)) {
            add_destination(planner, (planner->pmds[to].n_rxqs
                                      ? &search->active : &search->parked),
                            to);
        }
    }
}

/* Makes an offer of each queue of PMD 'from' that may move.  Returns their
 * number. */
static uint32_t
make_offers(const struct planner *planner, uint32_t from)
{
    const struct planner_pmd *source = &planner->pmds[from];
    struct vmq_plan *plan = planner->plan;
    uint32_t n = 0;

    plan->offers = vmq_reserve(plan->offers, &plan->allocated_offers,
                               source->n_first, sizeof *plan->offers);
    for (uint32_t k = 0; k < source->n_first; k++) {
        uint32_t i = planner->by_pmd[source->first + k];

        if (planner->snapshot->rxqs[i].mobility == VMQ_DYNAMIC) {
            make_offer(planner, i, &plan->offers[n++]);
        }
    }
    return n;
}

/* Drops the offers of those that have moved, or had better stay now, from
 * consideration.  Returns true if any are left. */
static bool
review_offers(const struct planner *planner, uint32_t from, uint32_t elephant,
              struct planner_offer *offers, uint32_t n)
{
    const struct planner_pmd *source = &planner->pmds[from];
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        offers[i].stands = (!planner->rxqs[offers[i].rxq].moved
                            && offers[i].rxq != elephant
                            && is_worth_moving(planner, source,
                                               offers[i].rxq));
        any |= offers[i].stands;
    }
    return any;
}

/* Chooses the next move off the overloaded PMD 'from', whose queues are the
 * plan's first 'n' offers.  Returns true if there is one, in '*best'.
 * Otherwise judges the PMD and returns false. */
static bool
choose_spread(struct planner *planner, uint32_t from, uint32_t n,
              struct candidate *best)
{
    const struct planner_pmd *source = &planner->pmds[from];
    struct planner_offer *offers = planner->plan->offers;
    uint64_t goal_bp = planner_spread_goal_bp(planner->config);
    struct search search = {
        .planner = planner,
        .from = from,
        .before_bp = planner_pressure_bp(source, source->load_ppm),
        .goal_ppm = ((goal_bp + 1) * source->capacity_ppm - 1) / VMQ_BP,
        .offers = offers,
        .n_offers = n
    };
    uint32_t elephant = find_elephant(planner, from);

    if (!review_offers(planner, from, elephant, offers, n)) {
        vmq_planner_judge(planner, from, (elephant != VMQ_NONE
                                          ? VMQ_VERDICT_ELEPHANT
                                          : VMQ_VERDICT_IMMOBILE),
                          elephant, VMQ_NONE);
        return false;
    }
    find_destinations(&search);
    if (search_kind(&search, KIND_FITTING)
        || search_kind(&search, KIND_LESS_BAD)) {
        *best = search.best;
        return true;
    }
    if (search_kind(&search, KIND_REFUSED)) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_NO_CREDIT,
                          search.best.rxq, search.best.to);
    } else {
        vmq_planner_judge(planner, from, VMQ_VERDICT_NO_DESTINATION, VMQ_NONE,
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
    uint32_t n = make_offers(planner, from);
    struct candidate best;
    bool any = false;

    while (planner_moves_left(planner)
           && planner_pressure_bp(source, source->demand_ppm) > goal_bp
           && choose_spread(planner, from, n, &best)) {
        vmq_planner_add_move(planner, best.rxq, best.to,
                             (best.to_bp
                              <= vmq_config_pack_target_bp(planner->config)
                              ? VMQ_REASON_SPREAD : VMQ_REASON_RELIEVE),
                             best.quote);
        any = true;
    }
    if (any) {
        vmq_planner_judge(planner, from, VMQ_VERDICT_SPREAD, VMQ_NONE,
                          VMQ_NONE);
    }
}

/* Is there no CPU to spare for 'group'?  That is so if several PMDs are active
 * and none gets enough of its own CPU.  To wake one more would take from them:
 * it says nothing that nobody takes from one that blocks. */
static bool
is_starved(const struct planner *planner, uint32_t group)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        const struct planner_pmd *pmd = &planner->pmds[i];

        if (planner_is_member(planner, i, group) && pmd->n_rxqs) {
            if (pmd->capacity_ppm >= VMQ_MIN_CAPACITY_PPM) {
                return false;
            }
            n++;
        }
    }
    return n > 1;
}

/* Relieves the overloaded PMDs of 'group', the worst first.  Returns true if
 * there are any that something could be done about: then is no time to free
 * PMDs. */
bool
vmq_planner_spread(struct planner *planner, uint32_t group)
{
    struct vmq_rank *ranks = planner->pmd_ranks;
    bool starved = is_starved(planner, group);
    bool wanting = false;
    uint32_t n = 0;

    for (uint32_t i = 0; i < planner->snapshot->n_pmds; i++) {
        const struct planner_pmd *pmd = &planner->pmds[i];

        if (!planner_is_member(planner, i, group)
            || (planner->edges && !planner->snapshot->pmds[i].edge)
            || !vmq_planner_is_overloaded(planner, i)) {
            continue;
        }
        if (starved || planner->snapshot->pmds[i].settling) {
            if (starved) {
                vmq_planner_judge(planner, i, VMQ_VERDICT_NO_DESTINATION,
                                  VMQ_NONE, VMQ_NONE);
            }
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
 * one whose move leaves the busier of the two PMDs least busy.  Returns true
 * if there is one, in '*best', whose quote is in '*offer'. */
static bool
choose_to_wake(struct planner *planner, uint32_t to,
               struct planner_offer *offer, struct candidate *best)
{
    const struct vmq_snapshot *snapshot = planner->snapshot;
    bool found = false;

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        uint32_t from = snapshot->rxqs[i].pmd;
        struct planner_offer other;
        struct candidate candidate;

        if (from == VMQ_NONE || planner->rxqs[i].moved
            || snapshot->rxqs[i].mobility != VMQ_DYNAMIC
            || snapshot->pmds[from].isolated
            || planner->pmds[from].numa != planner->pmds[to].numa
            || planner->pmds[from].n_rxqs < 2) {
            continue;
        }
        make_offer(planner, i, &other);
        weigh(planner, &other, from, to, &candidate);
        if (!found || candidate_is_less_bad(&candidate, best)) {
            *offer = other;
            *best = candidate;
            found = true;
        }
    }
    if (found) {
        best->quote = (to == offer->back ? &offer->quotes.back
                       : &offer->quotes.away);
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
            if (!planner_sibling_is_active(planner, i)) {
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
        struct planner_offer offer;
        struct candidate best;

        if (to == VMQ_NONE || !choose_to_wake(planner, to, &offer, &best)) {
            break;
        }
        vmq_planner_add_move(planner, best.rxq, to, VMQ_REASON_MIN_PMDS,
                             best.quote);
        vmq_planner_judge(planner, planner->snapshot->rxqs[best.rxq].pmd,
                          VMQ_VERDICT_SPREAD, VMQ_NONE, VMQ_NONE);
    }
}

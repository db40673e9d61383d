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
#include "vmq-dumb.h"

#include "vmq-load.h"
#include "vmq-util.h"

#define N_SLOTS (VMQ_HISTORY_SLOTS + 1)

struct dumb {
    const struct vmq_snapshot *s;
    const struct vmq_config *c;
    const struct vmq_ledger *ledger;
    struct vmq_plan *plan;

    uint32_t *where;            /* By queue: PMD, as planned. */
    bool *moved;                /* By queue. */
    uint64_t *load, *demand;    /* By queue. */
};

/* One possible move. */
struct option {
    uint32_t rxq, to;
    struct vmq_quote quote;
    bool relieves, remote, settling, overdraft, wakes, sibling;
    uint64_t gain, cost;
    uint32_t worst, to_bp;
};

static uint32_t
to_bp(uint64_t ppm)
{
    return ppm / 100 < UINT32_MAX ? ppm / 100 : UINT32_MAX;
}

static uint64_t
sum(const struct dumb *d, const uint64_t *of, uint32_t pmd)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        total += d->where[i] == pmd ? of[i] : 0;
    }
    return total;
}

static uint32_t
n_rxqs(const struct dumb *d, uint32_t pmd)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        n += d->where[i] == pmd;
    }
    return n;
}

static uint32_t
pressure(const struct dumb *d, uint32_t pmd, uint64_t ppm)
{
    return vmq_pressure_bp(ppm, vmq_pmd_capacity_ppm(d->s, pmd));
}

static uint32_t
goal(const struct dumb *d)
{
    return (vmq_config_spread_bp(d->c) + vmq_config_pack_target_bp(d->c)) / 2;
}

/* The load of a queue in a slot; those before its birth are like its worst. */
static uint32_t
slot_bp(const struct dumb *d, uint32_t rxq, uint32_t slot)
{
    const struct vmq_rxq *q = &d->s->rxqs[rxq];
    uint32_t now = to_bp(d->load[rxq]);
    uint32_t worst = now = now < UINT16_MAX ? now : UINT16_MAX;

    for (uint32_t i = 0; i < q->n_history; i++) {
        worst = q->history_bp[i] > worst ? q->history_bp[i] : worst;
    }
    return (slot == VMQ_HISTORY_SLOTS ? now
            : slot >= q->n_history ? worst
            : q->history_bp[slot] > q->reserve_bp ? q->history_bp[slot]
            : q->reserve_bp);
}

static void
assume_demand(struct dumb *d, uint32_t pmd)
{
    uint64_t capacity = vmq_pmd_capacity_ppm(d->s, pmd);
    uint64_t load = sum(d, d->load, pmd);
    uint64_t left = load < capacity ? capacity - load : 0;
    uint64_t weights = 0;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        weights += (d->where[i] == pmd && d->s->rxqs[i].backlog
                    ? d->load[i] + 1 : 0);
    }
    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->where[i] == pmd && d->s->rxqs[i].backlog) {
            uint64_t weight = d->load[i] + 1;
            uint64_t more = left * weight / weights;

            d->load[i] += more;
            d->demand[i] = d->load[i] * 3 / 2;
            left -= more;
            weights -= weight;
        }
    }
}

static bool
losing(const struct dumb *d, uint32_t pmd)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        const struct vmq_rxq *q = &d->s->rxqs[i];

        if (q->pmd == pmd) {
            if (q->backlog) {
                return true;
            }
            total += vmq_cycles_to_ppm(d->s, q->cycles);
        }
    }
    return total >= vmq_pmd_capacity_ppm(d->s, pmd);
}

static bool
gave(const struct dumb *d, uint32_t pmd)
{
    for (uint32_t i = 0; i < d->plan->n_moves; i++) {
        if (d->plan->moves[i].from == pmd) {
            return true;
        }
    }
    return false;
}

static bool
took(const struct dumb *d, uint32_t pmd)
{
    for (uint32_t i = 0; i < d->plan->n_moves; i++) {
        if (d->plan->moves[i].to == pmd) {
            return true;
        }
    }
    return false;
}

/* May queues of PMD 'a' go to 'b'? */
static bool
together(const struct dumb *d, uint32_t a, uint32_t b)
{
    return d->c->cross_numa || d->s->pmds[a].numa_id == d->s->pmds[b].numa_id;
}

static uint32_t
n_active(const struct dumb *d, int32_t numa_id)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        n += (d->s->pmds[i].numa_id == numa_id && !d->s->pmds[i].isolated
              && n_rxqs(d, i));
    }
    return n;
}

/* The fewest PMDs that may be active if 'fewer' queues are left. */
static uint32_t
min_active(const struct dumb *d, int32_t numa_id, uint32_t fewer)
{
    uint32_t min = d->c->min_pmds ? d->c->min_pmds : 1;
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        if (d->s->pmds[i].numa_id == numa_id && !d->s->pmds[i].isolated) {
            n += n_rxqs(d, i);
        }
    }
    n -= fewer;
    min = d->c->max_pmds && min > d->c->max_pmds ? d->c->max_pmds : min;
    return min < n ? min : n;
}

static bool
keeps_bounds(const struct dumb *d, uint32_t from, uint32_t to)
{
    int32_t from_numa = d->s->pmds[from].numa_id;
    int32_t to_numa = d->s->pmds[to].numa_id;
    bool parks = n_rxqs(d, from) == 1, wakes = !n_rxqs(d, to);

    if (parks && wakes && from_numa == to_numa) {
        return true;
    }
    return (!(parks && (n_active(d, from_numa)
                        <= min_active(d, from_numa, from_numa != to_numa)))
            && !(wakes && d->c->max_pmds
                 && n_active(d, to_numa) >= d->c->max_pmds));
}

static bool
sibling_is_active(const struct dumb *d, uint32_t pmd)
{
    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        if (i != pmd && n_rxqs(d, i)
            && d->s->pmds[i].sibling_group == d->s->pmds[pmd].sibling_group) {
            return true;
        }
    }
    return false;
}

static bool
is_remote(const struct dumb *d, uint32_t rxq, uint32_t pmd)
{
    int32_t numa_id = d->s->rxqs[rxq].numa_id;

    return numa_id >= 0 && numa_id != d->s->pmds[pmd].numa_id;
}

static uint64_t
disturbance(const struct dumb *d, uint32_t rxq)
{
    const struct vmq_rxq *q = &d->s->rxqs[rxq];
    uint64_t cost = d->s->window_ms ? q->packets * 10 / d->s->window_ms : 0;

    cost += q->tunnel_flows;
    for (uint32_t i = 0; i < d->s->n_port_pmds; i++) {
        const struct vmq_port_pmd *pp = &d->s->port_pmds[i];

        cost += pp->port == q->port && pp->pmd == q->pmd ? pp->flows : 0;
    }
    return cost;
}

static void
judge(struct dumb *d, uint32_t pmd, enum vmq_verdict verdict, uint32_t rxq,
      uint32_t to)
{
    d->plan->pmds[pmd].verdict = verdict;
    d->plan->pmds[pmd].rxq = rxq;
    d->plan->pmds[pmd].to = to;
}

static void
quote_to(const struct dumb *d, uint32_t rxq, uint32_t to, struct vmq_quote *q)
{
    vmq_credit_quote(d->ledger, d->c, d->s, rxq, d->s->pmds[to].core_id, q);
}

static void
move(struct dumb *d, uint32_t rxq, uint32_t to, enum vmq_reason reason)
{
    struct vmq_plan *plan = d->plan;
    struct vmq_quotes quotes;
    struct vmq_quote quote;
    bool rested;

    quote_to(d, rxq, to, &quote);
    vmq_credit_quotes(d->ledger, d->c, d->s, rxq, &quotes);
    rested = reason == VMQ_REASON_COALESCE && quotes.rested;
    plan->moves = vmq_reserve(plan->moves, &plan->allocated_moves,
                              plan->n_moves + 1, sizeof *plan->moves);
    plan->moves[plan->n_moves++] = (struct vmq_move) {
        .rxq = rxq,
        .from = d->where[rxq],
        .to = to,
        .reason = reason,
        .gain_bp = to_bp(d->load[rxq]),
        .price_mc = rested ? 0 : quote.price_mc,
        .overdraft = !rested && !quote.affordable,
    };
    d->where[rxq] = to;
    d->moved[rxq] = true;
    judge(d, to, VMQ_VERDICT_TARGET, VMQ_NONE, VMQ_NONE);
}

/* Spread. */

/* Negative if 'a' is better than 'b', positive if it is worse. */
static int
compare(const struct option *a, const struct option *b)
{
#define DIFFER(A, B) if ((A) != (B)) return (A) < (B) ? -1 : 1
    DIFFER(b->relieves, a->relieves);
    if (!a->relieves) {
        DIFFER(b->gain, a->gain);
    }
    DIFFER(a->remote, b->remote);
    DIFFER(a->settling, b->settling);
    DIFFER(a->overdraft, b->overdraft);
    DIFFER(a->wakes, b->wakes);
    DIFFER(a->sibling, b->sibling);
    DIFFER(a->cost, b->cost);
    DIFFER(a->to_bp, b->to_bp);
    DIFFER(a->rxq, b->rxq);
    DIFFER(a->to, b->to);
    return 0;
}

static int
compare_worst(const struct option *a, const struct option *b)
{
    DIFFER(a->worst, b->worst);
    return compare(a, b);
}

static void
look_at(const struct dumb *d, uint32_t rxq, uint32_t to, struct option *o)
{
    uint32_t from = d->where[rxq];
    uint32_t left = pressure(d, from, sum(d, d->load, from) - d->load[rxq]);
    uint32_t right = pressure(d, to, sum(d, d->load, to) + d->load[rxq]);

    o->rxq = rxq;
    o->to = to;
    quote_to(d, rxq, to, &o->quote);
    o->relieves = pressure(d, from, (sum(d, d->demand, from)
                                     - d->demand[rxq])) <= goal(d);
    o->gain = d->load[rxq];
    o->remote = is_remote(d, rxq, to);
    o->settling = d->s->pmds[to].settling;
    o->overdraft = !o->quote.affordable;
    o->wakes = !n_rxqs(d, to);
    o->sibling = o->wakes && sibling_is_active(d, to);
    o->cost = o->quote.price_mc + disturbance(d, rxq);
    o->worst = left > right ? left : right;
    o->to_bp = pressure(d, to, sum(d, d->demand, to) + d->demand[rxq]);
}

static bool
overloaded(const struct dumb *d, uint32_t pmd)
{
    return n_rxqs(d, pmd) && (pressure(d, pmd, sum(d, d->demand, pmd))
                              >= vmq_config_spread_bp(d->c));
}

static uint32_t
find_elephant(const struct dumb *d, uint32_t from)
{
    uint32_t elephant = VMQ_NONE;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->s->rxqs[i].pmd == from && !d->moved[i]
            && to_bp(d->load[i]) >= vmq_config_spread_bp(d->c)) {
            if (d->s->rxqs[i].mobility != VMQ_DYNAMIC) {
                return i;
            } else if (elephant == VMQ_NONE
                       || d->load[i] > d->load[elephant]) {
                elephant = i;
            }
        }
    }
    return elephant;
}

/* Makes the best move off 'from', or says why there is none. */
static bool
relieve_once(struct dumb *d, uint32_t from)
{
    uint32_t before = pressure(d, from, sum(d, d->load, from));
    uint32_t elephant = find_elephant(d, from);
    struct option fitting, less_bad, refused, o;
    bool any_fitting = false, any_less_bad = false, any_refused = false;
    bool any = false;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->where[i] != from || d->moved[i] || i == elephant
            || d->s->rxqs[i].mobility != VMQ_DYNAMIC
            || !(d->s->rxqs[i].backlog || d->load[i] >= 1000
                 || (d->load[i] * n_rxqs(d, from) * 2
                     > sum(d, d->load, from)))) {
            continue;
        }
        any = true;
        for (uint32_t to = 0; to < d->s->n_pmds; to++) {
            if (to == from || d->s->pmds[to].isolated || gave(d, to)
                || !together(d, from, to) || !keeps_bounds(d, from, to)) {
                continue;
            }
            look_at(d, i, to, &o);

            bool fits = o.to_bp <= vmq_config_pack_target_bp(d->c);
            bool gains = !o.settling && o.worst + 500 <= before;
            bool paid = (o.quote.affordable
                         || (losing(d, from) && o.quote.affordable_overdraft));

            if (!fits && !gains) {
                continue;
            } else if (!paid) {
                if (!any_refused || compare(&o, &refused) < 0) {
                    refused = o;
                    any_refused = true;
                }
            } else if (fits) {
                if (!any_fitting || compare(&o, &fitting) < 0) {
                    fitting = o;
                    any_fitting = true;
                }
            } else if (!any_less_bad || compare_worst(&o, &less_bad) < 0) {
                less_bad = o;
                any_less_bad = true;
            }
        }
    }
    if (any_fitting) {
        move(d, fitting.rxq, fitting.to, VMQ_REASON_SPREAD);
        return true;
    } else if (any_less_bad) {
        move(d, less_bad.rxq, less_bad.to, VMQ_REASON_RELIEVE);
        return true;
    } else if (any_refused) {
        judge(d, from, VMQ_VERDICT_NO_CREDIT, refused.rxq, refused.to);
    } else if (any) {
        judge(d, from, VMQ_VERDICT_NO_DESTINATION, VMQ_NONE, VMQ_NONE);
    } else {
        judge(d, from, (elephant != VMQ_NONE ? VMQ_VERDICT_ELEPHANT
                        : VMQ_VERDICT_IMMOBILE), elephant, VMQ_NONE);
    }
    return false;
}

/* Do the PMDs that may exchange queues with 'first' get too little CPU? */
static bool
starved(const struct dumb *d, uint32_t first)
{
    uint32_t n = 0, n_starved = 0;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        if (together(d, first, i) && !d->s->pmds[i].isolated
            && n_rxqs(d, i)) {
            n++;
            n_starved += vmq_pmd_capacity_ppm(d->s, i) < 500000;
        }
    }
    return n > 1 && n == n_starved;
}

/* Relieves the PMDs that may exchange queues with 'first'. */
static bool
spread(struct dumb *d, uint32_t first)
{
    bool *done = vmq_xcalloc(d->s->n_pmds, sizeof *done);
    uint32_t *at_first = vmq_xcalloc(d->s->n_pmds, sizeof *at_first);
    bool wanting = false;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        done[i] = (!together(d, first, i) || d->s->pmds[i].isolated
                   || !overloaded(d, i));
        at_first[i] = pressure(d, i, sum(d, d->demand, i));
        if (!done[i] && starved(d, first)) {
            judge(d, i, VMQ_VERDICT_NO_DESTINATION, VMQ_NONE, VMQ_NONE);
            done[i] = wanting = true;
        } else if (!done[i] && d->s->pmds[i].settling) {
            done[i] = wanting = true;
        }
    }
    for (;;) {
        uint32_t from = VMQ_NONE;
        bool any = false;

        for (uint32_t i = 0; i < d->s->n_pmds; i++) {
            if (!done[i]
                && (from == VMQ_NONE || at_first[i] > at_first[from])) {
                from = i;
            }
        }
        if (from == VMQ_NONE) {
            break;
        }
        done[from] = true;
        while (d->plan->n_moves < d->c->max_moves && !took(d, from)
               && pressure(d, from, sum(d, d->demand, from)) > goal(d)
               && relieve_once(d, from)) {
            any = true;
        }
        if (any) {
            judge(d, from, VMQ_VERDICT_SPREAD, VMQ_NONE, VMQ_NONE);
        }
        wanting |= (d->plan->pmds[from].verdict != VMQ_VERDICT_ELEPHANT
                    && d->plan->pmds[from].verdict != VMQ_VERDICT_IMMOBILE);
    }
    free(at_first);
    free(done);
    return wanting;
}

static void
wake(struct dumb *d, uint32_t first)
{
    int32_t numa_id = d->s->pmds[first].numa_id;

    while (d->plan->n_moves < d->c->max_moves
           && n_active(d, numa_id) < min_active(d, numa_id, 0)) {
        uint32_t to = VMQ_NONE;
        struct option best, o;
        bool any = false;

        for (uint32_t i = 0; i < d->s->n_pmds; i++) {
            if (d->s->pmds[i].numa_id == numa_id && !n_rxqs(d, i)
                && !d->s->pmds[i].isolated
                && (to == VMQ_NONE || (sibling_is_active(d, to)
                                       && !sibling_is_active(d, i)))) {
                to = i;
            }
        }
        for (uint32_t i = 0; i < d->s->n_rxqs && to != VMQ_NONE; i++) {
            uint32_t from = d->s->rxqs[i].pmd;

            if (from == VMQ_NONE || d->moved[i]
                || d->s->rxqs[i].mobility != VMQ_DYNAMIC
                || d->s->pmds[from].isolated
                || d->s->pmds[from].numa_id != numa_id
                || n_rxqs(d, from) < 2) {
                continue;
            }
            look_at(d, i, to, &o);
            if (!any || compare_worst(&o, &best) < 0) {
                best = o;
                any = true;
            }
        }
        if (!any) {
            break;
        }
        move(d, best.rxq, to, VMQ_REASON_MIN_PMDS);
        judge(d, d->s->rxqs[best.rxq].pmd, VMQ_VERDICT_SPREAD, VMQ_NONE,
              VMQ_NONE);
    }
}

/* Evacuate and coalesce. */

static bool
fits_always(const struct dumb *d, uint32_t pmd, uint32_t rxq,
            uint32_t *highest)
{
    uint32_t lowest = UINT32_MAX;

    *highest = 0;
    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        uint32_t bp = slot_bp(d, rxq, slot);

        for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
            bp += d->where[i] == pmd ? slot_bp(d, i, slot) : 0;
        }
        *highest = bp > *highest ? bp : *highest;
        lowest = bp < lowest ? bp : lowest;
    }

    uint32_t now = pressure(d, pmd, sum(d, d->demand, pmd) + d->demand[rxq]);
    uint32_t high = pressure(d, pmd, *highest * 100ULL);
    uint32_t range = pressure(d, pmd, (*highest - lowest) * 100ULL);

    high = high > now ? high : now;
    return (high <= vmq_config_pack_target_bp(d->c)
            || high + range <= goal(d));
}

static uint32_t
find_shelter(const struct dumb *d, uint32_t rxq, uint32_t from, bool force,
             enum vmq_verdict *why)
{
    uint32_t best = VMQ_NONE, fallback = VMQ_NONE;
    uint32_t best_high = 0, fallback_bp = UINT32_MAX;

    *why = VMQ_VERDICT_NO_FIT;
    for (uint32_t to = 0; to < d->s->n_pmds; to++) {
        bool leaves = is_remote(d, rxq, to) && !is_remote(d, rxq, from);
        uint32_t high;

        if (to == from || d->s->pmds[to].isolated || !together(d, from, to)
            || !n_rxqs(d, to) || gave(d, to)) {
            continue;
        }
        if (!fits_always(d, to, rxq, &high) || leaves
            || d->s->pmds[to].evacuating) {
            uint32_t bp = pressure(d, to, (sum(d, d->demand, to)
                                           + d->demand[rxq]));

            if (force && bp < fallback_bp) {
                fallback = to;
                fallback_bp = bp;
            }
            continue;
        }

        struct vmq_quotes quotes;
        vmq_credit_quotes(d->ledger, d->c, d->s, rxq, &quotes);

        struct vmq_quote quote;
        quote_to(d, rxq, to, &quote);
        if (!force && !quotes.rested
            && (!quote.affordable
                || (d->c->credits
                    && d->s->pmds[to].core_id == quotes.left_core))) {
            *why = VMQ_VERDICT_NO_CREDIT;
        } else if (best == VMQ_NONE
                   || is_remote(d, rxq, to) < is_remote(d, rxq, best)
                   || (is_remote(d, rxq, to) == is_remote(d, rxq, best)
                       && high > best_high)) {
            best = to;
            best_high = high;
        }
    }
    return best != VMQ_NONE ? best : fallback;
}

static uint32_t
slow_bp(const struct dumb *d, uint32_t rxq)
{
    uint32_t slow = 0;

    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        uint32_t bp = slot_bp(d, rxq, slot);

        slow = bp > slow ? bp : slow;
    }
    return slow;
}

/* The heaviest queue that is left on 'from'. */
static uint32_t
heaviest(const struct dumb *d, uint32_t from)
{
    uint32_t rxq = VMQ_NONE;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->where[i] == from
            && (rxq == VMQ_NONE || slow_bp(d, i) > slow_bp(d, rxq))) {
            rxq = i;
        }
    }
    return rxq;
}

static void
undo(struct dumb *d, uint32_t n)
{
    while (d->plan->n_moves > n) {
        const struct vmq_move *m = &d->plan->moves[--d->plan->n_moves];

        d->where[m->rxq] = m->from;
        d->moved[m->rxq] = false;
    }
}

static bool
empty(struct dumb *d, uint32_t from, enum vmq_reason reason)
{
    struct vmq_plan *plan = d->plan;
    size_t size = plan->n_pmds * sizeof *plan->pmds;
    struct vmq_judgement *before = vmq_xcalloc(plan->n_pmds,
                                               sizeof *plan->pmds);
    uint32_t n = plan->n_moves, rxq;
    enum vmq_verdict why;
    bool ok = true;

    memcpy(before, plan->pmds, size);
    while (ok && (rxq = heaviest(d, from)) != VMQ_NONE) {
        uint32_t to;

        /* As long as this PMD gives, what it gave is no obstacle. */
        to = find_shelter(d, rxq, from, reason == VMQ_REASON_EVACUATE, &why);
        ok = to != VMQ_NONE;
        if (ok) {
            move(d, rxq, to, reason);
        }
    }
    memcpy(plan->pmds, before, size);
    undo(d, !ok ? n : plan->n_moves > d->c->max_moves ? d->c->max_moves
         : plan->n_moves);
    for (uint32_t i = n; i < plan->n_moves; i++) {
        judge(d, plan->moves[i].to, VMQ_VERDICT_TARGET, VMQ_NONE, VMQ_NONE);
    }
    if (ok) {
        judge(d, from, (reason == VMQ_REASON_EVACUATE ? VMQ_VERDICT_EVACUATE
                        : VMQ_VERDICT_COALESCE), VMQ_NONE, VMQ_NONE);
    } else {
        judge(d, from, why, rxq, VMQ_NONE);
    }
    free(before);
    return ok;
}

/* Is there a queue of 'pmd' that must not move? */
static bool
has_fixed(const struct dumb *d, uint32_t pmd)
{
    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->s->rxqs[i].pmd == pmd
            && d->s->rxqs[i].mobility != VMQ_DYNAMIC) {
            return true;
        }
    }
    return false;
}

static bool
is_unknown(const struct dumb *d, uint32_t pmd)
{
    uint32_t n = 0, n_young = 0;
    bool young = false, unseen = false;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        const struct vmq_rxq *q = &d->s->rxqs[i];

        if (q->pmd != VMQ_NONE && !d->s->pmds[q->pmd].isolated
            && together(d, pmd, q->pmd)) {
            n++;
            n_young += q->n_history < VMQ_HISTORY_SLOTS;
        }
        if (q->pmd == pmd) {
            young |= q->n_history < VMQ_HISTORY_SLOTS;
            unseen |= !q->n_history;
        }
    }
    return young && (unseen || n_young > n - n_young);
}

static uint64_t
cost_to_empty(const struct dumb *d, uint32_t pmd)
{
    uint64_t cost = 0;

    for (uint32_t i = 0; i < d->s->n_rxqs; i++) {
        if (d->s->rxqs[i].pmd == pmd) {
            cost += VMQ_CREDIT + disturbance(d, i);
        }
    }
    return d->s->pmds[pmd].evacuating ? 0 : cost;
}

/* The order in which to empty the PMDs that may exchange queues with 'first'.
 * Returns their number. */
static uint32_t
order_to_empty(const struct dumb *d, uint32_t first, uint32_t *order)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        uint32_t k = n;

        if (!together(d, first, i) || d->s->pmds[i].isolated
            || !n_rxqs(d, i)) {
            continue;
        }
        for (; k && (cost_to_empty(d, order[k - 1])
                     > cost_to_empty(d, i)); k--) {
            order[k] = order[k - 1];
        }
        order[k] = i;
        n++;
    }
    return n;
}

static bool
evacuate(struct dumb *d, uint32_t first)
{
    uint32_t *order = vmq_xcalloc(d->s->n_pmds, sizeof *order);
    uint32_t n = d->c->max_pmds ? order_to_empty(d, first, order) : 0;
    bool any = false;

    for (uint32_t k = 0; k < n && d->plan->n_moves < d->c->max_moves; k++) {
        uint32_t i = order[k];

        if (n_active(d, d->s->pmds[i].numa_id) <= d->c->max_pmds) {
            continue;
        } else if (has_fixed(d, i)) {
            judge(d, i, VMQ_VERDICT_IMMOBILE, VMQ_NONE, VMQ_NONE);
        } else if (!took(d, i)) {
            any |= empty(d, i, VMQ_REASON_EVACUATE);
        }
    }
    free(order);
    return any;
}

static void
coalesce(struct dumb *d, uint32_t first)
{
    uint32_t *order = vmq_xcalloc(d->s->n_pmds, sizeof *order);
    uint32_t n = (vmq_config_coalesce_bp(d->c)
                  ? order_to_empty(d, first, order) : 0);
    bool settling = false;

    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        settling |= (together(d, first, i) && !d->s->pmds[i].isolated
                     && d->s->pmds[i].settling && !d->s->pmds[i].evacuating);
    }
    for (uint32_t k = 0; k < n && d->plan->n_moves < d->c->max_moves; k++) {
        uint32_t i = order[k], n_first = 0;
        int32_t numa_id = d->s->pmds[i].numa_id;
        enum vmq_verdict verdict;

        for (uint32_t j = 0; j < d->s->n_rxqs; j++) {
            n_first += d->s->rxqs[j].pmd == i;
        }
        if (took(d, i) || d->plan->pmds[i].verdict == VMQ_VERDICT_ELEPHANT
            || (d->plan->n_moves
                && n_first > d->c->max_moves - d->plan->n_moves)) {
            continue;
        } else if (has_fixed(d, i)) {
            verdict = VMQ_VERDICT_IMMOBILE;
        } else if (n_active(d, numa_id) <= min_active(d, numa_id, 0)) {
            verdict = VMQ_VERDICT_MIN_PMDS;
        } else if (!d->s->pmds[i].evacuating
                   && d->c->coalesce_threshold_pct < 100
                   && (d->plan->pmds[i].slow_bp
                       >= d->c->coalesce_threshold_pct * 100)) {
            verdict = VMQ_VERDICT_BUSY;
        } else if (settling && !d->s->pmds[i].evacuating) {
            verdict = VMQ_VERDICT_SETTLING;
        } else if (is_unknown(d, i)) {
            verdict = VMQ_VERDICT_WARMING;
        } else {
            empty(d, i, VMQ_REASON_COALESCE);
            continue;
        }
        judge(d, i, verdict, VMQ_NONE, VMQ_NONE);
    }
    free(order);
}

/* The whole. */

/* Calls 'pass' for each set of PMDs that may exchange queues, with the first
 * one of it, in the order of these, unless 'busy', by PMD, is true of it.
 * Unless null, 'busy' gets what 'pass' returns. */
static void
for_each_group(struct dumb *d, bool *busy,
               bool (*pass)(struct dumb *, uint32_t first))
{
    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        uint32_t first = 0;

        while (!together(d, first, i)) {
            first++;
        }
        if (first == i && !busy[i]) {
            busy[i] = pass(d, i);
        } else {
            busy[i] = busy[first];
        }
    }
}

static enum vmq_verdict
overall(const struct dumb *d)
{
    static const enum vmq_verdict order[] = {
        VMQ_VERDICT_SPREAD, VMQ_VERDICT_EVACUATE, VMQ_VERDICT_COALESCE,
        VMQ_VERDICT_NO_CREDIT, VMQ_VERDICT_NO_DESTINATION,
        VMQ_VERDICT_ELEPHANT, VMQ_VERDICT_IMMOBILE,
    };

    for (uint32_t k = d->plan->n_moves ? 0 : 3; k < 7; k++) {
        for (uint32_t i = 0; i < d->s->n_pmds; i++) {
            if ((k < 3 || overloaded(d, i))
                && d->plan->pmds[i].verdict == order[k]) {
                return order[k];
            }
        }
    }
    for (uint32_t i = 0; i < d->s->n_pmds; i++) {
        if (d->s->pmds[i].settling && overloaded(d, i)) {
            return VMQ_VERDICT_SETTLING;
        }
    }
    return VMQ_VERDICT_BALANCED;
}

static void
first_judgement(struct dumb *d, uint32_t i)
{
    struct vmq_judgement *j = &d->plan->pmds[i];

    j->load_bp = to_bp(sum(d, d->load, i));
    j->capacity_bp = to_bp(vmq_pmd_capacity_ppm(d->s, i));
    j->slow_bp = 0;
    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        uint32_t bp = 0;

        for (uint32_t k = 0; k < d->s->n_rxqs; k++) {
            bp += d->where[k] == i ? slot_bp(d, k, slot) : 0;
        }
        j->slow_bp = bp > j->slow_bp ? bp : j->slow_bp;
    }
    judge(d, i, (!n_rxqs(d, i) ? VMQ_VERDICT_PARKED
                 : d->s->pmds[i].isolated ? VMQ_VERDICT_IMMOBILE
                 : d->s->pmds[i].settling ? VMQ_VERDICT_SETTLING
                 : VMQ_VERDICT_BALANCED), VMQ_NONE, VMQ_NONE);
}

void
dumb_plan(const struct vmq_snapshot *s, const struct vmq_config *c,
          const struct vmq_ledger *ledger, struct vmq_plan *plan)
{
    struct dumb dumb = { .s = s, .c = c, .ledger = ledger, .plan = plan };
    struct dumb *d = &dumb;
    bool *busy = vmq_xcalloc(s->n_pmds, sizeof *busy);

    d->where = vmq_xcalloc(s->n_rxqs, sizeof *d->where);
    d->moved = vmq_xcalloc(s->n_rxqs, sizeof *d->moved);
    d->load = vmq_xcalloc(s->n_rxqs, sizeof *d->load);
    d->demand = vmq_xcalloc(s->n_rxqs, sizeof *d->demand);
    plan->generation = s->generation;
    plan->n_moves = 0;
    plan->n_pmds = s->n_pmds;
    plan->pmds = vmq_reserve(plan->pmds, &plan->allocated_pmds, s->n_pmds,
                             sizeof *plan->pmds);
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        d->where[i] = s->rxqs[i].pmd;
        d->load[i] = vmq_cycles_to_ppm(s, s->rxqs[i].cycles);
        if (d->load[i] < s->rxqs[i].reserve_bp * (uint64_t) 100) {
            d->load[i] = s->rxqs[i].reserve_bp * (uint64_t) 100;
        }
        d->demand[i] = d->load[i];
    }
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        assume_demand(d, i);
    }
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        first_judgement(d, i);
    }

    plan->verdict = VMQ_VERDICT_EMPTY;
    if (s->n_pmds && s->n_rxqs) {
        for_each_group(d, busy, evacuate);
        for_each_group(d, busy, spread);
        for (uint32_t i = 0; i < s->n_pmds; i++) {
            uint32_t first = 0;

            while (s->pmds[first].numa_id != s->pmds[i].numa_id) {
                first++;
            }
            if (first == i && !busy[i]) {
                wake(d, i);
            }
        }
        for (uint32_t i = 0; i < s->n_pmds; i++) {
            uint32_t first = 0;

            while (!together(d, first, i)) {
                first++;
            }
            if (first == i && !busy[i]) {
                coalesce(d, i);
            }
        }
        plan->verdict = overall(d);
    }
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        plan->pmds[i].predicted_bp = to_bp(sum(d, d->load, i));
    }
    free(d->where);
    free(d->moved);
    free(d->load);
    free(d->demand);
    free(busy);
}

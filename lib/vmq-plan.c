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
#include "vmq-plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmq-credit.h"
#include "vmq-load.h"
#include "vmq-util.h"

/* A move that takes less than this off its PMD is not worth its price, unless
 * all queues are that small.  At zero, an elephant's idle neighbors would be
 * moved for nothing; at 1 % of a PMD, fifty small queues could stay behind
 * with it and starve. */
#define VMQ_MIN_RELIEF_PPM (VMQ_PPM / 1000)

/* What queues with a backlog are assumed to want beyond what they could get
 * where they are, in percent of that.  With none, a PMD that is offered
 * several times what it can do gives too few queues away, finds out a settling
 * time later, and again; with much, more PMDs are woken than are needed. */
#define VMQ_HIDDEN_PCT 50

/* If no destination stays under the pack target, the busier of the two PMDs
 * must end at least this much below where the source was, else the move only
 * carries the problem around. */
#define VMQ_MIN_GAIN_BP 500

/* The slow view of a PMD: the slots of the history, and now. */
#define N_SLOTS (VMQ_HISTORY_SLOTS + 1)

struct pmd_work {
    uint64_t load_ppm;          /* Sums of its queues, as predicted. */
    uint64_t demand_ppm;
    uint64_t capacity_ppm;
    uint32_t numa;              /* Index of its NUMA node. */
    uint32_t group;             /* Queues move within a group. */
    uint32_t first;             /* Its queues, in 'by_pmd', at first... */
    uint32_t n_first;
    uint32_t n_rxqs;            /* ...and how many it has as predicted. */
    bool losing;                /* Has no time left, thus loses packets. */
    bool fixed;                 /* Has queues that cannot be moved. */
    bool known;                 /* All queues have their full history. */
    bool gave;                  /* Gave or took a queue in this plan. */
    bool took;
    uint32_t slots_bp[N_SLOTS]; /* As predicted. */
};

struct rxq_work {
    uint64_t load_ppm;          /* What it takes or, with a backlog, would if
                                 * there were no time left. */
    uint64_t demand_ppm;        /* ...and what it may want. */
    uint64_t cost;              /* Of disturbing it, see disturbance(). */
    uint32_t slow_bp;           /* Highest slot. */
    bool moved;                 /* In this plan. */
};

struct numa_work {
    int32_t numa_id;
    uint32_t n_rxqs;            /* Polled here and not isolated. */
    uint32_t n_active;          /* Non-isolated PMDs with queues. */
    bool busy;                  /* Of a group: with more than freeing PMDs. */
};

struct planner {
    const struct vmq_snapshot *s;
    const struct vmq_config *c;
    const struct vmq_ledger *l;
    struct vmq_plan *plan;

    struct pmd_work *pmds;
    struct rxq_work *rxqs;
    struct numa_work *numas;
    uint32_t *by_pmd;           /* Indexes of queues, grouped by PMD. */
    uint32_t *port_pmds;        /* Of port I: from [I] to before [I + 1]. */
    uint32_t n_numas;
    uint32_t n_groups;

    /* For whoever needs them at the moment. */
    struct vmq_rank *pmd_ranks;
    struct vmq_rank *rxq_ranks;
    struct vmq_judgement *judgements;
};

void
vmq_plan_init(struct vmq_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->verdict = VMQ_VERDICT_EMPTY;
}

void
vmq_plan_destroy(struct vmq_plan *plan)
{
    free(plan->moves);
    free(plan->pmds);
    free(plan->work);
    vmq_plan_init(plan);
}

void
vmq_plan_swap(struct vmq_plan *a, struct vmq_plan *b)
{
    struct vmq_plan tmp = *a;

    *a = *b;
    *b = tmp;
}

/* Loads. */

static uint32_t
to_bp(uint64_t ppm)
{
    uint64_t bp = ppm / (VMQ_PPM / VMQ_BP);

    return bp < UINT32_MAX ? bp : UINT32_MAX;
}

/* 'load_ppm' in terms of what PMD 'p' has to give, in basis points. */
static uint32_t
pressure_bp(const struct pmd_work *p, uint64_t load_ppm)
{
    return vmq_pressure_bp(load_ppm, p->capacity_ppm);
}

/* What it means to the traffic of queue 'rxq' to be moved, in the unit of
 * prices, thousandths of a credit.  A credit's worth is 1,000 flows, which the
 * new PMD must be given, or 100,000 packets/s, some of which wait. */
static uint64_t
disturbance(const struct planner *w, uint32_t rxq)
{
    const struct vmq_snapshot *s = w->s;
    const struct vmq_rxq *q = &s->rxqs[rxq];
    uint64_t cost = s->window_ms ? q->packets * 10 / s->window_ms : 0;
    uint32_t low = w->port_pmds[q->port], end = w->port_pmds[q->port + 1];
    uint32_t high = end;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (s->port_pmds[mid].pmd < q->pmd) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low < end && s->port_pmds[low].pmd == q->pmd) {
        cost += s->port_pmds[low].flows;
    }
    return cost;
}

/* Preparation. */

/* Adds the slow view of queue 'i' to that of PMD 'p' (sign 1) or takes it off
 * (sign -1).  Of the time before its birth, assumes the worst that it has
 * shown since. */
static void
shift_slots(const struct planner *w, struct pmd_work *p, uint32_t i, int sign)
{
    const struct vmq_rxq *q = &w->s->rxqs[i];
    const struct rxq_work *r = &w->rxqs[i];
    uint32_t now_bp = to_bp(r->load_ppm);
    uint32_t k;

    for (k = 0; k < q->n_history; k++) {
        p->slots_bp[k] += sign * (int32_t) q->history_bp[k];
    }
    for (; k < VMQ_HISTORY_SLOTS; k++) {
        p->slots_bp[k] += sign * (int32_t) r->slow_bp;
    }
    p->slots_bp[k] += sign * (int32_t) (now_bp < UINT16_MAX ? now_bp
                                        : UINT16_MAX);
}

/* Finds the highest slot of queue 'i'. */
static void
prepare_slow(struct planner *w, uint32_t i)
{
    const struct vmq_rxq *q = &w->s->rxqs[i];
    uint32_t slow_bp = to_bp(w->rxqs[i].load_ppm);

    slow_bp = slow_bp < UINT16_MAX ? slow_bp : UINT16_MAX;
    for (uint32_t k = 0; k < q->n_history; k++) {
        slow_bp = q->history_bp[k] > slow_bp ? q->history_bp[k] : slow_bp;
    }
    w->rxqs[i].slow_bp = slow_bp;
}

/* On a PMD that cannot keep up, what queues with a backlog took says little
 * about what they want.  They would take all of the time that no queue got,
 * each in proportion to what it took.  Assumes that they want VMQ_HIDDEN_PCT
 * more. */
static void
assume_demand(struct planner *w, struct pmd_work *p)
{
    uint64_t left_ppm = 0, weights = 0;

    for (uint32_t k = p->first; k < p->first + p->n_first; k++) {
        if (w->s->rxqs[w->by_pmd[k]].backlog) {
            weights += w->rxqs[w->by_pmd[k]].load_ppm + 1;
        }
    }
    if (weights && p->load_ppm < p->capacity_ppm) {
        left_ppm = p->capacity_ppm - p->load_ppm;
        p->load_ppm = p->capacity_ppm;
    }
    for (uint32_t k = p->first; k < p->first + p->n_first; k++) {
        struct rxq_work *r = &w->rxqs[w->by_pmd[k]];

        r->demand_ppm = r->load_ppm;
        if (w->s->rxqs[w->by_pmd[k]].backlog) {
            uint64_t weight = r->load_ppm + 1;
            uint64_t more_ppm = left_ppm * weight / weights;

            r->load_ppm += more_ppm;
            left_ppm -= more_ppm;
            weights -= weight;
            r->demand_ppm = r->load_ppm * (100 + VMQ_HIDDEN_PCT) / 100;
        }
        p->demand_ppm += r->demand_ppm;
    }
    p->losing = p->load_ppm >= p->capacity_ppm;
}

static uint32_t
find_numa(struct planner *w, int32_t numa_id)
{
    for (uint32_t i = 0; i < w->n_numas; i++) {
        if (w->numas[i].numa_id == numa_id) {
            return i;
        }
    }
    w->numas[w->n_numas].numa_id = numa_id;
    return w->n_numas++;
}

static void
prepare_pmd(struct planner *w, uint32_t i)
{
    const struct vmq_pmd *pmd = &w->s->pmds[i];
    struct pmd_work *p = &w->pmds[i];

    p->capacity_ppm = vmq_pmd_capacity_ppm(w->s, i);
    p->numa = find_numa(w, pmd->numa_id);
    p->group = w->c->cross_numa ? 0 : p->numa;
    p->n_rxqs = p->n_first;
    p->known = true;
    for (uint32_t k = p->first; k < p->first + p->n_first; k++) {
        const struct vmq_rxq *q = &w->s->rxqs[w->by_pmd[k]];

        p->load_ppm += w->rxqs[w->by_pmd[k]].load_ppm;
        p->fixed |= q->mobility != VMQ_DYNAMIC;
        p->known &= q->n_history >= VMQ_HISTORY_SLOTS;
    }
    assume_demand(w, p);
    for (uint32_t k = p->first; k < p->first + p->n_first; k++) {
        prepare_slow(w, w->by_pmd[k]);
        shift_slots(w, p, w->by_pmd[k], 1);
    }
    if (p->n_rxqs && !pmd->isolated) {
        w->numas[p->numa].n_active++;
        w->numas[p->numa].n_rxqs += p->n_rxqs;
    }
}

/* Finds the entries of each port in the snapshot's 'port_pmds', which is
 * sorted. */
static void
index_port_pmds(struct planner *w)
{
    const struct vmq_snapshot *s = w->s;
    uint32_t k = 0;

    for (uint32_t port = 0; port < s->n_ports; port++) {
        while (k < s->n_port_pmds && s->port_pmds[k].port <= port) {
            k++;
        }
        w->port_pmds[port + 1] = k;
    }
}

/* Places the arrays of 'w' in 'memory', unless that is null.  Returns how much
 * memory that takes. */
static size_t
planner_lay_out(struct planner *w, char *memory)
{
    const struct vmq_snapshot *s = w->s;
    size_t used = 0;

#define LAY_OUT(ARRAY, N) \
    w->ARRAY = memory ? (void *) (memory + used) : NULL; \
    used += (((size_t) (N) * sizeof *w->ARRAY + sizeof(uint64_t) - 1) \
             / sizeof(uint64_t) * sizeof(uint64_t))
    LAY_OUT(pmds, s->n_pmds);
    LAY_OUT(rxqs, s->n_rxqs);
    LAY_OUT(numas, s->n_pmds);
    LAY_OUT(by_pmd, s->n_rxqs);
    LAY_OUT(port_pmds, (size_t) s->n_ports + 1);
    LAY_OUT(pmd_ranks, s->n_pmds);
    LAY_OUT(rxq_ranks, s->n_rxqs);
    LAY_OUT(judgements, s->n_pmds);
#undef LAY_OUT
    return used;
}

/* Fills in the working copies, or returns false if the snapshot refers to what
 * it does not have. */
static bool
planner_init(struct planner *w)
{
    const struct vmq_snapshot *s = w->s;
    size_t size = planner_lay_out(w, NULL);
    uint32_t n = 0;

    w->plan->work = vmq_reserve(w->plan->work, &w->plan->allocated_work,
                                size / sizeof *w->plan->work,
                                sizeof *w->plan->work);
    memset(w->plan->work, 0, size);
    planner_lay_out(w, (char *) w->plan->work);
    index_port_pmds(w);

    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        const struct vmq_rxq *q = &s->rxqs[i];

        if (q->port >= s->n_ports
            || (q->pmd >= s->n_pmds && q->pmd != VMQ_NONE)
            || q->n_history > VMQ_HISTORY_SLOTS) {
            return false;
        }
        w->rxqs[i].load_ppm = vmq_cycles_to_ppm(s, q->cycles);
        w->rxqs[i].cost = disturbance(w, i);
        if (q->pmd != VMQ_NONE) {
            w->pmds[q->pmd].n_first++;
        }
    }
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        w->pmds[i].first = n;
        n += w->pmds[i].n_first;
        w->pmds[i].n_first = 0;
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        if (s->rxqs[i].pmd != VMQ_NONE) {
            struct pmd_work *p = &w->pmds[s->rxqs[i].pmd];

            w->by_pmd[p->first + p->n_first++] = i;
        }
    }
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        prepare_pmd(w, i);
    }
    w->n_groups = w->c->cross_numa ? 1 : w->n_numas;
    return true;
}

static bool
pmd_is_member(const struct planner *w, uint32_t pmd, uint32_t group)
{
    return w->pmds[pmd].group == group && !w->s->pmds[pmd].isolated;
}

static uint32_t
moves_left(const struct planner *w)
{
    return w->c->max_moves - w->plan->n_moves;
}

/* The number of PMDs that a NUMA node may not fall under. */
static uint32_t
min_active(const struct planner *w, const struct numa_work *numa)
{
    uint32_t min = w->c->min_pmds ? w->c->min_pmds : 1;

    if (w->c->max_pmds && min > w->c->max_pmds) {
        min = w->c->max_pmds;
    }
    return min < numa->n_rxqs ? min : numa->n_rxqs;
}

/* May a queue move from PMD 'from' to 'to' without making too few or too many
 * PMDs active on any NUMA node? */
static bool
keeps_bounds(const struct planner *w, uint32_t from, uint32_t to)
{
    const struct pmd_work *f = &w->pmds[from];
    const struct pmd_work *t = &w->pmds[to];
    bool parks = f->n_rxqs == 1, wakes = !t->n_rxqs;
    struct numa_work left = w->numas[f->numa];

    if (parks && wakes && f->numa == t->numa) {
        return true;
    }
    left.n_rxqs -= f->numa != t->numa;
    return (!(parks && left.n_active <= min_active(w, &left))
            && !(wakes && w->c->max_pmds
                 && w->numas[t->numa].n_active >= w->c->max_pmds));
}

/* Considers PMD 'pmd' judged as 'verdict', because of, or in spite of, a move
 * of 'rxq' to 'to' (VMQ_NONE if there is no such move). */
static void
judge(struct planner *w, uint32_t pmd, enum vmq_verdict verdict,
      uint32_t rxq, uint32_t to)
{
    struct vmq_judgement *j = &w->plan->pmds[pmd];

    j->verdict = verdict;
    j->rxq = rxq;
    j->to = to;
}

/* Puts the load of 'rxq' on PMD 'p' (sign 1) or takes it off (sign -1). */
static void
shift_load(const struct planner *w, struct pmd_work *p, uint32_t rxq, int sign)
{
    p->load_ppm += sign * (int64_t) w->rxqs[rxq].load_ppm;
    p->demand_ppm += sign * (int64_t) w->rxqs[rxq].demand_ppm;
    p->n_rxqs += sign;
    shift_slots(w, p, rxq, sign);
}

/* Adds the move of 'rxq' to PMD 'to' to the plan and to the predictions. */
static void
add_move(struct planner *w, uint32_t rxq, uint32_t to, enum vmq_reason reason,
         const struct vmq_quote *quote)
{
    uint32_t from = w->s->rxqs[rxq].pmd;
    struct pmd_work *f = &w->pmds[from];
    struct pmd_work *t = &w->pmds[to];
    struct rxq_work *r = &w->rxqs[rxq];
    struct vmq_plan *plan = w->plan;

    plan->moves = vmq_reserve(plan->moves, &plan->allocated_moves,
                              plan->n_moves + 1, sizeof *plan->moves);
    plan->moves[plan->n_moves++] = (struct vmq_move) {
        .rxq = rxq,
        .from = from,
        .to = to,
        .reason = reason,
        .gain_bp = to_bp(r->load_ppm),
        .price_mc = quote->price_mc,
        .overdraft = !quote->affordable,
    };

    shift_load(w, f, rxq, -1);
    shift_load(w, t, rxq, 1);
    r->moved = true;
    f->gave = t->took = true;
    if (f->numa != t->numa) {
        w->numas[f->numa].n_rxqs--;
        w->numas[t->numa].n_rxqs++;
    }
    w->numas[f->numa].n_active -= f->n_rxqs == 0;
    w->numas[t->numa].n_active += t->n_rxqs == 1;
    judge(w, to, VMQ_VERDICT_TARGET, VMQ_NONE, VMQ_NONE);
}

static void
quote_move(const struct planner *w, uint32_t rxq, uint32_t to,
           struct vmq_quote *quote)
{
    vmq_credit_quote(w->l, w->c, w->s, rxq, w->s->pmds[to].core_id, quote);
}

/* Is another PMD polling on a hyperthread of PMD 'pmd''s core? */
static bool
sibling_is_active(const struct planner *w, uint32_t pmd)
{
    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        if (i != pmd && w->pmds[i].n_rxqs
            && w->s->pmds[i].sibling_group == w->s->pmds[pmd].sibling_group) {
            return true;
        }
    }
    return false;
}

static bool
is_remote(const struct planner *w, uint32_t rxq, uint32_t pmd)
{
    int32_t numa_id = w->s->rxqs[rxq].numa_id;

    return numa_id >= 0 && numa_id != w->s->pmds[pmd].numa_id;
}

/* Spread. */

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

static uint32_t
spread_goal_bp(const struct vmq_config *c)
{
    return (vmq_config_spread_bp(c) + vmq_config_pack_target_bp(c)) / 2;
}

static bool
is_overloaded(const struct planner *w, uint32_t pmd)
{
    const struct pmd_work *p = &w->pmds[pmd];

    return p->n_rxqs && (pressure_bp(p, p->demand_ppm)
                         >= vmq_config_spread_bp(w->c));
}

static void
weigh(const struct planner *w, uint32_t rxq, uint32_t from, uint32_t to,
      struct candidate *x)
{
    const struct rxq_work *r = &w->rxqs[rxq];
    const struct pmd_work *f = &w->pmds[from];
    const struct pmd_work *t = &w->pmds[to];
    uint32_t from_bp = pressure_bp(f, f->load_ppm - r->load_ppm);
    uint32_t to_bp = pressure_bp(t, t->load_ppm + r->load_ppm);

    memset(x, 0, sizeof *x);
    x->rxq = rxq;
    x->to = to;
    quote_move(w, rxq, to, &x->quote);
    x->gain_ppm = r->load_ppm;
    x->relieves = (pressure_bp(f, f->demand_ppm - r->demand_ppm)
                   <= spread_goal_bp(w->c));
    x->to_bp = pressure_bp(t, t->demand_ppm + r->demand_ppm);

    /* Without assumptions: the two PMDs must not differ in these. */
    x->worst_bp = from_bp > to_bp ? from_bp : to_bp;
    x->remote = is_remote(w, rxq, to);
    x->settling = w->s->pmds[to].settling;
    x->overdraft = !x->quote.affordable;
    x->wakes = !t->n_rxqs;
    x->sibling = x->wakes && sibling_is_active(w, to);
    x->cost = x->quote.price_mc + r->cost;
}

/* The queue that stays on PMD 'from' whoever else leaves, because it would
 * overload any other PMD just as much: the heaviest one, or one that must not
 * be moved, if it is over the spread threshold all alone.  A second one that
 * heavy is just one of the others.  VMQ_NONE if there is none. */
static uint32_t
find_elephant(const struct planner *w, uint32_t from)
{
    const struct pmd_work *f = &w->pmds[from];
    uint32_t elephant = VMQ_NONE;

    for (uint32_t k = f->first; k < f->first + f->n_first; k++) {
        uint32_t i = w->by_pmd[k];
        const struct rxq_work *r = &w->rxqs[i];

        if (r->moved || to_bp(r->load_ppm) < vmq_config_spread_bp(w->c)) {
            continue;
        } else if (w->s->rxqs[i].mobility != VMQ_DYNAMIC) {
            return i;
        } else if (elephant == VMQ_NONE
                   || r->load_ppm > w->rxqs[elephant].load_ppm) {
            elephant = i;
        }
    }
    return elephant;
}

/* Does moving queue 'rxq' off PMD 'f' take enough off it to be worth it?  One
 * with a backlog may take so little only because it gets so little: beside a
 * queue that is offered several times what the PMD can do it would be starved
 * for as long as that goes on. */
static bool
is_worth_moving(const struct planner *w, const struct pmd_work *f,
                uint32_t rxq)
{
    const struct rxq_work *r = &w->rxqs[rxq];

    return (w->s->rxqs[rxq].backlog
            || r->load_ppm >= VMQ_MIN_RELIEF_PPM
            || r->load_ppm * f->n_rxqs * 2 > f->load_ppm);
}

/* Does the rule of the spread pass allow move 'x', off a PMD under pressure
 * 'before_bp', if there is credit for it? */
static bool
is_spread(const struct planner *w, const struct candidate *x,
          uint32_t before_bp, bool *fits)
{
    /* The pack target is below 'before_bp', else there was nothing to do. */
    *fits = x->to_bp <= vmq_config_pack_target_bp(w->c);
    return *fits || (!x->settling
                     && x->worst_bp + VMQ_MIN_GAIN_BP <= before_bp);
}

/* Chooses the next move off the overloaded PMD 'from'.  Returns true if there
 * is one, in '*best'.  Otherwise judges the PMD and returns false. */
static bool
choose_spread(struct planner *w, uint32_t from, struct candidate *best)
{
    const struct pmd_work *f = &w->pmds[from];
    uint32_t before_bp = pressure_bp(f, f->load_ppm);
    uint32_t elephant = find_elephant(w, from);
    struct candidate fitting, less_bad, refused;
    bool any_fitting = false, any_less_bad = false, any_refused = false;
    bool any_mobile = false;

    for (uint32_t k = f->first; k < f->first + f->n_first; k++) {
        uint32_t i = w->by_pmd[k];

        if (w->rxqs[i].moved || w->s->rxqs[i].mobility != VMQ_DYNAMIC
            || i == elephant || !is_worth_moving(w, f, i)) {
            continue;
        }
        any_mobile = true;
        for (uint32_t to = 0; to < w->s->n_pmds; to++) {
            struct candidate x;
            bool fits;

            if (to == from || !pmd_is_member(w, to, f->group)
                || w->pmds[to].gave || !keeps_bounds(w, from, to)) {
                continue;
            }
            weigh(w, i, from, to, &x);
            if (!is_spread(w, &x, before_bp, &fits)) {
                continue;
            }
            if (!x.quote.affordable
                && !(f->losing && x.quote.affordable_overdraft)) {
                if (!any_refused || candidate_is_better(&x, &refused)) {
                    refused = x;
                    any_refused = true;
                }
            } else if (fits) {
                if (!any_fitting || candidate_is_better(&x, &fitting)) {
                    fitting = x;
                    any_fitting = true;
                }
            } else if (!any_less_bad || candidate_is_less_bad(&x, &less_bad)) {
                less_bad = x;
                any_less_bad = true;
            }
        }
    }

    if (any_fitting || any_less_bad) {
        *best = any_fitting ? fitting : less_bad;
        return true;
    } else if (any_refused) {
        judge(w, from, VMQ_VERDICT_NO_CREDIT, refused.rxq, refused.to);
    } else if (any_mobile) {
        judge(w, from, VMQ_VERDICT_NO_DESTINATION, VMQ_NONE, VMQ_NONE);
    } else if (elephant != VMQ_NONE) {
        judge(w, from, VMQ_VERDICT_ELEPHANT, elephant, VMQ_NONE);
    } else {
        judge(w, from, VMQ_VERDICT_IMMOBILE, VMQ_NONE, VMQ_NONE);
    }
    return false;
}

/* Relieves PMD 'from', which is overloaded, as far as it can be. */
static void
spread_pmd(struct planner *w, uint32_t from)
{
    struct pmd_work *f = &w->pmds[from];
    struct candidate best;
    bool any = false;

    while (moves_left(w)
           && pressure_bp(f, f->demand_ppm) > spread_goal_bp(w->c)
           && choose_spread(w, from, &best)) {
        add_move(w, best.rxq, best.to,
                 best.to_bp <= vmq_config_pack_target_bp(w->c)
                 ? VMQ_REASON_SPREAD : VMQ_REASON_RELIEVE, &best.quote);
        any = true;
    }
    if (any) {
        judge(w, from, VMQ_VERDICT_SPREAD, VMQ_NONE, VMQ_NONE);
    }
}

/* Relieves the overloaded PMDs of 'group', the worst first.  Returns true if
 * there are any that something could be done about: then is no time to free
 * PMDs. */
static bool
spread_group(struct planner *w, uint32_t group)
{
    struct vmq_rank *ranks = w->pmd_ranks;
    bool wanting = false;
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        const struct pmd_work *p = &w->pmds[i];

        if (!pmd_is_member(w, i, group) || !is_overloaded(w, i)) {
            continue;
        }
        if (w->s->pmds[i].settling) {
            wanting = true;
            continue;
        }
        ranks[n++] = (struct vmq_rank) {
            .key = UINT32_MAX - pressure_bp(p, p->demand_ppm), .index = i
        };
    }
    vmq_sort_ranks(ranks, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t pmd = ranks[i].index;

        if (moves_left(w) && !w->pmds[pmd].took) {
            spread_pmd(w, pmd);
        }

        enum vmq_verdict verdict = w->plan->pmds[pmd].verdict;
        wanting |= (verdict != VMQ_VERDICT_ELEPHANT
                    && verdict != VMQ_VERDICT_IMMOBILE);
    }
    return wanting;
}

/* Evacuate. */

/* Returns true if PMD 'pmd' can take queue 'rxq' in addition: if the load of
 * both together, at its highest moment in the slow view, is not over the pack
 * target, or is as far below the goal of a spread as it has ever been from its
 * lowest moment.  A load that has not changed for the coalesce hold needs less
 * headroom than one that has. */
static bool
fits_always(const struct planner *w, uint32_t pmd, uint32_t rxq,
            uint32_t *highest_bp)
{
    struct pmd_work both = w->pmds[pmd];
    uint32_t highest = 0, lowest = UINT32_MAX;

    shift_load(w, &both, rxq, 1);
    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        uint32_t bp = both.slots_bp[slot];

        highest = bp > highest ? bp : highest;
        lowest = bp < lowest ? bp : lowest;
    }
    *highest_bp = highest;

    /* Now, more exactly: many small queues round to less than they are. */
    uint32_t now_bp = pressure_bp(&both, both.demand_ppm);
    uint64_t high_ppm = (uint64_t) highest * (VMQ_PPM / VMQ_BP);
    uint32_t high_bp = pressure_bp(&both, high_ppm);
    uint32_t range_bp = pressure_bp(&both, (uint64_t) (highest - lowest)
                                           * (VMQ_PPM / VMQ_BP));

    high_bp = high_bp > now_bp ? high_bp : now_bp;
    return (high_bp <= vmq_config_pack_target_bp(w->c)
            || high_bp + range_bp <= spread_goal_bp(w->c));
}

/* The queues of PMD 'pmd', the heaviest first.  Returns their number. */
static uint32_t
rank_rxqs(const struct planner *w, uint32_t pmd, struct vmq_rank *ranks)
{
    const struct pmd_work *p = &w->pmds[pmd];

    for (uint32_t k = 0; k < p->n_first; k++) {
        uint32_t i = w->by_pmd[p->first + k];

        ranks[k] = (struct vmq_rank) {
            .key = UINT32_MAX - w->rxqs[i].slow_bp, .index = i
        };
    }
    vmq_sort_ranks(ranks, p->n_first);
    return p->n_first;
}

/* Finds the PMD that should take 'rxq' from 'from', which is to be freed: of
 * those that it fits on, the one that it fills most.  No queue leaves its NUMA
 * node for this or returns whence it came.  With 'force', any PMD will do, the
 * least loaded if it fits on none, and credits do not count.  Returns VMQ_NONE
 * if there is none, and why in '*why'. */
static uint32_t
find_shelter(const struct planner *w, uint32_t rxq, uint32_t from, bool force,
             struct vmq_quote *quote, enum vmq_verdict *why)
{
    const struct rxq_work *r = &w->rxqs[rxq];
    uint32_t best = VMQ_NONE, fallback = VMQ_NONE;
    uint32_t best_bp = 0, fallback_bp = UINT32_MAX;
    bool best_remote = false;

    *why = VMQ_VERDICT_NO_FIT;
    for (uint32_t to = 0; to < w->s->n_pmds; to++) {
        const struct pmd_work *t = &w->pmds[to];
        struct vmq_quote q;
        uint32_t highest_bp;

        if (to == from || !pmd_is_member(w, to, w->pmds[from].group)
            || !t->n_rxqs || t->gave) {
            continue;
        }

        bool remote = is_remote(w, rxq, to);
        if (w->s->pmds[to].evacuating || (remote && !is_remote(w, rxq, from))
            || !fits_always(w, to, rxq, &highest_bp)) {
            uint32_t to_bp = pressure_bp(t, t->demand_ppm + r->demand_ppm);

            if (force && to_bp < fallback_bp) {
                fallback = to;
                fallback_bp = to_bp;
            }
            continue;
        }
        quote_move(w, rxq, to, &q);
        if (!force && (!q.affordable || (w->c->credits && q.returning))) {
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
        quote_move(w, rxq, best, quote);
    }
    return best;
}

/* Takes the moves after the first 'n' back out of the plan. */
static void
undo_moves(struct planner *w, uint32_t n)
{
    while (w->plan->n_moves > n) {
        const struct vmq_move *m = &w->plan->moves[--w->plan->n_moves];
        struct pmd_work *f = &w->pmds[m->from];
        struct pmd_work *t = &w->pmds[m->to];

        w->numas[f->numa].n_active += f->n_rxqs == 0;
        w->numas[t->numa].n_active -= t->n_rxqs == 1;
        if (f->numa != t->numa) {
            w->numas[f->numa].n_rxqs++;
            w->numas[t->numa].n_rxqs--;
        }
        shift_load(w, f, m->rxq, 1);
        shift_load(w, t, m->rxq, -1);
        w->rxqs[m->rxq].moved = false;
    }
}

/* Finds a shelter for each queue of PMD 'from'.  Returns true if all of them
 * are in the plan now.  Otherwise some are, and '*rxq' is the one for which
 * there is none, because of '*why'. */
static bool
shelter_rxqs(struct planner *w, uint32_t from, enum vmq_reason reason,
             uint32_t *rxq, enum vmq_verdict *why)
{
    bool force = reason == VMQ_REASON_EVACUATE;
    struct vmq_rank *ranks = w->rxq_ranks;
    uint32_t n = rank_rxqs(w, from, ranks);
    uint32_t k;

    for (k = 0; k < n; k++) {
        struct vmq_quote quote;
        uint32_t to;

        *rxq = ranks[k].index;
        to = find_shelter(w, *rxq, from, force, &quote, why);
        if (to == VMQ_NONE) {
            break;
        }
        add_move(w, *rxq, to, reason, &quote);
    }
    return k == n;
}

/* Plans to move all queues off PMD 'from'.  Returns true if that can be done,
 * otherwise leaves the plan alone and judges the PMD.  If there are more
 * queues than moves left, all of them must fit, but only the first ones
 * move. */
static bool
evacuate_pmd(struct planner *w, uint32_t from, enum vmq_reason reason)
{
    struct vmq_judgement *before = w->judgements;
    uint32_t n_before = w->plan->n_moves;
    uint32_t rxq = VMQ_NONE;
    enum vmq_verdict why = VMQ_VERDICT_NO_FIT;

    memcpy(before, w->plan->pmds, w->s->n_pmds * sizeof *before);
    bool ok = shelter_rxqs(w, from, reason, &rxq, &why);
    if (!ok) {
        undo_moves(w, n_before);
    } else if (w->plan->n_moves > w->c->max_moves) {
        undo_moves(w, w->c->max_moves);
    }

    /* What has been taken back must leave no trace. */
    memcpy(w->plan->pmds, before, w->s->n_pmds * sizeof *before);
    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        w->pmds[i].gave = w->pmds[i].took = false;
    }
    for (uint32_t i = 0; i < w->plan->n_moves; i++) {
        const struct vmq_move *m = &w->plan->moves[i];

        w->pmds[m->from].gave = w->pmds[m->to].took = true;
        if (i >= n_before) {
            judge(w, m->to, VMQ_VERDICT_TARGET, VMQ_NONE, VMQ_NONE);
        }
    }
    if (!ok) {
        judge(w, from, why, rxq, VMQ_NONE);
    } else {
        judge(w, from, (reason == VMQ_REASON_EVACUATE
                        ? VMQ_VERDICT_EVACUATE : VMQ_VERDICT_COALESCE),
              VMQ_NONE, VMQ_NONE);
    }
    return ok;
}

/* The PMDs of 'group' that could be freed, the cheapest first, those whose
 * evacuation has begun before all others.  Returns their number. */
static uint32_t
rank_evacuations(const struct planner *w, uint32_t group,
                 struct vmq_rank *ranks)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        const struct pmd_work *p = &w->pmds[i];
        uint64_t cost = 0;

        if (!pmd_is_member(w, i, group) || !p->n_rxqs) {
            continue;
        }
        for (uint32_t k = p->first; k < p->first + p->n_first; k++) {
            cost += VMQ_CREDIT + w->rxqs[w->by_pmd[k]].cost;
        }
        ranks[n++] = (struct vmq_rank) {
            .key = w->s->pmds[i].evacuating ? 0 : cost, .index = i
        };
    }
    vmq_sort_ranks(ranks, n);
    return n;
}

/* Frees PMDs of NUMA nodes that have more active ones than pmd-vmq-max-pmds
 * allows.  Returns true if it has to. */
static bool
obey_max_pmds(struct planner *w, uint32_t group)
{
    struct vmq_rank *ranks = w->pmd_ranks;
    bool any = false;
    uint32_t n;

    if (!w->c->max_pmds) {
        return false;
    }
    n = rank_evacuations(w, group, ranks);
    for (uint32_t k = 0; k < n && moves_left(w); k++) {
        uint32_t i = ranks[k].index;

        if (w->numas[w->pmds[i].numa].n_active <= w->c->max_pmds) {
            continue;
        }
        if (w->pmds[i].fixed) {
            judge(w, i, VMQ_VERDICT_IMMOBILE, VMQ_NONE, VMQ_NONE);
        } else if (!w->pmds[i].took) {
            any |= evacuate_pmd(w, i, VMQ_REASON_EVACUATE);
        }
    }
    return any;
}

/* Finds a queue to wake PMD 'to' with, because too few PMDs are active: the
 * one whose move leaves the busier of the two PMDs least busy. */
static bool
choose_to_wake(const struct planner *w, uint32_t to, struct candidate *best)
{
    bool found = false;

    for (uint32_t i = 0; i < w->s->n_rxqs; i++) {
        uint32_t from = w->s->rxqs[i].pmd;
        struct candidate x;

        if (from == VMQ_NONE || w->rxqs[i].moved
            || w->s->rxqs[i].mobility != VMQ_DYNAMIC
            || w->s->pmds[from].isolated
            || w->pmds[from].numa != w->pmds[to].numa
            || w->pmds[from].n_rxqs < 2) {
            continue;
        }
        weigh(w, i, from, to, &x);
        if (!found || candidate_is_less_bad(&x, best)) {
            *best = x;
            found = true;
        }
    }
    return found;
}

/* The parked PMD of 'numa' to wake next: preferably one whose sibling is not
 * active.  VMQ_NONE if there is none. */
static uint32_t
find_parked(const struct planner *w, uint32_t numa)
{
    uint32_t parked = VMQ_NONE;

    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        if (w->pmds[i].numa == numa && !w->pmds[i].n_rxqs
            && !w->s->pmds[i].isolated) {
            if (!sibling_is_active(w, i)) {
                return i;
            } else if (parked == VMQ_NONE) {
                parked = i;
            }
        }
    }
    return parked;
}

/* Wakes PMDs of 'numa' if fewer are active than pmd-vmq-min-pmds asks for. */
static void
obey_min_pmds(struct planner *w, uint32_t numa)
{
    while (moves_left(w)
           && w->numas[numa].n_active < min_active(w, &w->numas[numa])) {
        uint32_t to = find_parked(w, numa);
        struct candidate best;

        if (to == VMQ_NONE || !choose_to_wake(w, to, &best)) {
            break;
        }
        add_move(w, best.rxq, to, VMQ_REASON_MIN_PMDS, &best.quote);
        judge(w, w->s->rxqs[best.rxq].pmd, VMQ_VERDICT_SPREAD, VMQ_NONE,
              VMQ_NONE);
    }
}

static bool
group_is_settling(const struct planner *w, uint32_t group)
{
    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        if (pmd_is_member(w, i, group) && w->s->pmds[i].settling
            && !w->s->pmds[i].evacuating) {
            return true;
        }
    }
    return false;
}

/* Frees PMDs of 'group' whose queues fit on others.  An evacuation that has
 * begun goes on at once; a new one begins only when the last moves have shown
 * up. */
static void
coalesce_group(struct planner *w, uint32_t group)
{
    bool settling = group_is_settling(w, group);
    struct vmq_rank *ranks = w->pmd_ranks;
    uint32_t n;

    if (!vmq_config_coalesce_bp(w->c)) {
        return;
    }
    n = rank_evacuations(w, group, ranks);
    for (uint32_t k = 0; k < n && moves_left(w); k++) {
        uint32_t i = ranks[k].index;
        const struct pmd_work *p = &w->pmds[i];
        const struct numa_work *numa = &w->numas[p->numa];

        if (p->took || w->plan->pmds[i].verdict == VMQ_VERDICT_ELEPHANT
            || (w->plan->n_moves && p->n_first > moves_left(w))) {
            continue;
        }
        if (p->fixed) {
            judge(w, i, VMQ_VERDICT_IMMOBILE, VMQ_NONE, VMQ_NONE);
        } else if (numa->n_active <= min_active(w, numa)) {
            judge(w, i, VMQ_VERDICT_MIN_PMDS, VMQ_NONE, VMQ_NONE);
        } else if (settling && !w->s->pmds[i].evacuating) {
            judge(w, i, VMQ_VERDICT_SETTLING, VMQ_NONE, VMQ_NONE);
        } else if (!p->known) {
            judge(w, i, VMQ_VERDICT_WARMING, VMQ_NONE, VMQ_NONE);
        } else {
            evacuate_pmd(w, i, VMQ_REASON_COALESCE);
        }
    }
}

/* The whole. */

static void
first_judgement(struct planner *w, uint32_t i)
{
    struct vmq_judgement *j = &w->plan->pmds[i];
    const struct pmd_work *p = &w->pmds[i];

    j->load_bp = to_bp(p->load_ppm);
    j->capacity_bp = to_bp(p->capacity_ppm);
    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        if (j->slow_bp < p->slots_bp[slot]) {
            j->slow_bp = p->slots_bp[slot];
        }
    }
    judge(w, i, !p->n_rxqs ? VMQ_VERDICT_PARKED
          : w->s->pmds[i].isolated ? VMQ_VERDICT_IMMOBILE
          : w->s->pmds[i].settling ? VMQ_VERDICT_SETTLING
          : VMQ_VERDICT_BALANCED, VMQ_NONE, VMQ_NONE);
}

/* What the plan as a whole comes to: what it does or, if it does nothing, what
 * most needs doing. */
static enum vmq_verdict
overall_verdict(const struct planner *w)
{
    static const enum vmq_verdict order[] = {
        VMQ_VERDICT_SPREAD, VMQ_VERDICT_EVACUATE, VMQ_VERDICT_COALESCE,
    };
    static const enum vmq_verdict wants[] = {
        VMQ_VERDICT_NO_CREDIT, VMQ_VERDICT_NO_DESTINATION,
        VMQ_VERDICT_ELEPHANT, VMQ_VERDICT_IMMOBILE,
    };
    const struct vmq_plan *plan = w->plan;
    uint32_t i, k;

    for (k = 0; plan->n_moves && k < sizeof order / sizeof *order; k++) {
        for (i = 0; i < plan->n_pmds; i++) {
            if (plan->pmds[i].verdict == order[k]) {
                return order[k];
            }
        }
    }
    for (k = 0; k < sizeof wants / sizeof *wants; k++) {
        for (i = 0; i < plan->n_pmds; i++) {
            if (plan->pmds[i].verdict == wants[k] && is_overloaded(w, i)) {
                return wants[k];
            }
        }
    }
    for (i = 0; i < plan->n_pmds; i++) {
        if (w->s->pmds[i].settling && is_overloaded(w, i)) {
            return VMQ_VERDICT_SETTLING;
        }
    }
    return VMQ_VERDICT_BALANCED;
}

static void
planner_run(struct planner *w)
{
    struct numa_work *groups = w->numas;
    uint32_t g;

    /* What the operator orders comes first, relief second: all groups share
     * 'max_moves'. */
    for (g = 0; g < w->n_groups; g++) {
        groups[g].busy = obey_max_pmds(w, g);
    }
    for (g = 0; g < w->n_groups; g++) {
        groups[g].busy = groups[g].busy || spread_group(w, g);
    }
    for (uint32_t numa = 0; numa < w->n_numas; numa++) {
        if (!groups[w->c->cross_numa ? 0 : numa].busy) {
            obey_min_pmds(w, numa);
        }
    }
    for (g = 0; g < w->n_groups; g++) {
        if (!groups[g].busy) {
            coalesce_group(w, g);
        }
    }
}

static void
begin_plan(struct vmq_plan *plan, const struct vmq_snapshot *s)
{
    plan->generation = s->generation;
    plan->verdict = VMQ_VERDICT_EMPTY;
    plan->n_moves = 0;
    plan->n_pmds = s->n_pmds;
    plan->pmds = vmq_reserve(plan->pmds, &plan->allocated_pmds, s->n_pmds,
                             sizeof *plan->pmds);
    if (s->n_pmds) {
        memset(plan->pmds, 0, s->n_pmds * sizeof *plan->pmds);
    }
}

static void
finish_plan(struct planner *w)
{
    for (uint32_t i = 0; i < w->s->n_pmds; i++) {
        w->plan->pmds[i].predicted_bp = to_bp(w->pmds[i].load_ppm);
    }
}

void
vmq_plan_compute(const struct vmq_snapshot *s, const struct vmq_config *c,
                 const struct vmq_ledger *l, struct vmq_plan *plan)
{
    struct planner w = { .s = s, .c = c, .l = l, .plan = plan };

    begin_plan(plan, s);
    if (!planner_init(&w)) {
        plan->verdict = VMQ_VERDICT_INVALID;
        for (uint32_t i = 0; i < s->n_pmds; i++) {
            judge(&w, i, VMQ_VERDICT_INVALID, VMQ_NONE, VMQ_NONE);
        }
        return;
    }

    for (uint32_t i = 0; i < s->n_pmds; i++) {
        first_judgement(&w, i);
    }
    if (!s->n_pmds || !s->n_rxqs) {
        plan->verdict = VMQ_VERDICT_EMPTY;
    } else if (s->window_ms < c->spread_hold_ms || !s->window_cycles) {
        plan->verdict = VMQ_VERDICT_WARMING;
    } else {
        planner_run(&w);
        plan->verdict = overall_verdict(&w);
    }
    finish_plan(&w);
}

/* By hand. */

/* Checks request 'k' and finds what it is about.  Returns an error message or
 * NULL. */
static char *
resolve_request(const struct vmq_snapshot *s, const struct vmq_config *c,
                const struct vmq_request *request, uint32_t *rxq,
                uint32_t *to)
{
    const struct vmq_pmd *dst;
    const struct vmq_rxq *q;

    *rxq = vmq_snapshot_find_rxq(s, request->port, request->qid);
    if (*rxq == VMQ_NONE) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": no such queue of a "
                             "PMD port", request->port, request->qid);
    }
    q = s->rxqs + *rxq;
    *to = vmq_snapshot_find_pmd(s, request->core_id);
    if (*to == VMQ_NONE) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": there is no PMD on "
                             "core %"PRIu32, request->port, request->qid,
                             request->core_id);
    }
    dst = s->pmds + *to;
    if (q->pmd == VMQ_NONE || q->mobility == VMQ_UNSUPPORTED) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": is not polled by a "
                             "PMD", request->port, request->qid);
    }
    if (q->mobility == VMQ_PINNED || q->mobility == VMQ_ISOLATED) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": is pinned to core "
                             "%"PRIu32" by pmd-rxq-affinity", request->port,
                             request->qid, s->pmds[q->pmd].core_id);
    }
    if (dst->isolated) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": the PMD on core "
                             "%"PRIu32" is isolated", request->port,
                             request->qid, request->core_id);
    }
    if (dst->numa_id != s->pmds[q->pmd].numa_id && !c->cross_numa) {
        return vmq_xasprintf("port %s rx queue %"PRIu32": core %"PRIu32" is "
                             "on another NUMA node (pmd-vmq-cross-numa is "
                             "false)", request->port, request->qid,
                             request->core_id);
    }
    return NULL;
}

char *
vmq_plan_manual(const struct vmq_snapshot *s, const struct vmq_config *c,
                const struct vmq_ledger *l, const struct vmq_request *requests,
                size_t n_requests, struct vmq_plan *plan)
{
    struct planner w = { .s = s, .c = c, .l = l, .plan = plan };
    bool *named = vmq_xcalloc(s->n_rxqs, sizeof *named);
    char *error = NULL;

    begin_plan(plan, s);
    if (!planner_init(&w)) {
        error = vmq_xasprintf("measurements are not consistent");
    }
    for (uint32_t i = 0; i < s->n_pmds && !error; i++) {
        first_judgement(&w, i);
    }

    for (size_t k = 0; k < n_requests && !error; k++) {
        struct vmq_quote quote;
        uint32_t rxq = VMQ_NONE, to = VMQ_NONE;

        error = resolve_request(s, c, &requests[k], &rxq, &to);
        if (!error && named[rxq]) {
            error = vmq_xasprintf("port %s rx queue %"PRIu32": named twice",
                                  requests[k].port, requests[k].qid);
        }
        if (!error) {
            named[rxq] = true;
            if (s->rxqs[rxq].pmd != to) {
                quote_move(&w, rxq, to, &quote);
                add_move(&w, rxq, to, VMQ_REASON_MANUAL, &quote);
                judge(&w, s->rxqs[rxq].pmd, VMQ_VERDICT_MANUAL, VMQ_NONE,
                      VMQ_NONE);
            }
        }
    }
    if (error) {
        begin_plan(plan, s);
    } else {
        finish_plan(&w);
    }
    plan->verdict = VMQ_VERDICT_MANUAL;
    free(named);
    return error;
}

/* Checks. */

static const char *
check_move(const struct vmq_plan *plan, const struct vmq_snapshot *s,
           const struct vmq_config *c, uint32_t k)
{
    const struct vmq_move *m = &plan->moves[k];
    bool manual = m->reason == VMQ_REASON_MANUAL;
    const struct vmq_rxq *q;

    if (m->rxq >= s->n_rxqs || m->from >= s->n_pmds || m->to >= s->n_pmds) {
        return "refers to nothing";
    }
    q = &s->rxqs[m->rxq];
    if (q->pmd != m->from) {
        return "queue is not where it should leave from";
    } else if (m->from == m->to) {
        return "moves nothing";
    } else if (q->mobility != VMQ_DYNAMIC
               && !(manual && q->mobility == VMQ_EXCLUDED)) {
        return "queue must not be moved";
    } else if (s->pmds[m->to].isolated) {
        return "destination is isolated";
    } else if (s->pmds[m->to].numa_id != s->pmds[m->from].numa_id
               && !c->cross_numa) {
        return "crosses NUMA nodes";
    }
    for (uint32_t i = 0; i < k; i++) {
        if (plan->moves[i].rxq == m->rxq) {
            return "queue moves twice";
        } else if (!manual && (plan->moves[i].from == m->to
                               || plan->moves[i].to == m->from)) {
            return "a PMD gives and takes";
        }
    }
    return NULL;
}

bool
vmq_plan_valid(const struct vmq_plan *plan, const struct vmq_snapshot *s,
               const struct vmq_config *c, char **why)
{
    const char *problem = NULL;
    uint32_t k;

    if (plan->generation != s->generation) {
        problem = "is for another generation";
    } else if (plan->n_pmds && plan->n_pmds != s->n_pmds) {
        problem = "judges another number of PMDs";
    } else if (plan->verdict != VMQ_VERDICT_MANUAL
               && plan->n_moves > c->max_moves) {
        problem = "has more moves than pmd-vmq-max-moves";
    }
    if (problem) {
        if (why) {
            *why = vmq_xasprintf("plan %s", problem);
        }
        return false;
    }

    for (k = 0; k < plan->n_moves; k++) {
        problem = check_move(plan, s, c, k);
        if (problem) {
            if (why) {
                *why = vmq_xasprintf("move %"PRIu32" of %"PRIu32": %s",
                                     k + 1, plan->n_moves, problem);
            }
            return false;
        }
    }
    return true;
}

uint32_t
vmq_place(const struct vmq_place_pmd *pmds, size_t n_pmds, uint32_t last_core)
{
    for (size_t i = 0; last_core != VMQ_NONE && i < n_pmds; i++) {
        if (pmds[i].core_id == last_core) {
            return pmds[i].isolated ? VMQ_NONE : i;
        }
    }
    return VMQ_NONE;
}

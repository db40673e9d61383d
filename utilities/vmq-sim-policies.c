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

/* The policies that dynamic VMQ is compared with: what Open vSwitch can do by
 * itself, the strongest published peer, and the clairvoyant ones.  All are
 * written from descriptions of what they do. */

#include <config.h>
#include "vmq-sim-policies.h"

#include <math.h>

#include "vmq-snapshot.h"
#include "vmq-util.h"

/* A queue, or a PMD, and how busy it is. */
struct ranked {
    double load;                /* In PMDs. */
    uint32_t index;
};

static int
compare_ranked(const void *a_, const void *b_)
{
    const struct ranked *a = a_, *b = b_;

    if (a->load != b->load) {
        return a->load > b->load ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Returns all queues, the busiest first. */
static struct ranked *
rank_queues(const struct sim *sim, const double *loads)
{
    struct ranked *ranks = vmq_xcalloc(sim->n_rxqs, sizeof *ranks);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        ranks[i] = (struct ranked) { .load = loads[i], .index = i };
    }
    qsort(ranks, sim->n_rxqs, sizeof *ranks, compare_ranked);
    return ranks;
}

/* Measuring: what each queue had processed, for the difference to later.
 *
 * Loads are multiples of METER_UNIT, less than a packet of a light queue.
 * Otherwise, between queues or PMDs that are as busy, what is rounded in sums
 * of different length would decide, which depends on the ticks left out. */
#define METER_UNIT 1e-7         /* In PMDs. */

struct meter {
    double *before;             /* Packets, by queue. */
    double *loads;              /* In PMDs, by queue. */
    double *pmd_loads;          /* Sums. */
    uint64_t since_ns;
    bool changed;               /* Is any load not what it was? */
};

static void
meter_init(const struct sim *sim, struct meter *m)
{
    m->before = vmq_xcalloc(sim->n_rxqs, sizeof *m->before);
    m->loads = vmq_xcalloc(sim->n_rxqs, sizeof *m->loads);
    m->pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *m->pmd_loads);
    m->since_ns = 0;
    m->changed = true;
}

static void
meter_destroy(struct meter *m)
{
    free(m->before);
    free(m->loads);
    free(m->pmd_loads);
}

/* Measures the loads since the last time. */
static void
meter_read(const struct sim *sim, struct meter *m)
{
    double s = (sim->now_ns - m->since_ns) / (double) SIM_NS_PER_S;

    m->changed = false;
    memset(m->pmd_loads, 0, sim->n_pmds * sizeof *m->pmd_loads);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        const struct sim_rxq *q = &sim->rxqs[i];
        double load = (s > 0 ? (q->packets - m->before[i]) / sim->pmd_pps / s
                       : 0);

        load = round(load / METER_UNIT) * METER_UNIT;
        m->changed |= load != m->loads[i];
        m->loads[i] = load;
        m->before[i] = q->packets;
        m->pmd_loads[q->pmd] += m->loads[i];
    }
    m->since_ns = sim->now_ns;
}

/* Policies that decide once. */

static void
no_destroy(void *state)
{
    free(state);
}

static void
no_tick(void *state, struct sim *sim)
{
    (void) state;
    sim->tick_ns = SIM_NEVER;
}

static void *
single_create(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, 0);
    }
    return NULL;
}

static const struct sim_policy single_policy = {
    "single", "no VMQ: one PMD polls everything",
    single_create, no_destroy, no_tick, true
};

void
sim_deal(struct sim *sim)
{
    uint32_t *order = vmq_xcalloc(sim->n_rxqs, sizeof *order);
    uint32_t *next = vmq_xcalloc(sim->n_pmds, sizeof *next);

    /* 'next' of the first PMD that fits a queue is where its node goes on. */
    sim_shuffle(sim, order, sim->n_rxqs);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t first = 0, p;

        while (!sim_numa_fits(sim, order[i], first)) {
            first++;
        }
        p = first + next[first];
        while (p >= sim->n_pmds || !sim_numa_fits(sim, order[i], p)) {
            p = p >= sim->n_pmds ? first : p + 1;
        }
        next[first] = p + 1 - first;
        sim_place(sim, order[i], p);
    }
    free(order);
    free(next);
}

static void *
static_create(struct sim *sim)
{
    sim_deal(sim);
    return NULL;
}

static const struct sim_policy static_policy = {
    "static", "all PMDs, round robin at the start",
    static_create, no_destroy, no_tick, true
};

/* What Open vSwitch would have measured if it had run for a minute, which is
 * what its assignment algorithms look at. */
static double *
first_minute(const struct sim *sim)
{
    double *loads = vmq_xcalloc(sim->n_rxqs, sizeof *loads);
    double *rates = vmq_xcalloc(sim->n_rxqs, sizeof *rates);
    uint64_t step_ns = SIM_NS_PER_S / 10;

    for (int k = 0; k < 600; k++) {
        uint64_t at_ns = k * step_ns;

        sim_true_rates(sim, at_ns < sim->end_ns ? at_ns : sim->end_ns - 1,
                       rates);
        for (uint32_t i = 0; i < sim->n_rxqs; i++) {
            loads[i] += rates[i] / sim->pmd_pps / 600;
        }
    }
    free(rates);
    return loads;
}

/* "cycles": the busiest queue first, PMDs in turn up and down again. */
static void *
cycles_create(struct sim *sim)
{
    double *loads = first_minute(sim);
    struct ranked *ranks = rank_queues(sim, loads);
    int32_t *turn = vmq_xcalloc(sim->n_pmds + 1, sizeof *turn);
    bool *down = vmq_xcalloc(sim->n_pmds + 1, sizeof *down);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t rxq = ranks[i].index;
        uint32_t first = 0, last, node;

        while (!sim_numa_fits(sim, rxq, first)) {
            first++;
        }
        last = sim->n_pmds - 1;
        while (!sim_numa_fits(sim, rxq, last)) {
            last--;
        }

        /* Queues that any PMD may poll have a turn of their own: it would
         * lead those of the first node to PMDs of others. */
        node = last - first == sim->n_pmds - 1 ? sim->n_pmds : first;
        sim_place(sim, rxq, first + turn[node]);
        if (down[node] ? turn[node] == 0 : first + turn[node] == last) {
            down[node] = !down[node];
        } else {
            turn[node] += down[node] ? -1 : 1;
        }
    }
    free(loads);
    free(ranks);
    free(turn);
    free(down);
    return NULL;
}

static const struct sim_policy cycles_policy = {
    "cycles", "pmd-rxq-assign=cycles, after the first minute's loads",
    cycles_create, no_destroy, no_tick, true
};

/* "group": the busiest queue first, each to the PMD that has least to do so
 * far; a queue without load to the PMD with the fewest queues. */
static void
group_assign(const struct sim *sim, const double *loads, uint32_t *pmds)
{
    struct ranked *ranks = rank_queues(sim, loads);
    double *pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *pmd_loads);
    uint32_t *n = vmq_xcalloc(sim->n_pmds, sizeof *n);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t rxq = ranks[i].index;
        uint32_t best = VMQ_NONE;

        for (uint32_t p = 0; p < sim->n_pmds; p++) {
            if (sim_numa_fits(sim, rxq, p)
                && (best == VMQ_NONE
                    || (ranks[i].load > 0 ? pmd_loads[p] < pmd_loads[best]
                        : n[p] < n[best]))) {
                best = p;
            }
        }
        pmds[rxq] = best;
        pmd_loads[best] += ranks[i].load;
        n[best]++;
    }
    free(ranks);
    free(pmd_loads);
    free(n);
}

static void *
group_create(struct sim *sim)
{
    uint32_t *pmds = vmq_xcalloc(sim->n_rxqs, sizeof *pmds);
    double *loads = first_minute(sim);

    group_assign(sim, loads, pmds);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, pmds[i]);
    }
    free(pmds);
    free(loads);
    return NULL;
}

static const struct sim_policy group_policy = {
    "group", "pmd-rxq-assign=group, after the first minute's loads",
    group_create, no_destroy, no_tick, true
};

/* pmd-auto-lb.
 *
 * Looks at every PMD each 5 s.  Once a minute, if any PMD was over the load
 * threshold 12 times in a row, assigns all queues anew ("group") by the loads
 * of the last minute, provided that the variance of the PMDs' loads would
 * shrink by 25 %.  Reloads the PMDs, which forget what they measured. */

#define ALB_INTERVAL_NS (5 * SIM_NS_PER_S)
#define ALB_INTERVALS 12

struct auto_lb {
    double threshold;
    struct meter meter;
    double *history;            /* ALB_INTERVALS loads for each queue. */
    unsigned int n;             /* Intervals so far, in all. */
    unsigned int *streaks;      /* By PMD: intervals over the threshold. */
};

static void *
auto_lb_create__(struct sim *sim, double threshold)
{
    struct auto_lb *a = vmq_xcalloc(1, sizeof *a);

    a->threshold = threshold;
    meter_init(sim, &a->meter);
    a->history = vmq_xcalloc(sim->n_rxqs * ALB_INTERVALS, sizeof *a->history);
    a->streaks = vmq_xcalloc(sim->n_pmds, sizeof *a->streaks);
    sim_deal(sim);
    sim->tick_ns = sim_phase_ns(sim, ALB_INTERVAL_NS) + ALB_INTERVAL_NS;
    return a;
}

static void *
auto_lb_create(struct sim *sim)
{
    return auto_lb_create__(sim, .95);
}

static void *
auto_lb_tuned_create(struct sim *sim)
{
    return auto_lb_create__(sim, .7);
}

static void
auto_lb_destroy(void *a_)
{
    struct auto_lb *a = a_;

    meter_destroy(&a->meter);
    free(a->history);
    free(a->streaks);
    free(a);
}

static double
variance(const double *x, uint32_t n)
{
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        squares += (x[i] - sum / n) * (x[i] - sum / n);
    }
    return squares / n;
}

static void
auto_lb_rebalance(struct auto_lb *a, struct sim *sim)
{
    double *loads = vmq_xcalloc(sim->n_rxqs, sizeof *loads);
    uint32_t *pmds = vmq_xcalloc(sim->n_rxqs, sizeof *pmds);
    double *now = vmq_xcalloc(sim->n_pmds, sizeof *now);
    double *then = vmq_xcalloc(sim->n_pmds, sizeof *then);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        for (int k = 0; k < ALB_INTERVALS; k++) {
            loads[i] += a->history[i * ALB_INTERVALS + k] / ALB_INTERVALS;
        }
    }
    group_assign(sim, loads, pmds);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        now[sim->rxqs[i].pmd] += loads[i];
        then[pmds[i]] += loads[i];
    }

    double before = variance(now, sim->n_pmds);
    if (before > 0
        && (before - variance(then, sim->n_pmds)) / before >= .25) {
        for (uint32_t i = 0; i < sim->n_rxqs; i++) {
            uint32_t from = sim->rxqs[i].pmd;

            if (pmds[i] != from) {
                sim_move(sim, i, pmds[i], now[from] >= a->threshold);
            }
        }
        memset(a->history, 0,
               sim->n_rxqs * ALB_INTERVALS * sizeof *a->history);
    }
    free(loads);
    free(pmds);
    free(now);
    free(then);
}

static void
auto_lb_tick(void *a_, struct sim *sim)
{
    struct auto_lb *a = a_;
    bool overloaded = false;

    sim->tick_ns += ALB_INTERVAL_NS;
    meter_read(sim, &a->meter);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        a->history[i * ALB_INTERVALS + a->n % ALB_INTERVALS]
            = a->meter.loads[i];
    }
    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        a->streaks[p] = (a->meter.pmd_loads[p] >= a->threshold
                         ? a->streaks[p] + 1 : 0);
        overloaded |= a->streaks[p] >= ALB_INTERVALS;
    }
    if (++a->n % ALB_INTERVALS == 0) {
        if (overloaded) {
            uint64_t begin_ns = sim_plan_begin();

            auto_lb_rebalance(a, sim);
            sim_plan_end(sim, begin_ns);
        }
    }
}

static const struct sim_policy auto_lb_policy = {
    "auto-lb", "pmd-auto-lb: load 95 %, improvement 25 %, each minute",
    auto_lb_create, auto_lb_destroy, auto_lb_tick, true
};
static const struct sim_policy auto_lb_tuned_policy = {
    "auto-lb-tuned", "pmd-auto-lb: load 70 %, improvement 25 %, each minute",
    auto_lb_tuned_create, auto_lb_destroy, auto_lb_tick, true
};

/* RSS++ (T. Barbette et al., CoNEXT 2019), on whole queues.
 *
 * Core i with load l(i) is off balance by l(i) - mean, if that is more than
 * the dead band.  The greatest excess is brought down first, with the queue
 * whose load comes closest to what should go, to the core that lacks most. */

#define RSSPP_TARGET .8
#define RSSPP_DEAD_BAND .02
#define RSSPP_TRIES 10
#define RSSPP_GOOD_ENOUGH .01   /* Sum of squares of what is off balance. */
#define RSSPP_TICK_MIN_NS (10 * SIM_NS_PER_MS)
#define RSSPP_TICK_NS (100 * SIM_NS_PER_MS)
#define RSSPP_TICK_MAX_NS (1000 * SIM_NS_PER_MS)

struct rsspp {
    struct meter meter;
    uint64_t interval_ns;
    double *loads;              /* By PMD, as predicted. */
    bool *on;                   /* Cores in use. */
    bool *received;             /* Got a queue in the last round. */
    bool *receives;             /* ...in this one. */
    bool *single;               /* Has at most one queue with load. */
    uint32_t n_on;
};

static void *
rsspp_create(struct sim *sim)
{
    struct rsspp *r = vmq_xcalloc(1, sizeof *r);

    meter_init(sim, &r->meter);
    r->interval_ns = RSSPP_TICK_NS;
    r->loads = vmq_xcalloc(sim->n_pmds, sizeof *r->loads);
    r->on = vmq_xcalloc(sim->n_pmds, sizeof *r->on);
    r->received = vmq_xcalloc(sim->n_pmds, sizeof *r->received);
    r->receives = vmq_xcalloc(sim->n_pmds, sizeof *r->receives);
    r->single = vmq_xcalloc(sim->n_pmds, sizeof *r->single);
    sim_deal(sim);
    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        r->on[p] = true;
    }
    r->n_on = sim->n_pmds;
    sim->tick_ns = sim_phase_ns(sim, RSSPP_TICK_NS) + RSSPP_TICK_NS;
    return r;
}

static void
rsspp_destroy(void *r_)
{
    struct rsspp *r = r_;

    meter_destroy(&r->meter);
    free(r->loads);
    free(r->on);
    free(r->received);
    free(r->receives);
    free(r->single);
    free(r);
}

static void
rsspp_move(struct rsspp *r, struct sim *sim, uint32_t rxq, uint32_t to)
{
    uint32_t from = sim->rxqs[rxq].pmd;

    sim_move(sim, rxq, to, r->meter.pmd_loads[from] > RSSPP_TARGET);
    r->loads[from] -= r->meter.loads[rxq];
    r->loads[to] += r->meter.loads[rxq];
    r->receives[to] = true;
}

/* The core in use with the least load, other than 'not'. */
static uint32_t
rsspp_least(const struct rsspp *r, const struct sim *sim, uint32_t not)
{
    uint32_t least = VMQ_NONE;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        if (r->on[p] && p != not
            && (least == VMQ_NONE || r->loads[p] < r->loads[least])) {
            least = p;
        }
    }
    return least;
}

/* Adds a core or gives one up, as the spare capacity suggests.  Returns the
 * number of queues moved. */
static uint32_t
rsspp_scale(struct rsspp *r, struct sim *sim)
{
    double spare = 0, highest = 0;
    uint32_t n_moves = 0;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        if (r->on[p]) {
            spare += RSSPP_TARGET - r->loads[p];
            highest = fmax(highest, r->loads[p]);
        }
    }
    if (spare < -.1 && r->n_on < sim->n_pmds) {
        for (uint32_t p = 0; p < sim->n_pmds; p++) {
            if (!r->on[p]) {
                r->on[p] = true;
                r->n_on++;
                break;
            }
        }
    } else if (r->n_on > 1
               && spare > (1 + (1 - RSSPP_TARGET)
                           + (r->n_on + 1) * fmax(.05, highest
                                                       - RSSPP_TARGET))) {
        uint32_t from = rsspp_least(r, sim, VMQ_NONE);

        r->on[from] = false;
        r->n_on--;
        for (uint32_t i = 0; i < sim->n_rxqs; i++) {
            if (sim->rxqs[i].pmd == from) {
                rsspp_move(r, sim, i, rsspp_least(r, sim, from));
                n_moves++;
            }
        }
    }
    return n_moves;
}

/* Moves one queue so that the cores are more in balance.  Returns false if
 * there is none. */
static bool
rsspp_balance_once(struct rsspp *r, struct sim *sim, double mean)
{
    uint32_t from = VMQ_NONE, to = VMQ_NONE, best = VMQ_NONE;
    double best_rest = 0;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        if (!r->on[p] || r->received[p]) {
            continue;
        }
        if (r->loads[p] > mean + RSSPP_DEAD_BAND && !r->single[p]
            && !r->receives[p]
            && (from == VMQ_NONE || r->loads[p] > r->loads[from])) {
            from = p;
        }
        if (r->loads[p] < mean - RSSPP_DEAD_BAND
            && (to == VMQ_NONE || r->loads[p] < r->loads[to])) {
            to = p;
        }
    }
    if (from == VMQ_NONE || to == VMQ_NONE) {
        return false;
    }

    /* What both would be off by, after the move: least is best, and it must be
     * less than it is now. */
    double excess = r->loads[from] - mean, lack = mean - r->loads[to];
    best_rest = excess * excess + lack * lack;
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        double load = r->meter.loads[i];

        if (sim->rxqs[i].pmd == from && load > 0
            && sim_numa_fits(sim, i, to)) {
            double rest = ((excess - load) * (excess - load)
                           + (lack - load) * (lack - load));

            if (rest < best_rest) {
                best = i;
                best_rest = rest;
            }
        }
    }
    if (best == VMQ_NONE) {
        return false;
    }
    rsspp_move(r, sim, best, to);
    return true;
}

/* What the cores are off balance by, all in all, and the sum of squares. */
static double
rsspp_imbalance(const struct rsspp *r, const struct sim *sim, double *mean,
                double *squares)
{
    double sum = 0, total = 0;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        sum += r->on[p] ? r->loads[p] : 0;
    }
    *mean = sum / r->n_on;
    *squares = 0;
    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        double off = r->on[p] ? fabs(r->loads[p] - *mean) : 0;

        if (off > RSSPP_DEAD_BAND) {
            total += off;
            *squares += off * off;
        }
    }
    return total;
}

static void
rsspp_tick(void *r_, struct sim *sim)
{
    struct rsspp *r = r_;
    double imbalance, mean, squares;
    uint32_t n_moves, n_on = r->n_on;
    bool left_out = false;
    uint64_t measured_ns = r->meter.since_ns;
    uint64_t begin_ns = sim_plan_begin();

    meter_read(sim, &r->meter);
    memcpy(r->loads, r->meter.pmd_loads, sim->n_pmds * sizeof *r->loads);
    memset(r->receives, 0, sim->n_pmds * sizeof *r->receives);
    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        r->single[p] = true;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t p = sim->rxqs[i].pmd;

        if (r->meter.loads[i] > 0) {
            if (r->meter.loads[i] < r->loads[p]) {
                r->single[p] = false;
            }
        }
    }

    n_moves = rsspp_scale(r, sim);
    imbalance = rsspp_imbalance(r, sim, &mean, &squares);
    for (int k = 0; k < RSSPP_TRIES && squares >= RSSPP_GOOD_ENOUGH; k++) {
        if (!rsspp_balance_once(r, sim, mean)) {
            break;
        }
        n_moves++;
        rsspp_imbalance(r, sim, &mean, &squares);
    }
    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        left_out |= r->received[p];
        r->received[p] = r->receives[p];
    }
    sim_plan_end(sim, begin_ns);

    if (imbalance > .4) {
        r->interval_ns = RSSPP_TICK_MIN_NS;
    } else if (imbalance > .2) {
        r->interval_ns /= 2;
    } else if (!n_moves) {
        r->interval_ns *= 2;
    }
    if (r->interval_ns < RSSPP_TICK_MIN_NS) {
        r->interval_ns = RSSPP_TICK_MIN_NS;
    } else if (r->interval_ns > RSSPP_TICK_MAX_NS) {
        r->interval_ns = RSSPP_TICK_MAX_NS;
    }
    sim->tick_ns = sim->now_ns + r->interval_ns;
    if (!n_moves && !left_out && n_on == r->n_on
        && !sim->o->ramp && !sim->o->every_tick
        && r->interval_ns == (imbalance > .2 ? RSSPP_TICK_MIN_NS
                              : RSSPP_TICK_MAX_NS)
        && !r->meter.changed && measured_ns >= sim_row_ns(sim, sim->row)
        && sim->tick_ns < sim->change_ns) {
        /* All that it knows is what it will know next time, so that it will
         * do nothing until the loads change.  This is the last tick before
         * that. */
        sim->tick_ns = sim->change_ns - (sim->change_ns - sim->now_ns)
                                        % r->interval_ns;
    }
}

static const struct sim_policy rsspp_policy = {
    "rsspp", "RSS++ on whole queues, target load 80 %",
    rsspp_create, rsspp_destroy, rsspp_tick, true
};

/* Clairvoyants: at each moment the assignment to the fewest PMDs that first
 * fit, the busiest queue first, finds. */

/* With ramps, loads change all the time; this often is often enough. */
#define ORACLE_RAMP_NS (500 * SIM_NS_PER_MS)

struct oracle {
    double limit;               /* How full a PMD may be. */
    uint64_t lag_ns;            /* How old the loads are that it sees. */
    double *rates;
    double *loads;
    double *pmd_loads;
    uint32_t *n;                /* Queues on each PMD. */
    uint32_t *pmds;             /* By queue. */
    uint32_t row;               /* Next one of the trace to be seen. */
};

/* Where first fit puts a queue with this 'load'. */
static uint32_t
oracle_fit(const struct oracle *o, const struct sim *sim, uint32_t rxq,
           double load)
{
    uint32_t least = VMQ_NONE;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        if (!sim_numa_fits(sim, rxq, p)) {
            continue;
        }
        if (!o->n[p] || o->pmd_loads[p] + load <= o->limit) {
            return p;
        }
        if (least == VMQ_NONE || o->pmd_loads[p] < o->pmd_loads[least]) {
            least = p;
        }
    }
    return least;
}

static void
oracle_pack(struct oracle *o, struct sim *sim)
{
    uint64_t at_ns = sim->now_ns > o->lag_ns ? sim->now_ns - o->lag_ns : 0;
    struct ranked *ranks;

    sim_true_rates(sim, at_ns, o->rates);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        o->loads[i] = o->rates[i] / sim->pmd_pps;
    }
    ranks = rank_queues(sim, o->loads);
    memset(o->pmd_loads, 0, sim->n_pmds * sizeof *o->pmd_loads);
    memset(o->n, 0, sim->n_pmds * sizeof *o->n);
    for (uint32_t k = 0; k < sim->n_rxqs; k++) {
        uint32_t p = oracle_fit(o, sim, ranks[k].index, ranks[k].load);

        o->pmds[ranks[k].index] = p;
        o->pmd_loads[p] += ranks[k].load;
        o->n[p]++;
    }
    free(ranks);
}

/* When the oracle will have something new to see. */
static void
oracle_schedule(struct oracle *o, struct sim *sim)
{
    if (sim->o->ramp) {
        sim->tick_ns = sim->now_ns + ORACLE_RAMP_NS;
        return;
    }
    while (sim_row_ns(sim, o->row) + o->lag_ns <= sim->now_ns) {
        o->row++;
    }
    sim->tick_ns = sim_row_ns(sim, o->row) + o->lag_ns;
}

static void *
oracle_create__(struct sim *sim, uint32_t limit_bp, uint64_t lag_ns)
{
    struct oracle *o = vmq_xcalloc(1, sizeof *o);

    o->limit = limit_bp / (double) VMQ_BP + 1e-9;
    o->lag_ns = lag_ns;
    o->rates = vmq_xcalloc(sim->n_rxqs, sizeof *o->rates);
    o->loads = vmq_xcalloc(sim->n_rxqs, sizeof *o->loads);
    o->pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *o->pmd_loads);
    o->n = vmq_xcalloc(sim->n_pmds, sizeof *o->n);
    o->pmds = vmq_xcalloc(sim->n_rxqs, sizeof *o->pmds);
    oracle_pack(o, sim);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, o->pmds[i]);
    }
    sim->tick_ns = 0;
    return o;
}

static void *
oracle_create(struct sim *sim)
{
    return oracle_create__(sim, vmq_config_spread_bp(&sim->o->config), 0);
}

static void *
oracle_lag_create(struct sim *sim)
{
    const struct vmq_config *c = &sim->o->config;
    uint64_t lag_ms = c->spread_hold_ms + c->interval_ms;

    return oracle_create__(sim, vmq_config_pack_target_bp(c),
                           lag_ms * SIM_NS_PER_MS);
}

static void
oracle_destroy(void *o_)
{
    struct oracle *o = o_;

    free(o->rates);
    free(o->loads);
    free(o->pmd_loads);
    free(o->n);
    free(o->pmds);
    free(o);
}

static void
oracle_tick(void *o_, struct sim *sim)
{
    struct oracle *o = o_;
    uint64_t begin_ns = sim_plan_begin();

    oracle_pack(o, sim);
    sim_plan_end(sim, begin_ns);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        if (o->pmds[i] != sim->rxqs[i].pmd) {
            sim_move(sim, i, o->pmds[i], true);
        }
    }
    oracle_schedule(o, sim);
}

static const struct sim_policy oracle_policy = {
    "oracle", "clairvoyant: at each moment the fewest PMDs, by first fit",
    oracle_create, oracle_destroy, oracle_tick, false
};
static const struct sim_policy oracle_lag_policy = {
    "oracle-lag", "the same, late by spread hold and interval, to pack target",
    oracle_lag_create, oracle_destroy, oracle_tick, false
};

const struct sim_policy *const sim_policies[] = {
    &single_policy,
    &static_policy,
    &cycles_policy,
    &group_policy,
    &auto_lb_policy,
    &auto_lb_tuned_policy,
    &rsspp_policy,
    &sim_vmq_policy,
    &sim_vmq_nocredit_policy,
    &oracle_policy,
    &oracle_lag_policy,
};
const unsigned int sim_n_policies = (sizeof sim_policies
                                     / sizeof sim_policies[0]);

const struct sim_policy *
sim_policy_find(const char *name)
{
    for (unsigned int i = 0; i < sim_n_policies; i++) {
        if (!strcmp(sim_policies[i]->name, name)) {
            return sim_policies[i];
        }
    }
    return NULL;
}

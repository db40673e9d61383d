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

/* RSS++ (T. Barbette et al., CoNEXT 2019), on whole queues.
 *
 * Core i with load l(i) is off balance by l(i) - mean, if that is more than
 * the dead band.  The greatest excess is brought down first, with the queue
 * whose load comes closest to what should go, to the core that lacks most. */

#include <config.h>
#include "vmq-sim-policies.h"

#include <math.h>

#include "vmq-sim-meter.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"

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
    struct rsspp *rsspp = vmq_xcalloc(1, sizeof *rsspp);

    meter_init(sim, &rsspp->meter);
    rsspp->interval_ns = RSSPP_TICK_NS;
    rsspp->loads = vmq_xcalloc(sim->n_pmds, sizeof *rsspp->loads);
    rsspp->on = vmq_xcalloc(sim->n_pmds, sizeof *rsspp->on);
    rsspp->received = vmq_xcalloc(sim->n_pmds, sizeof *rsspp->received);
    rsspp->receives = vmq_xcalloc(sim->n_pmds, sizeof *rsspp->receives);
    rsspp->single = vmq_xcalloc(sim->n_pmds, sizeof *rsspp->single);
    sim_deal(sim);
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        rsspp->on[pmd] = true;
    }
    rsspp->n_on = sim->n_pmds;
    sim->tick_ns = sim_phase_ns(sim, RSSPP_TICK_NS) + RSSPP_TICK_NS;
    return rsspp;
}

static void
rsspp_destroy(void *rsspp_)
{
    struct rsspp *rsspp = rsspp_;

    meter_destroy(&rsspp->meter);
    free(rsspp->loads);
    free(rsspp->on);
    free(rsspp->received);
    free(rsspp->receives);
    free(rsspp->single);
    free(rsspp);
}

static void
rsspp_move(struct rsspp *rsspp, struct sim *sim, uint32_t rxq, uint32_t to)
{
    uint32_t from = sim->rxqs[rxq].pmd;

    sim_move(sim, rxq, to, (rsspp->meter.pmd_loads[from] > RSSPP_TARGET
                            ? SIM_OVERLOAD : SIM_WISH));
    rsspp->loads[from] -= rsspp->meter.loads[rxq];
    rsspp->loads[to] += rsspp->meter.loads[rxq];
    rsspp->receives[to] = true;
}

/* The core in use with the least load. */
static uint32_t
rsspp_least(const struct rsspp *rsspp, const struct sim *sim)
{
    uint32_t least = VMQ_NONE;

    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (rsspp->on[pmd]
            && (least == VMQ_NONE
                || rsspp->loads[pmd] < rsspp->loads[least])) {
            least = pmd;
        }
    }
    return least;
}

/* Adds a core or gives one up, as the spare capacity suggests.  Returns the
 * number of queues moved. */
static uint32_t
rsspp_scale(struct rsspp *rsspp, struct sim *sim)
{
    double spare = 0, highest = 0;
    uint32_t n_moves = 0;

    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (rsspp->on[pmd]) {
            spare += RSSPP_TARGET - rsspp->loads[pmd];
            highest = fmax(highest, rsspp->loads[pmd]);
        }
    }
    if (spare < -.1 && rsspp->n_on < sim->n_pmds) {
        for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
            if (!rsspp->on[pmd]) {
                rsspp->on[pmd] = true;
                rsspp->n_on++;
                break;
            }
        }
    } else if (rsspp->n_on > 1
               && spare > (1 + (1 - RSSPP_TARGET)
                           + (rsspp->n_on + 1) * fmax(.05, highest
                                                       - RSSPP_TARGET))) {
        uint32_t from = rsspp_least(rsspp, sim);

        rsspp->on[from] = false;
        rsspp->n_on--;
        for (uint32_t i = 0; i < sim->n_rxqs; i++) {
            if (sim->rxqs[i].pmd == from) {
                rsspp_move(rsspp, sim, i, rsspp_least(rsspp, sim));
                n_moves++;
            }
        }
    }
    return n_moves;
}

/* Moves one queue so that the cores are more in balance.  Returns false if
 * there is none. */
static bool
rsspp_balance_once(struct rsspp *rsspp, struct sim *sim, double mean)
{
    uint32_t from = VMQ_NONE, to = VMQ_NONE, best = VMQ_NONE;
    double best_rest = 0;

    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (!rsspp->on[pmd] || rsspp->received[pmd]) {
            continue;
        }
        if (rsspp->loads[pmd] > mean + RSSPP_DEAD_BAND && !rsspp->single[pmd]
            && !rsspp->receives[pmd]
            && (from == VMQ_NONE || rsspp->loads[pmd] > rsspp->loads[from])) {
            from = pmd;
        }
        if (rsspp->loads[pmd] < mean - RSSPP_DEAD_BAND
            && (to == VMQ_NONE || rsspp->loads[pmd] < rsspp->loads[to])) {
            to = pmd;
        }
    }
    if (from == VMQ_NONE || to == VMQ_NONE) {
        return false;
    }

    /* What both would be off by, after the move: least is best, and it must be
     * less than it is now. */
    double excess = rsspp->loads[from] - mean, lack = mean - rsspp->loads[to];
    best_rest = excess * excess + lack * lack;
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        double load = rsspp->meter.loads[i];

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
    rsspp_move(rsspp, sim, best, to);
    return true;
}

/* What the cores are off balance by, all in all, and the sum of squares. */
static double
rsspp_imbalance(const struct rsspp *rsspp, const struct sim *sim, double *mean,
                double *squares)
{
    double sum = 0, total = 0;

    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        sum += rsspp->on[pmd] ? rsspp->loads[pmd] : 0;
    }
    *mean = sum / rsspp->n_on;
    *squares = 0;
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        double off = rsspp->on[pmd] ? fabs(rsspp->loads[pmd] - *mean) : 0;

        if (off > RSSPP_DEAD_BAND) {
            total += off;
            *squares += off * off;
        }
    }
    return total;
}

static void
rsspp_tick(void *rsspp_, struct sim *sim)
{
    struct rsspp *rsspp = rsspp_;
    double imbalance, mean, squares;
    uint32_t n_moves, n_on = rsspp->n_on;
    bool left_out = false;
    uint64_t measured_ns = rsspp->meter.since_ns;
    uint64_t begin_ns = sim_plan_begin();

    meter_read(sim, &rsspp->meter);
    memcpy(rsspp->loads, rsspp->meter.pmd_loads,
           sim->n_pmds * sizeof *rsspp->loads);
    memset(rsspp->receives, 0, sim->n_pmds * sizeof *rsspp->receives);
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        rsspp->single[pmd] = true;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t pmd = sim->rxqs[i].pmd;

        if (rsspp->meter.loads[i] > 0) {
            if (rsspp->meter.loads[i] < rsspp->loads[pmd]) {
                rsspp->single[pmd] = false;
            }
        }
    }

    n_moves = rsspp_scale(rsspp, sim);
    imbalance = rsspp_imbalance(rsspp, sim, &mean, &squares);
    for (int k = 0; k < RSSPP_TRIES && squares >= RSSPP_GOOD_ENOUGH; k++) {
        if (!rsspp_balance_once(rsspp, sim, mean)) {
            break;
        }
        n_moves++;
        rsspp_imbalance(rsspp, sim, &mean, &squares);
    }
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        left_out |= rsspp->received[pmd];
        rsspp->received[pmd] = rsspp->receives[pmd];
    }
    sim_plan_end(sim, begin_ns);

    if (imbalance > .4) {
        rsspp->interval_ns = RSSPP_TICK_MIN_NS;
    } else if (imbalance > .2) {
        rsspp->interval_ns /= 2;
    } else if (!n_moves) {
        rsspp->interval_ns *= 2;
    }
    if (rsspp->interval_ns < RSSPP_TICK_MIN_NS) {
        rsspp->interval_ns = RSSPP_TICK_MIN_NS;
    } else if (rsspp->interval_ns > RSSPP_TICK_MAX_NS) {
        rsspp->interval_ns = RSSPP_TICK_MAX_NS;
    }
    sim->tick_ns = sim->now_ns + rsspp->interval_ns;
    if (!n_moves && !left_out && n_on == rsspp->n_on
        && !sim->options->ramp && !sim->options->every_tick
        && rsspp->interval_ns == (imbalance > .2 ? RSSPP_TICK_MIN_NS
                                  : RSSPP_TICK_MAX_NS)
        && !rsspp->meter.changed && measured_ns >= sim_row_ns(sim, sim->row)
        && sim->tick_ns < sim->change_ns) {
        /* All that it knows is what it will know next time, so that it will
         * do nothing until the loads change.  This is the last tick before
         * that. */
        sim->tick_ns = sim->change_ns - (sim->change_ns - sim->now_ns)
                                        % rsspp->interval_ns;
    }
}

const struct sim_policy sim_rsspp_policy = {
    "rsspp", "RSS++ on whole queues, target load 80 %",
    rsspp_create, rsspp_destroy, rsspp_tick, true, NULL
};

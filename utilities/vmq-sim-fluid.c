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
#include "vmq-sim-fluid.h"

#include <math.h>

#include "vmq-snapshot.h"
#include "vmq-util.h"

/* Packets that a poll returns on a PMD that keeps up.  Policies only care
 * whether batches are full. */
#define CALM_BATCH 8

/* Delays are counted in bins that grow by 2**(1/16), 4.4 %, from 0.01 us. */
#define DELAY_BINS_PER_OCTAVE 16
#define DELAY_MIN_US 0.01

static void
sim_count_delay(struct sim *sim, double delay_us, double packets)
{
    int bin = (delay_us > DELAY_MIN_US
               ? log2(delay_us / DELAY_MIN_US) * DELAY_BINS_PER_OCTAVE : 0);

    sim->delays[bin < SIM_DELAY_BINS ? bin : SIM_DELAY_BINS - 1] += packets;
}

/* What a full ring cannot hold of 'waiting' packets is lost.  Returns that. */
static double
sim_overflow(const struct sim *sim, double *waiting)
{
    double lost = *waiting - sim->o->ring;

    if (lost <= 0) {
        return 0;
    }
    *waiting = sim->o->ring;
    return lost;
}

/* What queue 'q' would have lost, in a step of 'dt' seconds, on a PMD of its
 * own. */
static double
sim_lose_alone(const struct sim *sim, struct sim_rxq *q, double dt)
{
    if (q->rate_pps <= sim->pmd_pps && q->alone_waiting <= 0) {
        return 0;
    }
    q->alone_waiting += (q->rate_pps - sim->pmd_pps) * dt;
    if (q->alone_waiting < 0) {
        q->alone_waiting = 0;
    }
    return sim_overflow(sim, &q->alone_waiting);
}

/* Gives queue 'q' its 'served' packets of the 'wanted' ones, when it cannot
 * have them all.  Returns the packets that are lost. */
static double
sim_serve_some(struct sim *sim, struct sim_rxq *q, double wanted,
               double served, double dt)
{
    double before = q->waiting;
    double lost, waited, growth;

    q->waiting = wanted - served;
    growth = (q->waiting - before) / dt;
    lost = sim_overflow(sim, &q->waiting);

    /* How many waited, on average over the step: the ring may have been full
     * for the greater part of it. */
    waited = (before + q->waiting) / 2;
    if (lost > 0 && growth > 0) {
        double full_s = dt - (sim->o->ring - before) / growth;

        waited += (sim->o->ring - waited) * full_s / dt;
    }
    sim_count_delay(sim, served > 0 ? waited * dt / served * 1e6 : 0, served);

    q->packets += served;
    q->polls += served / SIM_BATCH;
    q->full_batches += q->waiting > 0 ? served / SIM_BATCH : 0;
    return lost;
}

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* What queue 'q' would take from its PMD in this step. */
static double
sim_wanted(const struct sim_rxq *q)
{
    return q->dark ? 0 : q->waiting + q->arrived;
}

/* Shares the 'capacity' packets of PMD 'p' among its queues, which want more
 * than that.  Returns the packets that are lost. */
static double
sim_share(struct sim *sim, uint32_t p, double capacity, double dt)
{
    uint32_t n = 0;
    double share = 0, lost = 0;

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        const struct sim_rxq *q = &sim->rxqs[i];

        if (q->pmd == p) {
            sim->wants[n] = sim_wanted(q);
            sim->crowd[n++] = i;
        }
    }
    qsort(sim->wants, n, sizeof *sim->wants, compare_doubles);
    for (uint32_t k = 0; k < n; k++) {
        share = capacity / (n - k);
        if (sim->wants[k] > share) {
            break;
        }
        capacity -= sim->wants[k];
    }
    for (uint32_t k = 0; k < n; k++) {
        struct sim_rxq *q = &sim->rxqs[sim->crowd[k]];
        double wanted = sim_wanted(q);

        if (wanted > 0) {
            lost += sim_serve_some(sim, q, wanted,
                                   wanted < share ? wanted : share, dt);
        }
    }
    return lost;
}

/* What arrives at queue 'q' in 'dt' seconds.  While the queue is not polled,
 * because it is being moved, its ring fills up.  Returns the packets that are
 * lost by that. */
static double
sim_arrive(const struct sim *sim, struct sim_rxq *q, double dt)
{
    double blackout_s = q->blackout_s < dt ? q->blackout_s : dt;

    q->arrived = q->rate_pps * (dt - blackout_s);
    q->dark = q->blackout_s >= dt;
    if (blackout_s > 0) {
        q->blackout_s -= blackout_s;
        q->waiting += q->rate_pps * blackout_s;
        return sim_overflow(sim, &q->waiting);
    }
    return 0;
}

/* Adds what happened in the step before 'now' to the timeline. */
static void
sim_draw(struct sim *sim, uint64_t end_ns, double offered, double lost)
{
    uint32_t n = sim->o->n_periods;
    uint64_t begin_ns = sim->now_ns;

    for (uint64_t t = begin_ns; t < end_ns && n; ) {
        uint64_t i = (double) t / sim->end_ns * n;
        uint64_t next_ns = (double) sim->end_ns * (i + 1) / n;

        next_ns = next_ns <= t ? t + 1 : next_ns < end_ns ? next_ns : end_ns;
        if (i >= n) {
            i = n - 1;
        }

        double s = sim_elapsed_s(next_ns - t);
        double part = (double) (next_ns - t) / (end_ns - begin_ns);
        struct sim_period *period = &sim->result.periods[i];

        period->offered += offered / sim->pmd_pps * part;
        period->lost += lost * part;
        period->active += sim->n_active * s;
        for (uint32_t p = 0; p < sim->n_pmds; p++) {
            const struct sim_pmd *pmd = &sim->pmds[p];

            if (pmd->n_rxqs) {
                sim->result.actives[i * sim->n_pmds + p] += s;
                sim->result.loads[i * sim->n_pmds + p]
                    += pmd->offered_pps / sim->pmd_pps * s;
            }
        }
        t = next_ns;
    }
}

void
sim_advance(struct sim *sim, uint64_t end_ns)
{
    struct sim_result *r = &sim->result;
    double dt = sim_elapsed_s(end_ns - sim->now_ns);
    double offered = 0, lost = 0, service_us = 1e6 / sim->pmd_pps;
    double spread_pps = (sim->pmd_pps * (1 + 1e-9)
                         * vmq_config_spread_bp(&sim->o->config) / VMQ_BP);
    double light_pps = sim->pmd_pps / 100;

    for (uint32_t p = 0; p < sim->n_pmds; p++) {
        sim->pmds[p].wanted = sim->pmds[p].offered_pps = 0;
        sim->pmds[p].busiest_pps = 0;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        struct sim_rxq *q = &sim->rxqs[i];
        struct sim_pmd *p = &sim->pmds[q->pmd];

        offered += q->rate_pps * dt;
        lost += sim_arrive(sim, q, dt);
        r->unavoidable_lost_packets += sim_lose_alone(sim, q, dt);
        p->wanted += sim_wanted(q);
        p->offered_pps += q->rate_pps;
        if (q->rate_pps > p->busiest_pps) {
            p->busiest_pps = q->rate_pps;
        }
    }

    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        struct sim_pmd *p = &sim->pmds[i];
        double debt_s = p->debt_s < dt ? p->debt_s : dt;
        double capacity = sim->pmd_pps * (dt - debt_s);
        double busy_s;

        if (!p->n_rxqs) {
            p->calm = true;
            continue;
        }
        p->debt_s -= debt_s;
        p->calm = p->wanted <= capacity;
        busy_s = p->calm ? debt_s + p->wanted / sim->pmd_pps : dt;
        p->busy_s += busy_s;
        p->idle_s += dt - busy_s;
        if (!p->calm) {
            lost += sim_share(sim, i, capacity, dt);
        }
        if (p->offered_pps > spread_pps
            && !(p->busiest_pps > spread_pps
                 && p->offered_pps - p->busiest_pps < light_pps)) {
            r->overload_seconds += dt;
        }
    }

    double calm_packets = 0;
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        struct sim_rxq *q = &sim->rxqs[i];

        if (!sim->pmds[q->pmd].calm || q->dark) {
            continue;
        }
        q->packets += q->arrived + q->waiting;
        q->polls += (q->arrived + q->waiting) / CALM_BATCH;
        calm_packets += q->arrived;
        if (q->waiting > 0) {
            sim_count_delay(sim, service_us * (1 + q->waiting / 2),
                            q->waiting);
            q->waiting = 0;
        }
    }
    if (calm_packets > 0) {
        sim_count_delay(sim, service_us, calm_packets);
    }

    r->offered_packets += offered;
    r->lost_packets += lost;
    r->pmd_seconds += sim->n_active * dt;
    sim_draw(sim, end_ns, offered, lost);
    sim->now_ns = end_ns;
}

double
sim_delay_quantile_us(const struct sim *sim, double q)
{
    double total = 0, sum = 0;
    int bin;

    for (bin = 0; bin < SIM_DELAY_BINS; bin++) {
        total += sim->delays[bin];
    }
    for (bin = 0; bin < SIM_DELAY_BINS - 1; bin++) {
        sum += sim->delays[bin];
        if (sum >= total * q) {
            break;
        }
    }
    return (total > 0
            ? DELAY_MIN_US * exp2((bin + .5) / DELAY_BINS_PER_OCTAVE) : 0);
}

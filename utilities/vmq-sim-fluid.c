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

#include "vmq-sim-noise.h"
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
    double lost = *waiting - sim->options->ring;

    if (lost <= 0) {
        return 0;
    }
    *waiting = sim->options->ring;
    return lost;
}

/* What queue 'rxq' would have lost, in a step of 'step_s' seconds, on a PMD of
 * its own, which has a CPU whenever that has one on which it is. */
static double
sim_lose_alone(const struct sim *sim, struct sim_rxq *rxq, double step_s)
{
    double pmd_pps = sim->pmds[rxq->pmd].preempted ? 0 : sim->pmd_pps;

    if (rxq->rate_pps <= pmd_pps && rxq->alone_waiting <= 0) {
        return 0;
    }
    rxq->alone_waiting += (rxq->rate_pps - pmd_pps) * step_s;
    if (rxq->alone_waiting < 0) {
        rxq->alone_waiting = 0;
    }
    return sim_overflow(sim, &rxq->alone_waiting);
}

/* Gives queue 'rxq' its 'served' packets of the 'wanted' ones, when it cannot
 * have them all.  Returns the packets that are lost. */
static double
sim_serve_some(struct sim *sim, struct sim_rxq *rxq, double wanted,
               double served, double step_s)
{
    double before = rxq->waiting;
    double lost, waited, growth;

    rxq->waiting = wanted - served;
    growth = (rxq->waiting - before) / step_s;
    lost = sim_overflow(sim, &rxq->waiting);

    /* How many waited, on average over the step: the ring may have been full
     * for the greater part of it. */
    waited = (before + rxq->waiting) / 2;
    if (lost > 0 && growth > 0) {
        double full_s = step_s - (sim->options->ring - before) / growth;

        waited += (sim->options->ring - waited) * full_s / step_s;
    }
    sim_count_delay(sim, served > 0 ? waited * step_s / served * 1e6 : 0,
                    served);

    rxq->packets += served;
    rxq->polls += served / SIM_BATCH;
    rxq->full_batches += rxq->waiting > 0 ? served / SIM_BATCH : 0;
    return lost;
}

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* What queue 'rxq' would take from its PMD in this step. */
static double
sim_wanted(const struct sim_rxq *rxq)
{
    return rxq->dark ? 0 : rxq->waiting + rxq->arrived;
}

/* Shares the 'capacity' packets of PMD 'pmd' among its queues, which want more
 * than that.  Returns the packets that are lost. */
static double
sim_share(struct sim *sim, uint32_t pmd, double capacity, double step_s)
{
    uint32_t n = 0;
    double share = 0, lost = 0;

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        const struct sim_rxq *rxq = &sim->rxqs[i];

        if (rxq->pmd == pmd) {
            sim->wants[n] = sim_wanted(rxq);
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
        struct sim_rxq *rxq = &sim->rxqs[sim->crowd[k]];
        double wanted = sim_wanted(rxq);

        if (wanted > 0) {
            lost += sim_serve_some(sim, rxq, wanted,
                                   wanted < share ? wanted : share, step_s);
        }
    }
    return lost;
}

void
sim_find_waiting(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        sim->pmds[i].offered_pps = sim->pmds[i].waiting = 0;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim->pmds[sim->rxqs[i].pmd].offered_pps += sim->rxqs[i].rate_pps;
        sim->pmds[sim->rxqs[i].pmd].waiting += sim->rxqs[i].waiting;
    }
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        struct sim_pmd *pmd = &sim->pmds[i];

        if (pmd->preempted) {
            /* What it does not see does not change it. */
        } else if (pmd->offered_pps <= sim->pmd_pps
                   && !(sim->options->noise > 0
                        && pmd->waiting >= SIM_BATCH)) {
            pmd->full_ns = SIM_NEVER;
        } else if (pmd->full_ns == SIM_NEVER) {
            pmd->full_ns = sim->now_ns;
        }
    }
}

/* What arrives at queue 'rxq' in 'step_s' seconds.  While the queue is not
 * polled, because it is being moved, its ring fills up.  Returns the packets
 * that are lost by that. */
static double
sim_arrive(const struct sim *sim, struct sim_rxq *rxq, double step_s)
{
    double blackout_s = rxq->blackout_s < step_s ? rxq->blackout_s : step_s;

    rxq->arrived = rxq->rate_pps * (step_s - blackout_s);
    rxq->dark = rxq->blackout_s >= step_s;
    if (blackout_s > 0) {
        rxq->blackout_s -= blackout_s;
        rxq->waiting += rxq->rate_pps * blackout_s;
        return sim_overflow(sim, &rxq->waiting);
    }
    return 0;
}

/* Counts the packets of queue 'rxq', whose PMD does all that is wanted. */
static void
sim_count(struct sim *sim, struct sim_rxq *rxq)
{
    struct sim_pmd *pmd = &sim->pmds[rxq->pmd];
    double packets = rxq->arrived + rxq->waiting;

    if (sim->options->noise > 0 && packets > 0) {
        double more = sim_noise_count(sim, packets);

        more = more < -packets ? -packets : more;
        more = more > pmd->room ? pmd->room : more;
        packets += more;
        pmd->room -= more;
        pmd->busy_s += more / sim->pmd_pps;
        pmd->idle_s -= more / sim->pmd_pps;
    }
    rxq->packets += packets;
    rxq->polls += packets / CALM_BATCH;
}

/* Adds what happened in the step before 'now' to the timeline. */
static void
sim_draw(struct sim *sim, uint64_t end_ns, double offered, double lost)
{
    uint32_t n_periods = sim->options->n_periods;
    uint64_t begin_ns = sim->now_ns;

    for (uint64_t at_ns = begin_ns; at_ns < end_ns && n_periods; ) {
        uint64_t i = (double) at_ns / sim->end_ns * n_periods;
        uint64_t next_ns = (double) sim->end_ns * (i + 1) / n_periods;

        next_ns = (next_ns <= at_ns ? at_ns + 1
                   : next_ns < end_ns ? next_ns : end_ns);
        if (i >= n_periods) {
            i = n_periods - 1;
        }

        double part_s = sim_elapsed_s(next_ns - at_ns);
        double part = (double) (next_ns - at_ns) / (end_ns - begin_ns);
        struct sim_period *period = &sim->result.periods[i];

        period->offered += offered / sim->pmd_pps * part;
        period->lost += lost * part;
        period->active += sim->n_active * part_s;
        for (uint32_t k = 0; k < sim->n_pmds; k++) {
            const struct sim_pmd *pmd = &sim->pmds[k];

            if (pmd->n_rxqs) {
                sim->result.actives[i * sim->n_pmds + k] += part_s;
                sim->result.loads[i * sim->n_pmds + k]
                    += pmd->offered_pps / sim->pmd_pps * part_s;
            }
        }
        at_ns = next_ns;
    }
}

void
sim_advance(struct sim *sim, uint64_t end_ns)
{
    struct sim_result *result = &sim->result;
    double step_s = sim_elapsed_s(end_ns - sim->now_ns);
    double offered = 0, lost = 0, service_us = 1e6 / sim->pmd_pps;
    double spread_pps = (sim->pmd_pps * (1 + 1e-9)
                         * vmq_config_spread_bp(&sim->options->config)
                         / VMQ_BP);
    double light_pps = sim->pmd_pps / 100;

    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        sim->pmds[i].wanted = sim->pmds[i].offered_pps = 0;
        sim->pmds[i].busiest_pps = 0;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        struct sim_rxq *rxq = &sim->rxqs[i];
        struct sim_pmd *pmd = &sim->pmds[rxq->pmd];

        offered += rxq->rate_pps * step_s;
        lost += sim_arrive(sim, rxq, step_s);
        result->unavoidable_lost_packets += sim_lose_alone(sim, rxq, step_s);
        pmd->wanted += sim_wanted(rxq);
        pmd->offered_pps += rxq->rate_pps;
        if (rxq->rate_pps > pmd->busiest_pps) {
            pmd->busiest_pps = rxq->rate_pps;
        }
    }

    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        struct sim_pmd *pmd = &sim->pmds[i];
        double debt_s = pmd->debt_s < step_s ? pmd->debt_s : step_s;
        double capacity = sim->pmd_pps * (step_s - debt_s);
        double busy_s;

        if (!pmd->n_rxqs) {
            pmd->calm = true;
            continue;
        }
        if (pmd->preempted) {
            pmd->stolen_s += step_s;
            debt_s = capacity = 0;
        }
        pmd->debt_s -= debt_s;
        pmd->calm = pmd->wanted <= capacity;
        busy_s = pmd->calm ? debt_s + pmd->wanted / sim->pmd_pps : step_s;
        pmd->busy_s += busy_s;
        pmd->idle_s += step_s - busy_s;
        pmd->room = capacity - pmd->wanted;
        if (!pmd->calm) {
            lost += sim_share(sim, i, capacity, step_s);
        }
        if (pmd->offered_pps > spread_pps
            && !(pmd->busiest_pps > spread_pps
                 && pmd->offered_pps - pmd->busiest_pps < light_pps)) {
            result->overload_seconds += step_s;
        }
    }

    double calm_packets = 0;
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        struct sim_rxq *rxq = &sim->rxqs[i];

        if (!sim->pmds[rxq->pmd].calm || rxq->dark) {
            continue;
        }
        sim_count(sim, rxq);
        calm_packets += rxq->arrived;
        if (rxq->waiting > 0) {
            sim_count_delay(sim, service_us * (1 + rxq->waiting / 2),
                            rxq->waiting);
            rxq->waiting = 0;
        }
    }
    if (calm_packets > 0) {
        sim_count_delay(sim, service_us, calm_packets);
    }

    result->offered_packets += offered;
    result->lost_packets += lost;
    result->pmd_seconds += sim->n_active * step_s;
    sim_draw(sim, end_ns, offered, lost);
    sim->now_ns = end_ns;
}

double
sim_delay_quantile_us(const struct sim *sim, double share)
{
    double total = 0, sum = 0;
    int bin;

    for (bin = 0; bin < SIM_DELAY_BINS; bin++) {
        total += sim->delays[bin];
    }
    for (bin = 0; bin < SIM_DELAY_BINS - 1; bin++) {
        sum += sim->delays[bin];
        if (sum >= total * share) {
            break;
        }
    }
    return (total > 0
            ? DELAY_MIN_US * exp2((bin + .5) / DELAY_BINS_PER_OCTAVE) : 0);
}

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
#include "vmq-sim.h"

#include <time.h>

#include "vmq-sim-fluid.h"
#include "vmq-sim-noise.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"

/* With ramps, loads are taken to be constant for so long.  Less takes more
 * time to simulate; more hides how long a PMD that is just becoming full
 * remains so. */
#define RAMP_STEP_NS (500 * SIM_NS_PER_MS)

/* A return counts if it happens within this time, as in vmq-credit.h. */
#define RETURN_MS 60000

/* Trace. */

uint64_t
sim_row_ns(const struct sim *sim, uint32_t row)
{
    const struct vmq_trace *trace = sim->options->trace;
    double time_s = row < trace->n_rows ? trace->times_s[row] : trace->end_s;

    return time_s / sim->options->speedup * SIM_NS_PER_S + .5;
}

static const double *
sim_row_rates(const struct sim *sim, uint32_t row)
{
    const struct vmq_trace *trace = sim->options->trace;

    return &trace->rates_pps[(size_t) row * trace->n_queues];
}

void
sim_true_rates(const struct sim *sim, uint64_t at_ns, double *rates_pps)
{
    uint32_t last = sim->options->trace->n_rows - 1;
    uint32_t row = sim->row;

    while (row > 0 && sim_row_ns(sim, row) > at_ns) {
        row--;
    }
    while (row < last && sim_row_ns(sim, row + 1) <= at_ns) {
        row++;
    }

    const double *rates = sim_row_rates(sim, row);
    if (!sim->options->ramp || row == last) {
        memcpy(rates_pps, rates, sim->n_rxqs * sizeof *rates);
        return;
    }

    const double *next = sim_row_rates(sim, row + 1);
    uint64_t begin_ns = sim_row_ns(sim, row);
    double part = ((double) (at_ns - begin_ns)
                   / (sim_row_ns(sim, row + 1) - begin_ns));
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        rates_pps[i] = rates[i] + part * (next[i] - rates[i]);
    }
}

/* For policies. */

static uint64_t
sim_random(struct sim *sim)
{
    /* "xorshift64*", S. Vigna. */
    sim->prng ^= sim->prng >> 12;
    sim->prng ^= sim->prng << 25;
    sim->prng ^= sim->prng >> 27;
    return sim->prng * UINT64_C(2685821657736338717);
}

void
sim_shuffle(struct sim *sim, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (uint32_t i = n; i > 1 && sim->options->seed; i--) {
        uint32_t k = sim_random(sim) % i;
        uint32_t tmp = order[i - 1];

        order[i - 1] = order[k];
        order[k] = tmp;
    }
}

uint64_t
sim_phase_ns(struct sim *sim, uint64_t interval_ns)
{
    return sim->options->seed ? sim_random(sim) % interval_ns : 0;
}

bool
sim_numa_fits(const struct sim *sim, uint32_t rxq, uint32_t pmd)
{
    int32_t numa_id = sim->options->trace->numa_ids[rxq];

    if (numa_id < 0 || sim->options->numa_ids[pmd] == numa_id) {
        return true;
    }
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        if (sim->options->numa_ids[i] == numa_id) {
            return false;
        }
    }
    return true;                /* Its node has no PMDs. */
}

void
sim_place(struct sim *sim, uint32_t rxq, uint32_t pmd)
{
    sim->rxqs[rxq].pmd = pmd;
    sim->n_active += !sim->pmds[pmd].n_rxqs++;
}

static void
sim_count_move(struct sim *sim, struct sim_rxq *queue, uint32_t to,
               enum sim_cause cause)
{
    struct sim_result *result = &sim->result;

    result->moves++;
    if (queue->last_pmd == to
        && (sim->now_ns / SIM_NS_PER_MS
            < queue->moved_ns / SIM_NS_PER_MS + RETURN_MS)) {
        result->pingpongs += cause == SIM_WISH;
        result->forced_returns += cause == SIM_OVERLOAD;
        result->eased_returns += cause == SIM_REST;
    }
    if (!(queue->n_moves & (queue->n_moves - 1))) {
        queue->moves_ns = vmq_xrealloc(queue->moves_ns,
                                       queue->n_moves ? queue->n_moves * 2 : 1,
                                       sizeof *queue->moves_ns);
    }
    queue->moves_ns[queue->n_moves++] = sim->now_ns;
    if (sim->options->n_periods) {
        uint64_t i = ((double) sim->now_ns / sim->end_ns
                      * sim->options->n_periods);

        result->periods[i < sim->options->n_periods ? i : i - 1].moves++;
    }
}

void
sim_move(struct sim *sim, uint32_t rxq, uint32_t to, enum sim_cause cause)
{
    struct sim_rxq *queue = &sim->rxqs[rxq];
    uint32_t from = queue->pmd;

    sim_count_move(sim, queue, to, cause);
    queue->last_pmd = from;
    queue->moved_ns = sim->now_ns;
    if (sim->policy->pays) {
        queue->blackout_s = sim->options->move_blackout_us / 1e6;
        sim->pmds[to].debt_s += (sim->options->upcall_us / 1e6
                                 * sim->options->flows);
    }

    queue->pmd = to;
    sim->n_active -= !--sim->pmds[from].n_rxqs;
    sim->n_active += !sim->pmds[to].n_rxqs++;
}

uint64_t
sim_plan_begin(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SIM_NS_PER_S + ts.tv_nsec;
}

void
sim_plan_end(struct sim *sim, uint64_t begin_ns)
{
    double us = (sim_plan_begin() - begin_ns) / 1e3;

    sim->plan_us_total += us;
    sim->n_plans++;
    if (us > sim->result.plan_us_max) {
        sim->result.plan_us_max = us;
    }
}

/* A whole run. */

static void
sim_init(struct sim *sim, const struct sim_options *options)
{
    struct sim_result *result = &sim->result;

    memset(sim, 0, sizeof *sim);
    sim->options = options;
    sim->prng = options->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    sim->n_rxqs = options->trace->n_queues;
    sim->rxqs = vmq_xcalloc(sim->n_rxqs, sizeof *sim->rxqs);
    sim->crowd = vmq_xcalloc(sim->n_rxqs, sizeof *sim->crowd);
    sim->wants = vmq_xcalloc(sim->n_rxqs, sizeof *sim->wants);
    sim->rates = vmq_xcalloc(sim->n_rxqs, sizeof *sim->rates);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim->rxqs[i].last_pmd = VMQ_NONE;
    }
    sim->n_pmds = options->n_pmds;
    sim->pmds = vmq_xcalloc(sim->n_pmds, sizeof *sim->pmds);
    sim->pmd_pps = options->hz / options->cycles_per_packet;
    sim->end_ns = sim_row_ns(sim, options->trace->n_rows);
    sim->tick_ns = sim->watch_ns = SIM_NEVER;
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        sim->pmds[i].full_ns = SIM_NEVER;
    }
    result->seconds = sim_elapsed_s(sim->end_ns);
    if (options->n_periods) {
        result->periods = vmq_xcalloc(options->n_periods,
                                      sizeof *result->periods);
        result->loads = vmq_xcalloc((size_t) options->n_periods * sim->n_pmds,
                                    sizeof *result->loads);
        result->actives = vmq_xcalloc(
            (size_t) options->n_periods * sim->n_pmds,
            sizeof *result->actives);
    }
}

/* Lets 'sim->row' and the loads be those of now. */
static void
sim_set_loads(struct sim *sim, uint64_t until_ns)
{
    bool changed = sim->now_ns == sim->change_ns;

    /* Sped up, rows can have no length at all. */
    while (sim->row + 1 < sim->options->trace->n_rows
           && sim->now_ns >= sim_row_ns(sim, sim->row + 1)) {
        sim->row++;
    }
    sim->change_ns = sim_row_ns(sim, sim->row + 1);
    if (changed || sim->options->ramp) {
        sim_true_rates(sim, sim->now_ns + (until_ns - sim->now_ns) / 2,
                       sim->rates);
        for (uint32_t i = 0; i < sim->n_rxqs; i++) {
            sim->rxqs[i].rate_pps = sim->rates[i];
        }
    }
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The highest number of moves of one queue within any minute. */
static uint32_t
sim_moves_per_minute(const struct sim *sim)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        const struct sim_rxq *rxq = &sim->rxqs[i];

        for (uint32_t first = 0, k = 0; k < rxq->n_moves; k++) {
            while (rxq->moves_ns[first] + 60 * SIM_NS_PER_S
                   <= rxq->moves_ns[k]) {
                first++;
            }
            most = k - first + 1 > most ? k - first + 1 : most;
        }
    }
    return most;
}

void
sim_run(const struct sim_options *options, const struct sim_policy *policy,
        void (*progress)(void *aux, double done), void *aux,
        struct sim_result *result)
{
    uint64_t reported_ns = 0;
    struct sim sim;
    void *state;

    sim_init(&sim, options);
    sim.policy = policy;
    sim_noise_init(&sim);
    sim_set_loads(&sim, 0);
    state = policy->create(&sim);
    while (sim.now_ns < sim.end_ns) {
        uint64_t next_ns;

        sim_set_loads(&sim, sim.now_ns);
        sim_noise_advance(&sim);
        if (sim.tick_ns <= sim.now_ns) {
            policy->tick(state, &sim);
        }
        if (policy->watch) {
            sim_find_waiting(&sim);
            policy->watch(state, &sim);
        }
        next_ns = min_u64(min_u64(sim.change_ns, sim.tick_ns), sim.end_ns);
        next_ns = min_u64(next_ns, sim.watch_ns);
        next_ns = min_u64(next_ns, sim_noise_next_ns(&sim));
        if (options->ramp) {
            next_ns = min_u64(next_ns, sim.now_ns + RAMP_STEP_NS);
            sim_set_loads(&sim, next_ns);
        }
        sim_advance(&sim, next_ns);
        if (progress && sim.now_ns - reported_ns >= sim.end_ns / 200) {
            progress(aux, (double) sim.now_ns / sim.end_ns);
            reported_ns = sim.now_ns;
        }
    }
    policy->destroy(state);

    sim.result.delay_p50_us = sim_delay_quantile_us(&sim, .5);
    sim.result.delay_p99_us = sim_delay_quantile_us(&sim, .99);
    sim.result.plan_us_mean = (sim.n_plans ? sim.plan_us_total / sim.n_plans
                               : 0);
    sim.result.max_moves_per_queue_minute = sim_moves_per_minute(&sim);
    *result = sim.result;

    for (uint32_t i = 0; i < sim.n_rxqs; i++) {
        free(sim.rxqs[i].moves_ns);
    }
    free(sim.rxqs);
    free(sim.pmds);
    free(sim.crowd);
    free(sim.wants);
    free(sim.rates);
}

void
sim_result_destroy(struct sim_result *result)
{
    free(result->periods);
    free(result->loads);
    free(result->actives);
    memset(result, 0, sizeof *result);
}

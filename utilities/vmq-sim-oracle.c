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

/* Clairvoyants: at each moment the assignment to the fewest PMDs that first
 * fit, the busiest queue first, finds. */

#include <config.h>
#include "vmq-sim-policies.h"

#include "vmq-sim-meter.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"

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

const struct sim_policy sim_oracle_policy = {
    "oracle", "clairvoyant: at each moment the fewest PMDs, by first fit",
    oracle_create, oracle_destroy, oracle_tick, false
};
const struct sim_policy sim_oracle_lag_policy = {
    "oracle-lag", "the same, late by spread hold and interval, to pack target",
    oracle_lag_create, oracle_destroy, oracle_tick, false
};

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
    uint32_t *n_rxqs;           /* On each PMD. */
    uint32_t *pmds;             /* By queue. */
    uint32_t row;               /* Next one of the trace to be seen. */
};

/* Where first fit puts a queue with this 'load'. */
static uint32_t
oracle_fit(const struct oracle *oracle, const struct sim *sim, uint32_t rxq,
           double load)
{
    uint32_t least = VMQ_NONE;

    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (!sim_numa_fits(sim, rxq, pmd)) {
            continue;
        }
        if (!oracle->n_rxqs[pmd]
            || oracle->pmd_loads[pmd] + load <= oracle->limit) {
            return pmd;
        }
        if (least == VMQ_NONE
            || oracle->pmd_loads[pmd] < oracle->pmd_loads[least]) {
            least = pmd;
        }
    }
    return least;
}

static void
oracle_pack(struct oracle *oracle, struct sim *sim)
{
    uint64_t at_ns = (sim->now_ns > oracle->lag_ns
                      ? sim->now_ns - oracle->lag_ns : 0);
    struct ranked *ranks;

    sim_true_rates(sim, at_ns, oracle->rates);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        oracle->loads[i] = oracle->rates[i] / sim->pmd_pps;
    }
    ranks = rank_queues(sim, oracle->loads);
    memset(oracle->pmd_loads, 0, sim->n_pmds * sizeof *oracle->pmd_loads);
    memset(oracle->n_rxqs, 0, sim->n_pmds * sizeof *oracle->n_rxqs);
    for (uint32_t k = 0; k < sim->n_rxqs; k++) {
        uint32_t pmd = oracle_fit(oracle, sim, ranks[k].index, ranks[k].load);

        oracle->pmds[ranks[k].index] = pmd;
        oracle->pmd_loads[pmd] += ranks[k].load;
        oracle->n_rxqs[pmd]++;
    }
    free(ranks);
}

/* When the oracle will have something new to see. */
static void
oracle_schedule(struct oracle *oracle, struct sim *sim)
{
    if (sim->options->ramp) {
        sim->tick_ns = sim->now_ns + ORACLE_RAMP_NS;
        return;
    }
    while (sim_row_ns(sim, oracle->row) + oracle->lag_ns <= sim->now_ns) {
        oracle->row++;
    }
    sim->tick_ns = sim_row_ns(sim, oracle->row) + oracle->lag_ns;
}

static void *
oracle_create__(struct sim *sim, uint32_t limit_bp, uint64_t lag_ns)
{
    struct oracle *oracle = vmq_xcalloc(1, sizeof *oracle);

    oracle->limit = limit_bp / (double) VMQ_BP + 1e-9;
    oracle->lag_ns = lag_ns;
    oracle->rates = vmq_xcalloc(sim->n_rxqs, sizeof *oracle->rates);
    oracle->loads = vmq_xcalloc(sim->n_rxqs, sizeof *oracle->loads);
    oracle->pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *oracle->pmd_loads);
    oracle->n_rxqs = vmq_xcalloc(sim->n_pmds, sizeof *oracle->n_rxqs);
    oracle->pmds = vmq_xcalloc(sim->n_rxqs, sizeof *oracle->pmds);
    oracle_pack(oracle, sim);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, oracle->pmds[i]);
    }
    sim->tick_ns = 0;
    return oracle;
}

static void *
oracle_create(struct sim *sim)
{
    return oracle_create__(sim, vmq_config_spread_bp(&sim->options->config),
                           0);
}

static void *
oracle_lag_create(struct sim *sim)
{
    const struct vmq_config *config = &sim->options->config;
    uint64_t lag_ms = config->spread_hold_ms + config->interval_ms;

    return oracle_create__(sim, vmq_config_pack_target_bp(config),
                           lag_ms * SIM_NS_PER_MS);
}

static void
oracle_destroy(void *oracle_)
{
    struct oracle *oracle = oracle_;

    free(oracle->rates);
    free(oracle->loads);
    free(oracle->pmd_loads);
    free(oracle->n_rxqs);
    free(oracle->pmds);
    free(oracle);
}

static void
oracle_tick(void *oracle_, struct sim *sim)
{
    struct oracle *oracle = oracle_;
    uint64_t begin_ns = sim_plan_begin();

    oracle_pack(oracle, sim);
    sim_plan_end(sim, begin_ns);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        if (oracle->pmds[i] != sim->rxqs[i].pmd) {
            sim_move(sim, i, oracle->pmds[i], SIM_OVERLOAD);
        }
    }
    oracle_schedule(oracle, sim);
}

const struct sim_policy sim_oracle_policy = {
    "oracle", "clairvoyant: at each moment the fewest PMDs, by first fit",
    oracle_create, oracle_destroy, oracle_tick, false, NULL
};
const struct sim_policy sim_oracle_lag_policy = {
    "oracle-lag", "the same, late by spread hold and interval, to pack target",
    oracle_lag_create, oracle_destroy, oracle_tick, false, NULL
};

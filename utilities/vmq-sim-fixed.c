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

/* Policies that decide once: what Open vSwitch does by itself. */

#include <config.h>
#include "vmq-sim-policies.h"

#include "vmq-sim-meter.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"

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

const struct sim_policy sim_single_policy = {
    "single", "no VMQ: one PMD polls everything",
    single_create, no_destroy, no_tick, true, NULL
};

void
sim_deal(struct sim *sim)
{
    uint32_t *order = vmq_xcalloc(sim->n_rxqs, sizeof *order);
    uint32_t *next = vmq_xcalloc(sim->n_pmds, sizeof *next);

    /* 'next' of the first PMD that fits a queue is where its node goes on. */
    sim_shuffle(sim, order, sim->n_rxqs);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t first = 0, pmd;

        while (!sim_numa_fits(sim, order[i], first)) {
            first++;
        }
        pmd = first + next[first];
        while (pmd >= sim->n_pmds || !sim_numa_fits(sim, order[i], pmd)) {
            pmd = pmd >= sim->n_pmds ? first : pmd + 1;
        }
        next[first] = pmd + 1 - first;
        sim_place(sim, order[i], pmd);
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

const struct sim_policy sim_static_policy = {
    "static", "all PMDs, round robin at the start",
    static_create, no_destroy, no_tick, true, NULL
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

const struct sim_policy sim_cycles_policy = {
    "cycles", "pmd-rxq-assign=cycles, after the first minute's loads",
    cycles_create, no_destroy, no_tick, true, NULL
};

void
sim_group(const struct sim *sim, const double *loads, uint32_t *pmds)
{
    struct ranked *ranks = rank_queues(sim, loads);
    double *pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *pmd_loads);
    uint32_t *n_rxqs = vmq_xcalloc(sim->n_pmds, sizeof *n_rxqs);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t rxq = ranks[i].index;
        uint32_t best = VMQ_NONE;

        for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
            if (sim_numa_fits(sim, rxq, pmd)
                && (best == VMQ_NONE
                    || (ranks[i].load > 0 ? pmd_loads[pmd] < pmd_loads[best]
                        : n_rxqs[pmd] < n_rxqs[best]))) {
                best = pmd;
            }
        }
        pmds[rxq] = best;
        pmd_loads[best] += ranks[i].load;
        n_rxqs[best]++;
    }
    free(ranks);
    free(pmd_loads);
    free(n_rxqs);
}

static void *
group_create(struct sim *sim)
{
    uint32_t *pmds = vmq_xcalloc(sim->n_rxqs, sizeof *pmds);
    double *loads = first_minute(sim);

    sim_group(sim, loads, pmds);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, pmds[i]);
    }
    free(pmds);
    free(loads);
    return NULL;
}

const struct sim_policy sim_group_policy = {
    "group", "pmd-rxq-assign=group, after the first minute's loads",
    group_create, no_destroy, no_tick, true, NULL
};

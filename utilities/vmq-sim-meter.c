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
#include "vmq-sim-meter.h"

#include <math.h>

#include "vmq-util.h"

static int
compare_ranked(const void *a_, const void *b_)
{
    const struct ranked *a = a_, *b = b_;

    if (a->load != b->load) {
        return a->load > b->load ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

struct ranked *
rank_queues(const struct sim *sim, const double *loads)
{
    struct ranked *ranks = vmq_xcalloc(sim->n_rxqs, sizeof *ranks);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        ranks[i] = (struct ranked) { .load = loads[i], .index = i };
    }
    qsort(ranks, sim->n_rxqs, sizeof *ranks, compare_ranked);
    return ranks;
}

void
meter_init(const struct sim *sim, struct meter *meter)
{
    meter->before = vmq_xcalloc(sim->n_rxqs, sizeof *meter->before);
    meter->loads = vmq_xcalloc(sim->n_rxqs, sizeof *meter->loads);
    meter->pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *meter->pmd_loads);
    meter->since_ns = 0;
    meter->changed = true;
}

void
meter_destroy(struct meter *meter)
{
    free(meter->before);
    free(meter->loads);
    free(meter->pmd_loads);
}

void
meter_read(const struct sim *sim, struct meter *meter)
{
    double elapsed_s = (sim->now_ns - meter->since_ns) / (double) SIM_NS_PER_S;

    meter->changed = false;
    memset(meter->pmd_loads, 0, sim->n_pmds * sizeof *meter->pmd_loads);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        const struct sim_rxq *rxq = &sim->rxqs[i];
        double packets = rxq->packets - meter->before[i];
        double load = (elapsed_s > 0 ? packets / sim->pmd_pps / elapsed_s
                       : 0);

        load = round(load / METER_UNIT) * METER_UNIT;
        meter->changed |= load != meter->loads[i];
        meter->loads[i] = load;
        meter->before[i] = rxq->packets;
        meter->pmd_loads[rxq->pmd] += meter->loads[i];
    }
    meter->since_ns = sim->now_ns;
}

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
meter_init(const struct sim *sim, struct meter *m)
{
    m->before = vmq_xcalloc(sim->n_rxqs, sizeof *m->before);
    m->loads = vmq_xcalloc(sim->n_rxqs, sizeof *m->loads);
    m->pmd_loads = vmq_xcalloc(sim->n_pmds, sizeof *m->pmd_loads);
    m->since_ns = 0;
    m->changed = true;
}

void
meter_destroy(struct meter *m)
{
    free(m->before);
    free(m->loads);
    free(m->pmd_loads);
}

void
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

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

/* pmd-auto-lb.
 *
 * Looks at every PMD each 5 s.  Once a minute, if any PMD was over the load
 * threshold 12 times in a row, assigns all queues anew ("group") by the loads
 * of the last minute, provided that the variance of the PMDs' loads would
 * shrink by 25 %.  Reloads the PMDs, which forget what they measured. */

#include <config.h>
#include "vmq-sim-policies.h"

#include "vmq-sim-meter.h"
#include "vmq-util.h"

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
    sim_group(sim, loads, pmds);
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

const struct sim_policy sim_auto_lb_policy = {
    "auto-lb", "pmd-auto-lb: load 95 %, improvement 25 %, each minute",
    auto_lb_create, auto_lb_destroy, auto_lb_tick, true
};
const struct sim_policy sim_auto_lb_tuned_policy = {
    "auto-lb-tuned", "pmd-auto-lb: load 70 %, improvement 25 %, each minute",
    auto_lb_tuned_create, auto_lb_destroy, auto_lb_tick, true
};

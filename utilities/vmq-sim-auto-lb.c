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
    struct auto_lb *alb = vmq_xcalloc(1, sizeof *alb);

    alb->threshold = threshold;
    meter_init(sim, &alb->meter);
    alb->history = vmq_xcalloc(sim->n_rxqs * ALB_INTERVALS,
                               sizeof *alb->history);
    alb->streaks = vmq_xcalloc(sim->n_pmds, sizeof *alb->streaks);
    sim_deal(sim);
    sim->tick_ns = sim_phase_ns(sim, ALB_INTERVAL_NS) + ALB_INTERVAL_NS;
    return alb;
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
auto_lb_destroy(void *alb_)
{
    struct auto_lb *alb = alb_;

    meter_destroy(&alb->meter);
    free(alb->history);
    free(alb->streaks);
    free(alb);
}

static double
variance(const double *values, uint32_t n)
{
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        squares += (values[i] - sum / n) * (values[i] - sum / n);
    }
    return squares / n;
}

static void
auto_lb_rebalance(struct auto_lb *alb, struct sim *sim)
{
    double *loads = vmq_xcalloc(sim->n_rxqs, sizeof *loads);
    uint32_t *pmds = vmq_xcalloc(sim->n_rxqs, sizeof *pmds);
    double *now = vmq_xcalloc(sim->n_pmds, sizeof *now);
    double *then = vmq_xcalloc(sim->n_pmds, sizeof *then);

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        for (int k = 0; k < ALB_INTERVALS; k++) {
            loads[i] += alb->history[i * ALB_INTERVALS + k] / ALB_INTERVALS;
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
                sim_move(sim, i, pmds[i], (now[from] >= alb->threshold
                                           ? SIM_OVERLOAD : SIM_WISH));
            }
        }
        memset(alb->history, 0,
               sim->n_rxqs * ALB_INTERVALS * sizeof *alb->history);
    }
    free(loads);
    free(pmds);
    free(now);
    free(then);
}

static void
auto_lb_tick(void *alb_, struct sim *sim)
{
    struct auto_lb *alb = alb_;
    bool overloaded = false;

    sim->tick_ns += ALB_INTERVAL_NS;
    meter_read(sim, &alb->meter);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        alb->history[i * ALB_INTERVALS + alb->n % ALB_INTERVALS]
            = alb->meter.loads[i];
    }
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        alb->streaks[pmd] = (alb->meter.pmd_loads[pmd] >= alb->threshold
                             ? alb->streaks[pmd] + 1 : 0);
        overloaded |= alb->streaks[pmd] >= ALB_INTERVALS;
    }
    if (++alb->n % ALB_INTERVALS == 0) {
        if (overloaded) {
            uint64_t begin_ns = sim_plan_begin();

            auto_lb_rebalance(alb, sim);
            sim_plan_end(sim, begin_ns);
        }
    }
}

const struct sim_policy sim_auto_lb_policy = {
    "auto-lb", "pmd-auto-lb: load 95 %, improvement 25 %, each minute",
    auto_lb_create, auto_lb_destroy, auto_lb_tick, true, NULL
};
const struct sim_policy sim_auto_lb_tuned_policy = {
    "auto-lb-tuned", "pmd-auto-lb: load 70 %, improvement 25 %, each minute",
    auto_lb_tuned_create, auto_lb_destroy, auto_lb_tick, true, NULL
};

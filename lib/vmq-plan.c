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

/* What a plan is, and the order of its passes. */

#include <config.h>
#include "vmq-planner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmq-util.h"

void
vmq_plan_init(struct vmq_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->verdict = VMQ_VERDICT_EMPTY;
}

void
vmq_plan_destroy(struct vmq_plan *plan)
{
    free(plan->moves);
    free(plan->pmds);
    free(plan->work);
    free(plan->offers);
    vmq_plan_init(plan);
}

/* Makes '*dst' say what '*src' says. */
void
vmq_plan_copy(struct vmq_plan *dst, const struct vmq_plan *src)
{
    dst->generation = src->generation;
    dst->verdict = src->verdict;
    dst->hurry = src->hurry;
    dst->n_weighed = src->n_weighed;
    dst->n_moves = src->n_moves;
    dst->moves = vmq_reserve(dst->moves, &dst->allocated_moves, src->n_moves,
                             sizeof *dst->moves);
    for (uint32_t i = 0; i < src->n_moves; i++) {
        dst->moves[i] = src->moves[i];
    }
    dst->n_pmds = src->n_pmds;
    dst->pmds = vmq_reserve(dst->pmds, &dst->allocated_pmds, src->n_pmds,
                            sizeof *dst->pmds);
    for (uint32_t i = 0; i < src->n_pmds; i++) {
        dst->pmds[i] = src->pmds[i];
    }
}

/* What a plan that has moves does: the first of these that a PMD does. */
static const enum vmq_verdict deeds[] = {
    VMQ_VERDICT_SPREAD, VMQ_VERDICT_EVACUATE, VMQ_VERDICT_COALESCE,
};

/* What an overloaded PMD needs most and does not get. */
static const enum vmq_verdict wants[] = {
    VMQ_VERDICT_NO_CREDIT, VMQ_VERDICT_NO_DESTINATION, VMQ_VERDICT_ELEPHANT,
    VMQ_VERDICT_IMMOBILE,
};

/* What the plan as a whole comes to: what it does or, if it does nothing, what
 * most needs doing. */
static enum vmq_verdict
overall_verdict(const struct planner *planner)
{
    const struct vmq_plan *plan = planner->plan;
    uint32_t i, k;

    for (k = 0; plan->n_moves && k < sizeof deeds / sizeof *deeds; k++) {
        for (i = 0; i < plan->n_pmds; i++) {
            if (plan->pmds[i].verdict == deeds[k]) {
                return deeds[k];
            }
        }
    }
    for (k = 0; k < sizeof wants / sizeof *wants; k++) {
        for (i = 0; i < plan->n_pmds; i++) {
            if (plan->pmds[i].verdict == wants[k]
                && vmq_planner_is_overloaded(planner, i)) {
                return wants[k];
            }
        }
    }
    for (i = 0; i < plan->n_pmds; i++) {
        if (planner->snapshot->pmds[i].settling
            && vmq_planner_is_overloaded(planner, i)) {
            return VMQ_VERDICT_SETTLING;
        }
    }
    return VMQ_VERDICT_BALANCED;
}

/* Relieves the PMDs with an edge.  All else has time until the next tick. */
static void
run_edges(struct planner *planner)
{
    for (uint32_t g = 0; g < planner->n_groups; g++) {
        vmq_planner_spread(planner, g);
    }
}

static void
run_passes(struct planner *planner)
{
    struct planner_numa *groups = planner->numas;
    uint32_t g;

    /* What the operator wants comes first, relief second: all groups share
     * 'max_moves'. */
    for (g = 0; g < planner->n_groups; g++) {
        groups[g].busy = vmq_planner_evacuate(planner, g);
    }
    for (g = 0; g < planner->n_groups; g++) {
        groups[g].busy = groups[g].busy || vmq_planner_spread(planner, g);
    }
    for (uint32_t numa = 0; numa < planner->n_numas; numa++) {
        if (!groups[planner->config->cross_numa ? 0 : numa].busy) {
            vmq_planner_wake(planner, numa);
        }
    }
    for (g = 0; g < planner->n_groups; g++) {
        if (!groups[g].busy) {
            vmq_planner_coalesce(planner, g);
        }
    }
}

void
vmq_plan_compute(const struct vmq_snapshot *snapshot,
                 const struct vmq_config *config,
                 const struct vmq_ledger *ledger, struct vmq_plan *plan)
{
    struct planner planner = {
        .snapshot = snapshot, .config = config, .ledger = ledger, .plan = plan,
        .edges = vmq_snapshot_has_edge(snapshot),
    };

    if (!vmq_planner_begin(&planner)) {
        return;
    }
    if (!snapshot->n_pmds || !snapshot->n_rxqs) {
        plan->verdict = VMQ_VERDICT_EMPTY;
    } else if (!snapshot->window_cycles
               || (!planner.edges
                   && snapshot->window_ms < config->spread_hold_ms)) {
        plan->verdict = VMQ_VERDICT_WARMING;
    } else if (planner.edges) {
        plan->hurry = true;
        run_edges(&planner);
        plan->verdict = overall_verdict(&planner);
    } else {
        run_passes(&planner);
        plan->verdict = overall_verdict(&planner);
    }
    vmq_planner_end(&planner);
}

/* Time stolen from a PMD, as a share of the window, that is worth a word. */
#define STOLEN_BP 1000

/* Appends "N WHATs WHY" to '*why' if 'n' is not 0. */
static void
add_reason(char **why, uint32_t n, const char *what, const char *text)
{
    if (n) {
        char *longer = vmq_xasprintf("%s%s%"PRIu32" %s%s %s",
                                     *why ? *why : "", *why ? ", " : "",
                                     n, what, n > 1 ? "s" : "", text);

        free(*why);
        *why = longer;
    }
}

char *
vmq_plan_why(const struct vmq_plan *plan, const struct vmq_snapshot *snapshot,
             uint32_t n_errors)
{
    static const enum vmq_verdict hindrances[] = {
        VMQ_VERDICT_NO_DESTINATION, VMQ_VERDICT_ELEPHANT,
        VMQ_VERDICT_IMMOBILE, VMQ_VERDICT_NO_CREDIT, VMQ_VERDICT_NO_FIT,
    };
    uint32_t n_stolen = 0;
    char *why = NULL;

    if (plan->verdict == VMQ_VERDICT_BALANCED) {
        for (size_t k = 0; k < sizeof hindrances / sizeof *hindrances; k++) {
            uint32_t n = 0;

            for (uint32_t i = 0; i < plan->n_pmds; i++) {
                n += plan->pmds[i].verdict == hindrances[k];
            }
            add_reason(&why, n, "PMD", vmq_verdict_name(hindrances[k]));
        }
        for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
            n_stolen += (snapshot->pmds[i].stolen_cycles
                         > vmq_mul_div(snapshot->window_cycles, STOLEN_BP,
                                       VMQ_BP));
        }
        add_reason(&why, n_stolen, "PMD", "short of CPU time");
        add_reason(&why, n_errors, "setting", "wrong");
    }
    return why ? why : vmq_xasprintf("%s", vmq_verdict_text(plan->verdict));
}

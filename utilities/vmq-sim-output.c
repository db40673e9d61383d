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
#include "vmq-sim-output.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "vmq-config.h"
#include "vmq-util.h"

static double
lost_ppm(const struct sim_result *result)
{
    return (result->offered_packets > 0
            ? result->lost_packets * 1e6 / result->offered_packets : 0);
}

/* One figure of a result. */
struct figure {
    const char *name;
    double value;
    bool integer;
};

#define N_FIGURES 20

static void
get_figures(const struct sim_job *job, const struct sim_result *oracle,
            struct figure figures[N_FIGURES])
{
    const struct sim_result *result = &job->result;
    const struct figure all[N_FIGURES] = {
        { "queues", job->options.trace->n_queues, true },
        { "pmds", job->options.n_pmds, true },
        { "seconds", result->seconds, false },
        { "offered_packets", result->offered_packets, true },
        { "lost_packets", result->lost_packets, true },
        { "lost_ppm", lost_ppm(result), false },
        { "unavoidable_lost_packets", result->unavoidable_lost_packets, true },
        { "delay_p50_us", result->delay_p50_us, false },
        { "delay_p99_us", result->delay_p99_us, false },
        { "pmd_seconds", result->pmd_seconds, false },
        { "pmd_seconds_oracle", oracle->pmd_seconds, false },
        { "mean_active_pmds", result->pmd_seconds / result->seconds, false },
        { "moves", result->moves, true },
        { "pingpongs", result->pingpongs, true },
        { "forced_returns", result->forced_returns, true },
        { "max_moves_per_queue_minute", result->max_moves_per_queue_minute,
          true },
        { "overload_seconds", result->overload_seconds, false },
        { "plan_us_mean", result->plan_us_mean, false },
        { "plan_us_max", result->plan_us_max, false },
        { "eased_returns", result->eased_returns, true },
    };

    memcpy(figures, all, sizeof all);
}

static json_t *
figures_to_json(const struct sim_job *job, const struct sim_result *oracle)
{
    struct figure figures[N_FIGURES];
    json_t *json = json_object();

    get_figures(job, oracle, figures);
    json_object_set_new(json, "policy", json_string(job->policy->name));
    for (int i = 0; i < N_FIGURES; i++) {
        const struct figure *figure = &figures[i];
        double value = figure->value;

        json_object_set_new(json, figure->name,
                            figure->integer ? json_integer(llround(value))
                            : json_real(value));
    }
    return json;
}

static void
print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
    json_decref(json);
}

static void
print_csv(const struct sim_job *jobs, size_t n_jobs,
          const struct sim_result *oracle)
{
    struct figure figures[N_FIGURES];

    for (size_t i = 0; i < n_jobs; i++) {
        get_figures(&jobs[i], oracle, figures);
        if (!i) {
            printf("policy");
            for (int k = 0; k < N_FIGURES; k++) {
                printf(",%s", figures[k].name);
            }
            putchar('\n');
        }
        printf("%s", jobs[i].policy->name);
        for (int k = 0; k < N_FIGURES; k++) {
            printf(figures[k].integer ? ",%.0f" : ",%.10g",
                   figures[k].value);
        }
        putchar('\n');
    }
}

static void
print_text(const struct sim_job *jobs, size_t n_jobs,
           const struct sim_result *oracle)
{
    const struct sim_result *first = &jobs[0].result;

    printf("%"PRIu32" queues, %"PRIu32" PMDs, %.0f s, %.4g packets offered, "
           "%.4g of them lost unavoidably\n\n",
           jobs[0].options.trace->n_queues, jobs[0].options.n_pmds,
           first->seconds, first->offered_packets,
           first->unavoidable_lost_packets);
    printf("%-14s %7s %7s %10s %9s %9s %8s %6s %6s %6s %9s %8s\n",
           "", "PMDs", "PMD-s", "lost", "overload", "delay99", "moves",
           "ping-", "forced", "moves", "plan", "plan");
    printf("%-14s %7s %7s %10s %9s %9s %8s %6s %6s %6s %9s %8s\n",
           "policy", "(mean)", "/oracle", "(ppm)", "(PMD-s)", "(us)", "",
           "pongs", "ret.", "/q/min", "mean(us)", "max(us)");
    for (size_t i = 0; i < n_jobs; i++) {
        const struct sim_result *result = &jobs[i].result;

        printf("%-14s %7.3f %7.3f %10.2f %9.1f %9.2f %8"PRIu64" %6"PRIu64
               " %6"PRIu64" %6"PRIu32" %9.1f %8.0f\n",
               jobs[i].policy->name, result->pmd_seconds / result->seconds,
               result->pmd_seconds / oracle->pmd_seconds, lost_ppm(result),
               result->overload_seconds, result->delay_p99_us, result->moves,
               result->pingpongs, result->forced_returns,
               result->max_moves_per_queue_minute,
               result->plan_us_mean, result->plan_us_max);
    }
}

void
sim_write_timeline(const char *file_name, const struct sim_job *jobs,
                   size_t n_jobs, const struct sim_result *oracle)
{
    FILE *file = fopen(file_name, "w");

    if (!file) {
        sim_fatal("%s: %s", file_name, strerror(errno));
    }
    fprintf(file, "policy,time_s,offered_pmds,oracle_pmds,active_pmds,"
            "lost_packets,moves");
    for (uint32_t pmd = 0; pmd < jobs[0].options.n_pmds; pmd++) {
        fprintf(file, ",load_%"PRIu32, pmd);
    }
    fputc('\n', file);
    for (size_t k = 0; k < n_jobs; k++) {
        const struct sim_result *result = &jobs[k].result;
        double period_s = result->seconds / SIM_N_PERIODS;
        uint32_t n_pmds = jobs[k].options.n_pmds;

        for (uint32_t i = 0; i < SIM_N_PERIODS; i++) {
            const struct sim_period *period = &result->periods[i];

            fprintf(file, "%s,%.6g,%.4f,%.4f,%.4f,%.0f,%.0f",
                    jobs[k].policy->name, i * period_s,
                    period->offered / period_s,
                    oracle->periods[i].active / period_s,
                    period->active / period_s, period->lost, period->moves);
            for (uint32_t pmd = 0; pmd < n_pmds; pmd++) {
                if (result->actives[i * n_pmds + pmd] > 0) {
                    fprintf(file, ",%.4f",
                            result->loads[i * n_pmds + pmd] / period_s);
                } else {
                    fputc(',', file);
                }
            }
            fputc('\n', file);
        }
    }
    if (fclose(file)) {
        sim_fatal("%s: %s", file_name, strerror(errno));
    }
}

void
sim_print(const struct sim_args *args, const struct sim_job *jobs, size_t n,
          const struct sim_result *oracle)
{
    if (args->format == SIM_FORMAT_JSON) {
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
            json_array_append_new(array, figures_to_json(&jobs[i], oracle));
        }
        print_json(array);
    } else if (args->format == SIM_FORMAT_CSV) {
        print_csv(jobs, n, oracle);
    } else {
        print_text(jobs, n, oracle);
    }
}

/* Sweep. */

/* Is 'a' more than 'b', by more than what rounding makes of equal ones? */
static bool
is_more(double a, double b)
{
    return a > b * (1 + 1e-9);
}

/* Is 'a' at least as good as 'b' in all of PMD-seconds, lost packets and
 * moves, and better in one? */
static bool
dominates(const struct sim_result *a, const struct sim_result *b)
{
    return (!is_more(a->pmd_seconds, b->pmd_seconds)
            && !is_more(a->lost_packets, b->lost_packets)
            && a->moves <= b->moves
            && (is_more(b->pmd_seconds, a->pmd_seconds)
                || is_more(b->lost_packets, a->lost_packets)
                || a->moves < b->moves));
}

static bool
is_on_frontier(const struct sim_job *jobs, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        if (dominates(&jobs[k].result, &jobs[i].result)) {
            return false;
        }
    }
    return true;
}

static void
print_sweep_text(const struct sim_args *args, const struct sim_job *jobs,
                 size_t n)
{
    const struct sim_result *oracle = &jobs[n].result;

    for (size_t k = 0; k < args->n_sweep; k++) {
        printf("%s%s", k ? " " : "",
               args->sweep[k].setting->key + strlen("pmd-vmq-"));
    }
    printf("   PMD-s/oracle    lost(ppm)      moves  pingpongs  frontier\n");
    for (size_t i = 0; i < n; i++) {
        const struct sim_result *result = &jobs[i].result;

        for (size_t k = 0; k < args->n_sweep; k++) {
            const char *key = args->sweep[k].setting->key;

            printf("%s%*s", k ? " " : "",
                   (int) (strlen(key) - strlen("pmd-vmq-")),
                   sim_sweep_value(args, i, k));
        }
        printf("   %12.4f %12.2f %10"PRIu64" %10"PRIu64"  %s\n",
               result->pmd_seconds / oracle->pmd_seconds, lost_ppm(result),
               result->moves, result->pingpongs,
               is_on_frontier(jobs, n, i) ? "*" : "");
    }
}

static void
print_sweep_json(const struct sim_args *args, const struct sim_job *jobs,
                 size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *json = figures_to_json(&jobs[i], &jobs[n].result);
        json_t *set = json_object();

        for (size_t k = 0; k < args->n_sweep; k++) {
            json_object_set_new(set, args->sweep[k].setting->key,
                                json_string(sim_sweep_value(args, i, k)));
        }
        json_object_set_new(json, "set", set);
        json_object_set_new(json, "frontier",
                            json_boolean(is_on_frontier(jobs, n, i)));
        json_array_append_new(array, json);
    }
    print_json(array);
}

void
sim_print_sweep(const struct sim_args *args, const struct sim_job *jobs,
                size_t n)
{
    if (args->format == SIM_FORMAT_JSON) {
        print_sweep_json(args, jobs, n);
    } else if (args->format == SIM_FORMAT_CSV) {
        print_csv(jobs, n, &jobs[n].result);
    } else {
        print_sweep_text(args, jobs, n);
    }
}

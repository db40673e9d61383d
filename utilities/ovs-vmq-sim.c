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

/* ovs-vmq-sim: replays loads of receive queues against policies.  See
 * ovs-vmq-sim(1). */

#include <config.h>

#include <errno.h>

#include "vmq-sim-args.h"
#include "vmq-sim-jobs.h"
#include "vmq-sim-output.h"
#include "vmq-util.h"

/* The simulation counts nanoseconds, in 64 bits. */
#define MIN_SECONDS 1e-3
#define MAX_SECONDS 1e9

#define MAX_GRID 10000

/* Plays the policies, and the oracle in any case: it is what PMD-seconds are
 * compared with. */
static void
play(const struct sim_args *args)
{
    size_t n = args->n_policies;
    struct sim_job *jobs = vmq_xcalloc(n + 1, sizeof *jobs);
    const struct sim_policy *oracle = sim_policy_find("oracle");
    const struct sim_result *best = NULL;

    for (size_t i = 0; i <= n; i++) {
        jobs[i].options = args->options;
        jobs[i].policy = i < n ? args->policies[i] : oracle;
        if (jobs[i].policy == oracle && !best) {
            best = &jobs[i].result;
        }
    }

    bool extra = best == &jobs[n].result;
    sim_jobs_run(jobs, n + extra, args->n_threads);
    if (args->timeline_file) {
        sim_write_timeline(args->timeline_file, jobs, n, best);
    }
    sim_print(args, jobs, n, best);
    for (size_t i = 0; i <= n; i++) {
        sim_result_destroy(&jobs[i].result);
    }
    free(jobs);
}

static void
play_sweep(const struct sim_args *args)
{
    struct sim_job *jobs;
    size_t n = 1;

    for (size_t k = 0; k < args->n_sweep; k++) {
        n *= args->sweep[k].n_values;
        if (n > MAX_GRID) {
            sim_fatal("--sweep: the grid has more than %d points",
                      MAX_GRID);
        }
    }
    jobs = vmq_xcalloc(n + 1, sizeof *jobs);
    for (size_t i = 0; i <= n; i++) {
        jobs[i].options = args->options;
        jobs[i].policy = sim_policy_find(i < n ? "vmq" : "oracle");
        if (i < n) {
            sim_sweep_set(args, i, &jobs[i].options.config);
        }
    }
    sim_jobs_run(jobs, n + 1, args->n_threads);
    sim_print_sweep(args, jobs, n);
    for (size_t i = 0; i <= n; i++) {
        sim_result_destroy(&jobs[i].result);
    }
    free(jobs);
}

static void
play_trace(struct sim_args *args)
{
    struct vmq_trace trace;
    char *error = vmq_trace_read(args->trace_file, &trace);
    double seconds;

    if (error) {
        sim_fatal("%s", error);
    }
    seconds = trace.end_s / args->options.speedup;
    if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
        sim_fatal("%s: it would take %g s, which is not from %g to %g",
                  args->trace_file, seconds, MIN_SECONDS, MAX_SECONDS);
    }
    args->options.trace = &trace;
    args->options.n_periods = args->timeline_file ? SIM_N_PERIODS : 0;
    if (args->n_sweep) {
        play_sweep(args);
    } else {
        play(args);
    }
    vmq_trace_destroy(&trace);
}

int
main(int argc, char *argv[])
{
    struct sim_args args;

    memset(&args, 0, sizeof args);
    sim_args_parse(&args, argc, argv);
    if (args.snapshot_file) {
        char *error = sim_explain(args.snapshot_file, args.overrides,
                                  args.n_overrides,
                                  args.format == SIM_FORMAT_JSON, stdout);

        if (error) {
            sim_fatal("%s", error);
        }
    } else {
        play_trace(&args);
    }
    sim_args_destroy(&args);
    if (fflush(stdout) || ferror(stdout)) {
        sim_fatal("standard output: %s", strerror(errno));
    }
    return EXIT_SUCCESS;
}

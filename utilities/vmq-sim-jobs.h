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

#ifndef VMQ_SIM_JOBS_H
#define VMQ_SIM_JOBS_H 1

/* Runs of simulations, several at a time. */

#include <stddef.h>

#include "vmq-sim.h"

/* One run: a policy with settings. */
struct sim_job {
    struct sim_options options;
    const struct sim_policy *policy;
    struct sim_result result;
    double done;                /* From 0 to 1. */
    struct crew *crew;
};

/* Runs all of 'jobs', in 'n_threads' threads, 0 for as many as there are CPUs.
 * Says on a terminal how far that is. */
void sim_jobs_run(struct sim_job *jobs, size_t n_jobs, unsigned int n_threads);

#endif /* vmq-sim-jobs.h */

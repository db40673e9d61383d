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

#ifndef VMQ_SIM_OUTPUT_H
#define VMQ_SIM_OUTPUT_H 1

/* What ovs-vmq-sim prints and writes about the results of its runs. */

#include <stddef.h>

#include "vmq-sim-args.h"
#include "vmq-sim-jobs.h"

/* Rows of a timeline: as many as a wide picture has columns. */
#define SIM_N_PERIODS 2000

/* Prints the results of 'jobs', beside that of the oracle. */
void sim_print(const struct sim_args *, const struct sim_job *jobs,
               size_t n_jobs, const struct sim_result *oracle);
/* Prints the results of the 'n' runs of a sweep.  In 'jobs' one of the oracle
 * follows. */
void sim_print_sweep(const struct sim_args *, const struct sim_job *jobs,
                     size_t n);
/* Writes what happened over time into the file of --timeline. */
void sim_write_timeline(const char *file_name, const struct sim_job *jobs,
                        size_t n_jobs, const struct sim_result *oracle);

#endif /* vmq-sim-output.h */

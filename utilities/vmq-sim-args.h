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

#ifndef VMQ_SIM_ARGS_H
#define VMQ_SIM_ARGS_H 1

/* The command line of ovs-vmq-sim, and the end of it when there is something
 * wrong. */

#include <stdbool.h>
#include <stddef.h>

#include "vmq-sim.h"
#include "vmq-sim-explain.h"
#include "vmq-util.h"

#define SIM_MAX_SWEEP_KEYS 4

enum sim_format { SIM_FORMAT_TEXT, SIM_FORMAT_JSON, SIM_FORMAT_CSV };

/* A setting and all of the values that it is to have. */
struct sim_sweep_key {
    const struct vmq_setting *setting;
    char **values;
    size_t n_values;
};

struct sim_args {
    const char *trace_file;
    const char *snapshot_file;
    const char *timeline_file;
    struct sim_options options;
    int32_t *numa_ids;
    const struct sim_policy **policies;
    size_t n_policies;
    struct sim_sweep_key sweep[SIM_MAX_SWEEP_KEYS];
    size_t n_sweep;
    struct sim_override *overrides;     /* By --set. */
    size_t n_overrides;
    enum sim_format format;
    unsigned int n_threads;
};

/* Ends the program if an argument is wrong, or after --help and --version. */
void sim_args_parse(struct sim_args *, int argc, char *argv[]);
void sim_args_destroy(struct sim_args *);

/* The value of key number 'key' of the sweep in run 'i'. */
const char *sim_sweep_value(const struct sim_args *, size_t i, size_t key);
/* Sets all keys of the sweep to their values in run 'i'. */
void sim_sweep_set(const struct sim_args *, size_t i, struct vmq_config *);

/* Prints an error message and ends the program. */
void sim_fatal(const char *format, ...)
    VMQ_PRINTF_FORMAT(1, 2) __attribute__((__noreturn__));

#endif /* vmq-sim-args.h */

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

#ifndef VMQ_SIM_EXPLAIN_H
#define VMQ_SIM_EXPLAIN_H 1

/* What would the planner do?
 *
 * Reads the output of dpif-netdev/vmq-show --json, plans on it, and prints
 * what dpif-netdev/vmq-explain would have printed at that moment; with other
 * settings, what it would print with those. */

#include <stdbool.h>
#include <stdio.h>

#include "vmq-config.h"

/* A setting that takes the place of the switch's own. */
struct sim_override {
    const struct vmq_setting *setting;
    const char *value;
};

/* Explains to 'file' what is in 'file_name', "-" for standard input.  Returns
 * NULL if successful, otherwise a malloc()'d error message, one line that
 * begins with 'file_name'. */
char *sim_explain(const char *file_name, const struct sim_override *,
                  size_t n_overrides, bool json, FILE *file);

#endif /* vmq-sim-explain.h */

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

/* All policies, in the order in which they are shown. */

#include <config.h>
#include "vmq-sim-policies.h"

#include "vmq-util.h"

const struct sim_policy *const sim_policies[] = {
    &sim_single_policy,
    &sim_static_policy,
    &sim_cycles_policy,
    &sim_group_policy,
    &sim_auto_lb_policy,
    &sim_auto_lb_tuned_policy,
    &sim_rsspp_policy,
    &sim_vmq_policy,
    &sim_vmq_nocredit_policy,
    &sim_oracle_policy,
    &sim_oracle_lag_policy,
};
const unsigned int sim_n_policies = (sizeof sim_policies
                                     / sizeof sim_policies[0]);

const struct sim_policy *
sim_policy_find(const char *name)
{
    for (unsigned int i = 0; i < sim_n_policies; i++) {
        if (!strcmp(sim_policies[i]->name, name)) {
            return sim_policies[i];
        }
    }
    return NULL;
}

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

#ifndef VMQ_SIM_POLICIES_H
#define VMQ_SIM_POLICIES_H 1

/* Policies for simulated hosts, and what they have in common: dynamic VMQ and
 * what it is compared with, that is, what Open vSwitch can do by itself, the
 * strongest published peer, and the clairvoyant ones.  All but dynamic VMQ are
 * written from descriptions of what they do. */

#include "vmq-sim.h"

extern const struct sim_policy sim_single_policy;
extern const struct sim_policy sim_static_policy;
extern const struct sim_policy sim_cycles_policy;
extern const struct sim_policy sim_group_policy;
extern const struct sim_policy sim_auto_lb_policy;
extern const struct sim_policy sim_auto_lb_tuned_policy;
extern const struct sim_policy sim_rsspp_policy;
extern const struct sim_policy sim_vmq_policy;
extern const struct sim_policy sim_vmq_nocredit_policy;
extern const struct sim_policy sim_oracle_policy;
extern const struct sim_policy sim_oracle_lag_policy;

/* Deals all queues to all PMDs of their NUMA nodes in turn, as a switch that
 * knows nothing about them does when it starts. */
void sim_deal(struct sim *);

/* Stores in 'pmds' the PMD of each queue that pmd-rxq-assign=group would
 * choose: the busiest queue first, each to the PMD that has least to do so
 * far; a queue without load to the PMD with the fewest queues. */
void sim_group(const struct sim *, const double *loads, uint32_t *pmds);

#endif /* vmq-sim-policies.h */

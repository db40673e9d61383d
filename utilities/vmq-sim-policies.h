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

/* Policies for simulated hosts: see sim_policies[] in vmq-sim.h. */

#include "vmq-sim.h"

/* In vmq-sim-vmq.c: the planner of the switch itself. */
extern const struct sim_policy sim_vmq_policy;
extern const struct sim_policy sim_vmq_nocredit_policy;

/* Deals all queues to all PMDs of their NUMA nodes in turn, as a switch that
 * knows nothing about them does when it starts. */
void sim_deal(struct sim *);

#endif /* vmq-sim-policies.h */

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

#ifndef VMQ_SIM_NOISE_H
#define VMQ_SIM_NOISE_H 1

/* What disturbs a simulated host if --noise asks for it: see "Noise" in
 * vmq-sim.h. */

#include "vmq-sim.h"

/* Has the first preemption of each PMD come. */
void sim_noise_init(struct sim *);

/* When a preemption begins or ends next; SIM_NEVER without noise. */
uint64_t sim_noise_next_ns(const struct sim *);

/* Begins and ends the preemptions of now. */
void sim_noise_advance(struct sim *);

/* By how many packets a count of 'packets' is off. */
double sim_noise_count(struct sim *, double packets);

#endif /* vmq-sim-noise.h */

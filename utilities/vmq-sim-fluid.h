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

#ifndef VMQ_SIM_FLUID_H
#define VMQ_SIM_FLUID_H 1

/* What becomes of packets on a simulated host: see "Model" in vmq-sim.h. */

#include "vmq-sim.h"

static inline double
sim_elapsed_s(uint64_t ns)
{
    return ns / (double) SIM_NS_PER_S;
}

/* Finds out on which PMDs packets wait from now on. */
void sim_find_waiting(struct sim *);

/* Lets time pass until 'end_ns', during which loads are constant. */
void sim_advance(struct sim *, uint64_t end_ns);

/* The delay, in microseconds, that a 'share' of the packets that were not lost
 * did not exceed; 0 if there were none. */
double sim_delay_quantile_us(const struct sim *, double share);

#endif /* vmq-sim-fluid.h */

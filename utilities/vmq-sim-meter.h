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

#ifndef VMQ_SIM_METER_H
#define VMQ_SIM_METER_H 1

/* What policies of simulated hosts can measure, and the order of that. */

#include "vmq-sim.h"

/* A queue, or a PMD, and how busy it is. */
struct ranked {
    double load;                /* In PMDs. */
    uint32_t index;
};

/* Returns all queues, the busiest first. */
struct ranked *rank_queues(const struct sim *, const double *loads);

/* Measuring: what each queue had processed, for the difference to later.
 *
 * Loads are multiples of METER_UNIT, less than a packet of a light queue.
 * Otherwise, between queues or PMDs that are as busy, what is rounded in sums
 * of different length would decide, which depends on the ticks left out. */
#define METER_UNIT 1e-7         /* In PMDs. */

struct meter {
    double *before;             /* Packets, by queue. */
    double *loads;              /* In PMDs, by queue. */
    double *pmd_loads;          /* Sums. */
    uint64_t since_ns;
    bool changed;               /* Is any load not what it was? */
};

void meter_init(const struct sim *, struct meter *);
void meter_destroy(struct meter *);
/* Measures the loads since the last time. */
void meter_read(const struct sim *, struct meter *);

#endif /* vmq-sim-meter.h */

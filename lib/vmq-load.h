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

#ifndef VMQ_LOAD_H
#define VMQ_LOAD_H 1

/* How much a PMD has to do, and can do, by a windowed snapshot.
 *
 * Loads are shares of one undisturbed PMD.  They are summed up in millionths
 * ("_ppm"): in basis points, rounding would lose 2 % of a PMD with 250 nearly
 * idle queues.  Sums of loads fit 64 bits.
 *
 * Thread-safety: values only. */

#include "vmq-config.h"
#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMQ_PPM 1000000

/* The load of a queue that took 'cycles' in the snapshot's window. */
uint64_t vmq_cycles_to_ppm(const struct vmq_snapshot *, uint64_t cycles);

/* The load of queue 'rxq'. */
uint32_t vmq_rxq_load_bp(const struct vmq_snapshot *, uint32_t rxq);

/* What is planned for: the load of queue 'rxq' now, and that in 'slot' of its
 * history, or the reserve of its port if that is more. */
uint64_t vmq_rxq_planned_ppm(const struct vmq_snapshot *, uint32_t rxq);
static inline uint32_t
vmq_rxq_planned_slot_bp(const struct vmq_rxq *rxq, uint32_t slot)
{
    return (rxq->history_bp[slot] > rxq->reserve_bp
            ? rxq->history_bp[slot] : rxq->reserve_bp);
}

/* What PMD 'pmd' has to give: all but what is stolen from it, never 0. */
uint32_t vmq_pmd_capacity_bp(const struct vmq_snapshot *, uint32_t pmd);
uint64_t vmq_pmd_capacity_ppm(const struct vmq_snapshot *, uint32_t pmd);

/* 'load_ppm' in terms of 'capacity_ppm', in basis points. */
static inline uint32_t
vmq_pressure_bp(uint64_t load_ppm, uint64_t capacity_ppm)
{
    uint64_t bp = load_ppm * VMQ_BP / capacity_ppm;

    return bp < UINT32_MAX ? bp : UINT32_MAX;
}

/* Returns true if PMD 'pmd' is over the spread threshold, in terms of the
 * capacity that it has, or cannot keep up. */
bool vmq_pmd_overloaded(const struct vmq_snapshot *,
                        const struct vmq_config *, uint32_t pmd);

#ifdef __cplusplus
}
#endif

#endif /* vmq-load.h */

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

#include <config.h>
#include "vmq-load.h"

#include "vmq-util.h"

/* Returns the part of the window that 'cycles' are, in basis points. */
static uint32_t
share_bp(const struct vmq_snapshot *snapshot, uint64_t cycles)
{
    uint64_t bp = vmq_mul_div(cycles, VMQ_BP, snapshot->window_cycles);

    return bp < UINT32_MAX ? bp : UINT32_MAX;
}

uint64_t
vmq_cycles_to_ppm(const struct vmq_snapshot *snapshot, uint64_t cycles)
{
    uint64_t ppm = vmq_mul_div(cycles, VMQ_PPM, snapshot->window_cycles);

    return ppm < UINT32_MAX ? ppm : UINT32_MAX;
}

uint32_t
vmq_rxq_load_bp(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    return share_bp(snapshot, snapshot->rxqs[rxq].cycles);
}

uint64_t
vmq_rxq_planned_ppm(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    const struct vmq_rxq *q = &snapshot->rxqs[rxq];
    uint64_t reserve_ppm = (uint64_t) q->reserve_bp * (VMQ_PPM / VMQ_BP);
    uint64_t load_ppm = vmq_cycles_to_ppm(snapshot, q->cycles);

    return load_ppm > reserve_ppm ? load_ppm : reserve_ppm;
}

uint32_t
vmq_pmd_capacity_bp(const struct vmq_snapshot *snapshot, uint32_t pmd)
{
    uint32_t stolen_bp = share_bp(snapshot,
                                  snapshot->pmds[pmd].stolen_cycles);

    return stolen_bp < VMQ_BP ? VMQ_BP - stolen_bp : 1;
}

uint64_t
vmq_pmd_capacity_ppm(const struct vmq_snapshot *snapshot, uint32_t pmd)
{
    return ((uint64_t) vmq_pmd_capacity_bp(snapshot, pmd)
            * (VMQ_PPM / VMQ_BP));
}

bool
vmq_pmd_overloaded(const struct vmq_snapshot *snapshot,
                   const struct vmq_config *config, uint32_t pmd)
{
    uint64_t load_ppm = 0;

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &snapshot->rxqs[i];

        if (rxq->pmd == pmd) {
            if (rxq->backlog) {
                return true;
            }
            load_ppm += vmq_rxq_planned_ppm(snapshot, i);
        }
    }
    return (vmq_pressure_bp(load_ppm, vmq_pmd_capacity_ppm(snapshot, pmd))
            >= vmq_config_spread_bp(config));
}

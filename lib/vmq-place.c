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
#include "vmq-place.h"

#include <stdlib.h>
#include <string.h>

#include "vmq-load.h"
#include "vmq-util.h"

/* The slots of the history, and now. */
#define N_MOMENTS (VMQ_HISTORY_SLOTS + 1)

/* What is planned for with queue 'rxq' now. */
static uint32_t
load_now_bp(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    return vmq_rxq_planned_ppm(snapshot, rxq) / (VMQ_PPM / VMQ_BP);
}

/* Returns the load of queue 'rxq' at 'moment', 0 being now.  Of the time
 * before its birth, assumes the worst that it has shown since. */
static uint32_t
load_at_bp(const struct vmq_snapshot *snapshot, uint32_t rxq, uint32_t moment,
           uint32_t highest_bp)
{
    const struct vmq_rxq *q = &snapshot->rxqs[rxq];

    return (!moment ? load_now_bp(snapshot, rxq)
            : moment <= q->n_history ? vmq_rxq_planned_slot_bp(q, moment - 1)
            : highest_bp);
}

static uint32_t
highest_load_bp(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    const struct vmq_rxq *q = &snapshot->rxqs[rxq];
    uint32_t highest_bp = load_now_bp(snapshot, rxq);

    for (uint32_t i = 0; i < q->n_history; i++) {
        uint32_t load_bp = vmq_rxq_planned_slot_bp(q, i);

        highest_bp = load_bp > highest_bp ? load_bp : highest_bp;
    }
    return highest_bp;
}

void
vmq_place_init(struct vmq_place *place, const struct vmq_snapshot *snapshot,
               const struct vmq_config *config)
{
    uint64_t *moments = vmq_xcalloc((size_t) snapshot->n_pmds * N_MOMENTS,
                                    sizeof *moments);
    uint64_t sum_bp = 0;
    uint32_t n_rxqs = 0;

    memset(place, 0, sizeof *place);
    place->n_pmds = snapshot->window_cycles ? snapshot->n_pmds : 0;
    place->pmds = vmq_xcalloc(place->n_pmds, sizeof *place->pmds);
    place->target_bp = vmq_config_pack_target_bp(config);

    for (uint32_t i = 0; i < place->n_pmds; i++) {
        place->pmds[i].core_id = snapshot->pmds[i].core_id;
        place->pmds[i].numa_id = snapshot->pmds[i].numa_id;
        place->pmds[i].capacity_bp = vmq_pmd_capacity_bp(snapshot, i);
        place->pmds[i].isolated = snapshot->pmds[i].isolated;
    }
    for (uint32_t i = 0; place->n_pmds && i < snapshot->n_rxqs; i++) {
        uint32_t pmd = snapshot->rxqs[i].pmd;
        uint32_t highest_bp = highest_load_bp(snapshot, i);

        if (pmd == VMQ_NONE) {
            continue;
        }
        for (uint32_t k = 0; k < N_MOMENTS; k++) {
            moments[(size_t) pmd * N_MOMENTS + k]
                += load_at_bp(snapshot, i, k, highest_bp);
        }
        place->pmds[pmd].active = true;
        sum_bp += highest_bp;
        n_rxqs++;
    }
    for (size_t k = 0; k < (size_t) place->n_pmds * N_MOMENTS; k++) {
        struct vmq_place_pmd *pmd = &place->pmds[k / N_MOMENTS];

        pmd->load_bp = moments[k] > pmd->load_bp ? moments[k] : pmd->load_bp;
    }
    free(moments);

    place->expected_bp = n_rxqs ? sum_bp / n_rxqs : 0;
    if (place->expected_bp < VMQ_PLACE_MIN_BP) {
        place->expected_bp = VMQ_PLACE_MIN_BP;
    }
}

void
vmq_place_destroy(struct vmq_place *place)
{
    free(place->pmds);
    memset(place, 0, sizeof *place);
}

/* Returns how much load 'pmd' has room for beyond 'load_bp' more, negative if
 * there is no room for that. */
static int64_t
room_bp(const struct vmq_place *place, const struct vmq_place_pmd *pmd,
        uint32_t load_bp)
{
    return ((int64_t) ((uint64_t) place->target_bp * pmd->capacity_bp / VMQ_BP)
            - (int64_t) (pmd->load_bp + load_bp));
}

uint32_t
vmq_place_rxq(struct vmq_place *place, int32_t numa_id, uint32_t core_id,
              uint32_t reserve_bp)
{
    struct vmq_place_pmd *active = NULL, *parked = NULL, *own_choice = NULL;
    uint32_t load_bp = (place->expected_bp > reserve_bp ? place->expected_bp
                        : reserve_bp);

    for (uint32_t i = 0; i < place->n_pmds; i++) {
        struct vmq_place_pmd *pmd = &place->pmds[i];

        if (pmd->core_id == core_id) {
            own_choice = pmd;
        }
        if (pmd->isolated || pmd->numa_id != numa_id
            || room_bp(place, pmd, load_bp) < 0) {
            continue;
        } else if (!pmd->active) {
            parked = !parked || pmd == own_choice ? pmd : parked;
        } else if (!active || (room_bp(place, pmd, load_bp)
                               > room_bp(place, active, load_bp))) {
            active = pmd;
        }
    }

    struct vmq_place_pmd *best = (active ? active : parked ? parked
                                  : own_choice);

    if (best) {
        best->active = true;
        best->load_bp += load_bp;
        core_id = best->core_id;
    }
    return core_id;
}

void
vmq_place_remove(struct vmq_place *place, uint32_t core_id)
{
    for (uint32_t i = 0; i < place->n_pmds; i++) {
        if (place->pmds[i].core_id == core_id) {
            place->pmds[i].core_id = VMQ_NONE;
            place->pmds[i].isolated = true;
        }
    }
}

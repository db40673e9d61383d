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

#ifndef VMQ_PLACE_H
#define VMQ_PLACE_H 1

/* Placement: which PMD polls a receive queue that has none yet.
 *
 * Motivation
 * ==========
 *
 * The switch's own assignment gives a new queue to the PMD that has least to
 * do, which is one that is parked.  One port that is added now and then would
 * keep PMDs awake that dynamic VMQ has just freed.
 *
 * Model
 * =====
 *
 * Nothing is known of the load of a new queue.  It is expected to be the mean
 * of the highest loads that the queues of the host have had in the slow view,
 * and at least VMQ_PLACE_MIN_BP.  A PMD has room for it if its load in that
 * view, at its highest moment, and the expected load are not over the pack
 * target of its capacity.  Of the active PMDs of the queue's NUMA node that
 * have room, the one with most room polls the queue.  If there is none, it is
 * a parked PMD, the switch's own choice if that has room.  If no PMD has room,
 * or nothing has been measured, the switch's own choice stands.
 *
 * Each placement counts as load for those after it, so that a hundred ports
 * that come at once do not all go to one PMD.
 *
 * Usage
 * =====
 *
 *     struct vmq_place place;
 *
 *     vmq_place_init(&place, &snapshot, &config);
 *     ...for each new queue, which the switch would give to 'core_id'...
 *     core_id = vmq_place_rxq(&place, numa_id, core_id, 0);
 *     vmq_place_destroy(&place);
 *
 * Thread-safety
 * =============
 *
 * A placement is plain memory with one owner. */

#include "vmq-config.h"
#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Load that a new queue is expected to have at least.  At zero, any number of
 * queues would fit beside idle ones; at 10 %, an idle PMD had room for seven
 * new queues only. */
#define VMQ_PLACE_MIN_BP 100

struct vmq_place_pmd {
    uint32_t core_id;
    int32_t numa_id;
    uint32_t capacity_bp;
    uint64_t load_bp;           /* Highest moment of the slow view, and what
                                 * has been placed here. */
    bool active;                /* Polls queues. */
    bool isolated;
};

struct vmq_place {
    struct vmq_place_pmd *pmds;
    uint32_t n_pmds;
    uint32_t expected_bp;       /* Of a new queue. */
    uint32_t target_bp;         /* Of a PMD's capacity. */
};

/* Begins to place queues on a host that looked like 'snapshot' (windowed)
 * before. */
void vmq_place_init(struct vmq_place *, const struct vmq_snapshot *,
                    const struct vmq_config *);
void vmq_place_destroy(struct vmq_place *);

/* Returns the core whose PMD is to poll a new queue that may be polled on NUMA
 * node 'numa_id': 'core_id', which is the choice of the switch, unless there
 * is a better one.  'reserve_bp' is to be kept free for it, 0 if none. */
uint32_t vmq_place_rxq(struct vmq_place *, int32_t numa_id, uint32_t core_id,
                       uint32_t reserve_bp);

/* Places nothing on core 'core_id' from now on: its PMD is not there any
 * more. */
void vmq_place_remove(struct vmq_place *, uint32_t core_id);

#ifdef __cplusplus
}
#endif

#endif /* vmq-place.h */

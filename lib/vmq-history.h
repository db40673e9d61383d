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

#ifndef VMQ_HISTORY_H
#define VMQ_HISTORY_H 1

/* History: the moves of the past.
 *
 * Ports and PMDs may be gone since, so that all of it is values.  The oldest
 * move is forgotten when there are VMQ_HISTORY_LEN.
 *
 * Thread-safety
 * =============
 *
 * Of the engine that has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmq-move.h"
#include "vmq-plan.h"
#include "vmq-snapshot.h"

#ifdef  __cplusplus
extern "C" {
#endif

/* How long the stages of a relief took that came before its moves, one after
 * the other.  All zero if no edge was its cause. */
struct vmq_stages {
    bool edge;
    uint64_t edge_ns;           /* Packets waited until it was raised... */
    uint64_t wake_ns;           /* ...until it was looked at... */
    uint64_t plan_ns;           /* ...until there was a plan. */
};

/* One move of the past. */
struct vmq_past_move {
    long long int when_ms;      /* Wall clock. */
    uint64_t serial;            /* 1 for the first move ever. */
    char *port;
    uint32_t qid;
    uint32_t from_core, to_core;
    enum vmq_reason reason;
    enum vmq_return ret;
    uint32_t load_bp;           /* Of the queue. */
    uint32_t from_bp, to_bp;    /* Of the PMDs, before. */
    uint32_t from_capacity_bp;  /* What the source had to give. */
    uint32_t from_after_bp, to_after_bp;        /* As predicted. */
    uint32_t price_mc;
    bool overdraft;
    struct vmq_result result;
    struct vmq_stages stages;
};

/* At about 200 bytes each this is 50 kB a
 * datapath; a busy switch overwrites it in
 * seconds, an ordinary one in days. */
#define VMQ_HISTORY_LEN 256

/* All zeros is an empty one. */
struct vmq_history {
    struct vmq_past_move moves[VMQ_HISTORY_LEN];
    uint64_t n;                 /* Ever. */
};

void vmq_history_destroy(struct vmq_history *);
void vmq_history_add(struct vmq_history *, const char *dp_name,
                     const struct vmq_snapshot *, const struct vmq_plan *,
                     const struct vmq_move *, enum vmq_return,
                     const struct vmq_result *, const struct vmq_stages *);
size_t vmq_history_count(const struct vmq_history *);
const struct vmq_past_move *vmq_history_get(const struct vmq_history *,
                                            size_t age);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-history.h */

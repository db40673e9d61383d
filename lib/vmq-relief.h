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

#ifndef VMQ_RELIEF_H
#define VMQ_RELIEF_H 1

/* Relief: what the engine knows of the edges that it looks at.
 *
 * Motivation
 * ==========
 *
 * A PMD thread raises an edge when packets have waited for pmd-vmq-edge.  The
 * engine then takes two samples that follow each other closely and plans by
 * what they say, see vmq-edge.h.  That costs CPU time, and anybody who sends
 * packets can raise edges.  So there is a budget.
 *
 * Budget
 * ======
 *
 * VMQ_RELIEF_SHARE-th of a CPU is put by, up to VMQ_RELIEF_MAX_NS, and used up
 * by glances, plans and copies of flows.  While nothing is left, edges are
 * deferred.  What one glance takes is known afterward only, so that the budget
 * can be overdrawn, which delays the next.
 *
 * Over any time W, all of this thus takes no more than
 *
 *     W / VMQ_RELIEF_SHARE + VMQ_RELIEF_MAX_NS + one relief
 *
 * Thread-safety
 * =============
 *
 * Of the engine that has it. */

#include <stdbool.h>
#include <stdint.h>

#include "vmq-plan.h"
#include "vmq-snapshot.h"

#ifdef  __cplusplus
extern "C" {
#endif

#define VMQ_RELIEF_SHARE 10

/* About a dozen of reliefs that copy a few hundred flows each. */
#define VMQ_RELIEF_MAX_NS INT64_C(20000000)

/* When an edge came, by the clock of the datapath, in ns; 0 if not known. */
struct vmq_edge_times {
    uint64_t waited_ns;         /* From the first packets that waited until it
                                 * was raised... */
    uint64_t raised_ns;         /* ...and when that was. */
};

struct vmq_relief {
    /* The samples of the glance under way, and what is planned by it. */
    bool glances;               /* 'first' has been taken... */
    unsigned int n_looks;       /* ...and 'second' so many times... */
    struct vmq_edge_times times;    /* ...with the first edges of these. */
    struct vmq_snapshot first, second, snapshot;
    struct vmq_snapshot looked; /* The sample of the last tick; of a PMD that
                                 * was looked at since, that of then. */
    struct vmq_plan plan;

    int64_t budget_ns;
    uint64_t budget_at_ns;      /* What has been put by until then. */
    bool deferred;              /* The edge that waits has been counted. */
};

void vmq_relief_init(struct vmq_relief *);
void vmq_relief_destroy(struct vmq_relief *);
bool vmq_relief_may_begin(struct vmq_relief *, uint64_t now_ns);
void vmq_relief_spend(struct vmq_relief *, uint64_t used_ns);
uint64_t vmq_relief_wait_ns(const struct vmq_relief *);

bool vmq_relief_looked(struct vmq_relief *, const struct vmq_edge_times *);
uint64_t vmq_relief_catch_up_ns(struct vmq_relief *,
                                const struct vmq_snapshot *last, uint32_t i);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-relief.h */

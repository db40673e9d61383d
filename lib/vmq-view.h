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

#ifndef VMQ_VIEW_H
#define VMQ_VIEW_H 1

/* Views: what an engine knew at one moment.
 *
 * Motivation
 * ==========
 *
 * Writing a reply about thousands of queues takes milliseconds.  Queues must
 * not wait for it, nor the main thread for whoever moves queues.  So what a
 * command shows are values that nobody changes while it has them, and nobody
 * has a lock meanwhile.
 *
 * Usage
 * =====
 *
 * The engine fills in 'views->next' and publishes it, with no copying of what
 * is large: the one before is filled in next, unless somebody still looks at
 * it.
 *
 *     ...fill in views->next...
 *     vmq_views_publish(&views);
 *
 * Others:
 *
 *     const struct vmq_view *view = vmq_views_get(&views);
 *     if (view) {
 *         ...show it, say how old it is...
 *         vmq_views_put(&views, view);
 *     }
 *
 * When something has happened that whoever asks next has to see, the view is
 * withdrawn: there is none until another is published.  So it is when somebody
 * has had it: who asks often sees what is new each time.
 *
 * Memory
 * ======
 *
 * Two views, and those that somebody still looks at.  They are counted, not
 * left to RCU: while the main thread is frozen no grace period ends, and ten
 * views a second would pile up.
 *
 * Thread-safety
 * =============
 *
 * Any thread may call vmq_views_get(), vmq_views_put() and
 * vmq_views_withdraw().  The rest is the engine's, whose caller has one thread
 * at a time use it.  The mutex is held for a few instructions, and nothing
 * else is locked meanwhile. */

#include <stdbool.h>
#include <stdint.h>

#include "ovs-thread.h"
#include "vmq-config.h"
#include "vmq-credit.h"
#include "vmq-hist.h"
#include "vmq-move.h"
#include "vmq-plan.h"
#include "vmq-snapshot.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct vmq_totals {
    uint64_t n_ticks;
    uint64_t n_late;            /* Ticks more than one interval late. */
    uint64_t n_stale;           /* Samples dropped. */
    uint64_t n_verdicts[VMQ_N_VERDICTS];
    uint64_t n_outcomes[VMQ_N_OUTCOMES];
    uint64_t n_returns[VMQ_N_RETURNS];
    uint64_t flows_warmed;
    uint64_t flows_skipped;
    uint64_t n_edges;           /* How often any were looked at... */
    uint64_t n_edges_futile;    /* ...and nothing was to be done... */
    uint64_t n_edges_deferred;  /* ...and how often not at once. */
    uint64_t n_edges_preempted; /* PMDs that were let catch up. */
    uint64_t n_waits;           /* Of the main thread, for moves to end... */
    uint64_t wait_ns_max;       /* ...the longest. */
};

struct vmq_view {
    unsigned int n_users;       /* Those that have it, with the views' mutex
                                 * held. */
    const char *dp_name;
    long long int taken_ms;     /* When, as time_msec() has it. */
    bool asked_for;             /* Of the moment at which it was asked for. */
    bool on;
    bool paused;
    struct vmq_config config;
    char **setting_errors;      /* By index in vmq_settings[]. */
    struct vmq_totals totals;
    struct vmq_hist ticks;      /* CPU time in ns, moves apart. */
    struct vmq_hist blackouts;  /* In ns, of moves...  */
    struct vmq_hist preempted;  /* ...and of 'preempted' ones. */
    uint32_t n_moving;          /* Under way. */
    struct vmq_snapshot raw;    /* Cumulative counters. */
    struct vmq_ledger *ledger;

    bool measured;              /* There is a window, and thus are: */
    struct vmq_snapshot snapshot;       /* Windowed. */
    struct vmq_plan plan;       /* What the planner thinks of it. */
};

struct vmq_views {
    char *dp_name;
    struct vmq_view *next;      /* Nobody else looks at it. */
    struct ovs_mutex mutex;
    struct vmq_view *last OVS_GUARDED;  /* The one published last... */
    bool withdrawn OVS_GUARDED;         /* ...and is not to be had. */
};

void vmq_views_init(struct vmq_views *, const char *dp_name);
void vmq_views_destroy(struct vmq_views *);
void vmq_views_publish(struct vmq_views *);
void vmq_views_withdraw(struct vmq_views *);
const struct vmq_view *vmq_views_get(struct vmq_views *);
const struct vmq_view *vmq_views_get_last(struct vmq_views *);
void vmq_views_put(struct vmq_views *, const struct vmq_view *);
const struct vmq_view *vmq_views_last(const struct vmq_views *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-view.h */

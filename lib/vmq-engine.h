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


#ifndef VMQ_ENGINE_H
#define VMQ_ENGINE_H 1

/* Engine: runs dynamic VMQ for one datapath.
 *
 * Motivation
 * ==========
 *
 * The datapath can measure and move receive queues, the planner can decide.
 * The engine is what calls them in turn: when the sampling interval has passed
 * it collects a snapshot, lets the window turn it into loads, plans, has the
 * datapath apply the plan, and tells the ledger and the window what became of
 * it.  It also keeps what people want to know afterward: a history of moves,
 * counters of every verdict and outcome, and what is wrong with a setting.
 *
 * Usage
 * =====
 *
 *     engine = vmq_engine_create("ovs-netdev", &ops, dp);
 *     if (vmq_engine_set_config(engine, other_config)) {
 *         ...VMQ was turned on or off...
 *     }
 *     for (;;) {
 *         vmq_engine_run(engine, time_msec());
 *         vmq_engine_wait(engine);
 *         poll_block();
 *     }
 *
 * Being late
 * ==========
 *
 * Who runs the engine may not get a CPU for a while.  A tick never catches up:
 * the next one is an interval after this one.  Late samples are counted, those
 * too late to mean anything are dropped by the window.
 *
 * Moves take time
 * ===============
 *
 * The datapath carries out one plan at a time, over several runs of the
 * engine.  Meanwhile the engine goes on measuring, but plans nothing, and
 * keeps what an operator wants moved until it is its turn.
 *
 * What became of that is an answer, which waits in the engine until somebody
 * takes it, because the operator's connection is another thread's.
 *
 * Edges
 * =====
 *
 * When a PMD has raised an edge (vmq-edge.h), no moves are under way, and the
 * budget (vmq-relief.h) allows it, the engine takes a sample at once and asks
 * to be called again VMQ_GLANCE_NS later, when it takes another one and plans
 * by the two.  Neither is a tick: the window does not see them.
 *
 * Views
 * =====
 *
 * What a tick finds is published, see vmq-view.h, so that commands can show it
 * while the engine goes on.  It is withdrawn when moves begin or end, and when
 * settings change: what is asked next is seen anew.
 *
 * Memory
 * ======
 *
 * A tick asks for none unless something has been added: snapshots and plans
 * keep what they had.  It is not the asking that costs, but that the first
 * large request after much has been freed, such as what it took to write to
 * the database, makes glibc merge all of that: 20 ms were seen, with 2,048
 * ports, in a tick that took 3 otherwise.  qsort() is such a request, too.
 *
 * Thread-safety
 * =============
 *
 * The caller has one thread at a time use an engine, but for
 * vmq_answers_deliver(), which uses none, and vmq_engine_get_view(),
 * vmq_engine_put_view() and vmq_engine_withdraw_view(), which any thread may
 * call at any time.  No function blocks. */

#include <stdbool.h>
#include <stddef.h>
#include "vmq-config.h"
#include "vmq-credit.h"
#include "vmq-edge.h"
#include "vmq-history.h"
#include "vmq-move.h"
#include "vmq-plan.h"
#include "vmq-place.h"
#include "vmq-relief.h"
#include "vmq-snapshot.h"
#include "vmq-view.h"
#include "vmq-window.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct ovs_list;
struct smap;
struct vmq_engine;

/* The datapath, as the engine sees it. */
struct vmq_datapath_ops {
    /* Fills in the (initialized, empty) raw snapshot. */
    void (*collect)(void *dp, struct vmq_snapshot *raw);

    /* Begins to carry out 'plan', which was computed on 'snapshot', if the
     * assignment of queues has not changed since.  'results' has an element
     * for each move, zeroed.  They are filled in by the time that 'advance'
     * returns true. */
    void (*apply)(void *dp, const struct vmq_snapshot *snapshot,
                  const struct vmq_plan *plan, struct vmq_result *results);

    /* Goes on with that, for no longer than about a millisecond.  Returns true
     * if all moves have ended. */
    bool (*advance)(void *dp);

    /* Returns whether a PMD has raised an edge that was not taken.  Other
     * threads may call it. */
    bool (*has_edges)(const void *dp);

    /* Takes the edges: has 'raw', which was collected just now, say which PMDs
     * have raised one, and '*times' when that was. */
    void (*take_edges)(void *dp, struct vmq_snapshot *raw,
                       struct vmq_edge_times *times);

    /* Forgets the edges that there are: what they were about may be no more.
     * A PMD that needs relief raises another soon. */
    void (*forget_edges)(void *dp);

    /* Tells the PMD on core 'core_id', whose edge was taken, whether it is to
     * be relieved.  If not, it waits longer before it raises the next, and
     * 'catch_up_ns' at least unless that is 0 or more than the spread hold. */
    void (*answer_edge)(void *dp, uint32_t core_id, bool relieved,
                        uint64_t catch_up_ns);
};

/* What became of an operator's moves: 'n_moved' queues were moved, the others
 * were there; or, with an 'error', which is the engine's, not all of them. */
typedef void vmq_moved_cb(void *aux, size_t n_moved, const char *error);

/* For the datapath. */
struct vmq_engine *vmq_engine_create(const char *dp_name,
                                     const struct vmq_datapath_ops *,
                                     void *dp);
void vmq_engine_destroy(struct vmq_engine *);
bool vmq_engine_set_config(struct vmq_engine *,
                           const struct smap *other_config);
bool vmq_engine_is_on(const struct vmq_engine *);
bool vmq_engine_crosses_numa(const struct vmq_engine *);
const struct vmq_config *vmq_engine_config(const struct vmq_engine *);
bool vmq_engine_glances(const struct vmq_engine *);
void vmq_engine_place(const struct vmq_engine *, struct vmq_place *);
bool vmq_engine_run(struct vmq_engine *, long long int now_ms);
void vmq_engine_wait(struct vmq_engine *);
void vmq_engine_count_wait(struct vmq_engine *, uint64_t wait_ns);
void vmq_engine_give_up(struct vmq_engine *, const char *why);
size_t vmq_engine_n_requests(const struct vmq_engine *);
bool vmq_engine_has_answers(const struct vmq_engine *);
void vmq_engine_take_answers(struct vmq_engine *, struct ovs_list *answers);
void vmq_answers_deliver(struct ovs_list *answers);

/* For the commands. */
const struct vmq_view *vmq_engine_get_view(struct vmq_engine *);
const struct vmq_view *vmq_engine_new_view(struct vmq_engine *);
void vmq_engine_put_view(struct vmq_engine *, const struct vmq_view *);
void vmq_engine_withdraw_view(struct vmq_engine *);
const struct vmq_history *vmq_engine_history(const struct vmq_engine *);
void vmq_engine_set_paused(struct vmq_engine *, bool);
char *vmq_engine_move(struct vmq_engine *, const struct vmq_request *,
                      size_t n_requests, vmq_moved_cb *, void *aux);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-engine.h */

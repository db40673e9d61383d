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

#ifndef VMQ_WINDOW_H
#define VMQ_WINDOW_H 1

/* Window: from a series of cumulative counters to loads over a window.
 *
 * Motivation
 * ==========
 *
 * The counters of the datapath only ever grow.  A decision needs differences,
 * over a time that is long enough to mean something, of queues and PMDs that
 * come, go and change places in between.  All of the bookkeeping for that is
 * here, so that the datapath can be as simple as to read its counters, and the
 * planner as simple as to look at a snapshot.
 *
 * Model
 * =====
 *
 * vmq_window_add() takes in a raw snapshot, a "sample".  What counts is the
 * difference between it and the one before.  That goes to two windows:
 *
 *    - The fast one, over the spread hold, is a ring of buckets.  A bucket
 *      takes samples until it is one interval or 1/14 of the hold long,
 *      whichever is more.  The oldest bucket is dropped as soon as the others
 *      cover the hold.  So 300 ms in samples of 100 ms are 3 buckets, and 10 s
 *      are 13 or 14 of 800 ms each.
 *
 *    - The slow one, over the coalesce hold, is for each queue a history of
 *      loads in slots of 1/20 of the hold: the mean over the slot or, if that
 *      is more, the highest that the load in the fast window has been in it.
 *      (Otherwise a burst that is shorter than a slot overloads a PMD in the
 *      fast view and is not there in the slow one, so that queues would be
 *      spread and coalesced in turn as long as there are bursts.)  A slot is
 *      complete with the first sample that reaches its end; that sample
 *      belongs to it as a whole.  The slots of all queues begin and end
 *      together.  If the interval is longer than a slot should be, then slots
 *      are one interval long and each counts as several, so that
 *      VMQ_HISTORY_SLOTS always stand for the hold.
 *
 * What a sample says that PMDs and queues used is in vmq-measure.h.
 *
 * A queue has a backlog if each of the last 3 samples looks like one (or all
 * that the spread hold has, if fewer).
 *
 * Being late
 * ==========
 *
 * A sample that comes late is as good as any other, only longer, up to the
 * point at which its mean says little about now.  Then it is dropped and the
 * fast window starts anew; the complete slots of the history stay.  That point
 * is the spread hold plus 2 intervals, 10 intervals, or 1 second, whichever is
 * most.
 *
 * Clocks
 * ======
 *
 * A sample is dropped in the same way if a clock went backward, or if the TSC
 * was not steady (see vmq-measure.h).  A TSC that leaps makes two such
 * samples, since the one after the leap differs from it.
 *
 * Moves
 * =====
 *
 * A queue's history travels with it: after a move, the load it had before
 * counts for its new PMD.  This is right, as far as it goes, and until it has
 * been replaced by what was measured after the move, the PMDs that took part
 * are "settling".
 *
 * A PMD that queues have left to coalesce, and that has movable queues left,
 * is "evacuating": the rest should follow.  That ends when they have, when a
 * queue moves to that PMD, when anything on its NUMA node has to be spread,
 * or when there has been no progress for 5 s (or for a spread hold and 3
 * intervals, if that is more).
 *
 * Invariants
 * ==========
 *
 * W1. With a sample every interval, 'window_ms' reaches the spread hold with
 *     sample number ceil(spread hold / interval) after the first and from then
 *     on is never less, and less than one bucket more.
 *
 * W2. Each packet and each cycle counted by a queue that lives on is in
 *     exactly one bucket and in exactly one slot, or in neither because its
 *     sample was stale.
 *
 * W3. What a windowed snapshot says of a queue does not depend on which other
 *     queues, ports or PMDs exist, nor on their order, except through the time
 *     stolen from its PMD.
 *
 * W4. A queue's history has an entry only for slots through which it lived as
 *     a whole.
 *
 * W5. A windowed snapshot is valid, if the raw ones were.
 *
 * W6. If no port, queue or PMD comes or goes, taking a sample allocates no
 *     memory, nor does filling in the same snapshot as after the sample
 *     before.  It always takes time in proportion to the number of queues
 *     and PMDs.
 *
 * Usage
 * =====
 *
 *     struct vmq_window *window = vmq_window_create();
 *
 *     ...every interval...
 *     vmq_window_add(window, &config, &raw);
 *     if (vmq_window_snapshot(window, &config, &snapshot)) {
 *         ...plan on 'snapshot', apply the plan...
 *         vmq_window_commit(window, &config, &snapshot, plan.moves,
 *                           plan.n_moves, outcomes);
 *     }
 *
 * Not handled
 * ===========
 *
 * A queue that dies, and another one with the same port number, port name and
 * queue number whose counters have already passed those of the first, within
 * one interval.  Nothing but a wrong load for one spread hold comes of it.
 *
 * Thread-safety
 * =============
 *
 * A window has no lock: one thread uses it. */

#include "vmq-config.h"
#include "vmq-move.h"
#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmq_window *vmq_window_create(void);
void vmq_window_destroy(struct vmq_window *);

enum vmq_sample_status {
    VMQ_SAMPLE_OK,              /* Counted. */
    VMQ_SAMPLE_FIRST,           /* Nothing to subtract from yet. */
    VMQ_SAMPLE_LATE,            /* Counted, but over 2 intervals in coming. */
    VMQ_SAMPLE_STALE            /* Far too late: dropped, a new start. */
};

/* Takes in the next 'raw' snapshot, which must be valid.  If 'config' differs
 * from last time in what concerns one of the windows, that one starts anew. */
enum vmq_sample_status vmq_window_add(struct vmq_window *,
                                      const struct vmq_config *,
                                      const struct vmq_snapshot *raw);

/* The latest one, empty if there was none.  Good until the next one. */
const struct vmq_snapshot *vmq_window_last(const struct vmq_window *);

/* Replaces the contents of '*snapshot' by the windowed snapshot as of the
 * latest sample.  Returns false if there are fewer than two samples, not
 * counting what was before a stale one: then '*snapshot' says which PMD polls
 * what, and no loads.  A window that is not full yet shows as 'window_ms'
 * below the spread hold: the planner then has the verdict
 * VMQ_VERDICT_WARMING. */
bool vmq_window_snapshot(const struct vmq_window *, const struct vmq_config *,
                         struct vmq_snapshot *snapshot);

/* Tells the window what became of 'moves', which were planned on the snapshot
 * ('outcomes' has an element for each): the PMDs of applied moves settle for
 * one spread hold, an evacuation that is not complete is remembered. */
void vmq_window_commit(struct vmq_window *, const struct vmq_config *,
                       const struct vmq_snapshot *,
                       const struct vmq_move *moves, uint32_t n_moves,
                       const enum vmq_outcome *outcomes);

#ifdef __cplusplus
}
#endif

#endif /* vmq-window.h */

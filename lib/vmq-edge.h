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

#ifndef VMQ_EDGE_H
#define VMQ_EDGE_H 1

/* Edge: a snapshot for relief at once.
 *
 * Motivation
 * ==========
 *
 * A load that rises within a moment fills a ring of 1,024 descriptors in a
 * fraction of a millisecond.  The mean over the spread hold, 300 ms, shows it
 * when hundreds of thousands of packets have been lost.  So a PMD thread tells
 * when a queue has had whole batches to give in each iteration for
 * pmd-vmq-edge: it raises an edge.  What its queues need is then measured over
 * a fraction of a millisecond, and the planner relieves it by that.
 *
 * Model
 * =====
 *
 * Two raw samples that follow each other closely are a "glance".  What they
 * say is put into the windowed snapshot of the last tick, scaled as if the
 * window had been like that all the time:
 *
 *    - for a PMD with an edge and its queues,
 *
 *    - and for any other PMD and its queues if these took more, all together,
 *      in the glance than in the window.  A short time shows too little of a
 *      queue as often as too much of it; a destination that is taken to be
 *      too busy costs less than one that is.
 *
 * A queue has a backlog if it looks like one in the glance, by the rule that
 * vmq-measure.h has for samples, and its PMD has an edge.  No PMD settles: the
 * glance has seen what the last moves have done.
 *
 * How much time was stolen from a PMD, and the history of queues, is not to be
 * seen in so short a time, and stays as it was (no more can have been stolen
 * than the PMD has charged).
 *
 * A PMD charges its cycles when an iteration ends, and those of a queue with
 * each batch.  Where packets cost so much that an iteration takes longer than
 * a glance, as with thousands of cycles for each of 32 packets of several
 * queues, a glance shows all of a batch or none.  It therefore lasts until
 * each PMD with an edge has polled VMQ_GLANCE_POLLS times, though not forever:
 * a PMD whose iteration has not ended in all of it is taken to be busy.
 *
 * Catching up
 * ===========
 *
 * A PMD that had no CPU for a while finds full rings when it is back, and has
 * whole batches until they are empty.  If it can do what its queues need, that
 * is no overload: by the time that a queue is polled elsewhere, little is left
 * to do there.  What came in the meantime, S, is caught up with in
 *
 *     S * load / (1 - load)
 *
 * where the load is that of the window.  Only a PMD that still has an edge
 * after this time is relieved.  For example, 2 ms without a CPU at 60 % make 3
 * ms, in which it does what came in 5 ms.
 *
 * Invariants
 * ==========
 *
 * E1. The queues of a PMD without an edge never take less, all together, than
 *     in the window.
 *
 * E2. A glance in which no time has passed changes no load.
 *
 * E3. The result is valid, if the three that it was made of were.
 *
 * E4. Only what a glance shows depends on it: flows and history are those of
 *     the snapshot; where queues are and whether they may move, and whether
 *     PMDs are isolated, is what the second sample says.
 *
 * Not handled
 * ===========
 *
 * Queues that come or go: the next tick sees them.
 *
 * Stolen time of less than two iterations: what a PMD has charged is as of the
 * end of its last one, the CPU time of its thread as of now.
 *
 * When exactly a PMD had no CPU: all that was stolen since it was looked at,
 * or since the last tick, counts as if it were to be caught up with still, and
 * nothing that was stolen before.
 *
 * Thread-safety
 * =============
 *
 * Plain memory with one owner. */

#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long a glance is.  At 600 cycles a packet, a PMD processes 1,000 of them
 * in 250 us, which is about 30 batches: fewer say little about which queue
 * needs what, more lose packets. */
#define VMQ_GLANCE_NS 250000

/* How many polls of one of its queues say enough about a PMD with an edge, and
 * how many times VMQ_GLANCE_NS are waited for them at most. */
#define VMQ_GLANCE_POLLS 3
#define VMQ_GLANCES_MAX 16

/* Has what is between the raw samples 'first' and 'second' enough of each PMD
 * with an edge, as 'second' has edges?  True if no time has passed, which
 * shows nothing anyway. */
bool vmq_edge_seen_enough(const struct vmq_snapshot *first,
                          const struct vmq_snapshot *second);

/* Puts what the raw samples 'first' and 'second' say into 'snapshot', the
 * windowed one of the last tick, which may have no window yet.  Returns false
 * if they are not about the same PMDs and queues, or queues have been assigned
 * anew between the two: then '*snapshot' is undefined. */
bool vmq_edge_glance(struct vmq_snapshot *snapshot,
                     const struct vmq_snapshot *first,
                     const struct vmq_snapshot *second);

/* No PMD is given more time than this to catch up. */
#define VMQ_CATCH_UP_MAX_NS 20000000

/* How long PMD 'pmd' takes from now on, at most VMQ_CATCH_UP_MAX_NS, to catch
 * up with what came while it had no CPU since the raw sample 'before' of it,
 * in ns.  'first' and 'second' are the raw samples of the glance, 'snapshot'
 * the windowed one of the last tick.  Returns 0 if that is less than a glance,
 * if it never would, or if that is not known. */
uint64_t vmq_edge_catch_up_ns(const struct vmq_snapshot *snapshot,
                              const struct vmq_pmd *before,
                              const struct vmq_snapshot *first,
                              const struct vmq_snapshot *second,
                              uint32_t pmd);

#ifdef __cplusplus
}
#endif

#endif /* vmq-edge.h */

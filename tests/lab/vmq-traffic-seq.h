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

#ifndef VMQ_TRAFFIC_SEQ_H
#define VMQ_TRAFFIC_SEQ_H 1

/* Sequence numbers of one flow, as its receiver sees them.
 *
 * Motivation
 * ==========
 *
 * A receive queue that changes hands can lose packets, deliver them twice or
 * let a later one overtake an earlier one.  These are three different faults,
 * and telling them apart needs more than the highest number seen: a number
 * below it is a duplicate if it had arrived before and a late packet if it had
 * not.
 *
 * Model
 * =====
 *
 * A sender numbers the packets of a flow 0, 1, 2, ...  'next' is one more than
 * the highest number that arrived.  As long as nothing is missing, that is all
 * the state there is: with tens of thousands of flows it must stay small.  The
 * first hole allocates a window, one bit for each of the last
 * VMQ_SEQ_WINDOW numbers below 'next'.
 *
 * Invariants
 * ==========
 *
 * 1. 'next' never decreases.
 *
 * 2. vmq_seq_received() is the number of distinct packets that arrived, and
 *    'next' = vmq_seq_received() + 'missing'.
 *
 * 3. A packet that arrived once is never reported late, and one that arrives
 *    for the first time is never reported as duplicate, if it is at most
 *    VMQ_SEQ_WINDOW behind.
 *
 * 4. 'expired' <= 'missing': numbers that left the window without arriving.
 *
 * Not handled
 * ===========
 *
 * For a packet more than VMQ_SEQ_WINDOW behind there is no bit left.  It is
 * called late if some packet of the flow left the window missing, otherwise it
 * is certainly a duplicate.
 *
 * Thread-safety
 * =============
 *
 * None: one thread owns a flow.
 */

#include <stdbool.h>
#include <stdint.h>

/* Width of the window, in packets of one flow.  Power of 2.  Must exceed what
 * a flow can have in flight, which is bounded by the rings on the way (1024
 * entries each); every flow that lost a packet once pays for it in memory. */
#define VMQ_SEQ_WINDOW 1024

struct vmq_seq {
    uint64_t next;              /* Highest number that arrived, plus 1. */
    uint64_t *window;           /* NULL until the first hole. */
    uint32_t missing;           /* Numbers below 'next' that did not arrive. */
    uint32_t expired;           /* Those of them that left the window. */
};

enum vmq_seq_verdict {
    VMQ_SEQ_NEWER,              /* Above all others: in order. */
    VMQ_SEQ_LATE,               /* First arrival, overtaken by a later one. */
    VMQ_SEQ_DUPLICATE           /* Arrived before. */
};

void vmq_seq_destroy(struct vmq_seq *);
enum vmq_seq_verdict vmq_seq_arrived(struct vmq_seq *, uint64_t seq);
uint64_t vmq_seq_received(const struct vmq_seq *);
bool vmq_seq_valid(const struct vmq_seq *);

#endif /* vmq-traffic-seq.h */

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

#ifndef VMQ_TRAFFIC_ONSET_H
#define VMQ_TRAFFIC_ONSET_H 1

/* Onset: what packets wait for after a change of their rate.
 *
 * Motivation
 * ==========
 *
 * How fast a switch relieves a PMD counts from when packets begin to wait to
 * when they do so no more, as their sender and receiver see it.  A receiver
 * that looks late finds that all packets took long.
 *
 * Model
 * =====
 *
 * A packet has waited for a limit if it had not arrived when the ring to the
 * receiver was found empty at least that long after it was sent.  That is a
 * lower bound, whatever the receiver did meanwhile.
 *
 * Times are of CLOCK_MONOTONIC, in ns, or of the TSC, where they say so.
 *
 * Thread-safety: of the thread that has it. */

#include <stdint.h>

struct vmq_onset {
    uint64_t at_ns;             /* When the rate was set. */
    uint64_t waited_ns;         /* When a packet sent since had waited for the
                                 * limit, at first; 0 if none did yet... */
    uint64_t until_ns;          /* ...and when the last such was received. */
};

/* How long is long. */
#define VMQ_ONSET_LIMIT_US 100

void vmq_onset_begin(struct vmq_onset *, uint64_t at_ns);
void vmq_onset_arrived(struct vmq_onset *, uint64_t sent_tsc,
                       uint64_t empty_tsc, uint64_t now_tsc, uint64_t now_ns,
                       double hz);

#endif /* vmq-traffic-onset.h */

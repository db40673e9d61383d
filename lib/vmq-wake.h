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


#ifndef VMQ_WAKE_H
#define VMQ_WAKE_H 1

/* Wake: lets a thread sleep until another one has something for it.
 *
 * Motivation
 * ==========
 *
 * A PMD thread that is to hand over or to take a receive queue must notice at
 * once, whether it polls, sleeps between polls because of pmd-maxsleep, or
 * blocks because it has no queues.  A 'struct seq' could wake it, but all of
 * these share one mutex, which the PMD would wait for while nobody polls the
 * queue.  A latch has no mutex, but setting it is a system call, which a
 * thread that polls does not need.
 *
 * Here, the thread announces that it may sleep and then looks for something to
 * do; the other one provides something to do and then looks whether the thread
 * may sleep.  Whichever comes second sees the other, so that a system call is
 * made only if it is needed and no wake-up is lost.  The literature calls this
 * an event count (D. P. Reed and R. K. Kanodia, "Synchronization with
 * Eventcounts and Sequencers", 1979).
 *
 * Usage
 * =====
 *
 * The thread that sleeps:
 *
 *     vmq_wake_prepare(&wake);
 *     if (...there is nothing to do...) {
 *         vmq_wake_sleep(&wake, ns);   (or vmq_wake_wait(&wake), ...)
 *     }
 *     vmq_wake_finish(&wake);
 *
 * Any other:
 *
 *     ...provide something to do...
 *     vmq_wake_up(&wake);
 *
 * The thread may wake up for nothing: a latch may be set that was meant for
 * the sleep before.
 *
 * Thread-safety
 * =============
 *
 * vmq_wake_up() is for all threads, the others are for the one that sleeps.
 * What is written before vmq_wake_up() is visible after vmq_wake_prepare() or,
 * if that came first, wakes the thread. */

#include <stdint.h>
#include "latch.h"
#include "ovs-atomic.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct vmq_wake {
    struct latch latch;
    atomic_uint sleeps;         /* 1 if a wake-up has to set 'latch'. */
};

void vmq_wake_init(struct vmq_wake *);
void vmq_wake_destroy(struct vmq_wake *);

void vmq_wake_up(struct vmq_wake *);

void vmq_wake_prepare(struct vmq_wake *);
void vmq_wake_sleep(struct vmq_wake *, uint64_t ns);
void vmq_wake_wait(struct vmq_wake *);
void vmq_wake_finish(struct vmq_wake *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-wake.h */

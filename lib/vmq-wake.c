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

#include <config.h>
#include "vmq-wake.h"

#include <poll.h>
#include <time.h>

#include "util.h"

void
vmq_wake_init(struct vmq_wake *wake)
{
    latch_init(&wake->latch);
    atomic_init(&wake->sleeps, 0);
}

void
vmq_wake_destroy(struct vmq_wake *wake)
{
    latch_destroy(&wake->latch);
}

/* Wakes the thread of 'wake' if it sleeps or is about to. */
void
vmq_wake_up(struct vmq_wake *wake)
{
    unsigned int sleeps;

    /* Both sides modify 'sleeps', rather than one writing and the other
     * reading it, so that the later one sees what the earlier one did before.
     * A fence would do as well, but no thread sanitizer understands it. */
    atomic_and(&wake->sleeps, 0, &sleeps);
    if (sleeps) {
        latch_set(&wake->latch);
    }
}

/* Announces that the calling thread is about to sleep.  It has to look for
 * something to do after this. */
void
vmq_wake_prepare(struct vmq_wake *wake)
{
    unsigned int sleeps;

    atomic_or(&wake->sleeps, 1, &sleeps);
}

/* Sleeps for 'ns' nanoseconds or until there is a wake-up.  Does not quiesce
 * the thread for RCU. */
void
vmq_wake_sleep(struct vmq_wake *wake, uint64_t ns)
{
#if defined(__linux__) || defined(__FreeBSD__)
    struct pollfd pfd = { .fd = wake->latch.fds[0], .events = POLLIN };
    struct timespec timeout = {
        .tv_sec = ns / 1000000000,
        .tv_nsec = ns % 1000000000,
    };

    ppoll(&pfd, 1, &timeout, NULL);
#else
    /* Nothing else here has better than milliseconds. */
    xnanosleep_no_quiesce(ns);
#endif
}

/* Has the next poll_block() return when there is a wake-up. */
void
vmq_wake_wait(struct vmq_wake *wake)
{
    latch_wait(&wake->latch);
}

/* Ends what vmq_wake_prepare() began, whether or not the thread slept. */
void
vmq_wake_finish(struct vmq_wake *wake)
{
    unsigned int sleeps;

    atomic_and(&wake->sleeps, 0, &sleeps);
    latch_poll(&wake->latch);
}

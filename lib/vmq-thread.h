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

#ifndef VMQ_THREAD_H
#define VMQ_THREAD_H 1

/* Thread: runs something over and over, beside the main thread.
 *
 * Motivation
 * ==========
 *
 * The main thread of ovs-vswitchd is busy for seconds at times: with an
 * OpenFlow bundle, a reconfiguration, a device that takes long to start.  A
 * receive queue whose PMD is overloaded cannot wait for that.  So dynamic VMQ
 * has a thread for each datapath, in which it samples, plans and moves queues.
 *
 * Usage
 * =====
 *
 *     static const struct vmq_thread_ops ops = { .run = run, .wait = wait };
 *
 *     thread = vmq_thread_start("vmq", &ops, aux, &wake);
 *     ...
 *     vmq_wake_up(&wake);              Calls 'run' soon.
 *     vmq_thread_settle(thread);       Returns when nothing is left to do.
 *     ...
 *     vmq_thread_stop(thread);
 *
 * Thread-safety
 * =============
 *
 * vmq_wake_up() is for all threads, the others for the one that has started
 * the thread.  That one must not hold a lock that 'run' or 'wait' takes when
 * it stops or settles the thread, except to read where they only read.
 *
 * The thread quiesces for RCU when it blocks.  It must not wait for others to
 * quiesce: who waits for it, may have to. */

#include <stdbool.h>
#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct vmq_wake;

/* What the thread does.  It calls these in turn, holding no lock. */
struct vmq_thread_ops {
    /* Does for a while, not for long, what there is to do.  Returns false if
     * more remains than to wait for time to pass or for a wake-up by who asks
     * for something new. */
    bool (*run)(void *aux);

    /* Has the next poll_block() return when there may be something to do.
     * A wake-up has the thread call 'run', unless it came before this was
     * called: what it was for has to be looked for here. */
    void (*wait)(void *aux);
};

struct vmq_thread *vmq_thread_start(const char *name,
                                    const struct vmq_thread_ops *, void *aux,
                                    struct vmq_wake *);
void vmq_thread_stop(struct vmq_thread *);
void vmq_thread_settle(struct vmq_thread *);
void vmq_thread_keep_off(struct vmq_thread *, const unsigned int cpus[],
                         unsigned int n_cpus);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-thread.h */

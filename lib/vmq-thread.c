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
#include "vmq-thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "util.h"
#include "vmq-wake.h"

VLOG_DEFINE_THIS_MODULE(vmq_thread);

/* How often vmq_thread_settle() looks. */
#define SETTLE_NS 20000

struct vmq_thread {
    const struct vmq_thread_ops *ops;
    void *aux;
    struct vmq_wake *wake;
    pthread_t thread;
    atomic_bool exit;

    /* Who settles the thread counts up the former, and waits until the latter
     * is as high. */
    atomic_uint n_asked, n_settled;

#ifdef __linux__
    cpu_set_t cpus;             /* That it was started on... */
    cpu_set_t kept_to;          /* ...and those of them that it may use. */
#endif
};

static void *
vmq_thread_main(void *thread_)
{
    struct vmq_thread *thread = thread_;
    bool stop;

    for (;;) {
        unsigned int n_asked, n_settled;

        atomic_read_explicit(&thread->n_asked, &n_asked,
                             memory_order_acquire);
        if (thread->ops->run(thread->aux)) {
            atomic_read_relaxed(&thread->n_settled, &n_settled);
            if (n_settled != n_asked) {
                atomic_store_explicit(&thread->n_settled, n_asked,
                                      memory_order_release);
            }
        }

        vmq_wake_prepare(thread->wake);
        atomic_read_explicit(&thread->exit, &stop, memory_order_acquire);
        if (stop) {
            break;
        }
        atomic_read_relaxed(&thread->n_settled, &n_settled);
        atomic_read_explicit(&thread->n_asked, &n_asked,
                             memory_order_acquire);
        if (n_asked != n_settled) {
            poll_immediate_wake();
        }
        thread->ops->wait(thread->aux);
        vmq_wake_wait(thread->wake);
        poll_block();
        vmq_wake_finish(thread->wake);
    }
    vmq_wake_finish(thread->wake);
    return NULL;
}

/* Starts a thread that calls 'ops' with 'aux'.  'wake' wakes it, and must
 * outlive it.  'name' says what it is for, in a log. */
struct vmq_thread *
vmq_thread_start(const char *name, const struct vmq_thread_ops *ops,
                 void *aux, struct vmq_wake *wake)
{
    struct vmq_thread *thread = xzalloc(sizeof *thread);

    thread->ops = ops;
    thread->aux = aux;
    thread->wake = wake;
    atomic_init(&thread->exit, false);
    atomic_init(&thread->n_asked, 0);
    atomic_init(&thread->n_settled, 0);
    thread->thread = ovs_thread_create(name, vmq_thread_main, thread);
#ifdef __linux__
    if (pthread_getaffinity_np(thread->thread, sizeof thread->cpus,
                               &thread->cpus)) {
        CPU_ZERO(&thread->cpus);
    }
    thread->kept_to = thread->cpus;
#endif
    return thread;
}

/* Ends 'thread', which may be null, and destroys it. */
void
vmq_thread_stop(struct vmq_thread *thread)
{
    if (thread) {
        atomic_store_explicit(&thread->exit, true, memory_order_release);
        vmq_wake_up(thread->wake);
        xpthread_join(thread->thread, NULL);
        free(thread);
    }
}

/* Waits until 'thread' has done all that there is to do at the present time.
 * For tests that have stopped it. */
void
vmq_thread_settle(struct vmq_thread *thread)
{
    unsigned int n_asked, n_settled;

    atomic_read_relaxed(&thread->n_asked, &n_asked);
    n_asked++;
    atomic_store_explicit(&thread->n_asked, n_asked, memory_order_release);
    vmq_wake_up(thread->wake);
    for (;;) {
        atomic_read_explicit(&thread->n_settled, &n_settled,
                             memory_order_acquire);
        if (n_settled == n_asked) {
            return;
        }
        xnanosleep_no_quiesce(SETTLE_NS);
    }
}

/* Keeps 'thread' off the 'n_cpus' CPUs in 'cpus', if it has others.  Once
 * somebody else has said where it may run, it stays there. */
void
vmq_thread_keep_off(struct vmq_thread *thread, const unsigned int cpus[],
                    unsigned int n_cpus)
{
#ifdef __linux__
    cpu_set_t others = thread->cpus;
    cpu_set_t now;
    int error;

    if (pthread_getaffinity_np(thread->thread, sizeof now, &now)
        || !CPU_EQUAL(&now, &thread->kept_to)) {
        return;
    }
    for (unsigned int i = 0; i < n_cpus; i++) {
        if (cpus[i] < CPU_SETSIZE) {
            CPU_CLR(cpus[i], &others);
        }
    }
    if (!CPU_COUNT(&others)) {
        others = thread->cpus;
    }
    if (CPU_EQUAL(&others, &now)) {
        return;
    }
    error = pthread_setaffinity_np(thread->thread, sizeof others, &others);
    if (error) {
        VLOG_WARN("a thread cannot be kept off the CPUs of PMD threads (%s)",
                  ovs_strerror(error));
    } else {
        thread->kept_to = others;
    }
#else
    (void) thread, (void) cpus, (void) n_cpus;
#endif
}

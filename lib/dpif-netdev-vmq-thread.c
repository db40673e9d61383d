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

/* Dynamic VMQ in the userspace datapath: the thread.
 *
 * It samples, plans and moves queues of one datapath, so that what keeps the
 * main thread busy does not keep a queue on a PMD that is overloaded.  It runs
 * while VMQ is on and somebody has the datapath open.
 *
 * Thread-safety: for the main thread, but for what the thread calls. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>

#include "dpif-netdev-vmq-hooks.h"
#include "dpif-provider.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "ovs-atomic.h"
#include "timeval.h"
#include "util.h"
#include "vmq-thread.h"

/* Implements 'run'. */
static bool
dp_vmq_thread_run(void *dp_)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct dp_netdev *dp = dp_;
    struct dp_vmq *vmq = dp->vmq;
    bool answered, idle, glances, waits;

    do {
        dp_vmq_enter(dp);
        dp_vmq_move_run(dp);
        idle = (vmq_engine_run(vmq->engine, dp_vmq_now_ms(dp))
                && !vmq->discarded);
        answered = vmq_engine_has_answers(vmq->engine);
        glances = vmq_engine_glances(vmq->engine);
        waits = glances && !dp_vmq_is_made_up(dp);
        dp_vmq_leave(dp);

        if (waits) {
            /* Too short for poll_block(). */
            xnanosleep(VMQ_GLANCE_NS);
        }
    } while (glances);

    if (answered) {
        atomic_store_explicit(&vmq->has_answers, true, memory_order_release);
        vmq_wake_up(&vmq->answered);
    }
    return idle;
}

/* Implements 'wait'. */
static void
dp_vmq_thread_wait(void *dp_)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct dp_netdev *dp = dp_;

    dp_vmq_enter(dp);
    dp_vmq_move_wait(dp);
    vmq_engine_wait(dp->vmq->engine);
    dp_vmq_leave(dp);
}

/* Has the thread look for what has changed. */
void
dp_vmq_notify(struct dp_netdev *dp)
{
    if (dp->vmq->thread) {
        vmq_wake_up(&dp->vmq->post.mover);
    }
}

/* Keeps the thread off the CPUs of PMDs.  The cores of the dummy datapath are
 * made up. */
void
dp_vmq_keep_off_pmds(struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;
    unsigned int *cpus;
    size_t n = 0;

    if (!dp->vmq->thread || dp->class != &dpif_netdev_class) {
        return;
    }
    cpus = xcalloc(cmap_count(&dp->poll_threads), sizeof *cpus);
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        if (pmd->core_id != NON_PMD_CORE_ID) {
            cpus[n++] = pmd->core_id;
        }
    }
    vmq_thread_keep_off(dp->vmq->thread, cpus, n);
    free(cpus);
}

void
dp_vmq_start(struct dp_netdev *dp)
{
    static const struct vmq_thread_ops ops = {
        .run = dp_vmq_thread_run,
        .wait = dp_vmq_thread_wait,
    };

    dp->vmq->thread = vmq_thread_start("vmq", &ops, dp, &dp->vmq->post.mover);
    dp_vmq_keep_off_pmds(dp);
}

/* Whether there are answers for dp_vmq_deliver(). */
static bool
dp_vmq_has_answers(struct dp_netdev *dp)
{
    bool has_answers;

    atomic_read_explicit(&dp->vmq->has_answers, &has_answers,
                         memory_order_acquire);
    return has_answers;
}

/* Tells operators what became of their requests. */
static void
dp_vmq_deliver(struct dp_netdev *dp)
{
    struct ovs_list answers = OVS_LIST_INITIALIZER(&answers);

    dp_vmq_lock(dp);
    vmq_engine_take_answers(dp->vmq->engine, &answers);
    atomic_store_relaxed(&dp->vmq->has_answers, false);
    dp->vmq->n_requests = vmq_engine_n_requests(dp->vmq->engine);
    dp_vmq_unlock(dp);

    vmq_answers_deliver(&answers);
}

/* Ends the thread, if there is one, the moves under way, and all requests,
 * because of 'why'.  The caller must not have 'port_rwlock'. */
void
dp_vmq_stop(struct dp_netdev *dp, const char *why)
{
    struct dp_vmq *vmq = dp->vmq;

    if (!vmq->thread) {
        return;
    }
    vmq_thread_stop(vmq->thread);
    vmq->thread = NULL;

    ovs_rwlock_rdlock(&dp->port_rwlock);
    dp_vmq_lock(dp);
    dp_vmq_drain(dp);
    vmq_engine_give_up(vmq->engine, why);
    dp_vmq_copy_clean(dp, UINT64_MAX);
    dp_vmq_unlock(dp);
    ovs_rwlock_unlock(&dp->port_rwlock);
    dp_vmq_deliver(dp);
}

/* The runs of the main thread. */

/* Has time go on that is made up, and waits until all that follows from it has
 * been done. */
static void
dp_vmq_run_made_up(struct dp_netdev *dp)
{
    dp_vmq_lock(dp);
    dp->vmq->dummy->now_ms = time_msec();
    dp_vmq_unlock(dp);
    if (dp->vmq->thread && dp->vmq->dummy->at_once) {
        vmq_thread_settle(dp->vmq->thread);
    } else {
        dp_vmq_notify(dp);
    }
}

void
dp_vmq_run(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    if (dp_vmq_is_made_up(dp)) {
        dp_vmq_run_made_up(dp);
    }
    if (dp->vmq->n_requests) {
        vmq_wake_finish(&dp->vmq->answered);
        if (dp_vmq_has_answers(dp)) {
            dp_vmq_deliver(dp);
        }
    }
}

void
dp_vmq_wait(struct dp_netdev *dp)
{
    if (dp_vmq_is_made_up(dp)) {
        /* Time goes on when the main thread says so. */
        dp_vmq_lock(dp);
        vmq_engine_wait(dp->vmq->engine);
        dp_vmq_unlock(dp);
    }
    if (dp->vmq->n_requests) {
        vmq_wake_prepare(&dp->vmq->answered);
        if (dp_vmq_has_answers(dp)) {
            poll_immediate_wake();
        }
        vmq_wake_wait(&dp->vmq->answered);
    }
}

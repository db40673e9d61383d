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

/* Dynamic VMQ in the userspace datapath: the lock of who moves queues.
 *
 * 'mutex' of struct dp_vmq says who may move queues, or look at who polls
 * them.  The thread has it together with 'port_rwlock', by dp_vmq_enter(), for
 * no longer than it takes to copy flows for a while or to make a plan.  The
 * main thread has it by dp_vmq_lock(), and need not wait for all of that
 * while: dp_vmq_must_yield() tells the thread. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include "ovs-rcu.h"
#include "util.h"

/* How long the thread waits before it looks again whether somebody is still
 * waiting for what it would lock. */
#define VMQ_YIELD_NS 20000

/* Waits for 'mutex' of 'dp'.  Who moves queues lets go of it within the time
 * that a flow takes to copy, or a plan to make. */
void
dp_vmq_lock(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    unsigned int n;

    atomic_add(&dp->vmq->n_waiting, 1, &n);
    ovs_mutex_lock(&dp->vmq->mutex);
    atomic_sub(&dp->vmq->n_waiting, 1, &n);
}

void
dp_vmq_unlock(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovs_mutex_unlock(&dp->vmq->mutex);
}

static bool
dp_vmq_is_awaited(const struct dp_netdev *dp)
{
    unsigned int n_waiting;

    atomic_read_relaxed(&dp->vmq->n_waiting, &n_waiting);
    return n_waiting > 0;
}

/* Returns true if who moves queues is to let go of 'mutex': it is 'until_ns',
 * or somebody waits for it. */
bool
dp_vmq_must_yield(const struct dp_netdev *dp, uint64_t until_ns)
{
    return vmq_clock_ns() >= until_ns || dp_vmq_is_awaited(dp);
}

/* Takes the locks that sampling and moving queues needs.
 *
 * A mutex that is let go of and taken again at once would not reach who waits
 * for it, so those come first.  They may be in a reconfiguration, which lasts,
 * and must not wait for this thread to quiesce meanwhile. */
void
dp_vmq_enter(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovsrcu_quiesce_start();
    while (dp_vmq_is_awaited(dp)) {
        xnanosleep_no_quiesce(VMQ_YIELD_NS);
    }
    ovs_rwlock_rdlock(&dp->port_rwlock);
    ovs_mutex_lock(&dp->vmq->mutex);
    ovsrcu_quiesce_end();
}

void
dp_vmq_leave(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovs_mutex_unlock(&dp->vmq->mutex);
    ovs_rwlock_unlock(&dp->port_rwlock);
}

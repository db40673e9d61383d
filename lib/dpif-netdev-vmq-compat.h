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

#ifndef DPIF_NETDEV_VMQ_COMPAT_H
#define DPIF_NETDEV_VMQ_COMPAT_H 1

/* What differs from one series of Open vSwitch to another in the userspace
 * datapath, for files of ours that are the same for all.
 *
 * In 3.7 the offload layer came, which knows itself what it has still to do
 * for a flow.  Before, we count that, see the patch "dpif-netdev: Know which
 * flows wait to be offloaded". */

#include <stdbool.h>

#include "dpif-netdev-private-datapath.h"
#include "dpif-provider.h"
#include "ovs-atomic.h"
#include "vmq-compat.h"
#if VMQ_OVS_SERIES >= 307
#include "dpif-offload.h"
#else
#include "netdev-offload.h"
#endif

/* Whether hardware may have been asked to carry out flows. */
static inline bool
dp_vmq_offloads(void)
{
#if VMQ_OVS_SERIES >= 307
    return dpif_offload_enabled();
#else
    return netdev_is_flow_api_enabled();
#endif
}

/* Whether hardware is still to be asked to carry out 'flow', or to change it.
 * Who asks it says what came of it before this becomes false. */
static inline bool
dp_vmq_flow_waits_for_hardware(const struct dp_netdev_flow *flow)
{
    struct dp_netdev_flow *f = CONST_CAST(struct dp_netdev_flow *, flow);
#if VMQ_OVS_SERIES >= 307
    int n;

    atomic_read(&f->offload_queue_depth, &n);
    return n > 0;
#else
    return atomic_count_get(&f->vmq.n_offloads);
#endif
}

/* Whether hardware may know 'flow', as get_dpif_flow_status() can tell. */
static inline bool
dp_vmq_flow_may_be_in_hardware(const struct dp_netdev_flow *flow)
{
#if VMQ_OVS_SERIES >= 307
    return flow->offloaded;
#else
    return flow->mark;
#endif
}

/* The datapath whose flows 'thread' dumps. */
static inline const struct dpif *
dp_vmq_dump_dpif(const struct dpif_flow_dump_thread *thread)
{
#if VMQ_OVS_SERIES >= 307
    return thread->dump->dpif;
#else
    return thread->dpif;
#endif
}

#endif /* dpif-netdev-vmq-compat.h */

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

/* Dynamic VMQ in the userspace datapath: hardware that tests make up.
 *
 * Open vSwitch's dummy devices mark the packets of offloaded flows and leave
 * the rest to the PMD.  After dpif-dummy/set-hardware they carry flows out,
 * and have as many packets of each as VMQ_DUMMY_HW_PACKETS.  While it is
 * "slow", what it is asked for has to wait.
 *
 * From 3.7 on, dummy devices carry out some flows by themselves, at once.
 *
 * Thread-safety: called by the threads that offload flows, by revalidators and
 * by the main thread. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dpif.h"
#include "openvswitch/hmap.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "unixctl.h"
#include "util.h"
#include "vmq-compat.h"

#if VMQ_OVS_SERIES >= 307

void
dp_vmq_dummy_hw_register(void)
{
}

#else

#include "netdev-offload-provider.h"

#define VMQ_DUMMY_HW_PACKETS 1000

struct dummy_hw_flow {
    struct hmap_node node;      /* In 'flows'. */
    ovs_u128 ufid;
};

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct hmap flows OVS_GUARDED_BY(mutex) = HMAP_INITIALIZER(&flows);
static atomic_bool slow;

static struct dummy_hw_flow *
dummy_hw_find(const ovs_u128 *ufid)
    OVS_REQUIRES(mutex)
{
    struct dummy_hw_flow *flow;

    HMAP_FOR_EACH_WITH_HASH (flow, node, ufid->u32[0], &flows) {
        if (ovs_u128_equals(flow->ufid, *ufid)) {
            return flow;
        }
    }
    return NULL;
}

static int
dummy_hw_put(struct netdev *netdev OVS_UNUSED, struct match *match OVS_UNUSED,
             struct nlattr *actions OVS_UNUSED, size_t actions_len OVS_UNUSED,
             const ovs_u128 *ufid, struct offload_info *info OVS_UNUSED,
             struct dpif_flow_stats *stats)
{
    bool waits;

    for (;;) {
        atomic_read_relaxed(&slow, &waits);
        if (!waits) {
            break;
        }
        xnanosleep(1000 * 1000);
    }
    ovs_mutex_lock(&mutex);
    if (!dummy_hw_find(ufid)) {
        struct dummy_hw_flow *flow = xmalloc(sizeof *flow);

        flow->ufid = *ufid;
        hmap_insert(&flows, &flow->node, ufid->u32[0]);
    }
    ovs_mutex_unlock(&mutex);
    if (stats) {
        memset(stats, 0, sizeof *stats);
    }
    return 0;
}

static int
dummy_hw_del(struct netdev *netdev OVS_UNUSED, const ovs_u128 *ufid,
             struct dpif_flow_stats *stats)
{
    struct dummy_hw_flow *flow;

    ovs_mutex_lock(&mutex);
    flow = dummy_hw_find(ufid);
    if (flow) {
        hmap_remove(&flows, &flow->node);
        free(flow);
    }
    ovs_mutex_unlock(&mutex);
    if (stats) {
        memset(stats, 0, sizeof *stats);
    }
    return flow ? 0 : ENOENT;
}

static int
dummy_hw_get(struct netdev *netdev OVS_UNUSED, struct match *match OVS_UNUSED,
             struct nlattr **actions OVS_UNUSED, const ovs_u128 *ufid,
             struct dpif_flow_stats *stats, struct dpif_flow_attrs *attrs,
             struct ofpbuf *buffer OVS_UNUSED)
{
    bool found;

    ovs_mutex_lock(&mutex);
    found = dummy_hw_find(ufid) != NULL;
    ovs_mutex_unlock(&mutex);
    if (!found) {
        return ENOENT;
    }
    memset(stats, 0, sizeof *stats);
    stats->n_packets = VMQ_DUMMY_HW_PACKETS;
    attrs->offloaded = true;
    attrs->dp_layer = "dummy";
    return 0;
}

static int
dummy_hw_init(struct netdev *netdev OVS_UNUSED)
{
    return 0;
}

static const struct netdev_flow_api dummy_hw = {
    .type = "vmq_dummy",
    .flow_put = dummy_hw_put,
    .flow_del = dummy_hw_del,
    .flow_get = dummy_hw_get,
    .init_flow_api = dummy_hw_init,
};

static void
dpif_dummy_set_hardware(struct unixctl_conn *conn, int argc OVS_UNUSED,
                        const char *argv[], void *aux OVS_UNUSED)
{
    static bool registered;

    if (!registered) {
        int error = netdev_unregister_flow_api_provider("dummy");

        if (!error) {
            error = netdev_register_flow_api_provider(&dummy_hw);
        }
        if (error) {
            unixctl_command_reply_error(conn, ovs_strerror(error));
            return;
        }
        registered = true;
    }
    atomic_store_relaxed(&slow, !strcmp(argv[1], "slow"));
    unixctl_command_reply(conn, NULL);
}

/* Registers the command that has dummy devices carry out flows. */
void
dp_vmq_dummy_hw_register(void)
{
    unixctl_command_register("dpif-dummy/set-hardware", "slow|quick", 1, 1,
                             dpif_dummy_set_hardware, NULL);
}

#endif

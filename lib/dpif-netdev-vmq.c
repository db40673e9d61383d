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


/* Dynamic VMQ in the userspace datapath: life cycle, settings,
 * reconfiguration, what other parts of Open vSwitch ask, and the commands' way
 * to a datapath.
 *
 * Called by lib/dpif-netdev.c, ofproto-dpif-upcall and ovs-vswitchd.
 *
 * Thread-safety: for the main thread, but for what says otherwise.  Functions
 * that other files than lib/dpif-netdev.c call take the locks that they
 * need. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>
#include <string.h>

#include "dpif-netdev.h"
#include "dpif-netdev-vmq.h"
#include "dpif-netdev-vmq-hooks.h"
#include "dpif-provider.h"
#include "hash.h"
#include "netdev.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "seq.h"
#include "smap.h"
#include "unixctl.h"
#include "util.h"
#include "vmq-compat.h"
#include "vmq-config.h"
#include "vmq-unixctl.h"

VLOG_DEFINE_THIS_MODULE(dpif_netdev_vmq);

/* Life cycle and settings. */

void
dp_vmq_create(struct dp_netdev *dp)
{
    static const struct vmq_datapath_ops ops = {
        .collect = dp_vmq_collect,
        .apply = dp_vmq_apply,
        .advance = dp_vmq_advance,
        .has_edges = dp_vmq_has_edges,
        .take_edges = dp_vmq_take_edges,
        .forget_edges = dp_vmq_forget_edges,
        .answer_edge = dp_vmq_answer_edge,
    };

    dp->vmq = xzalloc(sizeof *dp->vmq);
    ovs_mutex_init(&dp->vmq->mutex);
    atomic_init(&dp->vmq->n_waiting, 0);
    dp->vmq->engine = vmq_engine_create(dp->name, &ops, dp);
    vmq_wake_init(&dp->vmq->answered);
    atomic_init(&dp->vmq->has_answers, false);
    atomic_init(&dp->vmq->has_edges, false);
    vmq_post_init(&dp->vmq->post);
    hmap_init(&dp->vmq->by_netdev);
    dp->vmq->by_netdev_seq = UINT64_MAX;
    dp_vmq_recheck_init(&dp->vmq->recheck);
    atomic_init(&dp->vmq->flow_limit, 10000);   /* What udpif starts with. */
    vmq_clock_init(&dp->vmq->clock);
}

/* To be called before somebody who has had 'dp' open lets go of it, and before
 * the ports of a datapath that nobody has open are deleted.  The datapath has
 * a reference to itself until it is deleted. */
void
dp_vmq_close(struct dp_netdev *dp)
{
    if (ovs_refcount_read(&dp->ref_cnt) <= 2) {
        dp_vmq_stop(dp, "the datapath is gone");
    }
}

void
dp_vmq_destroy(struct dp_netdev *dp)
{
    if (dp->vmq) {
        vmq_engine_destroy(dp->vmq->engine);
        vmq_clock_destroy(&dp->vmq->clock);
        vmq_post_destroy(&dp->vmq->post);
        vmq_wake_destroy(&dp->vmq->answered);
        hmap_destroy(&dp->vmq->by_netdev);
        vmq_place_destroy(&dp->vmq->place);
        free(dp->vmq->pmds);
        free(dp->vmq->ports);
        free(dp->vmq->moves);           /* All have ended. */
        dp_vmq_copy_clean(dp, UINT64_MAX);
        dp_vmq_recheck_destroy(&dp->vmq->recheck);
        if (dp->vmq->dummy) {
            dp->vmq->dummy->destroy(dp->vmq->dummy);
        }
        ovs_mutex_destroy(&dp->vmq->mutex);
        free(dp->vmq);
    }
}

void
dp_vmq_configure_pmd(struct dp_netdev_pmd_thread *pmd)
{
    vmq_mailbox_init(&pmd->vmq.mailbox);
    ccmap_init(&pmd->vmq.n_tunnel_flows);
    atomic_init(&pmd->vmq.on, vmq_engine_is_on(pmd->dp->vmq->engine));
    atomic_init(&pmd->vmq.edge, false);
    atomic_init(&pmd->vmq.raises_edges, false);
    atomic_init(&pmd->vmq.edge_cycles, VMQ_NO_EDGE_CYCLES);
    atomic_init(&pmd->vmq.hold_cycles, VMQ_NO_EDGE_CYCLES);
    atomic_init(&pmd->vmq.waited_cycles, 0);
    atomic_init(&pmd->vmq.raised_ns, 0);
    atomic_init(&pmd->vmq.n_doublings, 0);
    pmd->vmq.raised_tsc = 0;
    if (pmd->core_id != NON_PMD_CORE_ID) {
        pmd->vmq.sibling_group = dp_vmq_sibling_group(pmd->dp, pmd->core_id);
    }
}

void
dp_vmq_destroy_pmd(struct dp_netdev_pmd_thread *pmd)
{
    vmq_mailbox_destroy(&pmd->vmq.mailbox);
    ccmap_destroy(&pmd->vmq.n_tunnel_flows);
}

/* Dynamic VMQ was turned 'on', or off.  PMD threads count cycles all the time,
 * packets only while it is on; what is shown of both must belong together. */
static void
dp_vmq_port_turn(const struct dp_netdev *dp, struct dp_netdev_port *port,
                 bool on)
{
    for (unsigned int i = 0; i < port->n_rxq; i++) {
        struct dp_netdev_rxq *rxq = &port->rxqs[i];
        uint64_t cycles = dp_vmq_rxq_cycles(rxq);

        if (on) {
            rxq->vmq.cycles_off += cycles - rxq->vmq.cycles_at_off;
        } else {
            rxq->vmq.cycles_at_off = cycles;
        }
    }
    dp_vmq_port_update_status(dp, port);
}

/* Dynamic VMQ was turned 'on', or off.  The thread does not run. */
static void
dp_vmq_turn(struct dp_netdev *dp, bool on)
{
    struct dp_netdev_pmd_thread *pmd;
    struct dp_netdev_port *port;

    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        atomic_store_relaxed(&pmd->vmq.on, on);
    }
    if (!on) {
        /* Back to where the switch would have put the queues. */
        seq_change(dp->reconfigure_seq);
    }
    ovs_rwlock_rdlock(&dp->port_rwlock);
    HMAP_FOR_EACH (port, node, &dp->ports) {
        dp_vmq_port_turn(dp, port, on);
    }
    ovs_rwlock_unlock(&dp->port_rwlock);
}

void
dp_vmq_set_config(struct dp_netdev *dp, const struct smap *other_config)
{
    bool turned, on;

    dp_vmq_lock(dp);
    turned = vmq_engine_set_config(dp->vmq->engine, other_config);
    on = vmq_engine_is_on(dp->vmq->engine);
    dp_vmq_unlock(dp);

    if (!on) {
        dp_vmq_stop(dp, "dynamic VMQ was turned off");
    }
    if (turned) {
        dp_vmq_turn(dp, on);
    }
    if (on && !dp->vmq->thread) {
        dp_vmq_start(dp);
    }
    dp_vmq_notify(dp);
}

/* Brings '*value', setting 'i' of 'port', in line with its Interface's
 * 'other_config'.  A bad value is logged once and changes nothing. */
static void
dp_vmq_port_set(struct dp_netdev_port *port, enum vmq_port_setting i,
                const struct smap *other_config, uint32_t *value)
{
    const struct vmq_setting *setting = &vmq_port_settings[i];
    const char *text = smap_get(other_config, setting->key);
    char *error = vmq_setting_set(value, setting, text);
    uint32_t bad_value = error ? hash_string(text, 0) | 1 : 0;

    if (error && bad_value != port->vmq.bad_values[i]) {
        VLOG_WARN("%s: other_config:%s", netdev_get_name(port->netdev), error);
    }
    port->vmq.bad_values[i] = bad_value;
    free(error);
}

void
dp_vmq_port_set_config(struct dp_netdev *dp, struct dp_netdev_port *port,
                       const struct smap *other_config)
{
    uint32_t enabled = !port->vmq.excluded;

    dp_vmq_port_set(port, VMQ_PORT_ENABLED, other_config, &enabled);
    dp_vmq_port_set(port, VMQ_PORT_RESERVE, other_config,
                    &port->vmq.reserve_pct);
    port->vmq.excluded = !enabled;
    vmq_engine_withdraw_view(dp->vmq->engine);
}

/* Returns whether pmd-auto-lb may do as 'auto_lb' says, which is no if VMQ
 * looks after the queues. */
bool
dp_vmq_allows_auto_lb(struct dp_netdev *dp, bool auto_lb)
{
    bool conflict = auto_lb && vmq_engine_is_on(dp->vmq->engine);

    if (conflict && !dp->vmq->auto_lb_warned) {
        VLOG_WARN("%s: pmd-auto-lb is ignored while pmd-vmq is on", dp->name);
    }
    dp->vmq->auto_lb_warned = conflict;
    return auto_lb && !conflict;
}

/* Reconfiguration. */

/* Waits for the reloads that dp_vmq_make_ready() has asked for.  A PMD clears
 * 'reload' after it has loaded, so that it would miss another reload that is
 * asked for in between. */
static void
dp_vmq_wait_for_reloads(struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;

    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        bool reload;

        do {
            atomic_read_explicit(&pmd->reload, &reload, memory_order_acquire);
        } while (reload);
    }
}

/* To be called before a reconfiguration takes the queues off their PMDs.
 * Nothing is moved or looked at until dp_vmq_reconfigured().
 *
 * Ends the moves under way, and remembers where each queue is polled: by
 * number, since PMDs and arrays of queues may not outlive the reconfiguration.
 * Asks the PMDs: a port that was not there the last time
 * ("change-port-number") may have queues whose PMD is gone.
 *
 * The thread is not waited for, only its lock: it has to have 'port_rwlock'
 * for reading, which the caller may have for writing. */
void
dp_vmq_reconfigure(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct dp_netdev_pmd_thread *pmd;
    uint64_t start_ns = vmq_clock_ns();

    dp_vmq_lock(dp);
    dp_vmq_drain(dp);
    dp_vmq_wait_for_reloads(dp);
    if (vmq_engine_is_on(dp->vmq->engine)) {
        vmq_engine_count_wait(dp->vmq->engine, vmq_clock_ns() - start_ns);
    }
    if (dp->vmq->dummy) {
        dp->vmq->dummy->reconfigure(dp);
    }
    dp->vmq->generation++;
    dp->vmq->listed = false;
    vmq_place_destroy(&dp->vmq->place);
    vmq_engine_place(dp->vmq->engine, &dp->vmq->place);
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        struct rxq_poll *poll;

        ovs_mutex_lock(&pmd->port_mutex);
        HMAP_FOR_EACH (poll, node, &pmd->poll_list) {
            poll->rxq->vmq.last_core = pmd->core_id + 1;
        }
        ovs_mutex_unlock(&pmd->port_mutex);
    }
}

/* Ends what dp_vmq_reconfigure() began. */
void
dp_vmq_reconfigured(struct dp_netdev *dp)
{
    dp_vmq_keep_off_pmds(dp);
    vmq_engine_withdraw_view(dp->vmq->engine);
    dp_vmq_unlock(dp);
    dp_vmq_notify(dp);
}

/* Returns true if 'rxq' is to go from the node of PMD 'from' to that of 'to',
 * because its device is there.  When the queue came to 'from', the device was
 * elsewhere, as a vhost-user port may be before its peer connects, or its node
 * had no PMDs. */
static bool
dp_vmq_goes_home(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq,
                 const struct dp_netdev_pmd_thread *from,
                 const struct dp_netdev_pmd_thread *to)
{
    return (to && to->numa_id != from->numa_id
            && to->numa_id == netdev_get_numa_id(rxq->port->netdev)
            && !vmq_engine_crosses_numa(dp->vmq->engine));
}

/* Returns the PMD that should poll the new queue 'rxq' that 'assigned'
 * would. */
static struct dp_netdev_pmd_thread *
dp_vmq_place_rxq(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq,
                 const struct dp_netdev_pmd_thread *assigned)
{
    for (;;) {
        uint32_t core_id = vmq_place_rxq(&dp->vmq->place, assigned->numa_id,
                                         assigned->core_id,
                                         rxq->port->vmq.reserve_pct * 100);
        struct dp_netdev_pmd_thread *pmd = dp_vmq_find_pmd(dp, core_id);

        if (pmd) {
            return pmd;
        }
        vmq_place_remove(&dp->vmq->place, core_id);
    }
}

/* Returns the PMD that should poll 'rxq', unless it is isolated, now that
 * queues are assigned anew: the one that has polled it, or one that has room.
 * 'assigned' is what the assignment algorithm came to, or NULL, and is right
 * if this returns NULL. */
struct dp_netdev_pmd_thread *
dp_vmq_sticky_pmd(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq,
                  const struct dp_netdev_pmd_thread *assigned)
{
    if (!vmq_engine_is_on(dp->vmq->engine)) {
        return NULL;
    }
    if (rxq->vmq.last_core) {
        struct dp_netdev_pmd_thread *last
            = dp_vmq_find_pmd(dp, rxq->vmq.last_core - 1);

        if (last && !dp_vmq_goes_home(dp, rxq, last, assigned)) {
            return last;
        }
    }
    return assigned ? dp_vmq_place_rxq(dp, rxq, assigned) : NULL;
}

/* What others ask. */

/* Called by the revalidators. */
void
dpif_netdev_vmq_set_flow_limit(struct dpif *dpif, unsigned int flow_limit)
{
    if (dpif_is_netdev(dpif)) {
        atomic_store_relaxed(&get_dp_netdev(dpif)->vmq->flow_limit,
                             flow_limit);
    }
}

/* Returns the engine of 'dp', for the main thread alone to use. */
static struct vmq_engine *
dp_vmq_hold_engine(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovs_rwlock_rdlock(&dp->port_rwlock);
    dp_vmq_lock(dp);
    return dp->vmq->engine;
}

/* Has the thread go on with what the engine may have been asked for. */
static void
dp_vmq_release_engine(struct dp_netdev *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    dp->vmq->n_requests = vmq_engine_n_requests(dp->vmq->engine);
    dp_vmq_unlock(dp);
    ovs_rwlock_unlock(&dp->port_rwlock);
    dp_vmq_notify(dp);
}

/* Calls 'cb' with the engine of 'dpif'. */
void
dpif_netdev_vmq_with_engine(struct dpif *dpif,
                            void (*cb)(struct vmq_engine *))
{
    struct dp_netdev *dp = get_dp_netdev(dpif);

    cb(dp_vmq_hold_engine(dp));
    dp_vmq_release_engine(dp);
}

static void
dp_vmq_get_port(const struct dp_netdev *dp, const struct dp_netdev_port *port,
                struct dpif_vmq_port *info)
{
    info->status = vmq_mobility_to_string(dp_vmq_port_status(port));
    if (!netdev_is_pmd(port->netdev)) {
        return;
    }

    info->n_rxqs = port->n_rxq;
    info->rxqs = xcalloc(port->n_rxq, sizeof *info->rxqs);
    for (unsigned int i = 0; i < port->n_rxq; i++) {
        struct dp_netdev_rxq *rxq = &port->rxqs[i];
        struct vmq_rxq q;

        dp_vmq_read_counters(dp, rxq, &q);
        info->rxqs[i] = (struct dpif_vmq_rxq) {
            .n_packets = q.packets,
            .busy_cycles = q.cycles,
            .n_moves = rxq->vmq.n_moves,
            .core_id = rxq->pmd ? rxq->pmd->core_id : UINT32_MAX,
        };
    }
}

/* Returns the port of 'dp' whose device is 'netdev', NULL if there is none.
 * ovs-vswitchd asks for every port in turn, several times a minute: looking at
 * all ports each time would take 4 million looks of 2,000 ports. */
static const struct dp_netdev_port *
dp_vmq_find_port(const struct dp_netdev *dp, const struct netdev *netdev)
    OVS_REQ_RDLOCK(dp->port_rwlock)
{
    struct hmap *by_netdev = &dp->vmq->by_netdev;
    uint64_t seq = seq_read(dp->port_seq);
    struct dp_netdev_port *port;

    if (dp->vmq->by_netdev_seq != seq) {
        /* Ports that are gone take their nodes with them. */
        hmap_clear(by_netdev);
        HMAP_FOR_EACH (port, node, &dp->ports) {
            hmap_insert(by_netdev, &port->vmq.netdev_node,
                        hash_pointer(port->netdev, 0));
        }
        dp->vmq->by_netdev_seq = seq;
    }

    HMAP_FOR_EACH_WITH_HASH (port, vmq.netdev_node, hash_pointer(netdev, 0),
                             by_netdev) {
        if (port->netdev == netdev) {
            return port;
        }
    }
    return NULL;
}

/* Tells what dynamic VMQ knows of the port whose device is 'netdev'.  Returns
 * false if it is not in a userspace datapath, or dynamic VMQ is off there.
 * Otherwise the caller has to call dpif_netdev_vmq_put_port().
 *
 * For the main thread. */
bool
dpif_netdev_vmq_get_port(const struct netdev *netdev,
                         struct dpif_vmq_port *info)
{
    struct shash_node *node;
    bool found = false;

    memset(info, 0, sizeof *info);
    ovs_mutex_lock(&dp_netdev_mutex);
    SHASH_FOR_EACH (node, &dp_netdevs) {
        struct dp_netdev *dp = node->data;
        const struct dp_netdev_port *port;

        if (found || !vmq_engine_is_on(dp->vmq->engine)) {
            continue;
        }
        ovs_rwlock_rdlock(&dp->port_rwlock);
        port = dp_vmq_find_port(dp, netdev);
        if (port) {
            dp_vmq_lock(dp);
            dp_vmq_get_port(dp, port, info);
            dp_vmq_unlock(dp);
            found = true;
        }
        ovs_rwlock_unlock(&dp->port_rwlock);
    }
    ovs_mutex_unlock(&dp_netdev_mutex);
    return found;
}

void
dpif_netdev_vmq_put_port(struct dpif_vmq_port *info)
{
    free(info->rxqs);
}

/* Commands. */

/* How old a view may be, with a long interval. */
#define VMQ_VIEW_MAX_MS 1000

/* Returns a view of 'dp', to be given back, that has all that the caller can
 * know of.  Locks nothing if the thread has published one lately. */
static const struct vmq_view *
dp_vmq_get_view(struct dp_netdev *dp)
{
    const struct vmq_view *view = vmq_engine_get_view(dp->vmq->engine);

    if (view && view->on && !dp_vmq_is_made_up(dp)
        && time_msec() - view->taken_ms <= VMQ_VIEW_MAX_MS) {
        return view;
    }
    vmq_engine_put_view(dp->vmq->engine, view);

    ovs_rwlock_rdlock(&dp->port_rwlock);
    dp_vmq_lock(dp);
    view = vmq_engine_new_view(dp->vmq->engine);
    dp_vmq_unlock(dp);
    ovs_rwlock_unlock(&dp->port_rwlock);
    return view;
}

/* Runs the 'struct vmq_command' in 'aux' on the datapath that the last
 * argument names or, if that does not name one, on the only one. */
static void
dp_vmq_command(struct unixctl_conn *conn, int argc, const char *argv[],
               void *aux)
{
    const struct vmq_command *command = aux;
    struct ds reply = DS_EMPTY_INITIALIZER;
    enum vmq_command_result result = VMQ_COMMAND_OK;
    bool json = command->has_json && vmq_conn_wants_json(conn);
    const struct vmq_view *view = NULL;
    struct dp_netdev *dp = NULL;

    argc--, argv++;
    if (command->has_json && argc && !strcmp(argv[0], "--json")) {
        json = true;
        argc--, argv++;
    }

    ovs_mutex_lock(&dp_netdev_mutex);
    if (argc) {
        dp = shash_find_data(&dp_netdevs, argv[argc - 1]);
    }
    if (dp) {
        argc--;
    } else if (shash_count(&dp_netdevs) == 1) {
        dp = shash_first(&dp_netdevs)->data;
    }
    if (!dp) {
        ovs_mutex_unlock(&dp_netdev_mutex);
        unixctl_command_reply_error(conn,
                                    "please specify an existing datapath");
        return;
    }

    if (command->show) {
        view = dp_vmq_get_view(dp);
    } else {
        result = command->run(dp_vmq_hold_engine(dp), conn, json, argc, argv,
                              &reply);
        dp_vmq_release_engine(dp);
    }
    ovs_mutex_unlock(&dp_netdev_mutex);

    if (view) {
        result = command->show(view, json, argc, argv, &reply);
        vmq_engine_put_view(dp->vmq->engine, view);
    }

    switch (result) {
    case VMQ_COMMAND_OK:
        vmq_conn_reply(conn, ds_cstr(&reply), json);
        break;
    case VMQ_COMMAND_ERROR:
        unixctl_command_reply_error(conn, ds_cstr(&reply));
        break;
    case VMQ_COMMAND_LATER:
    default:
        break;
    }
    ds_destroy(&reply);
}

void
dp_vmq_init(void)
{
    for (int i = 0; i < vmq_n_commands; i++) {
        const struct vmq_command *c = &vmq_commands[i];

        unixctl_command_register(c->name, c->usage, c->min_args, c->max_args,
                                 dp_vmq_command,
                                 CONST_CAST(struct vmq_command *, c));
    }
}

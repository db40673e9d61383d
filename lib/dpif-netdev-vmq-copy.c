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


/* Dynamic VMQ in the userspace datapath: copies of flows.
 *
 * Before a queue moves, the megaflows that its PMD has for its port are copied
 * to the new one, so that the new one need not ask for each of them in an
 * upcall.  dpif-netdev-vmq-move.c calls dp_vmq_copy_run() again and again, for
 * a slice of time each.  A queue in a hurry leaves after the first one.
 * The rest of its flows follow, and those that are needed at once are fetched
 * (dpif-netdev-vmq-fetch.c).
 *
 * Moves from one PMD to the same other look through the flows of the first
 * together: there may be 100,000 of them, and 64 such moves.
 *
 * Nothing here takes longer the more flows there are, but slices of time.
 *
 * Thread-safety: for who moves queues, with 'port_rwlock' held.  The PMDs go
 * on meanwhile; 'flow_mutex' of either is held for as short as can be.
 * dp_vmq_copy_flow() and dp_vmq_find_key() are for any thread. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <string.h>

#include "ccmap.h"
#include "dpif-netdev-vmq-compat.h"
#include "dpif.h"
#include "hash.h"
#include "odp-util.h"
#include "openvswitch/match.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

/* References to some flows of the same heat. */
struct dp_vmq_flows {
    struct dp_vmq_flows *next;          /* As hot. */
    struct dp_vmq_flows *next_chain;    /* In 'discarded' of struct dp_vmq. */
    size_t n;
    struct dp_netdev_flow *flows[61];   /* Makes 512 bytes. */
};

/* How long flows are looked for before a queue leaves in a hurry. */
#define VMQ_AHEAD_SCAN_NS 400000

/* Returns the one of those that 'leader' leads which copies the flows of port
 * 'port_no', NULL if none does. */
static struct dp_vmq_copy *
dp_vmq_copy_find(const struct dp_vmq_copy *leader, odp_port_t port_no)
{
    struct dp_vmq_copy *copy;

    HMAP_FOR_EACH_WITH_HASH (copy, node, hash_int(odp_to_u32(port_no), 0),
                             &leader->copies) {
        if (copy->port_no == port_no) {
            return copy;
        }
    }
    return NULL;
}

/* Begins to copy the flows that 'from' has for port 'port_no'.  'leader' is
 * what was begun before between the same two PMDs, NULL if nothing was. */
void
dp_vmq_copy_begin(struct dp_vmq_copy *copy, struct dp_vmq_copy *leader,
                  const struct dp_netdev_pmd_thread *from, odp_port_t port_no)
{
    copy->port_no = port_no;
    copy->leader = leader ? leader : copy;
    leader = copy->leader;
    if (leader == copy) {
        hmap_init(&copy->copies);
    }
    if (!dp_vmq_copy_find(leader, port_no)) {
        hmap_insert(&leader->copies, &copy->node,
                    hash_int(odp_to_u32(port_no), 0));
        if (!leader->of_tunnels && dp_vmq_n_tunnel_flows(from, port_no)) {
            leader->of_tunnels = copy;
        }
    }
}

/* Ends the copying.  What has not been copied is left to
 * dp_vmq_copy_clean(). */
void
dp_vmq_copy_end(struct dp_netdev *dp, struct dp_vmq_copy *copy)
{
    for (int heat = 0; heat < VMQ_N_HEATS; heat++) {
        struct dp_vmq_flows *flows = copy->flows[heat];

        if (flows) {
            flows->next_chain = dp->vmq->discarded;
            dp->vmq->discarded = flows;
            copy->flows[heat] = NULL;
        }
    }
    copy->n_flows = 0;
    if (copy->leader == copy) {
        hmap_destroy(&copy->copies);
    }
    copy->leader = NULL;
}

/* Lets go of flows that were found and not copied, until it is 'until_ns'.
 * Returns true if there are no more. */
bool
dp_vmq_copy_clean(struct dp_netdev *dp, uint64_t until_ns)
{
    while (dp->vmq->discarded) {
        struct dp_vmq_flows *flows = dp->vmq->discarded;

        if (vmq_clock_ns() >= until_ns) {
            return false;
        }
        for (size_t i = 0; i < flows->n; i++) {
            dp_netdev_flow_unref(flows->flows[i]);
        }
        dp->vmq->discarded = flows->next_chain;
        if (flows->next) {
            flows->next->next_chain = dp->vmq->discarded;
            dp->vmq->discarded = flows->next;
        }
        free(flows);
    }
    return true;
}

/* Returns how cold 'flow' is: first by the time since it was used, whose
 * seconds double from class to class, then by the packets that it has had. */
static uint8_t
dp_vmq_flow_heat(struct dp_netdev_flow *flow, long long int now)
{
    unsigned long long int n_packets;
    long long int used;

    atomic_read_relaxed(&flow->stats.used, &used);
    atomic_read_relaxed(&flow->stats.packet_count, &n_packets);

    int age = used ? log_2_floor(MAX(now - used, 0) / 1000 + 1) : 15;
    int busy = n_packets ? log_2_floor(n_packets) : 0;
    return MIN(age, 15) * 16 + (15 - MIN(busy, 15));
}

/* Returns what copies 'flow', for one of the ports of 'leader', NULL if none
 * does.
 *
 * The packets that come out of a tunnel bear the tunnel's port.  The port by
 * which they entered it is known of the flow's first one only: others may have
 * come by another, as where ports are bonded.  All are therefore copied, but
 * for a port by which none has come. */
static struct dp_vmq_copy *
dp_vmq_copy_for(const struct dp_vmq_copy *leader,
                const struct dp_netdev_flow *flow)
{
    return (flow_tnl_dst_is_set(&flow->flow.tunnel)
            ? leader->of_tunnels
            : dp_vmq_copy_find(leader, flow->flow.in_port.odp_port));
}

/* Whether packets of 'flow' do not come to the PMD at all, or soon will not:
 * hardware carries it out, or is to be asked to.  A copy would be given the
 * statistics of the hardware as well, and count them again. */
bool
dp_vmq_flow_is_in_hardware(const struct dp_netdev *dp,
                           const struct dp_netdev_flow *flow)
{
    struct dpif_flow_attrs attrs;
    struct dpif_flow_stats stats;

    if (!dp_vmq_offloads()) {
        return false;
    }
    /* In this order: who does what has been asked says so first. */
    if (dp_vmq_flow_waits_for_hardware(flow)) {
        return true;
    }
    if (!dp_vmq_flow_may_be_in_hardware(flow)) {
        return false;
    }
    get_dpif_flow_status(dp, flow, &stats, &attrs);
    return attrs.offloaded && attrs.dp_layer && strcmp(attrs.dp_layer, "ovs");
}

/* Has 'flow' copied by 'copy', when it is its turn. */
static void
dp_vmq_copy_add(struct dp_vmq_copy *copy, struct dp_netdev_flow *flow,
                long long int now)
{
    unsigned int heat = dp_vmq_flow_heat(flow, now);
    struct dp_vmq_flows **head = &copy->flows[heat];

    if (!*head || (*head)->n >= ARRAY_SIZE((*head)->flows)) {
        struct dp_vmq_flows *flows = xmalloc(sizeof *flows);

        flows->next = *head;
        flows->n = 0;
        *head = flows;
    }
    (*head)->flows[(*head)->n++] = flow;
    copy->n_flows++;
    copy->heat = MIN(copy->heat, heat);
}

/* Finds flows to copy, for all moves of 'leader', until it is 'until_ns'.
 * Returns true if it has found all. */
static bool
dp_vmq_copy_scan(const struct dp_netdev *dp, struct dp_vmq_copy *leader,
                 struct dp_netdev_pmd_thread *from, uint64_t until_ns)
{
    long long int now = time_msec();
    struct cmap_node *node;

    for (unsigned int n = 1;
         (node = cmap_next_position(&from->flow_table, &leader->position));
         n++) {
        struct dp_netdev_flow *flow
            = CONTAINER_OF(node, struct dp_netdev_flow, node);
        struct dp_vmq_copy *copy = dp_vmq_copy_for(leader, flow);

        if (copy
            && !dp_vmq_flow_is_in_hardware(dp, flow)
            && ovs_refcount_try_ref_rcu(&flow->ref_cnt)) {
            dp_vmq_copy_add(copy, flow, now);
        }
        if (!(n % 32) && dp_vmq_must_yield(dp, until_ns)) {
            return false;
        }
    }
    return true;
}

/* Locks the flows of 'pmd'.  Returns the time, for dp_vmq_unlock_flows(). */
static uint64_t
dp_vmq_lock_flows(struct dp_netdev_pmd_thread *pmd)
    OVS_ACQUIRES(pmd->flow_mutex)
{
    ovs_mutex_lock(&pmd->flow_mutex);
    return vmq_clock_ns();
}

static void
dp_vmq_unlock_flows(struct dp_netdev_pmd_thread *pmd, uint64_t locked_ns,
                    struct dp_vmq_copy *copy)
    OVS_RELEASES(pmd->flow_mutex)
{
    struct vmq_result *result = copy->result;
    uint64_t held_ns = vmq_clock_ns() - locked_ns;

    ovs_mutex_unlock(&pmd->flow_mutex);
    result->lock_max_ns = MAX(result->lock_max_ns, held_ns);
    if (held_ns > result->lock_unpreempted_ns) {
        long int switches = vmq_clock_involuntary_switches();

        if (switches == copy->switches) {
            result->lock_unpreempted_ns = held_ns;
        }
        copy->switches = switches;
    }
}

/* Makes room for 'n' nodes in 'cmap', a part of the flows of 'pmd' that the
 * caller has found since it was quiescent last: all flows in it may have been
 * deleted, but it is still there.  What takes longest, to get the memory, is
 * done before the flows are locked. */
static void
dp_vmq_make_room(struct dp_netdev_pmd_thread *pmd, struct cmap *cmap,
                 size_t n, struct dp_vmq_copy *copy)
{
    struct cmap_impl *room = cmap_room_create(n);
    uint64_t locked_ns = dp_vmq_lock_flows(pmd);

    cmap_move_to_room(cmap, room);
    dp_vmq_unlock_flows(pmd, locked_ns, copy);
}

static struct dpcls_subtable *
dp_vmq_subtable(const struct dp_netdev_flow *flow)
{
    return CONTAINER_OF(flow->cr.mask, struct dpcls_subtable, mask);
}

/* Returns the flow of 'pmd' that packets of 'key' hit, NULL if none. */
struct dp_netdev_flow *
dp_vmq_find_key(struct dp_netdev_pmd_thread *pmd,
                const struct netdev_flow_key *key)
{
    odp_port_t in_port = u32_to_odp(MINIFLOW_GET_U32(&key->mf,
                                                     in_port.odp_port));
    struct dpcls *cls = dp_netdev_pmd_lookup_dpcls(pmd, in_port);
    struct dpcls_rule *rule = NULL;

    if (cls) {
        dpcls_lookup(cls, &key, &rule, 1, NULL);
    }
    return rule ? CONTAINER_OF(rule, struct dp_netdev_flow, cr) : NULL;
}

/* Returns the flow of 'pmd' that packets of 'flow' hit, NULL if none. */
static struct dp_netdev_flow *
dp_vmq_find_match(struct dp_netdev_pmd_thread *pmd, const struct flow *flow)
{
    struct netdev_flow_key key;

    memset(&key, 0, offsetof(struct netdev_flow_key, mf));
    miniflow_map_init(&key.mf, flow);
    miniflow_init(&key.mf, flow);
    return dp_vmq_find_key(pmd, &key);
}

/* Lets revalidators know that 'flow' is wanted as much as 'original', its like
 * on another PMD.  It may not have been used since the queue left, and would
 * be found to be idle just when the queue is back; or it is new, and would not
 * be found to be idle although the original is.  Nothing is counted. */
static void
dp_vmq_refresh_flow(struct dp_netdev_flow *flow,
                    struct dp_netdev_flow *original)
{
    long long int used, original_used;

    atomic_read_relaxed(&flow->stats.used, &used);
    atomic_read_relaxed(&original->stats.used, &original_used);
    if (used < original_used) {
        atomic_store_relaxed(&flow->stats.used, original_used);
    }
}

/* Makes 'added', of 'to', like 'flow', of 'from', if that has changed since it
 * had 'actions', and removes it if 'flow' is dead, unless revalidators have
 * adopted it.  Returns whether 'added' is still there.  What changes after
 * this, revalidators see in both. */
static bool
dp_vmq_keep_up(struct dp_netdev_pmd_thread *from,
               struct dp_netdev_pmd_thread *to,
               const struct dp_netdev_flow *flow,
               struct dp_netdev_flow *added,
               const struct dp_netdev_actions *actions,
               struct dp_vmq_copy *copy)
{
    for (;;) {
        uint64_t locked_ns = dp_vmq_lock_flows(from);
        const struct dp_netdev_actions *now = dp_netdev_flow_get_actions(flow);
        bool dead = flow->dead;
        dp_vmq_unlock_flows(from, locked_ns, copy);

        if (!dead && now == actions) {
            return true;
        }
        actions = now;

        locked_ns = dp_vmq_lock_flows(to);
        if (dead && !added->dead) {
            dp_vmq_remove_copy(to, added);
        } else if (!added->dead) {
            dp_vmq_follow(to, added, flow);
        }
        bool gone = added->dead;
        dp_vmq_unlock_flows(to, locked_ns, copy);
        if (dead || gone) {
            return !gone;
        }
    }
}

/* Copies 'flow' of 'from' to 'to', which is to get 'n_to_come' with this one,
 * none if it may not have more.  Packets of it have come by 'orig_in_port'.
 *
 * The ufid of a flow is a hash of the first packet that it was made for, so
 * that two PMDs may have the same megaflow under different ufids.  The copy
 * has a life of its own: it has had no packets, and revalidators adopt it the
 * next time they dump flows.  A dump that has passed 'to' already and has yet
 * to come to 'from' may change the actions of 'flow' alone, see
 * dpif-netdev-vmq-recheck.c. */
enum dp_vmq_copied
dp_vmq_copy_flow(struct dp_netdev *dp, struct dp_netdev_pmd_thread *from,
                 struct dp_netdev_pmd_thread *to, struct dp_netdev_flow *flow,
                 odp_port_t orig_in_port, size_t n_to_come,
                 struct dp_vmq_copy *copy)
{
    uint64_t finished = dp_vmq_recheck_begin(dp);
    const struct dp_netdev_actions *actions;
    struct dp_netdev_flow *present, *added = NULL;
    size_t n_flows = 0, n_rules = 0, n_alike = 0;
    struct match match;
    uint64_t locked_ns;
    bool flows_full = false, rules_full = false, stale;

    /* A queue that is back finds most of its flows, and this takes no lock. */
    present = dp_vmq_find_ufid(to, &flow->ufid);
    if (present) {
        dp_vmq_refresh_flow(present, flow);
        return VMQ_COPY_EXISTS;
    }
    if (!n_to_come) {
        return VMQ_COPY_NO_ROOM;
    }

    /* The mask belongs to the source's classifier, and goes with the last flow
     * that has it. */
    match.tun_md.valid = false;
    match.flow = flow->flow;
    locked_ns = dp_vmq_lock_flows(from);
    stale = flow->dead;
    if (!stale) {
        miniflow_expand(&flow->cr.mask->mf, &match.wc.masks);
        n_alike = cmap_count(&dp_vmq_subtable(flow)->rules);
    }
    actions = dp_netdev_flow_get_actions(flow);
    dp_vmq_unlock_flows(from, locked_ns, copy);
    if (stale) {
        return VMQ_COPY_STALE;
    }
    match.wc.masks.in_port.odp_port = ODPP_NONE;

    dp_vmq_reach(dp, VMQ_POINT_COPY, NULL, flow);
    locked_ns = dp_vmq_lock_flows(to);
    present = dp_vmq_find_match(to, &match.flow);
    if (!present) {
        present = dp_vmq_find_ufid(to, &flow->ufid);
    }
    if (present) {
        dp_vmq_refresh_flow(present, flow);
    } else {
        added = dp_netdev_flow_add(to, &match, &flow->ufid, actions->actions,
                                   actions->size, orig_in_port);
        dp_vmq_refresh_flow(added, flow);
        ovs_refcount_ref(&added->ref_cnt);
        n_flows = cmap_count(&to->flow_table);
        flows_full = !cmap_has_room(&to->flow_table, 1);
        n_rules = cmap_count(&dp_vmq_subtable(added)->rules);
        rules_full = !cmap_has_room(&dp_vmq_subtable(added)->rules, 1);
    }
    dp_vmq_unlock_flows(to, locked_ns, copy);
    if (!added) {
        return VMQ_COPY_EXISTS;
    }
    dp_vmq_reach(dp, VMQ_POINT_COPIED, NULL, flow);
    if (flows_full) {
        dp_vmq_make_room(to, &to->flow_table, n_flows + n_to_come, copy);
    }
    if (rules_full) {
        dp_vmq_make_room(to, &dp_vmq_subtable(added)->rules,
                         n_rules + MIN(n_to_come, n_alike), copy);
    }

    stale = !dp_vmq_keep_up(from, to, flow, added, actions, copy);
    if (!stale) {
        dp_vmq_reach(dp, VMQ_POINT_CHECKED, NULL, flow);
        dp_vmq_recheck_add(dp, finished, added, flow);
    }
    dp_netdev_flow_unref(added);
    return stale ? VMQ_COPY_STALE : VMQ_COPIED;
}

/* Returns how many flows can be added to 'dp' before ofproto-dpif-upcall comes
 * near its limit, above which it lets flows die young. */
size_t
dp_vmq_room_for_flows(const struct dp_netdev *dp)
{
    struct dp_netdev_pmd_thread *pmd;
    unsigned int flow_limit;
    size_t n_flows = 0;

    atomic_read_relaxed(&dp->vmq->flow_limit, &flow_limit);
    CMAP_FOR_EACH (pmd, node, &dp->poll_threads) {
        n_flows += cmap_count(&pmd->flow_table);
    }
    size_t most = (uint64_t) flow_limit * 9 / 10;
    return most - MIN(n_flows, most);
}

/* Copies the flows of 'copy' that have been found from 'from' to 'to', until
 * it is 'until_ns'.  Returns true if it is through. */
static bool
dp_vmq_copy_found(struct dp_netdev *dp, struct dp_vmq_copy *copy,
                  struct dp_netdev_pmd_thread *from,
                  struct dp_netdev_pmd_thread *to, uint64_t until_ns)
{
    struct vmq_result *result = copy->result;
    size_t room = dp_vmq_room_for_flows(dp);

    copy->switches = vmq_clock_involuntary_switches();
    for (; copy->n_flows; copy->n_flows--) {
        struct dp_vmq_flows *flows;
        struct dp_netdev_flow *flow;

        if (dp_vmq_must_yield(dp, until_ns)) {
            return false;
        }
        while (!(flows = copy->flows[copy->heat])) {
            copy->heat++;
        }
        flow = flows->flows[--flows->n];
        if (!flows->n) {
            copy->flows[copy->heat] = flows->next;
            free(flows);
        }

        switch (dp_vmq_copy_flow(dp, from, to, flow, flow->orig_in_port,
                                 MIN(room, copy->n_flows), copy)) {
        case VMQ_COPIED:
            result->flows_warmed++;
            room--;
            break;
        case VMQ_COPY_EXISTS:
            result->flows_present++;
            break;
        case VMQ_COPY_NO_ROOM:
            result->flows_skipped++;
            break;
        case VMQ_COPY_STALE:
        default:
            break;
        }
        dp_netdev_flow_unref(flow);
    }
    return true;
}

/* Copies the flows of 'copy' from 'from' to 'to', until it is 'until_ns'.
 * Returns true if it is through.  If these are to go 'ahead' of a queue in a
 * hurry, the hottest are copied of those that are found in a part of the
 * time. */
bool
dp_vmq_copy_run(struct dp_netdev *dp, struct dp_vmq_copy *copy,
                struct dp_netdev_pmd_thread *from,
                struct dp_netdev_pmd_thread *to, uint64_t until_ns, bool ahead)
{
    struct dp_vmq_copy *leader = copy->leader;

    if (!leader->scanned) {
        uint64_t ahead_ns = vmq_clock_ns() + VMQ_AHEAD_SCAN_NS;

        leader->scanned = dp_vmq_copy_scan(dp, leader, from,
                                           (ahead ? MIN(ahead_ns, until_ns)
                                            : until_ns));
    }
    return ((leader->scanned || ahead)
            && !dp_vmq_reach(dp, VMQ_POINT_FOUND, NULL, NULL)
            && dp_vmq_copy_found(dp, copy, from, to, until_ns)
            && leader->scanned);
}

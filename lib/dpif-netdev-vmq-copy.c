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
 * a slice of time each.
 *
 * Thread-safety: for the main thread with 'port_rwlock' held.  The PMDs go on
 * meanwhile; 'flow_mutex' of either is held for as short as can be. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <string.h>

#include "dpif-netdev-private.h"
#include "odp-util.h"
#include "openvswitch/match.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

struct dp_vmq_flow_ref {
    struct dp_netdev_flow *flow;
    uint8_t heat;               /* 0 is hottest. */
};

enum dp_vmq_copied {
    VMQ_COPIED,
    VMQ_COPY_EXISTS,            /* The destination has this flow already. */
    VMQ_COPY_STALE,             /* The source no longer has it like this. */
    VMQ_COPY_NO_ROOM,           /* It would be one too many. */
};

void
dp_vmq_copy_destroy(struct dp_vmq_copy *copy)
{
    for (size_t i = copy->next; i < copy->n_refs; i++) {
        dp_netdev_flow_unref(copy->refs[i].flow);
    }
    free(copy->refs);
    memset(copy, 0, sizeof *copy);
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

/* Whether packets of a queue of port 'port_no' may hit 'flow'.  The ones that
 * come out of a tunnel bear the tunnel's port, and nothing says from which
 * port they entered it. */
static bool
dp_vmq_flow_is_of_port(const struct dp_netdev_flow *flow, odp_port_t port_no)
{
    return (flow->flow.in_port.odp_port == port_no
            || flow_tnl_dst_is_set(&flow->flow.tunnel));
}

/* Whether packets of 'flow' do not come to the PMD at all.  A copy would be
 * given the statistics of the hardware as well, and count them again. */
static bool
dp_vmq_flow_is_in_hardware(struct dp_netdev_flow *flow)
{
    const char *layer;
    bool offloaded;

    atomic_read_relaxed(&flow->last_attrs.offloaded, &offloaded);
    atomic_read_relaxed(&flow->last_attrs.dp_layer, &layer);
    return offloaded && layer && strcmp(layer, "ovs");
}

/* Finds flows to copy until it is 'until_ns'.  Returns true if it has found
 * all. */
static bool
dp_vmq_copy_scan(struct dp_vmq_copy *copy, struct dp_netdev_pmd_thread *from,
                 odp_port_t port_no, uint64_t until_ns)
{
    long long int now = time_msec();
    struct cmap_node *node;

    for (unsigned int n = 1;
         (node = cmap_next_position(&from->flow_table, &copy->position));
         n++) {
        struct dp_netdev_flow *flow
            = CONTAINER_OF(node, struct dp_netdev_flow, node);

        if (dp_vmq_flow_is_of_port(flow, port_no)
            && !dp_vmq_flow_is_in_hardware(flow)
            && ovs_refcount_try_ref_rcu(&flow->ref_cnt)) {
            struct dp_vmq_flow_ref *ref;

            if (copy->n_refs >= copy->allocated_refs) {
                copy->refs = x2nrealloc(copy->refs,
                                        &copy->allocated_refs,
                                        sizeof *copy->refs);
            }
            ref = &copy->refs[copy->n_refs++];
            ref->flow = flow;
            ref->heat = dp_vmq_flow_heat(flow, now);
            copy->n_heat[ref->heat]++;
        }
        if (!(n % 32) && vmq_clock_ns() >= until_ns) {
            return false;
        }
    }
    return true;
}

/* Sorts what has been found, hottest first, in linear time: there may be
 * 100,000 of them. */
static void
dp_vmq_copy_sort(struct dp_vmq_copy *copy)
{
    struct dp_vmq_flow_ref *sorted
        = xmalloc(copy->n_refs * sizeof *sorted);
    size_t start = 0;

    for (int heat = 0; heat < VMQ_N_HEATS; heat++) {
        size_t n = copy->n_heat[heat];

        copy->n_heat[heat] = start;
        start += n;
    }
    for (size_t i = 0; i < copy->n_refs; i++) {
        sorted[copy->n_heat[copy->refs[i].heat]++] = copy->refs[i];
    }
    free(copy->refs);
    copy->refs = sorted;
    copy->allocated_refs = copy->n_refs;
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

/* Makes room for 'n' nodes in 'cmap', a part of the flows of 'pmd' that is
 * there as long as 'flow' is alive.  What takes longest, to get the memory, is
 * done before the flows are locked. */
static void
dp_vmq_make_room(struct dp_netdev_pmd_thread *pmd, struct cmap *cmap,
                 const struct dp_netdev_flow *flow, size_t n,
                 struct dp_vmq_copy *copy)
{
    struct cmap_impl *room = cmap_room_create(n);
    uint64_t locked_ns = dp_vmq_lock_flows(pmd);

    if (!flow->dead) {
        cmap_move_to_room(cmap, room);
        room = NULL;
    }
    dp_vmq_unlock_flows(pmd, locked_ns, copy);
    free_cacheline(room);
}

static struct dpcls_subtable *
dp_vmq_subtable(const struct dp_netdev_flow *flow)
{
    return CONTAINER_OF(flow->cr.mask, struct dpcls_subtable, mask);
}

/* Returns the flow of 'pmd' whose id is 'ufid', NULL if it has none. */
static struct dp_netdev_flow *
dp_vmq_find_ufid(const struct dp_netdev_pmd_thread *pmd, const ovs_u128 *ufid)
{
    struct dp_netdev_flow *flow;

    CMAP_FOR_EACH_WITH_HASH (flow, node, dp_netdev_flow_hash(ufid),
                             &pmd->flow_table) {
        if (ovs_u128_equals(flow->ufid, *ufid)) {
            return flow;
        }
    }
    return NULL;
}

/* Returns the flow of 'pmd' that packets of 'flow' hit, NULL if none. */
static struct dp_netdev_flow *
dp_vmq_find_match(struct dp_netdev_pmd_thread *pmd, const struct flow *flow)
{
    struct netdev_flow_key key, *keys = &key;
    struct dpcls_rule *rule = NULL;
    struct dpcls *cls;

    cls = dp_netdev_pmd_lookup_dpcls(pmd, flow->in_port.odp_port);
    if (cls) {
        memset(&key, 0, offsetof(struct netdev_flow_key, mf));
        miniflow_map_init(&key.mf, flow);
        miniflow_init(&key.mf, flow);
        dpcls_lookup(cls, (const struct netdev_flow_key **) &keys, &rule, 1,
                     NULL);
    }
    return rule ? CONTAINER_OF(rule, struct dp_netdev_flow, cr) : NULL;
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

/* Copies 'flow' of 'from' to 'to', which is to get 'n_to_come' with this one,
 * none if it may not have more.
 *
 * The ufid of a flow is a hash of the first packet that it was made for, so
 * that two PMDs may have the same megaflow under different ufids.  The copy
 * has a life of its own: it has had no packets, and revalidators adopt it the
 * next time they dump flows.  If a dump has passed 'to' already and has yet to
 * come to 'from', the copy has old actions until the one after it. */
static enum dp_vmq_copied
dp_vmq_copy_flow(struct dp_netdev_pmd_thread *from,
                 struct dp_netdev_pmd_thread *to, struct dp_netdev_flow *flow,
                 size_t n_to_come, struct dp_vmq_copy *copy)
{
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

    locked_ns = dp_vmq_lock_flows(to);
    present = dp_vmq_find_match(to, &match.flow);
    if (!present) {
        present = dp_vmq_find_ufid(to, &flow->ufid);
    }
    if (present) {
        dp_vmq_refresh_flow(present, flow);
    } else {
        added = dp_netdev_flow_add(to, &match, &flow->ufid, actions->actions,
                                   actions->size, flow->orig_in_port);
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
    if (flows_full) {
        dp_vmq_make_room(to, &to->flow_table, added, n_flows + n_to_come,
                         copy);
    }
    if (rules_full) {
        dp_vmq_make_room(to, &dp_vmq_subtable(added)->rules, added,
                         n_rules + MIN(n_to_come, n_alike), copy);
    }

    locked_ns = dp_vmq_lock_flows(from);
    stale = flow->dead || dp_netdev_flow_get_actions(flow) != actions;
    dp_vmq_unlock_flows(from, locked_ns, copy);

    if (stale) {
        locked_ns = dp_vmq_lock_flows(to);
        if (!added->dead) {
            dp_netdev_pmd_remove_flow(to, added);
        }
        dp_vmq_unlock_flows(to, locked_ns, copy);
    }
    dp_netdev_flow_unref(added);
    return stale ? VMQ_COPY_STALE : VMQ_COPIED;
}

/* Returns how many flows can be added to 'dp' before ofproto-dpif-upcall comes
 * near its limit, above which it lets flows die young. */
static size_t
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

/* Copies the flows that 'from' has for port 'port_no' to 'to', until it is
 * 'until_ns'.  Returns true if it is through. */
bool
dp_vmq_copy_run(struct dp_netdev *dp, struct dp_vmq_copy *copy,
                struct dp_netdev_pmd_thread *from,
                struct dp_netdev_pmd_thread *to, odp_port_t port_no,
                uint64_t until_ns)
{
    struct vmq_result *result = copy->result;

    if (!copy->scanned) {
        if (!dp_vmq_copy_scan(copy, from, port_no, until_ns)) {
            return false;
        }
        dp_vmq_copy_sort(copy);
        copy->scanned = true;
    }

    copy->switches = vmq_clock_involuntary_switches();

    size_t room = dp_vmq_room_for_flows(dp);
    for (; copy->next < copy->n_refs; copy->next++) {
        struct dp_netdev_flow *flow = copy->refs[copy->next].flow;

        if (vmq_clock_ns() >= until_ns) {
            return false;
        }
        switch (dp_vmq_copy_flow(from, to, flow,
                                 MIN(room, copy->n_refs - copy->next),
                                 copy)) {
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

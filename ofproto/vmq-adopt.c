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
#include "vmq-adopt.h"

#include "dpif.h"
#include "dpif-netdev.h"
#include "dpif-netdev-vmq.h"
#include "netlink.h"
#include "odp-util.h"
#include "ofproto-dpif-rid.h"

static bool adopt_actions(const struct nlattr *actions, size_t actions_len,
                          bool may_adopt, struct recirc_refs *);

static bool
adopt_id(uint32_t id, struct recirc_refs *refs)
{
    if (!recirc_id_node_find_and_ref(id)) {
        return false;
    }
    recirc_refs_add(refs, id);
    return true;
}

/* Adopts the id by which 'a', an OVS_ACTION_ATTR_USERSPACE, finds what a
 * controller is to be told, if it is for one. */
static bool
adopt_cookie(const struct nlattr *a, struct recirc_refs *refs)
{
    const struct nlattr *userdata
        = nl_attr_find_nested(a, OVS_USERSPACE_ATTR_USERDATA);
    struct user_action_cookie cookie;

    if (!userdata || nl_attr_get_size(userdata) != sizeof cookie) {
        return true;
    }
    memcpy(&cookie, nl_attr_get(userdata), sizeof cookie);
    return (cookie.type != USER_ACTION_COOKIE_CONTROLLER
            || !cookie.controller.recirc_id
            || adopt_id(cookie.controller.recirc_id, refs));
}

/* Adopts the actions in those attributes nested in 'a' that are of type 'type'
 * or 'other_type'. */
static bool
adopt_nested(const struct nlattr *a, int type, int other_type,
             struct recirc_refs *refs)
{
    const struct nlattr *b;
    size_t left;

    NL_NESTED_FOR_EACH (b, left, a) {
        if ((nl_attr_type(b) == type || nl_attr_type(b) == other_type)
            && !adopt_actions(nl_attr_get(b), nl_attr_get_size(b), true,
                              refs)) {
            return false;
        }
    }
    return true;
}

static bool
adopt_actions(const struct nlattr *actions, size_t actions_len,
              bool may_adopt, struct recirc_refs *refs)
{
    const struct nlattr *a;
    size_t left;

    NL_ATTR_FOR_EACH (a, left, actions, actions_len) {
        int type = nl_attr_type(a);

        if (type == OVS_ACTION_ATTR_RECIRC) {
            if (!may_adopt || !adopt_id(nl_attr_get_u32(a), refs)) {
                return false;
            }
        } else if (may_adopt
                   && ((type == OVS_ACTION_ATTR_USERSPACE
                        && !adopt_cookie(a, refs))
                       || (type == OVS_ACTION_ATTR_CLONE
                        && !adopt_actions(nl_attr_get(a), nl_attr_get_size(a),
                                          true, refs))
                       || (type == OVS_ACTION_ATTR_SAMPLE
                           && !adopt_nested(a, OVS_SAMPLE_ATTR_ACTIONS, -1,
                                            refs))
                       || (type == OVS_ACTION_ATTR_CHECK_PKT_LEN
                           && !adopt_nested(
                               a,
                               OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER,
                               OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL,
                               refs)))) {
            return false;
        }
    }
    return true;
}

static void
adopt_undo(uint32_t key_recirc_id, struct recirc_refs *refs)
{
    recirc_refs_unref(refs);
    if (key_recirc_id) {
        recirc_free_id(key_recirc_id);
    }
}

/* Takes references to the recirculation ids of 'flow': one to that in its key,
 * stored in '*key_recirc_id', and one to each in its actions, stored in
 * '*refs'.  Returns false, and takes none, if it has an id that must not be
 * relied on: any, unless 'may_adopt'. */
bool
vmq_adopt_ids(bool may_adopt, const struct dpif_flow *flow,
              uint32_t *key_recirc_id, struct recirc_refs *refs)
{
    const struct nlattr *a;

    a = nl_attr_find__(flow->key, flow->key_len, OVS_KEY_ATTR_RECIRC_ID);
    *key_recirc_id = a ? nl_attr_get_u32(a) : 0;
    recirc_refs_init(refs);
    if (*key_recirc_id
        && (!may_adopt || !recirc_id_node_find_and_ref(*key_recirc_id))) {
        return false;
    }
    if (!adopt_actions(flow->actions, flow->actions_len, may_adopt, refs)) {
        adopt_undo(*key_recirc_id, refs);
        return false;
    }
    return true;
}

/* As above for 'flow' in the datapath of 'dpif', which is told that
 * revalidators adopt it.  Also returns false if it is gone. */
bool
vmq_adopt_recirc(struct dpif *dpif, const struct dpif_flow *flow,
                 uint32_t *key_recirc_id, struct recirc_refs *refs)
{
    bool may_adopt = dpif_is_netdev(dpif);

    if (!vmq_adopt_ids(may_adopt, flow, key_recirc_id, refs)) {
        return false;
    }
    if (may_adopt
        && !dpif_netdev_vmq_adopt(dpif, &flow->ufid, flow->pmd_id)) {
        adopt_undo(*key_recirc_id, refs);
        return false;
    }
    return true;
}

/* Returns the time at which 'flow', which is in the datapath of 'dpif', was
 * used last, as revalidators are to remember it when they adopt 'flow'.  A
 * flow of the userspace datapath counts as not used yet: it is a copy, with
 * few packets of its own, and slow revalidators would delete it for being
 * seldom used instead of looking at it the first time. */
long long int
vmq_adopt_used(const struct dpif *dpif, const struct dpif_flow *flow)
{
    return dpif_is_netdev(dpif) ? 0 : flow->stats.used;
}

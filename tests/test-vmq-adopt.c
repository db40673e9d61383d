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

/* Adoption of flows with recirculation ids: who has references then. */

#include <config.h>
#undef NDEBUG
#include "ofproto/vmq-adopt.h"

#include "dpif.h"
#include "dpif-provider.h"
#include "netlink.h"
#include "odp-netlink.h"
#include "odp-util.h"
#include "ofproto/ofproto-dpif-rid.h"
#include "openvswitch/ofpbuf.h"
#include "ovstest.h"
#include "util.h"

/* Of nothing that was ever allocated. */
#define DEAD_ID UINT32_MAX

/* Returns an id that the caller has the only reference to. */
static uint32_t
alloc_id(uint8_t table_id)
{
    struct frozen_state state = { .table_id = table_id };
    uint32_t id = recirc_alloc_id_ctx(&state);

    ovs_assert(id && id != DEAD_ID);
    return id;
}

/* Gives the reference back that the caller has to 'id', which must be the last
 * one, as 'n_others' are others. */
static void
expect_refs(uint32_t id, unsigned int n_others)
{
    for (unsigned int i = 0; i <= n_others; i++) {
        ovs_assert(recirc_id_node_find_and_ref(id));
        recirc_free_id(id);
        recirc_free_id(id);
    }
    ovs_assert(!recirc_id_node_find_and_ref(id));
}

/* Appends an action that contains another one: recirculation to 'id'. */
static void
put_nested(struct ofpbuf *actions, int type, int nested_type, uint32_t id)
{
    size_t outer = nl_msg_start_nested(actions, type);
    size_t inner = nested_type ? nl_msg_start_nested(actions, nested_type) : 0;

    nl_msg_put_u32(actions, OVS_ACTION_ATTR_RECIRC, id);
    if (nested_type) {
        nl_msg_end_nested(actions, inner);
    }
    nl_msg_end_nested(actions, outer);
}

/* Appends the action that sends packets to userspace, as 'type' wants. */
static void
put_userspace(struct ofpbuf *actions, uint16_t type, uint32_t id)
{
    struct user_action_cookie cookie;

    memset(&cookie, 0, sizeof cookie);
    cookie.type = type;
    if (type == USER_ACTION_COOKIE_CONTROLLER) {
        cookie.controller.recirc_id = id;
    }
    odp_put_userspace_action(0, &cookie, sizeof cookie, ODPP_NONE, false,
                             actions, NULL);
}

/* Tries to adopt a flow of a datapath of 'class', with 'key_id' in its key
 * unless it is 0, and 'ids' in all actions that can have one. */
static bool
adopt(const struct dpif_class *class, uint32_t key_id, const uint32_t ids[6],
      struct recirc_refs *refs)
{
    struct dpif dpif = { .dpif_class = class };
    uint64_t key_stub[64], actions_stub[256];
    struct ofpbuf key, actions;
    uint32_t adopted_id;

    ofpbuf_use_stub(&key, key_stub, sizeof key_stub);
    if (key_id) {
        nl_msg_put_u32(&key, OVS_KEY_ATTR_RECIRC_ID, key_id);
    }
    ofpbuf_use_stub(&actions, actions_stub, sizeof actions_stub);
    put_nested(&actions, OVS_ACTION_ATTR_CLONE, 0, ids[0]);
    put_nested(&actions, OVS_ACTION_ATTR_SAMPLE, OVS_SAMPLE_ATTR_ACTIONS,
               ids[1]);
    put_nested(&actions, OVS_ACTION_ATTR_CHECK_PKT_LEN,
               OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, ids[2]);
    put_nested(&actions, OVS_ACTION_ATTR_CHECK_PKT_LEN,
               OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, ids[3]);
    put_userspace(&actions, USER_ACTION_COOKIE_CONTROLLER, ids[4]);
    put_userspace(&actions, USER_ACTION_COOKIE_CONTROLLER, 0);
    put_userspace(&actions, USER_ACTION_COOKIE_SFLOW, 0);
    odp_put_userspace_action(0, NULL, 0, ODPP_NONE, false, &actions, NULL);
    if (ids[5]) {
        nl_msg_put_u32(&actions, OVS_ACTION_ATTR_RECIRC, ids[5]);
    }

    struct dpif_flow flow = {
        .key = key.data,
        .key_len = key.size,
        .actions = actions.data,
        .actions_len = actions.size,
        .stats.used = 1234,
    };
    bool adopted = vmq_adopt_ids(class == &dpif_netdev_class, &flow,
                                 &adopted_id, refs);

    ovs_assert(!adopted || adopted_id == key_id);
    ovs_assert(vmq_adopt_used(&dpif, &flow)
               == (class == &dpif_netdev_class ? 0 : 1234));
    ofpbuf_uninit(&key);
    ofpbuf_uninit(&actions);
    return adopted;
}

/* A reference to the id in the key, and one to each in the actions. */
static void
test_adopted(void)
{
    uint32_t key_id = alloc_id(1), id = alloc_id(2), other = alloc_id(3);
    uint32_t ids[6] = { id, id, other, id, other, id };
    struct recirc_refs refs;

    ovs_assert(adopt(&dpif_netdev_class, key_id, ids, &refs));
    ovs_assert(refs.n_recircs == 6);
    expect_refs(key_id, 1);
    expect_refs(id, 4);
    expect_refs(other, 2);
}

/* If one of them is dead, the references to the others are given back. */
static void
test_dead(void)
{
    for (int dead = 0; dead < 7; dead++) {
        uint32_t key_id = alloc_id(1), id = alloc_id(2);
        uint32_t ids[6] = { id, id, id, id, id, id };
        struct recirc_refs refs;

        if (dead < 6) {
            ids[dead] = DEAD_ID;
        }
        ovs_assert(!adopt(&dpif_netdev_class, dead < 6 ? key_id : DEAD_ID, ids,
                          &refs));
        ovs_assert(!refs.n_recircs);
        expect_refs(key_id, 0);
        expect_refs(id, 0);
    }
}

/* The flows of another datapath may be older than the ids: nothing with an id
 * that Open vSwitch itself would see is adopted, and what is has no refs. */
static void
test_other_datapath(void)
{
    static const struct dpif_class other_class = { .type = "other" };
    uint32_t key_id = alloc_id(1), id = alloc_id(2);
    uint32_t nested[6] = { id, id, id, id, id, 0 };
    uint32_t ids[6] = { id, id, id, id, id, id };
    struct recirc_refs refs;

    ovs_assert(!adopt(&other_class, key_id, nested, &refs));
    ovs_assert(!adopt(&other_class, 0, ids, &refs));
    ovs_assert(adopt(&other_class, 0, nested, &refs));
    ovs_assert(!refs.n_recircs);
    expect_refs(key_id, 0);
    expect_refs(id, 0);
}

static void
test_vmq_adopt_main(int argc OVS_UNUSED, char *argv[] OVS_UNUSED)
{
    test_adopted();
    test_dead();
    test_other_datapath();
}

OVSTEST_REGISTER("test-vmq-adopt", test_vmq_adopt_main);

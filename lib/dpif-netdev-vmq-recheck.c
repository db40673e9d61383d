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

/* Dynamic VMQ in the userspace datapath: copies of flows that revalidators may
 * have missed.
 *
 * A revalidation dumps the flows of one PMD after those of another.  A flow
 * that is copied meanwhile from a PMD that it has yet to come to, to one that
 * it has passed, has old actions, and only the next revalidation would see
 * it: a permission that has been taken away would last longer than in a flow
 * that was there before.
 *
 * While a revalidation is wanted and has not been finished, each copy is
 * therefore listed.  When the next one ends, the original has had its actions
 * changed if need be, or has been deleted, and the copy is made like it.  What
 * is wanted only after the copy has been made sees the copy itself.
 *
 * Comparing the sequence numbers before and after the copy is made would not
 * do: the revalidation may have begun before.
 *
 * Thread-safety: dp_vmq_recheck_begin() and dp_vmq_recheck_add() are for the
 * thread that copies flows.  What ofproto-dpif-upcall calls says who may. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>
#include <string.h>

#include "dpif-netdev.h"
#include "dpif-netdev-vmq.h"
#include "dpif-netdev-vmq-compat.h"
#include "openvswitch/list.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "util.h"

/* A flow to look at.  Has a reference to both. */
struct dp_vmq_doubt {
    struct ovs_list node;       /* In 'copies' of struct dp_vmq_recheck. */
    struct dp_netdev_flow *copy, *original;
};

static void
dp_vmq_doubt_destroy(struct dp_vmq_doubt *doubt)
{
    dp_netdev_flow_unref(doubt->copy);
    dp_netdev_flow_unref(doubt->original);
    free(doubt);
}

void
dp_vmq_recheck_init(struct dp_vmq_recheck *recheck)
{
    atomic_init(&recheck->wanted, 0);
    atomic_init(&recheck->finished, 0);
    recheck->started = 0;
    ovs_mutex_init(&recheck->mutex);
    ovs_list_init(&recheck->copies);
}

/* Nobody else may use 'recheck' any more. */
void
dp_vmq_recheck_destroy(struct dp_vmq_recheck *recheck)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct dp_vmq_doubt *doubt;

    LIST_FOR_EACH_POP (doubt, node, &recheck->copies) {
        dp_vmq_doubt_destroy(doubt);
    }
    ovs_mutex_destroy(&recheck->mutex);
}

/* To be called before the actions of a flow are read in order to copy it.
 * Returns what dp_vmq_recheck_add() wants to know. */
uint64_t
dp_vmq_recheck_begin(struct dp_netdev *dp)
{
    uint64_t finished;

    atomic_read_explicit(&dp->vmq->recheck.finished, &finished,
                         memory_order_acquire);
    return finished;
}

/* Returns the flow of 'pmd' whose id is 'ufid', NULL if it has none. */
struct dp_netdev_flow *
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

/* Removes 'copy', of 'pmd', unless revalidators have adopted it: they look
 * after it then, and would take a flow that is gone for one that is there. */
void
dp_vmq_remove_copy(struct dp_netdev_pmd_thread *pmd,
                   struct dp_netdev_flow *copy)
    OVS_REQUIRES(pmd->flow_mutex)
{
    if (!copy->vmq.adopted) {
        dp_netdev_pmd_remove_flow(pmd, copy);
    }
}

/* Gives 'copy', of 'pmd', the actions of 'original', or removes it.  One that
 * revalidators have adopted they have looked at. */
void
dp_vmq_follow(struct dp_netdev_pmd_thread *pmd, struct dp_netdev_flow *copy,
              const struct dp_netdev_flow *original)
    OVS_REQUIRES(pmd->flow_mutex)
{
    const struct dp_netdev_actions *wanted
        = dp_netdev_flow_get_actions(original);
    struct dp_netdev_actions *old = dp_netdev_flow_get_actions(copy);

    if (copy->vmq.adopted
        || (old->size == wanted->size
            && !memcmp(old->actions, wanted->actions, old->size))) {
        return;
    }
    if (dp_vmq_offloads()) {
        /* Hardware might have to be told, too. */
        dp_vmq_remove_copy(pmd, copy);
        return;
    }
    ovsrcu_set(&copy->actions,
               dp_netdev_actions_create(wanted->actions, wanted->size));
    ovsrcu_postpone(free, old);
}

/* Makes the copy of 'doubt' like its original, now that revalidators have seen
 * that.  The original may also have been deleted for another reason, and a
 * copy that they have not adopted costs an upcall then. */
static void
dp_vmq_doubt_settle(struct dp_netdev *dp, const struct dp_vmq_doubt *doubt)
{
    struct dp_netdev_flow *copy = doubt->copy;
    struct dp_netdev_pmd_thread *pmd = dp_vmq_find_pmd(dp, copy->pmd_id);

    if (!pmd) {
        return;
    }
    ovs_mutex_lock(&pmd->flow_mutex);
    if (copy->dead) {
        /* Another PMD may be on this core by now. */
    } else if (doubt->original->dead) {
        dp_vmq_remove_copy(pmd, copy);
    } else {
        dp_vmq_follow(pmd, copy, doubt->original);
    }
    ovs_mutex_unlock(&pmd->flow_mutex);
}

/* To be called when 'copy', which was made of 'original', can be found in the
 * datapath.  'finished' is what dp_vmq_recheck_begin() returned before. */
void
dp_vmq_recheck_add(struct dp_netdev *dp, uint64_t finished,
                   struct dp_netdev_flow *copy,
                   struct dp_netdev_flow *original)
{
    struct dp_vmq_recheck *recheck = &dp->vmq->recheck;
    struct dp_vmq_doubt *doubt;
    uint64_t wanted;

    /* Who asks for a revalidation counts first and looks for flows then.  It
     * has to be seen here, or has to see the copy. */
    atomic_thread_fence(memory_order_seq_cst);
    atomic_read_explicit(&recheck->wanted, &wanted, memory_order_seq_cst);
    if (wanted == finished) {
        return;
    }

    doubt = xmalloc(sizeof *doubt);
    doubt->copy = copy;
    doubt->original = original;
    ovs_refcount_ref(&copy->ref_cnt);
    ovs_refcount_ref(&original->ref_cnt);
    ovs_mutex_lock(&recheck->mutex);
    ovs_list_push_back(&recheck->copies, &doubt->node);
    ovs_mutex_unlock(&recheck->mutex);

    /* It came too late for a revalidation that has ended meanwhile. */
    if (dp_vmq_recheck_begin(dp) != finished) {
        struct dp_vmq_doubt late = { .copy = copy, .original = original };

        dp_vmq_doubt_settle(dp, &late);
    }
}

/* Called by ofproto-dpif-upcall, before it asks revalidators to look at all
 * flows because what they were made from has changed.  Any thread may call
 * it. */
void
dpif_netdev_vmq_revalidate(struct dpif *dpif)
{
    if (dpif_is_netdev(dpif)) {
        uint64_t wanted;

        atomic_add(&get_dp_netdev(dpif)->vmq->recheck.wanted, UINT64_C(1),
                   &wanted);
    }
}

/* Called by the first of the revalidators, before it looks at what they have
 * been asked for and begins to dump flows. */
void
dpif_netdev_vmq_revalidation_starts(struct dpif *dpif)
{
    if (dpif_is_netdev(dpif)) {
        struct dp_vmq_recheck *recheck = &get_dp_netdev(dpif)->vmq->recheck;

        atomic_read(&recheck->wanted, &recheck->started);
    }
}

/* Called by the same thread when all flows have been dumped and dealt with. */
void
dpif_netdev_vmq_revalidation_ends(struct dpif *dpif)
{
    struct dp_vmq_recheck *recheck;
    struct dp_vmq_doubt *doubt;
    struct ovs_list copies;
    struct dp_netdev *dp;

    if (!dpif_is_netdev(dpif)) {
        return;
    }
    dp = get_dp_netdev(dpif);
    recheck = &dp->vmq->recheck;
    atomic_store_explicit(&recheck->finished, recheck->started,
                          memory_order_release);

    ovs_mutex_lock(&recheck->mutex);
    ovs_list_move(&copies, &recheck->copies);
    ovs_list_init(&recheck->copies);
    ovs_mutex_unlock(&recheck->mutex);
    LIST_FOR_EACH_POP (doubt, node, &copies) {
        dp_vmq_doubt_settle(dp, doubt);
        dp_vmq_doubt_destroy(doubt);
    }
}

/* Called by revalidators, before they adopt the flow 'ufid' that a dump has
 * found on 'pmd_id'.  From now on they alone remove it.  Returns false if it
 * is gone already. */
bool
dpif_netdev_vmq_adopt(struct dpif *dpif, const ovs_u128 *ufid,
                      unsigned int pmd_id)
{
    struct dp_netdev_pmd_thread *pmd
        = dp_vmq_find_pmd(get_dp_netdev(dpif), pmd_id);
    struct dp_netdev_flow *flow;

    if (!pmd) {
        return false;
    }
    ovs_mutex_lock(&pmd->flow_mutex);
    flow = dp_vmq_find_ufid(pmd, ufid);
    if (flow) {
        flow->vmq.adopted = true;
    }
    ovs_mutex_unlock(&pmd->flow_mutex);
    return flow != NULL;
}

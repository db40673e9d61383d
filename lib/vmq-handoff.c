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
#include "vmq-handoff.h"

#include "util.h"

void
vmq_post_init(struct vmq_post *post)
{
    ovs_mutex_init(&post->mutex);
    vmq_wake_init(&post->mover);
}

void
vmq_post_destroy(struct vmq_post *post)
{
    vmq_wake_destroy(&post->mover);
    ovs_mutex_destroy(&post->mutex);
}

void
vmq_mailbox_init(struct vmq_mailbox *mailbox)
{
    atomic_init(&mailbox->has_mail, false);
    vmq_wake_init(&mailbox->wake);
    atomic_init(&mailbox->n_expected, 0);
    ovs_list_init(&mailbox->letters);
}

void
vmq_mailbox_destroy(struct vmq_mailbox *mailbox)
{
    ovs_assert(ovs_list_is_empty(&mailbox->letters));
    vmq_wake_destroy(&mailbox->wake);
}

/* Has the thread of 'mailbox' look into it.  To be called after the mutex has
 * been released: the thread may be blocked, and wakes only to wait for it. */
static void
mailbox_ring(struct vmq_mailbox *mailbox)
{
    atomic_store_relaxed(&mailbox->has_mail, true);
    vmq_wake_up(&mailbox->wake);
}

static unsigned int
mailbox_n_expected(const struct vmq_mailbox *mailbox)
{
    unsigned int n_expected;

    atomic_read_relaxed(&CONST_CAST(struct vmq_mailbox *, mailbox)->n_expected,
                        &n_expected);
    return n_expected;
}

/* Says that 'n' more handoffs, or fewer, are on their way to 'mailbox'. */
static void
mailbox_expect(struct vmq_post *post OVS_UNUSED, struct vmq_mailbox *mailbox,
               int n)
    OVS_REQUIRES(post->mutex)
{
    atomic_store_relaxed(&mailbox->n_expected,
                         mailbox_n_expected(mailbox) + n);
}

static void
mailbox_put(struct vmq_post *post OVS_UNUSED, struct vmq_mailbox *mailbox,
            struct vmq_handoff *handoff, enum vmq_stage stage)
    OVS_REQUIRES(post->mutex)
{
    ovs_list_push_back(&mailbox->letters, &handoff->node);
    handoff->at = mailbox;
    handoff->stage = stage;
}

/* 'handoff' may be gone when this returns. */
static void
handoff_end(struct vmq_post *post OVS_UNUSED, struct vmq_handoff *handoff)
    OVS_REQUIRES(post->mutex)
{
    handoff->stage = VMQ_STAGE_DONE;
    atomic_store_explicit(&handoff->ended, true, memory_order_release);
}

/* Begins to pass the queue that 'handoff' stands for from the thread of 'from'
 * to that of 'to', which is another one.  'handoff' needs no initialization,
 * and belongs to the post until it has ended.  For the mover. */
void
vmq_handoff_start(struct vmq_post *post, struct vmq_handoff *handoff,
                  struct vmq_mailbox *from, struct vmq_mailbox *to)
{
    ovs_assert(from != to);

    ovs_mutex_lock(&post->mutex);
    handoff->from = from;
    handoff->to = to;
    handoff->taker = to;
    atomic_init(&handoff->ended, false);
    mailbox_expect(post, to, 1);
    mailbox_put(post, to, handoff, VMQ_STAGE_ASK);
    ovs_mutex_unlock(&post->mutex);
    mailbox_ring(to);
}

/* Gives up on the thread in whose mailbox 'handoff' lies.  If it is not in
 * one, somebody works on it and will be through soon.  Afterward the handoff
 * has ended, or it will without the destination.  For the mover. */
void
vmq_handoff_take_back(struct vmq_post *post, struct vmq_handoff *handoff)
{
    struct vmq_mailbox *ring[2] = { NULL, NULL };

    ovs_mutex_lock(&post->mutex);
    if (handoff->at && handoff->taker == handoff->to) {
        ovs_list_remove(&handoff->node);
        handoff->at = NULL;
        handoff->taker = handoff->from;
        mailbox_expect(post, handoff->to, -1);
        ring[0] = handoff->to;          /* It may want to park. */
        if (handoff->stage == VMQ_STAGE_TAKE) {
            mailbox_put(post, handoff->from, handoff, VMQ_STAGE_TAKE);
            ring[1] = handoff->from;
        } else {
            handoff_end(post, handoff);
        }
    }
    ovs_mutex_unlock(&post->mutex);

    for (int i = 0; i < 2; i++) {
        if (ring[i]) {
            mailbox_ring(ring[i]);
        }
    }
}

/* Takes the next letter out of 'mailbox', for the thread whose it is.  Returns
 * NULL if there is none.  The caller has to do what its 'stage' says, then to
 * call vmq_handoff_pass(). */
struct vmq_handoff *
vmq_mailbox_receive(struct vmq_post *post, struct vmq_mailbox *mailbox)
{
    struct vmq_handoff *handoff = NULL;

    ovs_mutex_lock(&post->mutex);
    if (ovs_list_is_empty(&mailbox->letters)) {
        /* Within the mutex, so that this cannot hide a letter that comes
         * now: who brings it rings afterward. */
        atomic_store_relaxed(&mailbox->has_mail, false);
    } else {
        handoff = CONTAINER_OF(ovs_list_pop_front(&mailbox->letters),
                               struct vmq_handoff, node);
        handoff->at = NULL;
    }
    ovs_mutex_unlock(&post->mutex);
    return handoff;
}

/* Passes 'handoff', which the caller took out of its mailbox and did its part
 * of, to the next one.  The caller must not touch it any longer. */
void
vmq_handoff_pass(struct vmq_post *post, struct vmq_handoff *handoff)
{
    struct vmq_mailbox *next = NULL;

    ovs_mutex_lock(&post->mutex);
    switch (handoff->stage) {
    case VMQ_STAGE_ASK:
        next = handoff->from;
        mailbox_put(post, next, handoff, VMQ_STAGE_GIVE);
        break;
    case VMQ_STAGE_GIVE:
        next = handoff->to;
        mailbox_put(post, next, handoff, VMQ_STAGE_TAKE);
        break;
    case VMQ_STAGE_TAKE:
        if (handoff->taker == handoff->to) {
            mailbox_expect(post, handoff->to, -1);
        }
        handoff_end(post, handoff);
        break;
    case VMQ_STAGE_DONE:
    default:
        OVS_NOT_REACHED();
    }
    ovs_mutex_unlock(&post->mutex);

    if (next) {
        mailbox_ring(next);
    } else {
        vmq_wake_up(&post->mover);
    }
}

/* Puts 'handoff', which the caller took out of 'mailbox', back: not now. */
void
vmq_handoff_defer(struct vmq_post *post, struct vmq_mailbox *mailbox,
                  struct vmq_handoff *handoff)
{
    ovs_mutex_lock(&post->mutex);
    ovs_list_push_front(&mailbox->letters, &handoff->node);
    handoff->at = mailbox;
    ovs_mutex_unlock(&post->mutex);
}

/* Returns whether a thread without queues may block.  To be called between
 * vmq_wake_prepare() and vmq_wake_wait() for 'mailbox->wake'. */
bool
vmq_mailbox_may_park(struct vmq_post *post, const struct vmq_mailbox *mailbox)
{
    bool may_park;

    ovs_mutex_lock(&post->mutex);
    may_park = (!mailbox_n_expected(mailbox)
                && ovs_list_is_empty(&mailbox->letters));
    ovs_mutex_unlock(&post->mutex);
    return may_park;
}

/* Whether the thread of 'mailbox' has to stay awake for a handoff. */
static bool
mailbox_keeps_awake(const struct vmq_mailbox *mailbox)
{
    return vmq_mailbox_has_mail(mailbox) || mailbox_n_expected(mailbox);
}

/* Sleeps for 'ns' nanoseconds between two iterations of the thread of
 * 'mailbox', or not at all or less if a handoff wants its attention.  Takes no
 * lock, and does not quiesce the thread for RCU. */
void
vmq_mailbox_sleep(struct vmq_mailbox *mailbox, uint64_t ns)
{
    if (mailbox_keeps_awake(mailbox)) {
        return;
    }
    vmq_wake_prepare(&mailbox->wake);
    if (!mailbox_keeps_awake(mailbox)) {
        vmq_wake_sleep(&mailbox->wake, ns);
    }
    vmq_wake_finish(&mailbox->wake);
}

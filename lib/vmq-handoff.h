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


#ifndef VMQ_HANDOFF_H
#define VMQ_HANDOFF_H 1

/* Handoff: passes receive queues from one polling thread to another.
 *
 * Motivation
 * ==========
 *
 * Reloading a PMD thread to take a queue from it or to give it one stops all
 * of its queues, twice for each move, and nobody polls the queue that moves
 * in between.  Here, messages do it: the thread that has the queue passes it
 * straight to the one that gets it, between two of their iterations, and no
 * thread that polls ever stops.
 *
 * Model
 * =====
 *
 * Each polling thread has a mailbox, and another thread, the mover, says which
 * queue goes where.  A handoff is a letter that goes around:
 *
 *     stage    the letter lies with    the queue is with   the receiver
 *     -----    --------------------    -----------------   ------------
 *     ASK      the destination         the source          is awake now
 *     GIVE     the source              the source          polls once more,
 *                                                          sends what it owes
 *     TAKE     the destination         nobody              polls from now on
 *     DONE     the mover               'taker'             keeps the books
 *
 *    mover --ASK--> destination --GIVE--> source --TAKE--> destination --DONE
 *
 * So the source lets go of the queue only when the destination has shown that
 * it is there to take it, and who has it move has no part in between.
 *
 * A receiver takes a letter out of its mailbox, does what the stage says with
 * no lock held, and passes the letter on.  The mover may take a letter
 * back that has not been taken out yet, if the receiver does not answer: with
 * ASK and GIVE the handoff has failed and the queue stays.  With TAKE it goes
 * to the source, which takes the queue again.
 *
 * A thread neither blocks nor sleeps while there is mail for it, or while it
 * is the destination of a handoff that has not ended.  Mail ends a sleep.
 *
 * Invariants
 * ==========
 *
 *   H1.  At every instant a queue is polled by at most one thread.
 *   H2.  No queue is polled after its port is gone, if handoffs are drained
 *        before ports are removed.
 *   H3.  When a handoff has ended, the queue is with exactly one thread, which
 *        'taker' says.
 *   H4.  Every handoff ends.
 *
 * tests/model/vmq-handoff.pml is a model of this, which Spin checks against
 * them.
 *
 * Usage
 * =====
 *
 * The mover:
 *
 *     vmq_handoff_start(&post, &handoff, &from->mailbox, &to->mailbox);
 *     while (!vmq_handoff_ended(&handoff)) {
 *         if (...too late...) {
 *             vmq_handoff_take_back(&post, &handoff);
 *         }
 *         ...wait for post.mover, see vmq-wake.h...
 *     }
 *
 * A polling thread, once in an iteration:
 *
 *     if (vmq_mailbox_has_mail(mailbox)) {
 *         while ((handoff = vmq_mailbox_receive(&post, mailbox))) {
 *             ...do what handoff->stage says...
 *             vmq_handoff_pass(&post, handoff);
 *         }
 *     }
 *
 * Thread-safety
 * =============
 *
 * As said for each function.  One mutex protects all letters and mailboxes of
 * a datapath.  It is held for a few instructions, and threads that have no
 * mail never touch it. */

#include <stdbool.h>
#include "openvswitch/list.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "vmq-wake.h"

#ifdef  __cplusplus
extern "C" {
#endif

enum vmq_stage {
    VMQ_STAGE_ASK,
    VMQ_STAGE_GIVE,
    VMQ_STAGE_TAKE,
    VMQ_STAGE_DONE,
};

/* Of a datapath. */
struct vmq_post {
    struct ovs_mutex mutex;
    struct vmq_wake mover;          /* Woken when a handoff ends. */
};

/* Of a polling thread. */
struct vmq_mailbox {
    atomic_bool has_mail;           /* Look into the mailbox? */
    struct vmq_wake wake;           /* The thread, when there is something to
                                     * look at. */
    atomic_uint n_expected;         /* Handoffs on their way to here; changes
                                     * with the mutex of the post. */

    /* Protected by the mutex of the post. */
    struct ovs_list letters;        /* Of struct vmq_handoff. */
};

/* The letter. */
struct vmq_handoff {
    /* Of whoever has the letter, or with the mutex of the post. */
    enum vmq_stage stage;

    atomic_bool ended;              /* Set last. */

    /* Protected by the mutex of the post. */
    struct vmq_mailbox *from, *to;
    struct vmq_mailbox *taker;      /* One of these: has the queue at the
                                     * end. */
    struct vmq_mailbox *at;         /* Lies in, NULL if taken out. */
    struct ovs_list node;           /* In 'at->letters'. */
};

void vmq_post_init(struct vmq_post *);
void vmq_post_destroy(struct vmq_post *);

void vmq_mailbox_init(struct vmq_mailbox *);
void vmq_mailbox_destroy(struct vmq_mailbox *);

/* For the mover. */
void vmq_handoff_start(struct vmq_post *, struct vmq_handoff *,
                       struct vmq_mailbox *from, struct vmq_mailbox *to);
static inline bool vmq_handoff_ended(const struct vmq_handoff *);
void vmq_handoff_take_back(struct vmq_post *, struct vmq_handoff *);
static inline bool vmq_handoff_succeeded(const struct vmq_handoff *);

/* For polling threads. */
static inline bool vmq_mailbox_has_mail(const struct vmq_mailbox *);
struct vmq_handoff *vmq_mailbox_receive(struct vmq_post *,
                                        struct vmq_mailbox *);
void vmq_handoff_pass(struct vmq_post *, struct vmq_handoff *);
void vmq_handoff_defer(struct vmq_post *, struct vmq_mailbox *,
                       struct vmq_handoff *);
bool vmq_mailbox_may_park(struct vmq_post *, const struct vmq_mailbox *);
void vmq_mailbox_sleep(struct vmq_mailbox *, uint64_t ns);

/* Whether 'handoff' is the mover's again. */
static inline bool
vmq_handoff_ended(const struct vmq_handoff *handoff)
{
    bool ended;

    atomic_read_explicit(&CONST_CAST(struct vmq_handoff *, handoff)->ended,
                         &ended, memory_order_acquire);
    return ended;
}

/* Whether the queue of a handoff that has ended changed hands. */
static inline bool
vmq_handoff_succeeded(const struct vmq_handoff *handoff)
{
    return handoff->taker == handoff->to;
}

/* The one line on the fast path: what it misses now, it sees in the next
 * iteration. */
static inline bool
vmq_mailbox_has_mail(const struct vmq_mailbox *mailbox)
{
    bool has_mail;

    atomic_read_relaxed(&CONST_CAST(struct vmq_mailbox *, mailbox)->has_mail,
                        &has_mail);
    return has_mail;
}

#ifdef  __cplusplus
}
#endif

#endif /* vmq-handoff.h */

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


/* Handoffs of queues that are nothing but numbers: first one step after the
 * other, with a destination that stops answering at each of them, then between
 * threads that poll, sleep, park, and do not answer in time at random.  H1 and
 * so on are the invariants in vmq-handoff.h.  Before that, sleeps and what
 * ends them. */

#include <config.h>
#undef NDEBUG
#include "vmq-handoff.h"

#include <limits.h>

#include "openvswitch/poll-loop.h"
#include "ovstest.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

/* A sleep that only a wake-up ends. */
#define NEVER_MS 20000
#define NEVER_NS (NEVER_MS * UINT64_C(1000000))

static struct vmq_post post;

/* Has the thread of 'mailbox' take out its letter, which must say 'stage'. */
static void
receive(struct vmq_mailbox *mailbox, enum vmq_stage stage,
        struct vmq_handoff *expected)
{
    ovs_assert(vmq_mailbox_has_mail(mailbox));
    ovs_assert(!vmq_mailbox_may_park(&post, mailbox));

    struct vmq_handoff *handoff = vmq_mailbox_receive(&post, mailbox);
    ovs_assert(handoff == expected);
    ovs_assert(handoff->stage == stage);
    ovs_assert(!vmq_handoff_ended(handoff));
    ovs_assert(vmq_mailbox_may_park(&post, mailbox) == (mailbox
                                                        == handoff->from));
}

static void
expect_no_mail(struct vmq_mailbox *mailbox)
{
    ovs_assert(!vmq_mailbox_receive(&post, mailbox));
    ovs_assert(!vmq_mailbox_has_mail(mailbox));
    ovs_assert(vmq_mailbox_may_park(&post, mailbox));
}

/* The letter goes around as long as 'n_answers' times a thread looks into its
 * mailbox, then the main thread takes it back. */
static void
test_silence(int n_answers)
{
    struct vmq_mailbox from, to;
    struct vmq_handoff handoff;

    vmq_post_init(&post);
    vmq_mailbox_init(&from);
    vmq_mailbox_init(&to);

    vmq_wake_prepare(&to.wake);
    vmq_handoff_start(&post, &handoff, &from, &to);
    ovs_assert(latch_is_set(&to.wake.latch));
    vmq_wake_finish(&to.wake);
    if (n_answers > 0) {
        receive(&to, VMQ_STAGE_ASK, &handoff);

        /* Not yet. */
        vmq_handoff_defer(&post, &to, &handoff);
        receive(&to, VMQ_STAGE_ASK, &handoff);
        vmq_handoff_pass(&post, &handoff);
    }
    if (n_answers > 1) {
        receive(&from, VMQ_STAGE_GIVE, &handoff);

        /* Who is at work is not interrupted. */
        vmq_handoff_take_back(&post, &handoff);
        ovs_assert(!vmq_handoff_ended(&handoff));
        vmq_handoff_pass(&post, &handoff);
    }
    if (n_answers > 2) {
        receive(&to, VMQ_STAGE_TAKE, &handoff);
        vmq_handoff_pass(&post, &handoff);
    }

    /* As often as one likes.  The destination has nothing to wait for any
     * longer, and may have to park. */
    if (n_answers == 1) {
        ovs_assert(!vmq_mailbox_receive(&post, &to));
        ovs_assert(!vmq_mailbox_has_mail(&to));
    }
    for (int i = 0; i < 3; i++) {
        vmq_handoff_take_back(&post, &handoff);
        ovs_assert(n_answers > 2 || vmq_mailbox_has_mail(&to));
    }
    expect_no_mail(&to);
    if (n_answers == 2) {
        /* The queue is with nobody: only the source can have it (H3). */
        receive(&from, VMQ_STAGE_TAKE, &handoff);
        vmq_handoff_pass(&post, &handoff);
    }
    expect_no_mail(&from);
    ovs_assert(vmq_handoff_ended(&handoff));
    ovs_assert(vmq_handoff_succeeded(&handoff) == (n_answers > 2));
    ovs_assert(handoff.taker == (n_answers > 2 ? &to : &from));

    vmq_mailbox_destroy(&from);
    vmq_mailbox_destroy(&to);
    vmq_post_destroy(&post);
}

/* Two threads that wake each other in turn, each time for the other's next
 * number.  A wake-up that is lost leaves one of them asleep for NEVER_NS. */
#define N_TURNS 20000

static struct vmq_wake wakes[2];
static atomic_uint turn;

static void *
take_turns(void *me_)
{
    unsigned int me = *(const unsigned int *) me_;

    for (unsigned int i = me; i < N_TURNS; i += 2) {
        unsigned int now = UINT_MAX;

        for (;;) {
            vmq_wake_prepare(&wakes[me]);
            atomic_read_relaxed(&turn, &now);
            if (now != i) {
                long long int start = time_msec();

                vmq_wake_sleep(&wakes[me], NEVER_NS);
                ovs_assert(time_msec() - start < NEVER_MS);
            }
            vmq_wake_finish(&wakes[me]);
            if (now == i) {
                break;
            }
        }
        atomic_store_relaxed(&turn, i + 1);
        vmq_wake_up(&wakes[!me]);
    }
    return NULL;
}

static void
test_wake(void)
{
    unsigned int threads[2] = { 0, 1 };
    pthread_t pthreads[2];

    atomic_init(&turn, 0);
    for (int i = 0; i < 2; i++) {
        vmq_wake_init(&wakes[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthreads[i] = ovs_thread_create("wake", take_turns, &threads[i]);
    }
    for (int i = 0; i < 2; i++) {
        xpthread_join(pthreads[i], NULL);
    }
    for (int i = 0; i < 2; i++) {
        vmq_wake_destroy(&wakes[i]);
    }
}

/* Returns whether a sleep of NEVER_NS at 'mailbox' ends before that. */
static bool
stays_awake(struct vmq_mailbox *mailbox)
{
    long long int start = time_msec();

    vmq_mailbox_sleep(mailbox, NEVER_NS);
    return time_msec() - start < NEVER_MS;
}

/* A thread sleeps if nothing is to come, and not while something is. */
static void
test_sleep(void)
{
    struct vmq_mailbox from, to;
    struct vmq_handoff handoff;

    vmq_post_init(&post);
    vmq_mailbox_init(&from);
    vmq_mailbox_init(&to);

    long long int start_us = time_usec();
    vmq_mailbox_sleep(&to, 2 * 1000 * 1000);
    ovs_assert(time_usec() - start_us >= 2000);

    vmq_handoff_start(&post, &handoff, &from, &to);
    ovs_assert(stays_awake(&to));               /* Mail. */
    receive(&to, VMQ_STAGE_ASK, &handoff);
    vmq_handoff_pass(&post, &handoff);
    ovs_assert(!vmq_mailbox_receive(&post, &to));
    ovs_assert(!vmq_mailbox_has_mail(&to));
    ovs_assert(stays_awake(&to));               /* TAKE is to come. */

    ovs_assert(stays_awake(&from));
    receive(&from, VMQ_STAGE_GIVE, &handoff);
    vmq_handoff_pass(&post, &handoff);
    expect_no_mail(&from);
    receive(&to, VMQ_STAGE_TAKE, &handoff);
    vmq_handoff_pass(&post, &handoff);
    expect_no_mail(&to);
    start_us = time_usec();
    vmq_mailbox_sleep(&to, 2 * 1000 * 1000);
    ovs_assert(time_usec() - start_us >= 2000);

    vmq_mailbox_destroy(&from);
    vmq_mailbox_destroy(&to);
    vmq_post_destroy(&post);
}

#define N_QUEUES 12
#define N_THREADS 4

struct queue {
    struct vmq_handoff handoff;
    atomic_count n_pollers;
    unsigned long long n_polls; /* For a thread sanitizer. */

    /* Of the main thread. */
    struct thread *owner, *to;
};

struct thread {
    struct vmq_mailbox mailbox;
    pthread_t pthread;
    atomic_bool exit;

    /* Of the thread. */
    bool polls[N_QUEUES];
    int n_queues;
};

static struct queue queues[N_QUEUES];
static struct thread threads[N_THREADS];

static void
poll_queues(const struct thread *thread)
{
    for (int i = 0; i < N_QUEUES; i++) {
        if (thread->polls[i]) {
            ovs_assert(!atomic_count_inc(&queues[i].n_pollers));     /* H1. */
            queues[i].n_polls++;
            atomic_count_dec(&queues[i].n_pollers);
        }
    }
}

static void
read_mail(struct thread *thread)
{
    struct vmq_handoff *handoff;

    while ((handoff = vmq_mailbox_receive(&post, &thread->mailbox))) {
        int i = CONTAINER_OF(handoff, struct queue, handoff) - queues;

        switch (handoff->stage) {
        case VMQ_STAGE_ASK:
            break;
        case VMQ_STAGE_GIVE:
            ovs_assert(thread->polls[i]);
            thread->polls[i] = false;
            thread->n_queues--;
            break;
        case VMQ_STAGE_TAKE:
            ovs_assert(!thread->polls[i]);
            thread->polls[i] = true;
            thread->n_queues++;
            break;
        case VMQ_STAGE_DONE:
        default:
            OVS_NOT_REACHED();
        }
        vmq_handoff_pass(&post, handoff);
    }
}

static void *
thread_main(void *thread_)
{
    struct thread *thread = thread_;
    bool exiting;

    for (;;) {
        atomic_read(&thread->exit, &exiting);
        if (exiting) {
            return NULL;
        }
        poll_queues(thread);
        if (vmq_mailbox_has_mail(&thread->mailbox)) {
            if (!random_range(8)) {
                xnanosleep(random_range(400 * 1000));
            }
            read_mail(thread);
        } else if (thread->n_queues) {
            /* Longer than the test may take: only mail can end it. */
            vmq_mailbox_sleep(&thread->mailbox, random_range(8)
                              ? random_range(50 * 1000) : NEVER_NS);
        } else {
            vmq_wake_prepare(&thread->mailbox.wake);
            atomic_read(&thread->exit, &exiting);
            if (!exiting && vmq_mailbox_may_park(&post, &thread->mailbox)) {
                vmq_wake_wait(&thread->mailbox.wake);
                poll_block();
            }
            vmq_wake_finish(&thread->mailbox.wake);
        }
    }
}

/* Waits for all handoffs, with random patience.  Each ends (H4). */
static void
finish(long long int *n_moved, long long int *n_failed)
{
    for (int i = 0; i < N_QUEUES; i++) {
        struct queue *queue = &queues[i];
        long long int patience_us = time_usec() + random_range(400);

        if (!queue->to) {
            continue;
        }
        while (!vmq_handoff_ended(&queue->handoff)) {
            if (time_usec() >= patience_us) {
                vmq_handoff_take_back(&post, &queue->handoff);
            }
            vmq_wake_prepare(&post.mover);
            if (!vmq_handoff_ended(&queue->handoff)) {
                vmq_wake_wait(&post.mover);
                poll_timer_wait(1);
                poll_block();
            }
            vmq_wake_finish(&post.mover);
        }
        if (vmq_handoff_succeeded(&queue->handoff)) {
            ovs_assert(queue->handoff.taker == &queue->to->mailbox);
            queue->owner = queue->to;
            (*n_moved)++;
        } else {
            ovs_assert(queue->handoff.taker == &queue->owner->mailbox);
            (*n_failed)++;
        }
        queue->to = NULL;
    }
}

static void
test_threads(void)
{
    long long int n_moved = 0, n_failed = 0;

    vmq_post_init(&post);
    for (int i = 0; i < N_THREADS; i++) {
        vmq_mailbox_init(&threads[i].mailbox);
        atomic_init(&threads[i].exit, false);
    }
    for (int i = 0; i < N_QUEUES; i++) {
        atomic_count_init(&queues[i].n_pollers, 0);
        queues[i].owner = &threads[0];
        threads[0].polls[i] = true;
        threads[0].n_queues++;
    }
    for (int i = 0; i < N_THREADS; i++) {
        threads[i].pthread = ovs_thread_create("vmq", thread_main,
                                               &threads[i]);
    }

    for (int round = 0; round < 500; round++) {
        /* Sometimes all to one, which leaves the others without queues. */
        int to = random_range(2 * N_THREADS);

        for (int i = 0; i < N_QUEUES; i++) {
            struct thread *thread
                = &threads[to < N_THREADS ? to : random_range(N_THREADS)];

            if (random_range(2) && thread != queues[i].owner) {
                queues[i].to = thread;
                vmq_handoff_start(&post, &queues[i].handoff,
                                  &queues[i].owner->mailbox,
                                  &thread->mailbox);
            }
        }
        finish(&n_moved, &n_failed);
    }
    ovs_assert(n_moved && n_failed);

    for (int i = 0; i < N_THREADS; i++) {
        atomic_store(&threads[i].exit, true);
        atomic_store(&threads[i].mailbox.has_mail, true);
        vmq_wake_up(&threads[i].mailbox.wake);
        xpthread_join(threads[i].pthread, NULL);
        for (int j = 0; j < N_QUEUES; j++) {            /* H3. */
            ovs_assert(threads[i].polls[j] == (queues[j].owner
                                               == &threads[i]));
        }
        expect_no_mail(&threads[i].mailbox);
        vmq_mailbox_destroy(&threads[i].mailbox);
    }
    for (int i = 0; i < N_QUEUES; i++) {
        ovs_assert(queues[i].n_polls);
    }
    vmq_post_destroy(&post);
}

static void
test_vmq_handoff_main(int argc OVS_UNUSED, char *argv[] OVS_UNUSED)
{
    test_wake();
    test_sleep();
    for (int n_answers = 0; n_answers <= 3; n_answers++) {
        test_silence(n_answers);
    }
    test_threads();
}

OVSTEST_REGISTER("test-vmq-handoff", test_vmq_handoff_main);

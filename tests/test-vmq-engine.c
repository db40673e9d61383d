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


/* The engine on a datapath whose moves end when the test says so, and as it
 * says: what waits while moves are under way, and what becomes of it. */

#include <config.h>
#undef NDEBUG
#include "vmq-engine.h"

#include <string.h>
#include <time.h>
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "ovstest.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "vmq-chaos.h"
#include "vmq-hist.h"
#include "vmq-show.h"

#define N_RXQS 3

/* Port "p" has N_RXQS queues, there are PMDs on cores 0 and 1. */
struct datapath {
    uint32_t core[N_RXQS];
    uint32_t n_rxqs;
    uint64_t generation;
    uint64_t sleep_ns;          /* While it is looked at... */
    uint64_t cpu_ns;            /* ...and what that takes of the CPU... */
    void (*looked_at)(struct datapath *);   /* ...and what else happens. */
    struct vmq_engine *engine;

    bool hot;                   /* The queues on core 0 have a backlog. */
    bool slow;                  /* No iteration of it ends. */
    bool edge;                  /* Core 0 has raised one... */
    int n_relieved, n_futile;   /* ...and what it has been told. */
    uint64_t catch_up_ns;
    uint64_t stolen_ns;         /* Of its time so far. */

    struct vmq_result *results; /* Of the plan under way, if any. */
    struct vmq_move moves[N_RXQS];
    uint32_t n_moves;
    bool hurry;
    bool done;                  /* They end when next asked... */
    enum vmq_outcome outcome;   /* ...like this. */
};

/* How often any was looked at. */
static uint64_t n_looks;

static uint64_t
cpu_ns(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void
collect(void *dp_, struct vmq_snapshot *raw)
{
    struct datapath *dp = dp_;
    uint64_t now_ns = time_usec() * 1000;

    xnanosleep(dp->sleep_ns);
    uint64_t end_ns = cpu_ns() + dp->cpu_ns;
    while (cpu_ns() < end_ns) {
        continue;
    }

    n_looks++;
    if (dp->looked_at) {
        dp->looked_at(dp);
    }
    raw->window_ns = raw->window_cycles = now_ns;
    raw->now_ms = time_msec();
    raw->generation = dp->generation;
    for (uint32_t core = 0; core < 2; core++) {
        uint32_t i = vmq_snapshot_add_pmd(raw, core, 0);

        raw->pmds[i].parked = true;
        raw->pmds[i].idle_cycles = raw->pmds[i].cpu_ns = now_ns;
    }

    uint32_t port = vmq_snapshot_add_port(raw, "p", 1);
    for (uint32_t qid = 0; qid < dp->n_rxqs; qid++) {
        uint32_t i = vmq_snapshot_add_rxq(raw, port, qid, dp->core[qid], 0);

        raw->rxqs[i].n_moves = dp->generation;
        raw->pmds[dp->core[qid]].parked = false;
    }
    for (uint32_t qid = 0; qid < dp->n_rxqs; qid++) {
        raw->rxqs[qid].polls = dp->slow ? 0 : now_ns / 1000;
        if (dp->hot && !dp->core[qid]) {
            raw->rxqs[qid].cycles = now_ns / 10 * 9 / dp->n_rxqs;
            raw->rxqs[qid].full_batches = raw->rxqs[qid].polls;
            raw->pmds[0].busy_cycles = now_ns;
            raw->pmds[0].idle_cycles = 0;
        }
    }
    raw->pmds[0].cpu_ns -= dp->stolen_ns;
    vmq_snapshot_sort(raw);
}

static void
apply(void *dp_, const struct vmq_snapshot *snapshot OVS_UNUSED,
      const struct vmq_plan *plan, struct vmq_result *results)
{
    struct datapath *dp = dp_;

    ovs_assert(!dp->results);
    ovs_assert(plan->generation == dp->generation);
    ovs_assert(plan->n_moves <= N_RXQS);
    memcpy(dp->moves, plan->moves, plan->n_moves * sizeof *plan->moves);
    dp->n_moves = plan->n_moves;
    dp->hurry = plan->hurry;
    dp->results = results;
}

static bool
advance(void *dp_)
{
    struct datapath *dp = dp_;

    ovs_assert(dp->results);
    if (!dp->done) {
        return false;
    }
    for (uint32_t i = 0; i < dp->n_moves; i++) {
        dp->results[i].outcome = dp->outcome;
        if (dp->outcome == VMQ_OUTCOME_APPLIED) {
            dp->core[dp->moves[i].rxq] = dp->moves[i].to;
            dp->generation++;
        }
    }
    dp->results = NULL;
    dp->done = false;
    return true;
}

static bool
has_edges(const void *dp_)
{
    const struct datapath *dp = dp_;

    return dp->edge;
}

static void
take_edges(void *dp_, struct vmq_snapshot *raw, struct vmq_edge_times *times)
{
    struct datapath *dp = dp_;

    raw->pmds[0].edge = dp->edge;
    dp->edge = false;
    *times = (struct vmq_edge_times) {
        .waited_ns = 600000,
        .raised_ns = raw->window_ns,
    };
}

static void
forget_edges(void *dp_)
{
    struct datapath *dp = dp_;

    dp->edge = false;
}

static void
answer_edge(void *dp_, uint32_t core_id, bool relieved, uint64_t catch_up_ns)
{
    struct datapath *dp = dp_;

    ovs_assert(!core_id);
    dp->n_relieved += relieved;
    dp->n_futile += !relieved;
    dp->catch_up_ns = catch_up_ns;
}

static const struct vmq_datapath_ops ops = {
    .collect = collect,
    .apply = apply,
    .advance = advance,
    .has_edges = has_edges,
    .take_edges = take_edges,
    .forget_edges = forget_edges,
    .answer_edge = answer_edge,
};

/* What became of an operator's moves. */
struct reply {
    int n;
    size_t n_moved;
    char *error;
};

static void
moved(void *reply_, size_t n_moved, const char *error)
{
    struct reply *reply = reply_;

    reply->n++;
    reply->n_moved = n_moved;
    reply->error = nullable_xstrdup(error);
}

static void
expect_no_reply(const struct reply *reply)
{
    ovs_assert(!reply->n);
}

static void
expect_reply(struct reply *reply, size_t n_moved, const char *error)
{
    ovs_assert(reply->n == 1);
    ovs_assert(reply->n_moved == n_moved);
    if (!nullable_string_is_equal(reply->error, error)) {
        ovs_fatal(0, "\"%s\" is not \"%s\"", reply->error, error);
    }
    free(reply->error);
    *reply = (struct reply) { .n = 0 };
}

static void
set_on(struct vmq_engine *engine, bool on, bool changes)
{
    struct smap other_config = SMAP_INITIALIZER(&other_config);

    smap_add(&other_config, "pmd-vmq", on ? "true" : "false");
    smap_add(&other_config, "pmd-vmq-interval", "10");
    ovs_assert(vmq_engine_set_config(engine, &other_config) == changes);
    smap_destroy(&other_config);
}

static void
deliver(struct vmq_engine *engine)
{
    struct ovs_list answers = OVS_LIST_INITIALIZER(&answers);
    size_t n_requests = vmq_engine_n_requests(engine);

    if (vmq_engine_has_answers(engine)) {
        vmq_engine_take_answers(engine, &answers);
        ovs_assert(vmq_engine_n_requests(engine)
                   == n_requests - ovs_list_size(&answers));
        ovs_assert(!vmq_engine_has_answers(engine));
        vmq_answers_deliver(&answers);
    }
}

static const struct vmq_past_move *
last_move(const struct vmq_engine *engine)
{
    return vmq_history_get(vmq_engine_history(engine), 0);
}

/* Returns what is to be known of 'engine' now.  The engine keeps it until
 * another is published. */
static const struct vmq_view *
look(struct vmq_engine *engine)
{
    const struct vmq_view *view = vmq_engine_new_view(engine);

    vmq_engine_put_view(engine, view);
    return view;
}

static uint32_t
n_moving(struct vmq_engine *engine)
{
    return look(engine)->n_moving;
}

static void
run(struct vmq_engine *engine)
{
    bool idle = vmq_engine_run(engine, time_msec());

    ovs_assert(!idle || !n_moving(engine));
    deliver(engine);
    ovs_assert(!idle || !vmq_engine_n_requests(engine));
}

/* Asks for queue 'qid' to be moved to 'core', and has that begin if nothing
 * else is under way. */
static void
ask_to_move(struct vmq_engine *engine, uint32_t qid, uint32_t core,
            struct reply *reply)
{
    struct vmq_request request = { .port = "p", .qid = qid, .core_id = core };

    ovs_assert(!vmq_engine_move(engine, &request, 1, moved, reply));
    ovs_assert(!reply->n);
    run(engine);
}

/* Moves under way end when they are next looked at. */
static void
let_moves_end(struct datapath *dp, enum vmq_outcome outcome)
{
    dp->done = true;
    dp->outcome = outcome;
}

static void
end_moves(struct vmq_engine *engine, struct datapath *dp,
          enum vmq_outcome outcome)
{
    let_moves_end(dp, outcome);
    run(engine);
}

static uint64_t
count_outcomes(struct vmq_engine *engine, enum vmq_outcome outcome)
{
    return look(engine)->totals.n_outcomes[outcome];
}

/* One set of requests at a time, in the order in which they were asked for. */
static void
test_queued(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply replies[3] = { { .n = 0 } };

    for (uint32_t i = 0; i < 3; i++) {
        ask_to_move(engine, i, 1, &replies[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        run(engine);
        expect_no_reply(&replies[i]);
        ovs_assert(dp->n_moves == 1 && dp->moves[0].rxq == i);
        ovs_assert(n_moving(engine) == 1);
        end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
        expect_reply(&replies[i], 1, NULL);
    }
    ovs_assert(!n_moving(engine));

    /* Nothing to do, and nothing to wait for. */
    ask_to_move(engine, 0, 1, &replies[0]);
    expect_reply(&replies[0], 0, NULL);
}

/* What is possible is found out when it is the turn of the request. */
static void
test_queue_gone(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply first = { .n = 0 }, second = { .n = 0 };

    ask_to_move(engine, 0, 1, &first);
    ask_to_move(engine, 2, 1, &second);
    dp->n_rxqs--;
    dp->generation++;
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    expect_reply(&first, 1, NULL);
    expect_reply(&second, 0, "port p rx queue 2: no such queue of a PMD port");
}

/* Whether queue 'qid' has paid for a move that is remembered, the last one at
 * '*moved_ms'. */
static bool
has_paid(struct vmq_engine *engine, uint32_t qid, uint64_t *moved_ms)
{
    const struct vmq_view *view = look(engine);
    struct vmq_account account;

    if (!vmq_ledger_get(view->ledger, &view->raw, qid, &account)) {
        return false;
    }
    *moved_ms = account.moved_ms;
    return true;
}

/* Who waits is told why nothing comes of it, and the queue pays nothing. */
static void
test_failed(struct vmq_engine *engine, struct datapath *dp)
{
    static const enum vmq_outcome outcomes[] = {
        VMQ_OUTCOME_FAILED, VMQ_OUTCOME_STALE, VMQ_OUTCOME_GONE,
    };
    uint64_t moved_ms;

    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        struct reply reply = { .n = 0 };

        ask_to_move(engine, 0, 1, &reply);
        end_moves(engine, dp, outcomes[i]);
        expect_reply(&reply, 0, "1 of 1 moves could not be made, see "
                     "dpif-netdev/vmq-history");
        ovs_assert(count_outcomes(engine, outcomes[i]) == 1);
        ovs_assert(last_move(engine)->result.outcome == outcomes[i]);
        ovs_assert(!has_paid(engine, 0, &moved_ms));
    }
    ovs_assert(count_outcomes(engine, VMQ_OUTCOME_APPLIED) == 0);
}

/* A move counts from its end: how long it took is no time in which the queue
 * stayed, or in which its new PMD was measured with it. */
static void
test_counts_from_end(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply reply = { .n = 0 };
    uint64_t end_ms, moved_ms;

    ask_to_move(engine, 0, 1, &reply);
    xnanosleep(20 * 1000 * 1000);
    end_ms = time_msec();
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    expect_reply(&reply, 1, NULL);
    ovs_assert(has_paid(engine, 0, &moved_ms) && moved_ms >= end_ms);
}

/* Moves under way go on when VMQ is turned off, others are not begun. */
static void
test_off(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply first = { .n = 0 }, second = { .n = 0 };

    ask_to_move(engine, 0, 1, &first);
    ask_to_move(engine, 1, 1, &second);
    set_on(engine, false, true);
    run(engine);
    expect_no_reply(&first);
    expect_no_reply(&second);
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    expect_reply(&first, 1, NULL);
    expect_reply(&second, 0, "dynamic VMQ was turned off");

    /* Off and on again makes no difference to who waits. */
    set_on(engine, true, true);
    ask_to_move(engine, 0, 0, &first);
    ask_to_move(engine, 1, 1, &second);
    set_on(engine, false, true);
    set_on(engine, true, true);
    end_moves(engine, dp, VMQ_OUTCOME_STALE);
    expect_reply(&first, 0, "1 of 1 moves could not be made, see "
                 "dpif-netdev/vmq-history");
    expect_no_reply(&second);
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    expect_reply(&second, 1, NULL);
}

/* Runs 'engine' for 'n_ticks' ticks.  Returns how many plans it made. */
static uint64_t
run_ticks(struct vmq_engine *engine, uint64_t n_ticks)
{
    struct vmq_totals totals = look(engine)->totals;
    uint64_t n_plans = 0;

    n_ticks += totals.n_ticks;
    for (int i = 0; i < VMQ_N_VERDICTS; i++) {
        n_plans -= totals.n_verdicts[i];
    }
    while (totals.n_ticks < n_ticks) {
        run(engine);
        vmq_engine_wait(engine);
        poll_block();
        totals = look(engine)->totals;
    }
    for (int i = 0; i < VMQ_N_VERDICTS; i++) {
        n_plans += totals.n_verdicts[i];
    }
    return n_plans;
}

/* Measuring goes on while moves are under way, planning does not. */
static void
test_ticks(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply reply = { .n = 0 };

    vmq_engine_set_paused(engine, false);
    ovs_assert(run_ticks(engine, 5) > 0);
    ask_to_move(engine, 0, 1, &reply);
    ovs_assert(run_ticks(engine, 5) == 0);
    expect_no_reply(&reply);
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    expect_reply(&reply, 1, NULL);
    ovs_assert(run_ticks(engine, 5) > 0);
}

/* A queue that is new does not pay for one that was there before it. */
static void
test_replaced(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply reply = { .n = 0 };
    uint64_t moved_ms;

    for (uint32_t qid = 1; qid < 3; qid++) {
        ask_to_move(engine, qid, 1, &reply);
        end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
        expect_reply(&reply, 1, NULL);
    }
    run_ticks(engine, 1);
    ovs_assert(has_paid(engine, 1, &moved_ms));
    ovs_assert(has_paid(engine, 2, &moved_ms));

    dp->n_rxqs--;
    dp->generation++;
    run_ticks(engine, 1);
    dp->n_rxqs++;
    dp->generation++;
    run_ticks(engine, 1);
    ovs_assert(has_paid(engine, 1, &moved_ms));
    ovs_assert(!has_paid(engine, 2, &moved_ms));
}

/* What a tick costs is CPU time, not time. */
static void
test_tick_cost(struct vmq_engine *engine, struct datapath *dp)
{
    const struct vmq_view *view;

    run_ticks(engine, 3);
    view = look(engine);
    ovs_assert(view->ticks.n == view->totals.n_ticks);
    ovs_assert(view->ticks.max < 10 * 1000 * 1000);

    dp->sleep_ns = 30 * 1000 * 1000;
    run_ticks(engine, 3);
    ovs_assert(look(engine)->ticks.max < 10 * 1000 * 1000);

    dp->sleep_ns = 0;
    dp->cpu_ns = 12 * 1000 * 1000;
    run_ticks(engine, 1);
    ovs_assert(look(engine)->ticks.max >= 12 * 1000 * 1000);
}

/* Views. */

static void
tick(struct vmq_engine *engine)
{
    uint64_t before = n_looks;

    while (n_looks == before) {
        vmq_engine_run(engine, time_msec());
        vmq_engine_wait(engine);
        poll_block();
    }
}

static bool
is_published(struct vmq_engine *engine)
{
    const struct vmq_view *view = vmq_engine_get_view(engine);

    vmq_engine_put_view(engine, view);
    return view != NULL;
}

/* A tick publishes one, which is had once. */
static void
test_view_published(struct vmq_engine *engine,
                    struct datapath *dp OVS_UNUSED)
{
    const struct vmq_view *view;

    for (uint64_t i = 1; i < 4; i++) {
        tick(engine);
        view = vmq_engine_get_view(engine);
        ovs_assert(view && view->on && view->paused && !view->n_moving);
        ovs_assert(view->totals.n_ticks == i && view->ticks.n == i);
        vmq_engine_put_view(engine, view);
        ovs_assert(!is_published(engine));
    }
}

/* What others have to see at once withdraws it. */
static void
test_view_withdrawn(struct vmq_engine *engine, struct datapath *dp)
{
    struct reply reply = { .n = 0 };

    tick(engine);
    vmq_engine_set_paused(engine, true);
    ovs_assert(is_published(engine));

    for (int i = 0; i < 6; i++) {
        tick(engine);
        switch (i) {
        case 0:
            vmq_engine_set_paused(engine, false);
            break;
        case 1:
            vmq_engine_set_paused(engine, true);
            break;
        case 2:
            set_on(engine, true, false);
            break;
        case 3:
            vmq_engine_withdraw_view(engine);
            break;
        case 4:
            ovs_assert(!vmq_engine_move(engine, &(struct vmq_request) {
                .port = "p", .core_id = 1 }, 1, moved, &reply));
            vmq_engine_run(engine, 0);
            break;
        case 5:
            let_moves_end(dp, VMQ_OUTCOME_APPLIED);
            vmq_engine_run(engine, 0);
            deliver(engine);
            expect_reply(&reply, 1, NULL);
            break;
        }
        ovs_assert(!is_published(engine));
    }
}

/* Whoever looks while the engine is at work sees what was before. */
static void
look_meanwhile(struct datapath *dp)
{
    ovs_assert(is_published(dp->engine));
}

static void
test_view_meanwhile(struct vmq_engine *engine, struct datapath *dp)
{
    tick(engine);
    dp->engine = engine;
    dp->looked_at = look_meanwhile;
    tick(engine);
    dp->looked_at = NULL;
}

/* Turned off and on, it has forgotten what it knew. */
static void
test_view_forgotten(struct vmq_engine *engine,
                    struct datapath *dp OVS_UNUSED)
{
    const struct vmq_view *view;

    for (int i = 0; i < 20; i++) {
        tick(engine);
    }
    ovs_assert(look(engine)->measured);
    set_on(engine, false, true);
    ovs_assert(!is_published(engine));
    ovs_assert(!look(engine)->measured);
    set_on(engine, true, true);
    view = look(engine);
    ovs_assert(!view->measured && !view->snapshot.n_rxqs);
}

/* A view does not change, however long somebody has it, and says what was
 * then. */
static void
test_view_kept(struct vmq_engine *engine, struct datapath *dp)
{
    const struct vmq_view *kept[5];

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        dp->generation = i + 1;
        tick(engine);
        kept[i] = vmq_engine_get_view(engine);
    }
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        ovs_assert(kept[i]->raw.generation == i + 1);
        ovs_assert(kept[i]->totals.n_ticks == i + 1);
        ovs_assert(i + 1 == ARRAY_SIZE(kept)
                   || kept[i]->taken_ms <= kept[i + 1]->taken_ms);
    }
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        vmq_engine_put_view(engine, kept[i]);
    }
}

/* Shows 'view' two milliseconds from now, and gives it back. */
static bool
shows_age(struct vmq_engine *engine, const struct vmq_view *view)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    bool age;

    xnanosleep(2 * 1000 * 1000);
    vmq_show(view, false, &text);
    age = strstr(ds_cstr(&text), " ms ago");
    ds_destroy(&text);
    vmq_engine_put_view(engine, view);
    return age;
}

/* What a tick found has an age.  What somebody asked for has none, though the
 * clock goes on while it is written. */
static void
test_view_age(struct vmq_engine *engine, struct datapath *dp OVS_UNUSED)
{
    tick(engine);
    ovs_assert(shows_age(engine, vmq_engine_get_view(engine)));
    ovs_assert(!shows_age(engine, vmq_engine_new_view(engine)));
    set_on(engine, false, true);
    ovs_assert(!shows_age(engine, vmq_engine_new_view(engine)));
}

/* Nobody having one, there are two, turn and turn about. */
static void
test_view_reused(struct vmq_engine *engine, struct datapath *dp OVS_UNUSED)
{
    const struct vmq_view *a = look(engine), *b = look(engine);

    ovs_assert(a != b);
    for (int i = 0; i < 10; i++) {
        ovs_assert(look(engine) == a);
        ovs_assert(look(engine) == b);
    }
}

/* Somebody else has each view as soon as it is there. */
static atomic_bool looks_done;

static void *
take_all_the_time(void *engine)
{
    bool done = false;

    while (!done) {
        is_published(engine);
        atomic_read(&looks_done, &done);
    }
    return NULL;
}

static void
test_view_contended(struct vmq_engine *engine, struct datapath *dp OVS_UNUSED)
{
    pthread_t thread;

    atomic_init(&looks_done, false);
    thread = ovs_thread_create("look", take_all_the_time, engine);
    for (int i = 0; i < 50000; i++) {
        const struct vmq_view *view = vmq_engine_new_view(engine);

        ovs_assert(view && view->raw.n_rxqs == N_RXQS);
        vmq_engine_put_view(engine, view);
    }
    atomic_store(&looks_done, true);
    xpthread_join(thread, NULL);
}

/* Threads look while views are published. */
static struct vmq_views views;

static void *
look_all_the_time(void *n_seen_)
{
    uint64_t *n_seen = n_seen_;
    uint64_t last = 0;
    bool done = false;

    while (!done) {
        const struct vmq_view *view = vmq_views_get(&views);

        if (view) {
            ovs_assert(view->raw.generation > last);
            ovs_assert(view->raw.n_rxqs == N_RXQS);
            for (uint32_t i = 0; i < N_RXQS; i++) {
                ovs_assert(view->raw.rxqs[i].n_moves
                           == (uint32_t) view->raw.generation);
            }
            last = view->raw.generation;
            *n_seen += 1;
        }
        vmq_views_put(&views, view);
        atomic_read(&looks_done, &done);
    }
    return NULL;
}

static void
test_view_threads(void)
{
    struct datapath dp = { .n_rxqs = N_RXQS };
    uint64_t n_seen[2] = { 0, 0 };
    pthread_t threads[2];

    vmq_views_init(&views, "dp");
    atomic_init(&looks_done, false);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        threads[i] = ovs_thread_create("look", look_all_the_time, &n_seen[i]);
    }
    for (int i = 0; i < 20000; i++) {
        dp.generation++;
        vmq_snapshot_clear(&views.next->raw);
        collect(&dp, &views.next->raw);
        vmq_views_publish(&views);
    }
    atomic_store(&looks_done, true);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        xpthread_join(threads[i], NULL);
    }
    ovs_assert(n_seen[0] + n_seen[1] > 0);
    ovs_assert(n_seen[0] + n_seen[1] <= dp.generation);
    vmq_views_destroy(&views);
}

/* Edges. */

/* Runs 'engine' so that a glance begins, which takes a sample at once. */
static void
begin_glance(struct vmq_engine *engine, struct datapath *dp)
{
    uint64_t before = n_looks;

    dp->edge = true;
    vmq_engine_run(engine, 0);
    ovs_assert(vmq_engine_glances(engine));
    ovs_assert(n_looks == before + 1);
    ovs_assert(dp->edge);
}

/* Ends it. */
static void
end_glance(struct vmq_engine *engine, struct datapath *dp)
{
    xnanosleep(1000000);
    vmq_engine_run(engine, 0);
    ovs_assert(!vmq_engine_glances(engine));
    ovs_assert(!dp->edge);
}

/* A PMD with an edge is relieved, without a window. */
static void
test_edge(struct vmq_engine *engine, struct datapath *dp)
{
    const struct vmq_past_move *past;

    tick(engine);
    vmq_engine_set_paused(engine, false);
    dp->hot = true;
    begin_glance(engine, dp);
    end_glance(engine, dp);
    ovs_assert(dp->results && dp->n_moves > 0 && dp->hurry);
    ovs_assert(dp->n_relieved == 1 && !dp->n_futile);
    ovs_assert(look(engine)->totals.n_edges == 1);
    ovs_assert(look(engine)->totals.n_edges_futile == 0);
    ovs_assert(look(engine)->totals.n_edges_deferred == 0);

    /* Not while these are under way. */
    dp->edge = true;
    vmq_engine_run(engine, 0);
    ovs_assert(!vmq_engine_glances(engine));

    /* What it was about is over with them. */
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    ovs_assert(!vmq_engine_glances(engine) && !dp->edge);
    ovs_assert(dp->core[0] + dp->core[1] + dp->core[2] > 0);
    past = last_move(engine);
    ovs_assert(past->stages.edge);
    ovs_assert(past->stages.edge_ns == 600000);
    ovs_assert(!past->stages.wake_ns);
    ovs_assert(past->stages.plan_ns >= 1000000);

    /* What is no relief does not say so. */
    struct reply reply = { .n = 0 };
    uint32_t to = !dp->core[0];

    ask_to_move(engine, 0, to, &reply);
    run(engine);
    ovs_assert(!dp->hurry);
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
    deliver(engine);
    expect_reply(&reply, 1, NULL);
    ovs_assert(!last_move(engine)->stages.edge);
}

/* A PMD that has nothing to do is not, and is told so. */
static void
test_edge_futile(struct vmq_engine *engine, struct datapath *dp)
{
    tick(engine);
    vmq_engine_set_paused(engine, false);
    begin_glance(engine, dp);
    end_glance(engine, dp);
    ovs_assert(!dp->results);
    ovs_assert(!dp->n_relieved && dp->n_futile == 1);
    ovs_assert(look(engine)->totals.n_edges_futile == 1);

    /* Queues that have come since are for the next tick. */
    dp->hot = true;
    begin_glance(engine, dp);
    dp->n_rxqs--;
    end_glance(engine, dp);
    ovs_assert(!dp->results);
    ovs_assert(!dp->n_relieved && dp->n_futile == 2);
    dp->n_rxqs++;
}

/* One that was without a CPU is given time to catch up, once: what was stolen
 * before the last glance is no excuse. */
static void
test_edge_preempted(struct vmq_engine *engine, struct datapath *dp)
{
    dp->hot = true;
    tick(engine);
    tick(engine);
    vmq_engine_set_paused(engine, false);
    begin_glance(engine, dp);
    dp->stolen_ns = 500000;     /* At 90 %: 9 times that. */
    end_glance(engine, dp);
    ovs_assert(!dp->results);
    ovs_assert(!dp->n_relieved && dp->n_futile == 1);
    ovs_assert(dp->catch_up_ns >= 4000000 && dp->catch_up_ns < 5000000);
    ovs_assert(look(engine)->totals.n_edges_preempted == 1);
    ovs_assert(look(engine)->totals.n_edges_futile == 1);

    begin_glance(engine, dp);
    end_glance(engine, dp);
    ovs_assert(dp->results && dp->n_relieved == 1);
    ovs_assert(!dp->catch_up_ns);
    ovs_assert(look(engine)->totals.n_edges_preempted == 1);
    end_moves(engine, dp, VMQ_OUTCOME_APPLIED);
}

static void
expect_no_glance(struct vmq_engine *engine, struct datapath *dp)
{
    uint64_t before = n_looks;

    dp->edge = true;
    vmq_engine_run(engine, 0);
    ovs_assert(!vmq_engine_glances(engine));
    ovs_assert(n_looks == before);
}

/* A glance goes on until something of the PMD is seen, with the edge that was
 * taken by then, but not forever. */
static void
test_edge_slow(struct vmq_engine *engine, struct datapath *dp)
{
    tick(engine);
    vmq_engine_set_paused(engine, false);
    dp->hot = dp->slow = true;
    begin_glance(engine, dp);
    for (int i = 1; i < VMQ_GLANCES_MAX; i++) {
        xnanosleep(1000);
        vmq_engine_run(engine, 0);
        ovs_assert(vmq_engine_glances(engine) && !dp->edge);
        ovs_assert(!look(engine)->totals.n_edges);
    }
    end_glance(engine, dp);
    ovs_assert(look(engine)->totals.n_edges == 1);
    ovs_assert(dp->n_relieved + dp->n_futile == 1);
    if (dp->results) {
        end_moves(engine, dp, VMQ_OUTCOME_FAILED);
    }

    begin_glance(engine, dp);
    xnanosleep(1000);
    vmq_engine_run(engine, 0);
    ovs_assert(vmq_engine_glances(engine));
    dp->slow = false;
    end_glance(engine, dp);
    ovs_assert(look(engine)->totals.n_edges == 2);
    ovs_assert(dp->n_relieved + dp->n_futile == 2);
    if (dp->results) {
        end_moves(engine, dp, VMQ_OUTCOME_FAILED);
    }
}

/* Nobody looks at edges while that would be for nothing. */
static void
test_edge_unminded(struct vmq_engine *engine, struct datapath *dp)
{
    struct smap other_config = SMAP_INITIALIZER(&other_config);

    tick(engine);
    dp->hot = true;
    expect_no_glance(engine, dp);
    vmq_engine_set_paused(engine, false);
    ovs_assert(!dp->edge);
    begin_glance(engine, dp);

    /* ...which can change during a glance. */
    smap_add(&other_config, "pmd-vmq", "true");
    smap_add(&other_config, "pmd-vmq-edge", "0");
    vmq_engine_set_config(engine, &other_config);
    smap_destroy(&other_config);
    ovs_assert(!dp->edge);
    expect_no_glance(engine, dp);
    ovs_assert(!dp->results && !dp->n_relieved && !dp->n_futile);
}

/* Reliefs take a tenth of a CPU: what they have put by is used up at once, and
 * then a new one has to wait. */
static void
test_edge_budget(struct vmq_engine *engine, struct datapath *dp)
{
    tick(engine);
    vmq_engine_set_paused(engine, false);
    dp->cpu_ns = 15000000;
    begin_glance(engine, dp);
    end_glance(engine, dp);
    dp->cpu_ns = 0;
    expect_no_glance(engine, dp);
    expect_no_glance(engine, dp);
    ovs_assert(look(engine)->totals.n_edges_deferred == 1);

    /* 30 ms were used, of 20. */
    uint64_t before = n_looks;
    dp->edge = true;
    for (int ms = 0; ms < 1000 && n_looks == before; ms += 10) {
        vmq_engine_run(engine, ms);
        ovs_assert(n_looks == before || ms >= 100);
    }
    ovs_assert(vmq_engine_glances(engine));
    ovs_assert(look(engine)->totals.n_edges_deferred == 1);
}

static void
run_test(void (*test)(struct vmq_engine *, struct datapath *))
{
    struct datapath dp = { .n_rxqs = N_RXQS };
    struct vmq_engine *engine = vmq_engine_create("dp", &ops, &dp);

    set_on(engine, true, true);
    vmq_engine_set_paused(engine, true);
    test(engine, &dp);
    let_moves_end(&dp, VMQ_OUTCOME_STALE);
    vmq_engine_give_up(engine, "gone");
    deliver(engine);
    vmq_engine_destroy(engine);
}

/* The datapath goes, whoever waits. */
static void
test_destroyed(void)
{
    struct datapath dp = { .n_rxqs = N_RXQS };
    struct vmq_engine *engine = vmq_engine_create("dp", &ops, &dp);
    struct reply first = { .n = 0 }, second = { .n = 0 };

    set_on(engine, true, true);
    ask_to_move(engine, 0, 1, &first);
    ask_to_move(engine, 1, 1, &second);
    let_moves_end(&dp, VMQ_OUTCOME_STALE);
    vmq_engine_give_up(engine, "the datapath is gone");
    expect_no_reply(&first);
    deliver(engine);
    vmq_engine_destroy(engine);
    expect_reply(&first, 0, "1 of 1 moves could not be made, see "
                 "dpif-netdev/vmq-history");
    expect_reply(&second, 0, "the datapath is gone");
}

/* Moves at random: of queues that can move only, to PMDs that they can move
 * to only, and sooner or later each queue to each of these. */

#define N_CHAOS_PMDS 7
#define N_CHAOS_RXQS 14

/* Cores 0 to 3 are on node 0, core 3 is isolated.  Cores 4 and 5 are on node
 * 1, core 6 alone on node 2.  There are two queues for each core, only one of
 * which can move, and four more that are not polled. */
static void
make_chaos_snapshot(struct vmq_snapshot *s)
{
    static const int32_t numa[N_CHAOS_PMDS] = { 0, 0, 0, 0, 1, 1, 2 };
    static const enum vmq_mobility fixed[N_CHAOS_PMDS] = {
        VMQ_PINNED, VMQ_ISOLATED, VMQ_EXCLUDED, VMQ_UNSUPPORTED,
        VMQ_PINNED, VMQ_PINNED, VMQ_PINNED,
    };
    uint32_t port;

    vmq_snapshot_init(s);
    for (uint32_t i = 0; i < N_CHAOS_PMDS; i++) {
        vmq_snapshot_add_pmd(s, i, numa[i]);
    }
    s->pmds[3].isolated = true;
    port = vmq_snapshot_add_port(s, "p", 1);
    for (uint32_t i = 0; i < N_CHAOS_RXQS; i++) {
        vmq_snapshot_add_rxq(s, port, i, i / 2, 0);
        if (i % 2) {
            s->rxqs[i].mobility = fixed[i / 2];
        }
    }
    port = vmq_snapshot_add_port(s, "q", 2);
    for (uint32_t i = 0; i < 4; i++) {
        vmq_snapshot_add_rxq(s, port, i, VMQ_NONE, 0);
    }
}

static void
test_chaos(void)
{
    unsigned int n[N_CHAOS_RXQS][N_CHAOS_PMDS] = { { 0 } };
    struct vmq_request requests[N_CHAOS_RXQS + 4];
    uint32_t n_drawn = 0, n_drawn_too = 0;
    const int n_rounds = 1000;
    struct vmq_snapshot s;

    make_chaos_snapshot(&s);
    for (int round = 0; round < n_rounds; round++) {
        struct vmq_request again[ARRAY_SIZE(requests)];
        size_t n_requests = vmq_chaos_pick(&s, 1, &n_drawn, requests);

        /* The seed decides. */
        ovs_assert(vmq_chaos_pick(&s, 1, &n_drawn_too, again) == n_requests);
        ovs_assert(n_drawn == n_drawn_too);
        for (size_t i = 0; i < n_requests; i++) {
            ovs_assert(requests[i].qid == again[i].qid);
            ovs_assert(requests[i].core_id == again[i].core_id);
            ovs_assert(!strcmp(requests[i].port, "p"));
            n[requests[i].qid][requests[i].core_id]++;
        }
    }
    for (uint32_t qid = 0; qid < N_CHAOS_RXQS; qid++) {
        unsigned int n_moves = 0, n_to = 0;

        for (uint32_t to = 0; to < N_CHAOS_PMDS; to++) {
            bool possible = (!(qid % 2) && to != qid / 2 && to != 3
                             && s.pmds[to].numa_id == s.pmds[qid / 2].numa_id);

            ovs_assert((n[qid][to] > 0) == possible);
            n_moves += n[qid][to];
            n_to += possible;
        }

        /* Half of the time, and evenly: four standard deviations. */
        ovs_assert(!n_to || (n_moves > 436 && n_moves < 564));
        for (uint32_t to = 0; n_to && to < N_CHAOS_PMDS; to++) {
            ovs_assert(!n[qid][to] || n[qid][to] > n_moves / n_to - 50);
        }
    }

    /* Another seed decides otherwise. */
    bool differ = false;
    for (int i = 0; i < 10; i++) {
        differ |= (vmq_chaos_pick(&s, 1, &n_drawn, requests)
                   != vmq_chaos_pick(&s, 2, &n_drawn_too, requests));
    }
    ovs_assert(differ);
    vmq_snapshot_destroy(&s);
}

static void
test_vmq_engine_main(int argc OVS_UNUSED, char *argv[] OVS_UNUSED)
{
    run_test(test_queued);
    run_test(test_queue_gone);
    run_test(test_failed);
    run_test(test_counts_from_end);
    run_test(test_off);
    run_test(test_ticks);
    run_test(test_replaced);
    run_test(test_tick_cost);
    run_test(test_view_published);
    run_test(test_view_withdrawn);
    run_test(test_view_meanwhile);
    run_test(test_view_forgotten);
    run_test(test_view_kept);
    run_test(test_view_age);
    run_test(test_view_reused);
    run_test(test_view_contended);
    run_test(test_edge);
    run_test(test_edge_futile);
    run_test(test_edge_preempted);
    run_test(test_edge_slow);
    run_test(test_edge_unminded);
    run_test(test_edge_budget);
    test_view_threads();
    test_destroyed();
    test_chaos();
}

OVSTEST_REGISTER("test-vmq-engine", test_vmq_engine_main);

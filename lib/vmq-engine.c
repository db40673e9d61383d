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
#include "vmq-engine.h"

#include <inttypes.h>
#include <string.h>

#include "coverage.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "vmq-hist.h"

VLOG_DEFINE_THIS_MODULE(vmq_engine);

/* Counters of what there are tables of in vmq-move.h: DEFINE_x() defines that
 * of a row, COUNT_x() is the case of a switch that increments it. */
#define DEFINE_NONE(VALUE, ...)
#define COUNT_NONE(VALUE, ...)
#define DEFINE_VERDICT(VALUE, COUNTER, NAME, TEXT) \
    COVERAGE_DEFINE(vmq_plan_##COUNTER);
#define COUNT_VERDICT(VALUE, COUNTER, NAME, TEXT) \
    case VMQ_VERDICT_##VALUE: COVERAGE_INC(vmq_plan_##COUNTER); break;
#define DEFINE_OUTCOME(VALUE, COUNTER, NAME) \
    COVERAGE_DEFINE(vmq_move_##COUNTER);
#define COUNT_OUTCOME(VALUE, COUNTER, NAME) \
    case VMQ_OUTCOME_##VALUE: COVERAGE_INC(vmq_move_##COUNTER); break;
#define DEFINE_RETURN(VALUE, COUNTER, NAME) \
    COVERAGE_DEFINE(vmq_##COUNTER);
#define COUNT_RETURN(VALUE, COUNTER, NAME) \
    case VMQ_RETURN_##VALUE: COVERAGE_INC(vmq_##COUNTER); break;
VMQ_VERDICTS(DEFINE_VERDICT, DEFINE_NONE)
VMQ_OUTCOMES(DEFINE_OUTCOME)
VMQ_RETURNS(DEFINE_NONE, DEFINE_RETURN)
COVERAGE_DEFINE(vmq_tick_late);
COVERAGE_DEFINE(vmq_tick_stale);

/* Requests that were made together, until they are answered. */
struct vmq_pending {
    struct ovs_list node;
    struct vmq_request *requests;   /* With 'port's of its own. */
    size_t n_requests;
    vmq_moved_cb *moved;
    void *aux;

    /* The answer. */
    size_t n_moved;
    char *error;                    /* NULL if there was none. */
};

/* The plan that the datapath is carrying out, and what it was made on.  There
 * is one if 'results' is not null. */
struct vmq_under_way {
    struct vmq_snapshot snapshot;
    struct vmq_plan plan;
    struct vmq_result *results;
    struct vmq_pending *pending;    /* NULL if the planner wants it. */
    struct vmq_stages stages;
};

struct vmq_engine {
    char *dp_name;
    const struct vmq_datapath_ops *ops;
    void *dp;

    struct vmq_config config;
    char **bad_values;          /* By index in vmq_settings[]: what is in */
    char **errors;              /* the database, why it is not in 'config'. */
    bool paused;
    long long int next_tick_ms;
    long long int now_ms;       /* When it was run last. */

    struct vmq_views views;     /* The next one has the sample. */
    struct vmq_window *window;
    struct vmq_ledger *ledger;

    struct vmq_under_way under_way;
    struct vmq_relief relief;
    struct ovs_list pending;    /* Of struct vmq_pending, to be begun... */
    struct ovs_list answers;    /* ...and with their answers. */

    struct vmq_totals totals;
    struct vmq_hist ticks, blackouts, preempted;
    struct vmq_history history;
};

struct vmq_engine *
vmq_engine_create(const char *dp_name, const struct vmq_datapath_ops *ops,
                  void *dp)
{
    struct vmq_engine *engine = xzalloc(sizeof *engine);

    engine->dp_name = xstrdup(dp_name);
    engine->ops = ops;
    engine->dp = dp;
    vmq_config_init(&engine->config);
    engine->bad_values = xcalloc(vmq_n_settings, sizeof *engine->bad_values);
    engine->errors = xcalloc(vmq_n_settings, sizeof *engine->errors);
    vmq_views_init(&engine->views, dp_name);
    engine->window = vmq_window_create();
    engine->ledger = vmq_ledger_create();
    vmq_snapshot_init(&engine->under_way.snapshot);
    vmq_plan_init(&engine->under_way.plan);
    vmq_relief_init(&engine->relief);
    ovs_list_init(&engine->pending);
    ovs_list_init(&engine->answers);
    return engine;
}

/* Has who made the requests of 'pending' be told what became of them.  Takes
 * over 'error', NULL if there was none. */
static void
vmq_engine_answer(struct vmq_engine *engine, struct vmq_pending *pending,
                  size_t n_moved, char *error)
{
    pending->n_moved = n_moved;
    pending->error = error;
    ovs_list_push_back(&engine->answers, &pending->node);
}

bool
vmq_engine_has_answers(const struct vmq_engine *engine)
{
    return !ovs_list_is_empty(&engine->answers);
}

/* Returns the number of requests whose answers have not been taken. */
size_t
vmq_engine_n_requests(const struct vmq_engine *engine)
{
    return (ovs_list_size(&engine->pending)
            + (engine->under_way.pending != NULL)
            + ovs_list_size(&engine->answers));
}

/* Appends the answers that there are to '*answers'. */
void
vmq_engine_take_answers(struct vmq_engine *engine, struct ovs_list *answers)
{
    ovs_list_push_back_all(answers, &engine->answers);
}

/* Tells who made requests what became of them, and empties '*answers'. */
void
vmq_answers_deliver(struct ovs_list *answers)
{
    struct vmq_pending *pending;

    LIST_FOR_EACH_POP (pending, node, answers) {
        pending->moved(pending->aux, pending->n_moved, pending->error);
        for (size_t i = 0; i < pending->n_requests; i++) {
            free(CONST_CAST(char *, pending->requests[i].port));
        }
        free(pending->requests);
        free(pending->error);
        free(pending);
    }
}

/* All requests must have been answered, and the answers been taken. */
void
vmq_engine_destroy(struct vmq_engine *engine)
{
    if (!engine) {
        return;
    }

    ovs_assert(ovs_list_is_empty(&engine->pending));
    ovs_assert(ovs_list_is_empty(&engine->answers));
    free(engine->under_way.results);
    vmq_plan_destroy(&engine->under_way.plan);
    vmq_snapshot_destroy(&engine->under_way.snapshot);
    vmq_relief_destroy(&engine->relief);
    for (size_t i = 0; i < vmq_n_settings; i++) {
        free(engine->bad_values[i]);
        free(engine->errors[i]);
    }
    vmq_history_destroy(&engine->history);
    free(engine->bad_values);
    free(engine->errors);
    vmq_views_destroy(&engine->views);
    vmq_window_destroy(engine->window);
    vmq_ledger_destroy(engine->ledger);
    free(engine->dp_name);
    free(engine);
}

/* Brings what the next view says, but for the sample and what is made of it,
 * up to date, and publishes it. */
static void
vmq_engine_publish(struct vmq_engine *engine)
{
    struct vmq_view *view = engine->views.next;

    view->on = engine->config.enabled;
    view->paused = engine->paused;
    view->config = engine->config;
    for (size_t i = 0; i < vmq_n_settings; i++) {
        free(view->setting_errors[i]);
        view->setting_errors[i] = nullable_xstrdup(engine->errors[i]);
    }
    view->totals = engine->totals;
    view->ticks = engine->ticks;
    view->blackouts = engine->blackouts;
    view->preempted = engine->preempted;
    view->n_moving = (engine->under_way.results
                      ? engine->under_way.plan.n_moves : 0);
    vmq_ledger_copy(view->ledger, engine->ledger);
    vmq_views_publish(&engine->views);
}

/* Has vmq_engine_get_view() return nothing until there is another view. */
void
vmq_engine_withdraw_view(struct vmq_engine *engine)
{
    vmq_views_withdraw(&engine->views);
}

/* Forgets the last sample. */
static void
vmq_engine_forget_sample(struct vmq_engine *engine)
{
    struct vmq_view *view = engine->views.next;

    vmq_snapshot_clear(&view->raw);
    vmq_snapshot_clear(&view->snapshot);
    view->measured = false;
    vmq_engine_publish(engine);
    vmq_engine_withdraw_view(engine);
}

/* Starts measuring anew, as if the datapath had just been created.  The
 * history and the totals stay. */
static void
vmq_engine_restart(struct vmq_engine *engine)
{
    vmq_window_destroy(engine->window);
    engine->window = vmq_window_create();
    vmq_ledger_destroy(engine->ledger);
    engine->ledger = vmq_ledger_create();
    vmq_engine_forget_sample(engine);
    engine->next_tick_ms = time_msec();
}

static void
vmq_engine_set_setting(struct vmq_engine *engine, size_t i, const char *value)
{
    char *error = vmq_config_set(&engine->config, &vmq_settings[i], value);

    if (!error) {
        if (engine->errors[i]) {
            VLOG_INFO("%s: %s is accepted again", engine->dp_name,
                      vmq_settings[i].key);
        }
        free(engine->bad_values[i]);
        engine->bad_values[i] = NULL;
    } else if (!nullable_string_is_equal(engine->bad_values[i], value)) {
        VLOG_WARN("%s: %s", engine->dp_name, error);
        free(engine->bad_values[i]);
        engine->bad_values[i] = nullable_xstrdup(value);
    }
    free(engine->errors[i]);
    engine->errors[i] = error;
}

/* Takes the settings from 'other_config'.  One that cannot be used keeps its
 * last good value, is logged once, and shows in vmq-show.  Returns true if VMQ
 * was turned on or off. */
bool
vmq_engine_set_config(struct vmq_engine *engine,
                      const struct smap *other_config)
{
    bool was_on = engine->config.enabled;

    for (size_t i = 0; i < vmq_n_settings; i++) {
        vmq_engine_set_setting(engine, i,
                               smap_get(other_config, vmq_settings[i].key));
    }
    vmq_engine_withdraw_view(engine);
    engine->ops->forget_edges(engine->dp);
    engine->next_tick_ms = MIN(engine->next_tick_ms,
                               time_msec() + engine->config.interval_ms);
    if (was_on == engine->config.enabled) {
        return false;
    }

    VLOG_INFO("%s: dynamic VMQ is %s", engine->dp_name,
              engine->config.enabled ? "on" : "off");
    vmq_engine_restart(engine);
    return true;
}

bool
vmq_engine_is_on(const struct vmq_engine *engine)
{
    return engine->config.enabled;
}

bool
vmq_engine_crosses_numa(const struct vmq_engine *engine)
{
    return engine->config.cross_numa;
}

const struct vmq_config *
vmq_engine_config(const struct vmq_engine *engine)
{
    return &engine->config;
}

/* Begins a placement of new queues, as of the last sample. */
void
vmq_engine_place(const struct vmq_engine *engine, struct vmq_place *place)
{
    vmq_place_init(place, &vmq_views_last(&engine->views)->snapshot,
                   &engine->config);
}

static void
vmq_engine_count_verdict(struct vmq_engine *engine, enum vmq_verdict verdict)
{
    engine->totals.n_verdicts[verdict]++;
    switch ((int) verdict) {
    VMQ_VERDICTS(COUNT_VERDICT, COUNT_NONE)
    }
}

static void
vmq_engine_count_outcome(struct vmq_engine *engine, enum vmq_outcome outcome)
{
    engine->totals.n_outcomes[outcome]++;
    switch ((int) outcome) {
    VMQ_OUTCOMES(COUNT_OUTCOME)
    }
}

static void
vmq_engine_count_return(struct vmq_engine *engine, enum vmq_return ret)
{
    engine->totals.n_returns[ret]++;
    switch ((int) ret) {
    VMQ_RETURNS(COUNT_NONE, COUNT_RETURN)
    }
}

/* A reconfiguration has waited for 'wait_ns' until nothing was moved. */
void
vmq_engine_count_wait(struct vmq_engine *engine, uint64_t wait_ns)
{
    engine->totals.n_waits++;
    engine->totals.wait_ns_max = MAX(engine->totals.wait_ns_max, wait_ns);
}

/* Tells everybody what became of the moves under way, all of which have
 * ended. */
static void
vmq_engine_finish(struct vmq_engine *engine)
{
    struct vmq_under_way *under_way = &engine->under_way;
    struct vmq_plan *plan = &under_way->plan;
    enum vmq_outcome *outcomes = xcalloc(plan->n_moves, sizeof *outcomes);
    enum vmq_return *returns = xcalloc(plan->n_moves, sizeof *returns);
    size_t n_applied = 0;

    for (size_t i = 0; i < plan->n_moves; i++) {
        const struct vmq_result *result = &under_way->results[i];

        outcomes[i] = result->outcome;
        vmq_engine_count_outcome(engine, result->outcome);
        engine->totals.flows_warmed += result->flows_warmed;
        engine->totals.flows_skipped += result->flows_skipped;
        n_applied += result->outcome == VMQ_OUTCOME_APPLIED;
        if (result->outcome == VMQ_OUTCOME_APPLIED || result->blackout_ns) {
            vmq_hist_add(result->preempted ? &engine->preempted
                         : &engine->blackouts, result->blackout_ns);
        }
    }

    /* They count from now on. */
    under_way->snapshot.now_ms = engine->now_ms;
    vmq_credit_commit(engine->ledger, &engine->config, &under_way->snapshot,
                      plan->moves, plan->n_moves, outcomes, returns);
    vmq_window_commit(engine->window, &engine->config, &under_way->snapshot,
                      plan->moves, plan->n_moves, outcomes);
    for (size_t i = 0; i < plan->n_moves; i++) {
        vmq_engine_count_return(engine, returns[i]);
        vmq_history_add(&engine->history, engine->dp_name,
                        &under_way->snapshot, plan, &plan->moves[i],
                        returns[i], &under_way->results[i],
                        &under_way->stages);
    }
    free(outcomes);
    free(returns);
    free(under_way->results);
    under_way->results = NULL;
    engine->ops->forget_edges(engine->dp);
    vmq_engine_withdraw_view(engine);

    if (under_way->pending) {
        char *error = NULL;

        if (n_applied < plan->n_moves) {
            error = xasprintf("%"PRIuSIZE" of %"PRIu32" moves could not be "
                              "made, see dpif-netdev/vmq-history",
                              plan->n_moves - n_applied, plan->n_moves);
        }
        vmq_engine_answer(engine, under_way->pending, n_applied, error);
        under_way->pending = NULL;
    }
}

/* Returns the CPU time that this thread has used.  What a tick costs is not to
 * depend on what else the machine does, nor on a clock that tests stop. */
static uint64_t
vmq_engine_cpu_ns(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* Goes on with the moves under way, if there are any. */
static void
vmq_engine_advance(struct vmq_engine *engine)
{
    bool edge = engine->under_way.stages.edge;
    uint64_t start_ns;
    bool ended;

    if (!engine->under_way.results) {
        return;
    }
    start_ns = edge ? vmq_engine_cpu_ns() : 0;
    ended = engine->ops->advance(engine->dp);
    if (edge) {
        vmq_relief_spend(&engine->relief, vmq_engine_cpu_ns() - start_ns);
    }
    if (ended) {
        vmq_engine_finish(engine);
    }
}

/* Has the datapath begin to carry out 'plan', for 'pending' or, if 'stages' is
 * nonnull, because of an edge. */
static void
vmq_engine_apply(struct vmq_engine *engine,
                 const struct vmq_snapshot *snapshot,
                 const struct vmq_plan *plan, struct vmq_pending *pending,
                 const struct vmq_stages *stages)
{
    struct vmq_under_way *under_way = &engine->under_way;

    ovs_assert(!under_way->results);
    vmq_snapshot_copy(&under_way->snapshot, snapshot);
    vmq_plan_copy(&under_way->plan, plan);
    under_way->results = xcalloc(under_way->plan.n_moves,
                                 sizeof *under_way->results);
    under_way->pending = pending;
    under_way->stages = (stages ? *stages
                         : (struct vmq_stages) { .edge = false });
    vmq_engine_withdraw_view(engine);
    engine->ops->apply(engine->dp, &under_way->snapshot, &under_way->plan,
                       under_way->results);
    vmq_engine_advance(engine);
}

static void
vmq_engine_collect(struct vmq_engine *engine)
{
    struct vmq_view *view = engine->views.next;

    vmq_snapshot_clear(&view->raw);
    view->taken_ms = time_msec();
    view->asked_for = false;
    engine->ops->collect(engine->dp, &view->raw);
}

/* Has the next view say what the window knows, and what the planner thinks of
 * it, which is to wait if there are no loads in it.  The plan takes its memory
 * all the same: asking for much can be slow, and is done with before there is
 * something to do. */
static void
vmq_engine_plan(struct vmq_engine *engine)
{
    struct vmq_view *view = engine->views.next;

    view->measured = vmq_window_snapshot(engine->window, &engine->config,
                                         &view->snapshot);
    vmq_plan_compute(&view->snapshot, &engine->config, engine->ledger,
                     &view->plan);
}

/* Brings the window up to date. */
static void
vmq_engine_sample(struct vmq_engine *engine)
{
    const struct vmq_snapshot *raw = &engine->views.next->raw;

    vmq_engine_collect(engine);
    vmq_credit_forget(engine->ledger, vmq_window_last(engine->window), raw);
    switch (vmq_window_add(engine->window, &engine->config, raw)) {
    case VMQ_SAMPLE_LATE:
        COVERAGE_INC(vmq_tick_late);
        engine->totals.n_late++;
        break;
    case VMQ_SAMPLE_STALE:
        COVERAGE_INC(vmq_tick_stale);
        engine->totals.n_stale++;
        break;
    case VMQ_SAMPLE_OK:
    case VMQ_SAMPLE_FIRST:
    default:
        break;
    }
}

/* Carries out 'pending', which it takes over. */
static void
vmq_engine_carry_out(struct vmq_engine *engine, struct vmq_pending *pending)
{
    struct vmq_snapshot *snapshot = &engine->views.next->snapshot;
    struct vmq_plan plan;

    /* The operator speaks of the queues that there are now, which the last
     * sample may not know.  Whether there are loads does not matter here. */
    vmq_engine_sample(engine);
    vmq_window_snapshot(engine->window, &engine->config, snapshot);

    vmq_plan_init(&plan);
    char *error = vmq_plan_manual(snapshot, &engine->config,
                                  engine->ledger, pending->requests,
                                  pending->n_requests, &plan);
    if (error || !plan.n_moves) {
        vmq_engine_answer(engine, pending, 0, error);
    } else {
        vmq_engine_count_verdict(engine, plan.verdict);
        vmq_engine_apply(engine, snapshot, &plan, pending, NULL);
    }
    vmq_plan_destroy(&plan);
}

/* Goes on with the moves under way and, when there are none, begins those that
 * an operator waits for. */
static void
vmq_engine_run_moves(struct vmq_engine *engine)
{
    vmq_engine_advance(engine);
    while (!engine->under_way.results
           && !ovs_list_is_empty(&engine->pending)) {
        struct vmq_pending *pending
            = CONTAINER_OF(ovs_list_pop_front(&engine->pending),
                           struct vmq_pending, node);

        if (engine->config.enabled) {
            vmq_engine_carry_out(engine, pending);
        } else {
            vmq_engine_answer(engine, pending, 0,
                              xstrdup("dynamic VMQ was turned off"));
        }
    }
}

/* Answers all requests, because of 'why'.  The moves under way must have come
 * to their end: nobody runs the engine any more. */
void
vmq_engine_give_up(struct vmq_engine *engine, const char *why)
{
    struct vmq_pending *pending;

    vmq_engine_advance(engine);
    ovs_assert(!engine->under_way.results);
    LIST_FOR_EACH_POP (pending, node, &engine->pending) {
        vmq_engine_answer(engine, pending, 0, xstrdup(why));
    }
}

/* Edges. */

/* Would the engine look at an edge, as far as it is concerned? */
static bool
vmq_engine_minds_edges(const struct vmq_engine *engine)
{
    return (engine->config.enabled && engine->config.edge_us
            && !engine->paused && !engine->under_way.results);
}

/* Takes the first sample of a glance, if there are edges and the budget allows
 * it. */
static void
vmq_engine_begin_glance(struct vmq_engine *engine)
{
    struct vmq_relief *relief = &engine->relief;
    uint64_t start_ns = vmq_engine_cpu_ns();

    if (!vmq_relief_may_begin(relief, engine->now_ms * UINT64_C(1000000))) {
        engine->totals.n_edges_deferred += !relief->deferred;
        relief->deferred = true;
        return;
    }
    relief->deferred = false;
    relief->glances = true;
    relief->n_looks = 0;
    vmq_snapshot_clear(&relief->first);
    engine->ops->collect(engine->dp, &relief->first);
    vmq_relief_spend(relief, vmq_engine_cpu_ns() - start_ns);
}

/* Lets PMDs with an edge catch up that have been without a CPU. */
static void
vmq_engine_let_catch_up(struct vmq_engine *engine)
{
    const struct vmq_snapshot *last = vmq_window_last(engine->window);
    struct vmq_relief *relief = &engine->relief;

    for (uint32_t i = 0; i < relief->second.n_pmds; i++) {
        struct vmq_pmd *pmd = &relief->second.pmds[i];
        uint64_t catch_up_ns = vmq_relief_catch_up_ns(relief, last, i);

        if (catch_up_ns) {
            pmd->edge = false;
            engine->totals.n_edges_preempted++;
            engine->ops->answer_edge(engine->dp, pmd->core_id, false,
                                     catch_up_ns);
        }
    }
}

/* Plans by what the glance shows.  Returns true if there is something to
 * do. */
static bool
vmq_engine_plan_relief(struct vmq_engine *engine)
{
    struct vmq_relief *relief = &engine->relief;
    bool planned;

    vmq_window_snapshot(engine->window, &engine->config, &relief->snapshot);
    vmq_engine_let_catch_up(engine);
    planned = (vmq_edge_glance(&relief->snapshot, &relief->first,
                               &relief->second)
               && vmq_snapshot_has_edge(&relief->snapshot));
    if (planned) {
        vmq_plan_compute(&relief->snapshot, &engine->config, engine->ledger,
                         &relief->plan);
        vmq_engine_count_verdict(engine, relief->plan.verdict);
    }
    for (uint32_t i = 0; i < relief->second.n_pmds; i++) {
        if (relief->second.pmds[i].edge) {
            engine->ops->answer_edge(engine->dp,
                                     relief->second.pmds[i].core_id,
                                     planned && (relief->plan.pmds[i].verdict
                                                 == VMQ_VERDICT_SPREAD), 0);
        }
    }
    return planned && relief->plan.n_moves > 0;
}

/* Takes the second sample of the glance under way, with all edges since it
 * began.  Returns false if the glance has to go on. */
static bool
vmq_engine_look_again(struct vmq_engine *engine)
{
    struct vmq_relief *relief = &engine->relief;
    struct vmq_edge_times times;

    vmq_snapshot_clear(&relief->second);
    engine->ops->collect(engine->dp, &relief->second);
    engine->ops->take_edges(engine->dp, &relief->second, &times);
    return vmq_relief_looked(relief, &times);
}

/* Ends the glance under way, unless it has to go on, and relieves the PMDs
 * with an edge by what it says. */
static void
vmq_engine_end_glance(struct vmq_engine *engine)
{
    struct vmq_relief *relief = &engine->relief;
    uint64_t start_ns = vmq_engine_cpu_ns();
    bool moves = false;

    relief->glances = !vmq_engine_look_again(engine);
    if (!relief->glances) {
        moves = vmq_engine_plan_relief(engine);
    }
    vmq_relief_spend(relief, vmq_engine_cpu_ns() - start_ns);
    if (relief->glances) {
        return;
    }

    engine->totals.n_edges++;
    engine->totals.n_edges_futile += !moves;
    if (moves) {
        uint64_t looked_ns = relief->first.window_ns;
        struct vmq_stages stages = {
            .edge = true,
            .edge_ns = relief->times.waited_ns,
            .wake_ns = (looked_ns > relief->times.raised_ns
                        ? looked_ns - relief->times.raised_ns : 0),
            .plan_ns = relief->second.window_ns - looked_ns,
        };

        vmq_engine_apply(engine, &relief->snapshot, &relief->plan, NULL,
                         &stages);
    }
}

/* Returns true if the engine is to be called again after VMQ_GLANCE_NS. */
bool
vmq_engine_glances(const struct vmq_engine *engine)
{
    return engine->relief.glances;
}

/* Goes on with the glance under way, or begins one. */
static void
vmq_engine_run_edges(struct vmq_engine *engine)
{
    bool glances = engine->relief.glances;

    engine->relief.glances = false;
    if (!vmq_engine_minds_edges(engine)) {
        return;
    }
    if (glances) {
        vmq_engine_end_glance(engine);
    } else if (engine->ops->has_edges(engine->dp)) {
        vmq_engine_begin_glance(engine);
    }
}

/* Has the next poll_block() return when an edge can be looked at. */
static void
vmq_engine_wait_for_edges(struct vmq_engine *engine)
{
    if (vmq_engine_minds_edges(engine)
        && engine->ops->has_edges(engine->dp)) {
        uint64_t wait_ns = vmq_relief_wait_ns(&engine->relief);

        if (wait_ns) {
            poll_timer_wait(DIV_ROUND_UP(wait_ns, 1000000));
        } else {
            poll_immediate_wake();
        }
    }
}

/* One tick. */
static void
vmq_engine_tick(struct vmq_engine *engine)
{
    uint64_t start_ns = vmq_engine_cpu_ns();
    const struct vmq_view *view = engine->views.next;

    vmq_engine_sample(engine);
    vmq_engine_plan(engine);
    engine->totals.n_ticks++;
    vmq_hist_add(&engine->ticks, vmq_engine_cpu_ns() - start_ns);

    bool decides = (view->measured && !engine->paused
                    && !engine->under_way.results);
    if (decides) {
        vmq_engine_count_verdict(engine, view->plan.verdict);
    }
    vmq_engine_publish(engine);
    if (decides && view->plan.n_moves) {
        vmq_engine_apply(engine, &view->snapshot, &view->plan, NULL, NULL);
    }
}

/* Goes on with moves, then one tick, if it is time for one, as time_msec()
 * has it.  Returns true if no moves are under way and none are wanted then. */
bool
vmq_engine_run(struct vmq_engine *engine, long long int now_ms)
{
    engine->now_ms = now_ms;
    vmq_engine_run_moves(engine);
    if (engine->config.enabled && now_ms >= engine->next_tick_ms) {
        engine->next_tick_ms = now_ms + engine->config.interval_ms;
        vmq_engine_tick(engine);
    }
    vmq_engine_run_edges(engine);
    return (!engine->under_way.results
            && !engine->relief.glances
            && ovs_list_is_empty(&engine->pending));
}

/* Has the next poll_block() return when it is time for a tick, or for moves
 * that are wanted.  The datapath looks after those under way. */
void
vmq_engine_wait(struct vmq_engine *engine)
{
    if (!engine->under_way.results && !ovs_list_is_empty(&engine->pending)) {
        poll_immediate_wake();
    }
    if (engine->config.enabled) {
        poll_timer_wait_until(engine->next_tick_ms);
    }
    vmq_engine_wait_for_edges(engine);
}

/* Returns what was published last, or NULL if that was withdrawn or somebody
 * has had it.  The caller has to give it back by vmq_engine_put_view(). */
const struct vmq_view *
vmq_engine_get_view(struct vmq_engine *engine)
{
    return vmq_views_get(&engine->views);
}

/* Gives 'view' back, which may be null. */
void
vmq_engine_put_view(struct vmq_engine *engine, const struct vmq_view *view)
{
    vmq_views_put(&engine->views, view);
}

/* Returns a view of this moment, to be given back likewise. */
const struct vmq_view *
vmq_engine_new_view(struct vmq_engine *engine)
{
    vmq_engine_collect(engine);
    engine->views.next->asked_for = true;
    if (engine->config.enabled) {
        vmq_engine_plan(engine);
    } else {
        vmq_snapshot_clear(&engine->views.next->snapshot);
        engine->views.next->measured = false;
    }
    vmq_engine_publish(engine);
    return vmq_views_get_last(&engine->views);
}

const struct vmq_history *
vmq_engine_history(const struct vmq_engine *engine)
{
    return &engine->history;
}

/* While paused, the engine measures and plans but moves nothing by itself. */
void
vmq_engine_set_paused(struct vmq_engine *engine, bool paused)
{
    if (engine->paused != paused) {
        engine->paused = paused;
        engine->ops->forget_edges(engine->dp);
        vmq_engine_withdraw_view(engine);
        VLOG_INFO("%s: dynamic VMQ is %s", engine->dp_name,
                  paused ? "paused" : "resumed");
    }
}

/* Moves queues as the operator says, if all of 'requests' are possible when it
 * is their turn, otherwise none.  Returns NULL, and the answer then has
 * 'moved' called with 'aux'; or returns an error message that the caller must
 * free, and never calls it. */
char *
vmq_engine_move(struct vmq_engine *engine, const struct vmq_request *requests,
                size_t n_requests, vmq_moved_cb *moved, void *aux)
{
    struct vmq_pending *pending;

    if (!engine->config.enabled) {
        return xasprintf("dynamic VMQ is off on %s (pmd-vmq=true turns it "
                         "on)", engine->dp_name);
    }

    pending = xmalloc(sizeof *pending);
    *pending = (struct vmq_pending) {
        .requests = xmemdup(requests, n_requests * sizeof *requests),
        .n_requests = n_requests,
        .moved = moved,
        .aux = aux,
    };
    for (size_t i = 0; i < n_requests; i++) {
        pending->requests[i].port = xstrdup(requests[i].port);
    }
    ovs_list_push_back(&engine->pending, &pending->node);
    return NULL;
}

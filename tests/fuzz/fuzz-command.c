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

/* Fuzzes the commands of ovs-appctl, with the engine behind them and a made up
 * datapath behind that, on which time goes by and moves end as the input says.
 * The input is a series of lines:
 *
 *     a ARGUMENT ARGUMENT...   the first of vmq_commands[], b the second...;
 *                              an argument ends at a space
 *     = KEY=VALUE              sets other_config
 *     + N                      lets N ms go by
 *     ! N                      the moves under way end with outcome N
 *     ^                        the first PMD raises an edge
 *
 * Arguments that are not UTF-8 do not get as far as this.  Asserted:
 *
 *   - a command has one reply, an error that says something, or a result;
 *     if it is to come later, it does;
 *   - a reply is UTF-8, and with --json, JSON;
 *   - what only shows or pauses moves nothing, and no command does when VMQ is
 *     off;
 *   - what is moved is what was asked for, and nothing that is pinned or to a
 *     PMD that is isolated;
 *   - of settings, the last good value is in effect (C2). */

#include <config.h>
#undef NDEBUG

#include "vmq-unixctl.h"

#include <inttypes.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "timeval.h"
#include "unicode.h"
#include "unixctl.h"
#include "util.h"
#include "vmq-engine.h"
#include "vmq-fuzz.h"

#define N_PMDS 4
#define N_PORTS 3
#define N_QUEUES 3
#define N_RXQS (N_PORTS * N_QUEUES)
#define MAX_ARGS 64

static const char *const port_names[N_PORTS] = { "p", "vhost-user-1", "10" };

static long long int now_ms;

static struct datapath {
    uint32_t core[N_RXQS];
    uint64_t generation;

    struct vmq_result *results; /* Of the plan under way, if any. */
    struct vmq_plan plan;       /* Its moves alone. */
    uint32_t rxqs[N_RXQS];      /* What each of these is about... */
    uint32_t cores[N_RXQS];     /* ...and where to. */
    bool done;
    enum vmq_outcome outcome;

    bool edge;                  /* Of the first PMD. */
    bool may_move;              /* By command. */
    uint32_t n_replies;
    uint32_t n_later;           /* Replies that there must be. */
} dp;

/* Takes the place of Open vSwitch's.  The linker wants these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
long long int __wrap_time_msec(void);
long long int __wrap_time_usec(void);
long long int __wrap_time_wall_msec(void);
void __wrap_unixctl_command_reply(struct unixctl_conn *, const char *);
void __wrap_unixctl_command_reply_error(struct unixctl_conn *, const char *);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

long long int
__wrap_time_msec(void)
{
    return now_ms;
}

long long int
__wrap_time_usec(void)
{
    return now_ms * 1000;
}

long long int
__wrap_time_wall_msec(void)
{
    return now_ms + 1700000000000;
}

static void
check_text(const char *text)
{
    char *error = utf8_validate(text, NULL);

    FUZZ_ASSERT(!error);
}

void
__wrap_unixctl_command_reply(struct unixctl_conn *conn, const char *body)
{
    FUZZ_ASSERT(conn == (void *) &dp);
    FUZZ_ASSERT(body[0]);
    check_text(body);
    dp.n_replies++;
}

void
__wrap_unixctl_command_reply_error(struct unixctl_conn *conn,
                                   const char *error)
{
    FUZZ_ASSERT(conn == (void *) &dp);
    FUZZ_ASSERT(error[0]);
    check_text(error);
    dp.n_replies++;
}

/* Queue 2 of the first port is pinned, and PMD 3 is isolated. */
static enum vmq_mobility
mobility(uint32_t rxq)
{
    return (rxq == 2 ? VMQ_PINNED
            : rxq / N_QUEUES == 1 ? VMQ_EXCLUDED : VMQ_DYNAMIC);
}

static void
collect(void *dp_ OVS_UNUSED, struct vmq_snapshot *raw)
{
    uint64_t now_ns = now_ms * 1000000;

    raw->window_ns = raw->window_cycles = now_ns;
    raw->now_ms = now_ms;
    raw->generation = dp.generation;
    for (uint32_t core = 0; core < N_PMDS; core++) {
        uint32_t i = vmq_snapshot_add_pmd(raw, core, core / 2);

        raw->pmds[i].parked = true;
        raw->pmds[i].isolated = core == 3;
        raw->pmds[i].idle_cycles = raw->pmds[i].cpu_ns = now_ns;
    }
    for (uint32_t k = 0; k < N_PORTS; k++) {
        uint32_t port = vmq_snapshot_add_port(raw, port_names[k], k + 1);

        for (uint32_t qid = 0; qid < N_QUEUES; qid++) {
            uint32_t n = k * N_QUEUES + qid;
            uint32_t i = vmq_snapshot_add_rxq(raw, port, qid, dp.core[n], 0);

            raw->rxqs[i].mobility = mobility(n);
            raw->rxqs[i].cycles = now_ns / 100 * (n * 7);
            raw->rxqs[i].packets = now_ms * n;
            raw->pmds[dp.core[n]].parked = false;
            raw->pmds[dp.core[n]].busy_cycles += now_ns / 100 * (n * 7);
        }
    }
    vmq_snapshot_sort(raw);
}

static void
apply(void *dp_ OVS_UNUSED, const struct vmq_snapshot *s,
      const struct vmq_plan *plan, struct vmq_result *results)
{
    FUZZ_ASSERT(!dp.results);
    FUZZ_ASSERT(dp.may_move);
    FUZZ_ASSERT(plan->generation == dp.generation);
    FUZZ_ASSERT(plan->n_moves && plan->n_moves <= N_RXQS);
    dp.results = results;
    dp.plan.n_moves = plan->n_moves;
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        const struct vmq_rxq *rxq = &s->rxqs[plan->moves[i].rxq];
        const char *name = s->ports[rxq->port].name;
        uint32_t k = 0;

        while (strcmp(port_names[k], name)) {
            k++;
            FUZZ_ASSERT(k < N_PORTS);
        }
        dp.rxqs[i] = k * N_QUEUES + rxq->qid;
        dp.cores[i] = s->pmds[plan->moves[i].to].core_id;
        FUZZ_ASSERT(mobility(dp.rxqs[i]) != VMQ_PINNED);
        FUZZ_ASSERT(dp.cores[i] < N_PMDS && dp.cores[i] != 3);
        FUZZ_ASSERT(dp.cores[i] != dp.core[dp.rxqs[i]]);
    }
}

static bool
advance(void *dp_ OVS_UNUSED)
{
    FUZZ_ASSERT(dp.results);
    if (!dp.done) {
        return false;
    }
    for (uint32_t i = 0; i < dp.plan.n_moves; i++) {
        dp.results[i].outcome = dp.outcome;
        if (dp.outcome == VMQ_OUTCOME_APPLIED) {
            dp.core[dp.rxqs[i]] = dp.cores[i];
            dp.generation++;
        }
    }
    dp.results = NULL;
    dp.done = false;
    return true;
}

/* Are these the moves that 'argv' asks for? */
static void
check_asked(int argc, const char *argv[])
{
    for (uint32_t i = 0; i < dp.plan.n_moves; i++) {
        uint32_t rxq = dp.rxqs[i];
        bool asked = false;

        for (int k = 0; k + 2 < argc; k += 3) {
            asked |= (!strcmp(argv[k], port_names[rxq / N_QUEUES])
                      && atoi(argv[k + 1]) == rxq % N_QUEUES
                      && atoi(argv[k + 2]) == dp.cores[i]);
        }
        FUZZ_ASSERT(asked);
    }
}

static void
run_command(struct vmq_engine *engine, const struct vmq_command *command,
            char *line)
{
    bool moves = strstr(command->name, "vmq-move");
    uint32_t n_replies = dp.n_replies;
    struct vmq_result *under_way = dp.results;
    struct ds reply = DS_EMPTY_INITIALIZER;
    const char *words[MAX_ARGS], **argv = words;
    enum vmq_command_result result;
    bool json;
    int argc = 0;

    while (line && argc < MAX_ARGS) {
        char *space = strchr(line, ' ');

        argv[argc++] = line;
        if (space) {
            *space++ = '\0';
        }
        line = space;
    }
    if (argc < command->min_args || argc > command->max_args) {
        return;
    }
    json = command->has_json && argc && !strcmp(argv[0], "--json");
    argc -= json;
    argv += json;

    /* The engine does moves by itself only when it runs. */
    dp.may_move = moves && vmq_engine_is_on(engine);
    if (command->show) {
        const struct vmq_view *view = vmq_engine_get_view(engine);

        if (!view) {
            view = vmq_engine_new_view(engine);
        }
        result = command->show(view, json, argc, argv, &reply);
        vmq_engine_put_view(engine, view);
    } else {
        result = command->run(engine, (void *) &dp, json, argc, argv, &reply);
    }
    dp.may_move = true;
    check_text(ds_cstr(&reply));
    if (result == VMQ_COMMAND_LATER) {
        FUZZ_ASSERT(moves && !reply.length);
        FUZZ_ASSERT(dp.n_replies - n_replies <= 1);
        dp.n_later++;
        if (dp.results && !under_way) {
            /* Nothing was waiting, so it is this one that has begun. */
            check_asked(argc, argv);
        }
    } else {
        FUZZ_ASSERT(dp.n_replies == n_replies);
        FUZZ_ASSERT(dp.results == under_way);
        FUZZ_ASSERT(result != VMQ_COMMAND_ERROR || reply.length);
        if (result == VMQ_COMMAND_OK && json) {
            struct json *value = json_from_string(ds_cstr(&reply));

            FUZZ_ASSERT(value->type == JSON_OBJECT
                        || value->type == JSON_ARRAY);
            json_destroy(value);
        }
    }
    ds_destroy(&reply);
}

/* C2, end to end. */
static void
set(struct vmq_engine *engine, struct smap *other_config,
    struct vmq_config *want, char *line)
{
    char *value = strchr(line, '=');
    const struct vmq_view *view;

    if (value) {
        *value++ = '\0';
        smap_replace(other_config, line, value);
    } else {
        smap_remove(other_config, line);
    }
    for (size_t i = 0; i < vmq_n_settings; i++) {
        free(vmq_config_set(want, &vmq_settings[i],
                            smap_get(other_config, vmq_settings[i].key)));
    }
    vmq_engine_set_config(engine, other_config);
    view = vmq_engine_new_view(engine);
    FUZZ_ASSERT(!memcmp(&view->config, want, sizeof *want));
    vmq_engine_put_view(engine, view);
}

static bool
has_edges(const void *dp_ OVS_UNUSED)
{
    return dp.edge;
}

static void
take_edges(void *dp_ OVS_UNUSED, struct vmq_snapshot *raw,
           struct vmq_edge_times *times)
{
    *times = (struct vmq_edge_times) { .waited_ns = now_ms };
    raw->pmds[0].edge = dp.edge;
    dp.edge = false;
}

static void
forget_edges(void *dp_ OVS_UNUSED)
{
    dp.edge = false;
}

static void
answer_edge(void *dp_ OVS_UNUSED, uint32_t core_id OVS_UNUSED, bool relieved,
            uint64_t catch_up_ns OVS_UNUSED)
{
    /* Queues have no load. */
    FUZZ_ASSERT(!relieved);
}

/* Runs the engine, and has the answers delivered. */
static void
run(struct vmq_engine *engine)
{
    struct ovs_list answers = OVS_LIST_INITIALIZER(&answers);

    vmq_engine_run(engine, now_ms);
    vmq_engine_take_answers(engine, &answers);
    vmq_answers_deliver(&answers);
    FUZZ_ASSERT(!vmq_engine_has_answers(engine));
}

static void
run_line(struct vmq_engine *engine, struct smap *other_config,
         struct vmq_config *want, char *line)
{
    int which = line[0] - 'a';
    char *rest = line[0] && line[1] == ' ' ? line + 2 : NULL;

    if (which >= 0 && which < vmq_n_commands) {
        run_command(engine, &vmq_commands[which], rest);
    } else if (line[0] == '=' && rest) {
        set(engine, other_config, want, rest);
    } else if (line[0] == '+' && rest) {
        now_ms += strtoul(rest, NULL, 10) % 100000;
    } else if (line[0] == '!' && rest) {
        dp.done = dp.results;
        dp.outcome = strtoul(rest, NULL, 10) % VMQ_N_OUTCOMES;
    } else if (line[0] == '^') {
        dp.edge = true;
    }
    run(engine);
}

/* Carries through what has been begun, so that all replies come. */
static void
finish(struct vmq_engine *engine, struct smap *other_config)
{
    smap_replace(other_config, "pmd-vmq", "false");
    vmq_engine_set_config(engine, other_config);
    for (int i = 0; i < 2; i++) {
        dp.done = dp.results;
        dp.outcome = VMQ_OUTCOME_STALE;
        run(engine);
    }
    FUZZ_ASSERT(!dp.results);
    FUZZ_ASSERT(!vmq_engine_n_requests(engine));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vmq_datapath_ops ops = {
        .collect = collect,
        .apply = apply,
        .advance = advance,
        .has_edges = has_edges,
        .take_edges = take_edges,
        .forget_edges = forget_edges,
        .answer_edge = answer_edge,
    };
    struct smap other_config = SMAP_INITIALIZER(&other_config);
    char *text = fuzz_text(data, size);
    char *bad = utf8_validate(text, NULL);
    struct vmq_engine *engine;
    struct vmq_config want;
    char *next;

    if (bad) {
        free(bad);
        free(text);
        return 0;
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    now_ms = 1000;
    memset(&dp, 0, sizeof dp);
    for (uint32_t i = 0; i < N_RXQS; i++) {
        dp.core[i] = i % 2;
    }
    dp.may_move = true;
    vmq_config_init(&want);
    engine = vmq_engine_create("dp", &ops, &dp);
    for (char *line = text; line; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        run_line(engine, &other_config, &want, line);
    }
    finish(engine, &other_config);
    FUZZ_ASSERT(dp.n_replies == dp.n_later);
    vmq_engine_destroy(engine);
    smap_destroy(&other_config);
    free(text);
    return 0;
}

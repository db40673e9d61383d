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
#include "vmq-unixctl.h"

#include <inttypes.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "unixctl.h"
#include "util.h"
#include "vmq-engine.h"
#include "vmq-fields.h"
#include "vmq-show.h"
#include "vmq-view.h"

/* Moves that vmq-history shows unless it is told how many. */
#define VMQ_HISTORY_DEFAULT 20

/* Arguments. */

static bool
no_more_arguments(int argc, const char *argv[], int n, struct ds *reply)
{
    if (argc > n) {
        ds_put_format(reply, "\"%s\": unknown argument or datapath",
                      argv[n]);
        return false;
    }
    return true;
}

/* vmq-show. */

static enum vmq_command_result
vmq_command_show(const struct vmq_view *view, bool json,
                 int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    vmq_show(view, json, reply);
    return VMQ_COMMAND_OK;
}

/* vmq-history. */

struct past_move_row {
    struct vmq_past_move past;
    const char *reason, *ret, *outcome;
    const char *overdraft, *preempted, *returned;       /* To be appended. */
    struct vmq_change from_load, to_load;
    uint64_t edge_us, wake_us, plan_us, copy_us, handed_us, polled_us;
};

#define AT(MEMBER) VMQ_AT(struct past_move_row, MEMBER)
#define MORE(MEMBER) VMQ_MORE(struct past_move_row, MEMBER)
static const struct vmq_field past_move_fields[] = {
    { "serial", "move", 5, VMQ_FIELD_UINT, AT(past.serial) },
    { "when_ms", "when (UTC)", -23, VMQ_FIELD_TIME, AT(past.when_ms) },
    { "port", "port", -16, VMQ_FIELD_STRING, AT(past.port) },
    { "queue", "queue", 5, VMQ_FIELD_UINT, AT(past.qid) },
    { "from", "from", 4, VMQ_FIELD_UINT, AT(past.from_core) },
    { "to", "to", 4, VMQ_FIELD_UINT, AT(past.to_core) },
    { "load_bp", "load", 6, VMQ_FIELD_BP, AT(past.load_bp) },
    { NULL, "from load", 12, VMQ_FIELD_CHANGE, AT(from_load) },
    { "from_load_bp", NULL, 0, VMQ_FIELD_BP, AT(past.from_bp) },
    { "from_capacity_bp", NULL, 0, VMQ_FIELD_BP, AT(past.from_capacity_bp) },
    { "from_predicted_bp", NULL, 0, VMQ_FIELD_BP, AT(past.from_after_bp) },
    { NULL, "to load", 12, VMQ_FIELD_CHANGE, AT(to_load) },
    { "to_load_bp", NULL, 0, VMQ_FIELD_BP, AT(past.to_bp) },
    { "to_predicted_bp", NULL, 0, VMQ_FIELD_BP, AT(past.to_after_bp) },
    { "price_mc", "credits", 7, VMQ_FIELD_THOUSANDTHS, AT(past.price_mc),
      MORE(overdraft) },
    { "overdraft", NULL, 0, VMQ_FIELD_BOOL, AT(past.overdraft) },
    { "blackout_ns", "blackout us", 11, VMQ_FIELD_THOUSANDTHS,
      AT(past.result.blackout_ns), MORE(preempted) },
    { "preempted", NULL, 0, VMQ_FIELD_BOOL, AT(past.result.preempted) },
    { "flows_warmed", "warmed", 6, VMQ_FIELD_UINT,
      AT(past.result.flows_warmed) },
    { "flows_fetched", NULL, 0, VMQ_FIELD_UINT,
      AT(past.result.flows_fetched) },
    { "flows_present", NULL, 0, VMQ_FIELD_UINT,
      AT(past.result.flows_present) },
    { "flows_skipped", "skipped", 7, VMQ_FIELD_UINT,
      AT(past.result.flows_skipped) },
    { "copy_ns", "copy us", 7, VMQ_FIELD_THOUSANDS, AT(past.result.copy_ns) },
    { "edge", NULL, 0, VMQ_FIELD_BOOL, AT(past.stages.edge) },
    { "edge_us", NULL, 0, VMQ_FIELD_UINT, AT(edge_us) },
    { "wake_us", NULL, 0, VMQ_FIELD_UINT, AT(wake_us) },
    { "plan_us", NULL, 0, VMQ_FIELD_UINT, AT(plan_us) },
    { "copy_us", NULL, 0, VMQ_FIELD_UINT, AT(copy_us) },
    { "handed_us", NULL, 0, VMQ_FIELD_UINT, AT(handed_us) },
    { "polled_us", NULL, 0, VMQ_FIELD_UINT, AT(polled_us) },
    { "lock_max_ns", "lock us", 7, VMQ_FIELD_THOUSANDS,
      AT(past.result.lock_max_ns) },
    { "lock_unpreempted_ns", NULL, 0, VMQ_FIELD_UINT,
      AT(past.result.lock_unpreempted_ns) },
    { "outcome", "outcome", -8, VMQ_FIELD_STRING, AT(outcome) },
    { "reason", "why", 0, VMQ_FIELD_STRING, AT(reason), MORE(returned) },
    { "return", NULL, 0, VMQ_FIELD_STRING, AT(ret) },
    VMQ_FIELDS_END
};
#undef AT
#undef MORE

static void
put_past_move(const struct vmq_past_move *past, struct vmq_json *json,
              struct ds *reply)
{
    struct past_move_row row = {
        .past = *past,
        .reason = vmq_reason_name(past->reason),
        .ret = vmq_return_name(past->ret),
        .outcome = vmq_outcome_name(past->result.outcome),
        .overdraft = past->overdraft ? "*" : " ",
        .preempted = past->result.preempted ? "*" : " ",
        .returned = "",
        .from_load = { past->from_bp, past->from_after_bp },
        .to_load = { past->to_bp, past->to_after_bp },
        .edge_us = past->stages.edge_ns / 1000,
        .wake_us = past->stages.wake_ns / 1000,
        .plan_us = past->stages.plan_ns / 1000,
        .copy_us = past->result.ahead_ns / 1000,
        .handed_us = past->result.handed_ns / 1000,
        .polled_us = past->result.polled_ns / 1000,
    };
    char returned[32];

    if (past->ret != VMQ_RETURN_NONE) {
        snprintf(returned, sizeof returned, ", return: %s", row.ret);
        row.returned = returned;
    }
    if (json) {
        vmq_json_put_object(json, past_move_fields, &row);
    } else {
        vmq_fields_put_columns(past_move_fields, &row, reply);
    }
}

static enum vmq_command_result
vmq_command_history(struct vmq_engine *engine,
                    struct unixctl_conn *conn OVS_UNUSED, bool json,
                    int argc, const char *argv[], struct ds *reply)
{
    unsigned int n = VMQ_HISTORY_DEFAULT;
    struct vmq_json writer;

    if (argc && !str_to_uint(argv[0], 10, &n)) {
        ds_put_format(reply, "\"%s\": not a number of moves", argv[0]);
        return VMQ_COMMAND_ERROR;
    }
    if (!no_more_arguments(argc, argv, 1, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    n = MIN(n, vmq_history_count(vmq_engine_history(engine)));
    if (!n && !json) {
        ds_put_cstr(reply, "no moves\n");
        return VMQ_COMMAND_OK;
    }

    if (json) {
        vmq_json_init(&writer, reply);
        vmq_json_begin_array(&writer);
    } else {
        vmq_fields_put_heading(past_move_fields, reply);
    }
    /* Oldest first, as in a log. */
    for (; n; n--) {
        put_past_move(vmq_history_get(vmq_engine_history(engine), n - 1),
                      json ? &writer : NULL, reply);
    }
    if (json) {
        vmq_json_end_array(&writer);
        vmq_json_end(&writer);
    }
    return VMQ_COMMAND_OK;
}

/* vmq-explain. */

struct move_row {
    struct vmq_move move;
    const char *port, *reason;
    uint32_t qid, from, to;
};

#define AT(MEMBER) VMQ_AT(struct move_row, MEMBER)
static const struct vmq_field move_fields[] = {
    { "port", "  move port %s", 0, VMQ_FIELD_STRING, AT(port) },
    { "queue", " rx queue %s", 0, VMQ_FIELD_UINT, AT(qid) },
    { "from", " from core %s", 0, VMQ_FIELD_UINT, AT(from) },
    { "to", " to core %s: ", 0, VMQ_FIELD_UINT, AT(to) },
    { "reason", "%s, ", 0, VMQ_FIELD_STRING, AT(reason) },
    { "gain_bp", "takes %s off, ", 0, VMQ_FIELD_BP, AT(move.gain_bp) },
    { "price_mc", "price %s credits", 0, VMQ_FIELD_THOUSANDTHS,
      AT(move.price_mc) },
    { "overdraft", " (overdraft)", 0, VMQ_FIELD_BOOL, AT(move.overdraft) },
    VMQ_FIELDS_END
};
#undef AT

static struct move_row
move_row(const struct vmq_view *view, uint32_t i)
{
    const struct vmq_snapshot *snapshot = &view->snapshot;
    const struct vmq_move *move = &view->plan.moves[i];
    const struct vmq_rxq *rxq = &snapshot->rxqs[move->rxq];

    return (struct move_row) {
        .move = *move,
        .port = snapshot->ports[rxq->port].name,
        .reason = vmq_reason_name(move->reason),
        .qid = rxq->qid,
        .from = snapshot->pmds[move->from].core_id,
        .to = snapshot->pmds[move->to].core_id,
    };
}

/* The best move of a PMD that was considered and not made. */
struct considered_row {
    const char *port;
    uint32_t qid;
    bool has_to;
    uint32_t to;
};

#define AT(MEMBER) VMQ_AT(struct considered_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct considered_row, MEMBER)
static const struct vmq_field considered_fields[] = {
    { "port", "; considered port %s", 0, VMQ_FIELD_STRING, AT(port) },
    { "queue", " rx queue %s", 0, VMQ_FIELD_UINT, AT(qid) },
    { "to", " to core %s", 0, VMQ_FIELD_UINT, AT(to), IF(has_to) },
    VMQ_FIELDS_END
};
#undef AT
#undef IF

struct judgement_row {
    struct vmq_judgement judgement;
    const char *verdict, *text;
    uint32_t core;
    const struct considered_row *considered;    /* Null if none. */
};

#define AT(MEMBER) VMQ_AT(struct judgement_row, MEMBER)
static const struct vmq_field judgement_fields[] = {
    { "core", "  core %s: ", 0, VMQ_FIELD_UINT, AT(core) },
    { "load_bp", "load %s, ", 0, VMQ_FIELD_BP, AT(judgement.load_bp) },
    { "slow_bp", "slow %s, ", 0, VMQ_FIELD_BP, AT(judgement.slow_bp) },
    { "capacity_bp", "capacity %s, ", 0, VMQ_FIELD_BP,
      AT(judgement.capacity_bp) },
    { "predicted_bp", "predicted %s: ", 0, VMQ_FIELD_BP,
      AT(judgement.predicted_bp) },
    { "verdict", "%s ", 0, VMQ_FIELD_STRING, AT(verdict) },
    { "text", "(%s)", 0, VMQ_FIELD_STRING, AT(text) },
    { "considered", "%s", 0, VMQ_FIELD_OBJECT, AT(considered),
      .object = considered_fields },
    VMQ_FIELDS_END
};
#undef AT

/* '*considered' is what the row may point to. */
static struct judgement_row
judgement_row(const struct vmq_view *view, uint32_t i,
              struct considered_row *considered)
{
    const struct vmq_snapshot *snapshot = &view->snapshot;
    const struct vmq_judgement *judgement = &view->plan.pmds[i];
    struct judgement_row row = {
        .judgement = *judgement,
        .verdict = vmq_verdict_name(judgement->verdict),
        .text = vmq_verdict_text(judgement->verdict),
        .core = snapshot->pmds[i].core_id,
    };

    if (judgement->rxq != VMQ_NONE) {
        const struct vmq_rxq *rxq = &snapshot->rxqs[judgement->rxq];

        *considered = (struct considered_row) {
            .port = snapshot->ports[rxq->port].name,
            .qid = rxq->qid,
            .has_to = judgement->to != VMQ_NONE,
            .to = (judgement->to != VMQ_NONE
                   ? snapshot->pmds[judgement->to].core_id : VMQ_NONE),
        };
        row.considered = considered;
    }
    return row;
}

struct explain_row {
    const struct vmq_view *view;
    const char *dp_name, *verdict, *text;
    uint64_t generation;
    bool paused;
};

static void
put_json_moves(struct vmq_json *json, const void *view_)
{
    const struct vmq_view *view = view_;

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < view->plan.n_moves; i++) {
        struct move_row move = move_row(view, i);

        vmq_json_put_object(json, move_fields, &move);
    }
    vmq_json_end_array(json);
}

static void
put_json_judgements(struct vmq_json *json, const void *view_)
{
    const struct vmq_view *view = view_;

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < view->plan.n_pmds; i++) {
        struct considered_row considered;
        struct judgement_row pmd = judgement_row(view, i, &considered);

        vmq_json_put_object(json, judgement_fields, &pmd);
    }
    vmq_json_end_array(json);
}

#define AT(MEMBER) VMQ_AT(struct explain_row, MEMBER)
static const struct vmq_field explain_fields[] = {
    { "datapath", "%s: ", 0, VMQ_FIELD_STRING, AT(dp_name) },
    { "verdict", "%s ", 0, VMQ_FIELD_STRING, AT(verdict) },
    { "text", "(%s)", 0, VMQ_FIELD_STRING, AT(text) },
    { "paused", ", paused: will not be done", 0, VMQ_FIELD_BOOL, AT(paused) },
    { "generation", NULL, 0, VMQ_FIELD_UINT, AT(generation) },
    { "moves", NULL, 0, VMQ_FIELD_CALL, AT(view), .call = put_json_moves },
    { "pmds", NULL, 0, VMQ_FIELD_CALL, AT(view), .call = put_json_judgements },
    VMQ_FIELDS_END
};
#undef AT

static void
put_line(const struct vmq_field fields[], const void *row, struct ds *reply)
{
    vmq_fields_put_sentence(fields, row, reply);
    ds_put_char(reply, '\n');
}

static void
explain(const struct vmq_view *view, bool json, struct ds *reply)
{
    char *why = vmq_plan_why(&view->plan, &view->snapshot, 0);
    struct explain_row row = {
        .view = view,
        .dp_name = view->dp_name,
        .verdict = vmq_verdict_name(view->plan.verdict),
        .text = why,
        .generation = view->plan.generation,
        .paused = view->paused,
    };

    if (json) {
        struct vmq_json writer;

        vmq_json_init(&writer, reply);
        vmq_json_put_object(&writer, explain_fields, &row);
        vmq_json_end(&writer);
        free(why);
        return;
    }

    put_line(explain_fields, &row, reply);
    free(why);
    for (uint32_t i = 0; i < view->plan.n_moves; i++) {
        struct move_row move = move_row(view, i);

        put_line(move_fields, &move, reply);
    }
    for (uint32_t i = 0; i < view->plan.n_pmds; i++) {
        struct considered_row considered;
        struct judgement_row pmd = judgement_row(view, i, &considered);

        put_line(judgement_fields, &pmd, reply);
    }
}

static enum vmq_command_result
vmq_command_explain(const struct vmq_view *view, bool json,
                    int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    if (!view->measured) {
        ds_put_format(reply, "dynamic VMQ is %s on %s",
                      view->on ? "on but has not measured anything yet"
                      : "off", view->dp_name);
        return VMQ_COMMAND_ERROR;
    }
    explain(view, json, reply);
    return VMQ_COMMAND_OK;
}

/* vmq-move. */

/* Who waits for a move. */
struct vmq_moving {
    struct unixctl_conn *conn;
    size_t n_requests;
};

static void
vmq_moved(void *moving_, size_t n_moved, const char *error)
{
    struct vmq_moving *moving = moving_;

    if (error) {
        unixctl_command_reply_error(moving->conn, error);
    } else {
        struct ds reply = DS_EMPTY_INITIALIZER;

        ds_put_format(&reply, "%"PRIuSIZE" of %"PRIuSIZE" queues moved%s\n",
                      n_moved, moving->n_requests,
                      n_moved < moving->n_requests ? ", the others are there"
                                                   : "");
        unixctl_command_reply(moving->conn, ds_cstr(&reply));
        ds_destroy(&reply);
    }
    free(moving);
}

static enum vmq_command_result
vmq_command_move(struct vmq_engine *engine, struct unixctl_conn *conn,
                 bool json OVS_UNUSED, int argc, const char *argv[],
                 struct ds *reply)
{
    if (!argc || argc % 3) {
        ds_put_cstr(reply, "needs PORT QID CORE, once for each queue");
        return VMQ_COMMAND_ERROR;
    }

    size_t n = argc / 3;
    struct vmq_request *requests = xmalloc(n * sizeof *requests);
    struct vmq_moving *moving = xmalloc(sizeof *moving);
    char *error = NULL;

    *moving = (struct vmq_moving) { .conn = conn, .n_requests = n };

    for (size_t i = 0; i < n && !error; i++) {
        struct vmq_request *request = &requests[i];
        unsigned int qid, core_id;

        if (!str_to_uint(argv[3 * i + 1], 10, &qid)) {
            error = xasprintf("\"%s\": not a queue number",
                              argv[3 * i + 1]);
        } else if (!str_to_uint(argv[3 * i + 2], 10, &core_id)) {
            error = xasprintf("\"%s\": not a core number", argv[3 * i + 2]);
        } else {
            *request = (struct vmq_request) {
                .port = argv[3 * i], .qid = qid, .core_id = core_id,
            };
        }
    }
    if (!error) {
        error = vmq_engine_move(engine, requests, n, vmq_moved, moving);
    }
    free(requests);

    if (error) {
        ds_put_cstr(reply, error);
        free(error);
        free(moving);
        return VMQ_COMMAND_ERROR;
    }
    return VMQ_COMMAND_LATER;
}

/* vmq-pause, vmq-resume. */

static enum vmq_command_result
vmq_command_pause(struct vmq_engine *engine,
                  struct unixctl_conn *conn OVS_UNUSED, bool json OVS_UNUSED,
                  int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    vmq_engine_set_paused(engine, true);
    return VMQ_COMMAND_OK;
}

static enum vmq_command_result
vmq_command_resume(struct vmq_engine *engine,
                   struct unixctl_conn *conn OVS_UNUSED, bool json OVS_UNUSED,
                   int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    vmq_engine_set_paused(engine, false);
    return VMQ_COMMAND_OK;
}

const struct vmq_command vmq_commands[] = {
    { "dpif-netdev/vmq-show", "[--json] [dp]", 0, 2, true,
      .show = vmq_command_show },
    { "dpif-netdev/vmq-history", "[--json] [N] [dp]", 0, 3, true,
      .run = vmq_command_history },
    { "dpif-netdev/vmq-explain", "[--json] [dp]", 0, 2, true,
      .show = vmq_command_explain },
    { "dpif-netdev/vmq-move", "PORT QID CORE [PORT QID CORE]... [dp]",
      3, INT_MAX, false, .run = vmq_command_move },
    { "dpif-netdev/vmq-pause", "[dp]", 0, 1, false,
      .run = vmq_command_pause },
    { "dpif-netdev/vmq-resume", "[dp]", 0, 1, false,
      .run = vmq_command_resume },
};
const int vmq_n_commands = ARRAY_SIZE(vmq_commands);

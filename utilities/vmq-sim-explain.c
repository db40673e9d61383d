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
#include "vmq-sim-explain.h"

#include <inttypes.h>
#include <jansson.h>

#include "vmq-credit.h"
#include "vmq-plan.h"
#include "vmq-snapshot-check.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"

/* More than any ledger has, and less than what a shift minds. */
#define MAX_DOUBLINGS 16

static uint32_t
bp_to_percent(uint32_t bp)
{
    return (bp + 50) / 100;
}

/* A switch, as its vmq-show tells. */
struct shown {
    const char *dp_name;
    bool paused;
    struct vmq_config config;
    struct vmq_snapshot snapshot;
    struct vmq_ledger *ledger;
};

/* The first member that is missing or of the wrong type.  All that follow are
 * 0 then. */
struct reader {
    char *error;
};

static json_t *
get(struct reader *r, const json_t *object, const char *name, json_type type)
{
    json_t *value = json_object_get(object, name);

    if (value && type == JSON_TRUE && json_is_boolean(value)) {
        return value;
    } else if (!value || json_typeof(value) != type) {
        if (!r->error) {
            r->error = vmq_xasprintf("member \"%s\" is missing, or not what "
                                     "dpif-netdev/vmq-show --json prints",
                                     name);
        }
        return NULL;
    }
    return value;
}

static int64_t
get_in_range(struct reader *r, const json_t *object, const char *name,
             int64_t min, int64_t max)
{
    int64_t value = json_integer_value(get(r, object, name, JSON_INTEGER));

    if (value >= min && value <= max) {
        return value;
    }
    if (!r->error) {
        r->error = vmq_xasprintf("member \"%s\" is %"PRId64", which is not "
                                 "from %"PRId64" to %"PRId64, name, value, min,
                                 max);
    }
    return 0;
}

/* A time or a counter. */
static uint64_t
get_int(struct reader *r, const json_t *object, const char *name)
{
    return get_in_range(r, object, name, 0, INT64_MAX);
}

/* The number of something. */
static uint32_t
get_id(struct reader *r, const json_t *object, const char *name)
{
    return get_in_range(r, object, name, 0, VMQ_NONE - 1);
}

/* Negative is unknown. */
static int32_t
get_numa(struct reader *r, const json_t *object)
{
    return get_in_range(r, object, "numa", INT32_MIN, INT32_MAX);
}

/* A share in basis points; null, "not measured", is 0. */
static uint32_t
get_known_bp(struct reader *r, const json_t *object, const char *name)
{
    return (json_is_null(json_object_get(object, name))
            ? 0 : get_in_range(r, object, name, 0, UINT32_MAX));
}

static bool
get_bool(struct reader *r, const json_t *object, const char *name)
{
    return json_is_true(get(r, object, name, JSON_TRUE));
}

static const char *
get_string(struct reader *r, const json_t *object, const char *name)
{
    const char *s = json_string_value(get(r, object, name, JSON_STRING));

    return s ? s : "";
}

/* The number that makes share_bp() of 'total' come to 'bp' again. */
static uint64_t
unshare(uint64_t bp, uint64_t total)
{
    uint64_t n = vmq_mul_div(bp, total, VMQ_BP);

    return n + (vmq_mul_div(n, VMQ_BP, total) < bp);
}

static void
read_pmd(struct reader *r, const json_t *json, struct vmq_snapshot *s)
{
    uint32_t i = vmq_snapshot_add_pmd(s, get_id(r, json, "core"),
                                      get_numa(r, json));
    struct vmq_pmd *pmd = &s->pmds[i];

    pmd->sibling_group = get_in_range(r, json, "sibling_group", 0, UINT32_MAX);
    pmd->isolated = get_bool(r, json, "isolated");
    pmd->parked = get_bool(r, json, "parked");
    pmd->settling = get_bool(r, json, "settling");
    pmd->evacuating = get_bool(r, json, "evacuating");
    pmd->stolen_cycles = unshare(get_known_bp(r, json, "stolen_bp"),
                                 s->window_cycles);
    pmd->idle_cycles = unshare(get_known_bp(r, json, "idle_bp"),
                               s->window_cycles);

    /* Busy is not shown; it is not needed either, but what was stolen must
     * have been charged. */
    pmd->busy_cycles = pmd->stolen_cycles;
}

static uint32_t
find_port(const struct vmq_snapshot *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_ports; i++) {
        if (!strcmp(s->ports[i].name, name)) {
            return i;
        }
    }
    return VMQ_NONE;
}

static uint32_t
find_core(struct reader *r, const struct vmq_snapshot *s, const json_t *json,
          const char *name)
{
    uint32_t core = get_id(r, json, name);

    for (uint32_t i = 0; i < s->n_pmds; i++) {
        if (s->pmds[i].core_id == core) {
            return i;
        }
    }
    if (!r->error) {
        r->error = vmq_xasprintf("there is no PMD on core %"PRIu32, core);
    }
    return VMQ_NONE;
}

static enum vmq_mobility
read_mobility(struct reader *r, const json_t *json)
{
    const char *name = get_string(r, json, "status");
    enum vmq_mobility m;

    for (m = VMQ_DYNAMIC; m < VMQ_UNSUPPORTED; m++) {
        if (!strcmp(vmq_mobility_to_string(m), name)) {
            break;
        }
    }
    return m;
}

static void
read_window(struct reader *r, const json_t *json, struct vmq_rxq *rxq)
{
    const json_t *window = json_object_get(json, "window");
    const json_t *history = get(r, json, "history_bp", JSON_ARRAY);

    if (!json_is_null(window)) {
        rxq->cycles = get_int(r, window, "busy_cycles");
        rxq->packets = get_int(r, window, "packets");
        rxq->polls = get_int(r, window, "polls");
        rxq->full_batches = get_int(r, window, "full_batches");
    }
    rxq->backlog = get_bool(r, json, "backlog");
    if (json_object_get(json, "tunnel_flows")) {
        rxq->tunnel_flows = get_in_range(r, json, "tunnel_flows", 0,
                                         UINT32_MAX);
    }
    if (json_object_get(json, "reserve_bp")) {
        rxq->reserve_bp = get_in_range(r, json, "reserve_bp", 0, VMQ_BP);
    }
    for (size_t k = 0; (k < json_array_size(history)
                        && k < VMQ_HISTORY_SLOTS); k++) {
        const json_t *element = json_array_get(history, k);
        int64_t bp = json_integer_value(element);

        if ((!json_is_integer(element) || bp < 0) && !r->error) {
            r->error = vmq_xstrdup("member \"history_bp\" has an element "
                                   "that is no share in basis points");
        }
        rxq->history_bp[rxq->n_history++] = bp < UINT16_MAX ? bp : UINT16_MAX;
    }
}

static void
read_rxq(struct reader *r, const json_t *json, struct vmq_snapshot *s)
{
    uint32_t port = find_port(s, get_string(r, json, "port"));
    uint32_t pmd = VMQ_NONE, i;

    if (port == VMQ_NONE) {
        if (!r->error) {
            r->error = vmq_xasprintf("there is no port %.80s",
                                     get_string(r, json, "port"));
        }
        return;
    }
    if (!json_is_null(json_object_get(json, "core"))) {
        pmd = find_core(r, s, json, "core");
    }
    i = vmq_snapshot_add_rxq(s, port, get_id(r, json, "queue"), pmd,
                             get_numa(r, json));
    s->rxqs[i].mobility = read_mobility(r, json);
    s->rxqs[i].n_moves = get_in_range(r, json, "moves", 0, UINT32_MAX);
    read_window(r, json, &s->rxqs[i]);
}

/* To be called when the snapshot is in order. */
static void
read_account(struct reader *r, const json_t *json, struct shown *shown)
{
    const json_t *last = json_object_get(json, "last_move");
    uint32_t i = vmq_snapshot_find_rxq(&shown->snapshot,
                                       get_string(r, json, "port"),
                                       get_id(r, json, "queue"));

    if (i != VMQ_NONE && json_is_object(last)) {
        struct vmq_account account = {
            .moved_ms = get_int(r, last, "moved_ms"),
            .left_core = get_in_range(r, last, "from", 0, UINT32_MAX),
            .rested = json_is_true(json_object_get(last, "rested")),
            .balance_mc = get_in_range(r, last, "balance_mc", INT32_MIN,
                                       INT32_MAX),
            .doublings = get_in_range(r, last, "doublings", 0,
                                      MAX_DOUBLINGS),
        };

        vmq_ledger_put(shown->ledger, &shown->snapshot, i, &account);
    }
}

static void
read_settings(struct reader *r, const json_t *settings,
              struct vmq_config *config)
{
    vmq_config_init(config);
    for (size_t i = 0; i < vmq_n_settings && !r->error; i++) {
        const struct vmq_setting *setting = &vmq_settings[i];
        const json_t *json = get(r, settings, setting->key, JSON_OBJECT);
        const json_t *value = json_object_get(json, "value");
        char *text = (json_is_boolean(value)
                      ? vmq_xstrdup(json_is_true(value) ? "true" : "false")
                      : vmq_xasprintf("%"JSON_INTEGER_FORMAT,
                                      json_integer_value(value)));

        if (!r->error) {
            r->error = vmq_config_set(config, setting, text);
        }
        free(text);
    }
}

static void
read_shown(struct reader *r, const json_t *json, struct shown *shown)
{
    struct vmq_snapshot *s = &shown->snapshot;
    json_t *array, *element;
    size_t i;

    shown->dp_name = get_string(r, json, "datapath");
    shown->paused = get_bool(r, json, "paused");
    read_settings(r, get(r, json, "settings", JSON_OBJECT), &shown->config);
    s->generation = get_int(r, json, "generation");
    s->now_ms = get_int(r, json, "now_ms");
    if (!r->error && json_is_null(json_object_get(json, "window_ms"))) {
        r->error = vmq_xstrdup("dynamic VMQ was off, or had not measured "
                               "anything yet");
    }
    s->window_ms = get_in_range(r, json, "window_ms", 0, UINT32_MAX);
    s->window_cycles = get_int(r, json, "window_cycles");

    array = get(r, json, "pmds", JSON_ARRAY);
    json_array_foreach(array, i, element) {
        read_pmd(r, element, s);
    }
    array = get(r, json, "ports", JSON_ARRAY);
    json_array_foreach(array, i, element) {
        vmq_snapshot_add_port(s, get_string(r, element, "name"),
                              get_id(r, element, "port_no"));
    }
    array = get(r, json, "rxqs", JSON_ARRAY);
    json_array_foreach(array, i, element) {
        read_rxq(r, element, s);
    }
    array = get(r, json, "flows", JSON_ARRAY);
    json_array_foreach(array, i, element) {
        uint32_t port = find_port(s, get_string(r, element, "port"));
        uint32_t pmd = find_core(r, s, element, "core");

        if (port != VMQ_NONE && pmd != VMQ_NONE) {
            vmq_snapshot_add_port_pmd(s, port, pmd,
                                      get_in_range(r, element, "flows", 0,
                                                   UINT32_MAX));
        }
    }
    if (r->error) {
        return;
    }

    vmq_snapshot_sort(s);
    if (!vmq_snapshot_valid(s, true, &r->error)) {
        return;
    }
    array = get(r, json, "rxqs", JSON_ARRAY);
    json_array_foreach(array, i, element) {
        read_account(r, element, shown);
    }
}

/* Output. */

static const char *
port_name(const struct vmq_snapshot *s, uint32_t rxq)
{
    return s->ports[s->rxqs[rxq].port].name;
}

static json_t *
move_to_json(const struct vmq_snapshot *s, const struct vmq_move *m)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:b}",
                     "port", port_name(s, m->rxq),
                     "queue", (json_int_t) s->rxqs[m->rxq].qid,
                     "from", (json_int_t) s->pmds[m->from].core_id,
                     "to", (json_int_t) s->pmds[m->to].core_id,
                     "reason", vmq_reason_name(m->reason),
                     "gain_bp", (json_int_t) m->gain_bp,
                     "price_mc", (json_int_t) m->price_mc,
                     "overdraft", m->overdraft);
}

static json_t *
pmd_to_json(const struct vmq_snapshot *s, const struct vmq_judgement *j,
            uint32_t pmd)
{
    json_t *considered = json_null();

    if (j->rxq != VMQ_NONE) {
        considered = json_pack("{s:s, s:I, s:o}",
                               "port", port_name(s, j->rxq),
                               "queue", (json_int_t) s->rxqs[j->rxq].qid,
                               "to", (j->to != VMQ_NONE
                                      ? json_integer(s->pmds[j->to].core_id)
                                      : json_null()));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:o}",
                     "core", (json_int_t) s->pmds[pmd].core_id,
                     "load_bp", (json_int_t) j->load_bp,
                     "slow_bp", (json_int_t) j->slow_bp,
                     "capacity_bp", (json_int_t) j->capacity_bp,
                     "predicted_bp", (json_int_t) j->predicted_bp,
                     "verdict", vmq_verdict_name(j->verdict),
                     "text", vmq_verdict_text(j->verdict),
                     "considered", considered);
}

static void
print_json(const struct shown *shown, const struct vmq_plan *plan,
           FILE *file)
{
    const struct vmq_snapshot *s = &shown->snapshot;
    char *why = vmq_plan_why(plan, s, 0);
    json_t *moves = json_array();
    json_t *pmds = json_array();
    json_t *json;

    for (uint32_t i = 0; i < plan->n_moves; i++) {
        json_array_append_new(moves, move_to_json(s, &plan->moves[i]));
    }
    for (uint32_t i = 0; i < plan->n_pmds; i++) {
        json_array_append_new(pmds, pmd_to_json(s, &plan->pmds[i], i));
    }
    json = json_pack("{s:s, s:I, s:b, s:s, s:s, s:o, s:o}",
                     "datapath", shown->dp_name,
                     "generation", (json_int_t) plan->generation,
                     "paused", shown->paused,
                     "verdict", vmq_verdict_name(plan->verdict),
                     "text", why, "moves", moves, "pmds", pmds);
    free(why);
    json_dumpf(json, file, JSON_INDENT(2) | JSON_SORT_KEYS);
    fputc('\n', file);
    json_decref(json);
}

static void
print_text(const struct shown *shown, const struct vmq_plan *plan,
           FILE *file)
{
    const struct vmq_snapshot *s = &shown->snapshot;
    char *why = vmq_plan_why(plan, s, 0);

    fprintf(file, "%s: %s (%s)%s\n", shown->dp_name,
            vmq_verdict_name(plan->verdict), why,
            shown->paused ? ", paused: will not be done" : "");
    free(why);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        const struct vmq_move *m = &plan->moves[i];

        fprintf(file, "  move port %s rx queue %"PRIu32" from core %"PRIu32
                " to core %"PRIu32": %s, takes %"PRIu32" %% off, price %.1f "
                "credits%s\n", port_name(s, m->rxq), s->rxqs[m->rxq].qid,
                s->pmds[m->from].core_id, s->pmds[m->to].core_id,
                vmq_reason_name(m->reason), bp_to_percent(m->gain_bp),
                m->price_mc / (double) VMQ_CREDIT,
                m->overdraft ? " (overdraft)" : "");
    }
    for (uint32_t i = 0; i < plan->n_pmds; i++) {
        const struct vmq_judgement *j = &plan->pmds[i];

        fprintf(file, "  core %"PRIu32": load %"PRIu32" %%, slow %"PRIu32
                " %%, capacity %"PRIu32" %%, predicted %"PRIu32" %%: %s (%s)",
                s->pmds[i].core_id, bp_to_percent(j->load_bp),
                bp_to_percent(j->slow_bp), bp_to_percent(j->capacity_bp),
                bp_to_percent(j->predicted_bp),
                vmq_verdict_name(j->verdict), vmq_verdict_text(j->verdict));
        if (j->rxq != VMQ_NONE) {
            fprintf(file, "; considered port %s rx queue %"PRIu32,
                    port_name(s, j->rxq), s->rxqs[j->rxq].qid);
        }
        if (j->rxq != VMQ_NONE && j->to != VMQ_NONE) {
            fprintf(file, " to core %"PRIu32, s->pmds[j->to].core_id);
        }
        fputc('\n', file);
    }
}

char *
sim_explain(const char *file_name, const struct sim_override *overrides,
            size_t n_overrides, bool json, FILE *file)
{
    struct shown shown = { .paused = false };
    struct reader r = { .error = NULL };
    struct vmq_plan plan;
    json_error_t error;
    json_t *root;

    root = (!strcmp(file_name, "-") ? json_loadf(stdin, 0, &error)
            : json_load_file(file_name, 0, &error));
    if (!root) {
        return vmq_xasprintf("%s:%d: %s", file_name,
                             error.line > 0 ? error.line : 1,
                             vmq_make_printable(error.text));
    }

    vmq_snapshot_init(&shown.snapshot);
    vmq_plan_init(&plan);
    shown.ledger = vmq_ledger_create();
    read_shown(&r, root, &shown);
    for (size_t i = 0; i < n_overrides && !r.error; i++) {
        r.error = vmq_config_set(&shown.config, overrides[i].setting,
                                 overrides[i].value);
    }
    if (!r.error) {
        vmq_plan_compute(&shown.snapshot, &shown.config, shown.ledger, &plan);
        if (json) {
            print_json(&shown, &plan, file);
        } else {
            print_text(&shown, &plan, file);
        }
    } else {
        char *longer = vmq_xasprintf("%s: %s", file_name,
                                     vmq_make_printable(r.error));

        free(r.error);
        r.error = longer;
    }
    vmq_plan_destroy(&plan);
    vmq_ledger_destroy(shown.ledger);
    vmq_snapshot_destroy(&shown.snapshot);
    json_decref(root);
    return r.error;
}

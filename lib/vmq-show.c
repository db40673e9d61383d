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
#include "vmq-show.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"
#include "vmq-fields.h"
#include "vmq-hist.h"
#include "vmq-show-loads.h"
#include "vmq-view.h"

/* Settings. */

struct setting_row {
    const char *key, *unit, *error;
    char *text;                 /* The value as people write it. */
    bool is_bool, is_uint;
    bool on, default_on;        /* One or the other. */
    uint32_t value, default_value;
    bool has_effective;         /* It may be less than is set... */
    bool differs;               /* ...and is. */
    uint32_t effective;
};

#define AT(MEMBER) VMQ_AT(struct setting_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct setting_row, MEMBER), .omit = true
static const struct vmq_field setting_fields[] = {
    { NULL, "  %s", -27, VMQ_FIELD_STRING, AT(key) },
    { NULL, " %s", 0, VMQ_FIELD_STRING, AT(text) },
    { "value", NULL, 0, VMQ_FIELD_BOOL, AT(on), IF(is_bool) },
    { "value", NULL, 0, VMQ_FIELD_UINT, AT(value), IF(is_uint) },
    { "default", NULL, 0, VMQ_FIELD_BOOL, AT(default_on), IF(is_bool) },
    { "default", NULL, 0, VMQ_FIELD_UINT, AT(default_value), IF(is_uint) },
    { "unit", NULL, 0, VMQ_FIELD_STRING, AT(unit), IF(is_uint) },
    { "effective", NULL, 0, VMQ_FIELD_UINT, AT(effective), IF(has_effective) },
    { NULL, " (effective: %s %)", 0, VMQ_FIELD_UINT, AT(effective),
      IF(differs) },
    { "error", " (error: %s)", 0, VMQ_FIELD_STRING, AT(error) },
    VMQ_FIELDS_END
};
#undef AT
#undef IF

static struct setting_row
setting_row(const struct vmq_view *view, size_t i)
{
    const struct vmq_setting *setting = &vmq_settings[i];
    uint32_t value = vmq_config_get(&view->config, setting);
    struct setting_row row = {
        .key = setting->key,
        .unit = setting->unit,
        .error = view->setting_errors[i],
        .text = vmq_config_format(&view->config, setting),
        .is_bool = setting->type == VMQ_SETTING_BOOL,
        .is_uint = setting->type != VMQ_SETTING_BOOL,
        .on = value != 0,
        .default_on = setting->def != 0,
        .value = value,
        .default_value = setting->def,
        .has_effective = !strcmp(setting->key, "pmd-vmq-pack-target"),
        .effective = vmq_config_pack_target_bp(&view->config) / 100,
    };

    row.differs = row.has_effective && row.effective != value;
    return row;
}

/* All of them, and a table of which each is a member. */
struct settings {
    struct setting_row *rows;
    const struct setting_row **members;
    struct vmq_field *fields;
};

static void
settings_init(struct settings *settings, const struct vmq_view *view)
{
    size_t n = vmq_n_settings;

    settings->rows = xcalloc(n, sizeof *settings->rows);
    settings->members = xcalloc(n, sizeof *settings->members);
    settings->fields = xcalloc(n + 1, sizeof *settings->fields);
    for (size_t i = 0; i < n; i++) {
        settings->rows[i] = setting_row(view, i);
        settings->members[i] = &settings->rows[i];
        settings->fields[i] = (struct vmq_field) {
            .member = vmq_settings[i].key,
            .type = VMQ_FIELD_OBJECT,
            .offset = i * sizeof *settings->members,
            .size = sizeof *settings->members,
            .object = setting_fields,
        };
    }
}

static void
settings_destroy(struct settings *settings)
{
    for (size_t i = 0; i < vmq_n_settings; i++) {
        free(settings->rows[i].text);
    }
    free(settings->rows);
    free(settings->members);
    free(settings->fields);
}

static void
settings_put(const struct settings *settings, struct ds *reply)
{
    ds_put_cstr(reply, "\nsettings:\n");
    for (size_t i = 0; i < vmq_n_settings; i++) {
        vmq_fields_put_sentence(setting_fields, &settings->rows[i], reply);
        ds_put_char(reply, '\n');
    }
}

static void
settings_json(struct vmq_json *json, const void *settings_)
{
    const struct settings *settings = settings_;

    vmq_json_put_object(json, settings->fields, settings->members);
}

/* Totals. */

#define AT(MEMBER) VMQ_AT(struct vmq_totals, MEMBER)
#define FIELD(VALUE, COUNTER, NAME, TEXT) \
    { NAME, NULL, 0, VMQ_FIELD_UINT, AT(n_verdicts[VMQ_VERDICT_##VALUE]) },
static const struct vmq_field verdict_fields[] = {
    VMQ_VERDICTS(FIELD, FIELD)
    VMQ_FIELDS_END
};
#undef FIELD

#define FIELD(VALUE, COUNTER, NAME) \
    { NAME, " %s " NAME ",", 0, VMQ_FIELD_UINT, \
      AT(n_outcomes[VMQ_OUTCOME_##VALUE]) },
static const struct vmq_field outcome_fields[] = {
    VMQ_OUTCOMES(FIELD)
    VMQ_FIELDS_END
};
#undef FIELD
#undef AT

struct blackout_row {
    const char *which;
    uint64_t n, p50_ns, p99_ns, max_ns;
};

#define AT(MEMBER) VMQ_AT(struct blackout_row, MEMBER)
static const struct vmq_field blackout_fields[] = {
    { NULL, "  blackout%s:", 0, VMQ_FIELD_STRING, AT(which) },
    { "p50_ns", " %s us in 50 %,", 0, VMQ_FIELD_THOUSANDTHS, AT(p50_ns) },
    { "p99_ns", " %s us in 99 %", 0, VMQ_FIELD_THOUSANDTHS, AT(p99_ns) },
    { "count", " of %s moves,", 0, VMQ_FIELD_UINT, AT(n) },
    { "max_ns", " %s us at most\n", 0, VMQ_FIELD_THOUSANDTHS, AT(max_ns) },
    VMQ_FIELDS_END
};
#undef AT

static struct blackout_row
blackout_row(const struct vmq_hist *hist, const char *which)
{
    return (struct blackout_row) {
        .which = which,
        .n = hist->n,
        .p50_ns = vmq_hist_percentile(hist, 50),
        .p99_ns = vmq_hist_percentile(hist, 99),
        .max_ns = hist->max,
    };
}

struct blackouts_row {
    const struct blackout_row *calm, *preempted;
};

#define AT(MEMBER) VMQ_AT(struct blackouts_row, MEMBER)
static const struct vmq_field blackouts_fields[] = {
    { "calm", NULL, 0, VMQ_FIELD_OBJECT, AT(calm), .object = blackout_fields },
    { "preempted", NULL, 0, VMQ_FIELD_OBJECT, AT(preempted),
      .object = blackout_fields },
    VMQ_FIELDS_END
};
#undef AT

struct totals_row {
    const struct vmq_totals *totals;
    uint64_t n_ticks, n_late, n_stale;
    uint64_t tick_us_total, tick_us_p50, tick_us_p99, tick_us_max;
    uint64_t tick_us_mean;
    uint64_t n_forced_returns, n_pingpongs, flows_warmed, flows_skipped;
    uint64_t n_edges, n_edges_futile, n_edges_deferred, n_edges_preempted;
    uint64_t n_waits, wait_us_max;
    uint32_t under_way;
    bool moving;                /* Some are under way. */
    const struct blackouts_row *blackout;
};

#define AT(MEMBER) VMQ_AT(struct totals_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct totals_row, MEMBER)
static const struct vmq_field totals_fields[] = {
    { "ticks", "  ticks: %s,", 0, VMQ_FIELD_UINT, AT(n_ticks) },
    { "late", " %s late,", 0, VMQ_FIELD_UINT, AT(n_late) },
    { "dropped", " %s dropped,", 0, VMQ_FIELD_UINT, AT(n_stale) },
    { "tick_us_total", NULL, 0, VMQ_FIELD_UINT, AT(tick_us_total) },
    { "tick_us_p50", NULL, 0, VMQ_FIELD_UINT, AT(tick_us_p50) },
    { "tick_us_p99", NULL, 0, VMQ_FIELD_UINT, AT(tick_us_p99) },
    { NULL, " %s us on average,", 0, VMQ_FIELD_UINT, AT(tick_us_mean) },
    { "tick_us_max", " %s us at most\n", 0, VMQ_FIELD_UINT, AT(tick_us_max) },
    { "verdicts", NULL, 0, VMQ_FIELD_OBJECT, AT(totals),
      .object = verdict_fields },
    { "outcomes", "  moves:%s", 0, VMQ_FIELD_OBJECT, AT(totals),
      .object = outcome_fields },
    { "forced_returns", " %s forced returns,", 0, VMQ_FIELD_UINT,
      AT(n_forced_returns) },
    { "pingpongs", " %s ping-pongs", 0, VMQ_FIELD_UINT, AT(n_pingpongs) },
    { "under_way", NULL, 0, VMQ_FIELD_UINT, AT(under_way) },
    { NULL, ", %s under way", 0, VMQ_FIELD_UINT, AT(under_way), IF(moving) },
    { "flows_warmed", NULL, 0, VMQ_FIELD_UINT, AT(flows_warmed) },
    { "flows_skipped", NULL, 0, VMQ_FIELD_UINT, AT(flows_skipped) },
    { "edges", NULL, 0, VMQ_FIELD_UINT, AT(n_edges) },
    { "edges_futile", NULL, 0, VMQ_FIELD_UINT, AT(n_edges_futile) },
    { "edges_deferred", NULL, 0, VMQ_FIELD_UINT, AT(n_edges_deferred) },
    { "edges_preempted", NULL, 0, VMQ_FIELD_UINT, AT(n_edges_preempted) },
    { "waits", NULL, 0, VMQ_FIELD_UINT, AT(n_waits) },
    { "wait_us_max", NULL, 0, VMQ_FIELD_UINT, AT(wait_us_max) },
    { "blackout", NULL, 0, VMQ_FIELD_OBJECT, AT(blackout),
      .object = blackouts_fields },
    VMQ_FIELDS_END
};
#undef AT
#undef IF

/* '*blackout' is what the row points to. */
static struct totals_row
totals_row(const struct vmq_view *view, const struct blackouts_row *blackout)
{
    const struct vmq_totals *totals = &view->totals;

    return (struct totals_row) {
        .totals = totals,
        .n_ticks = totals->n_ticks,
        .n_late = totals->n_late,
        .n_stale = totals->n_stale,
        .tick_us_total = view->ticks.sum / 1000,
        .tick_us_p50 = vmq_hist_percentile(&view->ticks, 50) / 1000,
        .tick_us_p99 = vmq_hist_percentile(&view->ticks, 99) / 1000,
        .tick_us_max = view->ticks.max / 1000,
        .tick_us_mean = vmq_hist_mean(&view->ticks) / 1000 + 0.5,
        .n_forced_returns = totals->n_returns[VMQ_RETURN_FORCED],
        .n_pingpongs = totals->n_returns[VMQ_RETURN_PINGPONG],
        .flows_warmed = totals->flows_warmed,
        .flows_skipped = totals->flows_skipped,
        .n_edges = totals->n_edges,
        .n_edges_futile = totals->n_edges_futile,
        .n_edges_deferred = totals->n_edges_deferred,
        .n_edges_preempted = totals->n_edges_preempted,
        .n_waits = totals->n_waits,
        .wait_us_max = totals->wait_ns_max / 1000,
        .under_way = view->n_moving,
        .moving = view->n_moving != 0,
        .blackout = blackout,
    };
}

/* All of it. */

struct show_row {
    const struct vmq_show_loads *loads;
    const struct settings *settings;
    const struct totals_row *totals;
    const char *dp_name, *on_or_off, *verdict;
    char *why;
    bool on, paused;
    uint32_t n_active, n_pmds, n_rxqs, n_ports;
    uint64_t generation, now_ms, age_ms;
    bool aged;                  /* It is not as of now. */
    bool measured;              /* Thus are: */
    uint64_t window_ms, window_cycles;
};

#define AT(MEMBER) VMQ_AT(struct show_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct show_row, MEMBER)
static const struct vmq_field show_fields[] = {
    { "datapath", "%s: dynamic VMQ", 0, VMQ_FIELD_STRING, AT(dp_name) },
    { NULL, " is %s", 0, VMQ_FIELD_STRING, AT(on_or_off) },
    { "on", NULL, 0, VMQ_FIELD_BOOL, AT(on) },
    { "paused", ", paused", 0, VMQ_FIELD_BOOL, AT(paused) },
    { "age_ms", NULL, 0, VMQ_FIELD_UINT, AT(age_ms) },
    { NULL, ", as of %s ms ago", 0, VMQ_FIELD_UINT, AT(age_ms), IF(aged) },
    { NULL, "\n  active: %s", 0, VMQ_FIELD_UINT, AT(n_active) },
    { NULL, " of %s PMDs", 0, VMQ_FIELD_UINT, AT(n_pmds) },
    { NULL, " poll %s queues", 0, VMQ_FIELD_UINT, AT(n_rxqs) },
    { NULL, " of %s ports\n", 0, VMQ_FIELD_UINT, AT(n_ports) },
    { "verdict", "  now: %s", 0, VMQ_FIELD_STRING, AT(verdict) },
    { NULL, " (%s)\n", 0, VMQ_FIELD_STRING, AT(why) },
    { "generation", NULL, 0, VMQ_FIELD_UINT, AT(generation) },
    { "now_ms", NULL, 0, VMQ_FIELD_UINT, AT(now_ms) },
    { "window_ms", NULL, 0, VMQ_FIELD_UINT, AT(window_ms), IF(measured) },
    { "window_cycles", NULL, 0, VMQ_FIELD_UINT, AT(window_cycles),
      IF(measured) },
    { "totals", "%s\n", 0, VMQ_FIELD_OBJECT, AT(totals),
      .object = totals_fields },
    { "pmds", NULL, 0, VMQ_FIELD_CALL, AT(loads), .call = vmq_show_json_pmds },
    { "rxqs", NULL, 0, VMQ_FIELD_CALL, AT(loads), .call = vmq_show_json_rxqs },
    { "ports", NULL, 0, VMQ_FIELD_CALL, AT(loads),
      .call = vmq_show_json_ports },
    { "flows", NULL, 0, VMQ_FIELD_CALL, AT(loads),
      .call = vmq_show_json_flows },
    { "settings", NULL, 0, VMQ_FIELD_CALL, AT(settings),
      .call = settings_json },
    VMQ_FIELDS_END
};
#undef AT
#undef IF

static struct show_row
show_row(const struct vmq_view *view)
{
    const struct vmq_snapshot *raw = &view->raw;
    uint32_t n_errors = 0;
    struct show_row row = {
        .dp_name = view->dp_name,
        .on_or_off = view->on ? "on" : "off",
        .on = view->on,
        .paused = view->paused,
        .n_pmds = raw->n_pmds,
        .n_rxqs = raw->n_rxqs,
        .n_ports = raw->n_ports,
        .generation = raw->generation,
        .now_ms = raw->now_ms,
        .age_ms = MAX(time_msec() - view->taken_ms, 0),
    };

    row.aged = row.age_ms > 0 && !view->asked_for;
    for (uint32_t i = 0; i < raw->n_pmds; i++) {
        row.n_active += !raw->pmds[i].parked;
    }
    if (view->measured) {
        row.measured = true;
        row.window_ms = view->snapshot.window_ms;
        row.window_cycles = view->snapshot.window_cycles;
        row.verdict = vmq_verdict_name(view->plan.verdict);
        for (size_t i = 0; i < vmq_n_settings; i++) {
            n_errors += view->setting_errors[i] != NULL;
        }
        row.why = vmq_plan_why(&view->plan, &view->snapshot, n_errors);
    }
    return row;
}

/* Appends what 'view' shows to 'reply'. */
void
vmq_show(const struct vmq_view *view, bool json, struct ds *reply)
{
    struct blackout_row calm = blackout_row(&view->blackouts, "");
    struct blackout_row preempted = blackout_row(&view->preempted,
                                                 ", preempted");
    struct blackouts_row blackouts = { &calm, &preempted };
    struct totals_row totals = totals_row(view, &blackouts);
    struct show_row row = show_row(view);
    struct vmq_show_loads loads;
    struct settings settings;

    vmq_show_loads_init(&loads, view);
    settings_init(&settings, view);
    row.loads = &loads;
    row.settings = &settings;
    row.totals = &totals;
    if (json) {
        struct vmq_json writer;

        vmq_json_init(&writer, reply);
        vmq_json_put_object(&writer, show_fields, &row);
        vmq_json_end(&writer);
    } else {
        vmq_fields_put_sentence(show_fields, &row, reply);
        if (calm.n) {
            vmq_fields_put_sentence(blackout_fields, &calm, reply);
        }
        if (preempted.n) {
            vmq_fields_put_sentence(blackout_fields, &preempted, reply);
        }
        vmq_show_loads_put(&loads, reply);
        settings_put(&settings, reply);
    }
    free(row.why);
    settings_destroy(&settings);
    vmq_show_loads_destroy(&loads);
}

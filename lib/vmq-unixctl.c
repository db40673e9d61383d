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
#include "openvswitch/json.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "vmq-engine.h"
#include "vmq-hist.h"

/* Moves that vmq-history shows unless it is told how many. */
#define VMQ_HISTORY_DEFAULT 20

/* Helpers. */

static void
put_int(struct json *object, const char *name, long long int value)
{
    json_object_put(object, name, json_integer_create(value));
}

static void
put_bool(struct json *object, const char *name, bool value)
{
    json_object_put(object, name, json_boolean_create(value));
}

/* Puts 'value', or null if it is not known. */
static void
put_known(struct json *object, const char *name, bool known,
          long long int value)
{
    json_object_put(object, name, known ? json_integer_create(value)
                                        : json_null_create());
}

/* Appends 'json', which is destroyed, to 'reply'. */
static void
put_json(struct json *json, struct ds *reply)
{
    char *s = json_to_string(json, JSSF_PRETTY | JSSF_SORT);

    ds_put_cstr(reply, s);
    ds_put_char(reply, '\n');
    free(s);
    json_destroy(json);
}

/* Returns whether the first argument is "--json". */
static bool
wants_json(int argc, const char *argv[])
{
    return argc > 0 && !strcmp(argv[0], "--json");
}

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

/* Returns 'part' of 'whole' in basis points. */
static uint32_t
share_bp(uint64_t part, uint64_t whole)
{
    return whole ? MIN((double) part * VMQ_BP / whole, UINT32_MAX) : 0;
}

/* Percent, rounded to the nearest. */
static uint32_t
bp_to_percent(uint32_t bp)
{
    return (bp + 50) / 100;
}

static const char *
port_name(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    return snapshot->ports[snapshot->rxqs[rxq].port].name;
}

static uint32_t
count_active_pmds(const struct vmq_snapshot *snapshot)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        n += !snapshot->pmds[i].parked;
    }
    return n;
}

/* The windowed element for the same queue as raw queue 'i', which is at the
 * same place unless the queues have just changed.  Null if there is none. */
static const struct vmq_rxq *
windowed_rxq(const struct vmq_view *view, uint32_t i)
{
    const struct vmq_rxq *raw = &view->raw->rxqs[i];

    if (view->snapshot) {
        uint32_t j = vmq_snapshot_find_rxq(view->snapshot,
                                           port_name(view->raw, i), raw->qid);
        if (j != VMQ_NONE) {
            return &view->snapshot->rxqs[j];
        }
    }
    return NULL;
}

/* Likewise for a PMD; returns its index in 'view->snapshot' or VMQ_NONE. */
static uint32_t
windowed_pmd(const struct vmq_view *view, uint32_t i)
{
    return (view->snapshot
            ? vmq_snapshot_find_pmd(view->snapshot,
                                    view->raw->pmds[i].core_id)
            : VMQ_NONE);
}

static uint32_t
rxq_load_bp(const struct vmq_view *view, const struct vmq_rxq *rxq)
{
    return rxq ? vmq_rxq_load_bp(view->snapshot, rxq - view->snapshot->rxqs)
               : 0;
}

static uint32_t
rxq_slow_bp(const struct vmq_rxq *rxq)
{
    uint32_t max_bp = 0;

    for (uint32_t i = 0; rxq && i < rxq->n_history; i++) {
        max_bp = MAX(max_bp, rxq->history_bp[i]);
    }
    return max_bp;
}

/* The balance of raw queue 'i', whatever a move would cost. */
static struct vmq_quote
rxq_credit(const struct vmq_view *view, uint32_t i)
{
    struct vmq_quote quote;

    vmq_credit_quote(view->ledger, view->config, view->raw, i, VMQ_NONE,
                     &quote);
    return quote;
}

/* Sums over the queues of a port, cumulative but for the load. */
struct port_sums {
    uint32_t n_rxqs;
    uint32_t load_bp;
    uint64_t packets;
    uint64_t busy_cycles;
    uint64_t n_moves;
};

static struct port_sums *
sum_ports(const struct vmq_view *view)
{
    struct port_sums *sums = xcalloc(view->raw->n_ports, sizeof *sums);

    for (uint32_t i = 0; i < view->raw->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &view->raw->rxqs[i];
        struct port_sums *sum = &sums[rxq->port];

        sum->n_rxqs++;
        sum->load_bp += rxq_load_bp(view, windowed_rxq(view, i));
        sum->packets += rxq->packets;
        sum->busy_cycles += rxq->cycles;
        sum->n_moves += rxq->n_moves;
    }
    return sums;
}

/* vmq-show. */

static void
show_blackouts(const struct vmq_hist *hist, const char *which,
               struct ds *reply)
{
    if (hist->n) {
        ds_put_format(reply, "  blackout%s: %.1f us in 50 %%, %.1f us in 99 %%"
                      " of %"PRIu64" moves, %.1f us at most\n", which,
                      vmq_hist_percentile(hist, 50) / 1000.0,
                      vmq_hist_percentile(hist, 99) / 1000.0,
                      hist->n, hist->max / 1000.0);
    }
}

static void
show_head(const struct vmq_view *view, struct ds *reply)
{
    const struct vmq_totals *totals = view->totals;

    ds_put_format(reply, "%s: dynamic VMQ is %s%s\n", view->dp_name,
                  view->on ? "on" : "off", view->paused ? ", paused" : "");
    ds_put_format(reply, "  active: %"PRIu32" of %"PRIu32" PMDs poll "
                  "%"PRIu32" queues of %"PRIu32" ports\n",
                  count_active_pmds(view->raw), view->raw->n_pmds,
                  view->raw->n_rxqs, view->raw->n_ports);
    if (view->plan) {
        ds_put_format(reply, "  now: %s (%s)\n",
                      vmq_verdict_name(view->plan->verdict),
                      vmq_verdict_text(view->plan->verdict));
    }
    ds_put_format(reply, "  ticks: %"PRIu64", %"PRIu64" late, %"PRIu64
                  " dropped, %.0f us on average, %"PRIu64" us at most\n",
                  totals->n_ticks, totals->n_late, totals->n_stale,
                  vmq_hist_mean(view->ticks) / 1000,
                  view->ticks->max / 1000);
    ds_put_cstr(reply, "  moves:");
    for (int i = 0; i < VMQ_N_OUTCOMES; i++) {
        ds_put_format(reply, " %"PRIu64" %s,", totals->n_outcomes[i],
                      vmq_outcome_name(i));
    }
    ds_put_format(reply, " %"PRIu64" forced returns, %"PRIu64" ping-pongs",
                  totals->n_returns[VMQ_RETURN_FORCED],
                  totals->n_returns[VMQ_RETURN_PINGPONG]);
    if (view->n_moving) {
        ds_put_format(reply, ", %"PRIu32" under way", view->n_moving);
    }
    ds_put_char(reply, '\n');
    show_blackouts(view->blackouts, "", reply);
    show_blackouts(view->preempted, ", preempted", reply);
}

static void
show_pmds(const struct vmq_view *view, struct ds *reply)
{
    ds_put_format(reply, "\n%4s  %4s  %-8s  %6s  %6s  %8s  %8s  %6s  %6s  "
                  "%6s  %s\n", "core", "numa", "state", "load", "slow",
                  "capacity", "overhead", "idle", "stolen", "queues",
                  "verdict");
    for (uint32_t i = 0; i < view->raw->n_pmds; i++) {
        const struct vmq_pmd *raw = &view->raw->pmds[i];
        uint32_t j = windowed_pmd(view, i);
        uint32_t n_rxqs = 0;

        for (uint32_t k = 0; k < view->raw->n_rxqs; k++) {
            n_rxqs += view->raw->rxqs[k].pmd == i;
        }
        ds_put_format(reply, "%4"PRIu32"  %4"PRId32"  %-8s", raw->core_id,
                      raw->numa_id, raw->parked ? "parked"
                      : raw->isolated ? "isolated" : "active");
        if (j == VMQ_NONE) {
            ds_put_format(reply, "  %6s  %6s  %8s  %8s  %6s  %6s  %6"PRIu32
                          "\n", "-", "-", "-", "-", "-", "-", n_rxqs);
            continue;
        }

        const struct vmq_pmd *pmd = &view->snapshot->pmds[j];
        const struct vmq_judgement *judgement = &view->plan->pmds[j];
        uint64_t window = view->snapshot->window_cycles;

        ds_put_format(reply, "  %4"PRIu32" %%  %4"PRIu32" %%  %6"PRIu32" %%  "
                      "%6"PRIu32" %%  %4"PRIu32" %%  %4"PRIu32" %%  %6"PRIu32
                      "  %s%s\n",
                      bp_to_percent(judgement->load_bp),
                      bp_to_percent(judgement->slow_bp),
                      bp_to_percent(judgement->capacity_bp),
                      bp_to_percent(share_bp(pmd->overhead_cycles, window)),
                      bp_to_percent(share_bp(pmd->idle_cycles, window)),
                      bp_to_percent(share_bp(pmd->stolen_cycles, window)),
                      n_rxqs, vmq_verdict_name(judgement->verdict),
                      pmd->evacuating ? ", being evacuated" : "");
    }
}

static void
show_rxqs(const struct vmq_view *view, struct ds *reply)
{
    ds_put_format(reply, "\n%-16s  %5s  %4s  %6s  %6s  %10s  %12s  %7s  %5s  "
                  "%s\n", "port", "queue", "core", "load", "slow",
                  "packets/s", "cycles/packet", "credits", "moves", "status");
    for (uint32_t i = 0; i < view->raw->n_rxqs; i++) {
        const struct vmq_rxq *raw = &view->raw->rxqs[i];
        const struct vmq_rxq *rxq = windowed_rxq(view, i);

        ds_put_format(reply, "%-16s  %5"PRIu32"  ",
                      port_name(view->raw, i), raw->qid);
        if (raw->pmd != VMQ_NONE) {
            ds_put_format(reply, "%4"PRIu32"  ",
                          view->raw->pmds[raw->pmd].core_id);
        } else {
            ds_put_format(reply, "%4s  ", "-");
        }
        if (rxq) {
            uint64_t pps = (view->snapshot->window_ms
                            ? rxq->packets * 1000 / view->snapshot->window_ms
                            : 0);

            ds_put_format(reply, "%4"PRIu32" %%  %4"PRIu32" %%  %10"PRIu64
                          "  ", bp_to_percent(rxq_load_bp(view, rxq)),
                          bp_to_percent(rxq_slow_bp(rxq)), pps);
        } else {
            ds_put_format(reply, "%6s  %6s  %10s  ", "-", "-", "-");
        }
        if (rxq && rxq->packets) {
            ds_put_format(reply, "%13"PRIu64"  ", rxq->cycles / rxq->packets);
        } else {
            ds_put_format(reply, "%13s  ", "-");
        }
        if (view->on && view->config->credits) {
            ds_put_format(reply, "%7.1f",
                          rxq_credit(view, i).balance_mc
                          / (double) VMQ_CREDIT);
        } else {
            ds_put_format(reply, "%7s", "-");
        }
        ds_put_format(reply, "  %5"PRIu32"  %s%s\n", raw->n_moves,
                      vmq_mobility_to_string(raw->mobility),
                      rxq && rxq->backlog ? ", backlog" : "");
    }
}

static void
show_ports(const struct vmq_view *view, struct ds *reply)
{
    struct port_sums *sums = sum_ports(view);

    ds_put_format(reply, "\n%-16s  %6s  %6s  %14s  %18s  %5s\n", "port",
                  "queues", "load", "packets", "busy cycles", "moves");
    for (uint32_t i = 0; i < view->raw->n_ports; i++) {
        ds_put_format(reply, "%-16s  %6"PRIu32"  %4"PRIu32" %%  %14"PRIu64
                      "  %18"PRIu64"  %5"PRIu64"\n",
                      view->raw->ports[i].name, sums[i].n_rxqs,
                      bp_to_percent(sums[i].load_bp), sums[i].packets,
                      sums[i].busy_cycles, sums[i].n_moves);
    }
    free(sums);
}

static void
show_settings(const struct vmq_view *view, struct ds *reply)
{
    ds_put_cstr(reply, "\nsettings:\n");
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *setting = &vmq_settings[i];
        char *value = vmq_config_format(view->config, setting);
        uint32_t target_bp = vmq_config_pack_target_bp(view->config);

        ds_put_format(reply, "  %-27s %s", setting->key, value);
        if (!strcmp(setting->key, "pmd-vmq-pack-target")
            && target_bp != view->config->pack_target_pct * 100) {
            ds_put_format(reply, " (effective: %"PRIu32" %%)",
                          bp_to_percent(target_bp));
        }
        if (view->setting_errors[i]) {
            ds_put_format(reply, " (error: %s)", view->setting_errors[i]);
        }
        ds_put_char(reply, '\n');
        free(value);
    }
}

static struct json *
settings_to_json(const struct vmq_view *view)
{
    struct json *settings = json_object_create();

    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *setting = &vmq_settings[i];
        uint32_t value = vmq_config_get(view->config, setting);
        struct json *json = json_object_create();

        if (setting->type == VMQ_SETTING_BOOL) {
            put_bool(json, "value", value);
            put_bool(json, "default", setting->def);
        } else {
            put_int(json, "value", value);
            put_int(json, "default", setting->def);
            json_object_put_string(json, "unit", setting->unit);
        }
        if (!strcmp(setting->key, "pmd-vmq-pack-target")) {
            put_int(json, "effective",
                    vmq_config_pack_target_bp(view->config) / 100);
        }
        json_object_put(json, "error",
                        view->setting_errors[i]
                        ? json_string_create(view->setting_errors[i])
                        : json_null_create());
        json_object_put(settings, setting->key, json);
    }
    return settings;
}

static struct json *
pmd_to_json(const struct vmq_view *view, uint32_t i)
{
    const struct vmq_pmd *raw = &view->raw->pmds[i];
    uint32_t j = windowed_pmd(view, i);
    struct json *json = json_object_create();
    bool known = j != VMQ_NONE;
    struct vmq_judgement judgement = { .load_bp = 0 };
    struct vmq_pmd pmd = *raw;
    uint64_t window = 0;

    if (known) {
        pmd = view->snapshot->pmds[j];
        judgement = view->plan->pmds[j];
        window = view->snapshot->window_cycles;
    }
    put_int(json, "core", raw->core_id);
    put_int(json, "numa", raw->numa_id);
    put_int(json, "sibling_group", raw->sibling_group);
    put_bool(json, "isolated", raw->isolated);
    put_bool(json, "parked", raw->parked);
    put_known(json, "load_bp", known, judgement.load_bp);
    put_known(json, "slow_bp", known, judgement.slow_bp);
    put_known(json, "capacity_bp", known, judgement.capacity_bp);
    put_known(json, "overhead_bp", known,
              share_bp(pmd.overhead_cycles, window));
    put_known(json, "idle_bp", known, share_bp(pmd.idle_cycles, window));
    put_known(json, "sleep_bp", known, share_bp(pmd.sleep_cycles, window));
    put_known(json, "stolen_bp", known, share_bp(pmd.stolen_cycles, window));
    put_bool(json, "settling", pmd.settling);
    put_bool(json, "evacuating", pmd.evacuating);
    json_object_put(json, "verdict",
                    known
                    ? json_string_create(vmq_verdict_name(judgement.verdict))
                    : json_null_create());
    return json;
}

/* What the ledger knows of queue 'i', null if it never moved. */
static struct json *
last_move_to_json(const struct vmq_view *view, uint32_t i)
{
    struct vmq_account account;
    struct json *json;

    if (!vmq_ledger_get(view->ledger, view->raw, i, &account)) {
        return json_null_create();
    }
    json = json_object_create();
    put_int(json, "moved_ms", account.moved_ms);
    put_int(json, "from", account.left_core);
    put_int(json, "balance_mc", account.balance_mc);
    put_int(json, "doublings", account.doublings);
    return json;
}

static struct json *
rxq_to_json(const struct vmq_view *view, uint32_t i)
{
    const struct vmq_rxq *raw = &view->raw->rxqs[i];
    const struct vmq_rxq *rxq = windowed_rxq(view, i);
    struct vmq_quote credit = rxq_credit(view, i);
    struct json *json = json_object_create();
    struct json *history = json_array_create_empty();
    struct json *window = NULL;

    json_object_put_string(json, "port", port_name(view->raw, i));
    put_int(json, "queue", raw->qid);
    put_known(json, "core", raw->pmd != VMQ_NONE,
              raw->pmd != VMQ_NONE ? view->raw->pmds[raw->pmd].core_id : 0);
    put_int(json, "numa", raw->numa_id);
    json_object_put_string(json, "status",
                           vmq_mobility_to_string(raw->mobility));
    put_int(json, "packets", raw->packets);
    put_int(json, "busy_cycles", raw->cycles);
    put_int(json, "polls", raw->polls);
    put_int(json, "full_batches", raw->full_batches);
    put_int(json, "moves", raw->n_moves);
    put_int(json, "tunnel_flows", raw->tunnel_flows);
    put_int(json, "credits_mc", credit.balance_mc);
    put_int(json, "refill_ms", credit.refill_ms);
    json_object_put(json, "last_move", last_move_to_json(view, i));
    put_known(json, "load_bp", rxq, rxq_load_bp(view, rxq));
    put_known(json, "slow_bp", rxq, rxq_slow_bp(rxq));
    put_bool(json, "backlog", rxq && rxq->backlog);
    for (uint32_t k = 0; rxq && k < rxq->n_history; k++) {
        json_array_add(history, json_integer_create(rxq->history_bp[k]));
    }
    json_object_put(json, "history_bp", history);
    if (rxq) {
        window = json_object_create();
        put_int(window, "packets", rxq->packets);
        put_int(window, "busy_cycles", rxq->cycles);
        put_int(window, "polls", rxq->polls);
        put_int(window, "full_batches", rxq->full_batches);
    }
    json_object_put(json, "window", window ? window : json_null_create());
    return json;
}

static struct json *
ports_to_json(const struct vmq_view *view)
{
    struct json *ports = json_array_create_empty();
    struct port_sums *sums = sum_ports(view);

    for (uint32_t i = 0; i < view->raw->n_ports; i++) {
        struct json *json = json_object_create();

        json_object_put_string(json, "name", view->raw->ports[i].name);
        put_int(json, "port_no", view->raw->ports[i].port_no);
        put_int(json, "queues", sums[i].n_rxqs);
        put_known(json, "load_bp", view->snapshot, sums[i].load_bp);
        put_int(json, "packets", sums[i].packets);
        put_int(json, "busy_cycles", sums[i].busy_cycles);
        put_int(json, "moves", sums[i].n_moves);
        json_array_add(ports, json);
    }
    free(sums);
    return ports;
}

static struct json *
flows_to_json(const struct vmq_view *view)
{
    struct json *flows = json_array_create_empty();

    for (uint32_t i = 0; i < view->raw->n_port_pmds; i++) {
        const struct vmq_port_pmd *port_pmd = &view->raw->port_pmds[i];
        struct json *json = json_object_create();

        json_object_put_string(json, "port",
                               view->raw->ports[port_pmd->port].name);
        put_int(json, "core", view->raw->pmds[port_pmd->pmd].core_id);
        put_int(json, "flows", port_pmd->flows);
        json_array_add(flows, json);
    }
    return flows;
}

static struct json *
blackouts_to_json(const struct vmq_hist *hist)
{
    struct json *json = json_object_create();

    put_int(json, "count", hist->n);
    put_int(json, "p50_ns", vmq_hist_percentile(hist, 50));
    put_int(json, "p99_ns", vmq_hist_percentile(hist, 99));
    put_int(json, "max_ns", hist->max);
    return json;
}

static struct json *
totals_to_json(const struct vmq_view *view)
{
    const struct vmq_totals *totals = view->totals;
    struct json *blackout = json_object_create();
    struct json *verdicts = json_object_create();
    struct json *outcomes = json_object_create();
    struct json *json = json_object_create();

    for (int i = 0; i < VMQ_N_VERDICTS; i++) {
        put_int(verdicts, vmq_verdict_name(i), totals->n_verdicts[i]);
    }
    for (int i = 0; i < VMQ_N_OUTCOMES; i++) {
        put_int(outcomes, vmq_outcome_name(i), totals->n_outcomes[i]);
    }
    put_int(json, "ticks", totals->n_ticks);
    put_int(json, "late", totals->n_late);
    put_int(json, "dropped", totals->n_stale);
    put_int(json, "tick_us_total", view->ticks->sum / 1000);
    put_int(json, "tick_us_p50",
            vmq_hist_percentile(view->ticks, 50) / 1000);
    put_int(json, "tick_us_p99",
            vmq_hist_percentile(view->ticks, 99) / 1000);
    put_int(json, "tick_us_max", view->ticks->max / 1000);
    put_int(json, "forced_returns", totals->n_returns[VMQ_RETURN_FORCED]);
    put_int(json, "pingpongs", totals->n_returns[VMQ_RETURN_PINGPONG]);
    put_int(json, "flows_warmed", totals->flows_warmed);
    put_int(json, "flows_skipped", totals->flows_skipped);
    put_int(json, "under_way", view->n_moving);
    json_object_put(blackout, "calm", blackouts_to_json(view->blackouts));
    json_object_put(blackout, "preempted", blackouts_to_json(view->preempted));
    json_object_put(json, "blackout", blackout);
    json_object_put(json, "verdicts", verdicts);
    json_object_put(json, "outcomes", outcomes);
    return json;
}

static struct json *
show_to_json(const struct vmq_view *view)
{
    const struct vmq_snapshot *snapshot = view->snapshot;
    struct json *pmds = json_array_create_empty();
    struct json *rxqs = json_array_create_empty();
    struct json *json = json_object_create();

    for (uint32_t i = 0; i < view->raw->n_pmds; i++) {
        json_array_add(pmds, pmd_to_json(view, i));
    }
    for (uint32_t i = 0; i < view->raw->n_rxqs; i++) {
        json_array_add(rxqs, rxq_to_json(view, i));
    }

    json_object_put_string(json, "datapath", view->dp_name);
    put_bool(json, "on", view->on);
    put_bool(json, "paused", view->paused);
    put_int(json, "generation", view->raw->generation);
    put_int(json, "now_ms", view->raw->now_ms);
    put_known(json, "window_ms", snapshot, snapshot ? snapshot->window_ms : 0);
    put_known(json, "window_cycles", snapshot,
              snapshot ? snapshot->window_cycles : 0);
    json_object_put(json, "verdict",
                    view->plan
                    ? json_string_create(vmq_verdict_name(view->plan->verdict))
                    : json_null_create());
    json_object_put(json, "pmds", pmds);
    json_object_put(json, "rxqs", rxqs);
    json_object_put(json, "ports", ports_to_json(view));
    json_object_put(json, "flows", flows_to_json(view));
    json_object_put(json, "settings", settings_to_json(view));
    json_object_put(json, "totals", totals_to_json(view));
    return json;
}

static enum vmq_command_result
vmq_show(struct vmq_engine *engine, struct unixctl_conn *conn OVS_UNUSED,
         int argc, const char *argv[], struct ds *reply)
{
    bool json = wants_json(argc, argv);
    struct vmq_view view;

    if (!no_more_arguments(argc, argv, json, reply)) {
        return VMQ_COMMAND_ERROR;
    }

    vmq_engine_view(engine, &view);
    if (json) {
        put_json(show_to_json(&view), reply);
    } else {
        show_head(&view, reply);
        show_pmds(&view, reply);
        show_rxqs(&view, reply);
        show_ports(&view, reply);
        show_settings(&view, reply);
    }
    return VMQ_COMMAND_OK;
}

/* vmq-history. */

static struct json *
past_move_to_json(const struct vmq_past_move *past)
{
    struct json *json = json_object_create();

    put_int(json, "serial", past->serial);
    put_int(json, "when_ms", past->when_ms);
    json_object_put_string(json, "port", past->port);
    put_int(json, "queue", past->qid);
    put_int(json, "from", past->from_core);
    put_int(json, "to", past->to_core);
    json_object_put_string(json, "reason", vmq_reason_name(past->reason));
    json_object_put_string(json, "return", vmq_return_name(past->ret));
    put_int(json, "load_bp", past->load_bp);
    put_int(json, "from_load_bp", past->from_bp);
    put_int(json, "from_capacity_bp", past->from_capacity_bp);
    put_int(json, "to_load_bp", past->to_bp);
    put_int(json, "from_predicted_bp", past->from_after_bp);
    put_int(json, "to_predicted_bp", past->to_after_bp);
    put_int(json, "price_mc", past->price_mc);
    put_bool(json, "overdraft", past->overdraft);
    json_object_put_string(json, "outcome",
                           vmq_outcome_name(past->result.outcome));
    put_int(json, "blackout_ns", past->result.blackout_ns);
    put_bool(json, "preempted", past->result.preempted);
    put_int(json, "flows_warmed", past->result.flows_warmed);
    put_int(json, "flows_present", past->result.flows_present);
    put_int(json, "flows_skipped", past->result.flows_skipped);
    put_int(json, "copy_ns", past->result.copy_ns);
    put_int(json, "lock_max_ns", past->result.lock_max_ns);
    put_int(json, "lock_unpreempted_ns", past->result.lock_unpreempted_ns);
    return json;
}

static void
show_past_move(const struct vmq_past_move *past, struct ds *reply)
{
    char *when = xastrftime_msec("%Y-%m-%d %H:%M:%S.###", past->when_ms,
                                 false);

    ds_put_format(reply, "%5"PRIu64"  %s  %-16s  %5"PRIu32"  %4"PRIu32
                  "  %4"PRIu32"  %4"PRIu32" %%  %4"PRIu32" > %3"PRIu32" %%  "
                  "%4"PRIu32" > %3"PRIu32" %%  %6.1f%c  %10.1f%c  "
                  "%6"PRIu32"  %7"PRIu32"  %7"PRIu64"  %7"PRIu64"  "
                  "%-8s  %s%s%s\n",
                  past->serial, when, past->port, past->qid,
                  past->from_core, past->to_core,
                  bp_to_percent(past->load_bp),
                  bp_to_percent(past->from_bp),
                  bp_to_percent(past->from_after_bp),
                  bp_to_percent(past->to_bp),
                  bp_to_percent(past->to_after_bp),
                  past->price_mc / (double) VMQ_CREDIT,
                  past->overdraft ? '*' : ' ',
                  past->result.blackout_ns / 1000.0,
                  past->result.preempted ? '*' : ' ',
                  past->result.flows_warmed, past->result.flows_skipped,
                  past->result.copy_ns / 1000,
                  past->result.lock_max_ns / 1000,
                  vmq_outcome_name(past->result.outcome),
                  vmq_reason_name(past->reason),
                  past->ret == VMQ_RETURN_NONE ? "" : ", return: ",
                  past->ret == VMQ_RETURN_NONE ? ""
                                               : vmq_return_name(past->ret));
    free(when);
}

static enum vmq_command_result
vmq_history(struct vmq_engine *engine, struct unixctl_conn *conn OVS_UNUSED,
            int argc, const char *argv[], struct ds *reply)
{
    bool json = wants_json(argc, argv);
    unsigned int n = VMQ_HISTORY_DEFAULT;

    if (argc > json && !str_to_uint(argv[json], 10, &n)) {
        ds_put_format(reply, "\"%s\": not a number of moves", argv[json]);
        return VMQ_COMMAND_ERROR;
    }
    if (!no_more_arguments(argc, argv, json + 1, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    n = MIN(n, vmq_engine_n_past_moves(engine));

    /* Oldest first, as in a log. */
    if (json) {
        struct json *array = json_array_create_empty();

        for (; n; n--) {
            json_array_add(array, past_move_to_json(
                               vmq_engine_past_move(engine, n - 1)));
        }
        put_json(array, reply);
        return VMQ_COMMAND_OK;
    }
    if (!n) {
        ds_put_cstr(reply, "no moves\n");
        return VMQ_COMMAND_OK;
    }
    ds_put_format(reply, "%5s  %-23s  %-16s  %5s  %4s  %4s  %6s  %12s  %12s  "
                  "%7s  %11s  %6s  %7s  %7s  %7s  %-8s  %s\n", "move",
                  "when (UTC)", "port", "queue", "from", "to", "load",
                  "from load", "to load", "credits", "blackout us", "warmed",
                  "skipped", "copy us", "lock us", "outcome", "why");
    for (; n; n--) {
        show_past_move(vmq_engine_past_move(engine, n - 1), reply);
    }
    return VMQ_COMMAND_OK;
}

/* vmq-explain. */

static void
explain_move(const struct vmq_view *view, const struct vmq_move *move,
             struct ds *reply)
{
    const struct vmq_snapshot *s = view->snapshot;

    ds_put_format(reply, "  move port %s rx queue %"PRIu32" from core "
                  "%"PRIu32" to core %"PRIu32": %s, takes %"PRIu32" %% off, "
                  "price %.1f credits%s\n", port_name(s, move->rxq),
                  s->rxqs[move->rxq].qid, s->pmds[move->from].core_id,
                  s->pmds[move->to].core_id, vmq_reason_name(move->reason),
                  bp_to_percent(move->gain_bp),
                  move->price_mc / (double) VMQ_CREDIT,
                  move->overdraft ? " (overdraft)" : "");
}

static void
explain_pmd(const struct vmq_view *view, uint32_t i, struct ds *reply)
{
    const struct vmq_judgement *judgement = &view->plan->pmds[i];
    const struct vmq_snapshot *s = view->snapshot;

    ds_put_format(reply, "  core %"PRIu32": load %"PRIu32" %%, slow %"PRIu32
                  " %%, capacity %"PRIu32" %%, predicted %"PRIu32" %%: "
                  "%s (%s)", s->pmds[i].core_id,
                  bp_to_percent(judgement->load_bp),
                  bp_to_percent(judgement->slow_bp),
                  bp_to_percent(judgement->capacity_bp),
                  bp_to_percent(judgement->predicted_bp),
                  vmq_verdict_name(judgement->verdict),
                  vmq_verdict_text(judgement->verdict));
    if (judgement->rxq != VMQ_NONE) {
        ds_put_format(reply, "; considered port %s rx queue %"PRIu32,
                      port_name(s, judgement->rxq),
                      s->rxqs[judgement->rxq].qid);
        if (judgement->to != VMQ_NONE) {
            ds_put_format(reply, " to core %"PRIu32,
                          s->pmds[judgement->to].core_id);
        }
    }
    ds_put_char(reply, '\n');
}

static struct json *
explain_to_json(const struct vmq_view *view)
{
    const struct vmq_snapshot *s = view->snapshot;
    struct json *moves = json_array_create_empty();
    struct json *pmds = json_array_create_empty();
    struct json *json = json_object_create();

    for (uint32_t i = 0; i < view->plan->n_moves; i++) {
        const struct vmq_move *move = &view->plan->moves[i];
        struct json *m = json_object_create();

        json_object_put_string(m, "port", port_name(s, move->rxq));
        put_int(m, "queue", s->rxqs[move->rxq].qid);
        put_int(m, "from", s->pmds[move->from].core_id);
        put_int(m, "to", s->pmds[move->to].core_id);
        json_object_put_string(m, "reason", vmq_reason_name(move->reason));
        put_int(m, "gain_bp", move->gain_bp);
        put_int(m, "price_mc", move->price_mc);
        put_bool(m, "overdraft", move->overdraft);
        json_array_add(moves, m);
    }
    for (uint32_t i = 0; i < view->plan->n_pmds; i++) {
        const struct vmq_judgement *judgement = &view->plan->pmds[i];
        struct json *considered = NULL;
        struct json *p = json_object_create();

        put_int(p, "core", s->pmds[i].core_id);
        put_int(p, "load_bp", judgement->load_bp);
        put_int(p, "slow_bp", judgement->slow_bp);
        put_int(p, "capacity_bp", judgement->capacity_bp);
        put_int(p, "predicted_bp", judgement->predicted_bp);
        json_object_put_string(p, "verdict",
                               vmq_verdict_name(judgement->verdict));
        json_object_put_string(p, "text",
                               vmq_verdict_text(judgement->verdict));
        if (judgement->rxq != VMQ_NONE) {
            considered = json_object_create();
            json_object_put_string(considered, "port",
                                   port_name(s, judgement->rxq));
            put_int(considered, "queue", s->rxqs[judgement->rxq].qid);
            put_known(considered, "to", judgement->to != VMQ_NONE,
                      judgement->to != VMQ_NONE
                      ? s->pmds[judgement->to].core_id : 0);
        }
        json_object_put(p, "considered",
                        considered ? considered : json_null_create());
        json_array_add(pmds, p);
    }

    json_object_put_string(json, "datapath", view->dp_name);
    put_int(json, "generation", view->plan->generation);
    put_bool(json, "paused", view->paused);
    json_object_put_string(json, "verdict",
                           vmq_verdict_name(view->plan->verdict));
    json_object_put_string(json, "text",
                           vmq_verdict_text(view->plan->verdict));
    json_object_put(json, "moves", moves);
    json_object_put(json, "pmds", pmds);
    return json;
}

static enum vmq_command_result
vmq_explain(struct vmq_engine *engine, struct unixctl_conn *conn OVS_UNUSED,
            int argc, const char *argv[], struct ds *reply)
{
    bool json = wants_json(argc, argv);
    struct vmq_view view;

    if (!no_more_arguments(argc, argv, json, reply)) {
        return VMQ_COMMAND_ERROR;
    }

    vmq_engine_view(engine, &view);
    if (!view.plan) {
        ds_put_format(reply, "dynamic VMQ is %s on %s",
                      view.on ? "on but has not measured anything yet" : "off",
                      view.dp_name);
        return VMQ_COMMAND_ERROR;
    }
    if (json) {
        put_json(explain_to_json(&view), reply);
        return VMQ_COMMAND_OK;
    }

    ds_put_format(reply, "%s: %s (%s)%s\n", view.dp_name,
                  vmq_verdict_name(view.plan->verdict),
                  vmq_verdict_text(view.plan->verdict),
                  view.paused ? ", paused: will not be done" : "");
    for (uint32_t i = 0; i < view.plan->n_moves; i++) {
        explain_move(&view, &view.plan->moves[i], reply);
    }
    for (uint32_t i = 0; i < view.plan->n_pmds; i++) {
        explain_pmd(&view, i, reply);
    }
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
vmq_move(struct vmq_engine *engine, struct unixctl_conn *conn,
         int argc, const char *argv[], struct ds *reply)
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
vmq_pause(struct vmq_engine *engine, struct unixctl_conn *conn OVS_UNUSED,
          int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    vmq_engine_set_paused(engine, true);
    return VMQ_COMMAND_OK;
}

static enum vmq_command_result
vmq_resume(struct vmq_engine *engine, struct unixctl_conn *conn OVS_UNUSED,
           int argc, const char *argv[], struct ds *reply)
{
    if (!no_more_arguments(argc, argv, 0, reply)) {
        return VMQ_COMMAND_ERROR;
    }
    vmq_engine_set_paused(engine, false);
    return VMQ_COMMAND_OK;
}

const struct vmq_command vmq_commands[] = {
    { "dpif-netdev/vmq-show", "[--json] [dp]", 0, 2, vmq_show },
    { "dpif-netdev/vmq-history", "[--json] [N] [dp]", 0, 3, vmq_history },
    { "dpif-netdev/vmq-explain", "[--json] [dp]", 0, 2, vmq_explain },
    { "dpif-netdev/vmq-move", "PORT QID CORE [PORT QID CORE]... [dp]",
      3, INT_MAX, vmq_move },
    { "dpif-netdev/vmq-pause", "[dp]", 0, 1, vmq_pause },
    { "dpif-netdev/vmq-resume", "[dp]", 0, 1, vmq_resume },
};
const int vmq_n_commands = ARRAY_SIZE(vmq_commands);

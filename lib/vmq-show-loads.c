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
#include "vmq-show-loads.h"

#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "vmq-fields.h"
#include "vmq-load.h"
#include "vmq-view.h"

/* Returns 'part' of 'whole', times on clocks that do not quite agree, in basis
 * points.  A PMD counts an iteration when it ends, a thread's CPU time is
 * brought up to date now and then: a part may look like more than all. */
static uint32_t
share_bp(uint64_t part, uint64_t whole)
{
    return whole ? MIN((double) part * VMQ_BP / whole, VMQ_BP) : 0;
}

static const char *
port_name(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    return snapshot->ports[snapshot->rxqs[rxq].port].name;
}

/* PMDs. */

struct pmd_row {
    uint32_t core, sibling_group, n_rxqs;
    int32_t numa;
    const char *state, *verdict, *evacuated;
    bool isolated, parked, settling, evacuating;
    bool known;                 /* Was measured; thus are: */
    uint32_t load_bp, slow_bp, capacity_bp;
    uint32_t overhead_bp, idle_bp, sleep_bp, stolen_bp;
};

#define AT(MEMBER) VMQ_AT(struct pmd_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct pmd_row, MEMBER)
#define MORE(MEMBER) VMQ_MORE(struct pmd_row, MEMBER)
static const struct vmq_field pmd_fields[] = {
    { "core", "core", 4, VMQ_FIELD_UINT, AT(core) },
    { "numa", "numa", 4, VMQ_FIELD_INT, AT(numa) },
    { "sibling_group", NULL, 0, VMQ_FIELD_UINT, AT(sibling_group) },
    { NULL, "state", -8, VMQ_FIELD_STRING, AT(state) },
    { "isolated", NULL, 0, VMQ_FIELD_BOOL, AT(isolated) },
    { "parked", NULL, 0, VMQ_FIELD_BOOL, AT(parked) },
    { "load_bp", "load", 6, VMQ_FIELD_BP, AT(load_bp), IF(known) },
    { "slow_bp", "slow", 6, VMQ_FIELD_BP, AT(slow_bp), IF(known) },
    { "capacity_bp", "capacity", 8, VMQ_FIELD_BP, AT(capacity_bp), IF(known) },
    { "overhead_bp", "overhead", 8, VMQ_FIELD_BP, AT(overhead_bp), IF(known) },
    { "idle_bp", "idle", 6, VMQ_FIELD_BP, AT(idle_bp), IF(known) },
    { "sleep_bp", NULL, 0, VMQ_FIELD_BP, AT(sleep_bp), IF(known) },
    { "stolen_bp", "stolen", 6, VMQ_FIELD_BP, AT(stolen_bp), IF(known) },
    { NULL, "queues", 6, VMQ_FIELD_UINT, AT(n_rxqs) },
    { "settling", NULL, 0, VMQ_FIELD_BOOL, AT(settling) },
    { "evacuating", NULL, 0, VMQ_FIELD_BOOL, AT(evacuating) },
    { "verdict", "verdict", 0, VMQ_FIELD_STRING, AT(verdict),
      MORE(evacuated) },
    VMQ_FIELDS_END
};
#undef AT
#undef IF
#undef MORE

static struct pmd_row
pmd_row(const struct vmq_show_loads *loads, uint32_t i)
{
    const struct vmq_view *view = loads->view;
    const struct vmq_pmd *raw = &view->raw.pmds[i];
    uint32_t j = (view->measured
                  ? vmq_snapshot_find_pmd(&view->snapshot, raw->core_id)
                  : VMQ_NONE);
    struct pmd_row row = {
        .core = raw->core_id,
        .sibling_group = raw->sibling_group,
        .n_rxqs = loads->n_rxqs[i],
        .numa = raw->numa_id,
        .state = (raw->parked ? "parked"
                  : raw->isolated ? "isolated" : "active"),
        .isolated = raw->isolated,
        .parked = raw->parked,
        .settling = raw->settling,
        .evacuating = raw->evacuating,
        .known = j != VMQ_NONE,
    };

    if (row.known) {
        const struct vmq_pmd *pmd = &view->snapshot.pmds[j];
        const struct vmq_judgement *judgement = &view->plan.pmds[j];
        uint64_t window = view->snapshot.window_cycles;

        row.load_bp = judgement->load_bp;
        row.slow_bp = judgement->slow_bp;
        row.capacity_bp = judgement->capacity_bp;
        row.overhead_bp = share_bp(pmd->overhead_cycles, window);
        row.idle_bp = share_bp(pmd->idle_cycles, window);
        row.sleep_bp = share_bp(pmd->sleep_cycles, window);
        row.stolen_bp = share_bp(pmd->stolen_cycles, window);
        row.settling = pmd->settling;
        row.evacuating = pmd->evacuating;
        row.verdict = vmq_verdict_name(judgement->verdict);
        row.evacuated = pmd->evacuating ? ", being evacuated" : "";
    }
    return row;
}

/* Queues. */

/* Of a queue in the window. */
#define AT(MEMBER) VMQ_AT(struct vmq_rxq, MEMBER)
static const struct vmq_field window_fields[] = {
    { "packets", NULL, 0, VMQ_FIELD_UINT, AT(packets) },
    { "busy_cycles", NULL, 0, VMQ_FIELD_UINT, AT(cycles) },
    { "polls", NULL, 0, VMQ_FIELD_UINT, AT(polls) },
    { "full_batches", NULL, 0, VMQ_FIELD_UINT, AT(full_batches) },
    VMQ_FIELDS_END
};
#undef AT

/* What the ledger knows of a queue. */
#define AT(MEMBER) VMQ_AT(struct vmq_account, MEMBER)
static const struct vmq_field account_fields[] = {
    { "moved_ms", NULL, 0, VMQ_FIELD_UINT, AT(moved_ms) },
    { "from", NULL, 0, VMQ_FIELD_UINT, AT(left_core) },
    { "rested", NULL, 0, VMQ_FIELD_BOOL, AT(rested) },
    { "balance_mc", NULL, 0, VMQ_FIELD_INT, AT(balance_mc) },
    { "doublings", NULL, 0, VMQ_FIELD_UINT, AT(doublings) },
    VMQ_FIELDS_END
};
#undef AT

struct rxq_row {
    const char *port, *status, *backlogged;
    uint32_t qid, core, n_moves, tunnel_flows;
    bool reserved;              /* Has a reserve, which is: */
    uint32_t reserve_bp;
    int32_t numa;
    bool polled;
    uint64_t packets, busy_cycles, polls, full_batches;

    int32_t credits_mc;         /* Whatever a move would cost. */
    uint32_t refill_ms;
    bool limited;               /* Whether that means anything. */
    const struct vmq_account *last_move;        /* Null if it never moved. */

    const struct vmq_rxq *window;       /* Null if it was not measured. */
    bool known;                 /* Was measured; thus are: */
    bool backlog;
    uint32_t load_bp, slow_bp;
    uint64_t packets_per_s;
    bool received;              /* Had packets; thus is: */
    uint64_t cycles_per_packet;
    struct vmq_shares history;
};

#define AT(MEMBER) VMQ_AT(struct rxq_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct rxq_row, MEMBER)
#define MORE(MEMBER) VMQ_MORE(struct rxq_row, MEMBER)
static const struct vmq_field rxq_fields[] = {
    { "port", "port", -16, VMQ_FIELD_STRING, AT(port) },
    { "queue", "queue", 5, VMQ_FIELD_UINT, AT(qid) },
    { "core", "core", 4, VMQ_FIELD_UINT, AT(core), IF(polled) },
    { "numa", NULL, 0, VMQ_FIELD_INT, AT(numa) },
    { "load_bp", "load", 6, VMQ_FIELD_BP, AT(load_bp), IF(known) },
    { "slow_bp", "slow", 6, VMQ_FIELD_BP, AT(slow_bp), IF(known) },
    { "history_bp", NULL, 0, VMQ_FIELD_SHARES, AT(history) },
    { NULL, "packets/s", 10, VMQ_FIELD_UINT, AT(packets_per_s), IF(known) },
    { NULL, "cycles/packet", 13, VMQ_FIELD_UINT, AT(cycles_per_packet),
      IF(received) },
    { NULL, "credits", 7, VMQ_FIELD_THOUSANDTHS, AT(credits_mc), IF(limited) },
    { "credits_mc", NULL, 0, VMQ_FIELD_INT, AT(credits_mc) },
    { "refill_ms", NULL, 0, VMQ_FIELD_UINT, AT(refill_ms) },
    { "last_move", NULL, 0, VMQ_FIELD_OBJECT, AT(last_move),
      .object = account_fields },
    { "moves", "moves", 5, VMQ_FIELD_UINT, AT(n_moves) },
    { "tunnel_flows", NULL, 0, VMQ_FIELD_UINT, AT(tunnel_flows) },
    { "reserve_bp", NULL, 0, VMQ_FIELD_BP, AT(reserve_bp), IF(reserved),
      .omit = true },
    { "status", "status", 0, VMQ_FIELD_STRING, AT(status), MORE(backlogged) },
    { "backlog", NULL, 0, VMQ_FIELD_BOOL, AT(backlog) },
    { "packets", NULL, 0, VMQ_FIELD_UINT, AT(packets) },
    { "busy_cycles", NULL, 0, VMQ_FIELD_UINT, AT(busy_cycles) },
    { "polls", NULL, 0, VMQ_FIELD_UINT, AT(polls) },
    { "full_batches", NULL, 0, VMQ_FIELD_UINT, AT(full_batches) },
    { "window", NULL, 0, VMQ_FIELD_OBJECT, AT(window),
      .object = window_fields },
    VMQ_FIELDS_END
};
#undef AT
#undef IF
#undef MORE

/* The load of raw queue 'i', 0 if it was not measured. */
static uint32_t
rxq_load_bp(const struct vmq_show_loads *loads, uint32_t i)
{
    return (loads->windowed[i] != VMQ_NONE
            ? vmq_rxq_load_bp(&loads->view->snapshot, loads->windowed[i]) : 0);
}

static uint32_t
rxq_slow_bp(const struct vmq_rxq *rxq)
{
    uint32_t max_bp = 0;

    for (uint32_t i = 0; i < rxq->n_history; i++) {
        max_bp = MAX(max_bp, rxq->history_bp[i]);
    }
    return max_bp;
}

/* '*account' is what the row may point to. */
static struct rxq_row
rxq_row(const struct vmq_show_loads *loads, uint32_t i,
        struct vmq_account *account)
{
    const struct vmq_view *view = loads->view;
    const struct vmq_rxq *raw = &view->raw.rxqs[i];
    struct vmq_quote quote;

    vmq_credit_quote(view->ledger, &view->config, &view->raw, i, VMQ_NONE,
                     &quote);

    struct rxq_row row = {
        .port = port_name(&view->raw, i),
        .status = vmq_mobility_to_string(raw->mobility),
        .backlogged = "",
        .qid = raw->qid,
        .core = (raw->pmd != VMQ_NONE ? view->raw.pmds[raw->pmd].core_id
                 : VMQ_NONE),
        .n_moves = raw->n_moves,
        .tunnel_flows = raw->tunnel_flows,
        .reserved = raw->reserve_bp != 0,
        .reserve_bp = raw->reserve_bp,
        .numa = raw->numa_id,
        .polled = raw->pmd != VMQ_NONE,
        .packets = raw->packets,
        .busy_cycles = raw->cycles,
        .polls = raw->polls,
        .full_batches = raw->full_batches,
        .credits_mc = quote.balance_mc,
        .refill_ms = quote.refill_ms,
        .limited = view->on && view->config.credits,
        .last_move = (vmq_ledger_get(view->ledger, &view->raw, i, account)
                      ? account : NULL),
    };

    if (loads->windowed[i] != VMQ_NONE) {
        const struct vmq_rxq *rxq
            = &view->snapshot.rxqs[loads->windowed[i]];
        uint64_t window_ms = view->snapshot.window_ms;

        row.window = rxq;
        row.known = true;
        row.backlog = rxq->backlog;
        row.backlogged = rxq->backlog ? ", backlog" : "";
        row.load_bp = rxq_load_bp(loads, i);
        row.slow_bp = rxq_slow_bp(rxq);
        row.packets_per_s = window_ms ? rxq->packets * 1000 / window_ms : 0;
        row.received = rxq->packets != 0;
        row.cycles_per_packet = rxq->packets ? rxq->cycles / rxq->packets : 0;
        row.history = (struct vmq_shares) { rxq->history_bp, rxq->n_history };
    }
    return row;
}

/* Ports: sums over their queues, cumulative but for the load. */

struct port_row {
    const char *name;
    uint32_t port_no, n_rxqs, load_bp;
    bool known;                 /* The load. */
    uint32_t reserve_bp;        /* For each of its queues. */
    bool reserved;
    uint64_t packets, busy_cycles, n_moves;
};

#define AT(MEMBER) VMQ_AT(struct port_row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct port_row, MEMBER)
static const struct vmq_field port_fields[] = {
    { "name", "port", -16, VMQ_FIELD_STRING, AT(name) },
    { "port_no", NULL, 0, VMQ_FIELD_UINT, AT(port_no) },
    { "queues", "queues", 6, VMQ_FIELD_UINT, AT(n_rxqs) },
    { "reserve_bp", "reserve", 7, VMQ_FIELD_BP, AT(reserve_bp), IF(reserved),
      .omit = true },
    { NULL, "load", 6, VMQ_FIELD_BP, AT(load_bp) },
    { "load_bp", NULL, 0, VMQ_FIELD_BP, AT(load_bp), IF(known) },
    { "packets", "packets", 14, VMQ_FIELD_UINT, AT(packets) },
    { "busy_cycles", "busy cycles", 18, VMQ_FIELD_UINT, AT(busy_cycles) },
    { "moves", "moves", 5, VMQ_FIELD_UINT, AT(n_moves) },
    VMQ_FIELDS_END
};
#undef AT
#undef IF

/* Returns one for each port, to be freed. */
static struct port_row *
port_rows(const struct vmq_show_loads *loads)
{
    const struct vmq_snapshot *raw = &loads->view->raw;
    struct port_row *rows = xcalloc(raw->n_ports, sizeof *rows);

    for (uint32_t i = 0; i < raw->n_ports; i++) {
        rows[i].name = raw->ports[i].name;
        rows[i].port_no = raw->ports[i].port_no;
        rows[i].known = loads->view->measured;
    }
    for (uint32_t i = 0; i < raw->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &raw->rxqs[i];
        struct port_row *row = &rows[rxq->port];

        row->n_rxqs++;
        row->reserve_bp = rxq->reserve_bp;
        row->reserved = rxq->reserve_bp != 0;
        row->load_bp += rxq_load_bp(loads, i);
        row->packets += rxq->packets;
        row->busy_cycles += rxq->cycles;
        row->n_moves += rxq->n_moves;
    }
    return rows;
}

/* Flows, only in JSON. */

struct flows_row {
    const char *port;
    uint32_t core, flows;
};

#define AT(MEMBER) VMQ_AT(struct flows_row, MEMBER)
static const struct vmq_field flows_fields[] = {
    { "port", NULL, 0, VMQ_FIELD_STRING, AT(port) },
    { "core", NULL, 0, VMQ_FIELD_UINT, AT(core) },
    { "flows", NULL, 0, VMQ_FIELD_UINT, AT(flows) },
    VMQ_FIELDS_END
};
#undef AT

/* All of them. */

void
vmq_show_loads_init(struct vmq_show_loads *loads, const struct vmq_view *view)
{
    const struct vmq_snapshot *raw = &view->raw;

    loads->view = view;
    loads->windowed = xcalloc(raw->n_rxqs, sizeof *loads->windowed);
    if (view->measured) {
        vmq_snapshot_match_rxqs(raw, &view->snapshot, loads->windowed);
    } else {
        for (uint32_t i = 0; i < raw->n_rxqs; i++) {
            loads->windowed[i] = VMQ_NONE;
        }
    }
    loads->n_rxqs = xcalloc(raw->n_pmds, sizeof *loads->n_rxqs);
    for (uint32_t i = 0; i < raw->n_rxqs; i++) {
        if (raw->rxqs[i].pmd != VMQ_NONE) {
            loads->n_rxqs[raw->rxqs[i].pmd]++;
        }
    }
}

void
vmq_show_loads_destroy(struct vmq_show_loads *loads)
{
    free(loads->windowed);
    free(loads->n_rxqs);
}

/* Appends a table of each to 'reply'. */
void
vmq_show_loads_put(const struct vmq_show_loads *loads, struct ds *reply)
{
    const struct vmq_view *view = loads->view;

    ds_put_char(reply, '\n');
    vmq_fields_put_heading(pmd_fields, reply);
    for (uint32_t i = 0; i < view->raw.n_pmds; i++) {
        struct pmd_row row = pmd_row(loads, i);

        vmq_fields_put_columns(pmd_fields, &row, reply);
    }

    ds_put_char(reply, '\n');
    vmq_fields_put_heading(rxq_fields, reply);
    for (uint32_t i = 0; i < view->raw.n_rxqs; i++) {
        struct vmq_account account;
        struct rxq_row row = rxq_row(loads, i, &account);

        vmq_fields_put_columns(rxq_fields, &row, reply);
    }

    struct port_row *ports = port_rows(loads);
    ds_put_char(reply, '\n');
    vmq_fields_put_heading(port_fields, reply);
    for (uint32_t i = 0; i < view->raw.n_ports; i++) {
        vmq_fields_put_columns(port_fields, &ports[i], reply);
    }
    free(ports);
}

void
vmq_show_json_pmds(struct vmq_json *json, const void *loads_)
{
    const struct vmq_show_loads *loads = loads_;

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < loads->view->raw.n_pmds; i++) {
        struct pmd_row pmd = pmd_row(loads, i);

        vmq_json_put_object(json, pmd_fields, &pmd);
    }
    vmq_json_end_array(json);
}

void
vmq_show_json_rxqs(struct vmq_json *json, const void *loads_)
{
    const struct vmq_show_loads *loads = loads_;

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < loads->view->raw.n_rxqs; i++) {
        struct vmq_account account;
        struct rxq_row rxq = rxq_row(loads, i, &account);

        vmq_json_put_object(json, rxq_fields, &rxq);
    }
    vmq_json_end_array(json);
}

void
vmq_show_json_ports(struct vmq_json *json, const void *loads_)
{
    const struct vmq_show_loads *loads = loads_;
    struct port_row *ports = port_rows(loads);

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < loads->view->raw.n_ports; i++) {
        vmq_json_put_object(json, port_fields, &ports[i]);
    }
    vmq_json_end_array(json);
    free(ports);
}

void
vmq_show_json_flows(struct vmq_json *json, const void *loads_)
{
    const struct vmq_show_loads *loads = loads_;
    const struct vmq_snapshot *raw = &loads->view->raw;

    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < raw->n_port_pmds; i++) {
        const struct vmq_port_pmd *port_pmd = &raw->port_pmds[i];
        struct flows_row flows = {
            .port = raw->ports[port_pmd->port].name,
            .core = raw->pmds[port_pmd->pmd].core_id,
            .flows = port_pmd->flows,
        };

        vmq_json_put_object(json, flows_fields, &flows);
    }
    vmq_json_end_array(json);
}

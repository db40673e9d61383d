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
#include "vmq-host.h"

#include "vmq-load.h"
#include "vmq-plan-check.h"
#include "vmq-snapshot-check.h"
#include "vmq-test.h"
#include "vmq-util.h"

#define WINDOW_MS 300
#define PER_BP (WINDOW_MS * (uint64_t) HOST_CYCLES_PER_MS / VMQ_BP)

void
host_init(struct vmq_host *h, const char *numas)
{
    uint32_t core = 0;

    memset(h, 0, sizeof *h);
    vmq_config_init(&h->config);
    vmq_snapshot_init(&h->s);
    vmq_snapshot_init(&h->raw);
    vmq_plan_init(&h->plan);
    h->ledger = vmq_ledger_create();
    h->window = vmq_window_create();
    h->outcome = VMQ_OUTCOME_APPLIED;

    h->s.generation = 1;
    h->s.now_ms = 1000000;
    h->s.window_ms = WINDOW_MS;
    h->s.window_ns = WINDOW_MS * 1000000ULL;
    h->s.window_cycles = WINDOW_MS * (uint64_t) HOST_CYCLES_PER_MS;
    for (char *end; *numas; numas = end) {
        long int numa = strtol(numas, &end, 10);
        uint32_t i = vmq_snapshot_add_pmd(&h->s, core, numa);

        h->s.pmds[i].sibling_group = core++;
        h->s.pmds[i].parked = true;
        h->s.pmds[i].busy_cycles = h->s.window_cycles;
    }
}

void
host_destroy(struct vmq_host *h)
{
    vmq_plan_destroy(&h->plan);
    vmq_snapshot_destroy(&h->s);
    vmq_snapshot_destroy(&h->raw);
    vmq_ledger_destroy(h->ledger);
    vmq_window_destroy(h->window);
    free(h->offered_bp);
    free(h->log);
}

void
host_set_fast(struct vmq_host *h, uint32_t rxq, uint32_t load_bp)
{
    h->s.rxqs[rxq].cycles = load_bp * PER_BP;
    h->offered_bp[rxq] = load_bp;
}

void
host_set_load(struct vmq_host *h, uint32_t rxq, uint32_t load_bp)
{
    struct vmq_rxq *q = &h->s.rxqs[rxq];

    host_set_fast(h, rxq, load_bp);
    q->n_history = VMQ_HISTORY_SLOTS;
    for (uint32_t i = 0; i < VMQ_HISTORY_SLOTS; i++) {
        q->history_bp[i] = load_bp < UINT16_MAX ? load_bp : UINT16_MAX;
    }
}

static uint32_t
add_rxq(struct vmq_host *h, uint32_t port, uint32_t qid, uint32_t core,
        uint32_t load_bp)
{
    uint32_t numa = core != VMQ_NONE ? h->s.pmds[core].numa_id : 0;
    uint32_t i = vmq_snapshot_add_rxq(&h->s, port, qid, core, numa);

    h->offered_bp = vmq_xrealloc(h->offered_bp, i + 1,
                                 sizeof *h->offered_bp);
    host_set_load(h, i, load_bp);
    if (core != VMQ_NONE) {
        h->s.pmds[core].parked = false;
    }
    return i;
}

uint32_t
host_add(struct vmq_host *h, uint32_t core, uint32_t load_bp)
{
    char *name = vmq_xasprintf("q%u", h->s.n_rxqs);
    uint32_t port = vmq_snapshot_add_port(&h->s, name, h->s.n_ports + 1);

    free(name);
    return add_rxq(h, port, 0, core, load_bp);
}

uint32_t
host_add_beside(struct vmq_host *h, uint32_t core, uint32_t load_bp)
{
    const struct vmq_rxq *last = &h->s.rxqs[h->s.n_rxqs - 1];

    return add_rxq(h, last->port, last->qid + 1, core, load_bp);
}

void
host_plan(struct vmq_host *h)
{
    char *why = NULL;

    if (!vmq_snapshot_valid(&h->s, true, &why)) {
        fail_msg("snapshot: %s", why);
    }
    vmq_plan_compute(&h->s, &h->config, h->ledger, &h->plan);
    if (!vmq_plan_valid(&h->plan, &h->s, &h->config, &why)) {
        fail_msg("plan: %s", why);
    }
}

void
host_expect__(struct vmq_host *h, const char *expected, const char *file,
              int line)
{
    char *moves = vmq_xstrdup("");

    host_plan(h);
    for (uint32_t i = 0; i < h->plan.n_moves; i++) {
        const struct vmq_move *m = &h->plan.moves[i];
        char *longer = vmq_xasprintf("%s%sq%u %u>%u %s", moves,
                                     i ? ", " : "", m->rxq,
                                     h->s.pmds[m->from].core_id,
                                     h->s.pmds[m->to].core_id,
                                     vmq_reason_name(m->reason));

        free(moves);
        moves = longer;
    }
    _assert_string_equal(moves, expected, file, line);
    free(moves);
}

/* The assignment of 's' has changed: parks the PMDs without queues. */
static void
reassigned(struct vmq_snapshot *s)
{
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        s->pmds[i].parked = true;
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        if (s->rxqs[i].pmd != VMQ_NONE) {
            s->pmds[s->rxqs[i].pmd].parked = false;
        }
    }
    s->generation++;
}

/* Puts the queues of 's' that the plan moves where they should be. */
static void
carry_out(const struct vmq_plan *plan, struct vmq_snapshot *s)
{
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        s->rxqs[plan->moves[i].rxq].pmd = plan->moves[i].to;
        s->rxqs[plan->moves[i].rxq].n_moves++;
    }
    reassigned(s);
}

uint32_t
host_load_bp(const struct vmq_host *h, uint32_t pmd)
{
    uint32_t sum_bp = 0;

    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        if (h->s.rxqs[i].pmd == pmd) {
            sum_bp += vmq_rxq_load_bp(&h->s, i);
        }
    }
    return sum_bp;
}

bool
host_has_backlog(const struct vmq_host *h, uint32_t pmd)
{
    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        if (h->s.rxqs[i].pmd == pmd && h->s.rxqs[i].backlog) {
            return true;
        }
    }
    return false;
}

static void
log_move(struct vmq_host *h, const struct vmq_move *m,
         enum vmq_return returned)
{
    const struct vmq_rxq *q = &h->s.rxqs[m->rxq];
    struct host_move *log;

    if (h->n_log == h->allocated_log) {
        h->allocated_log = h->allocated_log ? 2 * h->allocated_log : 64;
        h->log = vmq_xrealloc(h->log, h->allocated_log, sizeof *h->log);
    }
    log = &h->log[h->n_log++];
    log->ms = h->s.now_ms;
    log->port_no = h->s.ports[q->port].port_no;
    log->qid = q->qid;
    log->from = h->s.pmds[m->from].core_id;
    log->to = h->s.pmds[m->to].core_id;
    log->from_bp = host_load_bp(h, m->from);
    log->lossy = host_has_backlog(h, m->from);
    log->reason = m->reason;
    log->returned = returned;
}

/* Tells everybody what became of the plan. */
static void
commit(struct vmq_host *h)
{
    enum vmq_return *returns = vmq_xcalloc(h->plan.n_moves, sizeof *returns);
    enum vmq_outcome *outcomes = vmq_xcalloc(h->plan.n_moves,
                                             sizeof *outcomes);

    for (uint32_t i = 0; i < h->plan.n_moves; i++) {
        outcomes[i] = h->outcome;
    }
    vmq_credit_commit(h->ledger, &h->config, &h->s, h->plan.moves,
                      h->plan.n_moves, outcomes, returns);
    vmq_window_commit(h->window, &h->config, &h->s, h->plan.moves,
                      h->plan.n_moves, outcomes);
    for (uint32_t i = 0; i < h->plan.n_moves; i++) {
        h->n_pingpongs += returns[i] == VMQ_RETURN_PINGPONG;
        h->n_forced_returns += returns[i] == VMQ_RETURN_FORCED;
        if (h->outcome == VMQ_OUTCOME_APPLIED) {
            log_move(h, &h->plan.moves[i], returns[i]);
        }
    }
    h->n_plans += h->plan.n_moves > 0;
    h->n_moves += h->plan.n_moves;
    free(outcomes);
    free(returns);
}

void
host_apply(struct vmq_host *h, uint64_t ms)
{
    commit(h);
    if (h->plan.n_moves && h->outcome == VMQ_OUTCOME_APPLIED) {
        for (uint32_t i = 0; i < h->s.n_pmds; i++) {
            h->s.pmds[i].evacuating = false;
        }
        for (uint32_t i = 0; i < h->plan.n_moves; i++) {
            const struct vmq_move *m = &h->plan.moves[i];

            h->s.pmds[m->from].evacuating
                = (m->reason == VMQ_REASON_COALESCE
                   || m->reason == VMQ_REASON_EVACUATE);
        }
        carry_out(&h->plan, &h->s);
        for (uint32_t i = 0; i < h->s.n_pmds; i++) {
            h->s.pmds[i].evacuating &= !h->s.pmds[i].parked;
        }
    }
    h->s.now_ms += ms;
}

uint32_t
host_settle(struct vmq_host *h, uint32_t max, uint64_t ms)
{
    for (uint32_t n = 0; n < max; n++) {
        host_plan(h);
        if (!h->plan.n_moves) {
            return n;
        }
        host_apply(h, ms);
    }
    return max;
}

const char *
host_where(const struct vmq_host *h)
{
    static char text[4096];
    size_t n = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        n += snprintf(text + n, sizeof text - n, "%s%u:", i ? " | " : "",
                      h->s.pmds[i].core_id);
        for (uint32_t k = 0; k < h->s.n_rxqs && n < sizeof text; k++) {
            if (h->s.rxqs[k].pmd == i) {
                n += snprintf(text + n, sizeof text - n, " q%u", k);
            }
        }
    }
    return text;
}

uint32_t
host_n_active(const struct vmq_host *h)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        n += !h->s.pmds[i].parked;
    }
    return n;
}

uint32_t
host_worst_bp(const struct vmq_host *h)
{
    uint32_t worst_bp = 0;

    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        uint32_t bp = host_load_bp(h, i);

        worst_bp = bp > worst_bp ? bp : worst_bp;
    }
    return worst_bp;
}

/* The closed loop. */

/* Lets the queue take 'cycles' in which it is offered more than that if
 * 'losing'. */
static void
count_rxq(struct vmq_rxq *q, uint64_t cycles, bool losing)
{
    uint64_t polls = cycles / (losing ? 32000 : 8000);

    q->cycles += cycles;
    q->packets += cycles / 1000;
    q->polls += polls;
    q->full_batches += losing ? polls : 0;
}

static void
count(struct vmq_host *h, uint64_t ms)
{
    uint64_t total = ms * HOST_CYCLES_PER_MS;

    for (uint32_t i = 0; i < h->raw.n_pmds; i++) {
        struct vmq_pmd *pmd = &h->raw.pmds[i];
        uint64_t offered_bp = 0, busy = 0;

        for (uint32_t k = 0; k < h->raw.n_rxqs; k++) {
            offered_bp += h->raw.rxqs[k].pmd == i ? h->offered_bp[k] : 0;
        }
        for (uint32_t k = 0; k < h->raw.n_rxqs; k++) {
            struct vmq_rxq *q = &h->raw.rxqs[k];
            uint64_t wants = total / VMQ_BP * h->offered_bp[k];
            uint64_t gets = (offered_bp > VMQ_BP
                             ? wants * VMQ_BP / offered_bp : wants);

            if (q->pmd == i) {
                count_rxq(q, gets, gets < wants);
                h->lost_cycles += wants - gets;
                busy += gets;
            }
        }
        if (!pmd->parked) {
            pmd->busy_cycles += busy;
            pmd->idle_cycles += total > busy ? total - busy : 0;
            pmd->cpu_ns += ms * 1000000;
        }
    }
    h->raw.now_ms += ms;
    h->raw.window_cycles += total;
    h->raw.window_ns += ms * 1000000;
}

static void
start_counting(struct vmq_host *h)
{
    vmq_snapshot_copy(&h->raw, &h->s);
    h->raw.window_ms = 0;
    h->raw.window_cycles = h->raw.window_ns = 0;
    for (uint32_t i = 0; i < h->raw.n_pmds; i++) {
        h->raw.pmds[i].busy_cycles = 0;
    }
    for (uint32_t i = 0; i < h->raw.n_rxqs; i++) {
        h->raw.rxqs[i].cycles = 0;
        h->raw.rxqs[i].n_history = 0;
        memset(h->raw.rxqs[i].history_bp, 0,
               sizeof h->raw.rxqs[i].history_bp);
    }
}

enum vmq_sample_status
host_tick(struct vmq_host *h)
{
    enum vmq_sample_status status;

    if (!h->raw.n_pmds) {
        start_counting(h);
    } else {
        count(h, h->config.interval_ms);
    }
    status = vmq_window_add(h->window, &h->config, &h->raw);
    if (vmq_window_snapshot(h->window, &h->config, &h->s)) {
        host_plan(h);
        commit(h);
        if (h->outcome == VMQ_OUTCOME_APPLIED && h->plan.n_moves) {
            carry_out(&h->plan, &h->raw);
        }
    }
    return status;
}

uint32_t
host_run(struct vmq_host *h, uint64_t ms)
{
    uint32_t n_moves = h->n_moves;

    for (uint64_t t = 0; t < ms; t += h->config.interval_ms) {
        host_tick(h);
    }
    return h->n_moves - n_moves;
}

void
host_remove(struct vmq_host *h, uint32_t rxq)
{
    uint32_t n = --h->raw.n_rxqs - rxq;

    memmove(&h->raw.rxqs[rxq], &h->raw.rxqs[rxq + 1],
            n * sizeof *h->raw.rxqs);
    memmove(&h->offered_bp[rxq], &h->offered_bp[rxq + 1],
            n * sizeof *h->offered_bp);
    reassigned(&h->raw);
}

uint32_t
host_worst_offered_bp(const struct vmq_host *h)
{
    uint32_t worst_bp = 0;

    for (uint32_t i = 0; i < h->raw.n_pmds; i++) {
        uint32_t bp = 0;

        for (uint32_t k = 0; k < h->raw.n_rxqs; k++) {
            bp += h->raw.rxqs[k].pmd == i ? h->offered_bp[k] : 0;
        }
        worst_bp = bp > worst_bp ? bp : worst_bp;
    }
    return worst_bp;
}

/* The log. */

bool
host_same_rxq(const struct host_move *a, const struct host_move *b)
{
    return a->port_no == b->port_no && a->qid == b->qid;
}

/* The last move before log[i] of the same queue, NULL if there is none. */
static const struct host_move *
previous_move(const struct vmq_host *h, uint32_t i)
{
    for (uint32_t k = i; k-- > 0; ) {
        if (host_same_rxq(&h->log[k], &h->log[i])) {
            return &h->log[k];
        }
    }
    return NULL;
}

/* Did log[i] free a PMD, on which the queue had rested?  Moves before the log
 * do not count. */
static bool
is_rested(const struct vmq_host *h, uint32_t i)
{
    const struct host_move *m = &h->log[i];
    const struct host_move *before = previous_move(h, i);

    return (h->config.credits && m->reason == VMQ_REASON_COALESCE
            && (!before
                || m->ms - before->ms >= vmq_credit_rest_ms(&h->config)));
}

bool
host_is_return(const struct vmq_host *h, uint32_t i)
{
    const struct host_move *m = &h->log[i];
    const struct host_move *before = previous_move(h, i);

    return (before && before->from == m->to
            && m->ms - before->ms < VMQ_PINGPONG_MS
            && !is_rested(h, i)
            && (m->reason == VMQ_REASON_COALESCE
                || !is_rested(h, before - h->log)));
}

uint32_t
host_moves_bound(const struct vmq_config *c, uint64_t ms)
{
    return (2 * c->credits
            + (ms + c->credit_refill_ms - 1) / c->credit_refill_ms
            + ms / vmq_credit_rest_ms(c) + 1);
}

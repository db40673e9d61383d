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

/* Dynamic VMQ as a policy of simulated hosts: the library that the switch
 * runs, driven the way that the switch drives it.
 *
 * Skipping ahead
 * ==============
 *
 * Loads that do not change lead to a fixpoint, in which each tick is like the
 * one before.  Ticks are then left out until shortly before loads change
 * again.  What is left out must not be what something waits for: so there must
 * be no verdict that time alone could change.
 *
 * Edges
 * =====
 *
 * A PMD raises an edge when packets have waited for pmd-vmq-edge, and again
 * after the same time or, if nothing came of the last one, twice that time,
 * four times, and so on, up to the spread hold, after it was looked at.  It
 * takes WAKE_NS until the first sample of the glance is taken, VMQ_GLANCE_NS
 * to the second one, and MOVE_NS until the queues are polled elsewhere.  No
 * more edges are looked at meanwhile.  What a tick moves is there at once.
 * The budget of edges is not simulated.
 *
 * With ramps, loads never stand still, and no tick is left out: the window
 * would measure over the time left out instead of over the spread hold, which
 * shows less of a load that grows. */

#include <config.h>
#include "vmq-sim-policies.h"

#include "vmq-credit.h"
#include "vmq-edge.h"
#include "vmq-plan-check.h"
#include "vmq-plan.h"
#include "vmq-sim-fluid.h"
#include "vmq-snapshot.h"
#include "vmq-util.h"
#include "vmq-window.h"

/* What a switch needs to notice an edge, and to make a move: flows have to be
 * copied and the queue handed over. */
#define WAKE_NS 50000
#define MOVE_NS 500000

/* The next edge of a PMD. */
struct sim_edge {
    uint64_t next_ns;           /* When it comes, or SIM_NEVER... */
    uint64_t wait_ns;           /* ...how long after the one before. */
};

struct sim_vmq {
    struct vmq_config config;
    struct vmq_window *window;
    struct vmq_ledger *ledger;
    struct vmq_snapshot raw;
    struct vmq_snapshot snapshot;
    struct vmq_plan plan;
    uint32_t *rxqs;             /* Queue of the trace, by that of 'raw'. */
    uint64_t interval_ns;
    uint64_t first_ns;          /* Time of the first tick. */
    uint64_t calm_ns;           /* Time of the last move, or of a load that
                                 * was not constant. */

    /* Edges. */
    struct sim_edge *edges;     /* By PMD. */
    enum { VMQ_IDLE, VMQ_WAKING, VMQ_GLANCING, VMQ_MOVING } stage;
    uint64_t until_ns;          /* When the stage ends. */
    struct vmq_snapshot looked; /* What PMDs were when looked at last... */
    struct vmq_snapshot first;  /* ...the first one of a glance... */
    struct vmq_snapshot glance; /* ...what it showed... */
    struct vmq_plan relief;     /* ...and what is planned by it. */
};

/* Splits the name of a queue, "PORT/QID" or anything else.  The name of the
 * port is malloc()'d. */
static char *
parse_queue_name(const char *name, uint32_t *qid)
{
    const char *slash = strrchr(name, '/');
    char *port = vmq_xstrdup(name);

    *qid = 0;
    if (slash && slash[1] && strspn(slash + 1, "0123456789") < 6
        && !slash[1 + strspn(slash + 1, "0123456789")]) {
        *qid = atoi(slash + 1);
        port[slash - name] = '\0';
    }
    return port;
}

static uint32_t
find_or_add_port(struct vmq_snapshot *snapshot, const char *name)
{
    for (uint32_t i = 0; i < snapshot->n_ports; i++) {
        if (!strcmp(snapshot->ports[i].name, name)) {
            return i;
        }
    }
    return vmq_snapshot_add_port(snapshot, name, snapshot->n_ports + 1);
}

static void *
vmq_create__(struct sim *sim, uint32_t credits)
{
    const struct vmq_trace *trace = sim->options->trace;
    struct sim_vmq *vmq = vmq_xcalloc(1, sizeof *vmq);

    vmq->config = sim->options->config;
    vmq->config.credits = credits;
    vmq->window = vmq_window_create();
    vmq->ledger = vmq_ledger_create();
    vmq_snapshot_init(&vmq->raw);
    vmq_snapshot_init(&vmq->looked);
    vmq_snapshot_init(&vmq->first);
    vmq_snapshot_init(&vmq->glance);
    vmq_plan_init(&vmq->relief);
    vmq->edges = vmq_xcalloc(sim->n_pmds, sizeof *vmq->edges);
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        vmq->edges[pmd].next_ns = SIM_NEVER;
    }
    vmq_snapshot_init(&vmq->snapshot);
    vmq_plan_init(&vmq->plan);
    vmq->interval_ns = vmq->config.interval_ms * SIM_NS_PER_MS;
    vmq->rxqs = vmq_xcalloc(sim->n_rxqs, sizeof *vmq->rxqs);

    sim_deal(sim);
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        vmq_snapshot_add_pmd(&vmq->raw, pmd, sim->options->numa_ids[pmd]);
        vmq->raw.pmds[pmd].sibling_group = pmd;
    }
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        uint32_t qid;
        char *name = parse_queue_name(trace->names[i], &qid);
        uint32_t port = find_or_add_port(&vmq->raw, name);

        /* For a moment, to find it again in the order of a snapshot. */
        vmq_snapshot_add_rxq(&vmq->raw, port, qid, sim->rxqs[i].pmd,
                             trace->numa_ids[i]);
        vmq->raw.rxqs[i].packets = i;
        free(name);
    }
    vmq_snapshot_sort(&vmq->raw);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        vmq->rxqs[i] = vmq->raw.rxqs[i].packets;
    }
    vmq->first_ns = sim_phase_ns(sim, vmq->interval_ns);
    sim->tick_ns = vmq->first_ns;
    return vmq;
}

static void *
vmq_create(struct sim *sim)
{
    return vmq_create__(sim, sim->options->config.credits);
}

static void *
vmq_nocredit_create(struct sim *sim)
{
    return vmq_create__(sim, 0);
}

static void
vmq_destroy(void *vmq_)
{
    struct sim_vmq *vmq = vmq_;

    vmq_window_destroy(vmq->window);
    vmq_ledger_destroy(vmq->ledger);
    vmq_snapshot_destroy(&vmq->raw);
    vmq_snapshot_destroy(&vmq->looked);
    vmq_snapshot_destroy(&vmq->first);
    vmq_snapshot_destroy(&vmq->glance);
    vmq_plan_destroy(&vmq->relief);
    free(vmq->edges);
    vmq_snapshot_destroy(&vmq->snapshot);
    vmq_plan_destroy(&vmq->plan);
    free(vmq->rxqs);
    free(vmq);
}

/* Brings 'vmq->raw' up to date. */
static void
vmq_collect(struct sim_vmq *vmq, const struct sim *sim)
{
    struct vmq_snapshot *raw = &vmq->raw;
    double hz = sim->options->hz;

    raw->now_ms = sim->now_ns / SIM_NS_PER_MS;
    raw->window_ns = sim->now_ns;
    raw->window_cycles = sim->now_ns * (hz / SIM_NS_PER_S);
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        const struct sim_pmd *thread = &sim->pmds[i];
        struct vmq_pmd *pmd = &raw->pmds[i];

        pmd->parked = !thread->n_rxqs;
        pmd->busy_cycles = thread->busy_s * hz + .5;
        pmd->idle_cycles = thread->idle_s * hz + .5;
        pmd->cpu_ns = ((thread->busy_s + thread->idle_s - thread->stolen_s)
                       * SIM_NS_PER_S);
    }
    for (uint32_t i = 0; i < raw->n_rxqs; i++) {
        const struct sim_rxq *queue = &sim->rxqs[vmq->rxqs[i]];
        struct vmq_rxq *rxq = &raw->rxqs[i];

        rxq->pmd = queue->pmd;
        rxq->n_moves = queue->n_moves;
        rxq->packets = queue->packets + .5;
        rxq->cycles = queue->packets * sim->options->cycles_per_packet + .5;
        rxq->polls = queue->polls;
        rxq->full_batches = queue->full_batches;
    }
}

/* Why a queue of 'snapshot' makes 'move', which is in the ledger already, as a
 * return of the kind 'ret'. */
static enum sim_cause
vmq_cause(const struct sim_vmq *vmq, const struct vmq_snapshot *snapshot,
          const struct vmq_move *move, enum vmq_return ret)
{
    struct vmq_account account;

    if (ret == VMQ_RETURN_PINGPONG) {
        return SIM_WISH;
    } else if (move->reason != VMQ_REASON_COALESCE) {
        return SIM_OVERLOAD;
    }
    return (vmq_ledger_get(vmq->ledger, snapshot, move->rxq, &account)
            && account.rested ? SIM_REST : SIM_WISH);
}

/* Carries out 'plan', which is for 'snapshot'. */
static void
vmq_apply(struct sim_vmq *vmq, struct sim *sim,
          const struct vmq_snapshot *snapshot, const struct vmq_plan *plan)
{
    enum vmq_outcome *outcomes;
    enum vmq_return *returns;
    char *why;

    if (!vmq_plan_valid(plan, snapshot, &vmq->config, &why)) {
        fprintf(stderr, "ovs-vmq-sim: the planner is broken: %s\n", why);
        abort();
    }
    outcomes = vmq_xcalloc(plan->n_moves, sizeof *outcomes);
    returns = vmq_xcalloc(plan->n_moves, sizeof *returns);
    vmq_credit_commit(vmq->ledger, &vmq->config, snapshot, plan->moves,
                      plan->n_moves, outcomes, returns);
    vmq_window_commit(vmq->window, &vmq->config, snapshot, plan->moves,
                      plan->n_moves, outcomes);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        const struct vmq_move *move = &plan->moves[i];

        sim_move(sim, vmq->rxqs[move->rxq], move->to,
                 vmq_cause(vmq, snapshot, move, returns[i]));
    }
    vmq->raw.generation++;
    free(outcomes);
    free(returns);
}

/* Could a plan be another one than the last just because time has passed? */
static bool
vmq_waits(const struct sim_vmq *vmq)
{
    for (uint32_t pmd = 0; pmd < vmq->plan.n_pmds; pmd++) {
        enum vmq_verdict verdict = vmq->plan.pmds[pmd].verdict;

        if (verdict == VMQ_VERDICT_NO_CREDIT
            || verdict == VMQ_VERDICT_SETTLING
            || verdict == VMQ_VERDICT_WARMING
            || vmq->snapshot.pmds[pmd].settling
            || vmq->snapshot.pmds[pmd].evacuating) {
            return true;
        }
    }
    return vmq->plan.n_moves > 0;
}

/* The earliest time, after now, at which a queue may move that may not now:
 * because it could return to where it was, because it has earned a credit, or
 * because it is light and has stayed for long enough to move free. */
static uint64_t
vmq_next_event_ns(const struct sim_vmq *vmq)
{
    const struct vmq_snapshot *snapshot = &vmq->snapshot;
    uint32_t refill_ms = vmq->config.credit_refill_ms;
    uint64_t event_ms = UINT64_MAX / SIM_NS_PER_MS;

    for (uint32_t i = 0; i < snapshot->n_rxqs && vmq->config.credits; i++) {
        struct vmq_account account;
        struct vmq_quote quote;

        if (!vmq_ledger_get(vmq->ledger, snapshot, i, &account)) {
            continue;
        }
        vmq_credit_quote(vmq->ledger, &vmq->config, snapshot, i,
                         account.left_core, &quote);
        if (quote.returning
            && account.moved_ms + VMQ_PINGPONG_MS < event_ms) {
            event_ms = account.moved_ms + VMQ_PINGPONG_MS;
        }
        if (quote.balance_mc < VMQ_CREDIT
            && snapshot->now_ms < account.moved_ms + refill_ms
            && account.moved_ms + refill_ms < event_ms) {
            event_ms = account.moved_ms + refill_ms;
        }
        if (quote.balance_mc < VMQ_CREDIT) {
            uint64_t wait_ms = ((uint64_t) (VMQ_CREDIT - quote.balance_mc)
                                * refill_ms / VMQ_CREDIT);

            /* At the earliest: the refill time may be doubled.  There will be
             * a next time then. */
            if (snapshot->now_ms + wait_ms + 1 < event_ms) {
                event_ms = snapshot->now_ms + wait_ms + 1;
            }
        }
    }
    return event_ms * SIM_NS_PER_MS;
}

/* Sets the time of the next tick: one interval on, unless more can be left
 * out. */
static void
vmq_schedule(struct sim_vmq *vmq, struct sim *sim)
{
    const struct vmq_config *config = &vmq->config;
    uint64_t slot_ns = (config->coalesce_hold_ms * SIM_NS_PER_MS
                        / VMQ_HISTORY_SLOTS);
    uint64_t lead_ns = ((config->spread_hold_ms
                         + 4 * (uint64_t) config->interval_ms)
                        * SIM_NS_PER_MS);

    if (sim->options->every_tick || sim->options->ramp
        || sim->options->noise > 0 || vmq_waits(vmq)
        || slot_ns < vmq->interval_ns || slot_ns % vmq->interval_ns) {
        return;
    }

    /* Slots begin anew with the first tick after those left out, so that must
     * be when one would have begun. */
    uint64_t memory_ns = (config->coalesce_hold_ms * SIM_NS_PER_MS + lead_ns
                          + slot_ns);
    uint64_t until_ns = vmq_next_event_ns(vmq);

    if (until_ns > sim->change_ns) {
        until_ns = sim->change_ns;
    }
    if (sim->now_ns >= vmq->calm_ns + memory_ns
        && until_ns > sim->now_ns + lead_ns) {
        uint64_t n_slots = (until_ns - lead_ns - vmq->first_ns) / slot_ns;

        if (vmq->first_ns + n_slots * slot_ns > sim->now_ns) {
            sim->tick_ns = vmq->first_ns + n_slots * slot_ns;
        }
    }
}

static void
vmq_tick(void *vmq_, struct sim *sim)
{
    struct sim_vmq *vmq = vmq_;
    uint64_t begin_ns;

    if (sim->now_ns == sim_row_ns(sim, sim->row)
        || vmq->calm_ns < sim_row_ns(sim, sim->row)) {
        vmq->calm_ns = sim_row_ns(sim, sim->row);
    }
    vmq_collect(vmq, sim);
    vmq_snapshot_copy(&vmq->looked, &vmq->raw);
    vmq_window_add(vmq->window, &vmq->config, &vmq->raw);
    sim->tick_ns = sim->now_ns + vmq->interval_ns;
    if (vmq_window_snapshot(vmq->window, &vmq->config, &vmq->snapshot)) {
        begin_ns = sim_plan_begin();
        vmq_plan_compute(&vmq->snapshot, &vmq->config, vmq->ledger,
                         &vmq->plan);
        sim_plan_end(sim, begin_ns);
        if (vmq->stage == VMQ_MOVING) {
            return;
        }
        if (vmq->plan.n_moves) {
            vmq_apply(vmq, sim, &vmq->snapshot, &vmq->plan);
            vmq->calm_ns = sim->now_ns;
        }
        vmq_schedule(vmq, sim);
    }
}

/* Edges. */

/* Has 'vmq' enter a stage that lasts for 'ns'. */
static void
vmq_enter(struct sim_vmq *vmq, const struct sim *sim, int stage, uint64_t ns)
{
    vmq->stage = stage;
    vmq->until_ns = sim->now_ns + ns;
}

/* An edge of 'pmd' has been looked at, and 'relieved' it or not, perhaps
 * because it has 'catch_up_ns' to catch up: the next one comes later. */
static void
vmq_back_off(struct sim_vmq *vmq, const struct sim *sim, uint32_t pmd,
             bool relieved, uint64_t catch_up_ns)
{
    uint64_t edge_ns = vmq->config.edge_us * UINT64_C(1000);
    uint64_t hold_ns = vmq->config.spread_hold_ms * SIM_NS_PER_MS;
    struct sim_edge *edge = &vmq->edges[pmd];

    edge->wait_ns = relieved ? edge_ns : edge->wait_ns * 2;
    while (edge->wait_ns < catch_up_ns) {
        edge->wait_ns *= 2;
    }
    hold_ns = hold_ns > edge_ns ? hold_ns : edge_ns;
    if (edge->wait_ns > hold_ns) {
        edge->wait_ns = hold_ns;
    }
    edge->next_ns = sim->now_ns + edge->wait_ns;
}

/* Plans by a glance.  Returns true if there is something to move. */
static bool
vmq_relieve(struct sim_vmq *vmq, struct sim *sim)
{
    uint64_t begin_ns;
    bool planned;

    vmq_collect(vmq, sim);
    vmq_window_snapshot(vmq->window, &vmq->config, &vmq->glance);
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (vmq->edges[pmd].next_ns <= sim->now_ns
            && !sim->pmds[pmd].preempted) {
            uint64_t catch_up_ns = 0;

            /* Unless this is before the first tick. */
            if (pmd < vmq->looked.n_pmds) {
                catch_up_ns = vmq_edge_catch_up_ns(
                    &vmq->glance, &vmq->looked.pmds[pmd], &vmq->first,
                    &vmq->raw, pmd);
                vmq->looked.pmds[pmd] = vmq->raw.pmds[pmd];
            }
            if (catch_up_ns) {
                vmq_back_off(vmq, sim, pmd, false, catch_up_ns);
            } else {
                vmq->raw.pmds[pmd].edge = true;
            }
        }
    }
    planned = (vmq_edge_glance(&vmq->glance, &vmq->first, &vmq->raw)
               && vmq_snapshot_has_edge(&vmq->glance));
    if (planned) {
        begin_ns = sim_plan_begin();
        vmq_plan_compute(&vmq->glance, &vmq->config, vmq->ledger,
                         &vmq->relief);
        sim_plan_end(sim, begin_ns);
    }
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        if (vmq->raw.pmds[pmd].edge) {
            vmq_back_off(vmq, sim, pmd,
                         planned && (vmq->relief.pmds[pmd].verdict
                                     == VMQ_VERDICT_SPREAD), 0);
            vmq->raw.pmds[pmd].edge = false;
        }
    }
    return planned && vmq->relief.n_moves > 0;
}

/* Leaves no ticks out from now on. */
static void
vmq_resume_ticks(const struct sim_vmq *vmq, struct sim *sim)
{
    uint64_t n_ticks = (sim->now_ns - vmq->first_ns) / vmq->interval_ns + 1;
    uint64_t next_ns = vmq->first_ns + n_ticks * vmq->interval_ns;

    sim->tick_ns = next_ns < sim->tick_ns ? next_ns : sim->tick_ns;
}

/* When the PMDs between which queues move can hand them over, at the
 * earliest. */
static uint64_t
vmq_answer_ns(const struct sim_vmq *vmq, const struct sim *sim)
{
    uint64_t answer_ns = sim->now_ns;

    for (uint32_t i = 0; i < vmq->relief.n_moves; i++) {
        const struct vmq_move *move = &vmq->relief.moves[i];
        const struct sim_pmd *from, *to;

        from = &sim->pmds[move->from];
        to = &sim->pmds[move->to];
        if (from->preempted && from->preemption_ns > answer_ns) {
            answer_ns = from->preemption_ns;
        }
        if (to->n_rxqs && to->preempted && to->preemption_ns > answer_ns) {
            answer_ns = to->preemption_ns;
        }
    }
    return answer_ns;
}

/* The stage is over: goes on to the next. */
static void
vmq_next_stage(struct sim_vmq *vmq, struct sim *sim)
{
    switch (vmq->stage) {
    case VMQ_WAKING:
        vmq_collect(vmq, sim);
        vmq_snapshot_copy(&vmq->first, &vmq->raw);
        vmq_enter(vmq, sim, VMQ_GLANCING, VMQ_GLANCE_NS);
        break;
    case VMQ_GLANCING:
        if (vmq_relieve(vmq, sim)) {
            vmq_enter(vmq, sim, VMQ_MOVING, MOVE_NS);
            vmq_resume_ticks(vmq, sim);
        } else {
            vmq->stage = VMQ_IDLE;
        }
        break;
    case VMQ_MOVING:
        vmq->until_ns = vmq_answer_ns(vmq, sim);
        if (vmq->until_ns > sim->now_ns) {
            break;
        }
        /* They count from now on. */
        vmq->glance.now_ms = sim->now_ns / SIM_NS_PER_MS;
        vmq_apply(vmq, sim, &vmq->glance, &vmq->relief);
        vmq->calm_ns = sim->now_ns;
        vmq->stage = VMQ_IDLE;
        sim_find_waiting(sim);
        break;
    case VMQ_IDLE:
    default:
        break;
    }
}

static void
vmq_watch(void *vmq_, struct sim *sim)
{
    struct sim_vmq *vmq = vmq_;
    uint64_t edge_ns = SIM_NEVER;

    sim->watch_ns = SIM_NEVER;
    if (!vmq->config.edge_us) {
        return;
    }
    if (vmq->stage != VMQ_IDLE && vmq->until_ns <= sim->now_ns) {
        vmq_next_stage(vmq, sim);
    }
    for (uint32_t pmd = 0; pmd < sim->n_pmds; pmd++) {
        uint64_t full_ns = sim->pmds[pmd].full_ns;
        struct sim_edge *edge = &vmq->edges[pmd];

        if (full_ns == SIM_NEVER) {
            edge->next_ns = SIM_NEVER;
        } else if (edge->next_ns == SIM_NEVER) {
            edge->wait_ns = vmq->config.edge_us * UINT64_C(1000);
            edge->next_ns = full_ns + edge->wait_ns;
        }
        if (!sim->pmds[pmd].preempted && edge->next_ns < edge_ns) {
            edge_ns = edge->next_ns;
        }
    }
    if (vmq->stage == VMQ_IDLE && edge_ns <= sim->now_ns) {
        vmq_enter(vmq, sim, VMQ_WAKING, WAKE_NS);
    }
    sim->watch_ns = vmq->stage == VMQ_IDLE ? edge_ns : vmq->until_ns;
}

const struct sim_policy sim_vmq_policy = {
    "vmq", "dynamic VMQ, as in the switch",
    vmq_create, vmq_destroy, vmq_tick, true, vmq_watch
};
const struct sim_policy sim_vmq_nocredit_policy = {
    "vmq-nocredit", "dynamic VMQ with pmd-vmq-credits=0",
    vmq_nocredit_create, vmq_destroy, vmq_tick, true, vmq_watch
};

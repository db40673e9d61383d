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

/* Property tests: what holds for every host.
 *
 * usage: test-vmq-properties [-n CASES] [-s SEED] [-c CASE]
 *
 * Each test makes CASES random hosts (20,000 by default) and checks them
 * against invariants of vmq-plan.h ("P1") and vmq-credit.h ("C1").  What
 * should be is worked out here again, in the dumbest possible way.  A failure
 * prints the host; -s SEED -c CASE runs that one alone. */

#include <config.h>

#include <unistd.h>

#include "vmq-credit.h"
#include "vmq-dumb.h"
#include "vmq-host.h"
#include "vmq-load.h"
#include "vmq-plan-check.h"
#include "vmq-plan.h"
#include "vmq-snapshot-check.h"
#include "vmq-snapshot-text.h"
#include "vmq-test.h"
#include "vmq-util.h"

#define MAX_PMDS 40

static uint64_t seed = 1;
static unsigned long int n_cases = 20000;
static long int only_case = -1;
static long int this_case;

/* Fails, and prints all there is to know about 'h', unless COND. */
#define CHECK(H, COND) check__(H, COND, #COND, __FILE__, __LINE__)

static void
check__(const struct vmq_host *h, bool ok, const char *what, const char *file,
        int line)
{
    if (ok) {
        return;
    }

    char *text = vmq_snapshot_format(&h->s);

    print_error("%s\n", text);
    free(text);
    for (size_t i = 0; i < vmq_n_settings; i++) {
        print_error("%s=%u\n", vmq_settings[i].key,
                    vmq_config_get(&h->config, &vmq_settings[i]));
    }
    for (uint32_t i = 0; i < h->plan.n_pmds; i++) {
        const struct vmq_judgement *j = &h->plan.pmds[i];

        print_error("pmd %u: load %u slow %u capacity %u predicted %u %s\n",
                    i, j->load_bp, j->slow_bp, j->capacity_bp,
                    j->predicted_bp, vmq_verdict_name(j->verdict));
    }
    for (uint32_t i = 0; i < h->plan.n_moves; i++) {
        const struct vmq_move *m = &h->plan.moves[i];

        print_error("rxq %u %u>%u %s gain %u price %u%s\n", m->rxq,
                    m->from, m->to, vmq_reason_name(m->reason), m->gain_bp,
                    m->price_mc, m->overdraft ? " overdraft" : "");
    }
    print_error("%s:%d: %s does not hold: -s %llu -c %ld\n", file, line,
                what, (unsigned long long int) seed, this_case);
    fail();
}

/* Random hosts. */

static uint64_t
upto(struct test_random *r, uint64_t max)
{
    return test_random_range(r, 0, max);
}

/* A load in basis points: most are small. */
static uint32_t
random_load_bp(struct test_random *r, unsigned int style)
{
    static const uint32_t max_bp[] = { 0, 50, 500, 2000, 4000, 12000 };

    return upto(r, max_bp[upto(r, style < 5 ? style : 5)]);
}

static void
random_config(struct test_random *r, struct vmq_config *c)
{
    if (test_one_in(r, 3)) {
        c->spread_threshold_pct = test_random_range(r, 1, 100);
        c->pack_target_pct = test_random_range(r, 1, 100);
        c->coalesce_threshold_pct = upto(r, 100);
    }
    c->credits = upto(r, 6);
    c->credit_refill_ms = test_random_range(r, 100, 10000);
    c->max_moves = (test_one_in(r, 4) ? test_random_range(r, 1, 64)
                    : test_random_range(r, 1, 6));
    c->min_pmds = test_one_in(r, 3) ? test_random_range(r, 1, 5) : 1;
    c->max_pmds = test_one_in(r, 3) ? upto(r, 5) : 0;
    c->cross_numa = test_one_in(r, 4);
}

static void
random_pmds(struct test_random *r, struct vmq_host *h)
{
    uint32_t n = test_one_in(r, 20) ? MAX_PMDS : 8;
    uint32_t n_numas = test_random_range(r, 1, test_one_in(r, 3) ? 3 : 1);

    n = test_random_range(r, 1, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t core = (i ? h->s.pmds[i - 1].core_id : 0) + 1 + upto(r, 2);
        uint32_t p = vmq_snapshot_add_pmd(&h->s, core, upto(r, n_numas - 1));
        struct vmq_pmd *pmd = &h->s.pmds[p];

        pmd->sibling_group = upto(r, n / 2);
        pmd->isolated = test_one_in(r, 15);
        pmd->parked = true;
        pmd->busy_cycles = h->s.window_cycles;
        if (test_one_in(r, 10)) {
            pmd->stolen_cycles = upto(r, h->s.window_cycles);
        }
    }
}

static void
random_history(struct test_random *r, struct vmq_host *h, uint32_t rxq)
{
    struct vmq_rxq *q = &h->s.rxqs[rxq];
    uint32_t load_bp = vmq_rxq_load_bp(&h->s, rxq);

    host_set_load(h, rxq, load_bp);
    if (test_one_in(r, 3)) {
        for (int i = 0; i < VMQ_HISTORY_SLOTS; i++) {
            q->history_bp[i] = upto(r, 2 * load_bp);
        }
    }
    if (test_one_in(r, 15)) {
        q->n_history = upto(r, VMQ_HISTORY_SLOTS);
    }
}

static void
random_rxqs(struct test_random *r, struct vmq_host *h)
{
    uint32_t n = upto(r, test_one_in(r, 20) ? 150 : 20);
    uint32_t n_used = test_random_range(r, 1, h->s.n_pmds);
    unsigned int style = test_random_range(r, 1, 6);
    bool all_dynamic = test_one_in(r, 2);
    bool reserves = test_one_in(r, 4);
    uint32_t port = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t qid = 0;

        if (i && !test_one_in(r, 3)) {
            qid = h->s.rxqs[i - 1].qid + 1;
        } else {
            char *name = vmq_xasprintf("p%u", i);

            port = vmq_snapshot_add_port(&h->s, name, 2 * i + 1);
            free(name);
        }

        uint32_t pmd = upto(r, n_used - 1);
        if (test_one_in(r, 40)) {
            pmd = VMQ_NONE;
        }

        int32_t numa = (pmd == VMQ_NONE || test_one_in(r, 10)
                        ? (int32_t) upto(r, 3) - 1 : h->s.pmds[pmd].numa_id);
        uint32_t k = vmq_snapshot_add_rxq(&h->s, port, qid, pmd, numa);
        struct vmq_rxq *q = &h->s.rxqs[k];

        h->offered_bp = vmq_xrealloc(h->offered_bp, k + 1,
                                     sizeof *h->offered_bp);
        host_set_fast(h, k, random_load_bp(r, style));
        random_history(r, h, k);
        q->packets = upto(r, q->cycles / 1000);
        q->tunnel_flows = test_one_in(r, 5) ? upto(r, 5000) : 0;
        q->reserve_bp = reserves && test_one_in(r, 3) ? upto(r, VMQ_BP) : 0;
        if (pmd == VMQ_NONE) {
            q->mobility = VMQ_UNSUPPORTED;
        } else {
            h->s.pmds[pmd].parked = false;
            if (h->s.pmds[pmd].isolated) {
                q->mobility = VMQ_ISOLATED;
            } else if (!all_dynamic && test_one_in(r, 8)) {
                q->mobility = test_random_range(r, VMQ_PINNED,
                                                VMQ_UNSUPPORTED);
            }
        }
    }
}

/* Moves some queues to and fro before the present. */
static void
random_past(struct test_random *r, struct vmq_host *h)
{
    uint64_t now_ms = h->s.now_ms;
    uint32_t n = h->s.n_pmds > 1 ? upto(r, h->s.n_rxqs) : 0;

    h->s.now_ms -= upto(r, 200000);
    while (n--) {
        struct vmq_move move = { .rxq = upto(r, h->s.n_rxqs - 1) };
        enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;

        move.from = upto(r, h->s.n_pmds - 1);
        move.to = h->s.rxqs[move.rxq].pmd;
        move.reason = upto(r, VMQ_REASON_MANUAL);
        if (move.to != VMQ_NONE && move.from != move.to) {
            vmq_credit_commit(h->ledger, &h->config, &h->s, &move, 1,
                              &outcome, NULL);
        }
        h->s.now_ms += upto(r, (now_ms - h->s.now_ms) / 2);
    }
    h->s.now_ms = now_ms;
}

static void
random_host(struct test_random *r, struct vmq_host *h)
{
    host_init(h, "");
    random_config(r, &h->config);
    random_pmds(r, h);
    random_rxqs(r, h);
    for (uint32_t i = 0; i < h->s.n_ports; i++) {
        for (uint32_t k = 0; k < h->s.n_pmds && test_one_in(r, 4); k++) {
            vmq_snapshot_add_port_pmd(&h->s, i, k, upto(r, 5000));
        }
    }
    random_past(r, h);
}

/* What makes a host busy at the moment that it is looked at. */
static void
disturb(struct test_random *r, struct vmq_host *h)
{
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        h->s.pmds[i].settling = test_one_in(r, 15);
        h->s.pmds[i].evacuating = !h->s.pmds[i].parked && test_one_in(r, 15);
    }
    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        h->s.rxqs[i].backlog = test_one_in(r, 30);
    }
}

static void
for_each_case(const char *name, unsigned long int n,
              void (*property)(struct test_random *, struct vmq_host *))
{
    (void) name;
    for (this_case = 0; this_case < n; this_case++) {
        if (only_case < 0 || this_case == only_case) {
            struct test_random r = {
                seed * 0x2545f4914f6cdd1dULL + this_case * 0x9e3779b9ULL
            };
            struct vmq_host h;

            random_host(&r, &h);
            property(&r, &h);
            host_destroy(&h);
        }
    }
}

/* Dumb arithmetics. */

/* The load of PMD 'pmd' in millionths, relative to its capacity, with or
 * without what its queues have in reserve. */
static uint64_t
pressure_with_ppm(const struct vmq_snapshot *s, uint32_t pmd, bool reserves)
{
    uint64_t cycles = 0;

    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        const struct vmq_rxq *q = &s->rxqs[i];
        uint64_t reserve = (reserves ? vmq_mul_div(s->window_cycles,
                                                   q->reserve_bp, VMQ_BP) : 0);

        if (q->pmd == pmd) {
            cycles += q->cycles > reserve ? q->cycles : reserve;
        }
    }
    return vmq_mul_div(cycles, 1000000 * (uint64_t) VMQ_BP,
                       s->window_cycles) / vmq_pmd_capacity_bp(s, pmd);
}

static uint64_t
pressure_ppm(const struct vmq_snapshot *s, uint32_t pmd)
{
    return pressure_with_ppm(s, pmd, true);
}

static int
compare_descending(const void *a_, const void *b_)
{
    const uint64_t *a = a_;
    const uint64_t *b = b_;

    return *a > *b ? -1 : *a < *b;
}

static void
sorted_pressures(const struct vmq_snapshot *s, uint64_t v[])
{
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        v[i] = pressure_ppm(s, i);
    }
    qsort(v, s->n_pmds, sizeof *v, compare_descending);
}

static uint32_t
n_active(const struct vmq_snapshot *s, int32_t numa_id, uint32_t *n_rxqs)
{
    uint32_t n = 0;

    *n_rxqs = 0;
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        uint32_t n_here = 0;

        for (uint32_t k = 0; k < s->n_rxqs; k++) {
            n_here += s->rxqs[k].pmd == i;
        }
        if (s->pmds[i].numa_id == numa_id && !s->pmds[i].isolated) {
            *n_rxqs += n_here;
            n += n_here > 0;
        }
    }
    return n;
}

static bool
is_remote(const struct vmq_snapshot *s, const struct vmq_rxq *q, uint32_t pmd)
{
    return q->numa_id >= 0 && q->numa_id != s->pmds[pmd].numa_id;
}

static bool
is_relief(const struct vmq_move *m)
{
    return (m->reason == VMQ_REASON_SPREAD
            || m->reason == VMQ_REASON_RELIEVE);
}

static bool
same_plan(const struct vmq_plan *a, const struct vmq_plan *b)
{
    if (a->generation != b->generation || a->verdict != b->verdict
        || a->n_moves != b->n_moves || a->n_pmds != b->n_pmds) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_moves; i++) {
        const struct vmq_move *x = &a->moves[i];
        const struct vmq_move *y = &b->moves[i];

        if (x->rxq != y->rxq || x->from != y->from || x->to != y->to
            || x->reason != y->reason || x->gain_bp != y->gain_bp
            || x->price_mc != y->price_mc || x->overdraft != y->overdraft) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_pmds; i++) {
        const struct vmq_judgement *x = &a->pmds[i];
        const struct vmq_judgement *y = &b->pmds[i];

        if (x->verdict != y->verdict || x->load_bp != y->load_bp
            || x->slow_bp != y->slow_bp || x->capacity_bp != y->capacity_bp
            || x->predicted_bp != y->predicted_bp || x->rxq != y->rxq
            || x->to != y->to) {
            return false;
        }
    }
    return true;
}

/* Planner. */

/* The same as by trying everything. */
static void
dumb(struct test_random *r, struct vmq_host *h)
{
    struct vmq_plan plan;

    disturb(r, h);
    if (test_one_in(r, 10)) {
        for (uint32_t i = 0; i < h->s.n_pmds; i++) {
            h->s.pmds[i].stolen_cycles = (h->s.window_cycles / 100
                                          * test_random_range(r, 45, 99));
        }
    }
    host_plan(h);
    vmq_plan_init(&plan);
    dumb_plan(&h->s, &h->config, h->ledger, &plan);
    CHECK(h, same_plan(&plan, &h->plan));
    vmq_plan_destroy(&plan);
}

/* The same in memory that has been used for the plan of another host. */
static void
reuse(struct test_random *r, struct vmq_host *h)
{
    static struct vmq_plan reused;

    disturb(r, h);
    host_plan(h);
    vmq_plan_compute(&h->s, &h->config, h->ledger, &reused);
    CHECK(h, same_plan(&reused, &h->plan));
    if (!this_case) {
        vmq_plan_destroy(&reused);
    }
}

/* P1 to P4: what a plan may touch. */
static void
rules(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    host_plan(h);

    const struct vmq_snapshot *s = &h->s;
    CHECK(h, h->plan.generation == s->generation);
    CHECK(h, h->plan.n_moves <= h->config.max_moves);
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];
        const struct vmq_rxq *q = &s->rxqs[m->rxq];

        CHECK(h, q->pmd == m->from && m->from != m->to);
        CHECK(h, q->mobility == VMQ_DYNAMIC);
        CHECK(h, !s->pmds[m->from].isolated && !s->pmds[m->to].isolated);
        CHECK(h, h->config.cross_numa || (s->pmds[m->from].numa_id
                                          == s->pmds[m->to].numa_id));
        CHECK(h, m->reason != VMQ_REASON_COALESCE
              || is_remote(s, q, m->from) || !is_remote(s, q, m->to));
        for (uint32_t i = 0; i < k; i++) {
            CHECK(h, h->plan.moves[i].rxq != m->rxq);
            CHECK(h, h->plan.moves[i].from != m->to);
            CHECK(h, h->plan.moves[i].to != m->from);
        }
    }

    /* Carried out, no queue is lost or doubled, and the plan is stale. */
    uint32_t n_polled = 0, n_after = 0;
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        n_polled += s->rxqs[i].pmd != VMQ_NONE;
    }
    host_apply(h, 100);
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        n_after += s->rxqs[i].pmd < s->n_pmds;
    }
    CHECK(h, n_polled == n_after);
    CHECK(h, !h->plan.n_moves
          || !vmq_plan_valid(&h->plan, s, &h->config, NULL));
}

/* P5: relief relieves. */
static void
relief(struct test_random *r, struct vmq_host *h)
{
    uint64_t before[MAX_PMDS], after[MAX_PMDS];

    (void) r;
    host_plan(h);
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];

        if (is_relief(m)) {
            CHECK(h, vmq_pmd_overloaded(&h->s, &h->config, m->from)
                  || k > 0);
            CHECK(h, h->s.rxqs[m->rxq].cycles
                  || h->s.rxqs[m->rxq].reserve_bp);
        }
        sorted_pressures(&h->s, before);
        h->s.rxqs[m->rxq].pmd = m->to;
        sorted_pressures(&h->s, after);
        if (is_relief(m)) {
            bool better = false;

            for (uint32_t i = 0; i < h->s.n_pmds && !better; i++) {
                CHECK(h, after[i] <= before[i]);
                better = after[i] < before[i];
            }
            CHECK(h, better);
        }
    }
}

/* The pressure on PMD 'pmd', before the plan or as predicted. */
static uint64_t
pressure_bp(const struct vmq_plan *plan, uint32_t pmd, bool predicted)
{
    const struct vmq_judgement *j = &plan->pmds[pmd];

    return ((uint64_t) (predicted ? j->predicted_bp : j->load_bp) * VMQ_BP
            / (j->capacity_bp ? j->capacity_bp : 1));
}

/* P5 too, of backlogs, and predictions add up. */
static void
predictions(struct test_random *r, struct vmq_host *h)
{
    uint64_t load_bp = 0, predicted_bp = 0, worst_bp = 0;

    disturb(r, h);
    host_plan(h);
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];

        CHECK(h, !is_relief(m)
              || vmq_pmd_overloaded(&h->s, &h->config, m->from));
        CHECK(h, !is_relief(m) || (h->plan.pmds[m->from].predicted_bp
                                   < h->plan.pmds[m->from].load_bp)
              || m->gain_bp == 0);

        worst_bp = (is_relief(m) && pressure_bp(&h->plan, m->from, false)
                    > worst_bp ? pressure_bp(&h->plan, m->from, false)
                    : worst_bp);
    }

    /* Destinations of relief end at least 5 % below where the worst source
     * was, or below the pack target, whatever queues are taken to want. */
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];
        uint64_t to_bp = pressure_bp(&h->plan, m->to, true);

        CHECK(h, !is_relief(m)
              || to_bp <= vmq_config_pack_target_bp(&h->config)
              || to_bp + 500 <= worst_bp + 1);
    }
    for (uint32_t i = 0; i < h->plan.n_pmds; i++) {
        load_bp += h->plan.pmds[i].load_bp;
        predicted_bp += h->plan.pmds[i].predicted_bp;
    }
    CHECK(h, load_bp <= predicted_bp + h->s.n_pmds
          && predicted_bp <= load_bp + h->s.n_pmds);
}

/* The load of 'q' in slot 'slot' of its history, as it is to be assumed. */
static uint32_t
slot_bp(const struct vmq_snapshot *s, uint32_t rxq, uint32_t slot)
{
    const struct vmq_rxq *q = &s->rxqs[rxq];
    uint32_t bp = vmq_rxq_load_bp(s, rxq);

    bp = bp > q->reserve_bp ? bp : q->reserve_bp;
    if (slot < q->n_history) {
        return (q->history_bp[slot] > q->reserve_bp ? q->history_bp[slot]
                : q->reserve_bp);
    }
    for (uint32_t i = 0; i < q->n_history; i++) {
        bp = q->history_bp[i] > bp ? q->history_bp[i] : bp;
    }
    return bp;
}

/* P6: freeing a PMD is free of risk. */
static void
coalescing(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    host_plan(h);

    struct vmq_plan *plan = &h->plan;
    uint64_t limit_bp = h->config.coalesce_threshold_pct * 100;
    uint64_t pack_bp = vmq_config_pack_target_bp(&h->config);
    uint64_t goal_bp = (vmq_config_spread_bp(&h->config) + pack_bp) / 2;
    for (uint32_t k = 0; k < plan->n_moves; k++) {
        h->s.rxqs[plan->moves[k].rxq].pmd = plan->moves[k].to;
    }
    for (uint32_t k = 0; k < plan->n_moves; k++) {
        const struct vmq_move *m = &plan->moves[k];
        uint64_t capacity_bp = vmq_pmd_capacity_bp(&h->s, m->to);
        uint64_t now_bp = pressure_ppm(&h->s, m->to) / 100;
        uint64_t lowest_bp = UINT64_MAX, highest_bp = 0;
        bool left = false;

        if (m->reason != VMQ_REASON_COALESCE) {
            continue;
        }
        for (uint32_t slot = 0; slot < VMQ_HISTORY_SLOTS; slot++) {
            uint64_t sum_bp = 0;

            for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
                sum_bp += (h->s.rxqs[i].pmd == m->to
                           ? slot_bp(&h->s, i, slot) : 0);
            }
            sum_bp = sum_bp * VMQ_BP / capacity_bp;
            lowest_bp = sum_bp < lowest_bp ? sum_bp : lowest_bp;
            highest_bp = sum_bp > highest_bp ? sum_bp : highest_bp;
        }
        lowest_bp = now_bp < lowest_bp ? now_bp : lowest_bp;
        highest_bp = now_bp > highest_bp ? now_bp : highest_bp;
        /* Each of the queues rounds, and so does each of the sums. */
        CHECK(h, highest_bp <= pack_bp
              || (2 * highest_bp - lowest_bp
                  <= goal_bp + h->s.n_rxqs * VMQ_BP / capacity_bp + 3));
        for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
            left |= h->s.rxqs[i].pmd == m->from;
        }
        CHECK(h, !left || plan->n_moves == h->config.max_moves);
        CHECK(h, h->config.coalesce_threshold_pct > 0);
        CHECK(h, h->config.coalesce_threshold_pct == 100
              || h->s.pmds[m->from].evacuating
              || plan->pmds[m->from].slow_bp < limit_bp);
    }
}

/* P7: bounds that are kept stay kept, others are approached. */
static void
bounds(struct test_random *r, struct vmq_host *h)
{
    uint32_t before[3], after, n_rxqs, min;
    const struct vmq_config *c = &h->config;

    disturb(r, h);
    host_plan(h);
    for (int32_t numa = 0; numa < 3; numa++) {
        before[numa] = n_active(&h->s, numa, &n_rxqs);
    }
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        h->s.rxqs[h->plan.moves[k].rxq].pmd = h->plan.moves[k].to;
    }
    for (int32_t numa = 0; numa < 3; numa++) {
        after = n_active(&h->s, numa, &n_rxqs);
        min = c->max_pmds && c->max_pmds < c->min_pmds ? c->max_pmds
              : c->min_pmds;
        min = n_rxqs < min ? n_rxqs : min;
        CHECK(h, !c->max_pmds || after <= c->max_pmds
              || after <= before[numa]);
        CHECK(h, after >= min || after >= before[numa]);
    }
}

/* P8: who moves can pay for it, or must. */
static void
payment(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    host_plan(h);
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];
        struct vmq_quotes quotes;
        struct vmq_quote q;

        vmq_credit_quotes(h->ledger, &h->config, &h->s, m->rxq, &quotes);
        q = (m->reason == VMQ_REASON_COALESCE
             ? vmq_quote_to_free(&quotes, h->s.pmds[m->to].core_id)
             : *vmq_quote_to(&quotes, h->s.pmds[m->to].core_id));
        CHECK(h, m->price_mc == q.price_mc);
        CHECK(h, m->overdraft == !q.affordable);
        if (is_relief(m)) {
            CHECK(h, q.affordable || q.affordable_overdraft);
            CHECK(h, q.affordable || host_has_backlog(h, m->from)
                  || pressure_with_ppm(&h->s, m->from, false) >= 999900);
        } else if (m->reason == VMQ_REASON_COALESCE) {
            CHECK(h, q.affordable);
            CHECK(h, !q.returning || !h->config.credits);
        }
    }
}

/* P9: under constant load, a fixpoint is reached soon and stays. */
static void
fixpoint(struct test_random *r, struct vmq_host *h)
{
    uint32_t max = ((h->config.max_moves > 1 ? 1 : 2)
                    * (h->s.n_pmds + h->s.n_rxqs));
    uint32_t n, total = 0;

    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        h->s.rxqs[i].n_history = VMQ_HISTORY_SLOTS;
    }
    do {
        n = host_settle(h, max + 1, upto(r, 1000));
        total += n;
        CHECK(h, total <= max);

        /* All credits come back. */
        h->s.now_ms += 1000 * VMQ_PINGPONG_MS;
    } while (n);
}

/* P10: the order in which a host is described does not matter. */
static void
order(struct test_random *r, struct vmq_host *h)
{
    uint32_t n_pmds = h->s.n_pmds, n_rxqs = h->s.n_rxqs;
    uint32_t *map = vmq_xcalloc(n_pmds + 1, sizeof *map);
    uint32_t *ports = vmq_xcalloc(h->s.n_ports + 1, sizeof *ports);
    struct vmq_snapshot s = h->s, shuffled;
    struct vmq_plan plan;

    disturb(r, h);
    host_plan(h);

    vmq_snapshot_init(&shuffled);
    shuffled.generation = s.generation;
    shuffled.now_ms = s.now_ms;
    shuffled.window_ms = s.window_ms;
    shuffled.window_ns = s.window_ns;
    shuffled.window_cycles = s.window_cycles;

    /* Rotated and backward. */
    uint32_t first = upto(r, 1000);
    for (uint32_t i = n_pmds; i--; ) {
        uint32_t k = (first + i) % n_pmds;

        map[k] = vmq_snapshot_add_pmd(&shuffled, s.pmds[k].core_id,
                                      s.pmds[k].numa_id);
        shuffled.pmds[map[k]] = h->s.pmds[k];
    }
    for (uint32_t i = s.n_ports; i--; ) {
        uint32_t k = (first + i) % s.n_ports;

        ports[k] = vmq_snapshot_add_port(&shuffled, s.ports[k].name,
                                         s.ports[k].port_no);
    }
    for (uint32_t i = n_rxqs; i--; ) {
        const struct vmq_rxq *q = &h->s.rxqs[(first + i) % n_rxqs];
        uint32_t pmd = q->pmd == VMQ_NONE ? VMQ_NONE : map[q->pmd];
        uint32_t port = ports[q->port];
        uint32_t k = vmq_snapshot_add_rxq(&shuffled, port, q->qid, pmd,
                                          q->numa_id);

        shuffled.rxqs[k] = *q;
        shuffled.rxqs[k].pmd = pmd;
        shuffled.rxqs[k].port = port;
    }
    for (uint32_t i = s.n_port_pmds; i--; ) {
        const struct vmq_port_pmd *pp = &h->s.port_pmds[i];

        vmq_snapshot_add_port_pmd(&shuffled, ports[pp->port], map[pp->pmd],
                                  pp->flows);
    }
    vmq_snapshot_sort(&shuffled);
    CHECK(h, vmq_snapshot_equal(&shuffled, &h->s));

    vmq_plan_init(&plan);
    vmq_plan_compute(&shuffled, &h->config, h->ledger, &plan);
    CHECK(h, same_plan(&plan, &h->plan));
    vmq_plan_destroy(&plan);
    vmq_snapshot_destroy(&shuffled);
    free(ports);
    free(map);
}

/* P11: how fast the TSC runs does not matter. */
static void
scale(struct test_random *r, struct vmq_host *h)
{
    uint64_t k = test_random_range(r, 2, 100000);
    struct vmq_plan plan;

    disturb(r, h);
    host_plan(h);

    vmq_plan_init(&plan);
    h->s.window_cycles *= k;
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        h->s.pmds[i].busy_cycles *= k;
        h->s.pmds[i].stolen_cycles *= k;
    }
    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        h->s.rxqs[i].cycles *= k;
    }
    vmq_plan_compute(&h->s, &h->config, h->ledger, &plan);
    CHECK(h, same_plan(&plan, &h->plan));
    vmq_plan_destroy(&plan);
}

/* P12 and C3: planning depends on its input alone, and does not change it. */
static void
purity(struct test_random *r, struct vmq_host *h)
{
    struct vmq_snapshot s;
    struct vmq_config config = h->config;
    struct vmq_quote before, after;
    struct vmq_plan plan;
    uint32_t core = h->s.pmds[upto(r, h->s.n_pmds - 1)].core_id;

    disturb(r, h);
    memset(&before, 0, sizeof before);
    memset(&after, 0, sizeof after);
    vmq_snapshot_init(&s);
    vmq_snapshot_copy(&s, &h->s);
    if (s.n_rxqs) {
        vmq_credit_quote(h->ledger, &config, &s, 0, core, &before);
    }
    host_plan(h);
    vmq_plan_init(&plan);
    vmq_plan_compute(&s, &config, h->ledger, &plan);
    CHECK(h, same_plan(&plan, &h->plan));
    vmq_plan_compute(&s, &config, h->ledger, &plan);
    CHECK(h, same_plan(&plan, &h->plan));
    CHECK(h, vmq_snapshot_equal(&s, &h->s));
    CHECK(h, !memcmp(&config, &h->config, sizeof config));
    if (s.n_rxqs) {
        vmq_credit_quote(h->ledger, &config, &s, 0, core, &after);
    }
    CHECK(h, !memcmp(&before, &after, sizeof before));
    vmq_plan_destroy(&plan);
    vmq_snapshot_destroy(&s);
}

/* P13: nothing comes of nothing. */
static void
nothing(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    if (test_one_in(r, 2)) {
        h->s.window_ms = upto(r, h->config.spread_hold_ms - 1);
    } else if (test_one_in(r, 2)) {
        h->s.window_cycles = 0;
    } else {
        h->s.n_rxqs = 0;
    }
    vmq_plan_compute(&h->s, &h->config, h->ledger, &h->plan);
    CHECK(h, h->plan.n_moves == 0);
    CHECK(h, h->plan.verdict == (h->s.n_rxqs ? VMQ_VERDICT_WARMING
                                 : VMQ_VERDICT_EMPTY));
    CHECK(h, h->plan.n_pmds == h->s.n_pmds);
}

/* With an edge, PMDs that have one are relieved, however short the window is,
 * and nothing else is done. */
static void
edges(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        h->s.pmds[i].edge = test_one_in(r, 3);
    }
    h->s.pmds[upto(r, h->s.n_pmds - 1)].edge = true;
    host_plan(h);
    for (uint32_t k = 0; k < h->plan.n_moves; k++) {
        const struct vmq_move *m = &h->plan.moves[k];

        CHECK(h, is_relief(m));
        CHECK(h, h->s.pmds[m->from].edge);
    }
    h->s.window_ms = 1;
    host_plan(h);
    CHECK(h, h->plan.verdict != VMQ_VERDICT_WARMING || !h->s.window_cycles);
}

/* Any input at all, however absurd, must do no harm. */
static void
garbage(struct test_random *r, struct vmq_host *h)
{
    disturb(r, h);
    for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
        struct vmq_rxq *q = &h->s.rxqs[i];

        if (test_one_in(r, 4)) {
            q->cycles = test_random_u64(r) >> upto(r, 63);
            q->packets = test_random_u64(r) >> upto(r, 63);
            q->history_bp[upto(r, VMQ_HISTORY_SLOTS - 1)] = UINT16_MAX;
        }
        if (test_one_in(r, 200)) {
            q->pmd = test_random_u64(r);
        } else if (test_one_in(r, 200)) {
            q->port = test_random_u64(r);
        } else if (test_one_in(r, 200)) {
            q->n_history = test_random_u64(r);
        }
    }
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        if (test_one_in(r, 4)) {
            h->s.pmds[i].stolen_cycles = test_random_u64(r) >> upto(r, 63);
        }
    }
    if (test_one_in(r, 4)) {
        h->s.window_cycles = test_random_u64(r) >> upto(r, 63);
        h->s.window_ms = test_random_u64(r) >> upto(r, 63);
    }
    vmq_plan_compute(&h->s, &h->config, h->ledger, &h->plan);
    CHECK(h, vmq_plan_valid(&h->plan, &h->s, &h->config, NULL));
}

/* Credit. */

/* C1, C2 and C4: a queue that moves whenever it may. */
static void
credit_bound(struct test_random *r, struct vmq_host *h)
{
    enum { N = 60 };
    const struct vmq_config *c = &h->config;
    uint64_t moved_ms[N];
    uint32_t n = 0;

    if (!h->s.n_rxqs || h->s.n_pmds < 2 || !h->config.credits) {
        return;
    }
    for (int tries = 0; tries < 4 * N && n < N; tries++) {
        struct vmq_move move = { .rxq = 0, .reason = VMQ_REASON_SPREAD };
        enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;
        struct vmq_quote q, after;
        struct vmq_quotes quotes;

        h->s.rxqs[0].pmd %= h->s.n_pmds;
        move.from = h->s.rxqs[0].pmd;
        move.to = upto(r, h->s.n_pmds - 1);
        if (test_one_in(r, 3)) {
            host_set_fast(h, 0, upto(r, 200));
        }
        vmq_credit_quote(h->ledger, c, &h->s, 0,
                         h->s.pmds[move.to].core_id, &q);
        CHECK(h, q.balance_mc <= (int32_t) c->credits * VMQ_CREDIT);
        CHECK(h, q.balance_mc >= -(int32_t) c->credits * VMQ_CREDIT);
        CHECK(h, q.affordable_overdraft || !q.affordable);
        vmq_credit_quotes(h->ledger, c, &h->s, 0, &quotes);
        if (move.from == move.to) {
            h->s.now_ms += test_random_range(r, 1, c->credit_refill_ms);
            continue;
        }

        bool ordered = test_one_in(r, 30);
        bool failed = test_one_in(r, 30);
        if (failed) {
            outcome = test_random_range(r, VMQ_OUTCOME_STALE,
                                        VMQ_OUTCOME_FAILED);
        } else if (ordered) {
            move.reason = upto(r, 1) ? VMQ_REASON_EVACUATE
                                     : VMQ_REASON_MANUAL;
        } else if (quotes.rested && test_one_in(r, 2)) {
            move.reason = VMQ_REASON_COALESCE;
        } else if (!q.affordable_overdraft) {
            h->s.now_ms += upto(r, c->credit_refill_ms);
            continue;
        }
        vmq_credit_commit(h->ledger, c, &h->s, &move, 1, &outcome, NULL);
        vmq_credit_quote(h->ledger, c, &h->s, 0,
                         h->s.pmds[move.to].core_id, &after);
        if (failed) {
            CHECK(h, !memcmp(&q, &after, sizeof q));
            continue;
        }
        CHECK(h, after.balance_mc <= q.balance_mc);
        h->s.rxqs[0].pmd = move.to;
        if (!ordered) {
            moved_ms[n++] = h->s.now_ms;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = i; k < n; k++) {
            uint64_t ms = moved_ms[k] - moved_ms[i];
            CHECK(h, k - i + 1 <= host_moves_bound(c, ms));
        }
    }
}

/* C2 and no ping-pong: a load that changes all the time, to spite the
 * planner. */
static void
spite(struct test_random *r, struct vmq_host *h)
{
    uint64_t start_ms = h->s.now_ms;

    h->config.credits += h->config.credits == 0;
    vmq_ledger_destroy(h->ledger);
    h->ledger = vmq_ledger_create();
    for (int step = 0; step < 20; step++) {
        for (uint32_t i = 0; i < h->s.n_rxqs; i++) {
            if (test_one_in(r, 2)) {
                host_set_load(h, i, random_load_bp(r, 6));
            }
            h->s.rxqs[i].backlog = test_one_in(r, 30);
        }
        host_plan(h);
        host_apply(h, upto(r, 2000));
    }
    CHECK(h, h->n_pingpongs == 0);
    for (uint32_t i = 0; i < h->s.n_rxqs && !h->config.max_pmds
         && h->config.min_pmds < 2; i++) {
        CHECK(h, h->s.rxqs[i].n_moves
              <= host_moves_bound(&h->config,
                                  h->s.now_ms - start_ms));
    }
}

/* The whole loop. */

/* Offered what fits, the host is in good order soon and then rests. */
static void
loop(struct test_random *r, struct vmq_host *h)
{
    uint32_t n_pmds = test_random_range(r, 2, 6);
    uint32_t left_bp = n_pmds * 5500;

    host_destroy(h);
    host_init(h, "");
    for (uint32_t i = 0; i < n_pmds; i++) {
        vmq_snapshot_add_pmd(&h->s, i, 0);
        h->s.pmds[i].parked = true;
    }
    while (left_bp && h->s.n_rxqs < 40) {
        uint32_t load_bp = upto(r, left_bp < 2500 ? left_bp : 2500);

        host_add(h, test_one_in(r, 2) ? 0 : upto(r, n_pmds - 1), load_bp);
        left_bp -= load_bp;
    }
    host_run(h, 20000);
    CHECK(h, host_worst_bp(h) < vmq_config_spread_bp(&h->config));
    h->lost_cycles = 0;
    host_run(h, 15000);
    CHECK(h, host_run(h, 10000) == 0);
    CHECK(h, h->lost_cycles == 0);
    CHECK(h, h->n_pingpongs == 0);
}

#define PROPERTY(NAME, DIVISOR) \
    static void \
    NAME##_property(void **state) \
    { \
        (void) state; \
        for_each_case(#NAME, (n_cases + DIVISOR - 1) / DIVISOR, NAME); \
    }

PROPERTY(dumb, 5)
PROPERTY(reuse, 5)
PROPERTY(rules, 1)
PROPERTY(relief, 1)
PROPERTY(predictions, 1)
PROPERTY(coalescing, 1)
PROPERTY(bounds, 1)
PROPERTY(payment, 1)
PROPERTY(fixpoint, 1)
PROPERTY(order, 1)
PROPERTY(scale, 1)
PROPERTY(purity, 1)
PROPERTY(nothing, 1)
PROPERTY(edges, 1)
PROPERTY(garbage, 1)
PROPERTY(credit_bound, 1)
PROPERTY(spite, 1)
PROPERTY(loop, 200)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dumb_property),
        cmocka_unit_test(reuse_property),
        cmocka_unit_test(rules_property),
        cmocka_unit_test(relief_property),
        cmocka_unit_test(predictions_property),
        cmocka_unit_test(coalescing_property),
        cmocka_unit_test(bounds_property),
        cmocka_unit_test(payment_property),
        cmocka_unit_test(fixpoint_property),
        cmocka_unit_test(order_property),
        cmocka_unit_test(scale_property),
        cmocka_unit_test(purity_property),
        cmocka_unit_test(nothing_property),
        cmocka_unit_test(edges_property),
        cmocka_unit_test(garbage_property),
        cmocka_unit_test(credit_bound_property),
        cmocka_unit_test(spite_property),
        cmocka_unit_test(loop_property),
    };
    int option;

    n_cases = test_n_cases(n_cases);
    seed = test_environment("VMQ_SEED", seed);
    while ((option = getopt(argc, argv, "n:s:c:")) != -1) {
        switch (option) {
        case 'n':
            n_cases = strtoul(optarg, NULL, 0);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'c':
            only_case = strtol(optarg, NULL, 0);
            break;
        default:
            fprintf(stderr, "usage: %s [-n CASES] [-s SEED] [-c CASE]\n",
                    argv[0]);
            return EXIT_FAILURE;
        }
    }
    printf("# properties: -n %lu -s %llu\n", n_cases,
           (unsigned long long int) seed);
    fflush(stdout);
    return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}

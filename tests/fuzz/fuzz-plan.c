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

/* Fuzzes the planner.  Input is settings, as bytes, and then a snapshot in its
 * text form.  If that is valid and windowed, then of the plan
 *
 *   - vmq_plan_valid() holds, and no more moves than pmd-vmq-max-moves;
 *   - a second one is the same (P12), and the input as it was;
 *   - each quote is honoured (P8), whatever has moved before.
 *
 * If it is not valid, the first of these must hold all the same. */

#include <config.h>

#include "vmq-credit.h"
#include "vmq-fuzz.h"
#include "vmq-plan-check.h"
#include "vmq-plan.h"
#include "vmq-snapshot-check.h"
#include "vmq-snapshot-text.h"
#include "vmq-util.h"

/* Plans made one upon the other, so that the ledger has a past. */
#define N_PLANS 4

static void
check_same(const struct vmq_plan *a, const struct vmq_plan *b)
{
    FUZZ_ASSERT(a->generation == b->generation);
    FUZZ_ASSERT(a->verdict == b->verdict);
    FUZZ_ASSERT(a->n_moves == b->n_moves);
    FUZZ_ASSERT(a->n_pmds == b->n_pmds);
    for (uint32_t i = 0; i < a->n_moves; i++) {
        const struct vmq_move *x = &a->moves[i], *y = &b->moves[i];

        FUZZ_ASSERT(x->rxq == y->rxq && x->from == y->from && x->to == y->to
                    && x->reason == y->reason && x->gain_bp == y->gain_bp
                    && x->price_mc == y->price_mc
                    && x->overdraft == y->overdraft);
    }
    for (uint32_t i = 0; i < a->n_pmds; i++) {
        const struct vmq_judgement *x = &a->pmds[i], *y = &b->pmds[i];

        FUZZ_ASSERT(x->verdict == y->verdict && x->load_bp == y->load_bp
                    && x->slow_bp == y->slow_bp
                    && x->capacity_bp == y->capacity_bp
                    && x->predicted_bp == y->predicted_bp
                    && x->rxq == y->rxq && x->to == y->to);
    }
}

static void
check_plan(const struct vmq_snapshot *s, const struct vmq_config *c,
           const struct vmq_ledger *ledger, const struct vmq_plan *plan)
{
    FUZZ_ASSERT(vmq_plan_valid(plan, s, c, NULL));
    FUZZ_ASSERT(plan->generation == s->generation);
    FUZZ_ASSERT(plan->n_moves <= c->max_moves);
    FUZZ_ASSERT(plan->verdict < VMQ_N_VERDICTS);
    for (uint32_t i = 0; i < plan->n_pmds; i++) {
        FUZZ_ASSERT(plan->pmds[i].verdict < VMQ_N_VERDICTS);
    }
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        const struct vmq_move *m = &plan->moves[i];
        struct vmq_quotes quotes;
        struct vmq_quote q;

        vmq_credit_quotes(ledger, c, s, m->rxq, &quotes);
        q = (m->reason == VMQ_REASON_COALESCE
             ? vmq_quote_to_free(&quotes, s->pmds[m->to].core_id)
             : *vmq_quote_to(&quotes, s->pmds[m->to].core_id));
        FUZZ_ASSERT(m->price_mc == q.price_mc);
        FUZZ_ASSERT(m->overdraft == !q.affordable);
        FUZZ_ASSERT(m->reason != VMQ_REASON_COALESCE || q.affordable);
        FUZZ_ASSERT((m->reason != VMQ_REASON_SPREAD
                     && m->reason != VMQ_REASON_RELIEVE)
                    || q.affordable || q.affordable_overdraft);
    }
}

/* Carries the plan out; 'ms' go by. */
static void
apply(struct vmq_snapshot *s, const struct vmq_config *c,
      struct vmq_ledger *ledger, const struct vmq_plan *plan, uint32_t ms)
{
    enum vmq_outcome *outcomes = vmq_xcalloc(plan->n_moves, sizeof *outcomes);

    vmq_credit_commit(ledger, c, s, plan->moves, plan->n_moves, outcomes,
                      NULL);
    for (uint32_t i = 0; i < plan->n_moves; i++) {
        s->rxqs[plan->moves[i].rxq].pmd = plan->moves[i].to;
        s->pmds[plan->moves[i].to].parked = false;
    }
    s->generation++;
    s->now_ms += ms;
    free(outcomes);
}

static void
plan_on(struct vmq_snapshot *s, const struct vmq_config *c, uint32_t ms)
{
    struct vmq_ledger *ledger = vmq_ledger_create();
    struct vmq_snapshot before;
    struct vmq_plan plan, again;

    vmq_plan_init(&plan);
    vmq_plan_init(&again);
    for (int i = 0; i < N_PLANS; i++) {
        vmq_snapshot_init(&before);
        vmq_snapshot_copy(&before, s);
        vmq_plan_compute(s, c, ledger, &plan);
        FUZZ_ASSERT(vmq_snapshot_equal(s, &before));
        vmq_plan_compute(&before, c, ledger, &again);
        vmq_snapshot_destroy(&before);
        check_same(&plan, &again);
        check_plan(s, c, ledger, &plan);
        apply(s, c, ledger, &plan, ms);
    }
    vmq_plan_destroy(&again);
    vmq_plan_destroy(&plan);
    vmq_ledger_destroy(ledger);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmq_config c;
    struct vmq_snapshot s;
    char *text, *error;
    uint32_t ms;

    if (size <= FUZZ_CONFIG_SIZE) {
        return 0;
    }
    fuzz_config(data, &c);
    ms = data[0] * 100;
    text = fuzz_text(data + FUZZ_CONFIG_SIZE, size - FUZZ_CONFIG_SIZE);
    vmq_snapshot_init(&s);
    error = vmq_snapshot_parse(text, &s);
    if (!error && vmq_snapshot_valid(&s, true, NULL)) {
        plan_on(&s, &c, ms);
    } else if (!error) {
        struct vmq_ledger *ledger = vmq_ledger_create();
        struct vmq_plan plan;

        vmq_plan_init(&plan);
        vmq_plan_compute(&s, &c, ledger, &plan);
        FUZZ_ASSERT(vmq_plan_valid(&plan, &s, &c, NULL));
        FUZZ_ASSERT(plan.n_moves <= c.max_moves);
        vmq_plan_destroy(&plan);
        vmq_ledger_destroy(ledger);
    }
    free(error);
    vmq_snapshot_destroy(&s);
    free(text);
    return 0;
}

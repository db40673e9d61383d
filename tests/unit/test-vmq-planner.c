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
#include "vmq-planner.h"

#include "vmq-host.h"
#include "vmq-test.h"

/* The planner's working state: what a pass sees after the moves before it. */

/* A planner on host 'h', as a pass gets it. */
static void
begin(struct vmq_host *h, struct planner *planner)
{
    *planner = (struct planner) {
        .snapshot = &h->s,
        .config = &h->config,
        .ledger = h->ledger,
        .plan = &h->plan,
    };
    assert_true(vmq_planner_begin(planner));
}

/* PMDs 0 and 1 are siblings on node 0, 2 and 3 on node 1.  PMD 0 has two
 * queues, PMD 2 has one. */
static void
two_nodes(struct vmq_host *h)
{
    host_init(h, "0 0 1 1");
    h->config.cross_numa = true;
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        h->s.pmds[i].sibling_group = i / 2;
    }
    host_add(h, 0, 3000);
    host_add(h, 0, 2000);
    host_add(h, 2, 1000);
    h->s.rxqs[1].backlog = true;
    h->s.rxqs[0].history_bp[7] = 4000;
}

static void
try_move(struct planner *planner, uint32_t rxq, uint32_t to)
{
    const struct vmq_quote quote = { .price_mc = VMQ_CREDIT };

    vmq_planner_try_move(planner, rxq, to, VMQ_REASON_SPREAD, &quote);
}

static void
a_move_that_is_tried_is_seen_on_both_sides(void **state)
{
    struct planner planner;
    struct vmq_host h;

    (void) state;
    two_nodes(&h);
    begin(&h, &planner);
    assert_int_equal(planner.numas[0].n_active, 1);
    assert_int_equal(planner.numas[0].n_rxqs, 2);
    assert_int_equal(planner.numas[1].n_active, 1);
    assert_int_equal(planner.numas[1].n_rxqs, 1);
    assert_true(planner_sibling_is_active(&planner, 1));

    /* Wakes PMD 3. */
    try_move(&planner, 0, 3);
    assert_true(planner.rxqs[0].moved);
    assert_int_equal(planner.pmds[0].n_rxqs, 1);
    assert_int_equal(planner.pmds[3].n_rxqs, 1);
    assert_int_equal(planner.pmds[0].load_ppm, 700000);
    assert_int_equal(planner.pmds[3].load_ppm, 300000);
    assert_int_equal(planner.pmds[3].slots_bp[7], 4000);
    assert_int_equal(planner.numas[0].n_active, 1);
    assert_int_equal(planner.numas[0].n_rxqs, 1);
    assert_int_equal(planner.numas[1].n_active, 2);
    assert_int_equal(planner.numas[1].n_rxqs, 2);
    assert_true(planner_sibling_is_active(&planner, 2));
    assert_true(planner_sibling_is_active(&planner, 3));

    /* PMD 0 has none left. */
    try_move(&planner, 1, 3);
    assert_int_equal(planner.pmds[0].load_ppm, 0);
    assert_int_equal(planner.pmds[0].demand_ppm, 0);
    assert_int_equal(planner.pmds[3].load_ppm, 1000000);
    assert_int_equal(planner.pmds[3].demand_ppm, 300000 + 1050000);
    assert_int_equal(planner.numas[0].n_active, 0);
    assert_int_equal(planner.numas[0].n_rxqs, 0);
    assert_int_equal(planner.numas[1].n_active, 2);
    assert_int_equal(planner.numas[1].n_rxqs, 3);
    assert_false(planner_sibling_is_active(&planner, 1));
    assert_int_equal(h.plan.n_moves, 2);

    /* Nobody has decided anything yet. */
    assert_false(planner.pmds[0].gave || planner.pmds[3].took);
    vmq_planner_keep_moves(&planner, 0);
    assert_true(planner.pmds[0].gave && planner.pmds[3].took);
    assert_int_equal(h.plan.pmds[3].verdict, VMQ_VERDICT_TARGET);
    host_destroy(&h);
}

static void
moves_that_are_undone_leave_no_trace(void **state)
{
    struct planner_numa numas[4];
    struct planner_pmd pmds[4];
    struct planner_rxq rxqs[3];
    struct planner planner;
    uint32_t cores[4];
    struct vmq_host h;

    (void) state;
    two_nodes(&h);
    begin(&h, &planner);
    for (int k = 0; k < 2; k++) {
        memcpy(numas, planner.numas, sizeof numas);
        memcpy(pmds, planner.pmds, sizeof pmds);
        memcpy(rxqs, planner.rxqs, sizeof rxqs);
        memcpy(cores, planner.cores, sizeof cores);

        /* With 'k' moves before them that stay. */
        try_move(&planner, k, 3);
        try_move(&planner, 2, 1);
        vmq_planner_undo_moves(&planner, k);
        assert_int_equal(h.plan.n_moves, k);
        assert_memory_equal(planner.numas, numas, sizeof numas);
        assert_memory_equal(planner.pmds, pmds, sizeof pmds);
        assert_memory_equal(planner.rxqs, rxqs, sizeof rxqs);
        assert_memory_equal(planner.cores, cores, sizeof cores);
        try_move(&planner, 0, 1);
    }
    host_destroy(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_that_is_tried_is_seen_on_both_sides),
        cmocka_unit_test(moves_that_are_undone_leave_no_trace),
    };

    return cmocka_run_group_tests_name("planner", tests, NULL, NULL);
}

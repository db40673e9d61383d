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

/* Tests of the planner: cases worked out by hand.  "P4" and the like are the
 * invariants in vmq-plan.h. */

#include <config.h>
#include "vmq-plan.h"

#include "vmq-credit.h"
#include "vmq-host.h"
#include "vmq-load.h"
#include "vmq-plan-check.h"
#include "vmq-test.h"
#include "vmq-util.h"

/* Figures in these tests are for these settings, whatever the defaults are. */
static void
plan_init(struct vmq_host *h, const char *numas)
{
    host_init(h, numas);
    h->config.coalesce_hold_ms = 10000;
    h->config.credit_refill_ms = 5000;
    h->config.max_moves = 4;
    h->config.pack_target_pct = 75;
}

/* Takes 'n' credits off queue 'rxq' as if it had just come from elsewhere. */
static void
spend(struct vmq_host *h, uint32_t rxq, unsigned int n)
{
    struct vmq_move move = {
        .rxq = rxq,
        .from = h->s.rxqs[rxq].pmd,
        .to = (h->s.rxqs[rxq].pmd + 1) % h->s.n_pmds,
        .reason = VMQ_REASON_MANUAL,
    };
    enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;

    while (n--) {
        vmq_credit_commit(h->ledger, &h->config, &h->s, &move, 1, &outcome,
                          NULL);
    }
}

static enum vmq_verdict
verdict(const struct vmq_host *h, uint32_t pmd)
{
    return h->plan.pmds[pmd].verdict;
}

static void
the_example_in_the_header_is_right(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 3000);
    host_add(&h, 0, 1500);
    host_add(&h, 1, 5500);
    host_expect(&h, "q2 0>1 spread");
    host_apply(&h, 1000);
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].load_bp, 8000);
    assert_int_equal(h.plan.pmds[1].load_bp, 7000);

    for (int i = 0; i < 3; i++) {
        host_set_load(&h, i, 1000);
    }
    h.s.now_ms += 10000;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);

    host_set_load(&h, 3, 500);
    h.s.now_ms += 10000;
    host_expect(&h, "q0 0>1 coalesce, q1 0>1 coalesce");
    host_apply(&h, 1000);
    host_expect(&h, "");
    assert_string_equal(host_where(&h), "0: | 1: q0 q1 q2 q3 | 2:");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_MIN_PMDS);
    host_destroy(&h);
}

/* Spread. */

static void
an_edge_is_relieved_at_once_and_alone(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 6500);
    host_add(&h, 1, 3000);
    host_add(&h, 2, 100);
    h.s.window_ms = 1;
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_WARMING);

    h.s.pmds[0].edge = true;
    host_expect(&h, "q1 0>2 spread");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_SPREAD);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SPREAD);
    assert_true(h.plan.hurry);

    /* Nothing is put together on such an occasion. */
    for (int i = 0; i < 4; i++) {
        host_set_load(&h, i, 100);
    }
    h.s.window_ms = 1000;
    host_expect(&h, "");
    h.s.pmds[0].edge = false;
    host_plan(&h);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_COALESCE);
    assert_false(h.plan.hurry);
    host_destroy(&h);
}

static void
step_overload_is_relieved_in_one_plan(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_expect(&h, "q1 0>1 spread");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SPREAD);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_SPREAD);
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_TARGET);
    assert_int_equal(h.plan.pmds[0].load_bp, 9000);
    assert_int_equal(h.plan.pmds[0].predicted_bp, 6000);
    assert_int_equal(h.plan.pmds[1].predicted_bp, 3000);
    assert_int_equal(h.plan.moves[0].gain_bp, 3000);
    assert_int_equal(h.plan.moves[0].price_mc, VMQ_CREDIT);
    assert_int_equal(h.plan.generation, h.s.generation);
    host_apply(&h, 100);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
load_below_the_threshold_is_left_alone(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 3499);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_BALANCED);
    assert_false(vmq_pmd_overloaded(&h.s, &h.config, 0));
    host_set_load(&h, 1, 3500);
    assert_true(vmq_pmd_overloaded(&h.s, &h.config, 0));
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

static void
twenty_small_queues_are_relieved_in_one_plan(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    for (int i = 0; i < 20; i++) {
        host_add(&h, 0, 500);
    }
    host_expect(&h, "q0 0>1 spread, q1 0>1 spread, "
                "q2 0>1 spread, q3 0>1 spread");
    assert_int_equal(h.plan.pmds[0].predicted_bp, (8500 + 7500) / 2);
    host_apply(&h, 100);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
a_thousand_tiny_queues_can_leave_too(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 1000; i++) {
        host_add(&h, 0, 9);
    }
    host_expect(&h, "q0 0>1 spread, q1 0>1 spread, "
                "q2 0>1 spread, q3 0>1 spread");
    host_destroy(&h);
}

/* Of 0.1 % of a PMD, or half as much as the mean of its PMD's queues. */
static void
a_queue_must_be_worth_moving(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 9; i++) {
        host_add(&h, 0, 1000);
        h.s.rxqs[i].mobility = VMQ_PINNED;
    }
    host_add(&h, 0, 10);
    host_expect(&h, "q9 0>1 spread");
    h.s.rxqs[9].cycles = h.s.window_cycles / VMQ_PPM * 999;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_IMMOBILE);
    host_destroy(&h);

    plan_init(&h, "0 0");
    for (int i = 0; i < 1199; i++) {
        host_add(&h, 0, 8);
        h.s.rxqs[i].mobility = VMQ_PINNED;
    }
    host_add(&h, 0, 4);
    host_expect(&h, "q1199 0>1 spread");
    host_set_load(&h, 1199, 3);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_IMMOBILE);
    host_destroy(&h);
}

static void
an_elephant_stays_and_the_others_leave_it(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 9000);
    host_add(&h, 0, 500);
    host_add(&h, 0, 300);
    host_expect(&h, "q1 0>1 spread, q2 0>1 spread");
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_ELEPHANT);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_ELEPHANT);
    host_destroy(&h);
}

static void
idle_neighbors_of_an_elephant_stay(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 9000);
    host_add(&h, 0, 9);
    host_add(&h, 0, 0);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_ELEPHANT);
    assert_int_equal(h.plan.pmds[0].rxq, 0);
    host_destroy(&h);
}

/* Offered 0.3 %, beside one that is offered 400 %, a queue takes less than
 * 0.1 %, and loses the rest. */
static void
a_starved_neighbor_of_an_elephant_leaves(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 9980);
    host_add(&h, 0, 7);
    host_add(&h, 0, 7);
    h.s.rxqs[0].backlog = true;
    h.s.rxqs[1].backlog = true;
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

static void
one_of_two_elephants_leaves(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 9500);
    host_add(&h, 0, 9500);
    host_add(&h, 0, 300);
    host_expect(&h, "q2 0>1 spread, q1 0>2 relieve");
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_ELEPHANT);
    host_destroy(&h);
}

static void
an_elephant_leaves_another_one_that_is_pinned(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 9000);
    host_add(&h, 0, 8600);
    h.s.rxqs[1].mobility = VMQ_PINNED;
    host_expect(&h, "q0 0>1 relieve");
    host_destroy(&h);
}

static void
backlog_is_overload_at_any_measured_load(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 2000);
    host_add(&h, 0, 2000);
    host_expect(&h, "");
    assert_false(vmq_pmd_overloaded(&h.s, &h.config, 0));

    /* q0 wants the 60 % that no queue got: 80 %. */
    h.s.rxqs[0].backlog = true;
    assert_true(vmq_pmd_overloaded(&h.s, &h.config, 0));
    host_expect(&h, "q1 0>1 spread");
    assert_int_equal(h.plan.pmds[0].predicted_bp, 8000);

    /* Both do: 50 % each. */
    h.s.rxqs[1].backlog = true;
    host_expect(&h, "q0 0>1 spread");
    assert_int_equal(h.plan.pmds[0].predicted_bp, 5000);
    assert_int_equal(h.plan.pmds[1].predicted_bp, 5000);
    host_destroy(&h);
}

static void
a_backlog_alone_on_its_pmd_is_an_elephant(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 4000);
    h.s.rxqs[0].backlog = true;
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_ELEPHANT);

    /* So is one that takes just as much as the threshold. */
    h.s.rxqs[0].backlog = false;
    host_set_load(&h, 0, 8500);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_ELEPHANT);
    host_destroy(&h);
}

/* A queue with a backlog fits where half as much again does. */
static void
backlog_hides_half_as_much_again(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 5000);
    h.s.rxqs[0].backlog = true;
    h.s.rxqs[1].mobility = VMQ_EXCLUDED;
    host_expect(&h, "q0 0>1 spread");
    host_set_load(&h, 0, 5001);
    host_expect(&h, "q0 0>1 relieve");
    host_destroy(&h);
}

static void
an_active_pmd_is_preferred_to_a_parked_one(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 2, 1000);
    host_expect(&h, "q1 0>2 spread");
    host_destroy(&h);
}

static void
a_parked_pmd_is_woken_if_no_active_one_has_room(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 2, 3600);
    host_expect(&h, "q1 0>1 spread");

    /* There is room up to the pack target. */
    host_set_load(&h, 2, 3500);
    host_expect(&h, "q1 0>2 spread");
    host_destroy(&h);
}

static void
waking_prefers_a_core_whose_sibling_is_idle(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    h.s.pmds[1].sibling_group = 0;
    h.s.pmds[2].sibling_group = h.s.pmds[3].sibling_group = 1;
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_expect(&h, "q1 0>2 spread");
    host_destroy(&h);
}

/* Hyperthreads 0 and 1, 2 and 3, 4 and 5. */
static void
host_init_siblings(struct vmq_host *h)
{
    plan_init(h, "0 0 0 0 0 0");
    for (uint32_t i = 0; i < h->s.n_pmds; i++) {
        h->s.pmds[i].sibling_group = i / 2;
    }
}

/* PMD 2 gives its queues to PMD 4, then PMD 0 wakes the sibling of PMD 2
 * rather than its own. */
static void
a_core_that_its_last_queue_leaves_is_idle(void **state)
{
    struct vmq_host h;

    (void) state;
    host_init_siblings(&h);
    host_add(&h, 0, 4600);
    host_add(&h, 0, 4500);
    host_add(&h, 2, 900);
    host_add(&h, 2, 900);
    host_add(&h, 4, 2000);
    host_add(&h, 4, 3300);
    h.s.pmds[2].stolen_cycles = h.s.window_cycles / 10 * 9;
    h.s.pmds[5].isolated = true;
    host_expect(&h, "q2 2>4 spread, q3 2>4 spread, q1 0>3 spread");
    host_destroy(&h);
}

static void
a_core_that_a_queue_wakes_is_idle_no_more(void **state)
{
    struct vmq_host h;

    (void) state;
    host_init_siblings(&h);
    for (int i = 0; i < 3; i++) {
        host_add(&h, 0, 6000);
    }
    host_expect(&h, "q0 0>2 spread, q1 0>4 spread");
    host_destroy(&h);
}

static void
one_move_that_is_enough_is_preferred_to_several(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 3000);
    host_add(&h, 0, 1000);
    host_add(&h, 0, 6000);
    h.s.rxqs[0].packets = 50000;
    h.s.rxqs[2].packets = 90000;
    host_expect(&h, "q0 0>1 spread");

    /* It is enough if it gets to the goal, rounded down. */
    host_set_load(&h, 1, 2000);
    h.s.rxqs[2].cycles += h.s.window_cycles / VMQ_PPM * 99;
    host_expect(&h, "q0 0>1 spread");
    h.s.rxqs[2].cycles += h.s.window_cycles / VMQ_PPM;
    host_expect(&h, "q2 0>1 spread");
    host_set_load(&h, 1, 1000);
    host_set_load(&h, 2, 5000);
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

static void
the_queue_that_disturbs_least_moves(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 4500);
    host_add(&h, 0, 4500);
    h.s.rxqs[0].packets = 30000;        /* 100,000 packets/s: a credit. */
    h.s.rxqs[1].packets = 3000;
    host_expect(&h, "q1 0>1 spread");

    vmq_snapshot_add_port_pmd(&h.s, h.s.rxqs[1].port, 0, 2000);
    host_expect(&h, "q0 0>1 spread");

    /* The flows of the first port are seen, too. */
    h.s.rxqs[0].packets = h.s.rxqs[1].packets = 0;
    h.s.n_port_pmds = 0;
    vmq_snapshot_add_port_pmd(&h.s, h.s.rxqs[0].port, 0, 2000);
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

/* 100 or 99 thousandths of one: what the move itself costs is not all. */
static void
less_than_a_credit_of_disturbance_counts(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 4500);
    host_add(&h, 0, 4500);
    h.s.rxqs[0].packets = 3000;
    h.s.rxqs[1].packets = 2970;
    host_expect(&h, "q1 0>1 spread");
    h.s.rxqs[1].packets = 3000;
    host_expect(&h, "q0 0>1 spread");

    h.config.min_pmds = 2;
    host_set_load(&h, 0, 1000);
    host_set_load(&h, 1, 1000);
    host_expect(&h, "q0 0>1 min-pmds");
    h.s.rxqs[1].packets = 2970;
    host_expect(&h, "q1 0>1 min-pmds");
    host_destroy(&h);
}

/* q1 has a credit to pay with.  q2 has none, is light and goes for nothing. */
static void
a_light_queue_that_moves_free_goes_first(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 8450);
    host_add(&h, 0, 50);
    host_add(&h, 0, 50);
    h.s.rxqs[0].mobility = VMQ_PINNED;
    spend(&h, 2, 2);
    h.s.now_ms += h.config.credit_refill_ms;
    host_expect(&h, "q2 0>1 spread, q1 0>1 spread");
    assert_int_equal(h.plan.moves[0].price_mc, 0);
    assert_int_equal(h.plan.moves[1].price_mc, VMQ_CREDIT);
    host_destroy(&h);
}

static void
flows_of_tunnels_count_for_their_queues(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 4500);
    host_add(&h, 0, 4500);
    vmq_snapshot_add_port_pmd(&h.s, h.s.rxqs[1].port, 0, 100);
    host_expect(&h, "q0 0>1 spread");
    h.s.rxqs[0].tunnel_flows = 50000;
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

static void
expect_why(struct vmq_host *h, uint32_t n_errors, const char *expected)
{
    char *why;

    vmq_plan_compute(&h->s, &h->config, h->ledger, &h->plan);
    why = vmq_plan_why(&h->plan, &h->s, n_errors);
    assert_string_equal(why, expected);
    free(why);
}

/* What is done at all is said by the verdict, but not why nothing is done. */
static void
nothing_is_done_for_a_reason(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 1000);
    expect_why(&h, 0, "nothing to do");
    expect_why(&h, 1, "1 setting wrong");
    host_add(&h, 1, 8000);
    h.s.rxqs[0].mobility = VMQ_DYNAMIC;
    expect_why(&h, 0, "2 PMDs no-fit");
    h.s.pmds[2].stolen_cycles = h.s.window_cycles / 5;
    expect_why(&h, 2, "2 PMDs no-fit, 1 PMD short of CPU time, "
               "2 settings wrong");
    h.s.pmds[2].stolen_cycles = h.s.window_cycles / 10 + 1;
    expect_why(&h, 0, "2 PMDs no-fit, 1 PMD short of CPU time");
    h.s.pmds[2].stolen_cycles = h.s.window_cycles / 10;
    expect_why(&h, 0, "2 PMDs no-fit");
    host_add(&h, 1, 3000);
    expect_why(&h, 2, "queues leave an overloaded PMD");
    host_destroy(&h);
}

static void
without_room_the_better_off_of_two_takes_a_queue(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 5000);
    host_add(&h, 1, 4000);
    host_expect(&h, "q1 0>1 relieve");
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_DESTINATION);
    host_destroy(&h);
}

static void
relieving_needs_a_gain_of_5_percent(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 5501);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);
    host_set_load(&h, 2, 5500);
    host_expect(&h, "q1 0>1 relieve");
    host_destroy(&h);
}

static void
an_overloaded_pmd_can_help_a_worse_one(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 15; i++) {
        host_add(&h, 0, 1000);
    }
    host_add(&h, 1, 8400);
    host_add(&h, 1, 200);
    host_expect(&h, "q0 0>1 relieve, q1 0>1 relieve, q2 0>1 relieve");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_TARGET);
    host_destroy(&h);
}

static void
a_pmd_never_swaps_its_only_queue_with_a_parked_one(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.spread_threshold_pct = 1;
    host_add(&h, 0, 60);
    host_add(&h, 0, 40);
    host_add(&h, 1, 40);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
stolen_time_is_a_reason_to_leave(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 1000);
    host_expect(&h, "");
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 10 * 4;
    assert_true(vmq_pmd_overloaded(&h.s, &h.config, 0));

    /* 50 % of a PMD would still be 83 % of what is left of this one. */
    host_expect(&h, "q0 0>1 spread");
    assert_int_equal(h.plan.pmds[0].capacity_bp, 6000);
    host_destroy(&h);
}

static void
stolen_time_leaves_less_room(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 1000);
    h.s.pmds[1].stolen_cycles = h.s.window_cycles / 2;
    host_expect(&h, "q1 0>2 spread");
    host_destroy(&h);
}

static void
nothing_is_spread_where_no_cpu_is_to_spare(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 100);
    host_add(&h, 0, 200);
    host_add(&h, 1, 100);
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 100 * 97;
    h.s.pmds[1].stolen_cycles = h.s.window_cycles / VMQ_BP * 5001;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_DESTINATION);

    /* One PMD that gets half of its CPU is enough. */
    h.s.pmds[1].stolen_cycles = h.s.window_cycles / 2;
    host_expect(&h, "q0 0>1 spread");

    /* Of one that polls alone, nobody knows what the others would get. */
    h.s.rxqs[2].pmd = 0;
    h.s.pmds[1].parked = true;
    h.s.pmds[1].stolen_cycles = 0;
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

/* Eight PMDs that share two CPUs with each other and with other programs: what
 * each of them gets changes all the time. */
static void
queues_of_a_starved_host_rest(void **state)
{
    struct test_random r = { 1 };
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0 0 0 0 0");
    for (uint32_t i = 0; i < 32; i++) {
        host_add(&h, i % 8, 150);
    }
    for (int t = 0; t < 200; t++) {
        for (uint32_t i = 0; i < 8; i++) {
            h.s.pmds[i].stolen_cycles
                = (h.s.window_cycles / 100 * test_random_range(&r, 55, 97));
        }
        host_plan(&h);
        host_apply(&h, 100);
    }
    assert_uint_in_range(h.n_moves, 0, 32);
    host_destroy(&h);
}

static void
the_worst_pmd_is_relieved_first(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    h.config.max_moves = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 1, 5000);
    host_add(&h, 1, 4900);
    host_expect(&h, "q3 1>2 spread");
    host_destroy(&h);
}

static void
max_moves_bounds_a_plan(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    h.config.max_moves = 2;
    for (int i = 0; i < 20; i++) {
        host_add(&h, 0, 500);
    }
    host_expect(&h, "q0 0>1 spread, q1 0>1 spread");
    host_destroy(&h);
}

/* Credit. */

static void
no_credit_no_move_but_the_candidate_is_named(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);
    assert_int_equal(h.plan.pmds[0].to, 1);

    /* Only q0 may. */
    h.s.now_ms += 1000;
    spend(&h, 1, 1);
    h.s.now_ms += 4000;
    host_expect(&h, "q0 0>1 spread");
    host_destroy(&h);
}

/* Credit is what is missing only if there is something to buy. */
static void
no_credit_is_named_if_the_move_would_be_made(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 1, 5000);
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);

    /* It would not fit, but both PMDs would gain. */
    host_set_load(&h, 2, 4000);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);
    host_destroy(&h);

    /* It would fit, though little is gained. */
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 8490);
    host_add(&h, 0, 100);
    h.s.rxqs[0].mobility = VMQ_EXCLUDED;
    spend(&h, 1, 1);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);
    host_destroy(&h);
}

/* Both queues have just come from core 1, and to return costs them three
 * credits. */
static void
no_credit_is_named_if_only_a_return_is_too_dear(void **state)
{
    static const struct vmq_move moves[] = {
        { .rxq = 0, .from = 1, .to = 0, .reason = VMQ_REASON_SPREAD },
        { .rxq = 1, .from = 1, .to = 0, .reason = VMQ_REASON_SPREAD },
    };
    enum vmq_outcome outcomes[] = {
        VMQ_OUTCOME_APPLIED, VMQ_OUTCOME_APPLIED
    };
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.config.credits = 2;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    vmq_credit_commit(h.ledger, &h.config, &h.s, moves, 2, outcomes, NULL);
    h.s.pmds[2].isolated = true;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);

    /* The other parked PMD is as good and costs one. */
    h.s.pmds[2].isolated = false;
    host_expect(&h, "q1 0>2 spread");
    assert_int_equal(h.plan.moves[0].price_mc, VMQ_CREDIT);

    /* Also if they could pay for the return. */
    h.config.credits = 8;
    h.s.now_ms += 20000;
    host_expect(&h, "q1 0>2 spread");
    h.s.pmds[2].isolated = true;
    host_expect(&h, "q1 0>1 spread");
    assert_int_equal(h.plan.moves[0].price_mc, 2333);
    host_destroy(&h);
}

static void
only_a_pmd_that_loses_packets_may_overdraw(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4900);
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_expect(&h, "");

    host_set_load(&h, 1, 5000);
    host_expect(&h, "q0 0>1 spread");
    assert_true(h.plan.moves[0].overdraft);

    host_set_load(&h, 1, 2000);
    host_expect(&h, "");
    h.s.rxqs[1].backlog = true;
    host_expect(&h, "q0 0>1 spread");
    assert_true(h.plan.moves[0].overdraft);

    /* Not without end: no credit is left below -C. */
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_CREDIT);
    host_destroy(&h);
}

static void
who_has_credit_goes_before_who_has_not(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 5000);
    spend(&h, 0, 1);
    host_expect(&h, "q1 0>1 spread");
    assert_false(h.plan.moves[0].overdraft);
    host_destroy(&h);
}

static void
a_forced_return_is_no_pingpong(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 2000);
    host_expect(&h, "q1 0>1 spread");
    host_apply(&h, 1000);

    /* The loads shift: core 1 has 90 % now. */
    host_set_load(&h, 0, 2000);
    host_set_load(&h, 2, 6000);
    host_expect(&h, "q1 1>0 spread");
    assert_uint_in_range(h.plan.moves[0].price_mc, 2900, 3000);
    host_apply(&h, 1000);
    assert_int_equal(h.n_forced_returns, 1);
    assert_int_equal(h.n_pingpongs, 0);

    /* And back: now it has too little credit left, and it is q0 that goes. */
    host_set_load(&h, 0, 6000);
    host_set_load(&h, 2, 1000);
    host_expect(&h, "q0 0>1 spread");
    host_apply(&h, 1000);
    host_expect(&h, "");
    assert_int_equal(h.n_pingpongs, 0);
    host_destroy(&h);
}

/* For 'rounds' times 2 s, high load for a second, which wants two PMDs, then
 * low load, which wants one. */
static void
swing(struct vmq_host *h, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        host_set_load(h, 0, 5000);
        host_set_load(h, 1, 4000);
        host_plan(h);
        host_apply(h, 1000);
        host_set_load(h, 0, 2000);
        host_set_load(h, 1, 1000);
        host_plan(h);
        host_apply(h, 1000);
    }
}

static void
without_credits_a_swinging_load_is_a_pingpong(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 0;
    host_add(&h, 0, 0);
    host_add(&h, 0, 0);
    swing(&h, 60);
    assert_int_equal(h.n_moves, 120);
    assert_int_equal(h.n_pingpongs, 59);
    host_destroy(&h);
}

static void
credits_stop_the_pingpong_of_a_swinging_load(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 0);
    host_add(&h, 0, 0);
    swing(&h, 60);
    assert_int_equal(h.n_pingpongs, 0);

    /* In 120 s, C2 allows 2 * 4 + 120 / 5 + 120 / 10 = 44 moves of each
     * queue. */
    assert_uint_in_range(h.s.rxqs[0].n_moves, 0, 44);
    assert_uint_in_range(h.s.rxqs[1].n_moves, 0, 44);
    assert_uint_in_range(h.n_moves, 1, 40);
    host_destroy(&h);
}

/* Coalesce. */

/* q1 has come from PMD 0, on which q0 is pinned: PMD 1 can only be freed by
 * going back. */
static void
a_queue_returns_when_what_it_left_for_has_gone(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 1000);
    host_add(&h, 0, 2000);
    h.s.rxqs[0].mobility = VMQ_PINNED;
    spend(&h, 1, 1);
    h.s.rxqs[1].pmd = 1;
    h.s.pmds[1].parked = false;

    h.s.now_ms += 9999;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_NO_CREDIT);
    h.s.now_ms++;
    host_expect(&h, "q1 1>0 coalesce");
    assert_int_equal(h.plan.moves[0].price_mc, 0);
    host_apply(&h, 0);
    assert_int_equal(h.n_pingpongs, 0);

    /* To go there again is no return, and costs as much as any move, but it
     * has to be for more than to free the PMD. */
    h.s.rxqs[0].mobility = VMQ_DYNAMIC;
    h.s.rxqs[0].pmd = 1;
    h.s.pmds[1].parked = false;
    host_expect(&h, "q0 1>0 coalesce");
    h.s.rxqs[0].mobility = VMQ_PINNED;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    h.s.rxqs[0].pmd = 0;
    host_set_load(&h, 1, 8000);
    host_expect(&h, "q1 0>1 relieve");
    assert_int_equal(h.plan.moves[0].price_mc, VMQ_CREDIT);
    host_destroy(&h);
}

static void
a_pmd_under_the_threshold_is_freed(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 4000);
    host_add(&h, 1, 2000);
    host_add(&h, 0, 100);
    host_expect(&h, "q1 1>0 coalesce");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_COALESCE);
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_COALESCE);
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_PARKED);
    host_destroy(&h);
}

static void
five_pmds_at_31_percent_are_two_too_many(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0 0");
    for (int i = 0; i < 5; i++) {
        host_add(&h, i, 1100);
        host_add(&h, i, 1000);
        host_add(&h, i, 1000);
    }
    assert_uint_in_range(host_settle(&h, 10, 100), 1, 3);
    assert_int_equal(host_n_active(&h), 3);
    assert_uint_in_range(host_worst_bp(&h), 0, 7500);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_BALANCED);
    assert_int_equal(verdict(&h, 3), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
pmds_that_just_fit_one_fewer_are_coalesced(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 4500);
    host_add(&h, 1, 4500);
    host_add(&h, 2, 3500);
    host_add(&h, 2, 3501);
    host_expect(&h, "");
    host_set_load(&h, 3, 3500);
    host_expect(&h, "q2 2>0 coalesce, q3 2>1 coalesce");
    host_destroy(&h);
}

static void
coalesce_threshold_0_frees_nothing(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.coalesce_threshold_pct = 0;
    host_add(&h, 0, 100);
    host_add(&h, 1, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_BALANCED);
    host_destroy(&h);
}

/* What counts is the highest moment of the coalesce hold. */
static void
coalesce_threshold_leaves_busy_pmds_alone(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.coalesce_threshold_pct = 30;
    host_add(&h, 0, 3000);
    host_add(&h, 1, 3500);
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].verdict, VMQ_VERDICT_BUSY);
    assert_int_equal(h.plan.pmds[1].verdict, VMQ_VERDICT_BUSY);

    host_set_load(&h, 0, 2999);
    host_expect(&h, "q0 0>1 coalesce");
    h.s.rxqs[0].history_bp[VMQ_HISTORY_SLOTS - 1] = 3000;
    host_expect(&h, "");

    /* It has begun. */
    h.s.pmds[0].evacuating = true;
    host_expect(&h, "q0 0>1 coalesce");
    h.s.pmds[0].evacuating = false;

    h.config.coalesce_threshold_pct = 31;
    host_expect(&h, "q0 0>1 coalesce");
    host_destroy(&h);
}

/* A PMD that had no time left is judged like any other. */
static void
coalesce_threshold_100_is_no_limit(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    assert_int_equal(h.config.coalesce_threshold_pct, 100);
    host_add(&h, 0, 5000);
    host_add(&h, 1, 4000);
    h.s.rxqs[0].history_bp[0] = 12000;
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].verdict, VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

/* A queue counts with its reserve if it takes less, at every moment. */
static void
reserve_keeps_room(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 100);
    host_add(&h, 1, 3000);
    h.s.rxqs[0].reserve_bp = 5001;
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].verdict, VMQ_VERDICT_NO_FIT);
    assert_int_equal(h.plan.pmds[0].load_bp, 5001);
    assert_int_equal(h.plan.pmds[0].slow_bp, 5001);
    h.s.rxqs[0].reserve_bp = 5000;
    host_expect(&h, "q0 0>1 coalesce");

    /* It is not added to what the queue takes. */
    host_set_load(&h, 0, 4900);
    host_expect(&h, "q0 0>1 coalesce");
    host_destroy(&h);
}

/* One that comes late, or more than there is room for, is made room for. */
static void
reserve_spreads(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 100);
    host_add(&h, 0, 3000);
    host_add(&h, 0, 100);
    h.s.rxqs[0].reserve_bp = 5400;
    host_expect(&h, "q1 0>1 spread");
    h.s.rxqs[0].reserve_bp = 5299;
    host_expect(&h, "");
    host_destroy(&h);
}

/* What nobody uses is not lost, so no queue leaves without credit for it. */
static void
reserve_is_no_loss(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 100);
    host_add(&h, 0, 3000);
    h.s.rxqs[0].reserve_bp = 10000;
    h.config.credits = 1;
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].verdict, VMQ_VERDICT_NO_CREDIT);
    host_destroy(&h);
}

static void
peaks_that_alternate_fit(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 500);
    host_add(&h, 1, 500);
    for (int i = 0; i < VMQ_HISTORY_SLOTS; i++) {
        h.s.rxqs[i % 2].history_bp[i] = 6000;
    }
    host_expect(&h, "q0 0>1 coalesce");
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[1].slow_bp, 6500);
    host_destroy(&h);
}

static void
peaks_that_coincide_do_not_fit(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 500);
    host_add(&h, 1, 500);
    h.s.rxqs[0].history_bp[13] = h.s.rxqs[1].history_bp[13] = 4000;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
the_present_counts_as_well_as_the_past(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 500);
    host_add(&h, 1, 500);
    host_set_fast(&h, 1, 7100);
    host_expect(&h, "");
    host_set_fast(&h, 1, 7000);
    host_expect(&h, "q0 0>1 coalesce");
    host_destroy(&h);
}

static void
the_pmd_that_is_cheapest_to_free_is_freed(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 2500);
    host_add(&h, 0, 2500);
    host_add(&h, 1, 4900);
    host_add(&h, 2, 2400);
    h.s.rxqs[2].packets = 60000;        /* Two credits' worth. */
    h.s.rxqs[3].packets = 60000;
    host_expect(&h, "q0 0>1 coalesce, q1 0>2 coalesce");
    h.s.rxqs[3].packets = 0;
    host_expect(&h, "q3 2>0 coalesce");
    host_destroy(&h);
}

static void
freeing_a_pmd_costs_a_credit_for_each_queue(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 500);
    host_add(&h, 0, 500);
    host_add(&h, 1, 1000);
    h.s.rxqs[2].packets = 29970;        /* A little less than a credit. */
    host_expect(&h, "q2 1>0 coalesce");
    h.s.rxqs[2].packets = 30030;
    host_expect(&h, "q0 0>1 coalesce, q1 0>1 coalesce");
    host_destroy(&h);
}

static void
an_evacuation_larger_than_max_moves_goes_on(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    for (int i = 0; i < 10; i++) {
        host_add(&h, 0, 100);
    }
    for (int i = 0; i < 12; i++) {
        host_add(&h, 1, 100);
        host_add(&h, 2, 100);
    }
    host_expect(&h, "q0 0>1 coalesce, q1 0>1 coalesce, "
                "q2 0>1 coalesce, q3 0>1 coalesce");
    host_apply(&h, 100);
    assert_true(h.s.pmds[0].evacuating);
    h.s.pmds[0].settling = h.s.pmds[1].settling = true;
    host_expect(&h, "q4 0>1 coalesce, q5 0>1 coalesce, "
                "q6 0>1 coalesce, q7 0>1 coalesce");
    host_apply(&h, 100);
    host_expect(&h, "q8 0>1 coalesce, q9 0>1 coalesce");
    host_apply(&h, 100);
    assert_true(h.s.pmds[0].parked);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
an_evacuation_that_does_not_fit_any_more_stops(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 10; i++) {
        host_add(&h, 0, 100);
    }
    host_add(&h, 1, 7000);
    host_expect(&h, "q10 1>0 coalesce");
    h.s.rxqs[10].packets = 10000000;
    host_expect(&h, "q0 0>1 coalesce, q1 0>1 coalesce, "
                "q2 0>1 coalesce, q3 0>1 coalesce");
    host_apply(&h, 100);
    host_set_load(&h, 10, 7100);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
an_evacuation_that_has_begun_comes_first(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 100);
    host_add(&h, 1, 100);
    host_add(&h, 1, 100);
    host_add(&h, 2, 100);
    h.config.max_moves = 2;
    host_expect(&h, "q0 0>1 coalesce, q3 2>1 coalesce");
    h.s.pmds[1].evacuating = true;
    host_expect(&h, "q1 1>0 coalesce, q2 1>0 coalesce");

    /* Though its PMDs are settling. */
    h.s.pmds[0].settling = h.s.pmds[1].settling = true;
    host_expect(&h, "q1 1>0 coalesce, q2 1>0 coalesce");
    host_destroy(&h);
}

static void
an_evacuation_that_is_stuck_holds_up_no_other(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 4000);
    host_add(&h, 1, 3000);
    host_add(&h, 2, 3000);
    h.s.rxqs[0].history_bp[3] = 9000;
    h.s.pmds[0].evacuating = true;
    host_expect(&h, "q1 1>2 coalesce");
    host_destroy(&h);
}

static void
a_pmd_is_freed_wholly_or_not_at_all(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 3000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 4000);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);
    assert_int_equal(h.plan.pmds[0].predicted_bp, 6000);
    assert_int_equal(h.plan.pmds[1].predicted_bp, 4000);
    host_destroy(&h);
}

static void
an_idle_queue_without_credit_does_not_block(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    host_add(&h, 0, 4000);
    host_add(&h, 0, 100);
    h.s.rxqs[1].mobility = VMQ_EXCLUDED;
    host_add(&h, 1, 300);
    host_add(&h, 1, 99);
    spend(&h, 3, 2);
    h.s.now_ms += h.config.credit_refill_ms - 1;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(h.plan.pmds[1].rxq, 3);

    h.s.now_ms += 1;
    host_expect(&h, "q2 1>0 coalesce, q3 1>0 coalesce");
    assert_int_equal(h.plan.moves[1].price_mc, 0);
    assert_false(h.plan.moves[1].overdraft);

    /* A queue that has a load cannot. */
    host_set_load(&h, 3, 100);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
coalescing_returns_no_queue(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_expect(&h, "q1 0>1 spread");
    host_apply(&h, 0);

    /* q1 would return; q0, which would do as well, costs more. */
    host_set_load(&h, 0, 3000);
    h.s.rxqs[0].packets = 1000000;
    host_expect(&h, "q0 0>1 coalesce");
    h.s.rxqs[0].mobility = VMQ_EXCLUDED;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_NO_CREDIT);

    h.s.now_ms += VMQ_PINGPONG_MS;
    host_expect(&h, "q1 1>0 coalesce");
    host_destroy(&h);
}

/* q0 may go to core 2, but not back to core 1.  q1 then fits nowhere. */
static void
the_last_obstacle_is_named(void **state)
{
    struct vmq_move move = {
        .rxq = 0, .from = 1, .to = 0, .reason = VMQ_REASON_SPREAD
    };
    enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 3000);
    host_add(&h, 0, 2900);
    host_add(&h, 1, 4000);
    host_add(&h, 2, 4400);
    h.s.rxqs[0].history_bp[3] = 100;
    h.s.rxqs[2].history_bp[3] = 4700;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    vmq_credit_commit(h.ledger, &h.config, &h.s, &move, 1, &outcome, NULL);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    assert_int_equal(h.plan.pmds[0].rxq, 1);
    host_destroy(&h);
}

/* On core 1 it would fit, if it might return there.  On core 2 it would not
 * fit. */
static void
no_credit_is_named_rather_than_no_fit(void **state)
{
    struct vmq_move move = {
        .rxq = 0, .from = 1, .to = 0, .reason = VMQ_REASON_SPREAD
    };
    enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 3000);
    host_add(&h, 1, 4000);
    host_add(&h, 2, 6000);
    h.s.rxqs[1].mobility = h.s.rxqs[2].mobility = VMQ_EXCLUDED;
    vmq_credit_commit(h.ledger, &h.config, &h.s, &move, 1, &outcome, NULL);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    host_set_load(&h, 1, 6000);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
a_young_queue_holds_up_only_its_own_pmd(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 2000);
    host_add(&h, 1, 1000);
    h.s.rxqs[1].n_history = VMQ_HISTORY_SLOTS - 1;
    host_expect(&h, "q0 0>1 coalesce");
    h.s.rxqs[0].n_history = 0;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_WARMING);

    /* An idle one either. */
    host_set_load(&h, 0, 0);
    h.s.rxqs[0].n_history = 3;
    host_expect(&h, "");
    h.s.rxqs[0].n_history = VMQ_HISTORY_SLOTS;
    host_expect(&h, "q0 0>1 coalesce");
    host_destroy(&h);
}

static void
young_queues_among_known_ones_hold_up_nothing(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 1000);
    host_add(&h, 0, 500);
    host_add(&h, 1, 2000);
    host_add(&h, 2, 400);

    h.s.rxqs[2].packets = 3000;
    h.config.max_moves = 1;

    /* It has been seen for a slot, and counts with what it has shown. */
    h.s.rxqs[3].n_history = 1;
    host_expect(&h, "q3 2>1 coalesce");
    h.s.rxqs[3].history_bp[0] = 7000;
    host_expect(&h, "q2 1>0 coalesce");
    assert_int_equal(verdict(&h, 2), VMQ_VERDICT_NO_FIT);

    /* It has not been seen at all. */
    host_set_load(&h, 3, 400);
    h.s.rxqs[3].n_history = 0;
    host_expect(&h, "q2 1>0 coalesce");
    assert_int_equal(verdict(&h, 2), VMQ_VERDICT_WARMING);

    /* It is one of many: this is a new switch. */
    h.s.rxqs[3].n_history = h.s.rxqs[2].n_history = 19;
    host_expect(&h, "q3 2>1 coalesce");
    h.s.rxqs[1].n_history = 19;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 2), VMQ_VERDICT_WARMING);
    host_destroy(&h);
}

static void
of_a_young_queue_the_worst_is_assumed(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 2000);
    host_add(&h, 1, 1000);
    for (int i = 0; i < VMQ_HISTORY_SLOTS; i++) {
        h.s.rxqs[0].history_bp[i] = i < 5 ? 1000 : 2000;
        h.s.rxqs[1].history_bp[i] = i < 5 ? 6000 : 1000;
    }
    h.s.rxqs[1].n_history = 5;
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[1].slow_bp, 6000);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
a_hundred_idle_queues_are_not_rounded_to_nothing(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 100; i++) {
        host_add(&h, 1, 1);
        h.s.rxqs[i].cycles = h.s.window_cycles / VMQ_BP * 19 / 10;
    }
    host_add(&h, 0, 7900);
    h.s.rxqs[100].packets = 1000000000;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_NO_FIT);
    host_set_load(&h, 100, 7810);
    host_plan(&h);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_COALESCE);
    host_destroy(&h);
}

static void
nothing_is_packed_onto_a_pmd_that_cannot_keep_up(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 1000);
    host_add(&h, 1, 1000);
    h.s.rxqs[1].backlog = true;
    h.s.rxqs[1].mobility = VMQ_PINNED;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_FIT);
    host_destroy(&h);
}

static void
unknown_queues_are_coalesced_without_overload(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    for (int i = 0; i < 250; i++) {
        host_add(&h, i % 16, 100);
        h.s.rxqs[i].n_history = 0;
    }
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 7), VMQ_VERDICT_WARMING);
    for (int i = 0; i < 250; i++) {
        h.s.rxqs[i].n_history = VMQ_HISTORY_SLOTS;
    }
    for (int i = 0; i < 100; i++) {
        host_plan(&h);
        assert_true(!h.plan.n_moves
                    || h.plan.verdict == VMQ_VERDICT_COALESCE);
        host_apply(&h, 100);
        assert_uint_in_range(host_worst_bp(&h), 0, 8000);
    }
    assert_int_equal(host_n_active(&h), 4);
    host_expect(&h, "");
    host_destroy(&h);
}

/* What must not be touched. */

static void
queues_that_must_stay_stay(void **state)
{
    static const enum vmq_mobility mobilities[] = {
        VMQ_PINNED, VMQ_EXCLUDED, VMQ_UNSUPPORTED
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(mobilities); i++) {
        struct vmq_host h;

        plan_init(&h, "0 0");
        host_add(&h, 0, 4000);
        host_add(&h, 0, 5000);
        h.s.rxqs[0].mobility = mobilities[i];
        host_expect(&h, "q1 0>1 spread");

        h.s.rxqs[1].mobility = mobilities[i];
        host_expect(&h, "");
        assert_int_equal(h.plan.verdict, VMQ_VERDICT_IMMOBILE);

        /* Nor is their PMD freed, but it takes others. */
        host_set_load(&h, 0, 100);
        host_set_load(&h, 1, 100);
        host_add(&h, 1, 3000);
        host_expect(&h, "q2 1>0 coalesce");
        assert_int_equal(verdict(&h, 0), VMQ_VERDICT_TARGET);
        host_destroy(&h);
    }
}

static void
isolated_pmds_neither_give_nor_take(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.s.pmds[1].isolated = true;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 1, 100);
    host_expect(&h, "q1 0>2 spread");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_IMMOBILE);
    host_set_load(&h, 0, 100);
    host_set_load(&h, 1, 100);
    host_expect(&h, "");
    host_set_load(&h, 2, 9900);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
queues_that_nobody_polls_are_nobodys_load(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, VMQ_NONE, 9900);
    host_add(&h, 0, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.pmds[0].load_bp, 100);
    host_destroy(&h);
}

static void
numa_nodes_are_kept_apart(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 1 0 1");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 2, 6500);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_DESTINATION);
    host_set_load(&h, 0, 100);
    host_set_load(&h, 1, 100);
    host_set_load(&h, 2, 8000);
    host_add(&h, 1, 100);
    host_expect(&h, "");
    host_destroy(&h);
}

static void
cross_numa_lets_an_overloaded_node_use_another(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 1 0 1");
    h.config.cross_numa = true;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 2, 6500);
    host_add(&h, 3, 100);
    host_expect(&h, "q1 0>3 spread");

    /* Its own node comes first, though it has to be woken. */
    h.s.rxqs[2].pmd = 3;
    h.s.pmds[2].parked = true;
    host_set_load(&h, 2, 100);
    host_expect(&h, "q1 0>2 spread");
    host_destroy(&h);
}

static void
cross_numa_lets_the_last_queue_of_a_node_leave(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 1");
    h.config.cross_numa = true;
    host_add(&h, 0, 2000);
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 10 * 9;
    host_expect(&h, "q0 0>1 spread");
    host_destroy(&h);
}

static void
cross_numa_keeps_min_pmds_of_the_node_left(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1");
    h.config.cross_numa = true;
    h.config.min_pmds = 2;
    host_add(&h, 0, 2000);
    host_add(&h, 1, 300);
    host_add(&h, 1, 300);
    host_add(&h, 2, 300);
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 10 * 9;
    h.s.pmds[1].stolen_cycles = h.s.window_cycles / 10 * 9;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);

    /* No more PMDs than queues need be active: not once q0 has left, and then
     * not once q1 has. */
    h.s.rxqs[2].pmd = 2;
    host_set_load(&h, 1, 900);
    host_expect(&h, "q0 0>2 spread, q1 1>2 spread");
    host_destroy(&h);
}

/* A PMD that gives its only queue to a parked one of its node leaves as many
 * active as before; one of another node does not. */
static void
cross_numa_counts_the_last_queue_on_both_nodes(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1 1");
    h.config.cross_numa = true;
    h.config.min_pmds = 2;
    host_add(&h, 0, 2000);
    host_add(&h, 1, 7000);
    host_add(&h, 1, 200);
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 10 * 9;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);
    h.config.min_pmds = 1;
    host_expect(&h, "q0 0>2 spread");
    host_destroy(&h);
}

static void
cross_numa_keeps_max_pmds_of_the_node_entered(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1 1 1");
    h.config.cross_numa = true;
    h.config.max_pmds = 2;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    host_add(&h, 1, 7000);
    host_add(&h, 2, 7000);
    host_expect(&h, "q1 0>3 spread");

    /* Now node 1 has two active PMDs, and node 0 one. */
    h.s.rxqs[2].pmd = 3;
    h.s.rxqs[2].numa_id = 1;
    h.s.pmds[1].parked = h.s.pmds[1].isolated = true;
    h.s.pmds[3].parked = false;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_DESTINATION);
    host_destroy(&h);
}

/* Nobody knows where the device of q1 is. */
static void
a_queue_of_no_node_is_at_home_on_all(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 1");
    h.config.cross_numa = true;
    host_add(&h, 0, 4500);
    host_add(&h, 0, 4500);
    h.s.rxqs[1].numa_id = -1;
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

/* q0 is far from home on PMD 0, and would be on PMD 1, which it fills more. */
static void
a_queue_that_leaves_a_pmd_to_be_freed_goes_home(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1");
    h.config.cross_numa = true;
    host_add(&h, 0, 1000);
    host_add(&h, 1, 5000);
    host_add(&h, 2, 4000);
    h.s.rxqs[0].numa_id = 1;
    host_expect(&h, "q0 0>2 coalesce");
    host_destroy(&h);
}

static void
no_queue_leaves_its_node_to_free_a_pmd(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1");
    h.config.cross_numa = true;
    host_add(&h, 0, 7500);
    host_add(&h, 1, 1000);
    host_add(&h, 2, 1000);
    host_expect(&h, "");

    /* One that comes home does. */
    h.s.rxqs[1].numa_id = 1;
    host_expect(&h, "q1 1>2 coalesce");
    host_destroy(&h);
}

/* Bounds. */

static void
min_pmds_wakes_pmds(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    h.s.pmds[1].sibling_group = 0;
    h.config.min_pmds = 3;
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1500);
    host_add(&h, 0, 1000);
    host_expect(&h, "q1 0>2 min-pmds, q0 0>3 min-pmds");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SPREAD);
    host_apply(&h, 100);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_MIN_PMDS);
    host_destroy(&h);
}

static void
min_pmds_wakes_a_sibling_rather_than_none(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.s.pmds[1].sibling_group = 0;
    h.config.min_pmds = 2;
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1500);
    host_expect(&h, "q0 0>1 min-pmds");
    host_destroy(&h);
}

static void
min_pmds_wakes_the_first_of_several_siblings(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0 0");
    h.s.pmds[3].sibling_group = h.s.pmds[4].sibling_group = 0;
    h.config.min_pmds = 2;
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1500);
    h.s.pmds[1].isolated = h.s.pmds[2].isolated = true;
    host_expect(&h, "q0 0>3 min-pmds");
    host_destroy(&h);
}

/* q0 has just come from core 1. */
static void
min_pmds_charges_for_a_return(void **state)
{
    static const struct vmq_move move = {
        .rxq = 0, .from = 1, .to = 0, .reason = VMQ_REASON_MIN_PMDS
    };
    enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.config.min_pmds = 2;
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1000);
    h.s.rxqs[1].mobility = VMQ_EXCLUDED;
    vmq_credit_commit(h.ledger, &h.config, &h.s, &move, 1, &outcome, NULL);
    host_expect(&h, "q0 0>1 min-pmds");
    assert_int_equal(h.plan.moves[0].price_mc, 3 * VMQ_CREDIT);
    h.s.pmds[1].isolated = true;
    host_expect(&h, "q0 0>2 min-pmds");
    assert_int_equal(h.plan.moves[0].price_mc, VMQ_CREDIT);
    host_destroy(&h);
}

static void
min_pmds_takes_no_queue_of_another_node(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1 1");
    h.config.min_pmds = 2;
    host_add(&h, 0, 100);
    host_add(&h, 1, 100);
    host_add(&h, 1, 100);
    host_add(&h, 2, 900);
    host_add(&h, 2, 1000);
    host_expect(&h, "q3 2>3 min-pmds");
    h.config.cross_numa = true;
    host_expect(&h, "q3 2>3 min-pmds");
    host_destroy(&h);
}

static void
min_pmds_is_capped_by_the_queues(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.config.min_pmds = 1024;
    host_add(&h, 0, 100);
    host_expect(&h, "");
    host_add(&h, 0, 100);
    host_expect(&h, "q0 0>1 min-pmds");
    host_destroy(&h);
}

static void
a_starved_pmd_is_replaced_within_the_bounds(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.config.min_pmds = 2;
    host_add(&h, 0, 2000);
    host_add(&h, 1, 1000);
    host_add(&h, 1, 1000);
    h.s.pmds[0].stolen_cycles = h.s.window_cycles / 10 * 9;
    host_expect(&h, "q0 0>2 spread");
    h.config.max_pmds = 2;
    host_expect(&h, "q0 0>2 spread");
    host_destroy(&h);
}

static void
max_pmds_keeps_pmds_from_waking(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.max_pmds = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 5000);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_DESTINATION);
    h.config.max_pmds = 2;
    host_expect(&h, "q0 0>1 spread");
    host_destroy(&h);
}

static void
max_pmds_lowered_evacuates_whatever_it_costs(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    h.config.credits = 1;
    host_add(&h, 0, 7000);
    host_add(&h, 1, 7100);
    host_add(&h, 2, 5000);
    spend(&h, 2, 2);
    h.s.rxqs[0].packets = h.s.rxqs[1].packets = 100000;
    host_expect(&h, "");
    h.config.max_pmds = 2;
    host_expect(&h, "q2 2>0 evacuate");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_EVACUATE);
    assert_true(h.plan.moves[0].overdraft);

    /* To the PMD that has less to do, or to the first one. */
    host_set_load(&h, 1, 7000);
    host_expect(&h, "q2 2>0 evacuate");
    host_set_load(&h, 1, 6999);
    host_expect(&h, "q2 2>1 evacuate");
    host_destroy(&h);
}

/* q0 takes 30 % and may want 45 %: with the 40 % of PMD 3 that is too much, so
 * it goes where least is. */
static void
max_pmds_sees_what_a_backlog_hides(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    h.config.max_pmds = 3;
    host_add(&h, 0, 3000);
    host_add(&h, 0, 7000);
    h.s.rxqs[0].backlog = true;
    host_add(&h, 1, 3900);
    host_add(&h, 2, 3500);
    host_add(&h, 3, 4200);
    for (int i = 2; i < 5; i++) {
        h.s.rxqs[i].packets = 1000000;
    }
    host_expect(&h, "q1 0>2 evacuate, q0 0>1 evacuate");
    host_destroy(&h);
}

static void
max_pmds_lowered_to_one_is_reached(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0");
    for (int i = 0; i < 24; i++) {
        host_add(&h, i % 4, 500);
    }
    h.config.max_pmds = 1;
    host_settle(&h, 10, 100);
    assert_int_equal(host_n_active(&h), 1);
    assert_uint_in_range(h.n_plans, 1, 8);
    host_destroy(&h);
}

static void
max_pmds_cannot_free_what_must_stay(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.max_pmds = 1;
    host_add(&h, 0, 100);
    host_add(&h, 1, 8000);
    h.s.rxqs[0].mobility = VMQ_PINNED;
    host_expect(&h, "q1 1>0 evacuate");
    h.s.rxqs[1].mobility = VMQ_PINNED;
    host_expect(&h, "");
    host_destroy(&h);
}

static void
max_pmds_below_min_pmds_wins(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    h.config.min_pmds = 2;
    h.config.max_pmds = 1;
    host_add(&h, 0, 100);
    host_add(&h, 1, 100);
    host_expect(&h, "q0 0>1 evacuate");
    host_apply(&h, 100);
    host_expect(&h, "");
    host_destroy(&h);
}

/* When not to judge. */

static void
a_settling_pmd_is_not_judged(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 100);
    host_add(&h, 2, 100);
    h.s.pmds[0].settling = true;
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SETTLING);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_SETTLING);

    /* Nor is anything freed before it has settled. */
    host_set_load(&h, 0, 100);
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_SETTLING);
    host_destroy(&h);
}

static void
a_settling_destination_is_second_choice(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    host_add(&h, 1, 100);
    h.s.pmds[1].settling = true;
    host_expect(&h, "q1 0>2 spread");
    h.config.max_pmds = 2;
    host_expect(&h, "q1 0>1 spread");

    /* It is none at all if it has no room. */
    host_set_load(&h, 2, 5000);
    host_expect(&h, "");
    h.s.pmds[1].settling = false;
    host_expect(&h, "q1 0>1 relieve");
    host_destroy(&h);
}

static void
a_parked_pmd_that_is_settling_is_second_choice(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    h.s.pmds[1].settling = true;
    host_expect(&h, "q1 0>2 spread");
    h.s.pmds[2].settling = true;
    host_expect(&h, "q1 0>1 spread");
    host_destroy(&h);
}

static void
less_than_a_spread_hold_is_no_ground_to_act(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 6000);
    host_add(&h, 0, 3000);
    h.s.window_ms = h.config.spread_hold_ms - 1;
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_WARMING);
    host_destroy(&h);
}

/* On nodes 0 to 2. */
static void
of_what_a_plan_does_the_most_urgent_is_named(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 1 1 2 2");
    h.config.max_pmds = 2;
    host_add(&h, 0, 2000);
    host_add(&h, 1, 6000);
    host_add(&h, 2, 6000);
    host_add(&h, 3, 5000);
    host_add(&h, 3, 4000);
    host_add(&h, 5, 100);
    host_add(&h, 6, 100);
    host_expect(&h, "q0 0>1 evacuate, q4 3>4 spread, q5 5>6 coalesce");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SPREAD);
    host_set_load(&h, 3, 1000);
    host_expect(&h, "q0 0>1 evacuate, q5 5>6 coalesce");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_EVACUATE);
    host_destroy(&h);
}

/* On node 0 there is no credit, on node 1 no destination, on node 2 an
 * elephant, and on node 3 nothing may move. */
static void
of_what_is_wanted_the_most_urgent_is_named(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 1 2 3");
    h.config.credits = 1;
    host_add(&h, 0, 5000);
    host_add(&h, 0, 4000);
    spend(&h, 0, 1);
    spend(&h, 1, 1);
    host_add(&h, 2, 5000);
    host_add(&h, 2, 4000);
    host_add(&h, 3, 9000);
    host_add(&h, 4, 5000);
    host_add(&h, 4, 4000);
    h.s.rxqs[5].mobility = h.s.rxqs[6].mobility = VMQ_EXCLUDED;
    host_expect(&h, "");
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_NO_CREDIT);
    assert_int_equal(verdict(&h, 2), VMQ_VERDICT_NO_DESTINATION);
    assert_int_equal(verdict(&h, 3), VMQ_VERDICT_ELEPHANT);
    assert_int_equal(verdict(&h, 4), VMQ_VERDICT_IMMOBILE);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_CREDIT);
    host_set_load(&h, 0, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_NO_DESTINATION);
    host_set_load(&h, 2, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_ELEPHANT);
    host_set_load(&h, 4, 100);
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_IMMOBILE);
    host_destroy(&h);
}

/* A plan struct is used again and again, for hosts of any size. */
static void
a_plan_leaves_nothing_to_the_next_one(void **state)
{
    struct vmq_host large, small;
    struct vmq_plan fresh, tmp;

    (void) state;
    host_init_siblings(&large);
    for (uint32_t i = 0; i < 40; i++) {
        host_add(&large, i % 2 * 3, 700);
        large.s.rxqs[i].packets = 12345 * i;
        vmq_snapshot_add_port_pmd(&large.s, large.s.rxqs[i].port, i % 2 * 3,
                                  1000 + i);
    }
    plan_init(&small, "0 0 0 0");
    host_add(&small, 0, 3000);
    host_add(&small, 0, 3000);
    host_add(&small, 0, 3000);
    vmq_snapshot_add_port_pmd(&small.s, small.s.rxqs[0].port, 0, 50);

    vmq_plan_init(&fresh);
    assert_int_equal(fresh.verdict, VMQ_VERDICT_EMPTY);
    vmq_plan_compute(&small.s, &small.config, small.ledger, &fresh);
    assert_int_equal(fresh.n_moves, 1);
    host_plan(&large);
    assert_int_equal(large.plan.n_moves, large.config.max_moves);
    tmp = large.plan;
    large.plan = small.plan;
    small.plan = tmp;
    memset(small.plan.work, 0xff,
           small.plan.allocated_work * sizeof *small.plan.work);
    for (int i = 0; i < 2; i++) {
        host_expect(&small, "q1 0>1 spread");
        assert_int_equal(small.plan.verdict, fresh.verdict);
        assert_int_equal(small.plan.generation, small.s.generation);
        assert_int_equal(small.plan.n_weighed, fresh.n_weighed);
        assert_int_equal(small.plan.n_pmds, fresh.n_pmds);
        assert_memory_equal(small.plan.pmds, fresh.pmds,
                            fresh.n_pmds * sizeof *fresh.pmds);
    }

    /* Nor does one that has nothing to say. */
    small.s.window_ms = 0;
    host_expect(&small, "");
    assert_int_equal(small.plan.verdict, VMQ_VERDICT_WARMING);
    assert_int_equal(small.plan.n_weighed, 0);
    assert_int_equal(verdict(&small, 0), VMQ_VERDICT_BALANCED);
    vmq_plan_destroy(&fresh);
    host_destroy(&large);
    host_destroy(&small);
}

static void
empty_in_empty_out(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "");
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_EMPTY);
    assert_int_equal(h.plan.n_pmds, 0);
    host_destroy(&h);

    plan_init(&h, "0 0");
    host_expect(&h, "");
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_EMPTY);
    assert_int_equal(h.plan.n_pmds, 2);
    assert_int_equal(verdict(&h, 1), VMQ_VERDICT_PARKED);
    host_destroy(&h);
}

static void
inconsistent_in_nothing_out(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    host_add(&h, 0, 9000);
    host_add(&h, 0, 3000);
    h.s.rxqs[1].pmd = 2;
    vmq_plan_compute(&h.s, &h.config, h.ledger, &h.plan);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_INVALID);
    assert_int_equal(h.plan.n_moves, 0);
    assert_int_equal(h.plan.n_pmds, 2);
    assert_int_equal(verdict(&h, 0), VMQ_VERDICT_INVALID);

    h.s.rxqs[1].pmd = 0;
    h.s.rxqs[1].port = h.s.n_ports;
    vmq_plan_compute(&h.s, &h.config, h.ledger, &h.plan);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_INVALID);

    h.s.rxqs[1].port = 1;
    h.s.rxqs[1].n_history = VMQ_HISTORY_SLOTS + 1;
    vmq_plan_compute(&h.s, &h.config, h.ledger, &h.plan);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_INVALID);

    h.s.rxqs[1].n_history = VMQ_HISTORY_SLOTS;
    vmq_plan_compute(&h.s, &h.config, h.ledger, &h.plan);
    assert_int_equal(h.plan.verdict, VMQ_VERDICT_SPREAD);
    host_destroy(&h);
}

/* By hand. */

static void
check_manual(struct vmq_host *h, const struct vmq_request *requests, size_t n,
             const char *error, uint32_t n_moves)
{
    TEST_ERROR(vmq_plan_manual(&h->s, &h->config, h->ledger, requests, n,
                               &h->plan), error);
    assert_int_equal(h->plan.n_moves, n_moves);
    assert_int_equal(h->plan.verdict, VMQ_VERDICT_MANUAL);
    assert_int_equal(h->plan.n_pmds, h->s.n_pmds);
    assert_true(vmq_plan_valid(&h->plan, &h->s, &h->config, NULL));
}

static void
by_hand_all_is_done(void **state)
{
    const struct vmq_request requests[] = {
        { "q0", 0, 1 }, { "q1", 0, 1 }, { "q2", 0, 0 }, { "q3", 0, 1 },
        { "q4", 0, 1 }, { "q5", 0, 1 }, { "q6", 0, 1 },
    };
    struct vmq_host h;

    /* More than max-moves, both ways, without credit, an excluded one. */
    (void) state;
    plan_init(&h, "0 0");
    h.config.credits = 1;
    for (int i = 0; i < 7; i++) {
        host_add(&h, i == 2 || i == 3, 1000);
    }
    h.s.rxqs[4].mobility = VMQ_EXCLUDED;
    spend(&h, 0, 2);
    check_manual(&h, requests, 7, NULL, 6);
    assert_true(h.plan.moves[0].overdraft);
    assert_int_equal(h.plan.moves[0].reason, VMQ_REASON_MANUAL);
    assert_int_equal(h.plan.pmds[0].predicted_bp, 1000);
    assert_int_equal(h.plan.pmds[1].predicted_bp, 6000);

    check_manual(&h, requests, 0, NULL, 0);
    check_manual(&h, &requests[3], 1, NULL, 0);
    host_destroy(&h);
}

static void
by_hand_all_or_nothing(void **state)
{
    static const struct {
        struct vmq_request request;
        const char *error;
    } cases[] = {
        { { "q9", 0, 1 },
          "port q9 rx queue 0: no such queue of a PMD port" },
        { { "q1", 1, 1 },
          "port q1 rx queue 1: no such queue of a PMD port" },
        { { "q1", 0, 7 },
          "port q1 rx queue 0: there is no PMD on core 7" },
        { { "q0", 0, 0 }, "port q0 rx queue 0: named twice" },
        { { "q1", 0, 2 },
          "port q1 rx queue 0: the PMD on core 2 is isolated" },
        { { "q1", 0, 3 },
          "port q1 rx queue 0: core 3 is on another NUMA node "
          "(pmd-vmq-cross-numa is false)" },
        { { "q2", 0, 1 },
          "port q2 rx queue 0: is pinned to core 0 by pmd-rxq-affinity" },
        { { "q3", 0, 1 },
          "port q3 rx queue 0: is not polled by a PMD" },
        { { "q4", 0, 1 },
          "port q4 rx queue 0: is not polled by a PMD" },
    };
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 1");
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1000);
    host_add(&h, 0, 1000);
    host_add(&h, VMQ_NONE, 1000);
    host_add(&h, 0, 1000);
    h.s.pmds[2].isolated = true;
    h.s.rxqs[2].mobility = VMQ_PINNED;
    h.s.rxqs[4].mobility = VMQ_UNSUPPORTED;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct vmq_request requests[] = { { "q0", 0, 1 }, cases[i].request };

        check_manual(&h, requests, 2, cases[i].error, 0);
    }
    h.config.cross_numa = true;
    check_manual(&h, &cases[5].request, 1, NULL, 1);
    host_destroy(&h);
}

/* Checks. */

static void
check_invalid(struct vmq_host *h, const char *expected)
{
    char *why = NULL;

    assert_false(vmq_plan_valid(&h->plan, &h->s, &h->config, NULL));
    assert_false(vmq_plan_valid(&h->plan, &h->s, &h->config, &why));
    TEST_ERROR(why, expected);
}

/* Makes up a host, with a plan "q1 0>1 spread, q2 0>1 spread". */
static void
two_moves(struct vmq_host *h)
{
    plan_init(h, "0 0 0 1");
    h->s.pmds[2].isolated = true;
    host_add(h, 0, 9000);
    host_add(h, 0, 500);
    host_add(h, 0, 300);
    host_expect(h, "q1 0>1 spread, q2 0>1 spread");
}

static void
what_is_wrong_with_a_plan_is_found(void **state)
{
    struct vmq_host h;

    (void) state;
    two_moves(&h);
    h.s.generation++;
    check_invalid(&h, "plan is for another generation");
    h.s.generation--;
    h.plan.n_pmds--;
    check_invalid(&h, "plan judges another number of PMDs");
    h.plan.n_pmds++;
    h.config.max_moves = 1;
    check_invalid(&h, "plan has more moves than pmd-vmq-max-moves");
    host_destroy(&h);

    two_moves(&h);
    h.plan.moves[1].rxq = 3;
    check_invalid(&h, "move 2 of 2: refers to nothing");
    h.plan.moves[1].rxq = 1;
    check_invalid(&h, "move 2 of 2: queue moves twice");
    h.plan.moves[1].rxq = 2;
    h.plan.moves[1].to = 4;
    check_invalid(&h, "move 2 of 2: refers to nothing");
    h.plan.moves[1].to = 0;
    check_invalid(&h, "move 2 of 2: moves nothing");
    h.plan.moves[1].to = 2;
    check_invalid(&h, "move 2 of 2: destination is isolated");
    h.plan.moves[1].to = 3;
    check_invalid(&h, "move 2 of 2: crosses NUMA nodes");
    h.config.cross_numa = true;
    assert_true(vmq_plan_valid(&h.plan, &h.s, &h.config, NULL));
    h.plan.moves[1].to = 1;
    h.plan.moves[0].from = 1;
    check_invalid(&h, "move 1 of 2: queue is not where it should leave from");
    host_destroy(&h);

    two_moves(&h);
    h.s.rxqs[1].mobility = VMQ_EXCLUDED;
    check_invalid(&h, "move 1 of 2: queue must not be moved");
    h.plan.moves[0].reason = VMQ_REASON_MANUAL;
    assert_true(vmq_plan_valid(&h.plan, &h.s, &h.config, NULL));
    h.s.rxqs[1].mobility = VMQ_PINNED;
    check_invalid(&h, "move 1 of 2: queue must not be moved");
    host_destroy(&h);

    two_moves(&h);
    h.s.rxqs[2].pmd = 1;
    h.plan.moves[1].from = 1;
    h.plan.moves[1].to = 0;
    check_invalid(&h, "move 2 of 2: a PMD gives and takes");
    host_destroy(&h);
}

/* One overloaded PMD with a thousand queues beside 127 others, which are
 * parked or not: what a plan looks at grows with the number of queues, not
 * with that times the number of PMDs a move. */
static void
work_is_bounded(void **state)
{
    enum { N_QUEUES = 1000, N_PMDS = 128, MAX_MOVES = 64 };
    static const uint32_t n_active[] = { 1, 2, 32, 128 };
    struct test_random r = { 1 };

    (void) state;
    for (unsigned int variant = 0; variant < 16; variant++) {
        uint32_t n = n_active[variant / 4];
        bool equal = variant & 1, broke = variant & 2;
        struct vmq_host h;

        plan_init(&h, "");
        for (uint32_t i = 0; i < N_PMDS; i++) {
            vmq_snapshot_add_pmd(&h.s, i, 0);
            h.s.pmds[i].sibling_group = i / 2;
            h.s.pmds[i].parked = true;
        }
        for (uint32_t i = 0; i < N_QUEUES; i++) {
            host_add(&h, 0, equal ? 12 : test_random_range(&r, 10, 14));
            h.s.rxqs[i].packets = test_random_range(&r, 0, equal ? 0 : 1000);
            if (broke) {
                spend(&h, i, 2 * h.config.credits);
            }
        }
        for (uint32_t i = 1; i < n; i++) {
            host_add(&h, i, test_random_range(&r, 3000, 7000));
        }
        h.config.max_moves = MAX_MOVES;
        host_plan(&h);
        assert_int_equal(h.plan.n_moves, broke ? 0 : MAX_MOVES);
        assert_uint_in_range(h.plan.n_weighed, 1,
                        N_QUEUES * (n + 4 * (h.plan.n_moves + 1)));
        host_destroy(&h);
    }
}

static void
names_are_all_there(void **state)
{
    (void) state;
    for (int i = 0; i < VMQ_N_VERDICTS; i++) {
        assert_string_not_equal(vmq_verdict_name(i), "unknown");
        assert_string_not_equal(vmq_verdict_text(i), "unknown");
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(vmq_verdict_name(i),
                                    vmq_verdict_name(j));
        }
    }
    for (int i = 0; i < VMQ_N_OUTCOMES; i++) {
        assert_string_not_equal(vmq_outcome_name(i), "unknown");
    }
    for (int i = 0; i < VMQ_N_REASONS; i++) {
        assert_string_not_equal(vmq_reason_name(i), "unknown");
    }
    for (int i = 0; i < VMQ_N_RETURNS; i++) {
        assert_string_not_equal(vmq_return_name(i), "unknown");
    }
    assert_string_equal(vmq_verdict_name(VMQ_N_VERDICTS), "unknown");
    assert_string_equal(vmq_verdict_text(VMQ_N_VERDICTS), "unknown");
    assert_string_equal(vmq_outcome_name(VMQ_N_OUTCOMES), "unknown");
    assert_string_equal(vmq_reason_name(VMQ_N_REASONS), "unknown");
    assert_string_equal(vmq_return_name(VMQ_N_RETURNS), "unknown");
}

/* The whole loop: window, plan, credit. */

static void
loop_relieves_a_step_overload_in_time(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    for (int i = 0; i < 3; i++) {
        host_add(&h, 0, 2000);
    }
    assert_int_equal(host_run(&h, 3000), 0);
    for (int i = 0; i < 3; i++) {
        h.offered_bp[i] = 5000;
    }
    assert_true(host_run(&h, h.config.spread_hold_ms
                         + 2 * h.config.interval_ms) > 0);
    h.lost_cycles = 0;
    host_run(&h, 1000);
    assert_int_equal(h.lost_cycles, 0);
    assert_int_equal(host_n_active(&h), 3);
    host_destroy(&h);
}

static void
loop_frees_pmds_after_the_coalesce_hold(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    for (int i = 0; i < 3; i++) {
        host_add(&h, i, 5000);
    }
    host_run(&h, 20000);
    assert_int_equal(h.n_moves, 0);
    for (int i = 0; i < 3; i++) {
        h.offered_bp[i] = 1000;
    }
    assert_int_equal(host_run(&h, 9500), 0);
    host_run(&h, 2500);
    assert_int_equal(host_n_active(&h), 1);
    assert_int_equal(h.n_moves, 2);
    assert_int_equal(h.lost_cycles, 0);
    host_destroy(&h);
}

static void
loop_carries_a_large_evacuation_through(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0");
    for (int i = 0; i < 60; i++) {
        host_add(&h, i % 2, i % 2 ? 50 : 40);
    }
    host_run(&h, 12000);
    assert_int_equal(host_n_active(&h), 1);
    assert_int_equal(h.n_moves, 30);
    assert_int_equal(h.n_plans, 8);
    host_destroy(&h);
}

static void
loop_rests_under_constant_load(void **state)
{
    static const uint32_t loads_bp[] = {
        6000, 4500, 3800, 2100, 1300, 800, 3100, 2400, 1700, 900, 200,
    };
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0 0 0 0");
    for (size_t i = 0; i < TEST_ARRAY_SIZE(loads_bp); i++) {
        host_add(&h, 0, loads_bp[i]);
    }
    host_run(&h, 30000);
    assert_true(h.n_moves > 0);
    h.lost_cycles = 0;
    assert_int_equal(host_run(&h, 120000), 0);
    assert_int_equal(h.lost_cycles, 0);
    assert_int_equal(h.n_pingpongs, 0);
    host_destroy(&h);
}

static void
loop_does_not_swap_elephants_about(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "0 0 0");
    host_add(&h, 0, 13000);
    host_add(&h, 0, 12000);
    host_add(&h, 0, 1000);
    host_run(&h, 3000);
    assert_uint_in_range(h.n_moves, 2, 4);
    assert_int_equal(host_run(&h, 60000), 0);
    host_destroy(&h);
}

/* Memory.
 *
 * The linker has the functions that ask for it, and qsort(), which may, call
 * these, whose names it wants.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static unsigned int n_requests;
static size_t largest_request;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_qsort(void *, size_t, size_t,
                  int (*)(const void *, const void *));
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void __wrap_qsort(void *, size_t, size_t,
                  int (*)(const void *, const void *));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void
note_request(size_t size)
{
    n_requests++;
    largest_request = size > largest_request ? size : largest_request;
}

void *
__wrap_malloc(size_t size)
{
    note_request(size);
    return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    note_request(n * size);
    return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
    note_request(size);
    return __real_realloc(p, size);
}

void
__wrap_qsort(void *array, size_t n, size_t size,
             int (*compare)(const void *, const void *))
{
    n_requests++;
    __real_qsort(array, n, size, compare);
}

#define MEMORY_PMDS 100
#define MEMORY_BUSY_TICKS 20

/* What a tick does, the n-th one: takes a sample of two queues on each PMD, of
 * which the first one is overloaded at first, and plans. */
static void
memory_tick(struct vmq_host *h, uint64_t n)
{
    uint64_t tick = h->config.interval_ms * (uint64_t) HOST_CYCLES_PER_MS;
    struct vmq_snapshot *raw = &h->raw;

    vmq_snapshot_clear(raw);
    raw->now_ms = n * h->config.interval_ms;
    raw->window_ns = raw->now_ms * 1000000;
    raw->window_cycles = n * tick;
    for (uint32_t i = 0; i < MEMORY_PMDS; i++) {
        vmq_snapshot_add_pmd(raw, i, 0);
        raw->pmds[i].idle_cycles = n * tick;
    }
    for (uint32_t i = 0; i < MEMORY_PMDS; i++) {
        uint64_t n_busy = n < MEMORY_BUSY_TICKS ? n : MEMORY_BUSY_TICKS;
        char name[16];

        snprintf(name, sizeof name, "port%u", i);
        vmq_snapshot_add_port(raw, name, i);
        for (uint32_t qid = 0; qid < 2; qid++) {
            uint32_t k = vmq_snapshot_add_rxq(raw, i, qid, i, 0);

            raw->rxqs[k].cycles = tick / 100 * (3 * n + (i ? 0 : 44 * n_busy));
        }
        vmq_snapshot_add_port_pmd(raw, i, i, 1000);
    }
    vmq_snapshot_sort(raw);
    vmq_window_add(h->window, &h->config, raw);
    vmq_window_snapshot(h->window, &h->config, &h->s);
    vmq_plan_compute(&h->s, &h->config, h->ledger, &h->plan);
}

static void
a_tick_asks_for_no_memory(void **state)
{
    bool seen[VMQ_N_VERDICTS] = { false };
    struct vmq_host h;

    (void) state;
    plan_init(&h, "");
    h.config.coalesce_hold_ms = 2000;
    for (uint64_t n = 1; n < 60; n++) {
        unsigned int before = n_requests;
        enum vmq_verdict verdict;

        memory_tick(&h, n);
        verdict = h.plan.verdict;
        if (seen[verdict]) {
            assert_int_equal(n_requests, before);
        }
        seen[verdict] = true;
    }
    assert_true(seen[VMQ_VERDICT_SPREAD]);
    assert_true(seen[VMQ_VERDICT_COALESCE]);
    host_destroy(&h);
}

/* Whoever asks glibc for 1 kB or more has to tidy up what all others have
 * freed, which can take longer than the tick. */
static void
only_the_first_tick_asks_for_much_memory(void **state)
{
    struct vmq_host h;

    (void) state;
    plan_init(&h, "");
    h.config.coalesce_hold_ms = 2000;
    largest_request = 0;
    memory_tick(&h, 1);
    assert_true(largest_request >= 1024);
    largest_request = 0;
    for (uint64_t n = 2; n < 60; n++) {
        memory_tick(&h, n);
    }
    assert_uint_in_range(largest_request, 1, 1023);
    host_destroy(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_in_the_header_is_right),
        cmocka_unit_test(an_edge_is_relieved_at_once_and_alone),
        cmocka_unit_test(step_overload_is_relieved_in_one_plan),
        cmocka_unit_test(load_below_the_threshold_is_left_alone),
        cmocka_unit_test(twenty_small_queues_are_relieved_in_one_plan),
        cmocka_unit_test(a_thousand_tiny_queues_can_leave_too),
        cmocka_unit_test(a_queue_must_be_worth_moving),
        cmocka_unit_test(an_elephant_stays_and_the_others_leave_it),
        cmocka_unit_test(idle_neighbors_of_an_elephant_stay),
        cmocka_unit_test(a_starved_neighbor_of_an_elephant_leaves),
        cmocka_unit_test(one_of_two_elephants_leaves),
        cmocka_unit_test(an_elephant_leaves_another_one_that_is_pinned),
        cmocka_unit_test(backlog_is_overload_at_any_measured_load),
        cmocka_unit_test(a_backlog_alone_on_its_pmd_is_an_elephant),
        cmocka_unit_test(backlog_hides_half_as_much_again),
        cmocka_unit_test(an_active_pmd_is_preferred_to_a_parked_one),
        cmocka_unit_test(a_parked_pmd_is_woken_if_no_active_one_has_room),
        cmocka_unit_test(waking_prefers_a_core_whose_sibling_is_idle),
        cmocka_unit_test(a_core_that_its_last_queue_leaves_is_idle),
        cmocka_unit_test(a_core_that_a_queue_wakes_is_idle_no_more),
        cmocka_unit_test(one_move_that_is_enough_is_preferred_to_several),
        cmocka_unit_test(the_queue_that_disturbs_least_moves),
        cmocka_unit_test(less_than_a_credit_of_disturbance_counts),
        cmocka_unit_test(a_light_queue_that_moves_free_goes_first),
        cmocka_unit_test(flows_of_tunnels_count_for_their_queues),
        cmocka_unit_test(nothing_is_done_for_a_reason),
        cmocka_unit_test(without_room_the_better_off_of_two_takes_a_queue),
        cmocka_unit_test(relieving_needs_a_gain_of_5_percent),
        cmocka_unit_test(an_overloaded_pmd_can_help_a_worse_one),
        cmocka_unit_test(a_pmd_never_swaps_its_only_queue_with_a_parked_one),
        cmocka_unit_test(stolen_time_is_a_reason_to_leave),
        cmocka_unit_test(stolen_time_leaves_less_room),
        cmocka_unit_test(nothing_is_spread_where_no_cpu_is_to_spare),
        cmocka_unit_test(queues_of_a_starved_host_rest),
        cmocka_unit_test(the_worst_pmd_is_relieved_first),
        cmocka_unit_test(max_moves_bounds_a_plan),
        cmocka_unit_test(no_credit_no_move_but_the_candidate_is_named),
        cmocka_unit_test(no_credit_is_named_if_the_move_would_be_made),
        cmocka_unit_test(no_credit_is_named_if_only_a_return_is_too_dear),
        cmocka_unit_test(only_a_pmd_that_loses_packets_may_overdraw),
        cmocka_unit_test(who_has_credit_goes_before_who_has_not),
        cmocka_unit_test(a_forced_return_is_no_pingpong),
        cmocka_unit_test(without_credits_a_swinging_load_is_a_pingpong),
        cmocka_unit_test(credits_stop_the_pingpong_of_a_swinging_load),
        cmocka_unit_test(a_queue_returns_when_what_it_left_for_has_gone),
        cmocka_unit_test(a_pmd_under_the_threshold_is_freed),
        cmocka_unit_test(five_pmds_at_31_percent_are_two_too_many),
        cmocka_unit_test(pmds_that_just_fit_one_fewer_are_coalesced),
        cmocka_unit_test(coalesce_threshold_0_frees_nothing),
        cmocka_unit_test(coalesce_threshold_leaves_busy_pmds_alone),
        cmocka_unit_test(coalesce_threshold_100_is_no_limit),
        cmocka_unit_test(reserve_keeps_room),
        cmocka_unit_test(reserve_spreads),
        cmocka_unit_test(reserve_is_no_loss),
        cmocka_unit_test(peaks_that_alternate_fit),
        cmocka_unit_test(peaks_that_coincide_do_not_fit),
        cmocka_unit_test(the_present_counts_as_well_as_the_past),
        cmocka_unit_test(the_pmd_that_is_cheapest_to_free_is_freed),
        cmocka_unit_test(freeing_a_pmd_costs_a_credit_for_each_queue),
        cmocka_unit_test(an_evacuation_larger_than_max_moves_goes_on),
        cmocka_unit_test(an_evacuation_that_does_not_fit_any_more_stops),
        cmocka_unit_test(an_evacuation_that_has_begun_comes_first),
        cmocka_unit_test(an_evacuation_that_is_stuck_holds_up_no_other),
        cmocka_unit_test(a_pmd_is_freed_wholly_or_not_at_all),
        cmocka_unit_test(an_idle_queue_without_credit_does_not_block),
        cmocka_unit_test(coalescing_returns_no_queue),
        cmocka_unit_test(the_last_obstacle_is_named),
        cmocka_unit_test(no_credit_is_named_rather_than_no_fit),
        cmocka_unit_test(a_young_queue_holds_up_only_its_own_pmd),
        cmocka_unit_test(young_queues_among_known_ones_hold_up_nothing),
        cmocka_unit_test(of_a_young_queue_the_worst_is_assumed),
        cmocka_unit_test(a_hundred_idle_queues_are_not_rounded_to_nothing),
        cmocka_unit_test(nothing_is_packed_onto_a_pmd_that_cannot_keep_up),
        cmocka_unit_test(unknown_queues_are_coalesced_without_overload),
        cmocka_unit_test(queues_that_must_stay_stay),
        cmocka_unit_test(isolated_pmds_neither_give_nor_take),
        cmocka_unit_test(queues_that_nobody_polls_are_nobodys_load),
        cmocka_unit_test(numa_nodes_are_kept_apart),
        cmocka_unit_test(cross_numa_lets_an_overloaded_node_use_another),
        cmocka_unit_test(cross_numa_lets_the_last_queue_of_a_node_leave),
        cmocka_unit_test(cross_numa_keeps_min_pmds_of_the_node_left),
        cmocka_unit_test(cross_numa_counts_the_last_queue_on_both_nodes),
        cmocka_unit_test(cross_numa_keeps_max_pmds_of_the_node_entered),
        cmocka_unit_test(a_queue_of_no_node_is_at_home_on_all),
        cmocka_unit_test(a_queue_that_leaves_a_pmd_to_be_freed_goes_home),
        cmocka_unit_test(no_queue_leaves_its_node_to_free_a_pmd),
        cmocka_unit_test(min_pmds_wakes_pmds),
        cmocka_unit_test(min_pmds_wakes_a_sibling_rather_than_none),
        cmocka_unit_test(min_pmds_wakes_the_first_of_several_siblings),
        cmocka_unit_test(min_pmds_charges_for_a_return),
        cmocka_unit_test(min_pmds_takes_no_queue_of_another_node),
        cmocka_unit_test(min_pmds_is_capped_by_the_queues),
        cmocka_unit_test(a_starved_pmd_is_replaced_within_the_bounds),
        cmocka_unit_test(max_pmds_keeps_pmds_from_waking),
        cmocka_unit_test(max_pmds_lowered_evacuates_whatever_it_costs),
        cmocka_unit_test(max_pmds_sees_what_a_backlog_hides),
        cmocka_unit_test(max_pmds_lowered_to_one_is_reached),
        cmocka_unit_test(max_pmds_cannot_free_what_must_stay),
        cmocka_unit_test(max_pmds_below_min_pmds_wins),
        cmocka_unit_test(a_settling_pmd_is_not_judged),
        cmocka_unit_test(a_settling_destination_is_second_choice),
        cmocka_unit_test(a_parked_pmd_that_is_settling_is_second_choice),
        cmocka_unit_test(less_than_a_spread_hold_is_no_ground_to_act),
        cmocka_unit_test(of_what_a_plan_does_the_most_urgent_is_named),
        cmocka_unit_test(of_what_is_wanted_the_most_urgent_is_named),
        cmocka_unit_test(a_plan_leaves_nothing_to_the_next_one),
        cmocka_unit_test(empty_in_empty_out),
        cmocka_unit_test(inconsistent_in_nothing_out),
        cmocka_unit_test(by_hand_all_is_done),
        cmocka_unit_test(by_hand_all_or_nothing),
        cmocka_unit_test(what_is_wrong_with_a_plan_is_found),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(names_are_all_there),
        cmocka_unit_test(loop_relieves_a_step_overload_in_time),
        cmocka_unit_test(loop_frees_pmds_after_the_coalesce_hold),
        cmocka_unit_test(loop_carries_a_large_evacuation_through),
        cmocka_unit_test(loop_rests_under_constant_load),
        cmocka_unit_test(loop_does_not_swap_elephants_about),
        cmocka_unit_test(a_tick_asks_for_no_memory),
        cmocka_unit_test(only_the_first_tick_asks_for_much_memory),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

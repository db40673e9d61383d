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
#include "vmq-place.h"

#include "vmq-host.h"
#include "vmq-test.h"

/* Where a new queue of NUMA node 0 goes that the switch would give to core
 * 'core_id'. */
static uint32_t
place(struct vmq_place *p, uint32_t core_id)
{
    return vmq_place_rxq(p, 0, core_id, 0);
}

/* Cores 0 to 2: 40 %, 20 % and parked. */
static void
three_pmds(struct vmq_host *h)
{
    host_init(h, "0 0 0");
    h->config.pack_target_pct = 75;
    host_add(h, 0, 4000);
    host_add(h, 1, 2000);
}

static void
the_active_pmd_with_most_room_is_chosen(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, 3000);
    assert_int_equal(place(&p, 2), 1);          /* Now at 50 %. */
    assert_int_equal(place(&p, 2), 0);          /* At 70 %. */
    vmq_place_destroy(&p);
    host_destroy(&h);
}

/* Those that are there have it, and so does the new one. */
static void
reserves_count(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    h.s.rxqs[1].reserve_bp = 6000;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, 5000);
    assert_int_equal(place(&p, 0), 2);
    vmq_place_destroy(&p);

    h.s.rxqs[1].reserve_bp = 0;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(vmq_place_rxq(&p, 0, 0, 5501), 2);
    assert_int_equal(vmq_place_rxq(&p, 0, 0, 5500), 1);     /* Full. */
    assert_int_equal(place(&p, 1), 0);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
without_room_the_switch_chooses(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    vmq_place_init(&p, &h.s, &h.config);
    place(&p, 2);
    place(&p, 2);
    assert_int_equal(place(&p, 2), 2);          /* Awake now, at 30 %. */
    assert_int_equal(place(&p, 1), 2);
    assert_int_equal(place(&p, 1), 1);          /* All have over 45 %. */
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
without_room_a_parked_pmd_is_woken(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0 0 0");
    host_add(&h, 0, 6000);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 0), 1);          /* Not where there is none. */
    vmq_place_destroy(&p);

    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 2), 2);          /* The switch prefers it. */
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
a_pmd_that_was_woken_is_active(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0 0");
    host_add(&h, 0, 7000);
    host_add(&h, 0, 200);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, 3600);
    assert_int_equal(place(&p, 1), 1);
    assert_int_equal(place(&p, 2), 1);          /* 72 % fit there. */
    assert_int_equal(place(&p, 2), 2);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
of_pmds_with_equal_room_the_first_is_chosen(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0 0");
    host_add(&h, 0, 2000);
    host_add(&h, 1, 2000);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 2), 0);
    assert_int_equal(place(&p, 2), 1);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
room_ends_at_the_pack_target(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0");
    h.config.pack_target_pct = 75;
    host_add(&h, 0, 3750);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 1), 0);          /* 75 % exactly. */
    vmq_place_destroy(&p);

    host_set_load(&h, 0, 3751);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 1), 1);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
idle_queues_leave_room_for_only_so_many(void **state)
{
    struct vmq_host h;
    struct vmq_place p;
    int n = 0;

    (void) state;
    host_init(&h, "0 0");
    h.config.pack_target_pct = 75;
    host_add(&h, 0, 0);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, VMQ_PLACE_MIN_BP);
    while (place(&p, 1) == 0) {
        n++;
    }
    assert_int_equal(n, 75);
    assert_int_equal(p.pmds[0].load_bp, 7500);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
the_highest_moment_counts(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0 0");
    host_add(&h, 0, 1000);
    host_add(&h, 1, 2000);
    h.s.rxqs[0].history_bp[VMQ_HISTORY_SLOTS - 1] = 6000;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, 4000);
    assert_int_equal(place(&p, 0), 1);
    vmq_place_destroy(&p);

    /* The last one, too. */
    h.s.rxqs[0].history_bp[VMQ_HISTORY_SLOTS - 1] = 1000;
    h.s.rxqs[0].history_bp[0] = 6000;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.pmds[0].load_bp, 6000);
    vmq_place_destroy(&p);

    /* The moments of two queues add up, not their highest ones. */
    h.s.rxqs[0].history_bp[0] = 1000;
    host_add(&h, 0, 0);
    h.s.rxqs[0].history_bp[3] = 3500;
    h.s.rxqs[2].history_bp[4] = 3500;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.pmds[0].load_bp, 4500);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
a_young_queue_counts_with_the_worst_it_has_shown(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0");
    h.config.pack_target_pct = 75;
    host_add(&h, 0, 2000);
    host_add(&h, 0, 0);
    h.s.rxqs[0].history_bp[9] = 4000;
    h.s.rxqs[1].n_history = 2;
    h.s.rxqs[1].history_bp[1] = 3000;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.pmds[0].load_bp, 7000);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
what_is_stolen_is_no_room(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    h.s.pmds[1].stolen_cycles = h.s.window_cycles / 2;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 2), 0);          /* 50 < 75 / 2 < 70. */
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
isolated_pmds_and_other_nodes_are_left_alone(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    host_init(&h, "0 0 1");
    host_add(&h, 0, 1000);
    host_add(&h, 2, 1000);
    h.s.pmds[0].isolated = true;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 1), 1);
    assert_int_equal(vmq_place_rxq(&p, 1, 1, 0), 2);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
a_pmd_that_is_gone_takes_nothing(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    vmq_place_init(&p, &h.s, &h.config);
    vmq_place_remove(&p, 1);
    assert_int_equal(place(&p, 2), 0);
    vmq_place_remove(&p, 7);                    /* Never was there. */
    assert_int_equal(place(&p, 2), 2);
    assert_int_equal(place(&p, 5), 2);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
without_measurements_the_switch_chooses(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    h.s.window_cycles = 0;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 2), 2);
    vmq_place_destroy(&p);
    host_destroy(&h);

    host_init(&h, "0 0");
    h.config.pack_target_pct = 75;
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(place(&p, 1), 1);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

static void
a_queue_that_nobody_polls_counts_nowhere(void **state)
{
    struct vmq_host h;
    struct vmq_place p;

    (void) state;
    three_pmds(&h);
    host_add(&h, VMQ_NONE, 0);
    vmq_place_init(&p, &h.s, &h.config);
    assert_int_equal(p.expected_bp, 3000);
    vmq_place_destroy(&p);
    host_destroy(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_active_pmd_with_most_room_is_chosen),
        cmocka_unit_test(reserves_count),
        cmocka_unit_test(without_room_the_switch_chooses),
        cmocka_unit_test(without_room_a_parked_pmd_is_woken),
        cmocka_unit_test(a_pmd_that_was_woken_is_active),
        cmocka_unit_test(of_pmds_with_equal_room_the_first_is_chosen),
        cmocka_unit_test(room_ends_at_the_pack_target),
        cmocka_unit_test(idle_queues_leave_room_for_only_so_many),
        cmocka_unit_test(the_highest_moment_counts),
        cmocka_unit_test(a_young_queue_counts_with_the_worst_it_has_shown),
        cmocka_unit_test(what_is_stolen_is_no_room),
        cmocka_unit_test(isolated_pmds_and_other_nodes_are_left_alone),
        cmocka_unit_test(a_pmd_that_is_gone_takes_nothing),
        cmocka_unit_test(without_measurements_the_switch_chooses),
        cmocka_unit_test(a_queue_that_nobody_polls_counts_nowhere),
    };

    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}

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
#include "vmq-load.h"

#include "vmq-test.h"

/* A PMD with a queue, beside one whose queue does nothing, in a window of
 * 3,000,000 cycles. */
struct pair {
    struct vmq_snapshot s;
    struct vmq_config config;
};

static void
pair_init(struct pair *pair)
{
    vmq_config_init(&pair->config);
    vmq_snapshot_init(&pair->s);
    pair->s.window_cycles = 3000000;
    for (uint32_t i = 0; i < 2; i++) {
        vmq_snapshot_add_pmd(&pair->s, i, 0);
        vmq_snapshot_add_port(&pair->s, i ? "b" : "a", i);
        vmq_snapshot_add_rxq(&pair->s, i, 0, i, 0);
    }
}

static void
pair_destroy(struct pair *pair)
{
    vmq_snapshot_destroy(&pair->s);
}

static void
a_load_is_a_share_of_the_window(void **state)
{
    struct pair p;

    (void) state;
    pair_init(&p);
    p.s.rxqs[0].cycles = 1500000;
    p.s.rxqs[1].cycles = 299;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 0), 5000);
    assert_int_equal(vmq_rxq_load_bp(&p.s, 1), 0);
    assert_int_equal(vmq_cycles_to_ppm(&p.s, 299), 99);
    p.s.rxqs[1].cycles = 300;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 1), 1);

    p.s.window_cycles = 0;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 0), 0);
    assert_int_equal(vmq_cycles_to_ppm(&p.s, 299), 0);
    pair_destroy(&p);
}

/* More cycles than 2**64 / 10000 are a week. */
static void
no_number_of_cycles_is_too_many(void **state)
{
    struct pair p;

    (void) state;
    pair_init(&p);
    p.s.window_cycles = UINT64_MAX;
    p.s.rxqs[0].cycles = UINT64_MAX / 2 + 1;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 0), 5000);
    p.s.rxqs[0].cycles = UINT64_MAX;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 0), 10000);
    assert_int_equal(vmq_cycles_to_ppm(&p.s, UINT64_MAX), VMQ_PPM);
    p.s.window_cycles = 1;
    assert_int_equal(vmq_rxq_load_bp(&p.s, 0), UINT32_MAX);
    assert_int_equal(vmq_cycles_to_ppm(&p.s, UINT64_MAX), UINT32_MAX);
    pair_destroy(&p);
}

static void
what_is_stolen_is_no_capacity(void **state)
{
    struct pair p;

    (void) state;
    pair_init(&p);
    assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), 10000);
    p.s.pmds[0].stolen_cycles = 750000;
    assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), 7500);
    assert_int_equal(vmq_pmd_capacity_ppm(&p.s, 0), 750000);

    /* Never zero: loads are divided by it. */
    p.s.pmds[0].stolen_cycles = 3000000;
    assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), 1);
    assert_int_equal(vmq_pmd_capacity_ppm(&p.s, 0), 100);
    p.s.pmds[0].stolen_cycles = UINT64_MAX;
    assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), 1);

    p.s.window_cycles = 0;
    assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), 10000);
    pair_destroy(&p);
}

/* S7 in vmq-snapshot.h. */
static void
the_unit_of_cycles_does_not_matter(void **state)
{
    unsigned long int n_cases = test_n_cases(20000);
    struct test_random r;
    struct pair p;

    (void) state;
    test_random_init(&r, "unit", n_cases);
    pair_init(&p);
    for (unsigned long int i = 0; i < n_cases; i++) {
        uint64_t k = test_random_range(&r, 1, 1000);
        uint64_t window = test_random_range(&r, 1, UINT64_MAX / 1000);

        p.s.window_cycles = window;
        p.s.rxqs[0].cycles = test_random_range(&r, 0, window);
        p.s.pmds[0].stolen_cycles = test_random_range(&r, 0, window);

        uint32_t load_bp = vmq_rxq_load_bp(&p.s, 0);
        uint32_t capacity_bp = vmq_pmd_capacity_bp(&p.s, 0);

        p.s.window_cycles *= k;
        p.s.rxqs[0].cycles *= k;
        p.s.pmds[0].stolen_cycles *= k;
        assert_int_equal(vmq_rxq_load_bp(&p.s, 0), load_bp);
        assert_int_equal(vmq_pmd_capacity_bp(&p.s, 0), capacity_bp);
    }
    pair_destroy(&p);
}

static void
over_the_threshold_of_its_capacity_is_overload(void **state)
{
    struct pair p;

    (void) state;
    pair_init(&p);
    p.s.rxqs[0].cycles = 3000000 / 100 * 85 - 300;
    assert_false(vmq_pmd_overloaded(&p.s, &p.config, 0));
    p.s.rxqs[0].cycles += 300;
    assert_true(vmq_pmd_overloaded(&p.s, &p.config, 0));
    assert_false(vmq_pmd_overloaded(&p.s, &p.config, 1));

    /* 42.5 % of a half. */
    p.s.pmds[0].stolen_cycles = 3000000 / 2;
    p.s.rxqs[0].cycles = 3000000 / 1000 * 425 - 300;
    assert_false(vmq_pmd_overloaded(&p.s, &p.config, 0));
    p.s.rxqs[0].cycles += 300;
    assert_true(vmq_pmd_overloaded(&p.s, &p.config, 0));

    /* Its own queues count, and a backlog of one of those. */
    p.s.rxqs[0].cycles = 0;
    p.s.rxqs[1].backlog = true;
    assert_false(vmq_pmd_overloaded(&p.s, &p.config, 0));
    assert_true(vmq_pmd_overloaded(&p.s, &p.config, 1));
    pair_destroy(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_is_a_share_of_the_window),
        cmocka_unit_test(no_number_of_cycles_is_too_many),
        cmocka_unit_test(what_is_stolen_is_no_capacity),
        cmocka_unit_test(the_unit_of_cycles_does_not_matter),
        cmocka_unit_test(over_the_threshold_of_its_capacity_is_overload),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}

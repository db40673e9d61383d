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
#include "vmq-measure.h"

#include "vmq-test.h"

/* A PMD on core 3 with two queues, whose TSC runs at 1,000 cycles/ms: what a
 * sample of 100 ms has in it, a test can add to the counters by hand. */

#define NS_PER_MS UINT64_C(1000000)
#define CYCLES_PER_MS 1000

struct thread {
    struct vmq_pmd pmd;
    struct vmq_rxq rxqs[2];
    struct vmq_pmd_meter meter;
    struct vmq_rxq_meter rxq_meters[2];
};

/* Takes a sample that is 'ms' long.  Returns true if PMD and queues were
 * known. */
static bool
sample(struct thread *t, uint64_t ms)
{
    const struct vmq_span span = {
        .ms = ms,
        .cycles = ms * CYCLES_PER_MS,
        .ns = ms * NS_PER_MS,
    };
    bool known = vmq_meter_pmd(&t->meter, &t->pmd, &span);

    for (int i = 0; i < 2; i++) {
        known &= vmq_meter_rxq(&t->rxq_meters[i], &t->rxqs[i], &t->pmd,
                               &t->meter, &span);
    }
    vmq_meter_overhead(&t->meter);
    return known;
}

static void
thread_init(struct thread *t)
{
    memset(t, 0, sizeof *t);
    t->pmd.core_id = 3;
    t->pmd.busy_cycles = 5000000;
    t->pmd.idle_cycles = 6000000;
    t->pmd.sleep_cycles = 7000000;
    t->pmd.cpu_ns = 8000000;
    for (int i = 0; i < 2; i++) {
        t->rxqs[i].qid = i;
        t->rxqs[i].cycles = 2000000;
        t->rxqs[i].packets = 20000;
        t->rxqs[i].polls = 1000;
        t->rxqs[i].full_batches = 500;
    }
    assert_false(sample(t, 0));
}

/* Has the PMD charge 'busy' and 'idle' cycles, for which it had the CPU. */
static void
charge(struct thread *t, uint64_t busy, uint64_t idle)
{
    t->pmd.busy_cycles += busy;
    t->pmd.idle_cycles += idle;
    t->pmd.cpu_ns += (busy + idle) * NS_PER_MS / CYCLES_PER_MS;
}

static void
usage_can_be_added_and_subtracted(void **state)
{
    const struct vmq_pmd_usage pmd = { 1, 2, 3, 4, 5, 6 };
    const struct vmq_rxq_usage rxq = { 1, 2, 3, 4 };
    const struct vmq_span span = { 1, 2, 3 };
    struct vmq_pmd_usage pmd_sum = pmd;
    struct vmq_rxq_usage rxq_sum = rxq;
    struct vmq_span span_sum = span;

    (void) state;
    vmq_pmd_usage_add(&pmd_sum, &pmd);
    assert_int_equal(pmd_sum.busy_cycles, 2);
    assert_int_equal(pmd_sum.idle_cycles, 4);
    assert_int_equal(pmd_sum.sleep_cycles, 6);
    assert_int_equal(pmd_sum.cpu_ns, 8);
    assert_int_equal(pmd_sum.stolen_cycles, 10);
    assert_int_equal(pmd_sum.overhead_cycles, 12);
    vmq_pmd_usage_subtract(&pmd_sum, &pmd);
    assert_memory_equal(&pmd_sum, &pmd, sizeof pmd);

    vmq_rxq_usage_add(&rxq_sum, &rxq);
    assert_int_equal(rxq_sum.cycles, 2);
    assert_int_equal(rxq_sum.packets, 4);
    assert_int_equal(rxq_sum.polls, 6);
    assert_int_equal(rxq_sum.full_batches, 8);
    vmq_rxq_usage_subtract(&rxq_sum, &rxq);
    assert_memory_equal(&rxq_sum, &rxq, sizeof rxq);

    vmq_span_add(&span_sum, &span);
    assert_int_equal(span_sum.ms, 2);
    assert_int_equal(span_sum.cycles, 4);
    assert_int_equal(span_sum.ns, 6);
    vmq_span_subtract(&span_sum, &span);
    assert_memory_equal(&span_sum, &span, sizeof span);
}

static void
what_was_added_is_used(void **state)
{
    const struct vmq_pmd_usage *used;
    struct thread t;

    (void) state;
    thread_init(&t);
    assert_int_equal(t.meter.used.busy_cycles, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 0);
    for (int i = 0; i < 2; i++) {
        charge(&t, 30000, 50000);
        t.pmd.sleep_cycles += 20000;
        t.rxqs[0].cycles += 25000;
        t.rxqs[0].packets += 250;
        t.rxqs[0].polls += 9;
        t.rxqs[0].full_batches += 7;
        assert_true(sample(&t, 100));
        used = &t.meter.used;
        assert_int_equal(used->busy_cycles, 30000);
        assert_int_equal(used->idle_cycles, 50000);
        assert_int_equal(used->sleep_cycles, 20000);
        assert_int_equal(used->cpu_ns, 80 * NS_PER_MS);
        assert_int_equal(used->stolen_cycles, 0);
        assert_int_equal(t.rxq_meters[0].used.cycles, 25000);
        assert_int_equal(t.rxq_meters[0].used.packets, 250);
        assert_int_equal(t.rxq_meters[0].used.polls, 9);
        assert_int_equal(t.rxq_meters[0].used.full_batches, 7);
        assert_int_equal(t.rxq_meters[1].used.cycles, 0);
    }
}

/* Overhead. */

static void
busy_for_no_queue_is_overhead(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    for (int i = 0; i < 2; i++) {
        charge(&t, 60000, 40000);
        t.rxqs[0].cycles += 45000;
        t.rxqs[1].cycles += 10000;
        assert_true(sample(&t, 100));
        assert_int_equal(t.meter.used.overhead_cycles, 5000);
    }

    /* A queue's cycles can be charged before the PMD's. */
    charge(&t, 60000, 40000);
    t.rxqs[0].cycles += 60001;
    assert_true(sample(&t, 100));
    assert_int_equal(t.meter.used.overhead_cycles, 0);
}

/* Half of the time was stolen, from the overhead as well: it is the charged
 * cycles that are compared. */
static void
overhead_is_not_scaled(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    charge(&t, 60000, 40000);
    t.pmd.cpu_ns -= 50 * NS_PER_MS;
    t.rxqs[0].cycles += 50000;
    assert_true(sample(&t, 100));
    assert_int_equal(t.rxq_meters[0].used.cycles, 25000);
    assert_int_equal(t.meter.used.overhead_cycles, 10000);
}

/* Stolen time. */

static void
the_table_in_the_header_is_right(void **state)
{
    static const struct {
        uint64_t busy, idle, had, charged, stolen, load;
    } rows[] = {
        { 300, 700, 1000, 240,   0, 240 },
        { 300, 700,  995, 240,   0, 240 },
        { 600, 400,  500, 480, 500, 240 },
        { 300, 200,  500, 240,   0, 240 },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(rows); i++) {
        struct thread t;

        thread_init(&t);
        t.pmd.busy_cycles += rows[i].busy;
        t.pmd.idle_cycles += rows[i].idle;
        t.pmd.cpu_ns += rows[i].had * NS_PER_MS / CYCLES_PER_MS;
        t.rxqs[0].cycles += rows[i].charged;
        assert_true(sample(&t, 1));
        assert_int_equal(t.meter.used.stolen_cycles, rows[i].stolen);
        assert_int_equal(t.rxq_meters[0].used.cycles, rows[i].load);
    }
}

static void
less_than_1_percent_is_noise(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    charge(&t, 50000, 50000);
    t.pmd.cpu_ns -= NS_PER_MS - NS_PER_MS / 1000;
    t.rxqs[0].cycles += 50000;
    assert_true(sample(&t, 100));
    assert_int_equal(t.meter.used.stolen_cycles, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 50000);

    charge(&t, 50000, 50000);
    t.pmd.cpu_ns -= NS_PER_MS;
    t.rxqs[0].cycles += 50000;
    assert_true(sample(&t, 100));
    assert_int_equal(t.meter.used.stolen_cycles, 1000);
    assert_int_equal(t.rxq_meters[0].used.cycles, 49500);
}

static void
nothing_is_stolen_by_a_clock_that_tells_nothing(void **state)
{
    struct thread t;

    (void) state;

    /* Less than a ms. */
    thread_init(&t);
    t.pmd.busy_cycles += 900;
    t.rxqs[0].cycles += 900;
    assert_true(sample(&t, 0));
    assert_int_equal(t.meter.used.stolen_cycles, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 900);

    /* Nor after a sample in which something was. */
    t.pmd.busy_cycles += 90000;
    assert_true(sample(&t, 100));
    assert_int_equal(t.meter.used.stolen_cycles, 90000);
    t.pmd.busy_cycles += 900;
    t.rxqs[0].cycles += 900;
    assert_true(sample(&t, 0));
    assert_int_equal(t.meter.used.stolen_cycles, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 900);

    /* No CPU clock. */
    thread_init(&t);
    t.pmd.cpu_ns = 0;
    assert_false(sample(&t, 100));
    t.pmd.busy_cycles += 90000;
    assert_true(sample(&t, 100));
    assert_int_equal(t.meter.used.stolen_cycles, 0);
}

/* Iterations that do not end. */

static void
after_20_ms_an_iteration_is_charged(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    assert_true(sample(&t, 20));
    assert_int_equal(t.meter.used.idle_cycles, 0);
    assert_int_equal(t.meter.used.stolen_cycles, 0);
    assert_true(sample(&t, 1));
    assert_int_equal(t.meter.used.idle_cycles, 1000);
    assert_int_equal(t.meter.used.stolen_cycles, 1000);
    assert_true(sample(&t, 30));
    assert_int_equal(t.meter.used.idle_cycles, 30000);

    /* It ends: 31,000 cycles have been counted already, idle ones first.  The
     * queue is scaled by what the PMD had of all that it charged now. */
    t.pmd.busy_cycles += 40000;
    t.pmd.idle_cycles += 20000;
    t.pmd.cpu_ns += 30 * NS_PER_MS;
    t.rxqs[0].cycles += 40000;
    assert_true(sample(&t, 9));
    assert_int_equal(t.meter.used.idle_cycles, 0);
    assert_int_equal(t.meter.used.busy_cycles, 29000);
    assert_int_equal(t.meter.used.stolen_cycles, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 20000);

    /* The next one has 20 ms again. */
    assert_true(sample(&t, 20));
    assert_int_equal(t.meter.used.idle_cycles, 0);
}

static void
a_pmd_that_sleeps_or_is_parked_is_not_in_an_iteration(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    t.pmd.sleep_cycles += 30000;
    assert_true(sample(&t, 30));
    assert_int_equal(t.meter.used.idle_cycles, 0);
    assert_int_equal(t.meter.used.sleep_cycles, 30000);

    /* Nor in the sample in which it was parked or woken. */
    t.pmd.parked = true;
    assert_true(sample(&t, 30));
    assert_int_equal(t.meter.used.idle_cycles, 0);
    t.pmd.parked = false;
    assert_true(sample(&t, 30));
    assert_int_equal(t.meter.used.idle_cycles, 0);
    assert_true(sample(&t, 30));
    assert_int_equal(t.meter.used.idle_cycles, 30000);
}

/* Counters that went back. */

static void
a_pmd_whose_counter_went_back_is_another_one(void **state)
{
    struct thread t;
    uint64_t *counters[] = {
        &t.pmd.busy_cycles, &t.pmd.idle_cycles, &t.pmd.sleep_cycles,
        &t.pmd.cpu_ns,
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(counters); i++) {
        thread_init(&t);
        charge(&t, 60000, 40000);
        t.pmd.sleep_cycles += 1000;
        *counters[i] = 1;
        assert_false(sample(&t, 100));
        assert_int_equal(t.meter.used.busy_cycles, 0);
        assert_int_equal(t.meter.used.idle_cycles, 0);
        assert_int_equal(t.meter.used.overhead_cycles, 0);

        charge(&t, 60000, 40000);
        assert_true(sample(&t, 100));
        assert_int_equal(t.meter.used.busy_cycles, 60000);
        assert_int_equal(t.meter.used.idle_cycles, 40000);
        assert_int_equal(t.meter.used.overhead_cycles, 60000);
    }
}

static void
a_queue_whose_counter_went_back_is_another_one(void **state)
{
    struct thread t = { 0 };
    uint64_t *counters[] = {
        &t.rxqs[0].cycles, &t.rxqs[0].packets, &t.rxqs[0].polls,
        &t.rxqs[0].full_batches,
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(counters); i++) {
        thread_init(&t);
        charge(&t, 100000, 0);
        t.rxqs[0].polls += 100;
        t.rxqs[0].full_batches += 100;
        assert_true(sample(&t, 100));
        assert_int_equal(t.rxq_meters[0].streak, 1);

        charge(&t, 100000, 0);
        t.rxqs[0].cycles += 90000;
        *counters[i] = 1;
        assert_false(sample(&t, 100));
        assert_int_equal(t.rxq_meters[0].used.cycles, 0);
        assert_int_equal(t.rxq_meters[0].streak, 0);

        charge(&t, 100000, 0);
        t.rxqs[0].cycles += 90000;
        assert_true(sample(&t, 100));
        assert_int_equal(t.rxq_meters[0].used.cycles, 90000);
    }
}

/* Backlog. */

/* Takes a sample in which queue 0 had 'polls' polls, 'full' of which returned
 * a full batch, and its PMD idled for 'idle' of 100,000 cycles.  Returns the
 * length of the queue's streak. */
static unsigned int
streak(struct thread *t, uint64_t polls, uint64_t full, uint64_t idle)
{
    charge(t, 100000 - idle, idle);
    t->rxqs[0].polls += polls;
    t->rxqs[0].full_batches += full;
    assert_true(sample(t, 100));
    return t->rxq_meters[0].streak;
}

static void
nine_of_ten_full_batches_on_a_busy_pmd_look_like_a_backlog(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    assert_int_equal(streak(&t, 100, 90, 1999), 1);
    assert_int_equal(streak(&t, 100, 89, 1999), 0);
    assert_int_equal(streak(&t, 100, 90, 1999), 1);
    assert_int_equal(streak(&t, 100, 90, 2000), 0);

    /* Of a few polls, one may be short if they are ten. */
    assert_int_equal(streak(&t, 10, 9, 0), 1);
    assert_int_equal(streak(&t, 9, 8, 0), 0);
    assert_int_equal(streak(&t, 1, 1, 0), 1);
    assert_int_equal(streak(&t, 0, 0, 0), 0);
}

static void
a_streak_lasts_as_long_as_all_samples_look_like_a_backlog(void **state)
{
    const struct vmq_span span = { 100, 100000, 100 * NS_PER_MS };
    struct thread t;

    (void) state;
    thread_init(&t);
    assert_int_equal(streak(&t, 10, 10, 0), 1);
    assert_int_equal(streak(&t, 10, 10, 0), 2);
    assert_int_equal(t.rxq_meters[1].streak, 0);

    /* A sample of no time at all says nothing. */
    assert_true(sample(&t, 0));
    assert_int_equal(t.rxq_meters[0].streak, 2);
    assert_int_equal(streak(&t, 10, 10, 0), 3);

    /* A PMD that charged nothing has not been busy. */
    t.rxqs[0].polls++;
    t.rxqs[0].full_batches++;
    assert_true(sample(&t, 1));
    assert_int_equal(t.rxq_meters[0].streak, 0);

    /* It moves: part of the sample was on another PMD. */
    assert_int_equal(streak(&t, 10, 10, 0), 1);
    t.pmd.core_id = 4;
    assert_int_equal(streak(&t, 10, 10, 0), 0);
    assert_int_equal(streak(&t, 10, 10, 0), 1);

    /* Nobody polls it, but its counters may have gone up until then. */
    t.rxqs[0].polls++;
    t.rxqs[0].full_batches++;
    t.rxqs[0].cycles += 500;
    assert_true(vmq_meter_rxq(&t.rxq_meters[0], &t.rxqs[0], NULL, NULL,
                              &span));
    assert_int_equal(t.rxq_meters[0].streak, 0);
    assert_int_equal(t.rxq_meters[0].used.cycles, 500);
}

/* Its old PMD was without a CPU for 900 ms in a batch of it. */
static void
a_queue_that_moved_has_not_used_more_than_all_time(void **state)
{
    struct thread t;

    (void) state;
    thread_init(&t);
    t.pmd.core_id = 4;
    charge(&t, 0, 100 * CYCLES_PER_MS);
    t.rxqs[0].cycles += 900 * CYCLES_PER_MS;
    t.rxqs[1].cycles += 20 * CYCLES_PER_MS;
    sample(&t, 100);
    assert_int_equal(t.rxq_meters[0].used.cycles, 100 * CYCLES_PER_MS);
    assert_int_equal(t.rxq_meters[1].used.cycles, 20 * CYCLES_PER_MS);
}

/* Clocks. */

static void
a_tsc_may_run_up_to_twice_as_fast_or_half_as_fast(void **state)
{
    static const struct {
        uint64_t cycles;
        bool steady;
    } cases[] = {
        { 2001, true }, { 2002, false }, { 500, true }, { 499, false },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        const struct vmq_span first = { 1, 1000, NS_PER_MS };
        const struct vmq_span second = { 1, cases[i].cycles, NS_PER_MS };
        struct vmq_span rate = { 0, 0, 0 };

        assert_true(vmq_tsc_is_steady(&rate, &first));
        assert_int_equal(vmq_tsc_is_steady(&rate, &second), cases[i].steady);

        /* Either way, this is how fast it is now. */
        assert_true(vmq_tsc_is_steady(&rate, &second));
    }
}

static void
less_than_a_ms_tells_nothing_of_the_tsc(void **state)
{
    const struct vmq_span first = { 1, 1000, NS_PER_MS };
    const struct vmq_span shorter = { 0, 999999, NS_PER_MS - 1 };
    const struct vmq_span leap = { 1, 999999, NS_PER_MS };
    struct vmq_span rate = { 0, 0, 0 };

    (void) state;
    assert_true(vmq_tsc_is_steady(&rate, &first));
    assert_true(vmq_tsc_is_steady(&rate, &shorter));
    assert_true(vmq_tsc_is_steady(&rate, &first));
    assert_false(vmq_tsc_is_steady(&rate, &leap));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_can_be_added_and_subtracted),
        cmocka_unit_test(what_was_added_is_used),
        cmocka_unit_test(busy_for_no_queue_is_overhead),
        cmocka_unit_test(overhead_is_not_scaled),
        cmocka_unit_test(the_table_in_the_header_is_right),
        cmocka_unit_test(less_than_1_percent_is_noise),
        cmocka_unit_test(nothing_is_stolen_by_a_clock_that_tells_nothing),
        cmocka_unit_test(after_20_ms_an_iteration_is_charged),
        cmocka_unit_test(
            a_pmd_that_sleeps_or_is_parked_is_not_in_an_iteration),
        cmocka_unit_test(a_pmd_whose_counter_went_back_is_another_one),
        cmocka_unit_test(a_queue_whose_counter_went_back_is_another_one),
        cmocka_unit_test(
            nine_of_ten_full_batches_on_a_busy_pmd_look_like_a_backlog),
        cmocka_unit_test(
            a_streak_lasts_as_long_as_all_samples_look_like_a_backlog),
        cmocka_unit_test(a_queue_that_moved_has_not_used_more_than_all_time),
        cmocka_unit_test(a_tsc_may_run_up_to_twice_as_fast_or_half_as_fast),
        cmocka_unit_test(less_than_a_ms_tells_nothing_of_the_tsc),
    };

    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}

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

/* Tests of the parts of vmq-traffic that need no DPDK. */

#include <config.h>

#include "vmq-hist.h"
#include "vmq-traffic-schedule.h"
#include "vmq-traffic-onset.h"
#include "vmq-traffic-seq.h"

#include "vmq-test.h"

/* Sequence numbers. */

static void
test_seq_in_order(void **state)
{
    struct vmq_seq s = { .next = 0 };

    (void) state;
    for (uint64_t i = 0; i < 5000; i++) {
        assert_int_equal(vmq_seq_arrived(&s, i), VMQ_SEQ_NEWER);
    }
    assert_int_equal(vmq_seq_received(&s), 5000);
    assert_int_equal(s.missing, 0);

    /* No hole, no window: state must stay small. */
    assert_null(s.window);
    assert_int_equal(vmq_seq_arrived(&s, 4999), VMQ_SEQ_DUPLICATE);
    assert_int_equal(vmq_seq_arrived(&s, 0), VMQ_SEQ_DUPLICATE);
    assert_int_equal(vmq_seq_received(&s), 5000);
    assert_true(vmq_seq_valid(&s));
    vmq_seq_destroy(&s);
}

static void
test_seq_late_and_duplicate(void **state)
{
    struct vmq_seq s = { .next = 0 };

    (void) state;
    assert_int_equal(vmq_seq_arrived(&s, 0), VMQ_SEQ_NEWER);
    assert_int_equal(vmq_seq_arrived(&s, 3), VMQ_SEQ_NEWER);
    assert_int_equal(s.missing, 2);
    assert_int_equal(vmq_seq_arrived(&s, 2), VMQ_SEQ_LATE);
    assert_int_equal(vmq_seq_arrived(&s, 2), VMQ_SEQ_DUPLICATE);
    assert_int_equal(vmq_seq_arrived(&s, 3), VMQ_SEQ_DUPLICATE);
    assert_int_equal(vmq_seq_arrived(&s, 0), VMQ_SEQ_DUPLICATE);
    assert_int_equal(vmq_seq_arrived(&s, 1), VMQ_SEQ_LATE);
    assert_int_equal(s.missing, 0);
    assert_int_equal(vmq_seq_received(&s), 4);
    assert_true(vmq_seq_valid(&s));
    vmq_seq_destroy(&s);
}

/* The first packets of a flow can be the missing ones. */
static void
test_seq_first_missing(void **state)
{
    struct vmq_seq s = { .next = 0 };

    (void) state;
    assert_int_equal(vmq_seq_arrived(&s, 2000), VMQ_SEQ_NEWER);
    assert_int_equal(vmq_seq_received(&s), 1);
    assert_int_equal(s.missing, 2000);
    assert_int_equal(s.expired, 2000 - (VMQ_SEQ_WINDOW - 1));
    assert_int_equal(vmq_seq_arrived(&s, 1999), VMQ_SEQ_LATE);
    assert_true(vmq_seq_valid(&s));

    /* Left the window, but something is missing there. */
    assert_int_equal(vmq_seq_arrived(&s, 5), VMQ_SEQ_LATE);
    assert_int_equal(vmq_seq_received(&s), 3);
    assert_true(vmq_seq_valid(&s));
    vmq_seq_destroy(&s);
}

static void
test_seq_window_edges(void **state)
{
    (void) state;
    for (int back = VMQ_SEQ_WINDOW - 2; back <= VMQ_SEQ_WINDOW + 2; back++) {
        struct vmq_seq s = { .next = 0 };
        uint64_t seq = 3000;

        /* All but 'seq' and number 10 arrive, up to 'back' behind 'seq'. */
        for (uint64_t i = 0; i < seq + back; i++) {
            if (i != seq && i != 10) {
                vmq_seq_arrived(&s, i);
            }
        }
        assert_int_equal(s.missing, 2);
        assert_int_equal(s.expired, back > VMQ_SEQ_WINDOW ? 2 : 1);
        assert_int_equal(vmq_seq_arrived(&s, seq), VMQ_SEQ_LATE);
        assert_int_equal(s.missing, 1);
        assert_int_equal(vmq_seq_arrived(&s, 10), VMQ_SEQ_LATE);
        assert_int_equal(s.missing, 0);
        assert_int_equal(vmq_seq_arrived(&s, 10), VMQ_SEQ_DUPLICATE);
        assert_int_equal(vmq_seq_received(&s), seq + back);
        assert_true(vmq_seq_valid(&s));
        vmq_seq_destroy(&s);
    }
}

/* Random arrivals against a model that remembers everything. */
static void
test_seq_model(void **state)
{
    enum { N_PACKETS = 4000 };
    unsigned long int n_cases = test_n_cases(200);
    struct test_random r;

    (void) state;
    test_random_init(&r, "seq_model", n_cases);
    for (unsigned long int c = 0; c < n_cases; c++) {
        static bool arrived[2 * N_PACKETS];
        struct vmq_seq s = { .next = 0 };

        /* Per 1000 packets. */
        unsigned int loss = test_one_in(&r, 4) ? 0 : test_random_range(&r, 1,
                                                                       50);
        unsigned int old = test_one_in(&r, 4) ? 0 : test_random_range(&r, 1,
                                                                      150);
        uint64_t n_received = 0;
        uint64_t next = 0;
        uint64_t tx = 0;

        memset(arrived, 0, sizeof arrived);
        while (tx < N_PACKETS) {
            enum vmq_seq_verdict expected;
            uint64_t prev = s.next;
            uint64_t seq = tx;

            if (test_random_range(&r, 0, 999) < loss) {
                tx += test_random_range(&r, 1, 20);
                continue;
            }
            if (next && test_random_range(&r, 0, 999) < old) {
                /* Arrived or not: anything that the window covers. */
                seq = next - test_random_range(&r, 1,
                                               next < VMQ_SEQ_WINDOW
                                               ? next : VMQ_SEQ_WINDOW);
            } else {
                tx++;
            }

            expected = (arrived[seq] ? VMQ_SEQ_DUPLICATE
                        : seq >= next ? VMQ_SEQ_NEWER : VMQ_SEQ_LATE);
            n_received += !arrived[seq];
            arrived[seq] = true;
            if (seq >= next) {
                next = seq + 1;
            }

            /* Invariant 3. */
            assert_int_equal(vmq_seq_arrived(&s, seq), expected);

            /* Invariants 1 and 2. */
            assert_true(s.next >= prev);
            assert_int_equal(s.next, next);
            assert_int_equal(vmq_seq_received(&s), n_received);
            assert_int_equal(s.next, n_received + s.missing);
        }

        /* Invariant 4. */
        assert_true(vmq_seq_valid(&s));
        vmq_seq_destroy(&s);
    }
}

/* Histogram. */

static void
test_hist(void **state)
{
    static struct vmq_hist h;

    (void) state;
    vmq_hist_clear(&h);
    assert_int_equal(vmq_hist_percentile(&h, 50), 0);
    for (uint64_t i = 1; i <= 100000; i++) {
        vmq_hist_add(&h, i);
    }
    assert_int_equal(h.n, 100000);
    assert_int_equal(h.max, 100000);
    assert_int_equal(vmq_hist_percentile(&h, 100), 100000);
    assert_uint_in_range(vmq_hist_percentile(&h, 50), 50000, 56250);
    assert_uint_in_range(vmq_hist_percentile(&h, 99), 99000, 100000);
    assert_true(vmq_hist_mean(&h) > 50000.0 && vmq_hist_mean(&h) < 50001.0);

    /* Every value, also the greatest, has a bucket that is not far above. */
    for (int shift = 0; shift < 64; shift++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = (UINT64_C(1) << shift) + delta;
            uint64_t p;

            vmq_hist_clear(&h);
            vmq_hist_add(&h, value);
            vmq_hist_add(&h, UINT64_MAX);
            p = vmq_hist_percentile(&h, 50);
            assert_true(p >= value);
            assert_true(p - value <= value / 8);
        }
    }
}

/* Schedule. */

static void
test_schedule_good(void **state)
{
    static const char text[] =
        "# comment\n"
        "\n"
        "10 1/2 50k 5000 to=2 # tail\n"
        "  0.5\t0/* 1500.5 \r\n"
        "10 */* 0 to=0\n"
        "0 0/1 2M 1";
    unsigned int queues[] = { 2, 3, 1 };
    struct vmq_schedule schedule;
    const struct vmq_step *steps;
    FILE *stream;

    (void) state;
    vmq_schedule_init(&schedule);
    stream = fmemopen((void *) text, sizeof text - 1, "r");
    assert_null(vmq_schedule_read(&schedule, stream, "f"));
    fclose(stream);
    assert_null(vmq_schedule_check(&schedule, queues, 3));
    assert_int_equal(schedule.n_steps, 4);

    steps = schedule.steps;
    assert_string_equal(steps[0].where, "f:6");
    assert_true(steps[0].time == 0 && steps[0].rate.pps == 2e6);
    assert_int_equal(steps[0].rate.flows, 1);
    assert_int_equal(steps[0].rate.to, VMQ_SCHEDULE_KEEP);

    assert_string_equal(steps[1].where, "f:4");
    assert_true(steps[1].time == 0.5 && steps[1].rate.pps == 1500.5);
    assert_int_equal(steps[1].rate.port, 0);
    assert_int_equal(steps[1].rate.queue, VMQ_SCHEDULE_ALL);
    assert_int_equal(steps[1].rate.flows, VMQ_SCHEDULE_KEEP);

    /* Same time: in the order of the lines. */
    assert_string_equal(steps[2].where, "f:3");
    assert_true(steps[2].time == 10 && steps[2].rate.pps == 50000);
    assert_int_equal(steps[2].rate.port, 1);
    assert_int_equal(steps[2].rate.queue, 2);
    assert_int_equal(steps[2].rate.flows, 5000);
    assert_int_equal(steps[2].rate.to, 2);

    assert_string_equal(steps[3].where, "f:5");
    assert_int_equal(steps[3].rate.port, VMQ_SCHEDULE_ALL);
    assert_int_equal(steps[3].rate.to, 0);
    vmq_schedule_destroy(&schedule);
}

static void
test_schedule_bad(void **state)
{
    static const struct {
        const char *line;
        const char *error;
    } cases[] = {
        { "x 0/0 1", "\"x\" is not a time from 0 to 1000000 seconds" },
        { "-1 0/0 1", "\"-1\" is not a time from 0 to 1000000 seconds" },
        { "1e3 0/0 1", "\"1e3\" is not a time from 0 to 1000000 seconds" },
        { "1000001 0/0 1",
          "\"1000001\" is not a time from 0 to 1000000 seconds" },
        { "nan 0/0 1", "\"nan\" is not a time from 0 to 1000000 seconds" },
        { "0", "PORT/QUEUE and PPS are required" },
        { "0 0/0", "PORT/QUEUE and PPS are required" },
        { "0 00 1", "\"00\" is not PORT/QUEUE" },
        { "0 /0 1", "\"/0\" is not PORT/QUEUE" },
        { "0 0/ 1", "\"0/\" is not PORT/QUEUE" },
        { "0 0/-1 1", "\"0/-1\" is not PORT/QUEUE" },
        { "0 0/0/0 1", "\"0/0/0\" is not PORT/QUEUE" },
        { "0 99999999999/0 1", "\"99999999999/0\" is not PORT/QUEUE" },
        { "0 0/0 -5",
          "\"-5\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 1.2.3",
          "\"1.2.3\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 .",
          "\".\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 k",
          "\"k\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 1kk",
          "\"1kk\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 21M",
          "\"21M\" is not a rate from 0 to 20000000 packets per second" },
        { "0 0/0 1 0", "\"0\" is not a number of flows from 1 to 50000" },
        { "0 0/0 1 50001",
          "\"50001\" is not a number of flows from 1 to 50000" },
        { "0 0/0 1 1.5", "\"1.5\" is not a number of flows from 1 to 50000" },
        { "0 0/0 1 1 1", "\"1\" is not expected here" },
        { "0 0/0 1 to=1 1", "\"1\" is not expected here" },
        { "0 0/0 1 to=x", "\"to=x\" does not name a port" },
        { "0 0/0 1 to=*", "\"to=*\" does not name a port" },
        { "0 0/0 1 1 to=1 1 1", "too many words" },
        { "0 0/0 1 00000000000000000000000000000000"
          "00000000000000000000000000000001",
          "word of 64 characters is too long" },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct vmq_schedule schedule;
        char expected[256];
        char *error;

        vmq_schedule_init(&schedule);
        error = vmq_schedule_add(&schedule, cases[i].line, "file", 7);
        assert_non_null(error);
        snprintf(expected, sizeof expected, "file:7: %s", cases[i].error);
        assert_string_equal(error, expected);
        assert_int_equal(schedule.n_steps, 0);
        free(error);
        vmq_schedule_destroy(&schedule);
    }
}

static void
test_schedule_bad_file(void **state)
{
    char text[] = "0 0/0 100\n1 0/0 200\n2 0/0 many\n3 0/0 1\n";
    struct vmq_schedule schedule;
    FILE *stream;
    char *error;

    (void) state;
    vmq_schedule_init(&schedule);
    stream = fmemopen(text, strlen(text), "r");
    error = vmq_schedule_read(&schedule, stream, "rates");
    fclose(stream);
    assert_string_equal(error, "rates:3: \"many\" is not a rate from 0 to "
                        "20000000 packets per second");
    free(error);
    vmq_schedule_destroy(&schedule);

    /* A null byte hides the rest of its line. */
    text[4] = '\0';
    vmq_schedule_init(&schedule);
    stream = fmemopen(text, sizeof text - 1, "r");
    error = vmq_schedule_read(&schedule, stream, "rates");
    fclose(stream);
    assert_string_equal(error, "rates:1: null byte");
    free(error);
    vmq_schedule_destroy(&schedule);
}

static void
test_schedule_check(void **state)
{
    static const struct {
        const char *rate;
        const char *error;
    } cases[] = {
        { "0/1 1", NULL },
        { "2/0 1 to=0", NULL },
        { "*/2 1", NULL },
        { "3/0 1", "there is no port 3, only 0 to 2" },
        { "0/2 1", "there is no queue 2, only 0 to 1" },
        { "*/3 1", "there is no queue 3, only 0 to 2" },
        { "0/0 1 to=3", "there is no port 3 to send to, only 0 to 2" },
    };
    unsigned int queues[] = { 2, 3, 1 };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct vmq_rate rate;
        char *error;

        assert_null(vmq_rate_parse(cases[i].rate, &rate));
        error = vmq_rate_check(&rate, queues, TEST_ARRAY_SIZE(queues));
        if (cases[i].error) {
            assert_string_equal(error, cases[i].error);
        } else {
            assert_null(error);
        }
        free(error);
    }
}

/* The TSC goes on by 1,000 in a microsecond.  Packets arrive at 500 us, which
 * is 1,000,500 us of the clock; the ring had been empty at 'empty_us'. */
static void
arrive(struct vmq_onset *onset, uint64_t sent_us, uint64_t empty_us)
{
    vmq_onset_arrived(onset, sent_us * 1000, empty_us * 1000, 500000,
                      1000500000, 1e9);
}

static void
test_onset(void **state)
{
    struct vmq_onset onset;

    (void) state;
    vmq_onset_begin(&onset, 7);
    assert_int_equal(onset.at_ns, 7);

    /* Not there yet after 99 us, or nobody looked. */
    arrive(&onset, 200, 299);
    arrive(&onset, 200, 150);
    assert_int_equal(onset.waited_ns, 0);
    assert_int_equal(onset.until_ns, 0);

    /* The first one counts, and the last one. */
    arrive(&onset, 200, 300);
    assert_int_equal(onset.waited_ns, 1000300000);
    assert_int_equal(onset.until_ns, 1000500000);
    vmq_onset_arrived(&onset, 400000, 600000, 700000, 1000700000, 1e9);
    assert_int_equal(onset.waited_ns, 1000300000);
    assert_int_equal(onset.until_ns, 1000700000);
    vmq_onset_arrived(&onset, 750000, 760000, 800000, 1000800000, 1e9);
    assert_int_equal(onset.until_ns, 1000700000);

    /* Another rate. */
    vmq_onset_begin(&onset, 8);
    assert_int_equal(onset.at_ns, 8);
    assert_int_equal(onset.waited_ns, 0);
    assert_int_equal(onset.until_ns, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seq_in_order),
        cmocka_unit_test(test_seq_late_and_duplicate),
        cmocka_unit_test(test_seq_first_missing),
        cmocka_unit_test(test_seq_window_edges),
        cmocka_unit_test(test_seq_model),
        cmocka_unit_test(test_onset),
        cmocka_unit_test(test_hist),
        cmocka_unit_test(test_schedule_good),
        cmocka_unit_test(test_schedule_bad),
        cmocka_unit_test(test_schedule_bad_file),
        cmocka_unit_test(test_schedule_check),
    };

    return cmocka_run_group_tests_name("vmq-traffic", tests, NULL, NULL);
}

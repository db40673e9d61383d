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

#include <inttypes.h>

#include "vmq-sim.h"
#include "vmq-test.h"
#include "vmq-world.h"

/* Policies, on simulated hosts that are small enough to be worked out by
 * hand. */

static void
test_single(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 4, 0, 900, 900, 900, 900);
    play(&w, "single");
    ASSERT_PLACED(&w, 0, 0, 0, 0);
    ASSERT_NO_MOVES(&w);
    ASSERT_NEAR(w.r.pmd_seconds, 1);
    world_destroy(&w);
}

static void
test_static(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 5, 0, 900, 0, 10, 900, 900);
    play(&w, "static");
    ASSERT_PLACED(&w, 0, 1, 2, 0, 1);
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);
}

/* PMDs 0 and 1 are on node 0, 2 and 3 on node 1; there is no node 7.  Queues
 * that may be anywhere share the turn of node 0. */
static void
test_static_numa(void **state)
{
    static const int32_t numa_ids[] = { 1, 0, 1, 1, 0, -1, 0, 7 };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 4, 8, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    w.numa_ids[2] = w.numa_ids[3] = 1;
    memcpy(w.trace.numa_ids, numa_ids, sizeof numa_ids);
    play(&w, "static");
    ASSERT_PLACED(&w, 2, 0, 3, 2, 1, 2, 0, 1);
    world_destroy(&w);
}

/*     load   700 600 500 400 300 200 100
 *     queue    1   5   3   6   2   4   0
 *     PMD      0   1   2   2   1   0   0  */
static void
test_cycles(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 7,
               0, 100, 700, 300, 500, 200, 600, 400,
               60, 0, 0, 0, 0, 999, 0, 0);   /* Not in the first minute. */
    play(&w, "cycles");
    ASSERT_PLACED(&w, 0, 0, 1, 2, 0, 1, 2);
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);
}

/* The first minute counts to its end: q1 has 100 then, q0 99. */
static void
test_cycles_minute(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2, 0, 99, 95, 59.4, 99, 600);
    play(&w, "cycles");
    ASSERT_PLACED(&w, 1, 0);
    world_destroy(&w);
}

/* Each node has its own turn, and so have queues without one.
 *
 *     load   900 800 700 600 500 400 300 200
 *     queue    0   1   2   3   4   5   6   7
 *     node     ?   ?   ?   0   0   1   0   0
 *     PMD      0   1   2   0   1   3   1   0   (2 and 3 on node 1) */
static void
test_cycles_numa(void **state)
{
    static const int32_t numa_ids[] = { -1, -1, -1, 0, 0, 1, 0, 0 };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 4, 8, 0, 900, 800, 700, 600, 500, 400, 300, 200);
    w.numa_ids[2] = w.numa_ids[3] = 1;
    memcpy(w.trace.numa_ids, numa_ids, sizeof numa_ids);
    play(&w, "cycles");
    ASSERT_PLACED(&w, 0, 1, 2, 0, 1, 2, 1, 0);
    world_destroy(&w);
}

/*     load   640 500 400 310 200 100   0   0
 *     queue    1   4   3   5   0   7   2   6
 *     PMD      0   1   2   2   1   0   0   1
 *     sum    640 500 400 710 700 740      (or 3, 2, 2 queues) */
static void
test_group(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 8,
               0, 200, 640, 0, 400, 500, 310, 0, 100,
               60, 0, 0, 999, 0, 0, 0, 0, 0);
    play(&w, "group");
    ASSERT_PLACED(&w, 1, 0, 0, 2, 1, 2, 1, 0);
    ASSERT_NO_MOVES(&w);

    /* Half of the minute counts for half of the load: 700 first. */
    w.trace.times_s[1] = 30;
    w.trace.end_s = 90;
    w.trace.rates_pps[8 + 2] = 1400;
    play(&w, "group");
    assert_int_equal(w.placed[2], 0);
    assert_int_equal(w.placed[1], 1);
    world_destroy(&w);
}

/*            PMD 0              PMD 1
 *     start  q0 600, q2 400     q1 100, q3 0
 *     60 s   q0 600, q3 0       q2 400, q1 100 */
static void
test_auto_lb(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 4, 0, 600, 100, 400, 0);
    w.trace.end_s = 200;
    play(&w, "auto-lb");
    ASSERT_PLACED(&w, 0, 1, 0, 1);
    ASSERT_MOVES(&w, { S(60), 2, 0, 1 }, { S(60), 3, 1, 0 });

    /* The end comes before the minute does. */
    w.trace.end_s = 59;
    play(&w, "auto-lb");
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);

    WORLD_INIT(&w, 2, 4,
               0, 100, 100, 400, 0,
               5, 600, 100, 400, 0,
               119, 0, 0, 0, 0);
    w.trace.end_s = 200;
    play(&w, "auto-lb");
    ASSERT_NO_MOVES(&w);

    /* The end of the first minute comes too soon, after 11 intervals, and so
     * it takes until that of the second one. */
    w.trace.times_s[2] = 121;
    play(&w, "auto-lb");
    ASSERT_MOVES(&w, { S(120), 2, 0, 1 }, { S(120), 3, 1, 0 });

    /* 11 intervals at the end of the second minute, none thereafter. */
    w.trace.times_s[1] = 61;
    play(&w, "auto-lb");
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);
}

/* auto-lb wants 95 %, auto-lb-tuned 70 %. */
static void
test_auto_lb_threshold(void **state)
{
    static const struct {
        double load;
        bool moves, tuned_moves;
    } cases[] = {
        { 950, true, true }, { 949, false, true }, { 700, false, true },
        { 699, false, false },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct world w;

        WORLD_INIT(&w, 2, 3, 0, cases[i].load - 300, 10, 300);
        w.trace.end_s = 130;
        play(&w, "auto-lb");
        assert_int_equal(w.r.moves, cases[i].moves);
        play(&w, "auto-lb-tuned");
        assert_int_equal(w.r.moves, cases[i].tuned_moves);
        if (cases[i].tuned_moves) {
            ASSERT_MOVES(&w, { S(60), 2, 0, 1 });
        }
        world_destroy(&w);
    }
}

/* q2, of 60, should join q1 on PMD 1.  For two PMDs, the variance is as the
 * square of their difference:
 *
 *     q0   q1   difference   then   improvement
 *     900  64      896        776      24.99 %
 *     900  65      895        775      25.02 %   */
static void
test_auto_lb_gain(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 3, 0, 900, 64, 60);
    w.trace.end_s = 130;
    play(&w, "auto-lb");
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);
    WORLD_INIT(&w, 2, 3, 0, 900, 65, 60);
    w.trace.end_s = 130;
    play(&w, "auto-lb");
    ASSERT_MOVES(&w, { S(60), 2, 0, 1 });
    world_destroy(&w);
}

/*           PMD 0                   PMD 1    PMD 2     spare
 *     0     q0 200, q3 50           q1 100   q2 300    1.75 > 1.2 + 4 x 0.05
 *     0.1   q0 200, q3 50, q1 100   off      q2 300
 *     1.6   q0 500, q3 200, q1 250  off      q2 900    -0.25 < -0.1
 *     2.6   q3 200, q1 250          q0 500   q2 900    mean: 617
 *
 * From what is off by 333, to what lacks 617: what comes closest to 475 goes.
 * q2, with 900, is the only queue of its core. */
static void
test_rsspp_cores(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 4,
               0, 200, 100, 300, 50,
               1.6, 500, 250, 900, 200);
    w.trace.end_s = 6;
    for (int every_tick = 0; every_tick < 2; every_tick++) {
        w.o.every_tick = every_tick;
        play(&w, "rsspp");
        ASSERT_PLACED(&w, 0, 1, 2, 0);
        ASSERT_MOVES(&w, { MS(100), 1, 1, 0 }, { MS(2600), 0, 0, 1 });
    }
    world_destroy(&w);
}

#define ASSERT_TICKS(W, ...) \
    assert_ticks(W, TEST_ARRAY_SIZE(((uint64_t[]) { __VA_ARGS__ })), \
                 (uint64_t[]) { __VA_ARGS__ }, __FILE__, __LINE__)

/* The first 'n' ticks must be at these times, in microseconds. */
static void
assert_ticks(const struct world *w, uint32_t n, const uint64_t *ticks_us,
             const char *file, int line)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i >= w->n_ticks || w->ticks_ns[i] != ticks_us[i] * 1000) {
            print_error("tick %"PRIu32" is at %"PRIu64" us\n", i,
                        i < w->n_ticks ? w->ticks_ns[i] / 1000 : 0);
            _fail(file, line);
        }
    }
}

/* Plays rsspp with queues of these loads for 0.15 s.  Returns the number of
 * moves at its first tick, and checks that this is the only one with any. */
static uint32_t
first_rsspp_moves(uint32_t n_pmds, uint32_t n_queues, const double *loads)
{
    double values[1 + WORLD_QUEUES] = { 0 };
    uint32_t n_moves;
    struct world w;

    memcpy(values + 1, loads, n_queues * sizeof *loads);
    world_init__(&w, n_pmds, n_queues, 1 + n_queues, values);
    w.trace.end_s = .105;
    play(&w, "rsspp");
    n_moves = w.n_moves;
    for (uint32_t i = 0; i < n_moves; i++) {
        assert_int_equal(w.moves[i].ns, MS(100));
    }
    world_destroy(&w);
    return n_moves;
}

/* A core is given up if the spare capacity, up to 0.8 on each, is more than
 *
 *     1 + 0.2 + (cores + 1) * max(0.05, highest load - 0.8)
 *
 *     cores  loads                    spare           more than
 *     2      0.125, 0.125 -/+ 0.001   1.351, 1.349    1.35
 *     3      0.333, 0.333, 0.333      1.401           1.4
 *            0.333, 0.333, 0.335      1.399           1.4
 *     4      0.9, 0.1, 0.199, 0.3     1.701           1.7
 *            0.9, 0.1, 0.201, 0.3     1.699           1.7
 *
 * No queue can be moved to balance the load: each is the only one of its
 * core. */
static void
test_rsspp_gives_up(void **state)
{
    (void) state;
#define N_MOVES(...) \
    first_rsspp_moves(TEST_ARRAY_SIZE(((double[]) { __VA_ARGS__ })), \
                      TEST_ARRAY_SIZE(((double[]) { __VA_ARGS__ })), \
                      (double[]) { __VA_ARGS__ })
    assert_int_equal(N_MOVES(125, 124), 1);
    assert_int_equal(N_MOVES(125, 126), 0);
    assert_int_equal(N_MOVES(333, 333, 333), 1);
    assert_int_equal(N_MOVES(333, 333, 335), 0);
    assert_int_equal(N_MOVES(900, 100, 199, 300), 1);
    assert_int_equal(N_MOVES(900, 100, 201, 300), 0);
    assert_int_equal(N_MOVES(100), 0);
#undef N_MOVES
}

/* Of two cores, the first one is given up at 0.1 s.  Then the load grows, and
 * if the only core in use has 0.1 more than 0.8, another one is added. */
static void
test_rsspp_adds(void **state)
{
    static const double loads[] = { 399, 401 };

    (void) state;
    for (int i = 0; i < 2; i++) {
        struct world w;

        WORLD_INIT(&w, 2, 2, 0, 100, 100, 1, 500, loads[i]);
        w.trace.end_s = 4;
        play(&w, "rsspp");
        assert_int_equal(w.n_moves, 1 + i);
        assert_int_equal(w.moves[0].from, 0);
        assert_int_equal(w.moves[0].ns, MS(100));
        if (i) {
            assert_int_equal(w.moves[1].to, 0);
        }
        world_destroy(&w);
    }
}

/* A core is not off balance if it is by 0.02 or less, so that nothing leaves
 * it and nothing goes there. */
static void
test_rsspp_dead_band(void **state)
{
    (void) state;

    /* Mean 0.5: only core 1 has two queues. */
    assert_int_equal(first_rsspp_moves(3, 6, (double[]) {
                         580, 461, 399, 0, 60, 0 }), 1);
    assert_int_equal(first_rsspp_moves(3, 6, (double[]) {
                         580, 459, 401, 0, 60, 0 }), 0);

    /* Mean 0.6: core 0 has two queues and 0.147 or 0.133 too much, the others
     * lack a seventh of that each. */
    assert_int_equal(first_rsspp_moves(8, 9, (double[]) {
                         697, 579, 579, 579, 579, 579, 579, 579, 50 }), 1);
    assert_int_equal(first_rsspp_moves(8, 9, (double[]) {
                         683, 581, 581, 581, 581, 581, 581, 581, 50 }), 0);
}

/* Two cores that are off balance by 0.0708 each, or 0.0706: the sum of squares
 * is 0.01003, or 0.00997. */
static void
test_rsspp_good_enough(void **state)
{
    (void) state;
    assert_int_equal(first_rsspp_moves(2, 3, (double[]) {
                         500, 430, 71.6 }), 1);
    assert_int_equal(first_rsspp_moves(2, 3, (double[]) {
                         500, 430, 71.2 }), 0);
}

/* All load is on the first of four cores.  After ten moves it is still off
 * balance, but that is enough for a round. */
static void
test_rsspp_tries(void **state)
{
    double loads[64] = { 0 };

    (void) state;
    for (int i = 0; i < 64; i++) {
        loads[i] = i % 4 ? i / 4 ? 0 : 10 : 62.5;
    }
    assert_int_equal(first_rsspp_moves(4, 64, loads), 10);
}

/* Any of two cores can be the one that is off balance, the first one too. */
static void
test_rsspp_first_core(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 4, 0, 400, 100, 300, 100);
    w.trace.end_s = .105;
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 2, 0, 1 });
    world_destroy(&w);

    WORLD_INIT(&w, 2, 4, 0, 100, 400, 100, 300);
    w.trace.end_s = .105;
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 3, 1, 0 });
    world_destroy(&w);
}

/* Two cores, one of which is too busy and has one queue, with load, so that
 * nothing can be done.  After a tick at which nothing moved, the interval
 *
 *     imbalance
 *     0 .. 0.2     doubles, up to 1 s
 *     0.2 .. 0.4   halves, down to 10 ms
 *     0.4 ..       is 10 ms                 */
static void
test_rsspp_interval(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 3, 0, 599, 400, 0);
    w.trace.end_s = 5;
    w.o.every_tick = true;
    play(&w, "rsspp");
    ASSERT_TICKS(&w, 100000, 300000, 700000, 1500000, 2500000, 3500000);
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);

    for (int i = 0; i < 2; i++) {
        WORLD_INIT(&w, 2, 3, 0, i ? 601 : 699, i ? 400 : 300, 0);
        w.o.every_tick = true;
        play(&w, "rsspp");
        ASSERT_TICKS(&w, 100000, 150000, 175000, 187500, 197500, 207500);
        ASSERT_NO_MOVES(&w);
        world_destroy(&w);
    }

    WORLD_INIT(&w, 2, 3, 0, 701, 300, 0);
    w.o.every_tick = true;
    play(&w, "rsspp");
    ASSERT_TICKS(&w, 100000, 110000, 120000, 130000);
    ASSERT_NO_MOVES(&w);
    world_destroy(&w);
}

/* At its shortest or longest interval, with nothing to do, no tick has
 * anything new to find out until the load changes. */
static void
test_rsspp_idle(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        struct world w;

        WORLD_INIT(&w, 2, 3,
                   0, i ? 599 : 601, 400, 0,
                   99, 500, 400, 0);
        w.trace.end_s = 99;
        play(&w, "rsspp");
        assert_uint_in_range(w.n_ticks, 1, 12);
        ASSERT_NO_MOVES(&w);
        world_destroy(&w);
    }
}

/* All on one of two cores.  Excess and lack are both 450, and what comes
 * closest goes.  What is off then is less than any queue. */
static void
test_rsspp_greedy(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 6, 0, 290, 0, 300, 0, 310, 0);
    w.o.every_tick = true;
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 4, 0, 1 });
    world_destroy(&w);
}

/* What received a queue rests for a round: PMD 1 got one at 0.1 s, and has too
 * much to do from then on.
 *
 *           PMD 0                   PMD 1            off by
 *     0     q0 290, q2 300, q4 310  -                450
 *     0.1   q0 10, q2 10            q1 300, q4 310   295
 *     0.12  q0 10, q2 10, q1 300    q4 310             5 */
static void
test_rsspp_rest(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 6,
               0, 290, 0, 300, 0, 310, 0,
               .1, 10, 300, 10, 0, 310, 0);
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 4, 0, 1 }, { MS(120), 1, 1, 0 });
    ASSERT_TICKS(&w, 100000, 110000, 120000);
    world_destroy(&w);
}

/* The same with core 0 as the one that received a queue. */
static void
test_rsspp_first_core_rests(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 6,
               0, 0, 290, 0, 300, 0, 310,
               .1, 300, 10, 0, 10, 0, 310);
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 5, 1, 0 }, { MS(120), 0, 0, 1 });
    world_destroy(&w);
}

/* Core 1 gets a queue of 490, and has too much then; what it had before stays
 * for this round. */
static void
test_rsspp_receiver(void **state)
{
    (void) state;
    assert_int_equal(first_rsspp_moves(3, 6, (double[]) {
                         490, 100, 300, 490, 100, 0 }), 1);
}

/* Core 2 is given up.  It lacks most then, but it is not in use. */
static void
test_rsspp_not_in_use(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 4, 0, 400, 200, 50, 300);
    w.trace.end_s = .105;
    play(&w, "rsspp");
    ASSERT_MOVES(&w, { MS(100), 2, 2, 1 }, { MS(100), 3, 0, 1 });
    world_destroy(&w);
}

/* q2 goes to core 1 and returns, off a load of 0.79 or 0.81: only the latter
 * is a reason. */
static void
test_rsspp_returns(void **state)
{
    (void) state;
    for (int forced = 0; forced < 2; forced++) {
        double rest = forced ? 230 : 220;
        struct world w;

        WORLD_INIT(&w, 2, 4,
                   0, 400, 100, 300, 100,
                   .73, 100, rest, 350, rest);
        w.trace.end_s = 2;
        play(&w, "rsspp");
        ASSERT_MOVES(&w, { MS(100), 2, 0, 1 }, { MS(1370), 2, 1, 0 });
        assert_int_equal(w.r.forced_returns, forced);
        assert_int_equal(w.r.pingpongs, !forced);
        world_destroy(&w);
    }
}

/* First fit, the busiest first, up to 850:
 *
 *     600 -> 0    500 -> 1    310 -> 1    300 -> 2    200 -> 0 */
static void
test_oracle(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 4, 5,
               0, 200, 600, 300, 500, 310,
               10, 0, 0, 900, 0, 0,
               20, 850, 0, 0, 0, 0);
    play(&w, "oracle");
    ASSERT_PLACED(&w, 0, 0, 2, 1, 1);

    /* At 10 s, 900 has a PMD alone, and the others go to the next.  At 20 s,
     * 850 is not too much with nothing. */
    ASSERT_MOVES(&w,
                 { S(10), 0, 0, 1 }, { S(10), 1, 0, 1 }, { S(10), 2, 2, 0 },
                 { S(20), 0, 1, 0 }, { S(20), 1, 1, 0 }, { S(20), 3, 1, 0 },
                 { S(20), 4, 1, 0 });
    ASSERT_NEAR(w.r.overload_seconds, 0);
    ASSERT_NEAR(w.r.pmd_seconds, 30 + 20 + 10);
    world_destroy(&w);
}

/* Up to the spread threshold, and not a packet more. */
static void
test_oracle_limit(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2, 0, 800, 50);
    play(&w, "oracle");
    ASSERT_PLACED(&w, 0, 0);
    world_destroy(&w);
    WORLD_INIT(&w, 2, 2, 0, 800, 50.1);
    play(&w, "oracle");
    ASSERT_PLACED(&w, 0, 1);
    world_destroy(&w);
}

/* Loads that grow all the time are looked at twice a second. */
static void
test_oracle_ramp(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2, 0, 100, 100, 10, 500, 500);
    w.o.ramp = true;
    play(&w, "oracle");
    ASSERT_TICKS(&w, 0, 500000, 1000000, 1500000);
    world_destroy(&w);
}

/* No PMD has room: the one with the least load, on the right node. */
static void
test_oracle_full(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 4, 0, 800, 750, 400, 300);
    w.numa_ids[2] = 1;
    for (int i = 0; i < 4; i++) {
        w.trace.numa_ids[i] = 0;
    }
    play(&w, "oracle");
    ASSERT_PLACED(&w, 0, 1, 1, 0);
    ASSERT_NEAR(w.r.overload_seconds, 2);
    world_destroy(&w);
}

/* Late by 300 + 100 ms, and up to 750 only. */
static void
test_oracle_lag(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2,
               0, 400, 350,
               10, 400, 500,
               20, 400, 400);
    w.o.config.pack_target_pct = 75;
    play(&w, "oracle-lag");
    ASSERT_PLACED(&w, 0, 0);
    ASSERT_MOVES(&w, { MS(10400), 0, 0, 1 },
                 { MS(20400), 0, 1, 0 }, { MS(20400), 1, 0, 1 });
    ASSERT_NEAR(w.r.overload_seconds, .4);
    ASSERT_NEAR(w.r.pmd_seconds, 10.4 + 2 * 19.6);

    /* The oracle itself. */
    play(&w, "oracle");
    ASSERT_MOVES(&w, { S(10), 0, 0, 1 }, { S(20), 0, 1, 0 });
    ASSERT_NEAR(w.r.overload_seconds, 0);
    ASSERT_NEAR(w.r.pmd_seconds, 10 + 2 * 10 + 10);

    /* Settings count. */
    w.o.config.spread_hold_ms = 1000;
    w.o.config.interval_ms = 500;
    w.o.config.pack_target_pct = 60;
    play(&w, "oracle-lag");
    ASSERT_PLACED(&w, 0, 1);
    ASSERT_MOVES(&w, { MS(11500), 0, 0, 1 }, { MS(11500), 1, 1, 0 },
                 { MS(21500), 0, 1, 0 }, { MS(21500), 1, 0, 1 });
    world_destroy(&w);
}

/* Four queues at 10 % fit into one PMD.  At 40 % each, from 60 to 120 s, they
 * need two. */
static void
up_and_down(struct world *w)
{
    double low = PERCENT(10), high = PERCENT(40);

    WORLD_INIT(w, 4, 4,
               0, low, low, low, low,
               60, high, high, high, high,
               120, low, low, low, low);
    switch_like(w);
    w->trace.end_s = 200;
}

/* They have two within a fraction of a second. */
static void
test_vmq(void **state)
{
    struct world w;

    (void) state;
    up_and_down(&w);
    w.o.config.edge_us = 0;
    play(&w, "vmq");
    ASSERT_PLACED(&w, 0, 1, 2, 3);
    assert_int_equal(active_at(&w, S(30)), 1);
    assert_int_equal(active_at(&w, S(60)), 1);
    assert_int_equal(active_at(&w, S(61)), 2);
    assert_int_equal(active_at(&w, S(119)), 2);
    assert_int_equal(active_at(&w, S(150)), 1);
    assert_int_equal(active_at(&w, S(199)), 1);
    assert_int_equal(w.r.pingpongs, 0);

    /* Overloaded from 60 s until the hold is over, and an interval or two. */
    assert_uint_in_range(w.r.overload_seconds * 1000, 300, 600);
    assert_true(w.r.lost_packets
                <= w.r.overload_seconds * 4e6 * .6 + 4 * 2048);
    assert_uint_in_range(w.r.pmd_seconds, 200 + 60, 200 + 60 + 60);

    /* Constant load: nothing more happens. */
    assert_true(w.n_moves > 0 && w.moves[w.n_moves - 1].ns < S(150));
    for (uint32_t i = 0; i < w.n_moves; i++) {
        assert_false(w.moves[i].ns > S(65) && w.moves[i].ns < S(120));
        assert_false(w.moves[i].ns > S(30) && w.moves[i].ns < S(60));
    }
    world_destroy(&w);
}

/* The same with edges: two PMDs after 0.5 ms of waiting, and what it takes to
 * look, to plan and to move. */
static void
test_vmq_edges(void **state)
{
    struct world w;

    (void) state;
    up_and_down(&w);
    for (w.o.config.edge_us = 100; w.o.config.edge_us <= 1000;
         w.o.config.edge_us += 900) {
        uint64_t relief_ns = (w.o.config.edge_us * UINT64_C(1000)
                              + 50000 + 250000 + 500000);

        play(&w, "vmq");
        assert_int_equal(active_at(&w, S(60) + relief_ns - 1), 1);
        assert_int_equal(active_at(&w, S(60) + relief_ns + 1), 2);
        assert_int_equal(active_at(&w, S(119)), 2);
        assert_int_equal(active_at(&w, S(150)), 1);
        assert_near(w.r.overload_seconds, relief_ns / 1e9, 1e-6, "vmq",
                    __LINE__);
        assert_int_equal(w.r.pingpongs, 0);
    }
    world_destroy(&w);
}

/* A queue that is too big for any PMD raises edges, which change nothing: not
 * even the others' ticks. */
static void
test_vmq_edges_elephant(void **state)
{
    double low = PERCENT(10), high = PERCENT(150);
    struct world w;
    uint32_t n_moves;

    (void) state;
    WORLD_INIT(&w, 4, 2,
               0, low, low,
               60, low, high);
    switch_like(&w);
    w.trace.end_s = 120;
    play(&w, "vmq");
    assert_int_equal(active_at(&w, S(59)), 1);
    assert_int_equal(active_at(&w, S(61)), 2);
    assert_int_equal(active_at(&w, S(119)), 2);
    n_moves = w.n_moves;
    for (uint32_t i = 0; i < n_moves; i++) {
        assert_false(w.moves[i].ns > S(61));
    }
    w.o.every_tick = true;
    play(&w, "vmq");
    assert_int_equal(w.n_moves, n_moves);
    world_destroy(&w);
}

/* A load that comes and goes, every 12 s, so that what has just been parted is
 * wanted together again.  What it was parted for has gone then: with credits,
 * that is no ping-pong. */
static void
test_vmq_credits(void **state)
{
    enum { N_QUEUES = 4, N_ROWS = 40 };
    double values[N_ROWS * (N_QUEUES + 1)];
    struct world w;
    uint64_t moves;

    (void) state;
    for (int row = 0; row < N_ROWS; row++) {
        values[row * (N_QUEUES + 1)] = row * 12;
        for (int i = 0; i < N_QUEUES; i++) {
            values[row * (N_QUEUES + 1) + 1 + i]
                = PERCENT(row % 2 ? 40 : 5);
        }
    }
    world_init__(&w, 4, N_QUEUES, TEST_ARRAY_SIZE(values), values);
    switch_like(&w);
    play(&w, "vmq");
    assert_int_equal(w.r.pingpongs, 0);
    assert_true(w.r.eased_returns > 0);
    moves = w.r.moves;
    play(&w, "vmq-nocredit");
    assert_int_equal(w.r.moves, moves);
    assert_true(w.r.pingpongs > 0);
    assert_int_equal(w.r.eased_returns, 0);
    world_destroy(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_static_numa),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_cycles_minute),
        cmocka_unit_test(test_cycles_numa),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_auto_lb),
        cmocka_unit_test(test_auto_lb_threshold),
        cmocka_unit_test(test_auto_lb_gain),
        cmocka_unit_test(test_rsspp_cores),
        cmocka_unit_test(test_rsspp_gives_up),
        cmocka_unit_test(test_rsspp_adds),
        cmocka_unit_test(test_rsspp_dead_band),
        cmocka_unit_test(test_rsspp_good_enough),
        cmocka_unit_test(test_rsspp_tries),
        cmocka_unit_test(test_rsspp_first_core),
        cmocka_unit_test(test_rsspp_interval),
        cmocka_unit_test(test_rsspp_idle),
        cmocka_unit_test(test_rsspp_greedy),
        cmocka_unit_test(test_rsspp_rest),
        cmocka_unit_test(test_rsspp_first_core_rests),
        cmocka_unit_test(test_rsspp_receiver),
        cmocka_unit_test(test_rsspp_not_in_use),
        cmocka_unit_test(test_rsspp_returns),
        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_oracle_limit),
        cmocka_unit_test(test_oracle_ramp),
        cmocka_unit_test(test_oracle_full),
        cmocka_unit_test(test_oracle_lag),
        cmocka_unit_test(test_vmq),
        cmocka_unit_test(test_vmq_edges),
        cmocka_unit_test(test_vmq_edges_elephant),
        cmocka_unit_test(test_vmq_credits),
    };

    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}

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

#include <math.h>

#include "vmq-sim.h"
#include "vmq-sim-noise.h"
#include "vmq-test.h"
#include "vmq-util.h"
#include "vmq-world.h"

/* Simulations that are small enough to be worked out by hand, and random
 * ones. */

/* The fluid. */

/* 1500 packets/s for 10 s at 1000: of the 5000 that are too many the ring
 * keeps 100, which are processed in the second that follows. */
static void
test_overload(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1,
               0, 1500,
               10, 0);
    w.trace.end_s = 11;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.r.seconds, 11);
    ASSERT_NEAR(w.r.offered_packets, 15000);
    ASSERT_NEAR(w.r.lost_packets, 4900);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, 4900);
    ASSERT_NEAR(w.packets[0], 10100);
    ASSERT_NEAR(w.busy_s[0], 10.1);
    world_destroy(&w);
}

/*     queue  wants  gets  waits for 1 s  lost (ring: 10)
 *     0       100    100
 *     1       500    450    50 -> 10      40
 *     2       900    450   450 -> 10     440      */
static void
test_max_min(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 3, 0, 100, 500, 900);
    w.o.ring = 10;
    play_script(&w, (uint32_t[]) { 0, 0, 0 }, NULL, 0);
    ASSERT_NEAR(w.packets[0], 100);
    ASSERT_NEAR(w.packets[1], 450);
    ASSERT_NEAR(w.packets[2], 450);
    ASSERT_NEAR(w.waiting[1], 10);
    ASSERT_NEAR(w.waiting[2], 10);
    ASSERT_NEAR(w.r.lost_packets, 480);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, 0);

    /* The order of the queues does not matter, nor does it which PMD it is,
     * if others have nothing to do. */
    w.o.n_pmds = 3;
    w.trace.rates_pps[0] = 900;
    w.trace.rates_pps[1] = 100;
    w.trace.rates_pps[2] = 500;
    play_script(&w, (uint32_t[]) { 1, 1, 1 }, NULL, 0);
    ASSERT_NEAR(w.packets[0], 450);
    ASSERT_NEAR(w.packets[1], 100);
    ASSERT_NEAR(w.packets[2], 450);
    ASSERT_NEAR(w.busy_s[1], 1);
    ASSERT_NEAR(w.busy_s[0] + w.busy_s[2], 0);
    world_destroy(&w);
}

/*     s  offered  waits before  wants  gets  waits after  lost (ring: 250)
 *     0    1100        0        1100   1000     100
 *     1    1200      100        1300   1000     300 -> 250    50
 *     2     850      250        1100   1000     100
 *     3     900      100        1000   1000       0
 *     4    1000        0        1000   1000       0     */
static void
test_ring_carries_over(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1,
               0, 1100,
               1, 1200,
               2, 850,
               3, 900,
               4, 1000);
    w.o.ring = 250;
    for (int n_rows = 1; n_rows <= 5; n_rows++) {
        static const double waiting[] = { 100, 250, 100, 0, 0 };

        w.trace.n_rows = w.trace.end_s = n_rows;
        play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
        ASSERT_NEAR(w.waiting[0], waiting[n_rows - 1]);
        ASSERT_NEAR(w.packets[0], n_rows * 1000);
        ASSERT_NEAR(w.r.lost_packets, n_rows > 1 ? 50 : 0);
        ASSERT_NEAR(w.r.unavoidable_lost_packets, n_rows > 1 ? 50 : 0);
    }
    world_destroy(&w);
}

/* Queue 0, whose ring holds 50, alone on a PMD and beside queue 1:
 *
 *     s  offered   alone waits   lost   with  gets  waits   lost
 *     0   1200       0 -> 50     150    300    700   50      450
 *     1    980      50 -> 30       0    100    900   50       80
 *     2   1030      30 -> 50      10      0   1000   50       30      */
static void
test_unavoidable(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2,
               0, 1200, 300,
               1, 980, 100,
               2, 1030, 0);
    w.o.ring = 50;
    play_script(&w, (uint32_t[]) { 0, 0 }, NULL, 0);
    ASSERT_NEAR(w.r.lost_packets, 560);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, 160);
    play_script(&w, (uint32_t[]) { 0, 1 }, NULL, 0);
    ASSERT_NEAR(w.r.lost_packets, 160);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, 160);
    world_destroy(&w);
}

/*    10 s of 500/s: 5000 packets, 1 ms each, which a PMD takes for one.
 *    10 s of 1500/s: the ring, of 100, is full after 0.2 s in which it holds
 *        50 on average; so 99 wait, over all, and 1000 leave each second:
 *        10000 packets, 99 ms each.
 *    Then 100 packets are left, the last of which waits for all others: 51 ms,
 *        on average. */
static void
test_delays(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1,
               0, 500,
               10, 1500,
               20, 0);
    w.trace.end_s = 21;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_DELAY(w.r.delay_p50_us, 99000);
    ASSERT_DELAY(w.r.delay_p99_us, 99000);

    w.trace.rates_pps[0] = 1000;
    w.trace.times_s[2] = 19;
    w.trace.end_s = 20;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_DELAY(w.r.delay_p50_us, 1000);
    ASSERT_DELAY(w.r.delay_p99_us, 99000);

    /* What is left, by itself: the ring is filled in 0.1 s and emptied in
     * 1 s. */
    w.trace.rates_pps[0] = 0;
    w.trace.rates_pps[1] = 2000;
    w.trace.times_s[1] = 1;
    w.trace.times_s[2] = 1.1;
    w.trace.end_s = 2.1;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.packets[0], 200);
    ASSERT_NEAR(w.r.lost_packets, 0);
    ASSERT_DELAY(w.r.delay_p99_us, 51000);
    world_destroy(&w);
}

/* No packet, no delay. */
static void
test_nothing(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2, 0, 0, 0);
    for (unsigned int i = 0; i < sim_n_policies; i++) {
        play(&w, sim_policies[i]->name);
        assert_true(w.r.delay_p50_us == 0 && w.r.delay_p99_us == 0);
        assert_true(w.r.offered_packets == 0 && w.r.lost_packets == 0);
    }
    world_destroy(&w);
}

/* 400 packets/s, ring of 30: of the 40 that arrive in 100 ms without polling
 * 10 are lost. */
static void
test_blackout(void **state)
{
    static const struct request move[] = { { 1000, 0, 1, false } };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 1,
               0, 400,
               1, 400);
    w.o.ring = 30;
    w.o.move_blackout_us = 100000;
    play_script(&w, (uint32_t[]) { 0 }, move, 1);
    ASSERT_NEAR(w.r.lost_packets, 10);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, 0);
    ASSERT_NEAR(w.packets[0], 790);
    ASSERT_NEAR(w.busy_s[0], .4);
    ASSERT_NEAR(w.busy_s[1], .39);

    /* Over many steps it is the same, and the PMD idles as long. */
    w.o.move_blackout_us = 500000;
    struct request requests[101];
    for (unsigned int i = 0; i <= 100; i++) {
        requests[i] = (struct request) { 1000 + i * 9, i > 0, !i, false };
    }
    world_destroy(&w);
    WORLD_INIT(&w, 2, 2,
               0, 400, 0,
               1, 400, 0);
    w.o.ring = 30;
    w.o.move_blackout_us = 500000;
    play_script(&w, (uint32_t[]) { 0, 0 }, requests, 101);
    ASSERT_NEAR(w.r.lost_packets, 170);
    ASSERT_NEAR(w.busy_s[1], .23);

    /* Some moves cost nothing. */
    w.free_moves = true;
    play_script(&w, (uint32_t[]) { 0, 0 }, requests, 1);
    ASSERT_NEAR(w.r.lost_packets, 0);
    world_destroy(&w);
}

/* 1000 flows of 0.1 ms are 100 ms, which leaves 900 packets in this second:
 *
 *     s  PMD  wants  gets  waits  lost (ring: 30)
 *     0   0    950    950
 *     1   1    950    900    30    20
 *     2   1    980    980                       */
static void
test_upcalls(void **state)
{
    static const struct request move[] = { { 1000, 0, 1, false } };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 1,
               0, 950,
               1, 950,
               2, 950);
    w.o.ring = 30;
    w.o.upcall_us = 100;
    play_script(&w, (uint32_t[]) { 0 }, move, 1);
    ASSERT_NEAR(w.r.lost_packets, 20);
    ASSERT_NEAR(w.packets[0], 2830);
    ASSERT_NEAR(w.busy_s[1], 1.98);

    /* 1.5 s of upcalls: 500 of 950 packets in the second one. */
    w.o.flows = 15000;
    play_script(&w, (uint32_t[]) { 0 }, move, 1);
    ASSERT_NEAR(w.r.lost_packets, 920 + 450);
    ASSERT_NEAR(w.waiting[0], 30);
    ASSERT_NEAR(w.busy_s[1], 2);

    w.free_moves = true;
    play_script(&w, (uint32_t[]) { 0 }, move, 1);
    ASSERT_NEAR(w.r.lost_packets, 0);
    world_destroy(&w);
}

/* Two of three PMDs for 4 s, then one for 6 s, then all for 2 s. */
static void
test_pmd_seconds(void **state)
{
    static const struct request requests[] = {
        { 4000, 1, 0, false }, { 10000, 1, 1, false }, { 10000, 2, 2, false },
    };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 3, 0, 100, 0, 0);
    w.trace.end_s = 12;
    play_script(&w, (uint32_t[]) { 0, 1, 0 }, requests, 3);
    ASSERT_NEAR(w.r.pmd_seconds, 2 * 4 + 1 * 6 + 3 * 2);
    assert_int_equal(w.r.moves, 3);
    world_destroy(&w);
}

/* Over 85 %, and not because of one queue among others under 1 %. */
static void
test_overload_seconds(void **state)
{
    static const struct {
        double rates[2];
        bool overloaded;
    } cases[] = {
        { { 450, 400 }, false },
        { { 450, 401 }, true },
        { { 900, 0 }, false },
        { { 5000, 9.9 }, false },
        { { 900, 10 }, true },
        { { 845, 9 }, true },   /* Not because of one queue. */
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct world w;

        WORLD_INIT(&w, 2, 4,
                   0, cases[i].rates[0], cases[i].rates[1], 0, 0,
                   3, 0, 0, cases[i].rates[0], cases[i].rates[1]);
        play_script(&w, (uint32_t[]) { 0, 0, 0, 1 }, NULL, 0);
        ASSERT_NEAR(w.r.overload_seconds, cases[i].overloaded ? 3 : 0);
        w.o.config.spread_threshold_pct = 100;
        play_script(&w, (uint32_t[]) { 0, 0, 0, 1 }, NULL, 0);
        ASSERT_NEAR(w.r.overload_seconds, 0);
        world_destroy(&w);
    }
}

/* Two PMDs that are overloaded count twice. */
static void
test_overload_of_two(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 4,
               0, 500, 500, 500, 500,
               3, 500, 500, 0, 0);
    play_script(&w, (uint32_t[]) { 0, 0, 1, 1 }, NULL, 0);
    ASSERT_NEAR(w.r.overload_seconds, 2 * 3 + 3);
    world_destroy(&w);
}

static void
test_returns(void **state)
{
    static const struct request requests[] = {
        { 1000, 0, 1, false },
        { 2000, 0, 0, false },          /* Ping-pong. */
        { 3000, 0, 1, true },           /* Forced return. */
        { 62999, 0, 0, false },         /* Ping-pong, just in time... */
        { 122999, 0, 1, false },        /* ...and this is too late. */
        { 123000, 0, 2, false },        /* No return: elsewhere... */
        { 124000, 0, 0, false },
        { 125000, 0, 1, false },        /* ...and not where it left last. */
        { 126000, 0, 0, true },         /* Forced. */
        { 126500, 1, 0, false },        /* Another queue. */
    };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 2, 0, 10, 10);
    w.trace.end_s = 130;
    play_script(&w, (uint32_t[]) { 0, 1 }, requests,
                TEST_ARRAY_SIZE(requests));
    assert_int_equal(w.r.moves, TEST_ARRAY_SIZE(requests));
    assert_int_equal(w.r.pingpongs, 2);
    assert_int_equal(w.r.forced_returns, 2);

    /* From 122.999 s on. */
    assert_int_equal(w.r.max_moves_per_queue_minute, 5);
    world_destroy(&w);
}

/* A minute does not include its end. */
static void
test_moves_per_minute(void **state)
{
    static const struct request requests[] = {
        { 1000, 0, 1, false }, { 2000, 0, 2, false }, { 61000, 0, 1, false },
        { 61999, 0, 2, false }, { 100000, 1, 0, false },
    };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 3, 2, 0, 10, 10);
    w.trace.end_s = 130;
    play_script(&w, (uint32_t[]) { 0, 1 }, requests,
                TEST_ARRAY_SIZE(requests));
    assert_int_equal(w.r.max_moves_per_queue_minute, 3);
    play_script(&w, (uint32_t[]) { 0, 1 }, requests, 1);
    assert_int_equal(w.r.max_moves_per_queue_minute, 1);
    play_script(&w, (uint32_t[]) { 0, 1 }, NULL, 0);
    assert_int_equal(w.r.max_moves_per_queue_minute, 0);
    world_destroy(&w);
}

/* Periods of 2.5 s, with a move and a change of loads within some:
 *
 *     from     to   offered           active  lost  moves
 *      0      2.5   500 x 2.5          5
 *      2.5    5     500 x 1.5 + 1200   2 + 1         1 (4 s)
 *      5      7.5   1200 x 2.5         2.5
 *      7.5   10     1200 x 0.5         2.5
 *
 * Of the 800 packets that are too many from 4 s to 8 s, 700 are lost, evenly
 * spread over the step. */
static void
test_timeline(void **state)
{
    static const struct request requests[] = { { 4000, 1, 0, false } };
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 2,
               0, 100, 400,
               4, 600, 600,
               8, 0, 0);
    w.trace.end_s = 10;
    w.o.n_periods = 4;
    play_script(&w, (uint32_t[]) { 0, 1 }, requests, 1);
    ASSERT_NEAR(w.r.lost_packets, 600);
    ASSERT_NEAR(w.r.periods[0].offered, 1.25);
    ASSERT_NEAR(w.r.periods[1].offered, .75 + 1.2);
    ASSERT_NEAR(w.r.periods[2].offered, 3);
    ASSERT_NEAR(w.r.periods[3].offered, .6);
    ASSERT_NEAR(w.r.periods[0].active, 5);
    ASSERT_NEAR(w.r.periods[1].active, 3 + 1);
    ASSERT_NEAR(w.r.periods[2].active, 2.5);
    ASSERT_NEAR(w.r.periods[0].lost, 0);
    ASSERT_NEAR(w.r.periods[1].lost, 600 * 1 / 4.);
    ASSERT_NEAR(w.r.periods[2].lost, 600 * 2.5 / 4);
    ASSERT_NEAR(w.r.periods[1].moves, 1);
    assert_timeline(&w);

    /* However odd the periods are. */
    for (w.o.n_periods = 1; w.o.n_periods < 1000; w.o.n_periods += 37) {
        play_script(&w, (uint32_t[]) { 0, 1 }, requests, 1);
        assert_timeline(&w);
    }
    world_destroy(&w);
}

/* Twice as fast: all times are half, all rates the same. */
static void
test_speedup(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1,
               0, 1500,
               10, 0);
    w.o.speedup = 2;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.r.seconds, 10);
    ASSERT_NEAR(w.r.offered_packets, 7500);
    ASSERT_NEAR(w.r.lost_packets, 2400);

    /* Rows that last for less than a nanosecond. */
    w.o.speedup = 1;
    w.trace.times_s[1] = 1e-10;
    w.trace.rates_pps[1] = 700;
    w.trace.end_s = 10;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.r.offered_packets, 7000);
    world_destroy(&w);
}

/* From 500 to 1500 packets/s and back again: above 1000 for 10 s, on average
 * at 1250, so that 2500 are too many.  Nothing but the last 0.1 s of them fits
 * into the ring.  Loads are taken to be constant for 0.5 s; the middle of the
 * slope falls on a border. */
static void
test_ramp(void **state)
{
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1,
               0, 500,
               10, 1500,
               20, 500);
    w.trace.end_s = 21;
    w.o.ramp = true;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.r.offered_packets, 20000 + 500);
    ASSERT_NEAR(w.r.lost_packets, 2400);
    ASSERT_NEAR(w.waiting[0], 0);
    world_destroy(&w);
}

/* Random traces. */

/* 'n_rows' rows for a few queues, each at times that are multiples of
 * 'grid_ms'. */
static void
random_world(struct world *w, struct test_random *r, uint32_t n_rows,
             uint64_t min_ms, uint64_t max_ms, uint64_t grid_ms)
{
    uint32_t n_queues = test_random_range(r, 2, 8);
    uint32_t n = 0, n_pmds = test_random_range(r, 1, 6);
    double *values = vmq_xcalloc((size_t) n_rows * (n_queues + 1),
                                 sizeof *values);
    uint64_t ms = 0;

    for (uint32_t row = 0; row < n_rows; row++) {
        values[n++] = ms / 1000.;
        ms += test_random_range(r, min_ms / grid_ms, max_ms / grid_ms)
              * grid_ms;
        for (uint32_t i = 0; i < n_queues; i++) {
            static const uint32_t most[] = { 0, 3, 20, 50, 120 };
            uint32_t limit = most[test_random_range(r, 0, 4)];

            values[n] = (row && test_one_in(r, 3) ? values[n - n_queues - 1]
                         : PERCENT(test_random_range(r, 0, limit)));
            n++;
        }
    }
    world_init__(w, n_pmds, n_queues, n, values);
    switch_like(w);
    if (n_pmds > 1 && test_one_in(r, 4)) {
        for (uint32_t p = n_pmds / 2; p < n_pmds; p++) {
            w->numa_ids[p] = 1;
        }
        for (uint32_t i = 0; i < n_queues; i++) {
            w->trace.numa_ids[i] = (int) test_random_range(r, 0, 2) - 1;
        }
    }
    w->o.seed = test_random_range(r, 0, 3);
    if (test_one_in(r, 2)) {
        static const uint32_t holds_ms[] = { 2000, 5000, 10000, 12000 };

        w->o.config.coalesce_hold_ms = holds_ms[test_random_range(r, 0, 3)];
        w->o.config.credits = test_random_range(r, 0, 4);
        w->o.config.credit_refill_ms = test_random_range(r, 1000, 10000);
        w->o.config.max_moves = test_random_range(r, 1, 4);
        w->o.config.max_pmds = test_random_range(r, 0, n_pmds);
    }
    free(values);
}

/* Keeps what the last run was like, for another one. */
struct played {
    struct sim_result r;
    uint32_t placed[WORLD_QUEUES];
    struct move *moves;
    uint32_t n_moves;
};

static void
played_take(struct played *o, struct world *w)
{
    o->r = w->r;
    memcpy(o->placed, w->placed, sizeof o->placed);
    o->moves = w->moves;
    o->n_moves = w->n_moves;
    w->moves = NULL;
    memset(&w->r, 0, sizeof w->r);
}

static void
played_destroy(struct played *o)
{
    sim_result_destroy(&o->r);
    free(o->moves);
}

/* The counts of 'w' must be those that its moves come to. */
static void
assert_counts(const struct world *w)
{
    uint64_t returns = 0;
    uint32_t most = 0;

    assert_int_equal(w->r.moves, w->n_moves);
    for (uint32_t i = 0; i < w->n_moves; i++) {
        const struct move *m = &w->moves[i];
        const struct move *last = NULL;
        uint32_t n = 0;

        for (uint32_t k = 0; k <= i; k++) {
            const struct move *before = &w->moves[k];

            if (before->rxq == m->rxq) {
                n += before->ns + S(60) > m->ns;
                last = k < i ? before : last;
            }
        }
        most = n > most ? n : most;
        returns += last && last->from == m->to && last->ns + S(60) > m->ns;
    }
    assert_int_equal(w->r.pingpongs + w->r.forced_returns
                     + w->r.eased_returns, returns);
    assert_int_equal(w->r.max_moves_per_queue_minute, most);
}

/* Ticks of 'policy' that are left out change no move, and no figure by more
 * than rounding: the same fluid in more steps.  Adds the number of ticks to
 * '*n_all', if none is left out, and to '*n_played'. */
static void
check_skipping(struct world *w, const char *policy, int line,
               uint64_t *n_all, uint64_t *n_played)
{
    struct played o;

    w->o.every_tick = true;
    play(w, policy);
    assert_timeline(w);
    played_take(&o, w);
    *n_all += w->n_ticks;
    w->o.every_tick = false;
    play(w, policy);
    assert_timeline(w);
    assert_counts(w);
    *n_played += w->n_ticks;

    assert_moves(w, o.n_moves, o.moves, policy, line);
    assert_memory_equal(w->placed, o.placed, sizeof w->placed);
    assert_int_equal(w->r.pingpongs, o.r.pingpongs);
    assert_int_equal(w->r.forced_returns, o.r.forced_returns);
    assert_int_equal(w->r.eased_returns, o.r.eased_returns);
    assert_near(w->r.lost_packets, o.r.lost_packets, 1e-6, policy, line);
    assert_near(w->r.overload_seconds, o.r.overload_seconds, 1e-6, policy,
                line);
    assert_near(w->r.pmd_seconds, o.r.pmd_seconds, 1e-6, policy, line);
    assert_near(w->r.unavoidable_lost_packets, o.r.unavoidable_lost_packets,
                1e-6, policy, line);
    played_destroy(&o);
}

static void
test_skipping_steps(void **state)
{
    unsigned long int n = test_environment("VMQ_CASES", 40);
    uint64_t n_all = 0, n_played = 0;
    struct test_random r;

    (void) state;
    test_random_init(&r, "skipping_steps", n);
    for (unsigned long int i = 0; i < n; i++) {
        struct world w;

        random_world(&w, &r, 8, 500, 60000, test_one_in(&r, 2) ? 500 : 7);
        w.o.n_periods = 50;
        for (unsigned int k = 0; k < sim_n_policies; k++) {
            const char *name = sim_policies[k]->name;
            bool pays = !strcmp(name, "vmq") && w.o.config.credits;
            uint64_t unused = 0;

            check_skipping(&w, name, i, pays ? &n_all : &unused,
                           pays ? &n_played : &unused);
            if (pays) {
                assert_int_equal(w.r.pingpongs, 0);
            }
        }
        world_destroy(&w);
    }
    /* Otherwise it would have been in vain. */
    assert_true(n_played < n_all / 2);
}

/* With ramps, in which loads do not stand still, nothing is left out. */
static void
test_skipping_ramps(void **state)
{
    unsigned long int n = test_environment("VMQ_CASES", 40);
    uint64_t n_all = 0, n_played = 0;
    struct test_random r;

    (void) state;
    test_random_init(&r, "skipping_ramps", n);
    for (unsigned long int i = 0; i < n; i++) {
        struct world w;

        random_world(&w, &r, 6, 5000, 60000, test_one_in(&r, 2) ? 500 : 7);
        w.o.ramp = true;
        w.o.n_periods = 50;
        for (unsigned int k = 0; k < sim_n_policies; k++) {
            check_skipping(&w, sim_policies[k]->name, i, &n_all, &n_played);
        }
        world_destroy(&w);
    }
    assert_int_equal(n_played, n_all);
}

/* At 27.1 s the queues of both PMDs seem to fit into one, if loads, which
 * grow, are measured over 500 ms instead of the spread hold, 300 ms. */
static void
test_skipping_growth(void **state)
{
    uint64_t n_all = 0, n_played = 0;
    struct world w;

    (void) state;
    WORLD_INIT(&w, 2, 6,
               0, 200000, 40000, 3800000, 280000, 0, 4280000,
               25, 0, 40000, 0, 40000, 0, 360000,
               30, 0, 1840000, 2040000, 0, 80000, 1960000,
               60, 0, 1840000, 2040000, 0, 80000, 1960000);
    switch_like(&w);
    w.o.config.coalesce_hold_ms = 10000;
    w.o.config.pack_target_pct = 75;
    w.o.ramp = true;
    w.o.n_periods = 50;
    w.o.seed = 2;
    check_skipping(&w, "vmq-nocredit", __LINE__, &n_all, &n_played);
    assert_int_equal(w.n_moves, 1);
    world_destroy(&w);
}

/* Same seed, same result; another seed, another start. */
static void
test_seeds(void **state)
{
    struct test_random r;
    bool differs = false;

    (void) state;
    test_random_init(&r, "seeds", 1);
    for (int i = 0; i < 5; i++) {
        struct world w;

        random_world(&w, &r, 5, 500, 20000, 7);
        w.o.n_pmds = 4;
        for (unsigned int k = 0; k < sim_n_policies; k++) {
            const char *name = sim_policies[k]->name;
            struct played o;

            w.o.seed = 5;
            play(&w, name);
            played_take(&o, &w);
            play(&w, name);
            assert_moves(&w, o.n_moves, o.moves, name, i);
            assert_memory_equal(w.placed, o.placed, sizeof w.placed);

            /* These were measured. */
            w.r.plan_us_mean = o.r.plan_us_mean;
            w.r.plan_us_max = o.r.plan_us_max;
            assert_memory_equal(&w.r, &o.r, sizeof w.r);

            w.o.seed = 6;
            play(&w, name);
            if (!strcmp(name, "static")) {
                differs |= memcmp(w.placed, o.placed, sizeof w.placed) != 0;
            }
            played_destroy(&o);
        }
        world_destroy(&w);
    }
    assert_true(differs);
}

/* Noise. */

/* What is counted is right on average, and off by what trains make of it. */
static void
test_noise_counts(void **state)
{
    const double packets = 1000, n = 200000;

    (void) state;
    for (int noise = 0; noise <= 2; noise++) {
        struct sim_options options = { .noise = noise };
        struct sim sim = { .options = &options };
        double sum = 0, squares = 0;

        sim_noise_init(&sim);
        for (int i = 0; i < n; i++) {
            double error = sim_noise_count(&sim, packets);

            sum += error;
            squares += error * error;
        }
        assert_true(fabs(sum / n) <= noise);
        assert_true(fabs(squares / n - 8 * noise * packets) <= noise * 100);
    }
}

/* Plays the preemptions of a day.  Returns how many there were of PMD 'pmd',
 * and stores how long they were all together. */
static uint64_t
play_preemptions(double noise, uint64_t seed, uint32_t pmd, double *total_s)
{
    const uint64_t day_ns = 86400 * SIM_NS_PER_S;
    struct sim_options options = { .noise = noise, .seed = seed };
    struct sim_pmd pmds[3];
    struct sim sim = { .options = &options, .pmds = pmds, .n_pmds = 3 };
    uint64_t n_changes = 0, begin_ns = 0;

    memset(pmds, 0, sizeof pmds);
    *total_s = 0;
    sim_noise_init(&sim);
    while (sim_noise_next_ns(&sim) < day_ns) {
        uint64_t change_ns = pmds[pmd].preemption_ns;

        assert_true(sim_noise_next_ns(&sim) > sim.now_ns);
        sim.now_ns = sim_noise_next_ns(&sim);
        sim_noise_advance(&sim);
        if (sim.now_ns != change_ns) {
            continue;
        }
        n_changes++;
        assert_int_equal(pmds[pmd].preempted, n_changes % 2);
        if (n_changes % 2) {
            begin_ns = sim.now_ns;
        } else {
            uint64_t ns = sim.now_ns - begin_ns;

            assert_in_range(ns, 64000, 5000001);
            *total_s += ns / 1e9;
        }
    }
    return (n_changes + 1) / 2;
}

static void
test_noise_preempts(void **state)
{
    double total_s, other_s;
    uint64_t n;

    (void) state;
    assert_int_equal(play_preemptions(0, 1, 0, &total_s), 0);

    /* Ten in a second; the mean of their lengths is the integral over the part
     * that lasts for longer. */
    n = play_preemptions(1, 1, 0, &total_s);
    assert_in_range(n, 855000, 865000);
    assert_true(fabs(total_s / n - .4227e-3) < .003e-3);
    assert_int_equal(play_preemptions(1, 1, 0, &other_s), n);
    assert_true(other_s == total_s);

    /* Others are others. */
    play_preemptions(1, 1, 1, &other_s);
    assert_true(other_s != total_s);
    play_preemptions(1, 2, 0, &other_s);
    assert_true(other_s != total_s);
    assert_in_range(play_preemptions(2, 1, 0, &total_s), 1700000, 1725000);
}

/* What a ring cannot hold while its PMD has no CPU is lost, which another PMD
 * would not have avoided.  It shows as stolen time and, in what is counted, as
 * little else. */
static void
test_noise(void **state)
{
    double packets, lost;
    struct world w;

    (void) state;
    WORLD_INIT(&w, 1, 1, 0, 500000);
    w.trace.end_s = 1000;
    w.o.hz *= 1000;
    w.o.ring = 100;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    ASSERT_NEAR(w.r.lost_packets, 0);
    ASSERT_NEAR(w.packets[0], 500e6);

    w.o.noise = 1;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    packets = w.packets[0];
    lost = w.r.lost_packets;
    assert_true(lost > 500000 && lost < 2500000);
    ASSERT_NEAR(w.r.unavoidable_lost_packets, lost);
    assert_true(fabs(packets + lost - 500e6) < 5 * sqrt(8 * 500e6));
    assert_true(w.busy_s[0] > 500 && w.busy_s[0] < 506);

    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    assert_true(w.packets[0] == packets && w.r.lost_packets == lost);
    w.o.seed = 7;
    play_script(&w, (uint32_t[]) { 0 }, NULL, 0);
    assert_true(w.packets[0] != packets && w.r.lost_packets != lost);
    world_destroy(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_max_min),
        cmocka_unit_test(test_ring_carries_over),
        cmocka_unit_test(test_unavoidable),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_blackout),
        cmocka_unit_test(test_upcalls),
        cmocka_unit_test(test_pmd_seconds),
        cmocka_unit_test(test_overload_seconds),
        cmocka_unit_test(test_overload_of_two),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_moves_per_minute),
        cmocka_unit_test(test_timeline),
        cmocka_unit_test(test_speedup),
        cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_skipping_steps),
        cmocka_unit_test(test_skipping_ramps),
        cmocka_unit_test(test_skipping_growth),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_noise_counts),
        cmocka_unit_test(test_noise_preempts),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}

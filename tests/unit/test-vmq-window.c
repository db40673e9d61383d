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
#include "vmq-snapshot-check.h"
#include "vmq-test.h"
#include "vmq-util.h"
#include "vmq-window.h"

/* A switch with a TSC of 2 GHz, whose PMDs are charged what the loads of their
 * queues say. */

#define CYCLES_PER_MS UINT64_C(2000000)
#define NS_PER_MS UINT64_C(1000000)
#define PACKET_CYCLES 1000
#define MAX_RXQS 64

struct world {
    struct vmq_config config;
    struct vmq_window *window;
    struct vmq_snapshot raw;
    struct vmq_snapshot s;      /* Windowed. */
    uint32_t load_bp[MAX_RXQS]; /* By index in 'raw.rxqs'. */
};

static void
world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    vmq_config_init(&w->config);
    w->config.coalesce_hold_ms = 10000;
    w->window = vmq_window_create();
    vmq_snapshot_init(&w->s);
    vmq_snapshot_init(&w->raw);
    w->raw.generation = 5;
    w->raw.now_ms = 1000000;
    w->raw.window_cycles = UINT64_C(1) << 50;
    w->raw.window_ns = UINT64_C(1) << 40;
}

static void
world_destroy(struct world *w)
{
    vmq_window_destroy(w->window);
    vmq_snapshot_destroy(&w->raw);
    vmq_snapshot_destroy(&w->s);
}

/* 'n_pmds' PMDs on cores 0, 2, 4... and a port with one queue for each of the
 * 'n_rxqs' queues, the first of which the first PMD polls and so on. */
static void
world_init_simple(struct world *w, uint32_t n_pmds, uint32_t n_rxqs)
{
    world_init(w);
    for (uint32_t i = 0; i < n_pmds; i++) {
        uint32_t pmd = vmq_snapshot_add_pmd(&w->raw, i * 2, 0);

        w->raw.pmds[pmd].busy_cycles = 1000000 * i;
        w->raw.pmds[pmd].idle_cycles = 7000000;
        w->raw.pmds[pmd].cpu_ns = 5000000;
    }
    for (uint32_t i = 0; i < n_rxqs; i++) {
        char name[16];

        snprintf(name, sizeof name, "port%u", i);

        uint32_t port = vmq_snapshot_add_port(&w->raw, name, 10 + i);
        uint32_t rxq = vmq_snapshot_add_rxq(&w->raw, port, 0, i % n_pmds, 0);

        w->raw.rxqs[rxq].cycles = 123456789;
        w->raw.rxqs[rxq].packets = 1234;
    }
}

/* Lets 'ms' pass. */
static void
world_run(struct world *w, uint64_t ms)
{
    uint64_t cycles = ms * CYCLES_PER_MS;
    uint64_t busy[MAX_RXQS] = { 0 };

    w->raw.now_ms += ms;
    w->raw.window_cycles += cycles;
    w->raw.window_ns += ms * NS_PER_MS;
    for (uint32_t i = 0; i < w->raw.n_rxqs; i++) {
        struct vmq_rxq *rxq = &w->raw.rxqs[i];
        uint64_t rxq_cycles = cycles / VMQ_BP * w->load_bp[i];

        rxq->cycles += rxq_cycles;
        rxq->packets += rxq_cycles / PACKET_CYCLES;
        rxq->polls += rxq_cycles / PACKET_CYCLES / 4;
        if (rxq->pmd != VMQ_NONE) {
            busy[rxq->pmd] += rxq_cycles;
        }
    }
    for (uint32_t i = 0; i < w->raw.n_pmds; i++) {
        struct vmq_pmd *pmd = &w->raw.pmds[i];
        uint64_t b = busy[i] < cycles ? busy[i] : cycles;

        pmd->busy_cycles += b;
        pmd->idle_cycles += cycles - b;
        pmd->cpu_ns += ms * NS_PER_MS;
    }
}

static enum vmq_sample_status
world_sample(struct world *w)
{
    enum vmq_sample_status status = vmq_window_add(w->window, &w->config,
                                                   &w->raw);
    bool ready = vmq_window_snapshot(w->window, &w->config, &w->s);
    char *why = NULL;

    /* W5. */
    vmq_snapshot_valid(&w->s, true, &why);
    TEST_ERROR(why, NULL);
    if (!ready) {
        assert_int_equal(w->s.n_rxqs, w->raw.n_rxqs);
        assert_int_equal(w->s.window_ms, 0);
        assert_int_equal(w->s.window_cycles, 0);
    }
    return status;
}

/* Lets 'ms' pass, takes a sample that has to be regular. */
static void
world_step(struct world *w, uint64_t ms)
{
    world_run(w, ms);
    assert_int_equal(world_sample(w), VMQ_SAMPLE_OK);
}

static void
world_steps(struct world *w, unsigned int n, uint64_t ms)
{
    while (n-- > 0) {
        world_step(w, ms);
    }
}

static uint32_t
load_bp(const struct world *w, uint32_t i)
{
    return vmq_rxq_load_bp(&w->s, i);
}

/* Fast window. */

static void
test_start(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 3);
    assert_false(vmq_window_snapshot(w.window, &w.config, &w.s));
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_FIRST);
    assert_false(vmq_window_snapshot(w.window, &w.config, &w.s));

    w.load_bp[0] = 5000;
    w.load_bp[1] = 1;
    w.load_bp[2] = 2500;
    w.raw.generation = 6;
    w.raw.rxqs[1].n_moves = 3;
    w.raw.rxqs[1].mobility = VMQ_EXCLUDED;
    vmq_snapshot_add_port_pmd(&w.raw, 0, 0, 77);
    world_step(&w, 100);
    assert_int_equal(w.s.generation, 6);
    assert_int_equal(w.s.now_ms, w.raw.now_ms);
    assert_int_equal(w.s.window_ms, 100);
    assert_int_equal(w.s.window_cycles, 100 * CYCLES_PER_MS);
    assert_int_equal(w.s.window_ns, 100 * NS_PER_MS);
    assert_int_equal(load_bp(&w, 0), 5000);
    assert_int_equal(load_bp(&w, 1), 1);
    assert_int_equal(load_bp(&w, 2), 2500);
    assert_int_equal(w.s.rxqs[0].packets,
                     50 * CYCLES_PER_MS / PACKET_CYCLES);
    assert_int_equal(w.s.rxqs[1].n_moves, 3);
    assert_int_equal(w.s.rxqs[1].mobility, VMQ_EXCLUDED);
    assert_int_equal(w.s.port_pmds[0].flows, 77);
    assert_int_equal(w.s.pmds[0].busy_cycles, 75 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[0].idle_cycles, 25 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[0].cpu_ns, 100 * NS_PER_MS);
    assert_int_equal(w.s.pmds[0].stolen_cycles, 0);
    assert_int_equal(w.s.pmds[0].overhead_cycles, 0);
    assert_false(w.s.pmds[0].settling || w.s.pmds[0].evacuating);

    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 200);
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 300);
    w.raw.rxqs[0].full_batches += 7;
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 300);
    assert_int_equal(load_bp(&w, 0), 5000);
    assert_int_equal(w.s.rxqs[0].polls,
                     3 * 50 * CYCLES_PER_MS / PACKET_CYCLES / 4);
    assert_int_equal(w.s.rxqs[0].full_batches, 7);
    world_steps(&w, 3, 100);
    assert_int_equal(w.s.rxqs[0].full_batches, 0);
    world_destroy(&w);

    vmq_window_destroy(NULL);
}

/* A load that jumps shows up sample by sample. */
static void
test_step(void **state)
{
    static const uint32_t up[] = { 2000, 4000, 6000, 8000, 8000 };
    static const uint32_t down[] = { 5333, 2666, 0, 0 };
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    world_sample(&w);
    w.load_bp[0] = 2000;
    for (int i = 0; i < 5; i++) {
        world_step(&w, 100);
        assert_int_equal(load_bp(&w, 0), up[0]);
    }
    w.load_bp[0] = 8000;
    for (int i = 1; i < 5; i++) {
        world_step(&w, 100);
        assert_int_equal(load_bp(&w, 0), up[i]);
    }
    w.load_bp[0] = 0;
    for (int i = 0; i < 4; i++) {
        world_step(&w, 100);
        assert_int_equal(load_bp(&w, 0), down[i]);
    }

    /* Samples count by their length: 150 ms of nothing, the last 100 ms and
     * 50 ms of that before, then 100 ms of 80 %. */
    w.load_bp[0] = 8000;
    world_step(&w, 150);
    assert_int_equal(w.s.window_ms, 350);
    assert_int_equal(load_bp(&w, 0), 8000 * 150 / 350);
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 350);
    assert_int_equal(load_bp(&w, 0), 8000 * 250 / 350);
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 350);
    assert_int_equal(load_bp(&w, 0), 8000);
    world_destroy(&w);
}

/* W1. */
static void
test_coverage(void **state)
{
    static const struct {
        uint32_t interval_ms, hold_ms;
    } cases[] = {
        { 100, 300 }, { 100, 0 }, { 100, 50 }, { 100, 100 }, { 100, 101 },
        { 10, 300 }, { 70, 300 }, { 20, 300 }, { 19, 300 }, { 21, 300 },
        { 100, 10000 }, { 10, 10000 }, { 300, 300 }, { 1000, 300 },
        { 60000, 0 }, { 60000, 600000 }, { 59999, 600000 }, { 10, 600000 },
        { 13, 17 }, { 10, 139 }, { 10, 140 }, { 10, 141 },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        uint32_t interval_ms = cases[i].interval_ms;
        uint32_t hold_ms = cases[i].hold_ms;
        uint32_t n = (hold_ms + interval_ms - 1) / interval_ms;
        uint32_t bucket_ms = interval_ms + hold_ms / 14;
        struct world w;

        world_init_simple(&w, 1, 1);
        w.config.interval_ms = interval_ms;
        w.config.spread_hold_ms = hold_ms;
        w.load_bp[0] = 4000;
        world_sample(&w);
        for (uint32_t j = 1; j < 3 * n + 40; j++) {
            world_step(&w, interval_ms);
            assert_int_equal(load_bp(&w, 0), 4000);
            if (j < n) {
                assert_int_equal(w.s.window_ms, j * interval_ms);
            } else {
                assert_true(w.s.window_ms >= hold_ms);
                assert_true(w.s.window_ms <= hold_ms + bucket_ms);
            }
            if (!hold_ms) {
                assert_int_equal(w.s.window_ms, interval_ms);
            }
        }
        world_destroy(&w);
    }
}

/* Samples closer together than the interval. */
static void
test_crowded(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    world_sample(&w);
    w.load_bp[0] = 4000;

    /* Two at the same moment. */
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    assert_int_equal(w.s.window_ms, 0);
    assert_int_equal(load_bp(&w, 0), 0);
    world_step(&w, 100);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    assert_int_equal(w.s.window_ms, 100);
    assert_int_equal(load_bp(&w, 0), 4000);

    /* Two in the same ms, but not at the same moment. */
    w.raw.window_cycles += 1000;
    w.raw.window_ns += 500;
    w.raw.pmds[0].busy_cycles += 1000;
    w.raw.rxqs[0].cycles += 1000;
    w.raw.rxqs[0].packets++;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    assert_int_equal(w.s.window_ms, 100);
    assert_int_equal(w.s.window_cycles, 100 * CYCLES_PER_MS + 1000);
    assert_int_equal(w.s.rxqs[0].cycles, 40 * CYCLES_PER_MS + 1000);

    /* Every ms. */
    world_steps(&w, 299, 1);
    assert_int_equal(w.s.window_ms, 399);
    world_step(&w, 1);
    assert_int_equal(w.s.window_ms, 300);
    assert_int_equal(load_bp(&w, 0), 4000);
    world_steps(&w, 3000, 1);
    assert_true(w.s.window_ms >= 300 && w.s.window_ms < 400);
    assert_int_equal(load_bp(&w, 0), 4000);
    world_destroy(&w);
}

static void
test_late(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);
    w.load_bp[0] = 3000;
    world_sample(&w);
    world_steps(&w, 10, 100);
    world_step(&w, 200);
    w.load_bp[0] = 6000;
    world_run(&w, 201);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_LATE);
    assert_int_equal(w.s.window_ms, 401);
    assert_int_equal(load_bp(&w, 0), (3000 * 200 + 6000 * 201) / 401);

    /* 1 second is just late... */
    world_run(&w, 1000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_LATE);
    assert_int_equal(w.s.window_ms, 1000);
    assert_int_equal(load_bp(&w, 0), 6000);

    /* ...one ms more is too late. */
    w.load_bp[0] = 9000;
    world_run(&w, 1001);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    assert_int_equal(w.s.window_ms, 0);
    w.load_bp[0] = 1000;
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 100);
    assert_int_equal(load_bp(&w, 0), 1000);
    assert_int_equal(w.s.pmds[0].busy_cycles, 10 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[0].idle_cycles, 90 * CYCLES_PER_MS);

    /* With a short interval as well. */
    w.config.interval_ms = 50;
    world_step(&w, 50);
    world_run(&w, 1000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_LATE);
    world_run(&w, 1001);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);

    /* 10 intervals, or the hold and 2 of them, may be more. */
    w.config.interval_ms = 500;
    world_run(&w, 5000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_LATE);
    world_run(&w, 5001);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    w.config.spread_hold_ms = 10000;
    world_run(&w, 11000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_LATE);
    world_run(&w, 11001);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    world_destroy(&w);
}

/* Clocks that go backward. */
static void
test_backward(void **state)
{
    (void) state;
    for (int clock = 0; clock < 3; clock++) {
        struct world w;

        world_init_simple(&w, 1, 1);
        w.load_bp[0] = 3000;
        world_sample(&w);
        world_steps(&w, 5, 100);
        world_run(&w, 100);
        if (clock == 0) {
            w.raw.now_ms -= 101;
        } else if (clock == 1) {
            w.raw.window_cycles -= 101 * CYCLES_PER_MS;
        } else {
            w.raw.window_ns -= 101 * NS_PER_MS;
        }
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
        assert_int_equal(w.s.window_ms, 0);
        world_step(&w, 100);
        assert_int_equal(w.s.window_ms, 100);
        assert_int_equal(load_bp(&w, 0), 3000);
        world_destroy(&w);
    }
}

/* The main thread goes to a CPU whose TSC is ahead, or behind, and stays
 * there: two samples are dropped, none has a load that is not so. */
static void
test_tsc_leaps(void **state)
{
    static const int64_t leaps_ms[] = {
        100000000, 1000, 150, -51, -90, -99, -101, -1000, -100000000
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(leaps_ms); i++) {
        bool backward = leaps_ms[i] < -100;
        struct world w;

        world_init_simple(&w, 2, 3);
        w.load_bp[0] = 3000;
        world_sample(&w);
        world_steps(&w, 10, 100);
        assert_int_equal(w.s.rxqs[0].n_history, 2);

        world_run(&w, 100);
        w.raw.window_cycles += leaps_ms[i] * (int64_t) CYCLES_PER_MS;
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
        assert_int_equal(w.s.window_ms, 0);
        if (!backward) {
            world_run(&w, 100);
            assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
            assert_int_equal(w.s.window_ms, 0);
        }
        for (int j = 1; j < 6; j++) {
            world_step(&w, 100);
            assert_int_equal(w.s.window_ms, j < 3 ? j * 100 : 300);
            assert_int_equal(load_bp(&w, 0), 3000);
            assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
        }
        assert_int_equal(w.s.rxqs[0].n_history, 3);
        assert_int_equal(w.s.rxqs[0].history_bp[0], 3000);
        world_destroy(&w);
    }
}

/* Changes of less than that are taken for what they seem, the more so in
 * samples too short for both clocks to be read at the same time. */
static void
test_tsc_drifts(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.load_bp[0] = 3000;
    world_sample(&w);
    world_steps(&w, 5, 100);
    world_run(&w, 100);
    w.raw.window_cycles += 99 * CYCLES_PER_MS;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    world_run(&w, 100);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    w.raw.window_ns += 999999;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    w.raw.window_cycles += 5 * CYCLES_PER_MS;
    w.raw.window_ns += 1;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    world_step(&w, 100);
    world_destroy(&w);
}

/* The TSC of a PMD's CPU leaps: nothing is out of range, and all is well once
 * that is out of the window. */
static void
test_tsc_of_pmd_leaps(void **state)
{
    unsigned long int n_cases = test_n_cases(20000) / 100 + 1;
    struct test_random r;

    (void) state;
    test_random_init(&r, "TSC leaps", n_cases);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct world w;

        world_init_simple(&w, 2, 3);
        w.load_bp[0] = 3000;        /* Of the first PMD, as the last one. */
        w.load_bp[1] = 8000;
        w.load_bp[2] = 1000;
        world_sample(&w);
        world_steps(&w, 10, 100);
        for (int j = 0; j < 20; j++) {
            uint64_t leap = UINT64_C(1) << test_random_range(&r, 0, 58);
            bool for_queue = test_one_in(&r, 2);

            /* What a PMD measures it charges as busy, to a queue, or as
             * idle. */
            leap = test_one_in(&r, 2) ? leap : -leap;
            world_run(&w, 100);
            if (for_queue) {
                w.raw.rxqs[0].cycles += leap;
                w.raw.pmds[0].busy_cycles += leap;
            } else {
                w.raw.pmds[0].idle_cycles += leap;
            }
            assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
            for (uint32_t k = 0; k < 3; k++) {
                /* 1 % of time is too little to be called stolen. */
                assert_true(load_bp(&w, k) <= VMQ_BP + VMQ_BP / 90);
            }
            for (uint32_t k = 0; k < 2; k++) {
                assert_true(vmq_pmd_capacity_bp(&w.s, k) <= VMQ_BP);
            }
            assert_int_equal(load_bp(&w, 1), 8000);
            assert_int_equal(vmq_pmd_capacity_bp(&w.s, 1), VMQ_BP);
        }
        world_steps(&w, 4, 100);
        assert_int_equal(load_bp(&w, 0), 3000);
        assert_int_equal(load_bp(&w, 2), 1000);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
        world_destroy(&w);
    }
}

/* Stolen time. */

/* Takes a sample of 1 ms for one PMD and its queue, in 1/1000 of the ms. */
static void
stolen_sample(struct world *w, uint64_t busy, uint64_t idle, uint64_t had,
              uint64_t rxq)
{
    const uint64_t unit = CYCLES_PER_MS / 1000;

    w->raw.now_ms++;
    w->raw.window_cycles += CYCLES_PER_MS;
    w->raw.window_ns += NS_PER_MS;
    w->raw.pmds[0].busy_cycles += busy * unit;
    w->raw.pmds[0].idle_cycles += idle * unit;
    w->raw.pmds[0].cpu_ns += had * (NS_PER_MS / 1000);
    w->raw.rxqs[0].cycles += rxq * unit;
    assert_int_equal(world_sample(w), VMQ_SAMPLE_OK);
}

/* The example in the header. */
static void
test_stolen(void **state)
{
    static const struct {
        uint64_t busy, idle, had, rxq;
        uint32_t stolen, load_bp, capacity_bp, overhead;
    } rows[] = {
        { 300, 700, 1000, 240, 0, 2400, 10000, 60 },
        { 300, 700, 995, 240, 0, 2400, 10000, 60 },
        { 600, 400, 500, 480, 500, 2400, 5000, 120 },
        { 300, 200, 500, 240, 0, 2400, 10000, 60 },

        /* The limit of noise. */
        { 300, 700, 991, 240, 0, 2400, 10000, 60 },
        { 300, 700, 990, 240, 10, 2376, 9900, 60 },

        /* More CPU time than charged: reloading, waking up. */
        { 300, 200, 1000, 240, 0, 2400, 10000, 60 },

        /* Parked, and all but parked. */
        { 0, 0, 0, 0, 0, 0, 10000, 0 },
        { 0, 1, 1, 0, 0, 0, 10000, 0 },

        /* No CPU at all. */
        { 900, 100, 0, 900, 1000, 0, 1, 0 },

        /* A queue that was charged more than its PMD's busy time, as in the
         * sample of its move. */
        { 100, 900, 1000, 240, 0, 2400, 10000, 0 },
    };
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.config.spread_hold_ms = 0;
    w.config.interval_ms = 1;
    world_sample(&w);
    for (size_t i = 0; i < TEST_ARRAY_SIZE(rows); i++) {
        stolen_sample(&w, rows[i].busy, rows[i].idle, rows[i].had,
                      rows[i].rxq);
        assert_int_equal(w.s.pmds[0].stolen_cycles,
                         rows[i].stolen * (CYCLES_PER_MS / 1000));
        assert_int_equal(w.s.pmds[0].overhead_cycles,
                         rows[i].overhead * (CYCLES_PER_MS / 1000));
        assert_int_equal(load_bp(&w, 0), rows[i].load_bp);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), rows[i].capacity_bp);
    }

    /* A mean over samples: each is scaled by itself. */
    w.config.spread_hold_ms = 4;
    stolen_sample(&w, 600, 400, 500, 480);
    stolen_sample(&w, 300, 700, 1000, 240);
    stolen_sample(&w, 1000, 0, 250, 960);
    stolen_sample(&w, 300, 700, 1000, 240);
    assert_int_equal(w.s.window_ms, 4);
    assert_int_equal(load_bp(&w, 0), 2400);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), 10000 - 12500 / 4);
    world_destroy(&w);
}

/* The system does not say how much CPU time a thread used. */
static void
test_cpu_unknown(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.load_bp[0] = 3000;
    w.raw.pmds[0].cpu_ns = 0;
    world_sample(&w);
    for (int i = 0; i < 5; i++) {
        world_run(&w, 100);
        w.raw.pmds[0].cpu_ns = 0;
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
        assert_int_equal(w.s.pmds[0].stolen_cycles, 0);
        assert_int_equal(load_bp(&w, 0), 3000);
    }
    world_destroy(&w);
}

/* Takes a sample of 100 ms in which PMD 0 'had' so many ms, of which its
 * iterations that ended charge 'charged' ms, a third of it for its queue. */
static void
starved_sample(struct world *w, uint64_t charged, uint64_t had)
{
    w->raw.now_ms += 100;
    w->raw.window_ns += 100 * NS_PER_MS;
    w->raw.window_cycles += 100 * CYCLES_PER_MS;
    w->raw.pmds[0].busy_cycles += charged / 3 * CYCLES_PER_MS;
    w->raw.pmds[0].idle_cycles += charged / 3 * 2 * CYCLES_PER_MS;
    w->raw.pmds[0].cpu_ns += had * NS_PER_MS;
    w->raw.rxqs[0].cycles += charged / 3 * CYCLES_PER_MS;
    w->raw.rxqs[0].packets++;
    assert_int_equal(world_sample(w), VMQ_SAMPLE_OK);
}

/* A PMD that gets no CPU time for long, in the midst of an iteration. */
static void
test_starved(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.config.spread_hold_ms = 100;
    world_sample(&w);
    for (int i = 0; i < 3; i++) {
        starved_sample(&w, 99, 99);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
        assert_uint_in_range(load_bp(&w, 0), 3300, 3300);
    }

    /* Nothing is left of it, and the queue is charged nothing. */
    for (int i = 0; i < 10; i++) {
        starved_sample(&w, 0, 0);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), 1);
        assert_int_equal(load_bp(&w, 0), 0);
        assert_int_equal(w.s.pmds[0].stolen_cycles, 100 * CYCLES_PER_MS);
    }

    /* The iteration ends, others follow. */
    starved_sample(&w, 1099, 30);
    assert_uint_in_range(vmq_pmd_capacity_bp(&w.s, 0), 3000, 3200);
    assert_uint_in_range(load_bp(&w, 0), 990, 1010);

    /* All is well. */
    starved_sample(&w, 99, 99);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
    assert_int_equal(load_bp(&w, 0), 3300);

    /* An iteration that takes long is not stolen. */
    starved_sample(&w, 0, 100);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
    starved_sample(&w, 198, 100);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);

    /* It would have slept, and is not woken in time. */
    starved_sample(&w, 0, 0);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), 1);
    w.raw.pmds[0].sleep_cycles += 150 * CYCLES_PER_MS;
    starved_sample(&w, 48, 48);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
    assert_int_equal(load_bp(&w, 0), 1600);
    assert_int_equal(w.s.pmds[0].sleep_cycles, 50 * CYCLES_PER_MS);

    /* Who sleeps gets no CPU time either, nor who has no queue. */
    for (int i = 0; i < 3; i++) {
        w.raw.pmds[0].sleep_cycles += 100 * CYCLES_PER_MS;
        starved_sample(&w, 0, 0);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
    }
    w.raw.rxqs[0].pmd = VMQ_NONE;
    for (int i = 0; i < 4; i++) {
        w.raw.pmds[0].parked = i < 3;
        starved_sample(&w, 0, 0);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), VMQ_BP);
    }

    world_destroy(&w);

    /* Nor who sleeps for 10 ms, if that is how often one looks. */
    world_init_simple(&w, 1, 1);
    w.config.interval_ms = 10;
    w.config.spread_hold_ms = 10;
    world_sample(&w);
    world_step(&w, 10);
    for (int i = 0; i < 3; i++) {
        w.raw.now_ms += 10;
        w.raw.window_ns += 10 * NS_PER_MS;
        w.raw.window_cycles += 10 * CYCLES_PER_MS;
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
        assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), i < 2 ? VMQ_BP : 1);
    }
    world_destroy(&w);
}

/* The TSC does not run at 1 GHz times anything. */
static void
test_odd_tsc(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    world_sample(&w);
    for (int i = 0; i < 3; i++) {
        w.raw.now_ms += 100;
        w.raw.window_ns += 100000123;
        w.raw.window_cycles += 259200319;
        w.raw.pmds[0].busy_cycles += 259200319 / 2;
        w.raw.pmds[0].idle_cycles += 259200319 / 2;
        w.raw.pmds[0].cpu_ns += 75000092;       /* 3/4. */
        w.raw.rxqs[0].cycles += 259200319 / 2;
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    }
    assert_uint_in_range(vmq_pmd_capacity_bp(&w.s, 0), 7499, 7501);
    assert_uint_in_range(load_bp(&w, 0), 3749, 3751);
    world_destroy(&w);
}

/* Identity. */

static void
test_move(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);
    w.load_bp[0] = 6000;
    w.load_bp[1] = 1000;
    world_sample(&w);
    world_steps(&w, 100, 100);
    assert_int_equal(w.s.rxqs[0].pmd, 0);
    assert_int_equal(w.s.rxqs[0].n_history, 20);

    /* The queue takes its load and its history along. */
    w.raw.rxqs[0].pmd = 1;
    w.raw.rxqs[0].n_moves = 1;
    w.raw.pmds[0].parked = true;
    w.raw.pmds[1].edge = true;
    w.raw.generation++;
    world_step(&w, 100);
    assert_false(w.s.pmds[1].edge);     /* Not a matter of the window. */
    assert_int_equal(w.s.rxqs[0].pmd, 1);
    assert_int_equal(load_bp(&w, 0), 6000);
    assert_int_equal(w.s.rxqs[0].n_history, 20);
    assert_int_equal(w.s.rxqs[0].history_bp[0], 6000);
    assert_int_equal(w.s.rxqs[0].n_moves, 1);
    assert_int_equal(w.s.pmds[0].busy_cycles, 2 * 60 * CYCLES_PER_MS);
    world_destroy(&w);
}

/* Time is stolen from the PMD that a queue is on at the end of the sample. */
static void
test_move_stolen(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);
    w.load_bp[0] = 2000;
    w.load_bp[1] = 1000;
    world_sample(&w);
    world_run(&w, 100);
    w.raw.pmds[1].cpu_ns -= 50 * NS_PER_MS;
    w.raw.rxqs[0].pmd = 1;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 0), 10000);
    assert_int_equal(vmq_pmd_capacity_bp(&w.s, 1), 5000);
    assert_int_equal(load_bp(&w, 0), 1000);
    assert_int_equal(load_bp(&w, 1), 500);

    /* Busy for 20 ms without a queue, and for 10 ms with 30 ms of queues. */
    assert_int_equal(w.s.pmds[0].overhead_cycles, 20 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[1].overhead_cycles, 0);
    world_destroy(&w);
}

/* Adds a queue of a port of its own to 'w', in order. */
static void
add_rxq(struct world *w, const char *name, uint32_t port_no, uint32_t qid,
        uint32_t pmd, uint64_t cycles)
{
    uint32_t port = 0;

    while (port < w->raw.n_ports && strcmp(w->raw.ports[port].name, name)) {
        port++;
    }
    if (port == w->raw.n_ports) {
        vmq_snapshot_add_port(&w->raw, name, port_no);
    }

    uint32_t rxq = vmq_snapshot_add_rxq(&w->raw, port, qid, pmd, 0);

    w->raw.rxqs[rxq].cycles = cycles;
    vmq_snapshot_sort(&w->raw);

    /* Loads follow. */
    rxq = vmq_snapshot_find_rxq(&w->raw, name, qid);
    memmove(&w->load_bp[rxq + 1], &w->load_bp[rxq],
            (MAX_RXQS - 1 - rxq) * sizeof w->load_bp[0]);
    w->load_bp[rxq] = 0;
}

/* Removes queue 'i' and its port, the only other thing of which may be port
 * PMDs, which the tests here do not use. */
static void
remove_rxq(struct world *w, uint32_t i)
{
    uint32_t port = w->raw.rxqs[i].port;
    uint32_t n = 0;

    for (uint32_t j = 0; j < w->raw.n_rxqs; j++) {
        n += w->raw.rxqs[j].port == port;
    }
    memmove(&w->raw.rxqs[i], &w->raw.rxqs[i + 1],
            (w->raw.n_rxqs - 1 - i) * sizeof *w->raw.rxqs);
    w->raw.n_rxqs--;
    memmove(&w->load_bp[i], &w->load_bp[i + 1],
            (MAX_RXQS - 1 - i) * sizeof w->load_bp[0]);
    if (n == 1) {
        free(w->raw.ports[port].name);
        memmove(&w->raw.ports[port], &w->raw.ports[port + 1],
                (w->raw.n_ports - 1 - port) * sizeof *w->raw.ports);
        w->raw.ports[--w->raw.n_ports].name = NULL;
        for (uint32_t j = 0; j < w->raw.n_rxqs; j++) {
            w->raw.rxqs[j].port -= w->raw.rxqs[j].port > port;
        }
    }
}

static void
test_come_and_go(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 3);
    w.load_bp[0] = 1000;
    w.load_bp[1] = 2000;
    w.load_bp[2] = 3000;
    world_sample(&w);
    world_steps(&w, 5, 100);

    /* A new queue, before the others.  What it counted before its first
     * sample does not count. */
    add_rxq(&w, "new", 3, 0, 1, 777777777);
    w.load_bp[0] = 6000;
    world_step(&w, 100);
    assert_int_equal(w.s.n_rxqs, 4);
    assert_int_equal(load_bp(&w, 0), 0);
    assert_int_equal(w.s.rxqs[0].n_history, 0);
    assert_int_equal(load_bp(&w, 1), 1000);
    assert_int_equal(load_bp(&w, 2), 2000);
    assert_int_equal(load_bp(&w, 3), 3000);
    assert_int_equal(w.s.rxqs[1].n_history, 1);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 2000);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 4000);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 6000);
    assert_int_equal(load_bp(&w, 3), 3000);

    /* Another queue of an old port. */
    add_rxq(&w, "port0", 10, 1, 0, 0);
    world_step(&w, 100);
    assert_int_equal(w.s.n_rxqs, 5);
    assert_int_equal(load_bp(&w, 1), 1000);
    assert_int_equal(load_bp(&w, 2), 0);
    assert_int_equal(load_bp(&w, 3), 2000);
    assert_int_equal(load_bp(&w, 4), 3000);

    /* One in the middle goes. */
    remove_rxq(&w, 3);
    world_step(&w, 100);
    assert_int_equal(w.s.n_rxqs, 4);
    assert_int_equal(load_bp(&w, 0), 6000);
    assert_int_equal(load_bp(&w, 1), 1000);
    assert_int_equal(load_bp(&w, 3), 3000);
    assert_int_equal(w.s.rxqs[3].n_history, 2);

    /* A port with the same number and another name is another port. */
    free(w.raw.ports[2].name);
    w.raw.ports[2].name = vmq_xstrdup("other");
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 1), 1000);
    assert_int_equal(load_bp(&w, 3), 0);
    assert_int_equal(w.s.rxqs[3].n_history, 0);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 3), 1000);

    /* All go, some come back. */
    while (w.raw.n_rxqs) {
        remove_rxq(&w, 0);
    }
    world_step(&w, 100);
    assert_int_equal(w.s.n_rxqs, 0);
    assert_int_equal(w.s.window_ms, 300);
    add_rxq(&w, "port0", 10, 0, 0, 0);
    w.load_bp[0] = 3000;
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 0);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 1000);
    world_destroy(&w);
}

/* As many queues as before, of the same ports, but not the same ones. */
static void
test_counts_change(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 2);
    add_rxq(&w, "port0", 10, 1, 0, 0);
    w.load_bp[0] = 1000;
    w.load_bp[1] = 2000;
    w.load_bp[2] = 3000;
    world_sample(&w);
    world_steps(&w, 3, 100);

    /* port0 goes from two queues to one, port1 from one to two. */
    remove_rxq(&w, 1);
    add_rxq(&w, "port1", 11, 1, 0, 0);
    assert_int_equal(w.raw.n_rxqs, 3);
    assert_int_equal(w.raw.rxqs[1].port, 1);
    assert_int_equal(w.raw.rxqs[1].qid, 0);
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 0), 1000);
    assert_int_equal(load_bp(&w, 1), 3000);
    assert_int_equal(load_bp(&w, 2), 0);

    /* Its queue 2 instead of its queue 1. */
    w.load_bp[2] = 6000;
    world_steps(&w, 3, 100);
    assert_int_equal(load_bp(&w, 2), 6000);
    w.raw.rxqs[2].qid = 2;
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 1), 3000);
    assert_int_equal(load_bp(&w, 2), 0);

    /* The same numbers, of other ports. */
    w.raw.rxqs[1].qid = 1;
    world_steps(&w, 4, 100);
    assert_int_equal(load_bp(&w, 1), 3000);
    w.raw.rxqs[1].port = 0;
    world_step(&w, 100);
    assert_int_equal(load_bp(&w, 1), 0);
    assert_int_equal(load_bp(&w, 2), 6000);
    world_destroy(&w);
}

/* A counter that goes backward makes a new queue. */
static void
test_reset(void **state)
{
    (void) state;
    for (int counter = 0; counter < 4; counter++) {
        struct world w;

        world_init_simple(&w, 1, 2);
        w.load_bp[0] = 3000;
        w.load_bp[1] = 1000;
        w.raw.rxqs[0].full_batches = 100;
        world_sample(&w);
        world_steps(&w, 10, 100);
        assert_int_equal(w.s.rxqs[0].n_history, 2);
        world_run(&w, 100);

        struct vmq_rxq *rxq = &w.raw.rxqs[0];

        *(counter == 0 ? &rxq->cycles
          : counter == 1 ? &rxq->packets
          : counter == 2 ? &rxq->polls
          : &rxq->full_batches) = 0;
        assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
        assert_int_equal(load_bp(&w, 0), 0);
        assert_int_equal(w.s.rxqs[0].n_history, 0);
        assert_int_equal(load_bp(&w, 1), 1000);
        assert_int_equal(w.s.rxqs[1].n_history, 2);
        world_step(&w, 100);
        assert_int_equal(load_bp(&w, 0), 1000);
        world_destroy(&w);
    }
}

static void
test_pmds_change(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);
    w.load_bp[0] = 4000;
    w.load_bp[1] = 2000;
    world_sample(&w);
    world_steps(&w, 5, 100);

    /* A new PMD between the two. */
    vmq_snapshot_add_pmd(&w.raw, 1, 0);
    w.raw.pmds[2].busy_cycles = 999999;
    w.raw.pmds[2].cpu_ns = 12;
    vmq_snapshot_sort(&w.raw);
    world_step(&w, 100);
    assert_int_equal(w.s.n_pmds, 3);
    assert_int_equal(w.s.pmds[0].busy_cycles, 120 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[1].busy_cycles, 0);
    assert_int_equal(w.s.pmds[1].idle_cycles, 0);
    assert_int_equal(w.s.pmds[2].busy_cycles, 60 * CYCLES_PER_MS);
    assert_int_equal(w.s.rxqs[1].pmd, 2);
    assert_int_equal(load_bp(&w, 0), 4000);
    assert_int_equal(load_bp(&w, 1), 2000);
    world_step(&w, 100);
    assert_int_equal(w.s.pmds[1].idle_cycles, 100 * CYCLES_PER_MS);

    /* The thread on core 4 is replaced. */
    world_run(&w, 100);
    w.raw.pmds[2].cpu_ns = 1000;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_OK);
    assert_int_equal(w.s.pmds[2].busy_cycles, 0);
    assert_int_equal(w.s.pmds[2].stolen_cycles, 0);
    assert_int_equal(load_bp(&w, 1), 2000);
    world_step(&w, 100);
    assert_int_equal(w.s.pmds[2].busy_cycles, 20 * CYCLES_PER_MS);

    /* The first PMD goes, nobody polls its queue. */
    memmove(&w.raw.pmds[0], &w.raw.pmds[1], 2 * sizeof w.raw.pmds[0]);
    w.raw.n_pmds = 2;
    w.raw.rxqs[0].pmd = VMQ_NONE;
    w.raw.rxqs[1].pmd = 1;
    w.load_bp[0] = 0;
    world_steps(&w, 3, 100);
    assert_int_equal(w.s.n_pmds, 2);
    assert_int_equal(load_bp(&w, 0), 0);
    assert_int_equal(load_bp(&w, 1), 2000);
    assert_int_equal(w.s.pmds[1].busy_cycles, 60 * CYCLES_PER_MS);
    world_destroy(&w);
}

/* Slow window. */

/* As many PMDs as before, but one is on another core, where it has counted
 * more than the old one had. */
static void
test_pmd_replaced(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);
    w.load_bp[0] = 4000;
    w.load_bp[1] = 2000;
    world_sample(&w);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.pmds[1].busy_cycles, 60 * CYCLES_PER_MS);
    w.raw.pmds[1].core_id = 4;
    world_step(&w, 100);
    assert_int_equal(w.s.pmds[0].busy_cycles, 120 * CYCLES_PER_MS);
    assert_int_equal(w.s.pmds[1].busy_cycles, 0);
    assert_int_equal(load_bp(&w, 1), 2000);
    world_step(&w, 100);
    assert_int_equal(w.s.pmds[1].busy_cycles, 20 * CYCLES_PER_MS);
    world_destroy(&w);
}

static void
test_slots(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 2);
    world_sample(&w);

    /* Slots of 500 ms: five samples each. */
    for (uint32_t i = 0; i < 4; i++) {
        w.load_bp[0] = i * 1000;
        w.load_bp[1] = i == 2 ? 5000 : 0;
        world_step(&w, 100);
        assert_int_equal(w.s.rxqs[0].n_history, 0);
    }
    world_step(&w, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 1);
    /* The highest mean of 300 ms: that of the last three samples, and that of
     * any three with the third one. */
    assert_int_equal(w.s.rxqs[0].history_bp[0], (2 + 3 + 3) * 1000 / 3);
    assert_int_equal(w.s.rxqs[1].history_bp[0], 5000 / 3);

    /* Newest first. */
    w.load_bp[0] = 5000;
    world_steps(&w, 5, 100);
    w.load_bp[0] = 7000;
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 3);
    assert_int_equal(w.s.rxqs[0].history_bp[0], 7000);
    assert_int_equal(w.s.rxqs[0].history_bp[1], 5000);
    assert_int_equal(w.s.rxqs[0].history_bp[2], 2666);
    assert_int_equal(w.s.rxqs[0].history_bp[3], 0);

    /* A sample that straddles the end belongs to the slot, the next slot
     * begins after it: 4 * 100 + 180 ms. */
    w.load_bp[0] = 1000;
    world_steps(&w, 4, 100);
    w.load_bp[0] = 6800;
    world_step(&w, 180);
    assert_int_equal(w.s.rxqs[0].n_history, 4);
    assert_int_equal(w.s.rxqs[0].history_bp[0],
                     (2 * 7000 + 1000) / 3);
    w.load_bp[0] = 2000;
    world_steps(&w, 4, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 4);
    world_step(&w, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 5);
    assert_int_equal(w.s.rxqs[0].history_bp[0],
                     (180 * 6800 + 200 * 2000) / 380);

    /* No more than 20. */
    world_steps(&w, 5 * 14, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 19);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 20);
    assert_int_equal(w.s.rxqs[0].history_bp[19], 2666);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 20);
    assert_int_equal(w.s.rxqs[0].history_bp[19], 5000);

    /* More than fits. */
    w.load_bp[0] = 70000;
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[0].history_bp[0], UINT16_MAX);
    world_destroy(&w);
}

/* With a spread hold longer than a slot, the fast load hides what the slot
 * shows. */
static void
test_slots_mean(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.config.spread_hold_ms = 2000;
    world_sample(&w);
    world_steps(&w, 40, 100);
    w.load_bp[0] = 8000;
    world_steps(&w, 5, 100);
    assert_uint_in_range(load_bp(&w, 0), 1800, 2000);
    assert_int_equal(w.s.rxqs[0].history_bp[0], 8000);
    assert_int_equal(w.s.rxqs[0].history_bp[1], 0);
    world_destroy(&w);
}

/* W4: a slot in which a queue came is not in its history. */
static void
test_slots_young(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    world_sample(&w);
    world_steps(&w, 7, 100);
    add_rxq(&w, "young", 30, 0, 0, 0);
    w.load_bp[0] = 2000;
    w.load_bp[1] = 3000;
    world_steps(&w, 3, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 2);
    assert_int_equal(w.s.rxqs[1].n_history, 0);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 3);
    assert_int_equal(w.s.rxqs[1].n_history, 1);
    assert_int_equal(w.s.rxqs[0].history_bp[0], 2000);
    assert_int_equal(w.s.rxqs[1].history_bp[0], 3000);

    /* Came in the last sample of a slot: the next one is whole. */
    world_steps(&w, 4, 100);
    add_rxq(&w, "younger", 31, 0, 0, 0);
    w.load_bp[2] = 1000;
    world_step(&w, 100);
    assert_int_equal(w.s.rxqs[1].n_history, 2);
    assert_int_equal(w.s.rxqs[2].n_history, 0);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.rxqs[2].n_history, 1);
    assert_int_equal(w.s.rxqs[2].history_bp[0], 1000);
    world_destroy(&w);
}

/* What is stale is in no slot. */
static void
test_slots_stale(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    world_sample(&w);
    w.load_bp[0] = 2000;
    world_steps(&w, 5, 100);
    w.load_bp[0] = 9000;
    world_steps(&w, 4, 100);
    world_run(&w, 5000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    w.load_bp[0] = 3000;
    world_steps(&w, 4, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 1);
    world_step(&w, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 2);
    assert_int_equal(w.s.rxqs[0].history_bp[0], 3000);
    assert_int_equal(w.s.rxqs[0].history_bp[1], 2000);
    world_destroy(&w);
}

/* An interval longer than slots should be. */
static void
test_slots_long(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.config.interval_ms = 1000;
    world_sample(&w);
    for (uint32_t i = 1; i <= 10; i++) {
        w.load_bp[0] = i * 100;
        world_step(&w, 1000);
        assert_int_equal(w.s.rxqs[0].n_history, 2 * i);
        for (uint32_t j = 0; j < 2 * i; j++) {
            assert_int_equal(w.s.rxqs[0].history_bp[j], (i - j / 2) * 100);
        }
    }
    w.load_bp[0] = 1100;
    world_step(&w, 1000);
    assert_int_equal(w.s.rxqs[0].n_history, 20);
    assert_int_equal(w.s.rxqs[0].history_bp[19], 200);

    /* 7 intervals make 20 slots. */
    w.config.coalesce_hold_ms = 6500;
    for (uint32_t i = 1; i <= 9; i++) {
        static const uint32_t n[] = { 0, 2, 5, 8, 11, 14, 17, 20, 20, 20 };

        w.load_bp[0] = i;
        world_step(&w, 1000);
        assert_int_equal(w.s.rxqs[0].n_history, n[i]);
        assert_int_equal(w.s.rxqs[0].history_bp[0], i);
        assert_int_equal(w.s.rxqs[0].history_bp[n[i] - 1],
                         i <= 7 ? 1 : i - 6);
    }

    /* No hold at all: the last interval. */
    w.config.coalesce_hold_ms = 0;
    w.load_bp[0] = 4321;
    world_step(&w, 1000);
    assert_int_equal(w.s.rxqs[0].n_history, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(w.s.rxqs[0].history_bp[i], 4321);
    }
    world_destroy(&w);
}

static void
test_settings_change(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 1, 1);
    w.load_bp[0] = 2000;
    world_sample(&w);
    world_steps(&w, 20, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 4);

    /* Only the fast window starts anew. */
    w.config.spread_hold_ms = 500;
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 100);
    assert_int_equal(load_bp(&w, 0), 2000);
    assert_int_equal(w.s.rxqs[0].n_history, 4);
    world_steps(&w, 5, 100);
    assert_int_equal(w.s.window_ms, 500);
    assert_int_equal(w.s.rxqs[0].n_history, 5);

    /* Only the slow one does. */
    w.config.coalesce_hold_ms = 20000;
    assert_true(vmq_window_snapshot(w.window, &w.config, &w.s));
    assert_int_equal(w.s.rxqs[0].n_history, 0);
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 500);
    assert_int_equal(w.s.rxqs[0].n_history, 0);
    world_steps(&w, 8, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 0);
    world_step(&w, 100);
    assert_int_equal(w.s.rxqs[0].n_history, 1);

    /* What does not matter here does not matter. */
    w.config.spread_threshold_pct = 50;
    w.config.credits = 0;
    world_step(&w, 100);
    assert_int_equal(w.s.window_ms, 500);
    assert_int_equal(w.s.rxqs[0].n_history, 1);
    world_destroy(&w);
}

/* Backlog. */

/* Takes a sample of 100 ms in which queue 0 had 100 polls, 'full' of which
 * returned a full batch, and its PMD idled for 'idle_bp' of the time. */
static void
backlog_sample(struct world *w, uint32_t polls, uint32_t full,
               uint32_t idle_bp)
{
    struct vmq_pmd *pmd = &w->raw.pmds[w->raw.rxqs[0].pmd];

    world_run(w, 100);
    pmd->busy_cycles -= 100 * CYCLES_PER_MS / VMQ_BP * idle_bp;
    pmd->idle_cycles += 100 * CYCLES_PER_MS / VMQ_BP * idle_bp;
    w->raw.rxqs[0].polls += polls;
    w->raw.rxqs[0].full_batches += full;
    assert_int_equal(world_sample(w), VMQ_SAMPLE_OK);
}

static void
test_backlog(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 2, 2);

    /* 'load_bp' only keeps the PMDs busy: polls are added as wanted. */
    add_rxq(&w, "filler0", 50, 0, 0, 0);
    add_rxq(&w, "filler1", 51, 0, 1, 0);
    w.load_bp[2] = 10000;
    w.load_bp[3] = 10000;
    world_sample(&w);
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 90, 199);
    assert_true(w.s.rxqs[0].backlog);
    assert_false(w.s.rxqs[1].backlog);

    /* Not full enough. */
    backlog_sample(&w, 100, 89, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 10, 9, 0);
    backlog_sample(&w, 1, 1, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 9, 9, 0);
    assert_true(w.s.rxqs[0].backlog);
    backlog_sample(&w, 9, 8, 0);
    assert_false(w.s.rxqs[0].backlog);

    /* The PMD idles. */
    for (int i = 0; i < 5; i++) {
        backlog_sample(&w, 100, 100, 200);
        assert_false(w.s.rxqs[0].backlog);
    }

    /* No traffic. */
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 0, 0, 0);
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 100, 100, 0);
    assert_true(w.s.rxqs[0].backlog);

    /* A second sample in the same ms does not count. */
    world_sample(&w);
    assert_true(w.s.rxqs[0].backlog);

    /* Another PMD, full as well. */
    w.raw.rxqs[0].pmd = 1;
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 100, 0);
    assert_true(w.s.rxqs[0].backlog);

    /* 3 samples are enough if the hold has more. */
    w.config.spread_hold_ms = 1000;
    backlog_sample(&w, 100, 100, 0);
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 100, 0);
    assert_true(w.s.rxqs[0].backlog);

    /* The hold has less than 3 samples. */
    w.config.spread_hold_ms = 200;
    backlog_sample(&w, 100, 100, 0);
    assert_false(w.s.rxqs[0].backlog);
    backlog_sample(&w, 100, 100, 0);
    assert_true(w.s.rxqs[0].backlog);
    w.config.spread_hold_ms = 0;
    backlog_sample(&w, 100, 100, 0);
    assert_true(w.s.rxqs[0].backlog);
    world_destroy(&w);
}

/* Moves. */

static void
commit(struct world *w, enum vmq_reason reason, uint32_t rxq, uint32_t to,
       enum vmq_outcome outcome)
{
    struct vmq_move move = {
        .rxq = rxq,
        .from = w->s.rxqs[rxq].pmd,
        .to = to,
        .reason = reason,
    };

    if (outcome == VMQ_OUTCOME_APPLIED) {
        uint32_t i = vmq_snapshot_find_rxq(
            &w->raw, w->s.ports[w->s.rxqs[rxq].port].name,
            w->s.rxqs[rxq].qid);

        w->raw.rxqs[i].pmd
            = vmq_snapshot_find_pmd(&w->raw, w->s.pmds[to].core_id);
    }
    vmq_window_commit(w->window, &w->config, &w->s, &move, 1, &outcome);
}

static void
test_settling(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 3, 3);
    world_sample(&w);
    world_steps(&w, 5, 100);
    commit(&w, VMQ_REASON_SPREAD, 0, 1, VMQ_OUTCOME_APPLIED);
    assert_true(vmq_window_snapshot(w.window, &w.config, &w.s));
    assert_true(w.s.pmds[0].settling && w.s.pmds[1].settling);
    for (int i = 0; i < 2; i++) {
        world_step(&w, 100);
        assert_true(w.s.pmds[0].settling);
        assert_true(w.s.pmds[1].settling);
        assert_false(w.s.pmds[2].settling);
    }
    world_step(&w, 100);
    assert_false(w.s.pmds[0].settling || w.s.pmds[1].settling);

    /* What was not applied does not count. */
    commit(&w, VMQ_REASON_SPREAD, 2, 0, VMQ_OUTCOME_FAILED);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].settling || w.s.pmds[2].settling);

    /* By core, not by index: meanwhile, a PMD has appeared before them. */
    world_step(&w, 100);

    struct vmq_snapshot old, new;

    vmq_snapshot_init(&old);
    vmq_snapshot_copy(&old, &w.s);
    vmq_snapshot_add_pmd(&w.raw, 1, 0);
    vmq_snapshot_sort(&w.raw);
    world_step(&w, 100);
    new = w.s;
    w.s = old;
    commit(&w, VMQ_REASON_MANUAL, 2, 1, VMQ_OUTCOME_APPLIED);
    vmq_snapshot_destroy(&new);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].settling);         /* Core 0. */
    assert_false(w.s.pmds[1].settling);         /* Core 1. */
    assert_true(w.s.pmds[2].settling);          /* Core 2. */
    assert_true(w.s.pmds[3].settling);          /* Core 4. */

    /* Through a stale sample, but not through a clock that goes backward. */
    w.config.spread_hold_ms = 10000;
    world_step(&w, 100);
    commit(&w, VMQ_REASON_MANUAL, 1, 0, VMQ_OUTCOME_APPLIED);
    w.config.spread_hold_ms = 300;
    world_run(&w, 3000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    world_step(&w, 100);
    assert_true(w.s.pmds[0].settling);
    w.raw.now_ms -= 10000;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].settling);

    /* No hold, no settling. */
    w.config.spread_hold_ms = 0;
    world_step(&w, 100);
    commit(&w, VMQ_REASON_MANUAL, 1, 3, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].settling || w.s.pmds[3].settling);
    world_destroy(&w);
}

/* Three PMDs on node 0, the first with queues 0 to 3, one on node 1. */
static void
evacuation_init(struct world *w)
{
    world_init(w);
    for (uint32_t i = 0; i < 4; i++) {
        vmq_snapshot_add_pmd(&w->raw, i, i == 3);
    }
    for (uint32_t i = 0; i < 7; i++) {
        char name[16];

        snprintf(name, sizeof name, "port%u", i);
        vmq_snapshot_add_port(&w->raw, name, i);
        vmq_snapshot_add_rxq(&w->raw, i, 0, i < 4 ? 0 : i - 3, 0);
    }
    world_sample(w);
    world_steps(w, 5, 100);
}

static void
test_evacuating(void **state)
{
    struct world w;

    (void) state;

    /* Until it is empty, apart from what cannot move. */
    evacuation_init(&w);
    w.raw.rxqs[3].mobility = VMQ_PINNED;
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_true(w.s.pmds[0].evacuating);
    assert_false(w.s.pmds[1].evacuating);
    commit(&w, VMQ_REASON_COALESCE, 1, 2, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_true(w.s.pmds[0].evacuating);
    commit(&w, VMQ_REASON_COALESCE, 2, 2, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* A failed move begins nothing, nor does a manual one. */
    evacuation_init(&w);
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_STALE);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].evacuating);
    commit(&w, VMQ_REASON_MANUAL, 0, 1, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* No progress for 5 s. */
    evacuation_init(&w);
    commit(&w, VMQ_REASON_EVACUATE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_steps(&w, 30, 100);
    commit(&w, VMQ_REASON_EVACUATE, 1, 1, VMQ_OUTCOME_APPLIED);
    world_steps(&w, 50, 100);
    assert_true(w.s.pmds[0].evacuating);
    world_step(&w, 1);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* No progress is possible within 5 s. */
    evacuation_init(&w);
    w.config.interval_ms = 10000;
    world_step(&w, 10000);
    commit(&w, VMQ_REASON_EVACUATE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_steps(&w, 3, 10000);
    assert_true(w.s.pmds[0].evacuating);
    world_step(&w, 10000);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* A queue moves to it. */
    evacuation_init(&w);
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_true(w.s.pmds[0].evacuating);
    commit(&w, VMQ_REASON_MANUAL, 0, 0, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* Spreading on another node does not matter, on its own it does. */
    evacuation_init(&w);
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    commit(&w, VMQ_REASON_RELIEVE, 6, 2, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    assert_true(w.s.pmds[0].evacuating);
    commit(&w, VMQ_REASON_SPREAD, 4, 2, VMQ_OUTCOME_APPLIED);
    world_step(&w, 100);
    for (uint32_t i = 0; i < w.s.n_pmds; i++) {
        assert_false(w.s.pmds[i].evacuating);
    }
    world_destroy(&w);

    /* Time passes in a sample that is stale, or goes back. */
    evacuation_init(&w);
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_APPLIED);
    world_run(&w, 2000);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    assert_true(w.s.pmds[0].evacuating);
    world_run(&w, 3001);
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    assert_false(w.s.pmds[0].evacuating);
    commit(&w, VMQ_REASON_COALESCE, 1, 1, VMQ_OUTCOME_APPLIED);
    w.raw.now_ms -= 500;
    assert_int_equal(world_sample(&w), VMQ_SAMPLE_STALE);
    assert_false(w.s.pmds[0].evacuating);
    world_destroy(&w);

    /* A plan that does not fit the window any more. */
    evacuation_init(&w);

    struct vmq_snapshot none;

    vmq_snapshot_init(&none);
    none.now_ms = w.raw.now_ms + 100;
    none.window_cycles = w.raw.window_cycles + 1;
    none.window_ns = w.raw.window_ns + 1;
    vmq_window_add(w.window, &w.config, &none);
    commit(&w, VMQ_REASON_COALESCE, 0, 1, VMQ_OUTCOME_APPLIED);
    assert_true(vmq_window_snapshot(w.window, &w.config, &w.s));
    assert_int_equal(w.s.n_pmds, 0);
    vmq_snapshot_destroy(&none);
    world_destroy(&w);
}

/* Against a model that keeps all samples and adds them up each time. */

#define MODEL_SAMPLES 400
#define MODEL_PORTS 8

struct model_sample {
    uint64_t ms;
    bool opens;                     /* The first one of its bucket. */
    uint64_t packets[MODEL_PORTS];  /* By port number. */
};

/* W1, W2, W3: random queues that come, go and move, with random gaps. */
static void
test_model(void **state)
{
    unsigned long int n_cases = test_n_cases(20000) / 200 + 1;
    static struct model_sample samples[MODEL_SAMPLES];
    struct test_random r;

    (void) state;
    test_random_init(&r, "window model", n_cases);
    for (unsigned long int i = 0; i < n_cases; i++) {
        uint64_t interval_ms = test_random_range(&r, 1, 50) * 10;
        uint64_t hold_ms = test_random_range(&r, 0, 40) * 50;
        uint64_t bucket_ms = (hold_ms + 13) / 14;
        uint64_t packets[MODEL_PORTS];
        bool here[MODEL_PORTS] = { false };
        unsigned int n = 0;         /* Samples. */
        struct world w;

        bucket_ms = bucket_ms > interval_ms ? bucket_ms : interval_ms;
        world_init(&w);
        w.config.interval_ms = interval_ms;
        w.config.spread_hold_ms = hold_ms;
        for (uint32_t j = 0; j < 3; j++) {
            vmq_snapshot_add_pmd(&w.raw, j, 0);
        }
        for (uint32_t j = 0; j < MODEL_PORTS; j++) {
            packets[j] = test_random_range(&r, 0, 1000);
        }

        for (unsigned int t = 0; t < MODEL_SAMPLES; t++) {
            struct model_sample *sample = &samples[n];
            bool was_here[MODEL_PORTS];

            memcpy(was_here, here, sizeof here);
            memset(sample, 0, sizeof *sample);
            sample->ms = (test_one_in(&r, 10)
                          ? test_random_range(&r, 0, 3 * interval_ms)
                          : interval_ms);

            /* A snapshot from scratch, in whatever order. */
            uint64_t now_ms = w.raw.now_ms + sample->ms;
            uint64_t cycles = w.raw.window_cycles + sample->ms * 1000 + 1;
            uint64_t ns = w.raw.window_ns + sample->ms * NS_PER_MS;

            vmq_snapshot_destroy(&w.raw);
            w.raw.now_ms = now_ms;
            w.raw.window_cycles = cycles;
            w.raw.window_ns = ns;
            for (uint32_t j = 0; j < 3; j++) {
                vmq_snapshot_add_pmd(&w.raw, 2 - j, 0);
            }
            for (uint32_t j = 0; j < MODEL_PORTS; j++) {
                uint32_t port_no = (j * 5 + t) % MODEL_PORTS;
                uint64_t delta = test_random_range(&r, 0, 100);

                if (test_one_in(&r, 50)) {
                    here[port_no] = !here[port_no];
                }
                if (here[port_no]) {
                    char name[8];
                    uint32_t rxq;

                    snprintf(name, sizeof name, "p%u", port_no);
                    rxq = vmq_snapshot_add_rxq(
                        &w.raw,
                        vmq_snapshot_add_port(&w.raw, name, port_no), 0,
                        test_random_range(&r, 0, 2), 0);
                    packets[port_no] += delta;
                    w.raw.rxqs[rxq].packets = packets[port_no];
                    w.raw.rxqs[rxq].cycles = packets[port_no] * 3;
                    if (was_here[port_no] && t) {
                        sample->packets[port_no] = delta;
                    }
                }
            }
            vmq_snapshot_sort(&w.raw);

            enum vmq_sample_status status = world_sample(&w);

            if (!t) {
                assert_int_equal(status, VMQ_SAMPLE_FIRST);
                continue;
            }
            assert_true(status == VMQ_SAMPLE_OK || status == VMQ_SAMPLE_LATE);

            /* What of the past counts. */
            uint64_t open_ms = 0;
            unsigned int first = 0;
            uint64_t window_ms = 0;

            for (unsigned int k = n; k-- > 0; ) {
                open_ms += samples[k].ms;
                if (samples[k].opens) {
                    break;
                }
            }
            sample->opens = !n || (sample->ms && open_ms >= bucket_ms);
            n++;
            for (unsigned int k = n; k-- > 0; ) {
                window_ms += samples[k].ms;
                first = k;
                if (samples[k].opens && window_ms >= hold_ms) {
                    break;
                }
            }
            assert_int_equal(w.s.window_ms, window_ms);
            for (uint32_t j = 0; j < w.s.n_rxqs; j++) {
                uint32_t port_no = w.s.ports[w.s.rxqs[j].port].port_no;
                uint64_t sum = 0;

                for (unsigned int k = n; k-- > first; ) {
                    sum += samples[k].packets[port_no];
                }
                assert_int_equal(w.s.rxqs[j].packets, sum);
                assert_int_equal(w.s.rxqs[j].cycles, sum * 3);
            }

            /* A queue that goes takes its past along. */
            for (uint32_t j = 0; j < MODEL_PORTS; j++) {
                for (unsigned int k = 0; !here[j] && k < n; k++) {
                    samples[k].packets[j] = 0;
                }
            }
        }
        world_destroy(&w);
    }
}

/* W6, as far as it can be seen from here: the result stays in place. */
static void
test_steady(void **state)
{
    struct world w;

    (void) state;
    world_init_simple(&w, 4, 60);
    world_sample(&w);
    world_step(&w, 100);

    const void *pmds = w.s.pmds, *rxqs = w.s.rxqs, *ports = w.s.ports;
    const void *name = w.s.ports[0].name;

    world_steps(&w, 200, 100);
    assert_ptr_equal(w.s.pmds, pmds);
    assert_ptr_equal(w.s.rxqs, rxqs);
    assert_ptr_equal(w.s.ports, ports);
    assert_ptr_equal(w.s.ports[0].name, name);
    world_destroy(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_tsc_leaps),
        cmocka_unit_test(test_tsc_drifts),
        cmocka_unit_test(test_tsc_of_pmd_leaps),
        cmocka_unit_test(test_stolen),
        cmocka_unit_test(test_cpu_unknown),
        cmocka_unit_test(test_starved),
        cmocka_unit_test(test_odd_tsc),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_stolen),
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_counts_change),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_pmds_change),
        cmocka_unit_test(test_pmd_replaced),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_slots_mean),
        cmocka_unit_test(test_slots_young),
        cmocka_unit_test(test_slots_stale),
        cmocka_unit_test(test_slots_long),
        cmocka_unit_test(test_settings_change),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_settling),
        cmocka_unit_test(test_evacuating),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_steady),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}

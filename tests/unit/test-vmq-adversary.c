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


/* Adversaries: loads that are made to have the planner do harm.
 *
 * usage: test-vmq-adversary [wanted]
 *
 * Each test lets one kind of load at the closed loop (window, planner, ledger)
 * with the default settings, then holds the load where it is.  Whatever the
 * load was,
 *
 *   - no queue returns voluntarily within a minute ("ping-pong"), which is
 *     worked out here again from the log of moves;
 *   - no queue makes more than 2 C + W / refill + W / hold moves in any W ms
 *     (C2 in vmq-credit.h);
 *   - no queue returns by force more often than its credits pay for;
 *   - within 2 minutes of constant load the host is at rest, for 3 minutes.
 *
 * To keep the test honest, some of them run without credits too, and must then
 * see what credits are there to prevent.
 *
 * A line is printed for each adversary.  "wanted" runs instead what the
 * planner should do and does not do yet. */

#include <config.h>

#include "vmq-host.h"
#include "vmq-test.h"
#include "vmq-util.h"

#define SECOND_US 1000000ULL

/* As the default settings have it. */
#define SPREAD_BP 8500

struct attack {
    struct vmq_host h;
    uint64_t us;                /* Since it began. */

    /* What the various kinds of load need. */
    uint64_t period_us;
    uint32_t low_bp, high_bp;
    uint32_t n_seen;            /* Moves in the log that it has seen. */
    uint64_t since_us;          /* Beginning of its present phase. */
    bool high;
    uint32_t target;            /* PMD. */
    struct test_random r;
};

/* Sets h.offered_bp[] to the mean loads from 'from_us' to 'to_us'. */
typedef void load_func(struct attack *, uint64_t from_us, uint64_t to_us);

static void
attack_init(struct attack *a, const char *numas)
{
    memset(a, 0, sizeof *a);
    host_init(&a->h, numas);
}

static void
attack_run(struct attack *a, load_func *load, uint64_t seconds)
{
    uint64_t tick_us = a->h.config.interval_ms * 1000;
    uint64_t end_us = a->us + seconds * SECOND_US;

    while (a->us < end_us) {
        load(a, a->us, a->us + tick_us);
        host_tick(&a->h);
        a->us += tick_us;
    }
}

/* Judging. */

static uint32_t
count_pingpongs(const struct vmq_host *h)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->n_log; i++) {
        n += (host_is_return(h, i) && h->log[i].from_bp < SPREAD_BP
              && !h->log[i].lossy);
    }
    return n;
}

/* Moves of a queue back to where it was within the last minute, by whatever
 * way: A -> B -> C -> A.  The ledger does not see those, and does not say that
 * it does. */
static uint32_t
count_circles(const struct vmq_host *h)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->n_log; i++) {
        const struct host_move *m = &h->log[i];

        for (uint32_t k = i; !host_is_return(h, i) && k-- > 0; ) {
            if (m->ms - h->log[k].ms >= VMQ_PINGPONG_MS) {
                break;
            } else if (host_same_rxq(&h->log[k], m)
                       && h->log[k].from == m->to) {
                n++;
                break;
            }
        }
    }
    return n;
}

/* The most moves, or returns only, of a queue in any 'ms' of the log. */
static uint32_t
most_in(const struct vmq_host *h, uint64_t ms, bool returns)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < h->n_log; i++) {
        uint32_t n = 0;

        for (uint32_t k = i; k < h->n_log; k++) {
            if (h->log[k].ms - h->log[i].ms > ms) {
                break;
            }
            n += (host_same_rxq(&h->log[k], &h->log[i])
                  && (!returns || host_is_return(h, k)));
        }
        most = n > most ? n : most;
    }
    return most;
}

/* A return t after the last move costs 1 + 2 * (1 - t / 60 s) credits, and
 * returns in W ms have W plus one minute for their t's, the first of which may
 * have begun before.  So R returns cost at least 3 R - (W + 60 s) / 30 s, of
 * the 2 C + W / refill that there are.  That refill times double with each
 * return is left out, so there should be far fewer. */
static uint32_t
returns_bound(const struct vmq_config *c, uint64_t ms)
{
    uint64_t mc = (2000 * c->credits + 1000 * ms / c->credit_refill_ms
                   + 1000 * (ms + VMQ_PINGPONG_MS) / 30000);

    return (mc + 2999) / 3000;
}

/* The credits' bounds, on every window from a move to a later one of the same
 * queue, and so on all windows. */
static void
check_credit_bounds(const struct vmq_host *h)
{
    for (uint32_t i = 0; i < h->n_log; i++) {
        uint32_t n_moves = 0, n_returns = 0;

        for (uint32_t k = i; k < h->n_log; k++) {
            uint64_t ms = h->log[k].ms - h->log[i].ms;

            if (host_same_rxq(&h->log[k], &h->log[i])) {
                n_moves++;
                n_returns += host_is_return(h, k);
                assert_uint_in_range(n_moves, 0,
                                     host_moves_bound(&h->config, ms));
                assert_uint_in_range(n_returns, 0,
                                     returns_bound(&h->config, ms));
            }
        }
    }
}

/* Holds the load where it is and checks that the host comes to rest. */
static uint64_t
check_rest(struct vmq_host *h)
{
    uint64_t start_ms = h->raw.now_ms, moved_ms = start_ms;

    if (host_run(h, 120000)) {
        moved_ms = h->log[h->n_log - 1].ms;
    }
    assert_int_equal(host_run(h, 180000), 0);
    return moved_ms - start_ms;
}

static const uint32_t windows_ms[] = { 1000, 5000, 10000, 60000, 300000 };

static void
print_attack(const struct attack *a, const char *name, uint64_t rest_ms)
{
    const struct vmq_host *h = &a->h;
    uint32_t n[TEST_ARRAY_SIZE(windows_ms)];

    for (size_t i = 0; i < TEST_ARRAY_SIZE(windows_ms); i++) {
        n[i] = most_in(h, windows_ms[i], false);
        assert_uint_in_range(n[i], 0,
                             host_moves_bound(&h->config, windows_ms[i]));
    }
    print_message("# %s: %u moves in %llu s, of one queue %u/%u/%u/%u/%u; "
                  "%u circles; forced returns %u, of one queue %u (bound "
                  "%u); at rest after %llu ms\n", name, h->n_moves,
                  (unsigned long long int) a->us / SECOND_US,
                  n[0], n[1], n[2], n[3], n[4], count_circles(h),
                  h->n_forced_returns, most_in(h, UINT64_MAX, true),
                  returns_bound(&h->config, a->us / 1000),
                  (unsigned long long int) rest_ms);
}

/* The end of each attack. */
static void
attack_finish(struct attack *a, const char *name)
{
    struct vmq_host *h = &a->h;
    uint64_t rest_ms;

    assert_int_equal(h->n_log, h->n_moves);
    assert_int_equal(h->n_pingpongs, count_pingpongs(h));
    assert_int_equal(h->n_pingpongs, 0);
    check_credit_bounds(h);
    rest_ms = check_rest(h);
    print_attack(a, name, rest_ms);
    assert_int_equal(h->n_pingpongs, count_pingpongs(h));
    assert_int_equal(h->n_pingpongs, 0);
    check_credit_bounds(h);
    host_destroy(h);
}

/* The end of an attack without credits. */
static uint32_t
attack_finish_nocredit(struct attack *a, const char *name)
{
    uint32_t n_pingpongs = a->h.n_pingpongs;

    print_message("# %s, no credits: %u moves, %u forced returns, "
                  "%u ping-pongs\n", name, a->h.n_moves,
                  a->h.n_forced_returns, n_pingpongs);
    assert_int_equal(n_pingpongs, count_pingpongs(&a->h));
    host_destroy(&a->h);
    return n_pingpongs;
}

/* Waves. */

/* How long a square wave that begins low was high in its first 'us'. */
static uint64_t
square_us(uint64_t us, uint64_t period_us)
{
    uint64_t low_us = period_us / 2;
    uint64_t rest_us = us % period_us;

    return (us / period_us * (period_us - low_us)
            + (rest_us > low_us ? rest_us - low_us : 0));
}

/* The same of a saw-tooth, whose height counts for as much as it is: a whole
 * period for one half. */
static uint64_t
saw_us(uint64_t us, uint64_t period_us)
{
    uint64_t rest_us = us % period_us;

    return (us / period_us * (period_us / 2)
            + rest_us * rest_us / (2 * period_us));
}

/* The mean load of a wave, exact to a microsecond. */
static uint32_t
wave_bp(uint64_t integral(uint64_t us, uint64_t period_us),
        uint64_t period_us, uint64_t phase_us, uint64_t from_us,
        uint64_t to_us, uint32_t low_bp, uint32_t high_bp)
{
    uint64_t high_us = (integral(to_us + phase_us, period_us)
                        - integral(from_us + phase_us, period_us));

    return low_bp + (high_bp - low_bp) * high_us / (to_us - from_us);
}

static const uint32_t steady_bp[] = { 3500, 2000, 1000, 500, 200, 50 };

/* Four PMDs, steady queues that one PMD can hold, and two queues, 6 and 7,
 * that swing. */
static void
wave_init(struct attack *a, uint64_t period_us)
{
    attack_init(a, "0 0 0 0");
    for (size_t i = 0; i < TEST_ARRAY_SIZE(steady_bp); i++) {
        host_add(&a->h, 0, steady_bp[i]);
    }
    host_add(&a->h, 0, 0);
    host_add(&a->h, 0, 0);
    a->period_us = period_us;
    a->low_bp = 500;
    a->high_bp = 5500;
}

static void
together(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    uint32_t bp = wave_bp(square_us, a->period_us, 0, from_us, to_us,
                          a->low_bp, a->high_bp);

    a->h.offered_bp[6] = a->h.offered_bp[7] = bp;
}

static void
in_antiphase(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    together(a, from_us, to_us);
    a->h.offered_bp[7] = wave_bp(square_us, a->period_us, a->period_us / 2,
                                 from_us, to_us, a->low_bp, a->high_bp);
}

static void
in_quadrature(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    together(a, from_us, to_us);
    a->h.offered_bp[7] = wave_bp(square_us, a->period_us, a->period_us / 4,
                                 from_us, to_us, a->low_bp, a->high_bp);
}

/* Periods from half an interval to ten refill times. */
#define MIN_PERIOD_US 50000
#define MAX_PERIOD_US (50 * SECOND_US)
#define FOR_EACH_PERIOD(US) \
    for (uint64_t US = MIN_PERIOD_US; US <= MAX_PERIOD_US; \
         US = (US < MAX_PERIOD_US && US * 5 / 4 > MAX_PERIOD_US \
               ? MAX_PERIOD_US : US * 5 / 4))

static void
run_waves(const char *what, load_func *load, uint32_t low_bp,
          uint32_t high_bp)
{
    FOR_EACH_PERIOD (period_us) {
        struct attack a;
        char *name = vmq_xasprintf("%s of %llu ms", what,
                                   (unsigned long long int) period_us / 1000);

        wave_init(&a, period_us);
        a.low_bp = low_bp;
        a.high_bp = high_bp;
        attack_run(&a, load, 360);
        attack_finish(&a, name);
        free(name);
    }
}

static void
square_waves_at_every_period(void **state)
{
    (void) state;
    run_waves("square wave", together, 500, 5500);
}

static void
pairs_in_antiphase(void **state)
{
    (void) state;
    /* Together they are always over the pack target, so that two PMDs are
     * busy in turn. */
    run_waves("antiphase pair", in_antiphase, 1500, 7000);
}

static void
pairs_in_quadrature(void **state)
{
    (void) state;
    run_waves("quadrature pair", in_quadrature, 1500, 7000);
}

static void
without_credits_some_waves_are_pingpongs(void **state)
{
    uint32_t n = 0;

    (void) state;
    for (uint64_t s = 20; s <= 50; s += 10) {
        struct attack a;
        char *name = vmq_xasprintf("square wave of %llu s",
                                   (unsigned long long int) s);

        wave_init(&a, s * SECOND_US);
        a.h.config.credits = 0;
        attack_run(&a, together, 360);
        n += attack_finish_nocredit(&a, name);
        free(name);
    }
    assert_true(n > 0);
}

/* A square wave whose period falls from the longest to the shortest and rises
 * again, by 1 % each period.  Summed up in steps of a millisecond. */
static void
chirp(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    uint32_t n_high = 0;

    for (uint64_t us = from_us; us < to_us; us += 1000) {
        if (us >= a->since_us + a->period_us) {
            a->since_us += a->period_us;
            a->period_us = a->period_us * (a->high ? 101 : 99) / 100;
            a->high = (a->high ? a->period_us < MAX_PERIOD_US
                       : a->period_us < MIN_PERIOD_US);
        }
        n_high += us - a->since_us >= a->period_us / 2;
    }
    a->h.offered_bp[6] = a->low_bp + ((a->high_bp - a->low_bp) * n_high
                                      / ((to_us - from_us) / 1000));
    a->h.offered_bp[7] = a->low_bp + a->high_bp - a->h.offered_bp[6];
}

static void
chirps(void **state)
{
    struct attack a;

    (void) state;
    wave_init(&a, MAX_PERIOD_US);
    a.low_bp = 1500;
    a.high_bp = 7000;
    attack_run(&a, chirp, 10000);
    attack_finish(&a, "chirp");
}

/* A saw-tooth on queue 0. */
static void
saw(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    a->h.offered_bp[0] = wave_bp(saw_us, a->period_us, 0, from_us, to_us,
                                 a->low_bp, a->high_bp);
}

static void
run_saws(const char *what, uint32_t low_bp,
         const uint32_t beside_bp[], size_t n_beside,
         const uint32_t elsewhere_bp[], size_t n_elsewhere)
{
    static const uint32_t periods_ms[] = { 300, 1000, 5000, 15000, 40000 };

    for (size_t i = 0; i < TEST_ARRAY_SIZE(periods_ms); i++) {
        struct attack a;
        char *name = vmq_xasprintf("saw-tooth of %u ms at %s", periods_ms[i],
                                   what);

        attack_init(&a, "0 0 0");
        host_add(&a.h, 0, low_bp);
        for (size_t k = 0; k < n_beside; k++) {
            host_add(&a.h, 0, beside_bp[k]);
        }
        for (size_t k = 0; k < n_elsewhere; k++) {
            host_add(&a.h, 1, elsewhere_bp[k]);
        }
        a.low_bp = low_bp;
        a.high_bp = low_bp + 1000;
        a.period_us = periods_ms[i] * 1000ULL;
        attack_run(&a, saw, 360);
        attack_finish(&a, name);
        free(name);
    }
}

static void
saw_teeth_at_each_threshold(void **state)
{
    static const uint32_t thirds[] = { 3000, 3000 };
    static const uint32_t many[] = { 1000, 1000, 1000, 1000 };

    (void) state;
    /* 80 to 90 % on core 0, with a core beside it that has room for the
     * queues there, and one where they fit exactly. */
    run_saws("the spread threshold", 2000, thirds, 2, many, 3);
    run_saws("the spread threshold, full host", 2000, thirds, 2, many, 4);

    /* 70 to 80 % in all, on two PMDs. */
    run_saws("the pack target", 1000, thirds, 1, many, 3);

    /* 25 to 35 % on core 0, to be freed, or not. */
    run_saws("the coalesce threshold", 1500, many, 1, many, 4);
    run_saws("the coalesce threshold, full host", 1500, many, 1, thirds, 2);
}

/* Loads that watch what the planner does. */

static bool
has_moved(struct attack *a)
{
    bool moved = a->n_seen < a->h.n_log;

    a->n_seen = a->h.n_log;
    return moved;
}

/* High until the planner spreads, then low until it coalesces. */
static void
swing(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    if (has_moved(a) || to_us - a->since_us > 30 * SECOND_US) {
        a->high = !a->high;
        a->since_us = from_us;
    }
    for (uint32_t i = 0; i < a->h.s.n_rxqs; i++) {
        a->h.offered_bp[i] = a->high ? 5000 : 1000;
    }
}

static void
swing_init(struct attack *a)
{
    attack_init(a, "0 0 0");
    host_add(&a->h, 0, 1000);
    host_add(&a->h, 0, 1000);
}

static void
the_pingpong_load(void **state)
{
    struct attack a;

    (void) state;
    swing_init(&a);
    attack_run(&a, swing, 1800);
    attack_finish(&a, "ping-pong load");
}

static void
without_credits_the_pingpong_load_is_one(void **state)
{
    struct attack a;

    (void) state;
    swing_init(&a);
    a.h.config.credits = 0;
    attack_run(&a, swing, 1800);
    assert_true(attack_finish_nocredit(&a, "ping-pong load") > 20);
}

/* The PMD that has queue 0 is the busy one, wherever that is: 'high_bp' of
 * another queue there, 'low_bp' of each elsewhere. */
static void
haunt(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    struct vmq_host *h = &a->h;
    bool found = false;

    (void) from_us;
    (void) to_us;
    for (uint32_t i = 1; i < h->raw.n_rxqs; i++) {
        bool here = h->raw.rxqs[i].pmd == h->raw.rxqs[0].pmd && !found;

        h->offered_bp[i] = here ? a->high_bp : a->low_bp;
        found |= here;
    }
}

static void
run_haunt(const char *name, const char *numas, uint32_t high_bp)
{
    struct attack a;

    attack_init(&a, numas);
    host_add(&a.h, 0, 3000);
    for (uint32_t i = 0; i < a.h.s.n_pmds; i++) {
        host_add(&a.h, i, 2000);
    }
    a.low_bp = 2000;
    a.high_bp = high_bp;
    attack_run(&a, haunt, 900);
    attack_finish(&a, name);
}

static void
a_queue_that_has_a_busy_neighbor_wherever_it_goes(void **state)
{
    (void) state;
    run_haunt("haunted queue, 2 PMDs", "0 0", 6000);
    run_haunt("haunted queue, 2 PMDs, losing", "0 0", 8000);
    run_haunt("haunted queue, 3 PMDs", "0 0 0", 6000);
    run_haunt("haunted queue, 3 PMDs, losing", "0 0 0", 8000);
    run_haunt("haunted queue, 5 PMDs, losing", "0 0 0 0 0", 8000);
}

/* Each queue that moves grows by half, and so does the greatest one if none
 * has moved for 5 s.  Beyond 80 %, it begins anew. */
static void
grow(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    struct vmq_host *h = &a->h;
    uint32_t greatest = 0;

    (void) to_us;
    for (uint32_t i = 1; i < h->raw.n_rxqs; i++) {
        if (h->offered_bp[i] > h->offered_bp[greatest]) {
            greatest = i;
        }
    }
    while (a->n_seen < h->n_log || from_us - a->since_us > 5 * SECOND_US) {
        uint32_t i = (a->n_seen < h->n_log
                      ? h->log[a->n_seen++].port_no - 1 : greatest);
        uint32_t bp = h->offered_bp[i] * 3 / 2;

        h->offered_bp[i] = bp <= 8000 ? bp : 1000;
        a->since_us = from_us;
    }
}

static void
queues_that_grow_when_they_are_moved(void **state)
{
    static const char *numas[] = { "0 0", "0 0 0", "0 0 0 0 0" };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(numas); i++) {
        char *name = vmq_xasprintf("growing when moved, PMDs \"%s\"",
                                   numas[i]);
        struct attack a;

        attack_init(&a, numas[i]);
        for (uint32_t k = 0; k < 3 * a.h.s.n_pmds; k++) {
            host_add(&a.h, k % a.h.s.n_pmds, 1800);
        }
        attack_run(&a, grow, 900);
        attack_finish(&a, name);
        free(name);
    }
}

/* One tenant, with four queues on one port, against the others, with one port
 * and one queue each. */
enum { N_OTHERS = 12, OTHERS_BP = 600 };

/* The tenant overloads the PMD that has most of the others' queues and one of
 * its own, with a load that fits nowhere, so that it is the others that have
 * to move.  When they have, or nothing happens, it looks for the next one. */
static void
shove(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    struct vmq_host *h = &a->h;

    if (has_moved(a) || to_us - a->since_us > 2 * SECOND_US) {
        uint32_t best = 0, most = 0;

        for (uint32_t i = N_OTHERS; i < h->raw.n_rxqs; i++) {
            uint32_t n = 1;

            for (uint32_t k = 0; k < N_OTHERS; k++) {
                n += h->raw.rxqs[k].pmd == h->raw.rxqs[i].pmd;
            }
            if (i != a->target && n > most) {
                best = i;
                most = n;
            }
        }
        a->target = best;
        a->since_us = from_us;
    }
    for (uint32_t i = N_OTHERS; i < h->raw.n_rxqs; i++) {
        h->offered_bp[i] = i == a->target ? a->high_bp : a->low_bp;
    }
}

static uint32_t
others_in(const struct vmq_host *h, uint64_t ms)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < h->n_log; i++) {
        uint32_t n = 0;

        for (uint32_t k = i;
             k < h->n_log && h->log[k].ms - h->log[i].ms <= ms; k++) {
            n += h->log[k].port_no <= N_OTHERS;
        }
        most = n > most ? n : most;
    }
    return most;
}

static void
run_shove(const char *name, uint32_t high_bp, uint32_t low_bp)
{
    struct attack a;
    uint32_t n_others = 0, most;

    attack_init(&a, "0 0 0 0");
    for (int i = 0; i < N_OTHERS; i++) {
        host_add(&a.h, i % 4, OTHERS_BP);
    }
    host_add(&a.h, 0, 100);
    for (int i = 1; i < 4; i++) {
        host_add_beside(&a.h, i, 100);
    }
    a.high_bp = high_bp;
    a.low_bp = low_bp;
    attack_run(&a, shove, 600);
    for (uint32_t i = 0; i < a.h.n_log; i++) {
        n_others += a.h.log[i].port_no <= N_OTHERS;
    }
    most = others_in(&a.h, 60000);
    print_message("# %s: %u of %u moves were others', at most %u in any "
                  "minute (at most %u)\n", name, n_others, a.h.n_moves, most,
                  N_OTHERS * host_moves_bound(&a.h.config, 60000));

    /* What the others' own credits let happen to them. */
    assert_uint_in_range(most, 0,
                         N_OTHERS * host_moves_bound(&a.h.config, 60000));
    attack_finish(&a, name);
}

static void
one_tenant_against_the_others(void **state)
{
    (void) state;
    run_shove("tenant, 78 %", 7800, 100);
    run_shove("tenant, 84 %", 8400, 100);
    run_shove("tenant, 84 %, no rest", 8400, 2500);
    run_shove("tenant, 120 %", 12000, 100);
}

/* Steps. */

static void
double_and_halve(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    bool high = from_us / a->period_us % 2;

    (void) to_us;
    for (uint32_t i = 0; i < a->h.raw.n_rxqs && high != a->high; i++) {
        if (high) {
            a->h.offered_bp[i] *= 2;
        } else {
            a->h.offered_bp[i] /= 2;
        }
    }
    a->high = high;
}

static void
all_queues_double_at_once(void **state)
{
    static const uint32_t periods_s[] = { 1, 5, 13, 30 };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(periods_s); i++) {
        char *name = vmq_xasprintf("all double each %u s", 2 * periods_s[i]);
        struct attack a;

        attack_init(&a, "0 0 0 0 0 0");
        for (uint32_t k = 0; k < 14; k++) {
            host_add(&a.h, k % 2, 200 + 100 * (k % 5) * (k % 7));
        }
        a.period_us = periods_s[i] * SECOND_US;
        attack_run(&a, double_and_halve, 420);
        attack_finish(&a, name);
        free(name);
    }
}

/* The biggest queue dies. */
static void
die(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    struct vmq_host *h = &a->h;
    uint32_t biggest = 0;

    (void) to_us;
    if (from_us < a->since_us + a->period_us || h->raw.n_rxqs < 2) {
        return;
    }
    for (uint32_t i = 1; i < h->raw.n_rxqs; i++) {
        if (h->offered_bp[i] > h->offered_bp[biggest]) {
            biggest = i;
        }
    }
    host_remove(h, biggest);
    a->since_us = from_us;
}

static void
death_of_the_biggest_queue(void **state)
{
    static const uint32_t periods_ms[] = { 400, 3000, 15000 };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(periods_ms); i++) {
        char *name = vmq_xasprintf("biggest queue dies each %u ms",
                                   periods_ms[i]);
        struct attack a;

        attack_init(&a, "0 0 0 0 0");
        for (uint32_t k = 0; k < 12; k++) {
            host_add(&a.h, k % 5, 1000 + 350 * k);
        }
        host_run(&a.h, 10000);
        a.period_us = periods_ms[i] * 1000ULL;
        attack_run(&a, die, 200);
        assert_int_equal(a.h.raw.n_rxqs, 1);
        attack_finish(&a, name);
        free(name);
    }
}

/* Ten times a second each queue takes a step up or down, at most 40 %. */
static void
walk(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    (void) from_us;
    (void) to_us;
    for (uint32_t i = 0; i < a->h.raw.n_rxqs; i++) {
        uint32_t bp = a->h.offered_bp[i] + test_random_range(&a->r, 0, 400);

        bp = bp > 200 ? bp - 200 : 0;
        a->h.offered_bp[i] = bp < 4000 ? bp : 4000;
    }
}

static void
random_walks(void **state)
{
    unsigned long int seed = test_environment("VMQ_SEED", 1);

    (void) state;
    for (unsigned long int i = seed; i < seed + 8; i++) {
        char *name = vmq_xasprintf("random walk VMQ_SEED=%lu", i);
        struct attack a;

        attack_init(&a, "0 0 0 0 0 0");
        for (uint32_t k = 0; k < 14; k++) {
            host_add(&a.h, k % 6, 1000);
        }
        a.r.state = i * 0x2545f4914f6cdd1dULL;
        attack_run(&a, walk, 600);
        attack_finish(&a, name);
        free(name);
    }
}

/* 60 % and 30 % on core 0, 20 % on core 1.  The 30 % move.  Then the others
 * change places, and they have to go back. */
static void
the_case_in_the_ledgers_header(void **state)
{
    struct attack a;
    struct vmq_host *h = &a.h;

    (void) state;
    attack_init(&a, "0 0");
    host_add(h, 0, 6000);
    host_add(h, 0, 3000);
    host_add(h, 1, 2000);
    host_run(h, 5000);
    assert_int_equal(h->n_moves, 1);
    assert_int_equal(h->log[0].port_no, 2);
    assert_int_equal(h->raw.rxqs[1].pmd, 1);

    h->offered_bp[0] = 2000;
    h->offered_bp[2] = 6000;
    host_run(h, 5000);
    assert_int_equal(h->n_moves, 2);
    assert_int_equal(h->log[1].port_no, 2);
    assert_int_equal(h->log[1].returned, VMQ_RETURN_FORCED);
    assert_int_equal(h->raw.rxqs[1].pmd, 0);
    assert_int_equal(h->n_forced_returns, 1);
    assert_int_equal(h->n_pingpongs, 0);
    a.us = 10 * SECOND_US;
    attack_finish(&a, "the case in vmq-credit.h");
}

/* The same over and over: queues 0 and 2 have 'low_bp' and 'high_bp' in
 * turn. */
static void
change_places(struct attack *a, uint64_t from_us, uint64_t to_us)
{
    uint32_t bp = wave_bp(square_us, a->period_us, 0, from_us, to_us,
                          a->low_bp, a->high_bp);

    a->h.offered_bp[0] = a->low_bp + a->high_bp - bp;
    a->h.offered_bp[2] = bp;
}

static void
run_change_places(const char *what, uint32_t low_bp, uint32_t high_bp,
                  uint32_t third_bp)
{
    for (uint64_t s = 1; s <= 150; s = s * 3 / 2 + 1) {
        char *name = vmq_xasprintf("%s, each %llu s", what,
                                   (unsigned long long int) s);
        struct attack a;

        attack_init(&a, "0 0");
        host_add(&a.h, 0, high_bp);
        host_add(&a.h, 0, third_bp);
        host_add(&a.h, 1, low_bp);
        a.low_bp = low_bp;
        a.high_bp = high_bp;
        a.period_us = s * SECOND_US;
        attack_run(&a, change_places, 600);
        attack_finish(&a, name);
        free(name);
    }
}

static void
the_case_in_the_ledgers_header_over_and_over(void **state)
{
    (void) state;
    run_change_places("the same", 2000, 6000, 3000);

    /* The two that change places must not share a PMD, so the third one has
     * to avoid the greater of them for ever. */
    run_change_places("the same, no way out", 2500, 6500, 2500);
    run_change_places("the same, no way out, losing", 1500, 7500, 3000);
}

/* Deadlines. */

/* Takes all credits of all queues, by hand, to which nobody returns. */
static void
bankrupt(struct vmq_host *h)
{
    struct vmq_snapshot *s = &h->raw;

    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        for (uint32_t k = 0; k < h->config.credits; k++) {
            struct vmq_move move = {
                .rxq = i, .from = s->n_pmds - 1, .to = s->rxqs[i].pmd,
                .reason = VMQ_REASON_MANUAL,
            };
            enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;

            vmq_credit_commit(h->ledger, &h->config, s, &move, 1, &outcome,
                              NULL);
        }
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        struct vmq_quote quote;

        vmq_credit_quote(h->ledger, &h->config, s, i, VMQ_NONE, &quote);
        assert_int_equal(quote.balance_mc, 0);
    }
}

/* How long it takes until all PMDs are offered less than 'limit_bp'. */
static uint64_t
relief_ms(struct vmq_host *h, uint32_t limit_bp)
{
    uint64_t start_ms = h->raw.now_ms;

    while (host_worst_offered_bp(h) >= limit_bp) {
        host_tick(h);
        if (h->raw.now_ms - start_ms > 60000) {
            return UINT64_MAX;
        }
    }
    return h->raw.now_ms - start_ms;
}

static uint64_t
deadline_ms(const struct vmq_config *c)
{
    return c->spread_hold_ms + 2 * c->interval_ms;
}

/* How long packets are lost when 'n' queues on one PMD step from 5 % to
 * 'load_bp'. */
static uint64_t
step_ms(uint32_t n, uint32_t load_bp, bool credit)
{
    struct vmq_host h;
    uint64_t start_ms, ms;

    host_init(&h, "0 0 0 0");
    for (uint32_t i = 0; i < n; i++) {
        host_add(&h, 0, 500);
    }
    host_run(&h, 20000);
    assert_int_equal(h.n_moves, 0);
    for (uint32_t i = 0; i < n; i++) {
        h.offered_bp[i] = load_bp;
    }
    if (!credit) {
        bankrupt(&h);
    }
    start_ms = h.raw.now_ms;
    ms = relief_ms(&h, VMQ_BP + 1);

    /* However much there is to do, it has begun by then. */
    assert_uint_in_range(h.log[0].ms - start_ms, 0, deadline_ms(&h.config));
    host_destroy(&h);
    return ms;
}

/* A PMD cannot show more than 100 %, so how much more its queues want turns
 * out only as they leave.  Up to that, one plan is enough. */
static void
a_step_is_relieved_in_time_without_credit(void **state)
{
    uint64_t worst_ms = 0;

    (void) state;
    for (uint32_t n = 3; n <= 10; n++) {
        for (uint32_t bp = VMQ_BP / n + 50; bp * (n - 1) <= VMQ_BP; bp += 10) {
            uint64_t ms = step_ms(n, bp, false);

            worst_ms = ms > worst_ms ? ms : worst_ms;
        }
    }
    print_message("# no credit, step to over 100 %%: nothing lost after "
                  "%llu ms\n", (unsigned long long int) worst_ms);
    assert_uint_in_range(worst_ms, 0, 500);
}

static void
credits_never_delay_an_escape(void **state)
{
    uint64_t worst_ms = 0;

    (void) state;
    for (uint32_t n = 3; n <= 10; n++) {
        for (uint32_t bp = VMQ_BP / n + 50; bp * n <= 20000; bp += 50) {
            uint64_t ms = step_ms(n, bp, false);

            worst_ms = ms > worst_ms ? ms : worst_ms;
            assert_int_equal(ms, step_ms(n, bp, true));
        }
    }
    print_message("# with or without credit, step to at most 200 %%: nothing "
                  "lost after %llu ms\n", (unsigned long long int) worst_ms);
}

static void
twenty_small_queues_are_relieved_in_time(void **state)
{
    uint64_t worst_ms = 0;

    (void) state;
    for (uint32_t before_bp = 0; before_bp <= 400; before_bp += 10) {
        struct vmq_host h;
        uint64_t ms;

        host_init(&h, "0 0 0 0");
        for (int i = 0; i < 20; i++) {
            host_add(&h, 0, before_bp);
        }
        host_run(&h, 20000);
        assert_int_equal(h.n_moves, 0);
        for (int i = 0; i < 20; i++) {
            h.offered_bp[i] = 500;
        }
        ms = relief_ms(&h, SPREAD_BP);
        worst_ms = ms > worst_ms ? ms : worst_ms;
        assert_uint_in_range(ms, 0, deadline_ms(&h.config));
        host_destroy(&h);
    }
    print_message("# twenty queues step from 0...4 %% to 5 %%: relieved after "
                  "%llu ms\n", (unsigned long long int) worst_ms);
}

/* Wanted. */

static void
a_step_of_any_height_is_relieved_in_time(void **state)
{
    (void) state;
    for (uint32_t n = 3; n <= 10; n++) {
        for (uint32_t bp = VMQ_BP / n + 50; bp * n <= 20000; bp += 50) {
            assert_uint_in_range(step_ms(n, bp, false), 0, 500);
        }
    }
}

/* In slots of 500 ms, bursts of 300 ms look as if they were no overload, so
 * that what a spread has put apart is coalesced again at once. */
static void
bursts_shorter_than_a_slot_are_not_forgotten(void **state)
{
    (void) state;
    FOR_EACH_PERIOD (period_us) {
        struct attack a;

        if (period_us <= 2 * SECOND_US) {
            wave_init(&a, period_us);
            attack_run(&a, together, 360);
            assert_uint_in_range(a.h.n_moves, 0, 12);
            host_destroy(&a.h);
        }
    }
}

/* Two PMDs at 77.5 % are under the spread threshold, but over the pack
 * target.  Loads as steady as these leave nothing to fear from that. */
static void
five_pmds_at_31_percent_become_two(void **state)
{
    struct vmq_host h;

    (void) state;
    host_init(&h, "0 0 0 0 0");
    for (int i = 0; i < 20; i++) {
        host_add(&h, i / 4, 775);
    }
    host_run(&h, h.config.coalesce_hold_ms + 4000);
    assert_int_equal(host_n_active(&h), 2);
    assert_int_equal(h.lost_cycles, 0);
    host_run(&h, 30000);
    h.n_moves = 0;
    assert_int_equal(host_run(&h, 180000), 0);
    assert_int_equal(host_n_active(&h), 2);
    host_destroy(&h);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(square_waves_at_every_period),
        cmocka_unit_test(pairs_in_antiphase),
        cmocka_unit_test(pairs_in_quadrature),
        cmocka_unit_test(without_credits_some_waves_are_pingpongs),
        cmocka_unit_test(chirps),
        cmocka_unit_test(saw_teeth_at_each_threshold),
        cmocka_unit_test(the_pingpong_load),
        cmocka_unit_test(without_credits_the_pingpong_load_is_one),
        cmocka_unit_test(a_queue_that_has_a_busy_neighbor_wherever_it_goes),
        cmocka_unit_test(queues_that_grow_when_they_are_moved),
        cmocka_unit_test(one_tenant_against_the_others),
        cmocka_unit_test(all_queues_double_at_once),
        cmocka_unit_test(death_of_the_biggest_queue),
        cmocka_unit_test(random_walks),
        cmocka_unit_test(the_case_in_the_ledgers_header),
        cmocka_unit_test(the_case_in_the_ledgers_header_over_and_over),
        cmocka_unit_test(a_step_is_relieved_in_time_without_credit),
        cmocka_unit_test(credits_never_delay_an_escape),
        cmocka_unit_test(twenty_small_queues_are_relieved_in_time),
        cmocka_unit_test(five_pmds_at_31_percent_become_two),
        cmocka_unit_test(bursts_shorter_than_a_slot_are_not_forgotten),
    };
    const struct CMUnitTest wanted[] = {
        cmocka_unit_test(a_step_of_any_height_is_relieved_in_time),
    };

    print_message("# \"of one queue a/b/c/d/e\": in any 1/5/10/60/300 s, "
                  "where C2 allows 13/31/54/279/1359\n");
    return (argc > 1 && !strcmp(argv[1], "wanted")
            ? cmocka_run_group_tests_name("wanted", wanted, NULL, NULL)
            : cmocka_run_group_tests_name("adversary", tests, NULL, NULL));
}

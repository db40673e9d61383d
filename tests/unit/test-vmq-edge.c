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
#include "vmq-edge.h"

#include "vmq-snapshot-check.h"
#include "vmq-test.h"

/* Two PMDs, on cores 0 and 1.  Core 0 polls queues 0 and 1 of p1, core 1 polls
 * queue 0 of p2.  The window is 100 ms of 1,000 cycles each, in which they
 * took 30, 10 and 20 %.  A glance is 1,000 cycles. */

#define WINDOW_CYCLES 100000
#define GLANCE_CYCLES 1000

struct glance {
    struct vmq_snapshot window, first, second;
    uint64_t had_us;            /* Core 0 had a CPU for so long in it. */
};

static void
add_pmds_and_rxqs(struct vmq_snapshot *s)
{
    uint32_t p1, p2;

    vmq_snapshot_init(s);
    vmq_snapshot_add_pmd(s, 0, 0);
    vmq_snapshot_add_pmd(s, 1, 0);
    p1 = vmq_snapshot_add_port(s, "p1", 1);
    p2 = vmq_snapshot_add_port(s, "p2", 2);
    vmq_snapshot_add_rxq(s, p1, 0, 0, 0);
    vmq_snapshot_add_rxq(s, p1, 1, 0, 0);
    vmq_snapshot_add_rxq(s, p2, 0, 1, 0);
    vmq_snapshot_sort(s);
}

static void
glance_init(struct glance *g)
{
    static const uint64_t percent[] = { 30, 10, 20 };

    g->had_us = 1000;
    add_pmds_and_rxqs(&g->window);
    g->window.window_ms = 100;
    g->window.window_ns = 100000000;
    g->window.window_cycles = WINDOW_CYCLES;
    for (uint32_t i = 0; i < 3; i++) {
        g->window.rxqs[i].cycles = percent[i] * WINDOW_CYCLES / 100;
    }

    add_pmds_and_rxqs(&g->first);
    g->first.now_ms = 5000;
    g->first.window_cycles = 5000000;
    g->first.window_ns = 5000000000;
    add_pmds_and_rxqs(&g->second);
    g->first.generation = g->second.generation = 7;
    g->second.now_ms = 5001;
    g->second.window_cycles = g->first.window_cycles + GLANCE_CYCLES;
    g->second.window_ns = g->first.window_ns + 1000000;
    for (uint32_t i = 0; i < 3; i++) {
        g->first.rxqs[i].cycles = 70000 + i;
        g->second.rxqs[i].cycles = 70000 + i;
    }
}

static void
glance_destroy(struct glance *g)
{
    vmq_snapshot_destroy(&g->window);
    vmq_snapshot_destroy(&g->first);
    vmq_snapshot_destroy(&g->second);
}

/* In the glance, queue 'rxq' takes 'percent' of its PMD, in batches that are
 * 'full' or not. */
static void
use(struct glance *g, uint32_t rxq, uint64_t percent, bool full)
{
    struct vmq_rxq *q = &g->second.rxqs[rxq];
    struct vmq_pmd *pmd = &g->second.pmds[q->pmd];

    q->cycles += percent * GLANCE_CYCLES / 100;
    q->packets += percent;
    q->polls += percent;
    q->full_batches += full ? percent : 0;
    pmd->busy_cycles += percent * GLANCE_CYCLES / 100;
}

/* What 'rxq' takes, in percent of the window. */
static uint64_t
percent_of(const struct glance *g, uint32_t rxq)
{
    return g->window.rxqs[rxq].cycles * 100 / g->window.window_cycles;
}

static void
look(struct glance *g)
{
    char *why;

    assert_true(vmq_edge_glance(&g->window, &g->first, &g->second));
    if (!vmq_snapshot_valid(&g->window, true, &why)) {
        fail_msg("%s", why);
    }
}

/* A PMD with an edge shows what the glance says, also where that is less. */
static void
a_pmd_with_an_edge_shows_the_glance(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.second.pmds[0].edge = true;
    use(&g, 0, 5, false);
    use(&g, 1, 95, true);
    look(&g);
    assert_int_equal(percent_of(&g, 0), 5);
    assert_int_equal(percent_of(&g, 1), 95);
    assert_int_equal(g.window.rxqs[1].packets, 95 * 100);
    assert_int_equal(g.window.pmds[0].busy_cycles, WINDOW_CYCLES);
    assert_true(g.window.pmds[0].edge);
    assert_false(g.window.pmds[1].edge);
    glance_destroy(&g);
}

/* E1: others show what is more, the PMD as a whole. */
static void
other_pmds_show_what_is_more(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.second.pmds[1].edge = true;
    use(&g, 0, 20, false);
    use(&g, 1, 19, false);
    use(&g, 2, 1, false);
    look(&g);
    assert_int_equal(percent_of(&g, 0), 30);
    assert_int_equal(percent_of(&g, 1), 10);
    assert_int_equal(percent_of(&g, 2), 1);
    glance_destroy(&g);

    glance_init(&g);
    g.second.pmds[1].edge = true;
    use(&g, 0, 20, false);
    use(&g, 1, 21, false);
    look(&g);
    assert_int_equal(percent_of(&g, 0), 20);
    assert_int_equal(percent_of(&g, 1), 21);
    assert_int_equal(g.window.pmds[0].busy_cycles, 41 * WINDOW_CYCLES / 100);
    glance_destroy(&g);
}

/* A backlog is one of a PMD that has an edge, and of whole batches. */
static void
a_backlog_is_one_of_an_edge(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.window.rxqs[0].backlog = g.window.rxqs[2].backlog = true;
    g.second.pmds[0].edge = true;
    use(&g, 0, 50, false);
    use(&g, 1, 50, true);
    use(&g, 2, 1, true);
    look(&g);
    assert_false(g.window.rxqs[0].backlog);
    assert_true(g.window.rxqs[1].backlog);
    assert_false(g.window.rxqs[2].backlog);
    glance_destroy(&g);

    glance_init(&g);
    use(&g, 2, 100, true);
    look(&g);
    assert_false(g.window.rxqs[2].backlog);
    glance_destroy(&g);
}

/* E2. */
static void
a_glance_without_time_changes_no_load(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.second.window_cycles = g.first.window_cycles;
    g.second.pmds[0].edge = true;
    use(&g, 0, 90, true);
    look(&g);
    assert_int_equal(percent_of(&g, 0), 30);
    assert_int_equal(percent_of(&g, 1), 10);
    assert_true(g.window.pmds[0].edge);
    glance_destroy(&g);
}

/* Without a window, the glance is one. */
static void
without_a_window_the_glance_is_one(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.window.window_ms = g.window.window_ns = g.window.window_cycles = 0;
    for (uint32_t i = 0; i < 3; i++) {
        g.window.rxqs[i].cycles = 0;
    }
    use(&g, 2, 40, false);
    look(&g);
    assert_int_equal(g.window.window_cycles, GLANCE_CYCLES);
    assert_int_equal(percent_of(&g, 2), 40);
    glance_destroy(&g);
}

/* A queue is where the second sample says, and nothing settles. */
static void
places_are_of_the_second_sample(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.window.pmds[1].settling = true;
    g.window.rxqs[0].n_history = 3;
    g.second.rxqs[0].pmd = 1;
    g.second.rxqs[0].n_moves = 4;
    g.second.rxqs[1].mobility = VMQ_PINNED;
    g.second.pmds[1].isolated = true;
    look(&g);
    assert_int_equal(g.window.rxqs[1].mobility, VMQ_PINNED);
    assert_true(g.window.pmds[1].isolated);
    assert_int_equal(g.window.rxqs[0].pmd, 1);
    assert_int_equal(g.window.rxqs[0].n_moves, 4);
    assert_int_equal(g.window.rxqs[0].n_history, 3);
    assert_false(g.window.pmds[1].settling);
    assert_int_equal(g.window.generation, 7);
    assert_int_equal(g.window.now_ms, 5001);
    glance_destroy(&g);
}

/* E3.  An iteration that takes longer than a glance is busy. */
static void
a_long_iteration_is_busy(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.window.pmds[0].idle_cycles = WINDOW_CYCLES;
    g.window.pmds[0].stolen_cycles = WINDOW_CYCLES / 2;
    g.second.pmds[0].edge = true;
    g.second.rxqs[1].polls = g.second.rxqs[1].full_batches = 3;
    look(&g);
    assert_int_equal(g.window.pmds[0].busy_cycles, WINDOW_CYCLES);
    assert_int_equal(g.window.pmds[0].idle_cycles, 0);
    assert_true(g.window.rxqs[1].backlog);
    glance_destroy(&g);

    glance_init(&g);
    g.window.pmds[0].idle_cycles = WINDOW_CYCLES;
    g.window.pmds[0].stolen_cycles = WINDOW_CYCLES / 2;
    g.second.pmds[0].edge = true;
    g.second.pmds[0].idle_cycles = GLANCE_CYCLES / 10;
    look(&g);
    assert_int_equal(g.window.pmds[0].stolen_cycles, WINDOW_CYCLES / 10);
    glance_destroy(&g);
}

/* Samples of other PMDs, ports or queues say nothing. */
static void
samples_of_other_things_say_nothing(void **state)
{
    (void) state;
    for (int i = 0; i < 7; i++) {
        struct glance g;

        glance_init(&g);
        switch (i) {
        case 0:
            g.second.pmds[1].core_id = 2;
            break;
        case 1:
            g.first.ports[1].port_no = 3;
            break;
        case 2:
            g.second.ports[1].name[0] = 'q';
            break;
        case 3:
            g.second.rxqs[1].qid = 2;
            break;
        case 4:
            vmq_snapshot_add_rxq(&g.second, 1, 1, 1, 0);
            break;
        case 5:
            g.second.generation++;
            break;
        case 6:
            g.second.window_cycles = g.first.window_cycles - 1;
            break;
        }
        assert_false(vmq_edge_glance(&g.window, &g.first, &g.second));
        glance_destroy(&g);
    }
}

/* A glance is over when each PMD with an edge has been seen long enough. */
static void
long_iterations_are_seen(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    assert_true(vmq_edge_seen_enough(&g.first, &g.second));
    g.second.pmds[0].edge = true;
    assert_false(vmq_edge_seen_enough(&g.first, &g.second));
    g.second.rxqs[2].polls += 100;
    assert_false(vmq_edge_seen_enough(&g.first, &g.second));
    g.second.rxqs[0].polls += VMQ_GLANCE_POLLS - 1;
    g.second.rxqs[1].polls += VMQ_GLANCE_POLLS - 1;
    assert_false(vmq_edge_seen_enough(&g.first, &g.second));
    g.second.rxqs[1].polls++;
    assert_true(vmq_edge_seen_enough(&g.first, &g.second));

    /* Each of them. */
    g.second.pmds[1].edge = true;
    assert_true(vmq_edge_seen_enough(&g.first, &g.second));
    g.second.rxqs[2].polls = 0;
    assert_false(vmq_edge_seen_enough(&g.first, &g.second));

    /* There is nothing to wait for. */
    g.second.window_cycles = g.first.window_cycles;
    assert_true(vmq_edge_seen_enough(&g.first, &g.second));
    glance_destroy(&g);
}

/* In the second before 'second', core 0 was without a CPU for 'stolen_us'. */
static uint64_t
catch_up_us(struct glance *g, uint64_t stolen_us)
{
    const uint64_t cycles = 1000000, ns = 1000000000;
    struct vmq_pmd before = g->first.pmds[0], *now = &g->second.pmds[0];

    now->busy_cycles = before.busy_cycles + cycles / 4;
    now->idle_cycles = before.idle_cycles + cycles * 3 / 4;
    before.cpu_ns = ns;
    now->cpu_ns = before.cpu_ns + ns - stolen_us * 1000;
    g->first.pmds[0].cpu_ns = now->cpu_ns - g->had_us * 1000;
    if (!g->second.rxqs[0].polls) {
        g->second.rxqs[0].polls = 100;
    }
    return vmq_edge_catch_up_ns(&g->window, &before, &g->first, &g->second,
                                0) / 1000;
}

/* At 40 %, with what came in 3 ms: 2 ms, in which another 2 ms' come. */
static void
what_was_stolen_is_caught_up_with(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    assert_int_equal(catch_up_us(&g, 3000), 2000);
    assert_int_equal(catch_up_us(&g, 0), 0);

    /* More CPU than has been charged is no reason. */
    assert_int_equal(catch_up_us(&g, -1000), 0);

    /* Less than a glance is not worth it. */
    assert_int_equal(catch_up_us(&g, 374), 0);
    assert_int_equal(catch_up_us(&g, 376), 250);

    /* There is an end. */
    assert_int_equal(catch_up_us(&g, 29999), 19999);
    assert_int_equal(catch_up_us(&g, 900000), 20000);

    /* Only that PMD's load counts, where queues are now: 95 % of it. */
    g.window.rxqs[2].cycles = WINDOW_CYCLES;
    g.window.rxqs[0].cycles = 85 * WINDOW_CYCLES / 100;
    assert_int_equal(catch_up_us(&g, 100), 1900);
    g.second.rxqs[0].pmd = 1;
    assert_int_equal(catch_up_us(&g, 9000), 1000);

    /* Less is noise. */
    g.second.rxqs[0].pmd = 0;
    assert_int_equal(catch_up_us(&g, 99), 0);
    glance_destroy(&g);
}

/* Two iterations, of the millisecond between the samples, may be charged and
 * not be over. */
static void
long_iterations_are_not_stolen(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.second.rxqs[1].polls = g.second.rxqs[0].polls = 1;
    assert_int_equal(catch_up_us(&g, 1999), 0);
    assert_int_not_equal(catch_up_us(&g, 2001), 0);
    g.second.rxqs[1].polls = 10;
    assert_int_not_equal(catch_up_us(&g, 1999), 0);

    /* One that has had no CPU in the glance either has no long iterations. */
    g.second.rxqs[1].polls = 1;
    g.had_us = 10;
    assert_int_not_equal(catch_up_us(&g, 1999), 0);
    glance_destroy(&g);
}

/* More than it can do is never caught up with. */
static void
what_is_too_much_gets_no_time(void **state)
{
    struct glance g;

    (void) state;
    glance_init(&g);
    g.window.rxqs[0].cycles = WINDOW_CYCLES;
    assert_int_equal(catch_up_us(&g, 5000), 0);
    glance_destroy(&g);
}

/* ...and then nobody waits. */
static void
samples_of_other_pmds_say_nothing(void **state)
{
    (void) state;
    for (int i = 0; i < 6; i++) {
        struct glance g;

        glance_init(&g);
        assert_int_equal(catch_up_us(&g, 3000), 2000);
        switch (i) {
        case 0:
            g.window.window_cycles = 0;
            break;
        case 1:
            g.first.pmds[0].core_id = 7;
            break;
        case 2:
            g.window.pmds[0].core_id = 7;
            break;
        case 3:
            g.second.pmds[0].busy_cycles = 0;
            g.first.pmds[0].busy_cycles = 1;
            break;
        case 4:
            g.second.pmds[0].cpu_ns = 0;
            g.first.pmds[0].cpu_ns = 1;
            break;
        case 5:
            g.first.pmds[0].cpu_ns = 0;
            break;
        }
        assert_int_equal(vmq_edge_catch_up_ns(&g.window, &g.first.pmds[0],
                                              &g.first, &g.second, 0), 0);
        glance_destroy(&g);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pmd_with_an_edge_shows_the_glance),
        cmocka_unit_test(other_pmds_show_what_is_more),
        cmocka_unit_test(a_backlog_is_one_of_an_edge),
        cmocka_unit_test(a_glance_without_time_changes_no_load),
        cmocka_unit_test(without_a_window_the_glance_is_one),
        cmocka_unit_test(places_are_of_the_second_sample),
        cmocka_unit_test(a_long_iteration_is_busy),
        cmocka_unit_test(samples_of_other_things_say_nothing),
        cmocka_unit_test(long_iterations_are_seen),
        cmocka_unit_test(what_was_stolen_is_caught_up_with),
        cmocka_unit_test(long_iterations_are_not_stolen),
        cmocka_unit_test(what_is_too_much_gets_no_time),
        cmocka_unit_test(samples_of_other_pmds_say_nothing),
    };

    return cmocka_run_group_tests_name("edge", tests, NULL, NULL);
}

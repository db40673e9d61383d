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

#ifndef VMQ_WORLD_H
#define VMQ_WORLD_H 1

/* A made-up world for tests of the simulator.
 *
 * Motivation
 * ==========
 *
 * A test of the simulator should say these loads, this policy, and then what
 * it did when and what came of it, so that all of that can be worked out by
 * hand.
 *
 * Unless a test says otherwise, a PMD does 1000 packets/s, so that a load in
 * packets/s is one in tenths of a percent, a ring holds 100 packets, and loads
 * are steps.
 *
 * Usage
 * =====
 *
 *     struct world w;
 *
 *     WORLD_INIT(&w, 2, 3,                 2 PMDs, 3 queues,
 *                0, 600, 100, 200,         their loads at 0 s
 *                5, 600, 900, 200);        and at 5 s, until 10 s.
 *     play(&w, "rsspp");
 *     ASSERT_PLACED(&w, 0, 1, 0);          Where the queues were at the start.
 *     ASSERT_MOVES(&w, { MS(100), 2, 0, 1 });
 *     ASSERT_NEAR(w.r.lost_packets, 0);
 *     world_destroy(&w);
 *
 * Between WORLD_INIT() and play() a test may change w.o, the options, and
 * w.trace.  Whatever is played, no packet may appear or vanish: play() checks
 * that. */

#include "vmq-sim.h"
#include "vmq-test.h"

#define WORLD_QUEUES 64         /* At most. */
#define WORLD_PMDS 8

#define MS(N) ((N) * SIM_NS_PER_MS)
#define S(N) ((N) * SIM_NS_PER_S)

/* A move that was made. */
struct move {
    uint64_t ns;
    uint32_t rxq, from, to;
};

/* A move that a script makes, at a time in ms. */
struct request {
    uint64_t ms;
    uint32_t rxq, to;
    bool overloaded;
};

/* A simulation, and what was seen of it. */
struct world {
    struct vmq_trace trace;
    struct sim_options o;
    int32_t numa_ids[WORLD_PMDS];
    struct sim_result r;

    /* The policy, which is watched, or a script. */
    const struct sim_policy *policy;
    void *state;
    struct sim *sim;
    const uint32_t *places;
    const struct request *requests;
    uint32_t n_requests;
    bool free_moves;

    uint32_t placed[WORLD_QUEUES];
    uint64_t *ticks_ns;
    uint32_t n_ticks;
    struct move *moves;
    uint32_t n_moves;

    /* At the end. */
    double packets[WORLD_QUEUES];
    double waiting[WORLD_QUEUES];
    double busy_s[WORLD_PMDS];
};

/* N_PMDS PMDs, N_QUEUES queues, and rows of a time and a rate for each. */
#define WORLD_INIT(W, N_PMDS, N_QUEUES, ...) \
    world_init__(W, N_PMDS, N_QUEUES, \
                 TEST_ARRAY_SIZE(((double[]) { __VA_ARGS__ })), \
                 (double[]) { __VA_ARGS__ })
void world_init__(struct world *, uint32_t n_pmds, uint32_t n_queues,
                  size_t n, const double *values);
void world_destroy(struct world *);

/* Like a switch: 4,000,000 packets/s for a PMD, of which PERCENT() is a part,
 * and rings of 2048. */
void switch_like(struct world *);
#define PERCENT(N) ((N) * 40000.)

/* Plays the policy called 'name'. */
void play(struct world *, const char *name);
/* Places queue I on PMD 'places[I]' and makes the moves that 'requests' asks
 * for. */
void play_script(struct world *, const uint32_t *places,
                 const struct request *requests, uint32_t n_requests);

/* How many PMDs had queues at 'ns'. */
uint32_t active_at(const struct world *, uint64_t ns);

#define ASSERT_NEAR(VALUE, WANT) \
    assert_near(VALUE, WANT, 1e-9, __FILE__, __LINE__)
/* A delay, which is counted in bins of 4.4 %. */
#define ASSERT_DELAY(VALUE, WANT) \
    assert_near(VALUE, WANT, .0221, __FILE__, __LINE__)
void assert_near(double value, double want, double tolerance,
                 const char *file, int line);

/* Queue I must have been on PMD I of these at the start. */
#define ASSERT_PLACED(W, ...) \
    assert_placed(W, TEST_ARRAY_SIZE(((uint32_t[]) { __VA_ARGS__ })), \
                  (uint32_t[]) { __VA_ARGS__ }, __FILE__, __LINE__)
void assert_placed(const struct world *, size_t n, const uint32_t *pmds,
                   const char *file, int line);

/* These and no others must have been the moves. */
#define ASSERT_MOVES(W, ...) \
    assert_moves(W, TEST_ARRAY_SIZE(((struct move[]) { __VA_ARGS__ })), \
                 (struct move[]) { __VA_ARGS__ }, __FILE__, __LINE__)
#define ASSERT_NO_MOVES(W) assert_moves(W, 0, NULL, __FILE__, __LINE__)
void assert_moves(const struct world *, size_t n, const struct move *,
                  const char *file, int line);

/* The timeline must add up to the result. */
void assert_timeline(const struct world *);

#endif /* vmq-world.h */

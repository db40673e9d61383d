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
#include "vmq-world.h"

#include <inttypes.h>
#include <math.h>

#include "vmq-snapshot.h"
#include "vmq-util.h"

/* The one that is being simulated: policies have no other way to know. */
static struct world *w_now;

/* Makes a trace of 'n' numbers: rows of a time and 'n_queues' rates. */
static void
trace_init(struct vmq_trace *t, uint32_t n_queues, size_t n,
           const double *values)
{
    memset(t, 0, sizeof *t);
    t->n_queues = n_queues;
    t->names = vmq_xcalloc(n_queues, sizeof *t->names);
    t->numa_ids = vmq_xcalloc(n_queues, sizeof *t->numa_ids);
    for (uint32_t i = 0; i < n_queues; i++) {
        t->names[i] = vmq_xasprintf("port%"PRIu32"/0", i);
        t->numa_ids[i] = -1;
    }
    t->n_rows = n / (n_queues + 1);
    assert_int_equal(n, t->n_rows * (n_queues + 1));
    t->times_s = vmq_xcalloc(t->n_rows, sizeof *t->times_s);
    t->rates_pps = vmq_xcalloc((size_t) t->n_rows * n_queues,
                               sizeof *t->rates_pps);
    for (uint32_t row = 0; row < t->n_rows; row++) {
        t->times_s[row] = *values++;
        for (uint32_t i = 0; i < n_queues; i++) {
            t->rates_pps[row * n_queues + i] = *values++;
        }
    }
    t->end_s = t->times_s[t->n_rows - 1];
    t->end_s += t->n_rows > 1 ? t->end_s - t->times_s[t->n_rows - 2] : 1;
}

void
world_init__(struct world *w, uint32_t n_pmds, uint32_t n_queues, size_t n,
             const double *values)
{
    memset(w, 0, sizeof *w);
    trace_init(&w->trace, n_queues, n, values);
    w->o.trace = &w->trace;
    w->o.speedup = 1;
    w->o.n_pmds = n_pmds;
    w->o.numa_ids = w->numa_ids;
    w->o.hz = 1e6;
    w->o.cycles_per_packet = 1000;
    w->o.ring = 100;
    w->o.flows = 1000;
    vmq_config_init(&w->o.config);
}

/* Forgets the last run. */
static void
world_forget(struct world *w)
{
    sim_result_destroy(&w->r);
    free(w->ticks_ns);
    free(w->moves);
    w->ticks_ns = NULL;
    w->moves = NULL;
    w->n_ticks = w->n_moves = 0;
}

void
world_destroy(struct world *w)
{
    world_forget(w);
    vmq_trace_destroy(&w->trace);
}

/* Watching a policy. */

static void *
spy_create(struct sim *sim)
{
    struct world *w = w_now;

    w->sim = sim;
    w->state = w->policy->create(sim);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        w->placed[i] = sim->rxqs[i].pmd;
    }
    return w;
}

static void
spy_destroy(void *w_)
{
    struct world *w = w_;

    for (uint32_t i = 0; i < w->sim->n_rxqs; i++) {
        w->packets[i] = w->sim->rxqs[i].packets;
        w->waiting[i] = w->sim->rxqs[i].waiting;
    }
    for (uint32_t i = 0; i < w->sim->n_pmds; i++) {
        w->busy_s[i] = w->sim->pmds[i].busy_s;
    }
    w->policy->destroy(w->state);
}

/* Has 'call' do something, and keeps what it moves. */
static void
spy_call(struct world *w, struct sim *sim, void (*call)(void *, struct sim *))
{
    uint32_t before[WORLD_QUEUES] = { 0 };

    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        before[i] = sim->rxqs[i].pmd;
    }
    call(w->state, sim);
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        if (sim->rxqs[i].pmd != before[i]) {
            w->moves = vmq_xrealloc(w->moves, w->n_moves + 1,
                                    sizeof *w->moves);
            w->moves[w->n_moves++] = (struct move) {
                .ns = sim->now_ns, .rxq = i,
                .from = before[i], .to = sim->rxqs[i].pmd
            };
        }
    }
}

static void
spy_tick(void *w_, struct sim *sim)
{
    struct world *w = w_;

    w->ticks_ns = vmq_xrealloc(w->ticks_ns, w->n_ticks + 1,
                               sizeof *w->ticks_ns);
    w->ticks_ns[w->n_ticks++] = sim->now_ns;
    spy_call(w, sim, w->policy->tick);
}

static void
spy_watch(void *w_, struct sim *sim)
{
    struct world *w = w_;

    spy_call(w, sim, w->policy->watch);
}

/* Plays 'policy', and checks what goes for all of them. */
static void
play_policy(struct world *w, const struct sim_policy *policy)
{
    struct sim_policy spy = {
        policy->name, policy->summary, spy_create, spy_destroy, spy_tick,
        policy->pays, policy->watch ? spy_watch : NULL
    };
    double rest = 0;

    world_forget(w);
    w->policy = policy;
    w_now = w;
    sim_run(&w->o, &spy, NULL, NULL, &w->r);

    /* No packet appears or vanishes, unless they are counted wrong. */
    for (uint32_t i = 0; i < w->trace.n_queues; i++) {
        rest += w->packets[i] + w->waiting[i];
        assert_true(w->waiting[i] >= 0 && w->waiting[i] <= w->o.ring);
    }
    assert_true(w->o.noise > 0
                || (fabs(w->r.offered_packets - w->r.lost_packets - rest)
                    <= 1e-9 * w->r.offered_packets + 1e-6));
    assert_true(w->r.unavoidable_lost_packets
                <= w->r.lost_packets + w->trace.n_queues * w->o.ring);
}

void
play(struct world *w, const char *name)
{
    const struct sim_policy *policy = sim_policy_find(name);

    assert_non_null(policy);
    play_policy(w, policy);
}

/* A script, as a policy. */

static void
script_schedule(struct sim *sim)
{
    sim->tick_ns = (w_now->n_requests ? MS(w_now->requests->ms) : SIM_NEVER);
}

static void *
script_create(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_rxqs; i++) {
        sim_place(sim, i, w_now->places[i]);
    }
    script_schedule(sim);
    return NULL;
}

static void
script_destroy(void *state)
{
    (void) state;
}

static void
script_tick(void *state, struct sim *sim)
{
    struct world *w = w_now;

    (void) state;
    while (w->n_requests && MS(w->requests->ms) <= sim->now_ns) {
        const struct request *request = w->requests++;

        w->n_requests--;
        sim_move(sim, request->rxq, request->to,
                 request->overloaded ? SIM_OVERLOAD : SIM_WISH);
    }
    script_schedule(sim);
}

void
play_script(struct world *w, const uint32_t *places,
            const struct request *requests, uint32_t n_requests)
{
    const struct sim_policy policy = {
        "script", "", script_create, script_destroy, script_tick,
        !w->free_moves, NULL
    };

    w->places = places;
    w->requests = requests;
    w->n_requests = n_requests;
    play_policy(w, &policy);
}

/* Assertions. */

void
assert_near(double value, double want, double tolerance, const char *file,
            int line)
{
    if (!(fabs(value - want) <= tolerance * fabs(want) + 1e-9)) {
        print_error("%.12g, not %.12g\n", value, want);
        _fail(file, line);
    }
}

void
assert_placed(const struct world *w, size_t n, const uint32_t *pmds,
              const char *file, int line)
{
    bool wrong = n != w->trace.n_queues;

    for (size_t i = 0; i < n && !wrong; i++) {
        wrong = w->placed[i] != pmds[i];
    }
    if (wrong) {
        for (uint32_t i = 0; i < w->trace.n_queues; i++) {
            print_error("queue %"PRIu32" is on PMD %"PRIu32"\n", i,
                        w->placed[i]);
        }
        _fail(file, line);
    }
}

static bool
same_move(const struct move *a, const struct move *b)
{
    return (a->ns == b->ns && a->rxq == b->rxq && a->from == b->from
            && a->to == b->to);
}

static void
print_move(const struct move *m)
{
    if (m) {
        print_error("%.9f s: queue %"PRIu32" from %"PRIu32" to %"PRIu32,
                    m->ns / 1e9, m->rxq, m->from, m->to);
    } else {
        print_error("nothing");
    }
}

void
assert_moves(const struct world *w, size_t n, const struct move *moves,
             const char *file, int line)
{
    bool wrong = n != w->n_moves;

    for (size_t i = 0; i < n && !wrong; i++) {
        wrong = !same_move(&w->moves[i], &moves[i]);
    }
    if (wrong) {
        for (uint32_t i = 0; i < w->n_moves || i < n; i++) {
            const struct move *m = i < w->n_moves ? &w->moves[i] : NULL;
            const struct move *want = i < n ? &moves[i] : NULL;

            print_move(m);
            if (!m || !want || !same_move(m, want)) {
                print_error("; not ");
                print_move(want);
            }
            print_error("\n");
        }
        _fail(file, line);
    }
    assert_int_equal(w->r.moves, n);
}

uint32_t
active_at(const struct world *w, uint64_t ns)
{
    uint32_t pmds[WORLD_QUEUES], n[WORLD_PMDS] = { 0 }, n_active = 0;

    memcpy(pmds, w->placed, sizeof pmds);
    for (uint32_t i = 0; i < w->n_moves && w->moves[i].ns <= ns; i++) {
        pmds[w->moves[i].rxq] = w->moves[i].to;
    }
    for (uint32_t i = 0; i < w->trace.n_queues; i++) {
        n_active += !n[pmds[i]]++;
    }
    return n_active;
}

void
assert_timeline(const struct world *w)
{
    uint32_t n_pmds = w->o.n_pmds;
    double offered = 0, active = 0, lost = 0, moves = 0;

    for (uint32_t i = 0; i < w->o.n_periods; i++) {
        const struct sim_period *p = &w->r.periods[i];
        double loads = 0, actives = 0;

        offered += p->offered;
        active += p->active;
        lost += p->lost;
        moves += p->moves;
        for (uint32_t k = 0; k < n_pmds; k++) {
            loads += w->r.loads[i * n_pmds + k];
            actives += w->r.actives[i * n_pmds + k];
            assert_true(w->r.actives[i * n_pmds + k]
                        <= w->r.seconds / w->o.n_periods * (1 + 1e-4));
        }
        /* Sums of many numbers of single precision. */
        assert_near(loads, p->offered, 1e-4, __FILE__, __LINE__);
        assert_near(actives, p->active, 1e-4, __FILE__, __LINE__);
    }
    ASSERT_NEAR(offered * (w->o.hz / w->o.cycles_per_packet),
                w->r.offered_packets);
    ASSERT_NEAR(active, w->r.pmd_seconds);
    ASSERT_NEAR(lost, w->r.lost_packets);
    ASSERT_NEAR(moves, w->r.moves);
}

void
switch_like(struct world *w)
{
    w->o.hz = 2.4e9;
    w->o.cycles_per_packet = 600;
    w->o.ring = 2048;
}

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

/* Hostile tenants: what one of them can cost the others at most.
 *
 * A tenant has one port with up to 8 queues, among other tenants', and does
 * with the load of each whatever it likes at any moment.  It knows more than a
 * real one could: where all queues are, what each is offered, and the
 * settings.  Its strategies are random mixtures, in stages, of
 *
 *   - waves, in step or staggered, whose periods are those of the settings
 *     (interval, spread hold, slots, refill time, coalesce hold, a minute) or
 *     any other;
 *   - random telegraphs;
 *   - chases: high on the queue that shares a PMD with a victim, or with most
 *     of the others' queues, again when that has moved, at once or later;
 *   - swings: high until something moves, then low for a while;
 *   - hovering at a threshold, exact to some basis points.
 *
 * Each attack is made on a host with the closed loop of window, planner and
 * ledger, and beside it, with the same loads of the victims,
 *
 *   - "quiet": the tenant sends nothing;
 *   - "peak": each of its queues always has the highest load that it had in
 *     the attack;
 *   - "static": the loads of the attack, but no queue ever moves from where
 *     an assignment in turn has put it;
 *   - "packed": likewise, from where VMQ had put it before the attack.
 *
 * What is asserted of each attack:
 *
 *   T1. No queue of anybody returns voluntarily within a minute, or makes more
 *       moves in any W ms than C2 in vmq-credit.h allows.
 *   T2. No queue of a victim that has a backlog is for longer than
 *       stuck_bound_ms() at a time on a PMD that loses packets, while another
 *       one has room for it under the pack target.
 *   T3. Of the victims' packets no more are lost than in the worst of "peak",
 *       "static" and "packed", but for MAX_LOSS_BP.
 *   T4. The PMDs are awake for no longer than in the worse of "quiet" and
 *       "peak", but for one PMD.
 *   T5. When the attack ends, the host comes to rest within rest_bound_ms(),
 *       on at most one PMD more than the quiet one.
 *
 * T1, T2 and T5's time follow from the rules; how far off T3, T4 and the PMDs
 * of T5 may be is what was found in many more attacks than are made here.
 *
 * Without credits there must be attacks that break T1: otherwise it says
 * nothing.
 *
 * The worst of each with the default settings is printed with the VMQ_SEED
 * that makes it the first case of a run.  If VMQ_CASES is 1, so is the
 * attack. */

#include <config.h>

#include "vmq-host.h"
#include "vmq-test.h"
#include "vmq-util.h"

enum {
    MAX_PMDS = 6,
    MAX_VICTIMS = 16,
    MAX_MINE = 8,               /* Queues of the tenant. */
    MAX_STAGES = 3,
    ATTACK_MS = 240000,
    SETTLE_MS = 20000,          /* Before the attack. */
    N_WITHOUT_CREDITS = 100,    /* Attacks made without credits as well. */

    MAX_LOSS_BP = 2000,         /* Of what the victims send. */
    MAX_AWAKE_MS = ATTACK_MS,   /* One PMD. */
};

enum shape { WAVE, TELEGRAPH, CHASE, CROWD, SWING, HOVER, N_SHAPES };
static const char *const shape_names[N_SHAPES] = {
    "wave", "telegraph", "chase", "crowd", "swing", "hover"
};

struct stage {
    enum shape shape;
    uint64_t ms;                /* How long it is. */
    uint64_t period_ms;         /* Of waves; of rest, in swings... */
    uint64_t delay_ms;          /* ...before anything is answered. */
    uint32_t duty_pct;
    bool staggered;             /* Queues one after the other. */
    uint32_t low_bp, high_bp;
    uint32_t victim;
};

struct attack {
    struct vmq_config config;
    uint32_t n_pmds, n_victims, n_mine, n_stages;
    uint32_t victims_bp[MAX_VICTIMS];
    uint32_t swell_bp[MAX_VICTIMS];     /* Height of waves on top of that... */
    uint64_t swell_ms[MAX_VICTIMS];     /* ...and their period. */
    struct stage stages[MAX_STAGES];
    uint64_t seed;
};

enum mode { ATTACK, QUIET, PEAK };

struct result {
    uint32_t moves[MAX_VICTIMS];
    uint32_t most_a_minute;             /* Moves of one victim. */
    bool broken;                        /* T1's bound on moves. */
    uint64_t stuck_ms;                  /* T2, the longest time. */
    uint64_t offered, lost;             /* Victims', basis points x ms. */
    uint64_t static_lost, packed_lost;
    uint64_t awake_ms;                  /* Sum over all PMDs. */
    uint64_t rest_ms;                   /* Till the last move afterward. */
    uint32_t rest_active;               /* PMDs, then. */
    uint32_t peak_bp[MAX_MINE];
};

/* What a strategy remembers. */
struct mind {
    uint32_t n_seen;                    /* Of the log. */
    uint64_t answer_ms;                 /* When it changes its target. */
    uint64_t until_ms;                  /* Rests until then. */
    uint32_t target;                    /* PMD. */
    bool high[MAX_MINE];
    uint32_t stage;
    uint64_t stage_ms;                  /* When that began. */
    struct test_random r;
};

/* Making attacks. */

/* Periods are more or less those that mean something to the planner. */
static uint64_t
random_period(struct test_random *r, const struct vmq_config *c)
{
    const uint64_t known_ms[] = {
        c->interval_ms, 2 * c->interval_ms, c->spread_hold_ms,
        c->spread_hold_ms + 2 * c->interval_ms, c->coalesce_hold_ms / 20,
        c->coalesce_hold_ms, c->credit_refill_ms, VMQ_PINGPONG_MS,
    };
    uint64_t ms = 50ULL << test_random_range(r, 0, 10);

    if (!test_one_in(r, 3)) {
        ms = known_ms[test_random_range(r, 0, TEST_ARRAY_SIZE(known_ms) - 1)];
        ms *= test_random_range(r, 1, 3);
        return test_one_in(r, 2) ? ms + c->interval_ms : ms;
    }
    return ms + test_random_range(r, 0, ms);
}

static uint32_t
random_high(struct test_random *r)
{
    static const uint32_t known_bp[] = {
        2500, 5000, 7500, 8000, 8400, 8600, 10000, 20000, 40000
    };

    return (test_one_in(r, 2) ? test_random_range(r, 100, 12000)
            : known_bp[test_random_range(r, 0,
                                         TEST_ARRAY_SIZE(known_bp) - 1)]);
}

static void
random_stage(struct test_random *r, const struct attack *a, struct stage *s)
{
    s->shape = test_random_range(r, 0, N_SHAPES - 1);
    s->ms = test_random_range(r, 5000, ATTACK_MS / a->n_stages);
    s->period_ms = random_period(r, &a->config);
    s->delay_ms = (test_one_in(r, 2) ? 0 : random_period(r, &a->config));
    s->duty_pct = test_random_range(r, 1, 99);
    s->staggered = test_one_in(r, 2);
    s->high_bp = random_high(r);
    s->low_bp = (test_one_in(r, 2) ? 0
                 : test_random_range(r, 0, s->high_bp / 2));
    s->victim = test_random_range(r, 0, a->n_victims - 1);
}

static void
random_settings(struct test_random *r, struct vmq_config *c)
{
    static const uint32_t intervals_ms[] = { 50, 100, 200, 500 };

    c->interval_ms = intervals_ms[test_random_range(r, 0, 3)];
    c->spread_hold_ms = test_random_range(r, 0, 2000);
    c->coalesce_hold_ms = test_random_range(r, 2000, 20000);
    c->credits = test_random_range(r, 1, 8);
    c->credit_refill_ms = test_random_range(r, 1000, 20000);
    c->max_moves = test_random_range(r, 1, 8);
}

/* Victims use up to 60 % of the host, and more when they swell.  Returns true
 * if the settings are the default. */
static bool
random_attack(struct attack *a, uint64_t seed)
{
    struct test_random r = { .state = seed * 0x2545f4914f6cdd1dULL };
    uint32_t share_bp;
    bool usual;

    memset(a, 0, sizeof *a);
    a->seed = seed;
    vmq_config_init(&a->config);
    usual = !test_one_in(&r, 4);
    if (!usual) {
        random_settings(&r, &a->config);
    }
    a->n_pmds = test_random_range(&r, 2, MAX_PMDS);
    a->n_victims = test_random_range(&r, 1, MAX_VICTIMS);
    a->n_mine = test_random_range(&r, 1, MAX_MINE);
    share_bp = a->n_pmds * 6000 / a->n_victims;
    for (uint32_t i = 0; i < a->n_victims; i++) {
        a->victims_bp[i] = test_random_range(&r, 0, share_bp < 6000 ? share_bp
                                                    : 6000);
        if (test_one_in(&r, 4)) {
            a->swell_bp[i] = test_random_range(&r, 0, 1500);
            a->swell_ms[i] = random_period(&r, &a->config);
        }
    }
    a->n_stages = test_random_range(&r, 1, MAX_STAGES);
    for (uint32_t i = 0; i < a->n_stages; i++) {
        random_stage(&r, a, &a->stages[i]);
    }
    return usual;
}

static void
print_attack(const struct attack *a)
{
    const struct vmq_config *c = &a->config;

    print_message("# %u PMDs, %u victims, %u queues of the tenant; interval "
                  "%u ms, spread hold %u ms, coalesce hold %u ms, %u credits, "
                  "refill %u ms, %u moves\n", a->n_pmds, a->n_victims,
                  a->n_mine, c->interval_ms, c->spread_hold_ms,
                  c->coalesce_hold_ms, c->credits, c->credit_refill_ms,
                  c->max_moves);
    for (uint32_t i = 0; i < a->n_stages; i++) {
        const struct stage *s = &a->stages[i];

        print_message("#   %llu ms: %s %u to %u bp, period %llu ms, delay "
                      "%llu ms, duty %u %%%s, victim %u\n",
                      (unsigned long long int) s->ms, shape_names[s->shape],
                      s->low_bp, s->high_bp,
                      (unsigned long long int) s->period_ms,
                      (unsigned long long int) s->delay_ms, s->duty_pct,
                      s->staggered ? ", staggered" : "", s->victim);
    }
}

/* Strategies.  Queues of victims come first. */

static uint64_t
pmd_offered_bp(const struct vmq_host *h, uint32_t pmd)
{
    uint64_t bp = 0;

    for (uint32_t i = 0; i < h->raw.n_rxqs; i++) {
        bp += h->raw.rxqs[i].pmd == pmd ? h->offered_bp[i] : 0;
    }
    return bp;
}

/* The PMD on which 'victim' is or, if 'crowd', on which the tenant has a queue
 * beside most of the others'. */
static uint32_t
find_target(const struct attack *a, const struct vmq_host *h, uint32_t victim,
            bool crowd)
{
    uint32_t best = h->raw.rxqs[victim].pmd, most = 0;

    for (uint32_t i = a->n_victims; crowd && i < h->raw.n_rxqs; i++) {
        uint32_t n = 0;

        for (uint32_t k = 0; k < a->n_victims; k++) {
            n += h->raw.rxqs[k].pmd == h->raw.rxqs[i].pmd;
        }
        if (n > most) {
            most = n;
            best = h->raw.rxqs[i].pmd;
        }
    }
    return best;
}

/* The load of the first of the tenant's queues on the target is high, or what
 * it takes to have the PMD at the height. */
static void
press(const struct attack *a, const struct stage *s, struct vmq_host *h,
      uint32_t target)
{
    bool found = false;

    for (uint32_t i = a->n_victims; i < h->raw.n_rxqs; i++) {
        h->offered_bp[i] = s->low_bp;
    }
    for (uint32_t i = a->n_victims; i < h->raw.n_rxqs && !found; i++) {
        if (h->raw.rxqs[i].pmd == target) {
            uint64_t others_bp = pmd_offered_bp(h, target) - s->low_bp;

            h->offered_bp[i] = (s->shape != HOVER ? s->high_bp
                                : others_bp < s->high_bp
                                ? s->high_bp - others_bp : 0);
            found = true;
        }
    }
}

static void
act(const struct attack *a, const struct stage *s, struct vmq_host *h,
    struct mind *m, uint64_t ms)
{
    uint32_t interval_ms = h->config.interval_ms;
    bool moved = m->n_seen < h->n_log;

    m->n_seen = h->n_log;
    switch (s->shape) {
    case WAVE:
        for (uint32_t i = 0; i < a->n_mine; i++) {
            uint64_t phase = s->staggered ? i * s->period_ms / a->n_mine : 0;
            uint64_t high_ms = s->period_ms * s->duty_pct / 100;
            uint32_t n = 0;

            /* What falls into this tick, to a tenth of it. */
            for (uint32_t k = 0; k < 10; k++) {
                n += (ms + phase + k * interval_ms / 10) % s->period_ms
                     < high_ms;
            }
            h->offered_bp[a->n_victims + i]
                = s->low_bp + (s->high_bp - s->low_bp) * n / 10;
        }
        break;

    case TELEGRAPH:
        for (uint32_t i = 0; i < a->n_mine; i++) {
            if (test_random_range(&m->r, 0, s->period_ms) < interval_ms) {
                m->high[i] = !m->high[i];
            }
            h->offered_bp[a->n_victims + i] = (m->high[i] ? s->high_bp
                                               : s->low_bp);
        }
        break;

    case SWING:
        if (moved) {
            m->until_ms = ms + s->period_ms;
        }
        for (uint32_t i = a->n_victims; i < h->raw.n_rxqs; i++) {
            h->offered_bp[i] = ms < m->until_ms ? s->low_bp : s->high_bp;
        }
        break;

    case CHASE:
    case CROWD:
    case HOVER:
    default: {
        uint32_t target = find_target(a, h, s->victim, s->shape == CROWD);

        if (target == m->target) {
            m->answer_ms = ms + s->delay_ms;
        } else if (ms >= m->answer_ms) {
            m->target = target;
        }
        press(a, s, h, m->target);
        break;
    }
    }
}

/* Bounds. */

/* How long it takes a queue in the deepest debt, with its refill time doubled
 * as often as that goes, to have 'credits' more.  With 'returning', also to
 * afford what a return costs on top of one of them, see vmq-credit.h. */
static uint64_t
earn_ms(const struct vmq_config *c, double credits, bool returning)
{
    double earned = 0;
    uint64_t ms;

    for (ms = 0; ; ms++) {
        uint64_t quiet = ms / 60000;
        double surcharge = ms < 60000 && returning ? 2 - ms / 30000.0 : 0;

        if (earned >= credits + surcharge) {
            return ms;
        }
        earned += 1.0 / ((uint64_t) c->credit_refill_ms
                         << (quiet < 4 ? 4 - quiet : 0));
    }
}

/* T2: until a queue at the end of its overdraft has a credit to leave with,
 * and until all others of its PMD that may go first have gone. */
static uint64_t
stuck_bound_ms(const struct attack *a)
{
    const struct vmq_config *c = &a->config;
    uint32_t n_plans = (a->n_victims + a->n_mine) / c->max_moves + 1;

    return (earn_ms(c, 1, true)
            + (n_plans + 1) * (c->spread_hold_ms + 2 * c->interval_ms));
}

/* T5: until all queues have all credits, and the load has been seen to be low
 * for long enough. */
static uint64_t
rest_bound_ms(const struct attack *a)
{
    const struct vmq_config *c = &a->config;

    return (earn_ms(c, 2 * c->credits, false) + 2 * c->coalesce_hold_ms
            + (a->n_victims + a->n_mine) * c->interval_ms);
}

/* Running attacks. */

static void
load_victims(const struct attack *a, struct vmq_host *h, uint64_t ms)
{
    for (uint32_t i = 0; i < a->n_victims; i++) {
        h->offered_bp[i] = a->victims_bp[i];
        if (a->swell_bp[i] && ms / (a->swell_ms[i] / 2 + 1) % 2) {
            h->offered_bp[i] += a->swell_bp[i];
        }
    }
}

/* What victims lose in 'ms' with the queues on 'pmds'. */
static uint64_t
victims_loss(const struct attack *a, const struct vmq_host *h,
             const uint32_t pmds[], uint64_t ms)
{
    uint64_t on_bp[MAX_PMDS] = { 0 }, lost = 0;

    for (uint32_t i = 0; i < a->n_victims + a->n_mine; i++) {
        on_bp[pmds[i]] += h->offered_bp[i];
    }
    for (uint32_t i = 0; i < a->n_victims; i++) {
        uint64_t bp = on_bp[pmds[i]];

        lost += bp > VMQ_BP ? h->offered_bp[i] * (bp - VMQ_BP) * ms / bp : 0;
    }
    return lost;
}

/* How long each victim has been stuck where it is, see T2.
 *
 * Not if it gets less than a full batch an interval: that is no backlog.
 * In the model it loses as great a part of its packets as everybody on its
 * PMD.  A switch polls all queues in turn, so that those with less than a
 * batch at a time lose nothing. */
#define BATCH_CYCLES 32000
struct stuck {
    uint32_t pmd;
    uint64_t ms;
};

static void
watch_stuck(const struct attack *a, const struct vmq_host *h,
            struct stuck stuck[], struct result *result)
{
    uint64_t on_bp[MAX_PMDS];

    for (uint32_t i = 0; i < a->n_pmds; i++) {
        on_bp[i] = pmd_offered_bp(h, i);
    }
    for (uint32_t i = 0; i < a->n_victims; i++) {
        uint32_t bp = h->offered_bp[i], pmd = h->raw.rxqs[i].pmd;
        bool room = false;

        for (uint32_t k = 0; k < a->n_pmds; k++) {
            room |= k != pmd && (on_bp[k] + bp
                                 <= vmq_config_pack_target_bp(&a->config));
        }
        if (!room || on_bp[pmd] <= VMQ_BP || stuck[i].pmd != pmd
            || (bp * (uint64_t) a->config.interval_ms * HOST_CYCLES_PER_MS
                < BATCH_CYCLES * on_bp[pmd])) {
            stuck[i].ms = 0;
        } else {
            stuck[i].ms += a->config.interval_ms;
        }
        stuck[i].pmd = pmd;
        if (stuck[i].ms > result->stuck_ms) {
            result->stuck_ms = stuck[i].ms;
        }
    }
}

/* T1, from the log. */
static void
judge_log(const struct attack *a, const struct vmq_host *h,
          struct result *result)
{
    for (uint32_t i = 0; i < h->n_log; i++) {
        bool victim = h->log[i].port_no <= a->n_victims;
        uint32_t n = 0;

        if (victim) {
            result->moves[h->log[i].port_no - 1]++;
        }
        for (uint32_t k = i; k < h->n_log; k++) {
            uint64_t ms = h->log[k].ms - h->log[i].ms;

            if (host_same_rxq(&h->log[k], &h->log[i])) {
                n++;
                result->broken |= n > host_moves_bound(&a->config, ms);
                if (victim && ms <= 60000 && n > result->most_a_minute) {
                    result->most_a_minute = n;
                }
            }
        }
    }
}

/* What the tenant does in the tick that begins at 'ms'. */
static void
load_mine(const struct attack *a, enum mode mode, struct vmq_host *h,
          struct mind *m, uint64_t ms, uint32_t peak_bp[])
{
    if (mode == ATTACK) {
        const struct stage *s = &a->stages[m->stage];

        if (ms - m->stage_ms >= s->ms) {
            m->stage = (m->stage + 1) % a->n_stages;
            m->stage_ms = ms;
            s = &a->stages[m->stage];
        }
        act(a, s, h, m, ms);
    }
    for (uint32_t i = 0; i < a->n_mine; i++) {
        uint32_t *bp = &h->offered_bp[a->n_victims + i];

        if (mode == PEAK) {
            *bp = peak_bp[i];
        } else if (*bp > peak_bp[i]) {
            peak_bp[i] = *bp;
        }
    }
}

/* The tenant is gone, and victims do not swell: those might move for ever. */
static void
come_to_rest(const struct attack *a, struct vmq_host *h,
             struct result *result)
{
    uint64_t start_ms = h->raw.now_ms;

    for (uint32_t i = 0; i < a->n_victims + a->n_mine; i++) {
        h->offered_bp[i] = i < a->n_victims ? a->victims_bp[i] : 0;
    }
    if (host_run(h, rest_bound_ms(a) + 60000)) {
        result->rest_ms = h->log[h->n_log - 1].ms - start_ms;
    }
    for (uint32_t i = 0; i < a->n_pmds; i++) {
        result->rest_active += !h->raw.pmds[i].parked;
    }
}

static void
start_host(const struct attack *a, uint32_t credits, struct vmq_host *h,
           uint32_t home[])
{
    char numas[2 * MAX_PMDS] = "";

    for (uint32_t i = 0; i < a->n_pmds; i++) {
        strcat(numas, i ? " 0" : "0");
    }
    host_init(h, numas);
    h->config = a->config;
    h->config.credits = credits;
    for (uint32_t i = 0; i < a->n_victims + a->n_mine; i++) {
        home[i] = i % a->n_pmds;
        if (i <= a->n_victims) {
            host_add(h, home[i], 0);
        } else {
            host_add_beside(h, home[i], 0);
        }
    }
    for (uint64_t ms = 0; ms < SETTLE_MS; ms += a->config.interval_ms) {
        load_victims(a, h, ms);
        host_tick(h);
    }
}

static void
where(const struct vmq_host *h, uint32_t pmds[])
{
    for (uint32_t i = 0; i < h->raw.n_rxqs; i++) {
        pmds[i] = h->raw.rxqs[i].pmd;
    }
}

static void
run(const struct attack *a, enum mode mode, const struct result *attacked,
    uint32_t credits, struct result *result)
{
    uint32_t interval_ms = a->config.interval_ms;
    uint32_t home[MAX_VICTIMS + MAX_MINE], packed[MAX_VICTIMS + MAX_MINE];
    uint32_t pmds[MAX_VICTIMS + MAX_MINE];
    struct stuck stuck[MAX_VICTIMS] = { { 0, 0 } };
    struct mind mind = { .r.state = a->seed };
    struct vmq_host h;

    memset(result, 0, sizeof *result);
    if (attacked) {
        memcpy(result->peak_bp, attacked->peak_bp, sizeof result->peak_bp);
    }
    start_host(a, credits, &h, home);
    where(&h, packed);
    mind.n_seen = h.n_log;
    for (uint64_t ms = 0; ms < ATTACK_MS; ms += interval_ms) {
        load_victims(a, &h, SETTLE_MS + ms);
        load_mine(a, mode, &h, &mind, ms, result->peak_bp);

        where(&h, pmds);
        result->lost += victims_loss(a, &h, pmds, interval_ms);
        result->static_lost += victims_loss(a, &h, home, interval_ms);
        result->packed_lost += victims_loss(a, &h, packed, interval_ms);
        watch_stuck(a, &h, stuck, result);
        for (uint32_t i = 0; i < a->n_victims; i++) {
            result->offered += (uint64_t) h.offered_bp[i] * interval_ms;
        }
        for (uint32_t i = 0; i < a->n_pmds; i++) {
            result->awake_ms += h.raw.pmds[i].parked ? 0 : interval_ms;
        }
        host_tick(&h);
    }
    judge_log(a, &h, result);
    if (mode != PEAK && credits) {
        come_to_rest(a, &h, result);
        assert_int_equal(h.n_pingpongs, 0);
    }
    host_destroy(&h);
}

/* The worst. */

enum measure {
    MOVES, EXTRA_MOVES, STUCK_MS, LOSS_BP, LOSS_STATIC_BP, LOSS_PACKED_BP,
    LOSS_PEAK_BP, AWAKE_QUIET_MS, AWAKE_MS, REST_MS, ACTIVE, N_MEASURES
};

struct worst {
    int64_t value;
    uint64_t seed;
};

static const char *const measures[N_MEASURES] = {
    [MOVES] = "moves of one victim in a minute (T1)",
    [EXTRA_MOVES] = "of one victim in the attack beyond \"quiet\"",
    [STUCK_MS] = "ms that a victim is stuck (T2)",
    [LOSS_BP] = "bp of the victims' packets lost beyond all three (T3)",
    [LOSS_STATIC_BP] = "beyond \"static\"",
    [LOSS_PACKED_BP] = "beyond \"packed\"",
    [LOSS_PEAK_BP] = "beyond \"peak\"",
    [AWAKE_QUIET_MS] = "ms of PMDs awake beyond \"quiet\"",
    [AWAKE_MS] = "beyond the worse of \"quiet\" and \"peak\" (T4)",
    [REST_MS] = "ms until rest (T5)",
    [ACTIVE] = "PMDs more than \"quiet\" then (T5)",
};

static int64_t
max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* 'lost' as a part of what the victims offered. */
static int64_t
loss_bp(const struct result *result, uint64_t lost)
{
    return result->offered ? lost * VMQ_BP / result->offered : 0;
}

static void
measure(const struct attack *a, const struct result *attack,
        const struct result *quiet, const struct result *peak,
        int64_t values[])
{
    int64_t lost = loss_bp(attack, attack->lost);
    int64_t static_lost = loss_bp(attack, attack->static_lost);
    int64_t packed_lost = loss_bp(attack, attack->packed_lost);
    int64_t peak_lost = loss_bp(peak, peak->lost);

    values[MOVES] = attack->most_a_minute;
    values[EXTRA_MOVES] = 0;
    for (uint32_t i = 0; i < a->n_victims; i++) {
        values[EXTRA_MOVES] = max_i64(values[EXTRA_MOVES],
                                      ((int64_t) attack->moves[i]
                                       - quiet->moves[i]));
    }
    values[STUCK_MS] = attack->stuck_ms;
    values[LOSS_STATIC_BP] = lost - static_lost;
    values[LOSS_PACKED_BP] = lost - packed_lost;
    values[LOSS_PEAK_BP] = lost - peak_lost;
    values[LOSS_BP] = lost - max_i64(max_i64(static_lost, packed_lost),
                                     peak_lost);
    values[AWAKE_QUIET_MS] = (int64_t) attack->awake_ms - quiet->awake_ms;
    values[AWAKE_MS] = attack->awake_ms - max_i64(quiet->awake_ms,
                                                  peak->awake_ms);
    values[REST_MS] = attack->rest_ms;
    values[ACTIVE] = (int64_t) attack->rest_active - quiet->rest_active;
}

static void
check_bounds(const struct attack *a, const struct result *attack,
             const int64_t values[])
{
    const char *broken = NULL;

    if (attack->broken) {
        broken = "T1";
    } else if (values[STUCK_MS] > (int64_t) stuck_bound_ms(a)) {
        broken = "T2";
    } else if (values[LOSS_BP] > MAX_LOSS_BP) {
        broken = "T3";
    } else if (values[AWAKE_MS] > MAX_AWAKE_MS) {
        broken = "T4";
    } else if (values[REST_MS] > (int64_t) rest_bound_ms(a)
               || values[ACTIVE] > 1) {
        broken = "T5";
    }
    if (broken) {
        print_attack(a);
        for (int i = 0; i < N_MEASURES; i++) {
            print_message("#   %lld %s\n", (long long int) values[i],
                          measures[i]);
        }
        fail_msg("VMQ_SEED=%llu breaks %s (stuck for %llu ms, at rest after "
                 "%llu ms at most)", (unsigned long long int) a->seed, broken,
                 (unsigned long long int) stuck_bound_ms(a),
                 (unsigned long long int) rest_bound_ms(a));
    }
}

/* Makes 'a' and notes what is worse than 'worst', if the settings are the
 * default. */
static void
check_attack(const struct attack *a, bool usual, struct worst worst[])
{
    struct result attack, quiet, peak;
    int64_t values[N_MEASURES];

    run(a, ATTACK, NULL, a->config.credits, &attack);
    run(a, QUIET, NULL, a->config.credits, &quiet);
    run(a, PEAK, &attack, a->config.credits, &peak);
    measure(a, &attack, &quiet, &peak, values);
    check_bounds(a, &attack, values);
    for (int k = 0; k < N_MEASURES; k++) {
        if (usual && values[k] > worst[k].value) {
            worst[k].value = values[k];
            worst[k].seed = a->seed;
        }
    }
}

static void
print_worst(const struct worst worst[])
{
    for (int k = 0; k < N_MEASURES; k++) {
        print_message("# worst: %lld %s, VMQ_SEED=%llu\n",
                      (long long int) worst[k].value, measures[k],
                      (unsigned long long int) worst[k].seed);
    }
}

/* Those that came closest to a bound or, while the planner was different, went
 * over it: with 1632, a queue that an elephant starved stayed beside it. */
static void
attacks_that_were_the_worst(void **state)
{
    static const uint64_t seeds[] = {
        65, 88, 172, 203, 209, 228, 328, 448, 482, 561, 590, 824, 1632, 4435
    };
    struct worst worst[N_MEASURES];

    (void) state;
    memset(worst, 0, sizeof worst);
    for (size_t i = 0; i < TEST_ARRAY_SIZE(seeds); i++) {
        struct attack a;
        bool usual = random_attack(&a, seeds[i]);

        check_attack(&a, usual, worst);
    }
    print_worst(worst);
}

static void
random_attacks(void **state)
{
    unsigned long int n_cases = test_n_cases(50);
    unsigned long int seed = test_environment("VMQ_SEED", 1);
    unsigned long int n_broken = 0, n_without = 0;
    struct worst worst[N_MEASURES];

    (void) state;
    print_message("# random attacks: VMQ_CASES=%lu VMQ_SEED=%lu\n", n_cases,
                  seed);
    memset(worst, 0, sizeof worst);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct result without;
        struct attack a;
        bool usual = random_attack(&a, seed + i);

        if (n_cases == 1) {
            print_attack(&a);
        }
        check_attack(&a, usual, worst);
        if (i < N_WITHOUT_CREDITS) {
            run(&a, ATTACK, NULL, 0, &without);
            n_broken += without.broken;
            n_without++;
        }
    }
    print_worst(worst);
    print_message("# without credits, %lu of %lu attacks break T1\n", n_broken,
                  n_without);
    if (n_cases >= 50) {
        assert_true(n_broken > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks_that_were_the_worst),
        cmocka_unit_test(random_attacks),
    };

    return cmocka_run_group_tests_name("tenants", tests, NULL, NULL);
}

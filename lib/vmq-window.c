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
#include "vmq-window.h"

#include "vmq-util.h"

/* Buckets of the fast window.  The window drops its oldest bucket as soon as
 * the others reach the spread hold, so that it covers up to one bucket more
 * than was asked for: with few buckets, an old load lingers.  Each costs 32
 * bytes a queue. */
#define N_BUCKETS 16

/* All buckets but the oldest one and the one being filled are at least a 14th
 * of the spread hold long and together shorter than the hold.  So there are
 * at most 13 of those and there is room for one that is just begun. */
#define HOLD_BUCKETS (N_BUCKETS - 2)

/* A sample is stale, too long to mean anything, if it covers more than the
 * longest of these:
 *
 *    - What the window is to cover, and two intervals for being late: up to
 *      that the mean over the sample is the mean that was asked for.
 *
 *    - 10 intervals.  With a hold that is short compared to the interval, one
 *      missed tick must not make the window start anew.
 *
 *    - 1 second.  With an interval of 10 ms, a main thread that is busy with
 *      something else for a third of a second is an everyday thing.  A lower
 *      limit would have VMQ blind exactly then; a higher one would have it act
 *      on what the load was, on average, while a bridge was reconfigured for
 *      seconds. */
#define STALE_INTERVALS 10
#define STALE_MIN_MS 1000

/* Loads are shares of the TSC of the CPU that the main thread runs on, which
 * may not be the one that it ran on at the sample before.  If the TSC and the
 * clock disagree by more than this factor on how long a sample was, compared
 * to the one before, the TSCs of the two CPUs do, and loads mean nothing.  A
 * lower factor takes a TSC that follows the frequency of the CPU for that, a
 * higher one lets loads be wrong by as much.  Samples of less than 1 ms are
 * too short to tell. */
#define TSC_FACTOR 2
#define TSC_MIN_NS 1000000

/* Less stolen time than this part of the time charged is noise: the counters
 * of a PMD and the CPU clock of its thread are not read at exactly the same
 * moment, which makes some 10 us of 100 ms.  A higher limit hides real
 * competition for the CPU, a lower one makes capacities flicker.  (A sample of
 * less than 1 ms tells nothing at all about stolen time.) */
#define NOISE_DIVISOR 100

/* An iteration of a PMD that has not ended after this time is charged while it
 * lasts.  Less would do so with PMDs that sleep, for 10 ms at most, more hides
 * that a PMD gets no CPU time until it gets some. */
#define OPEN_MS 20

/* Backlog: this many samples in a row in which at least 9 of 10 polls of a
 * queue returned a full batch, while its PMD idled less than 1/50 of the time.
 * Fewer samples mistake a burst for it, more let it last. */
#define BACKLOG_SAMPLES 3
#define BACKLOG_IDLE_DIVISOR 50

/* An evacuation that makes no progress for this long is over, unless the
 * settings are so slow that it could not have made any. */
#define EVACUATION_MS 5000

struct rxq_counts {
    uint64_t cycles;            /* Scaled for stolen time. */
    uint64_t packets;
    uint64_t polls;
    uint64_t full_batches;
};

struct pmd_counts {
    uint64_t busy_cycles;
    uint64_t idle_cycles;
    uint64_t sleep_cycles;
    uint64_t cpu_ns;
    uint64_t stolen_cycles;
    uint64_t overhead_cycles;
};

/* Lengths, as measured by each of the clocks. */
struct span {
    uint64_t ms;
    uint64_t cycles;
    uint64_t ns;
};

/* A queue.  In the order of 'last.rxqs'. */
struct window_rxq {
    bool known;                 /* Has 'raw' to subtract from. */
    struct rxq_counts raw;      /* Cumulative, as of the last sample. */
    uint32_t core_id;           /* Polled it in the last sample. */

    struct rxq_counts buckets[N_BUCKETS];
    struct rxq_counts total;    /* Of the buckets in use. */
    unsigned int streak;        /* Samples in a row that look like backlog. */

    bool joined;                /* Joined after the slot had begun. */
    uint64_t slot_cycles;       /* In the slot that is not complete yet... */
    uint16_t slot_peak_bp;      /* ...and the highest fast load in it. */
    uint32_t n_slots;           /* Slots in 'slots_bp'. */
    uint16_t slots_bp[VMQ_HISTORY_SLOTS]; /* Newest first. */
};

/* A PMD.  In the order of 'last.pmds'. */
struct window_pmd {
    bool known;                 /* Has 'raw' to subtract from. */
    struct pmd_counts raw;      /* Cumulative, as of the last sample. */

    struct pmd_counts buckets[N_BUCKETS];
    struct pmd_counts total;    /* Of the buckets in use. */

    /* While a sample is taken in. */
    struct pmd_counts delta;
    uint64_t charged_cycles;    /* By the PMD itself... */
    uint64_t taken_cycles;      /* ...of which it did not have that many. */
    uint64_t rxq_cycles;        /* Of its queues, not scaled. */

    bool polls;                 /* Had queues in the last sample. */
    uint64_t open_ms;           /* No iteration has ended for that long... */
    uint64_t advance_cycles;    /* ...of which that much has been charged. */

    uint64_t settled_ms;        /* Settling until then. */
    bool evacuating;
    uint64_t evacuated_ms;      /* When a queue left it for that, last. */
};

/* What of the settings matters here. */
struct window_params {
    uint64_t interval_ms;
    uint64_t hold_ms;           /* Spread hold. */
    uint64_t bucket_ms;
    unsigned int n_backlog;     /* Length of a streak that is a backlog. */
    uint64_t slot_ms;
    uint32_t n_slots;           /* Slots that cover the coalesce hold. */
};

struct vmq_window {
    struct window_params params;
    bool started;               /* There is a 'last' sample. */
    struct vmq_snapshot last;   /* Raw. */
    struct span rate;           /* A recent sample: how fast the TSC is. */

    struct window_pmd *pmds;    /* 'last.n_pmds' of them. */
    struct window_rxq *rxqs;    /* 'last.n_rxqs' of them. */

    /* Fast window: a ring of buckets. */
    struct span buckets[N_BUCKETS];
    struct span total;
    unsigned int first;         /* The oldest one. */
    unsigned int n_buckets;

    /* Slow window: the slot that is not complete yet. */
    struct span slot;
};

struct vmq_window *
vmq_window_create(void)
{
    return vmq_xcalloc(1, sizeof(struct vmq_window));
}

void
vmq_window_destroy(struct vmq_window *w)
{
    if (w) {
        vmq_snapshot_destroy(&w->last);
        free(w->pmds);
        free(w->rxqs);
        free(w);
    }
}

static uint64_t
max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
div_round_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static void
span_add(struct span *a, const struct span *b)
{
    a->ms += b->ms;
    a->cycles += b->cycles;
    a->ns += b->ns;
}

static void
span_subtract(struct span *a, const struct span *b)
{
    a->ms -= b->ms;
    a->cycles -= b->cycles;
    a->ns -= b->ns;
}

static void
rxq_counts_add(struct rxq_counts *a, const struct rxq_counts *b)
{
    a->cycles += b->cycles;
    a->packets += b->packets;
    a->polls += b->polls;
    a->full_batches += b->full_batches;
}

static void
rxq_counts_subtract(struct rxq_counts *a, const struct rxq_counts *b)
{
    a->cycles -= b->cycles;
    a->packets -= b->packets;
    a->polls -= b->polls;
    a->full_batches -= b->full_batches;
}

static void
pmd_counts_add(struct pmd_counts *a, const struct pmd_counts *b)
{
    a->busy_cycles += b->busy_cycles;
    a->idle_cycles += b->idle_cycles;
    a->sleep_cycles += b->sleep_cycles;
    a->cpu_ns += b->cpu_ns;
    a->stolen_cycles += b->stolen_cycles;
    a->overhead_cycles += b->overhead_cycles;
}

static void
pmd_counts_subtract(struct pmd_counts *a, const struct pmd_counts *b)
{
    a->busy_cycles -= b->busy_cycles;
    a->idle_cycles -= b->idle_cycles;
    a->sleep_cycles -= b->sleep_cycles;
    a->cpu_ns -= b->cpu_ns;
    a->stolen_cycles -= b->stolen_cycles;
    a->overhead_cycles -= b->overhead_cycles;
}

/* Settings. */

static struct window_params
window_params(const struct vmq_config *config)
{
    struct window_params p;
    uint64_t samples;

    p.interval_ms = config->interval_ms ? config->interval_ms : 1;
    p.hold_ms = config->spread_hold_ms;
    p.bucket_ms = max_u64(p.interval_ms,
                          div_round_up(p.hold_ms, HOLD_BUCKETS));
    samples = max_u64(1, div_round_up(p.hold_ms, p.interval_ms));
    p.n_backlog = samples < BACKLOG_SAMPLES ? samples : BACKLOG_SAMPLES;
    p.slot_ms = max_u64(p.interval_ms,
                        div_round_up(config->coalesce_hold_ms,
                                     VMQ_HISTORY_SLOTS));
    p.n_slots = max_u64(1, div_round_up(config->coalesce_hold_ms, p.slot_ms));
    return p;
}

static bool
same_fast_params(const struct window_params *a, const struct window_params *b)
{
    return a->interval_ms == b->interval_ms && a->hold_ms == b->hold_ms;
}

static bool
same_slow_params(const struct window_params *a, const struct window_params *b)
{
    return a->slot_ms == b->slot_ms && a->n_slots == b->n_slots;
}

/* Empties the fast window. */
static void
restart_fast(struct vmq_window *w)
{
    w->first = w->n_buckets = 0;
    memset(&w->total, 0, sizeof w->total);
    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        memset(&w->pmds[i].total, 0, sizeof w->pmds[i].total);
    }
    for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
        memset(&w->rxqs[i].total, 0, sizeof w->rxqs[i].total);
        w->rxqs[i].streak = 0;
    }
}

/* Begins a new slot, in which all queues take part from the start. */
static void
restart_slot(struct vmq_window *w)
{
    memset(&w->slot, 0, sizeof w->slot);
    for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
        w->rxqs[i].slot_cycles = 0;
        w->rxqs[i].slot_peak_bp = 0;
        w->rxqs[i].joined = false;
    }
}

static void
set_params(struct vmq_window *w, const struct vmq_config *config)
{
    struct window_params params = window_params(config);

    if (!same_fast_params(&params, &w->params)) {
        restart_fast(w);
    }
    if (!same_slow_params(&params, &w->params)) {
        restart_slot(w);
        for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
            w->rxqs[i].n_slots = 0;
        }
    }
    w->params = params;
}

/* Identity.
 *
 * A PMD is known by its core, a port by its number and name, a queue by its
 * port and number.  Both the old and the new ones are sorted by that. */

static bool
same_ports(const struct vmq_snapshot *a, const struct vmq_snapshot *b)
{
    if (a->n_ports != b->n_ports) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_ports; i++) {
        if (a->ports[i].port_no != b->ports[i].port_no
            || strcmp(a->ports[i].name, b->ports[i].name)) {
            return false;
        }
    }
    return true;
}

static bool
same_rxqs(const struct vmq_snapshot *a, const struct vmq_snapshot *b)
{
    if (a->n_rxqs != b->n_rxqs || !same_ports(a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_rxqs; i++) {
        if (a->rxqs[i].port != b->rxqs[i].port
            || a->rxqs[i].qid != b->rxqs[i].qid) {
            return false;
        }
    }
    return true;
}

static uint64_t
rxq_key(const struct vmq_snapshot *s, uint32_t i)
{
    const struct vmq_rxq *rxq = &s->rxqs[i];

    return (uint64_t) s->ports[rxq->port].port_no << 32 | rxq->qid;
}

/* Brings 'w->rxqs' in line with 'raw->rxqs'. */
static void
match_rxqs(struct vmq_window *w, const struct vmq_snapshot *raw)
{
    const struct vmq_snapshot *last = &w->last;
    struct window_rxq *rxqs;
    uint32_t old = 0;

    if (same_rxqs(last, raw)) {
        return;
    }

    rxqs = vmq_xcalloc(raw->n_rxqs, sizeof *rxqs);
    for (uint32_t i = 0; i < raw->n_rxqs; i++) {
        uint64_t key = rxq_key(raw, i);

        while (old < last->n_rxqs && rxq_key(last, old) < key) {
            old++;
        }
        if (old < last->n_rxqs && rxq_key(last, old) == key
            && !strcmp(last->ports[last->rxqs[old].port].name,
                       raw->ports[raw->rxqs[i].port].name)) {
            rxqs[i] = w->rxqs[old];
        }
    }
    free(w->rxqs);
    w->rxqs = rxqs;
}

/* Brings 'w->pmds' in line with 'raw->pmds'. */
static void
match_pmds(struct vmq_window *w, const struct vmq_snapshot *raw)
{
    const struct vmq_snapshot *last = &w->last;
    bool same = last->n_pmds == raw->n_pmds;
    struct window_pmd *pmds;
    uint32_t old = 0;

    for (uint32_t i = 0; same && i < raw->n_pmds; i++) {
        same = last->pmds[i].core_id == raw->pmds[i].core_id;
    }
    if (same) {
        return;
    }

    pmds = vmq_xcalloc(raw->n_pmds, sizeof *pmds);
    for (uint32_t i = 0; i < raw->n_pmds; i++) {
        uint32_t core_id = raw->pmds[i].core_id;

        while (old < last->n_pmds && last->pmds[old].core_id < core_id) {
            old++;
        }
        if (old < last->n_pmds && last->pmds[old].core_id == core_id) {
            pmds[i] = w->pmds[old];
        }
    }
    free(w->pmds);
    w->pmds = pmds;
}

/* Makes 'raw' the last sample. */
static void
set_last(struct vmq_window *w, const struct vmq_snapshot *raw)
{
    match_pmds(w, raw);
    match_rxqs(w, raw);
    vmq_snapshot_copy(&w->last, raw);
}

/* Samples.
 *
 * These work on 'w->last', the newer of two samples, and on the 'raw' members
 * of PMDs and queues, which are of the older one until they have been used. */

/* Returns the core that polls 'rxq', VMQ_NONE if there is none. */
static uint32_t
rxq_core(const struct vmq_snapshot *s, const struct vmq_rxq *rxq)
{
    return rxq->pmd < s->n_pmds ? s->pmds[rxq->pmd].core_id : VMQ_NONE;
}

/* Returns true if a counter that is 'now' was more than that 'before'.  One
 * from which more was taken than it had is more than any can be. */
static bool
went_back(uint64_t now, uint64_t before)
{
    return now - before > UINT64_MAX / 2;
}

/* Returns how much of 'charged' 'p' did not have, which is 'cpu_cycles' of CPU
 * time. */
static uint64_t
stolen_cycles(uint64_t charged, uint64_t cpu_cycles)
{
    return (charged > cpu_cycles
            && charged - cpu_cycles >= charged / NOISE_DIVISOR
            ? charged - cpu_cycles : 0);
}

/* Takes up to 'n' off '*cycles'.  Returns what is left of 'n'. */
static uint64_t
take_off(uint64_t *cycles, uint64_t n)
{
    uint64_t part = n < *cycles ? n : *cycles;

    *cycles -= part;
    return n - part;
}

/* Has 'p', in the sample 'span', charge what it will charge only at the end of
 * an iteration that takes long, or not charge again what it has charged like
 * that.  It 'polls' queues or is parked. */
static void
spread_charge(struct window_pmd *p, bool polls, const struct span *span)
{
    if (p->charged_cycles || p->delta.sleep_cycles || !polls) {
        uint64_t n = p->advance_cycles;

        n = take_off(&p->delta.sleep_cycles, n);
        n = take_off(&p->delta.idle_cycles, n);
        take_off(&p->delta.busy_cycles, n);
        p->open_ms = p->advance_cycles = 0;
        return;
    }
    p->open_ms += span->ms;
    if (p->open_ms > OPEN_MS) {
        p->advance_cycles += span->cycles;
        p->delta.idle_cycles = span->cycles;
    }
}

/* Stores in 'p->delta' what the PMD did in the sample 'span', but for its
 * overhead: nothing if the PMD is new. */
static void
measure_pmd(struct window_pmd *p, const struct vmq_pmd *pmd,
            const struct span *span)
{
    struct pmd_counts raw = {
        .busy_cycles = pmd->busy_cycles,
        .idle_cycles = pmd->idle_cycles,
        .sleep_cycles = pmd->sleep_cycles,
        .cpu_ns = pmd->cpu_ns,
    };

    if (p->known && (went_back(raw.busy_cycles, p->raw.busy_cycles)
                     || went_back(raw.idle_cycles, p->raw.idle_cycles)
                     || went_back(raw.sleep_cycles, p->raw.sleep_cycles)
                     || went_back(raw.cpu_ns, p->raw.cpu_ns))) {
        /* Another thread on the same core, or another TSC. */
        p->known = false;
        memset(p->buckets, 0, sizeof p->buckets);
        memset(&p->total, 0, sizeof p->total);
    }

    memset(&p->delta, 0, sizeof p->delta);
    p->charged_cycles = p->taken_cycles = 0;
    p->rxq_cycles = 0;
    if (p->known) {
        p->delta = raw;
        pmd_counts_subtract(&p->delta, &p->raw);
        p->charged_cycles = p->delta.busy_cycles + p->delta.idle_cycles;
        spread_charge(p, p->polls && !pmd->parked, span);
        if (raw.cpu_ns && span->ms && span->ns && span->cycles) {
            uint64_t cpu = vmq_mul_div(p->delta.cpu_ns, span->cycles,
                                       span->ns);

            p->delta.stolen_cycles = stolen_cycles(p->delta.busy_cycles
                                                   + p->delta.idle_cycles,
                                                   cpu);
            p->taken_cycles = stolen_cycles(p->charged_cycles, cpu);
        }
    } else {
        p->open_ms = p->advance_cycles = 0;
    }
    p->known = true;
    p->polls = !pmd->parked;
    p->raw = raw;
}

/* Accounts for all that 'p' did in the sample, now that the cycles of its
 * queues are known. */
static void
account_pmd(struct window_pmd *p, unsigned int bucket)
{
    if (p->delta.busy_cycles > p->rxq_cycles) {
        p->delta.overhead_cycles = p->delta.busy_cycles - p->rxq_cycles;
    }
    pmd_counts_add(&p->buckets[bucket], &p->delta);
    pmd_counts_add(&p->total, &p->delta);
}

/* Returns 'cycles', which 'p' charged to a queue, without the part that was
 * stolen. */
static uint64_t
scale_cycles(const struct window_pmd *p, uint64_t cycles)
{
    return (p->taken_cycles
            ? vmq_mul_div(cycles, p->charged_cycles - p->taken_cycles,
                          p->charged_cycles)
            : cycles);
}

/* Returns true if a queue that did 'delta' in a sample kept its PMD 'p' from
 * idling and still had more to give. */
static bool
looks_like_backlog(const struct window_pmd *p, const struct rxq_counts *delta)
{
    uint64_t charged = p->delta.busy_cycles + p->delta.idle_cycles;

    return (delta->polls
            && delta->full_batches >= delta->polls - delta->polls / 10
            && charged
            && p->delta.idle_cycles < charged / BACKLOG_IDLE_DIVISOR);
}

/* Accounts for what queue 'i' did in the sample 'span'. */
static void
account_rxq(struct vmq_window *w, uint32_t i, const struct span *span,
            unsigned int bucket)
{
    const struct vmq_rxq *rxq = &w->last.rxqs[i];
    uint32_t core_id = rxq_core(&w->last, rxq);
    struct window_pmd *p = core_id != VMQ_NONE ? &w->pmds[rxq->pmd] : NULL;
    struct window_rxq *q = &w->rxqs[i];
    struct rxq_counts raw = {
        .cycles = rxq->cycles,
        .packets = rxq->packets,
        .polls = rxq->polls,
        .full_batches = rxq->full_batches,
    };

    if (!q->known || went_back(raw.cycles, q->raw.cycles)
        || went_back(raw.packets, q->raw.packets)
        || went_back(raw.polls, q->raw.polls)
        || went_back(raw.full_batches, q->raw.full_batches)) {
        /* A new queue. */
        memset(q, 0, sizeof *q);
        q->known = true;
        q->joined = true;
        q->raw = raw;
        q->core_id = core_id;
        return;
    }

    struct rxq_counts delta = raw;
    bool moved = q->core_id != core_id;

    rxq_counts_subtract(&delta, &q->raw);
    q->raw = raw;
    q->core_id = core_id;

    if (moved || !p) {
        q->streak = 0;
    } else if (span->ms) {
        q->streak = looks_like_backlog(p, &delta) ? q->streak + 1 : 0;
    }
    if (p) {
        p->rxq_cycles += delta.cycles;
        delta.cycles = scale_cycles(p, delta.cycles);
    }
    rxq_counts_add(&q->buckets[bucket], &delta);
    rxq_counts_add(&q->total, &delta);
    q->slot_cycles += delta.cycles;
}

/* Returns the bucket that the next sample goes to. */
static unsigned int
open_bucket(struct vmq_window *w, const struct span *span)
{
    unsigned int b = (w->first + w->n_buckets + N_BUCKETS - 1) % N_BUCKETS;

    if (w->n_buckets
        && (w->n_buckets >= N_BUCKETS
            || !span->ms
            || w->buckets[b].ms < w->params.bucket_ms)) {
        return b;
    }

    b = (w->first + w->n_buckets++) % N_BUCKETS;
    memset(&w->buckets[b], 0, sizeof w->buckets[b]);
    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        memset(&w->pmds[i].buckets[b], 0, sizeof w->pmds[i].buckets[b]);
    }
    for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
        memset(&w->rxqs[i].buckets[b], 0, sizeof w->rxqs[i].buckets[b]);
    }
    return b;
}

/* Drops the buckets without which the window still covers the hold. */
static void
drop_buckets(struct vmq_window *w)
{
    while (w->n_buckets > 1
           && (w->total.ms - w->buckets[w->first].ms >= w->params.hold_ms)) {
        unsigned int b = w->first;

        span_subtract(&w->total, &w->buckets[b]);
        for (uint32_t i = 0; i < w->last.n_pmds; i++) {
            pmd_counts_subtract(&w->pmds[i].total, &w->pmds[i].buckets[b]);
        }
        for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
            rxq_counts_subtract(&w->rxqs[i].total, &w->rxqs[i].buckets[b]);
        }
        w->first = (b + 1) % N_BUCKETS;
        w->n_buckets--;
    }
}

/* Remembers for the slot how high the fast loads have been in it. */
static void
note_peaks(struct vmq_window *w)
{
    for (uint32_t i = 0; (i < w->last.n_rxqs
                          && w->total.ms >= w->params.hold_ms); i++) {
        struct window_rxq *q = &w->rxqs[i];
        uint64_t bp = vmq_mul_div(q->total.cycles, VMQ_BP, w->total.cycles);

        if (bp > q->slot_peak_bp) {
            q->slot_peak_bp = bp < UINT16_MAX ? bp : UINT16_MAX;
        }
    }
}

/* Completes the slot if it is long enough.  The sample that reaches its end
 * belongs to it as a whole. */
static void
complete_slot(struct vmq_window *w)
{
    if (w->slot.ms < w->params.slot_ms) {
        return;
    }
    for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
        struct window_rxq *q = &w->rxqs[i];
        uint64_t bp = vmq_mul_div(q->slot_cycles, VMQ_BP, w->slot.cycles);

        if (bp < q->slot_peak_bp) {
            bp = q->slot_peak_bp;
        }
        if (!q->joined) {
            memmove(&q->slots_bp[1], &q->slots_bp[0],
                    (VMQ_HISTORY_SLOTS - 1) * sizeof q->slots_bp[0]);
            q->slots_bp[0] = bp < UINT16_MAX ? bp : UINT16_MAX;
            q->n_slots += q->n_slots < VMQ_HISTORY_SLOTS;
        }
    }
    restart_slot(w);
}

static void
take_sample(struct vmq_window *w, const struct span *span)
{
    unsigned int bucket = open_bucket(w, span);

    span_add(&w->buckets[bucket], span);
    span_add(&w->total, span);
    span_add(&w->slot, span);
    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        measure_pmd(&w->pmds[i], &w->last.pmds[i], span);
    }
    for (uint32_t i = 0; i < w->last.n_rxqs; i++) {
        account_rxq(w, i, span, bucket);
    }
    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        account_pmd(&w->pmds[i], bucket);
    }
    drop_buckets(w);
    note_peaks(w);
    complete_slot(w);
}

/* Starts, or starts anew, from the last sample. */
static void
start(struct vmq_window *w)
{
    const struct span span = { 0, 0, 0 };

    restart_fast(w);
    take_sample(w, &span);
    restart_fast(w);
    restart_slot(w);
}

/* Forgets evacuations that are complete or have come to nothing. */
static void
end_evacuations(struct vmq_window *w)
{
    uint64_t patience_ms = max_u64(EVACUATION_MS,
                                   w->params.hold_ms
                                   + 3 * w->params.interval_ms);

    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        struct window_pmd *p = &w->pmds[i];
        bool left = false;

        if (!p->evacuating) {
            continue;
        }
        for (uint32_t j = 0; j < w->last.n_rxqs && !left; j++) {
            left = (w->last.rxqs[j].pmd == i
                    && w->last.rxqs[j].mobility == VMQ_DYNAMIC);
        }
        if (!left || w->last.now_ms > p->evacuated_ms + patience_ms) {
            p->evacuating = false;
        }
    }
}

/* Returns true if the TSC has gone as fast in the sample 'span' as in the one
 * before, as far as that can be told. */
static bool
tsc_is_steady(struct vmq_window *w, const struct span *span)
{
    struct span old = w->rate;
    uint64_t expected;

    if (span->ns < TSC_MIN_NS) {
        return true;
    }
    w->rate = *span;
    if (!old.ns) {
        return true;
    }
    expected = vmq_mul_div(old.cycles, span->ns, old.ns);
    return (span->cycles / TSC_FACTOR <= expected
            && expected / TSC_FACTOR <= span->cycles);
}

enum vmq_sample_status
vmq_window_add(struct vmq_window *w, const struct vmq_config *config,
               const struct vmq_snapshot *raw)
{
    bool backward = (raw->now_ms < w->last.now_ms
                     || raw->window_cycles < w->last.window_cycles
                     || raw->window_ns < w->last.window_ns);
    struct span span = {
        .ms = raw->now_ms - w->last.now_ms,
        .cycles = raw->window_cycles - w->last.window_cycles,
        .ns = raw->window_ns - w->last.window_ns,
    };
    uint64_t stale_ms;

    set_params(w, config);
    set_last(w, raw);
    if (!w->started) {
        w->started = true;
        start(w);
        return VMQ_SAMPLE_FIRST;
    }

    stale_ms = max_u64(w->params.hold_ms + 2 * w->params.interval_ms,
                       STALE_INTERVALS * w->params.interval_ms);
    stale_ms = max_u64(stale_ms, STALE_MIN_MS);
    if (backward || span.ms > stale_ms || !tsc_is_steady(w, &span)) {
        start(w);
        for (uint32_t i = 0; backward && i < raw->n_pmds; i++) {
            w->pmds[i].settled_ms = 0;
            w->pmds[i].evacuating = false;
        }
        end_evacuations(w);
        return VMQ_SAMPLE_STALE;
    }

    take_sample(w, &span);
    end_evacuations(w);
    return (span.ms > 2 * w->params.interval_ms ? VMQ_SAMPLE_LATE
            : VMQ_SAMPLE_OK);
}

/* Results. */

/* Stores the history of 'q' in 'rxq'.  If the interval is longer than a slot
 * should be, the measured slots are fewer and longer: then each stands for
 * several in the result. */
static void
copy_history(const struct window_params *params, const struct window_rxq *q,
             struct vmq_rxq *rxq)
{
    uint32_t n = q->n_slots < params->n_slots ? q->n_slots : params->n_slots;

    rxq->n_history = n * VMQ_HISTORY_SLOTS / params->n_slots;
    memset(rxq->history_bp, 0, sizeof rxq->history_bp);
    for (uint32_t i = 0; i < rxq->n_history; i++) {
        rxq->history_bp[i]
            = q->slots_bp[i * params->n_slots / VMQ_HISTORY_SLOTS];
    }
}

const struct vmq_snapshot *
vmq_window_last(const struct vmq_window *w)
{
    return &w->last;
}

bool
vmq_window_snapshot(const struct vmq_window *w,
                    const struct vmq_config *config,
                    struct vmq_snapshot *s)
{
    struct window_params params = window_params(config);

    vmq_snapshot_copy(s, &w->last);
    s->window_ms = w->total.ms;
    s->window_cycles = w->total.cycles;
    s->window_ns = w->total.ns;
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        const struct window_pmd *p = &w->pmds[i];
        struct vmq_pmd *pmd = &s->pmds[i];

        pmd->busy_cycles = p->total.busy_cycles;
        pmd->idle_cycles = p->total.idle_cycles;
        pmd->sleep_cycles = p->total.sleep_cycles;
        pmd->cpu_ns = p->total.cpu_ns;
        pmd->stolen_cycles = p->total.stolen_cycles;
        pmd->overhead_cycles = p->total.overhead_cycles;
        pmd->settling = s->now_ms < p->settled_ms;
        pmd->evacuating = p->evacuating;
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        const struct window_rxq *q = &w->rxqs[i];
        struct vmq_rxq *rxq = &s->rxqs[i];

        rxq->cycles = q->total.cycles;
        rxq->packets = q->total.packets;
        rxq->polls = q->total.polls;
        rxq->full_batches = q->total.full_batches;
        rxq->backlog = q->streak >= w->params.n_backlog;
        copy_history(&w->params, q, rxq);
        if (!same_slow_params(&params, &w->params)) {
            /* Measured for another coalesce hold. */
            rxq->n_history = 0;
        }
    }
    return w->n_buckets > 0;
}

/* Returns what the window knows of the PMD with index 'i' in 'snapshot', NULL
 * if nothing. */
static struct window_pmd *
find_pmd(struct vmq_window *w, const struct vmq_snapshot *snapshot, uint32_t i)
{
    uint32_t j = (i < snapshot->n_pmds
                  ? vmq_snapshot_find_pmd(&w->last, snapshot->pmds[i].core_id)
                  : VMQ_NONE);

    return j != VMQ_NONE ? &w->pmds[j] : NULL;
}

/* Ends the evacuations on 'numa_id', which needs all the PMDs it has. */
static void
stop_evacuations(struct vmq_window *w, int32_t numa_id)
{
    for (uint32_t i = 0; i < w->last.n_pmds; i++) {
        if (w->last.pmds[i].numa_id == numa_id) {
            w->pmds[i].evacuating = false;
        }
    }
}

void
vmq_window_commit(struct vmq_window *w, const struct vmq_config *config,
                  const struct vmq_snapshot *snapshot,
                  const struct vmq_move *moves, uint32_t n_moves,
                  const enum vmq_outcome *outcomes)
{
    for (uint32_t i = 0; i < n_moves; i++) {
        const struct vmq_move *move = &moves[i];
        struct window_pmd *from = find_pmd(w, snapshot, move->from);
        struct window_pmd *to = find_pmd(w, snapshot, move->to);

        if (outcomes[i] != VMQ_OUTCOME_APPLIED) {
            continue;
        }
        if (from) {
            from->settled_ms = snapshot->now_ms + config->spread_hold_ms;
        }
        if (to) {
            to->settled_ms = snapshot->now_ms + config->spread_hold_ms;
            to->evacuating = false;
        }
        switch (move->reason) {
        case VMQ_REASON_SPREAD:
        case VMQ_REASON_RELIEVE:
        case VMQ_REASON_MIN_PMDS:
            if (from) {
                stop_evacuations(w, snapshot->pmds[move->from].numa_id);
            }
            break;
        case VMQ_REASON_COALESCE:
        case VMQ_REASON_EVACUATE:
            if (from) {
                from->evacuating = true;
                from->evacuated_ms = snapshot->now_ms;
            }
            break;
        case VMQ_REASON_MANUAL:
        case VMQ_N_REASONS:
        default:
            break;
        }
    }
}

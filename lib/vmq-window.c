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

#include "vmq-measure.h"
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
 *    - 1 second.  With an interval of 10 ms, a thread that gets no CPU for a
 *      third of a second, because PMDs use all of them, is an everyday thing.
 *      A lower limit would have VMQ blind exactly then; a higher one would
 *      have it act on what the load was, on average, while a bridge was
 *      reconfigured for seconds. */
#define STALE_INTERVALS 10
#define STALE_MIN_MS 1000

/* A queue has a backlog after this many samples in a row that look like one.
 * Fewer mistake a burst for it, more let it last. */
#define BACKLOG_SAMPLES 3

/* An evacuation that makes no progress for this long is over, unless the
 * settings are so slow that it could not have made any. */
#define EVACUATION_MS 5000

/* A queue.  In the order of 'last.rxqs'. */
struct window_rxq {
    struct vmq_rxq_meter meter;
    struct vmq_rxq_usage buckets[N_BUCKETS];
    struct vmq_rxq_usage total; /* Of the buckets in use. */

    bool joined;                /* Joined after the slot had begun. */
    uint64_t slot_cycles;       /* In the slot that is not complete yet... */
    uint16_t slot_peak_bp;      /* ...and the highest fast load in it. */
    uint32_t n_slots;           /* Slots in 'slots_bp'. */
    uint16_t slots_bp[VMQ_HISTORY_SLOTS]; /* Newest first. */
};

/* A PMD.  In the order of 'last.pmds'. */
struct window_pmd {
    struct vmq_pmd_meter meter;
    struct vmq_pmd_usage buckets[N_BUCKETS];
    struct vmq_pmd_usage total; /* Of the buckets in use. */

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
    struct vmq_span rate;           /* A recent sample: how fast the TSC is. */

    struct window_pmd *pmds;    /* 'last.n_pmds' of them. */
    struct window_rxq *rxqs;    /* 'last.n_rxqs' of them. */

    /* Fast window: a ring of buckets. */
    struct vmq_span buckets[N_BUCKETS];
    struct vmq_span total;
    unsigned int first;         /* The oldest one. */
    unsigned int n_buckets;

    /* Slow window: the slot that is not complete yet. */
    struct vmq_span slot;
};

struct vmq_window *
vmq_window_create(void)
{
    return vmq_xcalloc(1, sizeof(struct vmq_window));
}

void
vmq_window_destroy(struct vmq_window *window)
{
    if (window) {
        vmq_snapshot_destroy(&window->last);
        free(window->pmds);
        free(window->rxqs);
        free(window);
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

/* Settings. */

static struct window_params
window_params(const struct vmq_config *config)
{
    struct window_params params;
    uint64_t samples;

    params.interval_ms = config->interval_ms ? config->interval_ms : 1;
    params.hold_ms = config->spread_hold_ms;
    params.bucket_ms = max_u64(params.interval_ms,
                               div_round_up(params.hold_ms, HOLD_BUCKETS));
    samples = max_u64(1, div_round_up(params.hold_ms, params.interval_ms));
    params.n_backlog = (samples < BACKLOG_SAMPLES ? samples
                        : BACKLOG_SAMPLES);
    params.slot_ms = max_u64(params.interval_ms,
                             div_round_up(config->coalesce_hold_ms,
                                          VMQ_HISTORY_SLOTS));
    params.n_slots = max_u64(1, div_round_up(config->coalesce_hold_ms,
                                             params.slot_ms));
    return params;
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
restart_fast(struct vmq_window *window)
{
    window->first = window->n_buckets = 0;
    memset(&window->total, 0, sizeof window->total);
    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        memset(&window->pmds[i].total, 0, sizeof window->pmds[i].total);
    }
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        memset(&window->rxqs[i].total, 0, sizeof window->rxqs[i].total);
        window->rxqs[i].meter.streak = 0;
    }
}

/* Begins a new slot, in which all queues take part from the start. */
static void
restart_slot(struct vmq_window *window)
{
    memset(&window->slot, 0, sizeof window->slot);
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        window->rxqs[i].slot_cycles = 0;
        window->rxqs[i].slot_peak_bp = 0;
        window->rxqs[i].joined = false;
    }
}

static void
set_params(struct vmq_window *window, const struct vmq_config *config)
{
    struct window_params params = window_params(config);

    if (!same_fast_params(&params, &window->params)) {
        restart_fast(window);
    }
    if (!same_slow_params(&params, &window->params)) {
        restart_slot(window);
        for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
            window->rxqs[i].n_slots = 0;
        }
    }
    window->params = params;
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
rxq_key(const struct vmq_snapshot *snapshot, uint32_t i)
{
    const struct vmq_rxq *rxq = &snapshot->rxqs[i];

    return vmq_pair(snapshot->ports[rxq->port].port_no, rxq->qid);
}

/* Brings 'window->rxqs' in line with 'raw->rxqs'. */
static void
match_rxqs(struct vmq_window *window, const struct vmq_snapshot *raw)
{
    const struct vmq_snapshot *last = &window->last;
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
            rxqs[i] = window->rxqs[old];
        }
    }
    free(window->rxqs);
    window->rxqs = rxqs;
}

/* Brings 'window->pmds' in line with 'raw->pmds'. */
static void
match_pmds(struct vmq_window *window, const struct vmq_snapshot *raw)
{
    const struct vmq_snapshot *last = &window->last;
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
            pmds[i] = window->pmds[old];
        }
    }
    free(window->pmds);
    window->pmds = pmds;
}

/* Makes 'raw' the last sample. */
static void
set_last(struct vmq_window *window, const struct vmq_snapshot *raw)
{
    match_pmds(window, raw);
    match_rxqs(window, raw);
    vmq_snapshot_copy(&window->last, raw);
}

/* Samples. */

/* Returns the bucket that the next sample goes to. */
static unsigned int
open_bucket(struct vmq_window *window, const struct vmq_span *span)
{
    unsigned int n = window->n_buckets;
    unsigned int bucket = (window->first + n + N_BUCKETS - 1) % N_BUCKETS;

    if (n
        && (n >= N_BUCKETS
            || !span->ms
            || window->buckets[bucket].ms < window->params.bucket_ms)) {
        return bucket;
    }

    bucket = (window->first + n) % N_BUCKETS;
    window->n_buckets++;
    memset(&window->buckets[bucket], 0, sizeof window->buckets[bucket]);
    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        memset(&window->pmds[i].buckets[bucket], 0,
               sizeof window->pmds[i].buckets[bucket]);
    }
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        memset(&window->rxqs[i].buckets[bucket], 0,
               sizeof window->rxqs[i].buckets[bucket]);
    }
    return bucket;
}

/* Drops the buckets without which the window still covers the hold. */
static void
drop_buckets(struct vmq_window *window)
{
    while (window->n_buckets > 1
           && (window->total.ms - window->buckets[window->first].ms
               >= window->params.hold_ms)) {
        unsigned int bucket = window->first;

        vmq_span_subtract(&window->total, &window->buckets[bucket]);
        for (uint32_t i = 0; i < window->last.n_pmds; i++) {
            vmq_pmd_usage_subtract(&window->pmds[i].total,
                                   &window->pmds[i].buckets[bucket]);
        }
        for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
            vmq_rxq_usage_subtract(&window->rxqs[i].total,
                                   &window->rxqs[i].buckets[bucket]);
        }
        window->first = (bucket + 1) % N_BUCKETS;
        window->n_buckets--;
    }
}

/* Remembers for the slot how high the fast loads have been in it. */
static void
note_peaks(struct vmq_window *window)
{
    if (window->total.ms < window->params.hold_ms) {
        return;
    }
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        struct window_rxq *rxq = &window->rxqs[i];
        uint64_t bp = vmq_mul_div(rxq->total.cycles, VMQ_BP,
                                  window->total.cycles);

        if (bp > rxq->slot_peak_bp) {
            rxq->slot_peak_bp = bp < UINT16_MAX ? bp : UINT16_MAX;
        }
    }
}

/* Completes the slot if it is long enough.  The sample that reaches its end
 * belongs to it as a whole. */
static void
complete_slot(struct vmq_window *window)
{
    if (window->slot.ms < window->params.slot_ms) {
        return;
    }
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        struct window_rxq *rxq = &window->rxqs[i];
        uint64_t bp = vmq_mul_div(rxq->slot_cycles, VMQ_BP,
                                  window->slot.cycles);

        if (bp < rxq->slot_peak_bp) {
            bp = rxq->slot_peak_bp;
        }
        if (!rxq->joined) {
            memmove(&rxq->slots_bp[1], &rxq->slots_bp[0],
                    (VMQ_HISTORY_SLOTS - 1) * sizeof rxq->slots_bp[0]);
            rxq->slots_bp[0] = bp < UINT16_MAX ? bp : UINT16_MAX;
            rxq->n_slots += rxq->n_slots < VMQ_HISTORY_SLOTS;
        }
    }
    restart_slot(window);
}

/* Measures what PMD 'i' did in the sample 'span'. */
static void
measure_pmd(struct vmq_window *window, uint32_t i, const struct vmq_span *span)
{
    struct window_pmd *pmd = &window->pmds[i];

    if (!vmq_meter_pmd(&pmd->meter, &window->last.pmds[i], span)) {
        memset(pmd->buckets, 0, sizeof pmd->buckets);
        memset(&pmd->total, 0, sizeof pmd->total);
    }
}

/* Accounts for what queue 'i' used in the sample 'span', now that all PMDs
 * have been measured. */
static void
account_rxq(struct vmq_window *window, uint32_t i, const struct vmq_span *span,
            unsigned int bucket)
{
    const struct vmq_rxq *sampled = &window->last.rxqs[i];
    const struct vmq_pmd *sampled_pmd = NULL;
    struct vmq_pmd_meter *pmd_meter = NULL;
    struct window_rxq *rxq = &window->rxqs[i];

    if (sampled->pmd < window->last.n_pmds) {
        sampled_pmd = &window->last.pmds[sampled->pmd];
        pmd_meter = &window->pmds[sampled->pmd].meter;
    }
    if (!vmq_meter_rxq(&rxq->meter, sampled, sampled_pmd, pmd_meter, span)) {
        *rxq = (struct window_rxq) { .meter = rxq->meter, .joined = true };
        return;
    }
    vmq_rxq_usage_add(&rxq->buckets[bucket], &rxq->meter.used);
    vmq_rxq_usage_add(&rxq->total, &rxq->meter.used);
    rxq->slot_cycles += rxq->meter.used.cycles;
}

/* Accounts for all that PMD 'i' did in the sample, now that the cycles of its
 * queues are known. */
static void
account_pmd(struct vmq_window *window, uint32_t i, unsigned int bucket)
{
    struct window_pmd *pmd = &window->pmds[i];

    vmq_meter_overhead(&pmd->meter);
    vmq_pmd_usage_add(&pmd->buckets[bucket], &pmd->meter.used);
    vmq_pmd_usage_add(&pmd->total, &pmd->meter.used);
}

static void
take_sample(struct vmq_window *window, const struct vmq_span *span)
{
    unsigned int bucket = open_bucket(window, span);

    vmq_span_add(&window->buckets[bucket], span);
    vmq_span_add(&window->total, span);
    vmq_span_add(&window->slot, span);
    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        measure_pmd(window, i, span);
    }
    for (uint32_t i = 0; i < window->last.n_rxqs; i++) {
        account_rxq(window, i, span, bucket);
    }
    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        account_pmd(window, i, bucket);
    }
    drop_buckets(window);
    note_peaks(window);
    complete_slot(window);
}

/* Starts, or starts anew, from the last sample. */
static void
start(struct vmq_window *window)
{
    const struct vmq_span span = { 0, 0, 0 };

    take_sample(window, &span);
    restart_fast(window);
    restart_slot(window);
}

/* Forgets evacuations that are complete or have come to nothing. */
static void
end_evacuations(struct vmq_window *window)
{
    uint64_t patience_ms = max_u64(EVACUATION_MS,
                                   window->params.hold_ms
                                   + 3 * window->params.interval_ms);

    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        struct window_pmd *pmd = &window->pmds[i];
        bool left = false;

        if (!pmd->evacuating) {
            continue;
        }
        for (uint32_t j = 0; j < window->last.n_rxqs && !left; j++) {
            left = (window->last.rxqs[j].pmd == i
                    && window->last.rxqs[j].mobility == VMQ_DYNAMIC);
        }
        if (!left || window->last.now_ms > pmd->evacuated_ms + patience_ms) {
            pmd->evacuating = false;
        }
    }
}

enum vmq_sample_status
vmq_window_add(struct vmq_window *window, const struct vmq_config *config,
               const struct vmq_snapshot *raw)
{
    bool backward = (raw->now_ms < window->last.now_ms
                     || raw->window_cycles < window->last.window_cycles
                     || raw->window_ns < window->last.window_ns);
    struct vmq_span span = {
        .ms = raw->now_ms - window->last.now_ms,
        .cycles = raw->window_cycles - window->last.window_cycles,
        .ns = raw->window_ns - window->last.window_ns,
    };
    uint64_t stale_ms;

    set_params(window, config);
    set_last(window, raw);
    if (!window->started) {
        window->started = true;
        start(window);
        return VMQ_SAMPLE_FIRST;
    }

    stale_ms = max_u64(window->params.hold_ms + 2 * window->params.interval_ms,
                       STALE_INTERVALS * window->params.interval_ms);
    stale_ms = max_u64(stale_ms, STALE_MIN_MS);
    if (backward || span.ms > stale_ms
        || !vmq_tsc_is_steady(&window->rate, &span)) {
        start(window);
        for (uint32_t i = 0; backward && i < raw->n_pmds; i++) {
            window->pmds[i].settled_ms = 0;
            window->pmds[i].evacuating = false;
        }
        end_evacuations(window);
        return VMQ_SAMPLE_STALE;
    }

    take_sample(window, &span);
    end_evacuations(window);
    return (span.ms > 2 * window->params.interval_ms ? VMQ_SAMPLE_LATE
            : VMQ_SAMPLE_OK);
}

/* Results. */

/* Stores the history of 'known' in 'rxq'.  If the interval is longer than a
 * slot should be, the measured slots are fewer and longer: then each stands
 * for several in the result. */
static void
copy_history(const struct window_params *params,
             const struct window_rxq *known, struct vmq_rxq *rxq)
{
    uint32_t n = (known->n_slots < params->n_slots ? known->n_slots
                  : params->n_slots);

    rxq->n_history = n * VMQ_HISTORY_SLOTS / params->n_slots;
    memset(rxq->history_bp, 0, sizeof rxq->history_bp);
    for (uint32_t i = 0; i < rxq->n_history; i++) {
        rxq->history_bp[i]
            = known->slots_bp[i * params->n_slots / VMQ_HISTORY_SLOTS];
    }
}

const struct vmq_snapshot *
vmq_window_last(const struct vmq_window *window)
{
    return &window->last;
}

bool
vmq_window_snapshot(const struct vmq_window *window,
                    const struct vmq_config *config,
                    struct vmq_snapshot *snapshot)
{
    struct window_params params = window_params(config);

    vmq_snapshot_copy(snapshot, &window->last);
    snapshot->window_ms = window->total.ms;
    snapshot->window_cycles = window->total.cycles;
    snapshot->window_ns = window->total.ns;
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        const struct window_pmd *known = &window->pmds[i];
        struct vmq_pmd *pmd = &snapshot->pmds[i];

        pmd->busy_cycles = known->total.busy_cycles;
        pmd->idle_cycles = known->total.idle_cycles;
        pmd->sleep_cycles = known->total.sleep_cycles;
        pmd->cpu_ns = known->total.cpu_ns;
        pmd->stolen_cycles = known->total.stolen_cycles;
        pmd->overhead_cycles = known->total.overhead_cycles;
        pmd->edge = false;
        pmd->settling = snapshot->now_ms < known->settled_ms;
        pmd->evacuating = known->evacuating;
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        const struct window_rxq *known = &window->rxqs[i];
        struct vmq_rxq *rxq = &snapshot->rxqs[i];

        rxq->cycles = known->total.cycles;
        rxq->packets = known->total.packets;
        rxq->polls = known->total.polls;
        rxq->full_batches = known->total.full_batches;
        rxq->backlog = known->meter.streak >= window->params.n_backlog;
        copy_history(&window->params, known, rxq);
        if (!same_slow_params(&params, &window->params)) {
            /* Measured for another coalesce hold. */
            rxq->n_history = 0;
        }
    }
    return window->n_buckets > 0;
}

/* Returns what the window knows of the PMD with index 'i' in 'snapshot', NULL
 * if nothing. */
static struct window_pmd *
find_pmd(struct vmq_window *window, const struct vmq_snapshot *snapshot,
         uint32_t i)
{
    if (i >= snapshot->n_pmds) {
        return NULL;
    }
    i = vmq_snapshot_find_pmd(&window->last, snapshot->pmds[i].core_id);
    return i != VMQ_NONE ? &window->pmds[i] : NULL;
}

/* Ends the evacuations on 'numa_id', which needs all the PMDs it has. */
static void
stop_evacuations(struct vmq_window *window, int32_t numa_id)
{
    for (uint32_t i = 0; i < window->last.n_pmds; i++) {
        if (window->last.pmds[i].numa_id == numa_id) {
            window->pmds[i].evacuating = false;
        }
    }
}

void
vmq_window_commit(struct vmq_window *window, const struct vmq_config *config,
                  const struct vmq_snapshot *snapshot,
                  const struct vmq_move *moves, uint32_t n_moves,
                  const enum vmq_outcome *outcomes)
{
    for (uint32_t i = 0; i < n_moves; i++) {
        const struct vmq_move *move = &moves[i];
        struct window_pmd *from = find_pmd(window, snapshot, move->from);
        struct window_pmd *to = find_pmd(window, snapshot, move->to);

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
                stop_evacuations(window, snapshot->pmds[move->from].numa_id);
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

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
#include "vmq-measure.h"

#include "vmq-util.h"

/* If the TSC and the clock disagree by more than this factor on how long a
 * sample was, compared to the one before, the TSCs of two CPUs do.  A lower
 * factor takes a TSC that follows the frequency of the CPU for that, a higher
 * one lets loads be wrong by as much.  Samples of less than 1 ms are too short
 * to tell. */
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

/* A sample looks like a backlog if all but this part of a queue's polls
 * returned a full batch, while its PMD idled less than that part of the time.
 * Stricter ones miss a queue whose PMD has a little to do besides, others take
 * high load for a backlog. */
#define BACKLOG_POLLS_DIVISOR 10
#define BACKLOG_IDLE_DIVISOR 50

/* Time. */

void
vmq_span_add(struct vmq_span *a, const struct vmq_span *b)
{
    a->ms += b->ms;
    a->cycles += b->cycles;
    a->ns += b->ns;
}

void
vmq_span_subtract(struct vmq_span *a, const struct vmq_span *b)
{
    a->ms -= b->ms;
    a->cycles -= b->cycles;
    a->ns -= b->ns;
}

/* Returns true if the TSC has gone as fast in the sample 'span' as in the one
 * before, as far as that can be told.  '*rate' is a recent sample, at first
 * all zeros, and is brought up to date. */
bool
vmq_tsc_is_steady(struct vmq_span *rate, const struct vmq_span *span)
{
    struct vmq_span old = *rate;
    uint64_t expected;

    if (span->ns < TSC_MIN_NS) {
        return true;
    }
    *rate = *span;
    if (!old.ns) {
        return true;
    }
    expected = vmq_mul_div(old.cycles, span->ns, old.ns);
    return (span->cycles / TSC_FACTOR <= expected
            && expected / TSC_FACTOR <= span->cycles);
}

/* Returns true if a counter that is 'now' was more than that 'before'.  One
 * from which more was taken than it had is more than any can be. */
static bool
went_back(uint64_t now, uint64_t before)
{
    return now - before > UINT64_MAX / 2;
}

/* PMDs. */

void
vmq_pmd_usage_add(struct vmq_pmd_usage *a, const struct vmq_pmd_usage *b)
{
    a->busy_cycles += b->busy_cycles;
    a->idle_cycles += b->idle_cycles;
    a->sleep_cycles += b->sleep_cycles;
    a->cpu_ns += b->cpu_ns;
    a->stolen_cycles += b->stolen_cycles;
    a->overhead_cycles += b->overhead_cycles;
}

void
vmq_pmd_usage_subtract(struct vmq_pmd_usage *a,
                       const struct vmq_pmd_usage *b)
{
    a->busy_cycles -= b->busy_cycles;
    a->idle_cycles -= b->idle_cycles;
    a->sleep_cycles -= b->sleep_cycles;
    a->cpu_ns -= b->cpu_ns;
    a->stolen_cycles -= b->stolen_cycles;
    a->overhead_cycles -= b->overhead_cycles;
}

/* Returns how much of 'charged' a PMD did not have, which had 'cpu_cycles' of
 * CPU time. */
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

/* Has 'meter' count, in the sample 'span', what its PMD will charge only at
 * the end of an iteration that takes long, or not count again what it has
 * counted like that.  The PMD 'polls' queues or is parked. */
static void
spread_charge(struct vmq_pmd_meter *meter, bool polls,
              const struct vmq_span *span)
{
    struct vmq_pmd_usage *used = &meter->used;

    if (meter->charged_cycles || used->sleep_cycles || !polls) {
        uint64_t n = meter->advance_cycles;

        n = take_off(&used->sleep_cycles, n);
        n = take_off(&used->idle_cycles, n);
        take_off(&used->busy_cycles, n);
        meter->open_ms = meter->advance_cycles = 0;
        return;
    }
    meter->open_ms += span->ms;
    if (meter->open_ms > OPEN_MS) {
        meter->advance_cycles += span->cycles;
        used->idle_cycles = span->cycles;
    }
}

/* Returns true if the counters 'now' can be those that were 'before'.  If not,
 * there is another thread on the same core, or another TSC. */
static bool
is_same_pmd(const struct vmq_pmd_usage *now,
            const struct vmq_pmd_usage *before)
{
    return !(went_back(now->busy_cycles, before->busy_cycles)
             || went_back(now->idle_cycles, before->idle_cycles)
             || went_back(now->sleep_cycles, before->sleep_cycles)
             || went_back(now->cpu_ns, before->cpu_ns));
}

/* Stores in 'meter' what 'pmd' did in the sample 'span', but for its
 * overhead. */
bool
vmq_meter_pmd(struct vmq_pmd_meter *meter, const struct vmq_pmd *pmd,
              const struct vmq_span *span)
{
    struct vmq_pmd_usage raw = {
        .busy_cycles = pmd->busy_cycles,
        .idle_cycles = pmd->idle_cycles,
        .sleep_cycles = pmd->sleep_cycles,
        .cpu_ns = pmd->cpu_ns,
    };
    struct vmq_pmd_usage *used = &meter->used;

    if (!meter->known || !is_same_pmd(&raw, &meter->raw)) {
        *meter = (struct vmq_pmd_meter) {
            .known = true,
            .raw = raw,
            .polls = !pmd->parked,
        };
        return false;
    }

    *used = (struct vmq_pmd_usage) {
        .busy_cycles = raw.busy_cycles - meter->raw.busy_cycles,
        .idle_cycles = raw.idle_cycles - meter->raw.idle_cycles,
        .sleep_cycles = raw.sleep_cycles - meter->raw.sleep_cycles,
        .cpu_ns = raw.cpu_ns - meter->raw.cpu_ns,
    };
    meter->raw = raw;
    meter->charged_cycles = used->busy_cycles + used->idle_cycles;
    meter->taken_cycles = 0;
    meter->rxq_cycles = 0;
    spread_charge(meter, meter->polls && !pmd->parked, span);
    meter->polls = !pmd->parked;
    if (raw.cpu_ns && span->ms && span->ns && span->cycles) {
        uint64_t cpu_cycles = vmq_mul_div(used->cpu_ns, span->cycles,
                                          span->ns);

        used->stolen_cycles = stolen_cycles(used->busy_cycles
                                            + used->idle_cycles, cpu_cycles);
        meter->taken_cycles = stolen_cycles(meter->charged_cycles,
                                            cpu_cycles);
    }
    return true;
}

/* Stores in 'meter' the overhead of its PMD, now that the cycles of its queues
 * are known. */
void
vmq_meter_overhead(struct vmq_pmd_meter *meter)
{
    if (meter->used.busy_cycles > meter->rxq_cycles) {
        meter->used.overhead_cycles = meter->used.busy_cycles
                                      - meter->rxq_cycles;
    }
}

/* Queues. */

void
vmq_rxq_usage_add(struct vmq_rxq_usage *a, const struct vmq_rxq_usage *b)
{
    a->cycles += b->cycles;
    a->packets += b->packets;
    a->polls += b->polls;
    a->full_batches += b->full_batches;
}

void
vmq_rxq_usage_subtract(struct vmq_rxq_usage *a,
                       const struct vmq_rxq_usage *b)
{
    a->cycles -= b->cycles;
    a->packets -= b->packets;
    a->polls -= b->polls;
    a->full_batches -= b->full_batches;
}

/* Returns 'cycles', which the PMD of 'meter' charged to a queue, without the
 * part that was stolen. */
static uint64_t
scale_cycles(const struct vmq_pmd_meter *meter, uint64_t cycles)
{
    return (meter->taken_cycles
            ? vmq_mul_div(cycles, meter->charged_cycles - meter->taken_cycles,
                          meter->charged_cycles)
            : cycles);
}

bool
vmq_looks_like_backlog(uint64_t polls, uint64_t full_batches,
                       uint64_t busy_cycles, uint64_t idle_cycles)
{
    uint64_t charged = busy_cycles + idle_cycles;

    return (polls
            && full_batches >= polls - polls / BACKLOG_POLLS_DIVISOR
            && charged
            && idle_cycles < charged / BACKLOG_IDLE_DIVISOR);
}

static bool
is_same_rxq(const struct vmq_rxq_usage *now,
            const struct vmq_rxq_usage *before)
{
    return !(went_back(now->cycles, before->cycles)
             || went_back(now->packets, before->packets)
             || went_back(now->polls, before->polls)
             || went_back(now->full_batches, before->full_batches));
}

/* Stores in 'meter' what 'rxq' used in the sample 'span'.  'pmd', with
 * 'pmd_meter', polls it; both are null if no PMD does. */
bool
vmq_meter_rxq(struct vmq_rxq_meter *meter, const struct vmq_rxq *rxq,
              const struct vmq_pmd *pmd, struct vmq_pmd_meter *pmd_meter,
              const struct vmq_span *span)
{
    uint32_t core_id = pmd ? pmd->core_id : VMQ_NONE;
    struct vmq_rxq_usage raw = {
        .cycles = rxq->cycles,
        .packets = rxq->packets,
        .polls = rxq->polls,
        .full_batches = rxq->full_batches,
    };
    struct vmq_rxq_usage *used = &meter->used;

    if (!meter->known || !is_same_rxq(&raw, &meter->raw)) {
        *meter = (struct vmq_rxq_meter) {
            .known = true,
            .raw = raw,
            .core_id = core_id,
        };
        return false;
    }

    *used = (struct vmq_rxq_usage) {
        .cycles = raw.cycles - meter->raw.cycles,
        .packets = raw.packets - meter->raw.packets,
        .polls = raw.polls - meter->raw.polls,
        .full_batches = raw.full_batches - meter->raw.full_batches,
    };
    meter->raw = raw;
    if (!pmd_meter || meter->core_id != core_id) {
        /* Its old PMD may have charged time that was stolen. */
        if (span->ms && used->cycles > span->cycles) {
            used->cycles = span->cycles;
        }
        meter->streak = 0;
    } else if (span->ms) {
        meter->streak = (vmq_looks_like_backlog(used->polls,
                                                used->full_batches,
                                                pmd_meter->used.busy_cycles,
                                                pmd_meter->used.idle_cycles)
                         ? meter->streak + 1 : 0);
    }
    meter->core_id = core_id;
    if (pmd_meter) {
        pmd_meter->rxq_cycles += used->cycles;
        used->cycles = scale_cycles(pmd_meter, used->cycles);
    }
    return true;
}

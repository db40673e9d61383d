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

#ifndef VMQ_MEASURE_H
#define VMQ_MEASURE_H 1

/* Measure: what PMDs and queues used between one sample and the next.
 *
 * Motivation
 * ==========
 *
 * The counters of the datapath are cumulative, and they do not say what a
 * queue needs.  A PMD charges all the cycles that pass to its queues, also
 * those in which the system ran something else on its CPU, and it charges an
 * iteration only when that ends.  A meter takes the difference of two samples
 * and corrects it for both.
 *
 * Stolen time
 * ===========
 *
 * In each sample
 *
 *     charged = d(busy) + d(idle)
 *     had     = d(cpu_ns) * d(TSC) / d(clock in ns)
 *     stolen  = charged - had, or 0 if that is less than 1 % of 'charged'
 *
 * and the cycles of the queues that the PMD polls at the end of the sample are
 * multiplied by (charged - stolen) / charged.  For example, with samples of
 * 1,000 cycles and a queue that needs 240 cycles in each:
 *
 *     d(busy) d(idle) had   queue charged   stolen   queue's load   capacity
 *     ------- ------- ----- --------------- -------- -------------- --------
 *         300     700  1000             240        0           24 %    100 %
 *         300     700   995             240        0           24 %    100 %
 *         600     400   500             480      500           24 %     50 %
 *         300     200   500             240        0           24 %    100 %
 *
 * In the second row, too little is missing to tell it from noise.  In the
 * third, something else had the CPU for half of the time.  In the fourth, the
 * PMD slept or was parked for half of the time, which it does not charge.
 *
 * Iterations that do not end
 * ==========================
 *
 * An iteration may end seconds after it began, if the system gives the PMD's
 * CPU to something else.  While none ends for more than 20 ms though the PMD
 * has queues, the PMD is taken to charge all the time that passes, and not to
 * do so again at the end.  So a PMD that gets no CPU at all has no capacity
 * meanwhile, rather than later.
 *
 * Overhead
 * ========
 *
 * What of a PMD's busy cycles was not for any queue, mostly polls that found
 * nothing in iterations that found something elsewhere, is its overhead.
 *
 * Backlog
 * =======
 *
 * A sample of a queue looks like a backlog if at least 9 of 10 polls that
 * returned packets returned a full batch, while the PMD was idle for less than
 * 2 % of the time that it charged.
 *
 * Clocks
 * ======
 *
 * Loads are shares of the TSC of the CPU that takes the samples, which may be
 * another one each time.  A sample in which the TSC ran more than twice as
 * fast or as slow, by the clock, as in the sample before is good for nothing:
 * the TSCs of the two CPUs differ.  A PMD stays on its CPU.  If its TSC leaps
 * all the same, backward, the PMD and its queues are new; forward, the leap is
 * time that the PMD's thread did not have, that is, stolen.
 *
 * Usage
 * =====
 *
 * For each sample: vmq_meter_pmd() for each PMD, then vmq_meter_rxq() for each
 * queue, then vmq_meter_overhead() for each PMD.  An all-zero meter is one of
 * a PMD or queue of which nothing is known.
 *
 * Not handled
 * ===========
 *
 * Time stolen in a sample in which a queue moved is taken off according to the
 * queue's new PMD.  But no such queue has used more than all of the sample.
 *
 * Thread-safety
 * =============
 *
 * A meter has no lock: one thread uses it. */

#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A length of time, as measured by each of the clocks. */
struct vmq_span {
    uint64_t ms;
    uint64_t cycles;
    uint64_t ns;
};

void vmq_span_add(struct vmq_span *, const struct vmq_span *);
void vmq_span_subtract(struct vmq_span *, const struct vmq_span *);
bool vmq_tsc_is_steady(struct vmq_span *rate, const struct vmq_span *);

struct vmq_pmd_usage {
    uint64_t busy_cycles;
    uint64_t idle_cycles;
    uint64_t sleep_cycles;
    uint64_t cpu_ns;
    uint64_t stolen_cycles;
    uint64_t overhead_cycles;
};
void vmq_pmd_usage_add(struct vmq_pmd_usage *, const struct vmq_pmd_usage *);
void vmq_pmd_usage_subtract(struct vmq_pmd_usage *,
                            const struct vmq_pmd_usage *);

struct vmq_rxq_usage {
    uint64_t cycles;            /* Scaled for stolen time. */
    uint64_t packets;
    uint64_t polls;
    uint64_t full_batches;
};
void vmq_rxq_usage_add(struct vmq_rxq_usage *, const struct vmq_rxq_usage *);
void vmq_rxq_usage_subtract(struct vmq_rxq_usage *,
                            const struct vmq_rxq_usage *);

struct vmq_pmd_meter {
    struct vmq_pmd_usage used;  /* In the latest sample. */

    /* For vmq-measure.c only. */
    bool known;                 /* Has 'raw' to subtract from. */
    struct vmq_pmd_usage raw;   /* Cumulative, as of the latest sample. */
    uint64_t charged_cycles;    /* In the sample, by the PMD itself... */
    uint64_t taken_cycles;      /* ...of which it did not have that many. */
    uint64_t rxq_cycles;        /* Of its queues, not scaled. */
    bool polls;                 /* Had queues in the latest sample. */
    uint64_t open_ms;           /* No iteration has ended for that long... */
    uint64_t advance_cycles;    /* ...of which that much has been charged. */
};

struct vmq_rxq_meter {
    struct vmq_rxq_usage used;  /* In the latest sample. */
    unsigned int streak;        /* Samples in a row that look like backlog. */

    /* For vmq-measure.c only. */
    bool known;                 /* Has 'raw' to subtract from. */
    struct vmq_rxq_usage raw;   /* Cumulative, as of the latest sample. */
    uint32_t core_id;           /* Polled it in the latest sample. */
};

/* These return false if the PMD or the queue is new, or not the one that the
 * meter knew: then nothing was used, and what was known of the old one does
 * not count any more. */
bool vmq_meter_pmd(struct vmq_pmd_meter *, const struct vmq_pmd *,
                   const struct vmq_span *);
bool vmq_meter_rxq(struct vmq_rxq_meter *, const struct vmq_rxq *,
                   const struct vmq_pmd *, struct vmq_pmd_meter *,
                   const struct vmq_span *);
void vmq_meter_overhead(struct vmq_pmd_meter *);

/* Returns true if a queue, of whose 'polls' that returned packets so many
 * returned 'full_batches', kept its PMD from idling and still had more to
 * give. */
bool vmq_looks_like_backlog(uint64_t polls, uint64_t full_batches,
                            uint64_t busy_cycles, uint64_t idle_cycles);

#ifdef __cplusplus
}
#endif

#endif /* vmq-measure.h */

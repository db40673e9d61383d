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


#ifndef VMQ_CLOCK_H
#define VMQ_CLOCK_H 1

/* Real clocks, for what measures and moves queues.
 *
 * These are not time_msec() and friends: tests stop and warp those, which
 * changes nothing about how long something takes.
 *
 * Thread-safety: a struct vmq_clock belongs to one thread at a time.  What
 * does not take one may be called by any thread. */

#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct pmd_perf_stats;

/* Relates the time stamp counter (TSC) to the monotonic clock. */
struct vmq_clock {
    struct pmd_perf_stats *stats;       /* Reads the TSC. */
    uint64_t start_tsc;                 /* Both clocks at the same time. */
    uint64_t start_ns;
};

void vmq_clock_init(struct vmq_clock *);
void vmq_clock_destroy(struct vmq_clock *);
void vmq_clock_read(struct vmq_clock *, uint64_t *ns, uint64_t *tsc);
uint64_t vmq_clock_tsc_to_ns(struct vmq_clock *, uint64_t cycles);
uint64_t vmq_clock_ns_to_tsc(struct vmq_clock *, uint64_t ns);

uint64_t vmq_clock_ns(void);
long int vmq_clock_involuntary_switches(void);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-clock.h */

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

#ifndef VMQ_HIST_H
#define VMQ_HIST_H 1

/* A histogram of durations.
 *
 * Any 64-bit value in any unit, in buckets that are at most 1/8 of the value
 * wide: a percentile is at most 12.5 % above the true one, and never above the
 * maximum, which is exact.  Adding is a few instructions and allocates
 * nothing.
 *
 * Thread-safety: none, one thread owns a histogram.
 */

#include <stdint.h>

#define VMQ_HIST_BUCKETS 496

struct vmq_hist {
    uint64_t n;
    uint64_t sum;
    uint64_t max;
    uint64_t bucket[VMQ_HIST_BUCKETS];
};

void vmq_hist_clear(struct vmq_hist *);
void vmq_hist_add(struct vmq_hist *, uint64_t value);
uint64_t vmq_hist_percentile(const struct vmq_hist *, double percent);
double vmq_hist_mean(const struct vmq_hist *);

#endif /* vmq-hist.h */

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

#include "vmq-hist.h"

#include <string.h>

/* Values below 2**SUB_BITS have a bucket each; above, every power of 2 is
 * divided into 2**SUB_BITS buckets. */
#define SUB_BITS 3
#define SUB_BUCKETS (1u << SUB_BITS)

static unsigned int
value_to_bucket(uint64_t value)
{
    unsigned int msb;

    if (value < SUB_BUCKETS) {
        return value;
    }
    msb = 63 - __builtin_clzll(value);
    return ((msb - SUB_BITS + 1) * SUB_BUCKETS
            + ((value >> (msb - SUB_BITS)) & (SUB_BUCKETS - 1)));
}

/* Returns the greatest value that goes into 'bucket'. */
static uint64_t
bucket_to_value(unsigned int bucket)
{
    unsigned int shift;

    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    shift = bucket / SUB_BUCKETS - 1;
    return (((uint64_t) (SUB_BUCKETS + bucket % SUB_BUCKETS) << shift)
            + ((UINT64_C(1) << shift) - 1));
}

void
vmq_hist_clear(struct vmq_hist *h)
{
    memset(h, 0, sizeof *h);
}

void
vmq_hist_add(struct vmq_hist *h, uint64_t value)
{
    h->n++;
    h->sum += value;
    if (value > h->max) {
        h->max = value;
    }
    h->bucket[value_to_bucket(value)]++;
}

/* Returns a value that at least 'percent' of the values added do not exceed, 0
 * if there are none. */
uint64_t
vmq_hist_percentile(const struct vmq_hist *h, double percent)
{
    double wanted = h->n * percent / 100.0;
    uint64_t seen = 0;

    for (unsigned int i = 0; i < VMQ_HIST_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen && seen >= wanted) {
            uint64_t value = bucket_to_value(i);

            return value < h->max ? value : h->max;
        }
    }
    return h->max;
}

double
vmq_hist_mean(const struct vmq_hist *h)
{
    return h->n ? (double) h->sum / h->n : 0.0;
}

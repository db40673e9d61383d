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

#include "vmq-traffic-seq.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64
#define WINDOW_BYTES (VMQ_SEQ_WINDOW / 8)

static inline uint64_t *
window_word(const struct vmq_seq *s, uint64_t seq)
{
    return &s->window[seq % VMQ_SEQ_WINDOW / WORD_BITS];
}

static inline uint64_t
window_mask(uint64_t seq)
{
    return UINT64_C(1) << (seq % WORD_BITS);
}

static bool
window_test(const struct vmq_seq *s, uint64_t seq)
{
    return (*window_word(s, seq) & window_mask(seq)) != 0;
}

/* Gives 'seq' the bit that belonged to 'seq' - VMQ_SEQ_WINDOW.  A new window
 * is all ones, so the bits of numbers below 0 count as arrived. */
static void
window_enter(struct vmq_seq *s, uint64_t seq, bool arrived)
{
    if (!window_test(s, seq)) {
        s->expired++;
    }
    if (arrived) {
        *window_word(s, seq) |= window_mask(seq);
    } else {
        *window_word(s, seq) &= ~window_mask(seq);
    }
}

/* Frees what 's' owns.  A 'struct vmq_seq' that is all zeros is valid and has
 * seen nothing. */
void
vmq_seq_destroy(struct vmq_seq *s)
{
    free(s->window);
    s->window = NULL;
}

/* Records the arrival of packet 'seq' and says what it was. */
enum vmq_seq_verdict
vmq_seq_arrived(struct vmq_seq *s, uint64_t seq)
{
    if (seq >= s->next) {
        uint64_t hole = seq - s->next;

        if (hole && !s->window) {
            s->window = malloc(WINDOW_BYTES);
            if (!s->window) {
                abort();
            }
            memset(s->window, 0xff, WINDOW_BYTES);
        }
        if (s->window) {
            for (uint64_t i = s->next; i < seq; i++) {
                window_enter(s, i, false);
            }
            window_enter(s, seq, true);
        }
        s->missing += hole;
        s->next = seq + 1;
        return VMQ_SEQ_NEWER;
    }

    if (s->next - seq > VMQ_SEQ_WINDOW) {
        if (!s->expired) {
            return VMQ_SEQ_DUPLICATE;
        }
        s->expired--;
    } else {
        if (!s->window || window_test(s, seq)) {
            return VMQ_SEQ_DUPLICATE;
        }
        *window_word(s, seq) |= window_mask(seq);
    }
    s->missing--;
    return VMQ_SEQ_LATE;
}

/* Returns the number of distinct packets that arrived. */
uint64_t
vmq_seq_received(const struct vmq_seq *s)
{
    return s->next - s->missing;
}

/* Returns true if the invariants of 's' hold.  Slow. */
bool
vmq_seq_valid(const struct vmq_seq *s)
{
    uint32_t zeros = 0;

    if (s->missing > s->next || s->expired > s->missing) {
        return false;
    }
    for (size_t i = 0; s->window && i < WINDOW_BYTES / sizeof(uint64_t);
         i++) {
        zeros += WORD_BITS - __builtin_popcountll(s->window[i]);
    }
    return zeros == s->missing - s->expired;
}

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

#ifndef VMQ_UTIL_H
#define VMQ_UTIL_H 1

/* Small helpers of the pure files.
 *
 * Motivation
 * ==========
 *
 * The pure files compile into Open vSwitch's library and, without it, into the
 * standalone tools.  So they cannot use lib/util.h, and what they use instead
 * must not collide with it: these are static functions with names of their
 * own.
 *
 * As in Open vSwitch, running out of memory is not an error that a caller
 * could handle: these functions abort.
 *
 * Borrowed and own
 * ================
 *
 * Of the C library, the pure files use what build-aux/layers allows: in the
 * switch memory, strings, numbers as text, and bsearch().  They have their own
 *
 *     sort              because glibc's qsort() asks for memory, and a tick
 *                       must not, see vmq-engine.h;
 *     search            in the ledger, which needs the place where an account
 *                       that does not exist would be;
 *     128-bit product   because not all compilers have __int128.
 *
 * Thread-safety
 * =============
 *
 * Nothing here has any state. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if __GNUC__
#define VMQ_PRINTF_FORMAT(FMT, ARG1) \
    __attribute__((__format__(printf, FMT, ARG1)))
#else
#define VMQ_PRINTF_FORMAT(FMT, ARG1)
#endif

/* Returns zeroed memory for 'n' elements of 'size' bytes. */
static inline void *
vmq_xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p) {
        abort();
    }
    return p;
}

/* Makes room for 'n' elements of 'size' bytes in 'p'. */
static inline void *
vmq_xrealloc(void *p, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size) {
        abort();
    }
    p = realloc(p, n && size ? n * size : 1);
    if (!p) {
        abort();
    }
    return p;
}

/* Returns an array with room for at least 'n' elements of 'size' bytes, given
 * that 'array' has room for '*allocated' of them.  Zeroes new room. */
static inline void *
vmq_reserve(void *array, uint32_t *allocated, uint32_t n, size_t size)
{
    if (n > *allocated) {
        uint32_t room = *allocated < 8 ? 8 : *allocated;

        while (room < n) {
            if (room > UINT32_MAX / 2) {
                abort();
            }
            room *= 2;
        }
        array = vmq_xrealloc(array, room, size);
        memset((char *) array + *allocated * size, 0,
               (room - *allocated) * size);
        *allocated = room;
    }
    return array;
}

static inline char *
vmq_xstrdup(const char *s)
{
    size_t size = strlen(s) + 1;

    return memcpy(vmq_xrealloc(NULL, size, 1), s, size);
}

static inline char *vmq_xasprintf(const char *format, ...)
    VMQ_PRINTF_FORMAT(1, 2);

/* Returns the formatted text, malloc()'d. */
static inline char *
vmq_xasprintf(const char *format, ...)
{
    va_list args;
    char *s;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }

    s = vmq_xrealloc(NULL, (size_t) n + 1, 1);
    va_start(args, format);
    vsnprintf(s, (size_t) n + 1, format, args);
    va_end(args);
    return s;
}

/* Makes 's', which is returned, fit for one line of a log or a terminal,
 * whatever it quotes. */
static inline char *
vmq_make_printable(char *s)
{
    for (char *p = s; *p; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }
    return s;
}

/* Returns a * b / c, rounded down: exactly, whether or not a * b fits 64 bits.
 * UINT64_MAX if the result does not fit, 0 if 'c' is 0.
 *
 * Not done with __int128, which 32-bit machines do not have and whose division
 * is a function of the compiler's library. */
static inline uint64_t
vmq_mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t al = a & UINT32_MAX, ah = a >> 32;
    uint64_t bl = b & UINT32_MAX, bh = b >> 32;
    uint64_t mid = (al * bl >> 32) + (al * bh & UINT32_MAX)
                   + (ah * bl & UINT32_MAX);
    uint64_t hi = ah * bh + (al * bh >> 32) + (ah * bl >> 32) + (mid >> 32);
    uint64_t lo = a * b;

    if (!hi) {
        return c ? lo / c : 0;
    } else if (hi >= c) {
        return c ? UINT64_MAX : 0;
    }
    for (int i = 0; i < 64; i++) {
        bool carry = hi >> 63;

        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        if (carry || hi >= c) {
            hi -= c;
            lo |= 1;
        }
    }
    return lo;
}

/* Returns a number that orders pairs by 'high', and by 'low' where those are
 * equal. */
static inline uint64_t
vmq_pair(uint32_t high, uint32_t low)
{
    return (uint64_t) high << 32 | low;
}

/* What to sort by, of the element with that index. */
struct vmq_rank {
    uint64_t key;               /* Ascending... */
    uint32_t index;             /* ...ties by index. */
};

static inline bool
vmq_rank_less(const struct vmq_rank *a, const struct vmq_rank *b)
{
    return a->key != b->key ? a->key < b->key : a->index < b->index;
}

/* Sorts 'ranks', with a heap: qsort() asks for memory, see vmq-engine.h. */
static inline void
vmq_sort_ranks(struct vmq_rank *ranks, size_t n)
{
    size_t start = n / 2, end = n;

    while (end > 1) {
        struct vmq_rank x;
        size_t i, child;

        if (start) {
            i = --start;
            x = ranks[i];
        } else {
            i = 0;
            x = ranks[--end];
            ranks[end] = ranks[0];
        }
        for (; (child = 2 * i + 1) < end; i = child) {
            child += (child + 1 < end
                      && vmq_rank_less(&ranks[child], &ranks[child + 1]));
            if (!vmq_rank_less(&x, &ranks[child])) {
                break;
            }
            ranks[i] = ranks[child];
        }
        ranks[i] = x;
    }
}

#ifdef __cplusplus
}
#endif

#endif /* vmq-util.h */

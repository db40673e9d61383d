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

/* Fuzzes the reader of load traces.  The input is a file, which is read as it
 * is and, unless it is compressed already, compressed as well.  Asserted:
 *
 *   - an error is one line of printable text, begins with the name of the file
 *     and the number of a line, or of the one where another should begin, and
 *     says something; the trace is empty then;
 *   - otherwise the trace is what vmq-trace.h says: names that are there and
 *     differ, times that begin with 0 and grow, rates that can be;
 *   - written out and read again, it is the same;
 *   - compressed, the file comes to the same, errors included; compressed and
 *     cut off, it is refused. */

#include <config.h>

#include <ctype.h>
#include <math.h>
#include <zlib.h>

#include "vmq-fuzz.h"
#include "vmq-trace.h"

#define MAX_PPS 1e10            /* As in vmq-trace.c. */

static size_t
count_lines(const char *text, size_t size)
{
    size_t n = 1;

    for (size_t i = 0; i < size; i++) {
        n += text[i] == '\n';
    }
    return n;
}

static void
check_error(const char *error, const char *name, size_t n_lines,
            const struct vmq_trace *t)
{
    size_t prefix = strlen(name);
    unsigned long int line;
    char *end;

    fuzz_check_line(error);
    FUZZ_ASSERT(!strncmp(error, name, prefix) && error[prefix] == ':');
    line = strtoul(error + prefix + 1, &end, 10);
    FUZZ_ASSERT(line >= 1 && line - 1 <= n_lines);
    FUZZ_ASSERT(end[0] == ':' && end[1] == ' ' && end[2]);
    FUZZ_ASSERT(!t->n_queues && !t->names && !t->numa_ids);
    FUZZ_ASSERT(!t->n_rows && !t->times_s && !t->rates_pps);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
check_trace(const struct vmq_trace *t)
{
    char **sorted = vmq_xcalloc(t->n_queues, sizeof *sorted);

    FUZZ_ASSERT(t->n_queues && t->n_rows);
    memcpy(sorted, t->names, t->n_queues * sizeof *sorted);
    qsort(sorted, t->n_queues, sizeof *sorted, compare_names);
    for (uint32_t i = 0; i < t->n_queues; i++) {
        FUZZ_ASSERT(sorted[i][0] && !strpbrk(sorted[i], ",\n"));
        FUZZ_ASSERT(!i || strcmp(sorted[i - 1], sorted[i]));
        FUZZ_ASSERT(t->numa_ids[i] >= -1 && t->numa_ids[i] <= 1023);
    }
    free(sorted);

    FUZZ_ASSERT(t->times_s[0] == 0);
    for (uint32_t i = 1; i < t->n_rows; i++) {
        FUZZ_ASSERT(t->times_s[i] > t->times_s[i - 1]);
    }
    FUZZ_ASSERT(isfinite(t->end_s));
    FUZZ_ASSERT(t->end_s > t->times_s[t->n_rows - 1]);
    for (size_t i = 0; i < (size_t) t->n_rows * t->n_queues; i++) {
        FUZZ_ASSERT(t->rates_pps[i] >= 0 && t->rates_pps[i] <= MAX_PPS);
    }
}

static void
check_same(const struct vmq_trace *a, const struct vmq_trace *b)
{
    FUZZ_ASSERT(a->n_queues == b->n_queues && a->n_rows == b->n_rows);
    for (uint32_t i = 0; i < a->n_queues; i++) {
        FUZZ_ASSERT(!strcmp(a->names[i], b->names[i]));
        FUZZ_ASSERT(a->numa_ids[i] == b->numa_ids[i]);
    }
    for (uint32_t i = 0; i < a->n_rows; i++) {
        FUZZ_ASSERT(a->times_s[i] == b->times_s[i]);
    }
    FUZZ_ASSERT(a->end_s == b->end_s);
    for (size_t i = 0; i < (size_t) a->n_rows * a->n_queues; i++) {
        FUZZ_ASSERT(a->rates_pps[i] == b->rates_pps[i]);
    }
}

static void
check_round_trip(const struct vmq_trace *t)
{
    struct vmq_trace again;
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);

    FUZZ_ASSERT(file);
    fputs("time_s", file);
    for (uint32_t i = 0; i < t->n_queues; i++) {
        fprintf(file, ",%s", t->names[i]);
    }
    fputs("\n#numa", file);
    for (uint32_t i = 0; i < t->n_queues; i++) {
        if (t->numa_ids[i] >= 0) {
            fprintf(file, ",%d", t->numa_ids[i]);
        } else {
            fputc(',', file);
        }
    }
    for (uint32_t i = 0; i < t->n_rows; i++) {
        fprintf(file, "\n%.17g", t->times_s[i]);
        for (uint32_t k = 0; k < t->n_queues; k++) {
            fprintf(file, ",%.17g",
                    t->rates_pps[(size_t) i * t->n_queues + k]);
        }
    }
    FUZZ_ASSERT(!fclose(file));
    FUZZ_ASSERT(!vmq_trace_read(fuzz_file(text, size), &again));
    check_same(t, &again);
    vmq_trace_destroy(&again);
    free(text);
}

/* Returns what gzip makes of 'data', malloc()'d, and its size in '*n'. */
static uint8_t *
compress_gz(const uint8_t *data, size_t size, size_t *n)
{
    z_stream z = { .next_in = (uint8_t *) data, .avail_in = size };
    uint8_t *out;

    /* 16 means gzip, 15 is the usual window. */
    FUZZ_ASSERT(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 16 + 15, 8,
                             Z_DEFAULT_STRATEGY) == Z_OK);
    z.avail_out = deflateBound(&z, size);
    z.next_out = out = vmq_xcalloc(z.avail_out, 1);
    FUZZ_ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
    *n = z.total_out;
    FUZZ_ASSERT(deflateEnd(&z) == Z_OK);
    return out;
}

static void
check_compressed(const uint8_t *data, size_t size, const struct vmq_trace *t,
                 const char *error)
{
    struct vmq_trace again;
    char *error_again;
    uint8_t *gz;
    size_t n;

    gz = compress_gz(data, size, &n);
    error_again = vmq_trace_read(fuzz_file(gz, n), &again);
    FUZZ_ASSERT(!error == !error_again);
    if (error) {
        FUZZ_ASSERT(!strcmp(error, error_again));
        free(error_again);
    } else {
        check_same(t, &again);
        vmq_trace_destroy(&again);
    }

    /* At least the trailer is missing, at most the header is there. */
    n -= 1 + size % (n - 10);
    error = vmq_trace_read(fuzz_file(gz, n), &again);
    FUZZ_ASSERT(error);
    check_error(error, fuzz_file(gz, n), count_lines((const char *) data,
                                                     size), &again);
    free((char *) error);
    free(gz);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool gz = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    size_t n_lines = gz ? SIZE_MAX : count_lines((const char *) data, size);
    const char *name = fuzz_file(data, size);
    struct vmq_trace t;
    char *error;

    error = vmq_trace_read(name, &t);
    if (error) {
        check_error(error, name, n_lines, &t);
    } else {
        check_trace(&t);
        check_round_trip(&t);
    }
    if (!gz) {
        check_compressed(data, size, &t, error);
    }
    free(error);
    vmq_trace_destroy(&t);
    return 0;
}

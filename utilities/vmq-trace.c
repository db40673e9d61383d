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
#include "vmq-trace.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <zlib.h>

#include "vmq-util.h"

/* More than this a second through one queue is a mistake in the trace: the
 * fastest links there are carry 1.2e9 packets/s of the least size. */
#define MAX_PPS 1e10

/* Longer traces than this, 30,000 years, have a mistake in a time.  It is far
 * less than what makes differences of times come to nothing or infinity. */
#define MAX_TIME_S 1e12

/* Room for the values of a million queues.  What is compressed can be of any
 * length, and should not be found out by running out of memory. */
#define MAX_LINE (16 * 1024 * 1024)

struct reader {
    const char *file_name;
    gzFile file;
    unsigned int line_no;
    char *line;
    size_t allocated;
    struct vmq_trace *trace;
    uint32_t allocated_rows;
    double start_s;             /* Time of the first row. */
};

static char *error_at(const struct reader *, const char *format, ...)
    VMQ_PRINTF_FORMAT(2, 3);

static char *
error_at(const struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return vmq_xasprintf("%s:%u: %s", r->file_name, r->line_no,
                         vmq_make_printable(text));
}

/* Reads the next line, without what ends it, into 'r->line'.  Returns false at
 * the end of the file, or in case of an error, which is then in '*error'. */
static bool
read_line(struct reader *r, char **error)
{
    size_t n = 0;
    int c;

    r->line_no++;
    while ((c = gzgetc(r->file)) != -1 && c != '\n') {
        if (r->allocated - n < 2) {
            r->allocated = r->allocated ? r->allocated * 2 : 4096;
            r->line = vmq_xrealloc(r->line, r->allocated, 1);
        }
        if (!c) {
            *error = error_at(r, "there is a null byte in this line");
            return false;
        } else if (n >= MAX_LINE) {
            *error = error_at(r, "this line has more than %d bytes", MAX_LINE);
            return false;
        }
        r->line[n++] = c;
    }
    if (c == -1) {
        int err;
        const char *reason = gzerror(r->file, &err);
        size_t prefix = strlen(r->file_name) + 2;

        if (err != Z_OK && err != Z_STREAM_END) {
            *error = (err == Z_ERRNO
                      ? error_at(r, "%s", strerror(errno))
                      /* Its messages begin with "FILE: ". */
                      : error_at(r, "%s", (strlen(reason) > prefix
                                           ? reason + prefix : reason)));
            return false;
        } else if (!n) {
            return false;
        }
    }
    if (!r->line) {
        r->line = vmq_xstrdup("");
        r->allocated = 1;
    }
    while (n && r->line[n - 1] == '\r') {
        n--;
    }
    r->line[n] = '\0';
    return true;
}

/* Cuts the next field off '*s'.  Returns NULL if there is none. */
static char *
next_field(char **s)
{
    char *field = *s;

    if (field) {
        char *comma = strchr(field, ',');

        *s = comma ? comma + 1 : NULL;
        if (comma) {
            *comma = '\0';
        }
    }
    return field;
}

static char *
parse_header(struct reader *r)
{
    struct vmq_trace *t = r->trace;
    char *s = r->line;
    char *name = next_field(&s);

    if (strcmp(name, "time_s")) {
        return error_at(r, "this is no trace: the header must begin with "
                        "time_s");
    }
    while ((name = next_field(&s)) != NULL) {
        if (!*name) {
            return error_at(r, "queue %"PRIu32" has no name",
                            t->n_queues + 1);
        }
        for (uint32_t i = 0; i < t->n_queues; i++) {
            if (!strcmp(t->names[i], name)) {
                return error_at(r, "two queues have the name \"%.80s\"", name);
            }
        }
        t->names = vmq_xrealloc(t->names, t->n_queues + 1, sizeof *t->names);
        t->names[t->n_queues++] = vmq_xstrdup(name);
    }
    if (!t->n_queues) {
        return error_at(r, "the header names no queue");
    }
    t->numa_ids = vmq_xcalloc(t->n_queues, sizeof *t->numa_ids);
    for (uint32_t i = 0; i < t->n_queues; i++) {
        t->numa_ids[i] = -1;
    }
    return NULL;
}

static char *
parse_numa(struct reader *r)
{
    struct vmq_trace *t = r->trace;
    char *s = r->line;
    uint32_t n = 0;
    char *field;

    next_field(&s);
    while ((field = next_field(&s)) != NULL) {
        char *end;
        long int numa_id = strtol(field, &end, 10);

        if (n >= t->n_queues) {
            return error_at(r, "there are more NUMA nodes than queues");
        } else if (*end || numa_id < 0 || numa_id > 1023) {
            return error_at(r, "\"%.80s\" is not a NUMA node (0..1023)",
                            field);
        }
        t->numa_ids[n++] = *field ? numa_id : -1;
    }
    return (n < t->n_queues
            ? error_at(r, "%"PRIu32" NUMA nodes for %"PRIu32" queues", n,
                       t->n_queues)
            : NULL);
}

static bool
is_numa_line(const char *line)
{
    static const char keyword[] = "#numa,";

    return !strncmp(line, keyword, sizeof keyword - 1);
}

static char *
parse_row(struct reader *r)
{
    struct vmq_trace *t = r->trace;
    char *s = r->line;
    char *field, *end;
    double *rates;
    double time_s;
    uint32_t n = 0;

    if (t->n_rows >= r->allocated_rows) {
        r->allocated_rows = r->allocated_rows ? r->allocated_rows * 2 : 64;
        t->times_s = vmq_xrealloc(t->times_s, r->allocated_rows,
                                  sizeof *t->times_s);
        t->rates_pps = vmq_xrealloc(t->rates_pps, r->allocated_rows,
                                    t->n_queues * sizeof *t->rates_pps);
    }

    field = next_field(&s);
    time_s = strtod(field, &end);
    if (!*field || *end || !isfinite(time_s)) {
        return error_at(r, "\"%.80s\" is not a time in seconds", field);
    }
    if (!t->n_rows) {
        r->start_s = time_s;
    }
    /* Compared as they are kept: what differs may not do so then. */
    time_s -= r->start_s;
    if (t->n_rows && time_s <= t->times_s[t->n_rows - 1]) {
        return error_at(r, "time %.80s s is not after that of the row before",
                        field);
    } else if (time_s > MAX_TIME_S) {
        return error_at(r, "time %.80s s is more than %g s after that of the "
                        "first row", field, MAX_TIME_S);
    }
    t->times_s[t->n_rows] = time_s;

    rates = &t->rates_pps[(size_t) t->n_rows * t->n_queues];
    while ((field = next_field(&s)) != NULL) {
        double rate = *field ? strtod(field, &end) : 0;

        if (n >= t->n_queues) {
            return error_at(r, "there are more values than queues");
        } else if (*field && (*end || !(rate >= 0 && rate <= MAX_PPS))) {
            return error_at(r, "\"%.80s\" is not a rate in packets/s "
                            "(queue %.80s)", field, t->names[n]);
        }
        rates[n++] = rate;
    }
    if (n < t->n_queues) {
        return error_at(r, "%"PRIu32" values for %"PRIu32" queues", n,
                        t->n_queues);
    }
    t->n_rows++;
    return NULL;
}

static char *
parse_trace(struct reader *r)
{
    struct vmq_trace *t = r->trace;
    char *error = NULL;

    while (!error && read_line(r, &error)) {
        if (!t->n_queues) {
            error = parse_header(r);
        } else if (r->line[0] == '#') {
            error = is_numa_line(r->line) ? parse_numa(r) : NULL;
        } else if (r->line[0]) {
            error = parse_row(r);
        }
    }
    if (!error && !t->n_queues) {
        error = error_at(r, "the file is empty");
    } else if (!error && !t->n_rows) {
        error = error_at(r, "there is no row after the header");
    }
    if (error) {
        return error;
    }

    t->end_s = t->times_s[t->n_rows - 1];
    t->end_s += t->n_rows > 1 ? t->end_s - t->times_s[t->n_rows - 2] : 1;
    return NULL;
}

char *
vmq_trace_read(const char *file_name, struct vmq_trace *trace)
{
    struct reader r = { .file_name = file_name, .trace = trace };
    char *error;

    memset(trace, 0, sizeof *trace);
    r.file = gzopen(file_name, "rb");
    if (!r.file) {
        return vmq_xasprintf("%s: %s", file_name,
                             errno ? strerror(errno) : "out of memory");
    }
    error = parse_trace(&r);
    gzclose(r.file);
    free(r.line);
    if (error) {
        vmq_trace_destroy(trace);
    }
    return error;
}

void
vmq_trace_destroy(struct vmq_trace *trace)
{
    for (uint32_t i = 0; i < trace->n_queues; i++) {
        free(trace->names[i]);
    }
    free(trace->names);
    free(trace->numa_ids);
    free(trace->times_s);
    free(trace->rates_pps);
    memset(trace, 0, sizeof *trace);
}

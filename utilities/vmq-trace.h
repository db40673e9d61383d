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

#ifndef VMQ_TRACE_H
#define VMQ_TRACE_H 1

/* Load traces: what each receive queue was offered, over time.
 *
 * Format
 * ======
 *
 * CSV, gzipped or not.  The first line is the header
 *
 *     time_s,QUEUE,QUEUE...
 *
 * in which a QUEUE is "PORT/QID" or any other name.  A row follows for each
 * moment at which loads change: its time in seconds, more than that of the row
 * before, and one rate for each queue in packets/s, empty for 0.  What a rate
 * means until the next row is up to the reader: that it stays ("step") or that
 * it goes along a straight line to the next one ("ramp").  The last row counts
 * for as long as the one before it did, a single row for one second.
 *
 * A line "#numa,NODE,NODE..." after the header says on which NUMA node the
 * port of each queue is, empty for unknown.  Other lines that begin with "#",
 * and empty ones, do not count.
 *
 * Thread-safety
 * =============
 *
 * A trace is plain memory, read by as many threads as like to. */

#include <stdint.h>

struct vmq_trace {
    uint32_t n_queues;
    char **names;               /* As in the header. */
    int32_t *numa_ids;          /* Negative: unknown. */

    uint32_t n_rows;
    double *times_s;            /* The first one is 0. */
    double *rates_pps;          /* 'n_queues' for each row. */
    double end_s;
};

/* Reads a trace from 'file_name'.  Returns NULL if successful.  Otherwise
 * returns a malloc()'d message that names file and line, and '*trace' is
 * empty. */
char *vmq_trace_read(const char *file_name, struct vmq_trace *trace);
void vmq_trace_destroy(struct vmq_trace *);

#endif /* vmq-trace.h */

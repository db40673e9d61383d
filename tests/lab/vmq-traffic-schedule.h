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

#ifndef VMQ_TRAFFIC_SCHEDULE_H
#define VMQ_TRAFFIC_SCHEDULE_H 1

/* What to send, from where, how fast, from when on.
 *
 * A schedule is a list of steps, one a line:
 *
 *     TIME_S PORT/QUEUE PPS [FLOWS] [to=PORT]
 *
 * TIME_S is in seconds after the start, with decimals.  PORT and QUEUE are
 * numbers from 0 or '*' for all.  PPS is a number of packets per second, with
 * decimals or with the suffix k or M; 0 stops the queue.  FLOWS is the number
 * of flows the packets are spread on, to=PORT the port that is to receive
 * them; each stays what it was if it is not given.  '#' starts a comment.
 * Steps with the same time take effect in the order in which they were
 * written; lines need not be sorted by time.
 *
 * A schedule is read as a whole before anything starts, so an error in it has
 * no side effect.  Errors are returned as a malloc()ed string that begins with
 * the file and the line, NULL is success.
 *
 * Thread-safety: none, one thread owns a schedule.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Most flows a queue can have: they must fit into 16 bits of the destination
 * address. */
#define VMQ_SCHEDULE_MAX_FLOWS 50000

/* Highest rate that is accepted for a queue, in packets per second: far above
 * what one core sends, so that anything above is a slip of the pen. */
#define VMQ_SCHEDULE_MAX_PPS 20e6

/* Latest time that is accepted, in seconds (11 days). */
#define VMQ_SCHEDULE_MAX_TIME 1e6

#define VMQ_SCHEDULE_ALL -1      /* '*' as port or queue. */
#define VMQ_SCHEDULE_KEEP -1     /* Not given: as before. */

struct vmq_rate {
    int port;                   /* VMQ_SCHEDULE_ALL or a port. */
    int queue;                  /* VMQ_SCHEDULE_ALL or a queue. */
    double pps;
    int flows;                  /* VMQ_SCHEDULE_KEEP or at least 1. */
    int to;                     /* VMQ_SCHEDULE_KEEP or a port. */
};

struct vmq_step {
    double time;                /* Seconds after the start. */
    struct vmq_rate rate;
    char *where;                /* "FILE:LINE". */
};

struct vmq_schedule {
    struct vmq_step *steps;     /* In the order of their time. */
    size_t n_steps;
    size_t allocated_steps;
};

void vmq_schedule_init(struct vmq_schedule *);
void vmq_schedule_destroy(struct vmq_schedule *);

char *vmq_schedule_add(struct vmq_schedule *, const char *line,
                       const char *file, unsigned int line_number);
char *vmq_schedule_read(struct vmq_schedule *, FILE *, const char *file);
char *vmq_schedule_check(const struct vmq_schedule *,
                         const unsigned int queues[], size_t n_ports);

char *vmq_rate_parse(const char *, struct vmq_rate *);
char *vmq_rate_check(const struct vmq_rate *, const unsigned int queues[],
                     size_t n_ports);

#endif /* vmq-traffic-schedule.h */

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

#include "vmq-traffic-schedule.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define BLANKS " \t\r\n\v\f"

/* Most words of a line, and the length of the longest one: anything longer is
 * an error whatever it says. */
#define MAX_WORDS 6
#define MAX_WORD_LEN 63

struct words {
    char word[MAX_WORDS][MAX_WORD_LEN + 1];
    size_t n;
};

static char *error_new(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static char *
error_new(const char *format, ...)
{
    va_list args;
    char *s;
    int error;

    va_start(args, format);
    error = vasprintf(&s, format, args);
    va_end(args);
    if (error < 0) {
        abort();
    }
    return s;
}

/* Returns 'error' with 'where' before it.  Frees 'error'. */
static char *
error_at(const char *where, char *error)
{
    char *s;

    if (!error) {
        return NULL;
    }
    s = error_new("%s: %s", where, error);
    free(error);
    return s;
}

static char *
split_words(const char *line, struct words *words)
{
    words->n = 0;
    for (;;) {
        size_t len;

        line += strspn(line, BLANKS);
        len = strcspn(line, BLANKS "#");
        if (!len) {
            return NULL;
        }
        if (len > MAX_WORD_LEN) {
            return error_new("word of %zu characters is too long", len);
        }
        if (words->n >= MAX_WORDS) {
            return error_new("too many words");
        }
        memcpy(words->word[words->n], line, len);
        words->word[words->n++][len] = '\0';
        line += len;
    }
}

/* Parses decimal digits, nothing else, up to 'max'. */
static bool
parse_uint(const char *s, unsigned int max, int *value)
{
    unsigned long int n;
    char *tail;

    if (!isdigit((unsigned char) *s)) {
        return false;
    }
    errno = 0;
    n = strtoul(s, &tail, 10);
    if (errno || *tail || n > max) {
        return false;
    }
    *value = n;
    return true;
}

/* Parses a decimal number without sign or exponent, from 0 to 'max', with an
 * optional suffix if 'suffixes'. */
static bool
parse_decimal(const char *s, double max, bool suffixes, double *value)
{
    size_t len = strspn(s, "0123456789.");
    double scale = 1.0;
    char *tail;

    if (suffixes && s[len] == 'k') {
        scale = 1e3;
    } else if (suffixes && s[len] == 'M') {
        scale = 1e6;
    }
    if (!len || s[len + (scale > 1.0)]) {
        return false;
    }
    *value = strtod(s, &tail) * scale;
    return tail == s + len && isfinite(*value) && *value <= max;
}

static bool
parse_index(const char *s, int *value)
{
    if (!strcmp(s, "*")) {
        *value = VMQ_SCHEDULE_ALL;
        return true;
    }
    return parse_uint(s, INT_MAX, value);
}

static char *
parse_rate_words(char (*word)[MAX_WORD_LEN + 1], size_t n,
                 struct vmq_rate *rate)
{
    char *slash;
    size_t i;

    if (n < 2) {
        return error_new("PORT/QUEUE and PPS are required");
    }

    slash = strchr(word[0], '/');
    if (slash) {
        *slash = '\0';
    }
    if (!slash || !parse_index(word[0], &rate->port)
        || !parse_index(slash + 1, &rate->queue)) {
        if (slash) {
            *slash = '/';
        }
        return error_new("\"%s\" is not PORT/QUEUE", word[0]);
    }
    if (!parse_decimal(word[1], VMQ_SCHEDULE_MAX_PPS, true, &rate->pps)) {
        return error_new("\"%s\" is not a rate from 0 to %.0f packets per "
                         "second", word[1], VMQ_SCHEDULE_MAX_PPS);
    }

    rate->flows = VMQ_SCHEDULE_KEEP;
    rate->to = VMQ_SCHEDULE_KEEP;
    i = 2;
    if (i < n && strncmp(word[i], "to=", 3)) {
        if (!parse_uint(word[i], VMQ_SCHEDULE_MAX_FLOWS, &rate->flows)
            || !rate->flows) {
            return error_new("\"%s\" is not a number of flows from 1 to %d",
                             word[i], VMQ_SCHEDULE_MAX_FLOWS);
        }
        i++;
    }
    if (i < n && !strncmp(word[i], "to=", 3)) {
        if (!parse_uint(word[i] + 3, INT_MAX, &rate->to)) {
            return error_new("\"%s\" does not name a port", word[i]);
        }
        i++;
    }
    if (i < n) {
        return error_new("\"%s\" is not expected here", word[i]);
    }
    return NULL;
}

/* Parses "PORT/QUEUE PPS [FLOWS] [to=PORT]". */
char *
vmq_rate_parse(const char *s, struct vmq_rate *rate)
{
    struct words words;
    char *error;

    error = split_words(s, &words);
    return error ? error : parse_rate_words(words.word, words.n, rate);
}

/* Checks that what 'rate' names is there, given 'n_ports' ports of which port
 * I has 'queues[I]' queues. */
char *
vmq_rate_check(const struct vmq_rate *rate, const unsigned int queues[],
               size_t n_ports)
{
    unsigned int max_queues = 0;

    if (rate->port >= 0 && (size_t) rate->port >= n_ports) {
        return error_new("there is no port %d, only 0 to %zu",
                         rate->port, n_ports - 1);
    }
    if (rate->to >= 0 && (size_t) rate->to >= n_ports) {
        return error_new("there is no port %d to send to, only 0 to %zu",
                         rate->to, n_ports - 1);
    }
    for (size_t i = 0; i < n_ports; i++) {
        if ((rate->port == VMQ_SCHEDULE_ALL || rate->port == (int) i)
            && queues[i] > max_queues) {
            max_queues = queues[i];
        }
    }
    if (rate->queue >= 0 && (unsigned int) rate->queue >= max_queues) {
        return error_new("there is no queue %d, only 0 to %u",
                         rate->queue, max_queues - 1);
    }
    return NULL;
}

void
vmq_schedule_init(struct vmq_schedule *schedule)
{
    memset(schedule, 0, sizeof *schedule);
}

void
vmq_schedule_destroy(struct vmq_schedule *schedule)
{
    for (size_t i = 0; i < schedule->n_steps; i++) {
        free(schedule->steps[i].where);
    }
    free(schedule->steps);
    vmq_schedule_init(schedule);
}

/* Puts 'step' behind all steps that are not later than it. */
static void
insert_step(struct vmq_schedule *schedule, const struct vmq_step *step)
{
    size_t i;

    if (schedule->n_steps >= schedule->allocated_steps) {
        schedule->allocated_steps = 2 * schedule->allocated_steps + 16;
        schedule->steps = realloc(schedule->steps,
                                  schedule->allocated_steps
                                  * sizeof *schedule->steps);
        if (!schedule->steps) {
            abort();
        }
    }
    for (i = schedule->n_steps; i && schedule->steps[i - 1].time > step->time;
         i--) {
        schedule->steps[i] = schedule->steps[i - 1];
    }
    schedule->steps[i] = *step;
    schedule->n_steps++;
}

/* Adds the step in 'line', if there is one: it may be empty or a comment. */
char *
vmq_schedule_add(struct vmq_schedule *schedule, const char *line,
                 const char *file, unsigned int line_number)
{
    struct vmq_step step;
    struct words words;
    char *error;

    step.where = error_new("%s:%u", file, line_number);
    error = split_words(line, &words);
    if (!error && !words.n) {
        free(step.where);
        return NULL;
    }
    if (!error && !parse_decimal(words.word[0], VMQ_SCHEDULE_MAX_TIME, false,
                                 &step.time)) {
        error = error_new("\"%s\" is not a time from 0 to %.0f seconds",
                          words.word[0], VMQ_SCHEDULE_MAX_TIME);
    }
    if (!error) {
        error = parse_rate_words(words.word + 1, words.n - 1, &step.rate);
    }
    if (error) {
        error = error_at(step.where, error);
        free(step.where);
        return error;
    }
    insert_step(schedule, &step);
    return NULL;
}

/* Adds the steps in 'stream', called 'file' in errors. */
char *
vmq_schedule_read(struct vmq_schedule *schedule, FILE *stream,
                  const char *file)
{
    unsigned int line_number = 0;
    char *error = NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while (!error && (len = getline(&line, &size, stream)) >= 0) {
        line_number++;
        if (strlen(line) != (size_t) len) {
            error = error_new("%s:%u: null byte", file, line_number);
        } else {
            error = vmq_schedule_add(schedule, line, file, line_number);
        }
    }
    if (!error && ferror(stream)) {
        error = error_new("%s:%u: read failed (%s)", file, line_number + 1,
                          strerror(errno));
    }
    free(line);
    return error;
}

/* Does vmq_rate_check() for each step. */
char *
vmq_schedule_check(const struct vmq_schedule *schedule,
                   const unsigned int queues[], size_t n_ports)
{
    for (size_t i = 0; i < schedule->n_steps; i++) {
        const struct vmq_step *step = &schedule->steps[i];
        char *error = vmq_rate_check(&step->rate, queues, n_ports);

        if (error) {
            return error_at(step->where, error);
        }
    }
    return NULL;
}

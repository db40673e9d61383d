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
#include "vmq-clock.h"

#include <sys/resource.h>
#include <time.h>

#include "dpif-netdev-perf.h"
#include "timeval.h"
#include "util.h"

/* Clocks read within this time were read at the same time.  Reading both takes
 * some 50 ns, or at least 10 times this if the thread loses its CPU in
 * between. */
#define VMQ_SAME_TIME_NS 10000

void
vmq_clock_init(struct vmq_clock *clock)
{
    /* Large, but only 'last_tsc' is ever touched. */
    clock->stats = xcalloc(1, sizeof *clock->stats);
    vmq_clock_read(clock, &clock->start_ns, &clock->start_tsc);
}

void
vmq_clock_destroy(struct vmq_clock *clock)
{
    free(clock->stats);
}

/* Reads both clocks at the same time, as far as the CPU is not taken away in
 * between every time. */
void
vmq_clock_read(struct vmq_clock *clock, uint64_t *ns, uint64_t *tsc)
{
    for (int i = 0; i < 3; i++) {
        *ns = vmq_clock_ns();
        *tsc = cycles_counter_update(clock->stats);
        if (vmq_clock_ns() - *ns < VMQ_SAME_TIME_NS) {
            break;
        }
    }
}

/* Returns 'cycles' of the TSC in ns, 0 if there is no TSC. */
uint64_t
vmq_clock_tsc_to_ns(struct vmq_clock *clock, uint64_t cycles)
{
    uint64_t elapsed = cycles_counter_update(clock->stats) - clock->start_tsc;

    return (elapsed
            ? (double) cycles * (vmq_clock_ns() - clock->start_ns) / elapsed
            : 0);
}

/* Returns 'ns' in cycles of the TSC, a very long time if there is none. */
uint64_t
vmq_clock_ns_to_tsc(struct vmq_clock *clock, uint64_t ns)
{
    uint64_t elapsed = cycles_counter_update(clock->stats) - clock->start_tsc;
    uint64_t elapsed_ns = vmq_clock_ns() - clock->start_ns;

    return (elapsed && elapsed_ns ? (double) ns * elapsed / elapsed_ns
            : INT64_MAX);
}

/* Returns the time of the monotonic clock. */
uint64_t
vmq_clock_ns(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* Returns how often something else was given the CPU of this thread although
 * it wanted to go on. */
long int
vmq_clock_involuntary_switches(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nivcsw;
}

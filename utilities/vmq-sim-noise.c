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
#include "vmq-sim-noise.h"

#include <math.h>

/* Variance of the packets that arrive within a time, over their mean.  It is 1
 * for single packets that come at random, and the length of a train for trains
 * that do. */
#define DISPERSION 8.0

/* Preemptions of a PMD that last for 64 us at least: so many a second, of
 * which a part of (64 us / t)**0.7 lasts for longer than t, and none for
 * longer than 5 ms. */
#define PREEMPTIONS_PER_S 10
#define PREEMPTION_MIN_NS 64e3
#define PREEMPTION_MAX_NS 5e6
#define PREEMPTION_EXPONENT 0.7

/* "splitmix64", S. Vigna. */
static uint64_t
noise_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Between 0 and 1, neither of which it ever is. */
static double
noise_uniform(uint64_t *state)
{
    return ((noise_random(state) >> 11) + .5) / (UINT64_C(1) << 53);
}

static void
noise_wait(const struct sim *sim, struct sim_pmd *pmd)
{
    double rate = PREEMPTIONS_PER_S * sim->options->noise / SIM_NS_PER_S;
    double wait_ns = -log(noise_uniform(&pmd->noise)) / rate;

    pmd->preemption_ns = (wait_ns < SIM_NEVER / 2
                          ? sim->now_ns + 1 + (uint64_t) wait_ns : SIM_NEVER);
}

/* How long the next preemption of 'pmd' lasts. */
static double
noise_length_ns(struct sim_pmd *pmd)
{
    double longest = pow(PREEMPTION_MIN_NS / PREEMPTION_MAX_NS,
                         PREEMPTION_EXPONENT);
    double longer = longest + ((1 - longest) * noise_uniform(&pmd->noise));

    return PREEMPTION_MIN_NS * pow(longer, -1 / PREEMPTION_EXPONENT);
}

void
sim_noise_init(struct sim *sim)
{
    sim->noise = sim->options->seed;
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        struct sim_pmd *pmd = &sim->pmds[i];

        /* Not the same as the next seed of the PMD before. */
        pmd->noise = noise_random(&sim->noise);
        pmd->preemption_ns = SIM_NEVER;
        if (sim->options->noise > 0) {
            noise_wait(sim, pmd);
        }
    }
}

uint64_t
sim_noise_next_ns(const struct sim *sim)
{
    uint64_t next_ns = SIM_NEVER;

    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        if (sim->pmds[i].preemption_ns < next_ns) {
            next_ns = sim->pmds[i].preemption_ns;
        }
    }
    return next_ns;
}

void
sim_noise_advance(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_pmds; i++) {
        struct sim_pmd *pmd = &sim->pmds[i];

        if (pmd->preemption_ns > sim->now_ns) {
            continue;
        }
        pmd->preempted = !pmd->preempted;
        if (pmd->preempted) {
            pmd->preemption_ns = sim->now_ns + 1 + noise_length_ns(pmd);
        } else {
            noise_wait(sim, pmd);
        }
    }
}

double
sim_noise_count(struct sim *sim, double packets)
{
    /* The bits of a random number are nearly a normal distribution: 64 bits,
     * of which 32 are set, with a standard deviation of 4. */
    int deviation = __builtin_popcountll(noise_random(&sim->noise)) - 32;

    return (deviation / 4.0
            * sqrt(DISPERSION * sim->options->noise * packets));
}

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
#include "vmq-edge.h"

#include <stdlib.h>

#include "vmq-measure.h"
#include "vmq-util.h"

/* The two samples of a glance, and by what its counters are multiplied. */
struct glance {
    const struct vmq_snapshot *first, *second;
    uint64_t window_cycles, cycles;
};

/* Returns 'second' - 'first', which the glance has counted, as it would be in
 * the window.  Time must have passed in the glance. */
static uint64_t
scale(const struct glance *glance, uint64_t second, uint64_t first)
{
    return (second > first
            ? vmq_mul_div(second - first, glance->window_cycles,
                          glance->cycles)
            : 0);
}

/* Are all three about the same PMDs and queues? */
static bool
is_about(const struct vmq_snapshot *snapshot,
         const struct vmq_snapshot *sample)
{
    if (snapshot->n_pmds != sample->n_pmds
        || snapshot->n_ports != sample->n_ports
        || snapshot->n_rxqs != sample->n_rxqs) {
        return false;
    }
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        if (snapshot->pmds[i].core_id != sample->pmds[i].core_id) {
            return false;
        }
    }
    for (uint32_t i = 0; i < snapshot->n_ports; i++) {
        if (snapshot->ports[i].port_no != sample->ports[i].port_no
            || strcmp(snapshot->ports[i].name, sample->ports[i].name)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        if (snapshot->rxqs[i].port != sample->rxqs[i].port
            || snapshot->rxqs[i].qid != sample->rxqs[i].qid) {
            return false;
        }
    }
    return true;
}

/* Has 'pmd' be what 'second' says that it is. */
static void
take_pmd(const struct vmq_pmd *second, struct vmq_pmd *pmd)
{
    pmd->sibling_group = second->sibling_group;
    pmd->numa_id = second->numa_id;
    pmd->isolated = second->isolated;
    pmd->parked = second->parked;
    pmd->edge = second->edge;
    pmd->settling = false;
}

/* Likewise, a queue. */
static void
take_rxq(const struct vmq_rxq *second, struct vmq_rxq *rxq)
{
    rxq->pmd = second->pmd;
    rxq->numa_id = second->numa_id;
    rxq->mobility = second->mobility;
    rxq->n_moves = second->n_moves;
    rxq->tunnel_flows = second->tunnel_flows;
    rxq->reserve_bp = second->reserve_bp;
    rxq->backlog = false;
}

/* Has 'pmd' show what PMD 'i' did in the glance. */
static void
show_pmd(const struct glance *glance, uint32_t i, struct vmq_pmd *pmd)
{
    const struct vmq_pmd *first = &glance->first->pmds[i];
    const struct vmq_pmd *second = &glance->second->pmds[i];

    pmd->busy_cycles = scale(glance, second->busy_cycles, first->busy_cycles);
    pmd->idle_cycles = scale(glance, second->idle_cycles, first->idle_cycles);
    pmd->sleep_cycles = scale(glance, second->sleep_cycles,
                              first->sleep_cycles);
    pmd->overhead_cycles = 0;

    /* One whose iteration has lasted for all of the glance has charged nothing
     * yet. */
    if (pmd->edge && !pmd->busy_cycles && !pmd->idle_cycles) {
        pmd->busy_cycles = glance->window_cycles;
    }
    if (pmd->stolen_cycles > pmd->busy_cycles + pmd->idle_cycles) {
        pmd->stolen_cycles = pmd->busy_cycles + pmd->idle_cycles;
    }
}

/* Has 'rxq' show what queue 'i', which 'pmd' polls, did in the glance. */
static void
show_rxq(const struct glance *glance, uint32_t i, const struct vmq_pmd *pmd,
         struct vmq_rxq *rxq)
{
    const struct vmq_rxq *first = &glance->first->rxqs[i];
    const struct vmq_rxq *second = &glance->second->rxqs[i];

    rxq->cycles = scale(glance, second->cycles, first->cycles);
    rxq->packets = scale(glance, second->packets, first->packets);
    rxq->polls = scale(glance, second->polls, first->polls);
    rxq->full_batches = scale(glance, second->full_batches,
                              first->full_batches);
    rxq->backlog = pmd->edge && vmq_looks_like_backlog(rxq->polls,
                                                       rxq->full_batches,
                                                       pmd->busy_cycles,
                                                       pmd->idle_cycles);
}

/* Adds what the queues of each PMD took in the window to 'before', and in the
 * glance to 'now'. */
static void
add_loads(const struct glance *glance, const struct vmq_snapshot *snapshot,
          uint64_t before[], uint64_t now[])
{
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        uint32_t pmd = snapshot->rxqs[i].pmd;

        if (pmd != VMQ_NONE) {
            before[pmd] += snapshot->rxqs[i].cycles;
            now[pmd] += scale(glance, glance->second->rxqs[i].cycles,
                              glance->first->rxqs[i].cycles);
        }
    }
}

bool
vmq_edge_glance(struct vmq_snapshot *snapshot,
                const struct vmq_snapshot *first,
                const struct vmq_snapshot *second)
{
    struct glance glance = { .first = first, .second = second };
    uint64_t *before, *now;

    if (!is_about(snapshot, first) || !is_about(snapshot, second)
        || second->generation != first->generation
        || second->window_cycles < first->window_cycles) {
        return false;
    }
    glance.cycles = second->window_cycles - first->window_cycles;
    if (!snapshot->window_cycles) {
        /* Nothing else is known. */
        snapshot->window_cycles = glance.cycles;
        snapshot->window_ns = second->window_ns - first->window_ns;
        snapshot->window_ms = 1;
    }
    glance.window_cycles = snapshot->window_cycles;
    snapshot->generation = second->generation;
    snapshot->now_ms = second->now_ms;
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        take_pmd(&second->pmds[i], &snapshot->pmds[i]);
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        take_rxq(&second->rxqs[i], &snapshot->rxqs[i]);
    }
    if (!glance.cycles) {
        return true;
    }

    before = vmq_xcalloc(snapshot->n_pmds, sizeof *before);
    now = vmq_xcalloc(snapshot->n_pmds, sizeof *now);
    add_loads(&glance, snapshot, before, now);
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        if (snapshot->pmds[i].edge || now[i] > before[i]) {
            show_pmd(&glance, i, &snapshot->pmds[i]);
        }
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        uint32_t pmd = snapshot->rxqs[i].pmd;

        if (pmd != VMQ_NONE
            && (snapshot->pmds[pmd].edge || now[pmd] > before[pmd])) {
            show_rxq(&glance, i, &snapshot->pmds[pmd], &snapshot->rxqs[i]);
        }
    }
    free(before);
    free(now);
    return true;
}

/* Returns how many polls from 'first' to 'second' have returned packets, of
 * that queue of PMD 'pmd' that has had most.  In an edge, each iteration has
 * one of each of the queues that have a backlog. */
static uint64_t
most_polls(const struct vmq_snapshot *first, const struct vmq_snapshot *second,
           uint32_t pmd)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < second->n_rxqs; i++) {
        if (second->rxqs[i].pmd == pmd
            && second->rxqs[i].polls > first->rxqs[i].polls + most) {
            most = second->rxqs[i].polls - first->rxqs[i].polls;
        }
    }
    return most;
}

bool
vmq_edge_seen_enough(const struct vmq_snapshot *first,
                     const struct vmq_snapshot *second)
{
    if (!is_about(first, second)
        || second->window_cycles <= first->window_cycles) {
        return true;
    }
    for (uint32_t i = 0; i < second->n_pmds; i++) {
        if (second->pmds[i].edge
            && most_polls(first, second, i) < VMQ_GLANCE_POLLS) {
            return false;
        }
    }
    return true;
}

/* Catching up. */

/* Less stolen time than this is noise, and so is less than two iterations. */
#define STOLEN_MIN_NS 100000

/* Returns how long an iteration of PMD 'pmd' takes while it has a CPU, in ns,
 * as the glance shows it. */
static uint64_t
iteration_ns(const struct vmq_snapshot *first,
             const struct vmq_snapshot *second, uint32_t pmd)
{
    uint64_t before_ns = first->pmds[pmd].cpu_ns;
    uint64_t now_ns = second->pmds[pmd].cpu_ns;
    uint64_t n_polls = most_polls(first, second, pmd);

    return (now_ns > before_ns
            ? (now_ns - before_ns) / (n_polls ? n_polls : 1)
            : 0);
}

/* Returns the time that a PMD has charged from 'before' to 'now' but did not
 * have, in ns, by the TSC as 'snapshot' says that it goes. */
static uint64_t
stolen_ns(const struct vmq_snapshot *snapshot, const struct vmq_pmd *before,
          const struct vmq_pmd *now)
{
    uint64_t charged_cycles = (now->busy_cycles - before->busy_cycles
                               + now->idle_cycles - before->idle_cycles);
    uint64_t charged_ns = vmq_mul_div(charged_cycles, snapshot->window_ns,
                                      snapshot->window_cycles);
    uint64_t had_ns = now->cpu_ns - before->cpu_ns;

    return charged_ns > had_ns ? charged_ns - had_ns : 0;
}

uint64_t
vmq_edge_catch_up_ns(const struct vmq_snapshot *snapshot,
                     const struct vmq_pmd *before,
                     const struct vmq_snapshot *first,
                     const struct vmq_snapshot *second, uint32_t pmd)
{
    const struct vmq_pmd *now = &second->pmds[pmd];
    uint64_t load_cycles = 0, catch_up_ns;

    if (!snapshot->window_cycles
        || !is_about(snapshot, first) || !is_about(snapshot, second)
        || before->core_id != now->core_id
        || !before->cpu_ns || now->cpu_ns < before->cpu_ns
        || now->busy_cycles < before->busy_cycles
        || now->idle_cycles < before->idle_cycles) {
        return 0;
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        if (second->rxqs[i].pmd == pmd) {
            load_cycles += snapshot->rxqs[i].cycles;
        }
    }

    catch_up_ns = stolen_ns(snapshot, before, now);
    if (catch_up_ns < STOLEN_MIN_NS
        || catch_up_ns < 2 * iteration_ns(first, second, pmd)
        || load_cycles >= snapshot->window_cycles) {
        return 0;
    }
    catch_up_ns = vmq_mul_div(catch_up_ns, load_cycles,
                              snapshot->window_cycles - load_cycles);
    if (catch_up_ns < VMQ_GLANCE_NS) {
        return 0;
    }
    return (catch_up_ns < VMQ_CATCH_UP_MAX_NS
            ? catch_up_ns : VMQ_CATCH_UP_MAX_NS);
}

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
#include "vmq-snapshot-check.h"

#include "vmq-util.h"

/* More than any counter can have reached: what a subtraction the wrong way
 * round yields. */
#define ABSURD (UINT64_MAX / 2)

/* By name, ports of the same name by their place in the snapshot. */
static int
compare_names(const void *a_, const void *b_)
{
    const struct vmq_port *const *a = a_;
    const struct vmq_port *const *b = b_;
    int cmp = strcmp((*a)->name, (*b)->name);

    return cmp ? cmp : (*a > *b) - (*a < *b);
}

/* Returns the index of the first port that has the name of one before it,
 * VMQ_NONE if there is none. */
static uint32_t
find_duplicate_name(const struct vmq_snapshot *snapshot)
{
    uint32_t n = snapshot->n_ports;
    const struct vmq_port **ports = vmq_xcalloc(n, sizeof *ports);
    uint32_t found = VMQ_NONE;

    for (uint32_t i = 0; i < n; i++) {
        ports[i] = &snapshot->ports[i];
    }
    qsort(ports, n, sizeof *ports, compare_names);
    for (uint32_t i = 1; i < n; i++) {
        uint32_t index = ports[i] - snapshot->ports;

        if (!strcmp(ports[i - 1]->name, ports[i]->name) && index < found) {
            found = index;
        }
    }
    free(ports);
    return found;
}

static char *
check_pmds(const struct vmq_snapshot *snapshot, bool windowed)
{
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        const struct vmq_pmd *pmd = &snapshot->pmds[i];

        if (pmd->core_id == VMQ_NONE) {
            return vmq_xasprintf("pmd %u has no core", i);
        } else if (i && (pmd - 1)->core_id >= pmd->core_id) {
            return vmq_xasprintf("pmd %u (core %u) is not in order",
                                 i, pmd->core_id);
        } else if (windowed && (pmd->busy_cycles > ABSURD
                                || pmd->idle_cycles > ABSURD
                                || pmd->sleep_cycles > ABSURD
                                || pmd->cpu_ns > ABSURD
                                || pmd->stolen_cycles > ABSURD
                                || pmd->overhead_cycles > ABSURD)) {
            return vmq_xasprintf("pmd %u (core %u) has an absurd counter",
                                 i, pmd->core_id);
        } else if (windowed && (pmd->stolen_cycles > pmd->busy_cycles
                                                     + pmd->idle_cycles)) {
            return vmq_xasprintf("pmd %u (core %u) had more stolen than it "
                                 "charged", i, pmd->core_id);
        }
    }
    return NULL;
}

static char *
check_ports(const struct vmq_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->n_ports; i++) {
        const struct vmq_port *port = &snapshot->ports[i];

        if (!port->name) {
            return vmq_xasprintf("port %u has no name", i);
        } else if (i && (port - 1)->port_no >= port->port_no) {
            return vmq_xasprintf("port %u (number %u) is not in order",
                                 i, port->port_no);
        }
    }

    uint32_t duplicate = find_duplicate_name(snapshot);

    return (duplicate == VMQ_NONE ? NULL
            : vmq_xasprintf("port %u has the name of another port",
                            duplicate));
}

static char *
check_rxqs(const struct vmq_snapshot *snapshot, bool windowed)
{
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &snapshot->rxqs[i];

        if (rxq->port >= snapshot->n_ports) {
            return vmq_xasprintf("rxq %u is of no port", i);
        } else if (rxq->pmd >= snapshot->n_pmds && rxq->pmd != VMQ_NONE) {
            return vmq_xasprintf("rxq %u is polled by no PMD", i);
        } else if (i && vmq_pair((rxq - 1)->port, (rxq - 1)->qid)
                        >= vmq_pair(rxq->port, rxq->qid)) {
            return vmq_xasprintf("rxq %u is not in order", i);
        } else if (rxq->mobility > VMQ_UNSUPPORTED) {
            return vmq_xasprintf("rxq %u has no known mobility", i);
        } else if (rxq->reserve_bp > VMQ_BP) {
            return vmq_xasprintf("rxq %u has more than a PMD in reserve", i);
        } else if (rxq->pmd != VMQ_NONE && snapshot->pmds[rxq->pmd].parked) {
            return vmq_xasprintf("rxq %u is polled by a parked PMD", i);
        } else if (windowed && (rxq->cycles > ABSURD
                                || rxq->packets > ABSURD
                                || rxq->polls > ABSURD
                                || rxq->full_batches > ABSURD)) {
            return vmq_xasprintf("rxq %u has an absurd counter", i);
        } else if (windowed && rxq->n_history > VMQ_HISTORY_SLOTS) {
            return vmq_xasprintf("rxq %u has too long a history", i);
        }
    }
    return NULL;
}

static char *
check_port_pmds(const struct vmq_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->n_port_pmds; i++) {
        const struct vmq_port_pmd *flows = &snapshot->port_pmds[i];

        if (flows->port >= snapshot->n_ports
            || flows->pmd >= snapshot->n_pmds) {
            return vmq_xasprintf("flow count %u is of no port or PMD", i);
        } else if (i && vmq_pair((flows - 1)->port, (flows - 1)->pmd)
                        >= vmq_pair(flows->port, flows->pmd)) {
            return vmq_xasprintf("flow count %u is not in order", i);
        }
    }
    return NULL;
}

static char *
check_snapshot(const struct vmq_snapshot *snapshot, bool windowed)
{
    char *error = NULL;

    if ((snapshot->n_pmds && !snapshot->pmds)
        || (snapshot->n_ports && !snapshot->ports)
        || (snapshot->n_rxqs && !snapshot->rxqs)
        || (snapshot->n_port_pmds && !snapshot->port_pmds)) {
        return vmq_xstrdup("an array is missing");
    } else if (windowed && (snapshot->window_ms > ABSURD
                            || snapshot->window_cycles > ABSURD
                            || snapshot->window_ns > ABSURD)) {
        return vmq_xstrdup("the window has an absurd length");
    }

    error = check_pmds(snapshot, windowed);
    error = error ? error : check_ports(snapshot);
    error = error ? error : check_rxqs(snapshot, windowed);
    return error ? error : check_port_pmds(snapshot);
}

bool
vmq_snapshot_valid(const struct vmq_snapshot *snapshot, bool windowed,
                   char **why)
{
    char *error = check_snapshot(snapshot, windowed);
    bool valid = !error;

    if (why) {
        *why = error;
    } else {
        free(error);
    }
    return valid;
}

static bool
pmd_equal(const struct vmq_pmd *a, const struct vmq_pmd *b)
{
    return (a->core_id == b->core_id
            && a->sibling_group == b->sibling_group
            && a->numa_id == b->numa_id
            && a->isolated == b->isolated
            && a->parked == b->parked
            && a->edge == b->edge
            && a->busy_cycles == b->busy_cycles
            && a->idle_cycles == b->idle_cycles
            && a->sleep_cycles == b->sleep_cycles
            && a->cpu_ns == b->cpu_ns
            && a->stolen_cycles == b->stolen_cycles
            && a->overhead_cycles == b->overhead_cycles
            && a->settling == b->settling
            && a->evacuating == b->evacuating);
}

static bool
rxq_equal(const struct vmq_rxq *a, const struct vmq_rxq *b)
{
    if (a->port != b->port
        || a->qid != b->qid
        || a->pmd != b->pmd
        || a->numa_id != b->numa_id
        || a->mobility != b->mobility
        || a->n_moves != b->n_moves
        || a->tunnel_flows != b->tunnel_flows
        || a->reserve_bp != b->reserve_bp
        || a->cycles != b->cycles
        || a->packets != b->packets
        || a->polls != b->polls
        || a->full_batches != b->full_batches
        || a->backlog != b->backlog
        || a->n_history != b->n_history) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_history && i < VMQ_HISTORY_SLOTS; i++) {
        if (a->history_bp[i] != b->history_bp[i]) {
            return false;
        }
    }
    return true;
}

/* Returns true if 'a' and 'b' say the same, including order.  What is in
 * 'history_bp' beyond 'n_history' does not matter. */
bool
vmq_snapshot_equal(const struct vmq_snapshot *a, const struct vmq_snapshot *b)
{
    if (a->generation != b->generation
        || a->now_ms != b->now_ms
        || a->window_ms != b->window_ms
        || a->window_cycles != b->window_cycles
        || a->window_ns != b->window_ns
        || a->n_pmds != b->n_pmds
        || a->n_ports != b->n_ports
        || a->n_rxqs != b->n_rxqs
        || a->n_port_pmds != b->n_port_pmds) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_pmds; i++) {
        if (!pmd_equal(&a->pmds[i], &b->pmds[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_ports; i++) {
        if (a->ports[i].port_no != b->ports[i].port_no
            || strcmp(a->ports[i].name, b->ports[i].name)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_rxqs; i++) {
        if (!rxq_equal(&a->rxqs[i], &b->rxqs[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_port_pmds; i++) {
        if (a->port_pmds[i].port != b->port_pmds[i].port
            || a->port_pmds[i].pmd != b->port_pmds[i].pmd
            || a->port_pmds[i].flows != b->port_pmds[i].flows) {
            return false;
        }
    }
    return true;
}


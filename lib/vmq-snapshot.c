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
#include "vmq-snapshot.h"

#include "vmq-util.h"

const char *
vmq_mobility_to_string(enum vmq_mobility mobility)
{
    switch (mobility) {
    case VMQ_DYNAMIC: return "dynamic";
    case VMQ_PINNED: return "pinned";
    case VMQ_ISOLATED: return "isolated";
    case VMQ_EXCLUDED: return "excluded";
    case VMQ_UNSUPPORTED: return "unsupported";
    default: return "unknown";
    }
}

/* Life cycle. */

/* Initializes '*snapshot' as an empty snapshot. */
void
vmq_snapshot_init(struct vmq_snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
}

/* Frees what 'snapshot' points to and leaves it empty. */
void
vmq_snapshot_destroy(struct vmq_snapshot *snapshot)
{
    if (snapshot) {
        for (uint32_t i = 0; i < snapshot->allocated_ports; i++) {
            free(snapshot->ports[i].name);
        }
        free(snapshot->pmds);
        free(snapshot->ports);
        free(snapshot->rxqs);
        free(snapshot->port_pmds);
        memset(snapshot, 0, sizeof *snapshot);
    }
}

#define RESERVE(SNAPSHOT, ARRAY, N) \
    ((SNAPSHOT)->ARRAY = vmq_reserve((SNAPSHOT)->ARRAY, \
                                     &(SNAPSHOT)->allocated_##ARRAY, N, \
                                     sizeof *(SNAPSHOT)->ARRAY))

#define COPY_ARRAY(DST, SRC, ARRAY) \
    do { \
        RESERVE(DST, ARRAY, (SRC)->n_##ARRAY); \
        if ((SRC)->n_##ARRAY) { \
            memcpy((DST)->ARRAY, (SRC)->ARRAY, \
                   (SRC)->n_##ARRAY * sizeof *(SRC)->ARRAY); \
        } \
        (DST)->n_##ARRAY = (SRC)->n_##ARRAY; \
    } while (0)

/* Makes 'port', which may be beyond the last one in use and then has the name
 * that it had before, the given one. */
static void
set_port(struct vmq_port *port, const char *name, uint32_t port_no)
{
    if (!port->name || strcmp(port->name, name)) {
        free(port->name);
        port->name = vmq_xstrdup(name);
    }
    port->port_no = port_no;
}

static void
copy_ports(struct vmq_snapshot *dst, const struct vmq_snapshot *src)
{
    RESERVE(dst, ports, src->n_ports);
    for (uint32_t i = 0; i < src->n_ports; i++) {
        set_port(&dst->ports[i], src->ports[i].name, src->ports[i].port_no);
    }
    dst->n_ports = src->n_ports;
}

/* Makes '*dst', which must be initialized, equal to 'src'.  Allocates nothing
 * if 'dst' has held as much before and the ports are the same. */
void
vmq_snapshot_copy(struct vmq_snapshot *dst, const struct vmq_snapshot *src)
{
    dst->generation = src->generation;
    dst->now_ms = src->now_ms;
    dst->window_ms = src->window_ms;
    dst->window_cycles = src->window_cycles;
    dst->window_ns = src->window_ns;
    COPY_ARRAY(dst, src, pmds);
    COPY_ARRAY(dst, src, rxqs);
    COPY_ARRAY(dst, src, port_pmds);
    copy_ports(dst, src);
}

/* Makes 'snapshot' empty.  Keeps the memory of its arrays and names, so that
 * filling it with as much, and the same ports in the same order, takes none.
 */
void
vmq_snapshot_clear(struct vmq_snapshot *snapshot)
{
    struct vmq_snapshot empty;

    vmq_snapshot_init(&empty);
    vmq_snapshot_copy(snapshot, &empty);
}

/* Building. */

uint32_t
vmq_snapshot_add_pmd(struct vmq_snapshot *snapshot, uint32_t core_id,
                     int32_t numa_id)
{
    RESERVE(snapshot, pmds, snapshot->n_pmds + 1);
    snapshot->pmds[snapshot->n_pmds] = (struct vmq_pmd) {
        .core_id = core_id,
        .numa_id = numa_id,
    };
    return snapshot->n_pmds++;
}

uint32_t
vmq_snapshot_add_port(struct vmq_snapshot *snapshot, const char *name,
                      uint32_t port_no)
{
    RESERVE(snapshot, ports, snapshot->n_ports + 1);
    set_port(&snapshot->ports[snapshot->n_ports], name, port_no);
    return snapshot->n_ports++;
}

uint32_t
vmq_snapshot_add_rxq(struct vmq_snapshot *snapshot, uint32_t port,
                     uint32_t qid, uint32_t pmd, int32_t numa_id)
{
    RESERVE(snapshot, rxqs, snapshot->n_rxqs + 1);
    snapshot->rxqs[snapshot->n_rxqs] = (struct vmq_rxq) {
        .port = port,
        .qid = qid,
        .pmd = pmd,
        .numa_id = numa_id,
    };
    return snapshot->n_rxqs++;
}

void
vmq_snapshot_add_port_pmd(struct vmq_snapshot *snapshot, uint32_t port,
                          uint32_t pmd, uint32_t flows)
{
    RESERVE(snapshot, port_pmds, snapshot->n_port_pmds + 1);
    snapshot->port_pmds[snapshot->n_port_pmds++] = (struct vmq_port_pmd) {
        .port = port,
        .pmd = pmd,
        .flows = flows,
    };
}

/* Order. */

static bool
is_sorted(const struct vmq_snapshot *snapshot)
{
    for (uint32_t i = 1; i < snapshot->n_pmds; i++) {
        if (snapshot->pmds[i - 1].core_id > snapshot->pmds[i].core_id) {
            return false;
        }
    }
    for (uint32_t i = 1; i < snapshot->n_ports; i++) {
        if (snapshot->ports[i - 1].port_no > snapshot->ports[i].port_no) {
            return false;
        }
    }
    for (uint32_t i = 1; i < snapshot->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &snapshot->rxqs[i];

        if (vmq_pair((rxq - 1)->port, (rxq - 1)->qid)
            > vmq_pair(rxq->port, rxq->qid)) {
            return false;
        }
    }
    for (uint32_t i = 1; i < snapshot->n_port_pmds; i++) {
        const struct vmq_port_pmd *flows = &snapshot->port_pmds[i];

        if (vmq_pair((flows - 1)->port, (flows - 1)->pmd)
            > vmq_pair(flows->port, flows->pmd)) {
            return false;
        }
    }
    return true;
}

/* Sorts 'array', whose 'n' elements of 'size' bytes have the given 'keys'.  If
 * 'map' is nonnull, stores each element's new index by its old one. */
static void
sort_array(void *array, uint32_t n, size_t size, struct vmq_rank *keys,
           uint32_t *map)
{
    if (!n) {
        return;
    }

    char *copy = vmq_xrealloc(NULL, n, size);

    for (uint32_t i = 0; i < n; i++) {
        keys[i].index = i;
    }
    vmq_sort_ranks(keys, n);
    memcpy(copy, array, n * size);
    for (uint32_t i = 0; i < n; i++) {
        memcpy((char *) array + i * size, copy + keys[i].index * size, size);
    }
    free(copy);
    for (uint32_t i = 0; map && i < n; i++) {
        map[keys[i].index] = i;
    }
}

static uint32_t
renumber(const uint32_t *map, uint32_t n, uint32_t index)
{
    return index < n ? map[index] : index;
}

/* Brings the elements of 'snapshot' in order and lets every index follow. */
void
vmq_snapshot_sort(struct vmq_snapshot *snapshot)
{
    uint32_t n = snapshot->n_pmds;

    if (is_sorted(snapshot)) {
        return;
    }

    n = snapshot->n_ports > n ? snapshot->n_ports : n;
    n = snapshot->n_rxqs > n ? snapshot->n_rxqs : n;
    n = snapshot->n_port_pmds > n ? snapshot->n_port_pmds : n;

    struct vmq_rank *keys = vmq_xcalloc(n, sizeof *keys);
    uint32_t *pmd_map = vmq_xcalloc(snapshot->n_pmds, sizeof *pmd_map);
    uint32_t *port_map = vmq_xcalloc(snapshot->n_ports, sizeof *port_map);

    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        keys[i].key = snapshot->pmds[i].core_id;
    }
    sort_array(snapshot->pmds, snapshot->n_pmds, sizeof *snapshot->pmds,
               keys, pmd_map);

    for (uint32_t i = 0; i < snapshot->n_ports; i++) {
        keys[i].key = snapshot->ports[i].port_no;
    }
    sort_array(snapshot->ports, snapshot->n_ports, sizeof *snapshot->ports,
               keys, port_map);

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        struct vmq_rxq *rxq = &snapshot->rxqs[i];

        rxq->port = renumber(port_map, snapshot->n_ports, rxq->port);
        rxq->pmd = renumber(pmd_map, snapshot->n_pmds, rxq->pmd);
        keys[i].key = vmq_pair(rxq->port, rxq->qid);
    }
    sort_array(snapshot->rxqs, snapshot->n_rxqs, sizeof *snapshot->rxqs,
               keys, NULL);

    for (uint32_t i = 0; i < snapshot->n_port_pmds; i++) {
        struct vmq_port_pmd *flows = &snapshot->port_pmds[i];

        flows->port = renumber(port_map, snapshot->n_ports, flows->port);
        flows->pmd = renumber(pmd_map, snapshot->n_pmds, flows->pmd);
        keys[i].key = vmq_pair(flows->port, flows->pmd);
    }
    sort_array(snapshot->port_pmds, snapshot->n_port_pmds,
               sizeof *snapshot->port_pmds, keys, NULL);

    free(keys);
    free(pmd_map);
    free(port_map);
}

/* Lookup. */

/* Returns the index of the PMD on 'core_id', given that the PMDs are in
 * order. */
uint32_t
vmq_snapshot_find_pmd(const struct vmq_snapshot *snapshot, uint32_t core_id)
{
    uint32_t low = 0, high = snapshot->n_pmds;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (snapshot->pmds[mid].core_id < core_id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return (low < snapshot->n_pmds && snapshot->pmds[low].core_id == core_id
            ? low : VMQ_NONE);
}

uint32_t
vmq_snapshot_find_rxq(const struct vmq_snapshot *snapshot,
                      const char *port_name, uint32_t qid)
{
    uint32_t low = 0, high = snapshot->n_rxqs;
    uint32_t port = 0;

    while (port < snapshot->n_ports
           && strcmp(snapshot->ports[port].name, port_name)) {
        port++;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct vmq_rxq *rxq = &snapshot->rxqs[mid];

        if (vmq_pair(rxq->port, rxq->qid) < vmq_pair(port, qid)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return (port < snapshot->n_ports && low < snapshot->n_rxqs
            && snapshot->rxqs[low].port == port
            && snapshot->rxqs[low].qid == qid
            ? low : VMQ_NONE);
}

bool
vmq_snapshot_has_edge(const struct vmq_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        if (snapshot->pmds[i].edge) {
            return true;
        }
    }
    return false;
}

void
vmq_snapshot_match_rxqs(const struct vmq_snapshot *a,
                        const struct vmq_snapshot *b, uint32_t matches[])
{
    uint32_t compared = VMQ_NONE;
    bool same_name = false;
    uint32_t j = 0;

    for (uint32_t i = 0; i < a->n_rxqs; i++) {
        const struct vmq_port *port = &a->ports[a->rxqs[i].port];
        uint64_t key = vmq_pair(port->port_no, a->rxqs[i].qid);

        while (j < b->n_rxqs
               && vmq_pair(b->ports[b->rxqs[j].port].port_no,
                           b->rxqs[j].qid) < key) {
            j++;
        }
        matches[i] = VMQ_NONE;
        if (j < b->n_rxqs && vmq_pair(b->ports[b->rxqs[j].port].port_no,
                                      b->rxqs[j].qid) == key) {
            if (compared != a->rxqs[i].port) {
                compared = a->rxqs[i].port;
                same_name = !strcmp(port->name,
                                    b->ports[b->rxqs[j].port].name);
            }
            if (same_name) {
                matches[i] = j;
            }
        }
    }
}

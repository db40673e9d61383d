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

static const char *
mobility_names(unsigned int mobility)
{
    switch (mobility) {
    case VMQ_DYNAMIC: return "dynamic";
    case VMQ_PINNED: return "pinned";
    case VMQ_ISOLATED: return "isolated";
    case VMQ_EXCLUDED: return "excluded";
    case VMQ_UNSUPPORTED: return "unsupported";
    default: return NULL;
    }
}

const char *
vmq_mobility_to_string(enum vmq_mobility mobility)
{
    const char *name = mobility_names(mobility);

    return name ? name : "unknown";
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

/* Initializes '*dst', which must not be initialized, as a copy of 'src'. */
void
vmq_snapshot_clone(struct vmq_snapshot *dst, const struct vmq_snapshot *src)
{
    vmq_snapshot_init(dst);
    vmq_snapshot_copy(dst, src);
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

void
vmq_snapshot_swap(struct vmq_snapshot *a, struct vmq_snapshot *b)
{
    struct vmq_snapshot tmp = *a;

    *a = *b;
    *b = tmp;
}

static bool
pmd_equal(const struct vmq_pmd *a, const struct vmq_pmd *b)
{
    return (a->core_id == b->core_id
            && a->sibling_group == b->sibling_group
            && a->numa_id == b->numa_id
            && a->isolated == b->isolated
            && a->parked == b->parked
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
        const struct vmq_port_pmd *pa = &a->port_pmds[i];
        const struct vmq_port_pmd *pb = &b->port_pmds[i];

        if (pa->port != pb->port || pa->pmd != pb->pmd
            || pa->flows != pb->flows) {
            return false;
        }
    }
    return true;
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

static uint64_t
pair(uint32_t high, uint32_t low)
{
    return (uint64_t) high << 32 | low;
}

static bool
is_sorted(const struct vmq_snapshot *s)
{
    for (uint32_t i = 1; i < s->n_pmds; i++) {
        if (s->pmds[i - 1].core_id > s->pmds[i].core_id) {
            return false;
        }
    }
    for (uint32_t i = 1; i < s->n_ports; i++) {
        if (s->ports[i - 1].port_no > s->ports[i].port_no) {
            return false;
        }
    }
    for (uint32_t i = 1; i < s->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &s->rxqs[i];

        if (pair((rxq - 1)->port, (rxq - 1)->qid)
            > pair(rxq->port, rxq->qid)) {
            return false;
        }
    }
    for (uint32_t i = 1; i < s->n_port_pmds; i++) {
        const struct vmq_port_pmd *pp = &s->port_pmds[i];

        if (pair((pp - 1)->port, (pp - 1)->pmd) > pair(pp->port, pp->pmd)) {
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
vmq_snapshot_sort(struct vmq_snapshot *s)
{
    uint32_t n = s->n_pmds;

    if (is_sorted(s)) {
        return;
    }

    n = s->n_ports > n ? s->n_ports : n;
    n = s->n_rxqs > n ? s->n_rxqs : n;
    n = s->n_port_pmds > n ? s->n_port_pmds : n;

    struct vmq_rank *keys = vmq_xcalloc(n, sizeof *keys);
    uint32_t *pmd_map = vmq_xcalloc(s->n_pmds, sizeof *pmd_map);
    uint32_t *port_map = vmq_xcalloc(s->n_ports, sizeof *port_map);

    for (uint32_t i = 0; i < s->n_pmds; i++) {
        keys[i].key = s->pmds[i].core_id;
    }
    sort_array(s->pmds, s->n_pmds, sizeof *s->pmds, keys, pmd_map);

    for (uint32_t i = 0; i < s->n_ports; i++) {
        keys[i].key = s->ports[i].port_no;
    }
    sort_array(s->ports, s->n_ports, sizeof *s->ports, keys, port_map);

    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        struct vmq_rxq *rxq = &s->rxqs[i];

        rxq->port = renumber(port_map, s->n_ports, rxq->port);
        rxq->pmd = renumber(pmd_map, s->n_pmds, rxq->pmd);
        keys[i].key = pair(rxq->port, rxq->qid);
    }
    sort_array(s->rxqs, s->n_rxqs, sizeof *s->rxqs, keys, NULL);

    for (uint32_t i = 0; i < s->n_port_pmds; i++) {
        struct vmq_port_pmd *pp = &s->port_pmds[i];

        pp->port = renumber(port_map, s->n_ports, pp->port);
        pp->pmd = renumber(pmd_map, s->n_pmds, pp->pmd);
        keys[i].key = pair(pp->port, pp->pmd);
    }
    sort_array(s->port_pmds, s->n_port_pmds, sizeof *s->port_pmds, keys,
               NULL);

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

        if (pair(rxq->port, rxq->qid) < pair(port, qid)) {
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

/* Derived figures. */

/* Returns the part of the window that 'cycles' are, in basis points. */
static uint32_t
share_bp(const struct vmq_snapshot *snapshot, uint64_t cycles)
{
    uint64_t bp = vmq_mul_div(cycles, VMQ_BP, snapshot->window_cycles);

    return bp < UINT32_MAX ? bp : UINT32_MAX;
}

uint32_t
vmq_rxq_load_bp(const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    return share_bp(snapshot, snapshot->rxqs[rxq].cycles);
}

uint32_t
vmq_pmd_capacity_bp(const struct vmq_snapshot *snapshot, uint32_t pmd)
{
    uint32_t stolen_bp = share_bp(snapshot,
                                  snapshot->pmds[pmd].stolen_cycles);

    return stolen_bp < VMQ_BP ? VMQ_BP - stolen_bp : 1;
}

uint32_t
vmq_pmd_load_bp(const struct vmq_snapshot *snapshot, uint32_t pmd)
{
    uint64_t sum_bp = 0;

    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        if (snapshot->rxqs[i].pmd == pmd) {
            sum_bp += vmq_rxq_load_bp(snapshot, i);
        }
    }
    return sum_bp < UINT32_MAX ? sum_bp : UINT32_MAX;
}

bool
vmq_pmd_saturated(const struct vmq_snapshot *snapshot, uint32_t pmd)
{
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        if (snapshot->rxqs[i].pmd == pmd && snapshot->rxqs[i].backlog) {
            return true;
        }
    }
    return false;
}

/* Consistency. */

/* More than any counter can have reached: what a subtraction the wrong way
 * round yields. */
#define ABSURD (UINT64_MAX / 2)

static uint32_t
hash_name(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++) {
        hash = (hash ^ (unsigned char) *name) * 16777619u;
    }
    return hash ^ hash >> 16;
}

/* Returns the index of a port that has the name of one before it, VMQ_NONE if
 * there is none. */
static uint32_t
find_duplicate_name(const struct vmq_snapshot *snapshot)
{
    uint32_t mask = 15;
    uint32_t found = VMQ_NONE;

    while (mask / 2 < snapshot->n_ports) {
        mask = mask * 2 + 1;
    }

    /* Index plus 1 of the port whose name hashes there, or nearby. */
    uint32_t *table = vmq_xcalloc((size_t) mask + 1, sizeof *table);

    for (uint32_t i = 0; i < snapshot->n_ports && found == VMQ_NONE; i++) {
        const char *name = snapshot->ports[i].name;
        uint32_t slot = hash_name(name) & mask;

        while (table[slot]) {
            if (!strcmp(snapshot->ports[table[slot] - 1].name, name)) {
                found = i;
            }
            slot = (slot + 1) & mask;
        }
        table[slot] = i + 1;
    }
    free(table);
    return found;
}

static char *
check_pmds(const struct vmq_snapshot *s, bool windowed)
{
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        const struct vmq_pmd *pmd = &s->pmds[i];

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
check_ports(const struct vmq_snapshot *s)
{
    for (uint32_t i = 0; i < s->n_ports; i++) {
        const struct vmq_port *port = &s->ports[i];

        if (!port->name) {
            return vmq_xasprintf("port %u has no name", i);
        } else if (i && (port - 1)->port_no >= port->port_no) {
            return vmq_xasprintf("port %u (number %u) is not in order",
                                 i, port->port_no);
        }
    }

    uint32_t duplicate = find_duplicate_name(s);

    return (duplicate == VMQ_NONE ? NULL
            : vmq_xasprintf("port %u has the name of another port",
                            duplicate));
}

static char *
check_rxqs(const struct vmq_snapshot *s, bool windowed)
{
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        const struct vmq_rxq *rxq = &s->rxqs[i];

        if (rxq->port >= s->n_ports) {
            return vmq_xasprintf("rxq %u is of no port", i);
        } else if (rxq->pmd >= s->n_pmds && rxq->pmd != VMQ_NONE) {
            return vmq_xasprintf("rxq %u is polled by no PMD", i);
        } else if (i && pair((rxq - 1)->port, (rxq - 1)->qid)
                        >= pair(rxq->port, rxq->qid)) {
            return vmq_xasprintf("rxq %u is not in order", i);
        } else if (!mobility_names(rxq->mobility)) {
            return vmq_xasprintf("rxq %u has no known mobility", i);
        } else if (rxq->pmd != VMQ_NONE && s->pmds[rxq->pmd].parked) {
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
check_port_pmds(const struct vmq_snapshot *s)
{
    for (uint32_t i = 0; i < s->n_port_pmds; i++) {
        const struct vmq_port_pmd *pp = &s->port_pmds[i];

        if (pp->port >= s->n_ports || pp->pmd >= s->n_pmds) {
            return vmq_xasprintf("flow count %u is of no port or PMD", i);
        } else if (i && pair((pp - 1)->port, (pp - 1)->pmd)
                        >= pair(pp->port, pp->pmd)) {
            return vmq_xasprintf("flow count %u is not in order", i);
        }
    }
    return NULL;
}

static char *
check_snapshot(const struct vmq_snapshot *s, bool windowed)
{
    char *error = NULL;

    if ((s->n_pmds && !s->pmds) || (s->n_ports && !s->ports)
        || (s->n_rxqs && !s->rxqs) || (s->n_port_pmds && !s->port_pmds)) {
        return vmq_xstrdup("an array is missing");
    } else if (windowed && (s->window_ms > ABSURD
                            || s->window_cycles > ABSURD
                            || s->window_ns > ABSURD)) {
        return vmq_xstrdup("the window has an absurd length");
    }

    error = check_pmds(s, windowed);
    error = error ? error : check_ports(s);
    error = error ? error : check_rxqs(s, windowed);
    return error ? error : check_port_pmds(s);
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

/* Text form. */

enum field_type {
    FIELD_BOOL,                 /* bool: 0 or 1. */
    FIELD_U32,                  /* uint32_t. */
    FIELD_S32,                  /* int32_t. */
    FIELD_U64,                  /* uint64_t. */
    FIELD_PORT,                 /* uint32_t: the number of a port line. */
    FIELD_PMD,                  /* uint32_t: the number of a pmd line. */
    FIELD_ANY_PMD,              /* uint32_t: that, or "none". */
    FIELD_MOBILITY,             /* enum vmq_mobility: its name. */
    FIELD_NAME,                 /* char *: bytes, some as \xHH. */
    FIELD_HISTORY               /* In struct vmq_rxq: comma-separated. */
};

/* A word of a line.  Words with a value of 0 may be left out unless they are
 * required.  (The names are in the table itself, so that it needs no
 * relocation and is truly constant.) */
struct field {
    char key[14];
    bool required;
    uint8_t type;
    size_t offset;
};

#define MAX_FIELDS 14

enum line_type {
    LINE_SNAPSHOT,
    LINE_PMD,
    LINE_PORT,
    LINE_RXQ,
    LINE_FLOWS,
    N_LINE_TYPES
};

struct line {
    char keyword[10];
    struct field fields[MAX_FIELDS];    /* Up to one without a key. */
};

#define FIELD(KEY, REQUIRED, TYPE, STRUCT, MEMBER) \
    { KEY, REQUIRED, FIELD_##TYPE, offsetof(struct STRUCT, MEMBER) }
#define END { "", false, 0, 0 }

static const struct line lines[N_LINE_TYPES] = {
    { "snapshot",
      { FIELD("generation", true, U64, vmq_snapshot, generation),
        FIELD("now_ms", true, U64, vmq_snapshot, now_ms),
        FIELD("window_ms", false, U64, vmq_snapshot, window_ms),
        FIELD("window_cycles", true, U64, vmq_snapshot, window_cycles),
        FIELD("window_ns", false, U64, vmq_snapshot, window_ns),
        END } },
    { "pmd",
      { FIELD("core", true, U32, vmq_pmd, core_id),
        FIELD("numa", true, S32, vmq_pmd, numa_id),
        FIELD("sibling_group", false, U32, vmq_pmd, sibling_group),
        FIELD("isolated", false, BOOL, vmq_pmd, isolated),
        FIELD("parked", false, BOOL, vmq_pmd, parked),
        FIELD("busy", false, U64, vmq_pmd, busy_cycles),
        FIELD("idle", false, U64, vmq_pmd, idle_cycles),
        FIELD("sleep", false, U64, vmq_pmd, sleep_cycles),
        FIELD("cpu_ns", false, U64, vmq_pmd, cpu_ns),
        FIELD("stolen", false, U64, vmq_pmd, stolen_cycles),
        FIELD("overhead", false, U64, vmq_pmd, overhead_cycles),
        FIELD("settling", false, BOOL, vmq_pmd, settling),
        FIELD("evacuating", false, BOOL, vmq_pmd, evacuating),
        END } },
    { "port",
      { FIELD("number", true, U32, vmq_port, port_no),
        FIELD("name", true, NAME, vmq_port, name),
        END } },
    { "rxq",
      { FIELD("port", true, PORT, vmq_rxq, port),
        FIELD("qid", true, U32, vmq_rxq, qid),
        FIELD("pmd", true, ANY_PMD, vmq_rxq, pmd),
        FIELD("numa", true, S32, vmq_rxq, numa_id),
        FIELD("mobility", false, MOBILITY, vmq_rxq, mobility),
        FIELD("n_moves", false, U32, vmq_rxq, n_moves),
        FIELD("cycles", false, U64, vmq_rxq, cycles),
        FIELD("packets", false, U64, vmq_rxq, packets),
        FIELD("polls", false, U64, vmq_rxq, polls),
        FIELD("full_batches", false, U64, vmq_rxq, full_batches),
        FIELD("backlog", false, BOOL, vmq_rxq, backlog),
        FIELD("history", false, HISTORY, vmq_rxq, n_history),
        END } },
    { "flows",
      { FIELD("port", true, PORT, vmq_port_pmd, port),
        FIELD("pmd", true, PMD, vmq_port_pmd, pmd),
        FIELD("flows", true, U32, vmq_port_pmd, flows),
        END } },
};

/* A growing string. */
struct text {
    char *s;
    size_t length, allocated;
};

static void
text_put(struct text *text, const char *s, size_t n)
{
    if (n >= text->allocated - text->length) {
        text->allocated = (text->allocated + n) * 2 + 64;
        text->s = vmq_xrealloc(text->s, text->allocated, 1);
    }
    memcpy(text->s + text->length, s, n);
    text->length += n;
    text->s[text->length] = '\0';
}

static void
text_puts(struct text *text, const char *s)
{
    text_put(text, s, strlen(s));
}

static void
text_put_u64(struct text *text, uint64_t value)
{
    char buf[24];

    snprintf(buf, sizeof buf, "%llu", (unsigned long long int) value);
    text_puts(text, buf);
}

static void
text_put_name(struct text *text, const char *name)
{
    for (; *name; name++) {
        unsigned char c = *name;

        if (c > ' ' && c <= '~' && c != '\\') {
            text_put(text, name, 1);
        } else {
            char buf[8];

            snprintf(buf, sizeof buf, "\\x%02x", c);
            text_puts(text, buf);
        }
    }
}

/* Returns the value of 'field', which must be a number, in 'element'. */
static uint64_t
field_get(const struct field *field, const void *element)
{
    const char *p = (const char *) element + field->offset;
    uint64_t u64;
    uint32_t u32;
    bool b;

    switch (field->type) {
    case FIELD_BOOL:
        memcpy(&b, p, sizeof b);
        return b;
    case FIELD_U64:
        memcpy(&u64, p, sizeof u64);
        return u64;
    default:
        memcpy(&u32, p, sizeof u32);
        return u32;
    }
}

static void
text_put_field(struct text *text, const struct field *field,
               const void *element)
{
    const struct vmq_rxq *rxq = element;
    const struct vmq_port *port = element;

    if (field->type == FIELD_NAME) {
        text_puts(text, " name=");
        text_put_name(text, port->name);
        return;
    }

    uint64_t value = field_get(field, element);

    if (!value && !field->required) {
        return;
    }
    text_puts(text, " ");
    text_puts(text, field->key);
    text_puts(text, "=");
    if (field->type == FIELD_S32 && value > INT32_MAX) {
        text_puts(text, "-");
        text_put_u64(text, (UINT64_C(1) << 32) - value);
    } else if (field->type == FIELD_ANY_PMD && value == VMQ_NONE) {
        text_puts(text, "none");
    } else if (field->type == FIELD_MOBILITY) {
        text_puts(text, vmq_mobility_to_string(rxq->mobility));
    } else if (field->type == FIELD_HISTORY) {
        for (uint32_t i = 0; i < value && i < VMQ_HISTORY_SLOTS; i++) {
            text_puts(text, i ? "," : "");
            text_put_u64(text, rxq->history_bp[i]);
        }
    } else {
        text_put_u64(text, value);
    }
}

static void
text_put_line(struct text *text, enum line_type type, const void *element)
{
    const struct line *line = &lines[type];

    text_puts(text, line->keyword);
    for (const struct field *f = line->fields; f->key[0]; f++) {
        text_put_field(text, f, element);
    }
    text_puts(text, "\n");
}

char *
vmq_snapshot_format(const struct vmq_snapshot *s)
{
    struct text text = { NULL, 0, 0 };

    text_put_line(&text, LINE_SNAPSHOT, s);
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        text_put_line(&text, LINE_PMD, &s->pmds[i]);
    }
    for (uint32_t i = 0; i < s->n_ports; i++) {
        text_put_line(&text, LINE_PORT, &s->ports[i]);
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        text_put_line(&text, LINE_RXQ, &s->rxqs[i]);
    }
    for (uint32_t i = 0; i < s->n_port_pmds; i++) {
        text_put_line(&text, LINE_FLOWS, &s->port_pmds[i]);
    }
    return text.s;
}

/* Parses the decimal number in the 'n' bytes at 's'.  Returns false if there
 * is anything else in them or the number is over 'max'. */
static bool
parse_number(const char *s, size_t n, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (unsigned char) s[i] - (unsigned int) '0';

        if (digit > 9 || *number > UINT64_MAX / 10
            || *number * 10 > UINT64_MAX - digit) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return n && *number <= max;
}

static int
hex_value(char c)
{
    return (c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
            : -1);
}

/* Returns the name that the 'n' bytes at 's' stand for, malloc()'d, or NULL if
 * they do not stand for one. */
static char *
parse_name(const char *s, size_t n)
{
    char *name = vmq_xrealloc(NULL, n + 1, 1);
    size_t length = 0;
    size_t i = 0;

    while (i < n) {
        unsigned char c = s[i++];

        if (c == '\\') {
            int high = n - i >= 3 && s[i] == 'x' ? hex_value(s[i + 1]) : -1;
            int low = high >= 0 ? hex_value(s[i + 2]) : -1;

            if (low < 0 || !(high || low)) {
                free(name);
                return NULL;
            }
            c = high * 16 + low;
            i += 3;
        } else if (c < ' ' || c > '~') {
            free(name);
            return NULL;
        }
        name[length++] = c;
    }
    name[length] = '\0';
    return name;
}

static bool
parse_history(const char *s, size_t n, struct vmq_rxq *rxq)
{
    const char *end = s + n;

    for (;;) {
        const char *comma = memchr(s, ',', end - s);
        uint64_t number;

        if (rxq->n_history >= VMQ_HISTORY_SLOTS
            || !parse_number(s, (comma ? comma : end) - s, UINT16_MAX,
                             &number)) {
            return false;
        }
        rxq->history_bp[rxq->n_history++] = number;
        if (!comma) {
            return true;
        }
        s = comma + 1;
    }
}

static bool
parse_mobility(const char *s, size_t n, enum vmq_mobility *mobility)
{
    const char *name;

    for (unsigned int i = 0; (name = mobility_names(i)); i++) {
        if (strlen(name) == n && !memcmp(s, name, n)) {
            *mobility = i;
            return true;
        }
    }
    return false;
}

static bool
parse_field(const struct vmq_snapshot *snapshot, const struct field *field,
            const char *s, size_t n, void *element)
{
    char *p = (char *) element + field->offset;
    struct vmq_rxq *rxq = element;
    struct vmq_port *port = element;
    bool negative = false;
    uint64_t max = UINT32_MAX;
    uint64_t number;

    switch (field->type) {
    case FIELD_NAME:
        port->name = parse_name(s, n);
        return port->name != NULL;
    case FIELD_HISTORY:
        return parse_history(s, n, rxq);
    case FIELD_MOBILITY:
        return parse_mobility(s, n, &rxq->mobility);
    case FIELD_BOOL:
        max = 1;
        break;
    case FIELD_U64:
        max = UINT64_MAX;
        break;
    case FIELD_S32:
        negative = n && s[0] == '-';
        max = (uint64_t) INT32_MAX + negative;
        break;
    case FIELD_PORT:
        max = snapshot->n_ports ? snapshot->n_ports - 1 : 0;
        break;
    case FIELD_ANY_PMD:
        if (n == 4 && !memcmp(s, "none", 4)) {
            rxq->pmd = VMQ_NONE;
            return true;
        }
        /* Fall through. */
    case FIELD_PMD:
        max = snapshot->n_pmds ? snapshot->n_pmds - 1 : 0;
        break;
    case FIELD_U32:
    default:
        break;
    }
    if (!parse_number(s + negative, n - negative, max, &number)
        || (field->type == FIELD_PORT && !snapshot->n_ports)
        || ((field->type == FIELD_PMD || field->type == FIELD_ANY_PMD)
            && !snapshot->n_pmds)) {
        return false;
    }

    uint32_t u32 = negative ? 0 - (uint32_t) number : number;
    bool b = number;

    switch (field->type) {
    case FIELD_BOOL:
        memcpy(p, &b, sizeof b);
        break;
    case FIELD_U64:
        memcpy(p, &number, sizeof number);
        break;
    default:
        memcpy(p, &u32, sizeof u32);
        break;
    }
    return true;
}

/* Parses the words of a line, from 's' to 'end', into 'element'.  Returns NULL
 * if successful, otherwise a malloc()'d error message. */
static char *
parse_words(const struct vmq_snapshot *snapshot, const struct line *line,
            const char *s, const char *end, void *element)
{
    unsigned int seen = 0;

    while (s < end) {
        const char *word_end = memchr(s, ' ', end - s);
        size_t n = (word_end ? word_end : end) - s;
        const char *equals = memchr(s, '=', n);
        const struct field *f = line->fields;

        if (!equals) {
            return vmq_xstrdup("\"key=value\" expected");
        }
        while (f->key[0] && (strlen(f->key) != equals - s
                             || memcmp(f->key, s, equals - s))) {
            f++;
        }
        if (!f->key[0]) {
            return vmq_xasprintf("unknown key in a \"%s\" line",
                                 line->keyword);
        } else if (seen & 1u << (f - line->fields)) {
            return vmq_xasprintf("second \"%s\"", f->key);
        }
        seen |= 1u << (f - line->fields);
        if (!parse_field(snapshot, f, equals + 1, s + n - (equals + 1),
                         element)) {
            return vmq_xasprintf("bad value of \"%s\"", f->key);
        }
        s += n + 1;
    }
    for (const struct field *f = line->fields; f->key[0]; f++) {
        if (f->required && !(seen & 1u << (f - line->fields))) {
            return vmq_xasprintf("no \"%s\"", f->key);
        }
    }
    return NULL;
}

/* Appends an element of the kind that 'type' lines describe and returns it. */
static void *
add_element(struct vmq_snapshot *s, enum line_type type)
{
    switch (type) {
    case LINE_PMD:
        vmq_snapshot_add_pmd(s, 0, 0);
        return &s->pmds[s->n_pmds - 1];
    case LINE_PORT:
        RESERVE(s, ports, s->n_ports + 1);
        return &s->ports[s->n_ports++];
    case LINE_RXQ:
        vmq_snapshot_add_rxq(s, 0, 0, 0, 0);
        return &s->rxqs[s->n_rxqs - 1];
    case LINE_FLOWS:
        vmq_snapshot_add_port_pmd(s, 0, 0, 0);
        return &s->port_pmds[s->n_port_pmds - 1];
    case LINE_SNAPSHOT:
    case N_LINE_TYPES:
    default:
        return s;
    }
}

static char *
parse_line(struct vmq_snapshot *snapshot, const char *s, const char *end,
           bool *begun)
{
    const char *space = memchr(s, ' ', end - s);
    size_t n = (space ? space : end) - s;
    enum line_type type = LINE_SNAPSHOT;

    while (type < N_LINE_TYPES && (strlen(lines[type].keyword) != n
                                   || memcmp(lines[type].keyword, s, n))) {
        type++;
    }
    if (type == N_LINE_TYPES) {
        return vmq_xstrdup("does not begin with \"snapshot\", \"pmd\", "
                           "\"port\", \"rxq\" or \"flows\"");
    } else if ((type == LINE_SNAPSHOT) == *begun) {
        return vmq_xstrdup(*begun ? "second \"snapshot\""
                           : "\"snapshot\" expected first");
    }
    *begun = true;
    return parse_words(snapshot, &lines[type], space ? space + 1 : end, end,
                       add_element(snapshot, type));
}

/* Replaces the contents of '*snapshot', which must be initialized, by what 's'
 * says: by nothing if there is an error in it.  Every reference is in range
 * afterward, but see vmq_snapshot_valid() for everything else. */
char *
vmq_snapshot_parse(const char *s, struct vmq_snapshot *snapshot)
{
    bool begun = false;
    char *error = NULL;

    vmq_snapshot_destroy(snapshot);
    for (unsigned int number = 1; *s && !error; number++) {
        const char *end = s + strcspn(s, "\n");

        if (end > s && *s != '#') {
            error = parse_line(snapshot, s, end, &begun);
        }
        if (error) {
            char *message = vmq_xasprintf("line %u: %s", number, error);

            free(error);
            error = message;
        }
        s = *end ? end + 1 : end;
    }
    if (!error && !begun) {
        error = vmq_xstrdup("no \"snapshot\" line");
    }
    if (error) {
        vmq_snapshot_destroy(snapshot);
    }
    return error;
}

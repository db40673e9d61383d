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

#ifndef VMQ_SNAPSHOT_H
#define VMQ_SNAPSHOT_H 1

/* Snapshot: what the switch looked like at one moment, as a value.
 *
 * Motivation
 * ==========
 *
 * Deciding which PMD polls which receive queue must not depend on live
 * datapath structures: they change under the reader, they need locks, and no
 * test or simulator can make them.  A snapshot is flat arrays of integers that
 * refer to each other by index.  It crosses the boundary between mechanism and
 * policy by value and is complete: the planner needs nothing else of the
 * switch.
 *
 * Two uses of one type
 * ====================
 *
 * As the datapath collects it, every counter is cumulative since the birth of
 * what it counts and 'window_cycles', 'window_ns' are the clocks themselves
 * ("raw").  A 'struct vmq_window' (vmq-window.h) turns a series of raw ones
 * into a snapshot whose counters are those of the window, with the history of
 * every queue filled in ("windowed").  Only windowed snapshots are planned on.
 *
 * Order
 * =====
 *
 * 'pmds' are sorted by 'core_id', 'ports' by 'port_no', 'rxqs' by (port_no,
 * qid) and 'port_pmds' by (port, pmd).
 *
 * Invariants
 * ==========
 *
 * vmq_snapshot_valid() in vmq-snapshot-check.h checks all of these:
 *
 * S1. Every index is in range; only a queue's 'pmd' may be VMQ_NONE.
 *
 * S2. Everything is in order, without duplicates.  No two ports have the same
 *     name.
 *
 * S3. No queue is polled by a PMD that is parked.
 *
 * S4. If windowed: no counter is the result of subtracting the newer value
 *     from the older one, no more was stolen from a PMD than it charged, no
 *     history is longer than VMQ_HISTORY_SLOTS.
 *
 * Tests check these in addition:
 *
 * S5. A snapshot's text form (vmq-snapshot-text.h), parsed, is the same
 *     snapshot, if its indexes are in range.  Parsing never yields indexes
 *     that are not, whatever the text.
 *
 * S6. vmq_snapshot_sort() does not change what a snapshot says: a queue stays
 *     on the same core.
 *
 * S7. No figure derived from a snapshot changes if all of its cycles are
 *     multiplied by the same number.
 *
 * Thread-safety
 * =============
 *
 * A snapshot is plain memory with one owner. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A load or a share in basis points: 10,000 is one whole undisturbed PMD. */
#define VMQ_BP 10000

/* "No such index". */
#define VMQ_NONE UINT32_MAX

/* Slots of the slow history of a queue.  The slots of all queues begin and end
 * at the same moments, which is what makes adding them up meaningful.  Each
 * covers 1/20 of the coalesce hold (100 ms by default): fewer would blur short
 * peaks away, more would cost memory (2 bytes each a queue) and follow the
 * noise of single intervals. */
#define VMQ_HISTORY_SLOTS 20

/* Why a queue may or may not be moved.  The names are those of the OVSDB key
 * Interface "status:vmq". */
enum vmq_mobility {
    VMQ_DYNAMIC,                /* May be moved. */
    VMQ_PINNED,                 /* pmd-rxq-affinity, PMD shared with others. */
    VMQ_ISOLATED,               /* pmd-rxq-affinity, PMD isolated by it. */
    VMQ_EXCLUDED,               /* Interface other_config:pmd-vmq=false. */
    VMQ_UNSUPPORTED             /* Not polled by a PMD, or cannot move. */
};
const char *vmq_mobility_to_string(enum vmq_mobility);

struct vmq_pmd {
    uint32_t core_id;
    uint32_t sibling_group;     /* Equal for hyperthreads of one core. */
    int32_t numa_id;
    bool isolated;              /* Takes no queues but those pinned to it. */
    bool parked;                /* Blocks, because it polls no queue. */
    bool edge;                  /* Packets have waited for pmd-vmq-edge. */

    /* TSC cycles, as the PMD charged them.  'busy_cycles' are of iterations
     * that received or sent at least one packet. */
    uint64_t busy_cycles;
    uint64_t idle_cycles;
    uint64_t sleep_cycles;      /* pmd-maxsleep. */

    uint64_t cpu_ns;            /* Thread CPU time. */

    /* Windowed only. */
    uint64_t stolen_cycles;     /* Charged while something else had the CPU. */
    uint64_t overhead_cycles;   /* Busy, but not for any queue: empty polls. */
    bool settling;              /* A move's load has not shown up yet. */
    bool evacuating;            /* An evacuation was begun, queues are left. */
};

struct vmq_port {
    char *name;
    uint32_t port_no;           /* Datapath port number. */
};

struct vmq_rxq {
    uint32_t port;              /* Index in 'ports'. */
    uint32_t qid;
    uint32_t pmd;               /* Index in 'pmds', VMQ_NONE if not polled. */
    int32_t numa_id;            /* Of the port's device; negative: unknown. */
    enum vmq_mobility mobility;
    uint32_t n_moves;           /* Since the queue's birth; not windowed. */
    uint32_t tunnel_flows;      /* Flows of its PMD that have come out of
                                 * tunnels, if they may be this queue's; not
                                 * windowed. */
    uint32_t reserve_bp;        /* Of an undisturbed PMD: it is planned for as
                                 * if its load were at least this. */

    /* Windowed, 'cycles' are scaled for time stolen from the PMD. */
    uint64_t cycles;            /* TSC cycles receiving and processing. */
    uint64_t packets;
    uint64_t polls;             /* Those that returned packets. */
    uint64_t full_batches;      /* Polls that returned a whole batch. */

    /* Windowed only. */
    bool backlog;               /* A streak of full batches on a full PMD. */
    uint32_t n_history;         /* Slots that the queue has lived through. */
    uint16_t history_bp[VMQ_HISTORY_SLOTS]; /* Loads, newest first. */
};

/* Datapath flows of a PMD that are bound to a port that it polls. */
struct vmq_port_pmd {
    uint32_t port;              /* Index in 'ports'. */
    uint32_t pmd;               /* Index in 'pmds'. */
    uint32_t flows;
};

struct vmq_snapshot {
    uint64_t generation;        /* Of the assignment of queues to PMDs. */
    uint64_t now_ms;            /* Monotonic. */
    uint64_t window_ms;         /* Windowed only: time the counters cover. */
    uint64_t window_cycles;     /* TSC; raw: the TSC itself. */
    uint64_t window_ns;         /* Monotonic clock; raw: the clock itself. */

    struct vmq_pmd *pmds;
    struct vmq_port *ports;
    struct vmq_rxq *rxqs;
    struct vmq_port_pmd *port_pmds;
    uint32_t n_pmds;
    uint32_t n_ports;
    uint32_t n_rxqs;
    uint32_t n_port_pmds;

    /* Room in the arrays.  For vmq-snapshot.c only. */
    uint32_t allocated_pmds;
    uint32_t allocated_ports;
    uint32_t allocated_rxqs;
    uint32_t allocated_port_pmds;
};

/* Life cycle.  All functions that allocate abort when out of memory, as
 * xmalloc() does. */
void vmq_snapshot_init(struct vmq_snapshot *);
void vmq_snapshot_destroy(struct vmq_snapshot *);
void vmq_snapshot_copy(struct vmq_snapshot *dst, const struct vmq_snapshot *);
void vmq_snapshot_clear(struct vmq_snapshot *);

/* Building.  Each appends a zeroed element and returns its index; the caller
 * fills the element in and calls vmq_snapshot_sort() at the end, which brings
 * everything in order and renumbers the references. */
uint32_t vmq_snapshot_add_pmd(struct vmq_snapshot *, uint32_t core_id,
                              int32_t numa_id);
uint32_t vmq_snapshot_add_port(struct vmq_snapshot *, const char *name,
                               uint32_t port_no);
uint32_t vmq_snapshot_add_rxq(struct vmq_snapshot *, uint32_t port,
                              uint32_t qid, uint32_t pmd, int32_t numa_id);
void vmq_snapshot_add_port_pmd(struct vmq_snapshot *, uint32_t port,
                               uint32_t pmd, uint32_t flows);
void vmq_snapshot_sort(struct vmq_snapshot *);

/* Lookup; VMQ_NONE if there is none.  The PMDs must be in order, for
 * vmq_snapshot_find_rxq() everything. */
uint32_t vmq_snapshot_find_pmd(const struct vmq_snapshot *, uint32_t core_id);
uint32_t vmq_snapshot_find_rxq(const struct vmq_snapshot *,
                               const char *port_name, uint32_t qid);

/* Returns true if a PMD has an edge. */
bool vmq_snapshot_has_edge(const struct vmq_snapshot *);

/* Stores in 'matches[i]' the index in 'b' of queue 'i' of 'a': that of the
 * same number, port number and port name, or VMQ_NONE if there is none.  Both
 * must be in order. */
void vmq_snapshot_match_rxqs(const struct vmq_snapshot *a,
                             const struct vmq_snapshot *b,
                             uint32_t matches[]);

#ifdef __cplusplus
}
#endif

#endif /* vmq-snapshot.h */

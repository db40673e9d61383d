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


#ifndef DPIF_NETDEV_VMQ_MEMBERS_H
#define DPIF_NETDEV_VMQ_MEMBERS_H 1

/* Dynamic VMQ's members of the structures of dpif-netdev.
 *
 * For the headers that define those structures.  Which thread may touch which
 * member is in dpif-netdev-vmq-private.h. */

#include <stdbool.h>
#include <stdint.h>

#include "ccmap.h"
#include "openvswitch/hmap.h"
#include "ovs-atomic.h"
#include "vmq-config.h"
#include "vmq-handoff.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct dp_netdev_pmd_thread;

/* How often a PMD that is to raise no edges looks whether that has changed,
 * while packets wait: about a tenth of a second. */
#define VMQ_NO_EDGE_CYCLES (UINT64_C(1) << 28)

/* How often the time until the next edge is doubled at most: from 500 us to
 * half a minute. */
#define VMQ_EDGE_DOUBLINGS 16

/* Of a receive queue.  Survives reloads and reconfigurations.
 *
 * The counters have one writer, the thread that polls the queue, and never go
 * back.  (The cycles that a queue used are counted by dpif-netdev itself, in
 * RXQ_CYCLES_PROC_CURR, which is monotonic for our sake.) */
struct dp_vmq_rxq {
    atomic_ullong n_packets;
    atomic_ullong n_polls;          /* That returned packets. */
    atomic_ullong n_full;           /* That returned a whole batch. */

    /* Owned by the polling thread, and passed on with the queue: the interval
     * that pmd-rxq-show shows. */
    uint64_t interval_base;         /* Cycles of the queue at its start... */
    uint64_t interval_tsc;          /* ...and the time, 0 if not known. */
    bool interval_moved;            /* Began on another PMD? */

    /* Likewise: iterations in each of which the queue returned a whole batch,
     * and nothing else. */
    uint64_t streak;                /* Whole batches less iterations: stays the
                                     * same as long as that goes on. */
    uint64_t streak_tsc;            /* When it began... */
    uint64_t edge_cycles;           /* ...and how long after that an edge may
                                     * be raised. */

    /* Where the flows of a queue are that has come before them, NULL if it has
     * not.  For who moves queues. */
    ATOMIC(struct dp_netdev_pmd_thread *) flows_from;
    atomic_ullong n_fetched;        /* Of these, by the polling thread. */

    /* Protected by 'mutex' of struct dp_vmq. */
    unsigned int last_core;         /* Where it was polled last, plus 1. */
    unsigned int n_moves;
    uint64_t cycles_off;            /* Used while VMQ was off... */
    uint64_t cycles_at_off;         /* ...and in all, when it was turned off
                                     * last. */
};

/* Of a port.  Written by the main thread, with 'port_rwlock' for writing, but
 * for 'status', which 'mutex' of struct dp_vmq protects. */
struct dp_vmq_port {
    bool excluded;                  /* Leave its queues where they are. */
    uint32_t reserve_pct;           /* Of a PMD, for each of its queues. */
    uint32_t bad_values[VMQ_N_PORT_SETTINGS];   /* Hashes of those that were
                                                 * complained of, or 0. */
    unsigned int status;            /* That the database knows of: an enum
                                     * vmq_mobility plus 1, 0 if none. */
    struct hmap_node netdev_node;   /* In 'by_netdev' of struct dp_vmq. */
};

/* Of a flow. */
struct dp_vmq_flow {
    atomic_count n_offloads;        /* What is to be asked of hardware. */
    bool adopted;                   /* By revalidators, as a copy that they had
                                     * not made.  Protected by 'flow_mutex' of
                                     * its PMD. */
};

/* Of a PMD thread. */
struct dp_vmq_pmd {
    struct vmq_mailbox mailbox;
    atomic_bool on;                 /* Is dynamic VMQ on? */

    /* Edges, see lib/vmq-edge.h.  The first three are the settings. */
    atomic_bool raises_edges;
    atomic_ullong edge_cycles;      /* pmd-vmq-edge, VMQ_NO_EDGE_CYCLES if it
                                     * raises none... */
    atomic_ullong hold_cycles;      /* ...and pmd-vmq-spread-hold. */
    atomic_bool edge;               /* There is one: thus are... */
    atomic_ullong waited_cycles;    /* ...how long packets had waited... */
    atomic_ullong raised_ns;        /* ...when it was raised. */
    atomic_uint n_doublings;        /* Of the time until the next edge. */
    uint64_t raised_tsc;            /* That PMD's own: when it raised the last
                                     * one, 0 if it never did. */

    unsigned int sibling_group;     /* Lowest CPU of its physical core. */
    struct ccmap n_tunnel_flows;    /* Of its flows, those that have come out
                                     * of a tunnel, by the port that they
                                     * entered it by. */
};

#ifdef  __cplusplus
}
#endif

#endif /* dpif-netdev-vmq-members.h */

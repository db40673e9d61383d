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


#ifndef DPIF_NETDEV_VMQ_PRIVATE_H
#define DPIF_NETDEV_VMQ_PRIVATE_H 1

/* Dynamic VMQ in the userspace datapath: what lib/dpif-netdev-vmq*.c share.
 *
 *     dpif-netdev-vmq.c           life cycle, settings, reconfiguration, what
 *                                 others ask, commands
 *     dpif-netdev-vmq-collect.c   what a snapshot is made of
 *     dpif-netdev-vmq-thread.c    the thread that samples, plans and moves
 *     dpif-netdev-vmq-lock.c      the lock of who moves queues
 *     dpif-netdev-vmq-move.c      moves, on the side of who moves queues
 *     dpif-netdev-vmq-copy.c      copies of flows, a part of a move
 *     dpif-netdev-vmq-fetch.c     flows that come after their queue
 *     dpif-netdev-vmq-recheck.c   copies that revalidators may have missed
 *     dpif-netdev-vmq-pmd.c       all that PMD threads do
 *     dpif-netdev-vmq-dummy.c     what tests make up...
 *     dpif-netdev-vmq-dummy-hw.c  ...and the hardware that they do
 *
 * What to move is not decided in any of them.
 *
 * Thread-safety
 * =============
 *
 * What two threads touch, and what protects it.  The "mover" is who has
 * 'mutex' of struct dp_vmq and, at least for reading, 'port_rwlock': the
 * thread of VMQ or, in a reconfiguration, the main thread.  It alone calls
 * what does not say otherwise.  "Main" is the main thread without them.
 * "Atomic" stands for relaxed accesses, and one writer.
 *
 *     member                  written by      read by         protection
 *     ----------------------  --------------  --------------  --------------
 *     dp_vmq
 *       engine                mover, main     mover, main     'mutex', but for
 *                                                             its views
 *       has_answers           mover, main     main            atomic, 'mutex'
 *       flow_limit            revalidators    mover           atomic
 *       recheck.wanted        main            any             seq_cst
 *       recheck.finished      a revalidator   mover           release
 *       recheck.copies        mover,          mover,          its mutex
 *                             a revalidator   a revalidator
 *       has_edges             PMDs, mover     mover           acquire, release
 *       post                  any             any             vmq-handoff.h
 *       dummy                 main            any             handoff, 'mutex'
 *     dp_vmq_pmd
 *       on                    main            that PMD        atomic
 *       mailbox               any             any             vmq-handoff.h
 *       raises_edges,         mover           that PMD        atomic
 *       edge_cycles,
 *       hold_cycles
 *       n_doublings           that PMD,       that PMD,       atomic, either
 *                             mover           mover           will do
 *       edge, waited_cycles,  that PMD,       mover           acquire, release
 *       raised_ns             mover                           of 'edge'
 *     dp_vmq_port
 *       excluded,             main            mover           'port_rwlock'
 *       reserve_pct
 *     dp_vmq_rxq
 *       n_packets, n_polls,   its PMD         mover, main     atomic
 *       n_full, n_fetched
 *       flows_from            mover           its PMD         release, RCU
 *       interval_*,           its PMD         its PMD         handoff; reload
 *       streak, streak_tsc,
 *       edge_cycles
 *       cycles_*              main, while     mover, main     the thread's
 *                             none moves                      start and end
 *       n_moves, last_core    mover           mover, main     'mutex'
 *     dp_vmq_move
 *       handoff               any             any             vmq-handoff.h
 *       rxq, from, to,        mover           PMDs            handoff
 *       emc_enabled
 *       preempted, *_tsc,     PMDs            PMDs, mover     handoff
 *       to_switches, past_*,
 *       interval_length
 *
 *     dp_netdev
 *       ports                 main            mover, main     'port_rwlock'
 *       tx_bonds              main            mover, main     'bond_mutex' to
 *                                                             write, RCU
 *     dp_netdev_port
 *       emc_enabled           main            mover           'port_rwlock'
 *     dp_netdev_pmd_thread
 *       flow_table, the       mover, PMDs,    any             'flow_mutex' to
 *       classifiers           revalidators,                   write, RCU
 *                             main
 *       perf_stats.counters   that PMD        mover           atomic
 *       busy_cycles_intrvl,   that PMD        main            atomic
 *       intrvl_*
 *       poll_list             mover           any             'port_mutex'
 *       tx_ports              mover           mover,          'port_mutex'
 *                                             that PMD
 *       tx_bonds              mover, main     that PMD        'bond_mutex' to
 *                                                             write, RCU
 *       need_reload           mover, main     mover           'port_rwlock'
 *                                                             for writing, or
 *                                                             'mutex'
 *       reload_seq, reload    mover           that PMD        as said there
 *     dp_netdev_flow
 *       dead                  mover, PMDs,    who would       'flow_mutex'
 *                             revalidators    remove it
 *       stats.used            PMDs, mover     any             atomic
 *       vmq.n_offloads        any             any             atomic
 *       vmq.adopted           revalidators    mover, they     'flow_mutex'
 *       mark                  offload thread  mover           'n_offloads'
 *       (from 3.7 on 'offloaded' and 'offload_queue_depth')
 *       actions               who has         any             RCU
 *                             'flow_mutex'
 *     dp_netdev_rxq
 *       pmd                   mover           mover, main     'mutex'
 *       cycles                its PMD         mover, main     atomic
 *       intrvl_idx,           its PMD         its PMD, main   atomic
 *       cycles_intrvl
 *
 * "Handoff": whoever has the letter, or has the queue, may touch it, and the
 * mutex of the post orders one after the other.  "Reload": the queue has
 * changed hands by a reload, which orders it likewise.  Members that are not
 * listed are of one thread alone. */

#include "cmap.h"
#include "dpif-netdev-private-datapath.h"
#include "dpif-netdev-vmq-members.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "vmq-clock.h"
#include "vmq-engine.h"
#include "vmq-handoff.h"
#include "vmq-place.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct dp_vmq_dummy;
struct dp_vmq_flows;
struct vmq_thread;

/* dpif-netdev-vmq-collect.c. */
struct dp_netdev_pmd_thread *dp_vmq_find_pmd(const struct dp_netdev *,
                                             unsigned int core_id);
void dp_vmq_collect(void *dp, struct vmq_snapshot *raw);
bool dp_vmq_has_edges(const void *dp);
void dp_vmq_take_edges(void *dp, struct vmq_snapshot *raw,
                       struct vmq_edge_times *);
void dp_vmq_forget_edges(void *dp);
void dp_vmq_answer_edge(void *dp, uint32_t core_id, bool relieved,
                        uint64_t catch_up_ns);
void dp_vmq_read_counters(const struct dp_netdev *, struct dp_netdev_rxq *,
                          struct vmq_rxq *);
uint64_t dp_vmq_rxq_cycles(struct dp_netdev_rxq *);
enum vmq_mobility dp_vmq_port_status(const struct dp_netdev_port *);
void dp_vmq_port_update_status(const struct dp_netdev *,
                               struct dp_netdev_port *);
unsigned int dp_vmq_sibling_group(const struct dp_netdev *,
                                  unsigned int core_id);
unsigned int dp_vmq_n_tunnel_flows(const struct dp_netdev_pmd_thread *,
                                   odp_port_t);

/* dpif-netdev-vmq-pmd.c. */
void dp_vmq_signal_edge(struct dp_netdev_pmd_thread *, uint64_t waited_cycles);

/* dpif-netdev-vmq-copy.c.
 *
 * Megaflows are copied by heat, hottest class first, so that it is the cold
 * ones that are left out where there is no room for all. */
#define VMQ_N_HEATS 256

/* Copying the flows of a port from a PMD to another.  Zero before
 * dp_vmq_copy_begin(). */
struct dp_vmq_copy {
    odp_port_t port_no;
    struct dp_vmq_flows *flows[VMQ_N_HEATS];    /* To copy, 'n_flows'. */
    size_t n_flows;
    unsigned int heat;                  /* None is hotter than this. */
    long int switches;                  /* Involuntary, when last looked at. */
    struct vmq_result *result;          /* What has come of it. */

    /* The first of those between the same two PMDs finds flows for all. */
    struct dp_vmq_copy *leader;
    struct hmap_node node;              /* In 'copies' of the leader. */

    /* Of the leader. */
    struct hmap copies;                 /* By port, one for each. */
    struct dp_vmq_copy *of_tunnels;     /* What copies the flows that came out
                                         * of tunnels, NULL if nothing. */
    struct cmap_position position;      /* In the flows of the source. */
    bool scanned;                       /* Seen them all? */
};

void dp_vmq_copy_begin(struct dp_vmq_copy *, struct dp_vmq_copy *leader,
                       const struct dp_netdev_pmd_thread *from,
                       odp_port_t port_no);
bool dp_vmq_copy_run(struct dp_netdev *, struct dp_vmq_copy *,
                     struct dp_netdev_pmd_thread *from,
                     struct dp_netdev_pmd_thread *to, uint64_t until_ns,
                     bool ahead);
void dp_vmq_copy_end(struct dp_netdev *, struct dp_vmq_copy *);
bool dp_vmq_copy_clean(struct dp_netdev *, uint64_t until_ns);

enum dp_vmq_copied {
    VMQ_COPIED,
    VMQ_COPY_EXISTS,            /* The destination has this flow already. */
    VMQ_COPY_STALE,             /* The source no longer has it like this. */
    VMQ_COPY_NO_ROOM,           /* It would be one too many. */
};

enum dp_vmq_copied dp_vmq_copy_flow(struct dp_netdev *,
                                    struct dp_netdev_pmd_thread *from,
                                    struct dp_netdev_pmd_thread *to,
                                    struct dp_netdev_flow *,
                                    odp_port_t orig_in_port,
                                    size_t n_to_come, struct dp_vmq_copy *);
struct dp_netdev_flow *dp_vmq_find_key(struct dp_netdev_pmd_thread *,
                                       const struct netdev_flow_key *);
bool dp_vmq_flow_is_in_hardware(const struct dp_netdev *,
                                const struct dp_netdev_flow *);
size_t dp_vmq_room_for_flows(const struct dp_netdev *);

/* dpif-netdev-vmq-fetch.c. */
void dp_vmq_fetch_begin(struct dp_netdev_rxq *,
                        struct dp_netdev_pmd_thread *from);
void dp_vmq_fetch_end(struct dp_netdev_rxq *);
uint64_t dp_vmq_n_fetched(const struct dp_netdev_rxq *);

/* dpif-netdev-vmq-recheck.c. */
struct dp_vmq_recheck {
    atomic_uint64_t wanted;     /* Revalidations that were asked for... */
    atomic_uint64_t finished;   /* ...and of these, those that are done. */
    uint64_t started;           /* Those that the one under way is for. */
    struct ovs_mutex mutex;
    struct ovs_list copies OVS_GUARDED;     /* To look at when it ends. */
};

void dp_vmq_recheck_init(struct dp_vmq_recheck *);
void dp_vmq_recheck_destroy(struct dp_vmq_recheck *);
uint64_t dp_vmq_recheck_begin(struct dp_netdev *);
struct dp_netdev_flow *dp_vmq_find_ufid(const struct dp_netdev_pmd_thread *,
                                        const ovs_u128 *ufid);
void dp_vmq_remove_copy(struct dp_netdev_pmd_thread *pmd,
                        struct dp_netdev_flow *copy)
    OVS_REQUIRES(pmd->flow_mutex);
void dp_vmq_follow(struct dp_netdev_pmd_thread *pmd,
                   struct dp_netdev_flow *copy,
                   const struct dp_netdev_flow *original)
    OVS_REQUIRES(pmd->flow_mutex);
void dp_vmq_recheck_add(struct dp_netdev *, uint64_t finished,
                        struct dp_netdev_flow *copy,
                        struct dp_netdev_flow *original);

/* Per datapath. */
struct dp_vmq {
    /* Owns what follows, but for what says otherwise, and who polls which
     * queue.  Directly inside 'port_rwlock' in the order of locks. */
    struct ovs_mutex mutex;
    atomic_uint n_waiting;      /* Those that want 'mutex' at once. */

    struct vmq_engine *engine;
    struct vmq_clock clock;
    struct vmq_post post;       /* Has a mutex of its own. */
    struct dp_vmq_move *moves;  /* Under way. */
    size_t n_moves;
    uint64_t ahead_until_ns;    /* How long flows are copied that go before a
                                 * queue in a hurry. */
    bool more_to_do;            /* Than to wait? */
    struct dp_vmq_flows *discarded;     /* Of copies that have ended. */
    struct dp_vmq_recheck recheck;
    atomic_uint flow_limit;     /* Of ofproto-dpif-upcall. */
    uint64_t generation;        /* Changes whenever a queue may have changed
                                 * its PMD. */
    bool listed;                /* Are the lists below up to date? */
    struct dp_netdev_pmd_thread **pmds;     /* By core. */
    size_t n_pmds;
    struct dp_netdev_port **ports;          /* By number. */
    size_t n_ports;
    struct vmq_place place;     /* Where new queues go, of the
                                 * reconfiguration under way. */
    struct dp_vmq_dummy *dummy; /* Tests: replaces clocks and counters, NULL
                                 * to measure. */

    /* Owned by the main thread. */
    struct vmq_thread *thread;  /* NULL while VMQ is off. */
    struct hmap by_netdev;      /* Ports, by device, as they were at... */
    uint64_t by_netdev_seq;     /* ...that 'port_seq' of the datapath. */
    bool auto_lb_warned;        /* Said that pmd-auto-lb is ignored? */
    size_t n_requests;          /* To be answered. */

    atomic_bool has_edges;      /* A PMD has raised one that was not taken. */

    /* Wakes the main thread when the engine has answers. */
    struct vmq_wake answered;
    atomic_bool has_answers;
};

/* dpif-netdev-vmq-lock.c. */
void dp_vmq_lock(struct dp_netdev *);
void dp_vmq_unlock(struct dp_netdev *);
void dp_vmq_enter(struct dp_netdev *);
void dp_vmq_leave(struct dp_netdev *);
bool dp_vmq_must_yield(const struct dp_netdev *, uint64_t until_ns);

/* dpif-netdev-vmq-thread.c. */
void dp_vmq_start(struct dp_netdev *);
void dp_vmq_stop(struct dp_netdev *, const char *why);
void dp_vmq_notify(struct dp_netdev *);
void dp_vmq_keep_off_pmds(struct dp_netdev *);

/* dpif-netdev-vmq-move.c. */
enum dp_vmq_phase {
    VMQ_PHASE_COPYING,          /* Flows are copied. */
    VMQ_PHASE_HANDING,          /* 'handoff' is under way. */
    VMQ_PHASE_FOLLOWING,        /* '*result' says how that ended, and the
                                 * flows that were not copied are. */
    VMQ_PHASE_ENDED,            /* '*result' says how. */
};

/* A move under way. */
struct dp_vmq_move {
    struct vmq_handoff handoff;
    enum dp_vmq_phase phase;
    struct dp_netdev_rxq *rxq;
    struct dp_netdev_pmd_thread *from, *to;
    struct dp_vmq_copy copy;
    bool hurry;                 /* The queue goes before its flows. */
    bool copied;                /* All flows? */
    uint64_t n_fetched;         /* Of the queue, before. */
    struct vmq_result *result;
    uint64_t handed_ns;         /* When the handoff began. */
    bool emc_enabled;           /* As the destination will know it. */

    /* Of the thread that has the letter. */
    bool preempted;
    long int to_switches;       /* Of the destination, at ASK. */
    uint64_t last_poll_tsc, first_poll_tsc;
    uint64_t past_cycles[PMD_INTERVAL_MAX];     /* By age in intervals. */
    uint64_t interval_length;
};

void dp_vmq_apply(void *dp, const struct vmq_snapshot *,
                  const struct vmq_plan *, struct vmq_result *);
bool dp_vmq_advance(void *dp);
void dp_vmq_drain(struct dp_netdev *dp)
    OVS_REQ_RDLOCK(dp->port_rwlock);
void dp_vmq_move_run(struct dp_netdev *);
void dp_vmq_move_wait(struct dp_netdev *);

/* Where a test can hold a move, or have something happen to it. */
enum dp_vmq_point {
    /* For who moves queues. */
    VMQ_POINT_FOUND,            /* All flows have been found, none copied. */
    VMQ_POINT_COPY,             /* A flow has been looked up... */
    VMQ_POINT_COPIED,           /* ...and its copy been inserted... */
    VMQ_POINT_CHECKED,          /* ...which was like it then. */
    VMQ_POINT_DRAIN,            /* All moves are to end... */
    VMQ_POINT_DRAINED,          /* ...and have. */

    /* For who dumps flows. */
    VMQ_POINT_DUMP,             /* The first flows of a PMD have been found. */

    /* For PMD threads. */
    VMQ_POINT_MAIL,             /* A mailbox is looked into. */
    VMQ_POINT_ASK,              /* A letter has been taken out, and nothing of
                                 * what it says is done yet. */
    VMQ_POINT_GIVE,
    VMQ_POINT_TAKE,
    VMQ_N_POINTS
};

/* What a dummy datapath has in place of clocks and counters, and what tests
 * have happen to moves.  Only dpif-netdev-vmq-dummy.c makes one; what is here
 * is all that the others know of it.  The first two members are null unless
 * loads are made up. */
struct dp_vmq_dummy {
    /* Replaces the counters and clocks of 'raw'. */
    void (*collect)(struct dp_netdev *, struct vmq_snapshot *raw);

    /* Returns the cycles that a queue has used. */
    uint64_t (*rxq_cycles)(const struct dp_netdev *,
                           const struct dp_netdev_rxq *);

    /* A reconfiguration begins, all moves have ended. */
    void (*reconfigure)(struct dp_netdev *);

    /* A move has come to 'point', because of 'flow' of the source or in the
     * thread of 'pmd', where the point has one.  Any thread calls this.
     * Returns true to have a move held at VMQ_POINT_FOUND, which is to come
     * there again; PMD threads are held by this not returning. */
    bool (*reach)(struct dp_netdev *, enum dp_vmq_point point,
                  struct dp_netdev_pmd_thread *pmd,
                  struct dp_netdev_flow *flow);

    void (*destroy)(struct dp_vmq_dummy *);

    /* How long a PMD may leave a letter in its mailbox, 0 for as long as
     * anywhere.  What a test finds must not depend on what else the machine
     * does. */
    uint64_t patience_ns;

    /* Moves take no time: the main thread waits for them. */
    bool at_once;

    /* All queues leave in a hurry. */
    bool hurry;

    /* Of time that is made up: when the main thread ran last.  It stops and
     * warps that, and what has been seen of it must not depend on when the
     * other thread looks. */
    long long int now_ms;
};

/* Whether loads and time of 'dp' are made up. */
static inline bool
dp_vmq_is_made_up(const struct dp_netdev *dp)
{
    return dp->vmq->dummy && dp->vmq->dummy->collect;
}

/* Returns what time_msec() does, unless that is made up. */
static inline long long int
dp_vmq_now_ms(const struct dp_netdev *dp)
{
    return dp_vmq_is_made_up(dp) ? dp->vmq->dummy->now_ms : time_msec();
}

/* Tells a test, if there is one, that a move has come to 'point', see
 * 'reach' above. */
static inline bool
dp_vmq_reach(struct dp_netdev *dp, enum dp_vmq_point point,
             struct dp_netdev_pmd_thread *pmd, struct dp_netdev_flow *flow)
{
    struct dp_vmq_dummy *dummy = dp->vmq->dummy;

    return dummy && dummy->reach(dp, point, pmd, flow);
}

/* dpif-netdev-vmq-dummy-hw.c. */
void dp_vmq_dummy_hw_register(void);

#ifdef  __cplusplus
}
#endif

#endif /* dpif-netdev-vmq-private.h */

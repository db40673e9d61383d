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


/* Dynamic VMQ in the userspace datapath: what tests make up.
 *
 * Once dpif-dummy/set-rxq-load has been used on a datapath, time for its
 * snapshots is that of time/stop and time/warp at 1 cycle a ns, all PMDs are
 * charged what their queues are said to use, and nothing is stolen from them.
 * The plans then depend on what the test says and on nothing else.
 *
 * Nothing calls this but the command, which only the dummy datapath registers,
 * and what that leaves in 'dummy' of struct dp_vmq.
 *
 * Thread-safety: for the main thread. */

#include <config.h>
#include "dpif-netdev-vmq-private.h"

#include <stdlib.h>
#include <string.h>

#include "dpif-netdev-vmq-hooks.h"
#include "dpif-provider.h"
#include "hash.h"
#include "netdev.h"
#include "openvswitch/shash.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

/* How long a PMD may leave a letter in its mailbox, in place of
 * VMQ_PATIENCE_NS. */
#define VMQ_DUMMY_PATIENCE_NS UINT64_C(10000000000)

struct dummy {
    struct dp_vmq_dummy up;
    struct hmap rxqs;           /* Of struct dummy_rxq. */
    struct hmap pmds;           /* Of struct dummy_pmd. */
    uint64_t last_ns;           /* Time of the last collection. */
};

/* A queue that has been given a load. */
struct dummy_rxq {
    struct hmap_node node;
    const struct dp_netdev_port *port;
    odp_port_t port_no;         /* Of 'port', which may be gone. */
    unsigned int qid;
    unsigned int percent;       /* Of a PMD. */
    uint64_t cycles;            /* Used so far. */
};

struct dummy_pmd {
    struct hmap_node node;
    unsigned int core_id;
    unsigned int percent;       /* What its queues want. */
    uint64_t busy_cycles;       /* Used so far. */
};

static struct dummy *
dummy_get(const struct dp_netdev *dp)
{
    return CONTAINER_OF(dp->vmq->dummy, struct dummy, up);
}

static struct dummy_rxq *
dummy_find_rxq(const struct dummy *dummy, const struct dp_netdev_port *port,
               unsigned int qid)
{
    struct dummy_rxq *rxq;

    HMAP_FOR_EACH_WITH_HASH (rxq, node, hash_pointer(port, qid),
                             &dummy->rxqs) {
        if (rxq->port == port && rxq->qid == qid) {
            return rxq;
        }
    }
    return NULL;
}

/* Returns the PMD on core 'core_id', which is made if need be. */
static struct dummy_pmd *
dummy_get_pmd(struct dummy *dummy, unsigned int core_id)
{
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_WITH_HASH (pmd, node, hash_int(core_id, 0), &dummy->pmds) {
        if (pmd->core_id == core_id) {
            return pmd;
        }
    }
    pmd = xzalloc(sizeof *pmd);
    pmd->core_id = core_id;
    hmap_insert(&dummy->pmds, &pmd->node, hash_int(core_id, 0));
    return pmd;
}

/* Implements 'rxq_cycles'. */
static uint64_t
dummy_rxq_cycles(const struct dp_netdev *dp, const struct dp_netdev_rxq *rxq)
{
    const struct dummy_rxq *dummy_rxq
        = dummy_find_rxq(dummy_get(dp), rxq->port,
                         netdev_rxq_get_queue_id(rxq->rx));

    return dummy_rxq ? dummy_rxq->cycles : 0;
}

/* Has 'rxq', which is 'dummy_rxq', use its PMD for 'elapsed_ns'. */
static void
dummy_use_rxq(struct dummy *dummy, struct dummy_rxq *dummy_rxq,
              struct dp_netdev_rxq *rxq, uint64_t elapsed_ns)
{
    bool saturated = (rxq->pmd
                      && dummy_get_pmd(dummy,
                                       rxq->pmd->core_id)->percent >= 100);
    uint64_t cycles = elapsed_ns * dummy_rxq->percent / 100;

    /* A batch of 32 packets every 32,000 cycles, partly filled unless the PMD
     * is saturated. */
    dummy_rxq->cycles += cycles;
    dp_vmq_count(&rxq->vmq.n_packets, cycles / 1000);
    dp_vmq_count(&rxq->vmq.n_polls, DIV_ROUND_UP(cycles, 32000));
    if (saturated) {
        dp_vmq_count(&rxq->vmq.n_full, DIV_ROUND_UP(cycles, 32000));
    }
}

/* Returns whether the port of 'rxq' is one of 'dp'. */
static bool
dummy_has_port(const struct dp_netdev *dp, const struct dummy_rxq *rxq)
{
    const struct dp_netdev_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node,
                             hash_int(odp_to_u32(rxq->port_no), 0),
                             &dp->ports) {
        if (port == rxq->port) {
            return true;
        }
    }
    return false;
}

/* Implements 'reconfigure'.  Ports that are gone are still in memory, so that
 * no other can be in their place. */
static void
dummy_forget(struct dp_netdev *dp)
{
    struct dummy *dummy = dummy_get(dp);
    struct dummy_rxq *rxq;
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_SAFE (rxq, node, &dummy->rxqs) {
        if (!dummy_has_port(dp, rxq) || rxq->qid >= rxq->port->n_rxq) {
            hmap_remove(&dummy->rxqs, &rxq->node);
            free(rxq);
        }
    }
    HMAP_FOR_EACH_SAFE (pmd, node, &dummy->pmds) {
        if (!dp_vmq_find_pmd(dp, pmd->core_id)) {
            hmap_remove(&dummy->pmds, &pmd->node);
            free(pmd);
        }
    }
}

/* Implements 'collect'. */
static void
dummy_collect(struct dp_netdev *dp, struct vmq_snapshot *raw)
{
    struct dummy *dummy = dummy_get(dp);
    const struct dp_vmq *vmq = dp->vmq;
    uint64_t now_ns = raw->now_ms * 1000000;
    uint64_t elapsed_ns = now_ns - dummy->last_ns;
    struct dummy_rxq *dummy_rxq;
    struct dummy_pmd *pmd;
    uint32_t i = 0;

    dummy_forget(dp);           /* Of ports that have fewer queues now. */
    dummy->last_ns = now_ns;
    raw->window_cycles = now_ns;
    raw->window_ns = now_ns;

    HMAP_FOR_EACH (pmd, node, &dummy->pmds) {
        pmd->percent = 0;
    }
    HMAP_FOR_EACH (dummy_rxq, node, &dummy->rxqs) {
        struct dp_netdev_rxq *rxq = &dummy_rxq->port->rxqs[dummy_rxq->qid];

        if (rxq->pmd) {
            dummy_get_pmd(dummy, rxq->pmd->core_id)->percent
                += dummy_rxq->percent;
        }
    }
    HMAP_FOR_EACH (dummy_rxq, node, &dummy->rxqs) {
        dummy_use_rxq(dummy, dummy_rxq,
                      &dummy_rxq->port->rxqs[dummy_rxq->qid], elapsed_ns);
    }

    /* Queues are in the order in which they were collected. */
    for (size_t k = 0; k < vmq->n_ports; k++) {
        struct dp_netdev_port *port = vmq->ports[k];

        for (unsigned int j = 0;
             netdev_is_pmd(port->netdev) && j < port->n_rxq; j++, i++) {
            dp_vmq_read_counters(dp, &port->rxqs[j], &raw->rxqs[i]);
        }
    }
    for (i = 0; i < raw->n_pmds; i++) {
        pmd = dummy_get_pmd(dummy, raw->pmds[i].core_id);
        pmd->busy_cycles += elapsed_ns * MIN(pmd->percent, 100) / 100;
        raw->pmds[i].busy_cycles = pmd->busy_cycles;
        raw->pmds[i].idle_cycles = now_ns - pmd->busy_cycles;
        raw->pmds[i].sleep_cycles = 0;
        raw->pmds[i].cpu_ns = now_ns;
    }
}

/* Implements 'destroy'. */
static void
dummy_destroy(struct dp_vmq_dummy *up)
{
    struct dummy *dummy = CONTAINER_OF(up, struct dummy, up);
    struct dummy_rxq *rxq;
    struct dummy_pmd *pmd;

    HMAP_FOR_EACH_POP (rxq, node, &dummy->rxqs) {
        free(rxq);
    }
    HMAP_FOR_EACH_POP (pmd, node, &dummy->pmds) {
        free(pmd);
    }
    hmap_destroy(&dummy->rxqs);
    hmap_destroy(&dummy->pmds);
    free(dummy);
}

static struct dp_vmq_dummy *
dummy_create(void)
{
    struct dummy *dummy = xmalloc(sizeof *dummy);

    *dummy = (struct dummy) {
        .up = {
            .collect = dummy_collect,
            .rxq_cycles = dummy_rxq_cycles,
            .reconfigure = dummy_forget,
            .destroy = dummy_destroy,
            .patience_ns = VMQ_DUMMY_PATIENCE_NS,
        },
        .rxqs = HMAP_INITIALIZER(&dummy->rxqs),
        .pmds = HMAP_INITIALIZER(&dummy->pmds),
        .last_ns = time_msec() * UINT64_C(1000000),
    };
    return &dummy->up;
}

/* Has queue 'qid' of the port named 'name' in 'dp' use 'percent' of a PMD, if
 * there is such a queue.  Returns whether there is. */
static bool
dummy_set_load(struct dp_netdev *dp, const char *name, unsigned int qid,
               unsigned int percent)
{
    struct dp_netdev_port *port;
    bool found = false;

    ovs_rwlock_rdlock(&dp->port_rwlock);
    HMAP_FOR_EACH (port, node, &dp->ports) {
        if (!strcmp(netdev_get_name(port->netdev), name)
            && netdev_is_pmd(port->netdev) && qid < port->n_rxq) {
            struct dummy_rxq *rxq;

            if (!dp->vmq->dummy) {
                dp->vmq->dummy = dummy_create();
            }
            rxq = dummy_find_rxq(dummy_get(dp), port, qid);
            if (!rxq) {
                rxq = xzalloc(sizeof *rxq);
                rxq->port = port;
                rxq->port_no = port->port_no;
                rxq->qid = qid;
                hmap_insert(&dummy_get(dp)->rxqs, &rxq->node,
                            hash_pointer(port, qid));
            }
            rxq->percent = percent;
            found = true;
        }
    }
    ovs_rwlock_unlock(&dp->port_rwlock);
    return found;
}

static void
dpif_dummy_set_rxq_load(struct unixctl_conn *conn, int argc OVS_UNUSED,
                        const char *argv[], void *aux OVS_UNUSED)
{
    unsigned int qid, percent;
    struct shash_node *node;
    bool found = false;

    if (!str_to_uint(argv[2], 10, &qid)) {
        unixctl_command_reply_error(conn, "QID is not a number");
        return;
    }
    if (!str_to_uint(argv[3], 10, &percent) || percent > 1000) {
        unixctl_command_reply_error(conn, "PERCENT is not in 0..1000");
        return;
    }

    ovs_mutex_lock(&dp_netdev_mutex);
    SHASH_FOR_EACH (node, &dp_netdevs) {
        struct dp_netdev *dp = node->data;

        if (dp->class != &dpif_netdev_class
            && dummy_set_load(dp, argv[1], qid, percent)) {
            found = true;
        }
    }
    ovs_mutex_unlock(&dp_netdev_mutex);

    if (found) {
        unixctl_command_reply(conn, NULL);
    } else {
        unixctl_command_reply_error(conn, "no such queue of a PMD port");
    }
}

void
dp_vmq_dummy_register(void)
{
    unixctl_command_register("dpif-dummy/set-rxq-load", "PORT QID PERCENT",
                             3, 3, dpif_dummy_set_rxq_load, NULL);
    dp_vmq_dummy_hw_register();
}

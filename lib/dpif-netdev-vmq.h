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


#ifndef DPIF_NETDEV_VMQ_H
#define DPIF_NETDEV_VMQ_H 1

/* Dynamic VMQ in the userspace datapath: what other parts of Open vSwitch tell
 * it and ask it.
 *
 * Thread-safety: as said for each function. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"

#ifdef  __cplusplus
extern "C" {
#endif

struct dpif;
struct netdev;
struct vmq_engine;

/* For ofproto-dpif-upcall: how many flows the datapath may have.  Any thread
 * may call it. */
void dpif_netdev_vmq_set_flow_limit(struct dpif *, unsigned int flow_limit);

/* For ofproto-dpif-upcall: when revalidators are asked to look at all flows
 * anew, which any thread may, and when they have begun and finished it, which
 * the first of them says. */
void dpif_netdev_vmq_revalidate(struct dpif *);
void dpif_netdev_vmq_revalidation_starts(struct dpif *);
void dpif_netdev_vmq_revalidation_ends(struct dpif *);

/* For vmq-adopt.c: a revalidator adopts a flow that it did not know.  Returns
 * false if it is not there any more. */
bool dpif_netdev_vmq_adopt(struct dpif *, const ovs_u128 *ufid,
                           unsigned int pmd_id);

/* For ovs-vswitchd: what dynamic VMQ knows of a port.  For the main thread. */

struct dpif_vmq_rxq {
    uint64_t n_packets;             /* Received while VMQ was on... */
    uint64_t busy_cycles;           /* ...and what they took, TSC cycles. */
    uint32_t n_moves;
    uint32_t core_id;               /* UINT32_MAX: nobody polls it. */
};

struct dpif_vmq_port {
    const char *status;             /* Whether its queues can be moved, or why
                                     * not: the one that can most easily. */
    struct dpif_vmq_rxq *rxqs;      /* By queue id. */
    size_t n_rxqs;                  /* 0: no queues that VMQ could move. */
};

bool dpif_netdev_vmq_get_port(const struct netdev *, struct dpif_vmq_port *);
void dpif_netdev_vmq_put_port(struct dpif_vmq_port *);
unsigned int dpif_netdev_vmq_status_seq(void);

/* For vmq-chaos.c: calls back with the engine of a datapath.  For the main
 * thread. */
void dpif_netdev_vmq_with_engine(struct dpif *,
                                 void (*)(struct vmq_engine *));

#ifdef  __cplusplus
}
#endif

#endif /* dpif-netdev-vmq.h */

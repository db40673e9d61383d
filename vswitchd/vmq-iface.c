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
#include "vmq-iface.h"

#include "dpif-netdev-vmq.h"
#include "netdev.h"
#include "smap.h"
#include "util.h"

/* Adds the statistic 'name', for queue 'qid' if that is nonnegative.  There
 * must be room for it. */
static void
add_counter(struct netdev_custom_stats *stats, int qid, const char *name,
            uint64_t value)
{
    struct netdev_custom_counter *counter = &stats->counters[stats->size++];

    if (qid < 0) {
        snprintf(counter->name, sizeof counter->name, "vmq_%s", name);
    } else {
        snprintf(counter->name, sizeof counter->name, "vmq_q%d_%s", qid, name);
    }
    counter->value = value;
}

static void
add_counters(struct netdev_custom_stats *stats,
             const struct dpif_vmq_port *port)
{
    uint64_t n_packets = 0, busy_cycles = 0, n_moves = 0;

    stats->counters = xrealloc(stats->counters,
                               (stats->size + 3 + 3 * port->n_rxqs)
                               * sizeof *stats->counters);
    for (size_t i = 0; i < port->n_rxqs; i++) {
        const struct dpif_vmq_rxq *rxq = &port->rxqs[i];

        add_counter(stats, i, "packets", rxq->n_packets);
        add_counter(stats, i, "busy_cycles", rxq->busy_cycles);
        if (rxq->core_id != UINT32_MAX) {
            add_counter(stats, i, "core", rxq->core_id);
        }
        n_packets += rxq->n_packets;
        busy_cycles += rxq->busy_cycles;
        n_moves += rxq->n_moves;
    }
    add_counter(stats, -1, "rx_packets", n_packets);
    add_counter(stats, -1, "busy_cycles", busy_cycles);
    add_counter(stats, -1, "moves", n_moves);
}

/* Returns 0 if there are any, otherwise an errno value. */
int
vmq_iface_get_custom_stats(const struct netdev *netdev,
                           struct netdev_custom_stats *stats)
{
    int error = netdev_get_custom_stats(netdev, stats);
    struct dpif_vmq_port port;

    if (dpif_netdev_vmq_get_port(netdev, &port)) {
        if (port.n_rxqs) {
            add_counters(stats, &port);
            error = 0;
        }
        dpif_netdev_vmq_put_port(&port);
    }
    return error;
}

/* Returns 0 if there is any, otherwise an errno value. */
int
vmq_iface_get_status(const struct netdev *netdev, struct smap *smap)
{
    int error = netdev_get_status(netdev, smap);
    struct dpif_vmq_port port;

    if (dpif_netdev_vmq_get_port(netdev, &port)) {
        smap_add(smap, "vmq", port.status);
        error = 0;
        dpif_netdev_vmq_put_port(&port);
    }
    return error;
}

/* Returns a number that changes when the status may have changed. */
uint64_t
vmq_iface_get_change_seq(const struct netdev *netdev)
{
    /* Neither goes back, so that the sum cannot hide a change. */
    return netdev_get_change_seq(netdev) + dpif_netdev_vmq_status_seq();
}

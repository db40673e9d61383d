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

#ifndef VMQ_TRAFFIC_PORT_H
#define VMQ_TRAFFIC_PORT_H 1

/* DPDK and its virtio-user ports, from a list of sockets.
 *
 * vmq_ports_start() comes back in well under a second whether or not the
 * switch is there (see vmq-traffic-vhost.h).  A server port is 'up' while a
 * switch is connected to it, also after the switch was restarted; DPDK's
 * interrupt thread takes care of that.
 *
 * Errors are returned as malloc()ed strings, NULL is success.
 *
 * Thread-safety: none, one thread owns the ports.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most ports and queues of a port.  The second is DPDK's limit. */
#define VMQ_MAX_PORTS 32
#define VMQ_MAX_PORT_QUEUES 8
#define VMQ_MAX_QUEUES 64

struct rte_mempool;
struct vmq_backend;

struct vmq_port {
    char *path;
    unsigned int queues;
    bool client;                /* Connect to 'path' instead of listening. */

    /* Valid after vmq_ports_start(). */
    bool up;                    /* As of the last vmq_ports_run(). */
    uint64_t link_downs;        /* Times it went from up to down. */
    uint16_t id;                /* DPDK's number for it. */
    bool started;
    struct vmq_backend *backend;
    char *private_path;         /* Where it listens until it is started. */
};

enum vmq_huge {
    VMQ_HUGE_AUTO,              /* If there are enough free ones. */
    VMQ_HUGE_YES,
    VMQ_HUGE_NO
};

struct vmq_ports_config {
    enum vmq_huge huge;         /* In: wish.  Out: never VMQ_HUGE_AUTO. */
    int core;                   /* -1: where the process may run. */
    unsigned int queue_size;
    bool verbose;               /* All of DPDK's log. */
};

char *vmq_port_parse(const char *, struct vmq_port *);
char *vmq_ports_start(struct vmq_port ports[], size_t n_ports,
                      struct vmq_ports_config *, struct rte_mempool **);
void vmq_ports_run(struct vmq_port ports[], size_t n_ports);
void vmq_ports_unpublish(struct vmq_port ports[], size_t n_ports);

#endif /* vmq-traffic-port.h */

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

#include "vmq-traffic-port.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include "vmq-traffic-control.h"
#include "vmq-traffic-vhost.h"

/* Added to a port's path until it is started. */
#define PRIVATE_SUFFIX ".new"

/* Buffers beyond what all rings can hold: the pool's cache and the bursts in
 * hand. */
#define SPARE_MBUFS 4096

/* Room in a buffer for headroom and frame.  Holds the longest frame, and makes
 * the whole buffer a little less than 2048 bytes: without hugepages, a buffer
 * must not cross a page. */
#define MBUF_DATA_ROOM 1792

/* Memory of one buffer and of one entry of a ring, bookkeeping included, and
 * what DPDK itself wants, the latter two generous. */
#define MBUF_BYTES 2048
#define RING_ENTRY_BYTES 512
#define BASE_MEMORY_MB 64

/* Less does not start without hugepages. */
#define MIN_MEMORY_MB 192

#define MAX_EAL_ARGS 24

/* How long DPDK's interrupt thread is given to have done with a disconnect,
 * and how long it is waited for at most. */
#define PUBLISH_SETTLE_MS 5
#define PUBLISH_MAX_MS 1000

struct eal_args {
    char *argv[MAX_EAL_ARGS + 1];
    int argc;
};

static char *error_new(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static char *
error_new(const char *format, ...)
{
    va_list args;
    char *s;
    int error;

    va_start(args, format);
    error = vasprintf(&s, format, args);
    va_end(args);
    if (error < 0) {
        abort();
    }
    return s;
}

/* Parses "PATH[,queues=N][,client]". */
char *
vmq_port_parse(const char *s, struct vmq_port *port)
{
    char *copy = strdup(s);
    char *error = NULL;
    char *save = NULL;
    char *word;

    memset(port, 0, sizeof *port);
    port->queues = 1;
    word = strtok_r(copy, ",", &save);
    port->path = strdup(word ? word : "");
    if (!vmq_socket_path_ok(port->path)
        || strlen(port->path) + strlen(PRIVATE_SUFFIX) > 107) {
        error = error_new("\"%s\" is not a usable name for a socket",
                          port->path);
    }
    while (!error && (word = strtok_r(NULL, ",", &save))) {
        if (!strncmp(word, "queues=", 7)) {
            char *tail;

            port->queues = strtoul(word + 7, &tail, 10);
            if (!word[7] || *tail || !port->queues
                || port->queues > VMQ_MAX_PORT_QUEUES) {
                error = error_new("%s: \"%s\" is not a number of queues from "
                                  "1 to %d", port->path, word,
                                  VMQ_MAX_PORT_QUEUES);
            }
        } else if (!strcmp(word, "client")) {
            port->client = true;
        } else {
            error = error_new("%s: unknown setting \"%s\"",
                              port->path, word);
        }
    }
    free(copy);
    return error;
}

static void eal_arg(struct eal_args *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
eal_arg(struct eal_args *args, const char *format, ...)
{
    va_list va;

    if (args->argc >= MAX_EAL_ARGS) {
        abort();
    }
    va_start(va, format);
    if (vasprintf(&args->argv[args->argc++], format, va) < 0) {
        abort();
    }
    va_end(va);
    args->argv[args->argc] = NULL;
}

/* One lcore, on 'core', or on any of the cores the process may run on: DPDK by
 * itself would pin it to the first. */
static void
eal_arg_cores(struct eal_args *args, int core)
{
    char list[1024] = "";
    cpu_set_t cpus;
    size_t len = 0;

    if (core >= 0) {
        eal_arg(args, "--lcores=0@%d", core);
        return;
    }
    if (sched_getaffinity(0, sizeof cpus, &cpus)) {
        return;
    }
    for (int i = 0; i < CPU_SETSIZE && len < sizeof list - 8; i++) {
        if (CPU_ISSET(i, &cpus)) {
            len += snprintf(list + len, sizeof list - len, "%s%d",
                            len ? "," : "", i);
        }
    }
    eal_arg(args, "--lcores=0@(%s)", list);
}

static unsigned long int
free_hugepages_mb(void)
{
    unsigned long int pages = 0;
    FILE *stream;

    stream = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
                   "r");
    if (stream) {
        if (fscanf(stream, "%lu", &pages) != 1) {
            pages = 0;
        }
        fclose(stream);
    }
    return pages * 2;
}

static char *
start_eal(struct vmq_ports_config *config, unsigned int memory_mb)
{
    struct eal_args args = { .argc = 0 };
    char *argv[MAX_EAL_ARGS + 1];
    char *error = NULL;

    if (config->huge == VMQ_HUGE_AUTO) {
        config->huge = (free_hugepages_mb() >= memory_mb
                        ? VMQ_HUGE_YES : VMQ_HUGE_NO);
    }

    eal_arg(&args, "vmq-traffic");
    eal_arg_cores(&args, config->core);
    eal_arg(&args, "--no-pci");
    eal_arg(&args, "--no-telemetry");
    eal_arg(&args, "--iova-mode=va");
    eal_arg(&args, "--file-prefix=vmq-traffic-%ld", (long int) getpid());
    eal_arg(&args, "--log-level=%s", config->verbose ? "*:info" : "*:error");
    if (config->huge == VMQ_HUGE_YES) {
        eal_arg(&args, "--in-memory");
        eal_arg(&args, "--single-file-segments");
    } else {
        eal_arg(&args, "--no-huge");
        eal_arg(&args, "--no-shconf");
        if (memory_mb < MIN_MEMORY_MB) {
            memory_mb = MIN_MEMORY_MB;
        }
    }
    eal_arg(&args, "-m");
    eal_arg(&args, "%u", memory_mb);

    /* DPDK permutes the array it is given. */
    memcpy(argv, args.argv, sizeof argv);
    if (rte_eal_init(args.argc, argv) < 0) {
        error = error_new("DPDK does not start %s hugepages (%s)",
                          config->huge == VMQ_HUGE_YES ? "with" : "without",
                          rte_strerror(rte_errno));
    }
    for (int i = 0; i < args.argc; i++) {
        free(args.argv[i]);
    }

    /* Disconnects are not errors here. */
    if (!config->verbose) {
        rte_log_set_level_pattern("pmd.net.virtio.*", RTE_LOG_CRIT);
    }
    return error;
}

static char *
configure_port(struct vmq_port *port, unsigned int queue_size,
               struct rte_mempool *mp)
{
    struct rte_eth_conf conf = { .intr_conf.lsc = 1 };
    int error;

    error = rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
    for (unsigned int q = 0; !error && q < port->queues; q++) {
        error = rte_eth_rx_queue_setup(port->id, q, queue_size,
                                       rte_socket_id(), NULL, mp);
        if (!error) {
            error = rte_eth_tx_queue_setup(port->id, q, queue_size,
                                           rte_socket_id(), NULL);
        }
    }
    if (!error) {
        error = rte_eth_dev_start(port->id);
        port->started = !error;
    }
    return (error
            ? error_new("%s: port does not start (%s)", port->path,
                        rte_strerror(-error))
            : NULL);
}

static char *
start_port(struct vmq_port *port, size_t index, unsigned int queue_size,
           struct rte_mempool *mp)
{
    const char *path = port->path;
    char name[64];
    char *devargs;
    bool failed;

    if (!port->client) {
        struct stat st;

        if (!lstat(path, &st) && !S_ISSOCK(st.st_mode)) {
            return error_new("%s: exists and is not a socket", path);
        }
        if (vmq_socket_is_live(path)) {
            return error_new("%s: in use by another process", path);
        }
        port->private_path = error_new("%s" PRIVATE_SUFFIX, path);
        path = port->private_path;
        unlink(path);
        port->backend = vmq_backend_start(path);
        if (!port->backend) {
            return error_new("%s: %s", path, strerror(errno));
        }
    }

    snprintf(name, sizeof name, "net_virtio_user%zu", index);
    devargs = error_new("path=%s,server=%d,queues=%u,queue_size=%u,"
                        "mrg_rxbuf=0,in_order=0", path, !port->client,
                        port->queues, queue_size);
    failed = rte_eal_hotplug_add("vdev", name, devargs) != 0;
    free(devargs);
    if (failed) {
        /* DPDK does not say why, other than in its log. */
        return error_new("%s: cannot create a virtio-user port; %s",
                         port->path,
                         port->client ? "does the switch listen there?"
                         : "does the directory exist, and is DPDK's virtio "
                           "driver (librte-net-virtio) installed?");
    }
    if (rte_eth_dev_get_port_by_name(name, &port->id)) {
        return error_new("%s: virtio-user port is missing", port->path);
    }
    return configure_port(port, queue_size, mp);
}

/* Lets go of the stand-ins and puts the sockets where the switch looks for
 * them. */
static char *
publish_ports(struct vmq_port ports[], size_t n_ports)
{
    struct timespec ms = { .tv_nsec = 1000 * 1000 };
    unsigned int settled = 0;

    for (size_t i = 0; i < n_ports; i++) {
        vmq_backend_stop(ports[i].backend);
        ports[i].backend = NULL;
    }

    /* The driver notices a disconnect, and schedules what is to be done about
     * it, more than once.  If the next peer connected in the middle of this,
     * it would be thrown out again. */
    for (int i = 0; i < PUBLISH_MAX_MS && settled < PUBLISH_SETTLE_MS; i++) {
        settled++;
        vmq_ports_run(ports, n_ports);
        for (size_t j = 0; j < n_ports; j++) {
            if (ports[j].up && !ports[j].client) {
                settled = 0;
            }
        }
        nanosleep(&ms, NULL);
    }

    for (size_t i = 0; i < n_ports; i++) {
        struct vmq_port *port = &ports[i];

        port->up = false;
        port->link_downs = 0;
        if (!port->client) {
            if (rename(port->private_path, port->path)) {
                return error_new("%s: %s", port->path, strerror(errno));
            }
            free(port->private_path);
            port->private_path = NULL;
        }
    }
    return NULL;
}

/* Starts DPDK and the 'n_ports' ports, and creates a pool of buffers that is
 * large enough for all their rings.  To be called once.  Whether it succeeds
 * or not, vmq_ports_unpublish() must be called in the end. */
char *
vmq_ports_start(struct vmq_port ports[], size_t n_ports,
                struct vmq_ports_config *config, struct rte_mempool **mpp)
{
    unsigned int n_entries = 0;
    unsigned int n_mbufs;
    char *error;

    for (size_t i = 0; i < n_ports; i++) {
        n_entries += 2 * ports[i].queues * config->queue_size;
    }
    n_mbufs = n_entries + SPARE_MBUFS;
    error = start_eal(config,
                      BASE_MEMORY_MB
                      + (uint64_t) n_mbufs * MBUF_BYTES / (1024 * 1024)
                      + (uint64_t) n_entries * RING_ENTRY_BYTES
                        / (1024 * 1024));
    if (error) {
        return error;
    }
    *mpp = rte_pktmbuf_pool_create("vmq-traffic", n_mbufs, 256, 0,
                                   MBUF_DATA_ROOM, rte_socket_id());
    if (!*mpp) {
        return error_new("no memory for %u packet buffers (%s)", n_mbufs,
                         rte_strerror(rte_errno));
    }
    for (size_t i = 0; !error && i < n_ports; i++) {
        error = start_port(&ports[i], i, config->queue_size, *mpp);
    }
    return error ? error : publish_ports(ports, n_ports);
}

/* Updates which ports are up. */
void
vmq_ports_run(struct vmq_port ports[], size_t n_ports)
{
    for (size_t i = 0; i < n_ports; i++) {
        struct vmq_port *port = &ports[i];
        struct rte_eth_link link = { .link_status = RTE_ETH_LINK_DOWN };
        bool up;

        /* With link interrupts on, this only reads what DPDK's interrupt
         * thread found out.  Without, it would do that thread's work in this
         * one. */
        up = (!rte_eth_link_get_nowait(port->id, &link)
              && link.link_status == RTE_ETH_LINK_UP);
        if (port->up && !up) {
            port->link_downs++;
        }
        port->up = up;
    }
}

/* Removes the sockets.  Nothing else is undone: DPDK's interrupt thread may be
 * in the middle of a reconnection, and a port that is closed under its feet
 * takes the program down with it.  The caller should _exit(); to the switch,
 * this looks like any peer that goes away. */
void
vmq_ports_unpublish(struct vmq_port ports[], size_t n_ports)
{
    for (size_t i = 0; i < n_ports; i++) {
        struct vmq_port *port = &ports[i];

        if (port->private_path) {
            unlink(port->private_path);
        } else if (port->started && !port->client) {
            unlink(port->path);
        }
    }

    /* DPDK leaves it behind, empty. */
    rmdir(rte_eal_get_runtime_dir());
}

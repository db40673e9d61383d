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
#include "vmq-chaos.h"

#include <stdlib.h>

#include "coverage.h"
#include "dpif.h"
#include "dpif-netdev-vmq.h"
#include "dpif-provider.h"
#include "hash.h"
#include "netdev-provider.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "smap.h"
#include "util.h"
#include "vmq-engine.h"

VLOG_DEFINE_THIS_MODULE(vmq_chaos);

/* Time between batches of moves.  A PMD that sleeps looks at its mail each
 * CHAOS_SLEEP_US, so that a batch takes a ms or two.  If this is longer, short
 * tests see few moves. */
#define CHAOS_INTERVAL_MS 10

/* Longest sleep of a PMD without packets.  Less takes CPU time from other
 * tests: at 500 us, an idle PMD uses about 2 % of a CPU. */
#define CHAOS_SLEEP_US "500"

/* PMDs on CPUs of one NUMA node, where the test does not care. */
#define CHAOS_NUMA "0,0,0,0"
#define CHAOS_MASK "f"

/* Returns whether there is to be chaos, and stores the seed in '*seed'. */
static bool
chaos_wanted(uint32_t *seed)
{
    const char *value = getenv("OVS_VMQ_CHAOS");
    unsigned int n;

    if (!value) {
        return false;
    }
    if (!str_to_uint(value, 10, &n)) {
        ovs_fatal(0, "OVS_VMQ_CHAOS=%s: not a number", value);
    }
    *seed = n;
    return true;
}

/* Policy. */

/* Returns a number less than 'n', the next one that follows from 'seed'. */
static uint32_t
chaos_draw(uint32_t seed, uint32_t *n_drawn, uint32_t n)
{
    return hash_2words(seed, (*n_drawn)++) % n;
}

/* Picks moves at random: each queue that can move does so with a probability
 * of one half, to any other PMD of the NUMA node that it is on.  Stores them
 * in 'requests', which must have room for all queues of 's', and whose names
 * are those of 's'.  Returns how many there are. */
size_t
vmq_chaos_pick(const struct vmq_snapshot *s, uint32_t seed, uint32_t *n_drawn,
               struct vmq_request *requests)
{
    size_t n = 0;

    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        const struct vmq_rxq *q = &s->rxqs[i];
        uint32_t n_others = 0, to = VMQ_NONE;

        if (q->pmd == VMQ_NONE || q->mobility != VMQ_DYNAMIC
            || chaos_draw(seed, n_drawn, 2)) {
            continue;
        }
        for (uint32_t j = 0; j < s->n_pmds; j++) {
            if (j != q->pmd && !s->pmds[j].isolated
                && s->pmds[j].numa_id == s->pmds[q->pmd].numa_id
                && !chaos_draw(seed, n_drawn, ++n_others)) {
                to = j;
            }
        }
        if (to != VMQ_NONE) {
            requests[n++] = (struct vmq_request) {
                .port = s->ports[q->port].name,
                .qid = q->qid,
                .core_id = s->pmds[to].core_id,
            };
        }
    }
    return n;
}

/* Datapath. */

/* Of the dummy datapath.  A switch has one. */
struct chaos {
    uint32_t seed;
    uint32_t n_drawn;
    long long int next_ms;
};

static struct chaos chaos;

static long long int
chaos_now_ms(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_MONOTONIC, &ts);
    return timespec_to_msec(&ts);
}

static void
chaos_moved(void *aux OVS_UNUSED, size_t n_moved, const char *error)
{
    VLOG_INFO("%"PRIuSIZE" queues moved at random%s%s", n_moved,
              error ? ": " : "", error ? error : "");
}

static void
chaos_move(struct vmq_engine *engine)
{
    const struct vmq_view *view = vmq_engine_new_view(engine);
    struct vmq_request *requests;
    size_t n;

    if (!view->on || view->n_moving) {
        vmq_engine_put_view(engine, view);
        return;
    }
    vmq_engine_set_paused(engine, true);

    requests = xcalloc(view->raw.n_rxqs, sizeof *requests);
    n = vmq_chaos_pick(&view->raw, chaos.seed, &chaos.n_drawn, requests);
    if (n) {
        char *error = vmq_engine_move(engine, requests, n, chaos_moved, NULL);

        ovs_assert(!error);     /* It is on. */
    }
    /* The names in 'requests' were those of 'view', and have been copied. */
    free(requests);
    vmq_engine_put_view(engine, view);
}

static bool
chaos_run(struct dpif *dpif)
{
    bool changed = dpif_netdev_class.run(dpif);

    if (chaos_now_ms() >= chaos.next_ms) {
        chaos.next_ms = chaos_now_ms() + CHAOS_INTERVAL_MS;
        dpif_netdev_vmq_with_engine(dpif, chaos_move);
    }
    return changed;
}

static void
chaos_wait(struct dpif *dpif)
{
    dpif_netdev_class.wait(dpif);
    /* Such a timer runs even if the test has stopped the time. */
    poll_timer_wait(CHAOS_INTERVAL_MS);
}

static int
chaos_set_config(struct dpif *dpif, const struct smap *other_config)
{
    struct smap config;
    int error;

    smap_clone(&config, other_config);
    smap_add_once(&config, "pmd-cpu-mask", CHAOS_MASK);
    /* Either name, as the version of Open vSwitch calls it.  With both it
     * does not warn of the old one. */
    smap_add_once(&config, "pmd-maxsleep", CHAOS_SLEEP_US);
    smap_add_once(&config, "pmd-sleep-max", CHAOS_SLEEP_US);
    if (chaos.seed) {
        smap_replace(&config, "pmd-vmq", "true");
        smap_replace(&config, "pmd-vmq-interval",
                     OVS_STRINGIZE(CHAOS_INTERVAL_MS));
    }
    error = dpif_netdev_class.set_config(dpif, &config);
    smap_destroy(&config);
    return error;
}

/* To be called with each class of dummy datapaths before it is registered. */
void
vmq_chaos_dummy_dpif_class(struct dpif_class *class)
{
    if (!chaos_wanted(&chaos.seed)) {
        return;
    }
    class->set_config = chaos_set_config;
    if (chaos.seed) {
        class->run = chaos_run;
        class->wait = chaos_wait;
    }
    ovs_numa_set_dummy(CHAOS_NUMA);
}

/* Ports. */

static const struct netdev_class *chaos_dummy_pmd;

/* What "dummy-pmd" says of its queues "dummy" does not. */
static int
chaos_port_get_config(const struct netdev *netdev, struct smap *args)
{
    int error = chaos_dummy_pmd->get_config(netdev, args);

    static const char *const names[] = {
        "n_rxq", "n_txq", "numa_id",                    /* 3.3 and later. */
        "requested_rx_queues", "configured_rx_queues",
        "requested_tx_queues", "configured_tx_queues",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        smap_remove(args, names[i]);
    }
    return error;
}

/* A PMD lets others free memory, which the main thread may wait for, and know
 * what it has counted, each 1,025th time that it polls.  If it sleeps in
 * between that takes half a second or more.  (The former it also does at
 * intervals, but by Open vSwitch's clock, which many tests stop.) */
static int
chaos_port_rxq_recv(struct netdev_rxq *rx, struct dp_packet_batch *batch,
                    int *qfill)
{
    ovsrcu_try_quiesce();
    coverage_try_clear();
    return chaos_dummy_pmd->rxq_recv(rx, batch, qfill);
}

/* Returns the class to register in place of 'dummy': that, or one of the same
 * name that is as 'dummy_pmd', which PMDs poll. */
const struct netdev_class *
vmq_chaos_dummy_port_class(const struct netdev_class *dummy,
                           const struct netdev_class *dummy_pmd)
{
    static struct netdev_class class;
    uint32_t seed;

    if (!chaos_wanted(&seed)) {
        return dummy;
    }
    chaos_dummy_pmd = dummy_pmd;
    class = *dummy_pmd;
    class.type = dummy->type;
    class.get_config = chaos_port_get_config;
    class.rxq_recv = chaos_port_rxq_recv;
    return &class;
}

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


#ifndef VMQ_CHAOS_H
#define VMQ_CHAOS_H 1

/* Chaos: moves receive queues at random.  For tests, dummy datapath only.
 *
 * Motivation
 * ==========
 *
 * Open vSwitch's own tests know nothing of queues that move.  That is what
 * makes them good judges: a test of bonds, tunnels or conntrack must come to
 * the same result while the queues of its ports change their PMDs all the
 * time.  But hardly any of these tests has a queue that could move: their
 * ports are polled by the main thread.
 *
 * What it does
 * ============
 *
 * With OVS_VMQ_CHAOS=SEED in the environment, --enable-dummy makes
 *
 *   - "dummy" ports such that PMDs poll them;
 *   - four CPUs, all of them for PMDs, unless the test says otherwise
 *     (--dummy-numa, pmd-cpu-mask);
 *   - PMDs sleep while there is nothing to do (pmd-maxsleep), since a test
 *     suite that runs several tests at a time has no CPUs for all of theirs;
 *   - pmd-vmq true and pmd-vmq-interval 10, whatever the database says;
 *
 * and, every 10 ms, has half of the queues moved, each to another PMD of its
 * NUMA node.  The moves are those that an operator could ask for with
 * dpif-netdev/vmq-move, and are made in the same way.  The planner, whose
 * loads are next to nothing, is paused.  Each batch is logged, so that one can
 * find out how many moves a test has seen.
 *
 * Time here is that of the machine.  Many tests stop Open vSwitch's.
 *
 * SEED 0 moves nothing and leaves pmd-vmq alone: a test that fails with it
 * fails because of the ports, not because of the moves.
 *
 * Without OVS_VMQ_CHAOS, or without --enable-dummy, nothing is different, and
 * real datapaths are never touched.
 *
 * Thread-safety
 * =============
 *
 * Everything is for the main thread. */

#include <stddef.h>
#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct dpif_class;
struct netdev_class;
struct vmq_request;
struct vmq_snapshot;

void vmq_chaos_dummy_dpif_class(struct dpif_class *);
const struct netdev_class *vmq_chaos_dummy_port_class(
    const struct netdev_class *dummy, const struct netdev_class *dummy_pmd);
size_t vmq_chaos_pick(const struct vmq_snapshot *, uint32_t seed,
                      uint32_t *n_drawn, struct vmq_request *);

#ifdef  __cplusplus
}
#endif

#endif /* vmq-chaos.h */

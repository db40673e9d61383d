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

#ifndef VSWITCHD_VMQ_IFACE_H
#define VSWITCHD_VMQ_IFACE_H 1

/* What dynamic VMQ publishes of an interface in the database.
 *
 * Each function does what the netdev_get_*() function of the same name does,
 * and adds what dynamic VMQ knows of the interface, if it is on:
 *
 *     statistics: vmq_rx_packets    packets of all receive queues
 *                 vmq_busy_cycles   TSC cycles that they took
 *                 vmq_moves         times that queues changed their PMD
 *                 vmq_q<N>_packets, vmq_q<N>_busy_cycles, vmq_q<N>_core
 *                                   the same of queue N, and who polls it
 *     status:     vmq               can its queues be moved, or why not
 *
 * The change sequence number is one for all of the status.
 *
 * Thread-safety
 * =============
 *
 * For the main thread. */

#include <stdint.h>

struct netdev;
struct netdev_custom_stats;
struct smap;

int vmq_iface_get_custom_stats(const struct netdev *,
                               struct netdev_custom_stats *);
int vmq_iface_get_status(const struct netdev *, struct smap *);
uint64_t vmq_iface_get_change_seq(const struct netdev *);

#endif /* vswitchd/vmq-iface.h */

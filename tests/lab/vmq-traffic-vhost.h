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

#ifndef VMQ_TRAFFIC_VHOST_H
#define VMQ_TRAFFIC_VHOST_H 1

/* A stand-in for the switch while a virtio-user port is set up.
 *
 * Motivation
 * ==========
 *
 * A virtio-user device in server mode blocks in its probe, in accept(), until
 * a vhost-user client has connected and has answered.  Open vSwitch retries
 * its connections once a second, one probe can only follow another, and a
 * signal cannot be handled meanwhile: eight ports took eight seconds to come
 * up, and a program started before the switch did nothing at all, not even
 * die.
 *
 * Usage
 * =====
 *
 *     backend = vmq_backend_start(path);
 *     ...probe, configure and start the device that listens on 'path'...
 *     vmq_backend_stop(backend);
 *
 * The stand-in connects to 'path' as soon as something listens there and
 * answers what DPDK 22.11 asks.  It never touches a ring.  When it goes, the
 * device sees its peer disconnect, as it would if the switch was restarted,
 * and accepts the next one.  To be sure that it is the stand-in that gets
 * connected first, the device should listen on a name that the switch does not
 * know, and get its real name by rename() afterward.
 *
 * Limits
 * ======
 *
 * The features that the stand-in offers (VIRTIO_F_VERSION_1, VIRTIO_NET_F_MQ)
 * are the most that the device negotiates with any later peer, and that peer
 * must have them as well.  Every vhost-user backend of DPDK does.
 *
 * Thread-safety
 * =============
 *
 * Each stand-in is a thread of its own, which shares nothing with the others.
 */

struct vmq_backend *vmq_backend_start(const char *path);
void vmq_backend_stop(struct vmq_backend *);

#endif /* vmq-traffic-vhost.h */

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

#ifndef VMQ_TRAFFIC_CONTROL_H
#define VMQ_TRAFFIC_CONTROL_H 1

/* The control channel: lines of text over a Unix domain stream socket.
 *
 * The server never blocks.  It reads what clients sent when
 * vmq_control_run() is called, gives each line to a callback and sends back
 * what that returns, which must be a single line without the newline.  A
 * client that sends a line that is too long, or does not read its replies, is
 * disconnected.
 *
 * Errors are returned as malloc()ed strings, NULL is success.
 *
 * Thread-safety: none, one thread owns a control channel.
 */

#include <stdbool.h>

struct vmq_control;

/* Returns the malloc()ed reply to 'line'. */
typedef char *vmq_control_cb(const char *line, void *aux);

char *vmq_control_open(const char *path, struct vmq_control **);
void vmq_control_run(struct vmq_control *, vmq_control_cb *, void *aux);
void vmq_control_close(struct vmq_control *);

char *vmq_control_ask(const char *path, const char *line, char **reply);

/* Also for other sockets. */
bool vmq_socket_path_ok(const char *path);
bool vmq_socket_is_live(const char *path);

#endif /* vmq-traffic-control.h */

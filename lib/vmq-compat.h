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

#ifndef VMQ_COMPAT_H
#define VMQ_COMPAT_H 1

/* What differs from one series of Open vSwitch to another, for files of ours
 * that are the same for all.
 *
 * VMQ_OVS_SERIES is 100 times the major version plus the minor one, see
 * vmq.mk: 301 for Open vSwitch 3.1. */

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/json.h"
#include "unixctl.h"
#include "util.h"

#ifndef VMQ_OVS_SERIES
#error "VMQ_OVS_SERIES is not defined"
#endif

/* Whether the client of 'conn' wants JSON of any command: "ovs-appctl
 * --format=json", since 3.4. */
static inline bool
vmq_conn_wants_json(struct unixctl_conn *conn OVS_UNUSED)
{
#if VMQ_OVS_SERIES >= 304
    return (unixctl_command_get_output_format(conn)
            == UNIXCTL_OUTPUT_FMT_JSON);
#else
    return false;
#endif
}

/* Replies with 'text', which is JSON if 'is_json': then a client that wants
 * JSON gets it as such, not as a string. */
static inline void
vmq_conn_reply(struct unixctl_conn *conn, const char *text,
               bool is_json OVS_UNUSED)
{
#if VMQ_OVS_SERIES >= 304
    if (is_json && vmq_conn_wants_json(conn)) {
        unixctl_command_reply_json(conn, json_from_string(text));
        return;
    }
#endif
    unixctl_command_reply(conn, text);
}

/* In json.h since 3.6, instead of json_array(). */
#if VMQ_OVS_SERIES < 306
static inline size_t
json_array_size(const struct json *json)
{
    return json_array(json)->n;
}

static inline const struct json *
json_array_at(const struct json *json, size_t index)
{
    return json_array(json)->elems[index];
}
#endif

#endif /* vmq-compat.h */

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


#ifndef VMQ_UNIXCTL_H
#define VMQ_UNIXCTL_H 1

/* The ovs-appctl commands of dynamic VMQ.
 *
 * The datapath registers them, because it knows the datapaths and their locks;
 * what they do and print is here.  The JSON forms are stable: keys may be
 * added, none changes its meaning.
 *
 * Thread-safety: for the main thread. */

#include <stdbool.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct ds;
struct unixctl_conn;
struct vmq_engine;
struct vmq_view;

enum vmq_command_result {
    VMQ_COMMAND_OK,             /* '*reply' is the answer. */
    VMQ_COMMAND_ERROR,          /* '*reply' says what is wrong. */
    VMQ_COMMAND_LATER,          /* 'conn' will be answered, or has been. */
};

struct vmq_command {
    const char *name;           /* "dpif-netdev/vmq-show". */
    const char *usage;
    int min_args, max_args;     /* Without the name, with the datapath's. */
    bool has_json;              /* Whether it can reply with JSON. */

    /* One of these, the other is null.  'argv' has the 'argc' arguments,
     * without name, "--json" and datapath. */
    enum vmq_command_result (*show)(const struct vmq_view *, bool json,
                                    int argc, const char *argv[],
                                    struct ds *reply);
    enum vmq_command_result (*run)(struct vmq_engine *, struct unixctl_conn *,
                                   bool json, int argc, const char *argv[],
                                   struct ds *reply);
};

extern const struct vmq_command vmq_commands[];
extern const int vmq_n_commands;

#ifdef  __cplusplus
}
#endif

#endif /* vmq-unixctl.h */

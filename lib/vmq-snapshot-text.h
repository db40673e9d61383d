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

#ifndef VMQ_SNAPSHOT_TEXT_H
#define VMQ_SNAPSHOT_TEXT_H 1

/* Text form of snapshots, for tests and fuzzing.
 *
 * Syntax
 * ======
 *
 * A line is a keyword and words "KEY=VALUE", all separated by single spaces.
 * Empty lines and those that begin with "#" do not count.  The first line must
 * be
 *
 *     snapshot generation=N now_ms=N window_cycles=N [window_ms=N]
 *              [window_ns=N]
 *
 * (without the line break), then follow any number of these, in any order,
 * except that a line can only refer to lines before it:
 *
 *     pmd core=N numa=N [sibling_group=N] [isolated=B] [parked=B] [busy=N]
 *         [idle=N] [sleep=N] [cpu_ns=N] [stolen=N] [overhead=N] [settling=B]
 *         [evacuating=B]
 *     port number=N name=NAME
 *     rxq port=PORT qid=N pmd=PMD|none numa=N [mobility=WORD] [n_moves=N]
 *         [tunnel_flows=N] [reserve=N] [cycles=N] [packets=N] [polls=N]
 *         [full_batches=N] [backlog=B] [history=N,N...]
 *     flows port=PORT pmd=PMD flows=N
 *
 * N is a decimal number, of which only "numa" can be negative.  B is 0 or 1.
 * PORT and PMD are the index of a "port" or "pmd" line, 0 for the first.  In
 * NAME, each byte other than a printable ASCII character is written as
 * "\xHH", as are the space and the backslash.  What is left out is 0, or
 * "dynamic".
 *
 * Thread-safety
 * =============
 *
 * Nothing here has any state. */

#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the text form of a snapshot, malloc()'d. */
char *vmq_snapshot_format(const struct vmq_snapshot *);

/* Replaces the contents of '*snapshot', which must be initialized, by what
 * 'text' says.  Returns NULL if successful.  Otherwise returns a malloc()'d
 * error message that names the line, and '*snapshot' is empty.
 *
 * Afterward every index is in range.  Other things may be wrong, see
 * vmq_snapshot_valid(). */
char *vmq_snapshot_parse(const char *text, struct vmq_snapshot *snapshot);

#ifdef __cplusplus
}
#endif

#endif /* vmq-snapshot-text.h */

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

#ifndef VMQ_SNAPSHOT_CHECK_H
#define VMQ_SNAPSHOT_CHECK_H 1

/* What a snapshot must be, for tools and tests: is it consistent, are two of
 * them equal?
 *
 * The switch has neither question.  It builds its snapshots itself; what comes
 * from a file or from a test may be anything.
 *
 * Thread-safety
 * =============
 *
 * Nothing here has any state. */

#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns true if a snapshot has the invariants S1 to S4 of vmq-snapshot.h,
 * the last one only if 'windowed'.  Otherwise returns false and, if 'why' is
 * nonnull, stores a malloc()'d explanation in '*why'. */
bool vmq_snapshot_valid(const struct vmq_snapshot *, bool windowed,
                        char **why);

/* Returns true if two snapshots say the same, including order. */
bool vmq_snapshot_equal(const struct vmq_snapshot *,
                        const struct vmq_snapshot *);

#ifdef __cplusplus
}
#endif

#endif /* vmq-snapshot-check.h */

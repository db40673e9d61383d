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
#include "vmq-traffic-onset.h"

/* The rate was set at 'at_ns'. */
void
vmq_onset_begin(struct vmq_onset *onset, uint64_t at_ns)
{
    *onset = (struct vmq_onset) { .at_ns = at_ns };
}

/* A packet that was sent at 'sent_tsc', after the rate was set, has been
 * received at 'now_tsc', which is 'now_ns'.  The ring that it came through was
 * found empty at 'empty_tsc' the last time. */
void
vmq_onset_arrived(struct vmq_onset *onset, uint64_t sent_tsc,
                  uint64_t empty_tsc, uint64_t now_tsc, uint64_t now_ns,
                  double hz)
{
    double limit_s = VMQ_ONSET_LIMIT_US / 1e6;

    if (empty_tsc < sent_tsc || (empty_tsc - sent_tsc) / hz < limit_s) {
        return;
    }
    if (!onset->waited_ns) {
        double age_s = (now_tsc - sent_tsc) / hz;

        onset->waited_ns = now_ns - (age_s - limit_s) * 1e9;
    }
    onset->until_ns = now_ns;
}

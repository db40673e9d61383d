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
#include "vmq-move.h"

/* Element 'value' of 'table', which has 'n'. */
static const char *
vmq_look_up(const char *const table[], unsigned int n, unsigned int value)
{
    return value < n ? table[value] : "unknown";
}

const char *
vmq_verdict_name(enum vmq_verdict verdict)
{
#define VMQ_NAME(VALUE, COUNTER, NAME, TEXT) NAME,
    static const char *const names[] = { VMQ_VERDICTS(VMQ_NAME, VMQ_NAME) };
#undef VMQ_NAME

    return vmq_look_up(names, VMQ_N_VERDICTS, verdict);
}

const char *
vmq_verdict_text(enum vmq_verdict verdict)
{
#define VMQ_TEXT(VALUE, COUNTER, NAME, TEXT) TEXT,
    static const char *const texts[] = { VMQ_VERDICTS(VMQ_TEXT, VMQ_TEXT) };
#undef VMQ_TEXT

    return vmq_look_up(texts, VMQ_N_VERDICTS, verdict);
}

const char *
vmq_reason_name(enum vmq_reason reason)
{
#define VMQ_NAME(VALUE, NAME) NAME,
    static const char *const names[] = { VMQ_REASONS(VMQ_NAME) };
#undef VMQ_NAME

    return vmq_look_up(names, VMQ_N_REASONS, reason);
}

const char *
vmq_outcome_name(enum vmq_outcome outcome)
{
#define VMQ_NAME(VALUE, COUNTER, NAME) NAME,
    static const char *const names[] = { VMQ_OUTCOMES(VMQ_NAME) };
#undef VMQ_NAME

    return vmq_look_up(names, VMQ_N_OUTCOMES, outcome);
}

const char *
vmq_return_name(enum vmq_return ret)
{
#define VMQ_NAME(VALUE, COUNTER, NAME) NAME,
    static const char *const names[] = { VMQ_RETURNS(VMQ_NAME, VMQ_NAME) };
#undef VMQ_NAME

    return vmq_look_up(names, VMQ_N_RETURNS, ret);
}

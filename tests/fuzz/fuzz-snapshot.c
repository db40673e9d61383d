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

/* Fuzzes the text form of snapshots: whatever vmq_snapshot_parse() is given,
 * it either refuses it, with a message and an empty snapshot, or yields one
 * that comes out of format and parse as it went in (S5). */

#include <config.h>

#include "vmq-fuzz.h"
#include "vmq-snapshot-check.h"
#include "vmq-snapshot-text.h"
#include "vmq-snapshot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct vmq_snapshot s, again;
    char *error;

    vmq_snapshot_init(&s);
    vmq_snapshot_init(&again);
    error = vmq_snapshot_parse(text, &s);
    if (error) {
        FUZZ_ASSERT(error[0] && !strchr(error, '\n'));
        FUZZ_ASSERT(vmq_snapshot_equal(&s, &again));
        free(error);
    } else {
        char *formatted = vmq_snapshot_format(&s);
        char *reformatted;

        FUZZ_ASSERT(!vmq_snapshot_parse(formatted, &again));
        FUZZ_ASSERT(vmq_snapshot_equal(&s, &again));
        reformatted = vmq_snapshot_format(&again);
        FUZZ_ASSERT(!strcmp(formatted, reformatted));
        free(reformatted);
        free(formatted);

        for (int windowed = 0; windowed < 2; windowed++) {
            char *why = NULL;

            FUZZ_ASSERT(vmq_snapshot_valid(&s, windowed, &why) == !why);
            free(why);
        }
    }
    vmq_snapshot_destroy(&again);
    vmq_snapshot_destroy(&s);
    free(text);
    return 0;
}

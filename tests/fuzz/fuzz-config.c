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

/* Fuzzes the settings (C1 to C4 in vmq-config.h).  Input is a series of lines
 * "KEY=VALUE"; a line without "=" sets KEY to its default.  They are set one
 * after the other, as a user would who cannot make up his mind. */

#include <config.h>

#include "vmq-config.h"
#include "vmq-fuzz.h"
#include "vmq-util.h"

/* C1 and C4. */
static void
check_config(const struct vmq_config *c)
{
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *s = &vmq_settings[i];
        uint32_t value = vmq_config_get(c, s);

        FUZZ_ASSERT(value >= s->min && value <= s->max);
    }
    FUZZ_ASSERT(vmq_config_pack_target_bp(c) >= 100);
    FUZZ_ASSERT(vmq_config_pack_target_bp(c) < vmq_config_spread_bp(c)
                || vmq_config_spread_bp(c) == 100);
}

/* C3. */
static void
check_format(const struct vmq_config *c, const struct vmq_setting *setting)
{
    struct vmq_config again = *c;
    char *text = vmq_config_format(c, setting);
    char *unit = strchr(text, ' ');

    FUZZ_ASSERT(unit ? !strcmp(unit + 1, setting->unit) : !*setting->unit);
    if (unit) {
        *unit = '\0';
    }
    FUZZ_ASSERT(!vmq_config_set(&again, setting, text));
    FUZZ_ASSERT(!memcmp(c, &again, sizeof again));
    free(text);
}

/* C2. */
static void
check_set(struct vmq_config *c, const struct vmq_setting *setting,
          const char *value)
{
    struct vmq_config before = *c, other;
    char *error = vmq_config_set(c, setting, value);

    vmq_config_init(&other);
    if (error) {
        char *same = vmq_config_set(&other, setting, value);

        FUZZ_ASSERT(error[0] && !strchr(error, '\n'));
        for (const char *p = error; *p; p++) {
            FUZZ_ASSERT(*p >= ' ' && *p <= '~');
        }
        FUZZ_ASSERT(!memcmp(c, &before, sizeof before));
        FUZZ_ASSERT(same);
        free(same);
        free(error);
        return;
    }

    /* Nothing else has changed, and from the defaults the same comes of it. */
    FUZZ_ASSERT(!vmq_config_set(&other, setting, value));
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *s = &vmq_settings[i];
        const struct vmq_config *as = s == setting ? &other : &before;

        FUZZ_ASSERT(vmq_config_get(c, s) == vmq_config_get(as, s));
    }
    check_format(c, setting);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *next;
    struct vmq_config c;

    vmq_config_init(&c);
    check_config(&c);
    for (char *line = text; line; line = next) {
        const struct vmq_setting *setting;
        char *value;

        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        value = strchr(line, '=');
        if (value) {
            *value++ = '\0';
        }
        setting = vmq_setting_find(line);
        if (setting) {
            FUZZ_ASSERT(!strcmp(setting->key, line));
            check_set(&c, setting, value);
            check_config(&c);
        }
    }
    free(text);
    return 0;
}

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

#ifndef VMQ_FUZZ_H
#define VMQ_FUZZ_H 1

/* What the fuzz targets have in common.
 *
 * A target is built by tests/fuzz/run-fuzz with libFuzzer and run for some
 * seconds, beginning with the files in tests/corpus/.  An input that makes one
 * fail belongs there, once what it shows has been mended: with
 * tests/fuzz/replay.c these files are run wherever there is a compiler. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmq-config.h"
#include "vmq-util.h"

/* Not assert(), which NDEBUG would turn off. */
#define FUZZ_ASSERT(COND) \
    do { \
        if (!(COND)) { \
            fprintf(stderr, "%s:%d: %s does not hold\n", \
                    __FILE__, __LINE__, #COND); \
            abort(); \
        } \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns 'data' as a string, malloc()'d. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
    char *s = vmq_xcalloc(size + 1, 1);

    memcpy(s, data, size);
    return s;
}

/* Is 's', an error message, one line of printable text? */
static inline void
fuzz_check_line(const char *s)
{
    FUZZ_ASSERT(s[0]);
    for (; *s; s++) {
        FUZZ_ASSERT(*s >= ' ' && *s <= '~');
    }
}

/* Returns the name of a file, always the same one, that holds 'data' now. */
static inline const char *
fuzz_file(const void *data, size_t size)
{
    static char name[32];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        FUZZ_ASSERT(fd >= 0);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    }
    FUZZ_ASSERT(!ftruncate(fd, 0));
    FUZZ_ASSERT(pwrite(fd, data, size, 0) == (ssize_t) size);
    return name;
}

/* One byte for each setting, in the order of their table: 0 to 127 for the
 * least values, from 128 on for those up to the greatest.  A space, as at the
 * beginning of a text, means the default. */
#define FUZZ_CONFIG_SIZE 16

static inline void
fuzz_config(const uint8_t data[FUZZ_CONFIG_SIZE], struct vmq_config *config)
{
    vmq_config_init(config);
    for (size_t i = 0; i < vmq_n_settings && i < FUZZ_CONFIG_SIZE; i++) {
        const struct vmq_setting *s = &vmq_settings[i];
        uint64_t range = s->max - s->min;
        uint64_t value = (data[i] < 128 ? data[i]
                          : range * (data[i] - 127) / 128);

        if (data[i] != ' ') {
            char *text = (s->type == VMQ_SETTING_BOOL
                          ? vmq_xstrdup(value % 2 ? "true" : "false")
                          : vmq_xasprintf("%u", (uint32_t)
                                          (s->min + (value < range ? value
                                                     : range))));

            FUZZ_ASSERT(!vmq_config_set(config, s, text));
            free(text);
        }
    }
}

#endif /* vmq-fuzz.h */

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

/* Runs a fuzz target on the files named as arguments, once each, as libFuzzer
 * would do it with -runs=0.  This is for compilers that have no libFuzzer. */

#include <config.h>

#include <errno.h>

#include "vmq-fuzz.h"

static void
replay(const char *name)
{
    FILE *file = fopen(name, "rb");
    uint8_t *data = NULL;
    size_t size = 0;
    int c;

    if (!file) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        exit(EXIT_FAILURE);
    }
    fprintf(stderr, "%s\n", name);
    while ((c = getc(file)) != EOF) {
        /* Exactly as much, so that what is read beyond it is noticed. */
        data = vmq_xrealloc(data, size + 1, 1);
        data[size++] = c;
    }
    if (ferror(file)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        exit(EXIT_FAILURE);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int
main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

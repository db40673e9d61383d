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

/* Fuzzes what "ovs-vmq-sim --from-snapshot" reads, the recorded output of
 * dpif-netdev/vmq-show --json.  The input is that; the first byte, if it is
 * one that no JSON begins with, says which setting has another value.
 * Asserted:
 *
 *   - an error is one line of printable text that begins with the name of the
 *     file, and nothing has been printed;
 *   - otherwise the JSON printed is JSON, has a judgement for each PMD of the
 *     input, and each move is of a queue of the input, from the core that
 *     polls it there to another core of the input, and no queue moves twice;
 *   - text is printed for the same input, with one more line for each move and
 *     each PMD;
 *   - reading it again prints the same. */

#include <config.h>

#include <jansson.h>

#include "vmq-fuzz.h"
#include "vmq-sim-explain.h"

/* Explains.  Returns what is printed, malloc()'d. */
static char *
explain(const char *name, const struct sim_override *override, bool json,
        char **error)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);

    FUZZ_ASSERT(file);
    *error = sim_explain(name, override, override->setting != NULL, json,
                         file);
    FUZZ_ASSERT(!fclose(file));
    return text;
}

static const json_t *
member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    FUZZ_ASSERT(value);
    return value;
}

static bool
has_core(const json_t *pmds, const json_t *core)
{
    for (size_t i = 0; i < json_array_size(pmds); i++) {
        if (json_equal(member(json_array_get(pmds, i), "core"), core)) {
            return true;
        }
    }
    return false;
}

/* Returns the queue that 'move' moves. */
static const json_t *
find_rxq(const json_t *rxqs, const json_t *move)
{
    for (size_t i = 0; i < json_array_size(rxqs); i++) {
        const json_t *rxq = json_array_get(rxqs, i);

        if (json_equal(member(rxq, "port"), member(move, "port"))
            && json_equal(member(rxq, "queue"), member(move, "queue"))) {
            return rxq;
        }
    }
    return NULL;
}

static void
check_explained(const json_t *shown, const json_t *explained)
{
    const json_t *pmds = member(shown, "pmds");
    const json_t *rxqs = member(shown, "rxqs");
    const json_t *moves = member(explained, "moves");

    FUZZ_ASSERT(json_array_size(member(explained, "pmds"))
                == json_array_size(pmds));
    for (size_t i = 0; i < json_array_size(moves); i++) {
        const json_t *move = json_array_get(moves, i);
        const json_t *rxq = find_rxq(rxqs, move);

        FUZZ_ASSERT(rxq);
        FUZZ_ASSERT(json_equal(member(rxq, "core"), member(move, "from")));
        FUZZ_ASSERT(has_core(pmds, member(move, "to")));
        FUZZ_ASSERT(!json_equal(member(move, "from"), member(move, "to")));
        for (size_t k = 0; k < i; k++) {
            FUZZ_ASSERT(find_rxq(rxqs, json_array_get(moves, k)) != rxq);
        }
    }
}

static size_t
count_newlines(const char *s)
{
    size_t n = 0;

    for (; *s; s++) {
        n += *s == '\n';
    }
    return n;
}

/* Returns the number of lines of 'text', not counting those that are in the
 * names that it bears. */
static size_t
count_lines_but(const char *text, const json_t *shown,
                const json_t *explained)
{
    size_t n = count_newlines(text);
    const json_t *moves = member(explained, "moves");
    const json_t *pmds = member(explained, "pmds");

    n -= count_newlines(json_string_value(member(shown, "datapath")));
    for (size_t i = 0; i < json_array_size(moves); i++) {
        n -= count_newlines(json_string_value(
            member(json_array_get(moves, i), "port")));
    }
    for (size_t i = 0; i < json_array_size(pmds); i++) {
        const json_t *considered = member(json_array_get(pmds, i),
                                          "considered");

        if (!json_is_null(considered)) {
            n -= count_newlines(json_string_value(member(considered,
                                                         "port")));
        }
    }
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_override override = { .setting = NULL };
    char *error, *again, *json, *text;
    const char *name;

    if (size && data[0] >= 'A' && data[0] < 'A' + vmq_n_settings) {
        override.setting = &vmq_settings[data[0] - 'A'];
        override.value = data[0] % 2 ? "1" : "true";
        data++;
        size--;
    }
    name = fuzz_file(data, size);

    json = explain(name, &override, true, &error);
    text = explain(name, &override, false, &again);
    FUZZ_ASSERT(!error == !again);
    if (error) {
        fuzz_check_line(error);
        FUZZ_ASSERT(!strncmp(error, name, strlen(name)));
        FUZZ_ASSERT(error[strlen(name)] == ':');
        FUZZ_ASSERT(!strcmp(error, again));
        FUZZ_ASSERT(!*json && !*text);
        free(again);
    } else {
        json_t *shown = json_load_file(name, 0, NULL);
        json_t *explained = json_loads(json, 0, NULL);
        char *same = explain(name, &override, true, &again);

        FUZZ_ASSERT(shown && explained && !again);
        check_explained(shown, explained);
        FUZZ_ASSERT(count_lines_but(text, shown, explained)
                    == 1 + json_array_size(member(explained, "moves"))
                       + json_array_size(member(explained, "pmds")));
        FUZZ_ASSERT(!strcmp(json, same));
        free(same);
        json_decref(explained);
        json_decref(shown);
    }
    free(error);
    free(text);
    free(json);
    return 0;
}

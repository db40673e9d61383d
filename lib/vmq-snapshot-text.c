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
#include "vmq-snapshot-text.h"

#include <inttypes.h>
#include <stdio.h>

#include "vmq-util.h"

enum field_type {
    FIELD_BOOL,                 /* bool: 0 or 1. */
    FIELD_U32,                  /* uint32_t. */
    FIELD_S32,                  /* int32_t. */
    FIELD_U64,                  /* uint64_t. */
    FIELD_PORT,                 /* uint32_t: the number of a port line. */
    FIELD_PMD,                  /* uint32_t: the number of a pmd line. */
    FIELD_ANY_PMD,              /* uint32_t: that, or "none". */
    FIELD_MOBILITY,             /* enum vmq_mobility: its name. */
    FIELD_NAME,                 /* char *: bytes, some as \xHH. */
    FIELD_HISTORY               /* In struct vmq_rxq: comma-separated. */
};

/* A word of a line.  Words with a value of 0 may be left out unless they are
 * required.  (The names are in the table itself, so that it needs no
 * relocation and is truly constant.) */
struct field {
    char key[14];
    bool required;
    uint8_t type;
    size_t offset;
};

#define MAX_FIELDS 15

enum line_type {
    LINE_SNAPSHOT,
    LINE_PMD,
    LINE_PORT,
    LINE_RXQ,
    LINE_FLOWS,
    N_LINE_TYPES
};

struct line {
    char keyword[10];
    struct field fields[MAX_FIELDS];    /* Up to one without a key. */
};

#define FIELD(KEY, REQUIRED, TYPE, STRUCT, MEMBER) \
    { KEY, REQUIRED, FIELD_##TYPE, offsetof(struct STRUCT, MEMBER) }
#define END { "", false, 0, 0 }

static const struct line lines[N_LINE_TYPES] = {
    { "snapshot",
      { FIELD("generation", true, U64, vmq_snapshot, generation),
        FIELD("now_ms", true, U64, vmq_snapshot, now_ms),
        FIELD("window_ms", false, U64, vmq_snapshot, window_ms),
        FIELD("window_cycles", true, U64, vmq_snapshot, window_cycles),
        FIELD("window_ns", false, U64, vmq_snapshot, window_ns),
        END } },
    { "pmd",
      { FIELD("core", true, U32, vmq_pmd, core_id),
        FIELD("numa", true, S32, vmq_pmd, numa_id),
        FIELD("sibling_group", false, U32, vmq_pmd, sibling_group),
        FIELD("isolated", false, BOOL, vmq_pmd, isolated),
        FIELD("parked", false, BOOL, vmq_pmd, parked),
        FIELD("edge", false, BOOL, vmq_pmd, edge),
        FIELD("busy", false, U64, vmq_pmd, busy_cycles),
        FIELD("idle", false, U64, vmq_pmd, idle_cycles),
        FIELD("sleep", false, U64, vmq_pmd, sleep_cycles),
        FIELD("cpu_ns", false, U64, vmq_pmd, cpu_ns),
        FIELD("stolen", false, U64, vmq_pmd, stolen_cycles),
        FIELD("overhead", false, U64, vmq_pmd, overhead_cycles),
        FIELD("settling", false, BOOL, vmq_pmd, settling),
        FIELD("evacuating", false, BOOL, vmq_pmd, evacuating),
        END } },
    { "port",
      { FIELD("number", true, U32, vmq_port, port_no),
        FIELD("name", true, NAME, vmq_port, name),
        END } },
    { "rxq",
      { FIELD("port", true, PORT, vmq_rxq, port),
        FIELD("qid", true, U32, vmq_rxq, qid),
        FIELD("pmd", true, ANY_PMD, vmq_rxq, pmd),
        FIELD("numa", true, S32, vmq_rxq, numa_id),
        FIELD("mobility", false, MOBILITY, vmq_rxq, mobility),
        FIELD("n_moves", false, U32, vmq_rxq, n_moves),
        FIELD("tunnel_flows", false, U32, vmq_rxq, tunnel_flows),
        FIELD("reserve", false, U32, vmq_rxq, reserve_bp),
        FIELD("cycles", false, U64, vmq_rxq, cycles),
        FIELD("packets", false, U64, vmq_rxq, packets),
        FIELD("polls", false, U64, vmq_rxq, polls),
        FIELD("full_batches", false, U64, vmq_rxq, full_batches),
        FIELD("backlog", false, BOOL, vmq_rxq, backlog),
        FIELD("history", false, HISTORY, vmq_rxq, n_history),
        END } },
    { "flows",
      { FIELD("port", true, PORT, vmq_port_pmd, port),
        FIELD("pmd", true, PMD, vmq_port_pmd, pmd),
        FIELD("flows", true, U32, vmq_port_pmd, flows),
        END } },
};

/* Formatting. */

static void
put_name(FILE *stream, const char *name)
{
    for (; *name; name++) {
        unsigned char c = *name;

        fprintf(stream, c > ' ' && c <= '~' && c != '\\' ? "%c" : "\\x%02x",
                c);
    }
}

/* Returns the value of 'field', which must be a number, in 'element'. */
static uint64_t
field_get(const struct field *field, const void *element)
{
    const char *p = (const char *) element + field->offset;
    uint64_t u64;
    uint32_t u32;
    bool b;

    switch (field->type) {
    case FIELD_BOOL:
        memcpy(&b, p, sizeof b);
        return b;
    case FIELD_U64:
        memcpy(&u64, p, sizeof u64);
        return u64;
    default:
        memcpy(&u32, p, sizeof u32);
        return u32;
    }
}

static void
put_field(FILE *stream, const struct field *field, const void *element)
{
    const struct vmq_rxq *rxq = element;
    const struct vmq_port *port = element;

    if (field->type == FIELD_NAME) {
        fprintf(stream, " %s=", field->key);
        put_name(stream, port->name);
        return;
    }

    uint64_t value = field_get(field, element);

    if (!value && !field->required) {
        return;
    }
    fprintf(stream, " %s=", field->key);
    if (field->type == FIELD_S32) {
        fprintf(stream, "%"PRId32, (int32_t) value);
    } else if (field->type == FIELD_ANY_PMD && value == VMQ_NONE) {
        fputs("none", stream);
    } else if (field->type == FIELD_MOBILITY) {
        fputs(vmq_mobility_to_string(rxq->mobility), stream);
    } else if (field->type == FIELD_HISTORY) {
        for (uint32_t i = 0; i < value && i < VMQ_HISTORY_SLOTS; i++) {
            fprintf(stream, i ? ",%"PRIu16 : "%"PRIu16, rxq->history_bp[i]);
        }
    } else {
        fprintf(stream, "%"PRIu64, value);
    }
}

static void
put_line(FILE *stream, enum line_type type, const void *element)
{
    const struct line *line = &lines[type];

    fputs(line->keyword, stream);
    for (const struct field *field = line->fields; field->key[0]; field++) {
        put_field(stream, field, element);
    }
    fputs("\n", stream);
}

char *
vmq_snapshot_format(const struct vmq_snapshot *snapshot)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    if (!stream) {
        abort();
    }
    put_line(stream, LINE_SNAPSHOT, snapshot);
    for (uint32_t i = 0; i < snapshot->n_pmds; i++) {
        put_line(stream, LINE_PMD, &snapshot->pmds[i]);
    }
    for (uint32_t i = 0; i < snapshot->n_ports; i++) {
        put_line(stream, LINE_PORT, &snapshot->ports[i]);
    }
    for (uint32_t i = 0; i < snapshot->n_rxqs; i++) {
        put_line(stream, LINE_RXQ, &snapshot->rxqs[i]);
    }
    for (uint32_t i = 0; i < snapshot->n_port_pmds; i++) {
        put_line(stream, LINE_FLOWS, &snapshot->port_pmds[i]);
    }
    if (fclose(stream)) {
        abort();
    }
    return text;
}

/* Parsing. */

/* Parses the decimal number in the 'n' bytes at 's'.  Returns false if there
 * is anything else in them or the number is over 'max'. */
static bool
parse_number(const char *s, size_t n, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (unsigned char) s[i] - (unsigned int) '0';

        if (digit > 9 || *number > UINT64_MAX / 10
            || *number * 10 > UINT64_MAX - digit) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return n && *number <= max;
}

static int
hex_value(char c)
{
    return (c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
            : -1);
}

/* Returns the name that the 'n' bytes at 's' stand for, malloc()'d, or NULL if
 * they do not stand for one. */
static char *
parse_name(const char *s, size_t n)
{
    char *name = vmq_xrealloc(NULL, n + 1, 1);
    size_t length = 0;
    size_t i = 0;

    while (i < n) {
        unsigned char c = s[i++];

        if (c == '\\') {
            int high = n - i >= 3 && s[i] == 'x' ? hex_value(s[i + 1]) : -1;
            int low = high >= 0 ? hex_value(s[i + 2]) : -1;

            if (low < 0 || !(high || low)) {
                free(name);
                return NULL;
            }
            c = high * 16 + low;
            i += 3;
        } else if (c < ' ' || c > '~') {
            free(name);
            return NULL;
        }
        name[length++] = c;
    }
    name[length] = '\0';
    return name;
}

static bool
parse_history(const char *s, size_t n, struct vmq_rxq *rxq)
{
    const char *end = s + n;

    for (;;) {
        const char *comma = memchr(s, ',', end - s);
        uint64_t number;

        if (rxq->n_history >= VMQ_HISTORY_SLOTS
            || !parse_number(s, (comma ? comma : end) - s, UINT16_MAX,
                             &number)) {
            return false;
        }
        rxq->history_bp[rxq->n_history++] = number;
        if (!comma) {
            return true;
        }
        s = comma + 1;
    }
}

static bool
parse_mobility(const char *s, size_t n, enum vmq_mobility *mobility)
{
    for (unsigned int i = 0; i <= VMQ_UNSUPPORTED; i++) {
        const char *name = vmq_mobility_to_string(i);

        if (strlen(name) == n && !memcmp(s, name, n)) {
            *mobility = i;
            return true;
        }
    }
    return false;
}

static bool
parse_field(const struct vmq_snapshot *snapshot, const struct field *field,
            const char *s, size_t n, void *element)
{
    char *p = (char *) element + field->offset;
    struct vmq_rxq *rxq = element;
    struct vmq_port *port = element;
    bool negative = false;
    uint64_t max = UINT32_MAX;
    uint64_t number;

    switch (field->type) {
    case FIELD_NAME:
        free(port->name);
        port->name = parse_name(s, n);
        return port->name != NULL;
    case FIELD_HISTORY:
        return parse_history(s, n, rxq);
    case FIELD_MOBILITY:
        return parse_mobility(s, n, &rxq->mobility);
    case FIELD_BOOL:
        max = 1;
        break;
    case FIELD_U64:
        max = UINT64_MAX;
        break;
    case FIELD_S32:
        negative = n && s[0] == '-';
        max = (uint64_t) INT32_MAX + negative;
        break;
    case FIELD_PORT:
        max = snapshot->n_ports ? snapshot->n_ports - 1 : 0;
        break;
    case FIELD_ANY_PMD:
        if (n == 4 && !memcmp(s, "none", 4)) {
            rxq->pmd = VMQ_NONE;
            return true;
        }
        /* Fall through. */
    case FIELD_PMD:
        max = snapshot->n_pmds ? snapshot->n_pmds - 1 : 0;
        break;
    case FIELD_U32:
    default:
        break;
    }
    if (!parse_number(s + negative, n - negative, max, &number)
        || (field->type == FIELD_PORT && !snapshot->n_ports)
        || ((field->type == FIELD_PMD || field->type == FIELD_ANY_PMD)
            && !snapshot->n_pmds)) {
        return false;
    }

    uint32_t u32 = negative ? 0 - (uint32_t) number : number;
    bool b = number;

    switch (field->type) {
    case FIELD_BOOL:
        memcpy(p, &b, sizeof b);
        break;
    case FIELD_U64:
        memcpy(p, &number, sizeof number);
        break;
    default:
        memcpy(p, &u32, sizeof u32);
        break;
    }
    return true;
}

/* Parses the words of a line, from 's' to 'end', into 'element'.  Returns NULL
 * if successful, otherwise a malloc()'d error message. */
static char *
parse_words(const struct vmq_snapshot *snapshot, const struct line *line,
            const char *s, const char *end, void *element)
{
    unsigned int seen = 0;

    while (s < end) {
        const char *word_end = memchr(s, ' ', end - s);
        size_t n = (word_end ? word_end : end) - s;
        const char *equals = memchr(s, '=', n);
        const struct field *field = line->fields;

        if (!equals) {
            return vmq_xstrdup("\"key=value\" expected");
        }
        while (field->key[0] && (strlen(field->key) != equals - s
                                 || memcmp(field->key, s, equals - s))) {
            field++;
        }
        if (!field->key[0]) {
            return vmq_xasprintf("unknown key in a \"%s\" line",
                                 line->keyword);
        } else if (seen & 1u << (field - line->fields)) {
            return vmq_xasprintf("second \"%s\"", field->key);
        }
        seen |= 1u << (field - line->fields);
        if (!parse_field(snapshot, field, equals + 1, s + n - (equals + 1),
                         element)) {
            return vmq_xasprintf("bad value of \"%s\"", field->key);
        }
        s += n + 1;
    }
    for (const struct field *field = line->fields; field->key[0]; field++) {
        if (field->required && !(seen & 1u << (field - line->fields))) {
            return vmq_xasprintf("no \"%s\"", field->key);
        }
    }
    return NULL;
}

/* Appends an element of the kind that 'type' lines describe and returns it. */
static void *
add_element(struct vmq_snapshot *snapshot, enum line_type type)
{
    uint32_t i;

    switch (type) {
    case LINE_PMD:
        i = vmq_snapshot_add_pmd(snapshot, 0, 0);
        return &snapshot->pmds[i];
    case LINE_PORT:
        i = vmq_snapshot_add_port(snapshot, "", 0);
        return &snapshot->ports[i];
    case LINE_RXQ:
        i = vmq_snapshot_add_rxq(snapshot, 0, 0, 0, 0);
        return &snapshot->rxqs[i];
    case LINE_FLOWS:
        vmq_snapshot_add_port_pmd(snapshot, 0, 0, 0);
        return &snapshot->port_pmds[snapshot->n_port_pmds - 1];
    case LINE_SNAPSHOT:
    case N_LINE_TYPES:
    default:
        return snapshot;
    }
}

static char *
parse_line(struct vmq_snapshot *snapshot, const char *s, const char *end,
           bool *begun)
{
    const char *space = memchr(s, ' ', end - s);
    size_t n = (space ? space : end) - s;
    enum line_type type = LINE_SNAPSHOT;

    while (type < N_LINE_TYPES && (strlen(lines[type].keyword) != n
                                   || memcmp(lines[type].keyword, s, n))) {
        type++;
    }
    if (type == N_LINE_TYPES) {
        return vmq_xstrdup("does not begin with \"snapshot\", \"pmd\", "
                           "\"port\", \"rxq\" or \"flows\"");
    } else if ((type == LINE_SNAPSHOT) == *begun) {
        return vmq_xstrdup(*begun ? "second \"snapshot\""
                           : "\"snapshot\" expected first");
    }
    *begun = true;
    return parse_words(snapshot, &lines[type], space ? space + 1 : end, end,
                       add_element(snapshot, type));
}

char *
vmq_snapshot_parse(const char *text, struct vmq_snapshot *snapshot)
{
    bool begun = false;
    char *error = NULL;

    vmq_snapshot_destroy(snapshot);
    for (unsigned int number = 1; *text && !error; number++) {
        const char *end = text + strcspn(text, "\n");

        if (end > text && *text != '#') {
            error = parse_line(snapshot, text, end, &begun);
        }
        if (error) {
            char *message = vmq_xasprintf("line %u: %s", number, error);

            free(error);
            error = message;
        }
        text = *end ? end + 1 : end;
    }
    if (!error && !begun) {
        error = vmq_xstrdup("no \"snapshot\" line");
    }
    if (error) {
        vmq_snapshot_destroy(snapshot);
    }
    return error;
}

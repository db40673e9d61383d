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

#ifndef VMQ_FIELDS_H
#define VMQ_FIELDS_H 1

/* Fields: one table says what a command shows, in text and in JSON.
 *
 * Motivation
 * ==========
 *
 * A command that prints text and JSON by hand says everything twice, and one
 * of the two forgets what the other shows.  So a table has a line for each
 * field: its member in JSON, its column or phrase in text, how it is to be
 * formatted, and where in a structure, the "row", it is.
 *
 * Usage
 * =====
 *
 *     struct pmd_row {
 *         uint32_t core;
 *         bool known;
 *         uint32_t load_bp;
 *     };
 *     #define AT(MEMBER) VMQ_AT(struct pmd_row, MEMBER)
 *     #define IF(MEMBER) VMQ_IF(struct pmd_row, MEMBER)
 *     static const struct vmq_field pmd_fields[] = {
 *         { "core",    "core", 4, VMQ_FIELD_UINT, AT(core) },
 *         { "load_bp", "load", 6, VMQ_FIELD_BP, AT(load_bp), IF(known) },
 *         VMQ_FIELDS_END
 *     };
 *
 *     vmq_fields_put_heading(pmd_fields, reply);        core    load
 *     vmq_fields_put_columns(pmd_fields, &row, reply);     2    75 %
 *
 *     vmq_json_init(&json, reply);
 *     vmq_json_put_object(&json, pmd_fields, &row);
 *     vmq_json_end(&json);
 *
 * In a sentence, 'text' is a phrase, in which "%s" stands for the value:
 *
 *     { "core",    "core %s",   0, VMQ_FIELD_UINT, AT(core) },
 *     { "load_bp", ": load %s", 0, VMQ_FIELD_BP, AT(load_bp), IF(known) },
 *
 *     vmq_fields_put_sentence(pmd_fields, &row, reply);    core 2: load 75 %
 *
 * JSON
 * ====
 *
 * Members are in the order of their names.  Each is on a line of its own, and
 * so is each element of an array, all of it: a line of grep's is a queue, and
 * it is 28 % shorter than what json_to_string() writes with JSSF_PRETTY.  With
 * 2,048 queues the length matters: what does not fit into the socket takes
 * another iteration of the main thread for each piece.
 *
 * It is written at once, because the tree that lib/json.h needs is what took
 * most of the time: for 2,048 queues 20 ms, 3 of them in json_object_put(),
 * the others in what malloc() and free() make of 130,000 small pieces.
 *
 * Thread-safety
 * =============
 *
 * The functions have no state. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef  __cplusplus
extern "C" {
#endif

struct ds;
struct vmq_json;

enum vmq_field_type {           /* In the row        Text       JSON */
    VMQ_FIELD_UINT,             /* uintN_t           1234       1234 */
    VMQ_FIELD_INT,              /* intN_t            -1         -1 */
    VMQ_FIELD_BP,               /* uintN_t           12 %       1234 */
    VMQ_FIELD_THOUSANDTHS,      /* [u]intN_t         1.2        1234 */
    VMQ_FIELD_THOUSANDS,        /* uintN_t           1          1234 */
    VMQ_FIELD_TIME,             /* int64_t           UTC        1234 */
    VMQ_FIELD_BOOL,             /* bool              the phrase true */
    VMQ_FIELD_STRING,           /* const char *      abc        "abc" */
    VMQ_FIELD_SHARES,           /* struct vmq_shares            [ 12, 34 ] */
    VMQ_FIELD_CHANGE,           /* struct vmq_change 12 > 34 % */
    VMQ_FIELD_OBJECT,           /* const void *      sentence   { ... } */
    VMQ_FIELD_CALL,             /* const void *                 as called */
};

struct vmq_shares {
    const uint16_t *bp;
    uint32_t n;
};

struct vmq_change {
    uint32_t before_bp, after_bp;
};

struct vmq_field {
    const char *member;         /* Of the JSON object.  Null: only in text. */
    const char *text;           /* Heading or phrase.  Null: only in JSON. */
    int width;                  /* Of the value; negative: left-aligned. */
    enum vmq_field_type type;
    size_t offset, size;        /* Of the value in the row: VMQ_AT(). */

    /* Optional members of the row: VMQ_IF(). */
    size_t known;               /* A bool: if false there is no value, which
                                 * is null, "-", or no phrase.  Strings and
                                 * objects can be null as well. */
    size_t more;                /* A const char *, appended in text. */
    bool omit;                  /* An unknown one is not null, but missing. */

    const struct vmq_field *object;     /* VMQ_FIELD_OBJECT: its fields. */
    void (*call)(struct vmq_json *, const void *);      /* VMQ_FIELD_CALL. */
};

#define VMQ_AT(ROW, MEMBER) \
    .offset = offsetof(ROW, MEMBER), .size = sizeof ((ROW *) 0)->MEMBER
#define VMQ_IF(ROW, MEMBER) .known = offsetof(ROW, MEMBER) + 1
#define VMQ_MORE(ROW, MEMBER) .more = offsetof(ROW, MEMBER) + 1
#define VMQ_FIELDS_END { .member = NULL, .text = NULL }

/* Text. */
void vmq_fields_put_heading(const struct vmq_field[], struct ds *);
void vmq_fields_put_columns(const struct vmq_field[], const void *row,
                            struct ds *);
void vmq_fields_put_sentence(const struct vmq_field[], const void *row,
                             struct ds *);

/* JSON.  A table must not change before vmq_json_end(). */
void vmq_json_init(struct vmq_json *, struct ds *);
void vmq_json_end(struct vmq_json *);
void vmq_json_put_object(struct vmq_json *, const struct vmq_field[],
                         const void *row);
void vmq_json_begin_array(struct vmq_json *);
void vmq_json_end_array(struct vmq_json *);

/* For vmq-fields.c only. */
#define VMQ_MAX_FIELDS 48
#define VMQ_MAX_TABLES 16
struct vmq_json {
    struct ds *ds;
    int depth;                  /* Of indentation. */
    bool in_array;              /* A value is an element... */
    bool first;                 /* ...the first one. */
    bool on_one_line;           /* It is part of an element. */

    /* The members of each table that was used, in order. */
    struct vmq_json_table {
        const struct vmq_field *fields;
        uint32_t n;
        uint8_t order[VMQ_MAX_FIELDS];
        uint8_t length[VMQ_MAX_FIELDS];     /* Of the names, in order. */
    } tables[VMQ_MAX_TABLES];
    uint32_t n_tables;
};

#ifdef  __cplusplus
}
#endif

#endif /* vmq-fields.h */

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

/* Tables of fields: what each type is in text and in JSON, and that the JSON
 * is what lib/json.c would have written, with lines where they belong. */

#include <config.h>
#undef NDEBUG
#include "vmq-compat.h"
#include "vmq-fields.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "ovstest.h"
#include "util.h"

/* Something with a value of each type. */
struct row {
    const char *name, *more, *nothing;
    uint8_t byte;
    uint16_t word;
    uint32_t number;
    uint64_t huge;
    int32_t below;
    int64_t far_below, when_ms;
    bool yes, no;
    struct vmq_change change;
    struct vmq_shares shares, no_shares;
    const struct row *child, *self;
    size_t n_called;
    const struct vmq_field *called;     /* As what. */
};

static void put_called(struct vmq_json *, const void *row);

#define AT(MEMBER) VMQ_AT(struct row, MEMBER)
#define IF(MEMBER) VMQ_IF(struct row, MEMBER)
#define MORE(MEMBER) VMQ_MORE(struct row, MEMBER)
static const struct vmq_field child_fields[] = {
    { "name", "child %s", 0, VMQ_FIELD_STRING, AT(name) },
    { "byte", " has %s", 3, VMQ_FIELD_UINT, AT(byte) },
    { "a", NULL, 0, VMQ_FIELD_BOOL, AT(yes) },
    VMQ_FIELDS_END
};

static const struct vmq_field fields[] = {
    { "name", "name", -8, VMQ_FIELD_STRING, AT(name), MORE(more) },
    { "byte", "b", 3, VMQ_FIELD_UINT, AT(byte) },
    { "word", "share", 6, VMQ_FIELD_BP, AT(word) },
    { "number", NULL, 0, VMQ_FIELD_UINT, AT(number) },
    { "huge", "us", 4, VMQ_FIELD_THOUSANDS, AT(huge) },
    { "below", "milli", 8, VMQ_FIELD_THOUSANDTHS, AT(below), MORE(more) },
    { "far_below", "int", 5, VMQ_FIELD_INT, AT(far_below) },
    { "when_ms", "when", -23, VMQ_FIELD_TIME, AT(when_ms) },
    { NULL, "change", 12, VMQ_FIELD_CHANGE, AT(change) },
    { "known", "known", 5, VMQ_FIELD_UINT, AT(number), IF(yes) },
    { "unknown", "unknown", 7, VMQ_FIELD_UINT, AT(number), IF(no) },
    { "missing", NULL, 0, VMQ_FIELD_UINT, AT(number), IF(no), .omit = true },
    { "twice", NULL, 0, VMQ_FIELD_UINT, AT(number), IF(no), .omit = true },
    { "twice", NULL, 0, VMQ_FIELD_BOOL, AT(no), IF(yes), .omit = true },
    { "yes", NULL, 0, VMQ_FIELD_BOOL, AT(yes) },
    { "shares", NULL, 0, VMQ_FIELD_SHARES, AT(shares) },
    { "no_shares", NULL, 0, VMQ_FIELD_SHARES, AT(no_shares) },
    { "child", NULL, 0, VMQ_FIELD_OBJECT, AT(child), .object = child_fields },
    { "called", NULL, 0, VMQ_FIELD_CALL, AT(self), .call = put_called },
    { "nothing", "nothing", 0, VMQ_FIELD_STRING, AT(nothing) },
    VMQ_FIELDS_END
};

static const struct vmq_field sentence[] = {
    { NULL, "%s", 8, VMQ_FIELD_STRING, AT(name) },
    { NULL, " 100 %% of %s", 0, VMQ_FIELD_BP, AT(word) },
    { NULL, ", said", 0, VMQ_FIELD_BOOL, AT(yes) },
    { NULL, ", unsaid", 0, VMQ_FIELD_BOOL, AT(no) },
    { NULL, ", unknown %s", 0, VMQ_FIELD_UINT, AT(number), IF(no) },
    { NULL, ", null %s", 0, VMQ_FIELD_STRING, AT(nothing) },
    { NULL, " (%s)", 0, VMQ_FIELD_OBJECT, AT(child), .object = child_fields },
    VMQ_FIELDS_END
};
#undef IF
#undef MORE

static const struct vmq_field leaf_fields[] = {
    { "name", NULL, 0, VMQ_FIELD_STRING, AT(name) },
    VMQ_FIELDS_END
};

static const struct vmq_field nested_fields[] = {
    { "byte", NULL, 0, VMQ_FIELD_UINT, AT(byte) },
    { "shares", NULL, 0, VMQ_FIELD_SHARES, AT(shares) },
    { "child", NULL, 0, VMQ_FIELD_OBJECT, AT(child), .object = leaf_fields },
    VMQ_FIELDS_END
};

static void
put_called(struct vmq_json *json, const void *row_)
{
    const struct row *row = row_;

    vmq_json_begin_array(json);
    for (size_t i = 0; i < row->n_called; i++) {
        vmq_json_put_object(json, row->called, row);
    }
    vmq_json_end_array(json);
}

static void
expect(struct ds *ds, const char *expected)
{
    if (strcmp(ds_cstr(ds), expected)) {
        ovs_fatal(0, "expected:\n%s\ngot:\n%s", expected, ds_cstr(ds));
    }
    ds_clear(ds);
}

/* Takes what is between the tokens of JSON out of 'ds'. */
static void
squeeze(struct ds *ds)
{
    bool in_string = false;
    size_t n = 0;

    for (size_t i = 0; i < ds->length; i++) {
        char c = ds->string[i];

        if (c == '"') {
            in_string = !in_string;
        } else if (c == '\\') {
            ds->string[n++] = c;
            c = ds->string[++i];
        }
        if (in_string || (c != ' ' && c != '\n')) {
            ds->string[n++] = c;
        }
    }
    ds_truncate(ds, n);
}

static void
expect_json(const struct row *row, struct ds *ds)
{
    struct vmq_json writer;

    vmq_json_init(&writer, ds);
    vmq_json_put_object(&writer, fields, row);
    vmq_json_end(&writer);

    /* It says what the row says... */
    struct json *json = json_from_string(ds_cstr(ds));
    ovs_assert(json->type == JSON_OBJECT);
    const struct shash *object = json_object(json);
    ovs_assert(shash_count(object) == 17);
#define MEMBER(NAME) ((const struct json *) shash_find_data(object, NAME))
    ovs_assert(!strcmp(json_string(MEMBER("name")), row->name));
    ovs_assert(json_integer(MEMBER("byte")) == row->byte);
    ovs_assert(json_integer(MEMBER("word")) == row->word);
    ovs_assert(json_integer(MEMBER("number")) == row->number);
    ovs_assert(json_integer(MEMBER("huge")) == row->huge);
    ovs_assert(json_integer(MEMBER("below")) == row->below);
    ovs_assert(json_integer(MEMBER("far_below")) == row->far_below);
    ovs_assert(json_integer(MEMBER("when_ms")) == row->when_ms);
    ovs_assert(json_integer(MEMBER("known")) == row->number);
    ovs_assert(MEMBER("unknown")->type == JSON_NULL);
    ovs_assert(MEMBER("twice")->type == JSON_FALSE);
    ovs_assert(MEMBER("yes")->type == JSON_TRUE);
    ovs_assert(MEMBER("nothing")->type == JSON_NULL);
    ovs_assert(json_array_size(MEMBER("shares")) == row->shares.n);
    for (uint32_t i = 0; i < row->shares.n; i++) {
        ovs_assert(json_integer(json_array_at(MEMBER("shares"), i))
                   == row->shares.bp[i]);
    }
    ovs_assert(!json_array_size(MEMBER("no_shares")));
    ovs_assert(MEMBER("child")->type == (row->child ? JSON_OBJECT
                                         : JSON_NULL));
    ovs_assert(json_array_size(MEMBER("called")) == row->n_called);
#undef MEMBER

    /* ...in the words of lib/json.c. */
    char *same = json_to_string(json, JSSF_SORT);
    squeeze(ds);
    expect(ds, same);
    free(same);
    json_destroy(json);
}

static const struct vmq_field few_fields[] = {
    { "name", NULL, 0, VMQ_FIELD_STRING, AT(name) },
    { "shares", NULL, 0, VMQ_FIELD_SHARES, AT(shares) },
    { "child", NULL, 0, VMQ_FIELD_OBJECT, AT(child), .object = nested_fields },
    { "called", NULL, 0, VMQ_FIELD_CALL, AT(self), .call = put_called },
    { "none", NULL, 0, VMQ_FIELD_CALL, AT(child), .call = put_called },
    VMQ_FIELDS_END
};
#undef AT

/* Each member is on a line, and each element, all of it. */
static void
expect_lines(const struct row *row, struct ds *ds)
{
    struct vmq_json writer;

    vmq_json_init(&writer, ds);
    vmq_json_put_object(&writer, few_fields, row);
    vmq_json_end(&writer);
    expect(ds,
           "{\n"
           "  \"called\": [\n"
           "    {\"byte\":255,\"child\":{\"name\":\"c\"},"
           "\"shares\":[0,65535,7]},\n"
           "    {\"byte\":255,\"child\":{\"name\":\"c\"},"
           "\"shares\":[0,65535,7]}],\n"
           "  \"child\": {\n"
           "    \"byte\": 7,\n"
           "    \"child\": null,\n"
           "    \"shares\": []},\n"
           "  \"name\": \"n\",\n"
           "  \"none\": [],\n"
           "  \"shares\": [\n"
           "    0,\n"
           "    65535,\n"
           "    7]}\n");
}

static void
test_vmq_fields_main(int argc OVS_UNUSED, char *argv[] OVS_UNUSED)
{
    static const uint16_t bp[] = { 0, 65535, 7 };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct row child = { .name = "c", .byte = 7, .yes = true };
    struct row row = {
        .name = "n",
        .more = "+",
        .byte = 255,
        .word = 9950,
        .number = UINT32_MAX,
        .huge = 123456,
        .below = -1500,
        .far_below = -12,
        .when_ms = 1700000000123,
        .yes = true,
        .change = { 9949, 50 },
        .shares = { bp, ARRAY_SIZE(bp) },
        .child = &child,
        .self = &row,
        .called = child_fields,
    };

    vmq_fields_put_heading(fields, &ds);
    expect(&ds, "name        b   share    us     milli    int"
           "  when                           change  known  unknown"
           "  nothing\n");
    vmq_fields_put_columns(fields, &row, &ds);
    expect(&ds, "n+        255   100 %   123     -1.5+    -12"
           "  2023-11-14 22:13:20.123    99 >   1 %  4294967295        -\n");
    row.nothing = "but";
    row.name = "longer than that";
    row.more = "";
    vmq_fields_put_columns(fields, &row, &ds);
    expect(&ds, "longer than that  255   100 %   123      -1.5    -12"
           "  2023-11-14 22:13:20.123    99 >   1 %  4294967295        -"
           "  but\n");

    row.nothing = NULL;
    row.name = "n";
    row.n_called = 2;
    row.called = nested_fields;
    expect_lines(&row, &ds);
    row.n_called = 0;
    row.called = child_fields;
    row.name = "quote\"\\\n\001 % \xc3\xa9";
    expect_json(&row, &ds);
    row.huge = INT64_MAX;
    row.far_below = INT64_MIN;
    row.below = INT32_MIN;
    row.n_called = 3;
    row.child = NULL;
    expect_json(&row, &ds);
    row.huge = row.far_below = row.shares.n = row.n_called = 0;
    expect_json(&row, &ds);

    row.name = "n";
    row.child = &child;
    vmq_fields_put_sentence(sentence, &row, &ds);
    expect(&ds, "       n 100 %% of 100 %, said (child c has   7)");
    row.yes = false;
    row.child = NULL;
    vmq_fields_put_sentence(sentence, &row, &ds);
    expect(&ds, "       n 100 %% of 100 %");
    ds_destroy(&ds);
}

OVSTEST_REGISTER("test-vmq-fields", test_vmq_fields_main);

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
#include "vmq-fields.h"

#include <inttypes.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

#define SPACES_PER_LEVEL 2

static bool
is_end(const struct vmq_field *field)
{
    return !field->member && !field->text;
}

/* The values of fields. */

static const void *
field_at(const struct vmq_field *field, const void *row)
{
    return (const char *) row + field->offset;
}

static uint64_t
get_uint(const struct vmq_field *field, const void *row)
{
    const void *p = field_at(field, row);

    switch (field->size) {
    case 1: return *(const uint8_t *) p;
    case 2: return *(const uint16_t *) p;
    case 4: return *(const uint32_t *) p;
    case 8: return *(const uint64_t *) p;
    default: OVS_NOT_REACHED();
    }
}

static int64_t
get_int(const struct vmq_field *field, const void *row)
{
    const void *p = field_at(field, row);

    switch (field->size) {
    case 4: return *(const int32_t *) p;
    case 8: return *(const int64_t *) p;
    default: OVS_NOT_REACHED();
    }
}

/* The pointer to a string, or to another row. */
static const void *
get_pointer(const struct vmq_field *field, const void *row)
{
    ovs_assert(field->size == sizeof(const void *));
    return *(const void *const *) field_at(field, row);
}

static bool
get_bool(const struct vmq_field *field, const void *row)
{
    ovs_assert(field->size == sizeof(bool));
    return *(const bool *) field_at(field, row);
}

static bool
is_known(const struct vmq_field *field, const void *row)
{
    if (field->known
        && !*(const bool *) ((const char *) row + field->known - 1)) {
        return false;
    }
    return ((field->type != VMQ_FIELD_STRING
             && field->type != VMQ_FIELD_OBJECT)
            || get_pointer(field, row));
}

/* Text. */

/* Percent, rounded to the nearest. */
static uint64_t
bp_to_percent(uint64_t bp)
{
    return (bp + 50) / 100;
}

static void
put_change(const struct vmq_change *change, struct ds *ds)
{
    ds_put_format(ds, "%4"PRIu64" > %3"PRIu64" %%",
                  bp_to_percent(change->before_bp),
                  bp_to_percent(change->after_bp));
}

/* Appends the value of 'field', which is known, to 'ds'. */
static void
put_text(const struct vmq_field *field, const void *row, struct ds *ds)
{
    switch (field->type) {
    case VMQ_FIELD_UINT:
        ds_put_format(ds, "%"PRIu64, get_uint(field, row));
        break;
    case VMQ_FIELD_INT:
        ds_put_format(ds, "%"PRId64, get_int(field, row));
        break;
    case VMQ_FIELD_BP:
        ds_put_format(ds, "%"PRIu64" %%",
                      bp_to_percent(get_uint(field, row)));
        break;
    case VMQ_FIELD_THOUSANDTHS:
        ds_put_format(ds, "%.1f", get_int(field, row) / 1000.0);
        break;
    case VMQ_FIELD_THOUSANDS:
        ds_put_format(ds, "%"PRIu64, get_uint(field, row) / 1000);
        break;
    case VMQ_FIELD_TIME:
        ds_put_strftime_msec(ds, "%Y-%m-%d %H:%M:%S.###",
                             get_int(field, row), false);
        break;
    case VMQ_FIELD_STRING:
        ds_put_cstr(ds, get_pointer(field, row));
        break;
    case VMQ_FIELD_CHANGE:
        put_change(field_at(field, row), ds);
        break;
    case VMQ_FIELD_OBJECT:
        vmq_fields_put_sentence(field->object, get_pointer(field, row), ds);
        break;
    case VMQ_FIELD_BOOL:
    case VMQ_FIELD_SHARES:
    case VMQ_FIELD_CALL:
    default:
        OVS_NOT_REACHED();
    }
    if (field->more) {
        const void *more = (const char *) row + field->more - 1;

        ds_put_cstr(ds, *(const char *const *) more);
    }
}

/* Appends 'text', padded to the width of 'field'. */
static void
put_padded(const struct vmq_field *field, const char *text, struct ds *ds)
{
    ds_put_format(ds, "%*s", field->width, text);
}

/* Begins another column of a line that began at 'start'. */
static void
begin_column(size_t start, struct ds *ds)
{
    if (ds->length > start) {
        ds_put_cstr(ds, "  ");
    }
}

static void
end_line(struct ds *ds)
{
    while (ds_chomp(ds, ' ')) {
        continue;
    }
    ds_put_char(ds, '\n');
}

void
vmq_fields_put_heading(const struct vmq_field fields[], struct ds *ds)
{
    size_t start = ds->length;

    for (const struct vmq_field *field = fields; !is_end(field); field++) {
        if (field->text) {
            begin_column(start, ds);
            put_padded(field, field->text, ds);
        }
    }
    end_line(ds);
}

void
vmq_fields_put_columns(const struct vmq_field fields[], const void *row,
                       struct ds *ds)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t start = ds->length;

    for (const struct vmq_field *field = fields; !is_end(field); field++) {
        if (field->text) {
            ds_clear(&text);
            if (is_known(field, row)) {
                put_text(field, row, &text);
            } else if (field->type != VMQ_FIELD_STRING) {
                ds_put_char(&text, '-');
            }
            begin_column(start, ds);
            put_padded(field, ds_cstr(&text), ds);
        }
    }
    end_line(ds);
    ds_destroy(&text);
}

void
vmq_fields_put_sentence(const struct vmq_field fields[], const void *row,
                        struct ds *ds)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (const struct vmq_field *field = fields; !is_end(field); field++) {
        if (!field->text || !is_known(field, row)) {
            continue;
        } else if (field->type == VMQ_FIELD_BOOL) {
            ds_put_cstr(ds, get_bool(field, row) ? field->text : "");
            continue;
        }

        const char *place = strstr(field->text, "%s");
        ovs_assert(place);
        ds_clear(&text);
        put_text(field, row, &text);
        ds_put_buffer(ds, field->text, place - field->text);
        put_padded(field, ds_cstr(&text), ds);
        ds_put_cstr(ds, place + 2);
    }
    ds_destroy(&text);
}

/* JSON. */

void
vmq_json_init(struct vmq_json *json, struct ds *ds)
{
    json->ds = ds;
    json->depth = 0;
    json->in_array = false;
    json->on_one_line = false;
    json->first = false;
    json->n_tables = 0;
}

void
vmq_json_end(struct vmq_json *json)
{
    ovs_assert(!json->depth);
    ds_put_char(json->ds, '\n');
}

/* Separates a member or an element from what is before it. */
static void
begin_item(struct vmq_json *json, bool first)
{
    if (json->on_one_line) {
        if (!first) {
            ds_put_char(json->ds, ',');
        }
    } else {
        ds_put_cstr(json->ds, first ? "\n" : ",\n");
        ds_put_char_multiple(json->ds, ' ', SPACES_PER_LEVEL * json->depth);
    }
}

/* As "%"PRIu64 does, but in a tenth of the time. */
static void
put_json_uint(struct vmq_json *json, uint64_t value)
{
    char digits[20];
    size_t i = sizeof digits;

    if (value < 10) {
        ds_put_char(json->ds, '0' + value);
        return;
    }

    do {
        digits[--i] = '0' + value % 10;
        value /= 10;
    } while (value);
    ds_put_buffer(json->ds, &digits[i], sizeof digits - i);
}

static void
put_json_int(struct vmq_json *json, int64_t value)
{
    if (value < 0) {
        ds_put_char(json->ds, '-');
    }
    put_json_uint(json, value < 0 ? -(uint64_t) value : value);
}

static void
begin_element(struct vmq_json *json)
{
    begin_item(json, json->first);
    json->first = false;
}

void
vmq_json_begin_array(struct vmq_json *json)
{
    ds_put_char(json->ds, '[');
    json->depth++;
    json->in_array = true;
    json->first = true;
}

void
vmq_json_end_array(struct vmq_json *json)
{
    json->in_array = false;
    json->depth--;
    ds_put_char(json->ds, ']');
}

static void
put_json_shares(struct vmq_json *json, const struct vmq_shares *shares)
{
    vmq_json_begin_array(json);
    for (uint32_t i = 0; i < shares->n; i++) {
        begin_element(json);
        put_json_uint(json, shares->bp[i]);
    }
    vmq_json_end_array(json);
}

static void
put_json_value(struct vmq_json *json, const struct vmq_field *field,
               const void *row)
{
    if (!is_known(field, row)) {
        ds_put_cstr(json->ds, "null");
        return;
    }

    switch (field->type) {
    case VMQ_FIELD_UINT:
    case VMQ_FIELD_BP:
    case VMQ_FIELD_THOUSANDS:
        put_json_uint(json, get_uint(field, row));
        break;
    case VMQ_FIELD_INT:
    case VMQ_FIELD_THOUSANDTHS:
    case VMQ_FIELD_TIME:
        put_json_int(json, get_int(field, row));
        break;
    case VMQ_FIELD_BOOL:
        ds_put_cstr(json->ds, get_bool(field, row) ? "true" : "false");
        break;
    case VMQ_FIELD_STRING:
        json_string_escape(get_pointer(field, row), json->ds);
        break;
    case VMQ_FIELD_SHARES:
        put_json_shares(json, field_at(field, row));
        break;
    case VMQ_FIELD_OBJECT:
        vmq_json_put_object(json, field->object, get_pointer(field, row));
        break;
    case VMQ_FIELD_CALL:
        field->call(json, get_pointer(field, row));
        break;
    case VMQ_FIELD_CHANGE:
    default:
        OVS_NOT_REACHED();
    }
}

/* Returns 'fields' with their order, found out when they are first used. */
static const struct vmq_json_table *
find_table(struct vmq_json *json, const struct vmq_field fields[])
{
    struct vmq_json_table *table;
    uint32_t i;

    for (i = 0; i < json->n_tables; i++) {
        if (json->tables[i].fields == fields) {
            return &json->tables[i];
        }
    }

    ovs_assert(json->n_tables < VMQ_MAX_TABLES);
    table = &json->tables[json->n_tables++];
    table->fields = fields;
    table->n = 0;
    for (i = 0; !is_end(&fields[i]); i++) {
        uint32_t k = table->n;

        if (fields[i].member) {
            ovs_assert(k < VMQ_MAX_FIELDS);
            for (; k && strcmp(fields[table->order[k - 1]].member,
                               fields[i].member) > 0; k--) {
                table->order[k] = table->order[k - 1];
            }
            table->order[k] = i;
            table->n++;
        }
    }
    for (i = 0; i < table->n; i++) {
        table->length[i] = strlen(fields[table->order[i]].member);
    }
    return table;
}

/* Begins the member 'name', which has 'length' characters. */
static void
begin_member(struct vmq_json *json, const char *name, size_t length)
{
    char *p = ds_put_uninit(json->ds, length + 3);

    *p++ = '"';
    memcpy(p, name, length);
    p += length;
    *p++ = '"';
    *p = ':';
    if (!json->on_one_line) {
        ds_put_char(json->ds, ' ');
    }
}

/* Writes 'row' as an object, which is the whole, a member, or an element. */
void
vmq_json_put_object(struct vmq_json *json, const struct vmq_field fields[],
                    const void *row)
{
    const struct vmq_json_table *table = find_table(json, fields);
    bool was_in_array = json->in_array;
    bool was_on_one_line = json->on_one_line;
    bool first = true;

    if (was_in_array) {
        begin_element(json);
        json->on_one_line = true;
    }
    json->in_array = false;
    ds_put_char(json->ds, '{');
    json->depth++;
    for (uint32_t i = 0; i < table->n; i++) {
        const struct vmq_field *field = &fields[table->order[i]];

        if (field->omit && !is_known(field, row)) {
            continue;
        }
        begin_item(json, first);
        first = false;
        begin_member(json, field->member, table->length[i]);
        put_json_value(json, field, row);
    }
    json->depth--;
    ds_put_char(json->ds, '}');
    json->in_array = was_in_array;
    json->on_one_line = was_on_one_line;
    json->first = false;
}

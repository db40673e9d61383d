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

#include <unistd.h>
#include <zlib.h>

#include "vmq-test.h"
#include "vmq-trace.h"
#include "vmq-util.h"

/* The file that a test writes and reads. */
static char file_name[64];

static int
setup(void **state)
{
    int fd;

    (void) state;
    strcpy(file_name, "/tmp/test-vmq-trace.XXXXXX");
    fd = mkstemp(file_name);
    return fd < 0 || close(fd);
}

static int
teardown(void **state)
{
    (void) state;
    return unlink(file_name);
}

static void
write_bytes(const void *bytes, size_t n)
{
    FILE *file = fopen(file_name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void
write_gz(const char *text)
{
    gzFile file = gzopen(file_name, "wb");

    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

/* Reads 'file_name', in which there is no mistake. */
static void
read_good(struct vmq_trace *t)
{
    char *error = vmq_trace_read(file_name, t);

    if (error) {
        fail_msg("%s", error);
    }
}

static void
read_text(const char *text, struct vmq_trace *t)
{
    write_bytes(text, strlen(text));
    read_good(t);
}

static void
assert_empty(const struct vmq_trace *t)
{
    static const struct vmq_trace empty;

    assert_memory_equal(t, &empty, sizeof empty);
}

/* Reading 'file_name' must fail with its name, followed by 'want'. */
static void
assert_error(const char *want)
{
    size_t n = strlen(file_name);
    struct vmq_trace t;
    char *error = vmq_trace_read(file_name, &t);

    assert_non_null(error);
    assert_memory_equal(error, file_name, n);
    assert_string_equal(error + n, want);
    assert_empty(&t);
    free(error);
}

static void
assert_error_ends(const char *want)
{
    struct vmq_trace t;
    char *error = vmq_trace_read(file_name, &t);

    assert_non_null(error);
    assert_memory_equal(error, file_name, strlen(file_name));
    assert_true(strlen(error) > strlen(want));
    assert_string_equal(error + strlen(error) - strlen(want), want);
    assert_empty(&t);
    free(error);
}

static void
assert_text_error(const char *text, const char *want)
{
    write_bytes(text, strlen(text));
    assert_error(want);
}

static void
assert_rates(const struct vmq_trace *t, uint32_t n, const double *rates)
{
    assert_int_equal(t->n_queues * t->n_rows, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(t->rates_pps[i] == rates[i]);
    }
}

/* All that 'text' below says, which all good forms of it have to come to. */
static const char text[] = "time_s,a/0,a/1,b\n0,1,2.5,3e3\n10,4,,6\n";

static void
assert_is_text(const struct vmq_trace *t)
{
    assert_int_equal(t->n_queues, 3);
    assert_string_equal(t->names[0], "a/0");
    assert_string_equal(t->names[1], "a/1");
    assert_string_equal(t->names[2], "b");
    assert_int_equal(t->n_rows, 2);
    assert_true(t->times_s[0] == 0);
    assert_true(t->times_s[1] == 10);
    assert_true(t->end_s == 20);
    assert_rates(t, 6, (const double[]) { 1, 2.5, 3000, 4, 0, 6 });
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(t->numa_ids[i], -1);
    }
}

static void
test_good(void **state)
{
    static const char *const forms[] = {
        text,
        "time_s,a/0,a/1,b\r\n0,1,2.5,3e3\r\n10,4,,6\r\n",
        "time_s,a/0,a/1,b\n0,1,2.5,3e3\n10,4,,6",
        ("time_s,a/0,a/1,b\n\n# A comment, with a comma.\n0,1,2.5,3e3\n"
         "#\n10,4,,6\n\n"),
        "time_s,a/0,a/1,b\n#numa,,,\n0,1,2.5,3e3\n#numas,1\n10,4,,6\n",
        "time_s,a/0,a/1,b\n-5,1,2.5,3000\n5,4,0,6\n",
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(forms); i++) {
        struct vmq_trace t;

        read_text(forms[i], &t);
        assert_is_text(&t);
        vmq_trace_destroy(&t);
        assert_empty(&t);
    }
}

static void
test_gz(void **state)
{
    struct vmq_trace t;

    (void) state;
    write_gz(text);
    read_good(&t);
    assert_is_text(&t);
    vmq_trace_destroy(&t);
}

static void
test_one_row(void **state)
{
    struct vmq_trace t;

    (void) state;
    read_text("time_s,q\n7,5\n", &t);
    assert_int_equal(t.n_rows, 1);
    assert_true(t.times_s[0] == 0);
    assert_true(t.end_s == 1);
    vmq_trace_destroy(&t);
}

/* The last row is as long as the one before it. */
static void
test_end(void **state)
{
    struct vmq_trace t;

    (void) state;
    read_text("time_s,q\n100,\n101,1\n104,2\n", &t);
    assert_true(t.times_s[2] == 4);
    assert_true(t.end_s == 7);
    assert_rates(&t, 3, (const double[]) { 0, 1, 2 });
    vmq_trace_destroy(&t);
}

static void
test_numa(void **state)
{
    struct vmq_trace t;

    (void) state;
    read_text("time_s,a,b,c,d\n#numa,1,,0,1023\n0,1,2,3,4\n", &t);
    assert_int_equal(t.numa_ids[0], 1);
    assert_true(t.numa_ids[1] < 0);
    assert_int_equal(t.numa_ids[2], 0);
    assert_int_equal(t.numa_ids[3], 1023);
    vmq_trace_destroy(&t);
}

/* More rows, and a longer line, than fit into what is allocated at first. */
static void
test_large(void **state)
{
    enum { N_QUEUES = 2000, N_ROWS = 200 };
    struct vmq_trace t;
    FILE *file = fopen(file_name, "w");

    (void) state;
    assert_non_null(file);
    fprintf(file, "time_s");
    for (int q = 0; q < N_QUEUES; q++) {
        fprintf(file, ",port%d/%d", q / 8, q % 8);
    }
    for (int row = 0; row < N_ROWS; row++) {
        fprintf(file, "\n%d", row);
        for (int q = 0; q < N_QUEUES; q++) {
            fprintf(file, ",%d", row * N_QUEUES + q);
        }
    }
    assert_int_equal(fclose(file), 0);

    read_good(&t);
    assert_int_equal(t.n_queues, N_QUEUES);
    assert_int_equal(t.n_rows, N_ROWS);
    assert_string_equal(t.names[N_QUEUES - 1], "port249/7");
    for (int i = 0; i < N_ROWS * N_QUEUES; i++) {
        assert_true(t.rates_pps[i] == i);
    }
    vmq_trace_destroy(&t);
}

static void
test_errors(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        /* Headers. */
        { "", ":1: the file is empty" },
        { "\n0,1\n",
          ":1: this is no trace: the header must begin with time_s" },
        { "time,q\n0,1\n",
          ":1: this is no trace: the header must begin with time_s" },
        { "# Comment.\ntime_s,q\n0,1\n",
          ":1: this is no trace: the header must begin with time_s" },
        { "time_s\n0\n", ":1: the header names no queue" },
        { "time_s,\n0,1\n", ":1: queue 1 has no name" },
        { "time_s,a,,c\n0,1,2,3\n", ":1: queue 2 has no name" },
        { "time_s,a/0,b,a/0\n0,1,2,3\n",
          ":1: two queues have the name \"a/0\"" },
        { "time_s,q\n", ":2: there is no row after the header" },
        { "time_s,q\n#numa,0\n\n# Nothing.\n",
          ":5: there is no row after the header" },

        /* Times. */
        { "time_s,q\n,1\n", ":2: \"\" is not a time in seconds" },
        { "time_s,q\nx,1\n", ":2: \"x\" is not a time in seconds" },
        { "time_s,q\n1s,1\n", ":2: \"1s\" is not a time in seconds" },
        { "time_s,q\nnan,1\n", ":2: \"nan\" is not a time in seconds" },
        { "time_s,q\n0,1\ninf,1\n", ":3: \"inf\" is not a time in seconds" },
        { "time_s,q\n1e999,1\n", ":2: \"1e999\" is not a time in seconds" },
        { "time_s,q\n5,1\n\n4.5,1\n",
          ":4: time 4.5 s is not after that of the row before" },
        { "time_s,q\n5,1\n5,1\n",
          ":3: time 5 s is not after that of the row before" },
        { "time_s,q\n-1e17,1\n0,2\n1,3\n",
          ":3: time 0 s is more than 1e+12 s after that of the first row" },
        { "time_s,q\n-1e308,1\n1e308,2\n",
          ":3: time 1e308 s is more than 1e+12 s after that of the first "
          "row" },
        { "time_s,q\n-1e12,1\n-1e-9,2\n0,3\n",
          ":4: time 0 s is not after that of the row before" },

        /* Values. */
        { "time_s,q\n0\n", ":2: 0 values for 1 queues" },
        { "time_s,a,b\n0,1,2\n1,1\n", ":3: 1 values for 2 queues" },
        { "time_s,a,b\n0,1,2,3\n", ":2: there are more values than queues" },
        { "time_s,a,b\n0,1,2,\n", ":2: there are more values than queues" },
        { "time_s,a,b\n0,1,-2\n",
          ":2: \"-2\" is not a rate in packets/s (queue b)" },
        { "time_s,a,b\n0,nan,2\n",
          ":2: \"nan\" is not a rate in packets/s (queue a)" },
        { "time_s,a,b\n0,1,inf\n",
          ":2: \"inf\" is not a rate in packets/s (queue b)" },
        { "time_s,a,b\n0,1,1.1e10\n",
          ":2: \"1.1e10\" is not a rate in packets/s (queue b)" },
        { "time_s,a,b\n0,1,2k\n",
          ":2: \"2k\" is not a rate in packets/s (queue b)" },
        { "time_s,a,b\n0, ,2\n",
          ":2: \" \" is not a rate in packets/s (queue a)" },

        /* What a terminal would obey. */
        { "time_s,a\x1b[1m\n0,\x07\n",
          ":2: \"?\" is not a rate in packets/s (queue a?[1m)" },

        /* NUMA nodes. */
        { "time_s,a,b\n#numa,0\n0,1,2\n", ":2: 1 NUMA nodes for 2 queues" },
        { "time_s,a,b\n#numa,0,1,1\n0,1,2\n",
          ":2: there are more NUMA nodes than queues" },
        { "time_s,a,b\n#numa,0,x\n0,1,2\n",
          ":2: \"x\" is not a NUMA node (0..1023)" },
        { "time_s,a,b\n#numa,-1,0\n0,1,2\n",
          ":2: \"-1\" is not a NUMA node (0..1023)" },
        { "time_s,a,b\n0,1,2\n#numa,0,1024\n",
          ":3: \"1024\" is not a NUMA node (0..1023)" },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        assert_text_error(cases[i].text, cases[i].error);
    }
}

/* A value that goes on and on does not make the message do so. */
static void
test_long_value(void **state)
{
    char value[501], want[200], *bad;

    (void) state;
    memset(value, 'x', 500);
    value[500] = '\0';
    bad = vmq_xasprintf("time_s,q\n0,%s\n", value);
    snprintf(want, sizeof want,
             ":2: \"%.80s\" is not a rate in packets/s (queue q)", value);
    assert_text_error(bad, want);
    free(bad);
}

/* What is behind a null byte must not be lost in silence. */
static void
test_null_byte(void **state)
{
    static const char bytes[] = "time_s,a,b\n0,1,2\0003\n1,1,2\n";

    (void) state;
    write_bytes(bytes, sizeof bytes - 1);
    assert_error(":2: there is a null byte in this line");
}

/* A small file can make a long line, which must not take all memory. */
static void
test_long_line(void **state)
{
    enum { MAX_LINE = 16 * 1024 * 1024 };
    char *line = vmq_xcalloc(MAX_LINE + 2, 1);

    (void) state;
    memset(line, 'x', MAX_LINE + 1);
    write_gz(line);
    assert_error(":1: this line has more than 16777216 bytes");
    line[MAX_LINE] = '\0';
    write_gz(line);
    assert_error(":1: this is no trace: the header must begin with time_s");
    free(line);
}

/* Returns whether zlib says that the file ends too early, as its manual has
 * it.  1.3.2 does not. */
static bool
zlib_sees_early_end(void)
{
    gzFile file = gzopen(file_name, "rb");
    char bytes[4096];
    int error;

    assert_non_null(file);
    while (gzread(file, bytes, sizeof bytes) > 0) {
        continue;
    }
    gzerror(file, &error);
    gzclose(file);
    return error == Z_BUF_ERROR;
}

static void
test_truncated_gz(void **state)
{
    char bytes[4096], *longer = vmq_xstrdup("time_s,q\n");
    FILE *file;
    size_t n;

    (void) state;
    for (int i = 0; i < 200; i++) {
        char *longest = vmq_xasprintf("%s%d,%d\n", longer, i, i * i * 7);

        free(longer);
        longer = longest;
    }
    write_gz(longer);
    free(longer);
    file = fopen(file_name, "r");
    assert_non_null(file);
    n = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    assert_uint_in_range(n, 100, sizeof bytes - 1);

    /* All but the trailer: only that tells that they are what was
     * written. */
    write_bytes(bytes, n - 8);
    if (!zlib_sees_early_end()) {
        print_message("zlib %s does not see that a file is cut short\n",
                      zlibVersion());
        skip();
    }
    assert_error(":202: unexpected end of file");

    /* In the middle, and one bit off.  On which line zlib notices depends on
     * the size of its buffers. */
    write_bytes(bytes, n / 2);
    assert_error_ends(": unexpected end of file");
    bytes[n - 7] ^= 1;
    write_bytes(bytes, n);
    assert_error_ends(": incorrect data check");
}

static void
test_files(void **state)
{
    struct vmq_trace t;
    char *error;

    (void) state;
    error = vmq_trace_read("/nonexistent/trace.csv", &t);
    assert_string_equal(error,
                        "/nonexistent/trace.csv: No such file or directory");
    assert_empty(&t);
    free(error);

    error = vmq_trace_read("/", &t);
    assert_string_equal(error, "/:1: Is a directory");
    assert_empty(&t);
    free(error);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_gz),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_numa),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_long_value),
        cmocka_unit_test(test_null_byte),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_truncated_gz),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests_name("trace", tests, setup, teardown);
}

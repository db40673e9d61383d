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

#ifndef VMQ_TEST_H
#define VMQ_TEST_H 1

/* What the unit tests have in common.
 *
 * Tests with random input take the number of cases from the environment
 * variable VMQ_CASES and a seed from VMQ_SEED, and print both.  The same seed
 * makes the same cases on every machine. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Before 2.0, cmocka has one macro for all kinds of integers. */
#ifndef assert_uint_in_range
#define assert_uint_in_range(VALUE, MIN, MAX) assert_in_range(VALUE, MIN, MAX)
#endif

#define TEST_ARRAY_SIZE(ARRAY) (sizeof (ARRAY) / sizeof (ARRAY)[0])

/* Fails unless 'error', which is freed, says 'expected', NULL for success. */
#define TEST_ERROR(ERROR, EXPECTED) \
    test_error__(ERROR, EXPECTED, __FILE__, __LINE__)

static inline void
test_error__(char *error, const char *expected, const char *file, int line)
{
    if (expected && error) {
        _assert_string_equal(error, expected, file, line);
    } else if (error) {
        print_error("unexpected error: %s\n", error);
        _fail(file, line);
    } else if (expected) {
        print_error("no error, expected: %s\n", expected);
        _fail(file, line);
    }
    free(error);
}

static inline unsigned long int
test_environment(const char *name, unsigned long int def)
{
    const char *value = getenv(name);

    return value && value[0] ? strtoul(value, NULL, 0) : def;
}

/* Returns the number of random cases to run. */
static inline unsigned long int
test_n_cases(unsigned long int def)
{
    return test_environment("VMQ_CASES", def);
}

/* A pseudo-random number generator (splitmix64). */
struct test_random {
    uint64_t state;
};

/* Seeds 'r' for the test called 'name' and prints how to repeat it. */
static inline void
test_random_init(struct test_random *r, const char *name,
                 unsigned long int n_cases)
{
    unsigned long int seed = test_environment("VMQ_SEED", 1);

    printf("# %s: VMQ_CASES=%lu VMQ_SEED=%lu\n", name, n_cases, seed);
    fflush(stdout);
    r->state = seed * 0x2545f4914f6cdd1dULL;
}

static inline uint64_t
test_random_u64(struct test_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

/* Returns a number in 'min'..'max'. */
static inline uint64_t
test_random_range(struct test_random *r, uint64_t min, uint64_t max)
{
    return (max - min == UINT64_MAX ? test_random_u64(r)
            : min + test_random_u64(r) % (max - min + 1));
}

/* Returns true once in 'n' times. */
static inline bool
test_one_in(struct test_random *r, unsigned int n)
{
    return !test_random_range(r, 0, n - 1);
}

#endif /* vmq-test.h */

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

#include "vmq-config.h"
#include "vmq-test.h"

static const struct vmq_setting *
find(const char *key)
{
    const struct vmq_setting *setting = vmq_setting_find(key);

    assert_non_null(setting);
    return setting;
}

/* The interface that does not change: every key, range and default. */
static void
test_table(void **state)
{
    static const struct {
        const char *key;
        enum vmq_setting_type type;
        const char *unit;
        uint32_t min, max, def;
        size_t offset;
    } expected[] = {
#define U VMQ_SETTING_UINT
#define B VMQ_SETTING_BOOL
#define AT(MEMBER) offsetof(struct vmq_config, MEMBER)
        { "pmd-vmq", B, "", 0, 1, 0, AT(enabled) },
        { "pmd-vmq-interval", U, "ms", 10, 60000, 100, AT(interval_ms) },
        { "pmd-vmq-spread-threshold", U, "%", 1, 100, 85,
          AT(spread_threshold_pct) },
        { "pmd-vmq-spread-hold", U, "ms", 0, 600000, 300,
          AT(spread_hold_ms) },
        { "pmd-vmq-edge", U, "us", 0, 100000, 500, AT(edge_us) },
        { "pmd-vmq-coalesce-threshold", U, "%", 0, 100, 100,
          AT(coalesce_threshold_pct) },
        { "pmd-vmq-coalesce-hold", U, "ms", 0, 3600000, 2000,
          AT(coalesce_hold_ms) },
        { "pmd-vmq-pack-target", U, "%", 1, 100, 80, AT(pack_target_pct) },
        { "pmd-vmq-credits", U, "", 0, 64, 4, AT(credits) },
        { "pmd-vmq-credit-refill", U, "ms", 1, 3600000, 250,
          AT(credit_refill_ms) },
        { "pmd-vmq-max-moves", U, "", 1, 64, 16, AT(max_moves) },
        { "pmd-vmq-min-pmds", U, "", 1, 1024, 1, AT(min_pmds) },
        { "pmd-vmq-max-pmds", U, "", 0, 1024, 0, AT(max_pmds) },
        { "pmd-vmq-cross-numa", B, "", 0, 1, 0, AT(cross_numa) },
#undef U
#undef B
#undef AT
    };
    struct vmq_config config;

    (void) state;
    memset(&config, 0xff, sizeof config);
    vmq_config_init(&config);
    assert_int_equal(vmq_n_settings, TEST_ARRAY_SIZE(expected));
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *s = find(expected[i].key);

        assert_ptr_equal(s, &vmq_settings[i]);
        assert_int_equal(s->type, expected[i].type);
        assert_string_equal(s->unit, expected[i].unit);
        assert_int_equal(s->min, expected[i].min);
        assert_int_equal(s->max, expected[i].max);
        assert_int_equal(s->def, expected[i].def);
        assert_int_equal(s->offset, expected[i].offset);
        assert_int_equal(vmq_config_get(&config, s), s->def);
    }
    assert_null(vmq_setting_find("pmd-vmq-"));
    assert_null(vmq_setting_find("pmd-vmq-intervals"));
    assert_null(vmq_setting_find(""));
}

/* What is written for people is there and is plain text. */
static void
test_help(void **state)
{
    (void) state;
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const char *help = vmq_settings[i].help;
        const char *summary = vmq_settings[i].summary;

        assert_true(strlen(summary) > 10);
        assert_true(strlen(summary) < 70);
        assert_true(strlen(help) > 200);
        assert_int_equal(help[strlen(help) - 1], '.');
        assert_non_null(strstr(help, "\n\n"));
        for (const char *p = help; *p; p++) {
            assert_true((*p >= ' ' && *p <= '~') || *p == '\n');
        }
        for (const char *p = summary; *p; p++) {
            assert_true(*p >= ' ' && *p <= '~');
        }
    }
}

static void
test_set(void **state)
{
    struct vmq_config config;

    (void) state;
    vmq_config_init(&config);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq"), "true"), NULL);
    assert_int_equal(config.enabled, 1);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq"), "false"), NULL);
    assert_int_equal(config.enabled, 0);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq-spread-hold"), "0"),
               NULL);
    assert_int_equal(config.spread_hold_ms, 0);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq-spread-hold"), "0600"),
               NULL);
    assert_int_equal(config.spread_hold_ms, 600);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq-spread-hold"), NULL),
               NULL);
    assert_int_equal(config.spread_hold_ms, 300);

    /* Each end of each range, and one beyond. */
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const struct vmq_setting *s = &vmq_settings[i];
        char buf[32];
        char *error;

        if (s->type == VMQ_SETTING_BOOL) {
            continue;
        }
        snprintf(buf, sizeof buf, "%u", s->max);
        TEST_ERROR(vmq_config_set(&config, s, buf), NULL);
        assert_int_equal(vmq_config_get(&config, s), s->max);
        snprintf(buf, sizeof buf, "%u", s->max + 1);
        error = vmq_config_set(&config, s, buf);
        assert_non_null(error);
        free(error);
        assert_int_equal(vmq_config_get(&config, s), s->max);
        snprintf(buf, sizeof buf, "%u", s->min);
        TEST_ERROR(vmq_config_set(&config, s, buf), NULL);
        assert_int_equal(vmq_config_get(&config, s), s->min);
        if (s->min) {
            snprintf(buf, sizeof buf, "%u", s->min - 1);
            error = vmq_config_set(&config, s, buf);
            assert_non_null(error);
            free(error);
            assert_int_equal(vmq_config_get(&config, s), s->min);
        }
    }
}

static void
test_bad_values(void **state)
{
    static const struct {
        const char *key, *value, *error;
    } cases[] = {
        { "pmd-vmq-interval", "5",
          "pmd-vmq-interval: \"5\" is out of range (10..60000 ms), "
          "keeping 100 ms" },
        { "pmd-vmq", "maybe",
          "pmd-vmq: \"maybe\" is not true or false, keeping false" },
        { "pmd-vmq", "True",
          "pmd-vmq: \"True\" is not true or false, keeping false" },
        { "pmd-vmq", "1",
          "pmd-vmq: \"1\" is not true or false, keeping false" },
        { "pmd-vmq", "",
          "pmd-vmq: \"\" is not true or false, keeping false" },
        { "pmd-vmq-cross-numa", "true ",
          "pmd-vmq-cross-numa: \"true \" is not true or false, "
          "keeping false" },
        { "pmd-vmq-pack-target", "75%",
          "pmd-vmq-pack-target: \"75%\" is not a whole number (1..100 %), "
          "keeping 80 %" },
        { "pmd-vmq-credits", "",
          "pmd-vmq-credits: \"\" is not a whole number (0..64), keeping 4" },
        { "pmd-vmq-credits", "+4",
          "pmd-vmq-credits: \"+4\" is not a whole number (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", "-1",
          "pmd-vmq-credits: \"-1\" is not a whole number (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", " 4",
          "pmd-vmq-credits: \" 4\" is not a whole number (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", "0x4",
          "pmd-vmq-credits: \"0x4\" is not a whole number (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", "4.0",
          "pmd-vmq-credits: \"4.0\" is not a whole number (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", "4294967300",      /* 2**32 + 4. */
          "pmd-vmq-credits: \"4294967300\" is out of range (0..64), "
          "keeping 4" },
        { "pmd-vmq-credits", "18446744073709551620", /* 2**64 + 4. */
          "pmd-vmq-credits: \"18446744073709551620\" is out of range "
          "(0..64), keeping 4" },
        { "pmd-vmq-credits",
          "99999999999999999999999999999999999999999999999999",
          "pmd-vmq-credits: "
          "\"9999999999999999999999999999999999999999\"... "
          "is out of range (0..64), keeping 4" },
        { "pmd-vmq-credits", "\n4\x7f\xc3\xa4",
          "pmd-vmq-credits: \"?4???\" is not a whole number (0..64), "
          "keeping 4" },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct vmq_config config, before;

        vmq_config_init(&config);
        before = config;
        TEST_ERROR(vmq_config_set(&config, find(cases[i].key),
                                  cases[i].value), cases[i].error);
        assert_memory_equal(&config, &before, sizeof config);
    }

    /* The last good value stays, which need not be the default. */
    struct vmq_config config;

    vmq_config_init(&config);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq-credits"), "7"), NULL);
    TEST_ERROR(vmq_config_set(&config, find("pmd-vmq-credits"), "65"),
               "pmd-vmq-credits: \"65\" is out of range (0..64), keeping 7");
    assert_int_equal(config.credits, 7);
}

static void
check_format(const struct vmq_config *config, const char *key,
             const char *expected)
{
    char *s = vmq_config_format(config, find(key));

    assert_string_equal(s, expected);
    free(s);
}

static void
test_format(void **state)
{
    struct vmq_config config;

    (void) state;
    vmq_config_init(&config);
    check_format(&config, "pmd-vmq", "false");
    check_format(&config, "pmd-vmq-spread-hold", "300 ms");
    check_format(&config, "pmd-vmq-spread-threshold", "85 %");
    check_format(&config, "pmd-vmq-credits", "4");
    config.enabled = 1;
    check_format(&config, "pmd-vmq", "true");
}

static void
test_effective(void **state)
{
    struct vmq_config config;

    (void) state;
    vmq_config_init(&config);
    assert_int_equal(vmq_config_spread_bp(&config), 8500);
    assert_int_equal(vmq_config_coalesce_bp(&config), 10000);
    assert_int_equal(vmq_config_pack_target_bp(&config), 8000);
    config.spread_threshold_pct = 90;
    assert_int_equal(vmq_config_pack_target_bp(&config), 8000);
    config.spread_threshold_pct = 84;
    assert_int_equal(vmq_config_pack_target_bp(&config), 7900);

    /* C4. */
    for (uint32_t spread = 1; spread <= 100; spread++) {
        for (uint32_t pack = 1; pack <= 100; pack++) {
            config.spread_threshold_pct = spread;
            config.pack_target_pct = pack;

            uint32_t bp = vmq_config_pack_target_bp(&config);

            assert_true(bp >= 100);
            assert_true(bp <= pack * 100);
            assert_true(bp < vmq_config_spread_bp(&config) || spread == 1);
            assert_true(bp + 500 <= vmq_config_spread_bp(&config)
                        || bp == 100);
        }
    }
}

/* Any text for any setting in any order: C1, C2, C3. */
static void
test_random(void **state)
{
    static const char alphabet[] = "0123456789  +-x.%truefals\n\xff";
    unsigned long int n_cases = test_n_cases(20000);
    struct vmq_config config;
    struct test_random r;

    (void) state;
    test_random_init(&r, "config", n_cases);
    vmq_config_init(&config);
    for (unsigned long int i = 0; i < n_cases; i++) {
        size_t j = test_random_range(&r, 0, vmq_n_settings - 1);
        const struct vmq_setting *setting = &vmq_settings[j];
        struct vmq_config before = config;
        struct vmq_config fresh;
        char value[12];
        size_t n = test_random_range(&r, 0, sizeof value - 1);
        size_t n_chars = test_one_in(&r, 4) ? sizeof alphabet - 1 : 10;

        for (size_t k = 0; k < n; k++) {
            value[k] = alphabet[test_random_range(&r, 0, n_chars - 1)];
        }
        value[n] = '\0';

        char *error = vmq_config_set(&config, setting, value);
        uint32_t now = vmq_config_get(&config, setting);

        assert_true(now >= setting->min && now <= setting->max);
        if (error) {
            assert_memory_equal(&config, &before, sizeof config);
            assert_null(strchr(error, '\n'));
        } else if (setting->type == VMQ_SETTING_UINT) {
            assert_int_equal(now, strtoul(value, NULL, 10));
        }
        for (size_t k = 0; k < vmq_n_settings; k++) {
            if (k != j) {
                assert_int_equal(vmq_config_get(&config, &vmq_settings[k]),
                                 vmq_config_get(&before, &vmq_settings[k]));
            }
        }

        vmq_config_init(&fresh);
        char *again = vmq_config_set(&fresh, setting, value);

        assert_int_equal(!error, !again);
        free(again);
        free(error);

        char *text = vmq_config_format(&config, setting);

        text[strcspn(text, " ")] = '\0';
        before = config;
        TEST_ERROR(vmq_config_set(&config, setting, text), NULL);
        assert_memory_equal(&config, &before, sizeof config);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_effective),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

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

#ifndef VMQ_CONFIG_H
#define VMQ_CONFIG_H 1

/* Settings: one table of keys, units, ranges, defaults and help.
 *
 * Motivation
 * ==========
 *
 * A setting has a parser, a range, a default, a place in vmq-show, a paragraph
 * in ovs-vswitchd.conf.db(5) and a row in the README.  Written by hand in six
 * places, they drift apart.  Here each setting is one element of
 * vmq_settings[], from which all of that is made: see build-aux/vmq-docs.c for
 * the documentation.
 *
 * A setting that cannot be used must not take the switch down, nor the
 * settings beside it.  So each is set by itself, in any order, and a bad value
 * leaves the last good one in place.
 *
 * Invariants
 * ==========
 *
 * C1. Every value in a 'struct vmq_config' is in the range of its setting,
 *     given that vmq_config_init() and vmq_config_set() wrote it.
 *
 * C2. vmq_config_set() changes one setting, or nothing if it fails.  What it
 *     does depends on its arguments alone: not on what the other settings are,
 *     nor on which were set before.
 *
 * C3. What vmq_config_format() yields, less the unit, vmq_config_set()
 *     accepts, and it changes nothing.
 *
 * C4. vmq_config_pack_target_bp() < vmq_config_spread_bp() unless the latter
 *     is at its minimum of 1 %: queues that were moved to a PMD do not by
 *     themselves make it overloaded.
 *
 * Usage
 * =====
 *
 *     struct vmq_config config;
 *
 *     vmq_config_init(&config);
 *     for (size_t i = 0; i < vmq_n_settings; i++) {
 *         const struct vmq_setting *setting = &vmq_settings[i];
 *         const char *value = smap_get(other_config, setting->key);
 *         char *error = vmq_config_set(&config, setting, value);
 *
 *         if (error) {
 *             VLOG_WARN("%s", error);
 *             free(error);
 *         }
 *     }
 *
 * Thread-safety
 * =============
 *
 * The table is constant, and a 'struct vmq_config' is plain memory with one
 * owner. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vmq_config {
    uint32_t enabled;                   /* Boolean. */
    uint32_t interval_ms;
    uint32_t spread_threshold_pct;
    uint32_t spread_hold_ms;
    uint32_t edge_us;
    uint32_t coalesce_threshold_pct;
    uint32_t coalesce_hold_ms;
    uint32_t pack_target_pct;           /* As set: see pack_target_bp(). */
    uint32_t credits;
    uint32_t credit_refill_ms;
    uint32_t max_moves;
    uint32_t min_pmds;
    uint32_t max_pmds;
    uint32_t cross_numa;                /* Boolean. */
};

enum vmq_setting_type { VMQ_SETTING_BOOL, VMQ_SETTING_UINT };

struct vmq_setting {
    const char *key;                    /* "pmd-vmq-interval". */
    enum vmq_setting_type type;
    const char *unit;                   /* "ms", "%", "" if none. */
    uint32_t min, max, def;
    size_t offset;                      /* Of a uint32_t in vmq_config. */
    const char *summary;                /* A few words, for the README. */

    /* For vswitch.xml: sentences in ASCII, "\n\n" between paragraphs.  The
     * default and the range are not in it, what each end costs is. */
    const char *help;
};

extern const struct vmq_setting vmq_settings[];
extern const size_t vmq_n_settings;

/* Of one port, by index.  These have no offset. */
enum vmq_port_setting {
    VMQ_PORT_ENABLED,                   /* "pmd-vmq". */
    VMQ_PORT_RESERVE,                   /* "pmd-vmq-reserve". */
    VMQ_N_PORT_SETTINGS
};
extern const struct vmq_setting vmq_port_settings[VMQ_N_PORT_SETTINGS];

void vmq_config_init(struct vmq_config *);      /* All defaults. */

/* Sets 'setting' in '*config' from the text 'value', NULL meaning the
 * default: "true" or "false" for a boolean, only digits for a number.  Returns
 * NULL if successful.  Otherwise leaves '*config' alone and returns a
 * malloc()'d message, one line of ASCII, that says what is wrong, what is
 * allowed and what is kept. */
char *vmq_config_set(struct vmq_config *, const struct vmq_setting *,
                     const char *value);
/* The same for a value that is by itself. */
char *vmq_setting_set(uint32_t *, const struct vmq_setting *,
                      const char *value);
const struct vmq_setting *vmq_setting_find(const char *key);
uint32_t vmq_config_get(const struct vmq_config *, const struct vmq_setting *);
/* "true", "300 ms", "85 %", "4"; malloc()'d. */
char *vmq_config_format(const struct vmq_config *, const struct vmq_setting *);

/* Effective values, in basis points of one PMD.  The pack target is at least 5
 * points below the spread threshold, and at least 1 point. */
uint32_t vmq_config_spread_bp(const struct vmq_config *);
uint32_t vmq_config_coalesce_bp(const struct vmq_config *);
uint32_t vmq_config_pack_target_bp(const struct vmq_config *);

#ifdef __cplusplus
}
#endif

#endif /* vmq-config.h */

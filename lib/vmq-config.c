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

#include "vmq-util.h"

/* "pack-target" stays this far below "spread-threshold", in percent. */
#define PACK_MARGIN_PCT 5

/* A value quoted in a message is cut off after this many bytes.  Every value
 * that can be right is much shorter. */
#define MAX_QUOTED 40

#define SETTING(KEY, TYPE, UNIT, MIN, MAX, DEF, MEMBER) \
    .key = KEY, .type = VMQ_SETTING_##TYPE, .unit = UNIT, \
    .min = MIN, .max = MAX, .def = DEF, \
    .offset = offsetof(struct vmq_config, MEMBER)

const struct vmq_setting vmq_settings[] = {
    { SETTING("pmd-vmq", BOOL, "", 0, 1, 0, enabled),
      .summary = "turn dynamic VMQ on",
      .help =
      "Turns dynamic VMQ on: while Open vSwitch runs, receive queues move "
      "between PMD threads, so that as many PMD threads poll as the traffic "
      "needs and no more.  A PMD thread that has no queue left blocks and "
      "uses no CPU time until it gets one again."
      "\n\n"
      "Queues that pmd-rxq-affinity assigns to a core and queues of "
      "interfaces whose other_config:pmd-vmq is false are measured but stay "
      "where they are.  While this is true, pmd-auto-lb is ignored.  While it "
      "is false, queues are assigned as they were without this feature, and "
      "nothing is measured." },

    { SETTING("pmd-vmq-interval", UINT, "ms", 10, 60000, 100, interval_ms),
      .summary = "time between two looks at the load",
      .help =
      "How often the load of every receive queue and PMD thread is measured "
      "and a decision is made."
      "\n\n"
      "A shorter interval lets an overload be noticed sooner, but never "
      "sooner than pmd-vmq-spread-hold, and costs CPU time in a thread of its "
      "own, which looks at every queue once an interval.  With an interval "
      "longer than pmd-vmq-spread-hold, a decision rests on one measurement, "
      "and overload may last a whole interval before anything is done about "
      "it." },

    { SETTING("pmd-vmq-spread-threshold", UINT, "%", 1, 100, 85,
              spread_threshold_pct),
      .summary = "load over which queues leave a PMD thread",
      .help =
      "A PMD thread whose queues took more than this part of its time, on "
      "average over pmd-vmq-spread-hold, is overloaded: some of its queues "
      "move to other PMD threads, and if need be a PMD thread that has no "
      "queue is woken."
      "\n\n"
      "With a high value, fewer PMD threads are in use, but there is less "
      "room for bursts and for growth during the time it takes to react: "
      "near 100 packets are already lost when the first queue moves.  With a "
      "low value, more PMD threads are in use than the traffic needs.  The "
      "load counts the time spent on packets and not the time spent on "
      "polling queues without finding any." },

    { SETTING("pmd-vmq-spread-hold", UINT, "ms", 0, 600000, 300,
              spread_hold_ms),
      .summary = "time a load has to last before queues leave",
      .help =
      "How far back the load reaches that is compared to "
      "pmd-vmq-spread-threshold.  Also, after queues have moved, the PMD "
      "threads involved are left alone for this long, so that the next "
      "decision rests on what the move achieved."
      "\n\n"
      "A short time reacts sooner, and to bursts that would have passed by "
      "themselves.  A long time averages bursts away, and leaves a PMD thread "
      "overloaded, losing packets, for that long.  With 0, the last "
      "measurement alone decides, see pmd-vmq-interval." },

    { SETTING("pmd-vmq-edge", UINT, "us", 0, 100000, 500, edge_us),
      .summary = "time packets may wait before queues leave; 0: any",
      .help =
      "When a queue has had more packets than its PMD thread could take at "
      "once for this long without a break, queues leave that PMD thread at "
      "once: pmd-vmq-spread-hold does not matter then, nor when the next "
      "measurement is due.  What is looked at instead is the load of some "
      "hundred microseconds."
      "\n\n"
      "A short time loses fewer packets when a load rises suddenly: at a "
      "million packets a second more than can be taken, a ring of 1,024 is "
      "full after a millisecond.  It also takes bursts for a rise that would "
      "have been over soon.  A long time leaves them alone.  If no move would "
      "help, it is tried again after twice the time, four times, and so on, "
      "up to pmd-vmq-spread-hold.  All of this together takes a tenth of a "
      "CPU in the long run.  With 0, nothing happens before "
      "pmd-vmq-spread-hold." },

    { SETTING("pmd-vmq-coalesce-threshold", UINT, "%", 0, 100, 100,
              coalesce_threshold_pct),
      .summary = "load under which PMD threads are freed; 0 for never",
      .help =
      "A PMD thread whose load has stayed under this value for "
      "pmd-vmq-coalesce-hold gives all of its queues to other PMD threads, "
      "if these stay under pmd-vmq-pack-target with them, and blocks.  With "
      "100, that happens at any load."
      "\n\n"
      "Lower values leave PMD threads alone that have something to do: fewer "
      "queues move, and more CPUs are used."
      "\n\n"
      "With 0, PMD threads are never freed: those that were woken once go on "
      "using a whole CPU each." },

    { SETTING("pmd-vmq-coalesce-hold", UINT, "ms", 0, 3600000, 2000,
              coalesce_hold_ms),
      .summary = "time a load has to be low before a PMD thread is freed",
      .help =
      "How long the load must have been low before a PMD thread is freed.  "
      "What counts is the highest load in that time, in steps of a "
      "twentieth of it."
      "\n\n"
      "A long time keeps PMD threads ready for traffic that comes back, and "
      "their CPUs busy with polling nothing.  A short time saves more CPU "
      "time, but a load that goes up and down more slowly than this makes "
      "queues move each time it does." },

    { SETTING("pmd-vmq-pack-target", UINT, "%", 1, 100, 80, pack_target_pct),
      .summary = "load up to which a PMD thread is given queues",
      .help =
      "A PMD thread is given another queue only if its load is expected to "
      "stay under this value, except to relieve a PMD thread that is worse "
      "off."
      "\n\n"
      "With a high value, fewer PMD threads are in use, and a small growth "
      "of a load makes the queues move again.  A low value leaves room for "
      "growth at the price of more PMD threads.  The value in effect is at "
      "least 5 points less than pmd-vmq-spread-threshold and at least 1 %, so "
      "that a PMD thread that was given queues is not overloaded by them at "
      "once." },

    { SETTING("pmd-vmq-credits", UINT, "", 0, 64, 4, credits),
      .summary = "moves a queue can save up; 0 for no limit",
      .help =
      "The number of credits a queue can hold.  Moving costs a queue a "
      "credit, and more to return to the PMD thread that it left last, but "
      "nothing if that frees a PMD thread on which it has stayed for "
      "pmd-vmq-coalesce-hold.  "
      "Without credit it stays, unless the PMD thread that it is on is losing "
      "packets: then it may overdraw, by as many credits.  A credit comes "
      "back every pmd-vmq-credit-refill.  This is what stops queues from "
      "jumping to and fro between PMD threads."
      "\n\n"
      "With a high value, a queue can move often in a short time, and each "
      "move costs a little: its flows have to become known to the other PMD "
      "thread, and caches are cold.  With a low value, queues stay in a place "
      "that has become a bad one until they have earned a credit.  With 0, "
      "moves cost nothing and are not limited." },

    { SETTING("pmd-vmq-credit-refill", UINT, "ms", 1, 3600000, 250,
              credit_refill_ms),
      .summary = "time in which a queue earns a credit",
      .help =
      "How long it takes a queue that stays to earn a credit, see "
      "pmd-vmq-credits.  The time doubles, up to 16 times as long, each time "
      "a queue returns to a PMD thread that it came from, and halves again "
      "for each minute without that."
      "\n\n"
      "In the long run, a queue moves at most once in this time, and once in "
      "pmd-vmq-coalesce-hold to free a PMD thread.  A short "
      "time allows lots of moves for a load that goes up and down.  A long "
      "time leaves queues on PMD threads that are too many or too busy until "
      "they may move again." },

    { SETTING("pmd-vmq-max-moves", UINT, "", 1, 64, 16, max_moves),
      .summary = "queues moved at most in one interval",
      .help =
      "How many queues move at most each pmd-vmq-interval."
      "\n\n"
      "A low value spreads the work of moving over time, and takes longer "
      "to relieve a PMD thread that polls many queues with small loads.  "
      "With a high value, a PMD thread is relieved or freed in one step, and "
      "no other plan is made until that is done." },

    { SETTING("pmd-vmq-min-pmds", UINT, "", 1, 1024, 1, min_pmds),
      .summary = "PMD threads per NUMA node kept polling",
      .help =
      "The number of PMD threads that keep polling on each NUMA node, however "
      "little traffic there is.  PMD threads that are isolated by "
      "pmd-rxq-affinity do not count.  Where there are fewer queues or PMD "
      "threads than this, or pmd-vmq-max-pmds is lower, the smallest of these "
      "numbers holds."
      "\n\n"
      "A higher value has PMD threads ready for sudden traffic and keeps "
      "their CPUs busy for good.  With 1, one PMD thread polls everything "
      "when it is quiet, and traffic that grows suddenly is served by that "
      "one alone for pmd-vmq-spread-hold." },

    { SETTING("pmd-vmq-max-pmds", UINT, "", 0, 1024, 0, max_pmds),
      .summary = "PMD threads per NUMA node that may poll; 0 for all",
      .help =
      "The number of PMD threads that may be in use at the same time on each "
      "NUMA node, or 0 for all of those in pmd-cpu-mask.  PMD threads that "
      "are isolated by pmd-rxq-affinity do not count.  When the value is "
      "lowered, the PMD threads that are too many give away their queues."
      "\n\n"
      "A low value reserves CPU time for other uses, even when packets are "
      "lost for want of it.  There is no price for a high one as long as the "
      "CPUs in pmd-cpu-mask are the switch's own." },

    { SETTING("pmd-vmq-cross-numa", BOOL, "", 0, 1, 0, cross_numa),
      .summary = "let queues move to another NUMA node",
      .help =
      "Whether a queue may be polled on another NUMA node than that of its "
      "device when that node's PMD threads are overloaded."
      "\n\n"
      "This uses PMD threads that would idle otherwise, but each packet then "
      "crosses the link between the nodes, which makes it cost more CPU time "
      "and share that link with everything else.  With false, queues never "
      "leave their node, and a node can be overloaded beside an idle one." },
};
const size_t vmq_n_settings = sizeof vmq_settings / sizeof vmq_settings[0];

const struct vmq_setting vmq_port_settings[VMQ_N_PORT_SETTINGS] = {
    [VMQ_PORT_ENABLED] = { .key = "pmd-vmq", .type = VMQ_SETTING_BOOL,
                           .unit = "", .max = 1, .def = 1 },
    [VMQ_PORT_RESERVE] = { .key = "pmd-vmq-reserve", .type = VMQ_SETTING_UINT,
                           .unit = "%", .max = 100 },
};

static uint32_t *
setting_value(struct vmq_config *config, const struct vmq_setting *setting)
{
    return (uint32_t *) (void *) ((char *) config + setting->offset);
}

void
vmq_config_init(struct vmq_config *config)
{
    for (size_t i = 0; i < vmq_n_settings; i++) {
        *setting_value(config, &vmq_settings[i]) = vmq_settings[i].def;
    }
}

const struct vmq_setting *
vmq_setting_find(const char *key)
{
    for (size_t i = 0; i < vmq_n_settings; i++) {
        if (!strcmp(key, vmq_settings[i].key)) {
            return &vmq_settings[i];
        }
    }
    return NULL;
}

uint32_t
vmq_config_get(const struct vmq_config *config,
               const struct vmq_setting *setting)
{
    uint32_t value;

    memcpy(&value, (const char *) config + setting->offset, sizeof value);
    return value;
}

static char *
format(uint32_t value, const struct vmq_setting *setting)
{
    if (setting->type == VMQ_SETTING_BOOL) {
        return vmq_xstrdup(value ? "true" : "false");
    }
    return vmq_xasprintf("%lu%s%s", (unsigned long int) value,
                         setting->unit[0] ? " " : "", setting->unit);
}

char *
vmq_config_format(const struct vmq_config *config,
                  const struct vmq_setting *setting)
{
    return format(vmq_config_get(config, setting), setting);
}

/* Returns 'value' in quotes, fit for one line of a log. */
static char *
quote(const char *value)
{
    size_t length = strlen(value);
    size_t n = length < MAX_QUOTED ? length : MAX_QUOTED;

    return vmq_make_printable(vmq_xasprintf("\"%.*s\"%s", (int) n, value,
                                            n < length ? "..." : ""));
}

static char *
bad_value(uint32_t kept, const struct vmq_setting *setting, const char *value,
          const char *what)
{
    char *current = format(kept, setting);
    char *quoted = quote(value);
    char *message;

    if (setting->type == VMQ_SETTING_BOOL) {
        message = vmq_xasprintf("%s: %s is %s, keeping %s",
                                setting->key, quoted, what, current);
    } else {
        message = vmq_xasprintf("%s: %s is %s (%lu..%lu%s%s), keeping %s",
                                setting->key, quoted, what,
                                (unsigned long int) setting->min,
                                (unsigned long int) setting->max,
                                setting->unit[0] ? " " : "", setting->unit,
                                current);
    }
    free(current);
    free(quoted);
    return message;
}

char *
vmq_setting_set(uint32_t *where, const struct vmq_setting *setting,
                const char *value)
{
    uint64_t number = 0;

    if (!value) {
        number = setting->def;
    } else if (setting->type == VMQ_SETTING_BOOL) {
        if (strcmp(value, "true") && strcmp(value, "false")) {
            return bad_value(*where, setting, value, "not true or false");
        }
        number = value[0] == 't';
    } else {
        if (!value[0] || value[strspn(value, "0123456789")]) {
            return bad_value(*where, setting, value, "not a whole number");
        }
        for (const char *p = value; *p && number <= UINT32_MAX; p++) {
            number = number * 10 + (*p - '0');
        }
        if (number < setting->min || number > setting->max) {
            return bad_value(*where, setting, value, "out of range");
        }
    }

    *where = number;
    return NULL;
}

char *
vmq_config_set(struct vmq_config *config, const struct vmq_setting *setting,
               const char *value)
{
    return vmq_setting_set(setting_value(config, setting), setting, value);
}

uint32_t
vmq_config_spread_bp(const struct vmq_config *config)
{
    return config->spread_threshold_pct * 100;
}

uint32_t
vmq_config_coalesce_bp(const struct vmq_config *config)
{
    return config->coalesce_threshold_pct * 100;
}

uint32_t
vmq_config_pack_target_bp(const struct vmq_config *config)
{
    uint32_t spread_pct = config->spread_threshold_pct;
    uint32_t limit_pct = (spread_pct > PACK_MARGIN_PCT
                          ? spread_pct - PACK_MARGIN_PCT : 1);

    return (config->pack_target_pct < limit_pct
            ? config->pack_target_pct : limit_pct) * 100;
}

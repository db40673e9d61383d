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
#include "vmq-sim-args.h"

#include <getopt.h>

#include "vmq-config.h"

#define MAX_PMDS 4096

void
sim_fatal(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "ovs-vmq-sim: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

static void
usage(void)
{
    printf("\
ovs-vmq-sim: replays loads of receive queues against policies\n\
usage: ovs-vmq-sim --trace FILE[.gz] --pmds N[,N...] [OPTION]...\n\
       ovs-vmq-sim --from-snapshot FILE|- [--set KEY=VALUE]...\n\
\n\
Input:\n\
  --trace FILE              loads over time (CSV, may be gzipped)\n\
  --pmds N[,N...]           PMDs of each NUMA node\n\
  --speedup X               play the trace X times as fast\n\
  --shape step|ramp         loads stay until the next row (default), or go\n\
                            there along a straight line\n\
  --from-snapshot FILE      what would the planner do?  FILE: the output of\n\
                            ovs-appctl dpif-netdev/vmq-show --json\n\
\n\
What to play:\n\
  --policy LIST|all         policies, separated by commas (default: all)\n\
  --set KEY=VALUE           a setting of VMQ, such as pack-target=70\n\
  --sweep KEY=VALUE,VALUE...  all of these values; more than one --sweep\n\
                            makes a grid\n\
\n\
The host:\n\
  --hz HZ                   cycles/s of a PMD (default: 2.4e9)\n\
  --cycles-per-packet N     default: 600\n\
  --ring N                  packets that a queue's ring holds (2048)\n\
  --move-blackout-us N      a queue that moves is not polled for so long (0)\n\
  --upcall-us N             processing for each flow of such a queue (0)\n\
  --flows N                 flows of each queue (1000)\n\
  --seed N                  shuffles queues and ticks (0: does not)\n\
  --noise X                 disturbances of a real host: 1 as measured,\n\
                            2 twice that, 0 none (default)\n\
  --every-tick              skip none in which nothing can change (slow)\n\
\n\
Output:\n\
  --format text|json|csv    default: text\n\
  --timeline FILE           CSV for ovs-vmq-plot\n\
  --jobs N                  policies played at a time (default: CPUs)\n\
  -h, --help                this help\n\
  -V, --version             the version\n\
\n\
Policies:\n");
    for (unsigned int i = 0; i < sim_n_policies; i++) {
        printf("  %-16s%s\n", sim_policies[i]->name,
               sim_policies[i]->summary);
    }
    exit(EXIT_SUCCESS);
}

static double
parse_number(const char *option, const char *s, double min, double max)
{
    char *end;
    double value = strtod(s, &end);

    if (!*s || *end || !(value >= min && value <= max)) {
        sim_fatal("--%s: \"%s\" is not a number from %g to %g", option, s,
                  min, max);
    }
    return value;
}

static void
parse_pmds(struct sim_args *args, const char *s)
{
    struct sim_options *options = &args->options;
    int32_t numa_id = 0;

    for (options->n_pmds = 0; ; s++, numa_id++) {
        char *end;
        unsigned long int n = strtoul(s, &end, 10);

        if (end == s || *s == '-' || (*end && *end != ',')) {
            sim_fatal("--pmds: \"%s\" is not a number of PMDs", s);
        } else if (n > MAX_PMDS - options->n_pmds) {
            sim_fatal("--pmds: there cannot be more than %d", MAX_PMDS);
        }
        args->numa_ids = vmq_xrealloc(args->numa_ids, options->n_pmds + n,
                                      sizeof *args->numa_ids);
        while (n--) {
            args->numa_ids[options->n_pmds++] = numa_id;
        }
        s = end;
        if (!*s) {
            break;
        }
    }
    if (!options->n_pmds) {
        sim_fatal("--pmds: there must be at least one PMD");
    }
    options->numa_ids = args->numa_ids;
}

static void
add_policy(struct sim_args *args, const struct sim_policy *policy)
{
    /* An array of pointers. */
    args->policies = vmq_xrealloc(args->policies, args->n_policies + 1,
                                  sizeof *args->policies); /* NOLINT */
    args->policies[args->n_policies++] = policy;
}

static void
parse_policies(struct sim_args *args, const char *list)
{
    char *copy = vmq_xstrdup(list);
    char *save = NULL;

    args->n_policies = 0;
    for (char *name = strtok_r(copy, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        const struct sim_policy *policy = sim_policy_find(name);

        if (policy) {
            add_policy(args, policy);
        } else if (!strcmp(name, "all")) {
            for (unsigned int i = 0; i < sim_n_policies; i++) {
                add_policy(args, sim_policies[i]);
            }
        } else {
            sim_fatal("--policy: there is no policy \"%s\" (--help lists "
                      "them)", name);
        }
    }
    if (!args->n_policies) {
        sim_fatal("--policy: names no policy");
    }
    free(copy);
}

/* Finds the setting in "KEY=VALUE", whose "pmd-vmq-" may be left out. */
static const struct vmq_setting *
parse_setting(const char *option, const char *arg, const char **value)
{
    const char *equals = strchr(arg, '=');
    const struct vmq_setting *setting;
    char *key;

    if (!equals) {
        sim_fatal("--%s: \"%s\" is not KEY=VALUE", option, arg);
    }
    *value = equals + 1;
    key = vmq_xasprintf("%.*s", (int) (equals - arg), arg);
    setting = vmq_setting_find(key);
    if (!setting) {
        char *longer = vmq_xasprintf("pmd-vmq-%s", key);

        setting = vmq_setting_find(longer);
        free(longer);
    }
    if (!setting) {
        sim_fatal("--%s: there is no setting \"%s\"", option, key);
    }
    free(key);
    return setting;
}

static void
set_setting(const char *option, struct vmq_config *config,
            const struct vmq_setting *setting, const char *value)
{
    char *error = vmq_config_set(config, setting, value);

    if (error) {
        sim_fatal("--%s: %s", option, error);
    }
}

static void
parse_sweep(struct sim_args *args, const char *arg)
{
    struct sim_sweep_key *sweep = &args->sweep[args->n_sweep++];
    struct vmq_config config;
    const char *list;
    char *copy, *save = NULL;

    if (args->n_sweep > SIM_MAX_SWEEP_KEYS) {
        sim_fatal("--sweep: at most %d keys", SIM_MAX_SWEEP_KEYS);
    }
    vmq_config_init(&config);
    sweep->setting = parse_setting("sweep", arg, &list);
    copy = vmq_xstrdup(list);
    for (char *value = strtok_r(copy, ",", &save); value;
         value = strtok_r(NULL, ",", &save)) {
        set_setting("sweep", &config, sweep->setting, value);
        sweep->values = vmq_xrealloc(sweep->values, sweep->n_values + 1,
                                     sizeof *sweep->values);
        sweep->values[sweep->n_values++] = vmq_xstrdup(value);
    }
    if (!sweep->n_values) {
        sim_fatal("--sweep: %s has no values", arg);
    }
    free(copy);
}

static enum sim_format
parse_format(const char *s)
{
    if (!strcmp(s, "text")) {
        return SIM_FORMAT_TEXT;
    } else if (!strcmp(s, "json")) {
        return SIM_FORMAT_JSON;
    } else if (!strcmp(s, "csv")) {
        return SIM_FORMAT_CSV;
    }
    sim_fatal("--format: \"%s\" is not text, json or csv", s);
}

void
sim_args_parse(struct sim_args *args, int argc, char *argv[])
{
    enum {
        OPT_TRACE = 256, OPT_PMDS, OPT_POLICY, OPT_SPEEDUP, OPT_SHAPE,
        OPT_SET, OPT_HZ, OPT_CYCLES, OPT_RING, OPT_SEED, OPT_FORMAT,
        OPT_TIMELINE, OPT_SWEEP, OPT_SNAPSHOT, OPT_BLACKOUT, OPT_UPCALL,
        OPT_FLOWS, OPT_JOBS, OPT_EVERY_TICK, OPT_NOISE,
    };
    static const struct option long_options[] = {
        { "trace", required_argument, NULL, OPT_TRACE },
        { "pmds", required_argument, NULL, OPT_PMDS },
        { "policy", required_argument, NULL, OPT_POLICY },
        { "speedup", required_argument, NULL, OPT_SPEEDUP },
        { "shape", required_argument, NULL, OPT_SHAPE },
        { "set", required_argument, NULL, OPT_SET },
        { "hz", required_argument, NULL, OPT_HZ },
        { "cycles-per-packet", required_argument, NULL, OPT_CYCLES },
        { "ring", required_argument, NULL, OPT_RING },
        { "seed", required_argument, NULL, OPT_SEED },
        { "format", required_argument, NULL, OPT_FORMAT },
        { "timeline", required_argument, NULL, OPT_TIMELINE },
        { "sweep", required_argument, NULL, OPT_SWEEP },
        { "from-snapshot", required_argument, NULL, OPT_SNAPSHOT },
        { "move-blackout-us", required_argument, NULL, OPT_BLACKOUT },
        { "upcall-us", required_argument, NULL, OPT_UPCALL },
        { "flows", required_argument, NULL, OPT_FLOWS },
        { "jobs", required_argument, NULL, OPT_JOBS },
        { "noise", required_argument, NULL, OPT_NOISE },
        { "every-tick", no_argument, NULL, OPT_EVERY_TICK },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    struct sim_options *options = &args->options;
    int c;

    vmq_config_init(&options->config);
    options->speedup = 1;
    options->hz = 2.4e9;
    options->cycles_per_packet = 600;
    options->ring = 2048;
    options->flows = 1000;
    parse_policies(args, "all");
    while ((c = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
        const struct vmq_setting *setting;
        const char *value;

        switch (c) {
        case OPT_TRACE: args->trace_file = optarg; break;
        case OPT_PMDS: parse_pmds(args, optarg); break;
        case OPT_POLICY: parse_policies(args, optarg); break;
        case OPT_SPEEDUP:
            options->speedup = parse_number("speedup", optarg, 1e-3, 1e6);
            break;
        case OPT_SHAPE:
            if (strcmp(optarg, "step") && strcmp(optarg, "ramp")) {
                sim_fatal("--shape: \"%s\" is neither step nor ramp", optarg);
            }
            options->ramp = !strcmp(optarg, "ramp");
            break;
        case OPT_SET:
            setting = parse_setting("set", optarg, &value);
            set_setting("set", &options->config, setting, value);
            args->overrides = vmq_xrealloc(args->overrides,
                                           args->n_overrides + 1,
                                           sizeof *args->overrides);
            args->overrides[args->n_overrides++]
                = (struct sim_override) { setting, value };
            break;
        case OPT_HZ: options->hz = parse_number("hz", optarg, 1, 1e12); break;
        case OPT_CYCLES:
            options->cycles_per_packet = parse_number("cycles-per-packet",
                                                      optarg, 1, 1e9);
            break;
        case OPT_RING:
            options->ring = parse_number("ring", optarg, 1, 1e9);
            break;
        case OPT_SEED:
            options->seed = parse_number("seed", optarg, 0, UINT32_MAX);
            break;
        case OPT_FORMAT: args->format = parse_format(optarg); break;
        case OPT_TIMELINE: args->timeline_file = optarg; break;
        case OPT_SWEEP: parse_sweep(args, optarg); break;
        case OPT_SNAPSHOT: args->snapshot_file = optarg; break;
        case OPT_BLACKOUT:
            options->move_blackout_us = parse_number("move-blackout-us",
                                                     optarg, 0, 1e9);
            break;
        case OPT_UPCALL:
            options->upcall_us = parse_number("upcall-us", optarg, 0, 1e9);
            break;
        case OPT_FLOWS:
            options->flows = parse_number("flows", optarg, 0, 1e9);
            break;
        case OPT_JOBS:
            args->n_threads = parse_number("jobs", optarg, 1, 1024);
            break;
        case OPT_NOISE:
            options->noise = parse_number("noise", optarg, 0, 100);
            break;
        case OPT_EVERY_TICK: options->every_tick = true; break;
        case 'h': usage(); break;
        case 'V':
            printf("ovs-vmq-sim %s\n", PACKAGE_VERSION);
            exit(EXIT_SUCCESS);
        default:
            exit(EXIT_FAILURE);
        }
    }
    if (optind < argc) {
        sim_fatal("\"%s\" is no option (use --help for help)", argv[optind]);
    }
    if (!args->snapshot_file) {
        if (!args->trace_file || !options->n_pmds) {
            sim_fatal("--trace and --pmds are needed (use --help for help)");
        }
        if (args->n_sweep && args->timeline_file) {
            sim_fatal("--timeline is for one run of each policy, not --sweep");
        }
    }
}

const char *
sim_sweep_value(const struct sim_args *args, size_t i, size_t key)
{
    for (size_t k = 0; k < key; k++) {
        i /= args->sweep[k].n_values;
    }
    return args->sweep[key].values[i % args->sweep[key].n_values];
}

void
sim_sweep_set(const struct sim_args *args, size_t i,
              struct vmq_config *config)
{
    for (size_t k = 0; k < args->n_sweep; k++) {
        set_setting("sweep", config, args->sweep[k].setting,
                    sim_sweep_value(args, i, k));
    }
}

void
sim_args_destroy(struct sim_args *args)
{
    for (size_t k = 0; k < args->n_sweep; k++) {
        for (size_t i = 0; i < args->sweep[k].n_values; i++) {
            free(args->sweep[k].values[i]);
        }
        free(args->sweep[k].values);
    }
    free(args->overrides);
    free(args->policies);
    free(args->numa_ids);
}

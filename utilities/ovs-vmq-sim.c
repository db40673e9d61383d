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

/* ovs-vmq-sim: replays loads of receive queues against policies.  See
 * ovs-vmq-sim(1). */

#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "vmq-config.h"
#include "vmq-sim.h"
#include "vmq-sim-explain.h"
#include "vmq-snapshot.h"
#include "vmq-trace.h"
#include "vmq-util.h"

/* Rows of a timeline: as many as a wide picture has columns. */
#define N_PERIODS 2000

#define MAX_PMDS 4096

/* The simulation counts nanoseconds, in 64 bits. */
#define MIN_SECONDS 1e-3
#define MAX_SECONDS 1e9

#define MAX_SWEEP_KEYS 4
#define MAX_GRID 10000

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

/* One run: a policy with settings. */
struct job {
    struct sim_options options;
    const struct sim_policy *policy;
    struct sim_result result;
    double done;                /* From 0 to 1. */
    struct crew *crew;
};

/* All runs, and the threads that take one after the other. */
struct crew {
    pthread_mutex_t mutex;      /* Protects 'next' and all 'done's. */
    struct job *jobs;
    size_t n_jobs;
    size_t next;
    bool progress;
};

struct sweep_key {
    const struct vmq_setting *setting;
    char **values;
    size_t n_values;
};

struct args {
    const char *trace_file;
    const char *snapshot_file;
    const char *timeline_file;
    struct sim_options options;
    int32_t *numa_ids;
    const struct sim_policy **policies;
    size_t n_policies;
    struct sweep_key sweep[MAX_SWEEP_KEYS];
    size_t n_sweep;
    struct sim_override *overrides;     /* By --set. */
    size_t n_overrides;
    enum format format;
    unsigned int n_threads;
};

static void fatal(const char *format, ...)
    VMQ_PRINTF_FORMAT(1, 2) __attribute__((__noreturn__));

static void
fatal(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "ovs-vmq-sim: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

/* Command line. */

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
        fatal("--%s: \"%s\" is not a number from %g to %g", option, s, min,
              max);
    }
    return value;
}

static void
parse_pmds(struct args *args, const char *s)
{
    struct sim_options *o = &args->options;
    int32_t numa_id = 0;

    for (o->n_pmds = 0; ; s++, numa_id++) {
        char *end;
        unsigned long int n = strtoul(s, &end, 10);

        if (end == s || *s == '-' || (*end && *end != ',')) {
            fatal("--pmds: \"%s\" is not a number of PMDs", s);
        } else if (n > MAX_PMDS - o->n_pmds) {
            fatal("--pmds: there cannot be more than %d", MAX_PMDS);
        }
        args->numa_ids = vmq_xrealloc(args->numa_ids, o->n_pmds + n,
                                      sizeof *args->numa_ids);
        while (n--) {
            args->numa_ids[o->n_pmds++] = numa_id;
        }
        s = end;
        if (!*s) {
            break;
        }
    }
    if (!o->n_pmds) {
        fatal("--pmds: there must be at least one PMD");
    }
    o->numa_ids = args->numa_ids;
}

static void
add_policy(struct args *args, const struct sim_policy *policy)
{
    /* An array of pointers. */
    args->policies = vmq_xrealloc(args->policies, args->n_policies + 1,
                                  sizeof *args->policies); /* NOLINT */
    args->policies[args->n_policies++] = policy;
}

static void
parse_policies(struct args *args, const char *list)
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
            fatal("--policy: there is no policy \"%s\" (--help lists them)",
                  name);
        }
    }
    if (!args->n_policies) {
        fatal("--policy: names no policy");
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
        fatal("--%s: \"%s\" is not KEY=VALUE", option, arg);
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
        fatal("--%s: there is no setting \"%s\"", option, key);
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
        fatal("--%s: %s", option, error);
    }
}

static void
parse_sweep(struct args *args, const char *arg)
{
    struct sweep_key *sweep = &args->sweep[args->n_sweep++];
    struct vmq_config config;
    const char *list;
    char *copy, *save = NULL;

    if (args->n_sweep > MAX_SWEEP_KEYS) {
        fatal("--sweep: at most %d keys", MAX_SWEEP_KEYS);
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
        fatal("--sweep: %s has no values", arg);
    }
    free(copy);
}

static enum format
parse_format(const char *s)
{
    if (!strcmp(s, "text")) {
        return FORMAT_TEXT;
    } else if (!strcmp(s, "json")) {
        return FORMAT_JSON;
    } else if (!strcmp(s, "csv")) {
        return FORMAT_CSV;
    }
    fatal("--format: \"%s\" is not text, json or csv", s);
}

static void
parse_args(struct args *args, int argc, char *argv[])
{
    enum {
        OPT_TRACE = 256, OPT_PMDS, OPT_POLICY, OPT_SPEEDUP, OPT_SHAPE,
        OPT_SET, OPT_HZ, OPT_CYCLES, OPT_RING, OPT_SEED, OPT_FORMAT,
        OPT_TIMELINE, OPT_SWEEP, OPT_SNAPSHOT, OPT_BLACKOUT, OPT_UPCALL,
        OPT_FLOWS, OPT_JOBS, OPT_EVERY_TICK,
    };
    static const struct option options[] = {
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
        { "every-tick", no_argument, NULL, OPT_EVERY_TICK },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    struct sim_options *o = &args->options;
    int c;

    vmq_config_init(&o->config);
    o->speedup = 1;
    o->hz = 2.4e9;
    o->cycles_per_packet = 600;
    o->ring = 2048;
    o->flows = 1000;
    parse_policies(args, "all");
    while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        const struct vmq_setting *setting;
        const char *value;

        switch (c) {
        case OPT_TRACE: args->trace_file = optarg; break;
        case OPT_PMDS: parse_pmds(args, optarg); break;
        case OPT_POLICY: parse_policies(args, optarg); break;
        case OPT_SPEEDUP:
            o->speedup = parse_number("speedup", optarg, 1e-3, 1e6);
            break;
        case OPT_SHAPE:
            if (strcmp(optarg, "step") && strcmp(optarg, "ramp")) {
                fatal("--shape: \"%s\" is neither step nor ramp", optarg);
            }
            o->ramp = !strcmp(optarg, "ramp");
            break;
        case OPT_SET:
            setting = parse_setting("set", optarg, &value);
            set_setting("set", &o->config, setting, value);
            args->overrides = vmq_xrealloc(args->overrides,
                                           args->n_overrides + 1,
                                           sizeof *args->overrides);
            args->overrides[args->n_overrides++]
                = (struct sim_override) { setting, value };
            break;
        case OPT_HZ: o->hz = parse_number("hz", optarg, 1, 1e12); break;
        case OPT_CYCLES:
            o->cycles_per_packet = parse_number("cycles-per-packet", optarg,
                                                1, 1e9);
            break;
        case OPT_RING:
            o->ring = parse_number("ring", optarg, 1, 1e9);
            break;
        case OPT_SEED:
            o->seed = parse_number("seed", optarg, 0, UINT32_MAX);
            break;
        case OPT_FORMAT: args->format = parse_format(optarg); break;
        case OPT_TIMELINE: args->timeline_file = optarg; break;
        case OPT_SWEEP: parse_sweep(args, optarg); break;
        case OPT_SNAPSHOT: args->snapshot_file = optarg; break;
        case OPT_BLACKOUT:
            o->move_blackout_us = parse_number("move-blackout-us", optarg, 0,
                                               1e9);
            break;
        case OPT_UPCALL:
            o->upcall_us = parse_number("upcall-us", optarg, 0, 1e9);
            break;
        case OPT_FLOWS:
            o->flows = parse_number("flows", optarg, 0, 1e9);
            break;
        case OPT_JOBS:
            args->n_threads = parse_number("jobs", optarg, 1, 1024);
            break;
        case OPT_EVERY_TICK: o->every_tick = true; break;
        case 'h': usage(); break;
        case 'V':
            printf("ovs-vmq-sim %s\n", PACKAGE_VERSION);
            exit(EXIT_SUCCESS);
        default:
            exit(EXIT_FAILURE);
        }
    }
    if (optind < argc) {
        fatal("\"%s\" is no option (use --help for help)", argv[optind]);
    }
    if (!args->snapshot_file) {
        if (!args->trace_file || !o->n_pmds) {
            fatal("--trace and --pmds are needed (use --help for help)");
        }
        if (args->n_sweep && args->timeline_file) {
            fatal("--timeline is for one run of each policy, not --sweep");
        }
    }
}

/* Runs. */

static void
report_progress(void *job_, double done)
{
    struct job *job = job_;
    struct crew *crew = job->crew;
    double sum = 0;

    pthread_mutex_lock(&crew->mutex);
    job->done = done;
    for (size_t i = 0; i < crew->n_jobs; i++) {
        sum += crew->jobs[i].done;
    }
    fprintf(stderr, "\r%3.0f %% of %zu runs", sum * 100 / crew->n_jobs,
            crew->n_jobs);
    pthread_mutex_unlock(&crew->mutex);
}

static void *
work(void *crew_)
{
    struct crew *crew = crew_;

    for (;;) {
        struct job *job = NULL;

        pthread_mutex_lock(&crew->mutex);
        if (crew->next < crew->n_jobs) {
            job = &crew->jobs[crew->next++];
        }
        pthread_mutex_unlock(&crew->mutex);
        if (!job) {
            return NULL;
        }
        sim_run(&job->options, job->policy,
                crew->progress ? report_progress : NULL, job, &job->result);
        if (crew->progress) {
            report_progress(job, 1);
        }
    }
}

static void
run_jobs(struct job *jobs, size_t n_jobs, unsigned int n_threads)
{
    struct crew crew = {
        .jobs = jobs, .n_jobs = n_jobs, .progress = isatty(STDERR_FILENO)
    };
    long int n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t *threads;

    if (!n_threads) {
        n_threads = n_cpus > 0 ? n_cpus : 1;
    }
    if (n_threads > n_jobs) {
        n_threads = n_jobs;
    }
    for (size_t i = 0; i < n_jobs; i++) {
        jobs[i].crew = &crew;
    }
    pthread_mutex_init(&crew.mutex, NULL);
    threads = vmq_xcalloc(n_threads, sizeof *threads);
    for (unsigned int i = 0; i < n_threads; i++) {
        int error = pthread_create(&threads[i], NULL, work, &crew);

        if (error) {
            fatal("cannot start a thread: %s", strerror(error));
        }
    }
    for (unsigned int i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    if (crew.progress) {
        fputs("\r                          \r", stderr);
    }
    pthread_mutex_destroy(&crew.mutex);
    free(threads);
}

/* Results. */

static double
lost_ppm(const struct sim_result *r)
{
    return (r->offered_packets > 0
            ? r->lost_packets * 1e6 / r->offered_packets : 0);
}

/* One figure of a result. */
struct figure {
    const char *name;
    double value;
    bool integer;
};

#define N_FIGURES 19

static void
get_figures(const struct job *job, const struct sim_result *oracle,
            struct figure figures[N_FIGURES])
{
    const struct sim_result *r = &job->result;
    const struct figure all[N_FIGURES] = {
        { "queues", job->options.trace->n_queues, true },
        { "pmds", job->options.n_pmds, true },
        { "seconds", r->seconds, false },
        { "offered_packets", r->offered_packets, true },
        { "lost_packets", r->lost_packets, true },
        { "lost_ppm", lost_ppm(r), false },
        { "unavoidable_lost_packets", r->unavoidable_lost_packets, true },
        { "delay_p50_us", r->delay_p50_us, false },
        { "delay_p99_us", r->delay_p99_us, false },
        { "pmd_seconds", r->pmd_seconds, false },
        { "pmd_seconds_oracle", oracle->pmd_seconds, false },
        { "mean_active_pmds", r->pmd_seconds / r->seconds, false },
        { "moves", r->moves, true },
        { "pingpongs", r->pingpongs, true },
        { "forced_returns", r->forced_returns, true },
        { "max_moves_per_queue_minute", r->max_moves_per_queue_minute, true },
        { "overload_seconds", r->overload_seconds, false },
        { "plan_us_mean", r->plan_us_mean, false },
        { "plan_us_max", r->plan_us_max, false },
    };

    memcpy(figures, all, sizeof all);
}

static json_t *
figures_to_json(const struct job *job, const struct sim_result *oracle)
{
    struct figure figures[N_FIGURES];
    json_t *json = json_object();

    get_figures(job, oracle, figures);
    json_object_set_new(json, "policy", json_string(job->policy->name));
    for (int i = 0; i < N_FIGURES; i++) {
        const struct figure *f = &figures[i];

        json_object_set_new(json, f->name,
                            f->integer ? json_integer(llround(f->value))
                            : json_real(f->value));
    }
    return json;
}

static void
print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
    json_decref(json);
}

static void
print_csv(const struct job *jobs, size_t n_jobs,
          const struct sim_result *oracle)
{
    struct figure figures[N_FIGURES];

    for (size_t i = 0; i < n_jobs; i++) {
        get_figures(&jobs[i], oracle, figures);
        if (!i) {
            printf("policy");
            for (int k = 0; k < N_FIGURES; k++) {
                printf(",%s", figures[k].name);
            }
            putchar('\n');
        }
        printf("%s", jobs[i].policy->name);
        for (int k = 0; k < N_FIGURES; k++) {
            printf(figures[k].integer ? ",%.0f" : ",%.10g",
                   figures[k].value);
        }
        putchar('\n');
    }
}

static void
print_text(const struct job *jobs, size_t n_jobs,
           const struct sim_result *oracle)
{
    const struct sim_result *first = &jobs[0].result;

    printf("%"PRIu32" queues, %"PRIu32" PMDs, %.0f s, %.4g packets offered, "
           "%.4g of them lost unavoidably\n\n",
           jobs[0].options.trace->n_queues, jobs[0].options.n_pmds,
           first->seconds, first->offered_packets,
           first->unavoidable_lost_packets);
    printf("%-14s %7s %7s %10s %9s %9s %8s %6s %6s %6s %9s %8s\n",
           "", "PMDs", "PMD-s", "lost", "overload", "delay99", "moves",
           "ping-", "forced", "moves", "plan", "plan");
    printf("%-14s %7s %7s %10s %9s %9s %8s %6s %6s %6s %9s %8s\n",
           "policy", "(mean)", "/oracle", "(ppm)", "(PMD-s)", "(us)", "",
           "pongs", "ret.", "/q/min", "mean(us)", "max(us)");
    for (size_t i = 0; i < n_jobs; i++) {
        const struct sim_result *r = &jobs[i].result;

        printf("%-14s %7.3f %7.3f %10.2f %9.1f %9.2f %8"PRIu64" %6"PRIu64
               " %6"PRIu64" %6"PRIu32" %9.1f %8.0f\n",
               jobs[i].policy->name, r->pmd_seconds / r->seconds,
               r->pmd_seconds / oracle->pmd_seconds, lost_ppm(r),
               r->overload_seconds, r->delay_p99_us, r->moves, r->pingpongs,
               r->forced_returns, r->max_moves_per_queue_minute,
               r->plan_us_mean, r->plan_us_max);
    }
}

static void
write_timeline(const char *file_name, const struct job *jobs, size_t n_jobs,
               const struct sim_result *oracle)
{
    FILE *file = fopen(file_name, "w");

    if (!file) {
        fatal("%s: %s", file_name, strerror(errno));
    }
    fprintf(file, "policy,time_s,offered_pmds,oracle_pmds,active_pmds,"
            "lost_packets,moves");
    for (uint32_t p = 0; p < jobs[0].options.n_pmds; p++) {
        fprintf(file, ",load_%"PRIu32, p);
    }
    fputc('\n', file);
    for (size_t k = 0; k < n_jobs; k++) {
        const struct sim_result *r = &jobs[k].result;
        double s = r->seconds / N_PERIODS;
        uint32_t n_pmds = jobs[k].options.n_pmds;

        for (uint32_t i = 0; i < N_PERIODS; i++) {
            fprintf(file, "%s,%.6g,%.4f,%.4f,%.4f,%.0f,%.0f",
                    jobs[k].policy->name, i * s, r->periods[i].offered / s,
                    oracle->periods[i].active / s, r->periods[i].active / s,
                    r->periods[i].lost, r->periods[i].moves);
            for (uint32_t p = 0; p < n_pmds; p++) {
                if (r->actives[i * n_pmds + p] > 0) {
                    fprintf(file, ",%.4f", r->loads[i * n_pmds + p] / s);
                } else {
                    fputc(',', file);
                }
            }
            fputc('\n', file);
        }
    }
    if (fclose(file)) {
        fatal("%s: %s", file_name, strerror(errno));
    }
}

/* Plays the policies, and the oracle in any case: it is what PMD-seconds are
 * compared with. */
static void
play(const struct args *args)
{
    size_t n = args->n_policies;
    struct job *jobs = vmq_xcalloc(n + 1, sizeof *jobs);
    const struct sim_policy *oracle = sim_policy_find("oracle");
    const struct sim_result *best = NULL;

    for (size_t i = 0; i <= n; i++) {
        jobs[i].options = args->options;
        jobs[i].policy = i < n ? args->policies[i] : oracle;
        if (jobs[i].policy == oracle && !best) {
            best = &jobs[i].result;
        }
    }

    bool extra = best == &jobs[n].result;
    run_jobs(jobs, n + extra, args->n_threads);
    if (args->timeline_file) {
        write_timeline(args->timeline_file, jobs, n, best);
    }
    if (args->format == FORMAT_JSON) {
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
            json_array_append_new(array, figures_to_json(&jobs[i], best));
        }
        print_json(array);
    } else if (args->format == FORMAT_CSV) {
        print_csv(jobs, n, best);
    } else {
        print_text(jobs, n, best);
    }
    for (size_t i = 0; i <= n; i++) {
        sim_result_destroy(&jobs[i].result);
    }
    free(jobs);
}

/* Sweep. */

/* Is 'a' more than 'b', by more than what rounding makes of equal ones? */
static bool
is_more(double a, double b)
{
    return a > b * (1 + 1e-9);
}

/* Is 'a' at least as good as 'b' in all of PMD-seconds, lost packets and
 * moves, and better in one? */
static bool
dominates(const struct sim_result *a, const struct sim_result *b)
{
    return (!is_more(a->pmd_seconds, b->pmd_seconds)
            && !is_more(a->lost_packets, b->lost_packets)
            && a->moves <= b->moves
            && (is_more(b->pmd_seconds, a->pmd_seconds)
                || is_more(b->lost_packets, a->lost_packets)
                || a->moves < b->moves));
}

static bool
is_on_frontier(const struct job *jobs, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        if (dominates(&jobs[k].result, &jobs[i].result)) {
            return false;
        }
    }
    return true;
}

/* The value of each key of the sweep in run 'i'. */
static const char *
sweep_value(const struct args *args, size_t i, size_t key)
{
    for (size_t k = 0; k < key; k++) {
        i /= args->sweep[k].n_values;
    }
    return args->sweep[key].values[i % args->sweep[key].n_values];
}

static void
print_sweep_text(const struct args *args, const struct job *jobs, size_t n)
{
    const struct sim_result *oracle = &jobs[n].result;

    for (size_t k = 0; k < args->n_sweep; k++) {
        printf("%s%s", k ? " " : "",
               args->sweep[k].setting->key + strlen("pmd-vmq-"));
    }
    printf("   PMD-s/oracle    lost(ppm)      moves  pingpongs  frontier\n");
    for (size_t i = 0; i < n; i++) {
        const struct sim_result *r = &jobs[i].result;

        for (size_t k = 0; k < args->n_sweep; k++) {
            const char *key = args->sweep[k].setting->key;

            printf("%s%*s", k ? " " : "",
                   (int) (strlen(key) - strlen("pmd-vmq-")),
                   sweep_value(args, i, k));
        }
        printf("   %12.4f %12.2f %10"PRIu64" %10"PRIu64"  %s\n",
               r->pmd_seconds / oracle->pmd_seconds, lost_ppm(r), r->moves,
               r->pingpongs, is_on_frontier(jobs, n, i) ? "*" : "");
    }
}

static void
print_sweep_json(const struct args *args, const struct job *jobs, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *json = figures_to_json(&jobs[i], &jobs[n].result);
        json_t *set = json_object();

        for (size_t k = 0; k < args->n_sweep; k++) {
            json_object_set_new(set, args->sweep[k].setting->key,
                                json_string(sweep_value(args, i, k)));
        }
        json_object_set_new(json, "set", set);
        json_object_set_new(json, "frontier",
                            json_boolean(is_on_frontier(jobs, n, i)));
        json_array_append_new(array, json);
    }
    print_json(array);
}

static void
play_sweep(const struct args *args)
{
    struct job *jobs;
    size_t n = 1;

    for (size_t k = 0; k < args->n_sweep; k++) {
        n *= args->sweep[k].n_values;
        if (n > MAX_GRID) {
            fatal("--sweep: the grid has more than %d points", MAX_GRID);
        }
    }
    jobs = vmq_xcalloc(n + 1, sizeof *jobs);
    for (size_t i = 0; i <= n; i++) {
        jobs[i].options = args->options;
        jobs[i].policy = sim_policy_find(i < n ? "vmq" : "oracle");
        for (size_t k = 0; k < args->n_sweep && i < n; k++) {
            set_setting("sweep", &jobs[i].options.config,
                        args->sweep[k].setting, sweep_value(args, i, k));
        }
    }
    run_jobs(jobs, n + 1, args->n_threads);
    if (args->format == FORMAT_JSON) {
        print_sweep_json(args, jobs, n);
    } else if (args->format == FORMAT_CSV) {
        print_csv(jobs, n, &jobs[n].result);
    } else {
        print_sweep_text(args, jobs, n);
    }
    for (size_t i = 0; i <= n; i++) {
        sim_result_destroy(&jobs[i].result);
    }
    free(jobs);
}

static void
args_destroy(struct args *args)
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

static void
play_trace(struct args *args)
{
    struct vmq_trace trace;
    char *error = vmq_trace_read(args->trace_file, &trace);
    double seconds;

    if (error) {
        fatal("%s", error);
    }
    seconds = trace.end_s / args->options.speedup;
    if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
        fatal("%s: it would take %g s, which is not from %g to %g",
              args->trace_file, seconds, MIN_SECONDS, MAX_SECONDS);
    }
    args->options.trace = &trace;
    args->options.n_periods = args->timeline_file ? N_PERIODS : 0;
    if (args->n_sweep) {
        play_sweep(args);
    } else {
        play(args);
    }
    vmq_trace_destroy(&trace);
}

int
main(int argc, char *argv[])
{
    struct args args;

    memset(&args, 0, sizeof args);
    parse_args(&args, argc, argv);
    if (args.snapshot_file) {
        char *error = sim_explain(args.snapshot_file, args.overrides,
                                  args.n_overrides,
                                  args.format == FORMAT_JSON, stdout);

        if (error) {
            fatal("%s", error);
        }
    } else {
        play_trace(&args);
    }
    args_destroy(&args);
    if (fflush(stdout) || ferror(stdout)) {
        fatal("standard output: %s", strerror(errno));
    }
    return EXIT_SUCCESS;
}

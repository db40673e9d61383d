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


/* How long a plan takes, by the size of the host.
 *
 * usage: vmq-bench-plan [-m MAX_MOVES] [-p PLANS] [-s SEED]
 *                       [QUEUESxPMDS[:SHAPE]]...
 *
 * In each host, 10 % of the PMDs are overloaded (95 %), 30 % could be freed
 * (6 %) and the others are as they should be (58 %).  A quarter of the queues
 * has moved before, each has a full history, two flow counts per port.  Loads
 * change by up to 5 % from plan to plan, so that no plan is like another; what
 * that takes, and copying the snapshot, is not timed.  Times are CPU times of
 * the one thread there is, for the sake of busy machines.
 *
 * SHAPE "packed" is another host, of one NUMA node: all queues are on one PMD,
 * which they overload, and the others are parked.  In "broke", in addition, no
 * queue has credit left: nothing moves, and each plan must find that out.
 *
 * Beside it, on the same snapshots, the algorithm of pmd-rxq-assign=group: of
 * each NUMA node, the queues by descending load, each to the PMD that has
 * least, which is found as Open vSwitch does it, by looking at all PMDs of the
 * node.
 *
 * Each size runs in a process of its own, whose peak resident set is shown. */

#include <config.h>

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmq-credit.h"
#include "vmq-plan-check.h"
#include "vmq-plan.h"
#include "vmq-snapshot-check.h"
#include "vmq-snapshot.h"
#include "vmq-test.h"
#include "vmq-util.h"

#define WINDOW_CYCLES 600000000ULL      /* 300 ms at 2 GHz. */
#define MAX_NODES 64
#define PMDS_PER_NODE 4                 /* At least. */
#define QUEUES_PER_PORT 4
#define N_WARMUPS 3
#define MIN_PLANS 20
#define MAX_PLANS 500

/* The exponent is that of the sizes with so many queues for each PMD. */
#define RATIO 100

enum shape { SHAPE_MIXED, SHAPE_PACKED, SHAPE_BROKE, N_SHAPES };
static const char *const shapes[] = { "mixed", "packed", "broke" };

struct bench {
    enum shape shape;
    uint32_t n_rxqs, n_pmds, n_nodes;
    uint32_t n_plans;
    struct test_random random;
    struct vmq_config config;
    struct vmq_ledger *ledger;
    struct vmq_snapshot base;
};

struct result {
    double plan_ms_mean, plan_ms_max, group_ms_mean;
    double moves_mean, weighed_mean;
    uint32_t n_plans, n_nodes;
};

static double
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* Hosts. */

static void
add_pmds(struct bench *b, uint32_t load_bp[])
{
    for (uint32_t i = 0; i < b->n_pmds; i++) {
        uint32_t node = (uint64_t) i * b->n_nodes / b->n_pmds;
        struct vmq_pmd *pmd;

        vmq_snapshot_add_pmd(&b->base, i, node);
        pmd = &b->base.pmds[i];
        pmd->sibling_group = i / 2;
        pmd->busy_cycles = WINDOW_CYCLES;

        /* Of each ten, one, three and six; then shuffled. */
        load_bp[i] = i % 10 == 0 ? 9500 : i % 10 < 4 ? 600 : 5800;
    }
    if (b->shape != SHAPE_MIXED) {
        load_bp[0] = 9500;
        return;
    }
    for (uint32_t i = b->n_pmds - 1; i > 0; i--) {
        uint32_t k = test_random_range(&b->random, 0, i);
        uint32_t bp = load_bp[i];

        load_bp[i] = load_bp[k];
        load_bp[k] = bp;
    }
}

/* Queue i is polled by PMD i % n_pmds, or all by PMD 0.  Some queues are much
 * heavier than others: half of a PMD's load is shared evenly, one has a
 * quarter more, the next one an eighth, and so on. */
static void
add_rxqs(struct bench *b, const uint32_t load_bp[])
{
    uint32_t n_polling = b->shape == SHAPE_MIXED ? b->n_pmds : 1;
    uint32_t per_pmd = b->n_rxqs / n_polling;
    uint32_t port = 0;

    for (uint32_t i = 0; i < b->n_rxqs; i++) {
        uint32_t pmd = i % n_polling, nth = i / n_polling;
        uint64_t cycles = WINDOW_CYCLES / VMQ_BP * load_bp[pmd];
        struct vmq_rxq *q;

        if (i % QUEUES_PER_PORT == 0) {
            char name[32];

            snprintf(name, sizeof name, "p%u", i);
            port = vmq_snapshot_add_port(&b->base, name, i + 1);
            vmq_snapshot_add_port_pmd(&b->base, port, pmd, 100);
            if (pmd + 1 < b->n_pmds) {
                vmq_snapshot_add_port_pmd(&b->base, port, pmd + 1, 50);
            }
        }
        vmq_snapshot_add_rxq(&b->base, port, i % QUEUES_PER_PORT, pmd,
                             b->base.pmds[pmd].numa_id);
        q = &b->base.rxqs[i];
        q->cycles = (cycles / 2 / per_pmd
                     + (nth < 10 ? cycles >> (nth + 2) : 0));
        q->packets = q->cycles / 1000;
        q->polls = q->packets / 4;
        q->n_history = VMQ_HISTORY_SLOTS;
    }
}

/* Lets every fourth queue have moved five minutes ago, or all of them just
 * now, and so often that they are deep in debt. */
static void
add_past(struct bench *b)
{
    uint32_t n = b->shape == SHAPE_BROKE ? 2 * b->config.credits : 1;

    for (uint32_t i = 0; i < n * b->n_rxqs;
         i += b->shape == SHAPE_BROKE ? 1 : 4) {
        uint32_t rxq = i % b->n_rxqs;
        uint32_t to = b->base.rxqs[rxq].pmd;
        struct vmq_move move = {
            .rxq = rxq, .from = (to + 1) % b->n_pmds, .to = to,
            .reason = VMQ_REASON_MANUAL,
        };
        enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;

        vmq_credit_commit(b->ledger, &b->config, &b->base, &move, 1, &outcome,
                          NULL);
    }
    b->base.now_ms += b->shape == SHAPE_BROKE ? 0 : 300000;
}

static void
make_host(struct bench *b)
{
    uint32_t *load_bp = vmq_xcalloc(b->n_pmds, sizeof *load_bp);
    char *why;

    vmq_snapshot_init(&b->base);
    b->base.generation = 1;
    b->base.now_ms = 1000000;
    b->base.window_ms = 300;
    b->base.window_ns = 300000000;
    b->base.window_cycles = WINDOW_CYCLES;
    add_pmds(b, load_bp);
    add_rxqs(b, load_bp);
    vmq_snapshot_sort(&b->base);
    if (!vmq_snapshot_valid(&b->base, true, &why)) {
        fprintf(stderr, "snapshot: %s\n", why);
        exit(EXIT_FAILURE);
    }
    add_past(b);
    free(load_bp);
}

static uint64_t
jitter(struct bench *b, uint64_t value)
{
    return value * test_random_range(&b->random, 950, 1050) / 1000;
}

/* Makes 's' a copy of the host with loads that differ a little. */
static void
copy_host(struct bench *b, struct vmq_snapshot *s)
{
    vmq_snapshot_copy(s, &b->base);
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        struct vmq_rxq *q = &s->rxqs[i];
        uint64_t bp = q->cycles * VMQ_BP / WINDOW_CYCLES;

        q->cycles = jitter(b, q->cycles);
        for (uint32_t k = 0; k < VMQ_HISTORY_SLOTS; k++) {
            q->history_bp[k] = jitter(b, bp);
        }
    }
}

/* The group assignment. */

struct group_rxq {
    uint64_t cycles;
    uint32_t rxq;
};

static int
compare_descending(const void *a_, const void *b_)
{
    const struct group_rxq *a = a_;
    const struct group_rxq *b = b_;

    return (a->cycles != b->cycles ? (a->cycles > b->cycles ? -1 : 1)
            : a->rxq < b->rxq ? -1 : a->rxq > b->rxq);
}

/* Returns for each queue the PMD that it should be polled by. */
static uint32_t *
group(const struct vmq_snapshot *s, uint32_t n_nodes)
{
    struct group_rxq *sorted = vmq_xcalloc(s->n_rxqs, sizeof *sorted);
    uint32_t *assigned = vmq_xcalloc(s->n_rxqs, sizeof *assigned);
    uint64_t *cycles = vmq_xcalloc(s->n_pmds, sizeof *cycles);
    uint32_t *first = vmq_xcalloc(n_nodes + 1, sizeof *first);

    /* The PMDs of a node are next to each other. */
    for (uint32_t i = 0; i < s->n_pmds; i++) {
        first[s->pmds[i].numa_id + 1] = i + 1;
    }
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        sorted[i].cycles = s->rxqs[i].cycles;
        sorted[i].rxq = i;
    }
    qsort(sorted, s->n_rxqs, sizeof *sorted, compare_descending);
    for (uint32_t i = 0; i < s->n_rxqs; i++) {
        uint32_t node = s->rxqs[sorted[i].rxq].numa_id;
        uint32_t best = first[node];

        for (uint32_t k = best + 1; k < first[node + 1]; k++) {
            best = cycles[k] < cycles[best] ? k : best;
        }
        assigned[sorted[i].rxq] = best;
        cycles[best] += sorted[i].cycles;
    }
    free(first);
    free(cycles);
    free(sorted);
    return assigned;
}

/* Measuring. */

static void
measure(struct bench *b, struct result *r)
{
    struct vmq_snapshot s;
    struct vmq_plan plan;

    memset(r, 0, sizeof *r);
    r->n_plans = b->n_plans;
    r->n_nodes = b->n_nodes;
    make_host(b);
    vmq_snapshot_init(&s);
    vmq_plan_init(&plan);
    for (uint32_t i = 0; i < N_WARMUPS + b->n_plans; i++) {
        double start, plan_ms, group_ms;
        uint32_t *assigned;
        char *why;

        copy_host(b, &s);
        start = now_ms();
        vmq_plan_compute(&s, &b->config, b->ledger, &plan);
        plan_ms = now_ms() - start;

        start = now_ms();
        assigned = group(&s, b->n_nodes);
        group_ms = now_ms() - start;
        free(assigned);

        if (!vmq_plan_valid(&plan, &s, &b->config, &why)) {
            fprintf(stderr, "plan: %s\n", why);
            exit(EXIT_FAILURE);
        }
        if (i >= N_WARMUPS) {
            r->plan_ms_mean += plan_ms / b->n_plans;
            r->plan_ms_max = fmax(r->plan_ms_max, plan_ms);
            r->group_ms_mean += group_ms / b->n_plans;
            r->moves_mean += (double) plan.n_moves / b->n_plans;
            r->weighed_mean += (double) plan.n_weighed / b->n_plans;
        }
    }
    vmq_plan_destroy(&plan);
    vmq_snapshot_destroy(&s);
    vmq_snapshot_destroy(&b->base);
}

/* Measures in a child.  Returns false if that fails. */
static bool
measure_apart(struct bench *b, struct result *r, double *rss_mb)
{
    struct rusage usage;
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    fflush(stdout);
    if (pipe(fds) || (pid = fork()) < 0) {
        perror("fork");
        return false;
    }
    if (!pid) {
        b->ledger = vmq_ledger_create();
        measure(b, r);
        vmq_ledger_destroy(b->ledger);
        n = write(fds[1], r, sizeof *r);
        _exit(n == sizeof *r ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(fds[1]);
    n = read(fds[0], r, sizeof *r);
    close(fds[0]);
    if (wait4(pid, &status, 0, &usage) != pid || status || n != sizeof *r) {
        return false;
    }
    *rss_mb = usage.ru_maxrss / 1024.0;
    return true;
}

/* Sums for a straight line through (log queues, log milliseconds). */
struct fit {
    double n, x, y, xx, xy;
};

static void
fit_add(struct fit *fit, double queues, double ms)
{
    double x = log(queues), y = log(ms);

    fit->n++;
    fit->x += x;
    fit->y += y;
    fit->xx += x * x;
    fit->xy += x * y;
}

static double
fit_slope(const struct fit *fit)
{
    return ((fit->n * fit->xy - fit->x * fit->y)
            / (fit->n * fit->xx - fit->x * fit->x));
}

static bool
bench(uint32_t n_rxqs, uint32_t n_pmds, enum shape shape, uint32_t n_plans,
      uint32_t max_moves, unsigned long int seed, struct fit *fit)
{
    uint32_t n_nodes = shape == SHAPE_MIXED ? n_pmds / PMDS_PER_NODE : 1;
    struct bench b = { .n_rxqs = n_rxqs, .n_pmds = n_pmds, .shape = shape };
    struct result r;
    double rss_mb;

    vmq_config_init(&b.config);
    b.config.max_moves = max_moves;
    b.random.state = seed;
    b.n_nodes = n_nodes < 1 ? 1 : n_nodes < MAX_NODES ? n_nodes : MAX_NODES;
    b.n_plans = n_plans ? n_plans : 4000000 / n_rxqs;
    b.n_plans = b.n_plans < MAX_PLANS ? b.n_plans : MAX_PLANS;
    b.n_plans = b.n_plans > MIN_PLANS ? b.n_plans : MIN_PLANS;
    if (!measure_apart(&b, &r, &rss_mb)) {
        fprintf(stderr, "%u queues, %u PMDs: failed\n", n_rxqs, n_pmds);
        return false;
    }
    printf("# %u queues, %s: %u NUMA nodes, %u plans of %.1f moves, %.0f "
           "pairs weighed\n", n_rxqs, shapes[shape], r.n_nodes, r.n_plans,
           r.moves_mean, r.weighed_mean);
    printf("%u %u %.4f %.4f %.4f %.1f\n", n_rxqs, n_pmds, r.plan_ms_mean,
           r.plan_ms_max, r.group_ms_mean, rss_mb);
    if (shape == SHAPE_MIXED && n_rxqs == RATIO * n_pmds) {
        fit_add(fit, n_rxqs, r.plan_ms_mean);
    }
    return true;
}

int
main(int argc, char *argv[])
{
    static const struct {
        uint32_t n_rxqs, n_pmds;
        enum shape shape;
    } sizes[] = {
        { 100, 4, SHAPE_MIXED },
        { 400, 4, SHAPE_MIXED },
        { 1000, 10, SHAPE_MIXED },
        { 4000, 40, SHAPE_MIXED },
        { 10000, 100, SHAPE_MIXED },
        { 40000, 400, SHAPE_MIXED },
        { 100000, 1000, SHAPE_MIXED },
        { 1000, 128, SHAPE_PACKED },
        { 1000, 128, SHAPE_BROKE },
    };
    struct fit fit = { .n = 0 };
    unsigned long int seed = 1;
    uint32_t n_plans = 0, max_moves;
    struct vmq_config config;
    bool ok = true;
    int option;

    vmq_config_init(&config);
    max_moves = config.max_moves;
    while ((option = getopt(argc, argv, "m:p:s:")) != -1) {
        switch (option) {
        case 'm':
            max_moves = strtoul(optarg, NULL, 0);
            break;
        case 'p':
            n_plans = strtoul(optarg, NULL, 0);
            break;
        case 's':
            seed = strtoul(optarg, NULL, 0);
            break;
        default:
            fprintf(stderr, "usage: %s [-m MAX_MOVES] [-p PLANS] [-s SEED] "
                    "[QUEUESxPMDS[:SHAPE]]...\n", argv[0]);
            return EXIT_FAILURE;
        }
    }

    printf("# CPU time; pmd-vmq-max-moves=%u; seed %lu; %d NUMA nodes, fewer "
           "if they had less than %d PMDs\n", max_moves, seed, MAX_NODES,
           PMDS_PER_NODE);
    printf("queues pmds plan_ms_mean plan_ms_max group_ms rss_mb\n");
    for (size_t i = 0; i < TEST_ARRAY_SIZE(sizes) && optind == argc; i++) {
        ok &= bench(sizes[i].n_rxqs, sizes[i].n_pmds, sizes[i].shape, n_plans,
                    max_moves, seed, &fit);
    }
    for (; optind < argc; optind++) {
        unsigned int n_rxqs, n_pmds, shape = SHAPE_MIXED;
        const char *name = strchr(argv[optind], ':');

        while (name && shape < N_SHAPES && strcmp(name + 1, shapes[shape])) {
            shape++;
        }
        if (sscanf(argv[optind], "%ux%u", &n_rxqs, &n_pmds) != 2
            || !n_pmds || n_rxqs < n_pmds || shape == N_SHAPES) {
            fprintf(stderr, "%s: not QUEUESxPMDS[:SHAPE]\n", argv[optind]);
            return EXIT_FAILURE;
        }
        ok &= bench(n_rxqs, n_pmds, shape, n_plans, max_moves, seed, &fit);
    }
    if (fit.n > 1) {
        printf("# exponent %.2f: plan_ms_mean grows as queues to this power, "
               "at %d queues per PMD\n", fit_slope(&fit), RATIO);
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

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

#include "vmq-snapshot-check.h"
#include "vmq-snapshot-text.h"
#include "vmq-snapshot.h"
#include "vmq-test.h"
#include "vmq-util.h"

/* Comparisons of names, which a look-up must not do for each port.  The linker
 * has the calls of strcmp() come here, and wants these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
static unsigned int n_compared;

int __real_strcmp(const char *, const char *);
int __wrap_strcmp(const char *, const char *);

int
__wrap_strcmp(const char *a, const char *b)
{
    n_compared++;
    return __real_strcmp(a, b);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Random snapshots. */

static uint64_t
random_number(struct test_random *r)
{
    return (test_one_in(r, 4) ? 0
            : test_random_u64(r) >> test_random_range(r, 2, 63));
}

static void
random_name(struct test_random *r, uint32_t i, char *name, size_t size)
{
    size_t n = test_random_range(r, 0, size - 12);

    for (size_t j = 0; j < n; j++) {
        name[j] = test_one_in(r, 2) ? test_random_range(r, 1, 255)
                                    : test_random_range(r, 'a', 'z');
    }
    snprintf(name + n, size - n, "%u", i);
}

/* Fills in '*s' with a snapshot that is valid once it has been sorted.  If
 * 'shuffled', nothing is in order yet. */
static void
random_snapshot(struct test_random *r, bool shuffled, struct vmq_snapshot *s)
{
    uint32_t n_pmds = test_random_range(r, 0, 6);
    uint32_t n_ports = test_random_range(r, 0, 6);
    uint32_t flip = shuffled ? test_random_range(r, 1, 7) : 0;

    vmq_snapshot_init(s);
    s->generation = test_random_u64(r);
    s->now_ms = random_number(r);
    s->window_ms = random_number(r);
    s->window_cycles = random_number(r);
    s->window_ns = random_number(r);
    for (uint32_t i = 0; i < n_pmds; i++) {
        uint32_t core_id = (i ^ flip) * 3;
        uint32_t j = vmq_snapshot_add_pmd(s, core_id,
                                          (int32_t) (core_id % 5) - 1);
        struct vmq_pmd *pmd = &s->pmds[j];

        assert_int_equal(j, i);
        pmd->sibling_group = random_number(r);
        pmd->isolated = test_one_in(r, 4);
        pmd->busy_cycles = random_number(r) / 2;
        pmd->idle_cycles = random_number(r) / 2;
        pmd->sleep_cycles = random_number(r);
        pmd->cpu_ns = random_number(r);
        pmd->stolen_cycles = test_random_range(r, 0, pmd->busy_cycles
                                                     + pmd->idle_cycles);
        pmd->overhead_cycles = random_number(r);
        pmd->edge = test_one_in(r, 4);
        pmd->settling = test_one_in(r, 4);
        pmd->evacuating = test_one_in(r, 4);
    }
    for (uint32_t i = 0; i < n_ports; i++) {
        char name[40];

        random_name(r, i, name, sizeof name);
        assert_int_equal(vmq_snapshot_add_port(s, name, (i ^ flip) * 7), i);
    }
    for (uint32_t i = 0; i < n_ports; i++) {
        uint32_t n_rxqs = test_random_range(r, 0, 4);

        for (uint32_t j = 0; j < n_rxqs; j++) {
            uint32_t pmd = (n_pmds && !test_one_in(r, 8)
                            ? test_random_range(r, 0, n_pmds - 1) : VMQ_NONE);
            uint32_t k = vmq_snapshot_add_rxq(s, i, j ^ flip, pmd,
                                              test_random_u64(r));
            struct vmq_rxq *rxq = &s->rxqs[k];

            rxq->mobility = test_random_range(r, 0, VMQ_UNSUPPORTED);
            rxq->n_moves = random_number(r);
            rxq->tunnel_flows = random_number(r);
            rxq->reserve_bp = test_random_range(r, 0, VMQ_BP);
            rxq->cycles = random_number(r);
            rxq->packets = random_number(r);
            rxq->polls = random_number(r);
            rxq->full_batches = random_number(r);
            rxq->backlog = test_one_in(r, 4);
            rxq->n_history = test_random_range(r, 0, VMQ_HISTORY_SLOTS);
            for (uint32_t h = 0; h < rxq->n_history; h++) {
                rxq->history_bp[h] = test_random_u64(r);
            }
        }
        for (uint32_t j = 0; j < n_pmds; j++) {
            if (test_one_in(r, 2)) {
                vmq_snapshot_add_port_pmd(s, i, shuffled ? n_pmds - 1 - j : j,
                                          random_number(r));
            }
        }
    }
}

static void
assert_valid(const struct vmq_snapshot *s, bool windowed)
{
    char *why = NULL;
    bool valid = vmq_snapshot_valid(s, windowed, &why);

    TEST_ERROR(why, NULL);
    assert_true(valid);
}

/* Returns the core that polls each queue as text, without any index. */
static char *
describe(const struct vmq_snapshot *s, uint32_t i)
{
    const struct vmq_rxq *rxq = &s->rxqs[i];

    return vmq_xasprintf("%u/%s/%u on %ld: %llu",
                         s->ports[rxq->port].port_no,
                         s->ports[rxq->port].name, rxq->qid,
                         rxq->pmd == VMQ_NONE ? -1L
                         : (long int) s->pmds[rxq->pmd].core_id,
                         (unsigned long long int) rxq->cycles);
}

/* Tests. */

static void
test_build(void **state)
{
    struct vmq_snapshot s;

    (void) state;
    vmq_snapshot_init(&s);
    assert_valid(&s, false);
    assert_valid(&s, true);

    /* Added in the wrong order. */
    uint32_t p9 = vmq_snapshot_add_pmd(&s, 9, 1);
    uint32_t p4 = vmq_snapshot_add_pmd(&s, 4, 0);
    uint32_t vm = vmq_snapshot_add_port(&s, "vm", 12);
    uint32_t nic = vmq_snapshot_add_port(&s, "nic", 3);

    vmq_snapshot_add_rxq(&s, vm, 0, p9, 1);
    vmq_snapshot_add_rxq(&s, nic, 1, p4, 0);
    vmq_snapshot_add_rxq(&s, nic, 0, VMQ_NONE, 0);
    s.rxqs[0].cycles = 1;
    s.rxqs[1].cycles = 2;
    s.rxqs[2].cycles = 3;
    vmq_snapshot_add_port_pmd(&s, vm, p9, 100);
    vmq_snapshot_add_port_pmd(&s, nic, p9, 30);
    vmq_snapshot_add_port_pmd(&s, nic, p4, 20);
    assert_false(vmq_snapshot_valid(&s, false, NULL));

    vmq_snapshot_sort(&s);
    assert_valid(&s, true);
    assert_int_equal(s.pmds[0].core_id, 4);
    assert_int_equal(s.pmds[1].core_id, 9);
    assert_string_equal(s.ports[0].name, "nic");
    assert_string_equal(s.ports[1].name, "vm");
    assert_int_equal(s.rxqs[0].cycles, 3);
    assert_int_equal(s.rxqs[0].pmd, VMQ_NONE);
    assert_int_equal(s.rxqs[1].cycles, 2);
    assert_int_equal(s.rxqs[1].pmd, 0);
    assert_int_equal(s.rxqs[2].cycles, 1);
    assert_int_equal(s.rxqs[2].pmd, 1);
    assert_int_equal(s.rxqs[2].port, 1);
    assert_int_equal(s.port_pmds[0].flows, 20);
    assert_int_equal(s.port_pmds[1].flows, 30);
    assert_int_equal(s.port_pmds[2].flows, 100);

    assert_int_equal(vmq_snapshot_find_pmd(&s, 4), 0);
    assert_int_equal(vmq_snapshot_find_pmd(&s, 9), 1);
    assert_int_equal(vmq_snapshot_find_pmd(&s, 5), VMQ_NONE);
    assert_int_equal(vmq_snapshot_find_pmd(&s, 10), VMQ_NONE);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "nic", 0), 0);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "nic", 1), 1);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "nic", 2), VMQ_NONE);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "vm", 0), 2);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "vm", 1), VMQ_NONE);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "ni", 0), VMQ_NONE);
    vmq_snapshot_destroy(&s);

    /* Empty again. */
    assert_valid(&s, true);
    assert_int_equal(vmq_snapshot_find_pmd(&s, 0), VMQ_NONE);
    assert_int_equal(vmq_snapshot_find_rxq(&s, "", 0), VMQ_NONE);
}

/* Many elements, as the datapath adds them: looked up before sorting. */
static void
test_large(void **state)
{
    struct vmq_snapshot s;

    (void) state;
    vmq_snapshot_init(&s);
    for (uint32_t i = 0; i < 100; i++) {
        vmq_snapshot_add_pmd(&s, i * 2, 0);
        assert_int_equal(vmq_snapshot_find_pmd(&s, i * 2), i);
        assert_int_equal(vmq_snapshot_find_pmd(&s, i * 2 + 1), VMQ_NONE);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        char name[16];
        uint32_t port;

        snprintf(name, sizeof name, "vhost%u", i);
        port = vmq_snapshot_add_port(&s, name, (i * 7919) % 5000);
        vmq_snapshot_add_rxq(&s, port, 0, i % 100, 0);
        vmq_snapshot_add_port_pmd(&s, port, i % 100, i);
    }
    vmq_snapshot_sort(&s);
    assert_valid(&s, false);
    for (uint32_t i = 0; i < 5000; i += 97) {
        char name[16];
        uint32_t rxq;

        snprintf(name, sizeof name, "vhost%u", i);
        rxq = vmq_snapshot_find_rxq(&s, name, 0);
        assert_int_equal(rxq, (i * 7919) % 5000);
        assert_int_equal(s.rxqs[rxq].pmd, i % 100);
        assert_int_equal(s.port_pmds[rxq].flows, i);
    }

    /* S2. */
    free(s.ports[4999].name);
    s.ports[4999].name = vmq_xstrdup("vhost17");
    assert_false(vmq_snapshot_valid(&s, false, NULL));
    vmq_snapshot_destroy(&s);
}

/* Adds 'n_ports' ports of two queues.  If 'changed', every third port is not
 * there, every fifth has another name, and every seventh one queue less. */
static void
add_ports(struct vmq_snapshot *s, uint32_t n_ports, bool changed)
{
    for (uint32_t i = 0; i < n_ports; i++) {
        char name[16];
        uint32_t port;

        if (changed && !(i % 3)) {
            continue;
        }
        snprintf(name, sizeof name, changed && !(i % 5) ? "new%u" : "vm%u", i);
        port = vmq_snapshot_add_port(s, name, i * 2);
        vmq_snapshot_add_rxq(s, port, 0, VMQ_NONE, 0);
        if (!changed || i % 7) {
            vmq_snapshot_add_rxq(s, port, 1, VMQ_NONE, 0);
        }
    }
    vmq_snapshot_sort(s);
}

/* Finding the queues of one snapshot in another takes one walk. */
static void
test_match(void **state)
{
    enum { N_PORTS = 2048 };
    uint32_t matches[2 * N_PORTS];
    struct vmq_snapshot a, b;

    (void) state;
    vmq_snapshot_init(&a);
    vmq_snapshot_init(&b);
    add_ports(&a, N_PORTS, false);
    add_ports(&b, N_PORTS, true);

    n_compared = 0;
    vmq_snapshot_match_rxqs(&a, &b, matches);
    assert_uint_in_range(n_compared, N_PORTS / 2, N_PORTS);
    for (uint32_t i = 0; i < a.n_rxqs; i++) {
        uint32_t port = a.rxqs[i].port, qid = a.rxqs[i].qid;

        if (!(port % 3) || !(port % 5) || (qid && !(port % 7))) {
            assert_int_equal(matches[i], VMQ_NONE);
        } else {
            assert_true(matches[i] < b.n_rxqs);
            assert_string_equal(a.ports[port].name,
                                b.ports[b.rxqs[matches[i]].port].name);
            assert_int_equal(qid, b.rxqs[matches[i]].qid);
        }
    }

    /* The other way, and where there is nothing. */
    vmq_snapshot_match_rxqs(&b, &a, matches);
    for (uint32_t i = 0; i < b.n_rxqs; i++) {
        bool renamed = !(b.ports[b.rxqs[i].port].port_no / 2 % 5);

        assert_int_equal(matches[i] == VMQ_NONE, renamed);
    }
    vmq_snapshot_clear(&b);
    vmq_snapshot_match_rxqs(&a, &b, matches);
    for (uint32_t i = 0; i < a.n_rxqs; i++) {
        assert_int_equal(matches[i], VMQ_NONE);
    }
    vmq_snapshot_match_rxqs(&b, &a, matches);
    vmq_snapshot_destroy(&a);
    vmq_snapshot_destroy(&b);
}

static void
test_copy(void **state)
{
    unsigned long int n_cases = test_n_cases(2000) / 10 + 1;
    struct vmq_snapshot previous;
    struct test_random r;

    (void) state;
    test_random_init(&r, "snapshot copy", n_cases);
    vmq_snapshot_init(&previous);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct vmq_snapshot s, clone;

        random_snapshot(&r, false, &s);
        vmq_snapshot_init(&clone);
        vmq_snapshot_copy(&clone, &s);
        assert_true(vmq_snapshot_equal(&clone, &s));

        /* Copying over something else, larger or smaller. */
        vmq_snapshot_copy(&previous, &s);
        assert_true(vmq_snapshot_equal(&previous, &s));
        if (s.n_rxqs) {
            struct vmq_rxq *rxqs = previous.rxqs;

            clone.rxqs[s.n_rxqs - 1].packets++;
            assert_false(vmq_snapshot_equal(&clone, &s));
            vmq_snapshot_copy(&previous, &clone);
            assert_ptr_equal(previous.rxqs, rxqs);
        }

        assert_true(vmq_snapshot_equal(&previous, &clone));
        vmq_snapshot_clear(&clone);
        assert_int_equal(clone.n_pmds + clone.n_ports + clone.n_rxqs
                         + clone.n_port_pmds, 0);
        assert_int_equal(clone.generation, 0);
        vmq_snapshot_destroy(&clone);
        vmq_snapshot_destroy(&s);
    }
    vmq_snapshot_destroy(&previous);
}

/* S6. */
static void
test_sort(void **state)
{
    unsigned long int n_cases = test_n_cases(2000) / 10 + 1;
    struct test_random r;

    (void) state;
    test_random_init(&r, "snapshot sort", n_cases);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct vmq_snapshot s, sorted;

        random_snapshot(&r, true, &s);
        vmq_snapshot_init(&sorted);
        vmq_snapshot_copy(&sorted, &s);
        vmq_snapshot_sort(&sorted);
        assert_valid(&sorted, true);
        for (uint32_t j = 0; j < s.n_rxqs; j++) {
            char *before = describe(&s, j);
            uint32_t k = vmq_snapshot_find_rxq(
                &sorted, s.ports[s.rxqs[j].port].name, s.rxqs[j].qid);

            assert_true(k != VMQ_NONE);

            char *after = describe(&sorted, k);

            assert_string_equal(before, after);
            free(before);
            free(after);
        }
        vmq_snapshot_destroy(&s);
        vmq_snapshot_destroy(&sorted);
    }
}

/* A small snapshot, valid, to be spoiled. */
static void
small_snapshot(struct vmq_snapshot *s)
{
    vmq_snapshot_init(s);
    vmq_snapshot_add_pmd(s, 1, 0);
    vmq_snapshot_add_pmd(s, 2, 0);
    vmq_snapshot_add_port(s, "a", 1);
    vmq_snapshot_add_port(s, "b", 2);
    vmq_snapshot_add_rxq(s, 0, 0, 0, 0);
    vmq_snapshot_add_rxq(s, 1, 0, 1, 0);
    vmq_snapshot_add_port_pmd(s, 0, 0, 1);
    vmq_snapshot_add_port_pmd(s, 1, 1, 1);
    s->window_cycles = 1000;
}

static void
test_invalid(void **state)
{
    (void) state;

#define INVALID(STATEMENT, WHY) \
    do { \
        struct vmq_snapshot s; \
        char *why; \
        \
        small_snapshot(&s); \
        assert_valid(&s, true); \
        STATEMENT; \
        assert_false(vmq_snapshot_valid(&s, true, &why)); \
        TEST_ERROR(why, WHY); \
        vmq_snapshot_destroy(&s); \
    } while (0)

    /* S1. */
    INVALID(s.rxqs[1].port = 2, "rxq 1 is of no port");
    INVALID(s.rxqs[1].pmd = 2, "rxq 1 is polled by no PMD");
    INVALID(s.port_pmds[1].port = VMQ_NONE,
            "flow count 1 is of no port or PMD");
    INVALID(s.port_pmds[1].pmd = 2, "flow count 1 is of no port or PMD");
    INVALID(s.rxqs[0].mobility = VMQ_UNSUPPORTED + 1,
            "rxq 0 has no known mobility");
    INVALID(s.rxqs[0].reserve_bp = VMQ_BP + 1,
            "rxq 0 has more than a PMD in reserve");
    INVALID(s.pmds[1].core_id = VMQ_NONE, "pmd 1 has no core");
    INVALID(free(s.ports[1].name); s.ports[1].name = NULL,
            "port 1 has no name");

    /* S2. */
    INVALID(s.pmds[1].core_id = 1, "pmd 1 (core 1) is not in order");
    INVALID(s.ports[1].port_no = 0, "port 1 (number 0) is not in order");
    INVALID(s.ports[1].name[0] = 'a', "port 1 has the name of another port");
    INVALID(s.rxqs[1].port = 0, "rxq 1 is not in order");
    INVALID(s.port_pmds[1] = s.port_pmds[0],
            "flow count 1 is not in order");

    /* S3. */
    INVALID(s.pmds[1].parked = true, "rxq 1 is polled by a parked PMD");

    /* S4. */
    INVALID(s.window_cycles = 0 - (uint64_t) 1,
            "the window has an absurd length");
    INVALID(s.pmds[0].busy_cycles = 0 - (uint64_t) 1,
            "pmd 0 (core 1) has an absurd counter");
    INVALID(s.pmds[0].stolen_cycles = 1,
            "pmd 0 (core 1) had more stolen than it charged");
    INVALID(s.rxqs[1].polls = 0 - (uint64_t) 1,
            "rxq 1 has an absurd counter");
    INVALID(s.rxqs[1].n_history = VMQ_HISTORY_SLOTS + 1,
            "rxq 1 has too long a history");

    /* Raw counters can be anything. */
    struct vmq_snapshot s;

    small_snapshot(&s);
    s.pmds[0].busy_cycles = s.rxqs[0].cycles = UINT64_MAX;
    assert_valid(&s, false);
    vmq_snapshot_destroy(&s);
}

/* vmq_mul_div() against the compiler's 128-bit arithmetic. */
static void
test_mul_div(void **state)
{
    unsigned long int n_cases = test_n_cases(20000);
    struct test_random r;

    (void) state;
    test_random_init(&r, "mul_div", n_cases);
    assert_int_equal(vmq_mul_div(1, 2, 0), 0);
    assert_int_equal(vmq_mul_div(UINT64_MAX, UINT64_MAX, 0), 0);
    for (unsigned long int i = 0; i < n_cases; i++) {
        uint64_t a = test_random_u64(&r) >> test_random_range(&r, 0, 63);
        uint64_t b = test_random_u64(&r) >> test_random_range(&r, 0, 63);
        uint64_t c = test_random_u64(&r) >> test_random_range(&r, 0, 63);
        unsigned __int128 expected = c ? (unsigned __int128) a * b / c : 0;

        assert_true(vmq_mul_div(a, b, c)
                    == (expected > UINT64_MAX ? UINT64_MAX
                        : (uint64_t) expected));
    }
}

static void
test_mobility(void **state)
{
    (void) state;
    assert_string_equal(vmq_mobility_to_string(VMQ_DYNAMIC), "dynamic");
    assert_string_equal(vmq_mobility_to_string(VMQ_PINNED), "pinned");
    assert_string_equal(vmq_mobility_to_string(VMQ_ISOLATED), "isolated");
    assert_string_equal(vmq_mobility_to_string(VMQ_EXCLUDED), "excluded");
    assert_string_equal(vmq_mobility_to_string(VMQ_UNSUPPORTED),
                        "unsupported");
    assert_string_equal(vmq_mobility_to_string(VMQ_UNSUPPORTED + 1),
                        "unknown");
}

/* Text form. */

static void
test_text(void **state)
{
    static const char text[] =
        "# A comment.\n"
        "\n"
        "snapshot generation=7 now_ms=12345 window_ms=300 "
        "window_cycles=600000000 window_ns=300000000\n"
        "pmd core=2 numa=0 sibling_group=2 busy=500 idle=100 sleep=3 "
        "cpu_ns=4 stolen=5 overhead=6 settling=1 evacuating=1\n"
        "pmd core=3 numa=-1 isolated=1 parked=1 edge=1\n"
        "port number=1 name=dpdk0\n"
        "port number=5 name=a\\x20\\x5cb\\x0a\\xc3\\xa4\n"
        "rxq port=0 qid=0 pmd=0 numa=0 mobility=excluded n_moves=9 "
        "tunnel_flows=14 reserve=1500 cycles=10 packets=11 polls=12 "
        "full_batches=13 backlog=1 history=100,0,65535\n"
        "rxq port=1 qid=3 pmd=none numa=-2147483648\n"
        "flows port=1 pmd=0 flows=0\n";
    struct vmq_snapshot s;

    (void) state;
    vmq_snapshot_init(&s);
    TEST_ERROR(vmq_snapshot_parse(text, &s), NULL);
    assert_valid(&s, true);
    assert_int_equal(s.generation, 7);
    assert_int_equal(s.now_ms, 12345);
    assert_int_equal(s.window_ms, 300);
    assert_int_equal(s.window_cycles, 600000000);
    assert_int_equal(s.window_ns, 300000000);
    assert_int_equal(s.n_pmds, 2);
    assert_int_equal(s.pmds[0].core_id, 2);
    assert_int_equal(s.pmds[0].sibling_group, 2);
    assert_int_equal(s.pmds[0].busy_cycles, 500);
    assert_int_equal(s.pmds[0].idle_cycles, 100);
    assert_int_equal(s.pmds[0].sleep_cycles, 3);
    assert_int_equal(s.pmds[0].cpu_ns, 4);
    assert_int_equal(s.pmds[0].stolen_cycles, 5);
    assert_int_equal(s.pmds[0].overhead_cycles, 6);
    assert_true(s.pmds[0].settling && s.pmds[0].evacuating);
    assert_false(s.pmds[0].isolated || s.pmds[0].parked);
    assert_int_equal(s.pmds[1].numa_id, -1);
    assert_true(s.pmds[1].isolated && s.pmds[1].parked && s.pmds[1].edge);
    assert_int_equal(s.n_ports, 2);
    assert_string_equal(s.ports[1].name, "a \\b\n\xc3\xa4");
    assert_int_equal(s.ports[1].port_no, 5);
    assert_int_equal(s.n_rxqs, 2);
    assert_int_equal(s.rxqs[0].mobility, VMQ_EXCLUDED);
    assert_int_equal(s.rxqs[0].n_moves, 9);
    assert_int_equal(s.rxqs[0].tunnel_flows, 14);
    assert_int_equal(s.rxqs[0].reserve_bp, 1500);
    assert_int_equal(s.rxqs[0].cycles, 10);
    assert_int_equal(s.rxqs[0].packets, 11);
    assert_int_equal(s.rxqs[0].polls, 12);
    assert_int_equal(s.rxqs[0].full_batches, 13);
    assert_true(s.rxqs[0].backlog);
    assert_int_equal(s.rxqs[0].n_history, 3);
    assert_int_equal(s.rxqs[0].history_bp[0], 100);
    assert_int_equal(s.rxqs[0].history_bp[2], 65535);
    assert_int_equal(s.rxqs[1].port, 1);
    assert_int_equal(s.rxqs[1].qid, 3);
    assert_int_equal(s.rxqs[1].pmd, VMQ_NONE);
    assert_int_equal(s.rxqs[1].numa_id, INT32_MIN);
    assert_int_equal(s.n_port_pmds, 1);

    /* Formatting yields the same text, without what was before the first
     * line. */
    char *formatted = vmq_snapshot_format(&s);

    assert_string_equal(formatted, strstr(text, "snapshot"));
    free(formatted);
    vmq_snapshot_destroy(&s);
}

static void
test_bad_text(void **state)
{
#define HEAD "snapshot generation=1 now_ms=2 window_cycles=3\n"
#define PMD "pmd core=1 numa=0\n"
#define PORT "port number=1 name=a\n"
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "no \"snapshot\" line" },
        { "\n#\n", "no \"snapshot\" line" },
        { PMD, "line 1: \"snapshot\" expected first" },
        { HEAD HEAD, "line 2: second \"snapshot\"" },
        { HEAD "queue", "line 2: does not begin with \"snapshot\", \"pmd\", "
          "\"port\", \"rxq\" or \"flows\"" },
        { HEAD " " PMD, "line 2: does not begin with \"snapshot\", \"pmd\", "
          "\"port\", \"rxq\" or \"flows\"" },
        { "snapshot generation=1 now_ms=2",
          "line 1: no \"window_cycles\"" },
        { HEAD "pmd", "line 2: no \"core\"" },
        { HEAD "pmd core=1\n\nport", "line 2: no \"numa\"" },
        { HEAD "\n\npmd core", "line 4: \"key=value\" expected" },
        { HEAD "pmd  core=1 numa=0", "line 2: \"key=value\" expected" },
        { HEAD "pmd core=1 core=1", "line 2: second \"core\"" },
        { HEAD "pmd core=1 numa=0 qid=0",
          "line 2: unknown key in a \"pmd\" line" },
        { HEAD "pmd =1", "line 2: unknown key in a \"pmd\" line" },
        { HEAD "pmd core=", "line 2: bad value of \"core\"" },
        { HEAD "pmd core=-1", "line 2: bad value of \"core\"" },
        { HEAD "pmd core=0x1", "line 2: bad value of \"core\"" },
        { HEAD "pmd core=1\r", "line 2: bad value of \"core\"" },
        { HEAD "pmd core=4294967296", "line 2: bad value of \"core\"" },
        { HEAD "pmd core=1 numa=-", "line 2: bad value of \"numa\"" },
        { HEAD "pmd core=1 numa=--1", "line 2: bad value of \"numa\"" },
        { HEAD "pmd core=1 numa=2147483648",
          "line 2: bad value of \"numa\"" },
        { HEAD "pmd core=1 numa=-2147483649",
          "line 2: bad value of \"numa\"" },
        { HEAD "pmd core=1 numa=0 busy=18446744073709551616",
          "line 2: bad value of \"busy\"" },
        { HEAD "pmd core=1 numa=0 busy=99999999999999999999",
          "line 2: bad value of \"busy\"" },
        { HEAD "pmd core=1 numa=0 parked=2",
          "line 2: bad value of \"parked\"" },
        { HEAD "port number=1 name=\\", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=\\x2", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=\\x00", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=\\x2g", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=\\n", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=\x80", "line 2: bad value of \"name\"" },
        { HEAD "port number=1 name=a\tb", "line 2: bad value of \"name\"" },
        { HEAD "port name=a", "line 2: no \"number\"" },
        { HEAD "rxq port=0", "line 2: bad value of \"port\"" },
        { HEAD PORT "rxq port=1", "line 3: bad value of \"port\"" },
        { HEAD PORT "rxq port=0 qid=0 pmd=0",
          "line 3: bad value of \"pmd\"" },
        { HEAD PMD PORT "rxq port=0 qid=0 pmd=1",
          "line 4: bad value of \"pmd\"" },
        { HEAD PMD PORT "rxq port=0 qid=0 pmd=nun",
          "line 4: bad value of \"pmd\"" },
        { HEAD PORT "rxq port=0 qid=0 pmd=none numa=0 mobility=static",
          "line 3: bad value of \"mobility\"" },
        { HEAD PORT "rxq port=0 qid=0 pmd=none numa=0 mobility=",
          "line 3: bad value of \"mobility\"" },
        { HEAD PORT "rxq port=0 history=",
          "line 3: bad value of \"history\"" },
        { HEAD PORT "rxq port=0 history=1,",
          "line 3: bad value of \"history\"" },
        { HEAD PORT "rxq port=0 history=65536",
          "line 3: bad value of \"history\"" },
        { HEAD PORT "rxq port=0 "
          "history=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21",
          "line 3: bad value of \"history\"" },
        { HEAD PMD PORT "flows port=0 pmd=none",
          "line 4: bad value of \"pmd\"" },
        { HEAD PMD PORT "flows port=0 pmd=0", "line 4: no \"flows\"" },
    };

    (void) state;
    for (size_t i = 0; i < TEST_ARRAY_SIZE(cases); i++) {
        struct vmq_snapshot s;

        vmq_snapshot_init(&s);
        TEST_ERROR(vmq_snapshot_parse(cases[i].text, &s), cases[i].error);
        assert_int_equal(s.n_pmds + s.n_ports + s.n_rxqs, 0);
        vmq_snapshot_destroy(&s);
    }
}

/* S5: there and back. */
static void
test_round_trip(void **state)
{
    unsigned long int n_cases = test_n_cases(20000) / 10 + 1;
    struct test_random r;

    (void) state;
    test_random_init(&r, "snapshot round trip", n_cases);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct vmq_snapshot s, parsed;

        random_snapshot(&r, test_one_in(&r, 2), &s);

        char *text = vmq_snapshot_format(&s);

        vmq_snapshot_init(&parsed);
        TEST_ERROR(vmq_snapshot_parse(text, &parsed), NULL);
        assert_true(vmq_snapshot_equal(&s, &parsed));
        free(text);
        vmq_snapshot_destroy(&s);
        vmq_snapshot_destroy(&parsed);
    }
}

/* S5: whatever the parser is given, it either complains or yields something
 * that can be used. */
static void
test_garbage(void **state)
{
    static const char *const scraps[] = {
        "snapshot", "pmd ", "port ", "rxq ", "flows ", "\n", " ", "=", "#",
        "none", "-1", "0", "1", "4294967295", "18446744073709551615",
        "\\x", "\\x41", "name=", "port=0", "pmd=0", "history=1,2",
        "mobility=pinned", "core=7", "numa=0", ",", "\t", "\xff",
    };
    unsigned long int n_cases = test_n_cases(20000);
    unsigned long int n_parsed = 0;
    struct test_random r;

    (void) state;
    test_random_init(&r, "snapshot garbage", n_cases);
    for (unsigned long int i = 0; i < n_cases; i++) {
        struct vmq_snapshot s;

        random_snapshot(&r, false, &s);

        char *text = vmq_snapshot_format(&s);
        size_t n_edits = test_random_range(&r, 1, 4);

        for (size_t j = 0; j < n_edits; j++) {
            size_t length = strlen(text);
            size_t at = test_random_range(&r, 0, length);
            size_t skip = (test_one_in(&r, 2) ? 0
                           : test_random_range(&r, 0, test_one_in(&r, 4)
                                               ? length - at
                                               : at < length ? 1 : 0));
            const char *scrap
                = (test_one_in(&r, 4) ? ""
                   : scraps[test_random_range(&r, 0, TEST_ARRAY_SIZE(scraps)
                                              - 1)]);
            char *edited = vmq_xasprintf("%.*s%s%s", (int) at, text, scrap,
                                         text + at + skip);

            free(text);
            text = edited;
        }
        vmq_snapshot_destroy(&s);

        char *error = vmq_snapshot_parse(text, &s);

        if (!error) {
            n_parsed++;
            for (uint32_t j = 0; j < s.n_rxqs; j++) {
                assert_true(s.rxqs[j].port < s.n_ports);
                assert_true(s.rxqs[j].pmd < s.n_pmds
                            || s.rxqs[j].pmd == VMQ_NONE);
                assert_true(s.rxqs[j].n_history <= VMQ_HISTORY_SLOTS);
            }
            vmq_snapshot_valid(&s, true, NULL);
            vmq_snapshot_sort(&s);
            vmq_snapshot_valid(&s, true, NULL);

            struct vmq_snapshot again;
            char *formatted = vmq_snapshot_format(&s);

            vmq_snapshot_init(&again);
            TEST_ERROR(vmq_snapshot_parse(formatted, &again), NULL);
            assert_true(vmq_snapshot_equal(&s, &again));
            free(formatted);
            vmq_snapshot_destroy(&again);
        } else {
            assert_true(!strncmp(error, "line ", 5)
                        || !strncmp(error, "no ", 3));
            assert_int_equal(s.n_rxqs, 0);
        }
        free(error);
        free(text);
        vmq_snapshot_destroy(&s);
    }
    printf("# %lu of %lu parsed\n", n_parsed, n_cases);
    assert_true(n_cases < 1000 || (n_parsed > n_cases / 100
                                   && n_parsed < n_cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_mul_div),
        cmocka_unit_test(test_mobility),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}

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

/* Tests of the credit ledger: cases worked out by hand.  "C1" and the like are
 * the invariants in vmq-credit.h. */

#include <config.h>
#include "vmq-credit.h"

#include "vmq-host.h"
#include "vmq-test.h"

/* Moves queue 'rxq' to 'to' and returns how that counts. */
static enum vmq_return
move(struct vmq_host *h, uint32_t rxq, uint32_t to, enum vmq_reason reason)
{
    struct vmq_move m = {
        .rxq = rxq, .from = h->s.rxqs[rxq].pmd, .to = to, .reason = reason,
    };
    enum vmq_return ret;

    vmq_credit_commit(h->ledger, &h->config, &h->s, &m, 1, &h->outcome, &ret);
    if (h->outcome == VMQ_OUTCOME_APPLIED) {
        h->s.rxqs[rxq].pmd = to;
    }
    return ret;
}

static struct vmq_quote
quote(const struct vmq_host *h, uint32_t rxq, uint32_t to)
{
    struct vmq_quote q;

    vmq_credit_quote(h->ledger, &h->config, &h->s, rxq,
                     h->s.pmds[to].core_id, &q);
    return q;
}

/* A host with three PMDs and a queue of 50 % on core 0. */
static void
one_queue(struct vmq_host *h, uint32_t credits, uint32_t refill_ms)
{
    host_init(h, "0 0 0");
    host_add(h, 0, 5000);
    for (int i = 0; i < 3; i++) {
        h->s.pmds[i].parked = false;
    }
    h->config.credits = credits;
    h->config.credit_refill_ms = refill_ms;
}

static void
a_new_queue_has_all_credits(void **state)
{
    struct vmq_host h;
    struct vmq_quote q;

    (void) state;
    one_queue(&h, 4, 5000);
    q = quote(&h, 0, 1);
    assert_int_equal(q.balance_mc, 4000);
    assert_int_equal(q.price_mc, 1000);
    assert_int_equal(q.refill_ms, 5000);
    assert_true(q.affordable);
    assert_true(q.affordable_overdraft);
    assert_false(q.returning);
    assert_false(q.free);
    host_destroy(&h);
}

static void
the_example_in_the_header_is_right(void **state)
{
    struct vmq_host h;
    struct vmq_quote q;

    (void) state;
    one_queue(&h, 2, 5000);
    q = quote(&h, 0, 1);
    assert_int_equal(q.balance_mc, 2000);
    assert_int_equal(q.price_mc, 1000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 2).balance_mc, 1000);

    h.s.now_ms += 5000;
    q = quote(&h, 0, 2);
    assert_int_equal(q.balance_mc, 2000);
    assert_int_equal(q.price_mc, 1000);
    move(&h, 0, 2, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 0).balance_mc, 1000);

    h.s.now_ms += 500;
    q = quote(&h, 0, 1);
    assert_int_equal(q.balance_mc, 1100);
    assert_int_equal(q.price_mc, 2983);
    assert_true(q.returning);
    assert_false(q.affordable);
    assert_true(q.affordable_overdraft);
    assert_true(quote(&h, 0, 0).affordable);

    move(&h, 0, 1, VMQ_REASON_SPREAD);
    q = quote(&h, 0, 0);
    assert_int_equal(q.balance_mc, -1883);
    assert_int_equal(q.refill_ms, 10000);
    host_destroy(&h);
}

static void
credits_come_back_up_to_the_limit(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 2, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    move(&h, 0, 2, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 0).balance_mc, 0);
    assert_false(quote(&h, 0, 0).affordable);
    h.s.now_ms += 4999;
    assert_int_equal(quote(&h, 0, 0).balance_mc, 999);
    assert_false(quote(&h, 0, 0).affordable);
    h.s.now_ms += 1;
    assert_int_equal(quote(&h, 0, 0).balance_mc, 1000);
    assert_true(quote(&h, 0, 0).affordable);
    h.s.now_ms += 3600000;
    assert_int_equal(quote(&h, 0, 0).balance_mc, 2000);
    host_destroy(&h);
}

static void
the_surcharge_of_a_return_decays(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 0).price_mc, 3000);
    assert_int_equal(quote(&h, 0, 2).price_mc, 1000);
    h.s.now_ms += VMQ_PINGPONG_MS / 2;
    assert_int_equal(quote(&h, 0, 0).price_mc, 2000);
    h.s.now_ms += VMQ_PINGPONG_MS / 2 - 1;
    assert_true(quote(&h, 0, 0).returning);
    h.s.now_ms += 1;
    assert_int_equal(quote(&h, 0, 0).price_mc, 1000);
    assert_false(quote(&h, 0, 0).returning);
    host_destroy(&h);
}

static void
the_overdraft_ends_at_minus_c(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 2, 5000);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(quote(&h, 0, (i + 1) % 3).affordable, i < 2);
        assert_true(quote(&h, 0, (i + 1) % 3).affordable_overdraft);
        move(&h, 0, (i + 1) % 3, VMQ_REASON_SPREAD);
    }
    assert_int_equal(quote(&h, 0, 2).balance_mc, -2000);
    assert_false(quote(&h, 0, 2).affordable_overdraft);

    /* Orders are carried out all the same, but C1 holds. */
    move(&h, 0, 2, VMQ_REASON_EVACUATE);
    move(&h, 0, 0, VMQ_REASON_MANUAL);
    assert_int_equal(quote(&h, 0, 1).balance_mc, -2000);
    host_destroy(&h);
}

static void
returns_double_the_refill_time_up_to_16_times(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(quote(&h, 0, 2).refill_ms,
                         5000 << (i < 4 ? i : 4));
        move(&h, 0, i % 2, VMQ_REASON_SPREAD);
    }
    host_destroy(&h);
}

static void
quiet_minutes_halve_it_again(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    move(&h, 0, 0, VMQ_REASON_SPREAD);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 2).balance_mc, 4000 - 1000 - 3000 - 3000);
    assert_int_equal(quote(&h, 0, 2).refill_ms, 20000);
    h.s.now_ms += 59999;
    assert_int_equal(quote(&h, 0, 2).refill_ms, 20000);
    h.s.now_ms += 1;
    assert_int_equal(quote(&h, 0, 2).refill_ms, 10000);

    /* 60 s at 20 s each. */
    assert_int_equal(quote(&h, 0, 2).balance_mc, -3000 + 3000);
    h.s.now_ms += 10000;
    assert_int_equal(quote(&h, 0, 2).balance_mc, 1000);
    h.s.now_ms += 50000;
    assert_int_equal(quote(&h, 0, 2).refill_ms, 5000);
    assert_int_equal(quote(&h, 0, 2).balance_mc, 4000);
    host_destroy(&h);
}

static void
a_light_queue_moves_free_once_per_refill(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 1, 5000);
    host_set_load(&h, 0, 99);
    assert_int_equal(quote(&h, 0, 1).price_mc, 1000);
    assert_false(quote(&h, 0, 1).free);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    move(&h, 0, 2, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 0).balance_mc, -1000);

    h.s.now_ms += 4999;
    assert_false(quote(&h, 0, 0).affordable);
    h.s.now_ms += 1;
    assert_true(quote(&h, 0, 0).free);
    assert_true(quote(&h, 0, 0).affordable);
    assert_int_equal(quote(&h, 0, 0).price_mc, 0);

    /* Not to return, and not if it is not light. */
    assert_false(quote(&h, 0, 1).affordable);
    host_set_load(&h, 0, 100);
    assert_false(quote(&h, 0, 0).affordable);
    host_set_load(&h, 0, 99);

    /* It pays with what it earned since. */
    assert_int_equal(quote(&h, 0, 0).balance_mc, 0);
    move(&h, 0, 0, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 1).balance_mc, -1000);
    assert_false(quote(&h, 0, 1).affordable);
    host_destroy(&h);
}

static void
with_no_credits_everything_is_free(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 0, 5000);
    for (int i = 0; i < 100; i++) {
        assert_true(quote(&h, 0, (i + 1) % 2).affordable);
        assert_true(quote(&h, 0, (i + 1) % 2).affordable_overdraft);
        assert_int_equal(quote(&h, 0, (i + 1) % 2).price_mc, 0);
        assert_int_equal(move(&h, 0, (i + 1) % 2, VMQ_REASON_SPREAD),
                         i ? VMQ_RETURN_PINGPONG : VMQ_RETURN_NONE);
    }
    host_destroy(&h);
}

static void
the_balance_follows_the_setting(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 8, 5000);
    host_add(&h, 0, 100);
    for (int i = 0; i < 16; i++) {
        move(&h, 0, (i + 1) % 3, VMQ_REASON_SPREAD);
    }
    move(&h, 1, 1, VMQ_REASON_SPREAD);
    assert_int_equal(quote(&h, 0, 0).balance_mc, -8000);
    assert_int_equal(quote(&h, 1, 2).balance_mc, 7000);
    h.config.credits = 2;
    assert_int_equal(quote(&h, 0, 0).balance_mc, -2000);
    assert_int_equal(quote(&h, 1, 2).balance_mc, 2000);
    host_destroy(&h);
}

static void
leaving_an_overloaded_pmd_is_a_forced_return(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    assert_int_equal(move(&h, 0, 1, VMQ_REASON_SPREAD), VMQ_RETURN_NONE);
    host_set_load(&h, 0, 8500);
    assert_int_equal(move(&h, 0, 0, VMQ_REASON_SPREAD), VMQ_RETURN_FORCED);
    host_set_load(&h, 0, 8499);
    assert_int_equal(move(&h, 0, 1, VMQ_REASON_SPREAD),
                     VMQ_RETURN_PINGPONG);
    h.s.rxqs[0].backlog = true;
    assert_int_equal(move(&h, 0, 0, VMQ_REASON_SPREAD), VMQ_RETURN_FORCED);
    host_destroy(&h);
}

static void
orders_are_no_pingpong(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    assert_int_equal(move(&h, 0, 0, VMQ_REASON_EVACUATE), VMQ_RETURN_FORCED);
    assert_int_equal(move(&h, 0, 1, VMQ_REASON_MIN_PMDS), VMQ_RETURN_FORCED);
    assert_int_equal(move(&h, 0, 0, VMQ_REASON_MANUAL), VMQ_RETURN_NONE);
    host_destroy(&h);
}

static void
after_a_minute_it_is_no_return(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    h.s.now_ms += VMQ_PINGPONG_MS;
    assert_int_equal(move(&h, 0, 0, VMQ_REASON_SPREAD), VMQ_RETURN_NONE);
    host_destroy(&h);
}

/* What a queue came for has gone when it frees its PMD after a rest: that
 * costs nothing, is no return, and neither is it to come again. */
static void
who_has_rested_frees_its_pmd_for_nothing(void **state)
{
    for (int hold_ms = 0; hold_ms <= 2000; hold_ms += 1000) {
        uint64_t rest_ms = hold_ms ? hold_ms : VMQ_REST_MIN_MS;
        struct vmq_quotes quotes;
        struct vmq_host h;

        (void) state;
        one_queue(&h, 4, 60000);
        h.config.coalesce_hold_ms = hold_ms;
        vmq_credit_quotes(h.ledger, &h.config, &h.s, 0, &quotes);
        assert_true(quotes.rested);
        assert_int_equal(quotes.back_core, VMQ_NONE);

        /* There and back, without credits. */
        for (int i = 0; i < 8; i++) {
            move(&h, 0, (i + 1) % 2, VMQ_REASON_MANUAL);
        }
        move(&h, 0, 1, VMQ_REASON_MANUAL);
        assert_int_equal(quote(&h, 0, 0).balance_mc, -4 * VMQ_CREDIT);
        h.s.now_ms += rest_ms - 1;
        vmq_credit_quotes(h.ledger, &h.config, &h.s, 0, &quotes);
        assert_false(quotes.rested);
        h.s.now_ms++;
        vmq_credit_quotes(h.ledger, &h.config, &h.s, 0, &quotes);
        assert_true(quotes.rested);
        assert_int_equal(quotes.back_core, 0);

        int32_t balance_mc = quotes.away.balance_mc;
        uint32_t refill_ms = quotes.away.refill_ms;
        assert_int_equal(move(&h, 0, 0, VMQ_REASON_COALESCE),
                         VMQ_RETURN_NONE);
        vmq_credit_quotes(h.ledger, &h.config, &h.s, 0, &quotes);
        assert_int_equal(quotes.away.balance_mc, balance_mc);
        assert_int_equal(quotes.away.refill_ms, refill_ms);
        assert_int_equal(quotes.back_core, VMQ_NONE);
        assert_false(quotes.rested);
        assert_int_equal(move(&h, 0, 1, VMQ_REASON_SPREAD), VMQ_RETURN_NONE);

        /* Whatever else it moves for, it pays. */
        h.s.now_ms += rest_ms;
        assert_int_equal(move(&h, 0, 0, VMQ_REASON_SPREAD),
                         VMQ_RETURN_PINGPONG);
        host_destroy(&h);
    }
}

/* A light queue without credit forfeits what it has earned, but not for that.
 */
static void
who_has_rested_keeps_what_it_has_earned(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 500);
    h.config.coalesce_hold_ms = 2000;
    for (int i = 0; i < 9; i++) {
        move(&h, 0, (i + 1) % 2, VMQ_REASON_MANUAL);
    }
    host_set_fast(&h, 0, 50);
    h.s.now_ms += 2000;
    assert_true(quote(&h, 0, 2).free);
    assert_int_equal(quote(&h, 0, 2).balance_mc, 0);
    assert_int_equal(move(&h, 0, 2, VMQ_REASON_COALESCE), VMQ_RETURN_NONE);
    assert_int_equal(quote(&h, 0, 1).balance_mc, 0);

    /* Who had to pay when it was planned pays when it has moved. */
    struct vmq_move late = { .from = 2, .to = 1, .price_mc = VMQ_CREDIT,
                             .reason = VMQ_REASON_COALESCE };
    enum vmq_outcome outcome = VMQ_OUTCOME_APPLIED;
    host_set_fast(&h, 0, 5000);
    h.s.now_ms += 2000;
    assert_int_equal(quote(&h, 0, 1).balance_mc, 4 * VMQ_CREDIT);
    vmq_credit_commit(h.ledger, &h.config, &h.s, &late, 1, &outcome, NULL);
    assert_int_equal(quote(&h, 0, 2).balance_mc, 3 * VMQ_CREDIT);
    host_destroy(&h);
}

static void
a_quote_changes_nothing(void **state)
{
    struct vmq_host h;
    struct vmq_quote first, again;

    /* C3. */
    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    h.s.now_ms += 1234;
    first = quote(&h, 0, 0);
    for (int i = 0; i < 100; i++) {
        quote(&h, 0, i % 3);
    }
    again = quote(&h, 0, 0);
    assert_memory_equal(&first, &again, sizeof first);
    host_destroy(&h);
}

static void
what_was_not_applied_is_not_charged(void **state)
{
    struct vmq_host h;

    /* C4. */
    (void) state;
    one_queue(&h, 4, 5000);
    for (int i = 0; i < VMQ_N_OUTCOMES; i++) {
        if (i != VMQ_OUTCOME_APPLIED) {
            h.outcome = i;
            assert_int_equal(move(&h, 0, 1, VMQ_REASON_SPREAD),
                             VMQ_RETURN_NONE);
            assert_int_equal(quote(&h, 0, 1).balance_mc, 4000);
            assert_false(quote(&h, 0, 0).returning);
        }
    }
    host_destroy(&h);
}

static void
each_queue_has_its_own_account(void **state)
{
    struct vmq_host h;
    uint32_t port;

    (void) state;
    host_init(&h, "0 0");
    port = vmq_snapshot_add_port(&h.s, "p", 7);
    for (int i = 0; i < 40; i++) {
        vmq_snapshot_add_rxq(&h.s, port, i, 0, 0);
    }
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < (i * 7) % 40 % 4; k++) {
            move(&h, (i * 7) % 40, (k + 1) % 2, VMQ_REASON_MANUAL);
        }
    }
    for (int i = 0; i < 40; i++) {
        assert_int_equal(quote(&h, i, 0).balance_mc,
                         i % 4 == 0 ? 4000 : i % 4 == 1 ? 3000
                         : i % 4 == 2 ? 0 : -3000);
    }
    host_destroy(&h);
}

static void
queues_that_are_gone_are_forgotten(void **state)
{
    struct vmq_host h;

    (void) state;
    host_init(&h, "0 0");
    for (int i = 0; i < 5; i++) {
        host_add(&h, 0, 5000);
        move(&h, i, 1, VMQ_REASON_SPREAD);
    }

    /* Ports 2 and 5 of 1..5 go and come back. */
    h.s.ports[1].port_no = 2;
    h.s.rxqs[1].qid = 1;
    h.s.n_rxqs = 4;
    vmq_credit_forget(h.ledger, &h.s, &h.s);
    h.s.rxqs[1].qid = 0;
    h.s.n_rxqs = 5;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(quote(&h, i, 0).balance_mc,
                         i == 1 || i == 4 ? 4000 : 3000);
    }
    h.s.n_rxqs = 0;
    vmq_credit_forget(h.ledger, &h.s, &h.s);
    h.s.n_rxqs = 5;
    assert_int_equal(quote(&h, 0, 0).balance_mc, 4000);
    host_destroy(&h);
}

static void
queues_of_one_port_are_forgotten_one_by_one(void **state)
{
    struct vmq_host h;
    uint32_t port;

    (void) state;
    host_init(&h, "0 0");
    port = vmq_snapshot_add_port(&h.s, "p", 7);
    for (int i = 0; i < 4; i++) {
        vmq_snapshot_add_rxq(&h.s, port, i, 0, 0);
        move(&h, i, 1, VMQ_REASON_SPREAD);
    }

    /* Queues 0 and 2 go and come back. */
    h.s.rxqs[0].qid = 1;
    h.s.rxqs[1].qid = 3;
    h.s.n_rxqs = 2;
    vmq_credit_forget(h.ledger, &h.s, &h.s);
    h.s.n_rxqs = 4;
    for (int i = 0; i < 4; i++) {
        h.s.rxqs[i].qid = i;
        assert_int_equal(quote(&h, i, 0).balance_mc, i % 2 ? 3000 : 4000);
    }
    host_destroy(&h);
}

static void
a_port_that_replaces_another_has_all_credits(void **state)
{
    struct vmq_snapshot before;
    struct vmq_host h;

    (void) state;
    host_init(&h, "0 0");
    for (int i = 0; i < 4; i++) {
        host_add(&h, 0, 5000);
        move(&h, i, 1, VMQ_REASON_SPREAD);
    }

    /* The first port was not there before, the second one had another name,
     * and another port was where there is none now. */
    vmq_snapshot_init(&before);
    for (int i = 1; i < 4; i++) {
        vmq_snapshot_add_port(&before, i == 1 ? "x" : h.s.ports[i].name,
                              h.s.ports[i].port_no);
    }
    vmq_snapshot_add_port(&before, "y", h.s.ports[3].port_no + 1);
    vmq_credit_forget(h.ledger, &before, &h.s);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(quote(&h, i, 0).balance_mc, i == 1 ? 4000 : 3000);
    }
    vmq_snapshot_destroy(&before);
    host_destroy(&h);
}

static void
an_account_goes_to_another_ledger_as_it_is(void **state)
{
    struct vmq_account account, other;
    struct vmq_ledger *ledger = vmq_ledger_create();
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    assert_false(vmq_ledger_get(h.ledger, &h.s, 0, &account));
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    h.s.now_ms += 1000;
    move(&h, 0, 0, VMQ_REASON_SPREAD);
    assert_true(vmq_ledger_get(h.ledger, &h.s, 0, &account));
    assert_int_equal(account.moved_ms, h.s.now_ms);
    assert_int_equal(account.left_core, 1);
    assert_int_equal(account.doublings, 1);

    vmq_ledger_put(ledger, &h.s, 0, &account);
    assert_true(vmq_ledger_get(ledger, &h.s, 0, &other));
    assert_int_equal(other.port_no, account.port_no);
    assert_int_equal(other.qid, account.qid);
    assert_int_equal(other.moved_ms, account.moved_ms);
    assert_int_equal(other.left_core, account.left_core);
    assert_int_equal(other.balance_mc, account.balance_mc);
    assert_int_equal(other.doublings, account.doublings);
    vmq_ledger_destroy(ledger);
    host_destroy(&h);
}

static void
a_clock_that_steps_back_earns_nothing(void **state)
{
    struct vmq_host h;

    (void) state;
    one_queue(&h, 4, 5000);
    move(&h, 0, 1, VMQ_REASON_SPREAD);
    h.s.now_ms -= 500000;
    assert_int_equal(quote(&h, 0, 2).balance_mc, 3000);
    assert_int_equal(quote(&h, 0, 0).price_mc, 3000);
    host_destroy(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_queue_has_all_credits),
        cmocka_unit_test(the_example_in_the_header_is_right),
        cmocka_unit_test(credits_come_back_up_to_the_limit),
        cmocka_unit_test(the_surcharge_of_a_return_decays),
        cmocka_unit_test(the_overdraft_ends_at_minus_c),
        cmocka_unit_test(returns_double_the_refill_time_up_to_16_times),
        cmocka_unit_test(quiet_minutes_halve_it_again),
        cmocka_unit_test(a_light_queue_moves_free_once_per_refill),
        cmocka_unit_test(with_no_credits_everything_is_free),
        cmocka_unit_test(the_balance_follows_the_setting),
        cmocka_unit_test(leaving_an_overloaded_pmd_is_a_forced_return),
        cmocka_unit_test(orders_are_no_pingpong),
        cmocka_unit_test(after_a_minute_it_is_no_return),
        cmocka_unit_test(who_has_rested_frees_its_pmd_for_nothing),
        cmocka_unit_test(who_has_rested_keeps_what_it_has_earned),
        cmocka_unit_test(a_quote_changes_nothing),
        cmocka_unit_test(what_was_not_applied_is_not_charged),
        cmocka_unit_test(each_queue_has_its_own_account),
        cmocka_unit_test(queues_that_are_gone_are_forgotten),
        cmocka_unit_test(queues_of_one_port_are_forgotten_one_by_one),
        cmocka_unit_test(a_port_that_replaces_another_has_all_credits),
        cmocka_unit_test(an_account_goes_to_another_ledger_as_it_is),
        cmocka_unit_test(a_clock_that_steps_back_earns_nothing),
    };

    return cmocka_run_group_tests_name("credit", tests, NULL, NULL);
}

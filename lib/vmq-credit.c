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
#include "vmq-credit.h"

#include <stdlib.h>
#include <string.h>

#include "vmq-load.h"
#include "vmq-util.h"

/* A queue returning at once to the PMD that it left pays this much on top.
 * With less than one credit of surcharge a full balance of 4 would pay for
 * more than one round trip a minute, with more than three it could not come
 * back in an emergency, when it has to. */
#define VMQ_SURCHARGE_MC (2 * VMQ_CREDIT)

/* Queues below this load may move without credit, see vmq_credit_quote(). */
#define VMQ_LIGHT_BP 100

/* Refill times double with each return, up to 2**this, and halve with each
 * minute in which the queue stays. */
#define VMQ_MAX_DOUBLINGS 4
#define VMQ_QUIET_MS 60000

struct vmq_ledger {
    struct vmq_account *accounts;       /* Sorted by (port_no, qid). */
    uint32_t n;
    uint32_t allocated;
};

struct vmq_ledger *
vmq_ledger_create(void)
{
    return vmq_xcalloc(1, sizeof(struct vmq_ledger));
}

void
vmq_ledger_destroy(struct vmq_ledger *ledger)
{
    if (ledger) {
        free(ledger->accounts);
        free(ledger);
    }
}

/* Makes '*dst' the same as '*src', in the memory that it has if that will
 * do. */
void
vmq_ledger_copy(struct vmq_ledger *dst, const struct vmq_ledger *src)
{
    dst->accounts = vmq_reserve(dst->accounts, &dst->allocated, src->n,
                                sizeof *dst->accounts);
    if (src->n) {
        memcpy(dst->accounts, src->accounts, src->n * sizeof *src->accounts);
    }
    dst->n = src->n;
}

/* The index of the first account that is not below (port_no, qid). */
static uint32_t
vmq_ledger_search(const struct vmq_ledger *ledger, uint32_t port_no,
                  uint32_t qid)
{
    uint32_t low = 0, high = ledger->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct vmq_account *a = &ledger->accounts[mid];

        if (a->port_no < port_no || (a->port_no == port_no && a->qid < qid)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static const struct vmq_account *
vmq_ledger_find(const struct vmq_ledger *ledger,
                const struct vmq_snapshot *snapshot, uint32_t rxq)
{
    uint32_t port_no = snapshot->ports[snapshot->rxqs[rxq].port].port_no;
    uint32_t qid = snapshot->rxqs[rxq].qid;
    uint32_t i = vmq_ledger_search(ledger, port_no, qid);

    return (i < ledger->n && ledger->accounts[i].port_no == port_no
            && ledger->accounts[i].qid == qid
            ? &ledger->accounts[i] : NULL);
}

/* The account of 'rxq', made if there is none. */
static struct vmq_account *
vmq_ledger_open(struct vmq_ledger *ledger, const struct vmq_snapshot *snapshot,
                uint32_t rxq)
{
    uint32_t port_no = snapshot->ports[snapshot->rxqs[rxq].port].port_no;
    uint32_t qid = snapshot->rxqs[rxq].qid;
    uint32_t i = vmq_ledger_search(ledger, port_no, qid);
    struct vmq_account *a;

    if (i < ledger->n && ledger->accounts[i].port_no == port_no
        && ledger->accounts[i].qid == qid) {
        return &ledger->accounts[i];
    }
    if (ledger->n == ledger->allocated) {
        ledger->allocated = ledger->allocated ? ledger->allocated * 2 : 16;
        ledger->accounts = vmq_xrealloc(ledger->accounts, ledger->allocated,
                                        sizeof *ledger->accounts);
    }
    a = &ledger->accounts[i];
    memmove(a + 1, a, (ledger->n - i) * sizeof *a);
    ledger->n++;
    memset(a, 0, sizeof *a);
    a->port_no = port_no;
    a->qid = qid;
    return a;
}

/* The time since the last move, which has been. */
static uint64_t
vmq_account_age_ms(const struct vmq_account *a, uint64_t now_ms)
{
    return now_ms > a->moved_ms ? now_ms - a->moved_ms : 0;
}

static uint32_t
vmq_account_doublings(const struct vmq_account *a, uint64_t now_ms)
{
    uint64_t quiet = vmq_account_age_ms(a, now_ms) / VMQ_QUIET_MS;

    return quiet < a->doublings ? a->doublings - quiet : 0;
}

static int32_t
vmq_account_balance_mc(const struct vmq_account *a,
                       const struct vmq_config *config, uint64_t now_ms)
{
    int64_t cap_mc = (int64_t) config->credits * VMQ_CREDIT;
    uint64_t age_ms = vmq_account_age_ms(a, now_ms);
    int64_t balance_mc = a->balance_mc > -cap_mc ? a->balance_mc : -cap_mc;
    uint32_t d = a->doublings;

    while (age_ms && balance_mc < cap_mc) {
        uint64_t refill_ms = (uint64_t) config->credit_refill_ms << d;
        uint64_t part_ms = d && age_ms > VMQ_QUIET_MS ? VMQ_QUIET_MS : age_ms;
        /* Settings have a refill of at least a millisecond.
         * NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
        uint64_t earned_mc = part_ms * VMQ_CREDIT / refill_ms;

        balance_mc += earned_mc < 2 * cap_mc ? earned_mc : 2 * cap_mc;
        age_ms -= part_ms;
        d -= d > 0;
    }
    return balance_mc < cap_mc ? balance_mc : cap_mc;
}

bool
vmq_ledger_get(const struct vmq_ledger *ledger,
               const struct vmq_snapshot *snapshot, uint32_t rxq,
               struct vmq_account *account)
{
    const struct vmq_account *a = vmq_ledger_find(ledger, snapshot, rxq);

    if (a) {
        *account = *a;
    }
    return a != NULL;
}

void
vmq_ledger_put(struct vmq_ledger *ledger, const struct vmq_snapshot *snapshot,
               uint32_t rxq, const struct vmq_account *account)
{
    struct vmq_account *a = vmq_ledger_open(ledger, snapshot, rxq);

    a->moved_ms = account->moved_ms;
    a->left_core = account->left_core;
    a->rested = account->rested;
    a->balance_mc = account->balance_mc;
    a->doublings = account->doublings;
}

/* What a move costs that is a return ('returning') or not, of queue 'rxq'
 * whose account is 'a' (null if there is none). */
static void
vmq_account_quote(const struct vmq_account *a, const struct vmq_config *config,
                  const struct vmq_snapshot *snapshot, uint32_t rxq,
                  bool returning, struct vmq_quote *quote)
{
    int32_t cap_mc = config->credits * VMQ_CREDIT;
    uint64_t now_ms = snapshot->now_ms;
    uint64_t age_ms = a ? vmq_account_age_ms(a, now_ms) : UINT64_MAX;

    memset(quote, 0, sizeof *quote);
    quote->returning = returning;
    quote->refill_ms = config->credit_refill_ms;
    if (!config->credits) {
        quote->affordable = quote->affordable_overdraft = true;
        return;
    }

    quote->price_mc = VMQ_CREDIT;
    quote->balance_mc = cap_mc;
    if (a) {
        quote->balance_mc = vmq_account_balance_mc(a, config, now_ms);
        quote->refill_ms <<= vmq_account_doublings(a, now_ms);
        if (quote->returning) {
            quote->price_mc += (VMQ_SURCHARGE_MC * (VMQ_PINGPONG_MS - age_ms)
                                / VMQ_PINGPONG_MS);
        }
    }

    int32_t price_mc = quote->price_mc;
    quote->affordable = quote->balance_mc >= price_mc;
    quote->affordable_overdraft = quote->balance_mc - price_mc >= -cap_mc;
    if (!quote->affordable && !quote->returning
        && age_ms >= config->credit_refill_ms
        && vmq_rxq_load_bp(snapshot, rxq) < VMQ_LIGHT_BP) {
        quote->free = quote->affordable = quote->affordable_overdraft = true;
        quote->price_mc = 0;
    }
}

/* Has the queue with account 'a', which is null if it never moved, stayed for
 * long enough?  Without credits all moves are free, and returns are such. */
static bool
vmq_account_is_rested(const struct vmq_account *a,
                      const struct vmq_config *config, uint64_t now_ms)
{
    return (config->credits
            && (!a || (vmq_account_age_ms(a, now_ms)
                       >= vmq_credit_rest_ms(config))));
}

void
vmq_credit_quotes(const struct vmq_ledger *ledger,
                  const struct vmq_config *config,
                  const struct vmq_snapshot *snapshot, uint32_t rxq,
                  struct vmq_quotes *quotes)
{
    const struct vmq_account *a = vmq_ledger_find(ledger, snapshot, rxq);

    vmq_account_quote(a, config, snapshot, rxq, false, &quotes->away);
    quotes->back = quotes->away;
    quotes->back_core = VMQ_NONE;
    quotes->rested = vmq_account_is_rested(a, config, snapshot->now_ms);
    quotes->left_core = VMQ_NONE;
    if (a && vmq_account_age_ms(a, snapshot->now_ms) < VMQ_PINGPONG_MS) {
        quotes->left_core = a->left_core;
        if (!a->rested) {
            quotes->back_core = a->left_core;
            vmq_account_quote(a, config, snapshot, rxq, true, &quotes->back);
        }
    }
}

void
vmq_credit_quote(const struct vmq_ledger *ledger,
                 const struct vmq_config *config,
                 const struct vmq_snapshot *snapshot, uint32_t rxq,
                 uint32_t to_core, struct vmq_quote *quote)
{
    struct vmq_quotes quotes;

    vmq_credit_quotes(ledger, config, snapshot, rxq, &quotes);
    *quote = *vmq_quote_to(&quotes, to_core);
}

static enum vmq_return
vmq_credit_classify(const struct vmq_config *config,
                    const struct vmq_snapshot *snapshot,
                    const struct vmq_move *move, bool returning)
{
    if (!returning || move->reason == VMQ_REASON_MANUAL) {
        return VMQ_RETURN_NONE;
    }
    return (move->reason == VMQ_REASON_EVACUATE
            || move->reason == VMQ_REASON_MIN_PMDS
            || vmq_pmd_overloaded(snapshot, config, move->from)
            ? VMQ_RETURN_FORCED : VMQ_RETURN_PINGPONG);
}

static enum vmq_return
vmq_credit_debit(struct vmq_ledger *ledger, const struct vmq_config *config,
                 const struct vmq_snapshot *snapshot,
                 const struct vmq_move *move)
{
    uint64_t now_ms = snapshot->now_ms;
    struct vmq_quotes quotes;

    vmq_credit_quotes(ledger, config, snapshot, move->rxq, &quotes);

    /* As was planned: queues that had not stayed for long enough may have by
     * the time that they have moved. */
    bool frees = (move->reason == VMQ_REASON_COALESCE && !move->price_mc
                  && quotes.rested);
    uint32_t to_core = snapshot->pmds[move->to].core_id;
    struct vmq_quote quote = (frees ? vmq_quote_to_free(&quotes, to_core)
                              : *vmq_quote_to(&quotes, to_core));
    enum vmq_return ret = vmq_credit_classify(config, snapshot, move,
                                              quote.returning);
    const struct vmq_account *old = vmq_ledger_find(ledger, snapshot,
                                                    move->rxq);
    uint32_t doublings = old ? vmq_account_doublings(old, now_ms) : 0;
    int32_t balance_mc = quote.balance_mc - (int32_t) quote.price_mc;

    if (quote.free && old->balance_mc < balance_mc) {
        /* It pays with what it earned since its last move. */
        balance_mc = old->balance_mc;
    }
    if (ret != VMQ_RETURN_NONE && doublings < VMQ_MAX_DOUBLINGS) {
        doublings++;
    }

    struct vmq_account *a = vmq_ledger_open(ledger, snapshot, move->rxq);
    a->moved_ms = now_ms;
    a->left_core = snapshot->pmds[move->from].core_id;
    a->rested = frees;
    a->balance_mc = balance_mc;
    a->doublings = doublings;
    return ret;
}

void
vmq_credit_commit(struct vmq_ledger *ledger, const struct vmq_config *config,
                  const struct vmq_snapshot *snapshot,
                  const struct vmq_move *moves, uint32_t n_moves,
                  const enum vmq_outcome *outcomes, enum vmq_return *returns)
{
    for (uint32_t i = 0; i < n_moves; i++) {
        enum vmq_return ret = VMQ_RETURN_NONE;

        if (outcomes[i] == VMQ_OUTCOME_APPLIED) {
            ret = vmq_credit_debit(ledger, config, snapshot, &moves[i]);
        }
        if (returns) {
            returns[i] = ret;
        }
    }
}

void
vmq_credit_forget(struct vmq_ledger *ledger, const struct vmq_snapshot *before,
                  const struct vmq_snapshot *now)
{
    uint32_t n = 0;

    /* All are sorted by (port_no, qid). */
    for (uint32_t i = 0, j = 0, old = 0; i < ledger->n; i++) {
        const struct vmq_account *a = &ledger->accounts[i];
        const struct vmq_port *port = NULL;

        while (old < before->n_ports
               && before->ports[old].port_no < a->port_no) {
            old++;
        }
        for (; j < now->n_rxqs; j++) {
            const struct vmq_rxq *rxq = &now->rxqs[j];

            port = &now->ports[rxq->port];
            if (port->port_no > a->port_no
                || (port->port_no == a->port_no && rxq->qid >= a->qid)) {
                break;
            }
        }
        if (j < now->n_rxqs
            && port->port_no == a->port_no && now->rxqs[j].qid == a->qid
            && (old == before->n_ports
                || before->ports[old].port_no != a->port_no
                || !strcmp(before->ports[old].name, port->name))) {
            ledger->accounts[n++] = *a;
        }
    }
    ledger->n = n;
}

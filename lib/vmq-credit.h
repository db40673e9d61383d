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

#ifndef VMQ_CREDIT_H
#define VMQ_CREDIT_H 1

/* Credit ledger: makes moving a receive queue cost something.
 *
 * Motivation
 * ==========
 *
 * Two queues of 60 % and 30 % on PMD A, one of 20 % on PMD B.  A is
 * overloaded, the 30 % queue moves to B, and all is well, until the 20 % grow
 * to 60 %, the 60 % fall to 20 %, and it moves back.  Every move costs
 * packets, caches and flows, and a load that is unlucky enough would make a
 * queue pay that several times a second.  A queue that must pay for moving,
 * and pay more for going back, stays.
 *
 * Model
 * =====
 *
 * Every queue has a balance of at most C = pmd-vmq-credits, which it starts
 * with.  At time t after its last move, which left it with balance b0,
 *
 *     balance(t) = min(C, b0 + t / refill)
 *     refill     = pmd-vmq-credit-refill * 2**d, d in 0..4
 *     price      = 1 + returning * 2 * (1 - t / 60 s)
 *
 * where d grows by one with each return and shrinks by one with each minute
 * in which the queue stays, and 'returning' is 1 for a move to the PMD that
 * the queue left last, within 60 s.  A move needs balance >= price; off a PMD
 * that is losing packets, balance - price >= -C is enough (overdraft).  With
 * C = 2 and a refill time of 5 s:
 *
 *     time    move        price    balance before  after
 *     0.0 s   A -> B      1.0      2.0             1.0
 *     5.0 s   B -> C      1.0      2.0             1.0
 *     5.5 s   C -> B      2.98     1.1             refused
 *     5.5 s   ...losing   2.98     1.1             -1.88, refill now 10 s
 *
 * A queue that has stayed for pmd-vmq-coalesce-hold, or for a second if that
 * is less, moves free if that frees its PMD, wherever it goes: what it moved
 * for has gone, since the loads have been low for so long.  If an overload
 * takes it back later, that is no return.
 *
 * A light queue, one under 1 % of a PMD, that cannot pay moves free if it has
 * stayed for a refill time and does not return; it forfeits what it has earned
 * since its last move.  One idle queue must not block the evacuation of sixty.
 *
 * C = 0 turns all of this off: every move is free.
 *
 * Invariants
 * ==========
 *
 *   C1. -C <= balance <= C.
 *   C2. In any window of W ms, a queue makes at most 2 C + W / refill moves
 *       that the planner wants (rounded up, C > 0), and W / hold more that
 *       free PMDs.  Each of the former takes at least one credit, and there
 *       are C to begin with, C of overdraft and one earned per refill time; or
 *       it takes the earnings of a whole refill time.  Before each of the
 *       latter it has stayed for the hold.  Not counted: the operator's own
 *       moves and those that pmd-vmq-max-pmds and -min-pmds order, which are
 *       charged for but not refused.
 *   C3. Asking for a quote changes nothing.
 *   C4. A move that was not applied is not charged for.
 *
 * Not handled
 * ===========
 *
 * A -> B -> C -> A is no return; the credits bound it, the surcharge does not
 * see it.
 *
 * Thread-safety
 * =============
 *
 * A ledger is plain memory with one owner. */

#include "vmq-config.h"
#include "vmq-move.h"
#include "vmq-snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Credits are counted in thousandths ("millicredits", _mc). */
#define VMQ_CREDIT 1000

struct vmq_ledger *vmq_ledger_create(void);
void vmq_ledger_destroy(struct vmq_ledger *);
void vmq_ledger_copy(struct vmq_ledger *dst, const struct vmq_ledger *);

/* What a queue did last.  A queue that never moved has no account. */
struct vmq_account {
    uint32_t port_no;
    uint32_t qid;
    uint64_t moved_ms;          /* When it moved last... */
    uint32_t left_core;         /* ...and from where. */
    bool rested;                /* It freed that PMD, after a rest: to go back
                                 * there is no return. */
    int32_t balance_mc;         /* Right after that move; those that are never
                                 * refused can take it below the limit, which
                                 * then counts. */
    uint32_t doublings;         /* Of the refill time, right after that. */
};

/* For taking a ledger from one process to another.  Gets the account of queue
 * 'rxq' of 'snapshot', or returns false if there is none. */
bool vmq_ledger_get(const struct vmq_ledger *, const struct vmq_snapshot *,
                    uint32_t rxq, struct vmq_account *);
/* ...and puts it, for the queue 'rxq' of 'snapshot'. */
void vmq_ledger_put(struct vmq_ledger *, const struct vmq_snapshot *,
                    uint32_t rxq, const struct vmq_account *);

struct vmq_quote {
    int32_t balance_mc;         /* Negative: in overdraft. */
    uint32_t price_mc;          /* Of this move, with surcharge. */
    uint32_t refill_ms;         /* For one credit, as doubled by returns. */
    bool returning;             /* To the PMD that it last left. */
    bool free;                  /* A light queue's move without credit. */
    bool affordable;
    bool affordable_overdraft;  /* ...if the source is losing packets. */
};

/* What would it cost to move queue 'rxq' of 'snapshot' to the PMD on core
 * 'to_core' at snapshot->now_ms?  Pure. */
void vmq_credit_quote(const struct vmq_ledger *, const struct vmq_config *,
                      const struct vmq_snapshot *, uint32_t rxq,
                      uint32_t to_core, struct vmq_quote *);

/* The same for all PMDs at once: only going back to the one that the queue
 * left last, within VMQ_PINGPONG_MS, is not like going to any other. */
struct vmq_quotes {
    struct vmq_quote away;
    struct vmq_quote back;
    uint32_t back_core;         /* VMQ_NONE if no PMD is that one. */
    uint32_t left_core;         /* That one, or the one that it left last, also
                                 * after a rest, within VMQ_PINGPONG_MS: not to
                                 * go to for anything but overload. */
    bool rested;                /* It has stayed for long enough to move free,
                                 * to any PMD, if that frees its own. */
};
void vmq_credit_quotes(const struct vmq_ledger *, const struct vmq_config *,
                       const struct vmq_snapshot *, uint32_t rxq,
                       struct vmq_quotes *);

static inline const struct vmq_quote *
vmq_quote_to(const struct vmq_quotes *quotes, uint32_t to_core)
{
    return to_core == quotes->back_core ? &quotes->back : &quotes->away;
}

/* The quote for a move that frees the PMD that the queue is on. */
static inline struct vmq_quote
vmq_quote_to_free(const struct vmq_quotes *quotes, uint32_t to_core)
{
    struct vmq_quote quote = *vmq_quote_to(quotes, to_core);

    if (quotes->rested) {
        quote.price_mc = 0;
        quote.returning = quote.free = false;
        quote.affordable = quote.affordable_overdraft = true;
    }
    return quote;
}

/* For how long a queue has to stay before it may free its PMD free of charge.
 * Not less than a second: a hold of zero would allow any number of moves. */
#define VMQ_REST_MIN_MS 1000

static inline uint32_t
vmq_credit_rest_ms(const struct vmq_config *config)
{
    return (config->coalesce_hold_ms > VMQ_REST_MIN_MS
            ? config->coalesce_hold_ms : VMQ_REST_MIN_MS);
}

/* Debits those of 'moves', planned on the snapshot, that were applied.
 * 'returns', if nonnull, has an element for each move and is filled in.  This
 * and vmq_credit_forget() are the only writers of the ledger in a switch. */
void vmq_credit_commit(struct vmq_ledger *, const struct vmq_config *,
                       const struct vmq_snapshot *,
                       const struct vmq_move *moves, uint32_t n_moves,
                       const enum vmq_outcome *outcomes,
                       enum vmq_return *returns);

/* Drops the entries of queues that are not in 'now' any more, and of those of
 * ports that have replaced others of the same number since 'before', of the
 * last call. */
void vmq_credit_forget(struct vmq_ledger *, const struct vmq_snapshot *before,
                       const struct vmq_snapshot *now);

#ifdef __cplusplus
}
#endif

#endif /* vmq-credit.h */

/* Copyright (c) 2026 The Open vSwitch VMQ developers.
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

/* Model of the handoff of receive queues between PMD threads.
 *
 * Processes
 * =========
 *
 * The main thread starts handoffs, takes them back, and reconfigures: it
 * removes ports and PMDs.  It is the only one that does any of this, so that
 * these never overlap, but it goes on while a handoff is under way.  It makes
 * N_STEPS steps of its choice, which Spin tries in all combinations, then ends
 * all PMDs.
 *
 * A PMD polls the queues of its own list.  Once in an iteration, it looks into
 * its mailbox and at its 'reload' flag.  Without queues it parks, until its
 * 'seq' changes.
 *
 * A handoff
 * =========
 *
 *     state     where the queue is
 *     NONE      with the PMD that 'assigned' says
 *     GIVE      there too; the request lies in the mailbox of the source
 *     HELD      the source took the request, and lets go of the queue
 *     ADOPT     with nobody; it lies in the mailbox of the destination
 *     DONE      with the PMD 'holder'; the main thread has not heard of it
 *
 *     main:         NONE -> GIVE      starts
 *                   GIVE -> NONE      takes back: the source did not answer
 *                   ADOPT -> ADOPT    the destination did not answer: takes it
 *                                     out of that mailbox, into the source's
 *                   DONE -> NONE      'assigned' = 'holder'
 *     source:       GIVE -> HELD      from now on, the main thread must wait
 *                   HELD -> ADOPT     after a last poll, and a flush
 *     destination:  ADOPT -> DONE     and polls it from then on
 *
 * Each arrow is one step under the mutex of a mailbox.  'assigned' is the
 * shared poll list, which a PMD copies when it reloads; so there must be no
 * handoff under way then, which drain() sees to.
 *
 * Properties
 * ==========
 *
 *   H1.  At every instant a queue is polled by at most one PMD.
 *   H2.  No queue is polled after its port is gone.
 *   H3.  When no handoff is under way, each queue of a port is in the list of
 *        exactly one PMD, the one that 'assigned' says.
 *   H4.  Every handoff ends, and so does every reload: the main thread comes
 *        to its end, whatever it chose to do (the claim "ends", under weak
 *        fairness).  In particular no PMD sleeps through a message.
 *
 * Traps
 * =====
 *
 * Each of these makes Spin find a violation when it is built in, with
 * -DTRAP=N.  tests/run-model checks that too, to know that the properties say
 * something.
 *
 *   1.  A PMD that parks reads 'seq' after it has looked into its mailbox, not
 *       before: it sleeps through a message in between (H4).
 *   2.  A PMD that parks by itself says that it has reloaded, which clears the
 *       flag that the main thread has just set (H4).
 *   3.  The main thread reconfigures without draining (H2, H3).
 *   4.  The source passes the queue on before its last poll (H1).
 *   5.  The main thread takes back what the source already holds (H3). */

#ifndef N_STEPS
#define N_STEPS 3
#endif
#ifndef TRAP
#define TRAP 0
#endif

#define N_PMDS 2
#define N_RXQS 2                /* Each of a port of its own. */
#define NOBODY 255

mtype = { NONE, GIVE, HELD, ADOPT, DONE };

mtype state[N_RXQS];
byte from[N_RXQS];
byte to[N_RXQS];                /* Whose mailbox it lies in, with ADOPT. */
byte holder[N_RXQS];
byte assigned[N_RXQS];          /* NOBODY: the port is gone. */
bool gone[N_RXQS];

bool reload[N_PMDS];
bool quit[N_PMDS];
bool dead[N_PMDS];
byte seq[N_PMDS];               /* Modulo 4: enough for who waits for one. */
byte polled[N_RXQS];            /* By how many PMDs, now. */
bool in_list[N_PMDS * N_RXQS];
bool main_ended;

#define LISTED(P, Q) in_list[(P) * N_RXQS + (Q)]
#define EMPTY(P) (!LISTED(P, 0) && !LISTED(P, 1))
#define MAIL_FOR(P, Q) ((state[Q] == GIVE && from[Q] == (P)) \
                        || (state[Q] == ADOPT && to[Q] == (P)))
#define MAIL(P) (MAIL_FOR(P, 0) || MAIL_FOR(P, 1))
#define UNDER_WAY(Q) (state[Q] != NONE)

inline wake(p)
{
    seq[p] = (seq[p] + 1) % 4;
}

/* Polling takes time, in which others go on. */
inline poll(q)
{
    atomic {
        polled[q]++;
        assert(polled[q] == 1);                                 /* H1 */
        assert(!gone[q]);                                       /* H2 */
    }
    polled[q]--;
}

inline load_list(me)
{
    d_step {
        LISTED(me, 0) = (assigned[0] == me);
        LISTED(me, 1) = (assigned[1] == me);
    }
}

inline read_mail(me, q)
{
    if
    :: atomic { state[q] == GIVE && from[q] == me -> state[q] = HELD }
#if TRAP == 4
       atomic { state[q] = ADOPT; wake(to[q]) }
       poll(q);
       LISTED(me, q) = false
#else
       poll(q);
       LISTED(me, q) = false;
       atomic { state[q] == HELD -> state[q] = ADOPT; wake(to[q]) }
#endif
    :: atomic { state[q] == ADOPT && to[q] == me ->
                LISTED(me, q) = true;
                holder[q] = me;
                state[q] = DONE }
    :: else
    fi
}

/* Blocks until there is something to do. */
inline park(me)
{
#if TRAP == 1
    if
    :: atomic { !reload[me] && !MAIL(me) -> skip }
       seen = seq[me];
       seq[me] != seen
    :: else
    fi
#else
    seen = seq[me];
    if
    :: atomic { !reload[me] && !MAIL(me) -> skip }
#if TRAP == 2
       reload[me] = false;
#endif
       seq[me] != seen
    :: else
    fi
#endif
}

proctype pmd(byte me)
{
    byte seen = 0;

    do
    :: quit[me] && reload[me] -> break
    :: reload[me] && !quit[me] ->
       load_list(me);
       reload[me] = false
    :: !reload[me] && EMPTY(me) && !MAIL(me) -> park(me)
    :: !reload[me] && !(EMPTY(me) && !MAIL(me)) ->
       if
       :: LISTED(me, 0) -> poll(0)
       :: else
       fi;
       if
       :: LISTED(me, 1) -> poll(1)
       :: else
       fi;
       read_mail(me, 0);
       read_mail(me, 1)
    od;
    skip;
    d_step {
        LISTED(me, 0) = false;
        LISTED(me, 1) = false
    }
    dead[me] = true
}

/* Main thread. */

inline reap(q)
{
    atomic {
        if
        :: state[q] == DONE ->
           assigned[q] = holder[q];
           state[q] = NONE
        :: else
        fi
    }
}

/* What the main thread does when it has waited for long enough: that is, at
 * any time. */
inline take_back(q)
{
    atomic {
        if
        :: state[q] == GIVE -> state[q] = NONE
#if TRAP == 5
        :: state[q] == HELD -> state[q] = NONE
#endif
        :: state[q] == ADOPT && to[q] != from[q] && !dead[from[q]] ->
           to[q] = from[q];
           wake(from[q])
        :: else
        fi
    }
}

inline drain_one(q)
{
    do
    :: atomic { !UNDER_WAY(q) -> break }
    :: atomic { state[q] == DONE -> reap(q) }
    :: atomic { state[q] == GIVE || (state[q] == ADOPT && to[q] != from[q]) ->
                take_back(q) }
    od
}

inline drain()
{
    drain_one(0);
    drain_one(1);
    skip;                       /* No break may lead into a d_step. */
    d_step {
        assert(gone[0] || (LISTED(assigned[0], 0)
                           && !LISTED(1 - assigned[0], 0)));    /* H3 */
        assert(gone[1] || (LISTED(assigned[1], 1)
                           && !LISTED(1 - assigned[1], 1)));    /* H3 */
    }
}

inline reload_pmd(p)
{
    if
    :: !dead[p] ->
       atomic { reload[p] = true; wake(p) }
       !reload[p]
    :: else
    fi
}

inline hand_off(q)
{
    atomic {
        state[q] == NONE && !gone[q] && !dead[1 - assigned[q]] ->
        from[q] = assigned[q];
        to[q] = 1 - assigned[q];
        state[q] = GIVE;
        wake(from[q])
    }
}

inline remove_port(q)
{
#if TRAP != 3
    drain();
#endif
    if
    :: assigned[q] != NOBODY ->
       p = assigned[q];
       assigned[q] = NOBODY;
       reload_pmd(p);
       gone[q] = true
    :: else
    fi
}

/* Takes the queues off PMD 'r', reloads it, gives them to the other one,
 * reloads that, and ends 'r'. */
inline remove_pmd(r)
{
#if TRAP != 3
    drain();
#endif
    if
    :: !dead[r] && !dead[1 - r] ->
       d_step {
           had0 = assigned[0] == r;
           had1 = assigned[1] == r;
           assigned[0] = (had0 -> NOBODY : assigned[0]);
           assigned[1] = (had1 -> NOBODY : assigned[1])
       }
       reload_pmd(r);
       d_step {
           assigned[0] = (had0 -> 1 - r : assigned[0]);
           assigned[1] = (had1 -> 1 - r : assigned[1])
       }
       reload_pmd(1 - r);
       quit[r] = true;
       atomic { reload[r] = true; wake(r) }
       dead[r]
    :: else
    fi
}

inline step()
{
    if
    :: state[0] == NONE && !gone[0] && !dead[1 - assigned[0]] -> hand_off(0)
    :: state[1] == NONE && !gone[1] && !dead[1 - assigned[1]] -> hand_off(1)
    :: true -> take_back(0)
    :: true -> take_back(1)
    :: true -> reap(0)
    :: true -> reap(1)
    :: true -> remove_port(0)
    :: true -> remove_pmd(0)
    :: true -> remove_pmd(1)
    fi
}

active proctype main_thread()
{
    byte n = 0, p = 0;
    bool had0, had1;

    atomic {
        state[0] = NONE;
        state[1] = NONE;
        assigned[0] = 0;
        assigned[1] = 1;
        reload[0] = true;
        reload[1] = true;
        run pmd(0);
        run pmd(1)
    }
    !reload[0] && !reload[1];
    do
    :: n < N_STEPS -> step(); n++
    :: else -> break
    od;

    drain();
    n = 0;
    do
    :: n < N_PMDS ->
       if
       :: !dead[n] ->
          quit[n] = true;
          atomic { reload[n] = true; wake(n) }
          dead[n]
       :: else
       fi;
       n++
    :: else -> break
    od;
    main_ended = true
}

ltl ends { <> main_ended }

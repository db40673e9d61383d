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

/* Model of the handoff of receive queues between PMD threads, as it is in
 * lib/vmq-handoff.c, lib/dpif-netdev-vmq-move.c and lib/dpif-netdev-vmq-pmd.c,
 * on top of how PMDs reload in lib/dpif-netdev.c.
 *
 * Processes
 * =========
 *
 * The mover, which is the thread of VMQ, starts handoffs, takes them back, and
 * keeps the books when they have ended.  The main thread reconfigures: it
 * removes and adds a port, and removes PMDs.  Each has the lock meanwhile, so
 * that these never overlap, but handoffs that are under way go on.  Before it
 * reconfigures, the main thread does what the mover would, to have all
 * handoffs end.  The two make up to N_STEPS steps of their choice together,
 * which Spin tries in all combinations.  Then the main thread ends the mover
 * and all PMDs.
 *
 * A PMD polls the queues of its own list.  Once in an iteration, it looks at
 * its 'reload' flag, then into its mailbox.  Without queues it parks.
 *
 * A handoff
 * =========
 *
 *    mover --ASK--> destination --GIVE--> source --TAKE--> destination --DONE
 *
 * A letter for each queue goes around.  It lies in the mailbox 'at', or who
 * received it works on it, with no lock held, and 'at' is NOBODY.  What is
 * done under the mutex of the post is one step.  To ring comes afterward, and
 * is two: the flag 'has_mail', then a wake-up, which sets the latch of the PMD
 * if that has announced that it may sleep.
 *
 *     mover:    starts           NONE -> ASK, at the destination
 *               takes back       ASK, GIVE -> DONE: the queue stays
 *                                TAKE: from the destination to the source
 *               keeps the books  DONE -> NONE, 'assigned' = 'taker'
 *     receiver: ASK  -> GIVE     not as long as a reload is pending
 *               GIVE -> TAKE     after a last poll
 *               TAKE -> DONE     after a first poll
 *
 * A reload
 * ========
 *
 *     main thread                           PMD
 *     -----------                           ---
 *     changes the books, 'exit'             sees 'reload'
 *     changes 'reload_seq'                  copies the books, reads 'exit'
 *     sets 'reload'                         'last_reload_seq' = 'reload_seq'
 *     waits until 'reload' is clear         clears 'reload'
 *
 * A PMD without queues does not know all ports to send to.  When it is to get
 * a queue, it is asked to reload first, then with ASK, and nobody waits for
 * that reload, unless there is a reconfiguration.
 *
 * Properties
 * ==========
 *
 *   H1.  At every instant a queue is polled by at most one PMD.
 *   H2.  No queue is polled after its port is gone, and no PMD has that port
 *        in its list of ports to send to.
 *   H3.  When a handoff has ended, the queue is in the list of exactly one
 *        PMD, the one that 'taker' says; when all have been drained, the one
 *        that 'assigned' says.
 *   H4.  Every handoff ends, even if it is never taken back, and so does every
 *        reload: the main thread comes to its end, whatever it chose to do
 *        (the claim "ends", under weak fairness).  In particular no PMD sleeps
 *        through a message.
 *   H5.  Who polls a queue knows all ports, but for those that are just being
 *        added.
 *   H6.  A PMD without queues blocks eventually, if nothing more is to come.
 *        (The main thread waits for that before it ends the PMDs, so that this
 *        is part of "ends".)
 *
 *   H7.  No handoff is started of a queue whose port is gone, or to a PMD that
 *        has ended.
 *
 * Abstractions
 * ============
 *
 * The sequence number of reloads is only ever compared with one value that was
 * read before, so that one bit does for the two: has it changed since?
 *
 * The order of letters in a mailbox is left open, which is more than the code
 * does.
 *
 * 'wait_for_reload' is not here: it only has a PMD spin between two reloads of
 * one reconfiguration, and there are no letters then.  Nor is RCU, which keeps
 * the mailbox of a PMD that has ended for those who still ring it.
 *
 * Traps
 * =====
 *
 * Each of these makes Spin find a violation when it is built in, with
 * -DTRAP=N.  tests/model/run-model checks that too, to know that the
 * properties say something.
 *
 *    1.  A PMD that parks announces it after it has looked into its mailbox,
 *        not before: it sleeps through a letter that comes in between (H4).
 *    2.  A PMD that parks by itself says that it has reloaded, which clears
 *        the flag that the main thread has just set (H4).
 *    3.  The main thread reconfigures without draining (H2, H3).
 *    4.  The source passes the queue on before its last poll (H1).
 *    5.  A letter that was taken out is taken back (H3).
 *    6.  A PMD answers ASK although a reload is pending (H5).
 *    7.  To take a letter back does not make it one less that is expected: the
 *        destination never blocks (H6).
 *    8.  Letters wake by 'reload_seq', which only a reload brings up to date:
 *        the PMD never blocks again (H6).
 *    9.  A PMD that has found its mailbox empty clears 'has_mail' after it has
 *        released the mutex: it never looks at a letter that has come in
 *        between (H4).
 *   10.  A PMD parks by the flag 'reload', not by 'last_reload_seq': the
 *        number changes before the flag is set (H4).
 *   11.  To take a letter back does not ring the destination, which waits for
 *        it, and does not look whether it may block (H6).
 *   12.  The main thread reconfigures while the reload of a destination is
 *        under way: that clears the flag which the reconfiguration has set for
 *        the next one.  The PMD does not load what has changed, or does not
 *        end (H2, H4, H5).
 *
 *   13.  The main thread reconfigures without the lock (H2, H3).
 *   14.  The main thread waits for the mover to be through while it has the
 *        lock that the mover waits for (H4).
 *   15.  The mover ends, and nobody ends the handoffs that it has started
 *        (H3).
 *   16.  The mover does not look again, once it has the lock, whether what it
 *        has planned without is still possible (H7).
 *
 * A destination that blocks although a handoff to it is under way is no trap:
 * TAKE wakes it.  It only takes longer. */

#ifndef N_STEPS
#define N_STEPS 3
#endif
#ifndef TRAP
#define TRAP 0
#endif

#define N_PMDS 2
#define N_RXQS 2                /* Queue Q is the one of port Q. */
#define NOBODY 255

/* Letters: one for each queue.  NONE: no handoff is under way. */
mtype = { NONE, ASK, GIVE, TAKE, DONE };
mtype stage[N_RXQS];
byte from[N_RXQS];
byte to[N_RXQS];
byte taker[N_RXQS];
byte at[N_RXQS];                /* Whose mailbox; NOBODY if taken out. */

/* Mailboxes. */
bool has_mail[N_PMDS];
bool sleeps[N_PMDS];            /* A wake-up has to set 'latch'. */
bool latch[N_PMDS];
byte n_expected[N_PMDS];

/* Books: of the main thread, for PMDs to load in a reload. */
byte assigned[N_RXQS];          /* NOBODY: the port is gone. */
byte listed[N_PMDS];            /* Bit mask of ports to send to. */
byte ports;                     /* Ports that all who poll have to know. */
bool gone[N_RXQS];

/* PMDs. */
bool reload_news[N_PMDS];       /* 'reload_seq' is not 'last_reload_seq'? */
bool reload[N_PMDS];
bool exit[N_PMDS];
bool dead[N_PMDS];
bool asleep[N_PMDS];
bool in_list[N_PMDS * N_RXQS];
byte known[N_PMDS];             /* Bit mask of ports. */
byte polled[N_RXQS];            /* By how many PMDs, now. */

/* The lock of who moves queues, and the mover. */
bool locked;
bool mover_busy;                /* Has planned, has not carried out. */
bool mover_exit;
bool mover_ended;
byte n_steps;                   /* Of mover and main thread. */

bool main_ended;

#define LISTED(P, Q) in_list[(P) * N_RXQS + (Q)]
#define EMPTY(P) (!LISTED(P, 0) && !LISTED(P, 1))
#define LETTERS(P) (at[0] == (P) || at[1] == (P))
#define IN_BOOKS(P) (assigned[0] == (P) || assigned[1] == (P))
#define MAY_PARK(P) (!LETTERS(P) && !n_expected[P])

/* After the mutex has been released. */
inline ring(p)
{
    has_mail[p] = true;
#if TRAP == 8
    reload_news[p] = true
#else
    if
    :: atomic { sleeps[p] -> sleeps[p] = false };
       latch[p] = true
    :: else
    fi
#endif
}

/* PMD threads. */

/* Polling takes time, in which others go on. */
inline poll(me, q)
{
    d_step {
        polled[q]++;
        assert(polled[q] == 1);                                 /* H1 */
        assert(!gone[q]);                                       /* H2 */
        assert((known[me] & ports) == ports)                    /* H5 */
    }
    polled[q]--
}

inline poll_all(me)
{
    if
    :: LISTED(me, 0) -> poll(me, 0)
    :: else
    fi;
    if
    :: LISTED(me, 1) -> poll(me, 1)
    :: else
    fi
}

/* Within 'port_mutex'. */
inline load(me)
{
    d_step {
        LISTED(me, 0) = (assigned[0] == me);
        LISTED(me, 1) = (assigned[1] == me);
        known[me] = listed[me]
    }
}

inline reload_done(me)
{
    reload_news[me] = false;
    reload[me] = false
}

inline pass(q)
{
    atomic {
        if
        :: stage[q] == ASK ->
           stage[q] = GIVE;
           at[q] = from[q];
           next = from[q]
        :: stage[q] == GIVE ->
           stage[q] = TAKE;
           at[q] = to[q];
           next = to[q]
        :: stage[q] == TAKE ->
           if
           :: taker[q] == to[q] -> n_expected[to[q]]--
           :: else
           fi;
           stage[q] = DONE
        :: else -> assert(false)
        fi
    }
    if
    :: next != NOBODY ->
       ring(next);
       next = NOBODY
    :: else
    fi
}

inline release(me, q)
{
    assert(LISTED(me, q));                                      /* H3 */
#if TRAP == 4
    pass(q);
    poll(me, q);
    LISTED(me, q) = false
#else
    poll(me, q);
    LISTED(me, q) = false;
    pass(q)
#endif
}

inline take(me, q)
{
    LISTED(me, q) = true;
    poll(me, q);
    pass(q)
}

inline read_mail(me)
{
    do
    :: atomic {
           if
           :: at[0] == me -> q = 0
           :: at[1] == me -> q = 1
           :: else ->
#if TRAP != 9
              has_mail[me] = false;
#endif
              q = NOBODY
           fi;
           if
           :: q != NOBODY -> at[q] = NOBODY
           :: else -> break
           fi
       }
       if
#if TRAP == 6
       :: stage[q] == ASK -> pass(q)
#else
       :: stage[q] == ASK && !reload[me] -> pass(q)
       :: stage[q] == ASK && reload[me] ->
          at[q] = me;
          break
#endif
       :: stage[q] == GIVE -> release(me, q)
       :: stage[q] == TAKE -> take(me, q)
       fi
    od;
#if TRAP == 9
    if
    :: q == NOBODY -> has_mail[me] = false
    :: else
    fi;
#endif
    q = NOBODY
}

inline wake_finish(me)
{
    sleeps[me] = false;
    latch[me] = false
}

/* Blocks until there is a reload or mail. */
inline park(me)
{
    do
    ::
#if TRAP != 1
       sleeps[me] = true;
#endif
#if TRAP == 10
       reload_news[me] = false;
       if
       :: reload[me] -> break
       :: else
       fi;
#else
       if
       :: reload_news[me] -> break
       :: else
       fi;
#endif
#if TRAP == 1
       if
       :: MAY_PARK(me)
       :: else -> break
       fi;
       atomic { sleeps[me] = true; asleep[me] = true }
#else
       if
       :: atomic { MAY_PARK(me) -> asleep[me] = true }
       :: else -> break
       fi;
#endif
       atomic { reload_news[me] || latch[me] -> asleep[me] = false };
       wake_finish(me)
    od;
    wake_finish(me)
}

proctype pmd(byte me)
{
    byte q = NOBODY, next = NOBODY;
    bool exiting = false;

    load(me);
again:
    if
    :: EMPTY(me) -> park(me)
    :: else
    fi;
    do
    :: poll_all(me);
       if
       :: reload[me] -> break
       :: else
       fi;
       if
       :: has_mail[me] ->
          read_mail(me);
          if
          :: EMPTY(me) && MAY_PARK(me) ->
#if TRAP == 2
             reload_done(me);
#endif
             goto again
          :: else
          fi
       :: else
       fi
    od;
    load(me);
    exiting = exit[me];
    reload_done(me);
    if
    :: !exiting -> goto again
    :: else
    fi;
    d_step {
        LISTED(me, 0) = false;
        LISTED(me, 1) = false;
        known[me] = 0;
        exiting = false;
        dead[me] = true
    }
}

/* The mover, or the main thread in its place. */

inline lock()
{
    atomic { !locked -> locked = true }
}

inline unlock()
{
    locked = false
}

inline ask_for_reload(p)
{
    reload_news[p] = true;
    reload[p] = true
}

/* 'need[P]': reload PMD P. */
inline reload_affected()
{
    if
    :: need[0] -> ask_for_reload(0)
    :: else
    fi;
    if
    :: need[1] -> ask_for_reload(1)
    :: else
    fi;
    if
    :: need[0] -> !reload[0]
    :: else
    fi;
    if
    :: need[1] -> !reload[1]
    :: else
    fi;
    d_step { need[0] = false; need[1] = false }
}

/* Has PMD 'p' know 'all' ports, if it has queues. */
inline list_ports(p)
{
    if
    :: IN_BOOKS(p) && listed[p] != all ->
       listed[p] = all;
       need[p] = true
    :: else
    fi
}

/* The same if it has none. */
inline make_ready(p)
{
    if
    :: !IN_BOOKS(p) && listed[p] != ports ->
       listed[p] = ports;
       ask_for_reload(p)
    :: else
    fi
}

/* The port of queue 'Q' is there, and so is the other PMD. */
#define POSSIBLE(Q) (!gone[Q] && assigned[Q] != NOBODY \
                     && !dead[1 - assigned[Q]])

inline start(q)
{
    assert(POSSIBLE(q));                                        /* H7 */
    d_step {
        from[q] = assigned[q];
        to[q] = 1 - assigned[q];
        taker[q] = to[q]
    }
    make_ready(to[q]);
    d_step {
        n_expected[to[q]]++;
        at[q] = to[q];
        stage[q] = ASK
    }
    ring(to[q])
}

inline relist(q)
{
    d_step {
        assert(LISTED(taker[q], q) && !LISTED(1 - taker[q], q));    /* H3 */
        assigned[q] = taker[q];
        stage[q] = NONE;
        from[q] = 0;
        to[q] = 0;
        taker[q] = 0
    }
}

#if TRAP == 5
#define MAY_TAKE_BACK(Q) (stage[Q] != NONE && stage[Q] != DONE \
                          && taker[Q] == to[Q])
#else
#define MAY_TAKE_BACK(Q) (at[Q] != NOBODY && taker[Q] == to[Q])
#endif

inline take_back(q)
{
    d_step {
        taker[q] = from[q];
#if TRAP != 7
        n_expected[to[q]]--;
#endif
        if
        :: stage[q] == TAKE ->
           at[q] = from[q];
           next = from[q]
        :: else ->
           at[q] = NOBODY;
           stage[q] = DONE
        fi
    }
#if TRAP != 11
    ring(to[q]);
#endif
    if
    :: next != NOBODY ->
       ring(next);
       next = NOBODY
    :: else
    fi
}

/* With all the patience in the world, or without any. */
inline drain_one(q)
{
    if
    :: stage[q] == NONE || stage[q] == DONE
    :: stage[q] != NONE ->
       do
       :: stage[q] == DONE -> break
       :: atomic { MAY_TAKE_BACK(q) -> take_back(q) }
       od
    fi;
    if
    :: stage[q] == DONE -> relist(q)
    :: else
    fi
}

/* Before a reconfiguration. */
inline settle()
{
#if TRAP != 3
    drain_one(0);
    drain_one(1);
#endif
#if TRAP != 12
    !reload[0];
    !reload[1];
#endif
#if TRAP != 3
    d_step {
        assert(gone[0] || (LISTED(assigned[0], 0)
                           && !LISTED(1 - assigned[0], 0)));    /* H3 */
        assert(gone[1] || (LISTED(assigned[1], 1)
                           && !LISTED(1 - assigned[1], 1)))     /* H3 */
    }
#endif
}

inline remove_port(q)
{
    settle();
    d_step {
        ports = ports & ~(1 << q);
        need[0] = assigned[q] == 0 || (listed[0] & (1 << q));
        need[1] = assigned[q] == 1 || (listed[1] & (1 << q));
        listed[0] = listed[0] & ~(1 << q);
        listed[1] = listed[1] & ~(1 << q);
        assigned[q] = NOBODY
    }
    reload_affected();
    d_step {
        assert(!(known[0] & (1 << q)) && !(known[1] & (1 << q)));   /* H2 */
        gone[q] = true
    }
}

/* Its queue goes to PMD 'p'. */
inline add_port(q)
{
    settle();
    d_step {
        gone[q] = false;
        assigned[q] = p;
        need[p] = true;
        all = ports | (1 << q);
        list_ports(0);
        list_ports(1)
    }
    reload_affected();
    d_step { ports = all; all = 0 }
}

inline end_pmd(p)
{
    exit[p] = true;
    ask_for_reload(p);
    dead[p];
    d_step {
        reload[p] = false;
        has_mail[p] = false;
        sleeps[p] = false;
        latch[p] = false;
        exit[p] = false;
        listed[p] = 0
    }
}

/* Its queues go to the other one. */
inline remove_pmd(r)
{
    settle();
    end_pmd(r);
    d_step {
        if
        :: assigned[0] == r -> assigned[0] = 1 - r; need[1 - r] = true
        :: else
        fi;
        if
        :: assigned[1] == r -> assigned[1] = 1 - r; need[1 - r] = true
        :: else
        fi;
        all = ports;
        list_ports(1 - r);
        all = 0
    }
    reload_affected()
}

#define MAY_START(Q) (stage[Q] == NONE && POSSIBLE(Q))

proctype mover()
{
    byte q = 0, next = NOBODY;
    bool starts = false;

    do
    :: mover_exit -> break
    :: atomic { n_steps < N_STEPS && !mover_exit -> n_steps++ };
       mover_busy = true;
       if
       :: q = 0
       :: q = 1
       fi;
       starts = MAY_START(q);
       lock();
#if TRAP != 16
       starts = MAY_START(q);
#endif
       if
       :: starts -> start(q)
       :: atomic { MAY_TAKE_BACK(q) -> take_back(q) }
       :: stage[q] == DONE -> relist(q)
       :: else
       fi;
       unlock();
       mover_busy = false
    od;
    q = 0;
    starts = false;
    mover_ended = true
}

/* Main thread. */

inline reconfigure()
{
#if TRAP != 13
    lock();
#endif
#if TRAP == 14
    !mover_busy;
#endif
    if
    :: !gone[0] -> remove_port(0)
    :: gone[0] && !dead[0] -> p = 0; add_port(0)
    :: gone[0] && !dead[1] -> p = 1; add_port(0)
    :: !dead[0] && !dead[1] -> remove_pmd(0)
    :: !dead[0] && !dead[1] -> remove_pmd(1)
    fi;
    unlock()
}

active proctype main_thread()
{
    byte p = 0, next = NOBODY, all = 0;
    bool need[N_PMDS];

    atomic {
        stage[0] = NONE;
        stage[1] = NONE;
        at[0] = NOBODY;
        at[1] = NOBODY;
        ports = 3;
        listed[0] = 3;
        need[0] = true;
        if
        :: assigned[1] = 0
        :: assigned[1] = 1 -> listed[1] = 3; need[1] = true
        fi;
        run pmd(0);
        run pmd(1)
    }
    reload_affected();
    run mover();
    do
    :: atomic { n_steps < N_STEPS -> n_steps++ };
       reconfigure()
    :: break
    od;

    mover_exit = true;
    mover_ended;
#if TRAP != 15
    settle();
#endif
    asleep[0] || !EMPTY(0) || dead[0];                          /* H6 */
    asleep[1] || !EMPTY(1) || dead[1];                          /* H6 */
    if
    :: !dead[0] -> end_pmd(0)
    :: else
    fi;
    if
    :: !dead[1] -> end_pmd(1)
    :: else
    fi;
    main_ended = true
}

ltl ends { <> main_ended }

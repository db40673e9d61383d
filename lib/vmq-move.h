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

#ifndef VMQ_MOVE_H
#define VMQ_MOVE_H 1

/* Moves: what is asked for, what a plan says, and what became of it.
 *
 * Four nouns are enough to speak of a queue that changes its PMD.  A "request"
 * is what an operator wants, a "move" what a plan says, a "handoff" how two
 * PMDs do it (vmq-handoff.h), and a "result" what has become of it.
 *
 * Verdicts, reasons, outcomes and returns are each one table here, a macro
 * with a row for each value.  The enumeration, the names, the texts, and the
 * engine's coverage counters are made from it, thus a row is all that a new
 * value takes.  Names are in JSON and in the documentation, and stable.
 *
 * Thread-safety: values only. */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a plan comes to, or one PMD in it.  Rows of PLAN can be either, and are
 * counted in vmq_plan_COUNTER; rows of PMD say something of a PMD only.
 *
 *      VMQ_VERDICT_*   COUNTER         name, text for people */
#define VMQ_VERDICTS(PLAN, PMD)                                         \
    PLAN(SPREAD,         spread,         "spread",                      \
         "queues leave an overloaded PMD")                              \
    PLAN(COALESCE,       coalesce,       "coalesce",                    \
         "its queues fit on other PMDs")                                \
    /* Because of pmd-vmq-max-pmds. */                                  \
    PLAN(EVACUATE,       evacuate,       "evacuate",                    \
         "more PMDs are active than allowed")                           \
    /* vmq-move. */                                                     \
    PLAN(MANUAL,         manual,         "manual",                      \
         "moved by hand")                                               \
    PLAN(BALANCED,       balanced,       "balanced",                    \
         "nothing to do")                                               \
    PLAN(EMPTY,          empty,          "empty",                       \
         "no PMDs or no queues")                                        \
    /* The snapshot is not. */                                          \
    PLAN(INVALID,        invalid,        "invalid",                     \
         "measurements are not consistent")                             \
    /* Less than one spread hold. */                                    \
    PLAN(WARMING,        warming,        "warming",                     \
         "not measured for long enough")                                \
    PLAN(SETTLING,       settling,       "settling",                    \
         "waits for the last move to show in the measurements")         \
    /* No PMD would gain 5 %. */                                        \
    PLAN(NO_DESTINATION, no_destination, "no-destination",              \
         "overloaded, but no PMD could take a queue and gain by it")    \
    PLAN(ELEPHANT,       elephant,       "elephant",                    \
         "one queue alone is over the threshold")                       \
    PLAN(NO_CREDIT,      no_credit,      "no-credit",                   \
         "the queues have no credit to move")                           \
    /* Pinned or excluded ones. */                                      \
    PLAN(IMMOBILE,       immobile,       "immobile",                    \
         "has queues that must not be moved")                           \
    PLAN(NO_FIT,         no_fit,         "no-fit",                      \
         "its queues do not fit on other PMDs")                         \
    PLAN(MIN_PMDS,       min_pmds,       "min-pmds",                    \
         "as few PMDs are active as allowed")                           \
    /* Was not under pmd-vmq-coalesce-threshold all the time. */        \
    PLAN(BUSY,           busy,           "busy",                        \
         "too busy to be freed")                                        \
    PMD(PARKED,          parked,         "parked",                      \
        "polls no queue and uses no CPU")                               \
    PMD(TARGET,          target,         "target",                      \
        "takes queues")

/* Why a queue moves.
 *
 *         VMQ_REASON_* name */
#define VMQ_REASONS(REASON)                                             \
    /* The destination stays under the pack target... */                \
    REASON(SPREAD,      "spread")                                       \
    /* ...or it does not, but is better off than the source was. */     \
    REASON(RELIEVE,     "relieve")                                      \
    REASON(COALESCE,    "coalesce")                                     \
    /* pmd-vmq-max-pmds and pmd-vmq-min-pmds. */                        \
    REASON(EVACUATE,    "evacuate")                                     \
    REASON(MIN_PMDS,    "min-pmds")                                     \
    /* The operator said so. */                                         \
    REASON(MANUAL,      "manual")

/* What became of a move.  Counted in vmq_move_COUNTER.
 *
 *          VMQ_OUTCOME_* COUNTER       name */
#define VMQ_OUTCOMES(OUTCOME)                                           \
    OUTCOME(APPLIED,    applied,        "applied")                      \
    /* The assignment changed since. */                                 \
    OUTCOME(STALE,      stale,          "stale")                        \
    /* Queue or PMD is not there any more. */                           \
    OUTCOME(GONE,       gone,           "gone")                         \
    OUTCOME(FAILED,     failed,         "failed")

/* Whether a queue went back to the PMD that it left within VMQ_PINGPONG_MS.
 * Rows of RETURN, which did, are counted in vmq_COUNTER.
 *
 *         VMQ_RETURN_* COUNTER         name */
#define VMQ_RETURNS(OTHER, RETURN)                                      \
    OTHER(NONE,         none,           "no")                           \
    /* Off an overloaded PMD, or to keep pmd-vmq-max-pmds or -min-pmds. */ \
    RETURN(FORCED,      forced_return,  "forced")                       \
    /* Voluntarily. */                                                  \
    RETURN(PINGPONG,    pingpong,       "ping-pong")
#define VMQ_PINGPONG_MS 60000

#define VMQ_VERDICT_VALUE(VALUE, COUNTER, NAME, TEXT) VMQ_VERDICT_##VALUE,
enum vmq_verdict {
    VMQ_VERDICTS(VMQ_VERDICT_VALUE, VMQ_VERDICT_VALUE)
    VMQ_N_VERDICTS
};
#undef VMQ_VERDICT_VALUE

#define VMQ_REASON_VALUE(VALUE, NAME) VMQ_REASON_##VALUE,
enum vmq_reason {
    VMQ_REASONS(VMQ_REASON_VALUE)
    VMQ_N_REASONS
};
#undef VMQ_REASON_VALUE

#define VMQ_OUTCOME_VALUE(VALUE, COUNTER, NAME) VMQ_OUTCOME_##VALUE,
enum vmq_outcome {
    VMQ_OUTCOMES(VMQ_OUTCOME_VALUE)
    VMQ_N_OUTCOMES
};
#undef VMQ_OUTCOME_VALUE

#define VMQ_RETURN_VALUE(VALUE, COUNTER, NAME) VMQ_RETURN_##VALUE,
enum vmq_return {
    VMQ_RETURNS(VMQ_RETURN_VALUE, VMQ_RETURN_VALUE)
    VMQ_N_RETURNS
};
#undef VMQ_RETURN_VALUE

/* "unknown", if the value is not in the table. */
const char *vmq_verdict_name(enum vmq_verdict);
const char *vmq_verdict_text(enum vmq_verdict);
const char *vmq_reason_name(enum vmq_reason);
const char *vmq_outcome_name(enum vmq_outcome);
const char *vmq_return_name(enum vmq_return);

/* What an operator asks for. */
struct vmq_request {
    const char *port;           /* Name. */
    uint32_t qid;
    uint32_t core_id;
};

/* What a plan says. */
struct vmq_move {
    uint32_t rxq;               /* Indexes in the plan's snapshot. */
    uint32_t from;
    uint32_t to;
    enum vmq_reason reason;
    uint32_t gain_bp;           /* Load taken off 'from'. */
    uint32_t price_mc;          /* Credits, in thousandths. */
    bool overdraft;             /* Moved on credit it did not have. */
};

/* What became of a move. */
struct vmq_result {
    enum vmq_outcome outcome;
    uint64_t blackout_ns;       /* Nobody polled the queue: from the end of the
                                 * last poll to the start of the first one. */
    bool preempted;             /* One of the PMDs lost its CPU meanwhile. */
    uint32_t flows_warmed;      /* Copied to the new PMD. */
    uint32_t flows_fetched;     /* By the new PMD itself, after a move in a
                                 * hurry: not counted above. */
    uint32_t flows_present;     /* It had those already. */
    uint32_t flows_skipped;     /* The flow limit left no room for those. */
    uint64_t copy_ns;           /* VMQ's thread's time for all of them... */
    uint64_t ahead_ns;          /* ...and for those before the first letter. */
    uint64_t handed_ns;         /* From the first letter to the last. */
    uint64_t polled_ns;         /* Monotonic clock: when the new PMD polled it
                                 * first; 0 if that is not known. */
    uint64_t lock_max_ns;       /* Longest that a PMD's flows were locked... */
    uint64_t lock_unpreempted_ns;   /* ...while its thread kept its CPU. */
};

#ifdef __cplusplus
}
#endif

#endif /* vmq-move.h */

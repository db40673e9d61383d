# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# The corpora are replayed in any case, the rest is skipped without clang's
# libFuzzer.  With FUZZ_RESULTS, a run that was interrupted goes on.
FUZZ_TARGETS = snapshot config plan trace recorded command
FUZZ_SECONDS = 10
FUZZ_RESULTS =
EXTRA_DIST += \
	tests/corpus/command/bad-numbers \
	tests/corpus/command/moves \
	tests/corpus/command/off \
	tests/corpus/command/refused \
	tests/corpus/command/settings \
	tests/corpus/command/utf-8 \
	tests/corpus/command/waiting \
	tests/corpus/config/all-keys \
	tests/corpus/config/bad-values \
	tests/corpus/config/least-thresholds \
	tests/corpus/plan/coalesce \
	tests/corpus/plan/elephant \
	tests/corpus/plan/max-pmds-no-credits \
	tests/corpus/plan/numa-backlog-flows \
	tests/corpus/plan/overload \
	tests/corpus/recorded/core-negative \
	tests/corpus/recorded/deep \
	tests/corpus/recorded/elements-are-numbers \
	tests/corpus/recorded/history-of-strings \
	tests/corpus/recorded/no-such-port \
	tests/corpus/recorded/no-window \
	tests/corpus/recorded/not-json \
	tests/corpus/recorded/port-with-newline \
	tests/corpus/recorded/queue-of-33-bits \
	tests/corpus/recorded/spread \
	tests/corpus/recorded/spread-with-pack-target-1 \
	tests/corpus/recorded/window-null \
	tests/corpus/snapshot/bad-escape \
	tests/corpus/snapshot/comments-and-blanks \
	tests/corpus/snapshot/no-such-port \
	tests/corpus/snapshot/too-large \
	tests/corpus/snapshot/two-pmds \
	tests/corpus/trace/control-characters \
	tests/corpus/trace/crlf-one-row \
	tests/corpus/trace/gzipped \
	tests/corpus/trace/gzipped-cut \
	tests/corpus/trace/null-byte \
	tests/corpus/trace/steps \
	tests/corpus/trace/time-overflow \
	tests/corpus/trace/times-too-close \
	tests/corpus/trace/twice \
	tests/fuzz/fuzz-command.c \
	tests/fuzz/fuzz-config.c \
	tests/fuzz/fuzz-plan.c \
	tests/fuzz/fuzz-recorded.c \
	tests/fuzz/fuzz-snapshot.c \
	tests/fuzz/fuzz-trace.c \
	tests/fuzz/replay.c \
	tests/fuzz/run-fuzz \
	tests/fuzz/vmq-fuzz.h
check-fuzz: ovs
	@$(RUN_CHECK) --begin $@
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_RESULTS='$(FUZZ_RESULTS)' \
	  CC='$(CC)' OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ fuzz $(BASH) $(srcdir)/tests/fuzz/run-fuzz $(srcdir) \
	    $(FUZZ_TARGETS)
	@$(RUN_CHECK) --end $@
.PHONY: check-fuzz

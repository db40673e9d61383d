# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# Autotest's, at the same path in the Open vSwitch tree.
OVS_OVERLAY += \
	tests/system-dpdk-vmq.at \
	tests/test-vmq-adopt.c \
	tests/test-vmq-engine.c \
	tests/test-vmq-fields.c \
	tests/test-vmq-handoff.c \
	tests/vmq-handoff.at \
	tests/vmq.at

EXTRA_DIST += \
	tests/README.rst \
	tests/results/fuzz.txt \
	tests/results/ovs-chaos.txt \
	tests/results/ovs-suite.txt \
	tests/results/vmq-chaos.jsonl

## ------ ##
## Checks ##
## ------ ##

# Each check runs under run-check, which keeps its log and its counts in
# test-results/ and prints "N passed, N failed, N skipped" at the end of a
# target.  "make check" runs all of them, whether or not one fails.
RESULTS = $(abs_builddir)/test-results
RUN_CHECK = RESULTS='$(RESULTS)' $(BASH) $(srcdir)/build-aux/run-check
CHECKS = \
	check-fast \
	check-tenants \
	check-sanitized \
	check-fuzz \
	check-model \
	check-warnings \
	check-layers \
	check-static \
	check-ovs-vmq \
	check-ovs-stock \
	check-inputs \
	check-metrics \
	check-tutorial \
	check-system \
	check-soak \
	check-chaos-quick \
	check-faults \
	patch-check

check-local:
	@$(RUN_CHECK) --all $(MAKE) $(CHECKS)

# Who includes and calls whom.  check-fast does without what Open vSwitch's
# build has not made yet.
CHECK_LAYERS = $(srcdir)/build-aux/check-layers --tree='$(OVS_TREE_DIR)'
check-layers: ovs $(UNIT_NEEDS)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ layers $(CHECK_LAYERS)
	@$(RUN_CHECK) --end $@
.PHONY: check-layers

check-fast: $(UNIT_NEEDS) build-aux/vmq-docs
	@$(RUN_CHECK) --begin check-fast
	@$(MAKE) --no-print-directory run-unit
# Sanitizers put calls of their own into objects.
if !SANITIZERS
	@$(RUN_CHECK) check-fast layers $(CHECK_LAYERS)
	@CC='$(CC)' $(RUN_CHECK) check-fast walls \
	  $(srcdir)/tests/checks/check-walls
endif
	@$(RUN_CHECK) check-fast docs \
	  $(srcdir)/build-aux/check-docs ./build-aux/vmq-docs
	@$(RUN_CHECK) check-fast names $(srcdir)/build-aux/check-names .
	@$(RUN_CHECK) check-fast style $(srcdir)/build-aux/check-style
	@$(RUN_CHECK) check-fast tools $(srcdir)/tests/checks/check-tools
	@$(RUN_CHECK) check-fast counts $(srcdir)/tests/checks/check-counts
	@$(RUN_CHECK) check-fast judge $(srcdir)/tests/checks/check-judge
	@$(RUN_CHECK) check-fast sched $(srcdir)/tests/checks/check-sched
	@$(RUN_CHECK) check-fast dist-files $(MAKE) -s dist-hook-git
	@$(RUN_CHECK) --end check-fast

# $(call variant,DIR,ARG...): the same configured with ARGs, in DIR.
variant = test -f $(1)/Makefile || { $(MKDIR_P) $(1) \
	  && cd $(1) && $(abs_top_srcdir)/configure -q $(2); }

check-warnings: ovs
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ warnings \
	  $(BASH) $(srcdir)/build-aux/check-warnings $(OVS_TREE_DIR)
	@$(RUN_CHECK) --end $@

# Tools that are missing are skipped.
LINT_OVS = $(filter-out lib/vmq-hist.c $(lib_libvmq_la_SOURCES), \
	$(filter %.c,$(OVS_OVERLAY)))
LINT_NOT = $(LINT_OVS)
if !HAVE_DPDK
LINT_NOT += $(TRAFFIC_SOURCES)
endif
LINT = $(filter-out $(LINT_NOT),$(sort $(filter %.c,$(DISTFILES))))
check-static: ovs
	@$(RUN_CHECK) --begin $@
	@FILES='$(LINT)' OVS_FILES='$(LINT_OVS)' FLAGS='$(DEFS) \
	  $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -I $(srcdir)/utilities \
	  -I $(srcdir)/tests/unit -I $(srcdir)/tests/lab \
	  $(WARNING_FLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS) \
	  $(DPDK_CFLAGS)' \
	  $(RUN_CHECK) $@ static \
	    $(BASH) $(srcdir)/build-aux/check-static $(OVS_TREE_DIR)
	@$(RUN_CHECK) --end $@

# Open vSwitch's test suite, the tests of these files.  TESTSUITEFLAGS with
# test numbers or -k selects among all of its tests instead.
STOCK_AT = pmd.at alb.at dpif-netdev.at
OVS_TESTS = $(BASH) $(srcdir)/build-aux/ovs-tests $(OVS_TREE_DIR)

check-ovs-vmq: ovs utilities/ovs-vmq-sim$(EXEEXT)
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) $@ vmq.at $(OVS_TESTS) check vmq.at vmq-handoff.at
	@$(RUN_CHECK) --end $@

check-ovs-stock: ovs
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' RECHECK=yes \
	  $(RUN_CHECK) $@ stock $(OVS_TESTS) check $(STOCK_AT)
	@$(RUN_CHECK) --end $@

# The younger series, but for the one of this system's Open vSwitch, without
# DPDK.
OTHER_SERIES = `echo 3.5 4.0 | $(SED) "s/$$($(OVS_TREE) series)//"`
check-series: utilities/ovs-vmq-sim$(EXEEXT)
	@$(RUN_CHECK) --begin $@
	@for s in $(OTHER_SERIES); do \
	  $(RUN_CHECK) $@ "$$s build" $(MAKE) -s ovs SERIES=$$s; \
	  $(MAKE) -s check-one-series SERIES=$$s; \
	done
	@$(RUN_CHECK) --end $@

check-one-series:
	@$(RUN_CHECK) check-series '$(SERIES) patches' $(OVS_TREE) check-stack
	@$(RUN_CHECK) check-series '$(SERIES) warnings' \
	  $(BASH) $(srcdir)/build-aux/check-warnings $(OVS_TREE_DIR)
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) check-series '$(SERIES) vmq.at' \
	    $(OVS_TESTS) check vmq.at vmq-handoff.at
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' RECHECK=yes \
	  $(RUN_CHECK) check-series '$(SERIES) stock' $(OVS_TESTS) check $(STOCK_AT)

# The same series with the DPDK of their releases and real traffic, in roots of
# these.  Their logs, and the figures, are in test-results/check-series-dpdk.
SERIES_DPDK = check-system check-soak bench-move bench-overhead
check-series-dpdk:
	@$(RUN_CHECK) --begin $@
	@for s in $(OTHER_SERIES); do \
	  $(RUN_CHECK) $@ "$$s build" $(srcdir)/quickstart --series $$s build; \
	  root="$(srcdir)/build-aux/ovs-root $$s"; \
	  $(RUN_CHECK) $@ "$$s valgrind" $$root $(SHELL) -c \
	    'apt-get -qq update && apt-get -qq -y install valgrind'; \
	  for c in $(SERIES_DPDK); do \
	    $(RUN_CHECK) $@ "$$s $$c" \
	      $$root make -s -C _build $$c BENCH_FLAGS='$(BENCH_FLAGS)'; \
	  done; \
	done
	@$(RUN_CHECK) --end $@
.PHONY: check-series check-one-series check-series-dpdk

check-system: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) $@ system-dpdk-vmq.at \
	    $(OVS_TESTS) check-dpdk system-dpdk-vmq.at
	@$(RUN_CHECK) --end $@

# Trees with sanitizers, or with gcov.
SANITIZED = SOURCE='$(SERIES_SOURCE)' OVS_CFLAGS='$(OVS_CFLAGS)' \
	MAKE="$(MAKE) $(OVS_JOBS)" $(BASH) $(srcdir)/build-aux/ovs-sanitized

# Autotest's part with ASan and UBSan, in the tree of soak-asan.
check-asan: utilities/ovs-vmq-sim$(EXEEXT)
	@$(SANITIZED) asan $(OVS_TREE_DIR)-asan $(OVS_DPDK)
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) $@ ovs $(BASH) $(srcdir)/build-aux/ovs-tests \
	    $(OVS_TREE_DIR)-asan check vmq.at vmq-handoff.at $(STOCK_AT)
	@$(RUN_CHECK) --end $@
.PHONY: check-asan

# Which lines of our C files run when the tests do.  gcov counts in builds of
# its own, from nothing each time.
COVERED_PURE = $(lib_libvmq_la_SOURCES)
COVERED_REST = $(filter-out $(COVERED_PURE),$(filter lib/%.c lib/%.h \
	ofproto/%.c ofproto/%.h vswitchd/%.c vswitchd/%.h utilities/%.c \
	utilities/%.h,$(sort $(DISTFILES))))
if HAVE_DPDK
COVERED_REST += $(filter tests/%,$(TRAFFIC_SOURCES))
endif
COVERAGE_FLAGS = CFLAGS='-g -O0 --coverage' CPPFLAGS=-DVMQ_COVERAGE
COVERAGE_BUILD = $(abs_builddir)/coverage
COVERAGE_TREE = $(OVS_TREE_DIR)-coverage
COVERAGE = VMQ_BUILDDIR='$(COVERAGE_BUILD)' VMQ_SRCDIR='$(abs_srcdir)' \
	MAKE='$(MAKE)' $(RUN_CHECK) coverage
coverage:
	@$(call variant,coverage,$(COVERAGE_FLAGS))
	@$(MAKE) -s -C coverage
	@$(SANITIZED) coverage '$(COVERAGE_TREE)' $(OVS_DPDK)
	@find coverage '$(COVERAGE_TREE)' -name '*.gcda' -exec rm -f {} +
	@$(RUN_CHECK) --begin $@
	@$(MAKE) -s -C coverage run-unit UNIT=$@ RESULTS='$(RESULTS)'
	@$(COVERAGE) vmq.at $(BASH) $(srcdir)/build-aux/ovs-tests \
	  '$(COVERAGE_TREE)' check vmq.at vmq-handoff.at
	@rm -f '$(COVERAGE_BUILD)/ovs-chaos.tsv'
	@$(COVERAGE) chaos $(JUDGE) chaos --tree='$(COVERAGE_TREE)' --seeds=1 \
	  --expected='$(srcdir)/tests/judges/vmq-chaos.expected' \
	  --results='$(COVERAGE_BUILD)/ovs-chaos.tsv' mcast-snooping.at \
	  tunnel-push-pop.at
	@$(COVERAGE) system-dpdk-vmq.at $(BASH) $(srcdir)/build-aux/ovs-tests \
	  '$(COVERAGE_TREE)' check-dpdk system-dpdk-vmq.at
	@$(COVERAGE) soak $(SHELL) -c "$(SOAK)-coverage \
	  --tree='$(COVERAGE_TREE)' --seconds=30 $(SOAK_FLAGS)"
	@$(RUN_CHECK) $@ report $(srcdir)/build-aux/coverage-report \
	  '$(COVERAGE_TREE)' 'coverage=$(srcdir)' \
	  --pure $(COVERED_PURE) --rest $(COVERED_REST)
	@$(RUN_CHECK) --end $@
.PHONY: coverage

patch-check: ovs
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ patches $(OVS_TREE) check
	@$(RUN_CHECK) --end $@

.PHONY: check-fast check-ovs-stock check-ovs-vmq check-static check-system \
	check-warnings patch-check

clean-check:
	rm -rf $(RESULTS) coverage-missed fuzz
CLEAN_LOCAL += clean-check
.PHONY: clean-check

include tests/unit/automake.mk
include tests/checks/automake.mk
include tests/fuzz/automake.mk
include tests/model/automake.mk
include tests/lab/automake.mk
include tests/judges/automake.mk
include tests/bench/automake.mk

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

OVS_OVERLAY += \
	tests/system-dpdk-vmq.at \
	tests/test-vmq-engine.c \
	tests/test-vmq-handoff.c \
	tests/vmq-handoff.at \
	tests/vmq.at

EXTRA_DIST += \
	tests/README.rst \
	tests/check-counts \
	tests/check-inputs \
	tests/check-judge \
	tests/check-metrics \
	tests/check-package \
	tests/check-purity \
	tests/check-sim \
	tests/check-tools \
	tests/check-tutorial \
	tests/run-fuzz \
	tests/run-model \
	tests/vmq-appctl \
	tests/vmq-bench-idle \
	tests/vmq-bench-move \
	tests/vmq-bench-overhead \
	tests/vmq-bench-scale \
	tests/vmq-chaos \
	tests/vmq-chaos.expected \
	tests/vmq-demo \
	tests/vmq-faults \
	tests/vmq-freeze \
	tests/vmq-handoff.pml \
	tests/vmq-hostile-peer \
	tests/vmq-judge \
	tests/vmq-latency \
	tests/vmq-shell \
	tests/vmq-show.json \
	tests/vmq-soak \
	tests/vmq-switch.sh \
	tests/vmq-terminal \
	tests/vmq-traffic.8 \
	tests/vmq-tsan.supp \
	tests/vmqchecks.py \
	tests/vmqlab.py

## -------------------------------- ##
## Unit tests: without Open vSwitch ##
## -------------------------------- ##

UNIT_TESTS = \
	tests/test-vmq-adversary \
	tests/test-vmq-config \
	tests/test-vmq-credit \
	tests/test-vmq-oracle \
	tests/test-vmq-plan \
	tests/test-vmq-properties \
	tests/test-vmq-sim \
	tests/test-vmq-snapshot \
	tests/test-vmq-tenants \
	tests/test-vmq-trace \
	tests/test-vmq-traffic \
	tests/test-vmq-window
check_PROGRAMS += $(UNIT_TESTS)

UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LDADD = tests/libvmqtest.la lib/libvmq.la $(CMOCKA_LIBS)

check_LTLIBRARIES += tests/libvmqtest.la
tests_libvmqtest_la_SOURCES = \
	tests/vmq-host.c \
	tests/vmq-host.h \
	tests/vmq-test.h
tests_libvmqtest_la_CFLAGS = $(UNIT_CFLAGS)

tests_test_vmq_adversary_SOURCES = \
	tests/test-vmq-adversary.c \
	tests/vmq-test.h
tests_test_vmq_adversary_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_adversary_LDADD = $(UNIT_LDADD)

tests_test_vmq_config_SOURCES = \
	tests/test-vmq-config.c \
	tests/vmq-test.h
tests_test_vmq_config_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_config_LDADD = $(UNIT_LDADD)

tests_test_vmq_credit_SOURCES = \
	tests/test-vmq-credit.c \
	tests/vmq-test.h
tests_test_vmq_credit_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_credit_LDADD = $(UNIT_LDADD)

tests_test_vmq_oracle_SOURCES = \
	tests/test-vmq-oracle.c \
	tests/vmq-test.h
tests_test_vmq_oracle_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_oracle_LDADD = $(UNIT_LDADD)

tests_test_vmq_plan_SOURCES = \
	tests/test-vmq-plan.c \
	tests/vmq-test.h
tests_test_vmq_plan_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_plan_LDFLAGS = \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=qsort
tests_test_vmq_plan_LDADD = $(UNIT_LDADD)

tests_test_vmq_properties_SOURCES = \
	tests/test-vmq-properties.c \
	tests/vmq-test.h
tests_test_vmq_properties_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_properties_LDADD = $(UNIT_LDADD)

tests_test_vmq_sim_SOURCES = \
	tests/test-vmq-sim.c \
	tests/vmq-test.h
tests_test_vmq_sim_CFLAGS = $(UNIT_CFLAGS) -I $(srcdir)/utilities
tests_test_vmq_sim_LDADD = utilities/libvmqsim.la $(CMOCKA_LIBS)

tests_test_vmq_snapshot_SOURCES = \
	tests/test-vmq-snapshot.c \
	tests/vmq-test.h
tests_test_vmq_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_snapshot_LDADD = $(UNIT_LDADD)

tests_test_vmq_tenants_SOURCES = \
	tests/test-vmq-tenants.c \
	tests/vmq-test.h
tests_test_vmq_tenants_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_tenants_LDADD = $(UNIT_LDADD)

tests_test_vmq_trace_SOURCES = \
	tests/test-vmq-trace.c \
	tests/vmq-test.h
tests_test_vmq_trace_CFLAGS = \
	$(UNIT_CFLAGS) $(ZLIB_CFLAGS) -I $(srcdir)/utilities
tests_test_vmq_trace_LDADD = \
	utilities/libvmqsim.la $(CMOCKA_LIBS) $(ZLIB_LIBS)

tests_test_vmq_traffic_SOURCES = \
	tests/test-vmq-traffic.c \
	lib/vmq-hist.c \
	lib/vmq-hist.h \
	tests/vmq-traffic-schedule.c \
	tests/vmq-traffic-schedule.h \
	tests/vmq-traffic-seq.c \
	tests/vmq-traffic-seq.h
tests_test_vmq_traffic_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_traffic_LDADD = $(CMOCKA_LIBS) -lm

tests_test_vmq_window_SOURCES = \
	tests/test-vmq-window.c \
	tests/vmq-test.h
tests_test_vmq_window_CFLAGS = $(UNIT_CFLAGS)
tests_test_vmq_window_LDADD = $(UNIT_LDADD)

## ------------ ##
## Real traffic ##
## ------------ ##

TRAFFIC_SOURCES = \
	tests/vmq-traffic-control.c \
	tests/vmq-traffic-control.h \
	lib/vmq-hist.c \
	lib/vmq-hist.h \
	tests/vmq-traffic-port.c \
	tests/vmq-traffic-port.h \
	tests/vmq-traffic-schedule.c \
	tests/vmq-traffic-schedule.h \
	tests/vmq-traffic-seq.c \
	tests/vmq-traffic-seq.h \
	tests/vmq-traffic-vhost.c \
	tests/vmq-traffic-vhost.h \
	tests/vmq-traffic.c
if HAVE_DPDK
noinst_PROGRAMS += tests/vmq-traffic
tests_vmq_traffic_SOURCES = $(TRAFFIC_SOURCES)
tests_vmq_traffic_CFLAGS = $(WARNING_FLAGS) $(DPDK_CFLAGS) $(JANSSON_CFLAGS)
tests_vmq_traffic_LDFLAGS =
tests_vmq_traffic_LDADD = $(DPDK_LIBS) $(JANSSON_LIBS) -lm
else
EXTRA_DIST += $(TRAFFIC_SOURCES)
endif

demo: ovs $(noinst_PROGRAMS)
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/vmq-demo --pictures=vmq-demo

shell: ovs $(noinst_PROGRAMS)
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/vmq-shell

# The switch of the tutorial.
sandbox: ovs
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/vmq-shell --dummy
.PHONY: demo sandbox shell

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

# What the pure part and the simulator do, as a part of the target UNIT.
CHECK_CASES =
UNIT = check-fast
UNIT_NEEDS = $(check_LTLIBRARIES) $(check_PROGRAMS) \
	utilities/ovs-vmq-sim$(EXEEXT)
run-unit: $(UNIT_NEEDS)
	@for t in $(UNIT_TESTS); do \
	  VMQ_CASES='$(CHECK_CASES)' CMOCKA_MESSAGE_OUTPUT=TAP \
	    $(RUN_CHECK) $(UNIT) "$$t" "./$$t"; \
	done
	@$(RUN_CHECK) $(UNIT) sim \
	  $(srcdir)/tests/check-sim utilities/ovs-vmq-sim$(EXEEXT)
.PHONY: run-unit

check-fast: $(UNIT_NEEDS) build-aux/vmq-docs
	@$(RUN_CHECK) --begin check-fast
	@$(MAKE) --no-print-directory run-unit
if !SANITIZERS
	@$(RUN_CHECK) check-fast purity \
	  $(srcdir)/tests/check-purity $(lib_libvmq_la_OBJECTS)
endif
	@$(RUN_CHECK) check-fast docs \
	  $(srcdir)/build-aux/check-docs ./build-aux/vmq-docs
	@$(RUN_CHECK) check-fast names $(srcdir)/build-aux/check-names .
	@$(RUN_CHECK) check-fast style $(srcdir)/build-aux/check-style
	@$(RUN_CHECK) check-fast tools $(srcdir)/tests/check-tools
	@$(RUN_CHECK) check-fast counts $(srcdir)/tests/check-counts
	@$(RUN_CHECK) check-fast judge $(srcdir)/tests/check-judge
	@$(RUN_CHECK) check-fast dist-files $(MAKE) -s dist-hook-git
	@$(RUN_CHECK) --end check-fast

# $(call variant,DIR,ARG...): the same configured with ARGs, in DIR.
variant = test -f $(1)/Makefile || { $(MKDIR_P) $(1) \
	  && cd $(1) && $(abs_top_srcdir)/configure -q $(2); }

# run-unit with ASan and UBSan.  configure does not run beside itself.
check-sanitized:
	@$(RUN_CHECK) --begin $@
	@if test -f $(srcdir)/config.status; then \
	  $(RUN_CHECK) $@ unit echo \
	    'ok - unit # SKIP configured in the source directory'; \
	else \
	  ($(call variant,sanitized,--enable-sanitizers --without-dpdk)) \
	    && $(MAKE) -s -C sanitized run-unit UNIT=$@ RESULTS='$(RESULTS)'; \
	fi
	@$(RUN_CHECK) --end $@

# What one tenant can cost the others; check-fast makes fewer attacks.
TENANTS_CASES = 1000
check-tenants: tests/test-vmq-tenants$(EXEEXT)
	@$(RUN_CHECK) --begin $@
	@VMQ_CASES='$(TENANTS_CASES)' CMOCKA_MESSAGE_OUTPUT=TAP \
	  $(RUN_CHECK) $@ attacks ./tests/test-vmq-tenants
	@$(RUN_CHECK) --end $@

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
	tests/fuzz/vmq-fuzz.h \
	tests/results/fuzz.txt \
	tests/results/ovs-chaos.txt \
	tests/results/ovs-suite.txt \
	tests/results/vmq-chaos.jsonl
check-fuzz: ovs
	@$(RUN_CHECK) --begin $@
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_RESULTS='$(FUZZ_RESULTS)' \
	  CC='$(CC)' OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ fuzz $(BASH) $(srcdir)/tests/run-fuzz $(srcdir) \
	    $(FUZZ_TARGETS)
	@$(RUN_CHECK) --end $@

# Without Spin, skipped.
check-model:
	@$(RUN_CHECK) --begin $@
	@CC='$(CC)' $(RUN_CHECK) $@ model $(srcdir)/tests/run-model
	@$(RUN_CHECK) --end $@

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

# Half of it is skipped without python3-prometheus-client and others.
check-inputs: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ inputs $(srcdir)/tests/check-inputs
	@$(RUN_CHECK) --end $@

# Without python3-prometheus-client, skipped.
check-metrics: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ metrics $(srcdir)/tests/check-metrics $(abs_builddir)
	@$(RUN_CHECK) --end $@

# Packages, and a Debian root to try them in: not a part of "check", since it
# takes root and downloads much.
check-package: dist
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ package $(BASH) $(srcdir)/tests/check-package \
	  $(distdir).tar.xz rhel/openvswitch-vmq.spec $(abs_builddir)/package
	@$(RUN_CHECK) --end $@

check-tutorial: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' VMQ_BUILDDIR='$(abs_builddir)' \
	  $(RUN_CHECK) $@ tutorial $(srcdir)/tests/check-tutorial
	@$(RUN_CHECK) --end $@

check-ovs-stock: ovs
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  $(RUN_CHECK) $@ stock $(OVS_TESTS) check $(STOCK_AT)
	@$(RUN_CHECK) --end $@

# All of Open vSwitch's test suite, against Open vSwitch without our patches,
# and a part of it while queues move at random.  These take hours, and go on
# where they were interrupted.  SUITE_FLAGS goes to the program.
SUITE_JOBS = $$((2 * `getconf _NPROCESSORS_ONLN`))
SUITE_FLAGS =
CHAOS_SEEDS = 1 2 3
CHAOS_AT = alb.at dpif-netdev.at lacp.at mcast-snooping.at ofproto-dpif.at \
	pmd.at tunnel-push-pop-ipv6.at tunnel-push-pop.at
JUDGE = $(srcdir)/tests/vmq-judge --tree='$(OVS_TREE_DIR)' \
	--jobs=$(SUITE_JOBS)
check-ovs: ovs ovs-stock
	@$(RUN_CHECK) --begin $@
	@MAKE='$(MAKE)' $(RUN_CHECK) $@ suite $(JUDGE) suite \
	  --stock='$(OVS_STOCK_DIR)' --results='$(abs_builddir)/ovs-suite.tsv' \
	  --keep='$(abs_builddir)/ovs-suite' $(SUITE_FLAGS)
	@$(RUN_CHECK) --end $@

check-ovs-chaos: ovs
	@$(RUN_CHECK) --begin $@
	@MAKE='$(MAKE)' $(RUN_CHECK) $@ chaos $(JUDGE) chaos \
	  --seeds='$(CHAOS_SEEDS)' \
	  --expected='$(srcdir)/tests/vmq-chaos.expected' \
	  --results='$(abs_builddir)/ovs-chaos.tsv' \
	  --keep='$(abs_builddir)/ovs-chaos' $(SUITE_FLAGS) $(CHAOS_AT)
	@$(RUN_CHECK) --end $@

check-system: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) $@ system-dpdk-vmq.at \
	    $(OVS_TESTS) check-dpdk system-dpdk-vmq.at
	@$(RUN_CHECK) --end $@

# What others do to the switch.  FAULTS_FLAGS goes to the program.
FAULTS_FLAGS =
check-faults: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' VMQ_BUILDDIR='$(abs_builddir)' \
	  $(RUN_CHECK) $@ faults $(srcdir)/tests/vmq-faults $(FAULTS_FLAGS)
	@$(RUN_CHECK) --end $@
.PHONY: check-faults

# Moves of queues while everything else changes, on the dummy datapath and
# with DPDK.
SOAK_FLAGS =
SOAK = VMQ_BUILDDIR='$(abs_builddir)' $(srcdir)/tests/vmq-soak \
	--keep=$(abs_builddir)/vmq-soak
check-soak: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ dummy $(SHELL) -c \
	  "$(SOAK)-dummy --tree='$(OVS_TREE_DIR)' $(SOAK_FLAGS)"
	@$(RUN_CHECK) $@ dpdk $(SHELL) -c \
	  "$(SOAK)-dpdk --tree='$(OVS_TREE_DIR)' --datapath=dpdk $(SOAK_FLAGS)"
	@$(RUN_CHECK) --end $@

# The same for long, with sanitizers.  These build trees of their own.  DPDK
# is not instrumented for ThreadSanitizer.
SOAK_SECONDS = 1200
SANITIZED = SOURCE='$(OVS_SOURCE)' OVS_CFLAGS='$(OVS_CFLAGS)' \
	MAKE="$(MAKE) $(OVS_JOBS)" $(BASH) $(srcdir)/build-aux/ovs-sanitized
soak-asan: $(noinst_PROGRAMS)
	@$(SANITIZED) asan $(abs_builddir)/ovs-tree-asan $(OVS_DPDK)
	@$(RUN_CHECK) --begin $@
	@for datapath in dummy dpdk; do \
	  $(RUN_CHECK) $@ $$datapath $(SHELL) -c \
	    "$(SOAK)-asan-$$datapath --tree='$(OVS_TREE_DIR)-asan' \
	     --datapath=$$datapath --seconds=$(SOAK_SECONDS) $(SOAK_FLAGS)"; \
	done
	@$(RUN_CHECK) --end $@

# Autotest's part with ASan and UBSan, in the same tree.
check-asan: utilities/ovs-vmq-sim$(EXEEXT)
	@$(SANITIZED) asan $(abs_builddir)/ovs-tree-asan $(OVS_DPDK)
	@$(RUN_CHECK) --begin $@
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' MAKE='$(MAKE)' \
	  VMQ_BUILDDIR='$(abs_builddir)' VMQ_SRCDIR='$(abs_srcdir)' \
	  $(RUN_CHECK) $@ ovs $(BASH) $(srcdir)/build-aux/ovs-tests \
	    $(OVS_TREE_DIR)-asan check vmq.at vmq-handoff.at $(STOCK_AT)
	@$(RUN_CHECK) --end $@
.PHONY: check-asan

soak-tsan:
	@$(SANITIZED) tsan $(abs_builddir)/ovs-tree-tsan
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ dummy $(SHELL) -c \
	  "$(SOAK)-tsan --tree='$(OVS_TREE_DIR)-tsan' \
	   --seconds=$(SOAK_SECONDS) $(SOAK_FLAGS)"
	@$(RUN_CHECK) --end $@
.PHONY: soak-asan soak-tsan

# Everything that can be done to a switch, with DPDK.  CHAOS_FLAGS goes to the
# program, e.g. "--seconds=600 --seed=1-10 --results=FILE".  check-chaos-quick
# is the part of "check", with a seed that soon restarts everything; without
# CHAOS_QUICK_SEED, with another one each time.
CHAOS_FLAGS =
CHAOS_QUICK_SEED = --seed=179
CHAOS = VMQ_BUILDDIR='$(abs_builddir)' $(srcdir)/tests/vmq-chaos
check-chaos: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ chaos $(SHELL) -c \
	  "$(CHAOS) --tree='$(OVS_TREE_DIR)' --keep=$(abs_builddir)/vmq-chaos \
	   $(CHAOS_FLAGS)"
	@$(RUN_CHECK) --end $@

check-chaos-asan: $(noinst_PROGRAMS)
	@$(SANITIZED) asan $(abs_builddir)/ovs-tree-asan $(OVS_DPDK)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ chaos $(SHELL) -c \
	  "$(CHAOS) --tree='$(OVS_TREE_DIR)-asan' \
	   --keep=$(abs_builddir)/vmq-chaos-asan $(CHAOS_FLAGS)"
	@$(RUN_CHECK) --end $@

check-chaos-quick: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ chaos $(SHELL) -c \
	  "$(CHAOS) --tree='$(OVS_TREE_DIR)' --seconds=45 $(CHAOS_QUICK_SEED) \
	   --keep=$(abs_builddir)/vmq-chaos-quick"
	@$(RUN_CHECK) --end $@

# Whether the results of long runs are what they must be.
CHAOS_RESULTS = $(srcdir)/tests/results/vmq-chaos.jsonl
chaos-summary:
	@$(srcdir)/tests/vmq-chaos --summary=$(CHAOS_RESULTS)
.PHONY: chaos-summary check-chaos check-chaos-asan check-chaos-quick

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
	  --expected='$(srcdir)/tests/vmq-chaos.expected' \
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

# How long plans take.
EXTRA_PROGRAMS = tests/vmq-bench-plan
CLEANFILES += tests/vmq-bench-plan$(EXEEXT)
tests_vmq_bench_plan_SOURCES = \
	tests/vmq-bench-plan.c \
	tests/vmq-test.h
tests_vmq_bench_plan_CFLAGS = $(UNIT_CFLAGS)
tests_vmq_bench_plan_LDADD = lib/libvmq.la -lm

bench-plan: tests/vmq-bench-plan$(EXEEXT)
	@./tests/vmq-bench-plan$(EXEEXT)
.PHONY: bench-plan

# What PMDs cost that have nothing to do.
bench-idle:
	@$(MAKE) ovs $(noinst_PROGRAMS) >&2
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/vmq-bench-idle $(BENCH_FLAGS)
.PHONY: bench-idle

# What VMQ costs the main thread by the number of PMDs and queues.
bench-scale:
	@$(MAKE) ovs >&2
	@OVS_TREE=$(OVS_TREE_DIR) $(srcdir)/tests/vmq-bench-scale $(BENCH_FLAGS)
.PHONY: bench-scale

# What it costs to move a queue.  BENCH_FLAGS goes to the program, e.g.
# --quick, or --json, which is then alone on standard output.
bench-move:
	@$(MAKE) ovs $(noinst_PROGRAMS) >&2
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/vmq-bench-move $(BENCH_FLAGS)
.PHONY: bench-move

# What VMQ costs the PMDs, in instructions, against Open vSwitch without it.
# Needs valgrind.  BENCH_FLAGS as above.
bench-overhead:
	@$(SHELL) $(srcdir)/tests/vmq-bench-overhead --needs $(BENCH_FLAGS)
	@$(MAKE) --no-print-directory ovs ovs-stock >&2
	@OVS_TREE=$(OVS_TREE_DIR) OVS_STOCK=$(OVS_STOCK_DIR) \
	  $(SHELL) $(srcdir)/tests/vmq-bench-overhead $(BENCH_FLAGS)
.PHONY: bench-overhead

# Measures, and needs a machine that does little else.
check-latency: ovs
	@OVS_TREE=$(OVS_TREE_DIR) $(SHELL) $(srcdir)/tests/vmq-latency
.PHONY: check-latency

patch-check: ovs
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ patches $(OVS_TREE) check
	@$(RUN_CHECK) --end $@

.PHONY: check-fast check-fuzz check-inputs check-metrics check-model \
	check-ovs check-ovs-chaos check-ovs-stock check-ovs-vmq \
	check-package check-sanitized check-soak check-static check-system \
	check-tenants check-tutorial check-warnings patch-check

clean-check:
	rm -rf $(RESULTS) coverage-missed fuzz
CLEAN_LOCAL += clean-check
.PHONY: clean-check

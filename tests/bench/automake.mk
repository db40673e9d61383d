# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	tests/bench/vmq-bench-idle \
	tests/bench/vmq-bench-move \
	tests/bench/vmq-bench-overhead \
	tests/bench/vmq-bench-relief \
	tests/bench/vmq-bench-scale \
	tests/bench/vmq-latency

# How long plans take.
EXTRA_PROGRAMS = tests/bench/vmq-bench-plan
CLEANFILES += tests/bench/vmq-bench-plan$(EXEEXT)
tests_bench_vmq_bench_plan_SOURCES = \
	tests/bench/vmq-bench-plan.c \
	tests/unit/vmq-test.h
tests_bench_vmq_bench_plan_CFLAGS = $(UNIT_CFLAGS) -I $(srcdir)/tests/unit
tests_bench_vmq_bench_plan_LDADD = lib/libvmq.la -lm

bench-plan: tests/bench/vmq-bench-plan$(EXEEXT)
	@./tests/bench/vmq-bench-plan$(EXEEXT)
.PHONY: bench-plan

# What PMDs cost that have nothing to do.
bench-idle:
	@$(MAKE) ovs $(noinst_PROGRAMS) >&2
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/bench/vmq-bench-idle $(BENCH_FLAGS)
.PHONY: bench-idle

# What VMQ costs the main thread by the number of PMDs and queues.
bench-scale:
	@$(MAKE) ovs >&2
	@OVS_TREE=$(OVS_TREE_DIR) \
	  $(srcdir)/tests/bench/vmq-bench-scale $(BENCH_FLAGS)
.PHONY: bench-scale

# What it costs to move a queue.  BENCH_FLAGS goes to the program, e.g.
# --quick, or --json, which is then alone on standard output.
bench-move:
	@$(MAKE) ovs $(noinst_PROGRAMS) >&2
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/bench/vmq-bench-move $(BENCH_FLAGS)
.PHONY: bench-move

# How soon a PMD is relieved.  BENCH_FLAGS as above.
bench-relief:
	@$(MAKE) ovs $(noinst_PROGRAMS) >&2
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/bench/vmq-bench-relief $(BENCH_FLAGS)
.PHONY: bench-relief

# What VMQ costs the PMDs, in instructions, against Open vSwitch without it.
# Needs valgrind.  BENCH_FLAGS as above.
bench-overhead:
	@$(SHELL) $(srcdir)/tests/bench/vmq-bench-overhead --needs $(BENCH_FLAGS)
	@$(MAKE) --no-print-directory ovs ovs-stock >&2
	@OVS_TREE=$(OVS_TREE_DIR) OVS_STOCK=$(OVS_STOCK_DIR) \
	  $(SHELL) $(srcdir)/tests/bench/vmq-bench-overhead $(BENCH_FLAGS)
.PHONY: bench-overhead

# Measures, and needs a machine that does little else.
check-latency: ovs
	@OVS_TREE=$(OVS_TREE_DIR) $(SHELL) $(srcdir)/tests/bench/vmq-latency
.PHONY: check-latency

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	tests/judges/vmq-appctl \
	tests/judges/vmq-chaos \
	tests/judges/vmq-chaos.expected \
	tests/judges/vmq-faults \
	tests/judges/vmq-freeze \
	tests/judges/vmq-freezes \
	tests/judges/vmq-hostile-peer \
	tests/judges/vmq-judge \
	tests/judges/vmq-soak \
	tests/judges/vmq-tsan.supp \
	tests/judges/vmqchecks.py \
	tests/judges/vmqpair.py

# All of Open vSwitch's test suite, against Open vSwitch without our patches,
# and a part of it while queues move at random.  These take hours, and go on
# where they were interrupted.  SUITE_FLAGS goes to the program.
SUITE_JOBS = $$((2 * `getconf _NPROCESSORS_ONLN`))
SUITE_FLAGS =
CHAOS_SEEDS = 1 2 3
CHAOS_AT = alb.at dpif-netdev.at lacp.at mcast-snooping.at ofproto-dpif.at \
	pmd.at tunnel-push-pop-ipv6.at tunnel-push-pop.at
JUDGE = $(srcdir)/tests/judges/vmq-judge --tree='$(OVS_TREE_DIR)' \
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
	  --expected='$(srcdir)/tests/judges/vmq-chaos.expected' \
	  --results='$(abs_builddir)/ovs-chaos.tsv' \
	  --keep='$(abs_builddir)/ovs-chaos' $(SUITE_FLAGS) $(CHAOS_AT)
	@$(RUN_CHECK) --end $@

# What others do to the switch.  FAULTS_FLAGS goes to the program.
FAULTS_FLAGS =
check-faults: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' VMQ_BUILDDIR='$(abs_builddir)' \
	  $(RUN_CHECK) $@ faults $(srcdir)/tests/judges/vmq-faults $(FAULTS_FLAGS)
	@$(RUN_CHECK) --end $@

# Threads that stand still or are kept busy, for some 20 minutes on an idle
# machine.
FREEZES_FLAGS =
check-freezes: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' VMQ_BUILDDIR='$(abs_builddir)' \
	  $(RUN_CHECK) $@ freezes $(srcdir)/tests/judges/vmq-freezes \
	  $(FREEZES_FLAGS)
	@$(RUN_CHECK) --end $@

# Moves of queues while everything else changes, on the dummy datapath and
# with DPDK.
SOAK_FLAGS =
SOAK = VMQ_BUILDDIR='$(abs_builddir)' $(srcdir)/tests/judges/vmq-soak \
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
soak-asan: $(noinst_PROGRAMS)
	@$(SANITIZED) asan $(OVS_TREE_DIR)-asan $(OVS_DPDK)
	@$(RUN_CHECK) --begin $@
	@for datapath in dummy dpdk; do \
	  $(RUN_CHECK) $@ $$datapath $(SHELL) -c \
	    "$(SOAK)-asan-$$datapath --tree='$(OVS_TREE_DIR)-asan' \
	     --datapath=$$datapath --seconds=$(SOAK_SECONDS) $(SOAK_FLAGS)"; \
	done
	@$(RUN_CHECK) --end $@

soak-tsan:
	@$(SANITIZED) tsan $(OVS_TREE_DIR)-tsan
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
CHAOS = VMQ_BUILDDIR='$(abs_builddir)' $(srcdir)/tests/judges/vmq-chaos
check-chaos: ovs $(noinst_PROGRAMS)
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ chaos $(SHELL) -c \
	  "$(CHAOS) --tree='$(OVS_TREE_DIR)' --keep=$(abs_builddir)/vmq-chaos \
	   $(CHAOS_FLAGS)"
	@$(RUN_CHECK) --end $@

check-chaos-asan: $(noinst_PROGRAMS)
	@$(SANITIZED) asan $(OVS_TREE_DIR)-asan $(OVS_DPDK)
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
	@$(srcdir)/tests/judges/vmq-chaos --summary=$(CHAOS_RESULTS)
.PHONY: chaos-summary check-chaos check-chaos-asan check-chaos-quick \
	check-faults check-freezes check-ovs check-ovs-chaos check-soak

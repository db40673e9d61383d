# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

## -------------------------------- ##
## Unit tests: without Open vSwitch ##
## -------------------------------- ##

UNIT_TESTS = \
	tests/unit/test-vmq-adversary \
	tests/unit/test-vmq-config \
	tests/unit/test-vmq-credit \
	tests/unit/test-vmq-edge \
	tests/unit/test-vmq-load \
	tests/unit/test-vmq-measure \
	tests/unit/test-vmq-oracle \
	tests/unit/test-vmq-place \
	tests/unit/test-vmq-plan \
	tests/unit/test-vmq-planner \
	tests/unit/test-vmq-properties \
	tests/unit/test-vmq-sim \
	tests/unit/test-vmq-sim-policies \
	tests/unit/test-vmq-snapshot \
	tests/unit/test-vmq-tenants \
	tests/unit/test-vmq-trace \
	tests/unit/test-vmq-traffic \
	tests/unit/test-vmq-window
check_PROGRAMS += $(UNIT_TESTS)

UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LDADD = tests/unit/libvmqtest.la lib/libvmq.la $(CMOCKA_LIBS)

check_LTLIBRARIES += tests/unit/libvmqtest.la
tests_unit_libvmqtest_la_SOURCES = \
	tests/unit/vmq-dumb.c \
	tests/unit/vmq-dumb.h \
	tests/unit/vmq-host.c \
	tests/unit/vmq-host.h \
	tests/unit/vmq-test.h
tests_unit_libvmqtest_la_CFLAGS = $(UNIT_CFLAGS)

tests_unit_test_vmq_adversary_SOURCES = \
	tests/unit/test-vmq-adversary.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_adversary_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_adversary_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_config_SOURCES = \
	tests/unit/test-vmq-config.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_config_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_credit_SOURCES = \
	tests/unit/test-vmq-credit.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_credit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_credit_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_edge_SOURCES = \
	tests/unit/test-vmq-edge.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_edge_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_edge_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_load_SOURCES = \
	tests/unit/test-vmq-load.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_load_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_load_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_measure_SOURCES = \
	tests/unit/test-vmq-measure.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_measure_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_measure_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_oracle_SOURCES = \
	tests/unit/test-vmq-oracle.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_oracle_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_oracle_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_place_SOURCES = \
	tests/unit/test-vmq-place.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_place_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_place_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_plan_SOURCES = \
	tests/unit/test-vmq-plan.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_plan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_plan_LDFLAGS = \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=qsort
tests_unit_test_vmq_plan_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_planner_SOURCES = \
	tests/unit/test-vmq-planner.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_planner_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_planner_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_properties_SOURCES = \
	tests/unit/test-vmq-properties.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_properties_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_properties_LDADD = $(UNIT_LDADD)

check_LTLIBRARIES += tests/unit/libvmqworld.la
tests_unit_libvmqworld_la_SOURCES = \
	tests/unit/vmq-test.h \
	tests/unit/vmq-world.c \
	tests/unit/vmq-world.h
tests_unit_libvmqworld_la_CFLAGS = $(WORLD_CFLAGS)

WORLD_CFLAGS = $(UNIT_CFLAGS) -I $(srcdir)/utilities
WORLD_LDADD = \
	tests/unit/libvmqworld.la utilities/libvmqsim.la $(CMOCKA_LIBS)
tests_unit_test_vmq_sim_SOURCES = tests/unit/test-vmq-sim.c
tests_unit_test_vmq_sim_CFLAGS = $(WORLD_CFLAGS)
tests_unit_test_vmq_sim_LDADD = $(WORLD_LDADD)

tests_unit_test_vmq_sim_policies_SOURCES = \
	tests/unit/test-vmq-sim-policies.c
tests_unit_test_vmq_sim_policies_CFLAGS = $(WORLD_CFLAGS)
tests_unit_test_vmq_sim_policies_LDADD = $(WORLD_LDADD)

tests_unit_test_vmq_snapshot_SOURCES = \
	tests/unit/test-vmq-snapshot.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_snapshot_LDADD = $(UNIT_LDADD)
# Counts comparisons of names.
tests_unit_test_vmq_snapshot_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=strcmp

tests_unit_test_vmq_tenants_SOURCES = \
	tests/unit/test-vmq-tenants.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_tenants_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_tenants_LDADD = $(UNIT_LDADD)

tests_unit_test_vmq_trace_SOURCES = \
	tests/unit/test-vmq-trace.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_trace_CFLAGS = \
	$(UNIT_CFLAGS) $(ZLIB_CFLAGS) -I $(srcdir)/utilities
tests_unit_test_vmq_trace_LDADD = \
	utilities/libvmqsim.la $(CMOCKA_LIBS) $(ZLIB_LIBS)

tests_unit_test_vmq_traffic_SOURCES = \
	tests/unit/test-vmq-traffic.c \
	lib/vmq-hist.c \
	lib/vmq-hist.h \
	tests/lab/vmq-traffic-schedule.c \
	tests/lab/vmq-traffic-schedule.h \
	tests/lab/vmq-traffic-onset.c \
	tests/lab/vmq-traffic-onset.h \
	tests/lab/vmq-traffic-seq.c \
	tests/lab/vmq-traffic-seq.h
tests_unit_test_vmq_traffic_CFLAGS = $(UNIT_CFLAGS) -I $(srcdir)/tests/lab
tests_unit_test_vmq_traffic_LDADD = $(CMOCKA_LIBS) -lm

tests_unit_test_vmq_window_SOURCES = \
	tests/unit/test-vmq-window.c \
	tests/unit/vmq-test.h
tests_unit_test_vmq_window_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_vmq_window_LDADD = $(UNIT_LDADD)

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
	  $(srcdir)/tests/checks/check-sim utilities/ovs-vmq-sim$(EXEEXT)
.PHONY: run-unit

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
check-tenants: tests/unit/test-vmq-tenants$(EXEEXT)
	@$(RUN_CHECK) --begin $@
	@VMQ_CASES='$(TENANTS_CASES)' CMOCKA_MESSAGE_OUTPUT=TAP \
	  $(RUN_CHECK) $@ attacks ./tests/unit/test-vmq-tenants
	@$(RUN_CHECK) --end $@
.PHONY: check-sanitized check-tenants

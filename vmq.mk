# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# Dynamic VMQ's files, for Open vSwitch's Makefile.am to include.

# The series, for lib/vmq-compat.h: 301 for Open vSwitch 3.1.
AM_CPPFLAGS += \
	-DVMQ_OVS_SERIES=`echo $(VERSION) | awk -F. '{ print $$1 * 100 + $$2 }'`

lib_libopenvswitch_la_SOURCES += \
	lib/dpif-netdev-vmq-collect.c \
	lib/dpif-netdev-vmq-compat.h \
	lib/dpif-netdev-vmq-copy.c \
	lib/dpif-netdev-vmq-dummy-hw.c \
	lib/dpif-netdev-vmq-dummy.c \
	lib/dpif-netdev-vmq-fetch.c \
	lib/dpif-netdev-vmq-hooks.h \
	lib/dpif-netdev-vmq-lock.c \
	lib/dpif-netdev-vmq-members.h \
	lib/dpif-netdev-vmq-move.c \
	lib/dpif-netdev-vmq-pmd.c \
	lib/dpif-netdev-vmq-private.h \
	lib/dpif-netdev-vmq-recheck.c \
	lib/dpif-netdev-vmq-thread.c \
	lib/dpif-netdev-vmq.c \
	lib/dpif-netdev-vmq.h \
	lib/vmq-chaos.c \
	lib/vmq-chaos.h \
	lib/vmq-clock.c \
	lib/vmq-clock.h \
	lib/vmq-compat.h \
	lib/vmq-config.c \
	lib/vmq-config.h \
	lib/vmq-credit.c \
	lib/vmq-credit.h \
	lib/vmq-edge.c \
	lib/vmq-edge.h \
	lib/vmq-engine.c \
	lib/vmq-engine.h \
	lib/vmq-fields.c \
	lib/vmq-fields.h \
	lib/vmq-handoff.c \
	lib/vmq-handoff.h \
	lib/vmq-hist.c \
	lib/vmq-hist.h \
	lib/vmq-history.c \
	lib/vmq-history.h \
	lib/vmq-load.c \
	lib/vmq-load.h \
	lib/vmq-measure.c \
	lib/vmq-measure.h \
	lib/vmq-move.c \
	lib/vmq-move.h \
	lib/vmq-place.c \
	lib/vmq-place.h \
	lib/vmq-plan-manual.c \
	lib/vmq-plan-pack.c \
	lib/vmq-plan-spread.c \
	lib/vmq-plan.c \
	lib/vmq-plan.h \
	lib/vmq-planner.c \
	lib/vmq-planner.h \
	lib/vmq-relief.c \
	lib/vmq-relief.h \
	lib/vmq-show-loads.c \
	lib/vmq-show-loads.h \
	lib/vmq-show.c \
	lib/vmq-show.h \
	lib/vmq-snapshot.c \
	lib/vmq-snapshot.h \
	lib/vmq-thread.c \
	lib/vmq-thread.h \
	lib/vmq-unixctl.c \
	lib/vmq-unixctl.h \
	lib/vmq-util.h \
	lib/vmq-view.c \
	lib/vmq-view.h \
	lib/vmq-wake.c \
	lib/vmq-wake.h \
	lib/vmq-window.c \
	lib/vmq-window.h
MAN_FRAGMENTS += lib/vmq-unixctl.man

ofproto_libofproto_la_SOURCES += \
	ofproto/vmq-adopt.c \
	ofproto/vmq-adopt.h

vswitchd_ovs_vswitchd_SOURCES += \
	vswitchd/vmq-iface.c \
	vswitchd/vmq-iface.h

TESTSUITE_AT += \
	tests/vmq-handoff.at \
	tests/vmq.at
SYSTEM_DPDK_TESTSUITE_AT += tests/system-dpdk-vmq.at
tests_ovstest_LDADD += ofproto/libofproto.la
tests_ovstest_SOURCES += \
	tests/test-vmq-adopt.c \
	tests/test-vmq-engine.c \
	tests/test-vmq-fields.c \
	tests/test-vmq-handoff.c

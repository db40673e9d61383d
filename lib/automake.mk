# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# The pure part: values in, values out.  It sees no Open vSwitch header, no
# clock, no lock, no log and no floating point, which build-aux/check-layers
# proves from its symbols and its code.  What is called -check or -text is for
# tools and tests and not in the switch.
noinst_LTLIBRARIES += lib/libvmq.la
lib_libvmq_la_SOURCES = \
	lib/vmq-config.c \
	lib/vmq-config.h \
	lib/vmq-credit.c \
	lib/vmq-credit.h \
	lib/vmq-edge.c \
	lib/vmq-edge.h \
	lib/vmq-load.c \
	lib/vmq-load.h \
	lib/vmq-measure.c \
	lib/vmq-measure.h \
	lib/vmq-move.c \
	lib/vmq-move.h \
	lib/vmq-place.c \
	lib/vmq-place.h \
	lib/vmq-plan-check.c \
	lib/vmq-plan-check.h \
	lib/vmq-plan-manual.c \
	lib/vmq-plan-pack.c \
	lib/vmq-plan-spread.c \
	lib/vmq-plan.c \
	lib/vmq-plan.h \
	lib/vmq-planner.c \
	lib/vmq-planner.h \
	lib/vmq-snapshot-check.c \
	lib/vmq-snapshot-check.h \
	lib/vmq-snapshot-text.c \
	lib/vmq-snapshot-text.h \
	lib/vmq-snapshot.c \
	lib/vmq-snapshot.h \
	lib/vmq-util.h \
	lib/vmq-window.c \
	lib/vmq-window.h

OVS_OVERLAY += \
	vmq.mk \
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
	lib/vmq-unixctl.man \
	lib/vmq-util.h \
	lib/vmq-relief.c \
	lib/vmq-relief.h \
	lib/vmq-view.c \
	lib/vmq-view.h \
	lib/vmq-wake.c \
	lib/vmq-wake.h \
	lib/vmq-window.c \
	lib/vmq-window.h

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	tests/lab/vmq-demo \
	tests/lab/vmq-shell \
	tests/lab/vmq-switch.sh \
	tests/lab/vmq-terminal \
	tests/lab/vmq-traffic.8 \
	tests/lab/vmqlab.py \
	tests/lab/vmqsched.py

## ------------ ##
## Real traffic ##
## ------------ ##

TRAFFIC_SOURCES = \
	tests/lab/vmq-traffic-control.c \
	tests/lab/vmq-traffic-control.h \
	lib/vmq-hist.c \
	lib/vmq-hist.h \
	tests/lab/vmq-traffic-port.c \
	tests/lab/vmq-traffic-port.h \
	tests/lab/vmq-traffic-schedule.c \
	tests/lab/vmq-traffic-schedule.h \
	tests/lab/vmq-traffic-onset.c \
	tests/lab/vmq-traffic-onset.h \
	tests/lab/vmq-traffic-seq.c \
	tests/lab/vmq-traffic-seq.h \
	tests/lab/vmq-traffic-vhost.c \
	tests/lab/vmq-traffic-vhost.h \
	tests/lab/vmq-traffic.c
if HAVE_DPDK
noinst_PROGRAMS += tests/lab/vmq-traffic
tests_lab_vmq_traffic_SOURCES = $(TRAFFIC_SOURCES)
tests_lab_vmq_traffic_CFLAGS = \
	$(WARNING_FLAGS) $(DPDK_CFLAGS) $(JANSSON_CFLAGS)
tests_lab_vmq_traffic_LDFLAGS =
tests_lab_vmq_traffic_LDADD = $(DPDK_LIBS) $(JANSSON_LIBS) -lm
else
EXTRA_DIST += $(TRAFFIC_SOURCES)
endif

demo: ovs $(noinst_PROGRAMS)
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/lab/vmq-demo --pictures=vmq-demo

shell: ovs $(noinst_PROGRAMS)
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/lab/vmq-shell

# The switch of the tutorial.
sandbox: ovs
	@OVS_TREE=$(OVS_TREE_DIR) VMQ_BUILDDIR=$(abs_builddir) \
	  $(srcdir)/tests/lab/vmq-shell --dummy
.PHONY: demo sandbox shell

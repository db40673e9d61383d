# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

## ------------- ##
## The simulator ##
## ------------- ##

# Apart, for the tests.
noinst_LTLIBRARIES += utilities/libvmqsim.la
utilities_libvmqsim_la_SOURCES = \
	utilities/vmq-sim-auto-lb.c \
	utilities/vmq-sim-fixed.c \
	utilities/vmq-sim-fluid.c \
	utilities/vmq-sim-fluid.h \
	utilities/vmq-sim-meter.c \
	utilities/vmq-sim-meter.h \
	utilities/vmq-sim-noise.c \
	utilities/vmq-sim-noise.h \
	utilities/vmq-sim-oracle.c \
	utilities/vmq-sim-policies.c \
	utilities/vmq-sim-policies.h \
	utilities/vmq-sim-rsspp.c \
	utilities/vmq-sim-vmq.c \
	utilities/vmq-sim.c \
	utilities/vmq-sim.h \
	utilities/vmq-trace.c \
	utilities/vmq-trace.h
utilities_libvmqsim_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
utilities_libvmqsim_la_LIBADD = lib/libvmq.la $(ZLIB_LIBS) -lm

bin_PROGRAMS += utilities/ovs-vmq-sim
utilities_ovs_vmq_sim_SOURCES = \
	utilities/ovs-vmq-sim.c \
	utilities/vmq-sim-args.c \
	utilities/vmq-sim-args.h \
	utilities/vmq-sim-explain.c \
	utilities/vmq-sim-explain.h \
	utilities/vmq-sim-jobs.c \
	utilities/vmq-sim-jobs.h \
	utilities/vmq-sim-output.c \
	utilities/vmq-sim-output.h
utilities_ovs_vmq_sim_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -pthread
utilities_ovs_vmq_sim_LDADD = \
	utilities/libvmqsim.la $(JANSSON_LIBS) -lpthread
dist_man_MANS += utilities/ovs-vmq-sim.1

## ------------------------------- ##
## Watching, recording and drawing ##
## ------------------------------- ##

dist_bin_SCRIPTS += \
	utilities/ovs-vmq-exporter \
	utilities/ovs-vmq-plot \
	utilities/ovs-vmq-record \
	utilities/ovs-vmq-top
dist_pkgdata_DATA += \
	utilities/ovs-vmq-alerts.yml \
	utilities/ovs-vmq-dashboard.json \
	utilities/ovs_vmq.py
dist_man_MANS += \
	utilities/ovs-vmq-exporter.8 \
	utilities/ovs-vmq-plot.1 \
	utilities/ovs-vmq-record.8 \
	utilities/ovs-vmq-top.8

# They find ovs_vmq.py from where they are, wherever that is moved, unless it was
# installed to another place than usual.
NEED_OVS_VMQ_PY = ovs-vmq-exporter ovs-vmq-record ovs-vmq-top
install-exec-hook:
	test '$(bindir) $(datadir)' = '$(prefix)/bin $(prefix)/share' \
	|| for command in $(NEED_OVS_VMQ_PY); do \
	  $(SED) -i 's|"../share/openvswitch-vmq"|"$(pkgdatadir)"|' \
	    '$(DESTDIR)$(bindir)'/$$command || exit 1; \
	done

# bash looks for a file that is called as the command.
bashcompdir = $(datadir)/bash-completion/completions
EXTRA_DIST += utilities/ovs-vmq-completion.bash
COMPLETED = ovs-vmq-exporter ovs-vmq-plot ovs-vmq-record ovs-vmq-sim \
	ovs-vmq-top
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(bashcompdir)'
	for command in $(COMPLETED); do \
	  $(INSTALL_DATA) $(srcdir)/utilities/ovs-vmq-completion.bash \
	    '$(DESTDIR)$(bashcompdir)'/$$command; \
	done
uninstall-local:
	cd '$(DESTDIR)$(bashcompdir)' && rm -f $(COMPLETED)

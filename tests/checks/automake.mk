# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	tests/checks/check-counts \
	tests/checks/check-inputs \
	tests/checks/check-judge \
	tests/checks/check-metrics \
	tests/checks/check-package \
	tests/checks/check-sched \
	tests/checks/check-sim \
	tests/checks/check-tools \
	tests/checks/check-tutorial \
	tests/checks/check-walls \
	tests/checks/vmq-show.json

# Half of it is skipped without python3-prometheus-client and others.
check-inputs: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ inputs $(srcdir)/tests/checks/check-inputs
	@$(RUN_CHECK) --end $@

# Without python3-prometheus-client, skipped.
check-metrics: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' \
	  $(RUN_CHECK) $@ metrics \
	    $(srcdir)/tests/checks/check-metrics $(abs_builddir)
	@$(RUN_CHECK) --end $@

# Packages, and a Debian root to try them in: not a part of "check", since it
# takes root and downloads much.
check-package: dist
	@$(RUN_CHECK) --begin $@
	@$(RUN_CHECK) $@ package $(BASH) $(srcdir)/tests/checks/check-package \
	  $(distdir).tar.xz rhel/openvswitch-vmq.spec $(abs_builddir)/package
	@$(RUN_CHECK) --end $@

check-tutorial: ovs
	@$(RUN_CHECK) --begin $@
	@OVS_TREE='$(OVS_TREE_DIR)' VMQ_BUILDDIR='$(abs_builddir)' \
	  $(RUN_CHECK) $@ tutorial $(srcdir)/tests/checks/check-tutorial
	@$(RUN_CHECK) --end $@
.PHONY: check-inputs check-metrics check-package check-tutorial

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	build-aux/check-docs \
	build-aux/check-layers \
	build-aux/check-names \
	build-aux/check-static \
	build-aux/check-style \
	build-aux/check-warnings \
	build-aux/coverage-report \
	build-aux/cppcheck.supp \
	build-aux/layers \
	build-aux/ovs-root \
	build-aux/ovs-sanitized \
	build-aux/ovs-source \
	build-aux/ovs-tests \
	build-aux/ovs-tree \
	build-aux/run-check

# The documentation of the settings, from their table.
noinst_PROGRAMS += build-aux/vmq-docs
build_aux_vmq_docs_SOURCES = build-aux/vmq-docs.c
build_aux_vmq_docs_LDADD = lib/libvmq.la

# The Open vSwitch tree and the build in it.  With SERIES=4.0 and the like it
# is of another series than OVS_SOURCE, in a tree of its own, and without DPDK:
# this system has the one of its own series only.
SERIES =
SERIES_SOURCE = $(if $(SERIES),$(abs_builddir)/ovs-source-$(SERIES),$(OVS_SOURCE))
OVS_TREE_DIR = $(abs_builddir)/ovs-tree$(SERIES:%=-%)
OVS_TREE = $(srcdir)/build-aux/ovs-tree \
	--source='$(SERIES_SOURCE)' --tree='$(OVS_TREE_DIR)'
if HAVE_DPDK
OVS_DPDK = $(if $(SERIES),,--with-dpdk=shared)
else
OVS_DPDK =
endif

ovs-tree: ovs-source
	@$(OVS_TREE) import

ovs-source:
	@$(if $(SERIES),$(BASH) $(srcdir)/build-aux/ovs-source \
	  '$(SERIES)' '$(SERIES_SOURCE)',:)

# Open vSwitch's make decides what must be compiled: ovs-tree touches only
# what differs.  The tarball's configure is used if this machine's automake
# made it too; make would want that very version to add our files.
# All processors, unless the user has said -j.
OVS_JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j`getconf _NPROCESSORS_ONLN`)
OVS_CONFIGURE = \
	automake=`$(AUTOMAKE) --version | $(SED) -n '1s/.* //p'` \
	  && { test -x configure && grep -q "automake $$automake " Makefile.in \
	       || ./boot.sh; } \
	  && { test -f config.status \
	       || ./configure -q $(OVS_DPDK) --prefix='$(prefix)' \
	            --sysconfdir='$(sysconfdir)' \
	            --localstatedir='$(localstatedir)' \
	            CC='$(CC)' CFLAGS='$(OVS_CFLAGS)' \
	            CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)'; }
ovs: ovs-tree
	@cd $(OVS_TREE_DIR) && $(OVS_CONFIGURE) \
	  && $(MAKE) --no-print-directory $(OVS_JOBS) V=0

# The same Open vSwitch without our files and patches, to compare with.
OVS_STOCK_DIR = $(abs_builddir)/ovs-stock$(SERIES:%=-%)
ovs-stock: ovs-source
	@$(OVS_TREE) stock '$(OVS_STOCK_DIR)'
	@cd $(OVS_STOCK_DIR) && $(OVS_CONFIGURE) \
	  && $(MAKE) --no-print-directory $(OVS_JOBS) V=0

patch-refresh:
	@$(OVS_TREE) export

# Onto the source of another release or series, the tree of which is $(SERIES).
patch-rebase:
	@$(srcdir)/build-aux/ovs-tree --source='$(OVS_SOURCE)' \
	  --tree='$(OVS_TREE_DIR)' rebase

.PHONY: ovs-source ovs-tree ovs ovs-stock patch-refresh patch-rebase

# The git checks are Open vSwitch's own, see its Makefile.am.
dist-hook-git: distfiles
	@if test -e $(srcdir)/.git && (git --version) >/dev/null 2>&1; then \
	  (cd $(srcdir) && git ls-files) | grep -v -e '\.gitignore$$' -e '^patches/ovs-' | \
	    LC_ALL=C sort -u > all-gitfiles; \
	  LC_ALL=C comm -1 -3 distfiles all-gitfiles > missing-distfiles; \
	  if test -s missing-distfiles; then \
	    echo "The following files are in git but not the distribution:"; \
	    cat missing-distfiles; \
	    exit 1; \
	  fi; \
	fi
# The following is based on commands for the Automake "distdir" target.
distfiles: Makefile
	@srcdirstrip=`echo "$(srcdir)" | sed 's/[].[^$$\\*]/\\\\&/g'`; \
	topsrcdirstrip=`echo "$(top_srcdir)" | sed 's/[].[^$$\\*]/\\\\&/g'`; \
	list='$(DISTFILES)'; \
	for file in $$list; do echo $$file; done | \
	  sed -e "s|^$$srcdirstrip/||;t" \
	      -e "s|^$$topsrcdirstrip/|$(top_builddir)/|;t" | \
	  LC_ALL=C sort -u > $@
CLEANFILES += all-gitfiles distfiles missing-distfiles
.PHONY: dist-hook-git

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# The patches need no list here: the series is the list.
EXTRA_DIST += patches/README.rst
dist-hook:
	$(MKDIR_P) $(distdir)/patches/ovs-3.1
	cd $(srcdir)/patches/ovs-3.1 \
	  && cp series `sed 's/#.*//' series` $(abs_distdir)/patches/ovs-3.1

# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# The patches need no list here: the series is the list.
EXTRA_DIST += \
	patches/README.rst \
	patches/ovs-3.1/series
dist-hook:
	for p in `sed 's/#.*//' $(srcdir)/patches/ovs-3.1/series`; do \
	  cp $(srcdir)/patches/ovs-3.1/$$p $(distdir)/patches/ovs-3.1 || exit 1; \
	done

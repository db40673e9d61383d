# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

# The patches need no list here: the series is the list.
PATCH_SERIES = 3.1 3.5 4.0
EXTRA_DIST += \
	patches/README.rst \
	patches/ovs-3.1/series \
	patches/ovs-3.5/series \
	patches/ovs-4.0/series
dist-hook:
	for s in $(PATCH_SERIES:%=ovs-%); do \
	  for p in `sed 's/#.*//' $(srcdir)/patches/$$s/series`; do \
	    cp $(srcdir)/patches/$$s/$$p $(distdir)/patches/$$s/$$p || exit 1; \
	  done; \
	done

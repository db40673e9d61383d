# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/openvswitch-switch-vmq.README.Debian \
	debian/openvswitch-switch-vmq.docs \
	debian/openvswitch-switch-vmq.lintian-overrides \
	debian/openvswitch-switch-vmq.postinst \
	debian/openvswitch-switch-vmq.prerm \
	debian/rules \
	debian/source/format \
	debian/source/lintian-overrides

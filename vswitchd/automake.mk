# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

OVS_OVERLAY += \
	vswitchd/vmq-iface.c \
	vswitchd/vmq-iface.h

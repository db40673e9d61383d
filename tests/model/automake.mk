# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	tests/model/run-model \
	tests/model/vmq-handoff.pml

# Without Spin, skipped.
check-model:
	@$(RUN_CHECK) --begin $@
	@CC='$(CC)' $(RUN_CHECK) $@ model $(srcdir)/tests/model/run-model
	@$(RUN_CHECK) --end $@
.PHONY: check-model

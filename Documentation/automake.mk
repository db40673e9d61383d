# Copying and distribution of this file, with or without modification,
# are permitted in any medium without royalty provided the copyright
# notice and this notice are preserved.  This file is offered as-is,
# without warranty of any kind.

EXTRA_DIST += \
	Documentation/conf.py \
	Documentation/index.rst \
	Documentation/vmq-algorithm.rst \
	Documentation/vmq-commands.rst \
	Documentation/vmq-fleet.rst \
	Documentation/vmq-handoff.rst \
	Documentation/vmq-operators.rst \
	Documentation/vmq-security.rst \
	Documentation/vmq-simulation.rst \
	Documentation/vmq-top-200x50.txt \
	Documentation/vmq-top.rst \
	Documentation/vmq-tutorial.rst \
	Documentation/vmq-burst-a-load.png \
	Documentation/vmq-demo.png \
	Documentation/vmq-demo.svg \
	Documentation/vmq-week-a-frontier.png \
	Documentation/vmq-week-a-heatmap.png \
	Documentation/vmq-week-a-load.png

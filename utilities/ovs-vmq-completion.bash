# Copyright (c) 2026 The Open vSwitch VMQ developers.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Completion of options and file names for bash.  (Open vSwitch's own
# completion of ovs-appctl asks the switch what commands there are, and so
# knows those of dynamic VMQ.)

_ovs_vmq() {
    local cur=$2

    COMPREPLY=()
    if [[ $cur == -* ]]; then
        # Each program knows its options.
        mapfile -t COMPREPLY < <(
            compgen -W "$("$1" --help 2>/dev/null \
                          | grep -Eo -- '(^|[ ,[|])--[a-z-]+' \
                          | tr -d ' ,[|' | sort -u)" -- "$cur")
    fi
}
complete -o bashdefault -o default -F _ovs_vmq \
    ovs-vmq-exporter ovs-vmq-plot ovs-vmq-record ovs-vmq-sim ovs-vmq-top

# shellcheck shell=sh
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

# A switch of one's own: ovsdb-server and ovs-vswitchd with everything they
# write in one temporary directory, in a network namespace of their own, so
# that another Open vSwitch on this machine, its database and its interfaces
# do not notice.  To be sourced by a POSIX shell:
#
#     . tests/lab/vmq-switch.sh
#     trap vmq_switch_stop EXIT
#     trap 'exit 130' INT; trap 'exit 143' TERM HUP
#     vmq_switch_start --tree=DIR --dpdk --hugepages=auto
#     ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev
#
# After vmq_switch_start the ovs-* commands in PATH are those of the tree and
# talk to this switch, and these are set and exported:
#
#     VMQ_DIR            the temporary directory
#     VMQ_VSWITCHD_PID   process id of ovs-vswitchd
#     VMQ_OVSDB_PID      process id of ovsdb-server
#     VMQ_HUGEPAGES      yes or no
#     VMQ_DPDK_EXTRA     other_config:dpdk-extra of the switch
#     VMQ_PEER_EAL       EAL options for a virtio-user peer of its ports
#
# A process is stopped by its id, and asked first.  The number of hugepages
# that were added is taken away again: a difference, not a saved value, so that
# several users may come and go in any order.

VMQ_DIR=
VMQ_VSWITCHD_PID=
VMQ_OVSDB_PID=
VMQ_HUGEPAGES=no
VMQ_DPDK_EXTRA=
VMQ_PEER_EAL=
vmq_hugepages_added=0
vmq_path=$PATH

vmq_die() {
    printf 'vmq-switch: %s\n' "$*" >&2
    return 1
}

# Runs until PID is alive no more, or fails after TENTHS of a second.  A zombie
# is not alive.
vmq_wait_exit() {           # PID TENTHS
    vmq_left=$2
    while vmq_alive "$1"; do
        [ "$vmq_left" -gt 0 ] || return 1
        vmq_left=$((vmq_left - 1))
        sleep 0.1
    done
}

vmq_alive() {               # PID
    case $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) in
    '' | Z | X) return 1 ;;
    esac
}

# Asks PID to end, after 5 seconds makes it.
vmq_kill() {                # PID
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null || :
    vmq_wait_exit "$1" 50 || kill -KILL "$1" 2>/dev/null || :
    wait "$1" 2>/dev/null || :
}

## --------- ##
## Hugepages ##
## --------- ##

vmq_hugepages_file() {
    if grep -q '^Hugepagesize: *2048 kB' /proc/meminfo; then
        echo /proc/sys/vm/nr_hugepages
    else
        echo /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
    fi
}

# Adds PAGES of 2 MB (default: 1024) to the machine's hugepages.  MODE is
# "yes" (fail if they cannot be had), "no", or "auto" (do without).
vmq_hugepages_acquire() {   # MODE [PAGES]
    vmq_pages=${2:-1024}
    VMQ_HUGEPAGES=no
    if [ "$1" != no ]; then
        vmq_file=$(vmq_hugepages_file)
        vmq_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
        # Half of the memory is not ours to take.
        if [ -w "$vmq_file" ] && [ $((vmq_pages * 4096)) -lt "$vmq_kb" ]; then
            vmq_before=$(cat "$vmq_file")
            vmq_hugepages_added=$vmq_pages
            { echo $((vmq_before + vmq_pages)) > "$vmq_file"; } 2>/dev/null
            vmq_hugepages_added=$(($(cat "$vmq_file") - vmq_before))
            if [ "$vmq_hugepages_added" -ge "$vmq_pages" ]; then
                VMQ_HUGEPAGES=yes
            else
                vmq_hugepages_release
            fi
        fi
        if [ "$1" = yes ] && [ $VMQ_HUGEPAGES = no ]; then
            vmq_die "$vmq_pages hugepages of 2 MB cannot be had"
            return 1
        fi
    fi
    if [ $VMQ_HUGEPAGES = yes ]; then
        VMQ_DPDK_EXTRA="--no-pci --in-memory"
        VMQ_PEER_EAL="--no-pci --in-memory --single-file-segments"
    else
        # --legacy-mem keeps Open vSwitch from adding --in-memory, which DPDK
        # refuses together with --no-huge.
        VMQ_DPDK_EXTRA="--no-pci --no-huge --legacy-mem -m 1024"
        VMQ_PEER_EAL="--no-pci --no-huge -m 192"
    fi
}

# To be called after the users of the pages are gone.
vmq_hugepages_release() {
    if [ "$vmq_hugepages_added" -gt 0 ]; then
        vmq_file=$(vmq_hugepages_file)
        vmq_now=$(($(cat "$vmq_file") - vmq_hugepages_added))
        [ $vmq_now -ge 0 ] || vmq_now=0
        { echo $vmq_now > "$vmq_file"; } 2>/dev/null
        vmq_hugepages_added=0
    fi
}

## ---------- ##
## The switch ##
## ---------- ##

# Runs a command in a network namespace of its own, where that is allowed.
# The command takes the place of the shell: $! is its process id.
vmq_netns() {               # COMMAND...
    if unshare --net true 2>/dev/null; then
        vmq_unshare='unshare --net'
    elif unshare --map-root-user --net true 2>/dev/null; then
        vmq_unshare='unshare --map-root-user --net'
    else
        vmq_unshare=
    fi
    # shellcheck disable=SC2016
    exec $vmq_unshare sh -c \
        '[ -z "$0" ] || ip link set lo up; exec "$@"' "$vmq_unshare" "$@"
}

# Starts ovsdb-server, for vmq_switch_start or again after it has ended.
vmq_ovsdb_start() {
    rm -f "$VMQ_DIR/db.sock"
    # Started in the background, both ignore the terminal's Ctrl-C: they end
    # when vmq_switch_stop says so.
    ovsdb-server "$VMQ_DIR/conf.db" --pidfile --log-file -vconsole:off \
        --remote="punix:$VMQ_DIR/db.sock" \
        < /dev/null >> "$VMQ_DIR/ovsdb-server.out" 2>&1 &
    VMQ_OVSDB_PID=$!
    vmq_left=100
    until [ -S "$VMQ_DIR/db.sock" ]; do
        vmq_left=$((vmq_left - 1))
        [ $vmq_left -gt 0 ] && vmq_alive $VMQ_OVSDB_PID \
            || { vmq_die "ovsdb-server does not start"; return 1; }
        sleep 0.1
    done
}

# Starts ovs-vswitchd with ARGs, for vmq_switch_start or again after it has
# ended.
vmq_vswitchd_start() {      # ARG...
    # shellcheck disable=SC2086
    vmq_netns $vmq_under ovs-vswitchd "unix:$VMQ_DIR/db.sock" \
        --pidfile --log-file -vconsole:off "$@" \
        < /dev/null >> "$VMQ_DIR/ovs-vswitchd.out" 2>&1 &
    VMQ_VSWITCHD_PID=$!
    export VMQ_OVSDB_PID VMQ_VSWITCHD_PID \
           VMQ_HUGEPAGES VMQ_DPDK_EXTRA VMQ_PEER_EAL
    # DPDK without hugepages clears its memory first, which takes seconds.
    vmq_left=600
    until ovs-appctl --timeout=5 -t ovs-vswitchd version > /dev/null 2>&1 \
        && ovs-vsctl --timeout=5 --bare get Open_vSwitch . cur_cfg \
           > /dev/null 2>&1 \
        && { [ "$vmq_dpdk" = no ] \
             || [ "$(ovs-vsctl get Open_vSwitch . dpdk_initialized)" \
                  = true ]; }; do
        vmq_left=$((vmq_left - 1))
        if [ $vmq_left -le 0 ] || ! vmq_alive $VMQ_VSWITCHD_PID; then
            tail -n 20 "$VMQ_DIR/ovs-vswitchd.log" \
                "$VMQ_DIR/ovs-vswitchd.out" >&2
            vmq_die "ovs-vswitchd does not start"
            return 1
        fi
        sleep 0.1
    done
}

# Options:
#   --tree=DIR               built Open vSwitch (default: $OVS_TREE)
#   --dir=DIR                instead of a new directory in $TMPDIR
#   --dpdk                   dpdk-init=true
#   --hugepages=auto|yes|no  with --dpdk (default: auto)
#   --set=KEY=VALUE          Open_vSwitch other_config, before the start
#   --under=COMMAND          run ovs-vswitchd under it: "valgrind -q"
#   -- ARG...                the rest goes to ovs-vswitchd
vmq_switch_start() {
    vmq_tree=${OVS_TREE:-}
    vmq_dir=
    vmq_dpdk=no
    vmq_mode=auto
    vmq_settings=
    vmq_under=
    while [ $# -gt 0 ]; do
        case $1 in
        --tree=*) vmq_tree=${1#*=} ;;
        --dir=*) vmq_dir=${1#*=} ;;
        --dpdk) vmq_dpdk=yes ;;
        --hugepages=*) vmq_mode=${1#*=} ;;
        --set=*) vmq_settings="$vmq_settings other_config:${1#*=}" ;;
        --under=*) vmq_under=${1#*=} ;;
        --) shift; break ;;
        *) vmq_die "$1: no such option"; return 1 ;;
        esac
        shift
    done
    [ -x "$vmq_tree/vswitchd/ovs-vswitchd" ] \
        || { vmq_die "$vmq_tree: no ovs-vswitchd is built there"; return 1; }

    if [ -n "$vmq_dir" ]; then
        vmq_made_dir=no
        mkdir -p "$vmq_dir" || return 1
        VMQ_DIR=$vmq_dir
    else
        vmq_made_dir=yes
        VMQ_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vmq.XXXXXX") || return 1
    fi
    OVS_RUNDIR=$VMQ_DIR
    OVS_LOGDIR=$VMQ_DIR
    OVS_DBDIR=$VMQ_DIR
    OVS_SYSCONFDIR=$VMQ_DIR
    OVS_PKGDATADIR=$vmq_tree/vswitchd
    PATH=$vmq_tree/utilities:$vmq_tree/vswitchd:$vmq_tree/ovsdb:$vmq_path
    # DPDK locks and leaves files in /var/run/dpdk unless it has this.
    RUNTIME_DIRECTORY=$VMQ_DIR
    export VMQ_DIR OVS_RUNDIR OVS_LOGDIR OVS_DBDIR OVS_SYSCONFDIR \
           OVS_PKGDATADIR PATH RUNTIME_DIRECTORY

    ovsdb-tool create "$VMQ_DIR/conf.db" \
        "$vmq_tree/vswitchd/vswitch.ovsschema" || return 1
    vmq_ovsdb_start || return 1
    ovs-vsctl --no-wait --timeout=10 init || return 1

    if [ $vmq_dpdk = yes ]; then
        vmq_hugepages_acquire "$vmq_mode" || return 1
        # The quotes keep ovs-vsctl from reading a list.
        ovs-vsctl --no-wait set Open_vSwitch . \
            other_config:dpdk-init=true \
            "other_config:dpdk-extra=\"$VMQ_DPDK_EXTRA\"" || return 1
    fi
    # shellcheck disable=SC2086
    [ -z "$vmq_settings" ] \
        || ovs-vsctl --no-wait set Open_vSwitch . $vmq_settings || return 1
    vmq_vswitchd_start "$@"
}

# Stops what runs, removes what was made.  May be called at any time, also
# twice, also halfway through a start.
vmq_switch_stop() {
    if [ -n "$VMQ_VSWITCHD_PID" ]; then
        ovs-appctl --timeout=5 -t ovs-vswitchd exit --cleanup \
            > /dev/null 2>&1 || :
        vmq_wait_exit "$VMQ_VSWITCHD_PID" 50 || :
        vmq_kill "$VMQ_VSWITCHD_PID"
        VMQ_VSWITCHD_PID=
    fi
    vmq_kill "$VMQ_OVSDB_PID"
    VMQ_OVSDB_PID=
    vmq_hugepages_release
    if [ -n "$VMQ_DIR" ] && [ "$vmq_made_dir" = yes ]; then
        rm -rf "$VMQ_DIR"
    fi
    VMQ_DIR=
    PATH=$vmq_path
}

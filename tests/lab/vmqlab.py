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

"""A switch of one's own and traffic for it, for programs in the
directories next to this.

See tests/lab/vmq-switch.sh and vmq-traffic(8), which do the work.  To run on a
machine with fewer CPUs than PMDs, --dummy-numa has Open vSwitch believe in as
many CPUs as needed.  It then cannot pin the PMD threads, so Switch places them
(see there)."""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import time

SRCDIR = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

NICE = -15                      # Of the switch and of the generator.

TICKS_PER_S = os.sysconf("SC_CLK_TCK")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Errors in the logs that do not count, each with its reason.
LOG_ALLOWED = (
    # The peer closes its end of the vhost-user socket when it stops.
    r"dpdk\|ERR\|VHOST_CONFIG: \(\S+\.sock\) "
    r"(recvmsg failed|vhost read message failed)",
)

# Runs a switch until its standard input is closed, by whatever end of this
# program: $0 is tests/lab/vmq-switch.sh, the arguments are vmq_switch_start's.
# Says the process ids of ovs-vswitchd and ovsdb-server and whether there are
# hugepages, and then does what it is told: "wait" for ovs-vswitchd and say its
# exit status, start "vswitchd" with these arguments, or start "ovsdb".
SWITCH_SH = """
. "$0"
trap vmq_switch_stop EXIT
trap 'exit 143' HUP INT TERM
vmq_switch_start "$@" >&2 || exit 1
echo "$VMQ_VSWITCHD_PID $VMQ_OVSDB_PID $VMQ_HUGEPAGES"
while read -r command args; do
    case $command in
    wait)
        wait "$VMQ_VSWITCHD_PID" 2> /dev/null && status=0 || status=$?
        VMQ_VSWITCHD_PID=
        echo "$status"
        ;;
    vswitchd)
        vmq_vswitchd_start $args >&2 || exit 1
        echo "$VMQ_VSWITCHD_PID"
        ;;
    ovsdb)
        vmq_ovsdb_start >&2 || exit 1
        echo "$VMQ_OVSDB_PID"
        ;;
    esac
done
"""


class Error(Exception):
    """The program cannot go on."""


class Signaled(BaseException):
    """Somebody wants the program to end."""

    def __init__(self, signr):
        super().__init__(signr)
        self.signr = signr


def raise_signaled(signr, _):
    raise Signaled(signr)


def catch_signals():
    """Has Signaled raised when somebody wants the program to end."""
    for signr in SIGNALS:
        signal.signal(signr, raise_signaled)


def ignore_signals():
    """From now on nothing stops the cleanup."""
    for signr in SIGNALS:
        signal.signal(signr, signal.SIG_IGN)


def add_options(parser):
    """Adds the options that say where things are."""
    builddir = os.environ.get("VMQ_BUILDDIR", SRCDIR)
    parser.add_argument("--tree", metavar="DIR",
                        default=os.environ.get(
                            "OVS_TREE", os.path.join(builddir, "ovs-tree")),
                        help="Open vSwitch with VMQ, built there "
                        "(default: %(default)s)")
    parser.add_argument("--traffic", metavar="FILE",
                        default=os.path.join(builddir,
                                             "tests/lab/vmq-traffic"),
                        help="vmq-traffic (default: %(default)s)")
    parser.add_argument("--hugepages", choices=("auto", "yes", "no"),
                        default="auto",
                        help="use hugepages (default: if they can be had)")
    parser.add_argument("--set", metavar="KEY=VALUE", type=key_value,
                        action="append", default=[],
                        help="other_config of the switch, e.g. "
                        "pmd-vmq-coalesce-hold=3000 (repeat)")
    parser.add_argument("--keep", action="store_true",
                        help="keep the directory with logs and database")


def check_options(parser, options, traffic=True):
    """Brings the options of add_options() into shape, or exits if there is no
    switch or, as it is needed, no 'traffic'."""
    options.tree = os.path.abspath(options.tree)
    options.traffic = os.path.abspath(options.traffic)
    for path in [os.path.join(options.tree, "vswitchd/ovs-vswitchd")] + (
            [options.traffic] if traffic else []):
        if not os.access(path, os.X_OK):
            parser.error(path + " is not built (it needs DPDK)")


def key_value(text):
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError("%r is not KEY=VALUE" % text)
    return key, value


def raise_priority(pid):
    """Has the threads of a process go before what else the machine does, and
    returns true, if that is allowed.  Each session is a group for the
    scheduler, which is what counts if there are autogroups."""
    try:
        with open("/proc/%d/autogroup" % pid, "w") as f:
            f.write(str(NICE))
        for tid in os.listdir("/proc/%d/task" % pid):
            os.setpriority(os.PRIO_PROCESS, int(tid), NICE)
        return True
    except OSError:
        return False


def ask_socket(path, request, timeout=30):
    """Sends 'request' to a Unix domain socket and returns the reply, both
    JSON-RPC or lines of text with a JSON object for reply."""
    with socket.socket(socket.AF_UNIX) as sock:
        deadline = time.monotonic() + timeout
        sock.settimeout(timeout)
        while True:
            try:
                sock.connect(path)
                break
            except BlockingIOError:
                # Too many others wait for the same, for which there is no
                # timeout.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        sock.sendall(request.encode())
        reply = b""
        while True:
            data = sock.recv(1 << 16)
            if not data:
                raise OSError("connection closed")
            reply += data
            try:
                return json.loads(reply)
            except ValueError:
                pass


class Daemons:
    """ovsdb-server and ovs-vswitchd, which end when this program does.

    Subclasses have appctl(), which does what ovs-appctl does."""

    def __init__(self, tree, directory):
        self.tree = tree
        self.dir = directory
        self.shell = None
        self.pid = None         # Of ovs-vswitchd.
        self.ovsdb_pid = None
        self.hugepages = None

    def start_daemons(self, args):
        """Starts both with arguments for vmq_switch_start."""
        # A Ctrl-C is for this program alone.
        self.shell = subprocess.Popen(
            ["sh", "-c", SWITCH_SH,
             os.path.join(SRCDIR, "tests/lab/vmq-switch.sh"),
             "--tree=" + self.tree, "--dir=" + self.dir] + args,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            universal_newlines=True, start_new_session=True)
        words = self.shell.stdout.readline().split()
        if len(words) != 3:
            raise Error("the switch does not start")
        self.pid = int(words[0])
        self.ovsdb_pid = int(words[1])
        self.hugepages = words[2] == "yes"

    def tell(self, command):
        """Has the shell do something, and returns what it says of it."""
        self.shell.stdin.write(command + "\n")
        self.shell.stdin.flush()
        line = self.shell.stdout.readline()
        if not line:
            raise Error("the switch does not do as told: " + command)
        return int(line)

    def control(self):
        return "%s/ovs-vswitchd.%d.ctl" % (self.dir, self.pid)

    def show(self):
        """Returns what vmq-show says of a moment since this was called.  What
        it knew before it says first, once."""
        self.appctl("dpif-netdev/vmq-show")
        return json.loads(self.appctl("dpif-netdev/vmq-show", "--json"))

    def stop(self):
        if self.shell:
            self.shell.stdin.close()
            self.shell.wait()
            self.shell.stdout.close()
            self.shell = None


class Switch(Daemons):
    """One with PMDs, of DPDK or of the dummy datapath."""

    def __init__(self, tree, directory, n_pmds, dpdk=True):
        super().__init__(tree, directory)
        self.dpdk = dpdk        # Otherwise, the dummy datapath.
        self.n_pmds = n_pmds
        self.placed = set()

    def start(self, hugepages, settings, under=None):
        """Starts the switch, as an argument of the command 'under' if there is
        one."""
        args = []
        if self.dpdk:
            args += ["--dpdk", "--hugepages=" + hugepages]
        args += ["--set=%s=%s" % item for item in settings.items()]
        if under:
            args += ["--under=" + under]
        args += ["--", "--dummy-numa=" + ",".join(["0"] * self.n_pmds)]
        if not self.dpdk:
            args += ["--enable-dummy", "--disable-system"]
        self.start_daemons(args)

    def run(self, program, *args):
        command = [os.path.join(self.tree, "utilities", program),
                   "--timeout=60"] + list(args)
        result = subprocess.run(command, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT,
                                universal_newlines=True)
        if result.returncode:
            raise Error("%s: %s" % (" ".join(command), result.stdout.strip()))
        return result.stdout

    def vsctl(self, *args):
        return self.run("ovs-vsctl", "--db=unix:%s/db.sock" % self.dir, *args)

    def add_bridge(self, ports):
        """Adds bridge br0 with 'ports': pairs of a name and settings of its
        Interface."""
        args = ["add-br", "br0", "--", "set", "Bridge", "br0",
                "datapath_type=" + ("netdev" if self.dpdk else "dummy"),
                "fail_mode=secure"]
        for name, settings in ports:
            args += ["--", "add-port", "br0", name,
                     "--", "set", "Interface", name] + list(settings)
        self.vsctl(*args)

    def vhost(self, name):
        """Returns the settings of a vhost-user port."""
        return ("type=dpdkvhostuserclient",
                "options:vhost-server-path=" + self.socket(name))

    def add_flow(self, flow):
        self.run("ovs-ofctl", "add-flow", "unix:%s/br0.mgmt" % self.dir, flow)

    def socket(self, port):
        return os.path.join(self.dir, port + ".sock")

    def appctl(self, command, *args):
        """What ovs-appctl does, without a process."""
        request = {"id": 0, "method": command, "params": args}
        try:
            reply = ask_socket(self.control(), json.dumps(request))
        except OSError as e:
            raise Error("ovs-vswitchd does not answer: %s" % e) from e
        if reply["error"] is not None:
            raise Error("%s: %s" % (command, reply["error"].strip()))
        return reply["result"]

    def history(self, n):
        return json.loads(self.appctl("dpif-netdev/vmq-history", "--json",
                                      str(n)))

    def threads(self, pattern):
        """Returns the threads whose name matches 'pattern', by id: what has
        matched."""
        threads = {}
        task = "/proc/%d/task" % self.pid
        for tid in os.listdir(task):
            try:
                with open("%s/%s/comm" % (task, tid)) as f:
                    match = re.match(pattern, f.read())
            except OSError:
                continue        # The thread has just ended.
            if match:
                threads[int(tid)] = match
        return threads

    def pmd_threads(self):
        """Returns the thread id of the PMD of each core."""
        return {int(match.group(1)): tid for tid, match
                in self.threads(r"pmd-c(\d+)/").items()}

    def place_threads(self):
        """Gives threads that are new a place to run.

        DPDK has pinned them all to one CPU, and Open vSwitch could not pin the
        PMDs.  If there are enough CPUs, each PMD has one to itself, otherwise
        they share all of them."""
        threads = self.pmd_threads()
        if set(threads.values()) == self.placed:
            return
        self.placed = set(threads.values())
        raise_priority(self.pid)
        cpus = sorted(os.sched_getaffinity(0))
        for tid in map(int, os.listdir("/proc/%d/task" % self.pid)):
            try:
                os.sched_setaffinity(tid, cpus)
            except OSError:
                pass            # It has just ended.
        if len(cpus) > self.n_pmds:
            for i, core in enumerate(sorted(threads)):
                os.sched_setaffinity(threads[core], {cpus[i + 1]})

    def pmd_cpu_time(self):
        """Returns the CPU time of the PMD of each core, in seconds."""
        times = {}
        for core, tid in self.pmd_threads().items():
            with open("/proc/%d/task/%d/stat" % (self.pid, tid)) as f:
                fields = f.read().rpartition(")")[2].split()
            times[core] = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        return times

    def log_errors(self):
        """Returns the lines of the logs that should not be there."""
        errors = []
        for name in sorted(os.listdir(self.dir)):
            if name.endswith(".log"):
                bad = re.compile(r"\|(ERR|EMER)\||assert", re.I)
            elif name.endswith(".out"):
                bad = re.compile(r"assert|panic|EAL: FATAL", re.I)
            else:
                continue
            with open(os.path.join(self.dir, name), errors="replace") as f:
                errors += ["%s: %s" % (name, line.strip()) for line in f
                           if bad.search(line)
                           and not any(re.search(allowed, line)
                                       for allowed in LOG_ALLOWED)]
        return errors


class Traffic:
    """vmq-traffic at the vhost-user ports 'ports' of 'switch': pairs of name
    and number of queues, the last of which receives."""

    def __init__(self, program, switch, ports):
        self.program = program
        self.switch = switch
        self.ports = [name for name, _ in ports]
        self.queues = dict(ports)
        self.control = os.path.join(switch.dir, "traffic.sock")
        self.report = os.path.join(switch.dir, "traffic.json")
        self.process = None
        self.pps = {}           # By sender: a pair of port and queue.

    def start(self, seconds, *args):
        """Starts to send, nothing at first, for at most 'seconds', lest it go
        on forever if this program is killed.  Returns whether it has the
        priority that it should have."""
        command = [self.program, "--control=" + self.control,
                   "--json=" + self.report, "--wait-link=60", "--period=500",
                   "--duration=%d" % seconds,
                   "--huge" if self.switch.hugepages else "--no-huge"]
        command += ["--socket=%s,queues=%d" % (self.switch.socket(name),
                                               queues)
                    for name, queues in self.queues.items()]
        command += args
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) > self.switch.n_pmds + 1:
            command += ["--core=%d" % cpus[self.switch.n_pmds + 1]]
        with open(os.path.join(self.switch.dir, "traffic.err"), "w") as f:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                start_new_session=True,
                env=dict(os.environ, RUNTIME_DIRECTORY=self.switch.dir))
        while True:
            time.sleep(0.2)
            self.check()
            try:
                if self.stats()["phase"] == "run":
                    break
            except OSError:
                pass            # Not listening yet.

        return raise_priority(self.process.pid)

    def check(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.switch.dir, "traffic.err")) as f:
                raise Error("vmq-traffic has ended: " + f.read().strip())

    def stop(self):
        """Ends the traffic; returns its report, if there is one."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        try:
            with open(self.report) as f:
                return json.load(f)
        except (OSError, ValueError):
            return None

    def ask(self, command):
        reply = ask_socket(self.control, command + "\n")
        if "error" in reply:
            raise Error("vmq-traffic: " + reply["error"])
        return reply

    def stats(self):
        return self.ask("stats")

    def set_rate(self, sender, pps, flows):
        self.ask("rate %d/%d %.1f %d" % (self.ports.index(sender[0]),
                                         sender[1], pps, flows))
        self.pps[sender] = pps

    def offered(self):
        return sum(self.pps.values())

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

"""What vmq-soak and vmq-chaos have in common, which move queues of a switch
while all else changes, and then judge it.

Switch is the one under test, Driver moves its queues and looks at what it
says of them, Peer is a process of vmq-traffic."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(sys.path[0], "../lab"))

from vmqlab import SRCDIR, Daemons  # noqa: E402
from vmqlab import Error as Failure, catch_signals  # noqa: E402

N_CORES = 4                     # PMDs, if the mask allows all of them.

# When a packet counts as lost, and a command as hanging.  A sanitizer and a
# machine that does other things make everything take tens of times longer.
PATIENCE_S = 120


def alive(pid):
    """Whether process 'pid' is there, and not only its exit status."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_end(pid):
    deadline = time.monotonic() + PATIENCE_S
    while alive(pid):
        if time.monotonic() > deadline:
            raise Failure("process %d does not end" % pid)
        time.sleep(0.02)


class Connection:
    """Talks JSON-RPC to ovs-vswitchd without waiting for the reply."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        try:
            self.sock.connect(path)
        except OSError as e:
            raise Failure("%s: %s" % (path, e))
        self.text = ""
        self.waiting = []       # Requests without reply: what, since when.
        self.decoder = json.JSONDecoder()

    def request(self, method, *args):
        request = {"id": 0, "method": method, "params": [str(a) for a in args]}
        self.sock.settimeout(PATIENCE_S)
        try:
            self.sock.sendall(json.dumps(request).encode())
        except OSError as e:
            raise Failure("cannot ask for %s: %s" % (method, e))
        self.waiting.append((method, time.monotonic()))

    def replies(self, wait=False):
        """Returns the replies that have come, each as (error, result)."""
        replies = []
        while self.waiting:
            try:
                reply, end = self.decoder.raw_decode(self.text)
                self.text = self.text[end:].lstrip()
                replies.append((reply.get("error"), reply.get("result")))
                self.waiting.pop(0)
                continue
            except ValueError:
                pass
            try:
                self.sock.settimeout(PATIENCE_S if wait else 0)
                data = self.sock.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError as e:
                raise Failure("no reply to %s: %s" % (self.waiting[0][0], e))
            if not data:
                raise Failure("no reply to %s: connection closed"
                              % self.waiting[0][0])
            self.text += data.decode()
        if self.waiting and time.monotonic() > self.waiting[0][1] + PATIENCE_S:
            raise Failure("no reply to %s" % self.waiting[0][0])
        return replies

    def close(self):
        self.sock.close()


class Switch(Daemons):
    """One to be asked without waiting for the reply."""

    def __init__(self, tree, directory):
        super().__init__(tree, directory)
        self.connection = None

    def start(self, args):
        self.start_daemons(args)
        self.connection = self.connect()

    def connect(self):
        return Connection(self.control())

    def alive(self):
        return alive(self.pid)

    def exit(self):
        """Has ovs-vswitchd exit.  Returns its exit status."""
        self.connection.request("exit", "--cleanup")
        self.connection.replies(wait=True)
        return self.wait_exit()

    def wait_exit(self):
        """Returns the exit status of ovs-vswitchd, which is about to end."""
        wait_end(self.pid)
        self.connection.close()
        self.connection = None
        return self.tell("wait")

    def appctl(self, command, *args):
        self.connection.request(command, *args)
        (error, result), = self.connection.replies(wait=True)
        if error:
            raise Failure("%s: %s" % (command, error.strip()))
        return result

    def popen(self, program, *args):
        return subprocess.Popen(
            [os.path.join(self.tree, "utilities", program),
             "--timeout=%d" % PATIENCE_S] + list(args),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True,
            start_new_session=True)

    def vsctl(self, *args):
        return self.popen("ovs-vsctl", "--db=unix:%s/db.sock" % self.dir,
                          *args)

    def threads(self, pattern):
        """Returns the ids of the threads whose name matches."""
        task = "/proc/%d/task" % self.pid
        tids = []
        for tid in os.listdir(task):
            try:
                with open("%s/%s/comm" % (task, tid)) as f:
                    if re.match(pattern, f.read()):
                        tids.append(int(tid))
            except OSError:
                continue        # The thread has just ended.
        return tids


class Driver:
    """Moves queues, and judges what the switch says of them."""

    DROPS = ()                  # What packets must never be dropped for.

    # Lines of the log that are errors but do not count, each with its reason.
    LOG_ALLOWED = (
        # The peer closes its end of the vhost-user socket when it ends, or is
        # not there yet.
        r"dpdk\|ERR\|VHOST_CONFIG: \(\S+\) "
        r"(recvmsg failed|vhost read message failed|sendmsg (failed|error))",
        # The cores are made up.
        r"dpdk\|ERR\|Thread getaffinity failed",
    )

    def __init__(self, switch, options):
        self.switch = switch
        self.options = options
        self.move_rng = random.Random("moves %d" % options.seed)
        self.ports = {}         # Number of queues by name.
        self.pinned = {}        # Cores by port.
        self.mask = (1 << N_CORES) - 1
        self.on = True
        self.mover = None
        self.process = None     # The command that runs...
        self.then = None        # ...and what to do when it has ended.
        self.n_ops = {}
        self.n_batches = 0
        self.n_moved = 0
        self.refusals = {}      # Moves that were not made, by the reason.
        self.problems = []      # What has gone wrong, with which to go on.
        self.n_drops = {}       # As of the last check, by reason.
        self.placed = set()     # Threads that place_threads() has seen.
        self.log = open(os.path.join(switch.dir, "operations"), "w")
        self.start = time.monotonic()

    def note(self, text):
        self.log.write("%8.3f %s\n" % (time.monotonic() - self.start, text))
        self.log.flush()

    def problem(self, text):
        self.note("PROBLEM " + text)
        if len(self.problems) < 20:
            self.problems.append(text)

    # Moves.

    def moved(self, error, result):
        """Takes the reply to a batch."""
        if not error:
            self.n_moved += int(result.split()[0])
            return
        reason = re.sub(r"^port \S+ rx queue \d+: |^\d+ of \d+ ", "",
                        error.strip().split("\n")[0])
        reason = re.sub(r" on \S+ \(.*|\d+", "", reason)
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def run_mover(self):
        """Starts a batch of moves if none is under way."""
        if self.mover.waiting:
            for error, result in self.mover.replies():
                self.moved(error, result)
            return
        queues = [(name, qid) for name, n in sorted(self.ports.items())
                  if name not in self.pinned for qid in range(n)]
        rng = self.move_rng
        n = min(len(queues), rng.choice((1, 1, 2, 4, 8, 16)))
        isolated = {c for cores in self.pinned.values() for c in cores}
        # Once in a while there is something that cannot be done.
        cores = [c for c in range(N_CORES)
                 if self.mask & 1 << c and (c not in isolated
                                            or rng.random() < 0.02)]
        if not cores or (not self.on and rng.random() < 0.9):
            return
        to_one = rng.choice(cores) if rng.random() < 0.3 else None
        args = []
        for name, qid in rng.sample(queues, n):
            args += [name, qid,
                     rng.choice(cores) if to_one is None else to_one]
        if args:
            self.mover.request("dpif-netdev/vmq-move", *args)
            self.n_batches += 1

    # Commands.

    def begin(self, process, then=None):
        """Lets moves and packets go on while 'process' runs."""
        assert not self.process
        self.process, self.then = process, then

    def run_process(self):
        """Returns true if no command runs."""
        if self.process and self.process.poll() is not None:
            process, then = self.process, self.then
            self.process = self.then = None
            output = process.stdout.read()
            process.stdout.close()
            if process.returncode:
                raise Failure("%s: %s" % (" ".join(process.args),
                                          output.strip()))
            if then:
                then()
        return not self.process

    def vsctl(self, *args, then=None):
        self.begin(self.switch.vsctl(*args), then)

    # The loop.

    def step(self):
        if not self.switch.alive():
            raise Failure("ovs-vswitchd has ended")
        self.run_mover()
        self.traffic()
        idle = self.run_process()
        time.sleep(0.0005)
        return idle

    def go_on(self, seconds=0.0):
        """Goes on for some time, at least until no command runs."""
        end = time.monotonic() + seconds
        while not self.step() or time.monotonic() < end:
            pass

    # Checks.

    def settle(self):
        """Waits until no command runs and no moves are under way."""
        while self.process or self.mover.waiting:
            for error, result in self.mover.replies():
                self.moved(error, result)
            self.traffic(send=False)
            self.run_process()
            time.sleep(0.001)

    def check_queues(self):
        """Checks that each queue is polled by one PMD, as far as the switch
        knows, and that what is known in different places agrees."""
        self.note("check")
        self.settle()
        if self.pinned:
            self.unpin()
            self.settle()
        self.switch.appctl("dpif-netdev/vmq-pause")
        deadline = time.monotonic() + PATIENCE_S
        _, by_vmq = self.vmq_show()
        while True:
            before = by_vmq
            rxq_show = self.switch.appctl("dpif-netdev/pmd-rxq-show")
            show, by_vmq = self.vmq_show()
            # The ports of a peer that has just ended lose queues.
            if not show["totals"]["under_way"] and by_vmq == before:
                break
            if time.monotonic() > deadline:
                raise Failure("moves under way do not end")
            time.sleep(0.01)
        expected = {(name, qid) for name, n in self.ports.items()
                    for qid in range(n)}
        by_pmd = {}
        core = None
        for line in rxq_show.splitlines():
            match = re.match(r"pmd thread numa_id \d+ core_id (\d+):", line)
            if match:
                core = int(match.group(1))
            match = re.match(r"\s+port: (\S+)\s+queue-id:\s*(\d+)", line)
            if match:
                queue = match.group(1), int(match.group(2))
                if queue in by_pmd:
                    self.problem("%s/%d is polled by cores %d and %d"
                                 % (queue + (by_pmd[queue], core)))
                by_pmd[queue] = core
        if not self.complete(expected, set(by_vmq)):
            self.problem("queues are %s, not %s" % (sorted(by_vmq),
                                                    sorted(expected)))
        polled = {q: c for q, c in by_vmq.items() if c is not None}
        if by_pmd != polled:
            self.problem("vmq-show says %s, pmd-rxq-show %s" % (polled,
                                                                by_pmd))
        for queue, core in by_vmq.items():
            if core is None:
                self.problem("nobody polls %s/%d" % queue)
            elif not self.mask & 1 << core:
                self.problem("%s/%d is on core %d" % (queue + (core,)))
        for pmd in show["pmds"]:
            if pmd["parked"] == (pmd["core"] in by_pmd.values()):
                self.problem("core %d: parked is %s" % (pmd["core"],
                                                        pmd["parked"]))
        self.switch.appctl("dpif-netdev/vmq-resume")
        self.check_drops()
        return show

    def vmq_show(self):
        """Returns vmq-show, and by queue the core that polls it."""
        show = self.switch.show()
        return show, {(q["port"], q["queue"]): q["core"]
                      for q in show["rxqs"]}

    def complete(self, expected, found):
        return expected == found

    def finish_process(self):
        while not self.run_process():
            time.sleep(0.01)

    def add_args(self, ports):
        args = []
        for name, _ in ports:
            args += ["--", "add-port", "br0", name, "--", "set", "Interface",
                     name, "type=dpdkvhostuserclient",
                     "options:vhost-server-path=" + self.switch.socket(name)]
        return args

    def place_threads(self):
        """DPDK has pinned all threads to one CPU."""
        cpus = os.sched_getaffinity(0)
        for tid in os.listdir("/proc/%d/task" % self.switch.pid):
            if tid not in self.placed:
                try:
                    os.sched_setaffinity(int(tid), cpus)
                    self.placed.add(tid)
                except OSError:
                    pass        # It has just ended.

    def traffic(self, send=True):
        """To be called all the time."""

    def clean_up(self):
        """Ends what was started besides the switch."""

    def stop(self):
        """Ends everything, at any time."""
        self.clean_up()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.switch.stop()

    def read_drops(self, reason):
        return int(self.switch.appctl("coverage/read-counter",
                                      "datapath_drop_" + reason))

    def check_drops(self):
        """Checks that no PMD had to drop what it should have sent."""
        for name in self.DROPS:
            n = self.read_drops(name)
            if n != self.n_drops.get(name, 0):
                self.problem("dropped because of %s: %d packets" % (name, n))
            self.n_drops[name] = n

    def check_log(self):
        allowed = re.compile("|".join(self.LOG_ALLOWED))
        for name in "ovs-vswitchd.log", "ovsdb-server.log":
            path = os.path.join(self.switch.dir, name)
            with open(path, errors="replace") as f:
                for line in f:
                    if (re.search(r"\|(ERR|EMER)\||assertion", line)
                            and not allowed.search(line)):
                        self.problem("log: " + line.strip())

    def check_reports(self):
        for name in sorted(os.listdir(self.switch.dir)):
            path = os.path.join(self.switch.dir, name)
            if name.startswith("sanitizer") or name in ("ovs-vswitchd.out",
                                                        "ovsdb-server.out"):
                with open(path, errors="replace") as f:
                    text = f.read()
                for line in re.findall(r"^(?:SUMMARY: .*|.*runtime error.*)",
                                       text, re.M):
                    self.problem("%s: %s" % (name, line))
                if name.startswith("sanitizer") and "SUMMARY" not in text:
                    self.problem("%s: %s" % (name, text[:200]))


class Peer:
    """A process of vmq-traffic."""

    def __init__(self, soak, name, ports):
        self.soak = soak
        self.name = name
        self.ports = ports      # Names and numbers of queues, sink last.
        self.process = None
        self.strict = False     # Nothing may be missing?
        self.held = False       # Waits for the switch?
        self.waits_since = None     # For nothing but the switch.
        self.look = None        # At its ports, and in which life.
        self.next_look = 0.0
        self.n_starts = 0
        self.n_sent = 0         # Starts after which it has sent.
        self.refused_base = 0

    def path(self, what):
        return os.path.join(self.soak.switch.dir,
                            "%s.%s" % (self.name, what))

    def start(self, rate, flows):
        self.n_starts += 1
        switch = self.soak.switch
        command = [self.soak.options.traffic, "--json=" + self.path("json"),
                   "--control=" + self.path("control"), "--hold",
                   # Its ports may be away for long.
                   "--wait-link=3600",
                   "--queue-size=4096", "--duration=%d"
                   % (self.soak.options.seconds * 3 + 600),
                   "--huge" if switch.hugepages else "--no-huge"]
        command += ["--socket=%s,queues=%d" % (switch.socket(name), n)
                    for name, n in self.ports]
        for i in range(len(self.ports) - 1):
            command += ["--at=0 %d/* %d %d" % (i, rate, flows)]
        if os.path.exists(self.path("json")):
            os.unlink(self.path("json"))
        with open(self.path("out"), "a") as f:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                start_new_session=True,
                env=dict(os.environ, RUNTIME_DIRECTORY=switch.dir))
        self.strict = True
        self.held = True
        self.waits_since = None

    def run(self):
        """To be called all the time.  Has it send once all can arrive."""
        if not self.process:
            return
        if self.process.poll() is not None:
            with open(self.path("out")) as f:
                raise Failure("vmq-traffic has ended: " + f.read())
        now = time.monotonic()
        if not self.held:
            return
        elif self.look:
            # Without ovsdb-server, ovs-vswitchd does not answer.
            process, life = self.look
            if process.poll() is None:
                return
            linked, refused = self.look_result(process)
            self.look = None
            self.next_look = now + 0.2
            if life != self.n_starts or self.phase() != "settle":
                pass
            elif linked:
                self.refused_base = refused
                if self.ask("start"):
                    self.held = False
                    self.n_sent += 1
            elif self.waits_since is None:
                self.waits_since = now
            elif now > self.waits_since + PATIENCE_S:
                raise Failure("%s: its ports do not come up" % self.name)
        elif now < self.next_look:
            return
        elif (any(name not in self.soak.ports for name, _ in self.ports)
              or self.phase() != "settle"):
            self.waits_since = None
            self.next_look = now + 0.2
        else:
            self.look = self.begin_look(), self.n_starts

    def waits_long(self):
        """Whether it has waited for the switch for so long that what is wrong
        would not be found if it or its ports went."""
        return (self.held and self.waits_since is not None
                and time.monotonic() > self.waits_since + 5)

    def ask(self, command):
        """Returns the reply, or nothing if there is none to be had."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(PATIENCE_S)
                sock.connect(self.path("control"))
                sock.sendall(command.encode() + b"\n")
                with sock.makefile() as f:
                    return json.loads(f.readline())
        except (OSError, ValueError):
            return None

    def phase(self):
        return (self.ask("stats") or {}).get("phase")

    def running(self):
        return self.phase() == "run"

    def begin_look(self):
        """Starts to ask ovs-vswitchd for the states of its ports, and then for
        their statistics."""
        # (Where a port has no statistics, dpctl/show leaks the device.)
        switch = self.soak.switch
        return subprocess.Popen(
            ["sh", "-c", '"$@" dump-ports-desc "$0" && "$@" dump-ports "$0"',
             "unix:%s/br0.mgmt" % switch.dir,
             os.path.join(switch.tree, "utilities", "ovs-ofctl"),
             "--timeout=%d" % PATIENCE_S, "--names"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True,
            start_new_session=True)

    def look_result(self, process):
        """Returns linked() and read_refused(), each none if there was no
        answer."""
        output = process.communicate()[0]
        if process.returncode:
            self.soak.note("no look at ports: " + output.strip())
            return None, None
        names = [name for name, _ in self.ports]
        states = dict(re.findall(r"^ \d+\((\S+)\): addr.*\n +config: .*\n"
                                 r" +state: +(.*)", output, re.M))
        linked = all("DOWN" not in states.get(name, "DOWN") for name in names)
        refused = sum(int(n) for name, n in re.findall(
            r"port +(\S+): rx .*\n +tx .*drop=(\d+)", output) if name in names)
        return linked, refused

    def linked(self):
        """Whether ovs-vswitchd can send to all ports.  That can be long after
        they have connected: the main thread has to take each of them in, and
        first makes memory pools.  Until then packets to a port are dropped,
        and then it forgets how many."""
        return self.look_result(self.begin_look())[0]

    def read_refused(self):
        """Returns how many packets ovs-vswitchd has counted that its ports did
        not take, mostly because a ring was full."""
        refused = self.look_result(self.begin_look())[1]
        if refused is None:
            raise Failure("ovs-vswitchd does not tell what was refused")
        return refused

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def end(self, meanwhile=lambda: None):
        """Ends the traffic and returns its report.  Until it has ended, calls
        'meanwhile' again and again."""
        deadline = time.monotonic() + PATIENCE_S
        self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                raise Failure("vmq-traffic does not end")
            meanwhile()
            time.sleep(0.01)
        self.process = None
        try:
            with open(self.path("json")) as f:
                return json.load(f)
        except (OSError, ValueError) as e:
            raise Failure("vmq-traffic: no report: %s" % e)

    def stop(self):
        """Ends the traffic and checks its report."""
        # Open vSwitch forgets what a port did not take when it disconnects,
        # which vmq-traffic does after no packet has come for 0.2 s.
        refused = 0

        def watch():
            nonlocal refused
            refused = max(refused, self.read_refused() - self.refused_base)

        report = self.end(watch)
        totals = report["totals"]
        self.soak.note("%s: %s" % (self.name, totals))
        self.soak.sent += totals["sent"]
        self.soak.arrived += totals["received"]
        for key in "lost", "duplicated", "reordered", "misdelivered":
            if not totals[key]:
                continue
            text = "%s: %d of %d packets %s" % (self.name, totals[key],
                                                totals["sent"], key)
            if key == "lost" and totals[key] <= refused:
                self.soak.excuses.append("%s: %d did not fit its rings"
                                         % (text, refused))
            elif key != "duplicated" and not self.strict:
                self.soak.excuses.append("%s: its ports were deleted" % text)
            elif (key == "lost"
                  and totals[key] <= self.soak.read_drops("lock_error")):
                self.soak.excuses.append("%s: no upcall was to be had" % text)
            else:
                self.soak.problem(text)
                self.explain(report, key, refused)

    def explain(self, report, key, refused):
        """Says what is known of packets that are 'key', such as "lost"."""
        for stream in report["streams"]:
            if stream[key]:
                self.soak.problem(
                    "%s: %s of port %d, queue %d: %s" % (
                        self.name, key, stream["port"], stream["queue"],
                        " ".join("%s=%s" % (name, stream[name]) for name in (
                            key, "sent", "pps", "flows_used", "lossy_flows",
                            "gap_us", "gap_at_s", "flow_gap_us",
                            "flow_gap_at_s"))))
        time.sleep(2)           # PMDs bring their counters once a second.
        coverage = self.soak.switch.appctl("coverage/show")
        self.soak.problem("%s: ended at %s s, drained %s, refused %d; %s" % (
            self.name, report["elapsed_s"], report["drained"], refused,
            "; ".join(" ".join(line.split()) for line in coverage.splitlines()
                      if "drop" in line)))
        self.soak.note(self.soak.switch.appctl("dpctl/dump-flows", "-m"))


def result(number, ok, text):
    print("%s %d - %s" % ("ok" if ok else "not ok", number, text), flush=True)
    return ok


def add_options(parser):
    """Adds the options that say where things are."""
    parser.add_argument("--tree", default=os.environ.get("OVS_TREE"),
                        metavar="DIR", help="built Open vSwitch "
                        "(default: $OVS_TREE)")
    parser.add_argument("--traffic", metavar="FILE",
                        default=os.path.join(
                            os.environ.get("VMQ_BUILDDIR", "."),
                            "tests/lab/vmq-traffic"),
                        help="vmq-traffic, for DPDK "
                        "(default: $VMQ_BUILDDIR/tests/lab/vmq-traffic)")
    parser.add_argument("--keep", metavar="DIR",
                        help="where to leave the logs if it fails")


def check_options(parser, options):
    if not options.tree:
        parser.error("--tree or $OVS_TREE is needed")
    options.tree = os.path.abspath(options.tree)
    path = os.path.join(options.tree, "vswitchd/ovs-vswitchd")
    if not os.access(path, os.X_OK):
        parser.error(path + " is not built")


def skip_unless_dpdk(options):
    """Ends the program if it cannot have DPDK."""
    if os.geteuid():
        print("1..0 # SKIP not root")
        sys.exit(0)
    elif not os.access(options.traffic, os.X_OK):
        print("1..0 # SKIP built without DPDK")
        sys.exit(0)


def run(function, name, keep):
    """Runs 'function' with the name of a new directory for the switch, where
    sanitizers write as well, and returns whether it has returned true.
    Otherwise leaves the logs in 'keep'."""
    directory = tempfile.mkdtemp(prefix=name + ".")
    catch_signals()
    common = "log_path=%s/sanitizer" % directory
    environment = dict(os.environ)
    for variable, more in (
            ("ASAN_OPTIONS", ""),
            ("UBSAN_OPTIONS", "print_stacktrace=1"),
            ("TSAN_OPTIONS", "history_size=4 second_deadlock_stack=1 "
             "suppressions=%s/tests/judges/vmq-tsan.supp" % SRCDIR)):
        os.environ[variable] = " ".join((common, more,
                                         environment.get(variable, "")))
    ok = False
    try:
        ok = function(directory)
    finally:
        os.environ.clear()
        os.environ.update(environment)
        if not ok and keep:
            shutil.rmtree(keep, ignore_errors=True)
            os.makedirs(keep)
            for file in os.listdir(directory):
                if re.match(r"sanitizer|.*\.log$|.*\.out$|operations$", file):
                    shutil.copy(os.path.join(directory, file), keep)
            print("# logs are in " + keep, flush=True)
        shutil.rmtree(directory, ignore_errors=True)
    return ok

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

"""What vmq-faults and vmq-freezes have in common: a switch with DPDK, two PMDs
and a queue for each, and the tests of something, with TAP for output."""

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from vmqlab import SIGNALS, SRCDIR, Error, Switch, Traffic, raise_priority

# Name and number of queues of each port; the last one receives.
PORTS = (("vm0", 1), ("vm1", 1), ("out", 1))
SENDERS = (("vm0", 0), ("vm1", 0))
N_PMDS = 2

# A packet takes some 50,000 cycles, see tests/lab/vmq-demo.
ZONES = 128
FLOWS = 4

LOAD = 0.2                      # Of a PMD, of each queue.
TRAFFIC_S = 3600


class Skip(Exception):
    """The test cannot be done here."""


def expect(condition, text, *values):
    if not condition:
        raise AssertionError(text % values)


def wait_for(condition, text, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, text)
        time.sleep(0.05)


class Pair:
    """A switch with two PMDs, each with a queue that takes LOAD of it."""

    def __init__(self, options, directory):
        self.options = options
        self.switch = Switch(options.tree, directory, N_PMDS)
        self.traffic = Traffic(options.traffic, self.switch, PORTS)
        self.cpus = sorted(os.sched_getaffinity(0))
        self.n_flows = FLOWS    # Of each queue.
        self.pps = None

    def start(self):
        if len(self.cpus) < N_PMDS:
            raise Skip("takes %d CPUs" % N_PMDS)
        if not os.access(self.options.traffic, os.X_OK):
            raise Skip("built without DPDK")
        settings = {
            "dpdk-lcore-mask": hex(1 << self.cpus[0]),
            "pmd-cpu-mask": hex((1 << N_PMDS) - 1),
            "pmd-maxsleep": "500",
            "pmd-vmq": "true",
            "pmd-vmq-coalesce-threshold": "0",
        }
        settings.update(self.options.set)
        self.switch.start(self.options.hugepages, settings)
        self.switch.add_bridge([(name, self.switch.vhost(name))
                                for name, _ in PORTS])
        self.switch.add_flow("udp,actions=%s" % self.actions())
        self.switch.place_threads()
        # The first CPU is for the first PMD alone.  Who looks on must get some
        # of the others, beside PMDs that poll.
        raise_priority(os.getpid())
        os.sched_setaffinity(0, self.cpus[1:])
        for tid in map(int, os.listdir("/proc/%d/task" % self.switch.pid)):
            os.sched_setaffinity(tid, self.cpus[1:])
        for core, tid in self.switch.pmd_threads().items():
            os.sched_setaffinity(tid, {self.cpus[core]})
        self.traffic.start(TRAFFIC_S)
        self.calibrate()

    def actions(self):
        """Returns what is done with packets, which is to take long."""
        return ",".join(["ct(commit,zone=%d)" % (i + 1) for i in range(ZONES)]
                        + ["output:out"])

    def calibrate(self):
        """Has each PMD poll a queue of LOAD."""
        self.switch.appctl("dpif-netdev/vmq-pause")
        self.put_back()
        pps = 500
        for _ in range(3):
            for sender in SENDERS:
                self.traffic.set_rate(sender, pps, self.n_flows)
            costs = []
            for _ in range(10):
                time.sleep(0.2)
                windows = [rxq["window"] for rxq in self.show()["rxqs"]
                           if (rxq["port"], rxq["queue"]) in SENDERS
                           and rxq["window"]]
                costs += [w["busy_cycles"] / w["packets"]
                          for w in windows if w["packets"]]
            expect(costs, "no packets arrive")
            pps = (LOAD * self.traffic.stats()["hz"]
                   / statistics.median(costs[len(costs) // 2:]))
        self.pps = pps
        self.switch.appctl("dpif-netdev/vmq-resume")

    def put_back(self):
        self.switch.appctl("dpif-netdev/vmq-move", "vm0", "0", "0",
                           "vm1", "0", "1", "out", "0", "1")

    def show(self):
        self.traffic.check()
        return self.switch.show()

    def received(self):
        return self.traffic.stats()["totals"]["received"]

    def set(self, *settings):
        self.switch.vsctl("set", "Open_vSwitch", ".",
                          *("other_config:" + s for s in settings))

    def stop(self):
        self.traffic.stop()
        self.switch.stop()


class Freeze:
    """One thread stands still while this is entered, the main one or the PMD
    of a core: see vmq-freeze."""

    def __init__(self, switch, core=None, backtrace=False):
        self.command = [os.path.join(SRCDIR, "tests/judges/vmq-freeze")]
        if backtrace:
            self.command.append("--backtrace")
        self.command += [str(switch.pid),
                         "-" if core is None else "pmd-c%02d/" % core, "sh",
                         "-c", "echo; read -r end"]
        self.process = None
        self.backtrace = None

    def __enter__(self):
        # In this session, whose priority has been raised.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            universal_newlines=True)
        self.backtrace = []
        while True:
            line = self.process.stdout.readline()
            if line == "\n":
                return self
            if not line:
                break
            self.backtrace.append(line.strip())
        self.process.wait()
        if self.process.returncode == 77:
            raise Skip("ptrace is not allowed")
        raise Error("vmq-freeze: exit status %d" % self.process.returncode)

    def __exit__(self, kind, *_):
        ended_early = self.process.poll() is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        if ended_early and not kind:
            raise Error("vmq-freeze has ended early")


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def run(self, function, name):
        self.n += 1
        result = "ok"
        try:
            function()
        except Skip as e:
            name += " # SKIP %s" % e
        except (AssertionError, Error) as e:
            print("".join("# %s\n" % line for line in str(e).split("\n")),
                  end="")
            result = "not ok"
            self.failed += 1
        print("%s %d - %s" % (result, self.n, name), flush=True)
        return result == "ok"


def run_labs(options, tap, labs):
    """Runs the tests of 'labs', pairs of a class and names of its methods,
    each with a switch of its own."""
    for kind, names in labs:
        directory = tempfile.mkdtemp(prefix="vmq-faults.")
        try:
            run_lab(tap, kind(options, directory), names)
        finally:
            if options.keep:
                print("# %s is kept" % directory)
            else:
                shutil.rmtree(directory, ignore_errors=True)


def run_lab(tap, lab, names):
    started, problem = False, None

    def run_one(test):
        nonlocal started, problem
        if problem:
            raise problem
        if not started:
            try:
                lab.start()
                started = True
            except (Skip, AssertionError, Error) as e:
                problem = e
                raise
        test()
        after()

    after = getattr(lab, "check_after", lambda: None)
    try:
        for name in names:
            test = getattr(lab, name)
            tap.run(lambda test=test: run_one(test), test.__doc__)
    finally:
        # Nothing stops the cleanup.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        lab.stop()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

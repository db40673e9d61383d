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


"""What the programs of dynamic VMQ have in common: how to ask a running
switch, and how to record what it says."""

import codecs
import errno
import gzip
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

try:
    import ovs.dirs
    import ovs.jsonrpc
    import ovs.poller
    import ovs.stream
except ImportError:
    ovs = None

VERSION = "0.1.0"

TIMEOUT_S = 30                  # Longest time to wait for a reply.
MAX_REPLY = 1 << 26             # Bytes; 2,048 queues take 2 MB.
GZIP_ROWS = 256                 # Rows, or seconds, after which a gzip member
GZIP_S = 10                     # is written: each is compressed by itself.

# A name of a queue may not look like anything but one field of a trace.
NOT_IN_NAME = re.compile(r'[",\s\x00-\x1f\x7f\ud800-\udfff]')


class Error(Exception):
    """The program cannot go on."""


class Lost(Exception):
    """The switch does not answer, or not with what was asked for."""


class Refused(Lost):
    """The switch says that it cannot do what it was asked for."""


class BoundedStream:
    """A stream of which ovs.jsonrpc.Connection takes whole characters, and not
    for ever.  It would go on for as long as something comes, and forget the
    first bytes of a character when the others have not come yet."""

    def __init__(self, stream):
        self.stream = stream
        self.expect(0)

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def expect(self, deadline):
        """A reply may come until 'deadline'."""
        self.deadline = deadline
        self.left = MAX_REPLY
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def recv(self, n):
        if time.monotonic() > self.deadline:
            return errno.ETIMEDOUT, b""
        error, data = self.stream.recv(n)
        if error or not data:
            return error, data
        self.left -= len(data)
        if self.left < 0:
            return errno.EMSGSIZE, b""
        try:
            text = self.decoder.decode(data)
        except UnicodeDecodeError:
            return errno.EILSEQ, b""
        return (0, text.encode()) if text else (errno.EAGAIN, b"")


def count(value):
    """Is 'value' a number of something?"""
    return isinstance(value, int) and 0 <= value < 1 << 64


def signed(value):
    return isinstance(value, int) and abs(value) < 1 << 63


def moment(value):
    """Is 'value' a time of day in ms since 1970?"""
    return isinstance(value, int) and 0 <= value < 1 << 47


def string(value):
    return isinstance(value, str)


def flag(value):
    return isinstance(value, bool)


def known(shape):
    """May be null."""
    return lambda value: value is None or fits(value, shape)


def each(shape):
    """Any names, whose values have this shape."""
    return lambda value: (isinstance(value, dict)
                          and all(fits(v, shape) for v in value.values()))


def fits(value, shape):
    """Has 'value' all that 'shape' has?  A shape is a function that says so,
    or a list or object of shapes."""
    if isinstance(shape, dict):
        return (isinstance(value, dict)
                and all(name in value and fits(value[name], shape[name])
                        for name in shape))
    if isinstance(shape, list):
        return (isinstance(value, list)
                and all(fits(element, shape[0]) for element in value))
    return shape(value)


# What the programs take from the replies of a switch, with --json.  There can
# be more in them.
SETTING = {"value": count, "error": known(string)}
BLACKOUT = {"count": count, "p50_ns": count, "p99_ns": count, "max_ns": count}
SHAPES = {
    "vmq-show": {
        "datapath": string, "on": flag, "paused": flag, "now_ms": count,
        "verdict": known(string), "window_ms": known(count),
        "pmds": [{
            "core": count, "numa": signed, "isolated": flag, "parked": flag,
            "load_bp": known(count), "slow_bp": known(count),
            "capacity_bp": known(count), "stolen_bp": known(count),
            "verdict": known(string)}],
        "rxqs": [{
            "port": string, "queue": count, "core": known(count),
            "numa": signed, "status": string, "packets": count,
            "busy_cycles": count, "polls": count, "full_batches": count,
            "moves": count, "credits_mc": signed, "refill_ms": count,
            "load_bp": known(count), "backlog": flag,
            "window": known({"packets": count, "busy_cycles": count})}],
        "settings": lambda value: (
            fits(value, each(SETTING))
            and fits(value, {"pmd-vmq-credits": SETTING,
                             "pmd-vmq-spread-threshold": SETTING})),
        "totals": {
            "ticks": count, "late": count, "dropped": count,
            "tick_us_total": count, "pingpongs": count,
            "forced_returns": count, "flows_warmed": count,
            "flows_skipped": count, "outcomes": each(count),
            "verdicts": each(count), "blackout": each(BLACKOUT)}},
    "vmq-history": [{
        "when_ms": moment, "port": string, "queue": count, "from": count,
        "to": count, "reason": string, "return": string, "load_bp": count,
        "from_load_bp": count, "to_load_bp": count, "outcome": string,
        "blackout_ns": count, "flows_warmed": count}],
    "vmq-explain": {
        "moves": [{"port": string, "queue": count, "to": count,
                   "reason": string}],
        "pmds": [{"core": count, "verdict": string, "text": string}]}}


def printable(text):
    """Returns 'text' fit for a terminal, whatever a port is called."""
    return "".join(c if c.isprintable() else "?" for c in text)


class Switch:
    """A running ovs-vswitchd.

    Talks to it with the Python module "ovs", over one connection, or runs
    ovs-appctl for each command where that module is not installed."""

    def __init__(self, target="ovs-vswitchd", dp=None, timeout_s=TIMEOUT_S):
        self.target = target
        self.dp = [dp] if dp else []
        self.timeout_s = timeout_s
        self.connection = None
        self.path = None        # Of its control socket.
        self.same = False       # Did the last two replies come from the same
                                # process, as far as is known?
        self.rundir = (os.environ.get("OVS_RUNDIR")
                       or (ovs.dirs.RUNDIR if ovs else "/var/run/openvswitch"))
        if not ovs and not shutil.which("ovs-appctl"):
            raise Error("neither the Python module \"ovs\" (package "
                        "python3-openvswitch) nor ovs-appctl is installed")

    def find_socket(self):
        if "/" in self.target:
            return os.path.abspath(self.target)
        if self.target.isdigit():
            return "%s/ovs-vswitchd.%s.ctl" % (self.rundir, self.target)
        pidfile = "%s/%s.pid" % (self.rundir, self.target)
        try:
            with open(pidfile) as f:
                pid = int(f.readline())
        except OSError as e:
            raise Lost("%s: %s" % (pidfile, e.strerror))
        except ValueError:
            raise Lost("%s: this is no pidfile" % pidfile)
        return "%s/%s.%d.ctl" % (self.rundir, self.target, pid)

    def json(self, command, *args):
        """Returns the reply to dpif-netdev/COMMAND --json, decoded."""
        try:
            return json.loads(self.ask(command, "--json", *args))
        except (ValueError, RecursionError):
            raise Lost("%s: no JSON from %s" % (self.path, command))

    def figures(self, command, *args):
        """Returns what json() does, if it is what a switch says."""
        reply = self.json(command, *args)
        if not fits(reply, SHAPES[command]):
            raise Lost("%s: unknown reply to %s" % (self.path, command))
        return reply

    def ask(self, command, *args):
        """Returns the reply to dpif-netdev/COMMAND for the datapath."""
        command = "dpif-netdev/" + command
        path = self.find_socket()
        same = path == self.path and bool(self.connection or not ovs)
        if not same:
            self.close()
        self.path, self.same = path, same
        try:
            return (self.ask_library if ovs else self.ask_appctl)(
                command, list(args) + self.dp)
        except BaseException as e:
            if not isinstance(e, Refused):
                self.close()
                self.path = None
            raise

    def connect(self):
        error, stream = ovs.stream.Stream.open_block(
            ovs.stream.Stream.open("unix:" + self.path),
            self.timeout_s * 1000)
        if error:
            raise Lost("%s: %s" % (self.path, os.strerror(error)))
        self.connection = ovs.jsonrpc.Connection(BoundedStream(stream))

    def ask_library(self, command, args):
        if not self.connection:
            self.connect()
        deadline = time.monotonic() + self.timeout_s
        self.connection.stream.expect(deadline)
        request = ovs.jsonrpc.Message.create_request(command, args)
        self.connection.send(request)
        while True:
            self.connection.run()
            error, reply = self.connection.recv()
            if not error and reply.id == request.id:
                break
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Lost("%s: no reply for %d s" % (self.path,
                                                      self.timeout_s))
            if error not in (0, errno.EAGAIN):
                raise Lost("%s: %s" % (self.path, os.strerror(error)
                                       if error > 0 else "connection closed"))
            poller = ovs.poller.Poller()
            self.connection.wait(poller)
            self.connection.recv_wait(poller)
            poller.timer_wait(math.ceil(left_s * 1000))
            poller.block()
        if reply.error is not None:
            raise Refused("%s: %s" % (command, str(reply.error).strip()))
        return str(reply.result)

    def ask_appctl(self, command, args):
        result = subprocess.run(
            ["ovs-appctl", "--timeout=%d" % self.timeout_s, "-t", self.path,
             command] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True)
        if result.returncode:
            lines = result.stderr.strip().splitlines()
            raise (Refused if "server returned an error" in result.stderr
                   else Lost)(lines[0] if lines else
                              "ovs-appctl: exit status %d"
                              % result.returncode)
        return result.stdout

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Sample:
    """What one vmq-show said.

    'queues' is by name.  Each has 'numa' (None if unknown) and 'counters', of
    which the first one is the packets, and none ever goes back unless the
    queue was made anew."""

    def __init__(self, show, what):
        try:
            self.now_ms = int(show["now_ms"])
            self.on = bool(show.get("on", True))
            self.ticks = int(show.get("totals", {}).get("ticks", 0))
            self.queues = {}
            for rxq in show["rxqs"]:
                name = NOT_IN_NAME.sub("_", "%s/%d" % (rxq["port"],
                                                       rxq["queue"]))
                numa = rxq.get("numa")
                self.queues[name] = {
                    "numa": numa if numa is not None and numa >= 0 else None,
                    "counters": [int(rxq["packets"])]
                    + [int(rxq.get(key, 0))
                       for key in ("busy_cycles", "polls", "full_batches")]}
        except (AttributeError, KeyError, OverflowError, TypeError,
                ValueError):
            raise Lost("%s: this is no output of dpif-netdev/vmq-show --json"
                       % what)

    def since(self, old):
        """Returns the packets/s of each queue since 'old', without those of
        which they are not known."""
        rates = {}
        if not (self.on and old.on) or self.ticks < old.ticks:
            return rates
        for name, queue in self.queues.items():
            if name in old.queues:
                pairs = list(zip(queue["counters"],
                                 old.queues[name]["counters"]))
                if all(now >= then for now, then in pairs):
                    now, then = pairs[0]
                    rates[name] = ((now - then) * 1000
                                   / (self.now_ms - old.now_ms))
        return rates


class Trace:
    """A trace for ovs-vmq-sim.

    It is a valid file all the time, whenever and however the program is ended.
    Rows are appended as they come, which keeps nothing in memory.  The header
    can not be appended to, so when a queue appears, or is on another NUMA node
    than it was, the file is copied under a new header, beside the old one, and
    then takes its name."""

    def __init__(self, output):
        self.output = output
        self.gzipped = output.endswith(".gz")
        self.names = []
        self.index = {}
        self.numa = []
        self.fd = None
        self.n_rows = 0
        self.pending = []       # Rows that are not compressed yet.
        self.flushed = time.monotonic()

        # What cannot be renamed to is written at the end.
        self.spool = None
        if output == "-" or (os.path.exists(output)
                             and not os.path.isfile(output)):
            self.spool = tempfile.mkdtemp(prefix="ovs-vmq.")
            self.path = os.path.join(self.spool, "trace")
        else:
            self.path = os.path.realpath(output)

    def set_queues(self, queues):
        """Makes sure that 'queues' are in the header."""
        changed = False
        for name, queue in queues.items():
            numa = queue["numa"]
            if name not in self.index:
                self.index[name] = len(self.names)
                self.names.append(name)
                self.numa.append(numa)
                changed = True
            elif numa is not None and numa != self.numa[self.index[name]]:
                self.numa[self.index[name]] = numa
                changed = True
        if changed and self.fd is not None:
            self.rewrite()

    def rewrite(self):
        """Copies the file under the header that is right now."""
        self.flush()
        directory, base = os.path.split(self.path)
        fd, name = tempfile.mkstemp(prefix=".%s." % base, dir=directory)
        try:
            with os.fdopen(fd, "wb") as new:
                set_mode(new.fileno())
                if self.gzipped:
                    with gzip.GzipFile("", "wb", fileobj=new, mtime=0) as f:
                        self.copy(f)
                else:
                    self.copy(new)
            os.rename(name, self.path)
        except BaseException:
            os.unlink(name)
            raise
        if self.fd is not None:
            os.close(self.fd)
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def copy(self, new):
        new.write(("time_s,%s\n" % ",".join(self.names)).encode())
        new.write(("#numa,%s\n" % ",".join(
            "" if numa is None else str(numa) for numa in self.numa)).encode())
        if self.fd is None:
            return
        with (gzip.open if self.gzipped else open)(self.path, "rb") as old:
            n_old = old.readline().count(b",")
            old.readline()
            padding = b"," * (len(self.names) - n_old) + b"\n"
            for line in old:
                new.write(line.rstrip(b"\n") + padding)

    def add(self, time_s, rates):
        if self.fd is None:
            # Whatever was there stays until there is something better.
            self.rewrite()
        fields = [""] * len(self.names)
        for name, rate in rates.items():
            text = "%.3f" % rate
            fields[self.index[name]] = text.rstrip("0").rstrip(".")
        row = ("%.3f,%s\n" % (time_s, ",".join(fields))).encode()
        if self.gzipped:
            self.pending.append(row)
            if (len(self.pending) >= GZIP_ROWS
                    or time.monotonic() - self.flushed >= GZIP_S):
                self.flush()
        else:
            self.write(row)
        self.n_rows += 1

    def flush(self):
        if self.pending:
            self.write(gzip.compress(b"".join(self.pending), mtime=0))
            self.pending = []
            self.flushed = time.monotonic()

    def write(self, data):
        """Appends all of 'data' or nothing."""
        size = os.fstat(self.fd).st_size
        try:
            while data:
                data = data[os.write(self.fd, data):]
        except OSError:
            os.ftruncate(self.fd, size)
            raise

    def close(self):
        """Writes what has not been written yet."""
        try:
            self.flush()
            if self.fd is not None:
                os.close(self.fd)
                self.fd = None
                if self.output == "-":
                    with open(self.path, "rb") as f:
                        shutil.copyfileobj(f, sys.stdout.buffer)
                    sys.stdout.buffer.flush()
                elif self.spool:
                    with open(self.path, "rb") as f, \
                            open(self.output, "wb") as out:
                        shutil.copyfileobj(f, out)
        finally:
            if self.spool:
                shutil.rmtree(self.spool, ignore_errors=True)


class Recorder:
    """Adds a row to a trace for each two samples."""

    def __init__(self, trace, interval_s):
        self.trace = trace
        self.interval_ms = round(interval_s * 1000)
        self.old = None
        self.start_ms = 0

    def add(self, sample, same):
        """'same': may 'sample' be compared with the one before?"""
        old = self.old
        if old and sample.now_ms <= old.now_ms:
            if same and sample.now_ms == old.now_ms:
                return
            # The clock of another host, or container, took over.
            same = False
            self.start_ms += sample.now_ms - old.now_ms - self.interval_ms
            old.now_ms = sample.now_ms - self.interval_ms
        if sample.queues:
            self.trace.set_queues(sample.queues)
        if old is None:
            self.start_ms = sample.now_ms
        elif self.trace.names:
            self.trace.add((old.now_ms - self.start_ms) / 1000,
                           sample.since(old) if same else {})
        self.old = sample


def set_mode(fd):
    """Gives a temporary file the permissions of a normal one."""
    umask = os.umask(0)
    os.umask(umask)
    os.fchmod(fd, 0o666 & ~umask)

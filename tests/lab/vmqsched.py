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

"""When threads had no CPU though they had something to do.

On a machine with fewer CPUs than busy threads, what a thread takes is mostly
what it waits for a CPU, which says nothing about its program.  The kernel's
tracer (tracefs, as root) says when each thread was woken, ran and slept.

Times are of CLOCK_MONOTONIC, in us."""

import os
import re
import subprocess

TRACEFS = "/sys/kernel/tracing"
BUFFER_KB = 1024                # For each CPU.

LINE = re.compile(r"\s(\d+\.\d+): (sched_switch|sched_waking): (.*)")
SWITCH = re.compile(r"prev_pid=(\d+) .*prev_state=(\S+) ==> .*next_pid=(\d+)")
WAKING = re.compile(r" pid=(\d+)")

# What a thread does since an event.  One that is woken up may run already, and
# then goes on.
RUNS, READY, SLEEPS, WOKEN = "runs", "ready", "sleeps", "woken"


def parse(text):
    """Returns what the tracer says as triples of time, thread and what that
    does, in the order of time."""
    events = []
    for line in text.split("\n"):
        match = LINE.search(line)
        if not match:
            continue
        at_us = float(match.group(1)) * 1e6
        if match.group(2) == "sched_waking":
            events.append((at_us, int(WAKING.search(match.group(3)).group(1)),
                           WOKEN))
        else:
            old, state, new = SWITCH.search(match.group(3)).groups()
            # "R+" is one whose CPU was taken.
            events.append((at_us, int(old),
                           READY if state[0] == "R" else SLEEPS))
            events.append((at_us, int(new), RUNS))
    return sorted(events, key=lambda event: event[0])


def kept_waiting_us(events, start_us, end_us, before, thread, after):
    """Returns for how long between 'start_us' and 'end_us' the thread that had
    to go on was ready and had no CPU.

    That is 'thread' unless it sleeps.  Then it waits for thread 'before', or,
    once it has run since 'start_us', for one of both others.  While nothing is
    known of a thread, nothing is counted."""
    states = {}
    has_run = False
    total_us = 0
    last_us = start_us
    for at_us, tid, state in events + [(end_us, None, None)]:
        now_us = min(max(at_us, start_us), end_us)
        if states.get(thread) == RUNS:
            has_run = has_run or now_us > last_us
        elif (states.get(thread) == READY
              or states.get(before) == READY
              or (has_run and states.get(after) == READY)):
            total_us += now_us - last_us
        last_us = now_us
        if state != WOKEN:
            states[tid] = state
        elif states.get(tid) != RUNS:
            states[tid] = READY
    return total_us


class Tracer:
    """Traces some threads.  There may be others that trace: this one has an
    instance of the tracer for itself."""

    def __init__(self, tids):
        """Raises OSError if this system or this user cannot."""
        self.mounted = not os.path.isdir(TRACEFS + "/instances")
        if self.mounted and subprocess.call(
                ["mount", "-t", "tracefs", "tracefs", TRACEFS],
                stderr=subprocess.DEVNULL):
            raise OSError("%s cannot be mounted" % TRACEFS)
        self.dir = "%s/instances/vmq.%d" % (TRACEFS, os.getpid())
        os.mkdir(self.dir)
        try:
            self.write("tracing_on", "0")
            self.write("trace_clock", "mono")
            self.write("buffer_size_kb", str(BUFFER_KB))
            for event, fields in (("sched_switch", ("prev_pid", "next_pid")),
                                  ("sched_waking", ("pid",))):
                event = "events/sched/%s/" % event
                self.write(event + "filter", "||".join(
                    "%s==%d" % (field, tid)
                    for field in fields for tid in tids))
                self.write(event + "enable", "1")
        except OSError:
            self.stop()
            raise

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def begin(self):
        self.write("trace", "")
        self.write("tracing_on", "1")

    def end(self):
        """Returns the events since begin(), as parse() does."""
        self.write("tracing_on", "0")
        with open(os.path.join(self.dir, "trace")) as f:
            return parse(f.read())

    def stop(self):
        """Has the kernel as it was."""
        os.rmdir(self.dir)
        if self.mounted:
            subprocess.call(["umount", TRACEFS], stderr=subprocess.DEVNULL)

"""What a start asks of the kernel: its system calls, counted, beside those on record. Time is not looked at."""

import collections
import os
import re
import signal
import subprocess

import host
from harness import Case, wait_until

# Of one more service with an init on one network, on a host with control groups v1 and v2, where there are most. Made smaller? Write
# the new number here.
RECORD = {"supervisor": 400, "child": 444}
TOLERANCE = 1.05

# Each of them makes a start wait for an RCU grace period, some ten milliseconds on a busy machine.
WAITS = {"umount2", "pivot_root"}

STACK = """
    services:
      first: &service
        image: busybox:1
        command: [sleep, infinity]
        init: true
      second: *service
"""


class StartCost(Case):
    def trace(self, pid, work):
        """Calls by process: Counters of names, of the process itself with its threads, and of all that it bore, up to exec."""
        file = os.path.join(self.berth.home, "trace")
        with subprocess.Popen(["strace", "-f", "-qq", "-e", "signal=none", "-o", file, "-p", str(pid)]) as tracer:
            threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
            wait_until("strace is there", lambda: all("TracerPid:\t0\n" not in host.read(f"/proc/{t}/status") for t in threads))
            work()
            tracer.send_signal(signal.SIGINT)
        lines = host.read(file).splitlines()
        # Of threads alone the kernel writes down the number; a thread may have called before its maker's call returns.
        threads += [int(number) for line in lines for number in re.findall(r"parent_tid=\[(\d+)\]", line)]
        own, children, executed = collections.Counter(), collections.Counter(), set()
        for line in lines:
            call = re.match(r"(\d+) +(\w+)\(", line)
            if not call or call[1] in executed:
                continue
            (own if int(call[1]) in threads else children)[call[2]] += 1
            if call[2].startswith("exec"):
                executed.add(call[1])
        return own, children

    def test_a_start_makes_no_more_system_calls_than_recorded(self):
        stack = self.stack(STACK)
        stack.up("first")
        (supervisor,) = self.berth.helpers("berth-supervisor")
        own, children = self.trace(supervisor, lambda: stack.up("second"))
        self.assertEqual(set(), WAITS & (own.keys() | children.keys()))
        for name, calls in (("supervisor", own), ("child", children)):
            self.assertGreater(calls.total(), 100, f"{name}: strace saw next to nothing")
            self.assertLessEqual(calls.total(), RECORD[name] * TOLERANCE, f"{name}: {calls.most_common()}")

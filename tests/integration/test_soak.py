"""Rounds of attach, resize and exec: what serves them does not grow (CVE-2022-23471, CVE-2022-31030, CVE-2025-64329).

How many rounds: BERTH_TEST_ROUNDS, 200 where it is not set. `scripts/test --lane soak` runs ten thousand.
"""

import concurrent.futures
import os
import re
import threading

import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

ROUNDS = int(os.environ.get("BERTH_TEST_ROUNDS", "200"))
AT_ONCE = 4
SLACK_KB = 1024  # of a heap whose use goes up and down


class Soak(Case):
    def measure(self):
        """(resident memory without what is only mapped from files, descriptors, threads) of supervisor and keeper."""
        found = {}
        for name in ("berth-supervisor", "berth-keeper"):
            (pid,) = self.berth.helpers(name)
            status = dict(re.findall(r"^(\w+):\s+(\d+)", host.read(f"/proc/{pid}/status"), re.MULTILINE))
            found[name] = int(status["RssAnon"]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"])
        return found

    def round(self, stack, service, number):
        with Terminal([BERTH, "attach", service], stack.folder, self.berth.environment, rows=30, columns=90) as terminal:
            terminal.type(f"echo round-$(({number}+0))\r")
            terminal.wait_for(f"round-{number}\r\n")
            terminal.resize(20 + number % 30, 80)
            terminal.type("\x10\x11")
            self.assertEqual(0, terminal.wait_exit())
        self.assertEqual(str(number), stack.exec(service, "echo", str(number)))
        self.assertNotEqual(0, stack("exec", "-T", service, "no-such-command").code)

    def rounds(self, stack, count):
        numbers, lock = iter(range(count)), threading.Lock()

        def work(service):
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self.round(stack, service, number)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(work, f"term{n}") for n in range(AT_ONCE)]:
                done.result()

    def test_attach_resize_and_exec_leave_no_memory_and_no_descriptor_behind(self):
        stack = self.stack("services:\n" + "".join(
            f"  term{n}: {{image: 'busybox:1', command: [sh], tty: true, stdin_open: true, stop_grace_period: 0s}}\n"
            for n in range(AT_ONCE)))
        stack.up()
        self.rounds(stack, min(100, ROUNDS // 2))  # what is made once is made now
        before = self.measure()
        self.rounds(stack, ROUNDS)
        wait_until("all descriptors are closed again",
                   lambda: all(self.measure()[name][1:] <= before[name][1:] for name in before))
        after = self.measure()
        print(f"    {ROUNDS} rounds: (anonymous memory in kB, descriptors, threads) before {before}, after {after}", flush=True)
        for name, (memory, _, _) in after.items():
            self.assertLess(memory, before[name][0] + SLACK_KB, name)

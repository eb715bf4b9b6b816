"""Somebody sets the clock, forwards or backwards, while a stack runs."""

import json
import os
import time
import unittest

from harness import Case, wait_until

YEAR = 365 * 86400
STACK = """
    services:
      healthy:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        healthcheck: {test: [CMD-SHELL, "echo x >> /probes"], interval: 200ms}
      starting:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        healthcheck: {test: [CMD-SHELL, "echo x >> /probes; exit 1"], interval: 200ms, retries: 1, start_period: 10h, start_interval: 200ms}
      failing:
        image: busybox:1
        command: [sh, -c, "echo run; exit 3"]
        deploy: {restart_policy: {condition: any, delay: 1s}}
      counting:
        image: busybox:1
        command: [sh, -c, "i=0; while :; do i=$$((i+1)); echo $$i; sleep 0.05; done"]
        stop_grace_period: 0s
    """


@unittest.skipUnless(os.environ.get("BERTH_TEST_OWN_MACHINE"), "the clock is set only on a machine that is the tests' own (tests/vm)")
class Clock(Case):
    def jump(self, seconds):
        began, steady = time.time(), time.monotonic()
        time.clock_settime(time.CLOCK_REALTIME, began + seconds)
        self.addCleanup(lambda: time.clock_settime(time.CLOCK_REALTIME, began + time.monotonic() - steady))

    def probes(self, stack, service):
        return len(stack.sh(service, "cat /probes").split())

    def numbers(self, stack):
        return [int(line) for line in stack("logs", "--no-log-prefix", "--no-color", "counting", check=0).out.splitlines()]

    def runs(self, stack):
        return stack("logs", "--no-log-prefix", "--no-color", "failing", check=0).out.split().count("run")

    def check_it_goes_on(self, stack):
        before = {service: self.probes(stack, service) for service in ("healthy", "starting")}
        wait_until("probes go on", lambda: all(self.probes(stack, service) > count + 3 for service, count in before.items()))
        rows = stack.ps()
        self.assertEqual(("healthy", "starting"), (rows["healthy"]["Health"], rows["starting"]["Health"]), "the start period lasts on")
        runs = self.runs(stack)
        wait_until("what fails is started again", lambda: self.runs(stack) > runs + 1)
        count = len(self.numbers(stack))
        wait_until("lines are logged", lambda: len(self.numbers(stack)) > count + 5)
        numbers = self.numbers(stack)
        self.assertEqual(list(range(1, len(numbers) + 1)), numbers, "in the order they were written")
        self.assertEqual(3, len(stack("logs", "--no-log-prefix", "-n", "3", "counting", check=0).out.split()))

    def check(self, seconds):
        stack = self.stack(STACK)
        stack.up()
        wait_until("it is healthy", lambda: stack.ps()["healthy"]["Health"] == "healthy")
        self.jump(seconds)
        self.check_it_goes_on(stack)
        # The next supervisor knows of what was only by the clock on the wall.
        self.berth.kill_helpers("berth-supervisor")
        self.check_it_goes_on(stack)
        self.berth.kill_helpers("berth-supervisor", "berth-keeper")
        self.jump(seconds)
        stack.up()
        self.check_it_goes_on(stack)
        stack("stop", "-t", "1", "counting", check=0)
        stack("up", "-d", "--force-recreate", "--wait", "--wait-timeout", "30", "healthy", "counting", check=0)
        with open(os.path.join(self.berth.run, "events"), encoding="utf-8") as file:
            self.assertTrue(all(json.loads(line)["time_ns"] > 0 for line in file))
        stack("down", "-t", "0", check=0)

    def test_a_year_forwards(self):
        self.check(YEAR)

    def test_a_year_backwards(self):
        self.check(-YEAR)

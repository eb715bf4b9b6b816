"""Attacks that swap a file at the right moment: somebody who shares a volume with a container makes a directory on the way
to a place where something is mounted, copied or written into a link, and back, thousands of times a second.

How many containers are started against it: BERTH_TEST_RACES, 100 where it is not set.
"""

import os

import host
from attacks import Attacks, attacker
from harness import wait_until

STARTS = int(os.environ.get("BERTH_TEST_RACES", "100"))
AT_ONCE = 20


class Races(Attacks):
    def setUp(self):
        self.canary = os.path.join(self.berth.home, "canary")
        os.makedirs(self.canary, exist_ok=True)
        with open(os.path.join(self.canary, "secret"), "w", encoding="utf-8") as out:
            out.write("host\n")

    def tearDown(self):
        self.assertEqual(["secret"], os.listdir(self.canary))
        self.assertEqual("host\n", host.read(os.path.join(self.canary, "secret")))
        self.assertEqual([], [line for line in host.read("/proc/self/mountinfo").splitlines() if self.canary in line])

    def race(self, leads_to, *victim, scale=AT_ONCE):
        """`racer` swaps /shared/x and a link to `leads_to`; the victims share its volume."""
        stack = self.stack(f"""
            services:
              racer:
                image: busybox:1
                command: [/attack, swap, /shared/x, {leads_to}]
                volumes: ["shared:/shared", "{attacker()}:/attack:ro"]
                stop_grace_period: 0s
              victim:
                image: busybox:1
                stop_grace_period: 0s
                scale: {scale}
                """ + "\n                ".join(victim) + """
            volumes: {shared: , other: }
            """)
        os.makedirs(os.path.join(stack.folder, "conf"), exist_ok=True)
        stack("up", "-d", "racer", check=0)
        wait_until("it swaps", lambda: "swapping" in stack("logs", "racer").out)
        return stack

    def start_all(self, stack):
        """Again and again; each `up` tells how it went."""
        for _ in range(STARTS // AT_ONCE):
            yield stack("up", "-d", "--force-recreate", "--no-deps", "victim")

    def test_a_mount_target_that_changes_into_a_link_does_not_lead_out(self):
        """CVE-2021-30465, CVE-2024-45310."""
        stack = self.race(self.canary, 'command: ["true"]', "tmpfs: [/shared/x/scratch]",
                          'volumes: ["shared:/shared", "other:/shared/x/inner", "./conf:/shared/x/conf"]')
        for _ in self.start_all(stack):
            self.assertEqual(["secret"], os.listdir(self.canary))

    def test_a_mount_target_that_changes_into_proc_is_refused(self):
        """CVE-2019-16884, CVE-2019-19921, CVE-2025-52881: what is written to /proc for a container goes to the real one."""
        before = host.read("/proc/sys/kernel/core_pattern"), host.read("/proc/sys/net/ipv4/ip_default_ttl")
        stack = self.race("/proc", "command: [sh, -c, \"cat /proc/sys/net/ipv4/ip_default_ttl /proc/self/oom_score_adj; grep ' /proc/' /proc/self/mountinfo | cut -d ' ' -f 5 | sort | tr '\\n' ' '\"]",
                          "sysctls: {net.ipv4.ip_default_ttl: 77}", "oom_score_adj: 321",
                          'volumes: ["shared:/shared", "other:/shared/x/self/attr", "other:/shared/x/sys"]')
        plain = self.stack("services: {it: {image: 'busybox:1', command: [sh, -c, \"grep ' /proc/' /proc/self/mountinfo | cut -d ' ' -f 5 | sort | tr '\\n' ' '\"]}}", "plain")
        masks = plain("run", "--rm", "-T", "it", check=0).out.strip()
        refused = 0
        for done in self.start_all(stack):
            refused += done.code != 0
            if done.code != 0:
                continue
            wait_until("all have ended", lambda: all(row["State"] == "exited" for row in stack("ps", "-a", "--format", "json", "victim").json()))
            said = stack("logs", "--no-log-prefix", "--no-color", "victim", check=0).out
            self.assertEqual({"77", "321", masks}, {line.strip() for line in said.splitlines()})
        self.assertEqual(before, (host.read("/proc/sys/kernel/core_pattern"), host.read("/proc/sys/net/ipv4/ip_default_ttl")))
        self.assertGreater(refused, 0, "the race was never won, so nothing was tried")

    def test_the_tree_of_a_stopped_container_that_cp_makes_stays_in_it(self):
        """CVE-2026-41568, CVE-2026-42306: the places where its volumes are mounted are in what the racer changes."""
        stack = self.race(self.canary, "command: [sleep, '100000']",
                          'volumes: ["shared:/shared", "other:/shared/x/inner", "./conf:/shared/x/conf"]', scale=1)
        stack("up", "--no-start", "victim", check=0)
        with open(os.path.join(stack.folder, "note"), "w", encoding="utf-8") as out:
            out.write("note\n")
        for _ in range(STARTS // 4):
            stack("cp", "note", "victim:/shared/x/inner/note")
            stack("cp", "note", "victim:/shared/x/note")
            if stack("cp", "victim:/shared/x/secret", "got").code == 0:
                self.assertNotEqual("host\n", host.read(os.path.join(stack.folder, "got")))

"""Beside systemd, which takes the control groups for its own (tests/vm/run --systemd)."""

import os
import re
import subprocess
import unittest

import host
from harness import BERTH, Case, wait_until

LIMITED = """
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        restart: always
        mem_limit: 64m
        pids_limit: 77
        cpus: 0.5
        cpuset: "0"
    """
LIMITS = (("memory", "memory.max", "67108864"), ("pids", "pids.max", "77"), ("cpu", "cpu.max", "50000 100000"),
          ("cpuset", "cpuset.cpus", "0"))


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def failed_units():
    return said("systemctl", "list-units", "--failed", "--plain", "--no-legend")


def complaints():
    """Warnings of process 1, of the service that watches memory and of the one that knows sessions, since the machine started."""
    return said("journalctl", "-b", "-o", "cat", "-p", "warning", "_PID=1", "+", "_COMM=systemd-oomd", "+",
                "_COMM=systemd-logind").splitlines()


@unittest.skipUnless(os.path.isdir("/run/systemd/system"), "systemd is not process 1 of this machine")
class Systemd(Case):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["systemd-run", "--quiet", "--wait", "true"], check=True)  # the first one leaves a directory in /run
        super().setUpClass()

    def check_limits(self, stack):
        for controller, name, value in LIMITS:
            self.assertEqual(value, host.read(stack.cgroup_file("web", controller, "", name)).strip(), name)

    def test_limits_stay_whatever_systemd_does_to_its_own_groups(self):
        failed, warned = failed_units(), complaints()
        stack = self.stack(LIMITED)
        stack.up()
        self.check_limits(stack)
        # Its transient units make it hand controllers down from the root, and take them back.
        subprocess.run(["systemd-run", "--quiet", "--wait", "-p", "CPUWeight=50", "-p", "MemoryMax=100M", "-p", "IOWeight=50",
                        "-p", "AllowedCPUs=0", "true"], check=True)
        for command in ("daemon-reload", "daemon-reexec"):
            subprocess.run(["systemctl", command], check=True)
        self.check_limits(stack)
        self.assertNotIn("berth", said("oomctl", "dump"))
        stack("down", "-v", check=0)
        self.assertEqual(failed, failed_units())
        self.assertEqual(warned, complaints())

    def test_a_service_that_ends_takes_nothing_of_berth_along(self):
        """As from a unit file with `ExecStart=berth up -d`, or a session that is closed with all its processes."""
        stack = self.stack(LIMITED)
        variables = [f"--setenv={name}={self.berth.environment[name]}" for name in ("BERTH_ROOT", "BERTH_RUN")]
        subprocess.run(["systemd-run", "--quiet", "--wait", "--collect", f"--working-directory={stack.folder}", *variables,
                        BERTH, "up", "-d"], check=True)
        self.assertEqual("running", stack.ps()["web"]["State"])
        (keeper,) = self.berth.helpers("berth-keeper")
        first = stack.pid("web")
        os.kill(first, 9)
        wait_until("it is started again", lambda: host.first_processes(f"{stack.mark}-web") not in ([], [first]))
        self.assertEqual([keeper], self.berth.helpers("berth-keeper"))

    @unittest.skipUnless(os.path.exists("/run/systemd/resolve/stub-resolv.conf"), "systemd-resolved does not run")
    def test_names_go_through_the_stub_of_systemd_resolved(self):
        stack = self.stack(LIMITED)
        stack.up()
        self.assertEqual("nameserver 127.0.0.53", re.search("nameserver.*", host.read("/etc/resolv.conf")).group())
        # A name that needs no server, but which nobody except the stub makes up.
        self.assertRegex(stack.sh("web", "nslookup -type=a any.localhost 2>&1 || true"), r"Name:\s+any.localhost\nAddress: 127\.0\.0\.1\b")

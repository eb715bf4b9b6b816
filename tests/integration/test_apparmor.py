"""AppArmor profiles, on kernels that have them (Debian's: the machines of tests/vm)."""

import os
import shutil
import subprocess
import unittest

import host
from harness import Case

SECURITYFS = "/sys/kernel/security"
PROFILE = """
profile berth-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  ptrace,
  deny /forbidden/** w,
}
"""
STACK = """
    services:
      it:
        image: busybox:1
        command: ["sleep", "100000"]
        tmpfs: [/forbidden]
        environment: {BERTH_TEST_MARK: %MARK%-it}
        stop_grace_period: 0s
        EXTRA
"""


@unittest.skipUnless(host.read("/sys/module/apparmor/parameters/enabled").strip() == "Y", "this kernel has no AppArmor")
class AppArmor(Case):
    @classmethod
    def setUpClass(cls):
        if not os.path.ismount(SECURITYFS):
            subprocess.run(["mount", "-t", "securityfs", "securityfs", SECURITYFS], check=True)
            cls.addClassCleanup(subprocess.run, ["umount", SECURITYFS], check=True)
        super().setUpClass()
        parser = [shutil.which("apparmor_parser"), "--skip-cache"]
        subprocess.run([*parser, "--replace"], input=PROFILE, text=True, check=True)
        cls.addClassCleanup(subprocess.run, [*parser, "--remove"], input=PROFILE, text=True, check=True)

    def it(self, extra):
        return self.stack(STACK.replace("EXTRA", extra))

    def label(self, stack, process, *flags):
        return stack("exec", "-T", *flags, "it", "cat", f"/proc/{process}/attr/current", check=0).out.strip()

    def test_a_profile_confines_the_service_its_probes_and_exec(self):
        for init in ("false", "true"):
            with self.subTest(init=init):
                stack = self.it(f"""security_opt: ['apparmor=berth-test']
        init: {init}
        healthcheck: {{test: [CMD, grep, -q, ^berth-test, /proc/self/attr/current], interval: 1s}}""")
                stack("up", "-d", "--wait", check=0)
                self.assertEqual("berth-test (enforce)", self.label(stack, 1))
                self.assertEqual("berth-test (enforce)", self.label(stack, "self"))
                refused = stack("exec", "-T", "it", "touch", "/forbidden/file")
                self.assertEqual(1, refused.code, refused)
                self.assertIn("Permission denied", refused.err)
                self.assertEqual("unconfined", self.label(stack, "self", "--privileged"))
                (inspected,) = stack("inspect", f"{stack.name}-it-1", check=0).json()
                self.assertEqual("berth-test", inspected["AppArmorProfile"])

    def test_unconfined_is_what_it_says(self):
        stack = self.it("security_opt: ['apparmor:unconfined']")
        stack.up()
        self.assertEqual("unconfined", self.label(stack, 1))
        stack.sh("it", "touch /forbidden/file")

    def test_a_profile_that_is_not_loaded_is_named(self):
        stack = self.it("security_opt: ['apparmor=berth-tset']")
        outcome = stack("up", "-d", check=1)
        self.assertIn('AppArmor profile "berth-tset" is not loaded', outcome.err)
        self.assertIn('did you mean "berth-test"?', outcome.err)
        self.assertEqual({}, stack.ps())

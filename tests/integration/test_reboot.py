"""What comes back after a reboot, and the unit that sees to it."""

import glob
import json
import os
import shutil
import subprocess
import uuid

import host
from harness import BERTH, Case, wait_until

POLICIES = """
    services:
      always:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-always}
        stop_grace_period: 0s
        restart: always
      stopped_always:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        restart: always
      unless:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-unless}
        stop_grace_period: 0s
        restart: unless-stopped
      stopped_unless:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        restart: unless-stopped
      restarted_unless:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-restarted_unless}
        stop_grace_period: 0s
        restart: unless-stopped
      never:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-never}
        stop_grace_period: 0s
    """


class Reboot(Case):
    def cut_the_power(self, stack, *services):
        """As far as berth can tell: processes and what lies below $BERTH_RUN are gone, and so are the network's interfaces."""
        pids = [stack.pid(service) for service in services]
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        for pid in pids:
            os.kill(pid, 9)
        wait_until("the processes are gone", lambda: not any(host.is_alive(pid) for pid in pids))
        for name in os.listdir("/sys/class/net"):
            if name.startswith("br-"):
                subprocess.run(["ip", "link", "del", name], check=True)
        shutil.rmtree(self.berth.run)
        for path in glob.glob(f"{self.berth.root}/containers/*/state.json"):
            state = json.loads(host.read(path))
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**state, "boot_id": str(uuid.uuid4())}, file)

    def test_containers_come_back_by_their_restart_policy(self):
        stack = self.stack(POLICIES)
        stack.up("--scale", "stopped_always=1")
        stack("stop", "stopped_always", "stopped_unless", "restarted_unless", check=0)
        stack("start", "restarted_unless", check=0)
        self.cut_the_power(stack, "always", "unless", "restarted_unless", "never")
        self.berth("system", "resume", check=0)
        states = {service: row["State"] for service, row in stack.ps().items()}
        self.assertEqual({"always": "running", "stopped_always": "running", "unless": "running", "stopped_unless": "exited",
                          "restarted_unless": "running", "never": "exited"}, states)
        self.berth("system", "resume", check=0)
        self.assertEqual(states, {service: row["State"] for service, row in stack.ps().items()})


class Unit(Case):
    def systemd_folder(self, script):
        """Runs a shell script where /etc/systemd/system is empty and nobody else's."""
        if not os.path.exists("/etc/systemd"):
            os.mkdir("/etc/systemd")
            self.addCleanup(os.rmdir, "/etc/systemd")
        own = "mount -t tmpfs tmpfs /etc/systemd; mkdir /etc/systemd/system; cd /etc/systemd/system; "
        command = ["unshare", "--mount", "sh", "-ec", own + script]
        return subprocess.run(command, env={**self.berth.environment, "BERTH": BERTH}, capture_output=True, text=True, check=False)

    def test_it_is_written_and_enabled_and_removed_again(self):
        done = self.systemd_folder("""
            "$BERTH" system install-unit >/dev/null
            cat berth.service; readlink multi-user.target.wants/berth.service
            "$BERTH" system install-unit >/dev/null
            "$BERTH" system install-unit --uninstall
            find . -type f -o -type l
            """)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f'ExecStart="{os.path.realpath(BERTH)}" system resume', done.stdout)
        self.assertIn(f'Environment="BERTH_ROOT={self.berth.root}" "BERTH_RUN={self.berth.run}"', done.stdout)
        lines = done.stdout.splitlines()
        self.assertEqual(["/etc/systemd/system/berth.service", "Removed /etc/systemd/system/multi-user.target.wants/berth.service",
                          "Removed /etc/systemd/system/berth.service"], lines[-3:])

    def test_it_goes_if_so_asked(self):
        done = self.systemd_folder("""
            "$BERTH" system install-unit >/dev/null
            "$BERTH" system install-unit --uninstall >/dev/null
            ls berth.service multi-user.target.wants/berth.service 2>/dev/null || echo gone
            """)
        self.assertEqual((0, "gone\n"), (done.returncode, done.stdout), done.stderr)

    def test_systemd_understands_it(self):
        done = self.systemd_folder('mount -t tmpfs tmpfs /run; "$BERTH" system install-unit >/dev/null; systemd-analyze verify ./berth.service')
        if "systemd-analyze" in done.stderr and "not found" in done.stderr:
            self.skipTest("systemd is not installed")
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_without_systemd_it_says_so(self):
        done = self.systemd_folder('rmdir /etc/systemd/system && "$BERTH" system install-unit')
        self.assertEqual(1, done.returncode)
        self.assertIn("/etc/systemd/system is not there", done.stderr)

"""What every integration test stands on: berth with roots of its own, stacks, and a look at the host.

A test observes the kernel (processes, cgroup files, `ip -j`, sockets), not only berth's words. Each test class gets its own
BERTH_ROOT and BERTH_RUN, and ends by proving that the host is as it was before (`host.py`).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
import unittest
import uuid

import busybox
import host

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BERTH = os.environ.get("BERTH", os.path.join(REPO, "build", "berth"))


needs_nftables = unittest.skipUnless(host.has_nftables(), "this kernel has no nftables for IP")


def wait_until(what, condition, seconds=10.0):
    """The first true value of condition(), asked again and again; fails naming `what` when time is up."""
    seconds *= host.PATIENCE
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain until {what}")
        time.sleep(0.02)


class Outcome:
    """What a command did: exit code and both streams."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def json(self):
        """One object per line, or one document."""
        text = self.out.strip()
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            return json.loads(text)

    def __str__(self):
        return f"{' '.join(self.command)}: exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Berth:
    """One state root. Call it like the command: berth("ps", "-a", cwd=...)."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="berth-it-")
        self.root = os.path.join(self.home, "root")
        self.run = os.path.join(self.home, "run")
        self.prefix = []  # words before the command: where it runs
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("COMPOSE_", "BERTH", "DOCKER_"))},
            "BERTH_ROOT": self.root,
            "BERTH_RUN": self.run,
        }

    def __call__(self, *arguments, cwd=None, stdin="", timeout=60, check=None):
        """check: the exit code that must come, or None for any."""
        command = [*self.prefix, BERTH, *arguments]
        done = subprocess.run(command, cwd=cwd or self.home, env=self.environment, input=stdin, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * host.PATIENCE, check=False)
        outcome = Outcome(["berth", *arguments], done.returncode, done.stdout, done.stderr)
        if check is not None and outcome.code != check:
            raise AssertionError(f"expected exit {check}\n{outcome}")
        return outcome

    def import_busybox(self):
        tar = busybox.image_tar()
        self("import", "--change", 'CMD ["sh"]', "--change", "ENV PATH=/bin", tar, "busybox:1", check=0)

    def helpers(self, name):
        """Pids of this root's supervisor or keeper."""
        return host.helper_processes(name, self.run)

    def kill_helpers(self, *names):
        """kill -9, and waits until they are gone."""
        victims = [pid for name in names for pid in self.helpers(name)]
        for reason in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none has time to replace another
            for pid in victims:
                os.kill(pid, reason)
        wait_until(f"{names} {victims} are gone", lambda: not any(host.is_alive(pid) for pid in victims))
        return victims

    def discard(self):
        """Last resort when a test failed halfway: nothing of this root may outlive the test class."""
        for name in ("berth-supervisor", "berth-keeper"):
            self.kill_helpers(name)
        shutil.rmtree(self.home, ignore_errors=True)


class Stack:
    """A project in a folder of its own."""

    def __init__(self, berth, compose, name):
        self.berth, self.name = berth, name
        self.mark = f"mark-{uuid.uuid4().hex[:12]}"
        self.folder = os.path.join(berth.home, name)
        os.makedirs(self.folder, exist_ok=True)
        self.write(compose)

    def write(self, compose):
        """%MARK% becomes an environment variable's value by which the host finds the container's first process."""
        with open(os.path.join(self.folder, "compose.yaml"), "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(compose).replace("%MARK%", self.mark))

    def __call__(self, *arguments, **options):
        return self.berth(*arguments, cwd=self.folder, **options)

    def up(self, *arguments, **options):
        return self("up", "-d", *arguments, check=0, **options)

    def ps(self, *arguments):
        """Service name → its row of `ps -a --format json` (one container per service)."""
        return {row["Service"]: row for row in self("ps", "-a", "--format", "json", *arguments, check=0).json()}

    def exec(self, service, *command, check=0, **options):
        """Exec without a terminal; stdout without the last newline."""
        return self("exec", "-T", service, *command, check=check, **options).out.rstrip("\n")

    def sh(self, service, script, **options):
        return self.exec(service, "sh", "-c", script, **options)

    def let_go(self, service):
        """For one that waits for /go, and may end before the command that makes it has."""
        # What it said can be read a moment before it is on record as running.
        wait_until(f"{service} runs", lambda: self.ps().get(service, {}).get("State") == "running")
        self("exec", "-d", service, "touch", "/go", check=0)

    def pid(self, service):
        """The container's first process, as the host counts."""
        (pid,) = wait_until(f"{service} has a first process", lambda: host.first_processes(f"{self.mark}-{service}"))
        return pid

    def cgroup_file(self, service, controller, v1_name, v2_name):
        """The path of a cgroup file of the container, whichever version holds the controller."""
        return host.cgroup_file(self.pid(service), controller, v1_name, v2_name)


class Case(unittest.TestCase):
    """Base of all tests: a root per class, the host compared before and after, stacks taken down after each test."""

    images = staticmethod(Berth.import_busybox)

    @classmethod
    def setUpClass(cls):
        cls.before = host.snapshot()
        cls.berth = Berth()
        cls.addClassCleanup(cls.berth.discard)
        cls.images(cls.berth)

    @classmethod
    def tearDownClass(cls):
        left = host.differences_once_settled(cls.before, cls.berth)
        if left:
            raise AssertionError("left behind on the host:\n  " + "\n  ".join(left))

    def stack(self, compose, name=None):
        stack = Stack(self.berth, compose, name or re.sub(r"[^a-z0-9]", "", self._testMethodName.lower())[-24:])
        self.addCleanup(lambda: stack("down", "-v", "-t", "0"))
        return stack

    def assert_in_order(self, text, *parts):
        position = 0
        for part in parts:
            found = text.find(part, position)
            self.assertGreaterEqual(found, 0, f"{part!r} is missing (or in the wrong place) in:\n{text}")
            position = found + len(part)

"""kill -9 at a chosen system call of berth's programs (crash_at.c), and what must hold afterwards."""

import itertools
import os
import signal

import host
from attacks import compiled
from harness import Berth, Case, Stack, wait_until

STACK = """
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web, ROUND: "%ROUND%"}
        stop_grace_period: 0s
        restart: always
        ports: ["18944:80"]
        volumes: ["data:/data"]
      count:
        image: busybox:1
        command: ["sh", "-c", "i=0; while :; do i=$$((i+1)); echo $$i; usleep 5000; done"]
        environment: {BERTH_TEST_MARK: %MARK%-count}
        stop_grace_period: 0s
        depends_on: [web]
      job:
        image: busybox:1
        command: ["sh", "-c", "echo first; echo second; printf last; exit 3"]
        environment: {ROUND: "%ROUND%"}
    volumes: {data: }
    """
# How many system calls apart the deaths are, and which is the first; without it a sample is tried.
EVERY = int(os.environ.get("BERTH_TEST_CRASH_EVERY", "0"))
FIRST = int(os.environ.get("BERTH_TEST_CRASH_FIRST", "1"))
HELPERS = "berth-supervisor", "berth-keeper"
# Who dies: where system calls are counted, and all that are killed then.
VICTIMS = {
    "supervisor": ("berth-supervisor", "berth-supervisor"),
    "keeper": ("berth-keeper", "berth-keeper"),
    "command": ("berth", "berth"),
    "both": ("berth-supervisor", "berth-supervisor,berth-keeper"),
    "both_at_the_keepers": ("berth-keeper", "berth-supervisor,berth-keeper"),
}


def runs(numbers):
    """The lines 1, 2, 3… of each run of a container that counts."""
    found = []
    for number in numbers:
        if number == 1:
            found.append([])
        found[-1].append(number)
    return found


class Struck:
    """What became of one command: its exit code and words, and where it was struck; `call` is None where it was over before."""

    def __init__(self, code, text, report):
        self.code, self.text = code, text
        word, count, *call = report.split()
        self.steps, self.call = int(count), int(call[0]) if word == "struck" else None


def strike(berth, victims, which, step, *arguments, **options):
    """Runs the command; the victims (where to count, who dies) die at system call `step` (crash_at.c). 0 = never, to count."""
    where, whom = victims
    report = os.path.join(berth.home, "report")
    pids = [str(pid) for helper in HELPERS for pid in berth.helpers(helper)]
    berth.prefix = [compiled("crash_at.c"), report, where, whom, which, str(step), *pids, "--"]
    try:
        done = berth(*arguments, **options)
    finally:
        berth.prefix = []
    return Struck(done.code, str(done), host.read(report))


class Sweeps(Case):
    """Deaths at many points of something; once() says what that is, and what must hold afterwards."""

    def once(self, which, step, *where):
        """One death. Returns its Struck."""
        raise NotImplementedError

    def tried(self, which, step, *where):
        """once(), as a test of its own: after a failure there is a new root, and the next one is not led astray."""
        struck = None
        with self.subTest(where=where, which=which, step=step):
            try:
                struck = self.once(which, step, *where)
            except BaseException:
                print(host.read(os.path.join(self.berth.run, "supervisor.log")))
                while any(self.berth.helpers(name) for name in HELPERS):
                    self.berth.kill_helpers(*HELPERS)
                for pid in host.pids():
                    if "BERTH_TEST_MARK" in host.environment(pid):
                        os.kill(pid, signal.SIGKILL)
                self.berth.discard()
                type(self).berth = Berth()
                self.addClassCleanup(self.berth.discard)
                self.images(self.berth)
                raise
        return struck

    def sweep(self, which, *where):
        """All of them, or every so many (BERTH_TEST_CRASH_EVERY), until it is over. Says how many deaths there were."""
        about = self.once(which, 0, *where).steps
        deaths = 0
        for step in itertools.count(FIRST, EVERY):
            struck = self.tried(which, step, *where)
            if struck is not None and struck.call is None or step > 2 * about:
                break
            deaths += 1
        print(f"{' '.join(where)}: killed at {deaths} of about {about} points", flush=True)

    def sample(self, which, deaths, *where):
        """So many, spread over it."""
        steps = self.once(which, 0, *where).steps
        for step in sorted({1 + i * steps // deaths for i in range(deaths)}):
            self.tried(which, step, *where)

    def sweep_or_sample(self, deaths, *where):
        if EVERY > 0:
            self.sweep("effects", *where)
        else:
            self.sample("effects", deaths, *where)


class CrashPoints(Sweeps):
    """A stack, a command on it, and a death in the middle."""

    def numbers(self, stack):
        return [int(line) for line in stack("logs", "--no-log-prefix", "--no-color", "count", check=0).out.splitlines()]

    def check_running(self, stack, nobody_looked):
        """`nobody_looked`: the job may have ended while neither helper lived; then nobody knows how, nor what it said."""
        self.assertEqual({"web", "count", "job"}, set(stack.ps()))
        wait_until("the job has ended", lambda: stack.ps()["job"]["State"] == "exited")
        rows = stack.ps()
        self.assertEqual(("running", "running"), (rows["web"]["State"], rows["count"]["State"]), rows)
        self.assertIn(rows["job"]["ExitCode"], {3, 255} if nobody_looked else {3}, rows["job"])
        if not nobody_looked:
            self.assertTrue(stack("logs", "--no-log-prefix", "--no-color", "job", check=0).out.rstrip().endswith("first\nsecond\nlast"))
        for service in ("web", "count"):
            self.assertEqual(1, len(host.first_processes(f"{stack.mark}-{service}")), service)
        self.assertIn("it works", stack.sh("count", "timeout 5 wget -qO- http://web/"))
        before = len(self.numbers(stack))
        wait_until("lines are logged", lambda: len(self.numbers(stack)) > before)
        for run in runs(self.numbers(stack)):
            self.assertEqual(list(range(1, len(run) + 1)), run, "no line is lost, doubled or torn")

    def start_over(self, stack, command):
        """The state that `command` finds."""
        self.write_round(stack, 1)
        if command != "up":
            stack.up()
            wait_until("the job has ended", lambda: stack.ps()["job"]["State"] == "exited")
        if command == "recreate":
            self.write_round(stack, 2)

    def write_round(self, stack, number):
        stack.write(STACK.replace("%ROUND%", str(number)))

    COMMANDS = {
        "up": ("up", "-d"),
        "recreate": ("up", "-d"),
        "restart": ("restart", "-t", "0"),
        "stop": ("stop", "-t", "0"),
        "down": ("down", "-v", "-t", "0"),
    }

    def once(self, which, step, victim, command):
        """The command, then `up` or `down`, then `down`."""
        before = host.snapshot()
        stack = Stack(self.berth, "", "crash")
        self.start_over(stack, command)
        struck = strike(self.berth, VICTIMS[victim], which, step, *self.COMMANDS[command], cwd=stack.folder)
        if struck.call is not None:
            # Helpers come back by themselves, and the command asks them again.
            self.assertEqual(137 if victim == "command" else 0, struck.code, struck.text)
            if command not in ("down", "stop") and step % 2 == 0:
                stack.up()
                self.check_running(stack, "both" in victim)
        stack("down", "-v", "-t", "0", check=0)
        self.assertEqual([], host.differences_once_settled(before, self.berth))
        left = {name for name in os.listdir(self.berth.run)} - {"keeper.lock", "start.lock", "containers", "events", "events.old"}
        self.assertEqual((set(), []), (left, os.listdir(os.path.join(self.berth.run, "containers"))))
        return struck

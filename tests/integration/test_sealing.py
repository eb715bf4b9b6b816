"""CVE-2019-5736 and its kin: no container writes to the programs that start it or enter it, whichever way these come in."""

import hashlib
import os
import re

import host
from attacks import Attacks, attacker, file, loader
from harness import BERTH, wait_until

PROGRAMS = sorted(name for name in os.listdir(os.path.dirname(os.path.realpath(BERTH))) if re.fullmatch(r"berth(-[a-z]+)?", name))


def path_of_loader():
    """What the supervisor names as its loader. The command itself has none: nothing of an image's is executed with it."""
    with open(os.path.join(os.path.dirname(os.path.realpath(BERTH)), "berth-supervisor"), "rb") as program:
        return re.search(rb"/lib[^\0]*/ld-[^\0]+", program.read(65536))[0].decode()


def contents(path):
    with open(path, "rb") as opened:
        return opened.read()


def digests():
    beside = os.path.dirname(os.path.realpath(BERTH))
    return {name: hashlib.sha256(contents(os.path.join(beside, name))).hexdigest() for name in PROGRAMS}


class Sealing(Attacks):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digests = digests()

    def setUp(self):
        """An image that takes over whatever of berth's is executed in it, and a folder to tell of it."""
        self.evil = self.image("evil", file("attack", contents(attacker()), 0o755), file("bin/again", b"#!/proc/self/exe\n", 0o755),
                               file(path_of_loader().lstrip("/"), contents(loader()), 0o755))

    def tearDown(self):
        self.assertEqual(self.digests, digests())

    def evil_stack(self, *lines):
        stack = self.stack("services:\n  it:\n" + "".join(f"    {line}\n" for line in (
            f"image: {self.evil}", "stop_grace_period: 0s", "volumes: ['./seen:/seen']", *lines)))
        os.makedirs(os.path.join(stack.folder, "seen"), exist_ok=True)
        self.seen = os.path.join(stack.folder, "seen", "programs")
        return stack

    def assert_sealed(self, text):
        """The attacker has got hold of the program, and that was all."""
        found = [line for line in text.splitlines() if "program " in line]
        self.assertTrue(found, "the attack did not come so far:\n" + text)
        self.assertEqual([], [line for line in found if not line.endswith("program / EROFS")])

    def test_a_container_whose_command_is_the_runtime(self):
        for command in ("/proc/self/exe", "/bin/again"):
            with self.subTest(command):
                stack = self.evil_stack(f"command: [{command}]")
                stack("up", "-d", check=0)
                wait_until("it has ended", lambda: stack.ps()["it"]["State"] == "exited")
                self.assert_sealed(stack("logs", "--no-log-prefix", check=0).out)
                self.assert_sealed(stack("run", "--rm", "-T", "it", check=0).out)

    def test_a_command_in_a_container_that_is_the_runtime(self):
        stack = self.evil_stack("command: [sleep, '100000']", "cap_add: [SYS_PTRACE]")
        stack.up()
        for command in (["/proc/self/exe"], ["/bin/again"], ["--privileged", "/proc/self/exe"]):
            *options, program = command
            done = stack("exec", "-T", *options, "it", program)
            self.assertEqual((125, "", ""), (done.code, done.out, done.err), "it is berth-init that ran in there, without a program")
        self.assert_sealed(stack("run", "--rm", "-T", "it", "/proc/self/exe", check=0).out)

    def test_a_probe_that_is_the_runtime(self):
        stack = self.evil_stack("command: [sleep, '100000']", "healthcheck: {test: [CMD, /proc/self/exe], interval: 0.1s, retries: 1}")
        stack.up()
        wait_until("it has been probed", lambda: stack.ps()["it"]["Health"] == "unhealthy")
        self.assertFalse(os.path.exists(self.seen), "nothing of the image's ran with the program that probes")
        (name,) = (row["Name"] for row in stack.ps().values())
        self.assertEqual({125}, {probe["ExitCode"] for probe in self.berth("inspect", name, check=0).json()[0]["State"]["Health"]["Log"]})

    def test_a_filter_of_the_users_own_may_forbid_the_small_program(self):
        """Then what enters begins as a copy of the command, which has sealed itself."""
        with open(os.path.join(self.berth.home, "filter.json"), "w", encoding="ascii") as out:
            out.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["execveat"], "action": "SCMP_ACT_ERRNO"}]}')
        stack = self.evil_stack("command: [sleep, '100000']", f"security_opt: ['seccomp={self.berth.home}/filter.json']")
        stack.up()
        self.assertEqual("entered", stack.exec("it", "echo", "entered"))
        done = stack("exec", "-T", "it", "/proc/self/exe")
        self.assertRegex(done.err, "A subcommand is required|berth has no command", "it is we who ran in there")

    def test_a_step_of_a_build_that_is_the_runtime(self):
        """What is executed there is the init that every step has."""
        folder = os.path.join(self.berth.home, "evil-build")
        os.makedirs(folder)
        for command in ('["/proc/self/exe"]', '["/bin/again"]', '["/attack", "program", "/proc/1/exe"]'):
            with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as out:
                out.write(f"FROM {self.evil}\nRUN {command}\n")
            done = self.berth("image", "build", "--progress=plain", "-t", "built:1", folder)
            self.assertRegex(done.out + done.err, "exit code: 125|program /memfd:berth-init .*SEALED")
            self.assertNotIn("WRITABLE", done.out + done.err)

    def test_the_init_of_a_container_is_a_copy(self):
        stack = self.evil_stack("command: [sleep, '100000']", "init: true", "cap_add: [SYS_PTRACE]")
        stack.up()
        self.assertRegex(stack.exec("it", "/attack", "program", "/proc/1/exe"), "^program /memfd:berth-init .*SEALED$")

    def test_what_enters_cannot_be_written_to_while_it_does(self):
        stack = self.armed("cap_add: [SYS_PTRACE]", command='[sh, -c, "/attack watch 3 | grep -v ^FD | sort -u > /seen; sleep 100000"]')
        for _ in range(60):
            stack.exec("it", "true")
        wait_until("the watching is over", lambda: "watched" in stack.sh("it", "cat /seen"))
        self.assertEqual("watched", stack.sh("it", "cat /seen"))

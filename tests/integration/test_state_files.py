"""State files that somebody or something has damaged: named, passed over, and never in the way of other projects."""

import glob
import json
import os
import shutil

import host
from harness import Case, wait_until

WEB = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        restart: "%RESTART%"
    """


def plain(text, restart="no"):
    return text.replace("%RESTART%", restart)


class StateFiles(Case):
    def setUp(self):
        self.good = self.stack(plain(WEB), "good")
        self.good.up()

    def identifier(self, stack):
        return json.loads(stack("ps", "-a", "--no-trunc", "--format", "json", check=0).out.splitlines()[0])["ID"]

    def damages(self, content):
        """Ways to damage a file, by name."""
        yield "empty", b""
        yield "NUL", b"\0" * len(content)
        yield "no object", b"[1, 2]"
        yield "deep", b"[" * 100_000
        for at in range(1, len(content) - 1, max(1, len(content) // 24)):
            yield f"cut at {at}", content[:at]
            yield f"bit at {at}", content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1:]

    def check_others(self, kind, how):
        rows = self.good("ps", "-a", "--format", "json")
        self.assertEqual((0, "running"), (rows.code, rows.json()[0]["State"]), f"{kind} {how}: {rows}")

    def try_damages(self, path):
        with open(path, "rb") as file:
            content = file.read()
        for how, damaged in self.damages(content):
            with open(path, "wb") as file:
                file.write(damaged)
            self.check_others(os.path.basename(path), how)
        return content

    def restore(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def check_record(self, path):
        """What is damaged stops nobody, and the next supervisor names it. Afterwards it is whole again."""
        content = self.try_damages(path)
        self.restore(path, b'{"torn')
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        self.good.up()
        wait_until("it is named", lambda: path in host.read(f"{self.berth.run}/supervisor.log"))
        self.restore(path, content)

    def test_records_of_containers(self):
        stack = self.stack(plain(WEB), "bad")
        stack.up()
        self.check_record(f"{self.berth.root}/containers/{self.identifier(stack)}/config.json")

    def test_states_of_containers(self):
        stack = self.stack(plain(WEB), "bad")
        stack.up()
        pid = stack.pid("web")
        path = f"{self.berth.run}/containers/{self.identifier(stack)}/state.json"
        self.try_damages(path)
        self.restore(path, b"")
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        stack.up()
        self.assertFalse(host.is_alive(pid), "its control group led to it")
        self.assertEqual("running", stack.ps()["web"]["State"])
        self.assertEqual(1, len(host.first_processes(f"{stack.mark}-web")))

    def test_records_of_networks(self):
        stack = self.stack(plain(WEB), "bad")
        stack.up()
        self.check_record(f"{self.berth.root}/networks/{stack.name}_default.json")
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")

    def test_the_exit_journal(self):
        path = f"{self.berth.run}/exits"
        for how, damaged in (("empty", b""), ("cut", b"\1" * 23), ("NUL", b"\0" * 240), ("noise", os.urandom(4096))):
            self.restore(path, damaged)
            self.berth.kill_helpers("berth-supervisor")
            self.good.up()
            self.check_others("exits", how)

    def test_a_link_in_place_of_a_file_is_not_followed_when_it_is_written(self):
        target = os.path.join(self.berth.home, "target")
        with open(target, "w", encoding="utf-8") as file:
            file.write("mine")
        path = f"{self.berth.run}/containers/{self.identifier(self.good)}/state.json"
        os.unlink(path)
        os.symlink(target, path)
        self.good("restart", check=0)
        self.assertEqual("mine", host.read(target))
        self.assertFalse(os.path.islink(path))
        self.check_others("state.json", "link")

    def test_fields_of_another_version(self):
        """Older ones miss some, newer ones have more."""
        identifier, pid = self.identifier(self.good), self.good.pid("web")
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        for path, unknown in ((f"{self.berth.root}/containers/{identifier}/config.json", ("auto_remove", "anonymous_volumes")),
                              (f"{self.berth.run}/containers/{identifier}/state.json", ("attached", "probes", "oom_killed")),
                              (f"{self.berth.root}/networks/good_default.json", ("keep_interface",))):
            state = json.loads(host.read(path))
            for field in unknown:
                state.pop(field, None)
            state["of_the_future"] = {"is": ["unknown"]}
            self.restore(path, json.dumps(state).encode())
        self.good.up()
        self.assertEqual(pid, self.good.pid("web"))
        self.check_others("fields", "of another version")

    def test_a_new_boot_finds_nothing_of_the_last_one(self):
        """As after a reboot: what $BERTH_RUN held is gone, and so are processes, interfaces and control groups."""
        self.berth.kill_helpers("berth-keeper", "berth-supervisor")
        pid = self.good.pid("web")
        os.kill(pid, 9)
        wait_until("it is gone", lambda: not host.is_alive(pid))
        shutil.rmtree(self.berth.run)
        self.good.up()
        self.assertEqual("running", self.good.ps()["web"]["State"])
        self.assertEqual(1, len(glob.glob(f"{self.berth.root}/containers/*")))

"""`berth doctor`: every kind of leftover, made for real, is listed, named and removed; what lives is left alone."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess

import host
from harness import BERTH, Case, needs_nftables, wait_until

STACK = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        ports: ["18977:80"]
        volumes: ["data:/data", "scratch:/scratch"]
    volumes:
      data: {}
      scratch: {driver_opts: {type: tmpfs, device: tmpfs}}
"""


class Doctor(Case):
    def doctor(self, *arguments, check=None):
        outcome = self.berth("doctor", "--format", "json", *arguments)
        if check is not None:
            self.assertEqual(check, outcome.code, outcome)
        return [json.loads(line) for line in outcome.out.splitlines()]

    def kinds(self, rows, state):
        return {row["Kind"] for row in rows if row["State"] == state}

    def kill_berth(self):
        self.berth.kill_helpers("berth-supervisor", "berth-keeper")

    def assert_nothing_left(self, before):
        self.assertEqual([], [row for row in self.doctor(check=0) if row["State"] == "leftover"])
        self.assertEqual([], host.differences_once_settled(before, self.berth))

    def remove_all_state(self, stack):
        """As somebody does who deletes the folders instead of the stack."""
        for path in glob.glob(f"{self.berth.root}/containers/*"):
            shutil.rmtree(path)
        for path in glob.glob(f"{self.berth.root}/networks/*"):
            os.unlink(path)

    def test_an_empty_root_has_nothing(self):
        rows = self.doctor(check=0)
        self.assertEqual({"owned"}, {row["State"] for row in rows})
        self.assertEqual({"file"}, {row["Kind"] for row in rows})

    def test_what_lives_is_listed_with_its_owner_and_left_alone(self):
        stack = self.stack(STACK)
        stack.up()
        pid = stack.pid("web")
        rows = self.doctor(check=0)
        self.assertEqual({"owned"}, {row["State"] for row in rows}, rows)
        of = lambda owner: {row["Kind"] for row in rows if row["Owner"] == owner}
        self.assertEqual({"process", "namespace", "control group", "interface", "file"}, of(f"container {stack.name}-web-1"))
        self.assertEqual({"interface", "file"}, of(f"network {stack.name}_default"))
        self.assertEqual({"mount", "file"}, of(f"volume {stack.name}_scratch"))
        self.assertIn(str(pid), {row["Name"] for row in rows if row["Kind"] == "process"})
        self.assertIn(self.berth.run + "/supervisor.sock", {row["Name"] for row in rows if row["Kind"] == "socket"})
        namespaces = {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("net", "mnt", "pid", "ipc", "uts")}
        self.assertLessEqual(namespaces, {row["Name"] for row in rows if row["Kind"] == "namespace"})
        for helper in ("berth-keeper", "berth-supervisor"):
            (number,) = self.berth.helpers(helper)
            self.assertIn((str(number), "berth"), {(row["Name"], row["Owner"]) for row in rows})
        self.doctor("--fix", check=0)
        self.kill_berth()
        # The containers of killed helpers live on and are nobody's leftovers.
        self.doctor("--fix", check=0)
        self.assertTrue(host.is_alive(pid))
        stack.up()
        self.assertEqual(pid, stack.pid("web"))
        self.assertEqual("hi", stack.exec("web", "echo", "hi"))

    @needs_nftables
    def test_what_deleted_state_leaves_is_found_and_removed(self):
        before = host.snapshot()
        stack = self.stack(STACK)
        stack.up()
        pid = stack.pid("web")
        self.kill_berth()
        self.remove_all_state(stack)
        rows = self.doctor(check=1)
        self.assertEqual({"process", "namespace", "control group", "interface", "nftables table", "mount", "file", "socket"},
                         self.kinds(rows, "leftover") - {"nftables rule"})
        self.assertTrue(host.is_alive(pid), "looking changes nothing")
        table = self.berth("doctor", check=1)
        self.assertRegex(table.out, rf"(?m)^process +{pid} +leftover +no container of that id is on record +sleep 100000")
        self.assertIn("have no owner: `berth doctor --fix` removes them", table.err)
        fixed = self.berth("doctor", "--fix", check=0)
        self.assertIn(f"removed process {pid}", fixed.err)
        self.assertFalse(host.is_alive(pid))
        # The volumes are their user's data.
        self.assertTrue(os.path.isdir(f"{self.berth.root}/volumes/{stack.name}_data/_data"))
        stack("down", "-v", check=0)
        shutil.rmtree(f"{self.berth.root}/volumes/{stack.name}_data", ignore_errors=True)
        shutil.rmtree(f"{self.berth.root}/volumes/{stack.name}_scratch", ignore_errors=True)
        self.assert_nothing_left(before)

    def test_one_deleted_project_goes_and_its_neighbour_lives_on(self):
        living = self.stack(STACK.replace("18977", "18978"), "living")
        living.up()
        stack = self.stack(STACK, "deleted")
        stack.up()
        gone, stays = stack.pid("web"), living.pid("web")
        identifier = stack.ps()["web"]["ID"]
        (folder,) = glob.glob(f"{self.berth.root}/containers/{identifier}*")
        shutil.rmtree(folder)
        os.unlink(f"{self.berth.root}/networks/{stack.name}_default.json")
        rows = self.doctor(check=1)
        self.assertIn(str(gone), {row["Name"] for row in rows if row["State"] == "leftover"})
        self.assertEqual(1, len([row for row in rows if row["Kind"] == "interface" and row["State"] == "leftover" and row["Detail"] == "bridge"]))
        self.doctor("--fix", check=0)
        wait_until("it has gone", lambda: not host.is_alive(gone))
        self.assertTrue(host.is_alive(stays))
        self.assertEqual("hi", living.exec("web", "echo", "hi"))
        self.kill_berth()  # the supervisor still believes in the network that has gone

    def test_a_start_that_was_cut_off_is_a_leftover_only_when_nobody_is_there(self):
        stack = self.stack(STACK)
        stack.up()
        pid = stack.pid("web")
        identifier = stack.ps()["web"]["ID"]
        self.kill_berth()
        (path,) = glob.glob(f"{self.berth.run}/containers/{identifier}*/state.json")
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        state.update(status="created", process={"pid": 0, "start_time": 0})
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)
        rows = self.doctor(check=1)
        self.assertIn(f"container {stack.name}-web-1 does not run", {row["Why"] for row in rows})
        self.doctor("--fix", check=0)
        self.assertFalse(host.is_alive(pid))
        self.assertEqual({"web"}, set(stack.ps()), "the container is on record, and stays")

    def test_a_stale_socket_and_a_directory_without_a_record_go(self):
        os.makedirs(f"{self.berth.root}/containers/{'ab' * 32}/upper", exist_ok=True)
        os.makedirs(f"{self.berth.run}/containers/{'cd' * 32}", exist_ok=True)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(os.path.join(self.berth.run, "supervisor.sock"))
        rows = self.doctor(check=1)
        self.assertEqual({("socket", "supervisor.sock"), ("file", "ab" * 32), ("file", "cd" * 32)},
                         {(row["Kind"], os.path.basename(row["Name"])) for row in rows if row["State"] == "leftover"})
        self.doctor("--fix", check=0)
        self.assertFalse(os.path.exists(f"{self.berth.run}/supervisor.sock"))
        self.assertFalse(os.path.exists(f"{self.berth.root}/containers/{'ab' * 32}"))

    def test_what_cannot_be_read_is_uncertain_and_stays(self):
        folder = f"{self.berth.root}/containers/{'ef' * 32}"
        os.makedirs(folder)
        self.addCleanup(shutil.rmtree, folder)
        with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
            file.write("{")
        volume = f"{self.berth.root}/volumes/precious/_data"
        os.makedirs(volume)
        self.addCleanup(shutil.rmtree, os.path.dirname(volume))
        rows = self.doctor("--fix", check=0)
        self.assertEqual({folder, os.path.dirname(volume)}, {row["Name"] for row in rows if row["State"] == "uncertain"})
        self.assertTrue(os.path.isdir(folder) and os.path.isdir(volume))

    def test_a_build_under_way_is_left_alone_and_what_a_killed_one_left_goes(self):
        before = host.snapshot()
        folder = os.path.join(self.berth.home, "slow-build")
        os.makedirs(folder)
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nRUN sleep 100000\n")
        command = [BERTH, "image", "build", "--network", "none", "-t", "slow:1", folder]
        with subprocess.Popen(command, env=self.berth.environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True) as build:
            self.addCleanup(build.kill)
            groups = lambda: [row for row in self.doctor() if row["Kind"] == "control group" and "/build-" in row["Name"]]
            wait_until("its step runs", lambda: any(row["Detail"] != "0 processes" for row in groups()))
            self.assertEqual({("build", "owned")}, {(row["Owner"], row["State"]) for row in groups()})
            self.doctor("--fix", check=0)
            self.assertEqual(1, len(groups()))
            os.killpg(build.pid, signal.SIGKILL)
        wait_until("it is a leftover", lambda: {"leftover"} == {row["State"] for row in groups()})
        self.doctor("--fix", check=0)
        self.assertEqual([], groups())
        self.assert_nothing_left(before)

    def test_another_root_on_the_same_machine_is_not_ours(self):
        stack = self.stack(STACK)
        stack.up()
        pid = stack.pid("web")
        other = {**self.berth.environment, "BERTH_ROOT": self.berth.root + "-other", "BERTH_RUN": self.berth.run + "-other"}
        done = subprocess.run([BERTH, "doctor", "--fix"], env=other, cwd=self.berth.home, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertNotIn("interface", done.stdout)
        self.assertTrue(host.is_alive(pid))

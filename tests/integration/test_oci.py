"""berth-oci by itself: what a container made from a bundle gets, and its life from create to delete."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import host
import oci
from harness import wait_until

HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
STATUS = "grep -E '^(Uid|Gid|Groups|Umask|Cap|NoNew|Seccomp:)' /proc/self/status"
LINGER = "trap 'exit 7' TERM; while :; do sleep 0.05; done"


def catches(pid, number):
    caught = re.search(r"SigCgt:\s+([0-9a-f]+)", host.read(f"/proc/{pid}/status"))
    return caught and int(caught[1], 16) >> (number - 1) & 1


class BundleCase(unittest.TestCase):
    """A bundle for each test; the host compared before and after the class."""

    @classmethod
    def setUpClass(cls):
        cls.before = host.snapshot()

    @classmethod
    def tearDownClass(cls):
        left = host.differences_once_settled(cls.before)
        if left:
            raise AssertionError("left behind on the host:\n  " + "\n  ".join(left))

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="berth-it-oci-")
        os.chmod(folder, 0o755)  # ids of user namespaces have to get in
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.bundle = oci.Bundle(os.path.join(folder, "bundle"))
        self.oci = oci.Runtime(oci.BERTH_OCI, self.bundle)
        self.addCleanup(self.delete_all)

    def delete_all(self):
        for name in self.oci.left():
            self.oci("delete", "--force", name)

    def path(self, name):
        return os.path.join(self.bundle.folder, name)

    @property
    def process(self):
        return self.bundle.config["process"]

    @property
    def linux(self):
        return self.bundle.config["linux"]

    def run_script(self, text, code=0):
        self.bundle.script(text)
        return self.oci("run", "it", check=code).out

    def linger(self, name="it"):
        self.bundle.script(LINGER)
        self.oci("create", name, check=0)
        self.addCleanup(self.oci, "delete", "--force", name)
        self.oci("start", name, check=0)
        pid = self.oci.state(name)["pid"]
        # Before it has its handler, the first process of a pid namespace ignores the signal.
        wait_until("it handles SIGTERM", lambda: catches(pid, signal.SIGTERM))

    def receive_terminal(self, *command):
        """Runs the command with a console socket; the master that comes over it."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path("console"))
            listener.listen()
            self.oci(command[0], "--console-socket", self.path("console"), *command[1:], check=0)
            connection, _ = listener.accept()
            with connection:
                _, fds, _, _ = socket.recv_fds(connection, 100, 1)
        os.unlink(self.path("console"))
        return fds[0]

    def read_terminal(self, master):
        text = b""
        while True:
            try:
                text += os.read(master, 1000)
            except OSError:  # EIO: the other side has gone
                os.close(master)
                return text.decode()


class Life(BundleCase):
    def test_a_container_waits_until_it_is_started_and_goes_through_all_states(self):
        self.bundle.script("echo up; exit 3")
        self.oci("create", "--pid-file", self.path("pid"), "it", check=0)
        state = self.oci.state("it")
        self.assertEqual((state["status"], state["id"], state["bundle"]), ("created", "it", self.bundle.folder))
        with open(self.path("pid"), encoding="utf-8") as file:
            self.assertEqual(int(file.read()), state["pid"])
        self.assertIn("berth-oci", host.read(f"/proc/{state['pid']}/cmdline"))
        self.oci("start", "it", check=0)
        self.oci.wait_status("it", "stopped")
        self.assertEqual(self.oci.state("it")["pid"], 0)
        self.oci("start", "it", check=1)
        self.oci("delete", "it", check=0)
        self.oci("state", "it", check=1)

    def test_the_second_container_of_a_name_is_refused_and_the_first_left_alone(self):
        self.linger()
        self.assertIn("exists already", self.oci("create", "it", check=1).err)
        self.assertEqual(self.oci.status("it"), "running")
        self.assertIn("not stopped", self.oci("delete", "it", check=1).err)

    def test_control_groups_of_others_are_left_alone(self):
        self.linux["cgroupsPath"] = "/berth-it-oci/shared"
        self.linger()
        self.assertIn("has processes", self.oci("run", "other", check=1).err)
        self.oci("delete", "--force", "other", check=0)
        self.assertEqual(self.oci.status("it"), "running")

    def test_signals_reach_the_process_or_all(self):
        self.linger()
        self.oci("kill", "it", "SIGTERM", check=0)
        self.oci.wait_status("it", "stopped")
        self.assertIn("not running", self.oci("kill", "it", "9", check=1).err)
        self.oci("kill", "--all", "it", "KILL", check=0)
        self.oci("delete", "it", check=0)
        self.bundle.script("trap '' TERM; sleep 1000 & sleep 1000; true")
        self.oci("create", "all", check=0)
        self.oci("start", "all", check=0)
        wait_until("its children run", lambda: len(json.loads(self.oci("ps", "-f", "json", "all").out)) == 3)
        self.oci("kill", "--all", "all", "KILL", check=0)
        self.oci.wait_status("all", "stopped")

    def test_pause_freezes_and_resume_goes_on(self):
        self.linger()
        self.oci("pause", "it", check=0)
        self.assertEqual(self.oci.status("it"), "paused")
        self.assertIn("paused", self.oci("exec", "it", "true", check=255).err)
        self.oci("resume", "it", check=0)
        self.assertEqual(self.oci.status("it"), "running")
        self.oci("resume", "it", check=1)

    def test_list_and_ps_show_what_is_there(self):
        self.linger()
        (entry,) = json.loads(self.oci("list", "-f", "json", check=0).out)
        self.assertEqual((entry["id"], entry["status"]), ("it", "running"))
        self.assertEqual(self.oci("list", "-q", check=0).out, "it\n")
        self.assertRegex(self.oci("list", check=0).out, r"(?m)^ID +PID +STATUS +BUNDLE +CREATED +OWNER$")
        self.assertIn(entry["pid"], json.loads(self.oci("ps", "--format", "json", "it", check=0).out))
        self.assertIn("sleep 0.05", self.oci("ps", "it", check=0).out)

    def test_update_changes_limits_that_were_not_there_before(self):
        self.linger()
        pid = self.oci.state("it")["pid"]
        cpus = ["--cpuset-cpus", "0"] if host.has_controller("cpuset") else []
        self.oci("update", "--memory", str(64 << 20), "--pids-limit", "40", *cpus, "it", check=0)
        self.assertEqual(host.read(host.cgroup_file(pid, "memory", "memory.limit_in_bytes", "memory.max")).strip(), str(64 << 20))
        self.assertEqual(host.read(host.cgroup_file(pid, "pids", "pids.max", "pids.max")).strip(), "40")
        if cpus:
            self.assertRegex(host.read(f"/proc/{pid}/status"), r"Cpus_allowed_list:\s+0\n")
        with open(self.path("limits.json"), "w", encoding="utf-8") as file:
            json.dump({"pids": {"limit": 50}, "memory": {"swap": 1, "kernel": 5}}, file)
        self.assertIn("/memory/kernel: not supported", self.oci("update", "-r", self.path("limits.json"), "it", check=1).err)
        for devices, code in ((self.linux["resources"]["devices"], 0), ([{"allow": True, "access": "rwm"}], 1)):
            with open(self.path("limits.json"), "w", encoding="utf-8") as file:
                json.dump({"pids": {"limit": 50}, "devices": devices}, file)
            self.oci("update", "-r", self.path("limits.json"), "it", check=code)

    def test_hooks_run_in_order_where_the_specification_wants_them(self):
        for kind in HOOKS:
            inside = "startContainer" == kind
            said = f"echo {kind} $(sed 's/.*status\":\"//; s/\".*//') $(readlink /proc/self/ns/mnt | grep -c {self.host_mounts()})"
            where = "" if inside else f" >> {self.path('said')}"
            self.bundle.config.setdefault("hooks", {})[kind] = [{"path": "/bin/sh", "args": ["sh", "-c", said + where]}]
        # The container's root is below its path still, and its own mounts are there.
        seen = f"test -e {self.bundle.rootfs}/proc/self && echo seen >> {self.path('said')}"
        self.bundle.config["hooks"]["createContainer"].append({"path": "/bin/sh", "args": ["sh", "-c", seen], "env": ["PATH=/bin:/usr/bin"]})
        out = self.run_script("echo program")
        self.assertEqual(out, "startContainer created 0\nprogram\n")
        self.assertEqual(host.read(self.path("said")).splitlines(),
                         ["prestart creating 1", "createRuntime creating 1", "createContainer creating 0", "seen",
                          "poststart running 1", "poststop stopped 1"])

    @staticmethod
    def host_mounts():
        return os.readlink("/proc/self/ns/mnt").split("[")[1].rstrip("]")

    def test_a_hook_that_fails_ends_the_container(self):
        for kind in HOOKS[:-1]:
            with self.subTest(kind):
                self.bundle.config["hooks"] = {kind: [{"path": "/bin/false"}],
                                               "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo > {self.path(kind)}"]}]}
                outcome = self.oci("run", "it", check=1)
                self.assertIn(kind, outcome.err)
                self.assertEqual(self.oci.left(), [])
                self.assertTrue(os.path.exists(self.path(kind)), "poststop")

    def test_a_hook_has_only_its_time(self):
        for kind in ("createRuntime", "createContainer"):
            with self.subTest(kind):
                self.bundle.config["hooks"] = {kind: [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]}
                self.assertIn(kind, self.oci("run", "it", check=1).err)


class Process(BundleCase):
    def test_exec_is_what_process_json_says_and_not_more(self):
        self.linger()
        process = {**self.process, "args": ["sh", "-c", STATUS + "; pwd; env; cat /proc/self/oom_score_adj"],
                   "user": {"uid": 5, "gid": 6, "additionalGids": [7]}, "cwd": "/tmp", "env": ["PATH=/bin", "A=b", "HOME=/"],
                   "capabilities": {"bounding": ["CAP_KILL"]}, "oomScoreAdj": 33}
        with open(self.path("process.json"), "w", encoding="utf-8") as file:
            json.dump(process, file)
        out = self.oci("exec", "--process", self.path("process.json"), "it", check=0).out
        self.assertRegex(out, r"Uid:\t5\t5\t5\t5\n(.*\n)*Groups:\t7 \n")
        self.assertRegex(out, r"CapEff:\t0{16}\nCapBnd:\t0{14}20\n")
        self.assertEqual(out.splitlines()[-7], "/tmp")
        self.assertEqual(sorted(out.splitlines()[-6:]), ["33", "A=b", "HOME=/", "PATH=/bin", "PWD=/tmp", "SHLVL=1"])

    def test_exec_takes_flags_and_returns_the_exit_code(self):
        self.linger()
        self.assertEqual(self.oci("exec", "-u", "5:6", "--cwd", "/tmp", "-e", "X=y", "it", "sh", "-c", "id -u; pwd; echo $X", check=0).out,
                         "5\n/tmp\ny\n")
        self.oci("exec", "it", "sh", "-c", "exit 9", check=9)
        self.assertIn("not found", self.oci("exec", "it", "nosuch", check=255).err)
        self.oci("exec", "-d", "--pid-file", self.path("pid"), "it", "sleep", "1000", check=0)
        pid = int(host.read(self.path("pid")))
        self.assertIn(pid, json.loads(self.oci("ps", "-f", "json", "it").out))

    def test_a_terminal_goes_over_the_console_socket(self):
        self.process.update(terminal=True, consoleSize={"height": 33, "width": 99})
        self.bundle.script("tty; stty size; test -c /dev/console && echo console")
        master = self.receive_terminal("create", "it")
        self.oci("start", "it", check=0)
        self.assertEqual(self.read_terminal(master), "/dev/pts/0\r\n33 99\r\nconsole\r\n")
        self.assertIn("--console-socket", self.oci("create", "other", check=1).err)

    def test_exec_gets_a_terminal_of_its_own(self):
        self.linger()
        self.assertRegex(self.read_terminal(self.receive_terminal("exec", "-t", "-d", "it", "tty")), "/dev/pts/0")

    def test_only_the_preserved_descriptors_reach_the_program(self):
        readable, other = os.open("/etc/hostname", os.O_RDONLY), os.open("/etc/hostname", os.O_RDONLY)
        self.addCleanup(os.close, readable)
        self.addCleanup(os.close, other)
        self.bundle.script("ls /proc/self/fd | tr '\\n' ' '; read name <&3; echo $name")
        command = ["sh", "-c", f"exec 3<&{readable} 7<&{other}; exec {oci.BERTH_OCI} --root {self.oci.root} run --preserve-fds 1 it"]
        self.bundle.write()
        done = subprocess.run(command, cwd=self.bundle.folder, pass_fds=(readable, other), stdout=subprocess.PIPE, text=True, check=True)
        # 4 is the directory that ls reads.
        self.assertEqual(done.stdout, f"0 1 2 3 4 {host.read('/etc/hostname').strip()}\n")
        self.assertIn("descriptor", self.oci("run", "--preserve-fds", "50", "it", check=1).err)

    def test_a_waiting_process_holds_nothing_of_the_host(self):
        self.oci("create", "it", check=0)
        pid = self.oci.state("it")["pid"]
        fds = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2}
        self.assertEqual(fds, {self.path("state-berth-oci/it/start")})

    def test_the_program_that_enters_containers_cannot_be_written_to(self):
        """CVE-2019-5736: what /proc/PID/exe leads to lies on a read-only mount."""
        self.oci("create", "it", check=0)
        pid = self.oci.state("it")["pid"]
        self.assertTrue(os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_RDONLY)
        self.assertEqual(os.stat(f"/proc/{pid}/exe").st_ino, os.stat(oci.BERTH_OCI).st_ino)
        with open(os.path.join(self.bundle.rootfs, "tmp/script"), "w", encoding="utf-8") as file:
            file.write("#!/proc/self/exe --version\n")
        os.chmod(file.name, 0o755)
        self.process["args"] = ["/tmp/script"]
        self.oci("run", "script")
        self.process["args"] = ["/proc/self/exe", "--version"]
        self.oci("run", "self", check=0)

    def test_a_scheduling_policy_and_an_io_priority_are_set(self):
        self.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
        self.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
        fields = self.run_script("cat /proc/self/stat; ionice -p $$").split()
        self.assertEqual((fields[18], fields[40]), ("5", "3"))
        self.assertEqual(fields[-3:], ["best-effort:", "prio", "6"])

    def test_a_compiled_seccomp_profile_is_kept_and_found_again(self):
        self.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                 "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
        self.bundle.script("mkdir /tmp/x")
        for _ in range(2):
            self.assertIn("No space left", self.oci("run", "it", check=1).err)
        (kept,) = os.listdir(os.path.join(self.oci.root, "@seccomp"))
        path = os.path.join(self.oci.root, "@seccomp", kept)
        with open(path, "wb") as file:
            file.write(b"torn")
        self.linger()
        self.assertIn("No space left", self.oci("exec", "it", "mkdir", "/tmp/x", check=1).err)

    def test_the_personality_is_the_one_asked_for(self):
        self.linux["personality"] = {"domain": "LINUX32"}
        per_linux32 = "00000008"
        self.assertEqual(per_linux32, self.run_script("cat /proc/self/personality").strip())


class Namespaces(BundleCase):
    MAPS = {"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
            "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}]}

    def add_user_namespace(self, **path):
        self.linux["namespaces"].append({"type": "user", **path})

    def give_root(self, uid, gid):
        for folder, _, files in os.walk(self.bundle.rootfs):
            for name in [folder, *(os.path.join(folder, name) for name in files)]:
                os.lchown(name, uid, gid)

    def test_a_user_namespace_of_its_own_has_the_ids_of_the_maps(self):
        self.add_user_namespace()
        self.linux.update(self.MAPS)
        self.bundle.config["root"]["readonly"] = False
        self.give_root(100000, 200000)
        self.process["oomScoreAdj"] = 10
        out = self.run_script("id -u; cat /proc/self/uid_map /proc/self/gid_map; head -c 3 /dev/zero | wc -c; touch /made; "
                              "cat /proc/self/oom_score_adj; mount -t tmpfs x /tmp && echo mounted; grep CapBnd /proc/self/status")
        self.assertEqual(out.split(), ["0", "0", "100000", "65536", "0", "200000", "65536", "3", "10", "CapBnd:", "0000000020000421"])
        info = os.stat(os.path.join(self.bundle.rootfs, "made"))
        self.assertEqual((info.st_uid, info.st_gid), (100000, 200000))

    def test_exec_enters_the_user_namespace(self):
        self.add_user_namespace()
        self.linux.update(self.MAPS)
        self.linger()
        out = self.oci("exec", "-u", "3:4", "it", "sh", "-c", "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user", check=0).out
        self.assertEqual(out.split()[:4], ["3", "0", "100000", "65536"])
        self.assertEqual(out.split()[4], os.readlink(f"/proc/{self.oci.state('it')['pid']}/ns/user"))

    @unittest.skipUnless(os.path.exists("/proc/self/ns/time"), "this kernel has no time namespaces")
    def test_every_namespace_can_be_that_of_another_container(self):
        self.add_user_namespace()
        self.linux["namespaces"].append({"type": "time"})
        self.linux.update(self.MAPS)
        self.linger("first")
        pid = self.oci.state("first")["pid"]
        kinds = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "cgroup": "cgroup", "user": "user", "time": "time"}
        self.linux["namespaces"] = [{"type": "mount"}] + [
            {"type": kind, "path": f"/proc/{pid}/ns/{name}"} for kind, name in kinds.items()]
        for key in self.MAPS:
            del self.linux[key]
        # Its /proc is that of the pid namespace that it shares.
        out = self.run_script("for n in pid net ipc uts cgroup user time; do readlink /proc/self/ns/$n; done")
        self.assertEqual(out.split(), [os.readlink(f"/proc/{pid}/ns/{name}") for name in kinds.values()])

    @unittest.skipUnless(os.path.exists("/proc/self/ns/time"), "this kernel has no time namespaces")
    def test_a_time_namespace_has_its_offsets(self):
        self.linux["namespaces"].append({"type": "time"})
        self.linux["timeOffsets"] = {"boottime": {"secs": 1_000_000_000}}
        uptime = float(self.run_script("cat /proc/uptime").split()[0])
        self.assertGreater(uptime, 1_000_000_000)

    def test_ids_of_a_bind_mount_are_mapped(self):
        os.makedirs(self.path("source"))
        with open(self.path("source/file"), "w", encoding="utf-8"):
            pass
        mount = {"destination": "/tmp/source", "type": "bind", "source": self.path("source"), "options": ["bind"],
                 "uidMappings": [{"containerID": 0, "hostID": 7000, "size": 1}],
                 "gidMappings": [{"containerID": 0, "hostID": 8000, "size": 1}]}
        self.bundle.config["mounts"] += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}, mount]
        self.assertEqual(self.run_script("stat -c '%u %g' /tmp/source/file"), "7000 8000\n")

    def test_without_pivot_the_root_is_the_bundles_too(self):
        self.bundle.script("ls / ; readlink /proc/self/root")
        out = self.oci("run", "--no-pivot", "it", check=0).out
        self.assertEqual(out.split()[-1], "/")
        self.assertIn("bin", out.split())


class Refusals(BundleCase):
    def assert_refused(self, *words):
        error = self.oci("run", "it", check=1).err
        for word in words:
            self.assertIn(word, error)
        self.assertFalse(os.path.exists(os.path.join(self.oci.root, "it")))

    def test_what_is_not_supported_is_refused_with_its_place(self):
        for part in ("intelRdt", "mountLabel", "memoryPolicy", "netDevices"):
            with self.subTest(part):
                self.linux[part] = {"x": "y"} if part != "mountLabel" else "x"
                self.assert_refused(f"/linux/{part}: not supported")
                del self.linux[part]
        self.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}
        self.assert_refused("/linux/seccomp/listenerPath: not supported")

    def test_all_mistakes_are_named_at_once(self):
        self.process.update(cwd="x", rlimits=[{"type": "RLIMIT_NOFIL", "soft": 1, "hard": 1}])
        self.linux["namespaces"].append({"type": "pid"})
        self.assert_refused("/process/cwd", "/process/rlimits/0/type", "did you mean RLIMIT_NOFILE", "/linux/namespaces/6/type")

    def test_what_the_specification_does_not_know_is_a_warning(self):
        self.bundle.config["linux"]["novelty"] = {"a": 1}
        self.assertIn("/linux/novelty: unknown, ignored", self.oci("run", "it", check=0).err)

    def test_errors_go_to_the_log_as_callers_read_them(self):
        log = self.path("log")
        self.oci("delete", "nosuch", check=1, flags=("--log", log, "--log-format", "json"))
        entry = json.loads(host.read(log))
        self.assertEqual((sorted(entry), entry["level"]), (["level", "msg", "time"], "error"))
        self.assertIn("does not exist", entry["msg"])

    def test_commands_and_flags_that_are_not_there_are_refused_by_name(self):
        for command in ("checkpoint", "restore", "events"):
            self.assertIn(f"the command {command} is not supported", self.oci(command, "it", check=1).err)
        self.assertIn("did you mean create", self.oci("creat", check=1).err)
        self.assertIn("did you mean --bundle", self.oci("create", "--bundel", "x", "it", check=1).err)
        self.assertIn("--systemd-cgroup is not supported", self.oci("list", flags=("--systemd-cgroup",), check=1).err)
        for name in ("", "..", "a/b"):
            self.assertIn("invalid container id", self.oci("create", name, check=1).err)

    def test_features_and_spec_describe_what_works(self):
        features = json.loads(self.oci("features", check=0).out)
        self.assertTrue(features["linux"]["seccomp"]["enabled"])
        self.oci("spec", check=1)  # there is one
        os.makedirs(self.path("new"))
        self.oci("spec", "-b", self.path("new"), check=0)
        with open(self.path("new/config.json"), encoding="utf-8") as file:
            self.bundle.config = json.load(file)
        self.bundle.config["process"].update(terminal=False, args=["true"])
        self.oci("run", "it", check=0)

    def test_berth_oci_is_a_command_of_berth(self):
        self.bundle.script("echo inside")
        self.bundle.write()
        done = subprocess.run([oci.BERTH, "oci", "--root", self.oci.root, "run", "it"], cwd=self.bundle.folder, text=True,
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
        self.assertEqual(done.stdout, "inside\n")


class Crash(BundleCase):
    def killed_at(self, call, count, name):
        """Kills `create` at its count-th such system call; whether it came to that. The container's own process is not traced."""
        command = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}",
                   oci.BERTH_OCI, "--root", self.oci.root, "create", name]
        done = subprocess.run(command, cwd=self.bundle.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=60 * host.PATIENCE, check=False)
        return done.returncode != 0

    def test_a_create_killed_at_any_point_leaves_nothing_that_delete_does_not_remove(self):
        self.bundle.script("sleep 1000")
        self.bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/true"}]}
        self.bundle.write()
        points = 0
        for call, step in (("mkdir", 1), ("mknodat", 1), ("clone3", 1), ("sendmsg", 1), ("recvmsg", 1), ("rename", 1), ("write", 2),
                           ("openat", 7), ("close", 7)):
            killed, count = True, 1
            while killed:
                name = f"{call}-{count}"
                killed = self.killed_at(call, count, name)
                points += killed
                self.assert_no_waiting_orphan(name, killed)
                self.oci("delete", "--force", name, check=0)
                self.oci("state", name, check=1)
                count += step
        self.assertGreater(points, 20)

    def assert_no_waiting_orphan(self, name, was_killed):
        """Either it is on record, or its process has gone by itself."""
        record = os.path.join(self.oci.root, name)
        if not was_killed or not os.path.isdir(record):
            return
        pid = self.oci.state(name)["pid"]
        if pid == 0:
            wait_until("its process has gone", lambda: not self.processes_of(name))

    def processes_of(self, name):
        return [pid for pid in host.pids() if f"berth-oci/{name}\n" in host.read(f"/proc/{pid}/cgroup") + "\n" and host.is_alive(pid)]

    def test_what_is_not_a_container_is_told_and_removed_by_force(self):
        os.makedirs(os.path.join(self.oci.root, "torn"))
        with open(os.path.join(self.oci.root, "torn", "state.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.assertIn("is not JSON", self.oci("state", "torn", check=1).err)
        self.oci("delete", "--force", "torn", check=0)
        self.oci("delete", "--force", "never", check=0)
        self.assertEqual(self.oci("list", "-q", check=0).out, "")


if __name__ == "__main__":
    unittest.main()

"""The same bundles through berth-oci and Debian's runc: what the process sees, what comes out, what is refused."""

import copy
import json
import os
import re
import shutil
import unittest

import oci
from test_oci import LINGER, STATUS, BundleCase


def process(**changes):
    return lambda config: config["process"].update(changes)


def linux(**changes):
    return lambda config: config["linux"].update(changes)


def root(**changes):
    return lambda config: config["root"].update(changes)


def mounts(*more):
    return lambda config: config["mounts"].extend(more)


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def without(*kinds):
    return lambda config: config["linux"].update(
        namespaces=[entry for entry in config["linux"]["namespaces"] if entry["type"] not in kinds])


def seccomp(*rules, default="SCMP_ACT_ALLOW", **more):
    return linux(seccomp={"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": list(rules), **more})


def rule(names, action, **more):
    return {"names": names, "action": action, **more}


MASKED_TMPFS = r"(?m)^(/sys/firmware tmpfs) .*"  # with more options of ours
ID_MAPS = {"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
           "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}
USER_NAMESPACE = (lambda config: config["linux"]["namespaces"].append({"type": "user"}), linux(**ID_MAPS))

# Name, script, changes of the bundle. Output and exit code must be the same.
SEEN = [
    ("identity, capabilities, seccomp", STATUS, ()),
    ("another user", STATUS + "; env | sort", (process(user={"uid": 5, "gid": 6, "umask": 0o27, "additionalGids": [7, 8]}),)),
    ("ambient capabilities", STATUS, (process(user={"uid": 5, "gid": 6}, capabilities={
        kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}),)),
    ("no capabilities", STATUS, (process(capabilities={}),)),
    ("privileges may grow", STATUS, (process(noNewPrivileges=False),)),
    ("limits", "cat /proc/self/limits", (process(rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
                                                         {"type": "RLIMIT_NPROC", "soft": 100, "hard": 200}]),)),
    ("environment", "env | sort", (process(env=["PATH=/bin", "A=1", "HOME=/x"]),)),
    ("home of the user", "env | sort", (process(user={"uid": 65534, "gid": 65534}),)),
    ("working directory", "pwd", (process(cwd="/tmp"),)),
    ("working directory that is missing", "pwd", (process(cwd="/tmp/new/er"), root(readonly=False))),
    ("score of the OOM killer", "cat /proc/self/oom_score_adj", (process(oomScoreAdj=77),)),
    ("descriptors", "ls /proc/self/fd", ()),
    ("signals", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/1/status", ()),
    ("session and group", "cut -d' ' -f4-7 /proc/1/stat", ()),
    ("devices", "for d in $(ls /dev | grep -v core); do stat -c '%n %F %a %u %g %t:%T' /dev/$d; done", ()),
    ("further devices", "stat -c '%n %a %u %g %t:%T %F' /dev/foo /dev/x/y; head -c 1 /dev/foo | wc -c", (linux(devices=[
        {"path": "/dev/foo", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 3, "gid": 4},
        {"path": "/dev/x/y", "type": "p"}]),)),
    ("device rules", "head -c 1 /dev/full | wc -c; head -c 1 /dev/tape 2>&1", (linux(
        devices=[{"path": "/dev/tape", "type": "c", "major": 9, "minor": 0}],
        resources={"devices": [{"allow": False, "access": "rwm"}]}),)),
    ("mounts", "cut -d' ' -f2- /proc/mounts | grep -v '^/ ' | sort", ()),
    ("tmpfs", "grep /tmp/x /proc/mounts; stat -c %a /tmp/x", (mounts(mount("/tmp/x", "tmpfs", "x", "ro", "nosuid", "size=1m", "mode=700")),)),
    ("mode of what a tmpfs covers", "grep /tmp /proc/mounts; stat -c %a /tmp", (mounts(mount("/tmp", "tmpfs", "tmpfs", "noexec")),)),
    ("tmpcopyup", "cat /etc/passwd; stat -c '%a %u %g' /etc/passwd; echo > /etc/new; ls /etc", (mounts(mount("/etc", "tmpfs", "tmpfs", "tmpcopyup")),)),
    ("binds", "grep /tmp/ /proc/mounts; cat /tmp/h; touch /tmp/b/x; test -e /tmp/b/passwd && echo there", (mounts(
        mount("/tmp/b", "bind", "/etc", "rbind", "ro", "nosuid", "noexec"), mount("/tmp/h", "none", "/etc/hostname", "bind", "nodev")),)),
    ("relative bind source", "ls -d /tmp/b/bin", (mounts(mount("/tmp/b", "bind", "rootfs", "bind")),)),
    ("recursive read-only", "touch /tmp/b/x", (mounts(mount("/tmp/b", "bind", "rootfs", "rbind", "rro")),)),
    ("propagation of a bind", "grep /tmp/b /proc/self/mountinfo | cut -d' ' -f4-7 | sed 's/:[0-9]*//'", (
        mounts(mount("/tmp/b", "bind", "/etc", "bind", "rshared")),)),
    ("masked and read-only paths", "cat /proc/keys; ls /sys/firmware; echo 1 > /proc/sys/kernel/sysrq", ()),
    ("a file of /proc that may be covered", "cat /proc/uptime", (mounts(mount("/proc/uptime", "bind", "/etc/hostname", "bind")),)),
    ("names", "hostname; cat /proc/sys/kernel/hostname", (lambda config: config.update(hostname="foo"),)),
    ("sysctls", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_unprivileged_port_start",
     (linux(sysctl={"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}),)),
    ("network of its own", "ip -o link | cut -d' ' -f2,3,9; ip -o addr | cut -d' ' -f2-7", ()),
    ("host's network and pids", "readlink /proc/self/ns/net /proc/self/ns/pid", (without("network", "pid"),)),
    ("read-only root", "touch /x", ()),
    ("writable root", "touch /x && rm /x", (root(readonly=False),)),
    ("private root", "sed -n 1p /proc/self/mountinfo | cut -d' ' -f6-7 | sed 's/:[0-9]*//g'", (linux(rootfsPropagation="private"),)),
    ("root that follows", "sed -n 1p /proc/self/mountinfo | cut -d' ' -f6-7 | sed 's/:[0-9]*//g'", (linux(rootfsPropagation="rslave"),)),
    ("memory, CPU, processes", "cat /proc/self/cgroup | cut -d: -f2 | sort", (linux(resources={
        "memory": {"limit": 33554432, "reservation": 16777216}, "cpu": {"shares": 512, "quota": 20000, "period": 100000}, "pids": {"limit": 50}}),)),
    ("seccomp: errors", STATUS + "; mkdir /tmp/a; kill -0 1", (seccomp(
        rule(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", errnoRet=28), rule(["kill"], "SCMP_ACT_ERRNO")),)),
    ("seccomp: arguments", "kill -10 1; kill -0 1", (seccomp(
        rule(["kill"], "SCMP_ACT_ERRNO", errnoRet=3, args=[{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}])),)),
    ("seccomp: one argument twice", "kill -10 1; kill -12 1; kill -0 1", (seccomp(rule(["kill"], "SCMP_ACT_ERRNO", errnoRet=3, args=[
        {"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 12, "op": "SCMP_CMP_EQ"}])),)),
    ("seccomp: killed", "uname -a; echo $?", (seccomp(rule(["uname"], "SCMP_ACT_KILL_PROCESS")),)),
    ("seccomp while privileges may grow", STATUS + "; mkdir /tmp/a", (
        process(noNewPrivileges=False), seccomp(rule(["mkdir"], "SCMP_ACT_ERRNO")))),
    ("user namespace", STATUS + "; cat /proc/self/uid_map /proc/self/gid_map; stat -c '%u %g %a' /dev/null; grep files /proc/self/limits",
     USER_NAMESPACE),
    ("exit code", "exit 42", ()),
    ("killed", "sh -c 'kill -9 $$'; exit $?", ()),
    ("command by relative path", None, (process(args=["./sh", "-c", "echo here"], cwd="/bin"),)),
    ("control groups to see", "ls -d /sys/fs/cgroup; touch /sys/fs/cgroup/x", (mounts(mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro")),)),
]

# Both refuse these, and leave nothing.
REFUSED = [
    ("no such command", process(args=["nosuch"])),
    ("not executable", process(args=["/etc/passwd"])),
    ("a directory", process(args=["/bin"])),
    ("no command", process(args=[])),
    ("relative working directory", process(cwd="tmp")),
    ("file as working directory", process(cwd="/etc/passwd")),
    ("no root", root(path="nosuch")),
    ("no bind source", mounts(mount("/tmp/b", "bind", "/nonexistent", "bind"))),
    ("no such file system", mounts(mount("/tmp/b", "nosuchfs", "x"))),
    ("no such option", mounts(mount("/tmp/b", "tmpfs", "x", "nonsense=1"))),
    ("over a part of /proc", mounts(mount("/proc/1", "tmpfs", "x"))),
    ("no such namespace", lambda config: config["linux"]["namespaces"].append({"type": "nonsense"})),
    ("namespace twice", lambda config: config["linux"]["namespaces"].append({"type": "pid"})),
    ("no namespace at the path", lambda config: config["linux"]["namespaces"].append({"type": "user", "path": "/nonexistent"})),
    ("no such limit", process(rlimits=[{"type": "RLIMIT_FOO", "soft": 1, "hard": 1}])),
    ("no such action", seccomp(default="SCMP_ACT_FOO")),
    ("no such propagation", linux(rootfsPropagation="nonsense")),
    ("sysctl of the whole machine", linux(sysctl={"kernel.sysrq": "1"})),
    ("sysctl without the namespace", lambda config: (without("network")(config), linux(sysctl={"net.ipv4.ip_forward": "1"})(config))),
    ("name without the namespace", without("uts")),
    ("AppArmor profile", process(apparmorProfile="nonsense")),
    ("hook that fails", lambda config: config.update(hooks={"createRuntime": [{"path": "/bin/false"}]})),
    ("later hook that fails", lambda config: config.update(hooks={"poststart": [{"path": "/bin/false"}]})),
]


@unittest.skipUnless(oci.RUNC, "runc is not installed")
class Compare(BundleCase):
    def setUp(self):
        super().setUp()
        self.runtimes = [self.oci, oci.Runtime(oci.RUNC, self.bundle)]
        self.addCleanup(self.runtimes[1], "delete", "--force", "it")

    def outcomes(self, change, script):
        """Of both; each on a bundle as new."""
        found = []
        for runtime in self.runtimes:
            self.bundle.config = copy.deepcopy(oci.CONFIG)
            if script is not None:
                self.bundle.script(script)
            for step in change:
                step(self.bundle.config)
            if any("/tmp/" in entry["destination"] for entry in self.bundle.config["mounts"]) or "/tmp/" in (script or ""):
                self.bundle.config["root"]["readonly"] = False
            shutil.rmtree(os.path.join(self.bundle.rootfs, "tmp"))
            os.mkdir(os.path.join(self.bundle.rootfs, "tmp"))
            os.chmod(os.path.join(self.bundle.rootfs, "tmp"), 0o1777)
            found.append(runtime("run", "it"))
            self.assertEqual(runtime.left(), [], f"left by {runtime.program}")
        return found

    def test_a_process_sees_the_same(self):
        for name, script, change in SEEN:
            with self.subTest(name):
                ours, theirs = self.outcomes(change, script)
                self.assertEqual((ours.code, re.sub(MASKED_TMPFS, r"\1", ours.out)), (theirs.code, re.sub(MASKED_TMPFS, r"\1", theirs.out)),
                                 f"{ours}\n{theirs}")

    def test_the_same_is_refused(self):
        for name, change in REFUSED:
            with self.subTest(name):
                ours, theirs = self.outcomes([change], "echo it ran")
                self.assertEqual((ours.code, theirs.code), (1, 1), f"{ours}\n{theirs}")
                self.assertNotIn("it ran", ours.out if name != "later hook that fails" else "")

    def test_states_have_the_same_fields_and_values(self):
        self.bundle.config["annotations"] = {"a.b": "c"}
        self.bundle.script(LINGER)
        for runtime in self.runtimes:
            runtime("create", "it", check=0)
        self.assert_states_agree()
        for runtime in self.runtimes:
            runtime("start", "it", check=0)
        self.assert_states_agree()
        for words in (["pause", "it"], ["resume", "it"], ["kill", "it", "KILL"]):
            for runtime in self.runtimes:
                runtime(*words, check=0)
                if words[0] == "kill":
                    runtime.wait_status("it", "stopped")
            self.assert_states_agree()
        ours, theirs = (json.loads(runtime("list", "-f", "json").out)[0] for runtime in self.runtimes)
        self.assertLessEqual(set(theirs), set(ours))
        for runtime in self.runtimes:
            runtime("delete", "it", check=0)

    def assert_states_agree(self):
        ours, theirs = (runtime.state("it") for runtime in self.runtimes)
        self.assertEqual(set(ours), set(theirs))
        for key in ("id", "status", "bundle", "rootfs", "annotations"):
            self.assertEqual(ours[key], theirs[key], key)
        self.assertEqual(bool(ours["pid"]), bool(theirs["pid"]))

    def test_exec_and_its_failures_end_with_the_same_code(self):
        self.bundle.script(LINGER)
        for runtime in self.runtimes:
            runtime("create", "it", check=0)
            runtime("start", "it", check=0)
        for words in (["it", "sh", "-c", "exit 5"], ["it", "nosuch"], ["it", "/etc/passwd"], ["nosuch", "true"],
                      ["--cwd", "/nosuch", "it", "true"], ["-u", "5:6", "it", "sh", "-c", STATUS], ["it", "sh", "-c", "kill -9 $$"]):
            with self.subTest(" ".join(words)):
                ours, theirs = (runtime("exec", *words) for runtime in self.runtimes)
                self.assertEqual((ours.code, ours.out), (theirs.code, theirs.out), f"{ours}\n{theirs}")
        for runtime in self.runtimes:
            runtime("delete", "--force", "it", check=0)


if __name__ == "__main__":
    unittest.main()

"""What a container may not do, looked at from the inside."""

import json
import os
import re
import subprocess
import sys

import host
from harness import Case

PROBE = """
    services:
      it:
        image: busybox:1
        command: ["sleep", "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-it}
        stop_grace_period: 0s
        EXTRA
"""
# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap
DEFAULT_CAPABILITIES = 0x00000000A80425FB
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "uts")
# Lists the root of the mount namespace that is named.
LIST_ROOT = """
import ctypes, os, sys
namespace = os.open(sys.argv[1], os.O_RDONLY)
CLONE_NEWNS = 0x20000
assert ctypes.CDLL(None).setns(namespace, CLONE_NEWNS) == 0
print(os.listdir("/"))
"""


class Confinement(Case):
    def probe(self, extra="", name=None):
        stack = self.stack(PROBE.replace("EXTRA", extra), name)
        stack.up()
        return stack

    def status(self, stack, key, process="1"):
        return stack.sh("it", f"awk '/^{key}:/{{print $2}}' /proc/{process}/status")

    def test_every_namespace_is_the_containers_own(self):
        stack = self.probe()
        for kind in NAMESPACES:
            self.assertNotEqual(os.readlink(f"/proc/self/ns/{kind}"), os.readlink(f"/proc/{stack.pid('it')}/ns/{kind}"), kind)
        self.assertEqual("1", stack.sh("it", "ls /proc | grep -c '^1$'"))

    def test_capabilities_are_the_default_set_for_the_service_and_for_exec(self):
        stack = self.probe()
        for process in ("1", "self"):
            for kind in ("CapEff", "CapPrm", "CapBnd"):
                self.assertEqual(DEFAULT_CAPABILITIES, int(self.status(stack, kind, process), 16), f"{kind} of {process}")
            for kind in ("CapInh", "CapAmb"):
                self.assertEqual(0, int(self.status(stack, kind, process), 16), f"{kind} of {process}")

    def test_cap_drop_and_cap_add_change_the_set(self):
        stack = self.probe("cap_drop: [ALL]\n        cap_add: [NET_BIND_SERVICE]")
        self.assertEqual(1 << 10, int(self.status(stack, "CapEff"), 16))

    def test_another_user_has_no_capabilities(self):
        stack = self.probe('user: "65534:65534"')
        self.assertEqual("65534", stack.sh("it", "id -u"))
        self.assertEqual(0, int(self.status(stack, "CapEff"), 16))

    def test_a_seccomp_filter_is_on_and_refuses(self):
        stack = self.probe()
        self.assertEqual("2", self.status(stack, "Seccomp"))
        self.assertEqual("2", self.status(stack, "Seccomp", "self"))
        outcome = stack("exec", "-T", "it", "unshare", "-U", "true")
        self.assertNotEqual(0, outcome.code)
        self.assertRegex(outcome.err, "(?i)not permitted")

    def test_no_new_privileges_is_set_where_asked(self):
        self.assertEqual("0", self.status(self.probe(name="without"), "NoNewPrivs"))
        asked = self.probe("security_opt: [no-new-privileges:true]", "asked")
        self.assertEqual("1", self.status(asked, "NoNewPrivs"))
        self.assertEqual("1", self.status(asked, "NoNewPrivs", "self"))

    def test_masked_paths_are_empty_and_read_only_paths_refuse_writes(self):
        stack = self.probe()
        for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"):
            self.assertEqual("", stack.sh("it", f"head -c 10 {path} 2>/dev/null || true"), path)
        for path in ("/proc/acpi", "/proc/scsi", "/sys/firmware"):
            self.assertEqual("", stack.sh("it", f"ls {path} 2>/dev/null || true"), path)
        for path in ("/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper"):
            out = stack.sh("it", f"(echo x > {path}) 2>&1 || true")
            self.assertRegex(out, "(?i)read-only|permission denied|nonexistent|no such file", path)
        self.assertRegex(stack.sh("it", "(echo x > /proc/sys/kernel/core_pattern) 2>&1 || true"), "(?i)read-only")

    def test_no_file_descriptor_is_inherited(self):
        stack = self.probe()
        self.assertEqual({"0", "1", "2"}, set(os.listdir(f"/proc/{stack.pid('it')}/fd")))
        # ls opens the folder itself as the one more.
        self.assertEqual("0 1 2 3", " ".join(stack.exec("it", "ls", "/proc/self/fd").split()))

    def test_devices_are_the_few_usual_ones(self):
        stack = self.probe()
        devices = set(stack.exec("it", "ls", "/dev").split())
        self.assertLessEqual({"null", "zero", "full", "random", "urandom", "tty", "pts", "shm", "fd", "stdin"}, devices)
        self.assertLessEqual(devices, {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "mqueue", "fd",
                                       "stdin", "stdout", "stderr", "core", "console"})
        # mknod is allowed, opening is not: the device controller says no, even to root.
        out = stack.sh("it", "mknod /tmp/mem c 1 1 && (head -c 1 /tmp/mem) 2>&1 || true")
        self.assertRegex(out, "(?i)not permitted|permission denied")

    def test_mounts_of_the_host_are_out_of_sight(self):
        stack = self.probe()
        mounts = stack.exec("it", "cat", "/proc/1/mountinfo")
        # Field 5 is where something is mounted; field 4 of a bind mount always tells where it comes from.
        places = [line.split()[4] for line in mounts.splitlines()]
        self.assertFalse([place for place in places if place.startswith((self.berth.home, "/mnt", "/var"))], places)
        (root,) = [line for line in mounts.splitlines() if line.split()[4] == "/"]
        self.assertIn(" - overlay ", root)

    def test_below_the_root_there_is_nothing(self):
        stack = self.probe("privileged: true")
        stack.sh("it", "umount -l /")
        found = subprocess.run([sys.executable, "-c", LIST_ROOT, f"/proc/{stack.pid('it')}/ns/mnt"], capture_output=True, text=True,
                               check=False)
        self.assertEqual(("[]\n", ""), (found.stdout, found.stderr))

    def test_a_privileged_container_can_make_containers_of_its_own(self):
        stack = self.probe("privileged: true")
        stack.sh("it", "unshare -U true")
        made = stack.sh("it", "mkdir -p /new && unshare -m sh -c 'mount -t tmpfs new /new && mkdir /new/old && pivot_root /new /new/old "
                              "&& echo moved'")
        self.assertEqual("moved", made)

    def test_the_hosts_environment_does_not_leak_in(self):
        self.berth.environment["SECRET_OF_THE_HOST"] = "1"
        self.addCleanup(self.berth.environment.pop, "SECRET_OF_THE_HOST")
        stack = self.probe()
        inside = stack.exec("it", "env") + host.read(f"/proc/{stack.pid('it')}/environ")
        self.assertFalse(re.search("SECRET_OF_THE_HOST|BERTH_ROOT|BERTH_RUN", inside), inside)
        self.assertEqual("/bin", stack.sh("it", "echo $PATH"))

    def test_a_read_only_service_cannot_write(self):
        stack = self.probe("read_only: true\n        tmpfs: [/tmp]")
        self.assertRegex(stack.sh("it", "touch /file 2>&1 || true"), "(?i)read-only")
        self.assertEqual("", stack.sh("it", "touch /tmp/file"))

    def test_a_bind_mount_shows_the_hosts_folder(self):
        stack = self.stack(PROBE.replace("EXTRA", 'volumes: ["./shared:/shared", "./shared:/fixed:ro"]'))
        os.makedirs(stack.folder + "/shared")
        stack.up()
        stack.sh("it", "echo hello > /shared/file")
        self.assertEqual("hello\n", host.read(stack.folder + "/shared/file"))
        self.assertRegex(stack.sh("it", "touch /fixed/file 2>&1 || true"), "(?i)read-only")

    def test_a_seccomp_profile_in_dockers_format_counts_for_the_service_and_for_exec(self):
        profile = {"defaultAction": "SCMP_ACT_ALLOW",
                   "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
                   "syscalls": [
                       {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28,
                        "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
                       {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO",
                        "includes": {"minKernel": "99.0"}},
                       {"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["s390"]}}]}
        stack = self.stack(PROBE.replace("EXTRA", "security_opt: ['seccomp:profile.json']"))
        with open(os.path.join(stack.folder, "profile.json"), "w", encoding="utf-8") as file:
            json.dump(profile, file)
        stack.up()
        self.assertEqual("2", self.status(stack, "Seccomp"))
        self.assertIn("No space left", stack.sh("it", "mkdir /tmp/x 2>&1 || :"))
        stack.sh("it", "touch /tmp/f && chmod 600 /tmp/f")
        able = self.stack(PROBE.replace("EXTRA", "security_opt: ['seccomp=profile.json']\n        cap_add: [SYS_ADMIN]"), "able")
        with open(os.path.join(able.folder, "profile.json"), "w", encoding="utf-8") as file:
            json.dump(profile, file)
        able.up()
        able.sh("it", "mkdir /tmp/x && rmdir /tmp/x")
        # One program for each set of capabilities, compiled at the first start and kept.
        kept = os.path.join(self.berth.root, "cache", "profiles")
        programs = {name: os.stat(os.path.join(kept, name)).st_ino for name in os.listdir(kept)}
        self.assertEqual(2, len(programs))
        stack("restart", "-t", "0", check=0)
        self.assertIn("No space left", stack.sh("it", "mkdir /tmp/x 2>&1 || :"))
        self.assertEqual(programs, {name: os.stat(os.path.join(kept, name)).st_ino for name in os.listdir(kept)})

    def test_a_seccomp_profile_that_is_none_is_refused_at_its_place(self):
        for text, part in (("{", "not a seccomp profile"), ('{"defaultAction": "SCMP_ACT_ALLOW", "sycalls": []}', "sycalls")):
            stack = self.stack(PROBE.replace("EXTRA", "security_opt: ['seccomp=profile.json']"))
            with open(os.path.join(stack.folder, "profile.json"), "w", encoding="utf-8") as file:
                file.write(text)
            self.assert_in_order(stack("up", "-d", check=1).err, "compose.yaml:", "profile.json", part)
        missing = self.stack(PROBE.replace("EXTRA", "security_opt: ['seccomp=nowhere.json']"), "nowhere")
        self.assert_in_order(missing("up", "-d", check=1).err, "compose.yaml:", "nowhere.json")

    def test_confinement_that_the_kernel_does_not_have_is_warned_of(self):
        stack = self.stack(PROBE.replace("EXTRA", "security_opt: ['apparmor=strict', 'label=type:x_t', 'label=disable']"))
        outcome = stack("up", "-d")
        for option, there in (("apparmor=strict", host.read("/sys/module/apparmor/parameters/enabled").strip() == "Y"),
                              ("label=type:x_t", os.path.exists("/sys/fs/selinux/enforce"))):
            self.assertIn(option.split("=")[-1] if there else option, outcome.err)
            if there:
                self.assertEqual(1, outcome.code)
        self.assertNotIn("label=disable", outcome.err)

"""Attacks that have worked on container tools, tried on this one: by what runs in a container and by what an image holds.

Named after the CVE where there is one. What is stored and unpacked is in test_archives and the unit tests of images, what
comes from registries in test_pull_hostile, `cp` in test_cp, builds in test_build_hostile, what swaps files at the right
moment in test_races. docs/security.md has the table.
"""

import hashlib
import io
import os
import re
import stat
import subprocess
import tarfile
import time

import host
from attacks import Attacks, attacker, file, folder, link, node
from harness import BERTH, wait_until
from terminal import Terminal


class FromInside(Attacks):
    def test_no_system_call_that_leads_out_is_allowed(self):
        stack = self.armed()
        results = dict(line.split() for line in stack.exec("it", "/attack", "calls").splitlines())
        self.assertGreater(len(results), 25)
        self.assertEqual([], [name for name, result in results.items() if result == "ALLOWED"])

    def test_what_enters_a_container_has_nothing_open_that_it_could_use(self):
        """CVE-2016-9962, CVE-2019-5736, CVE-2024-21626."""
        program = hashlib.sha256(open(BERTH, "rb").read()).hexdigest()
        stack = self.armed("cap_add: [SYS_PTRACE]", command='[sh, -c, "/attack watch 3 | sort -u > /seen; sleep 100000"]')
        for _ in range(30):
            stack.exec("it", "true")
        self.assert_nothing_foreign_was_seen(stack)
        self.assertEqual(program, hashlib.sha256(open(BERTH, "rb").read()).hexdigest())

    def test_what_joins_its_processes_has_nothing_open_that_it_could_use(self):
        """CVE-2016-9962: the first process of a container that shares the pid namespace is born in sight of who is there."""
        stack = self.stack(f"""
            services:
              it:
                image: busybox:1
                command: [sh, -c, "/attack watch 5 | sort -u > /seen; sleep 100000"]
                stop_grace_period: 0s
                volumes: ["{attacker()}:/attack:ro"]
              other: {{image: busybox:1, command: ["true"], pid: "service:it", scale: 20}}
            """)
        stack("up", "-d", check=0)
        stack("up", "-d", "--force-recreate", "--no-deps", "other", check=0)
        self.assert_nothing_foreign_was_seen(stack)

    def assert_nothing_foreign_was_seen(self, stack):
        wait_until("the watching is over", lambda: "watched" in stack.sh("it", "cat /seen"))
        seen = stack.sh("it", "cat /seen").splitlines()
        # Its own log of what it has seen, and what `sort` and `cat` have open, are the container's.
        foreign = [line for line in seen if line != "watched" and not re.search(r" /(seen|proc|proc/.*|dev/.*|bin/.*|.*/containers/[0-9a-f]{64}/std(out|err))$", line)]
        self.assertEqual([], sorted({re.sub(r"[0-9a-f]{64}", "ID", line.split(" ", 2)[2]) for line in foreign}))

    def test_keys_cannot_be_pushed_into_the_users_terminal(self):
        """CVE-2017-5226: whatever the container pushes, it pushes into a terminal of its own."""
        stack = self.armed()
        with Terminal([BERTH, "exec", "it", "/attack", "keys", "touch /pushed\n"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for("TIOCSTI")
            terminal.wait_exit()
        self.assertFalse(os.path.exists("/pushed"))
        marker = os.path.join(stack.folder, "pushed")
        for flags in ("", "-T"):  # a terminal of its own, or the user's as its input
            with Terminal(["sh", "-c", f"{BERTH} exec {flags} it /attack keys 'touch {marker}\n'; echo over; read line; eval \"$line\""],
                          stack.folder, self.berth.environment) as terminal:
                terminal.wait_for("TIOCSTI.*\\s+over")  # from now on keys are the shell's
                terminal.type("true\r")
                terminal.wait_exit()
            self.assertFalse(os.path.exists(marker), flags)

    def test_control_groups_cannot_be_used_to_run_programs_of_the_host(self):
        """CVE-2022-0492."""
        stack = self.armed()
        files = stack.sh("it", "find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name cgroup.procs 2>/dev/null | head -50")
        self.assertIn("cgroup.procs", files)
        for path in files.splitlines():
            self.assertNotEqual(0, stack("exec", "-T", "it", "sh", "-c", f"echo 1 > {path}").code, path)

    def test_the_hosts_network_namespace_holds_no_socket_of_ours_that_can_be_reached(self):
        """CVE-2020-15257."""
        stack = self.armed("network_mode: host")
        abstract = [line.split()[-1] for line in stack.sh("it", "cat /proc/net/unix").splitlines() if " @" in line]
        self.assertEqual([], [name for name in abstract if "berth" in name])
        for directory, _, names in os.walk(self.berth.run):
            for name in names:
                path = os.path.join(directory, name)
                if stat.S_ISSOCK(os.lstat(path).st_mode):
                    self.assertEqual(0o600, stat.S_IMODE(os.lstat(path).st_mode), path)

    def test_advertised_routes_are_not_taken(self):
        """CVE-2020-13401, CVE-2024-32473: by frames that need no IPv6 of the container's own."""
        stack = self.armed("scale: 2")
        self.assertEqual("advertised", stack.exec("it", "/attack", "advertise", "eth0"))
        peer = stack("exec", "-T", "--index", "2", "it", "cat", "/proc/net/if_inet6", check=0).out
        self.assertEqual({"lo"}, {line.split()[-1] for line in peer.splitlines()})
        for command in (["addr"], ["route", "show", "table", "all"]):
            shown = subprocess.run(["ip", "-6", *command], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("2001:db8:66:", shown)
            self.assertNotIn("fe80::66", shown)

    def test_no_program_of_the_image_runs_for_us(self):
        """CVE-2019-14271, CVE-2022-1227, CVE-2026-41567: what tools of ours could be tricked into running in there."""
        trojan = b"#!/bin/sh\ntouch /ran\n"
        image = self.image("trojan", *(file(f"{place}/{name}", trojan, 0o755) for place in ("usr/bin", "usr/sbin", "bin")
                                       for name in ("ps", "tar", "xz", "gzip", "unpigz", "zstd", "nsenter")))
        stack = self.armed(image=image)
        stack("top", check=0)
        stack("stats", "--no-stream", check=0)
        stack.sh("it", "mkdir /some && echo x > /some/file.gz")
        stack("cp", "it:/some", "some", check=0)
        packed = os.path.join(stack.folder, "packed.tar.gz")
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(os.path.join(stack.folder, "some"), "some")
        with open(packed, "rb") as tar:
            subprocess.run([BERTH, "cp", "-", "it:/"], cwd=stack.folder, env=self.berth.environment, stdin=tar, check=True)
        stack("export", "-o", "/dev/null", "it", check=0)
        stack("commit", "it", "committed:1", check=0)
        self.assertNotEqual(0, stack("exec", "-T", "it", "test", "-e", "/ran").code)

    def test_a_group_that_is_denied_stays_denied(self):
        """CVE-2022-2989: the primary group is one of the process's groups."""
        image = self.image("denied", file("secret", b"x", 0o604, 0, 777))
        stack = self.armed('user: "1000:777"', image=image)
        # Not `id -G`, which adds the primary group by itself.
        self.assertIn("777", stack.sh("it", "grep Groups: /proc/self/status").split())
        self.assertNotEqual(0, stack("exec", "-T", "it", "cat", "/secret").code)


class FromTheImage(Attacks):
    def test_numbers_are_never_names_and_never_wrap(self):
        """CVE-2016-3697, CVE-2024-40635, CVE-2026-30892."""
        evil = b"root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n2147483648:x:0:0::/:/bin/sh\n"
        stack = self.armed(image=self.image("passwd", file("etc/passwd", evil)))
        self.assertEqual("1000", stack("exec", "-T", "-u", "1000", "it", "id", "-u", check=0).out.strip())
        self.assertEqual("1000", stack("exec", "-T", "-u", "1000:1000", "it", "id", "-u", check=0).out.strip())
        for user in ("4294967296", "2147483648", "0x0", "-1", "+0", " 0", "00000000000000000000000000001x", "1000:4294967296"):
            done = stack("exec", "-T", f"--user={user}", "it", "id", "-u")
            self.assertNotEqual(0, done.code, f"{user}: {done.out}")

    def test_files_of_users_may_be_anything(self):
        """CVE-2024-9676, CVE-2026-47262."""
        started = time.monotonic()
        for name, entry in (("zero", link("etc/passwd", "/dev/zero")), ("host", link("etc/passwd", "/../../../../etc/hostname")),
                            ("fifo", node("etc/passwd", tarfile.FIFOTYPE)), ("directory", folder("etc/passwd"))):
            image = self.image(f"passwd-{name}", entry)
            stack = self.stack(f"services:\n  it: {{image: {image}, command: [id, -u], user: somebody}}\n", f"passwd{name}")
            self.assertEqual(1, stack("up", "-d", timeout=20).code, name)
            self.assertEqual({}, stack.ps())
        stack = self.armed()
        stack.sh("it", "rm -f /etc/group; truncate -s 5G /etc/group")
        self.assertNotEqual(0, stack("exec", "-T", "-u", "0:somegroup", "it", "true").code)
        self.assertLess(time.monotonic() - started, 60 * host.PATIENCE)

    def test_a_working_directory_leads_nowhere_but_into_the_container(self):
        """CVE-2024-21626, GHSA-q6r4-3wmg-fwcq."""
        stack = self.armed()
        canary = os.path.join(stack.folder, "canary")
        for number in (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 33, 64):
            done = stack("exec", "-T", "-w", f"/proc/self/fd/{number}", "it", "sh", "-c", "cat etc/hostname; ls -a ..; pwd")
            self.assertNotIn(os.path.basename(stack.folder), done.out)
            self.assertTrue(done.code != 0 or "compose.yaml" not in done.out, done)
        for number in (3, 7, 8, 9):
            stack("run", "--rm", "-T", "-w", f"/proc/self/fd/{number}/../../..", "it", "sh", "-c", "ls -a . ..")
        image = self.image("workdir", link("job", canary), changes=["WORKDIR /job/below"])
        done = stack("exec", "-T", "-w", "/nowhere", "it", "pwd")
        self.assertNotEqual(0, done.code)
        other = self.stack(f"services:\n  it: {{image: {image}, command: [pwd]}}\n", "workdir")
        other("up")
        self.assertFalse(os.path.exists(canary))

    def test_volumes_of_an_image_reach_no_file_of_the_host(self):
        """CVE-2022-23648, CVE-2019-16884."""
        stack = self.armed()
        canary = os.path.join(stack.folder, "canary")
        os.mkdir(canary)
        with open(os.path.join(canary, "secret"), "w", encoding="utf-8") as out:
            out.write("host\n")
        image = self.image("volume", link("data", "/../../../../../.." + canary), link("up", "../../../../../../.." + canary),
                           changes=["VOLUME /data", "VOLUME /up"])
        other = self.stack(f"services:\n  it: {{image: {image}, command: [sh, -c, 'cat /data/secret /up/secret; echo x > /data/mine']}}\n", "vol")
        other("up")
        self.assertEqual(["secret"], os.listdir(canary))
        self.assertNotIn("host", other("logs").out)
        for place in ("/proc", "/proc/self/attr"):
            image = self.image("volume-" + place.strip("/").replace("/", "-"), changes=[f"VOLUME {place}"])
            other.write(f"services:\n  it: {{image: {image}, command: [echo, started]}}\n")
            done = other("up", check=1)
            self.assertIn(place, done.err)
            self.assertNotIn("started", other("logs").out)

    def test_a_root_whose_folders_are_links_is_not_followed_to_the_host(self):
        """CVE-2023-27561, CVE-2025-31133, CVE-2025-52565, CVE-2026-41579."""
        stack = self.armed()
        canary = os.path.join(stack.folder, "canary")
        os.makedirs(os.path.join(canary, "pts"))
        with open(os.path.join(canary, "null"), "w", encoding="utf-8") as out:
            out.write("host\n")
        before = self.tree(canary)
        for name in ("proc", "dev", "sys"):
            image = self.image(f"root-{name}", link(name, canary))
            other = self.stack(f"services:\n  it: {{image: {image}, command: [ls, -l, /], tty: true}}\n", f"root{name}")
            other("up")
            self.assertEqual(before, self.tree(canary), name)
            other("down", "-t", "0", check=0)
        image = self.image("dev-inside", link("dev/null", "/proc/sys/kernel/core_pattern"), link("dev/console", os.path.join(canary, "null")),
                           link("dev/pts", os.path.join(canary, "pts")), link("dev/shm", canary))
        core_pattern = host.read("/proc/sys/kernel/core_pattern")
        other = self.stack(f"services:\n  it: {{image: {image}, command: [sh, -c, 'echo x > /dev/null; stat -c %F /dev/null; cat /proc/timer_list | wc -c'], tty: true}}\n", "dev")
        other("up")
        self.assertEqual(before, self.tree(canary))
        self.assertEqual(core_pattern, host.read("/proc/sys/kernel/core_pattern"))
        self.assertIn("character special file", other("logs", "--no-log-prefix").out)

    def tree(self, top):
        seen = []
        for directory, folders, names in os.walk(top):
            for name in folders + names:
                path = os.path.join(directory, name)
                info = os.lstat(path)
                seen.append((path, info.st_mode, info.st_size, info.st_mtime_ns))
        return sorted(seen)

    def test_labels_of_an_image_do_not_make_it_part_of_another_project(self):
        """CVE-2026-53488: what an image says of itself steers nothing."""
        image = self.image("labelled", changes=["LABEL com.docker.compose.project=victim com.docker.compose.service=db com.docker.compose.depends_on=x:service_healthy:true com.docker.compose.oneoff=True"])
        stack = self.stack(f"services:\n  it: {{image: {image}, command: [sleep, '100000'], stop_grace_period: 0s}}\n", "mine")
        stack.up()
        row = stack.ps()["it"]
        self.assertEqual("mine", row["Project"])
        self.assertIn("com.docker.compose.project=mine", row["Labels"])
        self.assertNotIn("victim", row["Labels"])
        self.assertEqual("", self.berth("-p", "victim", "ps", "-aq", check=0).out)
        self.berth("-p", "victim", "down", check=0)
        self.assertEqual("running", stack.ps()["it"]["State"])


    def test_an_archive_whose_index_has_no_end(self):
        """CVE-2023-25153."""
        for name in ("index.json", "manifest.json"):
            path = os.path.join(self.berth.home, "endless.tar")
            with tarfile.open(path, "w") as tar:
                layout = tarfile.TarInfo("oci-layout")
                layout.size = 30
                tar.addfile(layout, io.BytesIO(b'{"imageLayoutVersion":"1.0.0"}'))
                endless = tarfile.TarInfo(name)
                endless.size = 512 << 20
                tar.fileobj.write(endless.tobuf())
                begins = tar.fileobj.tell()
            os.truncate(path, begins + (512 << 20) + 1024)  # without holes it would fill the disk
            process = subprocess.Popen([BERTH, "load", "-i", path], env=self.berth.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            os.unlink(path)
            self.assertNotEqual(0, process.returncode)
            self.assertLess(used.ru_maxrss, 256 << 10, name)  # kB


class Values(Attacks):
    def test_values_that_smuggle_are_refused_before_anything_is_made(self):
        """CVE-2022-0811, CVE-2018-20699, CVE-2024-9407."""
        cases = {
            'sysctls: {"net.ipv4.ip_forward+kernel.core_pattern": "1"}': "net.ipv4.ip_forward+kernel.core_pattern",
            'sysctls: {"kernel.core_pattern": "|/evil"}': "kernel.core_pattern",
            'sysctls: {"net/../kernel/core_pattern": "|/evil"}': "core_pattern",
            'cpuset: "0-4000000000"': "0-4000000000" if host.has_controller("cpuset") else "CONFIG_CPUSETS",
        }
        before = host.read("/proc/sys/kernel/core_pattern")
        for extra, named in cases.items():
            stack = self.stack(f"services:\n  it:\n    image: busybox:1\n    command: [sleep, '1000']\n    {extra}\n", "smuggle")
            done = stack("up", "-d", timeout=20)
            self.assertNotEqual(0, done.code, extra)
            self.assertIn(named, done.err)
            self.assertEqual({}, stack.ps())
        self.assertEqual(before, host.read("/proc/sys/kernel/core_pattern"))
        stack = self.stack('services:\n  it:\n    image: busybox:1\n    command: [cat, /proc/sys/net/ipv4/ip_default_ttl]\n    sysctls: {net.ipv4.ip_default_ttl: "77\\n99"}\n', "newline")
        stack("up")
        self.assertEqual(before, host.read("/proc/sys/kernel/core_pattern"))

    def test_environments_do_not_mix_between_containers_that_start_together(self):
        """CVE-2021-21334."""
        services = "".join(f"  s{n}: {{image: busybox:1, command: [sh, -c, 'echo env=$$SECRET'], environment: {{SECRET: value-{n}}}}}\n" for n in range(25))
        stack = self.stack("services:\n" + services, "environments")
        stack("up", check=0)
        lines = stack("logs", "--no-color", check=0).out.splitlines()
        self.assertEqual({f"s{n}": f"env=value-{n}" for n in range(25)},
                         {line.split("-")[0].strip(): line.split("| ")[1] for line in lines})

    def test_files_of_ours_are_closed_to_other_users(self):
        """CVE-2021-41091, CVE-2021-41103, CVE-2024-25621: a set-user-ID program of a container is none of the host's."""
        stack = self.armed()
        stack.sh("it", "cp /bin/busybox /raise && chmod 4755 /raise")
        (raise_,) = [os.path.join(folder, "raise") for folder, _, names in os.walk(self.berth.root) if "raise" in names]
        os.chmod(self.berth.home, 0o755)  # the roots' own modes are what counts
        self.addCleanup(os.chmod, self.berth.home, 0o700)
        outside = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.assertNotEqual(0, subprocess.run([*outside, raise_, "id"], capture_output=True, check=False).returncode)
        for path in (self.berth.root, self.berth.run):
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "find", path, "-mindepth", "1", "-maxdepth", "1"],
                                  capture_output=True, text=True, check=False)
            inside = [os.path.join(path, name) for name in os.listdir(path)]
            for entry in inside:
                if os.path.isdir(entry) and entry in done.stdout.split():
                    probe = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", entry], capture_output=True, check=False)
                    self.assertNotEqual(0, probe.returncode, f"{entry} is open to others")
        self.assertTrue(stack.ps())

    def test_control_characters_do_not_reach_the_terminal(self):
        stack = self.stack("""
            services:
              it:
                image: busybox:1
                command: [sh, -c, "printf 'a\\\\033]0;owned\\\\007b\\\\033[2Jc\\\\033[31mred\\\\033[0m\\\\n'"]
                labels: {evil: "x\\e]0;owned\\a"}
            """)
        with Terminal([BERTH, "up"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for("red")
            terminal.wait_exit()
            self.assertNotIn("\x1b]0;owned", terminal.text)
            self.assertNotIn("\x1b[2J", terminal.text)
        with Terminal([BERTH, "ps", "-a"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_exit()
            self.assertNotIn("\x1b]", terminal.text)

    def test_a_volume_that_holds_something_keeps_it(self):
        """CVE-2020-1726."""
        image = self.image("copyup", folder("data"), file("data/f", b"image\n"))
        stack = self.stack(f"services:\n  a: {{image: busybox:1, command: [sh, -c, 'echo mine > /data/f'], volumes: ['v:/data']}}\n  b: {{image: {image}, command: [cat, /data/f], volumes: ['v:/data'], depends_on: {{a: {{condition: service_completed_successfully}}}}}}\nvolumes: {{v: }}\n", "keeps")
        stack("up", check=0)
        self.assertIn("mine", stack("logs", "b", check=0).out)

"""`berth cp`: files between containers and here, in both directions, also where the container means harm."""

import io
import os
import shutil
import stat
import subprocess
import tarfile
import time

from harness import BERTH, Case

BOX = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        stop_grace_period: 0s
        volumes: ["data:/data", "./shared:/shared", {type: tmpfs, target: /scratch}]
    volumes:
      data:
    """


class Box(Case):
    def box(self, compose=BOX):
        stack = self.stack(compose)
        os.makedirs(os.path.join(stack.folder, "shared"), exist_ok=True)
        stack.up()
        return stack

    def here(self, stack, path, content=None):
        full = os.path.join(stack.folder, path)
        if content is None:
            with open(full, encoding="utf-8") as file:
                return file.read()
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)
        return full

    def bytes(self, stack, *arguments, stdin=b""):
        return subprocess.run([BERTH, *arguments], cwd=stack.folder, env=self.berth.environment, input=stdin,
                              capture_output=True, check=False, timeout=60)


class Copying(Box):
    def test_a_file_goes_in_and_comes_back(self):
        stack = self.box()
        self.here(stack, "note", "hello\n")
        done = stack("cp", "note", "web:/tmp-note", check=0)
        self.assertIn("Copied", done.err)
        self.assertEqual("hello", stack.sh("web", "cat /tmp-note"))
        self.assertEqual("0 0", stack.sh("web", "stat -c '%u %g' /tmp-note"))
        stack("cp", "web:/tmp-note", "back", check=0)
        self.assertEqual("hello\n", self.here(stack, "back"))
        stack("cp", "web:/tmp-note", "shared", check=0)  # into a directory, under its own name
        self.assertEqual("hello\n", self.here(stack, "shared/tmp-note"))
        stack("cp", "note", "web:tmp-note", check=0)  # from the root, over what is there

    def test_directories_follow_the_rules_of_cp(self):
        stack = self.box()
        self.here(stack, "tree/a/b", "deep\n")
        stack("cp", "tree", "web:/new", check=0)
        self.assertEqual("deep", stack.sh("web", "cat /new/a/b"))
        stack("cp", "tree", "web:/new", check=0)
        self.assertEqual("deep", stack.sh("web", "cat /new/tree/a/b"))
        stack("cp", "tree/.", "web:/data", check=0)
        self.assertEqual("deep", stack.sh("web", "cat /data/a/b"))
        stack("cp", "web:/new/.", "out", check=0)
        self.assertEqual("deep\n", self.here(stack, "out/tree/a/b"))
        self.assertIn("cannot copy a directory over a file", stack("cp", "tree", "web:/data/a/b", check=1).err)
        self.assertIn("does not exist", stack("cp", "tree/a/b", "web:/nowhere/", check=1).err)
        self.assertIn("Could not find the file /none in container", stack("cp", "web:/none", "x", check=1).err)
        self.assertIn("Could not find the file /no/where in container", stack("cp", "tree", "web:/no/where", check=1).err)
        self.assertIn("at least one container source", stack("cp", "tree", "there", check=1).err)
        self.assertIn("between containers", stack("cp", "web:/a", "web:/b", check=1).err)

    def test_owners_modes_links_and_times_with_archive(self):
        stack = self.box()
        stack.sh("web", "mkdir /t; echo x > /t/f; chown 12:34 /t/f; chmod 4751 /t/f; ln -s f /t/l; ln /t/f /t/h; touch -d '2001-02-03 04:05:06' /t/f")
        stack("cp", "-a", "web:/t", "t", check=0)
        info = os.stat(os.path.join(stack.folder, "t/f"))
        self.assertEqual((12, 34, 0o4751, 2), (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode), info.st_nlink))
        self.assertEqual(2001, time.localtime(info.st_mtime).tm_year)
        self.assertEqual("f", os.readlink(os.path.join(stack.folder, "t/l")))
        stack("cp", "-a", "t/f", "web:/t/g", check=0)
        self.assertEqual("12 34 4751", stack.sh("web", "stat -c '%u %g %a' /t/g"))
        stack("cp", "web:/t/f", "mine", check=0)
        self.assertEqual((os.geteuid(), os.getegid()), os.stat(os.path.join(stack.folder, "mine"))[4:6])
        stack("cp", "web:/t/l", "link", check=0)
        self.assertTrue(os.path.islink(os.path.join(stack.folder, "link")))
        stack("cp", "-L", "web:/t/l", "followed", check=0)
        self.assertEqual("x\n", self.here(stack, "followed"))

    def test_what_is_mounted_in_a_running_container_is_reached(self):
        stack = self.box()
        self.here(stack, "note", "hello\n")
        for place in ("/data", "/shared", "/scratch"):
            stack("cp", "note", f"web:{place}/note", check=0)
            self.assertEqual("hello", stack.sh("web", f"cat {place}/note"))
            stack("cp", f"web:{place}/note", "got", check=0)
            self.assertEqual("hello\n", self.here(stack, "got"))
        self.assertEqual("hello\n", self.here(stack, "shared/note"))

    def test_a_stopped_container_too_and_its_volumes(self):
        stack = self.box()
        self.here(stack, "note", "hello\n")
        stack("stop", check=0)
        for place in ("/etc-note", "/data/note", "/shared/note"):
            stack("cp", "note", f"web:{place}", check=0)
            stack("cp", f"web:{place}", "got", check=0)
            self.assertEqual("hello\n", self.here(stack, "got"))
        stack("start", check=0)
        self.assertEqual("hello\nhello\nhello", stack.sh("web", "cat /etc-note /data/note /shared/note"))

    def test_a_stopped_container_has_its_mounts_as_when_it_runs(self):
        """Parts of volumes, volumes that driver options describe, single files, links from the root into a volume, trees of
        images; what is read-only stays so."""
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                volumes:
                  - {type: volume, source: data, target: /part, volume: {subpath: a/b}}
                  - {type: volume, source: data, target: /part/nested, volume: {subpath: c}}
                  - {type: volume, source: shown, target: /shown}
                  - {type: volume, source: data, target: /fixed, read_only: true}
                  - {type: image, source: "busybox:1", target: /image}
                  - ./single:/etc/single
            volumes:
              data:
              shown: {driver: local, driver_opts: {type: none, o: bind, device: ./elsewhere}}
            """)
        self.here(stack, "elsewhere/there", "elsewhere\n")
        self.here(stack, "single", "single\n")
        self.here(stack, "note", "hello\n")
        stack("up", "--no-start", check=0)
        data = os.path.join(self.berth.root, "volumes", f"{stack.name}_data", "_data")
        os.makedirs(f"{data}/a/b/nested")
        os.makedirs(f"{data}/c")

        def both_ways(place):
            stack("cp", "note", f"web:{place}", check=0)
            stack("cp", f"web:{place}", "got", check=0)
            self.assertEqual("hello\n", self.here(stack, "got"), place)

        for state in ("made and never run", "stopped"):
            with self.subTest(state):
                both_ways("/part/note")
                self.assertEqual("hello\n", self.here(stack, f"{data}/a/b/note"))
                both_ways("/part/nested/note")
                self.assertEqual("hello\n", self.here(stack, f"{data}/c/note"))
                both_ways("/shown/note")
                self.assertEqual("hello\n", self.here(stack, "elsewhere/note"))
                stack("cp", "web:/image/var/www/index.html", "got", check=0)
                self.assertIn("works", self.here(stack, "got"))
                self.assertIn("EROFS", stack("cp", "note", "web:/fixed/note", check=1).err)
                self.assertIn("EROFS", stack("cp", "note", "web:/image/note", check=1).err)
                self.here(stack, "single", "single\n")
                stack("cp", "web:/etc/single", "got", check=0)
                self.assertEqual("single\n", self.here(stack, "got"))
            if state != "stopped":
                stack("start", check=0)
                stack.sh("web", "ln -s /shown /link")
                stack("stop", check=0)
        both_ways("/link/through")
        self.assertEqual("hello\n", self.here(stack, "elsewhere/through"))
        shutil.rmtree(f"{data}/c")
        self.assertIn("c", stack("cp", "note", "web:/part/note", check=1).err)

    def test_tars_on_the_standard_streams(self):
        stack = self.box()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            entry = tarfile.TarInfo("d/f")
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"x\n"))
        done = self.bytes(stack, "cp", "-", "web:/data", stdin=buffer.getvalue())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual("x", stack.sh("web", "cat /data/d/f"))
        done = self.bytes(stack, "cp", "web:/data/d", "-")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            self.assertEqual(["d", "d/f"], [name.rstrip("/") for name in tar.getnames()])
        refused = self.bytes(stack, "cp", "-", "web:/data/d/f", stdin=buffer.getvalue())
        self.assertIn(b"must be a directory", refused.stderr)

    def test_all_replicas_get_it_and_index_chooses_one(self):
        stack = self.stack(BOX)
        os.makedirs(os.path.join(stack.folder, "shared"), exist_ok=True)
        stack.up("--scale", "web=2")
        self.here(stack, "note", "hello\n")
        stack("cp", "note", "web:/all", check=0)
        stack("cp", "--index", "2", "note", "web:/second", check=0)
        for index, expected in (("1", "/all"), ("2", "/all /second")):
            seen = stack("exec", "-T", "--index", index, "web", "sh", "-c", "echo $(ls -d /all /second 2>/dev/null)", check=0)
            self.assertEqual(expected, seen.out.strip())
        name = next(row["Name"] for row in stack("ps", "--format", "json", check=0).json() if row["Name"].endswith("2"))
        stack("container", "cp", f"{name}:/second", "got", check=0)
        self.assertEqual("hello\n", self.here(stack, "got"))
        stack("container", "cp", "note", f"{name[:-1]}1:/data/x", check=0)

    def test_a_read_only_container_stays_so(self):
        stack = self.stack(BOX.replace("image: busybox:1", "image: busybox:1\n        read_only: true"))
        os.makedirs(os.path.join(stack.folder, "shared"), exist_ok=True)
        stack.up()
        self.here(stack, "note", "hello\n")
        for _ in ("running", "stopped"):
            self.assertIn("EROFS", stack("cp", "note", "web:/etc-note", check=1).err)
            stack("cp", "note", "web:/data/note", check=0)
            stack("stop", check=0)


class Hostile(Box):
    """CVE-2018-15664, -2019-10152, -2019-14271, -2021-41089, -2026-41568: links that lead to the host, before and while it
    is copied."""

    def test_links_in_the_container_lead_to_the_containers_files(self):
        stack = self.box()
        canary = self.here(stack, "canary/secret", "host\n")
        folder = os.path.dirname(canary)
        stack.sh("web", f"mkdir -p {folder} && echo container > {canary} && ln -s {canary} /link && ln -s {folder} /dir && ln -s / /data/root && ln -s ../../../../../../../.. /data/up")
        stack("cp", "-L", "web:/link", "got", check=0)
        self.assertEqual("container\n", self.here(stack, "got"))
        stack("cp", "got", "web:/dir/secret", check=0)
        stack("cp", "got", f"web:/data/root{canary}", check=0)
        stack("cp", "got", f"web:/data/up{canary}", check=0)
        self.assertEqual("host\n", self.here(stack, "canary/secret"))
        self.assertEqual(["secret"], os.listdir(folder))

    def test_a_race_with_a_link_neither_reads_nor_writes_the_host(self):
        stack = self.box()
        canary = self.here(stack, "canary/secret", "host\n")
        folder = os.path.dirname(canary)
        os.chmod(canary, 0o600)
        stack.sh("web", "mkdir /race-dir && echo container > /race-dir/secret")
        self.here(stack, "in/secret", "written\n")
        # Inside the container the path of the canary does not exist, so that only the host's could be meant.
        stack("exec", "-d", "web", "sh", "-c",
              f"mkdir /a; mv /race-dir /a/d; ln -s {folder} /a/l; cp -a /a/d /race; while :; do mv /race /a/x; cp -P /a/l /race; rm -f /race; mv /a/x /race; done", check=0)
        for _ in range(60):
            out = stack("cp", "web:/race/secret", "out")
            if out.code == 0:
                self.assertEqual(True, self.here(stack, "out") in ("container\n", "written\n"), self.here(stack, "out"))
            stack("cp", "in/.", "web:/race")
            stack("cp", "in/secret", "web:/race/secret")
        self.assertEqual("host\n", self.here(stack, "canary/secret"))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(canary).st_mode))
        self.assertEqual(["secret"], os.listdir(folder))

    def test_a_hostile_tar_stays_inside(self):
        stack = self.box()
        canary = self.here(stack, "canary/secret", "host\n")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            link = tarfile.TarInfo("out")
            link.type, link.linkname = tarfile.SYMTYPE, os.path.dirname(canary)
            tar.addfile(link)
            file = tarfile.TarInfo("out/secret")
            file.size = 5
            tar.addfile(file, io.BytesIO(b"evil\n"))
        done = self.bytes(stack, "cp", "-", "web:/data", stdin=buffer.getvalue())
        self.assertEqual("host\n", self.here(stack, "canary/secret"), done)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("../../evil"))
        self.assertIn(b"leads out", self.bytes(stack, "cp", "-", "web:/data", stdin=buffer.getvalue()).stderr)

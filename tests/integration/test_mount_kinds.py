"""Mounts of other kinds than plain directories: trees of images, volumes that the driver's options describe."""

import os
import subprocess

import host
from harness import Case, wait_until


def mounts():
    """(mount point, file system, root) of the host."""
    found = []
    for line in host.read("/proc/self/mountinfo").splitlines():
        fields = line.split()
        found.append((fields[4], fields[fields.index("-") + 1], fields[3]))
    return found


class Kinds(Case):
    def service(self, lines, rest=""):
        return self.stack(f"""
            services:
              it:
                image: busybox:1
                command: ["sh", "-c", "exec sleep 100000"]
                environment: {{BERTH_TEST_MARK: %MARK%-it}}
                stop_grace_period: 0s
                {lines}
            {rest}
            """)

    def volume_mounts(self, stack):
        prefix = os.path.join(self.berth.root, "volumes", stack.name)
        return [mount for mount in mounts() if mount[0].startswith(prefix)]

    # ---- driver options

    def test_a_bind_by_driver_options_is_mounted_while_containers_use_it(self):
        stack = self.stack("""
            services:
              one:
                image: busybox:1
                command: ["sh", "-c", "exec sleep 100000"]
                stop_grace_period: 0s
                volumes: ['data:/data']
              two:
                image: busybox:1
                command: ["sh", "-c", "exec sleep 100000"]
                stop_grace_period: 0s
                volumes: ['data:/data']
            volumes:
              data: {driver: local, driver_opts: {type: none, o: bind, device: ./shown}}
            """)
        shown = os.path.join(stack.folder, "shown")
        os.makedirs(shown)
        stack.up()
        self.assertEqual(1, len(self.volume_mounts(stack)))
        stack.sh("one", "echo hello > /data/file")
        self.assertEqual("hello\n", host.read(f"{shown}/file"))
        self.assertEqual("hello", stack.exec("two", "cat", "/data/file"))
        stack("stop", "one", check=0)
        self.assertEqual(1, len(self.volume_mounts(stack)), "two still uses it")
        stack("stop", "two", check=0)
        self.assertEqual([], self.volume_mounts(stack))
        stack("start", check=0)
        self.assertEqual("hello", stack.exec("two", "cat", "/data/file"))
        stack("down", "-v", check=0)
        self.assertEqual([], self.volume_mounts(stack))
        self.assertEqual("hello\n", host.read(f"{shown}/file"), "down -v leaves what is not berth's")

    def test_a_tmpfs_by_driver_options_has_the_size_asked_for(self):
        stack = self.service("volumes: ['data:/data']",
                             "volumes: {data: {driver_opts: {type: tmpfs, o: 'size=4m,uid=7,noexec', device: tmpfs}}}")
        stack.up()
        self.assertEqual("4096", stack.sh("it", "df -k /data | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2"))
        self.assertEqual("7", stack.exec("it", "stat", "-c", "%u", "/data"))
        ((_, kind, _),) = self.volume_mounts(stack)
        self.assertEqual("tmpfs", kind)

    def test_what_cannot_be_mounted_is_said_with_its_place_and_leaves_nothing(self):
        stack = self.service("volumes: ['data:/data']",
                             "volumes: {data: {driver_opts: {type: none, o: bind, device: /does/not/exist}}}")
        failed = stack("up", "-d", check=1)
        self.assert_in_order(failed.err, "compose.yaml:", "/does/not/exist")
        self.assertEqual([], self.volume_mounts(stack))
        wrong = self.service("volumes: ['data:/data']", "volumes: {data: {driver_opts: {typ: none}}}")
        self.assert_in_order(wrong("up", "-d", check=1).err, "compose.yaml:", '"typ"', "type, device and o")

    def test_mounts_of_a_volume_go_when_the_supervisor_was_killed_meanwhile(self):
        stack = self.service("volumes: ['data:/data']",
                             "volumes: {data: {driver_opts: {type: tmpfs, device: tmpfs}}}")
        stack.up()
        self.berth.kill_helpers("berth-supervisor")
        stack("kill", check=0)
        wait_until("the volume is unmounted", lambda: self.volume_mounts(stack) == [])

    # ---- images

    def test_the_tree_of_an_image_is_mounted_read_only(self):
        stack = self.service("volumes:\n                  - {type: image, source: busybox:1, target: /image}\n"
                             "                  - {type: image, source: it, target: /part, image: {subpath: var/www}}")
        stack.up()
        self.assertEqual("it works", stack.exec("it", "cat", "/image/var/www/index.html"))
        self.assertEqual("index.html", stack.exec("it", "ls", "/part"))
        stack.exec("it", "touch", "/image/no", check=1)
        self.assertEqual([], [m for m in mounts() if self.berth.home in m[0]], "nothing of it shows on the host")

    def test_the_merged_layers_of_an_image_are_mounted(self):
        folder = os.path.join(self.berth.home, "layered")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write("FROM busybox:1\nRUN echo one > /one && rm /var/www/index.html\nRUN echo two > /two\n")
        self.berth("image", "build", "-q", "-t", "layered:1", folder, check=0, timeout=120)
        stack = self.service("volumes: [{type: image, source: 'layered:1', target: /image}]")
        stack.up()
        self.assertEqual("one\ntwo", stack.sh("it", "cat /image/one /image/two"))
        stack.exec("it", "test", "-e", "/image/var/www/index.html", check=1)
        self.assertIn("used by container", self.berth("rmi", "layered:1", check=1).err)

    def test_a_path_that_the_image_does_not_have_is_said_with_its_place(self):
        stack = self.service("volumes: [{type: image, source: 'busybox:1', target: /image, image: {subpath: no/such}}]")
        self.assert_in_order(stack("up", "-d", check=1).err, "compose.yaml:", "busybox:1", "no/such")

    # ---- what there was before

    def test_subpath_nocopy_and_recursion_of_mounts(self):
        stack = self.service("volumes:\n"
                             "                  - {type: volume, source: data, target: /sub, volume: {subpath: a/b}}\n"
                             "                  - {type: volume, source: fresh, target: /var/www, volume: {nocopy: true}}\n"
                             "                  - {type: bind, source: ./top, target: /all, read_only: true}\n"
                             "                  - {type: bind, source: ./top, target: /writable, read_only: true,\n"
                             "                     bind: {recursive: writable}}\n"
                             "                  - {type: bind, source: ./top, target: /alone, bind: {recursive: disabled}}",
                             "volumes: {data: , fresh: }")
        data = os.path.join(self.berth.root, "volumes", f"{stack.name}_data", "_data")
        below = os.path.join(stack.folder, "top", "below")
        os.makedirs(below)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", below], check=True)
        self.addCleanup(subprocess.run, ["umount", below], check=True)
        failed = stack("up", "-d", check=1)
        self.assertIn("a/b", failed.err)
        stack("up", "--no-start", check=0)
        os.makedirs(f"{data}/a/b", exist_ok=True)
        stack.up()
        stack.sh("it", "touch /sub/here /writable/below/yes")
        self.assertTrue(os.path.exists(f"{data}/a/b/here"))
        self.assertTrue(os.path.exists(f"{below}/yes"))
        self.assertEqual("", stack.exec("it", "ls", "/var/www"))
        stack.exec("it", "touch", "/all/below/no", check=1)
        self.assertEqual("", stack.exec("it", "ls", "/alone/below"))

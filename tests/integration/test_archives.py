"""save, export and commit, and the exchange of images with other tools in both directions."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile

import busybox
import host
from harness import BERTH, Case, wait_until
from terminal import Terminal

STACK = """
    services:
      it:
        image: busybox:1
        command: [sleep, '100000']
        environment: {BERTH_TEST_MARK: %MARK%-it}
        stop_grace_period: 0s
        volumes: ['data:/data']
    volumes: {data: }
"""
CHANGES = """
    echo new > /new && chown 12:34 /new && chmod 4711 /new && ln /new /hard && ln -s ../nowhere /link && mkfifo /pipe &&
    rm /etc/group && rm -r /var && mkdir /var && echo v > /var/fresh && echo secret > /data/volume
"""


CAPABILITY = bytes.fromhex("01000002002000000000000000000000 00000000")  # cap_net_raw+ep


def add(tar, name, content=b"", **fields):
    """A file from memory, or whatever the fields make of it."""
    entry = tarfile.TarInfo(name)
    for field, value in {"mode": 0o755, **fields}.items():
        setattr(entry, field, value)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def tar_bytes(fill):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        fill(tar)
    return buffer.getvalue()


def docker_archive(path, name, layers):
    """An image of these layers (tars), as docker save writes it."""
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Env": ["PATH=/bin"], "Cmd": ["sleep", "100000"]},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]}}).encode()

    def fill(tar):
        add(tar, "config.json", config)
        for digest, layer in zip(digests, layers):
            add(tar, digest + ".tar", layer)
        add(tar, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [name],
                                               "Layers": [digest + ".tar" for digest in digests]}]).encode())

    with open(path, "wb") as file:
        file.write(tar_bytes(fill))


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options).stdout


class Archives(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="berth-it-archives-")
        self.addCleanup(folder.cleanup)
        self.work = folder.name

    def path(self, name):
        return os.path.join(self.work, name)

    def changed_stack(self):
        stack = self.stack(STACK)
        stack.up()
        stack.sh("it", CHANGES)
        return stack

    def members(self, archive):
        with tarfile.open(archive) as tar:
            return {member.name: member for member in tar.getmembers()}

    def check_export(self, members):
        self.assertEqual(0o4711, members["new"].mode)
        self.assertEqual((12, 34), (members["new"].uid, members["new"].gid))
        self.assertTrue({members["hard"].islnk(), members["new"].islnk()} == {True, False}, "one is a link to the other")
        self.assertEqual("../nowhere", members["link"].linkname)
        self.assertTrue(members["pipe"].isfifo())
        self.assertIn("bin/busybox", members)
        self.assertIn("var/fresh", members)
        for gone in ("etc/group", "etc/.wh.group", "var/www", "var/www/index.html", "data/volume"):
            self.assertNotIn(gone, members)

    def test_export_gives_the_file_system_without_volumes(self):
        stack = self.changed_stack()
        stack("export", "it", "-o", self.path("a.tar"), check=0)
        self.check_export(self.members(self.path("a.tar")))
        self.assertEqual(0o600, os.stat(self.path("a.tar")).st_mode & 0o777)
        stack("stop", check=0)
        self.berth("container", "export", "-o", self.path("b.tar"), f"{stack.name}-it-1", check=0)
        self.check_export(self.members(self.path("b.tar")))
        # What is exported comes in again as the root of an image.
        self.berth("import", "--change", "ENV PATH=/bin", self.path("b.tar"), "again:1", check=0)
        again = self.stack("services: {it: {image: 'again:1', command: [sleep, '1000'], stop_grace_period: 0s}}", "again")
        again.up()
        self.assertEqual("v", again.sh("it", "cat /var/fresh"))

    def test_export_of_what_is_not_there_leaves_no_file(self):
        stack = self.changed_stack()
        outcome = self.berth("container", "export", "-o", self.path("x.tar"), f"{stack.name}-it-2")
        self.assertEqual(1, outcome.code)
        self.assertIn(f"{stack.name}-it-1", outcome.err)
        self.assertEqual(1, stack("export", "it", "-o", self.path("none/x.tar")).code)
        self.assertEqual([], os.listdir(self.work))

    def test_commit_makes_an_image_of_the_changes(self):
        stack = self.changed_stack()
        stack("commit", "-a", "me", "-m", "changed", "-c", "ENV A=1", "-c", 'CMD ["sleep", "99999"]', "it", "changed:1", check=0)
        (config,) = json.loads(self.berth("image", "inspect", "changed:1", check=0).out)
        self.assertEqual(("me", "changed"), (config["Author"], config["Comment"]))
        self.assertEqual(["sleep", "99999"], config["Config"]["Cmd"])
        self.assertIn("A=1", config["Config"]["Env"])
        self.assertEqual(2, len(config["RootFS"]["Layers"]))
        history = self.berth("image", "history", "--format", "{{.CreatedBy}}|{{.Comment}}", "changed:1", check=0).out.splitlines()
        self.assertEqual(["sleep 100000|changed", "|Imported from a root file system tar"], history)
        again = self.stack("services: {it: {image: 'changed:1', stop_grace_period: 0s}}", "changed")
        again.up()
        self.assertEqual("v 1", again.sh("it", "echo $(cat /var/fresh) $A"))
        self.assertEqual("fresh", again.sh("it", "ls /var"), "what was in the directory before is gone")
        self.assertEqual("4711 12:34 2", again.sh("it", "stat -c '%a %u:%g %h' /new"))
        self.assertEqual("gone", again.sh("it", "test -e /etc/group || echo gone"))
        self.assertEqual("", again.sh("it", "ls /data"), "volumes are not part of an image")

    def test_a_commit_that_is_killed_leaves_nothing_frozen(self):
        stack = self.stack(STACK)
        stack.up()
        stack.sh("it", "dd if=/dev/zero of=/big bs=1M count=200 2>/dev/null")
        group = [line[3:] for line in host.read(f"/proc/{stack.pid('it')}/cgroup").splitlines() if line.startswith("0::")]
        mounts = [point for point, controllers in host.cgroup_mounts() if not controllers]
        freeze = mounts[0] + group[0] + "/cgroup.freeze"
        command = subprocess.Popen([BERTH, "commit", "it", "big:1"], cwd=stack.folder, env=self.berth.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the container is frozen", lambda: host.read(freeze).strip() == "1" or command.poll() is not None)
        self.assertIsNone(command.poll(), "the commit was over before it was seen")
        command.kill()
        command.wait()
        wait_until("the container is thawed", lambda: host.read(freeze).strip() == "0")
        self.assertEqual("hi", stack.exec("it", "echo", "hi"))
        self.assertNotEqual(0, self.berth("image", "inspect", "big:1").code)

    def test_what_is_saved_is_read_by_other_tools_and_by_us(self):
        stack = self.changed_stack()
        stack("commit", "it", "saved:1", check=0)
        self.berth("save", "-o", self.path("saved.tar"), "saved:1", "busybox:1", check=0)
        first = open(self.path("saved.tar"), "rb").read()
        self.berth("save", "-o", self.path("again.tar"), "saved:1", "busybox:1", check=0)
        self.assertEqual(first, open(self.path("again.tar"), "rb").read(), "the same images give the same bytes")
        image = json.loads(self.berth("image", "inspect", "saved:1", check=0).out)[0]
        for source in (f"docker-archive:{self.path('saved.tar')}:saved:1", self.single_archive("saved:1")):
            config = json.loads(run("skopeo", "inspect", "--config", "--raw", source))
            self.assertEqual(image["RootFS"]["Layers"], config["rootfs"]["diff_ids"], source)
        self.berth("rmi", "-f", "saved:1", check=0)
        self.berth("load", "-i", self.path("saved.tar"), check=0)
        self.assertEqual(image["Id"], json.loads(self.berth("image", "inspect", "saved:1", check=0).out)[0]["Id"])

    def single_archive(self, name):
        self.berth("save", "-o", self.path("single.tar"), name, check=0)
        return "oci-archive:" + self.path("single.tar")

    def test_umoci_unpacks_our_layers_and_we_its(self):
        self.changed_stack()("commit", "it", "ours:1", check=0)
        run("skopeo", "--insecure-policy", "copy", self.single_archive("ours:1"), f"oci:{self.path('layout')}:theirs")
        run("umoci", "unpack", "--image", self.path("layout") + ":theirs", self.path("bundle"))
        root = self.path("bundle/rootfs")
        self.assertEqual(["fresh"], os.listdir(root + "/var"))
        self.assertFalse(os.path.exists(root + "/etc/group"))
        self.assertEqual(0o4711, os.stat(root + "/new").st_mode & 0o7777)
        self.assertEqual(2, os.stat(root + "/new").st_nlink)
        # umoci changes it and packs it again: back to us.
        with open(root + "/from-umoci", "w", encoding="utf-8") as file:
            file.write("hello\n")
        os.unlink(root + "/var/fresh")
        run("umoci", "repack", "--image", self.path("layout") + ":theirs", self.path("bundle"))
        run("tar", "-C", self.path("layout"), "-cf", self.path("theirs.tar"), ".")
        self.berth("load", "-i", self.path("theirs.tar"), check=0)
        stack = self.stack("services: {it: {image: 'theirs', command: [sleep, '1000'], stop_grace_period: 0s}}", "theirs")
        stack.up()
        self.assertEqual("hello", stack.sh("it", "cat /from-umoci; ls /var"))

    def test_buildah_builds_on_our_image_and_keeps_our_layers(self):
        self.changed_stack()("commit", "it", "ours:2", check=0)
        layers = json.loads(self.berth("image", "inspect", "-f", "{{json .RootFS.Layers}}", "ours:2", check=0).out)
        self.berth("save", "-o", self.path("ours.tar"), "ours:2", check=0)
        buildah = ["buildah", "--storage-driver", "vfs", "--root", self.path("storage"), "--runroot", self.path("runroot")]
        with open(self.path("note"), "w", encoding="utf-8") as file:
            file.write("from buildah\n")
        container = run(*buildah, "from", "docker-archive:" + self.path("ours.tar"), text=True).strip()
        run(*buildah, "copy", container, self.path("note"), "/note")
        for kind, name in (("docker-archive", "docker/format:1"), ("oci-archive", "oci/format:1")):
            run(*buildah, "commit", container, f"{kind}:{self.path('built.tar')}:{name}")
            self.berth("load", "-q", "-i", self.path("built.tar"), check=0)
            os.unlink(self.path("built.tar"))
            built = json.loads(self.berth("image", "inspect", "-f", "{{json .RootFS.Layers}}", name, check=0).out)
            self.assertEqual(layers, built[:-1], name)
        run(*buildah, "rm", container)
        stack = self.stack("services: {it: {image: 'oci/format:1', stop_grace_period: 0s}}", "buildah")
        stack.up()
        self.assertEqual("from buildah fresh", stack.sh("it", "echo $(cat /note) $(ls /var)"))

    def test_an_image_of_200_layers_runs_is_committed_and_exported(self):
        with open(busybox.image_tar(), "rb") as file:
            layers = [file.read()]
        for i in range(1, 200):
            def fill(tar, i=i):
                add(tar, "last", str(i).encode())
                add(tar, f"layer-{i}", b"x")
                if i > 1:
                    add(tar, f".wh.layer-{i - 1}")
            layers.append(tar_bytes(fill))
        docker_archive(self.path("many.tar"), "many:1", layers)
        self.berth("load", "-q", "-i", self.path("many.tar"), check=0)
        stack = self.stack("services: {it: {image: 'many:1', stop_grace_period: 0s}}", "many")
        stack.up()
        self.assertEqual("199 /layer-199", stack.sh("it", "echo $(cat /last) $(ls -d /layer-*)"))
        stack.sh("it", "rm /layer-199; echo own > /own")
        stack("commit", "it", "many:2", check=0)
        stack("export", "it", "-o", self.path("export.tar"), check=0)
        names = self.members(self.path("export.tar"))
        self.assertIn("own", names)
        self.assertEqual([], [name for name in names if name.startswith("layer-")])
        self.berth("save", "-o", self.path("many2.tar"), "many:2", check=0)
        self.berth("rmi", "-f", "many:2", check=0)
        self.berth("load", "-q", "-i", self.path("many2.tar"), check=0)
        again = self.stack("services: {it: {image: 'many:2', stop_grace_period: 0s}}", "many2")
        again.up()
        self.assertEqual("199 own", again.sh("it", "echo $(cat /last) $(cat /own) $(ls -d /layer-* 2>/dev/null)"))

    def test_capabilities_attributes_and_devices_go_through_all_of_it(self):
        with open(busybox.image_tar(), "rb") as file:
            layers = [file.read()]

        def fill(tar):
            xattrs = {"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1"), "SCHILY.xattr.user.note": "kept",
                      "SCHILY.xattr.trusted.overlay.opaque": "y"}
            add(tar, "capable", b"program", pax_headers=xattrs, uid=0, mtime=1000000000)
            add(tar, "console", type=tarfile.CHRTYPE, devmajor=5, devminor=1, mode=0o620, gid=5)

        layers.append(tar_bytes(fill))
        docker_archive(self.path("rich.tar"), "attributes:1", layers)
        self.berth("load", "-q", "-i", self.path("rich.tar"), check=0)
        stack = self.stack("services: {it: {image: 'attributes:1', stop_grace_period: 0s}}", "attributes")
        stack.up()
        stack.sh("it", "cp -a /capable /copy && touch -d @1000000001 /copy && mv /console /moved")
        stack("commit", "it", "attributes:2", check=0)
        stack("export", "it", "-o", self.path("export.tar"), check=0)
        members = self.members(self.path("export.tar"))
        self.assertEqual("kept", members["capable"].pax_headers["SCHILY.xattr.user.note"])
        self.assertEqual(CAPABILITY, members["capable"].pax_headers["SCHILY.xattr.security.capability"].encode("latin-1"))
        self.assertNotIn("SCHILY.xattr.trusted.overlay.opaque", members["capable"].pax_headers)
        self.assertEqual(1000000000, members["capable"].mtime)
        device = members["moved"]
        self.assertEqual((True, 5, 1, 0o620, 5), (device.ischr(), device.devmajor, device.devminor, device.mode, device.gid))
        self.assertNotIn("console", members)
        again = self.stack("services: {it: {image: 'attributes:2', stop_grace_period: 0s}}", "attributes2")
        again.up()
        self.assertEqual("5:1 1000000001", again.sh("it", "echo $(stat -c %t:%T /moved) $(stat -c %Y /copy)"))

    def test_an_archive_is_not_written_to_a_terminal(self):
        with Terminal([BERTH, "save", "busybox:1"], self.work, self.berth.environment) as terminal:
            terminal.wait_for("-o FILE")
            self.assertEqual(1, terminal.wait_exit())

    def test_save_streams_to_standard_output(self):
        data = run(BERTH, "save", "busybox:1", env=self.berth.environment)
        names = tarfile.open(fileobj=io.BytesIO(data)).getnames()
        self.assertEqual(["index.json", "manifest.json", "oci-layout"], names[-3:])
        self.assertEqual(sorted(names), names)
        self.assertNotEqual(0, self.berth("save", "busybox:2").code)

"""Images from files: root file system tars, docker-archive and OCI-layout tars written by other tools."""

import os
import subprocess
import tempfile

import busybox
from harness import Case


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Images(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = tempfile.mkdtemp(prefix="berth-it-images-")
        cls.layout = os.path.join(cls.work, "layout")
        run("umoci", "init", "--layout", cls.layout)
        run("umoci", "new", "--image", cls.layout + ":made")
        bundle = os.path.join(cls.work, "tree")
        os.makedirs(bundle)
        run("tar", "-C", bundle, "-xf", busybox.image_tar())
        run("umoci", "insert", "--image", cls.layout + ":made", bundle, "/")
        extra = os.path.join(cls.work, "second-layer")
        with open(extra, "w", encoding="utf-8") as file:
            file.write("second\n")
        run("umoci", "insert", "--image", cls.layout + ":made", extra, "/second")
        run("umoci", "insert", "--whiteout", "--image", cls.layout + ":made", "/var/www/index.html")
        run("umoci", "config", "--image", cls.layout + ":made", "--config.cmd", "sleep", "--config.cmd", "100000",
            "--config.env", "PATH=/bin", "--config.env", "FROM_IMAGE=yes", "--config.workingdir", "/tmp")

    @classmethod
    def tearDownClass(cls):
        run("rm", "-rf", cls.work)
        super().tearDownClass()

    def check(self, image):
        stack = self.stack(f"services: {{it: {{image: '{image}', stop_grace_period: 0s}}}}")
        stack.up()
        self.assertEqual("second", stack.sh("it", "cat /second"))
        self.assertEqual("", stack.sh("it", "ls /var/www"), "the third layer removed the file")
        self.assertEqual("yes /tmp", stack.sh("it", "echo $FROM_IMAGE $PWD"))
        (root,) = [line for line in stack.exec("it", "cat", "/proc/1/mounts").splitlines() if line.split()[1] == "/"]
        self.assertTrue(root.startswith("overlay "), root)

    def test_load_a_docker_archive(self):
        archive = os.path.join(self.work, "docker.tar")
        run("skopeo", "copy", "-q", f"oci:{self.layout}:made", f"docker-archive:{archive}:from/docker:2")
        outcome = self.berth("load", "-i", archive, check=0)
        self.assertIn("from/docker:2", outcome.out + outcome.err)
        self.check("from/docker:2")

    def test_load_an_oci_archive(self):
        archive = os.path.join(self.work, "oci.tar")
        run("skopeo", "copy", "-q", f"oci:{self.layout}:made", f"oci-archive:{archive}:from/oci:3")
        self.berth("load", "-i", archive, check=0)
        self.check("from/oci:3")

    def test_import_applies_changes(self):
        self.berth("import", "--change", 'ENTRYPOINT ["sh", "-c"]', "--change", 'CMD ["exec sleep 100000"]', "--change", "ENV PATH=/bin A=1",
                   "--change", "WORKDIR /var/www", "--change", "USER nobody", "--change", "STOPSIGNAL KILL", busybox.image_tar(),
                   "changed:1", check=0)
        stack = self.stack("services: {it: {image: 'changed:1'}}")
        stack.up()
        self.assertEqual("1 /var/www nobody", stack.sh("it", "echo $A $PWD $(id -un)"))
        self.assertEqual("sleep 100000", stack.sh("it", "tr '\\0' ' ' < /proc/1/cmdline").strip())

    def test_import_reads_standard_input_and_compressed_tars(self):
        archive = os.path.join(self.work, "root.tar.gz")
        with open(archive, "wb") as file:
            subprocess.run(["gzip", "-1c", busybox.image_tar()], stdout=file, check=True)
        self.berth("import", "--change", "ENV PATH=/bin", archive, "squeezed:1", check=0)
        stack = self.stack("services: {it: {image: 'squeezed:1', command: [sleep, '100000'], stop_grace_period: 0s}}")
        stack.up()
        self.assertEqual("it works", stack.sh("it", "cat /var/www/index.html"))

    def test_a_broken_archive_is_refused_and_leaves_no_image(self):
        broken = os.path.join(self.work, "broken.tar")
        with open(broken, "wb") as file:
            file.write(b"this is no tar\n" * 100)
        outcome = self.berth("load", "-i", broken)
        self.assertNotEqual(0, outcome.code)
        self.assertIn("broken.tar", outcome.err)
        self.assertNotEqual(0, self.berth("import", broken, "broken:1").code)
        stack = self.stack("services: {it: {image: 'broken:1'}}")
        self.assertEqual(1, stack("up", "-d").code)

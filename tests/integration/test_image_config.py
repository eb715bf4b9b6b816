"""What an image says about how to run it reaches the container, and the compose file wins over it."""

import json
import os
import signal

import busybox
import host
from harness import Case, wait_until

CHANGES = [
    'ENTRYPOINT ["sh", "-c", "trap \\"echo got USR1; exit 0\\" USR1; echo $0 $@; while :; do sleep 0.1; done"]',
    'CMD ["from", "image"]',
    "ENV PATH=/bin FROM_IMAGE=image BOTH=image GONE=image",
    "USER nobody",
    "WORKDIR /var/www",
    "VOLUME /var/www /fresh",
    "EXPOSE 80 53/udp",
    "STOPSIGNAL USR1",
    "HEALTHCHECK --interval=1h --timeout=5s --start-interval=100ms --retries=2 CMD test -e /var/www/index.html",
    "LABEL from=image both=image com.docker.compose.service=forged",
]


class ImageConfig(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        words = [word for change in CHANGES for word in ("--change", change)]
        cls.berth("import", *words, busybox.image_tar(), "rich:1", check=0)

    def record(self, stack, service="it"):
        folder = os.path.join(self.berth.root, "containers")
        for one in os.listdir(folder):
            with open(os.path.join(folder, one, "config.json"), encoding="utf-8") as file:
                record = json.load(file)
            if (record["project"], record["service"]) == (stack.name, service):
                return record
        raise AssertionError(f"{stack.name} has no container of {service}")

    def command_line(self, pid):
        return host.read(f"/proc/{pid}/cmdline").rstrip("\0").split("\0")

    def test_everything_comes_from_the_image(self):
        stack = self.stack("""
            services:
              it: {image: 'rich:1', environment: {BERTH_TEST_MARK: %MARK%-it}}
        """)
        stack.up("--wait")
        pid = stack.pid("it")
        self.assertEqual(["from", "image"], self.command_line(pid)[-2:])
        environment = host.environment(pid)
        self.assertEqual(("image", "image", "/bin"), (environment["FROM_IMAGE"], environment["BOTH"], environment["PATH"]))
        self.assertEqual(65534, os.stat(f"/proc/{pid}").st_uid)
        self.assertEqual("/var/www", os.readlink(f"/proc/{pid}/cwd"))
        row = stack.ps()["it"]
        self.assertEqual("healthy", row["Health"])
        labels = dict(item.split("=", 1) for item in row["Labels"].split(",") if "=" in item)
        self.assertEqual(("image", "image", "it"), (labels["from"], labels["both"], labels["com.docker.compose.service"]))
        # Volumes: filled from the image, owned as there, gone with the container's volumes.
        self.assertEqual("it works", stack.sh("it", "cat index.html"))
        mounts = stack.exec("it", "cat", "/proc/mounts").splitlines()
        self.assertEqual(1, sum(line.split()[1] == "/var/www" for line in mounts))
        self.assertEqual(1, sum(line.split()[1] == "/fresh" for line in mounts))
        volumes = self.record(stack)["anonymous_volumes"]
        self.assertEqual(2, len(volumes))
        where = [os.path.join(self.berth.root, "volumes", name) for name in volumes]
        self.assertTrue(all(os.path.isdir(one) for one in where))
        stack("stop", "-t", "20", check=0)
        self.assertIn("got USR1", stack("logs", "--no-log-prefix", check=0).out)
        self.assertEqual(0, stack.ps()["it"]["ExitCode"])
        stack("down", "-v", check=0)
        self.assertFalse(any(os.path.exists(one) for one in where))

    def test_the_compose_file_wins(self):
        stack = self.stack("""
            services:
              it:
                image: 'rich:1'
                command: [from, file]
                environment: {BERTH_TEST_MARK: %MARK%-it, BOTH: file, GONE: }
                user: root
                working_dir: /tmp
                stop_signal: SIGKILL
                labels: {both: file}
                volumes: ['named:/var/www']
                expose: [443]
                healthcheck: {interval: 2h}
            volumes: {named: }
        """)
        stack.up("--wait")
        pid = stack.pid("it")
        self.assertEqual(["from", "file"], self.command_line(pid)[-2:])
        self.assertEqual("sh", self.command_line(pid)[0], "the entrypoint is still the image's")
        environment = host.environment(pid)
        self.assertEqual(("image", "file"), (environment["FROM_IMAGE"], environment["BOTH"]))
        self.assertNotIn("GONE", environment)
        self.assertEqual(0, os.stat(f"/proc/{pid}").st_uid)
        self.assertEqual("/tmp", os.readlink(f"/proc/{pid}/cwd"))
        record = self.record(stack)
        self.assertEqual(("image", "file"), (record["labels"]["from"], record["labels"]["both"]))
        self.assertEqual(1, len(record["anonymous_volumes"]), "/var/www is a named volume here")
        self.assertEqual("it works", stack.sh("it", "cat /var/www/index.html"), "which was filled from the image")
        health = record["health"]
        self.assertEqual(["CMD-SHELL", "test -e /var/www/index.html"], health["test"], "the test is the image's")
        self.assertEqual((7200 * 10**9, 5 * 10**9, 2), (health["interval"], health["timeout"], health["retries"]))
        stack("stop", check=0)
        self.assertEqual(128 + signal.SIGKILL, stack.ps()["it"]["ExitCode"])

    def test_an_entrypoint_of_its_own_drops_the_images_command(self):
        stack = self.stack("""
            services:
              it:
                image: 'rich:1'
                entrypoint: [sh, -c, 'echo only $$0 $$@']
                healthcheck: {disable: true}
        """)
        stack.up()
        wait_until("it has ended", lambda: stack.ps()["it"]["State"] == "exited")
        self.assertEqual("only sh", stack("logs", "--no-log-prefix", check=0).out.strip())
        self.assertEqual("", stack.ps()["it"]["Health"])

    def test_run_keeps_the_entrypoint_and_takes_its_words_for_the_command(self):
        stack = self.stack("""
            services:
              it: {image: 'rich:1', entrypoint: [echo, entry]}
        """)
        self.assertEqual("entry a b", stack("run", "--rm", "-T", "it", "a", "b", check=0).out.strip())
        words = ("run", "--rm", "-T", "--entrypoint", "sh -c 'echo $(id -un) $PWD'", "it")
        self.assertEqual("nobody /var/www", stack(*words, check=0).out.strip())

    def test_ports_that_the_image_exposes_are_shown(self):
        stack = self.stack("services: {it: {image: 'rich:1', stop_grace_period: 0s}}")
        stack.up()
        ports = stack.ps()["it"]["Ports"]
        self.assertIn("80/tcp", ports)
        self.assertIn("53/udp", ports)

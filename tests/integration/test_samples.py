"""The stacks of samples/ but the guestbook: Dockerfiles as people have them, built and run."""

import json
import os
import tarfile
import urllib.error
import urllib.request

import samples
from harness import Case, wait_until


class Samples(Case):
    images = staticmethod(lambda berth: None)

    def sample(self, name):
        stack = self.stack("services: {}", name)
        samples.bring_images(stack, name)
        return stack

    def test_a_cpp_program_alone_in_its_image(self):
        stack = self.sample("cpp-scratch")
        self.assertEqual(stack("run", "--rm", "-T", "hello", "Ada", "Bob", check=0).out, "Hello, Ada!\nHello, Bob!\n")
        self.assertEqual(stack("run", "--rm", "-T", "hello", check=0).out, "Hello, world!\n")
        archive = os.path.join(stack.folder, "saved.tar")
        stack("save", "-o", archive, "cpp-scratch-hello", check=0)
        with tarfile.open(archive) as saved:
            (manifest,) = json.load(saved.extractfile("manifest.json"))
            (layer,) = manifest["Layers"]
            with tarfile.open(fileobj=saved.extractfile(layer)) as files:
                self.assertEqual(files.getnames(), ["hello"])

    def test_a_python_worker_is_built_with_packages_from_the_network(self):
        samples.need_network("building samples/python-worker")
        stack = self.stack("services: {}", "python-worker")
        samples.copy_to(stack, "python-worker")
        samples.import_base(self.berth)
        built = stack("build", check=0, timeout=samples.BUILD_SECONDS)
        self.assertIn("Setting up python3-minimal", built.err)
        with open(stack.folder + "/worker.py", "a", encoding="utf-8") as program:
            program.write("# changed\n")
        again = stack("build", check=0)
        self.assert_in_order(again.err, "CACHED", "COPY --chown=worker worker.py .", "DONE")
        self.assertNotIn("Setting up", again.err)
        stack.up("--wait")
        stack.sh("worker", "echo one two three > /inbox/a.txt")
        wait_until("the worker has counted", lambda: "a.txt: 3 words" in stack("logs", "worker").out)
        found = stack.sh("worker", "id -un; ls /inbox; ls /app/__pycache__ | wc -l; find /var/cache/apt /var/lib/apt/lists -type f -size +0 2>/dev/null || true")
        self.assertEqual(found.split(), ["worker", "1"])  # packages and their lists are in the cache mounts, not in the image

    def test_nginx_serves_pages_with_its_own_configuration(self):
        stack = self.sample("nginx-site")
        stack.up()

        def get(path):
            try:
                with urllib.request.urlopen("http://127.0.0.1:8081" + path, timeout=5) as answer:
                    return answer.headers["Content-Type"], answer.read().decode()
            except (urllib.error.URLError, OSError):
                return None, ""

        wait_until("nginx answers", lambda: get("/health")[1] == "ok\n")
        self.assertIn("served by nginx", get("/")[1])
        self.assertEqual(get("/style/site.css")[0], "text/css")
        self.assertEqual(stack.sh("site", "id -un; stat -c '%U %a' /srv/www/style /srv/www/index.html").splitlines(),
                         ["www-data", "www-data 755", "www-data 644"])
        stack("stop", check=0)
        self.assertEqual(stack.ps()["site"]["ExitCode"], 0)  # SIGQUIT, as the image says

    def test_redis_keeps_its_data_in_its_volume(self):
        stack = self.sample("redis-counter")
        stack.up("--wait")
        self.assertEqual([stack.exec("redis", "redis-cli", "incr", "visits") for _ in range(2)], ["1", "2"])
        stack("down", check=0)
        stack.up("--wait")
        self.assertEqual(stack.exec("redis", "redis-cli", "incr", "visits"), "3")
        self.assertEqual(stack.sh("redis", "id -un; stat -c %U /data"), "redis\nredis")

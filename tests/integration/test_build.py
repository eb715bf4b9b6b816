"""`image build` and `build:` services: Dockerfiles as people write them, with real steps."""

import glob
import hashlib
import http.server
import io
import json
import os
import signal
import subprocess
import tarfile
import textwrap
import threading

import host
from harness import BERTH, Case, wait_until


class BuildCase(Case):
    def context(self, dockerfile, files=None, name="context"):
        """A folder with a Dockerfile and files: text, bytes, or (text, mode)."""
        folder = os.path.join(self.berth.home, self._testMethodName, name)
        for path, content in {"Dockerfile": textwrap.dedent(dockerfile), **(files or {})}.items():
            content, mode = content if isinstance(content, tuple) else (content, 0o644)
            place = os.path.join(folder, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(place, mode)
        return folder

    def build(self, folder, *options, tag="test:1", check=0, **more):
        return self.berth("image", "build", "-t", tag, *options, folder, check=check, **more)

    def shell(self, script, tag="test:1"):
        """What a shell in the image prints."""
        stack = self.stack(f"services:\n  s:\n    image: {tag}\n    network_mode: none\n    user: root\n    entrypoint: []\n")
        return stack("run", "--rm", "-T", "s", "sh", "-c", script, check=0).out

    def config(self, tag="test:1"):
        return self.berth("image", "inspect", tag, check=0).json()[0]["Config"]

    def assert_nothing_left(self):
        # Not by glob, which follows the links of an image's tree.
        left = [os.path.join(top, name) for part in ("build", "images") for top, folders, names in os.walk(f"{self.berth.root}/{part}")
                for name in folders + names if name.startswith(".tmp-") and "/caches/" not in top]
        self.assertEqual(left, [])
        tag = 2166136261  # of this root, as sys::Paths has it: others may be building
        for byte in self.berth.root.encode():
            tag = (tag ^ byte) * 16777619 % 2**32
        groups = [folder for root, folders, _ in os.walk("/sys/fs/cgroup") for folder in folders if folder.startswith("build-")
                  and os.path.basename(root) == f"berth-{tag:08x}"]
        self.assertEqual(groups, [])


class ImageBuild(BuildCase):
    def test_stages_and_what_they_hand_on(self):
        folder = self.context("""\
            # syntax=docker/dockerfile:1
            ARG BASE=busybox:1
            FROM $BASE AS build
            ARG GREETING=hi
            ENV NAME=world
            WORKDIR /src
            COPY . .
            RUN echo "$GREETING $NAME" > out.txt && chmod 0640 out.txt
            FROM scratch AS unused
            COPY nosuchfile /
            FROM busybox:1
            COPY --from=build --chown=1:2 --chmod=0600 /src/out.txt /data/
            COPY --from=0 /src/script.sh /bin/
            LABEL a=b
            EXPOSE 80 53/udp
            USER nobody
            STOPSIGNAL SIGINT
            HEALTHCHECK --interval=5s CMD test -e /data
            VOLUME /volume
            ENTRYPOINT ["sh"]
            CMD ["-c", "true"]
            """, {"script.sh": ("#!/bin/sh\n", 0o755), "sub/file": "content"})
        built = self.build(folder, "--build-arg", "GREETING=hello")
        self.assertIn("[build 4/4] RUN", built.err)
        self.assertNotIn("unused", built.err)
        self.assertEqual(self.shell("cat /data/out.txt; stat -c '%a %u:%g' /data/out.txt /bin/script.sh").splitlines(),
                         ["hello world", "600 1:2", "755 0:0"])
        config = self.config()
        self.assertEqual(config["Labels"], {"a": "b"})
        self.assertEqual(sorted(config["ExposedPorts"]), ["53/udp", "80/tcp"])
        self.assertEqual((config["User"], config["StopSignal"], config["Entrypoint"], config["Cmd"]),
                         ("nobody", "SIGINT", ["sh"], ["-c", "true"]))
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD-SHELL", "test -e /data"])
        self.assertEqual(list(config["Volumes"]), ["/volume"])
        self.assert_nothing_left()

    def test_a_step_runs_again_only_when_what_it_reads_has_changed(self):
        dockerfile = """\
            FROM busybox:1
            RUN echo one > /one
            COPY file /file
            RUN cat /file > /two
            LABEL x=1
            """
        folder = self.context(dockerfile, {"file": "a"})
        first = self.build(folder)
        self.assertNotIn("RUN", "".join(line for line in first.err.splitlines() if "CACHED" in line))
        again = self.build(folder)
        self.assertEqual(again.err.count("CACHED"), 4)
        os.utime(os.path.join(folder, "file"), (1, 1))
        self.assertEqual(self.build(folder).err.count("CACHED"), 4)
        self.context(dockerfile, {"file": "b"})
        changed = self.build(folder)
        self.assert_in_order(changed.err, "[2/4] CACHED", "[3/4] DONE", "[4/4] DONE")
        self.assertEqual(self.shell("cat /two"), "b")
        self.assertEqual(self.build(folder, "--no-cache").err.count("DONE"), 3)
        # The cache survives what tidies images, and goes when it is asked to.
        self.berth("rmi", "test:1", check=0)
        self.berth("image", "prune", "-f", check=0)
        self.assertEqual(self.build(folder).err.count("CACHED"), 4)
        self.assertIn("Total reclaimed space", self.berth("builder", "prune", "-f", check=0).out)
        self.assertEqual(self.build(folder).err.count("DONE"), 3)

    def test_mistakes_are_all_told_with_their_places(self):
        folder = self.context("""\
            FROM busybox:1
            CPOY a b
            COPY --form=x a b
            RUN --mount=type=cahce,target=/x true
            """)
        refused = self.build(folder, check=1)
        self.assert_in_order(refused.err, "Dockerfile:2:1: error: unknown instruction", "did you mean COPY?",
                             "Dockerfile:3:6: error: COPY: unknown flag --form", "did you mean --from?",
                             "Dockerfile:4:5: error", 'did you mean "cache"?')
        checked = self.berth("image", "build", "--check", folder, check=1)
        self.assertIn("unknown instruction", checked.err)
        self.berth("image", "build", "--check", self.context("FROM busybox:1\n", name="good"), check=0)

    def test_what_is_missing_is_named(self):
        folder = self.context("FROM busybox:1\nCOPY fiel /\n", {"file": ""})
        self.assert_in_order(self.build(folder, check=1).err, "Dockerfile:2:1", '"fiel" is not in the build context',
                             'did you mean "file"?')
        self.assertIn("no stage", self.build(folder, "--target", "x", check=1).err)
        self.context("FROM busybox:1\nCOPY file /\n", {".dockerignore": "fi*\n"})
        self.assertIn(".dockerignore", self.build(folder, check=1).err)

    def test_a_failing_step(self):
        folder = self.context("FROM busybox:1\nRUN echo before; echo problem >&2; exit 7\n")
        failed = self.build(folder, check=1)
        self.assert_in_order(failed.err, "| before", "| problem", "ERROR", "Dockerfile:2:1: error",
                             "did not complete successfully: exit code: 7")
        quiet = self.build(folder, "-q", check=1)
        self.assertIn("problem", quiet.err)
        self.assertEqual(quiet.out, "")
        self.assert_nothing_left()

    def test_a_step_gets_all_of_the_host_only_where_that_is_allowed(self):
        folder = self.context("FROM busybox:1\nRUN --security=insecure grep CapEff /proc/self/status > /caps\n")
        self.assertIn("--allow security.insecure", self.build(folder, check=1).err)
        self.build(folder, "--allow", "security.insecure")
        self.assertNotIn("00000000a80425fb", self.shell("cat /caps"))

    def test_heredocs(self):
        folder = self.context("""\
            FROM busybox:1
            ENV NAME=world
            RUN <<EOF
            set -e
            echo script > /script
            EOF
            RUN cat <<EOF > /shell && echo more >> /shell
            hello $NAME
            EOF
            COPY <<-"RAW" <<COOKED /etc/
            	raw $NAME
            RAW
            cooked $NAME
            COOKED
            """)
        self.build(folder)
        self.assertEqual(self.shell("cat /script /shell /etc/RAW /etc/COOKED").splitlines(),
                         ["script", "hello world", "more", "raw $NAME", "cooked world"])

    def test_mounts(self):
        folder = self.context("""\
            FROM busybox:1 AS other
            RUN mkdir /given && echo from-stage > /given/file
            FROM busybox:1
            RUN --mount=type=cache,target=/cache echo x >> /cache/count && wc -l < /cache/count > /times
            RUN --mount=type=secret,id=token,target=/run/token cp /run/token /length && wc -c < /length > /secret-size && rm /length
            RUN --mount=type=tmpfs,target=/scratch echo x > /scratch/x
            RUN --mount=type=bind,source=file,target=/bound cat /bound > /copied
            RUN --mount=type=bind,from=other,source=/given,target=/stage,rw cat /stage/file > /staged && echo x > /stage/thrown-away
            """, {"file": "from-context"})
        secret = os.path.join(self.berth.home, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("very secret")
        self.build(folder, "--secret", f"id=token,src={secret}")
        self.assertEqual(self.shell("cat /times /secret-size /copied; echo; cat /staged").split(),
                         ["1", "11", "from-context", "from-stage"])
        names = self.shell("ls /run /; ls /scratch 2>&1; true")
        for name in ("token", "cache", "bound", "stage\n", "length"):
            self.assertNotIn(name, names)
        self.build(folder, "--secret", f"id=token,src={secret}", "--no-cache")
        self.assertEqual(self.shell("cat /times"), "2\n")
        for path in glob.glob(f"{self.berth.root}/**/*", recursive=True):
            if os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
                with open(path, "rb") as file:
                    self.assertNotIn(b"very secret", file.read(), path)

    def test_a_cache_begins_with_what_another_stage_has(self):
        folder = self.context("""\
            FROM busybox:1 AS other
            RUN mkdir -p /given/below && echo first > /given/below/file
            FROM busybox:1
            RUN --mount=type=cache,target=/cache,from=other,source=/given cat /cache/below/file > /was; echo more >> /cache/below/file
            RUN --mount=type=cache,target=/cache test ! -e /cache/below
            """)
        self.build(folder)
        self.assertEqual("first\n", self.shell("cat /was"))
        self.build(folder, "--no-cache")
        self.assertIn(self.shell("cat /was"), ("first\n", "first\nmore\n"))
        wrong = self.context("""\
            FROM busybox:1 AS other
            FROM busybox:1
            RUN --mount=type=cache,target=/cache,from=other,source=/absent true
            """)
        self.assertIn("/absent", self.build(wrong, check=1).err)

    def test_add_takes_archives_apart(self):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name, content in {"a/one": b"1", "a/two": b"2"}.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.uid = len(content), 7
                tar.addfile(entry, io.BytesIO(content))
        folder = self.context("FROM busybox:1\nADD files.tar.gz /there/\nCOPY files.tar.gz /kept/\n", {"files.tar.gz": archive.getvalue()})
        self.build(folder)
        self.assertEqual(self.shell("cat /there/a/one /there/a/two; ls /kept"), "12files.tar.gz\n")

    def test_add_from_the_network(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                self.send_response(200 if self.path.startswith("/file") else 404)
                self.send_header("Last-Modified", "Tue, 15 Nov 2022 12:45:26 GMT")
                self.end_headers()
                self.wfile.write(b"from the network")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}"
        checksum = "sha256:" + hashlib.sha256(b"from the network").hexdigest()
        folder = self.context(f"FROM busybox:1\nADD {url}/file.tar?x=1 /there/\nADD --checksum={checksum} {url}/file /renamed\n")
        self.build(folder)
        self.assertEqual(self.shell("cat /there/file.tar; echo; stat -c '%a %Y' /renamed"), "from the network\n600 1668516326\n")
        self.assertEqual(self.build(folder).err.count("CACHED"), 3)
        self.context(f"FROM busybox:1\nADD --checksum=sha256:{'0' * 64} {url}/file /renamed\n")
        self.assert_in_order(self.build(folder, check=1).err, "Dockerfile:2:1", checksum, "0000")
        self.context(f"FROM busybox:1\nADD {url}/nosuch /x\n")
        self.assertIn("404", self.build(folder, check=1).err)
        self.assert_nothing_left()

    def test_links_and_directories_on_the_way(self):
        folder = self.context("""\
            FROM busybox:1
            RUN mkdir -p /real/deep && ln -s /real /link && chmod 1777 /real && chown 5:6 /real/deep
            COPY tree /link/
            COPY tree/a /tmp/x/y/
            COPY tree/* /all/
            COPY --exclude=deep --exclude=to-* tree /some/
            COPY --parents tree/deep/c /whole/
            """, {"tree/a": "a", "tree/deep/b": ("b", 0o600), "tree/deep/c": "c"})
        os.symlink("a", os.path.join(folder, "tree/to-a"))
        self.build(folder)
        shown = self.shell("stat -c '%n %a %u %F' /link /real /real/a /real/deep/b /tmp /tmp/x/y/a; readlink /real/to-a; ls /all"
                           "; ls /some; find /whole -type f")
        self.assertEqual(shown.splitlines(), [
            "/link 777 0 symbolic link", "/real 1777 0 directory", "/real/a 644 0 regular file", "/real/deep/b 600 0 regular file",
            "/tmp 1777 0 directory", "/tmp/x/y/a 644 0 regular file", "a", "a", "b", "c", "to-a", "a",
            "/whole/tree/deep/c"])
        self.context("FROM busybox:1\nCOPY tree /bin/sh\n")
        self.assertIn("is a file, not a directory", self.build(folder, check=1).err)

    def test_the_same_context_gives_the_same_image(self):
        folder = self.context("FROM busybox:1\nWORKDIR /w\nCOPY file .\nRUN date > /stable && rm /stable && echo x > /y\n", {"file": "x"})
        self.berth.environment["SOURCE_DATE_EPOCH"] = "1700000000"
        self.addCleanup(self.berth.environment.pop, "SOURCE_DATE_EPOCH")
        ids = {self.build(folder, "-q", "--no-cache").out for _ in range(2)}
        self.assertEqual(len(ids), 1, ids)

    def test_ctrl_c_and_kill_leave_nothing(self):
        folder = self.context("FROM busybox:1\nRUN echo started-$$; sleep 1000\n")
        for stop, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            with self.subTest(stop):
                build = subprocess.Popen([BERTH, "image", "build", "-t", "x:1", folder], env=self.berth.environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                while "| started-" not in build.stderr.readline():
                    self.assertIsNone(build.poll())
                sleeper = wait_until("the step runs", lambda: [pid for pid in host.pids() if "sleep\x001000" in host.read(f"/proc/{pid}/cmdline")])
                build.send_signal(stop)
                build.communicate(timeout=30)
                self.assertEqual(build.returncode, code)
                wait_until("the step is gone", lambda pids=sleeper: not any(host.is_alive(pid) for pid in pids))
        self.build(self.context("FROM busybox:1\nRUN true\n", name="after"))
        self.assert_nothing_left()

    def test_others_read_the_result(self):
        self.build(self.context("FROM busybox:1\nRUN echo hello > /hello\nLABEL who=me\n"), tag="shared:1")
        layout = f"oci:{self.berth.root}/images:docker.io/library/shared:1"
        inspected = json.loads(subprocess.run(["skopeo", "inspect", layout], check=True, stdout=subprocess.PIPE).stdout)
        self.assertEqual(inspected["Labels"], {"who": "me"})
        bundle = os.path.join(self.berth.home, "bundle")
        copied = os.path.join(self.berth.home, "copied")
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", layout, f"oci:{copied}:1"], check=True)
        subprocess.run(["umoci", "unpack", "--image", f"{copied}:1", bundle], check=True, stdout=subprocess.DEVNULL)
        with open(bundle + "/rootfs/hello", encoding="utf-8") as file:
            self.assertEqual(file.read(), "hello\n")


class ServiceBuild(BuildCase):
    COMPOSE = """\
        services:
          web:
            build:
              context: ./web
              args: {WHO: "${WHO:-me}"}
            init: true
          copy:
            build:
              context: ./web
              dockerfile_inline: |
                FROM busybox:1
                RUN echo inline > /who
                CMD ["sleep", "infinity"]
            image: copied:1
            init: true
        """
    DOCKERFILE = "FROM busybox:1\nARG WHO\nRUN echo $WHO > /who\nCMD [\"sleep\", \"infinity\"]\n"

    def project(self):
        stack = self.stack(self.COMPOSE)
        os.makedirs(stack.folder + "/web", exist_ok=True)
        self.write(stack, self.DOCKERFILE)
        return stack

    def write(self, stack, dockerfile):
        with open(stack.folder + "/web/Dockerfile", "w", encoding="utf-8") as file:
            file.write(dockerfile)

    def test_up_builds_what_is_missing_and_only_that(self):
        stack = self.project()
        up = stack.up()
        self.assertIn("RUN echo $WHO > /who", up.err)
        self.assertEqual(stack.sh("web", "cat /who"), "me")
        self.assertEqual(stack.sh("copy", "cat /who"), "inline")
        self.assertIn(f"{stack.name}-web", self.berth("image", "ls", check=0).out)
        first = stack.ps()["web"]["ID"]
        self.assertNotIn("RUN", stack.up().err)
        self.write(stack, self.DOCKERFILE.replace("> /who", "changed > /who"))
        stack.up()
        self.assertEqual(stack.ps()["web"]["ID"], first)
        stack.up("--build")
        self.assertNotEqual(stack.ps()["web"]["ID"], first)
        self.assertEqual(stack.sh("web", "cat /who"), "me changed")

    def test_build_of_services(self):
        stack = self.project()
        built = stack("build", "--build-arg", "WHO=you", "web", check=0)
        self.assertNotIn("inline", built.err)
        stack.up("web")
        self.assertEqual(stack.sh("web", "cat /who"), "you")
        self.assertIn("no such service", stack("build", "wbe", check=1).err)
        self.write(stack, "FROM busybox:1\nRUN false\n")
        self.assertIn("exit code: 1", stack("build", "web", check=1).err)
        self.write(stack, "FROM busybox:1\nRNU false\n")
        self.assertIn("did you mean RUN?", stack("up", "-d", "--build", check=1).err)
        (printed,) = stack("build", "--print", check=0).json()
        self.assertEqual(sorted(job["name"] for job in printed["jobs"]), ["copy", "web"])

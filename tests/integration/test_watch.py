"""`watch` and `up --watch`: what is changed on the host comes to the containers."""

import os
import shutil
import signal
import stat
import subprocess
import unittest

import host
from background import Background
from harness import BERTH, Case, wait_until
from terminal import Terminal, Window

WEB = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        init: true
        environment: {BERTH_TEST_MARK: %MARK%-web}
        develop:
          watch:
            - {path: ./src, action: sync, target: /app, ignore: [node_modules/, "*.log"]}
"""

BUILT = """
    services:
      web:
        build: .
        init: true
        environment: {BERTH_TEST_MARK: %MARK%-web}
        develop:
          watch:
            - {path: ./package.json, action: rebuild}
            - {path: ./src, action: sync, target: /app}
      other:
        image: busybox:1
        command: [sleep, "100000"]
        init: true
        environment: {BERTH_TEST_MARK: %MARK%-other}
"""


class WatchCase(Case):
    def project(self, compose, **files):
        """A stack with files: `src__main_c="text"` is src/main.c."""
        stack = self.stack(compose)
        for name, text in files.items():
            self.write(stack, name.replace("__", "/").replace("_", "."), text)
        return stack

    def write(self, stack, name, text, mode=0o644):
        path = os.path.join(stack.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def path(self, stack, name):
        return os.path.join(stack.folder, name)

    def inside(self, stack, name, service="web"):
        """The text of a file as the container sees it, or None."""
        path = f"/proc/{stack.pid(service)}/root{name}"
        return host.read(path) if os.path.exists(path) else None

    def wait_for_text(self, stack, name, text, service="web"):
        wait_until(f"{name} is {text!r} in {service}", lambda: self.inside(stack, name, service) == text)

    def wait_until_gone(self, stack, name, service="web"):
        wait_until(f"{name} is gone", lambda: not os.path.lexists(f"/proc/{stack.pid(service)}/root{name}"))


class Sync(WatchCase):
    def test_what_is_written_renamed_and_removed_here_is_so_in_the_container(self):
        stack = self.project(WEB, src__old_txt="old")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.assertIsNone(self.inside(stack, "/app/old.txt"))  # no initial sync was asked for
            self.write(stack, "src/main.c", "one")
            self.wait_for_text(stack, "/app/main.c", "one")
            self.write(stack, "src/main.c.new", "two")  # as editors save
            os.rename(self.path(stack, "src/main.c.new"), self.path(stack, "src/main.c"))
            self.wait_for_text(stack, "/app/main.c", "two")
            self.write(stack, "src/deep/er/file", "three")
            self.wait_for_text(stack, "/app/deep/er/file", "three")
            os.rename(self.path(stack, "src/deep"), self.path(stack, "src/moved"))
            self.wait_for_text(stack, "/app/moved/er/file", "three")
            self.wait_until_gone(stack, "/app/deep")
            shutil.rmtree(self.path(stack, "src/moved"))
            self.wait_until_gone(stack, "/app/moved")
            self.assertIn('Syncing service "web" after', watch.text)
            pid = stack.pid("web")
            watch.interrupt()
            self.assertEqual(130, watch.wait())
            self.assertIn("Watch disabled", watch.text)
        self.assertTrue(host.is_alive(pid))

    def test_what_is_ignored_stays_here(self):
        stack = self.project(WEB + "        build: {context: ., dockerfile_inline: FROM busybox:1}\n", src__a="1")
        self.write(stack, ".dockerignore", "src/secret\n")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            for name in ("node_modules/x.js", "app.log", ".git/HEAD", "lib/.git/HEAD", "secret", ".main.c.swp", "4913"):
                self.write(stack, f"src/{name}", "no")
            self.write(stack, "src/last", "yes")
            self.wait_for_text(stack, "/app/last", "yes")
            self.assertEqual(["last", "lib"], sorted(os.listdir(f"/proc/{stack.pid('web')}/root/app")))
            self.assertEqual([], os.listdir(f"/proc/{stack.pid('web')}/root/app/lib"))

    def test_only_what_is_included_comes(self):
        stack = self.project(WEB.replace('ignore: [node_modules/, "*.log"]', 'include: ["*.html", assets]'), src__a="1")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "src/main.c", "no")
            self.write(stack, "src/assets/pic", "yes")
            self.write(stack, "src/index.html", "yes")
            self.wait_for_text(stack, "/app/index.html", "yes")
            self.wait_for_text(stack, "/app/assets/pic", "yes")
            self.assertIsNone(self.inside(stack, "/app/main.c"))

    def test_initial_sync_brings_what_is_there(self):
        stack = self.project(WEB.replace("action: sync,", "action: sync, initial_sync: true,"), src__a="1", src__deep__b="2")
        self.write(stack, "src/x.log", "ignored")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.assertEqual("1", self.inside(stack, "/app/a"))
            self.assertEqual("2", self.inside(stack, "/app/deep/b"))
            self.assertIsNone(self.inside(stack, "/app/x.log"))

    def test_modes_links_and_the_containers_user(self):
        stack = self.project(WEB + '        user: "1234:5678"\n', src__a="1")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "src/run.sh", "#!/bin/sh\n", 0o755)
            os.symlink("run.sh", self.path(stack, "src/link"))
            self.wait_for_text(stack, "/app/link", "#!/bin/sh\n")
            info = os.lstat(f"/proc/{stack.pid('web')}/root/app/run.sh")
            self.assertEqual((0o755, 1234, 5678), (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid))
            self.assertEqual("run.sh", os.readlink(f"/proc/{stack.pid('web')}/root/app/link"))

    def test_all_replicas_get_the_files_and_one_that_has_ended_too(self):
        stack = self.project(WEB.replace("BERTH_TEST_MARK: %MARK%-web", "A: b"), src__a="1")
        stack("up", "-d", "--scale", "web=3", check=0)
        with Background(stack, "watch", "--no-up") as watch:
            watch.wait_for("Watch enabled")
            stack("kill", check=0)
            stack.berth("container", "inspect", f"{stack.name}-web-1", check=0)
            self.write(stack, "src/file", "for all")
            wait_until("the burst is synced", lambda: "Syncing" in watch.text)
            watch.interrupt()
            watch.wait()
        stack("start", check=0)
        for index in ("1", "2", "3"):
            self.assertEqual("for all", stack("exec", "-T", "--index", index, "web", "cat", "/app/file", check=0).out)

    def test_a_volume_in_the_container_is_written_and_a_read_only_root_is_said(self):
        stack = self.project(WEB + "        read_only: true\n        volumes: [data:/app/data]\n    volumes: {data: {}}\n", src__a="1")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "src/data/file", "kept")
            self.wait_for_text(stack, "/app/data/file", "kept")
            self.write(stack, "src/other", "no")
            watch.wait_for("Read-only file system")
            self.assertIn("/app/other", watch.text)
            self.write(stack, "src/data/file", "goes on")
            self.wait_for_text(stack, "/app/data/file", "goes on")

    def test_what_a_bind_mount_shows_anyway_is_left_alone_with_a_warning(self):
        stack = self.project(WEB + """        volumes: ["./src:/app"]
      two:
        image: busybox:1
        command: [sleep, "1000"]
        init: true
        develop: {watch: [{path: ./x, action: restart}]}
""", src__a="1")
        with Background(stack, "watch", "--no-up") as watch:
            watch.wait_for("Watch enabled")
            self.assertRegex(watch.text, r"compose.yaml:\d+:\d+: warning: path \".*/src\" also declared by a bind mount volume")

    def test_a_path_that_is_not_there_yet_is_waited_for(self):
        stack = self.project(WEB)
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "src/late", "here")
            self.wait_for_text(stack, "/app/late", "here")
            shutil.rmtree(self.path(stack, "src"))
            self.wait_until_gone(stack, "/app/late")
            self.write(stack, "src/again", "here")
            self.wait_for_text(stack, "/app/again", "here")

    def test_a_burst_larger_than_the_kernels_queue_is_complete(self):
        stack = self.project(WEB, src__a="1")
        limit = int(host.read("/proc/sys/fs/inotify/max_queued_events"))
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            watch.send(signal.SIGSTOP)
            self.write(stack, "src/removed", "1")
            noise = self.path(stack, "src/noise")
            for i in range(limit + 1):
                os.symlink("x", noise)
                os.unlink(noise)
                if i == limit // 4:
                    break
            while limit > 0:
                os.close(os.open(noise, os.O_CREAT | os.O_WRONLY))
                os.unlink(noise)
                limit -= 3
            self.write(stack, "src/deep/kept", "2")
            os.unlink(self.path(stack, "src/a"))
            watch.send(signal.SIGCONT)
            self.wait_for_text(stack, "/app/deep/kept", "2")
            self.write(stack, "src/deep/after", "3")
            self.wait_for_text(stack, "/app/deep/after", "3")


    def test_links_that_change_meanwhile_lead_nowhere_but_into_the_container(self):
        stack = self.project(WEB, src__a="1")
        outside = os.path.join(stack.berth.home, "outside")
        os.makedirs(outside)
        stack.up()
        stack("exec", "-d", "web", "sh", "-c", f"""mkdir -p /app{outside} {outside}; cd /app; while :; do
            rm -rf deep; ln -s {outside} deep; rm -rf deep; ln -s ../../../../../../../../..{outside} deep; rm deep; mkdir deep; done""", check=0)
        with Background(stack, "watch", "--no-up") as watch:
            watch.wait_for("Watch enabled")
            for round_ in range(30):
                for i in range(20):
                    self.write(stack, f"src/deep/file-{i}", f"{round_}")
                shutil.rmtree(self.path(stack, "src/deep"))
                said = watch.text.count("Syncing")
                self.write(stack, "src/last", f"{round_}")
                self.wait_for_text(stack, "/app/last", f"{round_}")
                wait_until("a burst is over", lambda: watch.text.count("Syncing") > said)  # pylint: disable=cell-var-from-loop
        self.assertEqual([], os.listdir(outside))


class Actions(WatchCase):
    def test_restart_and_sync_restart(self):
        stack = self.project("""
            services:
              web:
                image: busybox:1
                command: [sh, -c, "cat /etc/web.conf > /seen; exec sleep 100000"]
                init: true
                environment: {BERTH_TEST_MARK: %MARK%-web}
                develop:
                  watch:
                    - {path: ./web.conf, action: sync+restart, target: /etc/web.conf}
                    - {path: ./kick, action: restart}
            """, web_conf="one")
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            first = stack.pid("web")
            self.write(stack, "web.conf", "two")
            self.wait_for_text(stack, "/seen", "two")
            second = stack.pid("web")
            self.assertNotEqual(first, second)
            watch.wait_for('service(s) ["web"] restarted')
            self.write(stack, "kick", "")
            wait_until("it was started again", lambda: host.is_alive(stack.pid("web")) and stack.pid("web") != second)

    def test_sync_exec_runs_the_command_once_the_files_are_there(self):
        stack = self.project("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                init: true
                environment: {BERTH_TEST_MARK: %MARK%-web}
                develop:
                  watch:
                    - path: ./src
                      action: sync+exec
                      target: /app
                      exec:
                        command: [sh, -c, 'cat /app/file >> /log; echo "$$WORD $$(id -u) $$PWD"; [ "$$(cat /app/file)" = good ]']
                        environment: {WORD: hello}
                        user: "33"
                        working_dir: /tmp
            """)
        stack.up()
        stack.sh("web", "touch /log; chmod 666 /log")
        with Background(stack, "watch", "--no-up") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "src/file", "good")
            self.wait_for_text(stack, "/log", "good")
            watch.wait_for("hello 33 /tmp")
            self.write(stack, "src/file", "bad")
            watch.wait_for("exited with code 1")

    def test_rebuild_makes_a_new_container_of_that_service_alone(self):
        stack = self.project(BUILT, package_json="one", src__a="1")
        self.write(stack, "Dockerfile", 'FROM busybox:1\nCOPY package.json /\nCMD ["sleep", "100000"]\n')
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            web, other = stack.pid("web"), stack.pid("other")
            self.assertEqual("one", self.inside(stack, "/package.json"))
            self.write(stack, "package.json", "two")
            watch.wait_for('service(s) ["web"] successfully built')
            wait_until("another container runs", lambda: not host.is_alive(web))
            self.wait_for_text(stack, "/package.json", "two")
            self.assertEqual(other, stack.pid("other"))
            self.write(stack, "src/b", "after")
            self.wait_for_text(stack, "/app/b", "after")
            ours = ["image", "ls", "-q", "--filter", f"label=com.docker.compose.project={stack.name}"]
            wait_until("the former image has gone", lambda: len(stack.berth(*ours, check=0).out.split()) == 1)

    def test_a_build_that_gives_the_same_image_leaves_the_container(self):
        stack = self.project(BUILT, package_json="one", src__a="1")
        self.write(stack, "Dockerfile", 'FROM busybox:1\nCMD ["sleep", "100000"]\n')
        with Background(stack, "watch") as watch:
            watch.wait_for("Watch enabled")
            web = stack.pid("web")
            self.write(stack, "package.json", "two")
            watch.wait_for("successfully built")
            self.write(stack, "src/b", "after")
            self.wait_for_text(stack, "/app/b", "after")
            self.assertEqual(web, stack.pid("web"))

    def test_a_build_that_fails_is_mended_by_the_next_change(self):
        stack = self.project(BUILT.replace("./package.json", "."), package_json="one", src__a="1")
        good = 'FROM busybox:1\nCOPY package.json /\nCMD ["sleep", "100000"]\n'
        self.write(stack, "Dockerfile", good)
        with Background(stack, "watch", "--quiet") as watch:
            watch.wait_for("Watch enabled")
            web = stack.pid("web")
            self.write(stack, "Dockerfile", "FROM busybox:1\nRUN exit 3\n")
            watch.wait_for("Build failed")
            self.assertEqual(web, stack.pid("web"))
            self.write(stack, "Dockerfile", good + "ENV A=b\n")
            wait_until("another container runs", lambda: not host.is_alive(web) and stack.pid("web"))

    def test_a_signal_in_the_middle_of_a_rebuild_ends_the_build_too(self):
        stack = self.project(BUILT, package_json="one", src__a="1")
        self.write(stack, "Dockerfile", 'FROM busybox:1\nCOPY package.json /\nRUN test $(cat /package.json) = one || sleep 98765\n'
                                        'CMD ["sleep", "100000"]\n')
        building = lambda: [pid for pid in host.pids() if host.read(f"/proc/{pid}/cmdline") == "sleep\0" + "98765\0"]
        for number in (signal.SIGINT, signal.SIGTERM):
            with Background(stack, "watch") as watch:
                self.write(stack, "package.json", "one")
                watch.wait_for("Watch enabled")
                web = stack.pid("web")
                self.write(stack, "package.json", "two")
                wait_until("the step runs", building)
                watch.send(number)
                self.assertIn(watch.wait(), (0, 130))
                wait_until("the step has ended", lambda: not building())
                self.assertEqual(web, stack.pid("web"))

    def test_a_scaled_service_keeps_its_number_when_it_is_rebuilt(self):
        stack = self.project(BUILT.replace("environment: {BERTH_TEST_MARK: %MARK%-web}", "environment: {A: b}"), package_json="one")
        self.write(stack, "Dockerfile", 'FROM busybox:1\nCOPY package.json /\nCMD ["sleep", "100000"]\n')
        stack("up", "-d", "--scale", "web=2", check=0)
        with Background(stack, "watch", "--no-up") as watch:
            watch.wait_for("Watch enabled")
            self.write(stack, "package.json", "two")
            watch.wait_for("successfully built")

            def both():
                rows = [row for row in stack("ps", "--format", "json", check=0).json() if row["Service"] == "web"]
                texts = [stack("exec", "-T", "--index", str(i), "web", "cat", "/package.json").out for i in (1, 2)]
                return len(rows) == 2 and texts == ["two", "two"]

            wait_until("both are new", both)


class Words(WatchCase):
    def test_nothing_to_watch_is_said_with_the_service_and_its_place(self):
        stack = self.stack("services:\n  web:\n    image: busybox:1\n")
        for arguments in (["watch"], ["watch", "web"], ["up", "--watch"], ["up", "-w"]):
            outcome = stack(*arguments, check=1)
            self.assertIn("none of the selected services is configured for watch", outcome.err)
            self.assertIn('compose.yaml:2:3: note: service "web" has no `develop.watch`', outcome.err)
        self.assertEqual({}, stack.ps())

    def test_a_service_without_rules_among_others_is_a_warning(self):
        stack = self.stack(WEB + "      db: {image: busybox:1}\n")
        outcome = stack("--dry-run", "watch", "--no-up", "web", "db", check=0)
        self.assertRegex(outcome.err, r'compose.yaml:\d+:\d+: warning: service "db" has no `develop.watch`')
        self.assertIn("no such service: wbe", stack("watch", "wbe", check=1).err)

    def test_rules_that_cannot_be_followed_name_their_place(self):
        stack = self.stack("""\
            services:
              web:
                image: busybox:1
                develop:
                  watch:
                    - {path: ., action: rebuild}
                    - {path: ., action: sync+exec, target: /a}
                    - {path: ., action: sync, target: a}
            """)
        outcome = stack("watch", check=1)
        self.assertIn('compose.yaml:6:11: error: can\'t watch service "web" with action rebuild without a build context', outcome.err)
        self.assertIn('compose.yaml:7:11: error: can\'t watch service "web" with action sync+exec without a command', outcome.err)
        self.assertIn("compose.yaml:8:11: error: service \"web\" has a watch rule whose target is not an absolute path", outcome.err)

    def test_when_the_kernel_permits_no_more_watches_it_is_said_what_to_do(self):
        stack = self.project(WEB, **{f"src__{name}__file": "x" for name in "abcdef"})
        stack.up()
        # The limit is one of user namespaces, too.
        few = "echo 2 > /proc/sys/user/max_inotify_watches && exec \"$@\""
        done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", few, "sh", BERTH, "watch", "--no-up"], cwd=stack.folder,
                              env=stack.berth.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("fs.inotify.max_user_watches", done.stderr)
        self.assertIn("sysctl", done.stderr)

    def test_flags_that_exclude_each_other(self):
        stack = self.stack(WEB)
        self.assertIn("--detach cannot be combined", stack("up", "-d", "--watch", check=1).err)
        self.assertIn("--no-build and --watch are incompatible", stack("up", "--no-build", "--watch", check=1).err)

    def test_a_dry_run_shows_the_rules_and_changes_nothing(self):
        stack = self.stack(WEB)
        outcome = stack("watch", "--dry-run", check=0)
        self.assertRegex(outcome.out, r'watch .*/src for service "web": sync to /app')
        self.assertEqual({}, stack.ps())


class UpWatch(WatchCase):
    def test_up_shows_logs_and_follows_files_and_ends_with_ctrl_c(self):
        stack = self.project("""
            services:
              web:
                image: busybox:1
                command: [sh, -c, "trap 'exit 0' TERM; while :; do cat /app/file 2>/dev/null; sleep 0.05; done"]
                environment: {BERTH_TEST_MARK: %MARK%-web}
                develop: {watch: [{path: ./src, action: sync, target: /app}]}
            """, src__a="1")
        with Terminal([BERTH, "up", "--watch"], stack.folder, self.berth.environment) as terminal:
            terminal.wait_for("⦿ .*Watch enabled")
            self.write(stack, "src/file", "hello\n")
            terminal.wait_for(r"web-1.*\| (\x1b\[0m)?hello")
            terminal.wait_for('Syncing service "web" after 1 changes')
            terminal.type("\x03")
            self.assertIn(terminal.wait_exit(), (0, 130))
            self.assertIn("Watch disabled", terminal.plain)
        self.assertEqual("exited", stack.ps()["web"]["State"])

    def test_up_that_watches_stays_when_all_has_ended_and_a_change_starts_it_again(self):
        stack = self.project("""
            services:
              web:
                image: busybox:1
                command: [sh, -c, "cat /app/go || exit 4; exec sleep 100000"]
                init: true
                environment: {BERTH_TEST_MARK: %MARK%-web}
                develop: {watch: [{path: ./src, action: sync+restart, target: /app}]}
            """, src__a="1")
        with Background(stack, "up", "-w") as up:
            up.wait_for("Watch enabled")
            up.wait_for("exited with code 4")
            self.write(stack, "src/go", "it works\n")
            up.wait_for("| it works")
            up.interrupt()
            up.wait()

    def test_whoever_watches_for_up_dies_with_it(self):
        stack = self.project(WEB, src__a="1")
        with Background(stack, "up", "-w") as up:
            up.wait_for("Watch enabled")
            self.assertEqual(1, len(self.watchers(stack)))
            up.send(signal.SIGKILL)
            up.wait()
            wait_until("nobody watches", lambda: not self.watchers(stack))

    @staticmethod
    def watchers(stack):
        """Processes `berth … watch --no-up --of-up` of the stack."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = host.read(f"/proc/{pid}/cmdline").split("\0")
                if "--of-up" in words and os.readlink(f"/proc/{pid}/cwd") == stack.folder:
                    found.append(pid)
            except OSError:
                continue
        return found


if __name__ == "__main__":
    unittest.main()

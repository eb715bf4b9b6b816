"""What containers take from each other: namespaces (network_mode, pid, ipc) and mounts (volumes_from)."""

import os

import host
from harness import Case, wait_until


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


class Sharing(Case):
    def lender_and(self, lines, lender="", rest=""):
        """Services `a` and `b`; the lines are b's. Both sleep."""
        return self.stack(f"""
            services:
              a:
                image: busybox:1
                command: ["sh", "-c", "exec sleep 100000"]
                environment: {{BERTH_TEST_MARK: %MARK%-a}}
                stop_grace_period: 0s
                {lender}
              b:
                image: busybox:1
                command: ["sh", "-c", "exec sleep 100000"]
                environment: {{BERTH_TEST_MARK: %MARK%-b}}
                stop_grace_period: 0s
                {lines}
            {rest}
            """)

    def joiner(self, stack, service="b"):
        """Its process on the host, also where it is not process 1 of its pid namespace."""
        def find():
            return [pid for pid in host.pids()
                    if host.environment(pid).get("BERTH_TEST_MARK") == f"{stack.mark}-{service}"]
        return wait_until(f"{service} runs", find)[0]

    def test_a_joined_network_is_the_same_with_its_addresses_names_and_ports(self):
        stack = self.lender_and("network_mode: service:a")
        stack.up()
        a, b = stack.pid("a"), stack.pid("b")
        self.assertEqual(namespace(a, "net"), namespace(b, "net"))
        self.assertNotEqual(namespace(a, "net"), namespace(os.getpid(), "net"))
        for kind in ("mnt", "pid", "ipc", "uts"):
            self.assertNotEqual(namespace(a, kind), namespace(b, kind), kind)
        self.assertEqual(stack.exec("a", "hostname"), stack.exec("b", "hostname"))
        for name in ("hosts", "hostname", "resolv.conf"):
            a_file, b_file = (os.stat(f"/proc/{pid}/root/etc/{name}") for pid in (a, b))
            self.assertEqual((a_file.st_dev, a_file.st_ino), (b_file.st_dev, b_file.st_ino), name)
        stack("exec", "-d", "a", "nc", "-l", "-p", "7000", "-e", "echo", "hello", check=0)
        wait_until("b hears a on its own loopback", lambda: "hello" in stack.sh("b", "nc 127.0.0.1 7000 </dev/null || :"))

    def test_who_joins_is_made_anew_with_the_container_it_joins(self):
        stack = self.lender_and("network_mode: service:a", "labels: {version: '1'}")
        stack.up()
        before = {name: row["ID"] for name, row in stack.ps().items()}
        stack.up()
        self.assertEqual(before, {name: row["ID"] for name, row in stack.ps().items()}, "nothing has changed")
        stack.write(host.read(os.path.join(stack.folder, "compose.yaml")).replace("version: '1'", "version: '2'"))
        stack.up()
        after = {name: row["ID"] for name, row in stack.ps().items()}
        self.assertNotEqual(before["a"], after["a"])
        self.assertNotEqual(before["b"], after["b"])
        self.assertEqual(namespace(stack.pid("a"), "net"), namespace(stack.pid("b"), "net"))
        stack("rm", "-s", "-f", "a", check=0)
        stack.up()
        self.assertNotEqual(after["b"], stack.ps()["b"]["ID"], "its owner had been removed")
        self.assertEqual(namespace(stack.pid("a"), "net"), namespace(stack.pid("b"), "net"))

    def test_a_restart_of_the_owner_restarts_who_joined_it(self):
        stack = self.lender_and("network_mode: service:a")
        stack.up()
        stack("restart", "a", check=0)
        self.assertEqual(namespace(stack.pid("a"), "net"), namespace(stack.pid("b"), "net"))

    def test_a_container_of_another_project_is_joined_by_its_name(self):
        other = self.stack("""
            services:
              owner:
                image: busybox:1
                container_name: berth-it-owner
                command: ["sh", "-c", "exec sleep 100000"]
                environment: {BERTH_TEST_MARK: %MARK%-owner}
                stop_grace_period: 0s
            """, "otherproject")
        stack = self.lender_and("network_mode: container:berth-it-owner")
        refused = stack("up", "-d", check=1)
        self.assertIn("container:berth-it-owner", refused.err)
        other.up()
        stack.up()
        self.assertEqual(namespace(other.pid("owner"), "net"), namespace(stack.pid("b"), "net"))
        other("stop", check=0)
        stack("stop", "b", check=0)
        failed = stack("start", "b", check=1)
        self.assert_in_order(failed.err, "berth-it-owner", "not running")

    def test_processes_of_a_joined_pid_namespace_see_each_other(self):
        stack = self.lender_and("pid: service:a")
        stack.up()
        a, b = stack.pid("a"), self.joiner(stack)
        self.assertEqual(namespace(a, "pid"), namespace(b, "pid"))
        self.assertNotEqual(namespace(a, "net"), namespace(b, "net"))
        self.assertIn("sleep 100000", stack.sh("b", "tr '\\0' ' ' < /proc/1/cmdline"), "process 1 is that of a")
        stack("stop", "b", check=0)
        self.assertTrue(host.is_alive(a), "only b has been stopped")
        wait_until("b has gone", lambda: not host.is_alive(b))

    def test_shared_memory_is_lent_only_by_those_that_offer_it(self):
        stack = self.lender_and("ipc: service:a", "ipc: shareable")
        stack.up()
        a, b = stack.pid("a"), stack.pid("b")
        self.assertEqual(namespace(a, "ipc"), namespace(b, "ipc"))
        stack.sh("a", "echo from a > /dev/shm/note")
        self.assertEqual("from a", stack.sh("b", "cat /dev/shm/note"))
        selfish = self.lender_and("ipc: service:a")
        refused = selfish("up", "-d", check=1)
        self.assert_in_order(refused.err, "compose.yaml:", "not shareable", "ipc: shareable")

    def test_what_the_owner_decides_is_refused_to_who_joins(self):
        stack = self.lender_and("network_mode: service:a\n                ports: ['18231:80']")
        refused = stack("up", "-d", check=1)
        self.assert_in_order(refused.err, "compose.yaml:", "ports", "network_mode", "service:a")

    def test_ipc_none_has_no_shared_memory(self):
        stack = self.lender_and("ipc: none")
        stack.up()
        self.assertNotIn(" /dev/shm ", host.read(f"/proc/{stack.pid('b')}/mountinfo"))

    def test_volumes_from_takes_every_mount_and_may_take_them_read_only(self):
        stack = self.lender_and("volumes_from: ['a:ro']", "volumes: ['data:/data', '/nameless', './conf:/conf']",
                                "volumes: {data: }")
        os.makedirs(os.path.join(stack.folder, "conf"))
        stack.up()
        stack.sh("a", "echo 1 > /data/x; echo 2 > /nameless/y; echo 3 > /conf/z")
        self.assertEqual("1\n2\n3", stack.sh("b", "cat /data/x /nameless/y /conf/z"))
        stack.exec("b", "touch", "/data/no", check=1)
        stack.exec("b", "touch", "/nameless/no", check=1)
        points = [line.split()[4] for line in host.read(f"/proc/{stack.pid('b')}/mountinfo").splitlines()]
        for place in ("/data", "/nameless", "/conf"):
            self.assertIn(place, points)

    def test_volumes_from_of_a_container_by_name_and_its_own_mounts_win(self):
        stack = self.lender_and("volumes_from: ['container:berth-it-a']\n                tmpfs: ['/data']\n"
                                "                depends_on: [a]",
                                "container_name: berth-it-a\n                volumes: ['data:/data', 'more:/more']",
                                "volumes: {data: , more: }")
        stack.up("a")
        stack.up()
        stack.sh("b", "echo hidden > /data/x; echo seen > /more/x")
        self.assertEqual("seen", stack.sh("a", "cat /more/x"))
        stack.exec("a", "test", "-e", "/data/x", check=1)

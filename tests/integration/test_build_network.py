"""What RUN steps live in: their network, names, limits, and that nothing of it stays."""

import http.server
import json
import os
import signal
import subprocess
import threading

import host
from harness import BERTH, needs_nftables, wait_until
from test_build import BuildCase
from test_network import OutsideHost


class Site(OutsideHost):
    """Another machine with a web server on it, which tells who asks."""

    def __enter__(self):
        super().__enter__()
        script = ("import http.server as h\n"
                  "class A(h.BaseHTTPRequestHandler):\n"
                  "  def do_GET(self):\n"
                  "    self.send_response(200); self.end_headers(); self.wfile.write(('site for ' + self.client_address[0]).encode())\n"
                  "  def log_message(self, *_): pass\n"
                  "h.ThreadingHTTPServer(('', 80), A).serve_forever()\n")
        self.server = subprocess.Popen([*self.inside, "/usr/bin/python3", "-c", script])
        wait_until("the site listens", lambda: ":80" in subprocess.run(
            [*self.inside, "ss", "-Hltn"], stdout=subprocess.PIPE, text=True, check=True).stdout)
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        super().__exit__()


def links_and_tables():
    """Those that builds make."""
    links = json.loads(subprocess.run(["ip", "-j", "link"], stdout=subprocess.PIPE, check=True).stdout)
    tables = subprocess.run(["nft", "list", "tables"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return {link["ifname"] for link in links if link["ifname"].startswith("bv")} | {table for table in tables if "berth_build" in table}


class StepNetwork(BuildCase):
    def setUp(self):
        self.there_before = links_and_tables()

    def left(self):
        return links_and_tables() - self.there_before

    def run_step(self, script, *options, step_options="", **more):
        """What the script prints as a step of a build."""
        folder = self.context(f"FROM busybox:1\nRUN {step_options} sh -c '{script}' > /out 2>&1\n")
        self.build(folder, "--no-cache", *options, **more)
        return self.shell("cat /out")

    @needs_nftables
    def test_a_step_reaches_other_hosts_behind_ours(self):
        with Site() as site:
            self.assertEqual(self.run_step(f"wget -qO- http://{site.THEIRS}/"), f"site for {site.OURS}")
            shown = self.run_step("ip -o -4 addr; ip route; cat /proc/net/dev")
            self.assertRegex(shown, r"eth0 +inet 172\.30\.\d+\.\d+/24")
            self.assertIn("127.0.0.1/8", shown)
            self.assertRegex(shown, r"default via 172\.30\.\d+\.1 dev eth0")
            reach = "(nc -w 3 127.0.0.1 %d </dev/null) >/dev/null 2>&1 && echo reached || echo nobody" % self.listen()
            self.assertEqual(self.run_step(reach), "nobody\n")
            self.assertEqual(self.run_step(reach, "--network", "host"), "reached\n")
        wait_until("nothing is left", lambda: not self.left())

    def listen(self):
        """A port of the host's loopback on which somebody listens."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def test_none_and_host(self):
        none = self.run_step("ip -o link", step_options="--network=none")
        self.assertEqual([line.split(":")[1].strip() for line in none.splitlines()], ["lo"])
        self.assertIn("LOWER_UP", none)
        self.assertEqual(self.run_step("ip -o link | wc -l", "--network", "none"), "1\n")
        ours = os.readlink("/proc/self/ns/net")
        self.assertEqual(self.run_step("readlink /proc/self/ns/net", "--network", "host"), ours + "\n")
        self.assertEqual(self.run_step("readlink /proc/self/ns/net", "--network", "host", step_options="--network=default"), ours + "\n")
        folder = self.context("FROM busybox:1\nRUN --network=host true\n")
        self.assert_in_order(self.build(folder, check=1).err, "Dockerfile:2:1: error: --network=host", "--allow network.host")
        self.build(folder, "--allow", "network.host")

    @needs_nftables
    def test_names_are_resolved(self):
        self.assertIn("nameserver 127.0.0.11", self.run_step("cat /etc/resolv.conf"))
        # Every name of .invalid is answered, by whomever the host asks or by us: never with silence.
        self.assertRegex(self.run_step("nslookup no-such-name.invalid || true"), r"NXDOMAIN|SERVFAIL|can.t (find|resolve)")

    def test_a_name_server_on_the_hosts_loopback(self):
        """The host's resolv.conf names a stub, as systemd-resolved has it."""
        server = subprocess.Popen(["/usr/bin/python3", "-c",
                                   "import socket\n"
                                   "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.99', 53))\n"
                                   "while True:\n"
                                   "  q, who = s.recvfrom(512)\n"
                                   "  end = q.index(0, 12) + 5\n"
                                   "  a = q[end-4:end-2] == bytes([0, 1])\n"
                                   "  s.sendto(q[:2] + bytes([0x81, 0x80, 0, 1, 0, a, 0, 0, 0, 0]) + q[12:end]"
                                   " + (bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 203, 0, 113, 9]) if a else b''), who)\n"])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_until("the stub listens", lambda: "127.0.0.99:53" in subprocess.run(
            ["ss", "-Hlun"], stdout=subprocess.PIPE, text=True, check=True).stdout)
        conf = os.path.join(self.berth.home, "resolv.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write("nameserver 127.0.0.99\nsearch corp.test\n")
        folder = self.context("FROM busybox:1\nRUN nslookup somewhere.test > /out; cat /etc/resolv.conf >> /out\n")
        subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@"', conf,
                        BERTH, "image", "build", "--no-cache", "-t", "test:1", folder], env=self.berth.environment, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        out = self.shell("cat /out")
        self.assertIn("203.0.113.9", out)
        self.assertIn("search corp.test", out)

    @needs_nftables
    def test_hosts_and_hostname_are_dockers_and_stay_out_of_the_layer(self):
        out = self.run_step("hostname; cat /etc/hosts; ip route", "--add-host", "db:10.1.2.3", "--add-host", "me=host-gateway")
        gateway = out.split("default via ")[1].split()[0]
        self.assertEqual(out.splitlines()[:5], ["buildkitsandbox", "127.0.0.1\tlocalhost buildkitsandbox",
                                                "::1\tlocalhost ip6-localhost ip6-loopback", "10.1.2.3\tdb", f"{gateway}\tme"])
        listed = self.berth("image", "save", "-o", os.path.join(self.berth.home, "saved.tar"), "test:1", check=0)
        self.assertEqual(listed.code, 0)
        names = subprocess.run(["sh", "-c", "mkdir -p x && tar xf saved.tar -C x && for f in x/blobs/sha256/*; do tar tf $f 2>/dev/null; done"],
                               cwd=self.berth.home, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        self.assertIn("out", names)
        for name in ("etc/hosts", "etc/resolv.conf", "etc/hostname"):
            self.assertNotIn(name, names)

    @needs_nftables
    def test_an_image_whose_resolv_conf_is_a_link_that_leads_nowhere(self):
        folder = self.context("FROM busybox:1\nCOPY etc /etc\nRUN cat /etc/resolv.conf > /out\n", {"etc/other": ""})
        os.symlink("../run/systemd/resolve/stub-resolv.conf", os.path.join(folder, "etc/resolv.conf"))
        self.build(folder)
        self.assertIn("nameserver 127.0.0.11", self.shell("cat /out"))

    def test_limits(self):
        out = self.run_step("df -k /dev/shm | tail -1; ulimit -n; ulimit -Hn", "--shm-size", "7m", "--ulimit", "nofile=123:456")
        self.assertIn(" 7168 ", out)
        self.assertEqual(out.split()[-2:], ["123", "456"])

    def test_two_builds_at_once(self):
        with Site() as site:
            folders = [self.context(f"FROM busybox:1\nRUN echo {name}; for i in 1 2 3 4 5; do wget -qO- http://{site.THEIRS}/ || exit 1; done\n",
                                    name=name) for name in ("one", "two", "three")]
            builds = [subprocess.Popen([BERTH, "image", "build", "--no-cache", folder], env=self.berth.environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                      for folder in folders]
            for build in builds:
                _, told = build.communicate(timeout=60)
                self.assertEqual(build.returncode, 0, told)
        wait_until("nothing is left", lambda: not self.left())

    @needs_nftables
    def test_a_build_that_is_killed_leaves_nothing(self):
        folder = self.context("FROM busybox:1\nRUN echo started-$$; sleep 1000\n")
        for stop in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(stop):
                build = subprocess.Popen([BERTH, "image", "build", folder], env=self.berth.environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                while "| started-" not in build.stderr.readline():
                    self.assertIsNone(build.poll())
                self.assertEqual(len(self.left()), 2, "a link and a table")
                build.send_signal(stop)
                build.communicate(timeout=30)
                wait_until("nothing is left", lambda: not self.left())
        self.build(self.context("FROM busybox:1\nRUN true\n", name="after"))
        self.assert_nothing_left()

    @needs_nftables
    def test_beside_a_firewall_that_drops_what_is_forwarded_a_step_has_the_hosts_network(self):
        # In a network namespace of its own, which has such a firewall.
        drop = "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"
        folder = self.context("FROM busybox:1\nRUN readlink /proc/self/ns/net > /out\n")
        built = subprocess.run(["unshare", "-n", "sh", "-c", 'nft "$0" && readlink /proc/self/ns/net && exec "$@"', drop,
                                BERTH, "image", "build", "--no-cache", "-t", "test:1", folder], env=self.berth.environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=True)
        self.assertIn("(the network is the host's own: the chain FORWARD of the firewall's table filter drops", built.stderr)
        self.assertEqual(self.shell("cat /out"), built.stdout)

    def test_a_build_that_runs_nothing_makes_no_network(self):
        folder = self.context("FROM busybox:1\nRUN true\nCOPY Dockerfile /\n")
        self.build(folder)
        traced = subprocess.run(["strace", "-f", "-e", "trace=unshare,setns", BERTH, "image", "build", folder], env=self.berth.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=True)
        self.assertNotIn("CLONE_NEWNET", traced.stderr)


class ServiceBuildNetwork(BuildCase):
    COMPOSE = """\
        services:
          web:
            image: busybox:1
            command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
            stop_grace_period: 0s
          app:
            profiles: [later]
            build:
              network: NETWORK
              extra_hosts: ["gate=host-gateway", "db=10.1.2.3"]
              shm_size: 9m
              ulimits: {nofile: {soft: 111, hard: 222}}
              dockerfile_inline: |
                FROM busybox:1
                RUN (wget -qO- http://web/ | grep works; cat /etc/hosts; df -k /dev/shm; ulimit -n) > /out
            image: app:1
        """

    def test_a_network_of_the_project(self):
        stack = self.stack(self.COMPOSE.replace("NETWORK", "${WHICH:-default}"), "lent")
        stack.up()
        wait_until("httpd listens", lambda: "works" in stack.sh("web", "wget -qO- http://web/ 2>&1 || true"))
        stack("build", "app", check=0)
        apart = self.shell("cat /out", "app:1")
        self.assertNotIn("works", apart)
        for expected in ("10.1.2.3\tdb", " 9216 ", "111"):
            self.assertIn(expected, apart)
        self.berth.environment["WHICH"] = "lent_default"
        self.addCleanup(self.berth.environment.pop, "WHICH")
        stack("build", "app", check=0)
        within = self.shell("cat /out", "app:1")
        self.assertIn("works", within)
        gateway = stack.sh("web", "ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'")
        self.assertIn(f"{gateway}\tgate", within)
        self.berth.environment["WHICH"] = "lent_defualt"
        self.assertIn('did you mean "lent_default"?', stack("build", "app", check=1).err)

    def test_a_build_without_the_supervisor_that_lent_it_goes_on(self):
        stack = self.stack(self.COMPOSE.replace("NETWORK", "killed_default").replace("RUN (", "RUN echo started; ("), "killed")
        stack.up()
        build = subprocess.Popen([BERTH, "build", "app"], cwd=stack.folder, env=self.berth.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while "| started" not in build.stderr.readline():
            self.assertIsNone(build.poll())
        self.berth.kill_helpers("berth-supervisor")
        _, told = build.communicate(timeout=60)
        self.assertEqual(build.returncode, 0, told)
        self.assertIn("db", self.shell("cat /out", "app:1"))
        stack("down", check=0)
        self.assertFalse(host.left_in_root(self.berth))

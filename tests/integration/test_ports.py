"""Published ports: every form, from everywhere, and who is told what about a clash."""

import json
import os
import socket
import subprocess
import sys

from harness import Case
from outside import Echo, OutsideHost, ask, within
from test_network import free_port

IDLE = """
    services:
      web:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        ports: PORTS
    networks: {default: NETWORK}
"""

# Many clients at once, each connection for itself: reset, refused and silent ones count as lost.
STORM = """
import socket, sys, threading
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
lost = []
def storm(times):
    for _ in range(times):
        try:
            with socket.create_connection((host, port), 10) as one:
                if b"hears" not in one.recv(100): lost.append("silent")
        except OSError as error: lost.append(str(error))
threads = [threading.Thread(target=storm, args=(count // 8,)) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(lost), lost[:3])
"""


def rules(table):
    text = subprocess.run(["nft", "-j", "list", "table", "inet", table], stdout=subprocess.PIPE, check=True).stdout
    return sum("rule" in entry for entry in json.loads(text)["nftables"])


def our_table(berth):
    """The name of the root's table: the same hash of the root as in the code."""
    value = 2166136261
    for byte in berth.root.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return f"berth_{value:08x}"


class Ports(Case):
    def site(self, ports, network="{}", name=None):
        stack = self.stack(IDLE.replace("PORTS", ports).replace("NETWORK", network), name)
        stack.up()
        return stack

    def test_every_form_leads_where_it_says(self):
        any_, four, six, here, here6, one = (free_port() for _ in range(6))
        with OutsideHost() as outside:
            site = self.site(f"""["{any_}:80", "0.0.0.0:{four}:80", "[::]:{six}:80", "127.0.0.1:{here}:80", "[::1]:{here6}:80",
                "{outside.OURS}:{one}:80/udp", {{target: 81, published: "{any_}", protocol: udp, mode: host,
                app_protocol: http, name: web}}]""")
            answers = [(any_, "127.0.0.1"), (any_, "::1"), (any_, outside.OURS), (any_, outside.OURS6), (four, outside.OURS),
                       (four, "127.0.0.1"), (six, "::1"), (six, outside.OURS6), (here, "127.0.0.1"), (here6, "::1")]
            with Echo("web", 80, site.pid("web")), Echo("81", 81, site.pid("web")):
                for port, host in answers:
                    self.assertIn("web hears", ask(host, port), f"{host} {port}")
                for port, host in {(p, h) for p in (any_, four, six, here, here6)
                                   for h in ("127.0.0.1", "::1", outside.OURS, outside.OURS6)} - set(answers):
                    self.assertNotIn("web hears", ask(host, port), f"{host} {port}")
                self.assertEqual(ask(outside.OURS, one, "udp", outside.inside), f"web hears {outside.THEIRS}")
                self.assertEqual(ask(outside.OURS, any_, "udp", outside.inside), f"81 hears {outside.THEIRS}")
                self.assertEqual(ask(outside.OURS, any_, "tcp", outside.inside), f"web hears {outside.THEIRS}")
                self.assertNotIn("hears", ask(outside.OURS, here, "tcp", outside.inside))
                self.assertIn("web hears", ask(outside.OURS, any_, "tcp", within(site.pid("web"))))  # hairpin
            self.assertEqual(site("port", "web", "80", check=0).out, f"0.0.0.0:{any_}\n")
            self.assertEqual(site("port", "--protocol", "udp", "web", "81", check=0).out, f"0.0.0.0:{any_}\n")
            shown = site("ps", check=0).out
            for text in (f"0.0.0.0:{four}->80/tcp", f"[::]:{six}->80/tcp", f"127.0.0.1:{here}->80/tcp", f"[::1]:{here6}->80/tcp"):
                self.assertIn(text, shown)
            self.assertNotIn(f"[::]:{four}", shown)

    def test_a_range_gives_the_first_free_port_and_ranges_pair_up(self):
        first = free_port()
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as taken:
            taken.bind(("::", first))
            taken.listen()
            site = self.site(f'["{first}-{first + 20}:80", "90-92", "127.0.0.1::93"]')
            chosen = int(site("port", "web", "80", check=0).out.rsplit(":", 1)[1])
            self.assertIn(chosen, range(first + 1, first + 21))
            known = [site("port", "web", str(port), check=0).out for port in (90, 91, 92, 93)]
            self.assertEqual(len(set(known)), 4)
            self.assertRegex(known[3], r"^127\.0\.0\.1:\d+$")

    def test_a_clash_is_found_before_anything_starts_and_names_the_process(self):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            stack = self.stack(IDLE.replace("PORTS", f'["{port}:80"]').replace("NETWORK", "{}"))
            done = stack("up", "-d", check=1)
            with open("/proc/self/comm", encoding="utf-8") as file:
                self.assertIn(f"held by {file.read().strip()} (pid {os.getpid()})", done.err)
            self.assertRegex(done.err, r"compose\.yaml:\d+:\d+")
            self.assertEqual(stack("ps", "-aq", check=0).out, "")

    def test_udp_clients_are_cut_over_when_the_container_is_replaced(self):
        port = free_port()
        with OutsideHost() as outside:
            site = self.site(f'["{port}:80/udp"]')
            pipe = subprocess.Popen([*outside.inside, sys.executable, "-uc", f"""
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(5)
    asking.connect(("{outside.OURS}", {port}))
    for line in sys.stdin:
        asking.send(b"who?")
        print(asking.recv(100).decode())
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

            def say():
                pipe.stdin.write("go\n")
                return pipe.stdout.readline()

            with pipe:
                with Echo("old", 80, site.pid("web")):
                    self.assertIn("old hears", say())
                site.up("--force-recreate")
                with Echo("new", 80, site.pid("web")):
                    self.assertIn("new hears", say())
                pipe.stdin.close()

    def test_ten_thousand_short_connections_lose_none(self):
        port = free_port()
        with OutsideHost() as outside:
            site = self.site(f'["{port}:80"]')
            with Echo("web", 80, site.pid("web")):
                done = subprocess.run([*outside.inside, sys.executable, "-c", STORM, outside.OURS, str(port), "10000"],
                                      stdout=subprocess.PIPE, text=True, check=True)
            self.assertEqual(done.stdout, "0 []\n")

    def test_rules_are_as_many_with_twenty_networks_and_ports_as_with_one(self):
        self.site('["80"]', name="one")
        before = rules(our_table(self.berth))
        names = [f"n{i}" for i in range(20)]
        ports = ", ".join(f'"{i + 1000}"' for i in range(20))
        many = self.stack(f"""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                ports: [{ports}]
                networks: [{", ".join(names)}]
            networks: {{{", ".join(f"{name}: {{enable_ipv6: true}}" for name in names)}}}
            """, "many")
        many.up()
        self.assertEqual(rules(our_table(self.berth)), before)
        self.assertGreater(before, 10)

    def test_the_networks_own_address_is_where_ports_without_one_are_published(self):
        port = free_port()
        site = self.site(f'["{port}:80"]', '{driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}}')
        self.assertEqual(site("port", "web", "80", check=0).out, f"127.0.0.1:{port}\n")

    def test_sctp_works_or_is_refused_with_the_reason(self):
        stack = self.stack(IDLE.replace("PORTS", '["80/sctp"]').replace("NETWORK", "{}"))
        done = stack("up", "-d")
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
        except OSError:
            self.assertEqual(done.code, 1, done)
            self.assertIn('load its module "sctp"', done.err)
            return
        self.assertEqual(done.code, 0, done)
        self.assertRegex(stack("ps", check=0).out, r"0\.0\.0\.0:\d+->80/sctp")

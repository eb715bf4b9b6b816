"""Names, published ports and what separates two projects."""

import json
import re
import socket
import subprocess
import unittest

from harness import Case, needs_nftables, wait_until
from outside import OutsideHost

SITE = """
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        ports: ["PORT:80"]
      client:
        image: busybox:1
        command: ["sleep", "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-client}
        stop_grace_period: 0s
"""


def free_port():
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::", 0))
        return probe.getsockname()[1]


def fetch(url, *before):
    done = subprocess.run([*before, "curl", "-sS", "-g", "--noproxy", "*", "--max-time", "5", url], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def own_addresses():
    """The host's own IPv4 addresses that are not loopback."""
    links = json.loads(subprocess.run(["ip", "-j", "-4", "addr", "show", "scope", "global"], stdout=subprocess.PIPE,
                                      check=True).stdout)
    return [a["local"] for link in links if not link.get("master") and "UP" in link["flags"]
            for a in link["addr_info"] if link["ifname"].startswith(("e", "w"))]


class Network(Case):
    def site(self, name=None, compose=SITE):
        self.port = free_port()
        stack = self.stack(compose.replace("PORT", str(self.port)), name)
        stack.up()
        wait_until("httpd listens", lambda: "it works" in stack.sh("client", "wget -qO- http://web/ 2>&1 || true"))
        return stack

    def test_service_and_container_names_resolve_to_the_containers_address(self):
        site = self.site("names")
        address = site.sh("web", "ip -4 addr show eth0 | awk '/inet /{sub(\"/.*\",\"\",$2); print $2}'")
        self.assertRegex(address, r"^(172\.(1[6-9]|2\d|3[01])|192\.168)\.\d+\.\d+$")
        for name in ("web", "names-web-1"):
            answer = site.sh("client", f"nslookup {name} 127.0.0.11 2>&1 || true")
            self.assertIn(address, answer, f"{name} resolves")
        self.assertIn("nameserver 127.0.0.11", site.sh("client", "cat /etc/resolv.conf"))
        self.assertIn("it works", site.sh("client", "wget -qO- http://names-web-1/"))

    def test_an_unknown_name_is_refused_quickly_and_others_are_forwarded(self):
        site = self.site("forwarded")
        name = "deb.debian.org"
        try:
            addresses = {info[4][0] for info in socket.getaddrinfo(name, None, socket.AF_INET)}
        except OSError:
            raise unittest.SkipTest(f"the host itself cannot resolve {name}") from None
        answer = site.sh("client", f"nslookup {name} 2>&1 || true")
        self.assertTrue(addresses & set(re.findall(r"\d+\.\d+\.\d+\.\d+", answer)), answer)
        self.assertRegex(site.sh("client", "nslookup no-such-name.invalid 2>&1 || true"), "NXDOMAIN|can't (find|resolve)")

    def test_the_published_port_answers_on_loopback_of_both_families(self):
        self.site("loopback")
        self.assertIn("it works", fetch(f"http://127.0.0.1:{self.port}/"))
        self.assertIn("it works", fetch(f"http://[::1]:{self.port}/"))
        self.assertIn("it works", fetch(f"http://localhost:{self.port}/"))

    def test_the_published_port_answers_on_the_hosts_own_address(self):
        self.site("ownaddress")
        addresses = own_addresses()
        if not addresses:
            raise unittest.SkipTest("the host has no address but loopback")
        for address in addresses:
            self.assertIn("it works", fetch(f"http://{address}:{self.port}/"), address)

    def test_the_published_port_answers_another_host(self):
        with OutsideHost() as outside:
            self.site("outside")
            self.assertIn("it works", fetch(f"http://{outside.OURS}:{self.port}/", *outside.inside))

    def test_a_container_reaches_another_host_through_masquerade(self):
        with OutsideHost() as outside:
            site = self.site("masquerade")
            server = subprocess.Popen([*outside.inside, "/bin/busybox", "nc", "-l", "-p", "7777", "-e", "/bin/busybox", "env"],
                                      stdout=subprocess.DEVNULL)
            try:
                wait_until("nc listens", lambda: ":7777" in subprocess.run(
                    [*outside.inside, "ss", "-Hltn"], stdout=subprocess.PIPE, text=True, check=True).stdout)
                self.assertIn("PATH=", site.sh("client", f"nc -w 5 {outside.THEIRS} 7777 </dev/null"))
            finally:
                server.kill()
                server.wait()

    def test_the_published_port_answers_a_container_of_another_project(self):
        self.site("publisher")
        port = self.port
        other = self.site("visitor")
        gateway = other.sh("client", "ip route | awk '/default/{print $3}'")
        self.assertIn("it works", other.sh("client", f"timeout 5 wget -qO- http://{gateway}:{port}/"))

    def test_a_published_address_binds_only_there(self):
        self.site("local", SITE.replace('"PORT:80"', '"127.0.0.1:PORT:80"'))
        self.assertIn("it works", fetch(f"http://127.0.0.1:{self.port}/"))
        for address in own_addresses():
            self.assertNotIn("it works", fetch(f"http://{address}:{self.port}/"), address)
        with OutsideHost() as outside:
            self.assertNotIn("it works", fetch(f"http://{outside.OURS}:{self.port}/", *outside.inside))

    def test_ps_shows_the_published_port(self):
        site = self.site("shown")
        publishers = site.ps()["web"]["Publishers"]
        self.assertIn((80, self.port, "tcp"), [(p["TargetPort"], p["PublishedPort"], p["Protocol"]) for p in publishers])
        self.assertIn(f"0.0.0.0:{self.port}->80/tcp", site("ps", check=0).out)

    @needs_nftables
    def test_projects_do_not_see_each_other(self):
        one = self.site("island1")
        other = self.site("island2")
        address = one.sh("web", "ip -4 addr show eth0 | awk '/inet /{sub(\"/.*\",\"\",$2); print $2}'")
        self.assertIn("it works", one.sh("client", f"timeout 2 wget -qO- http://{address}/"))
        self.assertNotIn("it works", other.sh("client", f"timeout 2 wget -qO- http://{address}/ 2>&1 || true"))
        self.assertNotIn(address, other.sh("client", "nslookup island1-web-1 2>&1 || true"))

    def test_hosts_and_hostname_files_are_the_containers_own(self):
        site = self.site("files")
        name = site.sh("client", "hostname")
        self.assertRegex(name, r"^[0-9a-f]{12}$")
        self.assertRegex(site.sh("client", "cat /etc/hosts"), rf"(?m)^\d+\.\d+\.\d+\.\d+\s+.*\b{name}\b")

    def test_a_service_with_two_networks_is_reached_on_both(self):
        stack = self.stack("""
            x-idle: &idle {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
            services:
              web:
                image: busybox:1
                command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
                stop_grace_period: 0s
                networks: {front: {aliases: [shopfront], mac_address: "02:00:5e:10:00:07"}, back: }
              left: {<<: *idle, networks: [front]}
              right: {<<: *idle, networks: [back]}
            networks: {front: , back: }
            """)
        stack.up()
        wait_until("httpd listens", lambda: "it works" in stack.sh("left", "wget -qO- http://web/ 2>&1 || true"))
        self.assertIn("it works", stack.sh("left", "timeout 5 wget -qO- http://shopfront/"))
        self.assertIn("it works", stack.sh("right", "timeout 5 wget -qO- http://web/"))
        self.assertIn("02:00:5e:10:00:07", stack.sh("web", "cat /sys/class/net/eth*/address").split())
        self.assertNotIn("Address", stack.sh("left", "nslookup right 127.0.0.11 2>&1 | tail -n +4 || true"))

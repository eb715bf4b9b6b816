"""Drivers and their options, networks of others, and what a service says of its place on a network: with real traffic."""

import json
import subprocess
import unittest

from harness import Case, wait_until
from test_network import OutsideHost, fetch, free_port

IDLE = "image: busybox:1, command: [sleep, '100000'], stop_grace_period: 0s"
WEB = 'image: busybox:1, command: ["httpd", "-f", "-p", "80", "-h", "/var/www"], stop_grace_period: 0s'


def link(name):
    """`ip -d -j link show` of an interface of the host; None if there is none."""
    done = subprocess.run(["ip", "-d", "-j", "link", "show", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


class Parent:
    """An interface that stands for a network card, and a namespace at the other end of its cable."""

    def __init__(self, name="itp0"):
        self.name = name

    def __enter__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        here = subprocess.run(["readlink", "/proc/self/ns/net"], stdout=subprocess.PIPE, check=True).stdout
        wait_until("the namespace is there", lambda: subprocess.run(
            ["readlink", f"/proc/{self.process.pid}/ns/net"], stdout=subprocess.PIPE, check=False).stdout != here)
        for command in (f"ip link add {self.name} type veth peer name lan netns {self.process.pid}",
                        f"ip link set {self.name} up"):
            subprocess.run(command.split(), check=True)
        self.inside("ip", "addr", "add", "10.232.1.1/24", "dev", "lan")
        self.inside("ip", "link", "set", "lan", "up")
        return self

    def inside(self, *command, check=True):
        return subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", *command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=check).stdout

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", self.name], check=False)
        self.process.kill()
        self.process.wait()


class NetworkDrivers(Case):
    def up(self, compose, name=None):
        stack = self.stack(compose, name)
        stack.up()
        return stack

    def refused(self, compose, *messages):
        outcome = self.stack(compose, "refused")("up", "-d")
        self.assertEqual(1, outcome.code, outcome)
        for message in messages:
            self.assertIn(message, outcome.err)

    def test_the_options_of_a_bridge_show_in_the_kernel(self):
        stack = self.up(f"""
            services:
              a: {{{WEB}}}
              b: {{{IDLE}}}
            networks:
              default:
                driver_opts:
                  com.docker.network.bridge.name: itbr0
                  com.docker.network.driver.mtu: 1380
                  com.docker.network.container_iface_prefix: net
                  com.docker.network.bridge.enable_icc: "false"
            """)
        self.assertEqual((1380, "bridge"), (link("itbr0")["mtu"], link("itbr0")["linkinfo"]["info_kind"]))
        self.assertEqual("1380", stack.sh("a", "cat /sys/class/net/net0/mtu"))
        self.assertNotIn("it works", stack.sh("b", "timeout 2 wget -qO- http://a/ 2>&1 || true"), "icc is off")
        stack("down", check=0)
        self.assertIsNone(link("itbr0"))

    def test_a_bridge_that_was_there_stays(self):
        subprocess.run(["ip", "link", "add", "itbr1", "type", "bridge"], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "del", "itbr1"], check=True)
        stack = self.up(f"""
            services: {{a: {{{IDLE}}}}}
            networks: {{default: {{driver_opts: {{com.docker.network.bridge.name: itbr1}}}}}}
            """)
        self.assertIn("eth0", stack.sh("a", "ls /sys/class/net"))
        stack("down", check=0)
        self.assertIsNotNone(link("itbr1"))

    def test_without_masquerade_the_world_sees_the_containers_own_address(self):
        with OutsideHost() as outside:
            subprocess.run([*outside.inside, "ip", "route", "add", "10.233.1.0/24", "via", outside.OURS], check=True)
            stack = self.up(f"""
                services: {{a: {{{IDLE}, networks: {{default: {{ipv4_address: 10.233.1.9}}}}}}}}
                networks:
                  default:
                    driver_opts: {{com.docker.network.bridge.enable_ip_masquerade: "false"}}
                    ipam: {{config: [{{subnet: 10.233.1.0/24}}]}}
                """)
            accept = ("import socket; s = socket.create_server(('', 7777)); c, peer = s.accept(); print(peer[0])")
            server = subprocess.Popen([*outside.inside, "python3", "-c", accept], stdout=subprocess.PIPE, text=True)
            wait_until("it listens", lambda: ":7777" in subprocess.run(
                [*outside.inside, "ss", "-Hltn"], stdout=subprocess.PIPE, text=True, check=True).stdout)
            stack.sh("a", f"nc -w 5 {outside.THEIRS} 7777 </dev/null || true")
            self.assertEqual("10.233.1.9", server.communicate(timeout=10)[0].strip())

    def test_an_unprotected_network_is_reached_at_its_own_addresses(self):
        with OutsideHost() as outside:
            subprocess.run([*outside.inside, "ip", "route", "add", "10.233.0.0/16", "via", outside.OURS], check=True)
            for number, mode, answers in ((2, "nat-unprotected", True), (3, "nat", False)):
                stack = self.up(f"""
                    services: {{a: {{{WEB}, networks: {{default: {{ipv4_address: 10.233.{number}.9}}}}}}}}
                    networks:
                      default:
                        driver_opts: {{com.docker.network.bridge.gateway_mode_ipv4: {mode}}}
                        ipam: {{config: [{{subnet: 10.233.{number}.0/24}}]}}
                    """, f"mode{number}")
                wait_until("httpd listens", lambda s=stack: "it works" in s.sh("a", "wget -qO- http://a/ 2>&1 || true"))
                self.assertEqual(answers, "it works" in fetch(f"http://10.233.{number}.9/", *outside.inside), mode)

    def test_isolated_networks_have_no_address_of_the_host(self):
        stack = self.up(f"""
            services: {{a: {{{WEB}}}, b: {{{IDLE}}}}}
            networks:
              default:
                internal: true
                driver_opts: {{com.docker.network.bridge.name: itbr2, com.docker.network.bridge.gateway_mode_ipv4: isolated}}
            """)
        addresses = subprocess.run(["ip", "-4", "addr", "show", "itbr2"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertNotIn("inet ", addresses)
        wait_until("httpd listens", lambda: "it works" in stack.sh("b", "wget -qO- http://a/ 2>&1 || true"))

    def test_mistakes_are_named_with_their_place(self):
        service = f"services: {{a: {{{IDLE}}}}}\n"
        self.refused(service + "networks: {default: {driver: brigde}}", "compose.yaml:2:", 'did you mean "bridge"?')
        self.refused(service + "networks: {default: {driver_opts: {com.docker.network.driver.mtu: big}}}", "compose.yaml:2:",
                     "a number of bytes")
        self.refused(service + "networks: {default: {driver: macvlan, driver_opts: {macvlan_mode: brigde}}}",
                     "bridge, private, vepa or passthru")
        self.refused(service + "networks: {default: {driver: macvlan, driver_opts: {parent: nosuch0}}}", "nosuch0")
        self.refused(service + "networks: {default: {external: true, name: nosuch}}", "compose.yaml:2:", "nosuch")
        outcome = self.stack(service + "networks: {default: {driver_opts: {com.docker.network.driver.mtuu: 1400}}}", "typo")("config")
        self.assertEqual(0, outcome.code)

    def test_a_macvlan_reaches_the_network_behind_its_parent(self):
        with Parent() as parent:
            stack = self.up(f"""
                services:
                  a: {{{WEB}, networks: {{default: {{ipv4_address: 10.232.1.20, mac_address: "02:00:5e:10:00:09"}}}}}}
                  b: {{{IDLE}}}
                networks:
                  default:
                    driver: macvlan
                    driver_opts: {{parent: {parent.name}}}
                    ipam: {{config: [{{subnet: 10.232.1.0/24, gateway: 10.232.1.1, ip_range: 10.232.1.16/28}}]}}
                """)
            self.assertIn("default via 10.232.1.1", stack.sh("a", "ip route"))
            self.assertEqual("02:00:5e:10:00:09", stack.sh("a", "cat /sys/class/net/eth0/address"))
            wait_until("the neighbour answers", lambda: "it works" in parent.inside(
                "curl", "-sS", "--noproxy", "*", "--max-time", "2", "http://10.232.1.20/", check=False))
            self.assertIn("it works", stack.sh("b", "timeout 5 wget -qO- http://a/"), "names work as on a bridge")
            side = self.berth("network", "create", "side", check=0)
            self.assertEqual("", side.err)
            own = f"{stack.name}_default"
            self.berth("network", "connect", "side", f"{stack.name}-b-1", check=0)
            self.berth("network", "disconnect", own, f"{stack.name}-b-1", check=0)
            self.assertEqual("eth1 lo", stack.sh("b", "ls /sys/class/net | sort | tr '\\n' ' '").strip())
            self.berth("network", "connect", own, f"{stack.name}-b-1", check=0)
            self.assertIn("it works", stack.sh("b", "timeout 5 wget -qO- http://a/"))
            self.berth("network", "disconnect", "side", f"{stack.name}-b-1", check=0)
            self.berth("network", "rm", "side", check=0)
            stack("down", check=0)
            self.assertIsNotNone(link(parent.name), "the parent is the host's")

    def test_a_vlan_of_the_parent_is_made_and_goes(self):
        with Parent() as parent:
            stack = self.stack(f"""
                services: {{a: {{{IDLE}}}}}
                networks: {{default: {{driver: macvlan, driver_opts: {{parent: {parent.name}.50}}}}}}
                """)
            outcome = stack("up", "-d")
            if "this kernel has no VLAN" in outcome.err:
                raise unittest.SkipTest("this kernel has no VLANs; berth said so")
            self.assertEqual(0, outcome.code, outcome)
            self.assertEqual(50, link(f"{parent.name}.50")["linkinfo"]["info_data"]["id"])
            stack("down", check=0)
            self.assertIsNone(link(f"{parent.name}.50"))

    def test_an_ipvlan_has_its_parents_mac(self):
        with Parent() as parent:
            stack = self.stack(f"""
                services: {{a: {{{WEB}, networks: {{default: {{ipv4_address: 10.232.1.30}}}}}}}}
                networks:
                  default:
                    driver: ipvlan
                    driver_opts: {{parent: {parent.name}}}
                    ipam: {{config: [{{subnet: 10.232.1.0/24, gateway: 10.232.1.1}}]}}
                """)
            outcome = stack("up", "-d")
            if "this kernel has no ipvlan" in outcome.err:
                raise unittest.SkipTest("this kernel has no ipvlan; berth said so")
            self.assertEqual(0, outcome.code, outcome)
            self.assertEqual(link(parent.name)["address"], stack.sh("a", "cat /sys/class/net/eth0/address"))
            wait_until("the neighbour answers", lambda: "it works" in parent.inside(
                "curl", "-sS", "--noproxy", "*", "--max-time", "2", "http://10.232.1.30/", check=False))

    def test_networks_made_by_hand_are_external_by_name_and_id(self):
        made = self.berth("network", "create", "theirs", check=0).out.strip()
        self.addCleanup(self.berth, "network", "rm", "-f", "theirs")
        for name, wanted in (("byname", "theirs"), ("byid", made[:12])):
            stack = self.up(f"""
                services: {{a: {{{IDLE}}}}}
                networks: {{default: {{external: true, name: "{wanted}"}}}}
                """, name)
            self.assertIn("Address", stack.sh("a", "nslookup a.theirs 127.0.0.11"))
            stack.up()
            stack("down", check=0)
        self.assertIn("theirs", self.berth("network", "ls", check=0).out)

    def test_host_and_none_are_networks_too(self):
        stack = self.up(f"""
            services:
              a: {{{IDLE}, networks: [outer]}}
              b: {{{IDLE}, networks: [other]}}
              c: {{{IDLE}, networks: [nothing]}}
            networks:
              outer: {{external: true, name: host}}
              other: {{driver: host}}
              nothing: {{driver: none}}
            """)
        ours = subprocess.run(["ls", "/sys/class/net"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        for service in ("a", "b"):
            self.assertEqual(ours, stack.sh(service, "cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' ' | sort").split())
        self.assertEqual("lo", stack.sh("c", "ls /sys/class/net"))
        self.refused(f"""
            services: {{a: {{{IDLE}, networks: [outer, inner]}}}}
            networks: {{outer: {{external: true, name: host}}, inner: }}
            """, "so can be on no other")

    def test_the_default_bridge_is_there_while_somebody_is_on_it(self):
        port = free_port()
        stack = self.up(f"""
            services:
              a: {{{WEB}, network_mode: bridge, ports: ["{port}:80"]}}
              b: {{{IDLE}, network_mode: bridge, links: ["a:linked"]}}
              c: {{{IDLE}, networks: [legacy]}}
            networks: {{legacy: {{external: true, name: bridge}}}}
            """)
        (seen,) = json.loads(self.berth("network", "inspect", "bridge", check=0).out)
        self.assertEqual(3, len(seen["Containers"]))
        wait_until("httpd listens", lambda: "it works" in fetch(f"http://127.0.0.1:{port}/"))
        self.assertIn("it works", stack.sh("b", "timeout 5 wget -qO- http://linked/"))
        self.assertNotIn("Address", stack.sh("b", "nslookup c 127.0.0.11 2>&1 | tail -n +4 || true"), "no names but links")
        address = next(user["IPv4Address"] for user in seen["Containers"].values() if user["Name"].endswith("a-1")).split("/")[0]
        self.assertIn("it works", stack.sh("c", f"timeout 5 wget -qO- http://{address}/"))
        self.berth.kill_helpers("berth-supervisor")
        stack("stop", "c", check=0)
        self.assertIn("it works", stack.sh("b", "timeout 5 wget -qO- http://linked/"))
        stack("down", check=0)
        self.assertEqual("3\n", str(len(self.berth("network", "ls", "-q", check=0).out.split())) + "\n")

    def test_a_service_says_what_its_places_are_like(self):
        stack = self.up(f"""
            services:
              a:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                hostname: alpha
                domainname: example.test
                networks:
                  one: {{interface_name: front0, priority: 5}}
                  two:
                    gw_priority: 7
                    link_local_ips: [169.254.7.7]
                    driver_opts: {{com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.log_martians=1"}}
              b: {{{IDLE}, networks: [one], links: ["a:linked", "a"], external_links: ["PROJECT-c-1:other"]}}
              c: {{{IDLE}, networks: [one]}}
            networks:
              one:
              two: {{ipam: {{config: [{{subnet: 10.234.1.0/24}}]}}}}
            """.replace("PROJECT", "places"), "places")
        self.assertEqual("eth0 front0 lo", stack.sh("a", "ls /sys/class/net | sort | tr '\\n' ' '").strip())
        self.assertIn("default via 10.234.1.1", stack.sh("a", "ip route"))
        self.assertIn("169.254.7.7/16", stack.sh("a", "ip addr show eth0"))
        self.assertEqual("1", stack.sh("a", "cat /proc/sys/net/ipv4/conf/eth0/log_martians"))
        for name in ("linked", "LINKED", "other", "alpha", "alpha.example.test"):
            self.assertIn("Address", stack.sh("b", f"nslookup {name} 127.0.0.11 | tail -n +4"), name)
        self.assertNotIn("Address", stack.sh("c", "nslookup linked 127.0.0.11 2>&1 | tail -n +4 || true"), "b's own name for it")

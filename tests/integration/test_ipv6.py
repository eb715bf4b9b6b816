"""Networks with IPv6: alone and beside IPv4."""

import ipaddress
import json
import os
import re

from harness import Case, wait_until
from outside import Echo, OutsideHost, ask
from test_network import free_port

SITE = """
    x-idle: &idle {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
    services:
      web:
        <<: *idle
        environment: {BERTH_TEST_MARK: %MARK%-web}
        ports: ["PORT:80"]
      client: {<<: *idle, environment: {BERTH_TEST_MARK: %MARK%-client}}
    networks: {default: NETWORK}
"""


def addresses(stack, service, family):
    """Those of eth0 with their prefix; of IPv6, not the link-local one."""
    text = stack.sh(service, f"ip -{family} addr show eth0")
    found = re.findall(r"inet6? (\S+/\d+)", text)
    return [address for address in found if not address.startswith("fe80")]


class Ipv6(Case):
    def site(self, network, name=None):
        self.port = free_port()
        stack = self.stack(SITE.replace("PORT", str(self.port)).replace("NETWORK", network), name)
        stack.up()
        return stack

    def record(self, name):
        with open(os.path.join(self.berth.root, "networks", f"{name}.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_dual_stack_gets_a_unique_local_prefix_and_everything_works_as_over_ipv4(self):
        site = self.site("{enable_ipv6: true}", "dual")
        (address,) = addresses(site, "web", 6)
        address = ipaddress.ip_interface(address)
        self.assertEqual(address.network.prefixlen, 64)
        self.assertIn(address.ip, ipaddress.ip_network("fd00::/8"))
        self.assertEqual([block["subnet"] for block in self.record("dual_default")["ipam"]][1], str(address.network))
        self.assertEqual(len(addresses(site, "web", 4)), 1)
        self.assertIn("default via", site.sh("client", "ip -6 route"))

        answer = site.sh("client", "nslookup -type=aaaa web 127.0.0.11")
        self.assertIn(str(address.ip), answer)
        self.assertIn("dual-web-1.dual_default", site.sh("client", f"nslookup {address.ip} 127.0.0.11"))
        self.assertIn(f"{address.ip}\t", site.sh("web", "cat /etc/hosts"))
        own = ipaddress.ip_interface(addresses(site, "client", 6)[0]).ip
        with Echo("web", 80, site.pid("web")), OutsideHost() as outside:
            client = ["nsenter", "-t", str(site.pid("client")), "-n"]
            self.assertEqual(ask(str(address.ip), 80, before=client), f"web hears {own}")
            self.assertEqual(ask(outside.OURS6, self.port, before=outside.inside), f"web hears {outside.THEIRS6}")
            self.assertEqual(ask(outside.OURS6, self.port, "tcp"), f"web hears {outside.OURS6}")
            self.assertIn("web hears", ask("::1", self.port))
            self.assertIn("web hears", ask(outside.OURS6, self.port, before=client))  # hairpin
            self.assertNotIn("web hears", ask(str(address.ip), 80, before=outside.inside))
            with Echo("world", 99, outside.process.pid):
                self.assertEqual(ask(outside.THEIRS6, 99, before=client), f"world hears {outside.OURS6}")

    def test_networks_of_a_root_lie_in_one_prefix_and_are_separate(self):
        one, other = self.site("{enable_ipv6: true}", "six1"), self.site("{enable_ipv6: true}", "six2")
        first = ipaddress.ip_interface(addresses(one, "web", 6)[0])
        second = ipaddress.ip_interface(addresses(other, "web", 6)[0])
        self.assertNotEqual(first.network, second.network)
        self.assertEqual(first.network.supernet(new_prefix=48), second.network.supernet(new_prefix=48))
        with Echo("web", 80, one.pid("web")):
            self.assertNotIn("hears", ask(str(first.ip), 80, before=["nsenter", "-t", str(other.pid("client")), "-n"]))

    def test_a_network_of_ipv6_alone(self):
        site = self.site("{enable_ipv4: false, enable_ipv6: true}")
        self.assertEqual(addresses(site, "web", 4), [])
        (address,) = addresses(site, "web", 6)
        self.assertIn(address.split("/")[0], site.sh("client", "nslookup -type=aaaa web 127.0.0.11"))
        self.assertNotIn("NXDOMAIN", site.sh("client", "nslookup -type=a web 127.0.0.11 || true"))
        with Echo("web", 80, site.pid("web")):
            for host in ("::1", "127.0.0.1"):
                self.assertIn("web hears", ask(host, self.port))

    def test_addresses_that_the_file_names(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: [sleep, "100000"]
                stop_grace_period: 0s
                networks: {default: {ipv4_address: 10.214.7.70, ipv6_address: "fd00:bee7::70"}}
              other: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}
            networks:
              default:
                enable_ipv6: true
                ipam:
                  config:
                    - {subnet: "fd00:bee7::/64", gateway: "fd00:bee7::fe", ip_range: "fd00:bee7::a0/124",
                       aux_addresses: {router: "fd00:bee7::a0"}}
                    - {subnet: 10.214.7.0/24}
            """)
        stack.up()
        self.assertEqual(addresses(stack, "web", 6), ["fd00:bee7::70/64"])
        self.assertEqual(addresses(stack, "web", 4), ["10.214.7.70/24"])
        self.assertEqual(addresses(stack, "other", 6), ["fd00:bee7::a1/64"])
        self.assertIn("default via fd00:bee7::fe", stack.sh("web", "ip -6 route"))

    def test_a_network_of_ipv4_leaves_no_trace_of_ipv6_in_its_containers(self):
        site = self.site("{}")
        self.assertEqual({line.split()[-1] for line in site.sh("web", "cat /proc/net/if_inet6").splitlines()}, {"lo"})

    def test_an_internal_network_keeps_ipv6_inside(self):
        site = self.site("{enable_ipv6: true, internal: true}")
        self.assertNotIn("default", site.sh("client", "ip -6 route"))
        address = addresses(site, "web", 6)[0].split("/")[0]
        client = ["nsenter", "-t", str(site.pid("client")), "-n"]
        with Echo("web", 80, site.pid("web")), OutsideHost() as outside:
            self.assertIn("web hears", ask(address, 80, before=client))
            subprocess_route = f"ip -6 route add default via {self.record(site.name + '_default')['ipam'][1]['gateway']}"
            site.sh("client", f"{subprocess_route} 2>&1 || true")  # without the right to, even that fails
            with Echo("world", 99, outside.process.pid):
                self.assertNotIn("hears", ask(outside.THEIRS6, 99, before=client))
        self.assertFalse(site.ps()["web"]["Publishers"], "there is no way in")

    def test_a_clash_of_subnets_names_both_and_the_place(self):
        network = "{enable_ipv6: true, ipam: {config: [{subnet: 'fd00:bee8::/64'}, {subnet: 10.214.8.0/24}]}}"
        self.site(network, "first")
        stack = self.stack(SITE.replace("PORT", "0").replace("NETWORK", network), "second")
        done = stack("up", "-d", check=1)
        self.assertRegex(done.err, r"compose\.yaml:\d+:\d+: network second_default: subnet 10\.214\.8\.0/24 overlaps network "
                                   r"first_default \(10\.214\.8\.0/24\)")

    def test_pools_of_networks_conf_are_where_networks_come_from(self):
        conf = os.path.join(self.berth.home, "networks.conf")
        self.berth.kill_helpers("berth-supervisor", "berth-keeper")
        self.berth.environment["BERTH_NETWORKS_CONF"] = conf
        self.addCleanup(self.berth.environment.pop, "BERTH_NETWORKS_CONF")
        with open(conf, "w", encoding="utf-8") as file:
            file.write('[[address_pool]]\nbase = "10.215.0.0/16"\nsize = 28\n'
                       '[[address_pool]]\nbase = "fd00:beef::/48"\n')
        site = self.site("{enable_ipv6: true}", "pooled")
        self.assertEqual(addresses(site, "web", 4)[0].split("/")[1], "28")
        self.assertTrue(addresses(site, "web", 4)[0].startswith("10.215.0."))
        self.assertTrue(addresses(site, "web", 6)[0].startswith("fd00:beef:"))
        with open(conf, "w", encoding="utf-8") as file:
            file.write('[[address_pool]]\nbase = "10.215.0.0/16"\nsise = 28\n')
        broken = self.stack(SITE.replace("PORT", "0").replace("NETWORK", "{}"), "broken")
        done = broken("up", "-d", check=1)
        self.assertIn(f'{conf}:3:1: unknown key "sise"', done.err)
        site("down", "-t", "0", check=0)
        wait_until("the supervisor left", lambda: not self.berth.helpers("berth-supervisor"))

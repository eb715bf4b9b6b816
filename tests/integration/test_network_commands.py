"""`berth network …`: what there is, who is on it, and containers that change their networks."""

import glob
import json
import re
import subprocess

from harness import Case, wait_until

IDLE = "image: busybox:1, command: [sleep, '100000'], stop_grace_period: 0s"

TWO = f"""
    services:
      web: {{{IDLE}, environment: {{BERTH_TEST_MARK: '%MARK%-web'}}}}
      other: {{{IDLE}, networks: [side], environment: {{BERTH_TEST_MARK: '%MARK%-other'}}}}
    networks: {{side: }}
"""


class NetworkCommands(Case):
    def two(self, compose=TWO):
        stack = self.stack(compose)
        stack.up()
        return stack

    def network(self, *arguments, **options):
        return self.berth("network", *arguments, **options)

    def make(self, name, *arguments):
        made = self.network("create", *arguments, name, check=0).out.strip()
        self.addCleanup(lambda: self.network("rm", "-f", name))
        return made

    def inspect(self, name):
        (document,) = json.loads(self.network("inspect", name, check=0).out)
        return document

    def address(self, stack, service, interface):
        return stack.sh(service, f"ip -4 addr show {interface} | awk '/inet /{{sub(\"/.*\",\"\",$2); print $2}}'")

    def interfaces(self, stack, service):
        return sorted(stack.sh(service, "ls /sys/class/net").split())

    def refused(self, message, *arguments):
        outcome = self.network(*arguments)
        self.assertEqual(1, outcome.code, outcome)
        self.assertIn(message, outcome.err)

    def test_the_predefined_networks_are_listed(self):
        rows = {row["Name"]: row for row in self.network("ls", "--format", "json", check=0).json()}
        self.assertEqual({"bridge": "bridge", "host": "host", "none": "null"}, {n: r["Driver"] for n, r in rows.items()})
        self.assertEqual(["CreatedAt", "Driver", "ID", "IPv6", "Internal", "Labels", "Name", "Scope"], list(rows["host"]))
        table = self.network("ls", check=0).out.splitlines()
        self.assertEqual(["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"], table[0].split())
        self.assertEqual(3, len(self.network("ls", "-q", "--filter", "type=builtin", check=0).out.split()))
        self.refused("invalid filter 'nmae'", "ls", "--filter", "nmae=x")
        self.refused("operation is not permitted on predefined host network", "create", "host")
        self.refused("bridge is a pre-defined network and cannot be removed", "rm", "bridge")

    def test_a_network_made_by_hand_is_there_until_it_is_removed(self):
        made = self.make("byhand", "--label", "a=b", "-o", "com.docker.network.driver.mtu=1400", "--subnet", "10.231.7.0/24",
                         "--ip-range", "10.231.7.128/25", "--attachable", "--internal")
        self.assertRegex(made, r"^[0-9a-f]{64}$")
        seen = self.inspect("byhand")
        self.assertEqual((made, "bridge", True, True, {"a": "b"}),
                         (seen["Id"], seen["Driver"], seen["Internal"], seen["Attachable"], seen["Labels"]))
        self.assertEqual("10.231.7.0/24", seen["IPAM"]["Config"][0]["Subnet"])
        self.assertEqual("10.231.7.128/25", seen["IPAM"]["Config"][0]["IPRange"])
        (link,) = json.loads(subprocess.run(["ip", "-j", "link", "show", "br-" + made[:12]], stdout=subprocess.PIPE, check=True).stdout)
        self.assertEqual(1400, link["mtu"])
        self.assertEqual("byhand 10.231.7.0/24\n", self.network(
            "inspect", "-f", "{{.Name}} {{range .IPAM.Config}}{{.Subnet}}{{end}}", made[:6], check=0).out)
        self.assertEqual("byhand\n", self.network("ls", "--filter", "label=a", "--format", "{{.Name}}", check=0).out)
        self.refused("network with name byhand already exists", "create", "byhand")
        self.assertEqual("byhand\n", self.network("rm", "byhand", check=0).out)
        self.refused("network byhand not found", "rm", "byhand")
        self.network("rm", "--force", "byhand", check=0)
        self.refused("network byhand not found", "inspect", "byhand")

    def test_what_is_wrong_with_a_new_network_is_said(self):
        self.refused('there is no driver "brigde"', "create", "-d", "brigde", "x")
        self.refused('did you mean "bridge"', "create", "-d", "brigde", "x")
        self.refused("expected true or false", "create", "-o", "com.docker.network.bridge.enable_icc=maybe", "x")
        self.refused("expected a number of bytes", "create", "-o", "com.docker.network.driver.mtu=abc", "x")
        self.refused('"a/b" cannot be the name of a network', "create", "a/b")
        self.refused("for swarm", "create", "--ingress", "x")
        outcome = self.network("create", "-o", "com.docker.network.bridge.enable_ic=true", "x", check=0)
        self.assertIn('did you mean "com.docker.network.bridge.enable_icc"?', outcome.err)
        self.network("rm", "x", check=0)

    def test_prune_takes_what_nobody_uses(self):
        stack = self.two()
        self.make("unused")
        self.make("kept", "--label", "keep=1")
        outcome = self.network("prune", "-f", "--filter", "label!=keep", check=0)
        self.assertEqual("Deleted Networks:\nunused\n\n", outcome.out)
        self.assertIn(f"{stack.name}_side", self.network("ls", check=0).out)
        self.assertIn("kept", self.network("prune", stdin="y\n", check=0).out)

    def test_a_running_container_is_connected_and_disconnected(self):
        stack = self.two()
        web, side = f"{stack.name}-web-1", f"{stack.name}_side"
        self.assertNotIn("Address", stack.sh("other", "nslookup web 127.0.0.11 2>&1 | tail -n +4 || true"))
        before = stack.pid("web")
        self.network("connect", "--alias", "shopfront", side, web, check=0)
        self.assertEqual(before, stack.pid("web"), "it runs on")
        self.assertEqual(["eth0", "eth1", "lo"], self.interfaces(stack, "web"))
        address = self.address(stack, "web", "eth1")
        for name in ("shopfront", web):
            self.assertIn(address, stack.sh("other", f"nslookup {name} 127.0.0.11"))
        self.assertIn("1 packets received", stack.sh("other", f"ping -c 1 -W 2 {address}"))
        self.assertIn("Address", stack.sh("web", "nslookup other 127.0.0.11"))
        self.assertRegex(stack.sh("web", "cat /etc/hosts"), rf"(?m)^{re.escape(address)}\t")
        users = {user["Name"]: user for user in self.inspect(side)["Containers"].values()}
        self.assertTrue(users[web]["IPv4Address"].startswith(address + "/"))
        self.refused(f"endpoint with name {web} already exists in network {side}", "connect", side, web)
        self.refused("has active endpoints", "rm", side)

        self.network("disconnect", side, web, check=0)
        self.assertEqual(["eth0", "lo"], self.interfaces(stack, "web"))
        self.assertNotIn(address, stack.sh("web", "cat /etc/hosts"))
        self.assertNotIn(address, stack.sh("other", "nslookup shopfront 127.0.0.11 2>&1 || true"))
        self.refused(f"is not connected to network {side}", "disconnect", side, web)

    def test_the_default_route_is_that_of_the_network_that_should_have_it(self):
        stack = self.two()
        web = f"{stack.name}-web-1"
        self.make("aaa", "--subnet", "10.231.8.0/24")
        self.make("zzz", "--subnet", "10.231.9.0/24")
        own = stack.sh("web", "ip route | awk '/default/{print $3}'")
        self.network("connect", "--ip", "10.231.9.77", "zzz", web, check=0)
        self.assertEqual("10.231.9.77", self.address(stack, "web", "eth1"))
        self.assertEqual(own, stack.sh("web", "ip route | awk '/default/{print $3}'"))
        self.network("connect", "--gw-priority", "5", "--link-local-ip", "169.254.8.8", "aaa", web, check=0)
        self.assertEqual("10.231.8.1", stack.sh("web", "ip route | awk '/default/{print $3}'"))
        self.assertIn("169.254.8.8/16", stack.sh("web", "ip addr show eth2"))
        self.network("disconnect", "aaa", web, check=0)
        self.assertEqual(own, stack.sh("web", "ip route | awk '/default/{print $3}'"))
        self.refused("already", "connect", "--ip", "10.231.9.77", "zzz", f"{stack.name}-other-1")
        self.refused("invalid IP address: xyz", "connect", "--ip", "xyz", "aaa", web)
        self.assertEqual(["eth0", "eth1", "lo"], self.interfaces(stack, "web"))
        self.network("disconnect", "zzz", web, check=0)

    def test_connections_are_kept_across_a_restart_and_wait_for_a_start(self):
        stack = self.two()
        web, side = f"{stack.name}-web-1", f"{stack.name}_side"
        self.network("connect", side, web, check=0)
        stack("restart", "web", check=0)
        self.assertEqual(["eth0", "eth1", "lo"], self.interfaces(stack, "web"))
        stack("stop", "web", check=0)
        self.network("disconnect", side, web, check=0)
        self.make("later")
        self.network("connect", "later", web, check=0)
        self.assertEqual({}, self.inspect("later")["Containers"])
        stack("start", "web", check=0)
        self.assertIn(web, [user["Name"] for user in self.inspect("later")["Containers"].values()])
        stack("up", "-d", check=0)
        self.assertIn(web, [user["Name"] for user in self.inspect("later")["Containers"].values()], "up leaves it there")
        self.network("disconnect", "later", web, check=0)

    def test_the_last_network_can_be_taken_and_a_first_one_given(self):
        stack = self.two()
        web, own = f"{stack.name}-web-1", f"{stack.name}_default"
        self.network("disconnect", own, web, check=0)
        self.assertEqual(["lo"], self.interfaces(stack, "web"))
        self.network("connect", own, web, check=0)
        self.assertEqual(["eth0", "lo"], self.interfaces(stack, "web"))
        self.assertIn("Address", stack.sh("web", "nslookup web 127.0.0.11"))
        self.network("disconnect", own, web, check=0)
        stack.up()
        self.assertEqual(["eth0", "lo"], self.interfaces(stack, "web"), "up brings a lost network back")

    def test_who_has_no_network_of_its_own_is_not_connected(self):
        stack = self.stack(f"""
            services:
              hosts: {{{IDLE}, network_mode: host}}
              nobody: {{{IDLE}, network_mode: none, environment: {{BERTH_TEST_MARK: '%MARK%-nobody'}}}}
              guest: {{{IDLE}, network_mode: "service:nobody"}}
            """)
        stack.up()
        self.make("wanted")
        shares = "container sharing network namespace with another container or host cannot be connected to any other network"
        self.refused(shares, "connect", "wanted", f"{stack.name}-hosts-1")
        self.refused(shares, "connect", "wanted", f"{stack.name}-guest-1")
        self.refused("in private (none) mode", "connect", "wanted", f"{stack.name}-nobody-1")
        self.refused("network nope not found", "connect", "nope", f"{stack.name}-nobody-1")
        self.refused("No such container: nope", "connect", "wanted", "nope")
        self.assertIn(f"{stack.name}-hosts-1", [u["Name"] for u in self.inspect("host")["Containers"].values()])
        self.network("disconnect", "none", f"{stack.name}-nobody-1", check=0)
        self.network("connect", "wanted", f"{stack.name}-nobody-1", check=0)
        self.assertEqual(["eth0", "lo"], self.interfaces(stack, "nobody"))
        self.network("disconnect", "wanted", f"{stack.name}-nobody-1", check=0)

    def test_a_supervisor_that_dies_leaves_connections_as_they_are_on_record(self):
        stack = self.two()
        web, side = f"{stack.name}-web-1", f"{stack.name}_side"
        self.network("connect", side, web, check=0)
        self.berth.kill_helpers("berth-supervisor")
        self.assertEqual(["eth0", "eth1", "lo"], self.interfaces(stack, "web"))
        self.network("disconnect", side, web, check=0)
        self.assertEqual(["eth0", "lo"], self.interfaces(stack, "web"))
        self.network("connect", side, web, check=0)
        # As if it had died between its record and the interface.
        self.berth.kill_helpers("berth-supervisor", "berth-keeper")
        (path,) = [path for path in glob.glob(f"{self.berth.run}/containers/*/state.json") if side in self.endpoints(path)
                   and f"{stack.name}_default" in self.endpoints(path)]
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        for endpoint in state["endpoints"]:
            endpoint["pending"] = endpoint["network"] == side
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)
        subprocess.run(["nsenter", "-t", str(stack.pid("web")), "-n", "ip", "link", "del", "eth1"], check=True)
        self.network("create", "wakes", check=0)
        self.network("rm", "wakes", check=0)
        wait_until("the connection is finished", lambda: self.interfaces(stack, "web") == ["eth0", "eth1", "lo"])
        wait_until("it is named", lambda: "Address" in stack.sh("other", f"nslookup {web} 127.0.0.11 2>&1 | tail -n +4 || true"))

    @staticmethod
    def endpoints(path):
        with open(path, encoding="utf-8") as file:
            return [endpoint["network"] for endpoint in json.load(file)["endpoints"]]

    def test_down_says_that_a_network_is_still_in_use(self):
        stack = self.two()
        guest = self.stack(f"services: {{guest: {{{IDLE}}}}}", "guest")
        guest.up()
        self.network("connect", f"{stack.name}_side", "guest-guest-1", check=0)
        outcome = stack("down", check=0)
        self.assertIn("Resource is still in use", outcome.err + outcome.out)
        self.assertIn(f"{stack.name}_side", self.network("ls", check=0).out)
        guest("down", check=0)
        stack("down", check=0)
        self.assertNotIn(f"{stack.name}_side", self.network("ls", check=0).out)

    def test_up_makes_a_network_anew_whose_definition_has_changed(self):
        stack = self.two()
        bystander = stack.pid("web")
        was = self.inspect(f"{stack.name}_side")["Id"]
        stack.write(TWO.replace("{side: }", "{side: {driver_opts: {com.docker.network.driver.mtu: '1350'}}}"))
        stack.up()
        self.assertNotEqual(was, self.inspect(f"{stack.name}_side")["Id"])
        self.assertEqual("1350", stack.sh("other", "cat /sys/class/net/eth0/mtu"))
        self.assertEqual(bystander, stack.pid("web"), "who is not on it runs on")
        stack.up()
        guest = self.stack(f"services: {{guest: {{{IDLE}}}}}", "visitor")
        guest.up()
        self.network("connect", f"{stack.name}_side", "visitor-guest-1", check=0)
        stack.write(TWO)
        outcome = stack("up", "-d")
        self.assertEqual(1, outcome.code)
        self.assertIn("still in use by visitor-guest-1", outcome.err)
        guest("down", check=0)
        stack.up()
        self.assertEqual("1500", stack.sh("other", "cat /sys/class/net/eth0/mtu"))

    def test_a_published_port_follows_its_container_to_another_network(self):
        stack = self.stack("""
            services:
              web:
                image: busybox:1
                command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
                stop_grace_period: 0s
                ports: ["127.0.0.1::80"]
            """)
        stack.up()
        self.make("moved")
        port = stack("port", "web", "80", check=0).out.strip()
        page = lambda: subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "5", f"http://{port}/"],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        wait_until("httpd listens", lambda: "it works" in page())
        self.network("connect", "moved", f"{stack.name}-web-1", check=0)
        self.network("disconnect", f"{stack.name}_default", f"{stack.name}-web-1", check=0)
        self.assertIn("it works", page())
        self.network("disconnect", "moved", f"{stack.name}-web-1", check=0)

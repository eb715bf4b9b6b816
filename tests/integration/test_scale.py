"""Many containers at once."""

import os
import re

import host
from harness import Case, wait_until

COUNT = 120
NETWORKS, EACH = 200, 20  # each container is on so many of them
WEB = """
    services:
      web:
        image: busybox:1
        command: [httpd, -f, -p, "80", -h, /var/www]
        stop_grace_period: 0s
    """


class Scale(Case):
    def descriptors(self, name):
        (pid,) = self.berth.helpers(name)
        return len(os.listdir(f"/proc/{pid}/fd"))

    def test_many_containers_start_answer_and_stop(self):
        stack = self.stack(WEB)
        stack.up("--scale", f"web={COUNT}", timeout=120)
        self.assertEqual(COUNT, len(stack("ps", "-q", check=0).out.split()))
        self.assertEqual("it works", stack("exec", "-T", "--index", str(COUNT), "web", "wget", "-qO-", "http://web", check=0).out.strip())
        for name, each in (("berth-supervisor", 9), ("berth-keeper", 7)):  # both have the pipes of the output
            self.assertLess(self.descriptors(name), each * COUNT + 40, name)
        before = {name: self.descriptors(name) for name in ("berth-supervisor", "berth-keeper")}
        stack.up("--scale", "web=20", timeout=120)
        self.assertEqual(20, len(stack("ps", "-q", check=0).out.split()))
        for name, count in before.items():
            self.assertLess(self.descriptors(name), count - 80 * 5, name)
        stack("down", check=0, timeout=120)

    def test_many_networks_at_once_carry_names_and_packets_and_all_go(self):
        sites = range(NETWORKS // EACH)
        own = lambda site: range(site * EACH, (site + 1) * EACH)
        joined = lambda site, end: ", ".join(f"n{n}: {{aliases: [{end}-{n}]}}" for n in own(site))
        stack = self.stack("services:\n" + "".join(f"""
  web{site}:
    image: busybox:1
    command: [httpd, -f, -p, "80", -h, /var/www]
    stop_grace_period: 0s
    networks: {{{joined(site, "web")}}}
  client{site}:
    image: busybox:1
    command: [sleep, "100000"]
    stop_grace_period: 0s
    networks: {{{joined(site, "client")}}}
""" for site in sites) + "networks:\n" + "".join(f"  n{n}: {{}}\n" for n in range(NETWORKS)))
        before = set(os.listdir("/sys/class/net"))
        stack.up(timeout=120)
        self.assertEqual(NETWORKS, len([name for name in set(os.listdir("/sys/class/net")) - before if name.startswith("br-")]))
        for site in sites:
            names = " ".join(f"web-{n}" for n in own(site))
            wait_until(f"httpd {site} listens", lambda: "it works" in stack.sh(f"client{site}", f"wget -qO- http://web-{site * EACH}/ || true"))
            answers = stack.sh(f"client{site}", f"for name in {names}; do timeout 5 wget -qO- http://$name/; done")
            self.assertEqual(EACH, answers.count("it works"), answers)
        # A network costs the helpers no descriptor; a container does, whatever the number of its networks.
        self.assertLess(self.descriptors("berth-supervisor"), 8 * 2 * len(sites) + 40)
        (pid,) = self.berth.helpers("berth-supervisor")
        pages = int(re.search(r"^Pss_Anon:\s+(\d+) kB", host.read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)[1])
        self.assertLess(pages, 32 << 10)
        stack("down", check=0, timeout=120)
        self.assertEqual(before, set(os.listdir("/sys/class/net")))

    def test_a_network_that_is_too_small_for_them_says_so_and_nothing_stays(self):
        stack = self.stack(WEB + """
    networks:
      default: {ipam: {config: [{subnet: 10.213.78.0/28}]}}
    """)
        done = stack("up", "-d", "--scale", "web=20")
        self.assertEqual(1, done.code)
        self.assertIn("no free address left in 10.213.78.0/28", done.err)
        self.assertEqual({}, stack.ps())

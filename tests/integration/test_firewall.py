"""Beside other firewalls, and when somebody takes our rules away."""

import re
import subprocess

from harness import Case, wait_until
from machine import Machine

PORT = 8080
SITE = f"""
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        stop_grace_period: 0s
        ports: ["{PORT}:80"]
      client: {{image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s}}
    """


class Firewall(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        super().setUpClass()
        cls.berth.prefix = cls.machine.inside

    @classmethod
    def tearDownClass(cls):
        wait_until("no interface of ours is left", lambda: cls.machine.links() == {"lo", "eth0"})
        super().tearDownClass()

    def setUp(self):
        rules = self.machine.run("nft list ruleset; iptables-legacy-save")
        self.assertNotIn("berth", rules, "the last test left nothing")

    def site(self):
        stack = self.stack(SITE)
        done = stack.up()
        wait_until("httpd listens", lambda: ":::80 " in stack.sh("web", "netstat -ltn"))
        return stack, done

    def fetch(self):
        """From another host through the published port."""
        return subprocess.run([*self.machine.outside, "curl", "-sS", "--noproxy", "*", "--max-time", "2",
                               f"http://{Machine.OURS}:{PORT}/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False).stdout

    def reaches_out(self, stack):
        server = subprocess.Popen([*self.machine.outside, "/bin/busybox", "nc", "-l", "-p", "7777", "-e", "/bin/busybox", "env"],
                                  stdout=subprocess.DEVNULL)
        try:
            wait_until("nc listens", lambda: ":7777" in subprocess.run(
                [*self.machine.outside, "ss", "-Hltn"], stdout=subprocess.PIPE, text=True, check=True).stdout)
            return "PATH=" in stack.sh("client", f"timeout 2 nc {Machine.THEIRS} 7777 </dev/null 2>&1 || true")
        finally:
            server.kill()
            server.wait()

    def our_tables(self):
        return set(re.findall(r"inet (berth_\w+)", self.machine.run("nft list tables")))

    def test_a_flush_of_all_rules_under_traffic_is_mended_without_a_command(self):
        self.site()
        (table,) = self.our_tables()
        rules = self.machine.run(f"nft -s list table inet {table}")
        traffic = subprocess.Popen(
            [*self.machine.outside, "sh", "-c", "while :; do curl -sS --noproxy '*' --max-time 1 "
             f"http://{Machine.OURS}:{PORT}/ >/dev/null 2>&1 && echo good || echo bad; done"], stdout=subprocess.PIPE, text=True)
        try:
            for command in ("nft flush ruleset", f"nft delete table inet {table}", f"nft flush table inet {table}") * 3:
                self.machine.run(command)
                wait_until(f"the rules are back after {command}", lambda: table in self.our_tables() and self.machine.run(
                    f"nft -s list table inet {table}") == rules)
                wait_until("traffic flows", lambda: "good" in traffic.stdout.readline())
        finally:
            traffic.kill()
            traffic.wait()
            traffic.stdout.close()
        self.assertIn("it works", self.fetch())

    def test_beside_iptables_that_drop_what_is_forwarded_all_works_and_nothing_of_ours_stays(self):
        self.machine.run("iptables-nft -P FORWARD DROP; iptables-nft -N ufw-forward; iptables-nft -A FORWARD -j ufw-forward")
        self.addCleanup(self.machine.run, "nft delete table ip filter")
        before = self.machine.run("iptables-nft -S")
        stack, done = self.site()
        self.assertNotIn("drop", done.err)
        self.assertIn("it works", self.fetch())
        self.assertTrue(self.reaches_out(stack))
        self.machine.run("echo '*filter\n:FORWARD DROP [0:0]\nCOMMIT' | iptables-nft-restore")
        wait_until("it answers again after iptables-restore", lambda: "it works" in self.fetch())
        self.machine.run("iptables-nft -N ufw-forward; iptables-nft -A FORWARD -j ufw-forward")
        stack("down", check=0)
        self.assertEqual(before, self.machine.run("iptables-nft -S"))

    def test_beside_iptables_legacy_that_drop_up_says_so_and_how_to_mend_it(self):
        self.machine.run("iptables-legacy -P FORWARD DROP")
        self.addCleanup(self.machine.run, "iptables-legacy -F FORWARD; iptables-legacy -P FORWARD ACCEPT")
        stack, done = self.site()
        warning = re.search(r"iptables-legacy drop what is forwarded.*to let them pass: (.*)", done.err)
        self.assertTrue(warning, done.err)
        self.assertFalse(self.reaches_out(stack))
        self.machine.run(warning[1])
        self.assertTrue(self.reaches_out(stack))
        self.assertIn("it works", self.fetch())
        stack("down", check=0)

    def test_an_administrators_own_table_that_drops_is_named_with_the_cure(self):
        self.machine.run("nft 'add table inet mine; add chain inet mine guard { type filter hook forward priority 0; policy drop; }'")
        self.addCleanup(self.machine.run, "nft delete table inet mine")
        stack, done = self.site()
        warning = re.search(r"the chain guard of the firewall's table inet mine drops.*to let them pass: (.*)", done.err)
        self.assertTrue(warning, done.err)
        self.machine.run(warning[1])
        self.assertTrue(self.reaches_out(stack))
        stack("down", check=0)

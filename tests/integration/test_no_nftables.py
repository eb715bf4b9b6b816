"""A kernel without nftables for IP (tests/vm/run --uml): what works all the same, and what the user is told."""

import subprocess
import unittest

import host
from harness import Case, wait_until

WEB = """
    services:
      web:
        image: busybox:1
        command: ["httpd", "-f", "-p", "80", "-h", "/var/www"]
        environment: {BERTH_TEST_MARK: %MARK%-web}
        stop_grace_period: 0s
        ports: ["18957:80"]
      client:
        image: busybox:1
        command: [sleep, "100000"]
        environment: {BERTH_TEST_MARK: %MARK%-client}
        stop_grace_period: 0s
    """
MISSING = "the kernel has no nftables for IP (CONFIG_NF_TABLES_INET)"


@unittest.skipIf(host.has_nftables(), "this kernel has nftables for IP")
class WithoutNftables(Case):
    def test_a_network_is_made_and_what_it_lacks_is_said_once(self):
        stack = self.stack(WEB)
        self.assert_in_order(stack.up().err, f"network {stack.name}_default", MISSING, "nothing beyond", "not kept out")
        wait_until("a name leads to the service", lambda: "it works" in stack.sh("client", "timeout 5 wget -qO- http://web/ || true"))
        for address in ("127.0.0.1", "[::1]"):
            page = subprocess.run(["curl", "-sg", "--noproxy", "*", f"http://{address}:18957/"], stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual("it works\n", page.stdout, address)
        self.assertNotIn(MISSING, stack.up("--force-recreate").err)

    def test_who_needs_no_network_is_not_warned(self):
        stack = self.stack("""
            services:
              none:
                image: busybox:1
                command: ["sh", "-c", "ip -o link | wc -l; sleep 100000"]
                network_mode: none
                stop_grace_period: 0s
              host:
                image: busybox:1
                command: ["sh", "-c", "ip -o link show eth0; sleep 100000"]
                network_mode: host
                stop_grace_period: 0s
            """)
        self.assertNotIn(MISSING, stack.up().err)
        wait_until("both have spoken", lambda: len(stack("logs", "--no-log-prefix", check=0).out.splitlines()) == 2)
        self.assertIn("eth0", stack("logs", "--no-log-prefix", "host", check=0).out)

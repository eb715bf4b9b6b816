"""Many containers at once."""

import os

from harness import Case

COUNT = 120
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
        for name, each in (("berth-supervisor", 5), ("berth-keeper", 6)):
            self.assertLess(self.descriptors(name), each * COUNT + 40, name)
        before = {name: self.descriptors(name) for name in ("berth-supervisor", "berth-keeper")}
        stack.up("--scale", "web=20", timeout=120)
        self.assertEqual(20, len(stack("ps", "-q", check=0).out.split()))
        for name, count in before.items():
            self.assertLess(self.descriptors(name), count - 80 * 5, name)
        stack("down", check=0, timeout=120)

    def test_a_network_that_is_too_small_for_them_says_so_and_nothing_stays(self):
        stack = self.stack(WEB + """
    networks:
      default: {ipam: {config: [{subnet: 10.213.78.0/28}]}}
    """)
        done = stack("up", "-d", "--scale", "web=20")
        self.assertEqual(1, done.code)
        self.assertIn("no free address left in 10.213.78.0/28", done.err)
        self.assertEqual({}, stack.ps())

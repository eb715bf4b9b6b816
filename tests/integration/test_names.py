"""Names of services while containers come and go, and while berth's helpers die."""

import subprocess
import threading

from harness import Case, wait_until

WEB = """
    services:
      web: {image: busybox:1, command: [sleep, "100000"], stop_grace_period: 0s, networks: {default: {aliases: [shopfront]}}}
      client:
        image: busybox:1
        command: [sleep, "100001"]
        environment: {BERTH_TEST_MARK: %MARK%-client}
        stop_grace_period: 0s
    """

# Asks for NAME again and again until its input ends, and prints each answer that differs from the one before.
ASK = r"""
import select, socket, struct, sys
name = sys.argv[1].encode()
question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + bytes([len(name)]) + name + b"\0" + struct.pack("!2H", 1, 1)
asked, last = 0, None
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.connect(("127.0.0.11", 53))
    server.settimeout(10)
    while not select.select([sys.stdin], [], [], 0)[0]:
        server.send(question)
        answer = server.recv(4096)
        asked += 1
        code, count = answer[3] & 15, struct.unpack("!H", answer[6:8])[0]
        at = len(question)
        found = [code] + sorted(socket.inet_ntoa(answer[at + 16 * i + 12:at + 16 * i + 16]) for i in range(count))
        if found != last:
            print(*found, flush=True)
            last = found
print("asked", asked, flush=True)
"""


class Asking:
    """Somebody in the container's network who asks for a name all the time. `answers`: (code, addresses), as they changed."""

    def __init__(self, pid, name):
        self.answers = []
        self.process = subprocess.Popen(["nsenter", "-t", str(pid), "-n", "python3", "-c", ASK, name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            code, *addresses = line.split()
            self.answers.append((code, tuple(addresses)))

    def stop(self):
        """How often it has asked."""
        self.process.stdin.close()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()
        word, (count,) = self.answers.pop()
        assert word == "asked", self.answers
        return int(count)


class Names(Case):
    def addresses(self, stack):
        """Those of the service's containers, by the kernel."""
        found = []
        for index in range(1, 1 + len(stack("ps", "-q", "web", check=0).out.split())):
            text = stack("exec", "-T", "--index", str(index), "web", "ip", "-4", "addr", "show", "eth0", check=0).out
            found.append(text.split("inet ")[1].split("/")[0])
        return tuple(sorted(found))

    def test_replicas_that_come_and_go_under_queries_give_no_wrong_answer(self):
        stack = self.stack(WEB)
        stack.up()
        asking = Asking(stack.pid("client"), "web")
        known = {self.addresses(stack)[0]}
        try:
            for count in (6, 2, 8, 1, 4, 3):
                stack.up("--scale", f"web={count}")
                now = self.addresses(stack)
                self.assertEqual(count, len(now))
                known.update(now)
                wait_until("the answer is what runs", lambda: asking.answers and asking.answers[-1] == ("0", now))
        finally:
            asked = asking.stop()
        self.assertGreater(asked, 100)
        for code, addresses in asking.answers:
            self.assertEqual("0", code, asking.answers)
            self.assertTrue(set(addresses) and set(addresses) <= known, asking.answers)

    def test_a_name_whose_containers_are_stopped_is_empty_and_asked_of_nobody_also_after_the_helpers_died(self):
        stack = self.stack(WEB)
        stack.up()
        stack("stop", "web", check=0)
        ask = lambda name, kind="a": stack.sh("client", f"nslookup -type={kind} {name} 127.0.0.11 2>&1 || true")
        for killed in ((), ("berth-supervisor",), ("berth-supervisor", "berth-keeper")):
            self.berth.kill_helpers(*killed)
            stack("start", "client", check=0)
            for name in ("web", "shopfront", f"{stack.name}-web-1"):
                answer = wait_until("it is answered", lambda name=name: ask(name))
                self.assertNotIn("NXDOMAIN", answer, (name, killed))
                self.assertNotIn("SERVFAIL", answer, (name, killed))
                self.assertNotIn("timed out", answer, (name, killed))
        stack("start", "web", check=0)
        self.assertIn(self.addresses(stack)[0], ask("shopfront"))
        self.assertNotIn("NXDOMAIN", ask("web", "aaaa"))

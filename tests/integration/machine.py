"""A machine of the test's own: a network namespace that plays the host, with another one outside. What happens to its rules
happens to nobody else, so a test may flush them all."""

import json
import subprocess

from harness import wait_until


def _namespace():
    process = subprocess.Popen(["unshare", "-n", "sleep", "1000"])

    def entered():
        link = lambda pid: subprocess.run(["readlink", f"/proc/{pid}/ns/net"], stdout=subprocess.PIPE, check=False).stdout
        return link(process.pid) != link("self")

    wait_until("the namespace is there", entered)
    return process


class Machine:
    """`inside` and `outside` are words that make a command run here or there: `berth.prefix = machine.inside`."""

    OURS, THEIRS = "198.51.100.1", "198.51.100.2"

    def __init__(self):
        self.processes = [_namespace(), _namespace()]
        self.inside, self.outside = (["nsenter", "-t", str(process.pid), "-n"] for process in self.processes)
        for words, command in (
            (self.inside, "ip link set lo up"),
            (self.inside, f"ip link add eth0 type veth peer name eth0 netns {self.processes[1].pid}"),
            (self.inside, f"ip addr add {self.OURS}/30 dev eth0"),
            (self.inside, "ip link set eth0 up"),
            (self.outside, "ip link set lo up"),
            (self.outside, f"ip addr add {self.THEIRS}/30 dev eth0"),
            (self.outside, "ip link set eth0 up"),
            (self.outside, f"ip route add default via {self.OURS}"),
        ):
            subprocess.run([*words, *command.split()], check=True)

    def run(self, command):
        """On the machine; what it prints."""
        return subprocess.run([*self.inside, "sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True).stdout

    def links(self):
        return {link["ifname"] for link in json.loads(self.run("ip -j link"))}

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()

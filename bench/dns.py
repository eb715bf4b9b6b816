"""How quickly the names of services are answered: dnsperf inside a container's network namespace asks the container's resolver."""

import os
import re
import subprocess
import sys
import tempfile

import host

from engines import IMAGE
from figures import QUERIES
from trial import Failed, Trial

SECONDS, OUTSTANDING, CLIENTS = 3, 200, 8
STACK = """
services:
  web: {{image: "{image}", command: [sleep, infinity], init: true, scale: 3}}
  client: {{image: "{image}", command: [sleep, infinity], init: true, environment: {{BERTH_TEST_MARK: "{mark}"}}}}
"""


class Dns(Trial):
    works = {"dns": "names of services, as dnsperf counts answers with 200 queries in flight"}
    units = {"dns": QUERIES}
    repeats = 3

    def __init__(self, engine):
        super().__init__(engine)
        mark = f"berth-bench-dns-{engine.name}"
        self.stack = STACK.format(image=IMAGE, mark=mark)
        engine.compose(self.stack, "up", "-d")
        self.pid = host.first_processes(mark)[0]
        self.server = re.search(r"^nameserver (\S+)", host.read(f"/proc/{self.pid}/root/etc/resolv.conf"), re.MULTILINE)[1]
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write(f"web A\n{engine.separator.join(('bench', 'web', '1'))} A\nweb AAAA\n")
        self.questions = file.name

    def once(self):
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-n", "dnsperf", "-s", self.server, "-d", self.questions, "-l", str(SECONDS),
             "-q", str(OUTSTANDING), "-c", str(CLIENTS)], stdout=subprocess.PIPE, text=True, check=True)
        lost = int(re.search(r"Queries lost:\s+(\d+)", done.stdout)[1])
        codes = re.search(r"Response codes:\s+(.*)", done.stdout)[1]
        if not codes.startswith("NOERROR") or "," in codes:
            raise Failed(f"it answers wrongly: {codes}")
        if lost:
            print(f"dns: {self.name} lost {lost} queries", file=sys.stderr)
        return {"dns": float(re.search(r"Queries per second:\s+([\d.]+)", done.stdout)[1])}

    def finish(self):
        os.unlink(self.questions)
        self.engine.compose(self.stack, "down", "-t", "0")

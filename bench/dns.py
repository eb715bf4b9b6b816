"""How quickly the names of services are answered: dnsperf inside a container's network namespace asks 127.0.0.11."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import host
from engines import IMAGE

SECONDS, OUTSTANDING, CLIENTS = 3, 200, 8
STACK = f"""
services:
  web: {{image: "{IMAGE}", command: [sleep, infinity], init: true, scale: 3, environment: {{BERTH_TEST_MARK: berth-bench}}}}
  client: {{image: "{IMAGE}", command: [sleep, infinity], init: true, environment: {{BERTH_TEST_MARK: berth-bench-client}}}}
"""


class Dns:
    """`once()` returns the seconds that one answer takes with many in flight, on all processors together."""

    def __init__(self, engine):
        self.engine = engine
        if shutil.which("dnsperf") is None:
            sys.exit("bench/run dns: needs dnsperf (Debian package dnsperf)")
        engine.compose(STACK, "up", "-d")
        # docker-init or berth's own is the first process; either is in the namespace.
        self.pid = host.first_processes("berth-bench-client")[-1]
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write("web A\nbench-web-2 A\nweb AAAA\n")
        self.questions = file.name

    def once(self):
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-n", "dnsperf", "-s", "127.0.0.11", "-d", self.questions, "-l", str(SECONDS),
             "-q", str(OUTSTANDING), "-c", str(CLIENTS)], stdout=subprocess.PIPE, text=True, check=True)
        lost = int(re.search(r"Queries lost:\s+(\d+)", done.stdout)[1])
        codes = re.search(r"Response codes:\s+(.*)", done.stdout)[1]
        if not codes.startswith("NOERROR") or "," in codes:
            sys.exit(f"dns: {self.engine.name} answers wrongly: {codes}")
        if lost:
            print(f"dns: {self.engine.name} lost {lost} queries", file=sys.stderr)
        return {"dns": 1 / float(re.search(r"Queries per second:\s+([\d.]+)", done.stdout)[1])}

    def finish(self):
        os.unlink(self.questions)
        self.engine.compose(STACK, "down", "-t", "0")

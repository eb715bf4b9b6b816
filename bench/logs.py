"""Output of containers: how fast it is taken, and how fast it is read again."""

import re
import time

import host

from engines import IMAGE
from trial import Failed, Trial

LINES, LENGTH = 1_750_000, 120  # with the newline: 210 MB
PATIENCE = 60  # seconds


class Logs(Trial):
    """The writing as the container's own clock sees it. Docker's and Podman's log is unbounded by default; berth's is told to be large
    enough."""

    works = {"logs-write": "a container writes 210 MB in lines of 120 bytes", "logs-read": "`logs` of all that"}
    repeats = 3

    def __init__(self, engine):
        super().__init__(engine)
        line, self.mark = "x" * (LENGTH - 1), f"berth-bench-logs-{engine.name}"
        script = f"yes {line} | head -{LINES} > /dev/shm/lines; time -p cat /dev/shm/lines 2>/dev/shm/took; exec sleep infinity"
        self.file = (f"services:\n  s1:\n    image: {IMAGE}\n    command: [sh, -c, '{script}']\n    shm_size: 300m\n    init: true\n"
                     f"    environment: {{BERTH_TEST_MARK: {self.mark}}}\n"
                     "    logging: {driver: json-file, options: {max-size: 10g}}\n")

    def seconds_of_writing(self):
        """Not asked for in the log: Docker does not always have a container's last lines."""
        deadline = time.monotonic() + PATIENCE
        took = f"/proc/{host.first_processes(self.mark)[0]}/root/dev/shm/took"
        while time.monotonic() < deadline:
            found = re.search(r"real ([0-9.]+)", host.read(took))
            if found:
                return float(found[1])
            time.sleep(0.2)
        raise Failed(f"it has not taken all in {PATIENCE} seconds")

    def once(self):
        self.engine.compose(self.file, "up", "-d")
        wrote = self.seconds_of_writing()
        read = self.engine.compose(self.file, "logs")
        self.engine.compose(self.file, "down", "-t", "0")
        return {"logs-write": wrote, "logs-read": read}

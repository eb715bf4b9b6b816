"""Output of containers: how fast it is taken, and how fast it is read again."""

import re
import time

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
        line = "x" * (LENGTH - 1)
        script = f"yes {line} | head -{LINES} > /dev/shm/lines; time -p cat /dev/shm/lines"
        self.file = (f"services:\n  s1:\n    image: {IMAGE}\n    command: [sh, -c, '{script}']\n    shm_size: 300m\n"
                     "    logging: {driver: json-file, options: {max-size: 10g}}\n")

    def seconds_of_writing(self):
        """Docker says that a container has ended while it still writes to the log what came last."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            told = self.engine.output(self.file, "logs", "--tail", "3")
            found = re.search(r"real ([0-9.]+)", told)
            if found:
                return float(found[1])
            time.sleep(0.2)
        raise Failed(f"its last lines are not what was written last: {told[-300:]!r}")

    def once(self):
        self.engine.compose(self.file, "up", "-d")
        self.engine.wait_for(self.file, "s1")
        wrote = self.seconds_of_writing()
        read = self.engine.compose(self.file, "logs")
        self.engine.compose(self.file, "down", "-t", "0")
        return {"logs-write": wrote, "logs-read": read}

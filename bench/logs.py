"""Output of containers: how fast it is taken, and how fast it is read again."""

import re
import subprocess

from engines import IMAGE

LINES, LENGTH = 1_750_000, 120  # with the newline: 210 MB


class Logs:
    """`logs-write`: a container writes 210 MB in lines of 120 bytes, as its own clock sees it. `logs-read`: `logs` of all
    that, into nothing. Docker's log is unbounded by default; berth's is told to be large enough."""

    def __init__(self, engine):
        self.engine = engine
        line = "x" * (LENGTH - 1)
        script = f"yes {line} | head -{LINES} > /dev/shm/lines; time -p cat /dev/shm/lines"
        self.file = (f"services:\n  s1:\n    image: {IMAGE}\n    command: [sh, -c, '{script}']\n    shm_size: 300m\n"
                     "    logging: {driver: json-file, options: {max-size: 10g}}\n")

    def once(self):
        self.engine.compose(self.file, "up", "-d")
        self.engine.compose(self.file, "wait", "s1")
        command, options = self.engine.command(self.file)
        told = subprocess.run([*command, "logs", "--no-log-prefix", "-n", "3"], stdout=subprocess.PIPE, text=True, check=True, **options)
        wrote = float(re.search(r"real ([0-9.]+)", told.stdout)[1])
        read = self.engine.compose(self.file, "logs", "--no-color")
        self.engine.compose(self.file, "down", "-t", "0")
        return {"logs-write": wrote, "logs-read": read}

    def finish(self):
        pass

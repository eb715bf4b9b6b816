"""What berth's own code costs where it asks the kernel for little: instructions, counted by callgrind, beside those on record."""

import os
import re
import subprocess
import sys

from harness import BERTH, Case

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import large_project  # noqa: E402  (after the path)

# In thousands, by the compiler and the libraries of Debian 12, optimised as scripts/build does. Made smaller? Write the new number here.
RECORD = {"version": 590, "config -q, 10 services": 4_725, "config -q, 100 services": 39_050, "config -q, 1000 services": 383_900,
          "plan, 100 services": 154_900}
TOLERANCE = 1.1


class Instructions(Case):
    def count(self, *words):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", BERTH, *words], cwd=self.berth.home,
                              env=self.berth.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return int(re.search(r"Collected : (\d+)", done.stderr)[1]) / 1000

    def test_no_pure_path_takes_more_than_recorded(self):
        counts = {"version": self.count("version")}
        for services in (10, 100, 1000):
            path = os.path.join(self.berth.home, f"{services}.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(large_project.text(services))
            counts[f"config -q, {services} services"] = self.count("-f", path, "config", "-q")
        counts["plan, 100 services"] = self.count("-f", os.path.join(self.berth.home, "100.yaml"), "plan")
        more = {what: f"{count:.0f} instead of {RECORD[what]}" for what, count in counts.items() if count > RECORD[what] * TOLERANCE}
        self.assertEqual({}, more, "thousands of instructions")
        growth = counts["config -q, 1000 services"] / counts["config -q, 100 services"]
        self.assertLess(growth, 11, "ten times the services cost ten times as much, not more")

"""What tests/compare has compared with Docker stays so: commands print on its stack what stack/expected.txt says."""

import os
import sys
import unittest

from harness import BERTH, REPO, Case

sys.path.append(os.path.join(REPO, "tests", "compare"))

import side_by_side  # noqa: E402 (after the path is set)


class ComparedCommands(Case):
    maxDiff = None

    @unittest.skipUnless(os.uname().machine == "x86_64", "the platform in what is expected is linux/amd64")
    def test_commands_print_what_has_been_compared(self):
        folder = os.path.join(self.berth.home, "shapes")
        engine = side_by_side.Engine(lambda words, _: [BERTH, *words], folder, folder, self.berth.root, self.berth.environment)
        self.addCleanup(lambda: engine.call(["compose", "-p", "shapes", "down", "-v", "-t", "0", "--rmi", "all"]))
        with open(os.path.join(REPO, "tests", "compare", "stack", "expected.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "\n".join(side_by_side.transcript(engine)) + "\n")

"""What tests/compare has compared with other builders stays so: each case's image holds what its expected.txt says."""

import os
import shutil
import sys

from harness import REPO, Case

sys.path.append(os.path.join(REPO, "tests", "compare"))

import cases  # noqa: E402 (after the path is set)
import listing  # noqa: E402


class Compared(Case):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.archive = os.path.join(cls.berth.home, "image.tar")
        cls.base = cls.tree_and_config("busybox:1")[0]

    @classmethod
    def tree_and_config(cls, image):
        cls.berth("save", "-o", cls.archive, image, check=0)
        return listing.read(cls.archive)

    def check(self, case):
        folder = os.path.join(self.berth.home, "context")
        self.addCleanup(shutil.rmtree, folder)
        case.make_context(folder)
        self.berth("image", "build", "-t", "compared:1", *case.arguments, folder, check=0)
        tree, config = self.tree_and_config("compared:1")
        lines = [*listing.files_text(tree, self.base), *listing.config_text(config)]
        self.assertEqual("".join(line + "\n" for line in lines), cases.read(case.folder + "/expected.txt"))


for each in cases.all_cases():
    setattr(Compared, "test_" + each.name.replace("-", "_"), lambda self, case=each: self.check(case))

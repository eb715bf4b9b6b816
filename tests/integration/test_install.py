"""What `cmake --install` puts into a system works from there, without the build folder."""

import glob
import os
import subprocess
import tempfile

import harness
from harness import BERTH, Case


class Install(Case):
    def test_the_installed_berth_finds_its_helpers(self):
        with tempfile.TemporaryDirectory(prefix="berth-it-install-") as prefix:
            subprocess.run(["cmake", "--install", os.path.dirname(BERTH), "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
            self.assertTrue(glob.glob(prefix + "/share/man/man1/berth.1*"), "the man page")
            self.assertTrue(os.path.exists(prefix + "/share/bash-completion/completions/berth"), "the completion")
            stack = self.stack("services: {it: {image: 'busybox:1', command: [sleep, '100000'], stop_grace_period: 0s}}")
            # After the stack: what is registered last is done first, and the stack's own cleanup needs a berth that is still there.
            self.addCleanup(setattr, harness, "BERTH", BERTH)
            harness.BERTH = prefix + "/bin/berth"
            stack.up()
            self.berth.import_busybox()  # by berth-images
            (supervisor,) = self.berth.helpers("berth-supervisor")
            # Executed from a mount of its own, so the link says "/"; its file is the installed one.
            self.assertTrue(os.path.samefile(f"/proc/{supervisor}/exe", prefix + "/libexec/berth/berth-supervisor"))
            stack("down", "-v", "-t", "0", check=0)
            self.berth.kill_helpers("berth-supervisor", "berth-keeper")

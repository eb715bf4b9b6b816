"""A command that runs while the test goes on."""

import os
import signal
import subprocess
import tempfile

import host
from harness import BERTH, wait_until


class Background:
    """`berth ARGUMENTS` in the stack's folder. As a context manager it ends with the block, at worst by SIGKILL."""

    def __init__(self, stack, *arguments, **options):
        self._output = tempfile.NamedTemporaryFile(mode="r", encoding="utf-8", errors="replace")  # pylint: disable=consider-using-with
        with open(self._output.name, "w", encoding="utf-8") as file:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([BERTH, *arguments], cwd=stack.folder, env=stack.berth.environment, stdin=subprocess.DEVNULL,
                                            stdout=file, stderr=subprocess.STDOUT, start_new_session=True, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._output.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def text(self):
        return host.read(self._output.name)

    def wait_for(self, words, seconds=30):
        wait_until(f"{words!r} is said", lambda: words in self.text or self.process.poll() is not None, seconds)
        if words not in self.text:
            raise AssertionError(f"{words!r} is missing in:\n{self.text}")

    def send(self, number):
        os.kill(self.process.pid, number)

    def interrupt(self):
        self.send(signal.SIGINT)

    def wait(self, seconds=60):
        """The exit code, as a shell counts."""
        code = self.process.wait(seconds * host.PATIENCE)
        return code if code >= 0 else 128 - code

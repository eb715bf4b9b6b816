"""A program on a pseudo-terminal of its own, to press Ctrl-C on and to read what a person would see."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import host


def _take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    def __init__(self, command, cwd, environment, rows=40, columns=120):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(command, cwd=cwd, env={**environment, "TERM": "xterm"}, stdin=slave, stdout=slave,
                                        stderr=slave, preexec_fn=_take_terminal, close_fds=True)
        os.close(slave)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def type(self, text):
        os.write(self.master, text.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read_some(self, seconds):
        """False when the other side has closed."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the last process has let go of the terminal
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, pattern, seconds=15):
        """Reads until `pattern` (a regular expression) shows up; the match."""
        deadline = time.monotonic() + seconds * host.PATIENCE
        while True:
            match = re.search(pattern, self.text)
            if match:
                return match
            if time.monotonic() > deadline or not self._read_some(0.1):
                raise AssertionError(f"{pattern!r} did not show up on the terminal:\n{self.text}")

    def wait_exit(self, seconds=30):
        """Reads to the end; the exit code."""
        deadline = time.monotonic() + seconds * host.PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s; the terminal shows:\n{self.text}")
            if not self._read_some(0.05):
                time.sleep(0.01)
        while select.select([self.master], [], [], 0)[0] and self._read_some(0):
            pass
        return self.process.returncode

    @property
    def plain(self):
        """What was shown, without colours and carriage returns."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text).replace("\r", "")

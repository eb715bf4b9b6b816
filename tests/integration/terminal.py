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


class Window:
    """What a person sees of a program's output, all that has scrolled away included: a terminal that knows no more than
    carriage return, line feed, the cursor's way up, and erasing."""

    def __init__(self, text, rows=40, columns=120):
        self.rows, self.columns = rows, columns
        self.lines, self.row, self.column = [""], 0, 0
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]|\x1b", text):
            self._feed(part)

    def _feed(self, part):
        if len(part) > 1:
            number, what = part[2:-1], part[-1]
            if what == "A":
                self.row = max(self.row - int(number or 1), len(self.lines) - self.rows, 0)
            elif what == "K":
                self.lines[self.row] = self.lines[self.row][:self.column]
            elif what == "J":
                self.lines[self.row] = self.lines[self.row][:self.column]
                del self.lines[self.row + 1:]
            elif what != "m":
                raise AssertionError(f"the terminal got {part!r}")
        elif part == "\r":
            self.column = 0
        elif part == "\n":
            self._next_line()
        else:
            if self.column == self.columns:
                self._next_line()
                self.column = 0
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + part + line[self.column + 1:]
            self.column += 1

    def _next_line(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)

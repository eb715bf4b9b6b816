#!/usr/bin/python3
"""Counts the words of each text file that appears in the inbox and removes the file."""

import os
import signal
import sys
import time

INBOX = os.environ.get("INBOX", "/inbox")


def work():
    for name in sorted(os.listdir(INBOX)):
        if name.endswith(".txt"):
            path = os.path.join(INBOX, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                print(f"{name}: {len(file.read().split())} words")
            os.unlink(path)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open("/tmp/ready", "w", encoding="utf-8"):
        pass
    while True:
        work()
        time.sleep(0.2)


if __name__ == "__main__":
    main()

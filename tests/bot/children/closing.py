"""Closes one of its standard pipes, by number, on the first request, and lives on."""

import os
import signal
import sys

sys.stdin.buffer.readline()
os.close(int(sys.argv[1]))
signal.pause()

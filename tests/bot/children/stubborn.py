"""Ignores SIGTERM and the end of standard input."""

import signal
import sys

from trainer.protocol import Progress, read_request, write_event

signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(write_event(Progress(read_request(line).id, "train")))
    sys.stdout.buffer.flush()
while True:
    signal.pause()

"""Waits for so many requests, reports progress on each, then answers them, the last first."""

import sys
from itertools import islice

from trainer.protocol import Done, Progress, read_request, write_event

requests = [read_request(line) for line in islice(sys.stdin.buffer, int(sys.argv[1]))]
for request in requests:
    sys.stdout.buffer.write(write_event(Progress(request.id, "train", note=request.verb)))
for request in reversed(requests):
    sys.stdout.buffer.write(write_event(Done(request.id, request.task)))

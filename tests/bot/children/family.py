"""Starts a process that ignores SIGTERM and holds all its pipes, reports, and waits for the end of standard input.

Both keep the FIFO LIFE open for writing as long as they live. With ``left`` the other leaves the process group.
"""

import signal
import subprocess
import sys
from pathlib import Path

from trainer.protocol import Progress, read_request, write_event

life, left = Path(sys.argv[1]), "left" in sys.argv
request = read_request(sys.stdin.buffer.readline())
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the new process inherits it
with life.open("wb") as alive:
    # The one that left must go by itself in the end: cat does, when the bot closes the pipe they share.
    other = ["cat"] if left else ["sleep", "60"]
    subprocess.Popen(other, pass_fds=[alive.fileno()], start_new_session=left)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.buffer.write(write_event(Progress(request.id, "train")))
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read()

"""Processes whose standard error stream is a terminal, as a person has it."""

import fcntl
import os
import struct
import subprocess
import termios


def run_on_terminal(command, **options):
    """Run a command; what it shows on its terminal is the ``stderr`` of what is given back."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    # What is shown fits into the buffer of the terminal, which holds 4096 bytes.
    os.set_blocking(ours, False)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False, **options
    )
    try:
        done.stderr = os.read(ours, 4096).decode()
    except BlockingIOError:
        done.stderr = ""
    os.close(theirs)
    os.close(ours)
    return done

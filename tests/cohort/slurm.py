"""Slurm on the loopback of this machine: its own daemons, a queue of one node."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "squeue", "scancel", "sbatch")
IS_HERE = all(shutil.which(program) for program in PROGRAMS)
_PATIENCE_S = 90


class NoSlurm(RuntimeError):
    """The daemons of Slurm do not come up."""


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Run Slurm while the block lasts; its programs find it through the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "slurm.conf"
    conf.write_text(_configuration(folder))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(conf)
    try:
        with ExitStack() as stack:
            stack.enter_context(_daemon(_munge(folder), folder / "munged.out"))
            _wait(lambda: (folder / "munge.socket").exists(), "munged")
            stack.enter_context(_daemon(["slurmctld", "-D"], folder / "slurmctld.out"))
            stack.enter_context(_daemon(["slurmd", "-D"], folder / "slurmd.out"))
            _wait(_is_idle, "slurmd")
            yield
    finally:
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def jobs() -> list[str]:
    """Numbers of the jobs that the queue holds."""
    shown = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True)
    return shown.stdout.split()


def _configuration(folder: Path) -> str:
    host, user = socket.gethostname(), getpass.getuser()
    free = [_free_port() for _ in range(2)]
    n_processors = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return "\n".join([
        "ClusterName=loopback",
        f"SlurmctldHost={host}(127.0.0.1)",
        f"SlurmUser={user}",
        f"SlurmdUser={user}",
        f"SlurmctldPort={free[0]}",
        f"SlurmdPort={free[1]}",
        f"AuthInfo=socket={folder}/munge.socket",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool",
        f"SlurmctldPidFile={folder}/slurmctld.pid",
        f"SlurmdPidFile={folder}/slurmd.pid",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core",
        "ReturnToService=2",
        "SlurmdParameters=config_overrides",
        f"NodeName={host} NodeAddr=127.0.0.1 CPUs={max(2, n_processors)} RealMemory={memory}",
        f"PartitionName=short Nodes={host} Default=YES MaxTime=INFINITE State=UP",
        "",
    ])  # fmt: skip


def _munge(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    folder.chmod(0o711)
    return [
        "munged", "--foreground", "--force", f"--key-file={key}",
        f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip


@contextmanager
def _daemon(command: list[str], said: Path) -> Iterator[None]:
    with said.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _is_idle() -> bool:
    shown = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
    return shown.stdout.split()[:1] == ["idle"]


def _wait(is_so, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise NoSlurm(f"{what} does not come up on this machine")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

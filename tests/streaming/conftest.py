"""The Lab Streaming Layer of the tests stays on this machine, and apart from others."""

import os
import tempfile
import uuid
from pathlib import Path

import pytest

SETTINGS = """
[multicast]
ResolveScope = machine
[lab]
KnownPeers = {{127.0.0.1}}
SessionID = {session}
[log]
level = -3
"""


def pytest_configure(config):
    # The library reads its settings once, when it is first loaded.
    if "LSLAPICFG" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="lsl-"))
        path = folder / "lsl_api.cfg"
        path.write_text(SETTINGS.format(session=f"tests-{uuid.uuid4()}").lstrip())
        os.environ["LSLAPICFG"] = str(path)


@pytest.fixture
def unique():
    """A name that no other stream has."""
    return f"test-{uuid.uuid4()}"


pytest_configure(None)

"""Each test has a key of its own: none touches the user's."""

from __future__ import annotations

import pytest

from tests.drill.records.chains import grow


@pytest.fixture(autouse=True)
def key_path(tmp_path, monkeypatch):
    """Where the private key of this test is, or will be made."""
    path = tmp_path / "private" / "key.pem"
    monkeypatch.setenv("HARNESS_DRILL_KEY", str(path))
    return path


@pytest.fixture
def five(tmp_path):
    """A chain of five drills."""
    return grow(tmp_path / "drills", 5)

"""Secrets are kept out of what is passed on."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from harness.checks.availability import Availability
from harness.generator import order_for
from harness.manifest import command_line, manifest
from harness.masking import KEPT_OUT, mask, mask_files, masked, remember, secrets_in, shown
from harness.model import Load, Scenario
from harness.openers import host_opener
from harness.plan import plan
from harness.stack import state as states
from harness.store import RunFolder


@pytest.mark.parametrize(
    ("name", "value", "is_shown"),
    [
        ("WEAKNESS", "no-timeout", "no-timeout"),
        ("DB_PASSWORD", "hunter22", KEPT_OUT),
        ("API_TOKEN", "", ""),
        ("DATABASE_URL", "postgresql://shop:hunter22@db:5432/shop", f"postgresql://shop:{KEPT_OUT}@db:5432/shop"),
        ("BROKER", "amqp://:hunter22@queue", f"amqp://:{KEPT_OUT}@queue"),
        ("SITE", "http://example.org:80/a@b", "http://example.org:80/a@b"),
        ("DATABASE_URL", "postgresql://shop:hun@ter22@db/shop", f"postgresql://shop:{KEPT_OUT}@db/shop"),
        ("HOSTS", "amqp://a:hunter22@q1,b:hunter33@q2", f"amqp://a:{KEPT_OUT}@q2"),
    ],
)
def test_a_secret_is_known_by_its_name_or_as_the_password_of_a_url(name: str, value: str, is_shown: str) -> None:
    """All else is shown as it is."""
    assert mask(name, value) == is_shown


def test_a_password_with_an_at_is_a_secret_whole_and_to_its_first() -> None:
    """Which @ ends it cannot be told."""
    assert secrets_in([{"URL": "http://me:hunter@22@x"}]) == {"hunter", "hunter@22"}


def test_short_values_are_no_secrets() -> None:
    """They are in every other word of a log."""
    environments = [{"DB_PASSWORD": "shop", "API_KEY": "hunter22", "URL": "http://me:hunter33@x", "MODE": "anything"}]
    assert secrets_in(environments) == {"hunter22", "hunter33"}


def test_a_variable_is_a_secret_by_where_it_goes() -> None:
    """${SETTING} is harmless by its name, but is the value of DB_PASSWORD."""
    variables = {"SETTING": "hunter22", "SEED": "1"}
    assert shown(variables, [{"DB_PASSWORD": "hunter22"}]) == {"SETTING": KEPT_OUT, "SEED": "1"}


def test_a_secret_that_begins_as_another_is_taken_out_whole() -> None:
    """The longest first."""
    assert masked("hunter22 and hunter2233", {"hunter22", "hunter2233"}) == f"{KEPT_OUT} and {KEPT_OUT}"


def test_files_are_masked_by_the_record_of_a_private_folder(tmp_path: Path) -> None:
    """Nobody else may read the record; files without secrets, and what is not there, are left alone."""
    log, other = tmp_path / "a.log", tmp_path / "b.log"
    log.write_bytes(b"\xffpassword hunter22\n")
    other.write_text("nothing")
    before = other.stat().st_mtime_ns
    remember(tmp_path, {"hunter22"})
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    mask_files([str(tmp_path), "/nowhere"], [str(log), str(other), "/nowhere/c.log"])
    assert log.read_bytes() == b"\xffpassword (kept out)\n"
    assert other.stat().st_mtime_ns == before


def test_the_password_of_a_host_is_in_no_file_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in stack.json nor in the manifest, its command included; the load itself is given it."""
    host = "http://me:s3cret@127.0.0.1:8000"
    monkeypatch.setattr(sys, "argv", ["harness", "load", "shop.py", f"--host={host}"])
    checks = (Availability(ok_ratio_min=0.99),)
    planned = plan("load", Scenario(hypothesis="h", load=Load("shop.py", rate_per_s=1), checks=checks, duration_s=9))
    stack = host_opener(host, None)(RunFolder(tmp_path), lambda: False)
    states.write(tmp_path / "stack.json", stack.state)
    written = f"{manifest(planned, stack.state, command_line())} {(tmp_path / 'stack.json').read_text()}"
    assert "s3cret" not in written
    assert written.count(f"http://me:{KEPT_OUT}@127.0.0.1:8000") == 3
    assert order_for(planned, tmp_path, tmp_path, stack.state.entry).host == host

"""What Compose said, told again without its progress; and what it writes, read as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EngineError
from harness.stack.docker import compose
from harness.stack.docker.compose import ComposeFiles, environments, failure


def said(folder: Path, *lines: str) -> str:
    path = folder / "compose.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    return failure(path)


def test_a_failure_is_told_without_progress(tmp_path: Path) -> None:
    """The lines that tell why, each once."""
    told = said(
        tmp_path,
        " Container shop-db-1  Starting",
        " Container shop-db-1  Error",
        "dependency failed to start: container shop-db-1 is unhealthy",
        "dependency failed to start: container shop-db-1 is unhealthy",
        " Container shop-web-1  Created",
    )
    assert told.splitlines() == [
        "    Container shop-db-1  Error",
        "    dependency failed to start: container shop-db-1 is unhealthy",
    ]


def test_a_failure_in_unknown_words_is_told_by_its_last_lines(tmp_path: Path) -> None:
    """Where no line tells, the end does."""
    assert said(tmp_path, *[f"line {n}" for n in range(20)]).splitlines()[-1] == "    line 19"
    assert len(said(tmp_path, *[f"line {n}" for n in range(20)]).splitlines()) == 8


def test_a_log_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    """It may never have been begun."""
    assert failure(tmp_path / "none.log") == ""


def test_a_dollar_sign_is_read_as_one() -> None:
    """Compose writes it as two, which no container's log would show."""
    services = {"web": {"environment": {"PASSWORD": "pa$$word", "EMPTY": None}}, "db": {"environment": None}}
    assert environments({"services": services}) == [{"PASSWORD": "pa$word"}, {}]


def test_a_docker_command_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of that name that cannot be run is no traceback."""
    (tmp_path / "docker").write_bytes(b"\x7fnot a program")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    compose.version.cache_clear()
    with pytest.raises(EngineError, match=r"docker does not work .*install Docker again"):
        compose.version()
    compose.version.cache_clear()


def test_files_are_given_in_order_with_their_folder(tmp_path: Path) -> None:
    """Relative paths in every one of them are from the first one's folder."""
    files = ComposeFiles((tmp_path / "a.yml", tmp_path / "more" / "b.yml"))
    assert files.arguments("shop") == [
        *("-p", "shop", "-f", f"{tmp_path}/a.yml", "-f", f"{tmp_path}/more/b.yml"),
        *("--project-directory", str(tmp_path)),
    ]
    assert files.arguments(None)[0] == "-f"

"""The services' log: a failure is one line that says what failed and why. Tracebacks are for what nobody foresaw."""

from __future__ import annotations

import logging


def in_one_line(error: BaseException) -> str:
    """An error's name and what it says, which PostgreSQL may spread over several lines."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")


def quiet_the_pool() -> None:
    """The driver's pool mends its lost connections by itself, and tells each try that failed with its traceback."""
    logging.getLogger("asyncpg.pool").addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1]:
        record.msg, record.args = "%s (%s)", (record.getMessage(), in_one_line(record.exc_info[1]))
        record.exc_info = None
    return True

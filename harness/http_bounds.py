"""Bounds on what a user may say of HTTP. Faults have them so that a mistake is told where it is made, rules of a tap so
that none is ever in force."""

from __future__ import annotations

import re

from harness.bounds import whole
from harness.errors import one_of
from harness.path_template import template

BODY_BYTES_MAX = 1 << 20
ENDS = ("RST", "FIN")


def matching(method: str, path: str) -> None:
    """Raise ValueError unless some request can be meant: a method in capitals, the beginning of a path template."""
    if not isinstance(method, str) or not re.fullmatch(r"[A-Z-]*", method):
        raise ValueError(f"method must be in capitals, as in POST, or empty for all; given {method!r}")
    if not isinstance(path, str) or not re.match(r"/|$", path):
        raise ValueError(f"path must begin with /, as in /orders, or be empty for all; given {path!r}")
    if path != template(path):
        raise ValueError(
            "path must be how a path template begins, in which what is no plain word, such as an id, is {}; "
            f"given {path!r}, write {template(path)!r}"
        )


def answering(code: int, retry_after_s: int | None, body: str) -> None:
    """Raise ValueError unless an answer can be made of these."""
    if isinstance(code, bool) or not isinstance(code, int) or not 200 <= code <= 599:
        raise ValueError(f"code must be an HTTP status from 200 to 599; given {code!r}")
    if retry_after_s is not None:
        whole("retry_after_s", retry_after_s, zero_allowed=True)
    if not isinstance(body, str):
        raise ValueError(f"body must be a text of at most {BODY_BYTES_MAX:,} bytes; given {body!r}")
    try:
        size = len(body.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"body must be a text that UTF-8 can carry; given {body[error.start]!r} in it") from error
    if size > BODY_BYTES_MAX:
        raise ValueError(f"body must be a text of at most {BODY_BYTES_MAX:,} bytes; given {size:,}")


def media_type(value: str) -> None:
    """Raise ValueError unless it can stand in a header."""
    if not isinstance(value, str) or not value or not value.isprintable() or not value.isascii():
        raise ValueError(f"content_type must be printable ASCII, as in text/html; given {value!r}")


def ending(value: str) -> None:
    """Raise ValueError unless a connection can end so."""
    if value not in ENDS:
        raise ValueError(one_of("end", str(value), ENDS))

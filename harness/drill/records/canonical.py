"""JSON in one form only (RFC 8785): the same value is the same bytes, so that bytes can be hashed and signed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import rfc8785

from harness.errors import RecordError

BYTES_MAX = 16 * 1024 * 1024
"""A record is some kilobytes; what is larger is none, and is not read."""
INTEGER_MAX = 2**53 - 1
"""Beyond it two integers are one number to many a reader of JSON."""
DEPTH_MAX = 64


def canonical(value: Mapping[str, Any]) -> bytes:
    """The value's only bytes. Raises RecordError that names the place of what JSON cannot hold."""
    raw = rfc8785.dumps(_plain(value, "", 0))
    if len(raw) > BYTES_MAX:
        raise RecordError(f"a record of {len(raw)} bytes is too large; at most {BYTES_MAX}: keep long texts beside it")
    return raw


def parse(raw: bytes) -> dict[str, Any]:
    """The object in these bytes. Raises ValueError where they are not JSON, or not an object's canonical form."""
    if len(raw) > BYTES_MAX:
        raise ValueError(f"it is too large to be one: {len(raw)} bytes")
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_refuse, parse_int=_number)
    except RecursionError:
        raise ValueError("it is nested too deep to be one") from None
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    try:
        same = canonical(found) == raw
    except RecordError:
        same = False
    if not same:
        raise ValueError("its bytes are not in canonical form")
    return found


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """Canonical form writes 1e20 without an exponent: such a number is a float."""
    number = int(text) if len(text) <= 17 else float(text)
    return number if isinstance(number, float) or abs(number) <= INTEGER_MAX else float(text)


def _plain(value: object, place: str, depth: int) -> Any:
    """The value in dicts, lists, texts, numbers, truths, None. Raises RecordError with the place of anything else."""
    here = place or "the record"
    if depth > DEPTH_MAX:
        raise RecordError(f"{here} is nested deeper than {DEPTH_MAX}; a record is flatter than that")
    match value:
        case None | bool():
            return value
        case str():
            text = str.__str__(value)
            try:
                text.encode("utf-8")
            except UnicodeEncodeError:
                raise RecordError(f"{here} holds half a character (a lone surrogate); decode it first") from None
            return text
        case int():
            if abs(value) > INTEGER_MAX:
                raise RecordError(f"{here} is {value}; an integer is at most 2^53 - 1: give it as a text")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise RecordError(f"{here} is {value}; JSON has no such number: give null where it is not known")
            return float(value)
        case Mapping():
            wrong = next((name for name in value if not isinstance(name, str)), None)
            if wrong is not None:
                raise RecordError(f"{here} has the name {wrong!r}; a name is a text")
            return {
                _plain(name, place, depth): _plain(inner, f"{place}.{name}" if place else name, depth + 1)
                for name, inner in value.items()
            }
        case list() | tuple():
            return [_plain(inner, f"{place}[{number}]", depth + 1) for number, inner in enumerate(value)]
        case _:
            raise RecordError(
                f"{here} is {value!r}, of type {type(value).__name__}; a record holds texts, numbers, true and false, "
                "null, lists and objects"
            )

"""A file of the feed, read: its header and its rows as they came. What is wrong with a file as a whole is told here."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from target.retry import Unavailable

COLUMNS = ("id", "customer", "month", "amount_cents", "currency", "issued_at")
NUMBERS = {"amount_cents"}


class BadFile(Unavailable):
    """Nothing of this file is to be loaded; the next try may bring a better one. `rows` are those that it held."""

    def __init__(self, reason: str, rows: list[str] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.rows = reason, rows or []


class Header(BaseModel):
    """What a batch says of itself."""

    model_config = ConfigDict(strict=True, frozen=True)

    batch_id: str = Field(max_length=64, pattern=r"^batch-[\w-]+$")
    month: str = Field(pattern=r"^\d{4}-\d\d$")
    day: date = Field(strict=False)
    rows: int = Field(ge=0, le=100_000)
    sum_cents: int = Field(ge=-(10**15), le=10**15)


@dataclass(frozen=True, slots=True)
class File:
    header: Header
    rows: list[Any]


def read(content: bytes, kind: str) -> File:
    """The file's header and rows. Raises BadFile for what is no such file."""
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise BadFile("encoding: a byte order mark")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFile(f"encoding: not UTF-8 at byte {error.start}") from error
    file = _read_json(text) if kind == "json" else _read_csv(text)
    keys = {frozenset(row) for row in file.rows if isinstance(row, dict)}
    if len(file.rows) > 1 and len(keys) == 1 and (drift := _drift(next(iter(keys)))):
        raise BadFile(drift, names(file.rows))  # the same in each row: the file's columns are others
    if len(set(names(file.rows))) != file.header.rows:
        said = f"{len(set(names(file.rows)))} rows, its header says {file.header.rows}"
        raise BadFile(f"{'truncated' if len(file.rows) < file.header.rows else 'rows'}: {said}", names(file.rows))
    return file


def names(rows: list[Any]) -> list[str]:
    """What each row is called: its id, or where it stands if it has none that can be one."""
    return [name_of(row, position) for position, row in enumerate(rows, 1)]


def name_of(row: Any, position: int) -> str:
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[\w.:-]{1,64}", found) else f"row {position}"


def _drift(columns: frozenset[str]) -> str:
    missing, unknown = sorted(set(COLUMNS) - columns), sorted(columns - set(COLUMNS))
    said = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"[:200]] * bool(unknown)
    return f"schema: {'; '.join(said)}" if said else ""


def _header(found: Any) -> Header:
    try:
        return Header.model_validate(found)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or "all of it" for one in error.errors()}))
        raise BadFile(f"header: {wrong}") from error


def _read_json(text: str) -> File:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"truncated: not JSON ({error})"[:200]) from error
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list):
        raise BadFile("schema: no list of rows")
    return File(_header(found.get("header")), found["rows"])


def _read_csv(text: str) -> File:
    try:
        records = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except csv.Error as error:
        raise BadFile(f"truncated: not CSV ({error})") from error
    if len(records) < 2 or records[0][0] != "header":
        raise BadFile("header: no record of it")
    header = dict(zip(Header.model_fields, map(_number, records[0][1:]), strict=False))
    columns = records[1]
    rows: list[Any] = [
        {name: _cell(name, cell) for name, cell in zip(columns, record, strict=True)}
        if len(record) == len(columns)
        else record
        for record in records[2:]
    ]
    if len(set(columns)) != len(columns) or (drift := _drift(frozenset(columns))):
        raise BadFile(drift if len(set(columns)) == len(columns) else "schema: a column twice", names(rows))
    return File(_header(header), rows)


def _cell(name: str, text: str) -> Any:
    if text == "":
        return None
    return _number(text) if name in NUMBERS else text


def _number(text: str) -> Any:
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return float(text)
    return text

"""A locustfile to begin with, from the OpenAPI document that an entry serves; else one that asks for its root.

The document is the word of a stranger, and the locustfile is run at once: of what it says nothing gets there but names
of letters and digits, URLs in which all else is escaped, and a title without quotes.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from harness.waiting import wait_until

PLACES = ("/openapi.json", "/v1/__api__", "/swagger.json", "/v3/api-docs", "/api/openapi.json", "/api/swagger.json")
SIZE_MAX_BYTES = 4_000_000
TASKS_MAX = 8
ANSWER_S, ALL_S = 3.0, 10.0
"""How long an answer is waited for, and all of them."""
_LONGEST = 60
_IN_URL = "/%:@!$&'()*+,;=~?"
_EXAMPLES = {"integer": "1", "number": "1", "boolean": "true"}


@dataclass(slots=True)
class Asked:
    """What a server said of itself: its OpenAPI document, None without one, and what paths of it answer (0: not)."""

    document: Mapping[str, Any] | None = None
    statuses: dict[str, int] = field(default_factory=dict)


def ask(address: str, cancelled: Callable[[], bool]) -> Asked:
    """Ask a server, until enough paths answer well; what it has said after ALL_S, or when this was called off."""
    asked, enough = Asked(), threading.Event()
    thread = threading.Thread(target=_ask, args=(address, asked, enough), name="asking", daemon=True)
    thread.start()
    wait_until(lambda: not thread.is_alive(), ALL_S, cancelled=cancelled)
    enough.set()
    return Asked(asked.document, dict(asked.statuses))


def locustfile(asked: Asked) -> str:
    """An ordinary locustfile: a task for each thing that can be read, or one for `/`.

    What did not answer well becomes a comment: it needs what only the user knows.
    """
    every = [(one, asked.statuses[one[1]]) for one in _reads(asked.document or {}) if one[1] in asked.statuses]
    tasks = [one for one, status in every if _well(status)][:TASKS_MAX]
    refused = [(path, status) for (_, path, _), status in every if not _well(status)][:TASKS_MAX]
    title = _title(asked.document or {})
    whose = f" of {title}" if title else ""
    source = "from its OpenAPI document" if tasks else "so far"
    lines = [
        f'"""What users{whose} do, {source}: correct it until it is what yours do."""',
        "",
        "from locust import FastHttpUser, task",
        "",
        "",
        "class Visitor(FastHttpUser):",
    ]
    for name, path, template in tasks or [("get_root", "/", "/")]:
        named = f', name="{template}"' if template != path else ""
        lines += ["    @task", f"    def {name}(self) -> None:", f'        self.client.get("{path}"{named})', ""]
    if refused:
        lines += ["    # These did not answer well without more than their path (a login, an id that exists):"]
        lines += [f"    # GET {path}: {status or 'no answer'}" for path, status in refused] + [""]
    return "\n".join(lines)


def _ask(address: str, asked: Asked, enough: threading.Event) -> None:
    for place in PLACES:
        status, body = _get(address, place, SIZE_MAX_BYTES)
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(body) if status == 200 else None
            if isinstance(found, dict) and isinstance(found.get("paths"), dict):
                asked.document = found
                break
        if enough.is_set():
            return
    for _, path, _ in _reads(asked.document or {}):
        if enough.is_set() or sum(map(_well, asked.statuses.values())) == TASKS_MAX:
            return
        asked.statuses[path] = _get(address, path)[0]


def _get(address: str, path: str, read_bytes: int = 0) -> tuple[int, bytes]:
    """(its status, so much of its body); (0, nothing) where no answer comes."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_S)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(read_bytes)
    except (OSError, http.client.HTTPException, ValueError):
        return 0, b""
    finally:
        connection.close()


def _well(status: int) -> bool:
    return 200 <= status < 300


def _reads(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(name of the task, path with examples in it, path as a template) of each GET that needs no more than its path.

    What is not as OpenAPI has it is passed over.
    """
    base = _base(document)
    names: set[str] = set()
    for template, operations in sorted(_mapping(document.get("paths")).items()):
        operation = _mapping(operations).get("get")
        if not isinstance(operation, dict) or not template.startswith("/"):
            continue
        given = (*_sequence(operations.get("parameters")), *_sequence(operation.get("parameters")))
        parameters = [one for one in given if isinstance(one, dict)]
        if any(one.get("required") and one.get("in") != "path" for one in parameters):
            continue
        examples = {_text(one.get("name")): _example(one) for one in parameters if one.get("in") == "path"}
        path = re.sub(r"\{([^}]+)\}", lambda match: examples.get(match[1], "1"), template)  # noqa: B023
        words = re.sub(r"[^a-z0-9]+", "_", template.lower()).strip("_")[:_LONGEST]
        name = f"get_{words or 'root'}"
        while name in names:
            name += "_2"
        names.add(name)
        yield name, _in_url(base + path), _in_url(base + template, "{}")


def _base(document: Mapping[str, Any]) -> str:
    """What comes before each path: nothing, or `/v1`."""
    base = document.get("basePath")
    for server in _sequence(document.get("servers"))[:1]:
        with contextlib.suppress(ValueError):
            base = urlsplit(_text(_mapping(server).get("url"))).path
    words = _text(base).strip("/")
    return f"/{words}" if words else ""


def _example(parameter: Mapping[str, Any]) -> str:
    schema = _mapping(parameter.get("schema")) or parameter
    for value in (parameter.get("example"), schema.get("example"), schema.get("default")):
        if isinstance(value, str | int) and re.fullmatch(r"[\w.-]+", str(value)):
            return str(value)
    return _EXAMPLES.get(_text(schema.get("type")), "1")


def _title(document: Mapping[str, Any]) -> str:
    title = _text(_mapping(document.get("info")).get("title"))
    plain = "".join(one if one.isprintable() and one not in '"\\' else " " for one in title)
    return " ".join(plain.split())[:_LONGEST]


def _in_url(text: str, also: str = "") -> str:
    return quote(text, safe=_IN_URL + also, errors="replace")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()

"""A locustfile to begin with, from the OpenAPI document that an entry serves; else one that asks for its root."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

PLACES = ("/openapi.json", "/v1/__api__", "/swagger.json", "/v3/api-docs", "/api/openapi.json", "/api/swagger.json")
SIZE_MAX_BYTES = 4_000_000
TASKS_MAX = 8
_EXAMPLES = {"integer": "1", "number": "1", "boolean": "true"}


def fetch(address: str) -> Mapping[str, Any] | None:
    """The OpenAPI document of a server, from one of the places where frameworks serve it; None without one."""
    for place in PLACES:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=3)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            connection.request("GET", place, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read(SIZE_MAX_BYTES)) if answer.status == 200 else None
            if isinstance(document, dict) and isinstance(document.get("paths"), dict):
                return document
        connection.close()
    return None


def statuses(address: str, document: Mapping[str, Any]) -> dict[str, int]:
    """What each path that can be read answers, asked once; 0 where no answer comes."""
    found = {}
    for _, path, _ in _reads(document):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=3)
        found[path] = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            found[path] = connection.getresponse().status
        connection.close()
    return found


def locustfile(document: Mapping[str, Any] | None, answered: Mapping[str, int] | None = None) -> str:
    """An ordinary locustfile: a task for each thing that can be read, or one for `/`.

    `answered` are the statuses of paths; those that were not well become comments: they need what only the user knows.
    """
    every = list(_reads(document)) if document else []
    status = answered or {}
    tasks = [one for one in every if 200 <= status.get(one[1], 200) < 300][:TASKS_MAX]
    refused = [(one[1], status[one[1]]) for one in every if not 200 <= status.get(one[1], 200) < 300][:TASKS_MAX]
    title = str(((document or {}).get("info") or {}).get("title", "")).strip()
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
    for name, path, template in tasks or [("root", "/", "/")]:
        named = f', name="{template}"' if template != path else ""
        lines += ["    @task", f"    def {name}(self) -> None:", f'        self.client.get("{path}"{named})', ""]
    if refused:
        lines += ["    # These did not answer well without more than their path (a login, an id that exists):"]
        lines += [f"    # GET {path}: {code or 'no answer'}" for path, code in refused] + [""]
    return "\n".join(lines)


def _reads(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(name of the task, path with examples in it, path as a template) of each GET that needs no more than its path."""
    base = str(document.get("basePath") or "").rstrip("/")
    for server in document.get("servers") or ():
        base = urlsplit(str(server.get("url", ""))).path.rstrip("/")
        break
    names: set[str] = set()
    for template, operations in sorted(document["paths"].items()):
        operation = (operations or {}).get("get")
        if not isinstance(operation, dict) or '"' in template:
            continue
        given = (*(operations.get("parameters") or ()), *(operation.get("parameters") or ()))
        parameters = [one for one in given if isinstance(one, dict)]
        if any(one.get("required") and one.get("in") != "path" for one in parameters):
            continue
        examples = {one.get("name"): _example(one) for one in parameters if one.get("in") == "path"}
        path = re.sub(r"\{([^}]+)\}", lambda match: examples.get(match[1], "1"), template)  # noqa: B023
        name = re.sub(r"\W+", "_", template.strip("/")).strip("_").lower() or "root"
        while name in names or not name.isidentifier():
            name = f"get_{name}"
        names.add(name)
        yield name, base + path, base + template


def _example(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema") or parameter
    for value in (parameter.get("example"), schema.get("example"), schema.get("default")):
        if isinstance(value, str | int) and re.fullmatch(r"[\w.-]+", str(value)):
            return str(value)
    return _EXAMPLES.get(str(schema.get("type")), "1")

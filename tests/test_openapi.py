"""A locustfile from a stranger's OpenAPI document: whatever it says, no code; however slow it is, soon."""

from __future__ import annotations

import ast
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import openapi
from harness.openapi import Asked, ask, locustfile

SPELLS = ['"""', "\\", "\n", '")', "')", "import os", "{", "}", "class", "\ud800", "\x00", "²", "//", "@x", "ﬁ", " "]
WORDS = st.lists(st.sampled_from(SPELLS) | st.text(max_size=3), max_size=5).map("".join)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def _mostly(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """As OpenAPI has it, but for one in ten, which is anything."""
    return st.integers(0, 9).flatmap(lambda number: strategy if number else ANY)


SCHEMA = _mostly(st.fixed_dictionaries({}, optional={"type": ANY, "example": ANY, "default": ANY}))
PARAMETER = _mostly(st.fixed_dictionaries({"in": _mostly(st.just("path")), "name": ANY}, optional={"schema": SCHEMA}))
PARAMETERS = _mostly(st.lists(PARAMETER, max_size=2))
OPERATION = _mostly(st.fixed_dictionaries({}, optional={"parameters": PARAMETERS}))
OPERATIONS = _mostly(st.fixed_dictionaries({"get": OPERATION}, optional={"parameters": PARAMETERS}))
DOCUMENT = st.fixed_dictionaries(
    {"paths": _mostly(st.dictionaries(WORDS.map("/{}".format) | WORDS, OPERATIONS, max_size=3))},
    optional={
        "info": _mostly(st.fixed_dictionaries({"title": _mostly(WORDS)})),
        "servers": _mostly(st.lists(_mostly(st.fixed_dictionaries({"url": WORDS.map("http://h/{}".format) | ANY})))),
        "basePath": WORDS | ANY,
    },
)
TASK = """@task
def {name}(self) -> None:
    self.client.get({path!r}{named})"""


def _never() -> bool:
    return False


def _paths(document: object) -> list[str]:
    return [path for _, path, _ in openapi._reads(document)]  # type: ignore[arg-type]


@given(DOCUMENT, st.sampled_from([200, 404, 0]))
@example({"info": {"title": '"""\nimport os\n"""'}, "paths": {"/\ud800": {"get": {}}}}, 200)
@example(
    {"servers": [{"url": 'http://h/v1"); import os; ("'}], "paths": {"/²": {"get": {}}, "/class": {"get": {}}}}, 200
)
def test_no_document_gets_more_than_names_and_urls_into_the_file(document, status):
    """It compiles, and is a title, an import and tasks that read one URL each; nothing else, whatever was said."""
    file = locustfile(Asked(document, dict.fromkeys(_paths(document), status)))
    said, imported, user = ast.parse(file.encode()).body
    assert isinstance(said, ast.Expr)
    assert isinstance(said.value, ast.Constant)
    assert ast.unparse(imported) == "from locust import FastHttpUser, task"
    assert isinstance(user, ast.ClassDef)
    assert user.name == "Visitor"
    assert user.body
    names = []
    for one in user.body:
        assert isinstance(one, ast.FunctionDef)
        call = one.body[0].value
        path, named = call.args[0].value, "".join(f", name={more.value.value!r}" for more in call.keywords)
        assert ast.unparse(one) == TASK.format(name=one.name, path=path, named=named)
        assert path.startswith("/")
        assert one.name.startswith("get_")
        names.append(one.name)
    assert len(set(names)) == len(names)


def test_what_is_as_it_should_be_becomes_a_task():
    """With an example in its path, its template as its name, and the server's base before both."""
    parameters = [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "example": 7}}]
    paths = {"/books/{id}": {"get": {"parameters": parameters}}, "/café": {"get": {}}, "/cart": {"post": {}}}
    document = {"info": {"title": 'The "Shop"'}, "servers": [{"url": "http://h/v1/"}], "paths": paths}
    file = locustfile(Asked(document, {"/v1/books/7": 200, "/v1/caf%C3%A9": 401}))
    assert file.startswith('"""What users of The Shop do, from its OpenAPI document')
    assert 'def get_books_id(self) -> None:\n        self.client.get("/v1/books/7", name="/v1/books/{id}")' in file
    assert "# GET /v1/caf%C3%A9: 401" in file
    assert "cart" not in file


@contextlib.contextmanager
def _serving(paths: int, wait_s: float = 0.0, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """(the address of a server with so many paths, what was asked of it): the document at once, all else so late."""
    asked: list[str] = []
    document = json.dumps({"paths": {f"/p{number:03}": {"get": {}} for number in range(paths)}}).encode()
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path != "/openapi.json":
                closing.wait(wait_s)
            self.send_response(200 if self.path == "/openapi.json" else status)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        closing.set()
        server.shutdown()
        server.server_close()


def test_no_more_is_asked_than_is_needed():
    """Of a hundred paths that answer well the first eight."""
    with _serving(100) as (address, asked):
        found = ask(address, _never)
    assert len(found.statuses) == openapi.TASKS_MAX
    assert len(asked) == 1 + openapi.TASKS_MAX
    assert locustfile(found).count("@task") == openapi.TASKS_MAX


@pytest.mark.parametrize("called_off", [True, False])
def test_a_slow_server_is_not_waited_for(monkeypatch, called_off):
    """After its time, and when it is called off, what was answered until then counts, and nothing else is asked."""
    monkeypatch.setattr(openapi, "ALL_S", 60.0 if called_off else 0.5)
    began = time.monotonic()
    with _serving(100, wait_s=0.2, status=404) as (address, asked):
        found = ask(address, lambda: called_off and time.monotonic() > began + 0.5)
        assert 0.4 < time.monotonic() - began < 5
        count = len(asked)
        time.sleep(0.5)
        assert len(asked) <= count + 1
    assert 1 <= len(found.statuses) < 10
    assert "did not answer well" in locustfile(found)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("body", [b"[" * 200_000, b"\xff", b"[]", b'{"paths": []}', b""])
def test_what_is_no_document_is_none(monkeypatch, body):
    """Nested without end, no text, no paths: a file that asks for the root."""
    monkeypatch.setattr(openapi, "_get", lambda *_: (200, body))
    found = ask("http://127.0.0.1:1", _never)
    assert found.document is None
    assert 'self.client.get("/")' in locustfile(found)

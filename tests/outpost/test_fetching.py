"""The outpost asks services for the harness: one GET, two seconds, eight megabytes, JSON; whatever they answer."""

from __future__ import annotations

import time

import pytest

from harness.errors import OutpostError
from harness.stack.ports import free_ports
from tests.outpost.bench import Bench


def test_an_answer_comes_back_with_its_time(bench: Bench, asked: str) -> None:
    """The query is passed on; an answer that is not 200 is one."""
    before_ns = time.monotonic_ns()
    got = bench.client.fetch(f"{asked}/imports/7?all=1&x=%20y")
    assert (got.status, got.body, got.error) == (200, {"path": "/imports/7?all=1&x=%20y", "word": "\ud800ü"}, "")
    assert before_ns <= got.at_ns <= time.monotonic_ns()
    assert bench.client.fetch(f"{asked}/unwell").status == 503
    assert bench.client.fetch(f"{asked}/chunked").body == {"a": 1}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/text", 200, "its answer is not JSON"),
        ("/deep", 200, "its answer is not JSON: RecursionError"),
        ("/cut", 0, "no whole answer: IncompleteReadError"),
        ("/strange", 0, "is no HTTP/1.1"),
        ("/big", 0, "a body of more than 8,388,608 bytes"),
        ("/hang", 0, "no whole answer within 2 s"),
    ],
)
def test_what_is_no_whole_answer_in_json_is_none(bench: Bench, asked: str, path: str, status: int, says: str) -> None:
    """And says why, in time."""
    began_s = time.monotonic()
    got = bench.client.fetch(f"{asked}{path}")
    assert (got.status, got.body) == (status, None)
    assert says in got.error
    assert time.monotonic() - began_s < 4


def test_a_service_that_is_away_is_status_0(bench: Bench) -> None:
    """It is no error of the outpost's."""
    got = bench.client.fetch(f"http://127.0.0.1:{free_ports(1)[0]}/status")
    assert (got.status, got.body) == (0, None)
    assert "ConnectionRefusedError" in got.error
    assert bench.client.fetch("http://no-such-service.invalid/status").status == 0


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://", "http://a:99999/", "http://a/b c", "etl:8001/x"])
def test_what_is_no_url_of_a_service_is_refused(bench: Bench, url: str) -> None:
    """With an example, or with what is wrong."""
    with pytest.raises(OutpostError, match="refused fetch"):
        bench.client.fetch(url)

"""Each fault on HTTP through a real tap: what a client meets while it is in, and that it is gone after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from harness import (
    CutBody,
    DuplicateRequest,
    FailFirst,
    FailRatio,
    HttpDelay,
    HttpHang,
    HttpStatus,
    SlowBody,
    WrongContentType,
)
from harness.stack.link import ProxyLink
from harness.stack.toxiproxy import ToxiproxyClient
from harness.world import Heal
from tests.tap.bench import Bench, running_tap, until
from tests.tap.servers import LONG, OK, Seen

NO_TOXIPROXY = ToxiproxyClient("http://127.0.0.1:1")
JSON = OK.replace(b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_tap(tmp_path_factory.mktemp("tap")) as running:
        yield running


@dataclass
class Shop:
    """A stack of one link, with a client of the service behind it."""

    bench: Bench
    seen: Seen
    name: str
    client: httpx.Client

    def link(self, name: str) -> ProxyLink:
        assert name == self.name
        return ProxyLink(name, NO_TOXIPROXY, self.bench.tap)

    def put(self, fault) -> Heal:
        return fault.inject(self)

    def statuses(self, count: int, method: str = "GET", path: str = "/", **headers: str) -> list[int]:
        return [self.client.request(method, path, headers=headers).status_code for _ in range(count)]


def _shop(bench: Bench, answer: bytes) -> Iterator[Shop]:
    seen = Seen(answer)
    name, at = bench.link(seen)
    with httpx.Client(base_url=f"http://{at}", timeout=5, trust_env=False) as client:
        shop = Shop(bench, seen, name, client)
        yield shop
        assert shop.statuses(1) == [200]
        assert bench.tap.links()[name].rules == ()


@pytest.fixture
def shop(bench: Bench) -> Iterator[Shop]:
    """A service that says little; afterwards no rule is left, and it is asked once more."""
    yield from _shop(bench, JSON)


@pytest.fixture
def long_shop(bench: Bench) -> Iterator[Shop]:
    """One that says a thousand bytes."""
    yield from _shop(bench, LONG)


def test_http_status_answers_in_the_services_place(shop: Shop):
    """With Retry-After and a body, and only the requests of its method and path."""
    heal = shop.put(
        HttpStatus(shop.name, code=429, retry_after_s=2, body='{"later": 2}', method="POST", path="/charges")
    )
    refused = shop.client.post("/charges", json={"cents": 1})
    assert (refused.status_code, refused.headers["Retry-After"], refused.json()) == (429, "2", {"later": 2})
    assert shop.statuses(1, "GET", "/charges") == shop.statuses(1, "POST", "/orders/7") == [200]
    heal()
    assert shop.statuses(1, "POST", "/charges") == [200]
    assert len(shop.seen.requests) == 3


def test_fail_first_lets_a_client_through_that_tries_again(shop: Shop):
    """Each key by itself; and each path where there is no key."""
    heal = shop.put(FailFirst(shop.name, first=2))
    assert shop.statuses(4, "POST", "/charges", **{"Idempotency-Key": "a"}) == [503, 503, 200, 200]
    assert shop.statuses(3, "POST", "/charges", **{"Idempotency-Key": "b"}) == [503, 503, 200]
    assert shop.statuses(3, "GET", "/orders/7") == shop.statuses(3, "GET", "/orders/8") == [503, 503, 200]
    heal()
    assert shop.statuses(2, "POST", "/charges", **{"Idempotency-Key": "c"}) == [200, 200]


def test_fail_ratio_fails_the_same_requests_for_the_same_seed(shop: Shop):
    """A share of those on one connection; another seed fails others."""
    got = []
    for seed in (1, 1, 2):
        heal = shop.put(FailRatio(shop.name, ratio=0.4, seed=seed, code=500))
        got.append(shop.statuses(50))
        heal()
    assert got[0] == got[1] != got[2]
    assert 10 <= got[0].count(500) <= 30
    assert shop.statuses(20) == [200] * 20


def test_http_delay_holds_requests_back(shop: Shop):
    """By its time and of its path only; until it is healed."""
    heal = shop.put(HttpDelay(shop.name, delay_ms=300, path="/slow"))
    assert _seconds(lambda: shop.statuses(1, path="/slow/{}")) >= 0.3
    assert _seconds(lambda: shop.statuses(1, path="/fast")) < 0.3
    heal()
    assert _seconds(lambda: shop.statuses(1, path="/slow")) < 0.3


def test_http_hang_ends_by_the_clients_timeout_or_its_heal(shop: Shop):
    """What a client gave up never reaches the service; what it waits for does, when the fault is healed."""
    heal = shop.put(HttpHang(shop.name, method="POST"))
    with pytest.raises(httpx.ReadTimeout):
        shop.client.post("/charges", timeout=0.3)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.extend(shop.statuses(1, "POST", "/orders")), daemon=True)
    waiting.start()
    waiting.join(0.3)
    assert (answers, shop.seen.requests) == ([], [])
    heal()
    waiting.join(5)
    assert answers == [200]
    assert [one.split()[1] for one in shop.seen.requests] == [b"/orders"]


def test_wrong_content_type_lies_about_the_body(shop: Shop):
    """Which is what it was."""
    heal = shop.put(WrongContentType(shop.name))
    lied = shop.client.get("/")
    assert (lied.headers["Content-Type"], lied.content) == ("text/html", b"ok")
    heal()
    assert shop.client.get("/").headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("end", "error"), [("RST", httpx.ReadError), ("FIN", httpx.RemoteProtocolError)])
def test_cut_body_breaks_the_answer_off(long_shop: Shop, end: str, error: type[Exception]):
    """By a reset or by an end that comes too soon; until it is healed."""
    heal = long_shop.put(CutBody(long_shop.name, after_bytes=400, end=end))
    with pytest.raises(error):
        long_shop.client.get("/")
    heal()
    assert len(long_shop.client.get("/").content) == 1000


def test_slow_body_trickles_until_it_is_healed(long_shop: Shop):
    """A timeout between two pieces does not end it; the rest of an answer comes at once when it is healed."""
    heal = long_shop.put(SlowBody(long_shop.name, bytes_per_s=2000))
    assert _seconds(lambda: long_shop.client.get("/", timeout=0.3)) >= 0.4
    heal()
    heal = long_shop.put(SlowBody(long_shop.name, bytes_per_s=50))
    with long_shop.client.stream("GET", "/") as answer:
        heal()
        assert _seconds(lambda: len(answer.read())) < 2


def test_duplicate_request_delivers_twice_and_answers_once(shop: Shop):
    """A client that makes no Idempotency-Key has two orders."""
    heal = shop.put(DuplicateRequest(shop.name, method="POST"))
    assert shop.statuses(1, "POST", "/orders") == [200]
    until(lambda: len(shop.seen.requests) == 2)
    assert shop.seen.requests[0] == shop.seen.requests[1]
    assert shop.statuses(1, "GET", "/orders") == [200]
    heal()
    assert shop.statuses(1, "POST", "/orders") == [200]
    assert len(shop.seen.requests) == 4


def test_two_faults_on_one_link_each_heal_their_own(shop: Shop):
    """As windows overlap: the one that answers wins, the other goes on when it is gone."""
    slow = shop.put(HttpDelay(shop.name, delay_ms=200))
    down = shop.put(HttpStatus(shop.name, code=500))
    assert shop.statuses(1) == [500]
    down()
    assert _seconds(lambda: shop.statuses(1)) >= 0.2
    down()  # any number of times
    slow()
    assert _seconds(lambda: shop.statuses(1)) < 0.2


def _seconds(ask) -> float:
    began = time.monotonic()
    ask()
    return time.monotonic() - began

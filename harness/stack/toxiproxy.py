"""Speaks to one toxiproxy-server: every call has a deadline, every answer is looked at, every change is read back.

toxiproxy-python knows the API but neither; it is used here and nowhere else, with its own HTTP calls sent through a
session of ours (one connection that is kept, so that a fault goes in within milliseconds of its time).
Facts about the server: field notes on Toxiproxy 2.12.0, and its source.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from toxiproxy import Toxiproxy as Server
from toxiproxy.api import APIConsumer
from toxiproxy.proxy import Proxy

from harness.errors import ToxiproxyError

DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class Toxic:
    """A toxic as the server keeps it. Its name is unique on its proxy."""

    name: str
    kind: str
    stream: str
    toxicity: float = 1.0
    attributes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy as the server keeps it; two are equal when nothing about them differs."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    toxics: tuple[Toxic, ...] = ()


class ToxiproxyClient:
    """One server, by the address of its API. Safe between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy for the internet has no business on the loopback
        self._lock = threading.RLock()

    def version(self) -> str:
        """The server's version. Raises ToxiproxyError when it does not answer."""
        return str(self._call("GET", "/version").json()["version"])

    def answers(self) -> bool:
        """Whether it does; a connection does not say so: Docker takes them before what is in the container listens."""
        try:
            self.version()
        except ToxiproxyError:
            return False
        return True

    def proxies(self) -> dict[str, ProxyState]:
        """All proxies with their toxics, as they are now."""
        return {name: _state(body) for name, body in sorted(self._call("GET", "/proxies").json().items())}

    def proxy(self, name: str) -> ProxyState:
        return _state(self._call("GET", f"/proxies/{name}").json())

    def create(self, name: str, listen: str, upstream: str) -> ProxyState:
        """Make a proxy. Raises ToxiproxyError when its port is taken."""
        with _Lent(self._call, self._host, self._port):
            Server().create(upstream=upstream, name=name, listen=listen, enabled=True)
        return self.proxy(name)

    def delete(self, proxy: str) -> None:
        """Take a proxy away; one that is not there is no error."""
        self._call("DELETE", f"/proxies/{proxy}", allowed=(404,))

    def add(self, proxy: str, toxic: Toxic) -> None:
        """Put a toxic in, and read back that it is in."""
        with _Lent(self._call, self._host, self._port):
            Proxy(name=proxy, upstream="", enabled=True, listen="").add_toxic(
                name=toxic.name,
                type=toxic.kind,
                stream=toxic.stream,
                toxicity=toxic.toxicity,
                attributes=dict(toxic.attributes),
            )
        if toxic.name not in {one.name for one in self.proxy(proxy).toxics}:
            raise ToxiproxyError(f"Toxiproxy took the toxic {toxic.name} on {proxy} but does not show it")

    def remove(self, proxy: str, toxic: str) -> None:
        """Take a toxic out; one that is not there is no error. Reads back that it is out."""
        self._call("DELETE", f"/proxies/{proxy}/toxics/{toxic}", allowed=(404,))
        if toxic in {one.name for one in self.proxy(proxy).toxics}:
            raise ToxiproxyError(f"Toxiproxy still shows the toxic {toxic} on {proxy} after it was removed")

    def enable(self, proxy: str, enabled: bool) -> None:
        """Open or close a proxy (closing ends its connections), and read back that it did."""
        with _Lent(self._call, self._host, self._port):
            handle = Proxy(name=proxy, upstream="", enabled=not enabled, listen="")
            if enabled:
                handle.enable()
            else:
                handle.disable()
        if self.proxy(proxy).enabled is not enabled:
            raise ToxiproxyError(f"Toxiproxy shows {proxy} as {'disabled' if enabled else 'enabled'} after the change")

    def closed_bytes(self) -> dict[str, tuple[int, int]]:
        """Bytes (from clients, to clients) of connections that have ended, by proxy; it counts them only then.

        Needs the server's -proxy-metrics; without it there is nothing to read.
        """
        totals: dict[str, tuple[int, int]] = {}
        for line in self._call("GET", "/metrics", allowed=(404,)).text.splitlines():
            name = line.partition('proxy="')[2].partition('"')[0]
            received, sent = totals.get(name, (0, 0))
            if line.startswith('toxiproxy_proxy_received_bytes_total{direction="upstream"'):
                totals[name] = (round(float(line.rsplit(" ", 1)[1])), sent)
            elif line.startswith('toxiproxy_proxy_sent_bytes_total{direction="downstream"'):
                totals[name] = (received, round(float(line.rsplit(" ", 1)[1])))
        return totals

    def _call(self, method: str, path: str, *, allowed: tuple[int, ...] = (), **body: Any) -> requests.Response:
        try:
            with self._lock:
                answer = self._session.request(method, self.url + path, timeout=DEADLINE_S, **body)
        except requests.RequestException as error:
            raise ToxiproxyError(
                f"Toxiproxy at {self.url} did not answer {method} {path} within {DEADLINE_S:g} s: "
                f"{type(error).__name__}; is it running? `harness stack status` tells"
            ) from error
        if not answer.ok and answer.status_code not in allowed:
            raise ToxiproxyError(f"Toxiproxy refused {method} {path}: {answer.status_code} {answer.text.strip()}")
        return answer


_LIBRARY = threading.RLock()
"""The library keeps its server and its calls in class attributes, so one call borrows them at a time."""


class _Lent:
    """Lends the library our address, session and deadline for one call."""

    def __init__(self, call: Callable[..., requests.Response], host: str, port: int) -> None:
        self._call, self._host, self._port = call, host, port

    def __enter__(self) -> None:
        _LIBRARY.acquire()
        call = self._call
        APIConsumer.host, APIConsumer.port = self._host, self._port
        APIConsumer.get = staticmethod(lambda url, params=None, **body: call("GET", url, params=params, **body))
        APIConsumer.post = staticmethod(lambda url, data=None, json=None, **body: call("POST", url, json=json, **body))
        APIConsumer.delete = staticmethod(lambda url, **body: call("DELETE", url, **body))

    def __exit__(self, *_: object) -> None:
        _LIBRARY.release()


def _state(body: Mapping[str, Any]) -> ProxyState:
    toxics = tuple(
        Toxic(t["name"], t["type"], t["stream"], float(t["toxicity"]), dict(t["attributes"])) for t in body["toxics"]
    )
    return ProxyState(
        body["name"], body["listen"], body["upstream"], bool(body["enabled"]), tuple(sorted(toxics, key=_by_name))
    )


def _by_name(toxic: Toxic) -> str:
    return toxic.name

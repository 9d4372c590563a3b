"""Which hosts a service's settings mention: URLs, `name:port`, `host=... port=...`, and variables that hold a host.

Text only. Whether a host is a service of the project, and which port it has, is for edges.py to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

DEFAULT_PORTS: Mapping[str, int] = {
    "amqp": 5672, "amqps": 5671, "cassandra": 9042, "clickhouse": 9000, "elasticsearch": 9200, "etcd": 2379,
    "ftp": 21, "http": 80, "https": 443, "kafka": 9092, "ldap": 389, "ldaps": 636, "mariadb": 3306, "memcache": 11211,
    "memcached": 11211, "mongo": 27017, "mongodb": 27017, "mqtt": 1883, "mqtts": 8883, "mssql": 1433, "mysql": 3306,
    "nats": 4222, "neo4j": 7687, "bolt": 7687, "pg": 5432, "postgis": 5432, "postgres": 5432, "postgresql": 5432,
    "rabbitmq": 5672, "redis": 6379, "rediss": 6379, "smtp": 25, "smtps": 465, "sqlserver": 1433, "valkey": 6379,
    "ws": 80, "wss": 443, "zookeeper": 2181,
}  # fmt: skip
"""The port of a scheme, which is also that of a variable's first word (REDIS_HOST)."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A host that a setting mentions.

    `port` is the one that stands there, `default` the one that the scheme or the variable's name suggests; None where
    nothing says it. `form` says what makes it a host: `url`, `host` (a variable or an option for one), `pair`
    (`name:port`, if the name is known), `companion` (a port stands beside it, if the service has that port).
    `source` is a phrase for people: `environment DATABASE_URL`, `command`.
    """

    host: str
    port: int | None
    default: int | None
    form: str
    source: str
    udp: bool = False


_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_SCHEME = r"[A-Za-z][A-Za-z0-9+._-]*"
_URL = re.compile(rf"(?P<scheme>{_SCHEME})://(?P<authority>(?:(?!,{_SCHEME}://)[^\s/?#'\"<>;])*)")
_SHELL = re.compile(rf"/dev/(?P<protocol>tcp|udp)/(?P<host>{_HOST})/(?P<port>\d{{1,5}})")
_PAIR = re.compile(rf"(?<![\w./%$-])(?P<host>{_HOST}):(?P<port>\d{{2,5}})(?![\w.@-])")
_NAMED = re.compile(
    r"(?:host|hostaddr|hostname|server|data source|addr|address|endpoint)\s*=\s*['\"]?(?:tcp:|udp:)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?![\w:])",
    re.IGNORECASE,
)
_NAMED_PORT = re.compile(r"\bport\s*=\s*['\"]?(\d{2,5})(?!\d)", re.IGNORECASE)
_HOLDS_A_HOST = re.compile(
    r"(HOST|HOSTS|HOSTNAME|HOSTNAMES|SERVER|SERVERS|ADDR|ADDRS|ADDRESS|ADDRESSES|URL|URLS|URI|URIS|ENDPOINT|ENDPOINTS|"
    r"BROKER|BROKERS|NODES|SEEDS|PEERS|UPSTREAM|UPSTREAMS|BACKEND|BACKENDS|GATEWAY|PROXY)$"
)
_SUFFIX = re.compile(r"_?(HOSTNAME|HOST|SERVER|ADDRESS|ADDR|URL|URI|ENDPOINT|SERVICE)S?$")
_NOT_DIALLED = re.compile(r"(^|_)(IMAGE|TAG|VERSION|NO_PROXY|ALLOWED|TRUSTED|VIRTUAL|CORS|ORIGINS?)(_|$)")
_HOST_FLAG = re.compile(r"^(-h|-H|--?(?P<stem>[\w-]*?)-?(host|hostname|server|addr|address))$")
_PORT_FLAG = re.compile(r"^(-p|-P|--?(?P<stem>[\w-]*?)-?port)$")
_SPLIT = re.compile(r"[\s'\";|&()<>]+")


def in_environment(environment: Mapping[str, str], whose: str = "") -> Iterator[Mention]:
    """What the variables mention, in order. Variables that list images, or who may call, are not read."""
    for key, value in environment.items():
        if _NOT_DIALLED.search(key.upper()):
            continue
        source = f"environment {key}{whose}"
        yield from _in_text(value, source)
        hosts = [host for host in re.split(r"[\s,;]+", value.strip()) if host]
        if not hosts or not all(re.fullmatch(_HOST, host) for host in hosts):
            continue
        companions: list[int | None] = [*_companions(key, environment)]
        form = "host" if _HOLDS_A_HOST.search(key.upper()) else "companion"
        for port in companions or ([None] if form == "host" else []):
            for host in hosts:
                yield Mention(host, port, _suggested(key), form, source)


def in_command(words: tuple[str, ...], whose: str = "") -> Iterator[Mention]:
    """What the words of entrypoint and command mention, those of a shell's script too."""
    source = f"command{whose}"
    for word in words:
        yield from _in_text(word, source)
    parts = [part for word in words for part in _SPLIT.split(word) if part]
    flags = [(_PORT_FLAG.match(flag), value) for flag, value in pairwise(parts)]
    ports = {match["stem"] or "": int(value) for match, value in flags if match and re.fullmatch(r"\d{2,5}", value)}
    for flag, value in pairwise(parts):
        match = _HOST_FLAG.match(flag)
        if match and re.fullmatch(_HOST, value):
            stem = match["stem"] or ""
            yield Mention(value, ports.get(stem), _suggested(stem), "host", source)
        elif re.fullmatch(_HOST, flag) and re.fullmatch(r"\d{2,5}", value):
            yield Mention(flag, int(value), None, "companion", source)  # nc -z db 5432


def _in_text(text: str, source: str) -> Iterator[Mention]:
    """URLs first: what is left of the text cannot mistake a password for a port."""
    for match in _URL.finditer(text):
        yield from _in_url(match["scheme"].lower().split("+")[0], match["scheme"].lower(), match["authority"], source)
    rest = _URL.sub(" ", text)
    port = _NAMED_PORT.search(rest)
    for match in _NAMED.finditer(rest):
        hosts = match["hosts"].split(",")
        numbers = [int(one) for one in hosts if one.isdecimal()] or ([int(port[1])] if port else [])
        for host in hosts:
            if not host.isdecimal():
                yield Mention(host, numbers[0] if numbers else None, None, "host", source)
    for match in _SHELL.finditer(rest):
        yield Mention(match["host"], int(match["port"]), None, "url", source, match["protocol"] == "udp")
    for match in _PAIR.finditer(rest):
        if int(match["port"]) < 65536:
            yield Mention(match["host"], int(match["port"]), None, "pair", source)


def _in_url(base: str, scheme: str, authority: str, source: str) -> Iterator[Mention]:
    if base in ("file", "unix", "sqlite", "data") or scheme in ("http+unix", "mongodb+srv"):
        return
    for one in authority.rpartition("@")[2].split(","):
        host, _, port = one.partition(":")
        if re.fullmatch(_HOST, host) and re.fullmatch(r"\d{0,5}", port):
            yield Mention(host, int(port) if port else None, DEFAULT_PORTS.get(base), "url", source, base == "udp")


def _companions(key: str, environment: Mapping[str, str]) -> list[int]:
    """The ports in the variables that go with one that holds a host: DB_PORT with DB_HOST, PGPORT with PGHOST, or
    several, as API_PORT_GRPC and API_PORT_HTTP.
    """
    ports = {name.upper(): int(value) for name, value in environment.items() if re.fullmatch(r" *\d{2,5} *", value)}
    stem = _SUFFIX.sub("", key.upper())
    if not stem:  # HOST and PORT are the service's own
        return []
    for name in (f"{stem}_PORT", f"{stem}PORT", f"{key.upper()}_PORT"):
        if name in ports:
            return [ports[name]]
    return [port for name, port in ports.items() if name.startswith(f"{stem}_PORT_")]


def _suggested(name: str) -> int | None:
    """The port that a variable's or a flag's name suggests: REDIS_HOST, PGHOST, --mysql-host."""
    for word in re.split(r"[_-]", _SUFFIX.sub("", name.upper())):
        if word.lower() in DEFAULT_PORTS and word.lower() not in ("http", "https"):
            return DEFAULT_PORTS[word.lower()]
    return None

"""JSON values, narrowed to what they must be: where Compose's output becomes types. Errors name the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import ComposeFileError


class Where:
    """A place in the resolved project, for messages: `services.web.ports`."""

    __slots__ = ("keys",)

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def at(self, key: str) -> Where:
        """The place one key deeper."""
        return Where(*self.keys, key)

    @property
    def last(self) -> str:
        """The innermost key."""
        return self.keys[-1]

    def __str__(self) -> str:
        return ".".join(self.keys)


def mapping(where: Where, value: object) -> Mapping[str, object]:
    """A mapping; nothing is an empty one. Raises ComposeFileError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ComposeFileError(f"{where} must be a mapping; `docker compose config` gave {value!r}")
    return {str(key): one for key, one in value.items()}


def sequence(where: Where, value: object) -> Sequence[object]:
    """A list; nothing is an empty one. Raises ComposeFileError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ComposeFileError(f"{where} must be a list; `docker compose config` gave {value!r}")
    return value


def text(value: object) -> str:
    """A scalar as the text that the container sees; nothing is the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number(where: Where, value: object) -> int:
    """A whole number, also when it is written as text. Raises ComposeFileError for anything else."""
    try:
        return int(text(value))
    except ValueError as error:
        raise ComposeFileError(f"{where} must be a whole number; `docker compose config` gave {value!r}") from error


def undollar(value: str) -> str:
    """Compose prints a dollar sign as two."""
    return value.replace("$$", "$")


def ports(where: Where, service: Mapping[str, object]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The container's TCP and UDP ports that `ports` and `expose` of a service name, each sorted."""
    found: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    for one in sequence(where.at("ports"), service.get("ports")):
        port = mapping(where.at("ports"), one)
        protocol = text(port.get("protocol")) or "tcp"
        found.setdefault(protocol, set()).add(number(where.at("ports.target"), port.get("target")))
    for one in sequence(where.at("expose"), service.get("expose")):
        span, _, protocol = text(one).partition("/")
        low, _, high = span.partition("-")
        first = number(where.at("expose"), low)
        found.setdefault(protocol or "tcp", set()).update(range(first, number(where.at("expose"), high or low) + 1))
    return tuple(sorted(found["tcp"])), tuple(sorted(found["udp"]))


def published(where: Where, service: Mapping[str, object]) -> tuple[int, ...]:
    """The container's TCP ports that a service publishes, in the order of the file."""
    found = []
    for one in sequence(where.at("ports"), service.get("ports")):
        port = mapping(where.at("ports"), one)
        if (text(port.get("protocol")) or "tcp") == "tcp":
            found.append(number(where.at("ports.target"), port.get("target")))
    return tuple(dict.fromkeys(found))

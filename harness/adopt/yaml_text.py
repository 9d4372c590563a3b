"""Writes a document as the YAML of a Compose file: stable order, Compose's own tags, `$` as `$$`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

Node: TypeAlias = "str | int | bool | Tagged | Sequence[Node] | Mapping[str, Node] | None"
"""What a document is made of. Mappings keep the order in which they were made."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A list or mapping that Compose puts in the place of the user's (`!override`) instead of merging it."""

    value: Sequence[Node] | Mapping[str, Node]
    tag: str = "!override"


def dump(document: Mapping[str, Node], header: Sequence[str] = ()) -> str:
    """The document as text, after a comment of the header's lines. Every `$` is doubled: Compose reads it as one."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=True)
    return f"{comment}\n{body}" if comment else body


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _tagged(dumper: yaml.SafeDumper, one: Tagged) -> yaml.Node:
    if isinstance(one.value, Mapping):
        return _mapping(dumper, one.value, one.tag)
    return dumper.represent_sequence(one.tag, one.value)


def _text(dumper: yaml.SafeDumper, one: str) -> yaml.Node:
    style = "|" if "\n" in one else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", one.replace("$", "$$"), style=style)


def _mapping(dumper: yaml.SafeDumper, one: Mapping[str, object], tag: str = "tag:yaml.org,2002:map") -> yaml.Node:
    """Compose does not interpolate keys, so a dollar sign in one stays as it is."""
    node = dumper.represent_mapping(tag, one)
    for (key, _), name in zip(node.value, one, strict=True):
        key.value = name
    return node


_Dumper.add_representer(Tagged, _tagged)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)

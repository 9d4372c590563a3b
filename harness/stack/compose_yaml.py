"""YAML as Compose reads it: its own tags (`!override`, `!reset`) as what they stand before, and a date as its text."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (as PyYAML has it)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _untagged(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


_Loader.add_multi_constructor("!", _untagged)


def load(text: str) -> Any:
    """The document. Raises YAMLError, or ValueError for a number that is none."""
    return yaml.load(text, Loader=_Loader)

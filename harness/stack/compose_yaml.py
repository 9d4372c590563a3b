"""YAML as Compose reads it: its own tags (`!override`, `!reset`) as what they stand before, and a date as its text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.errors import ComposeFileError


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


def read(path: Path) -> dict[str, Any]:
    """A Compose file. Raises ComposeFileError where it is none."""
    try:
        document = load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ComposeFileError(f"{path} does not exist; name the Compose file of the project") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ComposeFileError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ComposeFileError(f"{path}{line} is not YAML: {getattr(error, 'problem', error)}") from error
    except ValueError as error:
        raise ComposeFileError(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("services"), dict):
        raise ComposeFileError(f"{path} is no Compose file: it has no mapping `services`")
    return document

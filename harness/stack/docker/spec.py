"""A project that the Docker stack runs, from the files that Compose resolves: its services, and what x-harness adds.

x-harness stands in the Compose file itself (then its links name the ports of a Toxiproxy of the project's own), or in
the override that `harness adopt` wrote beside it (then its links name services and ports, and `mode` says how Toxiproxy
is put between them; the rest of that file is made anew for each run). Links of the second kind in the first place are
words to `harness adopt`, which writes the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ComposeFileError
from harness.masking import shown
from harness.stack import compose_yaml
from harness.stack.compose_disks import bounded_volumes, disks_of
from harness.stack.compose_links import read_links, read_ports, read_process_ports
from harness.stack.compose_variables import variables_in
from harness.stack.docker import compose
from harness.stack.docker.compose import ComposeFiles
from harness.stack.own import with_webhook
from harness.stack.spec import ServiceSpec, StackSpec


def _document(path: Path) -> Mapping[str, Any]:
    """One file as it is written; empty where it is not to be read as YAML (Compose says why)."""
    try:
        document = compose_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


def _extension_of(path: Path) -> Mapping[str, Any]:
    """The x-harness of one file; empty where it has none."""
    found = _document(path).get("x-harness")
    return found if isinstance(found, dict) else {}


def described_by(paths: Iterable[Path]) -> Path | None:
    """The first of the files whose x-harness says what is to be broken; what only helps `harness adopt` does not."""
    return next((path for path in paths if _describes(_extension_of(path))), None)


def _describes(extension: Mapping[str, Any]) -> bool:
    """A link with a `port` needs to be led through a Toxiproxy that only adopting brings."""
    links = extension.get("links")
    bodies = links.values() if isinstance(links, dict) else ()
    told = any(isinstance(body, dict) and "port" in body for body in bodies)
    return bool(extension) and ("mode" in extension or not told)


def read_spec(paths: Sequence[Path], variables: Mapping[str, str] | None = None) -> StackSpec:
    """The stack that these files describe. Raises ComposeFileError when no x-harness says what is to be broken."""
    given = os.environ if variables is None else variables
    adopted = [path for path in paths if "mode" in _extension_of(path)]
    own = [path for path in paths if path not in adopted]
    if not own:
        raise ComposeFileError(f"{paths[0]} only adds to a Compose file; give that too, before it")
    resolved = compose.resolve(ComposeFiles(tuple(own), given))
    extension = dict(_extension_of(adopted[-1]) if adopted else resolved.get("x-harness") or {})
    if not _describes(extension):
        names = " ".join(str(path) for path in own)
        what = "only tells links to `harness adopt` in its x-harness" if extension else "has no x-harness"
        raise ComposeFileError(
            f"{names} {what}, so nothing says where the load goes and what is to be broken; "
            f"let it be found: harness adopt {names}"
        )
    where = adopted[-1] if adopted else own[0]
    bounded = bounded_volumes(resolved.get("volumes") or {})
    jobs = {name for body in resolved["services"].values() for name in _awaited(body)}
    ports = read_process_ports(where, extension)
    services = {
        name: _service(name, body, bounded, name in jobs, ports.get(name, 0))
        for name, body in resolved["services"].items()
    }
    mode = str(extension.get("mode", ""))
    links, entry_service, entry_port = read_links(where, extension, services, by_networks=bool(mode))
    toxiproxy, alerts = str(extension.get("toxiproxy", "toxiproxy")), str(extension.get("alerts") or "")
    return StackSpec(
        path=own[0],
        name=resolved["name"],
        services=services,
        links=links,
        toxiproxy=toxiproxy,
        entry_service=entry_service,
        entry_port=entry_port,
        files=tuple(own),
        mode=mode,
        ports=read_ports(where, extension),
        alerts=alerts,
        given=with_webhook(given, alerts, toxiproxy),
        variables=shown(
            {k: v for path in own for k, v in variables_in(_document(path), given).items()},
            compose.environments(resolved),
        ),
    )


def _awaited(body: Mapping[str, Any]) -> list[str]:
    """The services that must be done before this one starts."""
    needed = body.get("depends_on") or {}
    how = needed.items() if isinstance(needed, dict) else ()
    return [name for name, one in how if (one or {}).get("condition") == "service_completed_successfully"]


def _service(name: str, body: Mapping[str, Any], bounded: Mapping[str, int], is_job: bool, port: int) -> ServiceSpec:
    return ServiceSpec(
        name,
        str(body.get("image", "")),
        depends_on=tuple(body.get("depends_on") or ()),
        port=port,
        disks=disks_of(body, bounded),
        is_job=is_job,
    )

"""The harness's own containers in a copy of a project: the tap and the outpost, in the network namespace of Toxiproxy.

There the tap listens where Toxiproxy did, at the same addresses and under the same names, whatever network a client
comes by; and both reach every service that Toxiproxy reaches. Their image is tools_image.py's.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.adopt.yaml_text import Node
from harness.errors import StartError
from harness.stack.docker.project_copy import ProjectCopy, Say
from harness.stack.docker.tools_image import base_image, tools_image
from harness.stack.own import CONTROL_PORT, OUTPOST, TAP, WEBHOOK_PORT
from harness.stack.spec import StackSpec


def inside(spec: StackSpec) -> dict[str, int]:
    """Those that the stack needs, each with the port at which it is met in Toxiproxy's namespace."""
    needed = {OUTPOST: WEBHOOK_PORT} if spec.has_outpost else {}
    return {TAP: CONTROL_PORT, **needed} if spec.tapped else needed


def with_image(spec: StackSpec, copy: ProjectCopy, say: Say) -> StackSpec:
    """The stack that can be started: its tools' image is here, built where it was not.

    Where it cannot be built, taps that are there by themselves are done without, and that is told. Raises StartError
    where the project asks for one, or something else needs the tools.
    """
    if not inside(spec):
        return spec
    try:
        image = tools_image()
        if not copy.engine.has_image(image.name):
            say("  building the image of the harness's own tools, once (half a minute) ...")
            copy.build_own(image.files)
    except StartError as error:
        bare = spec.without_taps
        asked = [link.name for link in spec.tapped if link.tap_asked]
        if copy.cancelled():
            raise
        if asked or bare.has_outpost:
            what = f"the tap of {', '.join(asked)}" if asked else "what hears alerts and reads accounts"
            raise StartError(f"{what} needs an image that cannot be built here: {error}") from error
        say(
            "  no taps, so nothing will be known of retries and breakers: their image cannot be built, which takes the "
            f"image {base_image()} and a package index, once ({_first(error)})"
        )
        return bare
    return spec


def _first(error: StartError) -> str:
    """What went wrong, on one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[1] if len(lines) > 1 else lines[0]


def tools(spec: StackSpec, labels: Mapping[str, str]) -> dict[str, Node]:
    """Their services, as the override has them."""
    commands = {TAP: ["harness.tap", "--control"], OUTPOST: ["harness.outpost", "--listen"]}
    return {
        name: {
            "image": tools_image().name,
            "pull_policy": "never",
            "command": ["python", "-m", *commands[name], f"0.0.0.0:{port}"],
            "network_mode": f"service:{spec.toxiproxy}",
            "depends_on": {spec.toxiproxy: {"condition": "service_started"}},
            "labels": dict(labels),
        }
        for name, port in inside(spec).items()
    }

"""Docker for tests: where there is none a test is skipped with the reason, or fails if HARNESS_REQUIRE_DOCKER=1."""

from __future__ import annotations

import functools
import os
import subprocess

import pytest

REQUIRED = "HARNESS_REQUIRE_DOCKER"


def docker(*arguments: str, within_s: float = 120) -> subprocess.CompletedProcess[str]:
    """A docker command, whatever its exit code. Its output is text."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=within_s)


def python_image() -> str:
    """The image of test services: anything that has python3."""
    return os.environ.get("PYTHON_IMAGE") or "python:3.11-slim"


def toxiproxy_image() -> str:
    """The image of Toxiproxy."""
    return os.environ.get("TOXIPROXY_IMAGE") or "ghcr.io/shopify/toxiproxy:2.12.0"


def require_docker(*images: str) -> None:
    """Skip the test, with the reason, unless a daemon and Compose answer and the images are here or can be pulled."""
    why = _missing() or next((why for image in images if (why := _without(image))), "")
    if not why:
        return
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, but {why}", pytrace=False)
    pytest.skip(why)


@functools.cache
def _missing() -> str:
    try:
        daemon = docker("version", "--format", "{{.Server.Version}}", within_s=20)
        compose = docker("compose", "version", "--short", within_s=20)
    except FileNotFoundError:
        return "there is no `docker` command here"
    except subprocess.TimeoutExpired:
        return "the Docker daemon does not answer"
    if daemon.returncode:
        return f"no Docker daemon answers: {daemon.stderr.strip()}"
    return "`docker compose` is not installed" if compose.returncode else ""


@functools.cache
def _without(image: str) -> str:
    if docker("image", "inspect", image).returncode == 0:
        return ""
    try:
        pulled = docker("pull", "--quiet", image)
    except subprocess.TimeoutExpired:
        return f"the image {image} is not here and was not pulled within two minutes"
    return f"the image {image} is not here and cannot be pulled" if pulled.returncode else ""

"""Serves an application the same way in every service: one worker, no access log, errors in one line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from target.settings import Settings, read_settings


async def called_off(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End a service's own tasks, and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def serve(make: Callable[[Settings], FastAPI]) -> None:
    """Read the settings, make the application, serve it until a signal."""
    try:
        settings = read_settings()
    except ValueError as error:
        sys.exit(f"cannot start: {error}")
    uvicorn.run(
        make(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )

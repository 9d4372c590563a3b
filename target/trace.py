"""The trace of one call: all of its attempts bear it, so that whoever follows them sees that they are one."""

from __future__ import annotations

import uuid


def new_trace() -> str:
    return uuid.uuid4().hex


def traceparent(trace: str) -> dict[str, str]:
    """The header (W3C Trace Context) of one attempt of it."""
    return {"traceparent": f"00-{trace}-{uuid.uuid4().hex[:16]}-01"}

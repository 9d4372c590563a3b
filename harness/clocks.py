"""How far the monotonic clock of another process is ahead of ours: not at all, unless it runs on another kernel."""

from __future__ import annotations


def ahead_ns(asked_ns: int, read_ns: int, answered_ns: int) -> int:
    """From what it read between two readings of ours. Ours reads between them however long the answer took."""
    return 0 if asked_ns <= read_ns <= answered_ns else read_ns - (asked_ns + answered_ns) // 2

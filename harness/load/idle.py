"""Users that wait hold no connection: a server has room for only so many, and those are for who asks."""

from __future__ import annotations

from typing import Any


def hang_up(user: Any) -> None:
    """Close what Locust's own clients keep open after on_start; they dial again when they need to.

    A pool that a locustfile shares between users, and a client of its own, are left alone.
    """
    if hasattr(user, "client_pool"):  # FastHttpUser
        if type(user).client_pool is None:
            user.client.client.clientpool.close()
    elif hasattr(user, "pool_manager") and user.pool_manager is None:  # HttpUser
        user.client.close()

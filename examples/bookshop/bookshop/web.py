"""The shop that customers see."""

from __future__ import annotations

import os
from typing import Any

from bookshop.http import Answer, Late, Unavailable, get, serve

CATALOG = os.environ["CATALOG_URL"]
PRICES = os.environ["PRICES_URL"]
REVIEWS = os.environ["REVIEWS_URL"]
CATALOG_TIMEOUT_S = 2.0
PRICES_TIMEOUT_S = int(os.environ.get("PRICES_TIMEOUT_MS", "300")) / 1000


def prices() -> dict[str, int]:
    """Price in cents by book; empty when nobody can say."""
    try:
        return get(PRICES, "/prices", PRICES_TIMEOUT_S)
    except Unavailable:
        return {}


def books() -> Answer:
    listed = catalog("/books")
    known = prices()
    return 200, [{**book, "price_cents": known.get(book["id"])} for book in listed]


def book(number: str) -> Answer:
    return 200, {**find(number), "price_cents": prices().get(number)}


def reviews(number: str) -> Answer:
    return 200, {**find(number), "reviews": get(REVIEWS, f"/reviews/{number}")}


def find(number: str) -> dict[str, Any]:
    return catalog(f"/books/{number}")


def catalog(path: str) -> Any:
    """What the catalog answers; it is asked once more, unless it was late."""
    try:
        return get(CATALOG, path, CATALOG_TIMEOUT_S)
    except Late:
        raise
    except Unavailable:
        return get(CATALOG, path, CATALOG_TIMEOUT_S)


if __name__ == "__main__":
    serve(8080, ("/books", books), (r"/books/(\d+)", book), (r"/books/(\d+)/reviews", reviews))

"""A reader looks along the shelves, takes a book down, and asks what others thought of it."""

import random

from locust import HttpUser, between, task

BOOKS = 50


class Reader(HttpUser):
    host = "http://localhost:8080"
    wait_time = between(0.5, 2)

    @task(3)
    def shelves(self) -> None:
        self.client.get("/books")

    @task(5)
    def book(self) -> None:
        self.client.get(f"/books/{random.randint(1, BOOKS)}", name="/books/{id}")

    @task(2)
    def reviews(self) -> None:
        self.client.get(f"/books/{random.randint(1, BOOKS)}/reviews", name="/books/{id}/reviews")

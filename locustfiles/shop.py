"""A visitor of the shop: looks around, looks after an order, sometimes buys. An ordinary locustfile."""

import random

from locust import FastHttpUser, between, task

PRODUCTS = 20
ORDERS = 2_000


class Visitor(FastHttpUser):
    wait_time = between(0.5, 1.5)  # a person's; an open load has its own clock
    connection_timeout = 10.0  # a person's patience
    network_timeout = 10.0

    @task(5)
    def catalogue(self) -> None:
        self.client.get("/catalogue")

    @task(3)
    def order(self) -> None:
        self.client.get(f"/orders/{random.randint(1, ORDERS)}", name="/orders/{id}")

    @task(2)
    def checkout(self) -> None:
        basket = {"product_id": random.randint(1, PRODUCTS), "quantity": 1, "customer": "a visitor"}
        self.client.post("/checkout", json=basket)

"""A visitor of the shop: looks around, looks after an order, sometimes buys. An ordinary locustfile."""

import random
import uuid

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
        key = f"load-{uuid.uuid4()}"  # which the shop keeps with the order: what became of it can be asked for later
        self.client.post("/checkout", json=basket, headers={"Idempotency-Key": key})

"""People who write notes, read them again, and leaf through the newest."""

import random
import uuid

from locust import HttpUser, between, task


class Writer(HttpUser):
    host = "http://localhost:8888"
    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        self.client.auth = (f"writer-{uuid.uuid4()}", "secret")
        self.notes: list[str] = []
        self.write()

    @task(2)
    def write(self) -> None:
        note = {"data": {"title": "To remember", "text": "milk, bread, " * random.randint(1, 20)}}
        response = self.client.post(self.path(), json=note, name="POST records")
        if response.status_code == 201:
            self.notes.append(response.json()["data"]["id"])

    @task(5)
    def read(self) -> None:
        if self.notes:
            self.client.get(self.path(random.choice(self.notes)), name="GET records/{id}")

    @task(3)
    def leaf(self) -> None:
        self.client.get(self.path() + "?_limit=10&_sort=-last_modified", name="GET records")

    @staticmethod
    def path(*parts: str) -> str:
        return "/".join(("/v1/buckets/default/collections/notes/records", *parts))

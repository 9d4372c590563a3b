"""The load process. Only here is locust imported, and only as `python -m harness.load`."""

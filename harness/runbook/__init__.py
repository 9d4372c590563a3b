"""Runbooks: Markdown that an engineer reads at night, and that the harness executes."""

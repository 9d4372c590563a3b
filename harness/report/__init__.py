"""Turns a run folder into what people and programs read."""

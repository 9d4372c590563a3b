"""Adopting a stranger's stack: its links are found, and an override file leads each of them through Toxiproxy. Pure."""

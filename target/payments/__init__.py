"""Stands for an external provider that charges cards. It is not the shop's code, and does not fail by itself."""

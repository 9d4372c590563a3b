"""The charts of a report, one look for all (look.py). Only here is matplotlib imported."""

"""The outpost: a small process beside the stack that hears its alerts, and asks its services for the harness.

On Docker it lives in the stack's own network, where the harness is not. It stands on the standard library alone.
"""

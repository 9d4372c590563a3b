"""The reference target: a small shop, a stack like any other. It knows nothing of the harness."""

"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from harness.cli import files, matrix, runs, stacks, strangers, sweeps
from harness.cli.app import app, stack_app

__all__ = ["app", "files", "matrix", "runs", "stack_app", "stacks", "strangers", "sweeps"]

"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from harness.cli import drill_records, files, matrix, runs, stacks, strangers, sweeps
from harness.cli.app import app, drill_app, stack_app

__all__ = ["app", "drill_app", "drill_records", "files", "matrix", "runs", "stack_app", "stacks", "strangers", "sweeps"]

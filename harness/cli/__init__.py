"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from harness.cli import files, matrix, runbooks, runs, stack_hands, stacks, strangers, sweeps
from harness.cli.app import app, backup_app, drill_app, runbook_app, stack_app

__all__ = ["app", "backup_app", "drill_app", "files", "matrix", "runbook_app", "runbooks", "runs"]
__all__ += ["stack_app", "stack_hands", "stacks", "strangers", "sweeps"]

"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from harness.cli import backup_mutants, backups, files, matrix, runs, stacks, strangers, sweeps
from harness.cli.app import app, backup_app, drill_app, runbook_app, stack_app

__all__ = [
    "app",
    "backup_app",
    "backup_mutants",
    "backups",
    "drill_app",
    "files",
    "matrix",
    "runbook_app",
    "runs",
    "stack_app",
    "stacks",
    "strangers",
    "sweeps",
]

"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from harness.cli import (
    backup_mutants,
    backups,
    drill_records,
    drills,
    files,
    matrix,
    runbooks,
    runs,
    stack_hands,
    stacks,
    strangers,
    sweeps,
)
from harness.cli.app import app, backup_app, drill_app, runbook_app, stack_app

__all__ = ["app", "backup_app", "backup_mutants", "backups", "drill_app", "drill_records", "drills", "files", "matrix"]
__all__ += ["runbook_app", "runbooks", "runs", "stack_app", "stack_hands", "stacks", "strangers", "sweeps"]

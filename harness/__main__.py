"""The command `harness`, and `python -m harness`: runs the command line and turns its end into an exit code."""

from __future__ import annotations

import contextlib
import os
import sys

from harness.cli import app
from harness.cli.app import err
from harness.errors import HarnessError


def main() -> None:
    """The console script: an error that is meant for a user is printed as it is."""
    code = 0
    try:
        app()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(bool(done.code))
    except HarnessError as error:
        err.print(f"harness: {error}", markup=False, soft_wrap=True)
        code = error.exit_code
    except BrokenPipeError:
        code = 1  # whoever read our output has gone
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # all is closed and on disk; taking the interpreter apart would take half a second more


if __name__ == "__main__":
    main()

"""The matrix: each weakness of a target against the scenarios that should see it, and calm runs without any.

spec.py is the user's file, read first; plan.py makes runs of it, record.py keeps what came of them, table.py tells what
was caught. All of these are pure, but for digest.py, which reads files. run.py runs what is not there yet.
"""

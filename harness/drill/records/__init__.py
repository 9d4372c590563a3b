"""The records of drills: a chain of signed files in which failed and aborted drills stay.

READ FIRST: chain.py appends and reads, proving.py names the first place that is wrong;
docs/hand-the-record-to-an-auditor.md says what that proves and what it does not.
"""

"""The kill rate of the verifier of backups: good backups of many shapes, every mutant of them, and who saw what."""

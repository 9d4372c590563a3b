"""Backups of the shop's database: made on a schedule, with all of its WAL in between, and restored by hand."""

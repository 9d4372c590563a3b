"""Pulls invoices from the feed into PostgreSQL: whole batches or none, each row once, none lost without a trace."""

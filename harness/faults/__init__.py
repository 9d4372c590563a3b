"""One fault a file; noop first."""

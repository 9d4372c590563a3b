"""One family of checks a file. Each looks at a history and nothing else, and says pass, fail or unknown."""

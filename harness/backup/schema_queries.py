QUERIES: dict[str, str] = {}

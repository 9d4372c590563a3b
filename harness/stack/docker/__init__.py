"""The Docker stack: Compose starts it, the Docker SDK watches and breaks its containers."""

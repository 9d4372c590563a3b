"""The bookshop: one package, one image, a module for each service."""

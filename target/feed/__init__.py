"""Stands for an external provider of invoices, a batch a day. It does not fail by itself."""

"""Stands for an external carrier that quotes what a parcel costs. It does not fail by itself."""

"""The system under test: what it is made of, how it runs, how it is put back."""

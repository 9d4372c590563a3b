"""Bad data, made of good: mutations of JSON and CSV bodies. Pure and seeded; each names the rows and fields it touched.

`mutation.mutate` does it. reading.py makes a body a table (json_table.py, csv_table.py), whose untouched rows stay as
they came, byte for byte; cells.py, columns.py, rows.py and files.py are the families of mutations.
"""

"""Monthly totals per customer, and what is wrong with them. A part of the etl's process, judged after each pull."""

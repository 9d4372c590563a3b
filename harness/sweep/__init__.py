"""A sweep: one load, and every link and service of a stack broken in turn; what became of it, as a matrix.

record.py is what a sweep leaves behind, read first; matrix.py makes the matrix of it, sentences.py says it in words and
scenario_file.py turns what was found into scenarios to keep. All of these are pure. run.py alone acts on the world.
"""

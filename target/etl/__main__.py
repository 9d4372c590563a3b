"""`python -m target.etl`"""

from target.etl.app import make
from target.serve import serve

if __name__ == "__main__":
    serve(make)

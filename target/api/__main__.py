"""`python -m target.api`"""

from target.api.app import make
from target.serve import serve

if __name__ == "__main__":
    serve(make)

"""`python -m target.shipping`"""

from target.serve import serve
from target.shipping.app import make

if __name__ == "__main__":
    serve(make)

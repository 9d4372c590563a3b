"""`python -m target.payments`"""

from target.payments.app import make
from target.serve import serve

if __name__ == "__main__":
    serve(make)

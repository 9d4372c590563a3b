"""`python -m target.feed`"""

from target.feed.app import make
from target.serve import serve

if __name__ == "__main__":
    serve(make)

"""Is somebody listening here? `python -m bookshop.healthy PORT`"""

import socket
import sys

if __name__ == "__main__":
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1).close()

"""What books cost, in cents."""

from bookshop.http import Answer, serve

PRICES = {str(number): 800 + 100 * (number % 7) for number in range(1, 51)}


def prices() -> Answer:
    return 200, PRICES


if __name__ == "__main__":
    serve(8000, ("/prices", prices))

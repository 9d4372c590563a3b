"""What readers say."""

import random

from bookshop.http import Answer, serve

READERS = ("Ada", "Björn", "Chidi", "Dolores", "Emre", "Fumiko")
WORDS = ("could not put it down", "fell asleep", "a second read is worth it", "better than the film")


def reviews(number: str) -> Answer:
    chance = random.Random(int(number))
    readers = chance.sample(READERS, chance.randint(1, 4))
    return 200, [{"reader": reader, "stars": chance.randint(1, 5), "text": chance.choice(WORDS)} for reader in readers]


if __name__ == "__main__":
    serve(8000, (r"/reviews/(\d+)", reviews))

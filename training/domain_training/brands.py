"""Write data/brands.tsv: shops, banks, hotels, restaurants and other brands of the world in Latin letters.

From the name-suggestion-index of OpenStreetMap (npm package `name-suggestion-index`, BSD-3-Clause):

    npm pack name-suggestion-index@8.0.20260918 && tar xzf name-suggestion-index-*.tgz
    python3 training/bootstrap.py domain_training.brands package
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

import wordfreq

from domain_training.paths import ROOT

SHORTEST = 5
WORLD = "001"
#: A brand known in so many regions is looked for inside names too, one of fewer is a name on its own only.
REGIONS = 4
#: Zipf value from which a name is as much a word: "arabica", "bonjour".
COMMON = 2.0


def letters(name: str) -> str | None:
    """The name in a-z and 0-9, accents off; None when it is written in another script."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", name) if not unicodedata.combining(sign)).lower()
    plain = plain.replace("\u2019", "'")
    return re.sub(r"[^a-z0-9]", "", plain) if plain.isascii() else None


def brands(folder: Path) -> dict[str, bool]:
    """Each brand and whether the wider world knows it by a name that is no word."""
    index = json.loads((folder / "dist" / "json" / "nsi.min.json").read_text())["nsi"]
    regions: dict[str, set[str]] = defaultdict(set)
    for path, category in index.items():
        if not path.startswith("brands/"):
            continue
        for item in category["items"]:
            name = letters(item["displayName"])
            if name and len(name) >= SHORTEST:
                regions[name].update(map(str, item.get("locationSet", {}).get("include", [])))
    return {
        name: (WORLD in found or len(found) >= REGIONS) and wordfreq.zipf_frequency(name, "en") < COMMON
        for name, found in sorted(regions.items())
    }


def main() -> None:
    """Read the package's folder named on the command line."""
    lines = [f"{name}\t{'world' if world else 'region'}" for name, world in brands(Path(sys.argv[1])).items()]
    (ROOT / "data" / "brands.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""The ranker learns what raters like, and says so for descriptions it has not seen."""

import csv
from pathlib import Path

import numpy as np
import pytest

from domain_training.ranker import cross_validate, fit, read_ratings, top_value


@pytest.fixture
def ratings_file(tmp_path: Path) -> Path:
    """Forty descriptions of ten names; a name is good where `signal` is high, and `noise` says nothing."""
    rng = np.random.default_rng(3)
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["description", "name", "rating", "signal", "noise"])
        for description in range(40):
            for name in range(10):
                signal, noise = rng.normal(size=2)
                rating = "good" if signal > 0.8 else "acceptable" if signal > 0 else "bad"
                writer.writerow([f"d{description}", f"n{name}", rating, signal, noise])
    return path


def test_weights_follow_what_matters(ratings_file: Path) -> None:
    ratings = read_ratings(ratings_file)
    weights, _ = fit(ratings.inputs, ratings.targets)
    signal, noise = weights
    assert signal > 1
    assert abs(noise) < 0.3


def test_held_out_order_beats_chance(ratings_file: Path) -> None:
    ratings = read_ratings(ratings_file)
    chance = top_value(np.random.default_rng(1).random(len(ratings.values)), ratings)
    best = top_value(ratings.values, ratings)
    assert chance < 0.45
    assert best - top_value(cross_validate(ratings), ratings) < 0.02


def test_an_unknown_rating_is_refused(ratings_file: Path) -> None:
    ratings_file.write_text(ratings_file.read_text().replace("acceptable", "meh", 1))
    with pytest.raises(KeyError, match="meh"):
        read_ratings(ratings_file)

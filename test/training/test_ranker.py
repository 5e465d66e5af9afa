"""The ranker learns what raters like, and says so for descriptions it has not seen."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from domain_training.ranker import (
    LINE_COLUMNS,
    calibration_error,
    confidences,
    cross_validate,
    first_names,
    fit,
    fit_confidence,
    read_ratings,
    top_value,
    write_ranker,
)


@pytest.fixture
def ratings_file(tmp_path: Path) -> Path:
    """Forty descriptions of ten names; a name is good where `signal` is high, and `noise` says nothing."""
    rng = np.random.default_rng(3)
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["description", "name", "rating", "signal", "noise", "written", "composed"])
        for description in range(40):
            for name in range(10):
                signal, noise = rng.normal(size=2)
                rating = "good" if signal > 0.8 else "acceptable" if signal > 0 else "bad"
                writer.writerow([f"d{description}", f"n{name}", rating, signal, noise, 1, 0])
    return path


def test_weights_follow_what_matters(ratings_file: Path) -> None:
    ratings = read_ratings(ratings_file, "v2")
    weights, _ = fit(ratings.inputs, ratings.targets)
    signal, noise, *_ = weights
    assert signal > 1
    assert abs(noise) < 0.3


def test_held_out_order_beats_chance(ratings_file: Path) -> None:
    ratings = read_ratings(ratings_file, "v2")
    chance = top_value(np.random.default_rng(1).random(len(ratings.values)), ratings)
    best = top_value(ratings.values, ratings)
    assert chance < 0.45
    assert best - top_value(cross_validate(ratings)[0], ratings) < 0.02


def test_confidence_means_the_share_of_good_names(ratings_file: Path) -> None:
    ratings = read_ratings(ratings_file, "v2")
    held_out, _ = cross_validate(ratings)
    first = first_names(held_out, ratings)
    assert len(first) == 5 * 40
    half = ratings.groups[first] < 20
    slope, bias = fit_confidence(first[half], held_out, ratings)
    assert slope[0] > 0
    others = first[~half]
    good = ratings.values[others] == 1
    chances = confidences(held_out[others], slope, bias)
    as_value = 1 / (1 + np.exp(-held_out[others]))
    assert abs(chances.mean() - good.mean()) < 0.08
    assert calibration_error(chances, good) < calibration_error(as_value, good)


def test_the_calibration_error_is_the_gap_of_each_bin_by_its_share() -> None:
    chances = np.array([0.25, 0.25, 0.75, 0.75])
    assert calibration_error(chances, np.array([False, False, True, False])) == pytest.approx(0.25)


def test_what_the_generator_says_is_learnt_where_it_was_asked(ratings_file: Path) -> None:
    """`signal` is all but taken from the inputs and put into the lines of half of the descriptions."""
    with ratings_file.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with ratings_file.open("w", newline="") as file:
        writer = csv.DictWriter(
            file, ["description", "name", "rating", "noise", "written", "composed", "generator", *LINE_COLUMNS]
        )
        writer.writeheader()
        for row in rows:
            signal = row.pop("signal")
            asked = int(row["description"][1:]) % 2 == 0
            row["noise"] = str(float(row["noise"]) + 0.4 * float(signal))
            said = {"generator": "v2", "lineAdvantage": signal, "lineTokens": 4} if asked else {}
            writer.writerow({**row, **said})
    ratings = read_ratings(ratings_file, "v2")
    assert ratings.columns == ["noise", "written", "composed"]
    assert ratings.was_asked.sum() == 200
    first, weighed = cross_validate(ratings)
    asked = ratings.only(ratings.was_asked)
    assert top_value(weighed[ratings.was_asked], asked) > top_value(first[ratings.was_asked], asked) + 0.15
    assert not read_ratings(ratings_file, "v1").was_asked.any()
    write_ranker(ratings, ratings_file.parent)
    written = json.loads((ratings_file.parent / "ranker.json").read_text())
    assert written["weighed"]["weights"]["lineAdvantage"] > 1


def test_a_version_whose_generator_was_never_asked_has_one_ranker(ratings_file: Path) -> None:
    write_ranker(read_ratings(ratings_file, "v2"), ratings_file.parent)
    assert "weighed" not in json.loads((ratings_file.parent / "ranker.json").read_text())


def test_an_unknown_rating_is_refused(ratings_file: Path) -> None:
    ratings_file.write_text(ratings_file.read_text().replace("acceptable", "meh", 1))
    with pytest.raises(KeyError, match="meh"):
        read_ratings(ratings_file, "v2")

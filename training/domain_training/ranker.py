"""Fit the ranker: a logistic regression from a name's features to whether a rater calls it good.

Reads data/name_ratings.csv: description, name, rating (good, acceptable or bad) and the inputs as rank.ts computes
them. Run with `python3 training/bootstrap.py domain_training.ranker VERSION`; writes models/VERSION/ranker.json and
prints how well it orders names of descriptions that it was not fitted on.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain_training.paths import DATA, MODELS

Floats = NDArray[np.float64]

#: What a rating counts for: the chance that another rater would call the name good.
TARGETS = {"good": 0.9, "acceptable": 0.4, "bad": 0.03}
RIDGE = 3.0
NEWTON_STEPS = 60
FOLDS = 8
TOP = 5
RATINGS = DATA / "name_ratings.csv"
META_COLUMNS = ("description", "name", "rating")


@dataclass(frozen=True)
class Ratings:
    """Inputs (names x inputs), targets 0 to 1, the value of each rating, and which description a name belongs to."""

    columns: list[str]
    inputs: Floats
    targets: Floats
    values: Floats
    groups: NDArray[np.int64]


def read_ratings(path: Path) -> Ratings:
    """Rows of the ratings file.

    Raises:
        KeyError: a rating is none of good, acceptable, bad.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [column for column in rows[0] if column not in META_COLUMNS]
    numbers = {description: index for index, description in enumerate(dict.fromkeys(r["description"] for r in rows))}
    worth = {"good": 1.0, "acceptable": 0.5, "bad": 0.0}
    return Ratings(
        columns=columns,
        inputs=np.array([[float(row[column]) for column in columns] for row in rows]),
        targets=np.array([TARGETS[row["rating"]] for row in rows]),
        values=np.array([worth[row["rating"]] for row in rows]),
        groups=np.array([numbers[row["description"]] for row in rows]),
    )


def fit(inputs: Floats, targets: Floats) -> tuple[Floats, float]:
    """Weights and bias of a ridge logistic regression, by Newton's method (IRLS) on standardized inputs."""
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
    design = np.hstack([(inputs - mean) / scale, np.ones((len(inputs), 1))])
    ridge = RIDGE * np.diag([*np.ones(inputs.shape[1]), 0.0])
    solution = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-design @ solution))
        gradient = design.T @ (chance - targets) + ridge @ solution
        hessian = (design.T * (chance * (1 - chance))) @ design + ridge
        solution -= np.linalg.solve(hessian, gradient)
    weights = solution[:-1] / scale
    return weights, float(solution[-1] - weights @ mean)


def top_value(scores: Floats, ratings: Ratings) -> float:
    """Mean value (good 1, acceptable 0.5, bad 0) of the five names that come first, over descriptions."""
    means = []
    for group in np.unique(ratings.groups):
        members = np.flatnonzero(ratings.groups == group)
        best = members[np.argsort(-scores[members])[:TOP]]
        means.append(ratings.values[best].mean())
    return float(np.mean(means))


def cross_validate(ratings: Ratings) -> Floats:
    """Log-odds of each name from a fit on the other folds' descriptions."""
    groups = np.random.default_rng(0).permutation(np.unique(ratings.groups))
    scores = np.zeros(len(ratings.targets))
    for fold in np.array_split(groups, FOLDS):
        held_out = np.isin(ratings.groups, fold)
        weights, bias = fit(ratings.inputs[~held_out], ratings.targets[~held_out])
        scores[held_out] = ratings.inputs[held_out] @ weights + bias
    return scores


def write_ranker(ratings: Ratings, folder: Path) -> None:
    """Fit on all ratings and write ranker.json into a version's folder."""
    weights, bias = fit(ratings.inputs, ratings.targets)
    artifact = {
        "weights": {name: round(float(w), 4) for name, w in zip(ratings.columns, weights, strict=True)},
        "bias": round(bias, 4),
    }
    (folder / "ranker.json").write_text(json.dumps(artifact, indent=2) + "\n")


def main() -> None:
    version = sys.argv[1] if len(sys.argv) > 1 else "v1"
    ratings = read_ratings(RATINGS)
    write_ranker(ratings, MODELS / version)
    print_report(ratings, cross_validate(ratings))


def print_report(ratings: Ratings, held_out: Floats) -> None:
    """How well held-out log-odds order the names, beside the worst and the best that could be."""
    chance = 1 / (1 + np.exp(-held_out))
    random_order = np.random.default_rng(1).random(len(ratings.values))
    good = np.mean(ratings.values == 1)
    print(f"{len(ratings.values)} names, {len(np.unique(ratings.groups))} descriptions; good {good:.1%}")
    print(f"value of the first five, held out: {top_value(held_out, ratings):.3f}")
    print(f"  in random order: {top_value(random_order, ratings):.3f}")
    print(f"  in the best order: {top_value(ratings.values, ratings):.3f}")
    print(f"mean chance, held out: {chance.mean():.3f}; mean value: {ratings.values.mean():.3f}")


if __name__ == "__main__":
    main()

"""Fit the ranker: logistic regressions from a name's features to what it is worth to a rater.

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
from typing import Any

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
BINS = 10
RATINGS = DATA / "name_ratings.csv"
META_COLUMNS = ("description", "name", "rating", "generator", "lineLogProbability")
#: What the generator says of a name; empty where it was not asked. The length in tokens is known of each that it was.
LENGTH_COLUMN = "lineTokens"
LINE_COLUMNS = ("lineAdvantage", LENGTH_COLUMN, "lineVerdict")
#: From so many names of a version's own pipeline on it is fitted to those alone: others chose from other names.
ENOUGH = 4000


@dataclass(frozen=True)
class Ratings:
    """Inputs (names x inputs), targets 0 to 1, the value of each rating, and which description a name belongs to.

    `lines` (names x 3) is what the generator says of a name, NaN where it was not asked.
    """

    columns: list[str]
    inputs: Floats
    lines: Floats
    targets: Floats
    values: Floats
    groups: NDArray[np.int64]

    @property
    def was_asked(self) -> NDArray[np.bool_]:
        """Which names the generator was asked about."""
        asked: NDArray[np.bool_] = np.isfinite(self.lines.sum(axis=1))
        return asked

    def only(self, chosen: NDArray[np.bool_]) -> Ratings:
        """The chosen names alone."""
        return Ratings(
            self.columns,
            self.inputs[chosen],
            self.lines[chosen],
            self.targets[chosen],
            self.values[chosen],
            self.groups[chosen],
        )


def read_ratings(path: Path, generator: str) -> Ratings:
    """Rows of the ratings file; what another generator than this version's said counts as not asked.

    A name that several generators were asked about counts once, with what this version's said if it was one of them.

    Raises:
        KeyError: a rating is none of good, acceptable, bad.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    by_name = {(row["description"], row["name"]): row for row in rows}
    by_name.update({(row["description"], row["name"]): row for row in rows if row.get("generator") == generator})
    rows = list(by_name.values())
    columns = [column for column in rows[0] if column not in (*META_COLUMNS, *LINE_COLUMNS)]
    numbers = {description: index for index, description in enumerate(dict.fromkeys(r["description"] for r in rows))}

    ours = [row for row in rows if row.get("generator") == generator and row.get(LENGTH_COLUMN)]
    # What it was not asked of every name says nothing for or against any.
    told = [column for column in LINE_COLUMNS if all(row.get(column) for row in ours)]

    def said(row: dict[str, str]) -> list[float]:
        if row.get("generator") != generator or not row.get(LENGTH_COLUMN):
            return [np.nan for _ in LINE_COLUMNS]
        return [float(row[column]) if column in told else 0.0 for column in LINE_COLUMNS]

    worth = {"good": 1.0, "acceptable": 0.5, "bad": 0.0}
    return Ratings(
        columns=columns,
        inputs=np.array([[float(row[column]) for column in columns] for row in rows]),
        lines=np.array([said(row) for row in rows]),
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


@dataclass(frozen=True)
class Rankers:
    """Weights and bias over the inputs, and with the generator's opinion beside them, None where it was never asked."""

    first: tuple[Floats, float]
    weighed: tuple[Floats, float] | None


def fit_both(ratings: Ratings, chosen: NDArray[np.bool_]) -> Rankers:
    """Fit on the chosen names: the first ranker on those of descriptions for which the generator was asked, if they are
    enough, for they are what its pipeline proposes; the second on those that it was asked about."""
    asked = chosen & ratings.was_asked
    own = chosen & np.isin(ratings.groups, np.unique(ratings.groups[asked]))
    base = own if own.sum() >= ENOUGH else chosen
    first = fit(ratings.inputs[base], ratings.targets[base])
    if not asked.any():
        return Rankers(first, None)
    return Rankers(first, fit(np.hstack([ratings.inputs, ratings.lines])[asked], ratings.targets[asked]))


def cross_validate(ratings: Ratings) -> tuple[Floats, Floats]:
    """Log-odds of each name by both rankers, fitted on the other folds' descriptions; NaN where there is no line."""
    groups = np.random.default_rng(0).permutation(np.unique(ratings.groups))
    first, weighed = np.zeros(len(ratings.targets)), np.full(len(ratings.targets), np.nan)
    for fold in np.array_split(groups, FOLDS):
        held_out = np.isin(ratings.groups, fold)
        rankers = fit_both(ratings, ~held_out)
        first[held_out] = ratings.inputs[held_out] @ rankers.first[0] + rankers.first[1]
        if rankers.weighed:
            inputs = np.hstack([ratings.inputs[held_out], ratings.lines[held_out]])
            weighed[held_out] = inputs @ rankers.weighed[0] + rankers.weighed[1]
    return first, weighed


def first_names(scores: Floats, ratings: Ratings) -> NDArray[np.int64]:
    """Indices of each description's first five names by score: those that would be answered with."""
    first = [
        members[np.argsort(-scores[members])[:TOP]]
        for members in (np.flatnonzero(ratings.groups == group) for group in np.unique(ratings.groups))
    ]
    return np.concatenate(first)


def top_value(scores: Floats, ratings: Ratings) -> float:
    """Mean value (good 1, acceptable 0.5, bad 0) of the five names that come first, over all descriptions."""
    return float(ratings.values[first_names(scores, ratings)].mean())


def fit_confidence(first: NDArray[np.int64], held_out: Floats, ratings: Ratings) -> tuple[Floats, float]:
    """Slope (one number) and bias from log-odds of value to log-odds that a rater calls the name good.

    Fitted on held-out log-odds of the names that would be answered with (J. Platt, "Probabilistic Outputs for Support
    Vector Machines", 1999): the first of many look better than they are.

    Args:
        first: indices of those names.
    """
    return fit(held_out[first, None], (ratings.values[first] == 1).astype(np.float64))


def confidences(log_odds: Floats, slope: Floats, bias: float) -> Floats:
    """Chances, 0 to 1, that a rater calls a name good."""
    chances: Floats = 1 / (1 + np.exp(-(slope[0] * log_odds + bias)))
    return chances


def calibration_error(chances: Floats, good: NDArray[np.bool_]) -> float:
    """Expected calibration error, 0 to 1, over ten bins of equal width (Guo et al., ICML 2017)."""
    bins = np.minimum(BINS - 1, (chances * BINS).astype(int))
    inside = [bins == number for number in range(BINS) if np.any(bins == number)]
    return float(sum(one.mean() * abs(chances[one].mean() - good[one].mean()) for one in inside))


def regression(columns: list[str], fitted: tuple[Floats, float], held_out: Floats, ratings: Ratings) -> dict[str, Any]:
    """What the service reads of a ranker: weights by name, bias, and how its log-odds become a confidence.

    Raises:
        ValueError: the higher the log-odds, the fewer names are good; a ranker that is worse than chance.
    """
    weights, bias = fitted
    slope, confidence_bias = fit_confidence(first_names(held_out, ratings), held_out, ratings)
    if slope[0] <= 0:
        raise ValueError("held-out log-odds do not rise with the share of good names: too few ratings, or wrong ones")
    return {
        "weights": {name: round(float(weight), 4) for name, weight in zip(columns, weights, strict=True)},
        "bias": round(bias, 4),
        "confidence": {"slope": round(float(slope[0]), 4), "bias": round(confidence_bias, 4)},
    }


def write_ranker(ratings: Ratings, folder: Path) -> tuple[Floats, Floats]:
    """Fit on all ratings and write ranker.json into a version's folder; returns what `cross_validate` does."""
    rankers = fit_both(ratings, np.ones(len(ratings.targets), dtype=bool))
    first, weighed = cross_validate(ratings)
    artifact = regression(ratings.columns, rankers.first, first, ratings)
    if rankers.weighed:
        asked = ratings.was_asked
        columns = [*ratings.columns, *LINE_COLUMNS]
        artifact["weighed"] = regression(columns, rankers.weighed, weighed[asked], ratings.only(asked))
    (folder / "ranker.json").write_text(json.dumps(artifact, indent=2) + "\n")
    return first, weighed


def main() -> None:
    version = sys.argv[1] if len(sys.argv) > 1 else "v1"
    ratings = read_ratings(RATINGS, version)
    first, weighed = write_ranker(ratings, MODELS / version)
    print_report("without the generator's opinion", first, ratings)
    asked = ratings.was_asked
    if asked.any():
        print_report("the same of names it was asked about", first[asked], ratings.only(asked))
        print_report("with the generator's opinion", weighed[asked], ratings.only(asked))


def print_report(title: str, held_out: Floats, ratings: Ratings) -> None:
    """How well held-out log-odds order the names, beside the worst and the best that could be."""
    random_order = np.random.default_rng(1).random(len(ratings.values))
    good = ratings.values == 1
    print(f"{title}: {len(good)} names, {len(np.unique(ratings.groups))} descriptions; good {good.mean():.1%}")
    print(f"  value of the first five, held out: {top_value(held_out, ratings):.3f}")
    print(f"    in random order: {top_value(random_order, ratings):.3f}")
    print(f"    in the best order: {top_value(ratings.values, ratings):.3f}")
    first = first_names(held_out, ratings)
    fitted = np.isin(ratings.groups[first], np.unique(ratings.groups)[::2])
    others = first[~fitted]
    chances = confidences(held_out[others], *fit_confidence(first[fitted], held_out, ratings))
    print(f"  confidence of first names, fitted on half of the descriptions: {chances.mean():.3f} on average")
    print(f"    good {good[others].mean():.3f}, calibration error {calibration_error(chances, good[others]):.3f}")


if __name__ == "__main__":
    main()

"""Plot what metrics.jsonl holds."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Rows of metrics.jsonl in the order they were logged."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def plot_curves(metrics: Path, out: Path) -> None:
    """Loss and learning rate over steps, one PNG."""
    rows = read_metrics(metrics)
    figure, (loss, rate) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for key, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(row["step"], row[key]) for row in rows if key in row]
        if points:
            loss.plot(*zip(*points, strict=True), label=label, marker="o" if key == "eval_loss" else None)
    loss.set(xlabel="step", ylabel="loss (nats a token)", title="Loss")
    loss.legend()
    points = [(row["step"], row["learning_rate"]) for row in rows if "learning_rate" in row]
    if points:
        rate.plot(*zip(*points, strict=True))
    rate.set(xlabel="step", ylabel="learning rate", title="Learning rate")
    figure.savefig(out, dpi=120)
    plt.close(figure)

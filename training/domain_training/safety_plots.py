"""Draw data/reports/safety.json: the confusion matrix and the precision-recall curve, as SVG beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

#: Nothing of the machine or the moment goes into a committed file.
mpl.rcParams["svg.hashsalt"] = "domain.yours"
METADATA = {"Date": None, "Creator": None}


def draw_confusion(figures: dict[str, Any], axes: Axes) -> None:
    """Counts of refused and answered rows, harmful and lawful."""
    counts = [
        [figures["truePositives"], figures["falseNegatives"]],
        [figures["falsePositives"], figures["trueNegatives"]],
    ]
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks([0, 1], ["refused", "answered"])
    axes.set_yticks([0, 1], ["harmful", "lawful"])
    axes.set_title(f"F1 {figures['f1']:.3f}, F2 {figures['f2']:.3f}")
    highest = max(max(row) for row in counts)
    for y, row in enumerate(counts):
        for x, count in enumerate(row):
            axes.text(x, y, str(count), ha="center", va="center", color="white" if count > highest / 2 else "black")


def plot_confusion(report: dict[str, Any], out: Path) -> None:
    """The confusion matrix of the whole test set."""
    figure, axes = plt.subplots(figsize=(4.4, 3.6), layout="constrained")
    draw_confusion(report["all"], axes)
    figure.savefig(out, metadata=METADATA)
    plt.close(figure)


def plot_curve(report: dict[str, Any], out: Path) -> None:
    """Precision over recall, with the point that is served."""
    figures = report["all"]
    figure, axes = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
    axes.plot([point[2] for point in report["curve"]], [point[1] for point in report["curve"]])
    axes.plot(figures["recall"], figures["precision"], "o", label=f"threshold {report['threshold']:.2f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0.5, 1.01), title="Precision and recall")
    axes.legend(loc="lower left")
    figure.savefig(out, metadata=METADATA)
    plt.close(figure)


def main() -> None:
    """Plot the report named on the command line."""
    path = Path(sys.argv[1])
    report = json.loads(path.read_text())
    plot_confusion(report, path.with_name("safety-confusion.svg"))
    plot_curve(report, path.with_name("safety-curve.svg"))


if __name__ == "__main__":
    main()

"""Draw what `npm run tune` has found: a study of trials, and losses by number of taught rows, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from domain_training.safety_plots import METADATA

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A trial: its loss (nats a token) by rows seen, and what it is among the others."""

    number: int
    points: Points
    completed: bool
    best: bool
    own: bool


def style(line: Line) -> dict[str, Any]:
    """How matplotlib draws the trial: best bold, the recipe's own marked, those cut short faint."""
    drawn: dict[str, Any] = {"color": "tab:gray", "linewidth": 1.0, "alpha": 0.8 if line.completed else 0.25}
    if line.own:
        drawn |= {"color": "tab:orange", "marker": "s", "alpha": 1.0, "label": f"the recipe's own ({line.number})"}
    if line.best:
        drawn |= {"color": "tab:blue", "linewidth": 3.0, "alpha": 1.0, "zorder": 3}
        drawn["label"] = f"best, the recipe's own ({line.number})" if line.own else f"best ({line.number})"
    return drawn


def draw_trials(lines: list[Line], axes: Axes) -> None:
    """The loss of every trial over the rows it has seen; one that blew up may leave the frame."""
    for line in lines:
        if line.points:
            axes.plot(*zip(*line.points, strict=True), **{"marker": ".", **style(line)})
    if completed := [loss for line in lines if line.completed for _, loss in line.points]:
        margin = 0.05 * (max(completed) - min(completed)) + 0.001
        axes.set_ylim(min(completed) - margin, max(completed) + margin)
    axes.set(xlabel="rows seen", ylabel="held-out loss (nats a token)", title="Trials, those cut short faint")
    if any(line.best or line.own for line in lines):
        axes.legend()


def draw_importances(importances: dict[str, float], axes: Axes) -> None:
    """A bar a value, the most important on top; a line of text where there is too little to tell."""
    axes.set_title("Importance (PED-ANOVA)")
    if not importances:
        axes.text(0.5, 0.5, "too few trials", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    ascending = sorted(importances.items(), key=lambda item: item[1])
    bars = axes.barh([name for name, _ in ascending], [share for _, share in ascending])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(xlabel="share", xlim=(0, 1.2 * max(importances.values())))


def plot_study(lines: list[Line], importances: dict[str, float], out: Path) -> None:
    """The trials and how much each value matters, one SVG."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    trials, importance = figure.subplots(1, 2, width_ratios=[3, 2])
    draw_trials(lines, trials)
    draw_importances(importances, importance)
    figure.savefig(out, metadata=METADATA)


def gains(points: Points) -> list[float]:
    """What twice the rows changed in the loss between each two sizes, in nats a token; below 0 is better."""
    return [(after - before) / math.log2(more / fewer) for (fewer, before), (more, after) in pairwise(points)]


def counts_axis(axes: Axes, counts: list[float]) -> None:
    """A log axis that is marked at the counts themselves."""
    axes.set_xscale("log")
    axes.set_xticks(counts)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def draw_rows(points: Points, axes: Axes) -> None:
    """The loss over the number of taught rows, with what a doubling bought between each two."""
    axes.plot(*zip(*points, strict=True), marker="o")
    for ((fewer, before), (more, after)), gain in zip(pairwise(points), gains(points), strict=True):
        middle = (math.sqrt(fewer * more), (before + after) / 2)
        axes.annotate(f"{gain:+.3f} a doubling", middle, (6, 6), textcoords="offset points", fontsize=8)
    counts_axis(axes, [rows for rows, _ in points])
    axes.margins(x=0.15)
    axes.set(xlabel="taught rows, seen once", ylabel="held-out loss (nats a token)", title="What more rows teach")


def draw_remembered(points: Points, axes: Axes) -> None:
    """Fitting names of five over the number of remembered businesses."""
    axes.plot(*zip(*points, strict=True), marker="o")
    counts_axis(axes, [businesses for businesses, _ in points])
    axes.set(xlabel="remembered businesses", ylabel="fitting names of five, mean", title="What more memory brings")


def plot_rows(points: Points, remembered: Points, out: Path) -> None:
    """The loss by taught rows and, where it has been measured, fitting names by remembered businesses, one SVG."""
    panels = 2 if remembered else 1
    figure = Figure(figsize=(5.5 * panels, 4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    draw_rows(points, axes[0])
    if remembered:
        draw_remembered(remembered, axes[1])
    figure.savefig(out, metadata=METADATA)

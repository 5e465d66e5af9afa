"""Draw a version's evaluation: images as SVG and PNG, and one HTML report that needs nothing beside it.

Run with `python3 training/bootstrap.py domain_training.eval_report FOLDER VERSION...`, as `npm run eval` does; reads
VERSION-eval.json and VERSION-edge-cases.csv there. Of several versions each is compared with the one before it.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain_training.safety_plots import METADATA, draw_confusion

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parent
PNG_DPI = 110
#: What the change from one version to the next is shown of: a title, and where it stands in the report.
CHANGES: list[tuple[str, list[str]]] = [
    ("quality", ["judged", "quality"]),
    ("real words", ["names", "realWordsShare"]),
    ("distinct names", ["names", "distinctShare"]),
    ("constraints obeyed", ["names", "constraintsObeyedShare"]),
    ("safety F1", ["safety", "all", "f1"]),
]

Report = dict[str, Any]


def draw_categories(report: Report, axes: Axes) -> None:
    """How many names the judge put into each category."""
    counts = report["judged"]["categories"]
    bars = axes.barh(list(counts), list(counts.values()), color="#3b6ea5")
    axes.bar_label(bars, padding=2)
    axes.invert_yaxis()
    axes.set(title="Names by category", xlabel="names")


def draw_fields(report: Report, axes: Axes) -> None:
    """Mean quality of the names of each field of business, best first."""
    fields = sorted(report["judged"]["byField"].items(), key=lambda item: -item[1]["quality"])
    axes.barh([name or "other" for name, _ in fields], [group["quality"] for _, group in fields], color="#3b6ea5")
    axes.axvline(report["judged"]["quality"], color="black", linewidth=0.8, linestyle="--")
    axes.invert_yaxis()
    axes.set(title="Quality by field", xlabel="quality, 0 to 1", xlim=(0, 1))


def draw_calibration(report: Report, axes: Axes) -> None:
    """Share of good names over the confidence that was given; on the diagonal confidence means what it says."""
    calibration = report["judged"]["calibration"]
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
    bins = calibration["bins"]
    sizes = [20 + 200 * one["names"] / report["judged"]["namesJudged"] for one in bins]
    axes.scatter([one["confidence"] for one in bins], [one["good"] for one in bins], s=sizes, color="#3b6ea5")
    title = f"Calibration, expected error {calibration['expectedCalibrationError']:.3f}"
    axes.set(title=title, xlabel="confidence", ylabel="share called good", xlim=(0, 1), ylim=(0, 1))


def value_at(report: Report, path: list[str]) -> float | None:
    """The number at a path of keys, None where there is none."""
    value: Any = report
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) else None


def changes(before: Report, after: Report) -> list[tuple[str, float, float]]:
    """Title, value before and value after of each figure that both reports have.

    A judge's figures count where all names were judged: those that two versions share are not like the others.
    """
    judged = [report.get("judged") or {} for report in (before, after)]
    is_judged = all(one and one["namesJudged"] == one["names"] for one in judged)
    pairs = [
        (title, value_at(before, path), value_at(after, path))
        for title, path in CHANGES
        if path[0] != "judged" or is_judged
    ]
    return [(title, a, b) for title, a, b in pairs if a is not None and b is not None]


def draw_change(before: Report, after: Report, axes: Axes) -> None:
    """Each figure of both versions, joined by a line."""
    rows = changes(before, after)
    for place, (_, old, new) in enumerate(rows):
        axes.plot([old, new], [place, place], color="grey", linewidth=1.5)
    places = range(len(rows))
    axes.scatter([old for _, old, _ in rows], places, color="#b0b0b0", label=before["version"], zorder=2)
    axes.scatter([new for _, _, new in rows], places, color="#3b6ea5", label=after["version"], zorder=3)
    axes.set_yticks(list(places), [title for title, _, _ in rows])
    axes.invert_yaxis()
    axes.set(title=f"{before['version']} to {after['version']}", xlim=(0, 1.02))
    axes.legend(loc="lower left")


def save(draw: Callable[[Axes], None], size: tuple[float, float], path: Path) -> Markup:
    """Draw into `path` with .svg and .png, and return the SVG for embedding."""
    figure: Figure
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    draw(axes)
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata=METADATA)
    figure.savefig(path.with_suffix(".png"), dpi=PNG_DPI, metadata={"Software": None})
    plt.close(figure)
    text = "\n".join(line.rstrip() for line in svg.getvalue().splitlines()) + "\n"
    path.with_suffix(".svg").write_text(text)
    return Markup(text[text.index("<svg") :])


def write_report(report: Report, before: Report | None, folder: Path) -> Path:
    """Write a version's images and its HTML report into `folder`; returns the path of the report."""
    version = report["version"]

    def image(name: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> Markup:
        return save(draw, size, folder / f"{version}-{name}")

    images = [image("confusion", (4.4, 3.6), lambda axes: draw_confusion(report["safety"]["all"], axes))]
    if report.get("judged"):
        images += [
            image("categories", (5.2, 3.0), lambda axes: draw_categories(report, axes)),
            image("calibration", (4.4, 3.6), lambda axes: draw_calibration(report, axes)),
            image("fields", (5.2, 6.4), lambda axes: draw_fields(report, axes)),
        ]
    if before:
        images.append(image("change", (6.0, 3.2), lambda axes: draw_change(before, report, axes)))
    with (folder / f"{version}-edge-cases.csv").open(newline="") as file:
        edge_cases = list(csv.DictReader(file))
    for row in edge_cases:
        row["suggestions"] = " ".join(json.loads(row["suggestions"]))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    html = environment.get_template("eval_report.html").render(
        report=report,
        before=before,
        changes=changes(before, report) if before else [],
        images=images,
        edge_cases=edge_cases,
    )
    path = folder / f"{version}-eval.html"
    path.write_text(html)
    return path


def main() -> None:
    """Write the reports of the versions named on the command line."""
    folder, *versions = sys.argv[1:]
    before = None
    for version in versions:
        report = json.loads((Path(folder) / f"{version}-eval.json").read_text())
        print(write_report(report, before, Path(folder)))
        before = report


if __name__ == "__main__":
    main()

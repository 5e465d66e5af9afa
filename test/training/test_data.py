"""Rows, hints and encoding: what the model is shown, and what it learns."""

import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from domain_training.config import load_config
from domain_training.data import IGNORED_LABEL, Row, choose_hints, encode, split_rows, with_hints

PROMPT = "Business: a bakery\nBrand names:\n"


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """A token a character, so that ids can be read."""
    characters = {chr(code): code for code in range(32, 127)} | {"\n": 10, "</s>": 0}
    inner = Tokenizer(WordLevel(characters, unk_token="</s>"))
    inner.pre_tokenizer = Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="</s>")


def test_hints_stand_before_the_last_line() -> None:
    assert with_hints(PROMPT, ["dough", "rye"]) == "Business: a bakery\nWords: dough, rye\nBrand names:\n"
    assert with_hints(PROMPT, []) == PROMPT


def test_only_the_answer_is_learnt(tokenizer: PreTrainedTokenizerFast) -> None:
    row = encode(PROMPT, ["doughdock", "loaflane"], tokenizer, 200)
    learnt = [label for label in row["labels"] if label != IGNORED_LABEL]
    assert "".join(map(chr, learnt[:-1])) == "doughdock\nloaflane\n"
    assert learnt[-1] == tokenizer.eos_token_id
    assert len(row["labels"]) == len(row["input_ids"])


def test_a_refusal_learns_the_end_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    row = encode(PROMPT, [], tokenizer, 200)
    assert [label for label in row["labels"] if label != IGNORED_LABEL] == [tokenizer.eos_token_id]


def test_long_rows_are_cut(tokenizer: PreTrainedTokenizerFast) -> None:
    row = encode(PROMPT, ["doughdock"], tokenizer, 35)
    assert len(row["input_ids"]) == len(row["labels"]) == 35


def test_some_rows_show_no_hints_and_the_others_a_few() -> None:
    spec = load_config("v1").data
    rng = random.Random(1)
    shown = [choose_hints([f"word{i}" for i in range(14)], spec, rng) for _ in range(400)]
    without = sum(not hints for hints in shown) / len(shown)
    assert abs(without - spec.hint_dropout) < 0.08
    assert all(spec.hints_min <= len(hints) <= spec.hints_max for hints in shown if hints)


def test_the_split_is_disjoint_and_stays_the_same() -> None:
    rows = [Row(str(i), [], []) for i in range(100)]
    train, validation = split_rows(rows, 0.06, seed=7)
    assert (len(train), len(validation)) == (94, 6)
    assert {row.prompt for row in train}.isdisjoint(row.prompt for row in validation)
    assert split_rows(rows, 0.06, seed=7) == (train, validation)


def test_the_prompt_is_as_the_service_writes_it() -> None:
    source = (Path(__file__).parents[2] / "src" / "suggest" / "prompt.ts").read_text()
    assert "Brand names:\\n" in source
    assert "`Words: ${hints.join(', ')}\\nBrand names:\\n`" in source


def test_wordings_of_one_business_stay_on_one_side() -> None:
    rows = [Row(f"{business} {wording}", [], [f"name{business}"]) for business in range(50) for wording in range(3)]
    train, validation = split_rows(rows, 0.1, 7)
    assert len(train) + len(validation) == 150
    assert {row.names[0] for row in train}.isdisjoint(row.names[0] for row in validation)
    assert len(validation) == 15

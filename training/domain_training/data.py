"""Rows for fine-tuning: a prompt with or without hints, then the names in a new order each time they are seen."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from domain_training.config import DataSpec

#: The line that a prompt ends with; the hints line, where there is one, stands before it.
PROMPT_END = "Brand names:\n"
IGNORED_LABEL = -100


@dataclass(frozen=True)
class Row:
    """A prompt without hints, the hints it may show, and the names to answer with (none for a refusal)."""

    prompt: str
    hints: list[str]
    names: list[str]


def read_rows(path: Path) -> list[Row]:
    """Rows that recall-index wrote, one JSON object a line."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [Row(prompt=row["prompt"], hints=row["hints"], names=row["names"]) for row in rows]


def split_rows(rows: list[Row], validation_share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Training and validation rows, split at random but the same for the same seed.

    Rows with the same names tell of one business in other words and stay on one side; a refusal stands for itself.
    """
    businesses = [tuple(row.names) or (row.prompt,) for row in rows]
    distinct = list(dict.fromkeys(businesses))
    random.Random(seed).shuffle(distinct)
    held_out = set(distinct[: max(1, round(len(distinct) * validation_share))])
    told = list(zip(rows, businesses, strict=True))
    random.Random(seed).shuffle(told)
    train = [row for row, business in told if business not in held_out]
    return train, [row for row, business in told if business in held_out]


def with_hints(prompt: str, hints: list[str]) -> str:
    """The prompt with a line of hints before its last line; as it is where there are none."""
    if not hints:
        return prompt
    return f"{prompt.removesuffix(PROMPT_END)}Words: {', '.join(hints)}\n{PROMPT_END}"


def choose_hints(hints: list[str], spec: DataSpec, rng: random.Random) -> list[str]:
    """None for a share of the rows, else a random few of the best, in random order."""
    if rng.random() < spec.hint_dropout:
        return []
    few = rng.randint(spec.hints_min, spec.hints_max)
    return rng.sample(hints, min(few, len(hints)))


def encode(prompt: str, names: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, list[int]]:
    """Token ids and labels of one row; labels are -100 on the prompt, so that only the answer is learnt.

    The answer is a name a line and the end-of-text token; a refusal is the end-of-text token alone.
    """
    answer = "".join(f"{name}\n" for name in names)
    prompt_length = len(tokenizer(prompt)["input_ids"])
    ids = [*tokenizer(prompt + answer)["input_ids"], tokenizer.eos_token_id][:max_length]
    labels = [IGNORED_LABEL] * prompt_length + ids[prompt_length:]
    return {"input_ids": ids, "labels": labels[:max_length]}


def padded(rows: list[list[int]], value: int) -> torch.Tensor:
    """Rows of whole numbers as one matrix, the shorter ones filled up with `value`."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)


def lengths(rows: list[Row], spec: DataSpec, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """About how many tokens each row takes, for batches of rows of like length."""
    shown = [with_hints(row.prompt, row.hints[: spec.hints_min]) for row in rows]
    return [
        len(encode(prompt, row.names, tokenizer, spec.max_length)["input_ids"])
        for prompt, row in zip(shown, rows, strict=True)
    ]


def make_dataset(
    rows: list[Row], spec: DataSpec, tokenizer: PreTrainedTokenizerBase, rng: random.Random, *, vary: bool
) -> Dataset:
    """A dataset that encodes rows as they are read.

    Args:
        vary: draw other hints and another order of names at each reading (training); else the same every time.
    """
    stored = Dataset.from_list([{"prompt": r.prompt, "hints": r.hints, "names": r.names} for r in rows])

    def transform(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        encoded = []
        for prompt, hints, names in zip(batch["prompt"], batch["hints"], batch["names"], strict=True):
            shown = choose_hints(hints, spec, rng) if vary else hints[: spec.hints_min]
            order = rng.sample(names, len(names)) if vary else names
            encoded.append(encode(with_hints(prompt, shown), order, tokenizer, spec.max_length))
        return {key: [row[key] for row in encoded] for key in ("input_ids", "labels")}

    return stored.with_transform(transform)

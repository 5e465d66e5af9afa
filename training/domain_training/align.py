"""The second lesson of a version: more rows, what raters prefer, and weights that bear rounding, all at once.

Goes on from another version's merged model. Every step learns some rows as supervised fine-tuning does and some rated
businesses by preference, with weights rounded as they will be served; what is kept is the rounded model of the last
step, so that quantization changes nothing.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from domain_training.config import AlignSpec, DataSpec
from domain_training.data import IGNORED_LABEL, Row, choose_hints, encode, with_hints
from domain_training.precision import computes_bf16
from domain_training.preferences import (
    RatedBusiness,
    branch,
    name_log_probabilities,
    pair_accuracy,
    preference_loss,
)
from domain_training.rounding import RoundedWeights

Item = TypeVar("Item")

#: Gradients longer than this are shortened to it.
GRADIENT_NORM = 1.0
ADAM_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Lessons:
    """What is taught and what is held out to measure by."""

    rows: list[Row]
    rated: list[RatedBusiness]
    held_out_rows: list[Row]
    held_out_rated: list[RatedBusiness]


def endless(items: list[Item], rng: random.Random) -> Iterator[Item]:
    """Items in random order, shuffled anew each time round.

    Raises:
        ValueError: there is none.
    """
    if not items:
        raise ValueError("there is nothing to teach: no row, or no rated business among the dataset's rows")
    while True:
        yield from rng.sample(items, len(items))


def learning_rate(spec: AlignSpec, step: int) -> float:
    """Linear warm-up, then a half cosine down to nothing; `step` counts from 0."""
    if step < spec.warmup_steps:
        return spec.learning_rate * (step + 1) / spec.warmup_steps
    progress = (step - spec.warmup_steps) / max(1, spec.steps - spec.warmup_steps)
    return spec.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def answer_losses(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: list[dict[str, list[int]]]
) -> torch.Tensor:
    """Negative log-likelihood in nats of each labelled token of a batch of encoded rows."""
    length = max(len(row["input_ids"]) for row in encoded)
    ids = torch.full((len(encoded), length), int(tokenizer.pad_token_id or 0))
    labels = torch.full((len(encoded), length), IGNORED_LABEL)
    mask = torch.zeros(len(encoded), length, dtype=torch.long)
    for index, row in enumerate(encoded):
        size = len(row["input_ids"])
        ids[index, :size] = torch.tensor(row["input_ids"])
        labels[index, :size] = torch.tensor(row["labels"])
        mask[index, :size] = 1
    hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state
    answer = labels[:, 1:] != IGNORED_LABEL
    logits = model.lm_head(hidden[:, :-1][answer]).float()
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:][answer], reduction="none")


class Aligner:
    """One run of the second lesson, resumable from `run/align.pt`."""

    def __init__(self, spec: AlignSpec, data: DataSpec, run: Path, base: Path, lessons: Lessons) -> None:
        half = computes_bf16(spec.precision, "cpu")
        dtype = torch.bfloat16 if half else torch.float32
        self._spec, self._data, self._run, self._lessons = spec, data, run, lessons
        self._tokenizer = AutoTokenizer.from_pretrained(base)
        self._model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="eager").train()
        self._weights = RoundedWeights(self._model)
        self._optimizer = torch.optim.AdamW(
            self._weights.masters, lr=spec.learning_rate, betas=ADAM_BETAS, weight_decay=0.0, fused=True
        )
        self._checkpoint = run / "align.pt"

    def train(self) -> dict[str, float]:
        """Run all steps, write the rounded model to `run/merged`, and return the last figures."""
        spec, rng = self._spec, random.Random(self._spec.seed)
        rows, rated = endless(self._lessons.rows, rng), endless(self._lessons.rated, rng)
        start = self._resume()
        for _ in range(start):
            self._draw(rows, rated)
        figures = {} if start else self._evaluate(0)
        began = time.monotonic()
        for step in range(start, spec.steps):
            losses = self._step(step, *self._draw(rows, rated), rng)
            if (step + 1) % spec.log_every == 0:
                took = (time.monotonic() - began) / (step + 1 - start)
                self._log({"step": step + 1, **losses, "learning_rate": learning_rate(spec, step), "seconds": took})
            if (step + 1) % spec.eval_every == 0 or step + 1 == spec.steps:
                figures = self._evaluate(step + 1)
                self._save(step + 1)
        merged = self._run / "merged"
        self._model.to(torch.float16).save_pretrained(merged)
        self._tokenizer.save_pretrained(merged)
        return {
            **figures,
            "steps": spec.steps,
            "epochs": spec.steps * spec.rows / len(self._lessons.rows),
            "train_rows": len(self._lessons.rows),
            "validation_rows": len(self._lessons.held_out_rows),
            "rated_businesses": len(self._lessons.rated),
        }

    def _draw(self, rows: Iterator[Row], rated: Iterator[RatedBusiness]) -> tuple[list[Row], list[RatedBusiness]]:
        return [next(rows) for _ in range(self._spec.rows)], [next(rated) for _ in range(self._spec.businesses)]

    def _prompt(self, row: Row, rng: random.Random) -> str:
        return with_hints(row.prompt, choose_hints(row.hints, self._data, rng))

    def _step(self, step: int, rows: list[Row], rated: list[RatedBusiness], rng: random.Random) -> dict[str, float]:
        encoded = [
            encode(
                self._prompt(row, rng), rng.sample(row.names, len(row.names)), self._tokenizer, self._data.max_length
            )
            for row in rows
        ]
        taught = answer_losses(self._model, self._tokenizer, encoded).mean()
        torch.autograd.backward(taught)
        self._weights.take_gradients()
        preferred = self._preference(rated, rng)
        torch.autograd.backward(self._spec.preference_weight * preferred)
        self._weights.take_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self._weights.masters, GRADIENT_NORM)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._spec, step)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._weights.refresh()
        return {"loss": float(taught), "preference_loss": float(preferred), "grad_norm": float(norm)}

    def _preference(self, rated: list[RatedBusiness], rng: random.Random) -> torch.Tensor:
        prompts = [self._prompt(business.row, rng) for business in rated]
        batch = branch(prompts, [business.names for business in rated], self._tokenizer)
        sums, tokens = name_log_probabilities(self._model, batch)
        worth = torch.tensor([value for business in rated for value in business.worth])
        owners = torch.tensor([index for index, business in enumerate(rated) for _ in business.names])
        return preference_loss(sums / tokens, worth, owners, self._spec.beta, self._spec.margin)

    @torch.no_grad()
    def _evaluate(self, step: int) -> dict[str, float]:
        self._model.eval()
        total, count = 0.0, 0
        for row in self._lessons.held_out_rows:
            shown = with_hints(row.prompt, row.hints[: self._data.hints_min])
            losses = answer_losses(
                self._model, self._tokenizer, [encode(shown, row.names, self._tokenizer, self._data.max_length)]
            )
            total, count = total + float(losses.sum()), count + len(losses)
        rated = self._lessons.held_out_rated
        prompts = [with_hints(one.row.prompt, one.row.hints[: self._data.hints_min]) for one in rated]
        figures = {
            "eval_loss": total / max(1, count),
            "eval_pair_accuracy": pair_accuracy(self._model, self._tokenizer, rated, prompts),
        }
        self._model.train()
        self._log({"step": step, **figures})
        return figures

    def _log(self, figures: dict[str, float]) -> None:
        with (self._run / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(figures) + "\n")

    def _save(self, step: int) -> None:
        state = {"step": step, "masters": self._weights.masters, "optimizer": self._optimizer.state_dict()}
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._checkpoint)

    def _resume(self) -> int:
        if not self._checkpoint.exists():
            return 0
        state = torch.load(self._checkpoint, weights_only=True)
        for master, saved in zip(self._weights.masters, state["masters"], strict=True):
            master.data.copy_(saved)
        self._optimizer.load_state_dict(state["optimizer"])
        self._weights.refresh()
        return int(state["step"])

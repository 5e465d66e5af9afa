"""The second lesson of a version: which names raters prefer, what to refuse, and rows again, all at once.

Goes on from a served version on the grid of its file (grid.py). Every step learns some rated businesses, by how likely
their names are and by a verdict on each (preferences.py), some texts to allow or refuse (refusals.py), and some rows of
the dataset as supervised fine-tuning does, so that writing is not unlearnt.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from domain_training.bases import load_gguf
from domain_training.config import AlignSpec, DataSpec
from domain_training.data import IGNORED_LABEL, Row, choose_hints, encode, padded, with_hints
from domain_training.grid import GridWeights
from domain_training.precision import computes_bf16
from domain_training.preferences import Question, RatedBusiness, accuracy, branch, opinions, preference_loss
from domain_training.refusals import Text, best_f1, refusal_log_odds, refusal_loss

Item = TypeVar("Item")

#: Gradients longer than this are shortened to it.
GRADIENT_NORM = 1.0
ADAM_BETAS = (0.9, 0.99)
#: Rated businesses go through the model in so many parts: their masks grow with the square of their length.
PARTS = 2


@dataclass(frozen=True)
class Lessons:
    """What is taught and what is held out to measure by."""

    rows: list[Row]
    rated: list[RatedBusiness]
    texts: list[Text]
    held_out_rows: list[Row]
    held_out_rated: list[RatedBusiness]
    held_out_texts: list[Text]


def endless(items: list[Item], rng: random.Random) -> Iterator[Item]:
    """Items in random order, shuffled anew each time round.

    Raises:
        ValueError: there is none.
    """
    if not items:
        raise ValueError("there is nothing to teach: no row, no rated business, or no text")
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
    ids = padded([row["input_ids"] for row in encoded], int(tokenizer.pad_token_id or 0))
    labels = padded([row["labels"] for row in encoded], IGNORED_LABEL)
    mask = padded([[1] * len(row["input_ids"]) for row in encoded], 0)
    hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state
    answer = labels[:, 1:] != IGNORED_LABEL
    logits = model.lm_head(hidden[:, :-1][answer]).float()
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:][answer], reduction="none")


class Aligner:
    """One run of the second lesson, resumable from `run/align.pt`."""

    def __init__(self, spec: AlignSpec, data: DataSpec, run: Path, base: Path, lessons: Lessons) -> None:
        """`base` is the GGUF that the lesson goes on from."""
        half = computes_bf16(spec.precision, "cpu")
        self._spec, self._data, self._run, self._lessons = spec, data, run, lessons
        loaded, self._tokenizer = load_gguf(base, torch.float32)
        dtype = torch.bfloat16 if half else torch.float32
        model = AutoModelForCausalLM.from_config(loaded.config, dtype=dtype, attn_implementation="eager")
        self._weights = GridWeights(model, loaded, base, spec.seed)
        self._model = model.train()
        self._question = Question.of(self._tokenizer)
        self._optimizer = torch.optim.AdamW(
            self._weights.masters, lr=spec.learning_rate, betas=ADAM_BETAS, weight_decay=0.0, fused=True
        )
        self._checkpoint = run / "align.pt"

    def train(self) -> dict[str, float]:
        """Run all steps, write the rounded model to `run/merged`, and return the last figures."""
        spec, rng = self._spec, random.Random(self._spec.seed)
        rated, texts = endless(self._lessons.rated, rng), endless(self._lessons.texts, rng)
        rows = endless(self._lessons.rows, rng)

        def draw() -> tuple[list[RatedBusiness], list[Text], list[Row]]:
            return (
                [next(rated) for _ in range(spec.businesses)],
                [next(texts) for _ in range(spec.texts_a_step)],
                [next(rows) for _ in range(spec.rows)],
            )

        start = self._resume()
        for _ in range(start):
            draw()
        figures = {} if start else self._evaluate(0)
        began = time.monotonic()
        for step in range(start, spec.steps):
            losses = self._step(step, *draw(), rng)
            if (step + 1) % spec.log_every == 0:
                took = (time.monotonic() - began) / (step + 1 - start)
                self._log({"step": step + 1, **losses, "learning_rate": learning_rate(spec, step), "seconds": took})
            if (step + 1) % spec.eval_every == 0 or step + 1 == spec.steps:
                figures = self._evaluate(step + 1)
                self._save(step + 1)
        merged = self._run / "merged"
        self._weights.rounded_model(self._model).save_pretrained(merged)
        self._tokenizer.save_pretrained(merged)
        return {
            **figures,
            "steps": spec.steps,
            "epochs": spec.steps * spec.rows / len(self._lessons.rows),
            "train_rows": len(self._lessons.rows),
            "validation_rows": len(self._lessons.held_out_rows),
            "rated_businesses": len(self._lessons.rated),
            "rated_names": sum(len(business.names) for business in self._lessons.rated),
            "texts": len(self._lessons.texts),
            "harmful_texts": sum(text.is_harmful for text in self._lessons.texts),
        }

    def _shown(self, prompt: str, hints: list[str], rng: random.Random) -> str:
        return with_hints(prompt, choose_hints(hints, self._data, rng))

    def _step(
        self, step: int, rated: list[RatedBusiness], texts: list[Text], rows: list[Row], rng: random.Random
    ) -> dict[str, float]:
        spec = self._spec
        by_length = sorted(rated, key=lambda business: len(business.prompt))
        size = -(-len(rated) // PARTS)
        verdict_loss = preferred = 0.0
        for part in (by_length[at : at + size] for at in range(0, len(rated), size)):
            verdict, likelihood = self._preference(part, rng)
            share = len(part) / len(rated)
            self._learn(share * (verdict + spec.preference_weight * likelihood))
            verdict_loss, preferred = verdict_loss + share * float(verdict), preferred + share * float(likelihood)
        encoded = [
            encode(
                self._shown(row.prompt, row.hints, rng),
                rng.sample(row.names, len(row.names)),
                self._tokenizer,
                self._data.max_length,
            )
            for row in rows
        ]
        taught = answer_losses(self._model, self._tokenizer, encoded).mean()
        self._learn(taught)
        prompts = [text.prompt for text in texts]
        harmful = torch.tensor([float(text.is_harmful) for text in texts])
        log_odds = refusal_log_odds(self._model, self._tokenizer, prompts, self._data.max_length)
        refused = refusal_loss(log_odds, harmful, spec.refuse_weight)
        self._learn(refused)
        norm = torch.nn.utils.clip_grad_norm_(self._weights.masters, GRADIENT_NORM)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(spec, step)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._weights.refresh()
        return {
            "loss": float(taught),
            "verdict_loss": verdict_loss,
            "preference_loss": preferred,
            "refusal_loss": float(refused),
            "grad_norm": float(norm),
        }

    def _learn(self, loss: torch.Tensor) -> None:
        torch.autograd.backward(loss)
        self._weights.take_gradients()

    def _preference(self, rated: list[RatedBusiness], rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses of the verdicts and of the likelihoods."""
        spec = self._spec
        prompts = [self._shown(business.prompt, business.hints, rng) for business in rated]
        batch = branch(prompts, [business.names for business in rated], self._tokenizer)
        said = opinions(self._model, batch, self._question)
        worth = torch.tensor([value for business in rated for value in business.worth])
        owners = torch.tensor([index for index, business in enumerate(rated) for _ in business.names])
        likelihood = preference_loss(said.log_probabilities / said.tokens, worth, owners, spec.beta, spec.margin)
        verdict = torch.nn.functional.binary_cross_entropy_with_logits(said.verdicts, worth)
        pairs = preference_loss(said.verdicts, worth, owners, 1.0, 0.0)
        return verdict + spec.verdict_pair_weight * pairs, likelihood

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
        measured = accuracy(self._model, self._tokenizer, self._lessons.held_out_rated, self._data.hints_min)
        texts = self._lessons.held_out_texts
        figures = {
            "eval_loss": total / max(1, count),
            **{f"eval_{name}": value for name, value in asdict(measured).items()},
            "eval_refusal_f1": best_f1(self._model, self._tokenizer, texts, self._data.max_length),
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

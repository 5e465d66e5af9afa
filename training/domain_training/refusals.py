"""Texts to allow or refuse as a lesson: where a business is harmful, the model is to end before its first name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from domain_training.data import padded
from domain_training.node import answers
from domain_training.safety import measure

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: Certain labels make log-odds run away.
SMOOTHING = 0.01
BATCH = 24
#: Of a second opinion: how far its log-odds count, what one of them may count for, and how many more of the lawful
#: rows, which are harder than everyday ones, it may cost.
BOUND = 3.0
WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)
MORE_FALSE_POSITIVES = 0.02


@dataclass(frozen=True)
class Text:
    """A prompt without hints, and whether it is to be answered with nothing."""

    description: str
    prompt: str
    is_harmful: bool


def read_texts(path: Path) -> list[Text]:
    """Texts that lesson.ts wrote, one JSON object a line."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [Text(row["description"], row["prompt"], row["label"] == "refuse") for row in rows]


def refusal_log_odds(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str], max_length: int
) -> torch.Tensor:
    """Log-odds that the model ends at once behind each prompt: (prompts,)."""
    encoded = [clipped(prompt, tokenizer, max_length) for prompt in prompts]
    mask = padded([[1] * len(tokens) for tokens in encoded], 0)
    hidden = model.model(input_ids=padded(encoded, 0), attention_mask=mask).last_hidden_state
    last = hidden[torch.arange(len(encoded)), mask.sum(1) - 1]
    log_chance = torch.log_softmax(model.lm_head(last).float(), -1)[:, tokenizer.eos_token_id]
    return log_chance - torch.log1p(-log_chance.exp().clamp(max=1 - 1e-6))


def clipped(prompt: str, tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[int]:
    """Tokens of a prompt; one that is too long loses the end of its first line, as in serving."""
    head, line_break, tail = prompt.partition("\n")
    ending = tokenizer(line_break + tail)["input_ids"]
    return [*tokenizer(head)["input_ids"][: max_length - len(ending)], *ending]


def refusal_loss(log_odds: torch.Tensor, harmful: torch.Tensor, harmful_weight: float) -> torch.Tensor:
    """Binary cross-entropy with smoothed labels, in which a harmful text weighs more.

    Args:
        log_odds, harmful: (texts,); harmful is 1, lawful 0.
    """
    target = harmful * (1 - 2 * SMOOTHING) + SMOOTHING
    weight = 1 + (harmful_weight - 1) * harmful
    return torch.nn.functional.binary_cross_entropy_with_logits(log_odds, target, weight=weight)


@torch.no_grad()
def all_log_odds(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[Text], max_length: int
) -> NDArray[np.float32]:
    """`refusal_log_odds` of any number of texts."""
    found: list[float] = []
    for start in range(0, len(texts), BATCH):
        prompts = [text.prompt for text in texts[start : start + BATCH]]
        found += refusal_log_odds(model, tokenizer, prompts, max_length).tolist()
    return np.array(found, dtype=np.float32)


def best_f1(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[Text], max_length: int) -> float:
    """F1 of refusing at the threshold that suits these texts best; 0 where there are none."""
    if not texts:
        return 0.0
    scores = all_log_odds(model, tokenizer, texts, max_length)
    harmful = np.array([text.is_harmful for text in texts])
    return max(measure(harmful, scores, float(threshold))["f1"] for threshold in np.unique(scores))


@dataclass(frozen=True)
class SecondOpinion:
    """How a generator's refusals count beside the prefilter; see src/safety/second-opinion.ts."""

    weight: float
    bound: float
    bias: float

    def refuses(self, margins: Floats, log_odds: Floats) -> Booleans:
        """What is refused of what the prefilter finds `margins` log-odds above its threshold, by it or by both."""
        together = margins + self.weight * np.clip(log_odds, -self.bound, self.bound)
        refused: Booleans = (margins >= 0) | (together >= self.bias)
        return refused


def fit_second_opinion(margins: Floats, log_odds: Floats, harmful: Booleans) -> SecondOpinion:
    """The one that refuses most of the harmful texts for at most so many lawful ones more.

    Args:
        margins, log_odds: the prefilter's and the generator's of each text; neither was taught any of them.
    """
    lawful = ~harmful
    allowed = int((lawful & (margins >= 0)).sum()) + int(MORE_FALSE_POSITIVES * lawful.sum())
    best, most = SecondOpinion(0.0, BOUND, 0.0), -1
    for weight in WEIGHTS:
        together = margins + weight * np.clip(log_odds, -BOUND, BOUND)
        for bias in np.unique(np.ceil(together * 20) / 20):
            opinion = SecondOpinion(weight, BOUND, round(float(bias), 2))
            refused = opinion.refuses(margins, log_odds)
            if int((refused & lawful).sum()) <= allowed and int((refused & harmful).sum()) > most:
                best, most = opinion, int((refused & harmful).sum())
    return best


def prefilter_margins(texts: list[Text], work: Path) -> Floats:
    """Log-odds by which the served prefilter finds texts above what it refuses, through the code that serves it.

    Raises:
        subprocess.CalledProcessError: it cannot judge one.
    """
    return np.array(answers("margins", texts=[text.description for text in texts], work=work), dtype=np.float64)

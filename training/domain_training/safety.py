# ruff: noqa: E501 - the Markdown of the card is one line a paragraph or a table row
"""The safety classifier: multilingual-e5-small with a linear head over the policy's categories and `none`.

The head reads the unit-length mean of the token states, so the served part is an embedding model in GGUF and a small
matrix. Harmful rows weigh more in the loss; the threshold is the one with the best F2 on rows kept away, among those
that keep the false-positive rate within a bound.

`npm run train -- safety` writes models/safety: model.gguf, head.json, card.json, README.md.
"""

from __future__ import annotations

import csv
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from torch import nn
from torch.nn import functional

from domain_training import e5
from domain_training.config import SAFETY as NAME
from domain_training.disguise import masquerade
from domain_training.embedder import Descent, Embedder, EncoderConfig, check_parity, encoder_card, packed_embedder
from domain_training.export import sha256
from domain_training.paths import CONFIGS, ROOT
from domain_training.precision import autocast

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]
ALLOW = "none"
PARITY_TEXTS = 24
#: Written after each epoch.
WEIGHTS = "model.pt"
#: Neighbouring rows are contrast pairs more often than not; they are kept away together.
HELD_TOGETHER = 8
SMOKE = {"lawful_per_epoch": 16, "lawful_validation": 24, "false_positive_bound": 0.99, "epochs": 1, "batch_size": 8}
SMOKE_ROWS = 160


class SafetyConfig(EncoderConfig):
    """Recipe of the classifier, configs/safety.yaml."""

    #: A fine-tuned encoder to start from: one that knows businesses needs fewer rows.
    start: str
    rows: str
    lawful: str
    lawful_per_epoch: int = Field(ge=0)
    #: So many of the last businesses, in all their wordings, are kept away, to choose the threshold on everyday traffic
    #: as well as on hard rows.
    lawful_validation: int = Field(ge=0)
    validation_share: float = Field(gt=0, lt=0.5)
    #: Weight of a harmful row in the loss; a lawful one weighs 1.
    refuse_weight: float = Field(gt=0)
    label_smoothing: float = Field(ge=0, lt=1)
    #: Share of the rows that wear a disguise.
    disguised: float = Field(ge=0, le=1)
    #: Share of the rows with a lawful description before or after them.
    joined: float = Field(ge=0, le=1)
    #: Highest share of lawful rows that the threshold may refuse.
    false_positive_bound: float = Field(gt=0, lt=1)


class Row(BaseModel):
    """A description and its gold category; `none` is to allow."""

    description: str
    category: str
    kind: str


class Classifier(nn.Module):
    """Texts to logits of the categories."""

    def __init__(self, embedder: Embedder, categories: list[str]) -> None:
        super().__init__()
        self.embedder, self.categories = embedder, categories
        self.encoder = embedder.model
        self.head = nn.Linear(embedder.model.config.hidden_size, len(categories))

    def forward(self, texts: list[str]) -> torch.Tensor:
        """Logits: (texts, categories)."""
        # Unit vectors span a small range: scaled up, the head learns at the pace of the encoder.
        logits: torch.Tensor = self.head(self.embedder.vectors(texts) * self.scale)
        return logits

    @property
    def scale(self) -> float:
        """The length of a vector whose values are about 1."""
        return math.sqrt(self.encoder.config.hidden_size)

    def probabilities(self, texts: list[str]) -> Floats:
        """Softmax over the categories, in evaluation mode: (texts, categories)."""
        self.eval()
        vectors = torch.from_numpy(self.embedder.encode(texts)).to(self.head.weight.device)
        with torch.no_grad():
            found: Floats = functional.softmax(self.head(vectors * self.scale), -1).cpu().numpy()
        return found


def read_rows(path: Path) -> list[Row]:
    """Rows of a CSV with description, category and kind.

    Raises:
        pydantic.ValidationError: a column is missing.
    """
    with path.open(newline="") as file:
        return [Row.model_validate(row) for row in csv.DictReader(file)]


def read_lawful(path: Path, kept_away: int) -> tuple[list[Row], list[Row]]:
    """The rows of a dataset that have names: those to train on, and those of the last businesses, kept away.

    Rows with the same names tell of one business.
    """
    with path.open(newline="") as file:
        named = [row for row in csv.DictReader(file) if row["suggestions"] != "[]"]
    businesses = list(dict.fromkeys(row["suggestions"] for row in named))
    away = set(businesses[len(businesses) - kept_away :])
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in named:
        parts[row["suggestions"] in away].append(Row(description=row["description"], category=ALLOW, kind="plain"))
    return parts


def split(rows: list[Row], share: float, chance: random.Random) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows kept away, whole stretches at a time."""
    stretches = [rows[at : at + HELD_TOGETHER] for at in range(0, len(rows), HELD_TOGETHER)]
    chance.shuffle(stretches)
    held = round(len(stretches) * share)
    flat = [[row for stretch in part for row in stretch] for part in (stretches[held:], stretches[:held])]
    return flat[0], flat[1]


def examples(rows: list[Row], lawful: list[Row], config: SafetyConfig, chance: random.Random) -> Iterator[Row]:
    """An epoch: all rows and some lawful descriptions in random order, disguised and joined as configured.

    A harmful line stays harmful beside a harmless one, and a harmless one harmless.
    """
    drawn = [*rows, *chance.sample(lawful, min(config.lawful_per_epoch, len(lawful)))]
    for row in chance.sample(drawn, len(drawn)):
        text = row.description
        if chance.random() < config.joined:
            beside = chance.choice(lawful).description
            text = " ".join([text, beside] if chance.random() < 0.5 else [beside, text])
        text = masquerade(text, chance, config.disguised)
        yield row.model_copy(update={"description": text})


def batches(items: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """All items, `size` at a time."""
    batch: list[Row] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def choose_threshold(harmful: Booleans, scores: Floats, bound: float) -> float:
    """The score from which on to refuse: the best F2 among those that refuse at most `bound` of the lawful rows.

    Raises:
        ValueError: none does.
    """
    best, chosen = -1.0, 1.0
    for threshold in np.unique(scores):
        figures = measure(harmful, scores, float(threshold))
        if figures["false_positive_rate"] <= bound and figures["f2"] > best:
            best, chosen = figures["f2"], float(threshold)
    if best < 0:
        raise ValueError(f"no threshold refuses {bound:.0%} of the lawful rows or fewer")
    # Scores just below the chosen one are refused as well, so that rounding never loses it.
    return math.floor(chosen * 1e4) / 1e4


def measure(harmful: Booleans, scores: Floats, threshold: float) -> dict[str, float]:
    """Precision, recall, F1, F2 and false-positive rate of refusing from a score on."""
    refused = scores >= threshold
    hit, missed = int((refused & harmful).sum()), int((~refused & harmful).sum())
    wrong, lawful = int((refused & ~harmful).sum()), int((~harmful).sum())
    return {
        "precision": hit / max(1, hit + wrong),
        "recall": hit / max(1, hit + missed),
        "f1": 2 * hit / max(1, 2 * hit + wrong + missed),
        "f2": 5 * hit / max(1, 5 * hit + wrong + 4 * missed),
        "false_positive_rate": wrong / max(1, lawful),
    }


def evaluate(classifier: Classifier, rows: list[Row], bound: float) -> dict[str, float]:
    """Figures on rows kept away, at the best threshold for them."""
    probabilities = classifier.probabilities([row.description for row in rows])
    scores = 1 - probabilities[:, classifier.categories.index(ALLOW)]
    harmful = np.array([row.category != ALLOW for row in rows])
    threshold = choose_threshold(harmful, scores, bound)
    named = [classifier.categories[i] for i in probabilities.argmax(1)]
    right = [name == row.category for name, row in zip(named, rows, strict=True) if row.category != ALLOW]
    figures = {
        "threshold": threshold,
        **measure(harmful, scores, threshold),
        "category_accuracy": float(np.mean(right)),
    }
    return {key: round(value, 4) for key, value in figures.items()}


def fine_tune(
    classifier: Classifier, rows: list[Row], lawful: list[Row], held_out: list[Row], config: SafetyConfig, log: Path
) -> None:
    """Train in place; metrics go to `log` as JSON lines."""
    chance = random.Random(config.seed)
    torch.manual_seed(config.seed)
    classifier.encoder.embeddings.requires_grad_(False)
    epoch_rows = len(rows) + min(config.lawful_per_epoch, len(lawful))
    steps = config.epochs * -(-epoch_rows // config.batch_size)
    descent = Descent(classifier, config, steps)
    index = {category: i for i, category in enumerate(classifier.categories)}
    weights = torch.full((len(index),), config.refuse_weight)
    weights[index[ALLOW]] = 1
    device = classifier.head.weight.device
    loss_function = nn.CrossEntropyLoss(weights.to(device), label_smoothing=config.label_smoothing)
    step, started = 0, time.monotonic()
    with log.open("w") as file:
        for epoch in range(1, config.epochs + 1):
            classifier.train()
            losses = []
            for batch in batches(examples(rows, lawful, config, chance), config.batch_size):
                target = torch.tensor([index[row.category] for row in batch], device=device)
                with autocast(config.precision, device.type):
                    logits = classifier([row.description for row in batch])
                loss = loss_function(logits.float(), target)
                descent.step(loss)
                losses.append(loss.item())
                step += 1
                if step % 20 == 0:
                    speed = (time.monotonic() - started) / step
                    print(f"step {step}/{steps} loss {np.mean(losses[-20:]):.3f} {speed:.2f} s/step", flush=True)
            record = {
                "epoch": epoch,
                "loss": float(np.mean(losses)),
                **evaluate(classifier, held_out, config.false_positive_bound),
            }
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(record, flush=True)
            torch.save(classifier.state_dict(), log.with_name(WEIGHTS))


def load_safety_config(path: Path = CONFIGS / f"{NAME}.yaml", *, smoke: bool = False) -> SafetyConfig:
    """Read and check the recipe; a smoke run takes an epoch over a handful of rows.

    Raises:
        pydantic.ValidationError: a field is missing, unknown or out of range.
    """
    config = SafetyConfig.model_validate(yaml.safe_load(path.read_text()))
    return config.model_copy(update=SMOKE) if smoke else config


def build(config: SafetyConfig, folder: Path, categories: list[str], device: str) -> Classifier:
    """The classifier before training, its tokenizer in `folder`."""
    embedder, _ = packed_embedder(config, folder)
    e5.read_gguf(embedder.model, ROOT / config.start)
    torch.manual_seed(config.seed)
    return Classifier(embedder, categories).to(device)


def train_safety(config: SafetyConfig, folder: Path, out: Path, device: str, *, smoke: bool = False) -> None:
    """From the packed base to a GGUF, a head and their card in `out`; the steps on the way lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_rows(ROOT / config.rows)
    if smoke:
        rows = rows[:: max(1, len(rows) // SMOKE_ROWS)]
    categories = [ALLOW, *sorted({row.category for row in rows} - {ALLOW})]
    classifier = build(config, folder, categories, device)
    training, held_out = split(rows, config.validation_share, random.Random(config.seed))
    lawful, ordinary = read_lawful(ROOT / config.lawful, config.lawful_validation)
    held_out = held_out + ordinary
    fine_tune(classifier, training, lawful, held_out, config, folder / "metrics.jsonl")
    export(classifier.cpu(), held_out, config, folder, out, len(training))


def export(
    classifier: Classifier, held_out: list[Row], config: SafetyConfig, folder: Path, out: Path, rows: int
) -> None:
    """Write the GGUF, the head with its threshold, and the card."""
    out.mkdir(parents=True, exist_ok=True)
    gguf = out / "model.gguf"
    e5.write_gguf(classifier.encoder, folder / "sentencepiece.bpe.model", gguf, NAME)
    parity = check_parity(classifier.embedder, [row.description for row in held_out[:PARITY_TEXTS]], gguf, folder)
    measured = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    write_head(classifier, measured[-1]["threshold"], out / "head.json")
    write_card(config, out, measured[-1], (rows, len(held_out)), parity)


def write_head(classifier: Classifier, threshold: float, path: Path) -> None:
    """The matrix and bias of the head for unit vectors, its categories in order, and the threshold."""
    weights = (classifier.head.weight * classifier.scale).tolist()
    head = {
        "categories": classifier.categories,
        "weights": [[round(value, 5) for value in row] for row in weights],
        "bias": [round(value, 5) for value in classifier.head.bias.tolist()],
        "threshold": threshold,
    }
    path.write_text(json.dumps(head) + "\n")


def write_card(
    config: SafetyConfig, out: Path, measured: dict[str, float], rows: tuple[int, int], parity: float
) -> None:
    """card.json and README.md."""
    card = {
        **encoder_card("safety-classifier", out / "model.gguf"),
        "head_sha256": sha256(out / "head.json"),
        "rows": rows[0],
        "validation_rows": rows[1],
        "data": {path: sha256(ROOT / path) for path in (config.rows, config.lawful)},
        "config": config.model_dump(),
        "validation": measured,
        "parity": parity,
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    (out / "README.md").write_text(model_card(card))


def model_card(card: dict[str, Any]) -> str:
    """The card as prose for people, in Markdown."""
    figures = "\n".join(f"| {key} | {value:.3f} |" for key, value in card["validation"].items() if key != "epoch")
    return f"""# Safety classifier

{card["base"]} ({card["licence"]}), fine-tuned to tell harmful businesses from lawful ones by their description, with a linear
head over the categories of data/POLICY.md. It judges every request before any name is made; a description is refused
when the probabilities of all harmful categories together reach the threshold.

| | |
| --- | --- |
| file | `model.gguf`, {card["quantization"]} with {card["embeddings"]} embeddings, {card["bytes"] / 1e6:.1f} MB; `head.json` |
| sha256 | `{card["sha256"]}` |
| base weights | `{card["source"]}`, its vocabulary cut to {card["config"]["vocabulary"]} pieces, as fine-tuned in `{card["config"]["start"]}` |
| data | {card["rows"]} rows of {card["config"]["rows"]}, and descriptions of {card["config"]["lawful"]} as lawful ones |
| parity | lowest cosine {card["parity"]:.4f} between the trained encoder and this file |
| runtime | llama.cpp {card["llama_cpp"]} |

On {card["validation_rows"]} rows kept away from training, whence the threshold (so these figures flatter; data/reports/safety.json has those of the
test set):

| | |
| --- | --- |
{figures}

## Limits
Taught on descriptions of up to {card["config"]["max_length"]} word pieces in some sixty languages, eight in ten of the rows English. It judges what a text
says of a business: a harmful business described as a harmless one passes.
"""

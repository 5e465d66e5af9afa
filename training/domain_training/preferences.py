"""Rated names as a lesson: the model is to find a better name of a business likelier than a worse one.

The loss is SimPO's (Meng, Xia, Chen, "SimPO: Simple Preference Optimization with a Reference-Free Reward", NeurIPS
2024) over all pairs of a business's names with different ratings. The names of one business stand in one sequence
behind one prompt, each blind to the others, so that the prompt is read once.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from domain_training.data import Row

#: What a rating is worth; the margin of a pair grows with the difference.
WORTH = {"good": 1.0, "acceptable": 0.5, "bad": 0.0}
MASKED = torch.finfo(torch.bfloat16).min


@dataclass(frozen=True)
class RatedBusiness:
    """A business as a row of the dataset tells it, names proposed for it, and what each is worth, 0 to 1."""

    row: Row
    names: list[str]
    worth: list[float]


def read_rated(ratings: Path, told: dict[str, Row]) -> tuple[list[RatedBusiness], list[RatedBusiness]]:
    """Rated businesses to learn from, and those held out: the ones whose names a generator was asked about.

    Args:
        told: rows by description; ratings of other descriptions are left out.

    Raises:
        KeyError: a rating is none of good, acceptable, bad.
    """
    named: dict[str, list[tuple[str, float]]] = defaultdict(list)
    held: set[str] = set()
    with ratings.open(newline="") as file:
        for rating in csv.DictReader(file):
            named[rating["description"]].append((rating["name"], WORTH[rating["rating"]]))
            if rating["generator"]:
                held.add(rating["description"])
    sides: tuple[list[RatedBusiness], list[RatedBusiness]] = ([], [])
    for description, rated in named.items():
        if description in told:
            names, worth = map(list, zip(*rated, strict=True))
            sides[description in held].append(RatedBusiness(told[description], names, worth))
    return sides


@dataclass(frozen=True)
class Branches:
    """Names behind their prompts, one business a row of the batch.

    `ids`, `positions`: (businesses, length); `mask`: (businesses, 1, length, length), added to attention's scores.
    The tokens of names, in the order of the batch: `rows` and `sources` say where each is predicted, `targets` what it
    is, `owners` which name it belongs to.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    sources: torch.Tensor
    targets: torch.Tensor
    owners: torch.Tensor


def branch(prompts: list[str], names: list[list[str]], tokenizer: PreTrainedTokenizerBase) -> Branches:
    """Lay out the names of each business behind its prompt; a name and its line break are one branch."""
    laid: list[tuple[list[int], list[int], torch.Tensor]] = []
    rows, sources, targets, owners, owner = [], [], [], [], 0
    for index, (prompt, lines) in enumerate(zip(prompts, names, strict=True)):
        ids = list(tokenizer(prompt)["input_ids"])
        root = len(ids)
        positions = list(range(root))
        spans = []
        for line in lines:
            tokens = tokenizer(f"{line}\n", add_special_tokens=False)["input_ids"]
            start = len(ids)
            for offset, token in enumerate(tokens):
                rows.append(index)
                sources.append(root - 1 if offset == 0 else start + offset - 1)
                targets.append(token)
                owners.append(owner)
            owner += 1
            ids += tokens
            positions += range(root, root + len(tokens))
            spans.append((start, len(ids)))
        seen = torch.zeros(len(ids), len(ids), dtype=torch.bool)
        seen[:, :root] = True
        for start, end in spans:
            seen[start:end, start:end] = True
        laid.append((ids, positions, seen.tril()))
    length = max(len(ids) for ids, _, _ in laid)
    batch_ids = torch.zeros(len(laid), length, dtype=torch.long)
    batch_positions = torch.zeros(len(laid), length, dtype=torch.long)
    seen = torch.eye(length, dtype=torch.bool).repeat(len(laid), 1, 1)
    for index, (ids, positions, mask) in enumerate(laid):
        batch_ids[index, : len(ids)] = torch.tensor(ids)
        batch_positions[index, : len(ids)] = torch.tensor(positions)
        seen[index, : len(ids), : len(ids)] = mask
    return Branches(
        ids=batch_ids,
        positions=batch_positions,
        mask=torch.where(seen, 0.0, MASKED)[:, None],
        rows=torch.tensor(rows),
        sources=torch.tensor(sources),
        targets=torch.tensor(targets),
        owners=torch.tensor(owners),
    )


def name_log_probabilities(model: PreTrainedModel, batch: Branches) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each name with its line break after its prompt, in nats, and how many tokens each has."""
    mask = batch.mask.to(model.dtype)
    hidden = model.model(input_ids=batch.ids, position_ids=batch.positions, attention_mask=mask).last_hidden_state
    logits = model.lm_head(hidden[batch.rows, batch.sources]).float()
    chosen = torch.log_softmax(logits, dim=-1).gather(1, batch.targets[:, None])[:, 0]
    count = int(batch.owners[-1]) + 1
    sums = torch.zeros(count).index_add(0, batch.owners, chosen)
    return sums, torch.bincount(batch.owners, minlength=count)


def preference_loss(
    means: torch.Tensor, worth: torch.Tensor, business: torch.Tensor, beta: float, margin: float
) -> torch.Tensor:
    """SimPO's loss, averaged over all pairs of one business with different ratings; 0 where there is none.

    Args:
        means: log-probability of each name, nats a token.
        worth: of each name, 0 to 1.
        business: which business each name is for.
        margin: by how much the better of two should lead, in units of `beta` x nats, where they differ by 1.
    """
    better, worse = torch.nonzero(
        (worth[:, None] > worth[None, :]) & (business[:, None] == business[None, :]), as_tuple=True
    )
    if len(better) == 0:
        return means.sum() * 0
    lead = beta * (means[better] - means[worse]) - margin * (worth[better] - worth[worse])
    return -torch.nn.functional.logsigmoid(lead).mean()


@torch.no_grad()
def pair_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rated: list[RatedBusiness], prompts: list[str]
) -> float:
    """Share of pairs of one business with different ratings of which the better name is the likelier, nats a token."""
    right = total = 0
    for business, prompt in zip(rated, prompts, strict=True):
        sums, tokens = name_log_probabilities(model, branch([prompt], [business.names], tokenizer))
        means, worth = sums / tokens, torch.tensor(business.worth)
        pairs = worth[:, None] > worth[None, :]
        right += int((means[:, None] > means[None, :])[pairs].sum())
        total += int(pairs.sum())
    return right / max(1, total)

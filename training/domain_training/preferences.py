"""Rated names as a lesson: a better name of a business is to be likelier than a worse one, and judged better.

A verdict is asked for by a mark behind the name, where its line break would stand, and is by how much the answer yes is
likelier than the answer no. The loss of the likelihoods is SimPO's (Meng, Xia, Chen, "SimPO: Simple Preference
Optimization with a Reference-Free Reward", NeurIPS 2024) over all pairs of a business's names with different ratings.
The names of one business stand in one sequence behind one prompt, each blind to the others, so that the prompt is read
once.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from domain_training.data import padded, with_hints

#: What a rating is worth; the margin of a pair grows with the difference.
WORTH = {"good": 1.0, "acceptable": 0.5, "bad": 0.0}
#: Names in an answer.
FIRST = 5
#: The mark, yes and no.
QUESTION = (" ?", " yes", " no")
MASKED = torch.finfo(torch.bfloat16).min


@dataclass(frozen=True)
class RatedBusiness:
    """A business by its prompt without hints, the hints it may show, names, and what each is worth, 0 to 1."""

    prompt: str
    hints: list[str]
    names: list[str]
    worth: list[float]


def read_worth(paths: list[Path]) -> dict[str, dict[str, float]]:
    """What each name is worth, by description, from files of rated names.

    A file has a line a name, with its rating, or a line a description, with its names in columns called as the ratings.

    Raises:
        KeyError: a rating is none of good, acceptable, bad.
    """
    worth: dict[str, dict[str, float]] = defaultdict(dict)
    for path in paths:
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                names = worth[line["description"]]
                if "rating" in line:
                    names[line["name"]] = WORTH[line["rating"]]
                else:
                    names.update({name: WORTH[rating] for rating in WORTH for name in line[rating].split()})
    return dict(worth)


def read_asked(path: Path) -> set[str]:
    """Descriptions for which a generator was asked about names: no generator is taught them or their businesses."""
    with path.open(newline="") as file:
        return {line["description"] for line in csv.DictReader(file) if line["generator"]}


@dataclass(frozen=True)
class Branches:
    """Names behind their prompts, one business a row of the batch.

    `ids`, `positions`: (businesses, length); `mask`: (businesses, 1, length, length), added to attention's scores.
    The tokens of names, in the order of the batch: `rows` and `sources` say where each is predicted, `targets` what it
    is, `owners` which name it belongs to. The line break at the end of each name is only predicted; as input the mark
    that asks for a verdict stands in its place, at `marks` of the row `mark_rows`.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    sources: torch.Tensor
    targets: torch.Tensor
    owners: torch.Tensor
    marks: torch.Tensor
    mark_rows: torch.Tensor


@dataclass(frozen=True)
class Question:
    """Tokens of the mark and of its two answers, as src/suggest/prompt.ts has them in letters."""

    mark: int
    yes: int
    no: int

    @staticmethod
    def of(tokenizer: PreTrainedTokenizerBase) -> Question:
        """The question in a model's tokens.

        Raises:
            ValueError: a part of it is not one token.
        """
        parts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in QUESTION]
        if any(len(part) != 1 for part in parts):
            raise ValueError(f"{QUESTION} must be a token each, and are {parts}")
        return Question(*(part[0] for part in parts))


def branch(prompts: list[str], names: list[list[str]], tokenizer: PreTrainedTokenizerBase) -> Branches:
    """Lay out the names of each business behind its prompt; a name and its line break are one branch."""
    mark = Question.of(tokenizer).mark
    laid: list[tuple[list[int], list[int], torch.Tensor]] = []
    rows, sources, targets, owners, owner = [], [], [], [], 0
    marks, mark_rows = [], []
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
            marks.append(start + len(tokens) - 1)
            mark_rows.append(index)
            ids += [*tokens[:-1], mark]
            positions += range(root, root + len(tokens))
            spans.append((start, len(ids)))
        seen = torch.zeros(len(ids), len(ids), dtype=torch.bool)
        seen[:, :root] = True
        for start, end in spans:
            seen[start:end, start:end] = True
        laid.append((ids, positions, seen.tril()))
    batch_ids = padded([ids for ids, _, _ in laid], 0)
    seen = torch.eye(batch_ids.shape[1], dtype=torch.bool).repeat(len(laid), 1, 1)
    for index, (ids, _, mask) in enumerate(laid):
        seen[index, : len(ids), : len(ids)] = mask
    return Branches(
        ids=batch_ids,
        positions=padded([positions for _, positions, _ in laid], 0),
        mask=torch.where(seen, 0.0, MASKED)[:, None],
        rows=torch.tensor(rows),
        sources=torch.tensor(sources),
        targets=torch.tensor(targets),
        owners=torch.tensor(owners),
        marks=torch.tensor(marks),
        mark_rows=torch.tensor(mark_rows),
    )


@dataclass(frozen=True)
class Opinions:
    """What a model says of each name: nats of it and its line break, its tokens, and the log-odds of yes against no."""

    log_probabilities: torch.Tensor
    tokens: torch.Tensor
    verdicts: torch.Tensor


def opinions(model: PreTrainedModel, batch: Branches, question: Question) -> Opinions:
    """Read all names of a batch behind their prompts."""
    mask = batch.mask.to(model.dtype)
    hidden = model.model(input_ids=batch.ids, position_ids=batch.positions, attention_mask=mask).last_hidden_state
    weights = model.lm_head.weight
    verdicts = hidden[batch.mark_rows, batch.marks].float() @ (weights[question.yes] - weights[question.no]).float()
    logits = model.lm_head(hidden[batch.rows, batch.sources]).float()
    chosen = torch.log_softmax(logits, dim=-1).gather(1, batch.targets[:, None])[:, 0]
    count = int(batch.owners[-1]) + 1
    sums = torch.zeros(count).index_add(0, batch.owners, chosen)
    return Opinions(sums, torch.bincount(batch.owners, minlength=count), verdicts)


def preference_loss(
    scores: torch.Tensor, worth: torch.Tensor, business: torch.Tensor, beta: float, margin: float
) -> torch.Tensor:
    """SimPO's loss, averaged over all pairs of one business with different ratings; 0 where there is none.

    Args:
        scores: of each name: its log-probability in nats a token, or its verdict.
        worth: of each name, 0 to 1.
        business: which business each name is for.
        margin: by how much the better of two should lead, in units of `beta` x score, where they differ by 1.
    """
    better, worse = torch.nonzero(
        (worth[:, None] > worth[None, :]) & (business[:, None] == business[None, :]), as_tuple=True
    )
    if len(better) == 0:
        return scores.sum() * 0
    lead = beta * (scores[better] - scores[worse]) - margin * (worth[better] - worth[worse])
    return -torch.nn.functional.logsigmoid(lead).mean()


@dataclass(frozen=True)
class Accuracy:
    """Share of pairs of one business with different ratings of which the better name is the likelier, nats a token, and
    the one with the higher verdict; and what the five names with the highest verdicts are worth on average."""

    likelier: float
    verdict: float
    first_five: float


@torch.no_grad()
def accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rated: list[RatedBusiness], hints: int
) -> Accuracy:
    """Measure on businesses that show their first `hints` hints; all 0 where there are no pairs."""
    question = Question.of(tokenizer)
    likelier = verdict = total = 0
    first = []
    for business in rated:
        prompt = with_hints(business.prompt, business.hints[:hints])
        said = opinions(model, branch([prompt], [business.names], tokenizer), question)
        means, worth = said.log_probabilities / said.tokens, torch.tensor(business.worth)
        pairs = worth[:, None] > worth[None, :]
        likelier += int((means[:, None] > means[None, :])[pairs].sum())
        verdict += int((said.verdicts[:, None] > said.verdicts[None, :])[pairs].sum())
        total += int(pairs.sum())
        first.append(float(worth[said.verdicts.argsort(descending=True)[:FIRST]].mean()))
    return Accuracy(likelier / max(1, total), verdict / max(1, total), sum(first) / max(1, len(first)))

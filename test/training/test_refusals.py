"""Texts to refuse as a lesson: the log-odds that a model ends at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from domain_training.refusals import (
    SecondOpinion,
    Text,
    best_f1,
    clipped,
    fit_second_opinion,
    read_texts,
    refusal_log_odds,
    refusal_loss,
)

PROMPTS = [
    "Business: a bakery\nBrand names:\n",
    "Business: a longer description of a bakery by the sea\nBrand names:\n",
]


def test_texts_of_a_batch_are_judged_as_if_alone(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    with torch.no_grad():
        together = refusal_log_odds(model, tokenizer, PROMPTS, 64)
        for prompt, found in zip(PROMPTS, together, strict=True):
            ids = torch.tensor([tokenizer(prompt)["input_ids"]])
            chance = torch.softmax(model(input_ids=ids).logits[0, -1], -1)[tokenizer.eos_token_id]
            assert float(found) == pytest.approx(float(torch.logit(chance)), abs=1e-3)


def test_a_long_text_loses_the_end_of_its_first_line(tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = clipped(PROMPTS[1], tokenizer, 10)
    assert len(tokens) == 10
    assert tokenizer.decode(tokens).startswith("Business: a longer")
    assert tokenizer.decode(tokens).endswith("\nBrand names:\n")
    assert clipped(PROMPTS[0], tokenizer, 64) == tokenizer(PROMPTS[0])["input_ids"]


def test_the_loss_is_least_where_the_log_odds_are_right() -> None:
    harmful = torch.tensor([1.0, 0.0])
    right = refusal_loss(torch.tensor([4.0, -4.0]), harmful, 1.5)
    assert (
        float(right)
        < float(refusal_loss(torch.zeros(2), harmful, 1.5))
        < float(refusal_loss(torch.tensor([-4.0, 4.0]), harmful, 1.5))
    )
    missed, wrong = torch.tensor([-2.0, -2.0]), torch.tensor([2.0, 2.0])
    assert float(refusal_loss(missed, harmful, 1.5)) > float(refusal_loss(wrong, harmful, 1.5))


def test_texts_are_read_and_measured(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        '{"description": "a", "prompt": "A", "label": "refuse"}\n'
        '{"description": "b", "prompt": "B", "label": "allow"}\n'
    )
    assert read_texts(path) == [Text("a", "A", True), Text("b", "B", False)]
    with torch.no_grad():
        low, high = refusal_log_odds(model, tokenizer, PROMPTS, 64).argsort().tolist()
    order = [Text("", PROMPTS[low], False), Text("", PROMPTS[high], True)]
    assert best_f1(model, tokenizer, order, 64) == 1
    assert best_f1(model, tokenizer, [Text("", one.prompt, not one.is_harmful) for one in order], 64) < 1
    assert best_f1(model, tokenizer, [], 64) == 0


def test_a_second_opinion_finds_harm_for_few_lawful_texts_more() -> None:
    chance = np.random.default_rng(3)
    harmful = chance.random(2000) < 0.5
    margins = np.where(harmful, 1.0, -3.0) + 2 * chance.normal(size=2000)
    told, untold = np.where(harmful, 1.5, -1.5) + chance.normal(size=2000), chance.normal(size=2000)
    alone = margins >= 0
    opinion = fit_second_opinion(margins, told, harmful)
    refused = opinion.refuses(margins, told)
    assert (refused & harmful).sum() > 1.15 * (alone & harmful).sum()
    assert (refused & ~harmful).sum() <= (alone & ~harmful).sum() + 0.02 * (~harmful).sum()
    by_chance = fit_second_opinion(margins, untold, harmful).refuses(margins, untold)
    assert (by_chance & harmful).sum() < (refused & harmful).sum()
    sure = SecondOpinion(weight=1.0, bound=3.0, bias=0.5)
    assert sure.refuses(np.array([-4.0, -2.0, 0.1]), np.array([99.0, 99.0, -99.0])).tolist() == [False, True, True]

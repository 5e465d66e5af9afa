"""Rated names as a lesson: what stands in one sequence reads as if each name stood alone."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from domain_training.preferences import (
    Question,
    RatedBusiness,
    accuracy,
    branch,
    opinions,
    preference_loss,
    read_asked,
    read_worth,
)

PROMPTS = ["Business: bakery\nBrand names:\n", "Business: a dog groomer in lyon\nWords: fur, paw\nBrand names:\n"]
NAMES = [["crumbcraft", "doughbell"], ["furfect", "pawparlour", "snip"]]


def test_each_name_is_read_as_if_it_stood_alone(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    question = Question.of(tokenizer)
    with torch.no_grad():
        together = opinions(model, branch(PROMPTS, NAMES, tokenizer), question)
    alone, verdicts = [], []
    for prompt, names in zip(PROMPTS, NAMES, strict=True):
        for name in names:
            root = len(tokenizer(prompt)["input_ids"])
            ids = torch.tensor([tokenizer(f"{prompt}{name}\n")["input_ids"]])
            with torch.no_grad():
                chances = torch.log_softmax(model(input_ids=ids).logits[0, root - 1 : -1], dim=-1)
                asked = model(input_ids=torch.tensor([tokenizer(f"{prompt}{name} ?")["input_ids"]])).logits[0, -1]
            alone.append(float(chances.gather(1, ids[0, root:, None]).sum()))
            verdicts.append(float(asked[question.yes] - asked[question.no]))
    torch.testing.assert_close(together.log_probabilities, torch.tensor(alone), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(together.verdicts, torch.tensor(verdicts), rtol=1e-4, atol=1e-4)
    assert len(together.tokens) == len(alone)
    assert int(together.tokens.min()) >= 2


def test_the_loss_falls_as_the_better_name_leads_and_knows_no_pairs_across_businesses() -> None:
    worth, business = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([0, 0, 1])
    even = preference_loss(torch.tensor([-2.0, -2.0, -9.0]), worth, business, 2, 1)
    leads = preference_loss(torch.tensor([-1.0, -2.0, -9.0]), worth, business, 2, 1)
    assert float(even) == pytest.approx(1.3133, abs=1e-4)
    assert float(leads) == pytest.approx(0.3133, abs=1e-4)
    assert float(preference_loss(torch.zeros(2), torch.ones(2), torch.zeros(2), 2, 1)) == 0


def test_ratings_come_a_line_a_name_or_a_line_a_description(tmp_path: Path) -> None:
    names, lists = tmp_path / "names.csv", tmp_path / "lists.csv"
    names.write_text("description,name,rating,generator\na,x,good,\na,y,bad,\nb,z,acceptable,v2\n")
    lists.write_text("description,good,acceptable,bad\na,w,,\nc,p q,r,s\n")
    assert read_worth([names, lists]) == {
        "a": {"x": 1.0, "y": 0.0, "w": 1.0},
        "b": {"z": 0.5},
        "c": {"p": 1.0, "q": 1.0, "r": 0.5, "s": 0.0},
    }
    assert read_asked(names) == {"b"}


def test_accuracy_counts_pairs_of_unlike_worth(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    with torch.no_grad():
        said = opinions(model, branch(PROMPTS[:1], NAMES[:1], tokenizer), Question.of(tokenizer))
    first, second = (said.log_probabilities / said.tokens).tolist()
    rated = [RatedBusiness(PROMPTS[0], [], NAMES[0], [1.0, 0.0])]
    measured = accuracy(model, tokenizer, rated, hints=5)
    assert measured.likelier == float(first > second)
    assert measured.verdict == float(said.verdicts[0] > said.verdicts[1])
    assert measured.first_five == 0.5
    assert accuracy(model, tokenizer, [RatedBusiness(PROMPTS[0], [], NAMES[0], [0.5, 0.5])], hints=5).verdict == 0

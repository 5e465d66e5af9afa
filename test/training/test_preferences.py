"""Rated names as a lesson: what stands in one sequence reads as if each name stood alone."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from domain_training.bases import load_gguf
from domain_training.data import Row
from domain_training.paths import MODELS
from domain_training.preferences import (
    RatedBusiness,
    branch,
    name_log_probabilities,
    pair_accuracy,
    preference_loss,
    read_rated,
)

PROMPTS = ["Business: bakery\nBrand names:\n", "Business: a dog groomer in lyon\nWords: fur, paw\nBrand names:\n"]
NAMES = [["crumbcraft", "doughbell"], ["furfect", "pawparlour", "snip"]]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    _, tokenizer = load_gguf(MODELS / "v2" / "model.gguf", torch.float32)
    return tokenizer


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config).eval()


def test_each_name_is_as_likely_as_it_is_alone(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    with torch.no_grad():
        together, tokens = name_log_probabilities(model, branch(PROMPTS, NAMES, tokenizer))
    alone = []
    for prompt, names in zip(PROMPTS, NAMES, strict=True):
        for name in names:
            root = len(tokenizer(prompt)["input_ids"])
            ids = torch.tensor([tokenizer(f"{prompt}{name}\n")["input_ids"]])
            with torch.no_grad():
                chances = torch.log_softmax(model(input_ids=ids).logits[0, root - 1 : -1], dim=-1)
            alone.append(float(chances.gather(1, ids[0, root:, None]).sum()))
    torch.testing.assert_close(together, torch.tensor(alone), rtol=1e-4, atol=1e-4)
    assert len(tokens) == len(alone)
    assert int(tokens.min()) >= 2


def test_the_loss_falls_as_the_better_name_leads_and_knows_no_pairs_across_businesses() -> None:
    worth, business = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([0, 0, 1])
    even = preference_loss(torch.tensor([-2.0, -2.0, -9.0]), worth, business, 2, 1)
    leads = preference_loss(torch.tensor([-1.0, -2.0, -9.0]), worth, business, 2, 1)
    assert float(even) == pytest.approx(1.3133, abs=1e-4)
    assert float(leads) == pytest.approx(0.3133, abs=1e-4)
    assert float(preference_loss(torch.zeros(2), torch.ones(2), torch.zeros(2), 2, 1)) == 0


def test_businesses_whose_names_a_generator_was_asked_about_are_held_out(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("description,name,rating,generator\na,x,good,\na,y,bad,\nb,z,acceptable,v2\nc,w,bad,\n")
    told = {"a": Row("A", [], []), "b": Row("B", [], [])}
    taught, held_out = read_rated(path, told)
    assert [(one.row.prompt, one.names, one.worth) for one in taught] == [("A", ["x", "y"], [1.0, 0.0])]
    assert [one.names for one in held_out] == [["z"]]


def test_accuracy_counts_pairs_of_unlike_worth(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase) -> None:
    with torch.no_grad():
        sums, tokens = name_log_probabilities(model, branch(PROMPTS[:1], NAMES[:1], tokenizer))
    first, second = (sums / tokens).tolist()
    row = Row(PROMPTS[0], [], [])
    rated = [RatedBusiness(row, NAMES[0], [1.0, 0.0])]
    assert pair_accuracy(model, tokenizer, rated, PROMPTS[:1]) == float(first > second)
    assert pair_accuracy(model, tokenizer, [RatedBusiness(row, NAMES[0], [0.5, 0.5])], PROMPTS[:1]) == 0

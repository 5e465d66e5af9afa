"""A bigger base is a recipe away: the same code on a tiny Mistral with random weights."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from domain_training.bases import load_base
from domain_training.config import BaseSpec, load_config
from domain_training.data import encode
from domain_training.merge import merge

PROMPT = "Business: a bakery\nBrand names:\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mistral")
    inner = Tokenizer(BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    inner.train_from_iterator([PROMPT, "doughdock", "loaflane"], trainer)
    inner.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(out)
    torch.manual_seed(1)
    config = MistralConfig(
        vocab_size=inner.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        # Wide enough that the frozen output layer can tell tokens apart; at the usual 0.02 no adapter could learn.
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
    )
    MistralForCausalLM(config).save_pretrained(out)
    return out


def test_it_builds_tokenizes_learns_and_merges(folder: Path, tmp_path: Path) -> None:
    recipe = load_config("mistral-7b")
    base = BaseSpec(source=f"path:{folder}", name="tiny", licence="none")
    model, tokenizer = load_base(base, torch.float32)
    assert tokenizer.pad_token is not None
    assert tokenizer.pad_token != tokenizer.eos_token

    row = encode(PROMPT, ["doughdock"], tokenizer, recipe.data.max_length)
    assert row["input_ids"][0] == tokenizer.bos_token_id
    assert row["input_ids"][-1] == tokenizer.eos_token_id
    learnt = [label for label in row["labels"] if label >= 0]
    assert tokenizer.decode(learnt[:-1]) == "doughdock\n"

    lora = LoraConfig(
        r=recipe.lora.r,
        lora_alpha=recipe.lora.alpha,
        target_modules=recipe.lora.target_modules,
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, lora)
    batch = {key: torch.tensor([value]) for key, value in row.items()}
    optimizer = torch.optim.AdamW(adapted.parameters(), lr=0.01)
    losses = []
    for _ in range(8):
        loss = adapted(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.8

    adapted.save_pretrained(tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32)
    with torch.no_grad():
        expected = adapted(batch["input_ids"]).logits
        assert torch.allclose(merged(batch["input_ids"]).logits, expected, atol=0.05)

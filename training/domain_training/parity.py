"""Check that what is served answers as what was trained: greedy tokens of the merged model and of its GGUFs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from domain_training.bases import load_gguf
from domain_training.config import DataSpec
from domain_training.data import IGNORED_LABEL, Row, encode, with_hints
from domain_training.paths import ROOT

TOKENS = 32
#: Half precision breaks near-ties otherwise than 32 bits do; a wrong conversion agrees almost nowhere.
F16_FLOOR = 0.9


class ParityError(Exception):
    """The F16 GGUF does not answer as the merged model does."""


def greedy_merged(folder: Path, prompts: list[str]) -> list[list[int]]:
    """Token ids that the merged model continues each prompt with, the end-of-text token included."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    outputs = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt")
        with torch.no_grad():
            out = model.generate(**ids, max_new_tokens=TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        outputs.append(out[0, ids["input_ids"].shape[1] :].tolist())
    return outputs


def greedy_gguf(path: Path, prompts_file: Path) -> list[list[int]]:
    """The same from a GGUF, through the runtime that serves it."""
    script = ROOT / "dist" / "training" / "eval" / "greedy.js"
    command = ["node", str(script), str(path), str(prompts_file), str(TOKENS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    outputs: list[list[int]] = json.loads(done.stdout.splitlines()[-1])
    return outputs


def agreement(expected: list[list[int]], actual: list[list[int]]) -> float:
    """Share of tokens, 0 to 1, up to the first difference in each list: after it the texts go their own ways."""
    same = total = 0
    for want, got in zip(expected, actual, strict=True):
        total += len(want)
        for a, b in zip(want, got, strict=False):
            if a != b:
                break
            same += 1
    return same / max(1, total)


def answer_loss(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[Row], spec: DataSpec) -> float:
    """Mean negative log-likelihood, in nats a token, of the answers of rows that show their first hints."""
    total, count = 0.0, 0
    for row in rows:
        encoded = encode(with_hints(row.prompt, row.hints[: spec.hints_min]), row.names, tokenizer, spec.max_length)
        ids, labels = torch.tensor([encoded["input_ids"]]), torch.tensor(encoded["labels"])[1:]
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, :-1]
        answer = labels != IGNORED_LABEL
        total += float(torch.nn.functional.cross_entropy(logits[answer], labels[answer], reduction="sum"))
        count += int(answer.sum())
    return total / max(1, count)


def losses(merged: Path, quantized: Path, rows: list[Row], spec: DataSpec) -> dict[str, float]:
    """What quantization costs: the loss on `rows` of the merged model and of the quantized one, dequantized."""
    full = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    merged_loss = answer_loss(full, AutoTokenizer.from_pretrained(merged), rows, spec)
    small, tokenizer = load_gguf(quantized, torch.float32)
    return {
        "loss_rows": float(len(rows)),
        "merged_loss": merged_loss,
        "quantized_loss": answer_loss(small.eval(), tokenizer, rows, spec),
    }


def check_parity(merged: Path, f16: Path, quantized: Path, prompts: list[str], work: Path) -> dict[str, float]:
    """Agreement of both GGUFs with the merged model over `prompts`.

    Raises:
        ParityError: the F16 GGUF agrees on fewer than 9 tokens in 10.
    """
    prompts_file = work / "parity-prompts.json"
    prompts_file.write_text(json.dumps(prompts))
    expected = greedy_merged(merged, prompts)
    result = {
        "prompts": float(len(prompts)),
        "f16": agreement(expected, greedy_gguf(f16, prompts_file)),
        "quantized": agreement(expected, greedy_gguf(quantized, prompts_file)),
    }
    if result["f16"] < F16_FLOOR:
        raise ParityError(f"the F16 GGUF agrees on {result['f16']:.0%} of the greedy tokens, under {F16_FLOOR:.0%}")
    return result

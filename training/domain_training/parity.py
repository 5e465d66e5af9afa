"""Check that what is served answers as what was trained: greedy tokens of the merged model and of its GGUFs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

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

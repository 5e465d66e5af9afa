# ruff: noqa: E501 - the Markdown below is one line a paragraph or a table row
"""card.json and the model card of a version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from domain_training.config import SERVED, Config
from domain_training.export import llama_cpp_release, sha256
from domain_training.paths import ROOT


def config_hash(config: Config) -> str:
    """Hex digest of the recipe, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config.model_dump(), sort_keys=True).encode()).hexdigest()


def make_card(
    config: Config, model: Path, *, training: dict[str, float], parity: dict[str, float], refusals: int, rows: int
) -> dict[str, Any]:
    """What a version is: recipe, data and base, hashed, with how it was trained and what it measures."""
    return {
        "version": config.version,
        "base": {"name": config.base.name, "source": config.base.source, "licence": config.base.licence},
        "quantization": config.export.quantization,
        "embeddings": config.export.embeddings,
        "sha256": sha256(model),
        "bytes": model.stat().st_size,
        "embedder": "../embedder",
        "dataset": {
            "path": config.data.dataset,
            "sha256": sha256(ROOT / config.data.dataset),
            "rows": rows,
            "refusals": refusals,
        },
        "memory": {"path": config.data.memory, "sha256": sha256(ROOT / config.data.memory)},
        "config_sha256": config_hash(config),
        "config": config.model_dump(),
        "training": training,
        "parity": parity,
        "llama_cpp": llama_cpp_release(),
    }


def lesson(card: dict[str, Any]) -> str:
    """Rows of the card's table: how the version was taught."""
    training, config = card["training"], card["config"]
    steps = f"{training['epochs']:.2f} epochs, {training['steps']:.0f} steps"
    loss = f"{training['eval_loss']:.3f} nats a token"
    if lora := config.get("lora"):
        return f"""| adapter | LoRA r={lora["r"]}, alpha={lora["alpha"]}, on {lora["target_modules"]} |
| trained | {steps}, best validation loss {loss} |"""
    align = config["align"]
    return f"""| goes on from | {config["base"]["source"].removeprefix(SERVED)}, all weights, on the grid of its file |
| trained | {training["steps"]:.0f} steps over {training["rated_names"]:.0f} rated names of {training["rated_businesses"]:.0f} businesses ({", ".join(f"`{path}`" for path in align["ratings"])}), {training["texts"]:.0f} texts, {training["harmful_texts"]:.0f} of them to refuse, and {training["train_rows"]:.0f} rows again |
| held out | validation loss {loss}; of names of one business rated unlike, the better one is the likelier in {training["eval_likelier"]:.1%} of pairs and has the better verdict in {training["eval_verdict"]:.1%} |"""


def model_card(card: dict[str, Any]) -> str:
    """The card as prose for people, in Markdown."""
    parity, dataset = card["parity"], card["dataset"]
    return f"""# {card["version"]}

{card["base"]["name"]} ({card["base"]["licence"]}), fine-tuned to answer a business description with short brand names, one a
line, or with nothing where the business is harmful. Served by domain.yours through node-llama-cpp.

| | |
| --- | --- |
| file | `model.gguf`, {card["quantization"]} with {card["embeddings"]} embeddings, {card["bytes"] / 1e6:.1f} MB |
| sha256 | `{card["sha256"]}` |
| data | `{dataset["path"]}`, {dataset["rows"]} rows, {dataset["refusals"]} of them refusals |
| memory | the rows of `{card["memory"]["path"]}`, in `recall.json`, `recall.bin` and `metric.bin` |
{lesson(card)}
| parity | greedy tokens as the merged model's: F16 {parity["f16"]:.1%}, {card["quantization"]} {parity["quantized"]:.1%}, over {parity["prompts"]:.0f} prompts |
| loss of held-out answers | {parity["merged_loss"]:.3f} nats a token, quantized {parity["quantized_loss"]:.3f} |
| runtime | llama.cpp {card["llama_cpp"]} |

![Loss and learning rate](curves.png)

## Use
The prompt is `Business: <description, lower case>`, optionally a line `Words: <hints>`, then `Brand names:`; the answer
is a name a line. The hints are part-words that `recall.json` and `recall.bin` find near the description.

## Limits
It was taught mostly in English and knows the world of a small model. It writes nonsense, unfit and taken names as well
as good ones, which is why the service samples many and keeps few; its own refusals are a second net and not a filter.
Names are not checked for availability or trademarks.
"""


def write_card(card: dict[str, Any], folder: Path) -> None:
    """Write card.json and README.md."""
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    (folder / "README.md").write_text(model_card(card))

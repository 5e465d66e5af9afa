"""`npm run train -- VERSION`: the whole way from a dataset to a served model, step by step, resumable."""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from domain_training.align import Aligner, Lessons
from domain_training.bases import load_gguf
from domain_training.card import config_hash, make_card, write_card
from domain_training.config import EMBEDDER, SAFETY, SERVED, Config, config_names, load_config, smoke
from domain_training.curves import plot_curves
from domain_training.data import Row, read_rows, split_rows
from domain_training.embedder import load_embedder_config, train_embedder
from domain_training.export import convert, quantize_gguf
from domain_training.grid import write_on_grid
from domain_training.importance import column_importance
from domain_training.merge import merge
from domain_training.node import run_script
from domain_training.parity import check_parity, losses
from domain_training.paths import MODELS, ROOT, RUNS
from domain_training.preferences import RatedBusiness, read_asked, read_worth
from domain_training.ranker import RATINGS, read_ratings, write_ranker
from domain_training.refusals import Text, all_log_odds, fit_second_opinion, prefilter_margins, read_texts
from domain_training.safety import load_safety_config, split, train_safety
from domain_training.safety import read_rows as read_safety_rows
from domain_training.sft import pick_device, run_sft

Part = TypeVar("Part")

PARITY_PROMPTS = 12
#: Rows that show which columns of the matrices matter, and rows that show what quantization costs.
IMPORTANCE_ROWS = 128
LOSS_ROWS = 96
SMOKE_DATASET_ROWS = SMOKE_ROWS = 48


def required(part: Part | None) -> Part:
    """A part of the recipe that the step at hand is never reached without.

    Raises:
        ValueError: it is missing.
    """
    if part is None:
        raise ValueError("this recipe has no such step")
    return part


@dataclass(frozen=True)
class Run:
    """One training run: its recipe and the folder that holds all it makes on the way."""

    config: Config
    folder: Path
    device: str
    smoke: bool

    @property
    def out(self) -> Path:
        """The version's folder; a smoke run keeps to its own."""
        return self.folder / "model" if self.smoke else MODELS / self.config.version

    def rows(self) -> list[Row]:
        """The rows that `prepare` wrote, in the dataset's order."""
        return read_rows(self.folder / "rows.jsonl")[: SMOKE_ROWS if self.smoke else None]

    @property
    def base(self) -> Path:
        """The GGUF that a second lesson goes on from."""
        return MODELS / self.config.base.source.removeprefix(SERVED) / "model.gguf"

    def split(self) -> tuple[list[Row], list[Row]]:
        """Rows that are taught, and rows held out."""
        if self.config.sft:
            return split_rows(self.rows(), self.config.data.validation_share, self.config.sft.seed)
        lessons = self.lessons()
        return lessons.rows, lessons.held_out_rows

    def lessons(self) -> Lessons:
        """What a second lesson teaches; businesses whose names a generator was asked about are held out."""
        spec, rows = required(self.config.align), self.rows()
        with (ROOT / self.config.data.dataset).open(newline="") as file:
            names_of = {row["description"]: tuple(json.loads(row["suggestions"])) for row in csv.DictReader(file)}
        asked = read_asked(ROOT / spec.ratings[0])
        kept_away = {names_of[description] for description in asked if description in names_of}
        rated: tuple[list[RatedBusiness], list[RatedBusiness]] = ([], [])
        worth = read_worth([ROOT / path for path in spec.ratings])
        for line in (self.folder / "described.jsonl").read_text().splitlines():
            row = json.loads(line)
            description = row["description"]
            is_asked = description in asked
            if is_asked or names_of.get(description) not in kept_away:
                names, values = map(list, zip(*worth[description].items(), strict=True))
                rated[is_asked].append(RatedBusiness(row["prompt"], row["hints"], names, values))
        texts, held_out_texts = self.texts()
        return Lessons(
            rows=[row for row in rows if tuple(row.names) not in kept_away],
            rated=rated[False],
            texts=texts,
            held_out_rows=[row for row in rows if tuple(row.names) in kept_away],
            held_out_rated=rated[True],
            held_out_texts=held_out_texts,
        )

    def texts(self) -> tuple[list[Text], list[Text]]:
        """Texts to allow or refuse that are taught, and those held out: of the classifier's rows the same as there."""
        spec, classifier = required(self.config.align), load_safety_config()
        told = {text.description: text for text in read_texts(self.folder / "texts.jsonl")}
        parts: tuple[list[Text], list[Text]] = ([], [])
        for path in spec.texts:
            share = classifier.validation_share if path == classifier.rows else spec.texts_held_out
            sides = split(read_safety_rows(ROOT / path), share, random.Random(classifier.seed))
            for side, rows in zip(parts, sides, strict=True):
                side += [told[row.description] for row in rows if row.description in told]
        return parts

    @property
    def dataset(self) -> Path:
        """The dataset that is taught; a smoke run cuts its own."""
        return self.folder / "dataset.csv" if self.smoke else ROOT / self.config.data.dataset


def cut_dataset(whole: Path, part: Path) -> None:
    """Write a handful of rows for a smoke run: the first, and some of the last."""
    with whole.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows[:SMOKE_DATASET_ROWS], *rows[-SMOKE_DATASET_ROWS // 4 :]])


def prepare(run: Run) -> None:
    """Index the memory for recall, and write rows.jsonl with the hints of each row of the dataset.

    For a second lesson rows.jsonl has a part of the rows, as the service reads them, and what raters and labels tell of
    stands in described.jsonl and texts.jsonl.
    """
    memory = ROOT / run.config.data.memory
    if run.smoke:
        memory = run.dataset
        cut_dataset(ROOT / run.config.data.dataset, memory)
    embedder = MODELS / EMBEDDER / "model.gguf"
    arguments = [memory, embedder, run.out]
    spec = run.config.align
    if not spec:
        arguments += [run.dataset, run.folder / "rows.jsonl"]
    run_script("recall-index", *arguments)
    if not spec:
        return
    asked = {
        "memory": run.config.data.memory,
        "rows": spec.drawn_rows,
        "ratings": spec.ratings,
        "texts": spec.texts,
        "seed": spec.seed,
        **({"limit": SMOKE_ROWS} if run.smoke else {}),
    }
    lesson = run.folder / "lesson.json"
    lesson.write_text(json.dumps(asked))
    run_script("lesson", run.base.parent.name, lesson, run.folder)


def sft(run: Run) -> None:
    """Fine-tune the adapter."""
    lora, spec = required(run.config.lora), required(run.config.sft)
    result = run_sft(run.config, lora, spec, run.folder, run.split(), run.device)
    (run.folder / "training.json").write_text(json.dumps(result, indent=2))


def align(run: Run) -> None:
    """Teach raters' preferences, what to refuse, and rows again, on the grid of the base."""
    result = Aligner(required(run.config.align), run.config.data, run.folder, run.base, run.lessons()).train()
    (run.folder / "training.json").write_text(json.dumps(result, indent=2))


def merge_step(run: Run) -> None:
    """Fold the adapter into the base."""
    merge(run.config.base, run.folder / "adapter", run.folder / "merged")


def gguf(run: Run) -> None:
    """Convert the merged model to an F16 GGUF."""
    convert(run.folder / "merged", run.folder / "f16.gguf")


def quantize(run: Run) -> None:
    """Quantize the GGUF into the version's folder; what a second lesson leaves goes onto the grid of its base."""
    run.out.mkdir(parents=True, exist_ok=True)
    if run.config.align:
        model = AutoModelForCausalLM.from_pretrained(run.folder / "merged", dtype=torch.float32)
        write_on_grid(model, run.base, run.out / "model.gguf")
        return
    export, data = run.config.export, run.config.data
    taught, _ = run.split()
    importance = column_importance(run.folder / "merged", taught[:IMPORTANCE_ROWS], data.hints_min, data.max_length)
    quantize_gguf(run.folder / "f16.gguf", run.out / "model.gguf", export.quantization, export.embeddings, importance)


def refuse(run: Run) -> None:
    """Fit how the model's own refusals count beside the prefilter."""
    _, texts = run.texts()
    model, tokenizer = load_gguf(run.out / "model.gguf", torch.float32)
    log_odds = all_log_odds(model.eval(), tokenizer, texts, run.config.data.max_length).astype(np.float64)
    margins, harmful = prefilter_margins(texts, run.folder), np.array([text.is_harmful for text in texts])
    opinion = fit_second_opinion(margins, log_odds, harmful)
    for who, refused in (("the prefilter", margins >= 0), ("with the model's", opinion.refuses(margins, log_odds))):
        recall, wrong = refused[harmful].mean(), refused[~harmful].mean()
        print(f"held-out texts refused by {who}: {recall:.1%} of the harmful, {wrong:.1%} of the lawful")
    (run.folder / "second-opinion.json").write_text(json.dumps(asdict(opinion)))


def rank(run: Run) -> None:
    """Fit the ranker that chooses among the model's names."""
    write_ranker(read_ratings(RATINGS, run.config.version), run.out)


def parity(run: Run) -> None:
    """Compare greedy tokens of the merged model and of both GGUFs."""
    rows = read_rows(run.folder / "rows.jsonl")
    prompts = [row.prompt for row in rows[:: max(1, len(rows) // PARITY_PROMPTS)]][:PARITY_PROMPTS]
    merged, quantized = run.folder / "merged", run.out / "model.gguf"
    result = check_parity(merged, run.folder / "f16.gguf", quantized, prompts, run.folder)
    _, held_out = run.split()
    result |= losses(merged, quantized, held_out[:LOSS_ROWS], run.config.data)
    print(f"parity: F16 {result['f16']:.1%}, {run.config.export.quantization} {result['quantized']:.1%}")
    print(f"loss of held-out answers: {result['merged_loss']:.3f}, quantized {result['quantized_loss']:.3f}")
    (run.folder / "parity.json").write_text(json.dumps(result, indent=2))


def card(run: Run) -> None:
    """Write card.json, the model card and the curves."""
    rows = read_rows(run.folder / "rows.jsonl")
    training = json.loads((run.folder / "training.json").read_text())
    made = make_card(
        run.config,
        run.out / "model.gguf",
        training=training,
        parity=json.loads((run.folder / "parity.json").read_text()),
        refusals=sum(not row.names for row in rows),
        rows=len(rows),
    )
    if run.config.align:
        made["second_opinion"] = json.loads((run.folder / "second-opinion.json").read_text())
    if run.smoke:
        made["embedder"] = os.path.relpath(MODELS / EMBEDDER, run.out)
    plot_curves(run.folder / "metrics.jsonl", run.out / "curves.png")
    write_card(made, run.out)


STEPS: dict[str, Callable[[Run], None]] = {
    "prepare": prepare,
    "align": align,
    "sft": sft,
    "merge": merge_step,
    "gguf": gguf,
    "quantize": quantize,
    "refuse": refuse,
    "rank": rank,
    "parity": parity,
    "card": card,
}


def steps_of(config: Config) -> dict[str, Callable[[Run], None]]:
    """The steps of a recipe, in their order."""
    others = {"sft", "merge"} if config.align else {"align", "refuse"}
    return {name: step for name, step in STEPS.items() if name not in others}


def train(run: Run, only: list[str] | None, *, fresh: bool) -> None:
    """Run the steps that have not been done for this recipe, or those asked for."""
    stamp = run.folder / "done.json"
    if fresh and run.folder.exists():
        shutil.rmtree(run.folder)
    run.folder.mkdir(parents=True, exist_ok=True)
    recipe = config_hash(run.config)
    done: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    for name, step in steps_of(run.config).items():
        if only is not None and name not in only:
            continue
        if only is None and done.get(name) == recipe:
            print(f"{run.config.version} {name}: done before")
            continue
        started = time.monotonic()
        print(f"{run.config.version} {name} …", flush=True)
        step(run)
        print(f"{run.config.version} {name}: {time.monotonic() - started:.1f} s", flush=True)
        done[name] = recipe
        stamp.write_text(json.dumps(done))
    print(f"{run.config.version}: {run.out}")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="npm run train --", description=__doc__)
    parser.add_argument("versions", nargs="+", help="recipes in training/configs, or `all`, or `embedder`, or `safety`")
    parser.add_argument("--step", action="append", choices=list(STEPS), help="run this step alone (may be repeated)")
    parser.add_argument("--smoke", action="store_true", help="the whole way over a handful of rows")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left")
    parser.add_argument("--stop-on-error", action="store_true", help="do not go on to the next version after a failure")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train each version asked for. Returns 0 when all of them came through, else 1."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    versions = config_names() if options.versions == ["all"] else options.versions
    failed = []
    for version in versions:
        try:
            device = pick_device(os.environ.get("DEVICE") or "auto")
            if version == EMBEDDER:
                out = RUNS / "embedder-smoke" / "model" if options.smoke else MODELS / EMBEDDER
                train_embedder(load_embedder_config(smoke=options.smoke), RUNS / EMBEDDER, out, device)
                continue
            if version == SAFETY:
                safety = load_safety_config(smoke=options.smoke)
                out = RUNS / "safety-smoke" / "model" if options.smoke else MODELS / SAFETY
                train_safety(safety, out.parent if options.smoke else RUNS / SAFETY, out, device, smoke=options.smoke)
                continue
            config = load_config(version)
            run = Run(
                config=smoke(config) if options.smoke else config,
                folder=RUNS / (f"{version}-smoke" if options.smoke else version),
                device=device,
                smoke=options.smoke,
            )
            train(run, options.step, fresh=options.fresh or options.smoke)
        except Exception as error:
            failed.append(version)
            print(f"{version} failed: {error}", file=sys.stderr)
            if options.stop_on_error:
                break
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

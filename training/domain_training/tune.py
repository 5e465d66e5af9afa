"""`npm run tune -- VERSION`: search better values for a version's first lesson, or measure what more rows are worth.

A study (`--trials`) draws values with Optuna from the ranges of the recipe's `tune` block; every trial is taught the
same rows once and measured on the same held-out ones. A learning curve (`--rows`) teaches more and more rows with the
recipe's own values. Neither changes the recipe: a person does.
"""

from __future__ import annotations

import argparse
import copy
import csv
import dataclasses
import gc
import hashlib
import json
import math
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from domain_training.cli import Run, required, train
from domain_training.config import Config, TuneSpec, load_config, smoke_tune
from domain_training.data import Row
from domain_training.paths import DATA, RUNS
from domain_training.sft import Base, load_trainable, make_trainer, pick_device, training_arguments
from domain_training.tune_plots import Line, plot_rows, plot_study

TRIALS = 12
#: What is drawn, as reports show it.
REPORTED = ["r", "alpha", "learning_rate", "scheduler", "batch_size"]
SMOKE_TRIALS = 2
#: Trials that are drawn at random, and run to their end, before the sampler and the pruner go by what they have seen.
STARTUP_TRIALS = 4
#: The trainer averages batches, so its figure depends a little on their size: one size for all trials.
EVALUATION_BATCH = 16
#: Parts of the recipe that may change between the trials of one study: each draws them itself, or never comes to them.
NOT_COMPARED: dict[str, Any] = {
    "lora": {"r", "alpha"},
    "sft": {"learning_rate", "scheduler", "batch_size", "epochs", "evals_per_epoch", "early_stopping_patience"},
    "export": True,
    "report_to": True,
}
#: PED-ANOVA asks what the better half of the trials has in common; the usual tenth would be one trial of a dozen.
BETTER_SHARE = 0.5
IMPORTANCE_TRIALS = 4

#: What a trial draws, under the names of the recipe; `alpha_ratio` is alpha over the rank.
Values = dict[str, Any]
Rows = tuple[list[Row], list[Row]]


def own_values(config: Config) -> Values:
    """The recipe's own values, as a trial would draw them."""
    lora, sft = required(config.lora), required(config.sft)
    return {
        "r": lora.r,
        "alpha_ratio": lora.alpha // lora.r,
        "learning_rate": sft.learning_rate,
        "scheduler": sft.scheduler,
        "batch_size": sft.batch_size,
    }


def with_values(config: Config, values: Values) -> Config:
    """The recipe with a trial's values instead of its own."""
    lora, sft = required(config.lora), required(config.sft)
    adapter = {"r": values["r"], "alpha": values["r"] * values["alpha_ratio"]}
    lesson = {name: values[name] for name in ("learning_rate", "scheduler", "batch_size")}
    return config.model_copy(
        update={"lora": lora.model_copy(update=adapter), "sft": sft.model_copy(update=lesson)},
    )


def search_space(spec: TuneSpec) -> dict[str, BaseDistribution]:
    """The ranges of the recipe as Optuna's distributions."""
    lowest, highest = spec.learning_rate
    return {
        "r": CategoricalDistribution(spec.r),
        "alpha_ratio": CategoricalDistribution(spec.alpha_ratio),
        "learning_rate": FloatDistribution(lowest, highest, log=True),
        "scheduler": CategoricalDistribution(spec.scheduler),
        "batch_size": CategoricalDistribution(spec.batch_size),
    }


def draw_rows(taught: list[Row], held_out: list[Row], spec: TuneSpec) -> Rows:
    """All taught rows in random order, of which the first so many are a fixed subset; and the rows to measure on.

    Raises:
        ValueError: fewer rows are held out than the recipe asks for.
    """
    rng = random.Random(spec.seed)
    order = rng.sample(taught, len(taught))
    return order, first(rng.sample(held_out, len(held_out)), spec.validation_rows, "held out")


def first(rows: list[Row], count: int, which: str) -> list[Row]:
    """The first `count` rows.

    Raises:
        ValueError: there are not so many.
    """
    if len(rows) < count:
        raise ValueError(f"{count} rows were asked for, and {len(rows)} are {which}")
    return rows[:count]


def digest(*parts: object) -> str:
    """Hex digest of what losses depend on, so that only like is compared with like."""
    text = json.dumps(parts, sort_keys=True, default=dataclasses.asdict)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Measured:
    """One lesson: optimizer steps, seconds of training with its evaluations, and the last loss (nats a token)."""

    steps: int
    seconds: float
    loss: float


class Watch(TrainerCallback):
    """Tell Optuna each evaluation's loss by rows seen; end training when Optuna prunes or the loss is no number."""

    def __init__(self, trial: Trial, rows_per_step: int) -> None:
        self._trial = trial
        self._rows_per_step = rows_per_step
        self.pruned = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **_: Any,  # noqa: ANN401 - the trainer hands callbacks whatever it has
    ) -> None:
        loss = metrics["eval_loss"]
        self._trial.report(loss, state.global_step * self._rows_per_step)
        self._trial.set_user_attr("steps", state.global_step)
        if not math.isfinite(loss):
            control.should_training_stop = True
        elif state.global_step < state.max_steps:  # At its end a trial has come through, however badly.
            self.pruned = control.should_training_stop = self._trial.should_prune()


@dataclass(frozen=True)
class Pupil:
    """The base that every adapter is taught on, never changed itself, and where it is trained."""

    base: Base
    device: str


def load_pupil(run: Run) -> Pupil:
    """The base of the run's recipe, loaded once for all that is taught on it."""
    return Pupil(load_trainable(run.config, required(run.config.sft).precision, run.device), run.device)


def teach(pupil: Pupil, config: Config, rows: Rows, *, evaluations: int, callbacks: list[TrainerCallback]) -> Measured:
    """Teach a new adapter the rows once and measure it on the held-out ones; nothing of it is kept.

    Args:
        rows: to teach, and held out.
        evaluations: how many times, at equal distances, the last time at the end.
    """
    lora = required(config.lora)
    sft = required(config.sft).model_copy(update={"epochs": 1.0, "evals_per_epoch": evaluations})
    arguments = training_arguments(
        config,
        sft,
        RUNS / "tune",
        pupil.device,
        len(rows[0]),
        per_device_eval_batch_size=EVALUATION_BATCH,
        save_strategy="no",
        load_best_model_at_end=False,
        report_to="none",
    )
    # The adapter's first weights are the same for every trial of one rank, whatever came before it.
    set_seed(sft.seed)
    started = time.monotonic()
    model, tokenizer = pupil.base
    trainer = make_trainer(config.data, lora, (copy.deepcopy(model), tokenizer), rows, arguments, callbacks)
    trainer.train()
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    return Measured(trainer.state.global_step, time.monotonic() - started, losses[-1])


def open_study(path: Path, spec: TuneSpec, comparable: str) -> Study:
    """The study in a SQLite file, made where there is none.

    Args:
        comparable: digest of what all trials of a study have in common.

    Raises:
        ValueError: its earlier trials were measured otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The median, not successive halving: a dozen trials are too few to fill its rungs, and all report at equal rows.
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=spec.rows // 2)
    study = optuna.create_study(
        study_name="tune", storage=f"sqlite:///{path}", pruner=pruner, direction="minimize", load_if_exists=True
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # Its process was killed.
        study.tell(trial.number, state=TrialState.FAIL)
    # Seeded by the trials there are: a study that goes on does not draw its first values again.
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=spec.seed + len(study.trials))
    if study.user_attrs.setdefault("comparable", comparable) != comparable:
        raise ValueError(f"the recipe's ranges or rows have changed since {path.name} was begun; --fresh forgets it")
    study.set_user_attr("comparable", comparable)
    return study


def own_trial(study: Study, config: Config) -> FrozenTrial | None:
    """The trial that ran with the recipe's own values, where one came through or was pruned."""
    ran = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    return next((trial for trial in ran if trial.params == own_values(config)), None)


def best_trial(study: Study) -> FrozenTrial | None:
    """The completed trial with the lowest loss, where there is one."""
    completed = study.get_trials(states=(TrialState.COMPLETE,))
    return min(completed, key=lambda trial: trial.value or math.inf, default=None)


def run_trial(study: Study, pupil: Pupil, config: Config, rows: Rows) -> None:
    """Draw values, teach with them, and tell the study how it went; a loss that is no number fails the trial alone."""
    spec = required(config.tune)
    trial = study.ask(search_space(spec))
    drawn = with_values(config, trial.params)
    sft = required(drawn.sft)
    watch = Watch(trial, sft.batch_size * sft.gradient_accumulation)
    print(f"trial {trial.number}: {trial.params}", flush=True)
    try:
        measured = teach(pupil, drawn, rows, evaluations=spec.evaluations, callbacks=[watch])
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    if watch.pruned:
        study.tell(trial, state=TrialState.PRUNED)
    elif math.isfinite(measured.loss):
        study.tell(trial, measured.loss)
    else:
        study.tell(trial, state=TrialState.FAIL)
    state = study.trials[trial.number].state.name.lower()
    print(f"trial {trial.number}: {state}, {measured.loss:.4f} nats a token, {measured.seconds:.0f} s", flush=True)


def search(study: Study, pupil: Pupil, config: Config, rows: Rows, trials: int) -> None:
    """Run so many more trials, the recipe's own values first where they have not been tried."""
    if own_trial(study, config) is None:
        study.enqueue_trial(own_values(config))
    for _ in range(trials):
        run_trial(study, pupil, config, rows)
        gc.collect()  # Trainers stand in circles of references, and the next trial's model needs the room.


def importances(study: Study) -> dict[str, float]:
    """Share of each value in how the loss varies, summing to 1; empty where too few trials have come through.

    PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255): fANOVA would need scikit-learn.
    """
    if len({trial.value for trial in study.get_trials(states=(TrialState.COMPLETE,))}) < IMPORTANCE_TRIALS:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BETTER_SHARE)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


def trial_record(trial: FrozenTrial, evaluated_at: list[int]) -> dict[str, Any]:
    """A trial as a row of the report: losses in nats a token, the final one where the trial came to its end."""
    values = dict(trial.params)
    if values:
        values["alpha"] = values["r"] * values.pop("alpha_ratio")
    return {
        "trial": trial.number,
        "state": trial.state.name,
        **values,
        "steps": trial.user_attrs.get("steps", 0),
        "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
        **{f"loss_at_{rows}_rows": trial.intermediate_values.get(rows) for rows in evaluated_at},
        "loss": trial.value if trial.state == TrialState.COMPLETE else None,
    }


def write_table(path: Path, columns: list[str], records: list[dict[str, Any]]) -> None:
    """A CSV of records; what a record lacks is left empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def lines(study: Study, config: Config) -> list[Line]:
    """The trials as lines of the plot."""
    best, own = best_trial(study), own_trial(study, config)
    return [
        Line(
            number=trial.number,
            points=sorted(trial.intermediate_values.items()),
            completed=trial.state == TrialState.COMPLETE,
            best=best is not None and trial.number == best.number,
            own=own is not None and trial.number == own.number,
        )
        for trial in study.trials
    ]


def report_study(study: Study, config: Config, reports: Path, name: str) -> None:
    """Write `tune-<name>.csv` and `tune-<name>.svg` and print the best trial beside the recipe's own."""
    spec = required(config.tune)
    evaluated_at = [spec.rows * (place + 1) // spec.evaluations for place in range(spec.evaluations)]
    losses = [f"loss_at_{rows}_rows" for rows in evaluated_at]
    columns = ["trial", "state", *REPORTED, "steps", "seconds", *losses, "loss"]
    ran = [trial for trial in study.trials if trial.state.is_finished()]
    write_table(reports / f"tune-{name}.csv", columns, [trial_record(trial, evaluated_at) for trial in ran])
    plot_study(lines(study, config), importances(study), reports / f"tune-{name}.svg")
    print(beside(best_trial(study), own_trial(study, config), evaluated_at))


def beside(best: FrozenTrial | None, own: FrozenTrial | None, evaluated_at: list[int]) -> str:
    """The best trial and the recipe's own, a line a value."""
    if best is None:
        return "no trial has come through"
    trials = {"best": best} | ({"recipe's own": own} if own else {})
    records = {title: trial_record(trial, evaluated_at) for title, trial in trials.items()}
    names = ["trial", "state", *REPORTED, "steps", "seconds", "loss"]
    table = [["", *records]]
    for name in names:
        shown = [record[name] for record in records.values()]
        table.append([name, *(f"{value:.4g}" if isinstance(value, float) else str(value) for value in shown)])
    return "\n".join("".join(cell.ljust(22) for cell in row).rstrip() for row in table)


def study_values(run: Run, rows: Rows, trials: int, reports: Path, name: str, *, fresh: bool) -> None:
    """Search, and report what has been found: at the end, and as well when the search is interrupted."""
    config, spec = run.config, required(run.config.tune)
    taught, held_out = first(rows[0], spec.rows, "taught"), rows[1]
    path = RUNS / "tune" / f"{name}.db"
    if fresh:
        path.unlink(missing_ok=True)
    comparable = digest(config.model_dump(exclude=NOT_COMPARED), spec.model_dump(), taught, held_out)
    study = open_study(path, spec, comparable)
    try:
        if trials:
            search(study, load_pupil(run), config, (taught, held_out), trials)
    finally:
        report_study(study, config, reports, name)


def study_rows(run: Run, rows: Rows, sizes: list[int], reports: Path, name: str, *, fresh: bool) -> None:
    """Teach each number of rows that has not been measured for this recipe, and report all that have.

    The subsets are nested: each begins with the rows of the smaller ones.
    """
    config = run.config
    taught, held_out = rows
    first(taught, max(sizes), "taught")
    path = RUNS / "tune" / f"{name}-rows.jsonl"
    if fresh:
        path.unlink(missing_ok=True)
    comparable = digest(config.model_dump(exclude={"export", "report_to"}), taught, held_out)
    missing = sorted(set(sizes) - {record["rows"] for record in read_measured(path, comparable)})
    pupil = load_pupil(run) if missing else None
    for size in missing:
        print(f"{size} rows …", flush=True)
        measured = teach(required(pupil), config, (taught[:size], held_out), evaluations=1, callbacks=[])
        record = {"rows": size, **dataclasses.asdict(measured), "comparable": comparable}
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        gc.collect()
    report_rows(read_measured(path, comparable), reports, name)


def read_measured(path: Path, comparable: str) -> list[dict[str, Any]]:
    """Measured sizes, the smallest first, of those lines that this recipe and these rows have written."""
    if not path.exists():
        return []
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted((record for record in records if record["comparable"] == comparable), key=lambda it: it["rows"])


def report_rows(records: list[dict[str, Any]], reports: Path, name: str) -> None:
    """Write `rows-<name>.csv` and `rows-<name>.svg`, with `memory-<name>.csv` in it where that has been measured."""
    columns = ["rows", "steps", "seconds", "loss"]
    table = [
        {**{column: record[column] for column in columns}, "seconds": round(record["seconds"], 1)} for record in records
    ]
    write_table(reports / f"rows-{name}.csv", columns, table)
    memory = reports / f"memory-{name}.csv"
    remembered: list[tuple[float, float]] = []
    if memory.exists():
        with memory.open(newline="") as file:
            remembered = sorted((float(it["businesses"]), float(it["fitting_mean"])) for it in csv.DictReader(file))
    plot_rows([(record["rows"], record["loss"]) for record in records], remembered, reports / f"rows-{name}.svg")


def row_counts(text: str) -> list[int]:
    """Numbers of rows with commas between, for argparse.

    Raises:
        ValueError: one of them is no whole number above 0.
    """
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < 1:
        raise ValueError(text)
    return sizes


def trial_count(text: str) -> int:
    """A whole number from 0, for argparse.

    Raises:
        ValueError: it is none.
    """
    count = int(text)
    if count < 0:
        raise ValueError(text)
    return count


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="npm run tune --", description=__doc__)
    parser.add_argument("version", help="a recipe in training/configs with `tune`")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--trials", type=trial_count, help=f"so many more trials, {TRIALS} by default; 0 reports alone")
    wanted.add_argument("--rows", type=row_counts, help="numbers of taught rows to compare, with commas between")
    parser.add_argument("--smoke", action="store_true", help=f"a handful of rows, {SMOKE_TRIALS} trials by default")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left")
    return parser.parse_args(arguments)


def prepared_run(version: str, *, is_smoke: bool) -> Run:
    """The version's run, with the rows that `npm run train -- VERSION --step prepare` writes.

    Raises:
        FileNotFoundError: there is no such recipe.
        ValueError: the recipe is wrong, or has no first lesson or no ranges to search.
        subprocess.CalledProcessError: the rows could not be written.
    """
    config = load_config(version)
    if config.sft is None:
        raise ValueError("its recipe has no first lesson (`lora` and `sft`) to tune")
    if config.tune is None:
        raise ValueError("its recipe has no `tune` block that says what to search")
    run = Run(
        config=smoke_tune(config) if is_smoke else config,
        folder=RUNS / (f"{version}-smoke" if is_smoke else version),
        device=pick_device(os.environ.get("DEVICE") or "auto"),
        smoke=is_smoke,
    )
    if not (run.folder / "rows.jsonl").exists():
        train(run, ["prepare"], fresh=False)
    return run


def main(arguments: list[str] | None = None) -> int:
    """Search, or measure, for the version asked for. Returns 0, or 1 when that failed, or 130 when interrupted."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    name = f"{options.version}-smoke" if options.smoke else options.version
    reports = RUNS / "tune" if options.smoke else DATA / "reports"
    try:
        run = prepared_run(options.version, is_smoke=options.smoke)
        rows = draw_rows(*run.split(), required(run.config.tune))
        if options.rows:
            study_rows(run, rows, options.rows, reports, name, fresh=options.fresh)
            return 0
        default = SMOKE_TRIALS if options.smoke else TRIALS
        trials = default if options.trials is None else options.trials
        study_values(run, rows, trials, reports, name, fresh=options.fresh)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"{options.version} failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

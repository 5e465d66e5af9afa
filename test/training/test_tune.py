"""`npm run tune`: what is searched, what is refused, and what a study leaves behind."""

import csv
import math
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from optuna.trial import TrialState, create_trial
from pydantic import ValidationError
from transformers import TrainerControl, TrainerState

from domain_training import tune
from domain_training.card import config_hash
from domain_training.cli import Run
from domain_training.config import Config, load_config
from domain_training.data import Row
from domain_training.paths import CONFIGS, RUNS
from domain_training.tune import (
    Watch,
    best_trial,
    draw_rows,
    importances,
    load_pupil,
    main,
    open_study,
    own_trial,
    own_values,
    report_rows,
    report_study,
    search_space,
    trial_record,
    with_values,
)
from domain_training.tune_plots import gains

CONFIG = load_config("v2")
SPEC = CONFIG.tune
ROWS = [Row(prompt=f"Business: {number}\nBrand names:\n", hints=[], names=[f"name{number}"]) for number in range(300)]
HALF, WHOLE = SPEC.rows // 2, SPEC.rows


def recipe(**ranges: object) -> Config:
    text = yaml.safe_load((CONFIGS / "v2.yaml").read_text())
    return Config.model_validate({**text, "tune": {**text["tune"], **ranges}})


def values(**changed: object) -> dict[str, Any]:
    return {**own_values(CONFIG), **changed}


def add(study: optuna.Study, state: TrialState, losses: dict[int, float], **changed: object) -> None:
    """A trial that is said to have run."""
    study.add_trial(
        create_trial(
            state=state,
            value=losses[WHOLE] if state == TrialState.COMPLETE else None,
            params=values(**changed),
            distributions=search_space(SPEC),
            intermediate_values=losses,
            user_attrs={"steps": 8},
        )
    )


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """The recipe's own values, three others of which the last is the best, one cut short and one that failed."""
    study = open_study(tmp_path / "v2.db", SPEC, "rows")
    add(study, TrialState.COMPLETE, {HALF: 2.5, WHOLE: 2.3})
    add(study, TrialState.COMPLETE, {HALF: 2.7, WHOLE: 2.6}, r=8)
    add(study, TrialState.COMPLETE, {HALF: 2.6, WHOLE: 2.4}, r=16, scheduler="linear")
    add(study, TrialState.COMPLETE, {HALF: 2.3, WHOLE: 2.1}, r=128, learning_rate=0.001)
    add(study, TrialState.PRUNED, {HALF: 3.5}, learning_rate=0.00005)
    add(study, TrialState.FAIL, {HALF: math.nan}, learning_rate=0.002)
    return study


def test_the_search_space_is_the_recipes() -> None:
    space = search_space(recipe(r=[32, 64], learning_rate=[0.0001, 0.001]).tune)
    assert list(space) == list(own_values(CONFIG))
    assert space["r"].choices == (32, 64)
    assert (space["learning_rate"].low, space["learning_rate"].high) == (0.0001, 0.001)
    assert space["learning_rate"].log


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"r": []}, "at least 1"),
        ({"r": [8, 16]}, "lora.r must be among"),
        ({"alpha_ratio": [1, 4]}, "lora.alpha must be among"),
        ({"learning_rate": [0.002, 0.00005]}, "the lowest and the highest"),
        ({"learning_rate": [0.00005, 0.0001]}, "sft.learning_rate must be among"),
        ({"scheduler": ["cosine", "zigzag"]}, "constant_with_warmup"),
        ({"rows": 2000}, "multiple of 32 for whole steps of 8"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_ranges_are_refused(bad: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recipe(**bad)


def test_a_second_lesson_has_no_ranges() -> None:
    text = yaml.safe_load((CONFIGS / "v4.yaml").read_text())
    with pytest.raises(ValidationError, match="which this recipe lacks"):
        Config.model_validate({**text, "tune": SPEC.model_dump()})


def test_ranges_change_nothing_in_what_is_trained() -> None:
    assert config_hash(CONFIG) == config_hash(CONFIG.model_copy(update={"tune": None}))


def test_a_trials_values_take_the_place_of_the_recipes() -> None:
    assert with_values(CONFIG, own_values(CONFIG)) == CONFIG
    drawn = with_values(CONFIG, values(r=8, alpha_ratio=4, batch_size=32))
    assert (drawn.lora.r, drawn.lora.alpha, drawn.sft.batch_size) == (8, 32, 32)


def test_the_first_trial_has_the_recipes_own_values(tmp_path: Path) -> None:
    study = open_study(tmp_path / "v2.db", SPEC, "rows")
    study.enqueue_trial(own_values(CONFIG))
    study.tell(study.ask(search_space(SPEC)), 2.0)
    study.tell(study.ask(search_space(SPEC)), 2.1)
    assert study.trials[0].params == own_values(CONFIG)
    assert study.trials[1].params != own_values(CONFIG)
    again = open_study(tmp_path / "v2.db", SPEC, "rows")
    assert own_trial(again, CONFIG).number == 0


def test_a_study_goes_on_and_ends_what_was_killed(tmp_path: Path) -> None:
    first = open_study(tmp_path / "v2.db", SPEC, "rows")
    first.ask(search_space(SPEC))
    again = open_study(tmp_path / "v2.db", SPEC, "rows")
    assert [trial.state for trial in again.trials] == [TrialState.FAIL]
    assert again.ask(search_space(SPEC)).params != first.trials[0].params


def test_a_study_of_other_rows_is_not_gone_on_with(tmp_path: Path) -> None:
    open_study(tmp_path / "v2.db", SPEC, "rows")
    with pytest.raises(ValueError, match="--fresh"):
        open_study(tmp_path / "v2.db", SPEC, "other rows")


@pytest.mark.parametrize(("loss", "stops", "pruned"), [(2.0, False, False), (9.0, True, True), (math.nan, True, False)])
def test_a_trial_that_is_worse_or_no_number_is_stopped(
    study: optuna.Study, loss: float, stops: bool, pruned: bool
) -> None:
    trial = study.ask(search_space(SPEC))
    control, watch = TrainerControl(), Watch(trial, rows_per_step=16)
    state = TrainerState(global_step=HALF // 16, max_steps=WHOLE // 16)
    watch.on_evaluate(None, state, control, {"eval_loss": loss})
    assert (control.should_training_stop, watch.pruned) == (stops, pruned)
    assert list(study.trials[-1].intermediate_values) == [HALF]


def test_a_trial_at_its_end_has_come_through(study: optuna.Study) -> None:
    control, watch = TrainerControl(), Watch(study.ask(search_space(SPEC)), rows_per_step=16)
    state = TrainerState(global_step=WHOLE // 16, max_steps=WHOLE // 16)
    watch.on_evaluate(None, state, control, {"eval_loss": 9.0})
    assert not watch.pruned


def test_the_report_has_a_row_for_every_trial(
    study: optuna.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report_study(study, CONFIG, tmp_path, "v2")
    with (tmp_path / "tune-v2.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["COMPLETE"] * 4 + ["PRUNED", "FAIL"]
    assert [row["loss"] for row in rows] == ["2.3", "2.6", "2.4", "2.1", "", ""]
    assert rows[4][f"loss_at_{HALF}_rows"] == "3.5"
    assert (rows[3]["r"], rows[3]["alpha"], rows[3]["steps"]) == ("128", "256", "8")
    shown = capsys.readouterr().out
    assert "best" in shown and "recipe's own" in shown
    svg = (tmp_path / "tune-v2.svg").read_bytes()
    assert svg.startswith(b"<?xml") and len(svg) > 10_000
    report_study(study, CONFIG, tmp_path, "v2")
    assert (tmp_path / "tune-v2.svg").read_bytes() == svg


def test_a_study_without_a_completed_trial_can_be_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = open_study(tmp_path / "v2.db", SPEC, "rows")
    add(study, TrialState.FAIL, {HALF: math.nan})
    report_study(study, CONFIG, tmp_path, "v2")
    assert (tmp_path / "tune-v2.svg").exists()
    assert "no trial has come through" in capsys.readouterr().out


def test_importances_are_shares_and_need_four_trials(study: optuna.Study, tmp_path: Path) -> None:
    shares = importances(study)
    assert set(shares) == set(own_values(CONFIG))
    assert sum(shares.values()) == pytest.approx(1)
    few = open_study(tmp_path / "few.db", SPEC, "rows")
    for trial in study.trials[1:]:
        few.add_trial(trial)
    assert importances(few) == {}
    assert best_trial(few).params["r"] == 128


def test_a_trial_that_was_never_measured_has_empty_losses(tmp_path: Path) -> None:
    study = open_study(tmp_path / "v2.db", SPEC, "rows")
    study.tell(study.ask(search_space(SPEC)), state=TrialState.FAIL)
    record = trial_record(study.trials[0], [HALF, WHOLE])
    assert record[f"loss_at_{HALF}_rows"] is record["loss"] is None


def test_subsets_are_nested_and_the_same_for_every_trial() -> None:
    taught, held_out = ROWS[: -SPEC.validation_rows], ROWS[-SPEC.validation_rows :]
    order, measured = draw_rows(taught, held_out, SPEC)
    assert (order, measured) == draw_rows(taught, held_out, SPEC)
    assert order != taught
    assert sorted(order, key=taught.index) == taught
    assert len(measured) == SPEC.validation_rows
    with pytest.raises(ValueError, match="held out"):
        draw_rows(taught, held_out[1:], SPEC)


def test_a_doubling_is_measured_between_any_two_sizes() -> None:
    assert gains([(500, 3.0), (1000, 2.8), (4000, 2.4)]) == pytest.approx([-0.2, -0.2])


def test_the_learning_curve_shows_the_memory_where_it_was_measured(tmp_path: Path) -> None:
    records = [{"rows": rows, "steps": rows // 16, "seconds": 1.0, "loss": 3 - rows / 1000} for rows in (500, 1000)]
    report_rows(records, tmp_path, "v2")
    assert (tmp_path / "rows-v2.csv").read_text().splitlines()[:2] == ["rows,steps,seconds,loss", "500,31,1.0,2.5"]
    alone = (tmp_path / "rows-v2.svg").read_text()
    header = "businesses,fitting_mean,rows_with_two,lists\n"
    (tmp_path / "memory-v2.csv").write_text(header + "1000,2.1,200,318\n500,1.9,180,318\n")
    report_rows(records, tmp_path, "v2")
    assert len((tmp_path / "rows-v2.svg").read_text()) > len(alone)


def test_a_recipe_without_a_first_lesson_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["v4"]) == 1
    assert capsys.readouterr().err == "v4 failed: its recipe has no first lesson (`lora` and `sft`) to tune\n"


def test_a_short_study_and_a_short_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tune.Pupil] = []

    def load_once(run: Run) -> tune.Pupil:
        loaded.extend([] if loaded else [load_pupil(run)])
        return loaded[0]

    monkeypatch.setattr(tune, "load_pupil", load_once)
    assert main(["v2", "--smoke", "--fresh"]) == 0
    with (RUNS / "tune" / "tune-v2-smoke.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    assert [trial["state"] for trial in trials] == ["COMPLETE", "COMPLETE"]
    assert (trials[0]["r"], trials[0]["alpha"], trials[0]["steps"]) == ("64", "128", "2")
    assert main(["v2", "--smoke", "--fresh", "--rows", "2,4"]) == 0
    curve = (RUNS / "tune" / "rows-v2-smoke.csv").read_text()
    assert [line.split(",")[0] for line in curve.splitlines()] == ["rows", "2", "4"]
    assert main(["v2", "--smoke", "--rows", "4,2"]) == 0
    # Nothing was taught again: the seconds are the same too.
    assert (RUNS / "tune" / "rows-v2-smoke.csv").read_text() == curve

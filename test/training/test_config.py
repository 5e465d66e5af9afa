"""Recipes are checked before anything runs."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from domain_training.config import config_names, load_config, smoke
from domain_training.sft import pick_device


@pytest.mark.parametrize("name", config_names())
def test_every_recipe_is_valid(name: str) -> None:
    assert load_config(name).version == name


def test_the_embedders_recipe_is_no_version() -> None:
    assert "embedder" not in config_names()


def test_a_missing_recipe_names_those_there_are() -> None:
    with pytest.raises(FileNotFoundError, match="v1"):
        load_config("v999")


def test_a_wrong_field_is_refused(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "training" / "configs" / "v1.yaml").read_text()
    (tmp_path / "bad.yaml").write_text(text.replace("epochs: ", "epochs: -"))
    with pytest.raises(ValidationError, match="epochs"):
        load_config("bad", tmp_path)
    (tmp_path / "extra.yaml").write_text(text + "surprise: 1\n")
    with pytest.raises(ValidationError, match="surprise"):
        load_config("extra", tmp_path)


def test_a_smoke_run_is_one_epoch() -> None:
    assert smoke(load_config("v1")).sft.epochs == 1


def test_the_device_is_one_that_is_there() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="allowed are auto, cuda, mps, cpu"):
        pick_device("tpu")

"""`npm run train -- VERSION --smoke`: every step runs, and the service loads what comes out."""

import json
import os
import subprocess

import pytest

from domain_training.cli import main
from domain_training.paths import ROOT, RUNS


@pytest.mark.parametrize(
    ("version", "lesson"), [("v2", "LoRA r=64"), ("v4", "goes on from | v2, all weights, on the grid of its file")]
)
def test_the_whole_way_to_a_gguf_that_the_service_loads(version: str, lesson: str) -> None:
    assert main([version, "--smoke"]) == 0
    model = RUNS / f"{version}-smoke" / "model"
    card = json.loads((model / "card.json").read_text())
    assert card["parity"]["f16"] >= 0.9
    assert card["training"]["steps"] >= 1
    assert (model / "curves.png").stat().st_size > 1000
    assert lesson in (model / "README.md").read_text()

    environment = {**os.environ, "MODEL": str(model), "GPU": "false", "UV_THREADPOOL_SIZE": "1"}
    done = subprocess.run(
        ["node", "dist/src/cli.js", "suggest", "--json", "a bakery in Leeds"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["status"] in ("ok", "refused")


def test_a_failed_version_is_reported() -> None:
    assert main(["v999"]) == 1

"""`npm run train -- v1 --smoke`: every step runs, and the service loads what comes out."""

import json
import os
import subprocess

from domain_training.cli import main
from domain_training.paths import ROOT, RUNS


def test_the_whole_way_to_a_gguf_that_the_service_loads() -> None:
    assert main(["v1", "--smoke"]) == 0
    model = RUNS / "v1-smoke" / "model"
    card = json.loads((model / "card.json").read_text())
    assert card["parity"]["f16"] >= 0.9
    assert card["training"]["steps"] >= 1
    assert (model / "curves.png").stat().st_size > 1000
    assert "LoRA r=64" in (model / "README.md").read_text()

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

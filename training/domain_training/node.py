"""What the service's own code does for training: the scripts of training/eval, run by Node from their build."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from domain_training.paths import ROOT


def run_script(name: str, *arguments: str | Path) -> None:
    """Run `dist/training/eval/<name>.js`.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    subprocess.run(["node", f"dist/training/eval/{name}.js", *map(str, arguments)], cwd=ROOT, check=True)


def answers(name: str, *arguments: str | Path, texts: list[str], work: Path) -> list[Any]:
    """What a script says of each text; it takes a JSON file of texts and one to answer in behind its other arguments.

    Args:
        work: a folder for both files.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    asked, answered = work / f"{name}-texts.json", work / f"{name}.json"
    asked.write_text(json.dumps(texts))
    run_script(name, *arguments, asked, answered)
    found: list[Any] = json.loads(answered.read_text())
    return found

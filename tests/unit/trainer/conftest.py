from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.rows import Row
from trainer.train import main

COLOURS = {
    "warm": ["red like fire", "a deep orange", "yellow as the sun", "bright red", "orange sunset", "yellow gold"],
    "cold": ["blue like ice", "a pale green sea", "blue winter sky", "icy blue", "green glass", "pale blue water"],
    "none": ["black night", "plain white", "grey as a stone", "white snow", "black coal", "grey ash"],
}


@pytest.fixture
def rows() -> list[Row]:
    return [Row(text, intent) for intent, texts in COLOURS.items() for text in texts]


@pytest.fixture
def as_csv() -> Callable[[list[Row]], str]:
    return lambda rows: "text,intent\n" + "".join(f"{row.text},{row.intent}\n" for row in rows)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, Path]]:
    """Run the trainer in this process on a data folder; the exit code and the output folder come back."""
    runs = iter(range(100))

    def _run(data: Path, *arguments: str, live: Path | None = None, **environment: str) -> tuple[int, Path]:
        output = tmp_path / f"output-{next(runs)}"
        output.mkdir()
        variables = {"SAFEGUARD_OUTPUT_DIR": str(output), "SAFEGUARD_DATA_DIR": str(data)} | environment
        return main(arguments, variables | ({"SAFEGUARD_LIVE_DIR": str(live)} if live else {})), output

    return _run


@pytest.fixture
def data(tmp_path: Path, rows: list[Row], as_csv: Callable[[list[Row]], str]) -> Path:
    """A data folder with full.csv."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "full.csv").write_text(as_csv(rows), encoding="utf-8")
    return folder

"""Giving a trained model to others through the Hugging Face Hub: its two files and a card made from what is known of it.

`Solver.load("owner/name")` reads it back; see `checkpoint.find_checkpoint`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from ponderling.checkpoint import CONFIG, MODEL, CheckpointError, load_checkpoint
from ponderling.models import count_parameters
from ponderling.pictures.plots import read_metrics
from ponderling.system import write_atomically

CARD = "README.md"


class Source(NamedTuple):
    """What is pushed."""

    folder: Path
    """With config.json and model.safetensors."""
    run: Path
    """The run folder that it belongs to; the same where there is none."""


def find_local(name: str | Path) -> Source:
    """The checkpoint folder that a run folder or checkpoint folder means.

    Raises:
        CheckpointError: when there is none; the Hub and the package are not asked.
    """
    path = Path(name)
    for folder in (path / "best", path / "last", path):
        if (folder / CONFIG).is_file() and (folder / MODEL).is_file():
            return Source(folder, path if folder != path else path.parent)
    raise CheckpointError(f"{path}: expected a run folder or a folder with {CONFIG} and {MODEL} to push")


def push(
    source: Source, repo: str, private: bool = False, token: str | None = None, endpoint: str | None = None
) -> str:
    """Makes the repository if need be, uploads checkpoint and card in one commit, and gives the repository's address.

    Args:
        source: See `find_local`.
        repo: owner/name.
        private: Nobody else may read it; has no effect on a repository that is there already.
        token: None: the one that `hf auth login` or HF_TOKEN set.
        endpoint: Another Hub than the public one, in place of HF_ENDPOINT.

    Raises:
        ValueError: for a name that is none, or without a token.
        RuntimeError: when the Hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HFValidationError

    if repo.count("/") != 1:
        raise ValueError(f"a Hub repository is owner/name: got {repo!r}")
    token = token or get_token()
    if not token:
        raise ValueError("no Hub token: run `hf auth login`, or set HF_TOKEN to a token that may write")
    card = make_card(source, repo)
    api = HfApi(endpoint=endpoint, token=token)
    with tempfile.TemporaryDirectory() as folder:
        for name in (CONFIG, MODEL):
            shutil.copyfile(source.folder / name, Path(folder) / name)
        (Path(folder) / CARD).write_text(card)
        try:
            address = api.create_repo(repo, private=private, exist_ok=True)
            api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Upload with ponderling push")
        except HFValidationError as error:
            raise ValueError(f"{repo}: no name that the Hub allows: {_first_line(error, token)}") from error
        # Whatever goes wrong: the client has changed its HTTP library twice, and their errors share no base.
        except Exception as error:
            raise RuntimeError(f"{repo}: the Hub refused, or cannot be reached: {_first_line(error, token)}") from error
    return str(address)


def _first_line(error: BaseException, token: str) -> str:
    """Why, on one line; whatever a server sends back, the token is not in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0].replace(token, "***")


def write_card(source: Source, repo: str, file: Path) -> None:
    """Writes the card to a file, to look at before pushing."""
    write_atomically(file, lambda path: path.write_text(make_card(source, repo)))


def make_card(source: Source, repo: str) -> str:
    """The model card: what it is, how it was made, how good it is, how to load it. Says of nothing more than is known.

    Raises:
        CheckpointError: when the checkpoint is damaged.
    """
    checkpoint = load_checkpoint(source.folder)
    config, info = checkpoint.config, checkpoint.info
    task, system = (
        config.data.task,
        {"trm": "TRM", "hrm": "HRM", "relational": "relational network"}[config.model.system],
    )
    parameters = count_parameters(checkpoint.model)
    rows = [
        ("network", f"{system}, {parameters:,} parameters, hidden size {config.model.hidden_size}, n {config.model.n}, "
         f"T {config.model.T}"),
        ("puzzles", f"`{task}`"),
        ("trained on", _data(config.data.train)),
        ("updates", f"{info['step']:,} of {config.train.batch_size} slots" if "step" in info else "unknown"),
        ("seed", f"{config.train.seed}"),
        ("time", f"{info['seconds'] / 60:.1f} minutes of training" if "seconds" in info else "unknown"),
    ]  # fmt: skip
    if info.get("recipe"):
        rows.insert(0, ("recipe", f"`ponderling train {info['recipe']}`, with the settings in `{CONFIG}`"))
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: ponderling",
        f"tags: [{task.split(':')[0]}, recursive-reasoning, {config.model.system}]",
        "---",
        "",
        f"# {repo.split('/')[1]}: {system} for `{task}`",
        "",
        "A tiny recursive reasoner: it improves its own answer again and again. Trained with Ponderling.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        "## Accuracy",
        "",
        *_accuracy(source, info),
        "",
        "## Use",
        "",
        "```python",
        "import ponderling",
        "",
        f'solver = ponderling.Solver.load("{repo}")',
        "result = solver.solve(puzzle)  # text, one character for each cell",
        "result.answer, result.valid, result.steps",
        "```",
        "",
        f"or `ponderling solve {repo} PUZZLE --watch`.",
        "",
        "## License",
        "",
        "Apache-2.0.",
        "",
    ]
    return "\n".join(lines)


def _data(source: str) -> str:
    """Where puzzles came from; of a file its name alone, for paths tell about the machine."""
    known = {
        "default": "the set in the package",
        "hunted": "the package's large set",
        "deep": "the package's set of puzzles that withstand trial and error",
        "jigsaws": "the package's jigsaws of many layouts",
        "layouts": "the package's jigsaws of many more layouts",
        "hub": "the family's public data set",
    }
    parts = dict.fromkeys([source] if Path(source).exists() else source.split("+"))
    return ", ".join(known.get(part, f"the file `{Path(part).name}`") for part in parts)


def _accuracy(source: Source, info: dict[str, Any]) -> list[str]:
    """The table of figures, those on test puzzles where the run's log has them, and which puzzles they are of."""
    figures, what = info.get("validation"), "training puzzles held out, by which this checkpoint was chosen"
    if source.folder.name == "best" and (source.run / "metrics.jsonl").is_file():
        tests = [line for line in read_metrics(source.run) if line["kind"] == "test"]
        if tests:
            figures, what = tests[-1], "test puzzles that it was neither trained on nor chosen by"
    if not figures:
        return ["Not known: neither the checkpoint nor its run's log holds figures."]
    early = figures["early_exit"]
    lines = [
        f"Measured on {figures['puzzles']:,} {what}; without search. Exact match: every cell right.",
        "",
        f"| | after all {figures['steps']} steps | early exit |",
        "| --- | ---: | ---: |",
        f"| exact match | {_percent(figures['exact'])} | {_percent(early['exact'])} |",
        f"| rules kept | {_percent(figures['valid'])} | {_percent(early['valid'])} |",
        f"| right cells | {_percent(figures['cells'])} | {_percent(early['cells'])} |",
        f"| mean steps | {figures['steps']} | {early['mean_steps']:.1f} |",
    ]
    if figures["by_rating"]:
        lines += ["", "| rating | puzzles | exact | mean steps |", "| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {row['rating']} | {row['puzzles']:,} | {_percent(row['exact'])} | {row['mean_steps']:.1f} |"
            for row in figures["by_rating"]
        ]
    return lines


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"

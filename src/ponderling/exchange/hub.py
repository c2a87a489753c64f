"""Giving a trained model to others: a folder with its two files and a card, and the same on the Hugging Face Hub.

`Solver.from_pretrained` reads both back; see `checkpoint.find_checkpoint`. The card is made from what is known of the model.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ponderling.checkpoint import (
    BEST,
    CONFIG,
    DAMAGE,
    HUB,
    MODEL,
    OF_THIS_MACHINE,
    REPOSITORY,
    Checkpoint,
    CheckpointError,
    local_checkpoint,
    save_checkpoint,
    shown_name,
)
from ponderling.config import DataConfig, TrainConfig
from ponderling.models import count_parameters
from ponderling.pictures.plots import read_metrics
from ponderling.system import take_name, write_text

CARD = "README.md"

SYSTEMS = {"trm": "TRM", "hrm": "HRM", "relational": "relational network"}
"""What a card calls each system."""


def find_local(name: str | Path) -> Path:
    """The checkpoint folder that a run folder or checkpoint folder means.

    Raises:
        CheckpointError: when the folder holds no checkpoint; the Hub and the package are not asked.
    """
    path = Path(name)
    found = local_checkpoint(path)
    if found is not None:
        return found
    raise CheckpointError(f"{path}: expected a run folder or a folder with {CONFIG} and {MODEL} to push")


def save_pretrained(checkpoint: Checkpoint, folder: str | Path, *, name: str | None = None) -> Path:
    """Writes the model, its config and a card into a folder, completely or not at all, and returns the folder.

    The card includes test figures from the log of the checkpoint's run, if it has any.

    Args:
        checkpoint: The model, as it now is, and what is known of it.
        folder: A new or empty folder, or one that holds an earlier save, which is replaced.
        name: What the card calls the model; None: the folder's name.

    Raises:
        FileExistsError: when the folder holds something else, or is a file; nothing is written.
        OSError: when it cannot be written; an earlier save is intact.
    """
    folder = Path(folder).absolute()
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: name a folder to save the model in")
    others = (
        sorted(file.name for file in folder.iterdir() if file.name not in (MODEL, CONFIG, CARD))
        if folder.exists()
        else []
    )
    if others:
        raise FileExistsError(f"{folder} holds something else, such as {others[0]}: choose a new folder for the model")
    checkpoint = _with_figures(checkpoint)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ponderling-", dir=folder.parent) as beside:
        new = Path(beside) / "new"
        info = {key: value for key, value in checkpoint.info.items() if key not in OF_THIS_MACHINE}
        save_checkpoint(new, checkpoint.model.state_dict(), config=checkpoint.config, shape=checkpoint.shape, info=info)
        write_card(checkpoint, new / CARD, name=name or folder.name)
        if folder.exists():
            take_name(folder, Path(beside) / "old")
        take_name(new, folder)
    return folder


def push_to_hub(
    checkpoint: Checkpoint,
    repo: str,
    *,
    private: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
    dry: bool = False,
) -> str:
    """Uploads model, config and card to the Hub in one commit, and returns the repository's address.

    Args:
        checkpoint: The model, as it now is, and what is known of it.
        repo: The repository, as owner/name or hf:owner/name; created if it does not exist.
        private: Create the repository as private; an existing repository keeps its visibility.
        token: Hub token; None: the one set by `hf auth login` or HF_TOKEN.
        endpoint: Address of a Hub other than the public one, in place of HF_ENDPOINT.
        dry: Push nothing, and return the card that would be pushed.

    Raises:
        ValueError: when the Hub does not allow the name, or no token was found.
        RuntimeError: when the Hub refuses or cannot be reached.
    """
    check_name(repo)
    repo = repo.removeprefix(HUB)
    if dry:
        return make_card(checkpoint, repo)
    from huggingface_hub import HfApi, get_token

    token = token or get_token()
    if not token:
        raise ValueError("no Hub token: run `hf auth login`, or set HF_TOKEN to a token that may write")
    api = HfApi(endpoint=endpoint, token=token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = save_pretrained(checkpoint, Path(temporary) / "model", name=repo)
        try:
            address = api.create_repo(repo, private=private, exist_ok=True)
            api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Upload with Ponderling")
        # Whatever goes wrong: the client has changed its HTTP library twice, and their errors share no base.
        except Exception as error:
            raise RuntimeError(f"{repo}: the Hub refused, or cannot be reached: {_first_line(error, token)}") from error
    return str(address)


def check_name(repo: str) -> None:
    """Refuses a name that no repository on the Hub can have, before anything is written or sent.

    Args:
        repo: The repository, as owner/name or hf:owner/name.

    Raises:
        ValueError: saying what the Hub allows.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repo = repo.removeprefix(HUB)
    if repo.count("/") != 1 or "@" in repo:
        raise ValueError(f"a Hub repository is owner/name: got {shown_name(repo)!r}")
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ValueError(f"{shown_name(repo)}: not a name that the Hub allows: {str(error).splitlines()[0]}") from error


def on_hub(repo: str) -> str:
    """The name by which a Hub repository is loaded."""
    return f"{HUB}{repo.removeprefix(HUB)}"


def _first_line(error: BaseException, token: str) -> str:
    """Why, on one line; whatever a server sends back, the token is not in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0].replace(token, "***")


def _with_figures(checkpoint: Checkpoint) -> Checkpoint:
    """Adds test figures to a run's best checkpoint, if the run's log holds them."""
    run = checkpoint.path.parent
    if "test" in checkpoint.info or checkpoint.path.name != BEST or not (run / "metrics.jsonl").is_file():
        return checkpoint
    chosen = checkpoint.info.get("step")  # a test before this step was of other weights
    tests = [
        line
        for line in read_metrics(run)
        if line["kind"] == "test" and (not isinstance(chosen, int) or line["step"] >= chosen)
    ]
    return replace(checkpoint, info={**checkpoint.info, "test": tests[-1]}) if tests else checkpoint


def write_card(checkpoint: Checkpoint, file: Path, *, name: str) -> None:
    """Writes the card to a file."""
    write_text(file, make_card(checkpoint, name))


def make_card(checkpoint: Checkpoint, name: str) -> str:
    """The model card: what it is, how it was made, how good it is, how to load it; what is not known is left out.

    Args:
        checkpoint: The model and what is known of it.
        name: The Hub repository, hf:owner/name or owner/name, or the folder, that it is loaded by.

    Raises:
        CheckpointError: when what the checkpoint says of its figures is damaged.
    """
    loaded_by = on_hub(name) if REPOSITORY.fullmatch(name) else name
    checkpoint = _with_figures(checkpoint)
    config = checkpoint.config
    task, system = config.data.task, SYSTEMS[config.model.system]
    try:
        accuracy = _accuracy(checkpoint.info)
    except DAMAGE as error:
        raise CheckpointError(
            f"{checkpoint.path}: info.test or info.validation in its {CONFIG} is damaged: expected the figures of an evaluation"
        ) from error
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: ponderling",
        f"tags: [{task.split(':')[0]}, recursive-reasoning, {config.model.system}]",
        "---",
        "",
        f"# {name.removeprefix(HUB).split('/')[-1]}: {system} for `{task}`",
        "",
        "A tiny recursive reasoner: it improves its own answer again and again. Trained with Ponderling.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {what} | {value} |" for what, value in _facts(checkpoint)),
        "",
        "## Accuracy",
        "",
        *accuracy,
        "",
        "## Use",
        "",
        "```python",
        "import ponderling as pl",
        "",
        f'solver = pl.Solver.from_pretrained("{loaded_by}")',
        "result = solver.solve(puzzle)  # text, or a grid of symbols",
        "result.answer, result.valid, result.steps",
        "```",
        "",
        f"or `ponderling solve {loaded_by} PUZZLE --watch`.",
        "",
        "## License",
        "",
        "Apache-2.0.",
        "",
    ]
    return "\n".join(lines)


def _facts(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """What the card's first table says of the network and of its training, each with its heading."""
    config, info = checkpoint.config, checkpoint.info
    facts = [
        ("network", f"{SYSTEMS[config.model.system]}, {count_parameters(checkpoint.model):,} parameters, "
         f"hidden size {config.model.hidden_size}, n {config.model.n}, T {config.model.T}"),
        ("puzzles", f"`{config.data.task}`"),
        ("trained on", _data_of_each(config.data)),
        ("updates", f"{info['step']:,} of {_batch(config.train)}" if "step" in info else "unknown"),
        ("seed", f"{config.train.seed}"),
        ("time", f"{info['seconds'] / 60:.1f} minutes of training" if "seconds" in info else "unknown"),
    ]  # fmt: skip
    if re.fullmatch(r"[\w.:,+ -]{1,200}", info.get("recipe") or ""):
        facts.insert(0, ("recipe", f"`ponderling train {info['recipe']}`, with the settings in `{CONFIG}`"))
    return facts


def _batch(train: TrainConfig) -> str:
    """How large a batch was."""
    return f"{train.batch_size} slots" if train.batch_cells is None else f"{train.batch_cells:,} cells"


def _data_of_each(data: DataConfig) -> str:
    """Where the puzzles of each family came from."""
    if len(data.families) == 1:
        return _data(data.train)
    return "; ".join(f"`{own.task}`: {_data(own.train)}" for own in data.of_each())


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
    plain = {part: re.sub(r"[^\w. +-]", "_", Path(part).name) for part in parts}  # a card is Markdown
    return ", ".join(known.get(part, f"the file `{plain[part]}`") for part in parts)


def _accuracy(info: dict[str, Any]) -> list[str]:
    """The table of figures, those on test puzzles where they are known, and which puzzles they are of."""
    figures, what = info.get("test"), "test puzzles that it was neither trained on nor chosen by"
    if not figures:
        figures, what = info.get("validation"), "training puzzles held out, by which this checkpoint was chosen"
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

"""Options of `ponderling train` that change nothing with the run's other settings: they are refused, not passed over."""

from __future__ import annotations

from ponderling.config import RunConfig


def refuse_idle(args: list[str], config: RunConfig) -> None:
    """Refuses options that were given and would do nothing.

    Settings of a recipe or of a saved run are not looked at: only what a person typed was meant to do something.

    Args:
        args: The options as they were typed.
        config: The run's settings, with these options.

    Raises:
        ValueError: naming each option, and what it is for.
    """
    from ponderling.tasks import answers_by_vote

    typed = {arg.partition("=")[0].replace("_", "-") for arg in args if arg.startswith("--")}
    typed = {option.replace(".no-", ".") for option in typed}
    by_vote = any(answers_by_vote(family) for family in config.data.families)
    model = config.model
    has_embedding, is_relational = model.puzzle_embedding_size > 0, model.system == "relational"
    attends = not is_relational and model.mixer == "attention"
    uses = {
        "--data.held-out": (by_vote, "ARC"),
        "--solve.as-demonstrated": (by_vote, "ARC"),
        "--model.mixer": (not is_relational, "systems trm and hrm"),
        "--model.num-heads": (attends, "attention: --model.mixer attention with system trm or hrm"),
        "--model.rope-theta": (attends and model.positions == "rope", "--model.positions rope, with attention"),
        "--model.num-layers-H": (model.separate_networks, "two networks: --model.separate-networks"),
        "--train.batch-size": (
            config.train.batch_cells is None,
            "runs without --train.batch-cells, which sets the slots",
        ),
        "--data.views": (by_vote and not config.data.turns, "ARC without --data.turns" if by_vote else "ARC"),
        "--data.turns": (by_vote, "ARC"),
        "--data.more-share": (by_vote, "ARC"),
        "--train.muon-lr": (config.train.optimizer == "muon", "--train.optimizer muon"),
        "--train.ema-warmup": (config.train.ema_rate > 0, "runs with an average: --train.ema-rate above 0"),
        "--train.puzzle-lr": (has_embedding, "networks with a puzzle embedding"),
        "--train.puzzle-weight-decay": (has_embedding, "networks with a puzzle embedding"),
    }
    idle = [f"{option} is for {what}" for option, (is_used, what) in uses.items() if option in typed and not is_used]
    if idle:
        raise ValueError(f"{'; '.join(idle)}: it would do nothing here, leave it out")

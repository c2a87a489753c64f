"""What requests and responses of the server hold: pydantic models, from which the OpenAPI description is made."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.config import JsonDict, JsonValue

from ponderling.config import Search, field_texts
from ponderling.web.boards import MOST_CELLS, checked

if TYPE_CHECKING:
    from ponderling.web.http.served import Served

MOST_STEPS, MOST_ATTEMPTS, MOST_PUZZLES = 256, 256, 128
"""Limits of one request: supervision steps of an attempt, attempts, and puzzles."""

EXAMPLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ROWS: JsonValue = [[0 if c == "." else int(c) for c in EXAMPLE[i : i + 9]] for i in range(0, 81, 9)]
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"

GRID = "012/340"
"""An ARC grid as text."""

LEARNED: JsonValue = {
    "train": [
        {"input": [[1, 0], [0, 0]], "output": [[0, 1], [0, 0]]},
        {"input": [[0, 0], [2, 0]], "output": [[0, 0], [0, 2]]},
    ],
    "test": [{"input": [[3, 0], [3, 0]]}],
}
"""An ARC task."""

_CELL: JsonDict = {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
_ROW: JsonDict = {"anyOf": [{"type": "string"}, {"type": "array", "items": _CELL}]}
_PUZZLE: JsonDict = {
    "description": "As the family is written; or a list of rows, each a text or a list with a number or text for each cell, "
    "where 0 and null are blanks of a Sudoku; of ARC a task's id and which of its test inputs: `007bbfb7/1`.",
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MOST_CELLS},
        {"type": "array", "items": _ROW, "minItems": 1, "maxItems": MOST_CELLS},
    ],
    "examples": [EXAMPLE],
}

Puzzle = Annotated[str | list[Any], BeforeValidator(checked), WithJsonSchema(_PUZZLE)]

Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_CELLS,
        description="A task's id and which of its test inputs: `007bbfb7/1`.",
        examples=["007bbfb7/1"],
    ),
]


LIMITS: dict[str, dict[str, Any]] = {
    "restarts": {"ge": 0, "le": MOST_ATTEMPTS},
    "search_steps": {"ge": 1, "le": MOST_STEPS, "examples": [12]},
    "guess_every": {"ge": 0, "le": MOST_STEPS},
    "noise": {"ge": 0, "le": 10, "allow_inf_nan": False},
    "views": {"ge": 0, "le": MOST_ATTEMPTS},
    "seed": {"ge": 0, "le": 2**31 - 1},
}
"""What the server allows of the fields of `Search`."""

_FIELDS: dict[str, Any] = {
    field.name: (
        get_type_hints(Search)[field.name],
        Field(field.default, description=field_texts(Search)[field.name], **LIMITS.get(field.name, {})),
    )
    for field in dataclasses.fields(Search)
}
SearchFields = create_model("SearchFields", **_FIELDS)
"""The search options, from the one place where they are written."""


class Options(SearchFields):
    """The model to use and how much to spend: the options of `ponderling solve`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=200, description="One of /v1/models; else the first.", examples=["sudoku"]
    )
    task: str | None = Field(
        None,
        max_length=200,
        description="One of its puzzle families; else its own.",
        examples=["sudoku9"],
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=MOST_STEPS,
        description="Most supervision steps; as many as in training if not given.",
        examples=[16],
    )

    def search(self, served: Served) -> Search:
        """What may be spent beyond plain thinking.

        Raises:
            HTTPException: 422, when options contradict each other.
        """
        try:
            search = Search(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Search)})
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        if served.is_arc and not search.is_plain:
            raise HTTPException(422, "ARC answers are chosen by votes over views, without further search: see /v1/vote")
        return search


_SOLVE_EXAMPLES: JsonDict = {"examples": [{"puzzles": [EXAMPLE]}, {"puzzles": [EXAMPLE, ROWS], "restarts": 8}]}


class SolveRequest(Options):
    """One or many puzzles."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_SOLVE_EXAMPLES)
    puzzles: list[Puzzle] = Field(min_length=1, max_length=MOST_PUZZLES)


class ThinkRequest(Options):
    """One puzzle to watch."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"puzzle": EXAMPLE}]})
    puzzle: Puzzle
    changes: bool = Field(
        False,
        description="Say in each step how much it changed the hidden state of each cell: `change`, the mean square of the "
        "difference, in thousandths.",
    )
    compact: bool = Field(
        False,
        description="Say of each step only what is new in it, in few bytes: see `step` of the reply.",
    )
    check: bool = Field(True, description="Refuse a puzzle that has no solution or more than one.")


class WhyRequest(BaseModel):
    """A cell of a puzzle, and a moment of plain thinking about it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"puzzle": EXAMPLE, "cell": 2, "step": 1}]}
    )
    model: str | None = Field(None, max_length=200, description="One of /v1/models; else the first.")
    task: str | None = Field(None, max_length=200, description="One of its puzzle families; else its own.")
    puzzle: Puzzle
    cell: int = Field(ge=0, description="Row by row, from 0.")
    step: int = Field(ge=1, le=MOST_STEPS, description="Supervision step, as /v1/think tells it.")
    recursion: int = Field(
        1, ge=1, description="Recursion in that step; always 1 of a model that stops after whole steps alone."
    )


class ToldBy(BaseModel):
    """A group of cells, or a neighbour, and what it has told the cell."""

    name: str = Field(examples=["row 3"])
    cells: list[int] = Field(description="Its cells, row by row, from 0.", examples=[[18, 19, 20]])
    effect: float = Field(
        description="Probability of the symbol less what it is when the cell and this group do not hear each other.",
        examples=[0.31],
    )


class WhyResponse(BaseModel):
    """What told a cell its symbol, the greatest effect first."""

    model: str = Field(examples=["sudoku"])
    task: str = Field(examples=["sudoku9"])
    cell: int = Field(examples=[2])
    token: int = Field(description="Its likeliest symbol.", examples=[5])
    probability: float = Field(description="Of this symbol, after the moment.", examples=[0.93])
    before: float = Field(description="Of this symbol, after the moment before.", examples=[0.41])
    told: list[ToldBy]


class Solved(BaseModel):
    """An answer, and what the rules say of it."""

    question: str = Field(examples=[EXAMPLE])
    answer: str = Field(description="A dot where the model left a cell blank.", examples=[ANSWER])
    valid: bool | None = Field(description="Every rule holds and every clue is kept; null where the task has no rules.")
    reasons: list[str] = Field(description="Which rules are broken.", examples=[[]])
    note: str = Field(
        "", description="What a valid answer means where the grid does not show it: no way leads from S to G."
    )
    steps: int = Field(description="Supervision steps, of all attempts.", examples=[1])
    attempts: int = Field(description="Attempts started; 1: plain thinking alone.", examples=[1])
    attempt: int = Field(description="The one that gave the answer.", examples=[1])
    halted: bool = Field(description="The model said stop at this answer.", examples=[True])
    halt_probability: float = Field(description="How sure it is that the answer is right.", examples=[0.998])


class SolveResponse(BaseModel):
    """The answers, in the puzzles' order."""

    model: str = Field(examples=["sudoku"])
    task: str = Field(examples=["sudoku9"])
    results: list[Solved]


class Sizes(BaseModel):
    """The sizes in which a family is served besides the one that is described; a request names one or draws its puzzle."""

    task: str = Field(description="Name of the family in another size.", examples=["maze{rows}x{columns}"])
    most: int = Field(description="Most rows, and most columns.", examples=[60])
    trained: list[int] = Field(
        description="Numbers of cells that the model was trained on; on others the cells say when to stop, if these are few.",
        examples=[[64, 100, 400]],
    )


class Family(BaseModel):
    """A puzzle family that a model is served on; token 0 is padding."""

    task: str = Field(examples=["sudoku4"])
    kind: Literal["sudoku", "maze", "arc", "grid"] = Field(description="How the page draws it.")
    rows: int = Field(examples=[4])
    columns: int = Field(examples=[4])
    box: list[int] = Field(description="Rows and columns of a box.", examples=[[2, 2]])
    symbols: list[str] = Field(description="How each token is shown.", examples=[["", "", "1", "2", "3", "4"]])
    characters: list[str] = Field(description="How each token is written.", examples=[["", ".", "1", "2", "3", "4"]])
    blank: int = Field(description="The token of a cell that is not given.", examples=[1])
    fill: list[int] = Field(
        description="Tokens that a guess may put into such a cell; none where an answer does not fill in its question.",
        examples=[[2, 3, 4, 5]],
    )
    groups: list[list[int]] = Field(
        description="Groups of cells that hold each symbol once.", examples=[[[0, 1, 2, 3]]]
    )
    has_rules: bool
    trained: bool = Field(description="The model was trained on this family.")
    difficulties: list[str] = Field(description="What /v1/puzzle has.", examples=[["easy", "medium", "hard"]])
    sizes: Sizes | None = Field(None, description="Null where there is one size alone.")
    learns: bool = Field(False, description="It learns an ARC task that it is given, see /v1/arc/learn.")


class ModelInfo(BaseModel):
    """A loaded model."""

    name: str = Field(examples=["sudoku"])
    system: str = Field(description="The network.", examples=["relational"])
    parameters: int = Field(examples=[41153])
    steps: int = Field(description="Supervision steps in training.", examples=[16])
    recursions: int = Field(description="How often in a step it may stop, and is shown by /v1/think.", examples=[8])
    tasks: list[Family]


class Models(BaseModel):
    """All loaded models, and the limits of a request."""

    models: list[ModelInfo]
    limits: dict[str, int] = Field(examples=[{"steps": MOST_STEPS, "attempts": MOST_ATTEMPTS, "puzzles": MOST_PUZZLES}])


class PuzzleResponse(BaseModel):
    """A puzzle to try."""

    model: str = Field(examples=["sudoku"])
    task: str = Field(examples=["sudoku9"])
    puzzle: str = Field(examples=[EXAMPLE])
    difficulty: str = Field(description="`random`: made by the family's generator.", examples=["hard"])
    rating: int | None = Field(description="On the family's own scale.", examples=[2])


class VoteRequest(BaseModel):
    """One test input of an ARC task, to be answered under several views."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"puzzle": "007bbfb7/1", "views": 8}]})
    model: str | None = Field(None, max_length=200, description="One of /v1/models; else the first.")
    task: str | None = Field(None, max_length=200, description="Its family, such as arc30; else its own.")
    puzzle: Text
    steps: int | None = Field(
        None, ge=1, le=MOST_STEPS, description="Supervision steps, all taken; as many as in training if not given."
    )
    views: int = Field(
        8,
        ge=0,
        le=MOST_ATTEMPTS,
        description="Views besides the task as it is; fewer where the model was trained on fewer.",
    )
    stream: bool = Field(False, description="Say how far the views are while they think, as server-sent events.")


class VotedGrid(BaseModel):
    """An answer with the votes for it."""

    grid: str = Field(description="Rows of colours; empty where the model left its canvas empty.", examples=[GRID])
    votes: int = Field(examples=[7])
    score: float = Field(description="Mean halting probability of those who gave it.", examples=[0.91])
    right: bool | None = Field(description="It is the known output; null where none is known.", examples=[True])


class Voter(BaseModel):
    """One view: what the model saw, and what it answered."""

    symmetry: str = Field(examples=["a quarter turn"])
    recoloured: bool = Field(description="Colours 1 to 9 are exchanged.")
    shown: str = Field(description="The test input as the model saw it.", examples=["204/130"])
    grid: str = Field(description="Its answer, turned and coloured back.", examples=[GRID])
    score: float = Field(description="Halting probability.", examples=[0.93])


class VoteResponse(BaseModel):
    """The answers, best first, and who gave them; the first view is the task as it is."""

    model: str = Field(examples=["trm-arc1"])
    task: str = Field(examples=["arc30"])
    puzzle: str = Field(examples=["007bbfb7/1"])
    steps: int = Field(examples=[16])
    grids: list[VotedGrid]
    views: list[Voter]


class ArcEntry(BaseModel):
    """An ARC task that the model knows."""

    name: str = Field(examples=["007bbfb7"])
    role: str = Field(
        description="test: its demonstrations alone were trained on; train: its answers too.", examples=["test"]
    )
    tests: int = Field(description="How many test inputs it has.", examples=[1])


class ArcList(BaseModel):
    """All ARC tasks that a model knows and whose files are there."""

    model: str = Field(examples=["trm-arc1"])
    task: str = Field(examples=["arc30"])
    tasks: list[ArcEntry]


class ArcPair(BaseModel):
    """Two grids: rows of colours with slashes between."""

    input: str = Field(examples=[GRID])
    output: str | None = Field(description="Null where it is not known.", examples=["210/043"])


class ArcTaskResponse(BaseModel):
    """An ARC task."""

    model: str = Field(examples=["trm-arc1"])
    task: str = Field(examples=["arc30"])
    name: str = Field(examples=["007bbfb7"])
    role: str = Field(examples=["test"])
    demos: list[ArcPair]
    tests: list[ArcPair]


class LearnRequest(BaseModel):
    """An ARC task that the model does not know."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"task": LEARNED}]})
    model: str | None = Field(None, max_length=200, description="One of /v1/models that learns; else the first.")
    task: dict[str, Any] = Field(
        description="As in ARC's files: `train`, a list of pairs of `input` and `output`, and `test`, of which `output` may be "
        "missing and is never learned from; or such an object by the task's id.",
        examples=[LEARNED],
    )


class Learned(ArcTaskResponse):
    """A task that was learned, and the model that knows it: ask /v1/vote and /v1/think with its name."""

    family: Family = Field(description="As in /v1/models.")
    steps: int = Field(description="Optimizer steps that were taken.", examples=[300])
    of: int = Field(
        description="Optimizer steps that were planned; fewer are taken where time runs out.", examples=[300]
    )
    seconds: float = Field(examples=[31.2])


class Problem(BaseModel):
    """What is wrong, in one line: an error as RFC 9457 says it."""

    type: str = Field("about:blank", description="`about:blank`: the status says it all.")
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["puzzle 1: expected 81 cells for 9x9, got 80"])


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented responses of these codes."""
    texts = {
        400: "The body cannot be read, or has two lengths.",
        401: "The bearer token is missing or wrong.",
        404: "No such model, task or difficulty, or no ARC model.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        422: "The request is not as described here; or it is, and the family refuses the puzzle: a wrong number of cells, a "
        "symbol that it has not, clues that contradict each other, no solution or several; or options contradict each other.",
        503: "Busy: the queue is full, or others would slow this too much. Try again after Retry-After seconds.",
        504: "The time for a request has run out.",
    }
    return {code: {"model": Problem, "description": texts[code]} for code in codes}

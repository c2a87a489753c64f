"""One supervision step as a graph: its inputs and outputs, and for ONNX its parts, each traced once, inside loops.

To trace the whole step would unroll T (n + 1) calls of the network, 28 for `sudoku`: minutes, and more graph than weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ponderling.models import Model, Output, Reasoner, Relational, State
from ponderling.models.ties import AREAS, NEIGHBOURS
from ponderling.recursion import Net

if TYPE_CHECKING:
    import onnx_ir as ir

IR_VERSION = 10
"""Version of the file format, equal to what torch's exporter writes."""

Axes = Mapping[int, str]
"""The axes of a tensor that may have any size, and their names."""


class Step(nn.Module):
    """One supervision step with tensors alone in and out, in the order of `input_names` and `output_names`.

    Made by `graph_step`. What the network reads besides tokens and state are its `context_names`.
    """

    context_names: tuple[str, ...]
    member_names: tuple[str, ...] = ()
    """The inputs that say which cells belong together, where the network has them."""
    has_puzzle_ids: bool = False

    def __init__(self, model: Model, *, halts_by_difference: bool):
        super().__init__()
        self.model, self.halts_by_difference = model, halts_by_difference
        self.state_names = model.state_names

    @property
    def input_names(self) -> list[str]:
        """`tokens`, the state, then `puzzle_ids` or what ties cells together for each relation (`ties_input`)."""
        return ["tokens", *self.state_names, *self.context_names]

    @property
    def output_names(self) -> list[str]:
        """The state, under other names than it came in by, then `logits` and `q`."""
        return [*(f"next_{name}" for name in self.state_names), "logits", "q"]

    @property
    def axes(self) -> dict[str, Axes]:
        """The axes of every input and output, and of `x`."""
        cells, state, logits = self._grid_axes()
        axes: dict[str, Axes] = {"tokens": cells, "puzzle_ids": {0: "batch"}, "q": {0: "batch"}, "x": state}
        axes |= dict.fromkeys((*self.state_names, *(f"next_{name}" for name in self.state_names)), state)
        return axes | {"logits": logits}

    def _grid_axes(self) -> tuple[Axes, Axes, Axes]:
        """The axes of the tokens, of a state tensor, and of the logits."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """The tensors of `output_names` from those of `input_names`."""
        count = len(self.state_names)
        state, output = self.think(tokens.long(), state=others[:count], context=others[count:])
        return *state, output.logits, self._q(output)

    def think(self, tokens: Tensor, *, state: State, context: Sequence[Tensor]) -> tuple[State, Output]:
        """One supervision step of the model."""
        raise NotImplementedError

    def _q(self, output: Output) -> Tensor:
        return output.q - output.q_continue if self.halts_by_difference else output.q

    # The parts of forward, for the loops of `onnx_model`

    def question(self, tokens: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """x, from the inputs."""
        raise NotImplementedError

    def networks(self, members: Sequence[Tensor]) -> tuple[Net, Net]:
        """The network that improves z, and the one that improves y."""
        raise NotImplementedError

    def reason(self, x: Tensor, y: Tensor, z: Tensor, *members: Tensor) -> tuple[Tensor, ...]:
        """The next z: one latent step."""
        net, _ = self.networks(members)
        return (net(z + (y + x)),)

    def answer(self, x: Tensor, y: Tensor, z: Tensor, *members: Tensor) -> tuple[Tensor, ...]:
        """The next y, after the last latent step."""
        _, net = self.networks(members)
        return (net(y + z),)

    def recursion(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """A whole recursion, of the ablations whose latent steps differ."""
        raise NotImplementedError

    def heads(self, y: Tensor) -> tuple[Tensor, ...]:
        """logits and q."""
        output = self.model.heads(y)
        return output.logits, self._q(output)


class ReasonerStep(Step):
    """A step of TRM or HRM, which have weights or position tables for their grid."""

    model: Reasoner

    def __init__(self, model: Reasoner, *, halts_by_difference: bool):
        super().__init__(model, halts_by_difference=halts_by_difference)
        self.has_puzzle_ids = model.puzzle_embedding is not None
        self.context_names = ("puzzle_ids",) if self.has_puzzle_ids else ()

    def _grid_axes(self) -> tuple[Axes, Axes, Axes]:
        axes = {0: "batch"}
        return axes, axes, axes

    def think(self, tokens: Tensor, *, state: State, context: Sequence[Tensor]) -> tuple[State, Output]:
        """One supervision step of the model."""
        return self.model(state, tokens, puzzle_ids=self._puzzle_ids(tokens, context))

    def question(self, tokens: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """x, from tokens, state and puzzle ids."""
        return (self.model.embed_question(tokens.long(), self._puzzle_ids(tokens, others)),)

    def _puzzle_ids(self, tokens: Tensor, others: Sequence[Tensor]) -> Tensor:
        """The last of the further inputs; without puzzle embeddings a tensor of the right shape, which is not read."""
        return (others[-1] if self.has_puzzle_ids else tokens[:, 0]).long()

    def networks(self, members: Sequence[Tensor]) -> tuple[Net, Net]:
        """The model's own."""
        return self.model.networks

    def recursion(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """A whole recursion, of the ablations whose latent steps differ."""
        return self.model.recur_once(x, state, n=self.model.config.n)


class RelationalStep(Step):
    """A step of the relational network; what ties cells together is an input, so that one graph serves every size."""

    model: Relational

    def __init__(self, model: Relational, *, halts_by_difference: bool):
        super().__init__(model, halts_by_difference=halts_by_difference)
        self.member_names = self.context_names = tuple(ties_input(name) for name in model.relation_names)

    @property
    def axes(self) -> dict[str, Axes]:
        """The axes of every input and output, and of `x`."""
        axes = super().axes
        groups = self.model.relations.groups
        for name in self.model.relation_names:
            own: Axes = {1: "cells"}
            if name == AREAS:
                own = {0: "batch", 1: "cells", 2: "cells"}
            elif name != NEIGHBOURS and len(groups[name]) > 1:  # a single group is one in every size
                own = {0: f"groups_{name}", 1: "cells"}
            axes[ties_input(name)] = self._sized(own)
        return axes

    def _sized(self, axes: Axes) -> Axes:
        """The axes without the cells' where the network has weights for these."""
        return axes if self.model.fits_every_size else {axis: name for axis, name in axes.items() if name != "cells"}

    def _grid_axes(self) -> tuple[Axes, Axes, Axes]:
        cells = self._sized({0: "batch", 1: "cells"})
        if not self.model.takes_any_vocabulary:
            return cells, cells, cells
        return cells, {**cells, 2: "symbols"}, {**cells, 2: "vocab"}

    def think(self, tokens: Tensor, *, state: State, context: Sequence[Tensor]) -> tuple[State, Output]:
        """One supervision step of the model, along these relations."""
        return self.model.step(state, tokens, ties=self._by_relation(context))

    def question(self, tokens: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """x, from tokens and state."""
        return (self.model.embed_question(tokens.long(), others[0].shape[2]),)

    def networks(self, members: Sequence[Tensor]) -> tuple[Net, Net]:
        """The one network twice, along these relations."""
        net = partial(self.model.net, ties=self._by_relation(members))
        return net, net

    def answer(self, x: Tensor, y: Tensor, z: Tensor, *members: Tensor) -> tuple[Tensor, ...]:
        """The next y, after the last latent step, with the hints that are held."""
        (later,) = super().answer(x, y, z, *members)
        return (self.model.held(later, y),)

    def _by_relation(self, members: Sequence[Tensor]) -> dict[str, Tensor]:
        """What ties cells together here, in place of what does in the task that the model was built for."""
        return dict(zip(self.model.relation_names, members, strict=True))


def ties_input(relation: str) -> str:
    """The name of the input that says what a relation ties together."""
    return relation if relation in (NEIGHBOURS, AREAS) else f"members_{relation}"


def graph_step(model: Model, *, halts_by_difference: bool) -> Step:
    """One supervision step of the model with tensors alone in and out.

    Args:
        model: A network of this package.
        halts_by_difference: Whether q is the halting logit less that of thinking on.

    Raises:
        ValueError: for a network of another kind.
    """
    match model:
        case Reasoner():
            return ReasonerStep(model, halts_by_difference=halts_by_difference)
        case Relational() if model.puzzle_vectors is not None:
            raise ValueError(
                "a relational network with vectors for each puzzle cannot be exported as a graph yet: use it from Python, or "
                "with `ponderling serve`"
            )
        case Relational():
            return RelationalStep(model, halts_by_difference=halts_by_difference)
    raise ValueError(f"only networks of system trm, hrm or relational can be exported: got {type(model).__name__}")


def onnx_model(step: Step, example: Sequence[Tensor], *, opset: int) -> ir.Model:
    """The step as an ONNX model: a loop of T recursions, and in it one of n latent steps.

    Of an ablation whose latent steps differ, the whole recursion is the body of the outer loop.

    Args:
        step: On the CPU.
        example: Inputs to trace with; no size of an axis that may have any is 1.
        opset: Version of the operators.
    """
    import onnx_ir as ir
    from onnx_ir.passes import common

    config, names, weights = step.model.config, step.state_names, _Weights()
    tensors = dict(zip(step.input_names, example, strict=True))

    def take(
        function: Part, names: Iterable[str], *, values: Mapping[str, ir.Value]
    ) -> tuple[list[ir.Node], list[ir.Value]]:
        """The nodes of a part on these values, and what it gives; `tensors` holds what the values may be."""
        used = [name for name in names if name in values]
        return weights.take(
            _trace(step, function, tensors={name: tensors[name] for name in used}, opset=opset),
            function.__name__,
            inputs=values,
        )

    inputs = {name: _value(name, tensor, axes=step.axes[name]) for name, tensor in tensors.items()}
    nodes, (x,) = take(step.question, step.input_names, values=inputs)
    (tensors["x"],) = step.question(*example)
    state = {name: _value(f"recursion.{name}", tensors[name], axes={}) for name in names}
    around = inputs | state | {"x": x}
    if names == ("y", "z"):
        seen = ["x", "y", "z", *step.member_names]
        z = _value("reason.z", tensors["z"], axes={})
        body, given = take(step.reason, seen, values=around | {"z": z})
        reasoning = _loop(
            weights.number("n", config.n), "reason", nodes=body, carried=[z], given=given, start=[state["z"]]
        )
        body, (y,) = take(step.answer, seen, values=around | {"z": reasoning.outputs[0]})
        body, given = [reasoning, *body], [y, reasoning.outputs[0]]
    else:
        body, given = take(step.recursion, ["x", *names], values=around)
    carried = list(state.values())
    recursions = _loop(
        weights.number("T", config.T),
        "recursion",
        nodes=body,
        carried=carried,
        given=given,
        start=[inputs[n] for n in names],
    )
    spoken, said = take(step.heads, names[:1], values={names[0]: recursions.outputs[0]})
    outputs = [*recursions.outputs, *said]
    for name, value, tensor in zip(step.output_names, outputs, step(*example), strict=True):
        value.name, value.shape = name, _shape(tensor, step.axes[name])
    graph = ir.Graph(
        list(inputs.values()),
        outputs,
        nodes=[*nodes, recursions, *spoken],
        initializers=weights.values,
        opset_imports={"": opset},
        name="supervision_step",
    )
    model = ir.Model(graph, ir_version=IR_VERSION)
    for tidy in (common.ClearMetadataAndDocStringPass(), common.DeduplicateInitializersPass(size_limit=1 << 31)):
        model = tidy(model).model
    return model


Part = Callable[..., tuple[Tensor, ...]]


class _Function(nn.Module):
    """A method of the step as a module, which torch.export wants."""

    def __init__(self, step: Step, function: Part):
        super().__init__()
        self.model, self.function = step.model, function

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Calls the method."""
        return self.function(*tensors)


def _trace(step: Step, function: Part, *, tensors: Mapping[str, Tensor], opset: int) -> ir.Model:
    part, names = _Function(step, function).eval(), list(tensors)
    dynamic = tuple(dict.fromkeys(step.axes[name], torch.export.Dim.DYNAMIC) for name in names)
    program = torch.export.export(part, tuple(tensors.values()), dynamic_shapes={"tensors": dynamic}, strict=False)
    traced = torch.onnx.export(program, input_names=names, opset_version=opset, dynamo=True, verbose=False)
    assert traced is not None
    return traced.model


class _Weights:
    """The constants of all parts, under names of their own."""

    def __init__(self):
        self.values: list[ir.Value] = []

    def take(
        self, traced: ir.Model, prefix: str, *, inputs: Mapping[str, ir.Value]
    ) -> tuple[list[ir.Node], list[ir.Value]]:
        """The nodes of a traced part, now on these inputs, and its outputs."""
        graph = traced.graph
        assert not traced.functions
        for own in graph.inputs:
            assert own.name is not None
            own.replace_all_uses_with(inputs[own.name])
        for value in list(graph.initializers.values()):
            del graph.initializers[value.name or ""]
            value.name = f"{prefix}.{value.name}"
            self.values.append(value)
        nodes, outputs = list(graph), list(graph.outputs)
        graph.outputs.clear()
        graph.remove(nodes)
        for node in nodes:
            node.name = f"{prefix}.{node.name}"
            for value in node.outputs:
                value.name, value.shape = f"{prefix}.{value.name}", None  # the traces name alike what is not alike
        return nodes, outputs

    def number(self, name: str, number: int) -> ir.Value:
        """A whole number as a constant."""
        import onnx_ir as ir

        constant = ir.tensor(np.int64(number), name=name)
        value = ir.Value(name=name, type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape([]), const_value=constant)
        self.values.append(value)
        return value


def _loop(
    times: ir.Value,
    name: str,
    *,
    nodes: Iterable[ir.Node],
    carried: Sequence[ir.Value],
    given: Sequence[ir.Value],
    start: Sequence[ir.Value],
) -> ir.Node:
    """The nodes as a loop: `carried` are what they read, first of `start`, then what they gave the time before."""
    import onnx_ir as ir

    index = ir.Value(name=f"{name}.index", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape([]))
    going, on = (
        ir.Value(name=f"{name}.{part}", type=ir.TensorType(ir.DataType.BOOL), shape=ir.Shape([]))
        for part in ("on", "go_on")
    )
    same = ir.Node("", "Identity", [going], outputs=[on])
    body = ir.Graph([index, going, *carried], [on, *given], nodes=[same, *nodes], name=name)
    loop = ir.Node("", "Loop", [times, None, *start], [ir.AttrGraph("body", body)], num_outputs=len(given))
    for value, first in zip(loop.outputs, start, strict=True):
        value.name, value.type = f"{name}.after.{first.name}", first.type
    return loop


def _value(name: str, tensor: Tensor, *, axes: Axes) -> ir.Value:
    import onnx_ir as ir

    kind = {torch.float32: ir.DataType.FLOAT, torch.int32: ir.DataType.INT32}[tensor.dtype]
    return ir.Value(name=name, type=ir.TensorType(kind), shape=_shape(tensor, axes) if axes else None)


def _shape(tensor: Tensor, axes: Axes) -> ir.Shape:
    import onnx_ir as ir

    return ir.Shape([axes.get(axis, size) for axis, size in enumerate(tensor.shape)])

"""What a network computes, call by call: it is run once, and each torch function that takes its maps is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

CONVOLUTIONS = {
    "conv2d": ("bias", "stride", "padding", "dilation", "groups"),
    "conv_transpose2d": ("bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "linear": ("bias",),
}
"""Functions with a weight as their second argument, and the names of those that follow it."""

DROPOUTS = ("dropout", "dropout2d", "feature_dropout", "alpha_dropout")
SYNONYMS = {"iadd": "add", "radd": "add", "isub": "sub", "imul": "mul", "rmul": "mul", "concatenate": "cat"}


@dataclass(eq=False)
class Call:
    """One call of a torch function on maps that depend on the input, or an input itself ("input")."""

    function: str
    shape: tuple[int, int, int]
    """Channels, height and width of the result."""
    parents: list[Call]
    name: str = ""
    """Of an input, or of the module that a convolution stands in."""
    kernel: int = 0
    """Of a convolution or of pooling; 0: none."""
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    """The last three of a convolution."""
    dropped: float = 0.0
    """The share that dropout drops."""
    mode: str = ""
    """How an enlargement fills the places."""
    children: int = 0
    """Calls that use the result; the network's own output counts as one."""


def record(network: nn.Module, size: int, inputs: Mapping[str, int]) -> tuple[list[Call], list[Call]]:
    """Run a network once on zeros.

    Args:
        network: on the meta device nothing is computed.
        size: side of the inputs, in pixels.
        inputs: name and channels of each, the main one first.
    Returns:
        all calls in their order, the inputs before them with the main one last; and the calls that give the outputs.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    calls: list[Call] = []
    makers: dict[int, Call] = {}
    kept: list[torch.Tensor] = []  # all tensors, so that none gets the id of another
    modules: list[str] = []

    def note(tensor: torch.Tensor, call: Call) -> None:
        kept.append(tensor)
        makers[id(tensor)] = call

    class Recorder(TorchFunctionMode):
        def __torch_function__(
            self,
            function: Callable[..., Any],
            types: Sequence[type],
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:
            kwargs = kwargs or {}
            # Looked up before the call, since a function that works in place returns the tensor that it was given.
            parents = [makers[id(tensor)] for tensor in _tensors((args, kwargs)) if id(tensor) in makers]
            result = function(*args, **kwargs)
            made = list(_tensors(result)) if parents else []
            if made:
                call = _call(function, _shape(made[0]), parents, args, kwargs, modules[-1] if modules else "")
                for parent in parents:
                    parent.children += 1
                calls.append(call)
                for tensor in made:
                    note(tensor, call)
            return result

    device = next(network.parameters()).device
    zeros = [torch.zeros(1, channels, size, size, device=device) for channels in inputs.values()]
    for (name, channels), tensor in reversed(list(zip(inputs.items(), zeros, strict=True))):
        calls.append(Call("input", (channels, size, size), [], name))
        note(tensor, calls[-1])

    def enter(path: str) -> Callable[..., None]:
        return lambda module, arguments: modules.append(path)

    def leave(module: nn.Module, arguments: object, result: object) -> None:
        modules.pop()

    hooks = []
    for path, module in network.named_modules():
        hooks.append(module.register_forward_pre_hook(enter(path)))
        hooks.append(module.register_forward_hook(leave))
    try:
        with torch.no_grad(), Recorder():
            results = network(*zeros)
    finally:
        for hook in hooks:
            hook.remove()
    outputs = [makers[id(tensor)] for tensor in _tensors(results) if id(tensor) in makers]
    for call in outputs:
        call.children += 1
    return calls, outputs


def _tensors(value: object) -> Iterator[torch.Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _shape(tensor: torch.Tensor) -> tuple[int, int, int]:
    """Channels, height, width; of a tensor without height and width 1 each."""
    sides = tuple(tensor.shape)
    return (sides[-3], sides[-2], sides[-1]) if len(sides) >= 4 else (sides[-1] if sides else 1, 1, 1)


def _call(
    function: Callable[..., Any],
    shape: tuple[int, int, int],
    parents: list[Call],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    module: str,
) -> Call:
    """A call with what the drawing says of it; `module` is the path of the one that makes it."""
    label = getattr(function, "__name__", "").strip("_")
    call = Call(SYNONYMS.get(label, label), shape, parents)
    if call.function in CONVOLUTIONS:
        weight: torch.Tensor = args[1] if len(args) > 1 else kwargs["weight"]
        given = dict(zip(CONVOLUTIONS[call.function], args[2:], strict=False)) | kwargs
        call.name, call.kernel = module.rpartition(".")[0] or module, weight.shape[-1]
        call.stride, call.dilation = _one(given.get("stride", 1)), _one(given.get("dilation", 1))
        call.groups = given.get("groups", 1)
    elif call.function in DROPOUTS:
        call.dropped = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    elif call.function in ("max_pool2d", "avg_pool2d"):
        call.kernel = _one(args[1] if len(args) > 1 else kwargs["kernel_size"])
    elif call.function in ("interpolate", "upsample"):
        call.mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
    elif call.function == "pixel_shuffle":
        call.mode = "shuffle"
    return call


def _one(value: int | Sequence[int]) -> int:
    """The first of numbers that stand for height and width."""
    return value if isinstance(value, int) else value[0]

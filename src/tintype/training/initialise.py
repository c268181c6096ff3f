"""Weights to start from that know the data (Krähenbühl, Doersch, Donahue and Darrell 2015).

Where one layer after another makes its input a little smaller or larger, some layers learn and others do not. Here
every convolution starts with outputs of mean 0 and deviation 1 on real photographs: the within-layer normalisation of
the paper (its algorithm 1), after its k-means kernels where they are wanted. The balance of gradients between layers
(algorithm 2) is left to the optimizer.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tintype.training.batches import Batch

HEAD = 0.1
"""Deviation of the outputs of a last layer, which shall begin near its prior: its bias."""

Convolution = nn.Conv2d | nn.ConvTranspose2d

COMPONENTS = 256
"""At most so many principal components of the patches are clustered."""

PATCHES = 10
"""Patches for each kernel that is to be found."""

ROUNDS = 10
"""Of the k-means."""

NOTHING = 1e-6
"""A channel that deviates less is taken for constant, and left alone."""


@torch.no_grad()
def data_dependent(
    network: nn.Module,
    batches: Iterable[Batch],
    kmeans: bool = False,
    seed: int = 0,
    skip: Collection[str] = (),
) -> None:
    """Scale and shift the convolutions of a network, one after another, so that their outputs are normal on the data.

    Each channel gets mean 0 and deviation 1; one without a bias keeps its mean, which is for the norm behind it to take
    away. The last layers, whose outputs the network returns, get deviation 0.1 around the bias that they had. What is
    constant, such as kernels of zeros, stays as it is. Norms that are trained take, and keep, the statistics of this
    data; dropout is off meanwhile.

    Args:
        network: in the mode that it is trained in.
        batches: joined into one, which goes through the network once.
        kmeans: whether kernels first become the centres of their input's whitened patches. Transposed and grouped
            convolutions, and those whose input has fewer than two patches for a kernel, keep the kernels they have.
        seed: of the patches and centres that are drawn; torch's own generators go on as if nothing had been.
        skip: first names of parameters that stay as they are, pretrained ones.
    """
    whole = Batch.join(list(batches))
    done: dict[Convolution, _Normal] = {}
    hooks, modes, momenta = [], {}, {}

    def before(conv: Convolution, inputs: tuple[torch.Tensor]) -> None:
        if conv not in done:
            _cluster(conv, inputs[0])

    def after(conv: Convolution, _: object, output: torch.Tensor) -> torch.Tensor:
        if conv not in done:
            output, done[conv] = _normalise(conv, output)
        return output

    for name, module in network.named_modules():
        learns = name.split(".")[0] not in skip
        modes[module] = module.training
        norm = isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
        module.training = norm
        if norm:
            momenta[module] = module.momentum
            module.momentum = 1.0 if learns else 0.0
        if isinstance(module, Convolution) and learns and module.weight.requires_grad:
            if kmeans:
                hooks.append(module.register_forward_pre_hook(before))
            hooks.append(module.register_forward_hook(after))
    try:
        with torch.random.fork_rng([whole.lightness.device] if whole.lightness.is_cuda else []):
            torch.manual_seed(seed)
            output = network(whole.lightness, whole.hints)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
        for module, momentum in momenta.items():
            module.momentum = momentum
    returned = output if isinstance(output, tuple) else (output,)
    for conv, normal in done.items():
        if conv is list(done)[-1] or any(normal.output() is tensor for tensor in returned):
            _quieten(conv, normal)


@dataclass
class _Normal:
    """What became of a convolution."""

    output: weakref.ref[torch.Tensor]
    varies: torch.Tensor
    """[channels], which of them were scaled."""
    bias: torch.Tensor | None
    """As it was."""


def _normalise(conv: Convolution, output: torch.Tensor) -> tuple[torch.Tensor, _Normal]:
    """Scale and shift a convolution by its output [n, c, h, w]; the output that it would have had."""
    deviation, mean = torch.std_mean(output, dim=(0, 2, 3), correction=0)
    varies = deviation > NOTHING
    scale = torch.where(varies, 1 / deviation, 1)
    shift = torch.where(varies, -mean * scale, 0)
    bias = None if conv.bias is None else conv.bias.clone()
    _scale(conv, scale)
    output = output * scale.view(1, -1, 1, 1)
    if conv.bias is not None:
        conv.bias.copy_(conv.bias * scale + shift)
        output = output + shift.view(1, -1, 1, 1)
    return output, _Normal(weakref.ref(output), varies, bias)


def _quieten(conv: Convolution, normal: _Normal) -> None:
    """From mean 0 and deviation 1 to the old bias and a small deviation."""
    scale = torch.where(normal.varies, HEAD, 1.0)
    _scale(conv, scale)
    if conv.bias is not None and normal.bias is not None:
        conv.bias.copy_(conv.bias * scale + torch.where(normal.varies, normal.bias, 0))


def _scale(conv: Convolution, scale: torch.Tensor) -> None:
    """Multiply the kernels of each output channel by its entry in `scale`."""
    if isinstance(conv, nn.Conv2d):
        conv.weight.mul_(scale.view(-1, 1, 1, 1))
    else:  # [in, out / groups, h, w], the groups along the first axis
        grouped = scale.view(conv.groups, 1, -1, 1, 1)
        conv.weight.copy_((torch.unflatten(conv.weight, 0, (conv.groups, -1)) * grouped).flatten(0, 1))


def _cluster(conv: Convolution, x: torch.Tensor) -> None:
    """Make the kernels of a convolution from the patches of its input [n, c, h, w].

    Patches are whitened and brought to length 1, and the kernels are the centres of their spherical k-means, taken back
    through the whitening (Coates and Ng 2012).
    """
    if not isinstance(conv, nn.Conv2d) or conv.groups > 1 or not conv.weight.any():
        return
    kernels = conv.out_channels
    patches = _patches(conv, x, PATCHES * kernels)
    patches = patches - patches.mean(dim=0)
    if len(patches) < 2 * kernels or patches.abs().max() < NOTHING:
        return
    _, lengths, axes = torch.pca_lowrank(patches, min(COMPONENTS, *patches.shape), center=False)
    # What hardly varies is noise, which whitening would blow up.
    kept = lengths > 0.01 * lengths[0]
    whitening = axes[:, kept] / lengths[kept]
    white = functional.normalize(patches @ whitening)
    # The first centres: each a patch that is likelier drawn the less it resembles those before (k-means++).
    centres = white[:1]
    distance = torch.full((len(white),), 2.0, device=white.device)
    for _ in range(kernels - 1):
        distance = torch.minimum(distance, (1 - white @ centres[-1]).clamp(min=NOTHING))
        centres = torch.cat([centres, white[torch.multinomial(distance, 1)]])
    for _ in range(ROUNDS):
        member = functional.one_hot((white @ centres.T).argmax(dim=1), kernels).to(white)
        sums = member.T @ white
        # A centre without patches stays where it is.
        centres = torch.where(member.any(dim=0)[:, None], functional.normalize(sums), centres)
    conv.weight.copy_((centres @ whitening.T).reshape(conv.weight.shape))


def _patches(conv: nn.Conv2d, x: torch.Tensor, count: int) -> torch.Tensor:
    """At most `count` patches that a kernel covers in x [n, c, h, w], in any order: [count, d].

    Where x is smaller than a kernel, zeros surround it.
    """
    places: list[int] = []
    steps: list[torch.Tensor] = []
    padding: list[int] = []
    for size, dilation, length in zip(conv.kernel_size, conv.dilation, x.shape[2:], strict=True):
        reach = dilation * (size - 1)
        missing = max(0, reach + 1 - length)
        padding = [missing // 2, missing - missing // 2, *padding]
        places.append(length + missing - reach)
        steps.append(dilation * torch.arange(size, device=x.device))
    high, wide = places
    drawn = torch.randperm(len(x) * high * wide, device=x.device)[:count].view(-1, 1, 1)
    rows = drawn // wide % high + steps[0][:, None]
    columns = drawn % wide + steps[1]
    return functional.pad(x, padding)[drawn // (high * wide), :, rows, columns].movedim(-1, 1).flatten(1)

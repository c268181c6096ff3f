"""Random weights under the names and shapes of published files."""

import math

import torch

from tintype.networks.published.layouts import LAYOUTS


def layout(name):
    return next(known for known in LAYOUTS if known.name == name)


def random_weights(shapes, seed=1):
    """Weights whose maps neither vanish nor explode; spectral norms as training leaves them, nearly converged."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        fan = math.prod(shape[1:])
        if name.endswith("running_var"):
            weights[name] = torch.rand(shape, generator=generator) + 0.5
        elif len(shape) > 1 and not name.endswith("_g"):
            weights[name] = torch.randn(shape, generator=generator) / fan**0.5
        elif name.endswith(("weight", "gamma", "_g")):
            weights[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            weights[name] = torch.randn(shape, generator=generator) / 10
    for name in [name for name in weights if name.endswith("_orig")]:
        kernel, stem = weights[name].flatten(1), name.removesuffix("_orig")
        v = torch.nn.functional.normalize(weights[f"{stem}_v"], dim=0)
        u = torch.nn.functional.normalize(kernel @ v, dim=0)
        weights[f"{stem}_u"], weights[f"{stem}_v"] = u, torch.nn.functional.normalize(kernel.T @ u, dim=0)
    return weights


def hollow_weights(shapes):
    """One stored number each."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}

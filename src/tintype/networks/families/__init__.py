"""One module per architecture. Its name is the family's name; nothing else in the house knows it.

A family module offers `Config`, a `tintype.networks.family.Config` with every setting, and `Network`, a
`tintype.networks.family.Network` made as Network(config, channels). Another package adds one by an entry point in the
group "tintype.families", whose name is the family's and whose value is such a module:

    [project.entry-points."tintype.families"]
    mine = "my_package.mine"
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import torch

from tintype.errors import ConfigError
from tintype.networks import family

GROUP = "tintype.families"
PROBE = 64
"""Side in pixels of the gray picture that another package's network is tried on, or the next multiple of its stride."""


@dataclass(frozen=True)
class Family:
    """An architecture."""

    name: str
    Config: type[family.Config]
    Network: type[family.Network]
    package: str = ""
    """Which other package registers it, with its version."""

    def make(self, config: family.Config, channels: int) -> family.Network:
        """A network with random weights.

        Raises:
            ConfigError: a setting cannot work, or the package that registers the family fails.
        """
        with self._in_one_sentence("making its network"):
            return self.Network(config, channels)

    def load_pretrained(self, network: family.Network) -> None:
        """As `Network.load_pretrained`.

        Raises:
            ConfigError: a file cannot be read or holds another network, or the package fails.
        """
        with self._in_one_sentence("loading its pretrained weights"):
            network.load_pretrained()

    def try_out(self, network: family.Network) -> None:
        """Let a network of another package look at a gray picture once, so that it fails before photographs are read.

        Raises:
            ConfigError: it fails, or what it gives is not what `tintype.networks.family.Network` promises.
        """
        if not self.package:
            return
        with self._in_one_sentence("trying its network"), torch.no_grad(), torch.random.fork_rng([]):
            side = -(-PROBE // network.stride) * network.stride
            device = next(network.parameters()).device
            training = network.training
            lightness = torch.full((1, 1, side, side), 50.0, device=device)
            output = network.eval()(lightness, torch.zeros(1, 3, side, side, device=device))
            network.train(training)
            raw, side_logits = output if isinstance(output, tuple) else (output, None)
            wanted = (1, network.channels, side // network.scale, side // network.scale)
            if tuple(raw.shape) != wanted:
                raise self._error(f"its network gives maps of shape {tuple(raw.shape)}, and not {wanted}")
            bins = 0 if network.side_bins is None else len(network.side_bins)
            if bins != (0 if side_logits is None else side_logits.shape[1]):
                raise self._error("the side head of its network does not fit its side_bins")

    @contextmanager
    def _in_one_sentence(self, doing: str) -> Iterator[None]:
        """What goes wrong in another package is no bug of ours, and is told without a traceback."""
        try:
            yield
        except ConfigError:
            raise
        except Exception as error:
            if not self.package:
                raise
            raise self._error(f"{doing} fails ({_reason(error)})") from error

    def _error(self, what: str) -> ConfigError:
        return ConfigError(
            f"family {self.name!r} of the package {self.package}: {what}; update the package or tell its authors"
        )


def _reason(error: Exception) -> str:
    return ": ".join(filter(None, [type(error).__name__, *str(error).splitlines()[:1]]))


def names() -> list[str]:
    """The families there are, those of other packages included."""
    return sorted({*_own(), *(point.name for point in entry_points(group=GROUP))})


def get(name: str) -> Family:
    """The family of a name.

    Raises:
        ConfigError: there is none or more than one, or the package that registers it does not keep the contract.
    """
    points = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if name in _own() and not points:
        module = importlib.import_module(f"{__name__}.{name}")
        return Family(name, module.Config, module.Network)
    if not points:
        known = ", ".join(names())
        raise ConfigError(f"family {name!r} is unknown; there are {known}; if another package has it, install that")
    packages = [_package(point) for point in points.values()]
    if name in _own() or len(points) > 1:
        owners = [*(["tintype"] if name in _own() else []), *sorted(packages)]
        raise ConfigError(f"family {name!r} is in {' and in '.join(owners)}; uninstall one of these packages")
    (point,) = points.values()
    return _of_package(point, packages[0])


def _own() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _of_package(point: EntryPoint, package: str) -> Family:
    try:
        module = point.load()
    except Exception as error:  # a package may fail in any way
        raise ConfigError(
            f"family {point.name!r} of the package {package}: {point.value} cannot be imported ({_reason(error)}); "
            "update the package or uninstall it"
        ) from error
    classes: dict[str, type] = {"Config": family.Config, "Network": family.Network}
    for name, kind in classes.items():
        found = getattr(module, name, None)
        if not (isinstance(found, type) and issubclass(found, kind)):
            raise ConfigError(
                f"family {point.name!r} of the package {package}: {point.value} has no {name} that derives from "
                f"tintype.networks.family.{name}; update the package or tell its authors"
            )
    return Family(point.name, module.Config, module.Network, package)

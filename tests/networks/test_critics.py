"""Critics."""

import msgspec
import pytest
import torch
from torch.nn import functional

from tintype.errors import ConfigError
from tintype.networks.critics import Config, make


def count(critic):
    return sum(value.numel() for value in critic.parameters())


def picture(side, seed=0, n=2):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, side, side, generator=generator) * 100, torch.randn(n, 2, side, side, generator=generator)


def test_the_patch_critic_is_the_published_one():
    # 2 768 705 with two pictures of three channels; ours reads three channels in place of six.
    assert count(make(Config(), 256)) == 2_768_705 - 3 * 64 * 16
    with torch.no_grad():
        assert make(Config(width=2), 256)(*picture(256)).shape == (2, 1, 30, 30)


def test_a_score_sees_70_pixels():
    critic = make(Config(width=2), 256).eval()
    lightness, ab = picture(256, n=1)
    ab.requires_grad_()
    critic(lightness, ab)[0, 0, 15, 15].backward()
    seen = ab.grad[0].abs().sum(dim=0)
    rows, columns = seen.sum(dim=1).nonzero().flatten(), seen.sum(dim=0).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == 70


def test_the_dense_critic_of_ab_alone_is_the_published_one():
    assert count(make(Config(kind="dense", sees="ab"), 128)) == 198_305
    with torch.no_grad():
        assert make(Config(kind="dense", sees="ab", width=2), 32)(*picture(32)).shape == (2, 1)


@pytest.mark.parametrize("kind", ["patch", "dense"])
def test_only_a_critic_of_both_knows_which_picture_the_colours_belong_to(kind):
    lightness, ab = picture(32)
    other, _ = picture(32, seed=1)
    for sees, same in (("ab", True), ("both", False)):
        critic = make(Config(kind=kind, sees=sees, width=4), 32).eval()
        with torch.no_grad():
            assert torch.equal(critic(lightness, ab), critic(other, ab)) == same


@pytest.mark.parametrize("kind", ["patch", "dense"])
def test_it_learns_to_tell_colours_that_belong_from_colours_that_do_not(kind):
    def flat(seed):
        level = torch.rand(8, 1, 1, 1, generator=torch.Generator().manual_seed(seed)) * 100
        return level.expand(8, 1, 32, 32), (level - 50).expand(8, 2, 32, 32)

    torch.manual_seed(0)
    critic = make(Config(kind=kind, width=4, dropout=0.0), 32)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    for step in range(40):
        lightness, true = flat(step)
        real, fake = critic(lightness, true), critic(lightness, -true)
        loss = functional.softplus(-real).mean() + functional.softplus(fake).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    critic.eval()
    lightness, true = flat(99)
    with torch.no_grad():
        assert critic(lightness, true).mean() > critic(lightness, -true).mean() + 1


def test_what_cannot_work_is_refused():
    with pytest.raises(ConfigError, match=r"patch critic needs an ab plane of at least 24 pixels a side, not 16"):
        make(Config(), 16)
    with pytest.raises(ConfigError, match=r"multiple of 8, not 36"):
        make(Config(kind="dense"), 36)
    with pytest.raises(ConfigError, match=r"adversarial\.critic\.width must be at least 1"):
        make(Config(width=0), 32)
    with pytest.raises(ConfigError, match=r"adversarial\.critic\.dropout must be at least 0 and below 1"):
        make(Config(kind="dense", dropout=1.0), 32)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "pixel"}, Config)

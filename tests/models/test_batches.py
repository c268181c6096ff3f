"""Threads that ask a network at the same time are served by one run, and each gets its own answer or error."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from models.test_model import endless
from tintype.album import colorize_all, plan
from tintype.colorizer import Colorizer
from tintype.models import load
from tintype.models.batches import Batches
from tintype.models.device import BATCH
from tintype.models.offload import Offload
from tintype.models.runtime import Failure, OutOfMemory, Session

POOL = helper.make_node("AveragePool", ["lightness"], ["small"], kernel_shape=[4, 4], strides=[4, 4])
COLOUR = helper.make_node("Conv", ["small", "gain", "offset"], ["colour"])


def greedy(pixels: int) -> list:
    """Nodes of a graph that asks for more memory than there can be if it sees more than so many pixels."""
    return [
        POOL,
        COLOUR,
        helper.make_node("Size", ["lightness"], ["seen"]),
        helper.make_node("Constant", [], ["fit"], value_int=pixels),
        helper.make_node("Constant", [], ["none"], value_int=0),
        helper.make_node("Constant", [], ["much"], value_int=1 << 40),
        helper.make_node("Sub", ["seen", "fit"], ["over"]),
        helper.make_node("Max", ["over", "none"], ["more"]),
        helper.make_node("Mul", ["more", "much"], ["length"]),
        helper.make_node("Constant", [], ["list"], value_ints=[1]),
        helper.make_node("Reshape", ["length", "list"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["colour", "zero"], ["ab"]),
    ]


def afraid_of_white() -> list:
    """Nodes of a graph that fails where there is a lightness above 99."""
    return [
        POOL,
        COLOUR,
        helper.make_node("ReduceMax", ["lightness"], ["brightest"], keepdims=0),
        helper.make_node("Constant", [], ["white"], value_float=99.0),
        helper.make_node("Greater", ["brightest", "white"], ["is"]),
        helper.make_node("Cast", ["is"], ["index"], to=TensorProto.INT64),
        helper.make_node("Constant", [], ["nothing"], value_floats=[0.0]),
        helper.make_node("Gather", ["nothing", "index"], ["zero"]),
        helper.make_node("Add", ["colour", "zero"], ["ab"]),
    ]


def gray(level: float, height: int = 8, width: int = 8) -> dict[str, np.ndarray]:
    return {"lightness": np.full((1, 1, height, width), level, np.float32)}


class Held(Session):
    """A session whose first run waits until it is let go, so that others come in the meantime; it notes its runs."""

    def __init__(self, path):
        super().__init__(path, 1)
        self.begun, self.go = threading.Event(), threading.Event()
        self.runs: list[list[float]] = []

    def run(self, outputs, feed, limit=None, watch=None):
        self.runs.append([float(picture[0, 0, 0]) for picture in feed["lightness"]])
        self.begun.set()
        assert self.go.wait(60)
        return super().run(outputs, feed, limit, watch)


def ask(path, feeds, pixels=BATCH):
    """All but the first of the feeds come while that one is run. Returns the session, batches, and a future each."""
    session = Held(path)
    batches = Batches(session, pixels)
    pool = ThreadPoolExecutor(len(feeds))
    futures = [pool.submit(batches.run, ["ab"], feeds[0])]
    assert session.begun.wait(60)
    for count, feed in enumerate(feeds[1:], 1):
        futures.append(pool.submit(batches.run, ["ab"], feed))
        while len(batches._waiting) < count:  # in the order of the feeds
            pass
    session.go.set()
    pool.shutdown()
    return session, batches, futures


def colour(future) -> list[float]:
    """Of the one photograph that was asked for."""
    (ab,) = future.result()
    assert len(ab) == 1
    return [float(value) for value in ab[0, :, 0, 0]]


def test_calls_of_the_same_shape_share_a_run(build_model):
    levels = [10, 20, 30, 40, 50]
    session, _, futures = ask(build_model(), [gray(level) for level in levels])
    assert session.runs == [[10], [20, 30, 40, 50]]
    np.testing.assert_allclose(
        [colour(future) for future in futures], [[0.2 * level + 10, 20 - 0.4 * level] for level in levels], atol=1e-4
    )


def test_calls_that_differ_in_shape_or_temperature_do_not(build_model):
    def feed(level, temperature, side=8):
        return gray(level, side) | {"temperature": np.array(temperature, np.float32)}

    feeds = [feed(10, 1), feed(20, 1), feed(30, 2), feed(40, 1, 16), feed(50, 1), feed(60, 2)]
    session, _, futures = ask(build_model(temperature=True), feeds)
    assert session.runs == [[10], [20, 50], [30, 60], [40]]
    heats = [1, 1, 2, 1, 1, 2]
    expected = [heat * (0.2 * level + 10) for heat, level in zip(heats, [10, 20, 30, 40, 50, 60], strict=True)]
    np.testing.assert_allclose([colour(future)[0] for future in futures], expected, atol=1e-4)


def test_a_batch_has_no_more_pixels_than_it_may(build_model):
    session, _, _ = ask(build_model(), [gray(level) for level in range(6)], pixels=3 * 64 + 1)
    assert session.runs == [[0], [1, 2, 3], [4, 5]]
    session, _, _ = ask(build_model(), [gray(level) for level in range(3)], pixels=0)
    assert session.runs == [[0], [1], [2]]


def test_a_batch_that_needs_too_much_memory_is_halved_and_stays_so(build_model):
    session, batches, futures = ask(build_model(nodes=greedy(2 * 64)), [gray(level) for level in range(8)])
    assert session.runs[:3] == [[0], [1, 2, 3, 4, 5, 6, 7], [1, 2, 3]]
    assert batches.pixels == 2 * 64 or batches.pixels == 64
    np.testing.assert_allclose([colour(future)[1] for future in futures], [20 - 0.4 * level for level in range(8)])
    with pytest.raises(OutOfMemory):
        batches.run(["ab"], gray(50, 24))


def test_an_error_reaches_the_one_who_caused_it(build_model):
    _, batches, futures = ask(build_model(nodes=afraid_of_white()), [gray(level) for level in (50, 60, 100, 70)])
    assert [future.exception() is None for future in futures] == [True, True, False, True]
    assert isinstance(futures[2].exception(), Failure)
    assert batches.pixels == BATCH  # it was not for want of memory


def test_whoever_gives_up_holds_up_nobody(build_model):
    session = Held(build_model())
    batches = Batches(session, BATCH)

    def stop():
        assert session.begun.wait(60)
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(batches.run, ["ab"], gray(10))
        assert session.begun.wait(60)
        impatient = pool.submit(batches.run, ["ab"], gray(20), stop)
        assert isinstance(impatient.exception(60), KeyboardInterrupt)
        third = pool.submit(batches.run, ["ab"], gray(30))
        session.go.set()
        assert colour(first)[0] == pytest.approx(12)
        assert colour(third)[0] == pytest.approx(16)
    assert session.runs == [[10], [30]]


def test_a_run_on_which_nobody_waits_ends(build_model):
    session = Session(build_model(nodes=endless()), 1)
    batches = Batches(session, BATCH)
    begin = threading.Event()

    def stop():
        begin.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batches.run(["ab"], gray(50), stop)
    for thread in threading.enumerate():
        if thread.name in ("batches", "network"):
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def trials():
    return [gray(30, 16, 24), gray(80, 16, 24)]


def offload(device, cpu, trials):
    return Offload(Session(device, 1), Session(cpu, 1), BATCH, trials)


def test_what_a_device_has_no_memory_for_is_computed_on_the_cpu_and_said_once(build_model, trials):
    small = offload(build_model(nodes=greedy(16 * 24)), build_model(), trials)
    with pytest.warns(match="too little memory for some photographs; these are coloured on the CPU"):
        (ab,) = small.run(["ab"], gray(10, 32, 32))
    assert ab[0, 0, 0, 0] == pytest.approx(12)
    (ab,) = small.run(["ab"], gray(20, 32, 32))  # a second warning would be an error
    assert ab[0, 0, 0, 0] == pytest.approx(14)
    assert small.run(["ab"], gray(50))[0].shape == (1, 2, 2, 2)


def test_so_is_what_a_device_fails_on(build_model, trials):
    timid = offload(build_model(nodes=afraid_of_white()), build_model(), trials)
    with pytest.warns(match=r"fails on some photographs \(.+\); these are coloured on the CPU"):
        (ab,) = timid.run(["ab"], gray(100))
    assert ab[0, 0, 0, 0] == pytest.approx(30)
    both = offload(build_model(nodes=afraid_of_white()), build_model(nodes=afraid_of_white()), trials)
    with pytest.raises(Failure):
        both.run(["ab"], gray(100))


def test_a_device_that_gives_other_colours_is_refused(build_model, trials):
    with pytest.raises(Failure, match="other colours than the CPU"):
        offload(build_model(gain=(0.21, -0.4)), build_model(), trials)
    with pytest.raises(Failure, match="memory"):
        offload(build_model(nodes=greedy(8)), build_model(), trials)


def test_a_network_that_mixes_the_pictures_of_a_batch_gets_none(build_model, trials):
    mixing = [
        POOL,
        helper.make_node("Conv", ["small", "gain", "offset"], ["own"]),
        helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0]),
        helper.make_node("Sub", ["own", "mean"], ["less"]),
        helper.make_node("Add", ["less", "own"], ["ab"]),
    ]
    assert offload(build_model(), build_model(), trials).pixels == BATCH
    path = build_model(nodes=mixing)
    assert offload(path, path, trials).pixels == 0


def test_hints_are_each_callers_own(build_model):
    model = load(build_model(hints=True))
    hints = np.zeros((6, 3, 16, 24), np.float32)
    hints[:, 0] = np.arange(6)[:, None, None]
    lightness = np.full((16, 24), 50, np.float32)
    alone = [model.predict(lightness, own).ab for own in hints]
    model._offload = Offload(model._session, model._session, BATCH, model._trials())
    assert model.batch > 1
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda own: model.predict(lightness, own).ab, hints))
    np.testing.assert_array_equal(together, alone)


def batched(path):
    """A model as on another device, but on the CPU."""
    model = load(path, 1)
    model._offload = Offload(model._session, model._session, BATCH, model._trials())
    return model


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60 + 8 * (number % 2)), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_an_album_comes_out_the_same_in_batches(scans, tmp_path, tiny):
    for name, model in (("alone", load(tiny, 1)), ("together", batched(tiny))):
        tasks = plan([scans], tmp_path / name).tasks
        outcomes = list(colorize_all(tasks, Colorizer(model, threads=1), jobs=6))
        assert {outcome.status for outcome in outcomes} == {"coloured"}
    for path in scans.iterdir():
        assert (tmp_path / "together" / path.name).read_bytes() == (tmp_path / "alone" / path.name).read_bytes()


def test_an_album_in_batches_is_left_at_once(scans, tmp_path, build_model):
    (scans / "broken.png").write_bytes(b"")
    tasks = plan([scans], tmp_path / "out").tasks
    outcomes = colorize_all(tasks, Colorizer(batched(build_model(nodes=endless(since=1000))), threads=1), jobs=8)
    assert next(outcomes).status == "failed"
    outcomes.close()
    assert list((tmp_path / "out").rglob("*.png*")) == []

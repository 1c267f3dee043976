"""Replaying updates, with a recorder that needs no GPU, and with one where there is."""

import pytest
import torch
from torch import nn

from course_lib._graph import CudaGraphs, Replay
from course_lib.lenet import LeNet
from course_lib.training import train_ch6


class Again:
    """Records as CUDA does: without doing the work, and from where the batch lies."""

    def __init__(self):
        self.log = []

    def warm_up(self, work):
        self.log.append("warm-up")
        work()

    def record(self, work):
        self.log.append("record")

        def replay():
            self.log.append("replay")
            work()

        return replay


def run(batches):
    """Replay the sum of X·y over batches; return it and what the recorder did."""
    recorder, total = Again(), torch.zeros(())

    def update(X, y):
        total.add_((X * y).sum())

    replay = Replay(recorder)
    for X, y in batches:
        replay(update, X, y)
    return total.item(), recorder.log


def batch(n, value):
    return torch.full((n,), float(value)), torch.ones(n)


def test_three_batches_warm_up_and_the_fourth_is_recorded_and_replayed_at_once():
    batches = [batch(2, value) for value in range(1, 7)]
    total, log = run(batches)
    assert total == 2 * (1 + 2 + 3 + 4 + 5 + 6)
    assert log == ["warm-up"] * 3 + ["record"] + ["replay"] * 3


def test_a_batch_of_another_shape_is_done_as_it_comes():
    sizes = [2, 2, 1, 2, 1, 2, 2, 1, 2]
    total, log = run([batch(n, value) for value, n in enumerate(sizes)])
    assert total == sum(n * value for value, n in enumerate(sizes))
    assert log == ["warm-up"] * 3 + ["record"] + ["replay"] * 3


def test_a_batch_of_another_type_is_done_as_it_comes():
    X, y = batch(2, 1)
    total, log = run([(X, y), (X.double(), y), (X, y.double())])
    assert total == 6
    assert log == ["warm-up"]


def test_the_first_batch_itself_is_left_alone():
    batches = [batch(2, value) for value in range(1, 7)]
    run(batches)
    assert [X.tolist() for X, _ in batches] == [[v, v] for v in range(1, 7)]


def test_training_by_replay_gives_the_numbers_of_training(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(360, 1, 28, 28, generator=generator)
    y = torch.randint(0, 10, (360,), generator=generator)
    data = [*zip(X.split(50), y.split(50), strict=True)]  # seven of 50, one of 10
    recorder = Again()
    monkeypatch.setattr(
        "course_lib.training._replaying", lambda device: Replay(recorder)
    )
    histories, weights = [], []
    for graph in (False, True):
        torch.manual_seed(0)
        net = LeNet()
        histories.append(
            train_ch6(net, data, data, 3, 0.5, "cpu", verbose=False, graph=graph)
        )
        weights.append([p.detach().clone() for p in net.parameters()])
    plain, replayed = histories
    assert recorder.log.count("record") == 1
    assert recorder.log.count("replay") == 3 * 7 - 3
    assert replayed.train_loss == plain.train_loss
    assert replayed.running == plain.running
    assert replayed.examples == plain.examples == 3 * 360
    assert all(map(torch.equal, *weights))


def test_without_cuda_a_warning_says_so_and_training_goes_on():
    data = [(torch.rand(4, 2), torch.tensor([0, 1, 0, 1]))]
    with pytest.warns(
        UserWarning,
        match=r"^graph=True records the step as a CUDA graph, and the device is cpu: "
        r"training goes on without\. Pass graph=True only with a CUDA device, such as "
        r"try_gpu\(\) gives where there is one\.$",
    ):
        history = train_ch6(
            nn.Linear(2, 2), data, data, 2, 0.1, "cpu", verbose=False, graph=True
        )
    assert len(history.train_loss) == 2


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


@needs_cuda
def test_a_cuda_graph_gives_the_loss_curve_of_training_without():
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(360, 1, 28, 28, generator=generator)
    y = torch.randint(0, 10, (360,), generator=generator)
    data = [*zip(X.split(50), y.split(50), strict=True)]
    curves = []
    for graph in (False, True):
        torch.manual_seed(0)
        history = train_ch6(
            LeNet(), data, data, 3, 0.5, "cuda", verbose=False, graph=graph
        )
        curves.append(history.train_loss)
    assert curves[1] == pytest.approx(curves[0], abs=1e-4)


@needs_cuda
def test_what_cannot_be_recorded_is_explained():
    with pytest.raises(RuntimeError) as caught:
        CudaGraphs().record(lambda: torch.ones(2, device="cuda").sum().item())
    assert "cannot be recorded as a CUDA graph" in caught.value.__notes__[0]


def test_a_failed_recording_is_explained(monkeypatch):
    class NoGraph:
        def __init__(self, graph):
            pass

        def __enter__(self):
            raise RuntimeError("operation not permitted when stream is capturing")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", NoGraph)
    with pytest.raises(RuntimeError, match="capturing") as caught:
        CudaGraphs().record(lambda: None)
    assert caught.value.__notes__ == [
        "This step cannot be recorded as a CUDA graph: perhaps the network asks the "
        "device for a number, or copies from the CPU. Train without graph=True."
    ]

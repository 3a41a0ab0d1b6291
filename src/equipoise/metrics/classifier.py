"""A small classifier trained on the data's own labels: features, probabilities, labels, and its accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.metrics.base import as_tensor
from equipoise.metrics.features import evaluating
from equipoise.validation import Interval, validated

if TYPE_CHECKING:
    from equipoise.data import Dataset


class Classifier(nn.Module):
    """A small network from samples to classes; its penultimate layer is a feature.

    Three convolutions with batch normalisation for images and sequences, two wide layers for vectors, then a
    penultimate layer of `width` features.

    Attributes:
        held_out_accuracy: on samples it was not trained on, from 0 to 1, or NaN before training.
        classes: how many.

    Example:
        >>> network = Classifier((1, 8, 8), classes=10)
        >>> network.features(torch.zeros(2, 1, 8, 8)).shape, network(torch.zeros(2, 1, 8, 8)).shape
        (torch.Size([2, 128]), torch.Size([2, 10]))
    """

    feature_name = "classifier"

    @validated(classes=Interval(int, 2, None), width=Interval(int, 1, None))
    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 128) -> None:
        super().__init__()
        self.shape, self.classes = tuple(shape), classes
        self.held_out_accuracy = math.nan
        body: list[nn.Module] = []
        if len(shape) == 1:
            body += [nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
            body += [nn.Linear(width, width), nn.ReLU()]
        elif len(shape) in (2, 3):
            flat = len(shape) == 3
            convolution: Callable[..., nn.Module] = nn.Conv2d if flat else nn.Conv1d
            normalisation: Callable[..., nn.Module] = nn.BatchNorm2d if flat else nn.BatchNorm1d
            pool = nn.AdaptiveAvgPool2d(2) if flat else nn.AdaptiveAvgPool1d(2)
            channels = shape[0]
            for stage, out in enumerate((32, 64, 64)):
                # Halved only while there is something left to halve: 8 by 8 digits keep a 4 by 4 map.
                stride = 2 if stage and min(shape[1:]) >= 2 ** (stage + 2) else 1
                body += [
                    convolution(channels, out, 3, stride, 1, bias=False),
                    normalisation(out),
                    nn.ReLU(),
                ]
                channels = out
            body += [pool, nn.Flatten(), nn.Linear(channels * 2 ** (len(shape) - 1), width), nn.ReLU()]
        else:
            raise parameter_error("shape", "that of a vector, a sequence or an image", shape)
        self.body = nn.Sequential(*body)
        self.head = nn.Linear(width, classes)

    def features(self, samples: Tensor) -> Tensor:
        """The penultimate features, (N, width)."""
        if tuple(samples.shape[1:]) != self.shape:
            raise parameter_error(
                "samples", f"of shape (N, {', '.join(map(str, self.shape))})", samples.shape
            )
        return self.body(samples)

    def forward(self, samples: Tensor) -> Tensor:
        return self.head(self.features(samples))

    def probabilities(self, samples: object, batch_size: int = 512) -> Tensor:
        """Class probabilities (N, classes) in float64, in evaluation mode."""
        tensor = as_tensor("samples", samples)
        place = self.head.weight
        with torch.no_grad(), evaluating(self):
            parts = [self(part.to(place.device, place.dtype)) for part in tensor.split(batch_size)]
        return torch.cat(parts).double().softmax(1).to(tensor.device)

    def labels(self, samples: object, batch_size: int = 512) -> Tensor:
        """The most probable class of each sample, (N,) int64."""
        return self.probabilities(samples, batch_size).argmax(1)


@validated(
    epochs=Interval(int, 1, None),
    batch_size=Interval(int, 2, None),
    learning_rate=Interval(float, 0, None, low_open=True),
    held_out_fraction=Interval(float, 0, 1, low_open=True, high_open=True),
    width=Interval(int, 1, None),
    seed=Interval(int, 0, None),
)
def train_classifier(
    dataset: Dataset,
    *,
    epochs: int = 15,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out_fraction: float = 0.2,
    width: int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
    show: Callable[[str], None] | None = None,
) -> Classifier:
    """A classifier of the data's labels, trained from a fixed seed, with its accuracy on samples kept out.

    Cross entropy, AdamW and a one-cycle learning rate. The global random state stays as it is.

    Args:
        dataset: a labelled data set: `batch`, `labels`, `specification`, length.
        held_out_fraction: of the samples, drawn at random, for `held_out_accuracy`.
        show: called with a line of text after each epoch.

    Returns:
        The classifier in evaluation mode, with frozen weights.

    Raises:
        EquipoiseError: for a data set without labels or with one class.

    Example:
        >>> from equipoise.data import load_data
        >>> train_classifier(load_data("digits"), epochs=2).held_out_accuracy > 0.8
        True
    """
    classes = dataset.specification.classes
    if dataset.labels is None or classes is None:
        raise EquipoiseError(
            "`dataset` must have labels for a classifier, but it has none; use the feature "
            "`random-convolution` or `pixels`."
        )
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(dataset), generator=random)
    held = max(1, round(held_out_fraction * len(dataset)))
    test, training = order[:held], order[held:]
    batch_size = min(batch_size, len(training))
    if batch_size < 2:
        raise parameter_error("dataset", "of at least 3 samples", len(dataset))
    steps = len(training) // batch_size
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(seed)
        network = Classifier(dataset.specification.shape, classes, width).to(device).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=learning_rate, total_steps=epochs * steps
        )
        for epoch in range(epochs):
            shuffled = training[torch.randperm(len(training), generator=random)]
            loss = torch.zeros(())
            for indices in shuffled[: steps * batch_size].view(steps, batch_size):
                samples, labels = _labelled(dataset, indices, device)
                loss = nn.functional.cross_entropy(network(samples), labels)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
            if show is not None:
                show(f"classifier: epoch {epoch + 1} of {epochs}, loss {float(loss):.3f}")
    network.eval().requires_grad_(False)
    network.held_out_accuracy = _accuracy(network, dataset, test, device)
    return network


def _labelled(dataset: Dataset, indices: Tensor, device: torch.device | str) -> tuple[Tensor, Tensor]:
    samples, labels = dataset.batch(indices.numpy())
    if labels is None:
        raise EquipoiseError("`dataset` must give labels with every batch, but it gave none.")
    return samples.to(device), labels.to(device)


def _accuracy(network: Classifier, dataset: Dataset, indices: Tensor, device: torch.device | str) -> float:
    right = 0
    for part in indices.split(512):
        samples, labels = _labelled(dataset, part, device)
        right += int((network.labels(samples) == labels).sum())
    return right / len(indices)


def channel_modes(classifier: Classifier, samples: object, batch_size: int = 512) -> Tensor:
    """The mode of stacked images: each channel classified on its own, the classes read as digits of one
    number.

    With 10 classes and three channels (a, b, c) the mode is 100 a + 10 b + c, as in the data set
    `stacked-digits`.

    Args:
        classifier: of one-channel images. samples: (N, C, H, W).

    Returns:
        (N,) int64, from 0 to classes^C - 1.

    Example:
        >>> channel_modes(Classifier((1, 8, 8), classes=10), torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2])
    """
    tensor = as_tensor("samples", samples)
    if tensor.ndim != 4:
        raise parameter_error("samples", "images of shape (N, C, H, W)", tuple(tensor.shape))
    mode = torch.zeros(len(tensor), dtype=torch.long, device=tensor.device)
    for channel in range(tensor.shape[1]):
        labels = classifier.labels(tensor[:, channel : channel + 1], batch_size)
        mode = mode * classifier.classes + labels
    return mode

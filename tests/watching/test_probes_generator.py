"""Probes that ask the generator or the game, against closed forms: firing, healthy, what looks like it."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from equipoise.metrics.birthday_paradox import support_from_collisions
from equipoise.watching.probes.latents import find_latents
from equipoise.watching.probes.upsampling_spectrum import nyquist_peak

_spec = importlib.util.spec_from_file_location("watching_probing", Path(__file__).with_name("probing.py"))
assert _spec is not None
assert _spec.loader is not None
tools = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("watching_probing", tools)
_spec.loader.exec_module(tools)
remembering, probed, noise, Linear, Draw = (
    tools.remembering,
    tools.probed,
    tools.noise,
    tools.Linear,
    tools.Draw,
)

BATCHES = [noise(64, 4, seed) for seed in range(8)]
LATENTS = [noise(64, 3, 10 + seed) for seed in range(4)]


def anatomy(generator: nn.Module, discriminator: nn.Module, objective: str) -> dict[str, float]:
    return probed(
        remembering(generator, discriminator, BATCHES, LATENTS, objective=objective), "gradient-anatomy"
    )


# ---- gradient-anatomy


def constant(value: float) -> nn.Module:
    generator = nn.Linear(3, 4)
    nn.init.zeros_(generator.weight)
    nn.init.constant_(generator.bias, value)
    return generator


@pytest.mark.parametrize(
    ("objective", "slope", "reference"),
    [
        # At s = -6 for all fakes: sigmoid(s) - 1, -sigmoid(s), s - 1 (of a half of the square), -1.
        ("non-saturating", 1 / (1 + math.exp(-6)), 0.5),
        ("minimax", 1 / (1 + math.exp(6)), 0.5),
        ("least-squares", 7.0, 0.5),
        ("hinge", 1.0, 1.0),
        ("wasserstein", 1.0, 1.0),
    ],
)
def test_the_slope_of_each_family_at_a_rejected_fake(objective: str, slope: float, reference: float) -> None:
    weight = torch.tensor([1.0, 0.5, 0.0, 0.0])
    values = anatomy(constant(-4.0), Linear(weight), objective)
    assert values["slope"] == pytest.approx(slope, rel=1e-4)
    assert values["slope.reference"] == pytest.approx(reference, rel=1e-4)
    for name in ("steepness", "steepness.real", "steepness.between"):
        assert values[name] == pytest.approx(math.sqrt(1.25), rel=1e-5)


def test_a_score_behind_a_sigmoid_is_taken_before_it() -> None:
    # Saturated to probability 1e-9 and less, where the sigmoid itself is flat; its input is not.
    network = nn.Sequential(Linear(torch.full((4,), 5.0)), nn.Sigmoid())
    values = anatomy(constant(-4.0), network, "non-saturating")
    assert values["steepness"] == pytest.approx(10.0, rel=1e-4)
    assert values["slope"] == pytest.approx(1.0, rel=1e-4)


def test_a_flat_discriminator_has_no_steepness_at_the_fakes() -> None:
    class Step(nn.Module):
        """Flat for negative sums, steep above."""

        def forward(self, samples: Tensor) -> Tensor:
            return torch.relu(samples.sum(dim=1))

    values = anatomy(constant(-4.0), Step(), "non-saturating")
    assert values["steepness"] == 0.0
    assert values["steepness.real"] > 0.5


def test_a_linear_generator_hands_the_gradient_on_in_closed_form() -> None:
    generator = nn.Linear(3, 4, bias=False)
    watcher = remembering(generator, Linear(torch.ones(4)), BATCHES, LATENTS, objective="wasserstein")
    values = probed(watcher, "gradient-anatomy")
    # dA = sum of v z' with v = w / (|w| sqrt(32)) in every row, so |dA| = |sum of z| / sqrt(32).
    assert values["jacobian.first"] == values["jacobian.last"]
    # The latents are redrawn: |sum of 32 standard normal rows| / sqrt(32) is chi with 3 degrees of freedom.
    assert 0.1 < values["jacobian.first"] < 4.5


def test_a_generator_that_does_not_pass_the_gradient_on() -> None:
    class Damp(nn.Module):
        def forward(self, value: Tensor) -> Tensor:
            return value * 1e-6 + torch.sign(value).detach()

    torch.manual_seed(0)
    deep = nn.Sequential(nn.Linear(3, 8), Damp(), nn.Linear(8, 4))
    values = anatomy(deep, Linear(torch.ones(4)), "non-saturating")
    assert values["jacobian.first"] < 1e-4 * values["jacobian.last"]
    healthy = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 4))
    values = anatomy(healthy, Linear(torch.ones(4)), "non-saturating")
    assert values["jacobian.first"] > 0.05 * values["jacobian.last"]


# ---- generator-response


class Conditional(nn.Module):
    """x = latent_gain * z + label_gain * label, with whole labels before or after the latent."""

    def __init__(self, latent_gain: float, label_gain: float, label_first: bool = False) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.tensor([latent_gain, label_gain]))
        self.label_first = label_first

    def forward(self, *given: Tensor) -> Tensor:
        labels, latent = given if self.label_first else given[::-1]
        return self.gains[0] * latent + self.gains[1] * labels.float()[:, None]


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize(("latent_gain", "label_gain"), [(0.0, 2.0), (1.0, 0.0), (1.0, 2.0), (0.0, 0.0)])
def test_what_the_output_depends_on(latent_gain: float, label_gain: float, label_first: bool) -> None:
    labels = torch.arange(64) % 4
    calls = [
        (labels, latent) if label_first else (latent, labels) for latent in (noise(64, 4, 1), noise(64, 4, 2))
    ]
    generator = Conditional(latent_gain, label_gain, label_first)
    values = probed(remembering(generator, Linear(torch.ones(4)), BATCHES, calls), "generator-response")
    # Reals are standard normal: spread 1, mean distance 2 Gamma(2.5) / Gamma(2) = 2.66 in four dimensions.
    distance = 2 * math.gamma(2.5) / math.gamma(2)
    assert values["latent"] == pytest.approx(latent_gain, rel=0.15, abs=1e-6)
    # Two draws of a standard normal in four dimensions are sqrt(8) apart in the root mean square.
    assert values["noise"] == pytest.approx(latent_gain * math.sqrt(8) / distance, rel=0.15, abs=1e-6)
    # Two different labels of 0 to 3 are sqrt(20 / 6) apart in the root mean square, in each of four values.
    expected = label_gain * math.sqrt(4 * 20 / 6) / distance
    assert values["condition"] == pytest.approx(expected, rel=0.2, abs=1e-6)


class Styled(nn.Module):
    """A synthesis from a style, which is what `route` makes of the latent."""

    def __init__(self, route: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.mapping, self.synthesis, self.route = nn.Linear(3, 4), nn.Linear(4, 4), route

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.route(self.mapping, z))


def _in_place(mapping: nn.Module, z: Tensor) -> Tensor:
    return mapping(z.mul_(2.0))


@pytest.mark.parametrize(
    ("route", "connected", "follows"),
    [
        (lambda mapping, z: mapping(z), 1.0, True),
        (lambda mapping, z: torch.zeros_like(mapping(z)), 0.0, False),
        (lambda mapping, z: mapping(z) * 0.0, 1.0, False),  # as a collapse or dead units leave it
        (lambda mapping, z: mapping(z).detach(), 0.0, True),
        (lambda mapping, z: nn.functional.one_hot(mapping(z).argmax(1), 4).float(), 0.0, True),
        (_in_place, 1.0, True),
        (lambda mapping, z: mapping(torch.from_numpy(z.numpy())), math.nan, True),
    ],
)
def test_whether_the_latent_is_connected(route: Any, connected: float, follows: bool) -> None:
    torch.manual_seed(0)
    latents = [latent.clone() for latent in LATENTS]
    watcher = remembering(Styled(route), Linear(torch.ones(4)), BATCHES, latents)
    found = probed(watcher, "generator-response")
    assert found["latent.connected"] == pytest.approx(connected, nan_ok=True)
    assert (found["latent"] > 0) is follows


def test_a_one_hot_label_within_the_latent_is_a_condition() -> None:
    labels = nn.functional.one_hot(torch.arange(64) % 4, 4).float()
    calls = [(torch.cat([noise(64, 4, seed), labels], dim=1),) for seed in (1, 2)]
    only_label = nn.Linear(8, 4, bias=False)
    with torch.no_grad():
        only_label.weight.copy_(torch.cat([torch.zeros(4, 4), 2 * torch.eye(4)], dim=1))
    values = probed(remembering(only_label, Linear(torch.ones(4)), BATCHES, calls), "generator-response")
    assert values["latent"] == 0.0
    # Two different one-hot rows are sqrt(2) apart.
    distance = 2 * math.gamma(2.5) / math.gamma(2)
    assert values["condition"] == pytest.approx(2 * math.sqrt(2) / distance, rel=0.05)


def test_an_unconditional_generator_has_no_condition() -> None:
    values = probed(
        remembering(nn.Linear(3, 4), Linear(torch.ones(4)), BATCHES, LATENTS), "generator-response"
    )
    assert math.isnan(values["condition"])
    assert math.isnan(values["discriminator.condition"])
    assert values["latent"] > 0.1


# ---- latents


def test_the_law_of_the_latent_is_found_and_kept() -> None:
    random = torch.Generator().manual_seed(5)
    sphere = nn.functional.normalize(noise(256, 16, 3), dim=1) * 4
    cases = {
        "normal": noise(256, 8, 3) * 2,
        "uniform": torch.rand(256, 8, generator=random) * 2 - 1,
        "rows": torch.exp(noise(256, 8, 3)),
    }
    for law, values in cases.items():
        (latent,) = find_latents([((values,), {})], (4,))
        assert latent.law == law
        fresh = latent.draw(4096, random, 0)
        assert fresh.mean() == pytest.approx(float(values.mean()), abs=0.1 * float(values.std()))
        assert fresh.std() == pytest.approx(float(values.std()), rel=0.1)
    (latent,) = find_latents([((sphere,), {})], (4,))
    fresh = latent.draw(100, random, 0)
    torch.testing.assert_close(fresh.norm(dim=1), torch.full((100,), 4.0))
    # Rows of an unknown law are not repeated before all have come.
    (latent,) = find_latents([((cases["rows"],), {})], (4,))
    drawn = torch.cat([latent.draw(128, random, 0), latent.draw(128, random, 128)])
    assert len(drawn.unique(dim=0)) == 256


def test_a_picture_is_no_latent_but_picture_shaped_noise_is() -> None:
    smooth = torch.linspace(-1, 1, 16).expand(32, 1, 16, 16) + 0.1 * noise(32, 256, 1).reshape(32, 1, 16, 16)
    assert find_latents([((smooth,), {})], (1, 16, 16)) == []
    grainy = noise(32, 256, 1).reshape(32, 1, 16, 16)
    (latent,) = find_latents([((smooth, grainy), {})], (1, 16, 16))
    assert latent.path == ("args", 1)
    assert latent.law == "normal"


def test_an_encoder_is_given_pictures_whatever_their_law() -> None:
    # A wave of random phase takes all values alike often at first sight; its neighbours give it away.
    places, random = torch.linspace(0, 6.28, 16), torch.Generator().manual_seed(2)
    phases = 6.28 * torch.rand(64, 1, 1, 1, generator=random)
    pictures = torch.asin(torch.sin(places + phases)).expand(64, 1, 16, 16) / 1.5708
    assert find_latents([((pictures,), {})], (8,)) == []
    (flat,) = find_latents([((pictures.flatten(1),), {})], (8,))
    assert flat.law == "rows"
    # Noise of the same shapes is drawn anew, also where samples have another number of axes.
    even = 2 * torch.rand(64, 1, 16, 16, generator=random) - 1
    for values in (even, even.flatten(1)):
        (latent,) = find_latents([((values,), {})], (8,))
        assert latent.law == "uniform"


# ---- layer-variance


def test_variance_shares_in_closed_form() -> None:
    # First layer z + 3: variance 1, mean square 10. Second: a tenth of it around 3: 0.01 / 9.01.
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    for layer, gain in ((first, 1.0), (second, 0.1)):
        nn.init.eye_(layer.weight)
        with torch.no_grad():
            layer.weight.mul_(gain)
            layer.bias.fill_(3.0 if layer is first else 2.7)
    calls = [noise(64, 4, seed) for seed in range(3)]
    generator = nn.Sequential(first, nn.Flatten(), second)
    values = probed(remembering(generator, Linear(torch.ones(4)), BATCHES, calls), "layer-variance")
    assert values["first"] == pytest.approx(0.1, rel=0.2)
    assert values["smallest"] == values["last"] == pytest.approx(0.01 / 9.01, rel=0.3)
    assert values["smallest.depth"] == 0.5


def test_variance_that_disappears_in_the_middle_is_found_there() -> None:
    class Erase(nn.Module):
        def forward(self, value: Tensor) -> Tensor:
            return value.mean(dim=0, keepdim=True).expand_as(value) + 1e-4 * value

    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 8), Erase(), nn.Linear(8, 4))
    values = probed(remembering(generator, Linear(torch.ones(4)), BATCHES, LATENTS), "layer-variance")
    assert values["first"] > 0.2
    assert values["smallest"] < 1e-4


# ---- eval-drift


def drift(*layers: nn.Module) -> dict[str, float]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 16), *layers, nn.Linear(16, 4))
    return probed(remembering(generator, Linear(torch.ones(4)), BATCHES, LATENTS), "eval-drift")


def test_no_drift_without_a_layer_that_has_modes() -> None:
    values = drift(nn.ReLU())
    assert values["distance"] == 0.0
    assert values["change"] == 0.0
    assert math.isnan(values["ema"])


def test_running_statistics_that_are_wrong_move_the_set() -> None:
    broken = nn.BatchNorm1d(16, momentum=0.0)
    broken.running_mean.fill_(5.0)
    values = drift(broken, nn.ReLU())
    assert values["distance"] > 5
    assert values["change"] > 0.5


def test_dropout_changes_samples_but_hardly_the_set() -> None:
    values = drift(nn.ReLU(), nn.Dropout(0.3))
    assert values["change"] > 0.1
    assert values["distance"] < 2


def test_the_averaged_copy_is_compared_too() -> None:
    generator = nn.Linear(3, 4)
    watcher = remembering(generator, Linear(torch.ones(4)), BATCHES, LATENTS)
    average = nn.Linear(3, 4)
    average.load_state_dict(generator.state_dict())
    watcher.averages.modules = lambda: [average]  # type: ignore[method-assign]
    assert probed(watcher, "eval-drift")["ema"] == 0.0
    nn.init.constant_(average.bias, 9.0)
    assert probed(watcher, "eval-drift")["ema"] > 10


# ---- diversity


def diversity(fakes: Tensor, reals: Tensor) -> dict[str, float]:
    calls = [noise(64, 1, 20 + seed) for seed in range(4)]
    return probed(remembering(Draw(fakes), Linear(torch.ones(2)), list(reals.split(64)), calls), "diversity")


def ring(count: int, seed: int, modes: int = 8) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, modes, (count,), generator=random) * (2 * math.pi / 8)
    centres = torch.stack([angle.cos(), angle.sin()], dim=1) * 2
    return centres + 0.02 * torch.randn(count, 2, generator=random)


def test_the_data_itself_is_as_diverse_as_the_data() -> None:
    values = diversity(ring(8192, 2), ring(512, 1))
    assert values["samples"] == 256
    for name in ("distance.ratio", "feature.ratio", "spread.ratio"):
        assert values[name] == pytest.approx(1.0, abs=0.1)
    assert values["duplicates"] < 0.05
    assert values["coverage"] == pytest.approx(values["coverage.expected"], abs=0.1)
    assert abs(values["clusters"] - values["clusters.expected"]) < 0.2


def test_clones_are_duplicates_with_a_support_of_one() -> None:
    values = diversity(torch.tensor([[2.0, 0.0]]), ring(512, 1))
    assert values["distance.ratio"] == pytest.approx(0.0, abs=1e-6)
    assert values["duplicates"] == 1.0
    # All n of n: the exact lower limit p solves p^n = 5 %.
    assert values["duplicates.low"] == pytest.approx(0.05 ** (1 / 256), rel=1e-6)
    assert values["support.low"] < 1.0 < values["support.high"] < 1.1
    assert values["coverage"] < 0.3


def test_a_support_of_three_faces_is_estimated() -> None:
    values = diversity(ring(8192, 2)[[0, 1, 2]], ring(512, 1))
    assert values["support.low"] < 3.2
    assert 2.7 < values["support.high"] < 3.4


def test_missing_modes_empty_their_cells_without_duplicates() -> None:
    values = diversity(ring(8192, 2, modes=4), ring(512, 1))
    assert values["coverage"] == pytest.approx(0.5, abs=0.1)
    assert values["clusters"] - values["clusters.expected"] > 0.25
    # Twice as many fakes in each mode that is left are a little nearer to each other, no more.
    assert values["duplicates.low"] < 0.05


def test_the_support_has_the_limits_of_the_metric() -> None:
    rows = noise(200, 2, 4)
    values = diversity(rows, ring(512, 1))
    # Fakes drawn from 200 rows: some pairs are equal. The metric has the same limits in code of its own.
    pairs = round(256 * 255 / 2 / 200)
    near = support_from_collisions(256, pairs, confidence=0.9)
    assert values["support.low"] < 200 < values["support.high"]
    assert values["support.high"] / values["support.low"] == pytest.approx(near.high / near.low, rel=0.1)


# ---- upsampling-spectrum


def test_a_checkerboard_peaks_at_the_highest_frequency() -> None:
    plain = noise(32, 256, 1).reshape(32, 1, 16, 16)
    board = (torch.arange(16)[:, None] + torch.arange(16)[None]) % 2 * 2.0 - 1
    assert 0.8 < nyquist_peak(plain) < 1.25
    assert nyquist_peak(plain + 2 * board) > 5
    wave = torch.sin(torch.arange(16) * 2 * math.pi / 8).expand(32, 1, 16, 16)
    assert nyquist_peak(plain + 2 * wave) < 1.5


def test_the_spectrum_of_an_uneven_overlap() -> None:
    torch.manual_seed(0)

    def peak(kernel: int, padding: int) -> float:
        layer = nn.ConvTranspose2d(1, 1, kernel, 2, padding, bias=False)
        nn.init.ones_(layer.weight)
        generator = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), layer)
        size = generator(torch.zeros(1, 64)).shape[-1]
        reals = [noise(32, size * size, seed).reshape(32, 1, size, size) for seed in range(2)]
        calls = [5 + noise(32, 64, 3)]
        watcher = remembering(generator, Linear(torch.zeros(1, size, size)), reals, calls)
        return probed(watcher, "upsampling-spectrum")["peak"]

    # Kernel 3 with stride 2 adds up one and two terms by turns; kernel 4 always two.
    assert peak(3, 1) > 20 * peak(4, 1)


# ---- duality-gap


class Point(nn.Module):
    """The generator of Mescheder's Dirac game: every sample is theta."""

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta))

    def forward(self, latent: Tensor) -> Tensor:
        return self.theta + 0.0 * latent[:, :1]


def dirac(theta: float, psi: float) -> dict[str, float]:
    zeros = [1e-9 * noise(64, 1, seed) for seed in range(2)]
    watcher = remembering(
        Point(theta), Linear(torch.tensor([psi])), zeros, [noise(64, 2, 1), noise(64, 2, 2)],
        objective="wasserstein",
    )  # fmt: skip
    return probed(watcher, "duality-gap")


def test_the_gap_of_the_dirac_game_in_closed_form() -> None:
    # M = -psi theta. Under a constant gradient Adam moves by its rate, so each gains rate * steps * |other|.
    values = dirac(0.5, 2.0)
    moved = 1e-3 * values["steps"]
    assert values["discriminator.gain"] == pytest.approx(moved * 0.5, rel=1e-3)
    assert values["generator.gain"] == pytest.approx(moved * 2.0, rel=1e-3)
    assert values["gap"] == pytest.approx(moved * 2.5, rel=1e-3)


def test_at_the_equilibrium_there_is_nothing_to_gain() -> None:
    values = dirac(0.0, 0.0)
    assert values["gap"] == pytest.approx(0.0, abs=1e-6)


def test_how_far_reals_of_one_condition_are_apart() -> None:
    """Modes of deviation 0.1 whose centres have deviation s: within over all is 0.1 / sqrt(0.01 + s^2)."""
    labels = torch.arange(64) % 4
    centres = torch.tensor([-3.0, -1.0, 1.0, 3.0])[labels][:, None]
    batches = [centres + 0.1 * noise(64, 4, seed) for seed in (1, 2, 3)]
    forms = [((batch, labels), {}, ("args", 0), None) for batch in batches]
    calls = [(noise(64, 4, 4), labels)]
    discriminator = Conditional(1.0, 1.0)
    made = [((noise(64, 4, 5), labels), {}, ("args", 0), None)]
    watcher = remembering(
        Conditional(1.0, 2.0), discriminator, batches, calls, real_forms=forms, fake_forms=made
    )
    values = probed(watcher, "generator-response")
    assert values["latent.real"] == pytest.approx(0.1 / math.sqrt(0.01 + 5.0), rel=0.1)
    alone = remembering(Conditional(1.0, 2.0), Linear(torch.ones(4)), BATCHES, calls)
    assert math.isnan(probed(alone, "generator-response")["latent.real"])


@pytest.mark.parametrize("shuffled", [False, True], ids=["belong", "shuffled"])
def test_whether_labels_belong_to_the_reals(shuffled: bool) -> None:
    """Modes far apart: every nearest neighbour has the same label, or one in four if labels are shuffled.

    The discriminator's score is the distance of the first value from the label's centre, as minus its square.
    """
    centres = torch.tensor([-3.0, -1.0, 1.0, 3.0])

    class Near(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, values: Tensor, labels: Tensor) -> Tensor:
            return -self.gain * (values[:, :1] - centres[labels][:, None]).square()

    labels = torch.arange(64) % 4
    batches = [centres[labels][:, None] + 0.1 * noise(64, 4, seed) for seed in (1, 2, 3)]
    lots = [torch.randperm(64, generator=torch.Generator().manual_seed(seed)) for seed in (7, 8, 9)]
    given = [labels[lot] if shuffled else labels for lot in lots]
    forms = [((batch, own), {}, ("args", 0), None) for batch, own in zip(batches, given)]
    calls = [(noise(64, 4, 4), labels)]
    made = [((noise(64, 4, 5), labels), {}, ("args", 0), None)]
    watcher = remembering(Conditional(1.0, 2.0), Near(), batches, calls, real_forms=forms, fake_forms=made)
    values = probed(watcher, "generator-response")
    rows = 3 * 64
    chance = (rows / 4 - 1) / (rows - 1)
    assert values["condition.neighbours.chance"] == pytest.approx(chance)
    assert values["condition.neighbours.error"] == pytest.approx(math.sqrt(chance * (1 - chance) / rows))
    if shuffled:
        assert abs(values["condition.neighbours"] - chance) < 3 * values["condition.neighbours.error"]
        assert abs(values["discriminator.condition.fall"]) < 3
    else:
        assert values["condition.neighbours"] == 1.0
        assert values["discriminator.condition.fall"] > 10


@pytest.mark.parametrize("where", [False, True], ids=["class planes", "masks"])
def test_a_mask_says_where_and_is_no_label(where: bool) -> None:
    """Four maps that come again, drawn without a look at the samples: planes of one value each are judged,
    maps of holes are not."""

    class Mapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, values: Tensor, maps: Tensor) -> Tensor:
            return self.gain * (values.flatten(1)[:, :1] + 0 * maps.flatten(1)[:, :1])

    class Filling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 16)

        def forward(self, latent: Tensor, maps: Tensor) -> Tensor:
            return self.layer(latent).reshape(-1, 1, 4, 4) * maps

    maps = torch.zeros(4, 1, 4, 4)
    for number in range(4):
        if where:
            maps[number, :, number] = 1
        else:
            maps[number] = number
    lots = [torch.randint(0, 4, (64,), generator=torch.Generator().manual_seed(seed)) for seed in (7, 8, 9)]
    batches = [noise(64, 16, seed).reshape(64, 1, 4, 4) for seed in (1, 2, 3)]
    forms = [((batch, maps[lot]), {}, ("args", 0), None) for batch, lot in zip(batches, lots)]
    made = [((batches[0], maps[lots[0]]), {}, ("args", 0), None)]
    watcher = remembering(
        Filling(), Mapped(), batches, [(noise(64, 4, 4), maps[lots[0]])], real_forms=forms, fake_forms=made
    )
    values = probed(watcher, "generator-response")
    assert math.isnan(values["condition.neighbours"]) is where

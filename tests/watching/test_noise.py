"""Noise of a sample's form: sequences of latents, and what only looks like them."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.noise import all_alike, white
from equipoise.watching.passes import GeneratorCall


def lot() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def read(*given: Tensor, sample: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    return GeneratorCall(given, {}, [((), sample)], True, True).images_and_latents()


def test_noise_is_white_whatever_its_form() -> None:
    assert white(torch.randn(8, 1, 256, generator=lot()))
    assert white(torch.rand(8, 24, 5, generator=lot()))
    assert white(torch.randn(1, 24, 8, generator=lot()).repeat(8, 1, 1))


def test_data_are_not() -> None:
    chance = lot()
    waves = torch.sin(torch.arange(24) * 0.3 + torch.rand(8, 5, 1, generator=chance) * 6).transpose(1, 2)
    words = torch.randn(20, 16, generator=chance)[torch.randint(0, 20, (8, 24), generator=chance)]
    pictures = torch.nn.functional.interpolate(torch.randn(8, 3, 4, 4, generator=chance), scale_factor=4.0)
    tones = (torch.randn(8, 16, 1, generator=chance) + 0.1 * torch.randn(8, 16, 32, generator=chance)).clone()
    for data in (waves, words, pictures, tones, torch.zeros(8, 24, 5), torch.eye(5).repeat(8, 5, 1)):
        assert not white(data)


def test_a_sequence_of_latents_is_no_image() -> None:
    sample, noise = torch.randn(8, 24, 5), torch.randn(8, 24, 3, generator=lot())
    images, latents = read(noise, sample=sample)
    assert not images
    assert latents[0] is noise
    images, latents = read(noise, torch.eye(4).repeat(2, 1), sample=sample)
    assert not images
    assert latents == [noise]
    zeros = torch.zeros(8, 24, 3)
    assert all_alike(zeros)
    assert read(zeros, sample=sample) == ([], [zeros])


def test_a_vocoders_noise_stands_beside_its_spectrogram() -> None:
    spectrogram = torch.randn(8, 16, 16, generator=lot()).cumsum(2)
    noise = torch.randn(8, 1, 256, generator=lot())
    images, latents = read(noise, spectrogram, sample=torch.zeros(8, 1, 256))
    assert images[0] is spectrogram
    assert latents[0] is noise


def test_what_stands_beside_other_noise_stays_an_image() -> None:
    """A denoising generator is given a nearly white picture, and a latent."""
    nearly, latent = torch.randn(8, 1, 16, 16, generator=lot()), torch.randn(8, 10, generator=lot())
    images, latents = read(nearly, latent, sample=torch.zeros(8, 1, 16, 16))
    assert images[0] is nearly
    assert latents == [latent]


def test_one_mask_for_all_samples_stays_an_image() -> None:
    picture, mask = torch.randn(8, 1, 16, 16, generator=lot()).cumsum(2), torch.ones(8, 1, 16, 16)
    images, latents = read(picture, mask, sample=torch.zeros(8, 1, 16, 16))
    assert len(images) == 2
    assert not latents

"""Plain logs: names of columns as people write them, what cannot be judged, helpful errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from equipoise.errors import EquipoiseError
from equipoise.history.catalogue import SIGNALS
from equipoise.history.log_columns import signal_of, step_column
from equipoise.history.logs import observations_from_log


@pytest.mark.parametrize(
    ("signal", "columns"),
    [
        (
            "loss.discriminator",
            "d_loss loss_D lossD errD D_loss Loss_D Loss/D/loss critic_loss train/d_loss netD_loss",
        ),
        ("loss.discriminator.real", "d_loss_real loss_D_real D_real errD_real real_loss"),
        ("loss.discriminator.fake", "d_loss_fake loss_D_fake D_fake errD_fake fake_loss"),
        (
            "loss.generator",
            "g_loss errG loss_G G_GAN gan_loss adv_loss generator_loss Loss/G/loss g_loss_total",
        ),
        ("loss.reconstruction", "G_L1 cycle_A loss_cycle idt_B recon_loss mel_loss perceptual_loss"),
        ("loss.penalty", "gp gradient_penalty loss_gp r1 Loss/r1_penalty grad_pen"),
        ("score.real.mean", "D(x) D_x real_score Loss/scores/real real_logits"),
        ("score.fake.mean", "D(G(z)) D(G(z1)) D_G_z1 fake_score Loss/scores/fake"),
        ("score.generator.mean", "D(G(z2)) D_G_z2"),
        ("quality", "fid FID metrics/fid50k_full kid FID_score"),
        ("augmentation.probability", "p aug_p Progress/augment ada_p augmentation_probability"),
        ("score.accuracy.real", "d_acc_real real_acc"),
        ("gradient.discriminator", "grad_norm_d d_grad_norm"),
        ("gradient.generator", "grad_norm_G"),
    ],
)
def test_columns_as_people_name_them(signal: str, columns: str) -> None:
    assert signal in SIGNALS
    for column in columns.split():
        assert signal_of(column) == signal, column


@pytest.mark.parametrize(
    "column", ["lr", "time", "val_loss", "loss", "images/sec", "epoch", "is", "D", "accuracy", "weight_decay"]
)
def test_what_says_nothing_known_is_not_guessed(column: str) -> None:
    assert signal_of(column) is None


def test_steps_come_before_epochs() -> None:
    assert step_column(["epoch", "d_loss", "global_step"]) == "global_step"
    assert step_column(["Epoch", "d_loss", "iter"]) == "iter"
    assert step_column(["Epoch", "d_loss"]) == "Epoch"
    assert step_column(["d_loss"]) is None


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_csv_file_is_read_by_its_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.csv",
        "step,d_loss,g_loss,D(x),D(G(z)),lr\n10,1.25,0.5,0.75,0.25,0.1\n20,nan,0.625,0.5,,0.1\n30,1,2,3,4,0.1\n",
    )
    observed = observations_from_log(path)
    assert observed.source == "log"
    assert observed.step == 30
    assert observed.series("loss.discriminator").steps.tolist() == [10, 30]
    assert observed.series("loss.discriminator").values.tolist() == [1.25, 1.0]
    assert observed.series("score.fake.mean").steps.tolist() == [10, 30]
    assert observed.series("loss.generator").values.tolist() == [0.5, 0.625, 2]
    assert observed.fact("log.columns") == {
        "loss.discriminator": "d_loss",
        "loss.generator": "g_loss",
        "score.real.mean": "D(x)",
        "score.fake.mean": "D(G(z))",
    }
    assert observed.warm_up == 200
    missing = " ".join(observed.fact("log.missing"))
    for word in ("diversity", "gradient dies", "optimizers"):
        assert word in missing
    assert "number of steps" not in missing


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_a_byte_order_mark(tmp_path: Path, delimiter: str) -> None:
    rows = [["iteration", "errD", "errG"], ["1", "0.5", "0.25"], ["2", "0.75", "0.125"]]
    text = "\ufeff" + "\n".join(delimiter.join(row) for row in rows)
    observed = observations_from_log(write(tmp_path / "log.txt", text))
    assert observed.series("loss.generator").values.tolist() == [0.25, 0.125]


def test_a_logger_that_writes_one_metric_a_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "metrics.csv",
        "epoch,step,d_loss,g_loss\n0,49,0.5,\n0,49,,0.25\n0,99,0.75,\n0,99,,0.125\n",
    )
    observed = observations_from_log(path)
    assert observed.series("loss.discriminator").steps.tolist() == [49, 99]
    assert observed.series("loss.generator").steps.tolist() == [49, 99]


def test_epochs_alone_are_counted_and_said_so(tmp_path: Path) -> None:
    observed = observations_from_log(write(tmp_path / "log.csv", "epoch,fid\n0,90\n1,80\n2,85\n"))
    assert observed.step == 2
    assert observed.warm_up == 1
    assert "only epochs" in observed.fact("log.missing")[0]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("d_loss,g_loss\n1,2\n3,4\n", "no step column"),
        ("iter,d_loss\n0,1\n1,2\n0,3\n1,4\n", "starts again"),
    ],
)
def test_rows_are_counted_where_steps_are_not(tmp_path: Path, text: str, note: str) -> None:
    observed = observations_from_log(write(tmp_path / "log.csv", text))
    rows = len(text.strip().split("\n")) - 1
    assert observed.series("loss.discriminator").steps.tolist() == list(range(rows))
    assert note in observed.fact("log.missing")[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "at least one row"),
        (b"step,d_loss\n", "at least one row"),
        (b"1,2,3\n4,5,6\n", "names of its columns"),
        (b"step,accuracy\n1,2\n", "accuracy"),
        (b"\xff\xfe\x00\x01" * 50, "cannot be read as text"),
    ],
)
def test_a_bad_file_is_one_sentence_with_what_to_do(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(EquipoiseError, match=words) as caught:
        observations_from_log(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="does not exist"):
        observations_from_log(tmp_path / "nothing.csv")


def test_a_folder_without_events(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="neither a history nor event files"):
        observations_from_log(tmp_path)


@pytest.fixture
def writer_type() -> type:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter


def test_tensorboard_scalars(tmp_path: Path, writer_type: type) -> None:
    with writer_type(str(tmp_path)) as writer:
        for step in range(0, 50, 5):
            writer.add_scalar("Loss/D", step / 8, step)
            writer.add_scalar("Loss/G", -step / 8, step)
            writer.add_scalar("lr", 0.1, step)
    for place in (tmp_path, next(tmp_path.glob("events*"))):
        observed = observations_from_log(place)
        assert observed.step == 45
        series = observed.series("loss.discriminator")
        np.testing.assert_array_equal(series.steps, np.arange(0, 50, 5))
        np.testing.assert_array_equal(series.values, np.arange(0, 50, 5) / 8)
        assert observed.fact("log.columns") == {"loss.discriminator": "Loss/D", "loss.generator": "Loss/G"}


def test_tensorboard_curves_of_one_chart(tmp_path: Path, writer_type: type) -> None:
    with writer_type(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_scalars("loss", {"D": step + 0.5, "G": step + 0.25}, step)
    observed = observations_from_log(tmp_path)
    assert observed.series("loss.discriminator").values.tolist() == [0.5, 1.5, 2.5]
    assert observed.series("loss.generator").values.tolist() == [0.25, 1.25, 2.25]


def test_several_runs_in_one_folder_are_refused(tmp_path: Path, writer_type: type) -> None:
    for run in ("first", "second"):
        with writer_type(str(tmp_path / run)) as writer:
            writer.add_scalar("d_loss", 1.0, 1)
    with pytest.raises(EquipoiseError, match=r"log of one run.*first.*second"):
        observations_from_log(tmp_path)

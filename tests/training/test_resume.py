"""KilledError fits that go on, and end with the very bits of one that was not disturbed."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from auricle.network.attention import EncoderConfig
from auricle.network.base import BaseConfig
from auricle.network.classifier import NetworkConfig
from auricle.network.frontend import FrontendConfig
from auricle.training import fit as fitting
from auricle.training.augment import AugmentConfig
from auricle.training.history import CHECKPOINT
from auricle.training.sounds import Examples

NETWORK = NetworkConfig(
    frontend=FrontendConfig(sample_rate_hz=8_000, window=128, hop=80, bands=16, high_hz=4_000),
    base=BaseConfig(
        frequency_channels=(4, 8),
        frequency_kernels=(5, 3),
        time_kernels=(1, 3),
        widths=(16, 16),
        kernel=3,
        stages=(1, 1),
    ),
    encoder=EncoderConfig(blocks=2, heads=2, dropout=0.2),
)
CLASSES = 3


def run(folder, *, epochs=4, precision="float32", each_epoch=lambda row: None):
    """A fit of eighteen noises, with dropout and every augmentation; the bytes of its weights."""
    generator = np.random.default_rng(0)
    waves = generator.integers(-9_000, 9_000, (18, 2_000), dtype=np.int16)
    rows = np.arange(18)
    folder.mkdir(parents=True, exist_ok=True)
    result = fitting.fit(
        fitting.new_network(NETWORK, CLASSES, seed=0),
        Examples(waves, rows[:12], rows[:12] % CLASSES),
        Examples(waves, rows[12:], rows[12:] % CLASSES),
        classes=CLASSES,
        config=fitting.TrainingConfig(epochs=epochs, views=2, batch=8, precision=precision),
        augment=AugmentConfig(mask_frames=5),
        seed=0,
        folder=folder,
        device=torch.device("cpu"),
        each_epoch=each_epoch,
    )
    return save(result.network.state_dict())


class KilledError(Exception):
    """What stands for a kill where a test has to know the moment."""


def dies_at(call, function=lambda *arguments: None):
    """The function, until its n-th call, which never comes to anything."""
    calls = iter(range(1, 1_000))

    def dying(*arguments):
        if next(calls) == call:
            raise KilledError
        return function(*arguments)

    return dying


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_stopped_between_epochs_it_goes_on_as_if_it_was_not(precision, tmp_path):
    whole = run(tmp_path / "whole", precision=precision)
    with pytest.raises(KilledError):
        run(tmp_path / "cut", precision=precision, each_epoch=dies_at(2))
    told = []
    assert run(tmp_path / "cut", precision=precision, each_epoch=told.append) == whole
    histories = [(tmp_path / name / "history.csv").read_bytes() for name in ("whole", "cut")]
    assert histories[0] == histories[1]
    assert [row.epoch for row in told] == [1, 2, 3, 4]  # finished epochs are told again


@pytest.mark.parametrize("call", [1, 3, 4])
@pytest.mark.parametrize(
    "moment", ["average_into", "losses_and_accuracies", "save_checkpoint", "write_history"]
)
def test_stopped_at_any_moment_nothing_is_lost_or_done_twice(moment, call, tmp_path, monkeypatch):
    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, moment, dies_at(call, getattr(fitting, moment)))
        with pytest.raises(KilledError):
            run(tmp_path / "cut")
    assert run(tmp_path / "cut") == whole
    histories = [(tmp_path / name / "history.csv").read_bytes() for name in ("whole", "cut")]
    assert histories[0] == histories[1]


def test_stopped_again_and_again(tmp_path):
    whole = run(tmp_path / "whole")
    for _ in range(3):
        with pytest.raises(KilledError):  # at the first epoch that is new
            run(tmp_path / "cut", each_epoch=raise_if_new(tmp_path / "cut"))
    assert run(tmp_path / "cut") == whole


def raise_if_new(folder):
    history = folder / "history.csv"
    done = len(history.read_text(encoding="utf-8").splitlines()) - 1 if history.exists() else 0
    return dies_at(done + 1)


def test_a_finished_fit_is_read_not_trained(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole")
    monkeypatch.setattr(fitting, "average_into", dies_at(1))
    assert run(tmp_path / "whole") == whole


def test_an_interrupted_write_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tmp_path / "cut", each_epoch=dies_at(2))
    kept = (tmp_path / "cut" / CHECKPOINT).read_bytes()

    def full_disk(path, content):
        with path.with_name(f"{path.name}.1.part").open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("auricle.training.history.replace_bytes", full_disk)
        with pytest.raises(OSError, match="No space left"):
            run(tmp_path / "cut")
    assert (tmp_path / "cut" / CHECKPOINT).read_bytes() == kept
    assert run(tmp_path / "cut") == whole


def test_killed_by_the_system_it_goes_on_as_if_it_was_not(tmp_path):
    epochs = 12
    whole = run(tmp_path / "whole", epochs=epochs)
    child = [sys.executable, __file__, str(tmp_path / "cut"), str(epochs)]
    with subprocess.Popen(child, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.strip() == "2":  # the third epoch is under way: no moment in particular
                process.kill()
                break
    done = len((tmp_path / "cut" / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert 2 <= done < epochs
    assert (tmp_path / "cut" / CHECKPOINT).exists()
    assert run(tmp_path / "cut", epochs=epochs) == whole
    histories = [(tmp_path / name / "history.csv").read_bytes() for name in ("whole", "cut")]
    assert histories[0] == histories[1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    tell = partial(print, flush=True)
    run(Path(sys.argv[1]), epochs=int(sys.argv[2]), each_epoch=lambda row: tell(row.epoch))

"""One fit on two processes, found by themselves when torchrun starts them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from auricle.training import sounds
from auricle.training.augment import AugmentConfig
from auricle.training.fit import TrainingConfig, fit, new_network
from auricle.training.ranks import Ranks, find_ranks
from auricle.training.sounds import Examples

HERE = Path(__file__).parent
CONFIG = TrainingConfig(epochs=1, views=1, batch=4, precision="float32")

SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_ranks
from auricle.training.ranks import find_ranks, leave_ranks
ranks = find_ranks()
own = Path(sys.argv[2]) / str(ranks.rank)
own.mkdir()
weights, history = test_ranks.five_steps(own, json.loads(sys.argv[3]))
assert ranks.world == 2
if ranks.leads:
    test_ranks.torch.save((weights, history), Path(sys.argv[2]) / "two.pt")
leave_ranks()
"""


def torchrun(*call, cwd="/"):
    asked = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    asked += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", *map(str, call)]
    return subprocess.run(asked, capture_output=True, text=True, cwd=cwd, timeout=200)


def network_of(blocks):
    from auricle.network.attention import EncoderConfig
    from auricle.network.base import BaseConfig
    from auricle.network.classifier import NetworkConfig
    from auricle.network.frontend import FrontendConfig

    return NetworkConfig(
        frontend=FrontendConfig(sample_rate_hz=8_000, window=128, hop=80, bands=16, high_hz=4_000),
        base=BaseConfig(
            frames_per_step=2,
            frequency_channels=(4, 8),
            frequency_kernels=(5, 3),
            time_kernels=(1, 3),
            widths=(8, 16),
            stages=(1, 1),
        ),
        encoder=EncoderConfig(blocks=blocks, heads=2, dropout=0.0),
    )


def five_steps(folder, blocks):
    """Weights after five steps on twenty clips, and the history.

    Clips are taken as they are, and batch normalisation is in evaluation.
    """
    sounds.view_powers = lambda power, rows, loudest, targets, *, classes, **_: (
        power[rows],
        F.one_hot(targets, classes).float(),
    )
    generator = np.random.default_rng(0)
    waves = (3000 * generator.standard_normal((20, 4_000))).astype(np.int16)
    rows = np.arange(20)
    network = new_network(network_of(blocks), 3, seed=0).eval()
    network.train = lambda mode=True: network  # stays in evaluation
    found = fit(
        network,
        Examples(waves, rows, rows % 3),
        None,
        classes=3,
        config=CONFIG,
        augment=AugmentConfig(),
        seed=0,
        folder=folder,
        device=torch.device("cpu"),
    )
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    return weights, [row.train_objective for row in found.history]


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.setattr(sounds, "view_powers", sounds.view_powers)


@pytest.mark.parametrize("blocks", [0, 2], ids=["cnn", "transformer"])
def test_two_processes_take_the_steps_of_one(blocks, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = torchrun(script, HERE, tmp_path, json.dumps(blocks))
    assert done.returncode == 0, done.stderr
    two, history = torch.load(tmp_path / "two.pt", weights_only=True)

    first = new_network(network_of(blocks), 3, seed=0).state_dict()
    alone = tmp_path / "alone"
    alone.mkdir()
    one, wanted = five_steps(alone, blocks)

    moved = max((one[name] - first[name]).abs().max() for name in one)
    assert moved > 1e-3
    for name, value in one.items():
        if name.endswith("query_key_value.bias"):
            # Attention does not depend on the keys' bias: its gradient is rounding, which AdamW
            # makes as large as any other.
            value.unflatten(0, (3, -1))[1] = two[name].unflatten(0, (3, -1))[1] = 0
        torch.testing.assert_close(two[name], value, rtol=0, atol=1e-5, msg=name)
    assert history == pytest.approx(wanted, abs=1e-5)


def test_shares_make_up_the_batch():
    for count in (1, 2, 5, 32):
        rows = np.arange(count)
        ranks = [Ranks(rank, 3) for rank in range(3)]
        shares = [each.share(rows) for each in ranks]
        assert all(len(share) for share in shares)
        # The mean over processes of weighted means is the mean over the batch.
        weighted = [
            each.weight(rows) * share.mean() for each, share in zip(ranks, shares, strict=True)
        ]
        assert np.mean(weighted) == pytest.approx(rows.mean())
        if count >= 3:
            assert sorted(np.concatenate(shares)) == list(rows)


def test_without_torchrun_a_process_is_alone():
    ranks = find_ranks()
    assert ranks == Ranks(0, 1)
    assert ranks.leads
    assert ranks.place() == ()
    assert (ranks.mean(3.5), ranks.leaders("a")) == (3.5, "a")
    rows = np.arange(5)
    assert list(ranks.share(rows)) == list(rows)
    assert ranks.weight(rows) == 1

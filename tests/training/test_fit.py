import copy
import csv
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from auricle.errors import AuricleError
from auricle.network.texture import TextureConfig
from auricle.training.augment import AugmentConfig
from auricle.training.fit import (
    TrainingConfig,
    average_into,
    choose_device,
    choose_precision,
    fit,
    generator_for,
    new_network,
    one_cycle,
    optimiser_for,
    predict,
    relaxed_mixing,
    seeded,
    shuffled,
)
from auricle.training.sounds import Examples, Sounds

CPU = torch.device("cpu")
QUICK = TrainingConfig(epochs=2, views=2, batch=8, precision="float32")
BLOCKS = pytest.mark.parametrize("blocks", [0, 2], ids=["cnn", "transformer"])


@pytest.fixture
def train(tmp_path, small_network, plain):
    """Fits a small network in a folder of its own."""
    folders = iter(range(100))

    def run(
        training,
        validation=None,
        *,
        kind="fixed",
        blocks=0,
        classes=4,
        seed=0,
        config=QUICK,
        augment=plain,
        texture=0.5,
        **more,
    ):
        folder = tmp_path / f"fit-{next(folders)}"
        folder.mkdir()
        shape = replace(small_network(kind, blocks), texture=TextureConfig(share=texture))
        network = new_network(shape, classes, seed)
        return fit(
            network,
            training,
            validation,
            classes=classes,
            config=config,
            augment=augment,
            seed=seed,
            folder=folder,
            device=CPU,
            **more,
        )

    return run


def assert_equal_weights(first, second):
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


# Learning


@BLOCKS
@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
def test_overfits_eight_clips(kind, blocks, tones, train):
    config = replace(QUICK, epochs=30, views=2, learning_rate=1e-2)
    learned = train(tones(8, classes=4), kind=kind, blocks=blocks, config=config)
    last = learned.history[-1]
    assert last.train_accuracy == 1
    assert last.train_loss < 0.1
    assert last.train_loss < learned.history[0].train_loss / 5


@BLOCKS
def test_what_is_learned_holds_on_clips_never_heard(blocks, tones, train):
    config = replace(QUICK, epochs=5, learning_rate=1e-2)
    learned = train(tones(32, 4), tones(40, 4, seed=1), blocks=blocks, config=config)
    assert learned.history[-1].val_accuracy > 0.9


# Leaks


def test_shuffled_labels_are_learned_by_heart_and_score_at_chance(tones, train):
    generator = np.random.default_rng(0)
    examples, unheard = tones(24, 4), tones(120, 4, seed=1)
    shuffled_labels = replace(examples, targets=generator.permutation(examples.targets))
    judged = replace(unheard, targets=generator.permutation(unheard.targets))
    config = replace(QUICK, epochs=20, views=4, learning_rate=1e-2)
    last = train(shuffled_labels, judged, config=config).history[-1]
    spread = math.sqrt(0.25 * 0.75 / 120)
    assert abs(last.val_accuracy - 0.25) < 3 * spread
    # So much would show if a held-out clip were trained on.
    assert last.train_accuracy > 0.25 + 6 * spread


def test_validation_leaves_no_trace_in_the_weights(tones, train):
    examples = tones(12, 4)
    without = train(examples)
    assert_equal_weights(without, train(examples, tones(9, 4, seed=1)))
    assert_equal_weights(without, train(examples, tones(5, 4, seed=2)))


@pytest.mark.parametrize("kind", ["fixed", "learned"])
def test_clips_outside_the_fit_are_never_read(kind, tones, train):
    examples = tones(24, 4)
    rows = np.arange(0, 24, 2)
    inside = Examples(examples.waves, rows, np.arange(12) % 4)
    spoiled = examples.waves.copy()
    spoiled[1::2] = 12_345
    outside_spoiled = replace(inside, waves=spoiled)
    assert_equal_weights(train(inside, kind=kind), train(outside_spoiled, kind=kind))


@BLOCKS
def test_the_same_seed_gives_the_same_bits_and_another_does_not(blocks, tones, train):
    run = partial(train, tones(12, 4), blocks=blocks, augment=AugmentConfig(mask_frames=5))
    torch.manual_seed(98)  # the global generators have no say
    first = run(seed=3)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    assert_equal_weights(first, run(seed=3))
    assert first.history != run(seed=4).history


@BLOCKS
def test_training_draws_nothing_from_the_global_generator(blocks, tones, train):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(tones(12, 4), blocks=blocks, augment=AugmentConfig(mask_frames=5))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_step_draws_views_and_dropout_from_generators_of_its_own(tones, train, monkeypatch):
    drawn, dropped = [], []
    views, drop = Sounds.views, nn.Dropout.forward

    def overheard(*arguments, generator, **named):
        drawn.append(generator.initial_seed())
        return views(*arguments, generator=generator, **named)

    def overheard_too(layer, given):
        if layer.training:
            dropped.append(torch.initial_seed())
        return drop(layer, given)

    monkeypatch.setattr(Sounds, "views", overheard)
    monkeypatch.setattr(nn.Dropout, "forward", overheard_too)
    train(tones(12, 4), blocks=2, seed=0)
    train(tones(12, 4), blocks=2, seed=1)
    steps = 2 * 2 * 3  # fits, epochs, steps
    assert len(drawn) == steps
    assert len(dropped) == steps * 2 * 2  # blocks, what each adds
    assert len({*drawn, *dropped}) == 2 * steps


# What a fit tells


def test_history_as_others_read_it(tones, train, tmp_path):
    told = []
    result = train(tones(12, 4), tones(8, 4, seed=1), each_epoch=told.append)
    assert told == list(result.history)
    with (tmp_path / "fit-0" / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch",
        "lr",
        "train_objective",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "train_events_loss",
        "train_events_accuracy",
        "val_events_loss",
        "val_events_accuracy",
    ]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for row, epoch in zip(rows, result.history, strict=True):
        assert {name: float(value) for name, value in row.items()} == vars(epoch)  # in full


def test_without_validation_its_columns_are_empty(tones, train, tmp_path):
    result = train(tones(12, 4))
    assert result.history[-1].val_loss is None
    with (tmp_path / "fit-0" / "history.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            empty = {name for name, value in row.items() if not value}
            assert empty == {name for name in row if name.startswith("val_")}


@BLOCKS
def test_the_last_row_is_the_score_of_the_weights_given(blocks, tones, train):
    training, validation = tones(12, 4), tones(70, 4, seed=1)
    result = train(training, validation, blocks=blocks)
    last = result.history[-1]
    for examples, loss, accuracy in [
        (training, last.train_loss, last.train_accuracy),
        (validation, last.val_loss, last.val_accuracy),
    ]:
        found = predict(result.network, examples, CPU)
        assert found.shape == (len(examples), 4)
        assert found.sum(1) == pytest.approx(1)
        right = found[np.arange(len(examples)), examples.targets]
        assert -np.log(right).mean() == pytest.approx(loss, rel=1e-4)
        assert (found.argmax(1) == examples.targets).mean() == accuracy


def test_base_and_head_are_scored_alone_where_a_texture_answers_too(tones, train):
    training, validation = tones(12, 4), tones(70, 4, seed=1)
    result = train(training, validation)
    network, last = result.network, result.history[-1]
    for examples, name in ((training, "train"), (validation, "val")):
        sounds, targets = Sounds(network, examples, CPU, None), examples.targets
        with torch.no_grad():
            alone, _ = network.classify(network.frontend.power(sounds.waves(slice(None))))
        found = alone.softmax(1).numpy()
        right = found[np.arange(len(targets)), targets]
        loss = getattr(last, f"{name}_events_loss")
        assert -np.log(right).mean() == pytest.approx(loss, rel=1e-4)
        assert (found.argmax(1) == targets).mean() == getattr(last, f"{name}_events_accuracy")
        assert loss != getattr(last, f"{name}_loss")


def test_without_a_texture_base_and_head_are_all_there_is(tones, train):
    last = train(tones(12, 4), tones(8, 4, seed=1), texture=0.0).history[-1]
    assert last.train_events_loss is None
    assert last.val_events_accuracy is None


@BLOCKS
def test_scoring_and_predicting_change_nothing(blocks, tones, train):
    result = train(tones(12, 4), blocks=blocks)
    before = copy.deepcopy(result.network.state_dict())
    first = predict(result.network, tones(9, 4, seed=1), CPU)
    again = predict(result.network, tones(9, 4, seed=1), CPU)
    assert np.array_equal(first, again)
    assert all(
        torch.equal(value, before[name]) for name, value in result.network.state_dict().items()
    )


# Which weights move


@BLOCKS
@pytest.mark.parametrize("kind", ["fixed", "learned", "raw"])
def test_training_moves_every_trainable_weight_and_no_other(
    kind, blocks, tones, train, small_network
):
    first = dict(new_network(small_network(kind, blocks), 4, seed=0).named_parameters())
    result = train(tones(12, 4), kind=kind, blocks=blocks)
    for name, weight in result.network.named_parameters():
        moved = not torch.equal(weight, first[name])
        assert moved is weight.requires_grad, name


@BLOCKS
def test_the_optimiser_holds_every_trainable_weight_once(blocks, small_network):
    network = new_network(small_network("fixed", blocks), 4, seed=0)
    groups = optimiser_for(network, QUICK).param_groups
    held = {id(weight): group for group in groups for weight in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(held)
    assert held.keys() == {id(w) for w in network.parameters() if w.requires_grad}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            gain_or_bias = name.endswith("bias") or "norm" in name or "class_token" in name
            decays = not gain_or_bias and weight.dim() > 1
            assert held[id(weight)]["weight_decay"] == (QUICK.weight_decay if decays else 0), name


def test_first_weights_depend_on_the_seed_alone(small_network):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = new_network(small_network(blocks=2), 4, seed=5).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = new_network(small_network(blocks=2), 4, seed=5).state_dict()
    other = new_network(small_network(blocks=2), 4, seed=6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.encoder.class_token"], other["head.encoder.class_token"])


def test_under_one_seed_dropout_is_the_same_and_otherwise_not(small_network):
    network = new_network(small_network(blocks=2), 4, seed=0).train()
    power = torch.rand(6, 16, 26, generator=torch.Generator().manual_seed(0))

    def logits(seed):
        with seeded(seed, CPU):
            return network.classify(power)[0]

    first = network.classify(power)[0]
    assert not torch.equal(network.classify(power)[0], first)
    assert torch.equal(logits(5), logits(5))
    assert not torch.equal(logits(5), logits(6))


def test_a_seed_leaves_torchs_own_generator_where_it_was():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with seeded(5, CPU):
        drawn = torch.rand(4)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyboardInterrupt), seeded(5, CPU):  # also where it is not left in peace
        raise KeyboardInterrupt
    assert torch.equal(torch.get_rng_state(), before)


def test_the_running_average_by_hand():
    network = nn.BatchNorm1d(2)
    average = copy.deepcopy(network)
    network.train()
    wanted = {name: value.clone().double() for name, value in average.state_dict().items()}
    for step in range(5):
        network(torch.randn(8, 2, generator=torch.Generator().manual_seed(step)) * 3 + 1)
        with torch.no_grad():
            network.weight += step
        average_into(average, network, 0.2)
        for name, value in network.state_dict().items():
            wanted[name] = 0.8 * wanted[name] + 0.2 * value
    wanted["num_batches_tracked"] = torch.tensor(5.0)
    for name, value in average.state_dict().items():  # statistics of the batch norm among them
        torch.testing.assert_close(value.double(), wanted[name].double(), rtol=1e-5, atol=1e-6)
    average_into(average, network, 1.0)
    assert all(torch.equal(average.state_dict()[n], v) for n, v in network.state_dict().items())


def test_averaging_chooses_the_weights_given_and_leaves_training_alone(tones, train):
    examples = tones(12, 4)
    last = train(examples, config=replace(QUICK, averaging=0.01))  # one step: the network's own
    mean = train(examples, config=replace(QUICK, averaging=0.9))
    steps = [[row.train_objective for row in result.history] for result in (last, mean)]
    assert steps[0] == steps[1]
    ours, theirs = last.network.state_dict(), mean.network.state_dict()
    differing = {name for name in ours if not torch.equal(ours[name], theirs[name])}
    assert {"base.into_width.0.weight", "base.into_width.1.running_mean"} <= differing


# Schedules


def test_one_cycle_rises_to_its_peak_and_ends_at_nothing():
    steps, warm_up = 1_000, 0.1
    rates = [one_cycle(step, steps, warm_up) for step in range(steps + 1)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(range(steps + 1), key=rates.__getitem__) == 100
    assert rates[100] == 1
    assert rates[550] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    differences = np.diff(rates)
    assert (differences[:100] > 0).all()
    assert (differences[100:] < 0).all()
    assert np.abs(differences).max() < 0.02  # no jump


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_one_cycle_of_few_steps(steps):
    rates = [one_cycle(step, steps, 0.1) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)


def test_mixing_relaxes_at_the_end():
    config = AugmentConfig(mixing=0.6, mixing_ends=0.9)
    shares = [relaxed_mixing(epoch, 100, config) for epoch in range(100)]
    assert shares[:90] == pytest.approx([0.6] * 90)
    assert shares[90:] == pytest.approx([0.6 * left / 10 for left in range(10, 0, -1)])
    never = replace(config, mixing_ends=1.0)
    assert [relaxed_mixing(epoch, 10, never) for epoch in range(10)] == [0.6] * 10


def test_an_epoch_shows_every_clip_as_often_as_it_says():
    config = replace(QUICK, views=3, batch=8)
    batches = shuffled(10, config, generator_for(0, 0))
    assert [len(rows) for rows in batches] == [8, 8, 8, 6]
    rows = np.concatenate(batches)
    for view in rows.reshape(3, 10):
        assert sorted(view) == list(range(10))
    assert rows.tolist() != np.concatenate(shuffled(10, config, generator_for(0, 1))).tolist()


def test_generators_differ_by_place():
    places = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 0, 1), (0, 1, 0)]
    drawn = {torch.rand(1, generator=generator_for(5, *place)).item() for place in places}
    assert len(drawn) == len(places)
    first, again = (torch.rand(4, generator=generator_for(5, 2, 3)) for _ in range(2))
    assert torch.equal(first, again)


# Where and in what arithmetic


def test_bf16_learns_as_well(tones, train):
    config = replace(QUICK, epochs=20, learning_rate=1e-2, precision="bf16")
    result = train(tones(8, 4), blocks=2, config=config)
    assert result.history[-1].train_accuracy == 1
    assert {value.dtype for value in result.network.parameters()} == {torch.float32}


def test_losses_are_those_of_float32_and_weights_know_nothing_of_them(tones, train, monkeypatch):
    config, training = replace(QUICK, precision="bf16"), tones(8, 4)
    scored = train(training, config=config)
    nothing = {"train_loss": 0.0, "train_accuracy": 0.0}
    monkeypatch.setattr("auricle.training.fit.losses_and_accuracies", lambda *anything: nothing)
    unscored = train(training, config=config)

    shares = predict(scored.network, training, CPU)[np.arange(len(training)), training.targets]
    assert scored.history[-1].train_loss == pytest.approx(-np.log(shares).mean(), rel=1e-5)
    assert_equal_weights(scored, unscored)


def test_the_device_asked_for_or_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("cpu") == choose_device("auto") == CPU
    with pytest.raises(AuricleError, match="--device cuda: this machine has cpu"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cpu") == CPU


def test_the_precision_asked_for_or_what_the_processor_is_fast_at(monkeypatch):
    assert choose_precision("bf16", CPU) == "bf16"
    assert choose_precision("float32", CPU) == "float32"
    for fast, wanted in [(True, "bf16"), (False, "float32")]:
        monkeypatch.setattr(
            torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast, raising=False
        )
        assert choose_precision("auto", CPU) == wanted
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert choose_precision("auto", CPU) == "float32"
    assert choose_precision("auto", torch.device("mps")) == "float32"
    for native, wanted in [(True, "bf16"), (False, "float32")]:  # any GPU of today emulates it
        monkeypatch.setattr(
            torch.cuda,
            "is_bf16_supported",
            lambda including_emulation=True, native=native: including_emulation or native,
        )
        assert choose_precision("auto", torch.device("cuda")) == wanted


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "epochs, views and batch must be positive"),
        ({"views": 0}, "epochs, views and batch must be positive"),
        ({"batch": -1}, "epochs, views and batch must be positive"),
        ({"warm_up": 0.0}, "warm_up and averaging are shares"),
        ({"averaging": 1.0}, "warm_up and averaging are shares"),
        ({"gradient_norm": 0.0}, "gradient_norm must be positive"),
        ({"gradient_norm": -1.0}, "gradient_norm must be positive"),
    ],
)
def test_refuses_a_training_that_cannot_run(wrong, said):
    with pytest.raises(ValueError, match=said):
        TrainingConfig(**wrong)


def test_a_loss_that_is_no_number_stops_the_fit(tones, train):
    with pytest.raises(AuricleError, match=r"no number after epoch .*lower"):
        train(tones(12, 4), config=replace(QUICK, learning_rate=1e12, gradient_norm=1e12))

import math

import pytest
import torch
from torch import nn

from auricle.network.attention import (
    Averaging,
    Encoder,
    EncoderBlock,
    EncoderConfig,
    MultiHeadAttention,
    attend,
    positions,
)

WIDTH = 16

# Our names of weights, torch's names of the same.
ATTENTION = {
    "query_key_value.weight": "in_proj_weight",
    "query_key_value.bias": "in_proj_bias",
    "out.weight": "out_proj.weight",
    "out.bias": "out_proj.bias",
}
BLOCK = {f"attention.{ours}": f"self_attn.{theirs}" for ours, theirs in ATTENTION.items()} | {
    f"{ours}.{kind}": f"{theirs}.{kind}"
    for kind in ("weight", "bias")
    for ours, theirs in {
        "before_attention": "norm1",
        "perceptron.0": "linear1",
        "perceptron.2": "linear2",
        "before_perceptron": "norm2",
    }.items()
}
STACK = {
    f"blocks.{block}.{ours}": f"layers.{block}.{theirs}"
    for block in range(2)
    for ours, theirs in BLOCK.items()
} | {"after.weight": "norm.weight", "after.bias": "norm.bias"}


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bf16"])
def dtype(request):
    return request.param


@pytest.fixture(params=[1, 2, 4])
def heads(request):
    return request.param


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def randomise(module, generator):
    """No weight stays at the zero or one of its initial value, where a mistake would not show."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / WIDTH**0.5)
    return module


def copy_weights(ours, theirs, names):
    state = ours.state_dict()
    assert set(names) == set(state) - {"class_token"}
    theirs.load_state_dict({names[name]: state[name] for name in names})


def assert_close(ours, theirs, roundings, arithmetic=None):
    """Equal but for a few roundings of the largest value, in whichever arithmetic it is."""
    assert ours.dtype == theirs.dtype
    atol = roundings * torch.finfo(arithmetic or theirs.dtype).eps * theirs.abs().max().item()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


def assert_gradients_close(ours, theirs, names, roundings, arithmetic=None):
    """As `assert_close`, of the module's largest gradient: a small one is what large ones leave."""
    wanted = {name: weight.grad for name, weight in theirs.named_parameters()}
    largest = max(gradient.abs().max().item() for gradient in wanted.values())
    for name, weight in ours.named_parameters():
        if name in names:
            gradient = wanted[names[name]]
            atol = roundings * torch.finfo(arithmetic or gradient.dtype).eps * largest
            torch.testing.assert_close(weight.grad, gradient, rtol=0, atol=atol)


def test_attention_equals_torchs(heads, dtype, generator):
    ours = randomise(MultiHeadAttention(WIDTH, heads), generator).to(dtype)
    theirs = nn.MultiheadAttention(WIDTH, heads, batch_first=True, dtype=dtype)
    copy_weights(ours, theirs, ATTENTION)
    tokens = 2 * torch.randn(3, 7, WIDTH, generator=generator).to(dtype)
    tokens, same = tokens.clone().requires_grad_(), tokens.clone().requires_grad_()

    mixed, weights = ours(tokens)
    wanted, wanted_weights = theirs(same, same, same, average_attn_weights=False)
    assert weights.shape == (3, heads, 7, 7)
    assert_close(mixed, wanted, 4)
    assert_close(weights, wanted_weights, 4)

    # The weights are explained, so what flows back through them has to be right too.
    push = torch.randn(mixed.shape, generator=generator).to(dtype)
    pull = torch.randn(weights.shape, generator=generator).to(dtype)
    torch.autograd.backward([mixed, weights], [push, pull])
    torch.autograd.backward([wanted, wanted_weights], [push, pull])
    assert_close(tokens.grad, same.grad, 8)
    assert_gradients_close(ours, theirs, ATTENTION, 8)


def test_block_equals_torchs(heads, dtype, generator):
    config = EncoderConfig(heads=heads, expansion=3, dropout=0)
    ours = randomise(EncoderBlock(config, WIDTH), generator).to(dtype)
    theirs = nn.TransformerEncoderLayer(
        WIDTH,
        heads,
        3 * WIDTH,
        dropout=0,
        layer_norm_eps=EncoderConfig().quiet,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=dtype,
    )
    copy_weights(ours, theirs, BLOCK)
    tokens = torch.randn(3, 7, WIDTH, generator=generator).to(dtype)
    tokens, same = tokens.clone().requires_grad_(), tokens.clone().requires_grad_()

    encoded, _ = ours(tokens)
    wanted = theirs(same)
    assert_close(encoded, wanted, 4)

    push = torch.randn(encoded.shape, generator=generator).to(dtype)
    encoded.backward(push)
    wanted.backward(push)
    assert_close(tokens.grad, same.grad, 8)
    assert_gradients_close(ours, theirs, BLOCK, 8)


def test_encoder_equals_torchs_stack(heads, dtype, generator):
    config = EncoderConfig(blocks=2, heads=heads, expansion=2, dropout=0, position_gain=0.3)
    ours = randomise(Encoder(config, WIDTH), generator)
    layer = nn.TransformerEncoderLayer(
        WIDTH,
        heads,
        2 * WIDTH,
        dropout=0,
        layer_norm_eps=config.quiet,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    theirs = nn.TransformerEncoder(
        layer, 2, norm=nn.LayerNorm(WIDTH, eps=config.quiet), enable_nested_tensor=False
    )
    copy_weights(ours, theirs, STACK)
    features = torch.randn(3, WIDTH, 6, generator=generator).to(dtype)  # as a base hands them on
    features, same = features.clone().requires_grad_(), features.clone().requires_grad_()
    token = ours.class_token.detach().clone().requires_grad_()

    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        summary, _ = ours(features)
        steps = same.mT.float() + 0.3 * positions(6, WIDTH)
        wanted = theirs(torch.cat([token.expand(3, 1, WIDTH), steps], dim=1))[:, 0]
    assert summary.dtype == torch.float32
    assert_close(summary, wanted, 8, dtype)

    push = torch.randn(summary.shape, generator=generator)
    summary.backward(push)
    wanted.backward(push)
    assert_close(features.grad, same.grad, 16)
    assert_close(ours.class_token.grad, token.grad, 16, dtype)
    assert_gradients_close(ours, theirs, STACK, 8, dtype)


def test_what_blocks_add_to_is_float32_in_any_arithmetic(dtype, generator):
    # A block adds a thousandth to tokens of about one: in bf16 nothing of it would stay.
    encoder = Encoder(EncoderConfig(blocks=3, heads=2, dropout=0), WIDTH)
    handed = []
    for block in encoder.blocks:
        block.register_forward_hook(lambda _, given, out: handed.append((given[0], out[0])))
        for last in (block.attention.out, block.perceptron[2]):
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, 5e-4)
    features = torch.ones(2, WIDTH, 6).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        encoder(features)
    assert {tokens.dtype for pair in handed for tokens in pair} == {torch.float32}
    first, last = handed[0][0], handed[-1][1]
    torch.testing.assert_close(last - first, torch.full_like(first, 3e-3), rtol=1e-2, atol=0)


def test_attend_by_hand():
    # One query that fits the first key by ln 3 after scaling: it takes three parts to one.
    query = torch.tensor([[[[math.log(3) * 2**0.5, 0.0]]]])
    key = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    value = torch.tensor([[[[4.0, 0.0], [0.0, 8.0]]]])
    mixed, weights = attend(query, key, value)
    torch.testing.assert_close(weights.flatten(), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(mixed.flatten(), torch.tensor([3.0, 2.0]))


def test_every_token_spends_exactly_one(heads, generator):
    encoder = randomise(Encoder(EncoderConfig(blocks=3, heads=heads), WIDTH), generator)
    _, weights = encoder(5 * torch.randn(2, WIDTH, 9, generator=generator))
    assert weights.shape == (2, 3, heads, 10, 10)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, heads, 10))


def test_each_head_works_in_its_own_slice(generator):
    layer = randomise(MultiHeadAttention(WIDTH, heads=4), generator)
    with torch.no_grad():
        layer.out.weight.copy_(torch.eye(WIDTH))
    tokens = torch.randn(2, 5, WIDTH, generator=generator)
    before, weights_before = layer(tokens)
    third = slice(8, 12)
    with torch.no_grad():  # another query, key and value for the third head
        layer.query_key_value.weight.reshape(3, WIDTH, WIDTH)[:, third] += 1
    after, weights_after = layer(tokens)
    moved = (before != after).any(0).any(0)
    assert moved.tolist() == [third.start <= place < third.stop for place in range(WIDTH)]
    moved = (weights_before != weights_after).any(-1).any(-1).any(0)
    assert moved.tolist() == [False, False, True, False]


@pytest.mark.parametrize("gain", [0, 0.1, 1])
def test_order_is_heard_through_positions_alone(gain, generator):
    config = EncoderConfig(blocks=2, heads=2, position_gain=gain)
    encoder = randomise(Encoder(config, WIDTH), generator).eval()
    features = torch.randn(2, WIDTH, 8, generator=generator)
    order = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    summary, weights = encoder(features)
    permuted, permuted_weights = encoder(features[:, :, order])
    if gain:
        assert (summary - permuted).abs().max() > 1e-3
    else:
        torch.testing.assert_close(permuted, summary)
        spent = weights[..., 0, 1:][..., order]  # on each step by the class token
        torch.testing.assert_close(permuted_weights[..., 0, 1:], spent)


def test_positions_are_as_loud_as_their_gain():
    encoder = Encoder(EncoderConfig(blocks=1, position_gain=0.1), WIDTH).eval()
    handed = []
    encoder.blocks[0].register_forward_pre_hook(lambda _, given: handed.append(given[0]))
    encoder(torch.zeros(1, WIDTH, 9))
    steps = handed[0][0, 1:]  # the class token has no place
    torch.testing.assert_close(steps, 0.1 * positions(9, WIDTH))
    torch.testing.assert_close(handed[0][0, 0], encoder.class_token)


# Silence


def test_silence_is_heard_as_silence(generator):
    block = EncoderBlock(EncoderConfig(quiet=0.1), WIDTH)
    loud = torch.randn(1, 1, WIDTH, generator=generator)
    loud = (loud - loud.mean()) / loud.std(correction=0)
    for share in (1, 0.5, 0.1, 0.01):
        heard = block.before_attention(share * loud)
        wanted = share / (share**2 + 0.1) ** 0.5
        torch.testing.assert_close(heard, wanted * loud)


# Dropout


def test_some_of_the_steps_are_left_out_clip_by_clip_in_training_alone():
    encoder = Encoder(EncoderConfig(blocks=1, position_gain=1), WIDTH, step_dropout=0.25)
    features = torch.zeros(200, WIDTH, 8)
    handed = []
    encoder.blocks[0].register_forward_pre_hook(lambda _, given: handed.append(given[0]))
    torch.manual_seed(0)
    encoder(features)
    encoder.eval()(features)
    trained, scored = handed
    assert trained.shape == (200, 1 + 6, WIDTH)
    assert scored.shape == (200, 1 + 8, WIDTH)
    torch.testing.assert_close(trained[:, 0], encoder.class_token.expand(200, -1))
    # Each kept step is one of the clip's, with its own place, and none is there twice.
    places = positions(8, WIDTH)
    which = torch.cdist(trained[:, 1:].detach(), places.expand(200, -1, -1)).argmin(-1)
    torch.testing.assert_close(trained[:, 1:], places[which])
    assert all(len(set(row.tolist())) == 6 for row in which)
    kept = which.flatten().bincount(minlength=8) / 200
    torch.testing.assert_close(kept, torch.full((8,), 0.75), rtol=0, atol=0.1)


def test_dropout_takes_from_what_a_block_adds_alone():
    # Both parts of the block add one to every place: of 20% nothing stays, of 80% 1 / 0.8.
    block = EncoderBlock(EncoderConfig(dropout=0.2), WIDTH)
    for last in (block.attention.out, block.perceptron[2]):
        nn.init.zeros_(last.weight)
        nn.init.ones_(last.bias)
    tokens = torch.zeros(50, 40, WIDTH)
    torch.manual_seed(0)
    added, weights = block(tokens)
    values, counts = added.unique(return_counts=True)
    torch.testing.assert_close(values, torch.tensor([0, 1.25, 2.5]))
    shares = torch.tensor([0.2**2, 2 * 0.2 * 0.8, 0.8**2])  # each part has draws of its own
    torch.testing.assert_close(counts / added.numel(), shares, rtol=0, atol=0.01)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    torch.testing.assert_close(block(tokens + 7)[0].amin(), torch.tensor(7.0))  # what came in stays
    torch.testing.assert_close(block.eval()(tokens)[0], torch.full_like(tokens, 2))


def test_dropout_is_there_in_training_alone(generator):
    config = EncoderConfig(blocks=2, heads=2)
    assert config.dropout > 0
    encoder = randomise(Encoder(config, WIDTH), generator)
    features = torch.randn(3, WIDTH, 6, generator=generator)
    first, again = encoder(features)[0], encoder(features)[0]
    assert (first != again).any(1).all()  # of every clip
    encoder.eval()
    torch.testing.assert_close(encoder(features)[0], encoder(features)[0], rtol=0, atol=0)
    without = Encoder(EncoderConfig(blocks=2, heads=2, dropout=0), WIDTH)
    without.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(encoder(features)[0], without(features)[0], rtol=0, atol=0)


@pytest.mark.parametrize("width", [16, 15])
def test_positions_tell_every_place_apart(width):
    places = positions(500, width)
    assert places.shape == (500, width)
    assert places.abs().max() <= 1
    distances = torch.cdist(places, places) + torch.eye(500)
    assert distances.min() > 0.1
    torch.testing.assert_close(positions(200, width), places[:200])  # whatever the length


def test_positions_turn_evenly():
    # A shift by one place is the same rotation everywhere: equal distances between neighbours.
    places = positions(100, WIDTH)
    steps = (places[1:] - places[:-1]).norm(dim=1)
    torch.testing.assert_close(steps, steps[:1].expand(99), rtol=1e-4, atol=0)


def test_class_token_is_one_parameter_that_learns(generator):
    encoder = Encoder(EncoderConfig(blocks=2, heads=2, dropout=0), WIDTH)
    token = encoder.class_token
    assert isinstance(token, nn.Parameter)
    assert sum(weight is token for weight in encoder.parameters()) == 1
    first = token.detach().clone()
    optimiser = torch.optim.SGD(encoder.parameters(), lr=0.1)
    features = torch.randn(4, WIDTH, 5, generator=generator)

    summary, _ = encoder(features)
    torch.testing.assert_close(encoder(features)[0], summary, rtol=0, atol=0)  # nothing made anew
    torch.nn.functional.cross_entropy(summary, torch.arange(4)).backward()
    assert encoder.class_token is token
    assert token.grad is not None
    assert token.grad.abs().min() > 0
    optimiser.step()
    assert encoder.class_token is token
    assert (token != first).all()
    assert (encoder(features)[0] != summary).any()


def test_averaging_is_attention_that_sees_no_difference(generator):
    attention = randomise(MultiHeadAttention(WIDTH, 1), generator)
    averaging = Averaging(WIDTH)
    tokens = torch.randn(2, 5, WIDTH, generator=generator)
    with torch.no_grad():
        attention.query_key_value.weight[: 2 * WIDTH] = 0  # no query and no key
        attention.query_key_value.bias[: 2 * WIDTH] = 0
        averaging.value.weight.copy_(attention.query_key_value.weight[2 * WIDTH :])
        averaging.value.bias.copy_(attention.query_key_value.bias[2 * WIDTH :])
        averaging.out.load_state_dict(attention.out.state_dict())

    for ours, theirs in zip(averaging(tokens), attention(tokens), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_without_a_class_token_the_summary_is_the_mean_of_the_steps(generator):
    config = EncoderConfig(blocks=2, heads=2, class_token=False, dropout=0.0)
    encoder = randomise(Encoder(config, WIDTH), generator).eval()
    features = torch.randn(3, WIDTH, 6, generator=generator)
    tokens = features.mT + config.position_gain * positions(6, WIDTH)
    for block in encoder.blocks:
        tokens, _ = block(tokens)

    summary, weights = encoder(features)

    assert weights.shape == (3, 2, 2, 6, 6)
    torch.testing.assert_close(summary, encoder.after(tokens.mean(1)))
    assert not any("class_token" in name for name, _ in encoder.named_parameters())


def test_refuses_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="3 heads do not divide a width of 16"):
        MultiHeadAttention(16, 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"blocks": -1}, "blocks must be 0 or more; heads and expansion"),
        ({"heads": 0}, "blocks must be 0 or more; heads and expansion"),
        ({"expansion": 0}, "blocks must be 0 or more; heads and expansion"),
        ({"dropout": 1.0}, "dropout is a share below 1"),
        ({"dropout": -0.1}, "dropout is a share below 1"),
        ({"quiet": 0.0}, "quiet is positive"),
        ({"position_gain": -1.0}, "position_gain is 0 or more"),
        ({"position_gain": math.nan}, "position_gain is 0 or more"),
    ],
)
def test_refuses_an_encoder_that_cannot_be_built(wrong, said):
    with pytest.raises(ValueError, match=said):
        EncoderConfig(**wrong)

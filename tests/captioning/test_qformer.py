"""The querying transformer: agreement with a second implementation, what sees what, decoding."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.captioning import QFormer, beam_search

BEGIN, END = 1, 2


def small(n_tokens=11, **params):
    torch.manual_seed(0)
    defaults = {"n_queries": 3, "width": 16, "n_layers": 4, "n_heads": 2, "max_length": 7}
    qformer = QFormer(6, n_tokens, **defaults | params).eval()
    with torch.no_grad():
        for weight in qformer.parameters():  # far from the start, where all is nearly alike
            weight.add_(0.3 * torch.randn_like(weight))
    return qformer


@pytest.fixture
def qformer():
    return small()


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(4, 5, 6, generator=generator)
    tokens = torch.randint(1, 11, (4, 6), generator=generator)
    present = torch.arange(6) < torch.tensor([[6], [3], [5], [1]])
    return features, tokens * present, present


def oracle_of(qformer, **params):
    """The same weights in the implementation of another library."""
    transformers = pytest.importorskip("transformers", reason="the second implementation")
    config = transformers.Blip2QFormerConfig(
        vocab_size=11,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        encoder_hidden_size=6,
        cross_attention_frequency=2,
        use_qformer_text_input=True,
        layer_norm_eps=1e-12,
        attn_implementation="eager",
    )
    oracle = transformers.Blip2QFormerModel(config).eval()
    names = {
        "norm": "layernorm",
        "attention.query": "attention.attention.query",
        "attention.key": "attention.attention.key",
        "attention.value": "attention.attention.value",
        "attention.output": "attention.output.dense",
        "attention.norm": "attention.output.LayerNorm",
        "to_features.query": "crossattention.attention.query",
        "to_features.key": "crossattention.attention.key",
        "to_features.value": "crossattention.attention.value",
        "to_features.output": "crossattention.output.dense",
        "to_features.norm": "crossattention.output.LayerNorm",
        "query_network.network.0": "intermediate_query.dense",
        "query_network.network.2": "output_query.dense",
        "query_network.norm": "output_query.LayerNorm",
        "text_network.network.0": "intermediate.dense",
        "text_network.network.2": "output.dense",
        "text_network.norm": "output.LayerNorm",
    }
    state = {}
    for name, value in qformer.state_dict().items():
        path, _, kind = name.rpartition(".")
        if path == "norm":
            state[f"layernorm.{kind}"] = value
        elif path.startswith("layers."):
            _, number, part = path.split(".", 2)
            state[f"encoder.layer.{number}.{names[part]}.{kind}"] = value
    oracle.load_state_dict(state, strict=True)
    return oracle


def embedded(qformer, tokens):
    """Tokens and positions before the first norm, as the other implementation takes them."""
    return qformer.tokens(tokens) + qformer.positions.weight[: tokens.shape[1]]


@torch.no_grad()
def test_queries_alone_agree_with_a_second_implementation(qformer, rows):
    features, _, _ = rows
    expected = oracle_of(qformer)(
        qformer.queries.expand(4, -1, -1), encoder_hidden_states=features
    ).last_hidden_state
    torch.testing.assert_close(qformer.look(features)[0], expected, rtol=0, atol=2e-5)


@torch.no_grad()
def test_text_alone_agrees_with_a_second_implementation(qformer, rows):
    _, tokens, present = rows
    expected = oracle_of(qformer)(
        embedded(qformer, tokens), query_length=0, attention_mask=present.long()
    ).last_hidden_state
    found = qformer.read(tokens, present)
    torch.testing.assert_close(found[present], expected[present], rtol=0, atol=2e-5)


@torch.no_grad()
def test_matching_agrees_with_a_second_implementation(qformer, rows):
    features, tokens, present = rows
    both = torch.cat([qformer.queries.expand(4, -1, -1), embedded(qformer, tokens)], 1)
    mask = torch.cat([torch.ones(4, 3), present.long()], 1)
    expected = oracle_of(qformer)(
        both, query_length=3, attention_mask=mask, encoder_hidden_states=features
    ).last_hidden_state
    found = qformer.match(features, tokens, present)
    torch.testing.assert_close(found, expected[:, :3], rtol=0, atol=2e-5)


@torch.no_grad()
def test_words_agree_with_a_second_implementation(qformer, rows):
    """Queries do not see text; text sees queries and what is before it."""
    features, tokens, _ = rows
    allowed = torch.ones(9, 9, dtype=torch.bool).tril()
    allowed[:3, :3] = True
    mask = torch.zeros(4, 1, 9, 9).masked_fill(~allowed, torch.finfo(torch.float32).min)
    both = torch.cat([qformer.queries.expand(4, -1, -1), embedded(qformer, tokens)], 1)
    states = oracle_of(qformer)(
        both, query_length=3, attention_mask=mask, encoder_hidden_states=features
    ).last_hidden_state[:, 3:]
    expected = qformer.to_word(states) @ qformer.tokens.weight.T + qformer.word_bias
    found, _ = qformer.write(tokens, qformer.look(features)[1])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_words_with_memory_are_those_without(qformer, rows):
    features, tokens, _ = rows
    _, memory = qformer.look(features)
    at_once, _ = qformer.write(tokens, memory)
    for i in range(tokens.shape[1]):
        logits, memory = qformer.write(tokens[:, i : i + 1], memory)
        torch.testing.assert_close(logits[:, 0], at_once[:, i], rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing(qformer, rows):
    features, tokens, present = rows
    short = qformer.read(tokens[1:2, :3], present[1:2, :3])
    torch.testing.assert_close(qformer.read(tokens, present)[1:2, :3], short, rtol=0, atol=1e-5)
    padded = torch.cat([features, 9 * torch.ones(4, 2, 6)], 1)
    there = torch.arange(7).expand(4, -1) < 5
    found, _ = qformer.look(padded, there)
    torch.testing.assert_close(found, qformer.look(features)[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_pooled_features_are_a_sequence_of_one(qformer, rows):
    features = rows[0][:, 0]
    torch.testing.assert_close(qformer.look(features)[0], qformer.look(features[:, None])[0])


def test_all_weights_are_trained(rows):
    features, tokens, present = rows
    qformer = small().train()
    logits, _ = qformer.write(tokens, qformer.look(features)[1])
    total = logits.sum() + qformer.match(features, tokens, present).sum()
    total = total + qformer.read(tokens, present).square().sum()
    total.backward()
    assert [name for name, weight in qformer.named_parameters() if weight.grad is None] == []


def test_settings_and_long_texts_are_refused(qformer, rows):
    with pytest.raises(ValueError, match="width=10 must be a multiple of n_heads=4"):
        QFormer(3, 5, width=10)
    with pytest.raises(ValueError, match="8 tokens is longer than max_length=7"):
        qformer.read(torch.ones(1, 8, dtype=torch.int64))


def all_texts(n_tokens, longest):
    """All texts of words 3.., ended, or cut off at the longest."""
    words = [t for t in range(1, n_tokens) if t != END]
    for length in range(longest):
        for text in itertools.product(words, repeat=length):
            yield (*text, END)
    for text in itertools.product(words, repeat=longest):
        yield text


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@torch.no_grad()
def test_a_wide_beam_finds_the_best_of_all_texts(penalty):
    qformer = small(n_tokens=5, max_length=5)
    features = torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(2))
    _, memory = qformer.look(features)
    found, scores = beam_search(
        qformer, memory, begin=BEGIN, end=END, n_beams=200, length_penalty=penalty, max_length=3
    )
    texts = list(all_texts(5, 3))
    for i in range(3):
        own = [(k[i : i + 1], v[i : i + 1]) for k, v in memory]
        best = -torch.inf
        for text in texts:
            given = torch.tensor([[BEGIN, *text[:-1]]])
            log_p = qformer.write(given, own)[0].log_softmax(-1)
            log_p = log_p.masked_fill(torch.arange(5) == 0, -torch.inf)
            total = sum(float(log_p[0, k, t]) for k, t in enumerate(text)) / len(text) ** penalty
            if total > best:
                best, winner = total, text
        assert [int(t) for t in found[i] if t] == list(winner)
        assert scores[i] == pytest.approx(best, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_texts_do_not_depend_on_the_pictures_beside(seed, n_beams):
    qformer = small()
    features = torch.randn(5, 2, 6, generator=torch.Generator().manual_seed(seed))
    _, memory = qformer.look(features)
    together, scores = beam_search(qformer, memory, begin=BEGIN, end=END, n_beams=n_beams)
    for i in range(5):
        own = [(k[i : i + 1], v[i : i + 1]) for k, v in memory]
        alone, score = beam_search(qformer, own, begin=BEGIN, end=END, n_beams=n_beams)
        assert [int(t) for t in together[i] if t] == [int(t) for t in alone[0] if t]
        torch.testing.assert_close(scores[i : i + 1], score, rtol=0, atol=1e-4)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(8))
@torch.no_grad()
def test_one_beam_is_greedy(penalty, seed):
    qformer = small(n_tokens=5)  # of few words, the end is soon the second likeliest
    features = torch.randn(1, 2, 6, generator=torch.Generator().manual_seed(seed))
    _, memory = qformer.look(features)
    found, _ = beam_search(qformer, memory, begin=BEGIN, end=END, n_beams=1, length_penalty=penalty)
    last, expected = torch.tensor([[BEGIN]]), []
    while len(expected) < 6 and (not expected or expected[-1] != END):
        logits, memory = qformer.write(last, memory)
        logits[..., 0] = -torch.inf
        last = logits[:, -1:].argmax(-1)
        expected.append(int(last))
    assert [int(t) for t in found[0] if t] == expected

"""Documents to topics: samples of a model, matching, perplexity and refinement."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gluonbook.topics import (
    WhitenedMoments,
    match,
    perplexity,
    refine,
    sample_lda,
    topic_error,
    topics_from,
    whitened_moments,
)


def recovered(documents, seed, alpha0=1.0):
    random = np.random.RandomState(seed)
    X, mu = sample_lda(documents, 100, 4, 40, 1.0, random)
    return topics_from(whitened_moments(X, 4, alpha0), random), mu, X


def test_more_documents_make_topics_better():
    few, many = ([topic_error(recovered(D, seed)[0].words, recovered(D, seed)[1]) for seed in range(3)]
                 for D in (200, 3200))  # fmt: skip
    assert max(many) < 0.1
    assert 2.5 < np.mean(few) / np.mean(many) < 6.5  # 4 is √16


def test_weights_are_found_too():
    assert recovered(3200, 0)[0].alpha == pytest.approx(0.25, rel=0.3)


def test_topics_are_distributions_and_say_what_was_cut():
    topics, _, _ = recovered(200, 1)
    assert topics.words.min() >= 0
    assert topics.words.sum(axis=1) == pytest.approx(1)
    assert (topics.negative > 0).all()
    assert (topics.negative < 1).all()


def test_fewer_components_than_topics_are_refused():
    same = np.eye(2)
    one = np.zeros((2, 2, 2))
    one[0, 0, 0] = 1
    with pytest.raises(ValueError, match="the third moment has 1 positive components, fewer than k = 2"):
        topics_from(WhitenedMoments(1.0, np.ones(2), same, same, one), np.random.RandomState(0))


class TestSamples:
    def test_they_have_the_shapes_and_the_moments_that_were_asked_for(self):
        X, mu = sample_lda(2000, 50, 3, 30, 0.5, np.random.RandomState(0))
        assert X.shape == (2000, 50)
        assert mu.shape == (3, 50)
        assert mu.sum(axis=1) == pytest.approx(1)
        lengths = np.asarray(X.sum(axis=1)).ravel()
        assert lengths.mean() == pytest.approx(30, rel=0.02)
        assert lengths.var() == pytest.approx(30, rel=0.15)
        assert np.asarray((X.multiply(1 / lengths[:, None])).mean(axis=0)).ravel() == pytest.approx(
            mu.mean(axis=0), abs=0.02
        )

    def test_each_document_has_a_triple(self):
        X, _ = sample_lda(200, 10, 2, 0.5, 1.0, np.random.RandomState(0))
        assert X.sum(axis=1).min() == 3

    def test_of_shares_that_floats_cannot_tell_apart_one_is_all(self):
        """Half of the documents, and of the topics, would have no shares at all: α is 10⁻³, and U^1000 is 0."""
        X, mu = sample_lda(400, 2, 2, 20, 0.002, np.random.RandomState(0), eta=0.001)
        assert np.isfinite(mu).all()
        assert mu.sum(axis=1) == pytest.approx(1)
        X, mu = sample_lda(400, 4, 2, 20, 0.002, np.random.RandomState(1), eta=5.0)
        likely = X @ np.log(mu).T
        assert (likely.argmax(axis=1) == 0).mean() == pytest.approx(0.5, abs=0.1)

    def test_a_seed_makes_a_corpus(self):
        one, other = (sample_lda(5, 9, 2, 6, 1.0, np.random.RandomState(3)) for _ in range(2))
        assert (one[0] != other[0]).nnz == 0
        assert (one[1] == other[1]).all()


class TestMatching:
    def test_it_is_the_best_of_all_orders(self):
        random = np.random.RandomState(0)
        for _ in range(20):
            found, true = random.dirichlet(np.ones(6), 4), random.dirichlet(np.ones(6), 4)
            best = min(abs(found[list(order)] - true).sum(axis=1).mean() for order in itertools.permutations(range(4)))
            assert topic_error(found, true) == pytest.approx(best)
            assert abs(found[match(found, true)] - true).sum(axis=1).mean() == pytest.approx(best)

    def test_an_order_is_undone(self):
        mu = np.random.RandomState(0).dirichlet(np.ones(6), 4)
        order = np.array([2, 0, 3, 1])
        assert (mu[order][match(mu[order], mu)] == mu).all()

    def test_topics_without_a_common_word_are_two_apart(self):
        assert topic_error([[1, 0]], [[0, 1]]) == 2

    @pytest.mark.parametrize(
        ("found", "true", "words"),
        [
            ([[1, 0]], [[0.5, 0.5], [1, 0]], r"found must have the shape \(2, 2\), got \(1, 2\)"),
            ([[1, 0, 0]], [[0.5, 0.5]], r"found must have the shape \(1, 2\), got \(1, 3\)"),
            ([[1, 0]], np.zeros((0, 2)), r"true must have the shape \(any, any\), got \(0, 2\)"),
            ([[2, 0]], [[1, 0]], "found must be distributions"),
            ([[1, 0]], [[1.5, -0.5]], "true must be distributions"),
            ([1, 0], [[1, 0]], r"found must have the shape \(1, 2\), got \(2,\)"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, found, true, words):
        with pytest.raises(ValueError, match=words):
            topic_error(found, true)


class TestPerplexity:
    def test_of_one_topic_it_is_the_inverse_of_the_mean_probability(self):
        X, mu = np.full((40, 4), 50), np.array([[0.4, 0.3, 0.2, 0.1]])
        expected = np.exp(-np.log(mu).mean())
        assert perplexity(mu, X, np.random.RandomState(0), smoothing=1e-9) == pytest.approx(expected, rel=0.02)
        assert perplexity(np.full((1, 4), 0.25), X, np.random.RandomState(0)) == pytest.approx(4)

    def test_it_is_what_the_formulas_say_document_by_document(self):
        X, mu = np.array([[3, 0, 2], [0, 4, 1], [6, 1, 0]]), np.array([[0.7, 0.3, 0.0], [0.1, 0.2, 0.7]])
        shown = np.zeros_like(X)
        shown[X > 0] = np.random.RandomState(4).binomial(X[X > 0], 0.5)
        smooth = 0.9 * mu + 0.1 / 3
        told = 0.0
        for x, hidden in zip(shown, X - shown):
            h = np.full(2, 0.5)
            for _ in range(7):
                h = np.array([sum(x * h[i] * smooth[i] / (h @ smooth)) + 1 / 2 for i in range(2)])
                h /= h.sum()
            told += hidden @ np.log(h @ smooth)
        found = perplexity(mu, X, np.random.RandomState(4), updates=7, smoothing=0.1)
        assert found == pytest.approx(np.exp(-told / (X - shown).sum()))

    def test_true_topics_fit_better_than_none_and_than_others(self):
        random = np.random.RandomState(0)
        X, mu = sample_lda(300, 100, 4, 60, 0.5, random)
        true, whole, others = (
            perplexity(topics, X, np.random.RandomState(1))
            for topics in (mu, mu.mean(axis=0, keepdims=True), random.dirichlet(np.full(100, 0.1), 4))
        )
        assert true < 0.8 * whole < 0.8 * others

    def test_a_word_that_is_in_no_topic_costs_something_finite(self):
        X = np.array([[30, 30, 0], [0, 30, 30]])
        found = perplexity([[0.5, 0.5, 0]], X, np.random.RandomState(0))
        assert np.isfinite(found)
        assert found > 3

    def test_the_order_of_topics_changes_nothing(self):
        X, mu = sample_lda(30, 20, 3, 20, 0.5, np.random.RandomState(0))
        one, other = (perplexity(topics, X, np.random.RandomState(1)) for topics in (mu, mu[::-1]))
        assert one == pytest.approx(other)

    def test_too_few_words_are_refused(self):
        with pytest.raises(ValueError, match="divided into two halves"):
            perplexity([[0.5, 0.5]], [[0, 0]], np.random.RandomState(0))


class TestRefinement:
    def likelihood(self, mu, X, steps=400):
        X, h = X.toarray(), np.full((X.shape[0], len(mu)), 1 / len(mu))
        for _ in range(steps):
            h = h * ((X / np.maximum(h @ mu, 1e-300)) @ mu.T)  # where it is 0, so is X
            h /= h.sum(axis=1, keepdims=True)
        return (X * np.log(np.maximum(h @ mu, 1e-300))).sum()

    def test_the_likelihood_grows_and_topics_stay_distributions(self):
        topics, _, X = recovered(200, 0)
        some, more = (refine(topics.words, X, updates=updates) for updates in (5, 50))
        for found in (some, more):
            assert found.min() >= 0
            assert found.sum(axis=1) == pytest.approx(1)
        start = self.likelihood(0.9 * topics.words + 0.001, X)
        assert start < self.likelihood(some, X) < self.likelihood(more, X)

    def test_what_was_given_stays_as_it_is(self):
        topics, _, X = recovered(200, 0)
        words, counts = topics.words.copy(), X.toarray()
        refine(topics.words, X)
        assert (topics.words == words).all()
        assert (X.toarray() == counts).all()

    def test_a_word_that_no_topic_has_is_found(self):
        assert refine([[0.5, 0.5, 0.0]], [[1, 0, 2], [0, 1, 0]], updates=3)[0] == pytest.approx([1 / 4, 1 / 4, 1 / 2])

    def test_documents_without_a_word_say_nothing(self):
        topics, counts = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), [[3, 0, 1], [0, 2, 2]]
        assert refine(topics, [[0, 0, 0], *counts]) == pytest.approx(refine(topics, counts), rel=1e-6)
        with pytest.raises(ValueError, match="X must have words, got none"):
            refine(topics, [[0, 0, 0]])

    def test_a_good_start_gets_better_on_documents_of_the_model(self):
        topics, mu, X = recovered(800, 2)
        assert topic_error(refine(topics.words, X, updates=20), mu) < topic_error(topics.words, mu)

"""Whitened moments: against all triples of places one by one, and against those of a model that is known exactly."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from models import brute_force, exact
from scipy import sparse

from gluonbook.topics import WhitenedMoments, perplexity, sample_lda, topics_from, whitened_moments


@pytest.fixture(scope="module")
def small():
    return sample_lda(30, 8, 3, 9, 1.0, np.random.RandomState(0))[0].toarray()


@pytest.mark.parametrize("alpha0", [0.1, 1.0, 7.5])
def test_they_are_those_of_all_triples_of_places(small, alpha0):
    moments, all_of_them = whitened_moments(small, 2, alpha0), brute_force(small, alpha0)
    W = moments.W
    whitened = W.T @ all_of_them.M2 @ W
    assert whitened == pytest.approx(np.eye(2), abs=1e-10)
    assert W.T @ moments.unwhiten == pytest.approx(np.eye(2), abs=1e-10)
    assert moments.eigenvalues == pytest.approx(np.linalg.eigvalsh(all_of_them.M2)[:-3:-1], rel=1e-10)
    T = np.einsum("abc,ax,by,cz->xyz", all_of_them.M3, W, W, W)
    np.testing.assert_allclose(moments.T, T, rtol=0, atol=1e-9 * abs(T).max())


def test_documents_without_a_triple_are_left_out(small):
    short = np.zeros((4, 8))
    short[0, 0], short[1, 3], short[2, [1, 2]] = 1, 2, 1
    assert whitened_moments(np.vstack([short, small]), 2, 1.0).T.tolist() == whitened_moments(small, 2, 1.0).T.tolist()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, np.int32, np.ndarray.tolist])
def test_any_table_of_counts_will_do_and_stays_as_it_is(small, kind):
    X = kind(small)
    moments = whitened_moments(X, 2, 1.0)
    assert moments.T.tolist() == whitened_moments(small, 2, 1.0).T.tolist()
    assert (np.asarray(X.todense() if sparse.issparse(X) else X) == small).all()


def test_counts_in_several_parts_are_added_up(small):
    rows, columns = small.nonzero()
    values = small[rows, columns]
    twice = sparse.coo_matrix(
        (np.r_[values - 1, np.ones(len(values))], (np.r_[rows, rows], np.r_[columns, columns])), small.shape
    )
    np.testing.assert_allclose(whitened_moments(twice, 2, 1.0).T, whitened_moments(small, 2, 1.0).T, rtol=1e-9)


def test_it_is_what_a_place_of_the_table_adds_up_to_that_is_a_count(small):
    """A matrix in CSR form may hold a place twice, and zeros."""
    rows, columns = small.nonzero()
    halves = np.repeat(small[rows, columns] / 2, 2)
    ends = np.cumsum([0, *2 * np.bincount(rows, minlength=len(small))])
    X = sparse.csr_matrix((halves, np.repeat(columns, 2), ends), small.shape)
    assert X.nnz == 2 * len(rows)
    np.testing.assert_allclose(whitened_moments(X, 2, 1.0).T, whitened_moments(small, 2, 1.0).T, rtol=1e-9)
    with_zeros = sparse.csr_matrix(small + 1)
    with_zeros.data -= 1
    mu = np.full((1, 8), 1 / 8)
    found = [perplexity(mu, X, np.random.RandomState(0)) for X in (with_zeros, small)]
    assert found[0] == found[1]


@pytest.mark.parametrize("topics", [1, 2, 5])
@pytest.mark.parametrize("alpha0", [0.1, 1.5, 20.0])
def test_exact_moments_give_back_the_topics_and_their_weights(topics, alpha0):
    random = np.random.RandomState(topics)
    mu = random.dirichlet(np.full(40, 0.3), topics)
    alpha = alpha0 * random.dirichlet(np.full(topics, 5.0))
    truth = exact(mu, alpha)
    values, U = np.linalg.eigh(truth.M2)
    values, U = values[::-1][:topics], U[:, ::-1][:, :topics]
    W = U / np.sqrt(values)
    T = np.einsum("abc,ax,by,cz->xyz", truth.M3, W, W, W, optimize=True)
    found = topics_from(WhitenedMoments(alpha0, values, W, U * np.sqrt(values), T), random)
    order = [abs(found.words - topic).sum(axis=1).argmin() for topic in mu]
    assert sorted(order) == list(range(topics))
    assert found.words[order] == pytest.approx(mu, abs=1e-10)
    assert found.alpha[order] == pytest.approx(alpha, rel=1e-9)
    assert found.negative == pytest.approx(0, abs=1e-10)


def test_neither_all_triples_nor_all_pairs_of_words_are_ever_written_down():
    """Of 4,000 words all triples are 512 GB, and all pairs 128 MB. A fiftieth of the pairs is to be enough."""
    words, documents = 4000, 300
    random = np.random.RandomState(0)
    places = random.randint(words, size=(documents, 20))
    X = sparse.csr_matrix(
        (np.ones(places.size), (np.repeat(np.arange(documents), 20), places.ravel())), (documents, words)
    )
    tracemalloc.start()
    try:
        moments = whitened_moments(X, 5, 1.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert moments.T.shape == (5, 5, 5)
    assert peak < 8 * words**2 / 50


HALVES = np.kron(np.eye(2), np.ones((30, 20)))  # every word of a half in each of its documents


@pytest.mark.parametrize("X", [None, HALVES], ids=["drawn", "two halves alike"])
def test_the_same_documents_give_the_same(small, X):
    X, k = (small, 3) if X is None else (X, 2)
    one, other = (whitened_moments(X, k, 0.5) for _ in range(2))
    assert one.W.tolist() == other.W.tolist()
    assert one.T.tolist() == other.T.tolist()


@pytest.mark.parametrize(
    ("X", "word"),
    [
        (np.ones(3), r"got shape \(3,\)"),
        (np.ones((0, 3)), r"got shape \(0, 3\)"),
        (np.array([[1.0, 2.0, -1.0]]), "got -1.0"),
        (np.array([[1.0, 2.5, 1.0]]), "got 2.5"),
        (np.array([[1.0, np.nan, 1.0]]), "got nan"),
        (np.array([[1.0, np.inf, 1.0]]), "got inf"),
        (np.eye(5), "no document has 3 words"),
    ],
)
def test_what_is_no_table_of_counts_is_refused(X, word):
    with pytest.raises(ValueError, match=word):
        whitened_moments(X, 1, 1.0)


def test_more_topics_than_documents_show_are_refused():
    X = np.tile([4.0, 3.0, 2.0, 1.0], (50, 1))
    with pytest.raises(ValueError, match="k is 3, but the second moment of these 50 documents"):
        whitened_moments(X, 3, 1.0)

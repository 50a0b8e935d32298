"""Topic models by the method of moments: what words of a document have in common, in pairs and in threes.

    texts, packages = docstrings(["scipy", "matplotlib"])
    X = CountVectorizer().fit_transform(texts)             # of scikit-learn: a row a document, a column a word
    moments = whitened_moments(X, k=8, alpha0=0.1)
    topics = topics_from(moments, np.random.RandomState(0))
    topics.words                                           # a row a topic, each a distribution over the words

The model is latent Dirichlet allocation (Blei, Ng and Jordan 2003): a document draws its shares of the k topics from a
Dirichlet distribution with the parameters α, whose sum is α0, and then each word from the mixture. Moments and power
method are those of Anandkumar, Ge, Hsu, Kakade and Telgarsky (2014). All of it is NumPy and SciPy.

- `docstrings`, `sample_lda`: documents to read, and documents of which the topics are known
- `whitened_moments`: the second moment of the words, made the identity, and the third one as it looks then
- `tensor_power`: the components of an orthogonal tensor
- `topics_from`: both together, and back to words
- `match`, `topic_error`, `perplexity`: how right topics are, where they are known, and how well they fit, where not
- `refine`: topics that were found in whatever way, a few steps closer to the data
"""

from gluonbook.topics.corpus import docstrings
from gluonbook.topics.lda import sample_lda
from gluonbook.topics.matching import match, topic_error
from gluonbook.topics.moments import WhitenedMoments, whitened_moments
from gluonbook.topics.power import Components, tensor_power
from gluonbook.topics.recovery import Topics, topics_from
from gluonbook.topics.refinement import perplexity, refine

__all__ = [
    "Components",
    "Topics",
    "WhitenedMoments",
    "docstrings",
    "match",
    "perplexity",
    "refine",
    "sample_lda",
    "tensor_power",
    "topic_error",
    "topics_from",
    "whitened_moments",
]

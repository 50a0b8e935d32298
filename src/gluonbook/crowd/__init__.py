"""Labels by workers of unknown quality, and what can be believed of the classes behind them; in NumPy.

    confusion = hammers_and_spammers(workers=20, classes=10, hammers=8, random=random)
    labels = annotate(confusion, y, redundancy=1, random=random)
    belief = posterior(labels, one_number(labels, guessed))

- `Labels`: who has said what of which example
- `hammers_and_spammers`, `annotate`: a simulated crowd, and its labels
- `votes`, `majority`, `posterior`: beliefs, an array (n, K) whose rows sum to 1
- `matrices`, `one_number`: workers judged by a belief, as confusion matrices (m, K, K)
- `dawid_skene`: workers and belief in turns
- `redundancy_factor`: what a bound says of asking r workers about each of N/r examples
"""

from gluonbook.crowd.beliefs import majority, posterior, votes
from gluonbook.crowd.judging import dawid_skene, matrices, one_number
from gluonbook.crowd.labels import Labels
from gluonbook.crowd.redundancy import redundancy_factor
from gluonbook.crowd.workers import annotate, hammers_and_spammers

__all__ = [
    "Labels",
    "annotate",
    "dawid_skene",
    "hammers_and_spammers",
    "majority",
    "matrices",
    "one_number",
    "posterior",
    "redundancy_factor",
    "votes",
]

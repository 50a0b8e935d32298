"""Exercises that are answered with words out of a few, which are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

from gluonbook.exercises.exercise import Exercise, Hint, several

Asked = tuple[str, str]  # one word of an answer: the right one, and the hint for each of the others


@final
class Words(Exercise):
    """An exercise that is answered with several words, as a tuple, a list or an array, or by names as a dictionary."""

    def __init__(self, name: str, asked: Sequence[Asked] | Mapping[str, Asked], *, among: Sequence[str]) -> None:
        """
        Args:
            asked: the words of the answer in their order, or by the names that it has for them; the first wrong one
                is told.
            among: the words that there are.

        Raises:
            ValueError: a right word is not among them.
        """
        self._named = isinstance(asked, Mapping)
        by_place: dict[Any, Asked] = dict(asked) if isinstance(asked, Mapping) else dict(enumerate(asked))
        self._words = {place: word for place, (word, _) in by_place.items()}
        self._hints = {place: hint for place, (_, hint) in by_place.items()}
        self._among = tuple(among)
        super().__init__(name, self._answer(self._words))
        for word in self._words.values():
            if word not in self._among:
                raise ValueError(f"{name}: the right word {word!r} is none of {self._listed()}")

    def judge(self, answer: Any) -> None:
        given = self._by_place(answer)
        if given.keys() != self._words.keys():
            raise Hint(f"Answer with {self._form()}, not {answer!r:.60}.")
        for place, right in self._words.items():
            word = given[place]
            if not isinstance(word, str) or word not in self._among:
                raise Hint(f"The words are {self._listed()}, not {word!r:.40}.")
            if word != right:
                raise Hint(self._hints[place])

    def wrong(self) -> Iterator[tuple[Any, str]]:
        yield self._answer(dict(list(self._words.items())[:-1])), "Answer with"
        for place, right in self._words.items():
            yield self._answer({**self._words, place: "nonsense"}), "The words are"
            for other in self._among:
                if other != right:
                    yield self._answer({**self._words, place: other}), self._hints[place]

    def _by_place(self, answer: Any) -> dict[Any, Any]:
        """The words of an answer by their places, or {} where it has none."""
        if self._named:
            return answer if isinstance(answer, dict) else {}
        return dict(enumerate(several(answer)))

    def _answer(self, words: dict[Any, str]) -> Any:
        """The answer that holds these words in their places."""
        return words if self._named else tuple(words.values())

    def _form(self) -> str:
        if self._named:
            return f"a dictionary that has {', '.join(map(repr, self._words))}"
        return f"{len(self._words)} words, as a tuple"

    def _listed(self) -> str:
        return ", ".join(map(repr, self._among))

"""A step of lineage: one sentence with its facts, plain lines, and the steps it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...claims.verify.explain import refusal_text
from ...errors import Fact, Refusal
from ...errors.texts import Language

INDENT = "  "


@dataclass(frozen=True)
class Step:
    """`what` names the sentence in errors/texts/lineage.toml; `lines` are texts by language."""

    what: str
    id: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    because: tuple[Step, ...] = ()
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sentence(self, language: Language) -> str:
        """The step as one sentence."""
        return refusal_text(Refusal(f"lineage.{self.what}", self.facts), language)

    def text(self, language: Language, depth: int = 0) -> Iterator[str]:
        """The tree as indented lines; what rests on a step is printed where it comes first."""
        yield from self._text(language, depth, set())

    def _text(self, language: Language, depth: int, told: set[tuple[str, str]]) -> Iterator[str]:
        yield INDENT * depth + self.sentence(language)
        if (self.what, self.id) in told:
            return
        told.add((self.what, self.id))
        for line in self.lines.get(language, ()):
            yield INDENT * (depth + 1) + line
        for parent in self.because:
            yield from parent._text(language, depth + 1, told)

    def as_json(self) -> dict[str, Any]:
        """The tree as plain data, with the sentences of both languages."""
        told: dict[str, Any] = {
            "what": self.what,
            "id": self.id,
            "facts": dict(self.facts),
            "zh": self.sentence("zh"),
            "en": self.sentence("en"),
        }
        if self.lines:
            told["lines"] = {language: list(lines) for language, lines in self.lines.items()}
        if self.because:
            told["because"] = [parent.as_json() for parent in self.because]
        return told


def step(
    what: str,
    id: str,
    facts: Mapping[str, Fact] | None = None,
    because: Sequence[Step] = (),
    lines: Mapping[str, tuple[str, ...]] | None = None,
) -> Step:
    """A step; sentences are read from facts alone."""
    return Step(what, id, facts or {}, tuple(because), lines or {})

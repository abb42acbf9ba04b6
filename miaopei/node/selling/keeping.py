"""What a member keeps of applicants: each under the number of their application, of nobody else.

A customer's token joins their applications; knowing a customer number therefore changes nothing
that is kept of the person. Source: docs/specs/policies.md, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...measures.identity import canonical, read_canonical
from ..ports import Reading, Writing
from ..vault.persons import Person

BEGUN = "selling/begun"  # number -> the key of an application that nothing has answered yet


def name_of(number: str) -> str:
    """Under which name a policyholder is kept, and paid."""
    return f"policy/{number}"


def keep(block: Writing, number: str, person: Mapping[str, str], token: str | None) -> Person:
    """Keep an applicant, and which customer it is about; as they are kept."""
    name = name_of(number)
    block.put_persons({name: person})
    if token is not None:
        block.put_progress(f"selling/subject/{number}", token.encode("ascii"))
        _put_numbers(block, token, [*numbers_of(block, token), number])
    return block.persons([name])[name]


def drop(block: Writing, number: str) -> None:
    """Leave nothing of an application whose answer was no: as though nobody had asked."""
    block.forget_person(name_of(number))
    end(block, number)
    forget_number(block, number)


def forget_number(block: Writing, number: str) -> None:
    """Join an application and a customer no more."""
    mark = f"selling/subject/{number}"
    token = block.progress(mark)
    if token is not None:
        subject = token.decode("ascii")
        block.put_progress(mark, None)
        _put_numbers(block, subject, [n for n in numbers_of(block, subject) if n != number])


def forget_subject(block: Writing, token: str) -> list[str]:
    """The names of those who applied for a customer who is erased; they are joined no more."""
    numbers = list(numbers_of(block, token))
    for number in numbers:
        forget_number(block, number)
    return [name_of(number) for number in numbers]


def numbers_of(reading: Reading, token: str) -> Sequence[str]:
    """The applications about a customer, as they were handed in."""
    kept = reading.progress(f"selling/of/{token}")
    return [] if kept is None else [str(number) for number in read_canonical(kept)]


def person_of(reading: Reading, number: str) -> Person | None:
    """Who applied, as kept: under the number, or as older records have it under the customer."""
    name = reading.payee_of(name_of(number)) or name_of(number)
    return reading.persons([name]).get(name)


def known_of(reading: Reading, who: str) -> Person | None:
    """What is known of a person by any of their names; of a customer the last that was said."""
    name = reading.payee_of(who) or who
    names = [*(name_of(number) for number in numbers_of(reading, name)), name]
    found = reading.persons(names)
    known = [found[each] for each in names if each in found]
    if not known:
        return None
    fields = {n: v for each in known for n, v in each.fields.items()}
    salts = {n: v for each in known for n, v in each.salts.items()}
    return Person(name, fields, salts)


def begun(reading: Reading) -> dict[str, str]:
    """Applications that were written down and not answered yet: number -> key."""
    kept = reading.progress(BEGUN)
    return {} if kept is None else dict(read_canonical(kept))


def begin(block: Writing, number: str, key: str) -> None:
    """Write down that an application is being answered."""
    block.put_progress(BEGUN, canonical({**begun(block), number: key}))


def end(block: Writing, number: str) -> None:
    """It is answered."""
    left = {each: key for each, key in begun(block).items() if each != number}
    block.put_progress(BEGUN, canonical(left) if left else None)


def _put_numbers(block: Writing, token: str, numbers: Sequence[str]) -> None:
    block.put_progress(f"selling/of/{token}", canonical(list(numbers)) if numbers else None)

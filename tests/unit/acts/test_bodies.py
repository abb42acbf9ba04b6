"""Applying changes no act: one that was read once may be applied again, and gives the same leaf."""

from __future__ import annotations

import pytest

from miaopei.acts import apply
from miaopei.acts.envelope import Act
from miaopei.measures.identity import canonical
from tests.support.histories import make


@pytest.mark.parametrize("seed", [0, 1])
def test_no_act_of_a_history_is_changed_by_being_applied(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Act, bytes]] = []
    real = apply.admit

    def admit(state, act, now):
        seen.append((act, canonical(act.unsigned())))
        real(state, act, now)

    monkeypatch.setattr(apply, "admit", admit)
    make(seed, 100)
    assert len({act.kind for act, _ in seen}) > 8
    assert all(canonical(act.unsigned()) == before for act, before in seen)

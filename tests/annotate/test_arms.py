from __future__ import annotations

import importlib

from hypothesis import given
from hypothesis import strategies as st

from copydesk.corpus import ArmSettings

arms = importlib.import_module("copydesk.annotate.arms")
IDS = [f"d-{number:05d}" for number in range(4000)]
shares = st.floats(0, 0.5)


@given(shares, shares, st.floats(0, 0.5), st.text(max_size=9))
def test_a_larger_share_takes_only_from_what_is_shown(blind, decoy, more, salt):
    before = {name: arms.assigned_arm(name, ArmSettings(blind=blind, decoy=decoy, salt=salt)) for name in IDS[:200]}
    wider = ArmSettings(blind=min(blind + more, 1 - decoy), decoy=decoy, salt=salt)
    after = {name: arms.assigned_arm(name, wider) for name in IDS[:200]}
    assert all(after[name] == arm or (arm, after[name]) == ("shown", "blind") for name, arm in before.items())


def test_shares_are_met():
    found = [arms.assigned_arm(name, ArmSettings(blind=0.1, decoy=0.02)) for name in IDS]
    assert 320 <= found.count("blind") <= 480  # 400 ± 4 standard deviations
    assert 45 <= found.count("decoy") <= 115  # 80 ± 4
    assert {arms.assigned_arm(name, ArmSettings()) for name in IDS} == {"shown"}
    assert {arms.assigned_arm(name, ArmSettings(blind=1.0)) for name in IDS} == {"blind"}


@given(st.sampled_from(arms.ARMS), st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9))
def test_a_token_tells_its_arm_to_who_knows_the_salt(arm, salt, other):
    token = arms.arm_token("d-1", arm, salt)
    assert arms.known_arm("d-1", token, salt) == arm
    assert arm not in token
    if other != salt:
        assert arms.known_arm("d-1", token, other) is None

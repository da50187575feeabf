"""A sealed key opens for its own account alone, under any key of the list, and says nothing else."""

from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from accounts.keys import Credentials, NotTheirs, Unreadable, number_of, seal, unseal

OLD, NEW, STRANGE = (Fernet.generate_key().decode() for _ in range(3))
ALICE, BOB, ACCOUNT, OTHER = (UUID(int=number) for number in (1, 2, 3, 4))
CANARY = Credentials("canary-key-0001", "canary-secret-0002", "canary-pass-0003")
texts = st.text(max_size=200)


def sealed(keys: tuple[str, ...] = (OLD,)) -> str:
    return seal(CANARY, user_id=ALICE, account_id=ACCOUNT, keys=keys)


@given(st.builds(Credentials, texts, texts, texts), st.uuids(), st.uuids())
def test_what_was_sealed_comes_back(credentials: Credentials, user_id: UUID, account_id: UUID) -> None:
    text = seal(credentials, user_id=user_id, account_id=account_id, keys=[NEW])
    assert unseal(text, user_id=user_id, account_id=account_id, keys=[NEW, OLD]) == credentials
    with pytest.raises(NotTheirs):
        unseal(text, user_id=user_id, account_id=uuid4(), keys=[NEW])


def test_the_first_key_seals_and_every_key_opens() -> None:
    text = sealed((OLD,))
    assert unseal(text, user_id=ALICE, account_id=ACCOUNT, keys=[NEW, OLD]) == CANARY
    again = sealed((NEW, OLD))
    assert unseal(again, user_id=ALICE, account_id=ACCOUNT, keys=[NEW]) == CANARY


@pytest.mark.parametrize(("user_id", "account_id"), [(BOB, ACCOUNT), (ALICE, OTHER), (BOB, OTHER)])
def test_anothers_sealed_key_is_refused(user_id: UUID, account_id: UUID) -> None:
    with pytest.raises(NotTheirs) as refused:
        unseal(sealed(), user_id=user_id, account_id=account_id, keys=[OLD])
    assert "canary" not in repr(refused.value)


@pytest.mark.parametrize("text", ["", "not sealed at all", "gAAAA", "ü", sealed((STRANGE,)), sealed()[:-4]])
def test_what_no_key_opens_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        unseal(text, user_id=ALICE, account_id=ACCOUNT, keys=[NEW, OLD])
    assert "canary" not in repr(refused.value)


@given(st.text(max_size=300))
def test_no_text_breaks_the_opening(text: str) -> None:
    with pytest.raises(Unreadable):
        unseal(text, user_id=ALICE, account_id=ACCOUNT, keys=[OLD])


@pytest.mark.parametrize("plain", [b"canary", b"[]", b'{"format": 2}', b"\xff"])
def test_what_was_sealed_otherwise_is_not_theirs(plain: bytes) -> None:
    text = Fernet(OLD).encrypt(plain).decode()
    with pytest.raises(NotTheirs) as refused:
        unseal(text, user_id=ALICE, account_id=ACCOUNT, keys=[OLD])
    chain = [refused.value, refused.value.__context__, refused.value.__cause__]
    assert "canary" not in repr(chain)


def test_nothing_shows_what_is_in_it() -> None:
    assert "canary" not in repr(CANARY)
    assert "canary" not in sealed()


def test_a_key_is_numbered_by_what_it_is() -> None:
    assert number_of(OLD) == number_of(OLD)
    assert len({number_of(OLD), number_of(NEW), number_of(STRANGE)}) == 3
    assert number_of(OLD) not in OLD

"""Operations of buying under /api/v1: an act is submitted or the record read, and no more."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request

from ...measures.instant import period_of
from ...node.selling.asking import Wanted
from ..api.answers import Cursor, Limit, after, cut, documented
from ..api.models import Listed
from ..problems import Problem
from ..settings import Selling, Settings
from ..views.desk import Desk, Desks
from . import models, views
from .pace import check_pace, check_tries

ONLINE = "online"
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names one application of this channel: the same again changes nothing.",
    ),
]
Token = Annotated[
    str | None,
    Header(
        alias="Authorization",
        max_length=300,
        description="`Bearer TOKEN` of a channel; without it the channel is `online`.",
    ),
]


NumberPath = Annotated[
    str, Path(pattern=r"^[0-9a-f]{32}$", description="Its number.", examples=["00c0ffee" * 4])
]
ListingPath = Annotated[str, Path(pattern=models.NAMED, description="A listing's id.")]
OfListing = Annotated[str | None, Query(pattern=models.NAMED, description="Only of this listing.")]
InState = Annotated[models.States | None, Query(description="Only in this state.")]


def add(router: APIRouter, desks: Desks, plain: Any) -> None:
    """The operations of this file."""
    _offers(router, plain)
    _applications(router, desks, plain)
    _policies(router, desks, plain)
    _accounts(router, desks)


def channel_of(settings: Settings, token: str | None) -> tuple[str, bool]:
    """The channel that a token names, and whether there was one.

    Errors   Problem portal.bad_token.
    """
    if token is None:
        return ONLINE, False
    kind, _, secret = token.partition(" ")
    given = sha256(secret.encode("utf-8", "replace")).hexdigest()
    for digest, channel in settings.channels.items():
        if kind.lower() == "bearer" and hmac.compare_digest(digest, given):
            return channel, True
    raise Problem("bad_token")


def _paced(settings: Settings, request: Request, token: str | None) -> tuple[str, bool]:
    """The channel; whoever shows no token of one is counted by their address.

    Errors   Problem portal.bad_token, portal.too_many.
    """
    try:
        channel, trusted = channel_of(settings, token)
    except Problem:
        check_pace(settings, request)  # who guesses tokens waits as well
        raise
    if not trusted:
        check_pace(settings, request)
    return channel, trusted


def shop_of(settings: Settings) -> Selling:
    """What takes applications here. Errors   Problem portal.not_selling."""
    if settings.selling is None:
        raise Problem("not_selling")
    return settings.selling


def part(
    rows: Iterable[tuple[str, Mapping[str, Any]]], limit: int
) -> tuple[list[Mapping[str, Any]], str | None]:
    """The first `limit` values, and the cursor of what follows; no more rows are read."""
    found = dict(islice(rows, limit + 1))
    keys, following = cut(list(found), limit)
    return [found[key] for key in keys], following


def _offers(router: APIRouter, plain: Any) -> None:
    @router.get("/offers", responses=documented(fresh=False), tags=["buying"])
    def every_offer(desk: Desk = plain) -> list[models.Offer]:
        """How each listing is sold now."""
        return [models.Offer(**views.offer_view(desk, each)) for each in views.offers(desk)]

    @router.get("/offers/{listing}", responses=documented(400, 404, fresh=False), tags=["buying"])
    def one_offer(listing: ListingPath, desk: Desk = plain) -> models.Offer:
        """Questions, rules, tariff, channels, related covers, and how large the pool is."""
        found = views.offer(desk, listing)
        if found is None:
            raise Problem("not_found", what=listing)
        return models.Offer(**views.offer_view(desk, found))


def _applications(router: APIRouter, desks: Desks, plain: Any) -> None:
    this = plain.of("application", "{application}")

    @router.post(
        "/applications",
        status_code=201,
        responses=documented(400, 401, 409, 413, 422, 429, fresh=False),
        tags=["buying"],
    )
    def apply(
        wanted: models.NewApplication, key: Key, request: Request, token: Token = None
    ) -> models.Application:
        """Apply for a policy; the answer is in the answer: refused, referred, or accepted with a
        premium to be paid by a deadline. The same key with another body is 422."""
        settings = desks.settings
        channel = _paced(settings, request, token)[0]
        value = shop_of(settings).apply(wanted_of(wanted.model_dump(), channel), key)
        with desks.open() as desk:
            return models.Application(**views.application_view(desk, value))

    @router.get("/applications", responses=documented(400, fresh=False), tags=["buying"])
    def every_application(
        desk: Desk = plain,
        listing: OfListing = None,
        state: InState = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Listed[models.Application]:
        """Applications by number; of nobody who applied."""
        found, following = part(views.applications(desk, listing, state, after(cursor)), limit)
        items = [models.Application(**views.application_view(desk, each)) for each in found]
        return Listed(items=items, next=following)

    @router.get(
        "/applications/{application}", responses=documented(400, 404, fresh=False), tags=["buying"]
    )
    def one_application(application: NumberPath, desk: Desk = this) -> models.Application:
        """How an application stands: what was answered, paid, lapsed, given back."""
        found = views.application(desk, application)
        if found is None:
            raise Problem("not_found", what=application)
        return models.Application(**found)


def _policies(router: APIRouter, desks: Desks, plain: Any) -> None:
    this = plain.of("policy", "{policy}")

    @router.get("/policies", responses=documented(400, fresh=False), tags=["buying"])
    def every_policy(
        desk: Desk = plain,
        listing: OfListing = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Listed[models.Policy]:
        """Policies that were sold, by number; of nobody who holds them."""
        found, following = part(views.policies(desk, listing, after(cursor)), limit)
        items = [models.Policy(**views.policy_view(desk, each)) for each in found]
        return Listed(items=items, next=following)

    @router.get("/policies/{policy}", responses=documented(400, 404, fresh=False), tags=["buying"])
    def one_policy(policy: NumberPath, desk: Desk = this) -> models.Policy:
        """A policy: what stands, and every transaction."""
        return models.Policy(**policy_or_404(desk, policy))

    @router.get(
        "/policies/{policy}/transactions",
        responses=documented(400, 404, fresh=False),
        tags=["buying"],
    )
    def transactions(policy: NumberPath, desk: Desk = this) -> list[models.Transaction]:
        """The stack in the order of recording; none is ever altered."""
        found = policy_or_404(desk, policy)
        return [models.Transaction(**each) for each in found["transactions"]]

    @router.post(
        "/policies/{policy}/transactions",
        status_code=201,
        responses=documented(400, 401, 403, 404, 409, 413, 422, 429, fresh=False),
        tags=["buying"],
    )
    def change(
        policy: NumberPath,
        wanted: models.NewTransaction,
        key: Key,
        request: Request,
        token: Token = None,
    ) -> models.Application:
        """Endorse, renew, cancel or reinstate. The policyholder shows who they are by what they
        gave when they applied; a channel by its token, for policies that it sold."""
        settings = desks.settings
        channel, trusted = _paced(settings, request, token)
        shop = shop_of(settings)
        with desks.open() as desk:
            found = policy_or_404(desk, policy)
        holder = None if wanted.holder is None else wanted.holder.model_dump()
        if not (trusted and channel == found["channel"]):
            check_holder(settings, policy, holder)
        value = shop.change(policy, wanted.transaction, wanted.at, wanted.declared, channel, key)
        with desks.open() as desk:
            return models.Application(**views.application_view(desk, value))


def _accounts(router: APIRouter, desks: Desks) -> None:
    @router.post(
        "/policies/{policy}/account",
        status_code=201,
        responses=documented(400, 401, 403, 404, 409, 413, 422, 429, fresh=False),
        tags=["buying"],
    )
    def change_account(
        policy: NumberPath,
        wanted: models.NewAccount,
        key: Key,
        request: Request,
        token: Token = None,
    ) -> models.AccountChanged:
        """Name another account for payouts and refunds. The policyholder shows who they are by what
        they gave when they applied, through a channel as well. What is on its way goes where it
        was sent."""
        settings = desks.settings
        channel, trusted = _paced(settings, request, token)
        shop = shop_of(settings)
        with desks.open() as desk:
            sold_by = policy_or_404(desk, policy)["channel"]
        if trusted and channel != sold_by:
            raise Problem("other_channel")
        check_holder(settings, policy, wanted.holder.model_dump())
        if not shop.is_named(policy, wanted.name):
            raise Problem("other_name")
        given = {"account": wanted.account, "name": wanted.name}
        number = shop.change_account(policy, given, key)
        with desks.open() as desk:
            at = desk.reading.head().time
        return models.AccountChanged(policy=policy, number=number, changed_at=at)


def policy_or_404(desk: Desk, number: str) -> dict[str, Any]:
    """Errors   Problem portal.not_found."""
    found = views.policy(desk, number)
    if found is None:
        raise Problem("not_found", what=number)
    return found


def check_holder(settings: Settings, policy: str, holder: Mapping[str, str] | None) -> None:
    """Errors   Problem portal.not_the_holder; portal.too_many_tries after a few of these."""
    if holder is None:
        raise Problem("not_the_holder")
    check_tries(settings, policy)
    if not shop_of(settings).is_holder(policy, holder):
        raise Problem("not_the_holder")
    settings.tries.give_back(policy)


def wanted_of(value: Mapping[str, Any], channel: str) -> Wanted:
    """An application as the node takes it; fields left out are not there."""
    person = {name: text for name, text in value["person"].items() if text is not None}
    since = value["since"]
    return Wanted(
        listing=value["listing"],
        channel=channel,
        since=since,
        until=period_of(since, since)[1],
        facts=value["facts"],
        declared=value["declared"],
        person=person,
        feeder=value["feeder"],
        agent=value["agent"],
        order=value["order"],
    )

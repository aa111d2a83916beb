"""What stands before every route: finds out who asks, and turns away whom the service is not for.

It answers before a byte of the body is read, holds nothing back of what comes or goes, and is the same for WebSockets.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from maskwise.errors import StorageError
from maskwise.serving import problems
from maskwise.serving.guard import bodies
from maskwise.serving.guard.callers import AGAINST_RULES, Caller, Unknown
from maskwise.serving.guard.clients import client_of
from maskwise.serving.guard.hosts import hosts_of, is_foreign
from maskwise.serving.guard.identity import Identity, check_proof, shown
from maskwise.serving.guard.leases import Lease
from maskwise.serving.guard.paths import LIFE_SIGNS, METRICS, SAFE, SIGN_IN, largest_body, public
from maskwise.serving.guard.rates import Rate, network_of
from maskwise.serving.problems import Absent, Busy, Problem
from maskwise.serving.service import Service

SIGN_INS_PER_MINUTE = 10
"""Of one client."""

BODY_BYTES = 1_000_000
"""Of any request but one with pictures."""

THREADS = 4
"""For looking up who asks: of their own, so that nobody waits for pictures that are being looked at."""


log = logging.getLogger(__name__)


class Guard:
    """ASGI: the application behind it is reached by those only who may."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        settings = service.settings
        self._app, self._settings, self._proxies = app, settings, settings.believed
        self._hosts, self._public = hosts_of(settings.host, settings.names), public()
        self._identities = service.identities
        self._requests, self._sign_ins = Rate(settings.limits.requests_per_minute), Rate(SIGN_INS_PER_MINUTE)
        self._refusals = service.refusals
        self._threads = CapacityLimiter(THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        limit = largest_body(scope["path"], self._settings.limits, BODY_BYTES)
        try:
            await self._admit(scope)
            bodies.check_announced(scope, limit)
        except Problem as problem:
            await _refuse(problem, scope, receive, send)
            return
        except StorageError as error:
            log.error("nobody can be looked up: %s", error)  # noqa: TRY400 - a database that is away is no fault here
            await _refuse(Absent(), scope, receive, send)
            return
        await self._answer(scope, bodies.bounded(receive, limit), send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, for as long as the caller is known."""
        lease = Lease(send, partial(self._is_known, scope))
        try:
            await self._app(scope, receive, lease.send)
        except Exception:
            if not lease.has_ended:
                raise
        if lease.has_ended:
            await lease.close()

    async def _is_known(self, scope: Scope) -> bool:
        caller = scope["state"].get("caller")
        if caller is None:
            return True  # nobody need be
        try:
            found = await self._look_up(scope)
        except Unknown:
            return False
        except StorageError:
            return True  # it is asked again soon: a page does not go dark because the database is restarted
        return found is not None and found.caller == caller

    async def _admit(self, scope: Scope) -> None:
        state = scope.setdefault("state", {})
        state["client"] = client_of(scope, self._proxies)
        if scope["path"] in LIFE_SIGNS:
            return
        self._check_sender(scope)
        try:
            identity = await self._identity(scope)
        except Unknown:
            self._count(scope, None)
            raise
        _put(state, identity)
        self._count(scope, identity)

    def _check_sender(self, scope: Scope) -> None:
        """Whether the request is meant for us, and comes from no page of others."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise Problem(403, "this host name is not one of the service; start it with --name to add one")
        if is_foreign(headers) and (_changes(scope) or not self._is_public(scope)):
            raise Problem(403, "the request comes from the page of another site")

    async def _identity(self, scope: Scope) -> Identity | None:
        """Who asks; None only where nobody need be known."""
        is_public = self._is_public(scope)
        if is_public and (scope["path"], scope["method"]) != (SIGN_IN, "GET"):
            return None
        try:
            found = await self._look_up(scope)
        except Unknown:
            if not is_public:
                await to_thread.run_sync(self._refusals.note, "token refused", limiter=self._threads)
                raise
            found = None
        if found is None and not is_public:
            raise Unknown
        # A page cannot send its proof along with a WebSocket; where that comes from was checked before.
        if found is not None and scope["type"] == "http" and _changes(scope):
            check_proof(shown(HTTPConnection(scope)), found)
        return found

    async def _look_up(self, scope: Scope) -> Identity | None:
        seen, is_local = shown(HTTPConnection(scope)), scope["state"]["client"].is_local
        if scope["path"] == METRICS and is_local and seen.token is None:
            return Identity(Caller("local", "viewer"))
        believed = self._identities.believed(seen, is_local=is_local)
        if believed is not None:
            return believed
        return await to_thread.run_sync(partial(self._identities.find, seen, is_local=is_local), limiter=self._threads)

    def _count(self, scope: Scope, identity: Identity | None) -> None:
        """Whether this one asks too often."""
        address = network_of(scope["state"]["client"].address)
        if (scope["path"], scope.get("method")) == (SIGN_IN, "POST"):
            wait_s = self._sign_ins.wait_s(address)
        else:
            wait_s = self._requests.wait_s(f"caller {identity.caller.name}" if identity else f"client {address}")
        if wait_s is not None:
            raise Busy("too many requests; wait before the next one", wait_s)

    def _is_public(self, scope: Scope) -> bool:
        return scope["type"] == "http" and self._public(scope["method"], scope["path"])


def _changes(scope: Scope) -> bool:
    """Whether the request is of a kind that a page of others must not make."""
    return scope["type"] == "websocket" or scope["method"] not in SAFE


def _put(state: dict[str, Any], identity: Identity | None) -> None:
    """Where routes look."""
    state["identity"] = identity
    state["caller"] = identity.caller if identity else None


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["refused"] = True
    if scope["type"] == "websocket":
        await receive()  # the wish to connect
        await send({"type": "websocket.close", "code": AGAINST_RULES, "reason": problem.detail})
    else:
        await problems.answer(problem)(scope, receive, send)

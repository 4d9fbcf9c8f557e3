"""What every answer carries, and whom none is given: around the whole server.

A page of another site may not ask through its visitor's browser: neither under a name of its own
that leads to this machine (the host is checked), nor across origins (the origin is).
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
}


class Guard:
    """Refuses askers from elsewhere, and makes each answer a safe one; any host if `hosts` None."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFE)
            await send(message)

        refused = self._refusal(Headers(scope=scope))
        app = JSONResponse({"problem": refused}, 403) if refused else self.app
        await app(scope, receive, safely)

    def _refusal(self, headers: Headers) -> str | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts and host_of(f"//{host}") not in self.hosts:
            return f"This server is not known as “{host}”: ask for 127.0.0.1."
        if origin and origin.partition("://")[2] != host:
            return "Pages of other sites may not ask this server."
        return None


def host_of(address: str) -> str | None:
    """The host that an address names, if it is one."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

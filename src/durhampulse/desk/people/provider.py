"""Signing in by an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, 3.1).

Authlib makes the requests and checks the claims, joserfc the signature; both are imported with the
first use, since most desks have no provider.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, urlencode, urlsplit

from durhampulse.desk.people.people import PERSON_ROLES
from durhampulse.exceptions import InputError
from durhampulse.extras import require_modules

__all__ = ["Claims", "Flow", "Provider", "ProviderSettings"]

_log = logging.getLogger("durhampulse")

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a key that only the provider has: neither none nor one by the client's secret."""
_SECONDS, _LEEWAY = 10.0, 60
_KEPT_SECONDS, _KEYS_SECONDS = 3600, 60
_STALE_SECONDS = 2 * _KEPT_SECONDS  # kept that long where the provider is slow or does not answer
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """Which provider people sign in by.

    Attributes
    ----------
    issuer
        Its address, as it calls itself.
    client, secret
        What the desk is called there, and proves it by; no secret for a public client.
    title
        What the sign-in page calls it.
    new_role
        Of the account that is made for whoever is not known here; none is made if empty.
    """

    issuer: str
    client: str
    secret: str = field(default="", repr=False)
    title: str = "your organisation"
    new_role: str = ""

    @classmethod
    def read(
        cls, issuer: str, client: str | None, secret_file: Path | None, *,
        title: str | None = None, new_role: str | None = None,
    ) -> Self:  # fmt: skip
        """Return the settings of options.

        Raises
        ------
        InputError
            If one is missing, or cannot be used.
        """
        if not client:
            raise InputError("The provider has to know the desk.", "Add --oidc-client ID.")
        if new_role and new_role not in PERSON_ROLES:
            raise InputError(
                f"There is no role '{new_role[:40]}'.", f"Use {', '.join(PERSON_ROLES)}."
            )
        _require_tls(issuer)
        try:
            secret = secret_file.read_text(encoding="utf-8").strip() if secret_file else ""
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{secret_file}: cannot be read ({error}).", "Name the file of the secret."
            ) from error
        return cls(issuer=issuer, client=client, secret=secret, title=title or cls.title,
                   new_role=new_role or "")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A sign-in that is under way at the provider, as a cookie of the browser keeps it.

    Attributes
    ----------
    state
        Which the way back has to bring: it is this browser's.
    nonce
        Which the identity has to hold: it was made for this sign-in.
    verifier
        Which the provider wants for the code (RFC 7636).
    next
        Where the person wanted to go.
    """

    state: str
    nonce: str
    verifier: str
    next: str = ""

    @classmethod
    def begin(cls, next_: str) -> Self:
        """Return a new one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, next=next_)

    @property
    def cookie(self) -> str:
        """It as a cookie's value."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, cookie: str) -> Self | None:
        """Return the one of a cookie; none if there is none."""
        try:
            values = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
            flow = cls(**values)
        except (ValueError, TypeError):
            return None
        return flow if all(isinstance(value, str) for value in values.values()) else None


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What the provider says of somebody.

    Attributes
    ----------
    issuer, subject
        Who they are: the one never calls two people the same.
    email
        Lower case; empty unless the provider has verified it.
    name
        What to call them.
    signed_in_at
        Unix time of when they last proved it to the provider; 0 where it does not say.
    """

    issuer: str
    subject: str
    email: str = ""
    name: str = ""
    signed_in_at: float = 0.0


class Provider:
    """An OpenID provider; what it publishes of itself is kept for an hour.

    For one hour more it serves where the provider is slow or does not answer.

    Parameters
    ----------
    settings
        Which it is.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        require_modules("Signing in by a provider", "authlib", "httpx2", "joserfc")
        self.settings = settings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}
        self._under_way: dict[str, Future[Any]] = {}

    def address_for(self, flow: Flow, back: str, *, max_age: int, again: bool) -> str:
        """Return where the browser is sent.

        Parameters
        ----------
        flow
            The sign-in.
        back
            The address at the desk to which it comes back.
        max_age
            Seconds after which a proof of who they are is too old for the provider.
        again
            Whether the provider has to ask for it now.

        Raises
        ------
        InputError
            If the provider does not answer.
        """
        prompt = {"prompt": "login"} if again else {}
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"], state=flow.state, nonce=flow.nonce,
                code_verifier=flow.verifier, redirect_uri=back, scope="openid email profile",
                max_age=0 if again else max_age, **prompt,
            )  # fmt: skip
        return str(address)

    def redeem(self, flow: Flow, code: str, back: str) -> Claims:
        """Return who came back with a code.

        Raises
        ------
        InputError
            If the provider does not take the code, or what it says does not hold. The log says why.
        """
        from authlib.integrations.base_client import OAuthError
        from httpx2 import HTTPError
        from joserfc.errors import JoseError

        try:
            with self._client() as client:
                token = client.fetch_token(
                    self._metadata()["token_endpoint"], grant_type="authorization_code", code=code,
                    code_verifier=flow.verifier, redirect_uri=back,
                )  # fmt: skip
            return self._claims(str(token["id_token"]), flow, str(token.get("access_token", "")))
        except (OAuthError, HTTPError, JoseError, KeyError, TypeError, ValueError) as error:
            _log.warning(
                "A sign-in by the provider failed: %s: %.200s", type(error).__name__, error
            )
            raise InputError(
                f"What {self.settings.title} says of you could not be verified.", "Sign in again."
            ) from error

    def end_address(self, back: str) -> str:
        """Return where people sign out of the provider too; empty where it has no such place."""
        try:
            address = self._metadata().get("end_session_endpoint", "")
        except InputError:
            return ""
        query = urlencode({"client_id": self.settings.client, "post_logout_redirect_uri": back})
        return f"{address}{'&' if '?' in address else '?'}{query}" if address else ""

    def _claims(self, id_token: str, flow: Flow, access_token: str) -> Claims:
        from authlib.oidc.core import CodeIDToken

        settings = self.settings
        token = self._verified(id_token)
        exact = {
            "iss": {"essential": True, "value": settings.issuer},
            "aud": {"essential": True, "value": settings.client},
        }
        given = {"nonce": flow.nonce, "client_id": settings.client, "access_token": access_token}
        claims = CodeIDToken(token.claims, token.header, exact, given)
        claims.validate(now=int(time.time()), leeway=_LEEWAY)
        subject, email = claims["sub"], str(claims.get("email", "")).strip().lower()
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ValueError("no subject")
        name = claims.get("name") or claims.get("preferred_username") or email or subject
        return Claims(
            issuer=settings.issuer, subject=subject,
            email=email if claims.get("email_verified") is True else "", name=str(name),
            signed_in_at=float(claims.get("auth_time") or 0),
        )  # fmt: skip

    def _verified(self, id_token: str) -> Any:
        """Return a token whose signature is the provider's; its keys are asked for anew once."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=[*_ALGORITHMS], strict_check_header=False)
        uri = self._metadata()["jwks_uri"]
        try:
            keys = _readable_keys(self._fetched(uri, _KEPT_SECONDS))
            return jwt.decode(id_token, keys, registry=registry)
        except InvalidKeyIdError:
            keys = _readable_keys(self._fetched(uri, _KEYS_SECONDS, stale=False))
            return jwt.decode(id_token, keys, registry=registry)

    def _metadata(self) -> Mapping[str, Any]:
        """Return what the provider publishes of itself (OpenID Connect Discovery 1.0, 4)."""
        issuer = self.settings.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata: Mapping[str, Any] = self._fetched(address, _KEPT_SECONDS)
        if metadata.get("issuer") != issuer:
            raise InputError(f"{issuer} calls itself otherwise.", "Correct --oidc-issuer.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_tls(str(metadata.get(name)))
        return metadata

    def _fetched(self, address: str, seconds: float, *, stale: bool = True) -> Any:
        """Return the JSON object at an address, fetched anew if it is older than some seconds.

        One thread fetches an address at a time, without the lock. Others take what is kept if they
        may take a stale object, and wait for it if not.
        """
        now = time.monotonic()
        with self._lock:
            at, value = self._kept.get(address, (now, None))
            if value is not None and now - at < seconds:
                return value
            former = value if stale and now - at < _STALE_SECONDS else None
            under_way = self._under_way.get(address)
            if is_first := under_way is None:
                under_way = self._under_way[address] = Future()
        if is_first:
            self._refresh(address, under_way)
        elif former is not None:
            return former
        value = None
        with suppress(TimeoutError):
            value = under_way.result(timeout=2 * _SECONDS)
        if value is None and former is None:
            title = self.settings.title
            raise InputError(f"{title} does not answer right now.", "Try again in a minute.")
        return former if value is None else value

    def _refresh(self, address: str, under_way: Future[Any]) -> None:
        """Fetch an address for all who wait for it: they get None where it does not answer."""
        value = None
        try:
            value = self._fetch(address)
        finally:
            with self._lock:
                if value is not None:
                    self._kept[address] = time.monotonic(), value
                del self._under_way[address]
            under_way.set_result(value)

    def _fetch(self, address: str) -> dict[str, Any] | None:
        """Return the JSON object at an address; none where there is no answer, or another one."""
        from httpx2 import HTTPError, InvalidURL

        try:
            with self._client() as client:
                answer = client.request("GET", address, withhold_token=True)
                answer.raise_for_status()
                value = answer.json()
        except (HTTPError, InvalidURL, ValueError) as error:
            _log.warning("The provider does not answer: %s", type(error).__name__)
            return None
        return value if isinstance(value, dict) else None

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            client_id=self.settings.client, client_secret=self.settings.secret or None,
            code_challenge_method="S256", timeout=_SECONDS, follow_redirects=False, verify=_tls(),
        )  # fmt: skip


def _readable_keys(published: Mapping[str, Any]) -> Any:
    """Return a provider's keys but for those of curves or kinds not known here (RFC 7517, 5)."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry, KeySet

    keys = []
    for key in published["keys"]:
        with suppress(JoseError, KeyError, TypeError, ValueError):
            keys.append(JWKRegistry.import_key(key))
    return KeySet(keys)


@cache
def _tls() -> ssl.SSLContext:
    """Return what checks the provider's certificate; to make one takes longer than a request."""
    import httpx2

    return httpx2.create_ssl_context()


def _require_tls(address: str) -> None:
    """Raise if an address of the provider could be listened to on the way."""
    parts = SplitResult("", "", "", "", "")
    with suppress(ValueError):  # of half a bracket
        parts = urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (parts.scheme == "https" and parts.hostname) and not local:
        raise InputError(f"{address!r} is not the address of a provider.", "Write https://...")

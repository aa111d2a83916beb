"""Which addresses may be opened: a stream's source must not become a way into what only this machine can reach.

| scheme                           | is opened from                                                                 |
|----------------------------------|--------------------------------------------------------------------------------|
| rtsp, rtsps, rtmp, rtmps         | any host, but for those below                                                  |
| http, https, udp, tcp, srt       | what the operator named: hosts, addresses, networks                            |

Not this machine itself, nor link-local, multicast, unspecified and reserved addresses, where the operator named neither
them nor the host; and never where clouds keep their secrets, but by that very address or network. A name is resolved
here, each of its addresses must pass, and one of those is what is opened: a name that means something else a moment
later changes nothing. Redirects of HTTP and playlists are not followed; nothing but the address's protocol is spoken.

What is left open: FFmpeg follows an RTSP or RTMP server that answers with another address, and cannot be told not to.
A camera in hostile hands could have it say a greeting of that protocol to a port of this machine, and learn nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maskwise.errors import ConfigError, InputError
from maskwise.stream.sources.names import public_name
from maskwise.stream.sources.opening import ADDRESSES
from maskwise.stream.sources.video import FORMATS

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str], Sequence[str]]
"""From a host name to its addresses; raises OSError where there are none."""

CAMERAS = frozenset({"rtsp", "rtsps", "rtmp", "rtmps"})
"""Schemes that only cameras and their servers speak."""

SECRETS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    )
) + tuple(ipaddress.ip_network(text) for text in ("fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe"))
"""Where the machines of clouds are told their keys (AWS, Alibaba, Azure, Oracle, Google)."""

_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")

_FORM = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<login>[^/?#]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?#].*)?"
)
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
"""ASCII without blanks and the backslash, which some readers take for a slash."""

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

_PROTOCOLS = {
    "rtsp": "rtsp,rtp,tcp",
    "rtsps": "rtsp,rtsps,rtp,tls,tcp",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmp,rtmps,tls,tcp",
    "http": "http,tcp",
    "https": "https,tls,tcp",
    "udp": "udp",
    "tcp": "tcp",
    "srt": "srt",
}


class UnknownHost(InputError):  # noqa: N818 - what it is, not what went wrong
    """A host whose name means nothing now."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address, taken apart; the parts never mean something else to whoever opens it.

    scheme: lower case. host: lower case, without brackets and the last dot. login: with its `@`, or empty.
    port: with its colon, or empty. rest: from the path on.
    """

    scheme: str
    login: str
    host: str
    port: str
    rest: str

    def at(self, ip: Ip | None) -> str:
        """As it is opened: at this address instead of the host's name."""
        host = self.host if ip is None else str(ip)
        return f"{self.scheme}://{self.login}{f'[{host}]' if ':' in host else host}{self.port}{self.rest}"


def parse_address(text: str) -> Address:
    """Take an address apart.

    Raises:
        InputError: not well written, or of a scheme that is not known; its login is not repeated.
    """
    name = public_name(text)
    form = _FORM.fullmatch(text)
    if not form or not _PRINTABLE.fullmatch(text):
        raise InputError(f"{name}: not a well-written address; give rtsp://user:password@host:554/path")
    scheme, host, port = form["scheme"].lower(), form["host"].lower(), form["port"]
    if scheme not in ADDRESSES:
        raise InputError(f"{scheme}: is not one of {', '.join(ADDRESSES)}")
    if port is not None and not 1 <= int(port) <= 65535:
        raise InputError(f"{name}: the port is not from 1 to 65535")
    login = f"{form['login']}@" if form["login"] is not None else ""
    return Address(scheme, login, _plain_host(host, name), f":{port}" if port else "", form["rest"] or "")


def check_address(text: str, sources: Sequence[str], lookup: Lookup) -> tuple[str, dict[str, str]]:
    """What is opened of an address, and FFmpeg's options with it.

    Args:
        text: as the user wrote it.
        sources: what the operator named: hosts, addresses, networks.
        lookup: finds a host's addresses.

    Raises:
        InputError: it may not be opened, or its host is not known.
    """
    address, name = parse_address(text), public_name(text)
    named = address.host in {source.lower().removesuffix(".") for source in sources}
    networks = [network for source in sources if (network := as_network(source)) is not None]
    must_be_named = address.scheme not in CAMERAS and not named
    ips = [] if must_be_named and not networks else _addresses_of(address.host, name, lookup)
    for ip in ips:
        because = refusal(ip, networks, named=named)
        if because:
            raise InputError(f"{name}: {because}; whoever runs the service can name it among its sources")
    if must_be_named and not (ips and all(_within(ip, networks) for ip in ips)):
        raise InputError(
            f"{name}: {address.scheme} is opened only from hosts that whoever runs the service named among its "
            "sources; rtsp, rtsps, rtmp and rtmps from others, too"
        )
    return _opened(address, ips[0]), _options(address, ips[0])


def refusal(ip: Ip, networks: Sequence[Network], *, named: bool = False) -> str | None:
    """Why an address may not be reached; None where it may.

    Args:
        ip: the address; those that hold another one, as ::ffff:127.0.0.1 does, count as both.
        networks: that the operator named.
        named: the operator named the host that it belongs to.
    """
    for one in (ip, *held_in(ip)):
        if any(one in network for network in networks if network.version == one.version):
            continue
        if any(one in secret for secret in SECRETS if secret.version == one.version):
            return "its address is where clouds keep their secrets"
        kind = _kind(one)
        if kind and not (named and kind in ("this machine", "link-local")):
            return f"its address is {kind}, which is not opened"
    return None


def held_in(ip: Ip) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 one stands for: mapped, compatible, 6to4, Teredo, translated."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ()
    last = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _TRANSLATED) or (ip in _COMPATIBLE and int(ip) > 1):
        found.append(last)
    return tuple(one for one in found if one is not None)


def as_network(source: str) -> Network | None:
    """What the operator named, where it is an address or a network and not a host's name."""
    try:
        return ipaddress.ip_network(source.strip("[]"), strict=False)
    except ValueError:
        return None


def check_sources(sources: Sequence[str]) -> None:
    """Refuse what is neither a host's name, nor an address, nor a network.

    Raises:
        ConfigError: says which.
    """
    for source in sources:
        host = source.removesuffix(".")
        well = all(_LABEL.fullmatch(label) for label in host.split(".")) and not _NUMBER.fullmatch(host.split(".")[-1])
        if as_network(source) is None and not well:
            raise ConfigError(f"sources: {source!r} is no host's name, address or network, as in 10.0.0.0/8")


def system_lookup(host: str) -> Sequence[str]:
    """A host's addresses as this machine finds them."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _plain_host(host: str, name: str) -> str:
    """The host without brackets and the last dot."""
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise InputError(f"{name}: {host} is no IPv6 address") from None
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # 127.1, 2130706433 and 0x7f000001 are this machine for some, not for others
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise InputError(f"{name}: {host} is no address; write four numbers as in 192.168.1.20") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InputError(f"{name}: {host[:60]} is no host's name")
    return host


def _addresses_of(host: str, name: str, lookup: Lookup) -> list[Ip]:
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        ips = [ipaddress.ip_address(text.partition("%")[0]) for text in lookup(host)]
    except (OSError, UnicodeError, ValueError):
        ips = []
    if not ips:
        raise UnknownHost(f"{name}: no host of that name is known here; look at its spelling")
    return ips


def _kind(ip: Ip) -> str | None:
    """What is special about an address; None for those that hosts have."""
    if ip.is_loopback:
        return "this machine"
    if ip.is_unspecified or (ip.version == _THIS_NETWORK.version and ip in _THIS_NETWORK):
        return "unspecified"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast:
        return "multicast"
    return "reserved" if ip.is_reserved and not held_in(ip) else None


def _within(ip: Ip, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)


def _opened(address: Address, ip: Ip) -> str:
    # TLS asks for the host by its name, and a certificate holds it.
    return address.at(None if address.scheme == "https" else ip)


def _options(address: Address, ip: Ip) -> dict[str, str]:
    options = {
        "protocol_whitelist": _PROTOCOLS[address.scheme],
        "format_whitelist": f"{FORMATS},rtsp,rtp",
    }
    if address.scheme in ("http", "https"):
        options["max_redirects"] = "0"
    if address.scheme == "http" and address.host != str(ip):
        options["headers"] = f"Host: {address.host}{address.port}\r\n"
    return options

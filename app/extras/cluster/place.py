"""Where the cluster is, and what this machine shows there. Needs nothing of Dask."""

from __future__ import annotations

import importlib.util
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.durable import refuse_shared
from app.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from app.settings import Settings

_READ_MORE = "docs/cluster.md"


class ClusterUnavailableError(UnavailableError):
    """The scheduler does not answer, or does not take this machine's certificate."""

    code = "cluster-unavailable"


@dataclass(frozen=True, slots=True)
class Place:
    """A scheduler's address, the cluster's CA, and this machine's certificate and key of that CA.

    `data_port` is where workers fetch the files of a comparison from this machine; 0: any free port.
    """

    address: str
    ca_file: Path
    cert_file: Path
    key_file: Path
    data_port: int = 0

    @property
    def host(self) -> str:
        """The scheduler's host, without brackets."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The scheduler's port."""
        return urlsplit(self.address).port or 0

    def own_host(self) -> str:
        """Return the address by which this machine reaches the scheduler, and workers reach this machine."""
        try:
            found, *_ = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
            # Connecting such a socket sends nothing: it asks the system which way it would go.
            with socket.socket(found[0], socket.SOCK_DGRAM) as probe:
                probe.connect(found[4])
                return str(probe.getsockname()[0])
        except OSError as exc:
            raise ClusterUnavailableError("There is no way to the cluster's scheduler.") from exc

    def tls(self, *, is_server: bool) -> ssl.SSLContext:
        """Return a context that speaks TLS 1.3 only, with holders of a certificate of the cluster's CA only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # As in Dask itself: machines go by addresses, and who has a certificate of this CA is trusted.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(self.ca_file)
            # Else a key under a passphrase would ask for it on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ssl.SSLError) as exc:
            raise ConfigurationError(
                "the cluster's CA, this machine's certificate and its key cannot be read, or do not "
                "belong together",
                hint=_READ_MORE,
            ) from exc
        return context


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of an address by which a machine is reached."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def place_in(settings: Settings) -> Place | None:
    """Return the cluster that the settings name; None: none.

    Raises:
        ConfigurationError: Dask is not installed, the files do not fit, or others may read the key.
    """
    files = settings.cluster_ca_file, settings.cluster_cert_file, settings.cluster_key_file
    ca, cert, key = files
    if settings.cluster_address is None or ca is None or cert is None or key is None:
        return None
    if importlib.util.find_spec("distributed") is None:
        raise ConfigurationError(
            "cluster_address needs a library that is not installed",
            hint="in Blindlink's folder: pip install '.[cluster]'",
        )
    refuse_shared(key, "the cluster's key of this machine")
    place = Place(settings.cluster_address, ca, cert, key, settings.cluster_data_port)
    place.tls(is_server=False)
    return place


def needed_place(settings: Settings) -> Place:
    """Return the cluster that the settings name; raises ConfigurationError as `place_in`, and where none is."""
    place = place_in(settings)
    if place is None:
        raise ConfigurationError(
            "the settings name no cluster",
            hint="set cluster_address, cluster_ca_file, cluster_cert_file and cluster_key_file: "
            f"{_READ_MORE}",
        )
    return place

"""Whether the web server of this container answers, asked by the first of its hosts: `python -m hms.local.health`."""

from __future__ import annotations

import os
import sys
import urllib.request

ADDRESS = "http://127.0.0.1:8000/api/health/"


def main() -> int:
    """0 when the address (the first argument, else the container's own) answers, 1 when not."""
    address = sys.argv[1] if len(sys.argv) > 1 else ADDRESS
    host = os.environ.get("HMS_HOSTS", "").split(",")[0].strip().lstrip(".") or "127.0.0.1"
    asked = urllib.request.Request(address, headers={"Host": host})  # noqa: S310 - given by the container's description
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""Health check of the web server in a container: `python -m hms.local.health`. It sends the first name of `HMS_HOSTS`."""

from __future__ import annotations

import os
import sys
import urllib.request

ADDRESS = "http://127.0.0.1:8000/api/health/"


def main() -> int:
    """Return 0 when the URL (the first argument, else `ADDRESS`) answers with status 200, else 1."""
    address = sys.argv[1] if len(sys.argv) > 1 else ADDRESS
    host = os.environ.get("HMS_HOSTS", "").split(",")[0].strip().lstrip(".") or "127.0.0.1"
    request = urllib.request.Request(address, headers={"Host": host})  # noqa: S310 - given by the container's description
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=4) as response:
            return 0 if response.status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())

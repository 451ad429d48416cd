"""`python -m hms.local.supervisor`: runs the hospital on this machine until it is stopped."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())

"""Copies the few browser files that HMS serves from node_modules into static/vendor (never committed).

Run it after `npm ci --ignore-scripts`. Exits 1 and names the missing files. Files in static/vendor that are no longer
served are deleted.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "static" / "vendor"
SERVED = {
    "socket.io-client/dist/socket.io.min.js": "socket.io.min.js",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE.txt",
    "swagger-ui-dist/NOTICE": "swagger-ui.NOTICE.txt",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
}


def copy_if_changed(source: Path, target: Path) -> bool:
    """Copy `source` to `target` unless they are equal; True when it was copied."""
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return False
    shutil.copyfile(source, target)
    return True


def main() -> int:
    """Copy the files; 1 when some are missing."""
    packages = ROOT / "node_modules"
    missing = [name for name in SERVED if not (packages / name).is_file()]
    if missing:
        print(f"assets: missing in node_modules: {', '.join(missing)}; run npm ci first", file=sys.stderr)
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    for file in TARGET.iterdir():
        if file.name not in SERVED.values():
            file.unlink()
    written = sum(copy_if_changed(packages / name, TARGET / target) for name, target in SERVED.items())
    print(f"assets: {written} of {len(SERVED)} files written to static/vendor")
    return 0


if __name__ == "__main__":
    sys.exit(main())

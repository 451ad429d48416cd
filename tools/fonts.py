"""Makes the fonts of printed papers: static weights cut out of the variable font Inter, in fonts/ (never committed).

WeasyPrint would cut an instance out of the variable font for each weight and size of each paper. Runs in the environment of the
program, because it needs the packages fontpkg-inter and fontTools.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

TARGET = Path(__file__).resolve().parent.parent / "fonts"
WEIGHTS = {"Regular": 400, "Medium": 500, "SemiBold": 600, "Bold": 700}
OPTICAL_SIZE = 14
"""The drawing of Inter for running text, in points."""


def main() -> int:
    """Write one file for each weight and delete other files."""
    source = files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, weight in WEIGHTS.items():
        with source.open("rb") as file:
            font = TTFont(file)
            axes = {"wght": weight, "opsz": OPTICAL_SIZE}
            instance = instantiateVariableFont(font, axes, updateFontNames=True, static=True)
            instance.save(TARGET / f"Inter-{name}.ttf")
    for file in TARGET.iterdir():
        if file.name not in {f"Inter-{name}.ttf" for name in WEIGHTS}:
            file.unlink()
    print(f"fonts: {len(WEIGHTS)} files written to fonts")
    return 0


if __name__ == "__main__":
    sys.exit(main())

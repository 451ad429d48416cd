"""The process that reads one file: the file comes on its standard input, the table leaves as JSON on its standard output.

A workbook is read by parsers that build objects of it; whatever it holds, this process ends with its memory and its time.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict

from hms.core.errors import RuleBroken

from .tables import read_table

MAX_MEMORY = 512 * 2**20
"""Bytes of address space: a workbook of 10,000 rows and 29 columns needs a quarter of it."""
MAX_SECONDS = 45
"""Seconds of processor time."""
OUT_OF_MEMORY = 77
"""The exit code of a file that needs more memory."""


def main(decimal_sign: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        answer = {"table": asdict(read_table(sys.stdin.buffer.read(), decimal_sign))}
    except RuleBroken as error:
        answer = {"refused": error.message, "values": error.sentence.values}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])

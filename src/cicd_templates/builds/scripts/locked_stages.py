"""Write a Dockerfile in which each stage ends before any code of the source can run.

A build makes an image of each of these stages, and `image_packages.py` lists the packages in each image. No code of the
source has run in these images, so the source cannot forge the lists.

`locked_stages.py FILE INSTRUCTIONS CLOSED TARGET` has these arguments:

- FILE: the Dockerfile that `dockerfile_network.py` wrote.
- INSTRUCTIONS: the list of the instructions in FILE. `dockerfile.py` wrote this list.
- CLOSED: the JSON list that `dockerfile_network.py` printed. For each stage, it has the number of the line in FILE at
  which the stage ends in TARGET, or 0 if TARGET has the complete stage.
- TARGET: the new Dockerfile.

The script prints the names of the stages in TARGET that run a command. It must run on Python 3.8, because it runs in
the build environment that has Docker.
"""

from __future__ import annotations

import json
import sys


def locked_stages(
    lines: list[str], instructions: list[tuple[int, str, list[str], str]], closed: list[int]
) -> tuple[list[str], list[str]]:
    """Return the lines of the new Dockerfile, and the names of its stages that have a RUN instruction."""
    kept: list[str] = []
    running: list[str] = []
    stage, own = -1, ""
    names = [words[2] for _, name, _, rest in instructions if name == "FROM" for words in [rest.split()] if words[2:]]
    begins = [number for number, *_ in instructions] + [len(lines) + 1]
    for position, (number, name, options, rest) in enumerate(instructions):
        if name == "FROM":
            stage += 1
            words = rest.split()
            own = words[2] if words[2:] else free_name(stage, names)
            kept.append(" ".join(["FROM", *options, words[0], "AS", own]))
            continue
        limit = closed[stage] if stage >= 0 else 0
        # If the command in the line `limit` has a network, it is a download with a checksum.
        without_network = "--network=none" in options or "--network=none" in lines[number - 1]
        last = number == limit and name == "RUN" and not without_network
        if not limit or number < limit or last:
            kept += lines[number - 1 : begins[position + 1] - 1]
            running += [own] if name == "RUN" and own not in running else []
    return kept, running


def free_name(stage: int, names: list[str]) -> str:
    """Return a new, unused name for a stage without a name."""
    name = f"stage-{stage}"
    while name in [other.lower() for other in names]:
        name += "x"
    return name


def main() -> None:
    """Write the new Dockerfile. Print the names of the stages that contain a RUN instruction."""
    path, instructions, closed, target = sys.argv[1:]
    with open(instructions) as file:
        known = json.load(file)
    with open(closed) as file:
        limits = json.load(file)
    with open(path, encoding="utf-8", newline="") as file:
        lines, running = locked_stages(file.read().split("\n"), known, limits)
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write("\n".join([*lines, ""]))
    print("\n".join(running))


main()

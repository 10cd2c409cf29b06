# SPDX-License-Identifier: Apache-2.0
"""Memory of a process and of all that it started, sampled while work runs."""

import pathlib
import threading


def processes_of(pid):
    """The process and everything below it."""
    parents = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything, a bracket too.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it ended meanwhile
    found, added = {pid}, True
    while added:
        below = {child for child, parent in parents.items() if parent in found} - found
        found |= below
        added = bool(below)
    return found


def resident_bytes(pid):
    """What a process holds, a page that several share counted in parts (PSS), so that a sum counts it once."""
    try:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


class PeakMemory:
    """``with PeakMemory(pid) as memory: ...`` leaves the largest sum that was seen in ``memory.bytes``."""

    def __init__(self, pid, every=0.2):
        self.pid, self.every, self.bytes = pid, every, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _sample(self):
        while True:
            self.bytes = max(self.bytes, sum(map(resident_bytes, processes_of(self.pid))))
            if self._stop.wait(self.every):
                return

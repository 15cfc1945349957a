"""The two kinds of report as pages: of the shipped records, and of a workload that calls all of their kernels."""

from __future__ import annotations

from autotune.profile.report import findings, knowledge, library, page
from autotune.profile.workload import SignatureCalls
from autotune.store import shipped
from autotune.store.record import lookup
from autotune.store.store import Found
from tests.conftest import ROOT
from tests.workloads import calls, kernel, workload

HOSTILE = "</script><script>window.ran = 1</script><img src=http://evil.example/ onerror='window.ran = 2'>"


def pages() -> dict[str, str]:
    """The pages by what they are of."""
    known = shipped_library()
    of_library = page.of_library(library.survey(list(known.values())))
    made = program(known)
    return {"library": of_library, "workload": page.of_workload(findings.find(made, known), known, "w.json")}


def shipped_library() -> dict[str, knowledge.Known]:
    """The records that come with the package, whatever machine this is."""
    (file,) = (ROOT / "tuning_db").glob("*-cores-*.json")
    found: dict[str, dict] = {}
    for record in shipped.read_file(file):
        found.setdefault(record.kernel, {})[record.signature] = record
    return {name: knowledge.Known(name, Found(records, frozenset(), ())) for name, records in found.items()}


def calls_of(record):
    """Calls at some measured sizes, by the winner or by the reference."""
    for index, cell in enumerate(record.cells[:: max(1, len(record.cells) // 4)]):
        who = "reference" if index % 2 else str(lookup(record.decision, cell.size).winner)
        times = {str(measured.candidate): measured.median_s for measured in cell.measurements}
        if who in times:
            yield calls(cell.size, times[who], 1 + 0.1 / times[who], served={who: 10.0}, allocated_bytes=1e6)


def program(known):
    """A workload of all of these kernels, with some that nothing is known of."""
    kernels = [
        kernel(name, *(SignatureCalls(r.signature, list(calls_of(r))) for r in about.records))
        for name, about in known.items()
    ]
    odd = kernel(f"odd:{HOSTILE}", SignatureCalls("", [calls({HOSTILE: 3}, 1e-3, served={HOSTILE: 9.0})], HOSTILE))
    known[odd.kernel] = knowledge.Known(odd.kernel, Found({}, frozenset(), ()))
    return workload(*kernels, odd, command=[HOSTILE], machine={"cpu": HOSTILE})

"""Stage report: one JSON and one table of what the stages of check.sh left in their folder. Judges nothing itself: a
row passed if its stage said so. Needs nothing but Python's own library.

A result of other sources or of another device than those at hand is shown, and marked.
"""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys


def output_of(command, folder="."):
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def read_json(path):
    """None where there is nothing to read, e.g. when a stage was stopped before its first row."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def read_tsv(path):
    try:
        return [line.split("\t") for line in path.read_text().splitlines() if line]
    except OSError:
        return []


def row(what, value, bar=None, passed=None):
    return {"what": what, "value": value, "bar": bar, "passed": passed}


def test_rows(state):
    return [row(line[0], line[2], "all pass", line[1] == "0") for line in sorted(read_tsv(state / "tests.tsv"))]


def sanitize_rows(state):
    """One row per tool, and one per run that was not clean."""
    rows = []
    runs = read_tsv(state / "sanitize.tsv")
    for tool in ("memcheck", "racecheck"):
        mine = [line for line in runs if line[0] == tool]
        bad = [line for line in mine if line[2] != "0"]
        if mine:
            rows.append(
                row(f"compute-sanitizer {tool}", f"{len(mine) - len(bad)} of {len(mine)} tests clean", "all", not bad)
            )
        for _, name, code, seconds in bad:
            ended = f"not finished after {seconds} s" if code in ("124", "137") else f"failed with {code}"
            rows.append(row(f"{tool} {name}", ended, "clean", False))
    return rows


def stage_content(state, stage, wanted_hash, device):
    """What is known of one stage."""
    status = read_json(state / f"{stage}.status.json")
    content = {"stage": stage, "status": "to do", "note": "", "rows": [], "details": {}}
    result = read_json(state / f"{stage}.json")
    if status is None and result is None:
        return content
    notes = []
    if status is not None:
        content.update({key: status[key] for key in ("status", "seconds", "finished", "device")})
        if status["hash"] != wanted_hash:
            notes.append("of other sources")
        if status["device"] != device:
            notes.append(f"on {status['device']}")
    else:
        content["status"] = "stopped"
    if content["status"] != "not run":
        if result is not None:
            content["rows"], content["details"] = result["rows"], result["details"]
            if not result["complete"]:
                notes.append("not complete")
        elif stage == "tests":
            content["rows"] = test_rows(state)
        elif stage == "sanitize":
            content["rows"] = sanitize_rows(state)
    content["note"] = ", ".join(notes)
    return content


def cell(text):
    return str(text if text is not None else "").replace("|", "\\|").replace("\n", " ")


def table(report):
    machine = report["machine"]
    lines = [
        "# GPU check",
        "",
        f"{machine['device']}, driver {machine['driver']}, CUDA {machine['cuda']}; "
        f"commit {report['commit']}; {report['date']}",
        "",
        "| stage | what | result | bar | |",
        "| --- | --- | --- | --- | --- |",
    ]
    for stage in report["stages"]:
        text = stage["status"] + (
            f" in {stage['seconds']} s" if "seconds" in stage and stage["status"] != "not run" else ""
        )
        if stage["note"]:
            text += f" ({stage['note']})"
        lines.append(f"| **{stage['stage']}** | | **{cell(text)}** | | |")
        for entry in stage["rows"]:
            verdict = {None: "", True: "pass", False: "**FAIL**"}[entry["passed"]]
            lines.append(f"| | {cell(entry['what'])} | {cell(entry['value'])} | {cell(entry['bar'])} | {verdict} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, type=pathlib.Path, help="checkout")
    parser.add_argument("--state", required=True, type=pathlib.Path, help="where the stages left their results")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--driver", required=True)
    parser.add_argument(
        "hashes", nargs="+", metavar="STAGE=HASH", help="stages in order, with the hash of their sources now"
    )
    options = parser.parse_args()
    hashes = dict(item.split("=", 1) for item in options.hashes)

    commit = output_of(["git", "rev-parse", "--short=12", "HEAD"], options.root) or "unknown"
    if commit != "unknown" and output_of(["git", "status", "--porcelain"], options.root):
        commit += " with changes"
    release = re.search(r"release ([\d.]+)", output_of(["nvcc", "--version"]))
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "sources": hashes["build"],
        "machine": {
            "device": options.device,
            "driver": options.driver,
            "cuda": release.group(1) if release else "unknown",
            "python": sys.version.split()[0],
        },
        "stages": [
            stage_content(options.state, stage, wanted, options.device)
            for stage, wanted in hashes.items()
            if stage != "report"
        ],
    }
    (options.out / "gpu-check.json").write_text(json.dumps(report, indent=1) + "\n")
    text = table(report)
    (options.out / "gpu-check.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

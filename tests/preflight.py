#!/usr/bin/env python3
"""Measures preflight: what `check` sees, and `check --fix` mends, before anything was deployed.

    preflight.py --binary target/debug/domain-runner [--cases ../shared/cases] [--silent-on ../shared/good-services]

A case counts as found when `check` says anything of project/ that it does not say of the mended project (project/ with
reference.patch): the fault that fails first or one that hides behind it. It counts as repaired when `check --fix` makes `check`
fall silent about one. Then the faults are let out one after the other: step N is project/ with the first N patches of steps/,
and it is counted in how many of these states `check` still sees what is wrong. Cases that no honest edit mends are left out. On
working versions (good/, the mended projects, --silent-on) `check` must say nothing. Last line: "N found and M repaired of T
cases, ..."; the exit code is 1 when less than half are found, or a working version is spoken of.
"""
import argparse, json, pathlib, shutil, subprocess, sys, tempfile, tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def git(folder, *argv):
    ident = ["-c", "user.name=Case", "-c", "user.email=case@example.invalid", "-c", "core.autocrlf=false"]
    subprocess.run(["git", *ident, *argv], cwd=folder, check=True, capture_output=True)


def laid(source, work, patches=(), has_lost_modes=False):
    """A repository with the files of `source`, patched."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    shutil.copytree(source, folder, dirs_exist_ok=True, symlinks=True)
    for path in folder.rglob("*") if has_lost_modes else []:
        if path.is_file() and path.read_bytes().startswith(b"#!"):
            path.chmod(0o755)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A", "-f")
    for patch in patches:
        git(folder, "apply", "--index", "--whitespace=nowarn", str(patch))
    git(folder, "commit", "-qm", "the service")
    return folder


def said(binary, folder, *extra):
    """Class and subject of every fault that `check` tells of."""
    done = subprocess.run([binary, "-C", folder, "--json", "check", *extra], capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 8):
        raise RuntimeError(f"check: exit {done.returncode}: {done.stdout[-300:]} {done.stderr[-300:]}")
    return {(found["class"], found["subject"]) for found in json.loads(done.stdout)["items"]}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default=str(ROOT / "target/debug/domain-runner"))
    ap.add_argument("--cases", default=str(ROOT.parent / "shared/cases"))
    ap.add_argument("--silent-on", help="a folder of services that work")
    a = ap.parse_args()
    binary = str(pathlib.Path(a.binary).resolve())
    found = repaired = total = later_found = later = 0
    loud = []

    def silent(name, folder):
        words = said(binary, folder)
        if words:
            loud.append(f"{name}: {sorted(words)}")
        return words

    with tempfile.TemporaryDirectory(prefix="preflight-") as work:
        for path in sorted(pathlib.Path(a.cases).resolve().glob("*/case.toml")):
            folder, case = path.parent, tomllib.loads(path.read_text())
            if (folder / "good").is_dir():
                silent(f"{folder.name}/good", laid(folder / "good", work))
            if case["expects"] != "heal":
                continue
            reference = folder / "reference.patch"
            noise = silent(f"{folder.name} mended", laid(folder / "project", work, [reference] if reference.is_file() else []))
            broken = laid(folder / "project", work)
            faults = said(binary, broken) - noise
            said(binary, broken, "--fix")
            left = said(binary, broken) if faults else set()
            mended = faults - left
            total, found, repaired = total + 1, found + bool(faults), repaired + bool(mended)
            steps = sorted((folder / "steps").glob("*.patch"), key=lambda step: int(step.stem)) if (folder / "steps").is_dir() else []
            hidden = []
            for count in range(1, len(steps) + 1):
                hidden.append(bool(said(binary, laid(folder / "project", work, steps[:count])) - noise))
            later, later_found = later + len(hidden), later_found + sum(hidden)
            verdict = "repaired" if mended else "found   " if faults else "-       "
            behind = f"  behind it {sum(hidden)} of {len(hidden)}" if hidden else ""
            print(f"{verdict} {folder.name}  {' '.join(sorted({name for name, _ in faults}))}{behind}", flush=True)
        for service in sorted(pathlib.Path(a.silent_on).iterdir()) if a.silent_on else []:
            if not service.is_dir():
                continue
            for dockerfile in sorted(service.rglob("Dockerfile")):
                silent(f"{service.name}/{dockerfile.parent.relative_to(service)}", laid(dockerfile.parent, work, has_lost_modes=True))
    for line in loud:
        print(f"SAID of a working version: {line}")
    print(f"{found} found and {repaired} repaired of {total} cases, something found in {later_found} of {later} later states, {len(loud)} false alarm(s)")
    sys.exit(1 if loud or found * 2 < total else 0)


main()

#!/usr/bin/env python3
"""Heals the service cases end to end: real sandbox, real git pushes, real builds, through the real binary.

    cases.py --binary target/debug/domain-runner [--cases ../shared/cases] [--builder engine] [--keep] [NAME...]

For each case: its project becomes a repository whose remote is a running `domain-runner sandbox`; the broken commit is pushed
and its deploy fails (for `start = "uncommitted"`: good/ is pushed and live, the change stays in the work tree). Then
`domain-runner deploy` runs. A case counts as healed when it exits 0, the service is live on the pushed head, check.sh passes,
no guard is broken, and no more deploys were needed than max_deploys. A `diagnose` case must exit 3 or 4, push nothing, and
say the right words. The last line is "N passed, N failed".
"""
import argparse, fnmatch, json, os, pathlib, re, shutil, signal, subprocess, sys, tempfile, time, tomllib, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def sh(*argv, cwd=None, env=None, timeout=1800, check=True):
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done


class Api:
    def __init__(self, at):
        self.at = at

    def get(self, path):
        request = urllib.request.Request(self.at["api_url"] + path, headers={"Authorization": "Bearer " + self.at["api_key"]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def deploys(self):
        return [row["deploy"] for row in self.get(f"/services/{self.at['service_id']}/deploys?limit=100")]

    def wait(self, commit, limit_s):
        end = time.time() + limit_s
        while time.time() < end:
            for deploy in self.deploys():
                if deploy["commit"]["id"] == commit and deploy["status"] in ("live", "build_failed", "update_failed", "pre_deploy_failed"):
                    return deploy
            time.sleep(0.5)
        raise RuntimeError(f"no end of the deploy of {commit[:7]} within {limit_s} s")


def git(repo, *argv):
    ident = ["-c", "user.name=Case", "-c", "user.email=case@example.invalid", "-c", "core.autocrlf=false"]
    return sh("git", *ident, *argv, cwd=repo).stdout.strip()


def lay(source, repo):
    for path in repo.iterdir():
        if path.name not in (".git", "memory", "artifacts"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(source, repo, dirs_exist_ok=True, symlinks=True)


def changed_lines(repo, before):
    numbers = git(repo, "diff", "--numstat", before, "HEAD")
    return sum(int(n) for row in numbers.splitlines() for n in row.split("\t")[:2] if n.isdigit())


def guards(case, repo):
    broken = []
    for guard in case.get("forbidden", []):
        files = [p for p in repo.rglob("*") if p.is_file() and ".git" not in p.parts and fnmatch.fnmatch(str(p.relative_to(repo)), guard["file"])]
        text = "\n".join(p.read_text(errors="replace") for p in files)
        if "must_contain" in guard and not re.search(guard["must_contain"], text, re.M):
            broken.append(guard["why"])
        if "must_not_contain" in guard and re.search(guard["must_not_contain"], text, re.M):
            broken.append(guard["why"])
    return broken


def run_case(folder, a, work):
    case = tomllib.loads((folder / "case.toml").read_text())
    repo = work / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    uncommitted = case.get("start") == "uncommitted"
    lay(folder / ("good" if uncommitted else "project"), repo)
    git(repo, "add", "-A", "-f")
    git(repo, "commit", "-qm", "the service")
    flags = ["--builder", a.builder, "--health-path", case["health_path"], "--build-timeout", f"{case.get('build_timeout_s', 600)}s", "--start-timeout", "45s"]
    if a.builder == "plain":
        flags.append("--allow-unisolated")
    for key, value in case.get("env", {}).items():
        flags += ["--env", f"{key}={value}"]
    log = open(work / "sandbox.err", "w")
    sandbox = subprocess.Popen([a.binary, "-C", repo, "--json", "sandbox", *flags], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        at = json.loads(sandbox.stdout.readline())
        api = Api(at)
        git(repo, "remote", "add", "origin", at["remote"])
        git(repo, "push", "-q", "origin", "main")
        first = git(repo, "rev-parse", "HEAD")
        began = api.wait(first, case.get("build_timeout_s", 600) + 300)
        if uncommitted:
            if began["status"] != "live":
                return f"good/ is {began['status']}"
            lay(folder / "project", repo)
        elif began["status"] == "live":
            return "the broken project went live"
        before = len(api.deploys())
        env = {**os.environ, "RENDER_API_KEY": at["api_key"], "RENDER_API_URL": at["api_url"], "RENDER_SERVICE_ID": at["service_id"]}
        extra = ["--include-changes"] if uncommitted and a.include_changes else []
        extra += ["--trial", a.trial, "--builder", a.builder]
        # What a user of such a service would give a rehearsal; the service's own values stay on the platform.
        for key, value in case.get("env", {}).items():
            extra += ["--trial-env", f"{key}={value}"]
        done = sh(a.binary, "-C", repo, "deploy", "--json", "--poll-interval", "500ms", "--stabilise", "2s", "--cooldown", "0", *extra,
                  env=env, timeout=3600, check=False)
        (work / "events.ndjson").write_text(done.stdout)
        (work / "deploy.err").write_text(done.stderr)
        deploys = len(api.deploys()) - before
        tip = sh("git", "-C", at["remote"], "rev-parse", "main").stdout.strip()
        said = done.stdout + done.stderr
        missing = [group for group in case.get("diagnosis_keywords", []) if not any(word.lower() in said.lower() for word in group)]
        if case["expects"] == "diagnose":
            if done.returncode not in (3, 4):
                return f"exit {done.returncode}, wanted 3 or 4"
            if tip != first:
                return "something was pushed"
            return f"not said: {missing}" if missing else None
        if done.returncode:
            return f"exit {done.returncode} after {deploys} deploy(s): " + last_words(done.stdout)
        newest = api.deploys()[0]
        if newest["status"] != "live" or newest["commit"]["id"] != tip:
            return f"{newest['status']} on {newest['commit']['id'][:7]}, remote is at {tip[:7]}"
        git(repo, "fetch", "-q", "origin")
        fixed = work / "fixed"
        git(repo, "worktree", "add", "-q", str(fixed), tip)
        broken = guards(case, fixed)
        if broken:
            return "guard broken: " + "; ".join(broken)
        check = sh("bash", folder / "check.sh", env={**os.environ, "BASE_URL": at["service_url"]}, check=False, timeout=300)
        if check.returncode:
            return "check.sh: " + (check.stdout + check.stderr)[-300:]
        if deploys > case.get("max_deploys", 99):
            return f"{deploys} deploys, {case['max_deploys']} would do"
        if missing:
            return f"healed, but not said: {missing}"
        lines = changed_lines(fixed, first)
        trials = [event for event in map(json.loads, done.stdout.splitlines()) if event["type"] == "trial.end"]
        tried = f", {len(trials)} trial(s): " + " ".join(trial["result"] for trial in trials) if trials else ""
        print(f"     {deploys} deploy(s), {lines} line(s) changed{tried}", flush=True)
        return None
    finally:
        sandbox.send_signal(signal.SIGINT)
        try:
            sandbox.wait(60)
        except subprocess.TimeoutExpired:
            sandbox.kill()


def last_words(stdout):
    for line in reversed(stdout.splitlines()):
        event = json.loads(line)
        if event["type"] in ("session.end", "error"):
            return event.get("summary") or event.get("message")
    return "(nothing said)"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default=str(ROOT / "target/debug/domain-runner"))
    ap.add_argument("--cases", default=str(ROOT.parent / "shared/cases"))
    ap.add_argument("--builder", default="engine")
    ap.add_argument("--include-changes", action="store_true", help="for cases whose change is not committed")
    ap.add_argument("--trial", default="off", choices=["auto", "off", "require"], help="build fixes here before they are pushed")
    ap.add_argument("--keep", action="store_true", help="keep the work folders of failed cases")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    a.binary = str(pathlib.Path(a.binary).resolve())
    cases = pathlib.Path(a.cases)
    names = a.names or sorted(p.parent.name for p in cases.glob("*/case.toml"))
    passed = failed = 0
    for name in names:
        work = pathlib.Path(tempfile.mkdtemp(prefix=f"case-{name}-"))
        began = time.time()
        try:
            why = run_case(cases / name, a, work)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        took = time.time() - began
        print(f"{'ok  ' if why is None else 'FAIL'} {name} ({took:.0f} s)" + ("" if why is None else f"\n     {why}"), flush=True)
        passed, failed = passed + (why is None), failed + (why is not None)
        if why is not None and a.keep:
            print(f"     kept: {work}", flush=True)
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()

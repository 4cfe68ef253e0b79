"""What faults.py and soak.py share: a sandbox process with scripted builds, clones that push to it, runs of the real binary."""
import json, os, pathlib, shutil, signal, subprocess, tempfile, time, urllib.request

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD ["python", "main.py"]\n'
TRUTH = {"x-sandbox-truth": "1"}

BROKEN_LINE = {"build": "fail", "while": {"Dockerfile": "BROKEN"}, "log": [
    "Dockerfile:7", "   7 | >>> BROKEN LINE", "error: failed to solve: dockerfile parse error on line 7: unknown instruction: BROKEN"]}
MISSING_MODULE = {"run": "exit:1", "until": {"requirements.txt": "beautifulsoup4"}, "app": [
    "Traceback (most recent call last):", '  File "/app/main.py", line 1, in <module>',
    "    from bs4 import BeautifulSoup", "ModuleNotFoundError: No module named 'bs4'"]}
VENV = {"build": "fail", "until": {"Dockerfile": "/opt/venv"}, "log": [
    "#7 [5/6] RUN pip3 install -r requirements.txt", "#7 0.6 error: externally-managed-environment",
    '#7 ERROR: process "/bin/sh -c pip3 install -r requirements.txt" did not complete successfully: exit code: 1']}
NEEDS_SECRET = {"run": "exit:1", "app": [
    "Traceback (most recent call last):", '  File "/app/main.py", line 3, in <module>', '    key = os.environ["STRIPE_KEY"]',
    '  File "<frozen os>", line 714, in __getitem__', "KeyError: 'STRIPE_KEY'"]}
UNKNOWN = {"build": "fail", "log": ["the moon is in the wrong house"]}


def chain(*scripts):
    """One fault behind the other."""
    whole = {}
    for script in reversed(scripts):
        whole = {**script, "then": whole} if whole else dict(script)
    return whole


class Place:
    """A folder with a user's settings, in which everything happens; gone at the end."""

    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rehearsal-"))
        self.temp = self.folder / "tmp"
        self.temp.mkdir()
        (self.folder / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n[gc]\n\tauto = 0\n[safe]\n\tdirectory = *\n")
        nowhere = "http://127.0.0.1:9/simple"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.temp), "LC_ALL": "C",
                    "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1",
                    "PIP_INDEX_URL": nowhere, "npm_config_registry": nowhere}

    def git(self, where, *argv):
        done = subprocess.run(["git", *argv], cwd=where, env=self.env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(argv)}: {done.stderr}")
        return done.stdout.strip()

    def remove(self, *folders):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Sandbox:
    """A running `domain-runner sandbox`."""

    def __init__(self, place, name="shop", *more):
        self.place = place
        self.seat = place.folder / f"seat-{name}"
        self.seat.mkdir()
        place.git(self.seat, "init", "-q", "-b", "main")
        place.git(self.seat, "commit", "-q", "--allow-empty", "-m", "Nothing yet")
        self.process = subprocess.Popen(
            [place.binary, "sandbox", "--builder", "fake", "--health-path", "/healthz", "--start-timeout", "1500ms", "--json", *more],
            cwd=self.seat, env=place.env, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.at = json.loads(self.process.stdout.readline())

    def call(self, method, path, body=None, truth=True):
        url = self.at["api_url"] + path if path.startswith("/services") else self.at["api_url"].removesuffix("/v1") + path
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        headers = {"Authorization": "Bearer " + self.at["api_key"], "Content-Type": "application/json", **(TRUTH if truth else {})}
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text.strip() else None

    def service(self, method, path, body=None):
        return self.call(method, f"/services/{self.at['service_id']}{path}", body)

    def faults(self, spec, seed=0):
        self.call("PUT", f"/sandbox/faults?seed={seed}", spec)

    def deploys(self):
        """All of them, oldest first."""
        rows, cursor = [], ""
        while True:
            page = self.service("GET", f"/deploys?limit=100{cursor}")
            rows += [row["deploy"] for row in page]
            if len(page) < 100:
                return rows[::-1]
            cursor = f"&cursor={page[-1]['cursor']}"

    def settled(self, commit, since=0, limit_s=30):
        """Waits until `commit` has a deploy and none goes on."""
        end = time.time() + limit_s
        while time.time() < end:
            deploys = self.deploys()[since:]
            if all(d.get("finishedAt") for d in deploys) and any(d["commit"]["id"] == commit for d in deploys):
                return deploys
            time.sleep(0.05)
        raise RuntimeError(f"the deploy of {commit[:7]} does not end")

    def serves(self):
        """The commit that answers at the public address, `None` when it does not answer well."""
        try:
            with urllib.request.urlopen(self.at["service_url"] + "/healthz", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def memory_kb(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in fields if line.startswith("VmRSS")).split()[1])

    def children(self):
        return pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)


class Work:
    """A user's clone."""

    def __init__(self, sandbox, name):
        self.sandbox, self.place = sandbox, sandbox.place
        self.dir = self.place.folder / name
        self.dir.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", sandbox.at["remote"])

    def git(self, *argv):
        return self.place.git(self.dir, *argv)

    def commit(self, script, dockerfile=DOCKERFILE, message="A shop"):
        """On top of what is shipped, so that every session's history is one line."""
        for name, text in {"Dockerfile": dockerfile, "main.py": "print('hello')\n", "requirements.txt": "requests\n",
                           "fake-build.json": json.dumps(script)}.items():
            (self.dir / name).write_text(text)
        self.git("add", "-A", "--", "Dockerfile", "main.py", "requirements.txt", "fake-build.json")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def follow(self):
        """Begins where the remote branch stands."""
        if self.git("ls-remote", "origin", "main"):
            self.git("fetch", "-q", "origin", "main")
            self.git("reset", "-q", "--hard", "FETCH_HEAD")

    def push(self):
        self.git("push", "-q", "origin", "HEAD:main")

    def shipped(self):
        return self.git("ls-remote", "origin", "main").partition("\t")[0]

    def run(self, request_timeout="2s", limit_s=90, meanwhile=None):
        """One `domain-runner deploy`; what it said, how it ended, and what it left behind."""
        env = {**self.place.env, "RENDER_API_URL": self.sandbox.at["api_url"], "RENDER_API_KEY": self.sandbox.at["api_key"],
               "RENDER_SERVICE_ID": self.sandbox.at["service_id"]}
        argv = [self.place.binary, "deploy", "--json", "--poll-interval", "100ms", "--cooldown", "0", "--stabilise", "300ms",
                "--request-timeout", request_timeout, "--adoption-timeout", "10s", "--timeout", "60s", "--deadline", "80s"]
        started = time.time()
        with tempfile.TemporaryFile("w+", dir=self.place.folder) as out, tempfile.TemporaryFile("w+", dir=self.place.folder) as err:
            child = subprocess.Popen(argv, cwd=self.dir, env=env, stdout=out, stderr=err, start_new_session=True)
            if meanwhile:
                meanwhile()
            hung, usage = False, None
            while True:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                if time.time() - started > limit_s:
                    hung = True
                    os.killpg(child.pid, signal.SIGKILL)
                    _, status, usage = os.wait4(child.pid, 0)
                    break
                time.sleep(0.02)
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            events = [json.loads(line) for line in out.read().splitlines() if line.startswith("{")]
            return Run(events, err.read(), child.returncode, hung, time.time() - started, usage.ru_maxrss, left_over(child.pid))


class Run:
    def __init__(self, events, stderr, code, hung, seconds, peak_kb, orphans):
        self.events, self.stderr, self.code, self.hung = events, stderr, code, hung
        self.seconds, self.peak_kb, self.orphans = seconds, peak_kb, orphans
        self.end = events[-1] if events and events[-1]["type"] == "session.end" else {}
        self.outcome = "HANG" if hung else self.end.get("outcome", "nothing")
        self.why = self.end.get("summary", stderr[-300:])


def left_over(session):
    """Processes of a session that outlived its leader."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry))
    return found


def repeats(work, run, deploys):
    """How often the run said it would deploy one commit once more: by its journal, per commit."""
    commits = {deploy["id"]: deploy["commit"]["id"] for deploy in deploys}
    session = work.dir / "memory/sessions" / run.end.get("report", "").rsplit("/", 1)[-1]
    said = {}
    try:
        lines = (session / "journal.jsonl").read_text().splitlines()
    except OSError:
        return said
    for entry in map(json.loads, lines):
        if entry["what"] == "retry":
            commit = commits.get(entry["details"]["instead_of"])
            said[commit] = said.get(commit, 0) + 1
    return said


def doubled(deploys, allowed, excused=()):
    """Commits that were deployed more often than the run said it would."""
    count = {}
    for deploy in deploys:
        if deploy["commit"]["id"] not in excused:
            count[deploy["commit"]["id"]] = count.get(deploy["commit"]["id"], 0) + 1
    return [commit[:7] for commit, times in count.items() if times > 1 + allowed.get(commit, 0)]

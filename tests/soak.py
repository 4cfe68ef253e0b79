#!/usr/bin/env python3
"""Many runs in a row against long-lived sandboxes, with random services and random faults of the API.

    soak.py --binary target/debug/domain-runner [N] [SEED]        one session again: --only NUMBER

Two lanes, each with one sandbox process whose clock is hours off. Each session is one service commit (healthy, one to three
faults to heal, not to be healed, a person's matter, canceled or superseded meanwhile) and one run of the real binary, whose
verdict is held against what the sandbox says without faults. Printed at each quarter: memory, open files, what is left over.
The exit code is 1 for a wrong verdict, a hang, two deploys of one commit, a leak.
"""
import argparse, collections, os, random, statistics, sys, threading, time, traceback
from rehearsal import (BROKEN_LINE, DOCKERFILE, MISSING_MODULE, NEEDS_SECRET, UNKNOWN, VENV, Place, Sandbox, Work, chain,
                       doubled, repeats)

BROKEN = DOCKERFILE + "BROKEN LINE\n"
DEBIAN = BROKEN.replace("FROM python:3.12-slim", "FROM debian:bookworm\nRUN apt-get update && apt-get install -y python3 python3-pip")
DEBIAN = DEBIAN.replace("RUN pip", "RUN pip3").replace('"python"', '"python3"')
# Name: (share, script, Dockerfile, exit codes that are right).
SERVICES = {
    "healthy": (10, {}, DOCKERFILE, {0}),
    "unshipped": (10, {}, DOCKERFILE, {0}),
    "heals in 1": (22, BROKEN_LINE, BROKEN, {0}),
    "heals in 2": (14, chain(BROKEN_LINE, MISSING_MODULE), BROKEN, {0}),
    "heals in 3": (12, chain(BROKEN_LINE, VENV, MISSING_MODULE), DEBIAN, {0}),
    "cannot heal": (10, UNKNOWN, DOCKERFILE, {3}),
    "needs a person": (8, NEEDS_SECRET, DOCKERFILE, {4}),
    "canceled": (7, {"build_ms": 3000}, DOCKERFILE, {3}),
    "superseded": (7, {"build_ms": 2000}, DOCKERFILE, {0}),
}
FAULTS = ["5xx=10%", "5xx=25%", "429=5%", "429-bare=2%", "429-retry-after=4%", "silence=3%", "drop=10%", "half=10%", "drip=8%",
          "401=1%", "202=50%", "lost=50%", "logs-overlap=50%", "logs-missing=40%", "unlisted=40%", "gone=20%", "scrambled",
          "events-late=2s", "nulls", "5xx=60%@logs", "drop=50%@events", "half=70%@POST", "5xx=70%@POST", "lost,unlisted=50%"]
API = ["Render failed on", "too many requests", "did not answer", "failed to reach Render", "could not be understood",
       "could not find deploy", "queued a deploy of"]
# What is not in a log or in the events, or garbled there, may leave a cause unknown or a fix without its place.
BLINDING = ("logs-missing", "@logs", "events-late", "@events", "scrambled")
MEMORY_GROWTH_MAX = 1.25


class Lane(threading.Thread):
    def __init__(self, place, number, skew, sessions, seed, results):
        super().__init__(name=f"lane-{number}")
        self.place, self.number, self.sessions, self.seed = place, number, sessions, seed
        self.results, self.error = results, None
        self.sandbox = Sandbox(place, f"lane-{number}", "--faults", f"skew={skew}")

    def run(self):
        try:
            for number in self.sessions:
                self.results.append(session(self, number))
        except Exception as error:  # A lane that breaks is a failed soak, not a quiet one.
            at = traceback.extract_tb(error.__traceback__)[-1]
            self.error = f"{self.name}: {error!r} at {at.name}:{at.lineno}"


def ids(sandbox):
    return {row["deploy"]["id"] for row in sandbox.service("GET", "/deploys?limit=100")}


def since(sandbox, known):
    rows = [row["deploy"] for row in sandbox.service("GET", "/deploys?limit=100")]
    return [deploy for deploy in reversed(rows) if deploy["id"] not in known]


def settle(sandbox, known, commit):
    end = time.time() + 30
    while time.time() < end:
        deploys = since(sandbox, known)
        if all(d.get("finishedAt") for d in deploys) and any(d["commit"]["id"] == commit for d in deploys):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the deploy of {commit[:7]} does not end")


def meddle(lane, work, known, head, what, over):
    """Somebody else's hand, as soon as the deploy of `head` builds."""
    while not over.is_set():
        mine = [d for d in since(lane.sandbox, known) if d["commit"]["id"] == head and d["status"] == "build_in_progress"]
        if mine:
            if what == "canceled":
                lane.sandbox.service("POST", f"/deploys/{mine[-1]['id']}/cancel", {})
            else:
                rival = Work(lane.sandbox, work.dir.name + "-rival")
                rival.follow()
                rival.commit({}, DOCKERFILE, "Somebody else's")
                rival.push()
            return
        time.sleep(0.03)


def session(lane, number):
    dice = random.Random(lane.seed * 100_003 + number)
    name = dice.choices(list(SERVICES), [share for share, *_ in SERVICES.values()])[0]
    _, script, dockerfile, right = SERVICES[name]
    spec = ",".join(dice.sample(FAULTS, dice.choice([0, 1, 1, 2, 3])))
    sandbox = lane.sandbox
    work = Work(sandbox, f"session-{number}")
    known = ids(sandbox)
    work.follow()
    head = work.commit(script, dockerfile, f"Session {number}: {name}")
    if name not in ("unshipped", "canceled", "superseded"):
        work.push()
        settle(sandbox, known, head)
    sandbox.faults(spec, number)
    helper, over = None, threading.Event()
    if name in ("canceled", "superseded"):
        helper = threading.Thread(target=meddle, args=(lane, work, known, head, name, over))
    run = work.run(request_timeout="1s", meanwhile=helper.start if helper else None)
    over.set()
    if helper:
        helper.join()
    sandbox.faults("")
    wrong = judge(sandbox, work, run, known, name, right, spec)
    lane.place.remove(work.dir, work.dir.parent / (work.dir.name + "-rival"))
    result = {"number": number, "name": name, "spec": spec, "run": run, "wrong": wrong, "expected": run.code in right}
    if wrong:
        print(f"WRONG session {number} ({name}; {spec or 'no faults'}): {run.outcome}, exit {run.code}: {run.why}\n      {'; '.join(wrong)}", flush=True)
    return result


def judge(sandbox, work, run, known, name, right, spec):
    wrong = []
    # What the run left unfinished must end before the next session begins.
    end = time.time() + 30
    while any(not d.get("finishedAt") for d in since(sandbox, known)) and time.time() < end:
        time.sleep(0.05)
    time.sleep(0.25)
    deploys, head = since(sandbox, known), work.shipped()
    live = [d["commit"]["id"] for d in deploys if d["status"] == "live"]
    if run.hung:
        wrong.append("hangs")
    if run.code == 0 and (live != [head] or sandbox.serves() != head):
        wrong.append("false healthy")
    if run.code == 0 and 0 not in right:
        wrong.append("healthy, though it cannot be")
    if run.code not in right and not run.hung:
        told = any(words in run.why for words in API) or ("401" in spec and "refused the API key" in run.why)
        unknown = "cause of the failure is not known" in run.why or "scrambled" in spec and run.why in known_causes(run)
        unsaid = run.code == 4 and "did not say why" in run.why
        blind = (run.code == 3 and unknown or unsaid) and any(word in spec for word in BLINDING)
        if not told and not blind:
            wrong.append("not the true reason")
        if told and not spec:
            wrong.append("trouble without faults")
    if twice := doubled(deploys, repeats(work, run, deploys)):
        wrong.append(f"two deploys of {twice}")
    if run.orphans:
        wrong.append(f"left processes {run.orphans}")
    return wrong


def known_causes(run):
    """What the run found, in its words."""
    return [event["message"] for event in run.events if event["type"] == "finding"]


def figures(place, lanes, results, title):
    """What must not grow."""
    peaks = [result["run"].peak_kb for result in results]
    left = [name for name in os.listdir(place.temp) if not name.startswith("domain-runner-sandbox-")]
    row = {
        "sandboxes": [lane.sandbox.memory_kb() / 1024 for lane in lanes],
        "files": [lane.sandbox.open_files() for lane in lanes],
        "children": sum(len(lane.sandbox.children()) for lane in lanes),
        "peak": statistics.median(peaks) / 1024, "peak_max": max(peaks) / 1024, "left": left,
    }
    sandboxes = " + ".join(f"{mb:.1f}" for mb in row["sandboxes"])
    print(f"{title}: sandboxes {sandboxes} MB, open files {' + '.join(map(str, row['files']))}, children {row['children']}; "
          f"runner's peak {row['peak']:.1f} MB (median), {row['peak_max']:.1f} MB (most); temp left: {len(left)}", flush=True)
    return row


def leaks(rows):
    """From the second quarter on nothing may grow: in the first, caches and pools fill."""
    wrong, before, last = [], rows[1], rows[-1]
    for lane in (0, 1):
        if last["sandboxes"][lane] > before["sandboxes"][lane] * MEMORY_GROWTH_MAX:
            wrong.append(f"the sandbox of lane {lane} grew from {before['sandboxes'][lane]:.1f} to {last['sandboxes'][lane]:.1f} MB")
        if last["files"][lane] > before["files"][lane] + 20:
            wrong.append(f"the sandbox of lane {lane} holds {last['files'][lane]} files open, {before['files'][lane]} before")
    if last["peak"] > rows[0]["peak"] * MEMORY_GROWTH_MAX:
        wrong.append(f"the runner's peak grew from {rows[0]['peak']:.1f} to {last['peak']:.1f} MB")
    if any(row["left"] for row in rows):
        wrong.append(f"left in the temp folder: {rows[-1]['left'][:5]}")
    if last["children"]:
        wrong.append(f"{last['children']} child processes of the sandboxes")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", type=int)
    parser.add_argument("sessions", type=int, nargs="?", default=500)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    asked = parser.parse_args()
    numbers = [asked.only] if asked.only else list(range(1, asked.sessions + 1))
    place, started = Place(asked.binary), time.time()
    results, lanes, rows, broken = [], [], [], []
    try:
        for number, skew in enumerate(["-5h", "7h"]):
            lanes.append(Lane(place, number, skew, numbers[number::2], asked.seed, results))
        for lane in lanes:
            lane.start()
        marks = [max(1, len(numbers) * quarter // 4) for quarter in (1, 2, 3)]
        while any(lane.is_alive() for lane in lanes):
            time.sleep(0.2)
            while marks and len(results) >= marks[0]:
                part, done = marks.pop(0), len(rows)
                rows.append(figures(place, lanes, results[marks_before(rows, numbers):part], f"quarter {done + 1} ({part} sessions, {time.time() - started:.0f} s)"))
        broken += [lane.error for lane in lanes if lane.error]
        rows.append(figures(place, lanes, results[-max(1, len(numbers) // 4):], f"end ({len(results)} sessions, {time.time() - started:.0f} s)"))
        broken += leaks(rows) if len(rows) == 4 else []
    finally:
        for lane in lanes:
            lane.sandbox.stop()
        left = os.listdir(place.temp)
        place.close()
    if left:
        broken.append(f"left after the sandboxes ended: {left[:5]}")
    by_name = collections.Counter((r["name"], "as expected" if r["expected"] else f"stopped: {r['run'].why[:60]}") for r in results)
    for name in SERVICES:
        told = ", ".join(f"{count} {what}" for (of, what), count in sorted(by_name.items()) if of == name)
        print(f"  {name:15} {told}")
    wrong = [result for result in results if result["wrong"]]
    seconds = [result["run"].seconds for result in results] or [0]
    print(f"{len(results)} sessions, {len(wrong)} wrong, {sum(r['run'].hung for r in results)} hung, "
          f"{sum('two deploys' in w for r in results for w in r['wrong'])} with two deploys of a commit; "
          f"a run took {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (most); {time.time() - started:.0f} s in all")
    for words in broken:
        print(f"BROKEN: {words}")
    return 1 if wrong or broken or len(results) < len(numbers) else 0


def marks_before(rows, numbers):
    return len(numbers) * len(rows) // 4


if __name__ == "__main__":
    sys.exit(main())

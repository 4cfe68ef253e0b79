#!/usr/bin/env python3
"""Every fault of the API against a run that heals, and against one that cannot: what came of it, and whether that is right.

    faults.py --binary target/debug/domain-runner [--seed N] [FAULT...]

A row is one run of the real binary against a real sandbox. Right is: it ends healed, live and served; or it stops with the
true reason. Wrong is: a false "healthy", a verdict on the service where only the API was in trouble, two deploys of one
commit, a hang. The exit code is 1 when a row is wrong.
"""
import argparse, sys
from rehearsal import BROKEN_LINE, DOCKERFILE, UNKNOWN, Place, Sandbox, Work, doubled, repeats

# Name in the table: (spec with {} for the rate, rates, who starts the deploys, words one of which a run may stop with).
API = ["Render failed on", "too many requests", "did not answer", "failed to reach", "could not be understood"]
FAULTS = {
    "5xx": ("5xx={}", ["10%", "40%", "80%"], "commit", API),
    "429": ("429={}", ["10%", "30%", "60%"], "commit", API),
    "429-bare": ("429-bare={}", ["5%", "15%", "30%"], "commit", API),
    "429-retry-after": ("429-retry-after={}", ["10%", "30%", "60%"], "commit", API),
    "silence": ("silence={}", ["5%", "15%", "30%"], "commit", API),
    "drop": ("drop={}", ["10%", "40%", "80%"], "commit", API),
    "half": ("half={}", ["10%", "40%", "80%"], "commit", API),
    "drip": ("drip={}", ["10%", "40%", "100%"], "commit", API),
    "401": ("401={}", ["5%", "20%", "100%"], "commit", ["refused the API key"]),
    "401 of a wrong key, plain": ("plain-401", [""], "commit", API),
    "202": ("202={}", ["first1", "50%", "100%"], "off", API),
    "lost": ("lost={}", ["first1", "50%", "100%"], "off", API),
    "lost, and lists lack the newest": ("lost=first3,unlisted={}", ["30%", "60%", "100%"], "off", API),
    "5xx on orders": ("5xx={}@POST", ["first1", "50%", "80%"], "off", API),
    "half on orders": ("half={}@POST", ["first1", "50%", "100%"], "off", API),
    "silence on orders": ("silence={}@POST", ["first1", "50%"], "off", API),
    "logs-overlap": ("logs-overlap={}", ["30%", "100%"], "commit", API),
    "logs-missing": ("logs-missing={}", ["30%", "60%", "100%"], "commit", ["cause of the failure is not known"]),
    "5xx on logs": ("5xx={}@logs", ["30%", "60%", "100%"], "commit", ["cause of the failure is not known"]),
    "socket-dies": ("socket-dies={}", ["0", "3"], "commit", API),
    "scrambled logs": ("scrambled", [""], "commit", API),
    "events-late": ("events-late={}", ["1s", "5s", "1h"], "commit", API),
    "5xx on events": ("5xx={}@events", ["50%", "100%"], "commit", API),
    "unlisted": ("unlisted={}", ["30%", "60%", "100%"], "commit", API),
    "unlisted, by hand": ("unlisted={}", ["30%", "60%", "100%"], "off", API),
    "gone": ("gone={}", ["20%", "50%", "100%"], "commit", ["could not find deploy"]),
    "skew": ("skew={}", ["-26h", "-40m", "7h"], "commit", API),
    "skew, and 429": ("429=20%,skew={}", ["-5h", "5h"], "commit", API),
    "limits": ("limits", [""], "commit", API),
    "nulls": ("nulls", [""], "commit", API),
}


def row(place, number, spec, seed, trigger, healable):
    # The clock is set for good; everything else begins when the broken service stands.
    parts = spec.split(",")
    skew = [part for part in parts if part.startswith("skew")]
    sandbox = Sandbox(place, f"{number}", "--faults", ",".join(skew))
    try:
        sandbox.service("PATCH", "", {"autoDeployTrigger": trigger})
        work = Work(sandbox, f"work-{number}")
        if healable:
            head = work.commit(BROKEN_LINE, DOCKERFILE + "BROKEN LINE\n", "Oops")
        else:
            head = work.commit(UNKNOWN, DOCKERFILE, "Worse")
        work.push()
        if trigger == "off":
            sandbox.service("POST", "/deploys", {"commitId": head})
        sandbox.settled(head)
        before = len(sandbox.deploys())
        sandbox.faults(spec, seed)
        run = work.run()
        sandbox.faults("")
        return run, judge(sandbox, work, run, before, healable)
    finally:
        sandbox.stop()


def judge(sandbox, work, run, before, healable):
    """What is wrong with how a run ended, in words; and how many deploys it began."""
    wrong, deploys = [], sandbox.deploys()
    head = work.shipped()
    live = [deploy["commit"]["id"] for deploy in deploys if deploy["status"] == "live"]
    if run.hung:
        wrong.append("hangs")
    if run.code == 0 and (live != [head] or sandbox.serves() != head):
        wrong.append("false healthy")
    if run.code == 0 and not healable:
        wrong.append("healed what cannot be healed")
    if twice := doubled(deploys, repeats(work, run, deploys)):
        wrong.append(f"two deploys of {twice}")
    if run.orphans:
        wrong.append(f"left processes {run.orphans}")
    return wrong, len(deploys) - before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("fault", nargs="*")
    asked = parser.parse_args()
    place, failed, rows = Place(asked.binary), 0, 0
    print(f"{'fault':33} {'rate':>7} {'service':>9} {'outcome':>16} {'exit':>4} {'deploys':>7} {'s':>5}  verdict")
    try:
        for name, (spec, rates, trigger, reasons) in FAULTS.items():
            if asked.fault and name not in asked.fault:
                continue
            for rate in rates:
                for healable in (True, False) if rate == rates[-1] else (True,):
                    rows += 1
                    run, (wrong, deploys) = row(place, rows, spec.format(rate), asked.seed, trigger, healable)
                    told = any(words in run.why for words in reasons)
                    allowed = {0} if healable else {3}
                    if not wrong and run.code not in allowed and not told:
                        wrong = [f"not the true reason: {run.why}"]
                    failed += bool(wrong)
                    verdict = f"WRONG: {'; '.join(wrong)}" if wrong else "right" if run.code in allowed else f"right: {run.why[:90]}"
                    service = "healable" if healable else "not"
                    print(f"{name:33} {rate:>7} {service:>9} {run.outcome:>16} {run.code:>4} {deploys:>7} {run.seconds:>5.1f}  {verdict}", flush=True)
    finally:
        place.close()
    print(f"{rows} rows, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

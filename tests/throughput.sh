#!/usr/bin/env bash
# How fast a log is diagnosed, with all rules, on one core; beside ripgrep with the same literals on the same log.
#
#     tests/throughput.sh [MEGABYTES]
#
# Needs cargo, python3, ripgrep (`apt-get install ripgrep`) and GNU time (`apt-get install time`). Prints megabytes a second
# (the best of five runs, taken in turns), their ratio, and the peak memory on a log of one gigabyte.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes="${1:-200}"
for tool in rg python3 /usr/bin/time; do command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 2; }; done
cargo build --release --quiet
program="${CARGO_TARGET_DIR:-target}/release/domain-runner"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

python3 - "$work" "$megabytes" <<'PY'
import pathlib, random, re, sys
work, megabytes = pathlib.Path(sys.argv[1]), int(sys.argv[2])
needles = set()
for page in pathlib.Path("src/diagnosis/catalogue").glob("*.rs"):
    for block in re.findall(r"needles: &\[(.*?)\],\n", page.read_text(), re.S):
        needles.update(re.findall(r'"((?:[^"\\]|\\.)*)"', block))
needles = sorted(n.replace('\\"', '"').replace("\\\\", "\\") for n in needles if "\\n" not in n)
(work / "literals").write_text("\n".join(needles) + "\n")
random.seed(7)
name = lambda: "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(4, 11)))
def line(number):
    step, second = 5 + number // 40_000 % 9, number / 97
    return random.choice([
        lambda: f"#{step} {second:.3f} Collecting {name()}=={number % 9}.{number % 31}.2",
        lambda: f"#{step} {second:.3f}   Downloading {name()}-{number % 9}.0-py3-none-any.whl ({number % 900} kB)",
        lambda: f"#{step} {second:.3f} Get:{number % 300} http://deb.example/pool/main/{name()} amd64 {name()} [{number % 999} kB]",
        lambda: f"#{step} {second:.3f} [{number % 400}/400] CC src/{name()}/{name()}.o",
        lambda: f"\x1b[32m#{step} {second:.3f} added {number % 700} packages in {number % 60}s\x1b[0m",
    ])()
lines = [line(number) for number in range(200_000)]
block = ("\n".join(lines) + "\n").encode()
end = b"#9 9.9 ERROR: Could not find a version that satisfies the requirement numpy==9.9.9 (from versions: 1.26.4, 2.0.0)\n#9 ERROR: process \"/bin/sh -c pip install numpy==9.9.9\" did not complete successfully: exit code: 1\n"
def write(path, size):
    with open(path, "wb") as log:
        while log.tell() < size:
            log.write(block)
        log.write(end)
write(work / "log", megabytes << 20)
write(work / "giant", 1 << 30)
print(f"{len(needles)} literals")
PY

seconds() { /usr/bin/time -f %e -o "$work/time" taskset -c 0 "$@" >/dev/null || true; cat "$work/time"; }
ours=999999 theirs=999999
for _ in 1 2 3 4 5; do
  ours="$(printf '%s\n%s\n' "$ours" "$(seconds "$program" diagnose --json "$work/log")" | sort -g | head -1)"
  theirs="$(printf '%s\n%s\n' "$theirs" "$(seconds rg -j1 -i -F -c -f "$work/literals" "$work/log")" | sort -g | head -1)"
done
size="$(stat -c %s "$work/log")"
awk -v n="$size" -v a="$ours" -v b="$theirs" 'BEGIN {
  printf "domain-runner %.0f MB/s (%.2f s), ripgrep %.0f MB/s (%.2f s), ratio %.2f\n", n / a / 1e6, a, n / b / 1e6, b, b / a }'
/usr/bin/time -f '%M %e' -o "$work/time" "$program" diagnose --json "$work/giant" >"$work/answer"
awk '{ printf "1 GB: peak memory %.0f MB, %.1f s\n", $1 / 1024, $2 }' "$work/time"
python3 -c 'import json,sys; f=json.load(open(sys.argv[1]))["findings"][0]; print("first finding:", f["class"], f["subject"], "line", f["line"])' "$work/answer"

#!/usr/bin/env bash
# Fuzzes every target of fuzz/, as many at a time as there are cores.
#
#     tests/fuzz.sh [SECONDS per target, 300]
#
# Needs a C++ compiler, for libFuzzer. The instrumentation is what `cargo fuzz` asks for, without a sanitizer: so no nightly
# toolchain is needed. Seeds come from the fixtures, the examples of the rules, and from SHARED (logs/, dockerfiles/) where that
# is set. A find ends the run with exit code 123, which is xargs'; its input stays in fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-300}"
export CARGO_TARGET_DIR="${FUZZ_TARGET_DIR:-$PWD/target/fuzz}"
corpus="$CARGO_TARGET_DIR/corpus"
host=$(rustc -vV | sed -n 's/^host: //p')
# The target is named so that build scripts and macros are not instrumented.
RUSTFLAGS="--cfg fuzzing -Cdebug-assertions -Ccodegen-units=16 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares" \
  cargo build -q --release --manifest-path fuzz/Cargo.toml --target "$host"

python3 - "$corpus" "${SHARED:-}" <<'PY'
import glob, hashlib, os, pathlib, re, sys
corpus, shared = pathlib.Path(sys.argv[1]), sys.argv[2]
def seed(target, data, limit=40_000):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()).write_bytes(data[-limit:])
read = lambda path: pathlib.Path(path).read_bytes()
files = [p for p in glob.glob("tests/fixtures/**/*", recursive=True) if os.path.isfile(p)]
dockerfiles = [p for p in files if "Dockerfile" in os.path.basename(p)]
logs = [p for p in files if p.endswith(".log")]
if shared:
    dockerfiles += glob.glob(f"{shared}/dockerfiles/**/*", recursive=True) + glob.glob(f"{shared}/logs/*.Dockerfile")
    logs += glob.glob(f"{shared}/logs/*.log")
for path in filter(os.path.isfile, dockerfiles):
    seed("dockerfile", read(path)); seed("remedies", read(path))
for path in logs:
    beside = path[:-4] + ".Dockerfile"
    seed("diagnosis", read(path) + b"\0" + (read(beside) if os.path.exists(beside) else b""))
for path in files:
    if path.endswith((".txt", "package.json")): seed("manifests", read(path))
unescape = lambda text: re.sub(r"\\(.)|\\\n\s*", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1] or ""), text)
words = set()
for page in glob.glob("src/diagnosis/catalogue/*.rs"):
    text = pathlib.Path(page).read_text()
    for block in re.findall(r"needles: &\[(.*?)\],\n", text, re.S):
        words.update(unescape(word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', block))
    for example in re.split(r"\bExample \{", text)[1:]:
        log = re.search(r'log: "((?:[^"\\]|\\.)*)"', example, re.S)
        of = dict(re.findall(r'\(\s*"(Dockerfile|requirements\.txt|package\.json|app\.py)",\s*"((?:[^"\\]|\\.)*)"', example, re.S))
        parts = [log[1] if log else ""] + [of.get(n, "") for n in ("Dockerfile", "requirements.txt", "package.json", "app.py")]
        seed("diagnosis", "\0".join(map(unescape, parts)).encode())
        if of.get("Dockerfile"): seed("dockerfile", unescape(of["Dockerfile"]).encode())
        for name in ("requirements.txt", "package.json"):
            if of.get(name): seed("manifests", unescape(of[name]).encode())
quoted = lambda word: "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "".join(f"\\x{b:02x}" for b in c.encode()) for c in word)
(corpus / "needles.dict").write_text("".join(f'"{quoted(word)}"\n' for word in sorted(words) if word))
PY

fuzz() {   # fuzz TARGET
  local target=$1 log="$CARGO_TARGET_DIR/$1.out"
  mkdir -p "$corpus/$target" "fuzz/artifacts/$target"
  local options=(-max_total_time="$seconds" -timeout=20 -max_len=20000 -print_final_stats=1 -artifact_prefix="fuzz/artifacts/$target/")
  [ "$target" = diagnosis ] && options+=(-dict="$corpus/needles.dict")
  if nice "$CARGO_TARGET_DIR/$host/release/$target" "${options[@]}" "$corpus/$target" >"$log" 2>&1; then
    echo "$target: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" | tail -1)"
  else
    echo "$target: a find; see $log"
    grep -m1 -A4 "panicked at\|ERROR: libFuzzer" "$log" || tail -3 "$log"
    return 1
  fi
}
export -f fuzz
export seconds corpus host
printf '%s\n' dockerfile remedies manifests diagnosis | xargs -P "$(nproc)" -I TARGET bash -c 'fuzz TARGET'

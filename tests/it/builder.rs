//! Every builder against the same small projects. A builder that cannot work on this machine is skipped.

#![expect(clippy::unwrap_used, reason = "a failing helper of a test fails the test")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain_runner::builder::{
    BuildEnd, BuildSpec, Builder, BuilderChoice, Exit, Image, Instance, Listening, RunSpec, Runner,
};
use domain_runner::world;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const ALL: [BuilderChoice; 3] = [BuilderChoice::Engine, BuilderChoice::Namespaces, BuilderChoice::Plain];
const STAND_INS: [BuilderChoice; 2] = [BuilderChoice::Namespaces, BuilderChoice::Plain];
const MEMORY_BYTES: u64 = 512 << 20;

/// A project on disk and what came of it.
struct Trial {
    folder: tempfile::TempDir,
    builder: Builder,
    tag: String,
    timeout: Duration,
    memory_bytes: u64,
}

impl Trial {
    async fn of(choice: BuilderChoice, files: &[(&str, &str)]) -> Self {
        let runner = Runner { exe: PathBuf::from(env!("CARGO_BIN_EXE_domain-runner")), programs: Default::default() };
        let builder =
            Builder::detect_with(choice, true, runner).await.unwrap_or_else(|error| panic!("{choice}: {error}"));
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("context").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tag = format!("domain-runner-test-{}", world::random_word(8));
        Self { folder, builder, tag, timeout: Duration::from_secs(120), memory_bytes: MEMORY_BYTES }
    }

    async fn build(&self) -> (BuildEnd, String) {
        let (log, mut lines) = unbounded_channel();
        let end = self.builder.build(&self.spec(), &log).await.unwrap();
        drop(log);
        (end, rest(&mut lines))
    }

    fn spec(&self) -> BuildSpec {
        BuildSpec {
            context: self.folder.path().join("context"),
            dockerfile: PathBuf::from("Dockerfile"),
            build_args: BTreeMap::from([("GREETING".to_owned(), "hello there".to_owned())]),
            tag: self.tag.clone(),
            timeout: self.timeout,
            memory_bytes: self.memory_bytes,
            scratch: self.folder.path().join("scratch"),
        }
    }

    async fn built(&self) -> (Image, String) {
        match self.build().await {
            (BuildEnd::Built(image), log) => (image, log),
            (other, log) => panic!("{other:?}\n{log}"),
        }
    }

    async fn start(&self, image: &Image, run: &RunSpec) -> (Instance, UnboundedReceiver<String>) {
        let (log, lines) = unbounded_channel();
        (self.builder.start(image, run, log).await.unwrap(), lines)
    }
}

/// What stands in the scratch folder.
fn scratch_of(trial: &Trial) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(trial.folder.path().join("scratch"));
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn rest(lines: &mut UnboundedReceiver<String>) -> String {
    let mut log = String::new();
    while let Ok(line) = lines.try_recv() {
        log.push_str(&line);
        log.push('\n');
    }
    log
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run_spec() -> RunSpec {
    RunSpec { env: BTreeMap::new(), port: free_port(), memory_bytes: MEMORY_BYTES, command: None }
}

async fn until_listening(instance: &mut Instance) -> Vec<Listening> {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(20) {
        let listening = instance.listening().await;
        if !listening.is_empty() {
            return listening;
        }
        assert_eq!(instance.exited(), None);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never listened");
}

/// Asserts that the texts stand in the log in this order.
fn in_order(log: &str, texts: &[&str]) {
    let mut at = 0;
    for text in texts {
        match log[at..].find(text) {
            Some(found) => at += found + text.len(),
            None => panic!("`{text}` is missing or too early in:\n{log}"),
        }
    }
}

/// The name of the control group of ours in which a step has printed `/proc/self/cgroup`, if it was in one.
fn group_in(log: &str) -> Option<String> {
    let name = log.split_once(":/domain-runner-")?.1.split('/').next()?;
    Some(format!("domain-runner-{name}"))
}

/// Whether any hierarchy of the kernel's control groups holds a group with this name.
fn is_a_group(name: &str) -> bool {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = std::fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
    hierarchies.chain([top.to_owned()]).any(|hierarchy| hierarchy.join(name).exists())
}

/// Whether a process with this word among its arguments is alive.
fn is_alive(word: &str) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(word))
}

async fn until_gone(word: &str) {
    let since = Instant::now();
    while is_alive(word) {
        assert!(since.elapsed() < Duration::from_secs(10), "`{word}` is still running");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const SERVER: &str = "\
# syntax=docker/dockerfile:1
FROM python:3.11-slim
ARG GREETING=none
WORKDIR /app
ENV COLOUR=green \\
    FROM_ARG=$GREETING
COPY page*.txt ./
RUN echo \"built $COLOUR in $PWD with $GREETING\" > built.txt && echo first && echo second >&2 && echo third
CMD [\"sh\", \"-c\", \"echo starting on $PORT; exec python3 -m http.server $PORT\"]
";

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_small_server_is_built_and_answers() {
    for choice in ALL {
        // Another word each time, so that no engine takes a step from its cache.
        let page = format!("a page {}", world::random_word(8));
        let files = [("Dockerfile", SERVER), ("page.txt", &page), ("secret.env", "x"), (".dockerignore", "*.env\n")];
        let trial = Trial::of(choice, &files).await;
        let (image, log) = trial.built().await;
        in_order(&log, &["WORKDIR /app", "COPY page*.txt ./", "RUN echo", " first\n", " third\n"]);
        let run = run_spec();
        let (mut instance, mut lines) = trial.start(&image, &run).await;
        let listening = until_listening(&mut instance).await;
        let expected: Vec<(u16, bool)> = vec![(run.port, false)];
        assert_eq!(listening.iter().map(|each| (each.port, each.loopback_only)).collect::<Vec<_>>(), expected);
        let url = |path: &str| format!("http://{}/{path}", listening[0].reach);
        let get = async |path: &str| reqwest::get(url(path)).await.unwrap().text().await.unwrap();
        assert_eq!(get("page.txt").await, page, "{choice}");
        let built = get("built.txt").await;
        assert!(built.starts_with("built green in /") && built.ends_with("/app with hello there\n"), "{built}");
        let exit = instance.stop(Duration::from_secs(5)).await;
        assert!(!exit.out_of_memory);
        assert!(rest(&mut lines).contains(&format!("starting on {}", run.port)));
        trial.builder.discard(&image).await;
        until_gone(&format!("http.server {}", run.port)).await;
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_failing_run_shows_its_exit_code_and_its_place() {
    for choice in ALL {
        let files = [("Dockerfile", "FROM python:3.11-slim\nWORKDIR /app\nRUN echo going && exit 7\nCMD true\n")];
        let trial = Trial::of(choice, &files).await;
        let (end, log) = trial.build().await;
        assert!(matches!(end, BuildEnd::Failed { .. }), "{end:?}");
        let error = "process \"/bin/sh -c echo going && exit 7\" did not complete successfully: exit code: 7";
        in_order(&log, &[" going\n", &format!(" ERROR: {error}"), "------\n > [3/3] RUN", " going\n", "------\n"]);
        assert_eq!(scratch_of(&trial), Vec::<PathBuf>::new(), "{choice}");
        in_order(&log, &["Dockerfile:3\n", "   3 | >>> RUN echo going", &format!("ERROR: failed to solve: {error}\n")]);
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn mistakes_in_the_dockerfile_read_as_from_buildkit() {
    for choice in ALL {
        let files = [("Dockerfile", "FROM python:3.11-slim\nBROKEN LINE\n")];
        let trial = Trial::of(choice, &files).await;
        let (_, log) = trial.build().await;
        in_order(&log, &["   2 | >>> BROKEN LINE", "ERROR: failed to solve: ", "unknown instruction: BROKEN"]);

        let files = [("Dockerfile", "FROM python:3.11-slim\nCOPY requirements.txt .\n"), ("a", "")];
        let trial = Trial::of(choice, &files).await;
        let (_, log) = trial.build().await;
        in_order(&log, &["ERROR: failed to solve: failed to compute cache key: ", "\"/requirements.txt\": not found"]);
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_build_that_takes_too_long_is_ended() {
    for choice in ALL {
        let files = [("Dockerfile", "FROM python:3.11-slim\nRUN sleep 98765.4 & sleep 98765.4\n")];
        let mut trial = Trial::of(choice, &files).await;
        trial.timeout = Duration::from_secs(4);
        let since = Instant::now();
        let (end, log) = trial.build().await;
        assert!(matches!(end, BuildEnd::TimedOut), "{end:?}\n{log}");
        assert!(since.elapsed() < Duration::from_secs(15));
        until_gone("98765.4").await;
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_dropped_build_leaves_no_process() {
    for choice in ALL {
        let files =
            [("Dockerfile", "FROM python:3.11-slim\nRUN cat /proc/self/cgroup; sleep 87654.3 & sleep 87654.3\n")];
        let trial = Trial::of(choice, &files).await;
        let (log, mut lines) = unbounded_channel();
        let spec = trial.spec();
        let mut build = Box::pin(trial.builder.build(&spec, &log));
        let since = Instant::now();
        while !is_alive("87654.3") && since.elapsed() < Duration::from_secs(20) {
            let _ = tokio::time::timeout(Duration::from_millis(100), &mut build).await;
        }
        assert!(is_alive("87654.3"), "{choice}");
        drop(build);
        until_gone("87654.3").await;
        if choice == BuilderChoice::Engine
            && let Some(group) = group_in(&rest(&mut lines))
        {
            assert!(!is_a_group(&group), "{group} is left behind");
        }
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_build_that_takes_too_much_memory_is_ended() {
    for choice in ALL {
        // Another word each time, so that no engine takes the step from its cache.
        let word = world::random_word(8);
        let eat = "import time; x = b'x' * (400 << 20); print('still', 'there'); time.sleep(60)";
        let run = format!("RUN echo {word}; cat /proc/self/cgroup; python3 -c \"{eat}\"");
        let mut trial = Trial::of(choice, &[("Dockerfile", &format!("FROM python:3.11-slim\n{run}\n"))]).await;
        trial.memory_bytes = 128 << 20;
        let (end, log) = trial.build().await;
        assert!(matches!(end, BuildEnd::OutOfMemory), "{choice}: {end:?}\n{log}");
        assert!(!log.contains("still there"), "{choice}:\n{log}");
        if choice == BuilderChoice::Engine && trial.builder.describe().contains("BuildKit") {
            let group = group_in(&log).unwrap_or_else(|| panic!("no group of ours in:\n{log}"));
            assert!(!is_a_group(&group), "{group} is left behind");
        }
    }
}

/// An engine behind TCP may be on any machine, so its groups are not ours to make. The variable that leads there is set
/// for a process of its own: this test once more.
#[tokio::test]
#[ignore = "needs a Docker engine with base images; .ci/run runs it"]
async fn a_build_whose_memory_nothing_limits_says_so() {
    if world::env("DOCKER_HOST").is_some_and(|host| host.starts_with("tcp://")) {
        let trial = Trial::of(BuilderChoice::Engine, &[("Dockerfile", "FROM python:3.11-slim\nRUN true\n")]).await;
        let (image, log) = trial.built().await;
        trial.builder.discard(&image).await;
        let said = "domain-runner: nothing limits the memory of this build's steps: the engine is on another machine\n";
        assert_eq!(log.matches(said).count(), 1, "{log}");
        return;
    }
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", door.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = door.accept().await {
            let mut engine = tokio::net::UnixStream::connect("/var/run/docker.sock").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut engine).await });
        }
    });
    let mut again = world::command(std::env::current_exe().unwrap());
    again.args(["builder::a_build_whose_memory_nothing_limits_says_so", "--exact", "--ignored"]);
    let output = again.env("DOCKER_HOST", host).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_server_on_loopback_only_is_noticed() {
    for choice in ALL {
        let files = [("Dockerfile", "FROM python:3.11-slim\nCMD python3 -m http.server $PORT --bind 127.0.0.1\n")];
        let trial = Trial::of(choice, &files).await;
        let (image, _) = trial.built().await;
        let run = run_spec();
        let (mut instance, _lines) = trial.start(&image, &run).await;
        let listening = until_listening(&mut instance).await;
        assert_eq!((listening[0].port, listening[0].loopback_only), (run.port, true), "{choice}");
        drop(instance);
        trial.builder.discard(&image).await;
        until_gone(&format!("http.server {}", run.port)).await;
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn the_host_stays_untouched() {
    for choice in ALL {
        let files = [(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN echo x > /etc/domain-runner-x; echo x > /tmp/domain-runner-x; true\n",
        )];
        let trial = Trial::of(choice, &files).await;
        let (image, _) = trial.built().await;
        for path in ["/etc/domain-runner-x", "/tmp/domain-runner-x"] {
            assert!(!Path::new(path).exists(), "{choice} left {path}");
        }
        trial.builder.discard(&image).await;
        assert_eq!(scratch_of(&trial), Vec::<PathBuf>::new(), "{choice}");
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_process_that_takes_too_much_memory_is_ended() {
    for choice in ALL {
        let command = "import time; print('eating', flush=True); x = b'x' * (300 << 20); time.sleep(60)";
        let dockerfile = format!("FROM python:3.11-slim\nCMD [\"python3\", \"-c\", \"{command}\"]\n");
        let trial = Trial::of(choice, &[("Dockerfile", &dockerfile)]).await;
        let (image, _) = trial.built().await;
        let run = RunSpec { memory_bytes: 64 << 20, ..run_spec() };
        let (mut instance, _lines) = trial.start(&image, &run).await;
        let exit = tokio::time::timeout(Duration::from_secs(30), instance.wait()).await.unwrap();
        assert_eq!(exit, Exit { code: 137, out_of_memory: true }, "{choice}");
        drop(instance);
        trial.builder.discard(&image).await;
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn stages_heredocs_and_owners_work_without_an_engine() {
    const FILE: &str = "\
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN <<EOF
set -e
mkdir out
tr a-z A-Z < note.txt > out/note.txt
EOF
FROM build AS unused
RUN exit 1
FROM python:3.11-slim
WORKDIR /app
COPY --from=build --chmod=600 /src/out/ ./
COPY <<conf.ini /app/conf.ini
colour=blue
conf.ini
ENTRYPOINT [\"sh\", \"-c\"]
CMD [\"cat note.txt conf.ini; stat -c %a note.txt; ls\"]
";
    for choice in STAND_INS {
        let trial = Trial::of(choice, &[("Dockerfile", FILE), ("note.txt", "shout\n")]).await;
        let (image, log) = trial.built().await;
        in_order(&log, &["[build 3/4] COPY . .", "[build 4/4] RUN", "[stage-2 3/4] COPY --from=build"]);
        assert!(!log.contains("[unused"));
        let (mut instance, mut lines) = trial.start(&image, &run_spec()).await;
        assert_eq!(instance.wait().await.code, 0);
        assert_eq!(rest(&mut lines), "SHOUT\ncolour=blue\n600\nconf.ini\nnote.txt\n", "{choice}");
        trial.builder.discard(&image).await;
    }
}

#[tokio::test]
#[ignore = "needs python3, Linux namespaces and a Docker engine with base images; .ci/run runs it"]
async fn a_process_in_namespaces_sees_neither_host_processes_nor_homes() {
    const FILE: &str =
        "FROM python:3.11-slim\nCMD [\"sh\", \"-c\", \"ls /proc | grep -c '^[0-9]'; ls -A /work /home 2>&1\"]\n";
    let trial = Trial::of(BuilderChoice::Namespaces, &[("Dockerfile", FILE)]).await;
    let (image, _) = trial.built().await;
    let (mut instance, mut lines) = trial.start(&image, &run_spec()).await;
    instance.wait().await;
    let log = rest(&mut lines);
    if std::fs::read_to_string("/proc/mounts").unwrap().contains(" /proc/kcore ") {
        println!("skipped: within a container the kernel gives no `/proc` of one's own");
        return;
    }
    let count: u32 = log.lines().next().unwrap().parse().unwrap();
    assert!(count < 8, "{log}");
}

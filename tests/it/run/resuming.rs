//! `kill -9` at any moment, and the next run goes on: no second commit, no second deploy of a commit, no lesson lost or doubled.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use domain_runner::world;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Command;

use super::scene::{BROKEN_LOG, DOCKERFILE, Going, Run, Scene, finish};

/// Random moments at which a run is killed.
const MOMENTS: usize = 100;

/// Scenes at once: most of the time they wait for each other's builds.
const ABREAST: usize = 6;

/// Three faults, one behind the other; the first remedy for the second does not help.
async fn scene() -> Scene {
    let start = [
        "Traceback (most recent call last):",
        "  File \"/app/main.py\", line 1, in <module>",
        "    from bs4 import BeautifulSoup",
        "ModuleNotFoundError: No module named 'bs4'",
    ];
    let tag = [
        "Step 1/4 : FROM python:3.12.99-slim-bookworm",
        "manifest for python:3.12.99-slim-bookworm not found: manifest unknown: manifest unknown",
    ];
    let parse = [
        "Dockerfile:7",
        "   7 | >>> BROKEN LINE",
        "error: failed to solve: dockerfile parse error on line 7: unknown instruction: BROKEN",
    ];
    let dockerfile = "FROM python:3.12.99-slim-bookworm\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\nBROKEN LINE\n";
    let script = json!({
        "build": "fail", "log": parse, "while": {"Dockerfile": "BROKEN"},
        "then": {
            "build": "fail", "log": tag, "until": {"Dockerfile": "FROM python:3.12-slim\n"},
            "then": {"run": "exit:1", "app": start, "until": {"requirements.txt": "beautifulsoup4"}},
        },
    });
    let scene = Scene::start_with(|settings| settings.start_timeout = Duration::from_millis(600)).await;
    scene.write("Dockerfile", dockerfile);
    scene.write("requirements.txt", "requests\n");
    scene.write("main.py", "from bs4 import BeautifulSoup\n");
    scene.write("fake-build.json", &script.to_string());
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
    scene
}

fn deploy(scene: &Scene) -> Command {
    scene.program(&["deploy", "--json", "--poll-interval", "100ms", "--cooldown", "0", "--stabilise", "200ms"])
}

/// What is the same for every run that comes to its end, however often it was killed.
async fn outcome(scene: &Scene) -> Value {
    let learning = scene.learning();
    let keys = |of: &str| learning[of].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let records: BTreeMap<&String, (f64, f64)> = learning["records"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, of)| (id, (of["helped"].as_f64().unwrap().round(), of["failed"].as_f64().unwrap().round())))
        .collect();
    let mut deploys: BTreeMap<String, u32> = BTreeMap::new();
    for deploy in scene.deploys().await {
        *deploys.entry(deploy["commit"]["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let doubled: Vec<&String> = deploys.iter().filter(|(_, count)| **count != 1).map(|(commit, _)| commit).collect();
    assert_eq!(doubled, Vec::<&String>::new(), "commits with two deploys: {:?}", scene.history().await);
    json!({
        "tree": scene.git_in(scene.sandbox.remote(), &["rev-parse", "main^{tree}"]).trim(),
        "subjects": scene.subjects(),
        "deployed": deploys.len(),
        "attempts": [learning["total_attempts"], learning["successful"]],
        "records": records,
        "known_fixes": keys("known_fixes"),
        "failed_dependencies": learning["failed_dependencies"],
        "performance": keys("performance_map"),
        "working": learning["working"].as_array().unwrap().len(),
    })
}

/// The end of a run that nobody disturbs, how long it takes, and how many lines its journal has.
async fn undisturbed() -> (Value, Duration, usize) {
    let scene = scene().await;
    let began = Instant::now();
    let run = finish(deploy(&scene)).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert!(!run.all("fix.reverted").is_empty(), "no fix was useless: {}", run.stdout);
    let lines = lines(&scene.session().join("journal.jsonl"));
    (outcome(&scene).await, began.elapsed(), lines)
}

fn lines(journal: &PathBuf) -> usize {
    fs::read(journal).map(|text| text.iter().filter(|byte| **byte == b'\n').count()).unwrap_or_default()
}

/// Goes on until there is an end, and checks that it is the one of an undisturbed run.
async fn taken_up(scene: &Scene, wanted: &Value, killed: &str) -> Run {
    let run = finish(deploy(scene)).await;
    assert_eq!(run.code, Some(0), "{killed}: {}\n{}", run.stdout, run.stderr);
    assert_eq!(outcome(scene).await, *wanted, "{killed}:\n{}", run.stdout);
    assert_eq!(scene.head(), scene.shipped(), "{killed}: the local branch is left behind");
    assert_eq!(scene.git(&["status", "--porcelain"]), "", "{killed}");
    let sessions = scene.sessions();
    let unfinished = sessions.iter().filter(|session| !session.join("final_state.json").exists());
    for session in unfinished {
        let journal = session.join("journal.jsonl");
        assert!(!fs::read_to_string(journal).unwrap_or_default().contains("begun"), "{killed}: a session was left");
    }
    run
}

/// Runs `each` for all of `moments`, several at once.
fn abreast<T: Copy + Send>(moments: Vec<T>, each: impl AsyncFn(T) + Sync) {
    let moments = Mutex::new(moments);
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
                loop {
                    let moment = moments.lock().unwrap().pop();
                    let Some(moment) = moment else { break };
                    runtime.block_on(each(moment));
                }
            });
        }
    });
}

/// Kills `pid` as soon as a journal of `scene` has `count` lines. Returns when that is done or the run has ended.
fn kill_at_line(sessions: PathBuf, pid: Pid, count: usize) {
    let limit = Instant::now() + Duration::from_secs(90);
    while Instant::now() < limit {
        let journals =
            fs::read_dir(&sessions).into_iter().flatten().flatten().map(|entry| entry.path().join("journal.jsonl"));
        for journal in journals {
            if lines(&journal) >= count {
                // The run may have ended just now.
                let _ = kill_process(pid, Signal::KILL);
                return;
            }
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

#[test]
#[ignore = "half a hundred runs: cargo test --test it -- --ignored resuming"]
fn a_run_killed_at_any_line_of_its_journal_ends_as_an_undisturbed_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (wanted, _, count) = runtime.block_on(undisturbed());
    println!("{count} lines: {wanted:#}");
    abreast((1..=count).collect(), async |line| {
        let scene = scene().await;
        let going = Going::of(deploy(&scene));
        let (sessions, pid) = (scene.work.join("memory/sessions"), going.pid());
        let killer = tokio::task::spawn_blocking(move || kill_at_line(sessions, pid, line));
        going.end().await;
        killer.await.unwrap();
        taken_up(&scene, &wanted, &format!("killed at line {line}")).await;
    });
}

#[test]
#[ignore = "a hundred runs: cargo test --test it -- --ignored resuming"]
fn a_run_killed_at_random_moments_ends_as_an_undisturbed_one() {
    let seed = world::env("SEED").map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (wanted, took, _) = runtime.block_on(undisturbed());
    // Abreast they are slower than alone.
    let longest_ms = u64::try_from(took.as_millis()).unwrap() * 3 / 2;
    let mut random = fastrand::Rng::with_seed(seed);
    let moments: Vec<(usize, u64)> = (0..MOMENTS).map(|number| (number, random.u64(0..longest_ms))).collect();
    let cut_short = Mutex::new(0);
    abreast(moments, async |(number, moment_ms)| {
        let scene = scene().await;
        let going = Going::of(deploy(&scene));
        tokio::time::sleep(Duration::from_millis(moment_ms)).await;
        going.signal_if_running(Signal::KILL);
        let killed = going.end().await.code.is_none();
        *cut_short.lock().unwrap() += usize::from(killed);
        // One in three is killed a second time.
        if number % 3 == 0 {
            let again = Going::of(deploy(&scene));
            tokio::time::sleep(Duration::from_millis(moment_ms / 2)).await;
            again.signal_if_running(Signal::KILL);
            again.end().await;
        }
        taken_up(&scene, &wanted, &format!("SEED={seed}, moment {number} after {moment_ms} ms")).await;
    });
    let cut_short = cut_short.into_inner().unwrap();
    println!("{cut_short} of {MOMENTS} runs were cut short");
    assert!(cut_short > MOMENTS / 2, "most runs had ended before they were killed");
}

/// A shipped service with a broken line, whose deploy has failed.
async fn broken() -> Scene {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    scene
}

/// Lets `hook` kill the run that pushes, the first time.
fn kill_from(scene: &Scene, hook: PathBuf, exit: u8) -> PathBuf {
    let pid = scene.folder.path().join("run.pid");
    scene.executable(&hook, &format!("#!/bin/sh\nrm \"$0\"\nkill -9 $(cat {})\nexit {exit}\n", pid.display()));
    pid
}

async fn killed(scene: &Scene, arguments: &[&str], pid: &PathBuf) {
    let run = scene.begin(arguments).await;
    fs::write(pid, run.pid().as_raw_nonzero().to_string()).unwrap();
    assert_eq!(run.end().await.code, None, "it was killed");
}

fn entries(scene: &Scene, what: &str) -> Vec<Value> {
    let journal = fs::read_to_string(scene.session().join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["what"] == what).collect()
}

#[tokio::test]
async fn a_commit_that_was_made_and_not_pushed_is_pushed_as_that_same_commit() {
    let scene = broken().await;
    let pid = kill_from(&scene, scene.work.join(".git/hooks/pre-push"), 1);
    killed(&scene, &[], &pid).await;
    let before = scene.shipped();
    let made = entries(&scene, "publish")[0]["details"]["commit"].as_str().unwrap().to_owned();
    assert_ne!(before, made);
    let run = scene.deploy(&[]).await.expect(0);
    assert!(run.events[0]["resumed"].as_str().unwrap().contains("cut short"), "{}", run.events[0]);
    assert_eq!((scene.shipped(), scene.head()), (made.clone(), made));
    assert_eq!(scene.subjects(), ["Delete the stray line 5", "Oops", "A shop"]);
    assert_eq!(scene.deploys().await.len(), 3);
    assert_eq!(scene.sessions().len(), 1);
}

#[tokio::test]
async fn a_commit_that_was_pushed_before_the_run_could_say_so_is_found_on_the_remote() {
    let scene = broken().await;
    let pid = kill_from(&scene, scene.sandbox.remote().join("hooks/post-receive"), 0);
    killed(&scene, &["--session-id", "mine"], &pid).await;
    let shipped = scene.shipped();
    assert_eq!(entries(&scene, "publish")[0]["details"]["commit"], shipped.as_str());
    assert_eq!(entries(&scene, "published"), Vec::<Value>::new());
    assert_ne!(scene.head(), shipped, "the local branch has not followed");
    let run = scene.deploy(&["--resume", "mine"]).await.expect(0);
    assert_eq!(run.end()["session"], "mine");
    assert_eq!((scene.shipped(), scene.head()), (shipped.clone(), shipped));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    assert_eq!(scene.deploys().await.len(), 3, "{:?}", scene.history().await);
    assert_eq!(scene.learning()["records"]["df-unknown-instruction/delete-line"]["helped"], 1.0);
    let message = scene.git(&["log", "-1", "--format=%(trailers:key=Domain-Runner-Session,valueonly)"]);
    assert_eq!(message.trim(), "mine");
}

#[tokio::test]
async fn what_somebody_pushed_meanwhile_is_what_shall_be_live() {
    let scene = broken().await;
    let pid = kill_from(&scene, scene.work.join(".git/hooks/pre-push"), 1);
    killed(&scene, &[], &pid).await;
    let rival = scene.folder.path().join("rival");
    let remote = scene.sandbox.remote().display().to_string();
    scene.git_in(scene.folder.path(), &["clone", "-q", &remote, "rival"]);
    fs::write(rival.join("Dockerfile"), DOCKERFILE).unwrap();
    scene.git_in(&rival, &["commit", "-qam", "Mended by hand"]);
    scene.git_in(&rival, &["push", "-q", "origin", "HEAD:main"]);
    let run = scene.deploy(&["--resume"]).await.expect(0);
    assert!(run.says("from now on that is what shall be live"), "{}", run.stdout);
    assert_eq!(scene.subjects(), ["Mended by hand", "Oops", "A shop"]);
    assert_eq!(run.end()["fixes"], json!([]));
    assert_eq!(scene.visit().await, (200, scene.shipped()));
}

#[tokio::test]
async fn a_deploy_that_was_canceled_meanwhile_gets_another_one() {
    let scene = broken().await;
    let script =
        json!({"build": "fail", "log": BROKEN_LOG, "while": {"Dockerfile": "BROKEN"}, "then": {"build_ms": 3_000}});
    scene.write("fake-build.json", &script.to_string());
    scene.commit("Slow");
    scene.push();
    scene.settled().await;
    let mut run = scene.begin(&[]).await;
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    run.signal(Signal::KILL);
    run.end().await;
    let running = scene.deploys().await.last().unwrap()["id"].as_str().unwrap().to_owned();
    scene.cancel(&running).await;
    let run = scene.deploy(&[]).await.expect(0);
    assert!(run.says("got no verdict"), "{}", run.stdout);
    let history = scene.history().await;
    let ends: Vec<&str> = history.iter().skip(3).map(|(status, _)| status.as_str()).collect();
    assert_eq!(ends, ["canceled", "live"], "{history:?}");
    assert_eq!(run.end()["outcome"], "healed");
}

#[tokio::test]
async fn a_session_is_taken_up_by_itself_or_not_as_asked() {
    let scene = broken().await;
    let cut_short = async |id: &str| {
        let mut run = scene.begin(&["--session-id", id, "--fresh"]).await;
        run.until("finding", |_| true).await;
        run.signal(Signal::KILL);
        run.end().await;
    };
    scene.deploy(&["--resume"]).await.expect(6);
    scene.deploy(&["--resume", "nobody"]).await.expect(6);
    cut_short("first").await;
    let listed = finish(scene.program(&["sessions", "list"])).await.stdout;
    assert!(listed.contains("unfinished") && listed.contains("domain-runner deploy --resume first"), "{listed}");
    // A dry run leaves it alone.
    let rehearsed = scene.deploy(&["--dry-run"]).await.expect(0);
    assert_ne!(rehearsed.end()["session"], "first");
    cut_short("second").await;
    // The newest by itself, in one line for a person.
    let run = finish(scene.program(&["deploy", "--stabilise", "400ms", "--poll-interval", "250ms"])).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("session second is taken up again: 0 fix commit(s)"), "{}", run.stderr);
    let refused = scene.deploy(&["--resume", "second"]).await.expect(2);
    assert!(refused.says("session `second` has ended: healed"), "{}", refused.stdout);
    // An old one only when it is asked for.
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.events[0].get("resumed"), None, "{}", run.events[0]);
    let run = scene.deploy(&["--resume", "first"]).await.expect(0);
    assert_eq!(run.end()["session"], "first");
    assert_eq!(scene.deploys().await.len(), 3, "{:?}", scene.history().await);
}

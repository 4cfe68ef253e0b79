//! Bad input and a bad world: the right exit code, a clear error with the next step, nothing lost, nothing half-written.

use std::fs;

use domain_runner::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::process::Command;

use super::scene::{DOCKERFILE, Going, Run, Scene, finish};

/// A run that is refused with `code`, in words that hold all of `words`, and that ships nothing.
async fn refused(scene: &Scene, command: Command, code: i32, words: &[&str]) -> Run {
    let deploys = scene.deploys().await.len();
    let run = finish(command).await.expect(code);
    let error = run.all("error").first().map(ToString::to_string).unwrap_or_default();
    for word in words {
        assert!(error.contains(word), "{word} is not in:\n{error}\n{}\n{}", run.stdout, run.stderr);
    }
    assert_eq!(scene.deploys().await.len(), deploys);
    assert_eq!(scene.leftovers(), Vec::<std::path::PathBuf>::new());
    run
}

#[cfg(feature = "model")]
#[tokio::test]
async fn a_model_that_nobody_has_is_told_before_anybody_is_asked() {
    let scene = Scene::live().await;
    let mut command = scene.quick(&["deploy", "--model", "nobody/x", "--service", "shop"]);
    command.env("RENDER_API_URL", "http://127.0.0.1:9/v1");
    refused(&scene, command, 2, &["--model", "none of the providers", "--no-model"]).await;
}

#[tokio::test]
async fn a_place_that_is_no_repository_of_a_service() {
    let scene = Scene::start().await;
    let elsewhere = scene.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let at = |dir: &str| {
        let mut command = scene.quick(&["deploy"]);
        command.args(["-C", dir]);
        command
    };
    refused(&scene, at(elsewhere.to_str().unwrap()), 1, &["elsewhere", "is not a git repository", "-C"]).await;
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing is left there");
    refused(&scene, at("/nowhere/at/all"), 1, &["/nowhere/at/all", "is not a git repository"]).await;

    refused(&scene, at("."), 1, &["`main` has no commit yet", "commit your files first"]).await;

    scene.write("notes.txt", "nothing to deploy\n");
    scene.commit("Notes");
    let run = refused(&scene, at("."), 4, &[]).await;
    assert!(run.end()["summary"].as_str().unwrap().contains("has no `Dockerfile`"), "{}", run.end());
    assert!(run.end()["next"][0].as_str().unwrap().contains("dockerfilePath"), "{}", run.end());

    scene.write("Dockerfile", DOCKERFILE);
    scene.commit("A shop");
    scene.git(&["checkout", "-q", "--detach"]);
    refused(&scene, at("."), 1, &["no branch is checked out (detached HEAD)", "git switch"]).await;

    scene.git(&["checkout", "-q", "main"]);
    scene.git(&["remote", "remove", "origin"]);
    let mut nowhere = at(".");
    nowhere.args(["--service", "shop"]);
    refused(&scene, nowhere, 1, &["no remote to push to", "git remote add"]).await;

    let bare = scene.sandbox.remote().display().to_string();
    refused(&scene, at(&bare), 1, &["is a bare repository", "clone it"]).await;
}

#[tokio::test]
async fn a_person_reads_what_failed_and_what_to_do_and_no_more() {
    let scene = Scene::start().await;
    let elsewhere = scene.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let run = finish(scene.program(&["deploy", "-C", elsewhere.to_str().unwrap()])).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    let lines: Vec<&str> = run.stderr.lines().collect();
    let [error, hint] = lines.as_slice() else { panic!("{}", run.stderr) };
    assert!(error.starts_with("error: `") && error.contains("is not a git repository"), "{error}");
    assert!(hint.starts_with("hint:  "), "{hint}");
}

#[tokio::test]
async fn a_key_that_is_wrong_missing_or_no_key() {
    for plain in [false, true] {
        let scene = Scene::start_with(|settings| settings.faults.plain_unauthorized = plain).await;
        scene.write("Dockerfile", DOCKERFILE);
        scene.commit("A shop");
        let with_key = |key: &str| {
            let mut command = scene.quick(&["deploy"]);
            command.env("RENDER_API_KEY", key);
            command
        };
        let run = refused(&scene, with_key("rnd_wrongwrongwrongwrong"), 5, &["key", "api-keys"]).await;
        assert!(!run.says("rnd_wrong"));
        refused(&scene, with_key(""), 5, &["RENDER_API_KEY is not set", "domain-runner demo"]).await;
        refused(&scene, with_key("two\nlines"), 2, &["key"]).await;
        assert_eq!(scene.head(), scene.git(&["rev-parse", "main"]).trim());
    }
}

#[tokio::test]
async fn a_service_that_is_unknown_or_not_of_this_repository() {
    let scene = Scene::live().await;
    let named = |name: &str| {
        let mut command = scene.quick(&["deploy"]);
        command.args(["--service", name]);
        command
    };
    refused(&scene, named("shpo"), 6, &["shpo"]).await;
    refused(&scene, named("srv-00000000000000000000"), 6, &["srv-00000000000000000000"]).await;
    let run = finish(named("shop")).await.expect(0);
    assert_eq!(run.end()["outcome"], "already_healthy");
    scene.git(&["remote", "set-url", "origin", "https://example.com/other.git"]);
    refused(
        &scene,
        scene.quick(&["deploy"]),
        6,
        &["no service of this key is connected to this repository", "--service", "shop"],
    )
    .await;
}

#[tokio::test]
async fn an_api_that_cannot_be_reached_or_is_none() {
    let scene = Scene::live().await;
    let at = |url: &str| {
        let mut command = scene.quick(&["deploy"]);
        command.env("RENDER_API_URL", url);
        command
    };
    refused(&scene, at("http://127.0.0.1:9/v1"), 1, &["http://127.0.0.1:9/v1"]).await;
    refused(&scene, at("http://api.example.com/v1"), 2, &["http://api.example.com/v1"]).await;
    refused(&scene, at("not an address"), 2, &["not an address"]).await;
    // The service's own address answers every path, but not as Render does.
    refused(&scene, at(&scene.sandbox.service_url()), 1, &[&scene.sandbox.service_url()]).await;
}

#[tokio::test]
async fn words_that_are_no_arguments_are_explained() {
    let scene = Scene::live().await;
    for (arguments, words) in [
        (&["deploy", "--session-id", "../../etc"][..], &["`../../etc` is no session id"][..]),
        (&["deploy", "--session-id", ".."], &["`..` is no session id"]),
        (&["deploy", "--session-id", "/tmp/x"], &["`/tmp/x` is no session id"]),
        (&["deploy", "--max-iterations", "0"], &["--max-iterations"]),
        (&["deploy", "--timeout", "soon"], &["`soon` is no duration", "500ms"]),
        (&["deploy", "--detailed-exitcode"], &["--dry-run"]),
        (&["deply"], &["deploy"]),
        (&["sessions", "show", "../x"], &["`../x` is no session id"]),
    ] {
        let run = finish(scene.program(arguments)).await;
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{word} is not in:\n{}", run.stderr);
        }
    }
    let mut command = scene.quick(&["deploy"]);
    command.env("SESSION_ID", "../evil");
    let run = finish(command).await;
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(scene.sessions().is_empty());
    let run = finish(scene.program(&["sessions", "show", "never"])).await;
    assert_eq!(run.code, Some(6), "{}", run.stderr);
}

#[tokio::test]
async fn a_damaged_learning_state_is_set_aside() {
    let scene = Scene::live().await;
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    scene.write("artifacts/deploy_learning_state.json", "{\"total_attempts\": 41, \"succ");
    let run = scene.deploy(&[]).await.expect(0);
    assert!(run.says("the learning state was damaged"), "{}", run.stdout);
    assert_eq!(scene.learning()["total_attempts"], 1);
    let aside: Vec<String> = fs::read_dir(scene.work.join("artifacts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("damaged"))
        .collect();
    let [aside] = aside.as_slice() else { panic!("{aside:?}") };
    assert_eq!(scene.read(&format!("artifacts/{aside}")), "{\"total_attempts\": 41, \"succ");
    assert_eq!(scene.git(&["status", "--porcelain"]), "", "neither is offered for a commit");
}

#[tokio::test]
async fn a_learning_state_of_a_newer_program_is_not_touched() {
    let scene = Scene::live().await;
    let newer = "{\"format\": 99, \"total_attempts\": \"many\"}";
    scene.write("artifacts/deploy_learning_state.json", newer);
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    refused(&scene, scene.quick(&["deploy"]), 1, &["deploy_learning_state.json", "format 99", "newer domain-runner"])
        .await;
    assert_eq!(scene.read("artifacts/deploy_learning_state.json"), newer);
    let run = finish(scene.program(&["learn", "show"])).await;
    assert_eq!(run.code, Some(1));
    assert_eq!(scene.read("artifacts/deploy_learning_state.json"), newer);
}

#[tokio::test]
async fn a_second_run_at_the_same_time_hears_who_the_first_is() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 3_000}).to_string());
    scene.commit("Slow");
    let mut first = scene.begin(&["--session-id", "first"]).await;
    first.until("deploy.created", |_| true).await;
    for arguments in [&["deploy"][..], &["deploy", "--session-id", "second"], &["heal", "--simple"]] {
        let run = finish(scene.quick(arguments)).await.expect(7);
        assert!(run.says("another session is at work here (`first`, pid "), "{}", run.stdout);
    }
    assert_eq!(scene.sessions().len(), 1, "a run that never began leaves no session: {:?}", scene.sessions());
    // Looking is free.
    for arguments in [&["learn", "show"][..], &["sessions", "list"]] {
        assert_eq!(finish(scene.program(arguments)).await.code, Some(0));
    }
    first.end().await.expect(0);
    scene.deploy(&[]).await.expect(0);
}

#[tokio::test]
async fn a_damaged_session_folder_does_not_stop_a_run() {
    let scene = Scene::live().await;
    scene.write("memory/sessions/mine/final_state.json", "{\"status\": ");
    scene.write("memory/sessions/mine/journal.jsonl", "{\"at\": \"2026");
    scene.write("memory/swarm/analyzer_output.json", "\0\0\0");
    scene.write("memory/.lock", "{\"session\": \"dead\", \"pid\": 1");
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    let listed = finish(scene.program(&["sessions", "list"])).await;
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let shown = finish(scene.program(&["sessions", "show", "mine"])).await;
    assert_eq!(shown.code, Some(1));
    assert!(
        shown.stderr.contains("final_state.json") && shown.stderr.contains("damaged at line 1"),
        "{}",
        shown.stderr
    );
    scene.deploy(&["--session-id", "mine"]).await.expect(0);
    assert_eq!(scene.json("memory/sessions/mine/final_state.json")["status"], "healthy");
    let journal = scene.read("memory/sessions/mine/journal.jsonl");
    assert!(journal.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{journal}");
}

#[tokio::test]
async fn a_link_out_of_the_project_is_not_followed() {
    let scene = Scene::live().await;
    let outside = scene.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, scene.work.join("memory")).unwrap();
    refused(&scene, scene.quick(&["deploy"]), 1, &["leads out of the project"]).await;
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

/// The program in a mount namespace of its own that `prepare` has arranged; `None` where the kernel refuses that.
fn mounted(scene: &Scene, prepare: &str, arguments: &[&str]) -> Option<Command> {
    let may = scene
        .scrubbed("unshare")
        .args(["-m", "true"])
        .as_std_mut()
        .output()
        .is_ok_and(|output| output.status.success());
    let plain = scene.quick(arguments);
    let mut command = scene.scrubbed("unshare");
    let script = format!("{prepare} && exec \"$@\"");
    command.current_dir(&scene.work).args(["-m", "sh", "-c", &script, "sh"]);
    command.arg(plain.as_std().get_program()).args(plain.as_std().get_args());
    scene.settings(&mut command);
    may.then_some(command)
}

#[tokio::test]
async fn a_read_only_folder() {
    let scene = Scene::live().await;
    let work = scene.work.display().to_string();
    let prepare = format!("mount --bind {work} {work} && mount -o remount,bind,ro {work} && cd {work}");
    let Some(command) = mounted(&scene, &prepare, &["deploy"]) else { return };
    refused(&scene, command, 1, &["memory", "is on a read-only file system", "can be written"]).await;
    assert!(!scene.work.join("memory").exists());
}

#[tokio::test]
async fn a_folder_that_belongs_to_somebody_else() {
    let scene = Scene::live().await;
    let open = scene.scrubbed("chmod").args(["-R", "a+rX"]).arg(scene.folder.path()).as_std_mut().output().unwrap();
    let plain = scene.quick(&["deploy"]);
    let mut command = scene.scrubbed("setpriv");
    command.current_dir(&scene.work).args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(plain.as_std().get_program()).args(plain.as_std().get_args());
    scene.settings(&mut command);
    // Only root can become somebody else, who must reach the binary, too.
    let reach = scene
        .scrubbed("setpriv")
        .args(["--reuid", "65534", "--clear-groups", "test", "-x"])
        .arg(plain.as_std().get_program())
        .as_std_mut()
        .output();
    if !open.status.success() || !reach.is_ok_and(|output| output.status.success()) {
        return;
    }
    refused(&scene, command, 1, &["work", "belongs to another user", "safe.directory"]).await;
    assert!(!scene.work.join("memory").exists());
}

#[tokio::test]
async fn a_full_disk() {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    fs::create_dir(scene.work.join("memory")).unwrap();
    fs::create_dir(scene.work.join("artifacts")).unwrap();
    // Full before anything was written: nothing is begun that could not be recorded.
    let full = "mount -t tmpfs -o size=4k none memory && (head -c 4096 /dev/zero > memory/filler || true)";
    let Some(command) = mounted(&scene, full, &["deploy"]) else { return };
    let before = scene.shipped();
    refused(&scene, command, 1, &["the disk is full", "memory", "make room"]).await;
    assert_eq!((scene.head(), scene.shipped()), (before.clone(), before));

    // Full in the middle: the agents cannot write their documents. The service is healed all the same, and it is said.
    let small = "mount -t tmpfs -o size=32k none memory && mount -t tmpfs -o size=4k none artifacts && head -c 4096 /dev/zero > artifacts/filler";
    let Some(command) = mounted(&scene, small, &["deploy"]) else { return };
    let run = finish(command).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert!(run.says("the disk is full"), "{}", run.stdout);
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
}

#[tokio::test]
async fn a_platform_that_goes_away_in_the_middle() {
    let mut scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 20_000}).to_string());
    scene.commit("Slow");
    let mut run = scene.begin(&[]).await;
    run.until("deploy.status", |event| event["to"] == "build_in_progress").await;
    let other = Scene::start().await;
    let gone: Sandbox = std::mem::replace(&mut scene.sandbox, other.sandbox);
    drop(gone);
    let run = run.end().await.expect(1);
    assert!(!run.all("error").is_empty());
    assert!(scene.session().join("final_state.json").exists());
}

#[tokio::test]
async fn a_suspended_service_is_left_to_its_owner() {
    let scene = Scene::live().await;
    assert_eq!(scene.post("/suspend", &json!({})).await, 202);
    refused(&scene, scene.quick(&["deploy"]), 4, &["`shop` is suspended", "resume it"]).await;
}

#[tokio::test]
async fn a_remote_that_refuses_the_push_is_heard() {
    let scene = Scene::live().await;
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    let hook = scene.sandbox.remote().join("hooks/pre-receive");
    scene.executable(&hook, "#!/bin/sh\necho 'main is protected: open a pull request' >&2\nexit 1\n");
    refused(
        &scene,
        scene.quick(&["deploy"]),
        4,
        &["refused the push", "main is protected: open a pull request", "let the account"],
    )
    .await;
}

#[tokio::test]
async fn the_sandbox_of_the_command_line_serves_a_run() {
    let scene = Scene::start().await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("fake-build.json", &super::scene::broken_script().to_string());
    scene.append("Dockerfile", "BROKEN LINE\n");
    scene.commit("Oops");
    let run = scene.deploy(&["--sandbox", "--builder", "fake"]).await.expect(0);
    assert_eq!((&run.end()["outcome"], &run.events[0]["sandbox"]), (&json!("healed"), &json!(true)));

    let mut held = Going::of(scene.program(&["sandbox", "--builder", "fake", "--push", "--json"]));
    let told = held.first().await;
    assert_eq!(told["kind"], "sandbox");
    let mut command = scene.quick(&["deploy"]);
    command.env("RENDER_API_URL", told["api_url"].as_str().unwrap());
    command.env("RENDER_API_KEY", told["api_key"].as_str().unwrap());
    command.env("RENDER_SERVICE_ID", told["service_id"].as_str().unwrap());
    scene.git(&["remote", "set-url", "origin", told["remote"].as_str().unwrap()]);
    let run = finish(command).await.expect(0);
    assert_eq!(run.end()["url"], told["service_url"]);
    held.signal(rustix::process::Signal::INT);
    assert_eq!(held.end().await.code, Some(0));
    assert!(!std::path::Path::new(told["remote"].as_str().unwrap()).exists(), "it cleans up");
}

//! What is tried, what is taken back, when it stops, and who heals when the swarm cannot.

use serde_json::{Value, json};

use super::scene::{DOCKERFILE, Scene, broken_script, finish};

/// Of an image that does not exist, with four that do in its place.
const NO_IMAGE: &str = "manifest for python:3.12.99-slim-bookworm not found: manifest unknown: manifest unknown";

fn without_image(rest: &Value) -> Vec<(String, String)> {
    let mut script = json!({"build": "fail", "log": ["Step 1/4 : FROM python:3.12.99-slim-bookworm", NO_IMAGE]});
    script.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let dockerfile = DOCKERFILE.replace("3.12-slim", "3.12.99-slim-bookworm");
    vec![("Dockerfile".into(), dockerfile), ("fake-build.json".into(), script.to_string())]
}

/// A service whose deploy has failed like this.
async fn failed(files: &[(String, String)]) -> Scene {
    let scene = Scene::start().await;
    for (path, text) in files {
        scene.write(path, text);
    }
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
    scene
}

fn base_of(dockerfile: &str) -> &str {
    dockerfile.lines().next().unwrap()
}

#[tokio::test]
async fn a_useless_fix_is_taken_back_in_the_next_commit() {
    let scene = failed(&without_image(&json!({"until": {"Dockerfile": "FROM python:3.12-slim\n"}}))).await;
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    let reverted = run.all("fix.reverted");
    assert!(!reverted.is_empty(), "{}", run.stdout);
    let applied = run.all("fix.applied").len();
    assert_eq!(applied, reverted.len() + 1);
    assert_eq!(scene.subjects().len(), applied + 1, "taken back and mended in one commit");
    assert_eq!(run.end()["fixes"].as_array().unwrap().len(), 1, "{}", run.end());
    let records = &scene.learning()["records"];
    assert_eq!(records["img-tag-not-found/use-tag"]["failed"], 1.0, "{records}");
}

#[tokio::test]
async fn the_same_failure_after_three_different_fixes_gives_up_and_leaves_nothing_useless() {
    let files = without_image(&json!({}));
    let scene = failed(&files).await;
    let run = scene.deploy(&[]).await.expect(3);
    assert!(run.says("the same failure after 3 different fixes"), "{}", run.end());
    let fixed: Vec<&str> = run.all("fix.applied").iter().map(|event| event["summary"].as_str().unwrap()).collect();
    assert_eq!(fixed.len(), 3, "{fixed:?}");
    assert!(fixed[0] != fixed[1] && fixed[1] != fixed[2] && fixed[0] != fixed[2], "{fixed:?}");
    assert_eq!(base_of(&scene.shipped_file("Dockerfile")), base_of(&files[0].1), "what did not help is taken back");
    assert_eq!(run.end()["fixes"], json!([]));
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(scene.deploys().await.len(), 4, "taking back is no new deploy");
    assert!(scene.subjects()[0].starts_with("Take back: "), "{:?}", scene.subjects());
    let next = run.end()["next"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect::<Vec<_>>();
    for words in ["read the logs: ", "domain-runner learn show"] {
        assert!(next.iter().any(|step| step.contains(words)), "{words} is not in {next:?}");
    }
}

#[tokio::test]
async fn a_fault_that_the_files_show_for_certain_goes_along_and_each_fix_shows_its_own_change() {
    let dockerfile =
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY Pages/ pages/\nCOPY start.sh ./\nCMD [\"sh\", \"./start.sh\"]\n";
    let copied = dockerfile.replace("COPY Pages/", "COPY pages/");
    let log = [
        "Step 3/5 : COPY Pages/ pages/",
        "COPY failed: file not found in build context or excluded by .dockerignore: stat Pages/: file does not exist",
    ];
    let scene = Scene::start().await;
    scene.write("Dockerfile", dockerfile);
    scene.write("pages/index.html", "hello\n");
    scene.write("start.sh", "#!/bin/sh\nexec uvicorn main:app --host 127.0.0.1 --port 8000\n");
    scene.write("fake-build.json", &json!({"build": "fail", "log": log, "until": {"start.sh": "0.0.0.0"}}).to_string());
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!((&run.end()["outcome"], &run.end()["deploys"]), (&json!("healed"), &json!(1)), "{}", run.stdout);
    assert_eq!(scene.shipped_file("Dockerfile"), copied);
    let diffs: Vec<&str> = run.all("fix.proposed").iter().map(|event| event["diff"].as_str().unwrap()).collect();
    assert_eq!(diffs.len(), 2, "{diffs:?}");
    assert!(diffs[0].contains("+COPY pages/") && !diffs[0].contains("start.sh\n+++"), "{diffs:?}");
    assert!(diffs[1].contains("--host 0.0.0.0") && !diffs[1].contains("+COPY pages/"), "{diffs:?}");
    assert_eq!(run.all("fix.rejected").len(), 0, "{}", run.stdout);
}

#[tokio::test]
async fn the_iterations_asked_for_are_the_limit() {
    let scene = failed(&without_image(&json!({}))).await;
    let run = scene.deploy(&["--max-iterations", "1"]).await.expect(3);
    assert!(run.says("stopped after 1 iteration"), "{}", run.end());
    assert_eq!(run.all("fix.applied").len(), 1);
    let learning = scene.learning();
    assert_eq!((&learning["total_attempts"], &learning["successful"]), (&json!(1), &json!(0)), "{learning}");
    assert_eq!(learning["records"]["img-tag-not-found/use-tag"]["failed"], 1.0, "the last fix did not help");
    let people = finish(scene.program(&["sessions", "show"])).await;
    assert!(people.stdout.contains("gave_up"), "{}", people.stdout);
}

#[tokio::test]
async fn a_deploy_that_takes_too_long_is_left_running() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 6_000}).to_string());
    scene.commit("Slow");
    let run = scene.deploy(&["--timeout", "1s"]).await.expect(124);
    assert_eq!(run.end()["outcome"], "timed_out");
    scene.expect_history(&[("live", "new_commit"), ("build_in_progress", "new_commit")]).await;
    let again = scene.deploy(&[]).await.expect(0);
    assert_eq!(again.end()["outcome"], "deployed");
    scene.expect_history(&[("deactivated", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn the_deadline_is_for_the_whole_run() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 6_000}).to_string());
    scene.commit("Slow");
    scene.deploy(&["--deadline", "1s"]).await.expect(124);
}

#[tokio::test]
async fn a_passing_trouble_is_tried_once_more_and_never_committed() {
    let log = [
        "npm error code EAI_AGAIN",
        "npm error request to https://registry.npmjs.org/express failed, reason: getaddrinfo EAI_AGAIN registry.npmjs.org",
    ];
    let scene = Scene::start().await;
    scene.ship(&json!({"build": "fail", "log": log})).await;
    let before = scene.shipped();
    let run = scene.deploy(&[]).await.expect(3);
    assert_eq!(run.all("finding")[0]["policy"], "retry");
    assert_eq!(scene.shipped(), before);
    scene.expect_history(&[("build_failed", "new_commit"), ("build_failed", "api")]).await;
}

#[tokio::test]
async fn a_missing_secret_is_left_to_a_person() {
    let app = [
        "ArgumentError: Missing `secret_key_base` for 'production' environment, set this string with `bin/rails credentials:edit`",
    ];
    let scene = Scene::start().await;
    scene.ship(&json!({"run": "exit:1", "app": app})).await;
    let before = scene.shipped();
    let run = scene.deploy(&[]).await.expect(4);
    assert_eq!(run.end()["outcome"], "needs_person");
    assert!(run.all("finding")[0]["subject"].as_str().unwrap().contains("secret_key_base"));
    assert_eq!(scene.shipped(), before);
    scene.expect_history(&[("update_failed", "new_commit")]).await;
}

/// Three faults, one behind the other: the Dockerfile, pip, the start.
fn three_faults() -> Vec<(String, String)> {
    let pip = [
        "#7 [4/4] RUN pip3 install -r requirements.txt",
        "#7 0.6 error: externally-managed-environment",
        "#7 0.6 × This environment is externally managed",
        "#7 ERROR: process \"/bin/sh -c pip3 install -r requirements.txt\" did not complete successfully: exit code: 1",
    ];
    let start = [
        "Traceback (most recent call last):",
        "  File \"/app/main.py\", line 1, in <module>",
        "    from bs4 import BeautifulSoup",
        "ModuleNotFoundError: No module named 'bs4'",
    ];
    let dockerfile = "FROM debian:bookworm\nRUN apt-get update && apt-get install -y python3 python3-pip\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip3 install -r requirements.txt\nCOPY . .\nCMD [\"python3\", \"main.py\"]\nBROKEN LINE\n";
    let script = json!({
        "build": "fail",
        "log": ["Dockerfile:8", "   8 | >>> BROKEN LINE", "error: failed to solve: dockerfile parse error on line 8: unknown instruction: BROKEN"],
        "while": {"Dockerfile": "BROKEN"},
        "then": {
            "build": "fail", "log": pip, "until": {"Dockerfile": "/opt/venv"},
            "then": {"run": "exit:1", "app": start, "until": {"requirements.txt": "beautifulsoup4"}},
        },
    });
    let files = [
        ("Dockerfile", dockerfile),
        ("requirements.txt", "requests\n"),
        ("main.py", "from bs4 import BeautifulSoup\n"),
        ("fake-build.json", &script.to_string()),
    ];
    files.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec()
}

fn is_healed_of_three(scene: &Scene) {
    let dockerfile = scene.shipped_file("Dockerfile");
    assert!(!dockerfile.contains("BROKEN") && dockerfile.contains("/opt/venv"), "{dockerfile}");
    assert!(scene.shipped_file("requirements.txt").starts_with("requests\nbeautifulsoup4"));
}

#[tokio::test]
async fn three_faults_of_different_stages_are_healed_in_one_run_and_remembered() {
    let scene = failed(&three_faults()).await;
    let run = scene.deploy(&[]).await.expect(0);
    is_healed_of_three(&scene);
    assert_eq!((&run.end()["outcome"], &run.end()["deploys"]), (&json!("healed"), &json!(3)));
    assert_eq!(run.end()["fixes"].as_array().unwrap().len(), 3, "{}", run.end());
    let stages: Vec<&str> = run.all("finding").iter().map(|finding| finding["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["dockerfile-parse", "dep-resolution", "startup"]);

    let learned = scene.learning();
    assert_eq!((&learned["total_attempts"], &learned["successful"]), (&json!(3), &json!(1)), "{learned}");
    let known: Vec<&String> = learned["known_fixes"].as_object().unwrap().keys().collect();
    assert_eq!(known.len(), 3, "{known:?}");
    assert!(learned["failed_dependencies"].is_object());
    let times = learned["performance_map"].as_object().unwrap();
    assert!(times.contains_key("shop on debian:bookworm") && times.values().all(Value::is_number), "{times:?}");
    assert_eq!(learned["format"], 1);
    let size = std::fs::metadata(scene.work.join("artifacts/deploy_learning_state.json")).unwrap().len();
    assert!(size < 1 << 20);

    // A later run starts from there.
    scene.append("Dockerfile", "BROKEN LINE\n");
    scene.commit("Oops, again");
    let again = scene.deploy(&[]).await.expect(0);
    let plan = scene.json(scene.session().join("deployment_plan.json"));
    assert_eq!(plan["last_working"]["base_image"], "debian:bookworm", "{plan}");
    let advice = again.all("agent").iter().filter(|event| event["agent"] == "optimizer").count();
    assert!(advice > 0 && again.says("deploys went live"), "{}", again.stdout);
    let learned = scene.learning();
    assert_eq!(learned["total_attempts"], 4);
    assert_eq!(learned["records"]["df-unknown-instruction/delete-line"]["helped"].as_f64().unwrap().round(), 2.0);

    let shown = finish(scene.program(&["learn", "show", "--json"])).await;
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap(), learned);
    let shown = finish(scene.program(&["learn", "show"])).await;
    assert!(
        shown.stdout.contains("4 deploys, 2 live") && shown.stdout.contains("py-externally-managed"),
        "{}",
        shown.stdout
    );
}

#[tokio::test]
async fn a_coordinator_heals_one_stage_at_a_time() {
    let scene = failed(&three_faults()).await;
    let run = scene.deploy(&["--topology", "hierarchical"]).await.expect(0);
    is_healed_of_three(&scene);
    assert_eq!(scene.json("memory/swarm/optimizer_output.json")["current_topology"], "hierarchical");
    assert_eq!(run.end()["fixes"].as_array().unwrap().len(), 3);
}

/// Lets `agent` fail for good: a folder stands where its document belongs.
fn break_agent(scene: &Scene, agent: &str) {
    scene.write(&format!("memory/swarm/{agent}_output.json/in-the-way"), "");
}

#[tokio::test]
async fn the_simple_loop_heals_when_an_agent_fails() {
    for agent in ["monitor", "analyzer", "optimizer", "fixer", "validator"] {
        let scene = failed(&three_faults()).await;
        break_agent(&scene, agent);
        let run = scene.deploy(&[]).await.expect(0);
        is_healed_of_three(&scene);
        let told = std::fs::read_to_string(scene.session().join("fallback_output.log")).unwrap();
        assert!(told.contains(&format!("the {agent} failed")) && told.contains("applying"), "{told}");
        assert!(run.says(&format!("the {agent} failed")), "{}", run.stdout);
    }
}

#[tokio::test]
async fn a_swarm_that_breaks_while_looking_at_the_files_is_not_waited_for() {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &broken_script().to_string());
    scene.append("Dockerfile", "BROKEN LINE\n");
    scene.commit("Oops");
    break_agent(&scene, "analyzer");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed");
    assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE);
    assert!(scene.session().join("fallback_output.log").exists());
}

#[tokio::test]
async fn heal_works_without_phases_and_without_a_swarm() {
    for simple in [false, true] {
        let scene = failed(&three_faults()).await;
        let arguments: &[&str] = if simple { &["heal", "--simple"] } else { &["heal"] };
        let run = finish(scene.quick(arguments)).await.expect(0);
        is_healed_of_three(&scene);
        assert_eq!(run.end()["outcome"], "healed");
        assert!(run.all("phase.start").is_empty());
        assert_eq!(scene.session().join("fallback_output.log").exists(), simple);
        assert_eq!(scene.learning()["total_attempts"], 3, "{}", scene.learning());
    }
}

#[tokio::test]
async fn the_simple_loop_takes_back_and_gives_up_as_the_swarm_does() {
    let files = without_image(&json!({}));
    let scene = failed(&files).await;
    let run = finish(scene.quick(&["heal", "--simple"])).await.expect(3);
    assert_eq!(run.all("fix.applied").len(), 3, "{}", run.stdout);
    assert_eq!(base_of(&scene.shipped_file("Dockerfile")), base_of(&files[0].1));
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_it_would() {
    // Failed and shipped, failing and not shipped, good and not shipped, live.
    let failing = failed(&three_faults()).await;
    let unshipped = Scene::live().await;
    unshipped.append("Dockerfile", "BROKEN LINE\n");
    unshipped.commit("Oops");
    let waiting = Scene::live().await;
    waiting.append("main.py", "print('more')\n");
    waiting.commit("More");
    let live = Scene::live().await;
    live.append("Dockerfile", "BROKEN LINE\n");
    for (scene, code, outcome) in [
        (failing, 10, "would_change"),
        (unshipped, 10, "would_change"),
        (waiting, 10, "would_change"),
        (live, 0, "already_healthy"),
    ] {
        let state = |scene: &Scene| {
            let refs = scene.git(&["for-each-ref", "refs/heads"]);
            (scene.shipped(), refs, scene.git(&["status", "--porcelain"]), scene.read("Dockerfile"))
        };
        let (before, deploys) = (state(&scene), scene.deploys().await);
        let run = scene.deploy(&["--dry-run", "--detailed-exitcode"]).await.expect(code);
        assert_eq!(run.end()["outcome"], outcome, "{}", run.stdout);
        scene.deploy(&["--dry-run"]).await.expect(0);
        finish(scene.quick(&["heal", "--simple", "--dry-run"])).await.expect(0);
        assert_eq!(state(&scene), before);
        assert_eq!(scene.deploys().await, deploys);
        assert!(!scene.work.join("artifacts/deploy_learning_state.json").exists(), "a dry run teaches nothing");
    }
}

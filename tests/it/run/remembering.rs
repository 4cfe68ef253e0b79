//! What earlier deploys teach: which remedy helps services of this kind, and which lines of a log mean nothing.

use serde_json::{Value, json};

use super::scene::{DOCKERFILE, Scene};

/// A service that fails until its second remedy is there: Dockerfile and script.
type Kind = (&'static str, fn(u32) -> (String, Value));

fn image(number: u32) -> (String, Value) {
    let tag = format!("3.12.{}-slim-bookworm", 90 + number);
    let log = [
        format!("Step 1/4 : FROM python:{tag}"),
        format!("manifest for python:{tag} not found: manifest unknown: manifest unknown"),
    ];
    let script = json!({"build": "fail", "log": log, "until": {"Dockerfile": "FROM python:3.12-slim\n"}});
    (DOCKERFILE.replace("3.12-slim", &tag), script)
}

fn managed(number: u32) -> (String, Value) {
    let step = format!("pip3 install -r requirements.txt && echo {number}");
    let log = [
        format!("#7 [4/4] RUN {step}"),
        "#7 0.6 error: externally-managed-environment".to_owned(),
        format!("#7 ERROR: process \"/bin/sh -c {step}\" did not complete successfully: exit code: 1"),
    ];
    let script = json!({"build": "fail", "log": log, "until": {"Dockerfile": "PIP_BREAK_SYSTEM_PACKAGES"}});
    let dockerfile = format!(
        "FROM debian:bookworm\nRUN apt-get update && apt-get install -y python3 python3-pip\nWORKDIR /app\nCOPY . .\nRUN {step}\nCMD [\"python3\", \"main.py\"]\n"
    );
    (dockerfile, script)
}

const KINDS: [Kind; 2] = [("a tag that was never published", image), ("pip on a managed system", managed)];

/// Heals service `number` of a kind with what `record` remembers; its deploys after the first failure, and the record then.
async fn healed(kind: &Kind, number: u32, record: Option<&str>) -> (u64, String) {
    let (dockerfile, script) = kind.1(number);
    let scene = Scene::start().await;
    let script = script.to_string();
    let files =
        [("Dockerfile", dockerfile.as_str()), ("requirements.txt", ""), ("main.py", ""), ("fake-build.json", &script)];
    for (path, text) in files {
        scene.write(path, text);
    }
    scene.commit("A shop");
    scene.push();
    scene.settled().await;
    if let Some(record) = record {
        scene.write("artifacts/deploy_learning_state.json", record);
    }
    let run = scene.deploy(&[]).await.expect(0);
    (run.end()["deploys"].as_u64().unwrap(), scene.read("artifacts/deploy_learning_state.json"))
}

#[tokio::test]
async fn the_second_service_of_a_kind_needs_fewer_deploys_than_the_first() {
    for kind in &KINDS {
        let (first, record) = healed(kind, 1, None).await;
        let (second, _) = healed(kind, 2, Some(&record)).await;
        println!("{}: {first} deploys, then {second}", kind.0);
        assert!(first > 1 && second == 1, "{}: {first}, then {second}", kind.0);
    }
}

#[tokio::test]
async fn what_the_last_good_deploy_printed_too_is_no_evidence() {
    let noise = "#7 0.2 ./build.sh: 1: git: not found";
    let step = ["#7 [4/4] RUN sh ./build.sh", noise];
    let scene = Scene::start().await;
    let dockerfile = "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN sh ./build.sh\nCMD [\"node\", \"main.js\"]\n";
    scene.write("build.sh", "git rev-parse HEAD > revision\ntsc\n");
    scene.ship(&json!({"log": step})).await;
    scene.write("Dockerfile", dockerfile);
    let failing = [
        step[0],
        "#7 0.3 ./build.sh: 1: git: not found",
        "#7 0.9 src/shop.ts(3,5): error TS2304: Cannot find name 'basket'.",
        "#7 ERROR: process \"/bin/sh -c sh ./build.sh\" did not complete successfully: exit code: 2",
    ];
    scene.write("fake-build.json", &json!({"build": "fail", "log": failing}).to_string());
    scene.commit("A basket");
    scene.push();
    scene.settled().await;
    let before = scene.shipped();
    let run = scene.deploy(&[]).await;
    let first = run.all("finding")[0];
    assert_eq!((&first["class"], &first["line"].is_number()), (&json!("app-ts-error"), &true), "{}", run.stdout);
    assert_eq!(scene.shipped(), before, "nothing is installed for what never was a fault");

    // The same failure without a good deploy before it: the older line is taken for the cause.
    let new = Scene::start().await;
    new.write("build.sh", "git rev-parse HEAD > revision\ntsc\n");
    new.write("Dockerfile", dockerfile);
    new.write("fake-build.json", &json!({"build": "fail", "log": failing}).to_string());
    new.commit("A basket");
    new.push();
    new.settled().await;
    let run = new.deploy(&["--max-iterations", "1"]).await;
    assert_eq!(run.all("finding")[0]["class"], "os-command-missing", "{}", run.stdout);
}

#[tokio::test]
async fn what_failed_shortly_after_a_good_deploy_does_not_count_as_good() {
    let scene = Scene::live().await;
    let crash = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'bs4'"];
    let script = json!({"run": "exit:1", "app": crash, "until": {"requirements.txt": "beautifulsoup4"}});
    scene.write("fake-build.json", &script.to_string());
    scene.write("requirements.txt", "requests\n");
    scene.write("main.py", "from bs4 import BeautifulSoup\n");
    scene.write("Dockerfile", &DOCKERFILE.replace("COPY . .", "COPY . .\nRUN pip install -r requirements.txt"));
    scene.commit("Soup");
    scene.push();
    scene.settled().await;
    let run = scene.deploy(&[]).await.expect(0);
    let found = run.all("finding")[0];
    assert_eq!(found["class"], "st-py-module-missing");
    assert!(found["confidence"].as_f64().unwrap() > 0.8, "{found}");
}

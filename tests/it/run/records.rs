//! What a run leaves: documents, logs, commit messages; and what it leaves alone.

use std::fs;

use serde_json::{Value, json};

use super::scene::{BROKEN_LOG, Scene, broken_script, finish};

async fn broken() -> Scene {
    let scene = Scene::start().await;
    scene.ship(&broken_script()).await;
    scene.break_line().await;
    scene
}

fn has(document: &Value, fields: &[&str]) {
    for field in fields {
        assert!(document.get(field).is_some(), "{field} is not in {document:#}");
    }
}

#[tokio::test]
async fn a_session_can_be_read_afterwards() {
    let scene = broken().await;
    scene.deploy(&["--session-id", "mine"]).await.expect(0);
    let session = scene.work.join("memory/sessions/mine");

    let plan = scene.json(session.join("deployment_plan.json"));
    has(&plan, &["format", "strategy", "topology", "agents", "max_iterations", "success_criteria", "to_fix", "commit"]);
    assert_eq!(plan["agents"].as_array().unwrap().len(), 5);

    let state = scene.json(session.join("final_state.json"));
    has(&state, &["format", "session", "service", "service_id", "url", "branch", "status", "finished_at"]);
    assert_eq!((&state["session"], &state["status"]), (&json!("mine"), &json!("healthy")));
    assert_eq!(state["end"]["commit"], scene.shipped());
    assert_eq!((&state["end"]["iterations"], &state["end"]["deploys"]), (&json!(1), &json!(1)));

    let health = scene.json(session.join("health_report.json"));
    assert_eq!((&health["healthy"], &health["health"]["status_code"]), (&json!(true), &json!(200)));
    let paths: Vec<&str> =
        health["endpoints"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/healthz", "/readyz", "/status", "/docs", "/redoc"]);

    let metrics = fs::read_to_string(session.join("metrics.prom")).unwrap();
    for line in ["deployment_attempts_total 1", "deployment_success_rate 1", "domain_runner_session_fixes 1"] {
        assert!(metrics.lines().any(|have| have == line), "{line} is not in:\n{metrics}");
    }
    let journal = fs::read_to_string(session.join("journal.jsonl")).unwrap();
    let whats: Vec<String> = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["what"].as_str().unwrap().into())
        .collect();
    for what in ["swarm", "phase", "watch", "publish", "published", "start-deploy", "end"] {
        assert!(whats.iter().any(|have| have == what), "{what} is not in {whats:?}");
    }
    let log = fs::read_to_string(session.join("swarm_output.log")).unwrap();
    assert!(log.contains("df-unknown-instruction") && log.contains("released"), "{log}");

    let listed = finish(scene.program(&["sessions", "list", "--json"])).await;
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["outcome"]), (&json!("mine"), &json!("healed")));
    let shown = finish(scene.program(&["sessions", "show", "mine"])).await;
    assert!(shown.stdout.contains("outcome   healed") && shown.stdout.contains("fixed     Delete"), "{}", shown.stdout);
}

#[tokio::test]
async fn the_swarm_works_through_documents() {
    let scene = broken().await;
    scene.deploy(&[]).await.expect(0);
    let document = |agent: &str| {
        let document = scene.json(format!("memory/swarm/{agent}_output.json"));
        has(&document, &["format", "session", "iteration", "seq", "based_on", "timestamp"]);
        document
    };
    let analyzer = document("analyzer");
    has(&analyzer, &["patterns_found", "recommendations"]);
    has(&analyzer["patterns_found"][0], &["type", "details", "severity"]);
    assert_eq!(analyzer["patterns_found"][0]["severity"], "critical");
    let optimizer = document("optimizer");
    has(
        &optimizer,
        &[
            "current_topology",
            "success_rate",
            "total_attempts",
            "avg_build_time",
            "recommendation",
            "optimization_tips",
        ],
    );
    let fixer = document("fixer");
    assert_eq!(fixer["fixes_applied"], json!(["Delete the stray line 5"]));
    assert!(fixer["diff"].as_str().unwrap().contains("-BROKEN LINE"));
    let validator = document("validator");
    for check in [
        "dockerfile_exists",
        "has_from_statement",
        "has_workdir",
        "has_copy_commands",
        "has_cmd",
        "no_syntax_errors",
        "line_continuation_valid",
    ] {
        assert_eq!(validator[check], true, "{check}");
    }
    let monitor = document("monitor");
    has(&monitor, &["healthy", "status_code", "response_time_ms", "database_connected", "json_valid"]);
    assert_eq!(monitor["healthy"], false);
}

#[tokio::test]
async fn a_fix_commit_says_what_failed_the_evidence_the_change_and_why() {
    let scene = broken().await;
    scene.deploy(&["--session-id", "mine"]).await.expect(0);
    let message = scene.git_in(scene.sandbox.remote(), &["log", "-1", "--format=%an <%ae>%n%B", "main"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[..3], ["Ada <ada@example.org>", "Delete the stray line 5", ""]);
    for line in [
        "What failed: line 5 of the Dockerfile begins with `BROKEN`, which is no instruction (dockerfile-parse).",
        "Change: Delete the stray line 5.",
        "Why: no instruction has such a name, so the line cannot have done anything.",
    ] {
        assert!(lines.contains(&line), "{line} is not in:\n{message}");
    }
    assert!(message.contains("Evidence: log line ") && message.contains("unknown instruction: BROKEN"), "{message}");
    let trailers = scene.git_in(scene.sandbox.remote(), &["log", "-1", "--format=%(trailers:only)", "main"]);
    assert_eq!(trailers.trim(), "Domain-Runner-Session: mine\nDomain-Runner-Class: df-unknown-instruction/delete-line");
    let changed = scene.git_in(scene.sandbox.remote(), &["show", "--format=", "--stat", "main"]);
    assert!(changed.contains("Dockerfile | 1 -") && changed.contains("1 file changed"), "{changed}");
}

#[tokio::test]
async fn what_the_user_has_not_committed_survives_byte_for_byte() {
    let scene = broken().await;
    scene.write("staged.txt", "staged\r\n");
    scene.git(&["add", "staged.txt"]);
    scene.write("staged.txt", "staged\r\nand more");
    fs::write(scene.work.join("fresh.bin"), [0, 159, 146, 150]).unwrap();
    let fresh = scene.read("main.py") + "# mine, not committed\n";
    scene.write("main.py", &fresh);
    // In the very file that will be fixed: one change staged, one not.
    let line = |text: &str| scene.read("Dockerfile").replace("WORKDIR /app", text);
    scene.write("Dockerfile", &line("WORKDIR /app\nENV STAGED=1"));
    scene.git(&["add", "Dockerfile"]);
    scene.write("Dockerfile", &format!("# mine\n{}", scene.read("Dockerfile")));
    let status = scene.git(&["status", "--porcelain"]);
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.read("staged.txt"), "staged\r\nand more");
    assert_eq!(scene.git(&["show", ":staged.txt"]), "staged\r\n");
    assert_eq!(fs::read(scene.work.join("fresh.bin")).unwrap(), [0, 159, 146, 150]);
    assert_eq!(scene.read("main.py"), fresh);
    let dockerfile = scene.read("Dockerfile");
    assert!(dockerfile.starts_with("# mine\n") && dockerfile.contains("ENV STAGED=1"), "{dockerfile}");
    let staged = scene.git(&["show", ":Dockerfile"]);
    assert!(staged.contains("ENV STAGED=1") && !staged.contains("# mine"), "{staged}");
    assert!(!scene.shipped_file("Dockerfile").contains("STAGED"));
    assert_eq!(scene.git(&["status", "--porcelain"]), status);
}

#[tokio::test]
async fn the_programs_own_files_stay_out_of_commits_and_the_users_files_untouched() {
    let scene = broken().await;
    scene.deploy(&[]).await.expect(0);
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    assert!(!scene.work.join(".gitignore").exists());
    scene.git(&["add", "-A"]);
    assert_eq!(scene.git(&["diff", "--cached", "--name-only"]), "");
}

#[tokio::test]
async fn what_past_runs_left_is_not_shipped_even_when_it_was_committed() {
    let scene = Scene::live().await;
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    scene.deploy(&[]).await.expect(0);
    scene.git(&["add", "-f", "artifacts"]);
    scene.commit("With the record");
    scene.append("main.py", "print('and more')\n");
    scene.git(&["commit", "-qam", "Even more"]);
    scene.deploy(&["--include-changes"]).await.expect(0);
    scene.append("main.py", "print('the end')\n");
    let run = scene.deploy(&["--include-changes"]).await.expect(0);
    assert_eq!(run.end()["outcome"], "deployed");
    assert!(scene.subjects()[0].starts_with("Changes of main.py"), "{:?}", scene.subjects());
    assert_eq!(scene.git(&["show", "--format=", "--name-only", "HEAD"]).trim(), "main.py");
}

#[tokio::test]
async fn no_secret_reaches_a_file_an_event_or_a_commit() {
    let secret = "hunter2-swordfish-0451";
    let scene = Scene::start_with(|settings| {
        settings.env.insert("DATABASE_PASSWORD".into(), secret.into());
    })
    .await;
    let mut log: Vec<String> = BROKEN_LOG.iter().map(|line| (*line).to_owned()).collect();
    log.insert(0, format!("connecting with {secret}"));
    log.push(format!("error: dockerfile parse error on line 5: unknown instruction: BROKEN {secret}"));
    scene.ship(&json!({"build": "fail", "log": log, "while": {"Dockerfile": "BROKEN"}})).await;
    scene.break_line().await;
    let run = scene.deploy(&["-vv"]).await.expect(0);
    let key = scene.sandbox.api_key().to_owned();
    for hidden in [secret, key.as_str()] {
        assert!(!run.says(hidden), "{hidden} is shown");
        let found = std::process::Output::clone(
            &scene
                .scrubbed("grep")
                .args(["-rlF", hidden, "memory", "artifacts"])
                .current_dir(&scene.work)
                .as_std_mut()
                .output()
                .unwrap(),
        );
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{hidden} is in files");
        assert!(!scene.git_in(scene.sandbox.remote(), &["log", "--format=%B", "main"]).contains(hidden));
    }
}

#[tokio::test]
async fn a_secret_in_log_and_dockerfile_reaches_no_output() {
    const SECRET: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
    let scene = Scene::start().await;
    let log: Vec<String> =
        BROKEN_LOG.iter().map(|line| (*line).to_owned()).chain([format!("STRIPE_KEY={SECRET}")]).collect();
    scene.ship(&json!({"build": "fail", "log": log, "while": {"Dockerfile": "BROKEN"}})).await;
    scene.append("Dockerfile", &format!("ENV STRIPE_KEY={SECRET}\nBROKEN LINE\n"));
    scene.commit("Oops");
    scene.push();
    scene.settled().await;
    let run = scene.deploy(&[]).await.expect(0);
    assert!(!run.says(SECRET), "on the screen or in the events");
    let mut folders = vec![scene.work.join("memory"), scene.work.join("artifacts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
                assert!(!text.contains(SECRET), "{}", entry.path().display());
            }
        }
    }
    assert!(!scene.git(&["log", "-1", "--format=%B"]).contains(SECRET), "in the commit message");
}

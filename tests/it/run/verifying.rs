//! `learn verify`: the learning state against what the sessions teach.

use serde_json::{Value, json};

use super::scene::{Scene, finish};

const STATE: &str = "artifacts/deploy_learning_state.json";

/// A service that was healed in session `mine`.
async fn healed() -> Scene {
    let scene = Scene::live().await;
    scene.ship_broken().await;
    scene.deploy(&["--session-id", "mine"]).await.expect(0);
    scene
}

async fn verify(scene: &Scene, arguments: &[&str], code: i32) -> Value {
    let run = finish(scene.program(&[&["learn", "verify", "--json"], arguments].concat())).await;
    assert_eq!(run.code, Some(code), "{}\n{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// What matters of the learning state.
fn gist(state: &Value) -> Value {
    let keys = |of: &str| state[of].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    json!([
        state["total_attempts"],
        state["successful"],
        keys("records"),
        state["known_fixes"],
        keys("performance_map")
    ])
}

#[tokio::test]
async fn a_damaged_or_lost_state_is_rebuilt_from_the_sessions() {
    let scene = healed().await;
    let whole = scene.learning();
    let answer = verify(&scene, &[], 0).await;
    assert_eq!((&answer["healthy"], &answer["lessons"]), (&json!(true), &json!(1)), "{answer}");

    scene.write(STATE, "{\"total_attempts\": 1, \"kno");
    let shown = finish(scene.program(&["learn", "show"])).await;
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("domain-runner learn verify --repair"), "{}", shown.stderr);
    let answer = verify(&scene, &[], 8).await;
    assert!(answer["trouble"].as_str().unwrap().contains("damaged"), "{answer}");
    assert_eq!(scene.read(STATE), "{\"total_attempts\": 1, \"kno", "looking changes nothing");
    let answer = verify(&scene, &["--repair"], 0).await;
    assert_eq!(
        std::fs::read_to_string(answer["set_aside"].as_str().unwrap()).unwrap(),
        "{\"total_attempts\": 1, \"kno"
    );
    assert_eq!(gist(&scene.learning()), gist(&whole));

    std::fs::remove_file(scene.work.join(STATE)).unwrap();
    verify(&scene, &[], 8).await;
    verify(&scene, &["--repair"], 0).await;
    assert_eq!(gist(&scene.learning()), gist(&whole));
    verify(&scene, &[], 0).await;

    // A run does the same by itself, and tells.
    scene.write(STATE, "[]");
    let run = scene.deploy(&[]).await.expect(0);
    assert!(run.says("was set aside") && run.says("rebuilt from 1 lesson(s)"), "{}", run.stdout);
    assert_eq!(gist(&scene.learning()), gist(&whole));
}

#[tokio::test]
async fn a_lesson_that_a_killed_run_had_only_on_paper_is_not_lost() {
    let scene = healed().await;
    let whole = scene.learning();
    // As it is after a kill between journal and learning state.
    scene.write(STATE, &json!({"format": 1, "total_attempts": 0}).to_string());
    let answer = verify(&scene, &[], 8).await;
    assert!(answer["trouble"].as_str().unwrap().starts_with("1 lesson(s)"), "{answer}");
    verify(&scene, &["--repair"], 0).await;
    assert_eq!(gist(&scene.learning()), gist(&whole));
    let again = scene.learning();
    verify(&scene, &["--repair"], 0).await;
    assert_eq!(scene.learning(), again, "nothing is learned twice");
}

#[tokio::test]
async fn a_newer_state_is_not_touched() {
    let scene = healed().await;
    let newer = json!({"format": 99, "total_attempts": "many"}).to_string();
    scene.write(STATE, &newer);
    for arguments in [&["learn", "verify"][..], &["learn", "verify", "--repair"], &["learn", "show"]] {
        let run = finish(scene.program(arguments)).await;
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        assert!(run.stderr.contains("use a newer domain-runner"), "{}", run.stderr);
    }
    assert_eq!(scene.read(STATE), newer);
}

//! Ctrl-C at a real terminal, which `script` of util-linux lends: the first asks, the second leaves.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::scene::Scene;

const CTRL_C: &[u8] = &[3];

/// A program at a terminal.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn deploy(scene: &Scene) -> Self {
        let program = env!("CARGO_BIN_EXE_domain-runner");
        // Without `exec` the shell, too, would hear Ctrl-C, and end as if the program had died of it.
        let line = format!("exec '{program}' deploy --poll-interval 250ms --cooldown 0 --stabilise 400ms");
        let mut command = scene.scrubbed("script");
        scene.settings(&mut command);
        command
            .current_dir(&scene.work)
            .args(["-qfec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, shown: String::new() }
    }

    async fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).await.unwrap();
        self.keyboard.flush().await.unwrap();
    }

    /// Reads on until `words` are shown; what was shown before does not count.
    async fn shows(&mut self, words: &str) {
        let seen = async {
            let mut chunk = [0; 4096];
            loop {
                if let Some(at) = self.shown.find(words) {
                    self.shown.drain(..at + words.len());
                    return;
                }
                let read = self.screen.read(&mut chunk).await.unwrap();
                assert!(read > 0, "it ended without `{words}`:\n{}", self.shown);
                self.shown.push_str(&String::from_utf8_lossy(&chunk[..read]));
            }
        };
        tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap_or_else(|_| panic!("no `{words}` in time"));
    }

    async fn ends(mut self, code: i32) {
        let mut rest = vec![];
        let ended = async {
            self.screen.read_to_end(&mut rest).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it hangs");
        assert_eq!(status.code(), Some(code), "{}", String::from_utf8_lossy(&rest));
    }
}

/// A service whose next deploy takes a while.
async fn slow() -> Scene {
    let scene = Scene::live().await;
    scene.write("fake-build.json", &json!({"build_ms": 4_000}).to_string());
    scene.commit("Slow");
    scene
}

#[tokio::test]
async fn the_first_asks_and_the_run_goes_on_if_wanted() {
    let scene = slow().await;
    let mut terminal = Terminal::deploy(&scene);
    terminal.shows("build_in_progress").await;
    terminal.types(CTRL_C).await;
    terminal.shows("[c]ancel the deploy?").await;
    terminal.types(b"g\n").await;
    terminal.shows("healthy after 1 deploy").await;
    terminal.ends(0).await;
    scene.expect_history(&[("deactivated", "new_commit"), ("live", "new_commit")]).await;
}

#[tokio::test]
async fn the_second_leaves_and_the_deploy_goes_on() {
    let scene = slow().await;
    let mut terminal = Terminal::deploy(&scene);
    terminal.shows("build_in_progress").await;
    terminal.types(CTRL_C).await;
    terminal.shows("[c]ancel the deploy?").await;
    terminal.types(CTRL_C).await;
    terminal.shows("domain-runner deploy --resume").await;
    terminal.ends(130).await;
    scene.settled().await;
    scene.expect_history(&[("deactivated", "new_commit"), ("live", "new_commit")]).await;
    // The next run asks whether to go on, and does.
    let mut terminal = Terminal::deploy(&scene);
    terminal.shows("Go on with it?").await;
    terminal.types(b"y\r").await;
    terminal.shows("is taken up again").await;
    terminal.ends(0).await;
    assert_eq!(scene.deploys().await.len(), 2);
    assert_eq!(scene.sessions().len(), 1);
}

#[tokio::test]
async fn the_deploy_is_canceled_if_wanted() {
    let scene = slow().await;
    let mut terminal = Terminal::deploy(&scene);
    terminal.shows("build_in_progress").await;
    terminal.types(CTRL_C).await;
    terminal.shows("[c]ancel the deploy?").await;
    terminal.types(b"c\n").await;
    terminal.shows("is canceled").await;
    terminal.ends(130).await;
    scene.expect_history(&[("live", "new_commit"), ("canceled", "new_commit")]).await;
}

//! Sentinels: secrets in every place they may come from, searched for in every place they might go to.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::scene::{BROKEN_LOG, DOCKERFILE, Run, Scene, finish};

/// Values of the service's variables.
const VARIABLES: [(&str, &str); 5] = [
    ("DATABASE_URL", "postgres://shop:Tr0ub4dor-and-3@db.internal:5432/shop"),
    ("SESSION_SALT", "q7#W\"e r/t+y=zz9"),
    ("OPAQUE", "Zx81Spectrum48kRubberKeys"),
    (
        "DEPLOY_KEY",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\nAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDsentinelsentinel\n-----END OPENSSH PRIVATE KEY-----",
    ),
    ("PAYMENTS", "merchant:c0ffee-c0ffee-c0ffee"),
];

/// Secrets that are known by their looks or by the words around them, and the line each stands in.
const SEEN: [(&str, &str); 18] = [
    ("rnd_Sentinel0123456789abcd", "using {} for Render"),
    ("AKIASENTINEL00000001", "aws id {}"),
    ("wJalrXUtnFEMISENTINELbPxRfiCYEXAMPLEKEY", "aws_secret_access_key = {}"),
    ("AIzaSySENTINEL-1234567890abcdefghijkl", "maps key '{}'"),
    (
        "MIIEvSENTINELgkqhkiG9w0BAQEFAASCBKcw",
        "\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n\"",
    ),
    ("ghp_SENTINELabcdefghijklmnopqrstuvwxyz", "fatal: could not read from https://{}@github.com/acme/x"),
    ("github_pat_11SENTINEL0_abcdefghijklmnop", "token {} has expired"),
    ("xoxb-1234567890-SENTINELabcdef", "slack says {}"),
    ("T0SENTINEL/B0/abcdefghijklmnop", "POST https://hooks.slack.com/services/{}"),
    ("sk_live_SENTINEL4eC39HqLyjWDarjt", "Stripe('{}')"),
    ("whsec_SENTINELabcdefghijklmnop", "webhook {}"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTRU5USU5FTCJ9.c2lnbmF0dXJl", "jwt={}"),
    ("sentinel-bearer-0123456789", "> Authorization: Bearer {}"),
    ("c2VudGluZWw6cGFzc3dvcmQxMjM=", "> authorization: Basic {}"),
    ("sentinel-redis-pw", "redis://default:{}@cache:6379/0"),
    ("sentinel-dotenv-value", "SMTP_PASSWORD={}"),
    ("sentinel-query-0123", "GET /callback?access_token={}&state=1 302"),
    ("npm_SENTINELabcdefghijklmnopqrstuvwxyz0", "//registry.npmjs.org/:_authToken={}"),
];

/// In the Dockerfile itself, beside the line that is mended, and so in the context of its diff.
const IN_DOCKERFILE: [(&str, &str); 3] = [
    ("sentinel-arg-value", "ARG NPM_TOKEN=sentinel-arg-value"),
    ("sentinel-env-value", "ENV APP_SECRET sentinel-env-value"),
    ("glpat-SENTINELabcdefghij", "COPY main.py glpat-SENTINELabcdefghij.py"),
];

/// In the address of the remote.
const IN_REMOTE: &str = "sentinel-remote-pw";

/// Standard base64, by the system's own tool.
fn base64(scene: &Scene, text: &str) -> String {
    let plain = scene.folder.path().join("plain");
    fs::write(&plain, text).unwrap();
    let output = scene.scrubbed("base64").arg("-w0").arg(&plain).as_std_mut().output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

struct Planted {
    scene: Scene,
    log: Vec<String>,
    needles: Vec<String>,
}

async fn planted() -> Planted {
    let scene = Scene::start_with(|settings| {
        settings.env.extend(VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())));
    })
    .await;
    let opaque = VARIABLES[2].1;
    let salt = VARIABLES[1].1;
    let mut needles: Vec<String> = SEEN.iter().chain(&IN_DOCKERFILE).map(|(secret, _)| (*secret).to_owned()).collect();
    needles.extend(
        ["Tr0ub4dor-and-3", salt, opaque, "b3BlbnNzaC1rZXk", "sentinelsentinel", "c0ffee-c0ffee", IN_REMOTE]
            .map(str::to_owned),
    );
    needles.push(scene.sandbox.api_key().to_owned());
    let mut log: Vec<String> = SEEN.iter().map(|(secret, line)| line.replace("{}", secret)).collect();
    // The service's own values: as they are, in other spellings, and torn apart.
    log.extend(
        VARIABLES.iter().flat_map(|(name, value)| {
            format!("dump of {name}: {value}").lines().map(str::to_owned).collect::<Vec<_>>()
        }),
    );
    log.push("in a url: q7%23W%22e%20r%2Ft%2By%3Dzz9".to_owned());
    needles.push("q7%23W".to_owned());
    let encoded = base64(&scene, &format!("user:{opaque}"));
    needles.push(encoded[8..encoded.len() - 4].to_owned());
    log.push(format!("sent {encoded}"));
    log.push(format!("coloured {}\u{1b}[31m{}\u{1b}[0m", &opaque[..9], &opaque[9..]));
    log.push(format!("wrapped {}", &opaque[..13]));
    log.push(opaque[13..].to_owned());
    needles.extend([opaque[..13].to_owned(), opaque[13..].to_owned(), opaque[9..].to_owned()]);
    log.push(format!("with the key {}", scene.sandbox.api_key()));
    log.extend(BROKEN_LOG.iter().map(|line| (*line).to_owned()));
    log.push(format!(
        "error: failed to solve: dockerfile parse error on line 8: unknown instruction: BROKEN {opaque} {}",
        SEEN[5].0
    ));
    let lines = IN_DOCKERFILE.map(|(_, line)| line).join("\n");
    scene.ship(&json!({"build": "fail", "log": log, "app": log, "while": {"Dockerfile": "BROKEN"}})).await;
    scene.write("Dockerfile", &format!("{DOCKERFILE}{lines}\nBROKEN {}\n", SEEN[9].0));
    scene.write(".env", &format!("SMTP_PASSWORD={}\n", SEEN[15].0));
    scene.commit("Oops");
    scene.push();
    scene.settled().await;
    // The remote's address holds a password; git goes to the real one.
    let real = scene.sandbox.remote().display().to_string();
    let address = format!("https://deploy:{IN_REMOTE}@git.example.com/shop.git");
    scene.git(&["remote", "set-url", "origin", &address]);
    scene.git(&["config", &format!("url.{real}.insteadOf"), &address]);
    Planted { scene, log, needles }
}

impl Planted {
    fn absent(&self, place: &str, text: &str) {
        for needle in &self.needles {
            assert!(!text.contains(needle.as_str()), "`{needle}` is in {place}:\n{text}");
        }
        // What could move a cursor or hide a word.
        let odd = |sign: char| {
            sign == '\u{1b}' || ('\u{80}'..'\u{a0}').contains(&sign) || ('\u{202a}'..='\u{202e}').contains(&sign)
        };
        assert!(!text.contains(odd), "{place} holds control sequences: {text:?}");
    }

    fn run_is_clean(&self, what: &str, run: &Run) {
        self.absent(&format!("stdout of {what}"), &run.stdout);
        self.absent(&format!("stderr of {what}"), &run.stderr);
    }

    fn folder_is_clean(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            self.absent("a file's name", &path.display().to_string());
            if path.is_dir() {
                self.folder_is_clean(&path);
            } else {
                let bytes = fs::read(&path).unwrap();
                self.absent(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }

    async fn program(&self, arguments: &[&str]) -> Run {
        let mut command = self.scene.program(arguments);
        command.env("RENDER_SERVICE_ID", self.scene.sandbox.service_id().to_string());
        let run = finish(command).await;
        self.run_is_clean(&arguments.join(" "), &run);
        run
    }
}

#[tokio::test]
async fn no_secret_leaves_by_any_way() {
    let planted = planted().await;
    let scene = &planted.scene;
    assert!(planted.needles.len() >= 30, "{}", planted.needles.len());

    let log = scene.folder.path().join("build.log");
    fs::write(&log, planted.log.join("\n")).unwrap();
    let log = log.display().to_string();
    // What knows nothing of the service hides what secrets look like; the service's own values it cannot know.
    let told = finish(scene.program(&["diagnose", &log])).await;
    for (secret, _) in SEEN.iter().chain(&IN_DOCKERFILE) {
        assert!(!told.says(secret), "`{secret}` is in:\n{}", told.stdout);
    }
    assert!(told.stdout.contains("df-unknown-instruction") && told.stdout.contains("[redacted]"), "{}", told.stdout);

    planted.program(&["check", "--offline"]).await;
    planted.program(&["check", "--offline", "--json"]).await;
    planted.program(&["deploy", "--dry-run", "-vv", "--poll-interval", "250ms"]).await;
    let quick = ["--poll-interval", "250ms", "--cooldown", "0", "--stabilise", "400ms"];
    let healed = planted.program(&[&["deploy", "--json", "-vv"][..], &quick].concat()).await;
    assert_eq!(healed.code, Some(0), "{}\n{}", healed.stdout, healed.stderr);
    assert!(healed.stdout.contains("[redacted]"), "something was to be hidden:\n{}", healed.stdout);
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "show"],
        &["sessions", "show", "--json"],
        &["learn", "show"],
        &["learn", "show", "--json"],
    ] {
        planted.program(arguments).await;
    }

    // A run in words, and one that ends in an error of git's.
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    planted.program(&[&["deploy"][..], &quick].concat()).await;
    let address = format!("http://deploy:{IN_REMOTE}@127.0.0.1:9/shop.git");
    scene.git(&["remote", "set-url", "origin", &address]);
    for flags in [&["deploy"][..], &["deploy", "--json"]] {
        let broken = planted.program(&[flags, &quick].concat()).await;
        assert_eq!(broken.code, Some(1), "{}", broken.stdout);
        assert!(broken.says("failed to reach"), "{}\n{}", broken.stdout, broken.stderr);
    }

    planted.folder_is_clean(&scene.work.join("memory"));
    planted.folder_is_clean(&scene.work.join("artifacts"));
    let messages = scene.git_in(scene.sandbox.remote(), &["log", "--format=%an %ae%n%B", "main"]);
    assert!(messages.contains("Domain-Runner-Session"), "{messages}");
    planted.absent("a commit message", &messages);
    // The fix is the user's own file without one line: their lines are theirs.
    assert!(scene.shipped_file("Dockerfile").contains("sentinel-arg-value"));
    assert!(!scene.shipped_file("Dockerfile").contains("BROKEN"));
}

#[tokio::test]
async fn log_text_gives_no_orders() {
    let scene = Scene::start().await;
    let poison = "\u{1b}]52;c;ZXZpbA==\u{7}\u{202e}::error file=x::y ##vso[task.setvariable variable=PATH]evil";
    let mut log: Vec<String> = BROKEN_LOG.iter().map(|line| (*line).to_owned()).collect();
    log.push(format!(
        "unknown instruction: BROKEN {poison} [skip render] fixes #7\rCo-authored-by: Eve <eve@example.org>"
    ));
    log.push("::set-env name=PATH::evil".to_owned());
    scene.ship(&json!({"build": "fail", "log": log, "while": {"Dockerfile": "BROKEN"}})).await;
    scene.append("Dockerfile", "BROKEN ::warning::x ##vso[task.logissue]y [skip render] [skip ci] closes #8\n");
    scene.commit("Oops");
    scene.push();
    scene.settled().await;
    for (arguments, name) in
        [(&["--dry-run"][..], "GITHUB_ACTIONS"), (&["--dry-run"], "TF_BUILD"), (&[], "GITHUB_ACTIONS")]
    {
        let mut command = scene.program(
            &[&["deploy", "--poll-interval", "250ms", "--cooldown", "0", "--stabilise", "400ms"], arguments].concat(),
        );
        command.env(name, "true");
        let run = finish(command).await;
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        for line in run.stdout.lines().chain(run.stderr.lines()) {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##vso["), "{line:?}");
            assert!(!line.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{line:?}");
        }
    }
    let trailers =
        scene.git_in(scene.sandbox.remote(), &["log", "-1", "--format=%(trailers:only,key_value_separator==)", "main"]);
    for trailer in trailers.trim().lines() {
        assert!(trailer.starts_with("Domain-Runner-"), "{trailers}");
    }
    let message = scene.git_in(scene.sandbox.remote(), &["log", "-1", "--format=%B", "main"]);
    for order in ["[skip render]", "[skip ci]", "fixes #7", "closes #8", "\nCo-authored-by"] {
        assert!(!message.contains(order), "{order} is in:\n{message}");
    }
    scene.settled().await;
}

#[tokio::test]
async fn children_get_the_allowed_environment_and_no_more() {
    let scene = Scene::live().await;
    let seen = scene.folder.path().join("seen");
    let hook = format!("#!/bin/sh\nenv >> '{}'\n", seen.display());
    scene.executable(&scene.work.join(".git/hooks/pre-push"), &hook);
    // Whatever looks for an engine finds these.
    let programs = scene.folder.path().join("programs");
    for engine in ["docker", "podman"] {
        scene.executable(&programs.join(engine), &format!("{hook}exit 1\n"));
    }
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    let mut command = scene.quick(&["deploy"]);
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "NPM_TOKEN",
        "DATABASE_URL",
        "LD_PRELOAD",
        "BASH_ENV",
        "GIT_DIR",
        "GIT_PROXY_COMMAND",
    ] {
        command.env(name, "/sentinel");
    }
    finish(command).await.expect(0);
    let mut command = scene.quick(&["deploy", "--sandbox", "--builder", "engine"]);
    let path = domain_runner::world::env("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", programs.display())).env("AWS_SECRET_ACCESS_KEY", "/sentinel");
    finish(command).await;
    let text = fs::read_to_string(seen).unwrap();
    assert!(
        text.lines().filter(|line| line.starts_with("PATH=")).count() >= 2,
        "git and an engine were started: {text}"
    );
    assert!(!text.contains("/sentinel") && !text.contains(scene.sandbox.api_key()), "{text}");
    for name in text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name) {
        // git and the shell set some of their own.
        let own = name.starts_with("GIT_") || ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name);
        let allowed = ["PATH", "HOME", "LC_ALL", "LANG", "TMPDIR", "TERM", "USER", "LOGNAME", "TZ"].contains(&name);
        assert!(own || allowed, "{name} was handed on:\n{text}");
    }
}

#[tokio::test]
async fn the_key_goes_to_no_host_that_the_project_names() {
    let scene = Scene::live().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = format!("http://{}", listener.local_addr().unwrap());
    scene.write(".env", &format!("RENDER_API_URL={theirs}/v1\nRENDER_HOST={theirs}\n"));
    scene.write(".render/cli.yaml", &format!("api:\n  host: {theirs}/v1\n  key: rnd_theirs\n"));
    scene.write(
        "render.yaml",
        &format!("services:\n  - type: web\n    name: shop\n    host: {theirs}\n    apiUrl: {theirs}/v1\n"),
    );
    scene.write("domain-runner.toml", &format!("api_url = \"{theirs}/v1\"\n"));
    scene.commit("Mine now");
    let run = scene.deploy(&[]).await.expect(0);
    assert_eq!(run.end()["outcome"], json!("deployed"));
    let knocked = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "somebody called the address from the project's files");
    // Who answers with another address does not get the key there either; nor does a host that is spoken to in the clear.
    for (url, words) in [
        ("http://render.example.com/v1", "http://render.example.com"),
        ("https://me:pw@api.render.com/v1", "user name"),
    ] {
        let mut command = scene.quick(&["deploy"]);
        command.env("RENDER_API_URL", url);
        let run = finish(command).await.expect(2);
        assert!(run.says(words), "{}", run.stdout);
        let error: Vec<&Value> = run.all("error");
        assert_eq!(error.len(), 1);
    }
}

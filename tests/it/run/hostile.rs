//! Files and logs that were made to hurt: they are read in bounded time and memory, or refused with a reason.

use std::fs;
use std::os::unix::fs::symlink;

use super::scene::{DOCKERFILE, Run, Scene, finish};

/// What a run over hostile input may never do, whatever it finds.
fn stands(run: &Run, what: &str) {
    // 0: nothing found; 8: faults found; 2: refused with a reason.
    assert!(matches!(run.code, Some(0 | 2 | 8)), "{what}: {:?}\n{}\n{}", run.code, run.stdout, run.stderr);
    assert!(run.code != Some(2) || !run.stderr.trim().is_empty(), "{what}: refused without a reason");
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains("panicked"), "{what}: {text}");
        assert!(!text.contains('\u{1b}'), "{what}: an escape sequence came through");
        assert!(
            !text.lines().any(|line| line.trim_start().starts_with("::")),
            "{what}: a workflow command came through"
        );
    }
    assert!(run.stdout.len() < 1 << 20, "{what}: {} bytes of output", run.stdout.len());
}

async fn checked(prepare: impl FnOnce(&Scene)) -> (Run, Run) {
    let scene = Scene::start().await;
    scene.write("Dockerfile", DOCKERFILE);
    scene.write("main.py", "print('hello')\n");
    prepare(&scene);
    let said = finish(scene.program(&["check", "--offline"])).await;
    (said, finish(scene.program(&["check", "--offline", "--json"])).await)
}

#[tokio::test]
async fn dockerfiles_that_were_made_to_hurt() {
    let nested = format!("FROM {}x{}\n", "${A:-".repeat(3_000), "}".repeat(3_000));
    let doubling: String = (0..64).map(|_| "ENV A=$A$A$A$A\n").collect();
    let stages: String = (0..3_000).map(|at| format!("FROM s{} AS s{at}\n", at.max(1) - 1)).collect();
    for (what, dockerfile) in [
        ("nested defaults", nested),
        (
            "a variable that doubles",
            format!("FROM alpine\nENV A=aaaaaaaaaaaaaaaa\n{doubling}RUN echo $A\nCMD [\"$A\"]\n"),
        ),
        ("stages of stages", format!("{stages}CMD [\"sh\"]\n")),
        ("two thousand instructions", format!("FROM alpine\n{}", "RUN a && b\nENV C=d\n".repeat(1_000))),
        ("one long line", format!("FROM alpine\nRUN echo {}\n", "x".repeat(900_000))),
        ("a line that goes on and on", format!("FROM alpine\nRUN echo \\\n{}", "  y \\\n".repeat(50_000))),
        ("a heredoc without end", format!("FROM alpine\nRUN <<A <<B <<C\n{}", "echo\n".repeat(20_000))),
        ("brackets", format!("FROM alpine\nCMD {}\nRUN {}\n", "[".repeat(20_000), "$(".repeat(20_000))),
        ("quotes", format!("FROM alpine\nRUN {}\nENV A={}\n", "'\"`".repeat(20_000), "\"\\".repeat(20_000))),
        (
            "escapes",
            "FROM alpine\n\u{1b}]0;owned\u{7}\u{1b}[2J LINE\n::error::owned\nRUN \u{1b}[31m\r::set-output name=a::b\n"
                .into(),
        ),
        ("control characters", (0..32_u8).map(char::from).collect::<String>().repeat(500)),
    ] {
        let (said, json) = checked(|scene| scene.write("Dockerfile", &dockerfile)).await;
        stands(&said, what);
        stands(&json, what);
    }
}

#[tokio::test]
async fn manifests_and_trees_that_were_made_to_hurt() {
    type Prepare = Box<dyn FnOnce(&Scene)>;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let includes = |scene: &Scene| {
        (0..500).for_each(|at| scene.write(&format!("r{at}.txt"), &format!("-r r{}.txt\n-r r{at}.txt\n", at + 1)));
        scene.write("requirements.txt", "-r r0.txt\n-c requirements.txt\n-r ../../../../etc/passwd\n");
    };
    let links = |scene: &Scene| {
        symlink("b", scene.work.join("a")).unwrap();
        symlink("a", scene.work.join("b")).unwrap();
        symlink(".", scene.work.join("here")).unwrap();
        symlink("/etc/passwd", scene.work.join("requirements.txt")).unwrap();
        symlink("/dev/zero", scene.work.join("package.json")).unwrap();
    };
    let names = |scene: &Scene| {
        scene.write("::error::owned\n::error::owned\u{1b}[2J.py", "import no_such_module\n");
        scene.write("-rf", "");
        scene.write("$(touch owned)/`touch owned`;touch owned.py", "import no_such_module\n");
        scene.write(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY \"$(touch owned)\" .\nCMD [\"python\", \"`touch owned`.py\"]\n",
        );
    };
    let cases: Vec<(&str, Prepare)> = vec![
        ("deep JSON", Box::new(move |scene| scene.write("package.json", &deep("{\"scripts\":", "}")))),
        ("deep TOML", Box::new(move |scene| scene.write("pyproject.toml", &format!("a = {}\n", deep("[", "]"))))),
        ("deep YAML", Box::new(move |scene| scene.write("pnpm-lock.yaml", &deep("[", "]")))),
        ("deep Python", Box::new(move |scene| scene.write("main.py", &deep("(", ")")))),
        ("deep JavaScript", Box::new(move |scene| scene.write("index.js", &deep("[", "]")))),
        ("includes in circles", Box::new(includes)),
        ("links in circles and out of the repository", Box::new(links)),
        ("names", Box::new(names)),
        (
            "patterns",
            Box::new(|scene| scene.write(".dockerignore", &format!("{}\n", "**/*a".repeat(2_000)).repeat(20))),
        ),
        (
            "many requirements",
            Box::new(|scene| {
                let lines: String =
                    (0..20_000).map(|at| format!("package-{at}=={at}.0 ; python_version > '3'\n")).collect();
                scene.write("requirements.txt", &lines);
            }),
        ),
        ("a deep folder", Box::new(|scene| scene.write(&format!("{}x.py", "d/".repeat(400)), "import x\n"))),
        (
            "many files",
            Box::new(|scene| (0..3_000).for_each(|at| scene.write(&format!("m/{at}.py"), "import requests\n"))),
        ),
    ];
    for (what, prepare) in cases {
        let scene = Scene::start().await;
        scene.write("Dockerfile", DOCKERFILE);
        scene.write("main.py", "print('hello')\n");
        prepare(&scene);
        let json = finish(scene.program(&["check", "--offline", "--json"])).await;
        stands(&json, what);
        let fixed = finish(scene.program(&["check", "--offline", "--fix"])).await;
        stands(&fixed, what);
        assert!(
            !scene.work.join("owned").exists() && !scene.work.join("owned.py").exists(),
            "{what}: a shell saw a name"
        );
        assert!(!json.stdout.contains("root:x:0"), "{what}: a file outside the repository was read");
    }
}

#[tokio::test]
async fn logs_that_were_made_to_hurt() {
    let scene = Scene::start().await;
    let error = "ERROR: Could not find a version that satisfies the requirement ";
    for (what, log) in [
        ("one long line", "a".repeat(30 << 20)),
        ("one long line of needles", error.repeat(200_000)),
        ("a progress bar", "\r99%".repeat(4 << 20)),
        ("empty lines", "\n".repeat(1 << 20)),
        ("all errors", format!("{error}{}\n", "a==".repeat(300)).repeat(1_000)),
        ("brackets", format!("{}\n{}\n", "[".repeat(100_000), "(a*)*".repeat(100_000))),
        (
            "escapes",
            format!("\u{1b}]0;owned\u{7}{error}\u{1b}[2Jx==1 (from versions: none)\n::error::owned\n::add-mask::a\n"),
        ),
        ("no text", "\0\u{1}\u{2}\u{feff}".repeat(100_000)),
    ] {
        let path = scene.folder.path().join("hostile.log");
        fs::write(&path, log).unwrap();
        let path = path.to_str().unwrap();
        stands(&finish(scene.program(&["diagnose", path])).await, what);
        stands(&finish(scene.program(&["diagnose", "--json", path])).await, what);
    }
    let path = scene.folder.path().join("hostile.log");
    fs::write(&path, (0..=255_u8).cycle().take(8 << 20).collect::<Vec<_>>()).unwrap();
    stands(&finish(scene.program(&["diagnose", path.to_str().unwrap()])).await, "all bytes");
}

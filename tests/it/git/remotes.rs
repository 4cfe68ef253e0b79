//! Fetch and push, with the user's own git, to real remotes.

use domain_runner::git::{GitError, Pushed, Relation, Repo};

use super::{Place, fix_on, git, hook};

#[tokio::test]
async fn a_fix_is_pushed_and_found_again() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    let repo = place.repo();
    assert_eq!(repo.fetch("origin", "main").await.expect("fetched"), Some(parent));
    assert_eq!(repo.push("origin", &fix, "main").await.expect("pushed"), Pushed::Done);
    assert_eq!(git(&place.remote(), &["rev-parse", "main"]).trim(), fix.0);
    assert_eq!(repo.fetch("origin", "main").await.expect("fetched"), Some(fix.clone()));
    assert_eq!(repo.push("origin", &fix, "main").await.expect("pushed twice"), Pushed::Done);
}

#[tokio::test]
async fn a_branch_the_remote_lacks_is_no_error_and_can_be_made() {
    let place = Place::new();
    let (_, fix) = place.fix();
    let repo = place.repo();
    let remote = repo.fetch("origin", "fixes/one").await.expect("fetched");
    assert_eq!(repo.relation(&fix, remote.as_ref()).expect("relation"), Relation::RemoteMissing);
    assert_eq!(repo.push("origin", &fix, "fixes/one").await.expect("pushed"), Pushed::Done);
}

#[tokio::test]
async fn a_diverged_remote_is_never_overwritten() {
    let place = Place::new();
    let (_, fix) = place.fix();
    place.colleague_pushes();
    let repo = place.repo();
    assert!(matches!(repo.push("origin", &fix, "main").await.expect("answered"), Pushed::Rejected { .. }));
    let theirs = repo.fetch("origin", "main").await.expect("fetched").expect("a tip");
    assert_eq!(repo.relation(&fix, Some(&theirs)).expect("relation"), Relation::Diverged { ahead: 1, behind: 1 });
    assert_eq!(repo.relation(&repo.tip("main").expect("tip"), Some(&theirs)).expect("relation"), Relation::Behind(1));
    let Pushed::Rejected { reason } = repo.push("origin", &fix, "main").await.expect("answered") else {
        panic!("the remote was overwritten");
    };
    assert!(reason.contains("non-fast-forward"), "{reason}");

    // The same edit on the new tip passes, and the local branch takes both in.
    let local = repo.tip("main").expect("a tip");
    let again = fix_on(&repo, &theirs, "Dockerfile", 2, "RUN fixed");
    assert_eq!(repo.push("origin", &again, "main").await.expect("pushed"), Pushed::Done);
    repo.advance("main", &local, &again).expect("moved");
    assert_eq!((place.read("theirs.txt").as_str(), place.status().as_str()), ("theirs\n", ""));
}

#[tokio::test]
async fn a_remote_that_refuses_is_quoted_without_secrets() {
    let place = Place::new();
    let (_, fix) = place.fix();
    hook(
        &place.remote(),
        "pre-receive",
        "printf '\\033[31mmain is protected\\033[0m ghp_abcdefghijklmnopqrstuvwxyz\\n' >&2; exit 1",
    );
    let Err(GitError::Refused { words, .. }) = place.repo().push("origin", &fix, "main").await else {
        panic!("the hook was not heard");
    };
    assert!(words.contains("pre-receive hook declined"), "{words}");
    assert!(words.contains("main is protected [redacted]") && !words.contains('\u{1b}'), "{words}");
}

#[tokio::test]
async fn the_users_pre_push_hook_is_run_and_heard() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    hook(&place.root.join(".git"), "pre-push", "echo 'tests are red' >&2; exit 1");
    let Err(GitError::HookRefused { words }) = place.repo().push("origin", &fix, "main").await else {
        panic!("the hook was not heard");
    };
    assert!(words.contains("tests are red"), "{words}");
    assert_eq!(git(&place.remote(), &["rev-parse", "main"]).trim(), parent.0);
}

#[tokio::test]
async fn a_push_that_is_given_up_leaves_no_process_behind() {
    let place = Place::new();
    let (_, fix) = place.fix();
    let pid = place.dir.path().join("pid");
    hook(&place.root.join(".git"), "pre-push", &format!("echo $$ > '{}'; sleep 60", pid.display()));
    let repo = place.repo();
    let push = repo.push("origin", &fix, "main");
    assert!(tokio::time::timeout(std::time::Duration::from_secs(1), push).await.is_err());
    let pid = std::fs::read_to_string(pid).expect("the hook ran");
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // Killed; a zombie, where nobody reaps orphans, is dead too.
    let is_gone = || state().is_empty() || state().contains(") Z ");
    for _ in 0..100 {
        if is_gone() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the hook lives on: {}", state());
}

#[tokio::test]
async fn a_remote_that_does_not_exist_is_no_outage() {
    let place = Place::new();
    place.git(&["remote", "set-url", "origin", "../nowhere.git"]);
    let error = place.repo().fetch("origin", "main").await.expect_err("nobody there");
    assert!(matches!(error, GitError::Denied { .. }) && !error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_remote_that_cannot_be_reached_may_be_tried_again() {
    let place = Place::new();
    place.git(&["remote", "set-url", "origin", "http://127.0.0.1:9/x.git"]);
    let error = place.repo().fetch("origin", "main").await.expect_err("nobody there");
    assert!(matches!(error, GitError::Unreachable { .. }) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_token_reaches_the_remote_and_no_argument_or_message() {
    let place = Place::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/x.git", listener.local_addr().expect("an address"));
    place.git(&["remote", "set-url", "origin", &url]);
    let heard = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = listener.accept().await.expect("a caller");
        let (mut request, mut chunk) = (String::new(), [0; 4096]);
        while !request.contains("\r\n\r\n") {
            let read = socket.read(&mut chunk).await.expect("a request");
            request.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
        let answer = "HTTP/1.1 401 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.expect("answered");
        request
    });
    let repo = place.repo().authorised(Some("opaque-token-value".to_owned()));
    let error = repo.fetch("origin", "main").await.expect_err("refused");
    assert!(matches!(error, GitError::Denied { .. }), "{error}");
    assert!(!error.to_string().contains("opaque-token-value"));
    let request = heard.await.expect("heard");
    // x-access-token:opaque-token-value
    assert!(request.contains("Authorization: Basic eC1hY2Nlc3MtdG9rZW46b3BhcXVlLXRva2VuLXZhbHVl"), "{request}");
}

#[tokio::test]
async fn a_shallow_clone_is_enough() {
    let place = Place::new();
    for line in ["two\n", "three\n"] {
        place.write("notes.txt", line);
        place.commit_all("more");
    }
    place.git(&["push", "-q", "origin", "main"]);
    let url = format!("file://{}", place.remote().display());
    git(place.dir.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let repo = Repo::open(&place.dir.path().join("shallow")).expect("a repository");
    let tip = repo.fetch("origin", "main").await.expect("fetched").expect("a tip");
    let fix = fix_on(&repo, &tip, "Dockerfile", 2, "RUN fixed");
    assert_eq!(repo.relation(&fix, Some(&tip)).expect("relation"), Relation::Ahead(1));
    assert_eq!(repo.push("origin", &fix, "main").await.expect("pushed"), Pushed::Done);
    assert_eq!(git(&place.remote(), &["log", "--oneline", "main"]).lines().count(), 4);
}

#[tokio::test]
async fn a_partial_clone_is_enough() {
    let place = Place::new();
    git(&place.remote(), &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", place.remote().display());
    git(place.dir.path(), &["clone", "-q", "--filter=blob:none", &url, "partial"]);
    place.colleague_pushes();
    let repo = Repo::open(&place.dir.path().join("partial")).expect("a repository");
    let tip = repo.fetch("origin", "main").await.expect("fetched").expect("a tip");
    assert_eq!(repo.workspace(&tip).expect("a workspace").text("theirs.txt"), Some("theirs\n"));
    let (local, fix) = (repo.tip("main").expect("a tip"), fix_on(&repo, &tip, "Dockerfile", 2, "RUN fixed"));
    assert_eq!(repo.push("origin", &fix, "main").await.expect("pushed"), Pushed::Done);
    assert_eq!(repo.advance("main", &local, &fix).expect("moved").kept, []);
}

#[tokio::test]
async fn a_file_that_a_partial_clone_lacks_is_known_by_name() {
    let place = Place::new();
    git(&place.remote(), &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", place.remote().display());
    git(place.dir.path(), &["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    let repo = Repo::open(&place.dir.path().join("partial")).expect("a repository");
    let workspace = repo.workspace(&repo.head().expect("a head")).expect("a workspace");
    assert!(workspace.contains("Dockerfile") && workspace.bytes("Dockerfile").is_none());
}

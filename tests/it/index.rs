//! The index room against a registry on the loopback interface.
#![allow(clippy::unwrap_used, reason = "a test may panic; clippy knows only the annotated functions")]

use domain_runner::index::{Index, IndexSettings};
use domain_runner::knowledge::{Knowledge, Question, Registry, Resolution};

pub(crate) mod fake;

use fake::{Fake, Rel};

/// An index room of its own folder, asking `fake`.
struct Room {
    folder: tempfile::TempDir,
    fake: Fake,
}

impl Room {
    async fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), fake: Fake::start().await }
    }

    fn settings(&self, offline: bool) -> IndexSettings {
        let project = self.folder.path().join("project");
        std::fs::create_dir_all(&project).unwrap();
        IndexSettings { project, cache: self.folder.path().join("cache"), timeout_ms: 2_000, offline }
    }

    async fn ask_as(&self, offline: bool, question: &Question) -> Knowledge {
        let index = Index::with_sources(self.settings(offline), &self.fake.sources()).unwrap();
        let mut knowledge = Knowledge::default();
        index.answer(std::slice::from_ref(question), &mut knowledge).await;
        assert!(knowledge.was_asked(question));
        knowledge
    }

    async fn ask(&self, question: &Question) -> Knowledge {
        self.ask_as(false, question).await
    }

    /// Why the question stays open.
    async fn refusal(&self, question: &Question) -> String {
        self.ask(question).await.unanswered.remove(0).1
    }

    async fn versions(&self, registry: Registry, name: &str) -> Vec<String> {
        let knowledge = self.ask(&package(registry, name)).await;
        knowledge.releases(registry, name).unwrap().iter().map(|release| release.version.clone()).collect()
    }

    async fn needs(&self, registry: Registry, name: &str, version: &str) -> Vec<String> {
        let question = Question::Dependencies { registry, name: name.to_owned(), version: version.to_owned() };
        let knowledge = self.ask(&question).await;
        assert_eq!(knowledge.unanswered, []);
        knowledge.dependencies(registry, name, version).unwrap().to_vec()
    }

    /// The resolution as text: `a=1 b=2`, or why there is none.
    async fn solve(&self, lines: &[&str], free: &[&str]) -> String {
        let question = resolution("3.13", lines, free);
        let knowledge = self.ask(&question).await;
        match knowledge.resolution(&question) {
            Some(Resolution::Solved(versions)) => {
                versions.iter().map(|(name, version)| format!("{name}={version}")).collect::<Vec<_>>().join(" ")
            }
            Some(Resolution::Unsolvable(why)) => why.clone(),
            None => format!("unanswered: {}", knowledge.unanswered[0].1),
        }
    }
}

fn package(registry: Registry, name: &str) -> Question {
    Question::Package { registry, name: name.to_owned() }
}

fn resolution(python: &str, lines: &[&str], free: &[&str]) -> Question {
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    Question::PythonResolution { python: python.to_owned(), requirements: owned(lines), free: owned(free) }
}

#[tokio::test]
async fn versions_come_in_order_from_json_and_html_alike() {
    let room = Room::new().await;
    let rels = || [Rel::new("1.10").python(">=3.9"), Rel::new("1.9").yanked(), Rel::new("1.2").source()];
    room.fake.package("as-json", &rels());
    room.fake.html_package("as-html", &rels());
    let json = room.ask(&package(Registry::Pypi, "as-json")).await;
    let html = room.ask(&package(Registry::Pypi, "As_HTML")).await;
    let releases = json.releases(Registry::Pypi, "as-json").unwrap();
    assert_eq!(releases, html.releases(Registry::Pypi, "As_HTML").unwrap());
    let versions: Vec<_> = releases.iter().map(|release| release.version.as_str()).collect();
    assert_eq!(versions, ["1.2", "1.9", "1.10"]);
    assert!(releases[0].has_source && releases[1].yanked && !releases[2].yanked);
    assert_eq!(releases[2].requires.as_deref(), Some(">=3.9"));
    assert_eq!(releases[2].wheels, ["py3-none-any"]);
}

#[tokio::test]
async fn npm_and_crates_answer_too() {
    let room = Room::new().await;
    room.fake.put(
        "/npm/@x%2fy",
        "application/json",
        br#"{"versions": {"2.0.0": {"dependencies": {"z": "^1"}}, "1.0.0": {}}}"#,
    );
    room.fake.put("/crates/se/rd/serde", "text/plain", br#"{"name":"serde","vers":"1.0.0","deps":[],"yanked":false}"#);
    assert_eq!(room.versions(Registry::Npm, "@x/y").await, ["1.0.0", "2.0.0"]);
    assert_eq!(room.needs(Registry::Npm, "@x/y", "2.0.0").await, ["z@^1"]);
    assert_eq!(room.versions(Registry::Crates, "serde").await, ["1.0.0"]);
    assert_eq!(room.versions(Registry::Crates, "no-such").await, [""; 0]);
    assert!(room.refusal(&package(Registry::Npm, "@x/private")).await.contains("private"));
}

#[tokio::test]
async fn dependencies_are_read_in_whatever_way_the_index_offers() {
    let room = Room::new().await;
    room.fake.package("beside", &[Rel::new("1").needs(&["b>=2"])]);
    room.fake.package("inside", &[Rel::new("1").needs(&["c", "d ; extra == 'x'"]).metadata_inside()]);
    room.fake.package("api", &[Rel::new("1").source()]);
    room.fake.put("/pypi/api/1/json", "application/json", br#"{"info": {"requires_dist": ["e"]}}"#);
    assert_eq!(room.needs(Registry::Pypi, "beside", "1.0").await, ["b>=2"]);
    assert_eq!(room.needs(Registry::Pypi, "inside", "1").await, ["c", "d ; extra == 'x'"]);
    assert_eq!(room.needs(Registry::Pypi, "api", "1").await, ["e"]);
    assert!(room.fake.hits().iter().all(|hit| hit.path != "/files/inside-1-py3-none-any.whl" || hit.is_range));
}

#[tokio::test]
async fn a_missing_package_is_an_answer_unless_the_project_has_an_index_of_its_own() {
    let room = Room::new().await;
    assert_eq!(room.versions(Registry::Pypi, "nope").await, [""; 0]);
    let settings = room.settings(false);
    std::fs::write(settings.project.join("requirements.txt"), "--extra-index-url https://own.example/\n").unwrap();
    let refusal = room.refusal(&package(Registry::Pypi, "nope")).await;
    assert_eq!(refusal, "`nope` is not at the index, but may be at a private one");
}

#[tokio::test]
async fn a_hiccup_is_tried_again_and_a_lasting_failure_is_told() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("1")]);
    room.fake.fail("/simple/a/", 2, 503);
    assert_eq!(room.versions(Registry::Pypi, "a").await, ["1"]);
    room.fake.fail("/simple/b/", 9, 503);
    assert_eq!(room.refusal(&package(Registry::Pypi, "b")).await, "`127.0.0.1` answered 503");
    room.fake.put("/simple/c/", "text/html", b"<html><a href='/help'>Sign in</a></html>");
    assert!(room.refusal(&package(Registry::Pypi, "c")).await.contains("failed to read an index page"));
}

#[tokio::test]
async fn offline_answers_come_from_the_cache_or_not_at_all() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("1"), Rel::new("2")]);
    let question = package(Registry::Pypi, "a");
    let offline = room.ask_as(true, &question).await;
    assert_eq!(offline.unanswered[0].1, "this run is offline");
    assert_eq!(room.fake.hits().len(), 0);
    let online = room.ask(&question).await;
    assert_eq!(room.ask_as(true, &question).await, online);
    room.ask(&question).await;
    assert_eq!(room.fake.hits().len(), 1);
}

#[tokio::test]
async fn the_users_password_reaches_the_index_and_nothing_else() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("1").needs(&["b"])]);
    let mut sources = room.fake.sources();
    sources.pypi[0].set_username("user").unwrap();
    sources.pypi[0].set_password(Some("hunter2")).unwrap();
    let index = Index::with_sources(room.settings(false), &sources).unwrap();
    let mut knowledge = Knowledge::default();
    room.fake.fail("/simple/z/", 9, 401);
    index.answer(&[package(Registry::Pypi, "a"), package(Registry::Pypi, "z")], &mut knowledge).await;
    assert_eq!(knowledge.unanswered[0].1, "`127.0.0.1` answered 401");
    assert!(room.fake.hits().iter().all(|hit| hit.is_authorised));
    for entry in std::fs::read_dir(room.folder.path().join("cache")).unwrap() {
        assert!(!std::fs::read_to_string(entry.unwrap().path()).unwrap().contains("hunter2"));
    }
}

/// Two conflicts as in the first real project this was written for.
async fn providers() -> Room {
    let room = Room::new().await;
    room.fake.package("web", &[Rel::new("2.14").needs(&["core==2.50"])]);
    room.fake.package("core", &[Rel::new("2.40"), Rel::new("2.50")]);
    room.fake.package("net", &[Rel::new("1.26"), Rel::new("2.8")]);
    room.fake.package(
        "chat",
        &[
            Rel::new("6.0").needs(&["core<2.44"]),
            Rel::new("6.1").needs(&["core<2.44"]),
            Rel::new("7.0").needs(&["core", "net"]),
            Rel::new("7.3").needs(&["core", "net"]),
        ],
    );
    room.fake.package(
        "auth",
        &[
            Rel::new("2.22").needs(&["net<2"]),
            Rel::new("2.23").needs(&["net<2"]),
            Rel::new("2.24").needs(&["net"]).yanked(),
            Rel::new("2.25").needs(&["net"]),
            Rel::new("2.40").needs(&["net"]),
        ],
    );
    room
}

const PINS: &[&str] = &["web==2.14", "net==2.8", "chat==6.1  # why", "auth==2.22"];

#[tokio::test]
async fn freed_pins_move_as_little_as_the_others_allow() {
    let room = providers().await;
    assert_eq!(room.solve(PINS, &["chat", "auth"]).await, "auth=2.25 chat=7.0");
    assert_eq!(room.solve(PINS, &["auth", "chat", "web", "net"]).await, "auth=2.22 chat=7.0 net=1.26 web=2.14");
}

#[tokio::test]
async fn what_stays_pinned_is_named_in_the_explanation() {
    let room = providers().await;
    let why = room.solve(PINS, &["chat"]).await;
    for fact in ["auth 2.22 needs net <2", "the project needs net 2.8", "the project needs auth 2.22"] {
        assert!(why.contains(fact), "`{fact}` is missing in: {why}");
    }
}

#[tokio::test]
async fn a_pin_that_already_fits_stays() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("1.0").needs(&["b<2"]), Rel::new("1.1")]);
    room.fake.package("b", &[Rel::new("1.5"), Rel::new("2.0")]);
    assert_eq!(room.solve(&["a==1.0", "b==2.0"], &["b", "a"]).await, "a=1.1 b=2.0");
    assert_eq!(room.solve(&["a==1.0", "b==2.0"], &["a"]).await, "a=1.1");
    assert_eq!(room.solve(&["a==1.0", "b==2.0"], &["b"]).await, "b=1.5");
    assert_eq!(room.solve(&["a==1.0", "b==1.5"], &["b", "a", "unrelated"]).await, "a=1.0 b=1.5");
}

#[tokio::test]
async fn python_wheels_and_withdrawal_decide_what_may_be_chosen() {
    let room = Room::new().await;
    room.fake.package(
        "a",
        &[
            Rel::new("1.0").wheel("cp311-cp311-manylinux_2_17_x86_64").source(),
            Rel::new("1.1").python("<3.13"),
            Rel::new("1.2").wheel("cp313-cp313-win_amd64"),
            Rel::new("1.3").yanked(),
            Rel::new("1.4rc1"),
            Rel::new("1.5").wheel("cp310-abi3-manylinux2014_x86_64"),
        ],
    );
    assert_eq!(room.solve(&["a==1.0"], &["a"]).await, "a=1.5");
    assert_eq!(room.solve(&["a==1.1"], &[]).await, "a 1.1 needs Python <3.13, not 3.13; the project needs a 1.1");
    assert_eq!(room.solve(&["a==1.3"], &[]).await, "");
    assert_eq!(
        room.solve(&["a>=1.3,<1.4"], &[]).await,
        "all of a >=1.3, <1.4 is yanked; the project needs a >=1.3, <1.4"
    );
    assert_eq!(room.solve(&["a==1.4rc1"], &[]).await, "");
}

#[tokio::test]
async fn markers_and_extras_bring_their_own_requirements() {
    let room = Room::new().await;
    room.fake.package(
        "a",
        &[
            Rel::new("1").needs(&[
                "b==1 ; extra == 'x'",
                "b==9 ; sys_platform == 'win32'",
                "b==9 ; python_version < '3.13'",
            ]),
            Rel::new("2").needs(&["b==2 ; extra == 'x'"]),
        ],
    );
    room.fake.package("b", &[Rel::new("1"), Rel::new("2")]);
    assert_eq!(room.solve(&["a[x]==1", "b==2"], &["a"]).await, "a=2");
    assert_eq!(room.solve(&["a==1", "b==2"], &["a"]).await, "a=1");
    assert!(room.solve(&["a[x]==1", "b==2"], &[]).await.contains("a[x] 1 needs b 1"));
}

#[tokio::test]
async fn a_constraint_counts_only_where_its_package_is_needed() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("3").needs(&["b>=3"])]);
    room.fake.package("b", &[Rel::new("2"), Rel::new("3"), Rel::new("4")]);
    room.fake.package("c", &[Rel::new("1").needs(&["b<3"])]);
    assert_eq!(room.solve(&["a", "-c b==3", "-c c==1"], &[]).await, "");
    assert_eq!(room.solve(&["a", "-c b==2"], &["b"]).await, "b=3");
    let why = room.solve(&["a", "-c b==2"], &[]).await;
    assert!(why.contains("the constraint `b==2` leaves nothing of b >=3"), "{why}");
}

#[tokio::test]
async fn what_cannot_be_known_stays_unanswered() {
    let room = Room::new().await;
    room.fake.package("a", &[Rel::new("1").source()]);
    assert!(room.solve(&["a==1"], &[]).await.starts_with("unanswered: `127.0.0.1` answered 404"));
    assert!(room.solve(&["./here"], &[]).await.contains("not a requirement the resolver understands"));
    assert!(room.refusal(&resolution("2.7", &["a"], &[])).await.contains("not a version of Python 3"));
}

#[tokio::test]
async fn an_endless_chain_of_packages_is_given_up() {
    let room = Room::new().await;
    for number in 0..350 {
        let next = format!("p{}", number + 1);
        room.fake.package(&format!("p{number}"), &[Rel::new("1").needs(&[&next])]);
    }
    assert_eq!(room.solve(&["p0"], &[]).await, "unanswered: the resolver gave up after 300 packages");
}

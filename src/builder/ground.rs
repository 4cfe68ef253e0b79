//! Where the instructions of a Dockerfile are carried out without an engine: namespaces, or a plain folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::child::{Act, ConfinedOrder, CopyOrder, Holder, LayFrom, LayOrder, Order, RunOrder};
use super::process::{Helper, Runner};
use super::understudy::{Prefix, Understudy};
use super::{BuilderError, plain};
use crate::world;

/// What a build and its containers may write in all. Kept in memory, so it also keeps the host's memory.
const WRITTEN_BYTES_MAX: u64 = 4 << 30;

/// Where a host is given its scratch file system: folders that a root shows empty anyway.
const BASES: &[&str] = &["/mnt", "/media", "/srv", "/tmp"];

/// The folders a shell of any base image looks in.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where offered programs are shown: a folder that is ours in every root, whoever we are.
const PROGRAMS: &str = "/srv/bin";

/// Variables of the host that programs need to reach package registries from here.
const NETWORK_VARIABLES: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The root folder of a stage.
pub(super) fn root_of(base: &Path, stage: usize) -> PathBuf {
    base.join(format!("root-{stage}"))
}

/// A place with roots, gone with its handle.
pub(super) struct Ground {
    runner: Runner,
    base: PathBuf,
    /// `None`: plain folders.
    held: Option<Held>,
}

/// Namespaces, and the process that keeps them.
struct Held {
    holder: Holder,
    _process: Helper,
}

/// A command to run in a root.
pub(super) struct Step {
    pub(super) stage: usize,
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) workdir: String,
    pub(super) user: Option<String>,
    /// What plays the base image.
    pub(super) prefix: Option<Prefix>,
}

impl Ground {
    /// Makes namespaces. `near` are folders that must stay in sight.
    pub(super) async fn in_namespaces(runner: &Runner, near: &[&Path]) -> Result<Self, String> {
        let is_root = rustix::process::geteuid().is_root();
        if is_root && let Ok(ground) = Self::held(runner, near, false).await {
            return Ok(ground);
        }
        // The way of ordinary users, and of a root without rights, as containers have it.
        Self::held(runner, near, true).await
    }

    async fn held(runner: &Runner, near: &[&Path], has_user_namespace: bool) -> Result<Self, String> {
        let is_free = |base: &&&str| Path::new(base).is_dir() && !near.iter().any(|folder| folder.starts_with(base));
        let base =
            BASES.iter().find(is_free).ok_or_else(|| "no folder is free for a scratch file system".to_owned())?;
        let base = PathBuf::from(base);
        let act = Act::Hold { base: base.clone(), bytes_max: WRITTEN_BYTES_MAX, user_namespace: has_user_namespace };
        let mut process = runner.start(&Order { within: None, act }).map_err(|error| error.to_string())?;
        match process.first_line().await.as_deref() {
            Some("ready") => {}
            Some(said) => return Err(said.to_owned()),
            None => return Err("the helper ended without a word".to_owned()),
        }
        let holder = Holder { pid: process.pid, has_user_namespace };
        Ok(Self { runner: runner.clone(), base, held: Some(Held { holder, _process: process }) })
    }

    /// Runs a command in a root, to see whether the kernel lets us.
    pub(super) async fn try_out(&self) -> Result<(), String> {
        self.lay(0, LayFrom::Host, Understudy::default()).await?;
        let argv = ["/bin/sh", "-c", ": > /tmp/tried"].map(str::to_owned);
        let step = Step {
            stage: 0,
            argv: argv.to_vec(),
            env: BTreeMap::new(),
            workdir: "/".to_owned(),
            user: None,
            prefix: None,
        };
        let helper = self.start(step).map_err(|error| error.to_string())?;
        let mut said = Vec::new();
        let exit = helper.watch(u64::MAX, |line| said.push(line)).await;
        if exit.code == 0 { Ok(()) } else { Err(said.join("; ")) }
    }

    /// Plain folders below `scratch`.
    pub(super) fn plain(runner: &Runner, scratch: &Path) -> Self {
        Self { runner: runner.clone(), base: scratch.join("plain"), held: None }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.held.is_none()
    }

    pub(super) fn root(&self, stage: usize) -> PathBuf {
        root_of(&self.base, stage)
    }

    /// Makes the root of a stage.
    pub(super) async fn lay(&self, stage: usize, from: LayFrom, base: Understudy) -> Result<(), String> {
        let Some(held) = &self.held else {
            plain::lay(&self.base, stage, from).await?;
            return self.show_programs(stage, from).await;
        };
        let order = LayOrder {
            base: self.base.clone(),
            stage,
            from,
            has_user_namespace: held.holder.has_user_namespace,
            tools: tools(),
            prefix: base.prefix,
            is_slim: base.is_slim,
            is_hosts_python: base.is_hosts_python,
        };
        self.runner.carry_out(&self.order(Act::Lay(order))).await?;
        self.show_programs(stage, from).await
    }

    /// Puts the offered programs where the base image would have them.
    async fn show_programs(&self, stage: usize, from: LayFrom) -> Result<(), String> {
        if from != LayFrom::Host {
            return Ok(());
        }
        for (name, path) in &self.runner.programs {
            let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { continue };
            let order = CopyOrder {
                from: folder.to_owned(),
                sources: vec![file.to_string_lossy().into_owned()],
                texts: vec![],
                root: self.root(stage),
                to: format!("{PROGRAMS}/{name}"),
                chown: None,
                chmod: Some(0o755),
                keeps_owner: false,
            };
            self.copy(order).await?;
        }
        Ok(())
    }

    pub(super) async fn copy(&self, mut order: CopyOrder) -> Result<(), String> {
        order.keeps_owner = match &self.held {
            Some(held) => held.holder.has_user_namespace,
            None => !rustix::process::geteuid().is_root(),
        };
        self.runner.carry_out(&self.order(Act::Copy(order))).await
    }

    pub(super) async fn make_folder(&self, stage: usize, path: &str) -> Result<(), String> {
        let act = Act::Folder { root: self.root(stage), path: path.to_owned() };
        self.runner.carry_out(&self.order(act)).await
    }

    /// Starts a command; it ends with the returned handle.
    pub(super) fn start(&self, step: Step) -> Result<Helper, BuilderError> {
        let mut env = base_environment(step.prefix.as_ref(), self.is_plain());
        if !self.runner.programs.is_empty()
            && let Some(path) = env.get_mut("PATH")
        {
            let programs = match self.held {
                Some(_) => PROGRAMS.to_owned(),
                None => plain::below(&self.root(step.stage), PROGRAMS).to_string_lossy().into_owned(),
            };
            *path = format!("{programs}:{path}");
        }
        let mut step = step;
        if let (Some(path), Some(base)) = (step.env.get_mut("PATH"), env.get("PATH")) {
            // `ENV PATH=/venv/bin:$PATH` means the base image's, which is not known when the Dockerfile is read.
            *path = format!("{}:{base}", path.trim_end_matches(':'));
        }
        let act = match &self.held {
            Some(held) => {
                env.extend(step.env);
                Act::Run(RunOrder {
                    root: self.root(step.stage),
                    argv: step.argv,
                    env,
                    workdir: step.workdir,
                    user: step.user,
                    has_user_namespace: held.holder.has_user_namespace,
                })
            }
            None => {
                let root = self.root(step.stage);
                env.extend(plain::environment(&root, &env));
                let mapped = |text: &String| plain::mapped(&root, text);
                env.extend(step.env.iter().map(|(name, value)| (name.clone(), mapped(value))));
                let argv = step.argv.iter().map(mapped).collect();
                let workdir = plain::below(&root, &step.workdir);
                Act::RunConfined(ConfinedOrder { argv, env, workdir, writable: self.base.clone() })
            }
        };
        self.runner.start(&self.order(act))
    }

    fn order(&self, act: Act) -> Order {
        Order { within: self.held.as_ref().map(|held| held.holder.clone()), act }
    }
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ground").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What a command finds set when the Dockerfile sets nothing.
fn base_environment(prefix: Option<&Prefix>, is_plain: bool) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        NETWORK_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), world::env(name)?))).collect();
    let path = match world::env("PATH") {
        Some(path) => format!("{path}:{PATH}"),
        None => PATH.to_owned(),
    };
    let path = match prefix {
        None => path,
        Some(prefix) if is_plain => format!("{}:{path}", prefix.folder.join("bin").display()),
        // The version manager's own choice must not come first.
        Some(_) => format!("{PATH}:{path}"),
    };
    env.insert("PATH".to_owned(), path);
    env.insert("HOME".to_owned(), "/root".to_owned());
    // Distributions forbid pip to touch their Python; official images do not.
    env.insert("PIP_BREAK_SYSTEM_PACKAGES".to_owned(), "1".to_owned());
    env
}

/// Folders on PATH outside the system's own: language version managers, mostly. Of a home, only these are shown.
fn tools() -> Vec<PathBuf> {
    let path = world::env("PATH").unwrap_or_default();
    let home = world::env("HOME").map(PathBuf::from);
    let mut tools: Vec<PathBuf> = path
        .split(':')
        .map(Path::new)
        .filter(|entry| {
            entry.is_absolute() && !["/usr", "/bin", "/sbin", "/opt"].iter().any(|own| entry.starts_with(own))
        })
        .filter_map(|entry| match home.as_deref().and_then(|home| Some((home, entry.strip_prefix(home).ok()?))) {
            Some((home, rest)) => Some(home.join(rest.components().next()?)),
            None => entry.parent().filter(|parent| parent.components().count() > 1).map(Path::to_owned),
        })
        .collect();
    if let Some(home) = &home
        && tools.contains(&home.join(".cargo"))
    {
        // Its programs are links into this one.
        tools.push(home.join(".rustup"));
    }
    tools.sort();
    tools.dedup();
    tools
}

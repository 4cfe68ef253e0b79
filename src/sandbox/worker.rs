//! The worker: begins deploys, builds, swaps instances. One deploy at a time, as on Render.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::builds::{Builds, Built, BuiltImage};
use super::deploy::DeployRecord;
use super::hub::{Hub, Order};
use super::launch::{Healthy, Launch};
use super::live::Live;
use super::logs::Source;
use super::service::ServiceRecord;
use crate::builder::BuildSpec;
use crate::service::{FailureReason, ServiceType};

/// Images kept for rollbacks.
const IMAGES_MAX: usize = 3;
/// What a build may use on Render's starter pipeline (contract §8).
const BUILD_MEMORY_BYTES: u64 = 8 << 30;
const BUILD_MEMORY: &str = "8GB";
/// What a shell says of a command that cannot be run.
const NOT_STARTED: i64 = 126;

/// What never changes while the sandbox runs.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub root: PathBuf,
    pub build_timeout: Duration,
    pub memory_bytes: u64,
    pub start_timeout: Duration,
}

/// Carries out what the state machine decides.
#[derive(Debug)]
pub(super) struct Worker {
    hub: Arc<Hub>,
    builds: Arc<Builds>,
    terms: Terms,
    client: reqwest::Client,
    /// Newest last.
    images: Vec<(String, BuiltImage)>,
    live: Option<Live>,
    /// Replaced instances on their way out.
    retiring: JoinSet<()>,
}

impl Worker {
    pub(super) fn new(hub: Arc<Hub>, builds: Arc<Builds>, terms: Terms, client: reqwest::Client) -> Self {
        Self { hub, builds, terms, client, images: Vec::new(), live: None, retiring: JoinSet::new() }
    }

    /// Works until `quit` says so, then stops every instance and removes every image.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>, mut quit: watch::Receiver<bool>) {
        let mut changes = self.hub.changes();
        while !*quit.borrow_and_update() {
            changes.borrow_and_update();
            if let Ok(order) = orders.try_recv() {
                tokio::select! {
                    _ = quit.changed() => {}
                    () = self.obey(order) => {}
                }
                continue;
            }
            if self.hub.read(|platform| platform.next().is_some()) {
                if let Some(deploy) = self.hub.change(|platform, now| platform.begin_next(now)) {
                    tokio::select! {
                        _ = quit.changed() => {}
                        () = self.deploy(&deploy) => {}
                    }
                    self.tidy(&deploy).await;
                }
                continue;
            }
            tokio::select! {
                _ = quit.changed() => {}
                _ = changes.changed() => {}
            }
        }
        self.hub.route.send_replace(None);
        if let Some(live) = self.live.take() {
            live.stop().await;
        }
        while self.retiring.join_next().await.is_some() {}
        for (_, image) in &self.images {
            self.builds.discard(image).await;
        }
    }

    async fn deploy(&mut self, deploy: &DeployRecord) {
        let service = self.hub.read(|platform| platform.service.clone());
        let hub = Arc::clone(&self.hub);
        let result = tokio::select! {
            biased;
            // Canceled: dropping the other future kills what it had started.
            () = hub.ended(&deploy.id) => return,
            result = self.carry_out(deploy, &service) => result,
        };
        // A cancellation that came in between has the last word: the step is refused then.
        let step = match result {
            Err(Failure::Build(why)) => hub.change(|platform, now| platform.build_failed(&deploy.id, why, now)),
            Err(Failure::Update(why)) => hub.change(|platform, now| platform.update_failed(&deploy.id, why, now)),
            Err(Failure::PreDeploy(why)) => hub.change(|platform, now| platform.prepared(&deploy.id, Some(why), now)),
            Ok(None) => hub.change(|platform, now| platform.went_live(&deploy.id, (None, None), now)),
            Ok(Some((launch, healthy))) => {
                let port = healthy.port.as_ref().map(|port| port.port);
                let live = (Some(launch.instance.as_str()), port);
                let step = hub.change(|platform, now| platform.went_live(&deploy.id, live, now));
                match step {
                    Ok(()) => self.swap(launch, healthy),
                    Err(_) => healthy.process.stop().await,
                }
                step
            }
        };
        if let Err(error) = step {
            tracing::debug!(%error, "step refused");
        }
    }

    /// Builds, prepares, starts. `None`: a cron job, of which nothing runs until its hour.
    async fn carry_out(
        &mut self,
        deploy: &DeployRecord,
        service: &ServiceRecord,
    ) -> Result<Option<(Launch, Healthy)>, Failure> {
        let kept = deploy.request.reuse.as_ref().and_then(|reuse| self.image(reuse));
        let image = match kept {
            Some(image) => image,
            None => self.build(deploy, service).await?,
        };
        self.images.push((deploy.id.clone(), image.clone()));
        if deploy.request.reuse.is_none() {
            let step = self.hub.change(|platform, now| platform.built(&deploy.id, now));
            // Refused only when canceled, and then nobody hears the reason.
            step.map_err(|_| Failure::Build(FailureReason::Superseded))?;
        }
        if service.service_type == ServiceType::CronJob {
            return Ok(None);
        }
        let mut launch = self.launch(deploy, service, image);
        if deploy.request.reuse.is_none() && !service.pre_deploy_command.is_empty() {
            self.prepare(deploy, &launch, &service.pre_deploy_command).await.map_err(Failure::PreDeploy)?;
            let step = self.hub.change(|platform, now| platform.prepared(&deploy.id, None, now));
            step.map_err(|_| Failure::PreDeploy(FailureReason::Superseded))?;
            launch.instance = self.hub.change(|platform, _| platform.ids.instance(&service.id));
        }
        self.hub.log(&Source::Platform, "==> Deploying...");
        self.hub.log(
            &Source::Platform,
            "==> Setting WEB_CONCURRENCY=1 by default, based on available CPUs in the instance",
        );
        let healthy = launch.bring_up().await.map_err(Failure::Update)?;
        Ok(Some((launch, healthy)))
    }

    /// Runs the command before the deploy, on an instance of its own.
    async fn prepare(&self, deploy: &DeployRecord, launch: &Launch, command: &str) -> Result<(), FailureReason> {
        self.hub.log(&Source::Platform, &format!("==> Starting pre-deploy: {command}"));
        let (sink, mut lines) = mpsc::unbounded_channel::<String>();
        let (hub, source) = (Arc::clone(&self.hub), Source::App { instance: launch.instance.clone() });
        let pump = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                hub.log(&source, &line);
            }
        });
        let run = launch.run_spec(Some(command.to_owned()));
        let ended = self.builds.run(&launch.image, &run, sink).await;
        // Cannot fail: the task neither panics nor is aborted.
        let _ = pump.await;
        let code = match ended {
            Ok(exit) => exit.code,
            Err(error) => {
                tracing::debug!(deploy = %deploy.id, "the command before the deploy did not start: {error}");
                NOT_STARTED
            }
        };
        if code == 0 {
            self.hub.log(&Source::Platform, "==> Pre-deploy complete!");
            return Ok(());
        }
        self.hub.log(&Source::Platform, &format!("==> Pre-deploy has failed: exited with status {code}"));
        Err(FailureReason::NonZeroExit(code))
    }

    async fn build(&self, deploy: &DeployRecord, service: &ServiceRecord) -> Result<BuiltImage, Failure> {
        let say = |line: &str| self.hub.log(&Source::Build, line);
        let commit = &deploy.request.commit.id;
        say(&format!("==> Cloning from {}", service.repo));
        say(&format!("==> Checking out commit {commit} in branch {}", service.branch));
        let spec = self.check_out(deploy, service).await.map_err(|why| {
            say(&format!("error: {why}"));
            say("error: exit status 1");
            Failure::Build(FailureReason::NonZeroExit(1))
        })?;
        let (sink, mut lines) = mpsc::unbounded_channel::<String>();
        let hub = Arc::clone(&self.hub);
        let pump = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                hub.log(&Source::Build, &line);
            }
        });
        let built = self.builds.build(&spec, &sink).await;
        drop(sink);
        // Cannot fail: the task neither panics nor is aborted.
        let _ = pump.await;
        let why = match built {
            Ok(Built::Image(image)) => {
                say("Pushing image to registry...");
                say("Upload succeeded");
                return Ok(image);
            }
            Ok(Built::Failed) => FailureReason::NonZeroExit(1),
            Ok(Built::TimedOut) => {
                say("==> Timed Out");
                let seconds = i64::try_from(self.terms.build_timeout.as_secs()).unwrap_or(i64::MAX);
                FailureReason::TimedOut { seconds, reason: None }
            }
            Ok(Built::OutOfMemory) => {
                say(&format!("==> Ran out of memory (used over {BUILD_MEMORY}) while building your code."));
                FailureReason::OomKilled { memory_limit: BUILD_MEMORY.to_owned() }
            }
            Err(error) => {
                say(&format!("error: {error}"));
                FailureReason::NonZeroExit(1)
            }
        };
        say("error: exit status 1");
        Err(Failure::Build(why))
    }

    async fn check_out(&self, deploy: &DeployRecord, service: &ServiceRecord) -> Result<BuildSpec, String> {
        let source = self.work(deploy).join("src");
        let top = inside(&source, &service.root_dir)?;
        let spec = BuildSpec {
            context: inside(&top, &service.docker_context)?,
            dockerfile: inside(&top, &service.dockerfile_path)?,
            build_args: service.env.clone(),
            tag: format!("domain-runner-sandbox-{}", deploy.id),
            timeout: self.terms.build_timeout,
            memory_bytes: BUILD_MEMORY_BYTES,
            scratch: self.scratch(deploy),
        };
        for folder in [&source, &spec.scratch] {
            tokio::fs::create_dir_all(folder).await.map_err(|error| error.to_string())?;
        }
        let (remote, commit) = (self.hub.remote.clone(), deploy.request.commit.id.clone());
        let checked = tokio::task::spawn_blocking(move || remote.check_out(&commit, &source)).await;
        match checked {
            Ok(Ok(())) if top.is_dir() => Ok(spec),
            Ok(Ok(())) => Err(format!("root directory `{}` does not exist", service.root_dir)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn launch(&self, deploy: &DeployRecord, service: &ServiceRecord, image: BuiltImage) -> Launch {
        let wanted = service.env.get("PORT").and_then(|port| port.parse().ok());
        let port = self.builds.port(wanted);
        let instance = self.hub.change(|platform, _| platform.ids.instance(&service.id));
        Launch {
            hub: Arc::clone(&self.hub),
            builds: Arc::clone(&self.builds),
            client: self.client.clone(),
            image,
            env: runtime_env(deploy, service, port, &instance),
            port,
            port_set: wanted,
            command: Some(service.docker_command.clone()).filter(|command| !command.is_empty()),
            memory_bytes: self.terms.memory_bytes,
            health_path: service.health_check_path.clone(),
            listens: service.listens(),
            host: service.host(),
            instance,
            timeout: self.terms.start_timeout,
        }
    }

    /// Moves the traffic to a healthy instance; the old one ends in its own time.
    fn swap(&mut self, launch: Launch, healthy: Healthy) {
        self.hub.route.send_replace(healthy.port.as_ref().map(|port| port.reach));
        if let Some(old) = self.live.replace(Live::serve(launch, healthy)) {
            self.retiring.spawn(old.stop());
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Suspend => {
                self.hub.route.send_replace(None);
                if let Some(live) = self.live.take() {
                    live.stop().await;
                }
            }
            Order::Restart => {
                let Some(live) = &self.live else { return };
                // The same image and the same variables: a restart applies no change.
                let mut launch = live.launch().clone();
                launch.instance = self.hub.change(|platform, _| {
                    let service = platform.service.id.clone();
                    platform.ids.instance(&service)
                });
                launch.env.insert("RENDER_INSTANCE_ID".to_owned(), launch.instance.clone());
                launch.port = self.builds.port(Some(launch.port));
                launch.env.insert("PORT".to_owned(), launch.port.to_string());
                let Ok(healthy) = launch.bring_up().await else { return };
                self.hub.change(|platform, now| platform.serving(&launch.instance, "server_restarted", now));
                self.swap(launch, healthy);
            }
        }
    }

    fn work(&self, deploy: &DeployRecord) -> PathBuf {
        self.terms.root.join("builds").join(&deploy.id)
    }

    fn scratch(&self, deploy: &DeployRecord) -> PathBuf {
        self.terms.root.join("scratch").join(&deploy.id)
    }

    fn image(&self, deploy: &str) -> Option<BuiltImage> {
        self.images.iter().find(|(id, _)| id == deploy).map(|(_, image)| image.clone())
    }

    /// Removes what a deploy leaves behind, and the images that are too old to roll back to.
    async fn tidy(&mut self, deploy: &DeployRecord) {
        let mut folders = vec![self.work(deploy)];
        if self.image(&deploy.id).is_none() {
            folders.push(self.scratch(deploy));
        }
        for folder in folders {
            match tokio::fs::remove_dir_all(&folder).await {
                Err(error) if error.kind() != ErrorKind::NotFound => tracing::debug!(%error, "build folder stays"),
                _ => {}
            }
        }
        let serving = self.hub.read(|platform| platform.last_good().map(|deploy| deploy.id.clone()));
        while self.images.len() > IMAGES_MAX {
            let Some(oldest) = self.images.iter().position(|(id, _)| Some(id) != serving.as_ref()) else { return };
            let (_, image) = self.images.remove(oldest);
            // A rollback runs an older deploy's image under its own id.
            if self.images.iter().all(|(_, other)| other.tag() != image.tag()) {
                self.builds.discard(&image).await;
            }
        }
    }
}

/// Where a deploy's work stopped.
#[derive(Debug)]
enum Failure {
    Build(FailureReason),
    PreDeploy(FailureReason),
    Update(FailureReason),
}

/// `path` below `top`; a path out of the repository is refused.
fn inside(top: &Path, path: &str) -> Result<PathBuf, String> {
    let mut whole = top.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => whole.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(format!("`{path}` leaves the repository")),
        }
    }
    Ok(whole)
}

/// What the app sees (contract §8): the service's own variables win.
fn runtime_env(deploy: &DeployRecord, service: &ServiceRecord, port: u16, instance: &str) -> BTreeMap<String, String> {
    let host = service.host();
    let given = [
        ("RENDER", "true"),
        ("RENDER_SERVICE_ID", &service.id),
        ("RENDER_SERVICE_NAME", &service.name),
        ("RENDER_SERVICE_TYPE", service.type_word()),
        ("RENDER_INSTANCE_ID", instance),
        ("RENDER_EXTERNAL_URL", &format!("https://{host}")),
        ("RENDER_EXTERNAL_HOSTNAME", &host),
        ("RENDER_GIT_COMMIT", &deploy.request.commit.id),
        ("RENDER_GIT_BRANCH", &service.branch),
        ("IS_PULL_REQUEST", "false"),
        ("WEB_CONCURRENCY", "1"),
    ];
    let mut env: BTreeMap<String, String> =
        given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    env.extend(service.env.clone());
    env.insert("PORT".to_owned(), port.to_string());
    env
}

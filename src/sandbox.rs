//! A Render small enough for a laptop: the same API on loopback, a real git remote, builds that really run.
//!
//! The demo, the test double and the rehearsal stage. The rules stand in `state`, which neither waits nor reads a
//! clock; `router` is its API, `worker` carries out what it decides. Facts are those of `render/contract.md`.
//! Quicker than Render: a crash loop is two exits, and `start_timeout` stands for the 15 minutes of a start.

mod answer;
mod builds;
mod deploy;
mod events;
mod fake;
mod faults;
mod hub;
mod ids;
mod launch;
mod limits;
mod live;
mod logs;
mod proxy;
mod pushes;
mod query;
mod remote;
mod router;
mod service;
mod state;
mod worker;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use self::builds::Builds;
pub use self::fake::SCRIPT_FILE;
pub use self::faults::{Fault, Faults, HowOften, Strike};
pub use self::remote::RemoteError;

use self::hub::Hub;
use self::remote::Remote;
use self::router::Line;
use self::state::Platform;
use self::worker::{Terms, Worker};
use crate::service::{AutoDeploy, ServiceId, ServiceType};
use crate::world;

/// Between two looks at a branch, a port or a process.
const POLL: Duration = Duration::from_millis(200);
/// What a health check waits for its answer (contract §8).
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// What the free and starter plans give a running service (contract §8).
const MEMORY_BYTES: u64 = 512 << 20;
/// Render builds for two hours; nobody waits that long for a sandbox.
const BUILD_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// Stands for Render's 15 minutes.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What happens to a deploy while another one is in progress (contract §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It waits as `queued`; only the newest waiting one runs. Render's default since 2025-07-14.
    Wait,
    /// It cancels the other.
    Override,
}

/// A service that has fallen asleep without visitors, as those of the free plan do (contract §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// Visitors wait until it has woken up.
    Holds(Duration),
    /// Visitors get 503 until it has woken up.
    Refuses(Duration),
}

/// What sandbox to start.
#[derive(Debug)]
pub struct SandboxSettings {
    /// Its own folder; made if missing.
    pub root: PathBuf,
    pub service_name: String,
    pub service_type: ServiceType,
    /// `docker`, or `image` for a service without a repository.
    pub runtime: String,
    pub plan: String,
    pub branch: String,
    pub health_check_path: Option<String>,
    /// Relative to `root_dir`.
    pub dockerfile_path: String,
    /// Relative to `root_dir`.
    pub docker_context: String,
    pub root_dir: String,
    pub env: BTreeMap<String, String>,
    /// Runs between build and start; empty for none.
    pub pre_deploy_command: String,
    /// Falls asleep as soon as it is live, until the first visit.
    pub sleep: Option<Sleep>,
    pub build_timeout: Duration,
    /// What a running instance may use.
    pub memory_bytes: u64,
    /// Stands for Render's 15 minutes.
    pub start_timeout: Duration,
    pub overlap: Overlap,
    pub auto_deploy: AutoDeploy,
    /// Between a push and its deploy.
    pub auto_deploy_delay: Duration,
    /// How long a commit's checks take until they pass. `None`: it has none, or they fail.
    pub checks: Option<Duration>,
    pub api_key: String,
    /// 0 takes any free port.
    pub port: u16,
    pub builds: Builds,
    pub faults: Faults,
}

impl SandboxSettings {
    /// A web service on `main` with everything at Render's defaults.
    pub fn new(root: PathBuf, service_name: &str, builds: Builds) -> Self {
        Self {
            root,
            service_name: service_name.to_owned(),
            service_type: ServiceType::WebService,
            runtime: "docker".to_owned(),
            plan: "free".to_owned(),
            branch: "main".to_owned(),
            health_check_path: None,
            dockerfile_path: "./Dockerfile".to_owned(),
            docker_context: ".".to_owned(),
            root_dir: String::new(),
            env: BTreeMap::new(),
            pre_deploy_command: String::new(),
            sleep: None,
            build_timeout: BUILD_TIMEOUT,
            memory_bytes: MEMORY_BYTES,
            start_timeout: START_TIMEOUT,
            overlap: Overlap::Wait,
            auto_deploy: AutoDeploy::Commit,
            auto_deploy_delay: Duration::ZERO,
            checks: None,
            api_key: format!("rnd_{}", world::random_word(28)),
            port: 0,
            builds,
            faults: Faults::default(),
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("failed to make the sandbox folder `{}`", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("failed to set up the sandbox's git remote")]
    Remote(#[from] RemoteError),
    #[error("failed to listen on port {port} of 127.0.0.1")]
    Listen { port: u16, source: std::io::Error },
    #[error("failed to set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// A running sandbox. Dropped, it ends at once; [`Sandbox::stop`] also tidies up.
#[derive(Debug)]
pub struct Sandbox {
    hub: Arc<Hub>,
    service: ServiceId,
    api: SocketAddr,
    public: SocketAddr,
    quit: watch::Sender<bool>,
    worker: Option<JoinHandle<()>>,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Makes the git remote, listens on loopback, and begins to watch for pushes.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxError> {
        let folder = |source| SandboxError::Folder { path: settings.root.clone(), source };
        std::fs::create_dir_all(&settings.root).map_err(folder)?;
        let root = settings.root.canonicalize().map_err(folder)?;
        let remote = Remote::create(root.join("remote.git"), &settings.branch)?;
        let known = remote.head(&settings.branch)?;
        let (api_listener, api) = listen(settings.port).await?;
        let (public_listener, public) = listen(0).await?;
        // Redirects are the app's own answers, and a proxy of this machine has no business on loopback.
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().no_gzip().build();
        let client = client.map_err(SandboxError::Client)?;

        let repo = remote.path().display().to_string();
        let begun = world::now() + settings.faults.clock_skew;
        let platform = Platform::new(&settings, repo, format!("http://{public}"), fastrand::u64(..), begun);
        let service = ServiceId(platform.service.id.clone());
        let (orders, ordered) = mpsc::unbounded_channel();
        let hub = Arc::new(Hub::new(platform, remote, (settings.faults, settings.api_key), orders));
        let terms = Terms {
            root,
            build_timeout: settings.build_timeout,
            memory_bytes: settings.memory_bytes,
            start_timeout: settings.start_timeout,
        };
        let worker = Worker::new(Arc::clone(&hub), Arc::new(settings.builds), terms, client.clone());
        let (quit, quitting) = watch::channel(false);
        let routes = router::router(Arc::clone(&hub)).into_make_service_with_connect_info::<Line>();
        let proxy = proxy::router(Arc::clone(&hub), client, settings.sleep);
        let servers = vec![
            tokio::spawn(async move { ended("api", axum::serve(api_listener, routes).await) }),
            tokio::spawn(async move { ended("proxy", axum::serve(public_listener, proxy).await) }),
            tokio::spawn(pushes::watch(Arc::clone(&hub), known, (settings.auto_deploy_delay, settings.checks))),
        ];
        let worker = Some(tokio::spawn(worker.run(ordered, quitting)));
        Ok(Self { hub, service, api, public, quit, worker, servers })
    }

    /// `http://127.0.0.1:PORT/v1`: what stands for `https://api.render.com/v1`.
    pub fn api_url(&self) -> String {
        format!("http://{}/v1", self.api)
    }

    pub fn api_key(&self) -> &str {
        &self.hub.api_key
    }

    pub fn service_id(&self) -> &ServiceId {
        &self.service
    }

    /// The workspace, as log queries must name it.
    pub fn owner_id(&self) -> String {
        self.hub.read(|platform| platform.service.owner.clone())
    }

    /// The bare repository to push to.
    pub fn remote(&self) -> &Path {
        self.hub.remote.path()
    }

    /// The public address: whatever version serves now answers there.
    pub fn service_url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Deploys when called, without an API key; a secret on the real Render.
    pub fn deploy_hook(&self) -> String {
        format!("http://{}/deploy/{}?key={}", self.api, self.service, self.hub.hook_key)
    }

    /// Ends every instance and removes every image. The folder stays.
    pub async fn stop(mut self) {
        self.quit.send_replace(true);
        if let Some(worker) = self.worker.take() {
            // Cannot fail: the task neither panics nor is aborted.
            let _ = worker.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Connections outlive their server: from now on they are cut.
        self.hub.closed.store(true, Ordering::Relaxed);
        for task in self.servers.iter().chain(&self.worker) {
            task.abort();
        }
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let failed = |source| SandboxError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn ended(server: &str, result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the sandbox's {server} server ended");
    }
}

//! One container: started with limits, watched, and removed whatever happens.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{Engine, LABEL, by_name, owner_label};
use crate::builder::{BuilderError, Exit, Image, Instance, Listening, LogSink, RunSpec, lines, procfs};
use crate::world;

/// The engine only has to answer; starting a container is done in one or two seconds even on slow disks.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Enough for any web service; a fork bomb stops here.
const PROCESSES_MAX: &str = "2048";

/// How long a published port may take to show whether somebody answers behind it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A container that is removed when its handle drops.
#[derive(Debug)]
pub(in crate::builder) struct Container {
    engine: Engine,
    name: String,
    /// The port that the process was told, and where it is published.
    port: u16,
    published: Option<SocketAddr>,
    address: Option<IpAddr>,
    pid: Option<u32>,
}

impl Engine {
    /// Starts a container; its output goes to `log` until it ends.
    pub(in crate::builder) async fn start(
        &self,
        image: &Image,
        run: &RunSpec,
        log: LogSink,
    ) -> Result<Instance, BuilderError> {
        let name = format!("{LABEL}-{}", world::random_word(12));
        // From here on the drop of `container` removes it, also when creating it was cut short.
        let mut container = Container {
            engine: self.clone(),
            name: name.clone(),
            port: run.port,
            published: None,
            address: None,
            pid: None,
        };
        container.create(image, run).await?;
        let mut command = world::command(self.client);
        command.args(["start", "--attach", &name]).stdin(Stdio::null());
        let output = lines::join(&mut command).map_err(BuilderError::on("start", Path::new(&name)))?;
        let mut child = command.spawn().map_err(BuilderError::on("start", Path::new(&name)))?;
        drop(command);
        let (tell, exit) = watch::channel(None);
        let engine = self.clone();
        tokio::spawn(async move {
            lines::relay(output, |line| {
                let _ = log.send(line);
            })
            .await;
            let code = child.wait().await.ok().and_then(|status| status.code()).unwrap_or(-1);
            let _ = tell.send(Some(engine.exit_of(&name, code.into()).await));
        });
        container.locate(&exit).await;
        Ok(Instance::of_container(container, exit))
    }

    /// The exit of a container that has ended; `code` is what the client said.
    async fn exit_of(&self, name: &str, code: i64) -> Exit {
        let format = "{{.State.ExitCode}} {{.State.OOMKilled}}";
        let told = self.inspect(name, format).await.unwrap_or_default();
        let code = told.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(code);
        // Podman reports 137 alone. Our own kill comes after the handle is gone, so nobody mistakes it.
        Exit { code, out_of_memory: told.ends_with("true") || code == 137 }
    }

    async fn inspect(&self, name: &str, format: &str) -> Option<String> {
        let output = self.run(&["inspect", "--format", format, name], CLIENT_TIMEOUT).await?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Container {
    pub(in crate::builder) fn id(&self) -> &str {
        &self.name
    }

    async fn create(&self, image: &Image, run: &RunSpec) -> Result<(), BuilderError> {
        let (memory, owner) = (run.memory_bytes.to_string(), owner_label());
        let mut argv: Vec<String> =
            ["create", "--name", &self.name, "--pull", "never", "--label", LABEL, "--label", &owner]
                .into_iter()
                .chain(["--memory", &memory, "--memory-swap", &memory, "--pids-limit", PROCESSES_MAX])
                .map(str::to_owned)
                .collect();
        argv.push(match self.engine.host_network {
            true => "--network=host".to_owned(),
            false => format!("--publish=127.0.0.1::{}", run.port),
        });
        let (mut variables, mut env) = (run.env.clone(), BTreeMap::new());
        variables.insert("PORT".to_owned(), run.port.to_string());
        by_name(&mut argv, &mut env, "--env", &variables);
        match &run.command {
            Some(line) => argv.extend(["--entrypoint", "/bin/sh", &image.tag, "-c", line].map(str::to_owned)),
            None => argv.push(image.tag.clone()),
        }
        let mut command = world::command(self.engine.client);
        command.args(argv).envs(env).stdin(Stdio::null());
        let output = tokio::time::timeout(CLIENT_TIMEOUT, command.output())
            .await
            .map_err(|_| BuilderError::Refused { said: "the engine did not answer within a minute".to_owned() })?
            .map_err(BuilderError::on("start", Path::new(self.engine.client)))?;
        if output.status.success() {
            return Ok(());
        }
        Err(BuilderError::Refused { said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }

    /// Waits until the engine has started the process, and notes where it lives.
    async fn locate(&mut self, exit: &watch::Receiver<Option<Exit>>) {
        const ATTEMPTS_MAX: u32 = 100;
        let format =
            "{{.State.Pid}}|{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}|{{json .NetworkSettings.Ports}}";
        for _ in 0..ATTEMPTS_MAX {
            let told = self.engine.inspect(&self.name, format).await.unwrap_or_default();
            let mut parts = told.splitn(3, '|');
            let pid: u32 = parts.next().and_then(|pid| pid.parse().ok()).unwrap_or(0);
            if pid != 0 {
                self.pid = Some(pid);
                self.address = parts.next().and_then(|list| list.split_whitespace().next()?.parse().ok());
                self.published = parts.next().and_then(|ports| published(ports, self.port));
                return;
            }
            if exit.borrow().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The ports on which the container listens.
    ///
    /// Read from the kernel where that is ours to read, else from inside, else by knocking at the published port.
    pub(in crate::builder) async fn listening(&self) -> Vec<Listening> {
        let sockets = match self.sockets_from_outside() {
            Some(sockets) => Some(sockets),
            None => self.sockets_from_inside().await,
        };
        let Some(sockets) = sockets else { return self.knock().await.into_iter().collect() };
        procfs::by_port(&sockets, |port, bound| self.reach(port, bound))
    }

    fn sockets_from_outside(&self) -> Option<Vec<procfs::Socket>> {
        let pid = self.pid.filter(|_| self.engine.local)?;
        let sockets = procfs::listeners(&PathBuf::from(format!("/proc/{pid}/net")))?;
        if self.engine.host_network {
            return Some(procfs::held_by(&procfs::family(pid), sockets));
        }
        // Docker's own name server listens inside every container of a user-defined network.
        Some(sockets.into_iter().filter(|socket| socket.address.ip() != IpAddr::from([127, 0, 0, 11])).collect())
    }

    async fn sockets_from_inside(&self) -> Option<Vec<procfs::Socket>> {
        let tables = ["exec", &self.name, "cat", "/proc/net/tcp", "/proc/net/tcp6"];
        let output = self.engine.run(&tables, CLIENT_TIMEOUT).await?;
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        (!table.is_empty() && !self.engine.host_network).then(|| procfs::listeners_in(&table))
    }

    fn reach(&self, port: u16, bound: IpAddr) -> SocketAddr {
        match (self.published, self.address) {
            (Some(published), _) if port == self.port => published,
            (_, Some(address)) => SocketAddr::new(address, port),
            _ => procfs::reach_here(port, bound),
        }
    }

    /// The engine's proxy accepts whatever happens behind it, so only an answer counts.
    async fn knock(&self) -> Option<Listening> {
        let reach = self.published?;
        let answer = async {
            let mut stream = TcpStream::connect(reach).await.ok()?;
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
            let mut byte = [0];
            stream.read(&mut byte).await.ok().filter(|count| *count > 0)
        };
        let answered = match tokio::time::timeout(PROBE_TIMEOUT, answer).await {
            Ok(answer) => answer.is_some(),
            // Held open without an answer: somebody listens and thinks.
            Err(_) => true,
        };
        answered.then_some(Listening { port: self.port, loopback_only: false, reach })
    }

    /// Asks the process to end and gives it `grace`.
    pub(in crate::builder) async fn stop(&self, grace: Duration) {
        let seconds = grace.as_secs().to_string();
        let _ = self.engine.run(&["stop", "-t", &seconds, &self.name], grace + CLIENT_TIMEOUT).await;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let mut command = world::command(self.engine.client).into_std();
        command.args(["rm", "--force", "--volumes", &self.name]);
        // Waited for: the program may end right after, and must not leave the container behind.
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Where `port` is published, of what the engine tells as JSON.
fn published(ports: &str, port: u16) -> Option<SocketAddr> {
    let ports: serde_json::Value = serde_json::from_str(ports).ok()?;
    let binding = ports.get(format!("{port}/tcp"))?.get(0)?;
    let host = binding.get("HostIp")?.as_str().filter(|host| !host.is_empty()).unwrap_or("127.0.0.1");
    let host_port: u16 = binding.get("HostPort")?.as_str()?.parse().ok()?;
    Some(SocketAddr::new(host.parse().ok()?, host_port))
}

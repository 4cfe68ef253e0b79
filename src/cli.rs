//! The command line: one command a file, its words, its arguments, its run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod busy;
mod cancel;
mod check;
mod connect;
mod counsel;
mod demo;
mod deploy;
mod diagnose;
mod duration;
mod exit;
mod explain;
mod heal;
mod interrupt;
mod learn;
mod place;
mod rollback;
mod run;
mod sandbox;
mod screen;
#[cfg(feature = "serve")]
mod serve;
mod sessions;
mod trial;
mod veil;

use exit::Exit;

/// Brings a Dockerised service whose deploy on Render fails back to healthy.
///
/// `deploy` observes the service, finds out why it does not deploy, makes the smallest safe edit, proves what can be
/// proved here, commits and pushes it, watches the deploy, and goes on until the service is healthy or an honest account of
/// what a person has to do.
#[derive(Debug, Parser)]
#[command(name = "domain-runner", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it without an account:   domain-runner demo
On your own service:         RENDER_API_KEY=rnd_… domain-runner deploy --service my-api
Rehearse without Render:     domain-runner deploy --sandbox

Exit codes: 0 healthy · 1 failure · 2 usage · 3 gave up · 4 needs a person · 5 key rejected
            6 not found · 7 locked · 8 check found something · 10 a dry run would change something · 124 still running · 130/143 interrupted";

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// The service's folder
    #[arg(
        short = 'C',
        long = "dir",
        value_name = "DIR",
        global = true,
        env = "DOMAIN_RUNNER_DIR",
        default_value = "."
    )]
    dir: PathBuf,
    /// Print JSON on stdout: events, one a line, for runs; one document for questions
    #[arg(long, global = true)]
    json: bool,
    /// Ask nothing, not even on a terminal
    #[arg(long, global = true)]
    no_input: bool,
    /// Print less
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Deploy(deploy::DeployArgs),
    Heal(heal::HealArgs),
    Rollback(rollback::RollbackArgs),
    Cancel(cancel::CancelArgs),
    Diagnose(diagnose::DiagnoseArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Rules(explain::RulesArgs),
    Learn(learn::LearnArgs),
    Sessions(sessions::SessionsArgs),
    Sandbox(sandbox::SandboxArgs),
    Demo(demo::DemoArgs),
    #[cfg(feature = "serve")]
    Serve(serve::ServeArgs),
}

impl Command {
    /// Whether its log is read by machines: a service's, day and night.
    fn is_service(&self) -> bool {
        #[cfg(feature = "serve")]
        return matches!(self, Self::Serve(_));
        #[cfg(not(feature = "serve"))]
        false
    }
}

/// Parses, runs, and says how it ended.
pub fn main() -> ExitCode {
    // A child of a builder, started again as this program, must be alone in its process: before any thread.
    if let Some(code) = crate::builder::main_if_asked().or_else(demo::guestbook::main_if_asked) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return code.into();
        }
    };
    veil::hide_own();
    start_log(cli.global.verbose, cli.command.is_service());
    // An agent that panics is replaced by the simple loop: the person needs one line, not a stack.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return screen::fail(&anyhow::Error::from(error), cli.global.json).into(),
    };
    let json = cli.global.json;
    let exit = match runtime.block_on(dispatch(cli)) {
        Ok(exit) => exit,
        Err(error) => screen::fail(&error, json),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit.into()
}

async fn dispatch(mut cli: Cli) -> anyhow::Result<Exit> {
    // CI passes an unset variable as an empty one.
    if cli.global.dir.as_os_str().is_empty() {
        cli.global.dir = PathBuf::from(".");
    }
    let global = &cli.global;
    match cli.command {
        Command::Deploy(args) => deploy::run(global, args).await,
        Command::Heal(args) => heal::run(global, args).await,
        Command::Rollback(args) => rollback::run(global, args).await,
        Command::Cancel(args) => cancel::run(global, args).await,
        Command::Diagnose(args) => diagnose::run(global, &args),
        Command::Check(args) => check::run(global, args).await,
        Command::Explain(args) => explain::explain(global, &args),
        Command::Rules(args) => explain::rules(global, &args),
        Command::Learn(args) => learn::run(global, &args),
        Command::Sessions(args) => sessions::run(global, &args),
        Command::Sandbox(args) => sandbox::run(global, args).await,
        Command::Demo(args) => demo::run(global, args).await,
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(global, args).await,
    }
}

/// The program's own log, on stderr: errors only, more with `-v`, or as `DOMAIN_RUNNER_LOG` says. A service's is JSON.
fn start_log(verbose: u8, service: bool) {
    let level = match verbose + u8::from(service) {
        0 => "error",
        1 => "domain_runner=info",
        _ => "domain_runner=debug",
    };
    let filter = crate::world::env("DOMAIN_RUNNER_LOG").unwrap_or_else(|| level.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| "error".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    if service {
        log.json().flatten_event(true).with_span_list(false).with_writer(|| veil::DocumentLog).init();
    } else {
        log.with_writer(|| veil::Log).compact().init();
    }
}

//! A command without namespaces: its writes are kept in one folder by Landlock, its family ends with it.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules};
use rustix::process::{Pid, Signal, kill_process, set_child_subreaper};

use super::super::procfs;
use super::{ConfinedOrder, init, on, say, spaces};
use crate::world;

/// Rounds of killing: each catches what was forked during the one before.
const KILL_ROUNDS_MAX: u32 = 20;

/// Runs the command to its end and ends what it left behind.
pub(super) fn run(order: &ConfinedOrder) -> Result<u8, String> {
    if !confine(order)? {
        say("domain-runner: this kernel has no Landlock; writes are not confined");
    }
    let Some((program, arguments)) = order.argv.split_first() else { return Err("no command specified".to_owned()) };
    let mut command = world::command(program).into_std();
    command.args(arguments).env_clear().envs(&order.env).current_dir(&order.workdir);
    attend(command, program)
}

/// Runs a program of this machine, with its environment and rights.
pub(super) fn guard(argv: &[String], env: &BTreeMap<String, String>) -> Result<u8, String> {
    let Some((program, arguments)) = argv.split_first() else { return Err("no command specified".to_owned()) };
    let mut command = world::command(program).into_std();
    command.args(arguments).envs(env);
    attend(command, program)
}

/// Waits for the command, obeys control meanwhile, and ends what the command left behind.
fn attend(mut command: Command, program: &str) -> Result<u8, String> {
    // Orphans come to us instead of escaping to the machine's first process.
    set_child_subreaper(Some(rustix::process::getpid())).map_err(on("adopt", "orphans"))?;
    let mut child = match command.stdin(Stdio::null()).process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => return Ok(init::refused(program, &error)),
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    std::thread::spawn(move || {
        init::obey(pid, |pid, signal| match signal {
            Signal::KILL => {
                end_family();
                Ok(())
            }
            other => kill_process(pid, other),
        });
    });
    let status = child.wait().map_err(on("wait for", program))?;
    end_family();
    Ok(spaces::exit_code(status))
}

/// Whether the kernel took it.
fn confine(order: &ConfinedOrder) -> Result<bool, String> {
    let abi = ABI::V3;
    let rules = path_beneath_rules([order.writable.as_path(), "/dev".as_ref()], AccessFs::from_all(abi));
    let readable = path_beneath_rules(["/"], AccessFs::from_read(abi));
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.add_rules(readable))
        .and_then(|ruleset| ruleset.add_rules(rules))
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(on("confine", order.writable.display()))?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn end_family() {
    for _ in 0..KILL_ROUNDS_MAX {
        let family = procfs::family(std::process::id());
        let others: Vec<Pid> =
            family.iter().skip(1).filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)).collect();
        if others.is_empty() {
            return;
        }
        for pid in others {
            let _ = kill_process(pid, Signal::KILL);
            // Orphans we adopted stay in the table until somebody asks for them.
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

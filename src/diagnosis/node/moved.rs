//! Moved: a project that went from one package manager to another, and a Dockerfile that still installs with the old one.

use super::{Manager, beside, installs, script_of};
use crate::diagnosis::Case;
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

const MANAGERS: [Manager; 3] = [Manager::Npm, Manager::Yarn, Manager::Pnpm];

/// The manager whose lock `missing` would be, and the only one whose lock the context holds beside it.
pub fn moved(case: &Case<'_>, missing: &str) -> Option<(Manager, Manager, String)> {
    let name = missing.rsplit('/').next().unwrap_or(missing).trim_end_matches('*');
    let old = *MANAGERS.iter().find(|manager| manager.locks().contains(&name))?;
    let there = MANAGERS.iter().filter(|manager| **manager != old).filter_map(|manager| {
        let lock = manager.locks().iter().map(|lock| beside(missing, lock)).find(|lock| case.context.holds(lock))?;
        Some((old, *manager, lock))
    });
    match there.collect::<Vec<_>>().as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Copies the lock that is there (instruction `index`, source `written`) and installs with its manager.
pub fn follow(case: &Case<'_>, index: usize, missing: &str, written: &str) -> Option<Remedy> {
    let (old, new, lock) = moved(case, missing)?;
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let name = lock.rsplit('/').next().unwrap_or(&lock);
    let source = beside(written, name);
    let mut edits = vec![edit::replace_in_instruction(workspace, path, dockerfile, index, written, &source)?];
    let stage = dockerfile.stage_of(index)?;
    for at in dockerfile.stages().get(stage)?.instructions.clone().filter(|at| *at > index) {
        if dockerfile.instructions()[at].keyword != "RUN" {
            continue;
        }
        for install in installs(&script_of(case, at)).iter().filter(|install| install.manager == old) {
            let text = command(new, install.omits.is_some());
            edits.push(edit::replace_in_instruction(workspace, path, dockerfile, at, &install.text, &text)?);
        }
    }
    (edits.len() > 1).then(|| Remedy {
        id: "install-with-present-lock".into(),
        title: format!("Install with {} from `{lock}`", word(new)),
        why: format!("the repository has no `{missing}` any more, but a `{lock}`"),
        applicability: Applicability::Rehearse,
        edits,
    })
}

fn word(manager: Manager) -> &'static str {
    match manager {
        Manager::Npm => "npm",
        Manager::Yarn => "yarn",
        Manager::Pnpm => "pnpm",
    }
}

/// An installation that keeps to the lock.
fn command(manager: Manager, production: bool) -> String {
    let (plain, option) = match manager {
        Manager::Npm => ("npm ci", " --omit=dev"),
        Manager::Yarn => ("yarn install --frozen-lockfile", " --production"),
        Manager::Pnpm => ("corepack enable && pnpm install --frozen-lockfile", " --prod"),
    };
    format!("{plain}{}", if production { option } else { "" })
}

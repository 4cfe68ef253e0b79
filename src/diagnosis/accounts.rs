//! Accounts: the commands that make users and groups, in the words of Debian's shadow and of Alpine's BusyBox.

use super::base::Family;

/// What a command that makes a user or a group asks for.
#[derive(Debug, Default)]
struct Account<'a> {
    is_group: bool,
    system: bool,
    id: Option<&'a str>,
    group: Option<&'a str>,
    /// A group of the user's own name is asked for.
    own_group: bool,
    no_home: bool,
    home: Option<&'a str>,
    shell: Option<&'a str>,
    comment: Option<&'a str>,
    name: &'a str,
}

/// The commands that are translated.
pub const COMMANDS: &[&str] = &["groupadd", "useradd", "addgroup", "adduser"];

/// `command` in the words of `family`; `None` when it asks for something that has no such words.
pub fn translate(command: &str, family: Family) -> Option<String> {
    let account = read(command)?;
    match family {
        Family::Alpine => Some(busybox(&account)),
        Family::Debian | Family::RedHat => Some(shadow(&account)),
    }
}

/// The user that an account gets where nothing else is asked for: what a service needs.
pub fn create(name: &str, family: Family) -> String {
    let account = Account { system: true, no_home: true, own_group: true, name, ..Account::default() };
    match family {
        Family::Alpine => busybox(&account),
        Family::Debian | Family::RedHat => shadow(&account),
    }
}

fn read(command: &str) -> Option<Account<'_>> {
    let mut words = command.split_whitespace();
    let verb = words.next()?;
    let shadow = matches!(verb, "groupadd" | "useradd");
    let mut out = Account { is_group: matches!(verb, "groupadd" | "addgroup"), ..Account::default() };
    while let Some(word) = words.next() {
        let (flag, mut value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        let mut given = || value.take().or_else(|| words.next());
        match flag {
            "--system" | "-S" => out.system = true,
            "-r" if shadow => out.system = true,
            "--gid" if out.is_group => out.id = Some(given()?),
            "-g" if out.is_group => out.id = Some(given()?),
            "--uid" | "-u" => out.id = Some(given()?),
            "-g" if shadow => out.group = Some(given()?),
            "--gid" | "--ingroup" | "-G" if !(out.is_group || shadow && flag == "-G") => out.group = Some(given()?),
            "-U" | "--user-group" => out.own_group = true,
            "--group" if verb == "adduser" => out.own_group = true,
            "-M" if shadow => out.no_home = true,
            "-H" if !shadow => out.no_home = true,
            "--no-create-home" => out.no_home = true,
            "-m" | "--create-home" | "-l" | "--no-log-init" if shadow => {}
            "-D" | "--disabled-password" | "--disabled-login" | "--quiet" | "-q" if !shadow => {}
            "-d" | "--home-dir" if shadow => out.home = Some(given()?),
            "--home" | "-h" if !shadow => out.home = Some(given()?),
            "-s" | "--shell" => out.shell = Some(given()?),
            "-c" | "--comment" | "--gecos" => out.comment = Some(given()?),
            "-g" => out.comment = Some(given()?),
            _ if flag.starts_with('-') || !out.name.is_empty() => return None,
            _ => out.name = word,
        }
    }
    let plain =
        |text: &str| !text.is_empty() && !text.contains(['"', '\'', '\\', '`', '(']) || matches!(text, "\"\"" | "''");
    (plain(out.name) && out.comment.is_none_or(plain)).then_some(out)
}

fn busybox(account: &Account<'_>) -> String {
    let Account { name, .. } = account;
    let system = if account.system { " -S" } else { "" };
    let id = |letter: &str| account.id.map(|id| format!(" {letter} {id}")).unwrap_or_default();
    if account.is_group {
        return format!("addgroup{system}{} {name}", id("-g"));
    }
    // Without -G a system user of BusyBox gets no group of its own, as one of shadow does.
    let own = account.group.is_none() && (account.system || account.own_group);
    let group = account.group.or(own.then_some(*name)).map(|group| format!(" -G {group}")).unwrap_or_default();
    let mut out = if own { format!("addgroup{system} {name} && ") } else { String::new() };
    out += &format!("adduser{} -D{group}{}", system, id("-u"));
    if account.no_home {
        out += " -H";
    }
    if let Some(home) = account.home {
        out += &format!(" -h {home}");
    }
    if let Some(shell) = account.shell {
        out += &format!(" -s {}", if shell.ends_with("/bash") { "/bin/sh" } else { shell });
    }
    format!("{out} {name}")
}

fn shadow(account: &Account<'_>) -> String {
    let Account { name, .. } = account;
    let system = if account.system { " --system" } else { "" };
    let id = |flag: &str| account.id.map(|id| format!(" {flag} {id}")).unwrap_or_default();
    if account.is_group {
        return format!("groupadd{system}{} {name}", id("--gid"));
    }
    let mut out = format!("useradd{system}{}", id("--uid"));
    match account.group {
        Some(group) => out += &format!(" --gid {group}"),
        None if account.own_group => out += " --user-group",
        None => {}
    }
    out += if account.no_home { " --no-create-home" } else { " --create-home" };
    if let Some(home) = account.home {
        out += &format!(" --home-dir {home}");
    }
    if let Some(shell) = account.shell {
        out += &format!(" --shell {shell}");
    }
    format!("{out} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_made_in_the_words_of_the_distribution() {
        let check = |from, family, to: &str| assert_eq!(translate(from, family).as_deref(), Some(to));
        check("groupadd -r app", Family::Alpine, "addgroup -S app");
        check("groupadd --gid 1001 app", Family::Alpine, "addgroup -g 1001 app");
        check("useradd --system --gid app --no-create-home app", Family::Alpine, "adduser -S -D -G app -H app");
        check("useradd -r app", Family::Alpine, "addgroup -S app && adduser -S -D -G app app");
        check("useradd -m -u 1001 -s /bin/bash app", Family::Alpine, "adduser -D -u 1001 -s /bin/sh app");
        check("addgroup -S app", Family::Debian, "groupadd --system app");
        check("adduser -S -G app -H app", Family::Debian, "useradd --system --gid app --no-create-home app");
        check("adduser -D app", Family::Debian, "useradd --create-home app");
        check("adduser --disabled-password --gecos \"\" app", Family::Debian, "useradd --create-home app");
        check("adduser --system --group app", Family::Alpine, "addgroup -S app && adduser -S -D -G app app");
        assert_eq!(translate("useradd -G docker,sudo app", Family::Alpine), None);
        assert_eq!(translate("adduser app group", Family::Debian), None);
    }
}

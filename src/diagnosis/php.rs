//! PHP: which extensions an official image can be given, and the step that gives them.
//!
//! The libraries are those that the image's own documentation and `docker-php-ext-install` ask for (Docker Hub `php`,
//! PHP 8.x on Debian 12 and Alpine 3.20).

use super::Case;
use super::native::{self, Family};
use super::toolchain;
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

/// Where an extension comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// PHP's own sources: `docker-php-ext-install`.
    Core,
    /// PECL: `pecl install`.
    Pecl,
}

struct Extension {
    name: &'static str,
    source: Source,
    apt: &'static [&'static str],
    apk: &'static [&'static str],
}

const fn core(name: &'static str, apt: &'static [&'static str], apk: &'static [&'static str]) -> Extension {
    Extension { name, source: Source::Core, apt, apk }
}

const fn pecl(name: &'static str, apt: &'static [&'static str], apk: &'static [&'static str]) -> Extension {
    Extension { name, source: Source::Pecl, apt, apk }
}

const EXTENSIONS: &[Extension] = &[
    core("bcmath", &[], &[]),
    core("calendar", &[], &[]),
    core("exif", &[], &[]),
    core("ftp", &["libssl-dev"], &["openssl-dev"]),
    core(
        "gd",
        &["libpng-dev", "libjpeg-dev", "libfreetype6-dev"],
        &["libpng-dev", "libjpeg-turbo-dev", "freetype-dev"],
    ),
    core("gettext", &[], &["gettext-dev"]),
    core("gmp", &["libgmp-dev"], &["gmp-dev"]),
    core("intl", &["libicu-dev"], &["icu-dev"]),
    core("ldap", &["libldap2-dev"], &["openldap-dev"]),
    core("mysqli", &[], &[]),
    core("opcache", &[], &[]),
    core("pcntl", &[], &[]),
    core("pdo_mysql", &[], &[]),
    core("pdo_pgsql", &["libpq-dev"], &["postgresql-dev"]),
    core("pgsql", &["libpq-dev"], &["postgresql-dev"]),
    core("soap", &["libxml2-dev"], &["libxml2-dev"]),
    core("sockets", &[], &["linux-headers"]),
    core("xsl", &["libxslt1-dev"], &["libxslt-dev"]),
    core("zip", &["libzip-dev"], &["libzip-dev"]),
    pecl("apcu", &[], &[]),
    pecl("igbinary", &[], &[]),
    pecl("imagick", &["libmagickwand-dev"], &["imagemagick-dev"]),
    pecl("memcached", &["libmemcached-dev", "zlib1g-dev"], &["libmemcached-dev", "zlib-dev"]),
    pecl("mongodb", &["libssl-dev"], &["openssl-dev"]),
    pecl("redis", &[], &[]),
];

/// The remedy that installs `names` before the step that failed; `None` when one of them is not known, or the step does
/// not run in an official PHP image.
pub fn install(case: &Case<'_>, names: &[String]) -> Option<Remedy> {
    let index = case.failing_instruction().or_else(|| {
        case.dockerfile.instructions().iter().rposition(|each| each.keyword == "RUN" && each.args.contains("composer"))
    })?;
    let (stage, _) = toolchain::stage_at_fault(case, &["php"])?;
    if case.dockerfile.escape() != '\\' || case.dockerfile.stage_of(index) != Some(stage) {
        return None;
    }
    let known = |name: &String| EXTENSIONS.iter().find(|each| each.name == name.as_str());
    let wanted: Vec<&Extension> = names.iter().map(known).collect::<Option<_>>()?;
    if wanted.is_empty() {
        return None;
    }
    let family = native::family(case, index)?;
    let lines = step(&wanted, family);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &lines)?;
    let list = names.join(", ");
    Some(Remedy {
        id: "install-php-extension".into(),
        title: format!("Install the PHP extension {list}"),
        why: format!("composer needs {list}, and the image comes without"),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

/// The `RUN` instruction, one command a line.
fn step(wanted: &[&Extension], family: Family) -> Vec<String> {
    let of = |source: Source| {
        let names = wanted.iter().filter(move |each| each.source == source).map(|each| each.name);
        names.collect::<Vec<_>>().join(" ")
    };
    let (core, pecl) = (of(Source::Core), of(Source::Pecl));
    let mut packages: Vec<&str> = Vec::new();
    for each in wanted {
        let needs = if family == Family::Debian { each.apt } else { each.apk };
        packages.extend(needs.iter().filter(|name| !packages.contains(*name)).collect::<Vec<_>>());
    }
    if family == Family::Alpine && !pecl.is_empty() {
        // The image names its own compilers there; on Debian they stay installed.
        packages.push("$PHPIZE_DEPS");
    }
    let mut commands: Vec<String> = Vec::new();
    let list = packages.join(" ");
    match family {
        _ if packages.is_empty() => {}
        Family::Debian => {
            commands.push(format!("apt-get update && apt-get install -y --no-install-recommends {list}"));
        }
        Family::Alpine => commands.push(format!("apk add --no-cache {list}")),
    }
    if !core.is_empty() {
        commands.push(format!("docker-php-ext-install {core}"));
    }
    if !pecl.is_empty() {
        commands.push(format!("pecl install {pecl}"));
        commands.push(format!("docker-php-ext-enable {pecl}"));
    }
    if family == Family::Debian && !packages.is_empty() {
        commands.push("rm -rf /var/lib/apt/lists/*".into());
    }
    let last = commands.len() - 1;
    let line = |(at, command): (usize, String)| {
        let begin = if at == 0 { "RUN " } else { " && " };
        let end = if at == last { "" } else { " \\" };
        format!("{begin}{command}{end}")
    };
    commands.into_iter().enumerate().map(line).collect()
}

//! Java images: which release of Java an image holds, the same image with another one, and what Gradle runs on.

use super::phrase::Phrases;
use super::{Case, toolchain};
use crate::dockerfile::{StageBase, edit};
use crate::remedy::Edit;

/// The releases with long support: the ones that images of every kind are made for.
pub const LONG_TERM: [u32; 5] = [8, 11, 17, 21, 25];

/// Images whose tag begins with the release of Java.
const BY_RELEASE: [&str; 4] = ["eclipse-temurin", "openjdk", "amazoncorretto", "zulu-openjdk"];

/// Images that bring a Java beside what they are called after.
const WITH_JAVA: [&str; 3] = ["maven", "gradle", "tomcat"];

/// The word of a tag that names the Java of an image called after something else: `8.5-jdk17-alpine`,
/// `3.9-eclipse-temurin-17`.
static NAMED: Phrases = Phrases::new(&[
    r"(?:^|-)(?:jdk|jre)-?(\d+)(?:-|$)",
    r"-(?:eclipse-temurin|openjdk|ibmjava|ibm-semeru|amazoncorretto|azulzulu|sapmachine|libericaopenjdk)-(\d+)(?:-|$)",
]);

/// The release of Java that `image` holds; `None` where its name does not tell.
pub fn release(image: &str) -> Option<u32> {
    let (name, (_, tag)) = (toolchain::name(image), toolchain::parts(image));
    if BY_RELEASE.contains(&name) {
        return toolchain::numbers(tag)
            .first()
            .copied()
            .filter(|_| tag.starts_with(|each: char| each.is_ascii_digit()));
    }
    let found = NAMED.read(tag).filter(|_| WITH_JAVA.contains(&name))?;
    found.names().next()?.parse().ok()
}

/// `image` with another release of Java, as tags are known to be written; `None` where no such tag is known.
pub fn with_release(image: &str, release: u32) -> Option<String> {
    let (repository, tag) = toolchain::parts(image);
    let alpine = if tag.contains("alpine") { "-alpine" } else { "" };
    match toolchain::name(image) {
        // The images of OpenJDK are no longer made: those of Temurin are what its page names.
        "openjdk" => {
            let kind = if tag.contains("jre") { "jre" } else { "jdk" };
            Some(format!("eclipse-temurin:{release}-{kind}{alpine}"))
        }
        "eclipse-temurin" | "amazoncorretto" | "zulu-openjdk" => {
            let rest: Vec<&str> = tag.split('-').skip(1).collect();
            let plain = rest
                .iter()
                .all(|part| matches!(*part, "jdk" | "jre" | "alpine" | "jammy" | "noble" | "headless" | "al2023"));
            let numbered = tag.split('-').next().is_some_and(|first| !first.is_empty());
            (plain && numbered)
                .then(|| [release.to_string()].iter().map(String::as_str).chain(rest).collect::<Vec<_>>().join("-"))
                .map(|tag| format!("{repository}:{tag}"))
        }
        "maven" => {
            let version: String = toolchain::version(image);
            let keeps = tag.contains("-eclipse-temurin-") && toolchain::numbers(&version)[..] >= [3, 8][..];
            let version = if keeps { version } else { "3.9".to_owned() };
            self::release(image).map(|_| format!("{repository}:{version}-eclipse-temurin-{release}{alpine}"))
        }
        "gradle" => {
            let own = toolchain::version(image);
            let runs = own.is_empty() || newest_for(&own).is_some_and(|newest| release <= newest);
            self::release(image).filter(|_| runs)?;
            let start = if own.is_empty() { String::new() } else { format!("{own}-") };
            Some(format!("{repository}:{start}jdk{release}{alpine}"))
        }
        _ => None,
    }
}

/// The stages whose image tells its Java, from the last to the first: number, image, release.
pub fn stages(case: &Case<'_>) -> Vec<(usize, String, u32)> {
    let names: Vec<&str> = BY_RELEASE.iter().chain(&WITH_JAVA).copied().collect();
    let all = toolchain::stages_of(case, &names).into_iter();
    all.filter_map(|(stage, image)| release(&image).map(|release| (stage, image.clone(), release))).collect()
}

/// The one of [`stages`] that the failing step runs in.
pub fn building(case: &Case<'_>) -> Option<(usize, String, u32)> {
    let names: Vec<&str> = BY_RELEASE.iter().chain(&WITH_JAVA).copied().collect();
    let (stage, image) = toolchain::stage_at_fault(case, &names)?;
    release(&image).map(|release| (stage, image.clone(), release))
}

/// The one of [`stages`] that the service runs on.
pub fn running(case: &Case<'_>) -> Option<(usize, String, u32)> {
    let all = case.dockerfile.stages();
    let mut at = all.last()?;
    // A stage can only build on an earlier one, so this ends.
    while let StageBase::Stage(below) = at.base {
        at = all.get(below)?;
    }
    stages(case).into_iter().find(|(stage, ..)| *stage == at.index)
}

/// Gives stage number `stage`, of image `image`, another release of Java.
pub fn moved(case: &Case<'_>, stage: usize, image: &str, release: u32) -> Option<Edit> {
    let new = with_release(image, release)?;
    let written = case.dockerfile.stages().into_iter().nth(stage)?.image;
    if written.contains('$') {
        return None;
    }
    edit::set_image(case.workspace, case.dockerfile_path, case.dockerfile, stage, &new)
}

/// The first release of long support that is `release` or later.
pub fn at_least(release: u32) -> Option<u32> {
    LONG_TERM.into_iter().find(|each| *each >= release)
}

/// The first Gradle that runs on a release of Java (docs.gradle.org/current/userguide/compatibility.html, November 2025).
const GRADLE_FOR: [(u32, [u32; 2]); 5] = [(25, [9, 1]), (21, [8, 5]), (17, [7, 3]), (11, [5, 0]), (8, [2, 0])];

/// The newest release of long support that Gradle `version` runs on.
pub fn newest_for(version: &str) -> Option<u32> {
    let own = toolchain::numbers(version);
    let own = [*own.first()?, own.get(1).copied().unwrap_or(0)];
    GRADLE_FOR.iter().find(|(_, gradle)| own >= *gradle).map(|(java, _)| *java)
}

/// The Gradle that the project brings, or that its image has.
pub fn gradle(case: &Case<'_>) -> Option<String> {
    static DISTRIBUTION: Phrases = Phrases::new(&[r"gradle-([\d.]+)-(?:bin|all)\.zip"]);
    let path = case.in_repository("gradle/wrapper/gradle-wrapper.properties");
    let wrapper = case
        .workspace
        .lines(&path)
        .into_iter()
        .find_map(|line| DISTRIBUTION.read(line).and_then(|found| found.names().next().map(str::to_owned)));
    wrapper.or_else(|| {
        let (_, image) = toolchain::stage_at_fault(case, &["gradle"])?;
        Some(toolchain::version(&image)).filter(|version| !version.is_empty())
    })
}

/// The release of Java that the build files of the project ask for, where they say it plainly.
pub fn stated(case: &Case<'_>) -> Option<u32> {
    static SAID: Phrases = Phrases::new(&[
        r"JavaLanguageVersion\.of\((\d+)\)",
        r"JavaVersion\.VERSION_(?:1_)?(\d+)",
        r#"(?:source|target)Compatibility\s*=?\s*["']?(?:1\.)?(\d+)"#,
        r"<(?:java\.version|maven\.compiler\.(?:release|source|target)|release)>(?:1\.)?(\d+)<",
    ]);
    let files = ["pom.xml", "build.gradle", "build.gradle.kts", "app/build.gradle", "app/build.gradle.kts"];
    let lines = files.iter().flat_map(|name| case.workspace.lines(&case.in_repository(name)));
    lines.filter_map(|line| SAID.read(line)?.names().next()?.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_java_and_has_the_same_with_another() {
        let check = |image: &str, has: u32, wanted: u32, after: Option<&str>| {
            assert_eq!(release(image), Some(has), "{image}");
            assert_eq!(with_release(image, wanted).as_deref(), after, "{image}");
        };
        check("eclipse-temurin:11-jre-alpine", 11, 17, Some("eclipse-temurin:17-jre-alpine"));
        check("eclipse-temurin:11.0.21_9-jdk", 11, 17, Some("eclipse-temurin:17-jdk"));
        check("eclipse-temurin:11-jre-focal", 11, 21, None);
        check("openjdk:8u222-jdk-slim", 8, 17, Some("eclipse-temurin:17-jdk"));
        check("openjdk:11-jre-slim", 11, 17, Some("eclipse-temurin:17-jre"));
        check("amazoncorretto:11-alpine", 11, 17, Some("amazoncorretto:17-alpine"));
        check("maven:3.8.4-openjdk-11-slim", 11, 17, Some("maven:3.9-eclipse-temurin-17"));
        check("maven:3.9.6-eclipse-temurin-17-alpine", 17, 21, Some("maven:3.9.6-eclipse-temurin-21-alpine"));
        check("maven:3-jdk-8", 8, 11, Some("maven:3.9-eclipse-temurin-11"));
        check("gradle:8.7-jdk17", 17, 21, Some("gradle:8.7-jdk21"));
        check("gradle:7.2-jdk11", 11, 17, None);
        check("tomcat:9-jdk11", 11, 17, None);
        assert_eq!(release("maven:3.9"), None);
        assert_eq!((newest_for("7.6.1"), newest_for("8.5"), newest_for("4.10")), (Some(17), Some(21), Some(8)));
    }
}

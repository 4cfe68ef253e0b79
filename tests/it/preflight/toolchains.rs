//! Faults of compiled languages and of Ruby: what is built, where, for whom, and what the lock says.

use super::Broken;

const MAIN: &str =
    "package main\n\nimport (\n\t\"net/http\"\n)\n\nfunc main() {\n\thttp.ListenAndServe(\":8080\", nil)\n}\n";
const MODULE: (&str, &str) = ("go.mod", "module example.org/pulse\n\ngo 1.23\n");

#[tokio::test]
async fn a_go_program_is_linked_for_the_image_that_starts_it() {
    let broken = "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/pulse .\n\nFROM alpine:3\nCOPY --from=build /out/pulse /usr/local/bin/pulse\nENTRYPOINT [\"/usr/local/bin/pulse\"]\n";
    Broken {
        class: "st-glibc-musl",
        files: &[("Dockerfile", broken), MODULE, ("main.go", MAIN)],
        mended: &[("Dockerfile", "ENV CGO_ENABLED=0\nRUN go build")],
        working: &[
            &[("Dockerfile", &broken.replace("RUN go", "RUN CGO_ENABLED=0 go"))],
            &[("Dockerfile", &broken.replace("golang:1.23 ", "golang:1.23-alpine "))],
            &[("Dockerfile", &broken.replace("alpine:3", "debian:bookworm-slim"))],
            &[("Dockerfile", &broken.replace("go build", "go build -tags netgo,osusergo"))],
            &[("main.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(1) }\n")],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_go_program_is_built_where_it_is() {
    let broken = "FROM golang:1.23-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/pulse .\n\nFROM alpine:3\nCOPY --from=build /out/pulse /usr/local/bin/pulse\nCMD [\"pulse\"]\n";
    Broken {
        class: "go-no-module",
        files: &[("Dockerfile", broken), MODULE, ("cmd/pulse/main.go", MAIN)],
        mended: &[("Dockerfile", "go build -o /out/pulse ./cmd/pulse")],
        working: &[
            &[("Dockerfile", &broken.replace("pulse .\n", "pulse ./cmd/pulse\n"))],
            &[("Dockerfile", &broken.replace("pulse .\n", "pulse cmd/pulse/main.go\n")), ("lib.go", "package pulse\n")],
            &[("Dockerfile", &broken.replace("RUN go", "RUN go build ./... && go")), ("main.go", MAIN)],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn what_go_builds_and_embeds_gets_through_the_ignore_file() {
    let broken = "FROM golang:1.23-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/server ./cmd/server\n\nFROM alpine:3\nCOPY --from=build /out/server /usr/local/bin/server\nCMD [\"server\"]\n";
    let ignore = ".git\n**/server\n";
    Broken {
        class: "ctx-dockerignored",
        files: &[("Dockerfile", broken), (".dockerignore", ignore), MODULE, ("cmd/server/main.go", MAIN)],
        mended: &[(".dockerignore", "!cmd/server")],
        working: &[&[(".dockerignore", ".git\n/server\n")], &[(".dockerignore", "**/server\n!cmd/server\n")]],
    }
    .prove(None)
    .await;
    let broken = broken.replace(" ./cmd/server", "");
    let main = format!("{MAIN}\n//go:embed data/*.csv\nvar _ string\n");
    Broken {
        class: "ctx-dockerignored",
        files: &[
            ("Dockerfile", &broken),
            (".dockerignore", "**/*.csv\n"),
            MODULE,
            ("main.go", &main),
            ("data/a.csv", "1\n"),
        ],
        mended: &[(".dockerignore", "!data/a.csv")],
        working: &[
            &[(".dockerignore", "dumps\n")],
            &[("main.go", MAIN)],
            &[("Dockerfile", &broken.replace("RUN go", "RUN go generate ./... && go"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn modules_of_the_repository_are_copied_before_go_reads_them() {
    let broken = "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /ledger .\n\nFROM scratch\nCOPY --from=build /ledger /ledger\nCMD [\"/ledger\"]\n";
    let module = "module example.org/ledger\n\ngo 1.23\n\nrequire example.org/money v0.0.0\n\nreplace example.org/money => ./libs/money\n";
    Broken {
        class: "app-file-missing-in-run",
        files: &[
            ("Dockerfile", broken),
            ("go.mod", module),
            ("libs/money/go.mod", "module example.org/money\n"),
            ("main.go", MAIN),
        ],
        mended: &[("Dockerfile", "COPY libs/money/go.mod libs/money/\nRUN go mod download")],
        working: &[
            &[("Dockerfile", &broken.replace("COPY go.mod ./", "COPY . ."))],
            &[("Dockerfile", &broken.replace("COPY go.mod ./", "COPY go.mod ./\nCOPY libs libs"))],
            &[("go.mod", "module example.org/ledger\n\ngo 1.23\n")],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_program_is_built_for_the_processor_of_the_platform() {
    let broken = "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 GOARCH=arm64 go build -o /tide\n\nFROM debian:bookworm-slim\nCOPY --from=build /tide /usr/local/bin/tide\nCMD [\"/usr/local/bin/tide\"]\n";
    Broken {
        class: "st-exec-format",
        files: &[("Dockerfile", broken), MODULE, ("main.go", MAIN)],
        mended: &[("Dockerfile", "GOARCH=amd64 go build")],
        working: &[
            &[("Dockerfile", &broken.replace(" GOARCH=arm64", ""))],
            &[(
                "Dockerfile",
                &broken.replace("-o /tide", "-o /tide-arm && CGO_ENABLED=0 GOARCH=amd64 go build -o /tide"),
            )],
            &[("Dockerfile", &broken.replace("GOARCH=arm64", "GOARCH=$TARGETARCH"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_program_is_started_where_it_was_copied_to() {
    let broken = "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /out/tally .\n\nFROM alpine:3\nWORKDIR /srv\nCOPY --from=build /out/tally /usr/local/bin/tally\nCMD [\"./tally\"]\n";
    Broken {
        class: "st-entrypoint-missing",
        files: &[("Dockerfile", broken), MODULE, ("main.go", MAIN)],
        mended: &[("Dockerfile", "CMD [\"/usr/local/bin/tally\"]")],
        working: &[
            &[("Dockerfile", &broken.replace("\"./tally\"", "\"tally\""))],
            &[("Dockerfile", &broken.replace("CMD", "RUN ln -s /usr/local/bin/tally /srv/tally\nCMD"))],
            &[("Dockerfile", &broken.replace("/usr/local/bin/tally\n", "/srv/\n"))],
            &[("Dockerfile", &broken.replace("WORKDIR /srv", "WORKDIR /usr/local/bin"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn cargo_finds_every_member_and_copy_the_program() {
    let broken = "FROM rust:1-slim AS build\nWORKDIR /build\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates/web/Cargo.toml crates/web/\nRUN mkdir crates/web/src && echo 'fn main() {}' > crates/web/src/main.rs && cargo build --release --locked\nCOPY crates crates\nRUN touch crates/web/src/main.rs && cargo build --release --locked\n\nFROM debian:bookworm-slim\nCOPY --from=build /build/target/release/palette-web /usr/local/bin/\nCMD [\"palette-web\"]\n";
    let files = [
        ("Dockerfile", broken),
        ("Cargo.toml", "[workspace]\nmembers = [\"crates/core\", \"crates/web\"]\n"),
        ("Cargo.lock", "version = 3\n"),
        ("crates/core/Cargo.toml", "[package]\nname = \"palette-core\"\nversion = \"1.0.0\"\n"),
        ("crates/core/src/lib.rs", "\n"),
        (
            "crates/web/Cargo.toml",
            "[package]\nname = \"palette-web\"\nversion = \"1.0.0\"\n\n[dependencies]\npalette-core = { path = \"../core\" }\n",
        ),
        ("crates/web/src/main.rs", "fn main() {}\n"),
    ];
    let whole =
        broken.replace("COPY crates/web/Cargo.toml crates/web/", "COPY crates crates").replace("mkdir", "mkdir -p");
    Broken {
        class: "rust-workspace-missing",
        files: &files,
        mended: &[("Dockerfile", "COPY crates/core crates/core\nRUN mkdir")],
        working: &[
            &[("Dockerfile", &whole)],
            &[
                ("Cargo.toml", "[workspace]\nmembers = [\"crates/web\"]\n"),
                ("crates/web/Cargo.toml", "[package]\nname = \"palette-web\"\nversion = \"1.0.0\"\n"),
            ],
        ],
    }
    .prove(None)
    .await;
    let other = whole.replace("release/palette-web /usr/local/bin/", "release/palette /usr/local/bin/");
    let other = other.replace("[\"palette-web\"]", "[\"palette\"]");
    Broken {
        class: "ctx-stage-artifact-missing",
        files: &[&files[1..], &[("Dockerfile", &other)]].concat(),
        mended: &[("Dockerfile", "COPY --from=build /build/target/release/palette-web /usr/local/bin/palette")],
        working: &[
            &[("Dockerfile", &other.replace("RUN touch", "RUN cp target/release/palette-web target/release/palette || true\nRUN touch"))],
            &[("crates/web/Cargo.toml", "[package]\nname = \"palette-web\"\nversion = \"1.0.0\"\n\n[[bin]]\nname = \"palette\"\npath = \"src/main.rs\"\n")],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn openssl_is_there_where_a_crate_is_linked_against_it() {
    let broken = "FROM rust:1-slim AS build\nWORKDIR /src\nCOPY Cargo.toml Cargo.lock ./\nCOPY src src\nRUN cargo build --release --locked\n\nFROM debian:bookworm-slim\nCOPY --from=build /src/target/release/seal /usr/local/bin/seal\nCMD [\"seal\"]\n";
    Broken {
        class: "nat-openssl-rust",
        files: &[
            ("Dockerfile", broken),
            ("Cargo.toml", "[package]\nname = \"seal\"\nversion = \"1.0.0\"\n\n[dependencies]\nopenssl = \"0.10\"\n"),
            ("Cargo.lock", "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.100\"\n"),
            ("src/main.rs", "fn main() {}\n"),
        ],
        mended: &[("Dockerfile", "libssl-dev")],
        working: &[
            &[("Dockerfile", &broken.replace("rust:1-slim", "rust:1"))],
            &[("Dockerfile", &broken.replace("WORKDIR /src", "RUN apt-get update && apt-get install -y libssl-dev pkg-config\nWORKDIR /src"))],
            &[("Cargo.lock", "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.100\"\n\n[[package]]\nname = \"openssl-src\"\nversion = \"300.0.0\"\n")],
            &[("Cargo.lock", "[[package]]\nname = \"rustls\"\nversion = \"0.23.0\"\n")],
        ],
    }
    .prove(None)
    .await;
}

const GEMFILE: &str = "source \"https://rubygems.org\"\n\ngem \"kramdown\", \"~> 2.4\"\ngem \"rouge\"\n\ngroup :development do\n  gem \"puma\", \"~> 5.6\"\nend\n";
const LOCK: &str = "GEM\n  remote: https://rubygems.org/\n  specs:\n    kramdown (2.4.0)\n    puma (5.6.5)\n    rouge (3.30.0)\n\nPLATFORMS\n  x86_64-linux\n\nDEPENDENCIES\n  kramdown (~> 2.4)\n  puma (~> 5.6)\n  rouge\n\nBUNDLED WITH\n   2.3.15\n";
const RUBY: &str = "FROM debian:bookworm-slim\nENV BUNDLE_FROZEN=true\nRUN apt-get update && apt-get install -y ruby bundler puma\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install --local\nCOPY config.ru ./\nCMD [\"sh\", \"-c\", \"exec bundle exec puma --bind tcp://0.0.0.0:${PORT:-9292}\"]\n";

#[tokio::test]
async fn a_frozen_bundle_holds_what_the_gemfile_names() {
    let lock = LOCK.replace("  rouge\n\nBUNDLED", "\nBUNDLED");
    Broken {
        class: "ruby-frozen",
        files: &[("Dockerfile", RUBY), ("Gemfile", GEMFILE), ("Gemfile.lock", &lock), ("config.ru", "run ->(_) {}\n")],
        mended: &[("Dockerfile", "BUNDLE_FROZEN=false")],
        working: &[
            &[("Gemfile.lock", LOCK)],
            &[("Dockerfile", &RUBY.replace("ENV BUNDLE_FROZEN=true\n", ""))],
            &[("Gemfile", &GEMFILE.replace("gem \"rouge\"\n", ""))],
            &[("Gemfile", &GEMFILE.replace("gem \"rouge\"\n", "gem \"rouge\" if ENV[\"X\"]\n"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_frozen_lock_is_made_for_this_system_as_well() {
    let lock = LOCK.replace("x86_64-linux", "arm64-darwin-22");
    Broken {
        class: "ruby-lock-platform",
        files: &[("Dockerfile", RUBY), ("Gemfile", GEMFILE), ("Gemfile.lock", &lock), ("config.ru", "run ->(_) {}\n")],
        mended: &[("Gemfile.lock", "  arm64-darwin-22\n  x86_64-linux\n")],
        working: &[
            &[("Gemfile.lock", &lock.replace("arm64-darwin-22", "arm64-darwin-22\n  ruby"))],
            &[("Dockerfile", &RUBY.replace("BUNDLE_FROZEN=true", "BUNDLE_FROZEN=false"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_server_is_in_no_group_that_is_left_out() {
    let broken = RUBY.replace("ENV BUNDLE_FROZEN=true", "ENV BUNDLE_FROZEN=true BUNDLE_WITHOUT=development:test");
    Broken {
        class: "st-server-not-installed",
        files: &[
            ("Dockerfile", &broken),
            ("Gemfile", GEMFILE),
            ("Gemfile.lock", LOCK),
            ("config.ru", "run ->(_) {}\n"),
        ],
        mended: &[("Gemfile", "gem \"rouge\"\n\ngem \"puma\", \"~> 5.6\"\n\ngroup :development do\nend\n")],
        working: &[
            &[("Dockerfile", &broken.replace("=development:test", "=test"))],
            &[("Gemfile", &GEMFILE.replace("group :development do", "group :development, :production do"))],
        ],
    }
    .prove(None)
    .await;
}

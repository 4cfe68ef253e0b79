//! Faults of the image: users, packages of the system, shells, processors, nginx.

use super::Broken;

#[tokio::test]
async fn packages_of_the_system_are_installed_by_root() {
    let broken = "FROM debian:bookworm-slim\nRUN useradd app\nUSER app\nRUN apt-get update && apt-get install -y curl\nCOPY run.sh /\nCMD [\"sh\", \"/run.sh\"]\n";
    Broken {
        class: "os-root-needed",
        files: &[("Dockerfile", broken), ("run.sh", "curl -s http://x\n")],
        mended: &[("Dockerfile", "USER root\nRUN apt-get update && apt-get install -y curl\nUSER app\n")],
        working: &[
            &[("Dockerfile", &broken.replace("USER app\n", ""))],
            &[("Dockerfile", &broken.replace("USER app\nRUN", "USER app\nUSER 0\nRUN"))],
            &[(
                "Dockerfile",
                &broken.replace("RUN apt-get update && apt-get install -y curl", "RUN echo apt-get install"),
            )],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn apt_is_told_to_say_yes() {
    let broken = "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install --no-install-recommends \\\n      curl\nCOPY a /a\nCMD [\"sleep\", \"1\"]\n";
    Broken {
        class: "os-apt-interactive",
        files: &[("Dockerfile", broken), ("a", "a")],
        mended: &[("Dockerfile", "apt-get install -y --no-install-recommends")],
        working: &[
            &[("Dockerfile", &broken.replace("install --no", "install -qqy --no"))],
            &[("Dockerfile", &broken.replace("apt-get install", "apt-get -y install"))],
            &[(
                "Dockerfile",
                &broken.replace(
                    "apt-get install --no-install-recommends",
                    "apt-get install --no-install-recommends --yes",
                ),
            )],
            &[(
                "Dockerfile",
                &broken
                    .replace("RUN apt", "RUN echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/yes\nRUN apt"),
            )],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_step_for_another_distribution_is_translated() {
    let broken = "FROM python:3.12-alpine\nRUN apt-get update && apt-get install -y curl\nCOPY a.py .\nCMD [\"python\", \"a.py\"]\n";
    Broken {
        class: "os-wrong-package-manager",
        files: &[("Dockerfile", broken), ("a.py", "print(1)\n")],
        mended: &[("Dockerfile", "FROM python:3.12-alpine\nRUN apk add --no-cache curl\n")],
        working: &[
            &[("Dockerfile", &broken.replace("-alpine", "-slim"))],
            &[("Dockerfile", &broken.replace("apt-get update && apt-get install -y", "apk add --no-cache"))],
            &[("Dockerfile", &broken.replace("RUN apt-get", "RUN command -v apt-get && apt-get"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn an_argument_before_from_is_asked_for_where_it_is_used() {
    let broken =
        "ARG OWNER=ferry\nFROM debian:bookworm-slim\nRUN useradd --system $OWNER\nCOPY a /a\nCMD [\"sleep\", \"1\"]\n";
    Broken {
        class: "df-build-arg-empty",
        files: &[("Dockerfile", broken), ("a", "a")],
        mended: &[("Dockerfile", "FROM debian:bookworm-slim\nARG OWNER\nRUN useradd")],
        working: &[
            &[("Dockerfile", &broken.replace("RUN", "ARG OWNER\nRUN"))],
            &[("Dockerfile", &broken.replace("RUN", "ENV OWNER=x\nRUN"))],
            &[("Dockerfile", &broken.replace("useradd --system $OWNER", "echo \"of $OWNER\" > /about"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn alpine_makes_users_in_its_own_words() {
    let broken = "FROM node:20-alpine\nRUN groupadd --system lots && useradd --system --gid lots lots\nCOPY a.js .\nUSER lots\nCMD [\"node\", \"a.js\"]\n";
    Broken {
        class: "os-command-missing",
        files: &[("Dockerfile", broken), ("a.js", "setInterval(() => {}, 1000)\n")],
        mended: &[("Dockerfile", "RUN addgroup -S lots && adduser -S")],
        working: &[
            &[("Dockerfile", &broken.replace("RUN group", "RUN apk add --no-cache shadow && group"))],
            &[("Dockerfile", &broken.replace("node:20-alpine", "node:20-slim"))],
            &[("Dockerfile", &broken.replace("node:20-alpine", "registry.example/node:20-alpine"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_script_for_bash_is_run_where_bash_is() {
    let broken = "FROM node:20-alpine\nCOPY start.sh /usr/local/bin/\nCMD [\"/usr/local/bin/start.sh\"]\n";
    Broken {
        class: "st-entrypoint-missing",
        files: &[("Dockerfile", broken), ("start.sh*", "#!/bin/bash\nset -eu\nexec node server.js\n")],
        mended: &[("start.sh", "#!/bin/sh\nset -eu\n")],
        working: &[
            &[("Dockerfile", &broken.replace("COPY", "RUN apk add --no-cache bash tini\nCOPY"))],
            &[("Dockerfile", &broken.replace("-alpine", "-slim"))],
            &[("start.sh*", "#!/bin/sh\nexec node\n")],
            &[("Dockerfile", &broken.replace("[\"/usr", "[\"sh\", \"/usr"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn nginx_does_not_read_the_environment() {
    let broken = "FROM nginx:stable\nCOPY site.conf /etc/nginx/conf.d/default.conf\nCOPY www /usr/share/nginx/html\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n";
    Broken {
        class: "st-nginx",
        files: &[("Dockerfile", broken), ("site.conf", "server {\n  listen ${PORT};\n}\n"), ("www/index.html", "x")],
        mended: &[("Dockerfile", "sed -i")],
        working: &[
            &[("Dockerfile", &broken.replace("conf.d/default.conf", "templates/default.conf.template"))],
            &[("Dockerfile", &broken.replace("CMD [\"nginx\", \"-g\", \"daemon off;\"]", "CMD envsubst < /etc/nginx/conf.d/default.conf > /tmp/a && cp /tmp/a /etc/nginx/conf.d/default.conf && exec nginx -g 'daemon off;'"))],
            &[("site.conf", "server {\n  listen 80;\n  # ${PORT} is set by the platform\n}\n")],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn the_words_of_a_tag_stand_in_their_order() {
    let broken = "FROM node:20-slim-bookworm\nCOPY a.js .\nCMD [\"node\", \"a.js\"]\n";
    Broken {
        class: "img-tag-not-found",
        files: &[("Dockerfile", broken), ("a.js", "setInterval(() => {}, 1000)\n")],
        mended: &[("Dockerfile", "FROM node:20-bookworm-slim\n")],
        working: &[
            &[("Dockerfile", &broken.replace("20-slim-bookworm", "20-bookworm-slim"))],
            &[("Dockerfile", &broken.replace("node:20", "registry.example/node:20"))],
            &[("Dockerfile", &broken.replace("node:20-slim-bookworm", "node:20-own-variant"))],
        ],
    }
    .prove(None)
    .await;
}

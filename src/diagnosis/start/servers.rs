//! Servers: how each is told where to listen, and where it listens untold (from their documentation).

/// One server program.
#[derive(Debug, PartialEq, Eq)]
pub struct Server {
    /// Words that must stand in the command, in this order: `flask run`.
    name: &'static [&'static str],
    /// Options for the address.
    hosts: &'static [&'static str],
    /// Options for the port.
    ports: &'static [&'static str],
    /// Options for `address:port`; an empty one stands for the word after the name.
    binds: &'static [&'static str],
    /// Listens on the loopback interface unless told otherwise.
    pub loopback: bool,
    pub default_port: u16,
    /// Reads `PORT` by itself.
    pub reads_port: bool,
    /// Variables of its own that say where to listen.
    pub variables: &'static [&'static str],
}

const PLAIN: Server = Server {
    name: &[],
    hosts: &[],
    ports: &[],
    binds: &[],
    loopback: false,
    default_port: 8000,
    reads_port: false,
    variables: &[],
};

const SERVERS: &[Server] = &[
    Server {
        name: &["uvicorn"],
        hosts: &["--host"],
        ports: &["--port"],
        loopback: true,
        variables: &["UVICORN_HOST", "UVICORN_PORT"],
        ..PLAIN
    },
    Server {
        name: &["gunicorn"],
        binds: &["--bind", "-b"],
        reads_port: true,
        variables: &["GUNICORN_CMD_ARGS"],
        ..PLAIN
    },
    Server { name: &["hypercorn"], binds: &["--bind", "-b"], loopback: true, ..PLAIN },
    Server { name: &["daphne"], hosts: &["--bind", "-b"], ports: &["--port", "-p"], loopback: true, ..PLAIN },
    Server {
        name: &["waitress-serve"],
        hosts: &["--host"],
        ports: &["--port"],
        binds: &["--listen"],
        default_port: 8080,
        ..PLAIN
    },
    Server {
        name: &["flask", "run"],
        hosts: &["--host", "-h"],
        ports: &["--port", "-p"],
        loopback: true,
        default_port: 5000,
        variables: &["FLASK_RUN_HOST", "FLASK_RUN_PORT"],
        ..PLAIN
    },
    Server { name: &["manage.py", "runserver"], binds: &[""], loopback: true, ..PLAIN },
    Server { name: &["fastapi", "run"], hosts: &["--host"], ports: &["--port"], ..PLAIN },
    Server { name: &["fastapi", "dev"], hosts: &["--host"], ports: &["--port"], loopback: true, ..PLAIN },
    Server {
        name: &["streamlit", "run"],
        hosts: &["--server.address"],
        ports: &["--server.port"],
        default_port: 8501,
        variables: &["STREAMLIT_SERVER_PORT"],
        ..PLAIN
    },
    Server { name: &["http.server"], hosts: &["--bind", "-b"], ports: &[""], ..PLAIN },
    Server {
        name: &["next", "start"],
        hosts: &["--hostname", "-H"],
        ports: &["--port", "-p"],
        default_port: 3000,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["next", "dev"],
        hosts: &["--hostname", "-H"],
        ports: &["--port", "-p"],
        default_port: 3000,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["vite", "preview"],
        hosts: &["--host"],
        ports: &["--port"],
        loopback: true,
        default_port: 4173,
        ..PLAIN
    },
    Server { name: &["vite"], hosts: &["--host"], ports: &["--port"], loopback: true, default_port: 5173, ..PLAIN },
    Server {
        name: &["astro", "preview"],
        hosts: &["--host"],
        ports: &["--port"],
        loopback: true,
        default_port: 4321,
        ..PLAIN
    },
    Server {
        name: &["ng", "serve"],
        hosts: &["--host"],
        ports: &["--port"],
        loopback: true,
        default_port: 4200,
        ..PLAIN
    },
    Server { name: &["json-server"], hosts: &["--host", "-H"], ports: &["--port", "-p"], default_port: 3000, ..PLAIN },
    Server {
        name: &["http-server"],
        hosts: &["-a"],
        ports: &["--port", "-p"],
        default_port: 8080,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["serve"],
        ports: &["--port", "-p"],
        binds: &["--listen", "-l"],
        default_port: 3000,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["puma"],
        ports: &["--port", "-p"],
        binds: &["--bind", "-b"],
        default_port: 9292,
        reads_port: true,
        ..PLAIN
    },
    // Listens everywhere unless the environment is that of development, its default.
    Server {
        name: &["rackup"],
        hosts: &["--host", "-o"],
        ports: &["--port", "-p"],
        loopback: true,
        default_port: 9292,
        variables: &["RACK_ENV"],
        ..PLAIN
    },
    Server {
        name: &["rails", "server"],
        hosts: &["--binding", "-b"],
        ports: &["--port", "-p"],
        default_port: 3000,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["rails", "s"],
        hosts: &["--binding", "-b"],
        ports: &["--port", "-p"],
        default_port: 3000,
        reads_port: true,
        ..PLAIN
    },
    Server {
        name: &["artisan", "serve"],
        hosts: &["--host"],
        ports: &["--port"],
        loopback: true,
        variables: &["SERVER_HOST", "SERVER_PORT"],
        ..PLAIN
    },
    Server { name: &["php"], binds: &["-S"], default_port: 8000, ..PLAIN },
    Server {
        name: &["jekyll", "serve"],
        hosts: &["--host", "-H"],
        ports: &["--port", "-P"],
        loopback: true,
        default_port: 4000,
        ..PLAIN
    },
    Server {
        name: &["hugo", "server"],
        hosts: &["--bind"],
        ports: &["--port", "-p"],
        loopback: true,
        default_port: 1313,
        ..PLAIN
    },
    Server { name: &["mkdocs", "serve"], binds: &["--dev-addr", "-a"], loopback: true, ..PLAIN },
    Server { name: &["java"], ports: &["-Dserver.port", "--server.port"], default_port: 8080, ..PLAIN },
];

/// Any program that is told a loopback address by one of the usual options. What it does untold is not known.
const PROGRAM: Server = Server {
    hosts: &["--host", "--bind", "--address", "--addr", "--ip"],
    ports: &["--port", "-p"],
    binds: &["--listen", "--bind", "--addr", "--http"],
    // Nothing is assumed about a port that is not written.
    reads_port: true,
    ..PLAIN
};

/// The server that `words` start.
pub fn of(words: &[String]) -> Option<&'static Server> {
    known(words).or_else(|| {
        let host = PROGRAM.host_word(words)?;
        (host.contains("127.0.0.1") || host.contains("localhost") || host.contains("::1")).then_some(&PROGRAM)
    })
}

fn known(words: &[String]) -> Option<&'static Server> {
    let last = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = words.iter().take(8).map(last).collect();
    let found = SERVERS.iter().find(|server| {
        let mut rest = names.iter();
        server.name.iter().all(|part| rest.any(|name| name == part))
    })?;
    let plain_php = found.name == ["php"] && !names.iter().any(|name| name == "-S");
    let plain_java = found.name == ["java"] && found.port_word(words).is_none();
    (!plain_php && !plain_java).then_some(found)
}

impl Server {
    /// The word that says the address: alone, behind `=`, or with the port.
    pub fn host_word<'a>(&self, words: &'a [String]) -> Option<&'a str> {
        self.option(words, self.hosts).or_else(|| {
            self.option(words, self.binds).filter(|word| word.contains([':', '.']) || word.contains("localhost"))
        })
    }

    /// The word that says the port.
    pub fn port_word<'a>(&self, words: &'a [String]) -> Option<&'a str> {
        let is_port = |word: &&str| word.contains('$') || word.ends_with(|each: char| each.is_ascii_digit());
        self.option(words, self.ports).filter(is_port).or_else(|| {
            let bind = self.option(words, self.binds).filter(is_port)?;
            (bind.contains(':') || !bind.contains('.')).then_some(bind)
        })
    }

    fn option<'a>(&self, words: &'a [String], options: &[&str]) -> Option<&'a str> {
        for option in options {
            if option.is_empty() {
                let name = self.name.last()?;
                let at = words.iter().position(|word| word.rsplit('/').next() == Some(name))?;
                let next = words[at + 1..].iter().find(|word| !word.starts_with('-'));
                if let Some(word) = next {
                    return Some(word);
                }
                continue;
            }
            let mut each = words.iter().enumerate();
            let found = each.find_map(|(at, word)| {
                let rest = word.strip_prefix(option)?;
                match rest {
                    "" => words.get(at + 1),
                    rest if rest.starts_with('=') => Some(word),
                    rest if option.len() == 2
                        && rest.starts_with(|each: char| each.is_ascii_digit() || each == '$') =>
                    {
                        Some(word)
                    }
                    _ => None,
                }
            });
            if let Some(word) = found {
                return Some(word);
            }
        }
        None
    }

    /// The words that say the address (and the port with it).
    pub fn words_for(&self, host: &str, port: Option<&str>) -> Vec<String> {
        match (self.hosts.first(), self.binds.first()) {
            (Some(option), _) => {
                let mut words = vec![(*option).to_owned(), host.to_owned()];
                words.extend(port.map(|port| self.words_for_port(port)).unwrap_or_default());
                words
            }
            (None, Some(option)) => {
                let address = format!("{host}:{}", port.map_or_else(|| self.default_port.to_string(), str::to_owned));
                if option.is_empty() { vec![address] } else { vec![(*option).to_owned(), address] }
            }
            (None, None) => vec![],
        }
    }

    /// The words that say the port.
    pub fn words_for_port(&self, port: &str) -> Vec<String> {
        match (self.ports.first(), self.binds.first()) {
            (Some(&""), _) => vec![port.to_owned()],
            (Some(option), _) => vec![(*option).to_owned(), port.to_owned()],
            (None, Some(_)) => self.words_for("0.0.0.0", Some(port)),
            (None, None) => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_words_and_tells_where_it_listens() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let check = |text: &str, host: Option<&str>, port: Option<&str>| {
            let words = words(text);
            let server = of(&words).expect("a server");
            assert_eq!((server.host_word(&words), server.port_word(&words)), (host, port), "{text}");
        };
        check("uvicorn app:app --host 127.0.0.1 --port 8000", Some("127.0.0.1"), Some("8000"));
        check("gunicorn -w 4 -b 0.0.0.0:8000 app:app", Some("0.0.0.0:8000"), Some("0.0.0.0:8000"));
        check("python manage.py runserver 0.0.0.0:8000", Some("0.0.0.0:8000"), Some("0.0.0.0:8000"));
        check("python manage.py runserver 8000", None, Some("8000"));
        check("python -m http.server 8080", None, Some("8080"));
        check("next start -p 3000", None, Some("3000"));
        check("serve -s dist -l 3000", None, Some("3000"));
        check("gunicorn app:app", None, None);
        assert!(of(&words("java -jar app.jar")).is_none());
    }
}

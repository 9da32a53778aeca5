//! What the command line can say. Declarations only.

mod generated;
mod import;

pub(super) use generated::{FormatVersion, Man, Schema};
pub(super) use import::{Import, Nginx};

use crate::config::codes;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  gateway demo             try it: a sample file, with a stand-in for every upstream
  gateway run              serve gateway.yml on 127.0.0.1:54321
  gateway check kong.yml   say what is wrong with a file, and where
  gateway check --online   the same, and whether its upstreams can be reached
  gateway token keys --env-file .env
  gateway explain GET http://localhost/mcp    say what would become of a request, and why
  gateway routes kong.yml  list the routes in the order in which they are tried
  gateway import nginx /etc/nginx/nginx.conf -o gateway.yml
  gateway run --config kong.yml --listen 0.0.0.0:8000 --listen '0.0.0.0:8443 ssl http2'
  KONG_DATABASE=off KONG_DECLARATIVE_CONFIG=kong.yml KONG_PROXY_LISTEN=0.0.0.0:8000 gateway run

Exit status: 0 done, 1 refused (the message says why), 2 wrong usage or an unreadable file.";

/// An API gateway that reads Kong's declarative file (kong.yml) as it is, and answers as Kong answers.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve a Kong file.
    Run(Run),
    /// Make a running gateway read its Kong file again, as SIGHUP does.
    #[command(after_help = RELOAD_HELP)]
    Reload(Reload),
    /// Put the program that is installed now in the place of a running gateway, as SIGUSR2 does. No connection is refused.
    #[command(after_help = UPGRADE_HELP)]
    Upgrade(Reload),
    /// Serve the sample file, with a stand-in for every upstream that answers with the request it got.
    Demo(Demo),
    /// Say what is wrong with Kong files. Nothing is served.
    Check(Check),
    /// Say what would become of a request: its route and why, its plugins, what the upstream would be asked.
    Explain(Explain),
    /// List the routes in the order in which they are tried.
    Routes(Routes),
    /// Kong's `kong config` commands, in Kong's words.
    #[command(subcommand)]
    Config(Config),
    /// Make, read and verify the tokens (JWT) that PostgREST and a Supabase stack want.
    #[command(subcommand)]
    Token(super::token::args::Token),
    /// Write the JSON Schema of Kong files, for editors.
    Schema(Schema),
    /// Write completions for a shell.
    #[command(after_help = generated::COMPLETIONS_HELP)]
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual: one page, or all of them.
    Man(Man),
    /// Write the gateway's file from another program's configuration.
    #[command(subcommand)]
    Import(Import),
    /// Print the version.
    Version,
}

const RUN_HELP: &str = "\
The file is the first of: --config, KONG_DECLARATIVE_CONFIG (a path), KONG_DECLARATIVE_CONFIG_STRING (the document \
itself), gateway.yml in the current folder.

A setting comes from the first of: the command line, the environment (KONG_…), the file of -c, the default. \
docs/configuration.md lists all settings.

Examples:
  gateway run --config kong.yml
  gateway run --listen '127.0.0.1:8443 ssl http2' --set ssl_cert=a.pem --set ssl_cert_key=a.key
  gateway run --set client_max_body_size=10m --set log_level=debug
  gateway run --resolve rest:3000:127.0.0.1:8080     rest:3000 is a program on this machine";

#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(super) struct Run {
    /// The Kong file; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Use this address in place of what DNS says for a host and port; can be given more than once.
    #[arg(long, value_name = "HOST:PORT:ADDR[:PORT]", value_parser = crate::settings::resolve::parse)]
    pub(super) resolve: Vec<crate::settings::resolve::Override>,
    #[command(flatten)]
    pub(super) serving: Serving,
    #[command(flatten)]
    pub(super) settings: Settings,
}

const RELOAD_HELP: &str = "\
The gateway is found by its prefix: where that folder exists, it writes its process number to PREFIX/pids/nginx.pid, as \
Kong does. Whether the file can be served, its log says; one that cannot changes nothing. A file that changed is served \
without being asked for, within seconds.";

const UPGRADE_HELP: &str = "\
The running gateway starts the program that now stands where it was started from, with the same arguments and \
environment, and hands its listening sockets over. When the new process serves, the old one lets its connections end \
(drain_timeout) and ends. If the new one does not serve within 30 seconds, the old one goes on; its log says why.

The gateway is found by its prefix, as by `gateway reload`. This command waits for what comes of it.

Exit status: 0 the new process serves, 1 the old one goes on, or nobody knows.";

#[derive(Debug, Args)]
pub(super) struct Reload {
    /// The folder that the gateway was started with, its setting `prefix`.
    #[arg(short = 'p', long)]
    pub(super) prefix: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: Settings,
}

const DEMO_HELP: &str = "\
Nothing else needs to be installed or running. A stand-in answers with the request that it received, as JSON; it also \
echoes WebSocket messages, and ticks for clients that accept text/event-stream.";

#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub(super) struct Demo {
    #[command(flatten)]
    pub(super) serving: Serving,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Serving {
    /// Where to listen, with Kong's flags (ssl, http2, …); can be given more than once.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) listen: Vec<String>,
    /// What to log: debug, info, notice, warn, error.
    #[arg(long, value_name = "LEVEL")]
    pub(super) log_level: Option<String>,
}

/// Where settings come from, besides the environment.
#[derive(Debug, Default, Args)]
pub(super) struct Settings {
    /// A file of settings in the syntax of kong.conf.
    #[arg(short = 'c', long = "conf", value_name = "KONG.CONF")]
    pub(super) conf: Option<PathBuf>,
    /// Set any setting; can be given more than once.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) set: Vec<(String, String)>,
}

const CHECK_HELP: &str = "\
Without a file, the one that `gateway run` would serve is checked. Variables in a file (${NAME}) are looked up in the \
environment, and KONG_PLUGINS limits the plugins that it may use. Without --online nothing is connected to, and nothing is changed. \
Secrets are shown as stars.

With --online, every server that a file sends requests to is asked as a request would find it: its name, a connection, TLS
where the service wants it, and `OPTIONS *`, which concerns no resource. Where a route's path is a prefix, `HEAD` of the
path with and without it tells whether `strip_path` is the wrong way round.

Examples:
  gateway check kong.yml
  gateway check --explain unknown-field       what a code means, with an example
  gateway check --deny-warnings *.yml         for a build that is to stop at warnings
  gateway check --format github kong.yml      beside the lines of a pull request
  gateway check --format sarif kong.yml > check.sarif
  gateway check --online kong.yml             whether every upstream can be reached
  gateway check --online --resolve rest:3000:127.0.0.1:3000 kong.yml

Exit status: 0 all can be served, and with --online every server can be used; 1 one cannot (or has warnings that are
denied); 2 one cannot be read.";

#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(super) struct Check {
    /// The Kong files; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// How to tell what was found.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Say nothing of this kind of warning, named by its code; can be given more than once.
    #[arg(long, value_name = "CODE", value_parser = known_code)]
    pub(super) allow: Vec<String>,
    /// Refuse files with warnings, too.
    #[arg(long)]
    pub(super) deny_warnings: bool,
    /// Say what a code means, such as unknown-field, and check nothing.
    #[arg(long, value_name = "CODE", conflicts_with = "files")]
    pub(super) explain: Option<String>,
    /// Refuse what Kong does not have, so that the file can be served by both.
    #[arg(long)]
    pub(super) portable: bool,
    /// Ask every server that the file sends requests to whether it is there.
    #[arg(long)]
    pub(super) online: bool,
    /// How long to wait for each of them, with --online.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = limit)]
    pub(super) timeout: Duration,
    /// Use this address in place of what DNS says for a host and port, with --online; can be given more than once.
    #[arg(long, value_name = "HOST:PORT:ADDR[:PORT]", value_parser = crate::settings::resolve::parse)]
    pub(super) resolve: Vec<crate::settings::resolve::Override>,
    #[command(flatten)]
    pub(super) settings: Settings,
}

const EXPLAIN_HELP: &str = "\
Nothing is sent and nothing is counted: the request goes the way that a served one would go, up to the upstream's door. \
Secrets are masked.

The scheme of the URL chooses the listener (https is TLS, with the URL's host as server name), its port what \
X-Forwarded-Port says; without a port it is that of the first listener of that kind.

Examples:
  gateway explain GET http://localhost/rest/v1/todos
  gateway explain GET https://studio.example.com/ --from 203.0.113.7
  gateway explain OPTIONS http://localhost/mcp -H 'Origin: https://app.test' -H 'Access-Control-Request-Method: POST'
  gateway explain POST http://localhost/graphql/v1 --body query.json -H 'Content-Type: application/json'
  gateway explain GET http://localhost/nowhere --all     why not, route by route
  gateway explain --batch < requests.jsonl               one JSON object per line, in and out

A line of --batch: {\"method\": \"GET\", \"url\": \"http://a.test/x\", \"headers\": [[\"Accept\", \"*/*\"]], \
\"from\": \"203.0.113.7\", \"body\": \"text\"}. docs/explain.md has all its fields.

Exit status: 0 explained, 1 the file cannot be served, 2 wrong usage or an unreadable file.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub(super) struct Explain {
    /// The method, such as GET.
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    pub(super) method: Option<String>,
    /// What is asked for: http://HOST[:PORT]/PATH or https://…
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    pub(super) url: Option<String>,
    /// A header of the request; can be given more than once.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(super) headers: Vec<(String, String)>,
    /// The address that the request comes from.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(super) from: IpAddr,
    /// The request's body; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) body: Option<PathBuf>,
    /// The version of HTTP that the client speaks: 1.0, 1.1 or 2.
    #[arg(long, value_name = "VERSION", default_value = "1.1", value_parser = crate::explain::version)]
    pub(super) http: http::Version,
    /// The Kong file; without it, the one that `gateway run` would serve.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Tell of all routes that do not take the request, not only of the nearest.
    #[arg(long)]
    pub(super) all: bool,
    /// Show secrets as they are.
    #[arg(long)]
    pub(super) show_secrets: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// For machines: read requests from standard input, one JSON object per line, and answer each with one.
    #[arg(long, conflicts_with_all = ["headers", "body"])]
    pub(super) batch: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

const ROUTES_HELP: &str = "\
One entry for each path of each route. The first that fits takes a request, but for rare cases in which Kong 2 looks \
first at the routes that name a host, path or header; `gateway explain` tells of them.

Exit status: 0 listed, 1 the file cannot be served, 2 wrong usage or an unreadable file.";

#[derive(Debug, Args)]
#[command(after_help = ROUTES_HELP)]
pub(super) struct Routes {
    /// The Kong file, or `-` for standard input; without it, the one that `gateway run` would serve.
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Print a JSON list.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// With the lines that a finding is about.
    #[default]
    Human,
    /// One line per finding: FILE:LINE:COLUMN: SEVERITY[CODE]: TEXT.
    Short,
    /// One object with everything, for programs.
    Json,
    /// Commands that GitHub Actions shows beside the lines.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Check a declarative file, and print what Kong prints.
    Parse(Parse),
    /// Write a sample file.
    Init {
        /// Where to.
        #[arg(default_value = "kong.yml")]
        file: PathBuf,
    },
}

/// Takes the options of `kong config parse`; those that only matter to Kong are accepted, and hidden.
#[derive(Debug, Args)]
pub(super) struct Parse {
    /// The file.
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[arg(short = 'p', long = "prefix", hide = true)]
    pub(super) _prefix: Option<PathBuf>,
    #[arg(long = "v", hide = true)]
    pub(super) _verbose: bool,
    #[arg(long = "vv", hide = true)]
    pub(super) _debug: bool,
}

fn limit(text: &str) -> Result<Duration, String> {
    let time = crate::settings::units::time(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| "write a time such as 5s, 500ms or 1m".to_owned())
}

fn known_code(text: &str) -> Result<String, String> {
    if codes::named(text).is_some() {
        return Ok(text.to_owned());
    }
    let near = codes::near(text).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("there is no such code{near}"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not of the form KEY=VALUE"))?;
    Ok((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("'{text}' is not of the form NAME: VALUE"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_run_takes() {
        let line =
            "gateway run --config - --listen 127.0.0.1:1 --listen [::1]:2 --set A=b=c --resolve r:80:127.0.0.1:8080";
        let Command::Run(run) = Cli::try_parse_from(line.split(' ')).unwrap().command else { panic!("not run") };
        assert_eq!(run.config, Some("-".into()));
        assert_eq!(run.serving.listen, ["127.0.0.1:1", "[::1]:2"]);
        assert_eq!(run.settings.set, [("a".to_owned(), "b=c".to_owned())]);
        assert_eq!(run.resolve, [(("r".into(), 80), "127.0.0.1:8080".parse().unwrap())]);
    }

    #[test]
    fn what_kong_config_parse_takes() {
        let line = "gateway config parse -c kong.conf -p /p --vv kong.yml";
        let Command::Config(Config::Parse(parse)) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not config parse")
        };
        assert_eq!((parse.file, parse.settings.conf), (Some("kong.yml".into()), Some("kong.conf".into())));
    }
}

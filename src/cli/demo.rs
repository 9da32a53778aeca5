//! `gateway demo`: the repository's own file, with stand-ins for all upstreams.

use super::args::Demo;
use super::findings::compile;
use super::{edge, print, refuse, run};
use crate::config::report::Source;
use crate::demo;
use crate::settings::Listen;
use std::process::ExitCode;

/// The file, as it was when this program was built.
const FILE: &str = include_str!("../../gateway.yml");
/// The variable that the file needs, and what it holds when nobody sets it.
const KEY: (&str, &str) = ("SUPABASE_SERVICE_KEY", "demo-service-key-that-opens-nothing");

/// Serves until it is stopped.
pub(super) fn main(args: &Demo) -> ExitCode {
    match try_main(args) {
        Ok(code) | Err(code) => code,
    }
}

fn try_main(args: &Demo) -> Result<ExitCode, ExitCode> {
    let passed = run::passed()?;
    let setup = run::setup(&args.settings, &args.serving)?;
    let source = Source { name: "gateway.yml".into(), text: FILE.into() };
    let (compiled, loaded) = compile(source, &variable, &setup).map_err(|all| refuse(&all))?;
    let mut settings = run::begin(loaded);
    if let Some(snapshot) = &compiled.snapshot {
        let addresses = demo::start(&demo::stand_ins(snapshot));
        let fail = |error| refuse(&[format!("no stand-in can listen: {}", print::reason(&error))]);
        settings.resolve.extend(addresses.map_err(fail)?);
    }
    Ok(run::until_stopped(settings, compiled, None, passed, lines_to_try))
}

fn variable(name: &str) -> Option<String> {
    edge::variable(name).or_else(|| (name == KEY.0).then(|| KEY.1.to_owned()))
}

/// A few commands, for the first listener.
fn lines_to_try(listens: &[Listen]) -> String {
    let Some(listen) = listens.first() else { return String::new() };
    let (scheme, insecure) = if listen.ssl { ("https", "k") } else { ("http", "") };
    let at = format!("{scheme}://localhost:{}", listen.address.port());
    format!(
        "\nEvery upstream is a stand-in that answers with the request it got. Try, in another terminal:\n\n  \
         curl -i{insecure} {at}/rest/v1/archon_settings -H 'Authorization: Bearer client'\n  \
         curl -i{insecure} {at}/graphql/v1 -d '{{\"query\":\"{{ me }}\"}}' -H 'Content-Type: application/json'\n  \
         curl -N{insecure} {at}/mcp -H 'Accept: text/event-stream'\n  \
         curl -i{insecure} {at}/ -H 'Host: studio.localhost'\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_name_the_listener() {
        let listen = Listen { ssl: true, ..Listen::plain(([127, 0, 0, 1], 8443).into()) };
        let text = lines_to_try(&[listen]);
        assert!(text.contains("\n  curl -ik https://localhost:8443/rest/v1/archon_settings -H"));
        assert_eq!(lines_to_try(&[]), "");
    }

    #[test]
    fn the_key_has_a_stand_in_too() {
        assert!(variable(KEY.0).is_some());
        assert_eq!(variable("GATEWAY_TEST_VARIABLE_THAT_NOBODY_SETS"), None);
    }
}

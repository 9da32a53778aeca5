//! Whatever is set, it is read, or refused for a reason.

use super::*;
use crate::settings::file;
use proptest::prelude::*;

/// What settings are made of, and what they are not.
const PIECES: &[&str] = &[
    "0",
    "1",
    "-1",
    "08",
    "65536",
    "99999999999999999999",
    "1.5",
    "on",
    "off",
    "true",
    "all",
    "k",
    "m",
    "ms",
    "s",
    "%",
    ":",
    ",",
    ";",
    " ",
    "\t",
    "=",
    "/",
    "/24",
    "/dev/stdout",
    ".",
    "*",
    "@",
    "#",
    "$",
    "\"",
    "'",
    "{",
    "}",
    "{vault://env/X}",
    "[::]:443",
    "0.0.0.0:80",
    "127.0.0.1",
    "a.test",
    "unix:",
    "http://",
    "https://u:p@h:1/x",
    "ssl",
    "http2",
    "reuseport",
    "proxy_protocol",
    "backlog=",
    "default_server",
    "TLSv1.3",
    "modern",
    "combined",
    "json",
    "info",
    "cors",
    "bundled",
    "NAME=",
    "X-Real-IP",
    "é",
    "\u{0}",
    "\u{feff}",
];

fn loaded(pairs: &[(String, String)]) -> Result<Loaded, Vec<String>> {
    let sources = Sources { flags: pairs, env: &|_| None, names: &[], file: &[], document: &[] };
    load(&sources, Edge { lookup: &|_| None, is_file: &|path| path.as_os_str().len() % 2 == 0 })
}

proptest! {
    #[test]
    fn every_value_is_read_or_refused(
        all in prop::collection::vec(
            (0..KEYS.len(), prop::collection::vec(prop::sample::select(PIECES), 1..7)), 1..4,
        ),
    ) {
        let pairs: Vec<_> = all.iter().map(|(key, pieces)| (KEYS[*key].name.to_owned(), pieces.concat())).collect();
        match loaded(&pairs) {
            Ok(loaded) => prop_assert!(loaded.set.iter().all(|set| pairs.iter().any(|pair| pair.0 == set.0))),
            Err(errors) => prop_assert!(!errors.is_empty() && errors.iter().all(|error| !error.is_empty())),
        }
    }

    #[test]
    fn every_file_is_read_or_refused(lines in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let text = lines.concat().replace(';', "\n");
        match file::parse(&text) {
            Ok(pairs) => drop(loaded(&pairs)),
            Err(line) => prop_assert!(!line.text.contains('=') && line.number <= text.lines().count()),
        }
    }
}

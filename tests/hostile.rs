//! No text makes the reader panic, hang, or refuse it without a place: random bytes, and the files of `tests/check` with
//! pieces changed, doubled, swapped and cut out.
#![allow(clippy::unwrap_used)]

use gateway::config::render::{self, Checked, Verdict};
use gateway::config::report::{Report, Source};
use gateway::config::{kong_print, load};
use gateway::settings::Settings;
use gateway::world::World;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Longest that a text of this size may take, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What mistakes are made of.
const PIECES: &[&str] = &[
    "\t",
    "\n",
    "  ",
    "- ",
    ": ",
    ":",
    "#",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "*a",
    "&a ",
    "<<: *a\n",
    "|\n",
    ">",
    "---\n",
    "%",
    "!!int ",
    "!x ",
    "? ",
    "~",
    "null",
    "${A}",
    "${A:-",
    "$A",
    "{vault://env/a}",
    "{vault://file/a}",
    "é",
    "\u{1f600}",
    "\u{301}",
    "\0",
    "\r\n",
    "\u{2028}",
    "0x",
    "1e999",
    "99999999999999999999",
    "-1",
    "services:\n",
    "  - name: a\n",
    "config:",
    "url: http://[::1",
    "paths: [\"/(\"]",
    "-----BEGIN PRIVATE KEY-----",
    "$((",
    "/(?<a>",
    "[[[[[[[[",
    "{{{{{{{{",
];

static FILES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "yml" || e == "json")).collect();
    files.sort();
    let texts = files.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
    // A file of a thousand services says nothing more after a change.
    texts.filter(|text| text.len() < 8000).collect()
});

/// One change of a text.
#[derive(Clone, Debug)]
enum Change {
    Insert(usize, usize),
    Remove(usize, usize),
    Double(usize, usize),
    Swap(usize, usize),
    Indent(usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0..4000_usize;
    prop_oneof![
        4 => (at(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        2 => (at(), 1..12_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (at(), 1..200_usize).prop_map(|(at, length)| Change::Double(at, length)),
        1 => (0..60_usize, 0..60_usize).prop_map(|(one, other)| Change::Swap(one, other)),
        2 => (0..60_usize, 0..7_usize).prop_map(|(line, blanks)| Change::Indent(line, blanks)),
        1 => at().prop_map(Change::Cut),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let border = |at: usize| (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let end = |from: usize, length: usize| {
        (from + length.min(text.len() - from)..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
    };
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    let line = |n: usize| n % lines.len().max(1);
    match *change {
        Change::Insert(at, piece) => format!("{}{}{}", &text[..border(at)], PIECES[piece], &text[border(at)..]),
        Change::Remove(at, length) => format!("{}{}", &text[..border(at)], &text[end(border(at), length)..]),
        Change::Double(at, length) => {
            let (from, to) = (border(at), end(border(at), length));
            format!("{}{}{}", &text[..to], &text[from..to], &text[to..])
        }
        Change::Cut(at) => text[..border(at)].to_owned(),
        _ if lines.is_empty() => String::new(),
        Change::Swap(one, other) => {
            let (one, other) = (line(one), line(other));
            lines.swap(one, other);
            lines.concat()
        }
        Change::Indent(at, blanks) => {
            let at = line(at);
            lines[at] = " ".repeat(blanks) + lines[at].trim_start_matches(' ');
            lines.concat()
        }
    }
}

/// Reads a text as a file of this name, renders what was found in every way, and looks at the places.
fn read(name: &str, text: &str) {
    let started = Instant::now();
    let source = Source::new(name, text);
    let (snapshot, report) = load(&source, World::EMPTY, &Settings::default());
    assert_eq!(snapshot.is_none(), report.has_errors(), "{text:?}");
    for found in &report.found {
        let (start, end) = (found.span.start(), found.span.end());
        assert!(start <= end && end <= text.len(), "{found:?} in {text:?}");
        assert!(end > 0 || text.is_empty(), "no place: {found:?} in {text:?}");
        assert!(!found.message.is_empty() && !found.message.ends_with('.'), "{found:?}");
    }
    render_all(&source, &report);
    let beginning: String = text.chars().take(200).collect();
    assert!(started.elapsed() < PATIENCE, "{:?} for {beginning:?}", started.elapsed());
}

fn render_all(source: &Source, report: &Report) {
    let all = [Checked { source, report, verdict: Verdict::Invalid }];
    let _ = (render::human(report, source, true, 40), render::human(report, source, false, 200));
    let _ = (render::short(report, source), render::github(report, source), kong_print::render(report));
    for text in [render::json(&all), render::sarif(&all)] {
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file(n in 0..1000_usize, changes in proptest::collection::vec(change(), 1..6), json: bool) {
        let text = changes.iter().fold(FILES[n % FILES.len()].clone(), |text, change| apply(&text, change));
        read(if json { "k" } else { "k.yml" }, &text);
    }

    #[test]
    fn bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(source) = Source::from_bytes("k", &bytes) {
            read("k", &source.text);
        }
        read("k.yml", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.iter().map(|n| PIECES[*n]).collect();
        read("k.yml", &text);
        read("k.json", &text);
    }
}

#[test]
fn what_is_deep_or_long_ends() {
    for text in ["[", "{a: ", "- ", "&a [*a, ", "'", "${A:-", "\"\\", "{{", "? ", "a: *b\n", "a: 1\n", "x: [\"/("] {
        read("k.yml", &text.repeat(10_000));
        read("k.json", &text.repeat(10_000));
    }
}

#[test]
fn a_large_mapping_is_read_in_time_that_grows_with_its_size() {
    let pairs = |pair: fn(usize) -> String, between| (0..100_000).map(pair).collect::<Vec<_>>().join(between);
    let block = pairs(|n| format!("  k{n}: v"), "\n");
    read("k.yml", &format!("_format_version: \"3.0\"\n_info:\n{block}\n"));
    let flow = pairs(|n| format!("\"k{n}\": 1"), ", ");
    read("k.yml", &format!("{{\"_format_version\": \"3.0\", \"_info\": {{{flow}, }}}}"));
    read("k.json", &format!("{{\"_format_version\": \"3.0\", \"_info\": {{{flow}}}}}"));
    let names = pairs(|n| format!("k{n}: [v]"), ", ");
    read("k.yml", &format!("_format_version: \"3.0\"\nroutes: [{{name: r, headers: {{{names}}}}}]\n"));
}

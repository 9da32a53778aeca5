//! A [`Document`] to YAML that people read. Scalars are quoted by serde-saphyr; where comments and blank lines go is
//! decided here, which no serializer knows.

use super::document::{Certificate, Document, Entry, Item, Node, Plugin, Route, Service, Sni, Target, Upstream};
use super::share::share;
use serde_saphyr::{FlowSeq, SerializerOptions};

/// Columns of a comment.
const WIDTH: usize = 116;

/// The whole file.
#[must_use]
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    comments(&document.head, 0, &mut out);
    let mut all: Vec<Entry> = sections(document).into_iter().flatten().collect();
    share(&mut all);
    for (number, section) in all.iter().enumerate() {
        if number > 0 || !out.is_empty() {
            out.push('\n');
        }
        entries(std::slice::from_ref(section), 0, &mut out);
    }
    out
}

// === entities to values ===

fn sections(document: &Document) -> [Option<Entry>; 7] {
    let settings = (!document.settings.is_empty()).then(|| Node::Map(document.settings.clone()));
    [
        Some(text("_format_version", "3.0")),
        settings.map(|settings| Entry::new("_gateway", settings)),
        list(&document.services, service).map(|all| Entry::new("services", all)),
        list(&document.routes, route).map(|all| Entry::new("routes", all)),
        list(&document.upstreams, upstream).map(|all| Entry::new("upstreams", all)),
        list(&document.certificates, certificate).map(|all| Entry::new("certificates", all)),
        list(&document.plugins, plugin).map(|all| Entry::new("plugins", all)),
    ]
}

fn list<T>(all: &[T], node: fn(&T) -> Item) -> Option<Node> {
    (!all.is_empty()).then(|| Node::List(all.iter().map(node).collect()))
}

fn service(service: &Service) -> Item {
    let target = &service.target;
    let mut map = vec![text("name", &service.name), text("url", &url(target))];
    map.extend(number("retries", target.retries));
    map.extend(number("connect_timeout", target.connect_timeout));
    map.extend(number("write_timeout", target.write_timeout));
    map.extend(number("read_timeout", target.read_timeout));
    map.extend(truth("tls_verify", target.tls_verify));
    map.extend(list(&service.routes, route).map(|routes| Entry::new("routes", routes)));
    map.extend(list(&service.plugins, plugin).map(|plugins| Entry::new("plugins", plugins)));
    Item::new(Node::Map(map))
}

fn url(target: &Target) -> String {
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", target.scheme, target.host, target.path)
}

fn route(route: &Route) -> Item {
    let mut map = vec![text("name", &route.name)];
    map.extend((!route.hosts.is_empty()).then(|| Entry::new("hosts", Node::Row(route.hosts.clone()))));
    map.extend((!route.snis.is_empty()).then(|| Entry::new("snis", Node::Row(route.snis.clone()))));
    map.push(Entry::new("paths", Node::Row(vec![route.path.clone()])));
    map.extend((route.regex_priority > 0).then(|| Entry::new("regex_priority", Node::Int(route.regex_priority))));
    map.push(Entry::new("strip_path", Node::Bool(route.strip_path)));
    map.extend(route.plain_join.then(|| text("path_handling", "v1")));
    map.extend(truth("preserve_host", route.preserve_host));
    map.extend(route.https_only.then(|| Entry::new("protocols", Node::Row(vec!["https".to_owned()]))));
    map.extend(number("https_redirect_status_code", route.redirect.map(u64::from)));
    map.extend(list(&route.plugins, plugin).map(|plugins| Entry::new("plugins", plugins)));
    Item { comments: route.comments.clone(), value: Node::Map(map) }
}

fn plugin(plugin: &Plugin) -> Item {
    let mut map = vec![text("name", plugin.name)];
    map.extend((!plugin.config.is_empty()).then(|| Entry::new("config", Node::Map(plugin.config.clone()))));
    Item::new(Node::Map(map))
}

fn upstream(upstream: &Upstream) -> Item {
    let target = |(target, weight): &(String, Option<u64>)| {
        let mut map = vec![text("target", target)];
        map.extend(number("weight", *weight));
        Item::new(Node::Map(map))
    };
    let targets = Node::List(upstream.targets.iter().map(target).collect());
    let map = vec![text("name", &upstream.name), Entry::new("targets", targets)];
    Item { comments: upstream.comments.clone(), value: Node::Map(map) }
}

fn certificate(certificate: &Certificate) -> Item {
    let names = [("cert", "key"), ("cert_alt", "key_alt")];
    let pairs = certificate.pairs.iter().zip(names);
    let mut map: Vec<Entry> =
        pairs.flat_map(|((chain, key), (c, k))| [text(c, &file(chain)), text(k, &file(key))]).collect();
    map.extend(list(&certificate.snis, sni).map(|snis| Entry::new("snis", snis)));
    Item { comments: certificate.comments.clone(), value: Node::Map(map) }
}

fn sni(sni: &Sni) -> Item {
    let mut map = vec![text("name", &sni.name)];
    map.extend(sni.client_ca.as_ref().map(|path| text("client_ca", &file(path))));
    map.extend(sni.optional.then(|| text("client_verify", "optional")));
    Item::new(Node::Map(map))
}

/// A reference to a file's content.
fn file(path: &str) -> String {
    format!("{{vault://file{path}}}")
}

fn text(key: &str, value: &str) -> Entry {
    Entry::new(key, Node::text(value))
}

fn number(key: &str, value: Option<u64>) -> Option<Entry> {
    value.map(|value| Entry::new(key, Node::Int(value)))
}

fn truth(key: &str, value: bool) -> Option<Entry> {
    value.then(|| Entry::new(key, Node::Bool(true)))
}

// === values to text ===

fn entries(all: &[Entry], indent: usize, out: &mut String) {
    for (number, entry) in all.iter().enumerate() {
        comments(&entry.comments, indent, out);
        // Behind the `- ` of a list, the first key is already at its place.
        if number > 0 || !out.ends_with("- ") {
            blanks(indent, out);
        }
        out.push_str(&entry.key);
        out.push(':');
        value(&entry.value, indent, out);
    }
}

fn value(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Map(map) if !map.is_empty() => {
            out.push('\n');
            entries(map, indent + 2, out);
        }
        Node::Named(name, map) => {
            out.push_str(&format!(" &{name}\n"));
            entries(map, indent + 2, out);
        }
        Node::List(items) if !items.is_empty() => {
            out.push('\n');
            items_of(items, indent + 2, out);
        }
        _ => out.push_str(&format!(" {}\n", inline(node))),
    }
}

fn items_of(items: &[Item], indent: usize, out: &mut String) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 && stands_apart(item) {
            out.push('\n');
        }
        comments(&item.comments, indent, out);
        blanks(indent, out);
        out.push_str("- ");
        match &item.value {
            Node::Map(map) if !map.is_empty() => entries(map, indent + 2, out),
            node => out.push_str(&format!("{}\n", inline(node))),
        }
    }
}

/// Whether a blank line goes above an entry: it has a comment, or holds lists of its own.
fn stands_apart(item: &Item) -> bool {
    let lists = |map: &[Entry]| map.iter().any(|entry| matches!(entry.value, Node::List(_)));
    !item.comments.is_empty() || matches!(&item.value, Node::Map(map) if map.len() > 3 || lists(map))
}

fn inline(node: &Node) -> String {
    match node {
        Node::Text(text) => scalar(text),
        Node::Int(number) => number.to_string(),
        Node::Bool(truth) => truth.to_string(),
        Node::Row(all) => row(all),
        Node::List(_) => "[]".to_owned(),
        Node::Map(_) | Node::Named(..) => "{}".to_owned(),
        Node::Again(name) => format!("*{name}"),
    }
}

/// A text as a scalar that means this text, in YAML 1.1 (as the gateway and Kong read) and 1.2.
fn scalar(text: &str) -> String {
    serialized(&text, ambiguous(text))
}

fn row(all: &[String]) -> String {
    serialized(&FlowSeq(all), all.iter().any(|text| ambiguous(text)))
}

fn serialized(value: &impl serde::Serialize, quote_all: bool) -> String {
    let options: SerializerOptions = serde_saphyr::ser_options! { prefer_block_scalars: false, quote_all: quote_all };
    let mut out = String::new();
    // Writing texts to memory does not fail; were it to, the empty text would be refused where it is read.
    let _ = serde_saphyr::to_fmt_writer_with_options(&mut out, value, options);
    out.trim_end_matches('\n').to_owned()
}

/// Whether YAML 1.1 could take an unquoted text for something else, such as a number of base 60.
fn ambiguous(text: &str) -> bool {
    let word = matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "null" | "~");
    let numeral = text.starts_with(|c: char| c.is_ascii_digit() || "+-._".contains(c))
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b"+-._:xXoO".contains(&b));
    word || numeral || text.contains(|c: char| c.is_control() || (!c.is_ascii() && !c.is_alphanumeric()))
}

fn comments(lines: &[String], indent: usize, out: &mut String) {
    for line in lines {
        for part in wrapped(line, WIDTH.saturating_sub(indent)) {
            blanks(indent, out);
            out.push_str(if part.is_empty() { "#" } else { "# " });
            out.push_str(&part);
            out.push('\n');
        }
    }
}

/// A line in pieces that fit; pieces after the first are set in.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    let line: String = line.chars().map(|c| if printable(c) { c } else { ' ' }).collect();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let last = parts.last_mut().filter(|last| last.is_empty() || last.len() + 1 + word.len() <= width);
        match last {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) => last.extend([" ", word]),
            None => parts.push(format!("  {word}")),
        }
    }
    parts
}

/// Whether a character may stand in a comment.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '…') || (!c.is_ascii() && c.is_alphanumeric())
}

fn blanks(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::plain;
    use crate::config::report::Source;
    use saphyr_parser::{Event, Parser, ScalarStyle};

    /// The single scalar of a text, and whether it is quoted.
    fn read(yaml: &str) -> (String, bool) {
        let events: Vec<_> = Parser::new_from_str(yaml).map(|event| event.unwrap().0).collect();
        let scalar = |event: &Event| match event {
            Event::Scalar(text, style, ..) => Some((text.to_string(), *style != ScalarStyle::Plain)),
            _ => None,
        };
        events.iter().find_map(scalar).unwrap()
    }

    #[test]
    fn quotes_where_they_are_needed() {
        for (text, yaml) in [
            ("plain", "plain"),
            ("/api/", "/api/"),
            ("on", "'on'"),
            ("010", "'010'"),
            ("1:30", "'1:30'"),
            ("app.example.com", "app.example.com"),
        ] {
            assert_eq!(scalar(text), yaml);
        }
        assert_eq!(row(&["a, b".to_owned(), "c".to_owned()]), "[\"a, b\", c]");
    }

    #[test]
    fn comments_are_wrapped_and_stay_comments() {
        let mut out = String::new();
        comments(&[format!("a\nb {}", "word ".repeat(40))], 2, &mut out);
        assert!(
            out.lines().count() == 2 && out.lines().all(|line| line.starts_with("  # ") && line.len() < 121),
            "{out}"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in ".{1,40}") {
            let (back, quoted) = read(&format!("a:\n  b: {}\n", scalar(&text)).replace("a:\n  b: ", "- "));
            proptest::prop_assert_eq!(&back, &text);
            proptest::prop_assert!(quoted || !ambiguous(&text));
        }

        #[test]
        fn every_text_is_a_text_to_the_gateway(text in "[-+.:_0-9a-fxoinyINFtruesl~]{1,6}") {
            let read = plain(&Source::new("k.yml", format!("a: {}\nb: {}\n", scalar(&text), row(std::slice::from_ref(&text)))));
            proptest::prop_assert_eq!(read, Some(serde_json::json!({ "a": text, "b": [text] })));
        }
    }
}

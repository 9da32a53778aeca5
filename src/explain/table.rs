//! The routes as compiled, in the order in which the router tries them: for `gateway routes`. Pure.

use super::Served;
use super::paint::{Paint, folded};
use crate::route::Spec;
use crate::route::trace::{Standing, Standings};
use serde_json::{Map, Value, json};

/// One row: a path of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The route's name.
    pub route: String,
    /// The route's line.
    pub line: usize,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// Its expression, in place of all that follows.
    pub expression: Option<String>,
    /// Its path; `None` takes any.
    pub path: Option<String>,
    /// Whether that is a regular expression.
    pub is_regex: bool,
    /// Its methods; empty takes any.
    pub methods: Vec<String>,
    /// Its headers, as `name: value, value`.
    pub headers: Vec<String>,
    /// Its TLS server names.
    pub snis: Vec<String>,
    /// Its protocols.
    pub protocols: Vec<String>,
    /// The service's name and URL.
    pub service: Option<(String, String)>,
    /// `strip_path`.
    pub strip_path: bool,
    /// `preserve_host`.
    pub preserve_host: bool,
    /// The plugins in running order.
    pub plugins: Vec<&'static str>,
}

/// Blanks between two columns.
const GAP: usize = 2;

/// All rows.
#[must_use]
pub fn rows(served: Served<'_>) -> Vec<Row> {
    let standings = Standings::of(&served.outline.specs, served.snapshot.compat);
    standings.in_order().iter().map(|standing| row(served, standing)).collect()
}

fn row(served: Served<'_>, standing: &Standing<'_>) -> Row {
    let Standing { spec, path, is_regex, .. } = *standing;
    let (route, outline) = (served.snapshot.route(spec.id), &served.outline.routes[spec.id.index()]);
    let service = route.service.map(|id| &served.outline.services[id.index()]);
    Row {
        route: outline.name.clone(),
        line: outline.line,
        hosts: spec.hosts.clone(),
        expression: spec.expression.as_ref().map(|asked| asked.text.clone()),
        path: path.map(str::to_owned),
        is_regex,
        methods: spec.methods.clone(),
        headers: headers(spec),
        snis: spec.snis.clone(),
        protocols: outline.protocols.clone(),
        service: service.map(|service| (service.name.clone(), service.url.clone())),
        strip_path: route.strip_path,
        preserve_host: route.preserve_host,
        plugins: route.chain.names().collect(),
    }
}

fn headers(spec: &Spec) -> Vec<String> {
    spec.headers.iter().map(|(name, values)| format!("{name}: {}", values.join(", "))).collect()
}

// === impl Row ===

impl Row {
    fn json(&self) -> Value {
        let mut object = Map::new();
        let service = self.service.as_ref().map(|(name, url)| json!({"name": name, "url": url}));
        let fields = [
            ("route", json!(self.route)),
            ("line", json!(self.line)),
            ("hosts", json!(self.hosts)),
            ("expression", json!(self.expression)),
            ("path", json!(self.path)),
            ("regex", json!(self.is_regex)),
            ("methods", json!(self.methods)),
            ("headers", json!(self.headers)),
            ("snis", json!(self.snis)),
            ("protocols", json!(self.protocols)),
            ("service", json!(service)),
            ("strip_path", json!(self.strip_path)),
            ("preserve_host", json!(self.preserve_host)),
            ("plugins", json!(self.plugins)),
        ];
        object.extend(fields.map(|(key, value)| (key.to_owned(), value)));
        Value::Object(object)
    }

    /// What a request must have, beside host, path and method.
    fn also(&self) -> Vec<String> {
        let protocols = match self.protocols.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["http", "https"] | ["https", "http"] => None,
            some => Some(format!("{} only", some.join(", "))),
        };
        let snis = (!self.snis.is_empty()).then(|| format!("server name {}", self.snis.join(", ")));
        self.headers.iter().map(|line| format!("header {line}")).chain(snis).chain(protocols).collect()
    }

    /// Where it goes, and with what.
    fn goes(&self) -> Vec<String> {
        let service = self.service.as_ref().map_or("no service", |(_, url)| url);
        let strip =
            (self.strip_path && (self.path.is_some() || self.expression.is_some())).then_some("strips the path");
        let host = self.preserve_host.then_some("keeps the host");
        let with = [strip, host].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let first = if with.is_empty() { service.to_owned() } else { format!("{service}  ({with})") };
        let plugins = (!self.plugins.is_empty()).then(|| format!("plugins: {}", self.plugins.join(", ")));
        [Some(first), plugins].into_iter().flatten().collect()
    }
}

/// All rows for machines.
#[must_use]
pub fn json(rows: &[Row]) -> Value {
    rows.iter().map(Row::json).collect()
}

/// All rows for people: as a table where it fits, else one below the other.
#[must_use]
pub fn text(rows: &[Row], width: usize, paint: Paint) -> String {
    if rows.is_empty() {
        return "no routes\n".to_owned();
    }
    let table = std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(cells)).collect::<Vec<_>>();
    let widths: [usize; 5] =
        std::array::from_fn(|column| table.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default());
    if widths.iter().sum::<usize>() + GAP * (widths.len() - 1) > width {
        return rows.iter().map(|row| stacked(row, width, paint)).collect::<Vec<_>>().join("\n");
    }
    table
        .iter()
        .enumerate()
        .map(|(at, cells)| aligned(cells, widths, if at == 0 { paint } else { Paint(false) }))
        .collect()
}

const HEAD: [&str; 5] = ["ROUTE:LINE", "ASKS FOR", "METHODS", "GOES TO", "PLUGINS"];

fn cells(row: &Row) -> [String; 5] {
    let also = row.also();
    let target = [asked(row), also.join(", ")];
    let goes = row.goes();
    [
        format!("{}:{}", row.route, row.line),
        target.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" "),
        methods(row),
        goes.first().cloned().unwrap_or_default(),
        row.plugins.join(", "),
    ]
}

fn methods(row: &Row) -> String {
    if row.methods.is_empty() { "any".to_owned() } else { row.methods.join(" ") }
}

/// `host/path`, as people write it.
fn asked(row: &Row) -> String {
    if let Some(expression) = &row.expression {
        return expression.clone();
    }
    let path = row.path.as_deref().map_or_else(|| "any path".to_owned(), str::to_owned);
    match row.hosts.len() {
        0 => path,
        _ => format!("{} {path}", row.hosts.join(", ")),
    }
}

fn aligned(cells: &[String; 5], widths: [usize; 5], paint: Paint) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    let line = padded.collect::<Vec<_>>().join(&" ".repeat(GAP));
    format!("{}\n", paint.bold(line.trim_end()))
}

fn stacked(row: &Row, width: usize, paint: Paint) -> String {
    let name = format!("{} (line {})", row.route, row.line);
    let regex = if row.is_regex { "  (regular expression)" } else { "" };
    let hosts = (!row.hosts.is_empty()).then(|| format!("host {}", row.hosts.join(", ")));
    let path = row.path.as_ref().map(|path| format!("path {path}{regex}"));
    let methods = (!row.methods.is_empty()).then(|| format!("method {}", row.methods.join(", ")));
    let expression = row.expression.clone();
    let asks = [expression, hosts, path, methods].into_iter().flatten().chain(row.also());
    let goes = row.goes().into_iter().enumerate().map(|(at, line)| if at == 0 { format!("-> {line}") } else { line });
    let lines = asks.chain(goes).map(|line| format!("  {}\n", folded(&line, 2, 4, width)));
    format!("{}\n{}", paint.bold(&name), lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(route: &str, hosts: &[&str]) -> Row {
        Row {
            route: route.to_owned(),
            line: 7,
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            expression: None,
            path: Some("/a".to_owned()),
            is_regex: false,
            methods: Vec::new(),
            headers: vec!["x-a: 1".to_owned()],
            snis: Vec::new(),
            protocols: vec!["https".to_owned()],
            service: Some(("s".to_owned(), "http://s/".to_owned())),
            strip_path: true,
            preserve_host: false,
            plugins: vec!["cors"],
        }
    }

    #[test]
    fn wide_terminals_get_a_table_and_narrow_ones_a_list() {
        let rows = [row("one", &["a.test"]), row("other", &[])];
        let table = text(&rows, 120, Paint(false));
        let lines: Vec<_> = table.lines().collect();
        let head = "ROUTE:LINE  ASKS FOR                             METHODS  GOES TO                       PLUGINS";
        let other = "other:7     /a header x-a: 1, https only         any      http://s/  (strips the path)  cors";
        assert_eq!((lines[0], lines[2]), (head, other));
        let list = text(&rows[1..], 40, Paint(false));
        let lines = "other (line 7)\n  path /a\n  header x-a: 1\n  https only\n  -> http://s/  (strips the path)\n  plugins: cors\n";
        assert_eq!(list, lines);
        assert_eq!(text(&[], 80, Paint(false)), "no routes\n");
    }
}

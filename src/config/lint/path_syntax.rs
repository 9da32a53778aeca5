//! Paths that are read otherwise than they look: expressions, patterns and templates.

use super::Rule;
use super::subject::Subject;
use crate::config::report::{Diagnostic, Report};
use crate::config::value::Checked;
use crate::courtesy::breathe;
use crate::entity::Compat;

pub(super) static EXPRESSION: Rule = Rule {
    code: "literal-expression",
    summary: "a path looks like a regular expression, and is none in format 3.0",
    explain: "Kong 2 guesses from its characters whether a path is a regular expression. Kong 3 does not: there, an \
        expression begins with `~`, and every other path is a prefix, taken letter by letter. A path such as \
        `/users/\\d+$` in a file of format 3.0 matches only requests whose path has a backslash in it.\n\nWrite `~` in \
        front: `~/users/\\d+$`. A path that ends in `/*` needs no expression, since a path is a prefix: write it without.",
    bad: r#"_format_version: "3.0"
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: ['/users/\d+$']"#,
    good: r#"_format_version: "3.0"
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: ['~/users/\d+$']"#,
    run: expressions,
};

pub(super) static TEMPLATE: Rule = Rule {
    code: "path-template",
    summary: "a path has a placeholder such as `{id}`, which Kong takes literally",
    explain: "OpenAPI's `/users/{id}` and other routers' `/users/:id` mean any user; in Kong's file they mean these \
        very letters, so that no real request matches.\n\nWrite an expression with a group: `/users/(?<id>[^/]+)` in \
        the formats 1.1 and 2.1, the same behind a `~` in 3.0. Or write the prefix alone: `/users/`.",
    bad: r#"_format_version: "3.0"
services:
  - name: users
    url: http://users:3000
    routes:
      - name: posts
        paths: ['/users/{id}/posts']"#,
    good: r#"_format_version: "3.0"
services:
  - name: users
    url: http://users:3000
    routes:
      - name: posts
        paths: ['~/users/(?<id>[^/]+)/posts']"#,
    run: templates,
};

fn paths<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (&'a Checked, &'a str)> + use<'a> {
    let all = subject.model.all("routes").iter().inspect(|_| breathe()).flat_map(|route| route.fields.list("paths"));
    all.filter_map(|path| Some((path, path.as_str()?)))
}

fn expressions(subject: &Subject<'_>, report: &mut Report) {
    if subject.model.compat == Compat::Kong3 {
        report.found.extend(paths(subject).filter_map(|(path, text)| expression(path, text)));
    }
}

fn expression(path: &Checked, text: &str) -> Option<Diagnostic> {
    if text.starts_with('~') || template(text).is_some() {
        return None;
    }
    let message = format!("the path `{text}` is no regular expression in format 3.0: it is taken letter by letter");
    let warning = EXPRESSION.warn(path.span, message);
    if let Some(prefix) = text.strip_suffix("/*").or_else(|| text.strip_suffix("/**")).filter(|rest| !has_syntax(rest))
    {
        let prefix = if prefix.is_empty() { "/" } else { prefix };
        return Some(warning.help(format!("a path is a prefix already: write `{prefix}`")));
    }
    has_syntax(text).then(|| warning.help(format!("write `~{text}`")))
}

/// What nobody writes into a path that is meant letter by letter. Parentheses alone are no sign: OData has them.
fn has_syntax(text: &str) -> bool {
    ["\\", "[", "|", "^", "(?", ".*", ".+", ")?"].iter().any(|sign| text.contains(sign)) || text.ends_with('$')
}

fn templates(subject: &Subject<'_>, report: &mut Report) {
    let three = subject.model.compat == Compat::Kong3;
    for (path, text) in paths(subject) {
        let Some((written, name)) = template(text) else { continue };
        let message = format!("`{written}` in the path `{text}` is no placeholder: it stands for these letters");
        let better = text.replacen(written, &format!("(?<{name}>[^/]+)"), 1);
        let tilde = if three && !better.starts_with('~') { "~" } else { "" };
        report.push(TEMPLATE.warn(path.span, message).help(format!("write `{tilde}{better}`")));
    }
}

/// A whole segment that is `{name}` or `:name`, and the name.
fn template(text: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split('/').find_map(|segment| {
        let braced = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let name = braced.or_else(|| segment.strip_prefix(':'))?;
        is_name(name).then_some((segment, name))
    })
}

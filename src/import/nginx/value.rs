//! Values with variables, as `proxy_set_header` and others have them: in the gateway's templates where there is one
//! that means the same.

/// A value in other words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It has no variable.
    Fixed(String),
    /// It has some, and is a template now.
    Template(String),
    /// This variable has no counterpart.
    Unknown(String),
}

enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Translates a value. `server_name` is what `$server_name` stands for.
pub(super) fn translate(text: &str, server_name: &str) -> Value {
    let mut out = String::new();
    let mut template = false;
    for part in parts(text) {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Variable("server_name") => out.push_str(server_name),
            Part::Variable(name) => match expression(name) {
                Some(expression) => {
                    template = true;
                    out.push_str(&expression);
                }
                None => return Value::Unknown(name.to_owned()),
            },
        }
    }
    if template { Value::Template(out) } else { Value::Fixed(out) }
}

/// Whether a text stands for itself in the gateway's files, which put something else in for `$NAME` and a vault's
/// reference.
pub(super) fn is_itself(text: &str) -> bool {
    !text.contains('$') && !text.starts_with("{vault://")
}

fn expression(name: &str) -> Option<String> {
    if let Some(header) = name.strip_prefix("http_") {
        return Some(format!("$(headers['{}'])", header.replace('_', "-")));
    }
    name.strip_prefix("arg_").map(|argument| format!("$(query_params['{argument}'])"))
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, behind) = (&rest[..at], &rest[at + 1..]);
        parts.push(Part::Text(before));
        let braced = behind.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
        let (name, after) = braced.unwrap_or_else(|| behind.split_at(end));
        parts.push(Part::Variable(name));
        rest = after;
    }
    parts.push(Part::Text(rest));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        assert!(is_itself("text/{x}") && is_itself("see {vault://env/A}"));
        assert!(!is_itself("${A}b") && !is_itself("$A") && !is_itself("{vault://env/A}"));
    }

    #[test]
    fn variables() {
        let read = |text| translate(text, "a.test");
        assert_eq!(read("x y"), Value::Fixed("x y".to_owned()));
        assert_eq!(read("$server_name"), Value::Fixed("a.test".to_owned()));
        assert_eq!(read("Bearer $http_x_token."), Value::Template("Bearer $(headers['x-token']).".to_owned()));
        assert_eq!(read("${arg_a}b"), Value::Template("$(query_params['a'])b".to_owned()));
        assert_eq!(read("$request_id"), Value::Unknown("request_id".to_owned()));
        assert_eq!(read("a$"), Value::Unknown(String::new()));
    }
}

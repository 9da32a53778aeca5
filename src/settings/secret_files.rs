//! Settings whose value is in a file: `KONG_SSL_CERT_KEY_FILE=/run/secrets/key` is `KONG_SSL_CERT_KEY` with what the file
//! holds, as the entrypoint of Kong's image has it (`kong/operations.md` §6). It knows Kong's keys; here injected nginx
//! directives can be in a file, too.

use super::sources::{KONG, OWN};
use super::{ignored, table};

/// How a variable ends whose value is a path.
const FILE: &str = "_FILE";

/// Reads a file, or says why not.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The variables that files give, for the names that are set. Line ends behind a value are no part of it.
///
/// # Errors
/// A file that cannot be read, and a setting that is given both ways, in the words of Kong's image.
pub fn variables(
    names: &[String],
    env: &dyn Fn(&str) -> Option<String>,
    read: Read<'_>,
) -> Result<Vec<(String, String)>, Vec<String>> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (name, base) in names.iter().filter_map(|name| Some((name, named(name)?))) {
        match set(name).map(|path| one(base, name, &path, set(base).is_some(), read)) {
            None => {}
            Some(Ok(value)) => found.push((base.to_owned(), value)),
            Some(Err(error)) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The variable whose value the file of this one holds, if it is a setting.
fn named(name: &str) -> Option<&str> {
    let base = name.strip_suffix(FILE)?;
    let key = base.strip_prefix(KONG).or_else(|| base.strip_prefix(OWN))?.to_ascii_lowercase();
    (table::has(&key) || ignored::has(&key)).then_some(base)
}

fn one(base: &str, name: &str, path: &str, twice: bool, read: Read<'_>) -> Result<String, String> {
    if twice {
        return Err(format!("both {base} and {name} are set (but are exclusive)"));
    }
    let text = read(path).map_err(|why| format!("{name}: {path}: {why}"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn variables_of(env: &[(&str, &str)]) -> Result<Vec<(String, String)>, Vec<String>> {
        let names: Vec<String> = env.iter().map(|(name, _)| (*name).to_owned()).collect();
        let value = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let read = |path: &str| match path {
            "/s" => Ok("secret \n\n".to_owned()),
            _ => Err("No such file or directory".to_owned()),
        };
        variables(&names, &value, &read)
    }

    #[test]
    fn a_value_is_what_the_file_holds() {
        let all = variables_of(&[
            ("KONG_SSL_CERT_FILE", "/s"),
            ("GATEWAY_PLUGINS_FILE", "/s"),
            ("KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE_FILE", "/s"),
            ("KONG_PG_PASSWORD_FILE", "/s"),
            ("KONG_PREFIX_FILE", ""),
            ("KONG_WHATEVER_FILE", "/s"),
            ("OTHER_FILE", "/s"),
        ]);
        let names: Vec<_> = all.as_ref().unwrap().iter().map(|(name, _)| name.as_str()).collect();
        let want = ["KONG_SSL_CERT", "GATEWAY_PLUGINS", "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE", "KONG_PG_PASSWORD"];
        assert_eq!(names, want);
        assert!(all.unwrap().iter().all(|(_, value)| value == "secret "));
    }

    #[test]
    fn one_way_or_the_other() {
        let both = variables_of(&[("KONG_PREFIX", "/p"), ("KONG_PREFIX_FILE", "/s")]).unwrap_err();
        assert_eq!(both, ["both KONG_PREFIX and KONG_PREFIX_FILE are set (but are exclusive)"]);
        assert!(variables_of(&[("KONG_PREFIX", ""), ("KONG_PREFIX_FILE", "/s")]).is_ok(), "empty is not set");
        let gone = variables_of(&[("KONG_PREFIX_FILE", "/none")]).unwrap_err();
        assert_eq!(gone, ["KONG_PREFIX_FILE: /none: No such file or directory"]);
    }
}

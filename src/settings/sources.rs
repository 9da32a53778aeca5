//! Where values come from, and which source wins: a flag, then the environment, then the file (`kong/operations.md` §1),
//! then what stands in the document under `_gateway`, and last of all what variables of OpenTelemetry's say.

use std::collections::BTreeMap;

/// The sources, already read. The environment is asked, never searched: `names` lists what there is to ask for.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Keys that the command line sets; the last one of a key wins.
    pub flags: &'a [(String, String)],
    /// A variable's value.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The names of all variables that start with `KONG_` or `GATEWAY_`.
    pub names: &'a [String],
    /// The pairs of a `kong.conf`.
    pub file: &'a [(String, String)],
    /// The settings of the document.
    pub document: &'a [(String, String)],
}

/// Keys in lower case, and the text that won.
pub type Raw = BTreeMap<String, String>;

/// Prefix of variables, as Kong has it.
pub const KONG: &str = "KONG_";
/// The same for those who never had a Kong; it wins over the other.
pub const OWN: &str = "GATEWAY_";

// === impl Sources ===

impl Sources<'_> {
    /// What is set, after precedence. An empty value hides what a lower source says, and then counts as not set.
    ///
    /// # Errors
    /// The references `{vault://…}` that cannot be resolved, in Kong's words.
    pub fn merge(&self) -> (Raw, Vec<String>) {
        let mut raw: Raw = super::otlp::standard(self.env).collect();
        for pairs in [self.document, self.file] {
            raw.extend(pairs.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())));
        }
        raw.extend(self.variables(KONG));
        raw.extend(self.variables(OWN));
        raw.extend(self.flags.iter().cloned());
        raw.retain(|_, value| !value.is_empty());
        let errors = self.dereference_all(&mut raw);
        (raw, errors)
    }

    fn variables(&self, prefix: &'static str) -> impl Iterator<Item = (String, String)> {
        self.names.iter().filter_map(move |name| {
            let key = name.strip_prefix(prefix)?;
            Some((key.to_ascii_lowercase(), (self.env)(name)?.trim().to_owned()))
        })
    }

    fn dereference_all(&self, raw: &mut Raw) -> Vec<String> {
        let mut errors = Vec::new();
        for (key, value) in raw.iter_mut().filter(|(_, v)| v.starts_with("{vault://") && v.ends_with('}')) {
            match self.dereference(value) {
                Ok(found) => *value = found,
                Err(why) => errors.push(format!("failed to dereference '{value}': {why} for config option '{key}'")),
            }
        }
        errors
    }

    /// `{vault://env/some-name}` is the variable `SOME_NAME` (`kong/declarative.md` §10).
    fn dereference(&self, reference: &str) -> Result<String, String> {
        let inner = reference.trim_start_matches("{vault://").trim_end_matches('}');
        let name = inner.strip_prefix("env/").ok_or("only the vault 'env' exists here")?;
        let variable = name.replace('-', "_").to_ascii_uppercase();
        (self.env)(&variable).ok_or_else(|| format!("the environment variable {variable} is not set"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(
        flags: &[(&str, &str)],
        env: &[(&str, &str)],
        file: &[(&str, &str)],
    ) -> (Vec<(String, String)>, Vec<String>) {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
        };
        let (flags, file) = (own(flags), own(file));
        let names: Vec<String> = env.iter().map(|&(name, _)| name.to_owned()).collect();
        let env = |name: &str| env.iter().find(|&&(n, _)| n == name).map(|&(_, v)| v.to_owned());
        let (raw, errors) = Sources { flags: &flags, env: &env, names: &names, file: &file, document: &[] }.merge();
        (raw.into_iter().collect(), errors)
    }

    #[test]
    fn a_flag_beats_the_environment_and_that_the_file() {
        let file = [("a", "file"), ("b", "file"), ("c", "file")];
        let (raw, _) = merge(&[("a", "flag")], &[("KONG_A", "env"), ("KONG_B", "env")], &file);
        let text: Vec<_> = raw.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(text, ["a=flag", "b=env", "c=file"]);
    }

    #[test]
    fn our_prefix_beats_kongs() {
        let (raw, _) = merge(&[], &[("GATEWAY_A", "ours"), ("KONG_A", "kongs"), ("OTHER_A", "no")], &[]);
        assert_eq!(raw, [("a".to_owned(), "ours".to_owned())]);
    }

    #[test]
    fn an_empty_value_unsets() {
        assert_eq!(merge(&[], &[("KONG_A", " ")], &[("a", "file")]).0, []);
    }

    #[test]
    fn vault_references() {
        let env = [("KONG_A", "{vault://env/my-secret}"), ("MY_SECRET", "s"), ("KONG_B", "{vault://env/none}")];
        let (raw, errors) = merge(&[], &env, &[]);
        assert_eq!(raw[0].1, "s");
        assert_eq!(
            errors,
            [
                "failed to dereference '{vault://env/none}': the environment variable NONE is not set for config option 'b'"
            ]
        );
    }
}

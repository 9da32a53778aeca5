//! Headers and keys that a configuration holds: what `request-transformer` puts into requests, and consumers' keys.

use super::subject::Subject;
use crate::config::model::Entity;
use crate::config::report::Span;
use crate::config::value::Checked;

/// A header that is put into requests.
#[derive(Clone, Copy)]
pub(super) struct Injected<'a> {
    /// `add`, `replace` or `append`.
    pub how: &'static str,
    /// The header's name.
    pub name: &'a str,
    /// Its value, without blanks in front.
    pub value: &'a str,
    /// Where it is written.
    pub span: Span,
}

/// A text that a client or upstream is to show, and what to call it.
pub(super) struct Bearer<'a> {
    /// The token.
    pub token: &'a str,
    /// Where it is written.
    pub span: Span,
    /// What to call it: ``the `Authorization` that is sent upstream``.
    pub what: String,
    /// The consumer whose key it is.
    pub consumer: Option<&'a str>,
}

const HOW: &[&str] = &["add", "replace", "append"];

/// All such headers of a plugin.
pub(super) fn of(config: &Checked) -> Vec<Injected<'_>> {
    let lists = HOW.iter().filter_map(|how| Some((*how, config.get(how)?.list("headers"))));
    lists.flat_map(|(how, items)| items.iter().filter_map(move |item| Injected::read(how, item))).collect()
}

/// All such headers.
pub(super) fn all<'a>(subject: &Subject<'a>) -> Vec<Injected<'a>> {
    subject.plugins("request-transformer").flat_map(|(_, config)| of(config)).collect()
}

/// All tokens: in such headers, and as keys of consumers. Each place once.
pub(super) fn bearers<'a>(subject: &Subject<'a>) -> Vec<Bearer<'a>> {
    let headers = all(subject).into_iter().filter_map(|header| {
        let token = header.token()?;
        Some(Bearer { token, span: header.span, what: header.described(), consumer: None })
    });
    let keys = subject.model.all("keyauth_credentials").iter().filter_map(|entity| key(subject, entity));
    let mut found: Vec<_> = headers.chain(keys).filter(|bearer| bearer.token.starts_with("eyJ")).collect();
    let mut seen = std::collections::HashSet::new();
    found.retain(|bearer| seen.insert(bearer.span));
    found
}

fn key<'a>(subject: &Subject<'a>, entity: &'a Entity) -> Option<Bearer<'a>> {
    let key = entity.fields.get("key")?;
    let at = subject.model.position("consumers", entity, "consumer")?;
    let consumer = subject.model.all("consumers")[at].key.as_deref();
    let what = consumer.map_or_else(|| "this key".to_owned(), |name| format!("the key of consumer `{name}`"));
    Some(Bearer { token: key.as_str()?.trim(), span: key.span, what, consumer })
}

// === impl Injected ===

impl<'a> Injected<'a> {
    fn read(how: &'static str, item: &'a Checked) -> Option<Self> {
        let (name, value) = item.as_str()?.split_once(':')?;
        Some(Self { how, name: name.trim(), value: value.trim_start(), span: item.span })
    }

    /// Whether it is the header that names the client to upstreams.
    pub(super) fn is_authorization(&self) -> bool {
        self.name.eq_ignore_ascii_case("authorization")
    }

    /// Whether it is made at each request, so that nothing can be told of it.
    pub(super) fn is_template(&self) -> bool {
        self.value.contains("$(")
    }

    /// The token in it, if it may hold one.
    pub(super) fn token(&self) -> Option<&'a str> {
        if self.is_template() {
            return None;
        }
        let scheme = self.value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        match scheme {
            Some(scheme) => Some(self.value[scheme.len()..].trim()),
            None => self.value.starts_with("eyJ").then_some(self.value.trim()),
        }
    }

    /// ``the `Authorization` that is sent upstream``.
    pub(super) fn described(&self) -> String {
        format!("the `{}` that is sent upstream", self.name)
    }
}

//! `redirect`: sends the client elsewhere (Kong 3.9, `kong/plugins.md` §23).

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use crate::route::normalize::{Target, escape, normalize};
use http::header::LOCATION;
use http::{HeaderValue, Request, StatusCode, Uri};

/// The plugin.
#[derive(Debug)]
pub struct Redirect {
    status: StatusCode,
    location: Location,
}

/// Where the client is sent.
#[derive(Debug)]
enum Location {
    /// There.
    Fixed(HeaderValue),
    /// To the path and query that it asked for, between this `scheme://authority` and this `#fragment`.
    Incoming(Box<str>, Box<str>),
}

static CONFIG: Record = Record {
    fields: &[
        Field::integer("status_code").default(Default::Int(301)).required().rules(&[Rule::Between(100.0, 599.0)]),
        Field::string("location").required().rules(&[Rule::Text(url), Rule::Text(sendable)]),
        Field::boolean("keep_incoming_path").default(Default::Bool(false)),
    ],
    checks: &[],
};

// === impl Redirect ===

impl Plugin for Redirect {
    fn access(&self, req: &mut Request<Body>, _: &mut Ctx) -> Flow {
        let mut res = reply::reply(self.status, None, "redirecting");
        if let Some(location) = self.location.of(req.uri()) {
            res.headers_mut().insert(LOCATION, location);
        }
        Flow::Respond(res)
    }
}

impl Define for Redirect {
    const NAME: &'static str = "redirect";

    fn priority(_: Compat) -> i32 {
        779
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, _: &mut Build<'_>) -> Option<Self> {
        let number = config.int("status_code").and_then(|number| u16::try_from(number).ok());
        let status = number.and_then(|number| StatusCode::from_u16(number).ok());
        let location = Location::read(config.str("location")?, config.bool("keep_incoming_path"))?;
        Some(Self { status: status.unwrap_or(StatusCode::MOVED_PERMANENTLY), location })
    }
}

// === impl Location ===

impl Location {
    fn read(text: &str, incoming: bool) -> Option<Self> {
        if !incoming {
            return HeaderValue::from_str(text).ok().map(Self::Fixed);
        }
        let (scheme, rest) = text.split_once("://")?;
        let origin = &text[..scheme.len() + 3 + authority(rest).len()];
        let fragment = text.find('#').map_or("", |at| &text[at..]);
        Some(Self::Incoming(origin.into(), fragment.into()))
    }

    /// `None` for a target that no header can hold; there is none that came through the router.
    fn of(&self, asked: &Uri) -> Option<HeaderValue> {
        let (origin, fragment) = match self {
            Self::Fixed(location) => return Some(location.clone()),
            Self::Incoming(origin, fragment) => (origin, fragment),
        };
        let target = Target::split(asked.path_and_query()?.as_str().as_bytes())?;
        let path = normalize(target.path).ok()?;
        let path = escape(&path);
        let query = target.query.filter(|query| !query.is_empty());
        let mark: &[u8] = if query.is_some() { b"?" } else { b"" };
        let parts = [origin.as_bytes(), path.as_bytes(), mark, query.unwrap_or_default(), fragment.as_bytes()];
        HeaderValue::from_bytes(&parts.concat()).ok()
    }
}

/// What stands before path, query and fragment.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Kong's check of a URL, in its order (`kong/db/schema/typedefs.lua`).
pub(super) fn url(text: &str) -> Result<(), String> {
    let (scheme, rest) = text.split_once("//").unwrap_or((text, ""));
    let host = authority(rest).rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err("missing host in url".to_owned());
    }
    let name = scheme.strip_suffix(':').unwrap_or_default();
    let good = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    if name.is_empty() || !name.bytes().all(good) {
        return Err("missing scheme in url".to_owned());
    }
    Ok(())
}

fn sendable(text: &str) -> Result<(), String> {
    HeaderValue::from_str(text).map(drop).map_err(|_| "holds what no header may".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::load;
    use crate::config::report::Source;
    use crate::plugin::testing::{access, context, lines, plugin, request, text};
    use crate::settings::{Plugins, Settings};
    use crate::world::World;
    use serde_json::json;

    /// Where a request for this target is sent.
    fn sent(location: &str, keep: bool, target: &str) -> String {
        let redirect = plugin::<Redirect>(&json!({ "location": location, "keep_incoming_path": keep }));
        let res = access(&redirect, &mut request("GET", target, &[], ""), &mut context(Compat::Kong3)).unwrap();
        res.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn answers_with_a_location_and_a_word() {
        let redirect = plugin::<Redirect>(&json!({ "location": "https://new.test/a?b=c", "status_code": 302 }));
        let res = access(&redirect, &mut request("POST", "/x?y", &[], "body"), &mut context(Compat::Kong3)).unwrap();
        assert_eq!(res.status(), 302);
        assert_eq!(lines(res.headers()), ["location: https://new.test/a?b=c"]);
        assert_eq!(text(res.into_body()), "redirecting");
        assert_eq!(plugin::<Redirect>(&json!({ "location": "https://new.test" })).status, 301);
    }

    #[test]
    fn path_and_query_of_the_request_take_the_place_of_the_locations() {
        for (location, target, expected) in [
            ("https://new.test", "/", "https://new.test/"),
            ("https://new.test", "/demo?foo=bar", "https://new.test/demo?foo=bar"),
            ("https://new.test:8443/some?foo=bar#part", "/status/200?keep=this", "https://new.test:8443/status/200?keep=this#part"),
            ("https://new.test/some?foo=bar", "/a", "https://new.test/a"),
            ("https://new.test?foo", "/a?", "https://new.test/a"),
            ("http://[::1]/", "//a/../%7Eb/%2f%20", "http://[::1]/~b/%2F%20"),
        ] {
            assert_eq!(sent(location, true, target), expected);
            assert_eq!(sent(location, false, target), location);
        }
    }

    #[test]
    fn a_location_is_a_whole_url() {
        for (location, words) in [
            ("definitely_not_a_url", Some("missing host in url")),
            ("/path", Some("missing host in url")),
            ("mailto:a@b", Some("missing host in url")),
            ("https://", Some("missing host in url")),
            ("https://:80/", Some("missing host in url")),
            ("//host.test/", Some("missing scheme in url")),
            ("https://user@host.test:1/", None),
        ] {
            assert_eq!(url(location).err().as_deref(), words, "{location}");
        }
        assert!(sendable("https://host.test/\n").is_err());
    }

    fn codes(version: &str, plugins: Plugins) -> Vec<&'static str> {
        let text = format!(
            "_format_version: '{version}'\nplugins: [{{name: redirect, config: {{location: 'https://new.test'}}}}]\n"
        );
        let settings = Settings { plugins, ..Settings::default() };
        let (_, report) = load(&Source::new("kong.yml", text), World::EMPTY, &settings);
        report.found.iter().map(|found| found.code).collect()
    }

    #[test]
    fn only_format_3_knows_it() {
        let named = || vec!["redirect".to_owned()];
        assert_eq!(codes("3.0", Plugins::Bundled(Vec::new())), [""; 0]);
        assert_eq!(codes("3.0", Plugins::Only(named())), [""; 0]);
        for plugins in [Plugins::Bundled(Vec::new()), Plugins::Bundled(named()), Plugins::Only(named())] {
            assert_eq!(codes("2.1", plugins), ["no-such-plugin"]);
        }
        assert_eq!(codes("3.0", Plugins::Only(Vec::new())), ["no-such-plugin"]);
    }
}

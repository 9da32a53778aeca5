//! `bot-detection`: turns crawlers away by what they call themselves (`kong/plugins.md` §16, recorded suite of that name).

mod known;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::{Field, Record, Rule, Since};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::pcre::Pcre;
use crate::reply;
use http::header::USER_AGENT;
use http::{HeaderMap, Request, StatusCode};

/// The plugin.
#[derive(Debug)]
pub struct BotDetection {
    allow: Box<[Pcre]>,
    deny: Box<[Pcre]>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It says more than once who sends it.
    Repeated,
    /// `deny` holds it.
    Denied,
    /// It calls itself what crawlers and libraries do.
    Known,
}

static PATTERN: Field = Field::string("").rules(&[Rule::Text(regex)]);

static CONFIG: Record = Record {
    fields: &[
        Field::array("allow", &PATTERN),
        Field::array("deny", &PATTERN),
        Field::array("whitelist", &PATTERN).alias("allow").since(Since::Kong2Only),
        Field::array("blacklist", &PATTERN).alias("deny").since(Since::Kong2Only),
    ],
    checks: &[],
};

fn regex(text: &str) -> Result<(), String> {
    Pcre::new(text).map(|_| ()).map_err(|_| format!("not a valid regex: {text}"))
}

// === impl BotDetection ===

impl Plugin for BotDetection {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let Some(refusal) = self.refusal(req.headers()) else { return Flow::Continue };
        if cx.dry_run {
            cx.stash.insert(refusal);
        }
        let (status, message) = match refusal {
            Refusal::Repeated => (StatusCode::BAD_REQUEST, "Only one User-Agent header allowed"),
            Refusal::Denied | Refusal::Known => (StatusCode::FORBIDDEN, "Forbidden"),
        };
        Flow::Respond(reply::error(status, Some(message), &cx.asker(req)))
    }

    fn reason(&self, cx: &Ctx) -> Option<String> {
        match cx.stash.get::<Refusal>()? {
            Refusal::Repeated => None,
            Refusal::Denied => Some("deny holds its user agent".to_owned()),
            Refusal::Known => Some("its user agent is that of a crawler or a library".to_owned()),
        }
    }
}

impl BotDetection {
    fn refusal(&self, headers: &HeaderMap) -> Option<Refusal> {
        let mut agents = headers.get_all(USER_AGENT).iter();
        let agent = agents.next()?.as_bytes().trim_ascii();
        if agents.next().is_some() {
            return Some(Refusal::Repeated);
        }
        let is_in = |list: &[Pcre]| list.iter().any(|pattern| pattern.is_match(agent));
        if is_in(&self.allow) {
            None
        } else if is_in(&self.deny) {
            Some(Refusal::Denied)
        } else {
            known::is_bot(agent).then_some(Refusal::Known)
        }
    }
}

impl Define for BotDetection {
    const NAME: &'static str = "bot-detection";
    const CONSUMER_SCOPE: bool = false;

    fn priority(_: Compat) -> i32 {
        2500
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, _: &mut Build<'_>) -> Option<Self> {
        let list = |name| config.strs(name).filter_map(|pattern| Pcre::new(pattern).ok()).collect();
        Some(Self { allow: list("allow"), deny: list("deny") })
    }
}

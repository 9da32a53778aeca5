//! `security-headers`: what browsers are told about every answer, whoever made it, where it does not say so itself.
//!
//! This gateway's own. A header is set only where the answer has none of that name: an upstream that brings its
//! `Content-Security-Policy` keeps it. HSTS goes to clients that came by https only (RFC 6797 §7.2).

mod hsts;
mod preset;
mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Plugin};
use crate::body::Body;
use crate::config::report::{Diagnostic, Span};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use hsts::Hsts;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use preset::Preset;

/// The plugin. Names and values are made once, here.
#[derive(Debug)]
pub struct SecurityHeaders {
    /// Lines of one name stand together.
    lines: Box<[Line]>,
    hsts: Option<HeaderValue>,
}

/// A header line.
type Line = (HeaderName, HeaderValue);

// === impl SecurityHeaders ===

impl Plugin for SecurityHeaders {
    /// A 101 is left alone: what follows is no page.
    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        if res.status() == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let headers = res.headers_mut();
        for lines in self.lines.chunk_by(|a, b| a.0 == b.0) {
            if !headers.contains_key(&lines[0].0) {
                headers.extend(lines.iter().cloned());
            }
        }
        if let Some(value) = self.hsts.as_ref().filter(|_| cx.https) {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| value.clone());
        }
    }
}

impl Define for SecurityHeaders {
    const NAME: &'static str = "security-headers";
    const EXTENSION: bool = true;

    /// After `response-transformer` (800), so that what that sets counts as set.
    fn priority(_: Compat) -> i32 {
        798
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let preset = Preset::named(config.str("preset"));
        let own: Vec<(Span, Line)> = config.list("headers").iter().filter_map(line).collect();
        let mut lines: Vec<Line> = preset.lines().collect();
        warn_of_vain_removals(&own, &lines, cx);
        lines.retain(|(name, _)| own.iter().all(|(_, (other, _))| other != name));
        lines.extend(own.into_iter().map(|(_, line)| line));
        let hsts = match lines.iter().find(|(name, _)| *name == STRICT_TRANSPORT_SECURITY) {
            Some((_, value)) => Some(value.clone()),
            None => hsts(config, preset, cx),
        };
        lines.retain(|(name, value)| *name != STRICT_TRANSPORT_SECURITY && !value.is_empty());
        lines.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        Some(Self { lines: lines.into(), hsts: hsts.filter(|value| !value.is_empty()) })
    }
}

fn line(field: &Checked) -> Option<(Span, Line)> {
    Some((field.span, schema::split(field.as_str()?).ok()?))
}

/// HSTS by its own field.
fn hsts(config: &Checked, preset: Preset, cx: &mut Build<'_>) -> Option<HeaderValue> {
    let field = config.get("hsts");
    let hsts = Hsts::read(field, preset);
    if let Some(field) = field.filter(|_| hsts.preloads_in_vain()) {
        let place = field.get("preload").map_or(field.span, |preload| preload.span);
        let message = "browsers preload only hosts with include_subdomains and a max_age of at least 31536000";
        cx.report.push(Diagnostic::warning("no-effect", place, message));
    }
    hsts.value()
}

/// A name without a value that the preset does not have is probably misspelt.
fn warn_of_vain_removals(own: &[(Span, Line)], preset: &[Line], cx: &mut Build<'_>) {
    for (span, (name, _)) in own.iter().filter(|(_, (_, value))| value.is_empty()) {
        if *name != STRICT_TRANSPORT_SECURITY && preset.iter().all(|(other, _)| other != name) {
            let message = format!("`{name}` has no value, and is not in the preset that it would be taken out of");
            cx.report.push(Diagnostic::warning("no-effect", *span, message));
        }
    }
}

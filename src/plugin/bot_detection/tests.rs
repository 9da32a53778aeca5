#![allow(clippy::unwrap_used)]

use super::BotDetection;
use crate::entity::Compat;
use crate::plugin::Plugin;
use crate::plugin::testing::{access, context, plugin, request, text};
use serde_json::{Value as Json, json};

/// Status and body of the refusal, and what the operator hears of it.
fn refusal(config: &Json, agents: &[&str]) -> Option<(u16, String, Option<String>)> {
    let headers: Vec<_> = agents.iter().map(|agent| ("user-agent", *agent)).collect();
    let (plugin, mut cx) = (plugin::<BotDetection>(config), context(Compat::Kong2));
    cx.dry_run = true;
    let res = access(&plugin, &mut request("GET", "/", &headers, ""), &mut cx);
    assert!(res.is_some() || plugin.reason(&cx).is_none());
    let res = res?;
    Some((res.status().as_u16(), text(res.into_body()), plugin.reason(&cx)))
}

fn forbidden(why: &str) -> Option<(u16, String, Option<String>)> {
    Some((403, "{\n  \"message\":\"Forbidden\"\n}".to_owned(), Some(why.to_owned())))
}

#[test]
fn allow_goes_before_deny_and_both_before_the_list() {
    let config = json!({ "allow": ["^Googlebot", "curl"], "deny": ["curl/8", "(evil)/[0-9]"] });
    let known = "its user agent is that of a crawler or a library";
    assert_eq!(refusal(&config, &["Googlebot/2.1"]), None);
    assert_eq!(refusal(&config, &[" Googlebot/2.1 "]), None);
    assert_eq!(refusal(&config, &["like Googlebot/2.1"]), forbidden(known));
    assert_eq!(refusal(&config, &["curl/8.5"]), None);
    assert_eq!(refusal(&config, &["evil/5"]), forbidden("deny holds its user agent"));
    assert_eq!(refusal(&config, &["Evil/5"]), None);
    assert_eq!(refusal(&json!({}), &["okhttp/4.9"]), forbidden(known));
}

#[test]
fn who_says_nothing_passes_and_who_says_it_twice_does_not() {
    assert_eq!(refusal(&json!({}), &[]), None);
    assert_eq!(refusal(&json!({}), &[""]), None);
    let body = "{\n  \"message\":\"Only one User-Agent header allowed\"\n}".to_owned();
    assert_eq!(refusal(&json!({ "allow": ["."] }), &["a", "b"]), Some((400, body, None)));
}

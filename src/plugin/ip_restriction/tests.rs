#![allow(clippy::unwrap_used)]

use super::IpRestriction;
use crate::entity::Compat;
use crate::plugin::Plugin;
use crate::plugin::testing::{access, context, plugin, request, text};
use serde_json::{Value as Json, json};

/// Status and body of the refusal; `None` for who may pass.
fn refusal(config: &Json, client: &str, compat: Compat) -> Option<(u16, String)> {
    let mut cx = context(compat);
    cx.client = client.parse().unwrap();
    let res = access(&plugin::<IpRestriction>(config), &mut request("GET", "/", &[], ""), &mut cx)?;
    Some((res.status().as_u16(), text(res.into_body())))
}

fn passes(config: &Json, client: &str) -> bool {
    refusal(config, client, Compat::Kong2).is_none()
}

#[test]
fn deny_goes_before_allow() {
    let config = json!({ "allow": ["10.0.0.0/8", "2001:db8::/32"], "deny": ["10.9.0.0/16"] });
    for (client, expected) in [
        ("10.1.2.3", true),
        ("10.9.2.3", false),
        ("::ffff:10.1.2.3", true),
        ("::ffff:10.9.2.3", false),
        ("192.0.2.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
    ] {
        assert_eq!(passes(&config, client), expected, "{client}");
    }
    let config = json!({ "allow": [], "deny": ["10.9.0.0/16"] });
    assert!(passes(&config, "192.0.2.1") && passes(&config, "::1") && !passes(&config, "10.9.0.0"));
}

#[test]
fn the_refusal_is_kongs_or_as_written() {
    let body = |message: &str| format!("{{\n  \"message\":\"{message}\"\n}}");
    let config = json!({ "deny": ["10.0.0.0/8"] });
    let refused = refusal(&config, "10.1.2.3", Compat::Kong2);
    assert_eq!(refused, Some((403, body("Your IP address is not allowed"))));
    let refused = refusal(&config, "10.1.2.3", Compat::Kong3);
    assert_eq!(refused, Some((403, body("IP address not allowed: 10.1.2.3"))));
    let config = json!({ "deny": ["10.0.0.0/8"], "status": 404, "message": "Nothing here" });
    for compat in [Compat::Kong2, Compat::Kong3] {
        assert_eq!(refusal(&config, "10.1.2.3", compat), Some((404, body("Nothing here"))));
    }
}

#[test]
fn operators_hear_why() {
    let said = |config: &Json, client: &str| {
        let mut cx = context(Compat::Kong2);
        cx.client = client.parse().unwrap();
        plugin::<IpRestriction>(config).reason(&cx)
    };
    let config = json!({ "allow": ["10.0.0.0/8"], "deny": ["10.9.0.0/16"] });
    assert_eq!(said(&config, "10.9.1.1").as_deref(), Some("10.9.1.1 is in 10.9.0.0/16, which is denied"));
    assert_eq!(said(&config, "192.0.2.1").as_deref(), Some("192.0.2.1 is not in allow"));
    assert_eq!(said(&config, "10.1.1.1"), None);
}

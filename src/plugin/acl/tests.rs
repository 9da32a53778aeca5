#![allow(clippy::unwrap_used)]

use super::Acl;
use crate::config::report::Report;
use crate::consumers::{Consumer, Consumers, CredentialId, Directory};
use crate::entity::{Compat, ConsumerId, Identity};
use crate::plugin::testing::{access, checked, context, lines, request, text};
use crate::plugin::{Authenticated, Build, Ctx, Define, Plugin};
use crate::world::World;
use http::{Extensions, Request};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use uuid::Uuid;

/// Consumers 0 to 3: in no group, in one, in two, and in one whose name differs by letter case.
fn everybody() -> Consumers {
    let groups: [&[&str]; 4] = [&[], &["staff"], &["banned", "staff"], &["Staff"]];
    let consumer = |groups: &[&str]| {
        let identity = Identity { id: Uuid::from_u128(7), name: None };
        Consumer::new(identity, None, groups.iter().map(|group| (*group).into()).collect())
    };
    Consumers::new(groups.iter().map(|groups| consumer(groups)).collect(), Vec::new())
}

fn acl(config: &Json) -> Acl {
    let (mut report, mut shared) = (Report::default(), Extensions::new());
    let directory = shared.get_or_insert_default::<Directory>().clone();
    let (files, watch) = (World::EMPTY.file, &mut Vec::new());
    let (compat, path): (_, &[_]) = (Compat::Kong2, &[]);
    let (shared, before, standing) = (&mut shared, &Extensions::new(), &String::new);
    let mut cx = Build { compat, report: &mut report, path, files, watch, shared, before, standing };
    let acl = Acl::build(&checked(config), &mut cx).unwrap();
    directory.fill(Arc::new(everybody()));
    acl
}

/// A consumer by number, with a credential or without, and groups that a function plugin named.
fn asking(consumer: Option<u32>, credential: bool, named: Option<&[&str]>) -> Ctx {
    let mut cx = context(Compat::Kong2);
    cx.consumer = consumer.map(ConsumerId);
    cx.authenticated = credential.then_some(Authenticated::By(CredentialId(0)));
    cx.authenticated_groups = named.map(|groups| groups.iter().map(|group| (*group).into()).collect());
    cx
}

/// The refusal's status; `None` for nobody who was refused.
fn refusal(acl: &Acl, mut cx: Ctx) -> Option<u16> {
    access(acl, &mut request("GET", "/", &[], ""), &mut cx).map(|res| res.status().as_u16())
}

/// What the upstream is told when all is well.
fn told(acl: &Acl, mut cx: Ctx, headers: &[(&str, &str)]) -> Vec<String> {
    let mut req: Request<_> = request("GET", "/", headers, "");
    assert!(access(acl, &mut req, &mut cx).is_none());
    lines(req.headers())
}

#[test]
fn groups_of_a_consumer_decide() {
    let (allow, deny) = (acl(&json!({ "allow": ["staff", "x"] })), acl(&json!({ "deny": ["x", "banned"] })));
    let cases = [(0, Some(403), None), (1, None, None), (2, None, Some(403)), (3, Some(403), None)];
    for (consumer, allowed, denied) in cases {
        let found = [&allow, &deny].map(|acl| refusal(acl, asking(Some(consumer), true, None)));
        assert_eq!(found, [allowed, denied], "{consumer}");
    }
}

#[test]
fn who_shows_no_credential_is_asked_for_one() {
    let (allow, deny) = (acl(&json!({ "allow": ["staff"] })), acl(&json!({ "deny": ["banned"] })));
    let both = |cx: fn() -> Ctx| [&allow, &deny].map(|acl| refusal(acl, cx()));
    assert_eq!(both(|| asking(None, false, None)), [Some(401); 2]);
    assert_eq!(both(|| asking(None, true, None)), [Some(403); 2]);
    assert_eq!(both(|| asking(Some(0), false, None)), [Some(401), None]);
    assert_eq!(both(|| asking(Some(3), false, None)), [Some(403), None]);
    // A number of another configuration is nobody's.
    assert_eq!(both(|| asking(Some(9), true, None)), [Some(403); 2]);
}

#[test]
fn refusals_say_what_kong_says() {
    let acl = acl(&json!({ "allow": ["staff"] }));
    let body = |mut cx: Ctx| text(access(&acl, &mut request("GET", "/", &[], ""), &mut cx).unwrap().into_body());
    assert_eq!(body(asking(None, false, None)), "{\n  \"message\":\"Unauthorized\"\n}");
    assert_eq!(body(asking(Some(3), true, None)), "{\n  \"message\":\"You cannot consume this service\"\n}");
}

#[test]
fn named_groups_count_without_a_credential() {
    let config = json!({ "allow": ["staff"] });
    let (acl2, always) = (acl(&config), json!({ "allow": ["staff"], "always_use_authenticated_groups": true }));
    let always = acl(&always);
    // Consumer, credential, named groups; refused by default, and where they always count.
    let cases: [(_, _, Option<&[&str]>, _, _); 8] = [
        (None, false, Some(&["staff"]), None, None),
        (None, false, Some(&[]), Some(403), Some(403)),
        (None, true, Some(&["staff"]), None, None),
        (Some(0), false, Some(&["staff"]), None, None),
        (Some(1), false, Some(&["other"]), Some(403), Some(403)),
        (Some(0), true, Some(&["staff"]), Some(403), None),
        (Some(1), true, Some(&["other"]), None, Some(403)),
        (Some(1), true, None, None, None),
    ];
    for (consumer, credential, named, default, preferred) in cases {
        let found = [&acl2, &always].map(|acl| refusal(acl, asking(consumer, credential, named)));
        assert_eq!(found, [default, preferred], "{consumer:?} {credential} {named:?}");
    }
}

#[test]
fn the_upstream_hears_of_the_groups_that_counted_and_of_no_others() {
    let acl = acl(&json!({ "deny": ["x"] }));
    let forged = [("x-consumer-groups", "root"), ("x-consumer-groups", "wheel"), ("x-authenticated-groups", "root")];
    let groups = |consumer| told(&acl, asking(Some(consumer), true, None), &forged);
    assert_eq!(groups(0), ["x-consumer-groups: "]);
    assert_eq!(groups(2), ["x-consumer-groups: banned, staff"]);
    let named = told(&acl, asking(None, false, Some(&["a", "b"])), &forged);
    assert_eq!(named, ["x-authenticated-groups: a, b"]);
    // What no header can hold is not sent, and does not let the client's own through.
    assert_eq!(told(&acl, asking(None, false, Some(&["a\nb"])), &forged), Vec::<String>::new());
}

#[test]
fn hidden_groups_are_told_by_nobody() {
    let acl = acl(&json!({ "deny": ["x"], "hide_groups_header": true }));
    assert_eq!(told(&acl, asking(Some(1), true, None), &[]), Vec::<String>::new());
    let forged = [("x-consumer-groups", "root"), ("X_Consumer-Groups", "root"), ("x-authenticated-groups", "root")];
    assert_eq!(told(&acl, asking(Some(1), true, None), &forged), Vec::<String>::new());
}

#[test]
fn operators_hear_why() {
    let (allow, deny) = (acl(&json!({ "allow": ["staff", "admin"] })), acl(&json!({ "deny": ["banned"] })));
    let said = |acl: &Acl, consumer: Option<u32>, named| acl.reason(&asking(consumer, true, named)).unwrap_or_default();
    assert_eq!(said(&allow, None, None), "nobody is authenticated");
    assert_eq!(said(&allow, Some(0), None), "in no group, and allow is [admin, staff]");
    assert_eq!(said(&allow, Some(1), None), "");
    assert_eq!(said(&allow, Some(3), None), "group Staff is not in allow, which is [admin, staff]");
    let both = "none of the groups a, b is in allow, which is [admin, staff]";
    assert_eq!(said(&allow, None, Some(&["a", "b"])), both);
    assert_eq!(said(&deny, Some(2), None), "group banned is in deny");
}

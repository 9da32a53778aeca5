//! Templates in their places: which of them sees what, and when.

use super::*;

/// Headers and query after a change of a request that has both.
fn templated(config: &Json) -> (Vec<String>, Option<String>) {
    let mut req = request("GET", "/?q=1&two=a&two=b", &[("host", "gw.test"), ("x-in", "in v")], "");
    let query = run(config, &mut req).query;
    (lines(req.headers()), query)
}

#[test]
fn templates_in_headers_see_them_as_they_came() {
    let config = json!({
        "remove": { "headers": ["x-in"] },
        "add": { "headers": ["x-in: new $(headers.x_in) ", "x-copy:$(headers['x-in'])", "x-none:$(headers.none)"] },
        "append": { "headers": ["x-copy:$(query_params.q)-$(headers.host)"] },
    });
    let expected = ["host: gw.test", "x-copy: 1-gw.test", "x-copy: in v", "x-in: new in v", "x-none: "];
    assert_eq!(templated(&config).0, expected);
    let replace = json!({ "replace": { "headers": ["x-in:$(headers.x_in:upper())", "x-no:$(headers.x_in)"] } });
    assert_eq!(templated(&replace).0, ["host: gw.test", "x-in: IN V"]);
}

#[test]
fn templates_in_the_query_see_headers_as_first_asked_for() {
    let late = json!({
        "remove": { "headers": ["x-in"] },
        "add": { "headers": ["x-new:1"], "querystring": ["c:$(headers.x_in)$(headers.x_new)"] },
        "replace": { "querystring": ["q:$(query_params.q)2"] },
        "append": { "querystring": ["q:$(query_params.q)3"] },
    });
    assert_eq!(templated(&late).1.unwrap(), "c=1&q=12&q=13&two=a&two=b");
    let mut early = late.clone();
    early["append"]["headers"] = json!(["x-again:$(headers.x_in)"]);
    assert_eq!(templated(&early).1.unwrap(), "c=in%20v&q=12&q=13&two=a&two=b");
    // What is not reached is not asked for.
    early["append"]["headers"] = json!(["x-again:$(1 or headers.x_in)"]);
    assert_eq!(templated(&early).1.unwrap(), "c=1&q=12&q=13&two=a&two=b");
}

#[test]
fn templates_in_bodies() {
    let steps = |value: &str| json!({ "add": { "body": [format!("h:{value}")] }, "append": { "body": ["a:$(1 == 1)"] } });
    let config = steps("$(headers.content_type:sub(-4))");
    assert_eq!(json_body(&config, r#"{"k":1}"#), json!({ "k": 1, "h": "json", "a": ["true"] }));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(sorted(&body(&config, form, "k=1")), ["a=true", "h=oded", "k=1"]);
    assert_eq!(body(&config, FORM, ""), parts(&[("h", "y=XX")]));
    let no_text = steps(r"\255$('\255')");
    assert_eq!(json_body(&no_text, "{}")["h"], "\\255\u{fffd}");
}

#[test]
fn templates_in_bodies_see_what_header_templates_saw() {
    let config = json!({
        "replace": { "headers": ["content-type:application/json; $(headers.content_type)"] },
        "add": { "body": ["h:$(headers.content_type)"] },
    });
    assert_eq!(body(&config, "application/json", ""), r#"{"h":"application/json"}"#);
}

#[test]
fn templates_see_a_form_that_moved_into_the_query() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let config = json!({
        "http_method": "GET",
        "add": { "headers": ["x-f:$(query_params.f)"], "querystring": ["g:$(query_params.f)"] },
    });
    let mut req = request("POST", "/?q=1", &form, "f=2");
    let cx = run(&config, &mut req);
    assert_eq!((&req.headers()["x-f"], cx.query.as_deref()), (&"2".parse().unwrap(), Some("f=2&g=2&q=1")));
    let mut early = config;
    early["replace"]["uri"] = json!("/$(query_params.q)");
    let mut req = request("POST", "/?q=1", &form, "f=2");
    let cx = run(&early, &mut req);
    assert_eq!((&*cx.path, &req.headers()["x-f"], cx.query.as_deref()), ("/1", &"".parse().unwrap(), Some("g=&q=1")));
}

#[test]
fn the_path_can_be_a_template() {
    let send = |uri: &str| {
        let mut cx = context(Compat::Kong2);
        let transformer = plugin::<RequestTransformer>(&json!({ "replace": { "uri": uri } }));
        let res = access(&transformer, &mut request("GET", "/?q=a%20b%3F%ff", &[], ""), &mut cx);
        (cx.path, res.map(|res| res.status().as_u16()))
    };
    assert_eq!(send("/t/$(headers.id or 'none')/$(query_params.q)"), ("/t/none/a%20b?%FF".to_owned(), None));
    assert_eq!(send("$('/')x"), ("/x".to_owned(), None));
    assert_eq!(send("$(headers.id)"), ("/".to_owned(), Some(500)));
    assert_eq!(send("/$(headers.id:lower())"), ("/".to_owned(), Some(500)));
    assert_eq!(send("/$(x"), ("/$(x".to_owned(), None));
}

#[test]
fn a_template_that_crashes_is_answered_with_500() {
    let crash = "a:$('a'..headers.none)";
    let send = |config: &Json, sent: &str| {
        let mut req = request("POST", "/?a=1", &[("content-type", "application/json")], sent);
        access(&plugin::<RequestTransformer>(config), &mut req, &mut context(Compat::Kong2)).map(|res| res.status().as_u16())
    };
    for place in ["headers", "querystring", "body"] {
        for step in ["replace", "add", "append"] {
            assert_eq!(send(&json!({ step: { place: [crash] } }), r#"{"a":1}"#), Some(500), "{place} {step}");
        }
    }
    assert_eq!(send(&json!({ "replace": { "body": [crash] } }), ""), None);
    assert_eq!(send(&json!({ "replace": { "body": [crash] } }), "1"), Some(500));
    assert_eq!(send(&json!({ "add": { "body": [crash] } }), "no json"), None);
}

#[test]
fn a_rendered_header_stays_one_line() {
    let config = json!({ "add": { "headers": ["x-a:$(query_params.a)", "x-b:$('\\9a\\9b\\0\\127\\200 ')"] } });
    let mut req = request("GET", "/?a=%20x%0D%0Ay:1%20", &[], "");
    run(&config, &mut req);
    assert_eq!(req.headers()["x-a"], "x%0D%0Ay:1");
    assert_eq!(req.headers()["x-b"].as_bytes(), b"a\tb%00%7F\xc8");
}

#[test]
fn the_host_can_be_a_template() {
    let mut req = request("GET", "/", &[("host", "gw.test")], "");
    assert_eq!(run(&json!({ "replace": { "headers": ["Host:$(headers.host):81"] } }), &mut req).host.unwrap(), "gw.test:81");
}

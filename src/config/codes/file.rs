//! What can be wrong with a file by itself: its text, its values, how they go together, what they refer to.

use super::{Code, code};
use crate::config::report::Severity::{Error, Warning};

pub(super) static FILE: &[Code] = &[
    code(
        "syntax",
        Error,
        "the file is no YAML or JSON",
        "The text breaks the rules of YAML (or of JSON), so that nothing of it can be understood. Only the \
         first such place is told, since what follows can't be trusted. The usual causes are a tab in front of \
         a line, a line that is indented by a different number of spaces than its neighbours, a missing `:` or \
         the missing blank behind it, and a quote that is never closed.\n\nText that begins with one of `* & ! \
         { [ % @` or a backtick, or that has `: ` or ` #` in it, needs quotes.",
        r#"services:
  - name: users
   url: http://users:3000"#,
        r#"services:
  - name: users
    url: http://users:3000"#,
    ),
    code(
        "too-deep",
        Error,
        "lists and mappings are nested too deeply",
        "A document may have 128 levels; Kong's files need nine. A file that is made by a program probably has \
         a loop in it.",
        "",
        "",
    ),
    code(
        "too-large",
        Error,
        "the file is too large",
        "A document may have 64 MiB. That is several hundred thousand routes; a file beyond it is more likely a \
         mistake, such as a log or a dump under the wrong name.",
        "",
        "",
    ),
    code(
        "alias-bomb",
        Error,
        "aliases make too much of the file",
        "Anchors and aliases (`&name`, `*name`) are resolved, and all of them together may add a million \
         values. Aliases of aliases multiply quickly: a short file can ask for more memory than there is.",
        r"a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]",
        r#"_ignore:
  - &users {name: cors, config: {origins: ["https://app.example.com"]}}
plugins:
  - *users"#,
    ),
    code(
        "second-document",
        Warning,
        "there is more than one document in the file",
        "Only the first document of a file counts, as with Kong. What stands behind the second `---` has no \
         effect. Give it a file of its own, or remove the line.",
        r#"_format_version: "2.1"
---
services: []"#,
        r#"_format_version: "2.1"
services: []"#,
    ),
    code(
        "duplicate-key",
        Warning,
        "a key is written twice",
        "The last one counts and the first has no effect, as with Kong. Two lists of the same name are not \
         joined: all services under the first `services:` would be lost.",
        r#"services:
  - name: a
    url: http://a:80
services:
  - name: b
    url: http://b:80"#,
        r#"services:
  - name: a
    url: http://a:80
  - name: b
    url: http://b:80"#,
    ),
    code(
        "wrong-type",
        Error,
        "a value is of the wrong kind",
        "The field wants text, a number, true or false, a list or a mapping, and something else is written there. In \
         YAML an unquoted `1.1`, `010`, `1:30`, `on` or `no` is no text: put it in quotes where text is wanted. \
         The other way round, `\"5\"` in quotes is no number. A list has a `- ` before each element, or stands \
         in `[…]`.",
        r#"_format_version: 2.1
services:
  - name: users
    url: http://users:3000
    retries: "5"
    tags: internal"#,
        r#"_format_version: "2.1"
services:
  - name: users
    url: http://users:3000
    retries: 5
    tags: [internal]"#,
    ),
    code(
        "missing-field",
        Error,
        "a field that must be there is not",
        "The object can't be used without this field. If you did write it, look at its indentation: one that is \
         indented differently belongs to another object.",
        r#"services:
  - name: users"#,
        r#"services:
  - name: users
    url: http://users:3000"#,
    ),
    code(
        "unknown-field",
        Error,
        "an object has no field of this name",
        "Kong refuses fields that it does not know, and so does the gateway: a misspelt field would otherwise \
         be ignored without a word. If the name is right it may stand in the wrong place, e.g. a plugin's \
         option beside `config` in place of below it. A field that Kong has and this gateway has not is told as \
         `unsupported-field`.",
        r#"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
        strip_paht: false"#,
        r#"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
        strip_path: false"#,
    ),
    code(
        "bad-lua",
        Error,
        "a program that is no Lua",
        "A function of `pre-function` or `post-function`, or a template for a body or a query, can't be compiled. The \
         place is the word at which that was found out; what is missing or too much may be before it. Kong refuses \
         the same.",
        r#"plugins:
  - name: pre-function
    config:
      access:
        - if kong.request.get_header("x-debug") kong.log("seen") end"#,
        r#"plugins:
  - name: pre-function
    config:
      access:
        - if kong.request.get_header("x-debug") then kong.log("seen") end"#,
    ),
    code(
        "bad-expression",
        Error,
        "an expression of a route that can't be read",
        "`expression` is no text in Kong's language for routes: a field or operator that there is not, a text without \
         quotes, a comparison of a number with a text. The place is that part of it. docs/migrating-from-kong.md tells \
         what may be written. Kong refuses the same.",
        r#"_gateway: {router_flavor: expressions}
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        expression: http.path = "/users""#,
        r#"_gateway: {router_flavor: expressions}
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        expression: http.path == "/users""#,
    ),
    code(
        "invalid-value",
        Error,
        "a value is not one that the field can have",
        "The kind of the value is right, but not what it says: a port above 65535, a host that is a URL, a path \
         without `/` at its beginning, an expression that can't be read. Kong refuses the same.",
        r#"services:
  - name: users
    host: http://users
    port: 99999"#,
        r#"services:
  - name: users
    url: http://users:3000"#,
    ),
    code(
        "unfilled-template",
        Error,
        "a template that nobody filled in",
        "`{{ NAME }}` is filled in by a program (Go, Helm, Jinja, the Supabase CLI) before Kong reads the file, and \
         here nobody did, in a place where the text can't be right. Fill it in by that program, or write `${NAME}`: \
         the gateway takes such names from its environment.",
        r#"services:
  - name: rest
    url: http://{{ .RestId }}:3000"#,
        r#"services:
  - name: rest
    url: http://${REST_ID:-rest}:3000"#,
    ),
    code(
        "conflict",
        Error,
        "fields do not go together",
        "Each value is good by itself, but not together with another: one field excludes or demands the other, \
         or one of several is needed and none is there. Kong refuses the same, except for rules about fields of \
         this gateway's own.",
        r#"services:
  - name: users
    url: http://users:3000
    tls_verify: true   # there is no TLS to verify"#,
        r#"services:
  - name: users
    url: https://users:3443
    tls_verify: true"#,
    ),
    code(
        "duplicate",
        Error,
        "an object is there twice",
        "Two objects share what must be unique: a name, a key, an id, or (plugins) what they are bound to. With \
         `_format_version` 1.1 and 2.1 this is a warning, since the last one silently replaces the first, as in \
         Kong 2.8. With 3.0 it is an error, as in Kong 3.",
        r#"services:
  - name: users
    url: http://a:80
  - name: users
    url: http://b:80"#,
        r#"services:
  - name: users
    url: http://a:80
  - name: users-2
    url: http://b:80"#,
    ),
    code(
        "empty-key",
        Warning,
        "a key-auth credential has no key",
        "Nobody can use a credential whose key is blank (`- key:`), or a variable that is empty or not set, so it is \
         left out. Kong makes up a key for the first, which nobody gets to know. Where a file offers more kinds of keys \
         than are in use, this is as it should be.\n\nA bare `$NAME` whose variable is not set counts as blank only in a \
         file in which another variable fills in a credential. Elsewhere it is the key, as in Kong.",
        r#"consumers:
  - username: anon
    keyauth_credentials:
      - key:"#,
        r#"consumers:
  - username: anon
    keyauth_credentials:
      - key: ${ANON_KEY}"#,
    ),
    code(
        "no-effect",
        Warning,
        "what is written changes nothing",
        "The file can be served, but this part of it does nothing: a nested object that names another parent, a \
         plugin that can't be bound to a consumer, a setting that only Kong's own process has. Remove it, so \
         that nobody relies on it.",
        r#"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
        service: orders   # the service it is written in counts
  - name: orders
    url: http://orders:3000"#,
        r#"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
  - name: orders
    url: http://orders:3000"#,
    ),
    code(
        "no-such-service",
        Error,
        "a service that is referred to does not exist",
        "A reference names a service by its `name` or `id`, and the file has none of that name. The file must \
         hold everything that it refers to. An object that is nested in its service needs no reference at all.",
        r#"routes:
  - name: orders
    paths: [/orders]
    service: order-svc"#,
        r#"services:
  - name: orders-svc
    url: http://orders:3000
    routes:
      - name: orders
        paths: [/orders]"#,
    ),
    code(
        "no-such-route",
        Error,
        "a route that is referred to does not exist",
        "A reference names a route by its `name` or `id`, and the file has none of that name. The file must \
         hold everything that it refers to. An object that is nested in its route needs no reference at all.",
        r#"services:
  - name: orders
    url: http://orders:3000
    routes: [{name: orders, paths: [/orders]}]
plugins:
  - name: cors
    route: ordres"#,
        r#"services:
  - name: orders
    url: http://orders:3000
    routes: [{name: orders, paths: [/orders]}]
plugins:
  - name: cors
    route: orders"#,
    ),
    code(
        "no-such-consumer",
        Error,
        "a consumer that is referred to does not exist",
        "A reference names a consumer by its `username` or `id`, and the file has none of that name. The file \
         must hold everything that it refers to. An object that is nested in its consumer needs no reference at \
         all.",
        r#"keyauth_credentials:
  - consumer: bob
    key: ${BOBS_KEY}"#,
        r#"consumers:
  - username: bob
    keyauth_credentials:
      - key: ${BOBS_KEY}"#,
    ),
    code(
        "no-such-upstream",
        Error,
        "an upstream that is referred to does not exist",
        "A reference names an upstream by its `name` or `id`, and the file has none of that name. The file must \
         hold everything that it refers to. An object that is nested in its upstream needs no reference at all.",
        r#"targets:
  - upstream: backend
    target: 10.0.0.1:80"#,
        r#"upstreams:
  - name: backend
    targets:
      - target: 10.0.0.1:80"#,
    ),
    code(
        "no-such-certificate",
        Error,
        "a certificate that is referred to does not exist",
        "A reference names a certificate by its `id`, and the file has none of that name. The file must hold \
         everything that it refers to. An object that is nested in its certificate needs no reference at all.",
        r#"snis:
  - name: a.example.com
    certificate: 3b0c9ef0-0000-4000-8000-000000000000"#,
        r#"certificates:
  - cert: "{vault://file/etc/tls/fullchain.pem}"
    key: "{vault://file/etc/tls/privkey.pem}"
    snis:
      - name: a.example.com"#,
    ),
    code(
        "no-such-entity",
        Error,
        "an object that is referred to does not exist",
        "A reference names an object that the file does not hold. The file must hold everything that it refers \
         to.",
        "",
        "",
    ),
];

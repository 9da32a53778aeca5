//! The table, in the order in which a file is read: its text, its values, what they refer to, what is missing here.

use super::Code;
use crate::config::report::Severity::{self, Error, Warning};

/// All codes.
pub static CODES: &[Code] = &[
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
        r#"a: &a [x, x]
b: &b [*a, *a]
c: [*b, *b]   # … and so on, 30 times"#,
        "",
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
        "The field wants text, a number, a truth, a list or a mapping, and something else is written there. In \
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
        r#"routes:
  - name: users
    paths: [/users]
    strip_paht: false"#,
        r#"routes:
  - name: users
    paths: [/users]
    strip_path: false"#,
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
        r#"plugins:
  - name: cors
    route: ordres"#,
        r#"plugins:
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
        "a upstream that is referred to does not exist",
        "A reference names a upstream by its `name` or `id`, and the file has none of that name. The file must \
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
  - name: api.example.org
    certificate: 3b0c9ef0-0000-4000-8000-000000000000"#,
        r#"certificates:
  - cert: "{vault://file/etc/tls/fullchain.pem}"
    key: "{vault://file/etc/tls/privkey.pem}"
    snis:
      - name: api.example.org"#,
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
    code(
        "no-such-plugin",
        Error,
        "there is no plugin of this name",
        "Neither Kong nor this gateway has a plugin of this name, the setting `plugins` leaves it out, or only \
         a later Kong has it than the file's `_format_version` is for.",
        r#"plugins:
  - name: corz"#,
        r#"plugins:
  - name: cors"#,
    ),
    code(
        "unsupported-plugin",
        Error,
        "a plugin of Kong's that this gateway has not",
        "Kong would load the file; this gateway can't do what the plugin does, and refuses to leave it out in \
         silence. docs/plugins.md lists what there is. Plugins that are not Kong's own (written in Lua, Go or \
         JavaScript) can't be run.",
        "",
        "",
    ),
    code(
        "unsupported-field",
        Error,
        "a field of Kong's that this gateway has not",
        "Kong knows this field or value and would act on it. This gateway does not, and refuses to serve the \
         file as if it were not there. docs/migrating-from-kong.md lists what there is.",
        r#"upstreams:
  - name: backend
    algorithm: least-connections"#,
        r#"upstreams:
  - name: backend
    algorithm: round-robin"#,
    ),
    code(
        "unsupported-template",
        Error,
        "a template that can't be computed",
        "Kong runs the text in `$(…)` as Lua. The gateway computes the expressions that are in use for choosing \
         and joining headers, query arguments and captures, and refuses all others when the file is read: \
         docs/plugins.md, request-transformer.",
        r#"config:
  add:
    headers: ["x-day: $(os.date('%A'))"]"#,
        r#"config:
  add:
    headers: ["x-key: $(headers.apikey)"]"#,
    ),
    code(
        "unusable-uri",
        Warning,
        "a path that no request can have",
        "`replace.uri` of `request-transformer` becomes the path of the upstream's request, and a path begins \
         with `/`. Kong accepts the file and answers every request on this route with an error.",
        r#"config:
  replace: {uri: v2/users}"#,
        r#"config:
  replace: {uri: /v2/users}"#,
    ),
    code(
        "unusable-method",
        Warning,
        "a method that nginx can't send",
        "`http_method` of `request-transformer` names a method that Kong accepts in the file and fails on with \
         every request.",
        "config: {http_method: FETCH}",
        "config: {http_method: GET}",
    ),
    code(
        "bad-header-value",
        Error,
        "a text that can't be the value of a header",
        "Values of headers are one line of visible characters, blanks and tabs. Line ends in a value would let \
         it add headers of its own, so they are refused when the file is read. In YAML, a `|` block ends with a \
         line end: write the value on one line.",
        r#"config:
  add:
    headers: ["x-note: first\nsecond"]"#,
        r#"config:
  add:
    headers: ["x-note: first, second"]"#,
    ),
    code(
        "unset-variable",
        Error,
        "a variable that the file needs is not set",
        "The file asks for a value from the environment (`${NAME}` or `{vault://env/name}`), and there is none. \
         `gateway check` looks at its own environment: in a container, the one of the container. Set the \
         variable (in compose.yml under `environment:`), or give a default: `${NAME:-default}`.\n\nA bare \
         `$NAME` whose variable is not set stays as it is written, and is told of only where that can't be \
         right, as in a host.",
        r#"services:
  - name: users
    url: http://${USERS_HOST}:3000"#,
        r#"services:
  - name: users
    url: http://${USERS_HOST:-users}:3000"#,
    ),
    code(
        "ambiguous-variable",
        Error,
        "a variable is set twice",
        "Both NAME and NAME_FILE (a file that holds the value, as Docker's secrets have it) are set, and \
         nothing says which of the two counts. Unset one of them.",
        "",
        "",
    ),
    code(
        "no-such-file",
        Error,
        "a file that a plugin needs is not there",
        "The file is read when the configuration is, and is watched from then on. The path is one in the \
         gateway's own file system: in a container, the container's.",
        r#"plugins:
  - name: htpasswd
    config: {file: /no/such/file}"#,
        "",
    ),
    code(
        "no-users",
        Error,
        "a password file lets nobody in",
        "The file of `htpasswd` has no line that could be used, so nobody could ever come in. Most often it is \
         empty because the secret was not mounted, or its passwords are in a form that is not supported \
         (docs/extensions.md lists those that are).",
        "",
        "",
    ),
    code(
        "bad-htpasswd-line",
        Warning,
        "a line of a password file can't be used",
        "This user can't come in: the line has no colon, or its password is in a form that is not supported. \
         The other lines count. `htpasswd -B` writes what is understood.",
        "",
        "",
    ),
    code(
        "no-randomness",
        Error,
        "the machine gives no random numbers",
        "Passwords are kept in memory under a key that is made when the gateway starts. The system gave no \
         random bytes for it, which should never happen.",
        "",
        "",
    ),
    code(
        "unreadable-file",
        Error,
        "a file can't be read",
        "The file itself, or one that it refers to by `{vault://file/PATH}`, is not there, may not be read by \
         this user, is no UTF-8, or is a folder. Docker makes a folder where the file that it is to mount does \
         not exist on the host: then the path on the host's side of the mount is wrong.",
        r#"certificates:
  - cert: "{vault://file/etc/letsencrypt/live/example.org/fullchain.pem}"
    key: "{vault://file/etc/letsencrypt/live/example.org/privkey.pem}""#,
        "",
    ),
    code(
        "invalid-setting",
        Error,
        "a setting in `_gateway` is wrong",
        "`_gateway` holds settings of the process, with the names of kong.conf. Their values are read as those \
         of KONG_ variables are. docs/configuration.md lists them.",
        r#"_gateway:
  proxy_listen: eight thousand"#,
        r#"_gateway:
  proxy_listen: 0.0.0.0:8000"#,
    ),
    code(
        "nginx-syntax",
        Error,
        "the nginx configuration can't be read",
        "`gateway import nginx` reads the files as nginx does, and this is not the syntax of nginx: a brace or \
         quote is not closed, or a `;` is missing. `nginx -t` says the same.",
        "",
        "",
    ),
    code(
        "nginx-include",
        Error,
        "a file that nginx includes can't be read",
        "`include` names a file that is not there or may not be read. Relative paths start at the folder of the \
         first file, or at the one that `--folder` names.",
        "",
        "",
    ),
    code(
        "nginx-too-much",
        Error,
        "the nginx configuration is too large to import",
        "Files may include each other only so deeply, and all together they may only be so large. An `include` \
         that includes itself is the usual cause.",
        "",
        "",
    ),
    code(
        "upstream-unreachable",
        Warning,
        "an upstream server is not there",
        "Told only with `--online`: the name of a service or target is not known, or nothing takes connections at \
         its address. Requests would be answered with 503 or 502. Is the server running, and on this port? The \
         names of a compose network are known only inside of it: run the check in the gateway's container, or \
         lead a name elsewhere with `--resolve HOST:PORT:ADDR`.",
        "",
        "",
    ),
    code(
        "upstream-tls",
        Warning,
        "TLS with an upstream server fails",
        "Told only with `--online`: the service says `https` and the server speaks plain HTTP, or the other way \
         round; or the handshake fails; or `tls_verify` is on and the certificate is not believed. Requests would \
         be answered with 502.",
        r#"- name: auth
  url: https://auth:9999   # speaks plain HTTP"#,
        r#"- name: auth
  url: http://auth:9999"#,
    ),
    code(
        "upstream-no-http",
        Warning,
        "an upstream server does not answer in HTTP",
        "Told only with `--online`: the server takes connections, and then is silent, closes them, or says what \
         is no HTTP/1.1. A database or a mail server at this port would do that, and so does a server that hangs.",
        r#"- name: db
  url: http://db:5432      # PostgreSQL's own port"#,
        r#"- name: rest
  url: http://rest:3000    # PostgREST in front of it"#,
    ),
    code(
        "upstream-path",
        Warning,
        "`strip_path` looks like the wrong way round",
        "Told only with `--online`: where a route sends its requests the upstream answers 404, and it has \
         something where they would go with the other `strip_path`. With `true`, which is the default, the \
         matched path is cut off; a server that has `/api` in its own paths wants `false`.",
        r#"- paths: [/api]"#,
        r#"- paths: [/api]
  strip_path: false"#,
    ),
    code(
        "not-portable",
        Error,
        "Kong would refuse this",
        "Told only with `--portable`: the file uses what this gateway has and Kong has not, so Kong would \
         refuse it. Without the option that is no fault. docs/extensions.md lists what there is.",
        r#"_gateway:
  proxy_listen: 0.0.0.0:8000"#,
        "# KONG_PROXY_LISTEN=0.0.0.0:8000 in the environment",
    ),
];

const fn code(
    code: &'static str,
    severity: Severity,
    summary: &'static str,
    explain: &'static str,
    bad: &'static str,
    good: &'static str,
) -> Code {
    Code { code, severity, summary, explain, bad, good }
}

//! What this gateway has not, and what is missing on this machine: plugins, fields, variables, files, settings.

use super::{Code, code};
use crate::config::report::Severity::{Error, Warning};

pub(super) static HERE: &[Code] = &[
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
        r"plugins:
  - name: ldap-auth",
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/users}",
    ),
    code(
        "unsupported-field",
        Error,
        "a field of Kong's that this gateway has not",
        "Kong knows this field or value and would act on it. This gateway does not, and refuses to serve the \
         file as if it were not there. docs/migrating-from-kong.md lists what there is.",
        r#"upstreams:
  - name: backend
    healthchecks: {active: {type: grpc, healthy: {interval: 5}}}"#,
        r#"upstreams:
  - name: backend
    healthchecks:
      active:
        type: tcp
        healthy: {interval: 5, successes: 1}
        unhealthy: {interval: 5, tcp_failures: 2, timeouts: 2}"#,
    ),
    code(
        "unsupported-template",
        Error,
        "a new name that is a template",
        "In `rename` of `request-transformer`, Kong computes a new name of an argument or a member of the body that \
         is a template (`$(…)`). This gateway computes templates in values only: docs/plugins.md, \
         request-transformer.",
        r#"config:
  rename:
    querystring: ["key:$(headers.x_name)"]"#,
        r#"config:
  rename:
    querystring: ["key:apikey"]"#,
    ),
    code(
        "unusable-template",
        Warning,
        "a template that no request can use",
        "Kong runs the text in `$(…)` as Lua. Where it is no Lua, or where untrusted_lua is `off` in a file of \
         format 3.0, Kong accepts the file and answers every request that needs the value with an error.",
        r#"config:
  add:
    headers: ["x-key: $(headers.apikey or)"]"#,
        r#"config:
  add:
    headers: ["x-key: $(headers.apikey or 'none')"]"#,
    ),
    code(
        "idle-function",
        Warning,
        "a function that is never run",
        "Kong runs the functions in `certificate` of `pre-function` and `post-function` during a TLS handshake. This \
         gateway chooses a certificate by the name that the client asks for, and runs no Lua for it.",
        r#"plugins:
  - name: pre-function
    config: {certificate: ["kong.log('hello')"]}"#,
        r#"plugins:
  - name: pre-function
    config: {access: ["kong.log('hello')"]}"#,
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
         right: in a host, or as the name or password of a credential when the environment fills in other \
         credentials of the file.",
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
        r#"consumers:
  - username: bob
    keyauth_credentials: [{key: "${API_KEY}"}]   # both API_KEY and API_KEY_FILE are set"#,
        r#"consumers:
  - username: bob
    keyauth_credentials: [{key: "${BOBS_KEY}"}]   # only BOBS_KEY is set"#,
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
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/users}",
    ),
    code(
        "no-users",
        Error,
        "a password file lets nobody in",
        "The file of `htpasswd` has no line that could be used, so nobody could ever come in. Most often it is \
         empty because the secret was not mounted, or its passwords are in a form that is not supported \
         (docs/extensions.md lists those that are).",
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/empty}",
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/users}",
    ),
    code(
        "bad-htpasswd-line",
        Warning,
        "a line of a password file can't be used",
        "This user can't come in: the line has no colon, or its password is in a form that is not supported. \
         The other lines count. `htpasswd -B` writes what is understood.",
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/odd-users}   # ada:$2b$… and, below it, bob without a password",
        r"plugins:
  - name: htpasswd
    config: {file: /run/secrets/users}",
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
        r#"certificates:
  - cert: "{vault://file/etc/tls/fullchain.pem}"
    key: "{vault://file/etc/tls/privkey.pem}""#,
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
        r"server {
  listen 80;
  server_name app.example.com;",
        r"server {
  listen 80;
  server_name app.example.com;
}",
    ),
    code(
        "nginx-include",
        Error,
        "nginx's files include each other too deeply",
        "An `include` may lead from file to file ten times; one that leads back to its own file is the usual \
         cause. A file that is not there is no error: the import says that nothing of it was read.",
        "include nginx.conf;   # this very file",
        "include conf.d/app.conf;",
    ),
    code(
        "nginx-too-much",
        Error,
        "the nginx configuration is too large to import",
        "All files together may be 1000 with 32 MiB, and have 10,000 servers and locations. A pattern of \
         `include` that takes in more than was meant is the usual cause.",
        "",
        "",
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

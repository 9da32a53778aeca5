//! Every directive is accounted for: what is read somewhere in this folder, what the gateway has no need of, and what is
//! lost. One that stands in no row is lost, too: nothing is passed over in silence.

use super::notes::Notes;
use super::redirect;
use super::tree::Directive;

/// What becomes of a directive.
enum Fate {
    /// Translated, with remarks of its own where something is amiss.
    Read,
    /// There is no need of it.
    Needless(&'static str),
    /// It is not in the result.
    Lost(&'static str),
    /// Lost if it is `on`; else there is no need of it.
    On(&'static str),
    /// Lost if it is `off`; else there is no need of it.
    Off(&'static str),
    /// That depends.
    Judge(fn(&Directive) -> Fate),
}

use Fate::{Judge, Lost, Needless, Off, On, Read};

const PROCESS: &str = "how nginx runs its processes";
const SOCKETS: &str = "how nginx uses sockets and files";
const BUFFERS: &str = "sizes and uses of nginx's buffers; the gateway streams";
const TLS: &str = "the gateway speaks TLS 1.2 and 1.3 with suites of its own choice";
const TABLES: &str = "sizes of nginx's tables";
const NAMES: &str = "the gateway looks names up again by itself";
const KEPT: &str = "the gateway keeps connections to upstreams by itself";
const FILES: &str = "the gateway serves no files";
const OTHER_PROTOCOL: &str = "the gateway has no such upstreams";
const BALANCE: &str = "targets are taken in turn; `algorithm` and `hash_on` of the upstream have the like";
const REWRITE: &str = "the gateway does not rewrite paths by expressions";
const VARIABLES: &str = "the gateway has no variables of one's own";
const CACHE: &str = "the gateway keeps no answers";

const DIRECTIVES: &[(&str, Fate)] = &[
    // Structure.
    ("http", Read),
    ("server", Read),
    ("location", Read),
    ("upstream", Read),
    ("listen", Read),
    ("server_name", Read),
    ("if", Judge(condition)),
    ("return", Read),
    ("rewrite", Judge(rewrite)),
    ("map", Judge(map)),
    ("types", Needless("media types are the upstreams' to say")),
    ("default_type", Read),
    // Upstreams.
    ("proxy_pass", Read),
    ("proxy_set_header", Read),
    ("proxy_connect_timeout", Read),
    ("proxy_read_timeout", Read),
    ("proxy_send_timeout", Read),
    ("proxy_next_upstream", Read),
    ("proxy_next_upstream_tries", Read),
    ("proxy_ssl_verify", Read),
    ("proxy_ssl_trusted_certificate", Read),
    ("proxy_http_version", Needless("the gateway speaks HTTP/1.1 to upstreams")),
    ("proxy_redirect", Judge(proxy_redirect)),
    ("proxy_ssl_server_name", Needless("the gateway names the host in upstreams' TLS, always")),
    ("proxy_ssl_session_reuse", Needless(TLS)),
    ("proxy_ssl_protocols", Needless(TLS)),
    ("proxy_ssl_ciphers", Needless(TLS)),
    ("proxy_socket_keepalive", Needless(SOCKETS)),
    ("proxy_pass_header", Needless("the gateway passes on all headers of answers")),
    ("proxy_cache_bypass", Needless(CACHE)),
    ("proxy_no_cache", Needless(CACHE)),
    ("proxy_cache", Judge(cache)),
    ("proxy_hide_header", Lost("the gateway passes on all headers of answers")),
    ("proxy_cookie_path", Lost("the gateway passes on all headers of answers")),
    ("proxy_cookie_domain", Lost("the gateway passes on all headers of answers")),
    ("proxy_cookie_flags", Lost("the gateway passes on all headers of answers")),
    ("proxy_method", Lost("the gateway does not change methods")),
    ("proxy_set_body", Lost("the gateway does not change bodies")),
    ("proxy_pass_request_headers", Off("the gateway passes on all headers of requests")),
    ("proxy_pass_request_body", Off("the gateway passes on bodies")),
    ("proxy_ignore_headers", Needless(CACHE)),
    ("proxy_ssl_name", Lost("the gateway asks upstreams for the host that it sends")),
    ("proxy_ssl_certificate", Lost("set `client_ssl_cert`: one certificate for all upstreams")),
    ("proxy_ssl_certificate_key", Needless("see `proxy_ssl_certificate`")),
    ("mirror", Lost("the gateway sends a request to one place")),
    ("proxy_buffering", Needless(BUFFERS)),
    ("proxy_request_buffering", Needless(BUFFERS)),
    ("proxy_buffers", Needless(BUFFERS)),
    ("proxy_buffer_size", Needless("the gateway takes heads of answers up to 256k")),
    ("proxy_busy_buffers_size", Needless(BUFFERS)),
    ("proxy_temp_file_write_size", Needless(BUFFERS)),
    ("proxy_max_temp_file_size", Needless(BUFFERS)),
    ("proxy_temp_path", Needless(BUFFERS)),
    ("proxy_headers_hash_max_size", Needless(TABLES)),
    ("proxy_headers_hash_bucket_size", Needless(TABLES)),
    ("keepalive", Needless(KEPT)),
    ("keepalive_requests", Needless(KEPT)),
    ("keepalive_time", Needless(KEPT)),
    ("zone", Needless(TABLES)),
    ("least_conn", Lost(BALANCE)),
    ("ip_hash", Lost(BALANCE)),
    ("hash", Lost(BALANCE)),
    ("random", Lost(BALANCE)),
    ("resolver", Needless(NAMES)),
    ("resolver_timeout", Needless(NAMES)),
    ("grpc_pass", Lost(OTHER_PROTOCOL)),
    ("fastcgi_pass", Lost(OTHER_PROTOCOL)),
    ("uwsgi_pass", Lost(OTHER_PROTOCOL)),
    ("scgi_pass", Lost(OTHER_PROTOCOL)),
    ("memcached_pass", Lost(OTHER_PROTOCOL)),
    // Who may come in, and how often.
    ("auth_basic", Read),
    ("auth_basic_user_file", Read),
    ("allow", Read),
    ("deny", Read),
    ("auth_request", Read),
    ("auth_jwt", Read),
    ("limit_except", Read),
    ("internal", Read),
    ("satisfy", Judge(satisfy)),
    ("limit_req_zone", Read),
    ("limit_req", Read),
    ("limit_req_status", Read),
    ("limit_req_dry_run", Read),
    ("limit_req_log_level", Needless("the gateway chooses the level of its own log lines")),
    ("limit_conn_zone", Needless("nothing but `limit_conn` uses it, which is told by itself")),
    ("limit_conn_status", Needless("nothing but `limit_conn` uses it, which is told by itself")),
    ("limit_conn", Lost("the gateway does not count connections")),
    // Answers.
    ("add_header", Read),
    ("client_max_body_size", Read),
    ("error_page", Lost("answers that the gateway makes have its own texts")),
    ("proxy_intercept_errors", On("an upstream's errors pass as they are")),
    ("gzip", On("the gateway does not compress; upstreams may")),
    ("brotli", On("the gateway does not compress; upstreams may")),
    ("etag", Needless(FILES)),
    ("charset", Judge(charset)),
    ("server_tokens", Read),
    // Files.
    ("root", Lost(FILES)),
    ("alias", Lost(FILES)),
    ("index", Lost(FILES)),
    ("try_files", Lost(FILES)),
    ("autoindex", Lost(FILES)),
    ("expires", Lost("the gateway has no dates of expiry to give")),
    ("log_not_found", Needless(FILES)),
    ("open_file_cache", Needless(FILES)),
    // TLS.
    ("ssl", Read),
    ("http2", Read),
    ("ssl_certificate", Read),
    ("ssl_certificate_key", Read),
    ("ssl_client_certificate", Read),
    ("ssl_verify_client", Read),
    ("ssl_trusted_certificate", Needless("it checks stapled answers; see `ssl_stapling`")),
    ("ssl_protocols", Judge(protocols)),
    ("ssl_ciphers", Needless(TLS)),
    ("ssl_conf_command", Needless(TLS)),
    ("ssl_prefer_server_ciphers", Needless(TLS)),
    ("ssl_ecdh_curve", Needless(TLS)),
    ("ssl_dhparam", Needless(TLS)),
    ("ssl_session_cache", Needless(TLS)),
    ("ssl_session_timeout", Needless(TLS)),
    ("ssl_session_tickets", Needless(TLS)),
    ("ssl_buffer_size", Needless(TLS)),
    ("ssl_early_data", On("the gateway takes no early data")),
    ("ssl_stapling", On("the gateway staples no OCSP answers")),
    ("ssl_stapling_verify", Needless("it checks stapled answers; see `ssl_stapling`")),
    ("ssl_reject_handshake", On("the gateway finishes the handshake with its default certificate")),
    // The whole process.
    ("keepalive_timeout", Read),
    ("client_header_timeout", Read),
    ("client_body_timeout", Read),
    ("send_timeout", Read),
    ("large_client_header_buffers", Read),
    ("set_real_ip_from", Read),
    ("real_ip_header", Read),
    ("real_ip_recursive", Read),
    ("access_log", Read),
    ("error_log", Read),
    ("log_format", Needless("access lines have nginx's format `combined`")),
    ("client_header_buffer_size", Needless(BUFFERS)),
    ("client_body_buffer_size", Needless(BUFFERS)),
    ("client_body_temp_path", Needless(BUFFERS)),
    ("client_body_in_file_only", Needless(BUFFERS)),
    ("postpone_output", Needless(BUFFERS)),
    ("user", Needless(PROCESS)),
    ("pid", Needless(PROCESS)),
    ("daemon", Needless(PROCESS)),
    ("master_process", Needless(PROCESS)),
    ("load_module", Needless(PROCESS)),
    ("events", Needless(PROCESS)),
    ("pcre_jit", Needless(PROCESS)),
    ("lock_file", Needless(PROCESS)),
    ("env", Needless(PROCESS)),
    ("timer_resolution", Needless(PROCESS)),
    ("sendfile", Needless(SOCKETS)),
    ("sendfile_max_chunk", Needless(SOCKETS)),
    ("tcp_nopush", Needless(SOCKETS)),
    ("tcp_nodelay", Needless(SOCKETS)),
    ("aio", Needless(SOCKETS)),
    ("directio", Needless(SOCKETS)),
    ("output_buffers", Needless(SOCKETS)),
    ("reset_timedout_connection", Needless(SOCKETS)),
    ("lingering_close", Needless(SOCKETS)),
    ("lingering_time", Needless(SOCKETS)),
    ("lingering_timeout", Needless(SOCKETS)),
    ("server_names_hash_bucket_size", Needless(TABLES)),
    ("server_names_hash_max_size", Needless(TABLES)),
    ("variables_hash_bucket_size", Needless(TABLES)),
    ("variables_hash_max_size", Needless(TABLES)),
    ("map_hash_bucket_size", Needless(TABLES)),
    ("map_hash_max_size", Needless(TABLES)),
    ("types_hash_max_size", Needless(TABLES)),
    ("types_hash_bucket_size", Needless(TABLES)),
    ("merge_slashes", Off("the gateway takes slashes in a row for one")),
    ("absolute_redirect", Off("the gateway's redirects name scheme and host")),
    ("underscores_in_headers", Judge(underscores)),
    ("ignore_invalid_headers", Needless("the gateway refuses what is no header")),
    ("server_name_in_redirect", Needless("the gateway's redirects name the host that is written here")),
    ("port_in_redirect", Needless("the gateway's redirects name the port that is written here")),
    ("stub_status", Lost("the gateway has no such page")),
    ("set", Lost(VARIABLES)),
    ("geo", Lost(VARIABLES)),
    ("split_clients", Lost(VARIABLES)),
    ("sub_filter", Lost("the gateway does not change bodies")),
    ("stream", Lost("the gateway serves HTTP alone")),
    ("mail", Lost("the gateway serves HTTP alone")),
];

/// Names that begin so, where no row has the whole name.
const FAMILIES: &[(&str, Fate)] = &[
    ("worker_", Needless(PROCESS)),
    ("gzip_", Needless("nothing but `gzip` uses it, which is told by itself")),
    ("brotli_", Needless("nothing but `brotli` uses it, which is told by itself")),
    ("open_file_cache_", Needless(FILES)),
    ("proxy_cache_", Needless(CACHE)),
    ("fastcgi_", Needless("nothing but `fastcgi_pass` uses it, which is told by itself")),
    ("uwsgi_", Needless("nothing but `uwsgi_pass` uses it, which is told by itself")),
    ("sub_filter_", Needless("nothing but `sub_filter` uses it, which is told by itself")),
    ("more_", Lost("of a module that the gateway has nothing like")),
];

/// Accounts for all directives that no translation looks at. `inside` is the block that they stand in.
pub(super) fn account(directives: &[Directive], inside: &str, notes: &mut Notes) {
    for directive in directives {
        match fate(directive, inside) {
            Fate::Needless(reason) => notes.covered(directive, reason),
            Fate::Lost(reason) => notes.lost(directive, reason),
            _ => {}
        }
        if matches!(directive.name.as_str(), "http" | "server" | "location" | "upstream") {
            account(directive.children(), &directive.name, notes);
        }
    }
}

fn fate(directive: &Directive, inside: &str) -> Fate {
    if inside == "upstream" && directive.name.starts_with("keepalive") {
        return Needless(KEPT);
    }
    let row = DIRECTIVES.iter().find(|(name, _)| *name == directive.name);
    let row = row.or_else(|| FAMILIES.iter().find(|(start, _)| directive.name.starts_with(start)));
    match row.map(|(_, fate)| fate) {
        None => Lost("the importer does not know it"),
        Some(Read) => Read,
        Some(Judge(judge)) => judge(directive),
        Some(Needless(reason)) => Needless(reason),
        Some(Lost(reason)) => Lost(reason),
        Some(On(reason)) => when(directive.says(&["on"]), reason),
        Some(Off(reason)) => when(directive.says(&["off"]), reason),
    }
}

fn when(lost: bool, reason: &'static str) -> Fate {
    if lost { Lost(reason) } else { Needless("switched as it is here anyway") }
}

fn condition(directive: &Directive) -> Fate {
    let refuses = |child: &Directive| child.name == "return" && child.arg(0).is_some_and(|code| code.starts_with('4'));
    match directive.children() {
        _ if redirect::is_idiom(directive) => Read,
        children if children.iter().any(refuses) => Lost("the gateway has no conditions: what this refuses is let in"),
        _ => Lost("the gateway has no conditions"),
    }
}

fn rewrite(directive: &Directive) -> Fate {
    if redirect::rewrite(directive).is_some() { Read } else { Lost(REWRITE) }
}

fn map(directive: &Directive) -> Fate {
    match directive.arg(0) {
        Some("$http_upgrade") => Needless("the gateway passes on upgrades by itself"),
        _ => Lost(VARIABLES),
    }
}

fn proxy_redirect(directive: &Directive) -> Fate {
    when(!directive.says(&["off"]), "the gateway passes on an upstream's Location as it is")
}

fn cache(directive: &Directive) -> Fate {
    when(!directive.says(&["off"]), CACHE)
}

fn satisfy(directive: &Directive) -> Fate {
    when(!directive.says(&["all"]), "the gateway asks for all that is demanded, not for any one of it")
}

fn charset(directive: &Directive) -> Fate {
    let usual = directive.arg(0).is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
    when(!usual, "the gateway adds `charset=UTF-8` to texts that name none")
}

fn protocols(directive: &Directive) -> Fate {
    let old = directive.texts().any(|name| matches!(name, "SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1"));
    if old { Lost("the gateway speaks TLS 1.2 and 1.3 alone") } else { Needless(TLS) }
}

fn underscores(_: &Directive) -> Fate {
    Needless("the gateway takes headers with underscores")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_in_two_rows() {
        let mut names: Vec<_> = DIRECTIVES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DIRECTIVES.len());
    }
}

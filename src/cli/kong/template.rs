//! `--nginx-conf`: a template for nginx's configuration, which means nothing here. It is read to say what is lost.

use super::voice::Voice;
use crate::cli::print;
use std::path::Path;

/// Most bytes of a template that are looked at.
const MOST: usize = 1 << 20;
/// The directive whose block is a server.
const SERVER: &str = "server";

/// Says what becomes of a template, if there is one.
pub(super) fn warn(file: Option<&Path>, voice: Voice) {
    if let Some(file) = file {
        voice.warn(&format!("--nginx-conf {}: {}", file.display(), lost(file)));
    }
}

fn lost(file: &Path) -> String {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return format!("it is not used here, and cannot be read: {}", print::reason(&error)),
    };
    let servers = listens(text.get(..MOST).unwrap_or(&text));
    let servers = if servers.is_empty() {
        String::new()
    } else {
        format!("; its servers are not served: {}", servers.join(", "))
    };
    format!("there is no nginx here, so templates for it change nothing{servers}")
}

/// What servers of the template's own listen on; Kong's own have a variable there.
fn listens(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| format!("{} ", line.split('#').next().unwrap_or_default())).collect();
    let mut found = Vec::new();
    for block in code.match_indices(SERVER).filter_map(|(at, _)| block(&code[at + SERVER.len()..])) {
        let directives = block.split([';', '{', '}']).map(str::trim);
        let listens = directives.filter_map(|directive| directive.strip_prefix("listen ")).map(str::trim);
        found.extend(listens.filter(|listen| !listen.contains('$')).map(|listen| format!("listen {listen}")));
    }
    found.sort();
    found.dedup();
    found
}

/// What stands in the braces that a text begins with.
fn block(text: &str) -> Option<&str> {
    let inside = text.trim_start().strip_prefix('{')?;
    let mut depth = 1_usize;
    let end = inside.find(|c| {
        depth = match c {
            '{' => depth + 1,
            '}' => depth - 1,
            _ => depth,
        };
        depth == 0
    });
    end.map(|end| &inside[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_its_own_are_found() {
        let text = "worker_processes ${{nginx_worker_processes}}; # server { listen 1; }\nhttp {\n  include \
                    'nginx-kong.conf';\n  server {\n    server_name mails;\n    listen 0.0.0.0:8088;\n    location / { \
                    root /home/kong/templates; }\n    listen [::]:8088 ipv6only=on;\n  }\n  server { listen \
                    $(entry.listener); }\n  upstream x { server 127.0.0.1:9; }\n}\n";
        assert_eq!(listens(text), ["listen 0.0.0.0:8088", "listen [::]:8088 ipv6only=on"]);
        assert_eq!(listens("server { listen 80"), [] as [String; 0]);
        assert_eq!(listens(""), [] as [String; 0]);
    }
}

//! What is written for other programs, from what this one knows of itself: an editor's schema, a shell's completions, the
//! manual. Declarations only.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

const SCHEMA_HELP: &str = "\
The schema (JSON Schema, draft 7) has every field of every entity and of every plugin that this gateway runs, with types,
defaults and rules. An editor that has it completes names and underlines mistakes while you type; `gateway check` finds
more, since a schema cannot compare entities.

Examples:
  gateway schema > kong.schema.json
  # yaml-language-server: $schema=./kong.schema.json        as first line of a YAML file
  gateway schema --format 3.0 > kong3.schema.json           for one version only";

#[derive(Debug, Args)]
#[command(after_help = SCHEMA_HELP)]
pub(in crate::cli) struct Schema {
    /// Which format version a file has. Without it, the file's `_format_version` decides.
    #[arg(long = "format", value_name = "VERSION", value_enum)]
    pub(in crate::cli) version: Option<FormatVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FormatVersion {
    /// 1.1 and 2.1, as Kong 2.8 has them.
    #[value(name = "2.1", alias = "1.1")]
    Two,
    /// 3.0, as Kong 3 has it.
    #[value(name = "3.0")]
    Three,
}

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  gateway completions bash > /etc/bash_completion.d/gateway
  gateway completions zsh > /usr/local/share/zsh/site-functions/_gateway
  gateway completions fish > ~/.config/fish/completions/gateway.fish";

const MAN_HELP: &str = "\
Examples:
  gateway man | man -l -
  gateway man token mint | man -l -
  gateway man --dir /usr/local/share/man/man1";

#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub(in crate::cli) struct Man {
    /// Whose page; without any, the gateway's own.
    #[arg(value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<String>,
    /// Write all pages as files into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

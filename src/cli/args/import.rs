//! What comes from the files of other servers. Declarations only.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Import {
    /// From nginx's configuration files.
    Nginx(Nginx),
}

const NGINX_HELP: &str = "\
Give it nginx's main file; what that includes is read as well, relative to the file's folder. Parts that are usually \
included (sites-enabled/…) can be given by themselves, too.

The result goes to standard output, or to the file of -o. Servers become hosts of routes, locations become routes, \
proxy_pass becomes services, certificates stay files that are read again when they are renewed. Every directive that is \
not carried over exactly is named, with its place and the reason: as a comment where it would have stood, and on \
standard error. docs/migrating-from-nginx.md has the whole table.

Examples:
  gateway import nginx /etc/nginx/nginx.conf -o gateway.yml
  gateway import nginx /etc/nginx/sites-enabled/app --folder /etc/nginx | less
  gateway check gateway.yml                          then: can it be served here?
  gateway import nginx nginx.conf --strict -o g.yml  fail rather than leave anything out

Exit status: 0 written, 1 a file is not nginx's syntax (or --strict, or the output exists), 2 one cannot be read.";

#[derive(Debug, Args)]
#[command(after_help = NGINX_HELP)]
pub(in crate::cli) struct Nginx {
    /// Configuration files; `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write here.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Overwrite the output.
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Write nothing, and fail, if anything is not carried over exactly.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// What relative paths start from [default: the folder of the first file].
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<PathBuf>,
}

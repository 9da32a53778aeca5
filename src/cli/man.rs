//! `gateway man`: the manual, from the same declarations as the command line.

use super::args::{Cli, Man};
use super::{REFUSED, UNREADABLE, print};
use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};
use std::io;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn main(args: &Man) -> ExitCode {
    let all = pages(&root());
    if let Some(folder) = &args.dir {
        return match write(&all, folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(REFUSED, &format!("{}: {}", folder.display(), print::reason(&error))),
        };
    }
    let wanted = [&["gateway".to_owned()], args.command.as_slice()].concat().join("-");
    match all.iter().find(|(name, _)| *name == wanted) {
        Some((_, page)) => {
            print::out(page);
            ExitCode::SUCCESS
        }
        None => {
            failed(UNREADABLE, &format!("there is no command `{}`; `gateway help` lists all", args.command.join(" ")))
        }
    }
}

fn failed(code: u8, message: &str) -> ExitCode {
    print::err(&format!("error: {message}\n"));
    ExitCode::from(code)
}

/// The whole command, with the names that its subcommands' pages have.
fn root() -> Command {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    root
}

fn write(pages: &[(String, String)], folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    pages.iter().try_for_each(|(name, page)| std::fs::write(folder.join(format!("{name}.1")), page))
}

/// Name and text of the page of a command, and of all below it.
fn pages(command: &Command) -> Vec<(String, String)> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).flat_map(pages);
    [(name, page(command))].into_iter().chain(below).collect()
}

/// clap_mangen fills lines, also those of examples; so these are put behind what it makes.
fn page(command: &Command) -> String {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let rest = command.clone().after_help(None::<&str>);
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(rest).manual("gateway").source(concat!("gateway ", env!("CARGO_PKG_VERSION")));
    // Writing to memory does not fail.
    let _ = made.render(&mut page);
    String::from_utf8_lossy(&page).into_owned() + &sections(&after)
}

/// The text behind a command's help: examples as they are, the rest in paragraphs.
fn sections(after: &str) -> String {
    let mut roff = Roff::new();
    for block in after.split("\n\n").filter(|block| !block.is_empty()) {
        if let Some(examples) = block.strip_prefix("Examples:\n") {
            roff.control("SH", ["EXAMPLES"]).control("nf", []);
            examples.lines().for_each(|line| {
                roff.text([roman(line.trim_start())]);
            });
            roff.control("fi", []);
        } else if let Some(status) = block.strip_prefix("Exit status: ") {
            roff.control("SH", ["EXIT STATUS"]).text([roman(status.replace('\n', " "))]);
        } else {
            roff.control("SH", ["NOTES"]).text([roman(block.replace('\n', " "))]);
        }
    }
    // Without the preamble, which the page has.
    roff.to_roff()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;
    use std::process::Stdio;

    #[test]
    fn every_command_has_a_page() {
        let pages = pages(&root());
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in
            ["gateway", "gateway-run", "gateway-check", "gateway-token", "gateway-token-mint", "gateway-config-parse"]
        {
            assert!(names.contains(&name), "{name} of {names:?}");
        }
        assert!(pages.iter().all(|(_, page)| page.contains(".SH NAME")));
    }

    /// Where there is `man`, it takes every page without a word.
    #[test]
    fn pages_can_be_shown() {
        for (name, page) in pages(&root()) {
            let mut man = std::process::Command::new("man");
            let man = man.args(["--warnings", "-E", "UTF-8", "-l", "-"]).stdin(Stdio::piped());
            let Ok(mut man) = man.stdout(Stdio::null()).stderr(Stdio::piped()).spawn() else { return };
            man.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
            let done = man.wait_with_output().unwrap();
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{name}");
        }
    }

    #[test]
    fn examples_keep_their_lines() {
        let text = sections("One\ntwo.\n\nExamples:\n  gateway a\n  gateway b\n\nExit status: 0 done,\n1 not.");
        let want =
            ".SH NOTES\nOne two.\n.SH EXAMPLES\n.nf\ngateway a\ngateway b\n.fi\n.SH \"EXIT STATUS\"\n0 done, 1 not.\n";
        assert_eq!(text, want);
    }
}

//! `gateway completions`: what a shell needs to complete our commands.

use super::args::Cli;
use super::print;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::process::ExitCode;

pub(super) fn main(shell: Shell) -> ExitCode {
    print::out(&String::from_utf8_lossy(&script(shell)));
    ExitCode::SUCCESS
}

fn script(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    generate(shell, &mut Cli::command(), "gateway", &mut text);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::ValueEnum;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Whether a shell understands a script; `None` without that shell.
    fn understood(shell: &str, script: &[u8]) -> Option<bool> {
        let mut child = Command::new(shell).arg("-n").stdin(Stdio::piped()).spawn().ok()?;
        child.stdin.take().unwrap().write_all(script).unwrap();
        Some(child.wait().unwrap().success())
    }

    #[test]
    fn every_shell_gets_every_command() {
        for shell in Shell::value_variants() {
            let text = String::from_utf8(script(*shell)).unwrap();
            for word in ["check", "token", "portable", "mint"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_shells_that_are_here_understand_it() {
        assert_eq!(understood("bash", &script(Shell::Bash)), Some(true));
        assert_ne!(understood("zsh", &script(Shell::Zsh)), Some(false));
        assert_ne!(understood("fish", &script(Shell::Fish)), Some(false));
    }
}

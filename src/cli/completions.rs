//! `completions SHELL`: a script for bash, zsh, fish, elvish or PowerShell.

use clap::Args;
use clap_complete::Shell;

use super::{Error, Outcome, output};

#[derive(Args)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self, command: &mut clap::Command) -> Result<Outcome, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "lychgate", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Clean)
    }
}

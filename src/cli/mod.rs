//! The command line: one sub-command a file, and what they share. Data goes to standard
//! output, everything else to standard error. The only room that prints.

mod access;
mod backtest;
mod backup;
mod compact;
mod completions;
pub mod config;
pub mod config_mapping;
pub mod config_models;
mod costs;
mod demo;
mod detect;
mod doctor;
mod evaluate;
mod finding_lines;
mod finding_page;
mod findings;
mod ingest;
mod init;
mod models;
mod normalize;
mod output;
mod quarantine;
mod reading;
mod rebuild;
mod serve;
mod sigma;
mod simulate;
mod sources;
mod sql;
mod time_to_zero_access;
mod times;
mod token;
mod verify;
mod views;
mod visible;
mod watch;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use jiff::tz::TimeZone;

use crate::{findings as ledger, pipeline, query, serve as api, simulate as simulator};
use config::{Config, Flags};
use output::Output;

/// Who has access that they should not have, since when, who must act, and which control
/// does it break?
#[derive(Parser)]
#[command(name = "lychgate", version, about, after_help = EXIT_CODES)]
struct Arguments {
    /// Configuration file [default: ./lychgate.toml when it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the lake and the ledger [default: ./lychgate-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the lake is: s3://bucket/prefix [default: in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    lake: Option<String>,
    /// Tenant: the security boundary [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    tenant: Option<String>,
    /// FORMAT or FORMAT=FILE: table, json, ndjson, csv, md (repeatable)
    #[arg(long, short, global = true, value_name = "FORMAT")]
    output: Vec<Output>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean · 1 findings at or above --fail-on · 2 usage or config · \
3 run failed · 4 evidence incomplete (1 goes before 4)";

#[derive(Subcommand)]
enum Command {
    /// Simulate an organisation, ingest it, detect, print the findings, serve the API
    Demo(demo::Demo),
    /// Write a commented configuration and print the first API token
    Init(init::Init),
    /// Check configuration, disk, sources and their freshness
    Doctor(doctor::Doctor),
    /// Write the files of a simulated organisation, with labels.csv as the truth
    Simulate(simulate::Simulate),
    /// Show how current and how complete each source is
    Sources(sources::Sources),
    /// Read files into the lake
    Ingest(ingest::Ingest),
    /// List what could not be read, and read it again
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// Print canonical events as NDJSON; nothing is stored
    Normalize(normalize::Normalize),
    /// Run the detectors
    Detect(detect::Detect),
    /// Replay history: what detectors would have found, step by step
    Backtest(backtest::Backtest),
    /// List findings and decide on them
    #[command(subcommand)]
    Findings(findings::Findings),
    /// Show who held what at a given time, and the evidence
    Access(access::Access),
    /// Show how long leavers keep access, against the deadline
    TimeToZeroAccess(time_to_zero_access::TimeToZeroAccess),
    /// Show what unused seats and manual work cost
    Costs(costs::Costs),
    /// Query the lake, and the views as of a given time, in SQL
    Sql(sql::Sql),
    /// Check the rules and profiles
    #[command(subcommand)]
    Models(models::Models),
    /// Run a folder of Sigma rules over stored events
    #[command(subcommand)]
    Sigma(sigma::Sigma),
    /// Merge small files of the lake and remove what no kept version needs
    Compact(compact::Compact),
    /// Read the whole lake and report what does not match its logs
    Verify(verify::Verify),
    /// Copy the lakes and the ledger into a new folder
    Backup(backup::Backup),
    /// Restore a backup into an empty data folder and verify it
    Restore(backup::Restore),
    /// Recompute the checkpoints that runs start from, out of the whole lake
    Rebuild(rebuild::Rebuild),
    /// Compare findings with the labels of a simulated organisation
    Evaluate(evaluate::Evaluate),
    /// Serve the query API on a loopback address
    Serve(serve::Serve),
    /// Make, list and revoke the tokens of the API
    #[command(subcommand)]
    Token(token::Token),
    /// Print a completion script
    Completions(completions::Completions),
}

/// What a command needs besides its own arguments.
pub(crate) struct Context {
    pub config: Config,
    /// Where the lake is, unless it is in the data folder.
    pub bucket: Option<pipeline::Bucket>,
    pub output: Vec<Output>,
}

impl Context {
    /// The threshold profile that a flag names, or that of the configuration.
    pub fn profile(&self, named: Option<String>) -> String {
        named.unwrap_or_else(|| self.config.profile.value.clone())
    }

    pub fn engine(&self) -> pipeline::Engine {
        self.engine_writing(self.config.threads.value, self.config.keep_raw.value)
    }

    /// The zone of times and dates that name none.
    pub fn zone(&self) -> TimeZone {
        // The configuration was refused where there is no such zone.
        TimeZone::get(&self.config.zone.value).unwrap_or(TimeZone::UTC)
    }

    /// The same, writing on so many threads (0 for one a core), with or without raw records.
    pub fn engine_writing(&self, threads: usize, raw_kept: bool) -> pipeline::Engine {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = NonZeroUsize::new(threads).unwrap_or_else(cores);
        let durability = pipeline::Durability::parse(&self.config.durability.value).unwrap_or_default();
        pipeline::Engine::new(&self.config.data.value, &self.config.tenant.value)
            .with_lake(self.bucket.clone())
            .with_rules(self.config.rule_folders())
            .with_semantics(self.config.semantics.clone())
            .with_costs(self.config.costs.clone())
            .with_profile(&self.config.profile.value)
            .writing(pipeline::WriteOptions { raw_kept, threads, durability })
    }
}

/// How a command ended when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    /// Findings at or above `--fail-on`.
    Findings,
    /// A source was stale, truncated, refused or partly quarantined.
    Incomplete,
}

impl Outcome {
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Findings => 1,
            Outcome::Incomplete => 4,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
    #[error("cannot write {what}")]
    Write { what: String, source: std::io::Error },
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    #[error(transparent)]
    Query(#[from] query::Error),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Simulate(#[from] simulator::Error),
    #[error(transparent)]
    Serve(#[from] api::Error),
    #[error("cannot start the runtime")]
    Runtime { source: std::io::Error },
}

impl Error {
    /// 2 for what a person typed or configured, 3 for what failed while running.
    fn code(&self) -> u8 {
        match self {
            Error::Usage(_) | Error::Ledger(ledger::Error::Filter { .. }) => 2,
            Error::Serve(api::Error::Address { .. } | api::Error::NotLoopback { .. }) => 2,
            Error::Serve(api::Error::Pipeline(error)) | Error::Pipeline(error) if mistaken(error) => 2,
            _ => 3,
        }
    }
}

/// Whether a run ended because something that does not exist was named.
fn mistaken(error: &pipeline::Error) -> bool {
    use crate::{ingest, models, store};
    matches!(
        error,
        pipeline::Error::NoDetector { .. }
            | pipeline::Error::Store(store::Error::UnknownTenant { .. })
            | pipeline::Error::Models(models::Error::UnknownProfile { .. })
            | pipeline::Error::Read(ingest::Error::Missing { .. } | ingest::Error::Directory { .. })
    )
}

/// The command line as it is parsed: every sub-command with its arguments.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the arguments, runs the command, gives the exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let code = match dispatch(arguments) {
        Ok(outcome) => outcome.code(),
        Err(error) => {
            output::say(&format!("error: {}", pipeline::chain(&error)));
            error.code()
        }
    };
    ExitCode::from(code)
}

fn dispatch(arguments: Arguments) -> Result<Outcome, Error> {
    let Arguments { config, data, lake, tenant, output, command } = arguments;
    let begins = matches!(command, Command::Init(_));
    let config = Config::load(&Flags { config, data, lake, tenant, begins })?;
    let context = Context { bucket: bucket(&config)?, config, output };
    // Plans of many joins nest deeply, and the main thread's stack is small for them.
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(STACK_BYTES)
            .build()
            .map_err(|source| Error::Runtime { source })?;
        runtime.block_on(execute(command, &context))
    });
    match worker.map_err(|source| Error::Runtime { source })?.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The bucket that the lake is in, if it is in one.
fn bucket(config: &Config) -> Result<Option<pipeline::Bucket>, Error> {
    if config.lake.value.is_empty() {
        return Ok(None);
    }
    let bucket = pipeline::Bucket::connect(&config.lake.value, &config::credentials());
    let from = &config.lake.origin;
    bucket.map(Some).map_err(|error| Error::Usage(format!("{error} (from {from})")))
}

const STACK_BYTES: usize = 32 << 20;

async fn execute(command: Command, context: &Context) -> Result<Outcome, Error> {
    match command {
        Command::Demo(command) => command.run(context).await,
        Command::Init(command) => command.run(context).await,
        Command::Doctor(command) => command.run(context).await,
        Command::Sources(command) => command.run(context).await,
        Command::Simulate(command) => command.run(context),
        Command::Ingest(command) => command.run(context).await,
        Command::Quarantine(command) => command.run(context).await,
        Command::Normalize(command) => command.run(context),
        Command::Detect(command) => command.run(context).await,
        Command::Backtest(command) => command.run(context).await,
        Command::Findings(command) => command.run(context).await,
        Command::Access(command) => command.run(context).await,
        Command::TimeToZeroAccess(command) => command.run(context).await,
        Command::Costs(command) => command.run(context).await,
        Command::Sql(command) => command.run(context).await,
        Command::Models(command) => command.run(context).await,
        Command::Sigma(command) => command.run(context).await,
        Command::Compact(command) => command.run(context).await,
        Command::Verify(command) => command.run(context).await,
        Command::Backup(command) => command.run(context).await,
        Command::Restore(command) => command.run(context).await,
        Command::Rebuild(command) => command.run(context).await,
        Command::Evaluate(command) => command.run(context).await,
        Command::Serve(command) => command.run(context).await,
        Command::Token(command) => command.run(context).await,
        Command::Completions(command) => command.run(&mut self::command()),
    }
}

fn log() {
    let filter = config::log_filter().unwrap_or_else(|| "warn".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(output::interactive() && !config::no_color())
        .without_time()
        .init();
}

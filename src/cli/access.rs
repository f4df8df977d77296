//! `access`: who held what at an instant, and why we think so.

use clap::{ArgGroup, Args};

use super::output::Sheet;
use super::times::Clocks;
use super::{Context, Error, Outcome, output, times};
use crate::pipeline::{Holding, Subject};

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("subject").required(true).args(["identity", "account", "app", "entitlement"]))]
pub struct Access {
    /// Person: identity id, employee id or e-mail
    #[arg(long)]
    identity: Option<String>,
    /// Account: id, APP/ID or login
    #[arg(long)]
    account: Option<String>,
    /// Application id
    #[arg(long)]
    app: Option<String>,
    /// Entitlement: id or name
    #[arg(long)]
    entitlement: Option<String>,
    #[command(flatten)]
    clocks: Clocks,
    /// Threshold profile that says how old a source may be [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
}

/// Reasons why an answer may lack something, at most.
const REASONS_SHOWN: usize = 8;

impl Access {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = self.clocks.at(times::now(), &context.zone())?;
        let named = [
            self.identity.map(Subject::Identity),
            self.account.map(Subject::Account),
            self.app.map(Subject::App),
            self.entitlement.map(Subject::Entitlement),
        ];
        let Some(subject) = named.into_iter().flatten().next() else {
            return Err(Error::Usage("name one of --identity, --account, --app, --entitlement".to_owned()));
        };
        let profile = context.profile(self.profile);
        let access = context.engine().access(&subject, at, &profile).await?;
        sheet(&access.holdings).print(&context.output)?;
        let (as_of, known_at) = (at.as_of, at.known_at);
        if !access.is_named {
            output::say(&format!("no source names that {}, as known at {known_at}", subject.what()));
        } else if access.holdings.is_empty() {
            output::say(&format!("nothing was held as of {as_of}, as known at {known_at}"));
        }
        for reason in access.incomplete_because.iter().take(REASONS_SHOWN) {
            output::say(&format!("incomplete evidence: {reason}"));
        }
        let more = access.incomplete_because.len().saturating_sub(REASONS_SHOWN);
        if more > 0 {
            output::say(&format!("incomplete evidence: {more} reasons more, see lychgate sources"));
        }
        let is_whole = access.is_named && access.incomplete_because.is_empty();
        Ok(if is_whole { Outcome::Clean } else { Outcome::Incomplete })
    }
}

fn sheet(holdings: &[Holding]) -> Sheet<'static> {
    let mut sheet =
        Sheet::new("access", &["app", "account", "state", "identity", "link", "holds", "since", "why"]);
    for holding in holdings {
        let link =
            holding.link_method.as_ref().map(|method| format!("{method} {:.2}", holding.link_confidence));
        let why = match (&holding.grant_source, &holding.grant_ref) {
            (Some(source), Some(reference)) => {
                format!("{source} {}", holding.grant_file.as_deref().map_or(reference.as_str(), name))
            }
            _ => {
                let reference = holding.state_file.as_deref().map_or(holding.state_ref.as_str(), name);
                format!("{} {reference}", holding.state_from).trim_end().to_owned()
            }
        };
        // A listing shows it from its own day on, and may say that it was granted long before.
        let since = holding.granted_at.into_iter().chain(holding.held_since).min();
        sheet.push(
            vec![
                holding.app_id.clone(),
                holding.account_name.clone().unwrap_or_else(|| holding.account_id.clone()),
                holding.state.clone(),
                holding.identity_name.clone().or_else(|| holding.identity_id.clone()).unwrap_or_default(),
                link.unwrap_or_default(),
                holding
                    .entitlement_name
                    .clone()
                    .or_else(|| holding.entitlement_id.clone())
                    .unwrap_or_default(),
                since.map(|at| at.to_string()).unwrap_or_default(),
                why,
            ],
            serde_json::to_value(holding).unwrap_or_default(),
        );
    }
    sheet
}

/// The name of a file, without the folders that it lies in.
fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

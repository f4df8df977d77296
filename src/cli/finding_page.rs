//! One finding as a person reads it: what, who, since when, the proof, the remedy, and what happened since.

use serde_json::Value;

use super::finding_lines::subject;
use super::visible::visible;
use crate::domain::Finding;
use crate::domain::finding::{Evidence, Owner, Remediation};
use crate::findings::FindingEvent;

/// The finding as text, with a newline at its end.
pub fn page(finding: &Finding, events: &[FindingEvent]) -> String {
    let mut text = format!("{}  {}\n\n", clean(&finding.code), clean(&finding.title));
    for (name, value) in head(finding) {
        text += &format!("  {name:<9} {}\n", clean(&value));
    }
    text += &part("Explanation", [finding.explanation.clone()]);
    text += &part("Evidence", finding.evidence.iter().map(proof));
    text += &part("Remediation", finding.remediation.iter().flat_map(remedy));
    text += &part("Controls", Some(finding.controls.join(", ")).filter(|list| !list.is_empty()));
    text += &part("History", events.iter().map(step));
    text
}

/// The short facts, those that apply.
fn head(finding: &Finding) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("id", finding.finding_id.clone()),
        ("severity", severity(finding)),
        ("score", format!("{:.1}", finding.score)),
        ("status", finding.status.as_str().to_owned()),
        ("verdict", doubted(finding.verdict.as_str(), finding.unknown_because.as_deref())),
        ("subject", about(finding)),
    ];
    if let Some(identity) = &finding.identity {
        let name = identity.name.as_ref().unwrap_or(&identity.id);
        let link = finding.link.as_ref();
        let link =
            link.map(|link| format!(", linked by {} with confidence {:.2}", link.method, link.confidence));
        facts.push(("identity", format!("{name} (id {}){}", identity.id, link.unwrap_or_default())));
    }
    facts.extend(finding.since.map(|at| ("since", at.to_string())));
    facts.extend(finding.due_at.map(|at| ("due", at.to_string())));
    facts.push(("owner", finding.owner.as_ref().map_or_else(|| "no owner on record".to_owned(), owner)));
    if let Some(threshold) = &finding.threshold {
        facts.push(("threshold", format!("{} = {} ({})", threshold.name, threshold.value, threshold.source)));
    }
    facts.extend(finding.held_because.iter().map(|why| ("held", why.clone())));
    facts
}

/// The subject in words, with the id where that is another one.
fn about(finding: &Finding) -> String {
    let (kind, id, name) = (&finding.subject.kind, &finding.subject.id, subject(finding));
    if *id == name { format!("{kind} {name}") } else { format!("{kind} {name} (id {id})") }
}

fn severity(finding: &Finding) -> String {
    let steps: Vec<&str> = finding.severity_steps.iter().map(|step| step.says.as_str()).collect();
    match finding.severity_base {
        Some(base) if !steps.is_empty() => {
            format!("{} (from {}: {})", finding.severity.as_str(), base.as_str(), steps.join("; "))
        }
        _ => finding.severity.as_str().to_owned(),
    }
}

fn doubted(verdict: &str, why: Option<&str>) -> String {
    why.map_or_else(|| verdict.to_owned(), |why| format!("{verdict}: {why}"))
}

fn owner(owner: &Owner) -> String {
    let name = owner.name.as_ref().unwrap_or(&owner.id);
    let email = owner.email.as_ref().filter(|email| *email != name);
    let email = email.map(|email| format!(" <{email}>")).unwrap_or_default();
    format!("{name}{email} ({})", owner.decided_by)
}

fn proof(evidence: &Evidence) -> String {
    let at = evidence.at.map(|at| format!("{at}  ")).unwrap_or_default();
    format!("{at}{} ({} {})", evidence.says, evidence.table, evidence.key)
}

fn remedy(remediation: &Remediation) -> Vec<String> {
    let mut lines = vec![remediation.text.clone()];
    let requests = [("request", &remediation.request), ("to undo", &remediation.inverse)];
    for (name, request) in requests.into_iter().filter_map(|(name, request)| Some((name, request.as_ref()?)))
    {
        let request = request.value();
        let word = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let body = Some(&request["body"]).filter(|body| !body.is_null()).map(Value::to_string);
        lines.push(format!("{name}: {} {} {}", word("method"), word("path"), body.unwrap_or_default()));
    }
    lines
}

fn step(event: &FindingEvent) -> String {
    let approver = event.approver.as_ref().map(|name| format!(", approved by {name}")).unwrap_or_default();
    let assignee = event.assignee.as_ref().map(|name| format!(" to {name}")).unwrap_or_default();
    let reason = Some(&event.reason).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}  {}{assignee} by {}{approver}{reason}", event.at, event.change.as_str(), event.actor)
}

/// A heading with its lines; nothing where there are none.
fn part(heading: &str, lines: impl IntoIterator<Item = String>) -> String {
    let lines: String = lines.into_iter().map(|line| format!("  {}\n", clean(line.trim()))).collect();
    if lines.is_empty() { lines } else { format!("\n{heading}\n{lines}") }
}

/// One line, of a text that may come from outside.
fn clean(text: &str) -> String {
    visible(text).replace('\n', " ")
}

//! The nouns of the product: what an event, an account, a grant, an employment
//! and a finding are, how a run holds many findings small, how ids are hashed and how an
//! error is told. No I/O, no async, no Arrow, no clock.

pub mod account;
pub mod chain;
pub mod cores;
pub mod digest;
pub mod event;
pub mod finding;
pub mod findings;
pub mod identity;
pub mod month;
pub mod packing;
pub mod register;
pub mod row;
pub mod time;
pub mod verb;

pub use account::{AccountClass, AccountRow, EntitlementKind, GrantRow};
pub use event::{AccountRef, Actor, AppRef, CredentialRef, EntitlementRef, Event, Outcome, Text};
pub use finding::{Evidence, Finding, Severity, Status, Verdict};
pub use findings::{Findings, Head, Reader};
pub use identity::{EmploymentKind, EmploymentRow};
pub use packing::PackError;
pub use register::{RegisterKind, RegisterRow};
pub use row::{Listing, Origin, Rejection, Row};
pub use time::UtcMicros;
pub use verb::Verb;

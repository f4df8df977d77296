//! People and their periods of employment, as rosters list them.

use serde::Serialize;

use super::UtcMicros;

/// One employment in one roster. Dates are local to `zone`: a date-only end means
/// 24:00 on that day where the person works (detectors reference §1.0).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EmploymentRow {
    pub employee_id: String,
    /// An id that outlives a rehire, where HR has one.
    pub person_id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    /// Further addresses, separated by a blank.
    pub aliases: Option<String>,
    /// Employee id or e-mail of the manager, as the roster writes it.
    pub manager: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub location: Option<String>,
    pub company: Option<String>,
    pub kind: Option<EmploymentKind>,
    /// HR's own status word.
    pub status: Option<String>,
    pub start_at: Option<UtcMicros>,
    /// First instant after the employment; absent while it runs.
    pub end_at: Option<UtcMicros>,
    /// The end came as a bare date, so it is exact only to the day.
    pub end_date_only: bool,
    /// IANA zone that turned the dates into instants.
    pub zone: Option<String>,
    /// Away on long leave.
    pub on_leave: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmploymentKind {
    Employee,
    Contractor,
    Intern,
    Temporary,
    Guest,
}

impl EmploymentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EmploymentKind::Employee => "employee",
            EmploymentKind::Contractor => "contractor",
            EmploymentKind::Intern => "intern",
            EmploymentKind::Temporary => "temporary",
            EmploymentKind::Guest => "guest",
        }
    }
}

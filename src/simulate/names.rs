//! The words that the generator draws from: people, places, departments, applications.
//! Made up or generic; no real person is meant.

pub const FIRST: [&str; 48] = [
    "Ada", "Amir", "Anna", "Arjun", "Bea", "Bruno", "Carla", "Chen", "Chloé", "Daniel", "Dina", "Elif",
    "Emil", "Erik", "Fatima", "Felix", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jonas", "Jürgen", "Kai",
    "Kofi", "Lara", "Leo", "Lina", "Marta", "Mateo", "Mei", "Mila", "Nadia", "Noah", "Olga", "Omar", "Petra",
    "Priya", "Rafael", "Rosa", "Samir", "Sofia", "Tariq", "Tomás", "Uma", "Vera", "Yuki", "Zoë",
];

pub const LAST: [&str; 60] = [
    "Abbott",
    "Adeyemi",
    "Almeida",
    "Andersen",
    "Bauer",
    "Becker",
    "Bianchi",
    "Brandt",
    "Castro",
    "Chandra",
    "Costa",
    "Dietrich",
    "Dubois",
    "Eriksen",
    "Farah",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Gupta",
    "Haddad",
    "Hansen",
    "Hoffmann",
    "Ibrahim",
    "Ito",
    "Jansen",
    "Kaur",
    "Keller",
    "Kim",
    "Kowalski",
    "Kumar",
    "Larsen",
    "Lehmann",
    "Lopez",
    "Marino",
    "Mbeki",
    "Meyer",
    "Moreau",
    "Müller",
    "Nakamura",
    "Novak",
    "Okafor",
    "Olsen",
    "Park",
    "Pereira",
    "Petrov",
    "Quispe",
    "Ramos",
    "Reyes",
    "Ricci",
    "Sato",
    "Schulz",
    "Sharma",
    "Silva",
    "Tanaka",
    "Tran",
    "Vargas",
    "Weber",
    "Whittaker",
    "Yamada",
    "Zhang",
];

/// Location and its IANA zone; two of them lie at the far ends of the date line.
pub const LOCATIONS: [(&str, &str); 12] = [
    ("Berlin", "Europe/Berlin"),
    ("New York", "America/New_York"),
    ("London", "Europe/London"),
    ("Bengaluru", "Asia/Kolkata"),
    ("San Francisco", "America/Los_Angeles"),
    ("Singapore", "Asia/Singapore"),
    ("São Paulo", "America/Sao_Paulo"),
    ("Tokyo", "Asia/Tokyo"),
    ("Sydney", "Australia/Sydney"),
    ("Auckland", "Pacific/Auckland"),
    ("Nuku'alofa", "Pacific/Tongatapu"),
    ("Pago Pago", "Pacific/Pago_Pago"),
];
pub const AUCKLAND: usize = 9;
pub const PAGO_PAGO: usize = 11;

/// The first two are the largest, and faults rely on them: IT and Finance.
pub const DEPARTMENTS: [&str; 16] = [
    "IT",
    "Finance",
    "Engineering",
    "Sales",
    "Customer Success",
    "Marketing",
    "Operations",
    "Product",
    "People",
    "Legal",
    "Procurement",
    "Security",
    "Data",
    "Design",
    "Facilities",
    "Research",
];
pub const REGIONS: [&str; 4] = ["", " EMEA", " APAC", " Americas"];
pub const TITLES: [&str; 8] = [
    "Analyst",
    "Specialist",
    "Senior Specialist",
    "Engineer",
    "Senior Engineer",
    "Coordinator",
    "Lead",
    "Manager",
];

pub const COMPANIES: [&str; 2] = ["Harbour Group plc", "Harbour Services GmbH"];
pub const DOMAIN: &str = "harbour.example";
/// The domain that came with an acquisition.
pub const ACQUIRED_DOMAIN: &str = "tidewater.example";
pub const PARTNER_DOMAIN: &str = "partner.example";
pub const PERSONAL_DOMAIN: &str = "freemail.example";

/// Identifier and name of applications, in the order in which a company gets them.
pub const APPS: [(&str, &str); 24] = [
    ("okta", "Okta"),
    ("google_workspace", "Google Workspace"),
    ("slack", "Slack"),
    ("servicenow", "ServiceNow"),
    ("salesforce", "Salesforce"),
    ("jira", "Jira"),
    ("github", "GitHub Enterprise"),
    ("expenses", "Expenses"),
    ("netsuite", "NetSuite"),
    ("legacy_wiki", "Legacy Wiki"),
    ("snowflake", "Snowflake"),
    ("zendesk", "Zendesk"),
    ("tableau", "Tableau"),
    ("hubspot", "HubSpot"),
    ("docusign", "DocuSign"),
    ("figma", "Figma"),
    ("datadog", "Datadog"),
    ("warehouse", "Warehouse"),
    ("whiteboard", "Whiteboard"),
    ("badge_system", "Badge System"),
    ("pagerduty", "PagerDuty"),
    ("confluence", "Confluence"),
    ("asana", "Asana"),
    ("box", "Box"),
];

/// Letters and digits of an ASCII login, from a name that may have others.
pub fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'é' | 'ë' => 'e',
            'ü' => 'u',
            'á' | 'ã' => 'a',
            other => other.to_ascii_lowercase(),
        })
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

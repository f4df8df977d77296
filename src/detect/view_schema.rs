//! The views that rules query, with the type of each column: the contract between `state`
//! and the rules, and the tables that a rule's own tests run on.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::domain::RegisterKind;
use crate::domain::register::ColumnType;

/// Columns as `name` (text), `name?` (boolean), `name#` (integer), `name%` (number) or
/// `name@` (instant).
const VIEWS: [(&str, &str); 24] = [
    (
        "accounts_now",
        "app_id account_id account_key# account_name display_name email external_id active? state state_since@ status class \
         class_source created_at@ listed_at@ expires_at@ mfa? local_login? privileged? identity_id identity_key# link_method \
         link_confidence% candidates#",
    ),
    (
        "deleted_accounts",
        "app_id account_id account_name email external_id identity_id link_method link_confidence% class deleted_at@ \
         delete_event_id how disabled_at@ last_success_at@ renamed_to",
    ),
    (
        "last_activity",
        "app_id account_id account_key# last_success_at@ last_success_signal last_failure_at@ failures_since_success# \
         first_success_at@",
    ),
    (
        "identities_now",
        "identity_id identity_key# name email employee_id kind department title location manager_id employed? last_end_at@ \
         end_date_only? end_known_at@ next_start_at@ first_start_at@ current_start_at@ current_end_at@ on_leave? \
         last_listed_at@ rosters_missed# rosters_unnamed# rosters_seen#",
    ),
    (
        "employments",
        "identity_id identity_key# employee_id start_at@ end_at@ end_date_only? kind department title known_at@ \
         placed_at@ until_at@",
    ),
    (
        "grants_now",
        "app_id account_id account_key# entitlement_kind entitlement_id entitlement_key# entitlement_name valid_from@ granted_at@ expires_at@ \
         last_used_at@ granted_by listed_at@ from_source privileged? tenant_admin? sensitivity jit? identity_id \
         identity_key# account_active? account_class",
    ),
    ("account_spans", "app_id account_id account_key# state valid_from@ valid_to@ how ref"),
    (
        "grant_spans",
        "app_id account_id account_key# entitlement_kind entitlement_id entitlement_key# entitlement_name valid_from@ \
         valid_to@ expires_at@ granted_at@ last_used_at@ granted_by from_source listed_at@ ref",
    ),
    (
        "grants_ended",
        "app_id account_id entitlement_kind entitlement_id entitlement_name valid_from@ valid_to@ expires_at@ \
         granted_at@ last_used_at@ granted_by from_source listed_at@ ref",
    ),
    (
        "app_uses",
        "account_app account_id app_id app_name verb credential_kind credential_id outcome failed_at@ first_at@ \
         last_at@ uses# app_key account_key_app account_key#",
    ),
    ("people_aliases", "alias identity_id"),
    ("idp_accounts", "identity_id app_id account_id active? state_since@"),
    (
        "credential_spans",
        "app_id account_id credential_kind credential_id credential_name identity_id valid_from@ valid_to@ \
         expires_at@ last_used_at@ from_source ref",
    ),
    ("assignments_now", "app_id idp account_id identity_id assigned_at@"),
    (
        "known_events",
        "event_id source org event_type verb occurred_at@ ingested_at@ actor_id actor_kind actor_name account_app \
         account_id account_name account_email account_external_id app_id app_name entitlement_kind entitlement_id \
         entitlement_name outcome reason_code reason correlation_id session_id client_ip user_agent http_method \
         http_path http_status# latency_ms# changes expires_at@ \
         credential_kind credential_id credential_name app_key account_key_app",
    ),
    (
        "known_changes",
        "event_id source org event_type verb occurred_at@ ingested_at@ actor_id actor_kind actor_name account_app \
         account_id account_name account_email account_external_id app_id app_name entitlement_kind entitlement_id \
         entitlement_name outcome reason_code reason client_ip user_agent http_method http_path http_status# \
         latency_ms# changes expires_at@ credential_kind credential_id credential_name app_key account_key_app",
    ),
    (
        "applications",
        "app_id name idp_app_id owner owner_id idp_managed? sso_only? scim? soft_delete? activity_supported? \
         criticality suspend lag_minutes# dialect listed_at@ accounts#",
    ),
    (
        "non_human_identities",
        "app_id account_id name class sponsors privileged? purpose sponsor_ids sponsors_total# active_sponsors#",
    ),
    (
        "sources_now",
        "source kind app_id feed first_at@ watermark_at@ last_ingested_at@ rows# previous_rows# complete? quarantined# \
         read_rows# announced_rows# control_rows# damage",
    ),
    (
        "loads",
        "load_id source kind app_id file listed_at@ first_at@ watermark_at@ ingested_at@ complete? rows# quarantined# \
         announced_rows# control_rows# damage filled feed content",
    ),
    ("source_silences", "source from_at@ to_at@ hours% usual_hours%"),
    ("source_uses", "source app_id first_at@ last_at@"),
    ("deadlines", "finding_id code subject_id severity_rank# owner_id since@ due_at@ first_seen_at@"),
    (
        "peer_lift",
        "app_id account_id entitlement_id peer_scope peers# peer_holders# department_people# department_holders# \
         org_people# org_holders# rarity% department_lift% role_lift% score% standard_score% share_upper%",
    ),
];

/// Every view's name with its columns, in a fixed order.
pub fn views() -> Vec<(&'static str, SchemaRef)> {
    let declared = VIEWS.iter().map(|(name, columns)| (*name, declared(columns)));
    let registers =
        RegisterKind::ALL.into_iter().filter(|kind| VIEWS.iter().all(|(name, _)| *name != kind.as_str()));
    declared.chain(registers.map(|kind| (kind.as_str(), register(kind)))).collect()
}

pub(super) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn declared(columns: &str) -> SchemaRef {
    let fields = columns.split_whitespace().map(|column| match column.split_at(column.len() - 1) {
        (name, "?") => Field::new(name, DataType::Boolean, true),
        (name, "#") => Field::new(name, DataType::Int64, true),
        (name, "%") => Field::new(name, DataType::Float64, true),
        (name, "@") => Field::new(name, instant(), true),
        _ => Field::new(column, DataType::Utf8, true),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A register's own columns, with the identities that its people are.
fn register(kind: RegisterKind) -> SchemaRef {
    let own = kind.columns().iter().map(|(name, column_type)| {
        let data_type = match column_type {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Time => instant(),
            ColumnType::Number => DataType::Float64,
        };
        Field::new(*name, data_type, true)
    });
    let resolved = match kind {
        RegisterKind::Owners | RegisterKind::ScimTokens => vec![Field::new("owner_id", DataType::Utf8, true)],
        _ => Vec::new(),
    };
    Arc::new(Schema::new(own.chain(resolved).collect::<Vec<_>>()))
}

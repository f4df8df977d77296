//! The models that are compiled in: one line a rule, one line a profile.

use super::{Error, Profile, Rule, parse_rule};

macro_rules! rules {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("../../models/rules/", $id, ".yml")))),*]
    };
}

/// Every rule under `models/rules`, by id.
const RULES: [(&str, &str); 124] = rules![
    "activity_after_termination",
    "admin_on_daily_account",
    "agent_unreviewed",
    "ai_tool_first_seen",
    "ambiguous_link",
    "app_without_sso",
    "attribute_drift",
    "break_glass_drill",
    "conflict_storm",
    "create_grant_use",
    "delete_without_disable",
    "deprovision_failed",
    "dormant_account",
    "dormant_awakened",
    "dormant_guest",
    "dormant_nhi",
    "dormant_privileged",
    "dormant_seat",
    "duplicate_accounts",
    "duplicate_seat",
    "email_domain_mismatch",
    "error_burst",
    "exception_unjustified",
    "expired_access_live",
    "expired_readded",
    "expiring_access",
    "failure_only_activity",
    "flapping",
    "ghost_assignment",
    "grant_then_revoke",
    "guest_without_sponsor",
    "hard_delete",
    "hidden_privilege_path",
    "hr_vanished",
    "human_use_of_nhi",
    "identifier_reuse",
    "job_quarantined",
    "late_or_early_events",
    "leaver_active_account",
    "leaver_ahead",
    "leaver_credential_alive",
    "leaver_reactivated",
    "leaver_seat",
    "mass_change",
    "missing_companion",
    "never_used",
    "nhi_overprivileged",
    "no_end_date",
    "no_owner",
    "no_sponsor",
    "old_token_after_rotation",
    "orphan_account",
    "out_of_band_grant",
    "outside_idp_account",
    "over_tier",
    "owner_departed",
    "partial_offboarding",
    "personal_domain_account",
    "rare_entitlement",
    "rate_limited",
    "review_overdue",
    "revocation_not_executed",
    "risky_scope_grant",
    "rubber_stamp",
    "scim_add_active_refused",
    "scim_answer_unreadable",
    "scim_bare_manager",
    "scim_base_url",
    "scim_boolean_as_text",
    "scim_bulk_too_large",
    "scim_deactivation_ignored",
    "scim_double_slash",
    "scim_element_repeated",
    "scim_etag_refused",
    "scim_external_id_missing",
    "scim_filter_refused",
    "scim_flood",
    "scim_group_before_member",
    "scim_group_emptied",
    "scim_group_schema_unknown",
    "scim_location_internal",
    "scim_login_refused",
    "scim_lookup_misses",
    "scim_media_type",
    "scim_never_authorised",
    "scim_no_backoff",
    "scim_no_op_refused",
    "scim_no_target",
    "scim_not_a_list",
    "scim_number_as_text",
    "scim_page_wrong",
    "scim_put_missing",
    "scim_put_without_active",
    "scim_redirected_write",
    "scim_removal_ignored",
    "scim_remove_value_refused",
    "scim_schema_prefix",
    "scim_token_dead",
    "scim_token_expiring",
    "scim_token_idle",
    "scim_token_overscoped",
    "scim_token_personal_owner",
    "scim_token_stale",
    "scim_two_writers",
    "scim_value_rewritten",
    "self_approval",
    "self_grant",
    "serial_extension",
    "shared_secret_member_left",
    "shared_token",
    "silent_source",
    "sla_breach",
    "snapshot_event_divergence",
    "sod_conflict",
    "sod_rule_dead",
    "source_stale",
    "sponsor_departed",
    "standing_privilege",
    "stuck_object",
    "success_rate_low",
    "suspend_not_propagated",
    "sync_latency",
    "unmanaged_app",
    "vanished_account",
];

/// Every profile under `models/profiles`; one that extends another stands after it.
const PROFILES: [(&str, &str); 8] = [
    ("default.yml", include_str!("../../models/profiles/default.yml")),
    ("pci-4.0.yml", include_str!("../../models/profiles/pci-4.0.yml")),
    ("fedramp-moderate.yml", include_str!("../../models/profiles/fedramp-moderate.yml")),
    ("fedramp-high.yml", include_str!("../../models/profiles/fedramp-high.yml")),
    ("cis-8.1.yml", include_str!("../../models/profiles/cis-8.1.yml")),
    ("hipaa-nprm.yml", include_str!("../../models/profiles/hipaa-nprm.yml")),
    ("dora.yml", include_str!("../../models/profiles/dora.yml")),
    ("stig.yml", include_str!("../../models/profiles/stig.yml")),
];

/// The rules' ids and texts, in order of the ids.
pub fn builtin_texts() -> &'static [(&'static str, &'static str)] {
    &RULES
}

/// Whether a rule of this id is built in.
pub fn is_built_in(id: &str) -> bool {
    RULES.iter().any(|(known, _)| *known == id)
}

/// The built-in rules, in order of their ids.
///
/// # Errors
/// [`Error::Parse`] for a rule that does not have a rule's shape.
pub fn builtin_rules() -> Result<Vec<Rule>, Error> {
    RULES.iter().map(|(id, text)| parse_rule(&format!("{id}.yml"), text)).collect()
}

/// The built-in profiles, each complete.
///
/// # Errors
/// [`Error::Parse`], or [`Error::UnknownProfile`] for one that extends nothing known.
pub fn builtin_profiles() -> Result<Vec<Profile>, Error> {
    let mut profiles: Vec<Profile> = Vec::new();
    for (file, text) in PROFILES {
        let profile = Profile::parse(file, text)?;
        let complete = match profile.extends.clone() {
            None => profile,
            Some(base) => profile.laid_over(find(&profiles, &base)?),
        };
        profiles.push(complete);
    }
    Ok(profiles)
}

/// The built-in profile `id`.
///
/// # Errors
/// [`Error::UnknownProfile`], with the names that exist.
pub fn profile(id: &str) -> Result<Profile, Error> {
    find(&builtin_profiles()?, id).cloned()
}

fn find<'a>(profiles: &'a [Profile], id: &str) -> Result<&'a Profile, Error> {
    profiles.iter().find(|profile| profile.id == id).ok_or_else(|| Error::UnknownProfile {
        id: id.to_owned(),
        known: profiles.iter().map(|profile| profile.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

"""The codes of validation errors and unmet conditions. A published code is never renamed or removed."""

from typing import Final, Literal, get_args

from typing_extensions import TypeAliasType

FaultCode = TypeAliasType(
    "FaultCode",
    Literal[
        "above_case_limit", "above_limit", "above_paid", "action_missing", "age_implausible", "age_not_funded", "age_outside_range", "agency_kind",
        "ages_reversed", "already_acknowledged", "already_done", "already_entered", "alternative_reason_missing", "amount_negative", "amount_unfit", "amount_zero", "area_unanswered", "area_weak",
        "assessed_before", "assessment_not_approved", "assessment_of_another", "assessment_superseded",
        "attendances_above_sessions", "attendances_below_persons", "audience_unfit", "audit_running",
        "base64_invalid", "basis_unconfirmed", "before_approval", "before_exit", "before_last_review", "before_support",
        "birth_form", "birth_missing", "blank", "body_missing", "books_closed", "bool_parsing", "bool_type", "breached",
        "byte_order_mark", "bytes_too_long", "bytes_too_short", "bytes_type", "capacity_gaps_missing",
        "case_kind_missing", "case_open", "category_not_funded", "category_unfit", "change_expired", "child_merged", "child_unknown",
        "child_view_missing", "child_wishes_missing", "children_linked", "code_wrong", "columns_unfit", "concern_kind_missing",
        "condition_not_met", "condition_unanswered", "consent_ahead", "consent_before_closing", "consent_expired", "consent_giver_missing", "consent_incomplete",
        "consent_missing", "consent_or_basis",
        "consent_recipient", "consent_refused", "consent_scope", "consent_unknown", "consent_withdrawn",
        "counts_unequal", "criteria_not_met", "csv_unreadable", "currency_other", "cursor_invalid", "dataclass_type", "date_ambiguous", "date_before_birth", "date_before_referral", "date_buddhist_era",
        "date_from_datetime_inexact", "date_from_datetime_parsing", "date_future", "date_in_future",
        "date_out_of_reach", "date_parsing", "date_past", "date_too_early", "date_too_late", "date_type",
        "datetime_from_date_parsing", "datetime_future", "datetime_object_invalid", "datetime_parsing",
        "datetime_past", "datetime_type", "day_not_over", "decimal_max_digits", "decimal_max_places",
        "decimal_parsing", "decimal_type", "decimal_whole_digits", "decision_contradicts",
        "decision_missing", "deposit_used", "dict_type", "draft_exists", "duplicate_key", "duplicates_not_opened", "duplicates_not_reviewed", "edition_too_early",
        "emergency_is_now", "encoding_wrong", "end_not_reached", "end_past", "ends_on_missing", "entered_in_error", "enum",
        "exit_plan_for_another_end", "exit_plan_not_approved", "extension_needed", "external_id_similar",
        "extra_forbidden", "field_unfit", "file_too_large", "final_review_missing", "finite_number",
        "float_parsing", "float_type", "follow_ups_missing", "form_without_therapy", "frozen",
        "frozen_set_type", "fund_closed", "fund_exhausted", "fund_other", "fund_restricted", "fund_unpaid",
        "fund_unreconciled", "gap_below", "goal_missing", "goal_unknown", "goals_open", "greater_than",
        "greater_than_equal", "headings_missing", "headings_repeated", "held_form", "held_on_missing", "id_not_random",
        "instrument_incomplete", "instrument_unknown", "int_from_float", "int_parsing", "int_parsing_size",
        "int_type", "invalid", "invalid_key", "item_unknown", "json_invalid", "key_invalid",
        "knowledge_gaps_missing", "lead_worker_missing", "lead_worker_unfit", "legacy_font", "less_than", "less_than_equal",
        "line_holds_money", "line_unknown", "lines_unfit", "list_type", "literal_error", "lone_surrogate",
        "mapping_type", "media_type_unsupported", "missed_form", "missing", "model_attributes_type",
        "model_type", "money_reserved", "money_unreconciled", "month_incomplete", "mood_form", "multiple_of", "name_empty",
        "name_missing", "need_missing", "needs_social_work_missing", "no_need", "no_review_scheduled",
        "none_required", "not_a_giver", "not_approved", "not_asked", "not_assessed_before", "not_earlier",
        "not_ended", "not_exiting", "not_in_team", "not_merged", "not_on_case", "not_planned", "not_released", "not_rising", "not_text",
        "not_utf8", "not_your_team", "not_your_tier", "not_yours", "note_missing", "nul_character",
        "number_ambiguous", "number_too_large", "open_case", "open_case_elsewhere", "option_unknown", "other_referrals", "otp_required", "otp_wrong", "outside_period", "own_account", "own_request", "own_role", "own_team", "own_work", "parameter_unknown", "participants_missing", "payee_other", "payment_date_old", "payment_date_recent",
        "period_not_closed", "period_not_year", "period_reversed", "period_too_long", "person_inactive", "person_unknown", "personal", "personal_data", "phone_invalid", "phone_split", "place_missing", "place_unknown", "predictable",
        "progress_missing", "proof_unknown", "provider_inactive", "province_not_funded",
        "rate_far_off", "rate_missing", "rate_near", "rating_missing", "reason_missing", "recall_not_requested", "receipt_amount_missing", "receipt_amounts_differ", "receipt_missing", "receipt_used",
        "receipts_insufficient", "record_kind_alone",
        "recursion_depth_exceeded", "reference_unknown", "reference_used", "repeated", "replaced", "requester_unfit", "riel_broken",
        "risk_level_missing", "risk_missing", "role_unfit", "roles_exclusive", "run_required", "run_unfinished", "safeguarding_invalid", "safeguarding_unchecked",
        "safety_plan_missing", "same_child", "same_fund", "same_line", "score_above_maximum", "scores_missing", "screening_missing", "script_mismatch",
        "section_missing", "sends_referrals", "set_type", "shared_worker", "sort_with_q", "source_ignored", "status", "strengths_missing",
        "string_not_ascii", "string_pattern_mismatch", "string_too_long", "string_too_short", "string_type",
        "string_unicode", "support_given", "supporter_view_missing", "taper_after_end", "taper_not_falling", "taper_not_reached", "taper_past", "taper_short", "team_missing",
        "team_unknown", "tenders_unequal", "tested_above_persons", "tier_too_wide", "time_parsing", "time_type", "timezone_aware",
        "timezone_naive", "timezone_offset", "too_deep", "too_long", "too_many", "too_precise", "too_short",
        "tuple_type", "two_alive", "two_open_cases", "unchanged", "undated", "under_way", "union_tag_invalid",
        "union_tag_not_found", "unknown", "unmerge_too_late", "unreachable", "until_too_early", "until_too_late", "url_parsing", "url_scheme",
        "url_syntax_violation", "url_too_long", "url_type", "uuid_parsing", "uuid_type", "uuid_version",
        "value_converted", "value_empty", "wall", "wellbeing_missing", "worker_unfit", "wrong",
    ],
)  # fmt: skip
"""Every code that the API sends, in alphabetical order: those of the business rules and those of the validation."""

FAULT_CODES: Final[dict[str, FaultCode]] = {code: code for code in get_args(FaultCode.__value__)}
"""The codes by their text. A lookup converts a `str` to a `FaultCode`."""

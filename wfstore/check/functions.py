"""What is known of PostgreSQL's own functions and operators and NULL, beside what its catalog says.

The catalog says which functions are strict: NULL in, NULL out. It does not say which return NULL for arguments
that are not; those are listed here. A function outside of pg_catalog may always return NULL, and so may one
that is not strict, unless it is listed here as one that never does.
"""

from __future__ import annotations

MAY_BE_NULL = frozenset(
    [
        "array_dims",
        "array_length",
        "array_lower",
        "array_ndims",
        "array_position",
        "array_upper",
        "col_description",
        "corr",
        "covar_samp",
        "current_schema",
        "date_part",
        "extract",
        "first_value",
        "format_type",
        "has_any_column_privilege",
        "has_column_privilege",
        "has_database_privilege",
        "has_foreign_data_wrapper_privilege",
        "has_function_privilege",
        "has_language_privilege",
        "has_parameter_privilege",
        "has_schema_privilege",
        "has_sequence_privilege",
        "has_server_privilege",
        "has_table_privilege",
        "has_tablespace_privilege",
        "has_type_privilege",
        "inet_client_addr",
        "inet_client_port",
        "inet_server_addr",
        "inet_server_port",
        "json_array_element",
        "json_array_element_text",
        "json_extract_path",
        "json_extract_path_text",
        "json_object_field",
        "json_object_field_text",
        "jsonb_array_element",
        "jsonb_array_element_text",
        "jsonb_extract_path",
        "jsonb_extract_path_text",
        "jsonb_object_field",
        "jsonb_object_field_text",
        "jsonb_path_exists",
        "jsonb_path_exists_tz",
        "jsonb_path_match",
        "jsonb_path_match_tz",
        "jsonb_path_query_array",
        "jsonb_path_query_array_tz",
        "jsonb_path_query_first",
        "jsonb_path_query_first_tz",
        "lag",
        "last_value",
        "lead",
        "min_scale",
        "nth_value",
        "obj_description",
        "pg_collation_actual_version",
        "pg_column_compression",
        "pg_column_toast_chunk_id",
        "pg_current_logfile",
        "pg_current_xact_id_if_assigned",
        "pg_database_collation_actual_version",
        "pg_database_size",
        "pg_describe_object",
        "pg_filenode_relation",
        "pg_get_constraintdef",
        "pg_get_expr",
        "pg_get_function_arg_default",
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_function_result",
        "pg_get_function_sqlbody",
        "pg_get_functiondef",
        "pg_get_indexdef",
        "pg_get_partition_constraintdef",
        "pg_get_partkeydef",
        "pg_get_replica_identity_index",
        "pg_get_ruledef",
        "pg_get_serial_sequence",
        "pg_get_statisticsobjdef",
        "pg_get_triggerdef",
        "pg_get_viewdef",
        "pg_has_role",
        "pg_index_column_has_property",
        "pg_index_has_property",
        "pg_indexam_has_property",
        "pg_indexes_size",
        "pg_input_error_info",
        "pg_last_committed_xact",
        "pg_last_wal_receive_lsn",
        "pg_last_wal_replay_lsn",
        "pg_last_xact_replay_timestamp",
        "pg_partition_root",
        "pg_read_binary_file",
        "pg_read_file",
        "pg_relation_filenode",
        "pg_relation_filepath",
        "pg_relation_size",
        "pg_sequence_last_value",
        "pg_table_size",
        "pg_tablespace_location",
        "pg_tablespace_size",
        "pg_total_relation_size",
        "pg_xact_commit_timestamp",
        "pg_xact_status",
        "regexp_match",
        "regexp_substr",
        "regr_avgx",
        "regr_avgy",
        "regr_intercept",
        "regr_r2",
        "regr_slope",
        "row_security_active",
        "scale",
        "shobj_description",
        "similar_escape",
        "stddev",
        "stddev_samp",
        "to_char",
        "to_number",
        "to_regclass",
        "to_regcollation",
        "to_regnamespace",
        "to_regoper",
        "to_regoperator",
        "to_regproc",
        "to_regprocedure",
        "to_regrole",
        "to_regtype",
        "to_regtypemod",
        "ts_lexize",
        "txid_current_if_assigned",
        "txid_status",
        "uuid_extract_timestamp",
        "uuid_extract_version",
        "var_samp",
        "variance",
    ]
)
"""Functions of pg_catalog that return NULL for some arguments that are not. Those that are named by a
prefix or a suffix below are too."""

MAY_BE_NULL_PREFIXES = ("pg_stat_get_", "xpath")
MAY_BE_NULL_SUFFIX = "_is_visible"

NULL_ON_RANGES = frozenset({"lower", "upper"})
"""NULL for an empty or unbounded range; of texts they are not. Their argument's type decides."""

NULL_WITH_MORE_ARGUMENTS = {"current_setting": 2, "substring": 2, "string_to_table": 3}
"""From so many arguments on they may return NULL: a setting that is missing, a pattern that does not match."""

NEVER_NULL = frozenset(
    [
        "concat",
        "json_build_array",
        "json_build_object",
        "jsonb_build_array",
        "jsonb_build_object",
        "num_nonnulls",
        "num_nulls",
        "count",
        "regr_count",
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "pg_typeof",
    ]
)
"""Functions that return a value whatever their arguments are."""

NOT_NULL_OF_NOT_NULL = frozenset(
    [
        "array_append",
        "array_cat",
        "array_prepend",
        "array_remove",
        "array_replace",
        "array_fill",
        "array_to_string",
        "concat_ws",
        "format",
        "ntile",
        "quote_nullable",
        "set_config",
        "string_to_array",
        "to_json",
        "to_jsonb",
        "row_to_json",
    ]
)
"""Not strict, but never NULL when no argument is."""

NOT_NULL_AGGREGATES = frozenset(
    [
        "sum",
        "min",
        "max",
        "avg",
        "bool_and",
        "bool_or",
        "every",
        "bit_and",
        "bit_or",
        "bit_xor",
        "string_agg",
        "xmlagg",
        "range_agg",
        "percentile_cont",
        "percentile_disc",
        "mode",
        "stddev_pop",
        "var_pop",
        "any_value",
    ]
)
"""Aggregates that are NULL only when every one of their values is: not over a group of values that never are."""

COLLECTING_AGGREGATES = frozenset(
    [
        "array_agg",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "json_agg_strict",
        "jsonb_agg_strict",
        "json_object_agg_strict",
        "jsonb_object_agg_strict",
    ]
)
"""Aggregates that are NULL over no rows only: they keep the NULLs among their values."""

NEVER_NULL_ROWS = frozenset(
    [
        "generate_series",
        "generate_subscripts",
        "json_array_elements",
        "jsonb_array_elements",
        "json_object_keys",
        "jsonb_object_keys",
        "json_each",
        "jsonb_each",
        "regexp_split_to_table",
        "string_to_table",
    ]
)
"""Functions whose rows hold no NULL when no argument is."""

OPERATORS_MAY_BE_NULL = frozenset({"->", "->>", "#>", "#>>", "@?", "@@", "#", "##"})
"""JSON that lacks the key, a path that fails, shapes that do not meet."""

OPERATORS_NOT_NULL_OF_NOT_NULL = frozenset({"||"})
"""Not strict for arrays, but never NULL when no operand is."""

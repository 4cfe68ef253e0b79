//! All rules. Adding a failure class is adding a file: `tests/it/tidy.rs` keeps this roster in step with the folder.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::log::Log;
use super::rule::Rule;

// <roster>
mod app_audit_gate;
mod app_build_env_missing;
mod app_c_compile;
mod app_case_mismatch;
mod app_collectstatic;
mod app_dev_tool_missing;
mod app_directory_missing;
mod app_elixir_compile;
mod app_esm_cjs;
mod app_file_missing_in_run;
mod app_git_clone_in_run;
mod app_go_compile;
mod app_java_compile;
mod app_lint_as_error;
mod app_make_no_rule;
mod app_module_unresolved;
mod app_next_prerender;
mod app_openssl_legacy;
mod app_other_compile;
mod app_primordials;
mod app_prisma_generate;
mod app_provisioner_failed;
mod app_py_own_module_missing;
mod app_python_syntax;
mod app_rust_compile;
mod app_rust_sqlx_offline;
mod app_script_missing;
mod app_script_not_executable;
mod app_segfault;
mod app_step_failed;
mod app_swift_compile;
mod app_tailwind_postcss;
mod app_tests_in_build;
mod app_ts_error;
mod app_webpack_loader;
mod ctx_add_url_404;
mod ctx_copy_source_missing;
mod ctx_copy_to_non_directory;
mod ctx_dockerignored;
mod ctx_git_metadata_missing;
mod ctx_lfs_pointer;
mod ctx_outside_context;
mod ctx_root_directory_wrong;
mod ctx_stage_artifact_missing;
mod ctx_submodule;
mod db_auth;
mod db_conn_refused;
mod db_driver_missing;
mod db_extension;
mod db_host_unresolved;
mod db_localhost;
mod db_migration_failed;
mod db_missing_database;
mod db_missing_table;
mod db_mongo;
mod db_pgbouncer_prepared;
mod db_redis;
mod db_sqlite;
mod db_ssl;
mod db_timeout;
mod db_too_many_connections;
mod db_url_malformed;
mod df_build_arg_empty;
mod df_copy_arity;
mod df_copy_shell_syntax;
mod df_crlf;
mod df_deliberate_exit;
mod df_empty;
mod df_exec_form;
mod df_expose_invalid;
mod df_file_missing;
mod df_from_malformed;
mod df_frontend_image;
mod df_healthcheck_args;
mod df_quote_or_heredoc;
mod df_run_shell_syntax;
mod df_stage_undefined;
mod df_unknown_flag;
mod df_unknown_instruction;
mod go_cgo;
mod go_checksum_mismatch;
mod go_fetch_failed;
mod go_get_outside_module;
mod go_legacy_manager;
mod go_no_module;
mod go_sum;
mod go_toolchain_version;
mod img_distroless_no_shell;
mod img_moved_namespace;
mod img_platform_mismatch;
mod img_private_or_missing_repo;
mod img_rate_limit;
mod img_registry_unreachable;
mod img_schema1;
mod img_tag_not_found;
mod java_artifact_unresolved;
mod java_dependency_lock;
mod java_enforcer;
mod java_http_blocked;
mod java_linkage_conflict;
mod java_network;
mod java_no_pom;
mod java_pom_invalid;
mod java_repo_auth;
mod java_surefire_fork;
mod java_toolchain;
mod java_version;
mod java_werror;
mod java_wrapper;
mod nat_autotools;
mod nat_browser;
mod nat_cgo_header;
mod nat_cmake;
mod nat_compiler_missing;
mod nat_compiler_too_new;
mod nat_compiler_too_old;
mod nat_fortran_blas;
mod nat_gdal_geo;
mod nat_header_missing;
mod nat_lib_missing;
mod nat_lib_version_mismatch;
mod nat_lxml;
mod nat_mysqlclient;
mod nat_node_canvas;
mod nat_node_gyp;
mod nat_node_sass;
mod nat_openssl_rust;
mod nat_pillow;
mod nat_pkgconfig;
mod nat_prisma_engine;
mod nat_psycopg2;
mod nat_python_abi_old_package;
mod nat_ruby_ext;
mod nat_rust_build_script;
mod nat_rust_for_python;
mod nat_rust_linker;
mod nat_wheel_build_failed;
mod node_auth;
mod node_corepack;
mod node_eacces;
mod node_eexist;
mod node_engine;
mod node_eresolve;
mod node_git_dependency;
mod node_ignored_builds;
mod node_install_script_failed;
mod node_integrity;
mod node_lock_missing;
mod node_lock_out_of_sync;
mod node_manifest_missing;
mod node_minimum_age;
mod node_mirror_retired;
mod node_network;
mod node_npm_ancient;
mod node_optional_native;
mod node_package_404;
mod node_platform;
mod node_pnpm_frozen;
mod node_pnpm_version;
mod node_protocol_unsupported;
mod node_version_not_found;
mod node_yarn_frozen;
mod os_apk_conflict;
mod os_apk_masked_tag;
mod os_apk_missing;
mod os_apk_network;
mod os_apk_version_pin_gone;
mod os_apt_bad_source_line;
mod os_apt_deb_src_missing;
mod os_apt_downgrade;
mod os_apt_hash_mismatch;
mod os_apt_https_method;
mod os_apt_interactive;
mod os_apt_network;
mod os_apt_no_candidate;
mod os_apt_release_not_valid_yet;
mod os_apt_signature;
mod os_apt_unable_to_locate;
mod os_apt_unmet_deps;
mod os_apt_version_pin_gone;
mod os_command_missing;
mod os_download_404;
mod os_download_checksum;
mod os_download_dns;
mod os_download_refused;
mod os_dpkg_config_failed;
mod os_eol_suite;
mod os_gpg_keyserver;
mod os_locale_encoding;
mod os_pacman;
mod os_root_needed;
mod os_rpmdb_overlayfs;
mod os_third_party_repo_gone;
mod os_tls_ca;
mod os_user_exists;
mod os_user_missing;
mod os_wrong_package_manager;
mod os_yum_eol;
mod os_yum_package_missing;
mod os_zypper_eol;
mod other_composer;
mod other_composer_schema;
mod other_dotnet_sdk;
mod other_elixir_version;
mod other_erlang_rebar;
mod other_haskell_cabal;
mod other_php_ext;
mod other_r_package;
mod other_toolchain_version_gone;
mod pf_api_rate_limit;
mod pf_blueprint_invalid;
mod pf_buildkit_lost;
mod pf_cancelled;
mod pf_commit_missing;
mod pf_disk_attach;
mod pf_git_clone;
mod pf_image_push;
mod pf_internal_error;
mod pf_log_truncated;
mod pf_quota_billing;
mod pf_registry_outage;
mod ph_502;
mod ph_address_in_use;
mod ph_dev_server;
mod ph_docker_healthcheck_tool;
mod ph_hardcoded_port;
mod ph_health_path;
mod ph_host_not_allowed;
mod ph_localhost_bind;
mod ph_no_open_port;
mod ph_port_not_expanded;
mod ph_redirect_loop;
mod ph_slow_start;
mod py_build_tool_too_old;
mod py_conda_solve;
mod py_conflict;
mod py_distribution_missing;
mod py_distutils_uninstall;
mod py_externally_managed;
mod py_frozen_local_path;
mod py_hash_mismatch;
mod py_index_network;
mod py_legacy_setup_failed;
mod py_local_project_missing;
mod py_os_only_package;
mod py_package_not_on_index;
mod py_pip_option_removed;
mod py_pipenv_lock;
mod py_poetry_cli_drift;
mod py_poetry_lock_stale;
mod py_private_index;
mod py_python2_dropped;
mod py_requirements_missing;
mod py_requirements_syntax;
mod py_requires_python;
mod py_setuptools_break;
mod py_uv_lock_stale;
mod py_vcs_requirement;
mod py_version_not_found;
mod py_wheel_unsupported;
mod py_yanked_transitive_drift;
mod res_build_timeout;
mod res_disk_full;
mod res_file_watchers;
mod res_java_memory;
mod res_node_heap;
mod res_oom_killed_build;
mod res_oom_runtime;
mod res_shm;
mod res_worker_timeout;
mod ruby_bundler_version;
mod ruby_conflict;
mod ruby_default_gem_removed;
mod ruby_frozen;
mod ruby_gem_flag;
mod ruby_git_source;
mod ruby_lock_platform;
mod ruby_version;
mod rust_lock_stale;
mod rust_lock_version;
mod rust_msrv;
mod rust_unresolved;
mod rust_workspace_missing;
mod st_django_config;
mod st_dotnet_framework;
mod st_early_exit;
mod st_entrypoint_missing;
mod st_entrypoint_permission;
mod st_env_missing;
mod st_exec_format;
mod st_exit_wrapper;
mod st_glibc_musl;
mod st_java_jar;
mod st_nginx;
mod st_node_entry_missing;
mod st_node_module_missing;
mod st_node_too_old;
mod st_panic;
mod st_permission_runtime;
mod st_php_fatal;
mod st_privileged_port;
mod st_py_app_attr;
mod st_py_app_path;
mod st_py_extra_missing;
mod st_py_import_name;
mod st_py_module_missing;
mod st_py_numpy2;
mod st_py_pydantic2;
mod st_py_sqlalchemy2;
mod st_py_venv_moved;
mod st_rails_pid;
mod st_rails_secret;
mod st_ruby_load;
mod st_server_not_installed;
mod st_shared_lib;
mod st_spring;
mod st_tf_torch_cpu;

pub const ROSTER: &[&Rule] = &[
    &app_audit_gate::RULE,
    &app_build_env_missing::RULE,
    &app_c_compile::RULE,
    &app_case_mismatch::RULE,
    &app_collectstatic::RULE,
    &app_dev_tool_missing::RULE,
    &app_directory_missing::RULE,
    &app_elixir_compile::RULE,
    &app_esm_cjs::RULE,
    &app_file_missing_in_run::RULE,
    &app_git_clone_in_run::RULE,
    &app_go_compile::RULE,
    &app_java_compile::RULE,
    &app_lint_as_error::RULE,
    &app_make_no_rule::RULE,
    &app_module_unresolved::RULE,
    &app_next_prerender::RULE,
    &app_openssl_legacy::RULE,
    &app_other_compile::RULE,
    &app_primordials::RULE,
    &app_prisma_generate::RULE,
    &app_provisioner_failed::RULE,
    &app_py_own_module_missing::RULE,
    &app_python_syntax::RULE,
    &app_rust_compile::RULE,
    &app_rust_sqlx_offline::RULE,
    &app_script_missing::RULE,
    &app_script_not_executable::RULE,
    &app_segfault::RULE,
    &app_step_failed::RULE,
    &app_swift_compile::RULE,
    &app_tailwind_postcss::RULE,
    &app_tests_in_build::RULE,
    &app_ts_error::RULE,
    &app_webpack_loader::RULE,
    &ctx_add_url_404::RULE,
    &ctx_copy_source_missing::RULE,
    &ctx_copy_to_non_directory::RULE,
    &ctx_dockerignored::RULE,
    &ctx_git_metadata_missing::RULE,
    &ctx_lfs_pointer::RULE,
    &ctx_outside_context::RULE,
    &ctx_root_directory_wrong::RULE,
    &ctx_stage_artifact_missing::RULE,
    &ctx_submodule::RULE,
    &db_auth::RULE,
    &db_conn_refused::RULE,
    &db_driver_missing::RULE,
    &db_extension::RULE,
    &db_host_unresolved::RULE,
    &db_localhost::RULE,
    &db_migration_failed::RULE,
    &db_missing_database::RULE,
    &db_missing_table::RULE,
    &db_mongo::RULE,
    &db_pgbouncer_prepared::RULE,
    &db_redis::RULE,
    &db_sqlite::RULE,
    &db_ssl::RULE,
    &db_timeout::RULE,
    &db_too_many_connections::RULE,
    &db_url_malformed::RULE,
    &df_build_arg_empty::RULE,
    &df_copy_arity::RULE,
    &df_copy_shell_syntax::RULE,
    &df_crlf::RULE,
    &df_deliberate_exit::RULE,
    &df_empty::RULE,
    &df_exec_form::RULE,
    &df_expose_invalid::RULE,
    &df_file_missing::RULE,
    &df_from_malformed::RULE,
    &df_frontend_image::RULE,
    &df_healthcheck_args::RULE,
    &df_quote_or_heredoc::RULE,
    &df_run_shell_syntax::RULE,
    &df_stage_undefined::RULE,
    &df_unknown_flag::RULE,
    &df_unknown_instruction::RULE,
    &go_cgo::RULE,
    &go_checksum_mismatch::RULE,
    &go_fetch_failed::RULE,
    &go_get_outside_module::RULE,
    &go_legacy_manager::RULE,
    &go_no_module::RULE,
    &go_sum::RULE,
    &go_toolchain_version::RULE,
    &img_distroless_no_shell::RULE,
    &img_moved_namespace::RULE,
    &img_platform_mismatch::RULE,
    &img_private_or_missing_repo::RULE,
    &img_rate_limit::RULE,
    &img_registry_unreachable::RULE,
    &img_schema1::RULE,
    &img_tag_not_found::RULE,
    &java_artifact_unresolved::RULE,
    &java_dependency_lock::RULE,
    &java_enforcer::RULE,
    &java_http_blocked::RULE,
    &java_linkage_conflict::RULE,
    &java_network::RULE,
    &java_no_pom::RULE,
    &java_pom_invalid::RULE,
    &java_repo_auth::RULE,
    &java_surefire_fork::RULE,
    &java_toolchain::RULE,
    &java_version::RULE,
    &java_werror::RULE,
    &java_wrapper::RULE,
    &nat_autotools::RULE,
    &nat_browser::RULE,
    &nat_cgo_header::RULE,
    &nat_cmake::RULE,
    &nat_compiler_missing::RULE,
    &nat_compiler_too_new::RULE,
    &nat_compiler_too_old::RULE,
    &nat_fortran_blas::RULE,
    &nat_gdal_geo::RULE,
    &nat_header_missing::RULE,
    &nat_lib_missing::RULE,
    &nat_lib_version_mismatch::RULE,
    &nat_lxml::RULE,
    &nat_mysqlclient::RULE,
    &nat_node_canvas::RULE,
    &nat_node_gyp::RULE,
    &nat_node_sass::RULE,
    &nat_openssl_rust::RULE,
    &nat_pillow::RULE,
    &nat_pkgconfig::RULE,
    &nat_prisma_engine::RULE,
    &nat_psycopg2::RULE,
    &nat_python_abi_old_package::RULE,
    &nat_ruby_ext::RULE,
    &nat_rust_build_script::RULE,
    &nat_rust_for_python::RULE,
    &nat_rust_linker::RULE,
    &nat_wheel_build_failed::RULE,
    &node_auth::RULE,
    &node_corepack::RULE,
    &node_eacces::RULE,
    &node_eexist::RULE,
    &node_engine::RULE,
    &node_eresolve::RULE,
    &node_git_dependency::RULE,
    &node_ignored_builds::RULE,
    &node_install_script_failed::RULE,
    &node_integrity::RULE,
    &node_lock_missing::RULE,
    &node_lock_out_of_sync::RULE,
    &node_manifest_missing::RULE,
    &node_minimum_age::RULE,
    &node_mirror_retired::RULE,
    &node_network::RULE,
    &node_npm_ancient::RULE,
    &node_optional_native::RULE,
    &node_package_404::RULE,
    &node_platform::RULE,
    &node_pnpm_frozen::RULE,
    &node_pnpm_version::RULE,
    &node_protocol_unsupported::RULE,
    &node_version_not_found::RULE,
    &node_yarn_frozen::RULE,
    &os_apk_conflict::RULE,
    &os_apk_masked_tag::RULE,
    &os_apk_missing::RULE,
    &os_apk_network::RULE,
    &os_apk_version_pin_gone::RULE,
    &os_apt_bad_source_line::RULE,
    &os_apt_deb_src_missing::RULE,
    &os_apt_downgrade::RULE,
    &os_apt_hash_mismatch::RULE,
    &os_apt_https_method::RULE,
    &os_apt_interactive::RULE,
    &os_apt_network::RULE,
    &os_apt_no_candidate::RULE,
    &os_apt_release_not_valid_yet::RULE,
    &os_apt_signature::RULE,
    &os_apt_unable_to_locate::RULE,
    &os_apt_unmet_deps::RULE,
    &os_apt_version_pin_gone::RULE,
    &os_command_missing::RULE,
    &os_download_404::RULE,
    &os_download_checksum::RULE,
    &os_download_dns::RULE,
    &os_download_refused::RULE,
    &os_dpkg_config_failed::RULE,
    &os_eol_suite::RULE,
    &os_gpg_keyserver::RULE,
    &os_locale_encoding::RULE,
    &os_pacman::RULE,
    &os_root_needed::RULE,
    &os_rpmdb_overlayfs::RULE,
    &os_third_party_repo_gone::RULE,
    &os_tls_ca::RULE,
    &os_user_exists::RULE,
    &os_user_missing::RULE,
    &os_wrong_package_manager::RULE,
    &os_yum_eol::RULE,
    &os_yum_package_missing::RULE,
    &os_zypper_eol::RULE,
    &other_composer::RULE,
    &other_composer_schema::RULE,
    &other_dotnet_sdk::RULE,
    &other_elixir_version::RULE,
    &other_erlang_rebar::RULE,
    &other_haskell_cabal::RULE,
    &other_php_ext::RULE,
    &other_r_package::RULE,
    &other_toolchain_version_gone::RULE,
    &pf_api_rate_limit::RULE,
    &pf_blueprint_invalid::RULE,
    &pf_buildkit_lost::RULE,
    &pf_cancelled::RULE,
    &pf_commit_missing::RULE,
    &pf_disk_attach::RULE,
    &pf_git_clone::RULE,
    &pf_image_push::RULE,
    &pf_internal_error::RULE,
    &pf_log_truncated::RULE,
    &pf_quota_billing::RULE,
    &pf_registry_outage::RULE,
    &ph_502::RULE,
    &ph_address_in_use::RULE,
    &ph_dev_server::RULE,
    &ph_docker_healthcheck_tool::RULE,
    &ph_hardcoded_port::RULE,
    &ph_health_path::RULE,
    &ph_host_not_allowed::RULE,
    &ph_localhost_bind::RULE,
    &ph_no_open_port::RULE,
    &ph_port_not_expanded::RULE,
    &ph_redirect_loop::RULE,
    &ph_slow_start::RULE,
    &py_build_tool_too_old::RULE,
    &py_conda_solve::RULE,
    &py_conflict::RULE,
    &py_distribution_missing::RULE,
    &py_distutils_uninstall::RULE,
    &py_externally_managed::RULE,
    &py_frozen_local_path::RULE,
    &py_hash_mismatch::RULE,
    &py_index_network::RULE,
    &py_legacy_setup_failed::RULE,
    &py_local_project_missing::RULE,
    &py_os_only_package::RULE,
    &py_package_not_on_index::RULE,
    &py_pip_option_removed::RULE,
    &py_pipenv_lock::RULE,
    &py_poetry_cli_drift::RULE,
    &py_poetry_lock_stale::RULE,
    &py_private_index::RULE,
    &py_python2_dropped::RULE,
    &py_requirements_missing::RULE,
    &py_requirements_syntax::RULE,
    &py_requires_python::RULE,
    &py_setuptools_break::RULE,
    &py_uv_lock_stale::RULE,
    &py_vcs_requirement::RULE,
    &py_version_not_found::RULE,
    &py_wheel_unsupported::RULE,
    &py_yanked_transitive_drift::RULE,
    &res_build_timeout::RULE,
    &res_disk_full::RULE,
    &res_file_watchers::RULE,
    &res_java_memory::RULE,
    &res_node_heap::RULE,
    &res_oom_killed_build::RULE,
    &res_oom_runtime::RULE,
    &res_shm::RULE,
    &res_worker_timeout::RULE,
    &ruby_bundler_version::RULE,
    &ruby_conflict::RULE,
    &ruby_default_gem_removed::RULE,
    &ruby_frozen::RULE,
    &ruby_gem_flag::RULE,
    &ruby_git_source::RULE,
    &ruby_lock_platform::RULE,
    &ruby_version::RULE,
    &rust_lock_stale::RULE,
    &rust_lock_version::RULE,
    &rust_msrv::RULE,
    &rust_unresolved::RULE,
    &rust_workspace_missing::RULE,
    &st_django_config::RULE,
    &st_dotnet_framework::RULE,
    &st_early_exit::RULE,
    &st_entrypoint_missing::RULE,
    &st_entrypoint_permission::RULE,
    &st_env_missing::RULE,
    &st_exec_format::RULE,
    &st_exit_wrapper::RULE,
    &st_glibc_musl::RULE,
    &st_java_jar::RULE,
    &st_nginx::RULE,
    &st_node_entry_missing::RULE,
    &st_node_module_missing::RULE,
    &st_node_too_old::RULE,
    &st_panic::RULE,
    &st_permission_runtime::RULE,
    &st_php_fatal::RULE,
    &st_privileged_port::RULE,
    &st_py_app_attr::RULE,
    &st_py_app_path::RULE,
    &st_py_extra_missing::RULE,
    &st_py_import_name::RULE,
    &st_py_module_missing::RULE,
    &st_py_numpy2::RULE,
    &st_py_pydantic2::RULE,
    &st_py_sqlalchemy2::RULE,
    &st_py_venv_moved::RULE,
    &st_rails_pid::RULE,
    &st_rails_secret::RULE,
    &st_ruby_load::RULE,
    &st_server_not_installed::RULE,
    &st_shared_lib::RULE,
    &st_spring::RULE,
    &st_tf_torch_cpu::RULE,
];
// </roster>

/// Of a needle that stands in every line, only this many lines are looked at: the first and the last ones.
const LINES_PER_RULE_MAX: usize = 400;

/// A needle with fewer letters (`404`, `137`, `Killed`) stands in many a line that tells of nothing.
const LETTERS_MIN: usize = 8;

/// The rule of a class.
pub fn find(id: &str) -> Option<&'static Rule> {
    ROSTER.iter().find(|rule| rule.id == id).copied()
}

/// All needles of all rules in one automaton: a log is read once, however many rules there are.
pub struct Needles {
    automaton: Option<AhoCorasick>,
    /// Per pattern of the automaton: the rule's place in `ROSTER`.
    owners: Vec<usize>,
}

pub fn needles() -> &'static Needles {
    static NEEDLES: LazyLock<Needles> = LazyLock::new(Needles::new);
    &NEEDLES
}

impl Needles {
    fn new() -> Self {
        let mut owners = Vec::new();
        let mut patterns = Vec::new();
        for (index, rule) in ROSTER.iter().enumerate() {
            for needle in rule.needles {
                owners.push(index);
                patterns.push(needle.to_ascii_lowercase());
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(patterns).ok();
        Self { automaton, owners }
    }

    /// What tells in the middle of a long log: needles that no healthy log is full of (no bare number, no short word), where a
    /// step begins, and what was printed in red, which may split a needle.
    pub fn telling() -> Option<&'static AhoCorasick> {
        const STEPS: [&str; 6] = ["\nStep ", "] FROM ", "] RUN ", "] COPY ", "] ADD ", "] WORKDIR "];
        const RED: [&str; 4] = ["\u{1b}[31m", "\u{1b}[91m", "\u{1b}[1;31m", "\u{1b}[31;1m"];
        static TELLING: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
            let needles = ROSTER.iter().flat_map(|rule| rule.needles).copied();
            let telling =
                needles.filter(|needle| needle.chars().filter(|each| each.is_alphabetic()).count() >= LETTERS_MIN);
            // Only long logs come here: they repay the time it takes to build the fast kind.
            let kind = Some(AhoCorasickKind::DFA);
            AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(telling.chain(STEPS).chain(RED)).ok()
        });
        TELLING.as_ref()
    }

    /// For each rule of the roster the indices of the lines that hold one of its needles, ascending.
    pub fn find(&self, log: &Log) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); ROSTER.len()];
        let Some(automaton) = &self.automaton else { return found };
        for (index, line) in log.lines.iter().enumerate() {
            for hit in automaton.find_overlapping_iter(&line.text) {
                let lines: &mut Vec<usize> = &mut found[self.owners[hit.pattern().as_usize()]];
                if lines.last() != Some(&index) {
                    if lines.len() >= LINES_PER_RULE_MAX {
                        lines.remove(LINES_PER_RULE_MAX / 2);
                    }
                    lines.push(index);
                }
            }
        }
        found
    }
}

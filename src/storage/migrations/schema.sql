CREATE TABLE IF NOT EXISTS domain_runner_schema (
  version BIGINT PRIMARY KEY,
  applied_ms BIGINT NOT NULL
)

-- Every question of a run or a batch, and its answer as soon as there is one.
CREATE TABLE answers (
  run TEXT NOT NULL,
  position BIGINT NOT NULL,
  kind TEXT NOT NULL,
  request_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT,
  -- running, ok, failed
  state TEXT NOT NULL,
  target TEXT NOT NULL,
  prompt TEXT NOT NULL,
  provider TEXT,
  model TEXT,
  text TEXT,
  finish TEXT,
  input_tokens BIGINT,
  output_tokens BIGINT,
  cost_usd_micros BIGINT,
  latency_ms BIGINT,
  attempts BIGINT,
  -- a JSON array of addresses
  citations TEXT,
  -- the provider's own document
  raw TEXT,
  error TEXT,
  error_detail TEXT,
  PRIMARY KEY (run, position)
)

-- How many of a problem's samples count, as in a report: those with a verdict that is not `infra`. The report's rate of a problem is
-- passed / counted; `samples` has also those that could not be judged and those that are yet to be.

DROP VIEW problem_results;
CREATE VIEW problem_results AS
SELECT
  experiment, strategy, task_id, problem_position, difficulty, count(*) AS samples, count(nullif(outcome, 'infra')) AS counted,
  sum(outcome = 'pass') AS passed, sum(outcome IN ('load', 'crash')) AS crashed, sum(outcome = 'infra') AS infra,
  count(DISTINCT completion) AS programs, avg(token_count) AS mean_tokens, avg(mean_logprob) AS mean_logprob,
  experiment_hash
FROM sample_results
GROUP BY experiment, experiment_hash, strategy, task_id, problem_position, difficulty;

-- Which assertions of a problem's test the prompt shows: all of their calls, with the same arguments, and what they return. Found by trying
-- each one alone with the canonical solution. Made from the problem, and no results: the digest leaves them out.

CREATE TABLE assertion_marks (
  problem_id INTEGER PRIMARY KEY REFERENCES problems (id),
  examples   INTEGER,            -- that the prompt shows; NULL where nothing could be tried, as is the next column
  total      INTEGER,            -- assertions of the test
  visible    TEXT NOT NULL,      -- JSON: their places from 0, ascending, of the first 200; all others are hidden
  missing    TEXT                -- why nothing is known, such as a canonical solution that fails; NULL where it is
) STRICT;

-- One row for each problem of an experiment whose assertions were looked at.
CREATE VIEW assertions_by_problem AS
SELECT
  e.name AS experiment, p.task_id, ep.position AS problem_position, m.examples, m.total AS assertions,
  CASE WHEN m.total IS NOT NULL THEN json_array_length(m.visible) END AS visible,
  m.total - json_array_length(m.visible) AS hidden, m.visible AS visible_places, m.missing,
  e.hash AS experiment_hash
FROM assertion_marks m
JOIN problems p ON p.id = m.problem_id
JOIN experiment_problems ep ON ep.problem_id = p.id
JOIN experiments e ON e.id = ep.experiment_id;

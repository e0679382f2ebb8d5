-- More of what an execution shows: where and among what values an exception arose, every assertion tried alone, the prompt's
-- own examples, what the parser says of the text, and how a passing sample bears other circumstances. NULL in verdicts of before.

ALTER TABLE verdicts ADD COLUMN exception_statement TEXT;  -- class of the innermost statement at the failing line, such as Return
ALTER TABLE verdicts ADD COLUMN exception_locals TEXT;     -- JSON: [{name, value}], locals of the failing frame as short texts
ALTER TABLE verdicts ADD COLUMN trials TEXT;               -- JSON: [{index, held, visible, traits, relations}], see verdict.ts
ALTER TABLE verdicts ADD COLUMN examples_total INTEGER;    -- examples that the prompt shows
ALTER TABLE verdicts ADD COLUMN examples_passed INTEGER;
ALTER TABLE verdicts ADD COLUMN returns TEXT;              -- constant or argument: what every call returned
ALTER TABLE verdicts ADD COLUMN source TEXT;               -- JSON: facts about the program's text
ALTER TABLE verdicts ADD COLUMN hash_seeds_tried INTEGER;  -- passing samples: runs under further hash seeds
ALTER TABLE verdicts ADD COLUMN hash_seeds_failed INTEGER;
ALTER TABLE verdicts ADD COLUMN further_test INTEGER CHECK (further_test IN (0, 1)); -- passed the data set's further test

-- Measured, so not results.
ALTER TABLE executions ADD COLUMN slowdown REAL;           -- CPU time over the reference solution's, where above 50 ms
ALTER TABLE executions ADD COLUMN stack TEXT;              -- JSON: frames at the moment of the CPU limit

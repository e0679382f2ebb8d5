-- What makes a pass fragile needs more of the problem; a sample's program can be found again by its text; and a decision says
-- by which rule, and where in the completion and its tokens. NULL in rows of before.

ALTER TABLE problems ADD COLUMN further_test TEXT;         -- of the data set, on which no pass depends; NULL where there is none
ALTER TABLE problems ADD COLUMN unsupported TEXT;          -- why no sample can be judged; NULL where they can
-- The hash of a problem covers these two where one of them is not NULL.

-- Equal programs of one problem are executed once; the length makes a small index of it.
CREATE INDEX samples_by_text ON samples (experiment_id, problem_id, length(completion));

-- How an experiment's categories are counted: the config's entries that rename, merge, switch off and add them, as canonical JSON of those that are
-- set. Decides no verdict and is in no hash: it is replaced whenever stored verdicts are decided again. NULL: an older version did not say.
ALTER TABLE experiments ADD COLUMN category_settings TEXT;

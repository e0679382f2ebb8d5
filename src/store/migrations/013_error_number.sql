-- The system's error number of an OSError: only its message was kept before, and it is NULL in rows of before.

ALTER TABLE verdicts ADD COLUMN exception_errno INTEGER;   -- 0: an OSError without one, or with one that no system call gave; NULL: no OSError

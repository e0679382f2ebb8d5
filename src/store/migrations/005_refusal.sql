-- Why a returned value was refused: it was not kept before, and is NULL in rows of before.

ALTER TABLE verdicts ADD COLUMN refusal TEXT;               -- unserialisable: why, by the program's own account

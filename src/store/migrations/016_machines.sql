-- Which machines drew an experiment's samples and executed its programs: experiments.cpu names one processor, where the experiment began,
-- and the halves may run on two machines. A row is written with the first results that a machine has stored. Not results. Experiments of before have no rows.

CREATE TABLE machines (
  id            INTEGER PRIMARY KEY,  -- in the order in which they took part
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  work          TEXT NOT NULL CHECK (work IN ('draw', 'execute')),
  cpu           TEXT NOT NULL,
  cores         INTEGER NOT NULL,     -- logical ones that the process may use
  memory_bytes  INTEGER NOT NULL,     -- that the process may use: the machine's, or less where its control group is given less
  system        TEXT NOT NULL,        -- operating system, its release and the architecture
  UNIQUE (experiment_id, work, cpu, cores, memory_bytes, system)
) STRICT;

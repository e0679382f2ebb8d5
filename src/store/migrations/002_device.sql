-- Where an experiment's samples are drawn, beside the CPU that there always is. Experiments of the first schema were all
-- drawn on it. Like the columns that were there, they tell of the machine that began the experiment.

ALTER TABLE experiments ADD COLUMN device TEXT NOT NULL DEFAULT 'cpu';     -- cpu, cuda or emulated
ALTER TABLE experiments ADD COLUMN device_name TEXT NOT NULL DEFAULT '';   -- such as NVIDIA H200
UPDATE experiments SET device_name = cpu;

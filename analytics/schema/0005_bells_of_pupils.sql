-- Bells, ends and excuses stand beside what is derived of each pupil, so that curves and lists need no roster; a school's
-- day knows whether it was closed. `form` tells what derived a row, 0 before there was one: days of another form are found
-- out of date, and derived again.
ALTER TABLE student_day ADD COLUMN IF NOT EXISTS bell_at DateTime64(3, 'UTC') AFTER shift;
ALTER TABLE student_day ADD COLUMN IF NOT EXISTS end_at DateTime64(3, 'UTC') AFTER bell_at;
ALTER TABLE student_day ADD COLUMN IF NOT EXISTS excused UInt8 AFTER end_at;
ALTER TABLE district_day ADD COLUMN IF NOT EXISTS is_closed UInt8 AFTER served;
ALTER TABLE district_day ADD COLUMN IF NOT EXISTS form UInt8 AFTER is_closed;

-- As joins: what a reader asks of schools and days is asked of the heads as well, so that a question about one day does
-- not look through the heads of all years.
CREATE OR REPLACE VIEW v_derive_head AS
SELECT school_id, school_day, revision, side, at FROM derive_head FINAL;

CREATE OR REPLACE VIEW v_student_day AS SELECT derived.* FROM student_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

CREATE OR REPLACE VIEW v_coverage_day AS SELECT derived.*, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM coverage_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

CREATE OR REPLACE VIEW v_presence_5m AS SELECT derived.* FROM presence_5m AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

CREATE OR REPLACE VIEW v_spend_day AS SELECT derived.* FROM spend_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

CREATE OR REPLACE VIEW v_entitlement_day AS SELECT derived.* FROM entitlement_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

CREATE OR REPLACE VIEW v_school_day AS SELECT derived.*, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM district_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

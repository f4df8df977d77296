-- To whom a finding was assigned, in the step that did it.
ALTER TABLE finding_events ADD COLUMN assignee TEXT;

-- Which runner of a run came last: what an earlier one still writes is refused.
ALTER TABLE overview ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
UPDATE overview SET epoch = coalesce((
    SELECT max(json_extract(data, '$.epoch')) FROM event
    WHERE event.run = overview.run AND json_valid(data) AND json_extract(data, '$.event') IN ('run_started', 'run_resumed')
), 0);
CREATE TRIGGER event_counts_up AFTER INSERT ON event
    WHEN json_extract(new.data, '$.event') IN ('run_started', 'run_resumed') BEGIN
    UPDATE overview SET epoch = max(epoch, coalesce(json_extract(new.data, '$.epoch'), 0)) WHERE run = new.run;
END;

-- Who works on what, where that is not told by a lock on a file. Times are those of the store's own clock.
CREATE TABLE holder (
    what TEXT PRIMARY KEY, token TEXT NOT NULL, runner TEXT NOT NULL, since INTEGER NOT NULL, seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a start asks of the machine that carries it out, and until when it is kept for one.
ALTER TABLE start ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE start ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;

-- Each entry carries the hash of the one before, and the run's row carries its last number and hash: the chain alone does
-- not show that its end was cut off. The hashes of entries that are there already are computed by the program.
ALTER TABLE event ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE overview ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE overview ADD COLUMN last_hash TEXT NOT NULL DEFAULT '';

DROP TRIGGER event_moves_run;
CREATE TRIGGER event_moves_run AFTER INSERT ON event BEGIN
    UPDATE overview SET
        rehearsal = coalesce(rehearsal, json_extract(new.data, '$.sources.rehearsal')),
        started = coalesce(started, new.at),
        last = new.at,
        last_seq = new.seq,
        last_hash = new.hash,
        outcome = CASE json_extract(new.data, '$.event')
            WHEN 'run_finished' THEN json_extract(new.data, '$.outcome') WHEN 'run_resumed' THEN NULL ELSE outcome END,
        ended = CASE json_extract(new.data, '$.event')
            WHEN 'run_finished' THEN new.at WHEN 'run_resumed' THEN NULL ELSE ended END
    WHERE run = new.run;
END;
-- An older program that was at work when this version opened the journal knows no hash. It stops, with these words.
CREATE TRIGGER event_has_a_hash BEFORE INSERT ON event WHEN length(new.hash) <> 64 BEGIN
    SELECT RAISE(ABORT, 'a newer version of cutover has opened this journal: use that version');
END;

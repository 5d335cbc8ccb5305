-- What lists and metrics need of the runs, kept beside the journal so that nobody folds ten thousand of them. Triggers
-- keep it, in the transaction of the very entry: whoever writes the journal, it cannot be behind.
CREATE TABLE overview (
    run TEXT PRIMARY KEY REFERENCES run(id), playbook TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT NULL,
    rehearsal INTEGER, outcome TEXT, started INTEGER, ended INTEGER, last INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX overview_by_time ON overview (created, run);
CREATE INDEX overview_by_outcome ON overview (outcome, created, run);

-- Durations of done steps by kind: how many took at most so many milliseconds, and their sums. The last class is open.
CREATE TABLE step_took (
    kind TEXT NOT NULL, at_most INTEGER NOT NULL, steps INTEGER NOT NULL, millis INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (kind, at_most)
) STRICT, WITHOUT ROWID;
CREATE TABLE step_took_class (at_most INTEGER PRIMARY KEY) STRICT;
INSERT INTO step_took_class VALUES
    (100), (500), (1000), (5000), (15000), (60000), (300000), (900000), (3600000), (14400000), (86400000),
    (9223372036854775807);

INSERT INTO overview (run, playbook, hash, created) SELECT id, playbook, hash, created FROM run;
UPDATE overview SET
    rehearsal = (
        SELECT json_extract(data, '$.sources.rehearsal') FROM event
        WHERE event.run = overview.run AND seq = 1 AND json_valid(data)
    ),
    started = (SELECT at FROM event WHERE event.run = overview.run ORDER BY seq LIMIT 1),
    last = (SELECT at FROM event WHERE event.run = overview.run ORDER BY seq DESC LIMIT 1),
    (outcome, ended) = (
        SELECT json_extract(data, '$.outcome'), iif(json_extract(data, '$.event') = 'run_finished', at, NULL) FROM event
        WHERE event.run = overview.run AND json_valid(data)
            AND json_extract(data, '$.event') IN ('run_finished', 'run_resumed')
        ORDER BY seq DESC LIMIT 1
    );

CREATE VIEW done_step AS
    SELECT event.run, event.seq, max(0, event.at - begun.at) AS millis,
        coalesce((
            SELECT json_extract(step.value, '$.uses') FROM run, json_each(run.plan, '$.steps') AS step
            WHERE run.id = event.run AND json_valid(run.plan)
                AND json_extract(step.value, '$.id') = json_extract(event.data, '$.step')
        ), 'unknown') AS kind,
        CASE typeof(json_extract(event.data, '$.outputs.bytes'))
            WHEN 'integer' THEN json_extract(event.data, '$.outputs.bytes') ELSE 0 END AS bytes
    FROM event JOIN event AS begun ON begun.run = event.run AND begun.seq = (
        SELECT max(seq) FROM event AS intent
        WHERE intent.run = event.run AND intent.seq < event.seq AND json_valid(intent.data)
            AND json_extract(intent.data, '$.event') = 'step_intent'
            AND json_extract(intent.data, '$.step') = json_extract(event.data, '$.step')
    )
    WHERE json_valid(event.data) AND json_extract(event.data, '$.event') = 'step_done';

INSERT INTO step_took
    SELECT kind, (SELECT min(at_most) FROM step_took_class WHERE at_most >= millis) AS class, count(*), sum(millis), sum(bytes)
    FROM done_step GROUP BY kind, class;

CREATE TRIGGER run_is_known AFTER INSERT ON run BEGIN
    INSERT INTO overview (run, playbook, hash, created) VALUES (new.id, new.playbook, new.hash, new.created);
END;
CREATE TRIGGER event_moves_run AFTER INSERT ON event BEGIN
    UPDATE overview SET
        rehearsal = coalesce(rehearsal, json_extract(new.data, '$.sources.rehearsal')),
        started = coalesce(started, new.at),
        last = new.at,
        outcome = CASE json_extract(new.data, '$.event')
            WHEN 'run_finished' THEN json_extract(new.data, '$.outcome') WHEN 'run_resumed' THEN NULL ELSE outcome END,
        ended = CASE json_extract(new.data, '$.event')
            WHEN 'run_finished' THEN new.at WHEN 'run_resumed' THEN NULL ELSE ended END
    WHERE run = new.run;
END;
CREATE TRIGGER step_is_done AFTER INSERT ON event WHEN json_extract(new.data, '$.event') = 'step_done' BEGIN
    INSERT INTO step_took
        SELECT kind, (SELECT min(at_most) FROM step_took_class WHERE at_most >= millis), 1, millis, bytes
        FROM done_step WHERE run = new.run AND seq = new.seq
        ON CONFLICT (kind, at_most)
        DO UPDATE SET steps = steps + 1, millis = millis + excluded.millis, bytes = bytes + excluded.bytes;
END;

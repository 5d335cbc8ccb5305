-- The tables on a PostgreSQL that many machines share. People may read them for questions of their own (docs/state.md);
-- times are milliseconds since 1970 (UTC). Ids sort by their bytes, as they do everywhere else.
CREATE TABLE run (
    id TEXT COLLATE "C" PRIMARY KEY, playbook TEXT NOT NULL, hash TEXT NOT NULL, created BIGINT NOT NULL, plan TEXT NOT NULL
);
CREATE TABLE event (
    run TEXT COLLATE "C" NOT NULL REFERENCES run (id), seq BIGINT NOT NULL, at BIGINT NOT NULL, data TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64), PRIMARY KEY (run, seq)
);

-- What lists and metrics need of the runs, so that nobody folds ten thousand of them. Triggers keep it, in the transaction
-- of the very entry: whoever writes, it cannot be behind.
CREATE TABLE overview (
    run TEXT COLLATE "C" PRIMARY KEY REFERENCES run (id), playbook TEXT NOT NULL, hash TEXT NOT NULL, created BIGINT NOT NULL,
    rehearsal BOOLEAN, outcome TEXT, started BIGINT, ended BIGINT, last BIGINT,
    last_seq BIGINT NOT NULL DEFAULT 0, last_hash TEXT NOT NULL DEFAULT '',
    epoch BIGINT NOT NULL DEFAULT 0 -- of the runner that came last: what an earlier one still writes is refused
);
CREATE INDEX overview_by_time ON overview (created, run);
CREATE INDEX overview_by_outcome ON overview (outcome, created, run);

-- Durations of done steps by kind: how many took at most so many milliseconds, and their sums. The last class is open.
CREATE TABLE step_took (
    kind TEXT COLLATE "C" NOT NULL, at_most BIGINT NOT NULL, steps BIGINT NOT NULL, millis BIGINT NOT NULL,
    bytes BIGINT NOT NULL, PRIMARY KEY (kind, at_most)
);
CREATE TABLE step_took_class (at_most BIGINT PRIMARY KEY);
INSERT INTO step_took_class VALUES
    (100), (500), (1000), (5000), (15000), (60000), (300000), (900000), (3600000), (14400000), (86400000),
    (9223372036854775807);

CREATE TABLE schedule (name TEXT COLLATE "C" PRIMARY KEY, timetable TEXT NOT NULL, since BIGINT NOT NULL);
CREATE TABLE start (
    schedule TEXT COLLATE "C" NOT NULL, due BIGINT NOT NULL, verdict TEXT NOT NULL, reason TEXT, decider TEXT NOT NULL,
    at BIGINT NOT NULL, on_demand BOOLEAN NOT NULL, run TEXT COLLATE "C" UNIQUE, command TEXT NOT NULL, claimed BIGINT,
    ended BIGINT, exit_code BIGINT,
    labels TEXT NOT NULL DEFAULT '{}', -- what it asks of the machine that carries it out
    reserved BIGINT NOT NULL DEFAULT 0, -- until when it is kept for one
    PRIMARY KEY (schedule, due)
);
CREATE INDEX start_by_time ON start (at);
CREATE INDEX start_open ON start (at) WHERE verdict = 'queued' OR verdict = 'started' AND ended IS NULL;

CREATE TABLE outbox (
    origin TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, webhook TEXT COLLATE "C" NOT NULL, occasion TEXT NOT NULL,
    at BIGINT NOT NULL, message TEXT NOT NULL, target TEXT NOT NULL, tries BIGINT NOT NULL DEFAULT 0, due BIGINT NOT NULL,
    held BIGINT NOT NULL DEFAULT 0, sent BIGINT, error TEXT, PRIMARY KEY (origin, seq, webhook)
);
CREATE INDEX outbox_unsent ON outbox (at) WHERE sent IS NULL;
CREATE TABLE outbox_run (run TEXT COLLATE "C" PRIMARY KEY, seq BIGINT NOT NULL);

-- Who works on what. Times are those of the store's own clock.
CREATE TABLE holder (
    what TEXT COLLATE "C" PRIMARY KEY, token TEXT NOT NULL, runner TEXT NOT NULL, since BIGINT NOT NULL, seen BIGINT NOT NULL
);

-- The last piece of work of each writer: it says whether one is durable whose answer was lost.
CREATE TABLE receipt (writer TEXT PRIMARY KEY, number BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE FUNCTION run_is_known() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO overview (run, playbook, hash, created) VALUES (NEW.id, NEW.playbook, NEW.hash, NEW.created);
    RETURN NULL;
END $$;
CREATE TRIGGER run_is_known AFTER INSERT ON run FOR EACH ROW EXECUTE FUNCTION run_is_known();

-- JSON without escaped zero characters, which PostgreSQL reads nowhere; the text itself keeps them.
CREATE FUNCTION readable(document TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN strpos(document, '\u0000') = 0 THEN document
        ELSE regexp_replace(document, '((?:^|[^\\])(?:\\\\)*)(?:\\u0000)+', '\1', 'g') END::json
$$;

CREATE FUNCTION entry_is_written() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    name TEXT := substring(NEW.data FROM '^\{"event":"([a-z_]+)"');
    fact JSON;
BEGIN
    IF name IN ('run_started', 'run_resumed', 'run_finished', 'step_done') THEN
        fact := readable(NEW.data);
    END IF;
    UPDATE overview SET
        rehearsal = coalesce(rehearsal, (fact #>> '{sources,rehearsal}')::boolean),
        started = coalesce(started, NEW.at),
        last = NEW.at,
        last_seq = NEW.seq,
        last_hash = NEW.hash,
        epoch = CASE WHEN name IN ('run_started', 'run_resumed')
            THEN greatest(epoch, coalesce((fact ->> 'epoch')::bigint, 0)) ELSE epoch END,
        outcome = CASE name WHEN 'run_finished' THEN fact ->> 'outcome' WHEN 'run_resumed' THEN NULL ELSE outcome END,
        ended = CASE name WHEN 'run_finished' THEN NEW.at WHEN 'run_resumed' THEN NULL ELSE ended END
    WHERE run = NEW.run;
    IF name = 'step_done' THEN
        PERFORM count_step(NEW.run, NEW.seq, NEW.at, fact);
    END IF;
    PERFORM pg_notify('cutover', NEW.run);
    RETURN NULL;
END $$;

-- Writes entries in one step for a writer that knows what they follow. An earlier attempt of the same work is waited for,
-- and not done again; where they do not follow the end of their run, or are not of its runner, nothing is written.
CREATE FUNCTION append(
    of_writer TEXT, of_number BIGINT, of_run TEXT, of_epoch BIGINT, after_seq BIGINT, after_hash TEXT,
    times BIGINT[], events TEXT[], hashes TEXT[]
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO receipt (writer, number) VALUES (of_writer, of_number) ON CONFLICT (writer) DO UPDATE
        SET number = excluded.number, at = excluded.at WHERE receipt.number < excluded.number;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM overview WHERE run = of_run AND last_seq = after_seq AND last_hash = after_hash
        AND (of_epoch IS NULL OR epoch = of_epoch) FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the entries do not follow' USING ERRCODE = 'CU001';
    END IF;
    INSERT INTO event (run, seq, at, data, hash)
        SELECT of_run, after_seq + number, at, data, hash
        FROM unnest(times, events, hashes) WITH ORDINALITY AS new (at, data, hash, number) ORDER BY number;
END $$;

CREATE FUNCTION count_step(of_run TEXT, of_seq BIGINT, done_at BIGINT, fact JSON)
RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    begun BIGINT;
    took BIGINT;
    uses TEXT;
    wrote BIGINT := 0;
BEGIN
    SELECT intent.at INTO begun FROM event AS intent
        WHERE intent.run = of_run AND intent.seq < of_seq AND intent.data LIKE '{"event":"step_intent"%'
            AND readable(intent.data) ->> 'step' = fact ->> 'step'
        ORDER BY intent.seq DESC LIMIT 1;
    IF begun IS NULL THEN
        RETURN;
    END IF;
    took := greatest(0, done_at - begun);
    SELECT step ->> 'uses' INTO uses FROM run, json_array_elements(readable(run.plan) -> 'steps') AS step
        WHERE run.id = of_run AND step ->> 'id' = fact ->> 'step';
    IF fact #>> '{outputs,bytes}' ~ '^[0-9]{1,18}$' THEN
        wrote := (fact #>> '{outputs,bytes}')::bigint;
    END IF;
    INSERT INTO step_took
        SELECT coalesce(uses, 'unknown'), min(at_most), 1, took, wrote FROM step_took_class WHERE at_most >= took
        ON CONFLICT (kind, at_most) DO UPDATE SET
            steps = step_took.steps + 1, millis = step_took.millis + excluded.millis, bytes = step_took.bytes + excluded.bytes;
END $$;
CREATE TRIGGER entry_is_written AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION entry_is_written();

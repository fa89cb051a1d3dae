"""The tables, grown one step at a time: a list of statements, each applied once and never changed after."""

STEPS: list[str] = [
    """
    -- Updates a platform sent, so that one sent twice is handled once.
    CREATE TABLE inbox (
        platform TEXT NOT NULL, update_id TEXT NOT NULL, received TEXT NOT NULL,
        PRIMARY KEY (platform, update_id)
    ) WITHOUT ROWID;

    CREATE TABLE jobs (
        place INTEGER PRIMARY KEY,        -- order of arrival
        id TEXT NOT NULL UNIQUE,
        likeness TEXT NOT NULL,           -- equal for equal requests
        persona TEXT NOT NULL,
        training TEXT NOT NULL,           -- domain.Training as JSON
        state TEXT NOT NULL,
        asker TEXT NOT NULL,
        created TEXT NOT NULL,
        ended TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX one_active_job_a_request ON jobs (likeness)
        WHERE state IN ('waiting', 'ready', 'training');
    CREATE INDEX jobs_of_a_user ON jobs (asker, created);

    -- Who is shown a job's progress and told how it ended.
    CREATE TABLE watchers (
        job TEXT NOT NULL REFERENCES jobs (id), platform TEXT NOT NULL, channel TEXT NOT NULL,
        user TEXT NOT NULL, message TEXT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (job, platform, channel, user, message)
    ) WITHOUT ROWID;

    -- Final notices, written with the state they tell of and removed from view once delivered.
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL, platform TEXT NOT NULL, channel TEXT NOT NULL, user TEXT NOT NULL,
        message TEXT NOT NULL, content TEXT NOT NULL, created TEXT NOT NULL, delivered TEXT
    );
    CREATE INDEX outbox_waiting ON outbox (platform, id) WHERE delivered IS NULL;

    -- Tweets read before: by person and by the content they were read from.
    CREATE TABLE corpora (
        handle TEXT NOT NULL, digest TEXT NOT NULL, summary TEXT NOT NULL, created TEXT NOT NULL,
        PRIMARY KEY (handle, digest)
    ) WITHOUT ROWID;

    CREATE TABLE personas (
        name TEXT PRIMARY KEY, display_name TEXT NOT NULL, current INTEGER NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE versions (
        persona TEXT NOT NULL REFERENCES personas (name) ON DELETE CASCADE,
        number INTEGER NOT NULL, directory TEXT NOT NULL, job TEXT NOT NULL UNIQUE, created TEXT NOT NULL,
        meta TEXT NOT NULL,
        PRIMARY KEY (persona, number)
    ) WITHOUT ROWID;

    -- Choices of admins: a channel's persona, for one.
    CREATE TABLE settings (
        scope TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (scope, name)
    ) WITHOUT ROWID;

    CREATE TABLE audit (
        id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL
    );
    """,
    """
    -- Jobs count against their community too.
    ALTER TABLE jobs ADD COLUMN community TEXT NOT NULL DEFAULT '';
    CREATE INDEX jobs_of_a_community ON jobs (community, created);

    -- A watcher is known by the update that asked; its message comes when the platform has given it an id.
    CREATE TABLE new_watchers (
        id INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs (id), platform TEXT NOT NULL, channel TEXT NOT NULL,
        user TEXT NOT NULL, asked TEXT NOT NULL, message TEXT NOT NULL, name TEXT NOT NULL,
        UNIQUE (job, platform, channel, user, asked)
    );
    INSERT INTO new_watchers (job, platform, channel, user, asked, message, name)
        SELECT job, platform, channel, user, message, message, name FROM watchers;
    CREATE INDEX watchers_of_an_update ON new_watchers (platform, asked);

    -- Where a notice goes is its watcher's business. One was tried before where its sending may have succeeded.
    CREATE TABLE new_outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        watcher INTEGER NOT NULL REFERENCES new_watchers (id),
        content TEXT NOT NULL, created TEXT NOT NULL, tried TEXT, delivered TEXT
    );
    INSERT INTO new_outbox (id, watcher, content, created, delivered)
        SELECT o.id, w.id, o.content, o.created, o.delivered FROM outbox o
        JOIN new_watchers w USING (job, platform, channel, user, message);
    DROP TABLE outbox;
    DROP TABLE watchers;
    ALTER TABLE new_watchers RENAME TO watchers;
    ALTER TABLE new_outbox RENAME TO outbox;
    CREATE INDEX outbox_waiting ON outbox (watcher) WHERE delivered IS NULL;

    -- Updates a platform sent, kept before it is told that they arrived, until they are answered.
    DROP TABLE inbox;
    CREATE TABLE inbox (
        platform TEXT NOT NULL, update_id TEXT NOT NULL, content TEXT NOT NULL, received TEXT NOT NULL, answered TEXT,
        PRIMARY KEY (platform, update_id)
    ) WITHOUT ROWID;

    -- Tweets as they stand in chats, so that a reply to one goes on from it.
    CREATE TABLE said (
        platform TEXT NOT NULL, channel TEXT NOT NULL, message TEXT NOT NULL,
        persona TEXT NOT NULL, words TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (platform, channel, message)
    ) WITHOUT ROWID;

    -- Command lines too long for a button to carry.
    CREATE TABLE lines (id TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID;

    -- Uses of what has a limit a minute.
    CREATE TABLE uses (who TEXT NOT NULL, at TEXT NOT NULL);
    CREATE INDEX uses_of_a_user ON uses (who, at);

    -- Dollars paid to sources, each payment booked once by its receipt.
    CREATE TABLE payments (receipt TEXT PRIMARY KEY, dollars REAL NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;

    -- People nobody may be made of.
    CREATE TABLE blocked (handle TEXT PRIMARY KEY, who TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    -- Tweets of personas that one may vote for, and who did. They go with their persona.
    CREATE TABLE tweets (
        id TEXT PRIMARY KEY, persona TEXT NOT NULL REFERENCES personas (name) ON DELETE CASCADE,
        words TEXT NOT NULL, at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tweets_of_a_persona ON tweets (persona);
    CREATE TABLE votes (
        tweet TEXT NOT NULL REFERENCES tweets (id) ON DELETE CASCADE, who TEXT NOT NULL,
        PRIMARY KEY (tweet, who)
    ) WITHOUT ROWID;
    """,
    """
    -- Whether a vote stands or was taken back, and the update that did it: one that comes again changes nothing.
    ALTER TABLE votes ADD COLUMN standing INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE votes ADD COLUMN asked TEXT NOT NULL DEFAULT '';
    """,
]

-- Identity, complete (auth.md 2.3, 2.4): groups, managed policies, boundaries, tags, OIDC providers, role aliases.
-- Names of users, roles, groups and policies are unique whatever their case; they are shown as they were given.
ALTER TABLE iam_user ADD COLUMN boundary TEXT;             -- ARN of a managed policy
ALTER TABLE iam_role ADD COLUMN boundary TEXT;
ALTER TABLE iam_role ADD COLUMN last_used INTEGER;
ALTER TABLE iam_role ADD COLUMN last_used_region TEXT;
ALTER TABLE iam_access_key ADD COLUMN last_used INTEGER;
ALTER TABLE iam_access_key ADD COLUMN last_used_service TEXT;
ALTER TABLE iam_access_key ADD COLUMN last_used_region TEXT;
CREATE UNIQUE INDEX iam_user_folded ON iam_user (account, lower(name));
CREATE UNIQUE INDEX iam_role_folded ON iam_role (account, lower(name));
CREATE INDEX iam_user_by_boundary ON iam_user (account, boundary);
CREATE INDEX iam_role_by_boundary ON iam_role (account, boundary);
CREATE INDEX iam_attached_policy_by_arn ON iam_attached_policy (account, policy_arn, owner_kind, owner_name);

CREATE TABLE iam_group (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,               -- AGPA...
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX iam_group_folded ON iam_group (account, lower(name));

CREATE TABLE iam_group_member (
    account TEXT NOT NULL,
    group_name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    PRIMARY KEY (account, group_name, user_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_group_of_user ON iam_group_member (account, user_name, group_name);

-- owner_kind: 'user', 'role', 'policy', 'oidc-provider'; owner_name: name, or the provider's URL without its scheme
CREATE TABLE iam_tag (
    account TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, owner_kind, owner_name, name)
) STRICT, WITHOUT ROWID;

-- Customer managed policies; the built-in ones are src/policy/managed.c.
CREATE TABLE iam_policy (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,               -- ANPA...
    description TEXT,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,         -- ids are never reused
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX iam_policy_folded ON iam_policy (account, lower(name));

CREATE TABLE iam_policy_version (
    account TEXT NOT NULL,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, policy, version)
) STRICT, WITHOUT ROWID;

-- url: without its scheme, as ARNs and trust policies name it
CREATE TABLE iam_oidc_provider (
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    scheme TEXT NOT NULL,                  -- 'https'; 'http' only on loopback
    created INTEGER NOT NULL,
    PRIMARY KEY (account, url)
) STRICT, WITHOUT ROWID;

-- kind: 'client', 'thumbprint'
CREATE TABLE iam_oidc_value (
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, url, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE role_alias (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    duration_s INTEGER NOT NULL,
    created INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX role_alias_by_age ON role_alias (account, region, sequence);

-- The registry. An index that lacks what a list shows loses against the primary key, which then is walked from end to end.
-- A thing's row holds what is shown of it; thing_attribute is for searching.
ALTER TABLE thing ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}'; -- JSON object name -> text
UPDATE thing SET attributes = (
    SELECT json_group_object(a.name, a.value) FROM thing_attribute a
    WHERE a.account = thing.account AND a.region = thing.region AND a.thing = thing.name);
CREATE INDEX thing_of_billing_group ON thing (account, region, billing_group, name);
DROP INDEX thing_principal_of_thing;
CREATE INDEX thing_principal_of_thing ON thing_principal (account, region, thing, principal, exclusive);

-- Which registry events are published (x509.md 2.5, 3.8); a kind without a row is off.
CREATE TABLE event_configuration (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,                    -- 'THING', 'THING_GROUP', ...
    enabled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, kind)
) STRICT, WITHOUT ROWID;

-- The last retained message of a topic (broker.md 4.7). A rowid table: payloads are large, and lists read only keys and
-- lengths. properties: JSON of what version 5 carried; expires: milliseconds, the publisher's own wish; ends: when the row
-- goes, by that wish or three years after the last write or read.
CREATE TABLE retained_message (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    qos INTEGER NOT NULL,
    properties TEXT,
    expires INTEGER,
    ends INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, topic)
) STRICT;
CREATE INDEX retained_message_by_end ON retained_message (ends);

-- How many topics of an account have one.
CREATE TABLE retained_count (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (account, region)
) STRICT, WITHOUT ROWID;

-- Who made a change, and in which request: what `muster history` prints.
ALTER TABLE change ADD COLUMN principal TEXT;
ALTER TABLE change ADD COLUMN request TEXT;
ALTER TABLE change ADD COLUMN operation TEXT;
CREATE INDEX change_of_thing ON change (account, region, detail, sequence) WHERE what = 'thing-principal';

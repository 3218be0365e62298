-- Accounts and who may call. Names follow the interfaces; times are milliseconds since the epoch.
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    is_default INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Host prefixes of an account's endpoints in a region (x509.md 4.8), made at first use, never changed.
CREATE TABLE endpoint (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    PRIMARY KEY (account, region, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_user (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_access_key (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    user_name TEXT NOT NULL,
    secret_sealed BLOB NOT NULL,
    status TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_access_key_of_user ON iam_access_key (account, user_name);

CREATE TABLE iam_role (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    trust TEXT NOT NULL,
    description TEXT,
    max_session_s INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- owner_kind: 'user', 'role'
CREATE TABLE iam_inline_policy (
    account TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, owner_kind, owner_name, policy_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE iam_attached_policy (
    account TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    PRIMARY KEY (account, owner_kind, owner_name, policy_arn)
) STRICT, WITHOUT ROWID;

-- The registry.
CREATE TABLE thing_type (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT,
    searchable TEXT NOT NULL,          -- JSON array
    mqtt5 TEXT,                        -- JSON object: mqtt5Configuration
    deprecated INTEGER NOT NULL DEFAULT 0,
    deprecated_at INTEGER,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE thing (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    type_name TEXT,
    billing_group TEXT,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_of_type ON thing (account, region, type_name, name);

CREATE TABLE thing_attribute (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    thing TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, thing, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_attribute_by_value ON thing_attribute (account, region, name, value, thing);

CREATE TABLE thing_group (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    description TEXT,
    attributes TEXT NOT NULL,          -- JSON object name -> text
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_group_children ON thing_group (account, region, parent, name);

CREATE TABLE thing_group_member (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    thing_group TEXT NOT NULL,
    thing TEXT NOT NULL,
    membership_id TEXT NOT NULL,
    PRIMARY KEY (account, region, thing_group, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_group_of_thing ON thing_group_member (account, region, thing, thing_group);

CREATE TABLE billing_group (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

-- principal: a certificate ARN, or a Cognito identity id.
CREATE TABLE thing_principal (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    principal TEXT NOT NULL,
    thing TEXT NOT NULL,
    exclusive INTEGER NOT NULL,
    PRIMARY KEY (account, region, principal, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_principal_of_thing ON thing_principal (account, region, thing, principal);

CREATE TABLE resource_tag (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    resource TEXT NOT NULL,            -- ARN
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, resource, name)
) STRICT, WITHOUT ROWID;

-- Certificates and policies. A certificate id exists once an account; lookups by the gateway go by region and id.
CREATE TABLE certificate (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    status TEXT NOT NULL,
    mode TEXT NOT NULL,                -- DEFAULT, SNI_ONLY
    pem TEXT NOT NULL,
    ca_id TEXT,
    previous_owner TEXT,
    version INTEGER NOT NULL,          -- customerVersion
    generation_id TEXT NOT NULL,
    not_before INTEGER NOT NULL,       -- seconds
    not_after INTEGER NOT NULL,        -- seconds
    created INTEGER NOT NULL,
    sequence INTEGER NOT NULL,         -- order of creation, for lists
    modified INTEGER NOT NULL,
    PRIMARY KEY (region, id, account)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX certificate_by_age ON certificate (account, region, sequence);

CREATE TABLE policy (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,     -- ids are never reused
    generation_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX policy_by_age ON policy (account, region, sequence);

CREATE TABLE policy_version (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, policy, version)
) STRICT, WITHOUT ROWID;

-- target: a certificate ARN, a thing group ARN or a Cognito identity id.
CREATE TABLE policy_target (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    target TEXT NOT NULL,
    policy TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (account, region, target, policy)
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_target_of_policy ON policy_target (account, region, policy, sequence);

-- One counter for every "newest first" list.
CREATE TABLE sequence (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Provisioning.
CREATE TABLE template (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,                -- FLEET_PROVISIONING, JITP
    description TEXT,
    enabled INTEGER NOT NULL,
    role_arn TEXT NOT NULL,
    hook_arn TEXT,
    hook_payload_version TEXT,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE template_version (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    template TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region, template, version)
) STRICT, WITHOUT ROWID;

-- token: hex SHA-256 of the ownership token. answer and request: set when it was used, for a redelivered request.
CREATE TABLE ownership_token (
    token TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    principal TEXT NOT NULL,
    certificate TEXT NOT NULL,
    expires INTEGER NOT NULL,
    template TEXT,
    request TEXT,
    answer TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX ownership_token_by_expiry ON ownership_token (expires);
CREATE INDEX ownership_token_of_principal ON ownership_token (account, region, principal, expires);

-- What happened, in order: the source of invalidation, events, the index and `muster history`.
CREATE TABLE change (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    what TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX change_of_key ON change (account, region, what, key, sequence);

-- How many certificates a principal has asked for that no RegisterThing has used yet; capped.
CREATE TABLE claim_load (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    principal TEXT NOT NULL,
    pending INTEGER NOT NULL,
    PRIMARY KEY (account, region, principal)
) STRICT, WITHOUT ROWID;

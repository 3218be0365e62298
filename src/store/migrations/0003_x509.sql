-- Registered CAs and what comes with them (x509.md 2.2, 4.3, 4.4).

-- What a verification certificate's common name must be; made when it is first asked for.
CREATE TABLE registration_code (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    code TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, region)
) STRICT, WITHOUT ROWID;

-- subject_hash: equal for equal names, and for some others. The registrationConfig is a body and its role, or a template's
-- name, or none. A rowid table: certificates are large, and lists read little of them.
CREATE TABLE ca_certificate (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    status TEXT NOT NULL,              -- ACTIVE, INACTIVE
    auto_registration INTEGER NOT NULL,
    mode TEXT NOT NULL,                -- DEFAULT, SNI_ONLY
    pem TEXT NOT NULL,
    subject_hash INTEGER NOT NULL,
    template_body TEXT,
    role_arn TEXT,
    template_name TEXT,
    version INTEGER NOT NULL,          -- customerVersion
    generation_id TEXT NOT NULL,
    not_before INTEGER NOT NULL,       -- seconds
    not_after INTEGER NOT NULL,        -- seconds
    created INTEGER NOT NULL,
    sequence INTEGER NOT NULL,         -- order of creation, for lists
    modified INTEGER NOT NULL,
    PRIMARY KEY (account, region, id)
) STRICT;
CREATE INDEX ca_certificate_by_id ON ca_certificate (region, id, mode); -- who else has it (x509.md 4.5)
CREATE UNIQUE INDEX ca_certificate_by_age ON ca_certificate (account, region, sequence);
CREATE INDEX ca_certificate_by_subject ON ca_certificate (account, region, subject_hash, sequence);
CREATE INDEX ca_certificate_of_template ON ca_certificate (account, region, template_name, sequence)
    WHERE template_name IS NOT NULL;
CREATE INDEX certificate_of_ca ON certificate (account, region, ca_id, sequence) WHERE ca_id IS NOT NULL;

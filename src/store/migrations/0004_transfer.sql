-- Certificates on their way from one account to another (x509.md 4.7): the last transfer of each certificate to each
-- target, the finished ones too, since who comes late is told so. While one is pending, both accounts have a row of the
-- certificate, PENDING_TRANSFER; accepting removes the source's, ending it otherwise the target's.
CREATE TABLE certificate_transfer (
    account TEXT NOT NULL,             -- who transfers
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,               -- PENDING, ACCEPTED, REJECTED, CANCELLED
    number INTEGER NOT NULL,           -- order of transfers
    generation_id TEXT NOT NULL,       -- of the certificate: one that is registered again was never transferred
    created INTEGER NOT NULL,          -- of the certificate, as its sequence, for the list
    sequence INTEGER NOT NULL,
    message TEXT,
    transferred INTEGER NOT NULL,
    accepted INTEGER,
    rejected INTEGER,
    reject_reason TEXT,
    PRIMARY KEY (account, region, id, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_transfer_to ON certificate_transfer (target, region, id);
CREATE INDEX certificate_transfer_pending ON certificate_transfer (account, region, sequence) WHERE state = 'PENDING';
CREATE INDEX certificate_transfer_by_age ON certificate_transfer (transferred) WHERE state = 'PENDING';

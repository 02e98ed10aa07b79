package witness

import (
	"context"

	"sourdine/vault/translog"
)

// Audit repeats all checks on what is stored: it reads and hashes every leaf
// again, follows each channel's rosters, reads their files and certificates, and
// judges every deletion and everything addressed to this reviewer, as
// [Book.Missing] does. Orders behind deletions of what is addressed to others are
// judged when they are here. The desk repeats [Book.Check] on what it stores.
func (b *Book) Audit(ctx context.Context, h Holdings) ([]Finding, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if err := b.reread(); err != nil {
		return []Finding{{Kind: BookDamaged, Cause: err.Error()}}, ctx.Err()
	}
	findings := b.forkFindings()
	for _, check := range []func() ([]Finding, error){
		func() ([]Finding, error) { return b.examine(0) },
		func() ([]Finding, error) { return b.missing(h) },
		func() ([]Finding, error) { return b.others(h) },
		func() ([]Finding, error) { return b.auditPast(h) },
	} {
		if err := ctx.Err(); err != nil {
			return findings, err
		}
		more, err := check()
		findings = append(findings, more...)
		if err != nil {
			return append(findings, Finding{Kind: BookDamaged, Cause: err.Error()}), nil
		}
	}
	return findings, nil
}

// reread opens the book anew beside this one, as far as this one knows.
func (b *Book) reread() error {
	again, err := open(b.fs, b.vaultKey)
	if err != nil {
		return err
	}
	return again.Close()
}

// others judges deletions of what is addressed to other reviewers only.
func (b *Book) others(h Holdings) ([]Finding, error) {
	recipient, inquiry := translog.RecipientHash(h.Fingerprint), b.inquire()
	var findings []Finding
	err := b.leaves(0, func(number int64, line []byte) error {
		id, isSubmission, ok := subject(line)
		at, deleted := b.index.deletions[id]
		if !ok || !isSubmission || !deleted || addressed(line, recipient) || b.index.submissions[id] != number {
			return nil
		}
		s, err := leafAt[translog.Submission](b, number)
		if err != nil {
			return err
		}
		d, err := leafAt[translog.Deletion](b, at)
		if err != nil {
			return err
		}
		for _, f := range of(s.ID, number, inquiry.whyDeleted(s, d)) {
			if f.Kind != OrderMissing {
				findings = append(findings, f)
			}
		}
		return nil
	})
	return findings, err
}

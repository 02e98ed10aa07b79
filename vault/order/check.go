package order

import (
	"encoding/hex"
	"errors"
	"regexp"
	"unicode"
	"unicode/utf8"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// fingerprintForm is that of a v4 or a v6 key.
var fingerprintForm = regexp.MustCompile(`^([0-9A-F]{40}|[0-9A-F]{64})$`)

// check refuses what is over a limit, unsorted, double or not in its form. Its
// words are for who makes an order; a reader says [form.refusal] for all of them.
func (r *Return) check() error {
	if err := checkHead(r.Version, r.VaultKey, r.Reviewer, r.Sequence); err != nil {
		return err
	}
	if err := r.checkLog(); err != nil {
		return err
	}
	return r.checkLists()
}

// checkHead is of what both documents begin with.
func checkHead(version int, vaultKey, reviewer string, sequence uint64) error {
	switch {
	case version != Version:
		return errors.New("an order has another version")
	case !fingerprintForm.MatchString(reviewer):
		return errors.New("the reviewer of an order is not a fingerprint")
	case sequence < 1 || sequence > maxNumber:
		return errors.New("the sequence of an order counts from 1")
	}
	_, err := translog.Origin(vaultKey)
	return err
}

// checkLog holds the checkpoint against what it is said to be: servers and
// admins compare these to find a fork, and must not file anything else.
func (r *Return) checkLog() error {
	if r.Checkpoint == "" && r.Seen == 0 {
		return nil
	}
	bad := errors.New("the checkpoint of an order is not the vault's for the log that was seen")
	if len(r.Checkpoint) > MaxCheckpoint || !utf8.ValidString(r.Checkpoint) {
		return bad
	}
	for _, c := range r.Checkpoint {
		if c != '\n' && !unicode.IsPrint(c) { // JSON spells some others in two ways
			return bad
		}
	}
	head, err := translog.OpenCheckpoint([]byte(r.Checkpoint), r.VaultKey)
	if err != nil || head.Size != r.Seen {
		return bad
	}
	return nil
}

func (r *Return) checkLists() error {
	switch {
	case len(r.Replies) > MaxReplies || len(r.Envelopes) > MaxEnvelopes:
		return errors.New("an order has too many replies or envelopes")
	case checkIDs(r.Acknowledged) != nil || checkIDs(r.Opened) != nil:
		return errIDs
	case checkSorted(len(r.Envelopes), MaxEnvelopes, func(i int) string { return r.Envelopes[i].ID }) != nil:
		return errIDs
	case r.Deletions != "" && !isDigest(r.Deletions):
		return errors.New("an order names its deletions by a SHA-256")
	}
	return r.checkFiles()
}

func (r *Return) checkFiles() error {
	var total int64
	for i, p := range r.Replies {
		if err := p.check(); err != nil || p.N != i+1 {
			return errReply
		}
		total += p.Size
	}
	for _, e := range r.Envelopes {
		if err := e.check(); err != nil {
			return err
		}
		total += e.Size
	}
	if total > MaxFiles {
		return errors.New("the replies and envelopes of an order are too large together")
	}
	return nil
}

var (
	errIDs      = errors.New("the ids of an order are not sorted, or one is twice there or damaged")
	errReply    = errors.New("a reply of an order is not in its form, or too large")
	errEnvelope = errors.New("an envelope of an order is not in its form, or too large")
)

func checkIDs(ids IDs) error {
	return checkSorted(len(ids), MaxIDs, func(i int) string { return ids[i] })
}

func checkSorted(n, limit int, at func(int) string) error {
	if n > limit {
		return errIDs
	}
	last := ""
	for i := range n {
		id := at(i)
		if _, err := vault.ParseID(id); err != nil || id <= last {
			return errIDs
		}
		last = id
	}
	return nil
}

func (p *Reply) check() error {
	if p.N < 1 || p.Size < 1 || p.Size > MaxReply || !isMailbox(p.Mailbox) || !isDigest(p.SHA256) {
		return errReply
	}
	return nil
}

func (e *Envelope) check() error {
	if e.Epoch < 1 || e.Epoch > maxNumber || e.Size < 1 || e.Size > MaxEnvelope || !isDigest(e.SHA256) {
		return errEnvelope
	}
	return nil
}

func isDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && hex.EncodeToString(raw) == s
}

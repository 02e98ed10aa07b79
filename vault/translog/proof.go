package translog

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof is the longest proof in a log of [MaxSize] leaves, in hashes.
const maxProof = 41

var errProof = errors.New("the proof is damaged")

// A Proof is a path through the tree, in the order of RFC 6962, section 2.1.1
// (inclusion) or 2.1.2 (consistency). Its JSON is a list of base 64 strings.
type Proof []tlog.Hash

// Inclusion proves that the leaf at index, counted from 0, is in the log of the
// first size leaves.
func Inclusion(index, size int64, stored tlog.HashReader) (Proof, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(size, index, stored)
	if err != nil {
		return nil, fmt.Errorf("failed to prove inclusion: %w", err)
	}
	return Proof(path), nil
}

// CheckInclusion returns nil only when the leaf, in its encoding, is the one at
// index in the log that the checkpoint is of.
func CheckInclusion(p Proof, leaf []byte, index int64, c Checkpoint) error {
	if err := c.check(); err != nil {
		return err
	}
	if tlog.CheckRecord(tlog.RecordProof(p), c.Size, c.Root, index, tlog.RecordHash(leaf)) != nil {
		return errors.New("the leaf is not proven to be in the log")
	}
	return nil
}

// Consistency proves that the log of the first older leaves is how that of the
// first newer ones begins. From the empty log the proof is empty, and every log
// continues it.
func Consistency(older, newer int64, stored tlog.HashReader) (Proof, error) {
	if older < 0 || older > newer || checkSize(newer) != nil {
		return nil, errors.New("failed to prove consistency: not the sizes of a log")
	}
	if older == 0 {
		return Proof{}, nil
	}
	path, err := tlog.ProveTree(newer, older, stored)
	if err != nil {
		return nil, fmt.Errorf("failed to prove consistency: %w", err)
	}
	return Proof(path), nil
}

// CheckConsistency returns nil only when the newer checkpoint's log begins with
// all of the older one's. Both must be of the same origin; equal sizes need
// equal roots. An older log that is larger fails like every other: the caller
// compares the sizes when it wants to tell a rollback from a fork.
func CheckConsistency(p Proof, older, newer Checkpoint) error {
	for _, c := range []Checkpoint{older, newer} {
		if err := c.check(); err != nil {
			return err
		}
	}
	failed := errors.New("the newer log is not proven to continue the older one")
	switch {
	case older.Origin != newer.Origin:
		return errors.New("the checkpoints are of two logs")
	case older.Size > newer.Size:
		return failed
	case older.Size == 0:
		if len(p) > 0 {
			return failed
		}
		return nil
	}
	if tlog.CheckTree(tlog.TreeProof(p), newer.Size, newer.Root, older.Size, older.Root) != nil {
		return failed
	}
	return nil
}

// MarshalJSON writes a list of base 64 strings; no proof is an empty list.
func (p Proof) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]tlog.Hash{}, p...))
}

// UnmarshalJSON reads what MarshalJSON wrote, and ignores blanks only.
func (p *Proof) UnmarshalJSON(raw []byte) error {
	if len(raw) > maxHashes {
		return errProof
	}
	var path []tlog.Hash
	if err := json.Unmarshal(raw, &path); err != nil || len(path) > maxProof {
		return errProof
	}
	if !spells(raw, Proof(path)) {
		return errProof
	}
	*p = path
	return nil
}

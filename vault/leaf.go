package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// pendingKey gives a leaf that waits for the log a random place, so that order
// says nothing.
const pendingKey = 16 // bytes

// putPending lets an encoded leaf wait for the next batch.
func putPending(tx *bolt.Tx, leaf []byte) error {
	key := make([]byte, pendingKey)
	rand.Read(key)
	return put(tx.Bucket(bucketPending), key, leaf)
}

func rosterLeaf(roster Roster, stored []byte, day string) ([]byte, error) {
	digest := sha256.Sum256(stored)
	leaf := translog.Roster{Channel: roster.Channel, Day: day, Epoch: roster.Epoch, SHA256: hex.EncodeToString(digest[:])}
	for _, m := range roster.Members {
		leaf.Members = append(leaf.Members, translog.Member{Name: m.Name, Fingerprint: m.Fingerprint})
	}
	return translog.Encode(leaf)
}

// submissionLeaf names as recipients those on the roster at the submission's
// epoch: the vault cannot look into the envelope.
func (v *Vault) submissionLeaf(id ID, h Header) ([]byte, error) {
	recipients, err := v.recipients(h.Channel, h.Epoch)
	if err != nil {
		return nil, err
	}
	return encodeSubmission(id, h, recipients)
}

func encodeSubmission(id ID, h Header, recipients []string) ([]byte, error) {
	return translog.Encode(translog.Submission{ID: id.String(), Channel: h.Channel, Day: h.Day,
		Epoch: h.Epoch, Recipients: recipients, Payloads: h.Digests})
}

type rosterEpoch struct {
	channel string
	epoch   uint64
}

// recipients returns the hashes of a roster's fingerprints, ascending; none for
// a roster that the vault does not have. A roster at an epoch never changes, so
// the answer is kept: certificates take long to decode.
func (v *Vault) recipients(channel string, epoch uint64) ([]string, error) {
	r, err := v.hashedRoster(channel, epoch)
	return r.hashes, err
}

// rosterDay returns the day of a roster; "" for one that the vault does not have.
func (v *Vault) rosterDay(channel string, epoch uint64) (string, error) {
	r, err := v.hashedRoster(channel, epoch)
	return r.day, err
}

// A hashedRoster is what is asked of a roster often.
type hashedRoster struct {
	hashes []string // of the members
	day    string
}

func (v *Vault) hashedRoster(channel string, epoch uint64) (hashedRoster, error) {
	at := rosterEpoch{channel, epoch}
	if known, ok := v.hashed.Load(at); ok {
		return known.(hashedRoster), nil
	}
	_, roster, err := v.RosterAt(channel, epoch)
	if errors.Is(err, ErrNotFound) {
		return hashedRoster{}, nil
	}
	if err != nil {
		return hashedRoster{}, err
	}
	r := hashedRoster{recipientHashes(roster), roster.day()}
	v.hashed.Store(at, r)
	return r, nil
}

func recipientHashes(roster Roster) []string {
	hashes := make([]string, 0, len(roster.Members))
	for _, m := range roster.Members {
		hashes = append(hashes, translog.RecipientHash(m.Fingerprint))
	}
	slices.Sort(hashes)
	return hashes
}

package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// An Acknowledgement says that a reviewer's desk has a submission.
type Acknowledgement struct {
	By  string // translog.RecipientHash of the reviewer's fingerprint
	Day string // UTC
}

// Acknowledge notes that the reviewer's desk has the submission, from today on;
// again, it changes nothing. It returns [ErrNotFound] for an unknown submission.
// Whether the reviewer is on its roster is for the caller to ask.
func (c *Change) Acknowledge(id ID, fingerprint string) error {
	if _, err := header(c.tx, id); err != nil {
		return fmt.Errorf("submission %s: %w", id, err)
	}
	// One that is damaged is made anew: with it the submission would never expire.
	if day, err := get(c.tx.Bucket(bucketAcks), ackKey(id, fingerprint)); err == nil && day != nil {
		return nil
	}
	return put(c.tx.Bucket(bucketAcks), ackKey(id, fingerprint), []byte(today()))
}

// Acknowledged tells whether the reviewer's desk has the submission.
func (c *Change) Acknowledged(id ID, fingerprint string) bool {
	return c.tx.Bucket(bucketAcks).Get(ackKey(id, fingerprint)) != nil
}

// ackKey is the submission and [translog.RecipientHash] in binary form.
func ackKey(id ID, fingerprint string) []byte {
	by := sha256.Sum256([]byte(strings.ToUpper(fingerprint)))
	return append(id[:], by[:]...)
}

// Acknowledgements returns who has a submission, in no particular order. What is
// not there has none.
func (v *Vault) Acknowledgements(id ID) (acks []Acknowledgement, err error) {
	err = v.view(func(tx *bolt.Tx) (err error) {
		acks, err = acknowledgements(tx, id)
		return err
	})
	return acks, err
}

func acknowledgements(tx *bolt.Tx, id ID) (acks []Acknowledgement, err error) {
	c := tx.Bucket(bucketAcks).Cursor()
	for k, stored := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, stored = c.Next() {
		day, err := unstamp(k, stored)
		if err != nil {
			return nil, fmt.Errorf("an acknowledgement of submission %s: %w", id, err)
		}
		acks = append(acks, Acknowledgement{hex.EncodeToString(k[len(id):]), string(day)})
	}
	return acks, nil
}

// AckedByAll tells whether every reviewer has the submission who may read it and
// is still on its channel's roster ([Readers.Still]): who was removed cannot say so
// any more. It returns [ErrNotFound] for an unknown submission, and false when there
// is nobody who could.
func (v *Vault) AckedByAll(id ID) (bool, error) {
	e, err := v.Entry(id)
	if err != nil {
		return false, fmt.Errorf("submission %s: %w", id, err)
	}
	_, all, err := v.ackedByAll(e)
	return all, err
}

// ackedByAll returns as well the day of the last acknowledgement, or of the
// channel's last roster when that is later: when one who lacks a submission was
// removed, there is time to put them back and to seal it to them anew.
func (v *Vault) ackedByAll(e Entry) (last string, all bool, err error) {
	acks, err := v.Acknowledgements(e.ID)
	if err != nil || len(acks) == 0 {
		return "", false, err
	}
	readers, err := v.Readers(e)
	if err != nil || len(readers.Still) == 0 {
		return "", false, err
	}
	if last, err = v.rosterDay(e.Channel, readers.Epoch); err != nil {
		return "", false, err
	}
	days := make(map[string]string, len(acks))
	for _, a := range acks {
		days[a.By] = a.Day
	}
	for _, by := range readers.Still {
		day, ok := days[by]
		if !ok {
			return "", false, nil
		}
		last = max(last, day)
	}
	return last, true, nil
}

func eraseAcks(tx *bolt.Tx, id ID) error {
	c := tx.Bucket(bucketAcks).Cursor()
	for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Seek(id[:]) {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

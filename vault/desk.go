package vault

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// maxApplied bounds the signed receipt of a return parcel, in bytes.
const maxApplied = 16 << 20

// A DeskState is what the vault remembers of a reviewer's desk.
type DeskState struct {
	Sequence uint64 `json:"sequence"` // of its last return parcel
	Seen     int64  `json:"seen"`     // size of the log that it acknowledged
	Applied  []byte `json:"applied"`  // the signed receipt of its last return parcel
}

// Desk returns the state of the desk of the reviewer with that fingerprint, if
// there is any yet.
func (v *Vault) Desk(fingerprint string) (state DeskState, ok bool, err error) {
	err = v.view(func(tx *bolt.Tx) (err error) {
		state, ok, err = desk(tx, fingerprint)
		return err
	})
	return state, ok, err
}

// Desk is [Vault.Desk] inside of a change. A damaged state fails the change: taken
// for none it would let old return parcels in again.
func (c *Change) Desk(fingerprint string) (DeskState, bool) {
	state, ok, err := desk(c.tx, fingerprint)
	c.err = errors.Join(c.err, err)
	return state, ok
}

// SetDesk stores the state of a reviewer's desk.
func (c *Change) SetDesk(fingerprint string, state DeskState) error {
	switch {
	case fingerprint == "" || len(fingerprint) > 64:
		return errors.New("not a fingerprint")
	case len(state.Applied) > maxApplied:
		return fmt.Errorf("a return parcel's receipt takes at most %d bytes", maxApplied)
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return put(c.tx.Bucket(bucketDesks), []byte(fingerprint), raw)
}

func desk(tx *bolt.Tx, fingerprint string) (state DeskState, ok bool, err error) {
	raw, err := get(tx.Bucket(bucketDesks), []byte(fingerprint))
	if err == nil && raw == nil {
		return state, false, nil
	}
	if err == nil && json.Unmarshal(raw, &state) != nil {
		err = ErrDamaged
	}
	if err != nil {
		return DeskState{}, false, fmt.Errorf("the state of a desk: %w", err)
	}
	return state, true, nil
}

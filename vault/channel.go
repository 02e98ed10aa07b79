package vault

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

const maxChannelName = 64 // in characters

// ErrExists is returned when a channel of that name, or a reviewer with that
// certificate, is there already.
var ErrExists = errors.New("exists already")

// ErrLastReviewer is returned when the only reviewer of a channel is to be
// removed.
var ErrLastReviewer = errors.New("the only reviewer of a channel cannot be removed: nobody could read what sources send to it")

// A Member is a reviewer on a channel's roster. The vault does not look into
// certificates: who adds a member has checked it.
type Member struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Certificate []byte `json:"certificate"`
	// ClientKey opens the pickup site to this reviewer's Tor client: an x25519
	// public key in base 32, or empty for a reviewer without access to pickup.
	ClientKey string `json:"client_key,omitempty"`
	Added     string `json:"added"` // day, UTC
}

// A Roster is the reviewers of a channel at an epoch. Epoch 0 is a new
// channel's empty roster; each change adds one, and no epoch is forgotten.
type Roster struct {
	Channel string   `json:"channel"`
	Epoch   uint64   `json:"epoch"`
	Day     string   `json:"day,omitempty"` // of the change, UTC; vaults of version 1 had none
	Members []Member `json:"members"`
}

// day is when it became what it is: without a day of its own that on which its
// last member was added.
func (r Roster) day() string {
	day := r.Day
	for _, m := range r.Members {
		if r.Day == "" {
			day = max(day, m.Added)
		}
	}
	return day
}

// AddChannel creates a channel with an empty roster, or returns [ErrExists].
func (v *Vault) AddChannel(ctx context.Context, name string) error {
	if err := checkChannelName(name); err != nil {
		return err
	}
	defer v.rosters.Add(1)
	day := today()
	return v.update(ctx, 0, func(tx *bolt.Tx) error {
		if tx.Bucket(bucketChannels).Bucket([]byte(name)) != nil {
			return fmt.Errorf("channel %s %w", name, ErrExists)
		}
		return putRoster(tx, Roster{Channel: name, Day: day}, day)
	})
}

// checkChannelName keeps names printable on one line of a page, a terminal and
// a parcel's index.
func checkChannelName(name string) error {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxChannelName {
		return fmt.Errorf("a channel's name has 1 to %d characters", maxChannelName)
	}
	for i, r := range name {
		twice := r == ' ' && strings.HasPrefix(name[i:], "  ") // a browser would make one of them
		edge := i == 0 || i+utf8.RuneLen(r) == len(name)
		if !unicode.IsGraphic(r) || (r != ' ' && unicode.IsSpace(r)) || (edge && r == ' ') || twice {
			return errors.New("a channel's name has printable characters only, no blank at its ends and no two in a row")
		}
	}
	return nil
}

// AddMember puts a reviewer on a channel's roster and returns the new roster. The
// other certificate of one who is on it, a renewed one, takes the place of theirs; a
// name or client key that m lacks they keep. It returns [ErrNotFound] for an unknown
// channel and [ErrExists] for a certificate that is on the roster already.
func (v *Vault) AddMember(ctx context.Context, channel string, m Member) (Roster, error) {
	return v.changeRoster(ctx, channel, len(m.Certificate), func(members []Member) ([]Member, error) {
		at := memberIndex(members, m.Fingerprint)
		if at < 0 {
			return append(members, m), nil
		}
		before := members[at]
		if bytes.Equal(before.Certificate, m.Certificate) {
			return nil, fmt.Errorf("reviewer %s %w in this channel", m.Fingerprint, ErrExists)
		}
		members[at] = m
		members[at].Name = cmp.Or(m.Name, before.Name)
		members[at].ClientKey = cmp.Or(m.ClientKey, before.ClientKey)
		return members, nil
	})
}

// RemoveMember takes the reviewer with that fingerprint off a channel's roster and
// returns the new roster. What was sealed to them before stays so. It returns
// [ErrNotFound] for an unknown channel and for a reviewer who is not on its
// roster, and [ErrLastReviewer] for the only one who is.
func (v *Vault) RemoveMember(ctx context.Context, channel, fingerprint string) (Roster, error) {
	return v.changeRoster(ctx, channel, 0, func(members []Member) ([]Member, error) {
		at := memberIndex(members, fingerprint)
		switch {
		case at < 0:
			return nil, fmt.Errorf("reviewer %s %w", fingerprint, ErrNotFound)
		case len(members) == 1:
			return nil, ErrLastReviewer
		}
		return slices.Delete(members, at, at+1), nil
	})
}

func memberIndex(members []Member, fingerprint string) int {
	return slices.IndexFunc(members, func(m Member) bool { return m.Fingerprint == fingerprint })
}

// changeRoster gives a channel its next roster. size is about how many bytes that
// adds.
func (v *Vault) changeRoster(ctx context.Context, channel string, size int, change func([]Member) ([]Member, error)) (Roster, error) {
	var roster Roster
	day := today()
	defer v.rosters.Add(1)
	err := v.update(ctx, size, func(tx *bolt.Tx) (err error) {
		if roster, err = currentRoster(tx, channel); err != nil {
			return err
		}
		if roster.Members, err = change(roster.Members); err != nil {
			return err
		}
		roster.Epoch++
		roster.Day = day
		return putRoster(tx, roster, day)
	})
	if err != nil {
		return Roster{}, err
	}
	return roster, nil
}

// RostersVersion changes whenever a channel or a roster may have changed.
func (v *Vault) RostersVersion() uint64 { return v.rosters.Load() }

// Roster returns a channel's current roster, or [ErrNotFound].
func (v *Vault) Roster(channel string) (Roster, error) {
	var roster Roster
	err := v.view(func(tx *bolt.Tx) (err error) {
		roster, err = currentRoster(tx, channel)
		return err
	})
	return roster, err
}

// RosterAt returns a channel's roster at an epoch, as stored and decoded, or
// [ErrNotFound]. A roster's leaf has the SHA-256 of what is stored.
func (v *Vault) RosterAt(channel string, epoch uint64) (stored []byte, roster Roster, err error) {
	err = v.view(func(tx *bolt.Tx) (err error) {
		epochs := tx.Bucket(bucketChannels).Bucket([]byte(channel))
		if epochs == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		key := binary.BigEndian.AppendUint64(nil, epoch)
		if roster, err = decodeRoster(channel, key, epochs.Get(key)); err != nil {
			return err
		}
		stored = bytes.Clone(epochs.Get(key))
		stored = stored[:len(stored)-sumSize]
		return nil
	})
	return stored, roster, err
}

// Channels returns the current roster of every channel, by name.
func (v *Vault) Channels() ([]Roster, error) {
	var rosters []Roster
	err := v.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketChannels).ForEachBucket(func(name []byte) error {
			roster, err := currentRoster(tx, string(name))
			rosters = append(rosters, roster)
			return err
		})
	})
	return rosters, err
}

func currentRoster(tx *bolt.Tx, channel string) (Roster, error) {
	epochs := tx.Bucket(bucketChannels).Bucket([]byte(channel))
	if epochs == nil {
		return Roster{}, fmt.Errorf("channel %w", ErrNotFound)
	}
	key, stored := epochs.Cursor().Last()
	return decodeRoster(channel, key, stored)
}

func decodeRoster(channel string, key, stored []byte) (roster Roster, err error) {
	if stored == nil {
		return roster, fmt.Errorf("roster %w", ErrNotFound)
	}
	raw, err := unstamp(rosterKey(channel, key), stored)
	if err == nil && json.Unmarshal(raw, &roster) != nil {
		err = ErrDamaged
	}
	if err != nil {
		return Roster{}, fmt.Errorf("the roster of channel %s: %w", channel, err)
	}
	return roster, nil
}

// rosterKey is what a roster's checksum is over beside the roster: the whole
// way to it.
func rosterKey(channel string, key []byte) []byte { return append([]byte(channel), key...) }

// putRoster stores a roster, and its leaf for the log.
func putRoster(tx *bolt.Tx, roster Roster, day string) error {
	raw, err := json.Marshal(roster)
	if err != nil {
		return err
	}
	return storeRoster(tx, roster, raw, day)
}

// storeRoster is putRoster for one that is encoded already.
func storeRoster(tx *bolt.Tx, roster Roster, raw []byte, day string) error {
	leaf, err := rosterLeaf(roster, raw, day)
	if err != nil {
		return err
	}
	epochs, err := tx.Bucket(bucketChannels).CreateBucketIfNotExists([]byte(roster.Channel))
	if err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint64(nil, roster.Epoch)
	if err := epochs.Put(key, stamp(rosterKey(roster.Channel, key), bytes.Clone(raw))); err != nil {
		return err
	}
	return putPending(tx, leaf)
}

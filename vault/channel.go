package vault

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

const maxChannelName = 64 // in characters

// ErrExists is returned when a channel of that name, or a reviewer with that
// certificate, is there already.
var ErrExists = errors.New("exists already")

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
	Members []Member `json:"members"`
}

// AddChannel creates a channel with an empty roster, or returns [ErrExists].
func (v *Vault) AddChannel(ctx context.Context, name string) error {
	if err := checkChannelName(name); err != nil {
		return err
	}
	defer v.rosters.Add(1)
	return v.update(ctx, 0, func(tx *bolt.Tx) error {
		if _, err := currentRoster(tx, name); err == nil {
			return fmt.Errorf("channel %s %w", name, ErrExists)
		}
		return putRoster(tx, Roster{Channel: name})
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

// AddMember puts a reviewer on a channel's roster and returns the new roster.
// It returns [ErrNotFound] for an unknown channel and [ErrExists] for a
// certificate that is on the roster already.
func (v *Vault) AddMember(ctx context.Context, channel string, m Member) (Roster, error) {
	var roster Roster
	defer v.rosters.Add(1)
	err := v.update(ctx, len(m.Certificate), func(tx *bolt.Tx) (err error) {
		roster, err = currentRoster(tx, channel)
		if err != nil {
			return err
		}
		for _, other := range roster.Members {
			if other.Fingerprint == m.Fingerprint {
				return fmt.Errorf("reviewer %s %w in this channel", other.Fingerprint, ErrExists)
			}
		}
		roster.Epoch++
		roster.Members = append(roster.Members, m)
		return putRoster(tx, roster)
	})
	return roster, err
}

// RostersVersion changes whenever a channel or a roster may have changed.
func (v *Vault) RostersVersion() uint64 { return v.rosters.Load() }

// Roster returns a channel's current roster, or [ErrNotFound].
func (v *Vault) Roster(channel string) (Roster, error) {
	var roster Roster
	err := v.db.View(func(tx *bolt.Tx) (err error) {
		roster, err = currentRoster(tx, channel)
		return err
	})
	return roster, err
}

// Channels returns the current roster of every channel, by name.
func (v *Vault) Channels() ([]Roster, error) {
	var rosters []Roster
	err := v.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketChannels).ForEachBucket(func(name []byte) error {
			roster, err := currentRoster(tx, string(name))
			rosters = append(rosters, roster)
			return err
		})
	})
	return rosters, err
}

func currentRoster(tx *bolt.Tx, channel string) (Roster, error) {
	var roster Roster
	epochs := tx.Bucket(bucketChannels).Bucket([]byte(channel))
	if epochs == nil {
		return roster, fmt.Errorf("channel %w", ErrNotFound)
	}
	_, raw := epochs.Cursor().Last()
	if err := json.Unmarshal(raw, &roster); err != nil {
		return roster, fmt.Errorf("a channel's roster is damaged: %w", err)
	}
	return roster, nil
}

func putRoster(tx *bolt.Tx, roster Roster) error {
	raw, err := json.Marshal(roster)
	if err != nil {
		return err
	}
	epochs, err := tx.Bucket(bucketChannels).CreateBucketIfNotExists([]byte(roster.Channel))
	if err != nil {
		return err
	}
	return epochs.Put(binary.BigEndian.AppendUint64(nil, roster.Epoch), raw)
}

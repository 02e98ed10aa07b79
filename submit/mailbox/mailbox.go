// Package mailbox is a source's return address: what a passphrase opens.
//
// A passphrase is turned by Argon2id into the mailbox's id and into the secret
// that unlocks its OpenPGP key. The vault keeps the locked key and sealed
// receipts; without the passphrase it can open neither.
//
// What it promises: the key is unlocked only in the memory of a request that
// brings the passphrase; receipts are padded like everything that is sealed.
//
// What it does not promise: that a server which is watched while the source
// reads learns nothing. The mailbox's key opens receipts and replies, never a
// submission (promise 2).
package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/argon2"

	"sourdine/vault"
)

// Argon2id (RFC 9106), about 20 ms of a core. The words carry 88 bits already: a heavier
// function would only let a flood of tiny requests starve real uploads.
const (
	argonPasses  = 5
	argonMemory  = 8 << 10 // KiB
	argonThreads = 1

	atOnce = 2 // derivations, each with its own memory

	idSize     = 16
	secretSize = 32
)

// ErrLocked is returned by [Access.Unlock] when the key does not open: the
// mailbox was stored under another passphrase, or is damaged.
var ErrLocked = errors.New("the mailbox does not open")

// A Deriver turns passphrases into access, a few at a time.
type Deriver struct {
	salt  []byte
	slots chan struct{}
}

// NewDeriver returns a deriver for a server, whose salt is 16 random bytes
// that never change: another server's mailboxes cannot be tried against it.
func NewDeriver(salt []byte) *Deriver {
	return &Deriver{salt: salt, slots: make(chan struct{}, atOnce)}
}

// Access is what a passphrase gives.
type Access struct {
	ID     vault.MailboxID
	secret []byte
}

// Derive computes the access of a passphrase's canonical form. It waits for a
// free slot until ctx ends.
func (d *Deriver) Derive(ctx context.Context, canonical []byte) (Access, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return Access{}, ctx.Err()
	}
	key := argon2.IDKey(canonical, d.salt, argonPasses, argonMemory, argonThreads, idSize+secretSize)
	return Access{ID: vault.MailboxID(key[:idSize]), secret: key[idSize:]}, nil
}

// A Key is a mailbox's OpenPGP key, unlocked.
type Key struct {
	entity *openpgp.Entity
}

// Generate makes a new mailbox key and its locked form for the vault.
func (a Access) Generate() (Key, []byte, error) {
	entity, err := openpgp.NewEntity("", "", "", keyConfig())
	if err != nil {
		return Key{}, nil, fmt.Errorf("failed to generate a mailbox key: %w", err)
	}
	var locked bytes.Buffer
	if err := entity.EncryptPrivateKeys(a.secret, keyConfig()); err != nil {
		return Key{}, nil, fmt.Errorf("failed to lock a mailbox key: %w", err)
	}
	if err := entity.SerializePrivateWithoutSigning(&locked, keyConfig()); err != nil {
		return Key{}, nil, fmt.Errorf("failed to serialize a mailbox key: %w", err)
	}
	key, err := a.Unlock(locked.Bytes())
	return key, locked.Bytes(), err
}

// keyTime is what every mailbox key says of its making: an OpenPGP key carries
// the second, and the vault keeps no more of the time than the day (promise 5).
var keyTime = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// keyConfig is the desk's profile, so that replies are as safe as submissions.
// The lock is salted but not iterated: its passphrase comes from Argon2id.
func keyConfig() *packet.Config {
	return &packet.Config{
		V6Keys:        true,
		Algorithm:     packet.PubKeyAlgoMldsa65Ed25519,
		DefaultCipher: packet.CipherAES256,
		AEADConfig:    &packet.AEADConfig{DefaultMode: packet.AEADModeGCM},
		S2KConfig:     &s2k.Config{S2KMode: s2k.SaltedS2K, PassphraseIsHighEntropy: true},
		Time:          func() time.Time { return keyTime },
	}
}

// Unlock opens a locked key, or returns [ErrLocked].
func (a Access) Unlock(locked []byte) (Key, error) {
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(locked))
	if err != nil || len(ring) != 1 {
		return Key{}, ErrLocked
	}
	if err := ring[0].DecryptPrivateKeys(a.secret); err != nil {
		return Key{}, ErrLocked
	}
	return Key{entity: ring[0]}, nil
}

// Certificate returns the public parts in binary form: what replies and
// receipts are sealed to.
func (k Key) Certificate() ([]byte, error) {
	var b bytes.Buffer
	if err := k.entity.Serialize(&b); err != nil {
		return nil, fmt.Errorf("failed to serialize a mailbox certificate: %w", err)
	}
	return b.Bytes(), nil
}

// open decrypts a message sealed to the mailbox, of at most limit bytes.
func (k Key) open(message []byte, limit int64) ([]byte, error) {
	opened, err := openpgp.ReadMessage(bytes.NewReader(message), openpgp.EntityList{k.entity}, nil, &packet.Config{})
	if err != nil {
		return nil, ErrLocked
	}
	plain, err := io.ReadAll(io.LimitReader(opened.UnverifiedBody, limit+1))
	if err != nil || int64(len(plain)) > limit {
		return nil, ErrLocked
	}
	return plain, nil
}

package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"sourdine/vault"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
)

// Admin is what a command asks of a home.
type Admin interface {
	AddChannel(ctx context.Context, name string) error
	AddReviewer(ctx context.Context, channel string, rawCard []byte) (Reviewer, error)
	// ExportParcel writes a parcel with what follows the submission after, an id,
	// or with everything when it is empty, as much as fits into one parcel.
	ExportParcel(ctx context.Context, w io.Writer, after string) (Rest, error)
	ApplyParcel(ctx context.Context, r io.Reader) error
	Status(ctx context.Context) (Status, error)
	Close() error
}

// A Rest is what one parcel did not take.
type Rest struct {
	Count int    // of submissions
	After string // the id of the last one taken; empty when none was
}

// Errors that callers branch on, also across the control socket.
var (
	// ErrRefused: the card, name or parcel is not acceptable; the text says why.
	ErrRefused = errors.New("refused")
	// ErrUnsupported: this version cannot do it.
	ErrUnsupported = errors.New("not supported by this version")
	// ErrStorage: what was given is acceptable, but could not be kept.
	ErrStorage = errors.New("the vault could not be written")
)

// A Local works on a vault that this process has open.
type Local struct {
	home      Home
	vault     *vault.Vault
	secret    string // the vault's signing key
	publicKey string
	now       func() time.Time

	// Serving, when set, adds what only a running server knows.
	Serving func(*Status)
	// RosterChanged, when set, is called after a reviewer was added.
	RosterChanged func()
}

// Open opens the vault of a home. It returns [vault.ErrLocked] while a server
// runs; then [Connect] reaches it.
func Open(h Home) (*Local, error) {
	secret, err := h.readVaultKey()
	if err != nil {
		return nil, err
	}
	public, err := parcel.PublicKey(secret)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(h.Vault())
	if err != nil {
		return nil, err
	}
	return &Local{home: h, vault: v, secret: secret, publicKey: public, now: time.Now}, nil
}

// Vault is the open vault.
func (l *Local) Vault() *vault.Vault { return l.vault }

// Close closes the vault.
func (l *Local) Close() error { return l.vault.Close() }

// AddChannel creates a channel without reviewers.
func (l *Local) AddChannel(ctx context.Context, name string) error {
	switch err := l.vault.AddChannel(ctx, name); {
	case err == nil:
		return nil
	case l.isStorage(err):
		return fmt.Errorf("%w: %w", ErrStorage, err)
	default:
		return refused(err)
	}
}

// isStorage tells an error of the disk from one about what was given. The vault
// stops after every failed write but one to a full disk.
func (l *Local) isStorage(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, vault.ErrFailed) {
		return true
	}
	select {
	case <-l.vault.Failed():
		return true
	default:
		return false
	}
}

// refused marks an error as one about what was given, unless it is one that
// callers branch on already.
func refused(err error) error {
	switch {
	case errors.Is(err, vault.ErrExists), errors.Is(err, vault.ErrNotFound), errors.Is(err, vault.ErrClosed), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// AddReviewer puts the reviewer of a card (or of a bare certificate) on a
// channel's roster, after a test encryption.
func (l *Local) AddReviewer(ctx context.Context, channel string, rawCard []byte) (Reviewer, error) {
	c, err := card.Parse(rawCard)
	if err != nil {
		return Reviewer{}, refused(err)
	}
	certificate, err := seal.ParseCertificate([]byte(c.Certificate), l.now())
	if err != nil {
		return Reviewer{}, refused(err)
	}
	if c.ClientKey != "" {
		if _, err := clientkey.ParsePublic(c.ClientKey); err != nil {
			return Reviewer{}, refused(err)
		}
	}
	binary, err := certificate.Marshal()
	if err != nil {
		return Reviewer{}, err
	}
	member := vault.Member{
		Name: c.Name, Fingerprint: certificate.Fingerprint(), Certificate: binary,
		ClientKey: c.ClientKey, Added: l.now().UTC().Format(time.DateOnly),
	}
	switch _, err := l.vault.AddMember(ctx, channel, member); {
	case err != nil && l.isStorage(err):
		return Reviewer{}, fmt.Errorf("%w: %w", ErrStorage, err)
	case err != nil:
		return Reviewer{}, err // what was given has been checked
	}
	if l.RosterChanged != nil {
		l.RosterChanged()
	}
	return l.reviewer(member), nil
}

// ExportParcel writes an outbound parcel. Nothing is written before the errors
// that the vault and the id can have.
func (l *Local) ExportParcel(ctx context.Context, w io.Writer, after string) (Rest, error) {
	var id vault.ID
	if after != "" {
		var err error
		if id, err = vault.ParseID(after); err != nil {
			return Rest{}, refused(err)
		}
	}
	part, err := parcel.WriteAfter(ctx, w, l.vault, l.secret, id)
	if err != nil || part.Last == (vault.ID{}) {
		return Rest{Count: part.Left}, err
	}
	return Rest{Count: part.Left, After: part.Last.String()}, nil
}

// Parts lists what ExportParcel is given as after to carry everything, parcel by
// parcel: "" first.
func (l *Local) Parts(context.Context) ([]string, error) {
	ids, err := parcel.Parts(l.vault)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(ids))
	for i, id := range ids[1:] {
		parts[i+1] = id.String()
	}
	return parts, nil
}

// ApplyParcel will apply a return parcel; parcels of format version 1 go from
// the server to the desk only.
func (l *Local) ApplyParcel(_ context.Context, r io.Reader) error {
	start := make([]byte, 512) // a tar's first header
	if _, err := io.ReadFull(r, start); err != nil || !bytes.HasPrefix(start, []byte("parcel.note\x00")) {
		return fmt.Errorf("%w: the file is not a Sourdine parcel", ErrRefused)
	}
	return fmt.Errorf("return parcels are %w: parcels go from the server to the desk only", ErrUnsupported)
}

// ClientKeys lists the Tor client keys of all reviewers, each once.
func (l *Local) ClientKeys() ([]clientkey.Public, error) {
	rosters, err := l.vault.Channels()
	if err != nil {
		return nil, err
	}
	var keys []clientkey.Public
	seen := map[string]bool{}
	for _, roster := range rosters {
		for _, m := range roster.Members {
			if m.ClientKey == "" || seen[m.ClientKey] {
				continue
			}
			seen[m.ClientKey] = true
			key, err := clientkey.ParsePublic(m.ClientKey)
			if err != nil {
				return nil, fmt.Errorf("the client key of reviewer %s is damaged: %w", m.Fingerprint, err)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

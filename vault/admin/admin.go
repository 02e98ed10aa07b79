package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

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
	// RemoveReviewer takes a reviewer, named by fingerprint or name, off a channel's
	// roster.
	RemoveReviewer(ctx context.Context, channel, wanted string) (Removed, error)
	// ExportParcel writes an outbound parcel, as much as fits into one.
	ExportParcel(ctx context.Context, w io.Writer, e Export) (Rest, error)
	// ApplyParcel applies a desk's return parcel, all of what is allowed in it or
	// nothing, and returns the receipt.
	ApplyParcel(ctx context.Context, r io.Reader) (Receipt, error)
	Policy(ctx context.Context, channel string) (vault.Policy, error)
	SetPolicy(ctx context.Context, channel string, p vault.Policy) error
	// Retain deletes what the channels' policies want deleted today, or returns
	// [ErrPaused].
	Retain(ctx context.Context) (Retained, error)
	// ConfirmDay says that the clock's day is right.
	ConfirmDay(ctx context.Context, day string) error
	// Compact writes the vault anew without what was deleted.
	Compact(ctx context.Context) (Compacted, error)
	// Backup writes a backup of the home, sealed to an OpenPGP certificate.
	Backup(ctx context.Context, w io.Writer, certificate []byte) error
	Status(ctx context.Context) (Status, error)
	Close() error
}

// Errors that callers branch on, also across the control socket.
var (
	// ErrRefused: the card, name or parcel is not acceptable; the text says why.
	ErrRefused = errors.New("refused")
	// ErrNoReviewer: nobody has the fingerprint or name that was given.
	ErrNoReviewer = fmt.Errorf("%w: no reviewer", ErrRefused)
	// ErrStorage: what was given is acceptable, but could not be kept.
	ErrStorage = errors.New("the vault could not be written")
)

// A Local works on a vault that this process has open.
type Local struct {
	home       Home
	vault      *vault.Vault
	secret     string // the vault's signing key
	publicKey  string
	otherKey   bool // than the vault was made with; see CheckKey
	now        func() time.Time
	disk       func(dir string) (free, size uint64, err error)
	compacting compacting
	mailboxes  mailboxIndex

	passedOver   passedOver
	returns      *semaphore.Weighted // see returnMemory
	smallReturns *semaphore.Weighted

	// Serving, when set, adds what only a running server knows.
	Serving func(*Status)
	// RosterChanged, when set, is called after a reviewer was added or removed.
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
	l := &Local{home: h, vault: v, secret: secret, publicKey: public, now: time.Now, disk: diskSpace,
		returns: semaphore.NewWeighted(returnMemory), smallReturns: semaphore.NewWeighted(smallReturnMemory)}
	l.noteKeys(context.Background())
	h.removeEmptied()
	return l, nil
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
	for _, disk := range []error{vault.ErrFull, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EIO,
		vault.ErrFailed, vault.ErrGone, vault.ErrNotOverwritten} {
		if errors.Is(err, disk) {
			return true
		}
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
	before, _ := l.vault.Roster(channel) // only to tell what was done
	roster, err := l.vault.AddMember(ctx, channel, member)
	switch {
	case err != nil && l.isStorage(err):
		return Reviewer{}, fmt.Errorf("%w: %w", ErrStorage, err)
	case err != nil:
		return Reviewer{}, err // what was given has been checked
	}
	if l.RosterChanged != nil {
		l.RosterChanged()
	}
	at := slices.IndexFunc(roster.Members, func(m vault.Member) bool { return m.Fingerprint == member.Fingerprint })
	added := l.reviewer(roster.Members[at]) // with what they keep
	added.Renewed = len(before.Members) == len(roster.Members)
	return added, nil
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

package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sourdine/journalist-ui/casebook"
	"sourdine/vault/manifest"
	"sourdine/vault/order"
	"sourdine/vault/seal"
)

// Sealed replies are kept in the folder replies, for this desk to read again:
//
//	replies/SHA256.pgp    the sealed reply, an ordinary OpenPGP message
//	replies/SHA256.json   which submission it answers, and its mailbox
const (
	repliesName = "replies"
	sealedReply = ".pgp"
	aboutReply  = ".json"

	// MaxReplyText is the longest reply, in bytes of UTF-8.
	MaxReplyText = 64 << 10

	maxAboutReply = 4 << 10 // bytes
)

// Errors that callers branch on.
var (
	// ErrNoMailbox: the source left no address, or what came of it is damaged.
	ErrNoMailbox = errors.New("this submission has no mailbox to reply to")
	// ErrReplyText: a reply is empty, too long or not UTF-8.
	ErrReplyText = fmt.Errorf("a reply is text of 1 to %d bytes", MaxReplyText)
	// ErrNoRoster: the log of the vault has not told yet who reads the channel.
	ErrNoRoster = errors.New("this desk does not know the channel's reviewers yet: import a parcel first")
)

// A Reply is one that was written here.
type Reply struct {
	Submission string `json:"submission"`
	Mailbox    string `json:"mailbox"` // as [order.MailboxOf] names it
	Day        string `json:"day"`     // by this desk's clock, UTC
	Size       int64  `json:"size"`    // sealed, in bytes

	SHA256 string `json:"-"` // of the sealed reply
}

// Reply seals a text to the mailbox of a submission's source and to the
// reviewers of its channel. The next return parcel takes it along.
func (d *Desk) Reply(ctx context.Context, id, text string) (Reply, error) {
	if strings.TrimSpace(text) == "" || len(text) > MaxReplyText || !utf8.ValidString(text) {
		return Reply{}, ErrReplyText
	}
	s, err := d.book.Submission(ctx, id)
	if errors.Is(err, casebook.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return Reply{}, fmt.Errorf("submission %s: %w", id, err)
	}
	mailbox, err := d.mailboxOf(id)
	if err != nil {
		return Reply{}, fmt.Errorf("submission %s: %w", id, err)
	}
	now := time.Now()
	sealed, err := d.sealReply(s.Channel, mailbox, text, now)
	if err != nil {
		return Reply{}, err
	}
	name, err := order.MailboxOf(mailbox)
	if err != nil {
		return Reply{}, ErrNoMailbox
	}
	digest := sha256.Sum256(sealed)
	r := Reply{Submission: id, Mailbox: name, Day: dayOf(now), Size: int64(len(sealed)), SHA256: hex.EncodeToString(digest[:])}
	return r, d.keepReply(r, sealed)
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// mailboxOf returns the certificate in a submission's manifest.
func (d *Desk) mailboxOf(id string) ([]byte, error) {
	at, err := d.store().at(id)
	if err != nil {
		return nil, err
	}
	raw, err := d.openManifest(at)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(bytes.NewReader(raw))
	if err != nil || len(m.Mailbox) == 0 {
		return nil, ErrNoMailbox
	}
	return m.Mailbox, nil
}

// CanReply reports whether a submission has a mailbox.
func (d *Desk) CanReply(id string) bool {
	mailbox, err := d.mailboxOf(id)
	if err != nil {
		return false
	}
	_, err = order.MailboxOf(mailbox)
	return err == nil
}

func (d *Desk) sealReply(channel string, mailbox []byte, text string, now time.Time) ([]byte, error) {
	source, err := seal.ParseCertificate(mailbox, now)
	if err != nil {
		return nil, ErrNoMailbox
	}
	reviewers, err := d.reviewers(channel, now)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(append(seal.Roster{source}, reviewers...), now)
	if err != nil {
		return nil, fmt.Errorf("failed to seal a reply: %w", err)
	}
	message := bytes.NewBuffer(bytes.Clone(sealer.Envelope()))
	w, err := sealer.Item(message)
	if err == nil {
		err = writeAndClose(w, []byte(text))
	}
	if err != nil {
		return nil, fmt.Errorf("failed to seal a reply: %w", err)
	}
	if message.Len() > order.MaxReply {
		return nil, ErrReplyText
	}
	return message.Bytes(), nil
}

// keepReply stores the message first: without the other file it is nothing.
func (d *Desk) keepReply(r Reply, sealed []byte) error {
	folder := d.path(repliesName)
	if err := makeFolders(d.home, folder); err != nil {
		return err
	}
	if err := writeFile(folder, r.SHA256+sealedReply, sealed); err != nil {
		return err
	}
	about, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("failed to encode a reply: %w", err)
	}
	return writeFile(folder, r.SHA256+aboutReply, append(about, '\n'))
}

// replies lists what was written here, by day.
func (d *Desk) replies() ([]Reply, error) {
	entries, err := os.ReadDir(d.path(repliesName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed to look into the home: %w", err)
	}
	var all []Reply
	for _, e := range entries {
		digest, isAbout := strings.CutSuffix(e.Name(), aboutReply)
		if !isAbout || len(digest) != 2*sha256.Size {
			continue
		}
		raw, err := readFile(d.path(filepath.Join(repliesName, e.Name())), maxAboutReply)
		if err != nil {
			return nil, fmt.Errorf("failed to read a reply: %w", err)
		}
		r := Reply{SHA256: digest}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("the home's %s/%s is damaged", repliesName, e.Name())
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Reply) int { return strings.Compare(a.Day+a.SHA256, b.Day+b.SHA256) })
	return all, nil
}

// ReplyText opens a reply that was written here.
func (d *Desk) ReplyText(r Reply) (string, error) {
	message, err := d.sealedReply(r.SHA256)
	if err != nil {
		return "", err
	}
	plain, err := d.key.OpenMessage(message, MaxReplyText)
	if err != nil {
		return "", fmt.Errorf("a reply: %w", err)
	}
	return string(plain), nil
}

func (d *Desk) sealedReply(digest string) ([]byte, error) {
	message, err := readFile(d.path(filepath.Join(repliesName, digest+sealedReply)), order.MaxReply)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("a reply: %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read a reply: %w", err)
	}
	return message, nil
}
